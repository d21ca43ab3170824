/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server transactions: RFC 3261 section 17.2, INVITE as corrected by RFC 6026 section 7.1.
 *
 *   INVITE      Trying --100--> Proceeding --2xx--> Accepted --L--> end
 *                                   |  300-699
 *                                   v
 *                               Completed --ACK--> Confirmed --I--> end      H in Completed: no ACK
 *
 *   other       Trying --1xx--> Proceeding --200-699--> Completed --J--> end
 *
 * Our 2xx is repeated here and not by its user (RFC 3261 section 13.3.1.4): the timers and the
 * octets are here.
 */
#include "sip/txn_int.h"

#include <stdlib.h>

#include "sip/out.h"
#include "sip/text_int.h"

static bool has_final(const struct gh_txn *txn)
{
    return txn->state != GH_TXN_TRYING && txn->state != GH_TXN_PROCEEDING;
}

/* Built and sent by ourselves: 100, and the answers to CANCEL. */
static int respond_plain(struct gh_txn *txn, int status, const char *to_tag, uint64_t now_ms)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };
    char drawn[GH_SIP_TAG_SIZE] = "";
    int err = to_tag || status == 100 ? 0 : gh_sip_draw_tag(drawn);

    if (err)
        return err;
    gh_sip_out_reply(&out, txn->request, status, GH_SPAN(""), gh_span_str(to_tag ? to_tag : drawn));
    err = gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets);
    return err ? err : gh_txn_respond(txn, &octets, now_ms);
}

/* Nobody will answer any more, so we do.  Whatever fails on the way, the transaction ends. */
static void give_up(struct gh_txn *txn, int status, const char *to_tag, uint64_t now_ms)
{
    (void)respond_plain(txn, status, to_tag, now_ms);
    if (has_final(txn))
        return;
    txn->state = GH_TXN_TERMINATED;
    gh_txn_forget_last(txn);
    gh_txn_again_at(txn, GH_TXN_NEVER);
    gh_txn_end_at(txn, now_ms, GH_TXN_NOT_SENT);
}

void gh_txn_server_request(struct gh_txns *txns, struct gh_txn *txn, struct gh_sip_msg *msg,
                           uint64_t now_ms)
{
    txns->handlers.request(txns->handlers.arg, txn, msg, now_ms);
    /* Its user tried to answer and could not, or forgot: it must not stay for ever. */
    if (!has_final(txn) && !txn->user && !txn->detached) {
        give_up(txn, 500, txn->to_tag, now_ms);
        return;
    }
    /* RFC 3261 section 17.2.1: 100 at once, as nobody knows whether an answer takes less than 200
     * ms. */
    if (txn->method == GH_SIP_INVITE && txn->state == GH_TXN_TRYING)
        (void)respond_plain(txn, 100, NULL, now_ms);
}

void gh_txn_server_again(struct gh_txn *txn, uint64_t conn)
{
    /* The peer may have connected anew. */
    txn->conn = conn;
    /* RFC 6026 section 7.1: in Accepted it is absorbed; the 2xx has timers of its own. */
    if ((txn->state == GH_TXN_PROCEEDING || txn->state == GH_TXN_COMPLETED) && txn->last.len)
        (void)gh_txn_send_copy(txn, &txn->last, txn->last_carriers);
}

void gh_txn_server_ack(struct gh_txn *txn, uint64_t conn, struct gh_sip_msg *msg, uint64_t now_ms)
{
    const struct gh_txn_handlers *handlers = &txn->txns->handlers;

    switch (txn->state) {
    case GH_TXN_COMPLETED:
        txn->state = GH_TXN_CONFIRMED;
        gh_txn_again_at(txn, GH_TXN_NEVER);
        gh_txn_forget_last(txn);
        gh_txn_end_at(txn, txn->reliable ? now_ms : now_ms + GH_TXN_T4_MS,
                      GH_TXN_DONE); /* timer I */
        break;
    case GH_TXN_ACCEPTED:
        /* A peer that puts the INVITE's branch into the ACK to a 2xx, against RFC 3261 section
         * 13.2.2.4. */
        handlers->ack(handlers->arg, txn->trunk, conn, msg, now_ms);
        break;
    default:
        txn->txns->counters.absorbed++;
    }
}

/* RFC 3261 section 9.2 */
void gh_txn_server_cancel(struct gh_txn *cancel, struct gh_txn *invite, struct gh_sip_msg *msg,
                          uint64_t now_ms)
{
    const struct gh_txn_handlers *handlers = &cancel->txns->handlers;
    bool tell;

    cancel->detached = true;
    /* The INVITE's request is gone once it has its final response: then CANCEL has no effect. */
    if (invite && invite->request &&
        (!gh_span_eq(invite->request->call_id, msg->call_id) ||
         invite->request->cseq != msg->cseq ||
         !gh_span_eq(invite->request->from.tag, msg->from.tag)))
        invite = NULL;
    tell = invite && !has_final(invite) && !invite->detached;
    give_up(cancel, invite ? 200 : 481, invite ? invite->to_tag : NULL, now_ms);
    if (tell)
        handlers->cancelled(handlers->arg, invite, msg, now_ms);
}

/* G and the 2xx: T1 doubling to T2. */
void gh_txn_server_timer(struct gh_txn *txn, uint64_t now_ms)
{
    if (txn->last.len == 0)
        return;
    txn->interval_ms = txn->interval_ms * 2 < GH_TXN_T2_MS ? txn->interval_ms * 2 : GH_TXN_T2_MS;
    gh_txn_again_at(txn, now_ms + txn->interval_ms);
    (void)gh_txn_send_copy(txn, &txn->last, txn->last_carriers);
}

static void start_repeating(struct gh_txn *txn, uint64_t now_ms)
{
    txn->interval_ms = GH_TXN_T1_MS;
    gh_txn_again_at(txn, now_ms + GH_TXN_T1_MS);
}

/* State and timers for a final response; it is in `last`. */
static void enter_final(struct gh_txn *txn, int status, uint64_t now_ms)
{
    gh_sip_msg_unref(txn->request);
    txn->request = NULL;
    if (txn->method == GH_SIP_INVITE && status < 300) {
        txn->state = GH_TXN_ACCEPTED;
        start_repeating(txn, now_ms);
        gh_txn_end_at(txn, now_ms + GH_TXN_TIMEOUT_MS, GH_TXN_NO_ACK); /* timer L */
    } else if (txn->method == GH_SIP_INVITE) {
        txn->state = GH_TXN_COMPLETED;
        if (!txn->reliable)
            start_repeating(txn, now_ms);                              /* timer G */
        gh_txn_end_at(txn, now_ms + GH_TXN_TIMEOUT_MS, GH_TXN_NO_ACK); /* timer H */
    } else {
        txn->state = GH_TXN_COMPLETED;
        gh_txn_end_at(txn, txn->reliable ? now_ms : now_ms + GH_TXN_TIMEOUT_MS,
                      GH_TXN_DONE); /* timer J */
    }
}

bool gh_txn_fits(const struct gh_txn *txn, const struct gh_sip_msg *msg)
{
    return !msg->request && gh_span_eq(msg->via.branch, txn->branch) &&
           gh_span_eq(msg->method_text, txn->method_name) && msg->cseq == txn->request->cseq &&
           gh_span_eq(msg->call_id, txn->request->call_id);
}

/*
 * A stream loses nothing, so there an answer is asked for again only by a peer that connected
 * anew: what a flood of refused requests may keep has a bound.  Not a 2xx to INVITE: we repeat it
 * until its ACK comes (RFC 3261 section 13.3.1.4).
 */
static bool worth_keeping(const struct gh_txn *txn)
{
    return !txn->reliable || txn->state == GH_TXN_ACCEPTED ||
           txn->share->octets <= txn->txns->limits.max_octets_per_trunk / 2;
}

int gh_txn_respond(struct gh_txn *txn, struct gh_buf *octets, uint64_t now_ms)
{
    const struct gh_txn_handlers *handlers = &txn->txns->handlers;
    struct gh_sip_msg *msg = NULL;
    unsigned carriers;
    char *tag = NULL;
    int status, err = GH_ESTATE;

    if (!txn->server || has_final(txn) || !txn->request)
        goto out;
    err = gh_sip_msg_parse(&msg, gh_buf_span(octets), GH_SIP_STREAM, NULL);
    if (err == 0 && !gh_txn_fits(txn, msg))
        err = GH_EINVAL;
    if (err == 0)
        err = gh_txn_judge(msg, &carriers);
    if (err)
        goto out;
    status = msg->status;
    tag = gh_text_dup(msg->to.tag);
    err = tag ? gh_txn_keep_last(txn, gh_buf_span(octets), carriers) : GH_ENOMEM;
    if (err)
        goto out;
    if (*tag) {
        free(txn->to_tag);
        txn->to_tag = tag;
        tag = NULL;
    }
    if (status < 200)
        txn->state = GH_TXN_PROCEEDING;
    else
        enter_final(txn, status, now_ms);
    gh_txn_weigh(txn);
    if (!worth_keeping(txn))
        gh_txn_forget_last(txn);
    err = handlers->send(handlers->arg, txn, octets, carriers);
    if (err && status >= 200) {
        gh_txn_again_at(txn, GH_TXN_NEVER);
        gh_txn_end_at(txn, now_ms, GH_TXN_NOT_SENT);
    }
out:
    free(tag);
    gh_buf_fini(octets);
    gh_sip_msg_unref(msg);
    return err;
}

void gh_txn_acked(struct gh_txn *txn)
{
    if (!txn->server || txn->state != GH_TXN_ACCEPTED || txn->acked)
        return;
    txn->acked = true;
    gh_txn_again_at(txn, GH_TXN_NEVER);
    gh_txn_forget_last(txn);
    gh_txn_end_at(txn, txn->end.due_ms, GH_TXN_DONE);
}

void gh_txn_detach(struct gh_txn *txn, uint64_t now_ms)
{
    txn->detached = true;
    txn->user = NULL;
    if (txn->state == GH_TXN_TERMINATED)
        return;
    if (txn->server && !has_final(txn))
        give_up(txn, 500, txn->to_tag, now_ms);
    else if (!txn->server && txn->method == GH_SIP_INVITE && !has_final(txn))
        (void)gh_txn_cancel(txn, GH_SPAN(""), now_ms);
}
