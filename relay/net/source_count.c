/* SPDX-License-Identifier: Apache-2.0 */
#include "net/source_count.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/hash.h"

#define BUCKETS 1024 /* a power of two; the cap of all connections keeps the chains short */

struct source {
    struct source *next;
    uint64_t prefix; /* IPv4: the address; IPv6: its first 64 bits */
    uint32_t count;
    uint8_t family;
};

struct gh_source_count {
    uint64_t seed; /* random, so that nobody can choose addresses of one bucket */
    struct source *buckets[BUCKETS];
};

int gh_source_count_new(struct gh_source_count **out)
{
    struct gh_source_count *counts = calloc(1, sizeof(*counts));
    int err = counts ? gh_random(&counts->seed, sizeof(counts->seed)) : GH_ENOMEM;

    if (err) {
        free(counts);
        return err;
    }
    *out = counts;
    return 0;
}

void gh_source_count_free(struct gh_source_count *counts)
{
    if (!counts)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct source *s, *next;

        for (s = counts->buckets[i]; s; s = next) {
            next = s->next;
            free(s);
        }
    }
    free(counts);
}

static uint64_t prefix_of(const struct gh_addr *source)
{
    uint64_t prefix = 0;

    memcpy(&prefix, source->ip, source->family == 6 ? 8 : 4);
    return prefix;
}

/* The link that holds the source, or the end of its chain. */
static struct source **find(struct gh_source_count *counts, const struct gh_addr *source)
{
    uint64_t prefix = prefix_of(source), hash = (prefix ^ counts->seed) * 0x9e3779b97f4a7c15u;
    struct source **link;

    hash = (hash ^ (hash >> 32) ^ source->family) * (counts->seed | 1);
    for (link = &counts->buckets[(hash >> 40) & (BUCKETS - 1)]; *link; link = &(*link)->next) {
        if ((*link)->prefix == prefix && (*link)->family == source->family)
            break;
    }
    return link;
}

int gh_source_count_add(struct gh_source_count *counts, const struct gh_addr *source, uint32_t max)
{
    struct source **link = find(counts, source);

    if (*link ? (*link)->count >= max : max == 0)
        return GH_EFULL;
    if (!*link) {
        struct source *fresh = calloc(1, sizeof(*fresh));

        if (!fresh)
            return GH_ENOMEM;
        fresh->prefix = prefix_of(source);
        fresh->family = source->family;
        *link = fresh;
    }
    (*link)->count++;
    return 0;
}

bool gh_source_count_has(struct gh_source_count *counts, const struct gh_addr *source)
{
    return *find(counts, source) != NULL;
}

void gh_source_count_drop(struct gh_source_count *counts, const struct gh_addr *source)
{
    struct source **link = find(counts, source), *gone = *link;

    assert(gone && gone->count);
    if (!gone || --gone->count)
        return;
    *link = gone->next;
    free(gone);
}
