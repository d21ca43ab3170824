/* SPDX-License-Identifier: Apache-2.0 */
/* URIs: RFC 3261 section 19.1, RFC 4475, RFC 3966; and libre as a second reader. */
#include "sip/uri.h"

#include <re_types.h>
#include <re_fmt.h>
#include <re_uri.h>

#include "support/check.h"

static const struct {
    const char *text;
    enum gh_sip_scheme scheme;
    const char *user, *host;
    unsigned port;
    const char *params, *headers;
} good[] = {
    /* RFC 3261 section 19.1.3 */
    { "sip:alice@atlanta.com", GH_SIP_SCHEME_SIP, "alice", "atlanta.com", 0, "", "" },
    { "sip:alice:secretword@atlanta.com;transport=tcp", GH_SIP_SCHEME_SIP, "alice", "atlanta.com",
      0, "transport=tcp", "" },
    { "sips:alice@atlanta.com?subject=project%20x&priority=urgent", GH_SIP_SCHEME_SIPS, "alice",
      "atlanta.com", 0, "", "subject=project%20x&priority=urgent" },
    { "sip:+1-212-555-1212:1234@gateway.com;user=phone", GH_SIP_SCHEME_SIP, "+1-212-555-1212",
      "gateway.com", 0, "user=phone", "" },
    { "sips:1212@gateway.com", GH_SIP_SCHEME_SIPS, "1212", "gateway.com", 0, "", "" },
    { "sip:alice@192.0.2.4", GH_SIP_SCHEME_SIP, "alice", "192.0.2.4", 0, "", "" },
    { "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com", GH_SIP_SCHEME_SIP, "",
      "atlanta.com", 0, "method=REGISTER", "to=alice%40atlanta.com" },
    { "sip:alice;day=tuesday@atlanta.com", GH_SIP_SCHEME_SIP, "alice;day=tuesday", "atlanta.com", 0,
      "", "" },
    /* RFC 4475 sections 3.1.1.2, 3.1.1.3, 3.1.1.4; RFC 5118 */
    { "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/"
      ";;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
      GH_SIP_SCHEME_SIP, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*", "example.com", 0, "",
      "" },
    { "sip:sips%3Auser%40example.com@example.net", GH_SIP_SCHEME_SIP, "sips%3Auser%40example.com",
      "example.net", 0, "", "" },
    { "sip:null-%00-null@example.com", GH_SIP_SCHEME_SIP, "null-%00-null", "example.com", 0, "",
      "" },
    { "sip:user;par=u%40example.net@example.com", GH_SIP_SCHEME_SIP, "user;par=u%40example.net",
      "example.com", 0, "", "" },
    { "sip:[2001:db8::10]:5070", GH_SIP_SCHEME_SIP, "", "[2001:db8::10]", 5070, "", "" },
    { "sip:user@[2001:db8::9:1]", GH_SIP_SCHEME_SIP, "user", "[2001:db8::9:1]", 0, "", "" },
    { "SIP:A@B.EXAMPLE;LR", GH_SIP_SCHEME_SIP, "A", "B.EXAMPLE", 0, "LR", "" },
    { "sip:host5060.example.com.:65535;lr", GH_SIP_SCHEME_SIP, "", "host5060.example.com.", 65535,
      "lr", "" },
    { "sip:CUCM_PUB.example.com", GH_SIP_SCHEME_SIP, "", "CUCM_PUB.example.com", 0, "", "" },
    { "tel:+1-201-555-0123", GH_SIP_SCHEME_TEL, "+1-201-555-0123", "", 0, "", "" },
    { "tel:7042;phone-context=example.com", GH_SIP_SCHEME_TEL, "7042", "", 0,
      "phone-context=example.com", "" },
    { "urn:service:sos", GH_SIP_SCHEME_OTHER, "", "", 0, "", "" },
    { "nobodyKnowsThisScheme:totallyopaquecontent", GH_SIP_SCHEME_OTHER, "", "", 0, "",
      "" }, /* RFC 4475 3.3.3 */
};

static void good_ones(void)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct gh_sip_uri uri;

        if (!CHECK_INT(gh_sip_uri_parse(gh_span_str(good[i].text), &uri), 0)) {
            fprintf(stderr, "  %s\n", good[i].text);
            continue;
        }
        CHECK_INT(uri.scheme, good[i].scheme);
        CHECK(gh_span_eq(uri.user, gh_span_str(good[i].user)));
        CHECK(gh_span_eq(uri.host, gh_span_str(good[i].host)));
        CHECK_INT(uri.port, good[i].port);
        CHECK(gh_span_eq(uri.params, gh_span_str(good[i].params)));
        CHECK(gh_span_eq(uri.headers, gh_span_str(good[i].headers)));
    }
}

static const char *const bad[] = {
    "",
    ":",
    "sip:",
    "sip",
    "sip:@host",
    "sip::@host",
    "sip:user@",
    "sip:a@b@c",
    "sip:user name@host",
    "sip:us\"er@host",
    "sip:user@ho st",
    "sip:user@host ",
    " sip:user@host",
    "sip:user@host:",
    "sip:user@host:0",
    "sip:user@host:65536",
    "sip:user@host:99999999999",
    "sip:user@host:50a",
    "sip:user@host:-1",
    "sip:user@host:5060:5060",
    "sip:user@host;",
    "sip:user@host;;lr",
    "sip:user@host;=x",
    "sip:user@host;lr=",
    "sip:user@host?",
    "sip:user@host?a",
    "sip:user@host?=b",
    "sip:user@host?a=b&",
    "sip:user@host?a=b&&c=d",
    "sip:%@host",
    "sip:%4@host",
    "sip:%4g@host",
    "sip:user@%41host",
    "sip:user@-host",
    "sip:user@host-",
    "sip:user@ho..st",
    "sip:user@.host",
    "sip:user@host..",
    "sip:user@1.2.3.256",
    "sip:user@1.2.3.4.5",
    "sip:user@123",
    "sip:user@[::1",
    "sip:user@::1",
    "sip:user@[1.2.3.4]",
    "sip:user@[::1]x",
    "sip:user@[fe80::1%25eth0]",
    "sip:user@[]",
    "sip:us\xc3\xbc@host",
    "sip:user@h\xc3\xb6st",
    "sip:us<er@host",
    "sip:us>er@host",
    "1sip:x",
    "s p:x",
    "tel:",
    "tel:+",
    "tel:12a$",
    "tel:+12a",
    "tel:()",
    "tel:1;",
    "tel:1?x=y",
    "http:",
    "http:<x>",
    "sip:user@host;a\r\nb",
    "sip:user@host\ttab",
    "<sip:user@host>",
    "sip:us\\er@host",
    "sip:user@host;a=\"q\"",
};

static void bad_ones(void)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gh_sip_uri uri;

        if (!CHECK_INT(gh_sip_uri_parse(gh_span_str(bad[i]), &uri), GH_ESYNTAX))
            fprintf(stderr, "  %s\n", bad[i]);
    }
}

static void nul_and_length(void)
{
    char text[GH_SIP_URI_MAX + 2];
    struct gh_sip_uri uri;

    CHECK_INT(gh_sip_uri_parse(GH_SPAN("sip:a\0b@host"), &uri), GH_ESYNTAX);
    CHECK_INT(gh_sip_uri_parse(GH_SPAN("sip:a@ho\0st"), &uri), GH_ESYNTAX);
    memset(text, 'a', sizeof(text));
    memcpy(text, "sip:", 4);
    text[1000] = '@';
    memcpy(text + 1001, "h;", 2);
    CHECK_INT(gh_sip_uri_parse(gh_span_of(text, GH_SIP_URI_MAX), &uri), 0);
    CHECK_INT(gh_sip_uri_parse(gh_span_of(text, GH_SIP_URI_MAX + 1), &uri), GH_ELIMIT);
}

/* Each prefix of each good URI, in memory of exactly that size. */
static void truncated(void)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        for (size_t len = 0; len <= strlen(good[i].text); len++) {
            char *copy = malloc(len ? len : 1);
            struct gh_sip_uri uri;
            struct gh_span value;

            memcpy(copy, good[i].text, len);
            if (gh_sip_uri_parse(gh_span_of(copy, len), &uri) == 0) {
                CHECK(uri.text.len == len);
                gh_sip_uri_param(&uri, "lr", &value);
                gh_sip_uri_header(&uri, "to", &value);
                CHECK(gh_sip_uri_strip(&uri).len <= len);
            }
            free(copy);
        }
    }
}

static void look_up(void)
{
    struct gh_sip_uri uri;
    struct gh_span value;

    CHECK_OR_STOP(
        gh_sip_uri_parse(GH_SPAN("sip:a?b@c.example;L%72;x=1?Re%70laces=a%40b&body=v%3D0"), &uri) ==
        0);
    CHECK(gh_sip_uri_param(&uri, "lr", &value));
    CHECK_INT(value.len, 0);
    CHECK(gh_sip_uri_param(&uri, "X", &value));
    CHECK_SPAN(value, "1");
    CHECK(!gh_sip_uri_param(&uri, "xx", NULL));
    CHECK(gh_sip_uri_header(&uri, "replaces", &value));
    CHECK_SPAN(value, "a%40b");
    CHECK(gh_sip_uri_header(&uri, "Body", &value));
    CHECK(!gh_sip_uri_header(&uri, "bod", NULL));
    CHECK_SPAN(gh_sip_uri_strip(&uri), "sip:a?b@c.example;L%72;x=1");
    CHECK_OR_STOP(gh_sip_uri_parse(GH_SPAN("sip:a?b@c.example"), &uri) == 0);
    CHECK_SPAN(gh_sip_uri_strip(&uri), "sip:a?b@c.example");
}

static void hosts(void)
{
    struct gh_sip_uri uri;

    CHECK_OR_STOP(gh_sip_uri_parse(GH_SPAN("sip:a@Host.Example."), &uri) == 0);
    CHECK(gh_sip_uri_host_is(&uri, GH_SPAN("host.example")));
    CHECK(gh_sip_uri_host_is(&uri, GH_SPAN("HOST.example.")));
    CHECK(!gh_sip_uri_host_is(&uri, GH_SPAN("xhost.example")));
    CHECK(!gh_sip_uri_host_is(&uri, GH_SPAN("")));
    CHECK_OR_STOP(gh_sip_uri_parse(GH_SPAN("sip:[2001:DB8:0:0::1]:5061"), &uri) == 0);
    CHECK(gh_sip_uri_host_is(&uri, GH_SPAN("[2001:db8::1]")));
    CHECK(!gh_sip_uri_host_is(&uri, GH_SPAN("[2001:db8::2]")));
    CHECK_INT(uri.addr.family, 6);
    CHECK_INT(uri.addr.port, 5061);
    CHECK_OR_STOP(gh_sip_uri_parse(GH_SPAN("tel:1"), &uri) == 0);
    CHECK(!gh_sip_uri_host_is(&uri, GH_SPAN("1")));
}

static void unescape(void)
{
    struct gh_buf buf = { 0 };

    CHECK_INT(gh_sip_uri_unescape(GH_SPAN("a%40B%3a%00z"), &buf), 0);
    CHECK(gh_span_eq(gh_buf_span(&buf), GH_SPAN("a@B:\0z")));
    CHECK_INT(gh_sip_uri_unescape(GH_SPAN("%4"), &buf), GH_ESYNTAX);
    CHECK_INT(gh_sip_uri_unescape(GH_SPAN("%zz"), &buf), GH_ESYNTAX);
    CHECK_INT(gh_sip_uri_unescape(GH_SPAN(""), &buf), 0);
    gh_buf_fini(&buf);
}

static bool same(struct gh_span ours, const struct pl *theirs)
{
    return ours.len == theirs->l && (ours.len == 0 || memcmp(ours.p, theirs->p, ours.len) == 0);
}

/* Where both read a SIP URI they must see the same host, user and port: two readers,
 * one meaning. */
static void libre_agrees(void)
{
    int compared = 0;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct gh_span text = gh_span_str(good[i].text), host;
        struct pl pl = { text.p, text.len };
        struct gh_sip_uri uri;
        struct uri theirs;

        if (gh_sip_uri_parse(text, &uri) || uri.host.len == 0 || uri_decode(&theirs, &pl))
            continue;
        host = uri.host;
        if (host.p[0] == '[')
            host = gh_span_of(host.p + 1, host.len - 2);
        compared++;
        if (!CHECK(same(host, &theirs.host) && same(uri.user, &theirs.user) &&
                   theirs.port == uri.port))
            fprintf(stderr, "  %s\n", good[i].text);
    }
    CHECK(compared >= 12);
}

/* Why we do not read with libre alone: what it takes. */
static void libre_is_lax(void)
{
    static const char *const lax[] = { "sip:user@host:65537", "sip:user@1.2.3.256",
                                       "sip:us\"er@host" };

    for (size_t i = 0; i < sizeof(lax) / sizeof(lax[0]); i++) {
        struct pl pl = { lax[i], strlen(lax[i]) };
        struct gh_sip_uri uri;
        struct uri theirs;

        CHECK_INT(uri_decode(&theirs, &pl), 0);
        CHECK_INT(gh_sip_uri_parse(gh_span_str(lax[i]), &uri), GH_ESYNTAX);
    }
}

int main(void)
{
    RUN(good_ones);
    RUN(bad_ones);
    RUN(nul_and_length);
    RUN(truncated);
    RUN(look_up);
    RUN(hosts);
    RUN(unescape);
    RUN(libre_agrees);
    RUN(libre_is_lax);
    return CHECK_REPORT();
}
