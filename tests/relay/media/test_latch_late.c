/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Side a goes to another address by a set, and a packet from its old one is still under way: it is late, and says
 * nothing of where a is.  Nor does a copy of it.
 */
#include "support/check.h"

#include <poll.h>
#include <unistd.h>

#include "crypto/srtp_ciphers.h"
#include "media/source.h"
#include "support_latch.h"

#define LONG_MS (3600 * 1000)

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80;

struct move {
    struct attacker old;  /* a's place before */
    uint8_t late[PKT_MAX] __attribute__((aligned(8)));
    size_t late_len;      /* sent from there */
};

/* a seals a packet, and its RTP is elsewhere from now on. */
static void begin_move(struct lab *lab, struct move *move, const char *ip)
{
    move->late_len = sealed_rtp(lab, move->late);
    move->old = (struct attacker){ .fd = dup(lab->phones[0].fd[0]), .addr = lab->phones[0].addr[0] };
    CHECK(move->old.fd >= 0);
    phone_moves(lab, 0, false, ip);
}

static void reinvite(struct lab *lab, enum gh_source_rule rule, bool may_send)
{
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct gh_media_set set = lab_side(lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);

    set.media_source = rule;
    set.may_send = may_send;
    CHECK_INT(lab_set(lab, &set), 0);
}

static void on_a_clear_leg(void)
{
    struct lab lab;
    struct move move;

    if (!start_clear(&lab, LONG_MS))
        return;
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    begin_move(&lab, &move, FAR_AWAY);
    set_rule(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SOURCE_RULE_SYMMETRIC, LONG_MS);
    attack(&lab, &move.old, false, move.late, move.late_len);
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
    check_flows(&lab, 1, false);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    CHECK_INT(lab.event_count, 0);
    check_got_nothing(&lab, &move.old);
    LAB_END(&lab);
}

/* The far side's SDP made a keyed stream a clear one; to that, SRTP has the form of RTP. */
static void on_a_stream_that_was_renewed(void)
{
    struct lab lab;
    struct move move;
    struct gh_media_set sets[2];
    gh_stream_id old;

    if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
        return;
    check_flows(&lab, 0, false);
    lab_barrier(&lab);
    lab.event_count = 0;
    begin_move(&lab, &move, FAR_AWAY);
    old = lab.stream;
    CHECK_INT(gh_media_renew(lab.media, old, &lab.stream), 0);
    for (int s = 0; s < 2; s++) {
        gh_srtp_tx_free(lab.phones[s].tx);
        gh_srtp_rx_free(lab.phones[s].rx);
        lab.phones[s].tx = NULL;
        lab.phones[s].rx = NULL;
        sets[s] = lab_side(&lab, s, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
    }
    sets[0].media_source = GH_SOURCE_RULE_SYMMETRIC;
    sets[0].latch_ms = LONG_MS;
    CHECK_INT(gh_media_set_both(lab.media, sets), 0);
    lab_barrier(&lab);
    attack(&lab, &move.old, false, move.late, move.late_len);
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
    check_flows(&lab, 1, false);
    check_flows(&lab, 0, false);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 0);
    check_got_nothing(&lab, &move.old);
    LAB_END(&lab);
}

/* It authenticates, so it crosses if it may; what b sends goes where SDP says. */
static void on_a_keyed_leg(void)
{
    for (int i = 0; i < 4; i++) {
        bool may_send = i % 2;
        enum gh_source_rule rule = i / 2 ? GH_SOURCE_RULE_SYMMETRIC : GH_SOURCE_RULE_HOST;
        struct lab lab;
        struct move move;
        uint8_t got[PKT_MAX];

        if (!start_keyed(&lab, rule))
            return;
        check_flows(&lab, 0, false);
        check_flows(&lab, 1, false);
        begin_move(&lab, &move, i / 2 ? FAR_AWAY : NULL);
        reinvite(&lab, rule, may_send);
        attack(&lab, &move.old, false, move.late, move.late_len);
        if (may_send)
            CHECK(phone_receive(&lab, 1, false, got) > 0);
        else
            await_drops(&lab, 0, GH_DROP_NOT_SENDING, 1);
        check_flows(&lab, 1, false);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 0);
        check_got_nothing(&lab, &move.old);
        LAB_END(&lab);
    }
}

/* A copier is ahead of it.  a only listens: nothing from elsewhere is due.  Else he has the place until the true packet
 * comes from where a had been alone. */
static void and_a_copy_of_it(void)
{
    for (int may_send = 0; may_send < 2; may_send++) {
        struct lab lab;
        struct move move;
        struct attacker racer = attacker_at(ELSEWHERE);
        struct gh_media_event event;
        uint8_t got[PKT_MAX];

        if (!start_keyed(&lab, GH_SOURCE_RULE_SYMMETRIC))
            return;
        check_flows(&lab, 0, false);
        begin_move(&lab, &move, FAR_AWAY);
        reinvite(&lab, GH_SOURCE_RULE_SYMMETRIC, may_send);
        attack(&lab, &racer, false, move.late, move.late_len);
        if (may_send)
            CHECK(phone_receive(&lab, 1, false, got) > 0);
        else
            await_drops(&lab, 0, GH_DROP_NOT_SENDING, 1);
        attack(&lab, &move.old, false, move.late, move.late_len);
        if (may_send) {
            event = event_of(&lab, GH_MEDIA_EVENT_TAKEN_BACK, 0);
            check_event(&event, &racer.addr, &lab.phones[0].addr[0], false, false);
        } else {
            await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
        }
        check_flows(&lab, 1, false);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), may_send ? 2 : 0); /* RTCP went along */
        check_got_nothing(&lab, &racer);
        check_got_nothing(&lab, &move.old);
        LAB_END(&lab);
    }
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(on_a_clear_leg);
    RUN(on_a_stream_that_was_renewed);
    RUN(on_a_keyed_leg);
    RUN(and_a_copy_of_it);
    CHECK_INT(latch_failures(), 0);
    return CHECK_REPORT();
}
