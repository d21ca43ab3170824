/* SPDX-License-Identifier: Apache-2.0 */
/* The grade of a call over time, as told in words in timeline.h: streams, epochs, proofs.  Claims,
 * what is told and bounds: test_timeline_told.c; what nobody thought of: test_timeline_random.c. */
#include "support_timeline.h"

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

/* Side a's epoch is over without media: no proof of b makes it count any more. */
static void what_is_over_waits_no_more(void)
{
    begin();
    set(0, keyed(1), keyed(2), 0);
    prove(0, A, 1, 10);
    CHECK_STR(call(), "pending");
    set(0, clear(), keyed(2), 1000);
    CHECK_STR(call(), "none");
    CHECK_STR(end(2000), "0-2000 none");
}

static void never_answered(void)
{
    anew();
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
    anew();
    set(0, clear(), clear(), 1000);
    media(0);
    gh_timeline_answered(&line, 5000 * MS);
    gh_timeline_answered(&line, 6000 * MS); /* a 200 again */
    CHECK_STR(end(9000), "-4000-4000 clear");
    anew();
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

int main(void)
{
    RUN(proven_on_both_sides);
    RUN(one_side_of_each_kind);
    RUN(passed_through);
    RUN(clear_on_both_sides);
    RUN(without_media_nothing_is_graded);
    RUN(what_is_over_waits_no_more);
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
    return CHECK_REPORT();
}
