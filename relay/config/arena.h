/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is taken piece by piece and given back at once.  A load has two: one for the
 * snapshot, one for texts, nodes and messages that end with the load.  A failure sticks: whoever
 * took memory may go on and ask once, at the end, whether all of it was there.
 */
#ifndef GH_CONFIG_ARENA_H
#define GH_CONFIG_ARENA_H

#include <gatehouse/err.h>
#include <gatehouse/span.h>

struct gh_config_arena;

/** @limit  octets that may be taken in all.  @return 0 or GH_ENOMEM */
int gh_config_arena_new(struct gh_config_arena **out, size_t limit);

/** Overwrites what it held: a source text may hold a password.  NULL is fine. */
void gh_config_arena_free(struct gh_config_arena *arena);

/** Zeroed memory for @count objects of @size octets, aligned for any type.  @return NULL: see
 * _err */
void *gh_config_arena_take(struct gh_config_arena *arena, size_t count, size_t size);

/** A copy of @text with a NUL behind it. */
char *gh_config_arena_text(struct gh_config_arena *arena, struct gh_span text);

/** Formatted text. */
char *gh_config_arena_printf(struct gh_config_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** @return 0, or why memory was once refused: GH_ENOMEM or GH_ELIMIT (@limit reached) */
int gh_config_arena_err(const struct gh_config_arena *arena);

/** Octets taken so far. */
size_t gh_config_arena_used(const struct gh_config_arena *arena);

#endif
