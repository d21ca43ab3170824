/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timerq.h"

#include <stdlib.h>

#include <gatehouse/err.h>

static void place(struct gh_timerq *queue, size_t slot, struct gh_timer *timer)
{
    queue->heap[slot] = timer;
    timer->slot = slot;
}

static void sift_up(struct gh_timerq *queue, struct gh_timer *timer, size_t slot)
{
    for (; slot > 1 && queue->heap[slot / 2]->due_ms > timer->due_ms; slot /= 2)
        place(queue, slot, queue->heap[slot / 2]);
    place(queue, slot, timer);
}

static void sift_down(struct gh_timerq *queue, struct gh_timer *timer, size_t slot)
{
    for (;;) {
        size_t child = slot * 2;

        if (child > queue->count)
            break;
        if (child < queue->count && queue->heap[child + 1]->due_ms < queue->heap[child]->due_ms)
            child++;
        if (queue->heap[child]->due_ms >= timer->due_ms)
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

int gh_timer_start(struct gh_timerq *queue, struct gh_timer *timer, uint64_t due_ms, gh_timer_fn fn, void *arg)
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
    timer->due_ms = due_ms;
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
    if (slot > 1 && queue->heap[slot / 2]->due_ms > last->due_ms)
        sift_up(queue, last, slot);
    else
        sift_down(queue, last, slot);
}

void gh_timerq_run(struct gh_timerq *queue, uint64_t now_ms)
{
    /* A callback may start a timer that is due at once, itself included: such a one must not starve the loop.
     * So at most as many run as were there at the start. */
    for (size_t left = queue->count; left && queue->count && queue->heap[1]->due_ms <= now_ms; left--) {
        struct gh_timer *timer = queue->heap[1];

        gh_timer_stop(queue, timer);
        timer->fn(timer->arg, now_ms);
    }
}

uint64_t gh_timerq_next(const struct gh_timerq *queue)
{
    return queue->count ? queue->heap[1]->due_ms : UINT64_MAX;
}
