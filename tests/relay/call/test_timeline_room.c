/* SPDX-License-Identifier: Apache-2.0 */
/* Where the lists of a time line lie, how they grow, and what is said when they cannot; of random
 * calls: test_timeline_random.c. */
#include "support_timeline.h"

#include "support/alloc_fail.h"

/* More than that would be felt with thousands of calls. */
_Static_assert(sizeof(struct gh_timeline) <= 700, "what each call pays for its time line");

static bool all_its_own(const struct gh_timeline *of)
{
    return of->epochs == of->own_epochs && of->slices == of->own_slices &&
           of->decided == of->own_decided;
}

/* ---- with memory ----------------------------------------------------------------------------- */

/* Early media, an answer, a hold and its end with the same keys, what both sides say of it. */
static void an_ordinary_call_stays_in_the_struct(void)
{
    anew();
    set(0, keyed(1), keyed(2), 0);
    media(0);
    gh_timeline_answered(&line, 1000 * MS);
    gh_timeline_status(&line, GH_STATUS_ENCRYPTED, 1000 * MS);
    gh_timeline_claim(&line, A, GH_STATUS_ENCRYPTED, true, 1100 * MS);
    gh_timeline_claim(&line, B, GH_STATUS_ENCRYPTED, true, 1200 * MS);
    prove(0, A, 1, 1300);
    prove(0, B, 2, 1300);
    set(0, quiet(keyed(1)), keyed(2), 5000);
    set(0, keyed(1), keyed(2), 8000);
    CHECK_STR(end(9000), "-1000-0 hop_by_hop, 0-8000 attested");
    CHECK(all_its_own(&line));
}

/* A new key of side a @count times, each proven; side b, in every second one, is clear. */
static void key_anew(int count, int64_t from_ms)
{
    for (int i = 0; i < count; i++) {
        uint32_t key = (uint32_t)(from_ms + 2 * i);

        set(0, keyed(key), i % 2 ? clear() : keyed(key + 1), from_ms + 100LL * i);
        media(0);
        prove(0, A, key, from_ms + 100LL * i);
        prove(0, B, key + 1, from_ms + 100LL * i);
    }
}

/* @room  what it was when last seen */
static void doubled(uint8_t is, size_t *room, size_t max)
{
    if (is == *room)
        return;
    *room = 2 * *room < max ? 2 * *room : max;
    CHECK_INT(is, *room);
}

static void each_list_doubles_up_to_its_limit(void)
{
    size_t epochs = GH_TIMELINE_OWN, slices = GH_TIMELINE_OWN, decided = GH_TIMELINE_OWN;

    begin();
    for (int i = 0; i < 100; i++) {
        uint32_t key = (uint32_t)(1000 + 2 * i);

        if (i < 50) { /* two streams at once: each slice has two epochs of its own */
            set(1, keyed(key), keyed(key + 1), 100LL * i);
            media(1);
        } else {
            gh_timeline_remove(&line, 1, 100LL * i * MS);
        }
        key_anew(2, 100LL * i + 20);
        doubled(line.epoch_room, &epochs, GH_TIMELINE_EPOCHS_MAX);
        doubled(line.slice_room, &slices, GH_TIMELINE_SLICES_MAX);
        doubled(line.decided_room, &decided, GH_TIMELINE_INTERVALS_MAX);
    }
    CHECK_INT(line.epoch_room, GH_TIMELINE_EPOCHS_MAX);
    CHECK_INT(line.slice_room, GH_TIMELINE_SLICES_MAX);
    CHECK_INT(line.decided_room, GH_TIMELINE_INTERVALS_MAX);
    CHECK_INT(line.slice_count, GH_TIMELINE_SLICES_MAX);
    gh_timeline_fini(&line);
    CHECK(all_its_own(&line));
    CHECK_INT(line.slice_count + line.decided_count, 0);
    gh_timeline_fini(&line); /* and nothing is freed twice */
}

static void a_zeroed_line_owns_nothing(void)
{
    struct gh_timeline zeroed = { 0 };

    gh_timeline_fini(&zeroed);
    CHECK(all_its_own(&zeroed));
}

/* What happens to a copy does not happen to its original, nor the other way round. */
static void a_copy_shares_nothing(void)
{
    for (int count = 1; count <= 60; count += 59) { /* in the struct, on the heap */
        struct gh_timeline copy;
        char before[4096];

        begin();
        key_anew(count, 0);
        CHECK_INT(gh_timeline_copy(&copy, &line), 0);
        CHECK(all_its_own(&copy) == (count == 1));
        CHECK(copy.epochs != line.epochs && copy.slices != line.slices &&
              copy.decided != line.decided);
        gh_timeline_end(&copy, 100LL * count * MS);
        snprintf(before, sizeof(before), "%s", intervals(&copy));
        key_anew(60, 100LL * count);
        end(100LL * count + 6000);
        CHECK_STR(intervals(&copy), before);
        anew();
        CHECK_STR(intervals(&copy), before);
        gh_timeline_fini(&copy);
    }
}

/* ---- without --------------------------------------------------------------------------------- */

#if GH_ALLOC_CAN_FAIL
/* Each of the lists that a copy needs. */
static void no_memory_for_a_copy(void)
{
    struct gh_timeline copy;
    int failed = 0;

    begin();
    key_anew(60, 0);
    for (long n = 1;; n++) {
        int err;

        alloc_fail_at(n);
        err = gh_timeline_copy(&copy, &line);
        if (!alloc_failed()) {
            CHECK_INT(err, 0);
            break;
        }
        failed++;
        CHECK_INT(err, GH_ENOMEM);
        CHECK(all_its_own(&copy));
        gh_timeline_end(&copy, 0);
        CHECK_STR(intervals(&copy), "");
        gh_timeline_fini(&copy);
    }
    CHECK_INT(failed, 3);
    gh_timeline_end(&copy, 6000 * MS);
    end(6000);
    CHECK(gh_timeline_us(&copy, GH_GRADE_MIXED) == gh_timeline_us(&line, GH_GRADE_MIXED));
    gh_timeline_fini(&copy);
}

/* As past the limit, only that the limit is what is there.  See more_slices_than_fit. */
static void no_memory_for_a_slice(void)
{
    for (int count = GH_TIMELINE_OWN - 1; count <= GH_TIMELINE_OWN + 1; count++) {
        bool fits = count <= GH_TIMELINE_OWN;

        begin();
        for (int i = 0; i < count; i++) {
            alloc_fail_at(line.slice_count < GH_TIMELINE_OWN ? 0 : 1);
            set(0, keyed((uint32_t)(10 + i)), keyed(2), i * 100);
            CHECK(alloc_failed() == (i >= GH_TIMELINE_OWN));
            media(0);
            prove(0, A, (uint32_t)(10 + i), i * 100);
        }
        CHECK(gh_timeline_coarse(&line) == !fits);
        prove(0, B, 2, count * 100);
        end(count * 100);
        CHECK_INT(gh_timeline_call(&line).grade, fits ? GH_GRADE_HOP_BY_HOP : GH_GRADE_MIXED);
        CHECK_INT(gh_timeline_us(&line, GH_GRADE_MIXED), fits ? 0 : 100 * MS);
    }
}

/* Nothing has come over stream 1 when the first slice is decided, but it may yet. */
static void what_may_yet_have_media_counts(void)
{
    begin_secure();
    set(1, clear(), clear(), 0);
    alloc_fail_all();
    for (int i = 1; i <= GH_TIMELINE_OWN; i++)
        gh_timeline_status(&line, i % 2 ? GH_STATUS_ENCRYPTED : GH_STATUS_AUTHENTICATED,
                           i * 100 * MS);
    CHECK(alloc_failed());
    CHECK(gh_timeline_coarse(&line));
    CHECK_STR(now(), "hop_by_hop");
    CHECK_STR(end(1000), "0-100 mixed, 100-1000 hop_by_hop");
    CHECK_STR(call(), "mixed");
}

/* With memory the clear stream would have been alone for a while; keyed ones make it no better. */
static void the_least_is_counted_without_media(void)
{
    begin();
    set(0, clear(), clear(), 0);
    media(0);
    set(1, keyed(1), keyed(2), 0);
    prove(1, A, 1, 10);
    prove(1, B, 2, 10);
    alloc_fail_all();
    for (int i = 1; i <= GH_TIMELINE_OWN; i++)
        gh_timeline_status(&line, i % 2 ? GH_STATUS_ENCRYPTED : GH_STATUS_AUTHENTICATED,
                           i * 100 * MS);
    CHECK(alloc_failed());
    CHECK_STR(end(1000), "0-1000 clear");
}

/* Side a's key was exposed from the beginning, and the beginning is decided. */
static void what_comes_to_light_counts_for_what_is_decided(void)
{
    struct gh_timeline_side exposed = keyed(1);

    exposed.key_exposed = true;
    begin_secure();
    alloc_fail_all();
    for (int i = 1; i <= GH_TIMELINE_OWN; i++) {
        set(0, keyed(1), keyed((uint32_t)(10 + i)), i * 100);
        media(0);
        prove(0, B, (uint32_t)(10 + i), i * 100);
    }
    CHECK(alloc_failed());
    CHECK(!gh_timeline_coarse(&line));
    CHECK_STR(call(), "hop_by_hop");
    gh_timeline_status(&line, GH_STATUS_ENCRYPTED, 900 * MS);
    set(0, exposed, keyed(99), 1000);
    CHECK(gh_timeline_coarse(&line));
    CHECK_STR(call(), "mixed");
    CHECK_INT(gh_timeline_marks(&line, A), GH_TIMELINE_EXPOSED);
    CHECK_STR(end(2000), "0-1000 mixed, 1000-2000 none");
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_MIXED), 1000 * MS);
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_HOP_BY_HOP), 0);
}

/* The oldest become one of the worse grade; the seconds are exact all the same. */
static void no_memory_for_an_interval(void)
{
    begin();
    alloc_fail_all();
    key_anew(10, 0);
    CHECK_STR(end(1000), "0-800 mixed, 800-900 hop_by_hop, 900-1000 mixed");
    CHECK(alloc_failed());
    CHECK(gh_timeline_coarse(&line) && all_its_own(&line));
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_MIXED), 500 * MS);
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_HOP_BY_HOP), 500 * MS);
}

/* A third stream: four sides hold all the places, and there is but one slice. */
static void begin_with_all_places_taken(void)
{
    begin();
    for (size_t s = 0; s < 2; s++) {
        uint32_t key = (uint32_t)(10 * s);

        set(s, keyed(key + 1), keyed(key + 2), 0);
        media(s);
        prove(s, A, key + 1, 10);
        prove(s, B, key + 2, 10);
    }
}

static void no_memory_for_an_epoch(void)
{
    begin_with_all_places_taken();
    CHECK_STR(now(), "hop_by_hop");
    alloc_fail_all();
    set(2, keyed(21), keyed(22), 1000);
    CHECK(alloc_failed());
    CHECK_STR(now(), "mixed"); /* it may be anything */
    CHECK(gh_timeline_coarse(&line));
    CHECK(!prove(2, A, 21, 1010));
    media(2);
    CHECK_STR(now(), "mixed");
    CHECK(!gh_timeline_call(&line).pending);
    /* The next offer and answer, with memory: it is an epoch from here on. */
    set(2, keyed(21), keyed(22), 2000);
    media(2);
    CHECK(prove(2, A, 21, 2010) && prove(2, B, 22, 2010));
    CHECK_STR(now(), "hop_by_hop");
    CHECK_STR(end(3000), "0-1000 hop_by_hop, 1000-2000 mixed, 2000-3000 hop_by_hop");
    CHECK_STR(call(), "mixed");
    CHECK_INT(gh_timeline_marks(&line, A), GH_TIMELINE_UNPROVEN);
    CHECK_INT(gh_timeline_marks(&line, B), GH_TIMELINE_UNPROVEN);
}

/* The place of the epoch that ends is that of the one that begins. */
static void new_keys_without_memory(void)
{
    begin_with_all_places_taken();
    alloc_fail_all();
    for (uint32_t i = 1; i < 100; i++) {
        set(1, keyed(100 + i), keyed(i % 2 ? 12 : 200 + i), i * 100);
        media(1);
        CHECK(prove(1, A, 100 + i, i * 100));
        CHECK(i % 2 || prove(1, B, 200 + i, i * 100));
    }
    CHECK(alloc_failed());
    media(0);
    CHECK_STR(now(), "pending");
    set(1, keyed(11), keyed(12), 10000);
    CHECK_INT((line.marks[A] | line.marks[B]) & ~(unsigned)GH_TIMELINE_UNPROVEN, 0);
}

/* Its slice stays, although no time passes in it; an exposed key is marked at once. */
static void an_epoch_without_a_place_is_not_forgotten(void)
{
    struct gh_timeline_side exposed = keyed(21);

    exposed.key_exposed = true;
    for (int how = 0; how < 3; how++) { /* removed, known from then on, the call ends */
        begin_with_all_places_taken();
        alloc_fail_all();
        set(2, exposed, keyed(22), 1000);
        media(2);
        CHECK(alloc_failed());
        if (how == 0)
            gh_timeline_remove(&line, 2, 1000 * MS);
        if (how == 1)
            set(2, keyed(23), keyed(22), 1000);
        CHECK_STR(end(how == 2 ? 1000 : 2000),
                  how == 2 ? "0-1000 hop_by_hop, 1000-1000 mixed"
                           : "0-1000 hop_by_hop, 1000-1000 mixed, 1000-2000 hop_by_hop");
        CHECK_STR(call(), "mixed");
        CHECK_INT(gh_timeline_marks(&line, A), GH_TIMELINE_UNPROVEN | GH_TIMELINE_EXPOSED);
        CHECK(gh_timeline_coarse(&line));
    }
}

/* All m-lines at once, in clear, without memory. */
static void many_streams_without_memory(void)
{
    begin();
    alloc_fail_all();
    for (size_t s = 0; s < GH_TIMELINE_STREAMS_MAX; s++)
        set(s, keyed((uint32_t)(2 * s)), keyed((uint32_t)(2 * s + 1)), 0);
    CHECK(alloc_failed());
    for (size_t s = 0; s < GH_TIMELINE_STREAMS_MAX; s++) {
        media(s);
        gh_timeline_remove(&line, s, 1000 * MS);
        gh_timeline_remove(&line, s, 1000 * MS);
    }
    CHECK_STR(now(), "none");
    end(2000);
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_NONE), 1000 * MS);
    CHECK_INT(gh_timeline_us(&line, GH_GRADE_MIXED), 1000 * MS);
    CHECK_STR(call(), "clear"); /* before media came over the first one */
}
#endif

int main(void)
{
    RUN(an_ordinary_call_stays_in_the_struct);
    RUN(each_list_doubles_up_to_its_limit);
    RUN(a_zeroed_line_owns_nothing);
    RUN(a_copy_shares_nothing);
#if GH_ALLOC_CAN_FAIL
    RUN(no_memory_for_a_copy);
    RUN(no_memory_for_a_slice);
    RUN(what_may_yet_have_media_counts);
    RUN(the_least_is_counted_without_media);
    RUN(what_comes_to_light_counts_for_what_is_decided);
    RUN(no_memory_for_an_interval);
    RUN(no_memory_for_an_epoch);
    RUN(new_keys_without_memory);
    RUN(an_epoch_without_a_place_is_not_forgotten);
    RUN(many_streams_without_memory);
#endif
    return CHECK_REPORT();
}
