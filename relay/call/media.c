/* SPDX-License-Identifier: Apache-2.0 */
/* A call and its streams on the media plane: ports before the offer, keys after the answer, counters at the end. */
#include <search.h>

#include "base/log.h"
#include "call/call_int.h"

#define COUNTERS_WAIT_MS 1000 /* a worker that does not report by then: counters_incomplete */

static int by_id(const void *a, const void *b)
{
    const struct gh_call_stream *left = a, *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

static struct gh_call_stream *find(struct gh_calls *calls, gh_stream_id id)
{
    struct gh_call_stream key = { .id = id };
    struct gh_call_stream **found = tfind(&key, &calls->streams, by_id);

    return found ? *found : NULL;
}

/* The media plane knows the stream no more, or we do not wait for it. */
static void forget(struct gh_calls *calls, struct gh_call_stream *stream)
{
    if (stream->id)
        tdelete(stream, &calls->streams, by_id);
    stream->id = 0;
}

enum gh_reason gh_call_media_open(struct gh_call *call)
{
    struct gh_media_open open = { .call = call->number, .timeout_ms = call->calls->config->media.timeout_ms };

    for (size_t i = 0; i < call->neg.count; i++) {
        struct gh_neg_stream *stream = &call->neg.streams[i];
        uint16_t ports[2];
        int err;

        if (!stream->live)
            continue;
        err = gh_media_open(call->calls->media, &open, &stream->stream, ports);
        if (err)
            return err == GH_EFULL ? GH_REASON_NO_MEDIA_PORT : GH_REASON_INTERNAL;
        call->streams[i] = (struct gh_call_stream){ .id = stream->stream, .call = call };
        if (!tsearch(&call->streams[i], &call->calls->streams, by_id)) {
            gh_media_close(call->calls->media, stream->stream);
            call->streams[i].id = stream->stream = 0;
            return GH_REASON_INTERNAL;
        }
        call->streams_open++;
        stream->side[GH_SIDE_A].port = ports[GH_SIDE_A];
        stream->side[GH_SIDE_B].port = ports[GH_SIDE_B];
    }
    return GH_REASON_NONE;
}

enum gh_reason gh_call_media_start(struct gh_call *call)
{
    for (size_t i = 0; i < call->neg.count; i++) {
        struct gh_neg_stream *stream = &call->neg.streams[i];
        struct gh_media_set sets[2];

        if (!stream->live) {
            /* Bound, but the answer refused it. */
            if (stream->stream)
                gh_media_close(call->calls->media, stream->stream);
            continue;
        }
        for (int side = 0; side < 2; side++) {
            gh_neg_media_set(stream, side, &sets[side]);
            sets[side].generation = 1;
        }
        if (gh_media_set_both(call->calls->media, sets))
            return GH_REASON_INTERNAL;
    }
    return GH_REASON_NONE;
}

static void on_counters_late(void *arg, uint64_t now_ms)
{
    struct gh_call *call = arg;

    if (call->streams_open)
        gh_neg_mark(&call->neg, GH_REASON_COUNTERS_INCOMPLETE);
    for (size_t i = 0; i < call->neg.count; i++) {
        if (call->streams[i].id)
            gh_media_counters(call->calls->media, call->streams[i].id, call->counters[i]);
        forget(call->calls, &call->streams[i]);
    }
    call->streams_open = 0;
    gh_call_event(call, GH_ON_COUNTED, now_ms);
}

void gh_call_media_close(struct gh_call *call)
{
    struct gh_loop *loop = call->calls->loop;
    uint64_t now_ms = gh_loop_now_ms(loop);

    for (size_t i = 0; i < call->neg.count; i++) {
        if (call->streams[i].id)
            gh_media_close(call->calls->media, call->streams[i].id);
    }
    /* Always by way of the loop: the caller may still be at work on the call. */
    if (gh_timer_start(gh_loop_timers(loop), &call->timer, now_ms + (call->streams_open ? COUNTERS_WAIT_MS : 0),
                       on_counters_late, call))
        on_counters_late(call, now_ms);
}

void gh_call_on_media_event(void *arg, const struct gh_media_event *event)
{
    struct gh_calls *calls = arg;
    struct gh_call_stream *stream = find(calls, event->stream);
    struct gh_call *call = stream ? stream->call : NULL;

    if (!call)
        return;
    gh_log(event->kind == GH_MEDIA_EVENT_PROVEN ? GH_LOG_INFO : GH_LOG_WARN, "call", "media",
           "call=%s stream=%zu side=%c what=%s", call->id, (size_t)(stream - call->streams), 'a' + event->side,
           gh_media_event_name(event->kind));
    if (event->kind == GH_MEDIA_EVENT_TIMEOUT && gh_call_can(call, GH_ON_END))
        gh_call_end(call, GH_REASON_MEDIA_TIMEOUT, -1, gh_loop_now_ms(calls->loop));
    else if ((event->kind == GH_MEDIA_EVENT_FAILED || (event->kind == GH_MEDIA_EVENT_UNREACHABLE && !event->rtcp)) &&
             gh_call_can(call, GH_ON_END))
        gh_call_end(call, GH_REASON_INTERNAL, -1, gh_loop_now_ms(calls->loop));
}

void gh_call_on_media_closed(void *arg, gh_stream_id stream, const struct gh_media_counters counters[2])
{
    struct gh_calls *calls = arg;
    struct gh_call_stream *closed = find(calls, stream);
    struct gh_call *call = closed ? closed->call : NULL;

    if (!call)
        return;
    memcpy(call->counters[closed - call->streams], counters, sizeof(call->counters[0]));
    forget(calls, closed);
    if (--call->streams_open || call->state != GH_CALL_COUNTING)
        return;
    gh_timer_stop(gh_loop_timers(calls->loop), &call->timer);
    gh_call_event(call, GH_ON_COUNTED, gh_loop_now_ms(calls->loop));
}

void gh_call_media_forget(struct gh_call *call)
{
    for (size_t i = 0; i < call->neg.count; i++) {
        if (call->streams[i].id)
            gh_media_close(call->calls->media, call->streams[i].id);
        forget(call->calls, &call->streams[i]);
    }
}
