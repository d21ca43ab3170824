/* SPDX-License-Identifier: Apache-2.0 */
/* What a body can hide keys in, and what the gate is told. */
#include "sip/body.h"

#include <gatehouse/facts.h>

#include "relay/sip/support_sip.h"
#include "support/check.h"

#define SDP                                                                                        \
    "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/SAVP 0\n"
#define KEY   "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk\n"
#define FP    "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\n"
#define MIXED "multipart/mixed;boundary=b1"
/* "a=crypto:1 X inline:AAAA" in base64 and quoted-printable */
#define B64 "YT1jcnlwdG86MSBYIGlubGluZTpBQUFB"
#define QP  "=61=3Dcr=\nypto:1 X in=6cine:AAAA"

enum {
    N = GH_CARRY_NOTHING,
    F = GH_CARRY_FINGERPRINT,
    S = GH_CARRY_SECRET,
    A = GH_CARRY_FINGERPRINT | GH_CARRY_SECRET
};

static const struct {
    const char *what, *extra, *type, *body;
    unsigned carriers;
    enum gh_reason problem;
} rows[] = {
    { "no body", "", NULL, NULL, N, GH_REASON_NONE },
    { "sdp", "", "application/sdp", SDP, N, GH_REASON_NONE },
    { "sdp, key", "", "application/sdp", SDP KEY, S, GH_REASON_NONE },
    { "sdp, fingerprint", "", "Application/SDP", SDP FP, F, GH_REASON_NONE },
    { "sdp, both", "", "application/sdp ; charset=\"UTF-8\"", SDP KEY FP, A, GH_REASON_NONE },
    { "bad sdp", "", "application/sdp", "m=audio\n", N, GH_REASON_BAD_SDP },
    { "bad sdp with key", "", "application/sdp", "nonsense\n" KEY, S, GH_REASON_BAD_SDP },
    { "text", "", "text/plain", "hello, pay with crypto\n", N, GH_REASON_NONE },
    { "sdp as text", "", "text/plain", SDP KEY, S, GH_REASON_KEY_IN_ODD_BODY },
    { "inline in any case", "", "text/plain", "x InLiNe:AAAA", S, GH_REASON_KEY_IN_ODD_BODY },
    { "fingerprint in text", "", "text/plain", FP, F, GH_REASON_KEY_IN_ODD_BODY },
    { "key in xml", "", "application/media_control+xml", "<a>inline:AAAA</a>", S,
      GH_REASON_KEY_IN_ODD_BODY },
    { "base64 sdp", "Content-Transfer-Encoding: BASE64\n", "text/plain", B64, S,
      GH_REASON_KEY_IN_ODD_BODY },
    { "base64 in lines", "Content-Transfer-Encoding: base64\n", "text/plain",
      "YT1jcnlwdG86\n MSBYIGlubGluZTpBQUFB\n", S, GH_REASON_KEY_IN_ODD_BODY },
    { "qp", "Content-Transfer-Encoding: quoted-printable\n", "text/plain", QP, S,
      GH_REASON_KEY_IN_ODD_BODY },
    { "bad base64", "Content-Transfer-Encoding: base64\n", "text/plain", "YT1j*", A,
      GH_REASON_BODY_OPAQUE },
    { "bad qp", "Content-Transfer-Encoding: quoted-printable\n", "text/plain", "a=zz", A,
      GH_REASON_BODY_OPAQUE },
    { "unknown encoding", "Content-Transfer-Encoding: x-uuencode\n", "text/plain", "x", A,
      GH_REASON_BODY_OPAQUE },
    { "gzip", "Content-Encoding: gzip\n", "application/sdp", "x", A, GH_REASON_BODY_OPAQUE },
    { "gzip, short name", "e: gzip\n", "application/sdp", "x", A, GH_REASON_BODY_OPAQUE },
    { "identity", "Content-Encoding: identity\n", "application/sdp", SDP, A,
      GH_REASON_BODY_OPAQUE },
    { "pkcs7", "", "application/pkcs7-mime;smime-type=enveloped-data", "x", A,
      GH_REASON_BODY_OPAQUE },
    { "encrypted", "", "multipart/encrypted;boundary=b1", "--b1\n\nx\n--b1--", A,
      GH_REASON_BODY_OPAQUE },
    { "signed", "", "multipart/signed;boundary=b1", "--b1\n\nx\n--b1--", A, GH_REASON_BODY_OPAQUE },
    { "unknown multipart", "", "multipart/x;boundary=b1", "--b1\n\nx\n--b1--", A,
      GH_REASON_BODY_OPAQUE },
    { "message", "", "message/sip", "x", A, GH_REASON_BODY_OPAQUE },
    { "sipfrag", "", "message/sipfrag", "SIP/2.0 200 OK\n", N, GH_REASON_NONE },
    { "sipfrag with body", "", "message/sipfrag", "INVITE x SIP/2.0\nc: a/b\n\nx", A,
      GH_REASON_BODY_OPAQUE },
    { "utf-16", "", "text/plain;charset=utf-16", "x", A, GH_REASON_BODY_OPAQUE },
    { "utf-7", "", "application/sdp;charset=UTF-7", SDP, A, GH_REASON_BODY_OPAQUE },
    { "two charsets", "", "text/plain;charset=utf-8;charset=utf-16", "x", A,
      GH_REASON_BODY_OPAQUE },
    { "RFC 2231 charset", "", "text/plain;charset*=utf-16", "x", A, GH_REASON_BODY_OPAQUE },
    { "escaped charset", "", "text/plain;charset=\"utf-\\16\"", "x", A, GH_REASON_BODY_OPAQUE },
    { "mixed", "", MIXED,
      "--b1\nContent-Type: application/sdp\n\n" SDP KEY
      "\n--b1\nContent-Type: text/plain\n\nhi\n--b1--\n",
      S, GH_REASON_NONE },
    { "quoted boundary, padding", "", "multipart/alternative;boundary=\"b 1\"",
      "--b 1 \t\nContent-Type: application/sdp\n\n" SDP FP "\n--b 1--  ", F, GH_REASON_NONE },
    { "key in second part", "", MIXED, "--b1\n\nhi\n--b1\n\n" KEY "\n--b1--", S,
      GH_REASON_KEY_IN_ODD_BODY },
    { "encoded part", "", MIXED,
      "--b1\nContent-Type: application/sdp\nContent-Transfer-Encoding: base64\n\n" B64 "\n--b1--",
      S, GH_REASON_BAD_SDP },
    { "preamble", "", MIXED, KEY "--b1\n\nhi\n--b1--", S, GH_REASON_KEY_IN_ODD_BODY },
    { "epilogue", "", MIXED, "--b1\n\nhi\n--b1--\n" KEY, S, GH_REASON_KEY_IN_ODD_BODY },
    { "harmless preamble", "", MIXED, "This is MIME.\n--b1\n\nhi\n--b1--\n\n", N, GH_REASON_NONE },
    { "key in a part's header", "", MIXED, "--b1\nX-Key: inline:AAAA\n\nhi\n--b1--", S,
      GH_REASON_KEY_IN_ODD_BODY },
    { "key in an inner boundary", "", MIXED,
      "--b1\nContent-Type: "
      "multipart/mixed;boundary=\"inline:AAAA\"\n\n--inline:AAAA\n\nx\n--inline:AAAA--\n--b1--",
      S, GH_REASON_KEY_IN_ODD_BODY },
    { "no close", "", MIXED, "--b1\n\nhi\n", A, GH_REASON_BODY_OPAQUE },
    { "no part", "", MIXED, "hi\n", A, GH_REASON_BODY_OPAQUE },
    { "no boundary", "", "multipart/mixed", "--b1\n\nhi\n--b1--", A, GH_REASON_BODY_OPAQUE },
    { "two boundaries", "", "multipart/mixed;boundary=b1;boundary=b2", "--b1\n\nhi\n--b1--", A,
      GH_REASON_BODY_OPAQUE },
    { "longer boundary", "", MIXED, "--b1\n\nhi\n--b12\n\n" KEY "\n--b1--", A,
      GH_REASON_BODY_OPAQUE },
    { "part without empty line", "", MIXED, "--b1\nContent-Type: text/plain\n--b1--", A,
      GH_REASON_BODY_OPAQUE },
    { "empty part", "", MIXED, "--b1\n--b1--", A, GH_REASON_BODY_OPAQUE },
    { "folded header", "", MIXED, "--b1\nContent-Type:\n application/sdp\n\n" SDP "\n--b1--", A,
      GH_REASON_BODY_OPAQUE },
    { "short header", "", MIXED, "--b1\nc: application/sdp\n\n" SDP "\n--b1--", A,
      GH_REASON_BODY_OPAQUE },
    { "two types", "", MIXED,
      "--b1\nContent-Type: text/plain\nContent-Type: application/sdp\n\nx\n--b1--", A,
      GH_REASON_BODY_OPAQUE },
    { "gzip part", "", MIXED, "--b1\nContent-Encoding: gzip\n\nx\n--b1--", A,
      GH_REASON_BODY_OPAQUE },
    { "encoded multipart", "Content-Transfer-Encoding: base64\n", MIXED, "LS1iMQ==", A,
      GH_REASON_BODY_OPAQUE },
    { "8bit multipart", "Content-Transfer-Encoding: 8bit\n", MIXED, "--b1\n\nhi\n--b1--", N,
      GH_REASON_NONE },
    { "key in a header", "X-Media: a=crypto:1 x\n", NULL, NULL, S, GH_REASON_KEY_IN_ODD_BODY },
    { "key in a header, folded", "Subject: inline\n :AAAA\n", NULL, NULL, S,
      GH_REASON_KEY_IN_ODD_BODY },
    { "key behind ?body=",
      "Refer-To: <sip:a@b?body=v%3D0%0D%0Aa%3Dcrypto%3A1%20x%20inline%3aAAAA>\n", NULL, NULL, S,
      GH_REASON_KEY_IN_ODD_BODY },
    { "the same, escaped twice", "History-Info: <sip:a@b?body=%2569nline%253AAAAA>;index=1\n", NULL,
      NULL, S, GH_REASON_KEY_IN_ODD_BODY },
    { "fingerprint behind ?body=", "Refer-To: <sip:a@b?body=a%3Dfingerprint%3Asha-1%20AA>\n", NULL,
      NULL, F, GH_REASON_KEY_IN_ODD_BODY },
    { "key in quoted pairs", "Subject: \"a=cry\\pto:1 x in\\line:AAAA\"\n", NULL, NULL, S,
      GH_REASON_KEY_IN_ODD_BODY },
    { "escapes behind quoted pairs", "Subject: i\\%6eline:AAAA\n", NULL, NULL, S,
      GH_REASON_KEY_IN_ODD_BODY },
    { "quoted pairs alone", "Subject: \"a\\\\b \\\"c\\\"\" <sip:a@b>\n", NULL, NULL, N, GH_REASON_NONE },
    { "key behind ?body= in a sipfrag", "", "message/sipfrag",
      "SIP/2.0 200 OK\nRefer-To: <sip:a@b?body=a%3Dcrypto:1>\n", S, GH_REASON_KEY_IN_ODD_BODY },
    { "percent signs alone", "Subject: 100 % of 5%\n", NULL, NULL, N, GH_REASON_NONE },
    { "Content-Disposition: inline is no key", "Content-Disposition: inline;handling=optional\n",
      "text/plain", "x", N, GH_REASON_NONE },
};

static void carriers(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_sip_msg *msg = sip_request("MESSAGE", rows[i].extra, rows[i].type, rows[i].body);
        enum gh_reason problem = GH_REASON_NO_RULE;
        unsigned got;

        CHECK_OR_STOP(msg != NULL);
        got = gh_sip_carriers(msg, &problem);
        if (!CHECK_INT(got, rows[i].carriers))
            fprintf(stderr, "  %s\n", rows[i].what);
        if (!CHECK_STR(gh_reason_name(problem), gh_reason_name(rows[i].problem)))
            fprintf(stderr, "  %s\n", rows[i].what);
        gh_sip_msg_unref(msg);
    }
}

/* @depth multiparts inside each other, a key in the innermost part. */
static unsigned nested(unsigned depth, enum gh_reason *problem)
{
    struct gh_buf text = { 0 };
    struct gh_sip_msg *msg;
    unsigned got;

    for (unsigned d = 1; d < depth; d++)
        gh_buf_fmt(&text, "--b%u\nContent-Type: multipart/mixed;boundary=b%u\n\n", d, d + 1);
    gh_buf_fmt(&text, "--b%u\nContent-Type: application/sdp\n\n" SDP KEY, depth);
    for (unsigned d = depth; d >= 1; d--)
        gh_buf_fmt(&text, "\n--b%u--", d);
    gh_buf_add(&text, gh_span_of("", 1));
    msg = sip_request("INVITE", "", MIXED, text.p);
    gh_buf_fini(&text);
    got = gh_sip_carriers(msg, problem);
    gh_sip_msg_unref(msg);
    return got;
}

static void nesting(void)
{
    enum gh_reason problem;

    for (unsigned depth = 1; depth <= GH_SIP_NEST_MAX; depth++) {
        CHECK_INT(nested(depth, &problem), S);
        CHECK_INT(problem, GH_REASON_NONE);
    }
    CHECK_INT(nested(GH_SIP_NEST_MAX + 1, &problem), A);
    CHECK_INT(problem, GH_REASON_BODY_OPAQUE);
}

static void number_of_parts(void)
{
    for (int count = GH_SIP_PARTS_MAX; count <= GH_SIP_PARTS_MAX + 1; count++) {
        struct gh_buf text = { 0 };
        struct gh_sip_body body;
        struct gh_sip_msg *msg;

        for (int i = 0; i < count; i++)
            gh_buf_str(&text, "--b1\n\nx\n");
        gh_buf_add(&text, gh_span_of("--b1--", 7));
        msg = sip_request("INVITE", "", MIXED, text.p);
        gh_buf_fini(&text);
        CHECK_INT(gh_sip_body_parse(&body, msg), 0);
        CHECK_INT(body.opaque, count > GH_SIP_PARTS_MAX);
        gh_sip_body_fini(&body);
        gh_sip_msg_unref(msg);
    }
}

static void parts_are_what_stands_there(void)
{
    struct gh_sip_msg *msg =
        sip_request("INVITE", "", "multipart/related;boundary=\"b/1\";type=\"application/sdp\"",
                    "--b/1\nContent-Type: application/sdp\nContent-Disposition: "
                    "Session;handling=required\n\n" SDP "\n--b/1\n"
                    "Content-Type: text/plain;charset=utf-8\nContent-Transfer-Encoding: "
                    "quoted-printable\n\na=3Db=\nc\n\n--b/1\n\n\n\n--b/1--\n");
    enum gh_reason problem;
    struct gh_sip_body body;

    CHECK_OR_STOP(msg != NULL);
    CHECK_INT(gh_sip_body_parse(&body, msg), 0);
    CHECK(!body.opaque);
    CHECK_OR_STOP(body.count == 3);
    CHECK(body.parts[0].is_sdp);
    CHECK_SPAN(body.parts[0].disposition, "Session");
    CHECK_INT(body.parts[0].depth, 1);
    CHECK(gh_span_starts(gh_buf_span(&body.parts[0].octets), GH_SPAN("v=0\r\no=-")));
    CHECK(gh_sip_media_type_is(&body.parts[1].type, "text", "plain"));
    CHECK_SPAN(gh_buf_span(&body.parts[1].octets), "a=bc\r\n");
    CHECK_SPAN(gh_buf_span(&body.parts[2].octets), "\r\n");
    CHECK(gh_sip_body_sdp(&body, &problem) == &body.parts[0]);
    CHECK_INT(problem, GH_REASON_NONE);
    gh_sip_body_fini(&body);
    gh_sip_msg_unref(msg);
}

static void which_sdp(void)
{
    static const struct {
        const char *body;
        int index;
        enum gh_reason problem;
    } cases[] = {
        { "--b1\nContent-Type: application/sdp\nContent-Disposition: early-session\n\n" SDP
          "\n--b1\nContent-Type: application/sdp\n\n" SDP "\n--b1--",
          1, GH_REASON_NONE },
        { "--b1\nContent-Type: application/sdp\n\n" SDP
          "\n--b1\nContent-Type: application/sdp\n\n" SDP "\n--b1--",
          -1, GH_REASON_BAD_SDP },
        { "--b1\n\nx\n--b1--", -1, GH_REASON_NONE },
        { "--b1\n\nx\n", -1, GH_REASON_BODY_OPAQUE },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gh_sip_msg *msg = sip_request("INVITE", "", MIXED, cases[i].body);
        enum gh_reason problem;
        struct gh_sip_body body;
        const struct gh_sip_part *part;

        CHECK_OR_STOP(msg != NULL);
        gh_sip_body_parse(&body, msg);
        part = gh_sip_body_sdp(&body, &problem);
        CHECK_INT(problem, cases[i].problem);
        CHECK(part == (cases[i].index < 0 ? NULL : &body.parts[cases[i].index]));
        gh_sip_body_fini(&body);
        gh_sip_msg_unref(msg);
    }
}

/* Line ends that two readers would see differently. */
static void line_ends(void)
{
    static const char *const bodies[] = {
        "--b1\n\r\nx\r\n--b1--",      "--b1\r\n\r\nx\n--b1\r\n\r\ny\r\n--b1--",
        "--b1\r\n\nx\r\n--b1--",      "--b1\r\nX: a\rb\r\n\r\nx\r\n--b1--",
        "x\n--b1\r\n\r\nx\r\n--b1--",
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct gh_buf text = { 0 };
        struct gh_sip_msg *msg;
        enum gh_reason problem;

        gh_buf_fmt(&text,
                   "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: "
                   "<sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
                   "Call-ID: x\r\nCSeq: 1 MESSAGE\r\nContent-Type: " MIXED
                   "\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(bodies[i]), bodies[i]);
        CHECK_INT(gh_sip_msg_parse(&msg, gh_buf_span(&text), GH_SIP_STREAM, NULL), 0);
        gh_buf_fini(&text);
        CHECK_INT(gh_sip_carriers(msg, &problem), A);
        CHECK_INT(problem, GH_REASON_BODY_OPAQUE);
        gh_sip_msg_unref(msg);
    }
}

/* A key cut anywhere: parts of a message that lost their end never pass for a message
 * without keys. */
static void truncation(void)
{
    static const char whole[] = "--b1\nContent-Type: application/sdp\n\n" SDP KEY "\n--b1--";

    for (size_t len = 1; len < sizeof(whole) - 1; len++) {
        char cut[sizeof(whole)];
        struct gh_sip_msg *msg;
        enum gh_reason problem;

        memcpy(cut, whole, len);
        cut[len] = 0;
        msg = sip_request("INVITE", "", MIXED, cut);
        CHECK_OR_STOP(msg != NULL);
        CHECK_INT(gh_sip_carriers(msg, &problem), A);
        gh_sip_msg_unref(msg);
    }
}

int main(void)
{
    RUN(carriers);
    RUN(nesting);
    RUN(number_of_parts);
    RUN(parts_are_what_stands_there);
    RUN(which_sdp);
    RUN(line_ends);
    RUN(truncation);
    return CHECK_REPORT();
}
