/* SPDX-License-Identifier: Apache-2.0 */
/* Loss and jitter as they are measured; what others report of it: test_quality_reported.c. */
#include "relay/media/support_quality.h"

/* RFC 3550 appendix A.3: expected is from the first to the highest number, whatever wraps in
 * between. */
static void loss_over_a_wrap(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality, .ssrc = 7, .seq = 65000, .now_us = 1000000 };

    for (int i = 0; i < 200000; i++) {
        if (i % 100 == 50) { /* each hundredth is lost */
            voice.seq++;
            voice.timestamp += 160;
            voice.now_us += 20000;
        } else {
            next(&voice);
        }
    }
    CHECK_INT(sum(&quality, 0)->measured.expected_pkts, 200000);
    CHECK_INT(quality.now.measured.received_pkts, 198000);
    CHECK_INT(quality.now.measured.lost_pkts, 2000);
    CHECK_INT(quality.now.measured.sources, 1);
    CHECK_INT(quality.now.measured.jitter_us, 0);
}

static void late_and_doubled_packets(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality, .ssrc = 7 };
    static const uint16_t order[] = { 65534, 0, 65535, 1, 3, 2, 2, 5, 65530 };

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        packet(&voice, order[i], order[i] * 160U, 20000 * i);
    CHECK_INT(sum(&quality, 0)->measured.expected_pkts, 8); /* 65534 to 5 */
    CHECK_INT(quality.now.measured.received_pkts, 9);
    CHECK_INT(quality.now.measured.lost_pkts, 0); /* never negative: RFC 3550 A.3 says it may be */
}

/* RFC 3550 appendix A.1: one packet far away is a stray one, two in a row are a new beginning. */
static void jumps(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality, .ssrc = 7, .seq = 100, .now_us = 1000000 };

    for (int i = 0; i < 10; i++)
        next(&voice);
    packet(&voice, 30000, 0, voice.now_us);
    next(&voice);
    CHECK_INT(sum(&quality, 0)->measured.expected_pkts, 11);
    CHECK_INT(quality.now.measured.sources, 1);
    packet(&voice, 40000, 0, voice.now_us);
    packet(&voice, 40001, 160, voice.now_us + 20000);
    packet(&voice, 40003, 480, voice.now_us + 60000);
    CHECK_INT(sum(&quality, 0)->measured.expected_pkts, 14); /* 11, and 40001 to 40003 */
    CHECK_INT(quality.now.measured.lost_pkts, 1);
    CHECK_INT(quality.now.measured.sources, 2);
    packet(&voice, (uint16_t)(40003 + 2999), 0, 0); /* as many may be missing: MAX_DROPOUT */
    CHECK_INT(sum(&quality, 0)->measured.expected_pkts, 14 + 2999);
}

/* A sender that leaves out thousands with each is heard all the same, and not silent. */
static void strays_have_come(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality, .ssrc = 7, .seq = 100, .now_us = 1000000 };

    for (uint64_t i = 1; i <= 20; i++) {
        next(&voice);
        voice.seq = (uint16_t)(voice.seq + 5000);
        sum(&quality, 0);
        CHECK_INT(gh_quality_arrived(&quality), i);
    }
    CHECK_INT(quality.now.measured.received_pkts, 1);
}

/* Hold music, a transfer: each source has numbers of its own, and what is gone stays in the
 * sums. */
static void sources_are_bounded_and_nothing_is_forgotten(void)
{
    static struct gh_quality quality;
    uint64_t lost = 0;

    for (uint32_t ssrc = 1; ssrc <= 50; ssrc++) {
        struct source voice = {
            .to = &quality, .ssrc = ssrc, .seq = (uint16_t)(ssrc * 1300), .now_us = 1000000
        };

        for (int i = 0; i < 20; i++) {
            next(&voice);
            if (i == 10)
                voice.seq = (uint16_t)(voice.seq + 2);
        }
        lost += 2;
    }
    CHECK_INT(sum(&quality, 0)->measured.expected_pkts, 50 * 22);
    CHECK_INT(quality.now.measured.lost_pkts, lost);
    CHECK_INT(quality.now.measured.sources, 50);
}

/* Who authenticates may still change its SSRC with each packet: that costs its own figures
 * alone. */
static void a_new_ssrc_with_each_packet(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality };

    for (uint32_t i = 0; i < 10000; i++) {
        voice.ssrc = i;
        packet(&voice, (uint16_t)i, i, i);
    }
    CHECK_INT(sum(&quality, 0)->measured.expected_pkts, 10000);
    CHECK_INT(quality.now.measured.received_pkts, 10000);
    CHECK_INT(quality.now.measured.lost_pkts, 0);
}

static void loss_of_an_interval(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality, .ssrc = 7 };

    sum(&quality, 1000);
    for (int i = 0; i < 250; i++)
        next(&voice);
    sum(&quality, 1000 + GH_QUALITY_INTERVAL_MS);
    CHECK_INT(quality.now.measured.loss_last_ppm, 0);
    for (int i = 0; i < 250; i++) { /* a fifth */
        if (i % 5 == 2)
            voice.seq++;
        else
            next(&voice);
    }
    sum(&quality, 1000 + 2 * GH_QUALITY_INTERVAL_MS - 1);
    CHECK_INT(quality.now.measured.loss_last_ppm, 0); /* not yet */
    sum(&quality, 1000 + 2 * GH_QUALITY_INTERVAL_MS);
    CHECK_INT(quality.now.measured.loss_last_ppm, 200000);
    for (int i = 0; i < 49; i++)
        next(&voice);
    sum(&quality, 1000 + 3 * GH_QUALITY_INTERVAL_MS);
    CHECK_INT(quality.now.measured.loss_last_ppm, 200000); /* too few packets to tell */
    next(&voice);
    sum(&quality, 1001 + 3 * GH_QUALITY_INTERVAL_MS);
    CHECK_INT(quality.now.measured.loss_last_ppm, 0);
    CHECK_INT(quality.now.measured.loss_worst_ppm, 200000);
}

/* Hold or the end: what the last packets were like is told although no more come. */
static void an_interval_ends_without_another_packet(void)
{
    static struct gh_side side;
    struct source voice = { .to = &side.quality, .ssrc = 7 };
    struct gh_media_counters shown;

    for (int i = 0; i < 250; i++) { /* a fifth is lost */
        if (i % 5 == 2) {
            voice.seq++;
        } else {
            next(&voice);
            gh_count(&side.counters.rx_pkts, 1);
        }
    }
    gh_side_show_quality(&side, 1000);
    gh_side_show_quality(&side, 1000 + GH_QUALITY_INTERVAL_MS - 1);
    gh_counters_read(&side.counters, &shown);
    CHECK_INT(shown.quality.measured.loss_worst_ppm, 0);
    gh_side_show_quality(&side, 1000 + GH_QUALITY_INTERVAL_MS);
    gh_counters_read(&side.counters, &shown);
    CHECK_INT(shown.quality.measured.loss_worst_ppm, 200000);
    CHECK_INT(side.shown_pkts, 200);
}

/* A set in the midst of a call names the payload types again: the codec is that of who speaks, not of who spoke
 * before. */
static void a_set_does_not_bring_back_the_codec_before(void)
{
    static const struct gh_media_payload again = { 0, GH_CODEC_PCMU, 8000 };
    static struct gh_quality quality;
    struct source music = { .to = &quality, .ssrc = 7, .type = 8 }, voice = { .to = &quality, .ssrc = 8, .type = 0 };

    next(&music);
    next(&voice);
    CHECK_INT(sum(&quality, 0)->measured.codec, GH_CODEC_PCMU);
    gh_quality_name(&quality, &again, 1);
    CHECK_INT(sum(&quality, 0)->measured.codec, GH_CODEC_PCMU);
    next(&voice);
    CHECK_INT(sum(&quality, 0)->measured.codec, GH_CODEC_PCMU);
}

/* RFC 3550 appendix A.8 by hand: each packet 10 ms early or late, so D is 80 of 8 kHz, J += (80 -
 * J) / 16. */
static void jitter_by_hand(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality, .ssrc = 7 };
    double j = 0;

    for (int i = 0; i < 400; i++) {
        packet(&voice, (uint16_t)i, 160U * (uint32_t)i, 20000 * (uint64_t)i + (i % 2 ? 10000 : 0));
        if (i)
            j += (80 - j) / 16;
        if (i == 1)
            CHECK_INT(sum(&quality, 0)->measured.jitter_us, 625); /* 5 of 8 kHz */
        /* Whole units, as A.8 has them. */
        NEAR(sum(&quality, 0)->measured.jitter_us, j / 8 * 1000, 250);
    }
    NEAR(quality.now.measured.jitter_us, 10000, 130);
    CHECK_INT(quality.now.measured.clock_hz, 8000);
}

/* The same arrival, three clocks: it is milliseconds that matter. */
static void jitter_in_any_clock(void)
{
    static const struct gh_media_payload dynamic[] = {
        { 111, GH_CODEC_OPUS, 48000 },
        { 97, GH_CODEC_VIDEO, 90000 },
        { 101, GH_CODEC_EVENT, 48000 },
    };
    static const struct {
        uint8_t type;
        uint32_t clock_hz;
    } rows[] = { { 8, 8000 }, { 111, 48000 }, { 97, 90000 } };

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct gh_quality quality = { 0 };
        struct source voice = { .to = &quality, .type = rows[r].type };

        gh_quality_name(&quality, dynamic, 3);
        for (uint32_t i = 0; i < 400; i++)
            packet(&voice, (uint16_t)i, i * (rows[r].clock_hz / 50),
                   20000 * (uint64_t)i + (i % 2 ? 4000 : 0));
        NEAR(sum(&quality, 0)->measured.jitter_us, 4000, 130);
        CHECK_INT(quality.now.measured.clock_hz, rows[r].clock_hz);
    }
}

/* The worst outlives a new codec and a new source. */
static void the_worst_jitter_is_kept(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality, .ssrc = 7, .type = 0 };

    for (uint32_t i = 0; i < 400; i++)
        packet(&voice, (uint16_t)i, i * 160, 20000 * (uint64_t)i + (i % 2 ? 10000 : 0));
    voice.type = 6; /* DVI4 of 16 kHz */
    for (uint32_t i = 400; i < 800; i++)
        packet(&voice, (uint16_t)i, i * 320, 20000 * (uint64_t)i + (i % 2 ? 4000 : 0));
    NEAR(sum(&quality, 0)->measured.jitter_us, 4000, 130);
    NEAR(quality.now.measured.jitter_worst_us, 10000, 250);
    for (uint32_t ssrc = 100; ssrc < 110; ssrc++) {
        voice.ssrc = ssrc;
        packet(&voice, 1, 1, 1);
    }
    CHECK_INT(sum(&quality, 0)->measured.jitter_us, 0);
    NEAR(quality.now.measured.jitter_worst_us, 10000, 250);
}

static void no_clock_no_jitter(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality, .type = 111 };

    for (uint32_t i = 0; i < 100; i++)
        packet(&voice, (uint16_t)i, i * 960, 20000 * (uint64_t)i + (i % 2 ? 4000 : 0));
    CHECK_INT(sum(&quality, 0)->measured.jitter_us, 0);
    CHECK_INT(quality.now.measured.clock_hz, 0);
    CHECK_INT(sum(&quality, 0)->measured.expected_pkts, 100);
    /* A set that names it later on. */
    gh_quality_name(&quality, &(struct gh_media_payload){ 111, GH_CODEC_OPUS, 48000 }, 1);
    for (uint32_t i = 100; i < 500; i++)
        packet(&voice, (uint16_t)i, i * 960, 20000 * (uint64_t)i + (i % 2 ? 4000 : 0));
    NEAR(sum(&quality, 0)->measured.jitter_us, 4000, 130);
    CHECK_INT(quality.now.measured.codec, GH_CODEC_OPUS);
}

/* RFC 4733 section 2.6: the packets of an event have one timestamp.  The voice after it goes on as
 * before. */
static void events_are_not_jitter(void)
{
    for (int named = 0; named < 2; named++) {
        struct gh_quality quality = { 0 };
        struct source voice = { .to = &quality, .ssrc = 7, .now_us = 1000000 };

        if (named)
            gh_quality_name(&quality, &(struct gh_media_payload){ 101, GH_CODEC_EVENT, 8000 }, 1);
        for (int digit = 0; digit < 10; digit++) {
            uint32_t start;

            voice.type = 0;
            for (int i = 0; i < 20; i++)
                next(&voice);
            voice.type = 101;
            start = voice.timestamp;
            for (int i = 0; i < 10; i++) {
                packet(&voice, voice.seq++, start, voice.now_us);
                voice.now_us += 20000;
                voice.timestamp += 160;
            }
        }
        voice.type = 0;
        next(&voice);
        next(&voice);
        CHECK_INT(sum(&quality, 0)->measured.jitter_us, 0);
        CHECK_INT(quality.now.measured.jitter_worst_us, 0);
        CHECK_INT(quality.now.measured.codec, GH_CODEC_PCMU);
        CHECK_INT(sum(&quality, 0)->measured.lost_pkts, 0);
    }
}

/* After hold a phone may begin its timestamps anywhere. */
static void another_beginning_of_time_is_not_jitter(void)
{
    static struct gh_quality quality;
    struct source voice = { .to = &quality, .ssrc = 7, .now_us = 1000000 };

    for (int i = 0; i < 50; i++)
        next(&voice);
    voice.timestamp += 0x70000000;
    for (int i = 0; i < 50; i++)
        next(&voice);
    voice.now_us += 600000000; /* ten minutes of hold, timestamps stood still */
    for (int i = 0; i < 50; i++)
        next(&voice);
    CHECK_INT(sum(&quality, 0)->measured.jitter_worst_us, 0);
}

int main(void)
{
    RUN(loss_over_a_wrap);
    RUN(late_and_doubled_packets);
    RUN(jumps);
    RUN(strays_have_come);
    RUN(sources_are_bounded_and_nothing_is_forgotten);
    RUN(a_new_ssrc_with_each_packet);
    RUN(loss_of_an_interval);
    RUN(an_interval_ends_without_another_packet);
    RUN(a_set_does_not_bring_back_the_codec_before);
    RUN(jitter_by_hand);
    RUN(jitter_in_any_clock);
    RUN(the_worst_jitter_is_kept);
    RUN(no_clock_no_jitter);
    RUN(events_are_not_jitter);
    RUN(another_beginning_of_time_is_not_jitter);
    return CHECK_REPORT();
}
