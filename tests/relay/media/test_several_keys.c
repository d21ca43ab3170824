/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A side that declared several keys at a time: each packet names its own by an MKI.  The worker's own functions, with
 * time as an argument and without a socket: a packet that was accepted ends as not_sending.  What goes on to the other
 * side is looked at over sockets.
 */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "media/media_int.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, GCM = GH_AEAD_AES_128_GCM;

#define OURS 100 /* seeds from here on are our own keys */
#define KEYS_MAX GH_MEDIA_RX_KEYS_MAX
#define ACCEPTED GH_DROP_NOT_SENDING
#define REFUSED GH_DROP_AUTH_FAILED
#define REPLAYED GH_DROP_REPLAYED

/* ---- sets ------------------------------------------------------------------------------------------------ */

/* Two octets, so that a value that is wrong in one of them is seen as well. */
static struct gh_media_mki mki_of(uint8_t value)
{
    return (struct gh_media_mki){ 2, { 0xa0, value } };
}

/* A key of the peer's is named by its seed, which is the value of its MKI too. */
static void declare(struct gh_media_set *set, enum gh_suite suite, const uint8_t *seeds)
{
    set->suite = suite;
    set->rx_key = lab_key(suite, seeds[0]);
    set->rx_mki = mki_of(seeds[0]);
    set->rx_more = NULL;
    if (!seeds[1])
        return;
    set->rx_more = calloc(1, sizeof(*set->rx_more));
    CHECK_OR_STOP(set->rx_more != NULL);
    for (size_t i = 1; seeds[i]; i++)
        set->rx_more->keys[set->rx_more->count++] =
            (struct gh_media_key){ .key = lab_key(suite, seeds[i]), .mki = mki_of(seeds[i]) };
}

#define SEEDS(...) ((const uint8_t[]){ __VA_ARGS__, 0 })

/* ---- a stream without sockets ---------------------------------------------------------------------------- */

static struct gh_worker worker;
static struct gh_stream stream;
static struct gh_own own;
static struct phone phone;      /* a's */
static uint8_t phone_key;       /* what phone.tx is under */
static struct gh_srtp_tx *reports[256]; /* by seed: SRTCP numbers go on, whatever key is used between */
static enum gh_suite suite;
static uint32_t generation;
static uint64_t lifetimes[256]; /* by seed */

static void apply(struct gh_media_set *set, uint64_t now_ms)
{
    set->generation = ++generation;
    set->may_send = set->may_receive = true;
    set->rx_lifetime_pkts = lifetimes[set->rx_mki.octets[1]];
    for (size_t i = 0; set->rx_more && i < set->rx_more->count; i++)
        set->rx_more->keys[i].lifetime_pkts = lifetimes[set->rx_more->keys[i].mki.octets[1]];
    gh_side_apply(&stream.sides[set->side], set, now_ms);
    gh_side_link(&stream);
    gh_media_more_free(set->rx_more);
}

static void set_a(const uint8_t *seeds, uint64_t now_ms)
{
    struct gh_media_set set = { .side = 0, .path = GH_PATH_BRIDGE };

    declare(&set, suite, seeds);
    set.tx_key = lab_key(suite, OURS);
    apply(&set, now_ms);
}

static void set_b(uint8_t tx_seed)
{
    struct gh_media_set set = { .side = 1, .path = GH_PATH_BRIDGE, .suite = suite };

    set.rx_key = lab_key(suite, 90);
    set.tx_key = lab_key(suite, tx_seed);
    apply(&set, 0);
}

static void begin(enum gh_suite of)
{
    memset(&worker, 0, sizeof(worker));
    memset(&stream, 0, sizeof(stream));
    memset(lifetimes, 0, sizeof(lifetimes));
    worker.own = &own;
    CHECK_INT(gh_mailbox_new_blocking(&worker.outbox), 0);
    stream.worker = &worker;
    for (int s = 0; s < 2; s++) {
        struct gh_side *side = &stream.sides[s];

        side->stream = &stream;
        for (int i = 0; i < GH_PORT_COUNT; i++) {
            side->ports[i].side = side;
            side->ports[i].kind = (uint8_t)i;
            side->ports[i].known_fd = side->ports[i].stranger_fd = -1;
        }
    }
    phone = (struct phone){ .ssrc = 7 };
    phone_key = 0;
    generation = 0;
    suite = of;
    set_b(OURS + 1);
}

static void end(void)
{
    gh_side_fini(&stream.sides[0]);
    gh_side_fini(&stream.sides[1]);
    gh_mailbox_free(worker.outbox);
    gh_srtp_tx_free(phone.tx);
    for (int i = 0; i < 256; i++) {
        gh_srtp_tx_free(reports[i]);
        reports[i] = NULL;
    }
}

/* ---- packets --------------------------------------------------------------------------------------------- */

struct sealed {
    uint8_t p[PKT_MAX];
    size_t len;
};

/* The phone goes over to another key; its ROC and numbers go on, as RFC 3711 section 3.2.1 has it. */
static void phone_takes(uint8_t seed)
{
    struct gh_secret key = lab_key(suite, seed);
    struct gh_srtp_tx *tx = NULL;

    if (phone_key == seed)
        return;
    CHECK_INT(gh_srtp_tx_new(&tx, suite, &key), 0);
    if (phone.tx)
        CHECK_INT(gh_srtp_tx_continue(tx, phone.tx), 0);
    gh_srtp_tx_free(phone.tx);
    phone.tx = tx;
    phone_key = seed;
}

/* RFC 3711 section 3.1: before the tag; RFC 7714 sections 8.1 and 9: at the end. */
static void name(struct sealed *packet, bool rtcp, const struct gh_media_mki *mki)
{
    const struct gh_suite_info *info = gh_suite_info(suite);
    size_t behind = info->aead ? 0 : rtcp ? info->rtcp_tag_len : info->tag_len;

    memmove(packet->p + packet->len - behind + mki->len, packet->p + packet->len - behind, behind);
    memcpy(packet->p + packet->len - behind, mki->octets, mki->len);
    packet->len += mki->len;
}

/* The phone's next packet under the key of @seed, with the MKI of @named; 0: without one. */
static struct sealed seal(uint8_t seed, uint8_t named, bool rtcp)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    struct gh_media_mki mki = mki_of(named);
    struct sealed packet;

    packet.len = rtcp ? make_rtcp(&phone, p) : make_rtp(&phone, p, 96, 160);
    if (rtcp) {
        struct gh_secret key = lab_key(suite, seed);

        if (!reports[seed])
            CHECK_INT(gh_srtp_tx_new(&reports[seed], suite, &key), 0);
        CHECK_INT(gh_srtp_tx_seal_rtcp(reports[seed], 1, p, &packet.len, NULL), 0);
    } else {
        phone_takes(seed);
        packet.len = phone_seal(&phone, p, packet.len, false);
    }
    memcpy(packet.p, p, packet.len);
    if (named)
        name(&packet, rtcp, &mki);
    return packet;
}

/* @return what became of it; -1: more than one thing, or none */
static int arrives(const struct sealed *packet, bool rtcp, uint64_t now_ms)
{
    struct gh_media_counters before, after;
    int end_of = -1;

    stream.sides[0].rtcp_mux = rtcp;
    memcpy(worker.packet, packet->p, packet->len);
    gh_counters_read(&stream.sides[0].counters, &before);
    gh_forward(&worker, &stream.sides[0].ports[GH_PORT_RTP], packet->len, NULL, now_ms);
    gh_counters_read(&stream.sides[0].counters, &after);
    for (int i = 0; i < GH_DROP_COUNT; i++) {
        if (after.drops[i] == before.drops[i] + 1)
            end_of = end_of < 0 ? i : GH_DROP_COUNT;
    }
    return end_of == GH_DROP_COUNT ? -1 : end_of;
}

static int sends(uint8_t seed, uint64_t now_ms)
{
    struct sealed packet = seal(seed, seed, false);

    return arrives(&packet, false, now_ms);
}

/* What was told since the last call: how often @kind. */
static int told(enum gh_media_event_kind kind)
{
    int count = 0;

    for (struct gh_msg *msg = gh_mailbox_wait(worker.outbox, 0), *next; msg; msg = next) {
        const struct gh_event_msg *event = (const struct gh_event_msg *)msg;

        next = msg->next;
        count += event->event.kind == kind;
        msg->drop(msg);
    }
    return count;
}

/* ---- the key that it names, and no other ----------------------------------------------------------------- */

/* RTCP goes through the whole path, as far as a socket that is not there: send_failed or not_sending. */
static bool is_accepted(int end_of)
{
    return end_of == ACCEPTED || end_of == GH_DROP_SEND_FAILED;
}

static void each_under_its_own(void)
{
    static const uint8_t order[] = { 1, 2, 2, 1, 3, 1, 4, 3, 2 };

    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        begin((enum gh_suite)s);
        set_a(SEEDS(1, 2, 3, 4), 0);
        for (size_t i = 0; i < sizeof(order); i++) {
            for (int rtcp = 0; rtcp < 2; rtcp++) {
                struct sealed packet = seal(order[i], order[i], rtcp);

                CHECK(is_accepted(arrives(&packet, rtcp, 0)));
                CHECK_INT(arrives(&packet, rtcp, 0), REPLAYED);
            }
        }
        CHECK_INT(told(GH_MEDIA_EVENT_PROVEN), 1);
        end();
    }
}

static void never_under_another(void)
{
    /* key, MKI; 0: none */
    static const uint8_t rows[][2] = { { 1, 2 }, { 2, 1 }, { 3, 1 }, { 1, 0 }, { 2, 0 }, { 1, 9 },
                                       { 9, 9 }, { 9, 1 }, { 9, 2 } };

    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        begin((enum gh_suite)s);
        set_a(SEEDS(1, 2, 3), 0);
        for (int rtcp = 0; rtcp < 2; rtcp++) {
            for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sealed packet = seal(rows[i][0], rows[i][1], rtcp);
                struct gh_media_mki mki = mki_of(rows[i][0]), longer = { 3, { 0xa0, 1, 0 } };
                int end_of = arrives(&packet, rtcp, 0);

                /* Of a report the number is looked at before the tag. */
                if (!CHECK(end_of == REFUSED || (rtcp && end_of == REPLAYED)))
                    fprintf(stderr, "  key %d, MKI %d\n", rows[i][0], rows[i][1]);
                if (rows[i][1])
                    continue;
                packet = seal(rows[i][0], 0, rtcp);
                name(&packet, rtcp, &longer);
                CHECK_INT(arrives(&packet, rtcp, 0), REFUSED);
                /* Nothing of it has spoiled the key. */
                packet = seal(rows[i][0], 0, rtcp);
                name(&packet, rtcp, &mki);
                CHECK(is_accepted(arrives(&packet, rtcp, 0)));
            }
        }
        end();
    }
}

/* What came under one key and is called another's is no packet of that one. */
static void a_replay_under_another_name(void)
{
    for (int i = 0; i < 2; i++) {
        struct sealed first, renamed;
        struct gh_media_mki two = mki_of(2);

        begin(i ? GCM : CM80);
        set_a(SEEDS(1, 2), 0);
        first = seal(1, 0, false);
        renamed = first;
        name(&renamed, false, &two);
        CHECK_INT(arrives(&renamed, false, 0), REFUSED);
        name(&first, false, &(struct gh_media_mki){ 2, { 0xa0, 1 } });
        CHECK_INT(arrives(&first, false, 0), ACCEPTED);
        CHECK_INT(arrives(&renamed, false, 0), REFUSED);
        CHECK_INT(arrives(&first, false, 0), REPLAYED);
        end();
    }
}

static void every_cut(void)
{
    for (int i = 0; i < 4; i++) {
        bool rtcp = i % 2;
        struct sealed packet, cut;

        begin(i / 2 ? GCM : CM80);
        set_a(SEEDS(1, 2, 3), 0);
        packet = seal(3, 3, rtcp);
        for (cut = packet; cut.len-- > 0;) {
            int end_of = arrives(&cut, rtcp, 0);

            CHECK(end_of == REFUSED || end_of == GH_DROP_MALFORMED || end_of == GH_DROP_PLAIN_ON_SRTP);
        }
        CHECK(is_accepted(arrives(&packet, rtcp, 0)));
        end();
    }
}

/* ---- ROC and numbers ------------------------------------------------------------------------------------- */

/* A source that goes from key to key and round its sequence numbers: a key that was left behind is still good. */
static void the_roc_goes_on(void)
{
    for (int i = 0; i < 4; i++) {
        uint64_t accepted = 0;

        begin(i % 2 ? GCM : CM80);
        set_a(SEEDS(1, 2, 3), 0);
        if (i / 2) /* under 2 it has been before, under 3 never */
            accepted += sends(2, 0) == ACCEPTED;
        for (int k = 0; k < 12; k++) { /* into ROC 5 */
            accepted += sends(1, 0) == ACCEPTED;
            phone.seq = (uint16_t)(phone.seq + 29999);
        }
        for (uint8_t seed = 2; seed <= 3; seed++) {
            struct sealed old = seal(seed, seed, false);

            accepted += arrives(&old, false, 0) == ACCEPTED;
            CHECK_INT(arrives(&old, false, 0), REPLAYED);
            for (int k = 0; k < 3; k++) {
                accepted += sends(seed, 0) == ACCEPTED;
                phone.seq = (uint16_t)(phone.seq + 29999);
            }
        }
        for (uint8_t seed = 1; seed <= 3; seed++)
            accepted += sends(seed, 0) == ACCEPTED;
        CHECK_INT(accepted, 23 + i / 2);
        end();
    }
}

/* A peer that counts ROCs of its own for each key. */
static void a_roc_for_each_key(void)
{
    for (int i = 0; i < 2; i++) {
        struct gh_secret key;
        struct gh_srtp_tx *first, *second = NULL;
        int accepted = 0;

        begin(i ? GCM : CM80);
        key = lab_key(suite, 2);
        CHECK_INT(gh_srtp_tx_new(&second, suite, &key), 0);
        set_a(SEEDS(1, 2), 0);
        for (int k = 0; k < 5; k++) {
            accepted += sends(1, 0) == ACCEPTED;
            phone.seq = (uint16_t)(phone.seq + 29999);
        }
        first = phone.tx;
        for (int k = 0; k < 8; k++) {
            phone.tx = k % 2 ? first : second;
            phone_key = k % 2 ? 1 : 2;
            accepted += sends(phone_key, 0) == ACCEPTED;
        }
        CHECK_INT(accepted, 13);
        phone.tx = first;
        gh_srtp_tx_free(second);
        end();
    }
}

/* An index above all others: what is held back under one key does not become news while another is in use. */
static void newest_over_all_keys(void)
{
    for (int rtcp = 0; rtcp < 2; rtcp++) {
        struct gh_side *side = &stream.sides[0];
        struct sealed held[3], now;

        begin(CM80);
        set_a(SEEDS(1, 2), 0);
        now = seal(1, 1, rtcp);
        CHECK(is_accepted(arrives(&now, rtcp, 0)));
        CHECK(gh_side_is_newest(side, side->rx, rtcp));
        for (int i = 0; i < 3; i++)
            held[i] = seal(1, 1, rtcp);
        for (int i = 0; i < 5; i++) /* reports are numbered for each key by itself here */
            now = seal(2, 2, rtcp);
        CHECK(is_accepted(arrives(&now, rtcp, 0)));
        CHECK(gh_side_is_newest(side, side->rx_names->more[0].rx, rtcp));
        for (int i = 0; i < 3; i++) { /* they go on, but nobody moves by them */
            CHECK(is_accepted(arrives(&held[i], rtcp, 0)));
            CHECK(gh_srtp_rx_is_newest(side->rx));
            CHECK(!gh_side_is_newest(side, side->rx, rtcp));
        }
        end();
    }
}

/* ---- lifetimes ------------------------------------------------------------------------------------------- */

static void each_has_its_lifetime(void)
{
    for (uint8_t short_one = 1; short_one <= 3; short_one++) {
        begin(CM80);
        lifetimes[1] = lifetimes[3] = 10;
        lifetimes[short_one] = 2; /* 2: none but for its turn */
        set_a(SEEDS(1, 2, 3), 0);
        for (int k = 0; k < 2; k++) {
            for (uint8_t seed = 1; seed <= 3; seed++)
                CHECK_INT(sends(seed, 0), ACCEPTED);
        }
        CHECK_INT(told(GH_MEDIA_EVENT_LIFETIME), 0);
        for (uint8_t seed = 1; seed <= 3; seed++) {
            CHECK_INT(sends(seed, 0), ACCEPTED);
            CHECK_INT(told(GH_MEDIA_EVENT_LIFETIME), seed == short_one);
        }
        end();
    }
}

/* ---- keys over time -------------------------------------------------------------------------------------- */

static void one_goes_one_stays_one_comes(void)
{
    for (int i = 0; i < 2; i++) {
        struct sealed kept, gone;
        const struct gh_srtp_rx *second;

        begin(i ? GCM : CM80);
        set_a(SEEDS(1, 2), 0);
        second = stream.sides[0].rx_names->more[0].rx;
        gone = seal(1, 1, false);
        kept = seal(2, 2, false);
        CHECK_INT(arrives(&gone, false, 0), ACCEPTED);
        CHECK_INT(arrives(&kept, false, 0), ACCEPTED);
        set_a(SEEDS(2, 3), 5000);
        CHECK(stream.sides[0].rx == second); /* never two contexts for one key */
        CHECK_INT(arrives(&kept, false, 5000), REPLAYED);
        CHECK_INT(arrives(&gone, false, 5000), REPLAYED);
        CHECK_INT(sends(1, 5000 + GH_OLD_KEY_MS - 1), ACCEPTED);
        CHECK_INT(sends(1, 5000 + GH_OLD_KEY_MS), REFUSED);
        CHECK_INT(sends(2, 5000 + GH_OLD_KEY_MS), ACCEPTED);
        CHECK_INT(sends(3, 5000 + GH_OLD_KEY_MS), ACCEPTED);
        end();
    }
}

static void old_ones_end_after_the_first_under_a_new_one(void)
{
    begin(CM80);
    set_a(SEEDS(1, 2), 0);
    set_a(SEEDS(3, 4), 5000);
    CHECK_INT(sends(4, 5300), ACCEPTED);
    CHECK_INT(sends(1, 5300 + GH_OLD_KEY_AFTER_NEW_MS - 1), ACCEPTED);
    CHECK_INT(sends(2, 5300 + GH_OLD_KEY_AFTER_NEW_MS - 1), ACCEPTED);
    CHECK_INT(sends(2, 5300 + GH_OLD_KEY_AFTER_NEW_MS), REFUSED);
    CHECK_INT(sends(1, 5300 + GH_OLD_KEY_AFTER_NEW_MS), REFUSED);
    CHECK_INT(sends(3, 5300 + GH_OLD_KEY_AFTER_NEW_MS), ACCEPTED);
    end();
}

/* One MKI, two keys: the one in force and the one before. */
static void an_mki_is_used_again(void)
{
    for (int i = 0; i < 2; i++) {
        struct gh_media_set set = { .side = 0, .path = GH_PATH_BRIDGE };
        struct gh_media_mki two = mki_of(2);
        struct sealed packet;

        begin(i ? GCM : CM80);
        set_a(SEEDS(1, 2), 0);
        CHECK_INT(sends(2, 0), ACCEPTED);
        declare(&set, suite, SEEDS(1, 5));
        set.rx_more->keys[0].mki = two;
        apply(&set, 100);
        for (int k = 0; k < 2; k++) {
            CHECK_INT(sends(2, 200), ACCEPTED);
            packet = seal(5, 0, false);
            name(&packet, false, &two);
            CHECK_INT(arrives(&packet, false, 200), ACCEPTED);
        }
        CHECK_INT(sends(2, 200 + GH_OLD_KEY_AFTER_NEW_MS), REFUSED);
        end();
    }
}

/* One key without an MKI becomes two with, and one again. */
static void from_one_to_several_and_back(void)
{
    struct gh_media_set one = { .side = 0, .path = GH_PATH_BRIDGE };
    struct sealed bare;
    const struct gh_srtp_rx *first;

    begin(CM80);
    declare(&one, suite, SEEDS(1));
    one.rx_mki.len = 0;
    apply(&one, 0);
    CHECK(!stream.sides[0].has_mki && !stream.sides[0].rx_names);
    first = stream.sides[0].rx;
    bare = seal(1, 0, false);
    CHECK_INT(arrives(&bare, false, 0), ACCEPTED);
    set_a(SEEDS(2, 1), 0);
    bare = seal(1, 0, false); /* it has an MKI now */
    CHECK_INT(arrives(&bare, false, 0), REFUSED);
    CHECK_INT(sends(1, 0), ACCEPTED);
    CHECK_INT(sends(2, 0), ACCEPTED);
    CHECK(stream.sides[0].rx_names->more[0].rx == first);
    declare(&one, suite, SEEDS(1));
    one.rx_mki.len = 0;
    apply(&one, 0);
    CHECK(stream.sides[0].rx == first && !stream.sides[0].rx_names);
    bare = seal(1, 0, false);
    CHECK_INT(arrives(&bare, false, 0), ACCEPTED);
    CHECK_INT(sends(2, 100), ACCEPTED); /* old */
    CHECK_INT(sends(2, GH_OLD_KEY_MS), REFUSED);
    CHECK(!stream.sides[0].has_mki);
    end();
}

/* The same keys once more, in any order: contexts, windows and what is old stay as they are. */
static void a_refresh(void)
{
    struct sealed packet;

    begin(CM80);
    set_a(SEEDS(9), 0);
    set_a(SEEDS(1, 2, 3), 1000);
    packet = seal(2, 2, false);
    CHECK_INT(arrives(&packet, false, 1000), ACCEPTED);
    for (int i = 0; i < 2; i++) {
        const struct gh_rx_names *names = stream.sides[0].rx_names;
        const struct gh_srtp_rx *was[] = { stream.sides[0].rx, names->more[0].rx, names->more[1].rx };

        set_a(i ? SEEDS(2, 3, 1) : SEEDS(1, 2, 3), 1500);
        CHECK(stream.sides[0].rx == was[i ? 1 : 0]);
        CHECK(stream.sides[0].rx_names->more[0].rx == was[i ? 2 : 1]);
        CHECK(stream.sides[0].rx_names->more[1].rx == was[i ? 0 : 2]);
        CHECK_INT(arrives(&packet, false, 1500), REPLAYED);
        CHECK_INT(sends(9, 1500), ACCEPTED);
    }
    CHECK_INT(told(GH_MEDIA_EVENT_PROVEN), 1);
    CHECK_INT(sends(3, 1500), ACCEPTED); /* of this generation too */
    CHECK_INT(told(GH_MEDIA_EVENT_PROVEN), 1);
    end();
}

/* Eight keys are kept beside those in force and the old ones; what was older is refused for good. */
static void the_shelf_holds_two_sets_of_four(void)
{
    struct sealed packet;

    begin(CM80);
    set_a(SEEDS(1, 2, 3, 4), 0);
    packet = seal(4, 4, false);
    CHECK_INT(arrives(&packet, false, 0), ACCEPTED);
    set_a(SEEDS(11, 12, 13, 14), 0);
    set_a(SEEDS(21, 22, 23, 24), 0);
    set_a(SEEDS(31, 32, 33, 34), 0); /* 1 to 4 and 11 to 14 lie there */
    set_a(SEEDS(5, 4), 0);
    CHECK_INT(arrives(&packet, false, 0), REPLAYED);
    CHECK_INT(sends(4, 0), ACCEPTED);
    CHECK_INT(told(GH_MEDIA_EVENT_FAILED), 0);
    set_a(SEEDS(41, 42, 43, 44), 0);
    set_a(SEEDS(51, 52, 53, 54), 0);
    set_a(SEEDS(61, 62, 63, 64), 0);
    set_a(SEEDS(71, 1), 0);
    CHECK_INT(told(GH_MEDIA_EVENT_FAILED), 1);
    CHECK_INT(stream.sides[0].path, GH_PATH_NONE);
    CHECK_INT(sends(71, 0), GH_DROP_NO_KEY_YET);
    set_a(SEEDS(71, 61), 0);
    CHECK_INT(sends(71, 0), ACCEPTED);
    CHECK_INT(sends(61, 0), ACCEPTED);
    end();
}

/* A key that stood still on the shelf, or beside another, while the source went round. */
static void a_key_comes_back_after_a_roll_over(void)
{
    for (int i = 0; i < 2; i++) {
        begin(i ? GCM : CM80);
        set_a(SEEDS(1, 2), 0);
        CHECK_INT(sends(2, 0), ACCEPTED);
        CHECK_INT(sends(1, 0), ACCEPTED);
        set_a(SEEDS(1, 3), 0);
        for (int k = 0; k < 5; k++) {
            phone.seq = (uint16_t)(phone.seq + 29999);
            CHECK_INT(sends(3, 0), ACCEPTED);
        }
        set_a(SEEDS(4, 5), 0); /* 1 has not been heard since */
        set_a(SEEDS(2, 1), 0);
        CHECK_INT(sends(2, 0), ACCEPTED);
        CHECK_INT(sends(1, 0), ACCEPTED);
        end();
    }
}

static void another_stream_on_the_same_ports(void)
{
    struct gh_stream heir;
    struct sealed packet;
    struct gh_side *side = &stream.sides[0];
    const struct gh_srtp_rx *second;

    begin(CM80);
    set_a(SEEDS(1, 2), 0);
    second = side->rx_names->more[0].rx;
    packet = seal(2, 2, false);
    CHECK_INT(arrives(&packet, false, 0), ACCEPTED);
    memcpy(&heir, &stream, sizeof(heir)); /* sockets that are not there */
    for (int s = 0; s < 2; s++) {
        struct gh_side *to = &heir.sides[s];

        to->rx = to->old_rx = NULL;
        to->tx = NULL;
        to->rx_names = to->old_names = NULL;
        to->past = NULL;
        to->has_mki = false;
        gh_side_inherit(to, &stream.sides[s]);
        CHECK(!stream.sides[s].rx && !stream.sides[s].rx_names && !stream.sides[s].has_mki);
        gh_side_fini(&stream.sides[s]);
    }
    memcpy(&stream, &heir, sizeof(heir));
    for (int s = 0; s < 2; s++) {
        stream.sides[s].stream = &stream;
        for (int i = 0; i < GH_PORT_COUNT; i++)
            stream.sides[s].ports[i].side = &stream.sides[s];
    }
    set_a(SEEDS(1, 2), 0);
    CHECK(side->rx_names->more[0].rx == second);
    CHECK_INT(arrives(&packet, false, 0), REPLAYED);
    end();
}

/* ---- whose keys they are --------------------------------------------------------------------------------- */

/* A key that a peer declared, the first or a further one, in force or before, is never sent under. */
static void none_of_them_is_ours(void)
{
    for (uint8_t seed = 1; seed <= 6; seed++) {
        begin(CM80);
        set_a(SEEDS(1, 2), 0);
        set_a(SEEDS(3, 4), 0);
        set_a(SEEDS(5, 6), 0);
        CHECK(stream.sides[1].tx != NULL);
        set_b(seed);
        CHECK(stream.sides[1].tx == NULL);
        set_b(OURS + 1);
        CHECK(stream.sides[1].tx != NULL);
        /* Nor to the very side that declared it. */
        stream.sides[0].tx_key = lab_key(CM80, seed);
        gh_side_link(&stream);
        CHECK(stream.sides[0].tx == NULL);
        end();
    }
}

/* ---- over sockets ---------------------------------------------------------------------------------------- */

/* @return the SSRC that it has at b */
static uint32_t crosses(struct lab *lab, struct gh_srtp_tx *tx, uint8_t named, bool rtcp)
{
    struct phone *a = &lab->phones[0];
    struct gh_media_mki mki = mki_of(named);
    struct sealed packet;
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), plain[PKT_MAX];
    size_t plain_len = rtcp ? make_rtcp(a, plain) : make_rtp(a, plain, 111, 75), len;

    a->tx = tx;
    memcpy(p, plain, plain_len);
    packet.len = phone_seal(a, p, plain_len, rtcp);
    memcpy(packet.p, p, packet.len);
    name(&packet, rtcp, &mki);
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
        suite = (enum gh_suite)s;
        lab_secure(&lab, GH_PATH_BRIDGE, suite, CM80);
        before = lab.phones[0].tx;
        for (int i = 0; i < 2; i++) {
            keys[i] = lab_key(suite, (uint8_t)(1 + 10 * i));
            CHECK_INT(gh_srtp_tx_new(&under[i], suite, &keys[i]), 0);
        }
        set = lab_side(&lab, 0, GH_PATH_BRIDGE, suite, NULL, &tx);
        declare(&set, suite, SEEDS(1, 11));
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

        declare(&set, CM80, SEEDS(1, 2, 3));
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
    RUN(one_goes_one_stays_one_comes);
    RUN(old_ones_end_after_the_first_under_a_new_one);
    RUN(an_mki_is_used_again);
    RUN(from_one_to_several_and_back);
    RUN(a_refresh);
    RUN(the_shelf_holds_two_sets_of_four);
    RUN(a_key_comes_back_after_a_roll_over);
    RUN(another_stream_on_the_same_ports);
    RUN(none_of_them_is_ours);
    RUN(one_source_to_the_other_side);
    RUN(sets_that_make_no_sense);
    return CHECK_REPORT();
}
