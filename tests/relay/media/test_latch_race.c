/* SPDX-License-Identifier: Apache-2.0 */
/* media_source on a live stream against those who send copies of the phone's SRTP before it does.  What each order of
 * packets comes to: test_source_race.c. */
#include "support/check.h"

#include <poll.h>
#include <unistd.h>

#include <uv.h>

#include "crypto/srtp_ciphers.h"
#include "media/source.h"
#include "support_latch.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80;

/* The phone's next packet, by the attacker first: it crosses.  Then by the phone, of which no drop is awaited. */
static void raced(struct lab *lab, struct attacker *racer, bool rtcp, bool rtcp_port)
{
    struct phone *phone = &lab->phones[0];
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
    size_t len = rtcp ? phone_seal(phone, p, make_rtcp(phone, p), true) : sealed_rtp(lab, p);

    attack(lab, racer, rtcp_port, p, len);
    CHECK(phone_receive(lab, 1, rtcp, got) > 0);
    phone_send(lab, 0, rtcp_port, p, len);
}

static void check_told(struct lab *lab, enum gh_media_event_kind kind, int n, const struct gh_addr *from,
                       const struct gh_addr *to, bool rtcp)
{
    struct gh_media_event event = event_of(lab, kind, n);

    check_event(&event, from, to, rtcp, false);
}

static int changes_of(struct lab *lab)
{
    lab_barrier(lab);
    return events_of(lab, 0, GH_MEDIA_EVENT_LATCHED) + events_of(lab, 0, GH_MEDIA_EVENT_MOVED) +
           events_of(lab, 0, GH_MEDIA_EVENT_TAKEN_BACK);
}

/* Faster on every packet, from the first one on.  The phone is where SDP has it: he has the place until its first
 * packet is there, and then nothing but a line in the record. */
static void faster_on_every_packet(void)
{
    static const struct row {
        enum gh_path path;
        enum gh_suite suite;
    } rows[] = { { GH_PATH_PASS, GH_AES_CM_128_HMAC_SHA1_80 }, { GH_PATH_PASS, GH_AEAD_AES_256_GCM },
                 { GH_PATH_BRIDGE, GH_AES_CM_128_HMAC_SHA1_32 }, { GH_PATH_BRIDGE, GH_AEAD_AES_128_GCM } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lab lab;
        struct attacker racer = attacker_at(ELSEWHERE);
        struct gh_addr beside = racer.addr;

        beside.port++;
        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, rows[i].path, rows[i].suite, rows[i].suite);
        set_rule(&lab, rows[i].path, rows[i].suite, GH_SOURCE_RULE_SYMMETRIC, 0);
        raced(&lab, &racer, false, false);
        check_told(&lab, GH_MEDIA_EVENT_LATCHED, 0, &lab.phones[0].addr[0], &racer.addr, false);
        check_told(&lab, GH_MEDIA_EVENT_LATCHED, 1, &lab.phones[0].addr[1], &beside, true);
        check_told(&lab, GH_MEDIA_EVENT_TAKEN_BACK, 0, &racer.addr, &lab.phones[0].addr[0], false);
        check_told(&lab, GH_MEDIA_EVENT_TAKEN_BACK, 1, &beside, &lab.phones[0].addr[1], true);
        check_flows(&lab, 1, false);
        check_flows(&lab, 1, true);
        for (int k = 0; k < 40; k++) {
            raced(&lab, &racer, false, false);
            await_drops(&lab, 0, GH_DROP_REPLAYED, (uint64_t)k + 1);
            check_flows(&lab, 1, false);
        }
        check_told(&lab, GH_MEDIA_EVENT_CONTESTED, 0, &lab.phones[0].addr[0], &racer.addr, false);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_CONFIRMED), 0);
        CHECK_INT(changes_of(&lab), 4);
        check_got_nothing(&lab, &racer);
        LAB_END(&lab);
    }
}

/* The same with reports, on their own port and beside RTP. */
static void faster_with_reports(void)
{
    static const struct row {
        enum gh_suite suite;
        bool mux;
    } rows[] = { { GH_AES_CM_128_HMAC_SHA1_32, false }, { GH_AEAD_AES_128_GCM, false }, { GH_AEAD_AES_128_GCM, true },
                 { GH_AES_CM_128_HMAC_SHA1_80, true } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool port = !rows[i].mux;
        struct lab lab;
        struct attacker racer = attacker_at(ELSEWHERE);
        struct gh_secret rx = lab_key(rows[i].suite, 1), tx = lab_key(rows[i].suite, 3);
        struct gh_media_set set;
        const struct gh_addr *home;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_BRIDGE, rows[i].suite, rows[i].suite);
        set = lab_side(&lab, 0, GH_PATH_BRIDGE, rows[i].suite, &rx, &tx);
        set.media_source = GH_SOURCE_RULE_SYMMETRIC;
        set.rtcp_mux = rows[i].mux;
        CHECK_INT(lab_set(&lab, &set), 0);
        home = &lab.phones[0].addr[port];
        raced(&lab, &racer, true, port);
        check_told(&lab, GH_MEDIA_EVENT_LATCHED, 0, home, &racer.addr, port);
        check_told(&lab, GH_MEDIA_EVENT_TAKEN_BACK, 0, &racer.addr, home, port);
        for (int k = 0; k < 10; k++) {
            raced(&lab, &racer, true, port);
            await_drops(&lab, 0, GH_DROP_REPLAYED, (uint64_t)k + 1);
        }
        check_told(&lab, GH_MEDIA_EVENT_CONTESTED, 0, home, &racer.addr, port);
        CHECK_INT(changes_of(&lab), 2);
        check_got_nothing(&lab, &racer);
        LAB_END(&lab);
    }
}

/* In the midst of a call: however many he is first with, none of ours goes to him. */
static void faster_later_on(void)
{
    struct lab lab;
    struct attacker racer = attacker_at(ELSEWHERE);
    uint64_t until_ns;
    int copies = 0;

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    until_ns = uv_hrtime() + (GH_SOURCE_TRIAL_MS + 200) * 1000000ULL; /* the rule is about time: it has to pass */
    while (copies < 2 * GH_MOVE_PKTS || uv_hrtime() < until_ns) {
        raced(&lab, &racer, false, false);
        await_drops(&lab, 0, GH_DROP_REPLAYED, (uint64_t)++copies);
    }
    check_flows(&lab, 1, false);
    check_told(&lab, GH_MEDIA_EVENT_CONTESTED, 0, &lab.phones[0].addr[0], &racer.addr, false);
    CHECK_INT(changes_of(&lab), 0);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_CONTESTED), 1);
    check_got_nothing(&lab, &racer);
    LAB_END(&lab);
}

/* Four in a row, of which the phone's own never came: they do not move it, for four are sent in no time. */
static void four_at_once(void)
{
    struct lab lab;
    struct attacker racer = attacker_at(ELSEWHERE);
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    check_flows(&lab, 0, false);
    for (int i = 0; i < GH_MOVE_PKTS; i++) {
        attack(&lab, &racer, false, p, sealed_rtp(&lab, p));
        CHECK(phone_receive(&lab, 1, false, p) > 0);
    }
    check_flows(&lab, 1, false);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    CHECK_INT(changes_of(&lab), 0);
    check_got_nothing(&lab, &racer);
    LAB_END(&lab);
}

/* After a re-INVITE with the same address, and with another one, while he goes on. */
static void a_hijack_after_a_new_offer(void)
{
    struct lab lab;
    struct attacker racer = attacker_at(ELSEWHERE);
    uint64_t replayed = 0;

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    check_flows(&lab, 0, false);
    for (int i = 0; i < 2; i++) {
        if (i == 1) {
            phone_moves(&lab, 0, false, NULL);
            phone_moves(&lab, 0, true, NULL);
        }
        set_rule(&lab, GH_PATH_BRIDGE, CM80, GH_SOURCE_RULE_SYMMETRIC, 0);
        raced(&lab, &racer, false, false);
        if (i == 1) { /* all is new there: he is first */
            check_told(&lab, GH_MEDIA_EVENT_LATCHED, 0, &lab.phones[0].addr[0], &racer.addr, false);
            check_told(&lab, GH_MEDIA_EVENT_TAKEN_BACK, 0, &racer.addr, &lab.phones[0].addr[0], false);
        } else {
            await_drops(&lab, 0, GH_DROP_REPLAYED, ++replayed);
        }
        for (int k = 0; k < 2 * GH_MOVE_PKTS; k++) {
            check_flows(&lab, 1, false);
            raced(&lab, &racer, false, false);
            await_drops(&lab, 0, GH_DROP_REPLAYED, ++replayed);
        }
        check_told(&lab, GH_MEDIA_EVENT_CONTESTED, i, &lab.phones[0].addr[0], &racer.addr, false);
    }
    CHECK_INT(changes_of(&lab), 4); /* RTCP went along there and back */
    check_got_nothing(&lab, &racer);
    LAB_END(&lab);
}

/* The phone is behind a NAT, and SDP has nowhere it is: two strangers.  The first one keeps the place; it is said that
 * there are two, and that none is proven. */
static void two_strangers(void)
{
    struct lab lab;
    struct attacker racer = attacker_at(ELSEWHERE);
    struct gh_addr sdp;
    uint8_t got[PKT_MAX];
    uint64_t until_ns;

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    sdp = lab.phones[0].addr[0];
    phone_moves(&lab, 0, false, FAR_AWAY);
    raced(&lab, &racer, false, false);
    check_told(&lab, GH_MEDIA_EVENT_LATCHED, 0, &sdp, &racer.addr, false);
    check_told(&lab, GH_MEDIA_EVENT_CONTESTED, 0, &racer.addr, &lab.phones[0].addr[0], false);
    until_ns = uv_hrtime() + (GH_SOURCE_TRIAL_MS + 200) * 1000000ULL;
    while (uv_hrtime() < until_ns) {
        uint64_t strangers = counters_of(&lab, 0).drops[GH_DROP_UNKNOWN_SOURCE];

        raced(&lab, &racer, false, false);
        await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, strangers + 1);
    }
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_CONFIRMED), 0);
    phone_send(&lab, 1, false, got, phone_seal(&lab.phones[1], got, make_rtp(&lab.phones[1], got, 0, 160), false));
    CHECK_INT(poll(&(struct pollfd){ .fd = racer.fd, .events = POLLIN }, 1, AWAIT_MS), 1);
    CHECK(recv(racer.fd, got, sizeof(got), 0) > 0); /* what `sdp` would not have let be */
    /* He stops: after four packets of the phone it has the place. */
    flow_until(&lab, false, GH_MEDIA_EVENT_MOVED, 2);
    check_flows(&lab, 1, false);
    flow_until(&lab, false, GH_MEDIA_EVENT_CONFIRMED, 1);
    check_got_nothing(&lab, &racer);
    LAB_END(&lab);
}

/* The same two, and the signalling comes from the phone's host. */
static void the_host_of_the_signalling(void)
{
    struct lab lab;
    struct attacker racer = attacker_at(ELSEWHERE);
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct gh_media_set set;

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.media_source = GH_SOURCE_RULE_SYMMETRIC;
    phone_moves(&lab, 0, false, FAR_AWAY);
    set.signalling = lab.phones[0].addr[0];
    set.signalling.port = 5061;
    CHECK_INT(lab_set(&lab, &set), 0);
    raced(&lab, &racer, false, false);
    check_told(&lab, GH_MEDIA_EVENT_TAKEN_BACK, 0, &racer.addr, &lab.phones[0].addr[0], false);
    check_flows(&lab, 1, false);
    raced(&lab, &racer, false, false);
    await_drops(&lab, 0, GH_DROP_REPLAYED, 1);
    check_flows(&lab, 1, false);
    check_got_nothing(&lab, &racer);
    LAB_END(&lab);
}

/* Who forges the old address of a phone that has moved, with copies from the new one, gets what he would get by
 * dropping them; numbers alone get him nothing. */
static void a_forged_address(void)
{
    struct lab lab;
    struct attacker forger;
    struct gh_addr old;
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
    size_t len;

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    check_flows(&lab, 0, false);
    old = lab.phones[0].addr[0];
    forger = (struct attacker){ .fd = dup(lab.phones[0].fd[0]), .addr = old };
    phone_moves(&lab, 0, false, ELSEWHERE);
    flow_until(&lab, false, GH_MEDIA_EVENT_MOVED, 2);
    len = sealed_rtp(&lab, p);
    phone_send(&lab, 0, false, p, len);
    CHECK(phone_receive(&lab, 1, false, got) > 0);
    for (size_t i = 1; i <= 4; i++) { /* of the tag four octets are remembered: each counts */
        p[len - i] ^= 0x10;
        attack(&lab, &forger, false, p, len);
        p[len - i] ^= 0x10;
        await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, forger.sent);
    }
    check_flows(&lab, 1, false);
    len = sealed_rtp(&lab, p);
    phone_send(&lab, 0, false, p, len);
    CHECK(phone_receive(&lab, 1, false, got) > 0);
    attack(&lab, &forger, false, p, len);
    check_told(&lab, GH_MEDIA_EVENT_TAKEN_BACK, 0, &lab.phones[0].addr[0], &old, false);
    close(forger.fd);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(faster_on_every_packet);
    RUN(faster_with_reports);
    RUN(faster_later_on);
    RUN(four_at_once);
    RUN(a_hijack_after_a_new_offer);
    RUN(two_strangers);
    RUN(the_host_of_the_signalling);
    RUN(a_forged_address);
    CHECK_INT(latch_failures(), 0);
    return CHECK_REPORT();
}
