/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a set does to one side: keys, path, addresses.  What its own keys do is in rx_keys.c.  Ours,
 * like those, are made once: a second context would send the same keystream again.
 *
 *        a set with another key, or without bridge
 *   tx  ------------------------------------------->  shelf --(overflow)--> freed, GH_ESTALE
 *    ^                                                  |
 *    +--------- the same key and suite again -----------+
 */
#include <stdlib.h>
#include <string.h>

#include "media/media_int.h"
#include "net/dscp.h"

/* ---- shelves --------------------------------------------------------------------------------- */

static void shelve_tx(struct gh_side *side, struct gh_srtp_tx *tx)
{
    struct gh_past *past = tx ? gh_side_past(side) : NULL;
    size_t place = 0;

    if (!past) {
        gh_srtp_tx_free(tx);
        return;
    }
    while (place < GH_SHELF_MAX - 1 && past->tx_shelf[place])
        place++;
    if (past->tx_shelf[place])
        gh_retired_add(&past->tx_retired, gh_srtp_tx_key(past->tx_shelf[place]));
    gh_srtp_tx_free(past->tx_shelf[place]);
    memmove(&past->tx_shelf[1], &past->tx_shelf[0], place * sizeof(past->tx_shelf[0]));
    past->tx_shelf[0] = tx;
}

static struct gh_srtp_tx *take_tx(struct gh_side *side, enum gh_suite suite,
                                  const struct gh_secret *key)
{
    for (int i = 0; side->past && i < GH_SHELF_MAX; i++) {
        struct gh_srtp_tx *tx = side->past->tx_shelf[i];

        if (tx && gh_srtp_tx_is(tx, suite, key)) {
            side->past->tx_shelf[i] = NULL;
            return tx;
        }
    }
    return NULL;
}

static void free_past(struct gh_past *past)
{
    if (!past)
        return;
    for (int i = 0; i < GH_SHELF_MAX; i++) {
        gh_srtp_rx_free(past->rx_shelf[i]);
        gh_srtp_tx_free(past->tx_shelf[i]);
    }
    gh_retired_fini(&past->rx_retired);
    gh_retired_fini(&past->tx_retired);
    free(past);
}

void gh_side_inherit(struct gh_side *heir, struct gh_side *from)
{
    gh_side_shelve_rx(from);
    shelve_tx(from, from->tx);
    from->tx = NULL;
    from->path = GH_PATH_NONE;
    for (int i = 0; i < GH_PORT_COUNT; i++)
        gh_port_hand_over(&from->ports[i], &heir->ports[i]);
    heir->dscp = from->dscp;
    heir->past = from->past;
    heir->past_is_lost = from->past_is_lost;
    from->past = NULL;
}

/* ---- the key before -------------------------------------------------------------------------- */

static const struct gh_srtp_tx *tx_before(const struct gh_side *side)
{
    const struct gh_srtp_tx *before = NULL;

    for (int i = 0; side->past && i < GH_SHELF_MAX && !before; i++)
        before = side->past->tx_shelf[i];
    return before;
}

/* Under whichever suite: _80 and _32 of one key have one keystream. */
static bool was_sent_under(const struct gh_side *side, const struct gh_secret *key)
{
    const struct gh_past *past = side->past;

    for (int i = 0; past && i < GH_SHELF_MAX; i++) {
        if (past->tx_shelf[i] && gh_secret_equal(gh_srtp_tx_key(past->tx_shelf[i]), key))
            return true;
    }
    return past ? gh_retired_has(&past->tx_retired, key) : side->past_is_lost;
}

static int make_tx(struct gh_side *side)
{
    const struct gh_srtp_tx *before = side->roc_keep ? tx_before(side) : NULL;
    int err = was_sent_under(side, &side->tx_key)
                  ? GH_ESTALE
                  : gh_srtp_tx_new(&side->tx, side->suite, &side->tx_key);

    if (!err && before)
        err = gh_srtp_tx_continue(side->tx, before);
    if (err) { /* a context that began its keystream anew would be worse than none */
        gh_srtp_tx_free(side->tx);
        side->tx = NULL;
    }
    return err;
}

/* ---- what both sides' keys mean together ----------------------------------------------------- */

/* Whose a key is cannot be told any more. */
static bool has_forgotten(const struct gh_side *side)
{
    return side->past ? side->past->rx_retired.full : side->past_is_lost;
}

/* From @from to its other side.  Called after a set of either. */
static int link_direction(struct gh_side *from)
{
    struct gh_side *to = gh_side_other(from);
    bool ours = to->tx_key.len && !gh_side_is_peer_key(from, &to->tx_key) &&
                !gh_side_is_peer_key(to, &to->tx_key);
    bool wanted = ours && from->path == GH_PATH_BRIDGE;
    struct gh_srtp_tx *next = NULL;

    from->rx_passes = from->rx && !from->rx_names && to->tx_key.len && !to->has_tx_mki &&
                      gh_srtp_rx_is(from->rx, to->suite, &to->tx_key);
    if (to->tx && ours && gh_srtp_tx_is(to->tx, to->suite, &to->tx_key))
        return 0;
    if (wanted)
        next = take_tx(to, to->suite, &to->tx_key);
    shelve_tx(to, to->tx);
    to->tx = next;
    if (wanted && !next)
        return make_tx(to);
    /* Nothing goes out under what may be a peer's key; packets still come, so no timeout tells. */
    if (from->path == GH_PATH_BRIDGE && to->tx_key.len && (has_forgotten(from) || has_forgotten(to)))
        return GH_ESTALE;
    return 0;
}

/* ---- addresses ------------------------------------------------------------------------------- */

void gh_port_is_unreachable(struct gh_port *port, int err)
{
    struct gh_side *side = port->side;

    port->usable = false;
    port->source.current.family = 0;
    if (port->kind == GH_PORT_RTP)
        side->ports[GH_PORT_RTCP].usable = false;
    if (gh_media_err_is_remote(err))
        gh_side_raise_of(port, GH_MEDIA_EVENT_UNREACHABLE, err);
    else
        gh_side_raise(side, GH_MEDIA_EVENT_FAILED, err);
}

static void name_ports(struct gh_side *side, const struct gh_media_set *set, uint64_t now_ms)
{
    static const struct gh_addr none;
    struct gh_port *rtp = &side->ports[GH_PORT_RTP], *rtcp = &side->ports[GH_PORT_RTCP];
    bool has_rtcp = !set->rtcp_mux && !set->datagrams;
    int rtcp_err = gh_port_name(rtcp, set, has_rtcp ? &set->remote_rtcp : &none, now_ms);
    int err = gh_port_name(rtp, set, &set->remote_rtp, now_ms);

    if (rtcp_err)
        gh_port_is_unreachable(rtcp, rtcp_err);
    if (err)
        gh_port_is_unreachable(rtp, err);
}

static void change_addresses(struct gh_side *side, const struct gh_media_set *set, uint64_t now_ms)
{
    bool moved = !side->was_set || !gh_addr_eq(&side->remote_rtp, &set->remote_rtp);

    if (moved)
        side->origin = ++side->stream->worker->origins;
    /* A clock that began anew with each set would never end where a peer refreshes its session
     * often. */
    if (moved || (set->may_send && !side->may_send) || set->timeout_ms != side->timeout_ms)
        side->heard_ms = now_ms;
    side->timeout_ms = set->timeout_ms;
    side->remote_rtp = set->remote_rtp;
    side->rtcp_mux = set->rtcp_mux;
    side->may_send = set->may_send;
    side->may_receive = set->may_receive;
}

/* A socket that cannot be marked sends all the same, and is tried again with the next set. */
static void mark_packets(struct gh_side *side, uint8_t dscp)
{
    int err = 0;

    if (dscp == side->dscp)
        return;
    for (int i = 0; i < GH_PORT_COUNT; i++)
        err |= gh_dscp_set(side->ports[i].known_fd, side->family, dscp);
    if (!err)
        side->dscp = dscp;
}

static void fail(struct gh_side *side, int err)
{
    side->path = GH_PATH_NONE;
    side->ports[GH_PORT_RTP].usable = side->ports[GH_PORT_RTCP].usable = false;
    gh_side_raise(side, GH_MEDIA_EVENT_FAILED, err);
}

void gh_side_apply(struct gh_side *side, const struct gh_media_set *set, uint64_t now_ms)
{
    int err = gh_side_change_rx(side, set, now_ms);

    side->generation = set->generation;
    memset(side->raised, 0, sizeof(side->raised));
    side->path = (uint8_t)set->path;
    side->suite = (uint8_t)set->suite;
    side->datagrams = set->datagrams;
    side->tx_key = set->tx_key;
    side->roc_keep = set->roc_keep;
    side->has_tx_mki = set->tx_mki.len != 0;
    side->tx_mki_len = set->tx_mki.len;
    memcpy(side->tx_mki, set->tx_mki.octets, sizeof(side->tx_mki));
    side->rx_lifetime_pkts = set->rx_lifetime_pkts;
    side->has_lifetime = set->rx_lifetime_pkts != 0;
    gh_quality_name(&side->quality, set->payloads, set->payload_count);
    mark_packets(side, set->dscp);
    change_addresses(side, set, now_ms);
    side->was_set = true;
    if (err)
        fail(side, err);
    else
        name_ports(side, set, now_ms);
}

void gh_side_link(struct gh_stream *stream)
{
    for (int s = 0; s < 2; s++) {
        int err = link_direction(&stream->sides[s]);

        if (err) /* the context that could not be made is the other side's */
            fail(&stream->sides[!s], err);
    }
}

void gh_side_fini(struct gh_side *side)
{
    gh_side_rx_fini(side);
    gh_srtp_tx_free(side->tx);
    side->tx = NULL;
    gh_quality_fini(&side->quality);
    free_past(side->past);
    side->past = NULL;
    side->past_is_lost = true; /* no key is new here any more */
    gh_secret_wipe(&side->tx_key);
}
