/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A side behind a NAT, whose SDP names another address than it has, stays where it was found while keys come and go and
 * streams are renewed: what comes from there is not late, and nobody else gets its place.
 */
#include "support/check.h"

#include <string.h>
#include <unistd.h>

#include "crypto/srtp_ciphers.h"
#include "media/source.h"
#include "support_latch.h"

#define LONG_MS (3600 * 1000)

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, CLEAR = GH_SUITE_NONE;

struct nat {
    struct lab lab;
    struct gh_addr said[2]; /* by a's SDP, all the time */
    enum gh_suite suite[2];
};

static void drop_keys(struct phone *phone)
{
    gh_srtp_tx_free(phone->tx);
    gh_srtp_rx_free(phone->rx);
    phone->tx = NULL;
    phone->rx = NULL;
}

/* Both sides; who was keyed and is so again has the same keys. */
static void set_both(struct nat *nat, enum gh_suite a, enum gh_suite b)
{
    enum gh_suite suite[2] = { a, b };
    enum gh_path path = a == CLEAR && b == CLEAR ? GH_PATH_CLEAR : GH_PATH_BRIDGE;
    struct gh_media_set sets[2];

    for (int s = 0; s < 2; s++) {
        struct phone *phone = &nat->lab.phones[s];
        struct gh_secret rx = lab_key(CM80, (uint8_t)(1 + s)), tx = lab_key(CM80, (uint8_t)(3 + s));
        bool keyed = suite[s] != CLEAR;

        if (suite[s] != nat->suite[s])
            drop_keys(phone);
        if (keyed && !phone->tx) {
            CHECK_INT(gh_srtp_tx_new(&phone->tx, CM80, &rx), 0);
            CHECK_INT(gh_srtp_rx_new(&phone->rx, CM80, &tx, false), 0);
        }
        sets[s] = lab_side(&nat->lab, s, path, suite[s], keyed ? &rx : NULL, keyed ? &tx : NULL);
        nat->suite[s] = suite[s];
    }
    sets[0].remote_rtp = nat->said[0];
    sets[0].remote_rtcp = nat->said[1];
    sets[0].media_source = GH_SOURCE_RULE_SYMMETRIC;
    sets[0].latch_ms = LONG_MS;
    CHECK_INT(gh_media_set_both(nat->lab.media, sets), 0);
    lab_barrier(&nat->lab);
}

/* Both are heard, and a is found where it is. */
static bool begin(struct nat *nat, enum gh_suite a, enum gh_suite b)
{
    *nat = (struct nat){ .suite = { CLEAR, CLEAR } };
    if (!CHECK(lab_start(&nat->lab, 4, 0)))
        return false;
    for (int i = 0; i < 2; i++) {
        nat->said[i] = nat->lab.phones[0].addr[i];
        phone_moves(&nat->lab, 0, i, ELSEWHERE);
    }
    set_both(nat, a, b);
    check_flows(&nat->lab, 0, false);
    check_flows(&nat->lab, 1, false);
    event_of(&nat->lab, GH_MEDIA_EVENT_LATCHED, 0);
    if (a != CLEAR)
        flow_until(&nat->lab, false, GH_MEDIA_EVENT_CONFIRMED, 1);
    nat->lab.event_count = 0;
    return true;
}

static void renew(struct nat *nat)
{
    CHECK_INT(gh_media_renew(nat->lab.media, nat->lab.stream, &nat->lab.stream), 0);
}

/* The source that our key to a side speaks for is another one after a change of keys, and has another SSRC there. */
static void check_arrives(struct nat *nat, int side)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
    struct phone *phone = &nat->lab.phones[side];

    CHECK(phone_send(&nat->lab, side, false, p, phone_seal(phone, p, make_rtp(phone, p, 0, 160), false)));
    CHECK(phone_receive(&nat->lab, !side, false, got) > 0);
}

static void end(struct nat *nat)
{
    LAB_END(&nat->lab);
}

/* b's SDP made it clear; a's says what it said. */
static void the_other_side_is_renewed(void)
{
    static const enum gh_suite suites[] = { GH_AES_CM_128_HMAC_SHA1_80, GH_SUITE_NONE };

    for (int i = 0; i < 2; i++) {
        struct attacker attacker = attacker_at(FAR_AWAY);
        uint8_t p[PKT_MAX];
        struct nat nat;

        if (!begin(&nat, suites[i], CM80))
            return;
        renew(&nat);
        set_both(&nat, suites[i], CLEAR);
        attack(&nat.lab, &attacker, false, p, plain_guess(&nat.lab, p)); /* the first to speak */
        await_drops(&nat.lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
        check_arrives(&nat, 1);
        check_arrives(&nat, 0);
        check_arrives(&nat, 1);
        check_got_nothing(&nat.lab, &attacker);
        CHECK_INT(events_of(&nat.lab, 0, GH_MEDIA_EVENT_LATCHED), 0);
        end(&nat);
    }
}

/* Its keys go: whoever is the first to speak, SRTP has shown where it is.  They come: its first packet shows it. */
static void its_own_keys_change(void)
{
    for (int keyed = 0; keyed < 2; keyed++) {
        struct attacker attacker = attacker_at(FAR_AWAY);
        uint8_t p[PKT_MAX];
        struct nat nat;

        if (!begin(&nat, keyed ? CLEAR : CM80, CLEAR))
            return;
        if (!keyed)
            renew(&nat);
        set_both(&nat, keyed ? CM80 : CLEAR, CLEAR);
        attack(&nat.lab, &attacker, false, p, make_rtp(&nat.lab.phones[0], p, 0, 160));
        await_drops(&nat.lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
        check_arrives(&nat, 0);
        check_arrives(&nat, 1);
        check_got_nothing(&nat.lab, &attacker);
        CHECK_INT(events_of(&nat.lab, 0, GH_MEDIA_EVENT_LATCHED), keyed ? 2 : 0); /* RTCP goes along */
        end(&nat);
    }
}

/* Two phones ring for a call; the first one is heard behind its NAT, then the second is named, then the first again. */
static void named_again(void)
{
    static const enum gh_suite suites[] = { GH_AES_CM_128_HMAC_SHA1_80, GH_SUITE_NONE };

    for (int i = 0; i < 2; i++) {
        struct gh_addr first[2];
        struct attacker second = attacker_at(FAR_AWAY);
        struct nat nat;

        if (!begin(&nat, suites[i], CLEAR))
            return;
        memcpy(first, nat.said, sizeof(first));
        nat.said[0] = nat.said[1] = second.addr;
        set_both(&nat, suites[i], CLEAR);
        memcpy(nat.said, first, sizeof(first));
        set_both(&nat, suites[i], CLEAR);
        check_arrives(&nat, 0);
        check_arrives(&nat, 1);
        check_got_nothing(&nat.lab, &second);
        end(&nat);
    }
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(the_other_side_is_renewed);
    RUN(its_own_keys_change);
    RUN(named_again);
    CHECK_INT(latch_failures(), 0);
    return CHECK_REPORT();
}
