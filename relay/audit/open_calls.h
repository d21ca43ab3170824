/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that have begun and not ended, by their id, while a ledger is read.  Thread: one at a time.
 */
#ifndef GH_AUDIT_OPEN_CALLS_H
#define GH_AUDIT_OPEN_CALLS_H

#include "audit/line.h"
#include "audit/lost.h"

struct gh_open_calls;

struct gh_open_call {
    struct gh_lost_call known;
    uint64_t file_index, number; /* where its call.start stands */
};

/** @return NULL without memory */
struct gh_open_calls *gh_open_calls_new(void);
void gh_open_calls_free(struct gh_open_calls *calls);

/**
 * A record of a call: call.start opens it, call.end and call.lost close it, any other tells its
 * grade and that it was alive.  Records of other types, or without a call, change nothing.
 * @return 0 or GH_ENOMEM
 */
int gh_open_calls_note(struct gh_open_calls *calls, const struct gh_line *line,
                       const struct gh_record_line *at);

/** What call.end does, for who knows the id already.  Nothing if it is not open. */
void gh_open_calls_end(struct gh_open_calls *calls, const char *call);

/** NULL: not open.  Valid until the next note. */
const struct gh_open_call *gh_open_calls_find(const struct gh_open_calls *calls, const char *call);

/** The call that began first, or the one that began after @call; NULL: no more. */
const struct gh_open_call *gh_open_calls_next(const struct gh_open_calls *calls,
                                              const struct gh_open_call *call);

#endif
