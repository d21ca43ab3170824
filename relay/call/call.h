/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The B2BUA: two dialogs make a call, one on each trunk, with identifiers of our own on each leg (RFC 7092
 * section 3.1.3: signalling and media plane B2BUA).  Here sip, policy, media, trunk and audit are joined; every
 * message passes the key gate on arrival, and again in the octets that leave.
 *
 * Thread: signalling, for everything.
 */
#ifndef GH_CALL_H
#define GH_CALL_H

#include <stdio.h>

#include "audit/writer.h"
#include "config/config.h"
#include "net/loop.h"

struct gh_calls;

struct gh_calls_params {
    struct gh_loop *loop;
    struct gh_config *config; /* one reference is taken */
    struct gh_audit *audit;   /* borrowed */
    FILE *trace;              /* NULL, or where messages go with their keys blanked; borrowed */
};

/** Start media workers, trunks and transactions; nothing listens yet.
 *  @text  on failure: what, for the operator.  @return 0 or an error */
int gh_calls_new(struct gh_calls **out, const struct gh_calls_params *params, char *text, size_t text_len);

/** Open the listeners.  @return 0 or a system error with @text */
int gh_calls_listen(struct gh_calls *calls, char *text, size_t text_len);

typedef void (*gh_calls_fn)(void *arg);

/**
 * End every call with BYE or 503 and its record, close the listeners and connections, then call @drained once.
 * A call that does not end within 5 s is dropped; its record is written all the same.
 */
void gh_calls_stop(struct gh_calls *calls, gh_calls_fn drained, void *arg);

/** After @drained, and after the loop has ended.  NULL is fine. */
void gh_calls_free(struct gh_calls *calls);

struct gh_calls_counters {
    uint64_t calls;        /* admitted since the start */
    uint64_t refused;      /* messages refused since the start */
    uint64_t records_late; /* a call ended before its record was on disk */
    uint64_t now;          /* calls under way */
};
void gh_calls_counters(const struct gh_calls *calls, struct gh_calls_counters *out);

#endif
