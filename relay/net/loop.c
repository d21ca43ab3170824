/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libuv's loop with one uv_timer for the whole timer queue.  Before each wait the timer is set to
 * the earliest entry, so starting and stopping a gh_timer never touches libuv.
 */
#include "net/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include <uv.h>

#include <gatehouse/err.h>

struct on_signal {
    uv_signal_t signal;
    gh_signal_fn fn;
    void *arg;
    struct on_signal *next;
};

struct gh_loop {
    uv_loop_t uv;
    uv_prepare_t before_wait;
    uv_timer_t timer;
    struct gh_timerq timers;
    struct on_signal *signals;
    bool running, stopping;
};

static void on_timer(uv_timer_t *timer)
{
    struct gh_loop *loop = timer->data;

    gh_timerq_run(&loop->timers, uv_now(&loop->uv));
}

static void on_before_wait(uv_prepare_t *before_wait)
{
    struct gh_loop *loop = before_wait->data;
    uint64_t due_ms = gh_timerq_next(&loop->timers), now_ms;

    if (due_ms == UINT64_MAX) {
        uv_timer_stop(&loop->timer);
        return;
    }
    /* What ran before may have taken long. */
    uv_update_time(&loop->uv);
    now_ms = uv_now(&loop->uv);
    uv_timer_start(&loop->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void ignore_sigpipe(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
        now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

int gh_loop_new(struct gh_loop **out)
{
    struct gh_loop *loop = calloc(1, sizeof(*loop));
    int err = GH_ENOMEM;

    if (!loop)
        return err;
    err = uv_loop_init(&loop->uv);
    if (err) {
        free(loop);
        return err;
    }
    ignore_sigpipe();
    uv_prepare_init(&loop->uv, &loop->before_wait);
    uv_timer_init(&loop->uv, &loop->timer);
    loop->before_wait.data = loop->timer.data = loop;
    uv_prepare_start(&loop->before_wait, on_before_wait);
    *out = loop;
    return 0;
}

void gh_loop_free(struct gh_loop *loop)
{
    struct on_signal *on, *next;

    if (!loop)
        return;
    uv_close((uv_handle_t *)&loop->before_wait, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    for (on = loop->signals; on; on = on->next)
        uv_close((uv_handle_t *)&on->signal, NULL);
    /* One turn for the close callbacks of our own handles, without waiting. */
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    /* Our own mistake: the owner of that handle would call into freed memory. */
    if (uv_loop_close(&loop->uv))
        abort();
    for (on = loop->signals; on; on = next) {
        next = on->next;
        free(on);
    }
    gh_timerq_fini(&loop->timers);
    free(loop);
}

struct uv_loop_s *gh_loop_uv(struct gh_loop *loop)
{
    return &loop->uv;
}

struct gh_timerq *gh_loop_timers(struct gh_loop *loop)
{
    return &loop->timers;
}

uint64_t gh_loop_now_ms(const struct gh_loop *loop)
{
    /* libuv's time stands still while the loop does not run: a deadline set at start would come too
     * early. */
    return loop->running ? uv_now(&loop->uv) : uv_hrtime() / 1000000;
}

int64_t gh_wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_signal(uv_signal_t *signal, int signo)
{
    struct on_signal *on = signal->data;

    on->fn(on->arg, signo);
}

int gh_loop_on_signal(struct gh_loop *loop, int signo, gh_signal_fn fn, void *arg)
{
    struct on_signal *on = calloc(1, sizeof(*on));
    int err;

    if (!on)
        return GH_ENOMEM;
    err = uv_signal_init(&loop->uv, &on->signal);
    if (err) {
        free(on);
        return err;
    }
    /* In the list from here on: also a handle that was never started is to be closed. */
    on->fn = fn;
    on->arg = arg;
    on->signal.data = on;
    on->next = loop->signals;
    loop->signals = on;
    err = uv_signal_start(&on->signal, on_signal, signo);
    if (loop->stopping)
        uv_unref((uv_handle_t *)&on->signal);
    return err;
}

static int run(struct gh_loop *loop, uv_run_mode mode)
{
    int more;

    loop->running = true;
    more = uv_run(&loop->uv, mode);
    loop->running = false;
    return more;
}

int gh_loop_run(struct gh_loop *loop)
{
    return run(loop, UV_RUN_DEFAULT) ? GH_ESTATE : 0;
}

bool gh_loop_turn(struct gh_loop *loop)
{
    return run(loop, UV_RUN_ONCE) != 0;
}

void gh_loop_stop(struct gh_loop *loop)
{
    loop->stopping = true;
    /* Not closed: connections that are still being closed need their deadlines. */
    uv_unref((uv_handle_t *)&loop->before_wait);
    uv_unref((uv_handle_t *)&loop->timer);
    for (struct on_signal *on = loop->signals; on; on = on->next)
        uv_unref((uv_handle_t *)&on->signal);
}
