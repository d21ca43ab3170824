/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of datagrams (UDPTL): whatever comes from the source goes on octet for octet, nothing else
 * does, and it is neither RTP nor ever SRTP.
 */
#include "support/check.h"

#include <poll.h>
#include <unistd.h>

#include "crypto/srtp_ciphers.h"
#include "media/media_int.h"
#include "support_latch.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, CLEAR = GH_SUITE_NONE;

#define UDP_MAX 65507 /* RFC 768 over IPv4 */

/* Both sides, with this rule for sources. */
static int set_datagrams(struct lab *lab, bool datagrams, enum gh_source_rule rule)
{
    struct gh_media_set sets[2];
    int err;

    for (int s = 0; s < 2; s++) {
        sets[s] = lab_side(lab, s, GH_PATH_CLEAR, CLEAR, NULL, NULL);
        sets[s].datagrams = datagrams;
        sets[s].media_source = rule;
        sets[s].latch_ms = 60000;
    }
    err = gh_media_set_both(lab->media, sets);
    lab_barrier(lab);
    return err;
}

static bool start(struct lab *lab)
{
    return lab_start(lab, 4, 0) && CHECK_INT(set_datagrams(lab, true, GH_SOURCE_RULE_SDP), 0);
}

/* As it is, and nothing before it. */
static void check_crosses(struct lab *lab, int side, const uint8_t *p, size_t len)
{
    static uint8_t got[UDP_MAX];
    struct pollfd fd = { .fd = lab->phones[!side].fd[0], .events = POLLIN };

    phone_send(lab, side, false, p, len);
    CHECK_INT(poll(&fd, 1, AWAIT_MS), 1);
    CHECK_INT(recv(fd.fd, got, sizeof(got), 0), len);
    CHECK(memcmp(got, p, len) == 0);
}

/* ---- what crosses ----------------------------------------------------------------------------------- */

/* RFC 7983: by its first octet a datagram of RTP's port is told from others.  A sequence number may have any. */
static void every_first_octet(void)
{
    struct lab lab;
    uint8_t p[64];

    CHECK_OR_STOP(start(&lab));
    for (int first = 0; first < 256; first++) {
        for (size_t i = 0; i < sizeof(p); i++)
            p[i] = (uint8_t)(first + (int)i * 7);
        check_crosses(&lab, first % 2, p, sizeof(p));
    }
    lab_barrier(&lab); /* a packet is there before it is counted as sent */
    for (int s = 0; s < 2; s++) {
        struct gh_media_counters counters = counters_of(&lab, s);

        CHECK_INT(counters.rx_pkts, 128);
        CHECK_INT(counters.plain, 128);
        CHECK_INT(counters.tx_pkts, 128);
        CHECK_INT(counters.authenticated, 0);
        CHECK(counters.first_plain_us && counters.last_rx_us);
    }
    LAB_END(&lab);
}

static void what_looks_like_another_protocol(void)
{
    /* A STUN binding request (RFC 8489), a DTLS hello, a sender report, RTP. */
    static const uint8_t stun[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3 };
    static const uint8_t dtls[25] = { 22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1 };
    struct lab lab;
    uint8_t p[PKT_MAX];

    CHECK_OR_STOP(start(&lab));
    check_crosses(&lab, 0, stun, sizeof(stun));
    check_crosses(&lab, 1, dtls, sizeof(dtls));
    check_crosses(&lab, 0, p, make_rtcp(&lab.phones[0], p));
    check_crosses(&lab, 1, p, make_rtp(&lab.phones[1], p, 0, 160));
    lab_barrier(&lab);
    CHECK_INT(counters_of(&lab, 1).quality.measured.received_pkts, 0); /* it was not looked at */
    LAB_END(&lab);
}

/* From the shortest that has a sequence number to the longest that is taken; beyond, it is counted. */
static void lengths(void)
{
    static const size_t fine[] = { 2, 3, 11, 12, 1472, GH_MEDIA_DATAGRAM_MAX - 1, GH_MEDIA_DATAGRAM_MAX };
    static const size_t wrong[] = { 0, 1, GH_MEDIA_DATAGRAM_MAX + 1, UDP_MAX };
    static uint8_t p[UDP_MAX];
    struct lab lab;

    for (size_t i = 0; i < sizeof(p); i++)
        p[i] = (uint8_t)(i * 31 + i / 256);
    CHECK_OR_STOP(start(&lab));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        phone_send(&lab, 0, false, p, wrong[i]);
        await_drops(&lab, 0, GH_DROP_MALFORMED, i + 1);
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        check_crosses(&lab, i % 2, p, fine[i]);
    CHECK_INT(counters_of(&lab, 0).plain, 4);
    LAB_END(&lab);
}

static void directions(void)
{
    struct gh_media_set sets[2];
    struct lab lab;

    CHECK_OR_STOP(start(&lab));
    for (int s = 0; s < 2; s++) {
        sets[s] = lab_side(&lab, s, GH_PATH_CLEAR, CLEAR, NULL, NULL);
        sets[s].datagrams = true;
        sets[s].may_send = s == 0;
        sets[s].may_receive = s == 1;
    }
    CHECK_INT(gh_media_set_both(lab.media, sets), 0);
    lab_barrier(&lab);
    phone_send(&lab, 1, false, (const uint8_t *)"back", 4);
    await_drops(&lab, 1, GH_DROP_NOT_SENDING, 1);
    check_crosses(&lab, 0, (const uint8_t *)"forth", 5);
    LAB_END(&lab);
}

/* ---- where it comes from ------------------------------------------------------------------------------ */

/* Nothing is learnt of what has no form, whatever the trunk's rule; and RTCP's port is nobody's. */
static void only_from_the_named_source(void)
{
    for (int rule = 0; rule < GH_SOURCE_RULE_COUNT; rule++) {
        struct attacker attacker = attacker_at(ELSEWHERE);
        uint8_t p[PKT_MAX];
        struct lab lab;

        CHECK_OR_STOP(lab_start(&lab, 4, 0));
        CHECK_INT(set_datagrams(&lab, true, (enum gh_source_rule)rule), 0);
        for (int i = 0; i < 4; i++)
            attack(&lab, &attacker, false, p, make_rtp(&lab.phones[0], p, 0, 160));
        attack(&lab, &attacker, true, p, make_rtcp(&lab.phones[0], p));
        phone_send(&lab, 0, true, p, make_rtcp(&lab.phones[0], p));
        await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 6);
        check_crosses(&lab, 0, (const uint8_t *)"forth", 5);
        check_crosses(&lab, 1, (const uint8_t *)"back", 4);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 0);
        check_got_nothing(&lab, &attacker);
        LAB_END(&lab);
    }
}

/* ---- what it may be ------------------------------------------------------------------------------------- */

static void sets_that_are_refused(void)
{
    struct gh_secret key = lab_key(CM80, 1), own = lab_key(CM80, 3);
    struct gh_media_set set, sets[2];
    struct lab lab;

    CHECK_OR_STOP(lab_start(&lab, 4, 0));
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &key, &own);
    set.datagrams = true;
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    for (enum gh_path path = GH_PATH_NONE; path <= GH_PATH_COUNT; path = (enum gh_path)(path + 1)) {
        bool fits = path == GH_PATH_NONE || path == GH_PATH_CLEAR;

        set = lab_side(&lab, 0, path, CLEAR, NULL, NULL);
        set.datagrams = true;
        CHECK_INT(lab_set(&lab, &set), fits ? 0 : GH_EINVAL);
    }
    /* Beside a side that is to be RTP, in one step or by and by. */
    set = lab_side(&lab, 1, GH_PATH_CLEAR, CLEAR, NULL, NULL);
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    for (int s = 0; s < 2; s++) {
        sets[s] = lab_side(&lab, s, GH_PATH_CLEAR, CLEAR, NULL, NULL);
        sets[s].datagrams = s;
    }
    CHECK_INT(gh_media_set_both(lab.media, sets), GH_EINVAL);
    /* What was refused has changed nothing. */
    set = lab_side(&lab, 1, GH_PATH_CLEAR, CLEAR, NULL, NULL);
    set.datagrams = true;
    CHECK_INT(lab_set(&lab, &set), 0);
    LAB_END(&lab);
}

static void rtp_becomes_datagrams_and_back(void)
{
    struct lab lab;

    CHECK_OR_STOP(lab_start(&lab, 4, 0));
    for (int round = 0; round < 3; round++) {
        CHECK_INT(set_datagrams(&lab, false, GH_SOURCE_RULE_SDP), 0);
        check_flows(&lab, 0, false);
        check_flows(&lab, 1, true);
        phone_send(&lab, 0, false, (const uint8_t *)"\0\1 no RTP at all", 16);
        await_drops(&lab, 0, GH_DROP_MALFORMED, (uint64_t)round + 1);
        CHECK_INT(set_datagrams(&lab, true, GH_SOURCE_RULE_SDP), 0);
        check_crosses(&lab, 0, (const uint8_t *)"\0\1 no RTP at all", 16);
    }
    LAB_END(&lab);
}

/* The switch of a keyed call to fax and back: a new stream each time a key goes, and what was played before the fax is
 * still a replay after it. */
static void srtp_becomes_datagrams_and_back(void)
{
    uint8_t packet[PKT_MAX] __attribute__((aligned(8))), sent[PKT_MAX];
    struct gh_secret key[2] = { lab_key(CM80, 1), lab_key(CM80, 2) };
    struct gh_media_set sets[2];
    struct lab lab;
    size_t len;

    CHECK_OR_STOP(lab_start(&lab, 4, 0));
    lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
    check_flows(&lab, 0, false);
    len = phone_seal(&lab.phones[0], packet, make_rtp(&lab.phones[0], packet, 0, 160), false);
    memcpy(sent, packet, len);
    check_crosses(&lab, 0, sent, len); /* `pass`: the octets stay */

    CHECK_INT(set_datagrams(&lab, true, GH_SOURCE_RULE_SDP), GH_EINVAL); /* never in the keyed stream itself */
    CHECK_INT(gh_media_renew(lab.media, lab.stream, &lab.stream), 0);
    CHECK_INT(set_datagrams(&lab, true, GH_SOURCE_RULE_SDP), 0);
    check_crosses(&lab, 1, (const uint8_t *)"fax", 3);
    check_crosses(&lab, 0, sent, len);

    for (int s = 0; s < 2; s++)
        sets[s] = lab_side(&lab, s, GH_PATH_PASS, CM80, &key[s], &key[!s]);
    CHECK_INT(gh_media_set_both(lab.media, sets), 0);
    lab_barrier(&lab);
    phone_send(&lab, 0, false, sent, len);
    await_drops(&lab, 0, GH_DROP_REPLAYED, 1);
    phone_send(&lab, 1, false, (const uint8_t *)"fax", 3);
    await_drops(&lab, 1, GH_DROP_MALFORMED, 1);
    check_crosses(&lab, 0, packet, phone_seal(&lab.phones[0], packet, make_rtp(&lab.phones[0], packet, 0, 160), false));
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(every_first_octet);
    RUN(what_looks_like_another_protocol);
    RUN(lengths);
    RUN(directions);
    RUN(only_from_the_named_source);
    RUN(sets_that_are_refused);
    RUN(rtp_becomes_datagrams_and_back);
    RUN(srtp_becomes_datagrams_and_back);
    CHECK_INT(latch_failures(), 0);
    return CHECK_REPORT();
}
