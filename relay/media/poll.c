/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which socket has something: one epoll set of a worker, in which its sockets are, and libuv's own
 * descriptor as one among them (uv_backend_fd).  libuv keeps timers and the mailbox; a packet does
 * not pass through it, which is a sixth of what forwarding one costs beside the system calls.
 *
 * Level-triggered: a socket is read once each time it is reported, so that each gets its turn, and
 * a packet costs one call of recvfrom.  To read until nothing is left would cost a second call for
 * nearly every packet.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "media/media_int.h"

#define BATCH 128 /* sockets that are read before timers and commands have their turn */
#define AHEAD 8   /* whose memory is asked for at once */

/*
 * What an event names: a port, in whose lowest bits are which of its sockets, and where in its stream it lies: that can
 * be found without looking at the port, which may not be in the cache.  0: libuv.
 */
#define STRANGER ((uintptr_t)1)
#define RTCP ((uintptr_t)2)
#define SECOND_SIDE ((uintptr_t)4)
#define TAGS ((uintptr_t)7)

_Static_assert(_Alignof(struct gh_port) > TAGS, "the lowest bits are free");
_Static_assert(GH_PORT_COUNT == 2, "a bit tells RTP from RTCP");

static int add(struct gh_worker *worker, int fd, uintptr_t what)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = what };

    return epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int gh_poll_init(struct gh_worker *worker)
{
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (worker->epoll_fd < 0)
        return -errno;
    return add(worker, uv_backend_fd(&worker->loop), 0);
}

void gh_poll_fini(struct gh_worker *worker)
{
    if (worker->epoll_fd >= 0)
        close(worker->epoll_fd);
    worker->epoll_fd = -1;
}

int gh_poll_add(struct gh_port *port, bool stranger)
{
    uintptr_t what = (uintptr_t)port | (stranger ? STRANGER : 0) |
                     (port->kind == GH_PORT_RTCP ? RTCP : 0) |
                     (gh_side_number(port->side) ? SECOND_SIDE : 0);

    return add(port->side->stream->worker, stranger ? port->stranger_fd : port->known_fd, what);
}

void gh_poll_remove(struct gh_port *port, bool stranger)
{
    epoll_ctl(port->side->stream->worker->epoll_fd, EPOLL_CTL_DEL,
              stranger ? port->stranger_fd : port->known_fd, NULL);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static bool has_libuv(const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        if (!events[i].data.u64)
            return true;
    }
    return false;
}

static struct gh_port *port_of(const struct epoll_event *event)
{
    return (struct gh_port *)((uintptr_t)event->data.u64 & ~TAGS);
}

/* The lines of its stream that a packet touches. */
static void touch_stream(const struct epoll_event *event)
{
    const struct gh_port *port = port_of(event);
    enum gh_port_kind kind = event->data.u64 & RTCP ? GH_PORT_RTCP : GH_PORT_RTP;
    const struct gh_side *from = (const struct gh_side *)((const char *)(port - kind) -
                                                          offsetof(struct gh_side, ports));
    const struct gh_side *to = event->data.u64 & SECOND_SIDE ? from - 1 : from + 1;

    gh_touch(port);
    gh_touch(from);
    gh_touch(&from->counters.rx_pkts);
    gh_touch(&from->quality.newest);
    gh_touch(to);
    gh_touch(&to->ports[kind]);
    gh_touch(&to->counters.tx_pkts);
}

/*
 * A packet would wait for each of them in turn, a pointer after the other; here those of several
 * packets are on their way at once.
 */
static void touch_ahead(const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++)
        touch_stream(&events[i]);
    for (int i = 0; i < count; i++) {
        const struct gh_side *from = port_of(&events[i])->side;

        gh_srtp_rx_touch(from->rx);
        gh_srtp_tx_touch(gh_side_other(from)->tx);
    }
    for (int i = 0; i < count; i++) {
        const struct gh_side *from = port_of(&events[i])->side;

        gh_srtp_rx_touch_session(from->rx);
        gh_srtp_tx_touch_session(gh_side_other(from)->tx);
    }
}

static void read_sockets(struct gh_worker *worker, const struct epoll_event *events, int count)
{
    uint64_t now_ms = uv_now(&worker->loop);

    for (int i = 0; i < count; i++) {
        if (i % AHEAD == 0)
            touch_ahead(&events[i], count - i < AHEAD ? count - i : AHEAD);
        if (events[i].data.u64 & STRANGER)
            gh_port_read_stranger(worker, port_of(&events[i]), now_ms);
        else
            gh_port_read(worker, port_of(&events[i]), now_ms);
    }
}

/*
 * Commands come before packets: a peer may send as soon as it has an answer, whose `set` was posted
 * before it left. The sockets of such a batch are left to the next one, since a command may have
 * closed them; epoll reports them again. So no port goes away in the midst of a batch.
 */
void gh_poll_run(struct gh_worker *worker)
{
    struct epoll_event events[BATCH];

    while (uv_run(&worker->loop, UV_RUN_NOWAIT)) {
        do {
            int count =
                epoll_wait(worker->epoll_fd, events, BATCH, uv_backend_timeout(&worker->loop));

            uv_update_time(&worker->loop);
            if (has_libuv(events, count))
                break;
            read_sockets(worker, events, count);
        } while (uv_backend_timeout(&worker->loop) != 0); /* 0: a timer is due */
    }
}
