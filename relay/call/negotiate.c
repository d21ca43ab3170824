/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offer and answer across the B2BUA: RFC 3264, RFC 4568, RFC 8643.  Which paths result is told in
 * design words: `pass` where the far side picked the very line that the near side declared, `bridge` where
 * we stand between two keys, `clear` where neither side has one.
 */
#include "call/negotiate.h"

#include <stdlib.h>

struct line {
    struct gh_crypto_facts facts;
    struct gh_secret key;
    uint64_t lifetime_pkts; /* as its owner declared it; 0: none */
    int copy_of;            /* index among the offerer's lines; -1: our own key */
};

#define OUT_LINES_MAX (GH_NEG_LINES_MAX + GH_TRUNK_SUITES_MAX)

struct gh_neg_keys {
    struct line offered[GH_NEG_LINES_MAX]; /* by side a */
    size_t offered_count;
    int pick;                              /* what we answer with, unless b picks a copied one; -1: none */
    struct line out[OUT_LINES_MAX];        /* by us, to side b */
    size_t out_count;
    struct gh_secret rx[2], tx[2];         /* settled */
    uint64_t rx_lifetime_pkts;             /* of b's key */
    uint64_t tx_lifetime_pkts;             /* of the key that we declare to a: b's, if it is passed on */
};

void gh_neg_init(struct gh_neg *neg)
{
    *neg = (struct gh_neg){ 0 };
}

static void keys_free(struct gh_neg_keys *keys)
{
    if (keys)
        explicit_bzero(keys, sizeof(*keys));
    free(keys);
}

void gh_neg_settled(struct gh_neg *neg)
{
    for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++) {
        keys_free(neg->streams[i].keys);
        neg->streams[i].keys = NULL;
    }
    gh_sdp_free(neg->offer);
    gh_sdp_free(neg->answer);
    neg->offer = neg->answer = NULL;
}

void gh_neg_fini(struct gh_neg *neg)
{
    if (neg)
        gh_neg_settled(neg);
}

bool gh_neg_offered_keys(const struct gh_neg *neg)
{
    for (size_t i = 0; i < neg->count; i++) {
        if (neg->streams[i].live && neg->streams[i].keys && neg->streams[i].keys->pick >= 0)
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

void gh_neg_mark(struct gh_neg *neg, enum gh_reason mark)
{
    if (mark == GH_REASON_NONE || mark == GH_REASON_NO_RULE)
        return;
    for (size_t i = 0; i < neg->mark_count; i++) {
        if (neg->marks[i] == mark)
            return;
    }
    if (neg->mark_count < GH_NEG_MARKS_MAX)
        neg->marks[neg->mark_count++] = mark;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static enum gh_reason parse(struct gh_neg *neg, struct gh_span text, struct gh_sdp **out)
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

static struct gh_crypto_facts crypto_facts(const struct gh_sdp_crypto *crypto)
{
    /* RFC 3711 section 9.2: a key lives for at most 2^48 SRTP packets (2^31 SRTCP). */
    const uint64_t lifetime_max = 1ULL << 48;
    struct gh_crypto_facts facts = {
        .parsed = crypto->parseable,
        .tag = crypto->tag,
        .suite = crypto->suite,
        .key_ok = crypto->key_len_right && !crypto->key_all_equal,
        .key_count = (unsigned)crypto->key_count,
        .mki = crypto->has_mki,
        .mki_ok = true,
        .lifetime_ok = true,
        .params_required = !crypto->params_harmless,
    };

    for (size_t i = 0; crypto->parseable && i < crypto->key_count; i++) {
        uint8_t mki[GH_SDP_MKI_MAX];

        if (crypto->keys[i].mki_octets && gh_sdp_crypto_mki(&crypto->keys[i], mki))
            facts.mki_ok = false;
        if (crypto->keys[i].lifetime_pkts > lifetime_max)
            facts.lifetime_ok = false;
    }
    return facts;
}

/* The first GH_NEG_LINES_MAX a=crypto lines of an m-line with their keys.  An unusable line has none. */
static int read_lines(const struct gh_sdp *doc, int index, struct line *lines, size_t *count)
{
    struct gh_sdp_crypto crypto;
    uint8_t key[GH_SUITE_KEY_MAX];
    size_t len;
    int err = 0;

    for (*count = 0; *count < GH_NEG_LINES_MAX; (*count)++) {
        struct line *line = &lines[*count];

        if (gh_sdp_crypto(doc, index, *count, &crypto))
            break;
        line->facts = crypto_facts(&crypto);
        line->copy_of = -1;
        /* MKI is offered and accepted by the media plane later; until then such a line is not usable. */
        if (line->facts.mki || line->facts.key_count != 1)
            line->facts.mki_ok = false;
        if (!line->facts.parsed || !line->facts.key_ok)
            continue;
        line->lifetime_pkts = crypto.keys[0].lifetime_pkts;
        err = gh_sdp_crypto_key(&crypto, 0, key, &len);
        if (!err)
            err = gh_secret_set(&line->key, key, len);
        if (err)
            break;
    }
    explicit_bzero(key, sizeof(key));
    explicit_bzero(&crypto, sizeof(crypto));
    return err;
}

/* Whether an address can be media's at all, and of the family that we have. */
static bool address_relayed(const struct gh_sdp_media_facts *facts, const struct gh_addr *ours)
{
    if (facts->host_is_name || facts->multicast || facts->rtp.family == 0)
        return false;
    return facts->rtp.family == ours->family;
}

static void take_addresses(struct gh_neg_side *side, const struct gh_sdp_media_facts *facts)
{
    side->rtp = facts->rtp;
    side->rtcp = facts->rtcp;
    side->rtcp_mux = false; /* negotiated per leg; not offered and not accepted yet */
    if (facts->connection_any)
        side->rtp = side->rtcp = (struct gh_addr){ 0 };
}

static enum gh_reason offer_stream(struct gh_neg *neg, int index, const struct gh_neg_leg *a,
                                   const struct gh_addr *media_address)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    struct gh_crypto_facts lines[GH_NEG_LINES_MAX];
    struct gh_sdp_media_facts facts;
    struct gh_stream_judgement judged;
    enum gh_keying_seen seen = GH_SEEN_NOTHING;
    struct gh_neg_keys *keys;

    if (gh_sdp_media_facts(neg->offer, index, &facts))
        return GH_REASON_INTERNAL;
    stream->kind = facts.kind;
    stream->offer_profile = facts.profile;
    stream->direction = facts.direction;
    if (facts.port == 0)
        return GH_REASON_NONE;
    if (facts.profile == GH_PROFILE_DTLS)
        return GH_REASON_KEYING_NOT_AVAILABLE;
    if (facts.profile == GH_PROFILE_OTHER || !address_relayed(&facts, media_address))
        return GH_REASON_MEDIA_NOT_RELAYED;
    take_addresses(&stream->side[GH_SIDE_A], &facts);

    keys = stream->keys = calloc(1, sizeof(*keys));
    if (!keys || read_lines(neg->offer, index, keys->offered, &keys->offered_count))
        return GH_REASON_INTERNAL;
    for (size_t i = 0; i < keys->offered_count; i++)
        lines[i] = keys->offered[i].facts;
    /* RFC 4568 section 4.1: tags of one m-line are unique; with one twice nobody knows which line an answer means. */
    keys->pick = facts.crypto_tag_twice ? -1
                                        : gh_policy_crypto_pick(lines, keys->offered_count, a->rules);
    if (keys->pick >= 0)
        seen = GH_SEEN_SDES;
    else if (facts.crypto_count)
        seen = GH_SEEN_SDES_UNUSABLE;
    else if (facts.offers & GH_SDP_OFFERS_DTLS)
        seen = GH_SEEN_DTLS;
    judged = gh_policy_offer_in(a->rules->srtp, a->signalling, facts.profile, seen);
    if (judged.verdict == GH_STREAM_REFUSE)
        return judged.reason;
    if (judged.verdict == GH_STREAM_RTP)
        keys->pick = -1;
    gh_neg_mark(neg, judged.reason);
    stream->live = true;
    return GH_REASON_NONE;
}

/* The reason to refuse a whole description when no stream of it is live. */
static enum gh_reason none_left(const struct gh_neg *neg)
{
    enum gh_reason first = GH_REASON_MEDIA_NOT_RELAYED;

    for (size_t i = neg->count; i-- > 0;) {
        if (neg->streams[i].live)
            return GH_REASON_NONE;
        if (neg->streams[i].reason != GH_REASON_NONE)
            first = neg->streams[i].reason;
    }
    return first;
}

enum gh_reason gh_neg_offer_in(struct gh_neg *neg, struct gh_span sdp, const struct gh_neg_leg *a,
                               const struct gh_addr *media_address)
{
    enum gh_reason reason = parse(neg, sdp, &neg->offer);

    if (reason != GH_REASON_NONE)
        return reason;
    neg->media_count = gh_sdp_media_count(neg->offer);
    neg->count = neg->media_count < GH_NEG_STREAMS_MAX ? neg->media_count : GH_NEG_STREAMS_MAX;
    for (size_t i = 0; i < neg->count; i++) {
        neg->streams[i].reason = offer_stream(neg, (int)i, a, media_address);
        if (neg->streams[i].reason == GH_REASON_INTERNAL)
            return GH_REASON_INTERNAL;
    }
    return none_left(neg);
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* A description near the limits may grow past them by our own lines. */
static enum gh_reason written_reason(int err)
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

/* Everything in a document that names a side is replaced by ours; keying of the other side goes. */
static int make_ours(struct gh_sdp *doc, const struct gh_neg_self *self, bool proven)
{
    struct gh_sdp_origin_edit origin = {
        .username = GH_SPAN("gatehouse"), .set_id = true, .set_version = true,
        .id = self->session_id, .version = self->version, .addr = self->address,
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

/* The offerer's usable lines that the answerer's profile lists too: same suite, same key, our tag. */
static void copy_lines(struct gh_neg_keys *keys, const struct gh_neg_leg *a, const struct gh_neg_leg *b)
{
    for (size_t i = 0; i < keys->offered_count; i++) {
        const struct line *from = &keys->offered[i];
        struct line *to = &keys->out[keys->out_count];

        if (gh_policy_crypto_usable(&from->facts, a->rules) != GH_CRYPTO_USABLE ||
            gh_policy_crypto_usable(&from->facts, b->rules) != GH_CRYPTO_USABLE)
            continue;
        *to = *from;
        to->facts.tag = (uint32_t)++keys->out_count;
        to->copy_of = (int)i;
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

static int own_line(struct line *line, enum gh_suite suite, uint32_t tag)
{
    line->facts = (struct gh_crypto_facts){ .parsed = true, .tag = tag, .suite = suite, .key_ok = true,
                                            .key_count = 1, .mki_ok = true, .lifetime_ok = true };
    line->copy_of = -1;
    return gh_secret_draw(&line->key, suite);
}

/* What we offer to side b for one stream: copies first, then our own keys for its other suites. */
static int plan_lines(struct gh_neg_stream *stream, const struct gh_neg_leg *a, const struct gh_neg_leg *b,
                      bool bridge)
{
    struct gh_neg_keys *keys = stream->keys;
    int err = 0;

    explicit_bzero(keys->out, sizeof(keys->out));
    keys->out_count = 0;
    if (stream->plan == GH_PLAN_RTP)
        return 0;
    if (keys->pick >= 0 && !bridge)
        copy_lines(keys, a, b);
    for (size_t i = 0; !err && i < b->rules->suite_count; i++) {
        enum gh_suite suite = b->rules->suites[i];

        if (suite_in(keys, suite))
            continue;
        err = own_line(&keys->out[keys->out_count], suite, (uint32_t)keys->out_count + 1);
        keys->out_count++;
    }
    return err;
}

static struct gh_span proto_text(enum gh_offer_plan plan, bool feedback)
{
    if (plan == GH_PLAN_SAVP)
        return feedback ? GH_SPAN("RTP/SAVPF") : GH_SPAN("RTP/SAVP");
    return feedback ? GH_SPAN("RTP/AVPF") : GH_SPAN("RTP/AVP");
}

static int write_offer_stream(struct gh_sdp *doc, int index, struct gh_neg_stream *stream)
{
    struct gh_sdp_media media;
    int err = gh_sdp_media(doc, index, &media);

    if (!err)
        err = gh_sdp_set_proto(doc, index, proto_text(stream->plan, media.feedback));
    if (!err)
        err = gh_sdp_set_port(doc, index, stream->side[GH_SIDE_B].port);
    for (size_t i = 0; !err && i < stream->keys->out_count; i++) {
        const struct line *line = &stream->keys->out[i];

        err = gh_sdp_add_crypto(doc, index, line->facts.tag, line->facts.suite, line->key.octets,
                                line->key.len, line->lifetime_pkts);
    }
    return err;
}

/* What was said of another destination's trunk is not true of this one. */
static void mark_plan(struct gh_neg *neg, enum gh_reason mark)
{
    size_t kept = 0;

    for (size_t i = 0; i < neg->mark_count; i++) {
        if (neg->marks[i] != neg->plan_mark)
            neg->marks[kept++] = neg->marks[i];
    }
    neg->mark_count = kept;
    gh_neg_mark(neg, mark);
    neg->plan_mark = neg->mark_count > kept ? mark : GH_REASON_NO_RULE;
}

enum gh_reason gh_neg_offer_out(struct gh_neg *neg, const struct gh_neg_leg *a, const struct gh_neg_leg *b,
                                const struct gh_neg_self *self, bool first, struct gh_sdp **out)
{
    struct gh_offer_judgement judged = gh_policy_offer_out(b->rules->srtp, b->signalling,
                                                           b->rules->best_effort);
    bool proven = b->signalling == GH_SIG_TLS_VERIFIED;
    struct gh_sdp *doc = NULL;
    int err;

    if (judged.plan == GH_PLAN_REFUSE)
        return judged.reason;
    mark_plan(neg, judged.reason);
    neg->bridge = !first || a->bridge || b->bridge;
    err = gh_sdp_clone(&doc, neg->offer);
    if (!err)
        err = make_ours(doc, self, proven);
    for (int i = 0; !err && i < (int)neg->media_count; i++) {
        struct gh_neg_stream *stream = i < (int)neg->count ? &neg->streams[i] : NULL;

        if (!stream || !stream->live) {
            err = gh_sdp_disable_media(doc, i);
            continue;
        }
        stream->plan = judged.plan;
        err = plan_lines(stream, a, b, neg->bridge);
        if (!err)
            err = write_offer_stream(doc, i, stream);
    }
    if (err) {
        gh_sdp_free(doc);
        return written_reason(err);
    }
    *out = doc;
    return GH_REASON_NONE;
}

/* ---- the answer --------------------------------------------------------------------------------- */

/* Does the answer bring a key that is used, or was offered, for another direction?  One key for two directions is one
 * keystream used twice; and side a's key in b's mouth came to b on a way that we do not know. */
static bool echoed(const struct gh_neg_keys *keys, const struct gh_secret *key)
{
    for (size_t i = 0; i < keys->offered_count; i++) {
        if (gh_secret_equal(key, &keys->offered[i].key))
            return true;
    }
    for (size_t i = 0; i < keys->out_count; i++) {
        if (gh_secret_equal(key, &keys->out[i].key))
            return true;
    }
    return false;
}

static enum gh_reason settle_answer_line(struct gh_neg *neg, struct gh_neg_stream *stream, int index,
                                         enum gh_profile profile, const struct gh_neg_leg *b,
                                         bool srtp_fallback)
{
    struct gh_neg_keys *keys = stream->keys;
    struct gh_crypto_facts offered[OUT_LINES_MAX], answered[GH_NEG_LINES_MAX];
    struct line lines[GH_NEG_LINES_MAX] = { 0 };
    struct gh_stream_judgement judged;
    enum gh_answer_crypto crypto;
    enum gh_reason reason = GH_REASON_INTERNAL;
    size_t count, which = 0;

    if (read_lines(neg->answer, index, lines, &count))
        goto out;
    for (size_t i = 0; i < keys->out_count; i++)
        offered[i] = keys->out[i].facts;
    for (size_t i = 0; i < count; i++)
        answered[i] = lines[i].facts;
    crypto = gh_policy_answer_crypto(offered, keys->out_count, answered, count, b->rules, &which);
    judged = gh_policy_answer_in(stream->plan, b->rules->srtp, b->signalling, profile, crypto,
                                 b->rules->strict_tags, srtp_fallback);
    reason = judged.reason;
    if (judged.verdict == GH_STREAM_REFUSE)
        goto out;
    gh_neg_mark(neg, judged.reason);
    if (crypto == GH_ANSWER_RENUMBERED)
        gh_neg_mark(neg, GH_REASON_TAG_RENUMBERED);
    reason = GH_REASON_NONE;
    if (judged.verdict == GH_STREAM_SRTP) {
        if (echoed(keys, &lines[0].key)) {
            reason = gh_policy_key_memory(GH_KEY_SEEN_ECHOED, GH_KEY_REUSE_REFUSE).reason;
            goto out;
        }
        stream->side[GH_SIDE_B].suite = keys->out[which].facts.suite;
        keys->rx[GH_SIDE_B] = lines[0].key;
        keys->rx_lifetime_pkts = lines[0].lifetime_pkts;
        keys->tx[GH_SIDE_B] = keys->out[which].key;
        if (keys->out[which].copy_of >= 0)
            keys->pick = keys->out[which].copy_of;
        stream->side[GH_SIDE_A].path = keys->out[which].copy_of >= 0 ? GH_PATH_PASS : GH_PATH_BRIDGE;
    }
out:
    explicit_bzero(lines, sizeof(lines));
    return reason;
}

/* RFC 3264 section 6.1: the answer's direction is the answerer's view; both must allow a flow. */
static void settle_direction(struct gh_neg_stream *stream, enum gh_direction answer)
{
    stream->side[GH_SIDE_A].may_send = (stream->direction & GH_SENDONLY) && (answer & GH_RECVONLY);
    stream->side[GH_SIDE_B].may_send = (stream->direction & GH_RECVONLY) && (answer & GH_SENDONLY);
}

static enum gh_reason answer_stream(struct gh_neg *neg, int index, const struct gh_neg_leg *b,
                                    const struct gh_addr *media_address, bool srtp_fallback)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    struct gh_sdp_media_facts facts;

    if (gh_sdp_media_facts(neg->answer, index, &facts))
        return GH_REASON_INTERNAL;
    if (!stream->live)
        return GH_REASON_NONE; /* we offered port 0; whatever the answer says, it stays refused */
    if (facts.port == 0) {
        stream->live = false;
        return GH_REASON_NONE;
    }
    if (facts.kind != stream->kind) {
        snprintf(neg->fault, sizeof(neg->fault), "m-line %d: not the offered media type", index + 1);
        return GH_REASON_BAD_SDP;
    }
    if (facts.profile == GH_PROFILE_OTHER || facts.profile == GH_PROFILE_DTLS)
        return GH_REASON_PROFILE_MISMATCH;
    if (!address_relayed(&facts, media_address))
        return GH_REASON_MEDIA_NOT_RELAYED;
    take_addresses(&stream->side[GH_SIDE_B], &facts);
    settle_direction(stream, facts.direction);
    return settle_answer_line(neg, stream, index, facts.profile, b, srtp_fallback);
}

enum gh_reason gh_neg_answer_in(struct gh_neg *neg, struct gh_span sdp, const struct gh_neg_leg *b,
                                const struct gh_addr *media_address, bool srtp_fallback)
{
    enum gh_reason reason = parse(neg, sdp, &neg->answer);

    if (reason != GH_REASON_NONE)
        return reason;
    if (gh_sdp_media_count(neg->answer) != neg->media_count) {
        snprintf(neg->fault, sizeof(neg->fault), "the answer has %zu m-lines, the offer had %zu",
                 gh_sdp_media_count(neg->answer), neg->media_count);
        return GH_REASON_BAD_SDP;
    }
    for (size_t i = 0; i < neg->count; i++) {
        reason = answer_stream(neg, (int)i, b, media_address, srtp_fallback);
        if (reason != GH_REASON_NONE)
            return reason;
    }
    return GH_REASON_NONE;
}

/* Key and path towards side a, now that side b has chosen. */
static int settle_offerer(struct gh_neg_stream *stream, bool bridge)
{
    struct gh_neg_keys *keys = stream->keys;
    struct gh_neg_side *a = &stream->side[GH_SIDE_A], *b = &stream->side[GH_SIDE_B];
    int err = 0;

    if (keys->pick >= 0) {
        a->suite = keys->offered[keys->pick].facts.suite;
        keys->rx[GH_SIDE_A] = keys->offered[keys->pick].key;
        if (b->suite == a->suite && !bridge) {
            keys->tx[GH_SIDE_A] = keys->rx[GH_SIDE_B];
            keys->tx_lifetime_pkts = keys->rx_lifetime_pkts;
            b->path = GH_PATH_PASS;
        } else {
            err = gh_secret_draw(&keys->tx[GH_SIDE_A], a->suite);
            b->path = GH_PATH_BRIDGE;
        }
    }
    if (a->suite == GH_SUITE_NONE && b->suite == GH_SUITE_NONE) {
        a->path = b->path = GH_PATH_CLEAR;
    } else {
        if (a->path != GH_PATH_PASS)
            a->path = GH_PATH_BRIDGE;
        if (b->path != GH_PATH_PASS)
            b->path = GH_PATH_BRIDGE;
    }
    for (int s = 0; s < 2; s++) {
        stream->side[s].rx_key = keys->rx[s].len ? keys->rx[s].number : 0;
        stream->side[s].tx_key = keys->tx[s].len ? keys->tx[s].number : 0;
    }
    return err;
}

static int copy_proto(const struct gh_sdp *from, struct gh_sdp *to, int index)
{
    struct gh_sdp_media media;
    int err = gh_sdp_media(from, index, &media);

    return err ? err : gh_sdp_set_proto(to, index, media.proto);
}

static int write_answer_stream(struct gh_neg *neg, struct gh_sdp *doc, int index, bool bridge)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    struct gh_neg_keys *keys = stream->keys;
    int err = settle_offerer(stream, bridge);

    if (!err)
        err = gh_sdp_set_port(doc, index, stream->side[GH_SIDE_A].port);
    if (!err && keys->pick >= 0) {
        err = gh_sdp_add_crypto(doc, index, keys->offered[keys->pick].facts.tag,
                                stream->side[GH_SIDE_A].suite, keys->tx[GH_SIDE_A].octets,
                                keys->tx[GH_SIDE_A].len, keys->tx_lifetime_pkts);
    }
    return err;
}

enum gh_reason gh_neg_answer_out(struct gh_neg *neg, const struct gh_neg_leg *a,
                                 const struct gh_neg_self *self, struct gh_sdp **out)
{
    struct gh_sdp *doc = NULL;
    int err = gh_sdp_clone(&doc, neg->answer);

    if (!err)
        err = make_ours(doc, self, a->signalling == GH_SIG_TLS_VERIFIED);
    for (int i = 0; !err && i < (int)neg->media_count; i++) {
        if (i < (int)neg->count && neg->streams[i].live)
            err = write_answer_stream(neg, doc, i, neg->bridge);
        else
            err = gh_sdp_disable_media(doc, i);
        if (!err) /* we answer with the profile of the offer, refused m-lines too */
            err = copy_proto(neg->offer, doc, i);
    }
    if (err) {
        gh_sdp_free(doc);
        return written_reason(err);
    }
    *out = doc;
    return GH_REASON_NONE;
}

/* ---- what follows from it ------------------------------------------------------------------------ */

enum gh_grade gh_neg_best_grade(const struct gh_neg *neg, const struct gh_neg_leg *a,
                                const struct gh_neg_leg *b)
{
    enum gh_grade best = GH_GRADE_NONE;

    for (size_t i = 0; i < neg->count; i++) {
        const struct gh_neg_stream *stream = &neg->streams[i];
        bool b_keyed = neg->answer ? stream->side[GH_SIDE_B].suite != GH_SUITE_NONE
                                   : stream->plan != GH_PLAN_RTP && stream->plan != GH_PLAN_REFUSE;
        struct gh_hop_facts hop[2] = {
            { .signalling = a->signalling, .proof = GH_PROOF_SEEN },
            { .signalling = b->signalling, .proof = GH_PROOF_SEEN },
        };
        enum gh_grade grade;

        if (!stream->live)
            continue;
        hop[0].keying = stream->keys->pick >= 0 ? GH_KEYING_SDES : GH_KEYING_NONE;
        hop[1].keying = b_keyed ? GH_KEYING_SDES : GH_KEYING_NONE;
        grade = gh_policy_stream_grade(hop);
        best = best == GH_GRADE_NONE ? grade : gh_policy_beside(best, grade);
    }
    return best;
}

void gh_neg_media_set(struct gh_neg_stream *stream, int side, struct gh_media_set *out)
{
    const struct gh_neg_side *near = &stream->side[side], *far = &stream->side[!side];

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
    };
    /* Not in the literal, which the compiler may build elsewhere first. */
    out->rx_key = stream->keys->rx[side];
    out->tx_key = stream->keys->tx[side];
    gh_secret_wipe(&stream->keys->rx[side]);
    gh_secret_wipe(&stream->keys->tx[side]);
}
