/* SPDX-License-Identifier: Apache-2.0 */
/* The a=crypto attribute: grammar, facts, keys; base64. */
#include "sdp/samples.h"

#define K30 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz" /* RFC 4568, offer/answer example */
#define K30_OTHER "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"
#define CM80 "AES_CM_128_HMAC_SHA1_80 "

static void parse(const char *value, struct gh_sdp_crypto *out)
{
    gh_sdp_crypto_parse(gh_span_str(value), out);
}

/* ---- vectors ---- */

static void test_rfc4568_mki_without_lifetime(void)
{
    /* RFC 4568 section 6.1: key, no lifetime, MKI 1066 of 4 octets */
    struct gh_sdp_crypto c;
    uint8_t mki[GH_SDP_MKI_MAX], key[GH_SUITE_KEY_MAX];
    size_t len;

    parse("1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2|1066:4", &c);
    CHECK_OR_STOP(c.parseable);
    CHECK_INT(c.tag, 1);
    CHECK_INT(c.suite, GH_AES_CM_128_HMAC_SHA1_80);
    CHECK_INT(c.key_count, 1);
    CHECK_INT(c.keys[0].lifetime_pkts, 0);
    CHECK_SPAN(c.keys[0].mki, "1066");
    CHECK_INT(c.keys[0].mki_octets, 4);
    CHECK(c.has_mki && c.key_len_right && c.params_harmless && !c.key_all_equal);
    CHECK_INT(gh_sdp_crypto_mki(&c.keys[0], mki), 0);
    CHECK(memcmp(mki, "\x00\x00\x04\x2a", 4) == 0);
    CHECK_INT(gh_sdp_crypto_key(&c, 0, key, &len), 0);
    CHECK_SPAN(gh_span_of((char *)key, len), "aBCdefghiJKLmoPQrsTuVwyz123456");
    CHECK_INT(gh_sdp_crypto_key(&c, 1, key, &len), GH_ENOTFOUND);
}

static void test_rfc4568_offer(void)
{
    struct gh_sdp *doc = parse_text(samples[2].text); /* RFC 4568, offer/answer example */
    uint8_t key[GH_SUITE_KEY_MAX];
    struct gh_sdp_crypto c;
    size_t len;

    CHECK_INT(gh_sdp_crypto_count(doc, 0), 2);
    CHECK_INT(gh_sdp_crypto(doc, 0, 0, &c), 0);
    CHECK(c.parseable);
    CHECK_INT(c.keys[0].lifetime_pkts, 1 << 20);
    CHECK_INT(c.params, GH_SDP_PARAM_FEC_ORDER);
    CHECK(!c.params_harmless);
    CHECK_INT(gh_sdp_crypto_key(&c, 0, key, &len), 0);
    CHECK_SPAN(gh_span_of((char *)key, len), "YS___semctl () {\t220;}\n}\nunles");

    CHECK_INT(gh_sdp_crypto(doc, 0, 1, &c), 0);
    CHECK(c.parseable);
    CHECK_INT(c.tag, 2);
    CHECK_INT(c.suite, GH_SUITE_NONE); /* F8 is never usable, but its line is right */
    CHECK_SPAN(c.suite_name, "F8_128_HMAC_SHA1_80");
    CHECK_INT(c.key_count, 2);
    CHECK_SPAN(c.keys[1].text, "QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5");
    CHECK_SPAN(c.keys[1].mki, "2");
    CHECK(c.has_mki && !c.key_len_right);
    CHECK_INT(c.keys[1].octets, 30);
    CHECK_INT(gh_sdp_crypto_key(&c, 0, key, &len), GH_ENOSUITE);
    CHECK_INT(gh_sdp_crypto(doc, 0, 2, &c), GH_ENOTFOUND);
    CHECK_INT(gh_sdp_crypto(doc, GH_SDP_SESSION, 0, &c), GH_ENOTFOUND);
    gh_sdp_free(doc);
}

/* Lengths: RFC 4568 section 6.2, RFC 6188 section 7, RFC 7714 section 14.2. */
static void test_suites_and_lengths(void)
{
    static const struct {
        const char *value;
        enum gh_suite suite;
        size_t octets;
        bool right;
    } rows[] = {
        { "1 AEAD_AES_256_GCM inline:" KEY_GCM_256, GH_AEAD_AES_256_GCM, 44, true },
        { "1 AEAD_AES_128_GCM inline:" KEY_GCM_128, GH_AEAD_AES_128_GCM, 28, true },
        { "1 AES_256_CM_HMAC_SHA1_80 "
          "inline:Aw8dLT9TaYGbt9X1FzthibPfDT1vo9kRS4fFBUeL0Rljr/1Nn/NJoftXtRV32w==",
          GH_AES_256_CM_HMAC_SHA1_80, 46, true },
        { "1 AES_256_CM_HMAC_SHA1_32 "
          "inline:Aw8dLT9TaYGbt9X1FzthibPfDT1vo9kRS4fFBUeL0Rljr/1Nn/NJoftXtRV32w",
          GH_AES_256_CM_HMAC_SHA1_32, 46, true }, /* rtpengine writes no padding */
        { "1 AES_CM_128_HMAC_SHA1_80 inline:" K30, GH_AES_CM_128_HMAC_SHA1_80, 30, true },
        { "1 AES_CM_128_HMAC_SHA1_32 inline:" K30, GH_AES_CM_128_HMAC_SHA1_32, 30, true },
        { "1 aes_cm_128_hmac_sha1_32 inline:" K30, GH_AES_CM_128_HMAC_SHA1_32, 30, true },
        { "1 AEAD_AES_128_GCM inline:" KEY_GCM_256, GH_AEAD_AES_128_GCM, 44, false },
        { "1 AEAD_AES_256_GCM inline:" K30, GH_AEAD_AES_256_GCM, 30, false },
        { "1 AES_CM_128_HMAC_SHA1_80 inline:QUJD", GH_AES_CM_128_HMAC_SHA1_80, 3, false },
        { "1 AES_192_CM_HMAC_SHA1_80 inline:" K30, GH_SUITE_NONE, 30, false },
        { "1 NULL_HMAC_SHA1_80 inline:" K30, GH_SUITE_NONE, 30, false },
    };
    uint8_t key[GH_SUITE_KEY_MAX];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_sdp_crypto c;
        size_t len = 0;
        int want = rows[i].right ? 0 : rows[i].suite ? GH_ESYNTAX : GH_ENOSUITE;

        parse(rows[i].value, &c);
        CHECK(c.parseable);
        CHECK_INT(c.suite, rows[i].suite);
        CHECK_INT(c.keys[0].octets, rows[i].octets);
        CHECK_INT(c.key_len_right, rows[i].right);
        CHECK_INT(gh_sdp_crypto_key(&c, 0, key, &len), want);
        if (rows[i].right)
            CHECK_INT(len, rows[i].octets);
        else
            CHECK(key[0] == 0 && memcmp(key, key + 1, sizeof(key) - 1) == 0);
    }
}

/* ---- lifetime and MKI ---- */

static void test_key_fields(void)
{
    static const struct {
        const char *fields;   /* after the key */
        bool right;
        uint64_t lifetime;
        uint8_t mki_octets;
    } rows[] = {
        { "", true, 0, 0 },
        { "|2^20", true, 1 << 20, 0 },
        { "|2^0", true, 1, 0 },
        { "|2^31", true, 1ULL << 31, 0 },
        { "|2^48", true, 1ULL << 48, 0 },
        { "|2^49", false, 0, 0 },
        { "|2^064", false, 0, 0 },
        { "|2^", false, 0, 0 },
        { "|2^-1", false, 0, 0 },
        { "|2^18446744073709551616", false, 0, 0 },
        { "|1048576", true, 1048576, 0 },
        { "|1", true, 1, 0 },
        { "|281474976710656", true, 1ULL << 48, 0 },
        { "|281474976710657", false, 0, 0 },
        { "|18446744073709551617", false, 0, 0 },
        { "|0", false, 0, 0 },
        { "|", false, 0, 0 },
        { "||1:4", false, 0, 0 },
        { "|2^20|", false, 0, 0 },
        { "|2^20|2^20", false, 0, 0 },
        { "|3^20", false, 0, 0 },
        { "|+5", false, 0, 0 },
        { "|2^20|1:4", true, 1 << 20, 4 },
        { "|1:4", true, 0, 4 },
        { "|1:1", true, 0, 1 },
        { "|255:1", true, 0, 1 },
        { "|256:1", false, 0, 0 },      /* does not fit */
        { "|0000255:1", true, 0, 1 },
        { "|4294967295:4", true, 0, 4 },
        { "|4294967296:4", false, 0, 0 },
        { "|1:128", true, 0, 128 },
        { "|1:129", false, 0, 0 },
        { "|1:0", false, 0, 0 },
        { "|1:0004", false, 0, 0 },
        { "|1:", false, 0, 0 },
        { "|:4", false, 0, 0 },
        { "|x:4", false, 0, 0 },
        { "|1:4|2^20", false, 0, 0 },   /* MKI is the last field */
        { "|1:4|2:4", false, 0, 0 },
        { "|1:4:4", false, 0, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char value[256];
        struct gh_sdp_crypto c;

        snprintf(value, sizeof(value), "1 " CM80 "inline:" K30 "%s", rows[i].fields);
        parse(value, &c);
        if (!CHECK_INT(c.parseable, rows[i].right))
            fprintf(stderr, "  in: %s\n", rows[i].fields);
        CHECK((c.fault == NULL) == rows[i].right);
        if (rows[i].right) {
            CHECK(c.keys[0].lifetime_pkts == rows[i].lifetime);
            CHECK_INT(c.keys[0].mki_octets, rows[i].mki_octets);
        }
    }
}

static void test_mki_octets(void)
{
    struct gh_sdp_key key = { .mki = GH_SPAN(
                                  "115792089237316195423570985008687907853269984665640564039457"
                                  "584007913129639935"),
                              .mki_octets = 32 }; /* 2^256 - 1 */
    uint8_t mki[GH_SDP_MKI_MAX];

    CHECK_INT(gh_sdp_crypto_mki(&key, mki), 0);
    for (size_t i = 0; i < 32; i++)
        CHECK_INT(mki[i], 0xff);
    key.mki_octets = 31;
    CHECK_INT(gh_sdp_crypto_mki(&key, mki), GH_ESYNTAX);
    key.mki_octets = 0;
    CHECK_INT(gh_sdp_crypto_mki(&key, mki), GH_ENOTFOUND);
}

/* RFC 4568 section 4.1 has this line with F8_128_HMAC_SHA1_80, which is never usable: the same keys
 * fit AES_CM_128. */
static void test_rfc4568_two_keys(void)
{
    static const char *const keys[] = { "123456789ABCDE0123456789ABcdef",
                                        "ABcdef123456789ABCDE0123456789" };
    struct gh_sdp_crypto c;

    parse("2 " CM80 "inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;"
          "inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4", &c);
    CHECK_OR_STOP(c.parseable);
    CHECK_INT(c.key_count, 2);
    CHECK(c.has_mki && c.key_len_right && c.params_harmless && !c.key_all_equal && !c.key_twice);
    for (size_t k = 0; k < 2; k++) {
        uint8_t mki[GH_SDP_MKI_MAX], key[GH_SUITE_KEY_MAX];
        size_t len;

        CHECK_INT(c.keys[k].lifetime_pkts, 1 << 20);
        CHECK_INT(c.keys[k].mki_octets, 4);
        CHECK_INT(gh_sdp_crypto_mki(&c.keys[k], mki), 0);
        CHECK(mki[0] == 0 && mki[1] == 0 && mki[2] == 0 && mki[3] == k + 1);
        CHECK_INT(gh_sdp_crypto_key(&c, k, key, &len), 0);
        CHECK_SPAN(gh_span_of((char *)key, len), keys[k]);
    }
}

static void test_several_keys(void)
{
    static const char none[] = "several keys, and not each has an MKI";
    static const char lengths[] = "several keys whose MKIs differ in length";
    static const char value[] = "two keys have one MKI";
    static const struct {
        const char *params;
        const char *fault; /* RFC 4568 section 6.1; NULL: none */
        size_t keys;
        bool twice;
    } rows[] = {
        { "inline:" K30 "|2^20|1:4;inline:" K30_OTHER "|2^20|2:4", NULL, 2, false },
        { "inline:" K30 "|1:4;inline:" K30_OTHER "|2^20|2:4", NULL, 2, false },
        { "inline:" K30 "|1:4;INLINE:" K30_OTHER "|0:4", NULL, 2, false },
        { "inline:" K30 "|1:4;inline:" K30_OTHER "|2:4;inline:" K30 "|3:4", NULL, 3, true },
        { "inline:" K30 "|1:4;inline:" K30 "|2:4", NULL, 2, true },
        { "inline:QUJD|1:4;inline:QUJD|2:4", NULL, 2, true },
        { "inline:QUJDRA|1:4;inline:QUJDRA==|2:4", NULL, 2, true },
        { "inline:QUJDRA|1:4;inline:QUJDRB|2:4", "key is not base64", 0, false },
        { "inline:QUJD|1:4;inline:QUJDRA|2:4", NULL, 2, false },
        { "inline:" K30 ";inline:" K30_OTHER, none, 0, false },
        { "inline:" K30 "|1:4;inline:" K30_OTHER, none, 0, false },
        { "inline:" K30 ";inline:" K30_OTHER "|1:4", none, 0, false },
        { "inline:" K30 "|2^20;inline:" K30_OTHER "|2^20", none, 0, false },
        { "inline:" K30 "|1:4;inline:" K30_OTHER "|2:2", lengths, 0, false },
        { "inline:" K30 "|1:4;inline:" K30_OTHER "|1:2", lengths, 0, false },
        { "inline:" K30 "|1:4;inline:" K30_OTHER "|1:4", value, 0, false },
        { "inline:" K30 "|1:4;inline:" K30_OTHER "|01:4", value, 0, false },
        { "inline:" K30 "|1:4;inline:" K30_OTHER "|2:4;inline:" K30 "|1:4", value, 0, false },
        { "inline:" K30 "|1:4;", "empty key parameter", 0, false },
        { ";inline:" K30, "key method is not inline", 0, false },
        { "inline:" K30 "|1:4;;inline:" K30 "|2:4", "key method is not inline", 0, false },
        { "inline:" K30 "|1:4;uri:" K30 "|2:4", "key method is not inline", 0, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        struct gh_sdp_crypto c;

        snprintf(text, sizeof(text), "1 " CM80 "%s", rows[i].params);
        parse(text, &c);
        if (!CHECK_STR(c.fault ? c.fault : "", rows[i].fault ? rows[i].fault : ""))
            fprintf(stderr, "  in: %s\n", rows[i].params);
        CHECK_INT(c.parseable, rows[i].fault == NULL);
        if (rows[i].fault)
            continue;
        CHECK_INT(c.key_count, rows[i].keys);
        CHECK_INT(c.key_twice, rows[i].twice);
    }
}

static void test_too_many_keys(void)
{
    char value[2048] = "1 " CM80;
    struct gh_sdp_crypto c;

    for (int i = 1; i <= GH_SDP_KEYS_MAX + 1; i++) {
        size_t at = strlen(value);

        snprintf(value + at, sizeof(value) - at, "%sinline:" K30 "|%d:4", i > 1 ? ";" : "", i);
        parse(value, &c);
        CHECK_STR(c.fault ? c.fault : "", i <= GH_SDP_KEYS_MAX ? "" : "more than four keys");
    }
}

/* ---- session parameters ---- */

static void test_session_params(void)
{
    static const struct {
        const char *params;
        bool right, harmless;
        unsigned bits;
        uint8_t kdr;
    } rows[] = {
        { "", true, true, 0, 0 },
        { " ", true, true, 0, 0 },
        { " KDR=0", true, true, GH_SDP_PARAM_KDR, 0 },
        { " kdr=0", true, true, GH_SDP_PARAM_KDR, 0 },
        { " KDR=1", true, false, GH_SDP_PARAM_KDR, 1 },
        { " KDR=24", true, false, GH_SDP_PARAM_KDR, 24 },
        { " KDR=25", false, false, 0, 0 },
        { " KDR=000", false, false, 0, 0 },
        { " KDR=", false, false, 0, 0 },
        { " KDR", false, false, 0, 0 },
        { " KDR=0 KDR=5", false, false, 0, 0 },
        { " UNENCRYPTED_SRTP", true, false, GH_SDP_PARAM_UNENCRYPTED_SRTP, 0 },
        { " UNENCRYPTED_SRTCP", true, false, GH_SDP_PARAM_UNENCRYPTED_SRTCP, 0 },
        { " UNAUTHENTICATED_SRTP", true, false, GH_SDP_PARAM_UNAUTHENTICATED_SRTP, 0 },
        { " UNENCRYPTED_SRTP UNENCRYPTED_SRTCP", true, false,
          GH_SDP_PARAM_UNENCRYPTED_SRTP | GH_SDP_PARAM_UNENCRYPTED_SRTCP, 0 },
        { " UNENCRYPTED_SRTP=no", false, false, 0, 0 },
        { " FEC_ORDER=FEC_SRTP", true, false, GH_SDP_PARAM_FEC_ORDER, 0 },
        { " FEC_ORDER=SRTP_FEC", true, false, GH_SDP_PARAM_FEC_ORDER, 0 },
        { " FEC_ORDER=X", false, false, 0, 0 },
        { " FEC_KEY=inline:" K30_OTHER "|2^20|2:4", true, false, GH_SDP_PARAM_FEC_KEY, 0 },
        { " FEC_KEY=", false, false, 0, 0 },
        { " WSH=64", true, false, GH_SDP_PARAM_WSH, 0 },
        { " WSH=63", false, false, 0, 0 },
        { " WSH=60", false, false, 0, 0 },
        { " -x", true, true, GH_SDP_PARAM_DASHED, 0 },
        { " -UNENCRYPTED_SRTP", true, true, GH_SDP_PARAM_DASHED, 0 },
        { " -KDR=7 -y=z", true, true, GH_SDP_PARAM_DASHED, 0 },
        { " x", true, false, GH_SDP_PARAM_UNKNOWN, 0 },
        { " -x y", true, false, GH_SDP_PARAM_DASHED | GH_SDP_PARAM_UNKNOWN, 0 },
        { "\tKDR=0\t-x", true, true, GH_SDP_PARAM_KDR | GH_SDP_PARAM_DASHED, 0 },
        { " \x01", false, false, 0, 0 },
        { " \xc3\xa4", false, false, 0, 0 },
        { " -\x7f", false, false, 0, 0 },
        { " -1 -2 -3 -4 -5 -6 -7 -8 -9 -a -b -c -d -e -f -g", true, true, GH_SDP_PARAM_DASHED, 0 },
        { " -1 -2 -3 -4 -5 -6 -7 -8 -9 -a -b -c -d -e -f -g -h", false, false, 0, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char value[256];
        struct gh_sdp_crypto c;

        snprintf(value, sizeof(value), "1 " CM80 "inline:" K30 "%s", rows[i].params);
        parse(value, &c);
        if (!CHECK_INT(c.parseable, rows[i].right) ||
            !CHECK_INT(c.params_harmless, rows[i].harmless))
            fprintf(stderr, "  in:%s\n", rows[i].params);
        if (rows[i].right) {
            CHECK_INT(c.params, rows[i].bits);
            CHECK_INT(c.kdr, rows[i].kdr);
        }
    }
}

/* ---- the line as a whole ---- */

static void test_grammar(void)
{
    static const struct {
        const char *value;
        bool right;
    } rows[] = {
        { "1 " CM80 "inline:" K30, true },
        { "0 " CM80 "inline:" K30, true },
        { "999999999 " CM80 "inline:" K30, true },
        { "1000000000 " CM80 "inline:" K30, false }, /* ten digits */
        { "0000000001 " CM80 "inline:" K30, false },
        { "000000001 " CM80 "inline:" K30, true },
        { "1\t" CM80 "  inline:" K30 "  ", true },
        { "1 " CM80 "INLINE:" K30, true },
        { "", false },
        { "1", false },
        { "1 ", false },
        { "1 AES_CM_128_HMAC_SHA1_80", false },
        { "1 " CM80, false },
        { " 1 " CM80 "inline:" K30, false },
        { "-1 " CM80 "inline:" K30, false },
        { "x " CM80 "inline:" K30, false },
        { "1 AES-CM inline:" K30, false },
        { "1 " CM80 K30, false },
        { "1 " CM80 "inline:", false },
        { "1 " CM80 "inline:|2^20", false },
        { "1 " CM80 "inline " K30, false },
        { "1 " CM80 "uri:https://example.com/key", false },
        { "1 " CM80 "inline:!!!!", false },
        { "1 " CM80 "inline:====", false },
        { "1 " CM80 "inline:A", false },
        { "1 " CM80 "inline:" K30 "=", false },
        { "1 " CM80 "inline:" K30 "A", false },
        { "1 " CM80 "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubG-_", false }, /* base64url */
        { "1 " CM80 "inline:WVNf\x80X19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t key[GH_SUITE_KEY_MAX];
        struct gh_sdp_crypto c;
        size_t len;

        parse(rows[i].value, &c);
        if (!CHECK_INT(c.parseable, rows[i].right))
            fprintf(stderr, "  in: %s\n", rows[i].value);
        CHECK_INT(gh_sdp_crypto_key(&c, 0, key, &len), rows[i].right ? 0 : GH_ESYNTAX);
        if (!rows[i].right)
            CHECK(c.fault && !c.key_len_right && !c.params_harmless);
    }
}

/* RFC 4648 section 3.2.  Tolerated, and told; cut in half it is refused. */
static void test_unpadded(void)
{
    static const struct row {
        const char *value;
        bool right, unpadded;
    } rows[] = {
        { "1 AEAD_AES_128_GCM inline:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA==", true, false },
        { "1 AEAD_AES_128_GCM inline:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA=", false, false },
        { "1 AEAD_AES_128_GCM inline:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA", true, true },
        { "1 AEAD_AES_128_GCM inline:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA|2^20", true, true },
        { "1 " CM80 "inline:" K30, true, false },
        { "1 " CM80 "inline:" K30 "|2^20|1:4", true, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_sdp_crypto c;

        parse(rows[i].value, &c);
        CHECK_INT(c.parseable, rows[i].right);
        if (rows[i].right)
            CHECK_INT(c.keys[0].unpadded, rows[i].unpadded);
    }
}

static void test_all_equal(void)
{
    struct gh_sdp_crypto c;

    parse("1 " CM80 "inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &c); /* 30 zeros */
    CHECK(c.parseable && c.key_len_right && c.key_all_equal);
    parse("1 " CM80 "inline:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB", &c); /* 30 times "A" */
    CHECK(c.parseable && c.key_all_equal);
    parse("1 " CM80 "inline:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFC",
          &c); /* the last one is "B" */
    CHECK(c.parseable && !c.key_all_equal);
    parse("1 " CM80 "inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
          &c); /* one bit of the last octet */
    CHECK(c.parseable && !c.key_all_equal);
    parse("1 " CM80 "inline:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          &c); /* one bit of the first */
    CHECK(c.parseable && !c.key_all_equal);
    parse("1 " CM80 "inline:" K30 "|1:1;inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA|2:1", &c);
    CHECK(c.parseable && c.key_all_equal && !c.keys[0].all_equal && c.keys[1].all_equal);
}

/* The view reads the spelling of the RFC alone; the scan in test_scan.c finds the others. */
static void test_view_wants_the_rfc_name(void)
{
    struct gh_sdp *doc =
        parse_text("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
                   "a=crypto:7 " CM80 "inline:" K30 "\r\n"
                   "m=audio 4000 RTP/SAVP 0\r\na=Crypto:1 " CM80 "inline:" K30 "\r\n"
                   "a=crypto\r\n");
    struct gh_sdp_crypto c;

    CHECK_INT(gh_sdp_crypto_count(doc, GH_SDP_SESSION), 1);
    CHECK_INT(gh_sdp_crypto_count(doc, 0), 1);
    CHECK_INT(gh_sdp_crypto(doc, 0, 0, &c), 0);
    CHECK(!c.parseable);
    gh_sdp_free(doc);
}

/* ---- base64 ---- */

static void test_base64_vectors(void)
{
    /* RFC 4648 section 10 */
    static const struct {
        const char *octets, *text;
    } rows[] = {
        { "", "" },           { "f", "Zg==" },         { "fo", "Zm8=" },          { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[16];
        uint8_t octets[16];
        size_t len = 99;
        struct gh_span bare = gh_span_str(rows[i].text);

        CHECK_INT(gh_sdp_base64_encode((const uint8_t *)rows[i].octets, strlen(rows[i].octets),
                                       text, sizeof(text), &len),
                  0);
        CHECK_SPAN(gh_span_of(text, len), rows[i].text);
        CHECK_INT(gh_sdp_base64_decode(gh_span_str(rows[i].text), octets, sizeof(octets), &len), 0);
        CHECK_SPAN(gh_span_of((char *)octets, len), rows[i].octets);
        while (bare.len && bare.p[bare.len - 1] == '=')
            bare.len--;
        CHECK_INT(gh_sdp_base64_decode(bare, octets, sizeof(octets), &len), 0);
        CHECK_SPAN(gh_span_of((char *)octets, len), rows[i].octets);
    }
}

static void test_base64_every_letter(void)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len, good = 0;

    for (int c = 0; c < 256; c++) {
        char text[4] = { 'A', 'A', 'A', (char)c }, back[4];
        const char *hit = c ? strchr(alphabet, c) : NULL;
        uint8_t octets[3];
        int err = gh_sdp_base64_decode(gh_span_of(text, 4), octets, 3, &len);

        if (c == '=') {
            CHECK_INT(err, 0); /* padding, two octets */
            CHECK_INT(len, 2);
            continue;
        }
        CHECK_INT(err, hit ? 0 : GH_ESYNTAX);
        if (!hit)
            continue;
        good++;
        CHECK_INT(octets[2], hit - alphabet);
        CHECK_INT(gh_sdp_base64_encode(octets, 3, back, 4, &len), 0);
        CHECK(memcmp(back, text, 4) == 0);
    }
    CHECK_INT(good, 64);
}

static void test_base64_strict(void)
{
    static const char *const bad[] = { "Z",     "Zg=",    "Zm8==",    "Z===",     "=",    "==",
                                       "====",  "Zm9vZ",  "Zh==",     "Zm9=",     "Zh",   "Zm9",
                                       "Zm 9v", "Zm9v\n", "Zg==Zg==", "Zm9v====", "Zg=A", "-_==" };
    uint8_t octets[16];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(octets, 0xee, sizeof(octets));
        if (!CHECK_INT(gh_sdp_base64_decode(gh_span_str(bad[i]), octets, sizeof(octets), NULL),
                       GH_ESYNTAX))
            fprintf(stderr, "  in: %s\n", bad[i]);
        CHECK(octets[0] == 0 && octets[15] == 0);
        CHECK_INT(gh_sdp_base64_decode(gh_span_str(bad[i]), NULL, 0, NULL), GH_ESYNTAX);
    }
    memset(octets, 0xee, sizeof(octets));
    CHECK_INT(gh_sdp_base64_decode(gh_span_str("Zm9vYmFy"), octets, 5, NULL), GH_EFULL);
    CHECK(octets[0] == 0 && octets[5] == 0xee);
    CHECK_INT(gh_sdp_base64_decode(gh_span_str("Zm9vYmFy"), octets, 6, NULL), 0);
}

static void test_base64_round_trip(void)
{
    uint8_t octets[GH_SUITE_KEY_MAX], back[GH_SUITE_KEY_MAX];
    char text[GH_SDP_BASE64_MAX];
    size_t text_len, len;

    for (size_t n = 0; n <= sizeof(octets); n++) {
        for (size_t i = 0; i < n; i++)
            octets[i] = (uint8_t)(n * 41 + i * 97 + (i * i >> 1));
        CHECK_INT(gh_sdp_base64_encode(octets, n, text, sizeof(text), &text_len), 0);
        CHECK_INT(gh_sdp_base64_decode(gh_span_of(text, text_len), back, sizeof(back), &len), 0);
        CHECK(len == n && memcmp(octets, back, n) == 0);
        if (text_len)
            CHECK_INT(gh_sdp_base64_encode(octets, n, text, text_len - 1, &text_len), GH_EFULL);
    }
}

int main(void)
{
    RUN(test_rfc4568_mki_without_lifetime);
    RUN(test_rfc4568_offer);
    RUN(test_suites_and_lengths);
    RUN(test_key_fields);
    RUN(test_mki_octets);
    RUN(test_rfc4568_two_keys);
    RUN(test_several_keys);
    RUN(test_too_many_keys);
    RUN(test_session_params);
    RUN(test_grammar);
    RUN(test_unpadded);
    RUN(test_all_equal);
    RUN(test_view_wants_the_rfc_name);
    RUN(test_base64_vectors);
    RUN(test_base64_every_letter);
    RUN(test_base64_strict);
    RUN(test_base64_round_trip);
    return CHECK_REPORT();
}
