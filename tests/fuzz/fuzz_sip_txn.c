/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: transactions.  Each octet is an event: a request, response or ACK of one of two
 * trunks and few branches, some of them long, an answer of ours, time, a lost connection, a user
 * that leaves or forgets.  What must hold: each transaction that its user was given ends exactly
 * once, `send` goes to the trunk that the transaction belongs to, what is kept stays in its bounds,
 * and all is gone in the end. Seeds: none needed.
 */
#include <stdint.h>
#include <stdlib.h>

#include "sip/out.h"
#include "sip/txn.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

#define OPEN_MAX 64
#define OCTETS_MAX 40000 /* kept of one trunk: some twenty short messages, or three long ones */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gh_txn *given[OPEN_MAX]; /* by the table, not ended yet */
static size_t given_count;
static bool refuse_send, forgets;

static void give(struct gh_txn *txn)
{
    REQUIRE(given_count < OPEN_MAX);
    given[given_count++] = txn;
}

static void take(struct gh_txn *txn)
{
    size_t i = 0;

    while (i < given_count && given[i] != txn)
        i++;
    REQUIRE(i < given_count);
    given[i] = given[--given_count];
}

static bool is_given(const struct gh_txn *txn)
{
    for (size_t i = 0; i < given_count; i++) {
        if (given[i] == txn)
            return true;
    }
    return false;
}

static int on_send(void *arg, struct gh_txn *txn, struct gh_buf *octets, unsigned carriers)
{
    struct gh_sip_msg *msg;

    (void)arg, (void)carriers;
    REQUIRE(gh_sip_msg_parse(&msg, gh_buf_span(octets), GH_SIP_STREAM, NULL) == 0);
    /* The trunk is written into the user part of From. */
    REQUIRE(msg->from.uri.user.len == 1 &&
            (uint32_t)(msg->from.uri.user.p[0] - '0') == gh_txn_trunk(txn));
    gh_sip_msg_unref(msg);
    gh_buf_fini(octets);
    return refuse_send ? GH_ECLOSED : 0;
}

static void on_request(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t now_ms)
{
    (void)arg, (void)msg, (void)now_ms;
    give(txn);
    if (!forgets)
        gh_txn_set_user(txn, given);
}

static void on_ack(void *arg, uint32_t trunk, uint64_t conn, struct gh_sip_msg *msg,
                   uint64_t now_ms)
{
    (void)arg, (void)conn, (void)now_ms;
    REQUIRE((uint32_t)(msg->from.uri.user.p[0] - '0') == trunk);
}

static void on_cancelled(void *arg, struct gh_txn *invite, struct gh_sip_msg *cancel,
                         uint64_t now_ms)
{
    (void)arg, (void)now_ms;
    REQUIRE(is_given(invite));
    REQUIRE((uint32_t)(cancel->from.uri.user.p[0] - '0') == gh_txn_trunk(invite));
}

static void on_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    (void)arg, (void)why, (void)now_ms;
    take(txn);
}

static void on_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                        uint64_t now_ms)
{
    (void)arg, (void)conn, (void)now_ms;
    REQUIRE(is_given(txn));
    REQUIRE((uint32_t)(msg->from.uri.user.p[0] - '0') == gh_txn_trunk(txn));
}

static const struct gh_txn_handlers handlers = { NULL,   on_send,      on_request,
                                                 on_ack, on_cancelled, on_ended };
static const struct gh_txn_client client = { NULL, on_response, on_ended };

/* @to_len  octets that To has beside its address */
static struct gh_buf request(const char *host, const char *method, unsigned trunk, unsigned branch,
                             int to_len)
{
    struct gh_buf text = { 0 };

    gh_buf_fmt(&text,
               "%s sip:b@h SIP/2.0\r\nVia: SIP/2.0/TLS %s;branch=z9hG4bK%u\r\nFrom: "
               "<sip:%u@h>;tag=1\r\nTo: \"%*s\" <sip:b@h>\r\n"
               "Call-ID: %u\r\nCSeq: 1 %s\r\nContact: <sip:a@h>\r\nContent-Length: 0\r\n\r\n",
               method, host, branch, trunk, to_len, "", branch, method);
    return text;
}

static struct gh_sip_msg *parsed(struct gh_buf *octets)
{
    struct gh_sip_msg *msg;

    REQUIRE(gh_sip_msg_parse(&msg, gh_buf_span(octets), GH_SIP_STREAM, NULL) == 0);
    gh_buf_fini(octets);
    return msg;
}

static struct gh_buf reply(const struct gh_sip_msg *msg, int status, const char *tag)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    gh_sip_out_reply(&out, msg, status, GH_SPAN(""), gh_span_str(tag));
    REQUIRE(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets) == 0);
    return octets;
}

static const char *const methods[] = { "INVITE", "BYE", "ACK", "CANCEL" };
static const int statuses[] = { 100, 180, 200, 486, 200, 503 };

/* Something of the peer. */
static void arrive(struct gh_txns *txns, unsigned what, unsigned which, int to_len, uint64_t now_ms)
{
    unsigned trunk = 1 + (which & 1), branch = which >> 1 & 1;
    bool reliable = which >> 2 & 1;
    struct gh_buf octets =
        request(what & 4 ? "us" : "peer", methods[what & 3], trunk, branch, to_len);
    struct gh_sip_msg *msg = parsed(&octets);

    if (what & 4) {
        octets = reply(msg, statuses[which % 6], which & 8 ? "x" : "y");
        gh_sip_msg_unref(msg);
        msg = parsed(&octets);
    }
    gh_txns_receive(txns, trunk, which >> 3 & 3, reliable, msg, now_ms);
    gh_sip_msg_unref(msg);
}

/* Something of ours, on one of the transactions at hand. */
static void act(struct gh_txns *txns, unsigned what, unsigned which, uint64_t now_ms)
{
    struct gh_txn *txn = given_count ? given[which % given_count] : NULL;
    struct gh_buf octets;

    if (what == 0 && given_count < OPEN_MAX - 2) {
        unsigned trunk = 1 + (which & 1);

        octets = request("us", methods[which >> 1 & 1], trunk, which >> 2 & 1, 0);
        if (gh_txn_client_new(&txn, txns, trunk, which >> 3 & 3, which & 8, &octets, &client, NULL,
                              now_ms) == 0)
            give(txn);
    } else if (txn && what == 1 && gh_txn_is_server(txn) && gh_txn_request(txn)) {
        octets = reply(gh_txn_request(txn), statuses[which % 6], "ours");
        gh_txn_respond(txn, &octets, now_ms);
    } else if (txn && what == 2) {
        gh_txn_acked(txn);
        gh_txn_cancel(txn, GH_SPAN("SIP;cause=1"), now_ms);
    } else if (txn && what == 3) {
        gh_txn_detach(txn, now_ms);
        take(txn);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Room for an answer, just too little of it, and hardly any. */
    static const int to_lens[] = { 0, 8000, 8120, 8170 };
    static const struct gh_txn_limits limits = { .max_count = 20, .max_per_trunk = 15,
                                                 .max_octets_per_trunk = OCTETS_MAX };
    struct gh_timerq timers = { 0 };
    struct gh_txns *txns;
    uint64_t now_ms = 1000;

    given_count = 0;
    refuse_send = false;
    REQUIRE(gh_txns_new(&txns, &timers, &limits, &handlers) == 0);
    for (size_t i = 0; i + 1 < size && i < 400; i += 2) {
        unsigned event = data[i] & 15, which = data[i + 1];

        forgets = data[i] & 16;
        if (event < 8)
            arrive(txns, event, which, to_lens[data[i] >> 5 & 3], now_ms);
        else if (event < 12)
            act(txns, event - 8, which, now_ms);
        else if (event == 12)
            now_ms += which * 100;
        else if (event == 13)
            gh_txns_conn_lost(txns, which & 3, now_ms);
        else if (event == 14)
            gh_txns_conn_up(txns, 1 + (which & 1), which >> 1 & 3);
        else
            refuse_send = which & 1;
        gh_timerq_run(&timers, now_ms);
        /* Requests of ours are not refused, so they come on top: none is long. */
        REQUIRE(gh_txns_octets(txns, 1) < OCTETS_MAX * 2 && gh_txns_octets(txns, 2) < OCTETS_MAX * 2);
    }
    /* Nobody answers any more: servers of ours are let go, everything else ends by its timers. */
    for (size_t i = given_count; i-- > 0;) {
        struct gh_txn *txn = given[i];

        if (gh_txn_is_server(txn) || gh_txn_method(txn) == GH_SIP_INVITE) {
            gh_txn_detach(txn, now_ms);
            take(txn);
        }
    }
    for (int turn = 0; turn < 200; turn++)
        gh_timerq_run(&timers, now_ms += 1000);
    REQUIRE(given_count == 0);
    REQUIRE(gh_txns_count(txns) == 0);
    REQUIRE(gh_txns_octets(txns, 1) == 0 && gh_txns_octets(txns, 2) == 0);
    gh_txns_free(txns);
    gh_timerq_fini(&timers);
    return 0;
}
