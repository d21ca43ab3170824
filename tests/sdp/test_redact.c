/* SPDX-License-Identifier: Apache-2.0 */
/* Redaction: what is blanked, what stays readable, and that no key survives. */
#include "sdp/samples.h"

/* Redacts into a block of exactly the right size; the caller frees it. */
static char *redact(const char *text, size_t len)
{
    char *in = malloc(len ? len : 1), *out = malloc(len ? len : 1);

    memcpy(in, text, len);
    gh_sdp_redact(gh_span_of(in, len), out);
    CHECK(memcmp(in, text, len) == 0);
    gh_sdp_redact(gh_span_of(in, len), in); /* in place gives the same */
    CHECK(memcmp(in, out, len) == 0);
    free(in);
    return out;
}

static const struct {
    const char *text, *want;
} rows[] = {
    { "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJD|2^20|1:4 -x\r\na=y",
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:****************\r\na=y" },
    { "A=CRYPTO:1 AES_CM_128_HMAC_SHA1_80 INLINE:QUJD\n",
      "A=CRYPTO:1 AES_CM_128_HMAC_SHA1_80 INLINE:****\n" },
    { "inline:KEY", "inline:***" },
    { "xyzinline:KEY tail", "xyzinline:********" },
    { "inline :KEY", "inline :***" },
    { "inline:\r\n KEY\r\n KEY\r\na=y", "inline:\r\n****\r\n****\r\na=y" }, /* folded */
    { "inline\r\n :KEY", "inline\r\n :***" },
    { "inline:\n\tKEY\nb", "inline:\n****\nb" },
    { "inline:\r\nKEY\r\nb", "inline:\r\n***\r\nb" }, /* broken in the wrong place */
    { "inline:\nKEY\nb", "inline:\n***\nb" },
    { "inline:\r\n", "inline:\r\n" },
    { "inline:\r KEY\rb", "inline:\r****\rb" },
    { "inline%3AKEY", "inline%3A***" },
    { "sip:x?body=a%3Dcrypto%3A1%20inline%3AKEY SIP/2.0",
      "sip:x?body=a%3Dcrypto%3A************************" },
    { "sip:x?body=a%3Dkey-mgmt%3Amikey%20AQAF", "sip:x?body=a%3Dkey-mgmt%3A************" },
    /* malformed a=crypto: everything but a tag and a name that cannot be a key goes */
    { "a=crypto:1 AES_CM_128_HMAC_SHA1_80 KEY", "a=crypto:1 AES_CM_128_HMAC_SHA1_80****" },
    { "a=crypto:KEY", "a=crypto:***" },
    { "a=crypto:1 KEY", "a=crypto:1****" },
    { "a=crypto:1 KEYKEY x", "a=crypto:1*********" }, /* capitals alone might be base64 */
    { "a=crypto:1 WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz x",
      "a=crypto:1*******************************************" },
    { "a=crypto:1234567890 X_Y_Z KEY", "a=crypto:********************" },
    { "a=crypto 1 AES_CM_128_HMAC_SHA1_80 KEY", "a=crypto 1 AES_CM_128_HMAC_SHA1_80****" },
    { "a=crypto:1 aes_cm_128 KEY", "a=crypto:1***************" },
    { "a=crypto:1 X_Y_Z", "a=crypto:1******" },
    { "a=crypto:1 inline:KEY", "a=crypto:1 inline:***" },
    { "a=crypto:inline:KEY", "a=crypto:inline:***" },
    { "a=crypto:", "a=crypto:" },
    { "a=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80 KEY",
      "a=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80****" },
    { "a=cryptoscale:1 KEY\r\nx", "a=cryptoscale:*****\r\nx" },
    { "a=key-mgmt:mikey AQAF\r\nx", "a=key-mgmt:**********\r\nx" },
    { "a=acap:1 Key-Mgmt:mikey AQAF", "a=acap:1 Key-Mgmt:**********" },
    { "k=clear:KEY\r\nx", "k=*********\r\nx" },
    { "K = KEY", "K =****" },
    { "x\n k=KEY\nk", "x\n k=***\nk" },
    { "ok=KEY", "ok=KEY" },
    /* what hides octets hides them from the trace as well */
    { "Content-Transfer-Encoding: base64\r\n\r\nQUJD",
      "Content-Transfer-Encoding: base64\r\n\r\n****" },
    { "content-encoding:gzip\n\nQUJD\n--b", "content-encoding:gzip\n\n****\n***" },
    { "e: gzip\n\nQUJD", "e: gzip\n\n****" },
    { "E : gzip\n\nQUJD", "E : gzip\n\n****" },
    { "Content-Transfer-Encoding:\r\n base64\r\n\r\nQUJD",
      "Content-Transfer-Encoding:\r\n base64\r\n\r\n****" },
    { "Content-Transfer-Encoding: 7bit, base64\r\n\r\nQUJD",
      "Content-Transfer-Encoding: 7bit, base64\r\n\r\n****" },
    { "Content-Transfer-Encoding: 8BIT\r\n\r\nQUJD",
      "Content-Transfer-Encoding: 8BIT\r\n\r\nQUJD" },
    { "Content-Transfer-Encoding:\r\n binary \r\n\r\ninline:K",
      "Content-Transfer-Encoding:\r\n binary \r\n\r\ninline:*" },
    { "Content-Encoding: identity\n\nx", "Content-Encoding: identity\n\nx" },
    { "e=j.doe@example.com\nx", "e=j.doe@example.com\nx" },
    { "Event: x\r\ny", "Event: x\r\ny" },
    /* what is no key stays */
    { "a=fingerprint:SHA-1 4A:AD", "a=fingerprint:SHA-1 4A:AD" },
    { "Content-Disposition: inline\r\nX: y", "Content-Disposition: inline\r\nX: y" },
    { "inline", "inline" },
    { "crypto", "crypto" },
    { "", "" },
};

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].text);
        char *out = redact(rows[i].text, len);

        CHECK_SPAN(gh_span_of(out, len), rows[i].want);
        free(out);
    }
}

static void test_utf16(void)
{
    static const char text[] = "i\0n\0l\0i\0n\0e\0:\0K\0E\0Y\0\r\0\n\0x\0";
    char *out = redact(text, sizeof(text) - 1);

    CHECK(memcmp(out, "i\0n\0l\0i\0n\0e\0:*******\r", 21) == 0);
    CHECK(out[24] == 'x');
    free(out);
}

static void test_sip_message(void)
{
    static const char head[] = "INVITE sip:1001@192.0.2.1:5061;transport=tls SIP/2.0\r\n"
                               "Call-ID: a84b4c76\r\nContent-Disposition: inline\r\n"
                               "Content-Type: application/sdp\r\nContent-Length: 1\r\n\r\n";
    size_t head_len = sizeof(head) - 1, body_len = strlen(samples[4].text);
    char *text = malloc(head_len + body_len), *out;

    memcpy(text, head, head_len);
    memcpy(text + head_len, samples[4].text, body_len);
    out = redact(text, head_len + body_len);
    CHECK(memcmp(out, head, head_len) == 0);
    CHECK(!memmem(out, head_len + body_len, KEY_GCM_256, 8));
    CHECK(!memmem(out, head_len + body_len, KEY_GCM_128, 8));
    CHECK(!memmem(out, head_len + body_len, KEY_CM_80, 8));
    CHECK(!memmem(out, head_len + body_len, KEY_CM_32, 8));
    CHECK(memmem(out, head_len + body_len, "a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:*", 43) !=
          NULL);
    CHECK(memmem(out, head_len + body_len, "a=fmtp:97 profile-level-id=42E01F\r\n", 35) != NULL);
    free(text);
    free(out);
}

/* Every document that parses: its keys, however its a=crypto lines look, are gone; redacting twice
 * changes nothing more. */
static void test_samples(void)
{
    for (const struct sample *s = samples; s->name; s++) {
        size_t len = strlen(s->text);
        char *out = redact(s->text, len), *again = redact(out, len);
        struct gh_sdp *doc = parse_text(s->text);

        CHECK(memcmp(out, again, len) == 0);
        for (int m = 0; m < (int)gh_sdp_media_count(doc); m++) {
            struct gh_sdp_crypto c;

            for (size_t n = 0; gh_sdp_crypto(doc, m, n, &c) == 0; n++) {
                for (size_t k = 0; k < c.key_count; k++)
                    CHECK(!memmem(out, len, c.keys[k].text.p, c.keys[k].text.len));
            }
        }
        gh_sdp_free(doc);
        free(out);
        free(again);
    }
}

int main(void)
{
    RUN(test_rows);
    RUN(test_utf16);
    RUN(test_sip_message);
    RUN(test_samples);
    return CHECK_REPORT();
}
