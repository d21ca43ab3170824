/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <uv.h>

struct gh_mailbox {
    pthread_mutex_t lock; /* protects head, tail and closed */
    pthread_cond_t filled;
    struct gh_msg *head, **tail;
    bool closed;
    bool on_loop, async_open;
    uv_async_t async;
    gh_mailbox_fn fn;
    void *arg;
};

static struct gh_msg *take_all(struct gh_mailbox *box)
{
    struct gh_msg *all = box->head;

    box->head = NULL;
    box->tail = &box->head;
    return all;
}

static void drop_all(struct gh_msg *msg)
{
    struct gh_msg *next;

    for (; msg; msg = next) {
        next = msg->next;
        msg->drop(msg);
    }
}

static void on_wake(uv_async_t *async)
{
    struct gh_mailbox *box = async->data;
    struct gh_msg *msg, *next;

    pthread_mutex_lock(&box->lock);
    msg = take_all(box);
    pthread_mutex_unlock(&box->lock);
    /* Only this thread closes the box, so it may look without the lock.  fn may have closed it, and
     * the owner may be gone: the rest is not for it any more. */
    for (; msg && !box->closed; msg = next) {
        next = msg->next;
        msg->next = NULL;
        box->fn(box->arg, msg);
    }
    drop_all(msg);
}

static int mailbox_new(struct gh_mailbox **out)
{
    struct gh_mailbox *box = calloc(1, sizeof(*box));
    pthread_condattr_t attr;

    if (!box)
        return GH_ENOMEM;
    pthread_mutex_init(&box->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&box->filled, &attr);
    pthread_condattr_destroy(&attr);
    box->tail = &box->head;
    *out = box;
    return 0;
}

int gh_mailbox_new_blocking(struct gh_mailbox **out)
{
    return mailbox_new(out);
}

int gh_mailbox_new_loop(struct gh_mailbox **out, struct uv_loop_s *loop, gh_mailbox_fn fn,
                        void *arg)
{
    struct gh_mailbox *box;
    int err = mailbox_new(&box);

    if (err)
        return err;
    box->on_loop = true;
    box->fn = fn;
    box->arg = arg;
    box->async.data = box;
    err = uv_async_init(loop, &box->async, on_wake);
    if (err) {
        gh_mailbox_free(box);
        return err;
    }
    box->async_open = true;
    *out = box;
    return 0;
}

void gh_mailbox_post(struct gh_mailbox *box, struct gh_msg *msg)
{
    bool was_empty, closed;

    msg->next = NULL;
    pthread_mutex_lock(&box->lock);
    closed = box->closed;
    was_empty = !box->head;
    if (!closed) {
        *box->tail = msg;
        box->tail = &msg->next;
        /* Under the lock: gh_mailbox_close takes it before the handle goes away. */
        if (was_empty && box->on_loop)
            uv_async_send(&box->async);
        else if (was_empty)
            pthread_cond_signal(&box->filled);
    }
    pthread_mutex_unlock(&box->lock);
    if (closed)
        msg->drop(msg);
}

struct gh_msg *gh_mailbox_wait(struct gh_mailbox *box, int timeout_ms)
{
    struct timespec until;
    struct gh_msg *all;
    int err = 0;

    if (timeout_ms >= 0) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
    }
    pthread_mutex_lock(&box->lock);
    while (!box->head && !err) {
        err = timeout_ms < 0 ? pthread_cond_wait(&box->filled, &box->lock)
                             : pthread_cond_timedwait(&box->filled, &box->lock, &until);
    }
    all = take_all(box);
    pthread_mutex_unlock(&box->lock);
    return all;
}

static void on_closed(uv_handle_t *handle)
{
    ((struct gh_mailbox *)handle->data)->async_open = false;
}

void gh_mailbox_close(struct gh_mailbox *box)
{
    struct gh_msg *left = NULL;

    assert(box->on_loop);
    pthread_mutex_lock(&box->lock);
    if (!box->closed) {
        box->closed = true;
        left = take_all(box);
        uv_close((uv_handle_t *)&box->async, on_closed);
    }
    pthread_mutex_unlock(&box->lock);
    drop_all(left);
}

void gh_mailbox_free(struct gh_mailbox *box)
{
    if (!box)
        return;
    /* Our own mistake: libuv would write into freed memory. */
    if (box->async_open)
        abort();
    drop_all(box->head);
    pthread_cond_destroy(&box->filled);
    pthread_mutex_destroy(&box->lock);
    free(box);
}
