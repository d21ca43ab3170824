/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that a crash cut off: a call.start with neither call.end nor call.lost.  The daemon reads
 * them once at start, before it puts a record of its own, and writes call.lost for each.
 */
#ifndef GH_AUDIT_LOST_H
#define GH_AUDIT_LOST_H

#include <gatehouse/record.h>

#include "audit/event.h"

#define GH_LOST_WORD_MAX 64 /* octets of a call id, grade or number kept here, with NUL */

/* What the ledger last knew of a call.  Texts are as they stand in the record, cut. */
struct gh_lost_call {
    char call[GH_LOST_WORD_MAX];
    char from[GH_LOST_WORD_MAX];        /* of call.start; empty: not there */
    char to[GH_LOST_WORD_MAX];
    char trunk[GH_LOST_WORD_MAX];       /* the caller's */
    char grade[GH_LOST_WORD_MAX];       /* of its newest record that has one; "none" without */
    char start_ts[GH_RECORD_TIME_MAX];  /* of call.start */
    char last_ts[GH_RECORD_TIME_MAX];   /* of the newest record of the call: unknown since then */
};

typedef void (*gh_lost_fn)(void *arg, const struct gh_lost_call *lost);

/**
 * Scan a ledger for lost calls, oldest first.  Reads the ledger once for starts and ends, and once
 * more from the oldest lost call on; only lines of calls are looked at.  Lines that cannot be read
 * are passed over: verify names them.
 *
 * @fn  may put records: the reading is over by then
 * @return 0 (also when there is no ledger yet), GH_ENOMEM, or -errno.  Any thread.
 */
int gh_lost_scan(const char *directory, gh_lost_fn fn, void *arg);

/**
 * The record for such a call, ready to be put: "call", "from", "to", "trunk", "grade" (the last
 * known), "start_ts", "unknown_since".
 * @wall_us  now
 * @return as gh_event_new()
 */
struct gh_event *gh_lost_event(const struct gh_lost_call *lost, int64_t wall_us);

#endif
