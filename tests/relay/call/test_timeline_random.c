/* SPDX-License-Identifier: Apache-2.0 */
/* The time line of random calls against the oracle of support_timeline_oracle.h. */
#include "support_timeline_oracle.h"

#include "support/alloc_fail.h"

/* A sanitizer makes the oracle, which looks at every moment again, sixty times slower: it sees fewer calls. */
#ifdef GH_SANITIZED
#define CALLS 600
#define LONG_CALLS 4
#else
#define CALLS 6000
#define LONG_CALLS 30
#endif
#define SHORT_CALLS 200 /* of memory */

/* ---- comparison ------------------------------------------------------------------------------ */

static bool same_intervals(const struct gh_timeline *line, const struct verdict *want)
{
    struct gh_timeline_interval interval;
    size_t count = 0;

    for (; !gh_timeline_interval(line, count, &interval); count++) {
        const struct gh_timeline_interval *other = &want->intervals[count];

        if (count >= want->count || interval.grade != other->grade ||
            interval.from_us != other->from_us - steps[0].now ||
            interval.to_us != other->to_us - steps[0].now)
            return false;
    }
    return count == want->count;
}

static bool same(const struct gh_timeline *line, const struct verdict *want)
{
    bool ok = CHECK(same_intervals(line, want));

    for (int grade = 0; grade < GH_GRADE_COUNT; grade++)
        ok = CHECK(gh_timeline_us(line, (enum gh_grade)grade) == want->us[grade]) && ok;
    ok = CHECK(gh_timeline_call(line).grade == want->worst) && ok;
    ok = CHECK(!gh_timeline_call(line).pending) && ok;
    for (int side = 0; side < 2; side++)
        ok = CHECK(gh_timeline_marks(line, side) == want->marks[side]) && ok;
    return ok;
}

static void show(const struct gh_timeline *line, const struct verdict *want)
{
    struct gh_timeline_interval interval;

    for (int i = 0; i < step_count; i++) {
        const struct step *s = &steps[i];

        printf("%d: %lld kind %d stream %zu which %d key %u status %d trusted %d grown %d |", i,
               (long long)s->now, (int)s->kind, s->stream, s->which, s->key, (int)s->status,
               s->trusted, s->grown);
        for (int w = 0; s->kind == SET && w < 2; w++)
            printf(" keying %d key %u peer %d sig %d exposed %d passed %d send %d |",
                   (int)s->side[w].keying, s->side[w].key, (int)s->side[w].peer,
                   (int)s->side[w].signalling, s->side[w].key_exposed, s->side[w].dtls_passed,
                   s->side[w].may_send);
        printf("\n");
    }
    for (size_t i = 0; !gh_timeline_interval(line, i, &interval); i++)
        printf("got  %lld-%lld %s\n", (long long)(interval.from_us + steps[0].now),
               (long long)(interval.to_us + steps[0].now), gh_grade_name(interval.grade));
    for (size_t i = 0; i < want->count; i++)
        printf("want %lld-%lld %s\n", (long long)want->intervals[i].from_us,
               (long long)want->intervals[i].to_us, gh_grade_name(want->intervals[i].grade));
}

/* What kinds of calls came up, so that the comparison is known to have met them. */
static long met[GH_GRADE_COUNT], met_inherited, met_unproven, met_changes;

/* As if the call ended now. */
static bool ends_as_told(const struct gh_timeline *line, struct verdict *want)
{
    struct gh_timeline copy;
    bool ok = CHECK_INT(gh_timeline_copy(&copy, line), 0);

    gh_timeline_end(&copy, end_us);
    judge(want);
    ok = ok && same(&copy, want);
    if (!ok)
        show(&copy, want);
    gh_timeline_fini(&copy);
    return ok;
}

/* @line  initialised; the caller frees what it owns */
static bool one_call(struct gh_timeline *line, int count, size_t streams)
{
    static struct verdict want;
    int all = count;

    random_call(count, streams);
    for (int i = 0; i < all; i++) {
        play(line, &steps[i]);
        if (line->coarse) { /* too much for exactness: another test */
            step_count = i;
            return true;
        }
        step_count = i + 1;
        if (!CHECK_INT(gh_timeline_now(line).grade, grade_after(i, i + 1, false, NULL))) {
            show(line, &want);
            return false;
        }
        if (i % 8 && i + 1 < all)
            continue;
        end_us = steps[i].now + (int64_t)pick(3) * 1000000;
        if (!ends_as_told(line, &want))
            return false;
    }
    for (int grade = 0; grade < GH_GRADE_COUNT; grade++)
        met[grade] += want.us[grade] > 0;
    met_inherited += (want.marks[0] & GH_TIMELINE_INHERITED) != 0;
    met_unproven += (want.marks[0] & GH_TIMELINE_UNPROVEN) != 0;
    met_changes += (long)want.count;
    return true;
}

static void against_the_oracle(void)
{
    for (unsigned i = 0; i < CALLS; i++) {
        struct gh_timeline line;
        bool ok;

        seed = i;
        gh_timeline_init(&line);
        ok = one_call(&line, 5 + (int)pick(40), 1 + pick(3));
        gh_timeline_fini(&line);
        if (!ok) {
            printf("seed %u\n", i);
            return;
        }
    }
    printf("     calls with each grade:");
    for (int grade = 0; grade < GH_GRADE_COUNT; grade++) {
        printf(" %s %ld", gh_grade_name((enum gh_grade)grade), met[grade]);
        CHECK(met[grade] > CALLS / 300);
    }
    printf("; inherited %ld, unproven %ld, %ld intervals\n", met_inherited, met_unproven,
           met_changes);
    CHECK(met_inherited > CALLS / 60 && met_unproven > CALLS / 60 && met_changes > CALLS * 5 / 3);
}

/* With more than fits, what is said is never higher than what is true, and adds up. */
static void long_calls_never_say_more(void)
{
    static struct verdict want;
    int coarse = 0;

    for (unsigned n = 0; n < LONG_CALLS; n++) {
        struct gh_timeline line;

        seed = 1000000 + n;
        tidy = n % 2;
        random_call(EVENTS_MAX, tidy ? 1 + pick(2) : 1 + pick(STREAMS));
        gh_timeline_init(&line);
        for (int i = 0; i < step_count; i++)
            play(&line, &steps[i]);
        gh_timeline_end(&line, end_us);
        judge(&want);
        coarse += gh_timeline_coarse(&line);
        CHECK(gh_timeline_call(&line).grade <= want.worst);
        adds_up(&line);
        nowhere_too_high(&line, &want);
        gh_timeline_fini(&line);
    }
    printf("     %d of %d were coarse\n", coarse, LONG_CALLS);
    CHECK(coarse > LONG_CALLS / 3);
}

#if GH_ALLOC_CAN_FAIL
/* What is said is never higher than what is true, and adds up, whenever memory was short. */
static void without_memory_they_never_say_more(void)
{
    enum { NEVER, LATE, NOW_AND_THEN, KINDS };
    static struct verdict want;
    int coarse = 0, unkept = 0;

    for (unsigned n = 0; n < SHORT_CALLS; n++) {
        struct gh_timeline line;
        int kind = (int)n % KINDS, from;

        seed = 2000000 + n;
        tidy = n % 2;
        random_call(20 + (int)pick(200), 1 + pick(STREAMS));
        from = kind == LATE ? (int)pick((unsigned)step_count) : 0;
        gh_timeline_init(&line);
        for (int i = 0; i < step_count; i++) {
            if (kind == NOW_AND_THEN ? pick(2) : i >= from)
                alloc_fail_all();
            play(&line, &steps[i]);
            alloc_failed();
            for (size_t s = 0; s < STREAMS && line.slice_count; s++)
                unkept += line.slices[line.slice_count - 1].epoch[s][0] == UINT8_MAX;
        }
        alloc_fail_all();
        gh_timeline_end(&line, end_us);
        alloc_failed();
        judge(&want);
        coarse += gh_timeline_coarse(&line);
        /* "None" says that nothing had media.  It is no grade to hide another one behind. */
        CHECK(want.worst == GH_GRADE_NONE ||
              (gh_timeline_call(&line).grade != GH_GRADE_NONE &&
               gh_timeline_call(&line).grade <= want.worst));
        for (int side = 0; side < 2; side++) {
            CHECK_INT(want.marks[side] & ~gh_timeline_marks(&line, side) &
                          (GH_TIMELINE_UNPROVEN | GH_TIMELINE_EXPOSED),
                      0);
        }
        adds_up(&line);
        nowhere_too_high(&line, &want);
        gh_timeline_fini(&line);
    }
    printf("     %d of %d were coarse, %d times an epoch had no place\n", coarse, SHORT_CALLS, unkept);
    CHECK(coarse > SHORT_CALLS / 3 && unkept > SHORT_CALLS);
}
#endif

int main(void)
{
    RUN(against_the_oracle);
    RUN(long_calls_never_say_more);
#if GH_ALLOC_CAN_FAIL
    RUN(without_memory_they_never_say_more);
#endif
    return CHECK_REPORT();
}
