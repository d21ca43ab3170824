/* SPDX-License-Identifier: Apache-2.0 */
/* The first half of an exchange: the offer is read, judged, and written to the answerer. */
#include "call/neg_int.h"

/* ---- reading --------------------------------------------------------------------------------- */

/* What this m-line was before: ports and media stream go on. */
static void go_on(struct gh_neg_stream *stream, const struct gh_neg_stream *base)
{
    if (!base)
        return;
    stream->stream = base->stream;
    for (int side = 0; side < 2; side++)
        stream->side[side].port = base->side[side].port;
}

static enum gh_keying_seen keying_seen(const struct gh_neg_keys *keys,
                                       const struct gh_sdp_media_facts *facts)
{
    if (keys->pick >= 0)
        return GH_SEEN_SDES;
    if (facts->crypto_count)
        return GH_SEEN_SDES_UNUSABLE;
    return facts->offers & GH_SDP_OFFERS_DTLS ? GH_SEEN_DTLS : GH_SEEN_NOTHING;
}

/* The keying of one m-line: which line we would answer with, and whether that is RTP or SRTP. */
static enum gh_reason judge_keys(struct gh_neg *neg, int index, const struct gh_neg_leg *from,
                                 const struct gh_sdp_media_facts *facts)
{
    struct gh_neg_keys *keys = neg->streams[index].keys;
    struct gh_crypto_facts lines[GH_NEG_LINES_MAX];
    struct gh_stream_judgement judged;
    enum gh_reason reason;

    if (gh_neg_read_lines(neg->offer, index, from, keys->offered, &keys->offered_count))
        return GH_REASON_INTERNAL;
    for (size_t i = 0; i < keys->offered_count; i++)
        lines[i] = keys->offered[i].facts;
    /* RFC 4568 section 4.1: tags of one m-line are unique; with one twice nobody knows which line
     * an answer means. */
    keys->pick = facts->crypto_tag_twice
                     ? -1
                     : gh_policy_crypto_pick(lines, keys->offered_count, from->rules);
    judged = gh_policy_offer_in(from->rules->srtp, from->signalling, facts->profile,
                                keying_seen(keys, facts));
    if (judged.verdict == GH_STREAM_REFUSE) {
        if (judged.reason == GH_REASON_NO_USABLE_CRYPTO ||
            (judged.reason == GH_REASON_SRTP_REQUIRED && keys->offered_count && keys->pick < 0))
            gh_neg_say_lines(neg, index, from, keys->offered, keys->offered_count,
                             facts->crypto_tag_twice);
        return judged.reason;
    }
    reason = gh_neg_declare(neg, neg->offerer, index, keys->offered, keys->offered_count);
    if (reason != GH_REASON_NONE)
        return reason;
    if (judged.verdict == GH_STREAM_RTP) {
        keys->pick = -1;
        reason = gh_neg_downgrade(neg, index, neg->offerer, from, false);
    }
    if (reason == GH_REASON_NONE)
        gh_marks_add(&neg->marks, judged.reason);
    return reason;
}

static enum gh_reason offer_stream(struct gh_neg *neg, int index, const struct gh_neg_leg *from)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    struct gh_sdp_media_facts facts;
    enum gh_reason reason;

    if (gh_sdp_media_facts(neg->offer, index, &facts))
        return GH_REASON_INTERNAL;
    stream->kind = facts.kind;
    stream->offer_profile = facts.profile;
    stream->direction = facts.direction;
    if (facts.port == 0)
        return GH_REASON_NONE;
    if (facts.profile == GH_PROFILE_DTLS)
        return GH_REASON_KEYING_NOT_AVAILABLE;
    if (facts.profile == GH_PROFILE_OTHER) {
        gh_neg_say(neg, index, "a profile or transport that is not relayed");
        return GH_REASON_MEDIA_NOT_RELAYED;
    }
    if (!gh_neg_address_relayed(neg, neg->offerer, index, &facts, from))
        return GH_REASON_MEDIA_NOT_RELAYED;
    go_on(stream, gh_neg_base_stream(neg, index));
    gh_neg_take_addresses(neg, neg->offerer, index, &facts, from->mux != GH_MUX_REFUSE);
    stream->keys = calloc(1, sizeof(*stream->keys));
    stream->force = calloc(1, sizeof(*stream->force));
    if (!stream->keys || !stream->force)
        return GH_REASON_INTERNAL;
    reason = judge_keys(neg, index, from, &facts);
    stream->live = reason == GH_REASON_NONE;
    return reason;
}

/* The reason to refuse a whole description when no stream of it is live.  What was there and is off
 * now is no reason: a call may go on without media. */
static enum gh_reason none_left(const struct gh_neg *neg)
{
    enum gh_reason first = neg->base ? GH_REASON_NONE : GH_REASON_MEDIA_NOT_RELAYED;

    for (size_t i = neg->count; i-- > 0;) {
        if (neg->streams[i].live)
            return GH_REASON_NONE;
        if (neg->streams[i].reason != GH_REASON_NONE)
            first = neg->streams[i].reason;
    }
    return first;
}

enum gh_reason gh_neg_offer_in(struct gh_neg *neg, struct gh_span sdp,
                               const struct gh_neg_leg *from)
{
    enum gh_reason reason = gh_neg_parse(neg, sdp, &neg->offer);
    char fault[GH_NEG_FAULT_MAX] = "";
    bool refused = false;

    if (reason != GH_REASON_NONE)
        return reason;
    neg->media_count = gh_sdp_media_count(neg->offer);
    if (gh_neg_make_streams(neg, neg->media_count < GH_NEG_STREAMS_MAX ? neg->media_count
                                                                       : GH_NEG_STREAMS_MAX))
        return GH_REASON_INTERNAL;
    /* RFC 3264 section 8: m-lines stay for the life of a session. */
    if (neg->base && neg->media_count < neg->base->media_count) {
        snprintf(neg->fault, sizeof(neg->fault), "%zu m-lines, the session has %zu already",
                 neg->media_count, neg->base->media_count);
        return GH_REASON_BAD_SDP;
    }
    for (size_t i = 0; i < neg->count; i++) {
        neg->streams[i].reason = reason = offer_stream(neg, (int)i, from);
        if (!refused && reason != GH_REASON_NONE)
            memcpy(fault, neg->fault, sizeof(fault));
        refused |= reason != GH_REASON_NONE;
        neg->fault[0] = 0;
        if (!neg->streams[i].live && gh_neg_park(neg, (int)i))
            reason = GH_REASON_INTERNAL;
        /* What touches the whole call, not one m-line of it. */
        if (reason == GH_REASON_INTERNAL || reason == GH_REASON_DOWNGRADE_REFUSED ||
            reason == GH_REASON_KEY_EXPOSED || reason == GH_REASON_KEY_ECHOED)
            return reason;
    }
    reason = none_left(neg);
    /* The first refused stream's reason is that of all; a call that goes on has no fault. */
    if (reason != GH_REASON_NONE && refused)
        memcpy(neg->fault, fault, sizeof(neg->fault));
    return reason;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The offerer's usable lines that the answerer's profile lists too: same suite, same key, our tag.
 * Not with an MKI: its packets cannot go on as they are. */
static void copy_lines(struct gh_neg_keys *keys, const struct gh_neg_leg *from,
                       const struct gh_neg_leg *to)
{
    for (size_t i = 0; i < keys->offered_count; i++) {
        const struct gh_neg_line *offered = &keys->offered[i];
        struct gh_neg_line *out = &keys->out[keys->out_count];

        if (offered->named ||
            gh_policy_crypto_usable(&offered->facts, from->rules) != GH_CRYPTO_USABLE ||
            gh_policy_crypto_usable(&offered->facts, to->rules) != GH_CRYPTO_USABLE)
            continue;
        *out = *offered;
        out->facts.tag = (uint32_t)++keys->out_count;
        out->copy_of = (int)i;
    }
}

static bool suite_in(const struct gh_neg_keys *keys, enum gh_suite suite)
{
    for (size_t i = 0; i < keys->out_count; i++) {
        if (keys->out[i].facts.suite == suite)
            return true;
    }
    return false;
}

uint8_t gh_neg_fresh_mki(const struct gh_neg_leg *to, const struct gh_neg_stream *base, int side)
{
    uint8_t before = base ? base->force->tx_mki[side] : 0;

    return to->mki == GH_MKI_OFFER ? (uint8_t)(before % UINT8_MAX + 1) : 0;
}

struct gh_crypto_facts gh_neg_good_facts(enum gh_suite suite, uint32_t tag)
{
    return (struct gh_crypto_facts){ .parsed = true,
                                     .tag = tag,
                                     .suite = suite,
                                     .key_ok = true,
                                     .key_count = 1,
                                     .mki_ok = true,
                                     .lifetime_ok = true };
}

/* Our own key for a suite: the one that is in force, if nobody else has seen it, or a fresh one. */
static int own_line(struct gh_neg_line *line, enum gh_suite suite, uint32_t tag,
                    const struct gh_neg_leg *to, const struct gh_neg_stream *base, int side)
{
    line->facts = gh_neg_good_facts(suite, tag);
    line->copy_of = -1;
    if (base && !base->exposed && base->force->own[side] && !base->side[side].worn &&
        base->side[side].suite == suite) {
        line->key = base->force->tx[side];
        line->own_mki = base->force->tx_mki[side];
        return 0;
    }
    line->own_mki = gh_neg_fresh_mki(to, base, side);
    return gh_secret_draw(&line->key, suite);
}

/* What we offer for one stream: copies first, then our own keys for the answerer's other suites. */
static int plan_lines(struct gh_neg *neg, int index, const struct gh_neg_leg *from,
                      const struct gh_neg_leg *to)
{
    struct gh_neg_keys *keys = neg->streams[index].keys;
    int err = 0, side = !neg->offerer;

    explicit_bzero(keys->out, sizeof(keys->out));
    keys->out_count = 0;
    if (!gh_neg_plan_has_keys(neg->streams[index].plan))
        return 0;
    if (keys->pick >= 0 && !neg->bridge)
        copy_lines(keys, from, to);
    for (size_t i = 0; !err && i < to->rules->suite_count; i++) {
        enum gh_suite suite = to->rules->suites[i];

        if (suite_in(keys, suite))
            continue;
        err = own_line(&keys->out[keys->out_count], suite, (uint32_t)keys->out_count + 1, to,
                       gh_neg_keyed_base(neg, index), side);
        keys->out_count++;
    }
    for (size_t i = 0; !err && neg->keeper.wrote && i < keys->out_count; i++)
        err = neg->keeper.wrote(neg->keeper.arg, side, (unsigned)index, &keys->out[i].key);
    return err;
}

static struct gh_span proto_text(enum gh_offer_plan plan, bool feedback)
{
    if (plan == GH_PLAN_SAVP)
        return feedback ? GH_SPAN("RTP/SAVPF") : GH_SPAN("RTP/SAVP");
    return feedback ? GH_SPAN("RTP/AVPF") : GH_SPAN("RTP/AVP");
}

static int write_offer_stream(struct gh_neg *neg, struct gh_sdp *doc, int index,
                              const struct gh_neg_leg *to)
{
    const struct gh_neg_stream *stream = &neg->streams[index];
    bool rtp = stream->plan != GH_PLAN_UDPTL;
    struct gh_sdp_media media;
    int err = gh_sdp_media(doc, index, &media);

    if (!err && rtp)
        err = gh_sdp_set_proto(doc, index, proto_text(stream->plan, media.feedback));
    if (!err)
        err = gh_sdp_set_port(doc, index, stream->side[!neg->offerer].port);
    if (!err && rtp && to->mux == GH_MUX_OFFER)
        err = gh_sdp_append_attr(doc, index, "rtcp-mux", (struct gh_span){ 0 });
    return err;
}

int gh_neg_write_lines(struct gh_sdp *doc, int index, const struct gh_neg_keys *keys)
{
    int err = 0;

    for (size_t i = 0; !err && keys && i < keys->out_count; i++) {
        const struct gh_neg_line *line = &keys->out[i];

        err = gh_sdp_add_crypto(doc, index, line->facts.tag, line->facts.suite, line->key.octets,
                                line->key.len, line->lifetime_pkts, line->own_mki);
    }
    return err;
}

/* What is SRTP already is not offered as if it could do without: the profile in force stays. */
static enum gh_offer_plan kept_plan(const struct gh_neg *neg, int index, enum gh_offer_plan plan)
{
    const struct gh_neg_stream *base = gh_neg_base_stream(neg, index);
    const struct gh_neg_side *was = base ? &base->side[!neg->offerer] : NULL;

    if (!gh_neg_plan_has_keys(plan) || !was || was->suite == GH_SUITE_NONE)
        return plan;
    return was->profile == GH_PROFILE_SAVP ? GH_PLAN_SAVP : GH_PLAN_AVP_WITH_KEYS;
}

/*
 * What each live stream is to be for the answerer's trunk.  One that it cannot have is refused to
 * this destination alone, with port 0: another one may take it.
 * @return NONE, or why the whole offer is refused: a downgrade, or there is nothing else in it
 */
static enum gh_reason plan_streams(struct gh_neg *neg, const struct gh_neg_leg *to)
{
    enum gh_reason refused = GH_REASON_NONE;
    size_t planned = 0;

    for (size_t i = 0; i < neg->count; i++) {
        struct gh_neg_stream *stream = &neg->streams[i];
        struct gh_offer_judgement judged;
        enum gh_reason reason = GH_REASON_NONE;

        if (!stream->live)
            continue;
        judged = gh_policy_offer_out(to->rules->srtp, to->signalling, to->rules->best_effort,
                                     stream->offer_profile);
        stream->plan = kept_plan(neg, (int)i, judged.plan);
        if (judged.plan == GH_PLAN_REFUSE) {
            refused = refused == GH_REASON_NONE ? judged.reason : refused;
            continue;
        }
        planned++;
        /* Keyed towards the answerer before, and offered without keys now. */
        if (!gh_neg_plan_has_keys(stream->plan))
            reason = gh_neg_downgrade(neg, (int)i, !neg->offerer, to, false);
        if (reason != GH_REASON_NONE)
            return reason;
        gh_marks_add(&neg->plan_marks, judged.reason);
    }
    return planned ? GH_REASON_NONE : refused;
}

enum gh_reason gh_neg_offer_out(struct gh_neg *neg, const struct gh_neg_leg *from,
                                const struct gh_neg_leg *to, const struct gh_neg_self *self,
                                bool first, struct gh_sdp **out)
{
    struct gh_offer_judgement judged = gh_policy_offer_out(to->rules->srtp, to->signalling,
                                                           to->rules->best_effort, GH_PROFILE_AVP);
    enum gh_reason reason;
    struct gh_sdp *doc = NULL;
    int err;

    /* Where not even RTP may go, nothing is written, were there no m-line at all. */
    if (judged.plan == GH_PLAN_REFUSE)
        return judged.reason;
    /* What was said of another destination's trunk is not true of this one. */
    neg->plan_marks = (struct gh_marks){ 0 };
    reason = plan_streams(neg, to);
    if (reason != GH_REASON_NONE)
        return reason;
    neg->bridge = (neg->base && neg->base->bridge) || !first || from->bridge || to->bridge;
    err = gh_sdp_clone(&doc, neg->offer);
    if (!err)
        err = gh_neg_make_ours(doc, self, to->signalling == GH_SIG_TLS_VERIFIED);
    for (int i = 0; !err && i < (int)neg->media_count; i++) {
        if (i >= (int)neg->count || !neg->streams[i].live) {
            err = gh_sdp_disable_media(doc, i);
            continue;
        }
        err = plan_lines(neg, i, from, to);
        if (!err && neg->streams[i].plan == GH_PLAN_REFUSE)
            err = gh_sdp_disable_media(doc, i);
        else if (!err)
            err = write_offer_stream(neg, doc, i, to);
    }
    if (!err)
        err = gh_neg_keep_said(neg, !neg->offerer, doc, self->version);
    for (size_t i = 0; !err && i < neg->count; i++) {
        if (neg->streams[i].live && neg->streams[i].plan != GH_PLAN_REFUSE)
            err = gh_neg_write_lines(doc, (int)i, neg->streams[i].keys);
    }
    if (err) {
        gh_sdp_free(doc);
        return gh_neg_written_reason(err);
    }
    *out = doc;
    return GH_REASON_NONE;
}
