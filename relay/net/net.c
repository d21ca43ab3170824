/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of connections: limits, lookup by id, opening and closing of everything together.
 */
#include "net/net_int.h"

#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS_FIRST 64 /* a power of two; doubled when there are more connections */

static bool limits_fit(const struct gh_net_limits *limits)
{
    return limits->handshake_timeout_ms && limits->first_message_timeout_ms &&
           limits->idle_timeout_ms && limits->max_connections &&
           limits->max_connections_per_address && limits->max_strangers &&
           limits->max_strangers_per_address && limits->stranger_timeout_ms && limits->max_queued;
}

int gh_net_new(struct gh_net **out, struct gh_loop *loop, const struct gh_net_limits *limits,
               const struct gh_net_handlers *handlers)
{
    struct gh_net *net = NULL;
    int err = GH_EINVAL;

    if (!limits_fit(limits) || !handlers->up || !handlers->octets || !handlers->down)
        goto out;
    err = GH_ENOMEM;
    net = calloc(1, sizeof(*net));
    if (!net)
        goto out;
    net->loop = loop;
    net->limits = *limits;
    net->handlers = *handlers;
    net->buckets = calloc(BUCKETS_FIRST, sizeof(struct gh_conn *));
    if (!net->buckets)
        goto out;
    net->bucket_count = BUCKETS_FIRST;
    err = gh_source_count_new(&net->sources);
    if (!err)
        err = gh_source_count_new(&net->strangers);
    if (!err)
        err = gh_source_count_new(&net->admitted);
    if (err)
        goto out;
    *out = net;
    net = NULL;
out:
    gh_net_free(net);
    return err;
}

int gh_net_set_limits(struct gh_net *net, const struct gh_net_limits *limits)
{
    if (!limits_fit(limits))
        return GH_EINVAL;
    net->limits = *limits;
    return 0;
}

void gh_net_counters(const struct gh_net *net, struct gh_net_counters *out)
{
    *out = net->counters;
}

void gh_net_close(struct gh_net *net)
{
    net->closing = true;
    while (net->listeners)
        gh_net_unlisten(net, net->listeners->index);
    /* No callback runs from in here, so the chains stand still. */
    for (size_t i = 0; i < net->bucket_count; i++) {
        for (struct gh_conn *conn = net->buckets[i]; conn; conn = conn->next)
            gh_conn_finish(conn, GH_REASON_NONE, 0, "closed here");
    }
}

void gh_net_free(struct gh_net *net)
{
    if (!net)
        return;
    /* Our own mistake: libuv would call into freed memory. */
    if (net->conn_count || net->open_listeners)
        abort();
    gh_source_count_free(net->sources);
    gh_source_count_free(net->strangers);
    gh_source_count_free(net->admitted);
    free(net->buckets);
    free(net);
}

static struct gh_conn **bucket_of(struct gh_net *net, uint64_t id)
{
    return &net->buckets[id & (net->bucket_count - 1)];
}

/* Twice as many buckets.  Without memory the chains get longer, nothing else. */
static void spread(struct gh_net *net)
{
    size_t old_count = net->bucket_count;
    struct gh_conn **old = net->buckets, *conn, *next;
    struct gh_conn **fresh = calloc(old_count * 2, sizeof(struct gh_conn *));

    if (!fresh)
        return;
    net->buckets = fresh;
    net->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        for (conn = old[i]; conn; conn = next) {
            next = conn->next;
            conn->next = *bucket_of(net, conn->id);
            *bucket_of(net, conn->id) = conn;
        }
    }
    free(old);
}

void gh_net_add_conn(struct gh_net *net, struct gh_conn *conn)
{
    /* One counter for the process: an id in a log or a record means one connection. */
    static _Atomic uint64_t ids;

    if (net->conn_count >= net->bucket_count)
        spread(net);
    conn->id = atomic_fetch_add(&ids, 1) + 1;
    conn->next = *bucket_of(net, conn->id);
    *bucket_of(net, conn->id) = conn;
    net->conn_count++;
}

void gh_net_remove_conn(struct gh_net *net, struct gh_conn *conn)
{
    struct gh_conn **link = bucket_of(net, conn->id);

    while (*link != conn)
        link = &(*link)->next;
    *link = conn->next;
    net->conn_count--;
}

struct gh_conn *gh_net_conn(struct gh_net *net, uint64_t id)
{
    struct gh_conn *conn = *bucket_of(net, id);

    while (conn && conn->id != id)
        conn = conn->next;
    return conn;
}
