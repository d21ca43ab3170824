/* SPDX-License-Identifier: Apache-2.0 */
/* Packets with a master key identifier: where it stands, which one it must be, and when keys
 * change. */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80;

static struct gh_media_mki mki_of(uint8_t len, uint8_t seed)
{
    struct gh_media_mki mki = { .len = len };

    for (int i = 0; i < len; i++)
        mki.octets[i] = (uint8_t)(seed + i);
    return mki;
}

/* RFC 3711 section 3.1: before the tag.  RFC 7714 sections 8.1 and 9: at the end. */
static size_t insert(uint8_t *p, size_t len, enum gh_suite suite, bool rtcp,
                     const struct gh_media_mki *mki)
{
    const struct gh_suite_info *info = gh_suite_info(suite);
    size_t behind = info->aead ? 0 : rtcp ? info->rtcp_tag_len : info->tag_len;

    memmove(p + len - behind + mki->len, p + len - behind, behind);
    memcpy(p + len - behind, mki->octets, mki->len);
    return len + mki->len;
}

/* The other way round.  @return 0: it is not there */
static size_t take_out(uint8_t *p, size_t len, enum gh_suite suite, bool rtcp,
                       const struct gh_media_mki *mki)
{
    const struct gh_suite_info *info = gh_suite_info(suite);
    size_t behind = info->aead ? 0 : rtcp ? info->rtcp_tag_len : info->tag_len;
    uint8_t *at = p + len - behind - mki->len;

    CHECK(len > behind + mki->len);
    if (len <= behind + mki->len || memcmp(at, mki->octets, mki->len) != 0)
        return 0;
    memmove(at, at + mki->len, behind);
    return len - mki->len;
}

/* a declared key 1 with @mki; all else as lab_secure had it. */
static int declare(struct lab *lab, enum gh_suite suite, uint8_t seed,
                   const struct gh_media_mki *mki)
{
    struct gh_secret rx = lab_key(suite, seed), tx = lab_key(suite, 3);
    struct gh_media_set set = lab_side(lab, 0, GH_PATH_BRIDGE, suite, &rx, &tx);

    set.rx_mki = *mki;
    return lab_set(lab, &set);
}

static void sends(struct lab *lab, enum gh_suite suite, bool rtcp, const struct gh_media_mki *mki,
                  uint8_t *p)
{
    struct phone *a = &lab->phones[0];
    size_t len = phone_seal(a, p, rtcp ? make_rtcp(a, p) : make_rtp(a, p, 111, 75), rtcp);

    phone_send(lab, 0, rtcp, p, insert(p, len, suite, rtcp, mki));
}

/* @return whether it came to b whole: its fourth octet and on, for the SSRC may be another */
static void arrives(struct lab *lab, enum gh_suite suite, bool rtcp, const struct gh_media_mki *mki)
{
    struct phone *a = &lab->phones[0], peek = *a;
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), plain[PKT_MAX];
    size_t want = rtcp ? make_rtcp(&peek, plain) : make_rtp(&peek, plain, 111, 75), len;

    sends(lab, suite, rtcp, mki, p);
    len = phone_receive(lab, 1, rtcp, p);
    CHECK_INT(gh_srtp_rx_open(lab->phones[1].rx, p, &len, rtcp), 0);
    CHECK_INT(len, want);
    CHECK(memcmp(p + 12, plain + 12, len - 12) == 0);
}

static void every_suite_and_length(void)
{
    static const uint8_t lens[] = { 1, 2, 4, 127, 128 };

    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        struct lab lab;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_BRIDGE, (enum gh_suite)s, CM80);
        for (size_t i = 0; i < sizeof(lens); i++) {
            struct gh_media_mki mki = mki_of(lens[i], (uint8_t)(40 + i));

            CHECK_INT(declare(&lab, (enum gh_suite)s, 1, &mki), 0);
            for (int k = 0; k < 4; k++)
                arrives(&lab, (enum gh_suite)s, k % 2, &mki);
        }
        CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_AUTH_FAILED], 0);
        LAB_END(&lab);
    }
}

static void another_one_or_none_is_not_authentic(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        enum gh_suite suite = (enum gh_suite)s;
        struct gh_media_mki mki = mki_of(4, 1), other = mki_of(4, 2), none = mki_of(0, 0),
                            longer = mki_of(5, 1);
        const struct gh_media_mki *wrong[] = { &other, &none, &longer };
        struct lab lab;
        uint8_t p[PKT_MAX] __attribute__((aligned(8)));
        uint64_t failed = 0;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_BRIDGE, suite, CM80);
        CHECK_INT(declare(&lab, suite, 1, &mki), 0);
        for (int i = 0; i < 6; i++) {
            sends(&lab, suite, i / 3, wrong[i % 3], p);
            await_drops(&lab, 0, GH_DROP_AUTH_FAILED, ++failed);
        }
        arrives(&lab, suite, false, &mki);
        arrives(&lab, suite, true, &mki);
        CHECK_INT(counters_of(&lab, 0).authenticated, 2);
        LAB_END(&lab);
    }
}

static void every_cut(void)
{
    for (int i = 0; i < 4; i++) {
        enum gh_suite suite = i / 2 ? GH_AEAD_AES_128_GCM : CM80;
        struct gh_media_mki mki = mki_of(4, 1);
        struct lab lab;
        uint8_t p[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
        bool rtcp = i % 2;
        size_t len;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_BRIDGE, suite, CM80);
        CHECK_INT(declare(&lab, suite, 1, &mki), 0);
        len = phone_seal(&lab.phones[0], p,
                         rtcp ? make_rtcp(&lab.phones[0], p) : make_rtp(&lab.phones[0], p, 111, 20),
                         rtcp);
        len = insert(p, len, suite, rtcp, &mki);
        for (size_t cut = 0; cut <= len; cut++)
            phone_send(&lab, 0, rtcp, p, cut);
        CHECK(phone_receive(&lab, 1, rtcp, got) > 0);
        lab_barrier(&lab);
        CHECK_INT(counters_of(&lab, 0).authenticated, 1);
        CHECK_INT(counters_of(&lab, 0).rx_pkts, len + 1);
        LAB_END(&lab);
    }
}

/* A new key with another MKI, or without one, and the old one beside it for its while. */
static void keys_change(void)
{
    for (int i = 0; i < 3; i++) {
        struct gh_media_mki first = mki_of(i == 1 ? 0 : 4, 1), second = mki_of(i == 2 ? 0 : 2, 9);
        struct gh_secret key = lab_key(CM80, 70);
        struct gh_srtp_tx *old, *next = NULL;
        struct lab lab;

        if (!lab_start(&lab, 4, 0))
            return;
        CHECK_INT(gh_srtp_tx_new(&next, CM80, &key), 0);
        lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
        CHECK_INT(declare(&lab, CM80, 1, &first), 0);
        arrives(&lab, CM80, false, &first);
        CHECK_INT(declare(&lab, CM80, 70, &second), 0);
        arrives(&lab, CM80, false, &first);
        old = lab.phones[0].tx;
        lab.phones[0].tx = next;
        arrives(&lab, CM80, false, &second);
        arrives(&lab, CM80, true, &second);
        lab.phones[0].tx = old;
        arrives(&lab, CM80, false, &first); /* late */
        lab.phones[0].tx = next;
        gh_srtp_tx_free(old);
        CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_AUTH_FAILED], 0);
        LAB_END(&lab);
    }
}

/* b's key of ours has an MKI: every packet to b has it. */
static void ours(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        enum gh_suite suite = (enum gh_suite)s;

        for (uint8_t len = 1; len <= GH_MEDIA_TX_MKI_MAX; len++) {
            struct gh_media_mki mki = mki_of(len, 0xa0);
            struct gh_secret rx = lab_key(suite, 2), tx = lab_key(suite, 4);
            struct gh_media_set set;
            struct lab lab;

            if (!lab_start(&lab, 4, 0))
                return;
            lab_secure(&lab, GH_PATH_BRIDGE, CM80, suite);
            set = lab_side(&lab, 1, GH_PATH_BRIDGE, suite, &rx, &tx);
            set.tx_mki = mki;
            CHECK_INT(lab_set(&lab, &set), 0);
            for (int k = 0; k < 6; k++) {
                struct phone *a = &lab.phones[0];
                uint8_t p[PKT_MAX] __attribute__((aligned(8))), plain[PKT_MAX];
                bool rtcp = k % 2;
                size_t plain_len = rtcp ? make_rtcp(a, plain) : make_rtp(a, plain, 111, 75), got;

                memcpy(p, plain, plain_len);
                phone_send(&lab, 0, rtcp, p, phone_seal(a, p, plain_len, rtcp));
                got = take_out(p, phone_receive(&lab, 1, rtcp, p), suite, rtcp, &mki);
                CHECK_INT(gh_srtp_rx_open(lab.phones[1].rx, p, &got, rtcp), 0);
                CHECK_INT(got, plain_len);
                CHECK(memcmp(p + 12, plain + 12, got - 12) == 0);
            }
            LAB_END(&lab);
        }
    }
}

/* A key that passed, and then is to have an MKI: its packets would come to b without one. */
static void nothing_passes_to_a_side_with_ours(void)
{
    struct gh_secret rx = lab_key(CM80, 2), tx = lab_key(CM80, 1);
    struct gh_media_set set;
    struct lab lab;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
    check_flows(&lab, 0, false);
    set = lab_side(&lab, 1, GH_PATH_PASS, CM80, &rx, &tx);
    set.tx_mki = mki_of(4, 1);
    CHECK_INT(lab_set(&lab, &set), 0);
    phone_send(&lab, 0, false, p,
               phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 111, 75), false));
    await_drops(&lab, 0, GH_DROP_NO_KEY_YET, 1);
    LAB_END(&lab);
}

static void sets_that_make_no_sense(void)
{
    struct lab lab;
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct gh_media_set set;

    if (!lab_start(&lab, 4, 0))
        return;
    set = lab_side(&lab, 0, GH_PATH_PASS, CM80, &rx, &tx);
    set.rx_mki = mki_of(4, 1);
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
    set.rx_mki = mki_of(4, 1);
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.rx_mki.len = GH_MEDIA_MKI_MAX + 1;
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.tx_mki = mki_of(GH_MEDIA_TX_MKI_MAX + 1, 1);
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(every_suite_and_length);
    RUN(another_one_or_none_is_not_authentic);
    RUN(every_cut);
    RUN(keys_change);
    RUN(ours);
    RUN(nothing_passes_to_a_side_with_ours);
    RUN(sets_that_make_no_sense);
    return CHECK_REPORT();
}
