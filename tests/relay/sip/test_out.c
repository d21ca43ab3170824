/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: order, Content-Length, RFC 3261 section 8.2.6, and that nobody's text becomes a
 * header. */
#include "sip/out.h"

#include "relay/sip/support_sip.h"
#include "support/check.h"

static void response_has_what_8_2_6_asks(void)
{
    struct gh_sip_msg *request =
        sip_msg("INVITE sip:b@c SIP/2.0\n"
                "v: SIP/2.0/TLS a.example.com;branch=z9hG4bK1\n"
                "Via: SIP/2.0/TLS b.example.com;branch=z9hG4bK2, SIP/2.0/TCP d;branch=z9hG4bK3\n"
                "f: \"A\" <sip:a@b>;tag=1\nt: <sip:b@c>\ni: x@y\nCSeq: 5 INVITE\nm: <sip:a@h>\n"
                "Record-Route: <sip:p1;lr>, <sip:p2;lr>\nTimestamp: 54\nl: 0\n\n");
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    CHECK_OR_STOP(request != NULL);
    gh_sip_out_reply(&out, request, 180, GH_SPAN(""), GH_SPAN("t99"));
    gh_sip_out_hdr(&out, "Contact", GH_SPAN("<sip:us@h>"));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    CHECK_SPAN(
        gh_buf_span(&octets),
        "SIP/2.0 180 Ringing\r\n"
        "Via: SIP/2.0/TLS a.example.com;branch=z9hG4bK1\r\n"
        "Via: SIP/2.0/TLS b.example.com;branch=z9hG4bK2, SIP/2.0/TCP d;branch=z9hG4bK3\r\n"
        "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
        "From: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=t99\r\nCall-ID: x@y\r\nCSeq: 5 INVITE\r\n"
        "Contact: <sip:us@h>\r\nContent-Length: 0\r\n\r\n");
    gh_sip_out_reply(&out, request, 100, GH_SPAN(""), GH_SPAN("t99"));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    CHECK(memmem(octets.p, octets.len, "To: <sip:b@c>\r\n", 15) != NULL);
    CHECK(memmem(octets.p, octets.len, "Timestamp: 54\r\n", 15) != NULL);
    CHECK(memmem(octets.p, octets.len, "Record-Route", 12) == NULL);
    gh_buf_fini(&octets);
    gh_sip_msg_unref(request);
}

/* A bad request is answered with what it brought, never with a line of its own making. */
static void bad_request_is_answered(void)
{
    struct gh_buf wire = sip_wire(
        "OPTIONS sip:a@b SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nFrom: <sip:c@d>;tag=1\n"
        "To: what is this>\nCall-ID: x\nCSeq: 1 OPTIONS\nMax-Forwards: many\nContent-Length: "
        "@\n\n");
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };
    struct gh_sip_fault fault;
    struct gh_sip_msg *msg;

    CHECK_INT(gh_sip_msg_parse(&msg, gh_buf_span(&wire), GH_SIP_STREAM, &fault), GH_ESYNTAX);
    CHECK_OR_STOP(msg != NULL);
    CHECK(msg->bad);
    gh_sip_out_reply(&out, msg, 400, GH_SPAN(""), GH_SPAN("tag"));
    gh_sip_out_warning(&out, 399, GH_SPAN("node"), gh_span_str(fault.text));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    CHECK_SPAN(
        gh_buf_span(&octets),
        "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:c@d>;tag=1\r\n"
        "To: what is this>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nWarning: 399 node \"breaks the "
        "grammar\"\r\n"
        "Content-Length: 0\r\n\r\n");
    gh_sip_msg_unref(msg);
    gh_buf_fini(&octets);
    gh_buf_fini(&wire);
}

static int with_hdr(const char *name, struct gh_span value)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };
    int err;

    gh_sip_out_request(&out, GH_SPAN("OPTIONS"), GH_SPAN("sip:a@b"));
    gh_sip_out_hdr(&out, name, value);
    err = gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets);
    if (err)
        CHECK_INT(octets.len, 0);
    gh_buf_fini(&octets);
    return err;
}

static void injection_is_refused(void)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    CHECK_INT(with_hdr("X", GH_SPAN("fine \x07 too")), 0);
    CHECK_INT(with_hdr("X", GH_SPAN("")), 0);
    CHECK_INT(with_hdr("X", GH_SPAN("a\r\nEvil: yes")), GH_EINVAL);
    CHECK_INT(with_hdr("X", GH_SPAN("a\nb")), GH_EINVAL);
    CHECK_INT(with_hdr("X", GH_SPAN("a\r")), GH_EINVAL);
    CHECK_INT(with_hdr("X", GH_SPAN("a\0b")), GH_EINVAL);
    CHECK_INT(with_hdr("X: y\r\nZ", GH_SPAN("a")), GH_EINVAL);
    CHECK_INT(with_hdr("", GH_SPAN("a")), GH_EINVAL);

    gh_sip_out_request(&out, GH_SPAN("OPTIONS x"), GH_SPAN("sip:a@b"));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_EINVAL);
    gh_sip_out_request(&out, GH_SPAN("OPTIONS"), GH_SPAN("sip:a@b SIP/2.0\r\nX: y"));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_EINVAL);
    gh_sip_out_response(&out, 200, GH_SPAN("OK\r\nX: y"));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_EINVAL);
    gh_sip_out_response(&out, 1000, GH_SPAN(""));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_EINVAL);
    gh_sip_out_response(&out, 200, GH_SPAN(""));
    gh_sip_out_via(&out, "TLS", GH_SPAN("h;x=y"), 1, GH_SPAN("z9hG4bK1"));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_EINVAL);
    gh_sip_out_response(&out, 200, GH_SPAN(""));
    gh_sip_out_addr(&out, "To", GH_SPAN("\"x\r\n\""), GH_SPAN("sip:a@b"), GH_SPAN(""));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_EINVAL);
    gh_sip_out_response(&out, 200, GH_SPAN(""));
    gh_sip_out_addr(&out, "To", GH_SPAN(""), GH_SPAN("sip:a@b"), GH_SPAN("1;x=y"));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_EINVAL);
    gh_sip_out_response(&out, 200, GH_SPAN(""));
    gh_sip_out_hdr_fmt(&out, "X", "%s", "a\r\nb");
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_EINVAL);
    CHECK_INT(octets.len, 0);
}

static void order_of_calls(void)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    gh_sip_out_hdr(&out, "X", GH_SPAN("y"));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_ESTATE);
    gh_sip_out_response(&out, 200, GH_SPAN(""));
    gh_sip_out_response(&out, 200, GH_SPAN(""));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_ESTATE);
    gh_sip_out_response(&out, 200, GH_SPAN(""));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN("body"), &octets), GH_ESTATE);
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), GH_ESTATE);
}

/* Everything that a URI can carry in its "?" part is cut, wherever we write one. */
static void question_parts_go(void)
{
    struct gh_sip_msg *msg = sip_request(
        "REFER",
        "Refer-To: \"a <sip:q?x=y>\" <sip:c@d;p?body=v%3D0%0D%0Aa%3Dcrypto&Replaces=1>;q=1\n"
        "X-Other: <http://h/p?q=r>, <sip:e@f>\nX-Plain: what?\nDiversion: "
        "sip:a@b?body=x;reason=no\n",
        NULL, NULL);
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    CHECK_OR_STOP(msg != NULL);
    gh_sip_out_request(&out, GH_SPAN("REFER"), GH_SPAN("sip:x@y?body=1"));
    gh_sip_out_copy(&out, gh_sip_msg_hdr(msg, GH_SIP_HDR_REFER_TO, NULL));
    gh_sip_out_copy(&out, gh_sip_msg_hdr_named(msg, "x-other"));
    gh_sip_out_copy(&out, gh_sip_msg_hdr_named(msg, "x-plain"));
    gh_sip_out_copy(&out, gh_sip_msg_hdr(msg, GH_SIP_HDR_DIVERSION, NULL));
    gh_sip_out_addr(&out, "Contact", GH_SPAN(""), GH_SPAN("sip:u@v?a=b"), GH_SPAN(""));
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    CHECK_SPAN(gh_buf_span(&octets),
               "REFER sip:x@y SIP/2.0\r\nRefer-To: \"a <sip:q?x=y>\" <sip:c@d;p>;q=1\r\n"
               "X-Other: <http://h/p>, <sip:e@f>\r\nX-Plain: what?\r\nContact: "
               "<sip:u@v>\r\nContent-Length: 0\r\n\r\n");
    gh_buf_fini(&octets);
    gh_sip_msg_unref(msg);
}

static void warning_and_reason_are_quoted(void)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };
    struct gh_sip_msg *msg;
    struct gh_sip_warning warning;
    struct gh_sip_reason reason;

    gh_sip_out_request(&out, GH_SPAN("BYE"), GH_SPAN("sip:a@b"));
    gh_sip_out_via(&out, "TLS", GH_SPAN("[2001:db8::1]"), 5061, GH_SPAN("z9hG4bK1"));
    gh_sip_out_addr(&out, "From", GH_SPAN("\"A\""), GH_SPAN("sip:a@b"), GH_SPAN("1"));
    gh_sip_out_addr(&out, "To", GH_SPAN(""), GH_SPAN("sip:c@d"), GH_SPAN(""));
    gh_sip_out_hdr(&out, "Call-ID", GH_SPAN("x"));
    gh_sip_out_hdr_fmt(&out, "CSeq", "%d BYE", 3);
    gh_sip_out_warning(&out, 399, GH_SPAN("gw.example.com"), GH_SPAN("say \"no\" \\ \r\nX: y"));
    gh_sip_out_reason(&out, "SIP", 488, GH_SPAN("key_over_clear_signalling"));
    gh_sip_out_reason(&out, "Q.850", 16, GH_SPAN(""));
    CHECK_INT(gh_sip_out_finish(&out, "application/sdp", GH_SPAN("v=0\r\n"), &octets), 0);
    CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&octets), GH_SIP_STREAM, NULL), 0);
    CHECK_OR_STOP(msg != NULL);
    CHECK_SPAN(gh_sip_msg_value(msg, GH_SIP_HDR_WARNING),
               "399 gw.example.com \"say \\\"no\\\" \\\\   X: y\"");
    CHECK_INT(gh_sip_warning_parse(gh_sip_msg_value(msg, GH_SIP_HDR_WARNING), &warning), 0);
    CHECK_SPAN(gh_sip_msg_value(msg, GH_SIP_HDR_REASON),
               "SIP;cause=488;text=\"key_over_clear_signalling\"");
    CHECK_INT(gh_sip_reason_parse(gh_sip_msg_value(msg, GH_SIP_HDR_REASON), &reason), 0);
    CHECK_SPAN(gh_sip_msg_value(msg, GH_SIP_HDR_CONTENT_LENGTH), "5");
    CHECK_SPAN(msg->body, "v=0\r\n");
    CHECK_SPAN(msg->via.host, "[2001:db8::1]");
    gh_sip_msg_unref(msg);
    gh_buf_fini(&octets);
}

#define CISCO "<urn:x-cisco-remotecc:callinfo>"
/* CUCM 9.1 on a trunk: one line, two entries. */
#define CUCM_91                                                                                    \
    "Call-Info: " CISCO                                                                            \
    "; security= NotAuthenticated; gci= 1-4270982, <sip:10.0.2.52:5060>;method="                   \
    "\"NOTIFY;Event=telephone-event;Duration=500\"\n"

static const struct {
    const char *in;
    bool keep_others, say;
    enum gh_status status;
    const char *want;
} call_infos[] = {
    { CUCM_91, true, true, GH_STATUS_ENCRYPTED,
      "Call-Info: " CISCO ";gci=1-4270982;security= Encrypted\r\n"
      "Call-Info: <sip:10.0.2.52:5060>;method=\"NOTIFY;Event=telephone-event;Duration=500\"\r\n" },
    { CUCM_91, false, true, GH_STATUS_ENCRYPTED,
      "Call-Info: " CISCO ";gci=1-4270982;security= Encrypted\r\n" },
    { CUCM_91, false, false, GH_STATUS_ENCRYPTED, "Call-Info: " CISCO ";gci=1-4270982\r\n" },
    { "", false, true, GH_STATUS_UNKNOWN, "Call-Info: " CISCO ";security= Unknown\r\n" },
    { "", false, false, GH_STATUS_ENCRYPTED, "" },
    { "Call-Info: " CISCO ";security=Encrypted\n", true, false, GH_STATUS_ENCRYPTED, "" },
    { "Call-Info: <URN:X-Cisco-RemoteCC:CallInfo> ; SECURITY = Encrypted ; orientation= to; "
      "ui-state= ringout; call-instance= 1\n",
      false, true, GH_STATUS_AUTHENTICATED,
      "Call-Info: "
      "<URN:X-Cisco-RemoteCC:CallInfo>;orientation=to;ui-state=ringout;call-instance=1;security= "
      "Authenticated\r\n" },
    /* A claim hidden in a second entry or line, or written twice, does not survive. */
    { "Call-Info: " CISCO ";security=Encrypted;gci=1\nCall-Info: <http://x/y?z=1>, " CISCO
      ";gci=2;security=Encrypted;security=Encrypted\n",
      true, true, GH_STATUS_NOT_AUTHENTICATED,
      "Call-Info: " CISCO
      ";gci=1;security= NotAuthenticated\r\nCall-Info: <http://x/y>\r\nCall-Info: " CISCO
      ";gci=2\r\n" },
};

static void call_info(void)
{
    for (size_t i = 0; i < sizeof(call_infos) / sizeof(call_infos[0]); i++) {
        struct gh_sip_msg *msg = sip_request("INVITE", call_infos[i].in, NULL, NULL);
        struct gh_sip_out out = { 0 };
        struct gh_buf octets = { 0 }, want = { 0 };

        CHECK_OR_STOP(msg != NULL);
        gh_sip_out_response(&out, 200, GH_SPAN(""));
        gh_sip_out_call_info(&out, msg, call_infos[i].keep_others, call_infos[i].say,
                             call_infos[i].status);
        CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
        gh_buf_fmt(&want, "SIP/2.0 200 OK\r\n%sContent-Length: 0\r\n\r\n", call_infos[i].want);
        if (!CHECK(gh_span_eq(gh_buf_span(&octets), gh_buf_span(&want))))
            fprintf(stderr, "  row %zu: %.*s", i, GH_SPAN_FMT(gh_buf_span(&octets)));
        gh_buf_fini(&want);
        gh_buf_fini(&octets);
        gh_sip_msg_unref(msg);
    }
}

static void identifiers_differ(void)
{
    char a[GH_SIP_BRANCH_SIZE], b[GH_SIP_BRANCH_SIZE], tag[GH_SIP_TAG_SIZE];

    CHECK_INT(gh_sip_draw_branch(a), 0);
    CHECK_INT(gh_sip_draw_branch(b), 0);
    CHECK(strcmp(a, b) != 0);
    CHECK_INT(strlen(a), GH_SIP_BRANCH_SIZE - 1);
    CHECK(gh_sip_branch_is_3261(gh_span_str(a)));
    CHECK_INT(gh_sip_draw_tag(tag), 0);
    CHECK_INT(strlen(tag), GH_SIP_TAG_SIZE - 1);
    CHECK(gh_sip_is_token(gh_span_str(tag)));
    CHECK_STR(gh_sip_phrase(488), "Not Acceptable Here");
    CHECK_STR(gh_sip_phrase(599), "");
}

int main(void)
{
    RUN(response_has_what_8_2_6_asks);
    RUN(bad_request_is_answered);
    RUN(injection_is_refused);
    RUN(order_of_calls);
    RUN(question_parts_go);
    RUN(warning_and_reason_are_quoted);
    RUN(call_info);
    RUN(identifiers_differ);
    return CHECK_REPORT();
}
