/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP keys in messages that end before call/ sees them: broken ones, those of strangers, those
 * that never became whole.  They crossed the wire, so the record says so; RFC 4568 section 8.3.
 */
#include "support_trunk.h"

#include <unistd.h>

#define US                                                                                         \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [peer.example.net], "       \
    "destinations: [\"@2:5061\"], srtp: required}\n"                                               \
    "  LAB: {security_profile: open, listener: lab, peer_addresses: [@2], srtp: allowed}\n"
#define NEIGHBOUR                                                                                  \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [border.example.net], "     \
    "destinations: [\"@1:5061\"], srtp: required}\n"                                               \
    "  LAB: {security_profile: open, listener: lab, destinations: [\"@1:5060\"], source: @2, "     \
    "srtp: allowed}\n"                                                                             \
    "  ELSEWHERE: {security_profile: open, listener: lab, destinations: [\"@1:5060\"], "           \
    "source: @3, peer_addresses: [@9], srtp: allowed}\n"

#define KEY "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk"
#define KEY_BASE64 "UVVKRFJFVkdSMGhKU2t0TVRVNVBVRkZTVTFSVlZsZFlXVnBoWW1Oaw" /* of KEY */
#define SDP(lines)                                                                                 \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"                   \
    "m=audio 4000 RTP/SAVP 0\r\n" lines
#define KEYED SDP("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY "\r\n")
#define PLAIN SDP("a=sendrecv\r\n")
#define BROKEN "Max-Forwards: many\r\n"

/* What is sent, on which trunk of the neighbour's, and what the record must say. */
struct row {
    const char *what, *trunk;
    /* headers: more of them; body NULL: there is no end at all */
    const char *start, *headers, *body;
    const char *reason, *mark;          /* NULL reason: nothing is on record; NULL mark: none */
    int status;                         /* of the answer; 0: none comes */
};

static struct node us, peer;

static const char invite[] = "INVITE sip:9898@192.0.2.9 SIP/2.0";

static void build(struct gh_buf *out, const struct row *row, size_t promised)
{
    gh_buf_fmt(out, "%s\r\nVia: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1\r\n", row->start);
    gh_buf_str(out, "From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:9898@192.0.2.9>\r\nCall-ID: 1\r\n");
    gh_buf_fmt(out, "CSeq: 1 %s\r\nContact: <sip:a@192.0.2.1>\r\n%s",
               strncmp(row->start, "FROB", 4) == 0 ? "FROB" : "INVITE", row->headers);
    if (row->body && strstr(row->headers, "Content-Type") == NULL)
        gh_buf_str(out, "Content-Type: application/sdp\r\n");
    if (promised != SIZE_MAX)
        gh_buf_fmt(out, "Content-Length: %zu\r\n", promised);
    gh_buf_fmt(out, "\r\n%s", row->body ? row->body : "");
}

static void say(struct wish *w, const char *trunk, struct gh_buf *octets)
{
    if (!w->papers) {
        wish(w, &peer, trunk, 0);
        turn_until(w->calls);
    }
    CHECK_OR_STOP(w->papers != NULL);
    CHECK_INT(gh_trunk_send(peer.trunks, w->papers, octets), 0);
}

static void open_both(const struct gh_pki_cert *cert)
{
    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&peer, "peer", 2, cert, NEIGHBOUR, NULL);
}

/* Records of refused messages; that of a refused connection has no detail. */
static int told(const char *what)
{
    return ledger_lines(&us, "\"detail\":", what);
}

/* Waits for the end of the record: no more of it can come. */
static void close_and_check(const char *reason, const char *mark)
{
    char want[96];

    node_close(&peer);
    node_close(&us);
    world_end();
    CHECK_INT(us.exposed, mark != NULL);
    CHECK_INT(told(""), reason != NULL);
    if (!reason)
        return;
    snprintf(want, sizeof(want), "\"reason\":\"%s\"", reason);
    CHECK_INT(told(want), 1);
    snprintf(want, sizeof(want), mark ? "\"marks\":[\"%s\"]" : "\"marks\":[]", mark);
    CHECK_INT(told(want), 1);
    CHECK_INT(ledger_lines(&us, "", KEY) + ledger_lines(&us, "", KEY_BASE64), 0);
    CHECK_INT(ledger_lines(&us, "", "inline"), 0);
}

static const struct row rows[] = {
    { "a broken header", "LAB", invite, BROKEN, KEYED, "bad_message", "key_over_clear_signalling",
      400 },
    { "the same without a key", "LAB", invite, BROKEN, PLAIN, "bad_message", NULL, 400 },
    { "a fingerprint is no key", "LAB", invite, BROKEN, SDP("a=fingerprint:sha-256 AB:CD\r\n"),
      "bad_message", NULL, 400 },
    { "over proven TLS it is no exposure", "PEER", invite, BROKEN, KEYED, "bad_message", NULL,
      400 },
    { "a method nobody knows", "LAB", "FROB sip:9898@192.0.2.9 SIP/2.0", BROKEN, KEYED,
      "bad_message", "key_over_clear_signalling", 400 },
    { "in a header: no answer brings it back", "LAB", invite,
      BROKEN "Subject: a=crypto:1 x inline:" KEY "\r\n", PLAIN, "bad_message",
      "key_over_clear_signalling", 400 },
    { "in a line that is no header", "LAB", invite, "(inline:" KEY "\r\n", PLAIN, "bad_message",
      "key_over_clear_signalling", 400 },
    { "no request at all", "LAB", "SIP/2.0 200 OK", BROKEN, KEYED, "bad_message",
      "key_over_clear_signalling", 0 },

    { "a stranger's", "ELSEWHERE", invite, "", KEYED, "no_trunk_for_address",
      "key_over_clear_signalling", 403 },
    { "a stranger's without a key", "ELSEWHERE", invite, "", PLAIN, NULL, NULL, 403 },
    { "a stranger's, broken", "ELSEWHERE", invite, BROKEN, KEYED, "bad_message",
      "key_over_clear_signalling", 400 },
    { "a stranger's unknown method", "ELSEWHERE", "FROB sip:9898@192.0.2.9 SIP/2.0", "", KEYED,
      "no_trunk_for_address", "key_over_clear_signalling", 403 },
    { "a stranger's response", "ELSEWHERE", "SIP/2.0 200 OK", "", KEYED, "no_trunk_for_address",
      "key_over_clear_signalling", 0 },
    { "a stranger's, wrapped", "ELSEWHERE", invite,
      "Content-Type: multipart/mixed;boundary=b\r\n",
      "--b\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\n"
      "dj0wDQpvPS0gMSAxIElOIElQNCAxOTIuMC4yLjENCnM9LQ0KYz1JTiBJUDQgMTkyLjAuMi4xDQp0PTAgMA0KbT1h"
      "dWRpbyA0MDAwIFJUUC9TQVZQIDANCmE9Y3J5cHRvOjEgQUVTX0NNXzEyOF9ITUFDX1NIQTFfODAgaW5saW5lOlFV"
      "SkRSRVZHUjBoSlNrdE1UVTVQVUZGU1UxUlZWbGRZV1ZwaFltTmsNCg==\r\n--b--\r\n",
      "no_trunk_for_address", "key_over_clear_signalling", 403 },
    { "a stranger's with TLS", "PEER?", invite, "", KEYED, "no_trunk_for_certificate",
      "key_over_unverified_tls", 403 },
};

static void messages_that_end_early(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        bool mallory = strcmp(row->trunk, "PEER?") == 0;
        bool stranger = mallory || strcmp(row->trunk, "ELSEWHERE") == 0;
        struct gh_buf octets = { 0 };
        struct wish w = { 0 };
        int failed = check_failed_total;

        open_both(mallory ? leaf("mallory", 0) : NULL);
        build(&octets, row, strlen(row->body));
        say(&w, mallory ? "PEER" : row->trunk, &octets);
        if (stranger) {
            turn_until(peer.lost);
        } else {
            octets = options(); /* what is behind it is read, so it itself was done with */
            say(&w, row->trunk, &octets);
            turn_until(us.messages && (!row->status || peer.messages));
        }
        CHECK_INT(us.messages, !stranger);
        CHECK_INT(us.exposed_parsed, row->mark && strcmp(row->reason, "bad_message") != 0);
        CHECK_INT(peer.messages, row->status != 0);
        CHECK_INT(peer.status, row->status);
        wish_end(&w);
        close_and_check(row->reason, row->mark);
        if (check_failed_total != failed)
            fprintf(stderr, "in: %s\n", row->what);
    }
}

/* Where the message ends is in doubt, or it never ends: what came of it is looked at. */
static void messages_without_end(void)
{
    static const struct {
        const char *what, *headers, *body, *mark;
        size_t promised; /* Content-Length; SIZE_MAX: none */
        int status;
        bool lost; /* the framing */
    } ends[] = {
        { "no Content-Length", "", KEYED, "key_over_clear_signalling", SIZE_MAX, 400, true },
        { "no Content-Length, no key", "", PLAIN, NULL, SIZE_MAX, 400, true },
        { "too long a body", "", KEYED, "key_over_clear_signalling", 99999999, 513, true },
        { "a lone CR", "X: \r\r\n", KEYED, "key_over_clear_signalling", 0, 0, true },
        { "cut off", "", KEYED, "key_over_clear_signalling", sizeof(KEYED) + 9, 0, false },
        { "cut off, no key", "", PLAIN, NULL, sizeof(KEYED) + 9, 0, false },
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct row row = { .start = invite, .headers = ends[i].headers, .body = ends[i].body };
        bool record = ends[i].lost || ends[i].mark;
        struct gh_buf octets = { 0 };
        struct wish w = { 0 };
        int failed = check_failed_total;

        open_both(NULL);
        octets = options();
        say(&w, "LAB", &octets);
        octets = (struct gh_buf){ 0 };
        build(&octets, &row, ends[i].promised);
        say(&w, "LAB", &octets);
        if (ends[i].lost)
            turn_until(peer.lost && us.lost);
        else
            node_close(&peer); /* what was sent arrives before the end */
        turn_until(us.lost);
        CHECK_INT(us.messages, 1);
        CHECK_INT(peer.status, ends[i].status);
        wish_end(&w);
        close_and_check(record ? (ends[i].status == 513 ? "message_too_large" : "bad_message")
                               : NULL,
                        ends[i].mark);
        if (check_failed_total != failed)
            fprintf(stderr, "in: %s\n", ends[i].what);
    }
}

/* Behind the one message that is read of a stranger. */
static void the_rest_of_a_stranger(void)
{
    struct row row = { .start = invite, .headers = "", .body = KEYED };
    struct gh_buf octets, more = { 0 };
    struct wish w = { 0 };

    open_both(NULL);
    octets = options();
    build(&more, &row, strlen(row.body));
    gh_buf_add(&octets, gh_buf_span(&more));
    gh_buf_fini(&more);
    say(&w, "ELSEWHERE", &octets);
    turn_until(peer.lost && TAILQ_EMPTY(&us.trunks->peers));
    CHECK_INT(peer.messages, 1);
    wish_end(&w);
    close_and_check("bad_message", "key_over_clear_signalling");
}

/* A From with a key is not sent back to where everybody reads; the answer to the next one is. */
static void no_key_in_an_answer(void)
{
    static const char *const users[] = { "inline:" KEY, "%69nline:" KEY, "a" };
    struct gh_buf octets;
    struct wish w = { 0 };

    open_both(NULL);
    for (size_t i = 0; i < 3; i++) {
        octets = (struct gh_buf){ 0 };
        gh_buf_fmt(&octets,
                   "OPTIONS sip:b@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK%zu"
                   "\r\nFrom: <sip:%s@192.0.2.1>;tag=1\r\nTo: <sip:b@192.0.2.9>\r\nCall-ID: 1\r\n"
                   "CSeq: 1 OPTIONS\r\nMax-Forwards: many\r\nContent-Length: 0\r\n\r\n",
                   i, users[i]);
        say(&w, "LAB", &octets);
    }
    turn_until(peer.messages);
    CHECK_INT(peer.messages, 1);
    CHECK_INT(peer.status, 400);
    octets = options();
    say(&w, "LAB", &octets);
    turn_until(us.messages);
    CHECK_INT(peer.messages, 1);
    wish_end(&w);
    node_close(&peer);
    node_close(&us);
    world_end();
    CHECK_INT(ledger_lines(&us, "", KEY), 0);
}

/* Repeats fold, but never one that exposed a key into one that did not. */
static void folding(void)
{
    struct row plain = { .start = invite, .headers = BROKEN, .body = PLAIN };
    struct row keyed = { .start = invite, .headers = BROKEN, .body = KEYED };
    struct gh_buf octets;
    struct wish w = { 0 };

    open_both(NULL);
    for (int i = 0; i < 6; i++) {
        const struct row *row = i % 2 ? &keyed : &plain;

        octets = (struct gh_buf){ 0 };
        build(&octets, row, strlen(row->body));
        say(&w, "LAB", &octets);
    }
    turn_until(peer.messages == 6);
    wish_end(&w);
    node_close(&peer);
    node_close(&us);
    world_end();
    CHECK_INT(told("\"marks\":[]"), 2); /* the first, and one that stands for the others */
    CHECK_INT(told("\"marks\":[\"key_over_clear_signalling\"]"), 2);
    CHECK_INT(ledger_lines(&us, "\"marks\":[\"key_over_clear_signalling\"]", "\"count\":2"), 1);
    CHECK_INT(ledger_lines(&us, "\"marks\":[]", "\"count\":2"), 1);
}

int main(void)
{
    RUN(messages_that_end_early);
    RUN(messages_without_end);
    RUN(the_rest_of_a_stranger);
    RUN(no_key_in_an_answer);
    RUN(folding);
    return CHECK_REPORT();
}
