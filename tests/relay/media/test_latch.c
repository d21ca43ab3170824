/* SPDX-License-Identifier: Apache-2.0 */
/* media_source on a live stream: phones behind NAT that are learnt, phones that move, what sets keep. */
#include "support/check.h"

#include <unistd.h>

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "media/source.h"
#include "support_latch.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, GCM = GH_AEAD_AES_128_GCM;

/* ---- learnt by one authenticated packet ---------------------------------------------------------- */

static void a_phone_behind_nat_is_learnt(void)
{
    static const struct row {
        enum gh_path path;
        enum gh_suite suite;
    } rows[] = { { GH_PATH_PASS, GH_AES_CM_128_HMAC_SHA1_80 }, { GH_PATH_PASS, GH_AEAD_AES_256_GCM },
                 { GH_PATH_BRIDGE, GH_AES_CM_128_HMAC_SHA1_80 }, { GH_PATH_BRIDGE, GH_AEAD_AES_128_GCM } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lab lab;
        struct gh_addr sdp[2], guess;
        struct gh_media_event event;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, rows[i].path, rows[i].suite, rows[i].suite);
        set_rule(&lab, rows[i].path, rows[i].suite, GH_SOURCE_RULE_SYMMETRIC, 0);
        memcpy(sdp, lab.phones[0].addr, sizeof(sdp));
        phone_moves(&lab, 0, false, ELSEWHERE);
        phone_moves(&lab, 0, true, ELSEWHERE);
        check_flows(&lab, 0, false);
        check_flows(&lab, 1, false); /* to where the packet came from */
        event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 0);
        check_event(&event, &sdp[0], &lab.phones[0].addr[0], false, false);
        /* RTCP went along to the next port, as a guess, and is learnt by its own first packet. */
        guess = lab.phones[0].addr[0];
        guess.port++;
        event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 1);
        check_event(&event, &sdp[1], &guess, true, false);
        check_flows(&lab, 0, true);
        check_flows(&lab, 1, true);
        event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 2);
        check_event(&event, &guess, &lab.phones[0].addr[1], true, false);
        for (int k = 0; k < 8; k++)
            check_flows(&lab, k % 2, k / 2 % 2);
        /* Nobody else sent the same for half a second: each is proven, by itself. */
        for (int k = 0; k < 2; k++) {
            flow_until(&lab, k, GH_MEDIA_EVENT_CONFIRMED, k + 1);
            event = event_of(&lab, GH_MEDIA_EVENT_CONFIRMED, k);
            check_event(&event, &lab.phones[0].addr[k], &lab.phones[0].addr[k], k, true);
        }
        lab_barrier(&lab);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 3);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_MOVED), 0);
        CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_UNKNOWN_SOURCE], 0);
        LAB_END(&lab);
    }
}

static void sdp_host_takes_any_port_of_the_host(void)
{
    struct lab lab;
    struct attacker away = attacker_at(ELSEWHERE);
    struct gh_addr sdp;
    struct gh_media_event event;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len;

    if (!start_keyed(&lab, GH_SOURCE_RULE_HOST))
        return;
    sdp = lab.phones[0].addr[0];
    len = sealed_rtp(&lab, p);
    attack(&lab, &away, false, p, len); /* authentic, from another host: not looked at */
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
    phone_moves(&lab, 0, false, NULL);
    phone_send(&lab, 0, false, p, len);
    CHECK(phone_receive(&lab, 1, false, p) > 0);
    check_flows(&lab, 1, false);
    event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 0);
    check_event(&event, &sdp, &lab.phones[0].addr[0], false, false);
    check_flows(&lab, 0, true); /* RTCP stayed where SDP has it: the host is the same */
    check_flows(&lab, 1, true);
    check_got_nothing(&lab, &away);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 1);
    LAB_END(&lab);
}

/* With rtcp-mux a report is enough: a phone that only listens is found. */
static void srtcp_is_enough_with_mux(void)
{
    struct lab lab;
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct gh_media_set set;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.media_source = GH_SOURCE_RULE_SYMMETRIC;
    set.rtcp_mux = true;
    set.may_send = false;
    CHECK_INT(lab_set(&lab, &set), 0);
    phone_moves(&lab, 0, false, ELSEWHERE);
    phone_send(&lab, 0, false, p, phone_seal(&lab.phones[0], p, make_rtcp(&lab.phones[0], p), true));
    CHECK(phone_receive(&lab, 1, true, p) > 0);
    check_flows(&lab, 1, false);
    lab_barrier(&lab);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 1); /* no RTCP port that could follow */
    LAB_END(&lab);
}

/* ---- moves ------------------------------------------------------------------------------------------- */

static void a_phone_that_moves_is_followed(void)
{
    struct lab lab;
    struct gh_addr old[2], guess;
    struct gh_media_event event;
    struct attacker late;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    int old_fd;

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    check_flows(&lab, 0, false);
    check_flows(&lab, 0, true);
    memcpy(old, lab.phones[0].addr, sizeof(old));
    old_fd = dup(lab.phones[0].fd[0]);
    phone_moves(&lab, 0, false, ELSEWHERE);
    for (int i = 0; i < GH_MOVE_PKTS - 1; i++)
        check_flows(&lab, 0, false); /* they go on, and move nothing yet */
    lab_barrier(&lab);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_MOVED), 0);
    flow_until(&lab, false, GH_MEDIA_EVENT_MOVED, 2); /* RTCP goes with it */
    event = event_of(&lab, GH_MEDIA_EVENT_MOVED, 0);
    check_event(&event, &old[0], &lab.phones[0].addr[0], false, true);
    guess = lab.phones[0].addr[0];
    guess.port++;
    event = event_of(&lab, GH_MEDIA_EVENT_MOVED, 1);
    check_event(&event, &old[1], &guess, true, false);
    check_flows(&lab, 1, false);
    /* Back where SDP names it, at once; and away within 5 s: what comes goes on, what we send stays. */
    late = (struct attacker){ .fd = old_fd };
    for (int i = 0; i < GH_MOVE_PKTS; i++) {
        attack(&lab, &late, false, p, sealed_rtp(&lab, p));
        CHECK(phone_receive(&lab, 1, false, p) > 0);
    }
    event = event_of(&lab, GH_MEDIA_EVENT_MOVED, 2);
    check_event(&event, &lab.phones[0].addr[0], &old[0], false, true);
    for (int i = 0; i < 2 * GH_MOVE_PKTS; i++)
        check_flows(&lab, 0, false);
    late.addr = lab.phones[0].addr[0];
    lab.phones[0].addr[0] = old[0];
    old_fd = lab.phones[0].fd[0];
    lab.phones[0].fd[0] = late.fd;
    late.fd = old_fd;
    check_flows(&lab, 1, false);
    check_got_nothing(&lab, &late);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_MOVED), 4);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 0);
    LAB_END(&lab);
}

/* His RTCP moved with RTP in sight: one report is enough. */
static void rtcp_moves_beside_rtp(void)
{
    struct lab lab;
    struct gh_addr old;
    struct gh_media_event event;

    if (!start_keyed(&lab, GH_SOURCE_RULE_HOST))
        return;
    check_flows(&lab, 0, false);
    check_flows(&lab, 0, true);
    old = lab.phones[0].addr[1];
    phone_moves(&lab, 0, true, NULL);
    check_flows(&lab, 0, true);
    check_flows(&lab, 1, true);
    event = event_of(&lab, GH_MEDIA_EVENT_MOVED, 0);
    check_event(&event, &old, &lab.phones[0].addr[1], true, true);
    LAB_END(&lab);
}

/* What the last set named again stays learnt; another address, or the strict rule, does not. */
static void sets_keep_or_forget(void)
{
    struct lab lab;
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct gh_addr sdp[2];
    struct gh_media_set set;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    memcpy(sdp, lab.phones[0].addr, sizeof(sdp));
    phone_moves(&lab, 0, false, ELSEWHERE);
    check_flows(&lab, 0, false);
    for (int i = 0; i < 3; i++) {
        set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
        set.remote_rtp = sdp[0];
        set.remote_rtcp = sdp[1];
        set.media_source = i == 2 ? GH_SOURCE_RULE_SDP : GH_SOURCE_RULE_SYMMETRIC;
        if (i == 1)
            set.rx_key = lab_key(CM80, 90); /* the key is another, the phone is where it was */
        CHECK_INT(lab_set(&lab, &set), 0);
        if (i == 2)
            break;
        check_flows(&lab, 1, false);
        check_flows(&lab, 0, false);
    }
    phone_send(&lab, 0, false, p, sealed_rtp(&lab, p));
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 2); /* RTP, and RTCP along with it */
    LAB_END(&lab);
}

/* ---- RTP: inside the window, once, and said ---------------------------------------------------------------- */

static void plain_rtp_is_learnt_in_the_window(void)
{
    struct lab lab;
    struct gh_addr sdp[2], guess;
    struct gh_media_event event;
    struct attacker late = attacker_at(FAR_AWAY);
    uint8_t p[PKT_MAX];

    if (!start_clear(&lab, 3600 * 1000))
        return;
    memcpy(sdp, lab.phones[0].addr, sizeof(sdp));
    phone_moves(&lab, 0, false, ELSEWHERE);
    phone_moves(&lab, 0, true, ELSEWHERE);
    /* What is no RTP says nothing; nor does RTCP before RTP. */
    phone_send(&lab, 0, false, p, garbage(&lab, p));
    phone_send(&lab, 0, false, p, plain_report(&lab, p));
    phone_send(&lab, 0, true, p, plain_report(&lab, p));
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 3);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 0);
    check_event(&event, &sdp[0], &lab.phones[0].addr[0], false, false);
    guess = lab.phones[0].addr[0];
    guess.port++;
    event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 1);
    check_event(&event, &sdp[1], &guess, true, false);
    attack(&lab, &late, true, p, plain_report(&lab, p)); /* RTCP only from where RTP is */
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 4);
    check_flows(&lab, 0, true);
    check_flows(&lab, 1, true);
    event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 2);
    check_event(&event, &guess, &lab.phones[0].addr[1], true, false);
    /* Once: the window is still open, the place is taken. */
    for (uint64_t i = 0; i < 2 * GH_MOVE_PKTS; i++) {
        attack(&lab, &late, i % 2, p, i % 2 ? plain_report(&lab, p) : plain_guess(&lab, p));
        await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 5 + i);
    }
    check_got_nothing(&lab, &late);
    CHECK_INT(counters_of(&lab, 0).plain, 2);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 3);
    LAB_END(&lab);
}

static void no_window_no_latch(void)
{
    for (int i = 0; i < 3; i++) {
        struct lab lab;
        struct attacker racer = attacker_at(ELSEWHERE);
        struct gh_media_set set;
        uint8_t p[PKT_MAX];

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
        set = lab_side(&lab, 0, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
        set.media_source = i == 1 ? GH_SOURCE_RULE_HOST : GH_SOURCE_RULE_SYMMETRIC;
        set.latch_ms = i == 0 ? 1 : 3600 * 1000;
        set.may_send = i != 2; /* a side that may not send is not looked for */
        set.timeout_ms = 1;    /* the clock of this test: its event comes after the window */
        CHECK_INT(lab_set(&lab, &set), 0);
        CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_TIMEOUT, 1), 1);
        attack(&lab, &racer, false, p, plain_guess(&lab, p));
        await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
        check_flows(&lab, 1, false);
        check_got_nothing(&lab, &racer);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 0);
        LAB_END(&lab);
    }
}

/* Plain RTP of a learnt source goes on as SRTP, and SRTP back to where it is. */
static void a_learnt_plain_source_bridges(void)
{
    struct lab lab;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, GH_SUITE_NONE, GCM);
    set_rule(&lab, GH_PATH_BRIDGE, GH_SUITE_NONE, GH_SOURCE_RULE_SYMMETRIC, 3600 * 1000);
    phone_moves(&lab, 0, false, ELSEWHERE);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    check_flows(&lab, 0, false);
    LAB_END(&lab);
}

/* ---- IPv6 ----------------------------------------------------------------------------------------------------- */

static void learnt_on_ipv6_too(void)
{
    struct lab lab;
    struct gh_media_event event;
    struct gh_addr sdp;

    if (!lab_has_ipv6() || !lab_start_mixed(&lab, 6, 4))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    set_rule(&lab, GH_PATH_BRIDGE, CM80, GH_SOURCE_RULE_HOST, 0);
    sdp = lab.phones[0].addr[0];
    phone_moves(&lab, 0, false, NULL);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 0);
    check_event(&event, &sdp, &lab.phones[0].addr[0], false, false);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(a_phone_behind_nat_is_learnt);
    RUN(sdp_host_takes_any_port_of_the_host);
    RUN(srtcp_is_enough_with_mux);
    RUN(a_phone_that_moves_is_followed);
    RUN(rtcp_moves_beside_rtp);
    RUN(sets_keep_or_forget);
    RUN(plain_rtp_is_learnt_in_the_window);
    RUN(no_window_no_latch);
    RUN(a_learnt_plain_source_bridges);
    RUN(learnt_on_ipv6_too);
    CHECK_INT(latch_failures(), 0);
    return CHECK_REPORT();
}
