/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server transactions row by row: RFC 3261 section 17 figures 5 to 8, RFC 6026, on UDP and on
 * streams, under a clock turned by hand.
 */
#include "relay/sip/support_sip.h"
#include "relay/sip/support_txn.h"

#include "sip/out.h"
#include "support/check.h"

#define LOG(rig, want) CHECK_STR(rig_log(rig), want)

/* ---- server, INVITE ---- */

static void server_invite_refused_udp(void)
{
    struct txn_rig rig;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    CHECK_INT(rig_request(&rig, TRUNK_A, 0, false, "INVITE", "1", ""), 0);
    LOG(&rig, "request:INVITE >100");
    txn = rig.server;
    CHECK_INT(gh_txn_state(txn), GH_TXN_PROCEEDING);
    CHECK_INT(rig_request(&rig, TRUNK_A, 0, false, "INVITE", "1", ""), 0);
    LOG(&rig, ">100"); /* again: the last provisional response */
    CHECK_INT(rig_respond(&rig, txn, gh_txn_request(txn), 180), 0);
    CHECK_INT(rig_request(&rig, TRUNK_A, 0, false, "INVITE", "1", ""), 0);
    LOG(&rig, ">180 >180");
    CHECK_INT(rig_respond(&rig, txn, gh_txn_request(txn), 486), 0);
    CHECK_INT(gh_txn_state(txn), GH_TXN_COMPLETED);
    CHECK(gh_txn_request(txn) == NULL);
    LOG(&rig, ">486");
    rig_pass(&rig, 499);
    LOG(&rig, "");
    rig_pass(&rig, 1); /* G: T1, 2 T1, 4 T1, T2 ... */
    LOG(&rig, ">486");
    rig_pass(&rig, 1000 + 2000 + 4000 + 4000);
    LOG(&rig, ">486 >486 >486 >486");
    CHECK_INT(rig_request(&rig, TRUNK_A, 0, false, "INVITE", "1", ""), 0);
    LOG(&rig, ">486");
    CHECK_INT(rig_request(&rig, TRUNK_A, 0, false, "ACK", "1", "ours"), 0);
    CHECK_INT(gh_txn_state(txn), GH_TXN_CONFIRMED);
    CHECK_INT(rig_request(&rig, TRUNK_A, 0, false, "ACK", "1", "ours"), 0);
    CHECK_INT(rig_request(&rig, TRUNK_A, 0, false, "INVITE", "1", ""), 0);
    rig_pass(&rig, 4999);
    LOG(&rig, "");
    rig_pass(&rig, 1); /* I */
    LOG(&rig, "ended:done");
    CHECK_INT(gh_txns_count(rig.txns), 0);
    rig_fini(&rig);
}

static void server_invite_refused_stream(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    rig_respond(&rig, rig.server, gh_txn_request(rig.server), 404);
    rig_pass(&rig, 10000); /* no G on a stream */
    LOG(&rig, "request:INVITE >100 >404");
    rig_request(&rig, TRUNK_A, CONN_A, true, "ACK", "1", "ours");
    LOG(&rig, ""); /* never from inside */
    rig_pass(&rig, 0);
    LOG(&rig, "ended:done");
    rig_fini(&rig);
}

static void server_invite_without_ack(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    rig_respond(&rig, rig.server, gh_txn_request(rig.server), 404);
    rig_pass(&rig, GH_TXN_TIMEOUT_MS - 1);
    LOG(&rig, "request:INVITE >100 >404");
    rig_pass(&rig, 1); /* H */
    LOG(&rig, "ended:no_ack");
    rig_fini(&rig);
}

/* RFC 6026 section 7.1 and RFC 3261 section 13.3.1.4 */
static void server_invite_accepted(void)
{
    struct txn_rig rig;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    txn = rig.server;
    rig_respond(&rig, txn, gh_txn_request(txn), 200);
    CHECK_INT(gh_txn_state(txn), GH_TXN_ACCEPTED);
    LOG(&rig, "request:INVITE >100 >200");
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    LOG(&rig, "");                                   /* absorbed */
    rig_pass(&rig, 500 + 1000 + 2000 + 4000 + 4000); /* on streams too */
    LOG(&rig, ">200 >200 >200 >200 >200");
    rig_request(&rig, TRUNK_A, CONN_A, true, "ACK", "other", "ours");
    LOG(&rig, "ack:1");
    gh_txn_acked(txn);
    gh_txn_acked(txn);
    rig_pass(&rig, 20000);
    LOG(&rig, "");
    rig_request(&rig, TRUNK_A, CONN_A, true, "ACK", "1",
                "ours"); /* a peer that reuses the branch */
    LOG(&rig, "ack:1");
    rig_pass(&rig, 500);
    LOG(&rig, "ended:done"); /* L: 32 s after the 200 */
    rig_fini(&rig);
}

static void server_invite_accepted_never_acked(void)
{
    struct txn_rig rig;
    const char *log;
    int count = 0;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    rig_respond(&rig, rig.server, gh_txn_request(rig.server), 200);
    rig_log(&rig);
    rig_pass(&rig, GH_TXN_TIMEOUT_MS);
    log = rig_log(&rig);
    for (const char *p = log; (p = strstr(p, ">200")) != NULL; p++)
        count++;
    CHECK_INT(count, 10); /* after 0.5 1.5 3.5 7.5 11.5 ... 31.5 s */
    CHECK(strstr(log, "ended:no_ack") != NULL);
    CHECK_INT(gh_txns_count(rig.txns), 0);
    rig_fini(&rig);
}

/* ---- server, other ---- */

static void server_other(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, 0, false, "OPTIONS", "1", "");
    rig_request(&rig, TRUNK_A, 0, false, "OPTIONS", "1", "");
    LOG(&rig, "request:OPTIONS"); /* no 100; the second is absorbed */
    rig_respond(&rig, rig.server, gh_txn_request(rig.server), 200);
    rig_request(&rig, TRUNK_A, 0, false, "OPTIONS", "1", "");
    LOG(&rig, ">200 >200");
    rig_pass(&rig, GH_TXN_TIMEOUT_MS - 1);
    LOG(&rig, "");
    rig_pass(&rig, 1); /* J */
    LOG(&rig, "ended:done");
    rig_request(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "2", "");
    rig_respond(&rig, rig.server, gh_txn_request(rig.server), 200);
    LOG(&rig, "request:OPTIONS >200");
    rig_pass(&rig, 0);
    LOG(&rig, "ended:done");
    CHECK_INT(gh_txns_counters(rig.txns)->absorbed, 2);
    rig_fini(&rig);
}

static void server_wrong_answers(void)
{
    struct txn_rig rig;
    struct gh_sip_msg *other = sip_request("INVITE", "", NULL, NULL), *kept;
    struct gh_sip_out out = { 0 };
    struct gh_buf junk = { 0 };

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    kept = gh_sip_msg_ref((struct gh_sip_msg *)gh_txn_request(rig.server));
    rig_log(&rig);
    CHECK_INT(rig_respond(&rig, rig.server, other, 200), GH_EINVAL);
    gh_buf_str(&junk, "SIP/2.0 200 OK\r\n\r\n");
    CHECK_INT(gh_txn_respond(rig.server, &junk, rig.now_ms), GH_ESYNTAX);
    gh_sip_out_reply(&out, kept, 200, GH_SPAN(""), GH_SPAN("ours"));
    gh_sip_out_hdr(&out, "Content-Encoding", GH_SPAN("gzip"));
    CHECK_INT(gh_sip_out_finish(&out, "application/sdp", GH_SPAN("x"), &junk), 0);
    CHECK_INT(gh_txn_respond(rig.server, &junk, rig.now_ms), GH_EINVAL);
    LOG(&rig, "");
    CHECK_INT(rig_respond(&rig, rig.server, kept, 486), 0);
    CHECK_INT(rig_respond(&rig, rig.server, kept, 200), GH_ESTATE);
    CHECK_INT(rig_respond(&rig, rig.server, kept, 180), GH_ESTATE);
    LOG(&rig, ">486");
    gh_sip_msg_unref(kept);
    gh_sip_msg_unref(other);
    rig_fini(&rig);
}

static void server_cannot_send(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig.send_err = GH_ECLOSED;
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    CHECK_INT(rig_respond(&rig, rig.server, gh_txn_request(rig.server), 180), GH_ECLOSED);
    rig_pass(&rig, 1000);
    LOG(&rig, "request:INVITE >100! >180!"); /* a provisional one may get lost */
    CHECK_INT(rig_respond(&rig, rig.server, gh_txn_request(rig.server), 200), GH_ECLOSED);
    LOG(&rig, ">200!");
    rig_pass(&rig, 0);
    LOG(&rig, "ended:not_sent");
    rig_fini(&rig);
}

static void server_answers_where_the_peer_is_now(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    rig_request(&rig, TRUNK_A, CONN_B, true, "INVITE", "1", ""); /* the peer connected anew */
    CHECK_INT(rig.sent_on, CONN_B);
    rig_fini(&rig);
}

/* ---- CANCEL, RFC 3261 section 9.2 ---- */

static void cancel_arrives(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "CANCEL", "0", "");
    LOG(&rig, ">481");
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    rig_respond(&rig, rig.server, gh_txn_request(rig.server), 180);
    rig_request(&rig, TRUNK_A, CONN_A, true, "CANCEL", "1", "");
    LOG(&rig, "request:INVITE >100 >180 >200 cancelled");
    /* The tag of the answer is that of the INVITE's answers. */
    CHECK(memmem(rig.sent.p, rig.sent.len, ";tag=ours", 9) != NULL);
    rig_request(&rig, TRUNK_A, 0, false, "CANCEL", "1", "");
    LOG(&rig, ">200"); /* again: only the answer */
    rig_respond(&rig, rig.server, gh_txn_request(rig.server), 487);
    rig_pass(&rig, 0);
    rig_request(&rig, TRUNK_A, CONN_A, true, "CANCEL", "1", "");
    LOG(&rig, ">487 >200"); /* too late: 200, no effect */
    rig_fini(&rig);
}

/* ---- a user that goes away ---- */

static void detached(void)
{
    struct txn_rig rig;
    struct gh_txn *txn;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    gh_txn_detach(rig.server, rig.now_ms);
    LOG(&rig, "request:INVITE >100 >500");
    rig_request(&rig, TRUNK_A, CONN_A, true, "CANCEL", "1", "");
    LOG(&rig, ">200");
    rig_request(&rig, TRUNK_A, CONN_A, true, "ACK", "1", "x");
    rig_pass(&rig, 0);
    LOG(&rig, "");
    txn = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "2", NULL);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "2", 180, "t");
    gh_txn_detach(txn, rig.now_ms);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "2", 487, "t");
    rig_answer(&rig, TRUNK_A, CONN_A, true, "CANCEL", "2", 200, "t");
    rig_pass(&rig, 0);
    LOG(&rig, ">INVITE response:180 >CANCEL >ACK");
    CHECK_INT(gh_txns_count(rig.txns), 0);
    rig_fini(&rig);
}

static void bounded(void)
{
    static const struct gh_txn_limits limits = { .max_count = 3, .max_per_trunk = 3 };
    struct txn_rig rig;

    rig_init(&rig, &limits);
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "1", ""), 0);
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "2", ""), 0);
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "3", ""), 0);
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "4", ""), GH_EFULL);
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "3", ""), 0); /* not a new one */
    CHECK(rig_send(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "5", NULL) == NULL);
    CHECK_INT(gh_txns_counters(rig.txns)->refused, 1);
    CHECK_INT(gh_txns_count(rig.txns), 3);
    rig_fini(&rig);
}

int main(void)
{
    RUN(server_invite_refused_udp);
    RUN(server_invite_refused_stream);
    RUN(server_invite_without_ack);
    RUN(server_invite_accepted);
    RUN(server_invite_accepted_never_acked);
    RUN(server_other);
    RUN(server_wrong_answers);
    RUN(server_cannot_send);
    RUN(server_answers_where_the_peer_is_now);
    RUN(cancel_arrives);
    RUN(detached);
    RUN(bounded);
    return CHECK_REPORT();
}
