/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures of quality come to: names, sums over streams, how a direction sounds.  media.h
 * says each. */
#include "media/emodel.h"

#define PACKET_MS 20      /* of voice in one packet, before it can leave */
#define BUFFER_JITTERS 2  /* a jitter buffer holds about so many times the jitter */

static const char *const names[GH_CODEC_COUNT] = {
    [GH_CODEC_UNKNOWN] = "unknown",
#define X(id, name) [GH_CODEC_##id] = name,
    GH_CODEC_MAP(X)
#undef X
};

enum gh_codec gh_codec_of(struct gh_span encoding)
{
    if (gh_span_ieq(encoding, GH_SPAN("CN")))
        return GH_CODEC_EVENT;
    for (int i = GH_CODEC_UNKNOWN + 1; i < GH_CODEC_COUNT; i++) {
        if (i != GH_CODEC_VOICE && i != GH_CODEC_VIDEO &&
            gh_span_ieq(encoding, gh_span_str(names[i])))
            return (enum gh_codec)i;
    }
    return GH_CODEC_UNKNOWN;
}

const char *gh_codec_name(enum gh_codec codec)
{
    return names[(unsigned)codec < GH_CODEC_COUNT ? codec : GH_CODEC_UNKNOWN];
}

static bool is_voice(enum gh_codec codec)
{
    return codec != GH_CODEC_UNKNOWN && codec != GH_CODEC_VIDEO && codec != GH_CODEC_EVENT;
}

static double rtt_ms(const struct gh_media_quality *quality)
{
    return quality->reported.rtt_count
               ? (double)quality->reported.rtt_sum_us / (double)quality->reported.rtt_count / 1e3
               : 0;
}

/* Of what @talker sent, as @listener reported it; in the talker's clock. */
static double reported_jitter_ms(const struct gh_media_quality *listener)
{
    uint32_t clock_hz = listener->reported.clock_hz;

    return clock_hz ? listener->reported.jitter_last * 1e3 / clock_hz : 0;
}

struct gh_media_score gh_media_score(const struct gh_media_quality quality[2], int side,
                                     bool reported)
{
    const struct gh_media_quality *talker = &quality[side], *listener = &quality[!side];
    uint64_t expected = talker->measured.expected_pkts;
    uint64_t lost = reported ? listener->reported.lost_pkts : talker->measured.lost_pkts;
    double jitter_ms = reported ? reported_jitter_ms(listener) : talker->measured.jitter_us / 1e3;
    struct gh_media_score score = { .known = expected && is_voice(talker->measured.codec) };

    if (!score.known || (reported && !listener->reported.blocks))
        return (struct gh_media_score){ 0 };
    score.loss = lost < expected ? (double)lost / (double)expected : 1;
    score.delay_ms =
        (rtt_ms(talker) + rtt_ms(listener)) / 2 + BUFFER_JITTERS * jitter_ms + PACKET_MS;
    score.delay_known = talker->reported.rtt_count && listener->reported.rtt_count;
    score.r = gh_emodel_r(talker->measured.codec, score.loss, score.delay_ms);
    score.mos = gh_emodel_mos(score.r);
    return score;
}

static void worse(uint32_t *worst, uint32_t other)
{
    if (other > *worst)
        *worst = other;
}

void gh_media_quality_add(struct gh_media_quality *sum, const struct gh_media_quality *more)
{
    sum->measured.expected_pkts += more->measured.expected_pkts;
    sum->measured.received_pkts += more->measured.received_pkts;
    sum->measured.lost_pkts += more->measured.lost_pkts;
    sum->measured.sources += more->measured.sources;
    worse(&sum->measured.loss_worst_ppm, more->measured.loss_worst_ppm);
    worse(&sum->measured.jitter_worst_us, more->measured.jitter_worst_us);
    if (more->measured.sources) { /* it had packets: it is the newer one */
        sum->measured.loss_last_ppm = more->measured.loss_last_ppm;
        sum->measured.jitter_us = more->measured.jitter_us;
        sum->measured.clock_hz = more->measured.clock_hz;
        sum->measured.codec = more->measured.codec;
    }
    sum->reported.blocks += more->reported.blocks;
    sum->reported.lost_pkts += more->reported.lost_pkts;
    sum->reported.rtt_sum_us += more->reported.rtt_sum_us;
    sum->reported.rtt_count += more->reported.rtt_count;
    sum->reported.goodbyes += more->reported.goodbyes;
    sum->reported.unknown_ssrc += more->reported.unknown_ssrc;
    sum->reported.implausible += more->reported.implausible;
    sum->reported.malformed_pkts += more->reported.malformed_pkts;
    worse(&sum->reported.fraction_worst, more->reported.fraction_worst);
    worse(&sum->reported.jitter_worst, more->reported.jitter_worst);
    worse(&sum->reported.rtt_worst_us, more->reported.rtt_worst_us);
    if (more->reported.blocks) {
        sum->reported.fraction_last = more->reported.fraction_last;
        sum->reported.jitter_last = more->reported.jitter_last;
        sum->reported.clock_hz = more->reported.clock_hz;
        sum->reported.rtt_last_us = more->reported.rtt_last_us;
    }
}
