/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls through gatehouse: both of its neighbours, over mutual TLS.  The index of a callee's stream stands in the
 * callee's tag.  As much of RFC 3261 as a peer that never errs needs.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "conn.h"

#define CONNS_MAX 64

static struct {
    SSL_CTX *a_tls, *b_tls;
    struct gh_gen_listener listener;
    struct gh_gen_conn *caller, *conns[CONNS_MAX];
    unsigned conn_count, called;
    struct gh_gen_stream **b; /* of the callee, by index */
} sip;

/* ---- messages --------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3)))
static void send_message(struct gh_gen_conn *conn, const char *fmt, ...)
{
    char text[GH_GEN_MESSAGE_MAX];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text))
        abort();
    gh_gen_conn_send(conn, text, (size_t)len);
}

#define NO_BODY "Content-Length: 0\r\n\r\n"

/* A request of the caller.  @branch  a word  @more  headers and body, from Content-Type or Content-Length on */
static void send_request(struct gh_gen_call *call, const char *method, const char *branch, unsigned cseq,
                         const char *more)
{
    char relay[INET_ADDRSTRLEN], a[INET_ADDRSTRLEN], uri[160];

    inet_ntop(AF_INET, &gh_gen_opt.relay.sin_addr, relay, sizeof(relay));
    inet_ntop(AF_INET, &gh_gen_opt.a.sin_addr, a, sizeof(a));
    snprintf(uri, sizeof(uri), "sip:9898@%s:%u;transport=tls", relay, ntohs(gh_gen_opt.relay.sin_port));
    send_message(sip.caller,
                 "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS %s:5061;branch=z9hG4bK%s%u-%lx\r\nMax-Forwards: 70\r\n"
                 "From: <sip:1018@%s>;tag=a%u\r\nTo: <sip:9898@%s>%s%s\r\nCall-ID: %u-%lx\r\nCSeq: %u %s\r\n"
                 "Contact: <sip:1018@%s:5061;transport=tls>\r\n%s",
                 method, *call->relay_uri ? call->relay_uri : uri, a, branch, call->index, gh_gen.boot, a, call->index,
                 relay, *call->relay_tag ? ";tag=" : "", call->relay_tag, call->index, gh_gen.boot, cseq, method, a,
                 more);
}

/* A response of the callee: what it must repeat, it repeats.  @index  of its stream */
static void respond(struct gh_gen_conn *conn, const struct gh_gen_message *request, const char *status, unsigned index,
                    const char *sdp)
{
    const char *via = "", *from = "", *to = "", *call_id = "", *cseq = "";
    int via_len = (int)gh_gen_header(request, "Via", &via), from_len = (int)gh_gen_header(request, "From", &from);
    int to_len = (int)gh_gen_header(request, "To", &to), id_len = (int)gh_gen_header(request, "Call-ID", &call_id);
    int cseq_len = (int)gh_gen_header(request, "CSeq", &cseq);
    char tag[32] = "", b[INET_ADDRSTRLEN];

    if (!memmem(to, (size_t)to_len, ";tag=", 5))
        snprintf(tag, sizeof(tag), ";tag=b%u", index);
    inet_ntop(AF_INET, &gh_gen_opt.b.sin_addr, b, sizeof(b));
    send_message(conn,
                 "SIP/2.0 %s\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
                 "Contact: <sip:9898@%s:%u;transport=tls>\r\n%sContent-Length: %zu\r\n\r\n%s",
                 status, via_len, via, from_len, from, to_len, to, tag, id_len, call_id, cseq_len, cseq, b,
                 ntohs(gh_gen_opt.b.sin_port), *sdp ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp);
}

/* ---- the caller ------------------------------------------------------------------------------------------- */

static void place(struct gh_gen_call *call)
{
    char sdp[512], more[700];
    size_t len;

    call->stream = gh_gen_stream_new(gh_gen.media, 0, gh_gen_opt.a.sin_addr, gh_gen_opt.suites[0]);
    if (!call->stream)
        gh_gen_fail("generator: a socket for media");
    len = gh_gen_print_sdp(sdp, sizeof(sdp), call->stream, gh_gen_opt.a.sin_addr, 1);
    snprintf(more, sizeof(more), "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", len, sdp);
    send_request(call, "INVITE", "INVITE", 1, more);
}

static void take_answer(struct gh_gen_call *call, const struct gh_gen_message *message)
{
    const char *to = "", *contact = "", *tag;
    size_t to_len = gh_gen_header(message, "To", &to);
    struct gh_gen_peer_sdp sdp;

    tag = memmem(to, to_len, ";tag=", 5);
    if (!tag || sscanf(tag + 5, "%79[^;\r\n ]", call->relay_tag) != 1 ||
        !gh_gen_header(message, "Contact", &contact) || sscanf(contact, "<%127[^>]", call->relay_uri) != 1 ||
        !gh_gen_read_sdp(message->body, call->stream->suite, &sdp) ||
        !gh_gen_stream_join(call->stream, sdp.rtp, sdp.key)) {
        fprintf(stderr, "generator: a 200 that cannot be used:\n%s\n", message->text);
        exit(EXIT_FAILURE);
    }
    gh_gen_call_is_up(call);
}

static void on_response(struct gh_gen_call *call, const struct gh_gen_message *message)
{
    const char *cseq = "";

    if (message->status < 200 || !gh_gen_header(message, "CSeq", &cseq) || call->over)
        return;
    if (strncmp(cseq, "1 INVITE", 8) != 0) {
        gh_gen_call_is_over(call); /* BYE */
    } else if (message->status < 300) {
        if (call->up)
            gh_gen.repeated++;
        else
            take_answer(call, message);
        send_request(call, "ACK", "ACK", 1, NO_BODY);
    } else {
        if (!gh_gen.refused++)
            fprintf(stderr, "generator: refused: %.*s\n", (int)strcspn(message->text, "\r"), message->text);
        send_request(call, "ACK", "INVITE", 1, NO_BODY); /* RFC 3261 section 17.1.1.3: the branch of the INVITE */
        gh_gen_call_is_over(call);
    }
}

static void hang_up(struct gh_gen_call *call)
{
    send_request(call, "BYE", "BYE", 2, NO_BODY);
}

/* ---- the callee ------------------------------------------------------------------------------------------- */

static void on_invite(struct gh_gen_conn *conn, const struct gh_gen_message *message)
{
    unsigned index = sip.called;
    struct gh_gen_stream *stream;
    struct gh_gen_peer_sdp offer;
    char sdp[512];

    if (index == gh_gen_opt.calls || !gh_gen_read_sdp(message->body, gh_gen_opt.suites[1], &offer)) {
        respond(conn, message, "488 Not Acceptable Here", index, "");
        return;
    }
    sip.called++;
    sip.b[index] = stream = gh_gen_stream_new(gh_gen.media, 1, gh_gen_opt.b.sin_addr, gh_gen_opt.suites[1]);
    if (!stream || !gh_gen_stream_join(stream, offer.rtp, offer.key))
        gh_gen_fail("generator: a socket for media");
    respond(conn, message, "180 Ringing", index, "");
    gh_gen_print_sdp(sdp, sizeof(sdp), stream, gh_gen_opt.b.sin_addr, offer.tag);
    respond(conn, message, "200 OK", index, sdp);
}

/* The stream that the tag of a request inside a dialog names; NULL: none, or closed. */
static struct gh_gen_stream **stream_of(const struct gh_gen_message *message)
{
    const char *to = "", *tag;
    size_t len = gh_gen_header(message, "To", &to);
    unsigned long index;

    tag = memmem(to, len, ";tag=b", 6);
    index = tag ? strtoul(tag + 6, NULL, 10) : sip.called;
    return index < sip.called && sip.b[index] ? &sip.b[index] : NULL;
}

static void on_request(struct gh_gen_conn *conn, const struct gh_gen_message *message)
{
    struct gh_gen_stream **stream = stream_of(message);

    if (!strncmp(message->text, "INVITE ", 7)) {
        on_invite(conn, message);
    } else if (!strncmp(message->text, "ACK ", 4)) {
        if (stream)
            gh_gen_stream_talk(gh_gen.media, *stream, gh_gen_talk_until(gh_gen_now_us()));
    } else {
        respond(conn, message, "200 OK", 0, "");
        if (stream && !strncmp(message->text, "BYE ", 4)) {
            gh_gen_stream_close(gh_gen.media, *stream);
            *stream = NULL;
        }
    }
}

static void on_message(void *arg, struct gh_gen_conn *conn, const struct gh_gen_message *message)
{
    const char *call_id = "";

    (void)arg;
    if (!message->status) {
        on_request(conn, message);
    } else if (gh_gen_header(message, "Call-ID", &call_id)) {
        unsigned long index = strtoul(call_id, NULL, 10);

        if (index < gh_gen.started)
            on_response(&gh_gen.calls[index], message);
    }
}

/* ---- start and end ---------------------------------------------------------------------------------------- */

static void on_event(enum gh_gen_kind *source)
{
    struct gh_gen_conn *conn;

    if (*source == GH_GEN_CONN) {
        gh_gen_conn_ready((struct gh_gen_conn *)source, on_message, NULL);
        return;
    }
    conn = gh_gen_accept((struct gh_gen_listener *)source, gh_gen.epoll_fd);
    if (conn && sip.conn_count < CONNS_MAX)
        sip.conns[sip.conn_count++] = conn;
}

static bool start(void)
{
    sip.b = calloc(gh_gen_opt.calls, sizeof(*sip.b));
    sip.a_tls = gh_gen_tls_new(gh_gen_opt.a_cert, gh_gen_opt.ca);
    sip.b_tls = gh_gen_tls_new(gh_gen_opt.b_cert, gh_gen_opt.ca);
    if (!sip.b || !sip.a_tls || !sip.b_tls || !gh_gen_listen(&sip.listener, gh_gen.epoll_fd, sip.b_tls, gh_gen_opt.b))
        return false;
    sip.caller = gh_gen_connect(gh_gen.epoll_fd, sip.a_tls, gh_gen_opt.a.sin_addr, gh_gen_opt.relay);
    return sip.caller != NULL;
}

/* The caller is connected; the callee is called by gatehouse itself. */
static bool is_up(void)
{
    return sip.caller->up;
}

static bool is_lost(void)
{
    return sip.caller->lost;
}

static unsigned connections(void)
{
    return sip.conn_count + 1;
}

static void stop(void)
{
    for (unsigned i = 0; i < sip.called; i++)
        gh_gen_stream_close(gh_gen.media, sip.b[i]);
    gh_gen_conn_free(sip.caller);
    for (unsigned i = 0; i < sip.conn_count; i++)
        gh_gen_conn_free(sip.conns[i]);
    SSL_CTX_free(sip.a_tls);
    SSL_CTX_free(sip.b_tls);
    free(sip.b);
    close(sip.listener.fd);
}

const struct gh_gen_signalling gh_gen_sip = { start, is_up, is_lost, place, hang_up, on_event, connections, stop };
