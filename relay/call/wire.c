/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between trunks and transactions: what arrives is judged before anything sees it, what leaves is
 * judged by the connection that will carry it, and a leg's record follows its keys to whatever
 * connection they take.
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

/* A message that waits for a connection: a final response whose connection went away. */
struct gh_late {
    TAILQ_ENTRY(gh_late) link;
    struct gh_calls *calls;
    gh_trunk_id trunk;
    uint64_t call;                  /* whose leg it is about; 0: none's */
    int side;
    struct gh_buf octets;
    unsigned carriers;
    struct gh_want *want;
};

/* The gate on departure: what the octets carry against what the connection is worth, at this
 * moment. */
static int send_gated(struct gh_calls *calls, struct gh_papers *papers, struct gh_buf *octets,
                      unsigned carriers)
{
    const struct gh_config_trunk *trunk =
        gh_config_trunk_by_id(calls->config, papers->standing.trunk);
    struct gh_gate gate =
        gh_policy_gate(papers->standing.signalling, carriers,
                       trunk ? trunk->rules.unproven_fingerprint : GH_UNPROVEN_REFUSE);

    if (gate.verdict == GH_GATE_REFUSE) {
        gh_log(GH_LOG_ERROR, "call", "gate.departure", "trunk=%s conn=%llu reason=%s",
               trunk ? trunk->rules.name : "-", (unsigned long long)papers->conn,
               gh_reason_name(gate.reason));
        gh_buf_fini(octets);
        return GH_EAUTH;
    }
    return gh_trunk_send(calls->trunks, papers, octets);
}

/* A request that gets no transaction: the table is full, or it leaves no room for an answer
 * (513). */
static void refuse_stateless(struct gh_calls *calls, struct gh_papers *papers,
                             const struct gh_sip_msg *msg, int err)
{
    enum gh_reason reason = err == GH_ELIMIT ? GH_REASON_MESSAGE_TOO_LARGE : GH_REASON_OVERLOAD;
    struct gh_span detail =
        err == GH_ELIMIT ? GH_SPAN("no room is left for an answer") : GH_SPAN("");
    struct gh_buf octets = { 0 };

    gh_call_record_refuse(calls, papers, msg, reason, detail);
    /* It repeats headers of the request, so it could carry a key back. */
    if (!gh_refusal_build(&octets, msg, calls->config->node_name, reason, detail))
        send_gated(calls, papers, &octets,
                   gh_sip_text_carries(gh_buf_span(&octets)) ? GH_CARRY_SECRET : 0);
    gh_buf_fini(&octets);
}

void gh_call_on_message(void *arg, struct gh_papers *papers, struct gh_sip_msg *msg)
{
    struct gh_calls *calls = arg;
    int err;

    calls->arrival = gh_call_judge(calls, papers, msg);
    calls->arrival.wall_us = gh_wall_us();
    if (calls->arrival.gate.verdict == GH_GATE_REFUSE &&
        (calls->arrival.carriers & GH_CARRY_SECRET))
        gh_call_expose(calls, papers->standing.trunk, msg,
                       gh_span_of(msg->octets, msg->octets_len));
    err = gh_txns_receive(calls->txns, papers->standing.trunk, papers->conn, true, msg,
                          gh_loop_now_ms(calls->loop));
    if (err && msg->request && msg->method != GH_SIP_ACK)
        refuse_stateless(calls, papers, msg, err);
    /* Whatever became of it: absorbed as a repetition, stray, a CANCEL, an ACK to a refusal. */
    if (calls->arrival.gate.verdict == GH_GATE_REFUSE && !calls->arrival.recorded)
        gh_call_record_refuse(calls, papers, msg, calls->arrival.gate.reason, GH_SPAN(""));
    calls->arrival = (struct gh_arrival){ 0 };
    gh_sip_msg_unref(msg);
}

void gh_call_on_lost(void *arg, struct gh_papers *papers)
{
    struct gh_calls *calls = arg;

    gh_txns_conn_lost(calls->txns, papers->conn, gh_loop_now_ms(calls->loop));
}

void gh_call_on_ready(void *arg, struct gh_papers *papers)
{
    struct gh_calls *calls = arg;

    gh_txns_conn_up(calls->txns, papers->standing.trunk, papers->conn);
}

struct gh_papers *gh_call_way(struct gh_calls *calls, gh_trunk_id trunk, uint64_t conn)
{
    struct gh_papers *papers = gh_trunk_live(calls->trunks, trunk, conn);

    return papers ? papers : gh_trunk_live_any(calls->trunks, trunk);
}

/*
 * Keys of a leg go over @papers' connection, at first or again: it is the leg's then, with its
 * marks.
 * @return false: the leg is gone, or the route does not take what is weak about the connection
 */
static bool may_carry(struct gh_leg *leg, struct gh_papers *papers)
{
    enum gh_reason reason =
        leg ? gh_policy_require(&leg->call->route->require, GH_GRADE_PASS_THROUGH,
                                papers->standing.marks, papers->standing.mark_count)
            : GH_REASON_NO_DIALOG;

    if (reason == GH_REASON_NONE)
        gh_call_papers(leg, papers);
    else
        gh_log(GH_LOG_WARN, "call", "keys.kept", "call=%s conn=%llu reason=%s",
               leg ? leg->call->id : "-", (unsigned long long)papers->conn, gh_reason_name(reason));
    return reason == GH_REASON_NONE;
}

static int send_for(struct gh_calls *calls, struct gh_leg *leg, struct gh_papers *papers,
                    struct gh_buf *octets, unsigned carriers)
{
    if ((carriers & GH_CARRY_SECRET) && !may_carry(leg, papers)) {
        gh_buf_fini(octets);
        return GH_EAUTH;
    }
    return send_gated(calls, papers, octets, carriers);
}

/* ---- answers that come late ------------------------------------------------------------------ */

static void late_free(struct gh_late *late)
{
    gh_trunk_unwant(late->calls->trunks, late->want);
    TAILQ_REMOVE(&late->calls->late, late, link);
    gh_buf_fini(&late->octets);
    free(late);
}

void gh_call_late_free(struct gh_calls *calls)
{
    struct gh_late *late;

    while ((late = TAILQ_FIRST(&calls->late)))
        late_free(late);
}

static void on_late_connection(void *arg, struct gh_papers *papers, int destination,
                               enum gh_reason reason)
{
    struct gh_late *late = arg;
    struct gh_call *call = gh_call_by_number(late->calls, late->call);

    (void)destination;
    (void)reason;
    late->want = NULL;
    if (papers && !late->call)
        send_gated(late->calls, papers, &late->octets, late->carriers);
    else if (papers)
        send_for(late->calls, call ? &call->leg[late->side] : NULL, papers, &late->octets,
                 late->carriers);
    late_free(late);
}

/* RFC 3261 section 18.2.2: a response whose connection is gone goes over a new one, admitted like
 * any other. */
static int send_late(struct gh_calls *calls, const struct gh_leg *leg, gh_trunk_id trunk,
                     struct gh_buf *octets, unsigned carriers)
{
    struct gh_late *late = calloc(1, sizeof(*late));

    if (!late) {
        gh_buf_fini(octets);
        return GH_ENOMEM;
    }
    *late =
        (struct gh_late){ .calls = calls, .trunk = trunk, .carriers = carriers, .octets = *octets };
    if (leg) {
        late->call = leg->call->number;
        late->side = leg->side;
    }
    *octets = (struct gh_buf){ 0 };
    TAILQ_INSERT_TAIL(&calls->late, late, link);
    if (gh_trunk_want(calls->trunks, trunk, 0, on_late_connection, late, &late->want)) {
        late->want = NULL;
        late_free(late);
        return GH_ENOMEM;
    }
    return 0;
}

int gh_call_send(void *arg, struct gh_txn *txn, struct gh_buf *octets, unsigned carriers)
{
    struct gh_calls *calls = arg;
    gh_trunk_id trunk = gh_txn_trunk(txn);
    struct gh_papers *papers = gh_call_way(calls, trunk, gh_txn_conn(txn));
    struct gh_leg *leg = gh_txn_user(txn);

    /* An answer of no call repeats headers of its request, and nothing of ours. */
    if (papers && !leg && gh_txn_is_server(txn))
        return send_gated(calls, papers, octets, carriers);
    if (papers)
        return send_for(calls, leg, papers, octets, carriers);
    if (gh_txn_is_server(txn) && gh_txn_state(txn) >= GH_TXN_COMPLETED && !calls->closed &&
        gh_trunk_has_more(calls->trunks, trunk, 0))
        return send_late(calls, leg, trunk, octets, carriers);
    gh_buf_fini(octets);
    return GH_ECLOSED;
}
