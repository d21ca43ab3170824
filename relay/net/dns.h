/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names and SRV records to addresses, without blocking.
 * Sources: RFC 1035, RFC 2782, RFC 3263.
 *
 * An answer says where to knock, nothing more.  DNS never decides who a sender is, and never who
 * opened the door: that is the certificate's work, judged against the trunk's own names.  So forged
 * answers cost a connection that is refused.  RFC 3263's NAPTR is left out: transport is
 * configured, not discovered.
 *
 * Thread: signalling, for everything.
 */
#ifndef GH_DNS_H
#define GH_DNS_H

#include <gatehouse/addr.h>
#include "net/loop.h"

#define GH_DNS_NAME_MAX 253    /* as text, without the trailing dot: RFC 1035 section 2.3.4 */
#define GH_DNS_RECORDS_MAX 16  /* SRV records of an answer that are used */
#define GH_DNS_ADDRS_MAX 8     /* addresses of one host that are used */
#define GH_DNS_TARGETS_MAX 32  /* of an answer */
#define GH_DNS_LOOKUPS_MAX 512 /* under way at once */
#define GH_DNS_CACHE_MAX 256   /* names */

struct gh_dns;
struct gh_dns_lookup;

/* A member of 0 or NULL takes the default. */
struct gh_dns_params {
    const char *servers;   /* "192.0.2.53,192.0.2.54:5353"; default: the system's */
    uint32_t timeout_ms; /* for the first try of one server, longer for later ones; default 2000 */
    uint32_t tries;        /* of each server; default 2 */
    uint64_t ttl_min_ms;   /* an answer is kept at least that long; default 5000 */
    uint64_t ttl_max_ms;   /* and at most that long; default an hour */
};

/** @return 0, GH_EINVAL (servers) or an error */
int gh_dns_new(struct gh_dns **out, struct gh_loop *loop, const struct gh_dns_params *params);

/** End every lookup without calling back.  The loop must run on for it. */
void gh_dns_close(struct gh_dns *dns);

/** After the loop has ended.  NULL is fine. */
void gh_dns_free(struct gh_dns *dns);

/** Forget what was learned, after a reload. */
void gh_dns_forget(struct gh_dns *dns);

enum gh_dns_kind { GH_DNS_HOST = 1, GH_DNS_SRV };

struct gh_dns_query {
    enum gh_dns_kind kind;
    /* "pbx.example.net", "_sips._tcp.example.net"; never completed with a search list */
    const char *name;
    uint16_t port;       /* HOST only: of the targets */
};

struct gh_dns_target {
    struct gh_addr addr;
    uint16_t priority, weight;        /* 0 without SRV */
    char name[GH_DNS_NAME_MAX + 1];   /* host that has this address */
};

/* Valid during the callback. */
struct gh_dns_answer {
    int err; /* 0; GH_ENOTFOUND: the name has no such records; -ETIMEDOUT; -ECONNREFUSED: no server
                answers or is able to; -EIO: no sense in the answer; GH_ENOMEM */
    const char *text;    /* more words for the log */
    /* In the order to try them, RFC 2782: drawn anew for every lookup. */
    const struct gh_dns_target *targets;
    size_t count;        /* at least 1 when err is 0 */
    uint64_t ttl_ms;     /* how long the answer may still be used */
};

typedef void (*gh_dns_fn)(void *arg, const struct gh_dns_answer *answer);

/**
 * Look up.  @fn is called once, later, never from inside; also when the answer is known already.
 * @out  may be NULL; good for gh_dns_cancel until @fn is called
 * @return 0, GH_EINVAL (name, port), GH_EFULL (too many under way), GH_ECLOSED or GH_ENOMEM; then
 * no callback
 */
int gh_dns_lookup(struct gh_dns *dns, const struct gh_dns_query *query, gh_dns_fn fn, void *arg,
                  struct gh_dns_lookup **out);

/** @fn will not be called.  NULL is fine. */
void gh_dns_cancel(struct gh_dns_lookup *lookup);

#endif
