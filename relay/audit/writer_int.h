/* SPDX-License-Identifier: Apache-2.0 */
/* The writer from inside: writer.c is thread 1's side, writer_thread.c the other, fold.c counts
 * repeats. */
#ifndef GH_AUDIT_WRITER_INT_H
#define GH_AUDIT_WRITER_INT_H

#include <pthread.h>

#include "audit/event_int.h"
#include "audit/ledger.h"
#include "audit/writer.h"

/* ---- messages that are no records ---- */

/* Writer to thread 1: a try failed, or succeeded after one that failed. */
struct gh_audit_news {
    struct gh_msg msg;
    int err;
    char why[GH_AUDIT_WHY_MAX]; /* empty when err is 0 */
};

/* ---- fold.c ---- */

#define GH_FOLD_REASON_MAX 48
#define GH_FOLD_SOURCE_MAX 64
#define GH_FOLD_SHARED_MAX 64 /* types and reasons of the records that stand for many sources */

struct gh_fold_entry {
    bool used;
    char type[GH_EVENT_TYPE_MAX + 1];
    char reason[GH_FOLD_REASON_MAX + 1];
    char source[GH_FOLD_SOURCE_MAX];
    size_t source_len;
    uint64_t since_ms;      /* when its second began */
    uint64_t count;         /* repeats in it */
    int64_t last_us;
    struct gh_event *kept;  /* the first repeat */
};

struct gh_fold {
    struct gh_fold_entry own[GH_AUDIT_FOLD_MAX];
    struct gh_fold_entry shared[GH_FOLD_SHARED_MAX]; /* when own is full */
};

/** Whether @event repeats what was put less than a second ago.  It is taken then.  If not, its
 * second begins now, and the caller puts it. */
bool gh_fold_take(struct gh_fold *fold, struct gh_event *event, const char *reason,
                  struct gh_span source, uint64_t now_ms);

/** The next counted record whose second is over, or of any second with @all; NULL: none.  The
 * caller owns it. */
struct gh_event *gh_fold_due(struct gh_fold *fold, uint64_t now_ms, bool all);

void gh_fold_fini(struct gh_fold *fold);

/* ---- the object ---- */

enum gh_audit_phase { GH_AUDIT_RUNNING = 0, GH_AUDIT_STOPPING, GH_AUDIT_STOPPED };

struct gh_audit {
    struct gh_ledger *ledger;       /* the writer thread's from start to join */
    struct gh_mailbox *to_writer, *to_loop;
    pthread_t thread;
    /* thread 1 */
    enum gh_audit_phase phase;
    size_t max_records, max_octets;
    gh_audit_state_fn on_state;
    void *state_arg;
    gh_audit_done_fn stopped;
    void *stopped_arg;
    int err;                        /* what the writer said last */
    int lost_err; /* why records could not be written at stop; 0: all are on disk */
    uint64_t dropped_now;           /* since the last audit.dropped record */
    int64_t dropped_first_us, dropped_last_us;
    struct gh_audit_stats stats;
    struct gh_fold fold;
    struct gh_msg stop;             /* crosses once each way */
    _Atomic uint64_t groups, failures; /* counted by the writer thread */
};

/** Entry of the thread. */
void *gh_audit_thread(void *audit);

#endif
