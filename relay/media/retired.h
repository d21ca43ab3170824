/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys whose contexts are gone for good.  A context made once more for such a key would send a keystream again, or take
 * a replay, so that key is not taken again.  Kept is a mark of each, from which no key can be told.
 * Thread: the worker that owns the stream.
 */
#ifndef GH_RETIRED_H
#define GH_RETIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/secret.h"

/* Keys of one direction of one side, which may change four at a time; beyond, no new one is taken.  A peer that does so
 * each 90 s (RFC 4028 section 4) comes to it in a day. */
#define GH_RETIRED_MAX 4096

/* Zero: none. */
struct gh_retired {
    uint64_t *marks;
    size_t count, room;
    bool full; /* some key could not be marked: any could be that one */
};

void gh_retired_fini(struct gh_retired *retired);
void gh_retired_add(struct gh_retired *retired, const struct gh_secret *key);
bool gh_retired_has(const struct gh_retired *retired, const struct gh_secret *key);

#endif
