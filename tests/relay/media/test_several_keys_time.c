/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a side that come, stay and go, several at a time.
 */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "support_bare.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, GCM = GH_AEAD_AES_128_GCM;

/* ---- keys over time -------------------------------------------------------------------------------------- */

static void one_goes_one_stays_one_comes(void)
{
    for (int i = 0; i < 2; i++) {
        struct sealed kept, gone;
        const struct gh_srtp_rx *second;

        bare_begin(i ? GCM : CM80);
        bare_set_a(SEEDS(1, 2), 0);
        second = bare.stream.sides[0].rx_names->more[0].rx;
        gone = bare_seal(1, 1, false);
        kept = bare_seal(2, 2, false);
        CHECK_INT(bare_arrives(&gone, false, 0), ACCEPTED);
        CHECK_INT(bare_arrives(&kept, false, 0), ACCEPTED);
        bare_set_a(SEEDS(2, 3), 5000);
        CHECK(bare.stream.sides[0].rx == second); /* never two contexts for one key */
        CHECK_INT(bare_arrives(&kept, false, 5000), REPLAYED);
        CHECK_INT(bare_arrives(&gone, false, 5000), REPLAYED);
        CHECK_INT(bare_sends(1, 5000 + GH_OLD_KEY_MS - 1), ACCEPTED);
        CHECK_INT(bare_sends(1, 5000 + GH_OLD_KEY_MS), REFUSED);
        CHECK_INT(bare_sends(2, 5000 + GH_OLD_KEY_MS), ACCEPTED);
        CHECK_INT(bare_sends(3, 5000 + GH_OLD_KEY_MS), ACCEPTED);
        BARE_END();
    }
}

static void old_ones_end_after_the_first_under_a_new_one(void)
{
    bare_begin(CM80);
    bare_set_a(SEEDS(1, 2), 0);
    bare_set_a(SEEDS(3, 4), 5000);
    CHECK_INT(bare_sends(4, 5300), ACCEPTED);
    CHECK_INT(bare_sends(1, 5300 + GH_OLD_KEY_AFTER_NEW_MS - 1), ACCEPTED);
    CHECK_INT(bare_sends(2, 5300 + GH_OLD_KEY_AFTER_NEW_MS - 1), ACCEPTED);
    CHECK_INT(bare_sends(2, 5300 + GH_OLD_KEY_AFTER_NEW_MS), REFUSED);
    CHECK_INT(bare_sends(1, 5300 + GH_OLD_KEY_AFTER_NEW_MS), REFUSED);
    CHECK_INT(bare_sends(3, 5300 + GH_OLD_KEY_AFTER_NEW_MS), ACCEPTED);
    BARE_END();
}

/* One MKI, two keys: the one in force and the one before. */
static void an_mki_is_used_again(void)
{
    for (int i = 0; i < 2; i++) {
        struct gh_media_set set = { .side = 0, .path = GH_PATH_BRIDGE };
        struct gh_media_mki two = bare_mki(2);
        struct sealed packet;

        bare_begin(i ? GCM : CM80);
        bare_set_a(SEEDS(1, 2), 0);
        CHECK_INT(bare_sends(2, 0), ACCEPTED);
        bare_declare(&set, bare.suite, SEEDS(1, 5));
        set.rx_more->keys[0].mki = two;
        bare_set(&set, 100);
        for (int k = 0; k < 2; k++) {
            CHECK_INT(bare_sends(2, 200), ACCEPTED);
            packet = bare_seal(5, 0, false);
            bare_name(&packet, false, &two);
            CHECK_INT(bare_arrives(&packet, false, 200), ACCEPTED);
        }
        CHECK_INT(bare_sends(2, 200 + GH_OLD_KEY_AFTER_NEW_MS), REFUSED);
        BARE_END();
    }
}

/* One key without an MKI becomes two with, and one again. */
static void from_one_to_several_and_back(void)
{
    struct gh_media_set one = { .side = 0, .path = GH_PATH_BRIDGE };
    struct sealed plain;
    const struct gh_srtp_rx *first;

    bare_begin(CM80);
    bare_declare(&one, bare.suite, SEEDS(1));
    one.rx_mki.len = 0;
    bare_set(&one, 0);
    CHECK(!bare.stream.sides[0].has_mki && !bare.stream.sides[0].rx_names);
    first = bare.stream.sides[0].rx;
    plain = bare_seal(1, 0, false);
    CHECK_INT(bare_arrives(&plain, false, 0), ACCEPTED);
    bare_set_a(SEEDS(2, 1), 0);
    plain = bare_seal(1, 0, false); /* it has an MKI now */
    CHECK_INT(bare_arrives(&plain, false, 0), REFUSED);
    CHECK_INT(bare_sends(1, 0), ACCEPTED);
    CHECK_INT(bare_sends(2, 0), ACCEPTED);
    CHECK(bare.stream.sides[0].rx_names->more[0].rx == first);
    bare_declare(&one, bare.suite, SEEDS(1));
    one.rx_mki.len = 0;
    bare_set(&one, 0);
    CHECK(bare.stream.sides[0].rx == first && !bare.stream.sides[0].rx_names);
    plain = bare_seal(1, 0, false);
    CHECK_INT(bare_arrives(&plain, false, 0), ACCEPTED);
    CHECK_INT(bare_sends(2, 100), ACCEPTED); /* old */
    CHECK_INT(bare_sends(2, GH_OLD_KEY_MS), REFUSED);
    CHECK(!bare.stream.sides[0].has_mki);
    BARE_END();
}

/* One key that was to pass becomes one of two on a bridge, before anything came under it. */
static void another_path(void)
{
    struct gh_media_set one = { .side = 0, .path = GH_PATH_PASS };
    struct sealed packet;

    bare_begin(CM80);
    bare_declare(&one, CM80, SEEDS(1));
    one.rx_mki.len = 0;
    bare_set(&one, 0);
    CHECK(bare.stream.sides[0].rx != NULL);
    bare_set_a(SEEDS(2, 1), 0);
    CHECK(!bare.stream.sides[0].old_rx);
    packet = bare_seal(1, 1, false);
    CHECK_INT(bare_arrives(&packet, false, 0), ACCEPTED);
    CHECK_INT(bare_arrives(&packet, false, 0), REPLAYED);
    CHECK_INT(bare_sends(2, 0), ACCEPTED);
    BARE_END();
}

/* The same keys once more, in any order: contexts, windows and what is old stay as they are. */
static void a_refresh(void)
{
    struct sealed packet;

    bare_begin(CM80);
    bare_set_a(SEEDS(9), 0);
    bare_set_a(SEEDS(1, 2, 3), 1000);
    packet = bare_seal(2, 2, false);
    CHECK_INT(bare_arrives(&packet, false, 1000), ACCEPTED);
    for (int i = 0; i < 2; i++) {
        const struct gh_rx_names *names = bare.stream.sides[0].rx_names;
        const struct gh_srtp_rx *was[] = { bare.stream.sides[0].rx, names->more[0].rx, names->more[1].rx };

        bare_set_a(i ? SEEDS(2, 3, 1) : SEEDS(1, 2, 3), 1500);
        CHECK(bare.stream.sides[0].rx == was[i ? 1 : 0]);
        CHECK(bare.stream.sides[0].rx_names->more[0].rx == was[i ? 2 : 1]);
        CHECK(bare.stream.sides[0].rx_names->more[1].rx == was[i ? 0 : 2]);
        CHECK_INT(bare_arrives(&packet, false, 1500), REPLAYED);
        CHECK_INT(bare_sends(9, 1500), ACCEPTED);
    }
    CHECK_INT(bare_told(GH_MEDIA_EVENT_PROVEN), 1);
    CHECK_INT(bare_sends(3, 1500), ACCEPTED); /* of this generation too */
    CHECK_INT(bare_told(GH_MEDIA_EVENT_PROVEN), 1);
    BARE_END();
}

/* Eight keys are kept beside those in force and the old ones; what was older is refused for good. */
static void the_shelf_holds_two_sets_of_four(void)
{
    struct sealed packet;

    bare_begin(CM80);
    bare_set_a(SEEDS(1, 2, 3, 4), 0);
    packet = bare_seal(4, 4, false);
    CHECK_INT(bare_arrives(&packet, false, 0), ACCEPTED);
    bare_set_a(SEEDS(11, 12, 13, 14), 0);
    bare_set_a(SEEDS(21, 22, 23, 24), 0);
    bare_set_a(SEEDS(31, 32, 33, 34), 0); /* 1 to 4 and 11 to 14 lie there */
    bare_set_a(SEEDS(5, 4), 0);
    CHECK_INT(bare_arrives(&packet, false, 0), REPLAYED);
    CHECK_INT(bare_sends(4, 0), ACCEPTED);
    CHECK_INT(bare_told(GH_MEDIA_EVENT_FAILED), 0);
    bare_set_a(SEEDS(41, 42, 43, 44), 0);
    bare_set_a(SEEDS(51, 52, 53, 54), 0);
    bare_set_a(SEEDS(61, 62, 63, 64), 0);
    bare_set_a(SEEDS(71, 1), 0);
    CHECK_INT(bare_told(GH_MEDIA_EVENT_FAILED), 1);
    CHECK_INT(bare.stream.sides[0].path, GH_PATH_NONE);
    CHECK_INT(bare_sends(71, 0), GH_DROP_NO_KEY_YET);
    bare_set_a(SEEDS(71, 61), 0);
    CHECK_INT(bare_sends(71, 0), ACCEPTED);
    CHECK_INT(bare_sends(61, 0), ACCEPTED);
    BARE_END();
}

/* Four new keys each 90 s for twelve hours; what comes back after hours is refused. */
static void a_long_call(void)
{
    struct gh_media_set set = { .side = 0, .path = GH_PATH_BRIDGE };

    bare_begin(CM80);
    for (unsigned hour = 0, change = 0; hour <= 12; hour++) {
        for (unsigned k = 0; k < 40; k++, change++) {
            bare_declare(&set, CM80, SEEDS(1, 2, 3, 4));
            set.rx_key.octets[0] = (uint8_t)change;
            set.rx_key.octets[1] = (uint8_t)(change >> 8);
            for (int i = 0; i < 3; i++)
                memcpy(set.rx_more->keys[i].key.octets, set.rx_key.octets, 2);
            bare_set(&set, change * 90000ULL);
            bare_told(GH_MEDIA_EVENT_FAILED);
        }
        CHECK_INT(bare.stream.sides[0].path, GH_PATH_BRIDGE);
    }
    bare_declare(&set, CM80, SEEDS(5, 4));
    memset(set.rx_more->keys[0].key.octets, 0, 2); /* of the first set */
    bare_set(&set, 50000000);
    CHECK_INT(bare.stream.sides[0].path, GH_PATH_NONE);
    BARE_END();
}

/* A key that stood still on the shelf, or beside another, while the source went round. */
static void a_key_comes_back_after_a_roll_over(void)
{
    for (int i = 0; i < 2; i++) {
        bare_begin(i ? GCM : CM80);
        bare_set_a(SEEDS(1, 2), 0);
        CHECK_INT(bare_sends(2, 0), ACCEPTED);
        CHECK_INT(bare_sends(1, 0), ACCEPTED);
        bare_set_a(SEEDS(1, 3), 0);
        for (int k = 0; k < 5; k++) {
            bare.phone.seq = (uint16_t)(bare.phone.seq + 29999);
            CHECK_INT(bare_sends(3, 0), ACCEPTED);
        }
        bare_set_a(SEEDS(4, 5), 0); /* 1 has not been heard since */
        bare_set_a(SEEDS(2, 1), 0);
        CHECK_INT(bare_sends(2, 0), ACCEPTED);
        CHECK_INT(bare_sends(1, 0), ACCEPTED);
        BARE_END();
    }
}

/* The stream ends, and another has its ports, and what it knew of keys. */
static void bequeath(void)
{
    struct gh_stream heir;

    memcpy(&heir, &bare.stream, sizeof(heir)); /* sockets that are not there */
    for (int s = 0; s < 2; s++) {
        struct gh_side *to = &heir.sides[s];

        to->rx = to->old_rx = NULL;
        to->tx = NULL;
        to->rx_names = to->old_names = NULL;
        to->past = NULL;
        to->has_mki = false;
        gh_side_inherit(to, &bare.stream.sides[s]);
        CHECK(!bare.stream.sides[s].rx && !bare.stream.sides[s].rx_names && !bare.stream.sides[s].has_mki);
        gh_side_fini(&bare.stream.sides[s]);
    }
    memcpy(&bare.stream, &heir, sizeof(heir));
    for (int s = 0; s < 2; s++) {
        bare.stream.sides[s].stream = &bare.stream;
        for (int i = 0; i < GH_PORT_COUNT; i++)
            bare.stream.sides[s].ports[i].side = &bare.stream.sides[s];
    }
}

static void another_stream_on_the_same_ports(void)
{
    struct sealed packet;
    struct gh_side *side = &bare.stream.sides[0];
    const struct gh_srtp_rx *second;

    bare_begin(CM80);
    bare_set_a(SEEDS(1, 2), 0);
    second = side->rx_names->more[0].rx;
    packet = bare_seal(2, 2, false);
    CHECK_INT(bare_arrives(&packet, false, 0), ACCEPTED);
    bequeath();
    bare_set_a(SEEDS(1, 2), 0);
    CHECK(side->rx_names->more[0].rx == second);
    CHECK_INT(bare_arrives(&packet, false, 0), REPLAYED);
    BARE_END();
}

/* How far a source came is known to a new key there, whichever of the keys before it came under. */
static void another_stream_after_a_roll_over(void)
{
    for (uint8_t last = 1; last <= 4; last++) {
        bare_begin(CM80);
        bare_set_a(SEEDS(5, 6), 0);
        CHECK_INT(bare_sends(5, 0), ACCEPTED);
        bare_set_a(SEEDS(1, 2, 3, 4), 0);
        for (int k = 0; k < 6; k++) {
            bare.phone.seq = (uint16_t)(bare.phone.seq + 29999);
            CHECK_INT(bare_sends(last, 0), ACCEPTED);
        }
        bequeath();
        bare_set_a(SEEDS(7, 8), 0);
        CHECK_INT(bare_sends(8, 0), ACCEPTED);
        CHECK_INT(bare_sends(7, 0), ACCEPTED);
        BARE_END();
    }
}

/* ---- whose keys they are --------------------------------------------------------------------------------- */

/* A key that a peer declared, the first or a further one, in force or before, is never sent under. */
static void none_of_them_is_ours(void)
{
    for (uint8_t seed = 1; seed <= 6; seed++) {
        bare_begin(CM80);
        bare_set_a(SEEDS(1, 2), 0);
        bare_set_a(SEEDS(3, 4), 0);
        bare_set_a(SEEDS(5, 6), 0);
        CHECK(bare.stream.sides[1].tx != NULL);
        bare_set_b(seed);
        CHECK(bare.stream.sides[1].tx == NULL);
        bare_set_b(OURS + 1);
        CHECK(bare.stream.sides[1].tx != NULL);
        /* Nor to the very side that declared it. */
        bare.stream.sides[0].tx_key = lab_key(CM80, seed);
        gh_side_link(&bare.stream);
        CHECK(bare.stream.sides[0].tx == NULL);
        BARE_END();
    }
}

/* ---- what ends as an MKI by chance ----------------------------------------------------------------------- */

static size_t behind_mki(bool rtcp)
{
    const struct gh_suite_info *info = gh_suite_info(bare.suite);

    return info->aead ? 0 : rtcp ? info->rtcp_tag_len : info->tag_len;
}

static void declare_one(uint8_t key, struct gh_media_mki mki, uint64_t now_ms)
{
    struct gh_media_set set = { .side = 0, .path = GH_PATH_BRIDGE };

    bare_declare(&set, bare.suite, SEEDS(key));
    set.rx_mki = mki;
    set.tx_key = lab_key(bare.suite, OURS);
    bare_set(&set, now_ms);
}

static void comes_once(struct sealed packet, bool rtcp)
{
    struct sealed forged = packet;

    forged.p[GH_RTP_HEADER + 2] ^= 1;
    CHECK_INT(bare_arrives(&forged, rtcp, 100), REFUSED);
    CHECK(bare_is_accepted(bare_arrives(&packet, rtcp, 100)));
    CHECK_INT(bare_arrives(&packet, rtcp, 100), REPLAYED);
}

/* Key 2 has no MKI, and its packet ends as that of key 1; one of them is in force, the other old. */
static void an_end_that_is_no_mki(void)
{
    for (int i = 0; i < 2 * (GH_SUITE_COUNT - 1) * 2; i++) {
        const struct gh_side *side = &bare.stream.sides[0];
        struct gh_media_mki mki = { 1, { 0 } }, none = { 0, { 0 } };
        bool nameless_is_old = i % 2, rtcp = i / 2 % 2;
        struct sealed nameless, named;

        bare_begin((enum gh_suite)(GH_SUITE_NONE + 1 + i / 4));
        nameless = bare_seal(2, 0, rtcp);
        named = bare_seal(1, 0, rtcp);
        mki.octets[0] = nameless.p[nameless.len - behind_mki(rtcp) - 1];
        bare_name(&named, rtcp, &mki);
        declare_one(nameless_is_old ? 2 : 1, nameless_is_old ? none : mki, 0);
        declare_one(nameless_is_old ? 1 : 2, nameless_is_old ? mki : none, 0);
        comes_once(nameless, rtcp);
        CHECK_INT(gh_side_has_raised(side, GH_MEDIA_EVENT_PROVEN), !nameless_is_old);
        comes_once(named, rtcp);
        CHECK(gh_side_has_raised(side, GH_MEDIA_EVENT_PROVEN));
        BARE_END();
    }
}

/* The true ones are no reason to say that something was forged. */
static void no_alarm(void)
{
    const struct gh_side *side = &bare.stream.sides[0];
    int accepted = 0;

    bare_begin(CM80);
    declare_one(1, (struct gh_media_mki){ 1, { 1 } }, 0);
    declare_one(2, (struct gh_media_mki){ 0, { 0 } }, 0);
    for (int i = 0; i < 2000; i++) { /* of 256 one ends so */
        struct sealed packet = bare_seal(2, 0, false);

        accepted += bare_arrives(&packet, false, 10) == ACCEPTED;
    }
    CHECK_INT(accepted, 2000);
    CHECK(!gh_side_has_raised(side, GH_MEDIA_EVENT_AUTH_FAILED));
    BARE_END();
}

/* The MKI of the key in force is the end of the old one's. */
static void mkis_of_two_lengths(void)
{
    for (int i = 0; i < 4; i++) {
        struct gh_media_mki longer = { 2, { 0x77, 1 } }, shorter = { 1, { 1 } };
        bool rtcp = i % 2;
        struct sealed packets[2];

        bare_begin(i / 2 ? GCM : CM80);
        declare_one(1, longer, 0);
        declare_one(2, shorter, 0);
        packets[0] = bare_seal(1, 0, rtcp);
        packets[1] = bare_seal(2, 0, rtcp);
        bare_name(&packets[0], rtcp, &longer);
        bare_name(&packets[1], rtcp, &shorter);
        comes_once(packets[0], rtcp);
        comes_once(packets[1], rtcp);
        BARE_END();
    }
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(one_goes_one_stays_one_comes);
    RUN(old_ones_end_after_the_first_under_a_new_one);
    RUN(an_mki_is_used_again);
    RUN(from_one_to_several_and_back);
    RUN(another_path);
    RUN(a_refresh);
    RUN(the_shelf_holds_two_sets_of_four);
    RUN(a_long_call);
    RUN(a_key_comes_back_after_a_roll_over);
    RUN(another_stream_on_the_same_ports);
    RUN(another_stream_after_a_roll_over);
    RUN(none_of_them_is_ours);
    RUN(an_end_that_is_no_mki);
    RUN(no_alarm);
    RUN(mkis_of_two_lengths);
    return CHECK_REPORT();
}
