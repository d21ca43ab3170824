/* SPDX-License-Identifier: Apache-2.0 */
/* Answers for as long as they are good.  Names come from the configuration, so there are few. */
#include "net/dns_int.h"

#include <stdlib.h>

struct entry {
    enum gh_dns_kind kind; /* 0: free */
    char name[GH_DNS_NAME_MAX + 1];
    uint64_t good_until_ms;
    int err;
    struct gh_dns_record *records;
    size_t count;
};

struct gh_dns_cache {
    struct entry entries[GH_DNS_CACHE_MAX];
};

int gh_dns_cache_new(struct gh_dns_cache **out)
{
    struct gh_dns_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return GH_ENOMEM;
    *out = cache;
    return 0;
}

void gh_dns_cache_clear(struct gh_dns_cache *cache)
{
    for (size_t i = 0; i < GH_DNS_CACHE_MAX; i++) {
        free(cache->entries[i].records);
        cache->entries[i] = (struct entry){ 0 };
    }
}

void gh_dns_cache_free(struct gh_dns_cache *cache)
{
    if (!cache)
        return;
    gh_dns_cache_clear(cache);
    free(cache);
}

static struct entry *find(struct gh_dns_cache *cache, enum gh_dns_kind kind, const char *name)
{
    for (size_t i = 0; i < GH_DNS_CACHE_MAX; i++) {
        struct entry *e = &cache->entries[i];

        /* RFC 4343: names compare without case. */
        if (e->kind == kind && gh_span_ieq(gh_span_str(e->name), gh_span_str(name)))
            return e;
    }
    return NULL;
}

/* A free one, else the one that ends first. */
static struct entry *make_room(struct gh_dns_cache *cache)
{
    struct entry *oldest = &cache->entries[0];

    for (size_t i = 0; i < GH_DNS_CACHE_MAX; i++) {
        struct entry *e = &cache->entries[i];

        if (!e->kind)
            return e;
        if (e->good_until_ms < oldest->good_until_ms)
            oldest = e;
    }
    return oldest;
}

void gh_dns_cache_put(struct gh_dns_cache *cache, enum gh_dns_kind kind, const char *name, int err,
                      const struct gh_dns_record *records, size_t count, uint64_t now_ms,
                      uint64_t ttl_ms)
{
    struct entry *e = find(cache, kind, name);
    struct gh_dns_record *copy = NULL;

    if (count) {
        copy = calloc(count, sizeof(*copy));
        if (!copy)
            return;
        memcpy(copy, records, count * sizeof(*copy));
    }
    if (!e)
        e = make_room(cache);
    free(e->records);
    *e = (struct entry){
        .kind = kind, .good_until_ms = now_ms + ttl_ms, .err = err, .records = copy, .count = count
    };
    snprintf(e->name, sizeof(e->name), "%s", name);
}

bool gh_dns_cache_get(struct gh_dns_cache *cache, enum gh_dns_kind kind, const char *name,
                      uint64_t now_ms, int *err, struct gh_dns_record records[GH_DNS_RECORDS_MAX],
                      size_t *count, uint64_t *ttl_ms)
{
    const struct entry *e = find(cache, kind, name);

    if (!e || e->good_until_ms <= now_ms)
        return false;
    *err = e->err;
    *count = e->count;
    *ttl_ms = e->good_until_ms - now_ms;
    if (e->count)
        memcpy(records, e->records, e->count * sizeof(*records));
    return true;
}
