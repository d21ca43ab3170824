/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octets of a connection to messages.  The first two of the checks that every request passes are
 * here: framing and grammar (400, 513), and the trunk (403).  The rest is call/.
 *
 * What is refused here never meets call's key gate, yet its keys crossed the wire all the same.  So
 * every octet that ends here is searched for keying, and the record of the refusal says so.
 */
#include "sip/body.h"
#include "trunk/refusal.h"
#include "trunk/trunk_int.h"

#include <gatehouse/sdp.h>

static void close_peer(struct gh_peer *peer, enum gh_reason reason)
{
    peer->closing = true;
    gh_conn_close(peer->conn, reason);
}

/* ---- keys in what is not read any further ---------------------------------------------------- */

/* Why a key that comes or goes on this connection is exposed; NONE on one that may carry it. */
static enum gh_reason exposes_keys(const struct gh_peer *peer)
{
    struct gh_gate gate = gh_policy_gate(peer->papers->standing.signalling, GH_CARRY_SECRET,
                                         GH_UNPROVEN_REFUSE);

    return gate.verdict == GH_GATE_REFUSE ? gate.reason : GH_REASON_NONE;
}

/*
 * @msg  NULL or ->bad: it did not parse, and the search of the plain octets must do.  Of a message
 *       that did, parts are decoded and escapes undone as well
 */
static bool carries_key(const struct gh_sip_msg *msg, struct gh_span octets)
{
    unsigned carriers = gh_sip_text_carriers(octets);

    if (msg && !msg->bad) {
        enum gh_reason problem;
        unsigned found = gh_sip_carriers(msg, &problem);

        /* An opaque body counts as everything at the gate; the record tells what was seen. */
        if (problem != GH_REASON_BODY_OPAQUE)
            carriers |= found;
    }
    return carriers & GH_CARRY_SECRET;
}

/* A message ends here: keys that it exposed are told.  @return the mark of that, or NONE */
static enum gh_reason exposure(const struct gh_peer *peer, const struct gh_sip_msg *msg,
                               struct gh_span octets)
{
    const struct gh_trunk_handlers *handlers = &peer->trunks->handlers;
    enum gh_reason mark = exposes_keys(peer);

    if (mark == GH_REASON_NONE || !carries_key(msg, octets))
        return GH_REASON_NONE;
    handlers->exposed(handlers->arg, peer->papers->standing.trunk, msg && !msg->bad ? msg : NULL,
                      octets);
    return mark;
}

static struct gh_span unread(const struct gh_peer *peer)
{
    return gh_span_from(gh_buf_span(&peer->framer.buf), peer->framer.start);
}

void gh_peer_abandon(struct gh_peer *peer)
{
    struct gh_refused_message refused = { .reason = GH_REASON_BAD_MESSAGE, .header = "message",
                                          .text = "not read to its end: the connection is gone" };

    if (!peer->papers)
        return;
    refused.exposed = exposure(peer, NULL, unread(peer));
    if (refused.exposed != GH_REASON_NONE)
        gh_report_message(peer, &refused);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* An answer repeats headers of the request, so it could carry a key back: the gate on departure. */
static bool may_leave(const struct gh_peer *peer, const struct gh_buf *octets)
{
    return exposes_keys(peer) == GH_REASON_NONE || !gh_sip_text_carries(gh_buf_span(octets));
}

static void answer(struct gh_peer *peer, const struct gh_sip_msg *request, enum gh_reason reason,
                   struct gh_span detail)
{
    const char *node = peer->trunks->config->node_name;
    struct gh_buf octets = { 0 };

    if (!gh_refusal_build(&octets, request, node, reason, detail) && may_leave(peer, &octets))
        gh_trunk_send(peer->trunks, peer->papers, &octets);
    gh_buf_fini(&octets);
}

/* Where one message ends and the next begins is in doubt: answer what can be answered, and
 * close. */
static void framing_lost(struct gh_peer *peer, const struct gh_sip_framed *framed)
{
    struct gh_refused_message refused = { .reason = framed->reason, .header = "message",
                                          .text = framed->fault };
    struct gh_sip_msg *msg = NULL;

    refused.exposed = exposure(peer, NULL, unread(peer));
    gh_report_message(peer, &refused);
    if (framed->octets.len &&
        gh_sip_msg_parse(&msg, framed->octets, GH_SIP_HEAD_ONLY, NULL) != GH_ENOMEM && msg)
        answer(peer, msg, framed->reason, gh_span_str(framed->fault));
    gh_sip_msg_unref(msg);
    close_peer(peer, framed->reason);
    gh_sip_framer_fini(&peer->framer); /* told of already: nothing is left for gh_peer_abandon */
}

/*
 * A connection that is nobody's, or that broke its trunk's rules: its first request is told why,
 * with the names that the certificate does carry, and that is all that is read from it.
 */
static void refuse_stranger(struct gh_peer *peer, const struct gh_sip_msg *msg,
                            struct gh_span octets)
{
    const struct gh_conn_facts *facts = gh_conn_facts(peer->conn);
    struct gh_refused_message refused = { .reason = peer->papers->standing.reason, .msg = msg,
                                          .header = "message", .text = "of nobody's connection",
                                          .exposed = exposure(peer, msg, octets) };
    struct gh_buf names = { .limit = 1024 };

    /* That the connection was refused is on record since its handshake. */
    if (refused.exposed != GH_REASON_NONE)
        gh_report_message(peer, &refused);
    if (facts->peer_cert) {
        gh_buf_str(&names, "the certificate's names:");
        for (size_t i = 0; i < facts->cert.name_count; i++)
            gh_buf_fmt(&names, "%s%s", i ? ", " : " ", facts->cert.names[i].text);
    }
    if (msg->request && msg->method != GH_SIP_ACK)
        answer(peer, msg, refused.reason, gh_buf_span(&names));
    gh_buf_fini(&names);
    close_peer(peer, refused.reason);
}

/* @msg  NULL: it cannot be answered */
static void refuse_bad(struct gh_peer *peer, const struct gh_sip_msg *msg, struct gh_span octets,
                       const struct gh_sip_fault *fault)
{
    struct gh_refused_message refused = { .reason = fault->reason, .header = fault->header,
                                          .text = fault->text,
                                          .exposed = exposure(peer, NULL, octets) };
    struct gh_buf detail = { 0 };

    gh_report_message(peer, &refused);
    gh_buf_fmt(&detail, "%s: %s", fault->header, fault->text);
    if (msg)
        answer(peer, msg, fault->reason, gh_buf_span(&detail));
    gh_buf_fini(&detail);
    if (!gh_peer_good(peer))
        close_peer(peer, peer->papers->standing.reason);
}

static void take_message(struct gh_peer *peer, struct gh_span octets)
{
    struct gh_sip_fault fault = { 0 };
    struct gh_sip_msg *msg = NULL;
    int err = gh_sip_msg_parse(&msg, octets, GH_SIP_STREAM, &fault);

    gh_trunk_trace(peer->trunks, peer->papers, true, octets);
    gh_conn_mark_used(peer->conn);
    if (err == GH_ENOMEM) {
        fault = (struct gh_sip_fault){ GH_REASON_INTERNAL, "message", "no memory to read it" };
        refuse_bad(peer, NULL, octets, &fault);
        close_peer(peer, GH_REASON_INTERNAL);
    } else if (err) {
        refuse_bad(peer, msg, octets, &fault);
    } else if (!gh_peer_good(peer)) {
        refuse_stranger(peer, msg, octets);
    } else {
        peer->trunks->handlers.message(peer->trunks->handlers.arg, peer->papers, msg);
        return; /* it took the message */
    }
    gh_sip_msg_unref(msg);
}

/* RFC 5626 section 4.4.1: a double CRLF is answered with one. */
static void answer_ping(struct gh_peer *peer)
{
    struct gh_buf pong = { 0 };

    gh_buf_str(&pong, "\r\n");
    if (gh_peer_good(peer))
        gh_conn_send(peer->conn, peer->papers->generation, &pong);
    gh_buf_fini(&pong);
}

void gh_peer_receive(struct gh_peer *peer, struct gh_span octets)
{
    struct gh_sip_framed framed;

    if (gh_sip_framer_feed(&peer->framer, octets)) {
        close_peer(peer, GH_REASON_INTERNAL);
        return;
    }
    while (!peer->closing) {
        switch (gh_sip_framer_next(&peer->framer, &framed)) {
        case GH_SIP_FRAME_MESSAGE:
            take_message(peer, framed.octets);
            break;
        case GH_SIP_FRAME_PING:
            answer_ping(peer);
            break;
        case GH_SIP_FRAME_LOST:
            framing_lost(peer, &framed);
            return;
        case GH_SIP_FRAME_MORE:
            return;
        }
    }
}
