/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The a=crypto attribute: RFC 4568 sections 6 and 9, suites of RFC 6188 and RFC 7714 besides.
 *
 *   a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<key>|2^20|1:4;inline:<key>|2^20|2:4 KDR=0 -x
 *            |  suite                  key parameters: key|lifetime|MKI         session parameters
 *            tag
 *
 * Facts only: whether a line may be used is for relay/policy.  Fault texts never quote the line.
 */
#include "sdp_int.h"

/* RFC 3711 section 9.2 and RFC 7714 section 6: packets that one SRTP key may protect. */
#define LIFETIME_MAX (1ULL << 48)

_Static_assert(GH_SDP_KEYS_MAX == 4, "a fault names the number");

/* 256^128 has 309 decimal digits. */
#define MKI_DIGITS_MAX 309

#define TAG_DIGITS_MAX 9 /* RFC 4568 section 9.1 */

/* Take the next word off *rest; words stand apart by blanks or tabs. */
static bool take_word(struct gh_span *rest, struct gh_span *word)
{
    size_t len = 0;

    *rest = gh_span_trim(*rest);
    while (len < rest->len && !gh_sdpi_is_blank(rest->p[len]))
        len++;
    *word = gh_span_head(*rest, len);
    *rest = gh_span_from(*rest, len);
    return len > 0;
}

static bool is_suite_name(struct gh_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.p[i];

        if (!gh_ascii_is_alpha(c) && !gh_ascii_is_digit(c) && c != '_')
            return false;
    }
    return name.len > 0;
}

/* ---- key parameters ---- */

/* "2^20" or "1048576".  RFC 4568 section 6.1 */
static bool parse_lifetime(struct gh_span text, uint64_t *packets)
{
    uint64_t power;

    if (gh_span_starts(text, GH_SPAN("2^"))) {
        if (!gh_span_u64(gh_span_from(text, 2), 48, &power))
            return false;
        *packets = 1ULL << power;
        return true;
    }
    return gh_span_u64(text, LIFETIME_MAX, packets) && *packets > 0;
}

static struct gh_span without_zeros(struct gh_span digits)
{
    while (digits.len > 1 && digits.p[0] == '0')
        digits = gh_span_from(digits, 1);
    return digits;
}

/* mki = mki * scale + value, big-endian.  @return false when it does not fit */
static bool multiply_add(uint8_t *mki, size_t octets, uint32_t scale, uint32_t value)
{
    uint64_t carry = value;

    while (octets-- > 0) {
        carry += (uint64_t)mki[octets] * scale;
        mki[octets] = (uint8_t)carry;
        carry >>= 8;
    }
    return carry == 0;
}

int gh_sdp_crypto_mki(const struct gh_sdp_key *key, uint8_t mki[GH_SDP_MKI_MAX])
{
    struct gh_span digits = without_zeros(key->mki);
    uint32_t scale = 1, value = 0;

    if (key->mki.len == 0 || key->mki_octets == 0)
        return GH_ENOTFOUND;
    if (key->mki_octets > GH_SDP_MKI_MAX || digits.len > MKI_DIGITS_MAX)
        return GH_ESYNTAX;
    memset(mki, 0, key->mki_octets);
    for (size_t i = 0; i < digits.len; i++) {
        if (!gh_ascii_is_digit((unsigned char)digits.p[i]))
            return GH_ESYNTAX;
        scale *= 10;
        value = value * 10 + (uint32_t)(digits.p[i] - '0');
        /* Nine digits at once: peers may send hundreds. */
        if (scale < 1000000000 && i + 1 < digits.len)
            continue;
        if (!multiply_add(mki, key->mki_octets, scale, value))
            return GH_ESYNTAX;
        scale = 1;
        value = 0;
    }
    return 0;
}

/* "value:length".  RFC 4568 section 6.1 */
static bool parse_mki(struct gh_span text, struct gh_sdp_key *out)
{
    struct gh_span value = gh_span_take(&text, ':');
    uint8_t octets[GH_SDP_MKI_MAX];
    uint64_t len;

    if (text.len > 3 || !gh_span_u64(text, GH_SDP_MKI_MAX, &len) || len == 0)
        return false;
    out->mki = value;
    out->mki_octets = (uint8_t)len;
    return gh_sdp_crypto_mki(out, octets) == 0;
}

/* Decoded length, and whether the octets are all the same; the decoded key is wiped at once. */
static bool measure_key(struct gh_sdp_key *out)
{
    uint8_t key[GH_SUITE_KEY_MAX];
    unsigned diff = 0;

    if (out->text.len == 0 || gh_sdp_base64_decode(out->text, NULL, 0, &out->octets))
        return false;
    out->unpadded = out->text.len % 4 != 0; /* RFC 4648 section 3.2: whole groups of four */
    if (out->octets > sizeof(key)) /* no suite has such a key, so what it holds does not matter */
        return true;
    gh_sdp_base64_decode(out->text, key, sizeof(key), &out->octets);
    for (size_t i = 1; i < out->octets; i++)
        diff |= (unsigned)(key[i] ^ key[0]);
    explicit_bzero(key, sizeof(key));
    out->all_equal = diff == 0;
    return out->octets > 0;
}

/* One "inline:key|lifetime|mki".  Static text of the fault, or NULL. */
static const char *parse_key_param(struct gh_span text, struct gh_sdp_key *out)
{
    struct gh_span rest, field;
    bool lifetime_may_come = true;

    if (!gh_span_istarts(text, GH_SPAN("inline:")))
        return "key method is not inline";
    rest = gh_span_from(text, sizeof("inline:") - 1);
    if (rest.len == 0 || rest.p[rest.len - 1] == '|')
        return "empty field in a key parameter";
    out->text = gh_span_take(&rest, '|');
    while (rest.len) {
        field = gh_span_take(&rest, '|');
        if (gh_span_find(field, ':') < field.len) {
            if (rest.len || !parse_mki(field, out))
                return "MKI is not value:length, or not the last field";
        } else if (!lifetime_may_come || !parse_lifetime(field, &out->lifetime_pkts)) {
            return "lifetime is not a number from 1 to 2^48";
        }
        lifetime_may_come = false;
    }
    return measure_key(out) ? NULL : "key is not base64";
}

/* RFC 4568 section 6.1: several keys need an MKI each, of one length, and no value twice.  Static
 * text of the fault, or NULL. */
static const char *judge_mkis(const struct gh_sdp_crypto *crypto)
{
    for (size_t i = 0; i < crypto->key_count; i++) {
        const struct gh_sdp_key *key = &crypto->keys[i];

        if (crypto->key_count > 1 && !key->mki_octets)
            return "several keys, and not each has an MKI";
        if (key->mki_octets != crypto->keys[0].mki_octets)
            return "several keys whose MKIs differ in length";
        for (size_t j = 0; j < i; j++) {
            if (gh_span_eq(without_zeros(key->mki), without_zeros(crypto->keys[j].mki)))
                return "two keys have one MKI";
        }
    }
    return NULL;
}

/* One key in base64, with or without padding: there is no other spelling of it.  In time that
 * depends on the lengths alone. */
static bool same_key(struct gh_span a, struct gh_span b)
{
    unsigned diff = 0;

    a = gh_span_head(a, gh_span_find(a, '='));
    b = gh_span_head(b, gh_span_find(b, '='));
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        diff |= (unsigned)(a.p[i] ^ b.p[i]);
    return diff == 0;
}

static bool has_key_twice(const struct gh_sdp_crypto *crypto)
{
    bool twice = false;

    for (size_t i = 0; i < crypto->key_count; i++) {
        for (size_t j = 0; j < i; j++)
            twice |= same_key(crypto->keys[i].text, crypto->keys[j].text);
    }
    return twice;
}

static const char *parse_key_params(struct gh_sdp_crypto *out)
{
    struct gh_span rest = out->key_params;
    size_t want = gh_suite_key_salt_len(out->suite);
    const char *fault;

    if (rest.len == 0 || rest.p[rest.len - 1] == ';')
        return "empty key parameter";
    while (rest.len) {
        struct gh_sdp_key *key = &out->keys[out->key_count];

        if (out->key_count == GH_SDP_KEYS_MAX)
            return "more than four keys";
        fault = parse_key_param(gh_span_take(&rest, ';'), key);
        if (fault)
            return fault;
        out->key_count++;
        out->has_mki |= key->mki_octets > 0;
        out->key_all_equal |= key->all_equal;
    }
    fault = judge_mkis(out);
    if (fault)
        return fault;
    out->key_twice = has_key_twice(out);
    out->key_len_right = out->suite != GH_SUITE_NONE;
    for (size_t i = 0; i < out->key_count; i++)
        out->key_len_right &= out->keys[i].octets == want;
    return NULL;
}

/* ---- session parameters: RFC 4568 section 6.3 ---- */

static bool value_none(struct gh_span value, struct gh_sdp_crypto *out)
{
    (void)out;
    return value.p == NULL;
}

static bool value_kdr(struct gh_span value, struct gh_sdp_crypto *out)
{
    uint64_t power;

    if (value.len > 2 || !gh_span_u64(value, 24, &power)) /* section 6.3.1: 0 to 24 */
        return false;
    out->kdr = (uint8_t)power;
    return true;
}

static bool value_fec_order(struct gh_span value, struct gh_sdp_crypto *out)
{
    (void)out;
    return gh_span_ieq(value, GH_SPAN("FEC_SRTP")) || gh_span_ieq(value, GH_SPAN("SRTP_FEC"));
}

static bool value_any(struct gh_span value, struct gh_sdp_crypto *out)
{
    (void)out;
    return value.len > 0;
}

static bool value_wsh(struct gh_span value, struct gh_sdp_crypto *out)
{
    uint64_t size;

    (void)out;
    return gh_span_u64(value, UINT32_MAX, &size) && size >= 64; /* section 6.3.7 */
}

static const struct {
    const char *name;
    enum gh_sdp_params bit;
    bool (*value)(struct gh_span value, struct gh_sdp_crypto *out);
} session_params[] = {
    { "KDR", GH_SDP_PARAM_KDR, value_kdr },
    { "UNENCRYPTED_SRTP", GH_SDP_PARAM_UNENCRYPTED_SRTP, value_none },
    { "UNENCRYPTED_SRTCP", GH_SDP_PARAM_UNENCRYPTED_SRTCP, value_none },
    { "UNAUTHENTICATED_SRTP", GH_SDP_PARAM_UNAUTHENTICATED_SRTP, value_none },
    { "FEC_ORDER", GH_SDP_PARAM_FEC_ORDER, value_fec_order },
    { "FEC_KEY", GH_SDP_PARAM_FEC_KEY, value_any },
    { "WSH", GH_SDP_PARAM_WSH, value_wsh },
};

static const char *parse_session_param(struct gh_span word, struct gh_sdp_crypto *out)
{
    size_t equals = gh_span_find(word, '=');
    struct gh_span name = gh_span_head(word, equals);
    struct gh_span value =
        equals < word.len ? gh_span_from(word, equals + 1) : (struct gh_span){ NULL, 0 };

    for (size_t i = 0; i < word.len; i++) {
        if (word.p[i] <= ' ' || word.p[i] >= 0x7f)
            return "session parameter is not visible ASCII";
    }
    if (word.p[0] == '-') { /* section 6.3.8: whoever does not know it ignores it */
        out->params |= GH_SDP_PARAM_DASHED;
        return NULL;
    }
    for (size_t i = 0; i < sizeof(session_params) / sizeof(session_params[0]); i++) {
        if (!gh_span_ieq(name, gh_span_str(session_params[i].name)))
            continue;
        if (out->params & session_params[i].bit)
            return "session parameter given twice";
        out->params |= session_params[i].bit;
        return session_params[i].value(value, out) ? NULL : "session parameter with a bad value";
    }
    out->params |= GH_SDP_PARAM_UNKNOWN;
    return NULL;
}

/* ---- the whole attribute ---- */

static const char *parse_crypto(struct gh_span rest, struct gh_sdp_crypto *out)
{
    struct gh_span word;
    const char *fault;
    uint64_t tag;

    if (rest.len == 0 || gh_sdpi_is_blank(rest.p[0]) || !take_word(&rest, &word) ||
        word.len > TAG_DIGITS_MAX || !gh_span_u64(word, UINT32_MAX, &tag))
        return "tag is not one to nine digits";
    out->tag = (uint32_t)tag;
    if (!take_word(&rest, &word) || !is_suite_name(word))
        return "no name of a crypto suite";
    out->suite_name = word;
    out->suite = gh_suite_by_name(word);
    if (!take_word(&rest, &out->key_params))
        return "no key parameters";
    fault = parse_key_params(out);
    for (size_t count = 0; !fault && take_word(&rest, &word); count++)
        fault = count < GH_SDP_PARAMS_MAX ? parse_session_param(word, out)
                                          : "too many session parameters";
    return fault;
}

void gh_sdp_crypto_parse(struct gh_span val, struct gh_sdp_crypto *out)
{
    *out = (struct gh_sdp_crypto){ 0 };
    out->fault = parse_crypto(val, out);
    out->parseable = out->fault == NULL;
    out->key_len_right &= out->parseable;
    out->params_harmless = out->parseable && out->kdr == 0 &&
                           (out->params & ~(unsigned)(GH_SDP_PARAM_DASHED | GH_SDP_PARAM_KDR)) == 0;
}

size_t gh_sdp_crypto_count(const struct gh_sdp *doc, int section)
{
    size_t count = 0;

    while (gh_sdp_attr(doc, section, "crypto", count, NULL))
        count++;
    return count;
}

int gh_sdp_crypto(const struct gh_sdp *doc, int section, size_t nth, struct gh_sdp_crypto *out)
{
    struct gh_span value;

    if (!gh_sdp_attr(doc, section, "crypto", nth, &value))
        return GH_ENOTFOUND;
    gh_sdp_crypto_parse(value, out);
    return 0;
}

int gh_sdp_crypto_key(const struct gh_sdp_crypto *crypto, size_t index,
                      uint8_t key[GH_SUITE_KEY_MAX], size_t *len)
{
    size_t got;
    int err;

    memset(key, 0, GH_SUITE_KEY_MAX);
    if (!crypto->parseable)
        return GH_ESYNTAX;
    if (index >= crypto->key_count)
        return GH_ENOTFOUND;
    if (crypto->suite == GH_SUITE_NONE)
        return GH_ENOSUITE;
    err = gh_sdp_base64_decode(crypto->keys[index].text, key, GH_SUITE_KEY_MAX, &got);
    if (err || got != gh_suite_key_salt_len(crypto->suite)) {
        explicit_bzero(key, GH_SUITE_KEY_MAX);
        return GH_ESYNTAX;
    }
    *len = got;
    return 0;
}
