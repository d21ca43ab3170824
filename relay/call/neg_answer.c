/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of an exchange: the answer is read, judged, and written to the offerer; keys and
 * paths follow. */
#include "call/neg_int.h"

/* ---- reading --------------------------------------------------------------------------------- */

/* Does the answer bring a key that is used, or was offered, for another direction?  One key for two
 * directions is one keystream used twice; and the offerer's key in the answerer's mouth came there
 * on a way that we do not know. */
static bool echoed(const struct gh_neg_keys *keys, const struct gh_neg_line *line)
{
    for (size_t i = 0; i < keys->offered_count; i++) {
        if (gh_neg_lines_share(line, &keys->offered[i]))
            return true;
    }
    for (size_t i = 0; i < keys->out_count; i++) {
        if (gh_neg_lines_share(line, &keys->out[i]))
            return true;
    }
    return false;
}

/* The answerer took our line @which with its own keys in @line. */
static enum gh_reason take_line(struct gh_neg *neg, int index, struct gh_neg_line *line,
                                size_t which)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    struct gh_neg_keys *keys = stream->keys;
    enum gh_reason reason;
    int answerer = !neg->offerer;

    if (echoed(keys, line))
        return gh_policy_key_memory(GH_KEY_SEEN_ECHOED, GH_KEY_REUSE_REFUSE).reason;
    reason = gh_neg_declare(neg, answerer, index, line, 1);
    if (reason != GH_REASON_NONE)
        return reason;
    keys->answer_lifetime_pkts = line->lifetime_pkts;
    stream->side[answerer].suite = keys->out[which].facts.suite;
    stream->force->rx[answerer] = line->key;
    stream->force->rx_lifetime_pkts[answerer] = line->lifetime_pkts;
    gh_neg_named_free(stream->force->rx_named[answerer]);
    stream->force->rx_named[answerer] = line->named;
    line->named = NULL;
    stream->force->tx[answerer] = keys->out[which].key;
    stream->force->own[answerer] = keys->out[which].copy_of < 0;
    stream->force->tx_mki[answerer] = keys->out[which].own_mki;
    stream->force->written[answerer].tag = keys->out[which].facts.tag;
    stream->force->written[answerer].lifetime_pkts = keys->out[which].lifetime_pkts;
    stream->force->written[answerer].lines = keys->out_count;
    if (keys->out[which].copy_of >= 0)
        keys->pick = keys->out[which].copy_of;
    if (line->unpadded || (keys->pick >= 0 && keys->offered[keys->pick].unpadded))
        gh_marks_add(&neg->marks, GH_REASON_PADDING_MISSING);
    return GH_REASON_NONE;
}

static enum gh_reason judge_line(struct gh_neg *neg, int index, enum gh_profile profile,
                                 const struct gh_neg_leg *from, bool srtp_fallback)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    struct gh_neg_keys *keys = stream->keys;
    struct gh_crypto_facts offered[GH_NEG_OUT_LINES_MAX], answered[GH_NEG_LINES_MAX];
    struct gh_neg_line lines[GH_NEG_LINES_MAX] = { 0 };
    struct gh_stream_judgement judged;
    enum gh_answer_crypto crypto;
    enum gh_reason reason = GH_REASON_INTERNAL;
    size_t count, which = 0;

    if (gh_neg_read_lines(neg->answer, index, from, lines, &count))
        goto out;
    for (size_t i = 0; i < keys->out_count; i++)
        offered[i] = keys->out[i].facts;
    for (size_t i = 0; i < count; i++)
        answered[i] = lines[i].facts;
    crypto =
        gh_policy_answer_crypto(offered, keys->out_count, answered, count, from->rules, &which);
    judged = gh_policy_answer_in(stream->plan, from->rules->srtp, from->signalling, profile, crypto,
                                 from->rules->strict_tags, srtp_fallback);
    reason = judged.reason;
    if (judged.verdict == GH_STREAM_REFUSE) {
        if (reason == GH_REASON_NO_USABLE_CRYPTO)
            gh_neg_say_lines(neg, index, from, lines, count, false);
        goto out;
    }
    /* What was clear before we asked again is no news. */
    if (!neg->alone || neg->base->streams[index].side[!neg->offerer].suite != GH_SUITE_NONE)
        gh_marks_add(&neg->marks, judged.reason);
    if (crypto == GH_ANSWER_RENUMBERED)
        gh_marks_add(&neg->marks, GH_REASON_TAG_RENUMBERED);
    if (judged.verdict == GH_STREAM_SRTP)
        reason = take_line(neg, index, &lines[0], which);
    else
        reason = gh_neg_downgrade(neg, index, !neg->offerer, from, true);
out:
    gh_neg_free_lines(lines, GH_NEG_LINES_MAX);
    return reason;
}

/* RFC 3264 section 6.1: the answer's direction is the answerer's view; both must allow a flow. */
static void settle_direction(struct gh_neg *neg, struct gh_neg_stream *stream,
                             enum gh_direction answer)
{
    stream->side[neg->offerer].may_send =
        (stream->direction & GH_SENDONLY) && (answer & GH_RECVONLY);
    stream->side[!neg->offerer].may_send =
        (stream->direction & GH_RECVONLY) && (answer & GH_SENDONLY);
}

static enum gh_reason answer_stream(struct gh_neg *neg, int index, const struct gh_neg_leg *from,
                                    bool srtp_fallback)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    struct gh_sdp_media_facts facts;

    if (gh_sdp_media_facts(neg->answer, index, &facts))
        return GH_REASON_INTERNAL;
    if (!stream->live)
        return GH_REASON_NONE; /* we offered port 0; whatever the answer says, it stays refused */
    if (facts.port == 0 || stream->plan == GH_PLAN_REFUSE) {
        stream->live = false;
        return gh_neg_park(neg, index) ? GH_REASON_INTERNAL : GH_REASON_NONE;
    }
    if (facts.kind != stream->kind) {
        snprintf(neg->fault, sizeof(neg->fault), "m-line %d: not the offered media type",
                 index + 1);
        return GH_REASON_BAD_SDP;
    }
    if (facts.profile == GH_PROFILE_OTHER || facts.profile == GH_PROFILE_DTLS)
        return GH_REASON_PROFILE_MISMATCH;
    if (!gh_neg_address_relayed(neg, !neg->offerer, index, &facts, from))
        return GH_REASON_MEDIA_NOT_RELAYED;
    /* RFC 5761 section 5.1.1: only where it was offered; what we repeat may have been taken. */
    gh_neg_take_addresses(neg, !neg->offerer, index, &facts,
                          neg->alone ? gh_sdp_rtcp_mux(neg->offer, index)
                                     : from->mux == GH_MUX_OFFER);
    settle_direction(neg, stream, facts.direction);
    gh_neg_take_payloads(neg, index);
    return judge_line(neg, index, facts.profile, from, srtp_fallback);
}

enum gh_reason gh_neg_answer_in(struct gh_neg *neg, struct gh_span sdp,
                                const struct gh_neg_leg *from, bool srtp_fallback)
{
    enum gh_reason reason = gh_neg_parse(neg, sdp, &neg->answer);

    if (reason != GH_REASON_NONE)
        return reason;
    if (gh_sdp_media_count(neg->answer) != neg->media_count) {
        snprintf(neg->fault, sizeof(neg->fault), "the answer has %zu m-lines, the offer had %zu",
                 gh_sdp_media_count(neg->answer), neg->media_count);
        return GH_REASON_BAD_SDP;
    }
    for (size_t i = 0; i < neg->count; i++) {
        reason = answer_stream(neg, (int)i, from, srtp_fallback);
        if (reason != GH_REASON_NONE)
            return reason;
    }
    return GH_REASON_NONE;
}

/* ---- settling -------------------------------------------------------------------------------- */

/* Do our keys go on?  Not where a side became clear. */
static bool goes_on(const struct gh_neg_stream *before, const struct gh_neg_stream *now)
{
    for (int s = 0; s < 2; s++) {
        if (before->side[s].suite != GH_SUITE_NONE && now->side[s].suite == GH_SUITE_NONE)
            return false;
    }
    return true;
}

/* Our own key towards the offerer: one that is in force for this suite, or a fresh one. */
static int own_key(struct gh_neg *neg, const struct gh_neg *again, int index)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    const struct gh_neg_stream *before[2] = { again ? &again->streams[index] : NULL,
                                              gh_neg_keyed_base(neg, index) };
    int side = neg->offerer;

    stream->force->own[side] = true;
    for (int i = 0; i < 2; i++) {
        if (before[i] && !before[i]->exposed && before[i]->force && before[i]->force->own[side] &&
            !before[i]->side[side].worn && goes_on(before[i], stream) &&
            before[i]->side[side].suite == stream->side[side].suite) {
            stream->force->tx[side] = before[i]->force->tx[side];
            stream->force->tx_mki[side] = before[i]->force->tx_mki[side];
            return 0;
        }
    }
    return gh_secret_draw(&stream->force->tx[side], stream->side[side].suite);
}

static enum gh_path path_of(const struct gh_neg_stream *stream, int side)
{
    const struct gh_neg_side *near = &stream->side[side], *far = &stream->side[!side];

    if (near->suite == GH_SUITE_NONE && far->suite == GH_SUITE_NONE)
        return GH_PATH_CLEAR;
    /* The far side has this side's very key, and no MKI in the packets that it knows nothing of. */
    if (near->suite != GH_SUITE_NONE && near->suite == far->suite && !stream->force->own[!side] &&
        !stream->force->rx_named[side] &&
        gh_secret_equal(&stream->force->rx[side], &stream->force->tx[!side]))
        return GH_PATH_PASS;
    return GH_PATH_BRIDGE;
}

void gh_neg_settle_paths(struct gh_neg_stream *stream)
{
    const struct gh_neg_force *force = stream->force;

    for (int s = 0; s < 2; s++) {
        const struct gh_neg_named *named = force->rx_named[s];
        uint32_t number = named && named->more.count ? named->number : force->rx[s].number;

        stream->side[s].path = path_of(stream, s);
        stream->side[s].rx_key = force->rx[s].len ? number : 0;
        stream->side[s].tx_key = force->tx[s].len ? force->tx[s].number : 0;
    }
}

/* Key towards the offerer, and the paths, now that the answerer has chosen. */
static int settle(struct gh_neg *neg, const struct gh_neg *again, int index)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    struct gh_neg_keys *keys = stream->keys;
    struct gh_neg_force *force = stream->force;
    int o = neg->offerer, err = 0;

    if (keys->pick >= 0) {
        stream->side[o].suite = keys->offered[keys->pick].facts.suite;
        force->rx[o] = keys->offered[keys->pick].key;
        force->rx_lifetime_pkts[o] = keys->offered[keys->pick].lifetime_pkts;
        err = gh_neg_named_set(&force->rx_named[o], keys->offered[keys->pick].named);
        force->tx_mki[o] = 0; /* unless our own key goes on, which had one */
        if (stream->side[!o].suite == stream->side[o].suite && !neg->bridge &&
            !force->rx_named[o] && !force->rx_named[!o])
            force->tx[o] = force->rx[!o];
        else if (!err)
            err = own_key(neg, again, index);
        if (!err && neg->keeper.wrote)
            err = neg->keeper.wrote(neg->keeper.arg, o, (unsigned)index, &force->tx[o]);
        /* The key's owner said how long it may live: that crosses with a copy. */
        force->written[o].tag = keys->offered[keys->pick].facts.tag;
        force->written[o].lifetime_pkts = force->own[o] ? 0 : keys->answer_lifetime_pkts;
        force->written[o].lines = 1;
    }
    gh_neg_keep_names(stream, again ? &again->streams[index] : NULL);
    gh_neg_keep_names(stream, gh_neg_base_stream(neg, index));
    gh_neg_settle_paths(stream);
    return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int copy_proto(const struct gh_sdp *from, struct gh_sdp *to, int index)
{
    struct gh_sdp_media media;
    int err = gh_sdp_media(from, index, &media);

    return err ? err : gh_sdp_set_proto(to, index, media.proto);
}

static int write_answer_stream(struct gh_neg *neg, const struct gh_neg *again, struct gh_sdp *doc,
                               int index)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    const struct gh_neg_side *near = &stream->side[neg->offerer];
    int err = settle(neg, again, index);

    if (!err)
        err = gh_sdp_set_port(doc, index, near->port);
    if (!err && near->rtcp_mux)
        err = gh_sdp_append_attr(doc, index, "rtcp-mux", (struct gh_span){ 0 });
    return err;
}

static int write_answer_line(const struct gh_neg *neg, struct gh_sdp *doc, int index)
{
    const struct gh_neg_stream *stream = &neg->streams[index];
    const struct gh_neg_force *force = stream->force;
    int o = neg->offerer;

    if (!stream->live || stream->keys->pick < 0)
        return 0;
    return gh_sdp_add_crypto(doc, index, force->written[o].tag, stream->side[o].suite,
                             force->tx[o].octets, force->tx[o].len, force->written[o].lifetime_pkts,
                             force->tx_mki[o]);
}

enum gh_reason gh_neg_answer_out(struct gh_neg *neg, const struct gh_neg *again,
                                 const struct gh_neg_leg *to, const struct gh_neg_self *self,
                                 struct gh_sdp **out)
{
    struct gh_sdp *doc = NULL;
    int err = gh_sdp_clone(&doc, neg->answer);

    if (!err)
        err = gh_neg_make_ours(doc, self, to->signalling == GH_SIG_TLS_VERIFIED);
    for (int i = 0; !err && i < (int)neg->media_count; i++) {
        if (i < (int)neg->count && neg->streams[i].live)
            err = write_answer_stream(neg, again, doc, i);
        else
            err = gh_sdp_disable_media(doc, i);
        if (!err) /* we answer with the profile of the offer, refused m-lines too */
            err = copy_proto(neg->offer, doc, i);
    }
    if (!err)
        err = gh_neg_keep_said(neg, neg->offerer, doc, self->version);
    for (size_t i = 0; !err && i < neg->count; i++)
        err = write_answer_line(neg, doc, (int)i);
    if (err) {
        gh_sdp_free(doc);
        return gh_neg_written_reason(err);
    }
    for (size_t i = 0; i < neg->count; i++) {
        for (int s = 0; neg->streams[i].live && s < 2; s++)
            neg->keyed[s] = neg->keyed[s] || neg->streams[i].side[s].suite != GH_SUITE_NONE;
    }
    *out = doc;
    return GH_REASON_NONE;
}
