/* SPDX-License-Identifier: Apache-2.0 */
/* Reliable provisional responses: RFC 3262 sections 3 and 4. */
#include "sip/reliable.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "sip/text_int.h"
#include "sip/txn_int.h"

#define OPTION_TAG "100rel"

/* ---- what both roles read and write ---- */

int gh_rel_rack_of(const struct gh_sip_msg *prack, struct gh_rack *out)
{
    return gh_sip_rack_parse(gh_sip_msg_value(prack, GH_SIP_HDR_RACK), &out->rseq, &out->cseq,
                             &out->method);
}

void gh_rel_rack(struct gh_sip_out *out, uint32_t rseq, uint32_t cseq)
{
    gh_sip_out_hdr_fmt(out, "RAck", "%u %u INVITE", rseq, cseq);
}

/* Section 4: the option tag in a 100 is ignored. */
static bool is_reliable(const struct gh_sip_msg *msg)
{
    return !msg->request && msg->status > 100 && msg->status < 200 &&
           gh_sip_msg_has_token(msg, GH_SIP_HDR_REQUIRE, OPTION_TAG);
}

/* @return 0 or GH_ESYNTAX */
static int rseq_of(const struct gh_sip_msg *msg, uint32_t *rseq)
{
    return gh_sip_rseq_parse(gh_sip_msg_value(msg, GH_SIP_HDR_RSEQ), rseq);
}

/* ---- UAC ---- */

void gh_rel_in_fini(struct gh_rel_in *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->count; i++)
        free(in->forks[i].to_tag);
    *in = (struct gh_rel_in){ 0 };
}

static struct gh_rel_fork *find_fork(struct gh_rel_in *in, struct gh_span to_tag)
{
    for (size_t i = 0; i < in->count; i++) {
        if (gh_span_eq(to_tag, gh_span_str(in->forks[i].to_tag)))
            return &in->forks[i];
    }
    return NULL;
}

/* The first of a fork says where its numbers begin. */
static enum gh_rel_arrival take_first(struct gh_rel_in *in, struct gh_span to_tag, uint32_t rseq)
{
    struct gh_rel_fork *fork;

    if (in->count == GH_REL_FORKS_MAX)
        return GH_REL_DISCARD;
    fork = &in->forks[in->count];
    fork->to_tag = gh_text_dup(to_tag);
    if (!fork->to_tag)
        return GH_REL_DISCARD;
    fork->first = fork->last = rseq;
    in->count++;
    return GH_REL_NEW;
}

enum gh_rel_arrival gh_rel_in_take(struct gh_rel_in *in, const struct gh_sip_msg *response,
                                   uint32_t *rseq)
{
    struct gh_rel_fork *fork;
    uint32_t number;

    if (!is_reliable(response))
        return GH_REL_PLAIN;
    if (response->to.tag.len == 0 || rseq_of(response, &number))
        return GH_REL_DISCARD;
    *rseq = number;
    fork = find_fork(in, response->to.tag);
    if (!fork)
        return take_first(in, response->to.tag, number);
    if (number >= fork->first && number <= fork->last)
        return GH_REL_AGAIN;
    /* Section 4: not one higher than the last, so it is neither acknowledged nor processed.  0 is
     * no RSeq, so numbers do not wrap. */
    if (number != fork->last + 1)
        return GH_REL_DISCARD;
    fork->last = number;
    return GH_REL_NEW;
}

/* ---- UAS ---- */

/* One response whose PRACK is due. */
struct due {
    struct gh_buf octets;
    struct gh_rel_origin origin;
    uint32_t rseq;
    bool sent;
};

struct gh_rel_out {
    struct gh_timerq *timers;
    struct gh_txn *invite;   /* NULL: a final response was sent */
    struct gh_rel_user user;
    uint32_t cseq;           /* of the INVITE */
    uint32_t next_rseq;
    struct due queue[GH_REL_QUEUE_MAX]; /* in order; only the first has been sent */
    size_t count;
    bool expired;
    /* Runs from the first moment to the last, parked at GH_TXN_NEVER when there is nothing to do:
     * so it cannot fail for want of memory later. */
    struct gh_timer timer;
    uint64_t interval_ms, end_ms; /* of the first in the queue, once it is sent */
};

static void on_timer(void *arg, uint64_t now_ms);

static int set_timer(struct gh_rel_out *out, uint64_t due_ms)
{
    return gh_timer_start(out->timers, &out->timer, due_ms, on_timer, out);
}

static void due_fini(struct due *due)
{
    gh_buf_fini(&due->octets);
    *due = (struct due){ 0 };
}

int gh_rel_out_new(struct gh_rel_out **out, struct gh_timerq *timers, struct gh_txn *invite,
                   const struct gh_rel_user *user)
{
    const struct gh_sip_msg *request = gh_txn_request(invite);
    struct gh_rel_out *fresh;
    uint32_t drawn;
    int err;

    if (!gh_txn_is_server(invite) || gh_txn_method(invite) != GH_SIP_INVITE || !request)
        return GH_EINVAL;
    err = gh_random(&drawn, sizeof(drawn));
    if (err)
        return err;
    fresh = calloc(1, sizeof(*fresh));
    if (!fresh)
        return GH_ENOMEM;
    fresh->timers = timers;
    fresh->invite = invite;
    fresh->user = *user;
    fresh->cseq = request->cseq;
    /* Section 3: uniformly from 1 to 2^31-1, so that it does not wrap in any call's life. */
    fresh->next_rseq = drawn % INT32_MAX + 1;
    if (set_timer(fresh, GH_TXN_NEVER)) {
        free(fresh);
        return GH_ENOMEM;
    }
    *out = fresh;
    return 0;
}

void gh_rel_out_free(struct gh_rel_out *out)
{
    if (!out)
        return;
    gh_timer_stop(out->timers, &out->timer);
    for (size_t i = 0; i < out->count; i++)
        due_fini(&out->queue[i]);
    free(out);
}

void gh_rel_out_headers(const struct gh_rel_out *out, struct gh_sip_out *message)
{
    gh_sip_out_hdr(message, "Require", GH_SPAN(OPTION_TAG));
    gh_sip_out_hdr_fmt(message, "RSeq", "%u", out->next_rseq);
}

/* A copy of the first in the queue, through the transaction: it keeps it as its last response and
 * asks the gate each time. */
static void send_first(struct gh_rel_out *out, uint64_t now_ms)
{
    struct gh_buf copy = { 0 };

    gh_buf_add(&copy, gh_buf_span(&out->queue[0].octets));
    if (copy.err)
        gh_buf_fini(&copy); /* the next time is soon */
    else if (gh_txn_respond(out->invite, &copy, now_ms) == GH_ESTATE)
        gh_rel_out_final(out);
}

static void start_first(struct gh_rel_out *out, uint64_t now_ms)
{
    out->queue[0].sent = true;
    out->interval_ms = GH_TXN_T1_MS;
    out->end_ms = now_ms + GH_TXN_TIMEOUT_MS;
    (void)set_timer(out, now_ms + out->interval_ms);
    send_first(out, now_ms);
}

/* Doubles without bound, other than for a 2xx (section 3). */
static void on_timer(void *arg, uint64_t now_ms)
{
    struct gh_rel_out *out = arg;
    uint64_t next_ms;

    (void)set_timer(out, GH_TXN_NEVER);
    if (!out->invite || out->expired || out->count == 0)
        return;
    if (!out->queue[0].sent) {
        start_first(out, now_ms);
        return;
    }
    if (now_ms >= out->end_ms) {
        out->expired = true;
        out->user.expired(out->user.arg, out, now_ms);
        return;
    }
    out->interval_ms *= 2;
    next_ms = now_ms + out->interval_ms;
    (void)set_timer(out, next_ms < out->end_ms ? next_ms : out->end_ms);
    send_first(out, now_ms);
}

/* Is @msg what gh_rel_out_send may take now?  All that the transaction would refuse is refused
 * here, as it may be sent later. */
static int check(const struct gh_rel_out *out, const struct gh_sip_msg *msg)
{
    unsigned carriers;
    uint32_t rseq;

    if (!is_reliable(msg) || rseq_of(msg, &rseq) || rseq != out->next_rseq ||
        !gh_txn_fits(out->invite, msg))
        return GH_EINVAL;
    return gh_txn_judge(msg, &carriers);
}

int gh_rel_out_send(struct gh_rel_out *out, struct gh_buf *octets,
                    const struct gh_rel_origin *origin, uint64_t now_ms)
{
    struct gh_sip_msg *msg = NULL;
    int err = GH_ESTATE;

    if (!out->invite || !gh_txn_request(out->invite) || out->expired)
        goto out;
    err = out->count == GH_REL_QUEUE_MAX ? GH_EFULL : 0;
    if (!err)
        err = gh_sip_msg_parse(&msg, gh_buf_span(octets), GH_SIP_STREAM, NULL);
    if (!err)
        err = check(out, msg);
    if (err)
        goto out;
    out->queue[out->count++] = (struct due){ .octets = *octets, .origin = *origin,
                                             .rseq = out->next_rseq++ };
    *octets = (struct gh_buf){ 0 };
    if (out->count == 1)
        start_first(out, now_ms);
out:
    gh_sip_msg_unref(msg);
    gh_buf_fini(octets);
    return err == GH_ELIMIT ? GH_ESYNTAX : err;
}

/* @return index of what @rack acknowledges, or count.  Section 3: RSeq, CSeq number and method */
static size_t find_due(const struct gh_rel_out *out, const struct gh_rack *rack)
{
    size_t i = 0;

    if (rack->cseq != out->cseq || !gh_span_eq(rack->method, GH_SPAN("INVITE")))
        return out->count;
    while (i < out->count && !(out->queue[i].sent && out->queue[i].rseq == rack->rseq))
        i++;
    return i;
}

int gh_rel_out_prack(struct gh_rel_out *out, const struct gh_sip_msg *prack,
                     struct gh_rel_origin *origin, uint64_t now_ms)
{
    struct gh_rack rack;
    size_t at;

    if (prack->method != GH_SIP_PRACK || gh_rel_rack_of(prack, &rack))
        return GH_ESYNTAX;
    at = find_due(out, &rack);
    if (at == out->count)
        return GH_ENOTFOUND;
    if (origin)
        *origin = out->queue[at].origin;
    due_fini(&out->queue[at]);
    out->count--;
    memmove(&out->queue[at], &out->queue[at + 1], (out->count - at) * sizeof(out->queue[0]));
    out->queue[out->count] = (struct due){ 0 };
    if (out->invite)
        (void)set_timer(out, out->count ? now_ms : GH_TXN_NEVER);
    return 0;
}

size_t gh_rel_out_due(const struct gh_rel_out *out)
{
    return out->count;
}

void gh_rel_out_final(struct gh_rel_out *out)
{
    out->invite = NULL;
    gh_timer_stop(out->timers, &out->timer);
    while (out->count && !out->queue[out->count - 1].sent)
        due_fini(&out->queue[--out->count]);
    for (size_t i = 0; i < out->count; i++) /* nothing is sent again; what it was is still known */
        gh_buf_fini(&out->queue[i].octets);
}
