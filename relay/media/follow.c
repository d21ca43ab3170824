/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What source.c decides is done here: the known socket of a port is connected to another address,
 * RTCP goes along with RTP, and the signalling thread hears of it.
 */
#include <stdlib.h>

#include "media/media_int.h"

_Static_assert(GH_SOURCE_SEEN_RTP >= GH_REPLAY_WINDOW, "what a true copy may be a replay of is remembered");

static int connect_known(struct gh_port *port, const struct gh_addr *to)
{
    struct sockaddr_storage ss;
    socklen_t len = gh_addr_to_sockaddr(to, &ss);

    if (!connect(port->known_fd, (const struct sockaddr *)&ss, len))
        return 0;
    /* ip(7) has EINVAL for addresses that the host's tables do not let be one. */
    return errno == EINVAL ? -EADDRNOTAVAIL : -errno;
}

int gh_port_name(struct gh_port *port, const struct gh_media_set *set,
                 const struct gh_addr *remote, uint64_t now_ms)
{
    struct gh_port_source *source = &port->source;
    struct gh_source_verdict named = { .step = GH_SOURCE_STAY };
    const struct gh_addr *to;
    int err =
        gh_port_source_name(source, set, remote, port->kind == GH_PORT_RTCP, now_ms, &to);

    port->usable = false;
    if (err)
        return err;
    if (gh_media_address(remote, NULL) != GH_MEDIA_ADDRESS_USABLE)
        return 0;
    if (!gh_addr_eq(to, &source->current)) {
        source->current.family = 0;
        err = connect_known(port, to);
        if (err)
            return err;
        named.to = *to;
        gh_port_source_changed(source, &named, false, now_ms);
    }
    port->usable = true;
    return 0;
}

/* ---- events ---------------------------------------------------------------------------------- */

static enum gh_media_event_kind kind_of(enum gh_source_step step)
{
    switch (step) {
    case GH_SOURCE_LATCH:
        return GH_MEDIA_EVENT_LATCHED;
    case GH_SOURCE_MOVE:
        return GH_MEDIA_EVENT_MOVED;
    case GH_SOURCE_TAKE_BACK:
        return GH_MEDIA_EVENT_TAKEN_BACK;
    case GH_SOURCE_CONTEST:
        return GH_MEDIA_EVENT_CONTESTED;
    case GH_SOURCE_CONFIRM:
        return GH_MEDIA_EVENT_CONFIRMED;
    case GH_SOURCE_STAY:
        break;
    }
    return GH_MEDIA_EVENT_NONE;
}

/* NULL: no memory. */
static struct gh_event_msg *event_of(const struct gh_port *port,
                                     const struct gh_source_verdict *verdict)
{
    struct gh_event_msg *event = gh_media_event_new(port->side, kind_of(verdict->step));

    if (!event)
        return NULL;
    event->event.old_source = port->source.current;
    event->event.new_source = verdict->to;
    event->event.rtcp = port->kind == GH_PORT_RTCP;
    event->event.source_proven = verdict->proven;
    return event;
}

/* Once a generation: whoever copies packets copies many. */
static void tell_contest(struct gh_port *port, const struct gh_source_verdict *verdict)
{
    uint32_t bit = 1U << GH_MEDIA_EVENT_CONTESTED, *raised = &port->side->raised[port->kind];
    struct gh_source_verdict told = *verdict;
    struct gh_event_msg *event;

    told.step = GH_SOURCE_CONTEST;
    event = *raised & bit ? NULL : event_of(port, &told);
    if (!event)
        return; /* told, or the next occasion tries again */
    *raised |= bit;
    gh_media_event_post(port->side, event);
}

static void confirm(struct gh_port *port, const struct gh_source_verdict *verdict)
{
    struct gh_event_msg *event = event_of(port, verdict);

    if (!event)
        return; /* the next packet tries again */
    gh_port_source_confirmed(&port->source);
    gh_media_event_post(port->side, event);
}

/* ---- changes --------------------------------------------------------------------------------- */

/* All or nothing: a change that nobody hears of, for want of memory, is not made. */
static bool change_source(struct gh_port *port, const struct gh_source_verdict *verdict,
                          bool learnt, uint64_t now_ms)
{
    struct gh_addr old = port->source.current;
    struct gh_event_msg *event = event_of(port, verdict);
    int err;

    if (!event)
        return false;
    if (connect_known(port, &verdict->to)) {
        free(event);
        err = connect_known(port, &old);
        if (err)
            gh_port_is_unreachable(port, err);
        return false;
    }
    gh_port_source_changed(&port->source, verdict, learnt, now_ms);
    gh_media_event_post(port->side, event);
    return true;
}

/* Nothing is at RTP's old address any more.  At that of the set RTCP is where the set has it; elsewhere
 * the next port is a guess (RFC 3550 section 11). */
static void rtcp_follows(struct gh_side *side, enum gh_source_step step, uint64_t now_ms)
{
    struct gh_port *rtcp = &side->ports[GH_PORT_RTCP];
    const struct gh_addr *rtp_at = &side->ports[GH_PORT_RTP].source.current;
    struct gh_source_verdict verdict = { .step = step, .to = *rtp_at };

    if (!rtcp->usable || gh_addr_same_ip(rtp_at, &rtcp->source.current) ||
        rtp_at->port == UINT16_MAX)
        return;
    if (gh_addr_same_ip(rtp_at, &rtcp->source.named))
        verdict.to.port = rtcp->source.named.port;
    else
        verdict.to.port++;
    change_source(rtcp, &verdict, step == GH_SOURCE_TAKE_BACK, now_ms);
}

static bool follow(struct gh_port *port, const struct gh_source_verdict *verdict, uint64_t now_ms)
{
    struct gh_side *side = port->side;

    if (!change_source(port, verdict, true, now_ms))
        return false;
    if (port->kind == GH_PORT_RTP) {
        rtcp_follows(side, verdict->step, now_ms);
        side->origin = ++side->stream->worker->origins; /* who sends plain RTP is another one now */
    }
    return true;
}

/* @return whether the place is verdict->to's from now on */
static bool carry_out(struct gh_port *port, const struct gh_source_verdict *verdict,
                      uint64_t now_ms)
{
    switch (verdict->step) {
    case GH_SOURCE_LATCH:
    case GH_SOURCE_MOVE:
        return follow(port, verdict, now_ms);
    case GH_SOURCE_TAKE_BACK:
        if (follow(port, verdict, now_ms))
            return true;
        tell_contest(port, verdict); /* there is no way to him: then at least who reads may know */
        break;
    case GH_SOURCE_CONTEST:
        tell_contest(port, verdict);
        break;
    case GH_SOURCE_CONFIRM:
        confirm(port, verdict);
        break;
    case GH_SOURCE_STAY:
        break;
    }
    return false;
}

bool gh_port_heard(struct gh_port *port, const struct gh_addr *stranger, bool fresh,
                   const struct gh_source_mark *mark, uint64_t now_ms)
{
    const struct gh_port_source *rtp =
        port->kind == GH_PORT_RTCP ? &port->side->ports[GH_PORT_RTP].source : NULL;
    struct gh_addr from = stranger ? *stranger : port->source.current;
    struct gh_source_verdict verdict =
        gh_port_source_accepted(&port->source, rtp, &from, fresh, mark, now_ms);

    return carry_out(port, &verdict, now_ms) || !stranger;
}

void gh_port_heard_copy(struct gh_port *port, const struct gh_addr *stranger,
                        const struct gh_source_mark *mark, uint64_t now_ms)
{
    struct gh_addr from = stranger ? *stranger : port->source.current;
    struct gh_source_verdict verdict =
        gh_port_source_copied(&port->source, &from, mark, now_ms);

    carry_out(port, &verdict, now_ms);
}
