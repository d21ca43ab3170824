/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate says: names, dates, purposes, strengths (RFC 5280 section 4, RFC 5922
 * section 7.1, RFC 5924).  Everything here is a peer's text.  Who may call himself what is left to
 * policy.
 */
#include "crypto/cert_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "crypto/openssl_int.h"

#define OID_SIP_DOMAIN "1.3.6.1.5.5.7.3.20" /* id-kp-sipDomain, RFC 5924 */

/* ---- chain ----------------------------------------------------------------------------------- */

int gh_chain_new(struct gh_chain **out, const STACK_OF(X509) *certs)
{
    struct gh_chain *chain = calloc(1, sizeof(*chain));

    if (!chain)
        return GH_ENOMEM;
    chain->refs = 1;
    chain->certs = X509_chain_up_ref((STACK_OF(X509) *)certs);
    if (!chain->certs) {
        free(chain);
        return GH_ENOMEM;
    }
    *out = chain;
    return 0;
}

struct gh_chain *gh_chain_ref(struct gh_chain *chain)
{
    if (chain)
        chain->refs++;
    return chain;
}

void gh_chain_unref(struct gh_chain *chain)
{
    if (!chain || --chain->refs)
        return;
    sk_X509_pop_free(chain->certs, X509_free);
    free(chain);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_printable(struct gh_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < ' ' || text.p[i] > '~')
            return false;
    }
    return true;
}

/* Keep @text as a name, or count it: RFC 5280 section 4.2.1.6 knows no empty names, a NUL inside
 * ends a name too early for readers in C (CVE-2009-2408), and beyond ASCII two names can look the
 * same. */
static void add_name(struct gh_cert_facts *facts, enum gh_name_kind kind, struct gh_span text)
{
    struct gh_cert_name *name;
    bool blank = kind != GH_NAME_CN && gh_span_find(text, ' ') < text.len;

    if (text.len == 0 || text.len > GH_CERT_NAME_MAX || blank || !is_printable(text) ||
        facts->name_count == GH_CERT_NAMES_MAX) {
        facts->odd_names++;
        return;
    }
    name = &facts->names[facts->name_count++];
    name->kind = kind;
    memcpy(name->text, text.p, text.len);
    name->text[text.len] = 0;
}

static struct gh_span string_span(const ASN1_STRING *string)
{
    return gh_span_of((const char *)ASN1_STRING_get0_data(string),
                      (size_t)ASN1_STRING_length(string));
}

/* Host of the rest of a SIP URI behind the scheme: RFC 3261 section 25.1, hostport without the
 * port. Empty when what stands there is no host. */
static struct gh_span uri_host(struct gh_span rest)
{
    size_t end = 0;

    if (rest.len && rest.p[0] == '[') {
        end = gh_span_find(rest, ']');
        if (end == rest.len)
            return gh_span_of(rest.p, 0);
        end++;
    } else {
        while (end < rest.len && (gh_ascii_is_alpha((unsigned char)rest.p[end]) ||
                                  gh_ascii_is_digit((unsigned char)rest.p[end]) ||
                                  rest.p[end] == '-' || rest.p[end] == '.' || rest.p[end] == '*'))
            end++;
    }
    /* A wildcard is no host, but it goes on as text: whether it may match is policy's to say. */
    if (end < rest.len && !memchr(":;?", rest.p[end], 3))
        return gh_span_of(rest.p, 0);
    return gh_span_head(rest, end);
}

/* RFC 5922 section 7.1: a URI is a domain's identity when its scheme is "sip" in any case and it
 * has no user part; then its host counts, and port, parameters and headers do not.  A "sips" URI is
 * no identity, but a certificate that has one does speak of SIP in its SAN, so its CN does not
 * count either. */
static void add_uri(struct gh_cert_facts *facts, struct gh_span uri)
{
    struct gh_span rest;

    if (gh_span_istarts(uri, GH_SPAN("sips:"))) {
        facts->has_san = true;
        return;
    }
    if (!gh_span_istarts(uri, GH_SPAN("sip:")))
        return;
    facts->has_san = true;
    rest = gh_span_from(uri, 4);
    /* A user part may hold ';', '?' and more before its '@' (RFC 3261 section 25.1), so any '@'
     * makes one. */
    if (gh_span_find(rest, '@') < rest.len)
        return;
    add_name(facts, GH_NAME_URI, uri_host(rest));
}

/* The CN is the last one of the subject, the most specific: RFC 6125 section 6.4.4.  Others are not
 * looked at. */
static void add_cn(struct gh_cert_facts *facts, const X509_NAME *subject)
{
    unsigned char *utf8 = NULL;
    int at = -1, last = -1, len;

    while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
        last = at;
    if (last < 0)
        return;
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    if (len < 0)
        facts->odd_names++;
    else
        add_name(facts, GH_NAME_CN, gh_span_of((const char *)utf8, (size_t)len));
    OPENSSL_free(utf8);
}

static int read_names(X509 *cert, struct gh_cert_facts *facts)
{
    int critical = 0;
    GENERAL_NAMES *sans = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
    size_t san_count = sans ? (size_t)sk_GENERAL_NAME_num(sans) : 0;
    size_t room = san_count < GH_CERT_NAMES_MAX ? san_count + 1 : GH_CERT_NAMES_MAX;

    /* -1: there is no SAN.  Anything else without a value: it is broken or there twice, so it was
     * meant to say something, and the CN must not speak for it. */
    if (!sans && critical != -1) {
        facts->has_san = true;
        facts->odd_names++;
    }
    facts->names = calloc(room, sizeof(*facts->names));
    if (!facts->names) {
        GENERAL_NAMES_free(sans);
        return GH_ENOMEM;
    }
    add_cn(facts, X509_get_subject_name(cert)); /* first, so that many SANs cannot crowd it out */
    for (size_t i = 0; i < san_count; i++) {
        int type;
        const ASN1_STRING *value =
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(sans, (int)i), &type);

        if (type == GEN_URI) {
            add_uri(facts, string_span(value));
        } else if (type == GEN_DNS) {
            facts->has_san = true;
            add_name(facts, GH_NAME_DNS, string_span(value));
        }
    }
    GENERAL_NAMES_free(sans);
    return 0;
}

void gh_cert_name_text(const X509_NAME *name, char *buf, size_t len)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int got = 0;

    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
        got = BIO_read(bio, buf, (int)len - 1);
    buf[got > 0 ? got : 0] = 0;
    for (char *p = buf; *p; p++) {
        if (*p < ' ' || *p > '~')
            *p = '?';
    }
    BIO_free(bio);
}

/* ---- dates, purposes, strengths -------------------------------------------------------------- */

int64_t gh_cert_time_us(const ASN1_TIME *time, int64_t broken)
{
    struct tm tm;
    time_t seconds;

    /* ASN1_TIME_to_tm reads UTCTime (1950 to 2049) and GeneralizedTime (to 9999); timegm goes both
     * ways. */
    if (!time || !ASN1_TIME_to_tm(time, &tm))
        return broken;
    seconds = timegm(&tm);
    return (int64_t)seconds * 1000000;
}

const char *gh_cert_date_text(int64_t us, char buf[GH_CERT_DATE_MAX])
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;

    if (us == INT64_MAX || us == INT64_MIN || !gmtime_r(&seconds, &tm) ||
        strftime(buf, GH_CERT_DATE_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(buf, GH_CERT_DATE_MAX, "a date that cannot be read");
    return buf;
}

bool gh_cert_eku(X509 *cert, bool *server, bool *client)
{
    EXTENDED_KEY_USAGE *usage;
    uint32_t bits = 0;
    bool sip_domain = false;

    *server = *client = false;
    if (X509_get_ext_by_NID(cert, NID_ext_key_usage, -1) < 0)
        return false;
    /* One that cannot be read is there and allows nothing. */
    if (!(X509_get_extension_flags(cert) & EXFLAG_XKUSAGE))
        return true;
    bits = X509_get_extended_key_usage(cert);
    usage = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
    for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++) {
        char oid[64];

        if (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usage, i), 1) > 0)
            sip_domain |= strcmp(oid, OID_SIP_DOMAIN) == 0;
    }
    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
    /* RFC 5924 section 5: id-kp-sipDomain fits a SIP domain's certificate, in either role, and
     * local policy lets anyExtendedKeyUsage do as well.  That without either the certificate MUST
     * NOT be taken is not followed: that RFC is an experiment, and CUCM's certificates have
     * serverAuth and clientAuth (RFC 5280 section 4.2.1.12) alone.  ipsecEndSystem, which CUCM 9
     * adds, says nothing about TLS. */
    *server = sip_domain || (bits & (XKU_SSL_SERVER | XKU_ANYEKU));
    *client = sip_domain || (bits & (XKU_SSL_CLIENT | XKU_ANYEKU));
    return true;
}

int gh_cert_signature_bits(X509 *cert)
{
    int bits = 0;

    if (!X509_get_signature_info(cert, NULL, NULL, &bits, NULL))
        return 0;
    return bits;
}

static void read_serial(X509 *cert, struct gh_cert_facts *facts)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    struct gh_span octets = string_span(serial);
    size_t used = 0;

    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
        facts->serial[used++] = '-';
    /* RFC 5280 section 4.1.2.2 allows 20 octets; a longer one is cut. */
    for (size_t i = 0; i < octets.len && used + 3 <= sizeof(facts->serial); i++) {
        snprintf(facts->serial + used, sizeof(facts->serial) - used, "%02X",
                 (unsigned char)octets.p[i]);
        used += 2;
    }
}

static int read_facts(X509 *cert, struct gh_cert_facts *facts)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    int err = read_names(cert, facts);

    if (err)
        return err;
    gh_cert_name_text(X509_get_subject_name(cert), facts->subject, sizeof(facts->subject));
    gh_cert_name_text(X509_get_issuer_name(cert), facts->issuer, sizeof(facts->issuer));
    read_serial(cert, facts);
    if (!X509_digest(cert, EVP_sha256(), facts->sha256, NULL))
        return GH_ENOMEM;
    /* A date that cannot be read is never current. */
    facts->not_before_us = gh_cert_time_us(X509_get0_notBefore(cert), INT64_MAX);
    facts->not_after_us = gh_cert_time_us(X509_get0_notAfter(cert), INT64_MIN);
    facts->eku_present = gh_cert_eku(cert, &facts->eku_server, &facts->eku_client);
    if (key) {
        facts->key_bits = EVP_PKEY_get_bits(key);
        facts->security_bits = EVP_PKEY_get_security_bits(key);
    }
    facts->weak_signature = gh_cert_signature_bits(cert) < GH_CERT_LEVEL_2_BITS;
    return 0;
}

int gh_chain_leaf_facts(const struct gh_chain *chain, struct gh_cert_facts *out)
{
    struct gh_cert_facts facts = { 0 };
    int err;

    ERR_set_mark();
    err = read_facts(sk_X509_value(chain->certs, 0), &facts);
    ERR_pop_to_mark();
    if (err)
        gh_cert_facts_fini(&facts);
    else
        *out = facts;
    return err;
}

void gh_cert_facts_fini(struct gh_cert_facts *facts)
{
    free(facts->names);
    *facts = (struct gh_cert_facts){ 0 };
}
