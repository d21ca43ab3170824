/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet path: form, authentication, path, sending.  No allocation but for a new SSRC, no lock,
 * no log. Each packet ends in exactly one of: sent, or one drop cause of the side that it came
 * from.
 */
#include <string.h>

#include "media/media_int.h"
#include "net/loop.h"

#define NOT_DROPPED GH_DROP_COUNT

/* The packet under way. */
struct packet {
    struct gh_worker *worker;
    struct gh_side *from;
    struct gh_port *port;
    const struct gh_addr *stranger; /* not from the port's source, but from here */
    uint8_t *p;
    size_t len;
    bool rtcp;
    bool plain_form; /* RTCP: looked at before a failing GCM spoils the octets */
    bool passes;     /* it authenticated under a key that the other side holds too */
    bool fresh;      /* above all packets before it, under the present key */
    bool decrypted;  /* p may hold what was secret */
    struct gh_source_mark mark; /* where the port's source has a race */
    struct gh_rx_choice keys;   /* that it may be under */
    uint64_t origin; /* which source, for SSRCs */
    uint64_t now_ms;
    uint64_t now_us; /* set when it is accepted */
    /* RTCP in plain: p, or the worker's scratch where p goes on as it came */
    const uint8_t *report;
    size_t report_len;
};

/* ---- what it is ------------------------------------------------------------------------------ */

static size_t tag_len_of(const struct gh_side *side, bool rtcp)
{
    const struct gh_suite_info *info = gh_suite_info(side->suite);

    return rtcp ? info->rtcp_tag_len : info->tag_len;
}

static bool looks_plain(const struct packet *packet)
{
    return packet->rtcp
               ? packet->plain_form
               : gh_rtp_looks_plain(packet->p, packet->len, tag_len_of(packet->from, false));
}

/* It did not authenticate, or could not have. */
static enum gh_drop not_authentic(const struct packet *packet)
{
    if (packet->stranger)
        return GH_DROP_UNKNOWN_SOURCE; /* anybody can send that: it says nothing of the peer */
    if (looks_plain(packet)) {
        gh_side_raise(packet->from, GH_MEDIA_EVENT_PLAIN, 0);
        return GH_DROP_PLAIN_ON_SRTP;
    }
    gh_side_raise(packet->from, GH_MEDIA_EVENT_AUTH_FAILED, 0);
    return GH_DROP_AUTH_FAILED;
}

/* Authentic, of one source too many under its key: it stays out until the key is another. */
static enum gh_drop one_source_too_many(const struct packet *packet)
{
    if (!packet->stranger)
        gh_side_raise(packet->from, GH_MEDIA_EVENT_SSRC_LIMIT, 0);
    return GH_DROP_SSRC_LIMIT;
}

/* RTP on the RTP port; RTCP on its own, or with rtcp-mux on the RTP port (RFC 5761). */
static enum gh_drop classify(struct packet *packet)
{
    const struct gh_port *port = packet->port;
    enum gh_pkt_kind kind = gh_pkt_kind(packet->p, packet->len);

    if (kind != GH_PKT_RTP && kind != GH_PKT_RTCP)
        return kind == GH_PKT_STUN   ? GH_DROP_STUN
               : kind == GH_PKT_DTLS ? GH_DROP_DTLS
                                     : GH_DROP_MALFORMED;
    packet->rtcp = kind == GH_PKT_RTCP;
    if (packet->rtcp ? port->kind == GH_PORT_RTP && !port->side->rtcp_mux
                     : port->kind == GH_PORT_RTCP)
        return GH_DROP_MALFORMED;
    return NOT_DROPPED;
}

/* ---- a keyed side ---------------------------------------------------------------------------- */

/* SRTCP that goes on as it is: its plain copy lies in the scratch until gh_forward is done with the
 * packet. */
static int read_copy(struct gh_srtp_rx *rx, struct packet *packet, const uint8_t *p, size_t len)
{
    uint8_t *scratch = packet->worker->scratch;
    size_t copied = len;
    int err;

    memcpy(scratch, p, len);
    err = gh_srtp_rx_open(rx, scratch, &len, true);
    if (err) {
        explicit_bzero(scratch, copied);
        return err;
    }
    packet->report = scratch;
    packet->report_len = len;
    return 0;
}

/* One context: decrypt for a bridge, else authenticate alone. */
static int try_rx(struct gh_srtp_rx *rx, struct packet *packet, uint8_t *p, size_t *len)
{
    if (packet->from->path == GH_PATH_BRIDGE)
        return gh_srtp_rx_open(rx, p, len, packet->rtcp);
    if (packet->rtcp)
        return read_copy(rx, packet, p, *len);
    return gh_srtp_rx_check(rx, p, *len, false, packet->worker->scratch);
}

/* It may be under either.  The first try may spoil what it works on (GCM), so it gets a copy. */
static int try_both(struct packet *packet, struct gh_srtp_rx **hit)
{
    uint8_t copy[GH_MEDIA_PKT_MAX + 4] __attribute__((aligned(16)));
    size_t len = packet->len;
    int err, old_err;

    memcpy(copy, packet->p, packet->len);
    err = try_rx(packet->keys.rx, packet, packet->p, &len);
    if (!err) {
        packet->len = len;
        *hit = packet->keys.rx;
    } else {
        memcpy(packet->p, copy, packet->len);
        len = packet->len;
        old_err = try_rx(packet->keys.old_rx, packet, packet->p, &len);
        if (!old_err) {
            packet->len = len;
            *hit = packet->keys.old_rx;
            err = 0;
        } else {
            /* what is no plaintext, for the look at its form */
            memcpy(packet->p, copy, packet->len);
            err = old_err == GH_EAUTH ? err : old_err; /* what the one knows that it is of */
        }
    }
    return err;
}

static void note_proven(struct gh_side *side, uint32_t generation)
{
    _Atomic uint32_t *proven = &side->counters.proven_generation;

    if (atomic_load_explicit(proven, memory_order_relaxed) < generation)
        atomic_store_explicit(proven, generation, memory_order_relaxed);
}

/* A packet under a key of the present generation. */
static void under_present_key(struct packet *packet, const struct gh_srtp_rx *rx)
{
    struct gh_side *side = packet->from;
    uint64_t soon_ms = packet->now_ms + GH_OLD_KEY_AFTER_NEW_MS;

    if (side->old_rx && side->old_rx_until_ms > soon_ms)
        side->old_rx_until_ms = soon_ms;
    packet->fresh =
        side->has_mki ? gh_side_is_newest(side, rx, packet->rtcp) : gh_srtp_rx_is_newest(rx);
    if (!gh_side_has_raised(side, GH_MEDIA_EVENT_PROVEN)) {
        note_proven(side, side->generation);
        gh_side_raise(side, GH_MEDIA_EVENT_PROVEN, 0);
    }
    if ((side->has_lifetime || side->has_mki) && gh_side_is_overrun(side, rx, packet->rtcp))
        gh_side_raise(side, GH_MEDIA_EVENT_LIFETIME, 0);
}

static int authenticate(struct packet *packet)
{
    struct gh_side *side = packet->from;
    const struct gh_rx_choice *keys = &packet->keys;
    struct gh_srtp_rx *hit = keys->rx ? keys->rx : keys->old_rx;
    int err = 0;

    if (side->has_mki && !packet->rtcp)
        err = gh_side_heed_all(side, hit, gh_get32(packet->p + 8));
    if (err)
        return err;
    if (keys->rx && keys->old_rx) {
        err = try_both(packet, &hit);
    } else {
        size_t len = packet->len;

        err = try_rx(hit, packet, packet->p, &len);
        if (!err)
            packet->len = len;
    }
    /* GCM decrypts before it knows the tag is wrong */
    packet->decrypted = side->path == GH_PATH_BRIDGE;
    if (err)
        return err;
    packet->origin = gh_srtp_rx_serial(hit);
    packet->passes = hit == side->rx ? side->rx_passes : hit == side->old_rx && side->old_rx_passes;
    if (hit == keys->rx)
        under_present_key(packet, hit);
    else
        note_proven(side, side->old_generation);
    return 0;
}

/* Before decryption spoils it.  RFC 3711 section 3.4 has the SRTCP index before the tag, RFC 7714
 * section 9.2 behind it. */
static struct gh_source_mark mark_of(const struct packet *packet, size_t tag_len, bool aead)
{
    const uint8_t *end = packet->p + packet->len;

    if (!packet->rtcp)
        return (struct gh_source_mark){ gh_get16(packet->p + 2), gh_get32(end - 4) };
    if (aead)
        return (struct gh_source_mark){ gh_get32(end - GH_SRTCP_INDEX), gh_get32(end - 8) };
    return (struct gh_source_mark){ gh_get32(end - tag_len - GH_SRTCP_INDEX), gh_get32(end - 4) };
}

/* Under the keys of its choice; it has no MKI any more. */
static int open_packet(struct packet *packet)
{
    const struct gh_side *side = packet->from;
    bool aead = gh_suite_info(side->suite)->aead;
    size_t tag_len = tag_len_of(side, packet->rtcp), least;

    least = tag_len + (packet->rtcp ? GH_RTCP_HEADER + GH_SRTCP_INDEX
                                    : gh_rtp_header_len(packet->p, packet->len));
    if (packet->len < least)
        return looks_plain(packet) ? GH_EAUTH : GH_ESYNTAX;
    /* Encryption was agreed: RFC 3711 section 3.4 lets SRTCP leave it out, we do not. */
    if (packet->rtcp && !gh_srtcp_encrypted(packet->p, packet->len, tag_len, aead))
        return GH_EAUTH;
    if (packet->port->source.race)
        packet->mark = mark_of(packet, tag_len, aead);
    return authenticate(packet);
}

/*
 * RFC 3711 section 3.1: an MKI stands before the tag; RFC 7714 sections 8 and 9: at the end, for the
 * tag is part of what was encrypted.  The tag does not cover it, so a packet without it is what the
 * SRTP context knows.
 */
static size_t behind_mki(const struct packet *packet)
{
    const struct gh_side *side = packet->from;

    return gh_suite_info(side->suite)->aead ? 0 : tag_len_of(side, packet->rtcp);
}

static int open_without(struct packet *packet, size_t mki_len)
{
    size_t behind = behind_mki(packet);

    packet->len -= mki_len;
    if (mki_len)
        memmove(packet->p + packet->len - behind, packet->p + packet->len - behind + mki_len,
                behind);
    return open_packet(packet);
}

/* What ends as an MKI may be one, of a key of its time, or the end of a packet under a key that has
 * none, or a shorter one: first as under what is in force, then as under an old key. */
static int open_by_turns(struct packet *packet)
{
    const struct packet whole = *packet;
    uint8_t copy[GH_MEDIA_PKT_MAX + 4];
    struct gh_source_mark mark;
    int err, old_err;

    memcpy(copy, packet->p, packet->len);
    packet->keys.old_rx = NULL;
    err = open_without(packet, whole.keys.mki_len);
    if (!err)
        return 0;
    mark = packet->mark;
    *packet = whole;
    memcpy(packet->p, copy, packet->len);
    packet->keys.rx = NULL;
    old_err = open_without(packet, whole.keys.old_mki_len);
    if (old_err != GH_EAUTH && old_err != GH_ESYNTAX)
        return old_err;
    *packet = whole;
    memcpy(packet->p, copy, packet->len);
    packet->mark = mark;
    return err;
}

/* It names its key by an MKI.  @return GH_EAUTH also: another one or none is there */
static int open_by_mki(struct packet *packet)
{
    const struct gh_side *side = packet->from;
    struct gh_rx_choice *keys = &packet->keys;
    size_t behind = behind_mki(packet), least = GH_RTP_HEADER + behind;
    size_t end = packet->len > least ? packet->len - behind : 0;

    if (!gh_side_choose_rx(side, packet->p, end, keys))
        return GH_EAUTH;
    if (keys->rx && keys->old_rx && keys->mki_len != keys->old_mki_len)
        return open_by_turns(packet);
    return open_without(packet, keys->rx ? keys->mki_len : keys->old_mki_len);
}

static int open_keyed(struct packet *packet)
{
    const struct gh_side *side = packet->from;

    if (side->has_mki)
        return open_by_mki(packet);
    packet->keys.rx = side->rx;
    packet->keys.old_rx = side->old_rx;
    return open_packet(packet);
}

static enum gh_drop accept_keyed(struct packet *packet)
{
    struct gh_side *side = packet->from;

    if (side->path == GH_PATH_NONE || !side->rx)
        return GH_DROP_NO_KEY_YET;
    if (packet->rtcp)
        packet->plain_form = gh_rtcp_looks_plain(packet->p, packet->len, tag_len_of(side, true),
                                                 gh_suite_info(side->suite)->aead);
    if (side->old_rx && packet->now_ms >= side->old_rx_until_ms)
        gh_side_retire_old(side);
    switch (open_keyed(packet)) {
    case 0:
        break;
    case GH_EAUTH:
        return not_authentic(packet);
    case GH_EREPLAY:
        return GH_DROP_REPLAYED;
    case GH_ELIMIT:
        return one_source_too_many(packet);
    case GH_ESYNTAX:
        return GH_DROP_MALFORMED;
    default:
        return GH_DROP_INTERNAL;
    }
    return NOT_DROPPED;
}

/* ---- a clear side ---------------------------------------------------------------------------- */

static enum gh_drop accept_plain(struct packet *packet)
{
    struct gh_side *side = packet->from;

    if (side->path == GH_PATH_NONE)
        return GH_DROP_NO_KEY_YET;
    if (packet->rtcp && !gh_rtcp_complete(packet->p, packet->len))
        return GH_DROP_MALFORMED;
    /* Only voice that is due is a sign of where the peer is. */
    if (packet->stranger && packet->port->kind == GH_PORT_RTP && (packet->rtcp || !side->may_send))
        return GH_DROP_UNKNOWN_SOURCE;
    packet->fresh = true;
    return NOT_DROPPED;
}

/* ---- datagrams ------------------------------------------------------------------------------- */

/* ITU-T T.38 section 9.1.1: a UDPTL packet begins with its sequence number. */
#define UDPTL_HEADER 2

static enum gh_drop accept_datagram(struct packet *packet)
{
    if (packet->from->path == GH_PATH_NONE)
        return GH_DROP_NO_KEY_YET;
    if (packet->port->kind != GH_PORT_RTP || packet->len < UDPTL_HEADER)
        return GH_DROP_MALFORMED;
    if (packet->stranger)
        return GH_DROP_UNKNOWN_SOURCE;
    packet->fresh = true;
    return NOT_DROPPED;
}

/* ---- the source ------------------------------------------------------------------------------ */

/*
 * What it says of the source.  An authentic packet goes on from wherever it came: had it only been
 * looked at, its true copy would be a replay, and who copies faster than the peer could silence
 * him.
 */
static enum gh_drop heed_source(struct packet *packet)
{
    struct gh_port_source *source = &packet->port->source;
    bool keyed = packet->from->suite != GH_SUITE_NONE, is_source = true;
    /* Who may not send RTP sends it from nowhere: what comes was under way, or is a copy of that. */
    bool is_due = packet->rtcp || !packet->stranger || packet->from->may_send;

    if (packet->stranger || source->race)
        is_source = gh_port_heard(packet->port, packet->stranger, packet->fresh && is_due,
                                  &packet->mark, packet->now_ms);
    else if (packet->fresh)
        source->learnt = true;
    return keyed || is_source ? NOT_DROPPED : GH_DROP_UNKNOWN_SOURCE;
}

/* It was not accepted. */
static enum gh_drop heed_refused(struct packet *packet, enum gh_drop drop)
{
    if (drop == GH_DROP_REPLAYED && packet->port->source.race)
        gh_port_heard_copy(packet->port, packet->stranger, &packet->mark, packet->now_ms);
    return packet->stranger ? GH_DROP_UNKNOWN_SOURCE : drop; /* whatever else is wrong with it */
}

static void note_accepted(struct packet *packet)
{
    struct gh_live_counters *counters = &packet->from->counters;
    bool keyed = packet->from->suite != GH_SUITE_NONE;
    _Atomic int64_t *first = keyed ? &counters->first_authenticated_us : &counters->first_plain_us;
    int64_t wall_us;

    packet->now_us = uv_hrtime() / 1000;
    wall_us = (int64_t)packet->now_us + packet->worker->wall_ahead_us;
    gh_count(keyed ? &counters->authenticated : &counters->plain, 1);
    gh_count(&counters->authenticated_rtcp, keyed && packet->rtcp);
    if (atomic_load_explicit(first, memory_order_relaxed) == 0)
        atomic_store_explicit(first, wall_us, memory_order_relaxed);
    atomic_store_explicit(&counters->last_rx_us, wall_us, memory_order_relaxed);
    packet->from->heard_ms = packet->now_ms;
}

/* ---- onwards --------------------------------------------------------------------------------- */

static enum gh_drop drop_of_seal(int err)
{
    switch (err) {
    case 0:
        return NOT_DROPPED;
    case GH_EREPLAY:
        return GH_DROP_REPLAYED;
    case GH_ELIMIT:
        return GH_DROP_KEY_LIMIT;
    case GH_ESYNTAX:
        return GH_DROP_MALFORMED;
    default:
        return GH_DROP_INTERNAL;
    }
}

/* Where open_by_mki finds it. */
static void add_mki(struct packet *packet, const struct gh_side *to)
{
    const struct gh_suite_info *info = gh_suite_info(to->suite);
    size_t behind = info->aead ? 0 : tag_len_of(to, packet->rtcp);
    uint8_t *at = packet->p + packet->len - behind;

    memmove(at + to->tx_mki_len, at, behind);
    memcpy(at, to->tx_mki, to->tx_mki_len);
    packet->len += to->tx_mki_len;
}

static enum gh_drop seal(struct packet *packet, struct gh_side *to)
{
    int err;

    if (!to->tx)
        return GH_DROP_NO_KEY_YET;
    if (packet->rtcp)
        err =
            gh_srtp_tx_seal_rtcp(to->tx, packet->origin, packet->p, &packet->len, packet->from->tx);
    else
        err = gh_srtp_tx_seal_rtp(to->tx, packet->origin, packet->p, &packet->len);
    if (!err) {
        packet->decrypted = false;
        if (to->has_tx_mki)
            add_mki(packet, to);
        if (gh_srtp_tx_is_worn(to->tx))
            gh_side_raise(to, GH_MEDIA_EVENT_KEY_SOON, 0);
    }
    return drop_of_seal(err);
}

/* What goes to a keyed side is under its key, always: the last look before the socket. */
static enum gh_drop convert(struct packet *packet, struct gh_side *to)
{
    switch (packet->from->path) {
    case GH_PATH_PASS:
        return packet->passes ? NOT_DROPPED : GH_DROP_NO_KEY_YET;
    case GH_PATH_CLEAR:
        return to->suite == GH_SUITE_NONE ? NOT_DROPPED : GH_DROP_NO_KEY_YET;
    case GH_PATH_BRIDGE:
        if (packet->rtcp && !gh_rtcp_complete(packet->p, packet->len))
            return GH_DROP_MALFORMED;
        if (to->suite != GH_SUITE_NONE)
            return seal(packet, to);
        if (packet->rtcp && packet->from->tx)
            return drop_of_seal(gh_srtp_tx_unmap_rtcp(packet->from->tx, packet->p, packet->len));
        return NOT_DROPPED;
    case GH_PATH_NONE:
    case GH_PATH_COUNT:
        break;
    }
    return GH_DROP_NO_KEY_YET;
}

static enum gh_drop send_on(struct packet *packet)
{
    struct gh_side *from = packet->from, *to = gh_side_other(from);
    struct gh_port *port = &to->ports[packet->rtcp && !to->rtcp_mux ? GH_PORT_RTCP : GH_PORT_RTP];
    enum gh_drop drop;

    if (!to->was_set || from->datagrams != to->datagrams)
        return GH_DROP_NO_KEY_YET;
    if (!port->usable || (!packet->rtcp && (!from->may_send || !to->may_receive)))
        return GH_DROP_NOT_SENDING;
    drop = convert(packet, to);
    if (drop != NOT_DROPPED)
        return drop;
    if (!gh_port_send(port, packet->p, packet->len))
        return GH_DROP_SEND_FAILED;
    gh_count(&to->counters.tx_pkts, 1);
    gh_count(&to->counters.tx_octets, packet->len);
    return NOT_DROPPED;
}

/* What it says of loss and time, before sealing hides it; and that of the other side when it has
 * left. */
static enum gh_drop measure_and_send(struct packet *packet)
{
    struct gh_quality *from = &packet->from->quality, *to = &gh_side_other(packet->from)->quality;
    const uint8_t *report = packet->report ? packet->report : packet->p;
    size_t report_len = packet->report ? packet->report_len : packet->len;
    uint32_t ntp_middle = 0;
    enum gh_drop drop;

    if (packet->rtcp)
        gh_quality_rtcp(from, to, report, report_len, packet->now_us, &ntp_middle);
    else
        gh_quality_rtp(from, packet->p, packet->now_us);
    drop = send_on(packet);
    if (drop != NOT_DROPPED)
        return drop;
    if (packet->rtcp)
        gh_quality_report_sent(to, ntp_middle, packet->now_us);
    else
        gh_quality_passed(from, to, gh_get32(packet->p + 8));
    return NOT_DROPPED;
}

/* What it is, whether it may be that here, and where it stands if so. */
static enum gh_drop accept_packet(struct packet *packet)
{
    const struct gh_side *side = packet->from;
    enum gh_drop drop;

    if (side->datagrams)
        return accept_datagram(packet);
    drop = classify(packet);
    if (drop != NOT_DROPPED)
        return drop;
    return side->suite == GH_SUITE_NONE ? accept_plain(packet) : accept_keyed(packet);
}

void gh_forward(struct gh_worker *worker, struct gh_port *port, size_t len,
                const struct gh_addr *stranger, uint64_t now_ms)
{
    struct gh_side *side = port->side;
    struct packet packet = { .worker = worker, .from = side, .port = port, .stranger = stranger,
                             .p = worker->packet, .len = len, .now_ms = now_ms };
    enum gh_drop drop = accept_packet(&packet);

    worker->pulse.pkts++;
    drop = drop == NOT_DROPPED ? heed_source(&packet) : heed_refused(&packet, drop);
    if (drop == NOT_DROPPED) {
        if (side->suite == GH_SUITE_NONE)
            packet.origin = side->origin;
        note_accepted(&packet);
        drop = side->datagrams ? send_on(&packet) : measure_and_send(&packet);
    }
    if (drop != NOT_DROPPED)
        gh_drop(side, drop);
    if (packet.decrypted)
        explicit_bzero(packet.p, len);
    if (packet.report)
        explicit_bzero(worker->scratch, len);
}
