/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What side b answers to the INVITE: provisional responses with early media or an early offer,
 * reliable ones (RFC 3262), the 2xx, refusals.
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"
#include "crypto/hash.h"

/* ---- SDP of a response ----------------------------------------------------------------------- */

/* b's answer.  The same again gives the same answer of ours; another one in the place of a preview
 * is taken anew. */
static enum gh_reason take_answer(struct gh_fork *fork, const struct gh_sip_msg *msg,
                                  struct gh_span sdp)
{
    struct gh_sdp *answer = NULL;
    enum gh_reason reason;
    uint8_t hash[32];

    if (gh_sha256(sdp.p, sdp.len, hash))
        return GH_REASON_INTERNAL;
    if (fork->answer && memcmp(hash, fork->answer_hash, sizeof(hash)) == 0) {
        if (fork->call->heard == fork)
            return GH_REASON_NONE;
        /* Another fork was heard in between: the media comes back to this one. */
        reason = gh_call_media_start(fork);
        gh_call_graded_set(fork->call);
        return reason;
    }
    reason = gh_call_answer_across(fork, msg, sdp, &answer);
    if (reason != GH_REASON_NONE) {
        gh_call_drop_offer(fork);
        return reason;
    }
    gh_sdp_free(fork->answer);
    fork->answer = answer;
    memcpy(fork->answer_hash, hash, sizeof(hash));
    return GH_REASON_NONE;
}

/*
 * What the SDP of a response means where it stands (RFC 6337 section 2.2).  What a gets is
 * fork->answer; @crosses says whether it does.
 */
static enum gh_reason take_sdp(struct gh_fork *fork, const struct gh_sip_msg *msg, bool reliable,
                               bool *crosses)
{
    struct gh_call *call = fork->call;
    struct gh_sip_body body = { 0 };
    enum gh_reason reason;
    struct gh_span sdp;

    *crosses = false;
    gh_call_judge_way(&call->leg[GH_SIDE_A], call->leg[GH_SIDE_A].invite);
    reason = gh_call_sdp_of(call, msg, &body, &sdp);
    if (reason == GH_REASON_NONE && sdp.len && !fork->settled && !fork->pending) {
        if (call->offer)
            reason = take_answer(fork, msg, sdp);
        else if (reliable && (msg->status >= 200 || call->reliable_a))
            /* reliable 1xx, 2xx */
            reason = gh_call_offer_across(fork, GH_SIDE_B, sdp, &fork->answer);
        else
            /* RFC 3262 section 5: no place for an offer */
            gh_marks_add(&call->marks, GH_REASON_BODY_DROPPED);
        *crosses = reason == GH_REASON_NONE && fork->answer;
        fork->settled = *crosses && call->offer && reliable;
    } else if (reason == GH_REASON_NONE && !sdp.len && body.count) {
        gh_marks_add(&call->marks, GH_REASON_BODY_DROPPED);
    }
    gh_sip_body_fini(&body);
    return reason;
}

/* To a response that ends the call: SDP in it that is an offer must be answered all the same. */
static struct gh_sdp *zero_answer(struct gh_fork *fork, const struct gh_sip_msg *msg)
{
    if (fork->pending && !gh_call_relay_offers(fork))
        return gh_call_zero_answer(fork);
    return fork->call->offer || fork->settled ? NULL
                                              : gh_call_zero_answer_to(fork->call, GH_SIDE_B, msg);
}

/* ---- provisional ----------------------------------------------------------------------------- */

/* The call cannot go on: b is cancelled, a told. */
static void give_up(struct gh_call *call, struct gh_fork *fork, const struct gh_sip_msg *msg,
                    bool reliable, uint32_t rseq, enum gh_reason reason, uint64_t now_ms)
{
    if (reliable && fork) {
        struct gh_sdp *zero = zero_answer(fork, msg);

        gh_call_prack_end(fork, rseq, zero, now_ms);
        gh_sdp_free(zero);
    }
    gh_call_end(call, reason, -1, now_ms);
}

static void relay_provisional(struct gh_call *call, struct gh_fork *fork,
                              const struct gh_sip_msg *msg, bool reliable, uint32_t rseq,
                              const struct gh_sdp *sdp, uint64_t now_ms)
{
    gh_call_event(call, GH_ON_PROVISIONAL, now_ms);
    if (call->state != GH_CALL_RINGING)
        return;
    if (reliable && fork && call->reliable_a)
        gh_call_relay_reliable(fork, msg, rseq, sdp, now_ms);
    else
        gh_call_relay_provisional(call, fork, msg, sdp, now_ms);
}

static void on_provisional(struct gh_call *call, struct gh_sip_msg *msg, uint64_t now_ms)
{
    const struct gh_gate *gate = &call->calls->arrival.gate;
    enum gh_reason reason = GH_REASON_NONE;
    bool crosses = false, reliable;
    enum gh_rel_arrival arrival;
    struct gh_fork *fork;
    uint32_t rseq = 0;

    if (!gh_call_can(call, GH_ON_PROVISIONAL))
        return;
    arrival = gh_rel_in_take(&call->reliable, msg, &rseq);
    if (arrival == GH_REL_AGAIN || arrival == GH_REL_DISCARD)
        return;
    reliable = arrival == GH_REL_NEW;
    if (call->state == GH_CALL_CANCELLING)
        return; /* nobody asks for it any more */
    fork = gh_call_fork(call, msg);
    gh_call_take_said(&call->leg[GH_SIDE_B], msg);
    if (gate->verdict == GH_GATE_REFUSE && reliable)
        reason = gate->reason;
    else if (gate->verdict != GH_GATE_REFUSE && fork)
        reason = take_sdp(fork, msg, reliable, &crosses);
    if (reason == GH_REASON_NONE && !crosses && msg->body.len)
        gh_marks_add(&call->marks, GH_REASON_BODY_DROPPED);
    if (reason != GH_REASON_NONE)
        give_up(call, fork, msg, reliable, rseq, reason, now_ms);
    else
        relay_provisional(call, fork, msg, reliable, rseq, crosses ? fork->answer : NULL, now_ms);
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* What the 2xx carries to a: fork->answer, or nothing.  @crosses  written on success */
static enum gh_reason take_2xx(struct gh_fork *fork, const struct gh_sip_msg *msg, bool *crosses)
{
    struct gh_call *call = fork->call;
    enum gh_reason reason;

    if (call->calls->arrival.gate.verdict == GH_GATE_REFUSE)
        return call->calls->arrival.gate.reason;
    /* RFC 3262 section 5: the 2xx comes after the PRACK that answers the offer.  Else nobody would
     * answer it. */
    if (fork->pending && !gh_call_relay_offers(fork)) {
        snprintf(call->fault, sizeof(call->fault), "the 2xx came before its offer was answered");
        return GH_REASON_ANSWER_MISSING;
    }
    if (fork->settled) {
        /* All was said in reliable responses; what the 2xx says is the same again (RFC 6337
         * section 2.2). */
        *crosses = false;
        return GH_REASON_NONE;
    }
    reason = take_sdp(fork, msg, true, crosses);
    if (reason != GH_REASON_NONE || *crosses)
        return reason;
    /* It was in a 183 already, and some leave it out then. */
    *crosses = fork->answer && call->offer;
    if (*crosses)
        return GH_REASON_NONE;
    snprintf(call->fault, sizeof(call->fault), "the 2xx has no SDP");
    return GH_REASON_BAD_SDP;
}

/* A 2xx that cannot be taken: ACK and BYE to b, a refusal to a. */
static void reject(struct gh_call *call, struct gh_fork *fork, struct gh_txn *txn,
                   struct gh_sip_msg *msg, enum gh_reason reason, uint64_t now_ms)
{
    struct gh_sdp *zero = fork ? zero_answer(fork, msg) : NULL;

    gh_call_reject_answer(call->calls, call->leg[GH_SIDE_B].trunk, txn, msg, zero, reason, now_ms);
    gh_sdp_free(zero);
    call->end.reason = reason;
    gh_call_event(call, GH_ON_REFUSED, now_ms);
}

/* The INVITE is answered: its offer has done its duty. */
static void offer_done(struct gh_call *call)
{
    struct gh_neg *offer = call->offer;

    call->offer = NULL;
    if (!offer)
        return;
    gh_call_media_trim(call, offer, NULL);
    gh_neg_free(offer);
}

static void on_answer(struct gh_call *call, struct gh_txn *txn, struct gh_sip_msg *msg,
                      uint64_t now_ms)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A], *b = &call->leg[GH_SIDE_B];
    struct gh_fork *fork = gh_call_fork(call, msg);
    enum gh_reason reason = GH_REASON_BAD_MESSAGE;
    bool crosses = false, elsewhere;

    gh_call_take_said(b, msg);
    if (fork)
        reason = take_2xx(fork, msg, &crosses);
    elsewhere = fork && call->heard != fork;
    /* Another fork spoke last before this one answered, and is still there: what it alone has falls
     * silent.  Or all were silent for so long that nobody looks any more. */
    if (reason == GH_REASON_NONE && (elsewhere || call->silent_early) && fork->neg)
        reason = gh_call_media_start(fork);
    else if (reason == GH_REASON_NONE && elsewhere) /* a's answer to its offer is still to come */
        gh_call_media_mute(call);
    if (reason == GH_REASON_NONE && gh_call_fork_confirm(fork, msg))
        reason = GH_REASON_BAD_MESSAGE;
    if (reason != GH_REASON_NONE) {
        reject(call, fork, txn, msg, reason, now_ms);
        return;
    }
    call->answer_us = gh_call_wall_us(call->calls);
    call->answer_ms = now_ms;
    call->shown_due = true;
    call->media_record_ms = now_ms + GH_CALL_MEDIA_RECORD_MS;
    call->heard = fork;
    offer_done(call);
    gh_timeline_answered(&call->line, call->answer_us);
    gh_call_graded_set(call);
    gh_call_event(call, GH_ON_ANSWER, now_ms);
    if (gh_call_respond(call, a->invite, GH_SIDE_A, fork->tag, msg, crosses ? fork->answer : NULL,
                        now_ms))
        gh_call_end(call, GH_REASON_CONNECTION_LOST, -1, now_ms);
    gh_call_reliable_final(call);
    gh_sdp_free(fork->answer);
    fork->answer = NULL;
    fork->answer_in_ack = crosses && fork->pending;
    fork->settled = !fork->answer_in_ack;
    gh_sip_msg_unref(call->request);
    call->request = NULL;
    gh_call_record_leg(b);
}

/* ---- refusals -------------------------------------------------------------------------------- */

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

static void on_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                        uint64_t now_ms)
{
    struct gh_leg *b = gh_txn_user(txn);
    struct gh_call *call = b->call;

    (void)arg;
    if (txn != b->invite)
        return;
    b->conn = conn;
    if (msg->status < 200) {
        if (msg->status > 100)
            on_provisional(call, msg, now_ms);
    } else if (msg->status >= 300) {
        /* Its body crosses nowhere. */
        if (msg->body.len)
            gh_marks_add(&call->marks, GH_REASON_BODY_DROPPED);
        on_refusal(call, msg, now_ms);
    } else if (gh_call_can(call, GH_ON_ANSWER)) {
        on_answer(call, txn, msg, now_ms);
    } else {
        /* After CANCEL (RFC 3261 section 9.1), or from a second fork. */
        struct gh_sdp *zero = call->delayed ? gh_call_zero_answer_to(call, GH_SIDE_B, msg) : NULL;

        gh_call_reject_answer(call->calls, b->trunk, txn, msg, zero,
                              call->answer_us ? GH_REASON_ANSWERED_ELSEWHERE : call->end.reason,
                              now_ms);
        gh_sdp_free(zero);
        if (call->state == GH_CALL_CANCELLING)
            gh_call_event(call, GH_ON_REFUSED, now_ms);
    }
}

static void on_invite_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct gh_leg *b = gh_txn_user(txn);
    struct gh_call *call = b->call;

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

const struct gh_txn_client gh_call_invite_client = { .response = on_response,
                                                     .ended = on_invite_ended };
