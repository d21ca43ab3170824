/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client transactions row by row: RFC 3261 section 17 figures 5 to 8, RFC 6026, on UDP and on
 * streams, under a clock turned by hand.
 */
#include "relay/sip/support_sip.h"
#include "relay/sip/support_txn.h"

#include "sip/dialog.h"
#include "sip/out.h"
#include "support/check.h"

#define LOG(rig, want) CHECK_STR(rig_log(rig), want)

/* ---- client, INVITE ---- */

static void client_invite_timeout_udp(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    CHECK(rig_send(&rig, TRUNK_A, 0, false, "INVITE", "1", NULL) != NULL);
    LOG(&rig, ">INVITE");
    rig_pass(&rig, 500); /* A: T1 doubling without bound */
    LOG(&rig, ">INVITE");
    rig_pass(&rig, 1000 + 2000 + 4000 + 8000 + 16000);
    LOG(&rig, ">INVITE >INVITE >INVITE >INVITE >INVITE");
    rig_pass(&rig, 499);
    LOG(&rig, "");
    rig_pass(&rig, 1); /* B at 32 s */
    LOG(&rig, "ended:timeout");
    rig_fini(&rig);
}

static void client_invite_timeout_stream(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    CHECK(rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL) != NULL);
    rig_pass(&rig, GH_TXN_TIMEOUT_MS - 1);
    LOG(&rig, ">INVITE");
    rig_pass(&rig, 1);
    LOG(&rig, "ended:timeout");
    rig_fini(&rig);
}

static void client_invite_refused_udp(void)
{
    struct txn_rig rig;
    struct gh_sip_msg *ack;

    rig_init(&rig, NULL);
    rig_send(&rig, TRUNK_A, 0, false, "INVITE", "1", NULL);
    rig_answer(&rig, TRUNK_A, 0, false, "INVITE", "1", 100, "");
    rig_answer(&rig, TRUNK_A, 0, false, "INVITE", "1", 180, "theirs");
    LOG(&rig, ">INVITE response:100 response:180");
    rig_pass(&rig, 300000); /* ringing has no end here: no A, no B */
    LOG(&rig, "");
    rig_answer(&rig, TRUNK_A, 0, false, "INVITE", "1", 486, "theirs");
    LOG(&rig, ">ACK response:486");
    /* RFC 3261 section 17.1.1.3 */
    CHECK_INT(sip_parse_exact(&ack, gh_buf_span(&rig.sent), GH_SIP_STREAM, NULL), 0);
    CHECK_SPAN(ack->uri.text, "sip:bob@192.0.2.4");
    CHECK_SPAN(ack->via.branch, "z9hG4bK1");
    CHECK_INT(ack->via_count, 1);
    CHECK_SPAN(ack->to.tag, "theirs");
    CHECK_SPAN(ack->from.tag, "a1");
    CHECK_SPAN(ack->call_id, "call-1");
    CHECK_INT(ack->cseq, 7);
    CHECK_SPAN(gh_sip_msg_value(ack, GH_SIP_HDR_ROUTE), "<sip:p.example.com;lr>");
    gh_sip_msg_unref(ack);
    rig_answer(&rig, TRUNK_A, 0, false, "INVITE", "1", 486, "theirs");
    LOG(&rig, ">ACK"); /* again: again, and nothing for the user */
    rig_answer(&rig, TRUNK_A, 0, false, "INVITE", "1", 180, "theirs");
    rig_answer(&rig, TRUNK_A, 0, false, "INVITE", "1", 200, "theirs");
    LOG(&rig, "");
    rig_pass(&rig, GH_TXN_D_MS);
    LOG(&rig, "ended:done");
    rig_fini(&rig);
}

static void client_invite_refused_stream(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 503, "t");
    LOG(&rig, ">INVITE >ACK response:503");
    rig_pass(&rig, 0);
    LOG(&rig, "ended:done");
    rig_fini(&rig);
}

/* The ACK to a 2xx, as relay/call writes it. */
static int send_ack(struct txn_rig *rig, struct gh_txn *txn, const char *to_tag, const char *branch)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf ack = { 0 };

    gh_sip_out_request(&out, GH_SPAN("ACK"), GH_SPAN("sip:bob@192.0.2.9"));
    gh_sip_out_via(&out, "TLS", GH_SPAN("us.example.com"), 0, gh_span_str(branch));
    gh_sip_out_hdr(&out, "From", GH_SPAN("<sip:alice@a.example.com>;tag=a1"));
    gh_sip_out_addr(&out, "To", GH_SPAN(""), GH_SPAN("sip:bob@b.example.com"), gh_span_str(to_tag));
    gh_sip_out_hdr(&out, "Call-ID", GH_SPAN("call-1"));
    gh_sip_out_hdr(&out, "CSeq", GH_SPAN("7 ACK"));
    (void)rig;
    return gh_sip_out_finish(&out, NULL, GH_SPAN(""), &ack) ? -1 : gh_txn_ack_2xx(txn, &ack);
}

static void client_invite_accepted_and_forked(void)
{
    struct txn_rig rig;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    txn = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL);
    CHECK_INT(send_ack(&rig, txn, "t1", "z9hG4bKack"), GH_ESTATE);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t1");
    CHECK_INT(gh_txn_state(txn), GH_TXN_ACCEPTED);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t1");
    LOG(&rig, ">INVITE response:200"); /* again, before the ACK: once only */
    CHECK_INT(send_ack(&rig, txn, "t1", "z9hG4bKack"), 0);
    CHECK_INT(send_ack(&rig, txn, "nobody", "z9hG4bKack"), GH_EINVAL);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t1");
    LOG(&rig, ">ACK >ACK");
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t2"); /* another fork */
    LOG(&rig, "response:200");
    CHECK_INT(send_ack(&rig, txn, "t2", "z9hG4bKack2"), 0);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 486, "t3");
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 180, "t3");
    LOG(&rig, ">ACK");
    for (int i = 3; i <= GH_TXN_FORKS_MAX + 3; i++) {
        char tag[8];

        snprintf(tag, sizeof(tag), "t%d", i);
        rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, tag);
    }
    LOG(&rig,
        "response:200 response:200 response:200 response:200 response:200 response:200");
    rig_pass(&rig, GH_TXN_TIMEOUT_MS - 1);
    LOG(&rig, "");
    rig_pass(&rig, 1); /* M */
    LOG(&rig, "ended:done");
    rig_fini(&rig);
}

/* RFC 3261 section 13.2.2.4: the same 2xx again gets the same ACK again, answer included: what the
 * offer in a 200 asked for. */
static void the_ack_is_repeated_octet_for_octet(void)
{
    static const char text[] =
        "ACK sip:bob@192.0.2.9 SIP/2.0\nVia: SIP/2.0/TLS us.example.com;branch=z9hG4bKack\n"
        "From: <sip:alice@a.example.com>;tag=a1\nTo: <sip:bob@b.example.com>;tag=t1\n"
        "Call-ID: call-1\nCSeq: 7 ACK\nContent-Type: application/sdp\nContent-Length: @\n\n"
        "v=0\nm=audio 4000 RTP/SAVP 0\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk\n";
    struct gh_buf wire = sip_wire(text), ack = sip_wire(text);
    size_t before;
    struct txn_rig rig;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    txn = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t1");
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t1"); /* it takes its time */
    before = gh_txns_octets(rig.txns, TRUNK_A);
    CHECK_INT(gh_txn_ack_2xx(txn, &ack), 0);
    CHECK(gh_txns_octets(rig.txns, TRUNK_A) >= before + wire.len); /* it is kept, and counted */
    CHECK(rig.sent.len == wire.len && memcmp(rig.sent.p, wire.p, wire.len) == 0);
    gh_buf_fini(&rig.sent);
    rig_answer(&rig, TRUNK_A, CONN_B, true, "INVITE", "1", 200, "t1");
    CHECK(rig.sent.len == wire.len && memcmp(rig.sent.p, wire.p, wire.len) == 0);
    CHECK_INT(rig.sent_on, CONN_B); /* where the peer is now */
    LOG(&rig, ">INVITE response:200 >ACK+2 >ACK+2");
    gh_buf_fini(&wire);
    rig_fini(&rig);
}

/* ---- what is left of an INVITE that has a 2xx ---- */

/* In every spelling that its parser takes: compact names, a fold, quotes, commas, parameters. */
static const char spelled[] =
    "INVITE sips:bob@192.0.2.4;x=1 SIP/2.0\nRoute: <sip:p.example.com;lr>\n"
    "v:SIP/2.0/TLS us.example.com;\n branch=z9hG4bK1\n"
    "f :\"A, \\\"B\\\"\" <sip:alice@a.example.com;user=phone>;tag=a1;y=\"2\"\nt:Bob\n"
    " <sip:bob@b.example.com>\ni:call-1\nCSeq:  7\tINVITE\nm: <sips:alice@192.0.2.1>;q=1\n"
    "Supported: 100rel\nX-Long: 0123456789012345678901234567890123456789\n"
    "c: application/sdp\nContent-Length: @\n\n"
    "v=0\nm=audio 4000 RTP/SAVP 0\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk\n";

#define SEEN_MAX 4

/* The dialogs that `response` made. */
struct seen {
    struct gh_dialog *dialog[SEEN_MAX];
    size_t count, ended;
};

static void make_dialog(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                        uint64_t now_ms)
{
    struct seen *seen = arg;
    const struct gh_sip_msg *request = gh_txn_request(txn);

    (void)conn, (void)now_ms;
    CHECK_OR_STOP(request != NULL && seen->count < SEEN_MAX);
    CHECK_INT(request->body.len, 0);
    CHECK_INT(request->cseq, gh_txn_cseq(txn));
    CHECK_INT(gh_dialog_new_uac(&seen->dialog[seen->count++], TRUNK_A, request, msg), 0);
}

static void count_end(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    struct seen *seen = arg;

    (void)txn, (void)now_ms;
    CHECK_INT(why, GH_TXN_DONE);
    seen->ended++;
}

static void answer_sips(struct txn_rig *rig, int status, const char *from_tag, const char *to_tag)
{
    struct gh_buf text = { 0 }, wire;
    struct gh_sip_msg *msg;

    gh_buf_fmt(&text,
               "SIP/2.0 %d OK\nVia: SIP/2.0/TLS us.example.com;branch=z9hG4bK1\n"
               "From: <sip:alice@a.example.com>;tag=%s\nTo: <sip:bob@b.example.com>;tag=%s\n"
               "Call-ID: call-1\nCSeq: 7 INVITE\nContact: <sips:%s@192.0.2.9>\n"
               "Content-Length: 0\n\n%c",
               status, from_tag, to_tag, to_tag, 0);
    wire = sip_wire(text.p);
    CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, NULL), 0);
    CHECK_INT(gh_txns_receive(rig->txns, TRUNK_A, CONN_A, true, msg, rig->now_ms), 0);
    gh_sip_msg_unref(msg);
    gh_buf_fini(&wire);
    gh_buf_fini(&text);
}

/* Each fork's dialog is as good as the first one's, whatever has been let go of since. */
static void forks_after_the_first_2xx(void)
{
    static const char *const tags[] = { "t1", "t1", "t2", "t2", "t3" };
    static const char *const made[SEEN_MAX] = { "t1", "t1", "t2", "t3" }; /* the first by the 180 */
    struct gh_buf wire = sip_wire(spelled);
    struct seen seen = { 0 };
    struct txn_rig rig;
    struct gh_txn *txn;
    size_t whole;

    rig_init(&rig, NULL);
    rig.client = (struct gh_txn_client){ &seen, make_dialog, count_end };
    CHECK_OR_STOP(gh_txn_client_new(&txn, rig.txns, TRUNK_A, CONN_A, true, &wire, &rig.client,
                                    NULL, rig.now_ms) == 0);
    whole = gh_txns_octets(rig.txns, TRUNK_A);
    answer_sips(&rig, 180, "a1", "t1");
    CHECK(gh_txn_request(txn) != NULL); /* it may still be cancelled */
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        answer_sips(&rig, 200, "a1", tags[i]);
        CHECK(gh_txn_request(txn) == NULL);
        CHECK_INT(gh_txn_cseq(txn), 7);
        /* The request is parsed into a thousand octets and more. */
        CHECK(gh_txns_octets(rig.txns, TRUNK_A) + 1000 < whole);
    }
    answer_sips(&rig, 200, "other", "t4"); /* From is not ours */
    CHECK_INT(gh_txns_counters(rig.txns)->stray_responses, 1);
    CHECK(gh_txn_request(txn) == NULL);
    CHECK_INT(seen.count, SEEN_MAX);
    for (size_t i = 0; i < seen.count; i++) {
        const struct gh_dialog *dialog = seen.dialog[i];

        CHECK_SPAN(dialog->name.call_id, "call-1");
        CHECK_SPAN(dialog->name.local_tag, "a1");
        CHECK_SPAN(dialog->name.remote_tag, made[i]);
        CHECK_STR(dialog->local_addr,
                  "\"A, \\\"B\\\"\" <sip:alice@a.example.com;user=phone>;y=\"2\"");
        CHECK_STR(dialog->remote_addr, "Bob <sip:bob@b.example.com>");
        CHECK_INT(dialog->local_cseq, 7);
        CHECK(dialog->secure);
        gh_dialog_free(seen.dialog[i]);
    }
    rig_pass(&rig, GH_TXN_TIMEOUT_MS);
    CHECK_INT(seen.ended, 1);
    CHECK_INT(gh_txns_octets(rig.txns, TRUNK_A), 0);
    rig_fini(&rig);
}

/* Its user may acknowledge inside `response` and look at the request behind that, or later. */
static void ack_within_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg,
                                uint64_t conn, uint64_t now_ms)
{
    const struct gh_sip_msg *request = gh_txn_request(txn);

    (void)conn, (void)now_ms;
    CHECK_INT(send_ack(arg, txn, msg->to.tag.p[1] == '1' ? "t1" : "t2", "z9hG4bKack"), 0);
    CHECK(gh_txn_request(txn) == request);
    CHECK_SPAN(request->call_id, "call-1");
}

static void acks_with_the_request_folded(void)
{
    struct txn_rig rig;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    rig.client.response = ack_within_response;
    txn = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t1");
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t2"); /* made of the few lines */
    LOG(&rig, ">INVITE >ACK >ACK");
    CHECK(gh_txn_request(txn) == NULL);
    CHECK_INT(send_ack(&rig, txn, "t1", "z9hG4bKagain"), 0); /* between messages */
    CHECK(gh_txn_request(txn) == NULL);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t1");
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t2");
    LOG(&rig, ">ACK >ACK >ACK");
    rig_fini(&rig);
}

/* What is no ACK to this INVITE is not sent, folded or not. */
static void foreign_acks_do_not_leave(void)
{
    static const char *const rows[][2] = { { "call-2", "7" }, { "call-1", "8" } };
    struct txn_rig rig;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    txn = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t1");
    rig_log(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_buf text = { 0 }, ack;

        gh_buf_fmt(&text,
                   "ACK sip:bob@192.0.2.9 SIP/2.0\n"
                   "Via: SIP/2.0/TLS us.example.com;branch=z9hG4bKack\n"
                   "From: <sip:alice@a.example.com>;tag=a1\nTo: <sip:bob@b.example.com>;tag=t1\n"
                   "Call-ID: %s\nCSeq: %s ACK\nContent-Length: 0\n\n%c",
                   rows[i][0], rows[i][1], 0);
        ack = sip_wire(text.p);
        CHECK_INT(gh_txn_ack_2xx(txn, &ack), GH_EINVAL);
        gh_buf_fini(&text);
    }
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "t1");
    LOG(&rig, "");
    rig_fini(&rig);
}

/* ---- client, other ---- */

static void client_other_udp(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_send(&rig, TRUNK_A, 0, false, "OPTIONS", "1", NULL);
    rig_pass(&rig, 500 + 1000 + 2000 + 4000 + 4000); /* E: doubling to T2 */
    LOG(&rig, ">OPTIONS >OPTIONS >OPTIONS >OPTIONS >OPTIONS >OPTIONS");
    rig_answer(&rig, TRUNK_A, 0, false, "OPTIONS", "1", 100, "");
    rig_pass(&rig, 4000 + 4000); /* in Proceeding at T2 */
    LOG(&rig, "response:100 >OPTIONS >OPTIONS");
    rig_answer(&rig, TRUNK_A, 0, false, "OPTIONS", "1", 200, "t");
    rig_answer(&rig, TRUNK_A, 0, false, "OPTIONS", "1", 200, "t");
    rig_pass(&rig, GH_TXN_T4_MS - 1);
    LOG(&rig, "response:200");
    rig_pass(&rig, 1); /* K */
    LOG(&rig, "ended:done");
    rig_send(&rig, TRUNK_A, 0, false, "OPTIONS", "2", NULL);
    rig_answer(&rig, TRUNK_A, 0, false, "OPTIONS", "2", 100, "");
    rig_log(&rig);
    rig_pass(&rig, GH_TXN_TIMEOUT_MS); /* F runs on in Proceeding */
    CHECK(strstr(rig_log(&rig), "ended:timeout") != NULL);
    rig_fini(&rig);
}

static void client_other_stream(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_send(&rig, TRUNK_A, CONN_A, true, "BYE", "1", NULL);
    rig_pass(&rig, 30000);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "BYE", "1", 200, "t");
    LOG(&rig, ">BYE response:200");
    rig_pass(&rig, 0);
    LOG(&rig, "ended:done");
    rig_fini(&rig);
}

static void client_wrong_requests(void)
{
    struct txn_rig rig;
    struct gh_buf junk = { 0 };
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    CHECK(rig_send(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "1", NULL) != NULL);
    CHECK(rig_send(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "1", NULL) == NULL); /* branch in use */
    CHECK(rig_send(&rig, TRUNK_B, CONN_B, true, "OPTIONS", "1", NULL) !=
          NULL); /* but not on that trunk */
    CHECK(rig_send(&rig, TRUNK_A, CONN_A, true, "ACK", "3", NULL) == NULL);
    CHECK(rig_send(&rig, 0, CONN_A, true, "OPTIONS", "4", NULL) == NULL);
    gh_buf_str(&junk, "OPTIONS sip:a@b SIP/2.0\r\n\r\n");
    CHECK_INT(gh_txn_client_new(&txn, rig.txns, TRUNK_A, 1, true, &junk, &rig.client, NULL, 0),
              GH_ESYNTAX);
    CHECK_INT(junk.len, 0);
    rig_log(&rig);
    rig.send_err = GH_ESTALE;
    CHECK(rig_send(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "5", NULL) == NULL);
    LOG(&rig, ">OPTIONS!"); /* no `ended`: there was none */
    CHECK_INT(gh_txns_count(rig.txns), 2);
    rig_fini(&rig);
}

/* What leaves is judged by its own octets. */
static void send_is_told_the_carriers(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_send(
        &rig, TRUNK_A, 0, false, "INVITE", "1",
        "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/SAVP 0\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk\n");
    rig_pass(&rig, 500);
    LOG(&rig, ">INVITE+2 >INVITE+2");
    rig_fini(&rig);
}

/* What no leg may bring does not leave either: here a body that cannot be looked into. */
static void opaque_requests_do_not_leave(void)
{
    struct gh_buf octets = sip_wire("INVITE sip:bob@192.0.2.4 SIP/2.0\n"
                                    "Via: SIP/2.0/TLS us.example.com;branch=z9hG4bK1\n"
                                    "From: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCall-ID: x\n"
                                    "CSeq: 1 INVITE\nContact: <sip:a@us>\n"
                                    "Content-Type: application/sdp\nContent-Encoding: gzip\n"
                                    "Content-Length: @\n\nx");
    struct txn_rig rig;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    CHECK_INT(gh_txn_client_new(&txn, rig.txns, TRUNK_A, CONN_A, true, &octets, &rig.client, NULL,
                                rig.now_ms), GH_EINVAL);
    CHECK_INT(octets.len, 0);
    CHECK_INT(gh_txns_count(rig.txns), 0);
    LOG(&rig, "");
    rig_fini(&rig);
}

/* ---- CANCEL of ours, RFC 3261 section 9.1 ---- */

static void cancel_leaves(void)
{
    struct txn_rig rig;
    struct gh_sip_msg *cancel;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    txn = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL);
    CHECK_INT(gh_txn_cancel(txn, GH_SPAN("SIP;cause=488;text=\"x\""), rig.now_ms), 0);
    CHECK_INT(gh_txn_cancel(txn, GH_SPAN("other"), rig.now_ms), 0);
    LOG(&rig, ">INVITE"); /* waits for a provisional response */
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 100, "");
    LOG(&rig, ">CANCEL response:100");
    CHECK_INT(sip_parse_exact(&cancel, gh_buf_span(&rig.sent), GH_SIP_STREAM, NULL), 0);
    CHECK_SPAN(cancel->via.branch, "z9hG4bK1");
    CHECK_SPAN(cancel->uri.text, "sip:bob@192.0.2.4");
    CHECK_INT(cancel->to.tag.len, 0);
    CHECK_INT(cancel->cseq, 7);
    CHECK_SPAN(gh_sip_msg_value(cancel, GH_SIP_HDR_REASON), "SIP;cause=488;text=\"x\"");
    CHECK_SPAN(gh_sip_msg_value(cancel, GH_SIP_HDR_ROUTE), "<sip:p.example.com;lr>");
    gh_sip_msg_unref(cancel);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "CANCEL", "1", 200, "t");
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 487, "t");
    LOG(&rig, ">ACK response:487"); /* the CANCEL's own answer is nobody's business */
    rig_pass(&rig, 0);
    LOG(&rig, "ended:done");
    CHECK_INT(gh_txns_count(rig.txns), 0);

    /* Never answered: the INVITE ends 64*T1 after the CANCEL. */
    txn = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "2", NULL);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "2", 180, "t");
    rig_pass(&rig, 100000);
    CHECK_INT(gh_txn_cancel(txn, GH_SPAN(""), rig.now_ms), 0);
    LOG(&rig, ">INVITE response:180 >CANCEL");
    rig_pass(&rig, GH_TXN_TIMEOUT_MS);
    LOG(&rig, "ended:timeout");

    /* Crossed by the answer. */
    txn = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "3", NULL);
    gh_txn_cancel(txn, GH_SPAN(""), rig.now_ms);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "3", 200, "t");
    LOG(&rig, ">INVITE response:200");
    CHECK_INT(gh_txn_cancel(txn, GH_SPAN(""), rig.now_ms), GH_ESTATE);
    rig_fini(&rig);
}

/* ---- loss of connections ---- */

static void connection_lost(void)
{
    struct txn_rig rig;
    struct gh_txn *ringing;

    rig_init(&rig, NULL);
    rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL);
    rig_send(&rig, TRUNK_B, CONN_B, true, "INVITE", "2", NULL);
    ringing = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "3", NULL);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "3", 180, "t");
    rig_log(&rig);
    gh_txns_conn_lost(rig.txns, CONN_A, rig.now_ms);
    LOG(&rig, "");
    rig_pass(&rig, 0);
    LOG(&rig, "ended:conn_lost"); /* the first alone */
    rig_pass(&rig, 4999);
    gh_txns_conn_up(rig.txns, TRUNK_B, 99); /* another trunk's connection saves nobody */
    CHECK_INT(gh_txn_conn(ringing), CONN_A);
    gh_txns_conn_up(rig.txns, TRUNK_A, 33);
    CHECK_INT(gh_txn_conn(ringing), 33);
    rig_pass(&rig, 20000);
    LOG(&rig, "");
    gh_txns_conn_lost(rig.txns, 33, rig.now_ms);
    rig_pass(&rig, 4999);
    LOG(&rig, "");
    rig_answer(&rig, TRUNK_A, 44, true, "INVITE", "3", 183,
               "t"); /* over another connection of the trunk */
    CHECK_INT(gh_txn_conn(ringing), 44);
    rig_pass(&rig, 1000);
    LOG(&rig, "response:183");
    gh_txns_conn_lost(rig.txns, 44, rig.now_ms);
    rig_pass(&rig, 5000);
    LOG(&rig,
        "ended:timeout ended:conn_lost"); /* the other trunk's INVITE had its own end, at 32 s */
    rig_fini(&rig);
}

int main(void)
{
    RUN(client_invite_timeout_udp);
    RUN(client_invite_timeout_stream);
    RUN(client_invite_refused_udp);
    RUN(client_invite_refused_stream);
    RUN(client_invite_accepted_and_forked);
    RUN(the_ack_is_repeated_octet_for_octet);
    RUN(forks_after_the_first_2xx);
    RUN(acks_with_the_request_folded);
    RUN(foreign_acks_do_not_leave);
    RUN(client_other_udp);
    RUN(client_other_stream);
    RUN(client_wrong_requests);
    RUN(send_is_told_the_carriers);
    RUN(opaque_requests_do_not_leave);
    RUN(cancel_leaves);
    RUN(connection_lost);
    return CHECK_REPORT();
}
