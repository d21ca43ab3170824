/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Side b: the choice of trunk and destination, the INVITE, and what comes back.
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"
#include "crypto/hash.h"

static const struct gh_config_trunk *route_trunk(const struct gh_call *call)
{
    const struct gh_config_route *route = call->route;

    if (call->trunk_index >= route->trunk_count)
        return NULL;
    return route->trunks[(call->trunk_first + call->trunk_index) % route->trunk_count];
}

/* RFC 5630: a sips: call leaves over TLS only.  A trunk is asked once whether it has room, not for each destination. */
static enum gh_reason trunk_unfit(const struct gh_call *call, const struct gh_config_trunk *trunk)
{
    if (call->sips && trunk->rules.transport != GH_TRANSPORT_TLS)
        return GH_REASON_SIPS_DOWNGRADE;
    return call->tried ? GH_REASON_NONE : gh_call_admit(call->calls, trunk);
}

static void on_connection(void *arg, struct gh_papers *papers, int destination, enum gh_reason reason)
{
    struct gh_call *call = arg;
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    uint64_t now_ms = gh_loop_now_ms(call->calls->loop);

    call->want = NULL;
    if (!papers) {
        call->trunk_index++;
        call->tried = 0;
        call->end.reason = reason;
        call->unreached = !route_trunk(call);
        gh_call_event(call, call->unreached ? GH_ON_REFUSED : GH_ON_NEXT, now_ms);
        return;
    }
    b->papers = gh_papers_ref(papers);
    b->conn = papers->conn;
    call->destination = destination;
    if (destination != GH_DESTINATION_NONE)
        call->tried |= 1u << destination;
    gh_call_event(call, GH_ON_ROUTED, now_ms);
}

/* Nothing that was learnt of the destination before is said of the next. */
static void forget_destination(struct gh_leg *b)
{
    gh_papers_unref(b->papers);
    b->papers = NULL;
    b->conn = 0;
    b->claimed = false;
    b->claim = GH_STATUS_UNKNOWN;
}

void gh_call_route(struct gh_call *call, uint64_t now_ms)
{
    const struct gh_config_trunk *trunk = route_trunk(call);
    enum gh_reason unfit = GH_REASON_NONE;

    forget_destination(&call->leg[GH_SIDE_B]);

    while (trunk && (unfit = trunk_unfit(call, trunk)) != GH_REASON_NONE) {
        call->end.reason = unfit;
        call->trunk_index++;
        call->tried = 0;
        trunk = route_trunk(call);
    }
    if (trunk) {
        call->leg[GH_SIDE_B].trunk = trunk;
        call->end.reason = GH_REASON_NO_RULE;
        if (!gh_trunk_want(call->calls->trunks, trunk->rules.id, call->tried, on_connection, call, &call->want))
            return;
        call->end.reason = GH_REASON_INTERNAL;
    }
    if (call->end.reason == GH_REASON_NO_RULE)
        call->end.reason = GH_REASON_NO_DESTINATION;
    gh_call_event(call, GH_ON_REFUSED, now_ms);
}

/* ---- the INVITE ----------------------------------------------------------------------------------------- */

/* The Request-URI and To of side b: the dialled user at the destination. */
static void destination_uri(const struct gh_call *call, struct gh_buf *uri)
{
    const struct gh_config_trunk *trunk = call->leg[GH_SIDE_B].trunk;
    const struct gh_sip_uri *dialled = &call->request->uri;
    char ip[GH_ADDR_TEXT_MAX];
    struct gh_addr addr = call->leg[GH_SIDE_B].papers->facts.peer;

    gh_buf_str(uri, call->sips ? "sips:" : "sip:");
    gh_buf_add(uri, gh_span_head(dialled->user, gh_span_find(dialled->user, ';')));
    gh_buf_str(uri, "@");
    if (trunk->srv) { /* RFC 3263 section 4: the domain; "_sips._tcp." only names the service */
        const char *domain = strstr(trunk->srv, "._tcp.");

        gh_buf_str(uri, domain ? domain + strlen("._tcp.") : trunk->srv);
        addr.family = 0;
    } else if (call->destination != GH_DESTINATION_NONE) {
        const struct gh_config_destination *to = &trunk->destinations[call->destination];

        addr = to->addr;
        addr.port = to->port;
        if (addr.family == 0)
            gh_buf_fmt(uri, "%s:%u", to->host, to->port);
    }
    if (addr.family)
        gh_buf_str(uri, gh_addr_text(&addr, ip));
    /* RFC 5630 section 3.1.3: with sips the transport is TLS anyway, and the parameter is deprecated. */
    if (!call->sips)
        gh_buf_str(uri, trunk->rules.transport == GH_TRANSPORT_TLS ? ";transport=tls" : ";transport=tcp");
}

static void write_from(struct gh_sip_out *out, const struct gh_call *call)
{
    const struct gh_leg *b = &call->leg[GH_SIDE_B];
    const struct gh_sip_addr *from = &call->request->from;
    struct gh_buf uri = { 0 };
    char host[GH_ADDR_TEXT_MAX];
    struct gh_dialog_via via = gh_call_via(b->trunk, host);

    /* User and display are kept; the host, which would show side a's address, is ours (topology hiding). */
    gh_buf_str(&uri, call->sips ? "sips:" : "sip:");
    if (from->uri.user.len) {
        gh_buf_add(&uri, gh_span_head(from->uri.user, gh_span_find(from->uri.user, ';')));
        gh_buf_str(&uri, "@");
    }
    gh_buf_add(&uri, via.host);
    gh_sip_out_addr(out, "From", from->display, gh_buf_span(&uri), gh_span_str(b->tag));
    gh_buf_fini(&uri);
}

static int build_invite(struct gh_call *call, const struct gh_sdp *sdp, struct gh_buf *octets)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A], *b = &call->leg[GH_SIDE_B];
    struct gh_sip_out out = { 0 };
    struct gh_buf uri = { 0 }, body = { 0 };
    char branch[GH_SIP_BRANCH_SIZE], host[GH_ADDR_TEXT_MAX];
    struct gh_dialog_via via = gh_call_via(b->trunk, host);
    int err = gh_sip_draw_branch(branch);

    via.branch = gh_span_str(branch);
    destination_uri(call, &uri);
    if (!err)
        err = uri.err;
    if (!err)
        err = gh_call_print_sdp(sdp, &body);
    if (!err) {
        gh_sip_out_request(&out, GH_SPAN("INVITE"), gh_buf_span(&uri));
        gh_sip_out_via(&out, via.transport, via.host, via.port, via.branch);
        gh_sip_out_hdr_fmt(&out, "Max-Forwards", "%u", call->request->max_forwards - 1);
        write_from(&out, call);
        gh_sip_out_addr(&out, "To", call->request->to.display, gh_buf_span(&uri), GH_SPAN(""));
        gh_sip_out_hdr(&out, "Call-ID", gh_span_str(call->b_call_id));
        gh_sip_out_hdr_fmt(&out, "CSeq", "%u INVITE", call->b_cseq);
        gh_call_contact(&out, b);
        gh_sip_out_hdr(&out, "Allow", gh_span_str(gh_call_allow));
        gh_call_copy_headers(&out, call->request, a, true);
        gh_sip_out_call_info(&out, call->request, false, false, GH_STATUS_UNKNOWN);
        err = gh_sip_out_finish(&out, "application/sdp", gh_buf_span(&body), octets);
    }
    gh_sip_out_fini(&out);
    gh_buf_fini(&uri);
    gh_buf_fini(&body);
    return err;
}

/* Identifiers of the new leg: every destination is a new dialog (RFC 3261 section 8.1.1). */
static int fresh_leg(struct gh_call *call)
{
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    int err = gh_sip_draw_tag(b->tag);

    if (!err)
        err = gh_sip_draw_tag(call->b_call_id);
    if (!err)
        err = gh_random(&b->session_id, sizeof(b->session_id));
    b->session_id >>= 2; /* RFC 8866 section 5.2: a number; peers keep it in signed 64 bits */
    b->version = 1;
    call->b_cseq = 1;
    return err;
}

/* The offer to b and, before it leaves, whether the route's promise can still be kept. */
static enum gh_reason make_offer(struct gh_call *call, struct gh_sdp **sdp)
{
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    struct gh_neg_leg neg_a = gh_call_neg_leg(&call->leg[GH_SIDE_A]), neg_b = gh_call_neg_leg(b);
    struct gh_neg_self self = { .address = call->calls->config->media.advertise, .session_id = b->session_id,
                                .version = b->version };
    enum gh_reason reason = GH_REASON_NONE;

    /* RFC 5630 section 3.1.1: TLS with a NULL cipher is none. */
    if (call->sips && neg_b.signalling != GH_SIG_TLS_VERIFIED)
        return GH_REASON_SIPS_DOWNGRADE;
    if (!call->media_bound)
        reason = gh_call_media_open(call);
    call->media_bound = true;
    if (reason == GH_REASON_NONE)
        reason = gh_neg_offer_out(&call->neg, &neg_a, &neg_b, &self, call->first, sdp);
    if (reason == GH_REASON_NONE)
        reason = gh_call_require(call, gh_neg_best_grade(&call->neg, &neg_a, &neg_b));
    return reason;
}

/* Why the INVITE did not leave: the connection, or we ourselves, which no other destination mends. */
static enum gh_reason not_sent(int err)
{
    switch (err) {
    case 0:
        return GH_REASON_NONE;
    case GH_EAUTH:   /* the gate on departure */
    case GH_ESYNTAX: /* we wrote what we would not read */
    case GH_ENOMEM:
        return GH_REASON_INTERNAL;
    default:
        return GH_REASON_CONNECTION_LOST;
    }
}

void gh_call_invite(struct gh_call *call, uint64_t now_ms)
{
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    struct gh_sdp *sdp = NULL;
    struct gh_buf octets = { 0 };
    enum gh_reason reason = fresh_leg(call) ? GH_REASON_INTERNAL : make_offer(call, &sdp);

    if (reason == GH_REASON_NONE && build_invite(call, sdp, &octets))
        reason = GH_REASON_INTERNAL;
    if (reason == GH_REASON_NONE) {
        if (gh_neg_offered_keys(&call->neg))
            gh_call_holder(call, call->leg[GH_SIDE_A].trunk);
        if (gh_neg_offers_keys(&call->neg))
            gh_call_holder(call, b->trunk);
        call->first = false;
        reason = not_sent(gh_txn_client_new(&b->invite, call->calls->txns, b->trunk->rules.id, b->conn, true,
                                            &octets, &gh_call_invite_client, call, now_ms));
    }
    gh_buf_fini(&octets);
    gh_sdp_free(sdp);
    if (reason == GH_REASON_NONE)
        return;
    b->invite = NULL;
    call->end.reason = reason;
    /* A connection that was lost in between is a failed destination; anything else is the same everywhere. */
    gh_call_event(call, reason == GH_REASON_CONNECTION_LOST && gh_call_more(call) ? GH_ON_NEXT : GH_ON_REFUSED,
                  now_ms);
}

/* ---- what comes back -------------------------------------------------------------------------------------- */

/* Is there another destination on this trunk, or another trunk on the route?  Moves on to it. */
bool gh_call_more(struct gh_call *call)
{
    const struct gh_config_trunk *trunk = call->leg[GH_SIDE_B].trunk;

    if (trunk && gh_trunk_has_more(call->calls->trunks, trunk->rules.id, call->tried))
        return true;
    call->trunk_index++;
    call->tried = 0;
    return route_trunk(call) != NULL;
}

static void take_claim(struct gh_leg *leg, const struct gh_sip_msg *msg)
{
    bool claimed;
    enum gh_status claim = gh_sip_msg_security(msg, &claimed);

    if (!claimed)
        return;
    leg->claimed = true;
    leg->claim = claim;
}

/* The SDP of a 2xx, judged and turned into an answer to a. */
static enum gh_reason take_answer(struct gh_call *call, const struct gh_sip_msg *msg, struct gh_sdp **answer)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A], *b = &call->leg[GH_SIDE_B];
    struct gh_neg_leg neg_a = gh_call_neg_leg(a), neg_b = gh_call_neg_leg(b);
    struct gh_neg_self self = { .address = call->calls->config->media.advertise, .session_id = a->session_id,
                                .version = a->version };
    struct gh_sip_body body;
    const struct gh_sip_part *sdp;
    enum gh_reason reason = GH_REASON_NONE;

    if (gh_sip_body_parse(&body, msg))
        reason = GH_REASON_INTERNAL;
    sdp = reason == GH_REASON_NONE ? gh_sip_body_sdp(&body, &reason) : NULL;
    if (reason == GH_REASON_NONE && !sdp) {
        snprintf(call->neg.fault, sizeof(call->neg.fault), "the 2xx has no SDP answer");
        reason = GH_REASON_BAD_SDP;
    }
    if (reason == GH_REASON_NONE)
        reason = gh_neg_answer_in(&call->neg, gh_buf_span(&sdp->octets), &neg_b,
                                  &call->calls->config->media.address,
                                  gh_sip_msg_has_token(msg, GH_SIP_HDR_SUPPORTED, "X-cisco-srtp-fallback"));
    gh_sip_body_fini(&body);
    if (reason == GH_REASON_NONE)
        reason = gh_call_require(call, gh_neg_best_grade(&call->neg, &neg_a, &neg_b));
    if (reason == GH_REASON_NONE)
        reason = gh_neg_answer_out(&call->neg, &neg_a, &self, answer);
    if (reason == GH_REASON_NONE)
        reason = gh_call_media_start(call);
    return reason;
}

static void on_answer(struct gh_call *call, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A], *b = &call->leg[GH_SIDE_B];
    struct gh_sdp *answer = NULL;
    enum gh_reason reason = GH_REASON_NONE;

    if (call->calls->arrival.gate.verdict == GH_GATE_REFUSE) {
        reason = call->calls->arrival.gate.reason;
        gh_call_record_refuse(call->calls, call->calls->arrival.papers, msg, reason, GH_SPAN(""));
    }
    if (reason == GH_REASON_NONE)
        reason = take_answer(call, msg, &answer);
    if (reason == GH_REASON_NONE &&
        (gh_dialog_new_uac(&b->dialog, b->trunk->rules.id, gh_txn_request(txn), msg) ||
         gh_dialogs_add(call->calls->dialogs, b->dialog) ||
         gh_dialog_new_uas(&a->dialog, a->trunk->rules.id, gh_txn_request(a->invite), gh_span_str(a->tag)) ||
         gh_dialogs_add(call->calls->dialogs, a->dialog)))
        reason = GH_REASON_BAD_MESSAGE;
    if (reason != GH_REASON_NONE) {
        gh_sdp_free(answer);
        gh_call_reject_answer(call->calls, b->trunk, txn, msg, reason, now_ms);
        gh_dialog_free(b->dialog);
        gh_dialog_free(a->dialog);
        a->dialog = b->dialog = NULL;
        call->end.reason = reason;
        gh_call_event(call, GH_ON_REFUSED, now_ms);
        return;
    }
    b->dialog->user = b;
    a->dialog->user = a;
    call->answer_us = gh_wall_us();
    call->answer_ms = now_ms;
    gh_call_event(call, GH_ON_ANSWER, now_ms);
    if (gh_call_send_answer(call, answer, msg, now_ms) || gh_dialog_confirm(a->dialog, NULL))
        gh_call_end(call, GH_REASON_INTERNAL, -1, now_ms);
    gh_sdp_free(answer);
    gh_sip_msg_unref(call->request);
    call->request = NULL;
    gh_neg_settled(&call->neg);
    gh_call_record_leg(b);
}

/* RFC 3261 section 21.5.4, and CUCM's habit: what another node may do better is tried there. */
static bool worth_another_try(int status)
{
    return status == 503 || status == 408;
}

static void on_refusal(struct gh_call *call, const struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_txn *invite = call->leg[GH_SIDE_A].invite;

    if (call->state == GH_CALL_CANCELLING) {
        gh_call_event(call, GH_ON_REFUSED, now_ms);
        return;
    }
    if (worth_another_try(msg->status) && gh_call_more(call)) {
        gh_call_event(call, GH_ON_NEXT, now_ms);
        return;
    }
    call->end.reason = GH_REASON_REFUSED_BY_PEER;
    call->end.by = GH_SIDE_B;
    if (msg->status < 400)
        call->end.reason = GH_REASON_REDIRECT_REFUSED;
    else if (msg->status == 401 || msg->status == 407)
        call->end.reason = GH_REASON_PEER_DEMANDS_CREDENTIALS;
    else if (invite && gh_txn_request(invite))
        gh_call_relay_final(call, msg, now_ms);
    gh_call_event(call, GH_ON_REFUSED, now_ms);
}

static void on_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn, uint64_t now_ms)
{
    struct gh_call *call = gh_txn_user(txn);
    struct gh_leg *b = &call->leg[GH_SIDE_B];

    (void)arg;
    if (txn != b->invite)
        return;
    b->conn = conn;
    if (msg->status >= 200 && msg->status < 300) {
        if (gh_call_can(call, GH_ON_ANSWER)) {
            /* The connection that brought the keys is the one that counts. */
            gh_papers_unref(b->papers);
            b->papers = gh_papers_ref(call->calls->arrival.papers);
            take_claim(b, msg);
            on_answer(call, txn, msg, now_ms);
        } else {
            /* After CANCEL (RFC 3261 section 9.1), or from a second fork. */
            gh_call_reject_answer(call->calls, b->trunk, txn, msg,
                                  call->answer_us ? GH_REASON_ANSWERED_ELSEWHERE : call->end.reason,
                                  now_ms);
            if (call->state == GH_CALL_CANCELLING)
                gh_call_event(call, GH_ON_REFUSED, now_ms);
        }
    } else if (msg->status >= 300) {
        /* Its body crosses nowhere; that keys came this way is written down. */
        if (msg->body.len)
            gh_neg_mark(&call->neg, GH_REASON_BODY_DROPPED);
        if (call->calls->arrival.gate.verdict == GH_GATE_REFUSE)
            gh_call_record_refuse(call->calls, call->calls->arrival.papers, msg,
                                  call->calls->arrival.gate.reason, GH_SPAN(""));
        on_refusal(call, msg, now_ms);
    } else if (msg->status > 100 && gh_call_can(call, GH_ON_PROVISIONAL)) {
        take_claim(b, msg);
        if (call->calls->arrival.gate.verdict == GH_GATE_REFUSE)
            gh_call_record_refuse(call->calls, call->calls->arrival.papers, msg,
                                  call->calls->arrival.gate.reason, GH_SPAN(""));
        gh_call_event(call, GH_ON_PROVISIONAL, now_ms);
        if (call->state == GH_CALL_RINGING)
            gh_call_relay_provisional(call, msg, now_ms);
    }
}

static void on_invite_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct gh_call *call = gh_txn_user(txn);
    struct gh_leg *b = &call->leg[GH_SIDE_B];

    (void)arg;
    if (txn != b->invite)
        return;
    b->invite = NULL;
    if (why == GH_TXN_DONE)
        return;
    if (call->state == GH_CALL_CANCELLING) {
        gh_call_event(call, GH_ON_REFUSED, now_ms);
    } else if (call->state == GH_CALL_CALLING || call->state == GH_CALL_RINGING) {
        call->end.reason = why == GH_TXN_TIMEOUT ? GH_REASON_NO_ANSWER : GH_REASON_CONNECTION_LOST;
        gh_call_event(call, gh_call_more(call) ? GH_ON_NEXT : GH_ON_REFUSED, now_ms);
    }
}

const struct gh_txn_client gh_call_invite_client = { .response = on_response, .ended = on_invite_ended };
