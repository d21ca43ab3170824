/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standing: which trunk a connection proves to be, and whether it is verified.
 * Sources: RFC 5922 section 7 (names), RFC 5280 sections 4.1.2.5 and 4.2.1.12 (validity, EKU),
 * RFC 5924 section 5 (EKU that is absent), NIST SP 800-52 Rev. 2, BSI TR-02102-1 and -2 (presets).
 *
 * Reading certificates and building chains is crypto's work; here facts are compared with a
 * trunk's rules.
 */
#include "policy/policy_int.h"

/* ---- names ----------------------------------------------------------------------------------- */

#define CN GH_BIT(GH_NAME_CN)
#define DNS GH_BIT(GH_NAME_DNS)
#define URI GH_BIT(GH_NAME_URI)

/* Which names of a certificate count. */
static const struct {
    unsigned name_in, has_san, kinds;
} name_rules[] = {
    /* name_in                has SAN    kinds that count */
    { GH_BIT(GH_NAME_IN_SAN), GH_YES,    URI | DNS },      /* RFC 5922 section 7.1 */
    { GH_BIT(GH_NAME_IN_SAN), GH_NO,     CN },             /* the same; CUCM 9 */
    { GH_BIT(GH_NAME_IN_CN),  GH_EITHER, CN },             /* Microsoft Teams, against RFC 5922 */
    { GH_BIT(GH_NAME_IN_ANY), GH_EITHER, URI | DNS | CN },
};

/* RFC 1034 section 3.1: one dot at the end only says that the name is complete, so it does not
 * count. */
static struct gh_span without_dot(struct gh_span name)
{
    return name.len && name.p[name.len - 1] == '.' ? gh_span_head(name, name.len - 1) : name;
}

static bool same_name(struct gh_span a, struct gh_span b)
{
    a = without_dot(a);
    b = without_dot(b);
    return a.len > 0 && gh_span_ieq(a, b);
}

/* "*.example.net" stands for one label before ".example.net".  The star is a whole label, the
 * leftmost one; at least two labels follow it; an IP address is no name with labels (RFC 9525
 * section 6.3). */
static bool wildcard_fits(struct gh_span wildcard, struct gh_span host)
{
    struct gh_span tail = gh_span_from(wildcard, 1), label;
    struct gh_addr addr;
    size_t second;

    if (gh_addr_parse_ip(host, 0, &addr) == 0)
        return false;
    if (!gh_span_starts(wildcard, GH_SPAN("*.")) || gh_span_find(tail, '*') < tail.len)
        return false;
    second = gh_span_find(gh_span_from(tail, 1), '.');
    if (second == 0 || second + 2 >= tail.len)
        return false;
    label = gh_span_head(host, gh_span_find(host, '.'));
    return label.len > 0 && gh_span_ieq(gh_span_from(host, label.len), tail);
}

static bool name_fits(const struct gh_cert_name *name, const char *expected, bool allow_wildcard)
{
    struct gh_span presented = { name->text, strnlen(name->text, sizeof(name->text)) };

    if (!expected || presented.len == sizeof(name->text))
        return false;
    if (gh_span_find(presented, '*') == presented.len)
        return same_name(presented, gh_span_str(expected));
    /* RFC 5922 section 7.2: no wildcard matches, unless the trunk allows them; and never in a
     * URI. */
    return allow_wildcard && name->kind != GH_NAME_URI &&
           wildcard_fits(without_dot(presented), without_dot(gh_span_str(expected)));
}

/* RFC 5922 section 7.1: a SAN that names somebody silences the CN, also when we could not use
 * that name. */
static bool has_san(const struct gh_cert_facts *cert)
{
    for (size_t i = 0; i < cert->name_count; i++) {
        if (cert->names[i].kind != GH_NAME_CN)
            return true;
    }
    return cert->has_san;
}

static unsigned kinds_that_count(const struct gh_cert_facts *cert, enum gh_name_in name_in)
{
    for (size_t i = 0; i < GH_ARRAY_COUNT(name_rules); i++) {
        if (gh_fits(name_rules[i].name_in, name_in) &&
            gh_fits(name_rules[i].has_san, has_san(cert)))
            return name_rules[i].kinds;
    }
    return 0;
}

bool gh_policy_name_fits(const struct gh_cert_facts *cert, const struct gh_trunk_rules *trunk)
{
    unsigned kinds = kinds_that_count(cert, trunk->name_in);

    for (size_t n = 0; n < cert->name_count; n++) {
        if (!gh_fits(kinds, cert->names[n].kind))
            continue;
        for (size_t p = 0; p < trunk->peer_name_count; p++) {
            if (name_fits(&cert->names[n], trunk->peer_names[p], trunk->allow_wildcard))
                return true;
        }
    }
    return false;
}

/* ---- which trunk ----------------------------------------------------------------------------- */

static bool address_fits(const struct gh_addr *peer, const struct gh_trunk_rules *trunk)
{
    if (peer->family == 0)
        return false;
    for (size_t i = 0; i < trunk->peer_address_count; i++) {
        if (gh_addr_same_ip(peer, &trunk->peer_addresses[i]))
            return true;
    }
    return false;
}

/* Same listener and same transport: so TLS never selects a trunk without TLS, nor the reverse. */
static bool is_candidate(const struct gh_conn_facts *facts, unsigned listener,
                         const struct gh_trunk_rules *trunk)
{
    if (trunk->listener != listener || trunk->transport != facts->transport || trunk->id == 0)
        return false;
    return facts->transport == GH_TRANSPORT_TLS
               ? facts->peer_cert && gh_policy_name_fits(&facts->cert, trunk)
               : address_fits(&facts->peer, trunk);
}

static bool has_match_host(const struct gh_trunk_rules *trunk)
{
    return trunk->match_host && trunk->match_host[0];
}

/* What the number of candidates means.  Overlapping addresses are an error at load, so several
 * candidates by address have no row: nobody is guessed. */
enum candidates { CANDIDATES_NONE = 0, CANDIDATES_ONE, CANDIDATES_BY_HOST, CANDIDATES_SEVERAL };

#define TLS GH_BIT(GH_TRANSPORT_TLS)
#define WITHOUT_TLS (GH_BIT(GH_TRANSPORT_UDP) | GH_BIT(GH_TRANSPORT_TCP))

static const struct {
    unsigned transport, peer_cert, candidates;
    enum gh_reason reason;
} match_rules[] = {
    /* transport   certificate  candidates                   reason */
    { TLS,         GH_NO,       GH_BIT(CANDIDATES_NONE),     GH_REASON_CERT_MISSING },
    { TLS,         GH_YES,      GH_BIT(CANDIDATES_NONE),     GH_REASON_NO_TRUNK_FOR_CERTIFICATE },
    { TLS,         GH_YES,      GH_BIT(CANDIDATES_ONE),      GH_REASON_NONE },
    { TLS,         GH_YES,      GH_BIT(CANDIDATES_BY_HOST),  GH_REASON_NONE },
    { TLS,         GH_YES,      GH_BIT(CANDIDATES_SEVERAL),  GH_REASON_AMBIGUOUS_CERTIFICATE },
    { WITHOUT_TLS, GH_EITHER,   GH_BIT(CANDIDATES_NONE),     GH_REASON_NO_TRUNK_FOR_ADDRESS },
    { WITHOUT_TLS, GH_EITHER,   GH_BIT(CANDIDATES_ONE),      GH_REASON_NONE },
};

static enum gh_reason match_reason(const struct gh_conn_facts *facts, enum candidates candidates)
{
    for (size_t i = 0; i < GH_ARRAY_COUNT(match_rules); i++) {
        if (gh_fits(match_rules[i].transport, facts->transport) &&
            gh_fits(match_rules[i].peer_cert, facts->peer_cert) &&
            gh_fits(match_rules[i].candidates, candidates))
            return match_rules[i].reason;
    }
    return GH_REASON_NO_RULE;
}

struct gh_trunk_match gh_policy_match_trunk(const struct gh_conn_facts *facts, unsigned listener,
                                            const struct gh_trunk_rules *trunks, size_t count)
{
    enum candidates candidates = CANDIDATES_NONE;
    const struct gh_trunk_rules *one = NULL;
    struct gh_trunk_match match = { 0 };
    size_t found = 0, with_host = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_candidate(facts, listener, &trunks[i]))
            continue;
        found++;
        with_host += has_match_host(&trunks[i]);
        one = &trunks[i];
    }
    if (found == 1)
        candidates = CANDIDATES_ONE;
    else if (found > 1)
        candidates = with_host == found ? CANDIDATES_BY_HOST : CANDIDATES_SEVERAL;
    match.reason = match_reason(facts, candidates);
    match.by_host = match.reason == GH_REASON_NONE && candidates == CANDIDATES_BY_HOST;
    match.trunk = match.reason == GH_REASON_NONE && candidates == CANDIDATES_ONE ? one : NULL;
    return match;
}

const struct gh_trunk_rules *gh_policy_match_host(const struct gh_conn_facts *facts,
                                                  unsigned listener,
                                                  const struct gh_trunk_rules *trunks, size_t count,
                                                  struct gh_span host)
{
    const struct gh_trunk_rules *one = NULL;

    if (!gh_policy_match_trunk(facts, listener, trunks, count).by_host)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (!is_candidate(facts, listener, &trunks[i]) ||
            !same_name(gh_span_str(trunks[i].match_host), host))
            continue;
        if (one)
            return NULL;
        one = &trunks[i];
    }
    return one;
}

/* ---- presets of TLS -------------------------------------------------------------------------- */

struct tls_rule {
    enum gh_tls_version version;       /* least */
    bool forward_secrecy, aead;        /* needed */
    bool chacha20, sha1;               /* allowed */
    int cipher_bits, security_bits;    /* least; the latter of the leaf's key */
};

/* Key exchange groups are left to the handshake.  AEAD alone: whether a CBC cipher was used
 * with encrypt-then-MAC, which BSI demands, is not to be seen afterwards; NIST allows CBC,
 * nobody needs it. */
static const struct tls_rule tls_rules[] = {
    /*                         version      forward  aead   chacha sha1   cipher key */
    [GH_TLS_MODERN]        = { GH_TLS_1_2, true,    true,  true,  false, 128,   112 },
    [GH_TLS_NIST_800_52R2] = { GH_TLS_1_2, true,    true,  false, false, 128,   112 },
    /* 120 bits of security: RSA 3000, since 2024 */
    [GH_TLS_BSI_TR_02102]  = { GH_TLS_1_2, true,    true,  false, false, 128,   120 },
    /* CUCM 9.1: TLS 1.0, AES128-SHA without forward secrecy, RSA 1024 (80 bits) signed with
     * SHA-1. */
    [GH_TLS_LEGACY_CUCM]   = { GH_TLS_OLD, false,   false, true,  true,  128,   80 },
};

static bool cipher_has(const struct gh_conn_facts *facts, const char *word)
{
    return strnlen(facts->cipher, sizeof(facts->cipher)) < sizeof(facts->cipher) &&
           strstr(facts->cipher, word) != NULL;
}

/* By OpenSSL's names.  CCM_8 has a tag of 64 bits only and does not count. */
static bool is_aead(const struct gh_conn_facts *facts)
{
    return cipher_has(facts, "GCM") || cipher_has(facts, "CHACHA20") ||
           (cipher_has(facts, "CCM") && !cipher_has(facts, "CCM8") && !cipher_has(facts, "CCM_8"));
}

static bool version_below(const struct gh_conn_facts *facts, const struct tls_rule *rule)
{
    return facts->version < rule->version || facts->version > GH_TLS_1_3;
}

static bool cipher_below(const struct gh_conn_facts *facts, const struct tls_rule *rule)
{
    return facts->cipher_bits < rule->cipher_bits || (rule->aead && !is_aead(facts)) ||
           (!rule->chacha20 && cipher_has(facts, "CHACHA20"));
}

static bool certificate_below(const struct gh_cert_facts *cert, const struct gh_chain_facts *chain,
                              const struct tls_rule *rule)
{
    return cert->security_bits < rule->security_bits ||
           (!rule->sha1 && (cert->weak_signature || chain->weak));
}

/* ---- admission ------------------------------------------------------------------------------- */

struct admission {
    const struct gh_conn_facts *facts;
    const struct gh_trunk_rules *trunk;
    const struct gh_chain_facts *chain; /* never NULL: one that says GH_REASON_NO_RULE instead */
    const struct tls_rule *preset;
    int64_t wall_us;
};

/* What no rule speaks of: TLS on a trunk that is non_secure or has another transport, no role,
 * no name. */
static bool outside_all_rules(const struct admission *a)
{
    static const unsigned modes = GH_BIT(GH_MODE_AUTHENTICATED) | GH_BIT(GH_MODE_ENCRYPTED);
    static const unsigned roles = GH_BIT(GH_ROLE_SERVER) | GH_BIT(GH_ROLE_CLIENT);

    return a->trunk->id == 0 || a->trunk->transport != GH_TRANSPORT_TLS || !a->preset ||
           !gh_fits(modes, a->trunk->device_mode) || !gh_fits(roles, a->facts->role);
}

static bool certificate_missing(const struct admission *a)
{
    return !a->facts->peer_cert;
}

static bool chain_broken(const struct admission *a)
{
    return a->chain->reason != GH_REASON_NONE;
}

/* RFC 5280 section 4.1.2.5: both ends of the period belong to it. */
static bool not_yet_valid(const struct admission *a)
{
    return a->wall_us < a->chain->valid_from_us || a->wall_us < a->facts->cert.not_before_us;
}

static bool expired(const struct admission *a)
{
    return a->wall_us > a->chain->valid_until_us || a->wall_us > a->facts->cert.not_after_us;
}

static bool revocation_unknown(const struct admission *a)
{
    return a->chain->crl_missing;
}

static bool crl_waived(const struct admission *a)
{
    return a->trunk->crl_unavailable == GH_WAIVE_WARN;
}

static bool name_mismatch(const struct admission *a)
{
    return !gh_policy_name_fits(&a->facts->cert, a->trunk);
}

/* RFC 5280 section 4.2.1.12: an EKU that is there names every purpose; which of its entries fit a
 * role is read by crypto, which counts id-kp-sipDomain for both (RFC 5924 section 5).  The same
 * section leaves one that is absent to local policy: it is accepted, as most private CAs issue
 * none. An intermediate whose EKU lacks clientAuth bars its clients, as in OpenSSL's purpose
 * check. */
static bool client_auth_missing(const struct admission *a)
{
    bool leaf_lacks = a->facts->cert.eku_present && !a->facts->cert.eku_client;

    return a->facts->role == GH_ROLE_SERVER && (leaf_lacks || a->chain->client_barred);
}

static bool server_auth_missing(const struct admission *a)
{
    return a->facts->role == GH_ROLE_CLIENT && a->facts->cert.eku_present &&
           !a->facts->cert.eku_server;
}

static bool eku_waived(const struct admission *a)
{
    return a->trunk->client_auth_eku == GH_WAIVE_WARN;
}

static bool weak_certificate(const struct admission *a)
{
    return certificate_below(&a->facts->cert, a->chain, a->preset);
}

static bool weak_version(const struct admission *a)
{
    return version_below(a->facts, a->preset);
}

static bool hides_nothing(const struct admission *a)
{
    return a->facts->cipher_kind == GH_CIPHER_AUTH_ONLY;
}

static bool encrypts(const struct admission *a)
{
    return a->facts->cipher_kind == GH_CIPHER_ENCRYPTING;
}

/* A NULL cipher hides nothing, so neither its bits nor forward secrecy are asked for; the mode
 * must allow it. */
static bool weak_cipher(const struct admission *a)
{
    if (hides_nothing(a))
        return a->trunk->device_mode != GH_MODE_AUTHENTICATED;
    return !encrypts(a) || cipher_below(a->facts, a->preset) ||
           (a->preset->forward_secrecy && !a->facts->forward_secret);
}

#define CHAIN_SAYS GH_REASON_NONE /* as a refusal: the reason is the chain's own */

/* The first fault that is found and not waived decides.  First who the peer is: nothing that a
 * certificate says counts before its chain holds now.  Then whether it is the neighbour meant, in
 * this role.  Then how strong all this was: worth telling of the right neighbour only.  A chain
 * that crypto refused is never waived: a CA made for mail does not vouch because a leaf may lack
 * clientAuth. */
static const struct {
    bool (*found)(const struct admission *);
    enum gh_reason refusal;
    bool (*waived)(const struct admission *);
    enum gh_reason mark;
} faults[] = {
    { outside_all_rules,   GH_REASON_NO_RULE,             NULL, 0 },
    { certificate_missing, GH_REASON_CERT_MISSING,        NULL, 0 },
    { chain_broken,        CHAIN_SAYS,                    NULL, 0 },
    { not_yet_valid,       GH_REASON_CERT_NOT_YET_VALID,  NULL, 0 },
    { expired,             GH_REASON_CERT_EXPIRED,        NULL, 0 },
    { revocation_unknown,  GH_REASON_CRL_UNAVAILABLE,     crl_waived, GH_REASON_CRL_WAIVED },
    { name_mismatch,       GH_REASON_CERT_NAME_MISMATCH,  NULL, 0 },
    { client_auth_missing, GH_REASON_CERT_EKU_MISSING,    eku_waived, GH_REASON_EKU_WAIVED },
    { server_auth_missing, GH_REASON_CERT_EKU_MISSING,    NULL, 0 },
    { weak_certificate,    GH_REASON_CERT_WEAK,           NULL, 0 },
    { weak_version,        GH_REASON_TLS_VERSION_REFUSED, NULL, 0 },
    { weak_cipher,         GH_REASON_TLS_WEAK_CIPHER,     NULL, 0 },
};

static bool below_modern_certificate(const struct admission *a)
{
    return certificate_below(&a->facts->cert, a->chain, &tls_rules[GH_TLS_MODERN]);
}

static bool below_modern_tls(const struct admission *a)
{
    const struct tls_rule *modern = &tls_rules[GH_TLS_MODERN];

    return hides_nothing(a) || version_below(a->facts, modern) || cipher_below(a->facts, modern);
}

static bool keys_open_later(const struct admission *a)
{
    return encrypts(a) && !a->facts->forward_secret;
}

/* What a looser preset or mode let in: told in every record. */
static const struct {
    bool (*found)(const struct admission *);
    enum gh_reason mark;
} weaknesses[] = {
    { below_modern_tls,         GH_REASON_WEAK_TLS },
    { keys_open_later,          GH_REASON_NO_FORWARD_SECRECY },
    { below_modern_certificate, GH_REASON_CERT_WEAK },
};

static void add_mark(struct gh_standing *standing, enum gh_reason mark)
{
    if (standing->mark_count < GH_STANDING_MARKS_MAX)
        standing->marks[standing->mark_count++] = mark;
}

static struct gh_standing refused(enum gh_signalling signalling, enum gh_reason reason)
{
    return (struct gh_standing){ .signalling = signalling, .reason = reason };
}

static struct gh_standing admit_tls(const struct admission *a)
{
    struct gh_standing standing = { .trunk = a->trunk->id, .reason = GH_REASON_NONE };

    for (size_t i = 0; i < GH_ARRAY_COUNT(faults); i++) {
        if (!faults[i].found(a))
            continue;
        if (!faults[i].waived || !faults[i].waived(a))
            return refused(GH_SIG_TLS_UNVERIFIED,
                           faults[i].refusal == CHAIN_SAYS ? a->chain->reason : faults[i].refusal);
        add_mark(&standing, faults[i].mark);
    }
    for (size_t i = 0; i < GH_ARRAY_COUNT(weaknesses); i++) {
        if (weaknesses[i].found(a))
            add_mark(&standing, weaknesses[i].mark);
    }
    standing.signalling = hides_nothing(a) ? GH_SIG_TLS_NULL : GH_SIG_TLS_VERIFIED;
    standing.proven_until_us = a->chain->valid_until_us < a->facts->cert.not_after_us
                                   ? a->chain->valid_until_us
                                   : a->facts->cert.not_after_us;
    return standing;
}

/* Who may send from where was settled by gh_policy_match_trunk; an outgoing connection went
 * where the trunk's destinations say.  Neither proves anybody. */
static struct gh_standing admit_clear(const struct gh_conn_facts *facts,
                                      const struct gh_trunk_rules *trunk)
{
    if (trunk->transport == GH_TRANSPORT_TLS)
        return refused(GH_SIG_CLEAR, GH_REASON_TLS_NOT_TLS);
    if (trunk->id == 0 || trunk->transport != facts->transport ||
        trunk->device_mode != GH_MODE_NON_SECURE)
        return refused(GH_SIG_CLEAR, GH_REASON_NO_RULE);
    return (struct gh_standing){ .trunk = trunk->id,
                                 .signalling = GH_SIG_CLEAR,
                                 .reason = GH_REASON_NONE,
                                 .proven_until_us = INT64_MAX };
}

struct gh_standing gh_policy_admit(const struct gh_conn_facts *facts,
                                   const struct gh_trunk_rules *trunk,
                                   const struct gh_chain_facts *chain, int64_t wall_us)
{
    static const struct gh_chain_facts not_judged = { .reason = GH_REASON_NO_RULE };
    struct admission admission = { facts, trunk, chain ? chain : &not_judged, NULL, wall_us };

    if ((unsigned)trunk->tls_policy < GH_ARRAY_COUNT(tls_rules))
        admission.preset = &tls_rules[trunk->tls_policy];
    switch (facts->transport) {
    case GH_TRANSPORT_TLS:
        return admit_tls(&admission);
    case GH_TRANSPORT_TCP:
    case GH_TRANSPORT_UDP:
        return admit_clear(facts, trunk);
    case GH_TRANSPORT_NONE:
        break;
    }
    return refused(GH_SIG_NONE, GH_REASON_NO_RULE);
}
