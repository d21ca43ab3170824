/* SPDX-License-Identifier: Apache-2.0 */
/* Typed views, and the key-free facts of an m-line. */
#include "sdp/samples.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"

static void check_addr(const struct gh_addr *addr, const char *want)
{
    char buf[GH_ADDR_TEXT_MAX];

    CHECK_STR(gh_addr_text(addr, buf), want);
}

static void test_origin(void)
{
    struct gh_sdp *doc = parse_text(samples[0].text);
    struct gh_sdp_origin o;

    gh_sdp_origin(doc, &o);
    CHECK_SPAN(o.username, "jdoe");
    CHECK_SPAN(o.id, "3724394400");
    CHECK_SPAN(o.version, "3724394405");
    CHECK(o.id_fits && o.version_fits);
    CHECK(o.id_number == 3724394400ULL && o.version_number == 3724394405ULL);
    CHECK_SPAN(o.address, "198.51.100.1");
    check_addr(&o.addr, "198.51.100.1:0");
    gh_sdp_free(doc);

    doc = parse_text("v=0\r\no=x 18446744073709551615 18446744073709551616 IN IP6 host.example \r\n"
                     "s=-\r\nt=0 0\r\n");
    gh_sdp_origin(doc, &o);
    CHECK(o.id_fits && o.id_number == UINT64_MAX);
    CHECK(!o.version_fits);
    CHECK_SPAN(o.version, "18446744073709551616");
    CHECK_SPAN(o.address, "host.example");
    CHECK_INT(o.addr.family, 0);
    gh_sdp_free(doc);
}

static void test_connection_values(void)
{
    static const struct {
        const char *value, *host;
        const char *addr;     /* NULL: none */
        bool multicast, suffix, internet;
    } rows[] = {
        { "IN IP4 192.0.2.1", "192.0.2.1", "192.0.2.1:0", false, false, true },
        { "IN IP4 0.0.0.0", "0.0.0.0", "0.0.0.0:0", false, false, true },
        { "IN IP6 2001:db8::2", "2001:db8::2", "[2001:db8::2]:0", false, false, true },
        { "IN IP6 ::ffff:192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1:0", false, false, true },
        { "in ip4 192.0.2.1", "192.0.2.1", "192.0.2.1:0", false, false, true },
        { "IN IP4 media.example.com", "media.example.com", NULL, false, false, true },
        { "IN IP6 media.example.com", "media.example.com", NULL, false, false, true },
        { "IN IP4 224.2.1.1/127", "224.2.1.1", "224.2.1.1:0", true, true,
          true }, /* RFC 8866 section 5.7 */
        { "IN IP4 224.2.1.1/127/3", "224.2.1.1", "224.2.1.1:0", true, true, true },
        { "IN IP6 ff00::db8:0:101/3", "ff00::db8:0:101", "[ff00::db8:0:101]:0", true, true, true },
        { "IN IP4 239.255.255.255", "239.255.255.255", "239.255.255.255:0", true, false, true },
        { "IN IP4 223.255.255.255", "223.255.255.255", "223.255.255.255:0", false, false, true },
        { "IN IP4 240.0.0.1", "240.0.0.1", "240.0.0.1:0", false, false, true },
        { "IN IP4 161.44.17.12/127", "161.44.17.12", "161.44.17.12:0", false, true,
          true }, /* RFC 4568 */
        { "ATM NSAP 47.0091", "47.0091", NULL, false, false, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        struct gh_sdp_connection c;
        struct gh_sdp *doc;

        snprintf(text, sizeof(text), HEAD "c=%s\r\n", rows[i].value);
        doc = parse_text(text);
        CHECK_OR_STOP(doc);
        CHECK_INT(gh_sdp_connection(doc, GH_SDP_SESSION, &c), 0);
        CHECK_SPAN(c.host, rows[i].host);
        CHECK_INT(c.multicast, rows[i].multicast);
        CHECK_INT(c.has_suffix, rows[i].suffix);
        CHECK_INT(c.internet, rows[i].internet);
        CHECK(!c.several);
        if (rows[i].addr)
            check_addr(&c.addr, rows[i].addr);
        else
            CHECK_INT(c.addr.family, 0);
        gh_sdp_free(doc);
    }
}

static void test_connection_level(void)
{
    struct gh_sdp *doc = parse_text(samples[0].text);
    struct gh_sdp_connection c;

    CHECK_INT(gh_sdp_connection(doc, 0, &c), 0);
    CHECK_INT(c.section, GH_SDP_SESSION);
    check_addr(&c.addr, "198.51.100.1:0");
    CHECK_INT(gh_sdp_connection(doc, 2, &c), 0);
    CHECK_INT(c.section, 2);
    check_addr(&c.addr, "[2001:db8::2]:0");
    CHECK_INT(gh_sdp_connection(doc, 3, &c), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_connection(doc, -2, &c), GH_ENOTFOUND);
    gh_sdp_free(doc);

    doc = parse_text(HEAD "m=audio 1 RTP/AVP 0\r\nm=audio 1 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n"
                          "c=IN IP4 192.0.2.2\r\n");
    CHECK_INT(gh_sdp_connection(doc, 0, &c), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_connection(doc, 1, &c), 0);
    check_addr(&c.addr, "192.0.2.1:0");
    CHECK(c.several);
    gh_sdp_free(doc);
}

static void test_media_values(void)
{
    static const struct {
        const char *value;
        enum gh_media_kind kind;
        uint16_t port, count;
        enum gh_profile profile;
        bool feedback;
        size_t formats;
    } rows[] = {
        { "audio 49170 RTP/AVP 0 8 101", GH_MEDIA_AUDIO, 49170, 1, GH_PROFILE_AVP, false, 3 },
        { "video 51372 RTP/SAVP 31", GH_MEDIA_VIDEO, 51372, 1, GH_PROFILE_SAVP, false, 1 },
        { "audio 65535 RTP/AVPF 0", GH_MEDIA_AUDIO, 65535, 1, GH_PROFILE_AVP, true, 1 },
        { "audio 0 RTP/SAVPF 0", GH_MEDIA_AUDIO, 0, 1, GH_PROFILE_SAVP, true, 1 },
        { "audio 9 UDP/TLS/RTP/SAVP 0", GH_MEDIA_AUDIO, 9, 1, GH_PROFILE_DTLS, false, 1 },
        { "audio 9 UDP/TLS/RTP/SAVPF 0", GH_MEDIA_AUDIO, 9, 1, GH_PROFILE_DTLS, true, 1 },
        { "audio 9 TCP/RTP/AVP 0", GH_MEDIA_AUDIO, 9, 1, GH_PROFILE_OTHER, false, 1 },
        { "audio 9 TCP/TLS/RTP/SAVP 0", GH_MEDIA_AUDIO, 9, 1, GH_PROFILE_OTHER, false, 1 },
        { "application 24638 UDP/UDT/IX *", GH_MEDIA_APPLICATION, 24638, 1, GH_PROFILE_OTHER, false,
          1 },
        { "application 5070 UDP/BFCP *", GH_MEDIA_APPLICATION, 5070, 1, GH_PROFILE_OTHER, false,
          1 },
        { "image 5000 udptl t38", GH_MEDIA_IMAGE, 5000, 1, GH_PROFILE_UDPTL, false, 1 },
        { "IMAGE 5000 UDPTL t38", GH_MEDIA_IMAGE, 5000, 1, GH_PROFILE_UDPTL, false, 1 },
        { "audio 5000 udptl t38", GH_MEDIA_AUDIO, 5000, 1, GH_PROFILE_OTHER, false, 1 },
        { "image 5000 udptlx t38", GH_MEDIA_IMAGE, 5000, 1, GH_PROFILE_OTHER, false, 1 },
        { "image 5000 UDP/TLS/UDPTL t38", GH_MEDIA_IMAGE, 5000, 1, GH_PROFILE_OTHER, false, 1 },
        { "image 5000 tcp t38", GH_MEDIA_IMAGE, 5000, 1, GH_PROFILE_OTHER, false, 1 },
        { "image 5000 RTP/AVP 100", GH_MEDIA_IMAGE, 5000, 1, GH_PROFILE_AVP, false, 1 },
        { "application 5000 RTP/AVP 100", GH_MEDIA_APPLICATION, 5000, 1, GH_PROFILE_AVP, false, 1 },
        { "text 11000 RTP/AVP 98", GH_MEDIA_TEXT, 11000, 1, GH_PROFILE_AVP, false, 1 },
        { "message 7654 TCP/MSRP *", GH_MEDIA_OTHER, 7654, 1, GH_PROFILE_OTHER, false, 1 },
        { "video 49170/2 RTP/AVP 31", GH_MEDIA_VIDEO, 49170, 2, GH_PROFILE_AVP, false,
          1 }, /* section 5.14 */
        { "video 0 RTP/AVP", GH_MEDIA_VIDEO, 0, 1, GH_PROFILE_AVP, false, 0 },
        { "audio 1 rtp/savp 0", GH_MEDIA_AUDIO, 1, 1, GH_PROFILE_SAVP, false, 1 },
        { "audio 1 RTP/SAVPX 0", GH_MEDIA_AUDIO, 1, 1, GH_PROFILE_OTHER, false, 1 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        struct gh_sdp_media m;
        struct gh_span rest, format;
        struct gh_sdp *doc;
        size_t count = 0;

        snprintf(text, sizeof(text), HEAD "m=%s\r\n", rows[i].value);
        doc = parse_text(text);
        CHECK_OR_STOP(doc);
        CHECK_INT(gh_sdp_media(doc, 0, &m), 0);
        CHECK_INT(m.kind, rows[i].kind);
        CHECK_INT(m.port, rows[i].port);
        CHECK_INT(m.port_count, rows[i].count);
        CHECK_INT(m.profile, rows[i].profile);
        CHECK_INT(m.feedback, rows[i].feedback);
        CHECK_INT(m.format_count, rows[i].formats);
        for (rest = m.formats; gh_sdp_format_next(&rest, &format); count++)
            CHECK(format.len > 0);
        CHECK_INT(count, rows[i].formats);
        CHECK_INT(gh_sdp_media(doc, 1, &m), GH_ENOTFOUND);
        CHECK_INT(gh_sdp_media(doc, -1, &m), GH_ENOTFOUND);
        gh_sdp_free(doc);
    }
}

static void test_direction(void)
{
    static const struct {
        const char *session, *media;
        enum gh_direction want;
    } rows[] = {
        { "", "", GH_SENDRECV },
        { "a=sendonly\r\n", "", GH_SENDONLY },
        { "a=sendonly\r\n", "a=recvonly\r\n", GH_RECVONLY },
        { "a=inactive\r\n", "a=sendrecv\r\n", GH_SENDRECV },
        { "", "a=sendonly\r\na=recvonly\r\n", GH_INACTIVE }, /* what any forbids is forbidden */
        { "", "a=sendrecv\r\na=inactive\r\n", GH_INACTIVE },
        { "", "a=inactive\r\na=sendrecv\r\n", GH_INACTIVE },
        { "", "a=Inactive\r\n", GH_SENDRECV },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        struct gh_sdp *doc;

        snprintf(text, sizeof(text), HEAD "%sm=audio 1 RTP/AVP 0\r\n%s", rows[i].session,
                 rows[i].media);
        doc = parse_text(text);
        CHECK_INT(gh_sdp_direction(doc, 0), rows[i].want);
        gh_sdp_free(doc);
    }
    CHECK_STR(gh_sdp_direction_name(GH_INACTIVE), "inactive");
    CHECK_STR(gh_sdp_direction_name(GH_SENDONLY), "sendonly");
    CHECK_STR(gh_sdp_direction_name(GH_RECVONLY), "recvonly");
    CHECK_STR(gh_sdp_direction_name(GH_SENDRECV), "sendrecv");
}

static void test_rtcp(void)
{
    /* RFC 3605 section 2.1 */
    static const struct {
        const char *value;
        int err;
        uint16_t port;
        const char *addr; /* NULL: none */
    } rows[] = {
        { "53020", 0, 53020, NULL },
        { "53020 IN IP4 126.16.64.4", 0, 53020, "126.16.64.4:53020" },
        { "53020 IN IP6 2001:2345:6789:ABCD:EF01:2345:6789:ABCD", 0, 53020,
          "[2001:2345:6789:abcd:ef01:2345:6789:abcd]:53020" },
        { "53020 IN IP4 host.example", 0, 53020, "none" },
        { "65536", GH_ESYNTAX, 0, NULL },
        { "", GH_ESYNTAX, 0, NULL },
        { "x", GH_ESYNTAX, 0, NULL },
        { "53020 IN IP4", GH_ESYNTAX, 0, NULL },
        { "53020 IN IP4 2001:db8::1", GH_ESYNTAX, 0, NULL },
        { "53020 IN IP4 192.0.2.1 x", GH_ESYNTAX, 0, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        struct gh_sdp_rtcp rtcp;
        struct gh_sdp *doc;

        snprintf(text, sizeof(text), HEAD "m=audio 1 RTP/AVP 0\r\na=rtcp:%s\r\n", rows[i].value);
        doc = parse_text(text);
        CHECK_INT(gh_sdp_rtcp(doc, 0, &rtcp), rows[i].err);
        if (rows[i].err == 0) {
            CHECK_INT(rtcp.port, rows[i].port);
            CHECK_INT(rtcp.has_addr, rows[i].addr != NULL);
            if (rtcp.addr.family)
                check_addr(&rtcp.addr, rows[i].addr);
        }
        CHECK_INT(gh_sdp_rtcp(doc, 1, &rtcp), GH_ENOTFOUND);
        gh_sdp_free(doc);
    }
}

#define SHA1 "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB" /* RFC 8122 section 5 */
#define SHA256                                                                                     \
    "12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:"   \
    "4A:AD"

static void test_fingerprint_values(void)
{
    static const struct {
        const char *value;
        size_t len; /* 0: syntax error */
    } rows[] = {
        { "SHA-1 " SHA1, 20 },
        { "sha-1 " SHA1, 20 },
        { "sha-256 " SHA256, 32 },
        { "sha-256 "
          "12:df:3e:5d:49:6b:19:e5:7c:ab:4a:ad:b9:b1:3f:82:18:3b:54:02:12:df:3e:5d:49:6b:19:e5:7c:"
          "ab:4a:ad",
          32 },
        { "sha-256 " SHA1, 0 },
        { "sha-1 " SHA256, 0 },
        { "sha-512 " SHA256 ":" SHA256, 64 },
        { "sha-512 " SHA256 ":" SHA256 ":00", 0 },
        { "new-hash AB", 1 },
        { "sha-1", 0 },
        { "sha-1 ", 0 },
        { "new-hash A", 0 },
        { "new-hash AB:", 0 },
        { "new-hash AB:C", 0 },
        { "new-hash ABCD", 0 },
        { "new-hash AB CD", 0 },
        { "new-hash AG", 0 },
        { "new-hash  AB", 0 },
        { "", 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        struct gh_sdp_fingerprint f;
        struct gh_sdp *doc;

        snprintf(text, sizeof(text), HEAD "m=audio 1 RTP/AVP 0\r\na=fingerprint:%s\r\n",
                 rows[i].value);
        doc = parse_text(text);
        if (!CHECK_INT(gh_sdp_fingerprint(doc, 0, 0, &f), rows[i].len ? 0 : GH_ESYNTAX))
            fprintf(stderr, "  in: %s\n", rows[i].value);
        if (rows[i].len)
            CHECK_INT(f.len, rows[i].len);
        gh_sdp_free(doc);
    }
}

static void test_fingerprint_level(void)
{
    struct gh_sdp *doc =
        parse_text(HEAD "a=fingerprint:sha-1 " SHA1 "\r\na=setup:actpass\r\n"
                        "m=audio 1 RTP/AVP 0\r\n"
                        "m=audio 1 RTP/AVP 0\r\na=setup:passive\r\n"
                        "a=fingerprint:sha-256 " SHA256 "\r\na=fingerprint:x AB\r\n");
    struct gh_sdp_fingerprint f;

    CHECK_INT(gh_sdp_fingerprint(doc, 0, 0, &f), 0);
    CHECK_INT(f.section, GH_SDP_SESSION);
    CHECK_SPAN(f.hash, "sha-1");
    CHECK(f.octets[0] == 0x4a && f.octets[19] == 0xab);
    CHECK_INT(gh_sdp_fingerprint(doc, 0, 1, &f), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_fingerprint(doc, 1, 0, &f), 0);
    CHECK_INT(f.section, 1);
    CHECK_SPAN(f.hash, "sha-256");
    CHECK_INT(gh_sdp_fingerprint(doc, 1, 1, &f), 0);
    CHECK_INT(gh_sdp_fingerprint(doc, 1, 2, &f),
              GH_ENOTFOUND); /* the session's does not count here */
    CHECK_INT(gh_sdp_setup(doc, 0), GH_SETUP_ACTPASS);
    CHECK_INT(gh_sdp_setup(doc, 1), GH_SETUP_PASSIVE);
    gh_sdp_free(doc);
}

static void test_setup_mid_group(void)
{
    struct gh_sdp *doc = parse_text(HEAD "a=group:BUNDLE 0 1 \r\na=group:LS\r\na=group:\r\n"
                                         "m=audio 1 RTP/AVP 0\r\na=mid:0\r\na=setup:holdconn\r\n"
                                         "m=audio 1 RTP/AVP 0\r\na=mid:\r\na=setup:Active\r\n"
                                         "m=audio 1 RTP/AVP 0\r\na=setup\r\na=rtcp-mux\r\n");
    struct gh_sdp_group group;
    struct gh_span mid, one;

    CHECK_INT(gh_sdp_group(doc, 0, &group), 0);
    CHECK_SPAN(group.semantics, "BUNDLE");
    CHECK(gh_sdp_format_next(&group.mids, &one));
    CHECK_SPAN(one, "0");
    CHECK(gh_sdp_format_next(&group.mids, &one));
    CHECK_SPAN(one, "1");
    CHECK(!gh_sdp_format_next(&group.mids, &one));
    CHECK_INT(gh_sdp_group(doc, 1, &group), 0);
    CHECK_INT(group.mids.len, 0);
    CHECK_INT(gh_sdp_group(doc, 2, &group), GH_ESYNTAX);
    CHECK_INT(gh_sdp_group(doc, 3, &group), GH_ENOTFOUND);
    CHECK(gh_sdp_mid(doc, 0, &mid));
    CHECK_SPAN(mid, "0");
    CHECK(!gh_sdp_mid(doc, 1, &mid));
    CHECK(!gh_sdp_mid(doc, 2, &mid));
    CHECK_INT(gh_sdp_setup(doc, 0), GH_SETUP_HOLDCONN);
    CHECK_INT(gh_sdp_setup(doc, 1), GH_SETUP_BAD);
    CHECK_INT(gh_sdp_setup(doc, 2), GH_SETUP_BAD);
    CHECK_INT(gh_sdp_setup(doc, GH_SDP_SESSION), GH_SETUP_NONE);
    CHECK(gh_sdp_rtcp_mux(doc, 2) && !gh_sdp_rtcp_mux(doc, 1));
    gh_sdp_free(doc);
}

static void test_facts_cucm(void)
{
    struct gh_sdp *doc = parse_text(samples[4].text);
    struct gh_sdp_media_facts f;

    CHECK_INT(gh_sdp_media_facts(doc, 0, &f), 0);
    CHECK_INT(f.kind, GH_MEDIA_AUDIO);
    CHECK_INT(f.profile, GH_PROFILE_SAVP);
    CHECK_INT(f.offers, GH_SDP_OFFERS_SDES);
    CHECK_INT(f.crypto_count, 4);
    CHECK_INT(f.crypto_parseable, 4);
    CHECK_INT(f.direction, GH_SENDRECV);
    CHECK_INT(f.port, 24632);
    check_addr(&f.rtp, "192.0.2.20:24632");
    check_addr(&f.rtcp, "192.0.2.20:24633");
    CHECK_INT(gh_sdp_media_facts(doc, 1, &f), 0);
    CHECK_INT(f.kind, GH_MEDIA_VIDEO);
    CHECK_INT(f.crypto_count, 1);
    CHECK_INT(gh_sdp_media_facts(doc, 2, &f), 0);
    CHECK_INT(f.profile, GH_PROFILE_OTHER);
    CHECK_INT(f.offers, GH_SDP_OFFERS_DTLS);
    CHECK_INT(gh_sdp_media_facts(doc, 3, &f), GH_ENOTFOUND);
    gh_sdp_free(doc);
}

static void test_facts_rfc8643(void)
{
    struct gh_sdp *doc = parse_text(samples[3].text);
    struct gh_sdp_media_facts f;

    CHECK_INT(gh_sdp_media_facts(doc, 0, &f), 0);
    CHECK_INT(f.profile, GH_PROFILE_AVP);
    CHECK_INT(f.offers, GH_SDP_OFFERS_SDES | GH_SDP_OFFERS_DTLS);
    CHECK(f.rtcp_mux);
    check_addr(&f.rtp, "[2001:db8::1]:49170");
    check_addr(&f.rtcp, "[2001:db8::1]:49170"); /* multiplexed: a=rtcp does not count */
    gh_sdp_free(doc);
}

static void test_facts_addresses(void)
{
    static const struct {
        const char *text, *rtp, *rtcp;
        bool name, any, multicast;
    } rows[] = {
        { "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", "0.0.0.0:4000", "0.0.0.0:4001", false,
          true, false },
        { "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 host.example\r\n", "none:4000", "none:0", true, false,
          false },
        { "m=audio 4000 RTP/AVP 0\r\n", "none:0", "none:0", false, false, false },
        { "m=audio 65535 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n", "192.0.2.1:65535", "none:0", false,
          false, false },
        { "m=audio 0 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n", "192.0.2.1:0", "192.0.2.1:0", false,
          false, false },
        { "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\na=rtcp:5000\r\n", "192.0.2.1:4000",
          "192.0.2.1:5000", false, false, false },
        { "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\na=rtcp:5000 IN IP4 192.0.2.2\r\n",
          "192.0.2.1:4000", "192.0.2.2:5000", false, false, false },
        { "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\na=rtcp:5000 IN IP4 name\r\n",
          "192.0.2.1:4000", "none:0", false, false, false },
        { "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\na=rtcp:x\r\n", "192.0.2.1:4000",
          "none:0", false, false, false },
        { "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.0.0.1/1\r\n", "224.0.0.1:4000", "224.0.0.1:4001",
          false, false, true },
        { "m=audio 4000 RTP/AVP 0\r\nc=ATM NSAP 47\r\n", "none:0", "none:0", false, false, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        struct gh_sdp_media_facts f;
        struct gh_sdp *doc;

        snprintf(text, sizeof(text), HEAD "%s", rows[i].text);
        doc = parse_text(text);
        CHECK_INT(gh_sdp_media_facts(doc, 0, &f), 0);
        if (f.rtp.family)
            check_addr(&f.rtp, rows[i].rtp);
        else
            CHECK(strncmp(rows[i].rtp, "none", 4) == 0 && f.rtp.port == 0);
        check_addr(&f.rtcp, rows[i].rtcp);
        CHECK_INT(f.host_is_name, rows[i].name);
        CHECK_INT(f.connection_any, rows[i].any);
        CHECK_INT(f.multicast, rows[i].multicast);
        gh_sdp_free(doc);
    }
}

static void test_facts_crypto_lines(void)
{
    struct gh_sdp *doc = parse_text(HEAD "m=audio 1 RTP/SAVP 0\r\n"
                                    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_CM_80 "\r\n"
                                    "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" KEY_GCM_128 "\r\n"
                                    "a=crypto:broken\r\na=crypto:also broken\r\n"
                                    "m=audio 1 RTP/SAVP 0\r\n"
                                    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_CM_80 "\r\n"
                                    "a=crypto:01 AES_CM_128_HMAC_SHA1_32 inline:" KEY_CM_32 "\r\n");
    struct gh_sdp_media_facts f;

    CHECK_INT(gh_sdp_media_facts(doc, 0, &f), 0);
    CHECK_INT(f.crypto_count, 4);
    CHECK_INT(f.crypto_parseable, 1);
    CHECK(!f.crypto_tag_twice);
    CHECK_INT(gh_sdp_media_facts(doc, 1, &f), 0);
    CHECK_INT(f.crypto_parseable, 2);
    CHECK(f.crypto_tag_twice);
    gh_sdp_free(doc);
}

int main(void)
{
    RUN(test_origin);
    RUN(test_connection_values);
    RUN(test_connection_level);
    RUN(test_media_values);
    RUN(test_direction);
    RUN(test_rtcp);
    RUN(test_fingerprint_values);
    RUN(test_fingerprint_level);
    RUN(test_setup_mid_group);
    RUN(test_facts_cucm);
    RUN(test_facts_rfc8643);
    RUN(test_facts_crypto_lines);
    RUN(test_facts_addresses);
    return CHECK_REPORT();
}
