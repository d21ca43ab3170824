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

/* What an event names: a port, with this bit set its stranger; 0: libuv. */
#define STRANGER ((uintptr_t)1)

_Static_assert(_Alignof(struct gh_port) > 1, "the lowest bit is free");

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
    return add(port->side->stream->worker, stranger ? port->stranger_fd : port->known_fd,
               (uintptr_t)port | (stranger ? STRANGER : 0));
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

static void read_sockets(struct gh_worker *worker, const struct epoll_event *events, int count)
{
    uint64_t now_ms = uv_now(&worker->loop);

    for (int i = 0; i < count; i++) {
        uintptr_t what = (uintptr_t)events[i].data.u64;

        if (i + 1 < count) /* meanwhile the memory finds the next one */
            __builtin_prefetch((const void *)(uintptr_t)(events[i + 1].data.u64 & ~STRANGER));
        if (what & STRANGER)
            gh_port_read_stranger(worker, (struct gh_port *)(what & ~STRANGER), now_ms);
        else
            gh_port_read(worker, (struct gh_port *)what, now_ms);
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
