/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of the call, told to a side that no message of the other tells it to: the called side
 * after the ACK (RFC 3261 has no Call-Info there), the caller of a delayed offer, either when the
 * status changes by itself.  To a neighbour whose trunk says transmit_security_status: by UPDATE
 * without a body (RFC 3311) if its Allow has that, else by a re-INVITE that repeats our description,
 * unless its trunk says status_updates: update.
 */
#include "base/log.h"
#include "call/call_int.h"

#define APART_MS                                                                                   \
    2000 /* between two that we send on one leg; also after a 491, whose owner of the dialog waits \
            longer */

static const struct gh_txn_client client;

void gh_call_say_status(struct gh_leg *leg, struct gh_sip_out *out, const struct gh_sip_msg *from)
{
    bool say = leg->trunk->rules.transmit_security_status;
    enum gh_status status = gh_call_status_said(leg->call);

    gh_sip_out_call_info(out, from, false, say, status);
    if (say)
        leg->told = status;
}

static int build(struct gh_leg *leg, struct gh_buf *octets)
{
    struct gh_dialog *dialog = leg->call->fork->dialog[leg->side];
    struct gh_sip_out out = { 0 };
    int err = gh_call_begin_request(&out, dialog, leg->trunk, "UPDATE", 0);

    if (!err) {
        gh_call_contact(&out, leg);
        gh_call_say_status(leg, &out, NULL);
        gh_sip_out_hdr(&out, "Allow", gh_span_str(gh_call_allow));
        err = gh_sip_out_finish(&out, NULL, GH_SPAN(""), octets);
    }
    gh_sip_out_fini(&out);
    return err;
}

static void tell(struct gh_leg *leg, uint64_t now_ms)
{
    struct gh_calls *calls = leg->call->calls;
    gh_trunk_id trunk = leg->trunk->rules.id;
    struct gh_papers *papers = gh_call_way(calls, trunk, leg->conn);
    struct gh_buf octets = { 0 };
    int err;

    leg->tell_ms = now_ms + APART_MS;
    if (!papers)
        return; /* a call is not worth a new connection for this: the next tick looks again */
    err = build(leg, &octets);
    if (!err)
        err = gh_txn_client_new(&leg->telling, calls->txns, trunk, papers->conn, true, &octets,
                                &client, leg, now_ms);
    if (err) {
        leg->telling = NULL;
        leg->told = GH_STATUS_UNKNOWN;
        gh_log(GH_LOG_WARN, "call", "status.untold", "call=%s side=%c error=\"%s\"", leg->call->id,
               'a' + leg->side, gh_err_text(err));
    }
    gh_buf_fini(&octets);
}

void gh_call_tell(struct gh_call *call, uint64_t now_ms)
{
    enum gh_status status = gh_call_status(call);

    /* What is under way tells it. */
    if (call->state != GH_CALL_UP || status == GH_STATUS_UNKNOWN || call->relay_count ||
        gh_call_own_busy(call))
        return;
    for (int side = 0; side < 2; side++) {
        struct gh_leg *leg = &call->leg[side];

        if (!leg->trunk->rules.transmit_security_status || leg->told == status || leg->telling ||
            now_ms < leg->tell_ms)
            continue;
        if (leg->knows_update)
            tell(leg, now_ms);
        else if (!leg->trunk->status_update_only && gh_call_own_status(leg, now_ms))
            return; /* one at a time */
    }
}

/* The neighbour has not taken it, and will take no other. */
static void give_up(struct gh_leg *leg, int status)
{
    leg->knows_update = false;
    gh_log(GH_LOG_WARN, "call", "status.untold", "call=%s side=%c sip=%d", leg->call->id,
           'a' + leg->side, status);
}

static void on_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                        uint64_t now_ms)
{
    struct gh_leg *leg = gh_txn_user(txn);
    struct gh_call *call = leg->call;

    (void)arg;
    if (msg->status < 200 || leg->telling != txn)
        return;
    leg->conn = conn;
    leg->tell_ms = now_ms + APART_MS;
    if (msg->status == 491 || msg->status == 500) {
        leg->told = GH_STATUS_UNKNOWN; /* RFC 3261 section 14.1: again, later */
    } else if (msg->status == 481) {
        leg->hung_up = true;
        if (gh_call_can(call, GH_ON_END))
            gh_call_end(call, GH_REASON_DIALOG_GONE, -1, now_ms);
    } else if (msg->status >= 300) {
        give_up(leg, msg->status);
    } else {
        gh_dialog_refresh(call->fork->dialog[leg->side], msg);
        gh_call_take_said(leg, msg);
    }
}

static void on_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct gh_leg *leg = gh_txn_user(txn);

    (void)arg;
    (void)now_ms;
    if (leg->telling != txn)
        return;
    leg->telling = NULL;
    if (why == GH_TXN_TIMEOUT)
        /* some do not answer what they say that they know: no reason to end a call that works */
        give_up(leg, 408);
    else if (why != GH_TXN_DONE)
        leg->told = GH_STATUS_UNKNOWN;
}

static const struct gh_txn_client client = { .response = on_response, .ended = on_ended };
