/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two sockets of a port.  `known` is connected to the source, so that the kernel sorts;
 * `stranger` shares the port unconnected and gets all the rest.  That is read under a rate limit,
 * counted, and goes nowhere, unless the rule of the side lets another address be, or become, the
 * source: source.h.
 */
#include <stdlib.h>
#include <unistd.h>

#include "media/media_int.h"

static void count_rx(struct gh_side *side, ssize_t len)
{
    gh_count(&side->counters.rx_pkts, 1);
    gh_count(&side->counters.rx_octets, (uint64_t)len);
}

static void drop_stranger(struct gh_side *side)
{
    gh_drop(side, side->was_set ? GH_DROP_UNKNOWN_SOURCE : GH_DROP_NO_KEY_YET);
}

static void note_visited(struct gh_worker *worker, struct gh_port *port)
{
    if (port->visited_at)
        return;
    port->next_visited = worker->visited;
    if (port->next_visited)
        port->next_visited->visited_at = &port->next_visited;
    port->visited_at = &worker->visited;
    worker->visited = port;
}

static void forget_visited(struct gh_port *port)
{
    if (!port->visited_at)
        return;
    *port->visited_at = port->next_visited;
    if (port->next_visited)
        port->next_visited->visited_at = port->visited_at;
    port->visited_at = NULL;
}

static void count_visit(struct gh_worker *worker, struct gh_port *port)
{
    if (port->strangers_left)
        port->strangers_left--;
    note_visited(worker, port);
}

/*
 * A packet that was read from either socket.  The address is compared although `known` is
 * connected: what came before connect is still queued there, and before connect the kernel shares
 * packets out between the two sockets.  An IPv6 flow label plays no part.
 */
static void take(struct gh_worker *worker, struct gh_port *port, size_t len,
                 const struct sockaddr_storage *ss, uint64_t now_ms)
{
    struct gh_side *side = port->side;
    const struct gh_port_source *rtp =
        port->kind == GH_PORT_RTCP ? &side->ports[GH_PORT_RTP].source : NULL;
    struct gh_addr from = gh_addr_from_sockaddr((const struct sockaddr *)ss);
    bool may_try;

    count_rx(side, (ssize_t)len);
    if (port->usable && gh_addr_eq(&from, &port->source.current)) {
        if (len > GH_MEDIA_PKT_MAX)
            gh_drop(side, GH_DROP_MALFORMED);
        else
            gh_forward(worker, port, len, NULL, now_ms);
        return;
    }
    /* Never one of our own: two streams are joined by SDP alone, which gh_media_set looks at. */
    may_try = port->usable && port->strangers_left && len <= GH_MEDIA_PKT_MAX &&
              !gh_own_has(worker->own, &from);
    count_visit(worker, port);
    if (may_try && gh_port_source_may_be(&port->source, rtp, &from, now_ms))
        gh_forward(worker, port, len, &from, now_ms);
    else
        drop_stranger(side);
}

static ssize_t receive(int fd, struct gh_worker *worker, struct sockaddr_storage *from)
{
    socklen_t from_len = sizeof(*from);

    return recvfrom(fd, worker->packet, GH_MEDIA_PKT_MAX, MSG_DONTWAIT | MSG_TRUNC,
                    (struct sockaddr *)from, &from_len);
}

/* An ICMP error comes out of the next call on the socket, and is off it then. */
void gh_port_read(struct gh_worker *worker, struct gh_port *port, uint64_t now_ms)
{
    struct sockaddr_storage from;
    ssize_t n = receive(port->known_fd, worker, &from);

    if (n >= 0)
        take(worker, port, (size_t)n, &from, now_ms);
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        gh_count(&port->side->counters.icmp, 1);
}

void gh_port_read_stranger(struct gh_worker *worker, struct gh_port *port, uint64_t now_ms)
{
    struct sockaddr_storage from;
    ssize_t n = receive(port->stranger_fd, worker, &from);

    if (n >= 0)
        take(worker, port, (size_t)n, &from, now_ms);
    else
        count_visit(worker, port);
    if (port->strangers_left == 0 && !port->stranger_stopped) {
        port->stranger_stopped = true;
        gh_port_source_is_flooded(&port->source, now_ms);
        gh_poll_remove(port, true);
    }
}

void gh_ports_tick(struct gh_worker *worker)
{
    struct gh_port *port = worker->visited;

    worker->visited = NULL;
    for (struct gh_port *next; port; port = next) {
        next = port->next_visited;
        port->visited_at = NULL;
        port->strangers_left = GH_STRANGERS_PER_TICK;
        if (!port->stranger_stopped)
            continue;
        port->stranger_stopped = gh_poll_add(port, true) != 0;
        if (port->stranger_stopped) /* no memory for it: the next tick tries again */
            note_visited(worker, port);
    }
}

/* @return an error: gh_port_stop is called all the same */
int gh_port_start(struct gh_port *port)
{
    int err = gh_poll_add(port, false);

    port->strangers_left = GH_STRANGERS_PER_TICK;
    return err ? err : gh_poll_add(port, true);
}

static void stop_reading(struct gh_port *port)
{
    forget_visited(port);
    gh_poll_remove(port, false);
    gh_poll_remove(port, true);
}

void gh_port_hand_over(struct gh_port *port, struct gh_port *heir)
{
    stop_reading(port);
    heir->known_fd = port->known_fd;
    heir->stranger_fd = port->stranger_fd;
    port->known_fd = port->stranger_fd = -1;
    gh_port_source_inherit(&heir->source, &port->source);
}

void gh_port_stop(struct gh_port *port)
{
    if (port->known_fd >= 0) {
        stop_reading(port);
        close(port->known_fd);
        close(port->stranger_fd);
    }
    port->known_fd = port->stranger_fd = -1;
    gh_port_source_fini(&port->source);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* A pending ICMP error comes out of the next send, which then sent nothing. */
bool gh_port_send(struct gh_port *port, const uint8_t *p, size_t len)
{
    for (int tries = 0; tries < 2; tries++) {
        if (send(port->known_fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
            return true;
        if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ENETUNREACH)
            return false;
        gh_count(&port->side->counters.icmp, 1);
    }
    return false;
}
