/* SPDX-License-Identifier: Apache-2.0 */
/* Which address a port listens to: every rule, with time as an argument. */
#include "support/check.h"

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

static struct gh_port_source named(enum gh_source_rule rule, enum side_kind kind)
{
    struct gh_port_source source = { 0 };
    struct gh_media_set set = { .media_source = rule, .latch_ms = LATCH_MS,
                                .suite = kind == KEYED ? GH_AEAD_AES_128_GCM : GH_SUITE_NONE };
    struct gh_addr remote = at(NAMED, 4000);

    gh_port_source_changed(&source, gh_port_source_name(&source, &set, &remote, 0), false);
    return source;
}

static struct gh_port_source learnt(enum gh_source_rule rule, enum side_kind kind)
{
    struct gh_port_source source = named(rule, kind);

    gh_port_source_heard(&source);
    return source;
}

/* As the packet path does. */
static enum gh_source_step fresh_from(struct gh_port_source *source, const struct gh_port_source *rtp,
                                      const struct gh_addr *from, uint64_t now_ms)
{
    enum gh_source_step step = GH_SOURCE_STAY;

    if (gh_addr_eq(from, &source->current)) {
        gh_port_source_heard(source);
    } else if (gh_port_source_may_be(source, rtp, from, now_ms)) {
        step = gh_port_source_elsewhere(source, rtp, from, now_ms);
        if (step != GH_SOURCE_STAY)
            gh_port_source_changed(source, from, true);
    }
    return step;
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
}

/* Zeroed memory, and a side that was put on hold without an address: nobody is the source. */
static void a_placeholder_has_no_source(void)
{
    struct gh_port_source source = { 0 };
    struct gh_media_set set = { .media_source = GH_SOURCE_RULE_SYMMETRIC, .latch_ms = LATCH_MS };
    struct gh_addr other = at(OTHER, 5000), none = { 0 };

    CHECK(!gh_port_source_may_be(&source, NULL, &other, 0));
    gh_port_source_name(&source, &set, &none, 0);
    CHECK(!gh_port_source_may_be(&source, NULL, &other, 0));
}

static void the_first_one_is_learnt_once(void)
{
    struct gh_addr other = at(OTHER, 5000), third = at(OTHER, 5002), here = at(NAMED, 4000);
    struct gh_port_source source = named(GH_SOURCE_RULE_SYMMETRIC, CLEAR);

    CHECK_INT(fresh_from(&source, NULL, &other, 10), GH_SOURCE_LATCH);
    for (uint64_t t = 11; t < 100; t++) {
        CHECK_INT(fresh_from(&source, NULL, &third, t), GH_SOURCE_STAY);
        CHECK_INT(fresh_from(&source, NULL, &here, t), GH_SOURCE_STAY);
    }
    CHECK(gh_addr_eq(&source.current, &other));
    /* The one that SDP named came first: that is that. */
    source = named(GH_SOURCE_RULE_SYMMETRIC, CLEAR);
    CHECK_INT(fresh_from(&source, NULL, &here, 10), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&source, NULL, &other, 11), GH_SOURCE_STAY);
    /* A keyed one is learnt by one packet, at any time. */
    source = named(GH_SOURCE_RULE_HOST, KEYED);
    here.port = 4444;
    CHECK_INT(fresh_from(&source, NULL, &other, 1000000), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&source, NULL, &here, 1000000), GH_SOURCE_LATCH);
}

/* Packets of one from another address; each row says how many came in a row before the last one moved it. */
static void four_in_a_row_move_it(void)
{
    struct gh_addr other = at(OTHER, 5000), third = at(OTHER, 5002), here = at(NAMED, 4000);
    struct gh_port_source source = learnt(GH_SOURCE_RULE_SYMMETRIC, KEYED);

    for (uint64_t i = 0; i < 3; i++)
        CHECK_INT(fresh_from(&source, NULL, &other, 20 * i), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&source, NULL, &other, 999), GH_SOURCE_MOVE);
    CHECK(gh_addr_eq(&source.current, &other));
    /* Not again within 5 s, and then from the beginning: what came before does not count. */
    for (uint64_t t = 1000; t < 999 + GH_MOVE_INTERVAL_MS; t += 20)
        CHECK_INT(fresh_from(&source, NULL, &third, t), GH_SOURCE_STAY);
    for (uint64_t i = 0; i < 3; i++)
        CHECK_INT(fresh_from(&source, NULL, &third, 6000 + i), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&source, NULL, &third, 6003), GH_SOURCE_MOVE);
    /* Slower than 1 s: the first one does not count any more. */
    for (uint64_t t = 20000; t < 40000; t += 334)
        CHECK_INT(fresh_from(&source, NULL, &other, t), GH_SOURCE_STAY);
    /* Never with the true one between, however long. */
    for (uint64_t t = 50000; t < 51000; t++)
        CHECK_INT(fresh_from(&source, NULL, t % 4 ? &here : &third, t), GH_SOURCE_STAY);
    /* Two strangers that take turns are two strangers. */
    for (uint64_t t = 60000; t < 61000; t++)
        CHECK_INT(fresh_from(&source, NULL, t % 2 ? &here : &other, t), GH_SOURCE_STAY);
    CHECK(gh_addr_eq(&source.current, &third));
}

static void rtcp_is_beside_rtp(void)
{
    struct gh_addr beside = at(OTHER, 5001), away = at("203.0.113.9", 5001), rtp_at = at(OTHER, 5000);
    struct gh_port_source rtp = learnt(GH_SOURCE_RULE_SYMMETRIC, KEYED);
    struct gh_port_source rtcp = learnt(GH_SOURCE_RULE_SYMMETRIC, KEYED);

    /* RTP is elsewhere: four are needed. */
    for (uint64_t i = 0; i < 3; i++)
        CHECK_INT(fresh_from(&rtcp, &rtp, &beside, i), GH_SOURCE_STAY);
    gh_port_source_changed(&rtp, &rtp_at, true);
    CHECK_INT(fresh_from(&rtcp, &rtp, &away, 10), GH_SOURCE_STAY);
    CHECK_INT(fresh_from(&rtcp, &rtp, &beside, 11), GH_SOURCE_MOVE);
    /* Clear: only there, and only once RTP is known. */
    rtp = named(GH_SOURCE_RULE_SYMMETRIC, CLEAR);
    rtcp = rtp;
    gh_port_source_changed(&rtp, &rtp_at, false);
    CHECK(!gh_port_source_may_be(&rtcp, &rtp, &beside, 0));
    gh_port_source_changed(&rtp, &rtp_at, true);
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
    CHECK(gh_addr_eq(gh_port_source_name(&source, &set, &remote, 50), &other));
    CHECK(source.learnt);
    remote.port = 4002; /* SDP names another */
    CHECK(gh_addr_eq(gh_port_source_name(&source, &set, &remote, 10000), &remote));
    CHECK(!source.learnt);
    gh_port_source_changed(&source, &remote, false);
    CHECK(gh_port_source_may_be(&source, NULL, &other, 12999));
    CHECK(!gh_port_source_may_be(&source, NULL, &other, 13000));
    CHECK_INT(fresh_from(&source, NULL, &other, 12999), GH_SOURCE_LATCH);
    set.media_source = GH_SOURCE_RULE_SDP; /* the rule changes: back to what SDP says */
    CHECK(gh_addr_eq(gh_port_source_name(&source, &set, &remote, 0), &remote));
    /* A window that the set does not bring is none. */
    source = named(GH_SOURCE_RULE_SYMMETRIC, CLEAR);
    set = (struct gh_media_set){ .media_source = GH_SOURCE_RULE_SYMMETRIC };
    remote.port = 4000;
    gh_port_source_name(&source, &set, &remote, 10);
    CHECK(!gh_port_source_may_be(&source, NULL, &other, 10));
}

int main(void)
{
    RUN(who_may_be_the_source);
    RUN(nobodys_address_is_not_learnt);
    RUN(a_placeholder_has_no_source);
    RUN(the_first_one_is_learnt_once);
    RUN(four_in_a_row_move_it);
    RUN(rtcp_is_beside_rtp);
    RUN(a_set_of_the_same_keeps_it);
    return CHECK_REPORT();
}
