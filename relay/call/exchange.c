/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offers and answers of a call (RFC 3264, RFC 6337): which is under way, over whose connections,
 * and what is in force.  At most one offer of a fork waits for its answer; a failed exchange leaves
 * nothing behind.
 *
 *   take_offer -> give_offer -> take_answer -> give_answer      or, from anywhere, drop_offer
 *   alone_offer -> alone_answer      with one side; the other hears nothing
 *
 * The offer of an INVITE is one for all its forks (call->offer); each fork takes a copy for its
 * answer.
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

static void keep_fault(struct gh_call *call, const struct gh_neg *neg)
{
    if (neg && neg->fault[0])
        memcpy(call->fault, neg->fault, sizeof(call->fault));
}

void gh_call_papers(struct gh_leg *leg, struct gh_papers *papers)
{
    struct gh_papers *before = leg->papers;

    if (papers == before)
        return;
    /* What was weak about an earlier connection of this leg stays true of the call. */
    for (size_t i = 0; before && i < before->standing.mark_count; i++)
        gh_marks_add(&leg->call->marks, before->standing.marks[i]);
    leg->papers = gh_papers_ref(papers);
    gh_papers_unref(before);
}

void gh_call_judge_way(struct gh_leg *leg, const struct gh_txn *txn)
{
    struct gh_papers *papers =
        txn ? gh_call_way(leg->call->calls, leg->trunk->rules.id, gh_txn_conn(txn)) : NULL;

    if (papers)
        gh_call_papers(leg, papers);
}

struct gh_neg_self gh_call_self(struct gh_leg *leg, uint8_t family)
{
    struct gh_addr ours = gh_call_media_address(leg->trunk, family);

    return (struct gh_neg_self){ .address = family ? ours : leg->trunk->media->advertise,
                                 .session_id = leg->session_id,
                                 .version = ++leg->version };
}

enum gh_reason gh_call_sdp_of(struct gh_call *call, const struct gh_sip_msg *msg,
                              struct gh_sip_body *body, struct gh_span *sdp)
{
    enum gh_reason reason = GH_REASON_NONE;
    const struct gh_sip_part *part;

    *sdp = GH_SPAN("");
    if (gh_sip_body_parse(body, msg))
        return GH_REASON_INTERNAL;
    part = gh_sip_body_sdp(body, &reason);
    if (part)
        *sdp = gh_buf_span(&part->octets);
    /* Parts beside the session description do not cross in this version. */
    if (body->count > 1)
        gh_marks_add(&call->marks, GH_REASON_BODY_DROPPED);
    return reason;
}

bool gh_call_offer_pending(const struct gh_fork *fork)
{
    return fork->pending || (fork->call->offer && !fork->settled);
}

/* The family of addresses that the answerer gets from us: that of its media before, in a dialog;
 * else that of its signalling, as far as we have it. */
static uint8_t family_towards(const struct gh_leg *leg, uint8_t before)
{
    uint8_t family = before ? before : leg->papers->facts.peer.family;

    return gh_call_media_address(leg->trunk, family).family ? family
                                                            : leg->trunk->media->advertise.family;
}

/* An exchange begins: the papers of both legs are theirs again if it fails. */
static void keep_papers(struct gh_fork *fork)
{
    for (int side = 0; fork->neg && side < 2; side++) {
        if (!fork->before[side])
            fork->before[side] = gh_papers_ref(fork->call->leg[side].papers);
    }
}

static void drop_papers(struct gh_fork *fork, bool restore)
{
    for (int side = 0; side < 2; side++) {
        struct gh_leg *leg = &fork->call->leg[side];

        /* Keys went over the connection of the failed exchange: what is weak about it stays true.
         * Another fork that was heard since has papers of its own. */
        if (fork->before[side] && restore && (!fork->call->heard || fork->call->heard == fork))
            gh_call_papers(leg, fork->before[side]);
        gh_papers_unref(fork->before[side]);
        fork->before[side] = NULL;
    }
}

/* ---- the offer ------------------------------------------------------------------------------- */

enum gh_reason gh_call_take_offer(struct gh_call *call, struct gh_fork *fork, int from,
                                  struct gh_span sdp, struct gh_papers *papers)
{
    struct gh_neg *neg = calloc(1, sizeof(*neg));
    struct gh_neg_leg leg;
    enum gh_reason reason;

    if (!neg)
        return GH_REASON_INTERNAL;
    if (fork)
        keep_papers(fork);
    gh_call_papers(&call->leg[from], papers);
    leg = gh_call_neg_leg(&call->leg[from]);
    gh_neg_init(neg, from, fork ? fork->neg : NULL);
    neg->keeper = gh_call_keeper(call);
    neg->route_downgrade = call->route->on_downgrade;
    if (fork)
        fork->pending = neg;
    else
        call->offer = neg;
    reason = gh_neg_offer_in(neg, sdp, &leg);
    keep_fault(call, neg);
    if (reason == GH_REASON_NONE && gh_neg_offered_keys(neg))
        gh_call_holder(call, call->leg[from].trunk);
    return reason;
}

enum gh_reason gh_call_give_offer(struct gh_call *call, struct gh_fork *fork, struct gh_sdp **out)
{
    struct gh_neg *neg = fork ? fork->pending : call->offer;
    struct gh_leg *from = &call->leg[neg->offerer], *to = &call->leg[!neg->offerer];
    struct gh_neg_leg neg_from = gh_call_neg_leg(from), neg_to = gh_call_neg_leg(to);
    struct gh_neg_self self;
    /* The INVITE itself leaves after this; an offer of b comes after the INVITE to it. */
    bool first = neg->base || call->invites == (fork ? 1 : 0);
    enum gh_reason reason;

    neg->family[!neg->offerer] = family_towards(to, fork ? neg->family[!neg->offerer] : 0);
    self = gh_call_self(to, neg->family[!neg->offerer]);
    reason = gh_call_media_open(call, neg, neg->family);
    if (reason == GH_REASON_NONE)
        reason = gh_neg_offer_out(neg, &neg_from, &neg_to, &self, first, out);
    if (reason == GH_REASON_NONE)
        reason = gh_call_require(call, gh_neg_best_grade(neg, &neg_from, &neg_to));
    if (reason == GH_REASON_NONE && gh_neg_offers_keys(neg))
        gh_call_holder(call, to->trunk);
    if (reason != GH_REASON_NONE) {
        gh_sdp_free(*out);
        *out = NULL;
        to->version--; /* RFC 3264 section 8: one more for each that is sent */
    }
    return reason;
}

enum gh_reason gh_call_offer_across(struct gh_fork *fork, int from, struct gh_span sdp,
                                    struct gh_sdp **out)
{
    struct gh_call *call = fork->call;
    enum gh_reason reason = gh_call_take_offer(call, fork, from, sdp, call->calls->arrival.papers);

    return reason == GH_REASON_NONE ? gh_call_give_offer(call, fork, out) : reason;
}

void gh_call_drop_offer(struct gh_fork *fork)
{
    struct gh_neg *neg = fork->pending;

    if (!neg)
        return;
    fork->pending = NULL;
    drop_papers(fork, true);
    keep_fault(fork->call, neg);
    gh_call_media_trim(fork->call, neg, NULL);
    gh_neg_free(neg);
}

struct gh_sdp *gh_call_zero_answer(struct gh_fork *fork)
{
    struct gh_sdp *zero = NULL;
    struct gh_neg_self self;

    if (!fork->pending)
        return NULL;
    self = gh_call_self(&fork->call->leg[fork->pending->offerer],
                        fork->pending->family[fork->pending->offerer]);
    if (gh_neg_zero_answer(fork->pending, &self, &zero))
        return NULL;
    return zero;
}

struct gh_sdp *gh_call_zero_answer_to(struct gh_call *call, int offerer,
                                      const struct gh_sip_msg *msg)
{
    struct gh_sip_body body = { 0 };
    struct gh_sdp *zero = NULL;
    struct gh_neg_self self;
    struct gh_span sdp;
    struct gh_neg neg;

    gh_neg_init(&neg, offerer, NULL);
    if (gh_call_sdp_of(call, msg, &body, &sdp) == GH_REASON_NONE && sdp.len &&
        !gh_sdp_parse(&neg.offer, sdp, NULL)) {
        self = gh_call_self(&call->leg[offerer], 0);
        gh_neg_zero_answer(&neg, &self, &zero);
    }
    gh_neg_fini(&neg);
    gh_sip_body_fini(&body);
    return zero;
}

/* ---- the answer ------------------------------------------------------------------------------ */

enum gh_reason gh_call_take_answer(struct gh_fork *fork, const struct gh_sip_msg *msg,
                                   struct gh_span sdp)
{
    struct gh_call *call = fork->call;
    bool srtp_fallback = gh_sip_msg_has_token(msg, GH_SIP_HDR_SUPPORTED, "X-cisco-srtp-fallback");
    struct gh_neg_leg leg;
    enum gh_reason reason;

    if (!fork->pending) {
        struct gh_neg *copy = call->offer ? calloc(1, sizeof(*copy)) : NULL;

        if (copy && gh_neg_fork(copy, call->offer)) {
            free(copy);
            copy = NULL;
        }
        if (!copy)
            return GH_REASON_INTERNAL;
        fork->pending = copy;
    }
    gh_call_papers(&call->leg[!fork->pending->offerer], call->calls->arrival.papers);
    leg = gh_call_neg_leg(&call->leg[!fork->pending->offerer]);
    reason = gh_neg_answer_in(fork->pending, sdp, &leg, srtp_fallback);
    keep_fault(call, fork->pending);
    return reason;
}

/* The exchange is in force: what was before goes. */
static void commit(struct gh_fork *fork)
{
    struct gh_call *call = fork->call;
    struct gh_neg *neg = fork->pending, *before = fork->neg;
    struct gh_marks marks = gh_neg_marks(neg);

    gh_marks_add_all(&call->marks, &marks);
    fork->neg = neg;
    fork->pending = NULL;
    drop_papers(fork, false);
    gh_neg_settled(neg);
    if (call->heard == fork) /* another answer to the same offer may lack what that one had */
        gh_call_media_hush(call, before, neg);
    gh_call_media_trim(call, neg, NULL); /* what was offered and not taken */
    gh_call_media_trim(call, before, NULL);
    gh_neg_free(before);
}

enum gh_reason gh_call_give_answer(struct gh_fork *fork, struct gh_sdp **out)
{
    struct gh_call *call = fork->call;
    struct gh_neg *neg = fork->pending;
    struct gh_leg *to = &call->leg[neg->offerer];
    struct gh_neg_leg neg_to = gh_call_neg_leg(to),
                      neg_from = gh_call_neg_leg(&call->leg[!neg->offerer]);
    struct gh_neg_self self = gh_call_self(to, neg->family[neg->offerer]);
    bool again = !neg->base && fork->neg;
    enum gh_reason reason = gh_call_require(call, gh_neg_best_grade(neg, &neg_to, &neg_from));

    if (reason == GH_REASON_NONE)
        reason = gh_neg_answer_out(neg, again ? fork->neg : NULL, &neg_to, &self, out);
    if (reason != GH_REASON_NONE) {
        gh_sdp_free(*out);
        *out = NULL;
        to->version--;
        return reason;
    }
    commit(fork);
    reason = gh_call_media_start(fork);
    if (reason != GH_REASON_NONE) {
        gh_sdp_free(*out);
        *out = NULL;
        return reason;
    }
    gh_call_graded_set(call);
    return GH_REASON_NONE;
}

enum gh_reason gh_call_answer_across(struct gh_fork *fork, const struct gh_sip_msg *msg,
                                     struct gh_span sdp, struct gh_sdp **out)
{
    enum gh_reason reason = gh_call_take_answer(fork, msg, sdp);

    return reason == GH_REASON_NONE ? gh_call_give_answer(fork, out) : reason;
}

/* ---- with one side alone --------------------------------------------------------------------- */

enum gh_reason gh_call_alone_offer(struct gh_fork *fork, int side, struct gh_papers *papers,
                                   struct gh_sdp **out)
{
    struct gh_leg *to = &fork->call->leg[side];
    struct gh_neg *neg = calloc(1, sizeof(*neg));
    struct gh_neg_self self = { .version = to->version };
    struct gh_neg_leg neg_to;
    enum gh_reason reason;

    if (!neg)
        return GH_REASON_INTERNAL;
    keep_papers(fork);
    gh_call_papers(to, papers);
    neg_to = gh_call_neg_leg(to);
    fork->pending = neg;
    reason = gh_neg_alone_offer(neg, fork->neg, side, &neg_to, &self, out);
    if (reason == GH_REASON_NONE)
        to->version = self.version;
    return reason;
}

/* An m-line that the other side has, and this one has not any more: media of it ends here and now. */
static void log_refused_lines(const struct gh_call *call, const struct gh_neg *neg)
{
    for (size_t i = 0; i < neg->count; i++) {
        if (neg->base->streams[i].live && !neg->streams[i].live)
            gh_log(GH_LOG_WARN, "call", "reinvite.refused_line", "call=%s side=%c stream=%zu",
                   call->id, 'a' + !neg->offerer, i);
    }
}

enum gh_reason gh_call_alone_answer(struct gh_fork *fork, const struct gh_sip_msg *msg,
                                    struct gh_span sdp)
{
    struct gh_call *call = fork->call;
    enum gh_reason reason = gh_call_take_answer(fork, msg, sdp);
    struct gh_neg *neg = fork->pending;
    struct gh_neg_leg from = gh_call_neg_leg(&call->leg[neg->offerer]),
                      to = gh_call_neg_leg(&call->leg[!neg->offerer]);

    if (reason == GH_REASON_NONE)
        reason = gh_neg_alone_settle(neg);
    if (reason == GH_REASON_NONE)
        reason = gh_call_require(call, gh_neg_best_grade(neg, &from, &to));
    if (reason != GH_REASON_NONE)
        return reason;
    log_refused_lines(call, neg);
    commit(fork);
    reason = gh_call_media_start(fork);
    if (reason == GH_REASON_NONE)
        gh_call_graded_set(call);
    return reason;
}
