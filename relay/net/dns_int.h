/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of dns share: dns.c (c-ares on the loop, lookups), dns_records.c (SRV answers and
 * their order), dns_cache.c (answers for a while).
 */
#ifndef GH_DNS_INT_H
#define GH_DNS_INT_H

#include "net/dns.h"

/* One host: what an SRV record names, or what was asked for. */
struct gh_dns_record {
    uint16_t priority, weight, port;
    char name[GH_DNS_NAME_MAX + 1];
    struct gh_addr addrs[GH_DNS_ADDRS_MAX]; /* no ports */
    size_t addr_count;
};

/* ---- dns_records.c --------------------------------------------------------------- */

/**
 * The SRV records of a raw answer.  Records that make no sense (odd name, port 0) and the root
 * target, which says that there is no such service, are left out.
 * Source: RFC 1035 section 4, RFC 2782
 * @ttl_s   least TTL of the answer section; written on success
 * @return 0, GH_ENOTFOUND (none is left) or GH_ESYNTAX
 */
int gh_dns_parse_srv(const uint8_t *octets, size_t len,
                     struct gh_dns_record records[GH_DNS_RECORDS_MAX], size_t *count,
                     uint32_t *ttl_s);

/** @return a number below @bound, which is not 0 */
typedef uint32_t (*gh_dns_draw_fn)(uint32_t bound);
uint32_t gh_dns_draw(uint32_t bound);

/** Order by priority, and at random by weight within one.       Source: RFC 2782, "Weight" */
void gh_dns_order(struct gh_dns_record *records, size_t count, gh_dns_draw_fn draw);

/** Letters, digits, '-', '_' and dots between labels of 1 to 63; one trailing dot is fine. */
bool gh_dns_name_fits(const char *name);

/* ---- dns_cache.c ----------------------------------------------------------------- */

struct gh_dns_cache;

int gh_dns_cache_new(struct gh_dns_cache **out);
void gh_dns_cache_free(struct gh_dns_cache *cache);
void gh_dns_cache_clear(struct gh_dns_cache *cache);

/** Keep an answer; @err: 0 or GH_ENOTFOUND.  Without memory it is not kept. */
void gh_dns_cache_put(struct gh_dns_cache *cache, enum gh_dns_kind kind, const char *name, int err,
                      const struct gh_dns_record *records, size_t count, uint64_t now_ms,
                      uint64_t ttl_ms);

/** @return whether there is an answer that is still good; then *err, *count, *ttl_ms and @records
 * are written */
bool gh_dns_cache_get(struct gh_dns_cache *cache, enum gh_dns_kind kind, const char *name,
                      uint64_t now_ms, int *err, struct gh_dns_record records[GH_DNS_RECORDS_MAX],
                      size_t *count, uint64_t *ttl_ms);

#endif
