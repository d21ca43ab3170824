/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a worker's loop does: each GH_PULSE_MS it notes how late it is, once a second what it did.
 * The signalling thread reads it (gh_media_load), and each second whether it beats at all
 * (gh_media_health).
 *
 *   worker      beat: +50 ms, +50 ms, ...       late by what kept it: packets, the system, a fault
 *   signalling  look: +1 s                      two looks without a beat between: stalled
 */
#ifndef GH_PULSE_H
#define GH_PULSE_H

#include <stdatomic.h>

#include <uv.h>

#define GH_PULSE_MS 50
#define GH_PULSE_WINDOW_MS 1000
#define GH_LOOK_MS 1000
#define GH_LOOKS_TO_STALL 2 /* one could meet a process that was stopped as a whole and goes on */

struct gh_pulse {
    uv_timer_t timer;
    uint64_t pkts; /* worker alone: counted for each packet, shown each second */
    /* Worker alone, of the window that is under way. */
    uint64_t due_us, window_from_us, window_pkts, window_cpu_us, window_beats;
    uint64_t late_us, late_sum_us;
    /* Shown to the signalling thread. */
    _Atomic uint64_t beats, last_beat_us;
    _Atomic uint64_t lag_us, lag_mean_us; /* longest and mean of the last window */
    _Atomic uint64_t lag_worst_us;        /* longest of all */
    _Atomic uint64_t pkts_per_s, busy_permille;
};

/** Monotonic. */
uint64_t gh_pulse_now_us(void);

/** Before the worker's thread starts. */
void gh_pulse_init(struct gh_pulse *pulse, uv_loop_t *loop);
/** In the loop's thread, or when it has ended. */
void gh_pulse_fini(struct gh_pulse *pulse);

/** One beat, by the timer; for tests with times of their own.  @cpu_us  that the thread has used */
void gh_pulse_beat(struct gh_pulse *pulse, uint64_t now_us, uint64_t cpu_us);

/** How late the loop is: of the last window, or by now if that is later.  Any thread. */
uint64_t gh_pulse_lag_us(const struct gh_pulse *pulse, uint64_t now_us);

#endif
