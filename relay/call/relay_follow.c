/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows a request that crossed a call: the ACK to its 2xx, with the answer if the 2xx had
 * the offer; CANCEL; the end of the transaction, or of the call.
 */
#include <stdlib.h>

#include "call/call_int.h"

/* ---- an ACK with keys may leave again -------------------------------------------------------- */

static void kept_free(struct gh_relay *relay, uint64_t now_ms)
{
    if (relay->client)
        gh_txn_detach(relay->client, now_ms);
    TAILQ_REMOVE(&relay->call->kept, relay, link);
    relay->call->kept_count--;
    free(relay);
}

/* The 2xx may come again, over another connection even, and its ACK with the answer follows there:
 * the leg is told. */
static void keep(struct gh_relay *relay, uint64_t now_ms)
{
    struct gh_call *call = relay->call;

    if (relay->server)
        gh_txn_detach(relay->server, now_ms);
    relay->server = NULL;
    TAILQ_REMOVE(&call->relays, relay, link);
    call->relay_count--;
    TAILQ_INSERT_TAIL(&call->kept, relay, link);
    if (++call->kept_count > GH_CALL_KEPT_MAX)
        kept_free(TAILQ_FIRST(&call->kept), now_ms);
}

void gh_call_relay_kept_ended(struct gh_call *call, const struct gh_txn *client, uint64_t now_ms)
{
    struct gh_relay *relay;

    TAILQ_FOREACH (relay, &call->kept, link) {
        if (relay->client != client)
            continue;
        relay->client = NULL;
        kept_free(relay, now_ms);
        return;
    }
}

/* ---- ACK, CANCEL, the end -------------------------------------------------------------------- */

bool gh_call_relay_ack(struct gh_call *call, int from, const struct gh_sip_msg *msg,
                       uint64_t now_ms)
{
    enum gh_reason reason = GH_REASON_NONE;
    struct gh_sip_body body = { 0 };
    struct gh_sdp *answer = NULL;
    struct gh_relay *relay;
    struct gh_span sdp;

    TAILQ_FOREACH (relay, &call->relays, link) {
        if (relay->method == GH_SIP_INVITE && relay->from == from && relay->cseq == msg->cseq)
            break;
    }
    if (!relay)
        return false;
    if (!relay->answered)
        return true;
    if (relay->server)
        gh_txn_acked(relay->server);
    if (call->calls->arrival.gate.verdict == GH_GATE_REFUSE) {
        reason = call->calls->arrival.gate.reason;
    } else if (!relay->offers) {
        gh_call_judge_way(gh_relay_far_leg(relay), relay->client);
        reason = gh_call_sdp_of(call, msg, &body, &sdp);
        if (reason == GH_REASON_NONE && !sdp.len)
            reason = GH_REASON_ANSWER_MISSING;
        if (reason == GH_REASON_NONE)
            reason = gh_call_answer_across(relay->fork, msg, sdp, &answer);
    }
    if (reason != GH_REASON_NONE && !answer)
        answer = gh_call_zero_answer(relay->fork);
    gh_call_send_ack(gh_relay_far_leg(relay)->trunk, relay->client, relay->fork->dialog[!from],
                     answer);
    gh_sdp_free(answer);
    gh_sip_body_fini(&body);
    if (reason == GH_REASON_NONE && !relay->offers)
        gh_call_record_rekey(call);
    if (reason != GH_REASON_NONE)
        gh_call_drop_offer(relay->fork);
    if (reason == GH_REASON_NONE && !relay->offers)
        keep(relay, now_ms);
    else
        gh_relay_free(relay, now_ms);
    if (reason != GH_REASON_NONE)
        gh_call_end(call, reason, -1, now_ms);
    return true;
}

bool gh_call_relay_cancel(struct gh_call *call, struct gh_txn *invite, uint64_t now_ms)
{
    struct gh_relay *relay;

    TAILQ_FOREACH (relay, &call->relays, link) {
        if (relay->server != invite)
            continue;
        /* The other side decides: 487, or a 2xx that was faster.  Either is relayed. */
        if (relay->client)
            gh_txn_cancel(relay->client, GH_SPAN(""), now_ms);
        else
            gh_relay_fail(relay, GH_REASON_CANCELLED, now_ms);
        return true;
    }
    return false;
}

bool gh_call_relay_server_ended(struct gh_call *call, struct gh_txn *txn, enum gh_txn_end why,
                                uint64_t now_ms)
{
    struct gh_relay *relay;

    TAILQ_FOREACH (relay, &call->relays, link) {
        if (relay->server == txn)
            break;
    }
    if (!relay)
        return false;
    relay->server = NULL;
    if (!relay->answered)
        return true;
    if (why == GH_TXN_DONE)
        return true;
    /* The 2xx to the asker was never acknowledged (RFC 3261 section 14.2): the session ends with
     * BYE. */
    gh_call_end(call, why == GH_TXN_NO_ACK ? GH_REASON_ACK_TIMEOUT : GH_REASON_CONNECTION_LOST, -1,
                now_ms);
    return true;
}

void gh_call_relays_end(struct gh_call *call, const struct gh_fork *fork, uint64_t now_ms)
{
    struct gh_relay *relay, *next;

    for (relay = TAILQ_FIRST(&call->relays); relay; relay = next) {
        next = TAILQ_NEXT(relay, link);
        if (fork && relay->fork != fork)
            continue;
        /* RFC 3261 section 13.2.2.4: a 2xx is acknowledged, whatever became of the call. */
        if (relay->answered && relay->client) {
            struct gh_sdp *zero = relay->offers ? NULL : gh_call_zero_answer(relay->fork);

            gh_call_send_ack(gh_relay_far_leg(relay)->trunk, relay->client,
                             relay->fork->dialog[!relay->from], zero);
            gh_sdp_free(zero);
        }
        /* section 15.1.2: 487 to what is pending */
        gh_relay_refuse(relay, GH_REASON_CANCELLED, now_ms);
        gh_relay_free(relay, now_ms);
    }
    while (!fork && !TAILQ_EMPTY(&call->kept))
        kept_free(TAILQ_FIRST(&call->kept), now_ms);
}
