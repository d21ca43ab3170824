/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation fails once: an error comes back, nothing leaks, and no failure reads as "carries
 * no key".  The program starts itself again without the allocator's per-thread cache, whose content
 * would count as memory in use.
 */
#include "support/alloc_fail.h"

#include <malloc.h>
#include <unistd.h>

#include <gatehouse/facts.h>

#include "relay/sip/support_sip.h"
#include "sip/body.h"
#include "sip/dialog.h"
#include "sip/framer.h"
#include "sip/txn.h"
#include "support/check.h"

#if GH_ALLOC_CAN_FAIL

#define LIMIT 500

static struct gh_sip_msg *with_keys(void)
{
    return sip_request("INVITE", "Subject: 100%25\nRecord-Route: <sip:p;lr>,<sip:q;lr>\n",
                       "multipart/mixed;boundary=b1",
                       "--b1\nContent-Type: application/sdp\n\nv=0\no=- 1 1 IN IP4 "
                       "192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
                       "m=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                       "inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk\n"
                       "\n--b1\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n--b1--");
}

static void parsing(void)
{
    struct gh_buf wire = sip_wire(
        "OPTIONS sip:a@b SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: <sip:c@d>;tag=1\n"
        "To: <sip:a@b>\nCall-ID: x\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n");
    long n;

    for (n = 1; n < LIMIT; n++) {
        struct gh_sip_framer framer = { 0 };
        struct gh_sip_framed framed;
        struct gh_sip_msg *msg = NULL;
        bool failed;
        int err, fed;

        alloc_fail_at(n);
        fed = gh_sip_framer_feed(&framer, gh_buf_span(&wire));
        err = gh_sip_framer_next(&framer, &framed) == GH_SIP_FRAME_MESSAGE
                  ? gh_sip_msg_parse(&msg, framed.octets, GH_SIP_STREAM, NULL)
                  : GH_ENOMEM;
        failed = alloc_failed();
        CHECK_INT(err, failed ? GH_ENOMEM : 0);
        if (fed)
            CHECK_INT(framed.reason, GH_REASON_INTERNAL);
        gh_sip_msg_unref(msg);
        gh_sip_framer_fini(&framer);
        if (!failed)
            break;
    }
    CHECK(n >= 4 && n < LIMIT);
    gh_buf_fini(&wire);
}

static void carriers(void)
{
    struct gh_sip_msg *msg = with_keys();
    long n;

    CHECK_OR_STOP(msg != NULL);
    for (n = 1; n < LIMIT; n++) {
        enum gh_reason problem;
        unsigned got;

        alloc_fail_at(n);
        got = gh_sip_carriers(msg, &problem);
        if (!alloc_failed()) {
            CHECK_INT(got, GH_CARRY_SECRET);
            CHECK_INT(problem, GH_REASON_NONE);
            break;
        }
        CHECK_INT(got, GH_CARRY_SECRET | GH_CARRY_FINGERPRINT);
        CHECK_INT(problem, GH_REASON_BODY_OPAQUE);
    }
    CHECK(n >= 5 && n < LIMIT);
    gh_sip_msg_unref(msg);
}

static void writing(void)
{
    struct gh_sip_msg *msg = with_keys();
    long n;

    CHECK_OR_STOP(msg != NULL);
    for (n = 1; n < LIMIT; n++) {
        struct gh_sip_out out = { 0 };
        struct gh_buf octets = { 0 };
        bool failed;
        int err;

        alloc_fail_at(n);
        gh_sip_out_reply(&out, msg, 200, GH_SPAN(""), GH_SPAN("t"));
        gh_sip_out_hdr_fmt(&out, "X", "%s", "y");
        err = gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets);
        failed = alloc_failed();
        CHECK_INT(err, failed ? GH_ENOMEM : 0);
        CHECK(!failed || octets.len == 0);
        gh_buf_fini(&octets);
        if (!failed)
            break;
    }
    CHECK(n >= 2 && n < LIMIT);
    gh_sip_msg_unref(msg);
}

static void dialogs(void)
{
    struct gh_sip_msg *msg = with_keys();
    long n;

    CHECK_OR_STOP(msg != NULL);
    for (n = 1; n < LIMIT; n++) {
        struct gh_dialogs *table = NULL;
        struct gh_dialog *dialog = NULL;
        bool failed;
        int err;

        alloc_fail_at(n);
        err = gh_dialogs_new(&table);
        if (!err)
            err = gh_dialog_new_uas(&dialog, 1, msg, GH_SPAN("t"));
        if (!err)
            err = gh_dialogs_add(table, dialog);
        if (!err)
            err = gh_dialog_refresh(dialog, msg);
        failed = alloc_failed();
        CHECK_INT(err, failed ? GH_ENOMEM : 0);
        gh_dialog_free(dialog);
        gh_dialogs_free(table);
        if (!failed)
            break;
    }
    CHECK(n >= 6 && n < LIMIT);
    gh_sip_msg_unref(msg);
}

/* ---- transactions: whatever fails, each that was given out ends exactly once ---- */

static int sent, requests, ended;

static int on_send(void *arg, struct gh_txn *txn, struct gh_buf *octets, unsigned carriers)
{
    (void)arg, (void)txn, (void)carriers;
    sent++;
    gh_buf_fini(octets);
    return 0;
}

static void on_request(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t now_ms)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    (void)arg;
    requests++;
    gh_sip_out_reply(&out, msg, 486, GH_SPAN(""), GH_SPAN("t"));
    gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets);
    if (gh_txn_respond(txn, &octets, now_ms))
        gh_txn_detach(txn, now_ms);
}

static void on_ack(void *arg, uint32_t trunk, uint64_t conn, struct gh_sip_msg *msg,
                   uint64_t now_ms)
{
    (void)arg, (void)trunk, (void)conn, (void)msg, (void)now_ms;
}

static void on_cancelled(void *arg, struct gh_txn *invite, struct gh_sip_msg *cancel,
                         uint64_t now_ms)
{
    (void)arg, (void)invite, (void)cancel, (void)now_ms;
}

static void on_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    (void)arg, (void)txn, (void)why, (void)now_ms;
    ended++;
}

static void on_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                        uint64_t now_ms)
{
    (void)arg, (void)txn, (void)msg, (void)conn, (void)now_ms;
}

static void transactions(void)
{
    static const struct gh_txn_handlers handlers = { NULL,   on_send,      on_request,
                                                     on_ack, on_cancelled, on_ended };
    static const struct gh_txn_client client = { NULL, on_response, on_ended };
    struct gh_sip_msg *msg = with_keys();
    struct gh_buf wire = sip_wire(
        "OPTIONS sip:a@b SIP/2.0\nVia: SIP/2.0/UDP us;branch=z9hG4bKc\nFrom: <sip:c@d>;tag=1\n"
        "To: <sip:a@b>\nCall-ID: x\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n");
    long n;

    CHECK_OR_STOP(msg != NULL);
    for (n = 1; n < LIMIT; n++) {
        struct gh_timerq timers = { 0 };
        struct gh_txns *txns = NULL;
        struct gh_buf octets = { 0 };
        struct gh_txn *txn = NULL;
        bool failed;
        int err;

        gh_buf_add(&octets, gh_buf_span(&wire));
        sent = requests = ended = 0;
        alloc_fail_at(n);
        err = gh_txns_new(&txns, &timers, NULL, &handlers);
        if (!err) {
            gh_txns_receive(txns, 1, 0, false, msg, 0);
            err = gh_txn_client_new(&txn, txns, 1, 0, false, &octets, &client, NULL, 0);
            CHECK(!err == !!txn);
            CHECK_INT(octets.len, 0);
        }
        failed = alloc_failed();
        if (txns) {
            gh_timerq_run(&timers, 1);
            for (uint64_t now = 100; now <= 100000; now += 100)
                gh_timerq_run(&timers, now);
            CHECK_INT(gh_txns_count(txns), 0);
            CHECK(ended <= requests + (txn ? 1 : 0));
            CHECK(ended >= (txn ? 1 : 0));
        }
        gh_txns_free(txns);
        gh_timerq_fini(&timers);
        gh_buf_fini(&octets);
        if (!failed) {
            CHECK_INT(ended, 2);
            CHECK(sent > 10);
            break;
        }
    }
    CHECK(n >= 15 && n < LIMIT);
    gh_buf_fini(&wire);
    gh_sip_msg_unref(msg);
}

/* ---- two forks of an INVITE: what failed works when it comes again ---- */

static int reported;

static void on_2xx(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                   uint64_t now_ms)
{
    struct gh_dialog *dialog = NULL;

    (void)arg, (void)conn, (void)now_ms;
    reported++;
    if (CHECK(gh_txn_request(txn) != NULL))
        gh_dialog_new_uac(&dialog, 1, gh_txn_request(txn), msg);
    gh_dialog_free(dialog);
}

#define NAMES(to) "From: <sip:c@d>;tag=1\nTo: <sip:a@b>" to "\nCall-ID: x\nContent-Length: 0\n"

static struct gh_sip_msg *answer_of(const char *text)
{
    struct gh_buf wire = sip_wire(text);
    struct gh_sip_msg *msg = NULL;

    gh_sip_msg_parse(&msg, gh_buf_span(&wire), GH_SIP_STREAM, NULL);
    gh_buf_fini(&wire);
    return msg;
}

static int acknowledge(struct gh_txn *txn, const char *text)
{
    struct gh_buf octets = sip_wire(text);

    return gh_txn_ack_2xx(txn, &octets);
}

static void forks(void)
{
    static const struct gh_txn_handlers handlers = { NULL,   on_send,      on_request,
                                                     on_ack, on_cancelled, on_ended };
    static const struct gh_txn_client client = { NULL, on_2xx, on_ended };
    static const char *const acks[] = {
        "ACK sip:a@b SIP/2.0\nVia: SIP/2.0/TLS us;branch=z9hG4bKa\nCSeq: 1 ACK\n"
        NAMES(";tag=t1") "\n",
        "ACK sip:a@b SIP/2.0\nVia: SIP/2.0/TLS us;branch=z9hG4bKb\nCSeq: 1 ACK\n"
        NAMES(";tag=t2") "\n",
    };
    struct gh_sip_msg *answers[] = {
        answer_of("SIP/2.0 200 OK\nVia: SIP/2.0/TLS us;branch=z9hG4bKc\nCSeq: 1 INVITE\n"
                  "Contact: <sip:a@h1>\n" NAMES(";tag=t1") "\n"),
        answer_of("SIP/2.0 200 OK\nVia: SIP/2.0/TLS us;branch=z9hG4bKc\nCSeq: 1 INVITE\n"
                  "Contact: <sip:a@h2>\n" NAMES(";tag=t2") "\n"),
    };
    long n;

    for (n = 1; n < LIMIT; n++) {
        struct gh_buf octets = sip_wire("INVITE sip:a@b SIP/2.0\n"
                                        "Via: SIP/2.0/TLS us;branch=z9hG4bKc\n"
                                        "CSeq: 1 INVITE\nContact: <sip:c@us>\n" NAMES("") "\n");
        struct gh_timerq timers = { 0 };
        struct gh_txns *txns = NULL;
        struct gh_txn *txn = NULL;
        bool failed;

        sent = reported = ended = 0;
        CHECK_OR_STOP(answers[0] && answers[1]);
        CHECK_INT(gh_txns_new(&txns, &timers, NULL, &handlers), 0);
        CHECK_INT(gh_txn_client_new(&txn, txns, 1, 1, true, &octets, &client, NULL, 0), 0);
        alloc_fail_at(n);
        for (size_t i = 0; i < 2; i++) {
            gh_txns_receive(txns, 1, 1, true, answers[i], 0);
            acknowledge(txn, acks[i]);
        }
        failed = alloc_failed();
        for (size_t i = 0; i < 2; i++) {
            CHECK_INT(gh_txns_receive(txns, 1, 1, true, answers[i], 0), 0);
            CHECK_INT(acknowledge(txn, acks[i]), 0);
        }
        CHECK_INT(reported, 2); /* each once, at the first or the second time */
        CHECK(sent >= 3);
        gh_timerq_run(&timers, GH_TXN_TIMEOUT_MS);
        CHECK_INT(ended, 1);
        gh_txns_free(txns);
        gh_timerq_fini(&timers);
        if (!failed)
            break;
    }
    CHECK(n >= 15 && n < LIMIT);
    gh_sip_msg_unref(answers[0]);
    gh_sip_msg_unref(answers[1]);
}

/* Once to fill caches, OpenSSL's too; a second time nothing may stay behind. */
static void nothing_leaks(void)
{
    static void (*const all[])(void) = { parsing, carriers, writing, dialogs, transactions,
                                          forks };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        size_t before;

        all[i]();
        before = mallinfo2().uordblks;
        all[i]();
        CHECK_INT(mallinfo2().uordblks, before);
    }
}
#endif

int main(void)
{
#if GH_ALLOC_CAN_FAIL
    if (!getenv("GLIBC_TUNABLES")) {
        setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
        execl("/proc/self/exe", "test_alloc", (char *)NULL);
        return EXIT_FAILURE;
    }
    RUN(parsing);
    RUN(carriers);
    RUN(writing);
    RUN(dialogs);
    RUN(transactions);
    RUN(forks);
    RUN(nothing_leaks);
    return CHECK_REPORT();
#else
    printf("no allocation can be made to fail under a sanitizer\n");
    return EXIT_SUCCESS;
#endif
}
