/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the memory of keys share: short words for its inputs. */
#ifndef GH_TEST_SUPPORT_KEY_MEMORY_H
#define GH_TEST_SUPPORT_KEY_MEMORY_H

#include "call/key_memory.h"

#include "support/check.h"

#define A 0
#define B 1

static struct gh_seen_keys *memory;
static struct gh_key_seen seen;
static int64_t clock_us = 1000;

static inline void begin(size_t exposed, size_t places)
{
    struct gh_key_memory_limits limits = { exposed, places };

    gh_key_memory_free(memory);
    memory = NULL;
    CHECK_INT(gh_key_memory_new(&memory, &limits), 0);
}

/* Key number @n: of the length of AES_CM_128's. */
static inline struct gh_secret key(uint32_t n)
{
    uint8_t octets[30] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), 1 };
    struct gh_secret secret = { .len = 0 };

    gh_secret_set(&secret, octets, sizeof(octets));
    return secret;
}

/* Trunk 1 on side a and 2 on side b; a dialog and an INVITE for each leg. */
static inline struct gh_key_place at(uint64_t call, int side, unsigned mline)
{
    return (struct gh_key_place){ .call = call,
                                  .side = side,
                                  .mline = mline,
                                  .trunk = side == A ? 1 : 2,
                                  .dialog = 2 * call + (uint64_t)side,
                                  .invite = 1000 + 2 * call + (uint64_t)side };
}

static inline enum gh_key_memory declare(uint32_t n, struct gh_key_place place)
{
    struct gh_secret secret = key(n);

    CHECK_INT(gh_key_memory_declare(memory, &secret, &place, clock_us++, &seen), 0);
    return seen.seen;
}

static inline void wrote(uint32_t n, struct gh_key_place place)
{
    struct gh_secret secret = key(n);

    CHECK_INT(gh_key_memory_wrote(memory, &secret, &place, clock_us++), 0);
}

static inline struct gh_key_calls expose(uint32_t n, gh_trunk_id source)
{
    struct gh_secret secret = key(n);
    struct gh_key_calls calls = { .count = 99 };

    CHECK_INT(gh_key_memory_expose(memory, &secret, source, clock_us++, &calls), 0);
    return calls;
}

#endif
