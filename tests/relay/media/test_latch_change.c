/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clear `symmetric` leg whose description is set again while somebody sends to its port: he can only win inside the
 * window after a set that names another address.  RTP has no more to give; see media.h, gh_source_rule.
 */
#include "support/check.h"

#include <unistd.h>

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "support_latch.h"

#define LONG_MS (3600 * 1000)
#define TRIES 8 /* packets that he sends each time */

/* What a's SDP says; where phone a really is may be elsewhere. */
struct said {
    struct gh_addr rtp, rtcp;
};

static struct said said_by(const struct lab *lab)
{
    return (struct said){ lab->phones[0].addr[0], lab->phones[0].addr[1] };
}

static void set_to(struct lab *lab, struct said said, bool may, uint64_t latch_ms)
{
    struct gh_media_set set = lab_side(lab, 0, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);

    set.remote_rtp = said.rtp;
    set.remote_rtcp = said.rtcp;
    set.may_send = set.may_receive = may;
    set.media_source = GH_SOURCE_RULE_SYMMETRIC;
    set.latch_ms = latch_ms;
    CHECK_INT(lab_set(lab, &set), 0);
}

/* c=0.0.0.0: RFC 3264 section 8.4, hold as it was in RFC 2543. */
static void hold_by_address(struct lab *lab, struct said said)
{
    memset(said.rtp.ip, 0, sizeof(said.rtp.ip));
    memset(said.rtcp.ip, 0, sizeof(said.rtcp.ip));
    set_to(lab, said, true, LONG_MS);
}

/* RTP as good as the phone's own, and reports: each is dropped for @cause, of which there were @before. */
static void attack_in_vain_as(struct lab *lab, struct attacker *attacker, enum gh_drop cause, uint64_t before)
{
    uint8_t p[PKT_MAX];

    for (uint64_t i = 0; i < TRIES; i++) {
        attack(lab, attacker, i % 2, p, i % 2 ? plain_report(lab, p) : plain_guess(lab, p));
        await_drops(lab, 0, cause, before + i + 1);
    }
}

static void attack_in_vain(struct lab *lab, struct attacker *attacker)
{
    attack_in_vain_as(lab, attacker, GH_DROP_UNKNOWN_SOURCE,
                      counters_of(lab, 0).drops[GH_DROP_UNKNOWN_SOURCE]);
}

static void check_flows_all(struct lab *lab)
{
    for (int k = 0; k < 4; k++)
        check_flows(lab, k % 2, k / 2);
}

static int latched(struct lab *lab)
{
    return events_of(lab, 0, GH_MEDIA_EVENT_LATCHED);
}

/* A call, and where a is learnt: at what its SDP says, or behind a NAT.  @said  written: that */
static bool start_learnt(struct lab *lab, bool behind_nat, struct said *said)
{
    if (!start_clear(lab, LONG_MS))
        return false;
    *said = said_by(lab);
    for (int i = 0; behind_nat && i < 2; i++)
        phone_moves(lab, 0, i, ELSEWHERE);
    check_flows(lab, 0, false);
    check_flows(lab, 0, true);
    lab_barrier(lab);
    return true;
}

/* The window opens anew with each set, and is of no use to him: the place is taken. */
static void the_same_address_again(void)
{
    for (int behind_nat = 0; behind_nat < 2; behind_nat++) {
        struct lab lab;
        struct attacker attacker = attacker_at(FAR_AWAY);
        struct said said;
        int before;

        if (!start_learnt(&lab, behind_nat, &said))
            return;
        before = latched(&lab);
        for (int i = 0; i < 4; i++) {
            set_to(&lab, said, i % 2, LONG_MS); /* on hold, and back, twice */
            attack_in_vain(&lab, &attacker);
            if (i % 2)
                check_flows_all(&lab);
        }
        check_got_nothing(&lab, &attacker);
        CHECK_INT(latched(&lab), before);
        LAB_END(&lab);
    }
}

static void hold_by_address_and_back(void)
{
    for (int behind_nat = 0; behind_nat < 2; behind_nat++) {
        struct lab lab;
        struct attacker attacker = attacker_at(FAR_AWAY);
        uint8_t p[PKT_MAX];
        struct said said;
        int before;

        if (!start_learnt(&lab, behind_nat, &said))
            return;
        before = latched(&lab);
        for (uint64_t i = 0; i < 2; i++) {
            hold_by_address(&lab, said);
            attack_in_vain(&lab, &attacker);
            phone_send(&lab, 1, false, p, make_rtp(&lab.phones[1], p, 0, 160)); /* to nobody */
            await_drops(&lab, 1, GH_DROP_NOT_SENDING, i + 1);
            set_to(&lab, said, true, LONG_MS);
            attack_in_vain(&lab, &attacker); /* he is the first one to speak now */
            check_flows_all(&lab);
        }
        check_got_nothing(&lab, &attacker);
        CHECK_INT(latched(&lab), before);
        LAB_END(&lab);
    }
}

/* Without a window he has none.  With it he may be the first: that is the price of the option, and it is told. */
static void another_address(void)
{
    struct lab lab;
    struct attacker attacker = attacker_at(FAR_AWAY), second = attacker_at(FAR_AWAY);
    struct gh_media_event event;
    struct said said;
    uint8_t p[PKT_MAX];

    if (!start_clear(&lab, LONG_MS))
        return;
    check_flows(&lab, 0, false);
    phone_moves(&lab, 0, false, NULL);
    set_to(&lab, said_by(&lab), true, 0);
    attack_in_vain(&lab, &attacker);
    check_flows_all(&lab);

    phone_moves(&lab, 0, false, NULL);
    said = said_by(&lab);
    set_to(&lab, said, true, LONG_MS);
    CHECK_INT(latched(&lab), 0);
    attack(&lab, &attacker, false, p, plain_guess(&lab, p));
    CHECK(phone_receive(&lab, 1, false, p) > 0);
    event = event_of(&lab, GH_MEDIA_EVENT_LATCHED, 0);
    check_event(&event, &said.rtp, &attacker.addr, false, false);

    /* The phone says where it is now: that is another address, and ends it. */
    phone_moves(&lab, 0, false, NULL);
    set_to(&lab, said_by(&lab), true, LONG_MS);
    check_flows(&lab, 0, false);
    attack_in_vain(&lab, &attacker);
    check_flows_all(&lab);
    attack_in_vain(&lab, &second);
    check_got_nothing(&lab, &attacker);
    check_got_nothing(&lab, &second);
    lab_barrier(&lab);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_MOVED), 0);
    LAB_END(&lab);
}

/* The port is in the INVITE; what comes to it before the answer is nothing that could be learnt. */
static void before_the_answer(void)
{
    struct lab lab;
    struct attacker attacker = attacker_at(FAR_AWAY);

    for (int path_is_set = 0; path_is_set < 2; path_is_set++) {
        if (!lab_start(&lab, 4, 0))
            return;
        if (path_is_set) { /* the side is known, the other one has not answered */
            struct gh_media_set set = lab_side(&lab, 0, GH_PATH_NONE, GH_SUITE_NONE, NULL, NULL);

            set.media_source = GH_SOURCE_RULE_SYMMETRIC;
            set.latch_ms = LONG_MS;
            CHECK_INT(lab_set(&lab, &set), 0);
        }
        attack_in_vain_as(&lab, &attacker, path_is_set ? GH_DROP_UNKNOWN_SOURCE : GH_DROP_NO_KEY_YET, 0);
        lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
        set_rule(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SOURCE_RULE_SYMMETRIC, LONG_MS);
        check_flows_all(&lab);
        attack_in_vain(&lab, &attacker);
        lab_barrier(&lab);
        CHECK_INT(latched(&lab), 0);
        LAB_END(&lab);
    }
    close(attacker.fd);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(the_same_address_again);
    RUN(hold_by_address_and_back);
    RUN(another_address);
    RUN(before_the_answer);
    CHECK_INT(latch_failures(), 0);
    return CHECK_REPORT();
}
