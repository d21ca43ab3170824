/* SPDX-License-Identifier: Apache-2.0 */
/* Which trunk a certificate or an address is, and whether it is admitted: each case with its
 * exact reason. */
#include "support/check.h"
#include "policy/policy.h"

#define NAMES_MAX 4

/* ---- names: RFC 5922 section 7 --------------------------------------------------------------- */

static const struct name_case {
    const char *what;
    struct {
        enum gh_name_kind kind;
        const char *text;
    } names[NAMES_MAX];
    int has_san;          /* as crypto says */
    const char *expected; /* the trunk's peer name */
    enum gh_name_in name_in;
    bool allow_wildcard, fits;
} name_cases[] = {
#define SAN GH_NAME_IN_SAN
    { "DNS", { { GH_NAME_DNS, "cucm10.example.net" } }, 1, "cucm10.example.net", SAN, 0, 1 },
    { "URI", { { GH_NAME_URI, "cucm10.example.net" } }, 1, "cucm10.example.net", SAN, 0, 1 },
    { "second DNS", { { GH_NAME_DNS, "a" }, { GH_NAME_DNS, "b" } }, 1, "b", SAN, 0, 1 },
    { "URI beside DNS", { { GH_NAME_DNS, "a" }, { GH_NAME_URI, "b" } }, 1, "b", SAN, 0, 1 },
    { "other name", { { GH_NAME_DNS, "cucm11.example.net" } }, 1, "cucm10.example.net", SAN, 0, 0 },
    { "no name at all", { { 0, NULL } }, 0, "cucm10", SAN, 0, 0 },

    /* CUCM 9.1(2) and 10.5(2): no SAN, the CN is the host name (technote 200180). */
    { "CN alone", { { GH_NAME_CN, "CUCM10" } }, 0, "CUCM10", SAN, 0, 1 },
    { "CN alone, other", { { GH_NAME_CN, "CUCMA" } }, 0, "CUCM10", SAN, 0, 0 },
    /* RFC 5922 section 7.1: a SAN silences the CN ... */
    { "CN beside DNS", { { GH_NAME_CN, "good" }, { GH_NAME_DNS, "evil" } }, 1, "good", SAN, 0, 0 },
    { "CN beside URI", { { GH_NAME_CN, "good" }, { GH_NAME_URI, "evil" } }, 1, "good", SAN, 0, 0 },
    /* ... also one that crypto left out, as it had a NUL in it, was too long or not printable
     * ... */
    { "CN beside an odd SAN", { { GH_NAME_CN, "good" } }, 1, "good", SAN, 0, 0 },
    /* ... and one that crypto forgot to announce. */
    { "SAN not announced", { { GH_NAME_CN, "good" }, { GH_NAME_DNS, "evil" } }, 0, "good", SAN, 0,
      0 },
    /* What a cut at a NUL would leave of "good\0.evil" is another name. */
    { "cut name", { { GH_NAME_DNS, "good" } }, 1, "good.evil", SAN, 0, 0 },
    { "longer name", { { GH_NAME_DNS, "good.evil" } }, 1, "good", SAN, 0, 0 },

    /* name_in: cn (Teams puts the FQDN there, SAN or not), any */
    { "cn: CN", { { GH_NAME_CN, "a" }, { GH_NAME_DNS, "b" } }, 1, "a", GH_NAME_IN_CN, 0, 1 },
    { "cn: not the SAN", { { GH_NAME_CN, "a" }, { GH_NAME_DNS, "b" } }, 1, "b", GH_NAME_IN_CN, 0,
      0 },
    { "any: CN", { { GH_NAME_CN, "a" }, { GH_NAME_DNS, "b" } }, 1, "a", GH_NAME_IN_ANY, 0, 1 },
    { "any: SAN", { { GH_NAME_CN, "a" }, { GH_NAME_DNS, "b" } }, 1, "b", GH_NAME_IN_ANY, 0, 1 },
    { "any: neither", { { GH_NAME_CN, "a" }, { GH_NAME_DNS, "b" } }, 1, "c", GH_NAME_IN_ANY, 0, 0 },
    { "no such rule", { { GH_NAME_CN, "a" } }, 0, "a", (enum gh_name_in)3, 0, 0 },

    /* Case, the dot at the end, empty names. */
    { "case", { { GH_NAME_DNS, "CuCm10.Example.NET" } }, 1, "cUcM10.eXAMPLE.net", SAN, 0, 1 },
    { "case of CN", { { GH_NAME_CN, "cucm10" } }, 0, "CUCM10", SAN, 0, 1 },
    { "dot presented", { { GH_NAME_DNS, "a.example.net." } }, 1, "a.example.net", SAN, 0, 1 },
    { "dot expected", { { GH_NAME_DNS, "a.example.net" } }, 1, "a.example.net.", SAN, 0, 1 },
    { "two dots", { { GH_NAME_DNS, "a.example.net.." } }, 1, "a.example.net", SAN, 0, 0 },
    { "dots alone", { { GH_NAME_DNS, "." } }, 1, ".", SAN, 0, 0 },
    { "empty", { { GH_NAME_DNS, "" } }, 1, "", SAN, 0, 0 },
    { "empty CN", { { GH_NAME_CN, "" } }, 0, "", GH_NAME_IN_ANY, 0, 0 },
    { "empty expected", { { GH_NAME_DNS, "a" } }, 1, "", SAN, 1, 0 },
    { "suffix", { { GH_NAME_DNS, "example.net" } }, 1, "a.example.net", SAN, 1, 0 },
    { "parent", { { GH_NAME_DNS, "a.example.net" } }, 1, "example.net", SAN, 1, 0 },

    /* Wildcards: not at all by RFC 5922 section 7.2; with allow_wildcard one leftmost label. */
    { "wildcard refused", { { GH_NAME_DNS, "*.example.net" } }, 1, "a.example.net", SAN, 0, 0 },
    { "its very text too", { { GH_NAME_DNS, "*.example.net" } }, 1, "*.example.net", SAN, 0, 0 },
    { "wildcard", { { GH_NAME_DNS, "*.example.net" } }, 1, "a.example.net", SAN, 1, 1 },
    { "wildcard in CN", { { GH_NAME_CN, "*.example.net" } }, 0, "a.example.net", SAN, 1, 1 },
    { "wildcard, case, dots", { { GH_NAME_DNS, "*.EXAMPLE.net." } }, 1, "A.example.NET", SAN, 1,
      1 },
    { "wildcard in a URI", { { GH_NAME_URI, "*.example.net" } }, 1, "a.example.net", SAN, 1, 0 },
    { "two labels", { { GH_NAME_DNS, "*.example.net" } }, 1, "a.b.example.net", SAN, 1, 0 },
    { "no label", { { GH_NAME_DNS, "*.example.net" } }, 1, "example.net", SAN, 1, 0 },
    { "empty label", { { GH_NAME_DNS, "*.example.net" } }, 1, ".example.net", SAN, 1, 0 },
    { "part of a label", { { GH_NAME_DNS, "a*.example.net" } }, 1, "ab.example.net", SAN, 1, 0 },
    { "not leftmost", { { GH_NAME_DNS, "a.*.net" } }, 1, "a.example.net", SAN, 1, 0 },
    { "two stars", { { GH_NAME_DNS, "*.*.net" } }, 1, "a.example.net", SAN, 1, 0 },
    { "star alone", { { GH_NAME_DNS, "*" } }, 1, "a", SAN, 1, 0 },
    { "star dot", { { GH_NAME_DNS, "*." } }, 1, "a", SAN, 1, 0 },
    { "a whole TLD", { { GH_NAME_DNS, "*.net" } }, 1, "example.net", SAN, 1, 0 },
    { "a TLD, dotted", { { GH_NAME_DNS, "*.net." } }, 1, "example.net", SAN, 1, 0 },
    { "hollow", { { GH_NAME_DNS, "*..net" } }, 1, "a..net", SAN, 1, 0 },
    { "address", { { GH_NAME_DNS, "*.0.0.1" } }, 1, "127.0.0.1", SAN, 1, 0 },
    { "address, dotted", { { GH_NAME_DNS, "*.0.0.1" } }, 1, "127.0.0.1.", SAN, 1, 0 },
    { "wildcard, other", { { GH_NAME_DNS, "*.example.org" } }, 1, "a.example.net", SAN, 1, 0 },
#undef SAN
};

static struct gh_cert_name name_buf[NAMES_MAX];

static struct gh_cert_facts cert_of(const struct name_case *c)
{
    struct gh_cert_facts cert = { .names = name_buf, .has_san = c->has_san != 0 };

    for (size_t i = 0; i < NAMES_MAX && c->names[i].text; i++) {
        name_buf[i].kind = c->names[i].kind;
        snprintf(name_buf[i].text, sizeof(name_buf[i].text), "%s", c->names[i].text);
        cert.name_count++;
    }
    return cert;
}

static void names(void)
{
    for (size_t i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++) {
        const struct name_case *c = &name_cases[i];
        struct gh_cert_facts cert = cert_of(c);
        const struct gh_trunk_rules trunk = { .peer_names = &c->expected,
                                              .peer_name_count = 1,
                                              .name_in = c->name_in,
                                              .allow_wildcard = c->allow_wildcard };

        if (!CHECK_INT(gh_policy_name_fits(&cert, &trunk), c->fits))
            fprintf(stderr, "    in case \"%s\"\n", c->what);
    }
}

static void odd_names(void)
{
    static const char *const expected[] = { NULL, "cucm10" };
    struct gh_cert_name name = { GH_NAME_DNS, "cucm10" };
    struct gh_cert_facts cert = {
        .names = &name, .name_count = 1, .odd_names = 3, .has_san = true
    };
    struct gh_trunk_rules trunk = { .peer_names = expected, .peer_name_count = 2 };

    CHECK(gh_policy_name_fits(&cert, &trunk)); /* odd ones beside a good one do no harm */
    trunk.peer_name_count = 1;
    CHECK(!gh_policy_name_fits(&cert, &trunk));
    trunk.peer_name_count = 0;
    CHECK(!gh_policy_name_fits(&cert, &trunk)); /* a trunk that expects nobody */
    trunk.peer_name_count = 2;
    cert.name_count = 0;
    CHECK(!gh_policy_name_fits(&cert, &trunk)); /* odd names alone never fit */
    cert.name_count = 1;
    name.kind = (enum gh_name_kind)3;
    CHECK(!gh_policy_name_fits(&cert, &trunk));
    name.kind = GH_NAME_DNS;
    memset(name.text, 'a', sizeof(name.text)); /* no NUL: not read past its end */
    CHECK(!gh_policy_name_fits(&cert, &trunk));
}

/* ---- which trunk ----------------------------------------------------------------------------- */

static const char *const n_cucm10[] = { "CUCM10" }, *const n_cucma[] = { "CUCMA", "CUCMB" };
static const char *const n_shared[] = { "SHARED" };

static const struct gh_addr a1 = { 4, { 192, 0, 2, 1 }, 0 }, a2 = { 4, { 192, 0, 2, 2 }, 5060 };
static const struct gh_addr a6 = { 6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, 0 };

#define TLS_TRUNK(i, l, n, host)                                                        \
    { .id = (i), .listener = (l), .transport = GH_TRANSPORT_TLS, .peer_names = (n),     \
      .peer_name_count = sizeof(n) / sizeof((n)[0]), .match_host = (host) }

static const struct gh_trunk_rules trunks[] = {
    TLS_TRUNK(1, 0, n_cucm10, NULL),
    TLS_TRUNK(2, 0, n_cucma, NULL),
    TLS_TRUNK(3, 1, n_cucm10, NULL),           /* the same name on another listener */
    TLS_TRUNK(4, 2, n_shared, "east.example"), /* listener 2: told apart by host */
    TLS_TRUNK(5, 2, n_shared, "west.example"),
    TLS_TRUNK(6, 3, n_shared, "east.example"), /* listener 3: one of them says no host */
    TLS_TRUNK(7, 3, n_shared, NULL),
    TLS_TRUNK(8, 4, n_shared, "same.example"), /* listener 4: the same host twice */
    TLS_TRUNK(9, 4, n_shared, "same.example"),
    { .id = 10, .listener = 5, .transport = GH_TRANSPORT_TCP, .peer_addresses = &a1,
      .peer_address_count = 1 },
    { .id = 11, .listener = 6, .transport = GH_TRANSPORT_UDP, .peer_addresses = &a2,
      .peer_address_count = 1 },
    { .id = 12, .listener = 6, .transport = GH_TRANSPORT_UDP, .peer_addresses = &a6,
      .peer_address_count = 1 },
    { .id = 13, .listener = 7, .transport = GH_TRANSPORT_TCP, .peer_addresses = &a1,
      .peer_address_count = 1 },
    { .id = 14, .listener = 7, .transport = GH_TRANSPORT_TCP, .peer_addresses = &a1,
      .peer_address_count = 1 },
    /* Nonsense that a load refuses: names without TLS, addresses with it. */
    { .id = 15, .listener = 8, .transport = GH_TRANSPORT_TLS, .peer_addresses = &a1,
      .peer_address_count = 1 },
    { .id = 16, .listener = 9, .transport = GH_TRANSPORT_TCP, .peer_names = n_cucm10,
      .peer_name_count = 1 },
    TLS_TRUNK(17, 10, n_shared, ""), /* an empty host is none */
    TLS_TRUNK(18, 10, n_shared, "east.example"),
    TLS_TRUNK(0, 11, n_cucm10, NULL), /* a trunk that was never given an id */
};

#define TRUNKS (sizeof(trunks) / sizeof(trunks[0]))

static const struct {
    const char *what;
    enum gh_transport transport;
    unsigned listener;
    const char *name;         /* SAN DNS; NULL: no certificate */
    const struct gh_addr *from;
    enum gh_reason reason;
    gh_trunk_id id;
    bool by_host;
} match_cases[] = {
#define TLS GH_TRANSPORT_TLS
    { "one", TLS, 0, "cucm10", &a1, GH_REASON_NONE, 1, 0 },
    { "second name of a trunk", TLS, 0, "CUCMB", &a1, GH_REASON_NONE, 2, 0 },
    { "other listener", TLS, 1, "CUCM10", &a1, GH_REASON_NONE, 3, 0 },
    { "name of another listener", TLS, 1, "CUCMA", &a1, GH_REASON_NO_TRUNK_FOR_CERTIFICATE, 0, 0 },
    { "nobody's name", TLS, 0, "CUCMX", &a1, GH_REASON_NO_TRUNK_FOR_CERTIFICATE, 0, 0 },
    { "no such listener", TLS, 99, "CUCM10", &a1, GH_REASON_NO_TRUNK_FOR_CERTIFICATE, 0, 0 },
    { "no certificate", TLS, 0, NULL, &a1, GH_REASON_CERT_MISSING, 0, 0 },
    { "several, all by host", TLS, 2, "SHARED", &a1, GH_REASON_NONE, 0, 1 },
    { "several, one without host", TLS, 3, "SHARED", &a1, GH_REASON_AMBIGUOUS_CERTIFICATE, 0, 0 },
    { "several, an empty host", TLS, 10, "SHARED", &a1, GH_REASON_AMBIGUOUS_CERTIFICATE, 0, 0 },
    { "an address does not make TLS", TLS, 8, "CUCM10", &a1, GH_REASON_NO_TRUNK_FOR_CERTIFICATE, 0,
      0 },
    { "TLS on a trunk without", TLS, 5, "CUCM10", &a1, GH_REASON_NO_TRUNK_FOR_CERTIFICATE, 0, 0 },
    { "trunk without id", TLS, 11, "CUCM10", &a1, GH_REASON_NO_TRUNK_FOR_CERTIFICATE, 0, 0 },

    { "by address", GH_TRANSPORT_TCP, 5, NULL, &a1, GH_REASON_NONE, 10, 0 },
    { "port plays no part", GH_TRANSPORT_UDP, 6, NULL, &a2, GH_REASON_NONE, 11, 0 },
    { "IPv6", GH_TRANSPORT_UDP, 6, NULL, &a6, GH_REASON_NONE, 12, 0 },
    { "nobody's address", GH_TRANSPORT_TCP, 5, NULL, &a2, GH_REASON_NO_TRUNK_FOR_ADDRESS, 0, 0 },
    { "other transport", GH_TRANSPORT_UDP, 5, NULL, &a1, GH_REASON_NO_TRUNK_FOR_ADDRESS, 0, 0 },
    { "TCP never selects a TLS trunk", GH_TRANSPORT_TCP, 0, "CUCM10", &a1,
      GH_REASON_NO_TRUNK_FOR_ADDRESS, 0, 0 },
    { "nor by address", GH_TRANSPORT_TCP, 8, "CUCM10", &a1, GH_REASON_NO_TRUNK_FOR_ADDRESS, 0, 0 },
    { "a name does not help TCP", GH_TRANSPORT_TCP, 9, "CUCM10", &a1,
      GH_REASON_NO_TRUNK_FOR_ADDRESS, 0, 0 },
    { "overlap: nobody is guessed", GH_TRANSPORT_TCP, 7, NULL, &a1, GH_REASON_NO_RULE, 0, 0 },
    { "no transport", GH_TRANSPORT_NONE, 0, "CUCM10", &a1, GH_REASON_NO_RULE, 0, 0 },
#undef TLS
};

static struct gh_cert_name leaf_name = { GH_NAME_DNS, "" };

static struct gh_conn_facts facts_of(enum gh_transport transport, const char *name,
                                     const struct gh_addr *from)
{
    struct gh_conn_facts facts = { .transport = transport, .role = GH_ROLE_SERVER, .peer = *from };

    facts.peer.port = 40000;
    if (name) {
        snprintf(leaf_name.text, sizeof(leaf_name.text), "%s", name);
        facts.peer_cert = true;
        facts.cert =
            (struct gh_cert_facts){ .names = &leaf_name, .name_count = 1, .has_san = true };
    }
    return facts;
}

static void match(void)
{
    for (size_t i = 0; i < sizeof(match_cases) / sizeof(match_cases[0]); i++) {
        struct gh_conn_facts facts =
            facts_of(match_cases[i].transport, match_cases[i].name, match_cases[i].from);
        struct gh_trunk_match got =
            gh_policy_match_trunk(&facts, match_cases[i].listener, trunks, TRUNKS);
        int ok = CHECK_INT(got.reason, match_cases[i].reason);

        ok &= CHECK_INT(got.trunk ? got.trunk->id : 0, match_cases[i].id);
        ok &= CHECK_INT(got.by_host, match_cases[i].by_host);
        if (!ok)
            fprintf(stderr, "    in case \"%s\"\n", match_cases[i].what);
    }
}

/* One certificate with the names of two trunks is ambiguous as well. */
static void two_names_two_trunks(void)
{
    struct gh_cert_name both[] = { { GH_NAME_DNS, "CUCM10" }, { GH_NAME_DNS, "CUCMA" } };
    struct gh_conn_facts facts = facts_of(GH_TRANSPORT_TLS, "x", &a1);
    struct gh_trunk_match got;

    facts.cert.names = both;
    facts.cert.name_count = 2;
    got = gh_policy_match_trunk(&facts, 0, trunks, TRUNKS);
    CHECK_INT(got.reason, GH_REASON_AMBIGUOUS_CERTIFICATE);
    CHECK(got.trunk == NULL);
    CHECK_INT(gh_policy_match_trunk(&facts, 0, trunks, 0).reason,
              GH_REASON_NO_TRUNK_FOR_CERTIFICATE);
}

/* An address that nobody filled is nobody's, even where a rule was left empty too. */
static void no_address(void)
{
    static const struct gh_addr none;
    const struct gh_trunk_rules open = { .id = 1, .transport = GH_TRANSPORT_UDP,
                                         .peer_addresses = &none, .peer_address_count = 1 };
    struct gh_conn_facts facts = { .transport = GH_TRANSPORT_UDP };

    CHECK_INT(gh_policy_match_trunk(&facts, 0, &open, 1).reason, GH_REASON_NO_TRUNK_FOR_ADDRESS);
}

static gh_trunk_id host(unsigned listener, const char *name, const char *text)
{
    struct gh_conn_facts facts = facts_of(GH_TRANSPORT_TLS, name, &a1);
    const struct gh_trunk_rules *trunk =
        gh_policy_match_host(&facts, listener, trunks, TRUNKS, gh_span_str(text));

    return trunk ? trunk->id : 0;
}

static void match_host(void)
{
    CHECK_INT(host(2, "SHARED", "east.example"), 4);
    CHECK_INT(host(2, "SHARED", "WEST.example."), 5);
    CHECK_INT(host(2, "SHARED", "north.example"), 0);
    CHECK_INT(host(2, "SHARED", ""), 0);
    CHECK_INT(host(2, "OTHER", "east.example"), 0);  /* the certificate names nobody */
    CHECK_INT(host(3, "SHARED", "east.example"), 0); /* ambiguous: no host helps */
    CHECK_INT(host(4, "SHARED", "same.example"), 0); /* two with one host */
    CHECK_INT(host(0, "CUCM10", ""), 0);             /* one candidate: not by host */
}

/* ---- admission: which reason, when several are true ------------------------------------------ */

#define DAY 86400000000
#define NOW (1000 * DAY)

static const char *const expected[] = { "border.example.net" };

struct visit {
    struct gh_cert_name name;
    struct gh_conn_facts facts;
    struct gh_trunk_rules trunk;
    struct gh_chain_facts chain;
};

/* A neighbour without a fault, that connects to us. */
static void set_up(struct visit *v)
{
    *v = (struct visit){
        .name = { GH_NAME_DNS, "border.example.net" },
        .facts = { .transport = GH_TRANSPORT_TLS,
                   .role = GH_ROLE_SERVER,
                   .version = GH_TLS_1_3,
                   .cipher = "TLS_AES_256_GCM_SHA384",
                   .cipher_kind = GH_CIPHER_ENCRYPTING,
                   .cipher_bits = 256,
                   .forward_secret = true,
                   .peer_cert = true },
        .trunk = { .id = 5,
                   .transport = GH_TRANSPORT_TLS,
                   .peer_names = expected,
                   .peer_name_count = 1,
                   .device_mode = GH_MODE_ENCRYPTED },
        .chain = { .reason = GH_REASON_NONE,
                   .valid_from_us = NOW - DAY,
                   .valid_until_us = NOW + DAY },
    };
    v->facts.cert = (struct gh_cert_facts){ .names = &v->name,
                                            .name_count = 1,
                                            .has_san = true,
                                            .not_before_us = NOW - DAY,
                                            .not_after_us = NOW + 2 * DAY,
                                            .security_bits = 128 };
}

static struct gh_standing visit(const struct visit *v, int64_t now)
{
    return gh_policy_admit(&v->facts, &v->trunk, &v->chain, now);
}

/* Every fault at once; then, from the first reason on, each is mended and the next one shows. */
static void order_of_reasons(void)
{
    struct visit v;

    set_up(&v);
    v.facts.peer_cert = false;
    v.chain.reason = GH_REASON_CERT_REVOKED;
    v.chain.crl_missing = true;
    v.name.text[0] = 'x';
    v.facts.cert.eku_present = true;
    v.facts.cert.security_bits = 80;
    v.facts.version = GH_TLS_OLD;
    v.facts.cipher_kind = GH_CIPHER_AUTH_ONLY;
    CHECK_INT(visit(&v, NOW + 9 * DAY).reason, GH_REASON_CERT_MISSING);
    v.facts.peer_cert = true;
    CHECK_INT(visit(&v, NOW + 9 * DAY).reason, GH_REASON_CERT_REVOKED);
    v.chain.reason = GH_REASON_CERT_UNTRUSTED;
    CHECK_INT(visit(&v, NOW + 9 * DAY).reason, GH_REASON_CERT_UNTRUSTED);
    v.chain.reason = GH_REASON_NONE;
    CHECK_INT(visit(&v, NOW + 9 * DAY).reason, GH_REASON_CERT_EXPIRED);
    CHECK_INT(visit(&v, NOW - 9 * DAY).reason, GH_REASON_CERT_NOT_YET_VALID);
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_CRL_UNAVAILABLE);
    v.chain.crl_missing = false;
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_CERT_NAME_MISMATCH);
    v.name.text[0] = 'b';
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_CERT_EKU_MISSING);
    v.facts.cert.eku_client = true;
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_CERT_WEAK);
    v.facts.cert.security_bits = 112;
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_TLS_VERSION_REFUSED);
    v.facts.version = GH_TLS_1_2;
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_TLS_WEAK_CIPHER);
    v.facts.cipher_kind = GH_CIPHER_ENCRYPTING;
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_NONE);
    CHECK_INT(visit(&v, NOW).mark_count, 0);
}

/* Every reason that crypto can give passes through unchanged, one that nobody gave denies. */
static void chain_reasons(void)
{
    struct visit v;

    set_up(&v);
    v.trunk.client_auth_eku = v.trunk.crl_unavailable = GH_WAIVE_WARN; /* neither waives a chain */
    for (int reason = 0; reason < GH_REASON_COUNT; reason++) {
        v.chain.reason = (enum gh_reason)reason;
        CHECK_INT(visit(&v, NOW).reason, reason);
        CHECK_INT(visit(&v, NOW).signalling,
                  reason == GH_REASON_NONE ? GH_SIG_TLS_VERIFIED : GH_SIG_TLS_UNVERIFIED);
    }
    CHECK_INT(gh_policy_admit(&v.facts, &v.trunk, NULL, NOW).reason, GH_REASON_NO_RULE);
}

/* RFC 5280 section 4.1.2.5: both ends belong to the validity.  The chain's or the leaf's,
 * whichever is less. */
static void validity(void)
{
    struct visit v;

    set_up(&v);
    CHECK_INT(visit(&v, NOW - DAY).reason, GH_REASON_NONE);
    CHECK_INT(visit(&v, NOW - DAY - 1).reason, GH_REASON_CERT_NOT_YET_VALID);
    CHECK_INT(visit(&v, NOW + DAY).reason, GH_REASON_NONE);
    CHECK_INT(visit(&v, NOW + DAY + 1).reason, GH_REASON_CERT_EXPIRED);
    CHECK(visit(&v, NOW).proven_until_us == NOW + DAY);
    v.facts.cert.not_after_us = NOW;
    CHECK(visit(&v, NOW).proven_until_us == NOW);
    CHECK_INT(visit(&v, NOW + 1).reason, GH_REASON_CERT_EXPIRED);
    CHECK(visit(&v, NOW + 1).proven_until_us == 0);
    CHECK_INT(visit(&v, NOW + 1).trunk, 0);
    v.facts.cert.not_before_us = NOW;
    CHECK_INT(visit(&v, NOW - 1).reason, GH_REASON_CERT_NOT_YET_VALID);
}

static bool marked(const struct gh_standing *standing, enum gh_reason mark)
{
    for (size_t i = 0; i < standing->mark_count; i++) {
        if (standing->marks[i] == mark)
            return true;
    }
    return false;
}

/* CUCM 9.1(2) of technote 200180: TLS 1.0, AES128-SHA, RSA 1024, SHA1withRSA, no SAN, EKU of
 * both roles and ipsecEndSystem.  Refused by default, admitted with every mark under
 * legacy-cucm. */
static void cucm9(void)
{
    static const char *const cucma[] = { "CUCMA" };
    struct gh_standing standing;
    struct visit v;

    set_up(&v);
    v.name = (struct gh_cert_name){ GH_NAME_CN, "CUCMA" };
    v.facts.cert.has_san = false;
    v.facts.cert.eku_present = v.facts.cert.eku_server = v.facts.cert.eku_client = true;
    v.facts.cert.key_bits = 1024;
    v.facts.cert.security_bits = 80;
    v.facts.cert.weak_signature = v.chain.weak = true;
    v.facts.version = GH_TLS_OLD;
    v.facts.cipher_bits = 128;
    v.facts.forward_secret = false;
    memcpy(v.facts.cipher, "AES128-SHA", sizeof("AES128-SHA"));
    v.trunk.peer_names = cucma;
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_CERT_WEAK);
    v.trunk.tls_policy = GH_TLS_LEGACY_CUCM;
    v.chain.crl_missing = true;
    v.trunk.crl_unavailable = GH_WAIVE_WARN;
    v.facts.cert.eku_client = false;
    v.trunk.client_auth_eku = GH_WAIVE_WARN;
    standing = visit(&v, NOW);
    CHECK_INT(standing.reason, GH_REASON_NONE);
    CHECK_INT(standing.signalling, GH_SIG_TLS_VERIFIED);
    CHECK_INT(standing.mark_count, GH_STANDING_MARKS_MAX); /* there is room for all of them */
    CHECK(marked(&standing, GH_REASON_WEAK_TLS));
    CHECK(marked(&standing, GH_REASON_NO_FORWARD_SECRECY));
    CHECK(marked(&standing, GH_REASON_CERT_WEAK));
    CHECK(marked(&standing, GH_REASON_EKU_WAIVED));
    CHECK(marked(&standing, GH_REASON_CRL_WAIVED));
}

/* The other way round: we connect, and the peer is the server. */
static void as_client(void)
{
    struct visit v;

    set_up(&v);
    v.facts.role = GH_ROLE_CLIENT;
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_NONE); /* no EKU: RFC 5924 section 5, accepted */
    v.facts.cert.eku_present = v.facts.cert.eku_client = true;
    v.trunk.client_auth_eku = GH_WAIVE_WARN;
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_CERT_EKU_MISSING); /* serverAuth is never waived */
    v.facts.cert.eku_server = true;
    v.facts.cert.eku_client = false;
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_NONE);
    CHECK_INT(visit(&v, NOW).mark_count, 0);
    v.name.text[0] = 'x';
    CHECK_INT(visit(&v, NOW).reason, GH_REASON_CERT_NAME_MISMATCH);
}

int main(void)
{
    RUN(names);
    RUN(odd_names);
    RUN(match);
    RUN(two_names_two_trunks);
    RUN(no_address);
    RUN(match_host);
    RUN(order_of_reasons);
    RUN(chain_reasons);
    RUN(validity);
    RUN(cucm9);
    RUN(as_client);
    return CHECK_REPORT();
}
