/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offer and answer across the B2BUA: RFC 3264, RFC 4568, RFC 8643.  Here: the exchange as an
 * object, and what both halves need.  Which paths result is told in design words: `pass` where the
 * answerer picked the very line that the offerer declared, `bridge` where we stand between two
 * keys, `clear` where neither side has one.
 */
#include "call/neg_int.h"

/* ---- marks ----------------------------------------------------------------------------------- */

void gh_marks_add(struct gh_marks *marks, enum gh_reason mark)
{
    if (mark != GH_REASON_NONE && mark != GH_REASON_NO_RULE && (unsigned)mark < GH_REASON_COUNT)
        marks->bits[mark / 64] |= 1ULL << mark % 64;
}

void gh_marks_add_all(struct gh_marks *marks, const struct gh_marks *more)
{
    for (size_t i = 0; i < sizeof(marks->bits) / sizeof(marks->bits[0]); i++)
        marks->bits[i] |= more->bits[i];
}

bool gh_marks_has(const struct gh_marks *marks, enum gh_reason mark)
{
    return (unsigned)mark < GH_REASON_COUNT && (marks->bits[mark / 64] >> mark % 64 & 1);
}

struct gh_marks_text gh_marks_text(const struct gh_marks *marks)
{
    struct gh_marks_text out = { .text = "-" };
    size_t len = 0;
    unsigned count = 0;

    for (int i = 0; i < GH_REASON_COUNT; i++) {
        if (!gh_marks_has(marks, (enum gh_reason)i) || count++ >= GH_MARKS_TOLD)
            continue;
        len += (size_t)snprintf(out.text + len, sizeof(out.text) - len, "%s%s", len ? "," : "",
                                gh_reason_name((enum gh_reason)i));
        if (len >= sizeof(out.text))
            return out;
    }
    if (count > GH_MARKS_TOLD)
        snprintf(out.text + len, sizeof(out.text) - len, ",+%u", count - GH_MARKS_TOLD);
    return out;
}

struct gh_marks gh_neg_marks(const struct gh_neg *neg)
{
    struct gh_marks marks = neg->marks;

    gh_marks_add_all(&marks, &neg->plan_marks);
    return marks;
}

/* ---- the object ------------------------------------------------------------------------------ */

void gh_neg_init(struct gh_neg *neg, int offerer, const struct gh_neg *base)
{
    *neg = (struct gh_neg){ .offerer = offerer, .base = base };
    if (!base)
        return;
    neg->keeper = base->keeper;
    neg->route_downgrade = base->route_downgrade;
    neg->bridge = base->bridge;
    memcpy(neg->family, base->family, sizeof(neg->family));
    memcpy(neg->keyed, base->keyed, sizeof(neg->keyed));
}

int gh_neg_make_streams(struct gh_neg *neg, size_t count)
{
    neg->streams = calloc(count ? count : 1, sizeof(*neg->streams));
    neg->count = neg->streams ? count : 0;
    return neg->streams ? 0 : GH_ENOMEM;
}

void gh_neg_settled(struct gh_neg *neg)
{
    for (size_t i = 0; i < neg->count; i++) {
        gh_neg_keys_free(neg->streams[i].keys);
        neg->streams[i].keys = NULL;
        if (!neg->streams[i].live && !neg->streams[i].parked) {
            gh_neg_force_free(neg->streams[i].force);
            neg->streams[i].force = NULL;
        }
    }
    gh_sdp_free(neg->offer);
    gh_sdp_free(neg->answer);
    neg->offer = neg->answer = NULL;
    neg->base = NULL;
}

void gh_neg_fini(struct gh_neg *neg)
{
    if (!neg)
        return;
    gh_neg_settled(neg);
    for (size_t i = 0; i < neg->count; i++)
        gh_neg_force_free(neg->streams[i].force);
    free(neg->streams);
    neg->streams = NULL;
    neg->count = 0;
    gh_neg_said_free(neg);
}

void gh_neg_free(struct gh_neg *neg)
{
    gh_neg_fini(neg);
    free(neg);
}

int gh_neg_fork(struct gh_neg *out, const struct gh_neg *neg)
{
    bool whole = true;

    *out = *neg;
    out->offer = out->answer = NULL;
    out->streams = NULL;
    if (gh_neg_make_streams(out, neg->count))
        return GH_ENOMEM;
    for (int side = 0; side < 2; side++)
        whole = gh_neg_said_copy(&out->said[side], &neg->said[side]) && whole;
    for (size_t i = 0; i < neg->count; i++) {
        const struct gh_neg_stream *from = &neg->streams[i];

        out->streams[i] = *from;
        out->streams[i].keys = gh_neg_keys_copy(from->keys);
        out->streams[i].force = gh_neg_force_copy(from->force);
        whole =
            whole && !from->keys == !out->streams[i].keys && !from->force == !out->streams[i].force;
    }
    if (whole && !gh_sdp_clone(&out->offer, neg->offer))
        return 0;
    out->offer = NULL;
    gh_neg_fini(out);
    return GH_ENOMEM;
}

bool gh_neg_offers_srtp(const struct gh_neg_stream *stream)
{
    return stream->keys && stream->keys->pick >= 0;
}

bool gh_neg_offered_keys(const struct gh_neg *neg)
{
    for (size_t i = 0; i < neg->count; i++) {
        if (neg->streams[i].live && gh_neg_offers_srtp(&neg->streams[i]))
            return true;
    }
    return false;
}

bool gh_neg_offers_keys(const struct gh_neg *neg)
{
    for (size_t i = 0; i < neg->count; i++) {
        if (neg->streams[i].live && neg->streams[i].keys && neg->streams[i].keys->out_count)
            return true;
    }
    return false;
}

bool gh_neg_plan_has_keys(enum gh_offer_plan plan)
{
    return plan == GH_PLAN_AVP_WITH_KEYS || plan == GH_PLAN_SAVP;
}

const struct gh_neg_stream *gh_neg_base_stream(const struct gh_neg *neg, int index)
{
    const struct gh_neg_stream *stream;

    if (!neg->base || (size_t)index >= neg->base->count)
        return NULL;
    stream = &neg->base->streams[index];
    /* Also where the slot has another media type now (RFC 3264 section 8.2): who swaps types to and
     * fro does not make us forget what was keyed there, nor which packets came. */
    return stream->live || stream->parked ? stream : NULL;
}

int gh_neg_park(struct gh_neg *neg, int index)
{
    const struct gh_neg_stream *base = gh_neg_base_stream(neg, index);
    struct gh_neg_stream *stream = &neg->streams[index];

    if (!base || !base->force)
        return 0;
    if (!stream->force)
        stream->force = calloc(1, sizeof(*stream->force));
    if (!stream->force || gh_neg_force_set(stream->force, base->force))
        return GH_ENOMEM;
    memcpy(stream->side, base->side, sizeof(stream->side));
    stream->stream = base->stream;
    stream->exposed = base->exposed;
    stream->side[GH_SIDE_A].gone = stream->side[GH_SIDE_B].gone = false; /* both hear of it */
    stream->renew = false;
    stream->parked = true;
    return 0;
}

const struct gh_neg_stream *gh_neg_keyed_base(const struct gh_neg *neg, int index)
{
    const struct gh_neg_stream *base = gh_neg_base_stream(neg, index),
                               *stream = &neg->streams[index];

    return base && !stream->renew ? base : NULL;
}

enum gh_reason gh_neg_downgrade(struct gh_neg *neg, int index, int side,
                                const struct gh_neg_leg *leg, bool in_answer)
{
    const struct gh_neg_stream *slot = gh_neg_base_stream(neg, index);

    if (!neg->base || !neg->keyed[side])
        return GH_REASON_NONE;
    if (slot && slot->live && slot->side[side].suite == GH_SUITE_NONE)
        return GH_REASON_NONE; /* it was clear before */
    if (gh_policy_downgrade(leg->rules->on_downgrade, neg->route_downgrade, in_answer) !=
        GH_DO_MARK)
        return GH_REASON_DOWNGRADE_REFUSED;
    gh_marks_add(&neg->marks, GH_REASON_DOWNGRADE_REFUSED);
    if (slot && slot->side[side].suite != GH_SUITE_NONE)
        neg->streams[index].renew = true;
    return GH_REASON_NONE;
}

static bool among(const struct gh_neg_line *lines, size_t count, const struct gh_secret *key)
{
    for (size_t i = 0; i < count; i++) {
        if (gh_neg_is_among(key, &lines[i].key, lines[i].named))
            return true;
    }
    return false;
}

static bool in_force(const struct gh_neg_force *force, const struct gh_secret *key)
{
    for (int side = 0; side < 2; side++) {
        if (gh_neg_is_among(key, &force->rx[side], force->rx_named[side]) ||
            gh_secret_equal(key, &force->tx[side]))
            return true;
    }
    return false;
}

bool gh_neg_exposed(struct gh_neg *neg, const struct gh_secret *key)
{
    bool any = false;

    for (size_t i = 0; i < neg->count; i++) {
        const struct gh_neg_force *force = neg->streams[i].force;
        const struct gh_neg_keys *keys = neg->streams[i].keys;
        bool exposed = keys && (among(keys->offered, keys->offered_count, key) ||
                                among(keys->out, keys->out_count, key));

        if (exposed || (force && in_force(force, key)))
            neg->streams[i].exposed = any = true;
    }
    return any;
}

/* ---- reading --------------------------------------------------------------------------------- */

enum gh_reason gh_neg_parse(struct gh_neg *neg, struct gh_span text, struct gh_sdp **out)
{
    struct gh_sdp_error error = { 0 };
    int err = gh_sdp_parse(out, text, &error);

    if (err == GH_ENOMEM)
        return GH_REASON_INTERNAL;
    if (!err)
        return GH_REASON_NONE;
    snprintf(neg->fault, sizeof(neg->fault), "SDP line %u: %s", error.line,
             error.text ? error.text : "not understood");
    return GH_REASON_BAD_SDP;
}

/* RFC 5761 section 5.1.1: whose rtcp-mux is not taken has RTCP on a port of its own. */
static void unmux(struct gh_neg_side *near, const struct gh_sdp *doc, int index)
{
    struct gh_sdp_rtcp rtcp;

    near->rtcp = near->rtp;
    near->rtcp.port++;
    if (!gh_sdp_rtcp(doc, index, &rtcp) && rtcp.port && rtcp.port != near->rtp.port &&
        (!rtcp.has_addr || gh_addr_same_ip(&rtcp.addr, &near->rtp)))
        near->rtcp.port = rtcp.port;
}

void gh_neg_take_addresses(struct gh_neg *neg, int side, int index,
                           const struct gh_sdp_media_facts *facts, bool mux)
{
    struct gh_neg_side *near = &neg->streams[index].side[side];

    near->profile = facts->profile;
    if (!neg->family[side])
        neg->family[side] = facts->rtp.family;
    near->rtp = facts->rtp;
    near->rtcp = facts->rtcp;
    near->rtcp_mux = facts->rtcp_mux && mux;
    if (facts->rtcp_mux && !mux)
        unmux(near, side == neg->offerer ? neg->offer : neg->answer, index);
    if (facts->connection_any)
        near->rtp = near->rtcp = (struct gh_addr){ 0 };
    if (facts->profile == GH_PROFILE_UDPTL) { /* whatever stands beside it, there is no RTCP */
        near->rtcp = (struct gh_addr){ 0 };
        near->rtcp_mux = false;
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

/* A description near the limits may grow past them by our own lines. */
enum gh_reason gh_neg_written_reason(int err)
{
    return err == GH_ELIMIT ? GH_REASON_MESSAGE_TOO_LARGE : GH_REASON_INTERNAL;
}

/* Lines of the session level that tell who or where the other side is: u=, e=, p=. */
static int remove_contact_lines(struct gh_sdp *doc)
{
    struct gh_sdp_line line;

    for (size_t i = gh_sdp_line_count(doc); i-- > 0;) {
        int err = gh_sdp_line(doc, i, &line);

        if (!err && (line.type == 'u' || line.type == 'e' || line.type == 'p'))
            err = gh_sdp_remove_line(doc, i);
        if (err)
            return err;
    }
    return 0;
}

int gh_neg_make_ours(struct gh_sdp *doc, const struct gh_neg_self *self, bool proven)
{
    struct gh_sdp_origin_edit origin = {
        .username = GH_SPAN("gatehouse"),
        .set_id = true,
        .set_version = true,
        .id = self->session_id,
        .version = self->version,
        .addr = self->address,
    };
    int err = gh_sdp_set_origin(doc, &origin);

    if (!err)
        err = remove_contact_lines(doc);
    if (!err)
        err = gh_sdp_set_connection(doc, GH_SDP_SESSION, &self->address);
    gh_sdp_strip_keying(doc);
    gh_sdp_strip_not_relayed(doc);
    if (!proven)
        gh_sdp_strip_unknown(doc);
    gh_sdp_remove_attr(doc, GH_SDP_SESSION, "rtcp");
    for (int i = 0; !err && i < (int)gh_sdp_media_count(doc); i++) {
        gh_sdp_remove_attr(doc, i, "rtcp");
        gh_sdp_remove_attr(doc, i, "rtcp-mux");
        err = gh_sdp_remove_connection(doc, i);
        if (err == GH_ENOTFOUND)
            err = 0;
    }
    return err;
}

int gh_neg_zero_answer(const struct gh_neg *neg, const struct gh_neg_self *self,
                       struct gh_sdp **out)
{
    struct gh_sdp *doc = NULL;
    int err = neg->offer ? gh_sdp_clone(&doc, neg->offer) : GH_ESTATE;

    if (!err)
        err = gh_neg_make_ours(doc, self, false);
    for (int i = 0; !err && i < (int)gh_sdp_media_count(doc); i++)
        err = gh_sdp_disable_media(doc, i);
    if (err) {
        gh_sdp_free(doc);
        return err;
    }
    *out = doc;
    return 0;
}

/* ---- what follows from it -------------------------------------------------------------------- */

enum gh_grade gh_neg_best_grade(const struct gh_neg *neg, const struct gh_neg_leg *from,
                                const struct gh_neg_leg *to)
{
    enum gh_grade best = GH_GRADE_NONE;

    for (size_t i = 0; i < neg->count; i++) {
        const struct gh_neg_stream *stream = &neg->streams[i];
        bool keyed = neg->answer ? stream->side[!neg->offerer].suite != GH_SUITE_NONE
                                 : gh_neg_plan_has_keys(stream->plan);
        struct gh_hop_facts hop[2] = {
            { .signalling = from->signalling, .proof = GH_PROOF_SEEN },
            { .signalling = to->signalling, .proof = GH_PROOF_SEEN },
        };
        enum gh_grade grade;

        if (!stream->live || stream->plan == GH_PLAN_REFUSE)
            continue;
        hop[0].keying = stream->keys->pick >= 0 ? GH_KEYING_SDES : GH_KEYING_NONE;
        hop[1].keying = keyed ? GH_KEYING_SDES : GH_KEYING_NONE;
        grade = gh_policy_stream_grade(hop);
        best = best == GH_GRADE_NONE ? grade : gh_policy_beside(best, grade);
    }
    return best;
}

int gh_neg_media_set(const struct gh_neg_stream *stream, int side, struct gh_media_set *out)
{
    const struct gh_neg_side *near = &stream->side[side], *far = &stream->side[!side];
    const struct gh_neg_named *named = stream->force->rx_named[side];

    *out = (struct gh_media_set){
        .stream = stream->stream,
        .side = side,
        .remote_rtp = near->rtp,
        .remote_rtcp = near->rtcp,
        .rtcp_mux = near->rtcp_mux,
        .may_send = near->may_send,
        .may_receive = far->may_send,
        .path = near->path,
        .suite = near->suite,
        .datagrams = near->profile == GH_PROFILE_UDPTL,
        .rx_lifetime_pkts = stream->force->rx_lifetime_pkts[side],
        .payload_count = stream->force->payload_counts[side],
    };
    memcpy(out->payloads, stream->force->payloads[side], sizeof(out->payloads));
    /* Not in the literal, which the compiler may build elsewhere first. */
    out->rx_key = stream->force->rx[side];
    out->tx_key = stream->force->tx[side];
    out->tx_mki =
        (struct gh_media_mki){ stream->force->tx_mki[side] != 0, { stream->force->tx_mki[side] } };
    if (!named)
        return 0;
    out->rx_mki = named->mki;
    if (!named->more.count)
        return 0;
    out->rx_more = malloc(sizeof(*out->rx_more));
    if (!out->rx_more)
        return GH_ENOMEM;
    *out->rx_more = named->more;
    return 0;
}
