/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop of one thread: libuv's loop, a timer queue over its monotonic clock, signals.
 */
#ifndef GH_LOOP_H
#define GH_LOOP_H

#include "base/timerq.h"

struct gh_loop;
struct uv_loop_s;

/** Also has SIGPIPE ignored, if nobody decided on it: a peer that went away must not end the
 * process. */
int gh_loop_new(struct gh_loop **out);

/** Every handle of other owners must be closed; aborts otherwise.  Timers that still run are
 * forgotten. NULL is fine. */
void gh_loop_free(struct gh_loop *loop);

struct uv_loop_s *gh_loop_uv(struct gh_loop *loop);

/** Timers of this loop's thread; started and stopped there only.  The loop wakes up for the
 * earliest. */
struct gh_timerq *gh_loop_timers(struct gh_loop *loop);

/** Monotonic milliseconds, as of the start of this turn of the loop. */
uint64_t gh_loop_now_ms(const struct gh_loop *loop);

/** Wall clock, microseconds since 1970, UTC.  Thread: any. */
int64_t gh_wall_us(void);

typedef void (*gh_signal_fn)(void *arg, int signo);

/** Call @fn on the loop for each @signo that comes, until gh_loop_free.  @return 0 or an error */
int gh_loop_on_signal(struct gh_loop *loop, int signo, gh_signal_fn fn, void *arg);

/** Run until gh_loop_stop was called and every handle of other owners is closed.  @return 0 or an
 * error */
int gh_loop_run(struct gh_loop *loop);

/** One turn: wait for the next event, handle what came.  For tests and tools.  @return whether
 * there is more to come */
bool gh_loop_turn(struct gh_loop *loop);

/** Let gh_loop_run return as soon as every handle of other owners is closed.  Timers and signals
 * work until then. */
void gh_loop_stop(struct gh_loop *loop);

#endif
