/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes that fail, each for its exact reason, in both roles and both versions; and what must
 * not fail. */
#include "crypto/tls.h"

#include <gatehouse/err.h>

#include "support/check.h"
#include "support_chain.h"
#include "support_tls.h"

#define DAY         86400L
#define ALL_AT_ONCE 65536

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
static const enum gh_role roles[] = { GH_ROLE_SERVER, GH_ROLE_CLIENT };

static enum gh_role other(enum gh_role role)
{
    return role == GH_ROLE_SERVER ? GH_ROLE_CLIENT : GH_ROLE_SERVER;
}

/* ---- the peer's certificate ------------------------------------------------------------------ */

struct cert_row {
    const char *about;
    struct gh_pki_cert *cert, *above;
    const char *crl, *trust;
    const char *reason;
    int alert;         /* that we send; RFC 8446 section 6.2 */
    const char *words; /* part of the text */
};

static void check_cert_row(const struct cert_row *row, enum gh_role role, int version)
{
    struct gh_tls *ours = gh_test_ours(
        &(struct gh_test_ours){ .role = role, .crl = row->crl, .trust_pem = row->trust });
    struct gh_test_peer peer;
    struct gh_cert_facts leaf = { 0 };
    bool good = strcmp(row->reason, "none") == 0;

    gh_test_peer_init(&peer, &(struct gh_test_peer_params){ .role = other(role),
                                                            .cert = row->cert,
                                                            .above = { row->above },
                                                            .max = version,
                                                            .min = version });
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK_STR(gh_test_reason(ours), row->reason);
    CHECK_INT(gh_tls_state(ours), good ? GH_TLS_UP : GH_TLS_FAILED);
    if (!good) {
        CHECK_INT(peer.alert_seen, row->alert);
        if (!strstr(gh_test_words(ours), row->words))
            CHECK_STR(gh_test_words(ours), row->words);
        /* RFC 8446 section 4.4.2.4: such a client is up before its certificate is judged. */
        if (role == GH_ROLE_SERVER)
            CHECK_INT(peer.up, version == TLS1_3_VERSION);
    }
    CHECK_INT(gh_tls_refused_leaf(ours, &leaf), 0); /* the refusal can name it */
    CHECK(leaf.subject[0] != 0);
    gh_cert_facts_fini(&leaf);
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

static void test_certificates(void)
{
    const struct gh_test_world *world = gh_test_world();
    struct gh_pki_cert *direct =
        gh_pki_issue(world->root, &(struct gh_pki_params){ .cn = "direct" });
    struct gh_pki_cert *below =
        gh_pki_issue(world->middle, &(struct gh_pki_params){ .cn = "below" });
    struct gh_pki_cert *self = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "self" });
    struct gh_pki_cert *old = gh_pki_issue(
        world->root, &(struct gh_pki_params){ .cn = "old", .from_s = -9 * DAY, .until_s = -DAY });
    struct gh_pki_cert *young = gh_pki_issue(
        world->root, &(struct gh_pki_params){ .cn = "young", .from_s = DAY, .until_s = 9 * DAY });
    struct gh_pki_cert *revoked =
        gh_pki_issue(world->root, &(struct gh_pki_params){ .cn = "revoked" });
    struct gh_pki_cert *no_eku =
        gh_pki_issue(world->root, &(struct gh_pki_params){ .cn = "mail", .eku = GH_PKI_EMAIL });
    struct gh_pki_cert *mail_ca = gh_pki_issue(
        world->root, &(struct gh_pki_params){ .cn = "Mail", .ca = true, .eku = GH_PKI_EMAIL });
    struct gh_pki_cert *by_mail = gh_pki_issue(mail_ca, &(struct gh_pki_params){ .cn = "by mail" });
    struct gh_pki_cert *weak =
        gh_pki_issue(world->root, &(struct gh_pki_params){ .cn = "weak", .digest = "SHA1" });
    struct gh_pki_cert *critical = gh_pki_issue(
        world->root,
        &(struct gh_pki_params){ .cn = "odd", .extension = "1.2.3.4=critical,DER:0500" });
    const char *fresh = gh_pki_write_crl("w-fresh.crl", world->root, -60, 3600, revoked, NULL);
    const char *stale = gh_pki_write_crl("w-stale.crl", world->root, -7200, -3600, revoked, NULL);
    const char *elsewhere = gh_pki_write_crl("w-else.crl", world->stranger_root, -60, 3600, NULL);
    const char *self_pem = gh_pki_write_certs("w-self.pem", self, NULL);
    const struct cert_row rows[] = {
        { "good", direct, NULL, NULL, NULL, "none", 0, "" },
        { "good with intermediate", below, world->middle, NULL, NULL, "none", 0, "" },
        { "wrong CA", world->stranger, NULL, NULL, NULL, "cert_untrusted", SSL_AD_UNKNOWN_CA,
          "issued by CN=Stranger,O=Elsewhere" },
        { "wrong CA, root sent", world->stranger, world->stranger_root, NULL, NULL,
          "cert_untrusted", SSL_AD_UNKNOWN_CA, "CN=Stranger" },
        { "self-signed", self, NULL, NULL, NULL, "cert_self_signed", SSL_AD_UNKNOWN_CA, "self" },
        { "self-signed, but put into trust", self, NULL, NULL, self_pem, "none", 0, "" },
        { "expired", old, NULL, NULL, NULL, "cert_expired", SSL_AD_CERTIFICATE_EXPIRED,
          "expired: certificate 0, CN=old" },
        { "not yet valid", young, NULL, NULL, NULL, "cert_not_yet_valid", SSL_AD_BAD_CERTIFICATE,
          "not yet valid" },
        { "revoked", revoked, NULL, fresh, NULL, "cert_revoked", SSL_AD_CERTIFICATE_REVOKED,
          "revoked" },
        { "not revoked", direct, NULL, fresh, NULL, "none", 0, "" },
        { "list outdated: admission judges", direct, NULL, stale, NULL, "none", 0, "" },
        { "list outdated, but it knows", revoked, NULL, stale, NULL, "cert_revoked",
          SSL_AD_CERTIFICATE_REVOKED, "revoked" },
        { "list missing: admission judges", direct, NULL, elsewhere, NULL, "none", 0, "" },
        { "intermediate missing", below, NULL, NULL, NULL, "cert_incomplete_chain",
          SSL_AD_UNKNOWN_CA, "CN=Middle" },
        { "EKU does not fit: admission judges", no_eku, NULL, NULL, NULL, "none", 0, "" },
        { "CA for mail", by_mail, mail_ca, NULL, NULL, "cert_eku_missing",
          SSL_AD_UNSUPPORTED_CERTIFICATE, "certificate 1, CN=Mail" },
        { "SHA-1", weak, NULL, NULL, NULL, "cert_weak", SSL_AD_BAD_CERTIFICATE, "112 bits" },
        { "unknown critical extension", critical, NULL, NULL, NULL, "cert_bad",
          SSL_AD_CERTIFICATE_UNKNOWN, "critical" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t j = 0; j < 4; j++) {
            int failed_before = check_failed_total;

            check_cert_row(&rows[i], roles[j / 2], versions[j % 2]);
            if (check_failed_total != failed_before)
                fprintf(stderr, "  in row %s, %s, %s\n", rows[i].about, j / 2 ? "client" : "server",
                        j % 2 ? "1.3" : "1.2");
        }
    }
}

/* What the handshake lets through is in the facts, for admission. */
static void test_facts_of_what_admission_judges(void)
{
    const struct gh_test_world *world = gh_test_world();
    struct gh_pki_cert *cert =
        gh_pki_issue(world->root, &(struct gh_pki_params){ .cn = "someone else",
                                                           .san = { "DNS:evil.example.org" },
                                                           .eku = GH_PKI_EMAIL });
    const char *elsewhere = gh_pki_write_crl("f-else.crl", world->stranger_root, -60, 3600, NULL);
    struct gh_trust *trust = gh_test_trust(world->root_pem, elsewhere);

    for (size_t i = 0; i < 2; i++) {
        struct gh_tls *ours = gh_test_ours(&(struct gh_test_ours){
            .role = roles[i], .crl = elsewhere, .server_name = "border.example.com" });
        struct gh_test_peer peer;
        struct gh_conn_facts facts = { 0 };
        struct gh_chain_facts chain_facts;
        struct gh_chain *chain = NULL;

        gh_test_peer_init(&peer,
                          &(struct gh_test_peer_params){ .role = other(roles[i]), .cert = cert });
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK_INT(gh_tls_state(ours), GH_TLS_UP); /* names are policy's */
        CHECK_INT(gh_tls_facts(ours, &facts, &chain), 0);
        CHECK_STR(facts.cert.names[0].text, "someone else");
        CHECK_STR(facts.cert.names[1].text, "evil.example.org");
        CHECK(facts.cert.eku_present && !facts.cert.eku_client && !facts.cert.eku_server);
        gh_cert_verify(chain, trust, roles[i], gh_test_now_us(), &chain_facts);
        CHECK_INT(chain_facts.reason, GH_REASON_NONE);
        CHECK(chain_facts.crl_missing);
        gh_cert_facts_fini(&facts.cert);
        gh_chain_unref(chain);
        gh_tls_free(ours);
        gh_test_peer_fini(&peer);
    }
    gh_trust_unref(trust);
}

static void test_no_certificate(void)
{
    for (size_t i = 0; i < 2; i++) {
        struct gh_tls *ours = gh_test_ours(&(struct gh_test_ours){ .role = GH_ROLE_SERVER });
        struct gh_test_peer peer;
        struct gh_cert_facts leaf;

        gh_test_peer_init(
            &peer, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT, .max = versions[i] });
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK_STR(gh_test_reason(ours), "cert_missing");
        CHECK_INT(peer.alert_seen, i ? SSL_AD_CERTIFICATE_REQUIRED : SSL_AD_HANDSHAKE_FAILURE);
        CHECK_INT(gh_tls_refused_leaf(ours, &leaf), GH_ENOTFOUND);
        gh_tls_free(ours);
        gh_test_peer_fini(&peer);
    }
}

/* One trust of several is enough; with none, the refusal that tells most is given. */
static void test_union_of_trusts(void)
{
    const struct gh_test_world *world = gh_test_world();
    const char *stranger_pem = gh_pki_write_certs("stranger.pem", world->stranger_root, NULL);
    struct gh_pki_cert *old = gh_pki_issue(
        world->root, &(struct gh_pki_params){ .cn = "old", .from_s = -9 * DAY, .until_s = -DAY });
    const struct {
        const char *first, *second, *reason;
        struct gh_pki_cert *cert;
    } rows[] = {
        { world->root_pem, stranger_pem, "none", world->stranger },
        { stranger_pem, world->root_pem, "none", world->client },
        { stranger_pem, world->root_pem, "cert_expired", old },
        { world->root_pem, stranger_pem, "cert_expired", old },
        { world->root_pem, stranger_pem, "cert_self_signed",
          gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "self" }) },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_tls *ours = gh_test_ours(&(struct gh_test_ours){
            .role = GH_ROLE_SERVER, .trust_pem = rows[i].first, .more_trust_pem = rows[i].second });
        struct gh_test_peer peer;

        gh_test_peer_init(
            &peer, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT, .cert = rows[i].cert });
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK_STR(gh_test_reason(ours), rows[i].reason);
        gh_tls_free(ours);
        gh_test_peer_fini(&peer);
    }
}

static void test_weak_certificates_by_policy(void)
{
    struct gh_pki_cert *ca = gh_pki_issue(
        NULL, &(struct gh_pki_params){
                  .cn = "CUCM CA", .ca = true, .key = GH_PKI_RSA_1024, .digest = "SHA1" });
    struct gh_pki_cert *cucm = gh_pki_issue(
        ca, &(struct gh_pki_params){ .cn = "CUCM10",
                                     .key = GH_PKI_RSA_1024,
                                     .digest = "SHA1",
                                     .eku = GH_PKI_SERVER | GH_PKI_CLIENT | GH_PKI_IPSEC });
    struct gh_pki_cert *md5 =
        gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "CUCM10", .digest = "MD5" });
    const char *trust = gh_pki_write_certs("cucm-ca.pem", ca, NULL);
    static const enum gh_tls_policy strict[] = { GH_TLS_MODERN, GH_TLS_NIST_800_52R2,
                                                 GH_TLS_BSI_TR_02102 };
    struct gh_pki_cert *certs[] = { cucm, md5 };

    for (size_t i = 0; i < 5; i++) {
        struct gh_tls *ours = gh_test_ours(
            &(struct gh_test_ours){ .role = GH_ROLE_SERVER,
                                    .trust_pem = trust,
                                    .policy = i < 3 ? strict[i] : GH_TLS_LEGACY_CUCM });
        struct gh_test_peer peer;

        gh_test_peer_init(
            &peer, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT, .cert = certs[i == 4] });
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK_STR(gh_test_reason(ours), i == 3 ? "none" : "cert_weak");
        gh_tls_free(ours);
        gh_test_peer_fini(&peer);
    }
}

/* ---- versions, ciphers, groups --------------------------------------------------------------- */

static const struct {
    const char *about;
    enum gh_tls_policy policy;
    int min, max;
    const char *ciphers, *suites, *groups;
    enum gh_pki_key key;
    const char *reason;
    int alert; /* that we send as a server */
} offer_rows[] = {
    { "TLS 1.1", GH_TLS_MODERN, 0, TLS1_1_VERSION, NULL, NULL, NULL, GH_PKI_P256,
      "tls_version_refused", SSL_AD_PROTOCOL_VERSION },
    { "TLS 1.0", GH_TLS_MODERN, 0, TLS1_VERSION, NULL, NULL, NULL, GH_PKI_P256,
      "tls_version_refused", SSL_AD_PROTOCOL_VERSION },
    { "TLS 1.1, NIST", GH_TLS_NIST_800_52R2, 0, TLS1_1_VERSION, NULL, NULL, NULL, GH_PKI_P256,
      "tls_version_refused", SSL_AD_PROTOCOL_VERSION },
    { "TLS 1.1, BSI", GH_TLS_BSI_TR_02102, 0, TLS1_1_VERSION, NULL, NULL, NULL, GH_PKI_P256,
      "tls_version_refused", SSL_AD_PROTOCOL_VERSION },
    { "RSA key exchange", GH_TLS_MODERN, 0, TLS1_2_VERSION,
      "AES256-GCM-SHA384:AES128-SHA:@SECLEVEL=0", NULL, NULL, GH_PKI_RSA_2048,
      "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
    { "CBC", GH_TLS_MODERN, 0, TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA256:@SECLEVEL=0", NULL, NULL,
      GH_PKI_RSA_2048, "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
    { "DHE", GH_TLS_MODERN, 0, TLS1_2_VERSION, "DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0", NULL, NULL,
      GH_PKI_RSA_2048, "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
    { "NULL", GH_TLS_MODERN, 0, TLS1_2_VERSION,
      "NULL-SHA:NULL-SHA256:ECDHE-RSA-NULL-SHA:@SECLEVEL=0", NULL, NULL, GH_PKI_RSA_2048,
      "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
    { "NULL, legacy", GH_TLS_LEGACY_CUCM, 0, TLS1_2_VERSION,
      "NULL-SHA:NULL-SHA256:ECDHE-RSA-NULL-SHA:@SECLEVEL=0", NULL, NULL, GH_PKI_RSA_2048,
      "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
    { "nobody authenticated", GH_TLS_LEGACY_CUCM, 0, TLS1_2_VERSION, "aNULL:@SECLEVEL=0", NULL,
      NULL, GH_PKI_RSA_2048, "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
    { "ChaCha, NIST", GH_TLS_NIST_800_52R2, TLS1_3_VERSION, 0, NULL, "TLS_CHACHA20_POLY1305_SHA256",
      NULL, GH_PKI_P256, "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
    { "X25519, BSI", GH_TLS_BSI_TR_02102, TLS1_3_VERSION, 0, NULL, NULL, "X25519", GH_PKI_P256,
      "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
    { "finite field group", GH_TLS_MODERN, TLS1_3_VERSION, 0, NULL, NULL, "ffdhe2048", GH_PKI_P256,
      "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
    { "small curve", GH_TLS_LEGACY_CUCM, 0, TLS1_2_VERSION, "ECDHE:@SECLEVEL=0", NULL, "secp192r1",
      GH_PKI_RSA_2048, "tls_no_common_cipher", SSL_AD_HANDSHAKE_FAILURE },
};

static void check_offer_row(size_t i, enum gh_role role)
{
    const struct gh_test_world *world = gh_test_world();
    struct gh_pki_cert *cert =
        gh_pki_issue(world->root, &(struct gh_pki_params){ .cn = "x", .key = offer_rows[i].key });
    struct gh_tls *ours = gh_test_ours(
        &(struct gh_test_ours){ .role = role, .policy = offer_rows[i].policy, .cert = cert });
    struct gh_test_peer peer;

    gh_test_peer_init(&peer, &(struct gh_test_peer_params){ .role = other(role),
                                                            .cert = cert,
                                                            .min = offer_rows[i].min,
                                                            .max = offer_rows[i].max,
                                                            .ciphers = offer_rows[i].ciphers,
                                                            .suites = offer_rows[i].suites,
                                                            .groups = offer_rows[i].groups });
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK_STR(gh_test_reason(ours), offer_rows[i].reason);
    CHECK(gh_test_words(ours)[0] != 0);
    CHECK(!peer.up);
    if (role == GH_ROLE_SERVER)
        CHECK_INT(peer.alert_seen, offer_rows[i].alert);
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

static void test_offers_that_do_not_meet(void)
{
    for (size_t i = 0; i < sizeof(offer_rows) / sizeof(offer_rows[0]); i++) {
        for (size_t j = 0; j < 2; j++) {
            int failed_before = check_failed_total;

            check_offer_row(i, roles[j]);
            if (check_failed_total != failed_before)
                fprintf(stderr, "  in row %s, %s\n", offer_rows[i].about, j ? "client" : "server");
        }
    }
}

/* ---- the peer refuses ours ------------------------------------------------------------------- */

static void test_peer_refuses_ours(void)
{
    const struct gh_test_world *world = gh_test_world();
    const char *stranger_pem = gh_pki_write_certs("peer-trust.pem", world->stranger_root, NULL);
    struct gh_pki_cert *old = gh_pki_issue(
        world->root, &(struct gh_pki_params){ .cn = "old", .from_s = -9 * DAY, .until_s = -DAY });
    const struct {
        struct gh_pki_cert *cert;
        const char *peer_trust, *words;
    } rows[] = {
        { NULL, stranger_pem, "alert from the peer: unknown CA (48)" },
        { old, world->root_pem, "alert from the peer: certificate expired (45)" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 4; i++) {
        enum gh_role role = roles[i % 2];
        int version = versions[i / 2 % 2];
        struct gh_tls *ours =
            gh_test_ours(&(struct gh_test_ours){ .role = role, .cert = rows[i / 4].cert });
        struct gh_test_peer peer;
        uint8_t buf[16];
        bool up_first = role == GH_ROLE_CLIENT && version == TLS1_3_VERSION;

        gh_test_peer_init(&peer, &(struct gh_test_peer_params){
                                     .role = other(role),
                                     .cert = role == GH_ROLE_SERVER ? world->client : world->server,
                                     .max = version,
                                     .trust_pem = rows[i / 4].peer_trust });
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK_INT(gh_tls_state(ours), up_first ? GH_TLS_UP : GH_TLS_FAILED);
        CHECK_INT(gh_tls_read(ours, buf, sizeof(buf)), 0);
        CHECK_INT(gh_tls_state(ours), GH_TLS_FAILED);
        CHECK_STR(gh_test_reason(ours), "tls_peer_refused_ours");
        CHECK_STR(gh_test_words(ours), rows[i / 4].words);
        gh_tls_free(ours);
        gh_test_peer_fini(&peer);
    }
}

/* ---- contexts -------------------------------------------------------------------------------- */

static void check_context(const struct gh_tls_params *params, int want_err, const char *want_text)
{
    struct gh_tls_context *context = NULL;
    char text[256] = "left over";

    CHECK_INT(gh_tls_context_new(&context, params, text, sizeof(text)), want_err);
    CHECK_INT(context != NULL, want_err == 0);
    if (!strstr(text, want_text) || (!*want_text && *text))
        CHECK_STR(text, want_text);
    gh_tls_context_unref(context);
    CHECK_INT(gh_tls_context_new(&context, params, NULL, 0), want_err);
    if (want_err == 0)
        gh_tls_context_unref(context);
}

static void test_contexts(void)
{
    const struct gh_test_world *world = gh_test_world();
    struct gh_trust *trust = gh_test_trust(world->root_pem, NULL);
    struct gh_pki_cert *weak =
        gh_pki_issue(world->root, &(struct gh_pki_params){ .cn = "w", .key = GH_PKI_RSA_1024 });
    struct gh_tls_params params = {
        .role = GH_ROLE_SERVER,
        .trust = &trust,
        .trust_count = 1,
        .certificate = gh_pki_write_certs("c.pem", world->server, NULL),
        .private_key = gh_pki_write_key("c.key", world->server),
    };
    struct gh_tls_params changed;

    check_context(&params, 0, "");
    changed = params;
    changed.role = GH_ROLE_NONE;
    check_context(&changed, GH_EINVAL, "");
    changed = params;
    changed.policy = (enum gh_tls_policy)77;
    check_context(&changed, GH_EINVAL, "");
    changed = params;
    changed.certificate = gh_pki_path("nothing.pem");
    check_context(&changed, GH_ENOTFOUND, "nothing.pem: No such file");
    changed = params;
    changed.private_key = gh_pki_write_text("open.key", "", 0644);
    check_context(&changed, -EPERM, "open.key: mode 0644");
    changed = params;
    changed.private_key = gh_pki_write_key("else.key", world->root);
    check_context(&changed, GH_EINVAL, "else.key is not the key of");
    changed = params;
    changed.certificate = gh_pki_write_certs("weak.pem", weak, NULL);
    changed.private_key = gh_pki_write_key("weak.key", weak);
    check_context(&changed, GH_EINVAL,
                  "weak.pem: its key, RSA of 1024 bits, is too weak; use RSA of 2048 bits or EC "
                  "P-256 at least");
    changed.policy = GH_TLS_LEGACY_CUCM;
    check_context(&changed, 0, "");
    gh_trust_unref(trust);
}

/* Without trust nobody is trusted. */
static void test_context_without_trust(void)
{
    const struct gh_test_world *world = gh_test_world();
    struct gh_tls_context *context = NULL;
    struct gh_tls *ours = NULL;
    struct gh_test_peer peer;
    char text[256];

    CHECK_OR_STOP(
        gh_tls_context_new(&context,
                           &(struct gh_tls_params){
                               .role = GH_ROLE_SERVER,
                               .certificate = gh_pki_write_certs("n.pem", world->server, NULL),
                               .private_key = gh_pki_write_key("n.key", world->server) },
                           text, sizeof(text)) == 0);
    CHECK(gh_tls_context_ref(context) == context);
    gh_tls_context_unref(context);
    CHECK_INT(gh_tls_new(&ours, context, NULL), 0);
    gh_tls_context_unref(context);
    gh_test_peer_init(
        &peer, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT, .cert = world->client });
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK_STR(gh_test_reason(ours), "cert_untrusted");
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

int main(void)
{
    RUN(test_certificates);
    RUN(test_facts_of_what_admission_judges);
    RUN(test_no_certificate);
    RUN(test_union_of_trusts);
    RUN(test_weak_certificates_by_policy);
    RUN(test_offers_that_do_not_meet);
    RUN(test_peer_refuses_ours);
    RUN(test_contexts);
    RUN(test_context_without_trust);
    return CHECK_REPORT();
}
