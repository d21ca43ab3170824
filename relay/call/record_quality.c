/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a stream sounded, in its record: `quality` is what we measured of the packets that a side
 * sent, `reported` what that side says of the packets that we sent to it.  The second is a claim;
 * media.h says how far it is bounded.
 */
#include "call/call_int.h"

/* Thousandths of a millisecond are told, not more. */
static void put_ms(struct gh_event *event, const char *name, double us)
{
    gh_event_seconds(event, name, us / 1e3);
}

static void put_score(struct gh_event *event, struct gh_media_score score)
{
    if (!score.known)
        return;
    gh_event_seconds(event, "mos", score.mos);
    gh_event_seconds(event, "r", score.r);
    put_ms(event, "delay_ms", score.delay_ms * 1e3);
    gh_event_bool(event, "delay_known", score.delay_known);
}

static void put_measured(struct gh_event *event, const struct gh_media_quality quality[2], int side)
{
    const struct gh_media_quality *near = &quality[side];

    gh_event_object(event, "quality");
    gh_event_text(event, "codec", gh_codec_name(near->measured.codec));
    gh_event_u64(event, "sources", near->measured.sources);
    gh_event_u64(event, "expected", near->measured.expected_pkts);
    gh_event_u64(event, "received", near->measured.received_pkts);
    gh_event_u64(event, "lost", near->measured.lost_pkts);
    gh_event_seconds(event, "loss_worst_percent", near->measured.loss_worst_ppm / 1e4);
    if (near->measured.clock_hz) {
        put_ms(event, "jitter_ms", near->measured.jitter_us);
        put_ms(event, "jitter_worst_ms", near->measured.jitter_worst_us);
    }
    put_score(event, gh_media_score(quality, side, false));
    gh_event_end(event);
}

/* The clock is that of the far side, whose packets are reported on; without it jitter stays in its
 * units. */
static void put_reported_jitter(struct gh_event *event, const struct gh_media_quality *near)
{
    double unit_us = near->reported.clock_hz ? 1e6 / near->reported.clock_hz : 0;

    if (near->reported.clock_hz) {
        put_ms(event, "jitter_ms", near->reported.jitter_last * unit_us);
        put_ms(event, "jitter_worst_ms", near->reported.jitter_worst * unit_us);
    } else {
        gh_event_u64(event, "jitter_units", near->reported.jitter_last);
        gh_event_u64(event, "jitter_worst_units", near->reported.jitter_worst);
    }
}

static void put_reported(struct gh_event *event, const struct gh_media_quality quality[2], int side)
{
    const struct gh_media_quality *near = &quality[side];

    gh_event_object(event, "reported");
    gh_event_u64(event, "reports", near->reported.blocks);
    if (near->reported.blocks) {
        gh_event_u64(event, "lost", near->reported.lost_pkts);
        gh_event_seconds(event, "loss_last_percent", near->reported.fraction_last / 2.56);
        gh_event_seconds(event, "loss_worst_percent", near->reported.fraction_worst / 2.56);
        put_reported_jitter(event, near);
    }
    if (near->reported.rtt_count) {
        put_ms(event, "rtt_ms",
               (double)near->reported.rtt_sum_us / (double)near->reported.rtt_count);
        put_ms(event, "rtt_worst_ms", near->reported.rtt_worst_us);
    }
    put_score(event, gh_media_score(quality, !side, true));
    gh_event_u64(event, "goodbyes", near->reported.goodbyes);
    gh_event_u64(event, "unknown_ssrc", near->reported.unknown_ssrc);
    gh_event_u64(event, "implausible", near->reported.implausible);
    gh_event_u64(event, "malformed", near->reported.malformed_pkts);
    gh_event_end(event);
}

void gh_call_event_quality(struct gh_event *event, const struct gh_media_counters counters[2],
                           int side)
{
    const struct gh_media_quality quality[2] = { counters[0].quality, counters[1].quality };

    put_measured(event, quality, side);
    put_reported(event, quality, side);
}
