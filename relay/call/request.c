/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that arrive, in the order of the checks: framing and trunk were trunk/'s; here methods and headers
 * (403, 405, 420), the key gate (488, 415), the dialog (481), the route (404, 482, 483), capacity (503).
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

const char gh_call_allow[] = "INVITE, ACK, CANCEL, BYE, OPTIONS";

struct gh_arrival gh_call_judge(struct gh_calls *calls, struct gh_papers *papers, const struct gh_sip_msg *msg)
{
    const struct gh_config_trunk *trunk = gh_config_trunk_by_id(calls->config, papers->standing.trunk);
    struct gh_arrival arrival = { .papers = papers };

    arrival.carriers = gh_sip_carriers(msg, &arrival.problem);
    arrival.gate = gh_policy_gate(papers->standing.signalling, arrival.carriers,
                                  trunk ? trunk->rules.unproven_fingerprint : GH_UNPROVEN_REFUSE);
    /* What cannot be looked into is refused for that; keys in a body that is not SDP on every leg. */
    if (arrival.problem == GH_REASON_BODY_OPAQUE || arrival.problem == GH_REASON_KEY_IN_ODD_BODY) {
        arrival.gate.verdict = GH_GATE_REFUSE;
        arrival.gate.reason = arrival.problem;
    }
    return arrival;
}

/* ---- what may come at all ---------------------------------------------------------------------------- */

/* What CUCM's security profile has a box for, and what the box says. */
static enum gh_reason profile_forbids(const struct gh_config_trunk *trunk, const struct gh_sip_msg *msg)
{
    const struct gh_config_profile *profile = trunk->profile;
    bool in_dialog = msg->to.tag.len != 0;

    if (msg->method == GH_SIP_SUBSCRIBE && !in_dialog && !profile->accept_presence_subscription)
        return GH_REASON_METHOD_FORBIDDEN;
    if (msg->method == GH_SIP_REFER && !in_dialog && !profile->accept_out_of_dialog_refer)
        return GH_REASON_METHOD_FORBIDDEN;
    if (msg->method == GH_SIP_NOTIFY && !in_dialog && !profile->accept_unsolicited_notification)
        return GH_REASON_METHOD_FORBIDDEN;
    if (gh_sip_msg_hdr(msg, GH_SIP_HDR_REPLACES, NULL) && !profile->accept_replaces_header)
        return GH_REASON_REPLACES_FORBIDDEN;
    return GH_REASON_NONE;
}

static enum gh_reason method_refused(const struct gh_sip_msg *msg)
{
    switch (msg->method) {
    case GH_SIP_INVITE:
    case GH_SIP_BYE:
    case GH_SIP_OPTIONS:
        return GH_REASON_NONE;
    case GH_SIP_METHOD_OTHER:
        return GH_REASON_METHOD_UNKNOWN;
    default:
        return GH_REASON_METHOD_NOT_ALLOWED;
    }
}

/* RFC 3261 section 8.2.2.3: we support no extension that a request may require. */
static enum gh_reason extension_refused(const struct gh_sip_msg *msg)
{
    if (gh_sip_msg_hdr(msg, GH_SIP_HDR_REQUIRE, NULL) || gh_sip_msg_hdr(msg, GH_SIP_HDR_REPLACES, NULL))
        return GH_REASON_BAD_EXTENSION;
    return GH_REASON_NONE;
}

static void refuse(struct gh_calls *calls, struct gh_txn *txn, const struct gh_sip_msg *msg,
                   enum gh_reason reason, struct gh_span detail, uint64_t now_ms)
{
    gh_call_record_refuse(calls, calls->arrival.papers, msg, reason, detail);
    gh_call_refuse(calls, txn, reason, detail, now_ms);
}

/* ---- inside a dialog --------------------------------------------------------------------------------- */

static void on_bye(struct gh_leg *leg, struct gh_txn *txn, const struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_call *call = leg->call;
    struct gh_sip_values it = gh_sip_values(msg, GH_SIP_HDR_REASON);
    struct gh_sip_reason reason;
    struct gh_span value;

    if (gh_sip_values_next(&it, &value) && !gh_sip_reason_parse(value, &reason) && reason.has_cause &&
        !gh_sip_text_carries(msg->head))
        gh_log(GH_LOG_INFO, "call", "bye.reason", "call=%s side=%c protocol=%s cause=%u text=%s", call->id,
               'a' + leg->side, gh_log_quote(reason.protocol).text, reason.cause,
               gh_log_quote(reason.text).text);
    if (call->state >= GH_CALL_ENDING || leg->hung_up) {
        gh_call_ok(call->calls, txn, now_ms);
        leg->hung_up = true;
        return;
    }
    leg->hung_up = true;
    leg->bye = txn;
    gh_txn_set_user(txn, call);
    gh_call_end(call, leg->side == GH_SIDE_A ? GH_REASON_CALLER_HUNG_UP : GH_REASON_CALLED_HUNG_UP, leg->side,
                now_ms);
}

static void on_dialog_request(struct gh_calls *calls, struct gh_txn *txn, const struct gh_sip_msg *msg,
                              uint64_t now_ms)
{
    struct gh_dialog *dialog = gh_dialogs_of_request(calls->dialogs, calls->arrival.papers->standing.trunk, msg);
    struct gh_leg *leg = dialog ? dialog->user : NULL;

    if (!leg) {
        gh_call_refuse(calls, txn, GH_REASON_NO_DIALOG, GH_SPAN(""), now_ms);
        return;
    }
    /* RFC 3261 section 12.2.2: such a request MUST be rejected with a 500. */
    if (gh_dialog_request_in(dialog, msg)) {
        gh_call_refuse(calls, txn, GH_REASON_OUT_OF_ORDER, GH_SPAN(""), now_ms);
        return;
    }
    leg->conn = gh_txn_conn(txn);
    if (msg->method == GH_SIP_BYE)
        on_bye(leg, txn, msg, now_ms);
    else if (msg->method == GH_SIP_OPTIONS)
        gh_call_ok(calls, txn, now_ms);
    else
        refuse(calls, txn, msg, GH_REASON_REOFFER_NOT_RELAYED, GH_SPAN(""), now_ms);
}

/* ---- a new call --------------------------------------------------------------------------------------- */

/* The called number: user part, unescaped, without user parameters (";phone-context=..."). */
static bool called_number(const struct gh_sip_msg *msg, char *number, size_t size)
{
    struct gh_buf buf = { .limit = 256 };
    struct gh_span user = gh_span_head(msg->uri.user, gh_span_find(msg->uri.user, ';'));
    bool good = user.len && !gh_sip_uri_unescape(user, &buf) && buf.len < size && !memchr(buf.p, 0, buf.len);

    if (good) {
        memcpy(number, buf.p, buf.len);
        number[buf.len] = 0;
    }
    gh_buf_fini(&buf);
    return good;
}

/* The same call came back through a neighbour that resets Max-Forwards: same identity, number and trunk. */
static bool looped(struct gh_calls *calls, const struct gh_sip_msg *msg, const char *number)
{
    struct gh_span session = gh_sip_msg_value(msg, GH_SIP_HDR_SESSION_ID);
    struct gh_span guid = gh_sip_msg_value(msg, GH_SIP_HDR_CISCO_GUID);
    struct gh_sip_session_id id = { 0 };
    struct gh_call *call;
    uint32_t seen = 0;

    if (session.len && gh_sip_session_id_parse(session, &id))
        id.local = GH_SPAN("");
    if (!id.local.len && !guid.len)
        return false;
    TAILQ_FOREACH (call, &calls->list, link) {
        if (call->leg[GH_SIDE_A].papers->standing.trunk != calls->arrival.papers->standing.trunk ||
            strcmp(call->to, number) != 0)
            continue;
        if ((id.local.len && gh_span_eq(gh_span_str(call->session_id), id.local)) ||
            (guid.len && gh_span_eq(gh_span_str(call->cisco_guid), guid)))
            seen++;
    }
    return seen >= calls->config->limits.max_hops_same_call;
}

static enum gh_reason capacity(struct gh_calls *calls, const struct gh_config_trunk *trunk)
{
    if (calls->stopping)
        return GH_REASON_SHUTTING_DOWN;
    if (!calls->config->audit.on_error_continue && gh_audit_error(calls->audit))
        return GH_REASON_AUDIT_FAILED;
    if (gh_audit_backlogged(calls->audit))
        return GH_REASON_AUDIT_BACKLOG;
    if (calls->config->limits.max_calls && calls->count >= calls->config->limits.max_calls)
        return GH_REASON_TOO_MANY_CALLS;
    return gh_call_admit(calls, trunk);
}

/* Checks of a new INVITE from the route on.  @route written when the result is NONE */
static enum gh_reason judge_invite(struct gh_calls *calls, const struct gh_config_trunk *trunk,
                                   const struct gh_sip_msg *msg, char *number, size_t size,
                                   const struct gh_config_route **route)
{
    int index;

    if (msg->max_forwards == 0)
        return GH_REASON_TOO_MANY_HOPS;
    /* RFC 5630 section 3.1.1: what came as sips: came over TLS that is worth the name. */
    if (msg->uri.scheme == GH_SIP_SCHEME_SIPS &&
        calls->arrival.papers->standing.signalling != GH_SIG_TLS_VERIFIED)
        return GH_REASON_SIPS_DOWNGRADE;
    if (!called_number(msg, number, size))
        return GH_REASON_NO_ROUTE;
    index = gh_policy_route(calls->config->route_patterns, calls->config->route_count, gh_span_str(number));
    if (index < 0)
        return GH_REASON_NO_ROUTE;
    *route = &calls->config->routes[index];
    if (looped(calls, msg, number))
        return GH_REASON_LOOP_DETECTED;
    return capacity(calls, trunk);
}

static void on_invite(struct gh_calls *calls, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_papers *papers = calls->arrival.papers;
    const struct gh_config_trunk *trunk = gh_config_trunk_by_id(calls->config, papers->standing.trunk);
    const struct gh_config_route *route = NULL;
    struct gh_sip_body body = { 0 };
    const struct gh_sip_part *sdp;
    enum gh_reason reason = GH_REASON_NONE;
    struct gh_call *call = NULL;
    struct gh_neg_leg leg;
    char number[65];

    reason = judge_invite(calls, trunk, msg, number, sizeof(number), &route);
    if (reason != GH_REASON_NONE)
        goto refused;
    reason = gh_sip_body_parse(&body, msg) ? GH_REASON_INTERNAL : GH_REASON_NONE;
    if (reason != GH_REASON_NONE)
        goto refused;
    sdp = gh_sip_body_sdp(&body, &reason);
    if (reason == GH_REASON_NONE && !sdp)
        reason = body.count ? GH_REASON_UNSUPPORTED_BODY : GH_REASON_OFFER_MISSING;
    if (reason != GH_REASON_NONE)
        goto refused;
    call = gh_call_new(calls, txn, msg, papers, trunk, route);
    if (!call) {
        reason = GH_REASON_INTERNAL;
        goto refused;
    }
    memcpy(call->to, number, sizeof(call->to));
    leg = gh_call_neg_leg(&call->leg[GH_SIDE_A]);
    reason = gh_neg_offer_in(&call->neg, gh_buf_span(&sdp->octets), &leg, &calls->config->media.address);
    if (reason == GH_REASON_NONE && gh_audit_reserve(calls->audit))
        reason = GH_REASON_AUDIT_BACKLOG;
    if (reason != GH_REASON_NONE)
        goto refused;
    call->reserved = true;
    gh_sip_msg_wipe_body(msg); /* the call may ring for minutes; its keys are in call->neg alone now */
    if (body.count > 1) /* parts beside the session description do not cross in this version */
        gh_neg_mark(&call->neg, GH_REASON_BODY_DROPPED);
    gh_sip_body_fini(&body);
    gh_call_event(call, GH_ON_START, now_ms);
    return;

refused:
    refuse(calls, txn, msg, reason, call ? gh_span_str(call->neg.fault) : GH_SPAN(""), now_ms);
    gh_sip_body_fini(&body);
    if (call)
        gh_call_drop(call);
}

/* ---- callbacks of the transactions ---------------------------------------------------------------------- */

void gh_call_on_request(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_calls *calls = arg;
    const struct gh_config_trunk *trunk =
        gh_config_trunk_by_id(calls->config, calls->arrival.papers->standing.trunk);
    enum gh_reason reason = trunk ? profile_forbids(trunk, msg) : GH_REASON_TRUNK_GONE;
    enum gh_reason extension = extension_refused(msg);

    if (reason == GH_REASON_NONE)
        reason = method_refused(msg);
    /* The gate speaks before "not relayed", so that keys on a bad path are always named as such. */
    if (calls->arrival.gate.verdict == GH_GATE_REFUSE && reason != GH_REASON_METHOD_FORBIDDEN &&
        reason != GH_REASON_REPLACES_FORBIDDEN) {
        /* A BYE's body crosses nowhere, and a call must be able to end. */
        if (msg->method == GH_SIP_BYE)
            gh_call_record_refuse(calls, calls->arrival.papers, msg, calls->arrival.gate.reason, GH_SPAN(""));
        else
            reason = calls->arrival.gate.reason;
    }
    if (reason == GH_REASON_NONE && msg->method != GH_SIP_BYE)
        reason = extension;
    if (reason != GH_REASON_NONE)
        refuse(calls, txn, msg, reason, GH_SPAN(""), now_ms);
    else if (msg->to.tag.len || msg->method == GH_SIP_BYE)
        on_dialog_request(calls, txn, msg, now_ms);
    else if (msg->method == GH_SIP_OPTIONS)
        gh_call_ok(calls, txn, now_ms);
    else
        on_invite(calls, txn, msg, now_ms);
}

void gh_call_on_ack(void *arg, uint32_t trunk, uint64_t conn, struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_calls *calls = arg;
    struct gh_dialog *dialog = gh_dialogs_of_request(calls->dialogs, trunk, msg);
    struct gh_leg *leg = dialog ? dialog->user : NULL;
    struct gh_call *call = leg ? leg->call : NULL;

    if (!call || leg->side != GH_SIDE_A)
        return; /* an ACK has no answer */
    leg->conn = conn;
    if (leg->invite)
        gh_txn_acked(leg->invite);
    /* Keys in an ACK that answers nothing: the offer was in the INVITE.  On a leg that fails the gate they end the call. */
    if (calls->arrival.gate.verdict == GH_GATE_REFUSE) {
        gh_call_record_refuse(calls, calls->arrival.papers, msg, calls->arrival.gate.reason, GH_SPAN(""));
        gh_call_end(call, calls->arrival.gate.reason, -1, now_ms);
        return;
    }
    gh_call_event(call, GH_ON_ACK, now_ms);
}

void gh_call_on_cancelled(void *arg, struct gh_txn *invite, struct gh_sip_msg *cancel, uint64_t now_ms)
{
    struct gh_call *call = gh_txn_user(invite);

    (void)arg;
    (void)cancel; /* its body, if it has one, goes nowhere */
    if (!call || !gh_call_can(call, GH_ON_CANCEL))
        return;
    call->cancelled = true;
    call->end.reason = GH_REASON_CANCELLED;
    call->end.by = GH_SIDE_A;
    gh_call_event(call, GH_ON_CANCEL, now_ms);
}

void gh_call_on_server_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct gh_call *call = gh_txn_user(txn);

    (void)arg;
    if (!call)
        return;
    if (call->leg[GH_SIDE_A].invite == txn) {
        call->leg[GH_SIDE_A].invite = NULL;
        if (why == GH_TXN_NO_ACK && call->state == GH_CALL_ANSWERED) {
            call->end.reason = GH_REASON_ACK_TIMEOUT;
            call->end.by = -1;
            gh_call_event(call, GH_ON_NO_ACK, now_ms);
        } else if (why == GH_TXN_NOT_SENT && gh_call_can(call, GH_ON_END)) {
            gh_call_end(call, GH_REASON_CONNECTION_LOST, -1, now_ms);
        }
    }
    for (int side = 0; side < 2; side++) {
        if (call->leg[side].bye == txn)
            call->leg[side].bye = NULL;
    }
}
