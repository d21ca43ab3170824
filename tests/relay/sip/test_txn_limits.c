/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a neighbour can make transactions keep: requests that leave no room for an answer, answers
 * that cannot be written, users that go away.  Whatever it sends, every transaction ends.
 */
#include "relay/sip/support_sip.h"
#include "relay/sip/support_txn.h"

#include <stdlib.h>

#include "sip/framer.h"
#include "sip/out.h"
#include "support/alloc_fail.h"
#include "support/check.h"

#define LOG(rig, want) CHECK_STR(rig_log(rig), want)

/* A request with lines of a chosen length. */
struct shape {
    const char *method;
    const char *to_name, *from_name, *call_id_name; /* header names, long or compact */
    size_t to_len, from_len, call_id_len;           /* octets of the whole line; 0: short */
    size_t vias, via_len, record_routes;            /* besides the first Via */
};

static const struct shape plain = { .method = "OPTIONS", .to_name = "To", .from_name = "From",
                                    .call_id_name = "Call-ID" };

static void add_padded(struct gh_buf *buf, const char *name, const char *value, size_t len,
                       const char *pad)
{
    size_t have = strlen(name) + 2 + strlen(value) + strlen(pad);

    gh_buf_fmt(buf, "%s: %s", name, value);
    if (have < len) {
        gh_buf_str(buf, pad);
        for (; have < len; have++)
            gh_buf_str(buf, "x");
    }
    gh_buf_str(buf, "\r\n");
}

static struct gh_buf request_of(const struct shape *shape, unsigned number)
{
    struct gh_buf wire = { 0 };
    char call_id[16];

    snprintf(call_id, sizeof(call_id), "%u", number);
    gh_buf_fmt(&wire, "%s sip:bob@b.example.com SIP/2.0\r\n", shape->method);
    gh_buf_fmt(&wire, "Via: SIP/2.0/TLS a.example.com;branch=z9hG4bK%u\r\n", number);
    for (size_t i = 0; i < shape->vias; i++)
        add_padded(&wire, "Via", "SIP/2.0/TLS p", shape->via_len, ";p=");
    for (size_t i = 0; i < shape->record_routes; i++)
        gh_buf_str(&wire, "Record-Route: <sip:p;lr>\r\n");
    add_padded(&wire, shape->from_name, "<sip:alice@a.example.com>;tag=a1", shape->from_len, ";p=");
    add_padded(&wire, shape->to_name, "<sip:bob@b.example.com>", shape->to_len, ";p=");
    add_padded(&wire, shape->call_id_name, call_id, shape->call_id_len, "y");
    gh_buf_fmt(&wire, "CSeq: 1 %s\r\nContact: <sip:alice@a.example.com>\r\n", shape->method);
    gh_buf_str(&wire, "Content-Length: 0\r\n\r\n");
    return wire;
}

static struct gh_sip_msg *msg_of(const struct shape *shape, unsigned number)
{
    struct gh_buf wire = request_of(shape, number);
    struct gh_sip_msg *msg = NULL;

    if (sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, NULL))
        abort(); /* all are good messages */
    gh_buf_fini(&wire);
    return msg;
}

static int receive(struct txn_rig *rig, const struct shape *shape, unsigned number)
{
    struct gh_sip_msg *msg = msg_of(shape, number);
    int err = gh_txns_receive(rig->txns, TRUNK_A, CONN_A, true, msg, rig->now_ms);

    gh_sip_msg_unref(msg);
    return err;
}

/* ---- room for an answer ---- */

static struct shape with_to(const char *name, size_t len)
{
    struct shape shape = plain;

    shape.to_name = name;
    shape.to_len = len;
    return shape;
}

static void room(void)
{
    const size_t line = GH_SIP_LINE_MAX - GH_SIP_ANSWER_LINE;
    const size_t lines = GH_SIP_HEADERS_MAX - GH_SIP_ANSWER_HEADERS;
    struct shape from = plain, call_id = plain, vias = plain, octets = plain, routes = plain;
    const struct {
        struct shape shape;
        int want;
    } rows[] = {
        { plain, 0 },
        { with_to("To", line), 0 },
        { with_to("To", line + 1), GH_ELIMIT },
        { with_to("To", GH_SIP_LINE_MAX), GH_ELIMIT },
        /* With its full name the same line is one octet longer. */
        { with_to("t", line - 1), 0 },
        { with_to("t", line), GH_ELIMIT },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_sip_msg *msg = msg_of(&rows[i].shape, 1);

        CHECK_INT(gh_sip_reply_room(msg), rows[i].want);
        gh_sip_msg_unref(msg);
    }
    from.from_len = call_id.call_id_len = line + 1;
    vias.vias = lines - 3;  /* and one Via more, From, To, Call-ID, CSeq: one too many */
    routes.vias = 100;
    routes.record_routes = lines - 104;
    octets.vias = (GH_SIP_HEAD_MAX - GH_SIP_ANSWER_OCTETS) / 8000 + 1;
    octets.via_len = 8000;
    for (struct shape *const *at =
             (struct shape *[]){ &from, &call_id, &vias, &routes, &octets, NULL };
         *at; at++) {
        struct gh_sip_msg *msg = msg_of(*at, 1);

        CHECK_INT(gh_sip_reply_room(msg), GH_ELIMIT);
        gh_sip_msg_unref(msg);
    }
    vias.vias -= 2;
    octets.vias -= 1;
    for (struct shape *const *at = (struct shape *[]){ &vias, &octets, NULL }; *at; at++) {
        struct gh_sip_msg *msg = msg_of(*at, 1);

        CHECK_INT(gh_sip_reply_room(msg), 0);
        gh_sip_msg_unref(msg);
    }
}

/* Whatever has room can be answered with a tag, a Contact and a Warning. */
static void what_has_room_is_answered(void)
{
    struct shape full = plain;
    struct txn_rig rig;

    full.method = "INVITE";
    full.to_len = full.from_len = full.call_id_len = GH_SIP_LINE_MAX - GH_SIP_ANSWER_LINE;
    full.vias = 2;
    full.via_len = 8000;
    rig_init(&rig, NULL);
    CHECK_INT(receive(&rig, &full, 1), 0);
    LOG(&rig, "request:INVITE >100");
    CHECK_INT(rig_respond(&rig, rig.server, gh_txn_request(rig.server), 200), 0);
    LOG(&rig, ">200");
    rig_fini(&rig);
}

/* An answer without transaction keeps to the limits itself, and finds its way back. */
static void an_answer_of_513(void)
{
    struct shape rows[] = { with_to("To", GH_SIP_LINE_MAX - 2), plain, plain, plain };

    rows[1].vias = 240;
    rows[2].vias = 7;
    rows[2].via_len = GH_SIP_LINE_MAX;
    rows[3].from_len = GH_SIP_LINE_MAX;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_sip_msg *msg = msg_of(&rows[i], 7), *answer = NULL;
        struct gh_sip_out out = { 0 };
        struct gh_buf octets = { 0 };

        CHECK_INT(gh_sip_reply_room(msg), GH_ELIMIT);
        gh_sip_out_reply(&out, msg, 513, GH_SPAN(""), GH_SPAN("ours"));
        gh_sip_out_warning(&out, 399, GH_SPAN("node"), GH_SPAN("too large"));
        CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
        CHECK_INT(sip_parse_exact(&answer, gh_buf_span(&octets), GH_SIP_STREAM, NULL), 0);
        if (CHECK(answer != NULL)) {
            CHECK_SPAN(answer->via.branch, "z9hG4bK7");
            CHECK(answer->via_count >= 1 && answer->via_count <= msg->via_count);
            CHECK_SPAN(answer->from.tag, "a1");
            CHECK_SPAN(answer->from.uri.text, "sip:alice@a.example.com");
            CHECK_SPAN(answer->to.tag, "ours");
            CHECK_SPAN(answer->to.uri.text, "sip:bob@b.example.com");
            CHECK_SPAN(answer->call_id, "7");
        }
        if (answer && i == 1)
            CHECK_INT(answer->via_count, GH_SIP_HEADERS_MAX - GH_SIP_ANSWER_HEADERS);
        gh_buf_fini(&octets);
        gh_sip_msg_unref(answer);
        gh_sip_msg_unref(msg);
    }
}

static void no_transaction_without_room(void)
{
    static const char *const methods[] = { "OPTIONS", "INVITE", "CANCEL", "BYE" };
    struct shape vias = plain, to = with_to("To", 8190);
    struct txn_rig rig;

    vias.vias = 240;
    rig_init(&rig, NULL);
    for (unsigned i = 0; i < 4; i++) {
        to.method = vias.method = methods[i];
        CHECK_INT(receive(&rig, &to, i), GH_ELIMIT);
        CHECK_INT(receive(&rig, &vias, i), GH_ELIMIT);
    }
    /* Nothing answers an ACK, so it needs no room. */
    to.method = "ACK";
    CHECK_INT(receive(&rig, &to, 9), 0);
    LOG(&rig, "ack:1");
    CHECK_INT(gh_txns_count(rig.txns), 0);
    CHECK_INT(gh_txns_counters(rig.txns)->refused, 8);
    rig_fini(&rig);
}

/* ---- answers that cannot be written ---- */

/* A header that the user repeats under a longer name: the answer breaks the limits. */
static void respond_too_long(struct txn_rig *rig)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 }, value = { 0 };

    for (int i = 0; i < GH_SIP_LINE_MAX; i++)
        gh_buf_str(&value, "x");
    gh_sip_out_reply(&out, gh_txn_request(rig->server), 420, GH_SPAN(""), GH_SPAN("ours"));
    gh_sip_out_hdr(&out, "Unsupported", gh_buf_span(&value));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    CHECK_INT(gh_txn_respond(rig->server, &octets, rig->now_ms), GH_ELIMIT);
    gh_buf_fini(&value);
}

static void refused_answer_then_detached(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    respond_too_long(&rig);
    CHECK_INT(gh_txn_state(rig.server), GH_TXN_PROCEEDING); /* still the user's to answer */
    gh_txn_detach(rig.server, rig.now_ms);
    LOG(&rig, "request:INVITE >100 >500");
    rig_pass(&rig, GH_TXN_TIMEOUT_MS);
    CHECK_INT(gh_txns_count(rig.txns), 0);
    rig_fini(&rig);
}

static void forgotten_requests_are_answered(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig.forgets = true;
    rig_request(&rig, TRUNK_A, CONN_A, true, "OPTIONS", "1", "");
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "2", "");
    LOG(&rig, "request:OPTIONS >500 request:INVITE >500"); /* no 100 to what is over */
    rig_request(&rig, TRUNK_A, CONN_A, true, "ACK", "2", "x");
    rig_pass(&rig, 0);
    LOG(&rig, "ended:done ended:done");
    CHECK_INT(gh_txns_count(rig.txns), 0);
    rig_fini(&rig);
}

/* Nothing can be sent, and in the end nothing can be written either. */
static void not_even_500(void)
{
    struct txn_rig rig;

    rig_init(&rig, NULL);
    rig_request(&rig, TRUNK_A, CONN_A, true, "INVITE", "1", "");
    rig.send_err = GH_ECLOSED;
    gh_txn_detach(rig.server, rig.now_ms);
    LOG(&rig, "request:INVITE >100 >500!");
    rig_pass(&rig, 0);
    CHECK_INT(gh_txns_count(rig.txns), 0);
    rig_fini(&rig);
}

#if GH_ALLOC_CAN_FAIL
/* Detach must not fail: at each allocation that it makes, in every state. */
static void detach_without_memory(void)
{
    static const char *const methods[] = { "INVITE", "OPTIONS" };
    static const bool servers[] = { true, false };

    for (size_t m = 0; m < 4; m++) {
        for (long n = 1;; n++) {
            struct txn_rig rig;
            struct gh_txn *txn;
            bool failed;

            rig_init(&rig, NULL);
            if (servers[m / 2]) {
                rig_request(&rig, TRUNK_A, CONN_A, true, methods[m % 2], "1", "");
                txn = rig.server;
            } else {
                txn = rig_send(&rig, TRUNK_A, CONN_A, true, methods[m % 2], "1", NULL);
                rig_answer(&rig, TRUNK_A, CONN_A, true, methods[m % 2], "1", 180, "t");
            }
            rig_log(&rig);
            rig.quiet = true;
            alloc_fail_at(n);
            gh_txn_detach(txn, rig.now_ms);
            failed = alloc_failed();
            rig_pass(&rig, 2 * GH_TXN_TIMEOUT_MS);
            CHECK_INT(gh_txns_count(rig.txns), 0);
            CHECK(strstr(rig_log(&rig), "ended") == NULL);
            rig_fini(&rig);
            if (!failed)
                break;
        }
    }
}

/* A CANCEL whose answer cannot be written ends as well. */
static void cancel_without_memory(void)
{
    for (long n = 1;; n++) {
        struct gh_sip_msg *msg;
        struct shape shape = plain;
        struct txn_rig rig;
        bool failed;

        shape.method = "CANCEL";
        msg = msg_of(&shape, 1);
        rig_init(&rig, NULL);
        rig.quiet = true;
        alloc_fail_at(n);
        gh_txns_receive(rig.txns, TRUNK_A, CONN_A, true, msg, rig.now_ms);
        failed = alloc_failed();
        rig_pass(&rig, 0);
        CHECK_INT(gh_txns_count(rig.txns), 0);
        rig_fini(&rig);
        gh_sip_msg_unref(msg);
        if (!failed)
            break;
    }
}
#endif

/* ---- octets that are kept ---- */

#define OCTETS_MAX ((size_t)512 * 1024)

static const struct gh_txn_limits few_octets = { .max_octets_per_trunk = OCTETS_MAX };

/* An INVITE whose answer is 16 KiB. */
static struct shape fat(void)
{
    struct shape shape = plain;

    shape.method = "INVITE";
    shape.vias = 2;
    shape.via_len = 8000;
    return shape;
}

static bool sent_again(struct txn_rig *rig, const struct shape *shape, unsigned number)
{
    CHECK_INT(receive(rig, shape, number), 0);
    return *rig_log(rig) != 0;
}

/* Refused and never acknowledged: timer H is 32 s, and a flood has thousands in that time. */
static void refused_invites_without_ack(void)
{
    struct shape shape = fat();
    struct txn_rig rig;
    size_t most = 0;

    rig_init(&rig, &few_octets);
    for (unsigned i = 0; i < 300; i++) {
        CHECK_INT(receive(&rig, &shape, i), 0);
        CHECK_INT(rig_respond(&rig, rig.server, gh_txn_request(rig.server), 404), 0);
        if (gh_txns_octets(rig.txns, TRUNK_A) > most)
            most = gh_txns_octets(rig.txns, TRUNK_A);
        gh_buf_fini(&rig.log);
    }
    CHECK_INT(gh_txns_count(rig.txns), 300);
    CHECK(most > OCTETS_MAX / 4 && most < OCTETS_MAX);
    /* The first answers were kept and are sent again; the last are not, but are absorbed. */
    CHECK(sent_again(&rig, &shape, 0));
    CHECK(!sent_again(&rig, &shape, 299));
    CHECK_INT(gh_txns_octets(rig.txns, TRUNK_B), 0);
    rig_pass(&rig, GH_TXN_TIMEOUT_MS);
    CHECK_INT(gh_txns_count(rig.txns), 0);
    CHECK_INT(gh_txns_octets(rig.txns, TRUNK_A), 0);
    rig_fini(&rig);
}

static void unanswered_requests(void)
{
    struct shape shape = fat();
    struct gh_sip_msg *msg;
    struct txn_rig rig;
    unsigned count = 0;
    int err;

    rig_init(&rig, &few_octets);
    while ((err = receive(&rig, &shape, count)) == 0)
        count++;
    CHECK_INT(err, GH_EFULL);
    CHECK(count > 10 && count < 40);
    CHECK(gh_txns_octets(rig.txns, TRUNK_A) <= OCTETS_MAX);
    CHECK_INT(gh_txns_counters(rig.txns)->refused, 1);
    /* Another trunk has a share of its own. */
    msg = msg_of(&shape, 0);
    CHECK_INT(gh_txns_receive(rig.txns, TRUNK_B, CONN_B, true, msg, rig.now_ms), 0);
    gh_sip_msg_unref(msg);
    /* What ends makes room. */
    gh_txn_detach(rig.server, rig.now_ms);
    rig_pass(&rig, GH_TXN_TIMEOUT_MS);
    CHECK_INT(gh_txns_octets(rig.txns, TRUNK_B), 0);
    rig_fini(&rig);
}

/* What we repeat by ourselves is kept whatever else is: a 2xx to INVITE, and all of it over UDP. */
static void what_must_be_repeated_is_kept(void)
{
    static const bool reliable[] = { true, false };
    static const int statuses[] = { 200, 404 };

    for (int i = 0; i < 2; i++) {
        struct shape shape = fat();
        struct txn_rig rig;

        rig_init(&rig, &few_octets);
        while (gh_txns_octets(rig.txns, TRUNK_A) <= OCTETS_MAX / 2 + OCTETS_MAX / 4) {
            struct gh_sip_msg *msg = msg_of(&shape, (unsigned)gh_txns_count(rig.txns));

            CHECK_INT(gh_txns_receive(rig.txns, TRUNK_A, CONN_A, reliable[i], msg, rig.now_ms), 0);
            gh_sip_msg_unref(msg);
        }
        rig_respond(&rig, rig.server, gh_txn_request(rig.server), statuses[i]);
        gh_buf_fini(&rig.log);
        rig_pass(&rig, GH_TXN_T1_MS);
        LOG(&rig, i == 0 ? ">200" : ">404");
        rig_fini(&rig);
    }
}

/* Every road from the first octet to the end: nothing stays counted. */
static void the_count_comes_back_to_nothing(void)
{
    struct gh_txn *txn;
    struct txn_rig rig;

    rig_init(&rig, NULL);
    for (int reliable = 0; reliable < 2; reliable++) {
        rig_request(&rig, TRUNK_A, CONN_A, reliable, "INVITE", "1", "");
        rig_respond(&rig, rig.server, gh_txn_request(rig.server), 180);
        rig_request(&rig, TRUNK_A, CONN_A, reliable, "CANCEL", "1", "");
        rig_respond(&rig, rig.server, gh_txn_request(rig.server), 487);
        rig_request(&rig, TRUNK_A, CONN_A, reliable, "ACK", "1", "ours");
        rig_request(&rig, TRUNK_A, CONN_A, reliable, "INVITE", "2", "");
        rig_respond(&rig, rig.server, gh_txn_request(rig.server), 200);
        gh_txn_acked(rig.server);
        txn = rig_send(&rig, TRUNK_A, CONN_A, reliable, "INVITE", "3", NULL);
        rig_answer(&rig, TRUNK_A, CONN_A, reliable, "INVITE", "3", 180, "t");
        gh_txn_cancel(txn, GH_SPAN("SIP;cause=200"), rig.now_ms);
        rig_answer(&rig, TRUNK_A, CONN_A, reliable, "INVITE", "3", 200, "t");
        rig_answer(&rig, TRUNK_A, CONN_A, reliable, "INVITE", "3", 200, "fork");
        txn = rig_send(&rig, TRUNK_A, CONN_A, reliable, "INVITE", "4", NULL);
        rig_answer(&rig, TRUNK_A, CONN_A, reliable, "INVITE", "4", 404, "t");
        rig_send(&rig, TRUNK_A, CONN_A, reliable, "OPTIONS", "5", NULL);
        CHECK(gh_txns_octets(rig.txns, TRUNK_A) > 5 * 300);
        rig_pass(&rig, 3 * GH_TXN_TIMEOUT_MS);
        CHECK_INT(gh_txns_count(rig.txns), 0);
        CHECK_INT(gh_txns_octets(rig.txns, TRUNK_A), 0);
    }
    rig_fini(&rig);
}

int main(void)
{
    RUN(room);
    RUN(what_has_room_is_answered);
    RUN(an_answer_of_513);
    RUN(no_transaction_without_room);
    RUN(refused_answer_then_detached);
    RUN(forgotten_requests_are_answered);
    RUN(not_even_500);
    RUN(refused_invites_without_ack);
    RUN(unanswered_requests);
    RUN(what_must_be_repeated_is_kept);
    RUN(the_count_comes_back_to_nothing);
#if GH_ALLOC_CAN_FAIL
    RUN(detach_without_memory);
    RUN(cancel_without_memory);
#endif
    return CHECK_REPORT();
}
