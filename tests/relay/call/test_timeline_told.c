/* SPDX-License-Identifier: Apache-2.0 */
/* The grade of a call over time: claims, what is told and written, clocks and bounds. */
#include "support_timeline.h"

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
    anew();
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

static void claim_before_any_stream(void)
{
    anew();
    gh_timeline_answered(&line, 0);
    claim(A, GH_STATUS_ENCRYPTED, 100);
    CHECK(gh_timeline_beyond(&line, A));
    set(0, keyed(1), keyed(2), 7000);
    CHECK(!gh_timeline_beyond(&line, A));
    CHECK_STR(end(8000), "0-8000 none");
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
    CHECK_INT(gh_timeline_copy(&copy, &line), 0);
    gh_timeline_end(&copy, 1000 * MS);
    CHECK_STR(intervals(&copy), "0-1000 mixed");
    gh_timeline_fini(&copy);
    prove(0, A, 1, 1010);
    prove(0, B, 2, 1010);
    CHECK_INT(gh_timeline_copy(&copy, &line), 0);
    gh_timeline_end(&copy, 2000 * MS);
    CHECK_STR(intervals(&copy), "0-2000 hop_by_hop");
    gh_timeline_fini(&copy);
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

/* A proof for an epoch whose slices are all decided is refused. */
static void proof_after_the_decision(void)
{
    begin();
    for (int i = 0; i < GH_TIMELINE_SLICES_MAX; i++) {
        set(0, keyed((uint32_t)(10 + 2 * i)), keyed((uint32_t)(11 + 2 * i)), i * 100);
        media(0);
    }
    gh_timeline_status(&line, GH_STATUS_ENCRYPTED, GH_TIMELINE_SLICES_MAX * 100 * MS);
    CHECK(!prove(0, A, 10, 50));
    CHECK(prove(0, A, 12, 150));
    CHECK_INT(gh_timeline_call(&line).grade, GH_GRADE_MIXED);
}

/* The status changes until the first slice, 0-100, is decided.  @return when that was */
static int64_t decide_the_first_slice(void)
{
    int64_t ms = 0;

    for (int i = 1; i <= GH_TIMELINE_SLICES_MAX; i++) {
        ms = 100LL * i;
        gh_timeline_status(&line, i % 2 ? GH_STATUS_ENCRYPTED : GH_STATUS_AUTHENTICATED, ms * MS);
    }
    CHECK_INT(line.slice_count, GH_TIMELINE_SLICES_MAX);
    CHECK(line.decided_count > 0);
    return ms;
}

/* Stream 1 is graded from its beginning on, and that is decided before media comes over it. */
static void media_after_the_decision(void)
{
    for (int late = 0; late < 2; late++) {
        begin_secure();
        set(1, clear(), clear(), 0);
        decide_the_first_slice();
        CHECK(gh_timeline_coarse(&line));
        if (late)
            media(1);
        CHECK_STR(call(), "mixed");
        CHECK_STR(end(2000), late ? "0-2000 mixed" : "0-100 mixed, 100-2000 hop_by_hop");
    }
}

/* The same of a keyed stream, which is marked as well: nothing had proven it by then. */
static void keyed_and_without_media_at_the_decision(void)
{
    begin_secure();
    set(1, keyed(3), keyed(4), 0);
    decide_the_first_slice();
    CHECK_STR(end(2000), "0-100 mixed, 100-2000 hop_by_hop");
    CHECK_INT(gh_timeline_marks(&line, A), GH_TIMELINE_UNPROVEN);
    CHECK_INT(gh_timeline_marks(&line, B), GH_TIMELINE_UNPROVEN);
}

/* A side that was quiet, and inherited, may send again under the key that it had all the time. */
static void a_proof_that_is_no_longer_inherited(void)
{
    begin_secure();
    set(0, quiet(keyed(3)), keyed(2), 0);
    media(0);
    decide_the_first_slice();
    CHECK(!gh_timeline_coarse(&line));
    set(0, keyed(3), keyed(2), 1700);
    CHECK(gh_timeline_coarse(&line));
    CHECK_STR(end(2000), "0-2000 mixed");
    CHECK_INT(gh_timeline_marks(&line, A), GH_TIMELINE_INHERITED | GH_TIMELINE_UNPROVEN);
}

/* ... says nothing of a time before that key. */
static void what_is_decided_is_not_doubted_for_a_later_key(void)
{
    int64_t ms;

    begin_secure();
    ms = decide_the_first_slice();
    set(0, quiet(keyed(3)), keyed(2), ms + 100);
    media(0);
    set(0, keyed(3), keyed(2), ms + 200);
    CHECK(prove(0, A, 3, ms + 210));
    CHECK_STR(end(ms + 300), "0-1900 hop_by_hop");
    CHECK(!gh_timeline_coarse(&line));
}

/* An exposed key was so from its beginning on. */
static void exposed_after_the_decision(void)
{
    struct gh_timeline_side exposed = keyed(1);

    exposed.key_exposed = true;
    begin_secure();
    decide_the_first_slice();
    CHECK(!gh_timeline_coarse(&line));
    set(0, exposed, keyed(2), 1700);
    CHECK(gh_timeline_coarse(&line));
    CHECK_STR(end(2000), "0-2000 mixed");
    CHECK_INT(gh_timeline_marks(&line, A), GH_TIMELINE_EXPOSED);
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
    RUN(attested);
    RUN(claims_that_do_not_attest);
    RUN(claim_before_the_answer_is_too_old);
    RUN(claim_before_any_stream);
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
    RUN(proof_after_the_decision);
    RUN(media_after_the_decision);
    RUN(keyed_and_without_media_at_the_decision);
    RUN(a_proof_that_is_no_longer_inherited);
    RUN(what_is_decided_is_not_doubted_for_a_later_key);
    RUN(exposed_after_the_decision);
    RUN(many_proven_epochs);
    RUN(more_epochs_than_fit);
    RUN(more_intervals_than_fit);
    return CHECK_REPORT();
}
