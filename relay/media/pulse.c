/* SPDX-License-Identifier: Apache-2.0 */
#include "media/pulse.h"

#include <time.h>

static uint64_t load_u64(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void store_u64(_Atomic uint64_t *value, uint64_t what)
{
    atomic_store_explicit(value, what, memory_order_relaxed);
}

uint64_t gh_pulse_now_us(void)
{
    return uv_hrtime() / 1000;
}

static uint64_t thread_cpu_us(void)
{
    struct timespec used = { 0 };

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static void end_window(struct gh_pulse *pulse, uint64_t now_us, uint64_t cpu_us)
{
    uint64_t took_us = now_us - pulse->window_from_us;

    store_u64(&pulse->lag_us, pulse->late_us);
    store_u64(&pulse->lag_mean_us, pulse->late_sum_us / pulse->window_beats);
    store_u64(&pulse->pkts_per_s, (pulse->pkts - pulse->window_pkts) * 1000000 / took_us);
    store_u64(&pulse->busy_permille, (cpu_us - pulse->window_cpu_us) * 1000 / took_us);
    pulse->late_us = pulse->late_sum_us = pulse->window_beats = 0;
    pulse->window_from_us = now_us;
    pulse->window_pkts = pulse->pkts;
    pulse->window_cpu_us = cpu_us;
}

void gh_pulse_beat(struct gh_pulse *pulse, uint64_t now_us, uint64_t cpu_us)
{
    uint64_t late_us = pulse->due_us && now_us > pulse->due_us ? now_us - pulse->due_us : 0;

    if (!pulse->due_us) { /* the first: the thread has just begun */
        pulse->window_from_us = now_us;
        pulse->window_cpu_us = cpu_us;
    }
    pulse->due_us = now_us + GH_PULSE_MS * 1000;
    if (late_us > pulse->late_us)
        pulse->late_us = late_us;
    pulse->late_sum_us += late_us;
    pulse->window_beats++;
    if (late_us > load_u64(&pulse->lag_worst_us))
        store_u64(&pulse->lag_worst_us, late_us);
    if (now_us - pulse->window_from_us >= GH_PULSE_WINDOW_MS * 1000)
        end_window(pulse, now_us, cpu_us);
    store_u64(&pulse->last_beat_us, now_us);
    store_u64(&pulse->beats, load_u64(&pulse->beats) + 1);
}

static void on_beat(uv_timer_t *timer)
{
    gh_pulse_beat(timer->data, gh_pulse_now_us(), thread_cpu_us());
}

void gh_pulse_init(struct gh_pulse *pulse, uv_loop_t *loop)
{
    uv_timer_init(loop, &pulse->timer);
    pulse->timer.data = pulse;
    uv_timer_start(&pulse->timer, on_beat, 0, GH_PULSE_MS);
}

void gh_pulse_fini(struct gh_pulse *pulse)
{
    uv_close((uv_handle_t *)&pulse->timer, NULL);
}

uint64_t gh_pulse_lag_us(const struct gh_pulse *pulse, uint64_t now_us)
{
    uint64_t shown_us = load_u64(&pulse->lag_us), last_us = load_u64(&pulse->last_beat_us);
    uint64_t due_us = last_us + GH_PULSE_MS * 1000;
    uint64_t open_us = last_us && now_us > due_us ? now_us - due_us : 0;

    return open_us > shown_us ? open_us : shown_us;
}
