/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests inside a call that cross it: re-INVITE, UPDATE, PRACK, INFO (RFC 3261 section 14, RFC
 * 3311, RFC 3262, RFC 6086). Each is one transaction with either side; offers and answers in them
 * go through exchange.c.  What fails changes nothing.
 *
 *   asker --request--> take_offer   way? -> give_offer --request--> other
 *   asker <-response-- give_answer                 take_answer <-response-- other
 *   asker --ACK--> (an answer, when the offer was in the 2xx) --ACK--> other
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

struct gh_leg *gh_relay_far_leg(const struct gh_relay *relay)
{
    return &relay->call->leg[!relay->from];
}

static const char *tag_of(const struct gh_relay *relay)
{
    return relay->fork->dialog[relay->from]->name.local_tag.p;
}

void gh_relay_free(struct gh_relay *relay, uint64_t now_ms)
{
    struct gh_call *call = relay->call;

    gh_trunk_unwant(call->calls->trunks, relay->want);
    if (relay->client)
        gh_txn_detach(relay->client, now_ms);
    if (relay->server)
        gh_txn_detach(relay->server, now_ms);
    gh_sip_msg_unref(relay->request);
    gh_sdp_free(relay->sdp);
    TAILQ_REMOVE(&call->relays, relay, link);
    call->relay_count--;
    free(relay);
}


void gh_relay_refuse(struct gh_relay *relay, enum gh_reason reason, uint64_t now_ms)
{
    struct gh_call *call = relay->call;

    if (relay->server && gh_txn_request(relay->server))
        gh_call_refuse(call->calls, relay->server, reason, gh_span_str(call->fault), now_ms);
}


void gh_relay_fail(struct gh_relay *relay, enum gh_reason reason, uint64_t now_ms)
{
    if (relay->method == GH_SIP_INVITE || relay->offers || relay->answers)
        gh_call_drop_offer(relay->fork);
    /* By policy, and while the request is at hand: a refusal like any other. */
    if (relay->request && relay->call->calls->arrival.papers &&
        gh_reason_info(reason)->sip_code == 488)
        gh_call_record_refuse(relay->call->calls, relay->call->calls->arrival.papers,
                              relay->request, reason, gh_span_str(relay->call->fault));
    gh_log(GH_LOG_WARN, "call", "relay.refuse", "call=%s side=%c method=%s reason=%s",
           relay->call->id, 'a' + relay->from, gh_sip_method_name(relay->method),
           gh_reason_name(reason));
    gh_relay_refuse(relay, reason, now_ms);
    gh_relay_free(relay, now_ms);
}

/* ---- the request to the other side ----------------------------------------------------------- */

/* @name  "application/dtmf-relay" */
static bool type_is(const struct gh_sip_media_type *type, const char *name)
{
    struct gh_span rest = gh_span_str(name), major = gh_span_take(&rest, '/');

    return gh_span_ieq(type->type, major) && gh_span_ieq(type->subtype, rest);
}

/* Other bodies than SDP, when both trunks let the type cross.  @return false: nothing crosses */
static bool other_body(const struct gh_relay *relay, const struct gh_sip_body *body,
                       const struct gh_sip_part **part)
{
    const struct gh_call *call = relay->call;

    if (body->count != 1 || body->opaque || body->parts[0].is_sdp || body->parts[0].stray)
        return false;
    *part = &body->parts[0];
    for (int side = 0; side < 2; side++) {
        const struct gh_config_trunk *trunk = call->leg[side].trunk;
        bool listed = false;

        for (size_t i = 0; i < trunk->body_count && !listed; i++)
            listed = type_is(&(*part)->type, trunk->bodies[i]);
        if (!listed)
            return false;
    }
    return true;
}

/* The request with its body: our SDP, another one that crosses, or none. */
static int build(struct gh_relay *relay, struct gh_buf *octets)
{
    struct gh_call *call = relay->call;
    const struct gh_sip_msg *request = relay->request;
    struct gh_sip_out out = { 0 };
    struct gh_sip_body body = { 0 };
    struct gh_buf text = { 0 };
    const struct gh_sip_part *part = NULL;
    const char *type = NULL;
    char own_type[256];
    int err =
        gh_call_begin_request(&out, relay->fork->dialog[!relay->from],
                              gh_relay_far_leg(relay)->trunk, gh_sip_method_name(relay->method), 0);

    if (!err && (relay->method == GH_SIP_INVITE || relay->method == GH_SIP_UPDATE)) {
        gh_call_contact(&out, gh_relay_far_leg(relay));
        gh_call_say_status(gh_relay_far_leg(relay), &out, request);
    }
    if (!err && relay->method == GH_SIP_PRACK)
        gh_rel_rack(&out, relay->rseq, call->b_cseq);
    if (!err) {
        gh_sip_out_hdr(&out, "Allow", gh_span_str(gh_call_allow));
        gh_call_copy_headers(&out, request, &call->leg[relay->from], true);
        err = gh_sip_body_parse(&body, request);
    }
    if (!err && relay->sdp) {
        type = "application/sdp";
        err = gh_call_print_sdp(relay->sdp, &text);
    } else if (!err && other_body(relay, &body, &part)) {
        snprintf(own_type, sizeof(own_type), "%.*s/%.*s", GH_SPAN_FMT(part->type.type),
                 GH_SPAN_FMT(part->type.subtype));
        type = own_type;
        gh_buf_add(&text, gh_buf_span(&part->octets));
        err = text.err;
    } else if (!err && body.count) {
        gh_marks_add(&call->marks, GH_REASON_BODY_DROPPED);
    }
    if (!err)
        err = gh_sip_out_finish(&out, text.len ? type : NULL, gh_buf_span(&text), octets);
    gh_sip_out_fini(&out);
    gh_sip_body_fini(&body);
    gh_buf_fini(&text);
    return err;
}

static const struct gh_txn_client relay_client;

/* Nobody can answer the offer that waits: the call cannot be. */
static void end_with(struct gh_relay *relay, enum gh_reason reason, uint64_t now_ms)
{
    struct gh_call *call = relay->call;

    gh_relay_fail(relay, reason, now_ms);
    gh_call_end(call, reason, -1, now_ms);
}

/* A connection is there: what is written is judged by it. */
static void send_over(struct gh_relay *relay, struct gh_papers *papers, uint64_t now_ms)
{
    struct gh_call *call = relay->call;
    struct gh_buf octets = { 0 };
    enum gh_reason reason = GH_REASON_NONE;

    if (relay->offers || relay->answers)
        gh_call_papers(gh_relay_far_leg(relay), papers);
    if (relay->offers)
        reason = gh_call_give_offer(call, relay->fork, &relay->sdp);
    else if (relay->answers)
        reason = gh_call_give_answer(relay->fork, &relay->sdp);
    if (reason == GH_REASON_NONE && build(relay, &octets))
        reason = GH_REASON_INTERNAL;
    if (reason == GH_REASON_NONE &&
        gh_txn_client_new(&relay->client, call->calls->txns,
                          gh_relay_far_leg(relay)->trunk->rules.id, papers->conn, true, &octets,
                          &relay_client, gh_relay_far_leg(relay), now_ms)) {
        relay->client = NULL;
        reason = GH_REASON_CONNECTION_LOST;
    }
    gh_buf_fini(&octets);
    gh_sdp_free(relay->sdp);
    relay->sdp = NULL;
    if (reason == GH_REASON_NONE) {
        gh_sip_msg_unref(relay->request);
        relay->request = NULL;
    }
    if (reason == GH_REASON_NONE && relay->answers)
        relay->fork->settled = true;
    else if (reason != GH_REASON_NONE && relay->answers)
        end_with(relay, reason, now_ms);
    else if (reason != GH_REASON_NONE)
        gh_relay_fail(relay, reason, now_ms);
}

static void on_way(void *arg, struct gh_papers *papers, int destination, enum gh_reason reason)
{
    struct gh_relay *relay = arg;
    uint64_t now_ms = gh_loop_now_ms(relay->call->calls->loop);

    (void)destination;
    relay->want = NULL;
    if (papers)
        send_over(relay, papers, now_ms);
    else
        gh_relay_fail(relay, reason == GH_REASON_NONE ? GH_REASON_CONNECTION_LOST : reason, now_ms);
}

static void send_on(struct gh_relay *relay, uint64_t now_ms)
{
    struct gh_calls *calls = relay->call->calls;
    gh_trunk_id trunk = gh_relay_far_leg(relay)->trunk->rules.id;
    struct gh_papers *papers = gh_call_way(calls, trunk, gh_relay_far_leg(relay)->conn);

    if (papers)
        send_over(relay, papers, now_ms);
    else if (gh_trunk_want(calls->trunks, trunk, 0, on_way, relay, &relay->want))
        gh_relay_fail(relay, GH_REASON_CONNECTION_LOST, now_ms);
}

/* ---- what comes back ------------------------------------------------------------------------- */

/* The dialog with the other side ends when it says that there is none (RFC 3261 section
 * 12.2.1.2). */
static bool dialog_is_gone(int status)
{
    return status == 481 || status == 408;
}

/* BYE to both: the session cannot be what either side thinks it is. */
static void end_both(struct gh_relay *relay, enum gh_reason reason, uint64_t now_ms)
{
    struct gh_call *call = relay->call;

    gh_relay_refuse(relay, reason, now_ms);
    gh_call_end(call, reason, -1, now_ms);
}

/* SDP of a 2xx: the answer to our offer, or an offer.  @out  NULL: none */
static enum gh_reason take_2xx(struct gh_relay *relay, const struct gh_sip_msg *msg,
                               struct gh_sdp **out)
{
    struct gh_call *call = relay->call;
    struct gh_sip_body body = { 0 };
    struct gh_span sdp;
    enum gh_reason reason;

    *out = NULL;
    if (relay->method == GH_SIP_INFO) { /* a body crosses nowhere: a call need not end for one */
        if (msg->body.len)
            gh_marks_add(&call->marks, GH_REASON_BODY_DROPPED);
        return GH_REASON_NONE;
    }
    if (call->calls->arrival.gate.verdict == GH_GATE_REFUSE)
        return call->calls->arrival.gate.reason;
    reason = gh_call_sdp_of(call, msg, &body, &sdp);
    if (reason == GH_REASON_NONE && !sdp.len && (relay->offers || relay->method == GH_SIP_INVITE)) {
        snprintf(call->fault, sizeof(call->fault), "the 2xx has no SDP");
        reason = GH_REASON_BAD_SDP;
    } else if (reason == GH_REASON_NONE && relay->offers) {
        reason = gh_call_answer_across(relay->fork, msg, sdp, out);
    } else if (reason == GH_REASON_NONE && relay->method == GH_SIP_INVITE) {
        reason = gh_call_offer_across(relay->fork, !relay->from, sdp, out);
    }
    gh_sip_body_fini(&body);
    return reason;
}


static void on_2xx(struct gh_relay *relay, struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_call *call = relay->call;
    struct gh_dialog *far = relay->fork->dialog[!relay->from];
    struct gh_sdp *sdp = NULL;
    enum gh_reason reason;
    bool session = relay->offers || relay->method == GH_SIP_INVITE;

    gh_dialog_refresh(far, msg);
    gh_call_take_said(gh_relay_far_leg(relay), msg);
    if (relay->server && session)
        gh_call_judge_way(&call->leg[relay->from], relay->server);
    reason = take_2xx(relay, msg, &sdp);
    if (reason == GH_REASON_NONE && session && !relay->server)
        reason = GH_REASON_CONNECTION_LOST;
    if (reason == GH_REASON_NONE && relay->server &&
        gh_call_respond(call, relay->server, relay->from, tag_of(relay), msg, sdp, now_ms))
        reason = session ? GH_REASON_CONNECTION_LOST : GH_REASON_NONE;
    gh_sdp_free(sdp);
    if (reason != GH_REASON_NONE) {
        struct gh_sdp *zero = relay->offers ? NULL
                              : relay->fork->pending
                                  ? gh_call_zero_answer(relay->fork)
                                  : gh_call_zero_answer_to(call, !relay->from, msg);

        if (relay->method == GH_SIP_INVITE)
            gh_call_send_ack(gh_relay_far_leg(relay)->trunk, relay->client, far, zero);
        gh_sdp_free(zero);
        gh_call_drop_offer(relay->fork);
        end_both(relay, reason, now_ms);
        return;
    }
    if (session)
        gh_call_record_rekey(call);
    if (relay->method == GH_SIP_INVITE)
        relay->answered = true; /* the ACK is the asker's */
    else
        gh_relay_free(relay, now_ms);
}

static void on_refusal(struct gh_relay *relay, struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_call *call = relay->call;
    int status = msg->status;

    if (relay->method == GH_SIP_INVITE || relay->offers)
        gh_call_drop_offer(relay->fork);
    gh_call_take_said(gh_relay_far_leg(relay), msg);
    if (msg->body.len)
        gh_marks_add(&call->marks, GH_REASON_BODY_DROPPED);
    if (status == 401 || status == 407)
        gh_relay_refuse(relay, GH_REASON_PEER_DEMANDS_CREDENTIALS, now_ms);
    else if (status < 400)
        gh_relay_refuse(relay, GH_REASON_REDIRECT_REFUSED, now_ms);
    else if (relay->server)
        gh_call_respond(call, relay->server, relay->from, tag_of(relay), msg, NULL, now_ms);
    if (dialog_is_gone(status)) {
        if (status == 481)
            gh_relay_far_leg(relay)->hung_up = true;
        gh_relay_free(relay, now_ms);
        gh_call_end(call, GH_REASON_DIALOG_GONE, -1, now_ms);
        return;
    }
    gh_relay_free(relay, now_ms);
}

static struct gh_relay *of_client(const struct gh_txn *txn)
{
    const struct gh_leg *leg = gh_txn_user(txn);
    struct gh_relay *relay;

    TAILQ_FOREACH (relay, &leg->call->relays, link) {
        if (relay->client == txn)
            break;
    }
    return relay;
}

static void on_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                        uint64_t now_ms)
{
    struct gh_relay *relay = of_client(txn);

    (void)arg;
    if (!relay || relay->answered)
        return;
    gh_relay_far_leg(relay)->conn = conn;
    if (msg->status < 200) {
        if (msg->status > 100 && relay->method == GH_SIP_INVITE && relay->server)
            gh_call_respond(relay->call, relay->server, relay->from, tag_of(relay), msg, NULL,
                            now_ms);
    } else if (msg->status < 300) {
        on_2xx(relay, msg, now_ms);
    } else {
        on_refusal(relay, msg, now_ms);
    }
}

static void on_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct gh_call *call = ((struct gh_leg *)gh_txn_user(txn))->call;
    struct gh_relay *relay = of_client(txn);

    (void)arg;
    if (!relay) {
        gh_call_relay_kept_ended(call, txn, now_ms);
        return;
    }
    relay->client = NULL;
    if (why == GH_TXN_DONE)
        return;
    gh_relay_fail(relay, why == GH_TXN_TIMEOUT ? GH_REASON_NO_ANSWER : GH_REASON_CONNECTION_LOST,
                  now_ms);
    /* RFC 3261 section 12.2.1.2: no answer at all is as good as 408. */
    if (why == GH_TXN_TIMEOUT)
        gh_call_end(call, GH_REASON_NO_ANSWER, -1, now_ms);
}

static const struct gh_txn_client relay_client = { .response = on_response, .ended = on_ended };

/* ---- the request of the asker ---------------------------------------------------------------- */

bool gh_call_relay_offers(const struct gh_fork *fork)
{
    const struct gh_relay *relay;

    TAILQ_FOREACH (relay, &fork->call->relays, link) {
        if (relay->fork == fork && relay->offers)
            return true;
    }
    return false;
}

bool gh_call_relay_invites(const struct gh_call *call, int *from)
{
    const struct gh_relay *relay;

    TAILQ_FOREACH (relay, &call->relays, link) {
        if (relay->method == GH_SIP_INVITE || relay->offers) {
            if (from)
                *from = relay->from;
            return true;
        }
    }
    return false;
}

/* RFC 3261 section 14.2, RFC 3311 section 5.2: one offer at a time.  Its own side knows, the other
 * could not. */
static enum gh_reason glare(const struct gh_fork *fork, int from)
{
    int busy;

    /* Our own: on its leg nobody could know (RFC 3261 section 14.2), and the other has none under
     * way. */
    if (gh_call_own_busy(fork->call))
        return GH_REASON_GLARE;
    if (gh_call_relay_invites(fork->call, &busy))
        return busy == from ? GH_REASON_OFFER_UNDER_WAY : GH_REASON_GLARE;
    if (fork->pending)
        return fork->pending->offerer == from ? GH_REASON_OFFER_UNDER_WAY : GH_REASON_GLARE;
    if (gh_call_offer_pending(fork))
        return from == GH_SIDE_A ? GH_REASON_OFFER_UNDER_WAY : GH_REASON_GLARE;
    return GH_REASON_NONE;
}

/* What the SDP of a request is.  PRACK: the answer to an offer in the 1xx, or an offer (RFC 3262
 * section 5). */
static enum gh_reason place_sdp(struct gh_relay *relay, const struct gh_sip_msg *msg,
                                struct gh_sip_body *body, struct gh_span *sdp)
{
    struct gh_fork *fork = relay->fork;
    enum gh_reason reason = GH_REASON_NONE;

    if (msg->method == GH_SIP_INFO)
        return GH_REASON_NONE;
    reason = gh_call_sdp_of(relay->call, msg, body, sdp);
    if (reason != GH_REASON_NONE)
        return reason;
    relay->answers = msg->method == GH_SIP_PRACK && fork->pending &&
                     fork->pending->offerer != relay->from && !fork->answer_in_ack;
    relay->offers = sdp->len && !relay->answers;
    if (relay->answers && !sdp->len)
        return GH_REASON_ANSWER_MISSING;
    if (msg->method == GH_SIP_INVITE && relay->call->state != GH_CALL_UP)
        return GH_REASON_GLARE; /* the ACK of the call itself is still due */
    return relay->offers || msg->method == GH_SIP_INVITE ? glare(fork, relay->from)
                                                         : GH_REASON_NONE;
}

enum gh_reason gh_call_relay_ready(struct gh_fork *fork, int from, const struct gh_sip_msg *msg)
{
    struct gh_relay relay = {
        .call = fork->call, .fork = fork, .from = from, .method = msg->method
    };
    struct gh_sip_body body = { 0 };
    struct gh_span sdp = GH_SPAN("");
    enum gh_reason reason = place_sdp(&relay, msg, &body, &sdp);

    gh_sip_body_fini(&body);
    return reason;
}

static enum gh_reason take_sdp(struct gh_relay *relay, const struct gh_sip_msg *msg,
                               struct gh_span sdp)
{
    if (relay->offers)
        return gh_call_take_offer(relay->call, relay->fork, relay->from, sdp,
                                  relay->call->calls->arrival.papers);
    if (relay->answers)
        return gh_call_take_answer(relay->fork, msg, sdp);
    return GH_REASON_NONE;
}

void gh_call_relay(struct gh_fork *fork, int from, struct gh_txn *txn, struct gh_sip_msg *msg,
                   uint32_t rseq, uint64_t now_ms)
{
    struct gh_call *call = fork->call;
    struct gh_relay *relay =
        call->relay_count < GH_CALL_RELAYS_MAX ? calloc(1, sizeof(*relay)) : NULL;
    struct gh_sip_body body = { 0 };
    struct gh_span sdp = GH_SPAN("");
    enum gh_reason reason;

    if (!relay) {
        gh_call_refuse(call->calls, txn, GH_REASON_OVERLOAD, GH_SPAN(""), now_ms);
        return;
    }
    *relay = (struct gh_relay){ .call = call,
                                .fork = fork,
                                .from = from,
                                .method = msg->method,
                                .cseq = msg->cseq,
                                .rseq = rseq,
                                .server = txn };
    reason = place_sdp(relay, msg, &body, &sdp);
    if (reason != GH_REASON_NONE && !relay->answers) {
        gh_sip_body_fini(&body);
        gh_call_refuse(call->calls, txn, reason, GH_SPAN(""), now_ms);
        free(relay);
        return;
    }
    relay->request = gh_sip_msg_ref(msg);
    TAILQ_INSERT_TAIL(&call->relays, relay, link);
    call->relay_count++;
    gh_txn_set_user(txn, &call->leg[from]);
    call->fault[0] = 0;
    gh_dialog_refresh(fork->dialog[from], msg);
    gh_call_take_said(&call->leg[from], msg);
    if (reason == GH_REASON_NONE)
        reason = take_sdp(relay, msg, sdp);
    gh_sip_body_fini(&body);
    if (reason == GH_REASON_NONE)
        send_on(relay, now_ms);
    else if (relay->answers)
        end_with(relay, reason, now_ms);
    else
        gh_relay_fail(relay, reason, now_ms);
}
