/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octets of a connection to messages.  The first two of the checks that every request passes are here: framing
 * and grammar (400, 513), and the trunk (403).  The rest is call/.
 */
#include "base/log.h"
#include "trunk/refusal.h"
#include "trunk/trunk_int.h"

static void close_peer(struct gh_peer *peer, enum gh_reason reason)
{
    peer->closing = true;
    gh_conn_close(peer->conn, reason);
}

static void answer(struct gh_peer *peer, const struct gh_sip_msg *request, enum gh_reason reason,
                   struct gh_span detail)
{
    struct gh_buf octets = { 0 };

    if (!gh_refusal_build(&octets, request, peer->trunks->config->node_name, reason, detail))
        gh_trunk_send(peer->trunks, peer->papers, &octets);
    gh_buf_fini(&octets);
}

static void log_bad(const struct gh_peer *peer, enum gh_reason reason, const char *header, const char *text)
{
    char addr[GH_ADDR_TEXT_MAX];

    gh_log(GH_LOG_WARN, "trunk", "message.refuse", "trunk=%s conn=%llu peer=%s reason=%s header=\"%s\" text=\"%s\"",
           peer->trunk ? peer->trunk->rules.name : "-", (unsigned long long)gh_conn_id(peer->conn),
           gh_addr_text(&peer->papers->facts.peer, addr), gh_reason_name(reason), header, text);
}

/* Where one message ends and the next begins is in doubt: answer what can be answered, and close. */
static void framing_lost(struct gh_peer *peer, const struct gh_sip_framed *framed)
{
    struct gh_sip_msg *msg = NULL;

    log_bad(peer, framed->reason, "message", framed->fault);
    if (framed->octets.len && gh_sip_msg_parse(&msg, framed->octets, GH_SIP_HEAD_ONLY, NULL) != GH_ENOMEM && msg)
        answer(peer, msg, framed->reason, gh_span_str(framed->fault));
    gh_sip_msg_unref(msg);
    close_peer(peer, framed->reason);
}

/*
 * A connection that is nobody's, or that broke its trunk's rules: its first request is told why, with the names
 * that the certificate does carry, and that is all that is read from it.
 */
static void refuse_stranger(struct gh_peer *peer, const struct gh_sip_msg *msg)
{
    const struct gh_conn_facts *facts = gh_conn_facts(peer->conn);
    enum gh_reason reason = peer->papers->standing.reason;
    struct gh_buf names = { .limit = 1024 };

    if (facts->peer_cert) {
        gh_buf_str(&names, "the certificate's names:");
        for (size_t i = 0; i < facts->cert.name_count; i++)
            gh_buf_fmt(&names, "%s%s", i ? ", " : " ", facts->cert.names[i].text);
    }
    if (msg && msg->request && msg->method != GH_SIP_ACK)
        answer(peer, msg, reason, gh_buf_span(&names));
    gh_buf_fini(&names);
    close_peer(peer, reason);
}

static void take_message(struct gh_peer *peer, struct gh_span octets)
{
    struct gh_sip_fault fault = { 0 };
    struct gh_sip_msg *msg = NULL;
    int err = gh_sip_msg_parse(&msg, octets, GH_SIP_STREAM, &fault);

    gh_trunk_trace(peer->trunks, peer->papers, true, octets);
    gh_conn_mark_used(peer->conn);
    if (err == GH_ENOMEM) {
        close_peer(peer, GH_REASON_INTERNAL);
    } else if (err) {
        struct gh_buf detail = { 0 };

        gh_buf_fmt(&detail, "%s: %s", fault.header, fault.text);
        log_bad(peer, fault.reason, fault.header, fault.text);
        if (msg)
            answer(peer, msg, fault.reason, gh_buf_span(&detail));
        gh_buf_fini(&detail);
        if (!gh_peer_good(peer))
            close_peer(peer, peer->papers->standing.reason);
    } else if (!gh_peer_good(peer)) {
        refuse_stranger(peer, msg);
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
