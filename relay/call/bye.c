/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of ours that no neighbour asked for: ACK, BYE. */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

int gh_call_begin_request(struct gh_sip_out *out, struct gh_dialog *dialog,
                          const struct gh_config_trunk *trunk, const char *method, uint32_t cseq)
{
    char branch[GH_SIP_BRANCH_SIZE], host[GH_ADDR_TEXT_MAX];
    struct gh_dialog_via via = gh_call_via(trunk, host);
    int err = gh_sip_draw_branch(branch);

    if (err)
        return err;
    via.branch = gh_span_str(branch);
    gh_dialog_request_out(dialog, out, gh_span_str(method), &via, cseq);
    return 0;
}

int gh_call_send_ack(const struct gh_config_trunk *trunk, struct gh_txn *invite,
                     struct gh_dialog *dialog, const struct gh_sdp *sdp)
{
    struct gh_buf octets = { 0 }, body = { 0 };
    struct gh_sip_out out = { 0 };
    int err;

    if (!invite || !dialog)
        return GH_ESTATE;
    err = gh_call_begin_request(&out, dialog, trunk, "ACK", gh_txn_cseq(invite));
    if (!err && sdp)
        err = gh_call_print_sdp(sdp, &body);
    if (!err)
        err = gh_sip_out_finish(&out, sdp ? "application/sdp" : NULL, gh_buf_span(&body), &octets);
    if (!err)
        err = gh_txn_ack_2xx(invite, &octets);
    gh_sip_out_fini(&out);
    gh_buf_fini(&body);
    gh_buf_fini(&octets);
    return err;
}

/* ---- BYE ------------------------------------------------------------------------------------- */

/* RFC 3326 section 2: the status that would have told the same. */
static unsigned cause_of(enum gh_reason reason)
{
    if (reason == GH_REASON_ANSWERED_ELSEWHERE)
        return 200;
    return (unsigned)gh_call_refusal_status(NULL, reason);
}

/* @reason NONE: without a Reason header. */
static int build_bye(struct gh_dialog *dialog, const struct gh_config_trunk *trunk,
                     enum gh_reason reason, struct gh_span detail, struct gh_buf *octets)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf text = { 0 };
    int err = gh_call_begin_request(&out, dialog, trunk, "BYE", 0);

    if (!err && reason != GH_REASON_NONE) {
        gh_refusal_text(&text, reason, detail);
        gh_sip_out_reason(&out, "SIP", cause_of(reason), gh_buf_span(&text));
    }
    if (!err)
        err = gh_sip_out_finish(&out, NULL, GH_SPAN(""), octets);
    gh_sip_out_fini(&out);
    gh_buf_fini(&text);
    return err;
}

static void bye_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                         uint64_t now_ms)
{
    (void)arg;
    (void)txn;
    (void)msg; /* whatever it says, the call is over */
    (void)conn;
    (void)now_ms;
}

static void bye_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct gh_leg *leg = gh_txn_user(txn);

    (void)arg;
    (void)why;
    if (!leg || leg->bye != txn)
        return; /* a fork's BYE has no leg */
    leg->bye = NULL;
    gh_call_check_released(leg->call, now_ms);
}

static const struct gh_txn_client bye_client = { .response = bye_response, .ended = bye_ended };

/* Reasons of ours are told; a side that hung up needs no explaining to the other. */
static enum gh_reason told_reason(const struct gh_call *call)
{
    return call->end.by < 0 ? call->end.reason : GH_REASON_NONE;
}

static void bye_over(struct gh_leg *leg, struct gh_papers *papers, uint64_t now_ms)
{
    struct gh_call *call = leg->call;
    struct gh_buf octets = { 0 };
    int err = build_bye(call->fork->dialog[leg->side], leg->trunk, told_reason(call),
                        gh_span_str(call->fault), &octets);

    if (!err)
        err = gh_txn_client_new(&leg->bye, call->calls->txns, leg->trunk->rules.id, papers->conn,
                                true, &octets, &bye_client, leg, now_ms);
    if (err) {
        leg->bye = NULL;
        gh_log(GH_LOG_WARN, "call", "bye.fail", "call=%s side=%c error=\"%s\"", call->id,
               'a' + leg->side, gh_err_text(err));
    }
    gh_buf_fini(&octets);
}

static void on_bye_connection(void *arg, struct gh_papers *papers, int destination,
                              enum gh_reason reason)
{
    struct gh_leg *leg = arg;
    uint64_t now_ms = gh_loop_now_ms(leg->call->calls->loop);

    (void)destination;
    leg->bye_want = NULL;
    if (papers)
        bye_over(leg, papers, now_ms);
    else
        gh_log(GH_LOG_WARN, "call", "bye.fail", "call=%s side=%c reason=%s", leg->call->id,
               'a' + leg->side, gh_reason_name(reason));
    gh_call_check_released(leg->call, now_ms);
}

void gh_call_send_bye(struct gh_leg *leg, uint64_t now_ms)
{
    struct gh_trunks *trunks = leg->call->calls->trunks;
    gh_trunk_id trunk = leg->trunk->rules.id;
    struct gh_papers *papers = gh_trunk_live(trunks, trunk, leg->conn);

    leg->hung_up = true;
    if (!papers)
        papers = gh_trunk_live_any(trunks, trunk);
    if (papers)
        bye_over(leg, papers, now_ms);
    else if (gh_trunk_want(trunks, trunk, 0, on_bye_connection, leg, &leg->bye_want))
        leg->bye_want = NULL;
}

void gh_call_reject_answer(struct gh_calls *calls, const struct gh_config_trunk *trunk,
                           struct gh_txn *invite, const struct gh_sip_msg *answer,
                           const struct gh_sdp *zero, enum gh_reason reason, uint64_t now_ms)
{
    struct gh_dialog *dialog = NULL;
    struct gh_buf octets = { 0 };
    struct gh_txn *bye = NULL;
    int err = gh_dialog_new_uac(&dialog, trunk->rules.id, gh_txn_request(invite), answer);

    /* RFC 3261 section 13.2.2.4: a 2xx is acknowledged even if nobody wants it, and then ended. */
    if (!err)
        err = gh_call_send_ack(trunk, invite, dialog, zero);
    if (!err)
        err = build_bye(dialog, trunk, reason, GH_SPAN(""), &octets);
    if (!err)
        err = gh_txn_client_new(&bye, calls->txns, trunk->rules.id, gh_txn_conn(invite), true,
                                &octets, &bye_client, NULL, now_ms);
    if (err)
        gh_log(GH_LOG_WARN, "call", "answer.reject.fail", "trunk=%s error=\"%s\"",
               trunk->rules.name, gh_err_text(err));
    gh_buf_fini(&octets);
    gh_dialog_free(dialog);
}
