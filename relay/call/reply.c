/* SPDX-License-Identifier: Apache-2.0 */
/* What is written inside dialogs and transactions: responses to a, ACK and BYE to either side. */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

int gh_call_print_sdp(const struct gh_sdp *sdp, struct gh_buf *out)
{
    size_t len = gh_sdp_len(sdp);
    char *room = gh_buf_room(out, len);
    int err = room ? gh_sdp_print(sdp, room, len, &len) : GH_ENOMEM;

    if (!err)
        out->len += len;
    return err;
}

static void respond(struct gh_txn *txn, struct gh_sip_out *out, const char *type, struct gh_span body,
                    uint64_t now_ms)
{
    struct gh_buf octets = { 0 };
    int err = gh_sip_out_finish(out, type, body, &octets);

    if (!err)
        err = gh_txn_respond(txn, &octets, now_ms);
    if (err)
        gh_log(GH_LOG_WARN, "call", "respond.fail", "trunk=%u error=\"%s\"", gh_txn_trunk(txn), gh_err_text(err));
    gh_sip_out_fini(out);
    gh_buf_fini(&octets);
}

int gh_call_refusal_status(const struct gh_call *call, enum gh_reason reason)
{
    if (reason == GH_REASON_CANCELLED)
        return 487;
    /* RFC 3261 section 21.5.4: what is wrong with the called neighbour's papers is not the caller's fault, who may try
     * another way; the reason is told all the same. */
    return call && call->unreached ? 503 : gh_refusal_status(reason);
}

void gh_call_refuse(struct gh_calls *calls, struct gh_txn *txn, enum gh_reason reason, struct gh_span detail,
                    uint64_t now_ms)
{
    const struct gh_sip_msg *request = gh_txn_request(txn);
    struct gh_sip_out out = { 0 };
    struct gh_call *call = gh_txn_user(txn);
    int status = gh_call_refusal_status(call, reason);
    char drawn[GH_SIP_TAG_SIZE];
    const char *tag = call ? call->leg[GH_SIDE_A].tag : drawn;

    if (!request || (!call && gh_sip_draw_tag(drawn)))
        return;
    gh_sip_out_reply(&out, request, status, GH_SPAN(""), gh_span_str(tag));
    if (status == 405 || status == 501)
        gh_sip_out_hdr(&out, "Allow", gh_span_str(gh_call_allow));
    if (status == 415)
        gh_sip_out_hdr(&out, "Accept", GH_SPAN("application/sdp"));
    if (status == 420) {
        const struct gh_sip_hdr *hdr = NULL;

        while ((hdr = gh_sip_msg_hdr(request, GH_SIP_HDR_REQUIRE, hdr)))
            gh_sip_out_hdr(&out, "Unsupported", hdr->value);
        if (gh_sip_msg_hdr(request, GH_SIP_HDR_REPLACES, NULL))
            gh_sip_out_hdr(&out, "Unsupported", GH_SPAN("replaces"));
    }
    if (status == 503)
        gh_sip_out_hdr(&out, "Retry-After", GH_SPAN("10"));
    if (reason != GH_REASON_CANCELLED)
        gh_refusal_warning(&out, calls->config->node_name, reason, detail);
    respond(txn, &out, NULL, GH_SPAN(""), now_ms);
}

void gh_call_ok(struct gh_calls *calls, struct gh_txn *txn, uint64_t now_ms)
{
    const struct gh_sip_msg *request = gh_txn_request(txn);
    struct gh_sip_out out = { 0 };
    char tag[GH_SIP_TAG_SIZE];

    (void)calls;
    if (!request || gh_sip_draw_tag(tag))
        return;
    gh_sip_out_reply(&out, request, 200, GH_SPAN(""), gh_span_str(tag));
    if (request->method == GH_SIP_OPTIONS) {
        gh_sip_out_hdr(&out, "Allow", gh_span_str(gh_call_allow));
        gh_sip_out_hdr(&out, "Accept", GH_SPAN("application/sdp"));
    }
    respond(txn, &out, NULL, GH_SPAN(""), now_ms);
}

/* ---- to side a ------------------------------------------------------------------------------------------- */

/* Status line and headers of b's response.  A phrase or header that holds a key stays, and the rest with it. */
static void begin_relayed(struct gh_sip_out *out, struct gh_call *call, const struct gh_sip_msg *from_b,
                          bool in_dialog)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A];
    bool crosses = !gh_sip_text_carries(from_b->head);

    gh_sip_out_reply(out, gh_txn_request(a->invite), from_b->status, crosses ? from_b->phrase : GH_SPAN(""),
                     gh_span_str(a->tag));
    if (in_dialog) {
        gh_call_contact(out, a);
        gh_sip_out_hdr(out, "Allow", gh_span_str(gh_call_allow));
    }
    if (crosses)
        gh_call_copy_headers(out, from_b, &call->leg[GH_SIDE_B], false);
}

void gh_call_relay_provisional(struct gh_call *call, const struct gh_sip_msg *from_b, uint64_t now_ms)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A];
    struct gh_sip_out out = { 0 };

    if (!a->invite || !gh_txn_request(a->invite))
        return;
    /* Without its body: early media is not relayed in this version. */
    if (from_b->body.len)
        gh_neg_mark(&call->neg, GH_REASON_BODY_DROPPED);
    begin_relayed(&out, call, from_b, true);
    respond(a->invite, &out, NULL, GH_SPAN(""), now_ms);
}

void gh_call_relay_final(struct gh_call *call, const struct gh_sip_msg *from_b, uint64_t now_ms)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A];
    struct gh_sip_out out = { 0 };

    call->end.sip_code = from_b->status;
    begin_relayed(&out, call, from_b, false);
    gh_refusal_warning(&out, call->calls->config->node_name, call->end.reason, GH_SPAN(""));
    respond(a->invite, &out, NULL, GH_SPAN(""), now_ms);
}

int gh_call_send_answer(struct gh_call *call, const struct gh_sdp *sdp, const struct gh_sip_msg *from_b,
                        uint64_t now_ms)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A];
    struct gh_sip_out out = { 0 };
    struct gh_buf body = { 0 }, octets = { 0 };
    int err = gh_call_print_sdp(sdp, &body);

    begin_relayed(&out, call, from_b, true);
    gh_sip_out_call_info(&out, from_b, false, a->trunk->rules.transmit_security_status, gh_call_status(call));
    if (!err)
        err = gh_sip_out_finish(&out, "application/sdp", gh_buf_span(&body), &octets);
    if (!err)
        err = gh_txn_respond(a->invite, &octets, now_ms);
    gh_sip_out_fini(&out);
    gh_buf_fini(&body);
    gh_buf_fini(&octets);
    return err;
}

/* ---- in a dialog ------------------------------------------------------------------------------------------ */

/* RFC 3326 section 2: the status that would have told the same. */
static unsigned cause_of(enum gh_reason reason)
{
    if (reason == GH_REASON_ANSWERED_ELSEWHERE)
        return 200;
    return (unsigned)gh_call_refusal_status(NULL, reason);
}

/* A request in @dialog; @reason NONE: without a Reason header. */
static int build_in_dialog(struct gh_dialog *dialog, const struct gh_config_trunk *trunk, const char *method,
                           uint32_t cseq, enum gh_reason reason, struct gh_span detail, struct gh_buf *octets)
{
    struct gh_sip_out out = { 0 };
    char branch[GH_SIP_BRANCH_SIZE], host[GH_ADDR_TEXT_MAX];
    struct gh_dialog_via via = gh_call_via(trunk, host);
    struct gh_buf text = { 0 };
    int err = gh_sip_draw_branch(branch);

    if (err)
        return err;
    via.branch = gh_span_str(branch);
    gh_dialog_request_out(dialog, &out, gh_span_str(method), &via, cseq);
    if (reason != GH_REASON_NONE) {
        gh_refusal_text(&text, reason, detail);
        gh_sip_out_reason(&out, "SIP", cause_of(reason), gh_buf_span(&text));
    }
    err = gh_sip_out_finish(&out, NULL, GH_SPAN(""), octets);
    gh_sip_out_fini(&out);
    gh_buf_fini(&text);
    return err;
}

int gh_call_send_ack(struct gh_leg *leg, struct gh_txn *invite, struct gh_dialog *dialog)
{
    struct gh_buf octets = { 0 };
    int err;

    if (!invite || !dialog)
        return GH_ESTATE;
    err = build_in_dialog(dialog, leg->trunk, "ACK", gh_txn_request(invite)->cseq, GH_REASON_NONE, GH_SPAN(""),
                          &octets);
    if (!err)
        err = gh_txn_ack_2xx(invite, &octets);
    gh_buf_fini(&octets);
    return err;
}

static void bye_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn, uint64_t now_ms)
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
    int err = build_in_dialog(leg->dialog, leg->trunk, "BYE", 0, told_reason(call), gh_span_str(call->neg.fault),
                              &octets);

    if (!err)
        err = gh_txn_client_new(&leg->bye, call->calls->txns, leg->trunk->rules.id, papers->conn, true, &octets,
                                &bye_client, leg, now_ms);
    if (err) {
        leg->bye = NULL;
        gh_log(GH_LOG_WARN, "call", "bye.fail", "call=%s side=%c error=\"%s\"", call->id, 'a' + leg->side,
               gh_err_text(err));
    }
    gh_buf_fini(&octets);
}

static void on_bye_connection(void *arg, struct gh_papers *papers, int destination, enum gh_reason reason)
{
    struct gh_leg *leg = arg;
    uint64_t now_ms = gh_loop_now_ms(leg->call->calls->loop);

    (void)destination;
    leg->bye_want = NULL;
    if (papers)
        bye_over(leg, papers, now_ms);
    else
        gh_log(GH_LOG_WARN, "call", "bye.fail", "call=%s side=%c reason=%s", leg->call->id, 'a' + leg->side,
               gh_reason_name(reason));
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

void gh_call_reject_answer(struct gh_calls *calls, const struct gh_config_trunk *trunk, struct gh_txn *invite,
                           const struct gh_sip_msg *answer, enum gh_reason reason, uint64_t now_ms)
{
    struct gh_leg leg = { .trunk = trunk };
    struct gh_buf octets = { 0 };
    struct gh_txn *bye = NULL;
    int err = gh_dialog_new_uac(&leg.dialog, trunk->rules.id, gh_txn_request(invite), answer);

    /* RFC 3261 section 13.2.2.4: a 2xx is acknowledged even if nobody wants it, and then ended. */
    if (!err)
        err = gh_call_send_ack(&leg, invite, leg.dialog);
    if (!err)
        err = build_in_dialog(leg.dialog, trunk, "BYE", 0, reason, GH_SPAN(""), &octets);
    if (!err)
        err = gh_txn_client_new(&bye, calls->txns, trunk->rules.id, gh_txn_conn(invite), true, &octets,
                                &bye_client, NULL, now_ms);
    if (err)
        gh_log(GH_LOG_WARN, "call", "answer.reject.fail", "trunk=%s error=\"%s\"", trunk->rules.name,
               gh_err_text(err));
    gh_buf_fini(&octets);
    gh_dialog_free(leg.dialog);
}
