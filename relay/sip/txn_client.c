/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client transactions: RFC 3261 section 17.1, INVITE as corrected by RFC 6026 section 7.2.
 *
 *   INVITE      Trying --1xx--> Proceeding --2xx--> Accepted --M--> end
 *                 | B: timeout      |  300-699: ACK
 *                 v                 v
 *                end            Completed --D--> end
 *
 *   other       Trying --1xx--> Proceeding --200-699--> Completed --K--> end
 *                                                               F in the first two: timeout
 */
#include "sip/txn_int.h"

#include <stdlib.h>

#include "sip/out.h"
#include "sip/text_int.h"

static bool has_final(const struct gh_txn *txn)
{
    return txn->state != GH_TXN_TRYING && txn->state != GH_TXN_PROCEEDING;
}

/* ---- requests that follow from an INVITE ---- */

/* Its headers behind the Via: @to is the To value. */
static void out_rest(struct gh_sip_out *out, const struct gh_sip_msg *request, const char *method,
                     struct gh_span to)
{
    const struct gh_sip_hdr *route = NULL;

    gh_sip_out_hdr(out, "Max-Forwards", GH_SPAN("70"));
    while ((route = gh_sip_msg_hdr(request, GH_SIP_HDR_ROUTE, route)) != NULL)
        gh_sip_out_copy(out, route);
    gh_sip_out_hdr(out, "From", gh_sip_msg_value(request, GH_SIP_HDR_FROM));
    gh_sip_out_hdr(out, "To", to);
    gh_sip_out_hdr(out, "Call-ID", request->call_id);
    gh_sip_out_hdr_fmt(out, "CSeq", "%u %s", request->cseq, method);
}

/* ACK to a final response that is not 2xx (section 17.1.1.3), and CANCEL (section 9.1). */
static int build_follower(const struct gh_txn *txn, const char *method, struct gh_span to,
                          struct gh_span reason, struct gh_buf *octets)
{
    const struct gh_sip_msg *request = txn->request;
    struct gh_sip_out out = { 0 };

    gh_sip_out_request(&out, gh_span_str(method), request->uri.text);
    gh_sip_out_hdr(&out, "Via", gh_sip_msg_value(request, GH_SIP_HDR_VIA));
    out_rest(&out, request, method, to);
    if (reason.len)
        gh_sip_out_hdr(&out, "Reason", reason);
    return gh_sip_out_finish(&out, NULL, GH_SPAN(""), octets);
}

/* The ACK is kept in `last`: the same final response again gets it again. */
static void send_ack(struct gh_txn *txn, const struct gh_sip_msg *response)
{
    struct gh_buf octets = { 0 };

    gh_txn_forget_last(txn);
    if (build_follower(txn, "ACK", gh_sip_msg_value(response, GH_SIP_HDR_TO), GH_SPAN(""),
                       &octets) == 0 &&
        gh_txn_keep_last(txn, gh_buf_span(&octets), 0) == 0)
        (void)gh_txn_send_copy(txn, &txn->last, 0);
    gh_buf_fini(&octets);
}

/* ---- the request after a 2xx ---- */

/* Of these a dialog is made, or without them no INVITE is read. */
static bool is_needed(enum gh_sip_hdr_id id)
{
    return id == GH_SIP_HDR_VIA || id == GH_SIP_HDR_FROM || id == GH_SIP_HDR_TO ||
           id == GH_SIP_HDR_CALL_ID || id == GH_SIP_HDR_CSEQ || id == GH_SIP_HDR_CONTACT;
}

/* The start line and the headers needed, as they stand there, as a message of their own. */
static int keep_needed(struct gh_txn_kept *kept, const struct gh_sip_msg *request)
{
    struct gh_buf text = { 0 };
    int err;

    gh_buf_add(&text, gh_span_head(request->head, gh_span_find(request->head, '\n') + 1));
    for (size_t i = 0; i < request->hdr_count; i++) {
        const struct gh_sip_hdr *hdr = &request->hdrs[i];

        if (!is_needed(hdr->id))
            continue;
        gh_buf_add(&text, hdr->name);
        gh_buf_str(&text, ":");
        gh_buf_add(&text, hdr->value);
        gh_buf_str(&text, "\r\n");
    }
    gh_buf_str(&text, "Content-Length:0\r\n\r\n");
    err = text.err ? text.err : gh_txn_keep(kept, gh_buf_span(&text));
    gh_buf_fini(&text);
    return err;
}

void gh_txn_fold(struct gh_txn *txn)
{
    if (txn->server || txn->state != GH_TXN_ACCEPTED || !txn->request)
        return;
    if (!txn->folded.p && keep_needed(&txn->folded, txn->request))
        return;
    gh_sip_msg_unref(txn->request);
    txn->request = NULL;
    gh_txn_weigh(txn);
}

int gh_txn_unfold(struct gh_txn *txn)
{
    int err;

    if (txn->request || !txn->folded.p)
        return 0;
    err = gh_sip_msg_parse(&txn->request, gh_span_of(txn->folded.p, txn->folded.len),
                           GH_SIP_STREAM, NULL);
    if (err) {
        gh_sip_msg_unref(txn->request);
        txn->request = NULL;
    }
    gh_txn_weigh(txn);
    return err;
}

/* ---- responses ---- */

static void stop_waiting(struct gh_txn *txn, uint64_t conn)
{
    if (txn->reliable && conn)
        txn->conn = conn;
    if (!txn->waiting)
        return;
    txn->waiting = false;
    gh_txn_end_at(txn, txn->end_before_wait_ms, GH_TXN_TIMEOUT);
}

static int send_cancel(struct gh_txn *txn, uint64_t now_ms);

static void tell(struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn, uint64_t now_ms)
{
    if (!txn->detached)
        txn->client.response(txn->client.arg, txn, msg, conn, now_ms);
}

static void take_provisional(struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                             uint64_t now_ms)
{
    bool first = txn->state == GH_TXN_TRYING;

    txn->state = GH_TXN_PROCEEDING;
    if (txn->method == GH_SIP_INVITE) {
        gh_txn_again_at(txn, GH_TXN_NEVER);
        gh_txn_forget_last(txn);
        /* Timer B is over; how long a phone may ring is the user's rule (timer C). */
        if (first)
            gh_txn_end_at(txn, GH_TXN_NEVER, GH_TXN_TIMEOUT);
        if (txn->cancel_wanted && !txn->cancel_sent)
            (void)send_cancel(txn, now_ms);
    } else if (!txn->reliable) {
        txn->interval_ms = GH_TXN_T2_MS; /* section 17.1.2.2: timer E at T2 */
    }
    tell(txn, msg, conn, now_ms);
}

/* Where requests of the dialog go now (RFC 3261 section 12.2.1.2).  With a route set, where the
 * INVITE went: whether its Request-URI is the target or the first router, its Routes do not tell. */
static struct gh_span target_of(const struct gh_sip_msg *request, const struct gh_sip_msg *response)
{
    const struct gh_sip_uri *uri = &response->contact.uri;

    if (!response->has_contact || response->contact.star || uri->host.len == 0 ||
        gh_sip_msg_hdr(request, GH_SIP_HDR_ROUTE, NULL) ||
        (request->uri.scheme == GH_SIP_SCHEME_SIPS && uri->scheme != GH_SIP_SCHEME_SIPS))
        return request->uri.text;
    return gh_sip_uri_strip(uri);
}

/* Section 13.2.2.4 goes for a re-INVITE as well: its 2xx is acknowledged although the session is
 * over and its user gone.  An answer is due to nobody.  (The 2xx to an INVITE outside a dialog makes
 * one, which is its user's to end.) */
static void ack_for_nobody(struct gh_txn *txn, const struct gh_sip_msg *response)
{
    const struct gh_sip_msg *request = txn->request;
    char branch[GH_SIP_BRANCH_SIZE], transport[8];
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    if (!request || !request->to.tag.len || gh_sip_draw_branch(branch))
        return;
    snprintf(transport, sizeof(transport), "%.*s", GH_SPAN_FMT(request->via.transport));
    gh_sip_out_request(&out, GH_SPAN("ACK"), target_of(request, response));
    gh_sip_out_via(&out, transport, request->via.host, request->via.port, gh_span_str(branch));
    out_rest(&out, request, "ACK", gh_sip_msg_value(response, GH_SIP_HDR_TO));
    if (gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets) == 0)
        (void)gh_txn_ack_2xx(txn, &octets);
    gh_buf_fini(&octets);
}

static struct gh_txn_fork *find_fork(struct gh_txn *txn, struct gh_span to_tag)
{
    struct gh_txn_fork *fork = txn->forks;

    while (fork && !gh_span_eq(to_tag, gh_span_str(fork->to_tag)))
        fork = fork->next;
    return fork;
}

static int add_fork(struct gh_txn *txn, struct gh_span to_tag)
{
    struct gh_txn_fork *fork;
    size_t count = 0;

    for (fork = txn->forks; fork; fork = fork->next)
        count++;
    if (count == GH_TXN_FORKS_MAX)
        return GH_EFULL;
    fork = calloc(1, sizeof(*fork) + to_tag.len + 1);
    if (!fork)
        return GH_ENOMEM;
    if (to_tag.len)
        memcpy(fork->to_tag, to_tag.p, to_tag.len);
    fork->next = txn->forks;
    txn->forks = fork;
    gh_txn_weigh(txn);
    return 0;
}

static void take_2xx(struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn, uint64_t now_ms)
{
    struct gh_txn_fork *fork = find_fork(txn, msg->to.tag);

    if (fork) {
        txn->txns->counters.absorbed++;
        if (fork->ack.len)
            (void)gh_txn_send_copy(txn, &fork->ack, fork->carriers);
        return;
    }
    if (add_fork(txn, msg->to.tag)) {
        txn->txns->counters.stray_responses++;
        return;
    }
    if (txn->state != GH_TXN_ACCEPTED) {
        txn->state = GH_TXN_ACCEPTED;
        gh_txn_again_at(txn, GH_TXN_NEVER);
        gh_txn_forget_last(txn);
        gh_txn_end_at(txn, now_ms + GH_TXN_TIMEOUT_MS, GH_TXN_DONE); /* timer M */
    }
    if (txn->detached)
        ack_for_nobody(txn, msg);
    else
        tell(txn, msg, conn, now_ms);
}

/* A final response, not a 2xx to INVITE; the first one. */
static void take_final(struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn, uint64_t now_ms)
{
    uint64_t linger_ms =
        txn->method == GH_SIP_INVITE ? GH_TXN_D_MS : GH_TXN_T4_MS; /* timers D and K */

    txn->state = GH_TXN_COMPLETED;
    gh_txn_again_at(txn, GH_TXN_NEVER);
    gh_txn_forget_last(txn);
    if (txn->method == GH_SIP_INVITE)
        send_ack(txn, msg);
    gh_txn_end_at(txn, txn->reliable ? now_ms : now_ms + linger_ms, GH_TXN_DONE);
    tell(txn, msg, conn, now_ms);
}

void gh_txn_client_response(struct gh_txn *txn, uint64_t conn, struct gh_sip_msg *msg,
                            uint64_t now_ms)
{
    bool success = msg->status >= 200 && msg->status < 300;

    if (txn->state == GH_TXN_TERMINATED) {
        txn->txns->counters.stray_responses++;
        return;
    }
    stop_waiting(txn, conn);
    if (txn->method == GH_SIP_INVITE && success && txn->state != GH_TXN_COMPLETED) {
        take_2xx(txn, msg, conn, now_ms);
    } else if (!has_final(txn)) {
        if (msg->status < 200)
            take_provisional(txn, msg, conn, now_ms);
        else
            take_final(txn, msg, conn, now_ms);
    } else {
        txn->txns->counters.absorbed++;
        if (txn->state == GH_TXN_COMPLETED && txn->method == GH_SIP_INVITE && msg->status >= 300 &&
            txn->last.len)
            (void)gh_txn_send_copy(txn, &txn->last, 0);
    }
}

/* A doubles without bound (until B ends it), E doubles to T2. */
void gh_txn_client_timer(struct gh_txn *txn, uint64_t now_ms)
{
    if (has_final(txn) || txn->last.len == 0)
        return;
    if (txn->state == GH_TXN_TRYING)
        txn->interval_ms *= 2;
    if (txn->method != GH_SIP_INVITE && txn->interval_ms > GH_TXN_T2_MS)
        txn->interval_ms = GH_TXN_T2_MS;
    gh_txn_again_at(txn, now_ms + txn->interval_ms);
    (void)gh_txn_send_copy(txn, &txn->last, txn->last_carriers);
}

/* ---- from the user ---- */

/* @msg  parsed from @octets, whose owner is the caller */
static int start(struct gh_txn *txn, struct gh_buf *octets, struct gh_sip_msg *msg, uint64_t now_ms)
{
    const struct gh_txn_handlers *handlers = &txn->txns->handlers;
    unsigned carriers;
    int err = gh_txn_judge(msg, &carriers);

    if (err)
        return err;
    gh_sip_msg_wipe_body(msg);
    txn->cseq = msg->cseq;
    txn->request = gh_sip_msg_ref(msg);
    gh_txn_weigh(txn);
    gh_txn_end_at(txn, now_ms + GH_TXN_TIMEOUT_MS, GH_TXN_TIMEOUT); /* timers B and F */
    if (!txn->reliable) {
        err = gh_txn_keep_last(txn, gh_buf_span(octets), carriers);
        if (err)
            return err;
        txn->interval_ms = GH_TXN_T1_MS;
        gh_txn_again_at(txn, now_ms + GH_TXN_T1_MS); /* timers A and E */
    }
    return handlers->send(handlers->arg, txn, octets, carriers);
}

int gh_txn_client_new(struct gh_txn **out, struct gh_txns *txns, uint32_t trunk, uint64_t conn,
                      bool reliable, struct gh_buf *octets, const struct gh_txn_client *client,
                      void *user, uint64_t now_ms)
{
    struct gh_txn_key key = { .trunk = trunk };
    struct gh_sip_msg *msg = NULL;
    struct gh_txn *txn = NULL;
    int err = GH_EINVAL;

    if (trunk == 0)
        goto out;
    err = gh_sip_msg_parse(&msg, gh_buf_span(octets), GH_SIP_STREAM, NULL);
    if (err == 0 && (!msg->request || msg->method == GH_SIP_ACK || msg->via_count != 1))
        err = GH_EINVAL;
    if (err)
        goto out;
    key.via = msg->via;
    key.method = msg->method_text;
    err = gh_txn_create(&txn, txns, &key);
    if (err)
        goto out;
    txn->conn = conn;
    txn->reliable = reliable;
    txn->user = user;
    txn->detached = !client;
    if (client)
        txn->client = *client;
    err = start(txn, octets, msg, now_ms);
    if (err)
        goto out;
    *out = txn;
    txn = NULL;
out:
    if (txn)
        gh_txn_destroy(txn);
    gh_sip_msg_unref(msg);
    gh_buf_fini(octets);
    return err == GH_ELIMIT ? GH_ESYNTAX : err;
}

static int send_cancel(struct gh_txn *txn, uint64_t now_ms)
{
    struct gh_span reason =
        txn->cancel_reason ? gh_span_str(txn->cancel_reason) : GH_SPAN("");
    struct gh_buf octets = { 0 };
    struct gh_txn *cancel;
    int err;

    txn->cancel_sent = true;
    /* Section 9.1: when no final response comes in 64*T1 the INVITE is considered cancelled.  Set
     * first, so that it ends also when no CANCEL can be written. */
    if (txn->waiting)
        txn->end_before_wait_ms = now_ms + GH_TXN_TIMEOUT_MS;
    else
        gh_txn_end_at(txn, now_ms + GH_TXN_TIMEOUT_MS, GH_TXN_TIMEOUT);
    err = build_follower(txn, "CANCEL", gh_sip_msg_value(txn->request, GH_SIP_HDR_TO), reason,
                         &octets);
    return err ? err : gh_txn_client_new(&cancel, txn->txns, txn->trunk, txn->conn, txn->reliable,
                                         &octets, NULL, txn->user, now_ms);
}

int gh_txn_cancel(struct gh_txn *txn, struct gh_span reason, uint64_t now_ms)
{
    if (txn->server || txn->method != GH_SIP_INVITE || has_final(txn))
        return GH_ESTATE;
    if (txn->cancel_wanted)
        return 0;
    /* Without memory for the reason it is cancelled without one. */
    txn->cancel_reason = reason.len ? gh_text_dup(reason) : NULL;
    gh_txn_weigh(txn);
    txn->cancel_wanted = true;
    return txn->state == GH_TXN_PROCEEDING ? send_cancel(txn, now_ms) : 0;
}

/* Does @ack belong to the INVITE @txn?  @return 0, GH_EINVAL or GH_ENOMEM */
static int check_ack(struct gh_txn *txn, const struct gh_sip_msg *ack)
{
    bool was_folded = !txn->request; /* else we are inside `response`, whose user looks at it */
    int err = gh_txn_unfold(txn);

    if (err)
        return err;
    if (ack->cseq != txn->cseq || !gh_span_eq(ack->call_id, txn->request->call_id))
        err = GH_EINVAL;
    if (was_folded)
        gh_txn_fold(txn);
    return err;
}

int gh_txn_ack_2xx(struct gh_txn *txn, struct gh_buf *ack)
{
    const struct gh_txn_handlers *handlers = &txn->txns->handlers;
    struct gh_sip_msg *msg = NULL;
    struct gh_txn_fork *fork = NULL;
    unsigned carriers;
    int err = GH_ESTATE;

    if (txn->server || txn->state != GH_TXN_ACCEPTED)
        goto out;
    err = gh_sip_msg_parse(&msg, gh_buf_span(ack), GH_SIP_STREAM, NULL);
    if (err)
        goto out;
    err = GH_EINVAL;
    fork = find_fork(txn, msg->to.tag);
    err = GH_EINVAL;
    if (msg->method != GH_SIP_ACK || !msg->request || !fork || gh_txn_judge(msg, &carriers))
        goto out;
    err = check_ack(txn, msg);
    if (!err)
        err = gh_txn_keep(&fork->ack, gh_buf_span(ack));
    if (err)
        goto out;
    fork->carriers = carriers;
    gh_txn_weigh(txn);
    err = handlers->send(handlers->arg, txn, ack, carriers);
out:
    gh_sip_msg_unref(msg);
    gh_buf_fini(ack);
    return err;
}
