/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals on the wire, for every reason there is: RFC 3261 sections 8.2.6, 20.43; RFC 3326. */
#include "support/check.h"

#include <gatehouse/sdp.h>

#include "sip/body.h"
#include "trunk/refusal.h"

#define NODE "border1.example.net"

static const char request_text[] = "INVITE sip:9898@192.0.2.9 SIP/2.0\r\n"
                                   "Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1\r\n"
                                   "Via: SIP/2.0/TLS 192.0.2.7:5061;branch=z9hG4bK0\r\n"
                                   "From: <sip:1018@192.0.2.1>;tag=f1\r\n"
                                   "To: <sip:9898@192.0.2.9>\r\n"
                                   "Call-ID: c1@192.0.2.1\r\n"
                                   "CSeq: 101 INVITE\r\n"
                                   "Contact: <sip:1018@192.0.2.1:5061;transport=tls>\r\n"
                                   "Content-Length: 0\r\n\r\n";

static struct gh_sip_msg *parse(struct gh_span octets)
{
    struct gh_sip_msg *msg = NULL;
    struct gh_sip_fault fault = { 0 };

    if (gh_sip_msg_parse(&msg, octets, GH_SIP_STREAM, &fault)) {
        fprintf(stderr, "%s: %s\n", fault.header, fault.text);
        gh_sip_msg_unref(msg);
        return NULL;
    }
    return msg;
}

static void check_response(enum gh_reason reason, struct gh_span detail)
{
    const struct gh_reason_info *info = gh_reason_info(reason);
    struct gh_sip_msg *request = parse(gh_span_str(request_text)), *msg;
    struct gh_buf octets = { 0 }, text = { 0 }, said = { 0 };
    struct gh_sip_warning warning = { 0 };
    enum gh_reason problem;

    CHECK_INT(gh_refusal_build(&octets, request, NODE, reason, detail), 0);
    msg = parse(gh_buf_span(&octets));
    if (CHECK(msg != NULL)) {
        CHECK_INT(msg->status, info->sip_code ? info->sip_code : 500);
        CHECK_INT(msg->via_count, 2);
        CHECK_SPAN(msg->call_id, "c1@192.0.2.1");
        CHECK_INT(msg->cseq, 101);
        CHECK_INT(msg->to.tag.len, GH_SIP_TAG_SIZE - 1);
        CHECK_INT(msg->body.len, 0);
        CHECK_INT(gh_sip_warning_parse(gh_sip_msg_value(msg, GH_SIP_HDR_WARNING), &warning), 0);
        /* RFC 5630 section 6.1: "SIPS Not Allowed" has a code of its own. */
        CHECK_INT(warning.code, reason == GH_REASON_SIPS_DOWNGRADE ? 380 : 399);
        CHECK_SPAN(warning.agent, NODE);
        gh_refusal_text(&text, reason, detail);
        CHECK_INT(gh_sip_unquote(warning.text, &said), 0);
        CHECK(gh_span_eq(gh_buf_span(&said), gh_buf_span(&text)));
        CHECK(gh_span_starts(gh_buf_span(&said), gh_span_str(info->name)));
        CHECK(memmem(said.p, said.len, info->advice, strlen(info->advice)) != NULL);
    }
    /* The next gatehouse on the way looks for keys in headers, too. */
    if (!detail.len && msg)
        CHECK_INT(gh_sip_carriers(msg, &problem), GH_CARRY_NOTHING);
    gh_sip_msg_unref(msg);
    gh_sip_msg_unref(request);
    gh_buf_fini(&octets);
    gh_buf_fini(&text);
    gh_buf_fini(&said);
}

static void every_reason(void)
{
    for (int reason = 0; reason < GH_REASON_COUNT; reason++) {
        check_response((enum gh_reason)reason, GH_SPAN(""));
        check_response((enum gh_reason)reason, GH_SPAN("SDP line 7: \"quoted\" \\ and more"));
    }
}

static void status_of_reasons(void)
{
    static const struct {
        enum gh_reason reason;
        int status;
    } rows[] = {
        { GH_REASON_NO_RULE, 500 },        { GH_REASON_KEY_OVER_CLEAR_SIGNALLING, 488 },
        { GH_REASON_BODY_OPAQUE, 415 },    { GH_REASON_CERT_NAME_MISMATCH, 403 },
        { GH_REASON_BAD_MESSAGE, 400 },    { GH_REASON_MESSAGE_TOO_LARGE, 513 },
        { GH_REASON_NO_DIALOG, 481 },      { GH_REASON_NO_DESTINATION, 503 },
        { GH_REASON_WEAK_TLS, 488 },       { GH_REASON_NO_FORWARD_SECRECY, 488 },
        { GH_REASON_EKU_WAIVED, 488 },     { GH_REASON_CRL_WAIVED, 488 },
        { GH_REASON_CALLER_HUNG_UP, 500 }, { (enum gh_reason)GH_REASON_COUNT, 500 },
        { (enum gh_reason) - 1, 500 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(gh_refusal_status(rows[i].reason), rows[i].status);
}

/* A BYE or CANCEL of ours says the same in Reason: it must get past our own gate on departure. */
static void as_reason_header(void)
{
    for (int reason = 0; reason < GH_REASON_COUNT; reason++) {
        struct gh_buf text = { 0 }, value = { 0 };
        struct gh_sip_reason read = { 0 };

        gh_refusal_text(&text, (enum gh_reason)reason, GH_SPAN(""));
        CHECK_INT(gh_sdp_text_has_carrier(gh_buf_span(&text)), GH_CARRY_NOTHING);
        gh_sip_reason_value(&value, "SIP", 488, gh_buf_span(&text));
        CHECK_INT(gh_sip_reason_parse(gh_buf_span(&value), &read), 0);
        CHECK_INT(read.cause, 488);
        gh_buf_fini(&text);
        gh_buf_fini(&value);
    }
}

/* A request that could only be read so far that it can be answered. */
static void bad_request(void)
{
    struct gh_span octets = gh_span_str(request_text);
    char broken[sizeof(request_text) + 16];
    struct gh_sip_msg *msg = NULL, *answer;
    struct gh_buf out = { 0 };
    size_t at = (size_t)(strstr(request_text, "Contact") - request_text);

    memcpy(broken, octets.p, octets.len + 1);
    memcpy(broken + at, "Expires", 7); /* no Contact, and an Expires that is no number */
    CHECK_INT(gh_sip_msg_parse(&msg, gh_span_of(broken, octets.len), GH_SIP_STREAM, NULL),
              GH_ESYNTAX);
    CHECK_OR_STOP(msg && msg->bad);
    CHECK_INT(
        gh_refusal_build(&out, msg, NODE, GH_REASON_BAD_MESSAGE, GH_SPAN("Expires: not a number")),
        0);
    answer = parse(gh_buf_span(&out));
    if (CHECK(answer != NULL))
        CHECK_INT(answer->status, 400);
    gh_sip_msg_unref(answer);
    gh_sip_msg_unref(msg);
    gh_buf_fini(&out);
}

/* Octets of a peer in the detail become no header of ours. */
static void hostile_detail(void)
{
    struct gh_sip_msg *request = parse(gh_span_str(request_text)), *msg;
    struct gh_buf out = { 0 };

    CHECK_INT(
        gh_refusal_build(&out, request, NODE, GH_REASON_BAD_SDP, GH_SPAN("x\"\r\nEvil: 1\r\n\r\n")),
        0);
    msg = parse(gh_buf_span(&out));
    if (CHECK(msg != NULL))
        CHECK(!gh_sip_msg_hdr_named(msg, "Evil"));
    gh_sip_msg_unref(msg);
    gh_sip_msg_unref(request);
    gh_buf_fini(&out);
}

int main(void)
{
    RUN(every_reason);
    RUN(status_of_reasons);
    RUN(as_reason_header);
    RUN(bad_request);
    RUN(hostile_detail);
    return CHECK_REPORT();
}
