/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages: rules of headers, CUCM's shapes, truncation, what is answered, ownership. */
#include "sip/framer.h"
#include "sip/msg.h"

#include "relay/sip/support_sip.h"
#include "support/check.h"

/* Shapes of facts on CUCM 9.1, 10.5 and 12.5 trunks: two Supported lines, two blanks, GUID,
 * Session-ID, callinfo. */
static const char cucm_invite[] =
    "INVITE sip:7042@10.1.1.5:5061 SIP/2.0\n"
    "Via: SIP/2.0/TLS 10.1.1.2:5061;branch=z9hG4bK1c5d84a3b9f\n"
    "From: \"Alice Example\" "
    "<sip:1001@10.1.1.2>;tag=4270~26a1d5c3-4d0b-4f0f-9a51-4a6c7e4b1c2f-30837245\n"
    "To: <sip:7042@10.1.1.5>\n"
    "Date: Mon, 02 Mar 2026 09:14:07 GMT\n"
    "Call-ID: 98809500-1-1c5d8-201010a@10.1.1.2\n"
    "Supported: timer,resource-priority,replaces\n"
    "Supported: X-cisco-srtp-fallback,X-cisco-original-called\n"
    "Supported: Geolocation\n"
    "Min-SE:  1800\n"
    "User-Agent: Cisco-CUCM12.5\n"
    "Allow: INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY\n"
    "CSeq: 101 INVITE\n"
    "Expires: 180\n"
    "Allow-Events: presence, kpml\n"
    "Call-Info: <urn:x-cisco-remotecc:callinfo>; security= Encrypted; gci= 1-4270982, "
    "<sip:10.0.2.52:5060>;"
    "method=\"NOTIFY;Event=telephone-event;Duration=500\"\n"
    "Cisco-Guid: 2558761344-0000065536-0000308372-0402827456\n"
    "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000\n"
    "Session-Expires:  1800\n"
    "P-Asserted-Identity: \"Alice Example\" <sip:1001@10.1.1.2>\n"
    "Remote-Party-ID: \"Alice Example\" <sip:1001@10.1.1.2>;party=calling;screen=yes;privacy=off\n"
    "Contact: "
    "<sip:1001@10.1.1.2:5061;transport=tls>;+u.sip!devicename.ccm.cisco.com=\"SEP001122334455\"\n"
    "Max-Forwards: 69\n"
    "Content-Type: application/sdp\n"
    "Content-Length: @\n"
    "\n"
    "v=0\n"
    "o=CiscoSystemsCCM-SIP 4270982 1 IN IP4 10.1.1.2\n"
    "s=SIP Call\n"
    "c=IN IP4 10.1.1.9\n"
    "t=0 0\n"
    "m=audio 24580 RTP/SAVP 9 101\n"
    "a=crypto:1 AEAD_AES_256_GCM "
    "inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWI=\n";

static void cucm_is_understood(void)
{
    struct gh_sip_msg *msg = sip_msg(cucm_invite);
    bool claimed;

    CHECK_OR_STOP(msg != NULL);
    CHECK(msg->request && !msg->bad);
    CHECK_INT(msg->method, GH_SIP_INVITE);
    CHECK_SPAN(msg->uri.user, "7042");
    CHECK_INT(msg->uri.port, 5061);
    CHECK_INT(msg->max_forwards, 69);
    CHECK_INT(msg->hdr_count, 24);
    CHECK_SPAN(msg->hdrs[6].value, "X-cisco-srtp-fallback,X-cisco-original-called");
    CHECK(gh_sip_msg_has_token(msg, GH_SIP_HDR_SUPPORTED, "x-cisco-srtp-fallback"));
    CHECK(gh_sip_msg_has_token(msg, GH_SIP_HDR_SUPPORTED, "geolocation"));
    CHECK(!gh_sip_msg_has_token(msg, GH_SIP_HDR_SUPPORTED, "100rel"));
    CHECK(gh_sip_msg_has_token(msg, GH_SIP_HDR_ALLOW, "UPDATE"));
    CHECK_SPAN(msg->contact.uri.text, "sip:1001@10.1.1.2:5061;transport=tls");
    CHECK_INT(gh_sip_msg_security(msg, &claimed), GH_STATUS_ENCRYPTED);
    CHECK(claimed);
    CHECK(gh_sip_media_type_is(&msg->type, "application", "sdp"));
    CHECK(gh_span_starts(msg->body, GH_SPAN("v=0\r\no=CiscoSystemsCCM-SIP")));
    gh_sip_msg_unref(msg);
}

#define VIA  "Via: SIP/2.0/TLS h;branch=z9hG4bK1\n"
#define REST "From: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCall-ID: x\n"
#define OPT  "OPTIONS sip:a@b SIP/2.0\n" VIA REST "CSeq: 1 OPTIONS\n"
#define INV  "INVITE sip:a@b SIP/2.0\n" VIA REST "CSeq: 1 INVITE\n"
#define END  "Content-Length: 0\n\n"

static const struct {
    const char *text, *fault;
} rules[] = {
    { OPT END, "none" },
    { "SIP/2.0 699 x\n" VIA REST "CSeq: 1 OPTIONS\n" END, "none" },
    { "SIP/2.0 99 x\n" VIA REST "CSeq: 1 OPTIONS\n" END,
      "start line: no status code of 100 to 699 with a blank behind it" },
    { "SIP/2.0 700 x\n" VIA REST "CSeq: 1 OPTIONS\n" END,
      "start line: no status code of 100 to 699 with a blank behind it" },
    { "SIP/2.0 200\n" VIA REST "CSeq: 1 OPTIONS\n" END,
      "start line: no status code of 100 to 699 with a blank behind it" },
    { "SIP/2.0 65736 x\n" VIA REST "CSeq: 1 OPTIONS\n" END,
      "start line: no status code of 100 to 699 with a blank behind it" },
    { "HTTP/1.1 200 OK\n" VIA REST "CSeq: 1 OPTIONS\n" END, "start line: the method is no token" },
    { "sip/2.0 200 OK\n" VIA REST "CSeq: 1 OPTIONS\n" END, "start line: the method is no token" },
    { "OPTIONS sip:a@b sip/2.0\n" VIA REST "CSeq: 1 OPTIONS\n" END,
      "start line: not: method, blank, URI, blank, SIP/2.0" },
    { "OPTIONS sip:a@b\n" VIA REST "CSeq: 1 OPTIONS\n" END,
      "start line: not: method, blank, URI, blank, SIP/2.0" },
    { "OPTIONS sip:a@b SIP/2.0\n" REST "CSeq: 1 OPTIONS\n" END, "Via: missing" },
    { "OPTIONS sip:a@b SIP/2.0\n" VIA "To: <sip:c@d>\nCall-ID: x\nCSeq: 1 OPTIONS\n" END,
      "From: missing" },
    { "OPTIONS sip:a@b SIP/2.0\n" VIA "From: <sip:c@d>;tag=1\nCall-ID: x\nCSeq: 1 OPTIONS\n" END,
      "To: missing" },
    { "OPTIONS sip:a@b SIP/2.0\n" VIA "From: <sip:c@d>;tag=1\nTo: <sip:a@b>\nCSeq: 1 OPTIONS\n" END,
      "Call-ID: missing" },
    { "OPTIONS sip:a@b SIP/2.0\n" VIA REST END, "CSeq: missing" },
    { "OPTIONS sip:a@b SIP/2.0\n" VIA
      "From: <sip:c@d>\nTo: <sip:a@b>\nCall-ID: x\nCSeq: 1 OPTIONS\n" END,
      "From: has no tag" },
    { OPT "f: <sip:x@y>;tag=2\n" END, "From: stands more than once" },
    { OPT "t: <sip:x@y>\n" END, "To: stands more than once" },
    { OPT "i: y\n" END, "Call-ID: stands more than once" },
    { OPT "cseq: 1 OPTIONS\n" END, "CSeq: stands more than once" },
    { OPT "l: 0\n" END, "Content-Length: stands more than once" },
    { OPT "c: text/plain\nContent-Type: application/sdp\n" END,
      "Content-Type: stands more than once" },
    { OPT "Max-Forwards: 1\nMax-Forwards: 1\n" END, "Max-Forwards: stands more than once" },
    { OPT "Session-Expires: 90\nx: 90\n" END, "Session-Expires: stands more than once" },
    { OPT "Faltr: 1\nFaltr: 1\nFabcm: x\nDC-Info: y\n" END, "none" },
    { OPT "\n", "Content-Length: missing" },
    { OPT "Content-Length: 1\n\n", "Content-Length: larger than the body" },
    { OPT "Content-Length: 0\n\nx", "Content-Length: smaller than the body" },
    { OPT "No colon\n" END, "message: a header line has no name, or one that is no token" },
    { OPT ": x\n" END, "message: a header line has no name, or one that is no token" },
    { OPT "Bad Name: x\n" END, "message: a header line has no name, or one that is no token" },
    { OPT "Subject \t : x\n" END, "none" },
    { "OPTIONS sip:a@b SIP/2.0\n fold: of the start line\n" VIA REST "CSeq: 1 OPTIONS\n" END,
      "message: a header line has no name, or one that is no token" },
    { OPT "X-Y: a\x01"
          "b\n" END,
      "message: a control character in a header" },
    { OPT "X-Y: \"a\\\x01\"\n" END, "none" },
    { OPT "X-Y: a\tb\n" END, "none" },
    { INV END, "Contact: missing" },
    { INV "Contact: <sip:a@b>\n" END, "none" },
    { INV "Contact: <sip:a@b>, <sip:c@d>\n" END,
      "Contact: an INVITE has exactly one, a SIP or SIPS URI" },
    { INV "Contact: <sip:a@b>\nm: <sip:c@d>\n" END,
      "Contact: an INVITE has exactly one, a SIP or SIPS URI" },
    { INV "Contact: *\n" END, "Contact: an INVITE has exactly one, a SIP or SIPS URI" },
    { INV "Contact: <mailto:a@b>\n" END, "Contact: an INVITE has exactly one, a SIP or SIPS URI" },
    { INV "Contact:\n" END, "Contact: empty" },
    { OPT "Contact: <sip:a,b@c>, \"x, y\" <sip:d@e>\n" END, "none" },
    { OPT "Route: <sip:p;lr>,<sip:q;lr>\nRoute: <sip:r;lr>\n" END, "none" },
    { OPT "Route: sip:p;lr\n" END, "Route: not a SIP or SIPS URI in <>" },
    { OPT "Record-Route: <tel:1>\n" END, "Record-Route: not a SIP or SIPS URI in <>" },
    { OPT "Require: \n" END, "Require: empty" },
    { OPT "Require: a b\n" END, "Require: not a list of tokens" },
    { OPT "Supported:\nAllow: \n" END, "none" },
    { OPT "Supported: timer,,x\n" END, "Supported: not a comma-separated list" },
    { OPT "RSeq: 0\n" END, "RSeq: not a number of 1 to 2^32-1" },
    { OPT "RAck: 1 OPTIONS\n" END, "RAck: not two numbers and a method" },
    { OPT "Replaces: x;to-tag=1\n" END, "Replaces: not a Call-ID, a to-tag and a from-tag" },
    { OPT "Refer-To: <sip:a@b\n" END, "Refer-To: breaks the grammar" },
    { OPT "Reason: SIP;cause=abc\n" END, "Reason: breaks the grammar" },
    { OPT "Call-Info: urn:x-cisco-remotecc:callinfo;security=Encrypted\n" END,
      "Call-Info: breaks the grammar" },
    { OPT "Content-Encoding: gzip x\n" END, "Content-Encoding: not a list of tokens" },
    { "OPTIONS sip:a@b SIP/2.0\nVia: SIP/2.0/TLS h\n" REST "CSeq: 1 OPTIONS\n" END,
      "Via: the branch does not start with z9hG4bK" },
    { "OPTIONS sip:a@b SIP/2.0\n" VIA "Via: nonsense\n" REST "CSeq: 1 OPTIONS\n" END,
      "Via: breaks the grammar" },
    { "FOO sip:a@b SIP/2.0\n" VIA REST "CSeq: 1 FOO\n" END, "none" },
    { "FOO sip:a@b SIP/2.0\n" VIA REST "CSeq: 1 foo\n" END,
      "CSeq: its method is not that of the request" },
};

static void rule_table(void)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (!CHECK_STR(sip_fault(rules[i].text), rules[i].fault))
            fprintf(stderr, "  row %zu\n", i);
    }
}

static void line_ends(void)
{
    static const char *const bad[] = {
        "OPTIONS sip:a@b SIP/2.0\nVia: x\n\n",
        "OPTIONS sip:a@b SIP/2.0\r\nVia: x\n\r\n",
        "OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\r\n\r\n",
        "OPTIONS sip:a@b SIP/2.0\r\nX: a\rY: b\r\n\r\n",
        "OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n",
        "OPTIONS sip:a@b SIP/2.0",
        "",
        "\r\n",
        "\r\n\r\n",
        "\r",
        "\n",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gh_sip_fault fault = { 0 };
        struct gh_sip_msg *msg;

        CHECK_INT(sip_parse_exact(&msg, gh_span_str(bad[i]), GH_SIP_DATAGRAM, &fault), GH_ESYNTAX);
        CHECK(msg == NULL);
        CHECK_STR(fault.header, "message");
    }
}

static void datagrams(void)
{
    struct gh_buf wire = sip_wire("\n" OPT "Content-Type: text/plain\n\nall of it");
    struct gh_sip_msg *msg;

    CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_DATAGRAM, NULL), 0);
    CHECK_SPAN(msg->body, "all of it");
    gh_sip_msg_unref(msg);
    gh_buf_fini(&wire);
}

static void absent_max_forwards_is_70(void)
{
    struct gh_sip_msg *msg = sip_msg(OPT END);

    CHECK_OR_STOP(msg != NULL);
    CHECK_INT(msg->max_forwards, 70);
    gh_sip_msg_unref(msg);
}

static void too_much(void)
{
    struct gh_buf text = { 0 };
    struct gh_sip_fault fault = { 0 };
    struct gh_sip_msg *msg;

    gh_buf_str(
        &text,
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n");
    for (int i = 6; i < GH_SIP_HEADERS_MAX; i++)
        gh_buf_str(&text, "X-Y: z\r\n");
    gh_buf_str(&text, "\r\n");
    CHECK_INT(gh_sip_msg_parse(&msg, gh_buf_span(&text), GH_SIP_STREAM, NULL), 0);
    CHECK_INT(msg->hdr_count, GH_SIP_HEADERS_MAX);
    gh_sip_msg_unref(msg);
    text.len -= 2;
    gh_buf_str(&text, "X-Y: z\r\n\r\n");
    CHECK_INT(gh_sip_msg_parse(&msg, gh_buf_span(&text), GH_SIP_STREAM, &fault), GH_ELIMIT);
    CHECK_STR(fault.text, "more than 256 headers");
    CHECK_INT(fault.reason, GH_REASON_MESSAGE_TOO_LARGE);
    CHECK(msg && msg->bad);
    gh_sip_msg_unref(msg);
    /* One header of many folds. */
    text.len = 0;
    gh_buf_str(&text, "OPTIONS sip:a@b SIP/2.0\r\nX-Y:");
    for (int i = 0; i < 3000; i++)
        gh_buf_str(&text, "\r\n x");
    gh_buf_str(&text, "\r\n\r\n");
    CHECK_INT(gh_sip_msg_parse(&msg, gh_buf_span(&text), GH_SIP_STREAM, &fault), GH_ELIMIT);
    CHECK_STR(fault.text, "a header is longer than 8192 octets");
    gh_sip_msg_unref(msg);
    gh_buf_fini(&text);
}

/* At each octet the rest is missing: never more than a refusal, and on a stream never a success. */
static void truncation(void)
{
    struct gh_buf wire = sip_wire(cucm_invite);

    for (size_t len = 0; len < wire.len; len++) {
        struct gh_sip_fault fault = { 0 };
        struct gh_sip_msg *msg;

        CHECK_INT(
            sip_parse_exact(&msg, gh_span_head(gh_buf_span(&wire), len), GH_SIP_STREAM, &fault),
            GH_ESYNTAX);
        CHECK(fault.header && fault.text);
        CHECK(!msg || msg->bad);
        gh_sip_msg_unref(msg);
        if (sip_parse_exact(&msg, gh_span_head(gh_buf_span(&wire), len), GH_SIP_DATAGRAM, NULL) ==
            0)
            CHECK(len >= wire.len - 1);
        gh_sip_msg_unref(msg);
    }
    gh_buf_fini(&wire);
}

/* Each octet in turn becomes NUL, CR, LF, quote, bracket ...: whatever is accepted keeps the
 * promise of msg.h. */
static void mutation(void)
{
    static const char evil[] = { 0,   '\r', '\n', '"',    '<',    '>', ',',
                                 ';', ':',  '\\', '\x7f', '\x80', ' ' };
    struct gh_buf wire = sip_wire(cucm_invite);
    long accepted = 0, refused = 0;

    for (size_t at = 0; at < wire.len; at++) {
        char old = wire.p[at];

        for (size_t e = 0; e < sizeof(evil); e++) {
            struct gh_sip_msg *msg;

            wire.p[at] = evil[e];
            if (sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, NULL) == 0) {
                accepted++;
                for (size_t h = 0; h < msg->hdr_count; h++) {
                    struct gh_span v = msg->hdrs[h].value;

                    CHECK(gh_sip_is_token(msg->hdrs[h].name));
                    CHECK(gh_span_find(v, '\r') == v.len && gh_span_find(v, '\n') == v.len &&
                          gh_span_find(v, 0) == v.len);
                }
            } else {
                refused++;
            }
            gh_sip_msg_unref(msg);
        }
        wire.p[at] = old;
    }
    CHECK(accepted > 1000);
    CHECK(refused > 1000);
    gh_buf_fini(&wire);
}

static void who_is_answered(void)
{
    static const struct {
        const char *text;
        bool answered;
    } rows[] = {
        { OPT "Max-Forwards: x\n" END, true },
        { "OPTIONS <sip:a@b> SIP/2.0\n" VIA REST "CSeq: 1 OPTIONS\n" END, true },
        { "OPTIONS sip:a@b SIP/3.0\n" VIA REST "CSeq: 1 OPTIONS\n" END, true },
        { "ACK sip:a@b SIP/2.0\n" VIA REST "CSeq: 1 ACK\nMax-Forwards: x\n" END, false },
        { "SIP/2.0 200 OK\n" VIA REST "CSeq: 1 OPTIONS\nMax-Forwards: x\n" END, false },
        { "OPTIONS sip:a@b SIP/2.0\n" VIA REST END, false },
        { "OPTIONS sip:a@b SIP/2.0\nVia:\n" REST "CSeq: 1 OPTIONS\n" END, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_buf wire = sip_wire(rows[i].text);
        struct gh_sip_msg *msg;

        CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, NULL), GH_ESYNTAX);
        CHECK(!!msg == rows[i].answered);
        gh_sip_msg_unref(msg);
        CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_HEAD_ONLY, NULL), GH_ESYNTAX);
        gh_sip_msg_unref(msg);
        gh_buf_fini(&wire);
    }
}

static void claims(void)
{
    static const struct {
        const char *call_info;
        bool claimed;
        enum gh_status status;
    } rows[] = {
        { "", false, GH_STATUS_UNKNOWN },
        { "Call-Info: <urn:x-cisco-remotecc:callinfo>; security= NotAuthenticated; orientation= "
          "to\n",
          true, GH_STATUS_NOT_AUTHENTICATED },
        { "Call-Info: <urn:X-cisco-remotecc:callinfo>;SECURITY=encrypted\n", true,
          GH_STATUS_ENCRYPTED },
        { "Call-Info: <urn:x-cisco-remotecc:callinfo>;security=Unknown\n", true,
          GH_STATUS_UNKNOWN },
        { "Call-Info: <urn:x-cisco-remotecc:callinfo>;security=Quantum\n", true,
          GH_STATUS_UNKNOWN },
        { "Call-Info: <urn:x-cisco-remotecc:callinfo>;gci=1\n", false, GH_STATUS_UNKNOWN },
        { "Call-Info: <urn:other>;security=Encrypted\n", false, GH_STATUS_UNKNOWN },
        { "Call-Info: <urn:x-cisco-remotecc:callinfo>;security=Encrypted\n"
          "Call-Info: <http://x>, <urn:x-cisco-remotecc:callinfo>;security=Authenticated\n",
          true, GH_STATUS_AUTHENTICATED },
        { "Call-Info: "
          "<urn:x-cisco-remotecc:callinfo>;security=Encrypted;security=NotAuthenticated\n",
          true, GH_STATUS_NOT_AUTHENTICATED },
        { "Call-Info: <urn:x-cisco-remotecc:callinfo>;security=Unknown, "
          "<urn:x-cisco-remotecc:callinfo>;security=Encrypted\n",
          true, GH_STATUS_ENCRYPTED },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_sip_msg *msg = sip_request("INVITE", rows[i].call_info, NULL, NULL);
        bool claimed = !rows[i].claimed;

        CHECK_OR_STOP(msg != NULL);
        CHECK_INT(gh_sip_msg_security(msg, &claimed), rows[i].status);
        CHECK_INT(claimed, rows[i].claimed);
        gh_sip_msg_unref(msg);
    }
}

static void wiping_a_body(void)
{
    struct gh_sip_msg *msg = sip_msg(cucm_invite), *second;

    CHECK_OR_STOP(msg != NULL);
    second = gh_sip_msg_ref(msg);
    CHECK(memmem(msg->octets, msg->octets_len, "inline:", 7) != NULL);
    gh_sip_msg_wipe_body(msg);
    CHECK(memmem(msg->octets, msg->octets_len, "inline:", 7) == NULL);
    CHECK_INT(msg->body.len, 0);
    gh_sip_msg_unref(msg);
    CHECK_SPAN(second->call_id, "98809500-1-1c5d8-201010a@10.1.1.2");
    gh_sip_msg_wipe_body(second);
    CHECK_SPAN(second->via.branch, "z9hG4bK1c5d84a3b9f");
    gh_sip_msg_unref(second);
    gh_sip_msg_unref(NULL);
}

int main(void)
{
    RUN(cucm_is_understood);
    RUN(rule_table);
    RUN(line_ends);
    RUN(datagrams);
    RUN(absent_max_forwards_is_70);
    RUN(too_much);
    RUN(truncation);
    RUN(mutation);
    RUN(who_is_answered);
    RUN(claims);
    RUN(wiping_a_body);
    return CHECK_REPORT();
}
