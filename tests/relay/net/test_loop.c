/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <signal.h>
#include <unistd.h>

#include <uv.h>

#include <gatehouse/err.h>
#include "support/alloc_fail.h"
#include "support/check.h"

static struct gh_loop *loop;
static int ran, signals;

static void stop(void *arg, uint64_t now_ms)
{
    (void)now_ms;
    ran++;
    gh_loop_stop(arg);
}

static void stop_at_signal(void *arg, int signo)
{
    signals++;
    CHECK_INT(signo, SIGUSR1);
    gh_loop_stop(arg);
}

static void begin(void)
{
    ran = signals = 0;
    CHECK_INT(gh_loop_new(&loop), 0);
}

static void runs_a_timer(void)
{
    struct gh_timer timer = { 0 };
    uint64_t due_ms;

    begin();
    due_ms = gh_loop_now_ms(loop) + 20;
    CHECK_INT(gh_timer_start(gh_loop_timers(loop), &timer, due_ms, stop, loop), 0);
    CHECK_INT(gh_loop_run(loop), 0);
    CHECK_INT(ran, 1);
    CHECK(gh_loop_now_ms(loop) >= due_ms); /* never early */
    gh_loop_free(loop);
}

static void forgets_timers_at_the_end(void)
{
    struct gh_timer timer = { 0 };

    begin();
    gh_timer_start(gh_loop_timers(loop), &timer, gh_loop_now_ms(loop) + 1000000, stop, loop);
    gh_loop_stop(loop);
    CHECK_INT(gh_loop_run(loop), 0);
    CHECK_INT(ran, 0);
    gh_loop_free(loop);
    gh_loop_free(NULL);
}

/* Bug class: libuv's clock stands still between loop runs, so a timer started then came too early.
 */
static void clock_goes_on_while_not_running(void)
{
    uint64_t first, second;

    begin();
    first = gh_loop_now_ms(loop);
    do
        second = gh_loop_now_ms(loop);
    while (second == first);
    CHECK(second > first);
    gh_loop_free(loop);
}

/* After gh_loop_stop timers go on while a handle of somebody else is open. */
static uv_idle_t other;
static void close_other(void *arg, uint64_t now_ms)
{
    (void)arg;
    (void)now_ms;
    ran++;
    uv_close((uv_handle_t *)&other, NULL);
}

static void keep_busy(uv_idle_t *handle)
{
    (void)handle;
}

static void timers_outlive_stop(void)
{
    struct gh_timer timer = { 0 };

    begin();
    uv_idle_init(gh_loop_uv(loop), &other);
    uv_idle_start(&other, keep_busy);
    gh_loop_stop(loop);
    gh_timer_start(gh_loop_timers(loop), &timer, gh_loop_now_ms(loop) + 5, close_other, NULL);
    CHECK_INT(gh_loop_run(loop), 0);
    CHECK_INT(ran, 1);
    gh_loop_free(loop);
}

static void gives_signals(void)
{
    begin();
    CHECK_INT(gh_loop_on_signal(loop, SIGUSR1, stop_at_signal, loop), 0);
    CHECK(gh_loop_on_signal(loop, SIGKILL, stop_at_signal, loop) < 0);
    kill(getpid(), SIGUSR1);
    CHECK_INT(gh_loop_run(loop), 0);
    CHECK_INT(signals, 1);
    gh_loop_free(loop);
}

static void ignores_sigpipe(void)
{
    int pipes[2];

    begin();
    CHECK_OR_STOP(pipe(pipes) == 0);
    close(pipes[0]);
    CHECK_INT(write(pipes[1], "x", 1), -1); /* still alive */
    close(pipes[1]);
    gh_loop_free(loop);
}

static void tells_wall_time(void)
{
    CHECK(gh_wall_us() > 1700000000000000LL); /* 2023: microseconds, not milliseconds */
    CHECK(gh_wall_us() < 7000000000000000LL);
}

#if GH_ALLOC_CAN_FAIL
static void says_when_memory_is_out(void)
{
    loop = NULL;
    alloc_fail_at(1);
    CHECK_INT(gh_loop_new(&loop), GH_ENOMEM);
    CHECK(alloc_failed() && !loop);
    begin();
    alloc_fail_at(1);
    CHECK_INT(gh_loop_on_signal(loop, SIGUSR1, stop_at_signal, loop), GH_ENOMEM);
    CHECK(alloc_failed());
    gh_loop_free(loop);
}
#endif

int main(void)
{
    RUN(runs_a_timer);
    RUN(forgets_timers_at_the_end);
    RUN(clock_goes_on_while_not_running);
    RUN(timers_outlive_stop);
    RUN(gives_signals);
    RUN(ignores_sigpipe);
    RUN(tells_wall_time);
#if GH_ALLOC_CAN_FAIL
    RUN(says_when_memory_is_out);
#endif
    return CHECK_REPORT();
}
