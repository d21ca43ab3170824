/* SPDX-License-Identifier: Apache-2.0 */
/* What the media plane reports of a call's streams: proofs, silence, failures, moves. */
#include "base/log.h"
#include "call/call_int.h"

static void proven(struct gh_call_stream *stream, const struct gh_media_event *event)
{
    size_t slot = event->generation % GH_CALL_KEYED_MAX;

    if (stream->keyed[slot].generation != event->generation)
        return; /* so old that its time is decided */
    gh_timeline_proof(&stream->call->line, stream->index, event->side,
                      stream->keyed[slot].rx_key[event->side], event->wall_us);
    gh_call_graded(stream->call);
}

/* Our key to this side is near its packet limit (RFC 3711 section 9.2), unless it was replaced
 * since. */
static void worn(struct gh_call_stream *stream, const struct gh_media_event *event,
                 uint64_t now_ms)
{
    struct gh_call *call = stream->call;
    size_t slot = event->generation % GH_CALL_KEYED_MAX;

    if (stream->keyed[slot].generation != event->generation || !call->heard || !call->heard->neg)
        return;
    if (gh_neg_worn(call->heard->neg, stream->index, event->side,
                    stream->keyed[slot].tx_key[event->side]))
        gh_call_own_check(call, now_ms);
}

/* Two send the same packets. */
static bool is_race(const struct gh_media_event *event)
{
    return event->kind == GH_MEDIA_EVENT_CONTESTED || event->kind == GH_MEDIA_EVENT_TAKEN_BACK;
}

static void log_event(const struct gh_call_stream *stream, const struct gh_media_event *event)
{
    char before[GH_ADDR_TEXT_MAX], after[GH_ADDR_TEXT_MAX];
    bool source = gh_media_event_is_of_source(event->kind);
    enum gh_log_level level =
        event->kind == GH_MEDIA_EVENT_PROVEN || (source && !is_race(event)) ? GH_LOG_INFO
                                                                            : GH_LOG_WARN;

    if (source)
        gh_log(level, "call", "media",
               "call=%s stream=%zu side=%c what=%s rtcp=%d from=%s to=%s proven=%d",
               stream->call->id, stream->index, 'a' + event->side, gh_media_event_name(event->kind),
               event->rtcp, gh_addr_text(&event->old_source, before),
               gh_addr_text(&event->new_source, after), event->source_proven);
    else
        gh_log(level, "call", "media", "call=%s stream=%zu side=%c what=%s", stream->call->id,
               stream->index, 'a' + event->side, gh_media_event_name(event->kind));
}

/* Is any stream of the call heard, by a side that is due there?  A muted video must not end the
 * voice beside it. */
static bool heard_elsewhere(const struct gh_call *call, const struct gh_media_event *event,
                            const struct gh_call_stream *silent)
{
    const struct gh_config *config = call->calls->config;
    uint64_t within_ms =
        event->on_hold ? config->media.timeout_on_hold_ms : config->media.timeout_ms;
    int64_t since_us = gh_wall_us() - (int64_t)within_ms * 1000;

    for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++) {
        struct gh_media_counters counters[2];

        if (!call->streams[i] || call->streams[i] == silent ||
            gh_media_counters(call->calls->media, call->streams[i]->id, counters))
            continue;
        for (int side = 0; side < 2; side++) {
            if ((event->on_hold || side == event->side) && counters[side].last_rx_us > since_us)
                return true;
        }
    }
    return false;
}

/* Who rings need not speak: ring_timeout ends that.  Once it is answered the time begins anew.
 * @return why the call ends, or NONE */
static enum gh_reason timed_out(const struct gh_call_stream *stream,
                                const struct gh_media_event *event)
{
    struct gh_call *call = stream->call;

    if (!call->answer_us)
        call->silent_early = true;
    else if (!heard_elsewhere(call, event, stream))
        return GH_REASON_MEDIA_TIMEOUT;
    return GH_REASON_NONE;
}

static void heed_source(const struct gh_call_stream *stream,
                              const struct gh_media_event *event)
{
    struct gh_call *call = stream->call;

    if (is_race(event))
        gh_marks_add(&call->marks, GH_REASON_SOURCE_CONTESTED);
    /* On a keyed side it is not proven at first: nothing but SRTP goes there. */
    if (!event->source_proven &&
        call->shown[stream->index]->side[event->side].suite == GH_SUITE_NONE)
        gh_marks_add(&call->marks, GH_REASON_SOURCE_UNPROVEN);
    gh_call_record_source(call, stream->index, event);
}

void gh_call_on_media_event(void *arg, const struct gh_media_event *event)
{
    struct gh_calls *calls = arg;
    struct gh_call_stream *stream = gh_call_stream_find(calls, event->stream);
    struct gh_call *call = stream ? stream->call : NULL;
    uint64_t now_ms = gh_loop_now_ms(calls->loop);
    enum gh_reason end = GH_REASON_NONE;

    if (!call)
        return;
    if (event->kind != GH_MEDIA_EVENT_SILENT && event->kind != GH_MEDIA_EVENT_VOICE)
        log_event(stream, event);
    switch (event->kind) {
    case GH_MEDIA_EVENT_PROVEN:
        proven(stream, event);
        break;
    case GH_MEDIA_EVENT_TIMEOUT:
        end = timed_out(stream, event);
        break;
    case GH_MEDIA_EVENT_SILENT:
        gh_call_silence_begins(stream, event->side, event->since_us, event->wall_us);
        break;
    case GH_MEDIA_EVENT_VOICE:
        gh_call_silence_ends(stream, event->side, event->wall_us);
        break;
    case GH_MEDIA_EVENT_FAILED:
        /* A key that was replaced so long ago that nobody knows which packets came under it. */
        end = event->err == GH_ESTALE ? GH_REASON_KEY_REUSED : GH_REASON_INTERNAL;
        break;
    case GH_MEDIA_EVENT_UNREACHABLE: /* without RTCP a call can be; without RTP it cannot */
        if (!event->rtcp)
            end = GH_REASON_MEDIA_UNREACHABLE;
        break;
    case GH_MEDIA_EVENT_LATCHED:
    case GH_MEDIA_EVENT_MOVED:
    case GH_MEDIA_EVENT_CONFIRMED:
    case GH_MEDIA_EVENT_CONTESTED:
    case GH_MEDIA_EVENT_TAKEN_BACK:
        heed_source(stream, event);
        break;
    case GH_MEDIA_EVENT_KEY_SOON:
        worn(stream, event, now_ms);
        break;
    case GH_MEDIA_EVENT_LIFETIME:
        gh_marks_add(&call->marks, GH_REASON_KEY_LIFETIME_EXCEEDED);
        if (call->leg[event->side].trunk->lifetime_enforce)
            end = GH_REASON_KEY_LIFETIME_EXCEEDED;
        break;
    case GH_MEDIA_EVENT_NONE:
    case GH_MEDIA_EVENT_PLAIN:
    case GH_MEDIA_EVENT_AUTH_FAILED:
    case GH_MEDIA_EVENT_SSRC_LIMIT:
    case GH_MEDIA_EVENT_COUNT:
        break;
    }
    if (end != GH_REASON_NONE && gh_call_can(call, GH_ON_END))
        gh_call_end(call, end, -1, now_ms);
}
