/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key, now for one suite and now for another.  _80 and _32 have one keystream and one authentication key (RFC 4568
 * sections 6.2.1 and 6.2.2), so who records a packet of the one and cuts 6 octets off its tag has one of the other, and
 * SRTCP is the same in both.  What came once must not come again, nor prove anything.
 */
#include "support/alloc_fail.h"

#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "support_bare.h"

static const enum gh_suite pairs[][2] = { { GH_AES_CM_128_HMAC_SHA1_80, GH_AES_CM_128_HMAC_SHA1_32 },
                                          { GH_AES_256_CM_HMAC_SHA1_80, GH_AES_256_CM_HMAC_SHA1_32 } };

#define PAIRS (sizeof(pairs) / sizeof(pairs[0]))
#define CUT   6 /* octets of a tag of 80 bits beyond 32 */

enum tag { LONG, SHORT };

static const enum gh_suite *pair;

static void begin(size_t p)
{
    pair = pairs[p];
    bare_begin(pair[LONG]); /* which is what bare_seal seals for */
}

static struct gh_media_set set_of(const uint8_t *seeds, enum tag tag, enum gh_path path)
{
    struct gh_media_set set = { .side = 0, .path = path };

    bare_declare(&set, pair[tag], seeds);
    set.tx_key = lab_key(pair[tag], (uint8_t)(OURS + 10 + tag));
    return set;
}

static void declare(uint8_t seed, enum tag tag, enum gh_path path, uint64_t now_ms)
{
    struct gh_media_set set = set_of(SEEDS(seed), tag, path);

    set.rx_mki.len = 0;
    bare_set(&set, now_ms);
}

/* What a phone sent, or somebody who holds what a phone sent. */
static int comes(struct sealed packet, enum tag tag, bool rtcp, uint64_t now_ms)
{
    packet.len -= tag == SHORT && !rtcp ? CUT : 0;
    return bare_arrives(&packet, rtcp, now_ms);
}

static bool taken(struct sealed packet, enum tag tag, bool rtcp, uint64_t now_ms)
{
    return bare_is_accepted(comes(packet, tag, rtcp, now_ms));
}

/* ---- what came before ------------------------------------------------------------------------------------ */

#define TURN 4 /* packets under one suite, of RTP and of RTCP each */

/* A phone that says one key in two lines goes from one to the other, and is heard each time. */
static void each_packet_once(void)
{
    for (int turn = 0; turn < (int)PAIRS * 4; turn++) {
        enum gh_path path = turn % 2 ? GH_PATH_PASS : GH_PATH_BRIDGE;
        struct sealed came[12][TURN][2];

        begin((size_t)turn / 4);
        for (int k = 0; k < 12; k++) {
            enum tag tag = (turn / 2 + k) % 2 ? SHORT : LONG;
            uint64_t now_ms = 1000 * (uint64_t)k; /* within the time that an old key has */

            declare(1, tag, path, now_ms);
            for (int past = 0; past < k * TURN * 2; past++)
                CHECK_INT(comes(came[past / 2 / TURN][past / 2 % TURN][past % 2], tag, past % 2, now_ms), REPLAYED);
            CHECK_INT(bare_told(GH_MEDIA_EVENT_PROVEN), 0);
            for (int i = 0; i < TURN * 2; i++) {
                struct sealed *packet = &came[k][i / 2][i % 2];

                *packet = bare_seal(1, 0, i % 2);
                CHECK(taken(*packet, tag, i % 2, now_ms));
                CHECK_INT(comes(*packet, tag, i % 2, now_ms), REPLAYED);
            }
            CHECK_INT(bare_told(GH_MEDIA_EVENT_PROVEN), 1);
        }
        BARE_END();
    }
}

/* Both would take it in that moment. */
static void the_other_suite_ends_at_once(void)
{
    for (int from = 0; from < 2; from++) {
        enum tag before = from ? SHORT : LONG, after = from ? LONG : SHORT;
        struct sealed late, report;

        begin(0);
        declare(1, before, GH_PATH_BRIDGE, 0);
        CHECK(taken(bare_seal(1, 0, false), before, false, 0));
        late = bare_seal(1, 0, false);
        report = bare_seal(1, 0, true);
        declare(1, after, GH_PATH_BRIDGE, 100);
        CHECK(!bare.stream.sides[0].old_rx);
        CHECK_INT(comes(late, before, false, 100), REFUSED);
        CHECK(taken(report, after, true, 100));
        CHECK_INT(comes(report, before, true, 100), REPLAYED);
        CHECK(taken(late, after, false, 100)); /* it never came */
        CHECK_INT(comes(late, after, false, 100), REPLAYED);
        BARE_END();
    }
}

/* Another key between, in force or old or long gone. */
static void by_way_of_another_key(void)
{
    static const uint64_t waits_ms[] = { 0, 100, GH_OLD_KEY_MS, 60000 };

    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
        for (uint8_t others = 1; others <= GH_SHELF_MAX + 2; others++) {
            struct sealed rtp, rtcp;
            uint64_t now_ms = 0;
            bool is_lost = others > GH_SHELF_MAX + 1; /* one is old, another in force */

            begin(0);
            declare(1, LONG, GH_PATH_BRIDGE, now_ms);
            rtp = bare_seal(1, 0, false);
            rtcp = bare_seal(1, 0, true);
            CHECK(taken(rtp, LONG, false, now_ms));
            CHECK(taken(rtcp, LONG, true, now_ms));
            for (uint8_t other = 0; other < others; other++)
                declare((uint8_t)(2 + other), LONG, GH_PATH_BRIDGE, now_ms += waits_ms[i]);
            declare(1, SHORT, GH_PATH_BRIDGE, now_ms += waits_ms[i]);
            CHECK_INT(bare_told(GH_MEDIA_EVENT_FAILED), is_lost);
            CHECK_INT(comes(rtp, SHORT, false, now_ms), is_lost ? GH_DROP_NO_KEY_YET : REPLAYED);
            CHECK_INT(comes(rtcp, SHORT, true, now_ms), is_lost ? GH_DROP_NO_KEY_YET : REPLAYED);
            CHECK_INT(taken(bare_seal(1, 0, false), SHORT, false, now_ms), !is_lost);
            BARE_END();
        }
    }
}

static void one_of_several_keys(void)
{
    struct sealed packets[3];
    struct gh_media_set set;

    begin(0);
    set = set_of(SEEDS(1, 2), LONG, GH_PATH_BRIDGE);
    bare_set(&set, 0);
    for (int i = 0; i < 3; i++) {
        packets[i] = bare_seal(2, 0, false);
        if (i < 2) {
            struct sealed named = packets[i];
            struct gh_media_mki two = bare_mki(2);

            bare_name(&named, false, &two);
            CHECK_INT(bare_arrives(&named, false, 0), ACCEPTED);
        }
    }
    set = set_of(SEEDS(3, 2), SHORT, GH_PATH_BRIDGE);
    bare_set(&set, 0);
    bare_told(GH_MEDIA_EVENT_PROVEN);
    bare.suite = pair[SHORT]; /* for the place of the MKI */
    for (int i = 0; i < 3; i++) {
        struct gh_media_mki two = bare_mki(2);

        packets[i].len -= CUT;
        bare_name(&packets[i], false, &two);
        CHECK_INT(bare_arrives(&packets[i], false, 0), i < 2 ? REPLAYED : ACCEPTED);
        CHECK_INT(bare_told(GH_MEDIA_EVENT_PROVEN), i == 2);
    }
    BARE_END();
}

/* A stream in the place of another. */
static void an_heir(void)
{
    struct gh_side heir = { .stream = NULL };
    struct gh_side *side = &bare.stream.sides[0];
    struct sealed rtp, rtcp;

    begin(0);
    declare(1, LONG, GH_PATH_BRIDGE, 0);
    rtp = bare_seal(1, 0, false);
    rtcp = bare_seal(1, 0, true);
    CHECK(taken(rtp, LONG, false, 0));
    CHECK(taken(rtcp, LONG, true, 0));
    gh_side_inherit(&heir, side);
    side->past = heir.past;
    declare(1, SHORT, GH_PATH_BRIDGE, 0);
    bare_told(GH_MEDIA_EVENT_PROVEN);
    CHECK_INT(comes(rtp, SHORT, false, 0), REPLAYED);
    CHECK_INT(comes(rtcp, SHORT, true, 0), REPLAYED);
    CHECK_INT(bare_told(GH_MEDIA_EVENT_PROVEN), 0);
    CHECK(taken(bare_seal(1, 0, false), SHORT, false, 0));
    BARE_END();
}

/* ---- ROC ------------------------------------------------------------------------------------------------- */

#define STEP 29999 /* sequence numbers from packet to packet */

/* What was recorded is refused in each ROC, and costs the source nothing: it goes on in its own. */
static void the_roc_goes_on(void)
{
    for (int turn = 0; turn < 24; turn++) {
        enum gh_path path = turn % 2 ? GH_PATH_PASS : GH_PATH_BRIDGE;
        int count = 1 + turn / 2; /* into ROC 5 */
        struct sealed came[12], next;

        begin((size_t)turn % PAIRS);
        declare(1, LONG, path, 0);
        for (int i = 0; i < count; i++) {
            came[i] = bare_seal(1, 0, false);
            CHECK(taken(came[i], LONG, false, 0));
            bare.phone.seq = (uint16_t)(bare.phone.seq + STEP);
        }
        declare(1, SHORT, path, 0);
        bare_told(GH_MEDIA_EVENT_PROVEN);
        for (int i = 0; i < count; i++) /* below what came, or not of the ROC in which it would be above */
            CHECK(!taken(came[i], SHORT, false, 0));
        CHECK_INT(bare_told(GH_MEDIA_EVENT_PROVEN), 0);
        for (int k = 0; k < 3; k++) {
            next = bare_seal(1, 0, false);
            CHECK(taken(next, SHORT, false, 0));
            CHECK_INT(comes(next, SHORT, false, 0), REPLAYED);
            for (int i = 0; i < count; i++)
                CHECK(!taken(came[i], SHORT, false, 0));
            bare.phone.seq = (uint16_t)(bare.phone.seq + STEP);
        }
        declare(1, LONG, path, 0);
        CHECK(!taken(came[count - 1], LONG, false, 0));
        CHECK(taken(bare_seal(1, 0, false), LONG, false, 0));
        BARE_END();
    }
}

/* The numbers begin anew between the two. */
static void over_the_edge_of_a_roc(void)
{
    for (uint16_t ahead = 1; ahead <= 8; ahead++) {
        struct sealed came[8];

        begin(0);
        bare.phone.seq = (uint16_t)(UINT16_MAX - ahead);
        declare(1, LONG, GH_PATH_BRIDGE, 0);
        for (int i = 0; i < 4; i++) {
            came[i] = bare_seal(1, 0, false);
            CHECK(taken(came[i], LONG, false, 0));
        }
        declare(1, SHORT, GH_PATH_BRIDGE, 0);
        for (int i = 3; i >= 0; i--)
            CHECK_INT(comes(came[i], SHORT, false, 0), REPLAYED);
        for (int i = 4; i < 8; i++) {
            came[i] = bare_seal(1, 0, false);
            CHECK(taken(came[i], SHORT, false, 0));
        }
        for (int i = 0; i < 8; i++)
            CHECK_INT(comes(came[i], SHORT, false, 0), REPLAYED);
        BARE_END();
    }
}

/* ---- bounds ---------------------------------------------------------------------------------------------- */

#define MORE GH_RX_SSRC_MAX /* the number of one source more */

/* Two packets of RTP and two of RTCP, by turns, of a source that begins. */
static void seal_of(uint32_t number, struct sealed packets[4])
{
    struct gh_secret key = lab_key(pair[LONG], 1);
    struct phone phone = { .ssrc = 1000 + number };

    CHECK_INT(gh_srtp_tx_new(&phone.tx, pair[LONG], &key), 0);
    for (int i = 0; i < 4; i++) {
        uint8_t p[PKT_MAX] __attribute__((aligned(8)));
        size_t len = i % 2 ? make_rtcp(&phone, p) : make_rtp(&phone, p, 96, 160);

        packets[i].len = phone_seal(&phone, p, len, i % 2);
        memcpy(packets[i].p, p, packets[i].len);
    }
    gh_srtp_tx_free(phone.tx);
}

/* Each source by itself.  A new one finds as much room as under a key that is new. */
static void as_many_sources_as_may_be(void)
{
    static struct sealed came[GH_RX_SSRC_MAX + 1][4];

    begin(0);
    for (uint32_t i = 0; i <= MORE; i++)
        seal_of(i, came[i]);
    declare(1, LONG, GH_PATH_BRIDGE, 0);
    for (int i = 0; i < MORE * 2; i++)
        CHECK(taken(came[i / 2][i % 2], LONG, i % 2, 0));
    CHECK_INT(comes(came[MORE][0], LONG, false, 0), GH_DROP_SSRC_LIMIT);
    declare(1, SHORT, GH_PATH_BRIDGE, 0);
    for (int i = 0; i < MORE * 2; i++)
        CHECK_INT(comes(came[i / 2][i % 2], SHORT, i % 2, 0), REPLAYED);
    CHECK(gh_srtp_rx_is_unused(bare.stream.sides[0].rx));
    CHECK(taken(came[MORE][0], SHORT, false, 0)); /* for what was refused did not come */
    CHECK(taken(came[MORE][1], SHORT, true, 0));
    for (int i = 2; i < MORE * 2; i++)
        CHECK(taken(came[i / 2][2 + i % 2], SHORT, i % 2, 0));
    CHECK_INT(comes(came[0][2], SHORT, false, 0), GH_DROP_SSRC_LIMIT);
    declare(1, LONG, GH_PATH_BRIDGE, 0);
    for (int i = 2; i < MORE * 4; i++)
        CHECK_INT(taken(came[i / 4][i % 4], LONG, i % 2, 0), i == 2 || i == 3);
    CHECK_INT(comes(came[MORE][0], LONG, false, 0), REPLAYED);
    CHECK_INT(comes(came[MORE][1], LONG, true, 0), REPLAYED);
    CHECK_INT(comes(came[MORE][2], LONG, false, 0), GH_DROP_SSRC_LIMIT);
    BARE_END();
}

#if GH_ALLOC_CAN_FAIL

/* Then nothing is received, rather than a packet twice. */
static void without_memory(void)
{
    long failures = 0;

    for (long n = 1;; n++) {
        struct sealed rtp, rtcp;
        bool failed;

        begin(0);
        bare.phone.seq = 40000; /* so that its ROC is to be told as well */
        declare(1, LONG, GH_PATH_BRIDGE, 0);
        rtp = bare_seal(1, 0, false);
        rtcp = bare_seal(1, 0, true);
        CHECK(taken(rtp, LONG, false, 0));
        CHECK(taken(rtcp, LONG, true, 0));
        alloc_fail_at(n);
        declare(1, SHORT, GH_PATH_BRIDGE, 0);
        failed = alloc_failed();
        failures += failed;
        CHECK(!taken(rtp, SHORT, false, 0));
        CHECK(!taken(rtcp, SHORT, true, 0));
        declare(1, SHORT, GH_PATH_BRIDGE, 0); /* once more, with memory */
        CHECK(!taken(rtp, SHORT, false, 0));
        CHECK(!taken(rtcp, SHORT, true, 0));
        BARE_END();
        if (!failed)
            break;
    }
    CHECK(failures >= 4);
}

#endif

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(each_packet_once);
    RUN(the_other_suite_ends_at_once);
    RUN(by_way_of_another_key);
    RUN(one_of_several_keys);
    RUN(an_heir);
    RUN(the_roc_goes_on);
    RUN(over_the_edge_of_a_roc);
    RUN(as_many_sources_as_may_be);
#if GH_ALLOC_CAN_FAIL
    RUN(without_memory);
#endif
    return CHECK_REPORT();
}
