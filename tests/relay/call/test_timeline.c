/* SPDX-License-Identifier: Apache-2.0 */
/* The grade of a call over time, as told in words in timeline.h.  test_timeline_random.c tries what
 * nobody thought of. */
#include "call/timeline.h"

#include "support/check.h"

#define MS 1000LL
#define A 0
#define B 1

static struct gh_timeline line;

static struct gh_timeline_side keyed(uint32_t key)
{
    return (struct gh_timeline_side){ .keying = GH_KEYING_SDES,
                                      .key = key,
                                      .peer = 1,
                                      .signalling = GH_SIG_TLS_VERIFIED,
                                      .may_send = true };
}

static struct gh_timeline_side clear(void)
{
    return (struct gh_timeline_side){ .peer = 1, .signalling = GH_SIG_CLEAR, .may_send = true };
}

static struct gh_timeline_side quiet(struct gh_timeline_side side)
{
    side.may_send = false;
    return side;
}

static void set(size_t stream, struct gh_timeline_side a, struct gh_timeline_side b, int64_t ms)
{
    gh_timeline_set(&line, stream, (struct gh_timeline_side[2]){ a, b }, ms * MS);
}

/* More packets went over the stream. */
static void media(size_t stream)
{
    static uint64_t pkts;

    gh_timeline_relayed(&line, stream, 1, ++pkts);
}

static bool prove(size_t stream, int side, uint32_t key, int64_t ms)
{
    return gh_timeline_proof(&line, stream, side, key, ms * MS);
}

static void begin(void)
{
    gh_timeline_init(&line);
    gh_timeline_answered(&line, 0);
}

/* One stream, both sides keyed and proven. */
static void begin_secure(void)
{
    begin();
    set(0, keyed(1), keyed(2), 0);
    media(0);
    prove(0, A, 1, 20);
    prove(0, B, 2, 25);
}

/* "0-48200 hop_by_hop, ..." in milliseconds */
static const char *intervals(const struct gh_timeline *of)
{
    static char text[4096];
    struct gh_timeline_interval interval;
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; !gh_timeline_interval(of, i, &interval) && len < sizeof(text); i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%lld-%lld %s", i ? ", " : "",
                                (long long)(interval.from_us / MS),
                                (long long)(interval.to_us / MS), gh_grade_name(interval.grade));
    return text;
}

static const char *end(int64_t ms)
{
    gh_timeline_end(&line, ms * MS);
    return intervals(&line);
}

static const char *now(void)
{
    return gh_timeline_word(gh_timeline_now(&line));
}

static const char *call(void)
{
    return gh_timeline_word(gh_timeline_call(&line));
}

/* ---- one call, one stream -------------------------------------------------------------------- */

static void proven_on_both_sides(void)
{
    begin();
    CHECK_STR(now(), "none");
    set(0, keyed(1), keyed(2), 0);
    CHECK_STR(now(), "pending");
    media(0);
    CHECK_STR(now(), "pending");
    CHECK(prove(0, A, 1, 20));
    CHECK_STR(now(), "pending");
    CHECK(prove(0, B, 2, 5000));
    CHECK_STR(now(), "hop_by_hop");
    CHECK_STR(call(), "hop_by_hop");
    CHECK_STR(end(48200), "0-48200 hop_by_hop");
    CHECK_STR(call(), "hop_by_hop");
    CHECK_STR(now(), "none");
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_HOP_BY_HOP), 48200 * MS);
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_MIXED), 0);
    CHECK_INT(gh_timeline_marks(&line, A) | gh_timeline_marks(&line, B), 0);
    CHECK(!gh_timeline_coarse(&line));
}

/* What one side is, and what the call is then; the other side is keyed, verified and proven. */
static const struct {
    const char *name;
    enum gh_keying keying;
    enum gh_signalling signalling;
    bool exposed, passed, proves;
    enum gh_grade grade;
    unsigned marks;
} side_rows[] = {
    { "proven", GH_KEYING_SDES, GH_SIG_TLS_VERIFIED, false, false, true, GH_GRADE_HOP_BY_HOP, 0 },
    { "unproven", GH_KEYING_SDES, GH_SIG_TLS_VERIFIED, false, false, false, GH_GRADE_MIXED,
      GH_TIMELINE_UNPROVEN },
    { "exposed", GH_KEYING_SDES, GH_SIG_TLS_VERIFIED, true, false, true, GH_GRADE_MIXED,
      GH_TIMELINE_EXPOSED },
    { "both", GH_KEYING_SDES, GH_SIG_TLS_VERIFIED, true, false, false, GH_GRADE_MIXED,
      GH_TIMELINE_UNPROVEN | GH_TIMELINE_EXPOSED },
    { "null cipher", GH_KEYING_SDES, GH_SIG_TLS_NULL, false, false, true, GH_GRADE_MIXED, 0 },
    { "unverified", GH_KEYING_SDES, GH_SIG_TLS_UNVERIFIED, false, false, true, GH_GRADE_MIXED, 0 },
    { "not judged", GH_KEYING_SDES, GH_SIG_NONE, false, false, true, GH_GRADE_MIXED, 0 },
    { "clear", GH_KEYING_NONE, GH_SIG_TLS_VERIFIED, false, false, false, GH_GRADE_MIXED, 0 },
    { "dtls", GH_KEYING_DTLS, GH_SIG_TLS_NULL, false, false, true, GH_GRADE_HOP_BY_HOP, 0 },
    { "passed", GH_KEYING_DTLS, GH_SIG_TLS_VERIFIED, false, true, false, GH_GRADE_MIXED, 0 },
};

static void one_side_of_each_kind(void)
{
    for (size_t i = 0; i < sizeof(side_rows) / sizeof(side_rows[0]); i++) {
        for (int which = 0; which < 2; which++) {
            struct gh_timeline_side odd = keyed(7), good = keyed(8);

            odd.keying = side_rows[i].keying;
            odd.signalling = side_rows[i].signalling;
            odd.key_exposed = side_rows[i].exposed;
            odd.dtls_passed = side_rows[i].passed;
            begin();
            set(0, which == A ? odd : good, which == A ? good : odd, 0);
            media(0);
            prove(0, !which, 8, 10);
            if (side_rows[i].proves)
                prove(0, which, 7, 10);
            end(1000);
            if (!CHECK_INT(gh_timeline_call(&line).grade, side_rows[i].grade) ||
                !CHECK_INT(gh_timeline_marks(&line, which), side_rows[i].marks) ||
                !CHECK_INT(gh_timeline_marks(&line, !which), 0))
                printf("     in row %s\n", side_rows[i].name);
        }
    }
}

static void passed_through(void)
{
    struct gh_timeline_side side = keyed(1);

    side.keying = GH_KEYING_DTLS;
    side.dtls_passed = true;
    begin();
    set(0, side, side, 0);
    media(0);
    CHECK_STR(now(), "pass_through");
    CHECK_STR(end(9000), "0-9000 pass_through");
    CHECK_INT(gh_timeline_marks(&line, A), 0);
}

static void clear_on_both_sides(void)
{
    begin();
    set(0, clear(), clear(), 0);
    CHECK_STR(now(), "none");
    media(0);
    CHECK_STR(now(), "clear");
    CHECK(!prove(0, A, 0, 10));
    CHECK_STR(end(9000), "0-9000 clear");
    CHECK_INT(gh_timeline_marks(&line, A), 0);
}

static void without_media_nothing_is_graded(void)
{
    begin();
    set(0, keyed(1), keyed(2), 0);
    prove(0, A, 1, 20); /* SRTCP: it proves the key, but is no media */
    CHECK_STR(call(), "pending");
    CHECK_STR(end(9000), "0-9000 none");
    CHECK_STR(call(), "none");
    CHECK_INT(gh_timeline_marks(&line, B), 0);
}

static void never_answered(void)
{
    gh_timeline_init(&line);
    CHECK_STR(now(), "none");
    CHECK_STR(end(9000), "");
    CHECK_STR(call(), "none");
}

static void nothing_counts_after_the_end(void)
{
    begin_secure();
    end(1000);
    set(1, clear(), clear(), 2000);
    media(1);
    media(0);
    CHECK(!prove(0, A, 1, 30));
    gh_timeline_remove(&line, 0, 3000 * MS);
    gh_timeline_status(&line, GH_STATUS_ENCRYPTED, 3000 * MS);
    gh_timeline_claim(&line, A, GH_STATUS_ENCRYPTED, true, 3000 * MS);
    CHECK(!gh_timeline_beyond(&line, A));
    CHECK_STR(end(4000), "0-1000 hop_by_hop");
}

static void early_media_lies_before_zero(void)
{
    gh_timeline_init(&line);
    set(0, clear(), clear(), 1000);
    media(0);
    gh_timeline_answered(&line, 5000 * MS);
    gh_timeline_answered(&line, 6000 * MS); /* a 200 again */
    CHECK_STR(end(9000), "-4000-4000 clear");
    gh_timeline_init(&line);
    set(0, clear(), clear(), 1000);
    media(0);
    CHECK_STR(end(9000), "0-8000 clear");
}

/* ---- new keys -------------------------------------------------------------------------------- */

static void proof_only_in_the_second_epoch(void)
{
    begin();
    set(0, keyed(1), keyed(2), 0);
    media(0);
    prove(0, A, 1, 20);
    set(0, keyed(3), keyed(4), 4000);
    CHECK_STR(now(), "pending");
    CHECK_STR(call(), "mixed"); /* that is final, whatever comes */
    media(0);
    prove(0, A, 3, 4020);
    prove(0, B, 4, 4020);
    CHECK_STR(now(), "hop_by_hop");
    CHECK_STR(end(9000), "0-4000 mixed, 4000-9000 hop_by_hop");
    CHECK_STR(call(), "mixed");
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_MIXED), 4000 * MS);
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_HOP_BY_HOP), 5000 * MS);
    CHECK_INT(gh_timeline_marks(&line, A), 0);
    CHECK_INT(gh_timeline_marks(&line, B), GH_TIMELINE_UNPROVEN);
}

/* One side's epoch spans three of the other's; its proof comes late and counts for all. */
static void epochs_overlap(void)
{
    begin();
    set(0, keyed(1), keyed(9), 0);
    media(0);
    prove(0, A, 1, 20);
    set(0, keyed(2), keyed(9), 2000);
    media(0);
    set(0, keyed(3), keyed(9), 4000); /* key 2 was never proven */
    media(0);
    prove(0, A, 3, 4020);
    CHECK_STR(now(), "pending");
    prove(0, B, 9, 5000);
    CHECK_STR(now(), "hop_by_hop");
    CHECK_STR(end(6000), "0-2000 hop_by_hop, 2000-4000 mixed, 4000-6000 hop_by_hop");
}

static void other_sides_epoch_stays_unproven(void)
{
    begin();
    set(0, keyed(1), keyed(9), 0);
    media(0);
    prove(0, A, 1, 20);
    set(0, keyed(2), keyed(9), 2000);
    media(0);
    prove(0, A, 2, 2020);
    CHECK_STR(call(), "pending");
    CHECK_STR(end(6000), "0-6000 mixed");
}

static void an_epoch_without_media_is_not_graded(void)
{
    begin_secure();
    set(0, keyed(3), keyed(4), 2000); /* nothing flows, nobody proves anything */
    set(0, keyed(5), keyed(6), 4000);
    media(0);
    prove(0, A, 5, 4020);
    prove(0, B, 6, 4020);
    CHECK_STR(end(6000), "0-2000 hop_by_hop, 2000-4000 none, 4000-6000 hop_by_hop");
    CHECK_STR(call(), "hop_by_hop");
}

static void same_key_again_is_the_same_epoch(void)
{
    begin();
    set(0, keyed(1), keyed(2), 0);
    media(0);
    set(0, keyed(1), keyed(2), 3000);
    prove(0, A, 1, 4000);
    prove(0, B, 2, 4000);
    CHECK_STR(end(6000), "0-6000 hop_by_hop");
}

/* A report is under way while the key is replaced; its time tells. */
static void late_proof(void)
{
    begin();
    set(0, keyed(1), keyed(2), 0);
    media(0);
    prove(0, B, 2, 10);
    set(0, keyed(3), keyed(2), 1000);
    media(0);
    CHECK_STR(call(), "mixed");
    CHECK(!prove(0, A, 1, 1000)); /* the old key is accepted a while longer: too late */
    CHECK(!prove(0, A, 4, 900));
    CHECK(!prove(0, B, 1, 900));
    CHECK(!prove(1, A, 1, 900));
    CHECK(prove(0, A, 1, 999));
    CHECK_STR(call(), "pending");
    CHECK(prove(0, A, 3, 1001));
    CHECK_STR(end(2000), "0-2000 hop_by_hop");
}

/* 1, 2, 1: a proof counts for the epoch of its time. */
static void key_that_comes_back(void)
{
    for (int late = 0; late < 2; late++) {
        begin();
        set(0, keyed(1), keyed(9), 0);
        media(0);
        prove(0, B, 9, 10);
        set(0, keyed(2), keyed(9), 1000);
        media(0);
        prove(0, A, 2, 1010);
        set(0, keyed(1), keyed(9), 2000);
        media(0);
        CHECK(prove(0, A, 1, late ? 990 : 2010));
        CHECK_STR(end(3000), late ? "0-2000 hop_by_hop, 2000-3000 mixed"
                                  : "0-1000 mixed, 1000-3000 hop_by_hop");
    }
}

/* What comes to light of a key counts from its beginning. */
static void exposure_comes_to_light(void)
{
    struct gh_timeline_side exposed = keyed(1);

    begin_secure();
    set(0, keyed(1), keyed(5), 2000);
    media(0);
    prove(0, B, 5, 2010);
    CHECK_STR(now(), "hop_by_hop");
    exposed.key_exposed = true;
    set(0, exposed, keyed(5), 4000);
    CHECK_STR(now(), "mixed");
    set(0, keyed(1), keyed(5), 4500); /* and is not undone */
    set(0, keyed(6), keyed(5), 5000);
    media(0);
    prove(0, A, 6, 5010);
    CHECK_STR(end(6000), "0-5000 mixed, 5000-6000 hop_by_hop");
    CHECK_INT(gh_timeline_marks(&line, A), GH_TIMELINE_EXPOSED);
}

static void lesser_signalling_counts_for_the_epoch(void)
{
    struct gh_timeline_side lesser = keyed(1);

    begin_secure();
    lesser.signalling = GH_SIG_TLS_NULL;
    set(0, lesser, keyed(2), 4000);
    set(0, keyed(1), keyed(2), 5000);
    CHECK_STR(end(6000), "0-6000 mixed");
}

/* ---- who may not send ------------------------------------------------------------------------ */

static void hold_with_new_keys_and_resume(void)
{
    begin_secure();
    set(0, quiet(keyed(3)), keyed(4), 2000); /* b plays music */
    media(0);
    CHECK_STR(now(), "pending");
    prove(0, B, 4, 2010);
    CHECK_STR(now(), "hop_by_hop");
    set(0, keyed(5), keyed(4), 4000);
    media(0);
    CHECK_STR(now(), "pending"); /* a may send again, so it has to prove itself */
    prove(0, A, 5, 4010);
    CHECK_STR(end(6000), "0-6000 hop_by_hop");
    CHECK_INT(gh_timeline_marks(&line, A), GH_TIMELINE_INHERITED);
    CHECK_INT(gh_timeline_marks(&line, B), 0);
}

static void hold_with_the_same_keys(void)
{
    begin_secure();
    set(0, quiet(keyed(1)), quiet(keyed(2)), 2000);
    CHECK_STR(now(), "hop_by_hop");
    set(0, keyed(1), keyed(2), 4000);
    CHECK_STR(end(6000), "0-6000 hop_by_hop");
    CHECK_INT(gh_timeline_marks(&line, A), 0);
}

static void resumed_under_the_key_of_the_hold(void)
{
    begin_secure();
    set(0, quiet(keyed(3)), keyed(2), 2000);
    media(0);
    CHECK_STR(now(), "hop_by_hop");
    set(0, keyed(3), keyed(2), 4000);
    CHECK_STR(now(), "pending");
    set(0, quiet(keyed(3)), keyed(2), 5000);
    CHECK_STR(now(), "pending"); /* it might have sent: what it inherited is gone */
    CHECK_STR(end(6000), "0-2000 hop_by_hop, 2000-6000 mixed");
    CHECK_INT(gh_timeline_marks(&line, A), GH_TIMELINE_UNPROVEN);
}

/* { what is so of the proof of side a before, whether a quiet epoch inherits it } */
static void what_is_inherited(void)
{
    enum { SAME, OTHER_PEER, OTHER_SIDE, EXPOSED, NEVER, OTHER_STREAM, LATER, ROWS };

    for (int row = 0; row < ROWS; row++) {
        struct gh_timeline_side first = keyed(1), second = quiet(keyed(3));
        bool inherits = row == SAME || row == OTHER_STREAM || row == LATER;
        size_t stream = row == OTHER_STREAM;

        first.key_exposed = row == EXPOSED;
        second.peer = row == OTHER_PEER ? 2 : 1;
        begin();
        set(0, first, keyed(2), 0);
        set(1, keyed(8), keyed(9), 0); /* no media: not graded */
        media(0);
        prove(0, B, 2, 10);
        if (row != NEVER && row != OTHER_SIDE && row != LATER)
            prove(stream, A, stream ? 8 : 1, 20);
        set(0, second, keyed(2), 2000);
        media(0);
        CHECK_STR(now(), inherits && row != LATER ? "hop_by_hop" : "pending");
        if (row == LATER)
            prove(1, A, 8, 2500);
        CHECK_STR(now(), inherits ? "hop_by_hop" : "pending");
        CHECK_INT(gh_timeline_call(&line).grade,
                  row == SAME ? GH_GRADE_HOP_BY_HOP : GH_GRADE_MIXED);
        end(3000);
        CHECK_INT(gh_timeline_marks(&line, A) & GH_TIMELINE_INHERITED,
                  inherits ? GH_TIMELINE_INHERITED : 0);
        CHECK_INT(gh_timeline_us(&line, GH_GRADE_HOP_BY_HOP),
                  (row == SAME         ? 3000
                   : row == OTHER_PEER ? 2000
                   : inherits          ? 1000
                                       : 0) *
                      MS);
    }
}

/* ---- several streams ------------------------------------------------------------------------- */

static void stream_added_in_clear_and_removed(void)
{
    begin_secure();
    set(1, clear(), clear(), 2000);
    CHECK_STR(now(), "hop_by_hop"); /* no packet yet */
    media(1);
    CHECK_STR(now(), "mixed");
    gh_timeline_remove(&line, 1, 4000 * MS);
    gh_timeline_remove(&line, 1, 4000 * MS);
    CHECK_STR(now(), "hop_by_hop");
    CHECK_STR(call(), "mixed");
    CHECK_STR(end(6000), "0-2000 hop_by_hop, 2000-4000 mixed, 4000-6000 hop_by_hop");
}

static void keyed_stream_added_to_a_clear_one(void)
{
    begin();
    set(0, clear(), clear(), 0);
    media(0);
    set(1, keyed(1), keyed(2), 2000);
    media(1);
    prove(1, A, 1, 2010);
    prove(1, B, 2, 2010);
    gh_timeline_remove(&line, 0, 4000 * MS);
    CHECK_STR(end(6000), "0-2000 clear, 2000-4000 mixed, 4000-6000 hop_by_hop");
    CHECK_STR(call(), "clear");
}

static void two_keyed_streams_one_unproven(void)
{
    begin_secure();
    set(1, keyed(3), keyed(4), 0);
    media(1);
    prove(1, A, 3, 10);
    CHECK_STR(now(), "pending");
    gh_timeline_remove(&line, 1, 3000 * MS);
    CHECK_STR(end(6000), "0-3000 mixed, 3000-6000 hop_by_hop");
}

static void upgrade_and_downgrade(void)
{
    begin();
    set(0, clear(), clear(), 0);
    media(0);
    set(0, keyed(1), keyed(2), 2000);
    media(0);
    prove(0, A, 1, 2010);
    prove(0, B, 2, 2010);
    set(0, keyed(1), clear(), 4000); /* one hop falls back */
    media(0);
    set(0, clear(), clear(), 5000);
    media(0);
    CHECK_STR(now(), "clear");
    CHECK_STR(end(6000), "0-2000 clear, 2000-4000 hop_by_hop, 4000-5000 mixed, 5000-6000 clear");
    CHECK_STR(call(), "clear");
}

/* A new media stream counts from 0, and may stop at the very number of the one before. */
static void counters_of_a_new_media_stream(void)
{
    begin();
    set(0, clear(), clear(), 0);
    gh_timeline_relayed(&line, 0, 100, 50);
    set(0, keyed(1), keyed(2), 2000);
    gh_timeline_relayed(&line, 0, 101, 0);
    CHECK_STR(now(), "pending");
    CHECK_INT(gh_timeline_now(&line).grade, GH_GRADE_NONE);
    gh_timeline_relayed(&line, 0, 102, 50);
    CHECK_INT(gh_timeline_now(&line).grade, GH_GRADE_MIXED);
    set(0, keyed(3), keyed(4), 3000);
    gh_timeline_relayed(&line, 0, 102, 50); /* not grown */
    gh_timeline_relayed(&line, 5, 103, 50); /* no such stream */
    CHECK_STR(end(4000), "0-2000 clear, 2000-3000 mixed, 3000-4000 none");
}

/* ---- claims ---------------------------------------------------------------------------------- */

static void claim(int side, enum gh_status status, int64_t ms)
{
    gh_timeline_claim(&line, side, status, true, ms * MS);
}

static void attested(void)
{
    begin_secure();
    claim(A, GH_STATUS_ENCRYPTED, 100);
    CHECK_STR(now(), "hop_by_hop");
    CHECK(gh_timeline_beyond(&line, A) && !gh_timeline_beyond(&line, B));
    claim(B, GH_STATUS_ENCRYPTED, 200);
    CHECK_STR(now(), "attested");
    claim(B, GH_STATUS_UNKNOWN, 300);
    claim(B, GH_STATUS_ENCRYPTED, 9000);
    CHECK_STR(end(10000), "0-10000 attested");
    CHECK(gh_timeline_beyond(&line, A) && gh_timeline_beyond(&line, B));
}

static void claims_that_do_not_attest(void)
{
    begin_secure();
    claim(A, GH_STATUS_ENCRYPTED, 100);
    gh_timeline_claim(&line, B, GH_STATUS_ENCRYPTED, false, 100 * MS);
    CHECK_STR(now(), "hop_by_hop");
    claim(B, GH_STATUS_AUTHENTICATED, 200);
    CHECK_STR(end(1000), "0-1000 hop_by_hop");
    begin();
    set(0, clear(), clear(), 0);
    media(0);
    claim(A, GH_STATUS_ENCRYPTED, 100);
    claim(B, GH_STATUS_ENCRYPTED, 100);
    CHECK_STR(end(1000), "0-1000 clear");
}

static void claim_before_the_answer_is_too_old(void)
{
    gh_timeline_init(&line);
    claim(A, GH_STATUS_ENCRYPTED, -2000);
    claim(B, GH_STATUS_ENCRYPTED, 0); /* in the answer itself */
    gh_timeline_answered(&line, 0);
    set(0, keyed(1), keyed(2), 0);
    gh_timeline_status(&line, GH_STATUS_ENCRYPTED, 0);
    media(0);
    prove(0, A, 1, 10);
    prove(0, B, 2, 10);
    CHECK(gh_timeline_beyond(&line, B) && !gh_timeline_beyond(&line, A));
    claim(A, GH_STATUS_ENCRYPTED, 300);
    CHECK_STR(end(1000), "0-1000 attested");
}

static void late_claim_counts_from_its_time(void)
{
    begin_secure();
    claim(A, GH_STATUS_ENCRYPTED, 100);
    claim(B, GH_STATUS_ENCRYPTED, GH_TIMELINE_CLAIM_BACK_US / MS + 1);
    CHECK_STR(end(9000), "0-5001 hop_by_hop, 5001-9000 attested");
    CHECK_STR(call(), "hop_by_hop");
    begin_secure();
    claim(A, GH_STATUS_ENCRYPTED, 100);
    claim(B, GH_STATUS_ENCRYPTED, GH_TIMELINE_CLAIM_BACK_US / MS);
    CHECK_STR(end(9000), "0-9000 attested");
}

static void claim_after_a_lower_one_counts_from_its_time(void)
{
    begin_secure();
    claim(A, GH_STATUS_ENCRYPTED, 100);
    claim(B, GH_STATUS_AUTHENTICATED, 200);
    claim(B, GH_STATUS_ENCRYPTED, 700);
    CHECK_STR(end(9000), "0-700 hop_by_hop, 700-9000 attested");
}

static void claim_is_withdrawn(void)
{
    begin_secure();
    gh_timeline_status(&line, GH_STATUS_ENCRYPTED, 0);
    claim(A, GH_STATUS_ENCRYPTED, 100);
    claim(B, GH_STATUS_ENCRYPTED, 100);
    claim(B, GH_STATUS_NOT_AUTHENTICATED, 3000);
    gh_timeline_status(&line, GH_STATUS_NOT_AUTHENTICATED, 3000 * MS);
    CHECK_STR(now(), "hop_by_hop");
    CHECK(!gh_timeline_beyond(&line, A)); /* it spoke of another status */
    claim(B, GH_STATUS_ENCRYPTED, 4000);
    gh_timeline_status(&line, GH_STATUS_ENCRYPTED, 4000 * MS);
    claim(A, GH_STATUS_ENCRYPTED, 4200);
    CHECK_STR(end(9000), "0-3000 attested, 3000-4000 hop_by_hop, 4000-9000 attested");
}

static void new_key_makes_claims_old(void)
{
    begin_secure();
    claim(A, GH_STATUS_ENCRYPTED, 100);
    claim(B, GH_STATUS_ENCRYPTED, 100);
    set(0, keyed(1), keyed(2), 1000); /* nothing new */
    CHECK_STR(now(), "attested");
    set(0, keyed(3), keyed(2), 2000);
    media(0);
    prove(0, A, 3, 2010);
    CHECK_STR(now(), "hop_by_hop");
    claim(A, GH_STATUS_ENCRYPTED, 2100);
    CHECK_STR(end(9000), "0-2000 attested, 2000-9000 hop_by_hop");
}

/* ---- what is told ---------------------------------------------------------------------------- */

static void changes_are_told_once(void)
{
    struct gh_timeline_change change;

    begin();
    CHECK(!gh_timeline_changed(&line, &change));
    set(0, keyed(1), keyed(2), 0);
    CHECK(gh_timeline_changed(&line, &change));
    CHECK_STR(gh_timeline_word(change.now), "pending");
    CHECK(!gh_timeline_changed(&line, &change));
    media(0);
    gh_timeline_changed(&line, &change);
    prove(0, A, 1, 10);
    CHECK(!gh_timeline_changed(&line, &change));
    prove(0, B, 2, 10);
    CHECK(gh_timeline_changed(&line, &change));
    CHECK_INT(change.now.grade, GH_GRADE_HOP_BY_HOP);
    CHECK_INT(change.call.grade, GH_GRADE_HOP_BY_HOP);
    CHECK(!change.call.pending && !change.now.pending);
    set(0, keyed(3), keyed(4), 1000);
    media(0);
    CHECK(gh_timeline_changed(&line, &change));
    CHECK_STR(gh_timeline_word(change.call), "pending");
    set(0, keyed(5), keyed(6), 2000);
    CHECK(gh_timeline_changed(&line, &change));
    CHECK_STR(gh_timeline_word(change.call), "mixed");
    CHECK(!gh_timeline_changed(&line, &change));
}

/* What would be said if the call ended now, while it goes on. */
static void a_copy_ends(void)
{
    struct gh_timeline copy;

    begin();
    set(0, keyed(1), keyed(2), 0);
    media(0);
    copy = line;
    gh_timeline_end(&copy, 1000 * MS);
    CHECK_STR(intervals(&copy), "0-1000 mixed");
    prove(0, A, 1, 1010);
    prove(0, B, 2, 1010);
    copy = line;
    gh_timeline_end(&copy, 2000 * MS);
    CHECK_STR(intervals(&copy), "0-2000 hop_by_hop");
    CHECK_STR(now(), "hop_by_hop");
    CHECK_STR(end(3000), "0-3000 hop_by_hop");
}

static void event_text(void)
{
    struct gh_event *event = gh_event_new("call.end", 0);
    const char *want = "\"intervals\":[[0.0,2.5,\"hop_by_hop\"],[2.5,6.0,\"mixed\"]],"
                       "\"grade_seconds\":{\"mixed\":3.5,\"hop_by_hop\":2.5}}";
    struct gh_span text = { NULL, 0 };

    begin_secure();
    set(1, clear(), clear(), 2500);
    media(1);
    end(6000);
    gh_timeline_event(&line, event);
    CHECK_INT(gh_event_finish(event, &text), 0);
    CHECK(text.len > strlen(want));
    if (text.len > strlen(want))
        CHECK_SPAN(gh_span_from(text, text.len - strlen(want)), want);
    gh_event_free(event);
}

static void event_of_a_coarse_line(void)
{
    struct gh_event *event = gh_event_new("call.end", 0);
    struct gh_span text = { NULL, 0 };

    begin();
    for (int i = 0; i < 200; i++) {
        set(0, keyed((uint32_t)(2 * i)), i % 2 ? clear() : keyed((uint32_t)(2 * i + 1)), i * 100);
        media(0);
        prove(0, A, (uint32_t)(2 * i), i * 100);
        prove(0, B, (uint32_t)(2 * i + 1), i * 100);
    }
    end(20000);
    gh_timeline_event(&line, event);
    CHECK_INT(gh_event_finish(event, &text), 0);
    CHECK(memmem(text.p, text.len, ",\"intervals_coarse\":true}", 25));
    gh_event_free(event);
}

/* ---- time and bounds ------------------------------------------------------------------------- */

static void clock_that_runs_backwards(void)
{
    struct gh_timeline_interval interval;

    begin_secure();
    set(1, clear(), clear(), 2000);
    gh_timeline_remove(&line, 1, 1000 * MS); /* no time has passed, no packet: as if it never was */
    set(1, clear(), clear(), 500);
    media(1);                                /* but this one carried media */
    gh_timeline_remove(&line, 1, 700 * MS);
    CHECK_STR(end(3000), "0-2000 hop_by_hop, 2000-2000 mixed, 2000-3000 hop_by_hop");
    CHECK_STR(call(), "mixed");
    CHECK_INT(gh_timeline_interval(&line, 1, &interval), 0);
    CHECK_INT(interval.to_us - interval.from_us, 0);
    CHECK_INT(gh_timeline_interval(&line, 3, &interval), GH_ENOTFOUND);
}

/* One side keys anew ever so often while the other has not yet proven itself. */
static void more_slices_than_fit(void)
{
    for (int count = GH_TIMELINE_SLICES_MAX - 1; count <= GH_TIMELINE_SLICES_MAX + 1; count++) {
        bool fits = count <= GH_TIMELINE_SLICES_MAX;

        begin();
        for (int i = 0; i < count; i++) {
            set(0, keyed((uint32_t)(10 + i)), keyed(2), i * 100);
            media(0);
            prove(0, A, (uint32_t)(10 + i), i * 100);
        }
        CHECK(gh_timeline_coarse(&line) == !fits);
        prove(0, B, 2, count * 100);
        CHECK_STR(now(), "hop_by_hop");
        end(count * 100);
        CHECK_INT(gh_timeline_call(&line).grade, fits ? GH_GRADE_HOP_BY_HOP : GH_GRADE_MIXED);
        CHECK_INT(gh_timeline_us(&line, GH_GRADE_MIXED), fits ? 0 : 100 * MS);
    }
}

/* What is proven is not coarse, however often it is keyed anew. */
static void many_proven_epochs(void)
{
    begin();
    for (int i = 0; i < 1000; i++) {
        set(0, keyed((uint32_t)(2 * i)), keyed((uint32_t)(2 * i + 1)), i * 100);
        media(0);
        prove(0, A, (uint32_t)(2 * i), i * 100);
        prove(0, B, (uint32_t)(2 * i + 1), i * 100);
    }
    CHECK_STR(end(100000), "0-100000 hop_by_hop");
    CHECK(!gh_timeline_coarse(&line));
}

/* All streams at once, so that epochs run out before slices do. */
static void more_epochs_than_fit(void)
{
    uint32_t key = 1;

    begin();
    for (int i = 0; i < 50; i++) {
        for (size_t s = 0; s < GH_TIMELINE_STREAMS_MAX; s++, key += 2) {
            set(s, keyed(key), keyed(key + 1), i * 100);
            media(s);
            prove(s, A, key, i * 100);
            prove(s, B, key + 1, i * 100);
        }
    }
    /* Between the sets of one moment media was told, so each of them is a slice of no length. */
    CHECK_STR(end(5000), "0-5000 hop_by_hop");
    CHECK(!gh_timeline_coarse(&line));
}

static void more_intervals_than_fit(void)
{
    const char *text;
    uint32_t key = 1;
    int turns = 100;

    begin();
    for (int i = 0; i < turns; i++, key += 2) {
        bool secure = i % 2;

        set(0, keyed(key), secure ? keyed(key + 1) : clear(), i * 100);
        media(0);
        prove(0, A, key, i * 100);
        if (secure)
            prove(0, B, key + 1, i * 100);
    }
    text = end(turns * 100);
    CHECK(!strncmp(text, "0-6100 mixed, 6100-6200 hop_by_hop, ", 36));
    CHECK(gh_timeline_coarse(&line));
    CHECK_INT(line.decided_count, GH_TIMELINE_INTERVALS_MAX);
    CHECK_STR(call(), "mixed");
    /* The seconds are exact all the same. */
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_MIXED), 5000 * MS);
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_HOP_BY_HOP), 5000 * MS);
}

int main(void)
{
    RUN(proven_on_both_sides);
    RUN(one_side_of_each_kind);
    RUN(passed_through);
    RUN(clear_on_both_sides);
    RUN(without_media_nothing_is_graded);
    RUN(never_answered);
    RUN(nothing_counts_after_the_end);
    RUN(early_media_lies_before_zero);
    RUN(proof_only_in_the_second_epoch);
    RUN(epochs_overlap);
    RUN(other_sides_epoch_stays_unproven);
    RUN(an_epoch_without_media_is_not_graded);
    RUN(same_key_again_is_the_same_epoch);
    RUN(late_proof);
    RUN(key_that_comes_back);
    RUN(exposure_comes_to_light);
    RUN(lesser_signalling_counts_for_the_epoch);
    RUN(hold_with_new_keys_and_resume);
    RUN(hold_with_the_same_keys);
    RUN(resumed_under_the_key_of_the_hold);
    RUN(what_is_inherited);
    RUN(stream_added_in_clear_and_removed);
    RUN(keyed_stream_added_to_a_clear_one);
    RUN(two_keyed_streams_one_unproven);
    RUN(upgrade_and_downgrade);
    RUN(counters_of_a_new_media_stream);
    RUN(attested);
    RUN(claims_that_do_not_attest);
    RUN(claim_before_the_answer_is_too_old);
    RUN(late_claim_counts_from_its_time);
    RUN(claim_after_a_lower_one_counts_from_its_time);
    RUN(claim_is_withdrawn);
    RUN(new_key_makes_claims_old);
    RUN(changes_are_told_once);
    RUN(a_copy_ends);
    RUN(event_text);
    RUN(event_of_a_coarse_line);
    RUN(clock_that_runs_backwards);
    RUN(more_slices_than_fit);
    RUN(many_proven_epochs);
    RUN(more_epochs_than_fit);
    RUN(more_intervals_than_fit);
    return CHECK_REPORT();
}
