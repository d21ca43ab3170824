/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not go through a keyed side: plain, forged, replayed, truncated, foreign, of other protocols, too long.  Each
 * is counted by its cause, and the first packet that the far phone ever gets is the good one at the end.
 */
#include "support/check.h"

#include <unistd.h>

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, GCM = GH_AEAD_AES_128_GCM;

/* How a packet is spoilt before it is sent.  @return its length */
typedef size_t (*spoil_fn)(struct lab *lab, uint8_t *p);

static size_t plain_pcmu(struct lab *lab, uint8_t *p)
{
    return make_rtp(&lab->phones[0], p, 0, 160);
}

static size_t plain_dtmf(struct lab *lab, uint8_t *p)
{
    return make_rtp(&lab->phones[0], p, 101, 3);
}

static size_t plain_sr(struct lab *lab, uint8_t *p)
{
    return make_rtcp(&lab->phones[0], p);
}

/* The same as forged: the payload says nothing. */
static size_t plain_opus(struct lab *lab, uint8_t *p)
{
    return make_rtp(&lab->phones[0], p, 111, 75);
}

static size_t forged_rtp(struct lab *lab, uint8_t *p)
{
    size_t len = phone_seal(&lab->phones[0], p, make_rtp(&lab->phones[0], p, 0, 160), false);

    p[len - 1] ^= 1;
    return len;
}

static size_t forged_ssrc(struct lab *lab, uint8_t *p)
{
    size_t len = phone_seal(&lab->phones[0], p, make_rtp(&lab->phones[0], p, 0, 160), false);

    p[8] ^= 0x40;
    return len;
}

static size_t forged_rtcp(struct lab *lab, uint8_t *p)
{
    size_t len = phone_seal(&lab->phones[0], p, make_rtcp(&lab->phones[0], p), true);

    p[10] ^= 1;
    return len;
}

static size_t wrong_key(struct lab *lab, uint8_t *p)
{
    struct gh_secret key = lab_key(CM80, 99);
    struct gh_srtp_tx *own = lab->phones[0].tx;
    size_t len;

    CHECK_INT(gh_srtp_tx_new(&lab->phones[0].tx, CM80, &key), 0);
    len = phone_seal(&lab->phones[0], p, make_rtp(&lab->phones[0], p, 0, 160), false);
    gh_srtp_tx_free(lab->phones[0].tx);
    lab->phones[0].tx = own;
    return len;
}

static size_t fill(uint8_t *p, const uint8_t *head, size_t head_len, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = i < head_len ? head[i] : (uint8_t)(i * 31);
    return len;
}

static size_t stun(struct lab *lab, uint8_t *p)
{
    static const uint8_t binding[] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };

    (void)lab;
    return fill(p, binding, sizeof(binding), 20);
}

static size_t dtls(struct lab *lab, uint8_t *p)
{
    static const uint8_t hello[] = { 22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 1 };

    (void)lab;
    return fill(p, hello, sizeof(hello), 113);
}

static size_t zrtp(struct lab *lab, uint8_t *p)
{
    (void)lab;
    return fill(p, (const uint8_t[]){ 0x10 }, 1, 60);
}

static size_t turn_channel(struct lab *lab, uint8_t *p)
{
    (void)lab;
    return fill(p, (const uint8_t[]){ 0x40 }, 1, 60);
}

static size_t version_1(struct lab *lab, uint8_t *p)
{
    size_t len = phone_seal(&lab->phones[0], p, make_rtp(&lab->phones[0], p, 0, 160), false);

    p[0] = 0x40;
    return len;
}

static size_t version_3(struct lab *lab, uint8_t *p)
{
    size_t len = version_1(lab, p);

    p[0] = 0xc0;
    return len;
}

/* RFC 3489, before there was a cookie: it cannot be told from anything else. */
static size_t old_stun(struct lab *lab, uint8_t *p)
{
    (void)lab;
    return fill(p, (const uint8_t[]){ 0, 1, 0, 0 }, 4, 20);
}

static size_t garbage(struct lab *lab, uint8_t *p)
{
    (void)lab;
    return fill(p, (const uint8_t[]){ 0xff, 0xff }, 2, 400);
}

static size_t one_octet(struct lab *lab, uint8_t *p)
{
    (void)lab;
    return fill(p, (const uint8_t[]){ 0x80 }, 1, 1);
}

static size_t eleven_octets(struct lab *lab, uint8_t *p)
{
    return make_rtp(&lab->phones[0], p, 0, 160) > 11 ? 11 : 0;
}

static size_t empty(struct lab *lab, uint8_t *p)
{
    (void)lab;
    (void)p;
    return 0;
}

/* An extension that claims more than there is. */
static size_t long_extension(struct lab *lab, uint8_t *p)
{
    size_t len = make_rtp(&lab->phones[0], p, 0, 160);

    p[0] |= 0x10;
    p[14] = p[15] = 0xff;
    return len;
}

static const struct hostile_row {
    const char *what;
    spoil_fn make;
    bool rtcp_port;
    enum gh_drop cause;
} hostile_rows[] = {
    { "plain PCMU", plain_pcmu, false, GH_DROP_PLAIN_ON_SRTP },
    { "plain telephone event, shorter than a tag", plain_dtmf, false, GH_DROP_PLAIN_ON_SRTP },
    { "plain RTCP", plain_sr, true, GH_DROP_PLAIN_ON_SRTP },
    { "plain RTP of a dynamic type", plain_opus, false, GH_DROP_AUTH_FAILED },
    { "tag wrong", forged_rtp, false, GH_DROP_AUTH_FAILED },
    { "SSRC changed", forged_ssrc, false, GH_DROP_AUTH_FAILED },
    { "RTCP changed", forged_rtcp, true, GH_DROP_AUTH_FAILED },
    { "under another key", wrong_key, false, GH_DROP_AUTH_FAILED },
    { "STUN", stun, false, GH_DROP_STUN },
    { "DTLS", dtls, false, GH_DROP_DTLS },
    { "ZRTP", zrtp, false, GH_DROP_MALFORMED },
    { "TURN channel", turn_channel, false, GH_DROP_MALFORMED },
    { "version 1", version_1, false, GH_DROP_MALFORMED },
    { "version 3", version_3, false, GH_DROP_MALFORMED },
    { "no octet", empty, false, GH_DROP_MALFORMED },
    { "STUN on the RTCP port", stun, true, GH_DROP_STUN },
    { "DTLS on the RTCP port", dtls, true, GH_DROP_DTLS },
    { "one octet", one_octet, false, GH_DROP_MALFORMED },
    { "eleven octets", eleven_octets, false, GH_DROP_MALFORMED },
    { "STUN without its cookie", old_stun, false, GH_DROP_MALFORMED },
    { "garbage", garbage, false, GH_DROP_MALFORMED },
    { "RTP on the RTCP port", plain_pcmu, true, GH_DROP_MALFORMED },
    { "RTCP on the RTP port", plain_sr, false, GH_DROP_MALFORMED },
    { "extension too long", long_extension, false, GH_DROP_MALFORMED },
};

static void each_has_its_cause(enum gh_path path, enum gh_suite suite, enum gh_suite far)
{
    struct lab lab;
    uint64_t want[GH_DROP_COUNT] = { 0 };
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, path, suite, far);
    for (size_t i = 0; i < sizeof(hostile_rows) / sizeof(hostile_rows[0]); i++) {
        const struct hostile_row *row = &hostile_rows[i];

        phone_send(&lab, 0, row->rtcp_port, p, row->make(&lab, p));
        if (!await_drops(&lab, 0, row->cause, ++want[row->cause]))
            fprintf(stderr, "  was %s, suite %s\n", row->what, gh_suite_info(suite)->name);
    }
    CHECK_INT(counters_of(&lab, 0).authenticated, 0);
    CHECK_INT(counters_of(&lab, 1).tx_pkts, 0);
    CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_PLAIN, 1), 1);
    CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_AUTH_FAILED, 1), 1);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_PROVEN), 0);
    check_flows(&lab, 0, false);
    check_flows(&lab, 0, true);
    for (int i = 0; i < GH_DROP_COUNT; i++)
        CHECK_INT(counters_of(&lab, 0).drops[i], want[i]);
    LAB_END(&lab);
}

static void nothing_bad_goes_through(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        each_has_its_cause(GH_PATH_PASS, (enum gh_suite)s, (enum gh_suite)s);
        each_has_its_cause(GH_PATH_BRIDGE, (enum gh_suite)s, s == (int)GCM ? CM80 : GCM);
        each_has_its_cause(GH_PATH_BRIDGE, (enum gh_suite)s, GH_SUITE_NONE);
    }
}

/* A good packet cut at every length; none goes through, and the whole one does in the end. */
static void every_cut_is_dropped(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        for (int i = 0; i < 4; i++) {
            bool rtcp = i % 2;
            struct lab lab;
            uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
            size_t len, cut;

            if (!lab_start(&lab, 4, 0))
                return;
            lab_secure(&lab, i / 2 ? GH_PATH_PASS : GH_PATH_BRIDGE, (enum gh_suite)s, (enum gh_suite)s);
            len = rtcp ? make_rtcp(&lab.phones[0], p) : make_rtp(&lab.phones[0], p, 0, 40);
            len = phone_seal(&lab.phones[0], p, len, rtcp);
            for (cut = 0; cut < len; cut++)
                phone_send(&lab, 0, rtcp, p, cut);
            phone_send(&lab, 0, rtcp, p, len);
            CHECK(phone_receive(&lab, 1, rtcp, got) > 0);
            lab_barrier(&lab); /* a packet is counted after it was sent */
            CHECK_INT(counters_of(&lab, 0).rx_pkts, len + 1);
            CHECK_INT(counters_of(&lab, 0).authenticated, 1);
            CHECK_INT(counters_of(&lab, 1).tx_pkts, 1);
            LAB_END(&lab);
        }
    }
}

static void too_long_is_dropped(void)
{
    static const size_t lens[] = { 9001, 20000, 65507 };
    struct lab lab;
    uint8_t *p = calloc(1, 65536);
    uint64_t drops = 0;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    for (size_t i = 0; i < 3; i++) {
        p[0] = 0x80;
        phone_send(&lab, 0, false, p, lens[i]);
        await_drops(&lab, 0, GH_DROP_MALFORMED, ++drops);
    }
    phone_send(&lab, 0, false, p, 9000); /* the longest that is looked at */
    await_drops(&lab, 0, GH_DROP_AUTH_FAILED, 1);
    CHECK_INT(counters_of(&lab, 0).rx_octets, 9001 + 20000 + 65507 + 9000);
    check_flows(&lab, 0, false);
    LAB_END(&lab);
    free(p);
}

/* The right octets from the wrong place: another port, another address. */
static void strangers_are_counted(void)
{
    static const char *const from[] = { "127.0.0.1", "127.0.0.2", "127.9.9.9" };
    struct lab lab;
    struct gh_addr addr;
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
    size_t len;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
    for (uint64_t i = 0; i < 3; i++) {
        int own = lab.phones[0].fd[0], fd = udp_socket(from[i], &addr, 0);

        CHECK(fd >= 0);
        lab.phones[0].fd[0] = fd;
        phone_send(&lab, 0, false, p, len);
        lab.phones[0].fd[0] = own;
        await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, i + 1);
        close(fd);
    }
    CHECK_INT(counters_of(&lab, 0).authenticated, 0);
    phone_send(&lab, 0, false, p, len); /* it was not taken for seen */
    CHECK(phone_receive(&lab, 1, false, got) > 0);
    LAB_END(&lab);
}

/* A flood of strangers is read under a limit; the call beside it is not touched. */
static void a_flood_of_strangers_is_bounded(void)
{
    struct lab lab;
    struct gh_addr addr;
    uint8_t p[PKT_MAX] = { 0x80 };
    int own, fd;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    own = lab.phones[0].fd[0];
    fd = udp_socket("127.0.0.2", &addr, 0);
    CHECK(fd >= 0);
    for (int i = 0; i < 20; i++) {
        lab.phones[0].fd[0] = fd;
        for (int k = 0; k < 100; k++)
            phone_send(&lab, 0, false, p, 172);
        lab.phones[0].fd[0] = own;
        check_flows(&lab, 0, false);
        check_flows(&lab, 1, false);
    }
    CHECK(counters_of(&lab, 0).drops[GH_DROP_UNKNOWN_SOURCE] < 2000);
    CHECK(counters_of(&lab, 0).drops[GH_DROP_UNKNOWN_SOURCE] > 0);
    close(fd);
    LAB_END(&lab);
}

/* Before the answer: nothing is known, then a key without a path. */
static void too_early_is_dropped(void)
{
    struct lab lab;
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct gh_media_set set;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!lab_start(&lab, 4, 0))
        return;
    phone_send(&lab, 0, false, p, plain_pcmu(&lab, p));
    phone_send(&lab, 0, true, p, plain_sr(&lab, p));
    await_drops(&lab, 0, GH_DROP_NO_KEY_YET, 2);
    set = lab_side(&lab, 0, GH_PATH_NONE, CM80, &rx, &tx);
    CHECK_INT(lab_set(&lab, &set), 0);
    phone_send(&lab, 0, false, p, plain_pcmu(&lab, p));
    await_drops(&lab, 0, GH_DROP_NO_KEY_YET, 3);
    CHECK_INT(lab.event_count, 0);
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    check_flows(&lab, 0, false);
    LAB_END(&lab);
}

/* On a clear side too: what is no RTP does not go on. */
static void garbage_on_a_clear_side(void)
{
    static const spoil_fn rows[] = { zrtp,      turn_channel, version_1, version_3,     empty,
                                     one_octet, old_stun,     garbage,   eleven_octets, long_extension };
    struct lab lab;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    for (uint64_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        phone_send(&lab, 0, false, p, rows[i](&lab, p));
        await_drops(&lab, 0, GH_DROP_MALFORMED, i + 1);
    }
    phone_send(&lab, 0, false, p, stun(&lab, p));
    await_drops(&lab, 0, GH_DROP_STUN, 1);
    phone_send(&lab, 0, false, p, dtls(&lab, p));
    await_drops(&lab, 0, GH_DROP_DTLS, 1);
    len = make_rtcp(&lab.phones[0], p);
    p[3]++; /* longer than it is */
    phone_send(&lab, 0, true, p, len);
    await_drops(&lab, 0, GH_DROP_MALFORMED, sizeof(rows) / sizeof(rows[0]) + 1);
    CHECK_INT(counters_of(&lab, 1).tx_pkts, 0);
    check_flows(&lab, 0, false);
    check_flows(&lab, 0, true);
    LAB_END(&lab);
}

/* SRTCP that is authentic and not encrypted (RFC 3711 section 3.4): GCM alone would let it in. */
static void unencrypted_srtcp_is_refused(void)
{
    static const uint8_t sealed[] = {
#include "vectors/srtcp_unencrypted.inc"
    };
    struct lab lab;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, GCM, CM80);
    phone_send(&lab, 0, true, sealed, sizeof(sealed));
    await_drops(&lab, 0, GH_DROP_PLAIN_ON_SRTP, 1);
    CHECK_INT(counters_of(&lab, 1).tx_pkts, 0);
    check_flows(&lab, 0, true);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(nothing_bad_goes_through);
    RUN(every_cut_is_dropped);
    RUN(too_long_is_dropped);
    RUN(strangers_are_counted);
    RUN(a_flood_of_strangers_is_bounded);
    RUN(too_early_is_dropped);
    RUN(garbage_on_a_clear_side);
    RUN(unencrypted_srtcp_is_refused);
    return CHECK_REPORT();
}
