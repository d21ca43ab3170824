/* SPDX-License-Identifier: Apache-2.0 */
/* Run under the thread sanitizer too: preset tsan. */
#include "base/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>

#include <uv.h>

#include "support/alloc_fail.h"
#include "support/check.h"

#define POSTERS 4
#define EACH 5000

struct numbered {
    struct gh_msg msg; /* first */
    int from, number;
};

static atomic_int dropped, alive;

static void drop(struct gh_msg *msg)
{
    atomic_fetch_add(&dropped, 1);
    atomic_fetch_sub(&alive, 1);
    free(msg);
}

static struct gh_msg *make(int from, int number)
{
    struct numbered *m = calloc(1, sizeof(*m));

    if (!m)
        abort();
    m->msg.drop = drop;
    m->from = from;
    m->number = number;
    atomic_fetch_add(&alive, 1);
    return &m->msg;
}

/* Counts, and checks that the numbers of each sender come in order. */
struct receiver {
    int next[POSTERS], count, close_at;
    struct gh_mailbox *box;
};

static void take(void *arg, struct gh_msg *msg)
{
    struct receiver *r = arg;
    struct numbered *m = (struct numbered *)msg;

    if (m->number != r->next[m->from])
        CHECK_INT(m->number, r->next[m->from]);
    CHECK(!msg->next);
    r->next[m->from] = m->number + 1;
    msg->drop(msg);
    if (++r->count == r->close_at)
        gh_mailbox_close(r->box);
}

struct poster {
    struct gh_mailbox *box;
    int from;
};

static void *post_many(void *arg)
{
    struct poster *p = arg;

    for (int i = 0; i < EACH; i++)
        gh_mailbox_post(p->box, make(p->from, i));
    return NULL;
}

static void post_from_threads(struct gh_mailbox *box, pthread_t threads[POSTERS],
                              struct poster posters[POSTERS])
{
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){ .box = box, .from = i };
        CHECK_INT(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
}

static void join(pthread_t threads[POSTERS])
{
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
}

static void loop_form_takes_all_in_order(void)
{
    struct receiver r = { .close_at = POSTERS * EACH };
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    uv_loop_t loop;

    uv_loop_init(&loop);
    CHECK_INT(gh_mailbox_new_loop(&r.box, &loop, take, &r), 0);
    post_from_threads(r.box, threads, posters);
    uv_run(&loop, UV_RUN_DEFAULT); /* ends when the last message closed the box */
    join(threads);
    CHECK_INT(r.count, POSTERS * EACH);
    CHECK_INT(alive, 0);
    gh_mailbox_free(r.box);
    CHECK_INT(uv_loop_close(&loop), 0);
}

/* The receiver closes while the senders go on: everything is dropped, nothing is leaked or
 * delivered. */
static void loop_form_closes_under_fire(void)
{
    struct receiver r = { .close_at = EACH / 2 };
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    uv_loop_t loop;

    uv_loop_init(&loop);
    atomic_store(&dropped, 0);
    CHECK_INT(gh_mailbox_new_loop(&r.box, &loop, take, &r), 0);
    post_from_threads(r.box, threads, posters);
    uv_run(&loop, UV_RUN_DEFAULT);
    join(threads);
    CHECK_INT(r.count, EACH / 2);
    CHECK_INT(dropped, POSTERS * EACH);
    CHECK_INT(alive, 0);
    gh_mailbox_free(r.box);
    uv_loop_close(&loop);
}

/* Bug: messages of the same wake-up were still handed to a receiver that had closed its box. */
static void nothing_comes_after_close(void)
{
    struct receiver r = { .close_at = 1 };
    uv_loop_t loop;

    uv_loop_init(&loop);
    CHECK_INT(gh_mailbox_new_loop(&r.box, &loop, take, &r), 0);
    for (int i = 0; i < 3; i++)
        gh_mailbox_post(r.box, make(0, i));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(r.count, 1);
    CHECK_INT(alive, 0);
    gh_mailbox_post(r.box, make(0, 3));
    CHECK_INT(alive, 0);
    gh_mailbox_close(r.box);
    gh_mailbox_free(r.box);
    uv_loop_close(&loop);
}

static void close_drops_what_waits(void)
{
    struct receiver r = { 0 };
    uv_loop_t loop;

    uv_loop_init(&loop);
    CHECK_INT(gh_mailbox_new_loop(&r.box, &loop, take, &r), 0);
    gh_mailbox_post(r.box, make(0, 0));
    gh_mailbox_close(r.box);
    CHECK_INT(alive, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(r.count, 0);
    gh_mailbox_free(r.box);
    uv_loop_close(&loop);
}

/* A receiver that posts to itself gets the message at the next wake-up. */
static void post_again(void *arg, struct gh_msg *msg)
{
    struct receiver *r = arg;
    int count = r->count;

    if (count < 9)
        gh_mailbox_post(r->box, make(0, count + 1));
    take(arg, msg);
    CHECK_INT(r->count, count + 1);
}

static void receiver_may_post(void)
{
    struct receiver r = { .close_at = 10 };
    uv_loop_t loop;

    uv_loop_init(&loop);
    CHECK_INT(gh_mailbox_new_loop(&r.box, &loop, post_again, &r), 0);
    gh_mailbox_post(r.box, make(0, 0));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(r.count, 10);
    gh_mailbox_free(r.box);
    uv_loop_close(&loop);
}

static void blocking_form_takes_all_in_order(void)
{
    struct receiver r = { .close_at = -1 };
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];

    CHECK_INT(gh_mailbox_new_blocking(&r.box), 0);
    post_from_threads(r.box, threads, posters);
    while (r.count < POSTERS * EACH) {
        struct gh_msg *next, *msg = gh_mailbox_wait(r.box, -1);

        CHECK_OR_STOP(msg != NULL);
        for (; msg; msg = next) {
            next = msg->next;
            msg->next = NULL;
            take(&r, msg);
        }
    }
    join(threads);
    CHECK(!gh_mailbox_wait(r.box, 0));
    CHECK_INT(alive, 0);
    gh_mailbox_post(r.box, make(0, 0));
    gh_mailbox_post(r.box, make(0, 1));
    CHECK_INT(alive, 2);
    gh_mailbox_free(r.box);
    CHECK_INT(alive, 0);
}

static void blocking_form_gives_up_in_time(void)
{
    struct gh_mailbox *box;

    CHECK_INT(gh_mailbox_new_blocking(&box), 0);
    CHECK(!gh_mailbox_wait(box, 0));
    CHECK(!gh_mailbox_wait(box, 1));
    gh_mailbox_free(box);
    gh_mailbox_free(NULL);
}

#if GH_ALLOC_CAN_FAIL
static void says_when_memory_is_out(void)
{
    struct gh_mailbox *box = NULL;
    uv_loop_t loop;

    alloc_fail_at(1);
    CHECK_INT(gh_mailbox_new_blocking(&box), GH_ENOMEM);
    CHECK(alloc_failed() && !box);
    uv_loop_init(&loop);
    for (long n = 1;; n++) {
        int err;

        alloc_fail_at(n);
        err = gh_mailbox_new_loop(&box, &loop, take, NULL);
        if (!alloc_failed())
            break;
        CHECK_INT(err, GH_ENOMEM);
        CHECK(!box);
    }
    CHECK_OR_STOP(box != NULL);
    gh_mailbox_close(box);
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_mailbox_free(box);
    CHECK_INT(uv_loop_close(&loop), 0);
}
#endif

int main(void)
{
    RUN(loop_form_takes_all_in_order);
    RUN(loop_form_closes_under_fire);
    RUN(nothing_comes_after_close);
    RUN(close_drops_what_waits);
    RUN(receiver_may_post);
    RUN(blocking_form_takes_all_in_order);
    RUN(blocking_form_gives_up_in_time);
#if GH_ALLOC_CAN_FAIL
    RUN(says_when_memory_is_out);
#endif
    return CHECK_REPORT();
}
