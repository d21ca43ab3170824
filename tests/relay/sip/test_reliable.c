/* SPDX-License-Identifier: Apache-2.0 */
/* Reliable provisional responses, RFC 3262, under a clock turned by hand. */
#include "sip/reliable.h"

#include <stdlib.h>

#include "relay/sip/support_sip.h"
#include "relay/sip/support_txn.h"
#include "support/alloc_fail.h"
#include "support/check.h"

#define LOG(rig, want) CHECK_STR(rig_log(rig), want)

/* ---- as UAC ---- */

/* A response of the peer.  @more  header lines with LF */
static struct gh_sip_msg *response(int status, const char *to_tag, const char *more)
{
    struct gh_buf text = { 0 };
    struct gh_sip_msg *msg;

    gh_buf_fmt(&text,
               "SIP/2.0 %d X\nVia: SIP/2.0/TLS us;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\n"
               "To: <sip:c@d>%s%s\nCall-ID: x\nCSeq: 7 INVITE\n%sContent-Length: 0\n\n%c",
               status, *to_tag ? ";tag=" : "", to_tag, more, 0);
    msg = sip_msg(text.p);
    gh_buf_fini(&text);
    if (!msg)
        abort();
    return msg;
}

static enum gh_rel_arrival take(struct gh_rel_in *in, int status, const char *to_tag,
                                const char *more, uint32_t *rseq)
{
    struct gh_sip_msg *msg = response(status, to_tag, more);
    enum gh_rel_arrival arrival = gh_rel_in_take(in, msg, rseq);

    gh_sip_msg_unref(msg);
    return arrival;
}

#define REL(rseq) "Require: 100rel\nRSeq: " #rseq "\n"

/* Section 4, row by row on one INVITE. */
static void what_arrives(void)
{
    static const struct {
        int status;
        const char *to_tag, *more;
        enum gh_rel_arrival want;
        uint32_t rseq;
    } rows[] = {
        { 180, "t", "", GH_REL_PLAIN, 0 },
        { 183, "t", "RSeq: 5\n", GH_REL_PLAIN, 0 }, /* Require says it, not RSeq */
        { 183, "t", "Supported: 100rel\nRSeq: 5\n", GH_REL_PLAIN, 0 },
        { 100, "", REL(5), GH_REL_PLAIN, 0 }, /* ignored in a 100 */
        { 200, "t", REL(5), GH_REL_PLAIN, 0 },
        { 183, "t", "Require: 100rel\n", GH_REL_DISCARD, 0 },
        { 183, "", REL(5), GH_REL_DISCARD, 0 },
        { 183, "t", REL(5), GH_REL_NEW, 5 }, /* any number may be the first */
        { 183, "t", REL(5), GH_REL_AGAIN, 5 },
        { 183, "t", REL(7), GH_REL_DISCARD, 0 }, /* 6 is missing */
        { 183, "t", REL(4), GH_REL_DISCARD, 0 },
        { 180, "t", "Require: foo, 100REL\nRSeq: 6\n", GH_REL_NEW, 6 },
        { 183, "t", REL(7), GH_REL_NEW, 7 },
        { 183, "t", REL(5), GH_REL_AGAIN, 5 },
        { 180, "t", "", GH_REL_PLAIN, 0 }, /* between them */
        { 183, "T", REL(5), GH_REL_NEW, 5 }, /* another fork counts alone */
        { 183, "t", REL(8), GH_REL_NEW, 8 },
        { 183, "T", REL(8), GH_REL_DISCARD, 0 },
        { 183, "T", REL(6), GH_REL_NEW, 6 },
        { 183, "z", REL(4294967295), GH_REL_NEW, 4294967295u },
        { 183, "z", REL(1), GH_REL_DISCARD, 0 }, /* no wrap (section 3) */
    };
    struct gh_rel_in in = { 0 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum gh_rel_arrival got;
        uint32_t rseq = 0;

        got = take(&in, rows[i].status, rows[i].to_tag, rows[i].more, &rseq);
        if (!CHECK_INT(got, rows[i].want))
            fprintf(stderr, "     row %zu\n", i);
        if (rows[i].want == GH_REL_NEW || rows[i].want == GH_REL_AGAIN)
            CHECK_INT(rseq, rows[i].rseq);
    }
    gh_rel_in_fini(&in);
    CHECK_INT(in.count, 0);
    gh_rel_in_fini(NULL);
}

static void forks_are_bounded(void)
{
    struct gh_rel_in in = { 0 };
    uint32_t rseq;
    char tag[8];

    for (int i = 0; i < GH_REL_FORKS_MAX; i++) {
        snprintf(tag, sizeof(tag), "f%d", i);
        CHECK_INT(take(&in, 183, tag, REL(1), &rseq), GH_REL_NEW);
    }
    CHECK_INT(take(&in, 183, "more", REL(1), &rseq), GH_REL_DISCARD);
    CHECK_INT(take(&in, 183, "f0", REL(1), &rseq), GH_REL_AGAIN);
    gh_rel_in_fini(&in);
}

/* RFC 3262 section 7.2: RAck: 776656 1 INVITE */
static void rack(void)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };
    struct gh_sip_msg *msg = NULL, *none = sip_request("PRACK", "", NULL, NULL);
    struct gh_rack got = { 0 };

    gh_sip_out_request(&out, GH_SPAN("PRACK"), GH_SPAN("sip:a@b"));
    gh_sip_out_via(&out, "TLS", GH_SPAN("us"), 0, GH_SPAN("z9hG4bK1"));
    gh_sip_out_addr(&out, "From", GH_SPAN(""), GH_SPAN("sip:a@b"), GH_SPAN("1"));
    gh_sip_out_addr(&out, "To", GH_SPAN(""), GH_SPAN("sip:c@d"), GH_SPAN("2"));
    gh_sip_out_hdr(&out, "Call-ID", GH_SPAN("x"));
    gh_sip_out_hdr(&out, "CSeq", GH_SPAN("2 PRACK"));
    gh_rel_rack(&out, 776656, 1);
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&octets), GH_SIP_STREAM, NULL), 0);
    CHECK_OR_STOP(msg != NULL);
    CHECK_SPAN(gh_sip_msg_value(msg, GH_SIP_HDR_RACK), "776656 1 INVITE");
    CHECK_INT(gh_rel_rack_of(msg, &got), 0);
    CHECK(got.rseq == 776656 && got.cseq == 1);
    CHECK_SPAN(got.method, "INVITE");
    CHECK_INT(gh_rel_rack_of(none, &got), GH_ESYNTAX);
    gh_buf_fini(&octets);
    gh_sip_msg_unref(msg);
    gh_sip_msg_unref(none);
}

/* ---- as UAS ---- */

struct uas {
    struct txn_rig rig;
    struct gh_rel_out *out;
    int expired;
    bool free_when_expired;
};

static void on_expired(void *arg, struct gh_rel_out *out, uint64_t now_ms)
{
    struct uas *uas = arg;

    CHECK(out == uas->out);
    CHECK_INT(now_ms, uas->rig.now_ms);
    uas->expired++;
    if (!uas->free_when_expired)
        return;
    gh_rel_out_free(uas->out);
    uas->out = NULL;
}

static void uas_init(struct uas *uas, bool reliable)
{
    const struct gh_rel_user user = { uas, on_expired };

    *uas = (struct uas){ 0 };
    rig_init(&uas->rig, NULL);
    rig_request(&uas->rig, TRUNK_A, CONN_A, reliable, "INVITE", "1", "");
    CHECK_INT(gh_rel_out_new(&uas->out, &uas->rig.timers, uas->rig.server, &user), 0);
    LOG(&uas->rig, "request:INVITE >100");
}

static void uas_fini(struct uas *uas)
{
    gh_rel_out_free(uas->out);
    rig_fini(&uas->rig);
}

/* A reliable 183.  @body  NULL: none */
static struct gh_buf provisional(const struct uas *uas, int status, const char *body)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    gh_sip_out_reply(&out, gh_txn_request(uas->rig.server), status, GH_SPAN(""), GH_SPAN("ours"));
    gh_rel_out_headers(uas->out, &out);
    gh_sip_out_hdr(&out, "Contact", GH_SPAN("<sip:us>"));
    if (gh_sip_out_finish(&out, body ? "application/sdp" : NULL, gh_span_str(body ? body : ""),
                          &octets))
        abort();
    return octets;
}

static int send_one(struct uas *uas, const char *body, uint32_t far_rseq)
{
    struct gh_rel_origin origin = { uas, far_rseq };
    struct gh_buf octets = provisional(uas, 183, body);
    int err = gh_rel_out_send(uas->out, &octets, &origin, uas->rig.now_ms);

    CHECK(octets.p == NULL);
    return err;
}

/* RSeq of the last octets that were sent; 0: none. */
static uint32_t sent_rseq(struct uas *uas)
{
    struct gh_sip_msg *msg = NULL;
    uint32_t rseq = 0;

    if (sip_parse_exact(&msg, gh_buf_span(&uas->rig.sent), GH_SIP_STREAM, NULL))
        abort();
    CHECK(gh_sip_msg_has_token(msg, GH_SIP_HDR_REQUIRE, "100rel"));
    gh_sip_rseq_parse(gh_sip_msg_value(msg, GH_SIP_HDR_RSEQ), &rseq);
    gh_sip_msg_unref(msg);
    return rseq;
}

/* @return what gh_rel_out_prack says; *far gets the RSeq of the origin */
static int prack(struct uas *uas, uint32_t rseq, uint32_t cseq, const char *method, uint32_t *far)
{
    struct gh_rel_origin origin = { 0 };
    struct gh_buf header = { 0 };
    struct gh_sip_msg *msg;
    int err;

    gh_buf_fmt(&header, "RAck: %u %u %s\n%c", rseq, cseq, method, 0);
    msg = sip_request("PRACK", header.p, NULL, NULL);
    if (!msg)
        abort();
    err = gh_rel_out_prack(uas->out, msg, &origin, uas->rig.now_ms);
    CHECK(err || origin.fork == uas);
    if (far)
        *far = origin.rseq;
    gh_sip_msg_unref(msg);
    gh_buf_fini(&header);
    return err;
}

/* T1, 2 T1, 4 T1 ... without the T2 of other timers, on streams as on UDP; then the event. */
static void repeated_until_the_end(void)
{
    for (int reliable = 0; reliable < 2; reliable++) {
        struct uas uas;

        uas_init(&uas, reliable);
        CHECK_INT(send_one(&uas, NULL, 1), 0);
        LOG(&uas.rig, ">183");
        rig_pass(&uas.rig, 499);
        LOG(&uas.rig, "");
        rig_pass(&uas.rig, 1);
        LOG(&uas.rig, ">183"); /* 0.5 s */
        rig_pass(&uas.rig, 999);
        LOG(&uas.rig, "");
        rig_pass(&uas.rig, 1);
        LOG(&uas.rig, ">183"); /* 1.5 s */
        rig_pass(&uas.rig, 2000 + 4000);
        LOG(&uas.rig, ">183 >183"); /* 3.5 and 7.5 s */
        rig_pass(&uas.rig, 7999);
        LOG(&uas.rig, "");
        rig_pass(&uas.rig, 1 + 16000);
        LOG(&uas.rig, ">183 >183"); /* 15.5 and 31.5 s */
        rig_pass(&uas.rig, 499);
        CHECK_INT(uas.expired, 0);
        rig_pass(&uas.rig, 1);
        CHECK_INT(uas.expired, 1); /* 64*T1 */
        rig_pass(&uas.rig, 10 * GH_TXN_TIMEOUT_MS);
        CHECK_INT(uas.expired, 1);
        LOG(&uas.rig, "");
        CHECK_INT(send_one(&uas, NULL, 2), GH_ESTATE);
        /* The INVITE is the user's to reject. */
        CHECK_INT(gh_txn_state(uas.rig.server), GH_TXN_PROCEEDING);
        uas_fini(&uas);
    }
}

static void freed_when_expired(void)
{
    struct uas uas;

    uas_init(&uas, true);
    uas.free_when_expired = true;
    CHECK_INT(send_one(&uas, NULL, 1), 0);
    rig_pass(&uas.rig, GH_TXN_TIMEOUT_MS);
    CHECK_INT(uas.expired, 1);
    CHECK(uas.out == NULL);
    uas_fini(&uas);
}

static void acknowledged(void)
{
    uint32_t first, far = 0;
    struct uas uas;

    uas_init(&uas, true);
    CHECK_INT(send_one(&uas, "v=0\r\n", 41), 0);
    first = sent_rseq(&uas);
    CHECK(first >= 1 && first <= INT32_MAX);
    CHECK_INT(gh_rel_out_due(uas.out), 1);
    /* All three must fit (section 3). */
    CHECK_INT(prack(&uas, first + 1, 7, "INVITE", NULL), GH_ENOTFOUND);
    CHECK_INT(prack(&uas, first, 8, "INVITE", NULL), GH_ENOTFOUND);
    CHECK_INT(prack(&uas, first, 7, "UPDATE", NULL), GH_ENOTFOUND);
    CHECK_INT(gh_rel_out_due(uas.out), 1);
    CHECK_INT(prack(&uas, first, 7, "INVITE", &far), 0);
    CHECK_INT(far, 41);
    CHECK_INT(gh_rel_out_due(uas.out), 0);
    CHECK_INT(prack(&uas, first, 7, "INVITE", NULL), GH_ENOTFOUND); /* a second PRACK: 481 */
    rig_log(&uas.rig);
    rig_pass(&uas.rig, 2 * GH_TXN_TIMEOUT_MS);
    LOG(&uas.rig, "");
    CHECK_INT(uas.expired, 0);
    /* The next has the next number, and a clock of its own. */
    CHECK_INT(send_one(&uas, NULL, 42), 0);
    CHECK_INT(sent_rseq(&uas), first + 1);
    rig_pass(&uas.rig, 500);
    LOG(&uas.rig, ">183 >183");
    uas_fini(&uas);
}

/* One at a time, in order; between them what is not reliable passes. */
static void the_next_waits_for_the_prack(void)
{
    uint32_t first, far = 0;
    struct uas uas;

    uas_init(&uas, true);
    CHECK_INT(send_one(&uas, NULL, 1), 0);
    first = sent_rseq(&uas);
    CHECK_INT(send_one(&uas, "v=0\r\n", 2), 0);
    CHECK_INT(send_one(&uas, NULL, 3), 0);
    LOG(&uas.rig, ">183");
    CHECK_INT(rig_respond(&uas.rig, uas.rig.server, gh_txn_request(uas.rig.server), 180), 0);
    rig_pass(&uas.rig, 500);
    LOG(&uas.rig, ">180 >183");
    /* It was not sent, so nobody can acknowledge it. */
    CHECK_INT(prack(&uas, first + 1, 7, "INVITE", NULL), GH_ENOTFOUND);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_INT(sent_rseq(&uas), first + i);
        CHECK_INT(prack(&uas, first + i, 7, "INVITE", &far), 0);
        CHECK_INT(far, i + 1);
        LOG(&uas.rig, ""); /* not from inside */
        rig_pass(&uas.rig, 0);
        LOG(&uas.rig, i < 2 ? ">183" : "");
    }
    CHECK_INT(gh_rel_out_due(uas.out), 0);
    uas_fini(&uas);
}

static void the_queue_is_bounded(void)
{
    struct uas uas;

    uas_init(&uas, true);
    for (uint32_t i = 0; i < GH_REL_QUEUE_MAX; i++)
        CHECK_INT(send_one(&uas, NULL, i), 0);
    CHECK_INT(send_one(&uas, NULL, 99), GH_EFULL);
    CHECK_INT(gh_rel_out_due(uas.out), GH_REL_QUEUE_MAX);
    /* The number of what was refused is free for the next. */
    CHECK_INT(prack(&uas, sent_rseq(&uas), 7, "INVITE", NULL), 0);
    CHECK_INT(send_one(&uas, NULL, 100), 0);
    for (uint32_t i = 0; i < GH_REL_QUEUE_MAX; i++) {
        rig_pass(&uas.rig, 0);
        CHECK_INT(prack(&uas, sent_rseq(&uas), 7, "INVITE", NULL), 0);
    }
    CHECK_INT(gh_rel_out_due(uas.out), 0);
    uas_fini(&uas);
}

/* Section 3: not repeated after the final response, but a late PRACK is still answered 2xx. */
static void after_the_final_response(void)
{
    uint32_t first, far = 0;
    struct uas uas;

    uas_init(&uas, true);
    CHECK_INT(send_one(&uas, NULL, 1), 0);
    first = sent_rseq(&uas);
    CHECK_INT(send_one(&uas, NULL, 2), 0);
    CHECK_INT(rig_respond(&uas.rig, uas.rig.server, gh_txn_request(uas.rig.server), 486), 0);
    gh_rel_out_final(uas.out);
    gh_rel_out_final(uas.out);
    LOG(&uas.rig, ">183 >486");
    CHECK_INT(gh_rel_out_due(uas.out), 1);
    rig_pass(&uas.rig, GH_TXN_TIMEOUT_MS); /* the transaction is gone by then */
    LOG(&uas.rig, "ended:no_ack");
    CHECK_INT(uas.expired, 0);
    CHECK_INT(prack(&uas, first, 7, "INVITE", &far), 0);
    CHECK_INT(far, 1);
    CHECK_INT(prack(&uas, first + 1, 7, "INVITE", NULL), GH_ENOTFOUND);
    rig_pass(&uas.rig, GH_TXN_TIMEOUT_MS);
    uas_fini(&uas);
}

/* A user that forgot to say so: nothing is sent after a final response. */
static void a_final_response_is_noticed(void)
{
    struct gh_rel_origin origin = { 0 };
    struct gh_buf late;
    struct uas uas;

    uas_init(&uas, true);
    CHECK_INT(send_one(&uas, NULL, 1), 0);
    late = provisional(&uas, 183, NULL);
    rig_respond(&uas.rig, uas.rig.server, gh_txn_request(uas.rig.server), 486);
    CHECK_INT(gh_rel_out_send(uas.out, &late, &origin, uas.rig.now_ms), GH_ESTATE);
    CHECK(late.p == NULL);
    rig_pass(&uas.rig, GH_TXN_TIMEOUT_MS - 1);
    LOG(&uas.rig, ">183 >486");
    CHECK_INT(uas.expired, 0);
    uas_fini(&uas);
}

static void what_does_not_arrive_is_repeated(void)
{
    struct uas uas;

    uas_init(&uas, true);
    uas.rig.send_err = GH_ECLOSED;
    CHECK_INT(send_one(&uas, NULL, 1), 0);
    LOG(&uas.rig, ">183!");
    uas.rig.send_err = 0;
    rig_pass(&uas.rig, 500);
    LOG(&uas.rig, ">183");
    uas_fini(&uas);
}

static void what_may_not_be_sent(void)
{
    struct gh_rel_origin origin = { 0 };
    struct gh_sip_msg *other = sip_request("INVITE", "", NULL, NULL);
    const struct gh_rel_user user = { NULL, on_expired };
    struct gh_sip_out out = { 0 };
    struct gh_rel_out *none = NULL;
    struct gh_buf octets;
    struct gh_txn *txn;
    struct uas uas;

    uas_init(&uas, true);
    for (int i = 0; i < 6; i++) {
        const struct gh_sip_msg *request = i == 0 ? other : gh_txn_request(uas.rig.server);

        octets = (struct gh_buf){ 0 };
        gh_sip_out_reply(&out, request, i == 1 ? 200 : i == 2 ? 100 : 183, GH_SPAN(""),
                         GH_SPAN("ours"));
        if (i == 3)
            gh_sip_out_hdr(&out, "Require", GH_SPAN("100rel")); /* no RSeq */
        else if (i != 4)
            gh_rel_out_headers(uas.out, &out);
        if (i == 5) /* what no leg may bring */
            gh_sip_out_hdr(&out, "Content-Encoding", GH_SPAN("gzip"));
        CHECK_INT(gh_sip_out_finish(&out, i == 5 ? "application/sdp" : NULL,
                                    i == 5 ? GH_SPAN("x") : GH_SPAN(""), &octets), 0);
        CHECK_INT(gh_rel_out_send(uas.out, &octets, &origin, uas.rig.now_ms), GH_EINVAL);
        CHECK(octets.p == NULL);
    }
    octets = (struct gh_buf){ 0 };
    gh_buf_str(&octets, "SIP/2.0 183\r\n\r\n");
    CHECK_INT(gh_rel_out_send(uas.out, &octets, &origin, uas.rig.now_ms), GH_ESYNTAX);
    /* The same number twice. */
    octets = provisional(&uas, 183, NULL);
    CHECK_INT(send_one(&uas, NULL, 1), 0);
    CHECK_INT(gh_rel_out_send(uas.out, &octets, &origin, uas.rig.now_ms), GH_EINVAL);
    LOG(&uas.rig, ">183");
    CHECK_INT(gh_rel_out_due(uas.out), 1);
    CHECK_INT(gh_rel_out_prack(uas.out, other, NULL, uas.rig.now_ms), GH_ESYNTAX);
    /* For an INVITE of a neighbour alone. */
    txn = rig_send(&uas.rig, TRUNK_A, CONN_A, true, "INVITE", "2", NULL);
    CHECK_INT(gh_rel_out_new(&none, &uas.rig.timers, txn, &user), GH_EINVAL);
    rig_request(&uas.rig, TRUNK_A, CONN_A, true, "OPTIONS", "3", "");
    CHECK_INT(gh_rel_out_new(&none, &uas.rig.timers, uas.rig.server, &user), GH_EINVAL);
    CHECK(none == NULL);
    gh_rel_out_free(NULL);
    gh_sip_msg_unref(other);
    uas_fini(&uas);
}

/* Two early dialogs of one INVITE: each has numbers and a PRACK of its own. */
static void two_early_dialogs(void)
{
    struct gh_rel_out *other = NULL, *mine;
    uint32_t first, second, far = 0;
    struct uas uas;

    uas_init(&uas, true);
    CHECK_INT(gh_rel_out_new(&other, &uas.rig.timers, uas.rig.server,
                             &(struct gh_rel_user){ &uas, on_expired }), 0);
    CHECK_INT(send_one(&uas, NULL, 1), 0);
    first = sent_rseq(&uas);
    mine = uas.out;
    uas.out = other;
    CHECK_INT(send_one(&uas, NULL, 9), 0);
    second = sent_rseq(&uas);
    LOG(&uas.rig, ">183 >183"); /* neither waits for the other */
    CHECK(first != second);     /* drawn: equal once in 2^31 */
    CHECK_INT(prack(&uas, first, 7, "INVITE", NULL), GH_ENOTFOUND);
    CHECK_INT(prack(&uas, second, 7, "INVITE", &far), 0);
    CHECK_INT(far, 9);
    rig_pass(&uas.rig, 500);
    LOG(&uas.rig, ">183");
    CHECK_INT(sent_rseq(&uas), first);
    gh_rel_out_free(mine);
    uas_fini(&uas);
}

/* A retransmission of the INVITE gets the response that was sent last, whatever it was. */
static void the_invite_comes_again(void)
{
    struct uas uas;

    uas_init(&uas, false);
    CHECK_INT(send_one(&uas, NULL, 1), 0);
    rig_request(&uas.rig, TRUNK_A, CONN_A, false, "INVITE", "1", "");
    LOG(&uas.rig, ">183 >183");
    CHECK(sent_rseq(&uas) != 0);
    uas_fini(&uas);
}

/* The gate on departure is told what the octets carry, each time. */
static void carriers_each_time(void)
{
    static const char keyed[] = "v=0\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 "
                                "AES_CM_128_HMAC_SHA1_80 inline:"
                                "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
    struct uas uas;

    uas_init(&uas, true);
    CHECK_INT(send_one(&uas, keyed, 1), 0);
    rig_pass(&uas.rig, 500);
    LOG(&uas.rig, ">183+2 >183+2");
    uas_fini(&uas);
}

#if GH_ALLOC_CAN_FAIL
static void without_memory(void)
{
    for (long n = 1;; n++) {
        struct gh_rel_origin origin = { 0 };
        struct gh_buf octets;
        struct gh_rel_in in = { 0 };
        struct gh_sip_msg *msg = response(183, "t", REL(5));
        enum gh_rel_arrival arrival;
        struct uas uas;
        uint32_t rseq;
        bool failed;
        int err;

        uas_init(&uas, true);
        uas.rig.quiet = true;
        gh_rel_out_free(uas.out);
        uas.out = NULL;
        alloc_fail_at(n);
        arrival = gh_rel_in_take(&in, msg, &rseq);
        err = gh_rel_out_new(&uas.out, &uas.rig.timers, uas.rig.server,
                             &(struct gh_rel_user){ &uas, on_expired });
        failed = alloc_failed();
        CHECK(failed || (arrival == GH_REL_NEW && !err));
        CHECK(err == 0 || err == GH_ENOMEM || err == GH_ECRYPTO);
        CHECK(!err == !!uas.out);
        CHECK(arrival == GH_REL_NEW || gh_rel_in_take(&in, msg, &rseq) == GH_REL_NEW);
        if (uas.out) {
            octets = provisional(&uas, 183, "v=0\r\n");
            alloc_fail_at(n);
            err = gh_rel_out_send(uas.out, &octets, &origin, uas.rig.now_ms);
            failed = alloc_failed() || failed;
            CHECK(octets.p == NULL);
            CHECK_INT(gh_rel_out_due(uas.out), err ? 0 : 1);
            /* What was taken is sent, if not now then later. */
            uas.rig.quiet = false;
            rig_pass(&uas.rig, 500);
            LOG(&uas.rig, err ? "" : ">183");
        }
        gh_rel_in_fini(&in);
        gh_sip_msg_unref(msg);
        uas_fini(&uas);
        if (!failed)
            break;
    }
}
#endif

int main(void)
{
    RUN(what_arrives);
    RUN(forks_are_bounded);
    RUN(rack);
    RUN(repeated_until_the_end);
    RUN(freed_when_expired);
    RUN(acknowledged);
    RUN(the_next_waits_for_the_prack);
    RUN(the_queue_is_bounded);
    RUN(after_the_final_response);
    RUN(a_final_response_is_noticed);
    RUN(what_does_not_arrive_is_repeated);
    RUN(what_may_not_be_sent);
    RUN(two_early_dialogs);
    RUN(the_invite_comes_again);
    RUN(carriers_each_time);
#if GH_ALLOC_CAN_FAIL
    RUN(without_memory);
#endif
    return CHECK_REPORT();
}
