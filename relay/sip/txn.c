/* SPDX-License-Identifier: Apache-2.0 */
/* The table of transactions: keys, timers, who gets which message.  The machines: txn_server.c,
 * txn_client.c. */
#include "sip/txn_int.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/body.h"
#include "sip/out.h"
#include "sip/text_int.h"

#define DEFAULT_MAX_COUNT 200000
#define DEFAULT_OCTETS    ((size_t)64 << 20)
#define DEFAULT_GRACE_MS  5000
#define SENT_BY_SIZE      272 /* host name, ":", port, NUL */

/* ---- keys ---- */

/* Trunk first: isolation.  Then RFC 3261 sections 17.1.3 and 17.2.3. */
static int compare(const void *left, const void *right)
{
    const struct gh_txn *a = left, *b = right;
    int order;

    if (a->trunk != b->trunk)
        return a->trunk < b->trunk ? -1 : 1;
    if (a->server != b->server)
        return a->server ? 1 : -1;
    order = gh_text_compare(a->branch, b->branch);
    if (!order)
        order = gh_text_compare(a->sent_by, b->sent_by);
    return order ? order : gh_text_compare(a->method_name, b->method_name);
}

/* Host names without letter case; a missing port is not the same as a written one.
 * @return length */
static size_t write_sent_by(const struct gh_sip_via *via, char out[SENT_BY_SIZE])
{
    snprintf(out, SENT_BY_SIZE, "%.*s:%u", GH_SPAN_FMT(gh_span_head(via->host, 256)), via->port);
    for (char *p = out; *p; p++)
        *p = (char)gh_ascii_lower((unsigned char)*p);
    return strlen(out);
}

struct gh_txn *gh_txn_find(const struct gh_txns *txns, const struct gh_txn_key *key)
{
    char sent_by[SENT_BY_SIZE];
    struct gh_txn probe = { .trunk = key->trunk,
                            .server = key->server,
                            .branch = key->via.branch,
                            .method_name = key->method };
    struct gh_txn *const *hit;

    probe.sent_by = gh_span_of(sent_by, write_sent_by(&key->via, sent_by));
    hit = tfind(&probe, &txns->tree, compare);
    return hit ? *hit : NULL;
}

/* ---- timers ---- */

static void on_again(void *arg, uint64_t now_ms)
{
    struct gh_txn *txn = arg;

    gh_txn_again_at(txn, GH_TXN_NEVER);
    if (txn->server)
        gh_txn_server_timer(txn, now_ms);
    else
        gh_txn_client_timer(txn, now_ms);
}

static void on_end(void *arg, uint64_t now_ms)
{
    struct gh_txn *txn = arg;

    gh_txn_finish(txn, txn->why, now_ms);
}

void gh_txn_again_at(struct gh_txn *txn, uint64_t due_ms)
{
    /* Cannot fail: the timer runs already, or was taken off the queue by the call that
     * we are in. */
    (void)gh_timer_start(txn->txns->timers, &txn->again, due_ms, on_again, txn);
}

void gh_txn_end_at(struct gh_txn *txn, uint64_t due_ms, enum gh_txn_end why)
{
    txn->why = why;
    (void)gh_timer_start(txn->txns->timers, &txn->end, due_ms, on_end, txn);
}

/* ---- what is kept ---- */

static size_t text_weight(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static size_t msg_weight(const struct gh_sip_msg *msg)
{
    return msg ? sizeof(*msg) + msg->octets_len + msg->hdr_count * sizeof(*msg->hdrs) : 0;
}

void gh_txn_weigh(struct gh_txn *txn)
{
    size_t weight = sizeof(*txn) + txn->branch.len + txn->sent_by.len + txn->method_name.len;

    weight += msg_weight(txn->request) + txn->folded.len + txn->last.len;
    weight += text_weight(txn->to_tag) + text_weight(txn->cancel_reason);
    for (const struct gh_txn_fork *fork = txn->forks; fork; fork = fork->next)
        weight += sizeof(*fork) + text_weight(fork->to_tag) + fork->ack.len;
    txn->share->octets += weight - txn->weight; /* modulo, so it may become less */
    txn->weight = weight;
}

int gh_txn_keep(struct gh_txn_kept *kept, struct gh_span octets)
{
    char *p = malloc(octets.len);

    if (!p)
        return GH_ENOMEM;
    memcpy(p, octets.p, octets.len);
    gh_txn_drop(kept);
    *kept = (struct gh_txn_kept){ p, octets.len };
    return 0;
}

void gh_txn_drop(struct gh_txn_kept *kept)
{
    if (kept->p)
        explicit_bzero(kept->p, kept->len);
    free(kept->p);
    *kept = (struct gh_txn_kept){ 0 };
}

int gh_txn_keep_last(struct gh_txn *txn, struct gh_span octets, unsigned carriers)
{
    int err = gh_txn_keep(&txn->last, octets);

    if (err)
        return err;
    txn->last_carriers = carriers;
    gh_txn_weigh(txn);
    return 0;
}

void gh_txn_forget_last(struct gh_txn *txn)
{
    gh_txn_drop(&txn->last);
    txn->last_carriers = 0;
    gh_txn_weigh(txn);
}

/* ---- life ---- */

static void release(struct gh_txn *txn)
{
    gh_timer_stop(txn->txns->timers, &txn->again);
    gh_timer_stop(txn->txns->timers, &txn->end);
    gh_sip_msg_unref(txn->request);
    gh_txn_drop(&txn->folded);
    gh_txn_drop(&txn->last);
    while (txn->forks) {
        struct gh_txn_fork *fork = txn->forks;

        txn->forks = fork->next;
        gh_txn_drop(&fork->ack);
        free(fork);
    }
    free(txn->cancel_reason);
    free(txn->to_tag);
    free(txn);
}

/* Append to the text of a key. */
static struct gh_span keep(char **at, struct gh_span text)
{
    struct gh_span kept = gh_span_of(*at, text.len);

    if (text.len)
        memcpy(*at, text.p, text.len);
    *at += text.len;
    return kept;
}

/* Zeroed but for its key.  NULL without memory. */
static struct gh_txn *new_keyed(const struct gh_txn_key *key)
{
    char sent_by[SENT_BY_SIZE], *at;
    size_t len = write_sent_by(&key->via, sent_by);
    struct gh_txn *txn = calloc(1, sizeof(*txn) + key->via.branch.len + len + key->method.len);

    if (!txn)
        return NULL;
    txn->trunk = key->trunk;
    txn->server = key->server;
    txn->method = gh_sip_method_by_name(key->method);
    at = txn->key_text;
    txn->branch = keep(&at, key->via.branch);
    txn->sent_by = keep(&at, gh_span_of(sent_by, len));
    txn->method_name = keep(&at, key->method);
    return txn;
}

/* NULL without memory. */
static struct gh_txn_share *share_of(struct gh_txns *txns, uint32_t trunk)
{
    struct gh_txn_share *share = txns->shares;

    while (share && share->trunk != trunk)
        share = share->next;
    if (share)
        return share;
    share = calloc(1, sizeof(*share));
    if (!share)
        return NULL;
    share->trunk = trunk;
    share->next = txns->shares;
    txns->shares = share;
    return share;
}

int gh_txn_create(struct gh_txn **out, struct gh_txns *txns, const struct gh_txn_key *key)
{
    struct gh_txn_share *share = share_of(txns, key->trunk);
    struct gh_txn *txn = NULL;
    struct gh_txn **node;
    int err = GH_ENOMEM;

    if (!share)
        return GH_ENOMEM;
    if (txns->count >= txns->limits.max_count || share->count >= txns->limits.max_per_trunk)
        return GH_EFULL;
    txn = new_keyed(key);
    if (!txn)
        return GH_ENOMEM;
    txn->txns = txns;
    if (gh_timer_start(txns->timers, &txn->again, GH_TXN_NEVER, on_again, txn) ||
        gh_timer_start(txns->timers, &txn->end, GH_TXN_NEVER, on_end, txn))
        goto out;
    node = tsearch(txn, &txns->tree, compare);
    if (!node)
        goto out;
    if (*node != txn) {
        err = GH_EEXISTS;
        goto out;
    }
    txn->next = txns->first;
    if (txn->next)
        txn->next->prev = txn;
    txns->first = txn;
    txns->count++;
    txn->share = share;
    share->count++;
    gh_txn_weigh(txn);
    *out = txn;
    return 0;
out:
    release(txn);
    return err;
}

void gh_txn_destroy(struct gh_txn *txn)
{
    struct gh_txns *txns = txn->txns;

    tdelete(txn, &txns->tree, compare);
    if (txn->next)
        txn->next->prev = txn->prev;
    if (txn->prev)
        txn->prev->next = txn->next;
    else
        txns->first = txn->next;
    txns->count--;
    txn->share->count--;
    txn->share->octets -= txn->weight;
    release(txn);
}

void gh_txn_finish(struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    const struct gh_txn_handlers *handlers = &txn->txns->handlers;

    txn->state = GH_TXN_TERMINATED;
    gh_txn_forget_last(txn);
    if (!txn->detached) {
        txn->detached = true;
        if (txn->server)
            handlers->ended(handlers->arg, txn, why, now_ms);
        else
            txn->client.ended(txn->client.arg, txn, why, now_ms);
    }
    gh_txn_destroy(txn);
}

int gh_txns_new(struct gh_txns **out, struct gh_timerq *timers, const struct gh_txn_limits *limits,
                const struct gh_txn_handlers *handlers)
{
    struct gh_txns *txns = calloc(1, sizeof(*txns));

    if (!txns)
        return GH_ENOMEM;
    txns->timers = timers;
    txns->handlers = *handlers;
    if (limits)
        txns->limits = *limits;
    if (!txns->limits.max_count)
        txns->limits.max_count = DEFAULT_MAX_COUNT;
    if (!txns->limits.max_per_trunk)
        txns->limits.max_per_trunk = (txns->limits.max_count + 3) / 4;
    if (!txns->limits.max_octets_per_trunk)
        txns->limits.max_octets_per_trunk = DEFAULT_OCTETS;
    if (!txns->limits.reconnect_grace_ms)
        txns->limits.reconnect_grace_ms = DEFAULT_GRACE_MS;
    *out = txns;
    return 0;
}

void gh_txns_free(struct gh_txns *txns)
{
    if (!txns)
        return;
    while (txns->first)
        gh_txn_destroy(txns->first);
    while (txns->shares) {
        struct gh_txn_share *share = txns->shares;

        txns->shares = share->next;
        free(share);
    }
    free(txns);
}

size_t gh_txns_count(const struct gh_txns *txns)
{
    return txns->count;
}

size_t gh_txns_octets(const struct gh_txns *txns, uint32_t trunk)
{
    const struct gh_txn_share *share = txns->shares;

    while (share && share->trunk != trunk)
        share = share->next;
    return share ? share->octets : 0;
}

const struct gh_txn_counters *gh_txns_counters(const struct gh_txns *txns)
{
    return &txns->counters;
}

/* ---- sending ---- */

int gh_txn_judge(const struct gh_sip_msg *msg, unsigned *carriers)
{
    enum gh_reason problem;

    *carriers = gh_sip_carriers(msg, &problem);
    /* A response without body repeats names that the peer itself chose: it must be answered. */
    if (!msg->request && msg->body.len == 0)
        return 0;
    return problem == GH_REASON_BODY_OPAQUE || problem == GH_REASON_KEY_IN_ODD_BODY ? GH_EINVAL : 0;
}

int gh_txn_send_copy(struct gh_txn *txn, const struct gh_txn_kept *kept, unsigned carriers)
{
    const struct gh_txn_handlers *handlers = &txn->txns->handlers;
    struct gh_buf copy = { 0 };

    gh_buf_add(&copy, gh_span_of(kept->p, kept->len));
    if (copy.err) {
        gh_buf_fini(&copy);
        return GH_ENOMEM;
    }
    return handlers->send(handlers->arg, txn, &copy, carriers);
}

/* ---- arrival ---- */

static int new_server(struct gh_txns *txns, const struct gh_txn_key *key, uint64_t conn,
                      bool reliable, struct gh_sip_msg *msg, struct gh_txn **out)
{
    size_t max = txns->limits.max_octets_per_trunk, kept = gh_txns_octets(txns, key->trunk);
    int err = GH_EFULL;

    if (kept < max && msg_weight(msg) <= max - kept)
        err = gh_txn_create(out, txns, key);
    if (err == GH_EFULL)
        txns->counters.refused++;
    if (err)
        return err;
    (*out)->conn = conn;
    (*out)->reliable = reliable;
    (*out)->cseq = msg->cseq;
    (*out)->request = gh_sip_msg_ref(msg);
    gh_txn_weigh(*out);
    return 0;
}

static int receive_request(struct gh_txns *txns, struct gh_txn_key *key, uint64_t conn,
                           bool reliable, struct gh_sip_msg *msg, uint64_t now_ms)
{
    bool follows = msg->method == GH_SIP_ACK || msg->method == GH_SIP_CANCEL;
    struct gh_txn *txn, *invite = NULL;
    int err;

    if (follows) {
        key->method = GH_SPAN("INVITE");
        invite = gh_txn_find(txns, key);
        key->method = msg->method_text;
    }
    if (msg->method == GH_SIP_ACK) {
        if (invite)
            gh_txn_server_ack(invite, conn, msg, now_ms);
        else
            txns->handlers.ack(txns->handlers.arg, key->trunk, conn, msg, now_ms);
        return 0;
    }
    txn = gh_txn_find(txns, key);
    if (txn) {
        txns->counters.absorbed++;
        gh_txn_server_again(txn, conn);
        return 0;
    }
    if (gh_sip_reply_room(msg)) {
        txns->counters.refused++;
        return GH_ELIMIT;
    }
    err = new_server(txns, key, conn, reliable, msg, &txn);
    if (err)
        return err;
    if (msg->method == GH_SIP_CANCEL)
        gh_txn_server_cancel(txn, invite, msg, now_ms);
    else
        gh_txn_server_request(txns, txn, msg, now_ms);
    return 0;
}

/* RFC 3261 section 17.1.3, and more: what is no answer to the request of this branch is none. */
static bool answers(const struct gh_txn *txn, const struct gh_sip_msg *msg)
{
    const struct gh_sip_msg *request = txn->request;

    return msg->via_count == 1 && msg->cseq == request->cseq &&
           gh_span_eq(msg->call_id, request->call_id) &&
           gh_span_eq(msg->from.tag, request->from.tag);
}

int gh_txns_receive(struct gh_txns *txns, uint32_t trunk, uint64_t conn, bool reliable,
                    struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_txn_key key = {
        .trunk = trunk, .server = msg->request, .via = msg->via, .method = msg->method_text
    };
    struct gh_txn *txn;
    int err;

    if (msg->bad || trunk == 0)
        return GH_EINVAL;
    if (msg->request)
        return receive_request(txns, &key, conn, reliable, msg, now_ms);
    txn = gh_txn_find(txns, &key);
    err = txn ? gh_txn_unfold(txn) : 0;
    if (err)
        return err;
    if (txn && answers(txn, msg))
        gh_txn_client_response(txn, conn, msg, now_ms);
    else
        txns->counters.stray_responses++;
    if (txn)
        gh_txn_fold(txn);
    return 0;
}

/* ---- connections ---- */

void gh_txns_conn_lost(struct gh_txns *txns, uint64_t conn, uint64_t now_ms)
{
    struct gh_txn *txn, *next;

    for (txn = txns->first; txn; txn = next) {
        next = txn->next;
        if (txn->server || !txn->reliable || txn->conn != conn || txn->waiting)
            continue;
        if (txn->state == GH_TXN_TRYING) {
            /* By timer, so that no callback runs inside this walk. */
            gh_txn_again_at(txn, GH_TXN_NEVER);
            gh_txn_end_at(txn, now_ms, GH_TXN_CONN_LOST);
            txn->state = GH_TXN_TERMINATED;
        } else if (txn->state == GH_TXN_PROCEEDING) {
            txn->waiting = true;
            txn->end_before_wait_ms = txn->end.due_ms;
            if (now_ms + txns->limits.reconnect_grace_ms < txn->end.due_ms)
                gh_txn_end_at(txn, now_ms + txns->limits.reconnect_grace_ms, GH_TXN_CONN_LOST);
        }
    }
}

void gh_txns_conn_up(struct gh_txns *txns, uint32_t trunk, uint64_t conn)
{
    for (struct gh_txn *txn = txns->first; txn; txn = txn->next) {
        if (!txn->waiting || txn->trunk != trunk)
            continue;
        txn->waiting = false;
        txn->conn = conn;
        gh_txn_end_at(txn, txn->end_before_wait_ms, GH_TXN_TIMEOUT);
    }
}

/* ---- looking at one ---- */

uint32_t gh_txn_trunk(const struct gh_txn *txn)
{
    return txn->trunk;
}

uint64_t gh_txn_conn(const struct gh_txn *txn)
{
    return txn->conn;
}

bool gh_txn_is_server(const struct gh_txn *txn)
{
    return txn->server;
}

enum gh_sip_method gh_txn_method(const struct gh_txn *txn)
{
    return txn->method;
}

enum gh_txn_state gh_txn_state(const struct gh_txn *txn)
{
    return txn->state;
}

const struct gh_sip_msg *gh_txn_request(const struct gh_txn *txn)
{
    return txn->request;
}

uint32_t gh_txn_cseq(const struct gh_txn *txn)
{
    return txn->cseq;
}

void gh_txn_set_user(struct gh_txn *txn, void *user)
{
    txn->user = user;
}

void *gh_txn_user(const struct gh_txn *txn)
{
    return txn->user;
}
