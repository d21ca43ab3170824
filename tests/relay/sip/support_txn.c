/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/sip/support_txn.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/sip/support_sip.h"
#include "sip/out.h"

static const char *const ends[] = { "done", "timeout", "no_ack", "conn_lost", "not_sent" };

static int on_send(void *arg, struct gh_txn *txn, struct gh_buf *octets, unsigned carriers)
{
    struct txn_rig *rig = arg;
    struct gh_sip_msg *msg;

    if (rig->quiet) {
        gh_buf_fini(octets);
        return rig->send_err;
    }
    if (sip_parse_exact(&msg, gh_buf_span(octets), GH_SIP_STREAM, NULL))
        abort(); /* we never write what we would not read */
    rig->sent_on = gh_txn_conn(txn);
    rig->sent_trunk = gh_txn_trunk(txn);
    if (msg->request)
        gh_buf_fmt(&rig->log, ">%.*s", GH_SPAN_FMT(msg->method_text));
    else
        gh_buf_fmt(&rig->log, ">%d", msg->status);
    if (carriers)
        gh_buf_fmt(&rig->log, "+%u", carriers);
    gh_buf_str(&rig->log, rig->send_err ? "! " : " ");
    gh_sip_msg_unref(msg);
    gh_buf_fini(&rig->sent);
    rig->sent = *octets;
    *octets = (struct gh_buf){ 0 };
    return rig->send_err;
}

static void on_request(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct txn_rig *rig = arg;

    (void)now_ms;
    rig->server = txn;
    if (!rig->forgets)
        gh_txn_set_user(txn, rig);
    gh_buf_fmt(&rig->log, "request:%.*s ", GH_SPAN_FMT(msg->method_text));
}

static void on_ack(void *arg, uint32_t trunk, uint64_t conn, struct gh_sip_msg *msg,
                   uint64_t now_ms)
{
    struct txn_rig *rig = arg;

    (void)conn, (void)msg, (void)now_ms;
    gh_buf_fmt(&rig->log, "ack:%u ", trunk);
}

static void on_cancelled(void *arg, struct gh_txn *invite, struct gh_sip_msg *cancel,
                         uint64_t now_ms)
{
    struct txn_rig *rig = arg;

    (void)cancel, (void)now_ms;
    gh_buf_fmt(&rig->log, "cancelled%s ", invite == rig->server ? "" : "?");
}

static void on_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct txn_rig *rig = arg;

    (void)now_ms;
    gh_buf_fmt(&rig->log, "ended:%s ", ends[why]);
    if (txn == rig->server)
        rig->server = NULL;
}

static void on_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                        uint64_t now_ms)
{
    struct txn_rig *rig = arg;

    (void)txn, (void)conn, (void)now_ms;
    gh_buf_fmt(&rig->log, "response:%d ", msg->status);
}

void rig_init(struct txn_rig *rig, const struct gh_txn_limits *limits)
{
    struct gh_txn_handlers handlers = { rig, on_send, on_request, on_ack, on_cancelled, on_ended };

    *rig = (struct txn_rig){ .now_ms = 1000000 };
    rig->client = (struct gh_txn_client){ rig, on_response, on_ended };
    if (gh_txns_new(&rig->txns, &rig->timers, limits, &handlers))
        abort();
}

void rig_fini(struct txn_rig *rig)
{
    gh_txns_free(rig->txns);
    gh_timerq_fini(&rig->timers);
    gh_buf_fini(&rig->log);
    gh_buf_fini(&rig->sent);
}

void rig_pass(struct txn_rig *rig, uint64_t ms)
{
    uint64_t until = rig->now_ms + ms;

    while (gh_timerq_next(&rig->timers) <= until) {
        if (gh_timerq_next(&rig->timers) > rig->now_ms)
            rig->now_ms = gh_timerq_next(&rig->timers);
        gh_timerq_run(&rig->timers, rig->now_ms);
    }
    rig->now_ms = until;
}

const char *rig_log(struct txn_rig *rig)
{
    static char shown[4096];

    snprintf(shown, sizeof(shown), "%.*s", (int)rig->log.len, rig->log.len ? rig->log.p : "");
    if (rig->log.len)
        shown[rig->log.len - 1] = 0;
    gh_buf_fini(&rig->log);
    return shown;
}

/* The octets of a request, from @party of the test. */
static struct gh_buf request_octets(const char *host, const char *method, const char *branch,
                                    const char *to_tag, const char *body)
{
    struct gh_buf text = { 0 }, wire;

    gh_buf_fmt(&text,
               "%s sip:bob@192.0.2.4 SIP/2.0\nVia: SIP/2.0/TLS %s;branch=z9hG4bK%s\nRoute: "
               "<sip:p.example.com;lr>\n"
               "From: <sip:alice@a.example.com>;tag=a1\nTo: <sip:bob@b.example.com>%s%s\nCall-ID: "
               "call-%s\nCSeq: 7 %s\n"
               "Contact: <sip:alice@192.0.2.1>\n%sContent-Length: @\n\n%s%c",
               method, host, branch, *to_tag ? ";tag=" : "", to_tag, branch, method,
               body ? "Content-Type: application/sdp\n" : "", body ? body : "", 0);
    wire = sip_wire(text.p);
    gh_buf_fini(&text);
    return wire;
}

int rig_request(struct txn_rig *rig, uint32_t trunk, uint64_t conn, bool reliable,
                const char *method, const char *branch, const char *to_tag)
{
    struct gh_buf wire = request_octets("peer.example.com", method, branch, to_tag, NULL);
    struct gh_sip_msg *msg;
    int err;

    if (sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, NULL))
        abort();
    err = gh_txns_receive(rig->txns, trunk, conn, reliable, msg, rig->now_ms);
    gh_sip_msg_unref(msg);
    gh_buf_fini(&wire);
    return err;
}

int rig_respond(struct txn_rig *rig, struct gh_txn *txn, const struct gh_sip_msg *request,
                int status)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    gh_sip_out_reply(&out, request, status, GH_SPAN(""), GH_SPAN("ours"));
    if (gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets))
        abort();
    return gh_txn_respond(txn, &octets, rig->now_ms);
}

struct gh_txn *rig_send(struct txn_rig *rig, uint32_t trunk, uint64_t conn, bool reliable,
                        const char *method, const char *branch, const char *body)
{
    struct gh_buf wire = request_octets("us.example.com", method, branch, "", body);
    struct gh_txn *txn = NULL;

    gh_txn_client_new(&txn, rig->txns, trunk, conn, reliable, &wire, &rig->client, rig,
                      rig->now_ms);
    return txn;
}

int rig_answer(struct txn_rig *rig, uint32_t trunk, uint64_t conn, bool reliable,
               const char *method, const char *branch, int status, const char *to_tag)
{
    struct gh_buf request = request_octets("us.example.com", method, branch, "", NULL),
                  wire = { 0 };
    struct gh_sip_out out = { 0 };
    struct gh_sip_msg *msg;
    int err;

    if (sip_parse_exact(&msg, gh_buf_span(&request), GH_SIP_STREAM, NULL))
        abort();
    gh_sip_out_reply(&out, msg, status, GH_SPAN(""), gh_span_str(to_tag));
    gh_sip_out_hdr(&out, "Contact", GH_SPAN("<sip:bob@192.0.2.9>"));
    if (gh_sip_out_finish(&out, NULL, GH_SPAN(""), &wire))
        abort();
    gh_sip_msg_unref(msg);
    if (sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, NULL))
        abort();
    err = gh_txns_receive(rig->txns, trunk, conn, reliable, msg, rig->now_ms);
    gh_sip_msg_unref(msg);
    gh_buf_fini(&request);
    gh_buf_fini(&wire);
    return err;
}
