/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who races the true party for its place: copies of its SRTP packets from another address, before or after them.
 * Packets are numbers here, which arrive at times; what the SRTP context does with a number is played.
 */
#include "support/check.h"

#include "media/source.h"

#define PKT_MS 20
#define WINDOW 128 /* GH_REPLAY_WINDOW */
#define NUMBERS 65536

static struct gh_addr at(const char *ip, uint16_t port)
{
    struct gh_addr addr = { 0 };

    CHECK_INT(gh_addr_parse_ip(gh_span_str(ip), port, &addr), 0);
    return addr;
}

/* One port, with the SRTP context before it. */
struct line {
    struct gh_port_source source;
    bool seen[NUMBERS];
    uint32_t newest;
    int steps[GH_SOURCE_CONFIRM + 1]; /* how often each was done */
    struct gh_source_verdict last;    /* but for STAY */
};

static struct gh_addr named, thief, phone; /* the phone's own address, when it is not the named one */

static void open_line(struct line *line, enum gh_source_rule rule, const struct gh_addr *signalling)
{
    struct gh_source_verdict verdict = { .step = GH_SOURCE_STAY };
    struct gh_media_set set = { .media_source = rule, .suite = GH_AES_CM_128_HMAC_SHA1_80 };
    const struct gh_addr *to = NULL;

    memset(line, 0, sizeof(*line));
    named = at("192.0.2.1", 4000);
    thief = at("203.0.113.9", 6666);
    phone = at("198.51.100.7", 5000);
    if (signalling)
        set.signalling = *signalling;
    CHECK_INT(gh_port_source_name(&line->source, &set, &named, false, 0, &to), 0);
    verdict.to = named;
    gh_port_source_changed(&line->source, &verdict, false, 0);
}

static void close_line(struct line *line)
{
    gh_port_source_fini(&line->source);
}

/* As forward.c and follow.c do.  @return what was done */
static enum gh_source_step arrives(struct line *line, const struct gh_addr *from, uint32_t number, uint64_t now_ms)
{
    struct gh_source_mark mark = { number & 0xffff, number * 2654435761U };
    struct gh_source_verdict verdict;

    if (!gh_addr_eq(from, &line->source.current) && !gh_port_source_may_be(&line->source, NULL, from, now_ms))
        return GH_SOURCE_STAY;
    if (line->seen[number] || number + WINDOW <= line->newest) {
        verdict = gh_port_source_copied(&line->source, from, &mark, now_ms);
    } else {
        bool fresh = number > line->newest;

        line->seen[number] = true;
        line->newest = fresh ? number : line->newest;
        verdict = gh_port_source_accepted(&line->source, NULL, from, fresh, &mark, now_ms);
    }
    if (verdict.step == GH_SOURCE_STAY)
        return GH_SOURCE_STAY;
    line->steps[verdict.step]++;
    line->last = verdict;
    if (verdict.step == GH_SOURCE_CONFIRM)
        gh_port_source_confirmed(&line->source);
    else if (verdict.step != GH_SOURCE_CONTEST)
        gh_port_source_changed(&line->source, &verdict, true, now_ms);
    return verdict.step;
}

static bool is_with(const struct line *line, const struct gh_addr *addr)
{
    return gh_addr_eq(&line->source.current, addr);
}

/* Packets @first up to @last, one each PKT_MS, from @from alone. */
static void sends(struct line *line, const struct gh_addr *from, uint32_t first, uint32_t last)
{
    for (uint32_t n = first; n <= last; n++)
        arrives(line, from, n, (uint64_t)n * PKT_MS);
}

/* The same, each of them from @second as well, @lead packets later. */
static void race(struct line *line, const struct gh_addr *first, const struct gh_addr *second, uint32_t from,
                 uint32_t last, uint32_t lead)
{
    for (uint32_t n = from; n <= last + lead; n++) {
        if (n <= last)
            arrives(line, first, n, (uint64_t)n * PKT_MS);
        if (n >= from + lead)
            arrives(line, second, n - lead, (uint64_t)n * PKT_MS + 5);
    }
}

/* ---- the named party is there -------------------------------------------------------------------------- */

/* The thief has every packet before us, from the first one on, by so many packets. */
static void a_copier_loses_to_the_named_party(void)
{
    static const uint32_t leads[] = { 0, 1, 3, 4, 10, 24, 26, 60, 127 };
    static const enum gh_source_rule rules[] = { GH_SOURCE_RULE_SYMMETRIC, GH_SOURCE_RULE_HOST };

    for (size_t i = 0; i < 2 * sizeof(leads) / sizeof(leads[0]); i++) {
        uint32_t lead = leads[i / 2], first = 10;
        static struct line line;

        open_line(&line, rules[i % 2], NULL);
        if (i % 2)
            thief = at("192.0.2.1", 6666); /* sdp_host lets nobody else try */
        CHECK_INT(arrives(&line, &thief, first, (uint64_t)first * PKT_MS), GH_SOURCE_LATCH);
        CHECK(!line.last.proven);
        race(&line, &thief, &named, first, 3000, lead);
        CHECK(is_with(&line, &named));
        CHECK_INT(line.steps[GH_SOURCE_LATCH], 1);
        CHECK_INT(line.steps[GH_SOURCE_TAKE_BACK], 1);
        CHECK_INT(line.steps[GH_SOURCE_MOVE], 0);
        /* Who had the place alone for so long, before the named party said its first word, was proven. */
        CHECK_INT(line.steps[GH_SOURCE_CONFIRM], lead * PKT_MS >= GH_SOURCE_TRIAL_MS);
        close_line(&line);
    }
}

/* He has the place until the first true packet, and no longer. */
static void one_true_packet_ends_it(void)
{
    static struct line line;

    open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
    CHECK_INT(arrives(&line, &thief, 10, 200), GH_SOURCE_LATCH);
    CHECK_INT(arrives(&line, &named, 10, 205), GH_SOURCE_TAKE_BACK);
    CHECK(gh_addr_eq(&line.last.to, &named));
    CHECK(!line.last.proven);
    CHECK(is_with(&line, &named));
    close_line(&line);
    /* His one packet was all; the next ones of the true party are the first to come. */
    open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
    CHECK_INT(arrives(&line, &thief, 10, 200), GH_SOURCE_LATCH);
    sends(&line, &named, 11, 13);
    CHECK(is_with(&line, &thief)); /* the copy of 10 was lost, and these could be anybody's */
    sends(&line, &named, 14, 14);
    CHECK(is_with(&line, &named));
    CHECK_INT(line.steps[GH_SOURCE_MOVE], 1);
    CHECK(line.last.proven);
    close_line(&line);
}

/* In the midst of a call that was undisturbed. */
static void a_copier_who_comes_later_gets_nothing(void)
{
    static const uint32_t leads[] = { 0, 1, 3, 4, 10, 24, 26, 60, 127 };

    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        static struct line line;

        open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
        /* What is under way from the true party goes on arriving. */
        for (uint32_t n = 1; n < 3000; n++) {
            if (n > 500)
                arrives(&line, &thief, n, (uint64_t)n * PKT_MS);
            if (n > leads[i])
                arrives(&line, &named, n - leads[i], (uint64_t)n * PKT_MS + 5);
            CHECK(is_with(&line, &named));
        }
        CHECK_INT(line.steps[GH_SOURCE_LATCH] + line.steps[GH_SOURCE_MOVE] + line.steps[GH_SOURCE_TAKE_BACK], 0);
        CHECK(line.steps[GH_SOURCE_CONTEST] > 0); /* told, by follow.c once */
        CHECK(gh_addr_eq(&line.last.to, &thief));
        close_line(&line);
    }
}

/* The true party was silent for long, as one who listens.  Only who is ahead by more than the trial gets
 * anything then, for what he is ahead by more. */
static void a_pause_is_no_way_in(void)
{
    static const uint32_t leads[] = { 0, 4, 24, 60 };

    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        uint32_t lead = leads[i], away = 0;
        static struct line line;

        open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
        sends(&line, &named, 1, 50);
        for (uint32_t n = 500; n < 3000; n++) {
            arrives(&line, &thief, n, (uint64_t)n * PKT_MS);
            if (n >= 500 + lead)
                arrives(&line, &named, n - lead, (uint64_t)n * PKT_MS + 5);
            away += !is_with(&line, &named);
        }
        CHECK(lead * PKT_MS < GH_SOURCE_TRIAL_MS ? away == 0 : away == lead - GH_SOURCE_TRIAL_MS / PKT_MS);
        CHECK_INT(line.steps[GH_SOURCE_TAKE_BACK], away > 0);
        close_line(&line);
    }
}

/* Now one is ahead and now the other, packets get lost and change their order: each row of dice anew. */
static void whatever_the_order_the_named_party_has_it(void)
{
    uint32_t dice = 1;

    for (int round = 0; round < 200; round++) {
        static struct { uint64_t at; uint32_t number; bool true_one; } queue[800];
        static struct line line;
        size_t count = 0;
        bool came = false;

        for (uint32_t n = 1; n <= 400; n++) {
            for (int who = 0; who < 2; who++) {
                dice = dice * 1664525 + 1013904223;
                if (dice >> 28 == 0)
                    continue; /* lost */
                queue[count].at = n * PKT_MS + 100 + (dice >> 8) % 60 - (who ? 0 : (unsigned)round % 80);
                queue[count].number = n;
                queue[count++].true_one = who;
            }
        }
        for (size_t i = 1; i < count; i++) { /* insertion: nearly sorted */
            __typeof__(queue[0]) one = queue[i];
            size_t k = i;

            for (; k > 0 && queue[k - 1].at > one.at; k--)
                queue[k] = queue[k - 1];
            queue[k] = one;
        }
        open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
        for (size_t i = 0, true_ones = 0; i < count; i++) {
            arrives(&line, queue[i].true_one ? &named : &thief, queue[i].number, queue[i].at);
            true_ones += queue[i].true_one;
            came = came || (queue[i].true_one && is_with(&line, &named));
            if (came || true_ones > 40)
                CHECK(is_with(&line, &named));
        }
        close_line(&line);
    }
}

/* ---- the set names another place than the phone's ------------------------------------------------------- */

/* Two strangers from the first packet on: nobody can tell.  The first stays, and nothing is proven. */
static void two_strangers_are_told_and_not_judged(void)
{
    for (uint32_t lead = 0; lead < 20; lead += 5) {
        static struct line line;

        open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
        race(&line, &thief, &phone, 10, 2000, lead);
        CHECK(is_with(&line, &thief));
        CHECK(line.steps[GH_SOURCE_CONTEST] > 1000);
        CHECK(gh_addr_eq(&line.last.to, &phone));
        CHECK_INT(line.steps[GH_SOURCE_CONFIRM] + line.steps[GH_SOURCE_MOVE], 0);
        /* He gives up: the other one has it. */
        sends(&line, &phone, 2100, 2104);
        CHECK(is_with(&line, &phone));
        sends(&line, &phone, 2105, 2200);
        CHECK_INT(line.steps[GH_SOURCE_CONFIRM], 1);
        /* And he who had it by a copy has no claim to it: now his copies come second. */
        race(&line, &phone, &thief, 2201, 4000, lead);
        CHECK(is_with(&line, &phone));
        CHECK_INT(line.steps[GH_SOURCE_TAKE_BACK], 0);
        close_line(&line);
    }
}

/* Of them, who sits where the signalling comes from is believed; or at the set's host, at another port. */
static void the_host_of_the_signalling_is_believed(void)
{
    for (int i = 0; i < 2; i++) {
        struct gh_addr host = i ? at("198.51.100.7", 5061) : at("192.0.2.1", 5061);
        static struct line line;

        open_line(&line, GH_SOURCE_RULE_SYMMETRIC, i ? &host : NULL);
        phone = host;
        phone.port = 7000;
        race(&line, &thief, &phone, 10, 2000, 1);
        CHECK(is_with(&line, &phone));
        CHECK_INT(line.steps[GH_SOURCE_LATCH], 1);
        CHECK_INT(line.steps[GH_SOURCE_TAKE_BACK], 1);
        CHECK_INT(line.steps[GH_SOURCE_MOVE], 0);
        close_line(&line);
    }
}

/* The phone was alone until its trial was over: the place is its own. */
static void who_had_it_alone_keeps_it(void)
{
    static const uint32_t leads[] = { 0, 1, 4, 24, 60, 127 };

    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        uint32_t away = 0;
        static struct line line;

        open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
        sends(&line, &phone, 1, 50);
        CHECK_INT(line.steps[GH_SOURCE_CONFIRM], 1);
        race(&line, &phone, &thief, 51, 500, 3); /* copies that come after say nothing */
        CHECK_INT(line.steps[GH_SOURCE_CONTEST], 0);
        for (uint32_t n = 600; n < 3000; n++) { /* after a pause, ahead of it */
            arrives(&line, &thief, n, (uint64_t)n * PKT_MS);
            if (n >= 600 + leads[i])
                arrives(&line, &phone, n - leads[i], (uint64_t)n * PKT_MS + 5);
            away += !is_with(&line, &phone);
        }
        CHECK(is_with(&line, &phone));
        CHECK(leads[i] * PKT_MS < GH_SOURCE_TRIAL_MS ? away == 0 : away == leads[i] - GH_SOURCE_TRIAL_MS / PKT_MS);
        close_line(&line);
    }
}

/* ---- a phone that moves ---------------------------------------------------------------------------------- */

static void a_phone_that_moves_is_followed(void)
{
    for (int late = 0; late < 2; late++) {
        static struct line line;

        open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
        sends(&line, &named, 1, 100);
        for (uint32_t n = 105; n < 160; n++) {
            /* What was under way on the old path arrives among the first on the new one. */
            if (late && n < 110)
                arrives(&line, &named, n - 4, (uint64_t)n * PKT_MS);
            arrives(&line, &phone, n, (uint64_t)n * PKT_MS);
        }
        CHECK(is_with(&line, &phone));
        CHECK_INT(line.steps[GH_SOURCE_MOVE], 1);
        CHECK_INT(line.last.step, GH_SOURCE_MOVE);
        CHECK(line.last.proven);
        close_line(&line);
    }
}

/* A copier behind it takes nothing, but where the phone is now is not proven until he stops. */
static void a_copy_on_the_way_costs_the_proof(void)
{
    static struct line line;

    open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
    sends(&line, &named, 1, 100);
    race(&line, &phone, &thief, 105, 200, 1);
    CHECK(is_with(&line, &phone));
    CHECK_INT(line.steps[GH_SOURCE_MOVE], 1);
    CHECK_INT(line.steps[GH_SOURCE_CONFIRM], 0);
    CHECK(line.steps[GH_SOURCE_CONTEST] > 0);
    sends(&line, &phone, 201, 300);
    CHECK_INT(line.steps[GH_SOURCE_CONFIRM], 1);
    CHECK(is_with(&line, &phone));
    close_line(&line);
}

/* ---- who forges addresses ----------------------------------------------------------------------------------- */

/*
 * The phone has moved.  Copies of its packets that seem to come from where it was, or from where the set has it,
 * take the place back: so would the true party.  It is told; and when they end the phone has it again.
 */
static void a_forged_address_holds_as_long_as_it_is_forged(void)
{
    struct gh_addr second = at("198.51.100.8", 5000);

    for (int i = 0; i < 2; i++) {
        struct gh_addr forged;
        static struct line line;

        open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
        sends(&line, &phone, 1, 50);
        sends(&line, &second, 51, 100);
        CHECK(is_with(&line, &second));
        CHECK_INT(line.steps[GH_SOURCE_MOVE], 1);
        forged = i ? named : phone;
        race(&line, &second, &forged, 101, 400, 1);
        CHECK(is_with(&line, &forged));
        CHECK_INT(line.steps[GH_SOURCE_TAKE_BACK], 1);
        CHECK_INT(line.steps[GH_SOURCE_MOVE], 1);
        CHECK(!line.last.proven);
        sends(&line, &second, 401, 700);
        CHECK(is_with(&line, &second));
        CHECK_INT(line.steps[GH_SOURCE_MOVE], 2);
        close_line(&line);
    }
    /* One single copy: for as long as between two moves. */
    static struct line line;
    uint32_t n = 101;

    open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
    sends(&line, &named, 1, 50);
    sends(&line, &phone, 51, 100);
    CHECK_INT(arrives(&line, &named, 100, 2000), GH_SOURCE_TAKE_BACK);
    while (!is_with(&line, &phone) && n < 1000) {
        arrives(&line, &phone, n, (uint64_t)n * PKT_MS);
        n++;
    }
    CHECK_INT((n - 1) * PKT_MS, 2000 + GH_MOVE_INTERVAL_MS + GH_SOURCE_TRIAL_MS);
    close_line(&line);
}

/* A replay is known by its number alone: without the packet itself it says nothing. */
static void a_number_is_no_copy(void)
{
    static struct line line;
    struct gh_source_mark guess = { 0 };

    open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
    sends(&line, &phone, 1, 100);
    for (uint32_t number = 0; number < 200; number++) {
        guess.number = number;
        guess.tag = number % 2 ? number * 77 : 0;
        CHECK_INT(gh_port_source_copied(&line.source, &named, &guess, 2000).step, GH_SOURCE_STAY);
        CHECK_INT(gh_port_source_copied(&line.source, &phone, &guess, 2000).step, GH_SOURCE_STAY);
        CHECK_INT(gh_port_source_copied(&line.source, &thief, &guess, 2000).step, GH_SOURCE_STAY);
    }
    /* What was seen before a set that begins anew is forgotten. */
    {
        struct gh_media_set set = { .media_source = GH_SOURCE_RULE_SYMMETRIC, .suite = GH_AEAD_AES_128_GCM };
        struct gh_addr next = at("192.0.2.2", 4000);
        struct gh_source_verdict verdict = { .step = GH_SOURCE_STAY, .to = next };
        const struct gh_addr *to;

        CHECK_INT(gh_port_source_name(&line.source, &set, &next, false, 0, &to), 0);
        gh_port_source_changed(&line.source, &verdict, false, 0);
        CHECK_INT(arrives(&line, &next, 100, 2000), GH_SOURCE_STAY);
        CHECK(!line.source.learnt);
    }
    close_line(&line);
}

/*
 * A set, and what was under way then: a copier's of it are found out by the true ones from the old place, when that was
 * its own.  The place is the named one's then.
 */
static void who_had_it_before_the_set_is_believed(void)
{
    for (int i = 0; i < 4; i++) {
        struct gh_media_set set = { .media_source = GH_SOURCE_RULE_SYMMETRIC, .suite = GH_AES_CM_128_HMAC_SHA1_80 };
        struct gh_addr next = at("192.0.2.2", 4000);
        struct gh_source_verdict verdict = { .step = GH_SOURCE_STAY, .to = next };
        const struct gh_addr *to, *old = i ? &phone : &named;
        uint32_t last = i == 1 ? 10 : 100; /* after one packet nobody had it for his own */
        uint64_t t;
        static struct line line;

        open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
        if (i == 3) /* nor is he believed against the host of the signalling */
            set.signalling = at("203.0.113.9", 5061);
        sends(&line, old, 10, last);
        t = (last + 1) * PKT_MS;
        CHECK_INT(gh_port_source_name(&line.source, &set, &next, false, t, &to), 0);
        gh_port_source_changed(&line.source, &verdict, false, t);
        CHECK_INT(arrives(&line, old, last + 1, t), GH_SOURCE_STAY);
        CHECK_INT(arrives(&line, &thief, last + 1, t), GH_SOURCE_STAY);
        CHECK_INT(arrives(&line, &thief, last + 2, t), GH_SOURCE_LATCH);
        if (i % 2 == 0) {
            CHECK_INT(arrives(&line, old, last + 2, t), GH_SOURCE_TAKE_BACK);
            CHECK(is_with(&line, &next));
        } else {
            CHECK(arrives(&line, old, last + 2, t) != GH_SOURCE_TAKE_BACK);
            CHECK(is_with(&line, &thief));
        }
        close_line(&line);
    }
}

/* Copies that are not read cannot tell anything: as long as there may be some, nobody is proven. */
static void a_flood_proves_nobody(void)
{
    static struct line line;

    open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
    gh_port_source_is_flooded(&line.source, 0);
    for (uint32_t n = 1; n < 1000; n++) {
        if (n % 12 == 0)
            gh_port_source_is_flooded(&line.source, (uint64_t)n * PKT_MS);
        arrives(&line, &thief, n, (uint64_t)n * PKT_MS);
    }
    CHECK_INT(line.steps[GH_SOURCE_CONFIRM], 0);
    sends(&line, &thief, 1000, 1030);
    CHECK_INT(line.steps[GH_SOURCE_CONFIRM], 1);
    close_line(&line);
}

/* The network may double a packet, of whoever sends it: nobody copies. */
static void what_the_network_doubles_is_no_contest(void)
{
    static struct line line;

    open_line(&line, GH_SOURCE_RULE_SYMMETRIC, NULL);
    race(&line, &phone, &phone, 1, 100, 1);
    race(&line, &named, &named, 101, 200, 1); /* it has moved */
    race(&line, &phone, &phone, 600, 800, 1);
    CHECK(is_with(&line, &phone));
    CHECK_INT(line.steps[GH_SOURCE_LATCH], 1);
    CHECK_INT(line.steps[GH_SOURCE_MOVE], 2);
    CHECK_INT(line.steps[GH_SOURCE_CONTEST] + line.steps[GH_SOURCE_TAKE_BACK], 0);
    close_line(&line);
}

int main(void)
{
    RUN(a_copier_loses_to_the_named_party);
    RUN(one_true_packet_ends_it);
    RUN(a_copier_who_comes_later_gets_nothing);
    RUN(a_pause_is_no_way_in);
    RUN(whatever_the_order_the_named_party_has_it);
    RUN(two_strangers_are_told_and_not_judged);
    RUN(the_host_of_the_signalling_is_believed);
    RUN(who_had_it_alone_keeps_it);
    RUN(a_phone_that_moves_is_followed);
    RUN(a_copy_on_the_way_costs_the_proof);
    RUN(a_forged_address_holds_as_long_as_it_is_forged);
    RUN(a_number_is_no_copy);
    RUN(who_had_it_before_the_set_is_believed);
    RUN(a_flood_proves_nobody);
    RUN(what_the_network_doubles_is_no_contest);
    return CHECK_REPORT();
}
