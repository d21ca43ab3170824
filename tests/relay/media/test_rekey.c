/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a stream over time: the same again, new ones, their ROC, their proof, their lifetime. */
#include "support/check.h"

#include <uv.h>

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, GCM = GH_AEAD_AES_128_GCM;

/* A set of a bridged side that was made by lab_secure; keys are named by their seeds. */
static struct gh_media_set bridged(struct lab *lab, int side, enum gh_suite suite, uint8_t rx_seed,
                                   uint8_t tx_seed)
{
    struct gh_secret rx = lab_key(suite, rx_seed), tx = lab_key(suite, tx_seed);

    return lab_side(lab, side, GH_PATH_BRIDGE, suite, &rx, &tx);
}

static struct gh_srtp_rx *new_rx(enum gh_suite suite, uint8_t seed)
{
    struct gh_secret key = lab_key(suite, seed);
    struct gh_srtp_rx *rx = NULL;

    CHECK_INT(gh_srtp_rx_new(&rx, suite, &key, false), 0);
    return rx;
}

static struct gh_srtp_tx *new_tx(enum gh_suite suite, uint8_t seed)
{
    struct gh_secret key = lab_key(suite, seed);
    struct gh_srtp_tx *tx = NULL;

    CHECK_INT(gh_srtp_tx_new(&tx, suite, &key), 0);
    return tx;
}

/* From a to b, where a may have an SSRC of ours by now: its key, and so the source, is another. */
static void flows_renamed(struct lab *lab, bool rtcp)
{
    struct phone *a = &lab->phones[0];
    uint8_t plain[PKT_MAX], p[PKT_MAX] __attribute__((aligned(8)));
    size_t plain_len = rtcp ? make_rtcp(a, plain) : make_rtp(a, plain, 0, 160), len;

    memcpy(p, plain, plain_len);
    phone_send(lab, 0, rtcp, p, phone_seal(a, p, plain_len, rtcp));
    len = phone_receive(lab, 1, rtcp, p);
    CHECK_INT(gh_srtp_rx_open(lab->phones[1].rx, p, &len, rtcp), 0);
    CHECK_INT(len, plain_len);
    CHECK(memcmp(p + 12, plain + 12, len - 12) == 0);
}

/* ---- the same key, a new key ----------------------------------------------------------------- */

static void the_same_key_keeps_its_state(void)
{
    for (int i = 0; i < 2; i++) {
        enum gh_path path = i ? GH_PATH_PASS : GH_PATH_BRIDGE;
        struct lab lab;
        struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, (uint8_t)(i ? 2 : 3)), other = lab_key(CM80, 77);
        struct gh_media_set set;
        uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
        size_t len;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, path, CM80, CM80);
        len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
        phone_send(&lab, 0, false, p, len);
        phone_receive(&lab, 1, false, got);
        set = lab_side(&lab, 0, path, CM80, &rx, &tx);
        CHECK_INT(lab_set(&lab, &set), 0);
        phone_send(&lab, 0, false, p, len);
        await_drops(&lab, 0, GH_DROP_REPLAYED, 1);
        /* Away to another key and back: the first one's windows are still there. */
        set = lab_side(&lab, 0, path, CM80, &other, &tx);
        CHECK_INT(lab_set(&lab, &set), 0);
        set = lab_side(&lab, 0, path, CM80, &rx, &tx);
        CHECK_INT(lab_set(&lab, &set), 0);
        phone_send(&lab, 0, false, p, len);
        await_drops(&lab, 0, GH_DROP_REPLAYED, 2);
        check_flows(&lab, 0, false);
        CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_PROVEN, 2), 2);
        LAB_END(&lab);
    }
}

/* A phone that moves, is held and taken back under its key: ROC, windows and SSRCs go on, both ways. */
static void nothing_else_touches_a_key(void)
{
    for (int i = 0; i < 4; i++) {
        enum gh_suite suite = i % 2 ? GCM : CM80;
        enum gh_path path = i / 2 ? GH_PATH_PASS : GH_PATH_BRIDGE;
        struct gh_secret rx = lab_key(suite, 1), tx = lab_key(suite, i / 2 ? 2 : 3);
        struct lab lab;
        struct gh_media_set set;
        uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
        size_t len;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, path, suite, suite);
        for (int s = 0; s < 2; s++) { /* into ROC 2, a to b and b to a */
            for (int k = 0; k < 6; k++) {
                check_flows(&lab, s, false);
                lab.phones[s].seq = (uint16_t)(lab.phones[s].seq + 29999);
            }
            check_flows(&lab, s, true);
        }
        len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
        phone_send(&lab, 0, false, p, len);
        CHECK(phone_receive(&lab, 1, false, got) > 0);
        for (int k = 0; k < 3; k++) {
            if (k == 0) {
                phone_moves(&lab, 0, false, NULL);
                phone_moves(&lab, 0, true, NULL);
            }
            set = lab_side(&lab, 0, path, suite, &rx, &tx);
            set.may_send = set.may_receive = k != 1;
            CHECK_INT(lab_set(&lab, &set), 0);
        }
        phone_send(&lab, 0, false, p, len);
        await_drops(&lab, 0, GH_DROP_REPLAYED, 1);
        for (int k = 0; k < 8; k++) /* the phones' own contexts are the old ones: another ROC or SSRC would show */
            check_flows(&lab, k % 2, k / 2 % 2);
        LAB_END(&lab);
    }
}

/* What a is to declare anew does not touch what we send to a; nor the other way. */
static void a_new_key_is_of_one_direction(void)
{
    for (int ours = 0; ours < 2; ours++) {
        struct lab lab;
        struct gh_media_set set;
        uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
        size_t len;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
        for (int k = 0; k < 6; k++) {
            check_flows(&lab, ours, false); /* ours: from b, so that our key to a is in ROC 2 */
            lab.phones[ours].seq = (uint16_t)(lab.phones[ours].seq + 29999);
        }
        len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
        phone_send(&lab, 0, false, p, len);
        CHECK(phone_receive(&lab, 1, false, got) > 0);
        if (ours)
            set = bridged(&lab, 0, CM80, 70, 3);
        else
            set = bridged(&lab, 0, CM80, 1, 60);
        CHECK_INT(lab_set(&lab, &set), 0);
        if (ours) {
            check_flows(&lab, 1, false);
            check_flows(&lab, 1, true);
        } else {
            phone_send(&lab, 0, false, p, len);
            await_drops(&lab, 0, GH_DROP_REPLAYED, 1);
            check_flows(&lab, 0, false);
            check_flows(&lab, 0, true);
        }
        LAB_END(&lab);
    }
}

/* Plain RTP has no key that would tell one source from the next: the address does. */
static void another_plain_source_gets_a_fresh_ssrc(void)
{
    struct lab lab;
    struct gh_media_set set;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    uint32_t names[3];

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, GH_SUITE_NONE, GCM);
    for (int i = 0; i < 3; i++) {
        size_t len;

        if (i == 2)
            phone_moves(&lab, 0, false, NULL);
        if (i) { /* the same address again, then another; the sequence goes on all the while */
            set = lab_side(&lab, 0, GH_PATH_BRIDGE, GH_SUITE_NONE, NULL, NULL);
            CHECK_INT(lab_set(&lab, &set), 0);
        }
        phone_send(&lab, 0, false, p, make_rtp(&lab.phones[0], p, 0, 160));
        len = phone_receive(&lab, 1, false, p);
        CHECK_INT(gh_srtp_rx_open(lab.phones[1].rx, p, &len, false), 0);
        CHECK_INT(gh_get16(p + 2), lab.phones[0].seq - 1);
        CHECK_INT(gh_get32(p + 4), 160 * (lab.phones[0].seq - 1));
        names[i] = gh_get32(p + 8);
    }
    CHECK_INT(names[0], lab.phones[0].ssrc);
    CHECK_INT(names[1], names[0]);
    CHECK(names[2] != names[0]);
    LAB_END(&lab);
}

static void old_and_new_key_overlap(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        enum gh_suite suite = (enum gh_suite)s;
        struct lab lab;
        struct gh_secret next = lab_key(suite, 50), tx = lab_key(suite, 3);
        struct gh_srtp_tx *old, *new = NULL;
        struct gh_media_set set;
        uint8_t p[PKT_MAX] __attribute__((aligned(8)));
        size_t len;
        uint64_t failed = 0, until = uv_hrtime() + AWAIT_MS * 1000000ULL;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_BRIDGE, suite, CM80);
        check_flows(&lab, 0, false);
        set = lab_side(&lab, 0, GH_PATH_BRIDGE, suite, &next, &tx);
        CHECK_INT(lab_set(&lab, &set), 0);
        old = lab.phones[0].tx;
        CHECK_INT(gh_srtp_tx_new(&new, suite, &next), 0);
        CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_PROVEN, 1), 1);
        check_flows(&lab, 0, false); /* still under the old one, which proves nothing now */
        lab_barrier(&lab);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_PROVEN), 1);
        /* Under the new one, with a fresh SSRC towards b: the source changed. */
        lab.phones[0].tx = new;
        len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
        phone_send(&lab, 0, false, p, len);
        len = phone_receive(&lab, 1, false, p);
        CHECK_INT(gh_srtp_rx_open(lab.phones[1].rx, p, &len, false), 0);
        CHECK(gh_get32(p + 8) != lab.phones[0].ssrc);
        CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_PROVEN, 2), 2);
        lab.phones[0].tx = old;
        check_flows(&lab, 0, false);
        if (s == GH_SUITE_NONE + 1) {
            /* The old one ends, a second after the new one was first used: then its packets fail. */
            do {
                uint64_t rx_pkts = counters_of(&lab, 0).rx_pkts;

                len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 96, 47), false);
                phone_send(&lab, 0, false, p, len);
                while (counters_of(&lab, 0).rx_pkts == rx_pkts)
                    uv_run(lab.loop, UV_RUN_NOWAIT);
                failed = counters_of(&lab, 0).drops[GH_DROP_AUTH_FAILED];
            } while (!failed && uv_hrtime() < until);
            CHECK(failed > 0);
        }
        gh_srtp_tx_free(new);
        LAB_END(&lab);
    }
}

/* The far side re-keys in `pass`: the octets go on, and what is late under the old key as well. */
static void pass_follows_a_new_key(void)
{
    struct lab lab;
    struct gh_secret next = lab_key(CM80, 50), b = lab_key(CM80, 2);
    struct gh_media_set sets[2];
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), late[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
    struct gh_srtp_tx *new = NULL;
    size_t len, late_len;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
    check_flows(&lab, 0, false);
    late_len = phone_seal(&lab.phones[0], late, make_rtp(&lab.phones[0], late, 0, 160), false);
    sets[0] = lab_side(&lab, 0, GH_PATH_PASS, CM80, &next, &b);
    sets[1] = lab_side(&lab, 1, GH_PATH_PASS, CM80, &b, &next);
    CHECK_INT(gh_media_set_both(lab.media, sets), 0);
    lab_barrier(&lab);
    CHECK_INT(gh_srtp_tx_new(&new, CM80, &next), 0);
    gh_srtp_tx_free(lab.phones[0].tx);
    lab.phones[0].tx = new;
    len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
    phone_send(&lab, 0, false, p, len);
    CHECK_INT(phone_receive(&lab, 1, false, got), len);
    CHECK(memcmp(got, p, len) == 0);
    phone_send(&lab, 0, false, late, late_len);
    CHECK_INT(phone_receive(&lab, 1, false, got), late_len);
    CHECK(memcmp(got, late, late_len) == 0);
    LAB_END(&lab);
}

/* From `pass` to `bridge` under the same receiving key, as when the far side takes another suite. */
static void pass_becomes_bridge(void)
{
    struct lab lab;
    struct gh_secret a = lab_key(CM80, 1), to_a = lab_key(CM80, 30), b = lab_key(GCM, 40), to_b = lab_key(GCM, 41);
    struct gh_media_set sets[2];
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
    size_t len;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
    len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
    phone_send(&lab, 0, false, p, len);
    phone_receive(&lab, 1, false, got);
    sets[0] = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &a, &to_a);
    sets[1] = lab_side(&lab, 1, GH_PATH_BRIDGE, GCM, &b, &to_b);
    CHECK_INT(gh_media_set_both(lab.media, sets), 0);
    lab_barrier(&lab);
    phone_send(&lab, 0, false, p, len);
    await_drops(&lab, 0, GH_DROP_REPLAYED, 1);
    for (int s = 0; s < 2; s++) {
        gh_srtp_rx_free(lab.phones[s].rx);
        CHECK_INT(gh_srtp_rx_new(&lab.phones[s].rx, s ? GCM : CM80, s ? &to_b : &to_a, false), 0);
    }
    gh_srtp_tx_free(lab.phones[1].tx);
    CHECK_INT(gh_srtp_tx_new(&lab.phones[1].tx, GCM, &b), 0);
    for (int i = 0; i < 8; i++)
        check_flows(&lab, i % 2, i / 2 % 2);
    LAB_END(&lab);
}

/* ---- ROC --------------------------------------------------------------------------------------- */

/* Leaps of less than 2^15: into ROC 2 with six packets. */
static void flow_into_roc_2(struct lab *lab)
{
    for (int i = 0; i < 6; i++) {
        check_flows(lab, 0, false);
        lab->phones[0].seq = (uint16_t)(lab->phones[0].seq + 29999);
    }
}

static void our_new_key_keeps_or_resets_the_roc(void)
{
    for (int i = 0; i < 4; i++) {
        bool keep = i % 2;
        enum gh_suite suite = i / 2 ? GCM : CM80;
        struct lab lab;
        struct gh_media_set set;
        struct gh_srtp_rx *fresh = new_rx(suite, 60), *heir = new_rx(suite, 60);
        uint8_t p[PKT_MAX] __attribute__((aligned(8))), copy[PKT_MAX] __attribute__((aligned(8)));
        size_t len, copy_len;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_BRIDGE, CM80, suite);
        flow_into_roc_2(&lab);
        set = bridged(&lab, 1, suite, 2, 60);
        set.roc_keep = keep;
        CHECK_INT(lab_set(&lab, &set), 0);
        CHECK_INT(gh_srtp_rx_inherit(heir, lab.phones[1].rx), 0);
        len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
        phone_send(&lab, 0, false, p, len);
        copy_len = len = phone_receive(&lab, 1, false, p);
        memcpy(copy, p, len);
        CHECK_INT(gh_get32(p + 8), lab.phones[0].ssrc);
        CHECK_INT(gh_srtp_rx_open(fresh, copy, &copy_len, false), keep ? GH_EAUTH : 0);
        CHECK_INT(gh_srtp_rx_open(heir, p, &len, false), 0);
        gh_srtp_rx_free(lab.phones[1].rx);
        lab.phones[1].rx = heir;
        check_flows(&lab, 0, false);
        check_flows(&lab, 0, true);
        check_flows(&lab, 1, false);
        gh_srtp_rx_free(fresh);
        LAB_END(&lab);
    }
}

/* Whatever roc_keep says of us: the peer does what it does. */
static void a_peers_new_key_may_do_either(void)
{
    for (int i = 0; i < 8; i++) {
        bool keeps = i % 2;
        enum gh_suite suite = i / 2 % 2 ? GCM : CM80;
        struct lab lab;
        struct gh_media_set set;
        struct gh_srtp_tx *next = new_tx(suite, 70);

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_BRIDGE, suite, CM80);
        flow_into_roc_2(&lab);
        set = bridged(&lab, 0, suite, 70, 3);
        set.roc_keep = i / 4;
        CHECK_INT(lab_set(&lab, &set), 0);
        check_flows(&lab, 0, false); /* the old key, still */
        if (keeps)
            gh_srtp_tx_continue(next, lab.phones[0].tx);
        gh_srtp_tx_free(lab.phones[0].tx);
        lab.phones[0].tx = next;
        for (int k = 0; k < 3; k++)
            flows_renamed(&lab, false);
        lab_barrier(&lab);
        CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_AUTH_FAILED], 0);
        LAB_END(&lab);
    }
}

/* ---- proof and lifetime ------------------------------------------------------------------------------- */

static void the_newest_proven_generation_is_told(void)
{
    struct lab lab;
    struct gh_media_set set;
    struct gh_srtp_tx *old, *next = new_tx(CM80, 70);

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    CHECK_INT(counters_of(&lab, 0).proven_generation, 0);
    set = bridged(&lab, 0, CM80, 1, 3); /* generation 2, the same key */
    CHECK_INT(lab_set(&lab, &set), 0);
    set = bridged(&lab, 0, CM80, 70, 3); /* generation 3 */
    CHECK_INT(lab_set(&lab, &set), 0);
    CHECK_INT(counters_of(&lab, 0).proven_generation, 0);
    flows_renamed(&lab, true); /* SRTCP proves as well; under the old key: of its last generation */
    lab_barrier(&lab);
    CHECK_INT(counters_of(&lab, 0).proven_generation, 2);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_PROVEN), 0);
    old = lab.phones[0].tx;
    lab.phones[0].tx = next;
    flows_renamed(&lab, true);
    CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_PROVEN, 1), 1);
    CHECK_INT(counters_of(&lab, 0).proven_generation, 3);
    lab.phones[0].tx = old;
    flows_renamed(&lab, true); /* late: takes nothing back */
    lab.phones[0].tx = next;
    gh_srtp_tx_free(old);
    lab_barrier(&lab);
    CHECK_INT(counters_of(&lab, 0).proven_generation, 3);
    CHECK_INT(counters_of(&lab, 1).proven_generation, 0);
    LAB_END(&lab);
}

static void a_lifetime_is_overrun_once(void)
{
    struct lab lab;
    struct gh_media_set set;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    set = bridged(&lab, 0, CM80, 1, 3);
    set.rx_lifetime_pkts = 4;
    CHECK_INT(lab_set(&lab, &set), 0);
    for (int i = 0; i < 4; i++) { /* four of each: the lifetime is for SRTP and for SRTCP */
        flows_renamed(&lab, false);
        flows_renamed(&lab, true);
    }
    lab_barrier(&lab);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LIFETIME), 0);
    flows_renamed(&lab, true);
    CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_LIFETIME, 1), 1);
    flows_renamed(&lab, false);
    flows_renamed(&lab, true); /* marked, not stopped */
    lab_barrier(&lab);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LIFETIME), 1);
    set = bridged(&lab, 0, CM80, 70, 3); /* a new key has a life of its own */
    set.rx_lifetime_pkts = 4;
    CHECK_INT(lab_set(&lab, &set), 0);
    flows_renamed(&lab, false); /* under the old key still */
    gh_srtp_tx_free(lab.phones[0].tx);
    lab.phones[0].tx = new_tx(CM80, 70);
    flows_renamed(&lab, true);
    lab_barrier(&lab);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LIFETIME), 1);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(the_same_key_keeps_its_state);
    RUN(nothing_else_touches_a_key);
    RUN(a_new_key_is_of_one_direction);
    RUN(another_plain_source_gets_a_fresh_ssrc);
    RUN(old_and_new_key_overlap);
    RUN(pass_follows_a_new_key);
    RUN(pass_becomes_bridge);
    RUN(our_new_key_keeps_or_resets_the_roc);
    RUN(a_peers_new_key_may_do_either);
    RUN(the_newest_proven_generation_is_told);
    RUN(a_lifetime_is_overrun_once);
    return CHECK_REPORT();
}
