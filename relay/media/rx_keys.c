/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that a side sends under: one, or several that the MKI in the packets tells apart (RFC
 * 3711 section 3.1, RFC 4568 section 6.1).  Design: keys over time.
 *
 *               a set without it               until, or retired by a further change
 *   in force  -------------------->  old keys  ------------------------------------->  shelf
 *      ^                                                                                 | |
 *      +------------------------ the same key and suite again ---------------------------+ |
 *                                                                 freed <----(overflow)----+
 *
 * A context is never made twice for one key and suite: a second one would accept what was replayed.
 * A key whose context fell off the shelf is refused with GH_ESTALE.  One key under two suites may
 * have one authentication key (_80 and _32): each time the suite changes, what is in force stays
 * above all that came under the other, which accepts nothing more.
 */
#include <stdlib.h>
#include <string.h>

#include "media/media_int.h"

/* ---- shelf ----------------------------------------------------------------------------------- */

struct gh_past *gh_side_past(struct gh_side *side)
{
    if (!side->past && !side->past_is_lost)
        side->past = calloc(1, sizeof(*side->past));
    side->past_is_lost = !side->past;
    return side->past;
}

/* The newest comes first; what falls off is the oldest, and only when every place is taken. */
static void shelve(struct gh_side *side, struct gh_srtp_rx *rx)
{
    struct gh_past *past = rx ? gh_side_past(side) : NULL;
    size_t place = 0;

    if (!past) {
        gh_srtp_rx_free(rx);
        return;
    }
    while (place < GH_SHELF_MAX - 1 && past->rx_shelf[place])
        place++;
    if (past->rx_shelf[place])
        gh_retired_add(&past->rx_retired, gh_srtp_rx_key(past->rx_shelf[place]));
    gh_srtp_rx_free(past->rx_shelf[place]);
    memmove(&past->rx_shelf[1], &past->rx_shelf[0], place * sizeof(past->rx_shelf[0]));
    past->rx_shelf[0] = rx;
}

/* Contexts of one time: in force, or old.  @return how many; none without @first */
static size_t gather(struct gh_srtp_rx *first, const struct gh_rx_names *names,
                     struct gh_srtp_rx *out[GH_MEDIA_RX_KEYS_MAX])
{
    size_t count = 0;

    if (first)
        out[count++] = first;
    for (size_t i = 0; first && names && i < names->more_count; i++)
        out[count++] = names->more[i].rx;
    return count;
}

static size_t in_force(const struct gh_side *side, struct gh_srtp_rx *out[GH_MEDIA_RX_KEYS_MAX])
{
    return gather(side->rx, side->rx_names, out);
}

static size_t old_ones(const struct gh_side *side, struct gh_srtp_rx *out[GH_MEDIA_RX_KEYS_MAX])
{
    return gather(side->old_rx, side->old_names, out);
}

void gh_side_retire_old(struct gh_side *side)
{
    struct gh_srtp_rx *old[GH_MEDIA_RX_KEYS_MAX];

    for (size_t i = old_ones(side, old); i-- > 0;) /* the first one comes to lie first */
        shelve(side, old[i]);
    free(side->old_names);
    side->old_rx = NULL;
    side->old_names = NULL;
    side->old_rx_passes = false;
    side->has_mki = side->rx_names != NULL;
}

void gh_side_shelve_rx(struct gh_side *side)
{
    struct gh_srtp_rx *now[GH_MEDIA_RX_KEYS_MAX];

    gh_side_retire_old(side);
    for (size_t i = in_force(side, now); i-- > 0;)
        shelve(side, now[i]);
    free(side->rx_names);
    side->rx = NULL;
    side->rx_names = NULL;
    side->has_mki = false;
}

void gh_side_rx_fini(struct gh_side *side)
{
    struct gh_srtp_rx *all[GH_MEDIA_RX_KEYS_MAX];

    for (size_t i = in_force(side, all); i-- > 0;)
        gh_srtp_rx_free(all[i]);
    for (size_t i = old_ones(side, all); i-- > 0;)
        gh_srtp_rx_free(all[i]);
    free(side->rx_names);
    free(side->old_names);
    side->rx = side->old_rx = NULL;
    side->rx_names = side->old_names = NULL;
}

/* ---- whose a key is -------------------------------------------------------------------------- */

/* Before those on the shelf. */
static bool was_received_under(const struct gh_side *side, const struct gh_secret *key)
{
    return side->past ? gh_retired_has(&side->past->rx_retired, key) : side->past_is_lost;
}

static bool among(struct gh_srtp_rx *const *list, size_t count, const struct gh_secret *key)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] && gh_secret_equal(gh_srtp_rx_key(list[i]), key))
            return true;
    }
    return false;
}

bool gh_side_is_peer_key(const struct gh_side *side, const struct gh_secret *key)
{
    struct gh_srtp_rx *now[GH_MEDIA_RX_KEYS_MAX], *old[GH_MEDIA_RX_KEYS_MAX];

    return among(now, in_force(side, now), key) || among(old, old_ones(side, old), key) ||
           (side->past && among(side->past->rx_shelf, GH_SHELF_MAX, key)) ||
           was_received_under(side, key);
}

/* ---- a set ----------------------------------------------------------------------------------- */

enum where { FRESH, IN_FORCE, SHELF };

/* What the keys of a set come to.  Until it is carried out it owns fresh contexts and the names. */
struct change {
    struct {
        struct gh_srtp_rx *rx;
        enum where where; /* it is so far */
    } keys[GH_MEDIA_RX_KEYS_MAX];
    size_t count;
    struct gh_rx_names *names;
    struct gh_srtp_rx *before[GH_MEDIA_RX_KEYS_MAX]; /* in force so far */
    enum fate { ENDS, STAYS, MADE_ANEW } fate[GH_MEDIA_RX_KEYS_MAX];
    size_t before_count;
};

static const struct gh_secret *key_at(const struct gh_media_set *set, size_t i)
{
    return i ? &set->rx_more->keys[i - 1].key : &set->rx_key;
}

static size_t key_count(const struct gh_media_set *set)
{
    if (!set->rx_key.len)
        return 0;
    return set->rx_more ? 1 + set->rx_more->count : 1;
}

static struct gh_srtp_rx *find(struct gh_srtp_rx *const *list, size_t count, enum gh_suite suite,
                               const struct gh_secret *key)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] && gh_srtp_rx_is(list[i], suite, key))
            return list[i];
    }
    return NULL;
}

static int name_keys(struct change *change, const struct gh_media_set *set)
{
    size_t more = change->count > 1 ? change->count - 1 : 0;
    struct gh_rx_names *names;

    if (!set->rx_mki.len)
        return 0;
    names = calloc(1, sizeof(*names) + more * sizeof(names->more[0]));
    if (!names)
        return GH_ENOMEM;
    names->mki = set->rx_mki;
    names->more_count = more;
    for (size_t i = 0; i < more; i++) {
        names->more[i].mki = set->rx_more->keys[i].mki;
        names->more[i].lifetime_pkts = set->rx_more->keys[i].lifetime_pkts;
    }
    change->names = names;
    return 0;
}

/* The context of key @i that there is, or NULL. */
static void find_context(const struct gh_side *side, const struct gh_media_set *set,
                         struct change *change, size_t i)
{
    const struct gh_secret *key = key_at(set, i);

    for (size_t k = 0; k < change->before_count; k++) {
        struct gh_srtp_rx *rx = change->before[k];

        if (!gh_srtp_rx_is(rx, set->suite, key))
            continue;
        /* Made for another path, and nothing came yet: make the one that fits. */
        change->fate[k] = side->path != set->path && gh_srtp_rx_is_unused(rx) ? MADE_ANEW : STAYS;
        if (change->fate[k] == STAYS) {
            change->keys[i].rx = rx;
            change->keys[i].where = IN_FORCE;
        }
        return;
    }
    if (side->past)
        change->keys[i].rx = find(side->past->rx_shelf, GH_SHELF_MAX, set->suite, key);
    if (change->keys[i].rx)
        change->keys[i].where = SHELF;
}

/* How far sources have come under the keys before: those in force, else those that were last. */
static int tell_of_before(const struct gh_side *side, const struct change *change,
                          struct gh_srtp_rx *rx)
{
    const struct gh_srtp_rx *newest = NULL;
    int err = 0;

    for (size_t i = 0; !err && i < change->before_count; i++) {
        if (change->before[i] != rx)
            err = gh_srtp_rx_inherit(rx, change->before[i]);
    }
    for (size_t i = 0; !err && !change->before_count && side->past && i < GH_SHELF_MAX; i++) {
        const struct gh_srtp_rx *shelved = side->past->rx_shelf[i];

        newest = newest ? newest : shelved;
        /* Those that were in force together are joined. */
        if (shelved && shelved != rx && gh_srtp_rx_serial(shelved) == gh_srtp_rx_serial(newest))
            err = gh_srtp_rx_inherit(rx, shelved);
    }
    return err;
}

/* Above all that came under its key for another suite. */
static int stay_above(struct gh_srtp_rx *rx, struct gh_srtp_rx *const *list, size_t count)
{
    const struct gh_secret *key = gh_srtp_rx_key(rx);
    int err = 0;

    for (size_t i = 0; !err && i < count; i++) {
        if (list[i] && list[i] != rx && gh_secret_equal(gh_srtp_rx_key(list[i]), key))
            err = gh_srtp_rx_stay_above(rx, list[i]);
    }
    return err;
}

static int plan_key(const struct gh_side *side, const struct gh_media_set *set,
                    struct change *change, size_t i)
{
    int err = 0;

    find_context(side, set, change, i);
    if (!change->keys[i].rx)
        err = was_received_under(side, key_at(set, i))
                  ? GH_ESTALE
                  : gh_srtp_rx_new(&change->keys[i].rx, set->suite, key_at(set, i),
                                   set->path == GH_PATH_PASS);
    if (!err)
        err = tell_of_before(side, change, change->keys[i].rx);
    if (!err && change->keys[i].where != IN_FORCE)
        err = stay_above(change->keys[i].rx, change->before, change->before_count);
    if (!err && change->keys[i].where != IN_FORCE && side->past)
        err = stay_above(change->keys[i].rx, side->past->rx_shelf, GH_SHELF_MAX);
    return err;
}

static int plan(struct gh_side *side, const struct gh_media_set *set, struct change *change)
{
    struct gh_srtp_rx *old[GH_MEDIA_RX_KEYS_MAX];
    size_t old_count = old_ones(side, old);
    bool comes_back = false;
    int err;

    change->count = key_count(set);
    for (size_t i = 0; i < change->count; i++)
        comes_back = comes_back || among(old, old_count, key_at(set, i));
    if (comes_back)
        gh_side_retire_old(side);
    change->before_count = in_force(side, change->before);
    err = name_keys(change, set);
    for (size_t i = 0; !err && i < change->count; i++)
        err = plan_key(side, set, change, i);
    return err;
}

static void give_up(struct change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        if (change->keys[i].where == FRESH) /* nothing came under it */
            gh_srtp_rx_free(change->keys[i].rx);
    }
    free(change->names);
}

/* Of the keys in force those that the set has not are old from now on, under the MKIs that they
 * have. */
static void become_old(struct gh_side *side, const struct change *change, uint64_t now_ms)
{
    struct gh_rx_names *names = side->rx_names;
    size_t count = 0;

    gh_side_retire_old(side);
    for (size_t i = 0; i < change->before_count; i++) {
        if (change->fate[i] != ENDS)
            continue;
        if (count == 0) {
            side->old_rx = change->before[i];
            side->old_rx_passes = i == 0 && side->rx_passes;
            if (i > 0)
                names->mki = names->more[i - 1].mki;
        } else {
            names->more[count - 1] = names->more[i - 1];
        }
        count++;
    }
    if (names && count)
        names->more_count = count - 1;
    else
        free(names);
    side->old_names = count ? names : NULL;
    side->old_generation = side->generation;
    side->old_rx_until_ms = now_ms + GH_OLD_KEY_MS;
}

/* @return whether the set has the keys that are in force, and no other */
static bool is_same(const struct change *change)
{
    bool same = change->count == change->before_count;

    for (size_t i = 0; i < change->before_count; i++)
        same = same && change->fate[i] != ENDS;
    return same && change->count;
}

/* Their sources are one peer's; those of a key that goes on keep what they are called. */
static void join(const struct change *change)
{
    const struct gh_srtp_rx *lead = change->keys[0].rx;

    for (size_t i = change->count; i-- > 0;) {
        if (change->keys[i].where == IN_FORCE)
            lead = change->keys[i].rx;
    }
    for (size_t i = 0; change->count > 1 && i < change->count; i++)
        gh_srtp_rx_join(change->keys[i].rx, lead);
}

/* A key of the set is old, for another suite: as long as that accepts packets, each of them could
 * be taken once more under the new one. */
static bool is_among_old(const struct gh_side *side, const struct change *change)
{
    struct gh_srtp_rx *old[GH_MEDIA_RX_KEYS_MAX];
    size_t count = old_ones(side, old);
    bool found = false;

    for (size_t i = 0; i < change->count; i++)
        found = found || among(old, count, gh_srtp_rx_key(change->keys[i].rx));
    return found;
}

static void carry_out(struct gh_side *side, const struct change *change, uint64_t now_ms)
{
    bool same = is_same(change);

    for (size_t i = 0; i < change->count; i++) {
        for (size_t k = 0; change->keys[i].where == SHELF && k < GH_SHELF_MAX; k++) {
            if (side->past->rx_shelf[k] == change->keys[i].rx)
                side->past->rx_shelf[k] = NULL;
        }
    }
    if (same)
        free(side->rx_names);
    else
        become_old(side, change, now_ms);
    for (size_t i = 0; i < change->before_count; i++) {
        if (change->fate[i] == MADE_ANEW)
            gh_srtp_rx_free(change->before[i]);
    }
    join(change);
    side->rx_passes = side->rx_passes && same;
    side->rx = change->count ? change->keys[0].rx : NULL;
    side->rx_names = change->names;
    for (size_t i = 1; i < change->count; i++)
        change->names->more[i - 1].rx = change->keys[i].rx;
    side->has_mki = side->rx_names || side->old_names;
    /* With no key any more nothing is accepted, under the old ones neither. */
    if (!side->rx || is_among_old(side, change))
        gh_side_retire_old(side);
}

int gh_side_change_rx(struct gh_side *side, const struct gh_media_set *set, uint64_t now_ms)
{
    struct change change = { .count = 0 };
    int err = plan(side, set, &change);

    if (err)
        give_up(&change);
    else
        carry_out(side, &change, now_ms);
    return err;
}

/* ---- packets --------------------------------------------------------------------------------- */

/* The key whose MKI is the end of @p; the header is none of it. */
static struct gh_srtp_rx *named_in(struct gh_srtp_rx *first, const struct gh_rx_names *names,
                                   const uint8_t *p, size_t len)
{
    const uint8_t *mki;

    if (!first || len < GH_RTP_HEADER || names->mki.len > len - GH_RTP_HEADER)
        return NULL;
    mki = p + len - names->mki.len;
    if (memcmp(mki, names->mki.octets, names->mki.len) == 0)
        return first;
    for (size_t i = 0; i < names->more_count; i++) { /* all are of one length */
        if (memcmp(mki, names->more[i].mki.octets, names->mki.len) == 0)
            return names->more[i].rx;
    }
    return NULL;
}

bool gh_side_choose_rx(const struct gh_side *side, const uint8_t *p, size_t len,
                       struct gh_rx_choice *out)
{
    const struct gh_rx_names *names = side->rx_names, *old = side->old_names;

    *out = (struct gh_rx_choice){ names ? named_in(side->rx, names, p, len) : side->rx,
                                  old ? named_in(side->old_rx, old, p, len) : side->old_rx,
                                  names ? names->mki.len : 0, old ? old->mki.len : 0 };
    return out->rx || out->old_rx;
}

static bool has_several(const struct gh_side *side)
{
    return side->rx_names && side->rx_names->more_count;
}

int gh_side_heed_all(const struct gh_side *side, struct gh_srtp_rx *rx, uint32_t ssrc)
{
    struct gh_srtp_rx *now[GH_MEDIA_RX_KEYS_MAX];
    size_t count = has_several(side) ? in_force(side, now) : 0;
    int err = 0;

    for (size_t i = 0; !err && i < count; i++) {
        if (now[i] != rx)
            err = gh_srtp_rx_heed(rx, now[i], ssrc);
    }
    return err;
}

bool gh_side_is_newest(const struct gh_side *side, const struct gh_srtp_rx *rx, bool rtcp)
{
    struct gh_srtp_rx *now[GH_MEDIA_RX_KEYS_MAX];
    size_t count = has_several(side) ? in_force(side, now) : 0;
    bool newest = gh_srtp_rx_is_newest(rx);

    for (size_t i = 0; newest && i < count; i++)
        newest = now[i] == rx || gh_srtp_rx_is_beyond(rx, now[i], rtcp);
    return newest;
}

bool gh_side_is_overrun(const struct gh_side *side, const struct gh_srtp_rx *rx, bool rtcp)
{
    uint64_t most = side->rx_lifetime_pkts;

    for (size_t i = 0; rx != side->rx && side->rx_names && i < side->rx_names->more_count; i++) {
        if (side->rx_names->more[i].rx == rx)
            most = side->rx_names->more[i].lifetime_pkts;
    }
    return most && gh_srtp_rx_pkts(rx, rtcp) > most;
}
