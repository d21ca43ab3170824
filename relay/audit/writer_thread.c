/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's own thread: gather, look, write, sync, send back; try again while the disk fails. */
#include "audit/writer_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct writer {
    struct gh_audit *audit;
    struct gh_msg *head, **tail;   /* records waiting to be written, in order */
    bool begun;                    /* thread 1 posted something: from then on it listens */
    bool stopping;
    int err;                       /* of the last try */
    int told;                      /* of the last try that thread 1 heard of */
    uint64_t tried_ms;            /* when the last group was tried */
};

static int64_t wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

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

    w->begun |= msg != NULL;
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
    uint64_t passed = monotonic_ms() - w->tried_ms;

    return !w->err || passed >= GH_AUDIT_RETRY_MS ? 0 : (int)(GH_AUDIT_RETRY_MS - passed);
}

/* The first record after a pause goes at once; under load a group is what came in 20 ms. */
static void pace(const struct writer *w)
{
    uint64_t passed = monotonic_ms() - w->tried_ms;
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

/* @why  written when @err is not 0 */
static void tell(struct writer *w, int err, const char *why)
{
    struct gh_audit_news *news;

    if (err == w->told)
        return;
    news = calloc(1, sizeof(*news));
    if (!news)
        return; /* told after the next try */
    w->told = err;
    news->msg.drop = drop_news;
    news->err = err;
    if (err)
        snprintf(news->why, sizeof(news->why), "%s", why);
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

/* A file that other hands took is followed by another.  @return 0 or why nothing can be written */
static int keep_place(struct writer *w, char *why)
{
    struct gh_ledger *ledger = w->audit->ledger;
    int err = gh_ledger_look(ledger, why);

    if (err)
        tell(w, err, why); /* also when it is made good at once */
    if (!err || err == GH_EBROKEN)
        err = gh_ledger_recover(ledger, wall_us(), why);
    return err;
}

/* What of the queue fits into one group.  @end  on success: the first record that did not */
static int write_records(struct writer *w, struct gh_msg **end, char *why)
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
    if (err)
        snprintf(why, GH_AUDIT_WHY_MAX, "%s; check space and rights of audit.directory",
                 gh_err_text(err));
    *end = msg;
    return err;
}

/* One group from the head of the queue, or a look at the file when there is none.
 * @return 0 or why it is not on disk; then it is still queued */
static int write_group(struct writer *w)
{
    char why[GH_AUDIT_WHY_MAX] = "";
    struct gh_msg *end = NULL;
    int err = keep_place(w, why);

    if (!err && w->head)
        err = write_records(w, &end, why);
    if (err || w->head)
        w->tried_ms = monotonic_ms();
    w->err = err;
    tell(w, err, why);
    if (err) {
        w->audit->failures++;
    } else if (w->head) {
        w->audit->groups++;
        send_back(w, end, 0);
    }
    return err;
}

/* How long to wait for the next record: until the disk is tried or looked at again. */
static int until_next(const struct writer *w)
{
    if (!w->begun)
        return -1;
    return w->err ? until_retry(w) : GH_AUDIT_LOOK_MS;
}

void *gh_audit_thread(void *arg)
{
    struct gh_audit *audit = arg;
    struct writer w = { .audit = audit, .tail = NULL };
    int err = 0;

    w.tail = &w.head;
    while (!w.stopping) {
        take(&w, until_next(&w));
        if (!w.head && w.stopping)
            break;
        if (until_retry(&w) && !w.stopping)
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
