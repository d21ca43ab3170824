/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures of quality come to: scores, sums, names of codecs. */
#include "relay/media/support_quality.h"

static void scores(void)
{
    struct gh_media_quality both[2];
    struct gh_media_score score;

    memset(both, 0, sizeof(both));
    CHECK(!gh_media_score(both, 0, false).known);
    both[0].measured.expected_pkts = 1000;
    both[0].measured.codec = GH_CODEC_PCMA;
    score = gh_media_score(both, 0, false);
    CHECK(score.known && !score.delay_known);
    NEAR(score.mos, 4.39, 0.02); /* 20 ms of packet alone */
    CHECK(!gh_media_score(both, 0, true).known); /* nobody reported */
    both[0].measured.lost_pkts = 50;
    both[0].measured.jitter_us = 15000;
    both[0].reported.rtt_count = both[1].reported.rtt_count = 2;
    both[0].reported.rtt_sum_us = 2 * 40000;
    both[1].reported.rtt_sum_us = 2 * 60000;
    score = gh_media_score(both, 0, false);
    CHECK(score.delay_known);
    NEAR(score.loss, 0.05, 1e-9);
    NEAR(score.delay_ms, 50 + 30 + 20, 1e-9);
    CHECK(score.mos > 3.5 && score.mos < 4.0);
    both[1].reported.blocks = 1;
    both[1].reported.lost_pkts = 200; /* behind us more was lost */
    both[1].reported.clock_hz = 8000;
    both[1].reported.jitter_last = 80;
    NEAR(gh_media_score(both, 0, true).loss, 0.2, 1e-9);
    NEAR(gh_media_score(both, 0, true).delay_ms, 50 + 20 + 20, 1e-9);
    CHECK(gh_media_score(both, 0, true).mos < 2.7);
    both[0].measured.codec = GH_CODEC_VIDEO;
    CHECK(!gh_media_score(both, 0, false).known);
}

static void sums_of_two_streams(void)
{
    struct gh_media_quality sum_of, first, second;

    memset(&sum_of, 0, sizeof(sum_of));
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    first.measured.expected_pkts = 100;
    first.measured.lost_pkts = 10;
    first.measured.jitter_us = 7;
    first.measured.jitter_worst_us = 70;
    first.measured.sources = 1;
    first.measured.codec = GH_CODEC_G729;
    first.reported.blocks = 2;
    first.reported.rtt_last_us = 5;
    second.measured.expected_pkts = 50;
    second.measured.jitter_us = 9;
    second.measured.jitter_worst_us = 20;
    second.measured.sources = 1;
    second.measured.codec = GH_CODEC_PCMA;
    gh_media_quality_add(&sum_of, &first);
    gh_media_quality_add(&sum_of, &second);
    CHECK_INT(sum_of.measured.expected_pkts, 150);
    CHECK_INT(sum_of.measured.lost_pkts, 10);
    CHECK_INT(sum_of.measured.jitter_us, 9);
    CHECK_INT(sum_of.measured.jitter_worst_us, 70);
    CHECK_INT(sum_of.measured.codec, GH_CODEC_PCMA);
    CHECK_INT(sum_of.reported.blocks, 2);
    CHECK_INT(sum_of.reported.rtt_last_us, 5); /* the second one had no reports */
}

static void names_of_codecs(void)
{
    CHECK_INT(gh_codec_of(GH_SPAN("pcmu")), GH_CODEC_PCMU);
    CHECK_INT(gh_codec_of(GH_SPAN("OPUS")), GH_CODEC_OPUS);
    CHECK_INT(gh_codec_of(GH_SPAN("telephone-event")), GH_CODEC_EVENT);
    CHECK_INT(gh_codec_of(GH_SPAN("CN")), GH_CODEC_EVENT);
    CHECK_INT(gh_codec_of(GH_SPAN("voice")), GH_CODEC_UNKNOWN); /* a word of ours */
    CHECK_INT(gh_codec_of(GH_SPAN("")), GH_CODEC_UNKNOWN);
    CHECK_STR(gh_codec_name(GH_CODEC_G722), "G722");
    CHECK_STR(gh_codec_name(GH_CODEC_COUNT), "unknown");
}

int main(void)
{
    RUN(scores);
    RUN(sums_of_two_streams);
    RUN(names_of_codecs);
    return CHECK_REPORT();
}
