/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where SDP says that a side's media is, from one description to the next: what is a change of
 * address, for the record.  Placeholders (0.0.0.0, port 0) name nobody: a call that is held by one and
 * comes back to the address of before has not moved.  What packets say of their source is the media
 * plane's to tell (media.h: LATCHED, MOVED).
 *
 * Pure.  Thread: signalling.
 */
#ifndef GH_NAMED_H
#define GH_NAMED_H

#include "call/negotiate.h"

enum { GH_NAMED_RTP = 0, GH_NAMED_RTCP = 1, GH_NAMED_COUNT };

/* Of one side of one m-line.  Zeroed is ready: none was named. */
struct gh_named {
    struct gh_addr addr[GH_NAMED_COUNT]; /* the newest that was no placeholder; family 0: none */
};

/**
 * What a description says now.
 * @near    as agreed; with rtcp_mux RTCP is where RTP is, and goes with it without being told again
 * @before  written where the result has a bit: the address that was named before
 * @return  1 << GH_NAMED_RTP, 1 << GH_NAMED_RTCP: another one than before.  The first one is no change
 */
unsigned gh_named_take(struct gh_named *named, const struct gh_neg_side *near,
                       struct gh_addr before[GH_NAMED_COUNT]);

#endif
