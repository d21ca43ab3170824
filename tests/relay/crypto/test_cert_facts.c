/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate says: names good and hostile, dates, purposes, strengths. */
#include "crypto/cert.h"

#include <stdio.h>

#include <gatehouse/err.h>

#include "crypto/cert_int.h"
#include "support/check.h"
#include "support/pki.h"
#include "support_chain.h"

static struct gh_pki_cert *ca;

static struct gh_cert_facts facts_of(const struct gh_pki_params *params)
{
    struct gh_cert_facts facts = { 0 };
    struct gh_chain *chain = gh_test_chain(gh_pki_issue(ca, params), NULL);

    CHECK_INT(gh_chain_leaf_facts(chain, &facts), 0);
    gh_chain_unref(chain);
    return facts;
}

/* All names as one text: "cn=a dns=b uri=c". */
static const char *names_of(const struct gh_cert_facts *facts)
{
    static const char *const kinds[] = { "cn", "dns", "uri" };
    static char text[4096];
    size_t used = 0;

    text[0] = 0;
    for (size_t i = 0; i < facts->name_count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%s", i ? " " : "",
                                 kinds[facts->names[i].kind], facts->names[i].text);
    return text;
}

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define NAME_191 LABEL_63 "." LABEL_63 "." LABEL_63

static const struct {
    const char *about;
    struct gh_pki_params params;
    const char *names;
    size_t odd;
    bool has_san;
} name_rows[] = {
    { "CN alone", { .cn = "CUCM10" }, "cn=CUCM10", 0, false },
    { "no name at all", { .org = "O" }, "", 0, false },
    { "CN with blanks", { .cn = "Border Element 1" }, "cn=Border Element 1", 0, false },
    { "last CN, RFC 6125 section 6.4.4",
      { .cn = "good", .cn_first = "other" },
      "cn=good",
      0,
      false },
    { "DNS", { .cn = "c", .san = { "DNS:pbx.example.com" } }, "cn=c dns=pbx.example.com", 0, true },
    { "URI, RFC 5922 section 7.1",
      { .san = { "URI:sip:example.com" } },
      "uri=example.com",
      0,
      true },
    { "scheme in any case", { .san = { "URI:SIP:Example.COM" } }, "uri=Example.COM", 0, true },
    { "port", { .san = { "URI:sip:example.com:5061" } }, "uri=example.com", 0, true },
    { "parameters",
      { .san = { "URI:sip:example.com;transport=tls?a=b" } },
      "uri=example.com",
      0,
      true },
    { "user part", { .san = { "URI:sip:alice@example.com" } }, "", 0, true },
    { "user part behind a semicolon",
      { .san = { "URI:sip:example.com;x@evil.org" } },
      "",
      0,
      true },
    { "user part behind a question mark",
      { .san = { "URI:sip:example.com?x@evil.org" } },
      "",
      0,
      true },
    { "sips is no identity", { .cn = "c", .san = { "URI:sips:example.com" } }, "cn=c", 0, true },
    { "other scheme", { .cn = "c", .san = { "URI:https://example.com" } }, "cn=c", 0, false },
    { "scheme that only starts so", { .san = { "URI:sipx:example.com" } }, "", 0, false },
    { "IPv6 host", { .san = { "URI:sip:[2001:db8::1]:5061" } }, "uri=[2001:db8::1]", 0, true },
    { "IPv6 without end", { .san = { "URI:sip:[2001:db8::1" } }, "", 1, true },
    { "empty host", { .san = { "URI:sip:" } }, "", 1, true },
    { "two slashes", { .san = { "URI:sip://example.com" } }, "", 1, true },
    { "percent in host", { .san = { "URI:sip:exa%25mple.com" } }, "", 1, true },
    { "IP and mail are not looked at",
      { .cn = "c", .san = { "IP:192.0.2.1", "EMAIL:a@b.c" } },
      "cn=c",
      0,
      false },
    { "both kinds",
      { .cn = "c", .san = { "DNS:a.b", "URI:sip:c.d", "DNS:e.f" } },
      "cn=c dns=a.b uri=c.d dns=e.f",
      0,
      true },
    { "wildcard passes as text", { .san = { "DNS:*.example.com" } }, "dns=*.example.com", 0, true },
    { "A-labels",
      { .san = { "DNS:xn--bcher-kva.example" } },
      "dns=xn--bcher-kva.example",
      0,
      true },
    { "U-labels", { .san = { "DNS:b%c3%bccher.example", "DNS:ok" } }, "dns=ok", 1, true },
    { "UTF-8 CN", { .cn = "b%c3%bccher", .cn_percent = true }, "", 1, false },
    { "NUL in DNS, CVE-2009-2408", { .san = { "DNS:good.example%00.evil.org" } }, "", 1, true },
    { "NUL in URI", { .san = { "URI:sip:good.example%00.evil.org" } }, "", 1, true },
    { "NUL before the scheme ends", { .san = { "URI:sip%00:good.example" } }, "", 0, false },
    { "NUL in CN", { .cn = "good.example%00.evil.org", .cn_percent = true }, "", 1, false },
    { "NUL at the end", { .san = { "DNS:good.example%00" } }, "", 1, true },
    { "line feed", { .san = { "DNS:a%0ab" }, .cn = "a%0db", .cn_percent = true }, "", 2, true },
    { "escape", { .san = { "DNS:a%1b[2J" } }, "", 1, true },
    { "blank in DNS", { .san = { "DNS:a b", "DNS: c", "DNS:" } }, "", 3, true },
    { "longest",
      { .san = { "DNS:" NAME_191 "."
                 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij" } },
      "dns=" NAME_191 "."
      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij",
      0,
      true },
    { "too long", { .san = { "DNS:" NAME_191 "." LABEL_63 } }, "", 1, true },
    { "CN longer than ASN.1 allows", { .cn = NAME_191 }, "cn=" NAME_191, 0, false },
};

static void test_names(void)
{
    for (size_t i = 0; i < sizeof(name_rows) / sizeof(name_rows[0]); i++) {
        struct gh_cert_facts facts = facts_of(&name_rows[i].params);

        if (!(CHECK_STR(names_of(&facts), name_rows[i].names) &
              CHECK_INT(facts.odd_names, name_rows[i].odd) &
              CHECK_INT(facts.has_san, name_rows[i].has_san)))
            fprintf(stderr, "  in row: %s\n", name_rows[i].about);
        gh_cert_facts_fini(&facts);
    }
}

static void test_many_names(void)
{
    static char texts[200][32];
    struct gh_pki_params params = { .cn = "first" };
    struct gh_cert_facts facts;

    for (size_t i = 0; i < 200; i++) {
        snprintf(texts[i], sizeof(texts[i]), "DNS:node%zu.example.com", i);
        params.san[i] = texts[i];
    }
    facts = facts_of(&params);
    CHECK_INT(facts.name_count, GH_CERT_NAMES_MAX);
    CHECK_INT(facts.odd_names, 201 - GH_CERT_NAMES_MAX);
    CHECK_STR(facts.names[0].text, "first");
    CHECK_STR(facts.names[1].text, "node0.example.com");
    CHECK_STR(facts.names[127].text, "node126.example.com");
    gh_cert_facts_fini(&facts);
    CHECK(facts.names == NULL && facts.name_count == 0);
}

/* A SAN that cannot be read was meant to say something: the CN must not speak for it. */
static void test_broken_san(void)
{
    struct gh_cert_facts facts =
        facts_of(&(struct gh_pki_params){ .cn = "c", .extension = "2.5.29.17=DER:0500" });

    CHECK(facts.has_san);
    CHECK_INT(facts.odd_names, 1);
    gh_cert_facts_fini(&facts);
    facts = facts_of(&(struct gh_pki_params){
        .cn = "c",
        .san = { "DNS:a" },
        .extension = "2.5.29.17=DER:3003820162" }); /* a second SAN, DNS:b */
    CHECK(facts.has_san);
    CHECK_STR(names_of(&facts), "cn=c");
    CHECK_INT(facts.odd_names, 1);
    gh_cert_facts_fini(&facts);
}

static void test_subject_serial_hash(void)
{
    struct gh_pki_cert *cert = gh_pki_issue(
        ca, &(struct gh_pki_params){
                .cn = "a,b\"%0a%c3%bc", .cn_percent = true, .serial = "0A0B0C0D0E0F" });
    struct gh_chain *chain = gh_test_chain(cert, ca, NULL);
    struct gh_cert_facts facts;
    uint8_t hash[32];

    CHECK_OR_STOP(gh_chain_leaf_facts(chain, &facts) == 0);
    CHECK_STR(facts.subject,
              "CN=a\\,b\\\"\\0A\\C3\\BC,O=gatehouse test"); /* RFC 2253 section 2.4 */
    CHECK_STR(facts.issuer, "CN=Test CA,O=gatehouse test");
    CHECK_STR(facts.serial, "0A0B0C0D0E0F");
    CHECK(X509_digest(cert->x509, EVP_sha256(), hash, NULL));
    CHECK(memcmp(hash, facts.sha256, 32) == 0);
    gh_cert_facts_fini(&facts);
    gh_chain_unref(chain);
}

static void test_odd_serials(void)
{
    char longest[81];
    struct gh_cert_facts facts = facts_of(&(struct gh_pki_params){ .cn = "c", .serial = "-7F" });

    CHECK_STR(facts.serial, "-7F");
    gh_cert_facts_fini(&facts);
    facts = facts_of(&(struct gh_pki_params){ .cn = "c", .serial = "0" });
    CHECK_STR(facts.serial, "00");
    gh_cert_facts_fini(&facts);
    memset(longest, '7', 80);
    longest[80] = 0;
    facts = facts_of(&(struct gh_pki_params){ .cn = "c", .serial = longest });
    CHECK_INT(strlen(facts.serial), 62);
    CHECK(strncmp(facts.serial, longest, 62) == 0);
    gh_cert_facts_fini(&facts);
}

static void test_subject_is_cut(void)
{
    struct gh_pki_params params = { .cn = NAME_191, .cn_first = NAME_191 };
    struct gh_cert_facts facts = facts_of(&params);

    CHECK_INT(strlen(facts.subject), sizeof(facts.subject) - 1);
    gh_cert_facts_fini(&facts);
}

/* Seconds of each date from `date -u -d ... +%s`. */
static const struct {
    const char *from, *until;
    int64_t from_s, until_s;
} date_rows[] = {
    { "20200101000000Z", "20300101000000Z", 1577836800, 1893456000 },
    { "19500101000000Z", "20491231235959Z", -631152000, 2524607999 }, /* all of UTCTime */
    { "19691231235959Z", "19700101000000Z", -1, 0 },
    { "20380119031407Z", "20380119031408Z", 2147483647, 2147483648 }, /* end of 32 bits */
    { "20500101000000Z", "99991231235959Z", 2524608000,
      253402300799 }, /* RFC 5280 section 4.1.2.5: no end */
    { "20240229000000Z", "20240301000000Z", 1709164800, 1709251200 },
};

static void test_dates(void)
{
    for (size_t i = 0; i < sizeof(date_rows) / sizeof(date_rows[0]); i++) {
        struct gh_cert_facts facts = facts_of(&(struct gh_pki_params){
            .cn = "c", .from = date_rows[i].from, .until = date_rows[i].until });

        CHECK_INT(facts.not_before_us, date_rows[i].from_s * 1000000);
        CHECK_INT(facts.not_after_us, date_rows[i].until_s * 1000000);
        gh_cert_facts_fini(&facts);
    }
}

static void test_a_broken_date_is_never_current(void)
{
    CHECK_INT(gh_cert_time_us(NULL, INT64_MIN), INT64_MIN);
}

static const struct {
    unsigned eku;
    bool present, server, client;
} eku_rows[] = {
    { 0, false, false, false },
    { GH_PKI_SERVER, true, true, false },
    { GH_PKI_CLIENT, true, false, true },
    { GH_PKI_SERVER | GH_PKI_CLIENT, true, true, true },
    { GH_PKI_SERVER | GH_PKI_CLIENT | GH_PKI_IPSEC, true, true, true }, /* CUCM 9 */
    { GH_PKI_IPSEC, true, false, false },
    { GH_PKI_EMAIL, true, false, false },
    { GH_PKI_ANY, true, true, true },
    { GH_PKI_SIP_DOMAIN, true, true, true }, /* RFC 5924 section 5 */
};

static void test_eku(void)
{
    for (size_t i = 0; i < sizeof(eku_rows) / sizeof(eku_rows[0]); i++) {
        struct gh_cert_facts facts =
            facts_of(&(struct gh_pki_params){ .cn = "c", .eku = eku_rows[i].eku });

        CHECK_INT(facts.eku_present, eku_rows[i].present);
        CHECK_INT(facts.eku_server, eku_rows[i].server);
        CHECK_INT(facts.eku_client, eku_rows[i].client);
        gh_cert_facts_fini(&facts);
    }
}

static void test_a_broken_eku_allows_nothing(void)
{
    struct gh_cert_facts facts =
        facts_of(&(struct gh_pki_params){ .cn = "c", .extension = "2.5.29.37=DER:0500" });

    CHECK(facts.eku_present && !facts.eku_server && !facts.eku_client);
    gh_cert_facts_fini(&facts);
}

/* Security bits: NIST SP 800-57 part 1, table 2. */
static const struct {
    enum gh_pki_key key;
    int bits, security;
} key_rows[] = {
    { GH_PKI_P256, 256, 128 },      { GH_PKI_P384, 384, 192 },     { GH_PKI_ED25519, 256, 128 },
    { GH_PKI_RSA_2048, 2048, 112 }, { GH_PKI_RSA_1024, 1024, 80 },
};

static void test_keys(void)
{
    for (size_t i = 0; i < sizeof(key_rows) / sizeof(key_rows[0]); i++) {
        struct gh_cert_facts facts =
            facts_of(&(struct gh_pki_params){ .cn = "c", .key = key_rows[i].key });

        if (key_rows[i].key != GH_PKI_ED25519)
            CHECK_INT(facts.key_bits, key_rows[i].bits);
        CHECK_INT(facts.security_bits, key_rows[i].security);
        CHECK(!facts.weak_signature);
        gh_cert_facts_fini(&facts);
    }
}

static void test_weak_signatures(void)
{
    static const char *const digests[] = { "MD5", "SHA1", "SHA224", "SHA256", "SHA512" };
    struct gh_pki_cert *rsa_ca = gh_pki_issue(
        NULL, &(struct gh_pki_params){ .cn = "RSA CA", .ca = true, .key = GH_PKI_RSA_2048 });

    for (size_t i = 0; i < 5; i++) {
        struct gh_chain *chain = gh_test_chain(
            gh_pki_issue(rsa_ca, &(struct gh_pki_params){ .cn = "c", .digest = digests[i] }), NULL);
        struct gh_cert_facts facts;

        CHECK_INT(gh_chain_leaf_facts(chain, &facts), 0);
        CHECK_INT(facts.weak_signature, i < 2);
        gh_cert_facts_fini(&facts);
        gh_chain_unref(chain);
    }
}

static void test_chain_references(void)
{
    struct gh_chain *chain = gh_test_chain(ca, NULL);

    CHECK(gh_chain_ref(chain) == chain);
    gh_chain_unref(chain);
    CHECK_INT(sk_X509_num(chain->certs), 1);
    gh_chain_unref(chain);
    gh_chain_unref(NULL);
    CHECK(gh_chain_ref(NULL) == NULL);
}

int main(void)
{
    ca = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Test CA", .ca = true });
    RUN(test_names);
    RUN(test_many_names);
    RUN(test_broken_san);
    RUN(test_subject_serial_hash);
    RUN(test_odd_serials);
    RUN(test_subject_is_cut);
    RUN(test_dates);
    RUN(test_a_broken_date_is_never_current);
    RUN(test_eku);
    RUN(test_a_broken_eku_allows_nothing);
    RUN(test_keys);
    RUN(test_weak_signatures);
    RUN(test_chain_references);
    return CHECK_REPORT();
}
