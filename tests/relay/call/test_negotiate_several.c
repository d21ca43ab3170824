/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of several keys (RFC 4568 section 6.1): what is asked, remembered and told of each of them,
 * over one exchange and the next.  Which lines are taken is in test_negotiate_lines.c, why one is
 * not in test_negotiate_fault.c.
 */
#include <stdlib.h>

#include "support/alloc_fail.h"
#include "support_session.h"

#define LINE(keys)   SAVP("1", AES80, keys)
#define TWO(a, b)    a "|1:1;inline:" b "|2:1"
#define ANSWER(keys) "m=audio 6000 RTP/SAVP 0\na=crypto:2 " AES80 " inline:" keys "\n"

static const struct nego_who required = { REQUIRED };

static void refused(struct session *session, int offerer, const char *offer, const char *answer,
                    const char *reason)
{
    CHECK_STR(gh_reason_name(session_change(session, offerer, offer, answer)), reason);
}

static struct gh_secret key_of(const char *name)
{
    struct gh_secret key = { 0 };

    key.len = (uint8_t)nego_key(name, key.octets);
    return key;
}

/* ---- what the media plane is told ------------------------------------------------------------ */

static void each_has_its_mki_and_lifetime(void)
{
    struct gh_media_set set;
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, LINE("@A1|2^20|258:2;inline:@A2|7:2;inline:@A3|1000|65535:2"),
         ANSWER("@B1"));
    in_force(&s, 0, "A1+A2+A3 own", "B1 own");
    CHECK_INT(gh_neg_media_set(&s.neg->streams[0], GH_SIDE_A, &set), 0);
    CHECK_INT(set.path, GH_PATH_BRIDGE);
    CHECK_INT(set.rx_lifetime_pkts, 1 << 20);
    CHECK(set.rx_mki.len == 2 && set.rx_mki.octets[0] == 1 && set.rx_mki.octets[1] == 2);
    CHECK_OR_STOP(set.rx_more && set.rx_more->count == 2);
    CHECK_INT(set.rx_more->keys[0].lifetime_pkts, 0);
    CHECK_INT(set.rx_more->keys[1].lifetime_pkts, 1000);
    CHECK_INT(set.rx_more->keys[0].mki.len, 2);
    CHECK(memcmp(set.rx_more->keys[0].mki.octets, "\0\7", 2) == 0);
    CHECK(memcmp(set.rx_more->keys[1].mki.octets, "\377\377", 2) == 0);
    gh_media_more_free(set.rx_more);
    CHECK_INT(gh_neg_media_set(&s.neg->streams[0], GH_SIDE_B, &set), 0);
    CHECK(!set.rx_more && !set.rx_mki.len);
    gh_secret_wipe(&set.rx_key);
    gh_secret_wipe(&set.tx_key);
    session_fini(&s);
}

/* ---- what the memory of keys is asked -------------------------------------------------------- */

struct memory {
    const char *bad; /* name of the key that it refuses; NULL: none */
    enum gh_reason reason;
    enum gh_gate_verdict verdict;
    char declared[128]; /* "aA1 bB1", in order */
};

static struct gh_gate on_declared(void *arg, int side, unsigned mline, struct gh_secret *key)
{
    struct memory *memory = arg;
    const char *name;

    (void)mline;
    for (size_t i = 0; nego_key_text(i, &name); i++) {
        uint8_t octets[GH_SUITE_KEY_MAX];

        if (nego_key(name, octets) != key->len || memcmp(octets, key->octets, key->len) != 0)
            continue;
        snprintf(memory->declared + strlen(memory->declared),
                 sizeof(memory->declared) - strlen(memory->declared), "%s%c%s",
                 *memory->declared ? " " : "", 'a' + side, name);
        key->number = (uint32_t)(700 + i); /* as of a repeat */
        if (memory->bad && strcmp(memory->bad, name) == 0)
            return (struct gh_gate){ memory->verdict, memory->reason };
    }
    return (struct gh_gate){ GH_GATE_PASS, GH_REASON_NONE };
}

static void remember(struct session *session, struct memory *memory)
{
    session_init(session, &required, &required);
    session->keeper = (struct gh_neg_keeper){ .arg = memory, .declared = on_declared };
}

static void each_is_asked_about(void)
{
    struct memory memory = { .bad = NULL };
    uint32_t numbers[GH_MEDIA_RX_KEYS_MAX];
    struct session s;

    remember(&s, &memory);
    must(&s, GH_SIDE_A, LINE("@A1|1:1;inline:@A2|2:1;inline:@A3|3:1"), ANSWER(TWO("@B1", "@B2")));
    CHECK_STR(memory.declared, "aA1 aA2 aA3 bB1 bB2");
    /* The numbers that the memory has for them. */
    CHECK_INT(gh_neg_rx_keys(&s.neg->streams[0], GH_SIDE_A, numbers), 3);
    CHECK(numbers[0] == 700 && numbers[1] == 701 && numbers[2] == 702);
    CHECK_INT(gh_neg_rx_keys(&s.neg->streams[0], GH_SIDE_B, numbers), 2);
    session_fini(&s);

    /* Also about those of a line that is not used. */
    memory.declared[0] = 0;
    remember(&s, &memory);
    s.leg[GH_SIDE_A].leg.mki = GH_MKI_REFUSE;
    must(&s, GH_SIDE_A,
         LINE(TWO("@A1", "@A2")) "a=crypto:2 " AES80 " inline:@A3|1:1;inline:@A3|2:1\n"
                                 "a=crypto:3 " AES80 " inline:@AG;inline:@A1\n"
                                 "a=crypto:4 " AES80 " inline:@B3\n",
         "m=audio 6000 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@B1\n");
    CHECK_STR(memory.declared, "aA1 aA2 aA3 aA3 aB3 bB1");
    in_force(&s, 0, "B3 B1", "B1 B3");
    session_fini(&s);
}

static void each_may_be_refused(void)
{
    static const char *const names[] = { "A1", "A2", "A3", "B1", "B2", "B3" };
    static const enum gh_reason reasons[] = { GH_REASON_KEY_EXPOSED, GH_REASON_KEY_ECHOED,
                                              GH_REASON_KEY_REUSED };

    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct memory memory = { .bad = names[i],
                                     .reason = reasons[k],
                                     .verdict = GH_GATE_REFUSE };
            char marks[512];
            struct session s;

            remember(&s, &memory);
            refused(&s, GH_SIDE_A, LINE("@A1|1:1;inline:@A2|2:1;inline:@A3|3:1"),
                    ANSWER("@B1|1:1;inline:@B2|2:1;inline:@B3|3:1"), gh_reason_name(reasons[k]));
            session_fini(&s);
            memory.verdict = GH_GATE_PASS;
            remember(&s, &memory);
            must(&s, GH_SIDE_A, LINE("@A1|1:1;inline:@A2|2:1;inline:@A3|3:1"),
                 ANSWER("@B1|1:1;inline:@B2|2:1;inline:@B3|3:1"));
            CHECK_STR(nego_marks(s.neg, marks), gh_reason_name(reasons[k]));
            session_fini(&s);
        }
    }
}

/* One key both ways, told without a memory: any of the answer, against any that was offered. */
static void echoes(void)
{
    static const char *const answers[] = { "@A1", "@A2", TWO("@B1", "@A1"), TWO("@B1", "@A2"),
                                           TWO("@A2", "@B1") };
    char text[512], own[128];
    struct session s;

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        snprintf(text, sizeof(text), ANSWER("%s"), answers[i]);
        session_init(&s, &required, &required);
        refused(&s, GH_SIDE_A, LINE(TWO("@A1", "@A2")), text, "key_echoed");
        session_fini(&s);
    }
    /* Our own key comes back, as the first of two and as the second. */
    for (int i = 0; i < 2; i++) {
        session_init(&s, &required, &required);
        must(&s, GH_SIDE_A, LINE("@A1|1:1"), ANSWER("@B1"));
        CHECK(*session_key(s.offered, 0, 1, own));
        snprintf(text, sizeof(text), ANSWER("%s|1:1;inline:%s|2:1"), i ? "@B2" : own,
                 i ? own : "@B2");
        refused(&s, GH_SIDE_A, LINE("@A1|1:1"), text, "key_echoed");
        in_force(&s, 0, "A1 own", "B1 own");
        session_fini(&s);
    }
}

static void any_may_be_exposed(void)
{
    static const char *const names[] = { "A1", "A2", "B1", "B2" };

    for (size_t i = 0; i < 4; i++) {
        struct gh_secret key = key_of(names[i]), other = key_of("A3");
        struct session s;

        session_init(&s, &required, &required);
        must(&s, GH_SIDE_A, LINE(TWO("@A1", "@A2")), ANSWER(TWO("@B1", "@B2")));
        CHECK(!gh_neg_exposed(s.neg, &other));
        CHECK(!s.neg->streams[0].exposed);
        CHECK(gh_neg_exposed(s.neg, &key));
        CHECK(s.neg->streams[0].exposed);
        session_fini(&s);
    }
    /* And before the answer. */
    for (size_t i = 0; i < 2; i++) {
        struct gh_secret key = key_of(names[i]);
        struct session s;

        session_init(&s, &required, &required);
        refused(&s, GH_SIDE_A, LINE(TWO("@A1", "@A2")), "", "bad_sdp");
        CHECK_OR_STOP(s.pending != NULL);
        CHECK(gh_neg_exposed(s.pending, &key));
        session_fini(&s);
    }
}

/* ---- the next exchange ----------------------------------------------------------------------- */

static uint32_t number(const struct session *s, int side)
{
    return s->neg->streams[0].side[side].rx_key;
}

/* The number that stands for them all is another when any of them is, and only then. */
static void a_set_has_a_name(void)
{
    static const struct {
        const char *offer, *keys;
        bool same;
    } rows[] = {
        { LINE(TWO("@A1", "@A2")), "A1+A2", true },
        { LINE("@A1|2^20|8:1;inline:@A2|9:1"), "A1+A2", true },
        { LINE(TWO("@A1", "@A3")), "A1+A3", false },
        { LINE(TWO("@A3", "@A1")), "A3+A1", false },
        { LINE("@A3|1:1;inline:@A1|2:1;inline:@A2|3:1"), "A3+A1+A2", false },
        { LINE(TWO("@A3", "@A1")), "A3+A1", false },
        { LINE("@A3|1:1"), "A3", false },
        { LINE("@A3"), "A3", true },
        { LINE(TWO("@A3", "@A1")), "A3+A1", false },
    };
    struct memory memory = { .bad = NULL };
    uint32_t before_a, before_b;
    char want[32];
    struct session s;

    remember(&s, &memory);
    must(&s, GH_SIDE_A, rows[0].offer, ANSWER(TWO("@B1", "@B2")));
    before_b = number(&s, GH_SIDE_B);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        before_a = number(&s, GH_SIDE_A);
        memory.declared[0] = 0;
        must(&s, GH_SIDE_A, rows[i].offer,
             "m=audio 6000 RTP/SAVP 0\na=crypto:1 " AES80 " inline:" TWO("@B1", "@B2") "\n");
        snprintf(want, sizeof(want), "%s own", rows[i].keys);
        in_force(&s, 0, want, i == 7 ? "B1+B2 A3" : "B1+B2 own");
        if (!CHECK_INT(number(&s, GH_SIDE_A) == before_a, rows[i].same))
            fprintf(stderr, "  row %zu\n", i);
        CHECK_INT(number(&s, GH_SIDE_B), before_b);
    }
    session_fini(&s);
}

/* A session refresh of our own: the answer's further key is another, or the same. */
static void our_own_exchange(void)
{
    uint32_t before;
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, LINE(TWO("@A1", "@A2")), ANSWER(TWO("@B1", "@B2")));
    before = number(&s, GH_SIDE_B);
    CHECK_STR(gh_reason_name(session_alone(&s, GH_SIDE_B, ANSWER(TWO("@B1", "@B2")))), "none");
    CHECK(!s.neg->rekeyed);
    CHECK_INT(number(&s, GH_SIDE_B), before);
    in_force(&s, 0, "A1+A2 own", "B1+B2 own");
    CHECK_STR(gh_reason_name(session_alone(&s, GH_SIDE_B, ANSWER(TWO("@B1", "@B3")))), "none");
    CHECK(s.neg->rekeyed);
    CHECK(number(&s, GH_SIDE_B) != before);
    in_force(&s, 0, "A1+A2 own", "B1+B3 own");
    CHECK_STR(gh_reason_name(session_alone(&s, GH_SIDE_B, ANSWER("@B1|1:1"))), "none");
    CHECK(s.neg->rekeyed);
    in_force(&s, 0, "A1+A2 own", "B1 own");
    /* a hears nothing of it, and its keys must not come back from b. */
    CHECK_STR(gh_reason_name(session_alone(&s, GH_SIDE_B, ANSWER(TWO("@B1", "@A2")))),
              "key_echoed");
    in_force(&s, 0, "A1+A2 own", "B1 own");
    session_fini(&s);
}

/* An m-line that is off for a while keeps its keys, so that nothing is replayed later. */
static void an_m_line_that_is_off(void)
{
    struct gh_media_set set;
    struct session s;

    session_init(&s, &required, &required);
    must(&s, GH_SIDE_A, LINE("@A3") VIDEO("1", AES80, TWO("@A1", "@A2")),
         "m=audio 6000 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@B3\n"
         "m=video 6002 RTP/SAVP 97\na=crypto:2 " AES80 " inline:" TWO("@B1", "@B2") "\n");
    for (int i = 0; i < 2; i++) {
        must(&s, GH_SIDE_A, LINE("@A3") OFF_VIDEO,
             "m=audio 6000 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@B3\n" OFF_VIDEO);
        CHECK(s.neg->streams[1].parked);
        for (int side = 0; side < 2; side++) {
            CHECK_INT(gh_neg_media_set(&s.neg->streams[1], side, &set), 0);
            CHECK(set.rx_more && set.rx_more->count == 1);
            gh_media_more_free(set.rx_more);
        }
    }
    gh_secret_wipe(&set.rx_key);
    gh_secret_wipe(&set.tx_key);
    session_fini(&s);
}

/* ---- forks and memory ------------------------------------------------------------------------ */

static bool offer_of(struct gh_neg *neg, struct nego_leg *leg)
{
    char octets[NEGO_TEXT_MAX];
    struct gh_sdp *doc = NULL;
    enum gh_reason reason;

    nego_leg(leg, &required);
    gh_neg_init(neg, GH_SIDE_A, NULL);
    reason = gh_neg_offer_in(
        neg, nego_expand(A_HEAD LINE("@A1|1:1;inline:@A2|2:1;inline:@A3|3:1"), octets), &leg->leg);
    nego_ports(neg);
    if (reason == GH_REASON_NONE)
        reason = gh_neg_offer_out(neg, &leg->leg, &leg->leg, &nego_self_b, true, &doc);
    gh_sdp_free(doc);
    return CHECK_INT(reason, GH_REASON_NONE);
}

static enum gh_reason answer_of(struct gh_neg *fork, const struct gh_neg *again,
                                const struct nego_leg *leg, const char *answer)
{
    char octets[NEGO_TEXT_MAX];
    struct gh_sdp *doc = NULL;
    enum gh_reason reason = gh_neg_answer_in(fork, nego_expand(answer, octets), &leg->leg, false);

    if (reason == GH_REASON_NONE)
        reason = gh_neg_answer_out(fork, again, &leg->leg, &nego_self_a, &doc);
    gh_sdp_free(doc);
    return reason;
}

/* Each has the offer's keys for itself; another answer of one dialog goes on with their names. */
static void forks(void)
{
    static const char *const answers[] = { B_HEAD ANSWER(TWO("@B1", "@B2")), B_HEAD ANSWER("@B3"),
                                           B_HEAD ANSWER(TWO("@B1", "@B2")) };
    struct gh_neg neg, fork[3];
    struct nego_leg leg;

    CHECK_OR_STOP(offer_of(&neg, &leg));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(gh_neg_fork(&fork[i], &neg), 0);
        CHECK_STR(gh_reason_name(answer_of(&fork[i], i == 2 ? &fork[0] : NULL, &leg, answers[i])),
                  "none");
    }
    gh_neg_fini(&neg);
    for (int i = 1; i < 3; i++)
        CHECK_INT(fork[i].streams[0].side[GH_SIDE_A].rx_key,
                  fork[0].streams[0].side[GH_SIDE_A].rx_key);
    CHECK_INT(fork[2].streams[0].side[GH_SIDE_B].rx_key, fork[0].streams[0].side[GH_SIDE_B].rx_key);
    CHECK(fork[1].streams[0].side[GH_SIDE_B].rx_key != fork[0].streams[0].side[GH_SIDE_B].rx_key);
    for (int i = 0; i < 3; i++) {
        uint32_t numbers[GH_MEDIA_RX_KEYS_MAX];

        gh_neg_settled(&fork[i]);
        CHECK_INT(gh_neg_rx_keys(&fork[i].streams[0], GH_SIDE_A, numbers), 3);
        CHECK_INT(gh_neg_rx_keys(&fork[i].streams[0], GH_SIDE_B, numbers), i == 1 ? 1 : 2);
        gh_neg_fini(&fork[i]);
    }
}

/* An exchange that runs out of memory is refused, and what it was made of is whole. */
static void without_memory(void)
{
#if GH_ALLOC_CAN_FAIL
    struct gh_neg neg, fork;
    struct nego_leg leg;
    enum gh_reason reason;
    char octets[NEGO_TEXT_MAX];
    struct gh_span text;
    long n = 0;
    int err;

    CHECK_OR_STOP(offer_of(&neg, &leg));
    text = nego_expand(A_HEAD LINE("@A1|1:1;inline:@A2|2:1;inline:@A3|3:1"), octets);
    do {
        struct gh_neg offer;

        gh_neg_init(&offer, GH_SIDE_A, NULL);
        alloc_fail_at(++n);
        reason = gh_neg_offer_in(&offer, text, &leg.leg);
        CHECK_STR(gh_reason_name(reason), alloc_failed() ? "internal" : "none");
        gh_neg_fini(&offer);
    } while (reason != GH_REASON_NONE && n < 1000);
    CHECK(n > 5);
    n = 0;
    do {
        alloc_fail_at(++n);
        err = gh_neg_fork(&fork, &neg);
        if (alloc_failed())
            CHECK(err == GH_ENOMEM && !fork.offer && !fork.streams);
    } while (err && n < 1000);
    CHECK(n > 5);
    CHECK_STR(gh_reason_name(answer_of(&fork, NULL, &leg, B_HEAD ANSWER(TWO("@B1", "@B2")))),
              "none");
    for (n = 0, err = GH_ENOMEM; err && n < 10;) {
        struct gh_media_set set;

        alloc_fail_at(++n);
        err = gh_neg_media_set(&fork.streams[0], GH_SIDE_A, &set);
        CHECK_INT(err, alloc_failed() ? GH_ENOMEM : 0);
        CHECK_INT(set.rx_more == NULL, err != 0);
        gh_media_more_free(set.rx_more);
    }
    gh_neg_fini(&fork);
    n = 0;
    do {
        CHECK_INT(gh_neg_fork(&fork, &neg), 0);
        alloc_fail_at(++n);
        reason = answer_of(&fork, NULL, &leg, B_HEAD ANSWER(TWO("@B1", "@B2")));
        CHECK_STR(gh_reason_name(reason), alloc_failed() ? "internal" : "none");
        gh_neg_fini(&fork);
    } while (reason != GH_REASON_NONE && n < 1000);
    CHECK(n > 5);
    gh_neg_fini(&neg);
#else
    CHECK(1); /* a sanitizer has its own allocator */
#endif
}

int main(void)
{
    RUN(each_has_its_mki_and_lifetime);
    RUN(each_is_asked_about);
    RUN(each_may_be_refused);
    RUN(echoes);
    RUN(any_may_be_exposed);
    RUN(a_set_has_a_name);
    RUN(our_own_exchange);
    RUN(an_m_line_that_is_off);
    RUN(forks);
    RUN(without_memory);
    return CHECK_REPORT();
}
