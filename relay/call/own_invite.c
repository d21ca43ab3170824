/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Re-INVITEs that no neighbour asked for (RFC 3261 section 14.1), on one leg alone.  What for:
 *
 *   key_limit  our own key to this side is near its packet limit (RFC 3711 section 9.2)
 *   far_key    the other side declared a new key in an answer to one of these; this side has the
 *              old one, and nothing can go to it
 *   far_line   the other side turned an m-line off in an answer to one of these (RFC 3264 section
 *              8.2); its media has ended, and this side, which still sends it, gets port 0
 *   status     a new status, for a side that does not know UPDATE (tell.c)
 *
 * For a key there is a fresh one of ours.  So `pass` becomes `bridge` with far_key, and it ends
 * there, even if both sides have a new key each time.
 *
 * Not before every other exchange and INVITE of the call is over, and while one is under way a
 * peer's offer gets 491.  What is refused changes nothing: the keys in force go on.
 */
#include "base/log.h"
#include "call/call_int.h"
#include "crypto/hash.h"

#define WAIT_MS     GH_TXN_TIMEOUT_MS /* rung so long, nobody will answer: CANCEL */
#define AGAIN_MS    60000  /* one that is needed was refused: by then something may have changed */
#define SHORT_MS    10000  /* the neighbour is busy, or its connection gone */
#define SAID_MIN_MS 1000   /* of Retry-After: TRIES_MAX of them are no flood */
#define SAID_MAX_MS 300000 /* nobody puts off a fresh key for longer */
#define TRIES_MAX   5      /* in a row that might have worked a little later: then it is refused */

static const struct gh_txn_client client;

bool gh_call_own_busy(const struct gh_call *call)
{
    return call->leg[GH_SIDE_A].own.client || call->leg[GH_SIDE_B].own.client;
}

static bool may_begin(const struct gh_call *call)
{
    return call->state == GH_CALL_UP && call->fork && call->fork->neg &&
           call->heard == call->fork && !call->fork->pending && !gh_call_own_busy(call) &&
           !gh_call_relay_invites(call, NULL) && !call->leg[GH_SIDE_A].telling &&
           !call->leg[GH_SIDE_B].telling;
}

/* ---- what does not work ---------------------------------------------------------------------- */

/* Is it for more than the status? */
static bool is_needed(const struct gh_leg *leg)
{
    return gh_neg_wanting(leg->call->fork->neg, leg->side) != 0;
}

/* What it is for, if it is needed: what weighs most. */
static const char *needed_for(const struct gh_leg *leg)
{
    const struct gh_neg *neg = leg->call->fork->neg;

    if (gh_neg_stale(neg, leg->side))
        return "far_key";
    return gh_neg_wanting(neg, leg->side) != gh_neg_gone(neg, leg->side) ? "key_limit" : "far_line";
}

static void on_due(void *arg, uint64_t now_ms)
{
    struct gh_leg *leg = arg;

    gh_call_own_check(leg->call, now_ms);
    gh_call_tell(leg->call, now_ms);
}

/* The tick looks as well, if there is no memory for the timer. */
static void again_in(struct gh_leg *leg, uint64_t wait_ms, uint64_t now_ms)
{
    leg->own.due_ms = leg->tell_ms = now_ms + wait_ms;
    (void)gh_timer_start(gh_loop_timers(leg->call->calls->loop), &leg->own.timer, leg->own.due_ms,
                         on_due, leg);
}

/* It is over, and nothing of it stays. */
static void undo(struct gh_leg *leg)
{
    gh_timer_stop(gh_loop_timers(leg->call->calls->loop), &leg->own.timer);
    gh_call_drop_offer(leg->call->fork);
    leg->told = GH_STATUS_UNKNOWN;
}

/* @sip  0: it had no answer, or we wrote none: @reason says why */
static void log_failure(struct gh_leg *leg, int sip, enum gh_reason reason, uint64_t wait_ms)
{
    static const char for_status[] =
        "let the neighbour take a re-INVITE, or set status_updates: update on its trunk";
    static const char for_key[] = "let the neighbour take a re-INVITE; else end the call before "
                                  "the key's packets are used up";
    static const char for_far_key[] =
        "media to this side is lost until it takes a re-INVITE: let it, or end the call";
    static const char for_far_line[] =
        "this side sends what the other turned off: let it take a re-INVITE, or end the call";
    const struct gh_neg *neg = leg->call->fork->neg;
    bool stale = gh_neg_stale(neg, leg->side) != 0, gone = gh_neg_gone(neg, leg->side) != 0;

    if (stale)
        gh_marks_add(&leg->call->marks, GH_REASON_KEY_NOT_TOLD);
    gh_log(GH_LOG_WARN, "call", "reinvite.fail",
           "call=%s side=%c why=%s sip=%d reason=%s again_ms=%llu change=\"%s\"", leg->call->id,
           'a' + leg->side, leg->own.why, sip, gh_reason_name(reason), (unsigned long long)wait_ms,
           stale            ? for_far_key
           : gone           ? for_far_line
           : is_needed(leg) ? for_key
                            : for_status);
}

/* The keys in force stay; later, if it is needed.
 * @wait_ms  then it might work; 0: it is refused */
static void fail(struct gh_leg *leg, int sip, enum gh_reason reason, uint64_t wait_ms,
                 uint64_t now_ms)
{
    undo(leg);
    if (!wait_ms || ++leg->own.tries == TRIES_MAX) {
        leg->own.tries = 0;
        leg->own.status_refused = leg->own.status_refused || !is_needed(leg);
        if (gh_neg_gone(leg->call->fork->neg, leg->side))
            gh_marks_add(&leg->call->marks, GH_REASON_LINE_NOT_TOLD);
        if (!is_needed(leg))
            wait_ms = 0;
        else if (wait_ms < AGAIN_MS)
            wait_ms = AGAIN_MS;
    }
    log_failure(leg, sip, reason, wait_ms);
    if (wait_ms)
        again_in(leg, wait_ms, now_ms);
}

/* ---- what leaves ----------------------------------------------------------------------------- */

static int build(struct gh_leg *leg, const struct gh_sdp *sdp, struct gh_buf *octets)
{
    struct gh_dialog *dialog = leg->call->fork->dialog[leg->side];
    struct gh_sip_out out = { 0 };
    struct gh_buf text = { 0 };
    int err = gh_call_begin_request(&out, dialog, leg->trunk, "INVITE", 0);

    if (!err) {
        gh_call_contact(&out, leg);
        gh_call_say_status(leg, &out, NULL);
        gh_sip_out_hdr(&out, "Allow", gh_span_str(gh_call_allow));
        err = gh_call_print_sdp(sdp, &text);
    }
    if (!err)
        err = gh_sip_out_finish(&out, "application/sdp", gh_buf_span(&text), octets);
    gh_sip_out_fini(&out);
    gh_buf_fini(&text);
    return err;
}

static void on_unanswered(void *arg, uint64_t now_ms)
{
    struct gh_leg *leg = arg;

    if (leg->own.client)
        gh_txn_cancel(leg->own.client, GH_SPAN(""), now_ms);
}

static void begin_over(struct gh_leg *leg, struct gh_papers *papers, const char *why,
                       uint64_t now_ms)
{
    struct gh_call *call = leg->call;
    struct gh_buf octets = { 0 };
    struct gh_sdp *sdp = NULL;
    uint64_t version = leg->version;
    enum gh_reason reason;

    leg->own.why = why;
    call->fault[0] = 0;
    gh_timer_stop(gh_loop_timers(call->calls->loop), &leg->own.timer);
    reason = gh_call_alone_offer(call->fork, leg->side, papers, &sdp);
    if (reason == GH_REASON_NONE && build(leg, sdp, &octets))
        reason = GH_REASON_INTERNAL;
    if (reason == GH_REASON_NONE &&
        gh_txn_client_new(&leg->own.client, call->calls->txns, leg->trunk->rules.id, papers->conn,
                          true, &octets, &client, leg, now_ms)) {
        leg->own.client = NULL;
        reason = GH_REASON_CONNECTION_LOST;
    }
    gh_sdp_free(sdp);
    gh_buf_fini(&octets);
    if (reason != GH_REASON_NONE) {
        leg->version = version; /* RFC 3264 section 8: one more for each that is sent */
        fail(leg, 0, reason, SHORT_MS, now_ms);
        return;
    }
    gh_log(GH_LOG_INFO, "call", "reinvite", "call=%s side=%c why=%s", call->id, 'a' + leg->side,
           why);
    (void)gh_timer_start(gh_loop_timers(call->calls->loop), &leg->own.timer, now_ms + WAIT_MS,
                         on_unanswered, leg);
}

static void on_way(void *arg, struct gh_papers *papers, int destination, enum gh_reason reason)
{
    struct gh_leg *leg = arg;
    uint64_t now_ms = gh_loop_now_ms(leg->call->calls->loop);

    (void)destination;
    (void)reason; /* told by the trunk */
    leg->own.want = NULL;
    if (!papers)
        leg->own.due_ms = now_ms + SHORT_MS;
    gh_call_own_check(leg->call, now_ms); /* what was wanted may have come about, or have to wait */
}

static struct gh_papers *way_of(const struct gh_leg *leg)
{
    return gh_call_way(leg->call->calls, leg->trunk->rules.id, leg->conn);
}

void gh_call_own_check(struct gh_call *call, uint64_t now_ms)
{
    for (int side = 0; side < 2; side++) {
        struct gh_leg *leg = &call->leg[side];
        struct gh_papers *papers;

        if (!may_begin(call) || !is_needed(leg) || now_ms < leg->own.due_ms || leg->own.want)
            continue;
        papers = way_of(leg);
        if (papers)
            begin_over(leg, papers, needed_for(leg), now_ms);
        else if (gh_trunk_want(call->calls->trunks, leg->trunk->rules.id, 0, on_way, leg,
                               &leg->own.want))
            leg->own.want = NULL; /* the next tick tries again */
    }
}

bool gh_call_own_status(struct gh_leg *leg, uint64_t now_ms)
{
    struct gh_papers *papers =
        leg->own.status_refused || !may_begin(leg->call) ? NULL : way_of(leg);

    if (papers)
        begin_over(leg, papers, "status", now_ms);
    return papers != NULL;
}

void gh_call_own_end(struct gh_call *call, uint64_t now_ms)
{
    for (int side = 0; side < 2; side++) {
        struct gh_leg *leg = &call->leg[side];

        gh_timer_stop(gh_loop_timers(call->calls->loop), &leg->own.timer);
        gh_trunk_unwant(call->calls->trunks, leg->own.want);
        leg->own.want = NULL;
        if (!leg->own.client)
            continue;
        gh_txn_detach(leg->own.client, now_ms); /* and cancelled */
        leg->own.client = NULL;
        gh_call_drop_offer(call->fork);
    }
}

/* ---- what comes back ------------------------------------------------------------------------- */

static enum gh_reason take_2xx(struct gh_leg *leg, const struct gh_sip_msg *msg)
{
    struct gh_call *call = leg->call;
    struct gh_sip_body body = { 0 };
    struct gh_span sdp;
    enum gh_reason reason;

    if (call->calls->arrival.gate.verdict == GH_GATE_REFUSE)
        return call->calls->arrival.gate.reason;
    reason = gh_call_sdp_of(call, msg, &body, &sdp);
    if (reason == GH_REASON_NONE && !sdp.len) {
        snprintf(call->fault, sizeof(call->fault), "the 2xx has no SDP");
        reason = GH_REASON_BAD_SDP;
    }
    if (reason == GH_REASON_NONE)
        reason = gh_call_alone_answer(call->fork, msg, sdp);
    gh_sip_body_fini(&body);
    return reason;
}

static void on_2xx(struct gh_leg *leg, const struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_call *call = leg->call;
    struct gh_dialog *dialog = call->fork->dialog[leg->side];
    enum gh_reason reason;

    gh_dialog_refresh(dialog, msg);
    gh_call_take_said(leg, msg);
    reason = take_2xx(leg, msg);
    if (gh_call_send_ack(leg->trunk, leg->own.client, dialog, NULL))
        gh_log(GH_LOG_WARN, "call", "ack.fail", "call=%s", call->id);
    gh_timer_stop(gh_loop_timers(call->calls->loop), &leg->own.timer);
    gh_txn_detach(leg->own.client, now_ms);
    leg->own.client = NULL;
    if (reason != GH_REASON_NONE) {
        /* The session is not what this side thinks it is. */
        undo(leg);
        log_failure(leg, msg->status, reason, 0);
        gh_call_end(call, reason, -1, now_ms);
        return;
    }
    leg->own.tries = 0;
    gh_log(GH_LOG_INFO, "call", "reinvite.done", "call=%s side=%c why=%s rekeyed=%d", call->id,
           'a' + leg->side, leg->own.why, call->fork->neg->rekeyed);
    if (call->fork->neg->rekeyed || call->fork->neg->cut)
        gh_call_record_rekey(call);
    gh_call_own_check(call, now_ms);
}

/* RFC 3261 section 14.1: whose Call-ID it is waits longer, so that the two do not meet again. */
static uint64_t glare_wait_ms(const struct gh_leg *leg)
{
    bool ours = !leg->call->fork->dialog[leg->side]->uas;
    uint64_t drawn = 0;

    if (gh_random(&drawn, sizeof(drawn)))
        return ours ? 4000 : 2000;
    return ours ? 2100 + drawn % 191 * 10 : drawn % 201 * 10;
}

/* Retry-After (RFC 3261 section 20.33), within our bounds; 0: it says none. */
static uint64_t said_wait_ms(const struct gh_sip_msg *msg)
{
    uint32_t seconds;
    uint64_t wait_ms;

    if (gh_sip_seconds_parse(gh_sip_msg_value(msg, GH_SIP_HDR_RETRY_AFTER), &seconds, NULL))
        return 0;
    wait_ms = 1000ULL * seconds;
    if (wait_ms < SAID_MIN_MS)
        return SAID_MIN_MS;
    return wait_ms < SAID_MAX_MS ? wait_ms : SAID_MAX_MS;
}

/* When one that was refused so might be taken; 0: never. */
static uint64_t refused_wait_ms(const struct gh_leg *leg, const struct gh_sip_msg *msg)
{
    uint64_t said_ms = said_wait_ms(msg);

    if (msg->status == 491) {
        uint64_t glare_ms = glare_wait_ms(leg); /* the least: else the two may meet again */

        return said_ms > glare_ms ? said_ms : glare_ms;
    }
    if (said_ms)
        return said_ms;
    /* Section 14.2: it is busy with another. */
    return msg->status == 500 || msg->status == 503 ? SHORT_MS : 0;
}

static void on_refusal(struct gh_leg *leg, const struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_call *call = leg->call;

    gh_call_take_said(leg, msg);
    if (msg->body.len)
        gh_marks_add(&call->marks, GH_REASON_BODY_DROPPED);
    fail(leg, msg->status, GH_REASON_REFUSED_BY_PEER, refused_wait_ms(leg, msg), now_ms);
    /* Section 14.1: then there is no dialog any more. */
    if (msg->status != 481 && msg->status != 408)
        return;
    leg->hung_up = leg->hung_up || msg->status == 481;
    gh_call_end(call, GH_REASON_DIALOG_GONE, -1, now_ms);
}

static void on_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                        uint64_t now_ms)
{
    struct gh_leg *leg = gh_txn_user(txn);

    (void)arg;
    if (leg->own.client != txn)
        return;
    leg->conn = conn;
    if (msg->status < 200)
        return;
    if (msg->status < 300) {
        on_2xx(leg, msg, now_ms);
        return;
    }
    gh_txn_detach(txn, now_ms);
    leg->own.client = NULL;
    on_refusal(leg, msg, now_ms);
}

static void on_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct gh_leg *leg = gh_txn_user(txn);
    bool silent = why == GH_TXN_TIMEOUT;

    (void)arg;
    if (leg->own.client != txn)
        return;
    leg->own.client = NULL;
    fail(leg, 0, silent ? GH_REASON_NO_ANSWER : GH_REASON_CONNECTION_LOST, SHORT_MS, now_ms);
    /* RFC 3261 section 14.1: no answer at all is as good as 408. */
    if (silent)
        gh_call_end(leg->call, GH_REASON_NO_ANSWER, -1, now_ms);
}

static const struct gh_txn_client client = { .response = on_response, .ended = on_ended };
