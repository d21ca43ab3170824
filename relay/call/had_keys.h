/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that one side of a stream ever had in force, by their running numbers.  Unlike the keys of its newest sets,
 * of which reports may still come, none is forgotten before the stream's m-line is.
 * Thread: the signalling thread.
 */
#ifndef GH_HAD_KEYS_H
#define GH_HAD_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GH_HAD_KEYS_MAX 4096 /* as many as the media plane's GH_RETIRED_MAX */

/* Zero: none. */
struct gh_had_keys {
    uint32_t *numbers;
    size_t count, room;
    bool full; /* some number could not be kept: any could be that one */
};

void gh_had_keys_fini(struct gh_had_keys *had);
void gh_had_keys_add(struct gh_had_keys *had, const uint32_t *numbers, size_t count);
/** Was any of these in force? */
bool gh_had_keys_any(const struct gh_had_keys *had, const uint32_t *numbers, size_t count);

#endif
