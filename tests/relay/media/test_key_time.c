/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys over time to the millisecond, and over more keys than a side keeps: the worker's own functions, with time as an
 * argument and without a socket.  A packet that was accepted ends as not_sending, for nobody is there to send it to.
 */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "media/media_int.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, CM32 = GH_AES_CM_128_HMAC_SHA1_32;

#define OLD_KEY_MS GH_OLD_KEY_MS
#define AFTER_NEW_MS GH_OLD_KEY_AFTER_NEW_MS

/* ---- a stream without sockets ---------------------------------------------------------------------------- */

static struct gh_worker worker;
static struct gh_stream stream;
static struct gh_own own;
static struct phone phone;
static uint32_t generation;

static void begin(void)
{
    memset(&worker, 0, sizeof(worker));
    memset(&stream, 0, sizeof(stream));
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
    generation = 0;
}

static void end(void)
{
    gh_side_fini(&stream.sides[0]);
    gh_side_fini(&stream.sides[1]);
    gh_mailbox_free(worker.outbox);
}

/* Keys are named by their seeds; 0: none. */
static void set(int side, enum gh_suite suite, uint8_t rx_seed, uint8_t tx_seed, uint64_t now_ms)
{
    struct gh_media_set to = { .side = side, .generation = ++generation, .may_send = true, .may_receive = true,
                               .path = GH_PATH_BRIDGE, .suite = suite };

    if (rx_seed)
        to.rx_key = lab_key(suite, rx_seed);
    if (tx_seed)
        to.tx_key = lab_key(suite, tx_seed);
    gh_side_apply(&stream.sides[side], &to, now_ms);
    gh_side_link(&stream);
}

static uint64_t drops(enum gh_drop cause)
{
    return atomic_load(&stream.sides[0].counters.drops[cause]);
}

/* A packet of phone a's under the key of @seed; its number is the next whatever the key.  @return its end */
static enum gh_drop packet_under(uint8_t seed, uint64_t now_ms)
{
    struct gh_secret key = lab_key(CM80, seed);
    struct gh_media_counters before, after;
    struct gh_srtp_tx *tx = NULL;
    size_t len = make_rtp(&phone, worker.packet, 96, 160);
    int end_of = -1;

    CHECK_INT(gh_srtp_tx_new(&tx, CM80, &key), 0);
    CHECK_INT(gh_srtp_tx_seal_rtp(tx, 1, worker.packet, &len), 0);
    gh_srtp_tx_free(tx);
    gh_counters_read(&stream.sides[0].counters, &before);
    gh_forward(&worker, &stream.sides[0].ports[GH_PORT_RTP], len, NULL, now_ms);
    gh_counters_read(&stream.sides[0].counters, &after);
    for (int i = 0; i < GH_DROP_COUNT; i++) {
        if (after.drops[i] == before.drops[i] + 1)
            end_of = i;
    }
    CHECK(end_of >= 0);
    return (enum gh_drop)end_of;
}

#define ACCEPTED GH_DROP_NOT_SENDING
#define REFUSED GH_DROP_AUTH_FAILED

/* What was told since the last call: how often @kind, and with which error. */
static int told(enum gh_media_event_kind kind, int *err)
{
    int count = 0;

    for (struct gh_msg *msg = gh_mailbox_wait(worker.outbox, 0), *next; msg; msg = next) {
        const struct gh_event_msg *event = (const struct gh_event_msg *)msg;

        next = msg->next;
        if (event->event.kind == kind) {
            count++;
            *err = event->event.err;
        }
        msg->drop(msg);
    }
    return count;
}

/* ---- the old receiving key ------------------------------------------------------------------------------- */

static void it_lives_two_seconds(void)
{
    begin();
    set(1, CM80, 2, 4, 0);
    set(0, CM80, 1, 3, 0);
    set(0, CM80, 10, 3, 5000);
    CHECK_INT(packet_under(1, 5000), ACCEPTED);
    CHECK_INT(packet_under(1, 5000 + OLD_KEY_MS - 1), ACCEPTED);
    CHECK_INT(packet_under(1, 5000 + OLD_KEY_MS), REFUSED);
    CHECK_INT(packet_under(10, 5000 + OLD_KEY_MS), ACCEPTED);
    end();
}

static void one_second_past_the_first_under_the_new(void)
{
    begin();
    set(1, CM80, 2, 4, 0);
    set(0, CM80, 1, 3, 0);
    set(0, CM80, 10, 3, 5000);
    CHECK_INT(packet_under(10, 5300), ACCEPTED);
    CHECK_INT(packet_under(10, 5900), ACCEPTED); /* the first counts, not the last */
    CHECK_INT(packet_under(1, 5300 + AFTER_NEW_MS - 1), ACCEPTED);
    CHECK_INT(packet_under(1, 5300 + AFTER_NEW_MS), REFUSED);
    /* Near the end of the two seconds it puts nothing off. */
    set(0, CM80, 20, 3, 10000);
    CHECK_INT(packet_under(20, 10000 + OLD_KEY_MS - 10), ACCEPTED);
    CHECK_INT(packet_under(10, 10000 + OLD_KEY_MS - 1), ACCEPTED);
    CHECK_INT(packet_under(10, 10000 + OLD_KEY_MS), REFUSED);
    end();
}

/* Nor does a set that brings no new one; a third key ends the first at once, and no key ends all. */
static void sets_in_between(void)
{
    begin();
    set(1, CM80, 2, 4, 0);
    set(0, CM80, 1, 3, 0);
    set(0, CM80, 10, 3, 5000);
    set(0, CM80, 10, 3, 6000);
    CHECK_INT(packet_under(1, 5000 + OLD_KEY_MS - 1), ACCEPTED);
    CHECK_INT(packet_under(1, 5000 + OLD_KEY_MS), REFUSED);
    set(0, CM80, 20, 3, 9000);
    set(0, CM80, 30, 3, 9010);
    CHECK_INT(packet_under(10, 9020), REFUSED);
    CHECK_INT(packet_under(20, 9020), ACCEPTED);
    CHECK_INT(packet_under(30, 9020), ACCEPTED);
    set(0, CM80, 0, 3, 9030);
    CHECK_INT(packet_under(30, 9040), GH_DROP_NO_KEY_YET);
    CHECK_INT(packet_under(20, 9040), GH_DROP_NO_KEY_YET);
    end();
}

/* ROC is learnt from what authenticates alone: forgeries about the edge move nothing. */
static void forgeries_teach_no_roc(void)
{
    begin();
    set(1, CM80, 2, 4, 0);
    set(0, CM80, 1, 3, 0);
    phone.seq = 40000;
    CHECK_INT(packet_under(1, 0), ACCEPTED);
    for (unsigned i = 0; i < 200; i++) {
        phone.seq = (uint16_t)(40001 + 331 * i);
        CHECK(packet_under(99, 0) != ACCEPTED); /* behind the window: a replay, whatever its tag */
    }
    CHECK(drops(REFUSED) > 50 && drops(GH_DROP_REPLAYED) > 50);
    phone.seq = 40001; /* ROC 0 still: packet_under seals with no other */
    CHECK_INT(packet_under(1, 0), ACCEPTED);
    phone.seq = 65535;
    CHECK_INT(packet_under(1, 0), ACCEPTED);
    end();
}

/* ---- a context lives as long as its key ----------------------------------------------------------------- */

static void our_key_that_comes_back_has_its_context(void)
{
    struct gh_srtp_tx *made[GH_SHELF_MAX + 1];
    int err = 0;

    begin();
    set(0, CM80, 1, 3, 0);
    for (uint8_t i = 0; i <= GH_SHELF_MAX; i++) {
        set(1, CM80, 2, (uint8_t)(100 + i), 0);
        made[i] = stream.sides[1].tx;
        CHECK(made[i] != NULL);
    }
    for (uint8_t i = 0; i <= GH_SHELF_MAX; i++) {
        set(1, CM80, 2, (uint8_t)(100 + i), 0);
        CHECK(stream.sides[1].tx == made[i]);
    }
    for (unsigned i = 0, at = 0; i < 200; i++, at = (at * 5 + i) % (GH_SHELF_MAX + 1)) { /* in any order */
        set(1, CM80, 2, (uint8_t)(100 + at), 0);
        CHECK(stream.sides[1].tx == made[at]);
    }
    for (uint8_t i = 0; i <= GH_SHELF_MAX; i++)
        set(1, CM80, 2, (uint8_t)(100 + i), 0);
    CHECK_INT(told(GH_MEDIA_EVENT_FAILED, &err), 0);
    /* Two more, and the two oldest are gone for good: 100 and 101. */
    set(1, CM80, 2, 150, 0);
    set(1, CM80, 2, 151, 0);
    CHECK_INT(told(GH_MEDIA_EVENT_FAILED, &err), 0);
    for (uint8_t i = 0; i < 2; i++) {
        set(1, CM80, 2, (uint8_t)(100 + i), 0);
        CHECK(stream.sides[1].tx == NULL);
        CHECK_INT(told(GH_MEDIA_EVENT_FAILED, &err), 1);
        CHECK_INT(err, GH_ESTALE);
        CHECK_INT(stream.sides[1].path, GH_PATH_NONE);
    }
    set(1, CM80, 2, 103, 0); /* 102 made room for 151 */
    CHECK(stream.sides[1].tx == made[3]);
    CHECK_INT(told(GH_MEDIA_EVENT_FAILED, &err), 0);
    end();
}

static void a_peers_key_that_comes_back_has_its_context(void)
{
    struct gh_srtp_rx *made[GH_SHELF_MAX + 2];
    int err = 0;

    begin();
    set(1, CM80, 2, 4, 0);
    for (uint8_t i = 0; i < GH_SHELF_MAX + 2; i++) {
        set(0, CM80, (uint8_t)(100 + i), 3, 0);
        made[i] = stream.sides[0].rx;
        CHECK_INT(packet_under((uint8_t)(100 + i), 0), ACCEPTED);
    }
    for (uint8_t i = 0; i < GH_SHELF_MAX + 2; i++) { /* present, old, and the shelf */
        set(0, CM80, (uint8_t)(100 + i), 3, 0);
        CHECK(stream.sides[0].rx == made[i]);
    }
    for (unsigned i = 0, at = 0; i < 200; i++, at = (at * 5 + i) % GH_SHELF_MAX) { /* in any order */
        set(0, CM80, (uint8_t)(100 + at), 3, 0);
        CHECK(stream.sides[0].rx == made[at]);
    }
    for (uint8_t i = 0; i < GH_SHELF_MAX + 2; i++)
        set(0, CM80, (uint8_t)(100 + i), 3, 0);
    CHECK_INT(told(GH_MEDIA_EVENT_FAILED, &err), 0);
    set(0, CM80, 150, 3, 0);
    set(0, CM80, 151, 3, 0);
    CHECK_INT(told(GH_MEDIA_EVENT_FAILED, &err), 0);
    set(0, CM80, 100, 3, 0); /* what was captured under it would be new again */
    CHECK_INT(told(GH_MEDIA_EVENT_FAILED, &err), 1);
    CHECK_INT(err, GH_ESTALE);
    CHECK_INT(packet_under(100, 0), GH_DROP_NO_KEY_YET);
    set(0, CM80, 151, 3, 0);
    CHECK_INT(packet_under(151, 0), ACCEPTED);
    end();
}

/* _80 and _32 of one key have one keystream. */
static void another_suite_is_no_other_key(void)
{
    int err = 0;

    begin();
    set(0, CM80, 1, 3, 0);
    set(1, CM80, 2, 4, 0);
    CHECK(stream.sides[1].tx != NULL);
    set(1, CM32, 5, 4, 0);
    CHECK(stream.sides[1].tx == NULL);
    CHECK_INT(told(GH_MEDIA_EVENT_FAILED, &err), 1);
    CHECK_INT(err, GH_ESTALE);
    end();
}

/* The far one's, also under another suite and long ago; and the receiver's own, echoed. */
static void never_under_a_peers_key(void)
{
    begin();
    set(0, CM80, 1, 3, 0);
    for (uint8_t i = 0; i < GH_SHELF_MAX + 3; i++)
        set(0, CM80, (uint8_t)(100 + i), 3, 0);
    set(1, CM80, 2, 1, 0); /* a's first key, which fell off the shelf */
    CHECK(stream.sides[1].tx == NULL);
    set(1, CM80, 2, 100 + GH_SHELF_MAX, 0);
    CHECK(stream.sides[1].tx == NULL);
    set(1, CM32, 5, 100 + GH_SHELF_MAX, 0);
    CHECK(stream.sides[1].tx == NULL);
    set(1, CM80, 2, 2, 0);
    CHECK(stream.sides[1].tx == NULL);
    set(1, CM80, 2, 4, 0);
    CHECK(stream.sides[1].tx != NULL);
    set(0, CM80, 4, 3, 0); /* a declares what we send under to b: no more of it */
    CHECK(stream.sides[1].tx == NULL);
    end();
}

/* More keys than can be marked: then none is taken, rather than one twice. */
static void marks_have_an_end(void)
{
    struct gh_retired retired = { 0 };
    struct gh_secret key = lab_key(GH_AES_256_CM_HMAC_SHA1_80, 1), other = lab_key(GH_AES_256_CM_HMAC_SHA1_80, 2);

    for (int i = 0; i < GH_RETIRED_MAX; i++) {
        key.octets[0] = (uint8_t)i;
        key.octets[1] = (uint8_t)(i >> 8);
        CHECK(!gh_retired_has(&retired, &key));
        gh_retired_add(&retired, &key);
        CHECK(gh_retired_has(&retired, &key));
    }
    CHECK(!gh_retired_has(&retired, &other));
    gh_retired_add(&retired, &other);
    CHECK(gh_retired_has(&retired, &other));
    other.octets[5] ^= 1;
    CHECK(gh_retired_has(&retired, &other));
    gh_retired_fini(&retired);
    CHECK(gh_retired_has(&retired, &key));
}

/* ---- limits ----------------------------------------------------------------------------------------------- */

static void our_key_is_told_in_time_and_ends(void)
{
    int err = 0;

    begin();
    set(1, CM80, 2, 4, 0);
    set(0, CM80, 1, 3, 0);
    stream.sides[1].ports[GH_PORT_RTP].usable = true; /* to be sealed for; the descriptor takes nothing */
    CHECK_INT(packet_under(1, 0), GH_DROP_SEND_FAILED);
    CHECK_INT(told(GH_MEDIA_EVENT_KEY_SOON, &err), 0);
    gh_srtp_tx_set_left(stream.sides[1].tx, GH_SRTP_PKTS_MAX / 10 + 1, GH_SRTCP_PKTS_MAX);
    CHECK_INT(packet_under(1, 0), GH_DROP_SEND_FAILED);
    CHECK_INT(told(GH_MEDIA_EVENT_KEY_SOON, &err), 1);
    gh_srtp_tx_set_left(stream.sides[1].tx, 2, 0);
    CHECK_INT(packet_under(1, 0), GH_DROP_SEND_FAILED);
    CHECK_INT(packet_under(1, 0), GH_DROP_SEND_FAILED);
    CHECK_INT(packet_under(1, 0), GH_DROP_KEY_LIMIT);
    CHECK_INT(drops(GH_DROP_KEY_LIMIT), 1);
    CHECK_INT(told(GH_MEDIA_EVENT_KEY_SOON, &err), 0); /* once a generation */
    set(1, CM80, 2, 40, 0);                            /* a new key: a new life */
    stream.sides[1].ports[GH_PORT_RTP].usable = true;
    CHECK_INT(packet_under(1, 0), GH_DROP_SEND_FAILED);
    set(1, CM80, 2, 4, 0); /* and the old one is as worn as it was */
    stream.sides[1].ports[GH_PORT_RTP].usable = true;
    CHECK_INT(packet_under(1, 0), GH_DROP_KEY_LIMIT);
    end();
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(it_lives_two_seconds);
    RUN(one_second_past_the_first_under_the_new);
    RUN(sets_in_between);
    RUN(forgeries_teach_no_roc);
    RUN(our_key_that_comes_back_has_its_context);
    RUN(a_peers_key_that_comes_back_has_its_context);
    RUN(another_suite_is_no_other_key);
    RUN(never_under_a_peers_key);
    RUN(marks_have_an_end);
    RUN(our_key_is_told_in_time_and_ends);
    CHECK_INT(lab_failures(), 0);
    return CHECK_REPORT();
}
