/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of the record.  Thread 1 builds a record (event.h) and puts it; one thread of its own
 * appends it to the ledger, syncs in groups, and reports back.  Thread 1 never waits for the disk.
 *
 *   thread 1                          writer thread
 *   gh_audit_put ---- record ------>  splice seq and prev, write, fdatasync (one group)
 *   done(arg, 0) <--- record -------  after the group is on disk
 *
 * A group is what came within 20 ms: the first record after a pause is written at once, and there
 * are at most 50 syncs a second.
 *
 * Room.  The queue is bounded in records and octets, from put until done.  Every admitted call
 * reserves room for its end record, so that record is always taken.  Reservations take at most half
 * of the bound; other records are refused (and counted) once what is left is used up.
 *
 * A disk that fails (full, I/O error).  Nothing half written stays: the file is cut back to the
 * last synced record.  The records are kept and tried again every second; on_state tells when it
 * began and ended.  Records for which there was no room meanwhile are lost: the first record that
 * fits again is preceded by one of type audit.dropped with their number and the time of the first
 * and last.
 *
 * Other hands.  A ledger file that is removed, moved, cut or written to while the daemon runs is
 * noticed before the next record, and within a second when there is none.  It counts as a disk that
 * fails until a new file has been begun, which is tried at once and then every second.
 *
 * Thread: all functions on thread 1, the thread of the loop.  Callbacks come on thread 1.
 */
#ifndef GH_AUDIT_WRITER_H
#define GH_AUDIT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gatehouse/err.h>
#include <gatehouse/span.h>

#include "audit/event.h"

#define GH_AUDIT_RECORDS_MAX 65536                  /* default bound of the queue, records */
#define GH_AUDIT_OCTETS_MAX ((size_t)256 << 20)     /* default bound of the queue, octets */
#define GH_AUDIT_RESERVE_LEN 4096                   /* octets held for one reserved record */
#define GH_AUDIT_GROUP_MS 20                        /* shortest time between two syncs */
#define GH_AUDIT_RETRY_MS 1000                      /* between two tries on a disk that fails */
#define GH_AUDIT_LOOK_MS 1000                       /* between two looks without records */
#define GH_AUDIT_FOLD_MAX 256                       /* sources folded at once; more share one */
#define GH_AUDIT_FOLD_MS 1000                       /* one counted record in this time */
#define GH_AUDIT_ROTATE_OCTETS ((uint64_t)256 << 20) /* default length at which a new file begins */
#define GH_AUDIT_WHY_MAX 512

struct gh_audit;

/**
 * The record is on disk (err 0), or will never be: the error of the last try.  Called exactly once
 * for each accepted put, in the order of the puts, never from inside gh_audit_put().  @arg must
 * live till then.
 */
typedef void (*gh_audit_done_fn)(void *arg, int err);

/**
 * Writing began to fail with @err, fails now in another way, or succeeds again (0).  GH_EBROKEN:
 * other hands moved, removed or changed the file; what was on disk there may be lost.
 * @why  one sentence: which file, what happened, what to do; empty with 0.  Lives during the call
 */
typedef void (*gh_audit_state_fn)(void *arg, int err, const char *why);

struct gh_audit_options {
    const char *directory;      /* made with mode 0700 if it is not there; its parent must exist */
    void *uv_loop;              /* uv_loop_t of thread 1: callbacks come from it */
    int64_t wall_us;            /* now, for records about what was found on opening */
    size_t max_records;         /* 0: GH_AUDIT_RECORDS_MAX */
    size_t max_octets;          /* 0: GH_AUDIT_OCTETS_MAX */
    uint64_t rotate_octets;     /* 0: GH_AUDIT_ROTATE_OCTETS */
    gh_audit_state_fn on_state; /* may be NULL */
    void *arg;                  /* of on_state */
};

/**
 * Open the ledger for writing and start the thread.
 *
 * @why  on failure, one sentence that names the file and what to do; may be NULL
 * @return 0; GH_EEXISTS (another process writes this ledger), GH_EAUTH (owner or mode of directory
 * or file), GH_EBROKEN (the end of the ledger cannot be read), GH_ENOMEM, or -errno.
 */
int gh_audit_open(struct gh_audit **out, const struct gh_audit_options *options,
                  char why[GH_AUDIT_WHY_MAX]);

/**
 * Append a record.
 *
 * @event  taken on every path
 * @done   may be NULL
 * @return 0; GH_EFULL (no room: the record is lost and counted), the event's own error (also
 * counted), GH_ECLOSED (after stop).  On error @done is not called.
 */
int gh_audit_put(struct gh_audit *audit, struct gh_event *event, gh_audit_done_fn done, void *arg);

/**
 * The same with room that gh_audit_reserve() held; never GH_EFULL.
 * The reservation is used up on success only: after an error put a smaller record, or unreserve.
 */
int gh_audit_put_reserved(struct gh_audit *audit, struct gh_event *event, gh_audit_done_fn done,
                          void *arg);

/** Hold room for one record.  @return 0 or GH_EFULL: do not admit the call, AUDIT_BACKLOG */
int gh_audit_reserve(struct gh_audit *audit);
void gh_audit_unreserve(struct gh_audit *audit);

/** More than half of the room that is not reserved is used, or nothing more can be reserved: refuse
 *  new calls with GH_REASON_AUDIT_BACKLOG. */
bool gh_audit_backlogged(const struct gh_audit *audit);

/** 0, or why the last try to write failed: with audit.on_error refuse_calls, refuse new calls with
 *  GH_REASON_AUDIT_FAILED. */
int gh_audit_error(const struct gh_audit *audit);

/**
 * For what an attacker can repeat at will (policy.refuse, tls.refuse).  The first record of a type,
 * reason and source is put at once.  Repeats within a second are counted, and one record (the first
 * repeat, with "count" and "last_ts" added) stands for them.  Beyond GH_AUDIT_FOLD_MAX sources, the
 * others share one record of the type and reason, marked "sources":"many".
 *
 * @event   taken on every path; must not have fields of these three names
 * @reason  gh_reason_name()
 * @source  address of the peer without port; copied, cut at 64 octets
 * @now_ms  monotonic
 * @return  0 (put, or counted), or as gh_audit_put()
 */
int gh_audit_put_folded(struct gh_audit *audit, struct gh_event *event, const char *reason,
                        struct gh_span source, uint64_t now_ms);

/** Put the counted records that are due.  Call it every second or more often. */
void gh_audit_tick(struct gh_audit *audit, uint64_t now_ms);

struct gh_audit_stats {
    uint64_t records;        /* on disk since open */
    uint64_t groups;         /* syncs that succeeded */
    uint64_t failures;       /* tries to write or sync that failed */
    uint64_t dropped;        /* records lost: no room, or not buildable */
    uint64_t folded;         /* repeats that only count */
    size_t queued;           /* records put and not done */
    size_t queued_octets;
    size_t reserved;
    uint64_t seq;            /* of the last record on disk that thread 1 knows of; 0: none */
};

void gh_audit_stats(const struct gh_audit *audit, struct gh_audit_stats *out);

/**
 * Stop cleanly: counted records are put, all records are written and synced (one last try if the
 * disk fails), every done is called, then @stopped with 0 or the error that kept records from the
 * disk. Put daemon.stop just before.  The loop must run for this; nothing is taken any more.  A
 * second stop does nothing.
 */
void gh_audit_stop(struct gh_audit *audit, gh_audit_done_fn stopped, void *arg);

/** The same for a failed start or a test: waits for the thread.  Each done that is still due is
 * called from gh_audit_free. */
void gh_audit_stop_now(struct gh_audit *audit);

/** After @stopped was called, or gh_audit_stop_now, and the loop ran once more (it closes a
 * handle). NULL is fine. */
void gh_audit_free(struct gh_audit *audit);

#endif
