/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A media worker: one thread, one loop, its streams.  Commands come in order through the inbox;
 * events and `closed` go out through the signalling thread's mailbox.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/media_int.h"
#include "net/loop.h"

#define LATE_MS (GH_MEDIA_ROUND * GH_MEDIA_TICK_MS) /* a tick: then the thread stood still */
#define ORIGIN_BASE (1ULL << 63) /* clear of the serial numbers of receiving contexts */

/* ---- events ---------------------------------------------------------------------------------- */

static void drop_event(struct gh_msg *msg)
{
    free(msg);
}

struct gh_event_msg *gh_media_event_new(struct gh_side *side, enum gh_media_event_kind kind)
{
    struct gh_event_msg *event = calloc(1, sizeof(*event));

    if (!event)
        return NULL;
    event->head.msg.drop = drop_event;
    event->event = (struct gh_media_event){ .stream = side->stream->id,
                                            .side = gh_side_number(side),
                                            .generation = side->generation, .kind = kind,
                                            .wall_us = gh_wall_us() };
    return event;
}

void gh_media_event_post(struct gh_side *side, struct gh_event_msg *event)
{
    gh_mailbox_post(side->stream->worker->outbox, &event->head.msg);
}

void gh_side_raise(struct gh_side *side, enum gh_media_event_kind kind, int err)
{
    gh_side_raise_of(&side->ports[GH_PORT_RTP], kind, err);
}

void gh_side_raise_of(struct gh_port *port, enum gh_media_event_kind kind, int err)
{
    struct gh_side *side = port->side;
    struct gh_event_msg *event;

    if (side->raised[port->kind] & (1U << kind))
        return;
    event = gh_media_event_new(side, kind);
    if (!event)
        return; /* not marked as raised: the next occasion tries again */
    side->raised[port->kind] |= 1U << kind;
    event->event.err = err;
    event->event.rtcp = port->kind == GH_PORT_RTCP;
    gh_media_event_post(side, event);
}

/* ---- streams --------------------------------------------------------------------------------- */

static struct gh_port *port_at(struct gh_stream *stream, int i)
{
    return &stream->sides[i / GH_PORT_COUNT].ports[i % GH_PORT_COUNT];
}

#define PORTS_OF_STREAM (2 * GH_PORT_COUNT)

static struct gh_stream **list_of(const struct gh_stream *stream)
{
    return &stream->worker->streams[stream->place];
}

static void open_stream(struct gh_worker *worker, struct gh_stream *stream)
{
    stream->worker = worker;
    stream->place = worker->opened++ % GH_MEDIA_ROUND; /* so those of each tick are about as many */
    stream->prev = NULL;
    stream->next = *list_of(stream);
    if (stream->next)
        stream->next->prev = stream;
    *list_of(stream) = stream;
    for (int s = 0; stream->heir_of && s < 2; s++)
        gh_side_inherit(&stream->sides[s], &stream->heir_of->sides[s]);
    stream->heir_of = NULL;
    for (int i = 0; i < PORTS_OF_STREAM; i++) {
        int err = gh_port_start(port_at(stream, i));

        if (err)
            gh_side_raise(port_at(stream, i)->side, GH_MEDIA_EVENT_FAILED, err);
    }
}

/* The last touch: from the post on it is the signalling thread's. */
static void stream_is_closed(struct gh_stream *stream)
{
    struct gh_worker *worker = stream->worker;

    if (stream->prev)
        stream->prev->next = stream->next;
    else
        *list_of(stream) = stream->next;
    if (stream->next)
        stream->next->prev = stream->prev;
    gh_side_fini(&stream->sides[0]);
    gh_side_fini(&stream->sides[1]);
    gh_mailbox_post(worker->outbox, &stream->closed.msg);
}

static void close_stream(struct gh_stream *stream)
{
    for (int s = 0; s < 2; s++)
        gh_side_show_quality(&stream->sides[s], uv_now(&stream->worker->loop));
    for (int i = 0; i < PORTS_OF_STREAM; i++)
        gh_port_stop(port_at(stream, i));
    stream_is_closed(stream);
}

static void set_stream(struct gh_stream *stream, const struct gh_set_msg *msg, uint64_t now_ms)
{
    for (size_t i = 0; i < msg->count; i++)
        gh_side_apply(&stream->sides[msg->sets[i].side], &msg->sets[i], now_ms);
    gh_side_link(stream);
    gh_stream_note_hold(stream, now_ms);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void look_for_voice(struct gh_side *side, uint64_t now_ms)
{
    struct gh_event_msg *event;

    if (!gh_side_look_for_voice(side, gh_quality_arrived(&side->quality), now_ms))
        return;
    event =
        gh_media_event_new(side, side->voiceless ? GH_MEDIA_EVENT_VOICE : GH_MEDIA_EVENT_SILENT);
    if (!event)
        return; /* the next look tries again */
    side->voiceless = !side->voiceless;
    event->event.since_us = event->event.wall_us - (int64_t)(now_ms - side->voice_ms) * 1000;
    gh_media_event_post(side, event);
}

static void look_at_side(struct gh_side *side, uint64_t now_ms)
{
    if (side->old_rx && now_ms >= side->old_rx_until_ms)
        gh_side_retire_old(side);
    if (gh_side_is_silent(side, now_ms))
        gh_side_raise(side, GH_MEDIA_EVENT_TIMEOUT, 0);
    gh_side_show_quality(side, now_ms);
    look_for_voice(side, now_ms);
}

/* Of the stream, so once and not once a side. */
static void raise_hold(struct gh_stream *stream)
{
    struct gh_side *side = &stream->sides[0];
    struct gh_event_msg *event;

    if (side->raised[GH_PORT_RTP] & (1U << GH_MEDIA_EVENT_TIMEOUT))
        return;
    event = gh_media_event_new(side, GH_MEDIA_EVENT_TIMEOUT);
    if (!event)
        return; /* the next tick tries again */
    side->raised[GH_PORT_RTP] |= 1U << GH_MEDIA_EVENT_TIMEOUT;
    event->event.on_hold = true;
    gh_media_event_post(side, event);
}

static void note_wall(struct gh_worker *worker)
{
    worker->wall_ahead_us = gh_wall_us() - (int64_t)(uv_hrtime() / 1000);
}

/* The thread stood still, or the whole machine did: what came meanwhile waits in the sockets, and must
 * be read before anybody is said to be silent.  A thread that is always late looks each other time. */
static bool must_read_first(struct gh_worker *worker, uint64_t now_ms)
{
    bool late = now_ms - worker->ticked_ms >= GH_MEDIA_TICK_MS + LATE_MS;

    worker->ticked_ms = now_ms;
    worker->was_late = late && !worker->was_late;
    return worker->was_late;
}

static void on_tick(uv_timer_t *tick)
{
    struct gh_worker *worker = tick->data;
    uint64_t now_ms = uv_now(&worker->loop);
    struct gh_stream *stream;

    note_wall(worker);
    gh_ports_tick(worker);
    if (must_read_first(worker, now_ms))
        return;
    stream = worker->streams[worker->tick_number++ % GH_MEDIA_ROUND];
    for (; stream; stream = stream->next) {
        look_at_side(&stream->sides[0], now_ms);
        look_at_side(&stream->sides[1], now_ms);
        if (gh_stream_is_forgotten(stream, now_ms))
            raise_hold(stream);
    }
}

/* ---- commands -------------------------------------------------------------------------------- */

static void stop(struct gh_worker *worker)
{
    worker->stopping = true;
    for (int i = 0; i < GH_MEDIA_ROUND; i++) {
        while (worker->streams[i])
            close_stream(worker->streams[i]);
    }
    uv_close((uv_handle_t *)&worker->tick, NULL);
    gh_pulse_fini(&worker->pulse);
    gh_mailbox_close(worker->inbox); /* the loop ends with the last handle */
}

/* All but `set` are parts of their stream, which may be the signalling thread's again after
 * close_stream. */
static void on_command(void *arg, struct gh_msg *msg)
{
    struct gh_worker *worker = arg;
    struct gh_to_worker *to = (struct gh_to_worker *)msg;

    switch (to->command) {
    case GH_COMMAND_OPEN:
        open_stream(worker, to->stream);
        break;
    case GH_COMMAND_SET:
        set_stream(to->stream, (const struct gh_set_msg *)msg, uv_now(&worker->loop));
        msg->drop(msg);
        break;
    case GH_COMMAND_CLOSE:
        close_stream(to->stream);
        break;
    case GH_COMMAND_STOP:
        stop(worker);
        break;
    case GH_COMMAND_HOLD:
        uv_sem_post(((struct gh_hold_msg *)msg)->held);
        uv_sem_wait(((struct gh_hold_msg *)msg)->go);
        break;
    }
}

/* ---- start and end --------------------------------------------------------------------------- */

static void run(void *arg)
{
    struct gh_worker *worker = arg;

    gh_poll_run(worker);
}

static void keep(struct gh_msg *msg)
{
    (void)msg; /* a part of the worker */
}

int gh_worker_init(struct gh_worker *worker)
{
    int err = uv_loop_init(&worker->loop);

    if (err)
        return err;
    worker->has_loop = true;
    worker->epoll_fd = -1;
    worker->origins = ORIGIN_BASE;
    note_wall(worker);
    worker->ticked_ms = uv_now(&worker->loop);
    worker->stop.msg.drop = keep;
    worker->stop.command = GH_COMMAND_STOP;
    worker->tick.data = worker;
    uv_timer_init(&worker->loop, &worker->tick);
    gh_pulse_init(&worker->pulse, &worker->loop);
    err = gh_mailbox_new_loop(&worker->inbox, &worker->loop, on_command, worker);
    if (!err)
        err = gh_poll_init(worker);
    if (!err)
        err = uv_timer_start(&worker->tick, on_tick, GH_MEDIA_TICK_MS, GH_MEDIA_TICK_MS);
    return err;
}

/* Signals are the main thread's. */
int gh_worker_start(struct gh_worker *worker)
{
    sigset_t all, before;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = uv_thread_create(&worker->thread, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    worker->started = !err;
    if (!err)
        pthread_setname_np(worker->thread, "gh-media"); /* top -H tells it apart */
    return err;
}

void gh_worker_fini(struct gh_worker *worker)
{
    if (worker->started) {
        gh_mailbox_post(worker->inbox, &worker->stop.msg);
        uv_thread_join(&worker->thread);
    } else if (worker->has_loop) {
        uv_close((uv_handle_t *)&worker->tick, NULL);
        gh_pulse_fini(&worker->pulse);
        if (worker->inbox)
            gh_mailbox_close(worker->inbox);
        uv_run(&worker->loop, UV_RUN_DEFAULT);
    }
    gh_mailbox_free(worker->inbox);
    worker->inbox = NULL;
    if (worker->has_loop) {
        gh_poll_fini(worker);
        uv_loop_close(&worker->loop);
    }
    worker->has_loop = worker->started = false;
    explicit_bzero(worker->packet, sizeof(worker->packet));
    explicit_bzero(worker->scratch, sizeof(worker->scratch));
}
