/* SPDX-License-Identifier: Apache-2.0 */
/* Header names and values, one table a parser. */
#include "sip/hdr.h"

#include "support/check.h"

static void names(void)
{
    CHECK_INT(gh_sip_hdr_by_name(GH_SPAN("via")), GH_SIP_HDR_VIA);
    CHECK_INT(gh_sip_hdr_by_name(GH_SPAN("V")), GH_SIP_HDR_VIA);
    CHECK_INT(gh_sip_hdr_by_name(GH_SPAN("CONTENT-length")), GH_SIP_HDR_CONTENT_LENGTH);
    CHECK_INT(gh_sip_hdr_by_name(GH_SPAN("Vi")), GH_SIP_HDR_OTHER);
    CHECK_INT(gh_sip_hdr_by_name(GH_SPAN("")), GH_SIP_HDR_OTHER);
    for (int id = GH_SIP_HDR_OTHER + 1; id < GH_SIP_HDR_COUNT; id++)
        CHECK_INT(gh_sip_hdr_by_name(gh_span_str(gh_sip_hdr_name((enum gh_sip_hdr_id)id))), id);
    /* Names that libre 1.1.0 takes for From, P-Asserted-Identity, Content-Length, Call-ID. */
    CHECK_INT(gh_sip_hdr_by_name(GH_SPAN("Fabcm")), GH_SIP_HDR_OTHER);
    CHECK_INT(gh_sip_hdr_by_name(GH_SPAN("Faltr")), GH_SIP_HDR_OTHER);
    CHECK_INT(gh_sip_hdr_by_name(GH_SPAN("Fabxf")), GH_SIP_HDR_OTHER);
    CHECK_INT(gh_sip_hdr_by_name(GH_SPAN("DC-Info")), GH_SIP_HDR_OTHER);
}

static const struct {
    const char *list, *want; /* items joined by "|"; "!" behind: then GH_ESYNTAX */
} lists[] = {
    { "a, b ,c", "a|b|c" },
    { "", "" },
    { "  ", "" },
    { "a", "a" },
    { "<sip:a,b@c>, \"x, \\\" y\" <sip:d>;q=1", "<sip:a,b@c>|\"x, \\\" y\" <sip:d>;q=1" },
    { ",a", "!" },
    { "a,,b", "a!" },
    { "a,", "!" },
    { "\"a, b", "!" },
    { "<a, b", "!" },
    { "a>, b", "!" },
    { "<<a>>", "!" },
    { "\"a\\\", b", "!" },
    { "a, \"", "a!" },
};

static void comma_lists(void)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct gh_span rest = gh_span_str(lists[i].list), item;
        struct gh_buf got = { 0 };
        int err;

        while ((err = gh_sip_list_next(&rest, &item)) == 0) {
            if (got.len)
                gh_buf_str(&got, "|");
            gh_buf_add(&got, item);
        }
        if (err != GH_ENOTFOUND)
            gh_buf_str(&got, "!");
        if (!CHECK(gh_span_eq(gh_buf_span(&got), gh_span_str(lists[i].want))))
            fprintf(stderr, "  %s gives %.*s\n", lists[i].list, GH_SPAN_FMT(gh_buf_span(&got)));
        gh_buf_fini(&got);
    }
}

static const struct {
    const char *value;
    int err;
    const char *display, *uri, *tag;
} addrs[] = {
    { "<sip:a@b>", 0, "", "sip:a@b", "" },
    { "sip:a@b;tag=x", 0, "", "sip:a@b", "x" },
    { "\"A. G. Bell\" <sip:agb@bell.com> ;tag=a48s", 0, "\"A. G. Bell\"", "sip:agb@bell.com",
      "a48s" },
    { "Anonymous <sip:c8@privacy.org>;tag = hyh8", 0, "Anonymous", "sip:c8@privacy.org", "hyh8" },
    { "caller<sip:caller@example.com>;tag=323", 0, "caller", "sip:caller@example.com",
      "323" }, /* RFC 4475 3.1.1.6 */
    { "\"<sip:x@y>;tag=no\" <sip:a@b>;tag=yes", 0, "\"<sip:x@y>;tag=no\"", "sip:a@b", "yes" },
    { "<sip:a@b;tag=uri>;x=\";tag=quoted\"", 0, "", "sip:a@b;tag=uri", "" },
    { "\"\\\"\\\\\" <sip:a@b>", 0, "\"\\\"\\\\\"", "sip:a@b", "" },
    { "sip:a@b;x=\"<\"", 0, "", "sip:a@b", "" },
    { "tel:+1555;tag=t", 0, "", "tel:+1555", "t" },
    { "<sip:a@b>;TAG=t;x", 0, "", "sip:a@b", "t" },
    { "", GH_ESYNTAX, 0, 0, 0 },
    { "<>", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b", GH_ESYNTAX, 0, 0, 0 },
    { "sip:a@b>", GH_ESYNTAX, 0, 0, 0 },
    { "\"A <sip:a@b>", GH_ESYNTAX, 0, 0, 0 },
    { "\"A\" sip:a@b", GH_ESYNTAX, 0, 0, 0 },
    { "< sip:a@b>", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b >", GH_ESYNTAX, 0, 0, 0 },
    { "Bell, Alexander <sip:a@b>", GH_ESYNTAX, 0, 0, 0 },
    { "\"A\" B <sip:a@b>", GH_ESYNTAX, 0, 0, 0 },
    { "sip:a@b?x=y", GH_ESYNTAX, 0, 0, 0 },
    { "sip:a,b@c", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b>;tag=x;tag=y", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b>;tag=", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b>;tag", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b>;tag=\"x\"", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b>;tag=a b", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b> x", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b>;", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b>;;x", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b>;x=\"y", GH_ESYNTAX, 0, 0, 0 },
    { "<sip:a@b>,<sip:c@d>", GH_ESYNTAX, 0, 0, 0 },
};

static void addresses(void)
{
    struct gh_sip_addr addr;

    for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
        int err = gh_sip_addr_parse(gh_span_str(addrs[i].value), &addr);

        if (!CHECK_INT(err, addrs[i].err))
            fprintf(stderr, "  %s\n", addrs[i].value);
        if (err)
            continue;
        CHECK(gh_span_eq(addr.display, gh_span_str(addrs[i].display)));
        CHECK(gh_span_eq(addr.uri.text, gh_span_str(addrs[i].uri)));
        CHECK(gh_span_eq(addr.tag, gh_span_str(addrs[i].tag)));
    }
    CHECK_INT(gh_sip_addr_parse(GH_SPAN(" * "), &addr), 0);
    CHECK(addr.star);
    CHECK_INT(gh_sip_addr_parse(GH_SPAN("*;x"), &addr), GH_ESYNTAX);
}

static const struct {
    const char *value;
    int err;
    const char *transport, *host;
    unsigned port;
    const char *branch;
} vias[] = {
    { "SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7", 0, "UDP",
      "erlang.bell-telephone.com", 5060, "z9hG4bK87asdks7" },
    { "SIP / 2.0 / TCP spindle.example.com ; branch = z9hG4bK9ikj8", 0, "TCP",
      "spindle.example.com", 0, "z9hG4bK9ikj8" },
    { "sip/2.0/TLS [2001:db8::1] : 5061;rport;branch=z9hG4bKx", 0, "TLS", "[2001:db8::1]", 5061,
      "z9hG4bKx" },
    { "SIP/2.0/UDP 192.0.2.1;received=192.0.2.207;rport=9988;branch=b", 0, "UDP", "192.0.2.1", 0,
      "b" },
    { "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=b", 0, "UDP", "[2001:db8::9:1]",
      0, "b" }, /* RFC 5118 4.5 */
    { "SIP/2.0/UDP h;branch=b;hidden;ttl=1;x=\"a;branch=c\"", 0, "UDP", "h", 0, "b" },
    { "SIP/2.0/UDP", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/ h", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDPh", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/3.0/UDP h", GH_ESYNTAX, 0, 0, 0, 0 },
    { "xSIP/2.0/UDP h", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP 2.0/UDP h", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h:", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h:70000", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h:0", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h h2", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h;branch=a;branch=b", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h;branch", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h;branch=\"a\"", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h;rport=x", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h;rport=70000", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h;received=name", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP h;;branch=a", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP ;branch=a", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP [::1;branch=a", GH_ESYNTAX, 0, 0, 0, 0 },
    { "SIP/2.0/UDP 2001:db8::1;branch=a", GH_ESYNTAX, 0, 0, 0, 0 },
};

static void via_values(void)
{
    struct gh_sip_via via;

    for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++) {
        int err = gh_sip_via_parse(gh_span_str(vias[i].value), &via);

        if (!CHECK_INT(err, vias[i].err))
            fprintf(stderr, "  %s\n", vias[i].value);
        if (err)
            continue;
        CHECK_SPAN(via.transport, vias[i].transport);
        CHECK_SPAN(via.host, vias[i].host);
        CHECK_INT(via.port, vias[i].port);
        CHECK_SPAN(via.branch, vias[i].branch);
    }
    CHECK_INT(gh_sip_via_parse(gh_span_str(vias[3].value), &via), 0);
    CHECK(via.has_rport);
    CHECK_INT(via.rport, 9988);
    CHECK_INT(via.received.family, 4);
    CHECK_INT(gh_sip_via_parse(gh_span_str(vias[2].value), &via), 0);
    CHECK(via.has_rport);
    CHECK_INT(via.rport, 0);
    CHECK(gh_sip_branch_is_3261(GH_SPAN("z9hG4bK1")));
    CHECK(!gh_sip_branch_is_3261(GH_SPAN("z9hG4bK")));
    CHECK(!gh_sip_branch_is_3261(GH_SPAN("Z9HG4BK1")));
    CHECK(!gh_sip_branch_is_3261(GH_SPAN("")));
}

static void numbers(void)
{
    enum gh_sip_refresher refresher;
    struct gh_span method, params;
    uint32_t a, b, words[4];

    CHECK_INT(gh_sip_cseq_parse(GH_SPAN("2147483647 INVITE"), &a, &method), 0);
    CHECK_INT(a, 2147483647);
    CHECK_SPAN(method, "INVITE");
    CHECK_INT(gh_sip_cseq_parse(GH_SPAN("0009\tINVITE"), &a, &method), 0);
    CHECK_INT(a, 9);
    CHECK_INT(gh_sip_cseq_parse(GH_SPAN("2147483648 INVITE"), &a, &method), GH_ESYNTAX);
    CHECK_INT(gh_sip_cseq_parse(GH_SPAN("36893488147419103232 REGISTER"), &a, &method), GH_ESYNTAX);
    CHECK_INT(gh_sip_cseq_parse(GH_SPAN("1INVITE"), &a, &method), GH_ESYNTAX);
    CHECK_INT(gh_sip_cseq_parse(GH_SPAN("x 1 INVITE"), &a, &method), GH_ESYNTAX);
    CHECK_INT(gh_sip_cseq_parse(GH_SPAN("1 "), &a, &method), GH_ESYNTAX);
    CHECK_INT(gh_sip_cseq_parse(GH_SPAN("1 IN VITE"), &a, &method), GH_ESYNTAX);
    CHECK_INT(gh_sip_cseq_parse(GH_SPAN("-1 INVITE"), &a, &method), GH_ESYNTAX);

    CHECK_INT(gh_sip_rseq_parse(GH_SPAN("988789"), &a), 0); /* RFC 3262 section 7.1 */
    CHECK_INT(a, 988789);
    CHECK_INT(gh_sip_rseq_parse(GH_SPAN("4294967295"), &a), 0);
    CHECK_INT(gh_sip_rseq_parse(GH_SPAN("4294967296"), &a), GH_ESYNTAX);
    CHECK_INT(gh_sip_rseq_parse(GH_SPAN("0"), &a), GH_ESYNTAX);
    CHECK_INT(gh_sip_rseq_parse(GH_SPAN("1 2"), &a), GH_ESYNTAX);
    CHECK_INT(gh_sip_rseq_parse(GH_SPAN(""), &a), GH_ESYNTAX);
    CHECK_INT(gh_sip_rack_parse(GH_SPAN("776656 1 INVITE"), &a, &b, &method), 0);
    CHECK_INT(a, 776656);
    CHECK_INT(b, 1);
    CHECK_INT(gh_sip_rack_parse(GH_SPAN("776656 INVITE"), &a, &b, &method), GH_ESYNTAX);
    CHECK_INT(gh_sip_rack_parse(GH_SPAN("4294967296 1 INVITE"), &a, &b, &method), GH_ESYNTAX);

    CHECK_INT(gh_sip_seconds_parse(GH_SPAN("3600"), &a, NULL), 0);
    CHECK_INT(gh_sip_seconds_parse(GH_SPAN("18000;duration=3600"), &a, &params), 0);
    CHECK_SPAN(params, ";duration=3600");
    CHECK_INT(gh_sip_seconds_parse(GH_SPAN("120 (I'm (really) in a meeting)"), &a, &params), 0);
    CHECK_INT(a, 120);
    CHECK_INT(gh_sip_seconds_parse(GH_SPAN("120 (open"), &a, NULL), GH_ESYNTAX);
    CHECK_INT(gh_sip_seconds_parse(GH_SPAN("4294967296"), &a, NULL), GH_ESYNTAX);
    CHECK_INT(gh_sip_seconds_parse(GH_SPAN("5 s"), &a, NULL), GH_ESYNTAX);

    CHECK_INT(gh_sip_session_expires_parse(GH_SPAN("1800;refresher=uas"), &a, &refresher), 0);
    CHECK_INT(refresher, GH_SIP_REFRESHER_UAS);
    CHECK_INT(gh_sip_session_expires_parse(GH_SPAN("1800"), &a, &refresher), 0);
    CHECK_INT(refresher, GH_SIP_REFRESHER_NONE);
    CHECK_INT(gh_sip_session_expires_parse(GH_SPAN("1800;refresher=UAC;x=y"), &a, &refresher), 0);
    CHECK_INT(refresher, GH_SIP_REFRESHER_UAC);
    CHECK_INT(gh_sip_session_expires_parse(GH_SPAN("1800;refresher=me"), &a, &refresher),
              GH_ESYNTAX);
    CHECK_INT(
        gh_sip_session_expires_parse(GH_SPAN("1800;refresher=uac;refresher=uas"), &a, &refresher),
        GH_ESYNTAX);

    CHECK_INT(gh_sip_guid_parse(GH_SPAN("2558761344-0000065536-0000308372-0402827456"), words), 0);
    CHECK_INT(words[0], 2558761344);
    CHECK_INT(words[3], 402827456);
    CHECK_INT(gh_sip_guid_parse(GH_SPAN("1-2-3"), words), GH_ESYNTAX);
    CHECK_INT(gh_sip_guid_parse(GH_SPAN("1-2-3-4-5"), words), GH_ESYNTAX);
    CHECK_INT(gh_sip_guid_parse(GH_SPAN("1-2-3-4294967296"), words), GH_ESYNTAX);
}

static void reason_and_warning(void)
{
    struct gh_sip_warning warning;
    struct gh_sip_reason reason;
    struct gh_buf buf = { 0 };

    CHECK_INT(gh_sip_reason_parse(GH_SPAN("Q.850 ;cause=16 ;text=\"Terminated\""), &reason), 0);
    CHECK_SPAN(reason.protocol, "Q.850");
    CHECK(reason.has_cause);
    CHECK_INT(reason.cause, 16);
    CHECK_SPAN(reason.text, "\"Terminated\"");
    CHECK_INT(gh_sip_reason_parse(GH_SPAN("SIP"), &reason), 0);
    CHECK(!reason.has_cause);
    CHECK_INT(gh_sip_reason_parse(GH_SPAN("SIP;cause=x"), &reason), GH_ESYNTAX);
    CHECK_INT(gh_sip_reason_parse(GH_SPAN(";cause=1"), &reason), GH_ESYNTAX);
    CHECK_INT(gh_sip_reason_parse(GH_SPAN("SIP;cause=1;cause=2"), &reason), GH_ESYNTAX);

    CHECK_INT(gh_sip_warning_parse(
                  GH_SPAN("307 isi.edu \"Session parameter 'foo' not understood\""), &warning),
              0);
    CHECK_INT(warning.code, 307);
    CHECK_SPAN(warning.agent, "isi.edu");
    CHECK_INT(gh_sip_unquote(warning.text, &buf), 0);
    CHECK_SPAN(gh_buf_span(&buf), "Session parameter 'foo' not understood");
    gh_buf_fini(&buf);
    CHECK_INT(gh_sip_unquote(GH_SPAN("\"a\\\"b\\\\\""), &buf), 0);
    CHECK_SPAN(gh_buf_span(&buf), "a\"b\\");
    CHECK_INT(gh_sip_unquote(GH_SPAN("\"a"), &buf), GH_ESYNTAX);
    gh_buf_fini(&buf);
    CHECK_INT(gh_sip_warning_parse(GH_SPAN("30 isi.edu \"x\""), &warning), GH_ESYNTAX);
    CHECK_INT(gh_sip_warning_parse(GH_SPAN("1812 overture \"In Progress\""), &warning),
              GH_ESYNTAX); /* RFC 4475 3.1.2.5 */
    CHECK_INT(gh_sip_warning_parse(GH_SPAN("307 isi.edu x"), &warning), GH_ESYNTAX);
    CHECK_INT(gh_sip_warning_parse(GH_SPAN("307 \"x\""), &warning), GH_ESYNTAX);
}

static void names_of_calls(void)
{
    struct gh_sip_replaces replaces;
    struct gh_sip_session_id id;

    CHECK(gh_sip_call_id_valid(GH_SPAN("f81d4fae-7dec-11d0-a765-00a0c91e6bf6@biloxi.com")));
    CHECK(gh_sip_call_id_valid(
        GH_SPAN("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"))); /* RFC 4475 3.1.1.2 */
    CHECK(!gh_sip_call_id_valid(GH_SPAN("")));
    CHECK(!gh_sip_call_id_valid(GH_SPAN("@")));
    CHECK(!gh_sip_call_id_valid(GH_SPAN("a@")));
    CHECK(!gh_sip_call_id_valid(GH_SPAN("a@b@c")));
    CHECK(!gh_sip_call_id_valid(GH_SPAN("a b")));
    CHECK(!gh_sip_call_id_valid(GH_SPAN("a;b")));

    CHECK_INT(gh_sip_replaces_parse(
                  GH_SPAN("98732@sip.example.com ;from-tag=r33th4x0r ;to-tag=ff87ff"), &replaces),
              0);
    CHECK_SPAN(replaces.call_id, "98732@sip.example.com");
    CHECK_SPAN(replaces.to_tag, "ff87ff");
    CHECK_SPAN(replaces.from_tag, "r33th4x0r");
    CHECK(!replaces.early_only);
    CHECK_INT(gh_sip_replaces_parse(GH_SPAN("1@x;to-tag=1;from-tag=2;early-only"), &replaces), 0);
    CHECK(replaces.early_only);
    CHECK_INT(gh_sip_replaces_parse(GH_SPAN("1@x;to-tag=1"), &replaces), GH_ESYNTAX);
    CHECK_INT(gh_sip_replaces_parse(GH_SPAN("1@x;to-tag=1;to-tag=3;from-tag=2"), &replaces),
              GH_ESYNTAX);
    CHECK_INT(gh_sip_replaces_parse(GH_SPAN("a b;to-tag=1;from-tag=2"), &replaces), GH_ESYNTAX);

    CHECK_INT(
        gh_sip_session_id_parse(
            GH_SPAN("ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2"),
            &id),
        0);
    CHECK_SPAN(id.remote, "47755a9de7794ba387653f2099600ef2");
    CHECK_INT(gh_sip_session_id_parse(GH_SPAN("ab30317f1a784dc48ff824d0d3715d86"), &id), 0);
    CHECK_INT(id.remote.len, 0);
    CHECK_INT(gh_sip_session_id_parse(GH_SPAN("AB30317f1a784dc48ff824d0d3715d86"), &id),
              GH_ESYNTAX);
    CHECK_INT(gh_sip_session_id_parse(GH_SPAN("ab30317f1a784dc48ff824d0d3715d8"), &id), GH_ESYNTAX);
    CHECK_INT(gh_sip_session_id_parse(GH_SPAN("ab30317f1a784dc48ff824d0d3715d86;remote=x"), &id),
              GH_ESYNTAX);
}

static void types_and_call_info(void)
{
    struct gh_sip_media_type type;
    struct gh_sip_call_info info;
    struct gh_span value;

    CHECK_INT(gh_sip_media_type_parse(GH_SPAN("Multipart / Mixed ;boundary=\"a b\""), &type), 0);
    CHECK(gh_sip_media_type_is(&type, "multipart", "mixed"));
    CHECK(!gh_sip_media_type_is(&type, "multipart", "mix"));
    CHECK(gh_sip_param(type.params, "boundary", &value));
    CHECK_SPAN(value, "\"a b\"");
    CHECK_INT(gh_sip_media_type_parse(GH_SPAN("application"), &type), GH_ESYNTAX);
    CHECK_INT(gh_sip_media_type_parse(GH_SPAN("application/"), &type), GH_ESYNTAX);
    CHECK_INT(gh_sip_media_type_parse(GH_SPAN("/sdp"), &type), GH_ESYNTAX);
    CHECK_INT(gh_sip_media_type_parse(GH_SPAN("application/sdp x"), &type), GH_ESYNTAX);
    CHECK_INT(gh_sip_media_type_parse(GH_SPAN("application/sdp, text/plain"), &type), GH_ESYNTAX);

    /* Both spellings are in Cisco's documents; CUCM writes a blank behind "=". */
    CHECK_INT(
        gh_sip_call_info_parse(
            GH_SPAN("<urn:X-cisco-remotecc:callinfo>; security= NotAuthenticated; gci= 1-4270982"),
            &info),
        0);
    CHECK(info.is_cisco);
    CHECK(gh_sip_param(info.params, "SECURITY", &value));
    CHECK_SPAN(value, "NotAuthenticated");
    CHECK_INT(
        gh_sip_call_info_parse(
            GH_SPAN("<sip:10.0.2.52:5060>;method=\"NOTIFY;Event=telephone-event;Duration=500\""),
            &info),
        0);
    CHECK(!info.is_cisco);
    CHECK_INT(gh_sip_call_info_parse(GH_SPAN("<urn:x-cisco-remotecc:callinfo2>"), &info), 0);
    CHECK(!info.is_cisco);
    CHECK_INT(gh_sip_call_info_parse(GH_SPAN("urn:x-cisco-remotecc:callinfo"), &info), GH_ESYNTAX);
    CHECK_INT(gh_sip_call_info_parse(GH_SPAN("<urn:x-cisco-remotecc:callinfo"), &info), GH_ESYNTAX);
    CHECK_INT(gh_sip_call_info_parse(GH_SPAN("<urn:x>;a=b=c"), &info), GH_ESYNTAX);
}

int main(void)
{
    RUN(names);
    RUN(comma_lists);
    RUN(addresses);
    RUN(via_values);
    RUN(numbers);
    RUN(reason_and_warning);
    RUN(names_of_calls);
    RUN(types_and_call_info);
    return CHECK_REPORT();
}
