/* SPDX-License-Identifier: Apache-2.0 */
/* Which address a port listens to: every rule, with time as an argument.  Who races for it: test_source_race.c. */
#include "support/alloc_fail.h"

#include "support/check.h"

#include <gatehouse/err.h>
#include "media/source.h"

#define LATCH_MS 3000

enum side_kind { CLEAR, KEYED };

static struct gh_addr at(const char *ip, uint16_t port)
{
    struct gh_addr addr = { 0 };

    CHECK_INT(gh_addr_parse_ip(gh_span_str(ip), port, &addr), 0);
    return addr;
}

static const char *const NAMED = "192.0.2.1", *const OTHER = "198.51.100.7";

/* As gh_port_name does.  @return whether the place is another one */
static bool name(struct gh_port_source *source, const struct gh_media_set *set, const struct gh_addr *remote,
                 uint64_t now_ms)
{
    struct gh_source_verdict verdict = { .step = GH_SOURCE_STAY };
    const struct gh_addr *to = NULL;

    if (!CHECK_INT(gh_port_source_name(source, set, remote, false, now_ms, &to), 0) || gh_addr_eq(to, &source->current))
        return false;
    verdict.to = *to;
    gh_port_source_changed(source, &verdict, false, now_ms);
    return true;
}

static struct gh_port_source named(enum gh_source_rule rule, enum side_kind kind)
{
    struct gh_port_source source = { 0 };
    struct gh_media_set set = { .media_source = rule, .latch_ms = LATCH_MS,
                                .suite = kind == KEYED ? GH_AEAD_AES_128_GCM : GH_SUITE_NONE };
    struct gh_addr remote = at(NAMED, 4000);

    CHECK(name(&source, &set, &remote, 0));
    CHECK_INT(source.race != NULL, kind == KEYED && rule != GH_SOURCE_RULE_SDP);
    return source;
}

/* As the packet path does; each packet is another one. */
static struct gh_source_verdict hears(struct gh_port_source *source, const struct gh_port_source *rtp,
                                      const struct gh_addr *from, uint64_t now_ms)
{
    static uint32_t number;
    struct gh_source_mark mark = { number, number * 2654435761U };
    struct gh_source_verdict verdict = { .step = GH_SOURCE_STAY };

    number++;
    if (!gh_addr_eq(from, &source->current) && !gh_port_source_may_be(source, rtp, from, now_ms))
        return verdict;
    verdict = gh_port_source_accepted(source, rtp, from, true, &mark, now_ms);
    if (verdict.step == GH_SOURCE_CONFIRM)
        gh_port_source_confirmed(source);
    else if (verdict.step != GH_SOURCE_STAY)
        gh_port_source_changed(source, &verdict, true, now_ms);
    return verdict;
}

static enum gh_source_step fresh_from(struct gh_port_source *source, const struct gh_port_source *rtp,
                                      const struct gh_addr *from, uint64_t now_ms)
{
    return hears(source, rtp, from, now_ms).step;
}

static struct gh_port_source learnt(enum gh_source_rule rule, enum side_kind kind)
{
    struct gh_port_source source = named(rule, kind);
    struct gh_addr here = source.current;

    CHECK_INT(fresh_from(&source, NULL, &here, 0), GH_SOURCE_STAY);
    CHECK(source.learnt);
    return source;
}

static void is_at(struct gh_port_source *source, const struct gh_addr *addr)
{
    struct gh_source_verdict verdict = { .step = GH_SOURCE_MOVE, .to = *addr, .proven = true };

    gh_port_source_changed(source, &verdict, true, 0);
}

/* Who may be the source: rule, side, where from, learnt already, inside the window. */
static void who_may_be_the_source(void)
{
    static const struct row {
        enum gh_source_rule rule;
        enum side_kind kind;
        bool other_host, learnt, late, may;
    } rows[] = {
        { GH_SOURCE_RULE_SDP, CLEAR, false, false, false, false },
        { GH_SOURCE_RULE_SDP, CLEAR, true, false, false, false },
        { GH_SOURCE_RULE_SDP, KEYED, false, false, false, false },
        { GH_SOURCE_RULE_SDP, KEYED, true, false, false, false },
        { GH_SOURCE_RULE_HOST, CLEAR, false, false, false, false },
        { GH_SOURCE_RULE_HOST, CLEAR, true, false, false, false },
        { GH_SOURCE_RULE_HOST, KEYED, false, false, true, true },
        { GH_SOURCE_RULE_HOST, KEYED, false, true, true, true },
        { GH_SOURCE_RULE_HOST, KEYED, true, false, false, false },
        { GH_SOURCE_RULE_SYMMETRIC, CLEAR, false, false, false, true },
        { GH_SOURCE_RULE_SYMMETRIC, CLEAR, true, false, false, true },
        { GH_SOURCE_RULE_SYMMETRIC, CLEAR, true, false, true, false },
        { GH_SOURCE_RULE_SYMMETRIC, CLEAR, true, true, false, false },
        { GH_SOURCE_RULE_SYMMETRIC, KEYED, true, false, true, true },
        { GH_SOURCE_RULE_SYMMETRIC, KEYED, true, true, true, true },
        { GH_SOURCE_RULE_COUNT, KEYED, true, true, true, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct gh_port_source source = row->learnt ? learnt(row->rule, row->kind)
                                              : named(row->rule, row->kind);
        struct gh_addr from = at(row->other_host ? OTHER : NAMED, 5000);
        uint64_t now_ms = row->late ? LATCH_MS : LATCH_MS - 1;

        if (!CHECK_INT(gh_port_source_may_be(&source, NULL, &from, now_ms), row->may))
            fprintf(stderr, "  row %zu\n", i);
        gh_port_source_fini(&source);
    }
}

/* What gh_media_address refuses is not learnt either; test_address.c has them all. */
static void nobodys_address_is_not_learnt(void)
{
    static const char *const ips[] = { "224.0.0.1", "255.255.255.255", "0.0.0.0", "0.1.2.3", "ff02::1", "fe80::1" };
    struct gh_port_source source = named(GH_SOURCE_RULE_SYMMETRIC, KEYED);
    struct gh_addr no_port = at(OTHER, 0), good = at(OTHER, 9);

    for (size_t i = 0; i < sizeof(ips) / sizeof(ips[0]); i++) {
        struct gh_addr addr = at(ips[i], 9);

        CHECK(!gh_port_source_may_be(&source, NULL, &addr, 0));
    }
    CHECK(!gh_port_source_may_be(&source, NULL, &no_port, 0));
    CHECK(gh_port_source_may_be(&source, NULL, &good, 0));
    gh_port_source_fini(&source);
}

/* Zeroed memory, and a side that was put on hold without an address: nobody is the source. */
static void a_placeholder_has_no_source(void)
{
    struct gh_port_source source = { 0 };
    struct gh_media_set set = { .media_source = GH_SOURCE_RULE_SYMMETRIC, .latch_ms = LATCH_MS };
    struct gh_addr other = at(OTHER, 5000), none = { 0 };
    const struct gh_addr *to;

    CHECK(!gh_port_source_may_be(&source, NULL, &other, 0));
    for (int keyed = 0; keyed < 2; keyed++) {
        set.suite = keyed ? GH_AEAD_AES_128_GCM : GH_SUITE_NONE;
        CHECK_INT(gh_port_source_name(&source, &set, &none, false, 0, &to), 0);
        CHECK(!gh_port_source_may_be(&source, NULL, &other, 0));
        CHECK(source.race == NULL);
    }
}

static void the_first_one_is_learnt_once(void)
{
    struct gh_addr other = at(OTHER, 5000), third = at(OTHER, 5002), here = at(NAMED, 4000);
    struct gh_port_source source = named(GH_SOURCE_RULE_SYMMETRIC, CLEAR);

    CHECK_INT(fresh_from(&source, NULL, &other, 10), GH_SOURCE_LATCH);
    for (uint64_t t = 11; t < 100; t++) {
        CHECK_INT(fresh_from(&source, NULL, &third, t), GH_SOURCE_STAY);
        CHECK_INT(fresh_from(&source, NULL, &here, LATCH_MS + t), GH_SOURCE_STAY);
    }
    CHECK(gh_addr_eq(&source.current, &other));
    /* He is where SDP says, as the last moment of the window shows; then that is that. */
    CHECK_INT(fresh_from(&source, NULL, &here, LATCH_MS - 1), GH_SOURCE_MOVE);
    CHECK_INT(fresh_from(&source, NULL, &other, LATCH_MS - 1), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&source, NULL, &here, LATCH_MS - 1), GH_SOURCE_STAY);
    CHECK(gh_addr_eq(&source.current, &here));
    /* The one that SDP named came first: that is that. */
    source = named(GH_SOURCE_RULE_SYMMETRIC, CLEAR);
    CHECK_INT(fresh_from(&source, NULL, &here, 10), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&source, NULL, &other, 11), GH_SOURCE_STAY);
    /* A keyed one is learnt by one packet, at any time. */
    source = named(GH_SOURCE_RULE_HOST, KEYED);
    here.port = 4444;
    CHECK_INT(fresh_from(&source, NULL, &other, 1000000), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&source, NULL, &here, 1000000), GH_SOURCE_LATCH);
    gh_port_source_fini(&source);
}

/* One packet proves nothing of an address; half a second in which nobody else sends the same does. */
static void what_was_latched_is_proven_later(void)
{
    struct gh_addr other = at(OTHER, 5000);
    struct gh_port_source source = named(GH_SOURCE_RULE_SYMMETRIC, KEYED);
    struct gh_source_verdict verdict = hears(&source, NULL, &other, 1000);

    CHECK_INT(verdict.step, GH_SOURCE_LATCH);
    CHECK(!verdict.proven);
    for (uint64_t t = 1020; t < 1000 + GH_SOURCE_TRIAL_MS; t += 20)
        CHECK_INT(fresh_from(&source, NULL, &other, t), GH_SOURCE_STAY);
    verdict = hears(&source, NULL, &other, 1000 + GH_SOURCE_TRIAL_MS);
    CHECK_INT(verdict.step, GH_SOURCE_CONFIRM);
    CHECK(verdict.proven);
    CHECK(gh_addr_eq(&verdict.to, &other));
    for (uint64_t t = 2000; t < 9000; t += 20)
        CHECK_INT(fresh_from(&source, NULL, &other, t), GH_SOURCE_STAY);
    gh_port_source_fini(&source);
}

/* Packets from @from every @step_ms from @t on, until the source is there; each before moves nothing. */
static struct gh_source_verdict moves(struct gh_port_source *source, const struct gh_addr *from, uint64_t *t,
                                      uint64_t step_ms)
{
    struct gh_source_verdict verdict;
    uint64_t last_ms = *t + 60000;

    for (; *t < last_ms; *t += step_ms) {
        verdict = hears(source, NULL, from, *t);
        if (verdict.step == GH_SOURCE_MOVE)
            break;
        CHECK_INT(verdict.step, GH_SOURCE_STAY);
    }
    CHECK(gh_addr_eq(&source->current, from));
    return verdict;
}

/* Four in a row, and silence at the old address for half a second. */
static void four_in_a_row_move_it(void)
{
    struct gh_addr other = at(OTHER, 5000), third = at(OTHER, 5002), fourth = at(OTHER, 5004), here = at(NAMED, 4000);
    struct gh_port_source source = learnt(GH_SOURCE_RULE_SYMMETRIC, KEYED);
    uint64_t t = 0;

    CHECK(moves(&source, &other, &t, 20).proven);
    CHECK_INT(t, GH_SOURCE_TRIAL_MS);
    /* Not again within 5 s, and then from the beginning: what came before does not count. */
    CHECK(moves(&source, &third, &t, 20).proven);
    CHECK_INT(t, GH_SOURCE_TRIAL_MS + GH_MOVE_INTERVAL_MS + GH_SOURCE_TRIAL_MS);
    /* Few packets: four are needed, however long it takes, but within a second. */
    t = 20000;
    CHECK(moves(&source, &other, &t, 333).proven);
    CHECK_INT(t, 20999);
    for (t = 30000; t < 50000; t += 334)
        CHECK_INT(fresh_from(&source, NULL, &third, t), GH_SOURCE_STAY);
    /* Never with the true one between, however long. */
    for (t = 60000; t < 61000; t++)
        CHECK_INT(fresh_from(&source, NULL, t % 4 ? &third : &other, t), GH_SOURCE_STAY);
    /* Two strangers that take turns are two strangers. */
    for (t = 70000; t < 71000; t++)
        CHECK_INT(fresh_from(&source, NULL, t % 2 ? &third : &fourth, t), GH_SOURCE_STAY);
    /* Where the set has him nobody needs to have been silent. */
    t = 80000;
    CHECK(moves(&source, &here, &t, 20).proven);
    CHECK_INT(t, 80060);
    gh_port_source_fini(&source);
}

/* Just after a move, and while others go on with packets of sources that the peer has left. */
static void who_is_of_higher_rank_is_not_kept_waiting(void)
{
    struct gh_addr other = at(OTHER, 5000), third = at(OTHER, 5002), here = at(NAMED, 4000);
    struct gh_port_source source = learnt(GH_SOURCE_RULE_SYMMETRIC, KEYED);
    struct gh_source_verdict verdict = { 0 };
    uint64_t t = 0;
    int sent = 0;

    CHECK(moves(&source, &other, &t, 20).proven);
    do {
        t += 20;
        verdict = hears(&source, NULL, &here, t);
        sent++;
        CHECK_INT(fresh_from(&source, NULL, &other, t), GH_SOURCE_STAY);
        CHECK_INT(fresh_from(&source, NULL, &third, t), GH_SOURCE_STAY);
    } while (verdict.step == GH_SOURCE_STAY && sent < 100);
    CHECK_INT(verdict.step, GH_SOURCE_MOVE);
    CHECK(verdict.proven);
    CHECK_INT(sent, GH_MOVE_PKTS);
    CHECK(gh_addr_eq(&source.current, &here));
    /* But the way down is not shorter for it. */
    moves(&source, &third, &t, 20);
    CHECK_INT(t, 580 + GH_MOVE_INTERVAL_MS + GH_SOURCE_TRIAL_MS);
    /* The row has to be of one second for him too: who sends less often keeps nobody out. */
    for (int i = 0; i < 3; i++)
        CHECK_INT(fresh_from(&source, NULL, &here, t + 20000), GH_SOURCE_STAY);
    t += 20000 + GH_MOVE_WITHIN_MS;
    moves(&source, &other, &t, 20);
    gh_port_source_fini(&source);
}

static void rtcp_is_beside_rtp(void)
{
    struct gh_addr beside = at(OTHER, 5001), away = at("203.0.113.9", 5001), rtp_at = at(OTHER, 5000);
    struct gh_port_source rtp = learnt(GH_SOURCE_RULE_SYMMETRIC, KEYED);
    struct gh_port_source rtcp = learnt(GH_SOURCE_RULE_SYMMETRIC, KEYED);

    /* RTP is elsewhere: four are needed. */
    for (uint64_t i = 0; i < 3; i++)
        CHECK_INT(fresh_from(&rtcp, &rtp, &beside, i), GH_SOURCE_STAY);
    is_at(&rtp, &rtp_at);
    CHECK_INT(fresh_from(&rtcp, &rtp, &away, 10), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&rtcp, &rtp, &beside, 11), GH_SOURCE_MOVE);
    gh_port_source_fini(&rtcp);
    gh_port_source_fini(&rtp);
    /* Who has RTP since this moment, by one packet, has not proven himself yet. */
    rtp = named(GH_SOURCE_RULE_SYMMETRIC, KEYED);
    rtcp = learnt(GH_SOURCE_RULE_SYMMETRIC, KEYED);
    CHECK_INT(fresh_from(&rtp, NULL, &rtp_at, 1000), GH_SOURCE_LATCH);
    CHECK_INT(fresh_from(&rtcp, &rtp, &beside, 1001), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&rtp, NULL, &rtp_at, 1500), GH_SOURCE_CONFIRM);
    CHECK_INT(fresh_from(&rtcp, &rtp, &beside, 1501), GH_SOURCE_MOVE);
    gh_port_source_fini(&rtcp);
    gh_port_source_fini(&rtp);
    /* Clear: only there, and only once RTP is known. */
    rtp = named(GH_SOURCE_RULE_SYMMETRIC, CLEAR);
    rtcp = rtp;
    rtp.current = rtp_at;
    CHECK(!gh_port_source_may_be(&rtcp, &rtp, &beside, 0));
    rtp.learnt = true;
    CHECK(gh_port_source_may_be(&rtcp, &rtp, &beside, 0));
    CHECK(!gh_port_source_may_be(&rtcp, &rtp, &away, 0));
    CHECK_INT(fresh_from(&rtcp, &rtp, &beside, 0), GH_SOURCE_LATCH);
}

/* What a set leaves and what it makes new. */
static void a_set_of_the_same_keeps_it(void)
{
    struct gh_addr other = at(OTHER, 5000), remote = at(NAMED, 4000);
    struct gh_media_set set = { .media_source = GH_SOURCE_RULE_SYMMETRIC, .latch_ms = LATCH_MS };
    struct gh_port_source source = named(GH_SOURCE_RULE_SYMMETRIC, CLEAR);

    CHECK_INT(fresh_from(&source, NULL, &other, 0), GH_SOURCE_LATCH);
    CHECK(!name(&source, &set, &remote, 50));
    CHECK(gh_addr_eq(&source.current, &other));
    CHECK(source.learnt);
    remote.port = 4002; /* SDP names another */
    CHECK(name(&source, &set, &remote, 10000));
    CHECK(gh_addr_eq(&source.current, &remote));
    CHECK(!source.learnt);
    CHECK(gh_port_source_may_be(&source, NULL, &other, 12999));
    CHECK(!gh_port_source_may_be(&source, NULL, &other, 13000));
    CHECK_INT(fresh_from(&source, NULL, &other, 12999), GH_SOURCE_LATCH);
    set.media_source = GH_SOURCE_RULE_SDP; /* the rule changes: back to what SDP says */
    CHECK(name(&source, &set, &remote, 0));
    CHECK(gh_addr_eq(&source.current, &remote));
    /* A window that the set does not bring is none. */
    source = named(GH_SOURCE_RULE_SYMMETRIC, CLEAR);
    set = (struct gh_media_set){ .media_source = GH_SOURCE_RULE_SYMMETRIC };
    remote.port = 4000;
    CHECK(!name(&source, &set, &remote, 10));
    CHECK(!gh_port_source_may_be(&source, NULL, &other, 10));
}

/* What was under way when a set came, or is of another phone that rang: not where the peer is now. */
static void the_place_before_a_set_is_late(void)
{
    enum { SET_MS = 10000, ON_TIME_MS = SET_MS + GH_SOURCE_LATE_MS };

    for (int i = 0; i < 2; i++) {
        enum side_kind kind = i ? KEYED : CLEAR;
        struct gh_addr old = at(NAMED, 4000), next = at(NAMED, 4002), third = at(OTHER, 5000), fourth = at(OTHER, 5002);
        struct gh_media_set set = { .media_source = GH_SOURCE_RULE_SYMMETRIC, .latch_ms = LATCH_MS,
                                    .suite = kind == KEYED ? GH_AEAD_AES_128_GCM : GH_SUITE_NONE };
        struct gh_port_source source = learnt(GH_SOURCE_RULE_SYMMETRIC, kind), heir = { 0 };

        CHECK(name(&source, &set, &next, SET_MS));
        CHECK_INT(fresh_from(&source, NULL, &old, ON_TIME_MS - 1), GH_SOURCE_STAY);
        CHECK(gh_addr_eq(&source.current, &next));
        CHECK(!source.learnt);
        /* Another set soon after: nobody was heard at the one between. */
        CHECK(name(&source, &set, &third, SET_MS + 1));
        CHECK_INT(fresh_from(&source, NULL, &old, ON_TIME_MS), GH_SOURCE_STAY);
        /* He goes on from there: that is where he is. */
        CHECK_INT(fresh_from(&source, NULL, &old, ON_TIME_MS + 1), GH_SOURCE_LATCH);
        /* A set that names where he was found replaces nothing. */
        CHECK(!name(&source, &set, &old, 20000));
        CHECK_INT(fresh_from(&source, NULL, &old, 20000), GH_SOURCE_STAY);
        CHECK(source.learnt);
        /* There and back again. */
        CHECK(name(&source, &set, &next, 30000));
        CHECK(name(&source, &set, &old, 30001));
        CHECK_INT(fresh_from(&source, NULL, &fourth, 30002), GH_SOURCE_LATCH);
        CHECK_INT(fresh_from(&source, NULL, &old, 30003), kind == KEYED ? GH_SOURCE_STAY : GH_SOURCE_MOVE);
        /* Found elsewhere than named: both the next set and a stream in its place know it. */
        if (kind == CLEAR)
            is_at(&source, &fourth);
        gh_port_source_inherit(&heir, &source);
        CHECK(name(&heir, &set, &third, 40000));
        CHECK_INT(fresh_from(&heir, NULL, &fourth, 41999), GH_SOURCE_STAY);
        CHECK_INT(fresh_from(&heir, NULL, &next, 41999), GH_SOURCE_LATCH);
        gh_port_source_fini(&heir);
        gh_port_source_fini(&source);
    }
}

/* Without memory nothing has changed: neither is anybody taken for the source. */
#if GH_ALLOC_CAN_FAIL
static void without_memory_nothing_is_learnt(void)
{
    struct gh_port_source source = { 0 };
    struct gh_media_set set = { .media_source = GH_SOURCE_RULE_SYMMETRIC, .suite = GH_AEAD_AES_128_GCM };
    struct gh_addr remote = at(NAMED, 4000), next = at(NAMED, 4002), other = at(OTHER, 5000);
    const struct gh_addr *to = NULL;

    alloc_fail_at(1);
    CHECK_INT(gh_port_source_name(&source, &set, &remote, false, 0, &to), GH_ENOMEM);
    CHECK(alloc_failed());
    CHECK(to == NULL);
    CHECK(!gh_port_source_may_be(&source, NULL, &other, 0));
    CHECK(name(&source, &set, &remote, 0));
    CHECK_INT(fresh_from(&source, NULL, &other, 0), GH_SOURCE_LATCH);
    alloc_fail_at(1);
    CHECK_INT(gh_port_source_name(&source, &set, &next, false, 0, &to), GH_ENOMEM);
    CHECK(alloc_failed());
    CHECK(gh_addr_eq(&source.named, &remote));
    CHECK(source.learnt);
    gh_port_source_fini(&source);
}
#endif

int main(void)
{
    RUN(who_may_be_the_source);
    RUN(nobodys_address_is_not_learnt);
    RUN(a_placeholder_has_no_source);
    RUN(the_first_one_is_learnt_once);
    RUN(what_was_latched_is_proven_later);
    RUN(four_in_a_row_move_it);
    RUN(who_is_of_higher_rank_is_not_kept_waiting);
    RUN(rtcp_is_beside_rtp);
    RUN(a_set_of_the_same_keeps_it);
    RUN(the_place_before_a_set_is_late);
#if GH_ALLOC_CAN_FAIL
    RUN(without_memory_nothing_is_learnt);
#endif
    return CHECK_REPORT();
}
