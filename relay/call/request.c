/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that arrive, in the order of the checks: framing and trunk were trunk/'s; here methods
 * and headers (403, 405, 420), the key gate (488, 415), the dialog (481), the route (404, 482,
 * 483), capacity (503).
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

const char gh_call_allow[] = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO";

struct gh_arrival gh_call_judge(struct gh_calls *calls, struct gh_papers *papers,
                                const struct gh_sip_msg *msg)
{
    const struct gh_config_trunk *trunk =
        gh_config_trunk_by_id(calls->config, papers->standing.trunk);
    struct gh_arrival arrival = { .papers = papers };

    arrival.carriers = gh_sip_carriers(msg, &arrival.problem);
    arrival.gate = gh_policy_gate(papers->standing.signalling, arrival.carriers,
                                  trunk ? trunk->rules.unproven_fingerprint : GH_UNPROVEN_REFUSE);
    /* What cannot be looked into is refused for that; keys in a body that is not SDP on every
     * leg. */
    if (arrival.problem == GH_REASON_BODY_OPAQUE || arrival.problem == GH_REASON_KEY_IN_ODD_BODY) {
        arrival.gate.verdict = GH_GATE_REFUSE;
        arrival.gate.reason = arrival.problem;
    }
    return arrival;
}

/* ---- what may come at all -------------------------------------------------------------------- */

/* What CUCM's security profile has a box for, and what the box says. */
static enum gh_reason profile_forbids(const struct gh_config_trunk *trunk,
                                      const struct gh_sip_msg *msg)
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
    case GH_SIP_PRACK:
    case GH_SIP_UPDATE:
    case GH_SIP_INFO:
        return msg->to.tag.len ? GH_REASON_NONE : GH_REASON_NO_DIALOG;
    case GH_SIP_METHOD_OTHER:
        return GH_REASON_METHOD_UNKNOWN;
    default:
        return GH_REASON_METHOD_NOT_ALLOWED;
    }
}

/* RFC 3261 section 8.2.2.3: the one extension that a request may require is that which crosses,
 * 100rel in the INVITE of a call. */
static enum gh_reason extension_refused(const struct gh_sip_msg *msg)
{
    struct gh_sip_values it = gh_sip_values(msg, GH_SIP_HDR_REQUIRE);
    struct gh_span token;

    if (gh_sip_msg_hdr(msg, GH_SIP_HDR_REPLACES, NULL))
        return GH_REASON_BAD_EXTENSION;
    while (gh_sip_values_next(&it, &token)) {
        if (msg->method != GH_SIP_INVITE || msg->to.tag.len ||
            !gh_span_ieq(token, GH_SPAN("100rel")))
            return GH_REASON_BAD_EXTENSION;
    }
    return GH_REASON_NONE;
}

static void refuse(struct gh_calls *calls, struct gh_txn *txn, const struct gh_sip_msg *msg,
                   enum gh_reason reason, struct gh_span detail, uint64_t now_ms)
{
    gh_call_record_refuse(calls, calls->arrival.papers, msg, reason, detail);
    gh_call_refuse(calls, txn, reason, detail, now_ms);
}

/* RFC 3261 section 11.2: as an INVITE would be answered, but for load; capacity.c says why.  Inside a
 * dialog too: a 503 ends none (RFC 5057 section 5.1). */
static void on_options(struct gh_calls *calls, struct gh_txn *txn, const struct gh_sip_msg *msg,
                       uint64_t now_ms)
{
    enum gh_reason reason = gh_call_service(calls);

    if (reason != GH_REASON_NONE)
        refuse(calls, txn, msg, reason, GH_SPAN(""), now_ms);
    else
        gh_call_ok(calls, txn, now_ms);
}

/* ---- inside a dialog ------------------------------------------------------------------------- */

static void on_bye(struct gh_leg *leg, struct gh_txn *txn, const struct gh_sip_msg *msg,
                   uint64_t now_ms)
{
    struct gh_call *call = leg->call;
    struct gh_sip_values it = gh_sip_values(msg, GH_SIP_HDR_REASON);
    struct gh_sip_reason reason;
    struct gh_span value;

    if (gh_sip_values_next(&it, &value) && !gh_sip_reason_parse(value, &reason) &&
        reason.has_cause && !gh_sip_text_carries(msg->head))
        gh_log(GH_LOG_INFO, "call", "bye.reason", "call=%s side=%c protocol=%s cause=%u text=%s",
               call->id, 'a' + leg->side, gh_log_quote(reason.protocol).text, reason.cause,
               gh_log_quote(reason.text).text);
    /* The first BYE ended this side's dialog; and the called side may not end an early one (RFC
     * 3261 section 15). */
    if (leg->said_bye || (!call->answer_us && leg->side == GH_SIDE_B)) {
        gh_call_refuse(call->calls, txn, GH_REASON_NO_DIALOG, GH_SPAN(""), now_ms);
        return;
    }
    leg->said_bye = leg->hung_up = true;
    if (call->state >= GH_CALL_ENDING) {
        gh_call_ok(call->calls, txn, now_ms); /* it crossed ours; the record is on disk */
        return;
    }
    if (call->answer_us) {
        leg->bye = txn;
        gh_txn_set_user(txn, leg);
    } else { /* instead of CANCEL; b's final response may take its time, and there is no media to
                account for */
        call->cancelled = true;
        gh_call_ok(call->calls, txn, now_ms);
    }
    gh_call_end(call, leg->side == GH_SIDE_A ? GH_REASON_CALLER_HUNG_UP : GH_REASON_CALLED_HUNG_UP,
                leg->side, now_ms);
}

/* PRACK: which response it is for (RFC 3262 section 3). */
static void on_prack(struct gh_fork *fork, struct gh_txn *txn, struct gh_sip_msg *msg,
                     uint64_t now_ms)
{
    struct gh_calls *calls = fork->call->calls;
    struct gh_rel_origin origin = { 0 };
    enum gh_reason reason = gh_call_relay_ready(fork, GH_SIDE_A, msg);
    int err;

    /* One that must wait acknowledges nothing yet: it comes again. */
    if (reason == GH_REASON_GLARE || reason == GH_REASON_OFFER_UNDER_WAY) {
        gh_call_refuse(calls, txn, reason, GH_SPAN(""), now_ms);
        return;
    }
    err = fork->reliable ? gh_rel_out_prack(fork->reliable, msg, &origin, now_ms) : GH_ENOTFOUND;

    if (err == GH_ESYNTAX)
        gh_call_refuse(calls, txn, GH_REASON_BAD_MESSAGE, GH_SPAN("PRACK without RAck"), now_ms);
    else if (err)
        gh_call_refuse(calls, txn, GH_REASON_NO_DIALOG, GH_SPAN("RAck acknowledges nothing"),
                       now_ms);
    else
        gh_call_relay(fork, GH_SIDE_A, txn, msg, origin.rseq, now_ms);
}

static void on_dialog_request(struct gh_calls *calls, struct gh_txn *txn, struct gh_sip_msg *msg,
                              uint64_t now_ms)
{
    struct gh_dialog *dialog =
        gh_dialogs_of_request(calls->dialogs, calls->arrival.papers->standing.trunk, msg);
    struct gh_leg *leg = dialog ? dialog->user : NULL;
    struct gh_fork *fork = leg ? gh_call_fork_of(leg->call, dialog) : NULL;

    if (!fork) {
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
        on_options(calls, txn, msg, now_ms);
    else if (leg->call->state > GH_CALL_UP || leg->call->state == GH_CALL_CANCELLING)
        gh_call_refuse(calls, txn, GH_REASON_NO_DIALOG, GH_SPAN(""), now_ms);
    else if (msg->method == GH_SIP_PRACK && leg->side == GH_SIDE_A)
        on_prack(fork, txn, msg, now_ms);
    else if (msg->method == GH_SIP_PRACK)
        gh_call_refuse(calls, txn, GH_REASON_NO_DIALOG, GH_SPAN("no reliable response was sent"),
                       now_ms);
    else
        gh_call_relay(fork, leg->side, txn, msg, 0, now_ms);
}

/* ---- a new call ------------------------------------------------------------------------------ */

/* The called number: user part, unescaped, without user parameters (";phone-context=..."). */
static bool called_number(const struct gh_sip_msg *msg, char *number, size_t size)
{
    struct gh_buf buf = { .limit = 256 };
    struct gh_span user = gh_span_head(msg->uri.user, gh_span_find(msg->uri.user, ';'));
    bool good = user.len && !gh_sip_uri_unescape(user, &buf) && buf.len < size &&
                !memchr(buf.p, 0, buf.len);

    if (good) {
        memcpy(number, buf.p, buf.len);
        number[buf.len] = 0;
    }
    gh_buf_fini(&buf);
    return good;
}

/* The same call came back through a neighbour that resets Max-Forwards: same identity, number and
 * trunk. */
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
        /* One that has ended is no hop any more, though its record may still be on its way. */
        if (call->state >= GH_CALL_COUNTING ||
            call->leg[GH_SIDE_A].papers->standing.trunk != calls->arrival.papers->standing.trunk ||
            strcmp(call->to, number) != 0)
            continue;
        if ((id.local.len && gh_span_eq(gh_span_str(call->session_id), id.local)) ||
            (guid.len && gh_span_eq(gh_span_str(call->cisco_guid), guid)))
            seen++;
    }
    return seen >= calls->config->limits.max_hops_same_call;
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
    index = gh_policy_route(calls->config->route_patterns, calls->config->route_count,
                            gh_span_str(number));
    if (index < 0)
        return GH_REASON_NO_ROUTE;
    *route = &calls->config->routes[index];
    if (looped(calls, msg, number))
        return GH_REASON_LOOP_DETECTED;
    return gh_call_capacity(calls, trunk);
}

/* The offer of the INVITE, if it has one (RFC 3261 section 13.2.1: else the answerer makes it). */
static enum gh_reason take_invite(struct gh_call *call, const struct gh_sip_msg *msg)
{
    struct gh_sip_body body = { 0 };
    struct gh_span sdp;
    enum gh_reason reason = gh_call_sdp_of(call, msg, &body, &sdp);

    if (reason == GH_REASON_NONE && sdp.len)
        reason = gh_call_take_offer(call, NULL, GH_SIDE_A, sdp, call->calls->arrival.papers);
    else if (reason == GH_REASON_NONE && body.count)
        reason = GH_REASON_UNSUPPORTED_BODY;
    gh_sip_body_fini(&body);
    return reason;
}

static void on_invite(struct gh_calls *calls, struct gh_txn *txn, struct gh_sip_msg *msg,
                      uint64_t now_ms)
{
    struct gh_papers *papers = calls->arrival.papers;
    const struct gh_config_trunk *trunk =
        gh_config_trunk_by_id(calls->config, papers->standing.trunk);
    const struct gh_config_route *route = NULL;
    struct gh_call *call = NULL;
    char number[65];
    enum gh_reason reason = judge_invite(calls, trunk, msg, number, sizeof(number), &route);

    if (reason == GH_REASON_NONE) {
        call = gh_call_new(calls, txn, msg, papers, trunk, route);
        reason = call ? GH_REASON_NONE : GH_REASON_INTERNAL;
    }
    if (reason == GH_REASON_NONE) {
        memcpy(call->to, number, sizeof(call->to));
        reason = take_invite(call, msg);
    }
    if (reason == GH_REASON_NONE && gh_audit_reserve(calls->audit))
        reason = GH_REASON_AUDIT_BACKLOG;
    if (reason != GH_REASON_NONE) {
        refuse(calls, txn, msg, reason, call ? gh_span_str(call->fault) : GH_SPAN(""), now_ms);
        if (call)
            gh_call_drop(call);
        return;
    }
    call->reserved = true;
    call->delayed = !call->offer;
    /* the call may ring for minutes; its keys are in call->offer alone now */
    gh_sip_msg_wipe_body(msg);
    gh_call_event(call, GH_ON_START, now_ms);
}

/* ---- callbacks of the transactions ----------------------------------------------------------- */

/* What the gate refused inside a call, where a plain refusal would not do (policy: "keys that may
 * not pass"). */
static bool gate_refused(struct gh_calls *calls, struct gh_txn *txn, struct gh_sip_msg *msg,
                         uint64_t now_ms)
{
    struct gh_dialog *dialog =
        gh_dialogs_of_request(calls->dialogs, calls->arrival.papers->standing.trunk, msg);
    struct gh_leg *leg = dialog ? dialog->user : NULL;
    struct gh_fork *fork = leg ? gh_call_fork_of(leg->call, dialog) : NULL;

    /* A PRACK that acknowledges must not fail for its offer: the call ends, and with it what it was
     * for. */
    if (msg->method != GH_SIP_PRACK || !fork || !fork->reliable ||
        gh_rel_out_prack(fork->reliable, msg, NULL, now_ms))
        return false;
    gh_call_prack_zero(leg->call, txn, msg, now_ms);
    if (gh_call_can(leg->call, GH_ON_END))
        gh_call_end(leg->call, calls->arrival.gate.reason, -1, now_ms);
    return true;
}

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
        if (gate_refused(calls, txn, msg, now_ms))
            return;
        /* A BYE's body crosses nowhere, and a call must be able to end. */
        if (msg->method != GH_SIP_BYE)
            reason = calls->arrival.gate.reason;
    }
    if (reason == GH_REASON_NONE && msg->method != GH_SIP_BYE)
        reason = extension;
    if (reason != GH_REASON_NONE)
        refuse(calls, txn, msg, reason, GH_SPAN(""), now_ms);
    else if (msg->to.tag.len || msg->method == GH_SIP_BYE)
        on_dialog_request(calls, txn, msg, now_ms);
    else if (msg->method == GH_SIP_OPTIONS)
        on_options(calls, txn, msg, now_ms);
    else
        on_invite(calls, txn, msg, now_ms);
}

/* The answer to the offer of our 2xx. */
static enum gh_reason take_ack(struct gh_fork *fork, const struct gh_sip_msg *msg)
{
    struct gh_call *call = fork->call;
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    struct gh_sip_body body = { 0 };
    struct gh_span sdp;
    enum gh_reason reason = gh_call_sdp_of(call, msg, &body, &sdp);

    if (reason == GH_REASON_NONE && !sdp.len)
        reason = GH_REASON_ANSWER_MISSING;
    gh_call_judge_way(b, b->invite);
    if (reason == GH_REASON_NONE)
        reason = gh_call_answer_across(fork, msg, sdp, &fork->answer);
    gh_sip_body_fini(&body);
    return reason;
}

void gh_call_on_ack(void *arg, uint32_t trunk, uint64_t conn, struct gh_sip_msg *msg,
                    uint64_t now_ms)
{
    struct gh_calls *calls = arg;
    struct gh_dialog *dialog = gh_dialogs_of_request(calls->dialogs, trunk, msg);
    struct gh_leg *leg = dialog ? dialog->user : NULL;
    struct gh_call *call = leg ? leg->call : NULL;
    enum gh_reason reason = GH_REASON_NONE;

    if (!call)
        return; /* an ACK has no answer */
    leg->conn = conn;
    gh_call_take_said(leg, msg);
    if (gh_call_relay_ack(call, leg->side, msg, now_ms) || leg->side != GH_SIDE_A ||
        msg->cseq != leg->invite_cseq)
        return;
    if (leg->invite)
        gh_txn_acked(leg->invite);
    /* Keys in an ACK on a leg that fails the gate end the call, whether or not an answer was due
     * there. */
    if (calls->arrival.gate.verdict == GH_GATE_REFUSE)
        reason = calls->arrival.gate.reason;
    else if (call->state == GH_CALL_ANSWERED && call->fork->answer_in_ack)
        reason = take_ack(call->fork, msg);
    if (reason != GH_REASON_NONE)
        gh_call_end(call, reason, -1, now_ms);
    else
        gh_call_event(call, GH_ON_ACK, now_ms);
}

void gh_call_on_cancelled(void *arg, struct gh_txn *invite, struct gh_sip_msg *cancel,
                          uint64_t now_ms)
{
    struct gh_leg *leg = gh_txn_user(invite);
    struct gh_call *call = leg ? leg->call : NULL;

    (void)arg;
    (void)cancel; /* its body, if it has one, goes nowhere */
    if (!call || gh_call_relay_cancel(call, invite, now_ms) || !gh_call_can(call, GH_ON_CANCEL))
        return;
    call->cancelled = true;
    call->end.reason = GH_REASON_CANCELLED;
    call->end.by = GH_SIDE_A;
    gh_call_event(call, GH_ON_CANCEL, now_ms);
}

void gh_call_on_server_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct gh_leg *leg = gh_txn_user(txn);
    struct gh_call *call = leg ? leg->call : NULL;

    (void)arg;
    if (!call || gh_call_relay_server_ended(call, txn, why, now_ms))
        return;
    if (call->leg[GH_SIDE_A].invite == txn) {
        gh_call_reliable_final(call);
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
