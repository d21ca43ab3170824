/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allow list, header by header: each name that sip/ knows, and one that it does not, in both
 * directions, from a side that is proven and from one that is not.  What crosses is written down
 * here once more, by hand: a header that is added to the list must be added here, by somebody who
 * thought of what it shows.
 */
#include "support/check.h"

#include "call/call_int.h"

enum { REQUEST = 1, RESPONSE = 2, PROVEN_ONLY = 4 };

static const struct {
    enum gh_sip_hdr_id id;
    unsigned crosses;
    const char *value;
} allowed[] = {
    { GH_SIP_HDR_SUBJECT, REQUEST, "lunch" },
    { GH_SIP_HDR_PRIORITY, REQUEST, "urgent" },
    { GH_SIP_HDR_RESOURCE_PRIORITY, REQUEST | RESPONSE, "dsn.flash" },
    { GH_SIP_HDR_EXPIRES, REQUEST, "180" },
    { GH_SIP_HDR_DATE, REQUEST | RESPONSE, "Sat, 13 Nov 2010 23:29:00 GMT" },
    { GH_SIP_HDR_PRIVACY, REQUEST | RESPONSE, "id" },
    { GH_SIP_HDR_P_ASSERTED_IDENTITY, REQUEST | RESPONSE | PROVEN_ONLY, "<sip:1018@example.net>" },
    { GH_SIP_HDR_REMOTE_PARTY_ID, REQUEST | RESPONSE | PROVEN_ONLY,
      "<sip:1018@example.net>;party=calling" },
    { GH_SIP_HDR_DIVERSION, REQUEST | PROVEN_ONLY, "<sip:1019@example.net>;reason=no-answer" },
    { GH_SIP_HDR_HISTORY_INFO, REQUEST | PROVEN_ONLY, "<sip:1019@example.net>;index=1" },
    { GH_SIP_HDR_SESSION_ID, REQUEST | RESPONSE, "ab30317f1a784dc48ff824d0d3715d86" },
    { GH_SIP_HDR_CISCO_GUID, REQUEST | RESPONSE, "1-2-3-4" },
    { GH_SIP_HDR_USER_TO_USER, REQUEST | RESPONSE, "56a390f3d2b7310023a2;encoding=hex" },
    { GH_SIP_HDR_ACCEPT_LANGUAGE, REQUEST, "en" },
    { GH_SIP_HDR_REASON, REQUEST | RESPONSE, "Q.850;cause=16" },
    { GH_SIP_HDR_RETRY_AFTER, RESPONSE, "60" },
    { GH_SIP_HDR_INFO_PACKAGE, REQUEST, "dtmf" },
    { GH_SIP_HDR_RECV_INFO, REQUEST | RESPONSE, "dtmf, x-y" },
    { GH_SIP_HDR_P_EARLY_MEDIA, REQUEST | RESPONSE | PROVEN_ONLY, "supported" },
};

#define ALLOWED_COUNT (sizeof(allowed) / sizeof(allowed[0]))

/* Does a header cross?  @value of it */
static bool crosses(enum gh_sip_hdr_id id, struct gh_span name, struct gh_span value, bool request,
                    enum gh_signalling signalling)
{
    struct gh_sip_hdr hdr = { .id = id, .name = name, .value = value };
    struct gh_sip_msg msg = { .refs = 1, .request = request, .hdrs = &hdr, .hdr_count = 1 };
    struct gh_papers papers = { .refs = 1, .standing.signalling = signalling };
    struct gh_leg leg = { .papers = &papers };
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };
    bool there;

    gh_sip_out_response(&out, 200, GH_SPAN(""));
    gh_call_copy_headers(&out, &msg, &leg, request);
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    there = memmem(octets.p, octets.len, name.p, name.len) != NULL;
    if (there)
        CHECK(memmem(octets.p, octets.len, value.p, value.len) != NULL);
    gh_sip_out_fini(&out);
    gh_buf_fini(&octets);
    return there;
}

static size_t row_of(enum gh_sip_hdr_id id)
{
    size_t i = 0;

    while (i < ALLOWED_COUNT && allowed[i].id != id)
        i++;
    return i;
}

static void every_header(void)
{
    for (int id = GH_SIP_HDR_OTHER; id < GH_SIP_HDR_COUNT; id++) {
        enum gh_sip_hdr_id hdr = (enum gh_sip_hdr_id)id;
        size_t row = row_of(hdr);
        unsigned rule = row < ALLOWED_COUNT ? allowed[row].crosses : 0;
        struct gh_span name =
            gh_span_str(id == GH_SIP_HDR_OTHER ? "X-Anything" : gh_sip_hdr_name(hdr));
        struct gh_span value = gh_span_str(row < ALLOWED_COUNT ? allowed[row].value : "here-i-am");

        /* The response line and Content-Length are written by the test's own frame. */
        if (hdr == GH_SIP_HDR_CONTENT_LENGTH)
            name = GH_SPAN("content-length");
        for (int request = 0; request < 2; request++) {
            for (int signalling = 0; signalling < GH_SIG_COUNT; signalling++) {
                bool proven = signalling == GH_SIG_TLS_VERIFIED || signalling == GH_SIG_TLS_NULL;
                bool want =
                    (rule & (request ? REQUEST : RESPONSE)) && (proven || !(rule & PROVEN_ONLY));

                if (!CHECK_INT(crosses(hdr, name, value, request, (enum gh_signalling)signalling),
                               want))
                    fprintf(stderr, "  %.*s, request %d, signalling %d\n", GH_SPAN_FMT(name),
                            request, signalling);
            }
        }
    }
}

/* What is known by a name that is not in the list stays, whatever the name looks like. */
static void names_nobody_knows(void)
{
    static const char *const names[] = { "P-Asserted-Identity2", "X-Subject", "subject-",
                                         "P-Charging-Vector" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct gh_span name = gh_span_str(names[i]);

        CHECK_INT(gh_sip_hdr_by_name(name), GH_SIP_HDR_OTHER);
        CHECK(!crosses(gh_sip_hdr_by_name(name), name, GH_SPAN("v"), true, GH_SIG_TLS_VERIFIED));
    }
}

/* A URI's "?" part could put a body with keys into a request of the far side: it does not cross. */
static void question_mark_part_goes(void)
{
    struct gh_sip_hdr hdr = { .id = GH_SIP_HDR_P_ASSERTED_IDENTITY,
                              .name = GH_SPAN("P-Asserted-Identity"),
                              .value = GH_SPAN("<sip:1018@example.net?body=a%3Dcrypto>") };
    struct gh_sip_msg msg = { .refs = 1, .request = true, .hdrs = &hdr, .hdr_count = 1 };
    struct gh_papers papers = { .refs = 1, .standing.signalling = GH_SIG_TLS_VERIFIED };
    struct gh_leg leg = { .papers = &papers };
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    gh_sip_out_response(&out, 200, GH_SPAN(""));
    gh_call_copy_headers(&out, &msg, &leg, true);
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    CHECK(memmem(octets.p, octets.len, "1018@example.net", 16) != NULL);
    CHECK(memmem(octets.p, octets.len, "body", 4) == NULL);
    gh_buf_fini(&octets);
}

/* Several of one kind keep their order; the spelling is theirs. */
static void order_and_spelling(void)
{
    struct gh_sip_hdr hdrs[] = {
        { GH_SIP_HDR_USER_TO_USER, GH_SPAN("User-To-User"), GH_SPAN("11;encoding=hex") },
        { GH_SIP_HDR_VIA, GH_SPAN("Via"), GH_SPAN("SIP/2.0/TLS 192.0.2.1") },
        { GH_SIP_HDR_SUBJECT, GH_SPAN("s"), GH_SPAN("lunch") },
        { GH_SIP_HDR_USER_TO_USER, GH_SPAN("USER-TO-USER"), GH_SPAN("22;encoding=hex") },
    };
    struct gh_sip_msg msg = { .refs = 1, .request = true, .hdrs = hdrs, .hdr_count = 4 };
    struct gh_papers papers = { .refs = 1, .standing.signalling = GH_SIG_CLEAR };
    struct gh_leg leg = { .papers = &papers };
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    gh_sip_out_response(&out, 200, GH_SPAN(""));
    gh_call_copy_headers(&out, &msg, &leg, true);
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    CHECK_SPAN(gh_buf_span(&octets),
               "SIP/2.0 200 OK\r\nUser-To-User: 11;encoding=hex\r\ns: lunch\r\n"
               "USER-TO-USER: 22;encoding=hex\r\nContent-Length: 0\r\n\r\n");
    gh_buf_fini(&octets);
}

/* ---- Via and Contact
 * ---------------------------------------------------------------------------------- */

static void check_contact(const struct gh_config_trunk *trunk, bool sips, const char *via_host,
                          const char *contact)
{
    struct gh_call call = { .sips = sips };
    struct gh_leg leg = { .call = &call, .trunk = trunk };
    char host[GH_ADDR_TEXT_MAX], want[256];
    struct gh_dialog_via via = gh_call_via(trunk, host);
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };

    CHECK_SPAN(via.host, via_host);
    CHECK_STR(via.transport, trunk->rules.transport == GH_TRANSPORT_TLS ? "TLS" : "TCP");
    gh_sip_out_response(&out, 200, GH_SPAN(""));
    gh_call_contact(&out, &leg);
    CHECK_INT(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets), 0);
    snprintf(want, sizeof(want), "SIP/2.0 200 OK\r\nContact: %s\r\nContent-Length: 0\r\n\r\n",
             contact);
    CHECK_SPAN(gh_buf_span(&octets), want);
    gh_buf_fini(&octets);
}

static void via_and_contact(void)
{
    struct gh_config_listener four = { .address = {
                                           .family = 4, .ip = { 192, 0, 2, 9 }, .port = 5061 } };
    struct gh_config_listener six = {
        .address = { .family = 6, .ip = { 0x20, 1, 0x0d, 0xb8, [15] = 9 }, .port = 5060 }
    };
    struct gh_config_trunk trunk = { .rules.transport = GH_TRANSPORT_TLS, .listener = &four };

    check_contact(&trunk, false, "192.0.2.9", "<sip:192.0.2.9:5061;transport=tls>");
    check_contact(&trunk, true, "192.0.2.9", "<sips:192.0.2.9:5061>");
    trunk.contact = "border1.example.net";
    check_contact(&trunk, false, "border1.example.net",
                  "<sip:border1.example.net:5061;transport=tls>");
    trunk = (struct gh_config_trunk){ .rules.transport = GH_TRANSPORT_TCP, .listener = &six };
    check_contact(&trunk, false, "[2001:db8::9]", "<sip:[2001:db8::9]:5060;transport=tcp>");
}

int main(void)
{
    RUN(every_header);
    RUN(names_nobody_knows);
    RUN(question_mark_part_goes);
    RUN(order_and_spelling);
    RUN(via_and_contact);
    return CHECK_REPORT();
}
