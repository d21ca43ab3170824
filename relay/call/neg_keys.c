/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that a peer declared: RFC 4568 section 6.1.  A line has one, or several that the MKI in the
 * packets tells apart.  What is asked of a key is asked of each.
 */
#include "call/neg_int.h"

/* ---- one or several -------------------------------------------------------------------------- */

void gh_neg_named_free(struct gh_neg_named *named)
{
    if (named)
        explicit_bzero(named, sizeof(*named));
    free(named);
}

int gh_neg_named_set(struct gh_neg_named **to, const struct gh_neg_named *from)
{
    gh_neg_named_free(*to);
    *to = from ? malloc(sizeof(**to)) : NULL;
    if (*to)
        **to = *from;
    return from && !*to ? GH_ENOMEM : 0;
}

static size_t key_count(const struct gh_neg_named *named)
{
    return named ? 1 + named->more.count : 1;
}

/* Key @i of those that begin with @first. */
static const struct gh_secret *key_at(const struct gh_secret *first,
                                      const struct gh_neg_named *named, size_t i)
{
    return i ? &named->more.keys[i - 1].key : first;
}

bool gh_neg_is_among(const struct gh_secret *key, const struct gh_secret *first,
                     const struct gh_neg_named *named)
{
    for (size_t i = 0; i < key_count(named); i++) {
        if (gh_secret_equal(key_at(first, named, i), key))
            return true;
    }
    return false;
}

bool gh_neg_lines_share(const struct gh_neg_line *a, const struct gh_neg_line *b)
{
    for (size_t i = 0; i < key_count(a->named); i++) {
        if (gh_neg_is_among(key_at(&a->key, a->named, i), &b->key, b->named))
            return true;
    }
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct gh_crypto_facts facts_of(const struct gh_sdp_crypto *crypto,
                                       const struct gh_neg_leg *from)
{
    /* RFC 3711 section 9.2: a key lives for at most 2^48 SRTP packets (2^31 SRTCP). */
    const uint64_t lifetime_max = 1ULL << 48;
    struct gh_crypto_facts facts = {
        .parsed = crypto->parseable,
        .tag = crypto->tag,
        .suite = crypto->suite,
        .key_ok = crypto->key_len_right && !crypto->key_all_equal && !crypto->key_twice,
        .key_count = (unsigned)crypto->key_count,
        .mki = crypto->has_mki,
        .mki_ok = from->mki != GH_MKI_REFUSE,
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

static int read_key(const struct gh_sdp_crypto *crypto, size_t i, struct gh_secret *out)
{
    uint8_t key[GH_SUITE_KEY_MAX];
    size_t len;
    int err = gh_sdp_crypto_key(crypto, i, key, &len);

    if (!err)
        err = gh_secret_set(out, key, len);
    explicit_bzero(key, sizeof(key));
    return err;
}

static void read_mki(const struct gh_sdp_key *key, struct gh_media_mki *out)
{
    _Static_assert(GH_MEDIA_MKI_MAX == GH_SDP_MKI_MAX, "the same limit of RFC 4568");

    if (!gh_sdp_crypto_mki(key, out->octets))
        out->len = key->mki_octets;
}

/* From the one source of such numbers, so that it is never a key's. */
static int draw_number(uint32_t *out)
{
    struct gh_secret nobody;
    int err = gh_secret_set(&nobody, NULL, 0);

    *out = nobody.number;
    return err;
}

static int read_named(const struct gh_sdp_crypto *crypto, struct gh_neg_line *line)
{
    _Static_assert(GH_MEDIA_RX_KEYS_MAX == GH_SDP_KEYS_MAX, "every key of a line is taken");
    struct gh_neg_named *named = line->named = calloc(1, sizeof(*named));
    int err = 0;

    if (!named)
        return GH_ENOMEM;
    read_mki(&crypto->keys[0], &named->mki);
    for (size_t i = 1; !err && i < crypto->key_count; i++) {
        struct gh_media_key *key = &named->more.keys[named->more.count++];

        read_mki(&crypto->keys[i], &key->mki);
        key->lifetime_pkts = crypto->keys[i].lifetime_pkts;
        err = read_key(crypto, i, &key->key);
    }
    return !err && named->more.count ? draw_number(&named->number) : err;
}

/* Also of a line that is not used for another reason: its keys are known from then on. */
static int read_keys(const struct gh_sdp_crypto *crypto, struct gh_neg_line *line)
{
    int err;

    if (!crypto->key_len_right || crypto->key_all_equal)
        return 0;
    for (size_t i = 0; i < crypto->key_count; i++)
        line->unpadded = line->unpadded || crypto->keys[i].unpadded;
    line->lifetime_pkts = crypto->keys[0].lifetime_pkts;
    err = read_key(crypto, 0, &line->key);
    return !err && crypto->has_mki ? read_named(crypto, line) : err;
}

int gh_neg_read_lines(const struct gh_sdp *doc, int index, const struct gh_neg_leg *from,
                      struct gh_neg_line *lines, size_t *count)
{
    struct gh_sdp_crypto crypto;
    int err = 0;

    for (*count = 0; !err && *count < GH_NEG_LINES_MAX; (*count)++) {
        struct gh_neg_line *line = &lines[*count];

        if (gh_sdp_crypto(doc, index, *count, &crypto))
            break;
        *line = (struct gh_neg_line){ .facts = facts_of(&crypto, from),
                                      .fault = crypto.fault,
                                      .key_twice = crypto.key_twice,
                                      .copy_of = -1 };
        err = read_keys(&crypto, line);
    }
    explicit_bzero(&crypto, sizeof(crypto));
    return err;
}

void gh_neg_free_lines(struct gh_neg_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gh_neg_named_free(lines[i].named);
    explicit_bzero(lines, count * sizeof(*lines));
}

/* ---- the memory of keys ---------------------------------------------------------------------- */

static enum gh_reason declare(struct gh_neg *neg, int side, int index, struct gh_secret *key)
{
    struct gh_gate gate;

    if (!key->len)
        return GH_REASON_NONE;
    gate = neg->keeper.declared(neg->keeper.arg, side, (unsigned)index, key);
    if (gate.verdict == GH_GATE_REFUSE)
        return gate.reason;
    gh_marks_add(&neg->marks, gate.reason);
    return GH_REASON_NONE;
}

enum gh_reason gh_neg_declare(struct gh_neg *neg, int side, int index, struct gh_neg_line *lines,
                              size_t count)
{
    enum gh_reason reason = GH_REASON_NONE;

    for (size_t i = 0; neg->keeper.declared && i < count; i++) {
        struct gh_neg_named *named = lines[i].named;

        reason = declare(neg, side, index, &lines[i].key);
        for (size_t k = 0; reason == GH_REASON_NONE && named && k < named->more.count; k++)
            reason = declare(neg, side, index, &named->more.keys[k].key);
        if (reason != GH_REASON_NONE)
            break;
    }
    return reason;
}

/* ---- copies ---------------------------------------------------------------------------------- */

struct gh_neg_keys *gh_neg_keys_copy(const struct gh_neg_keys *from)
{
    struct gh_neg_keys *to = from ? malloc(sizeof(*to)) : NULL;
    int err = 0;

    if (!to)
        return NULL;
    *to = *from;
    for (size_t i = 0; i < GH_NEG_LINES_MAX; i++)
        to->offered[i].named = NULL;
    for (size_t i = 0; !err && i < from->offered_count; i++)
        err = gh_neg_named_set(&to->offered[i].named, from->offered[i].named);
    if (!err)
        return to;
    gh_neg_keys_free(to);
    return NULL;
}

void gh_neg_keys_free(struct gh_neg_keys *keys)
{
    if (keys) {
        gh_neg_free_lines(keys->offered, GH_NEG_LINES_MAX);
        explicit_bzero(keys, sizeof(*keys));
    }
    free(keys);
}

int gh_neg_force_set(struct gh_neg_force *to, const struct gh_neg_force *from)
{
    struct gh_neg_named *named[2] = { to->rx_named[0], to->rx_named[1] };
    int err = 0;

    *to = *from;
    for (int side = 0; side < 2; side++) {
        to->rx_named[side] = named[side];
        if (gh_neg_named_set(&to->rx_named[side], from->rx_named[side]))
            err = GH_ENOMEM;
    }
    return err;
}

struct gh_neg_force *gh_neg_force_copy(const struct gh_neg_force *from)
{
    struct gh_neg_force *to = from ? calloc(1, sizeof(*to)) : NULL;

    if (!to || !gh_neg_force_set(to, from))
        return to;
    gh_neg_force_free(to);
    return NULL;
}

void gh_neg_force_free(struct gh_neg_force *force)
{
    if (force) {
        gh_neg_named_free(force->rx_named[0]);
        gh_neg_named_free(force->rx_named[1]);
        explicit_bzero(force, sizeof(*force));
    }
    free(force);
}

/* ---- what they are called -------------------------------------------------------------------- */

bool gh_neg_same_rx(const struct gh_neg_force *a, const struct gh_neg_force *b, int side)
{
    size_t count = key_count(a->rx_named[side]);
    bool same = count == key_count(b->rx_named[side]);

    for (size_t i = 0; same && i < count; i++)
        same = gh_secret_equal(key_at(&a->rx[side], a->rx_named[side], i),
                               key_at(&b->rx[side], b->rx_named[side], i));
    return same;
}

void gh_neg_keep_names(struct gh_neg_stream *stream, const struct gh_neg_stream *before)
{
    for (int side = 0; before && before->force && side < 2; side++) {
        struct gh_neg_named *now = stream->force->rx_named[side];
        const struct gh_neg_named *was = before->force->rx_named[side];

        if (now && was && gh_neg_same_rx(stream->force, before->force, side))
            now->number = was->number;
    }
}

size_t gh_neg_rx_keys(const struct gh_neg_stream *stream, int side,
                      uint32_t out[GH_MEDIA_RX_KEYS_MAX])
{
    const struct gh_neg_force *force = stream->force;
    size_t count = 0;

    if (!force || !force->rx[side].len)
        return 0;
    for (; count < key_count(force->rx_named[side]); count++)
        out[count] = key_at(&force->rx[side], force->rx_named[side], count)->number;
    return count;
}
