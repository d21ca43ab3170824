/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening and accepting.  A uv_poll_t over our own socket, not uv_listen: a listener that cannot
 * accept (no descriptor, no memory) can be paused, so that it neither spins nor loses what waits in
 * the backlog; and a connection over a cap costs nothing but a descriptor for a moment.
 */
#include "net/dscp.h"
#include "net/net_int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BACKLOG 1024    /* a whole cluster may reconnect at once; the kernel cuts it at somaxconn */
#define ACCEPT_BURST 64 /* per turn of the loop: strangers do not hold up connections that stand */
#define PAUSE_MS 100    /* after a failure to accept */

static void log_refused(struct gh_net *net, struct gh_log_fold *fold, const char *event,
                        const struct gh_addr *peer, const char *why)
{
    char text[GH_ADDR_TEXT_MAX];
    uint64_t left_out;

    if (gh_log_fold(fold, gh_loop_now_ms(net->loop), &left_out))
        gh_log(GH_LOG_WARN, "net", event, "peer=%s why=\"%s\" left_out=%llu",
               gh_addr_text(peer, text), why, (unsigned long long)left_out);
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(void *arg, uint64_t now_ms)
{
    struct gh_listener *listener = arg;

    (void)now_ms;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void pause_accepting(struct gh_listener *listener, int err)
{
    struct gh_net *net = listener->net;
    uint64_t left_out;

    net->counters.accept_failures++;
    if (gh_log_fold(&net->accept_failed, gh_loop_now_ms(net->loop), &left_out))
        gh_log(GH_LOG_ERROR, "net", "accept.failed", "listener=%u why=\"%s\" left_out=%llu",
               listener->index, gh_err_text(err), (unsigned long long)left_out);
    /* Without memory for the timer it goes on polling: busy is better than deaf. */
    if (gh_timer_start(gh_loop_timers(net->loop), &listener->pause,
                       gh_loop_now_ms(net->loop) + PAUSE_MS, on_pause_over, listener) == 0)
        uv_poll_stop(&listener->poll);
}

/* @return GH_EFULL, counted and logged */
static int refuse(struct gh_net *net, uint64_t *counter, struct gh_log_fold *fold,
                  const struct gh_addr *peer, const char *why)
{
    (*counter)++;
    log_refused(net, fold, "conn.refused", peer, why);
    return GH_EFULL;
}

/* One more of an address.  @return 0, GH_EFULL as refuse, or GH_ENOMEM */
static int count_address(struct gh_net *net, struct gh_source_count *sources, uint32_t max,
                         uint64_t *counter, struct gh_log_fold *fold, const struct gh_addr *peer,
                         const char *why)
{
    int err = gh_source_count_add(sources, peer, max);

    return err == GH_EFULL ? refuse(net, counter, fold, peer, why) : err;
}

static int count_stranger(struct gh_net *net, const struct gh_addr *peer)
{
    const struct gh_net_limits *limits = &net->limits;
    struct gh_net_counters *counters = &net->counters;
    int err;

    if (counters->strangers >= limits->max_strangers)
        return refuse(net, &counters->refused_strangers, &net->refused_strangers, peer,
                      "too many connections that nobody has admitted");
    err = count_address(net, net->strangers, limits->max_strangers_per_address,
                        &counters->refused_strangers, &net->refused_strangers, peer,
                        "too many connections of this address that nobody has admitted");
    counters->strangers += !err;
    return err;
}

/* One more connection.  @return 0; GH_EFULL: no room, which was logged; GH_ENOMEM.  An error
 * leaves nothing counted */
static int count_in(struct gh_net *net, const struct gh_addr *peer, bool known)
{
    const struct gh_net_limits *limits = &net->limits;
    struct gh_net_counters *counters = &net->counters;
    int err;

    if (counters->incoming >= limits->max_connections)
        return refuse(net, &counters->refused_total, &net->refused_total, peer, "max_connections");
    err = count_address(net, net->sources, limits->max_connections_per_address,
                        &counters->refused_per_address, &net->refused_per_address, peer,
                        "max_connections_per_address");
    if (err || known)
        return err;
    err = count_stranger(net, peer);
    if (err)
        gh_source_count_drop(net->sources, peer);
    return err;
}

static void count_out(struct gh_net *net, const struct gh_addr *peer, bool known)
{
    gh_source_count_drop(net->sources, peer);
    if (known)
        return;
    gh_source_count_drop(net->strangers, peer);
    net->counters.strangers--;
}

static bool is_known(struct gh_net *net, const struct gh_addr *peer)
{
    return gh_source_count_has(net->admitted, peer) ||
           (net->handlers.known && net->handlers.known(net->handlers.arg, peer));
}

/* @fd is taken. */
static void admit(struct gh_listener *listener, int fd, const struct gh_addr *peer)
{
    struct gh_net *net = listener->net;
    bool known = is_known(net, peer);
    int err = count_in(net, peer, known);

    if (err) {
        close(fd);
    } else {
        err = gh_conn_accept(listener, fd, peer, known);
        if (err)
            count_out(net, peer, known);
    }
    if (err && err != GH_EFULL) {
        net->counters.accept_failures++;
        log_refused(net, &net->accept_failed, "accept.failed", peer, gh_err_text(err));
    }
}

/* Whether accept(2) says that this one connection is lost already, and the next may be fine. */
static bool only_this_one(int err)
{
    switch (err) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct gh_listener *listener = poll->data;

    (void)events;
    if (status < 0) {
        pause_accepting(listener, status);
        return;
    }
    /* A callback may close the listener. */
    for (int i = 0; i < ACCEPT_BURST && !listener->closed; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        int fd =
            accept4(listener->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            struct gh_addr peer = gh_addr_from_sockaddr((const struct sockaddr *)&from);

            admit(listener, fd, &peer);
        } else if (errno == EAGAIN) {
            return;
        } else if (!only_this_one(errno)) {
            pause_accepting(listener, -errno);
            return;
        }
    }
}

/* A bound, listening, non-blocking socket. */
static int open_socket(const struct gh_addr *address, struct gh_addr *bound)
{
    struct sockaddr_storage ss;
    socklen_t len = gh_addr_to_sockaddr(address, &ss);
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    int err;

    if (fd < 0)
        return -errno;
    /* SO_REUSEADDR: connections of before a restart that linger must not keep us from listening.
     * Not SO_REUSEPORT: another process of the same user could take a share of our peers. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        (address->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) ||
        bind(fd, (const struct sockaddr *)&ss, len) || listen(fd, BACKLOG))
        goto fail;
    len = sizeof(ss);
    if (getsockname(fd, (struct sockaddr *)&ss, &len))
        goto fail;
    *bound = gh_addr_from_sockaddr((const struct sockaddr *)&ss);
    return fd;
fail:
    err = -errno;
    close(fd);
    return err;
}

static struct gh_listener **find(struct gh_net *net, unsigned index)
{
    struct gh_listener **link = &net->listeners;

    while (*link && (*link)->index != index)
        link = &(*link)->next;
    return link;
}

static int check(struct gh_net *net, const struct gh_net_listener *want)
{
    bool tls = want->transport == GH_TRANSPORT_TLS;

    if (net->closing)
        return GH_ECLOSED;
    if ((!tls && want->transport != GH_TRANSPORT_TCP) || tls != !!want->tls ||
        !want->address.family)
        return GH_EINVAL;
    return *find(net, want->index) ? GH_EEXISTS : 0;
}

int gh_net_listen(struct gh_net *net, const struct gh_net_listener *want, struct gh_addr *bound)
{
    struct gh_listener *listener = NULL;
    struct gh_addr address;
    int err = check(net, want);

    if (err)
        return err;
    listener = calloc(1, sizeof(*listener));
    if (!listener)
        return GH_ENOMEM;
    listener->fd = err = open_socket(&want->address, &address);
    if (err < 0)
        goto out;
    err = uv_poll_init(gh_loop_uv(net->loop), &listener->poll, listener->fd);
    if (err) {
        close(listener->fd);
        goto out;
    }
    /* the first answer to a caller is the kernel's */
    gh_dscp_set(listener->fd, address.family, want->dscp);
    listener->net = net;
    listener->dscp = want->dscp;
    listener->poll.data = listener;
    listener->index = want->index;
    listener->transport = want->transport;
    listener->tls = want->tls ? gh_tls_context_ref(want->tls) : NULL;
    listener->next = net->listeners;
    net->listeners = listener;
    net->open_listeners++;
    if (bound)
        *bound = address;
    err = uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    if (err)
        gh_net_unlisten(net, want->index);
    listener = NULL;
out:
    free(listener);
    return err;
}

int gh_net_listener_set_tls(struct gh_net *net, unsigned index, struct gh_tls_context *tls)
{
    struct gh_listener *listener = *find(net, index);
    struct gh_tls_context *old;

    if (!listener)
        return GH_ENOTFOUND;
    if (listener->transport != GH_TRANSPORT_TLS || !tls)
        return GH_EINVAL;
    old = listener->tls;
    listener->tls = gh_tls_context_ref(tls);
    gh_tls_context_unref(old);
    return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct gh_listener *listener = handle->data;

    /* Not before: libuv still knows the descriptor, whose number may be given out again. */
    close(listener->fd);
    listener->net->open_listeners--;
    free(listener);
}

int gh_net_unlisten(struct gh_net *net, unsigned index)
{
    struct gh_listener **link = find(net, index), *listener = *link;

    if (!listener)
        return GH_ENOTFOUND;
    *link = listener->next;
    listener->closed = true;
    gh_timer_stop(gh_loop_timers(net->loop), &listener->pause);
    if (listener->tls)
        gh_tls_context_unref(listener->tls);
    listener->tls = NULL;
    /* From now on peers are refused, and the address is free to listen on: close comes later. */
    shutdown(listener->fd, SHUT_RDWR);
    uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
    return 0;
}
