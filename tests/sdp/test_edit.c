/* SPDX-License-Identifier: Apache-2.0 */
/* Edits change what they name and no other octet; what they write parses again. */
#include "sdp/samples.h"

#define V "v=0\r\n"
#define O "o=- 1 1 IN IP4 192.0.2.1\r\n"
#define S "s=-\r\n"
#define C "c=IN IP4 192.0.2.1\r\n"
#define T "t=0 0\r\n"
#define M "m=audio 4000 RTP/AVP 0 8\r\n"
#define M2 "m=video 4002 RTP/AVP 96\r\n"

static struct gh_addr addr(const char *ip, uint16_t port)
{
    struct gh_addr a = { 0 };

    CHECK_INT(gh_addr_parse_ip(gh_span_str(ip), port, &a), 0);
    return a;
}

static struct gh_span flag(void)
{
    return (struct gh_span){ NULL, 0 };
}

static void test_origin(void)
{
    struct gh_sdp *doc = parse_text(V "o=CiscoSystemsCCM-SIP 161095 1 IN IP4 192.0.2.10 \r\n" S T);
    struct gh_sdp_origin_edit nothing = { .username = flag() };
    struct gh_sdp_origin_edit all = { .username = GH_SPAN("gatehouse"),
                                      .set_id = true, .id = UINT64_MAX,
                                      .set_version = true, .version = 7,
                                      .addr = addr("2001:db8::7", 5) };
    struct gh_sdp_origin_edit version = { .username = flag(), .set_version = true, .version = 8 };
    static const char *const bad[] = { "", "a b", "a\r", " a", "a\n", "inline:x" };

    CHECK_INT(gh_sdp_set_origin(doc, &nothing), 0);
    CHECK_PRINTS(doc, V "o=CiscoSystemsCCM-SIP 161095 1 IN IP4 192.0.2.10\r\n" S T);
    CHECK_INT(gh_sdp_set_origin(doc, &all), 0);
    CHECK_PRINTS(doc, V "o=gatehouse 18446744073709551615 7 IN IP6 2001:db8::7\r\n" S T);
    CHECK_INT(gh_sdp_set_origin(doc, &version), 0);
    CHECK_PRINTS(doc, V "o=gatehouse 18446744073709551615 8 IN IP6 2001:db8::7\r\n" S T);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gh_sdp_origin_edit edit = { .username = gh_span_str(bad[i]) };

        CHECK_INT(gh_sdp_set_origin(doc, &edit), GH_EINVAL);
    }
    CHECK_PRINTS(doc, V "o=gatehouse 18446744073709551615 8 IN IP6 2001:db8::7\r\n" S T);
    gh_sdp_free(doc);
}

static void test_name(void)
{
    struct gh_sdp *doc = parse_text(V O "s=Call to +358 9 1234\r\n" T M);

    CHECK_INT(gh_sdp_set_name(doc, GH_SPAN("")), 0);
    CHECK_PRINTS(doc, V O S T M);
    CHECK_INT(gh_sdp_set_name(doc, GH_SPAN("SIP Call")), 0);
    CHECK_PRINTS(doc, V O "s=SIP Call\r\n" T M);
    CHECK_INT(gh_sdp_set_name(doc, GH_SPAN("x\r\na=y")), GH_EINVAL);
    CHECK_INT(gh_sdp_set_name(doc, gh_span_of("x\0y", 3)), GH_EINVAL);
    CHECK_PRINTS(doc, V O "s=SIP Call\r\n" T M);
    gh_sdp_free(doc);
}

static void test_connection(void)
{
    struct gh_sdp *doc = parse_text(V O S "b=AS:64\r\n" T M "i=x\r\na=y\r\n" M2 "a=z\r\n" C
                                      "c=IN IP4 192.0.2.2\r\n");
    struct gh_addr v4 = addr("198.51.100.1", 9), v6 = addr("2001:db8::9", 9), none = { 0 };

    CHECK_INT(gh_sdp_remove_connection(doc, 1), GH_ESTATE); /* the session has none */
    CHECK_INT(gh_sdp_set_connection(doc, GH_SDP_SESSION, &v4), 0);
    CHECK_INT(gh_sdp_set_connection(doc, 0, &v6), 0);
    CHECK_INT(gh_sdp_set_connection(doc, 1, &v6), 0);
    CHECK_PRINTS(doc, V O S "c=IN IP4 198.51.100.1\r\nb=AS:64\r\n" T M
                            "i=x\r\nc=IN IP6 2001:db8::9\r\na=y\r\n" M2
                            "a=z\r\nc=IN IP6 2001:db8::9\r\n");
    CHECK_INT(gh_sdp_remove_connection(doc, 0), 0);
    CHECK_INT(gh_sdp_remove_connection(doc, GH_SDP_SESSION), GH_ESTATE);
    CHECK_INT(gh_sdp_remove_connection(doc, 2), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_set_connection(doc, 2, &v4), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_set_connection(doc, 0, &none), GH_EINVAL);
    CHECK_PRINTS(doc, V O S "c=IN IP4 198.51.100.1\r\nb=AS:64\r\n" T M "i=x\r\na=y\r\n" M2
                      "a=z\r\nc=IN IP6 2001:db8::9\r\n");
    gh_sdp_free(doc);
}

static void test_media_line(void)
{
    struct gh_sdp *doc =
        parse_text(V O S T "m=audio 49170/2 RTP/AVP 0  8 \r\na=x\r\nm=video 0 RTP/AVP\r\n");

    CHECK_INT(gh_sdp_set_port(doc, 0, 10000), 0);
    CHECK_PRINTS(doc, V O S T "m=audio 10000 RTP/AVP 0  8\r\na=x\r\nm=video 0 RTP/AVP\r\n");
    CHECK_INT(gh_sdp_set_proto(doc, 0, GH_SPAN("RTP/SAVP")), 0);
    CHECK_INT(gh_sdp_set_formats(doc, 0, GH_SPAN("8 101")), 0);
    CHECK_PRINTS(doc, V O S T "m=audio 10000 RTP/SAVP 8 101\r\na=x\r\nm=video 0 RTP/AVP\r\n");
    CHECK_INT(gh_sdp_set_port(doc, 1, 1), GH_ESTATE); /* no formats */
    CHECK_INT(gh_sdp_set_port(doc, 1, 0), 0);
    CHECK_INT(gh_sdp_set_port(doc, 2, 1), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_set_port(doc, GH_SDP_SESSION, 1), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_set_proto(doc, 0, GH_SPAN("RTP/AVP 0")), GH_EINVAL);
    CHECK_INT(gh_sdp_set_proto(doc, 0, GH_SPAN("")), GH_EINVAL);
    CHECK_INT(gh_sdp_set_formats(doc, 0, GH_SPAN("")), GH_EINVAL);
    CHECK_INT(gh_sdp_set_formats(doc, 0, GH_SPAN("0  8")), GH_EINVAL);
    CHECK_INT(gh_sdp_set_formats(doc, 0, GH_SPAN("0 ")), GH_EINVAL);
    CHECK_INT(gh_sdp_set_formats(doc, 0, GH_SPAN("0\r\na=x")), GH_EINVAL);
    CHECK_INT(gh_sdp_set_formats(doc, 0, GH_SPAN("inline%3Ax")), GH_EINVAL);
    CHECK_PRINTS(doc, V O S T "m=audio 10000 RTP/SAVP 8 101\r\na=x\r\nm=video 0 RTP/AVP\r\n");
    gh_sdp_free(doc);
}

static void test_disable_media(void)
{
    struct gh_sdp *doc = parse_text(
        V O S C T M "i=x\r\n" C "b=AS:1\r\nk=prompt\r\na=mid:a\r\na=inactive\r\n"
                    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_CM_80 "\r\n" M2 "a=y\r\n");

    CHECK_INT(gh_sdp_disable_media(doc, 0), 0);
    CHECK_PRINTS(doc, V O S C T "m=audio 0 RTP/AVP 0 8\r\na=mid:a\r\n" M2 "a=y\r\n");
    CHECK_INT(gh_sdp_disable_media(doc, 2), GH_ENOTFOUND);
    gh_sdp_free(doc);

    /* No c= at the session level: the m-line keeps one, but nobody's address. */
    doc = parse_text(V O S T M C "a=x\r\n" M2);
    CHECK_INT(gh_sdp_disable_media(doc, 0), 0);
    CHECK_INT(gh_sdp_disable_media(doc, 1), 0);
    CHECK_PRINTS(doc,
                 V O S T "m=audio 0 RTP/AVP 0 8\r\nc=IN IP4 0.0.0.0\r\nm=video 0 RTP/AVP 96\r\n");
    gh_sdp_free(doc);
}

static void test_append_media(void)
{
    struct gh_sdp *doc = parse_text(V O S T "\r\n");

    CHECK_INT(gh_sdp_append_media(doc, GH_SPAN("audio"), 4000, GH_SPAN("RTP/AVP"), GH_SPAN("0 8")),
              0);
    CHECK_INT(gh_sdp_append_attr(doc, 0, "ptime", GH_SPAN("20")), 0);
    CHECK_INT(gh_sdp_append_media(doc, GH_SPAN("video"), 0, GH_SPAN("RTP/AVP"), GH_SPAN("96")), 0);
    CHECK_INT(gh_sdp_append_attr(doc, GH_SDP_SESSION, "sendrecv", flag()), 0);
    CHECK_PRINTS(doc, V O S T "a=sendrecv\r\n" M "a=ptime:20\r\nm=video 0 RTP/AVP 96\r\n\r\n");
    CHECK_INT(gh_sdp_media_count(doc), 2);
    CHECK_INT(gh_sdp_append_media(doc, GH_SPAN(""), 0, GH_SPAN("RTP/AVP"), GH_SPAN("96")),
              GH_EINVAL);
    CHECK_INT(gh_sdp_append_media(doc, GH_SPAN("a"), 0, GH_SPAN("RTP/"), GH_SPAN("96")), GH_EINVAL);
    for (size_t i = gh_sdp_media_count(doc); i < GH_SDP_MEDIA_MAX; i++)
        CHECK_INT(gh_sdp_append_media(doc, GH_SPAN("audio"), 1, GH_SPAN("x"), GH_SPAN("1")), 0);
    CHECK_INT(gh_sdp_append_media(doc, GH_SPAN("audio"), 1, GH_SPAN("x"), GH_SPAN("1")), GH_ELIMIT);
    gh_sdp_free(doc);
}

static void test_attributes(void)
{
    struct gh_sdp *doc = parse_text(V O S T "a=s\r\n" M "b=AS:64\r\na=x:1\r\na=y\r\na=X:2\r\n" M2);
    struct gh_span value;

    CHECK_INT(gh_sdp_insert_attr(doc, 0, "first", GH_SPAN("")), 0);
    CHECK_INT(gh_sdp_insert_attr(doc, 1, "only", flag()), 0);
    CHECK_INT(gh_sdp_append_attr(doc, 0, "last", GH_SPAN("v w")), 0);
    CHECK_PRINTS(doc, V O S T "a=s\r\n" M
                              "b=AS:64\r\na=first:\r\na=x:1\r\na=y\r\na=X:2\r\na=last:v w\r\n" M2
                              "a=only\r\n");
    CHECK_INT(gh_sdp_set_attr(doc, 0, "x", GH_SPAN("3")),
              0); /* one left, in the place of the first */
    CHECK_INT(gh_sdp_set_attr(doc, 0, "z", flag()), 0);
    CHECK_PRINTS(doc, V O S T "a=s\r\n" M
                              "b=AS:64\r\na=first:\r\na=x:3\r\na=y\r\na=last:v w\r\na=z\r\n" M2
                              "a=only\r\n");
    CHECK(gh_sdp_attr(doc, 0, "x", 0, &value));
    CHECK_SPAN(value, "3");
    CHECK(!gh_sdp_attr(doc, 0, "x", 1, NULL));
    CHECK_INT(gh_sdp_remove_attr(doc, 0, "FIRST"), 1);
    CHECK_INT(gh_sdp_remove_attr(doc, 0, "s"), 0); /* another section */
    CHECK_INT(gh_sdp_remove_attr(doc, GH_SDP_SESSION, "s"), 1);
    CHECK_INT(gh_sdp_remove_attr(doc, 9, "x"), 0);
    CHECK_PRINTS(doc, V O S T M "b=AS:64\r\na=x:3\r\na=y\r\na=last:v w\r\na=z\r\n" M2 "a=only\r\n");
    CHECK_INT(gh_sdp_append_attr(doc, 0, "a b", flag()), GH_EINVAL);
    CHECK_INT(gh_sdp_append_attr(doc, 0, "", flag()), GH_EINVAL);
    CHECK_INT(gh_sdp_append_attr(doc, 0, "x", GH_SPAN("1\n")), GH_EINVAL);
    CHECK_INT(gh_sdp_set_attr(doc, 0, "x:y", flag()), GH_EINVAL);
    CHECK_INT(gh_sdp_append_attr(doc, 2, "x", flag()), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_insert_attr(doc, -2, "x", flag()), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_set_attr(doc, 2, "x", flag()), GH_ENOTFOUND);
    gh_sdp_free(doc);
}

static void test_remove_line(void)
{
    struct gh_sdp *doc = parse_text(V O S "u=x\r\n" T M "a=y\r\n\r\n");

    for (size_t i = 0; i < 3; i++)
        CHECK_INT(gh_sdp_remove_line(doc, i), GH_EINVAL);
    CHECK_INT(gh_sdp_remove_line(doc, 4), GH_EINVAL);
    CHECK_INT(gh_sdp_remove_line(doc, 5), GH_EINVAL);
    CHECK_INT(gh_sdp_remove_line(doc, 8), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_remove_line(doc, 7), 0);
    CHECK_INT(gh_sdp_remove_line(doc, 6), 0);
    CHECK_INT(gh_sdp_remove_line(doc, 3), 0);
    CHECK_PRINTS(doc, V O S T M);
    gh_sdp_free(doc);
}

static void test_rtcp_and_direction(void)
{
    struct gh_sdp *doc =
        parse_text(V O S T "a=sendonly\r\n" M "a=sendrecv\r\na=rtcp:1 IN IP4 192.0.2.99\r\n"
                           "a=inactive\r\n" M2);
    struct gh_addr v4 = addr("198.51.100.1", 4001), v6 = addr("2001:db8::1", 5),
                   port = { .port = 77 };

    CHECK_INT(gh_sdp_set_rtcp(doc, 0, &v4), 0);
    CHECK_INT(gh_sdp_set_rtcp(doc, 1, &v6), 0);
    CHECK_INT(gh_sdp_set_direction(doc, 0, GH_RECVONLY), 0);
    CHECK_INT(gh_sdp_set_direction(doc, 1, GH_INACTIVE), 0);
    CHECK_PRINTS(doc,
                 V O S T "a=sendonly\r\n" M "a=recvonly\r\na=rtcp:4001 IN IP4 198.51.100.1\r\n" M2
                         "a=rtcp:5 IN IP6 2001:db8::1\r\na=inactive\r\n");
    CHECK_INT(gh_sdp_set_rtcp(doc, 1, &port), 0);
    CHECK_INT(gh_sdp_set_direction(doc, GH_SDP_SESSION, GH_SENDRECV), 0);
    CHECK_PRINTS(doc,
                 V O S T "a=sendrecv\r\n" M "a=recvonly\r\na=rtcp:4001 IN IP4 198.51.100.1\r\n" M2
                         "a=rtcp:77\r\na=inactive\r\n");
    CHECK_INT(gh_sdp_set_rtcp(doc, GH_SDP_SESSION, &v4), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_set_direction(doc, 5, GH_SENDRECV), GH_ENOTFOUND);
    gh_sdp_free(doc);
}

static void test_add_crypto(void)
{
    struct gh_sdp *doc = parse_text(V O S T M "b=AS:64\r\na=x\r\n");
    uint8_t key[GH_SUITE_KEY_MAX], back[GH_SUITE_KEY_MAX];
    struct gh_sdp_crypto c;
    size_t len;

    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(i * 7 + 3);
    CHECK_INT(gh_sdp_add_crypto(doc, 0, 1, GH_AEAD_AES_256_GCM, key, 44, 0, 0), 0);
    CHECK_INT(gh_sdp_add_crypto(doc, 0, 2, GH_AEAD_AES_128_GCM, key, 28, 1ULL << 31, 255), 0);
    CHECK_INT(gh_sdp_add_crypto(doc, 0, 999999999, GH_AES_CM_128_HMAC_SHA1_80, key, 30, 1000, 7), 0);
    CHECK_PRINTS(
        doc, V O S T M
        "b=AS:64\r\n"
        "a=crypto:1 AEAD_AES_256_GCM "
        "inline:AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO1dzj6vH4/wYNFBsiKTA=\r\n"
        "a=crypto:2 AEAD_AES_128_GCM inline:AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wA==|2^31|255:1\r\n"
        "a=crypto:999999999 AES_CM_128_HMAC_SHA1_80 "
        "inline:AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO|1000|7:1\r\n"
        "a=x\r\n");
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(gh_sdp_crypto(doc, 0, i, &c), 0);
        CHECK(c.parseable && c.key_len_right && c.params_harmless);
        CHECK_INT(gh_sdp_crypto_key(&c, 0, back, &len), 0);
        CHECK(memcmp(key, back, len) == 0);
    }
    CHECK_INT(gh_sdp_add_crypto(doc, 0, 1, GH_AEAD_AES_256_GCM, key, 43, 0, 0), GH_EINVAL);
    CHECK_INT(gh_sdp_add_crypto(doc, 0, 1, GH_SUITE_NONE, key, 0, 0, 0), GH_EINVAL);
    CHECK_INT(gh_sdp_add_crypto(doc, 0, 1000000000, GH_AEAD_AES_256_GCM, key, 44, 0, 0), GH_EINVAL);
    CHECK_INT(gh_sdp_add_crypto(doc, 0, 1, GH_AEAD_AES_256_GCM, key, 44, (1ULL << 48) + 1, 0),
              GH_EINVAL);
    CHECK_INT(gh_sdp_add_crypto(doc, 1, 1, GH_AEAD_AES_256_GCM, key, 44, 0, 0), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_add_crypto(doc, GH_SDP_SESSION, 1, GH_AEAD_AES_256_GCM, key, 44, 0, 0),
              GH_ENOTFOUND);
    for (uint32_t i = 3; i < GH_SDP_CRYPTO_MAX; i++)
        CHECK_INT(gh_sdp_add_crypto(doc, 0, i, GH_AEAD_AES_128_GCM, key, 28, 0, 0), 0);
    CHECK_INT(gh_sdp_add_crypto(doc, 0, 9, GH_AEAD_AES_128_GCM, key, 28, 0, 0), GH_ELIMIT);
    CHECK_INT(gh_sdp_append_attr(doc, 0, "y", flag()), 0); /* other attributes still fit */
    gh_sdp_free(doc);
}

static void test_copy_crypto(void)
{
    struct gh_sdp *from = parse_text(samples[4].text), *doc = parse_text(V O S T M);
    static const char *const refused[] = {
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_CM_80 "|1:4",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_CM_80 "|1:4;inline:" KEY_CM_32 "|2:4",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_CM_80 " KDR=0",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_CM_80 " -x",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_GCM_128,
        "1 F8_128_HMAC_SHA1_80 inline:" KEY_CM_80,
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "x",
    };
    struct gh_sdp_crypto c;

    CHECK_INT(gh_sdp_crypto(from, 0, 2, &c), 0);
    CHECK_INT(gh_sdp_copy_crypto(doc, 0, 1, &c), 0);
    gh_sdp_crypto_parse(GH_SPAN("9 aes_cm_128_hmac_sha1_32\tINLINE:" KEY_CM_32 "|2^20"), &c);
    CHECK_INT(gh_sdp_copy_crypto(doc, 0, 2, &c), 0);
    gh_sdp_free(from); /* nothing of it is left in the other one */
    CHECK_PRINTS(doc, V O S T M "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_CM_80 "\r\n"
                      "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" KEY_CM_32 "|2^20\r\n");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        gh_sdp_crypto_parse(gh_span_str(refused[i]), &c);
        CHECK_INT(gh_sdp_copy_crypto(doc, 0, 3, &c), GH_ESTATE);
    }
    CHECK_INT(gh_sdp_crypto_count(doc, 0), 2);
    gh_sdp_free(doc);
}

/* New lines end as the document's do; a last line without an end gets one when something follows.
 */
static void test_line_ends(void)
{
    struct gh_sdp *doc =
        parse_text("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 1 RTP/AVP 0");
    struct gh_sdp *copy = NULL;

    CHECK_INT(gh_sdp_append_attr(doc, 0, "x", flag()), 0);
    CHECK_INT(gh_sdp_set_name(doc, GH_SPAN("n")), 0);
    CHECK_PRINTS(doc, "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=n\nt=0 0\nm=audio 1 RTP/AVP 0\na=x\n");
    CHECK_INT(gh_sdp_clone(&copy, doc), 0);
    CHECK_INT(gh_sdp_compare(doc, copy), GH_SDP_SAME); /* though their rows differ */
    CHECK_INT(gh_sdp_remove_attr(doc, 0, "x"), 1);
    CHECK_PRINTS(doc, "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=n\nt=0 0\nm=audio 1 RTP/AVP 0");
    gh_sdp_free(copy);
    gh_sdp_free(doc);
}

static void test_limits(void)
{
    struct gh_sdp *doc = parse_text(V O S T M);
    static char text[GH_SDP_LINE_MAX];
    size_t before;

    memset(text, 'x', sizeof(text));
    CHECK_INT(gh_sdp_append_attr(doc, 0, "y", gh_span_of(text, GH_SDP_LINE_MAX - 4)), 0);
    before = gh_sdp_len(doc);
    CHECK_INT(gh_sdp_append_attr(doc, 0, "y", gh_span_of(text, GH_SDP_LINE_MAX - 3)), GH_ELIMIT);
    CHECK_INT(gh_sdp_set_attr(doc, 0, "y", gh_span_of(text, GH_SDP_LINE_MAX - 3)), GH_ELIMIT);
    for (int i = 0; i < 6; i++)
        CHECK_INT(gh_sdp_append_attr(doc, 0, "z", gh_span_of(text, GH_SDP_LINE_MAX - 4)), 0);
    CHECK_INT(gh_sdp_append_attr(doc, 0, "z", gh_span_of(text, GH_SDP_LINE_MAX - 4)), GH_ELIMIT);
    CHECK_INT(gh_sdp_set_name(doc, gh_span_of(text, GH_SDP_LINE_MAX - 2)), GH_ELIMIT);
    CHECK_INT(gh_sdp_remove_attr(doc, 0, "z"), 6);
    CHECK_INT(gh_sdp_len(doc), before);
    for (int i = 1; i < GH_SDP_ATTRS_MAX; i++)
        gh_sdp_append_attr(doc, 0, "z", flag());
    CHECK_INT(gh_sdp_append_attr(doc, 0, "z", flag()), GH_ELIMIT);
    CHECK_INT(gh_sdp_append_attr(doc, GH_SDP_SESSION, "z", flag()), 0);
    gh_sdp_free(doc);
}

/* Spans from before an edit stay valid until the document goes (a sanitizer would see it). */
static void test_spans_outlive_edits(void)
{
    struct gh_sdp *doc = parse_text(V O S T M "a=x:old\r\n");
    struct gh_span parsed, written;

    CHECK(gh_sdp_attr(doc, 0, "x", 0, &parsed));
    CHECK_INT(gh_sdp_set_attr(doc, 0, "x", GH_SPAN("new")), 0);
    CHECK(gh_sdp_attr(doc, 0, "x", 0, &written));
    CHECK_INT(gh_sdp_remove_attr(doc, 0, "x"), 1);
    for (int i = 0; i < 40; i++)
        CHECK_INT(gh_sdp_append_attr(doc, 0, "y", parsed), 0);
    CHECK_SPAN(parsed, "old");
    CHECK_SPAN(written, "new");
    gh_sdp_free(doc);
}

/* ---- property: any row of edits leaves a document that parses to itself ---- */

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void edit_once(struct gh_sdp *doc, uint32_t *state)
{
    static const char *const names[] = { "ptime", "x-odd", "sendrecv", "crypto", "rtcp" };
    uint8_t key[GH_SUITE_KEY_MAX];
    int section = (int)(next(state) % (gh_sdp_media_count(doc) + 1)) - 1;
    const char *name = names[next(state) % 5];
    struct gh_addr a = { .family = next(state) % 2 ? 4 : 6, .ip = { 10, 1, 2, 3 }, .port = 7 };
    struct gh_sdp_origin_edit origin = { .set_version = true, .version = next(state) };

    memset(key, (int)next(state), sizeof(key));
    switch (next(state) % 14) {
    case 0: gh_sdp_set_origin(doc, &origin); break;
    case 1: gh_sdp_set_name(doc, GH_SPAN("title")); break;
    case 2: gh_sdp_set_connection(doc, section, &a); break;
    case 3: gh_sdp_remove_connection(doc, section); break;
    case 4: gh_sdp_set_port(doc, section, (uint16_t)next(state)); break;
    case 5: gh_sdp_set_proto(doc, section, GH_SPAN("RTP/SAVP")); break;
    case 6: gh_sdp_disable_media(doc, section); break;
    case 7: gh_sdp_append_attr(doc, section, name, GH_SPAN("v")); break;
    case 8: gh_sdp_insert_attr(doc, section, name, GH_SPAN("")); break;
    case 9: gh_sdp_set_attr(doc, section, name, (struct gh_span){ NULL, 0 }); break;
    case 10: gh_sdp_remove_attr(doc, section, name); break;
    case 11: gh_sdp_set_direction(doc, section, (enum gh_direction)(next(state) % 4)); break;
    case 12: gh_sdp_add_crypto(doc, section, 5, GH_AEAD_AES_128_GCM, key, 28, 0, 0); break;
    case 13:
        gh_sdp_append_media(doc, GH_SPAN("text"), 3, GH_SPAN("RTP/AVP"), GH_SPAN("98 99"));
        break;
    }
}

static void test_edited_documents_parse_to_themselves(void)
{
    for (const struct sample *s = samples; s->name; s++) {
        for (uint32_t seed = 1; seed <= 60; seed++) {
            struct gh_sdp *doc = parse_text(s->text), *again = NULL;
            uint32_t state = seed * 2654435761u;
            struct gh_sdp_error error;
            char *buf;
            size_t len = 0;

            for (uint32_t i = 0; i < seed; i++)
                edit_once(doc, &state);
            buf = malloc(gh_sdp_len(doc));
            CHECK_INT(gh_sdp_print(doc, buf, gh_sdp_len(doc), &len), 0);
            CHECK_INT(gh_sdp_parse(&again, gh_span_of(buf, len), &error), 0);
            CHECK_OR_STOP(again);
            CHECK_INT(gh_sdp_compare(doc, again), GH_SDP_SAME);
            CHECK_INT(gh_sdp_media_count(again), gh_sdp_media_count(doc));
            for (size_t i = 0; i < gh_sdp_line_count(doc); i++) {
                struct gh_sdp_line a, b;

                gh_sdp_line(doc, i, &a);
                CHECK_INT(gh_sdp_line(again, i, &b), 0);
                CHECK(a.section == b.section && a.type == b.type && gh_span_eq(a.value, b.value));
            }
            free(buf);
            gh_sdp_free(again);
            gh_sdp_free(doc);
        }
    }
}

int main(void)
{
    RUN(test_origin);
    RUN(test_name);
    RUN(test_connection);
    RUN(test_media_line);
    RUN(test_disable_media);
    RUN(test_append_media);
    RUN(test_attributes);
    RUN(test_remove_line);
    RUN(test_rtcp_and_direction);
    RUN(test_add_crypto);
    RUN(test_copy_crypto);
    RUN(test_line_ends);
    RUN(test_limits);
    RUN(test_spans_outlive_edits);
    RUN(test_edited_documents_parse_to_themselves);
    return CHECK_REPORT();
}
