/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange of our own with one side alone (RFC 3264 section 8): what we described to it last,
 * once more, with fresh keys of ours where the ones in force have had their time, or as it was, to
 * carry something else.
 *
 *   we --offer--> gh_neg_alone_offer                         answerer
 *   we <-answer-- gh_neg_answer_in, gh_neg_alone_settle      answerer
 *
 * What the other side agreed to stays.  In the object it is the offerer, as if it had said again
 * what it said before.
 */
#include "call/neg_int.h"

/* ---- what we said ---------------------------------------------------------------------------- */

int gh_neg_keep_said(struct gh_neg *neg, int side, const struct gh_sdp *doc, uint64_t version)
{
    struct gh_neg_said *said = &neg->said[side];
    size_t len = gh_sdp_len(doc);
    char *text = malloc(len ? len : 1);
    int err = text ? gh_sdp_print(doc, text, len, &len) : GH_ENOMEM;

    if (err) {
        free(text);
        return err;
    }
    free(said->text);
    *said = (struct gh_neg_said){ text, len, version };
    return 0;
}

void gh_neg_said_free(struct gh_neg *neg)
{
    for (int side = 0; side < 2; side++) {
        free(neg->said[side].text);
        neg->said[side] = (struct gh_neg_said){ 0 };
    }
}

bool gh_neg_said_copy(struct gh_neg_said *to, const struct gh_neg_said *from)
{
    *to = *from;
    if (!from->text)
        return true;
    to->text = malloc(from->len ? from->len : 1);
    if (to->text)
        memcpy(to->text, from->text, from->len);
    return to->text != NULL;
}

/* ---- what needs it --------------------------------------------------------------------------- */

unsigned gh_neg_stale(const struct gh_neg *neg, int side)
{
    unsigned lines = 0;

    for (size_t i = 0; i < neg->count; i++) {
        if (neg->streams[i].live && neg->streams[i].side[side].stale)
            lines |= 1u << i;
    }
    return lines;
}

unsigned gh_neg_gone(const struct gh_neg *neg, int side)
{
    unsigned lines = 0;

    for (size_t i = 0; i < neg->count; i++) {
        if (!neg->streams[i].live && neg->streams[i].side[side].gone)
            lines |= 1u << i;
    }
    return lines;
}

unsigned gh_neg_wanting(const struct gh_neg *neg, int side)
{
    unsigned lines = gh_neg_stale(neg, side) | gh_neg_gone(neg, side);

    for (size_t i = 0; i < neg->count; i++) {
        if (neg->streams[i].live && neg->streams[i].side[side].worn)
            lines |= 1u << i;
    }
    return lines;
}

bool gh_neg_worn(struct gh_neg *neg, size_t index, int side, uint32_t key)
{
    struct gh_neg_stream *stream = index < neg->count ? &neg->streams[index] : NULL;

    if (!stream || !stream->live || !stream->force->own[side] || !key ||
        stream->side[side].tx_key != key)
        return false;
    stream->side[side].worn = true;
    return true;
}

/* ---- the offer ------------------------------------------------------------------------------- */

/* The one line of this m-line.  @fresh  written: the key is a new one */
static int plan_line(struct gh_neg *neg, int index, const struct gh_neg_leg *to, bool *fresh)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    const struct gh_neg_stream *base = &neg->base->streams[index];
    struct gh_neg_keys *keys = stream->keys;
    struct gh_neg_side *side = &stream->side[!neg->offerer];
    int answerer = !neg->offerer, err;
    bool own = base->force->own[answerer];
    struct gh_neg_line *out = &keys->out[0];

    if (base->side[neg->offerer].suite != GH_SUITE_NONE) {
        /* Whose echo the answer must not be, and where a copied line came from. */
        keys->offered[0].facts = gh_neg_good_facts(base->side[neg->offerer].suite, 1);
        keys->offered[0].key = base->force->rx[neg->offerer];
        keys->offered_count = 1;
        keys->pick = 0;
        err = gh_neg_named_set(&keys->offered[0].named, base->force->rx_named[neg->offerer]);
        if (err)
            return err;
    }
    if (base->side[answerer].suite == GH_SUITE_NONE)
        return 0;
    *fresh = side->stale || side->worn || (own && base->exposed);
    out->facts = gh_neg_good_facts(base->side[answerer].suite, base->force->written[answerer].tag);
    out->copy_of = *fresh || own ? -1 : 0;
    if (*fresh) {
        out->own_mki = gh_neg_fresh_mki(to, base, answerer);
        err = gh_secret_draw(&out->key, out->facts.suite);
        if (err)
            return err;
    } else {
        out->key = base->force->tx[answerer];
        out->own_mki = base->force->tx_mki[answerer];
        out->lifetime_pkts = base->force->written[answerer].lifetime_pkts;
    }
    keys->out_count = 1;
    return neg->keeper.wrote
               ? neg->keeper.wrote(neg->keeper.arg, answerer, (unsigned)index, &out->key)
               : 0;
}

static enum gh_offer_plan plan_of(enum gh_profile profile, bool keyed)
{
    if (profile == GH_PROFILE_UDPTL)
        return GH_PLAN_UDPTL;
    if (profile == GH_PROFILE_SAVP)
        return GH_PLAN_SAVP;
    return keyed ? GH_PLAN_AVP_WITH_KEYS : GH_PLAN_RTP;
}

/*
 * Stream @index as it is, to be answered anew.
 * @changed  set if this m-line is not what was described last
 */
static enum gh_reason repeat_stream(struct gh_neg *neg, int index, const struct gh_neg_leg *to,
                                    bool *changed)
{
    struct gh_neg_stream *stream = &neg->streams[index];
    const struct gh_neg_stream *base = &neg->base->streams[index];
    int answerer = !neg->offerer;
    bool keyed = base->side[answerer].suite != GH_SUITE_NONE, fresh = false;
    struct gh_sdp_media_facts facts;

    if (gh_sdp_media_facts(neg->offer, index, &facts))
        return GH_REASON_INTERNAL;
    stream->kind = base->kind;
    stream->reason = base->reason;
    stream->offer_profile = base->offer_profile;
    stream->direction = facts.direction;
    if (!base->live) {
        *changed = *changed || facts.port;
        if (gh_neg_park(neg, index) || (facts.port && gh_sdp_disable_media(neg->offer, index)))
            return GH_REASON_INTERNAL;
        stream->side[neg->offerer].gone = base->side[neg->offerer].gone; /* it hears nothing */
        return GH_REASON_NONE;
    }
    /* The connection may be another, and worth less, than the one that carried the key in force. */
    if (keyed && to->signalling != GH_SIG_TLS_VERIFIED)
        return to->signalling == GH_SIG_TLS_NULL ? GH_REASON_KEY_OVER_NULL_CIPHER
                                                 : GH_REASON_KEY_OVER_CLEAR_SIGNALLING;
    stream->keys = calloc(1, sizeof(*stream->keys));
    stream->force = calloc(1, sizeof(*stream->force));
    if (!stream->keys || !stream->force || gh_neg_force_set(stream->force, base->force))
        return GH_REASON_INTERNAL;
    memcpy(stream->side, base->side, sizeof(stream->side));
    stream->stream = base->stream;
    stream->exposed = base->exposed;
    stream->live = true;
    stream->plan = plan_of(facts.profile, keyed);
    stream->keys->pick = -1;
    if (plan_line(neg, index, to, &fresh))
        return GH_REASON_INTERNAL;
    *changed = *changed || fresh || (keyed && base->force->written[answerer].lines != 1);
    if (fresh)
        stream->side[answerer].worn = stream->side[answerer].stale = false;
    stream->side[answerer].suite = GH_SUITE_NONE; /* until the answer takes the line */
    return GH_REASON_NONE;
}

static enum gh_reason repeat(struct gh_neg *neg, const struct gh_neg_leg *to,
                             struct gh_neg_self *self, struct gh_sdp **doc)
{
    const struct gh_neg_said *said = &neg->base->said[!neg->offerer];
    /* One that was sent since then, and refused, was a description as well. */
    bool changed = said->version != self->version;
    enum gh_reason reason = GH_REASON_NONE;
    int err;

    if (!said->text || gh_sdp_parse(&neg->offer, gh_span_of(said->text, said->len), NULL))
        return GH_REASON_INTERNAL;
    neg->media_count = gh_sdp_media_count(neg->offer);
    if (gh_neg_make_streams(neg, neg->base->count))
        return GH_REASON_INTERNAL;
    for (int i = 0; reason == GH_REASON_NONE && i < (int)neg->count; i++)
        reason = repeat_stream(neg, i, to, &changed);
    if (reason != GH_REASON_NONE)
        return reason;
    self->version += changed;
    err = gh_sdp_set_origin(
        neg->offer, &(struct gh_sdp_origin_edit){ .set_version = true, .version = self->version });
    if (to->signalling != GH_SIG_TLS_VERIFIED)
        gh_sdp_strip_unknown(neg->offer);
    if (!err)
        err = gh_neg_keep_said(neg, !neg->offerer, neg->offer, self->version);
    if (!err && !gh_neg_said_copy(&neg->said[neg->offerer], &neg->base->said[neg->offerer]))
        err = GH_ENOMEM;
    if (!err)
        err = gh_sdp_clone(doc, neg->offer);
    for (size_t i = 0; !err && i < neg->count; i++) {
        if (neg->streams[i].live)
            err = gh_neg_write_lines(*doc, (int)i, neg->streams[i].keys);
    }
    return err ? gh_neg_written_reason(err) : GH_REASON_NONE;
}

enum gh_reason gh_neg_alone_offer(struct gh_neg *neg, const struct gh_neg *base, int side,
                                  const struct gh_neg_leg *to, struct gh_neg_self *self,
                                  struct gh_sdp **out)
{
    struct gh_sdp *doc = NULL;
    enum gh_reason reason;

    gh_neg_init(neg, !side, base);
    neg->alone = true;
    reason = repeat(neg, to, self, &doc);
    if (reason == GH_REASON_NONE)
        *out = doc;
    else
        gh_sdp_free(doc);
    return reason;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static bool another(const struct gh_secret *now, const struct gh_secret *before)
{
    return now->len && !gh_secret_equal(now, before);
}

static bool another_rx(const struct gh_neg_force *now, const struct gh_neg_force *before, int side)
{
    return now->rx[side].len && !gh_neg_same_rx(now, before, side);
}

enum gh_reason gh_neg_alone_settle(struct gh_neg *neg)
{
    int answerer = !neg->offerer;

    for (size_t i = 0; i < neg->count; i++) {
        struct gh_neg_stream *stream = &neg->streams[i];
        const struct gh_neg_stream *base = &neg->base->streams[i];
        struct gh_neg_side *far = &stream->side[neg->offerer];

        if (!stream->live) {
            far->gone = far->gone || base->live;
            neg->cut = neg->cut || base->live;
            continue;
        }
        /* The other side was told nothing of it. */
        if (stream->renew)
            return GH_REASON_DOWNGRADE_REFUSED;
        gh_neg_keep_names(stream, base);
        gh_neg_settle_paths(stream);
        far->stale = far->suite != GH_SUITE_NONE && !stream->force->own[neg->offerer] &&
                     stream->side[answerer].path != GH_PATH_PASS;
        for (int s = 0; s < 2; s++)
            neg->rekeyed = neg->rekeyed || another_rx(stream->force, base->force, s) ||
                           another(&stream->force->tx[s], &base->force->tx[s]);
    }
    return GH_REASON_NONE;
}
