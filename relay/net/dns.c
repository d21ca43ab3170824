/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares on the loop: a uv_poll_t for each of its sockets, one gh_timer for its timeouts, and
 * lookups, which ask for SRV records and then for the addresses of each host in them.
 *
 * c-ares calls back from inside its own functions.  Nobody outside is called from there: a finished
 * lookup starts its timer for now and answers from the loop.
 */
#include "net/dns_int.h"

#include <netdb.h>
#include <stdlib.h>

#include <ares.h>
#include <uv.h>

#define TIMEOUT_MS 2000
#define TRIES 2
#define TTL_MIN_MS 5000
#define TTL_MAX_MS (3600 * 1000)

struct dns_socket {
    uv_poll_t poll;
    ares_socket_t fd;
    struct gh_dns *dns;
    struct dns_socket *next;
};

/* The question for the addresses of one host. */
struct host {
    struct gh_dns_lookup *lookup;
    struct gh_dns_record *record;
};

struct gh_dns_lookup {
    struct gh_dns *dns;
    struct gh_dns_lookup *next, **link; /* in dns->lookups */
    enum gh_dns_kind kind;
    char name[GH_DNS_NAME_MAX + 1];
    uint16_t port;
    gh_dns_fn fn;                  /* NULL: cancelled */
    void *arg;
    size_t waiting;                /* calls of c-ares that have not called back */
    bool cached;                   /* the records came from the cache */
    int err;
    char text[64];
    uint64_t ttl_ms;
    struct gh_dns_record records[GH_DNS_RECORDS_MAX];
    struct host hosts[GH_DNS_RECORDS_MAX];
    size_t count;
    struct gh_timer answer;        /* started for now when nothing is waited for any more */
};

struct gh_dns {
    struct gh_loop *loop;
    ares_channel channel;
    struct dns_socket *sockets;
    size_t open_polls;
    struct gh_timer timeout;       /* c-ares's next deadline */
    struct gh_dns_lookup *lookups;
    size_t lookup_count;
    struct gh_dns_cache *cache;
    uint64_t ttl_min_ms, ttl_max_ms;
    bool closed;
};

/* ---- c-ares and the loop --------------------------------------------------------- */

static void on_timeout(void *arg, uint64_t now_ms);

/* After everything that may have changed what c-ares waits for. */
static void set_timeout(struct gh_dns *dns)
{
    struct gh_timerq *timers = gh_loop_timers(dns->loop);
    struct timeval left;

    if (!ares_timeout(dns->channel, NULL, &left)) {
        gh_timer_stop(timers, &dns->timeout);
        return;
    }
    /* Without memory for the timer the sockets still answer; a silent server is then noticed with
     * the next lookup. */
    gh_timer_start(timers, &dns->timeout,
                   gh_loop_now_ms(dns->loop) + (uint64_t)left.tv_sec * 1000 +
                       (uint64_t)left.tv_usec / 1000 + 1,
                   on_timeout, dns);
}

static void on_timeout(void *arg, uint64_t now_ms)
{
    struct gh_dns *dns = arg;

    (void)now_ms;
    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timeout(dns);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct dns_socket *s = poll->data;
    struct gh_dns *dns = s->dns;
    ares_socket_t fd = s->fd; /* s may be closed by what follows */

    /* An error is found by reading and by writing alike. */
    ares_process_fd(dns->channel, status < 0 || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
                    status < 0 || (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD);
    set_timeout(dns);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct dns_socket *s = handle->data;

    s->dns->open_polls--;
    free(s);
}

static struct dns_socket *add_socket(struct gh_dns *dns, ares_socket_t fd)
{
    struct dns_socket *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    if (uv_poll_init(gh_loop_uv(dns->loop), &s->poll, fd)) {
        free(s);
        return NULL;
    }
    s->dns = dns;
    s->fd = fd;
    s->poll.data = s;
    s->next = dns->sockets;
    dns->sockets = s;
    dns->open_polls++;
    return s;
}

/* c-ares wants to know of this socket; neither: it is about to close it. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct gh_dns *dns = arg;
    struct dns_socket **link = &dns->sockets, *s;

    while (*link && (*link)->fd != fd)
        link = &(*link)->next;
    s = *link;
    if (readable || writable) {
        s = s ? s : add_socket(dns, fd);
        /* Without memory for the poll the query times out. */
        if (s)
            uv_poll_start(&s->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                          on_socket);
    } else if (s) {
        /* At once: the descriptor is closed right after this, and its number may be given out
         * again. */
        *link = s->next;
        uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, on_socket_closed);
    }
}

/* ---- lookups --------------------------------------------------------------------- */

static void free_lookup(struct gh_dns_lookup *lookup)
{
    gh_timer_stop(gh_loop_timers(lookup->dns->loop), &lookup->answer);
    *lookup->link = lookup->next;
    if (lookup->next)
        lookup->next->link = lookup->link;
    lookup->dns->lookup_count--;
    free(lookup);
}

static int error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
        return GH_ENOTFOUND;
    case ARES_ETIMEOUT:
        return -ETIMEDOUT;
    case ARES_ECONNREFUSED:
        return -ECONNREFUSED;
    case ARES_ENOMEM:
        return GH_ENOMEM;
    default:
        return -EIO;
    }
}

/* Also that of one host among several: then what was found is kept for the shortest time. */
static void note_failure(struct gh_dns_lookup *lookup, int status)
{
    lookup->ttl_ms = 0;
    lookup->err = error_of(status);
    snprintf(lookup->text, sizeof(lookup->text), "%s", ares_strerror(status));
}

static void note_ttl(struct gh_dns_lookup *lookup, int64_t ttl_s)
{
    uint64_t ttl_ms = ttl_s > 0 ? (uint64_t)ttl_s * 1000 : 0;

    if (ttl_ms < lookup->ttl_ms)
        lookup->ttl_ms = ttl_ms;
}

static size_t flatten(const struct gh_dns_lookup *lookup,
                      struct gh_dns_target targets[GH_DNS_TARGETS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < lookup->count; i++) {
        const struct gh_dns_record *record = &lookup->records[i];

        for (size_t a = 0; a < record->addr_count && count < GH_DNS_TARGETS_MAX; a++) {
            struct gh_dns_target *target = &targets[count++];

            target->addr = record->addrs[a];
            target->addr.port = lookup->kind == GH_DNS_SRV ? record->port : lookup->port;
            target->priority = record->priority;
            target->weight = record->weight;
            memcpy(target->name, record->name, sizeof(target->name));
        }
    }
    return count;
}

/* Into the cache: an answer, or a sure no. */
static void remember(struct gh_dns_lookup *lookup)
{
    struct gh_dns *dns = lookup->dns;

    if (lookup->err)
        lookup->ttl_ms = 0;
    if (lookup->ttl_ms < dns->ttl_min_ms)
        lookup->ttl_ms = dns->ttl_min_ms;
    if (lookup->ttl_ms > dns->ttl_max_ms)
        lookup->ttl_ms = dns->ttl_max_ms;
    if (!lookup->err || lookup->err == GH_ENOTFOUND) /* "no answer" is asked again */
        gh_dns_cache_put(dns->cache, lookup->kind, lookup->name, lookup->err, lookup->records,
                         lookup->err ? 0 : lookup->count, gh_loop_now_ms(dns->loop),
                         lookup->ttl_ms);
}

static void on_answer(void *arg, uint64_t now_ms)
{
    struct gh_dns_target targets[GH_DNS_TARGETS_MAX];
    struct gh_dns_lookup *lookup = arg;
    struct gh_dns_answer answer = { .err = lookup->err,
                                    .text = lookup->text,
                                    .ttl_ms = lookup->ttl_ms };
    gh_dns_fn fn = lookup->fn;
    void *fn_arg = lookup->arg;
    char text[sizeof(lookup->text)];

    (void)now_ms;
    if (!lookup->err) {
        gh_dns_order(lookup->records, lookup->count, gh_dns_draw);
        answer.targets = targets;
        answer.count = flatten(lookup, targets);
    }
    memcpy(text, lookup->text, sizeof(text));
    answer.text = text;
    free_lookup(lookup); /* before the callback, which may close everything */
    fn(fn_arg, &answer);
}

/* One call of c-ares has called back, or none was made. */
static void one_done(struct gh_dns_lookup *lookup)
{
    struct gh_loop *loop = lookup->dns->loop;
    size_t addresses = 0;

    if (lookup->waiting)
        return;
    if (!lookup->fn) {
        free_lookup(lookup);
        return;
    }
    if (!lookup->cached) {
        for (size_t i = 0; i < lookup->count; i++)
            addresses += lookup->records[i].addr_count;
        /* Some hosts of an SRV answer may have failed: what was found counts. */
        if (addresses)
            lookup->err = 0;
        else if (!lookup->err)
            lookup->err = GH_ENOTFOUND;
        remember(lookup);
    }
    /* The slot in the timer queue was taken at the start of the lookup. */
    gh_timer_start(gh_loop_timers(loop), &lookup->answer, gh_loop_now_ms(loop), on_answer, lookup);
}

static void take_addresses(struct host *host, const struct ares_addrinfo *info)
{
    struct gh_dns_record *record = host->record;

    for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
        note_ttl(host->lookup, c->ttl);
    for (const struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next) {
        struct gh_addr addr = gh_addr_from_sockaddr(n->ai_addr);

        note_ttl(host->lookup, n->ai_ttl);
        /* 0.0.0.0 and :: would connect to this very node. */
        if (addr.family && !gh_addr_is_any(&addr) && record->addr_count < GH_DNS_ADDRS_MAX) {
            addr.port = 0;
            record->addrs[record->addr_count++] = addr;
        }
    }
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct host *host = arg;
    struct gh_dns_lookup *lookup = host->lookup;

    (void)timeouts;
    lookup->waiting--;
    if (status == ARES_SUCCESS)
        take_addresses(host, info);
    else
        note_failure(lookup, status);
    if (info)
        ares_freeaddrinfo(info);
    one_done(lookup);
}

static void ask_addresses(struct gh_dns_lookup *lookup)
{
    /* In the order of the answer; sorting them would open a socket to each (RFC 6724). */
    const struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC,
                                               .ai_socktype = SOCK_STREAM };

    /* All are counted first: c-ares may call back at once, and the lookup must not be done before
     * the last. */
    lookup->waiting += lookup->count;
    for (size_t i = 0, count = lookup->count; i < count; i++) {
        lookup->hosts[i] = (struct host){ lookup, &lookup->records[i] };
        ares_getaddrinfo(lookup->dns->channel, lookup->records[i].name, NULL, &hints, on_addresses,
                         &lookup->hosts[i]);
    }
}

static void on_srv(void *arg, int status, int timeouts, unsigned char *octets, int len)
{
    struct gh_dns_lookup *lookup = arg;
    uint32_t ttl_s = 0;
    int err;

    (void)timeouts;
    lookup->waiting--;
    if (status != ARES_SUCCESS) {
        note_failure(lookup, status);
        one_done(lookup);
        return;
    }
    err = gh_dns_parse_srv(octets, (size_t)len, lookup->records, &lookup->count, &ttl_s);
    if (err || !lookup->fn) {
        lookup->err = err == GH_ESYNTAX ? -EIO : err;
        snprintf(lookup->text, sizeof(lookup->text), "%s", err ? "no usable SRV record" : "");
        one_done(lookup);
        return;
    }
    note_ttl(lookup, ttl_s);
    ask_addresses(lookup);
}

static void ask(struct gh_dns_lookup *lookup)
{
    struct gh_dns *dns = lookup->dns;

    lookup->cached =
        gh_dns_cache_get(dns->cache, lookup->kind, lookup->name, gh_loop_now_ms(dns->loop),
                         &lookup->err, lookup->records, &lookup->count, &lookup->ttl_ms);
    if (lookup->cached) {
        one_done(lookup);
        return;
    }
    lookup->ttl_ms = UINT64_MAX;
    if (lookup->kind == GH_DNS_SRV) {
        lookup->waiting++;
        ares_query(dns->channel, lookup->name, 1 /* IN */, 33 /* SRV, RFC 2782 */, on_srv, lookup);
    } else {
        lookup->count = 1;
        memcpy(lookup->records[0].name, lookup->name, sizeof(lookup->name));
        ask_addresses(lookup);
    }
    set_timeout(dns);
}

int gh_dns_lookup(struct gh_dns *dns, const struct gh_dns_query *query, gh_dns_fn fn, void *arg,
                  struct gh_dns_lookup **out)
{
    struct gh_span name = gh_span_str(query->name);
    struct gh_dns_lookup *lookup;

    if (dns->closed)
        return GH_ECLOSED;
    if (!fn || (query->kind != GH_DNS_SRV && (query->kind != GH_DNS_HOST || !query->port)) ||
        !gh_dns_name_fits(query->name))
        return GH_EINVAL;
    if (name.p[name.len - 1] == '.')
        name.len--;
    if (dns->lookup_count >= GH_DNS_LOOKUPS_MAX)
        return GH_EFULL;
    lookup = calloc(1, sizeof(*lookup));
    if (!lookup)
        return GH_ENOMEM;
    lookup->dns = dns;
    lookup->kind = query->kind;
    lookup->port = query->port;
    lookup->fn = fn;
    lookup->arg = arg;
    memcpy(lookup->name, name.p, name.len);
    lookup->link = &dns->lookups;
    lookup->next = dns->lookups;
    if (lookup->next)
        lookup->next->link = &lookup->next;
    dns->lookups = lookup;
    dns->lookup_count++;
    /* Take the timer's slot now: moving it later needs no memory, so an answer is never lost. */
    if (gh_timer_start(gh_loop_timers(dns->loop), &lookup->answer, UINT64_MAX, on_answer, lookup)) {
        free_lookup(lookup);
        return GH_ENOMEM;
    }
    if (out)
        *out = lookup;
    ask(lookup);
    return 0;
}

void gh_dns_cancel(struct gh_dns_lookup *lookup)
{
    if (!lookup)
        return;
    lookup->fn = NULL;
    if (!lookup->waiting)
        free_lookup(lookup);
}

/* ---- all of it ------------------------------------------------------------------- */

static int open_channel(struct gh_dns *dns, const struct gh_dns_params *params)
{
    char lookups[] = "fb"; /* the hosts file, then DNS */
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES, /* a configured name means itself */
        .timeout = (int)(params->timeout_ms ? params->timeout_ms : TIMEOUT_MS),
        .tries = (int)(params->tries ? params->tries : TRIES),
        .lookups = lookups,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = dns,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
               ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB;
    int status = ares_init_options(&dns->channel, &options, mask);

    if (status != ARES_SUCCESS)
        return error_of(status);
    if (params->servers) {
        status = ares_set_servers_ports_csv(dns->channel, params->servers);
        if (status != ARES_SUCCESS) {
            ares_destroy(dns->channel);
            return status == ARES_ENOMEM ? GH_ENOMEM : GH_EINVAL;
        }
    }
    return 0;
}

int gh_dns_new(struct gh_dns **out, struct gh_loop *loop, const struct gh_dns_params *params)
{
    struct gh_dns *dns = calloc(1, sizeof(*dns));
    int err = GH_ENOMEM;

    if (!dns)
        return err;
    dns->loop = loop;
    dns->ttl_max_ms = params->ttl_max_ms ? params->ttl_max_ms : TTL_MAX_MS;
    dns->ttl_min_ms = params->ttl_min_ms ? params->ttl_min_ms : TTL_MIN_MS;
    if (dns->ttl_min_ms > dns->ttl_max_ms)
        dns->ttl_min_ms = dns->ttl_max_ms;
    err = gh_dns_cache_new(&dns->cache);
    if (!err && ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        err = GH_ENOMEM;
    if (!err)
        err = open_channel(dns, params);
    if (err) {
        gh_dns_cache_free(dns->cache);
        free(dns);
        return err;
    }
    *out = dns;
    return 0;
}

void gh_dns_close(struct gh_dns *dns)
{
    struct gh_dns_lookup *lookup;

    if (dns->closed)
        return;
    dns->closed = true;
    for (lookup = dns->lookups; lookup; lookup = lookup->next)
        lookup->fn = NULL;
    gh_timer_stop(gh_loop_timers(dns->loop), &dns->timeout);
    ares_destroy(dns->channel); /* calls back for each query, and for each socket that it closes */
    while (dns->lookups)
        free_lookup(dns->lookups);
}

void gh_dns_free(struct gh_dns *dns)
{
    if (!dns)
        return;
    /* Our own mistake: libuv would call into freed memory. */
    if (!dns->closed || dns->open_polls)
        abort();
    gh_dns_cache_free(dns->cache);
    ares_library_cleanup();
    free(dns);
}

void gh_dns_forget(struct gh_dns *dns)
{
    gh_dns_cache_clear(dns->cache);
}
