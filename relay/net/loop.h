/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop of one thread: libuv's loop, a timer queue over its monotonic clock, signals.
 */
#ifndef GH_LOOP_H
#define GH_LOOP_H

#include "base/timerq.h"

struct gh_loop;
struct uv_loop_s;

int gh_loop_new(struct gh_loop **out);

/** Every handle must be closed.  NULL is fine. */
void gh_loop_free(struct gh_loop *loop);

struct uv_loop_s *gh_loop_uv(struct gh_loop *loop);

/** Timers of this loop's thread; started and stopped there only.  The loop wakes up for the earliest. */
struct gh_timerq *gh_loop_timers(struct gh_loop *loop);

/** Monotonic milliseconds, as of the start of this turn of the loop. */
uint64_t gh_loop_now_ms(const struct gh_loop *loop);

/** Wall clock, microseconds since 1970, UTC.  Thread: any. */
int64_t gh_wall_us(void);

typedef void (*gh_signal_fn)(void *arg, int signo);

/** Call @fn on the loop for each of @signo.  @return 0 or an error */
int gh_loop_on_signal(struct gh_loop *loop, int signo, gh_signal_fn fn, void *arg);

/** Run until gh_loop_stop and until every handle of other owners is closed. */
int gh_loop_run(struct gh_loop *loop);

/** Close the loop's own handles (signals, timer), so that gh_loop_run returns when all others are closed. */
void gh_loop_stop(struct gh_loop *loop);

#endif
