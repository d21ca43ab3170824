/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a call as one table.  gh_call_event alone writes call->state.  An event without a row
 * is logged and changes nothing: what can come late (a response after CANCEL, a second BYE) has a
 * row.
 */
#include "base/log.h"
#include "call/call_int.h"

#define CANCEL_WAIT_MS (3 * GH_TXN_TIMEOUT_MS) /* timer B, then 64*T1 after the CANCEL, and some */

/* ---- actions --------------------------------------------------------------------------------- */

static void do_nothing(struct gh_call *call, uint64_t now_ms)
{
    (void)call;
    (void)now_ms;
}

static void on_ring_timeout(void *arg, uint64_t now_ms)
{
    struct gh_call *call = arg;

    call->end.reason = GH_REASON_RING_TIMEOUT;
    gh_call_event(call, GH_ON_RING_TIMEOUT, now_ms);
}

/* Nobody waits for an answer any more: what comes later must not be told as a ring timeout. */
static void do_answer(struct gh_call *call, uint64_t now_ms)
{
    (void)now_ms;
    gh_timer_stop(gh_loop_timers(call->calls->loop), &call->timer);
}

static void do_start(struct gh_call *call, uint64_t now_ms)
{
    uint64_t due_ms = now_ms + call->calls->config->limits.ring_timeout_ms;

    gh_call_record_start(call);
    gh_call_route(call, now_ms);
    if (call->state == GH_CALL_ROUTING &&
        gh_timer_start(gh_loop_timers(call->calls->loop), &call->timer, due_ms, on_ring_timeout,
                       call))
        gh_call_end(call, GH_REASON_INTERNAL, -1, now_ms);
}

/* Side a is told, if it was not told yet. */
static void refuse_a(struct gh_call *call, uint64_t now_ms)
{
    struct gh_txn *invite = call->leg[GH_SIDE_A].invite;
    enum gh_reason reason;

    if (!invite || !gh_txn_request(invite))
        return;
    reason = call->cancelled ? GH_REASON_CANCELLED : call->end.reason;
    call->end.sip_code = gh_call_refusal_status(call, reason);
    gh_call_refuse(call->calls, invite, reason, gh_span_str(call->fault), now_ms);
}

/* Nothing of the call may run on: media, wishes, timers.  COUNTED follows. */
static void do_close(struct gh_call *call, uint64_t now_ms)
{
    struct gh_leg *b = &call->leg[GH_SIDE_B];

    gh_timer_stop(gh_loop_timers(call->calls->loop), &call->timer);
    gh_trunk_unwant(call->calls->trunks, call->want);
    call->want = NULL;
    refuse_a(call, now_ms);
    gh_call_reliable_final(call);
    /* b's 2xx must be acknowledged, also when the ACK of a never came (RFC 3261 section
     * 13.2.2.4). */
    if (call->fork && b->invite && !call->acked) {
        struct gh_sdp *zero = gh_call_zero_answer(call->fork);

        call->acked = true;
        gh_call_send_ack(b->trunk, b->invite, call->fork->dialog[GH_SIDE_B], zero);
        gh_sdp_free(zero);
    }
    gh_call_relays_end(call, NULL, now_ms);
    gh_call_own_end(call, now_ms);
    gh_call_media_close(call);
}

/* b's final response is due in 64*T1 of the CANCEL, which leaves with the first 1xx at the latest
 * (RFC 3261 section 9.1): its transaction sees to that.  This is for one that could not. */
static void on_cancel_late(void *arg, uint64_t now_ms)
{
    gh_call_event(arg, GH_ON_REFUSED, now_ms);
}

static void do_cancel(struct gh_call *call, uint64_t now_ms)
{
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    struct gh_timerq *timers = gh_loop_timers(call->calls->loop);
    struct gh_buf text = { 0 }, reason = { 0 };

    gh_timer_stop(timers, &call->timer);
    refuse_a(call, now_ms);
    gh_call_media_mute(call);
    gh_call_reliable_final(call);
    gh_call_relays_end(call, NULL, now_ms);
    if (!call->cancelled) {
        gh_refusal_text(&text, call->end.reason, gh_span_str(call->fault));
        gh_sip_reason_value(&reason, "SIP", (unsigned)gh_refusal_status(call->end.reason),
                            gh_buf_span(&text));
    }
    if (b->invite)
        gh_txn_cancel(b->invite, gh_buf_span(&reason), now_ms);
    gh_buf_fini(&text);
    gh_buf_fini(&reason);
    if (gh_timer_start(timers, &call->timer, now_ms + CANCEL_WAIT_MS, on_cancel_late, call))
        gh_call_event(call, GH_ON_REFUSED, now_ms);
}

static void do_ack(struct gh_call *call, uint64_t now_ms)
{
    struct gh_leg *b = &call->leg[GH_SIDE_B];

    (void)now_ms;
    call->acked = true;
    if (gh_call_send_ack(b->trunk, b->invite, call->fork->dialog[GH_SIDE_B], call->fork->answer))
        gh_log(GH_LOG_WARN, "call", "ack.fail", "call=%s", call->id);
    gh_sdp_free(call->fork->answer);
    call->fork->answer = NULL;
    call->fork->answer_in_ack = false;
    call->fork->settled = true;
}

/* The record stands: now BYE and the 200 to BYE may leave. */
static void do_release(struct gh_call *call, uint64_t now_ms)
{
    for (int side = 0; side < 2; side++) {
        struct gh_leg *leg = &call->leg[side];

        if (leg->bye) {
            struct gh_txn *txn = leg->bye;

            leg->bye = NULL;
            gh_call_ok(call->calls, txn, now_ms);
            gh_txn_detach(txn, now_ms); /* it may outlive the call; without its 200 it gets a 500 */
        } else if (call->fork && !leg->hung_up) {
            gh_call_send_bye(leg, now_ms);
        }
    }
    gh_call_check_released(call, now_ms);
}

static void do_gone(struct gh_call *call, uint64_t now_ms)
{
    (void)now_ms;
    gh_call_gone(call);
}

/* ---- the table ------------------------------------------------------------------------------- */

#define ROW(from, event, to, action) { GH_CALL_##from, GH_ON_##event, GH_CALL_##to, action }

static const struct gh_call_row rows[] = {
    /*  from        event         to          action */
    ROW(NEW,        START,        ROUTING,    do_start),
    ROW(ROUTING,    ROUTED,       CALLING,    gh_call_invite),
    ROW(ROUTING,    NEXT,         ROUTING,    gh_call_route),
    ROW(ROUTING,    REFUSED,      COUNTING,   do_close),
    ROW(ROUTING,    CANCEL,       COUNTING,   do_close),
    ROW(ROUTING,    RING_TIMEOUT, COUNTING,   do_close),
    ROW(ROUTING,    END,          COUNTING,   do_close),
    ROW(CALLING,    PROVISIONAL,  RINGING,    do_nothing),
    ROW(CALLING,    NEXT,         ROUTING,    gh_call_route),
    ROW(CALLING,    ANSWER,       ANSWERED,   do_answer),
    ROW(CALLING,    REFUSED,      COUNTING,   do_close),
    ROW(CALLING,    CANCEL,       CANCELLING, do_cancel),
    ROW(CALLING,    RING_TIMEOUT, CANCELLING, do_cancel),
    ROW(CALLING,    END,          CANCELLING, do_cancel),
    ROW(RINGING,    PROVISIONAL,  RINGING,    do_nothing),
    ROW(RINGING,    NEXT,         ROUTING,    gh_call_route),
    ROW(RINGING,    ANSWER,       ANSWERED,   do_answer),
    ROW(RINGING,    REFUSED,      COUNTING,   do_close),
    ROW(RINGING,    CANCEL,       CANCELLING, do_cancel),
    ROW(RINGING,    RING_TIMEOUT, CANCELLING, do_cancel),
    ROW(RINGING,    END,          CANCELLING, do_cancel),
    ROW(CANCELLING, PROVISIONAL,  CANCELLING, do_nothing),
    ROW(CANCELLING, REFUSED,      COUNTING,   do_close),
    ROW(CANCELLING, ACK,          CANCELLING, do_nothing),
    ROW(CANCELLING, END,          CANCELLING, do_nothing),
    ROW(ANSWERED,   ACK,          UP,         do_ack),
    ROW(ANSWERED,   NO_ACK,       COUNTING,   do_close),
    ROW(ANSWERED,   END,          COUNTING,   do_close),
    ROW(UP,         ACK,          UP,         do_nothing), /* again: side a got our 200 twice */
    ROW(UP,         END,          COUNTING,   do_close),
    ROW(COUNTING,   COUNTED,      RECORDING,  gh_call_record_end),
    ROW(COUNTING,   ACK,          COUNTING,   do_nothing),
    ROW(COUNTING,   END,          COUNTING,   do_nothing),
    ROW(COUNTING,   REFUSED,      COUNTING,   do_nothing),
    ROW(RECORDING,  RECORDED,     ENDING,     do_release),
    ROW(RECORDING,  ACK,          RECORDING,  do_nothing),
    ROW(RECORDING,  END,          RECORDING,  do_nothing),
    ROW(RECORDING,  REFUSED,      RECORDING,  do_nothing),
    ROW(ENDING,     ACK,          ENDING,     do_nothing),
    ROW(ENDING,     END,          ENDING,     do_nothing),
    ROW(ENDING,     REFUSED,      ENDING,     do_nothing),
    ROW(ENDING,     RELEASED,     GONE,       do_gone),
};

const struct gh_call_row *gh_call_rows(size_t *count)
{
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

const char *gh_call_state_name(enum gh_call_state state)
{
    static const char *const names[GH_CALL_STATE_COUNT] = {
#define X(id, name) [GH_CALL_##id] = name,
        GH_CALL_STATE_MAP(X)
#undef X
    };

    return (unsigned)state < GH_CALL_STATE_COUNT ? names[state] : "?";
}

const char *gh_call_event_name(enum gh_call_event event)
{
    static const char *const names[GH_ON_COUNT] = {
#define X(id, name) [GH_ON_##id] = name,
        GH_CALL_EVENT_MAP(X)
#undef X
    };

    return (unsigned)event < GH_ON_COUNT ? names[event] : "?";
}

bool gh_call_can(const struct gh_call *call, enum gh_call_event event)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].from == call->state && rows[i].event == event)
            return true;
    }
    return false;
}

void gh_call_event(struct gh_call *call, enum gh_call_event event, uint64_t now_ms)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].from != call->state || rows[i].event != event)
            continue;
        if (rows[i].to != call->state) {
            gh_log(GH_LOG_INFO, "call", "state", "call=%s from=%s to=%s on=%s", call->id,
                   gh_call_state_name(call->state), gh_call_state_name(rows[i].to),
                   gh_call_event_name(event));
        }
        call->state = rows[i].to;
        rows[i].action(call, now_ms);
        return;
    }
    gh_log(GH_LOG_WARN, "call", "event.refused", "call=%s state=%s event=%s", call->id,
           gh_call_state_name(call->state), gh_call_event_name(event));
}

void gh_call_end(struct gh_call *call, enum gh_reason reason, int by, uint64_t now_ms)
{
    if (call->end.reason == GH_REASON_NO_RULE) {
        call->end.reason = reason;
        call->end.by = by;
    }
    gh_call_event(call, GH_ON_END, now_ms);
}
