/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers over a clock that is an argument: a binary heap ordered by due time, then by the order of
 * starting. net/ drives one from its loop; tests drive one by hand and never sleep.  One thread.
 */
#ifndef GH_TIMERQ_H
#define GH_TIMERQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gh_timer;
typedef void (*gh_timer_fn)(void *arg, uint64_t now_ms);

/* Embedded in its owner; zeroed means not running.  Stop it before its memory goes away. */
struct gh_timer {
    size_t slot;      /* 1-based place in the heap; 0: not running */
    uint64_t due_ms;
    uint64_t turn;    /* rank among those due at the same time */
    gh_timer_fn fn;
    void *arg;
};

struct gh_timerq {
    struct gh_timer **heap; /* [1..count] */
    size_t count, cap;
    uint64_t turns;         /* starts so far */
    uint64_t now_ms;        /* of the latest run */
};

/** A zeroed struct gh_timerq is ready.  Running timers are forgotten, not called. */
void gh_timerq_fini(struct gh_timerq *queue);

/** Run @fn once at @due_ms or soon after; a time that has passed means the next run.  A running
 * timer is moved.  @return 0 or GH_ENOMEM (then it is not running) */
int gh_timer_start(struct gh_timerq *queue, struct gh_timer *timer, uint64_t due_ms, gh_timer_fn fn,
                   void *arg);

/** Fine when it is not running. */
void gh_timer_stop(struct gh_timerq *queue, struct gh_timer *timer);

static inline bool gh_timer_running(const struct gh_timer *timer)
{
    return timer->slot != 0;
}

/**
 * Call all that are due at @now_ms, in the order of due time, then of starting.  What a callback
 * starts waits for the next run, also when it is due at once: no timer starves another, or the
 * loop.
 */
void gh_timerq_run(struct gh_timerq *queue, uint64_t now_ms);

/** @return when the next is due; UINT64_MAX when none runs */
uint64_t gh_timerq_next(const struct gh_timerq *queue);

#endif
