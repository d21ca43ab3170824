/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's own thread: gather, write, sync, send back; try again while the disk fails. */
#include "audit/writer_int.h"

#include <stdlib.h>
#include <time.h>

struct writer {
    struct gh_audit *audit;
    struct gh_msg *head, **tail;   /* records waiting to be written, in order */
    bool stopping;
    int err;                       /* of the last try */
    int told;                      /* of the last try that thread 1 heard of */
    uint64_t synced_ms;            /* when the last group was tried */
};

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Take what thread 1 posted; waits at most @timeout_ms for the first, -1 for ever. */
static void take(struct writer *w, int timeout_ms)
{
    struct gh_msg *msg = gh_mailbox_wait(w->audit->to_writer, timeout_ms), *next;

    for (; msg; msg = next) {
        next = msg->next;
        msg->next = NULL;
        if (msg == &w->audit->stop) {
            w->stopping = true;
            continue;
        }
        *w->tail = msg;
        w->tail = &msg->next;
    }
}

/* Milliseconds until the disk is tried again; 0: now. */
static int until_retry(const struct writer *w)
{
    uint64_t passed = monotonic_ms() - w->synced_ms;

    return !w->err || passed >= GH_AUDIT_RETRY_MS ? 0 : (int)(GH_AUDIT_RETRY_MS - passed);
}

/* The first record after a pause goes at once; under load a group is what came in 20 ms. */
static void pace(const struct writer *w)
{
    uint64_t passed = monotonic_ms() - w->synced_ms;
    struct timespec rest = { 0, 0 };

    if (passed >= GH_AUDIT_GROUP_MS)
        return;
    rest.tv_nsec = (long)(GH_AUDIT_GROUP_MS - passed) * 1000000L;
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
}

static void drop_news(struct gh_msg *msg)
{
    free(msg);
}

static void tell(struct writer *w, int err)
{
    struct gh_audit_news *news;

    if (err == w->told)
        return;
    news = malloc(sizeof(*news));
    if (!news)
        return; /* told after the next try */
    w->told = err;
    news->msg.drop = drop_news;
    news->err = err;
    gh_mailbox_post(w->audit->to_loop, &news->msg);
}

/* Send back the records before @end. */
static void send_back(struct writer *w, const struct gh_msg *end, int err)
{
    while (w->head != end) {
        struct gh_msg *msg = w->head;

        w->head = msg->next;
        ((struct gh_event *)msg)->err = err;
        gh_mailbox_post(w->audit->to_loop, msg);
    }
    if (!w->head)
        w->tail = &w->head;
}

/* One group from the head of the queue.  @return 0 or why it is not on disk; then it is still queued */
static int write_group(struct writer *w)
{
    struct gh_ledger *ledger = w->audit->ledger;
    struct gh_msg *msg;
    int err = 0;

    for (msg = w->head; msg && gh_ledger_group_len(ledger) < GH_LEDGER_GROUP_MAX; msg = msg->next) {
        struct gh_event *event = (struct gh_event *)msg;

        err = gh_ledger_add(ledger, gh_span_of(event->text, event->len), &event->seq);
        if (err)
            break;
    }
    if (!err)
        err = gh_ledger_commit(ledger);
    w->synced_ms = monotonic_ms();
    w->err = err;
    tell(w, err);
    if (err) {
        w->audit->failures++;
    } else {
        w->audit->groups++;
        send_back(w, msg, 0);
    }
    return err;
}

void *gh_audit_thread(void *arg)
{
    struct gh_audit *audit = arg;
    struct writer w = { .audit = audit, .tail = NULL };
    int err = 0;

    w.tail = &w.head;
    while (!w.stopping) {
        take(&w, w.head ? until_retry(&w) : -1);
        if (!w.head || (until_retry(&w) && !w.stopping))
            continue;
        pace(&w);
        take(&w, 0);
        do {
            err = write_group(&w);
        } while (!err && w.head);
    }
    if (!audit->to_loop)
        return NULL; /* the start failed half-way: nobody listens, nothing was put */
    send_back(&w, NULL, err);
    gh_mailbox_post(audit->to_loop, &audit->stop);
    return NULL;
}
