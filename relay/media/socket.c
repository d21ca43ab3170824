/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two sockets of a port.  `known` is connected to the address that SDP named, so that the kernel sorts; `stranger`
 * shares the port unconnected and gets all the rest, which is counted under a rate limit and goes nowhere.
 */
#include "media/media_int.h"

static void count_rx(struct gh_side *side, ssize_t len)
{
    gh_count(&side->counters->rx_pkts, 1);
    gh_count(&side->counters->rx_octets, (uint64_t)len);
}

static void drop_stranger(struct gh_side *side)
{
    gh_drop(side, side->was_set ? GH_DROP_UNKNOWN_SOURCE : GH_DROP_NO_KEY_YET);
}

/* Family, address, port; an IPv6 flow label plays no part. */
static bool is_source(const struct gh_port *port, const struct sockaddr_storage *ss)
{
    struct gh_addr seen = gh_addr_from_sockaddr((const struct sockaddr *)ss);

    return gh_addr_eq(&seen, &port->source);
}

/*
 * One packet.  The address is compared although the socket is connected: what came before connect is still queued.
 * @return false: nothing more is there
 */
static bool receive_one(struct gh_port *port, uint64_t now_ms)
{
    struct gh_side *side = port->side;
    struct gh_worker *worker = side->stream->worker;
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    ssize_t n = recvfrom(port->known_fd, worker->packet, GH_MEDIA_PKT_MAX, MSG_DONTWAIT | MSG_TRUNC,
                         (struct sockaddr *)&from, &from_len);

    if (n < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return false;
        if (errno != EINTR)
            gh_count(&side->counters->icmp, 1);
        return true;
    }
    count_rx(side, n);
    if (!port->usable || !is_source(port, &from))
        drop_stranger(side);
    else if (n > GH_MEDIA_PKT_MAX)
        gh_drop(side, GH_DROP_MALFORMED);
    else
        gh_forward(port, (size_t)n, now_ms);
    return true;
}

static void on_known(uv_poll_t *poll, int status, int events)
{
    struct gh_port *port = poll->data;
    uint64_t now_ms = uv_now(poll->loop);

    (void)events;
    if (status == 0) {
        receive_one(port, now_ms); /* level-triggered: one system call a packet, and a fair share for all */
        return;
    }
    /* An ICMP error: libuv reports UV_EBADF and stops the handle.  Reading takes the error off the socket. */
    for (int i = 0; i < GH_PACKETS_PER_ERROR && receive_one(port, now_ms); i++)
        ;
    uv_poll_start(poll, UV_READABLE, on_known);
}

static void on_stranger(uv_poll_t *poll, int status, int events)
{
    struct gh_port *port = poll->data;
    struct gh_side *side = port->side;
    struct gh_worker *worker = side->stream->worker;
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    ssize_t n;

    (void)events;
    n = recvfrom(port->stranger_fd, worker->packet, GH_MEDIA_PKT_MAX, MSG_DONTWAIT | MSG_TRUNC,
                 (struct sockaddr *)&from, &from_len);
    if (n >= 0) {
        count_rx(side, n);
        /* Before connect the kernel shares packets out between the two sockets: the first one of the right
         * source may wait here. */
        if (port->usable && n <= GH_MEDIA_PKT_MAX && is_source(port, &from))
            gh_forward(port, (size_t)n, uv_now(poll->loop));
        else
            drop_stranger(side);
    }
    if (port->strangers_left)
        port->strangers_left--;
    if (port->strangers_left == 0) {
        port->stranger_stopped = true;
        uv_poll_stop(poll);
    } else if (status) {
        uv_poll_start(poll, UV_READABLE, on_stranger);
    }
}

void gh_port_tick(struct gh_port *port)
{
    port->strangers_left = GH_STRANGERS_PER_TICK;
    if (port->stranger_stopped) {
        port->stranger_stopped = false;
        uv_poll_start(&port->stranger, UV_READABLE, on_stranger);
    }
}

/* @return an error after which the handles that are counted in the stream must be closed all the same */
int gh_port_start(struct gh_port *port, uv_loop_t *loop)
{
    struct gh_stream *stream = port->side->stream;
    int err = uv_poll_init(loop, &port->known, port->known_fd);

    if (err)
        return err;
    stream->handles++;
    port->known.data = port;
    port->known_open = true;
    err = uv_poll_init(loop, &port->stranger, port->stranger_fd);
    if (err)
        return err;
    stream->handles++;
    port->stranger.data = port;
    port->stranger_open = true;
    port->strangers_left = GH_STRANGERS_PER_TICK;
    err = uv_poll_start(&port->known, UV_READABLE, on_known);
    return err ? err : uv_poll_start(&port->stranger, UV_READABLE, on_stranger);
}

int gh_port_connect(struct gh_port *port, const struct gh_addr *remote)
{
    struct sockaddr_storage ss;
    socklen_t len;

    if (remote->family == 0 || remote->port == 0) {
        port->usable = false;
        return 0;
    }
    if (!gh_addr_eq(remote, &port->source)) {
        port->usable = false;
        port->source.family = 0;
        len = gh_addr_to_sockaddr(remote, &ss);
        if (connect(port->known_fd, (const struct sockaddr *)&ss, len))
            return -errno;
        port->source = *remote;
    }
    port->usable = true;
    return 0;
}

/* A pending ICMP error comes out of the next send, which then sent nothing. */
bool gh_port_send(struct gh_port *port, const uint8_t *p, size_t len)
{
    for (int tries = 0; tries < 2; tries++) {
        if (send(port->known_fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
            return true;
        if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ENETUNREACH)
            return false;
        gh_count(&port->side->counters->icmp, 1);
    }
    return false;
}
