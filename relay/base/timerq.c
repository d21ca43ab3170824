/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timerq.h"

#include <stdlib.h>

#include <gatehouse/err.h>

static bool before(const struct gh_timer *a, const struct gh_timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->turn < b->turn;
}

static void place(struct gh_timerq *queue, size_t slot, struct gh_timer *timer)
{
    queue->heap[slot] = timer;
    timer->slot = slot;
}

static void sift_up(struct gh_timerq *queue, struct gh_timer *timer, size_t slot)
{
    for (; slot > 1 && before(timer, queue->heap[slot / 2]); slot /= 2)
        place(queue, slot, queue->heap[slot / 2]);
    place(queue, slot, timer);
}

static void sift_down(struct gh_timerq *queue, struct gh_timer *timer, size_t slot)
{
    for (;;) {
        size_t child = slot * 2;

        if (child > queue->count)
            break;
        if (child < queue->count && before(queue->heap[child + 1], queue->heap[child]))
            child++;
        if (before(timer, queue->heap[child]))
            break;
        place(queue, slot, queue->heap[child]);
        slot = child;
    }
    place(queue, slot, timer);
}

void gh_timerq_fini(struct gh_timerq *queue)
{
    for (size_t i = 1; i <= queue->count; i++)
        queue->heap[i]->slot = 0;
    free(queue->heap);
    *queue = (struct gh_timerq){ 0 };
}

int gh_timer_start(struct gh_timerq *queue, struct gh_timer *timer, uint64_t due_ms, gh_timer_fn fn,
                   void *arg)
{
    gh_timer_stop(queue, timer);
    if (queue->count + 1 >= queue->cap) {
        size_t cap = queue->cap ? queue->cap * 2 : 64;
        struct gh_timer **heap = realloc(queue->heap, cap * sizeof(struct gh_timer *));

        if (!heap)
            return GH_ENOMEM;
        queue->heap = heap;
        queue->cap = cap;
    }
    /* What is past counts as now: else a timer that keeps starting itself in the past would come
     * before all others. */
    timer->due_ms = due_ms > queue->now_ms ? due_ms : queue->now_ms;
    timer->turn = ++queue->turns;
    timer->fn = fn;
    timer->arg = arg;
    queue->count++;
    sift_up(queue, timer, queue->count);
    return 0;
}

void gh_timer_stop(struct gh_timerq *queue, struct gh_timer *timer)
{
    size_t slot = timer->slot;
    struct gh_timer *last;

    if (!slot)
        return;
    timer->slot = 0;
    last = queue->heap[queue->count--];
    if (last == timer)
        return;
    if (slot > 1 && before(last, queue->heap[slot / 2]))
        sift_up(queue, last, slot);
    else
        sift_down(queue, last, slot);
}

void gh_timerq_run(struct gh_timerq *queue, uint64_t now_ms)
{
    uint64_t last = queue->turns;

    if (now_ms > queue->now_ms)
        queue->now_ms = now_ms;
    /* Whatever a callback starts is due now at the earliest and has a later turn, so it sorts
     * behind all that were there: the first of them ends the run. */
    while (queue->count && queue->heap[1]->due_ms <= now_ms && queue->heap[1]->turn <= last) {
        struct gh_timer *timer = queue->heap[1];

        gh_timer_stop(queue, timer);
        timer->fn(timer->arg, now_ms);
    }
}

uint64_t gh_timerq_next(const struct gh_timerq *queue)
{
    return queue->count ? queue->heap[1]->due_ms : UINT64_MAX;
}
