/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: a list of blocks, each filled from its start. */
#include "config/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_OCTETS (64UL * 1024)

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char octets[];
};

struct gh_config_arena {
    struct block *blocks; /* the newest first */
    size_t used, limit;
    int err;
};

int gh_config_arena_new(struct gh_config_arena **out, size_t limit)
{
    struct gh_config_arena *arena = calloc(1, sizeof(*arena));

    if (!arena)
        return GH_ENOMEM;
    arena->limit = limit;
    *out = arena;
    return 0;
}

void gh_config_arena_free(struct gh_config_arena *arena)
{
    if (!arena)
        return;
    while (arena->blocks) {
        struct block *block = arena->blocks;

        arena->blocks = block->next;
        explicit_bzero(block->octets, block->size);
        free(block);
    }
    free(arena);
}

static struct block *add_block(struct gh_config_arena *arena, size_t size)
{
    struct block *block;

    if (size < BLOCK_OCTETS)
        size = BLOCK_OCTETS;
    block = calloc(1, sizeof(*block) + size);
    if (!block)
        return NULL;
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *gh_config_arena_take(struct gh_config_arena *arena, size_t count, size_t size)
{
    const size_t step = alignof(max_align_t);
    struct block *block = arena->blocks;
    size_t octets;
    void *p;

    /* Nothing is larger than the limit, so the product and the rounding below cannot wrap. */
    if (size && count > arena->limit / size) {
        arena->err = GH_ELIMIT;
        return NULL;
    }
    octets = (count * size + step - 1) / step * step;
    if (octets == 0)
        octets = step;
    if (octets > arena->limit - arena->used) {
        arena->err = GH_ELIMIT;
        return NULL;
    }
    if (!block || octets > block->size - block->used)
        block = add_block(arena, octets);
    if (!block) {
        arena->err = GH_ENOMEM;
        return NULL;
    }
    p = block->octets + block->used;
    block->used += octets;
    arena->used += octets;
    return p;
}

char *gh_config_arena_text(struct gh_config_arena *arena, struct gh_span text)
{
    char *copy = gh_config_arena_take(arena, text.len + 1, 1);

    if (copy && text.len)
        memcpy(copy, text.p, text.len);
    return copy;
}

char *gh_config_arena_printf(struct gh_config_arena *arena, const char *format, ...)
{
    va_list args;
    char *text;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    text = len < 0 ? NULL : gh_config_arena_take(arena, (size_t)len + 1, 1);
    if (text) {
        va_start(args, format);
        vsnprintf(text, (size_t)len + 1, format, args);
        va_end(args);
    }
    return text;
}

int gh_config_arena_err(const struct gh_config_arena *arena)
{
    return arena->err;
}

size_t gh_config_arena_used(const struct gh_config_arena *arena)
{
    return arena->used;
}
