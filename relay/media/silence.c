/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long nothing may come: timeout_ms of a side that is to send, timeout_on_hold_ms of a stream
 * of which neither is.  And what is told much earlier: GH_MEDIA_SILENT_MS without RTP from a side
 * that is to send it.  Nothing here reads a clock.  Thread: the worker that owns the stream.
 *
 *   a side    runs from: it is to send, its address changes, an accepted packet; of datagrams also
 *             the other side's, for fax is half duplex: while a page goes one way, nothing comes
 *             the other for minutes
 *   a stream  runs from: neither side is to send any more, an accepted packet of either
 *   its voice runs from: it is to send, an accepted packet of RTP
 */
#include "media/media_int.h"

/* Packets can and should come from there. */
static bool is_to_send(const struct gh_side *side)
{
    return side->may_send && gh_media_address(&side->remote_rtp, NULL) == GH_MEDIA_ADDRESS_USABLE;
}

void gh_stream_note_hold(struct gh_stream *stream, uint64_t now_ms)
{
    const struct gh_side *a = &stream->sides[0], *b = &stream->sides[1];
    bool held = a->was_set && b->was_set && !is_to_send(a) && !is_to_send(b);

    /* From the first of its sets: a call on hold that refreshes its session is still on hold. */
    if (held && !stream->held)
        stream->held_since_ms = now_ms;
    stream->held = held;
}

bool gh_side_is_silent(const struct gh_side *side, uint64_t now_ms)
{
    const struct gh_side *other = &side->stream->sides[!gh_side_number(side)];
    uint64_t timeout_ms = side->timeout_ms; /* the set's own runs whatever the side may do */
    uint64_t heard_ms = side->heard_ms;

    if (side->datagrams && other->heard_ms > heard_ms)
        heard_ms = other->heard_ms;
    if (!side->was_set)
        return false;
    if (timeout_ms == 0 && is_to_send(side))
        timeout_ms = side->stream->timeout_ms;
    return timeout_ms && now_ms - heard_ms >= timeout_ms;
}

/* RTCP is no voice, nor is what does not authenticate.  Fax takes turns. */
bool gh_side_look_for_voice(struct gh_side *side, uint64_t received, uint64_t now_ms)
{
    bool due = side->was_set && is_to_send(side) && !side->datagrams;

    if (!due || !side->voice_ms || received != side->voice_pkts) {
        side->voice_pkts = received;
        side->voice_ms = now_ms;
    }
    return side->voiceless != (now_ms - side->voice_ms >= GH_MEDIA_SILENT_MS);
}

bool gh_stream_is_forgotten(const struct gh_stream *stream, uint64_t now_ms)
{
    uint64_t since_ms = stream->held_since_ms;

    if (!stream->held || !stream->timeout_on_hold_ms)
        return false;
    for (int s = 0; s < 2; s++) { /* RTCP keeps a call on hold alive */
        if (stream->sides[s].heard_ms > since_ms)
            since_ms = stream->sides[s].heard_ms;
    }
    return now_ms - since_ms >= stream->timeout_on_hold_ms;
}
