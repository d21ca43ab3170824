/* SPDX-License-Identifier: Apache-2.0 */
/* media_source on a live stream against those who want to be taken for the phone: who guesses, forges, replays, races,
 * floods. */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "media/source.h"
#include "support_latch.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80;

/* ---- attacks on SRTP -------------------------------------------------------------------------------------- */

/* How an attacker's packet is made from the phone's next one, which is not sent.  @return its length */
typedef size_t (*craft_fn)(struct lab *lab, uint8_t *p);

static size_t forged(struct lab *lab, uint8_t *p)
{
    size_t len = sealed_rtp(lab, p);

    p[len - 1] ^= 1;
    return len;
}

static size_t own_key(struct lab *lab, uint8_t *p)
{
    struct gh_secret key = lab_key(CM80, 66);
    struct gh_srtp_tx *own = lab->phones[0].tx;
    size_t len;

    CHECK_INT(gh_srtp_tx_new(&lab->phones[0].tx, CM80, &key), 0);
    len = sealed_rtp(lab, p);
    gh_srtp_tx_free(lab->phones[0].tx);
    lab->phones[0].tx = own;
    return len;
}

/* Before the phone's first packet and after, from its host and from another: he gets nothing, moves nothing. */
static void guesses_and_forgeries_win_nothing(void)
{
    static const struct row {
        craft_fn craft;
        bool rtcp_port;
    } rows[] = { { plain_guess, false }, { forged, false }, { own_key, false }, { garbage, false },
                 { plain_report, true }, { garbage, true } };

    for (int rule = GH_SOURCE_RULE_SDP; rule < GH_SOURCE_RULE_COUNT; rule++) {
        for (int i = 0; i < 2; i++) {
            struct lab lab;
            struct attacker racer = attacker_at(i ? own_ip() : ELSEWHERE);
            uint8_t p[PKT_MAX] __attribute__((aligned(8)));

            if (!start_keyed(&lab, (enum gh_source_rule)rule))
                return;
            for (int phase = 0; phase < 2; phase++) {
                for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
                    attack(&lab, &racer, rows[k].rtcp_port, p, rows[k].craft(&lab, p));
                    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, racer.sent);
                }
                for (int k = 0; k < 4; k++)
                    check_flows(&lab, k % 2, k / 2);
            }
            CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_AUTH_FAILED], 0);
            check_got_nothing(&lab, &racer);
            CHECK_INT(lab.event_count, 2); /* that both are proven, and nothing of him */
            CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_PROVEN), 1);
            LAB_END(&lab);
        }
    }
}

/* He has every packet of the phone, a moment later.  Also after a set that begins to learn anew. */
static void a_replayer_wins_nothing(void)
{
    struct lab lab;
    struct attacker replayer = attacker_at(ELSEWHERE);
    uint8_t p[20][PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
    size_t len[20];

    if (!start_keyed(&lab, GH_SOURCE_RULE_SDP))
        return;
    for (int i = 0; i < 20; i++) {
        bool rtcp = i % 5 == 4;

        len[i] = rtcp ? phone_seal(&lab.phones[0], p[i], make_rtcp(&lab.phones[0], p[i]), true)
                      : sealed_rtp(&lab, p[i]);
        phone_send(&lab, 0, rtcp, p[i], len[i]);
        CHECK(phone_receive(&lab, 1, rtcp, got) > 0);
    }
    for (int phase = 0; phase < 2; phase++) {
        set_rule(&lab, GH_PATH_BRIDGE, CM80, GH_SOURCE_RULE_SYMMETRIC, 0);
        for (int i = 0; i < 20; i++) {
            attack(&lab, &replayer, i % 5 == 4, p[i], len[i]);
            await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, replayer.sent);
        }
        for (int k = 0; k < 4; k++)
            check_flows(&lab, k % 2, k / 2);
    }
    check_got_nothing(&lab, &replayer);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED) + events_of(&lab, 0, GH_MEDIA_EVENT_MOVED), 0);
    LAB_END(&lab);
}

/* He copies packets and is faster, but not four times in a row: no packet is lost by it, nothing moves. */
static void a_racer_who_loses_once_moves_nothing(void)
{
    struct lab lab;
    struct attacker racer = attacker_at(ELSEWHERE);
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    check_flows(&lab, 0, false);
    for (uint64_t i = 0; i < 40; i++) {
        size_t len = sealed_rtp(&lab, p);

        if (i % 4)
            attack(&lab, &racer, false, p, len);
        else
            phone_send(&lab, 0, false, p, len);
        CHECK(phone_receive(&lab, 1, false, got) > 0);
        if (i % 4) { /* the true one comes second */
            phone_send(&lab, 0, false, p, len);
            await_drops(&lab, 0, GH_DROP_REPLAYED, i - i / 4);
        }
    }
    check_flows(&lab, 1, false);
    check_got_nothing(&lab, &racer);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_MOVED), 0);
    LAB_END(&lab);
}

/* He held some packets back, and brings them late: new to us and authentic, and yet older than the phone's last. */
static void what_is_late_moves_nothing(void)
{
    enum { HELD = 3 * GH_MOVE_PKTS };
    static uint8_t held[HELD][PKT_MAX] __attribute__((aligned(8)));
    struct lab lab;
    struct attacker holder = attacker_at(ELSEWHERE);
    size_t len[HELD];
    uint8_t got[PKT_MAX];

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    for (int i = 0; i < HELD; i++)
        len[i] = sealed_rtp(&lab, held[i]);
    check_flows(&lab, 0, false);
    for (int i = 0; i < HELD; i++) {
        attack(&lab, &holder, false, held[i], len[i]);
        CHECK(phone_receive(&lab, 1, false, got) > 0); /* not lost by it either */
    }
    check_flows(&lab, 1, false);
    check_got_nothing(&lab, &holder);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED) + events_of(&lab, 0, GH_MEDIA_EVENT_MOVED), 0);
    LAB_END(&lab);
}

/* Packets under the key before, which he held back: authentic, and no sign of where the phone is now. */
static void the_old_key_moves_nothing(void)
{
    struct lab lab;
    struct attacker holder = attacker_at(ELSEWHERE);
    struct gh_secret next = lab_key(CM80, 70), tx = lab_key(CM80, 3);
    struct gh_media_set set;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &next, &tx);
    set.media_source = GH_SOURCE_RULE_SYMMETRIC;
    CHECK_INT(lab_set(&lab, &set), 0);
    for (int i = 0; i < 2 * GH_MOVE_PKTS; i++) {
        attack(&lab, &holder, false, p, sealed_rtp(&lab, p));
        CHECK(phone_receive(&lab, 1, false, p) > 0);
    }
    gh_srtp_tx_free(lab.phones[0].tx);
    lab.phones[0].tx = NULL;
    CHECK_INT(gh_srtp_tx_new(&lab.phones[0].tx, CM80, &next), 0);
    phone_send(&lab, 0, false, p, sealed_rtp(&lab, p));
    CHECK(phone_receive(&lab, 1, false, p) > 0);
    check_flows(&lab, 1, false);
    check_got_nothing(&lab, &holder);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED) + events_of(&lab, 0, GH_MEDIA_EVENT_MOVED), 0);
    LAB_END(&lab);
}

/* Tries are paid for by the tick: the call beside the flood goes on, most of the flood is never looked at. */
static void a_flood_is_tried_under_a_limit(void)
{
    struct lab lab;
    struct attacker flood = attacker_at(ELSEWHERE);
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    check_flows(&lab, 0, false);
    for (int i = 0; i < 20; i++) {
        for (int k = 0; k < 100; k++)
            attack(&lab, &flood, false, p, plain_guess(&lab, p));
        check_flows(&lab, 0, false);
        check_flows(&lab, 1, false);
    }
    CHECK(counters_of(&lab, 0).drops[GH_DROP_UNKNOWN_SOURCE] > 0);
    CHECK(counters_of(&lab, 0).drops[GH_DROP_UNKNOWN_SOURCE] < flood.sent / 2);
    check_got_nothing(&lab, &flood);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_MOVED), 0);
    LAB_END(&lab);
}

/* ---- RTP: nothing proves a packet --------------------------------------------------------------------- */

/* The honest limit of RTP: who is first inside the window has it, until the phone speaks in it where SDP names it. */
static void a_racer_wins_on_rtp_inside_the_window_only(void)
{
    struct lab lab;
    struct attacker racer = attacker_at(ELSEWHERE);
    struct gh_addr sdp;
    struct gh_media_event event;
    uint8_t p[PKT_MAX];

    /* The phone was first. */
    if (!start_clear(&lab, 3600 * 1000))
        return;
    check_flows(&lab, 0, false);
    for (uint64_t i = 0; i < 8; i++) {
        attack(&lab, &racer, false, p, plain_guess(&lab, p));
        await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, i + 1);
    }
    check_flows(&lab, 1, false);
    check_got_nothing(&lab, &racer);
    CHECK_INT(lab.event_count, 0);
    LAB_END(&lab);

    /* He was. */
    racer = attacker_at(ELSEWHERE);
    if (!start_clear(&lab, 3600 * 1000))
        return;
    sdp = lab.phones[0].addr[0];
    attack(&lab, &racer, false, p, plain_guess(&lab, p));
    CHECK(phone_receive(&lab, 1, false, p) > 0);
    event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 0);
    check_event(&event, &sdp, &racer.addr, false, false);
    check_flows(&lab, 0, false);
    event = event_of(&lab, GH_MEDIA_EVENT_MOVED, 0);
    check_event(&event, &racer.addr, &sdp, false, false);
    attack(&lab, &racer, false, p, plain_guess(&lab, p));
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
    check_flows(&lab, 1, false);
    check_got_nothing(&lab, &racer);
    LAB_END(&lab);

    /* He was, and the phone is silent for as long as the window is open. */
    racer = attacker_at(ELSEWHERE);
    if (!start_clear(&lab, 3600 * 1000))
        return;
    attack(&lab, &racer, false, p, plain_guess(&lab, p));
    CHECK(phone_receive(&lab, 1, false, p) > 0);
    set_rule(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SOURCE_RULE_SYMMETRIC, 0);
    phone_send(&lab, 0, false, p, plain_guess(&lab, p));
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
    check_got_nothing(&lab, &racer);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(guesses_and_forgeries_win_nothing);
    RUN(a_replayer_wins_nothing);
    RUN(a_racer_who_loses_once_moves_nothing);
    RUN(what_is_late_moves_nothing);
    RUN(the_old_key_moves_nothing);
    RUN(a_flood_is_tried_under_a_limit);
    RUN(a_racer_wins_on_rtp_inside_the_window_only);
    CHECK_INT(latch_failures(), 0);
    return CHECK_REPORT();
}
