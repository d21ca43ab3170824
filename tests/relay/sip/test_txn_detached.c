/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client INVITE whose user has gone: it is cancelled, and what is answered all the same is
 * acknowledged by the transaction itself when the dialog was there before (RFC 3261 sections
 * 13.2.2.4 and 14.1).
 */
#include "relay/sip/support_sip.h"
#include "relay/sip/support_txn.h"

#include "support/alloc_fail.h"
#include "support/check.h"

#define LOG(rig, want) CHECK_STR(rig_log(rig), want)

#define TAGGED ";tag=b1"
#define ROUTE  "Route: <sip:p.example.com;lr>\n"

/* @text  taken */
static struct gh_buf wire_of(struct gh_buf *text)
{
    struct gh_buf wire;

    gh_buf_add(text, gh_span_of("", 1));
    wire = sip_wire(text->p);
    gh_buf_fini(text);
    return wire;
}

/* Our INVITE, without body. */
static struct gh_txn *invite(struct txn_rig *rig, const char *uri, const char *route,
                             const char *to_tag)
{
    struct gh_buf text = { 0 }, wire;
    struct gh_txn *txn = NULL;

    gh_buf_fmt(&text,
               "INVITE %s SIP/2.0\nVia: SIP/2.0/TLS us.example.com:5061;branch=z9hG4bK1\n%s"
               "From: <sip:alice@a.example.com>;tag=a1\nTo: Bob <sip:bob@b.example.com>%s\n"
               "Call-ID: call-1\nCSeq: 7 INVITE\nContact: <sip:alice@192.0.2.1>\n"
               "Content-Length: 0\n\n",
               uri, route, to_tag);
    wire = wire_of(&text);
    CHECK_INT(gh_txn_client_new(&txn, rig->txns, TRUNK_A, CONN_A, true, &wire, &rig->client, NULL,
                                rig->now_ms),
              0);
    return txn;
}

/* @contact  the line, or "" */
static struct gh_sip_msg *response(const char *status, const char *contact)
{
    struct gh_buf text = { 0 }, wire;
    struct gh_sip_msg *msg = NULL;

    gh_buf_fmt(&text,
               "SIP/2.0 %s\nVia: SIP/2.0/TLS us.example.com:5061;branch=z9hG4bK1\n"
               "From: <sip:alice@a.example.com>;tag=a1\nTo: Bob <sip:bob@b.example.com>" TAGGED
               "\nCall-ID: call-1\nCSeq: 7 INVITE\n%sContent-Length: 0\n\n",
               status, contact);
    wire = wire_of(&text);
    CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, NULL), 0);
    gh_buf_fini(&wire);
    return msg;
}

static void answer(struct txn_rig *rig, const char *status, const char *contact)
{
    struct gh_sip_msg *msg = response(status, contact);

    CHECK_INT(gh_txns_receive(rig->txns, TRUNK_A, CONN_A, true, msg, rig->now_ms), 0);
    gh_sip_msg_unref(msg);
}

/* ---- inside a dialog ------------------------------------------------------------------------- */

/* Section 12.2.1.2: the 2xx says where the peer is now, unless a proxy is to find it. */
static const struct {
    const char *uri, *route, *contact, *want;
} targets[] = {
    { "sip:bob@192.0.2.4", "", "", "sip:bob@192.0.2.4" },
    { "sip:bob@192.0.2.4", "", "Contact: <sip:bob@192.0.2.9;ob?X=y>\n", "sip:bob@192.0.2.9;ob" },
    { "sip:bob@192.0.2.4", ROUTE, "Contact: <sip:bob@192.0.2.9>\n", "sip:bob@192.0.2.4" },
    { "sips:bob@192.0.2.4", "", "Contact: <sips:bob@192.0.2.9>\n", "sips:bob@192.0.2.9" },
    { "sips:bob@192.0.2.4", "", "Contact: <sip:bob@192.0.2.9>\n", "sips:bob@192.0.2.4" },
};

static void a_2xx_is_acknowledged(void)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct txn_rig rig;
        struct gh_sip_msg *ack;

        rig_init(&rig, NULL);
        gh_txn_detach(invite(&rig, targets[i].uri, targets[i].route, TAGGED), rig.now_ms);
        answer(&rig, "200 OK", targets[i].contact);
        LOG(&rig, ">INVITE >ACK"); /* and its user hears nothing */
        CHECK_INT(sip_parse_exact(&ack, gh_buf_span(&rig.sent), GH_SIP_STREAM, NULL), 0);
        CHECK_SPAN(ack->uri.text, targets[i].want);
        CHECK_INT(ack->via_count, 1);
        CHECK_SPAN(ack->via.transport, "TLS");
        CHECK_SPAN(ack->via.host, "us.example.com");
        CHECK_INT(ack->via.port, 5061);
        CHECK(!gh_span_eq(ack->via.branch, GH_SPAN("z9hG4bK1"))); /* a transaction of its own */
        CHECK_SPAN(ack->from.tag, "a1");
        CHECK_SPAN(ack->to.tag, "b1");
        CHECK_SPAN(ack->call_id, "call-1");
        CHECK_INT(ack->cseq, 7);
        CHECK_INT(gh_sip_msg_value(ack, GH_SIP_HDR_ROUTE).len > 0, targets[i].route[0] != 0);
        CHECK_INT(ack->body.len, 0);
        gh_sip_msg_unref(ack);
        rig_fini(&rig);
    }
}

static void a_2xx_that_comes_again(void)
{
    struct gh_buf first = { 0 };
    struct txn_rig rig;

    rig_init(&rig, NULL);
    gh_txn_detach(invite(&rig, "sip:bob@192.0.2.4", "", TAGGED), rig.now_ms);
    answer(&rig, "180 Ringing", "");
    answer(&rig, "200 OK", "");
    gh_buf_add(&first, gh_buf_span(&rig.sent));
    answer(&rig, "200 OK", "");
    LOG(&rig, ">INVITE >CANCEL >ACK >ACK");
    CHECK(gh_span_eq(gh_buf_span(&first), gh_buf_span(&rig.sent)));
    rig_pass(&rig, GH_TXN_TIMEOUT_MS);
    LOG(&rig, "");
    CHECK_INT(gh_txns_count(rig.txns), 0);
    gh_buf_fini(&first);
    rig_fini(&rig);
}

/* The user had the 2xx, and owed the ACK: only it knew with which answer. */
static void gone_after_the_2xx(void)
{
    struct txn_rig rig;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    txn = invite(&rig, "sip:bob@192.0.2.4", "", TAGGED);
    answer(&rig, "200 OK", "");
    gh_txn_detach(txn, rig.now_ms);
    answer(&rig, "200 OK", "");
    LOG(&rig, ">INVITE response:200");
    rig_fini(&rig);
}

/* ---- outside of one -------------------------------------------------------------------------- */

/* An ACK alone would leave a session behind. */
static void a_new_dialog_is_not_ours(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    gh_txn_detach(invite(&rig, "sip:bob@192.0.2.4", "", ""), rig.now_ms);
    answer(&rig, "200 OK", "");
    LOG(&rig, ">INVITE");
    rig_fini(&rig);
}

#if GH_ALLOC_CAN_FAIL
/* The 2xx comes again when its ACK could not be written; then it ends as always. */
static void without_memory(void)
{
    for (long n = 1;; n++) {
        struct gh_sip_msg *msg = response("200 OK", "");
        struct txn_rig rig;
        bool failed;

        rig_init(&rig, NULL);
        gh_txn_detach(invite(&rig, "sip:bob@192.0.2.4", "", TAGGED), rig.now_ms);
        rig.quiet = true;
        alloc_fail_at(n);
        (void)gh_txns_receive(rig.txns, TRUNK_A, CONN_A, true, msg, rig.now_ms);
        failed = alloc_failed();
        gh_sip_msg_unref(msg);
        rig_pass(&rig, 2 * GH_TXN_TIMEOUT_MS);
        CHECK_INT(gh_txns_count(rig.txns), 0);
        rig_fini(&rig);
        if (!failed)
            break;
    }
}
#endif

int main(void)
{
    RUN(a_2xx_is_acknowledged);
    RUN(a_2xx_that_comes_again);
    RUN(gone_after_the_2xx);
    RUN(a_new_dialog_is_not_ours);
#if GH_ALLOC_CAN_FAIL
    RUN(without_memory);
#endif
    return CHECK_REPORT();
}
