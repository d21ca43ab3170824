/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the node began to be too busy for new calls, and when that was over: one line of the log for
 * each, whatever number of calls was refused between them.
 *
 *   a look finds it busy                                  begins
 *   no look has for GH_OVERLOAD_CALM_MS                   ends: busy again sooner is still the same
 *
 * Whether a call is refused is not asked here.  Pure.  Thread: any, one at a time.
 */
#ifndef GH_OVERLOAD_H
#define GH_OVERLOAD_H

#include "media/media.h"

#define GH_OVERLOAD_CALM_MS 5000

/* Zeroed is ready: not busy. */
struct gh_overload {
    bool on;
    uint64_t since_ms, seen_ms; /* first and newest look that found it busy */
    uint64_t refused;           /* calls, by whoever refuses them */
    struct gh_media_load worst; /* of each figure but lag_worst_ms, over the looks since it began */
};

enum gh_overload_change { GH_OVERLOAD_SAME = 0, GH_OVERLOAD_BEGINS, GH_OVERLOAD_ENDS };

/**
 * A look at the load.
 * @busy    what gh_media_is_too_much says of it
 * @now_ms  monotonic
 * @return whether there is something to tell; after ENDS the other members say of what is over, until the next look
 */
enum gh_overload_change gh_overload_look(struct gh_overload *overload, bool busy,
                                         const struct gh_media_load *load, uint64_t now_ms);

#endif
