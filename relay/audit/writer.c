/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread 1's side of the writer: how much room there is, what is folded or lost, and the callbacks.
 * All counting happens here, when a record leaves and when it comes back, so nothing is shared with
 * the thread.
 */
#include "audit/writer_int.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#define DEFAULT(value, otherwise) ((value) ? (value) : (otherwise))

/* What one record takes of the queue's octets. */
static size_t weight(const struct gh_event *event)
{
    return event->len;
}

/* ---- what comes back ---- */

static void record_came_back(struct gh_audit *audit, struct gh_event *event)
{
    audit->stats.queued--;
    audit->stats.queued_octets -= weight(event);
    if (event->err) {
        audit->stats.dropped++;
        audit->lost_err = event->err;
    } else {
        audit->stats.records++;
        audit->stats.seq = event->seq;
    }
    if (event->done)
        event->done(event->arg, event->err);
    gh_event_free(event);
}

/* Also the drop of a record that was still on its way back when everything stopped: its done is
 * called once, whatever happens. */
static void drop_record(struct gh_msg *msg)
{
    struct gh_event *event = (struct gh_event *)msg;

    record_came_back(event->audit, event);
}

static void drop_nothing(struct gh_msg *msg)
{
    (void)msg; /* part of struct gh_audit */
}

static void join(struct gh_audit *audit)
{
    pthread_join(audit->thread, NULL);
    audit->phase = GH_AUDIT_STOPPED;
    gh_mailbox_close(audit->to_loop);
}

static void on_message(void *arg, struct gh_msg *msg)
{
    struct gh_audit *audit = arg;

    if (msg == &audit->stop) {
        if (audit->phase == GH_AUDIT_STOPPED)
            return;
        join(audit); /* it was the thread's last message: nothing to wait for */
        if (audit->stopped)
            audit->stopped(audit->stopped_arg, audit->lost_err);
    } else if (msg->drop == drop_record) {
        msg->drop(msg);
    } else {
        struct gh_audit_news *news = (struct gh_audit_news *)msg;

        audit->err = news->err;
        if (audit->on_state)
            audit->on_state(audit->state_arg, news->err, news->why);
        msg->drop(msg);
    }
}

/* ---- room ---- */

static bool has_room(const struct gh_audit *audit, size_t octets)
{
    const struct gh_audit_stats *s = &audit->stats;

    return s->queued + s->reserved < audit->max_records &&
           s->queued_octets + s->reserved * GH_AUDIT_RESERVE_LEN + octets <= audit->max_octets;
}

/* Half for reservations, so that other records always find some. */
static bool can_reserve(const struct gh_audit *audit)
{
    size_t reserved = audit->stats.reserved + 1;

    return reserved <= audit->max_records / 2 &&
           reserved * GH_AUDIT_RESERVE_LEN <= audit->max_octets / 2 &&
           has_room(audit, GH_AUDIT_RESERVE_LEN);
}

int gh_audit_reserve(struct gh_audit *audit)
{
    if (audit->phase != GH_AUDIT_RUNNING)
        return GH_ECLOSED;
    if (!can_reserve(audit))
        return GH_EFULL;
    audit->stats.reserved++;
    return 0;
}

void gh_audit_unreserve(struct gh_audit *audit)
{
    if (audit->stats.reserved)
        audit->stats.reserved--;
}

bool gh_audit_backlogged(const struct gh_audit *audit)
{
    const struct gh_audit_stats *s = &audit->stats;
    size_t octets_left = audit->max_octets - s->reserved * GH_AUDIT_RESERVE_LEN;

    return s->queued > (audit->max_records - s->reserved) / 2 ||
           s->queued_octets > octets_left / 2 || !can_reserve(audit);
}

int gh_audit_error(const struct gh_audit *audit)
{
    return audit->err;
}

void gh_audit_stats(const struct gh_audit *audit, struct gh_audit_stats *out)
{
    *out = audit->stats;
    out->groups = audit->groups;
    out->failures = audit->failures;
}

/* ---- putting ---- */

static void count_drop(struct gh_audit *audit, const struct gh_event *event)
{
    audit->stats.dropped++;
    if (event) {
        if (!audit->dropped_first_us)
            audit->dropped_first_us = event->wall_us;
        audit->dropped_last_us = event->wall_us;
    }
    audit->dropped_now++;
}

/* @event is finished and there is room for it. */
static void post(struct gh_audit *audit, struct gh_event *event, gh_audit_done_fn done, void *arg)
{
    event->msg.drop = drop_record;
    event->audit = audit;
    event->done = done;
    event->arg = arg;
    audit->stats.queued++;
    audit->stats.queued_octets += weight(event);
    gh_mailbox_post(audit->to_writer, &event->msg);
}

/* Say what was lost, if there is room to say it and for @octets more. */
static void post_drops(struct gh_audit *audit, int64_t wall_us, size_t octets)
{
    struct gh_event *event;
    struct gh_span text;

    if (!audit->dropped_now)
        return;
    event = gh_event_new("audit.dropped", wall_us);
    gh_event_u64(event, "count", audit->dropped_now);
    gh_event_time(event, "first_ts", audit->dropped_first_us);
    gh_event_time(event, "last_ts", audit->dropped_last_us);
    if (gh_event_finish(event, &text) || !has_room(audit, octets + text.len)) {
        gh_event_free(event); /* said with the next record, then */
        return;
    }
    audit->dropped_now = 0;
    audit->dropped_first_us = audit->dropped_last_us = 0;
    post(audit, event, NULL, NULL);
}

int gh_audit_put(struct gh_audit *audit, struct gh_event *event, gh_audit_done_fn done, void *arg)
{
    struct gh_span text;
    int err = gh_event_finish(event, &text);

    if (!err && audit->phase != GH_AUDIT_RUNNING)
        err = GH_ECLOSED;
    if (!err && !has_room(audit, text.len))
        err = GH_EFULL;
    if (err) {
        count_drop(audit, event);
        gh_event_free(event);
        return err;
    }
    post_drops(audit, event->wall_us, text.len);
    post(audit, event, done, arg);
    return 0;
}

int gh_audit_put_reserved(struct gh_audit *audit, struct gh_event *event, gh_audit_done_fn done,
                          void *arg)
{
    struct gh_span text;
    int err = gh_event_finish(event, &text);

    if (!err && audit->phase != GH_AUDIT_RUNNING)
        err = GH_ECLOSED;
    if (!err && !audit->stats.reserved)
        err = GH_ESTATE;
    if (err) {
        count_drop(audit, event);
        gh_event_free(event);
        return err;
    }
    audit->stats.reserved--;
    post(audit, event, done, arg);
    return 0;
}

int gh_audit_put_folded(struct gh_audit *audit, struct gh_event *event, const char *reason,
                        struct gh_span source, uint64_t now_ms)
{
    gh_audit_tick(audit, now_ms);
    if (!gh_event_error(event) && audit->phase == GH_AUDIT_RUNNING &&
        gh_fold_take(&audit->fold, event, reason, source, now_ms)) {
        audit->stats.folded++;
        return 0;
    }
    return gh_audit_put(audit, event, NULL, NULL);
}

static void put_folds(struct gh_audit *audit, uint64_t now_ms, bool all)
{
    struct gh_event *event;

    while ((event = gh_fold_due(&audit->fold, now_ms, all)))
        gh_audit_put(audit, event, NULL, NULL); /* a refusal for want of room is counted there */
}

void gh_audit_tick(struct gh_audit *audit, uint64_t now_ms)
{
    if (audit->phase == GH_AUDIT_RUNNING)
        put_folds(audit, now_ms, false);
}

/* ---- start and stop ---- */

/* The thread takes no signal: SIGXFSZ of a file size limit would end the daemon instead of failing
 * the write, the others belong to thread 1. */
static int start_thread(struct gh_audit *audit)
{
    sigset_t all, before;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&audit->thread, NULL, gh_audit_thread, audit);
    if (!err)
        pthread_setname_np(audit->thread, "gh-audit");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -err;
}

/* The loop's mailbox last, since it cannot be freed before the loop runs again: nothing may fail
 * after it. The thread looks at it only after a message from here. */
static int open_parts(struct gh_audit *audit, const struct gh_audit_options *options, char *why)
{
    int err = gh_mailbox_new_blocking(&audit->to_writer);

    if (!err)
        err = gh_ledger_open(&audit->ledger, options->directory, options->wall_us,
                             DEFAULT(options->rotate_octets, GH_AUDIT_ROTATE_OCTETS), why);
    if (err)
        return err;
    audit->stats.seq = gh_ledger_seq(audit->ledger);
    err = start_thread(audit);
    if (err)
        return err;
    err = gh_mailbox_new_loop(&audit->to_loop, options->uv_loop, on_message, audit);
    if (err) {
        gh_mailbox_post(audit->to_writer, &audit->stop);
        pthread_join(audit->thread, NULL);
    }
    return err;
}

int gh_audit_open(struct gh_audit **out, const struct gh_audit_options *options,
                  char why[GH_AUDIT_WHY_MAX])
{
    char unread[GH_AUDIT_WHY_MAX];
    struct gh_audit *audit = calloc(1, sizeof(*audit));
    int err = GH_ENOMEM;

    why = why ? why : unread;
    why[0] = 0;
    if (!audit)
        goto out;
    json_object_seed(0); /* before any thread that could parse */
    audit->max_records = DEFAULT(options->max_records, GH_AUDIT_RECORDS_MAX);
    audit->max_octets = DEFAULT(options->max_octets, GH_AUDIT_OCTETS_MAX);
    audit->on_state = options->on_state;
    audit->state_arg = options->arg;
    audit->stop.drop = drop_nothing;
    err = open_parts(audit, options, why);
    if (err)
        goto out;
    *out = audit;
    audit = NULL;
out:
    if (err && !why[0])
        snprintf(why, GH_AUDIT_WHY_MAX, "%s: %s", options->directory, gh_err_text(err));
    gh_audit_free(audit);
    return err;
}

static void ask_to_stop(struct gh_audit *audit)
{
    audit->max_records = audit->max_octets = SIZE_MAX; /* nobody can add to it any more */
    put_folds(audit, 0, true);
    post_drops(audit, audit->dropped_last_us, 0);
    audit->phase = GH_AUDIT_STOPPING;
    gh_mailbox_post(audit->to_writer, &audit->stop);
}

void gh_audit_stop(struct gh_audit *audit, gh_audit_done_fn stopped, void *arg)
{
    if (audit->phase != GH_AUDIT_RUNNING)
        return;
    audit->stopped = stopped;
    audit->stopped_arg = arg;
    ask_to_stop(audit);
}

void gh_audit_stop_now(struct gh_audit *audit)
{
    if (audit->phase == GH_AUDIT_RUNNING)
        ask_to_stop(audit);
    if (audit->phase == GH_AUDIT_STOPPING)
        join(audit);
}

void gh_audit_free(struct gh_audit *audit)
{
    if (!audit)
        return;
    gh_mailbox_free(audit->to_loop); /* records that did not reach thread 1 call their done now */
    gh_mailbox_free(audit->to_writer);
    gh_ledger_close(audit->ledger);
    gh_fold_fini(&audit->fold);
    free(audit);
}
