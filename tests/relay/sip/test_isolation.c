/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing of one trunk touches another.  Trunk B knows everything about trunk A's call: branch,
 * sent-by, Call-ID, tags, CSeq.  (libre 1.1.0 lets B swallow A's INVITE and cancel A's call by
 * that.)
 */
#include "relay/sip/support_sip.h"
#include "relay/sip/support_txn.h"

#include "sip/dialog.h"
#include "support/check.h"

#define LOG(rig, want) CHECK_STR(rig_log(rig), want)

static void same_invite_from_two_trunks(void)
{
    struct txn_rig rig;
    struct gh_txn *a, *b;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    a = rig.server;
    CHECK_INT(rig.sent_trunk, TRUNK_A);
    rig_request(&rig, TRUNK_B, CONN_B, true, "INVITE", "1", "");
    b = rig.server;
    CHECK(a != b);
    CHECK_INT(rig.sent_trunk, TRUNK_B);
    CHECK_INT(rig.sent_on, CONN_B);
    LOG(&rig, "request:INVITE >100 request:INVITE >100");
    CHECK_INT(gh_txns_counters(rig.txns)->absorbed, 0);
    rig_fini(&rig);
}

static void cancel_from_another_trunk(void)
{
    struct txn_rig rig;
    struct gh_txn *a;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    a = rig.server;
    rig_log(&rig);
    rig_request(&rig, TRUNK_B, CONN_B, true, "CANCEL", "1", "");
    LOG(&rig, ">481");
    CHECK_INT(rig.sent_trunk, TRUNK_B);
    CHECK_INT(gh_txn_state(a), GH_TXN_PROCEEDING);
    rig_fini(&rig);
}

static void ack_from_another_trunk(void)
{
    struct txn_rig rig;
    struct gh_txn *a;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    a = rig.server;
    rig_respond(&rig, a, gh_txn_request(a), 486);
    rig_log(&rig);
    rig_request(&rig, TRUNK_B, CONN_B, true, "ACK", "1", "ours");
    LOG(&rig, "ack:2"); /* told as an ACK of trunk 2, where no dialog has it */
    CHECK_INT(gh_txn_state(a), GH_TXN_COMPLETED);
    rig_fini(&rig);
}

static void response_from_another_trunk(void)
{
    struct txn_rig rig;
    struct gh_txn *a;

    rig_init(&rig, NULL);
    a = rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL);
    rig_log(&rig);
    rig_answer(&rig, TRUNK_B, CONN_B, true, "INVITE", "1", 180, "evil");
    rig_answer(&rig, TRUNK_B, CONN_B, true, "INVITE", "1", 200, "evil");
    rig_answer(&rig, TRUNK_B, CONN_A, true, "INVITE", "1", 603,
               "evil"); /* even over A's connection number */
    LOG(&rig, "");
    CHECK_INT(gh_txn_state(a), GH_TXN_TRYING);
    CHECK_INT(gh_txn_conn(a), CONN_A);
    CHECK_INT(gh_txns_counters(rig.txns)->stray_responses, 3);
    rig_answer(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", 200, "real");
    LOG(&rig, "response:200");
    /* And nothing after the 2xx either. */
    rig_answer(&rig, TRUNK_B, CONN_B, true, "INVITE", "1", 200, "evil");
    LOG(&rig, "");
    rig_fini(&rig);
}

/* A response of the right trunk and branch to another call, sent-by, or with a second
 * Via, is none. */
static void response_that_does_not_fit(void)
{
    static const char *const wrong[] = {
        "SIP/2.0 200 OK\nVia: SIP/2.0/TLS us.example.com;branch=z9hG4bK1\nFrom: "
        "<sip:a@b>;tag=a1\nTo: <sip:b@c>;tag=t\n"
        "Call-ID: other\nCSeq: 7 INVITE\nContent-Length: 0\n\n",
        "SIP/2.0 200 OK\nVia: SIP/2.0/TLS us.example.com;branch=z9hG4bK1\nFrom: "
        "<sip:a@b>;tag=a1\nTo: <sip:b@c>;tag=t\n"
        "Call-ID: call-1\nCSeq: 8 INVITE\nContent-Length: 0\n\n",
        "SIP/2.0 200 OK\nVia: SIP/2.0/TLS us.example.com;branch=z9hG4bK1\nFrom: "
        "<sip:a@b>;tag=a2\nTo: <sip:b@c>;tag=t\n"
        "Call-ID: call-1\nCSeq: 7 INVITE\nContent-Length: 0\n\n",
        "SIP/2.0 200 OK\nVia: SIP/2.0/TLS us.example.com;branch=z9hG4bK1\nVia: SIP/2.0/TLS "
        "x;branch=z9hG4bK2\n"
        "From: <sip:a@b>;tag=a1\nTo: <sip:b@c>;tag=t\nCall-ID: call-1\nCSeq: 7 "
        "INVITE\nContent-Length: 0\n\n",
        "SIP/2.0 200 OK\nVia: SIP/2.0/TLS them.example.com;branch=z9hG4bK1\nFrom: "
        "<sip:a@b>;tag=a1\nTo: <sip:b@c>;tag=t\n"
        "Call-ID: call-1\nCSeq: 7 INVITE\nContent-Length: 0\n\n",
        "SIP/2.0 200 OK\nVia: SIP/2.0/TLS us.example.com;branch=z9hG4bK1\nFrom: "
        "<sip:a@b>;tag=a1\nTo: <sip:b@c>;tag=t\n"
        "Call-ID: call-1\nCSeq: 7 BYE\nContent-Length: 0\n\n",
    };
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_send(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", NULL);
    rig_log(&rig);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct gh_sip_msg *msg = sip_msg(wrong[i]);

        CHECK_OR_STOP(msg != NULL);
        CHECK_INT(gh_txns_receive(rig.txns, TRUNK_A, CONN_A, true, msg, rig.now_ms), 0);
        gh_sip_msg_unref(msg);
    }
    LOG(&rig, "");
    CHECK_INT(gh_txns_counters(rig.txns)->stray_responses, sizeof(wrong) / sizeof(wrong[0]));
    rig_fini(&rig);
}

/* A CANCEL with the branch of another call of the same trunk. */
static void cancel_that_does_not_fit(void)
{
    struct gh_sip_msg *cancel = sip_msg(
        "CANCEL sip:bob@192.0.2.4 SIP/2.0\nVia: SIP/2.0/TLS peer.example.com;branch=z9hG4bK1\n"
        "From: <sip:alice@a.example.com>;tag=a1\nTo: <sip:bob@b.example.com>\n"
        "Call-ID: another\nCSeq: 7 CANCEL\nContent-Length: 0\n\n");
    struct txn_rig rig;

    CHECK_OR_STOP(cancel != NULL);
    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    rig_log(&rig);
    CHECK_INT(gh_txns_receive(rig.txns, TRUNK_A, CONN_A, true, cancel, rig.now_ms), 0);
    LOG(&rig, ">481");
    gh_sip_msg_unref(cancel);
    rig_fini(&rig);
}

/* A trunk that floods us gets no further; the other one does not notice. */
static void share_of_a_trunk(void)
{
    static const struct gh_txn_limits limits = { .max_count = 8 };
    struct txn_rig rig;

    rig_init(&rig, &limits);
    CHECK_INT(rig_request(&rig, TRUNK_B, CONN_B, true, "INVITE", "1", ""), 0);
    CHECK_INT(rig_request(&rig, TRUNK_B, CONN_B, true, "INVITE", "2", ""), 0);
    CHECK_INT(rig_request(&rig, TRUNK_B, CONN_B, true, "INVITE", "3", ""), GH_EFULL);
    CHECK(rig_send(&rig, TRUNK_B, CONN_B, true, "OPTIONS", "4", NULL) == NULL);
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", ""), 0);
    CHECK_INT(rig_respond(&rig, rig.server, gh_txn_request(rig.server), 404), 0);
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "ACK", "1", "ours"), 0);
    rig_pass(&rig, 0);
    /* What has ended counts no more. */
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "2", ""), 0);
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "3", ""), 0);
    CHECK_INT(rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "4", ""), GH_EFULL);
    rig_fini(&rig);
}

static void no_trunk_and_bad_messages(void)
{
    struct gh_buf wire =
        sip_wire("OPTIONS sip:a@b SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: "
                 "<sip:c@d>;tag=1\nTo: <sip:a@b>\n"
                 "Call-ID: x\nCSeq: 1 OPTIONS\nMax-Forwards: x\nContent-Length: 0\n\n");
    struct gh_sip_msg *bad, *good = sip_request("OPTIONS", "", NULL, NULL);
    struct txn_rig rig;

    rig_init(&rig, NULL);
    gh_sip_msg_parse(&bad, gh_buf_span(&wire), GH_SIP_STREAM, NULL);
    CHECK_OR_STOP(bad != NULL && good != NULL);
    CHECK_INT(gh_txns_receive(rig.txns, TRUNK_A, CONN_A, true, bad, 0), GH_EINVAL);
    CHECK_INT(gh_txns_receive(rig.txns, 0, CONN_A, true, good, 0), GH_EINVAL);
    CHECK_INT(gh_txns_count(rig.txns), 0);
    gh_sip_msg_unref(bad);
    gh_sip_msg_unref(good);
    gh_buf_fini(&wire);
    rig_fini(&rig);
}

static void dialogs_of_other_trunks(void)
{
    struct gh_sip_msg *invite = sip_request("INVITE", "", NULL, NULL);
    struct gh_sip_msg *bye = sip_msg(
        "BYE sip:us@h SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK9\nFrom: "
        "<sip:alice@a.example.com>;tag=a1\n"
        "To: <sip:bob@b.example.com>;tag=ours\nCall-ID: support@a.example.com\nCSeq: 8 BYE\n"
        "Content-Length: 0\n\n");
    struct gh_dialog *a, *b;
    struct gh_dialogs *table;

    CHECK_OR_STOP(invite && bye && gh_dialogs_new(&table) == 0);
    CHECK_INT(gh_dialog_new_uas(&a, TRUNK_A, invite, GH_SPAN("ours")), 0);
    CHECK_INT(gh_dialogs_add(table, a), 0);
    CHECK(gh_dialogs_of_request(table, TRUNK_A, bye) == a);
    CHECK(gh_dialogs_of_request(table, TRUNK_B, bye) == NULL);
    CHECK(gh_dialogs_of_response(table, TRUNK_A, bye) == NULL); /* tags the other way round */
    CHECK(gh_dialogs_find(table, TRUNK_B, a->name.call_id, GH_SPAN("ours"),
                          GH_SPAN("a1")) == NULL);
    CHECK(gh_dialogs_find(table, TRUNK_A, a->name.call_id, GH_SPAN("ours"),
                          GH_SPAN("a1")) == a);
    CHECK(gh_dialogs_find(table, TRUNK_A, a->name.call_id, GH_SPAN("a1"),
                          GH_SPAN("ours")) == NULL);
    CHECK(gh_dialogs_find(table, TRUNK_A, a->name.call_id, GH_SPAN("our"), GH_SPAN("a1")) ==
          NULL);
    /* The same three names on another trunk are another dialog. */
    CHECK_INT(gh_dialog_new_uas(&b, TRUNK_B, invite, GH_SPAN("ours")), 0);
    CHECK_INT(gh_dialogs_add(table, b), 0);
    CHECK(gh_dialogs_of_request(table, TRUNK_B, bye) == b);
    gh_dialog_free(a);
    CHECK(gh_dialogs_of_request(table, TRUNK_A, bye) == NULL);
    CHECK(gh_dialogs_of_request(table, TRUNK_B, bye) == b);
    gh_dialog_free(b);
    CHECK_INT(gh_dialogs_count(table), 0);
    gh_dialogs_free(table);
    gh_sip_msg_unref(invite);
    gh_sip_msg_unref(bye);
}

int main(void)
{
    RUN(same_invite_from_two_trunks);
    RUN(cancel_from_another_trunk);
    RUN(ack_from_another_trunk);
    RUN(response_from_another_trunk);
    RUN(response_that_does_not_fit);
    RUN(cancel_that_does_not_fit);
    RUN(share_of_a_trunk);
    RUN(no_trunk_and_bad_messages);
    RUN(dialogs_of_other_trunks);
    return CHECK_REPORT();
}
