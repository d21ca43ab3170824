/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timerq.h"

#include <gatehouse/err.h>
#include "support/alloc_fail.h"
#include "support/check.h"

#define MANY 1000

static struct gh_timerq queue;
static char trace[64]; /* which timers ran, in order */

struct named {
    struct gh_timer timer;
    char name;
    uint64_t again_ms;      /* start itself again then; 0: not */
    struct named *stops, *starts;
};

static void note(void *arg, uint64_t now_ms)
{
    struct named *self = arg;
    size_t len = strlen(trace);

    (void)now_ms;
    if (len < sizeof(trace) - 1)
        trace[len] = self->name;
    if (self->again_ms)
        gh_timer_start(&queue, &self->timer, self->again_ms, note, self);
    if (self->stops)
        gh_timer_stop(&queue, &self->stops->timer);
    if (self->starts)
        gh_timer_start(&queue, &self->starts->timer, now_ms, note, self->starts);
}

static void start(struct named *timer, uint64_t due_ms)
{
    CHECK_INT(gh_timer_start(&queue, &timer->timer, due_ms, note, timer), 0);
}

static void run(uint64_t now_ms)
{
    memset(trace, 0, sizeof(trace));
    gh_timerq_run(&queue, now_ms);
}

static void done(void)
{
    gh_timerq_fini(&queue);
    CHECK(gh_timerq_next(&queue) == UINT64_MAX);
}

static void runs_in_order(void)
{
    struct named a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };

    CHECK(gh_timerq_next(&queue) == UINT64_MAX);
    start(&b, 20);
    start(&a, 10);
    start(&c, 30);
    CHECK_INT(gh_timerq_next(&queue), 10);
    run(9);
    CHECK_STR(trace, "");
    run(20);
    CHECK_STR(trace, "ab");
    CHECK(!gh_timer_running(&a.timer) && gh_timer_running(&c.timer));
    CHECK_INT(gh_timerq_next(&queue), 30);
    run(1000);
    CHECK_STR(trace, "c");
    done();
}

static void equal_times_run_in_order_of_starting(void)
{
    struct named t[6];

    for (int i = 0; i < 6; i++) {
        t[i] = (struct named){ .name = (char)('a' + i) };
        start(&t[i], 7);
    }
    start(&t[0], 7); /* moved: last now */
    run(7);
    CHECK_STR(trace, "bcdefa");
    done();
}

static void moves_and_stops(void)
{
    struct named a = { .name = 'a' }, b = { .name = 'b' };

    start(&a, 10);
    start(&b, 20);
    start(&a, 30);
    CHECK_INT(queue.count, 2);
    run(20);
    CHECK_STR(trace, "b");
    gh_timer_stop(&queue, &a.timer);
    gh_timer_stop(&queue, &a.timer);
    run(1000);
    CHECK_STR(trace, "");
    done();
}

/* Bug: one timer that started itself again for now, or for a time that had passed, ran in the place
 * of others. */
static void nobody_starves(void)
{
    struct named a = { .name = 'a', .again_ms = 1 }, b = { .name = 'b' },
                 c = { .name = 'c', .again_ms = 5 };

    start(&a, 5);
    start(&c, 5);
    start(&b, 5);
    run(5);
    CHECK_STR(trace, "acb");
    run(5);
    CHECK_STR(trace, "ac");
    gh_timer_stop(&queue, &a.timer);
    gh_timer_stop(&queue, &c.timer);
    done();
}

static void callbacks_may_stop_and_start(void)
{
    struct named b = { .name = 'b' }, c = { .name = 'c' };
    struct named a = { .name = 'a', .stops = &b, .starts = &c };

    start(&a, 1);
    start(&b, 2);
    run(5);
    CHECK_STR(trace, "a");
    run(5);
    CHECK_STR(trace, "c");
    done();
}

static void forgets_at_fini(void)
{
    struct named a = { .name = 'a' };

    start(&a, 1);
    gh_timerq_fini(&queue);
    CHECK(!gh_timer_running(&a.timer));
    gh_timer_stop(&queue, &a.timer);
    run(5);
    CHECK_STR(trace, "");
}

/* The heap against a plain array: 1000 timers, 20,000 moves and stops by a fixed generator. */
static uint64_t ran_at;
static void tick(void *arg, uint64_t now_ms)
{
    uint64_t *due_ms = arg;

    (void)now_ms;
    CHECK(*due_ms >= ran_at && *due_ms != UINT64_MAX);
    ran_at = *due_ms;
    *due_ms = UINT64_MAX;
}

static void agrees_with_a_plain_array(void)
{
    static struct gh_timer timers[MANY];
    static uint64_t due[MANY];
    uint64_t seed = 42, least = UINT64_MAX;

    for (int i = 0; i < MANY; i++)
        due[i] = UINT64_MAX;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t who = (size_t)(seed >> 33) % MANY;

        if (seed >> 62 == 0) {
            gh_timer_stop(&queue, &timers[who]);
            due[who] = UINT64_MAX;
        } else {
            due[who] = 1000000 + (seed >> 20) % 5000;
            gh_timer_start(&queue, &timers[who], due[who], tick, &due[who]);
        }
    }
    for (int i = 0; i < MANY; i++)
        least = due[i] < least ? due[i] : least;
    CHECK(gh_timerq_next(&queue) == least);
    run(1002500);
    for (int i = 0; i < MANY; i++)
        CHECK(due[i] > 1002500);
    run(1005000);
    CHECK_INT(queue.count, 0);
    done();
}

#if GH_ALLOC_CAN_FAIL
static void says_when_memory_is_out(void)
{
    struct named a = { .name = 'a' };

    alloc_fail_at(1);
    CHECK_INT(gh_timer_start(&queue, &a.timer, 1, note, &a), GH_ENOMEM);
    CHECK(alloc_failed());
    CHECK(!gh_timer_running(&a.timer));
    start(&a, 1);
    run(1);
    CHECK_STR(trace, "a");
    done();
}
#endif

int main(void)
{
    RUN(runs_in_order);
    RUN(equal_times_run_in_order_of_starting);
    RUN(moves_and_stops);
    RUN(nobody_starves);
    RUN(callbacks_may_stop_and_start);
    RUN(forgets_at_fini);
    RUN(agrees_with_a_plain_array);
#if GH_ALLOC_CAN_FAIL
    RUN(says_when_memory_is_out);
#endif
    return CHECK_REPORT();
}
