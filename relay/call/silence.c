/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-way audio or video: when a side that was to send RTP sent none, from the answer on.  Who rings need
 * not speak.
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

#define SILENT_US (GH_MEDIA_SILENT_MS * INT64_C(1000))

/* Of the call; from its answer on. */
static int64_t begin_of(const struct gh_call *call, int64_t since_us)
{
    return since_us < call->answer_us ? call->answer_us : since_us;
}

static double after_answer(const struct gh_call *call, int64_t wall_us)
{
    return (double)(wall_us - call->answer_us) / 1e6;
}

static bool is_long(const struct gh_call *call, int64_t since_us, int64_t now_us)
{
    return call->answer_us && now_us - begin_of(call, since_us) >= SILENT_US;
}

/* Text comes when somebody types (RFC 4103), and a far camera is turned now and then (RFC 4573). */
static bool is_steady(enum gh_media_kind kind)
{
    return kind == GH_MEDIA_AUDIO || kind == GH_MEDIA_VIDEO;
}

/* ---- while it goes on ------------------------------------------------------------------------ */

static void tell(struct gh_call_stream *stream, int side, int64_t now_us)
{
    struct gh_call *call = stream->call;
    int64_t since_us = stream->silent_us[side];

    if (!since_us || stream->silent_told[side] || call->silence_count >= GH_CALL_SILENCES_MAX)
        return;
    if (!is_long(call, since_us, now_us)) {
        call->silence_due = true;
        return;
    }
    stream->silent_told[side] = true;
    gh_log(GH_LOG_WARN, "call", "media", "call=%s stream=%zu side=%c what=%s from=%.1f", call->id,
           stream->index, 'a' + side, gh_media_event_name(GH_MEDIA_EVENT_SILENT),
           after_answer(call, begin_of(call, since_us)));
}

void gh_call_silence_begins(struct gh_call_stream *stream, int side, int64_t since_us,
                            int64_t now_us)
{
    if (!is_steady(stream->call->shown[stream->index]->kind))
        return;
    stream->silent_us[side] = since_us;
    tell(stream, side, now_us);
}

void gh_call_silence_tick(struct gh_call *call)
{
    int64_t now_us = gh_wall_us();

    if (!call->silence_due)
        return;
    call->silence_due = false;
    for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++) {
        for (int side = 0; side < 2 && call->streams[i]; side++)
            tell(call->streams[i], side, now_us);
    }
}

/* ---- when it is over ------------------------------------------------------------------------- */

/* Without memory, or beyond the bound, it is in the sum alone. */
static void keep(struct gh_call *call, const struct gh_call_silence *silence)
{
    struct gh_call_silence *kept;

    if (call->silence_count >= GH_CALL_SILENCES_MAX)
        return;
    kept = malloc(sizeof(*kept));
    if (!kept)
        return;
    *kept = *silence;
    TAILQ_INSERT_TAIL(&call->silences, kept, link);
    call->silence_count++;
}

void gh_call_silence_ends(struct gh_call_stream *stream, int side, int64_t now_us)
{
    struct gh_call *call = stream->call;
    struct gh_call_silence silence = { .index = stream->index, .side = side, .to_us = now_us };

    if (stream->silent_us[side] && is_long(call, stream->silent_us[side], now_us)) {
        silence.from_us = begin_of(call, stream->silent_us[side]);
        call->shown[stream->index]->silent_us[side] += now_us - silence.from_us;
        keep(call, &silence);
        if (stream->silent_told[side])
            gh_log(GH_LOG_INFO, "call", "media",
                   "call=%s stream=%zu side=%c what=%s from=%.1f seconds=%.1f", call->id,
                   stream->index, 'a' + side, gh_media_event_name(GH_MEDIA_EVENT_VOICE),
                   after_answer(call, silence.from_us), (double)(now_us - silence.from_us) / 1e6);
    }
    stream->silent_us[side] = 0;
    stream->silent_told[side] = false;
}

void gh_call_silences_free(struct gh_call *call)
{
    struct gh_call_silence *silence;

    while ((silence = TAILQ_FIRST(&call->silences))) {
        TAILQ_REMOVE(&call->silences, silence, link);
        free(silence);
    }
    call->silence_count = 0;
}

/* ---- the record ------------------------------------------------------------------------------ */

static void put(struct gh_event *event, const struct gh_call *call, int64_t from_us, int64_t to_us)
{
    gh_event_array(event, NULL);
    gh_event_seconds(event, NULL, after_answer(call, from_us));
    gh_event_seconds(event, NULL, after_answer(call, to_us));
    gh_event_end(event);
}

void gh_call_event_silence(struct gh_event *event, const struct gh_call *call, size_t index,
                           int side, int64_t now_us)
{
    const struct gh_call_stream *stream = call->streams[index];
    int64_t since_us = stream ? stream->silent_us[side] : 0;
    int64_t sum_us = call->shown[index]->silent_us[side];
    bool goes_on = since_us && is_long(call, since_us, now_us);
    const struct gh_call_silence *silence;

    if (goes_on)
        sum_us += now_us - begin_of(call, since_us);
    if (!sum_us)
        return;
    gh_event_seconds(event, "silent_seconds", (double)sum_us / 1e6);
    gh_event_array(event, "silent");
    TAILQ_FOREACH (silence, &call->silences, link) {
        if (silence->index == index && silence->side == side)
            put(event, call, silence->from_us, silence->to_us);
    }
    if (goes_on)
        put(event, call, begin_of(call, since_us), now_us);
    gh_event_end(event);
}
