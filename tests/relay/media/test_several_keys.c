/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A side that declared several keys at a time: each packet names its own by an MKI.  What goes on to the other side is
 * looked at over sockets; how keys come and go is in test_several_keys_time.c.
 */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "support_bare.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, GCM = GH_AEAD_AES_128_GCM;

#define KEYS_MAX GH_MEDIA_RX_KEYS_MAX

/* ---- the key that it names, and no other ----------------------------------------------------------------- */

static void each_under_its_own(void)
{
    static const uint8_t order[] = { 1, 2, 2, 1, 3, 1, 4, 3, 2 };

    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        bare_begin((enum gh_suite)s);
        bare_set_a(SEEDS(1, 2, 3, 4), 0);
        for (size_t i = 0; i < sizeof(order); i++) {
            for (int rtcp = 0; rtcp < 2; rtcp++) {
                struct sealed packet = bare_seal(order[i], order[i], rtcp);

                CHECK(bare_is_accepted(bare_arrives(&packet, rtcp, 0)));
                CHECK_INT(bare_arrives(&packet, rtcp, 0), REPLAYED);
            }
        }
        CHECK_INT(bare_told(GH_MEDIA_EVENT_PROVEN), 1);
        BARE_END();
    }
}

static void never_under_another(void)
{
    /* key, MKI; 0: none */
    static const uint8_t rows[][2] = { { 1, 2 }, { 2, 1 }, { 3, 1 }, { 1, 0 }, { 2, 0 }, { 1, 9 },
                                       { 9, 9 }, { 9, 1 }, { 9, 2 } };

    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        bare_begin((enum gh_suite)s);
        bare_set_a(SEEDS(1, 2, 3), 0);
        for (int rtcp = 0; rtcp < 2; rtcp++) {
            for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sealed packet = bare_seal(rows[i][0], rows[i][1], rtcp);
                struct gh_media_mki mki = bare_mki(rows[i][0]), longer = { 3, { 0xa0, 1, 0 } };
                int end_of = bare_arrives(&packet, rtcp, 0);

                /* Of a report the number is looked at before the tag. */
                if (!CHECK(end_of == REFUSED || (rtcp && end_of == REPLAYED)))
                    fprintf(stderr, "  key %d, MKI %d\n", rows[i][0], rows[i][1]);
                if (rows[i][1])
                    continue;
                packet = bare_seal(rows[i][0], 0, rtcp);
                bare_name(&packet, rtcp, &longer);
                CHECK_INT(bare_arrives(&packet, rtcp, 0), REFUSED);
                /* Nothing of it has spoiled the key. */
                packet = bare_seal(rows[i][0], 0, rtcp);
                bare_name(&packet, rtcp, &mki);
                CHECK(bare_is_accepted(bare_arrives(&packet, rtcp, 0)));
            }
        }
        BARE_END();
    }
}

/* What came under one key and is called another's is no packet of that one. */
static void a_replay_under_another_name(void)
{
    for (int i = 0; i < 2; i++) {
        struct sealed first, renamed;
        struct gh_media_mki two = bare_mki(2);

        bare_begin(i ? GCM : CM80);
        bare_set_a(SEEDS(1, 2), 0);
        first = bare_seal(1, 0, false);
        renamed = first;
        bare_name(&renamed, false, &two);
        CHECK_INT(bare_arrives(&renamed, false, 0), REFUSED);
        bare_name(&first, false, &(struct gh_media_mki){ 2, { 0xa0, 1 } });
        CHECK_INT(bare_arrives(&first, false, 0), ACCEPTED);
        CHECK_INT(bare_arrives(&renamed, false, 0), REFUSED);
        CHECK_INT(bare_arrives(&first, false, 0), REPLAYED);
        BARE_END();
    }
}

static void every_cut(void)
{
    for (int i = 0; i < 4; i++) {
        bool rtcp = i % 2;
        struct sealed packet, cut;

        bare_begin(i / 2 ? GCM : CM80);
        bare_set_a(SEEDS(1, 2, 3), 0);
        packet = bare_seal(3, 3, rtcp);
        for (cut = packet; cut.len-- > 0;) {
            int end_of = bare_arrives(&cut, rtcp, 0);

            CHECK(end_of == REFUSED || end_of == GH_DROP_MALFORMED || end_of == GH_DROP_PLAIN_ON_SRTP);
        }
        CHECK(bare_is_accepted(bare_arrives(&packet, rtcp, 0)));
        BARE_END();
    }
}

/* ---- ROC and numbers ------------------------------------------------------------------------------------- */

/* A source that goes from key to key and round its sequence numbers: a key that was left behind is still good. */
static void the_roc_goes_on(void)
{
    for (int i = 0; i < 4; i++) {
        uint64_t accepted = 0;

        bare_begin(i % 2 ? GCM : CM80);
        bare_set_a(SEEDS(1, 2, 3), 0);
        if (i / 2) /* under 2 it has been before, under 3 never */
            accepted += bare_sends(2, 0) == ACCEPTED;
        for (int k = 0; k < 12; k++) { /* into ROC 5 */
            accepted += bare_sends(1, 0) == ACCEPTED;
            bare.phone.seq = (uint16_t)(bare.phone.seq + 29999);
        }
        for (uint8_t seed = 2; seed <= 3; seed++) {
            struct sealed old = bare_seal(seed, seed, false);

            accepted += bare_arrives(&old, false, 0) == ACCEPTED;
            CHECK_INT(bare_arrives(&old, false, 0), REPLAYED);
            for (int k = 0; k < 3; k++) {
                accepted += bare_sends(seed, 0) == ACCEPTED;
                bare.phone.seq = (uint16_t)(bare.phone.seq + 29999);
            }
        }
        for (uint8_t seed = 1; seed <= 3; seed++)
            accepted += bare_sends(seed, 0) == ACCEPTED;
        CHECK_INT(accepted, 23 + i / 2);
        BARE_END();
    }
}

/* A peer that counts ROCs of its own for each key.  What somebody forges between leaves no ROC behind that was guessed. */
static void a_roc_for_each_key(void)
{
    for (int i = 0; i < 2; i++) {
        struct gh_secret key;
        struct gh_srtp_tx *first, *second = NULL;
        struct sealed packet, forged;
        int accepted = 0;

        bare_begin(i ? GCM : CM80);
        key = lab_key(bare.suite, 2);
        CHECK_INT(gh_srtp_tx_new(&second, bare.suite, &key), 0);
        bare_set_a(SEEDS(1, 2), 0);
        for (int k = 0; k < 5; k++) {
            accepted += bare_sends(1, 0) == ACCEPTED;
            bare.phone.seq = (uint16_t)(bare.phone.seq + 29999);
        }
        first = bare.phone.tx;
        for (int k = 0; k < 8; k++) {
            bare.phone.tx = k % 2 ? first : second;
            bare.phone_key = k % 2 ? 1 : 2;
            packet = bare_seal(bare.phone_key, bare.phone_key, false);
            forged = packet;
            forged.p[20] ^= 1;
            CHECK_INT(bare_arrives(&forged, false, 0), REFUSED);
            accepted += bare_arrives(&packet, false, 0) == ACCEPTED;
        }
        CHECK_INT(accepted, 13);
        bare.phone.tx = first;
        gh_srtp_tx_free(second);
        BARE_END();
    }
}

/* An index above all others: what is held back under one key does not become news while another is in use. */
static void newest_over_all_keys(void)
{
    for (int rtcp = 0; rtcp < 2; rtcp++) {
        struct gh_side *side = &bare.stream.sides[0];
        struct sealed held[3], now;

        bare_begin(CM80);
        bare_set_a(SEEDS(1, 2), 0);
        now = bare_seal(1, 1, rtcp);
        CHECK(bare_is_accepted(bare_arrives(&now, rtcp, 0)));
        CHECK(gh_side_is_newest(side, side->rx, rtcp));
        for (int i = 0; i < 3; i++)
            held[i] = bare_seal(1, 1, rtcp);
        for (int i = 0; i < 5; i++) /* reports are numbered for each key by itself here */
            now = bare_seal(2, 2, rtcp);
        CHECK(bare_is_accepted(bare_arrives(&now, rtcp, 0)));
        CHECK(gh_side_is_newest(side, side->rx_names->more[0].rx, rtcp));
        for (int i = 0; i < 3; i++) { /* they go on, but nobody moves by them */
            CHECK(bare_is_accepted(bare_arrives(&held[i], rtcp, 0)));
            CHECK(gh_srtp_rx_is_newest(side->rx));
            CHECK(!gh_side_is_newest(side, side->rx, rtcp));
        }
        BARE_END();
    }
}

/* ---- lifetimes ------------------------------------------------------------------------------------------- */

static void each_has_its_lifetime(void)
{
    for (uint8_t turn = 0; turn < 6; turn++) {
        uint8_t short_one = (uint8_t)(1 + turn % 3);

        bare_begin(CM80);
        bare.lifetimes[1] = bare.lifetimes[3] = turn < 3 ? 0 : 10; /* 2: none but for its turn */
        bare.lifetimes[short_one] = 2;
        bare_set_a(SEEDS(1, 2, 3), 0);
        for (int k = 0; k < 2; k++) {
            for (uint8_t seed = 1; seed <= 3; seed++)
                CHECK_INT(bare_sends(seed, 0), ACCEPTED);
        }
        CHECK_INT(bare_told(GH_MEDIA_EVENT_LIFETIME), 0);
        for (uint8_t seed = 1; seed <= 3; seed++) {
            CHECK_INT(bare_sends(seed, 0), ACCEPTED);
            CHECK_INT(bare_told(GH_MEDIA_EVENT_LIFETIME), seed == short_one);
        }
        BARE_END();
    }
}

/* ---- over sockets ---------------------------------------------------------------------------------------- */

/* @return the SSRC that it has at b */
static uint32_t crosses(struct lab *lab, struct gh_srtp_tx *tx, uint8_t named, bool rtcp)
{
    struct phone *a = &lab->phones[0];
    struct gh_media_mki mki = bare_mki(named);
    struct sealed packet;
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), plain[PKT_MAX];
    size_t plain_len = rtcp ? make_rtcp(a, plain) : make_rtp(a, plain, 111, 75), len;

    a->tx = tx;
    memcpy(p, plain, plain_len);
    packet.len = phone_seal(a, p, plain_len, rtcp);
    memcpy(packet.p, p, packet.len);
    bare_name(&packet, rtcp, &mki);
    phone_send(lab, 0, rtcp, packet.p, packet.len);
    len = phone_receive(lab, 1, rtcp, p);
    CHECK_INT(gh_srtp_rx_open(lab->phones[1].rx, p, &len, rtcp), 0);
    CHECK_INT(len, plain_len);
    CHECK(memcmp(p + 12, plain + 12, len - 12) == 0);
    return gh_get32(p + (rtcp ? 4 : 8));
}

/* To b they are one source, whichever key they came under. */
static void one_source_to_the_other_side(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        struct gh_secret tx = lab_key((enum gh_suite)s, 3), keys[2];
        struct gh_srtp_tx *under[2] = { NULL, NULL }, *before;
        struct gh_media_set set;
        struct lab lab;

        if (!lab_start(&lab, 4, 0))
            return;
        bare.suite = (enum gh_suite)s;
        lab_secure(&lab, GH_PATH_BRIDGE, bare.suite, CM80);
        before = lab.phones[0].tx;
        for (int i = 0; i < 2; i++) {
            keys[i] = lab_key(bare.suite, (uint8_t)(1 + 10 * i));
            CHECK_INT(gh_srtp_tx_new(&under[i], bare.suite, &keys[i]), 0);
        }
        set = lab_side(&lab, 0, GH_PATH_BRIDGE, bare.suite, NULL, &tx);
        bare_declare(&set, bare.suite, SEEDS(1, 11));
        CHECK_INT(lab_set(&lab, &set), 0);
        CHECK(set.rx_more == NULL);
        for (int k = 0; k < 12; k++)
            CHECK_INT(crosses(&lab, under[k / 2 % 2], k / 2 % 2 ? 11 : 1, k % 2), lab.phones[0].ssrc);
        CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_AUTH_FAILED], 0);
        CHECK_INT(counters_of(&lab, 0).authenticated, 12);
        lab.phones[0].tx = before;
        gh_srtp_tx_free(under[0]);
        gh_srtp_tx_free(under[1]);
        LAB_END(&lab);
    }
}

static void sets_that_make_no_sense(void)
{
    enum fault { NO_MKI, NO_FIRST_MKI, NO_FIRST_KEY, MKI_TWICE, MKI_TWICE_BEHIND, LENGTHS, KEY_TWICE, KEY_TWICE_BEHIND,
                 NO_KEY, LENGTH_OF_KEY, PASSES, PLAIN, TOO_MANY, FAULTS };
    struct lab lab;

    if (!lab_start(&lab, 4, 0))
        return;
    for (enum fault fault = NO_MKI; fault <= FAULTS; fault++) {
        struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, OURS);
        struct gh_media_set set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
        struct gh_media_key *more;

        bare_declare(&set, CM80, SEEDS(1, 2, 3));
        more = set.rx_more->keys;
        more[1].mki.len = fault == NO_MKI ? 0 : fault == LENGTHS ? 1 : 2;
        set.rx_mki.len = fault == NO_FIRST_MKI ? 0 : 2;
        set.rx_key.len = fault == NO_FIRST_KEY ? 0 : set.rx_key.len;
        if (fault == MKI_TWICE || fault == MKI_TWICE_BEHIND)
            more[1].mki = fault == MKI_TWICE ? set.rx_mki : more[0].mki;
        if (fault == KEY_TWICE || fault == KEY_TWICE_BEHIND)
            more[1].key = fault == KEY_TWICE ? set.rx_key : more[0].key;
        if (fault == NO_KEY || fault == LENGTH_OF_KEY)
            more[1].key.len = (uint8_t)(fault == NO_KEY ? 0 : more[1].key.len - 1);
        set.path = fault == PASSES ? GH_PATH_PASS : fault == PLAIN ? GH_PATH_CLEAR : GH_PATH_BRIDGE;
        set.suite = fault == PLAIN ? GH_SUITE_NONE : CM80;
        set.rx_more->count = fault == TOO_MANY ? KEYS_MAX : 2;
        CHECK_INT(lab_set(&lab, &set), fault == FAULTS ? 0 : GH_EINVAL);
        CHECK(set.rx_more == NULL);
    }
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(each_under_its_own);
    RUN(never_under_another);
    RUN(a_replay_under_another_name);
    RUN(every_cut);
    RUN(the_roc_goes_on);
    RUN(a_roc_for_each_key);
    RUN(newest_over_all_keys);
    RUN(each_has_its_lifetime);
    RUN(one_source_to_the_other_side);
    RUN(sets_that_make_no_sense);
    return CHECK_REPORT();
}
