/* SPDX-License-Identifier: Apache-2.0 */
/* Loss, jitter and round trips: what is measured, what is believed, what is kept out. */
#include "support/check.h"

#include <math.h>

#include "media/media_int.h"

#define NEAR(got, want, by) CHECK(fabs((double)(got) - (double)(want)) <= (by))

struct source {
    struct gh_quality *to;
    uint32_t ssrc, timestamp;
    uint16_t seq;
    uint8_t type;
    uint64_t now_us;
};

static void packet(const struct source *source, uint16_t seq, uint32_t timestamp, uint64_t now_us)
{
    uint8_t p[12] = { 0x80, source->type };

    p[2] = (uint8_t)(seq >> 8);
    p[3] = (uint8_t)seq;
    gh_put32(p + 4, timestamp);
    gh_put32(p + 8, source->ssrc);
    gh_quality_rtp(source->to, p, now_us);
}

/* The next one in time, 20 ms of 8 kHz after the one before. */
static void next(struct source *source)
{
    packet(source, source->seq++, source->timestamp, source->now_us);
    source->timestamp += 160;
    source->now_us += 20000;
}

static const struct gh_media_quality *sum(struct gh_quality *quality, uint64_t now_ms)
{
    gh_quality_sum(quality, now_ms);
    return &quality->now;
}

/* ---- measured ------------------------------------------------------------------------------- */

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

/* ---- reported ------------------------------------------------------------------------------- */

static size_t report(uint8_t *p, const uint32_t block[6])
{
    memset(p, 0, 32);
    p[0] = 0x81;
    p[1] = 201;
    p[3] = 7;
    gh_put32(p + 4, 99);
    for (int i = 0; i < 6; i++)
        gh_put32(p + 8 + 4 * i, block[i]);
    return 32;
}

struct pair {
    struct gh_quality x, y; /* x talks, y listens and reports */
};

/* 1,000 packets of x went to y, whom they reached under SSRC 7. */
static void talk(struct pair *pair)
{
    struct source voice = { .to = &pair->x, .ssrc = 7, .now_us = 1000000 };

    memset(pair, 0, sizeof(*pair));
    for (int i = 0; i < 1000; i++) {
        next(&voice);
        gh_quality_sent(&pair->y, 7);
    }
}

static void say(struct pair *pair, uint32_t ssrc, uint32_t fraction, int32_t lost, uint32_t jitter,
                uint32_t lsr, uint32_t dlsr, uint64_t now_us)
{
    uint32_t block[6] = { ssrc, fraction << 24 | ((uint32_t)lost & 0xffffff), 1000, jitter, lsr,
                          dlsr },
             none = 0;
    uint8_t p[32];

    gh_quality_rtcp(&pair->y, &pair->x, p, report(p, block), now_us, &none);
    CHECK_INT(none, 0);
    gh_quality_sum(&pair->y, 0);
}

static void reports_are_kept_apart_from_what_was_measured(void)
{
    static struct pair pair;

    talk(&pair);
    say(&pair, 7, 26, 100, 160, 0, 0, 0);
    say(&pair, 7, 13, 120, 80, 0, 0, 0);
    CHECK_INT(pair.y.now.reported.blocks, 2);
    CHECK_INT(pair.y.now.reported.lost_pkts, 120); /* cumulative: the newest */
    CHECK_INT(pair.y.now.reported.fraction_last, 13);
    CHECK_INT(pair.y.now.reported.fraction_worst, 26);
    CHECK_INT(pair.y.now.reported.jitter_last, 80);
    CHECK_INT(pair.y.now.reported.jitter_worst, 160);
    CHECK_INT(pair.y.now.reported.clock_hz, 8000);
    CHECK_INT(sum(&pair.x, 0)->measured.lost_pkts, 0);
    CHECK_INT(sum(&pair.y, 0)->measured.expected_pkts, 0);
    say(&pair, 7, 0, -3, 80, 0, 0, 0);
    CHECK_INT(pair.y.now.reported.lost_pkts, 0);
}

/* RFC 3550 section 6.4.1: round trip = arrival - LSR - DLSR, here with our own time of the SR's
 * passage for LSR. */
static void round_trips(void)
{
    static struct pair pair;
    uint32_t half_second = 1 << 15;

    talk(&pair);
    gh_quality_report_sent(&pair.y, 0xabcd1234, 5000000);
    say(&pair, 7, 0, 0, 0, 0xabcd1234, half_second, 5540000);
    CHECK_INT(pair.y.now.reported.rtt_last_us, 40000);
    say(&pair, 7, 0, 0, 0, 0xabcd1234, half_second, 5520000);
    CHECK_INT(pair.y.now.reported.rtt_last_us, 20000);
    CHECK_INT(pair.y.now.reported.rtt_worst_us, 40000);
    CHECK_INT(pair.y.now.reported.rtt_count, 2);
    CHECK_INT(pair.y.now.reported.rtt_sum_us, 60000);
    say(&pair, 7, 0, 0, 0, 0xabcd1234, half_second, 5499000); /* a clock's step */
    CHECK_INT(pair.y.now.reported.rtt_last_us, 0);
    CHECK_INT(pair.y.now.reported.rtt_count, 3);
    say(&pair, 7, 0, 0, 0, 0x1111, half_second, 5600000); /* an SR that we did not send */
    CHECK_INT(pair.y.now.reported.rtt_count, 3);
    CHECK_INT(pair.y.now.reported.blocks, 4);
    for (uint32_t i = 1; i <= GH_QUALITY_REPORTS_MAX; i++)
        gh_quality_report_sent(&pair.y, i, 6000000 + i);
    say(&pair, 7, 0, 0, 0, 0xabcd1234, half_second, 6700000); /* too long ago */
    CHECK_INT(pair.y.now.reported.rtt_count, 3);
    say(&pair, 7, 0, 0, 0, 1, half_second, 6600001);
    CHECK_INT(pair.y.now.reported.rtt_last_us, 100000);
}

static void lies_are_left_out_and_counted(void)
{
    static struct pair pair;

    talk(&pair);
    say(&pair, 7, 0, 5, 80, 0, 0, 0);
    gh_quality_report_sent(&pair.y, 42, 5000000);
    say(&pair, 7, 255, 1001, 80, 0, 0, 0);                    /* more lost than there were */
    say(&pair, 7, 255, 0x7fffff, 80, 0, 0, 0);
    say(&pair, 7, 255, 5, 80001, 0, 0, 0);                    /* ten seconds of jitter */
    say(&pair, 7, 255, 5, UINT32_MAX, 0, 0, 0);
    say(&pair, 7, 255, 5, 80, 42, 65536, 5100000);            /* it came before it was sent */
    say(&pair, 7, 255, 5, 80, 42, UINT32_MAX, 5100000);
    say(&pair, 7, 255, 5, 80, 42, 0, 5000000 + 60000001);     /* a minute on its way */
    CHECK_INT(pair.y.now.reported.implausible, 7);
    say(&pair, 8, 255, 5, 80, 0, 0, 0);                       /* whom we never sent */
    CHECK_INT(pair.y.now.reported.unknown_ssrc, 1);
    CHECK_INT(pair.y.now.reported.blocks, 1);
    CHECK_INT(pair.y.now.reported.lost_pkts, 5);
    CHECK_INT(pair.y.now.reported.fraction_worst, 0);
    CHECK_INT(pair.y.now.reported.jitter_worst, 80);
    CHECK_INT(pair.y.now.reported.rtt_count, 0);
}

/* A report on a source that lost its place is on nobody; what it said before stays in the sum. */
static void sources_that_we_send_are_bounded(void)
{
    static struct pair pair;

    talk(&pair);
    say(&pair, 7, 0, 10, 80, 0, 0, 0);
    for (uint32_t ssrc = 100; ssrc < 100 + GH_QUALITY_SOURCES_MAX; ssrc++)
        gh_quality_sent(&pair.y, ssrc);
    say(&pair, 7, 0, 12, 80, 0, 0, 0);
    CHECK_INT(pair.y.now.reported.unknown_ssrc, 1);
    CHECK_INT(pair.y.now.reported.lost_pkts, 10);
    say(&pair, 101, 0, 3, 80, 0, 0, 0);
    CHECK_INT(pair.y.now.reported.lost_pkts, 13);
}

/* Four sources by turns, then one that goes on alone: its packets are not looked up, and yet it keeps its place before
 * those that are silent. */
static void a_source_that_goes_on_keeps_its_place(void)
{
    static struct pair pair;
    struct source voices[GH_QUALITY_SOURCES_MAX];

    memset(&pair, 0, sizeof(pair));
    for (uint32_t i = 0; i < GH_QUALITY_SOURCES_MAX; i++) {
        voices[i] = (struct source){ .to = &pair.x, .ssrc = 100 + i };
        next(&voices[i]);
        gh_quality_passed(&pair.x, &pair.y, 100 + i);
    }
    for (int i = 0; i < 3; i++) {
        next(&voices[0]);
        gh_quality_passed(&pair.x, &pair.y, 100);
    }
    next(&voices[0]);
    gh_quality_passed(&pair.x, &pair.y, 7); /* another name from here on, and 101 makes place for it */
    say(&pair, 100, 0, 1, 80, 0, 0, 0);
    say(&pair, 7, 0, 1, 80, 0, 0, 0);
    CHECK_INT(pair.y.now.reported.blocks, 2);
    CHECK_INT(pair.y.now.reported.unknown_ssrc, 0);
    say(&pair, 101, 0, 1, 80, 0, 0, 0);
    CHECK_INT(pair.y.now.reported.unknown_ssrc, 1);
}

static void goodbyes_and_broken_reports(void)
{
    static const uint8_t bye[] = { 0x81, 203, 0, 1, 0, 0, 0, 7 },
                         broken[] = { 0x9f, 201, 0, 1, 0, 0, 0, 7 };
    static const uint8_t sr[28] = { 0x80, 200, 0, 6, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8 };
    static struct pair pair;
    uint32_t middle = 0;

    gh_quality_rtcp(&pair.y, &pair.x, bye, sizeof(bye), 0, &middle);
    CHECK_INT(pair.y.now.reported.goodbyes, 1);
    gh_quality_rtcp(&pair.y, &pair.x, broken, sizeof(broken), 0, &middle);
    CHECK_INT(pair.y.now.reported.malformed_pkts, 1);
    CHECK_INT(middle, 0);
    gh_quality_rtcp(&pair.y, &pair.x, sr, sizeof(sr), 0, &middle);
    CHECK_INT(middle, 0x03040506);
}

/* ---- scores --------------------------------------------------------------------------------- */

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
    RUN(loss_over_a_wrap);
    RUN(late_and_doubled_packets);
    RUN(jumps);
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
    RUN(reports_are_kept_apart_from_what_was_measured);
    RUN(round_trips);
    RUN(lies_are_left_out_and_counted);
    RUN(sources_that_we_send_are_bounded);
    RUN(a_source_that_goes_on_keeps_its_place);
    RUN(goodbyes_and_broken_reports);
    RUN(scores);
    RUN(sums_of_two_streams);
    RUN(names_of_codecs);
    return CHECK_REPORT();
}
