/* SPDX-License-Identifier: Apache-2.0 */
/* Loss, jitter and round trips as others report them: what is believed, and what is kept out. */
#include "relay/media/support_quality.h"

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

int main(void)
{
    RUN(reports_are_kept_apart_from_what_was_measured);
    RUN(round_trips);
    RUN(lies_are_left_out_and_counted);
    RUN(sources_that_we_send_are_bounded);
    RUN(a_source_that_goes_on_keeps_its_place);
    RUN(goodbyes_and_broken_reports);
    return CHECK_REPORT();
}
