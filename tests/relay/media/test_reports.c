/* SPDX-License-Identifier: Apache-2.0 */
/* RTCP that goes through the relay is read on its way, whatever protects it, and the counters show
 * it. */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "support_media.h"

/* A receiver report of a phone on @ssrc, LSR as given, no delay of its own. */
static size_t make_rr(const struct phone *phone, uint8_t *p, uint32_t ssrc, uint32_t lost,
                      uint32_t lsr)
{
    memset(p, 0, 32);
    p[0] = 0x81;
    p[1] = 201;
    p[3] = 7;
    gh_put32(p + 4, phone->ssrc);
    gh_put32(p + 8, ssrc);
    gh_put32(p + 12, 64U << 24 | lost);
    gh_put32(p + 20, 80);
    gh_put32(p + 24, lsr);
    return 32;
}

/* @return the packet in plain, as the far phone opens it */
static size_t crosses(struct lab *lab, int side, bool rtcp, uint8_t *p, size_t len)
{
    struct phone *far = &lab->phones[!side];

    len = phone_seal(&lab->phones[side], p, len, rtcp);
    phone_send(lab, side, rtcp, p, len);
    len = phone_receive(lab, !side, rtcp, p);
    if (len && far->rx)
        CHECK_INT(gh_srtp_rx_open(far->rx, p, &len, rtcp), 0);
    return len;
}

static struct gh_media_counters final_of(struct lab *lab, int side)
{
    gh_media_close(lab->media, lab->stream);
    lab_await_closed(lab, lab->stream);
    return lab->final[side];
}

/* a talks, b loses nothing by its own account but three, and answers a's sender report. */
static void check_reports(enum gh_path path, enum gh_suite a, enum gh_suite b)
{
    struct lab lab;
    struct gh_media_counters of[2];
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    uint32_t ssrc = 0;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, path, a, b);
    for (int i = 0; i < 10; i++) {
        if (i == 5)
            lab.phones[0].seq = (uint16_t)(lab.phones[0].seq + 2); /* two never came to us */
        CHECK(crosses(&lab, 0, false, p, make_rtp(&lab.phones[0], p, 0, 160)) > 12);
        ssrc = gh_get32(p + 8);
    }
    make_rtcp(&lab.phones[0], p);
    gh_put32(p + 8, 0x00001234); /* NTP, so that the middle is 1234abcd */
    gh_put32(p + 12, 0xabcd0000);
    CHECK(crosses(&lab, 0, true, p, 28) >= 28);
    CHECK(crosses(&lab, 1, true, p, make_rr(&lab.phones[1], p, ssrc, 3, 0x1234abcd)) >= 32);
    CHECK(crosses(&lab, 1, true, p, make_rr(&lab.phones[1], p, 0xdeadbeef, 3, 0)) >= 32);
    of[1] = final_of(&lab, 1);
    of[0] = lab.final[0];
    CHECK_INT(of[0].quality.measured.expected_pkts, 12);
    CHECK_INT(of[0].quality.measured.received_pkts, 10);
    CHECK_INT(of[0].quality.measured.lost_pkts, 2);
    CHECK_INT(of[0].quality.measured.codec, GH_CODEC_PCMU);
    CHECK_INT(of[0].quality.measured.clock_hz, 8000);
    CHECK_INT(of[1].quality.measured.expected_pkts, 0);
    CHECK_INT(of[1].quality.reported.blocks, 1);
    CHECK_INT(of[1].quality.reported.lost_pkts, 3);
    CHECK_INT(of[1].quality.reported.fraction_last, 64);
    CHECK_INT(of[1].quality.reported.jitter_last, 80);
    CHECK_INT(of[1].quality.reported.clock_hz, 8000);
    CHECK_INT(of[1].quality.reported.rtt_count, 1);
    CHECK(of[1].quality.reported.rtt_last_us <= AWAIT_MS * 1000);
    CHECK_INT(of[1].quality.reported.unknown_ssrc, 1);
    CHECK_INT(of[0].quality.reported.blocks, 0);
    LAB_END(&lab);
}

static void under_every_protection(void)
{
    check_reports(GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        check_reports(GH_PATH_PASS, (enum gh_suite)s, (enum gh_suite)s);
        check_reports(GH_PATH_BRIDGE, (enum gh_suite)s, (enum gh_suite)s);
        check_reports(GH_PATH_BRIDGE, (enum gh_suite)s, GH_SUITE_NONE);
        check_reports(GH_PATH_BRIDGE, GH_SUITE_NONE, (enum gh_suite)s);
    }
}

/* The second source gets an SSRC of ours at b: b's report on that one counts, on the source's own
 * it does not. */
static void the_name_that_the_far_side_knows(void)
{
    struct lab lab;
    struct gh_media_counters of;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    uint32_t own, ssrc;
    size_t len;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, GH_AEAD_AES_128_GCM, GH_AES_CM_128_HMAC_SHA1_80);
    crosses(&lab, 0, false, p, make_rtp(&lab.phones[0], p, 0, 160));
    lab.phones[0].ssrc++;
    len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
    own = gh_get32(p + 8);
    phone_send(&lab, 0, false, p, len);
    CHECK(phone_receive(&lab, 1, false, p) > 12);
    ssrc = gh_get32(p + 8);
    CHECK(ssrc != own);
    crosses(&lab, 1, true, p, make_rr(&lab.phones[1], p, ssrc, 1, 0));
    CHECK_INT(gh_get32(p + 8), own); /* and a reads its own name */
    crosses(&lab, 1, true, p, make_rr(&lab.phones[1], p, own, 1, 0));
    of = final_of(&lab, 1);
    CHECK_INT(of.quality.reported.blocks, 1);
    CHECK_INT(of.quality.reported.unknown_ssrc, 1);
    LAB_END(&lab);
}

/* Forged reports and packets move no figure. */
static void what_is_not_authentic_says_nothing(void)
{
    struct lab lab;
    struct gh_media_counters of[2];
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_PASS, GH_AES_CM_128_HMAC_SHA1_80, GH_AES_CM_128_HMAC_SHA1_80);
    check_flows(&lab, 0, false);
    for (int i = 0; i < 10; i++) {
        len = phone_seal(&lab.phones[1], p, make_rr(&lab.phones[1], p, lab.phones[0].ssrc, 1, 0),
                         true);
        p[len - 1] ^= 1;
        phone_send(&lab, 1, true, p, len);
        len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 111, 161), false);
        p[len - 1] ^= 1;
        phone_send(&lab, 0, false, p, len);
    }
    await_drops(&lab, 0, GH_DROP_AUTH_FAILED, 10);
    await_drops(&lab, 1, GH_DROP_AUTH_FAILED, 10);
    of[1] = final_of(&lab, 1);
    of[0] = lab.final[0];
    CHECK_INT(of[0].quality.measured.expected_pkts, 1);
    CHECK_INT(of[1].quality.reported.blocks, 0);
    CHECK_INT(of[1].quality.reported.unknown_ssrc, 0);
    CHECK_INT(of[1].quality.reported.malformed_pkts, 0);
    LAB_END(&lab);
}

/* Authentic and broken: in `pass` it goes on as it came, and is said. */
static void broken_reports_are_counted(void)
{
    struct lab lab;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_PASS, GH_AEAD_AES_256_GCM, GH_AEAD_AES_256_GCM);
    make_rr(&lab.phones[0], p, 1, 1, 0);
    p[0] = 0x9f; /* 31 blocks */
    CHECK_INT(crosses(&lab, 0, true, p, 32), 32);
    CHECK_INT(final_of(&lab, 0).quality.reported.malformed_pkts, 1);
    LAB_END(&lab);
}

/* The payload types of a set are those of its side. */
static void payload_types_of_the_set(void)
{
    struct lab lab;
    struct gh_media_set set;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    struct gh_media_counters of;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    set = lab_side(&lab, 0, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
    set.payloads[0] = (struct gh_media_payload){ 111, GH_CODEC_OPUS, 48000 };
    set.payload_count = GH_MEDIA_PAYLOADS_MAX + 1;
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set.payload_count = 1;
    CHECK_INT(lab_set(&lab, &set), 0);
    crosses(&lab, 0, false, p, make_rtp(&lab.phones[0], p, 111, 100));
    of = final_of(&lab, 0);
    CHECK_INT(of.quality.measured.codec, GH_CODEC_OPUS);
    CHECK_INT(of.quality.measured.clock_hz, 48000);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(under_every_protection);
    RUN(the_name_that_the_far_side_knows);
    RUN(what_is_not_authentic_says_nothing);
    RUN(broken_reports_are_counted);
    RUN(payload_types_of_the_set);
    return CHECK_REPORT();
}
