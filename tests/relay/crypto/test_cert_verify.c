/* SPDX-License-Identifier: Apache-2.0 */
/* A chain judged by one trust: every way to be wrong, and what may be waived. */
#include "crypto/cert.h"

#include "crypto/cert_int.h"
#include "support/check.h"
#include "support/pki.h"
#include "support_chain.h"

#define DAY       86400L
#define SECOND_US INT64_C(1000000)

static struct gh_pki_cert *root, *middle, *leaf, *direct, *stranger_root, *stranger;
static const char *root_pem;

/* Judge leaf, then @more certificates, with the anchors in @trust_path. */
static struct gh_chain_facts judge(const char *trust_path, const char *crl_path, enum gh_role role,
                                   int64_t wall_us, struct gh_chain *chain)
{
    struct gh_trust *trust = gh_test_trust(trust_path, crl_path);
    struct gh_chain_facts facts = { 0 };

    gh_cert_verify(chain, trust, role, wall_us, &facts);
    gh_chain_unref(chain);
    gh_trust_unref(trust);
    return facts;
}

static const char *verdict(const char *trust_path, struct gh_chain *chain)
{
    return gh_reason_name(judge(trust_path, NULL, GH_ROLE_SERVER, gh_test_now_us(), chain).reason);
}

static struct gh_pki_cert *issue(const struct gh_pki_cert *issuer, const char *cn)
{
    return gh_pki_issue(issuer, &(struct gh_pki_params){ .cn = cn });
}

static void test_good_chains(void)
{
    CHECK_STR(verdict(root_pem, gh_test_chain(direct, NULL)), "none");
    CHECK_STR(verdict(root_pem, gh_test_chain(leaf, middle, NULL)), "none");
    CHECK_STR(verdict(root_pem, gh_test_chain(leaf, middle, root, NULL)), "none");
    CHECK_STR(verdict(root_pem, gh_test_chain(leaf, stranger_root, root, middle, NULL)),
              "none"); /* any order */
}

static void test_nothing_to_judge(void)
{
    struct gh_trust *trust = gh_test_trust(root_pem, NULL);
    struct gh_chain *chain = gh_test_chain(direct, NULL);
    struct gh_chain_facts facts;

    gh_cert_verify(NULL, trust, GH_ROLE_SERVER, gh_test_now_us(), &facts);
    CHECK_STR(gh_reason_name(facts.reason), "cert_missing");
    gh_cert_verify(chain, NULL, GH_ROLE_SERVER, gh_test_now_us(), &facts);
    CHECK_STR(gh_reason_name(facts.reason), "cert_untrusted");
    gh_chain_unref(chain);
    gh_trust_unref(trust);
}

static void test_strangers(void)
{
    struct gh_pki_cert *self = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "self" });

    CHECK_STR(verdict(root_pem, gh_test_chain(stranger, NULL)), "cert_untrusted");
    CHECK_STR(verdict(root_pem, gh_test_chain(stranger, stranger_root, NULL)), "cert_untrusted");
    CHECK_STR(verdict(root_pem, gh_test_chain(self, NULL)), "cert_self_signed");
}

static void test_missing_intermediate(void)
{
    struct gh_pki_cert *below =
        gh_pki_issue(middle, &(struct gh_pki_params){ .cn = "Below", .ca = true });
    struct gh_pki_cert *deep = issue(below, "deep");

    CHECK_STR(verdict(root_pem, gh_test_chain(leaf, NULL)), "cert_incomplete_chain");
    CHECK_STR(verdict(root_pem, gh_test_chain(deep, below, NULL)), "cert_incomplete_chain");
    CHECK_STR(verdict(root_pem, gh_test_chain(deep, middle, NULL)), "cert_incomplete_chain");
    CHECK_STR(verdict(root_pem, gh_test_chain(deep, below, middle, NULL)), "none");
}

/* An attacker's CA with the name of ours: its certificates are strangers, not incomplete. */
static void test_same_name_other_key(void)
{
    struct gh_pki_cert *fake =
        gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Root", .ca = true });
    struct gh_pki_cert *forged = issue(fake, "forged");

    CHECK_STR(verdict(root_pem, gh_test_chain(forged, NULL)), "cert_untrusted");
    CHECK_STR(verdict(root_pem, gh_test_chain(forged, fake, NULL)), "cert_untrusted");
}

static void test_altered_signature(void)
{
    struct gh_pki_cert *victim = issue(root, "victim");
    unsigned char *der = NULL;
    const unsigned char *p;
    int len = i2d_X509(victim->x509, &der);
    struct gh_pki_cert altered = { 0 };

    CHECK_OR_STOP(len > 0);
    der[len - 1] ^= 1; /* the last octet belongs to the signature */
    p = der;
    altered.x509 = d2i_X509(NULL, &p, len);
    CHECK_OR_STOP(altered.x509 != NULL);
    CHECK_STR(verdict(root_pem, gh_test_chain(&altered, NULL)), "cert_bad");
    X509_free(altered.x509);
    OPENSSL_free(der);
}

static void test_dates(void)
{
    struct gh_pki_cert *old = gh_pki_issue(
        root, &(struct gh_pki_params){ .cn = "o", .from_s = -9 * DAY, .until_s = -DAY });
    struct gh_pki_cert *young =
        gh_pki_issue(root, &(struct gh_pki_params){ .cn = "y", .from_s = DAY, .until_s = 9 * DAY });
    struct gh_pki_cert *old_middle = gh_pki_issue(
        root,
        &(struct gh_pki_params){ .cn = "Old", .ca = true, .from_s = -9 * DAY, .until_s = -DAY });
    int64_t now = gh_test_now_us();

    CHECK_STR(verdict(root_pem, gh_test_chain(old, NULL)), "cert_expired");
    CHECK_STR(verdict(root_pem, gh_test_chain(young, NULL)), "cert_not_yet_valid");
    CHECK_STR(verdict(root_pem, gh_test_chain(issue(old_middle, "l"), old_middle, NULL)),
              "cert_expired");
    /* The clock is an argument. */
    CHECK_INT(
        judge(root_pem, NULL, GH_ROLE_SERVER, now + 2 * DAY * SECOND_US, gh_test_chain(young, NULL))
            .reason,
        GH_REASON_NONE);
    CHECK_INT(judge(root_pem, NULL, GH_ROLE_SERVER, now + 400 * DAY * SECOND_US,
                    gh_test_chain(direct, NULL))
                  .reason,
              GH_REASON_CERT_EXPIRED);
    CHECK_INT(judge(root_pem, NULL, GH_ROLE_SERVER, -1, gh_test_chain(direct, NULL)).reason,
              GH_REASON_CERT_NOT_YET_VALID);
}

static void test_validity_is_that_of_the_whole_chain(void)
{
    struct gh_pki_cert *ca = gh_pki_issue(
        NULL,
        &(struct gh_pki_params){
            .cn = "Dated", .ca = true, .from = "20200101000000Z", .until = "20990101000000Z" });
    struct gh_pki_cert *short_ca = gh_pki_issue(
        ca, &(struct gh_pki_params){
                .cn = "Short", .ca = true, .from = "20210101000000Z", .until = "20400101000000Z" });
    struct gh_pki_cert *end = gh_pki_issue(
        short_ca, &(struct gh_pki_params){
                      .cn = "end", .from = "20220101000000Z", .until = "20980101000000Z" });
    const char *trust = gh_pki_write_certs("dated.pem", ca, NULL);
    struct gh_chain_facts facts =
        judge(trust, NULL, GH_ROLE_SERVER, gh_test_now_us(), gh_test_chain(end, short_ca, NULL));

    CHECK_INT(facts.reason, GH_REASON_NONE);
    CHECK_INT(facts.valid_from_us, 1640995200 * SECOND_US);  /* 2022: the leaf */
    CHECK_INT(facts.valid_until_us, 2208988800 * SECOND_US); /* 2040: the intermediate */
    /* To the second: valid at its last, expired after it. */
    CHECK_INT(judge(trust, NULL, GH_ROLE_SERVER, 2208988800 * SECOND_US - 1,
                    gh_test_chain(end, short_ca, NULL))
                  .reason,
              GH_REASON_NONE);
    CHECK_INT(judge(trust, NULL, GH_ROLE_SERVER, 2208988801 * SECOND_US,
                    gh_test_chain(end, short_ca, NULL))
                  .reason,
              GH_REASON_CERT_EXPIRED);
}

/* "Put this very certificate into trust", "or add the issuer to trust": the advice of two
 * reasons. */
static void test_anchors_that_are_no_roots(void)
{
    struct gh_pki_cert *self = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "self" });
    struct gh_pki_cert *sibling = issue(middle, "sibling");
    const char *self_pem = gh_pki_write_certs("self.pem", self, NULL);
    const char *leaf_pem = gh_pki_write_certs("leaf.pem", leaf, NULL);
    const char *middle_pem = gh_pki_write_certs("middle.pem", middle, NULL);

    CHECK_STR(verdict(self_pem, gh_test_chain(self, NULL)), "none");
    CHECK_STR(verdict(leaf_pem, gh_test_chain(leaf, NULL)), "none");
    CHECK_STR(verdict(leaf_pem, gh_test_chain(leaf, middle, NULL)), "none");
    CHECK_STR(verdict(leaf_pem, gh_test_chain(sibling, middle, NULL)), "cert_incomplete_chain");
    CHECK_STR(verdict(middle_pem, gh_test_chain(leaf, NULL)), "none");
    CHECK_STR(verdict(middle_pem, gh_test_chain(direct, NULL)), "cert_incomplete_chain");
}

/* A peer's own certificate in the trust vouches for that peer alone. */
static void test_a_pinned_leaf_is_no_ca(void)
{
    struct gh_pki_cert *pinned = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "pinned" });
    struct gh_pki_cert *forged = issue(pinned, "another trunk");
    const char *trust = gh_pki_write_certs("pinned.pem", pinned, NULL);

    CHECK_STR(verdict(trust, gh_test_chain(pinned, NULL)), "none");
    CHECK_STR(verdict(trust, gh_test_chain(forged, NULL)), "cert_bad");
    CHECK_STR(verdict(trust, gh_test_chain(forged, pinned, NULL)), "cert_bad");
}

static void test_cas_must_say_that_they_are(void)
{
    struct gh_pki_cert *no_ca = issue(root, "not a CA");
    struct gh_pki_cert *only_usage = gh_pki_issue(
        root, &(struct gh_pki_params){
                  .cn = "usage", .key_usage = "keyCertSign", .no_constraints = true });
    struct gh_pki_cert *version_1 =
        gh_pki_issue(root, &(struct gh_pki_params){ .cn = "v1", .version_1 = true, .ca = true });
    struct gh_pki_cert *old_root = gh_pki_issue(
        NULL, &(struct gh_pki_params){ .cn = "v1 root", .version_1 = true, .ca = true });

    CHECK_STR(verdict(root_pem, gh_test_chain(issue(no_ca, "l"), no_ca, NULL)), "cert_bad");
    CHECK_STR(verdict(root_pem, gh_test_chain(issue(only_usage, "l"), only_usage, NULL)),
              "cert_bad");
    CHECK_STR(verdict(root_pem, gh_test_chain(issue(version_1, "l"), version_1, NULL)), "cert_bad");
    /* As an anchor a version 1 root passes: `openssl x509 -req -signkey` made many. */
    CHECK_STR(verdict(gh_pki_write_certs("v1.pem", old_root, NULL),
                      gh_test_chain(issue(old_root, "l"), NULL)),
              "none");
}

static void test_key_usage_and_extensions(void)
{
    static const struct {
        struct gh_pki_params params;
        const char *want;
    } rows[] = {
        { { .cn = "a", .key_usage = "digitalSignature" }, "none" },
        { { .cn = "b", .key_usage = "keyEncipherment" }, "none" },
        { { .cn = "c", .key_usage = "keyCertSign" }, "cert_bad" },
        { { .cn = "d", .extension = "1.2.3.4=DER:0500" }, "none" },
        { { .cn = "e", .extension = "1.2.3.4=critical,DER:0500" }, "cert_bad" },
        { { .cn = "f", .extension = "2.5.29.37=DER:0500" }, "cert_bad" }, /* EKU that is none */
        { { .cn = "g", .extension = "2.5.29.17=DER:0500" }, "cert_bad" }, /* SAN that is none */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!CHECK_STR(verdict(root_pem, gh_test_chain(gh_pki_issue(root, &rows[i].params), NULL)),
                       rows[i].want))
            fprintf(stderr, "  in row %s\n", rows[i].params.cn);
    }
}

static void test_name_constraints(void)
{
    struct gh_pki_cert *ca =
        gh_pki_issue(root, &(struct gh_pki_params){
                               .cn = "Constrained",
                               .ca = true,
                               .extension = "nameConstraints=critical,permitted;DNS:example.com" });

    CHECK_STR(verdict(root_pem,
                      gh_test_chain(gh_pki_issue(ca,
                                                 &(struct gh_pki_params){
                                                     .cn = "a", .san = { "DNS:pbx.example.com" } }),
                                    ca, NULL)),
              "none");
    CHECK_STR(verdict(root_pem,
                      gh_test_chain(gh_pki_issue(ca,
                                                 &(struct gh_pki_params){
                                                     .cn = "b", .san = { "DNS:pbx.example.org" } }),
                                    ca, NULL)),
              "cert_bad");
}

static void test_path_length(void)
{
    struct gh_pki_cert *cas[12], *above = root;

    for (int i = 0; i < 12; i++) {
        cas[i] = gh_pki_issue(above,
                              &(struct gh_pki_params){ .cn = "Link", .serial = "77", .ca = true });
        above = cas[i];
    }
    CHECK_STR(verdict(root_pem, gh_test_chain(issue(cas[8], "l"), cas[8], cas[7], cas[6], cas[5],
                                              cas[4], cas[3], cas[2], cas[1], cas[0], NULL)),
              "none");
    CHECK_STR(verdict(root_pem,
                      gh_test_chain(issue(cas[11], "l"), cas[11], cas[10], cas[9], cas[8], cas[7],
                                    cas[6], cas[5], cas[4], cas[3], cas[2], cas[1], cas[0], NULL)),
              "cert_bad");
}

/* The leaf's EKU is policy's; a CA for mail only does not vouch for TLS peers. */
static void test_eku(void)
{
    struct gh_pki_cert *server_only =
        gh_pki_issue(root, &(struct gh_pki_params){ .cn = "s", .eku = GH_PKI_SERVER });
    struct gh_pki_cert *mail =
        gh_pki_issue(root, &(struct gh_pki_params){ .cn = "m", .eku = GH_PKI_EMAIL });
    struct gh_pki_cert *mail_ca = gh_pki_issue(
        root, &(struct gh_pki_params){ .cn = "Mail", .ca = true, .eku = GH_PKI_EMAIL });
    struct gh_pki_cert *server_ca = gh_pki_issue(
        root, &(struct gh_pki_params){ .cn = "Web", .ca = true, .eku = GH_PKI_SERVER });
    struct gh_pki_cert *user_ca = gh_pki_issue(
        root, &(struct gh_pki_params){ .cn = "Users", .ca = true, .eku = GH_PKI_CLIENT });
    int64_t now = gh_test_now_us();

    CHECK_STR(verdict(root_pem, gh_test_chain(server_only, NULL)), "none");
    CHECK_STR(verdict(root_pem, gh_test_chain(mail, NULL)), "none");
    CHECK_STR(verdict(root_pem, gh_test_chain(issue(mail_ca, "l"), mail_ca, NULL)),
              "cert_eku_missing");
    CHECK_INT(judge(root_pem, NULL, GH_ROLE_CLIENT, now,
                    gh_test_chain(issue(mail_ca, "l"), mail_ca, NULL))
                  .reason,
              GH_REASON_CERT_EKU_MISSING);
    /* Public CAs drop clientAuth: a trunk may waive that, so policy judges. */
    CHECK_STR(verdict(root_pem, gh_test_chain(issue(server_ca, "l"), server_ca, NULL)), "none");
    CHECK_INT(judge(root_pem, NULL, GH_ROLE_CLIENT, now,
                    gh_test_chain(issue(server_ca, "l"), server_ca, NULL))
                  .reason,
              GH_REASON_NONE);
    /* A CA for users is not one for servers. */
    CHECK_STR(verdict(root_pem, gh_test_chain(issue(user_ca, "l"), user_ca, NULL)), "none");
    CHECK_INT(judge(root_pem, NULL, GH_ROLE_CLIENT, now,
                    gh_test_chain(issue(user_ca, "l"), user_ca, NULL))
                  .reason,
              GH_REASON_CERT_EKU_MISSING);
    /* An anchor was put into trust by hand, whatever it says. */
    CHECK_STR(verdict(gh_pki_write_certs("mail.pem", mail_ca, NULL),
                      gh_test_chain(issue(mail_ca, "l"), NULL)),
              "none");
}

/* Which intermediates bar clients; as OpenSSL's purpose check has it, but for
 * anyExtendedKeyUsage. */
static void test_eku_of_intermediates(void)
{
    static const struct {
        unsigned eku, upper; /* of the CA above the leaf, and of the one above that */
        bool barred;         /* as a client */
        bool client, server; /* the chain holds, for a client, for a server */
    } rows[] = {
        { 0, 0, false, true, true },
        { GH_PKI_SERVER | GH_PKI_CLIENT, 0, false, true, true },
        { GH_PKI_SERVER, 0, true, true, true },
        { 0, GH_PKI_SERVER, true, true, true },
        { GH_PKI_SERVER | GH_PKI_CLIENT, GH_PKI_SERVER, true, true, true },
        { GH_PKI_SERVER, GH_PKI_SERVER | GH_PKI_CLIENT, true, true, true },
        { GH_PKI_CLIENT, 0, false, true, false },
        { GH_PKI_CLIENT, GH_PKI_SERVER, true, true, false },
        { GH_PKI_ANY, 0, false, true, true },
        { GH_PKI_SIP_DOMAIN, 0, false, true, true }, /* RFC 5924 section 5 */
        { GH_PKI_SERVER | GH_PKI_SIP_DOMAIN, 0, false, true, true },
        { GH_PKI_EMAIL, 0, true, false, false },
        { 0, GH_PKI_EMAIL | GH_PKI_IPSEC, true, false, false },
        { GH_PKI_SERVER | GH_PKI_EMAIL, 0, true, true, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_pki_cert *upper = gh_pki_issue(
            root, &(struct gh_pki_params){ .cn = "Upper", .ca = true, .eku = rows[i].upper });
        struct gh_pki_cert *ca = gh_pki_issue(
            upper, &(struct gh_pki_params){ .cn = "Lower", .ca = true, .eku = rows[i].eku });
        struct gh_pki_cert *peer = gh_pki_issue(
            ca, &(struct gh_pki_params){ .cn = "l", .eku = GH_PKI_SERVER | GH_PKI_CLIENT });
        int64_t now = gh_test_now_us();
        struct gh_chain_facts facts;

        facts = judge(root_pem, NULL, GH_ROLE_SERVER, now, gh_test_chain(peer, ca, upper, NULL));
        CHECK_INT(facts.reason, rows[i].client ? GH_REASON_NONE : GH_REASON_CERT_EKU_MISSING);
        if (rows[i].client && !CHECK_INT(facts.client_barred, rows[i].barred))
            fprintf(stderr, "row %zu\n", i);
        facts = judge(root_pem, NULL, GH_ROLE_CLIENT, now, gh_test_chain(peer, ca, upper, NULL));
        CHECK_INT(facts.reason, rows[i].server ? GH_REASON_NONE : GH_REASON_CERT_EKU_MISSING);
    }
    /* The leaf's own EKU bars nobody here, and an anchor's does not count. */
    {
        struct gh_pki_cert *only = gh_pki_issue(
            NULL, &(struct gh_pki_params){ .cn = "Web root", .ca = true, .eku = GH_PKI_SERVER });
        struct gh_pki_cert *peer =
            gh_pki_issue(only, &(struct gh_pki_params){ .cn = "l", .eku = GH_PKI_SERVER });
        struct gh_chain_facts facts =
            judge(gh_pki_write_certs("web.pem", only, NULL), NULL, GH_ROLE_SERVER,
                  gh_test_now_us(), gh_test_chain(peer, NULL));

        CHECK_INT(facts.reason, GH_REASON_NONE);
        CHECK(!facts.client_barred);
    }
}

/* ---- revocation ------------------------------------------------------------------------------ */

static void test_revocation(void)
{
    struct gh_pki_cert *revoked = issue(root, "revoked");
    const char *fresh = gh_pki_write_crl("fresh.crl", root, -60, 3600, revoked, NULL);
    const char *stale = gh_pki_write_crl("stale.crl", root, -7200, -3600, revoked, NULL);
    const char *future = gh_pki_write_crl("future.crl", root, 3600, 7200, revoked, NULL);
    const char *other = gh_pki_write_crl("other.crl", stranger_root, -60, 3600, NULL);
    const struct {
        const char *crl;
        struct gh_pki_cert *cert;
        enum gh_reason reason;
        bool missing;
    } rows[] = {
        { fresh, direct, GH_REASON_NONE, false },
        { fresh, revoked, GH_REASON_CERT_REVOKED, false },
        { stale, direct, GH_REASON_NONE, true },
        { stale, revoked, GH_REASON_CERT_REVOKED, false }, /* an outdated list still knows */
        { future, direct, GH_REASON_NONE, true },
        { other, direct, GH_REASON_NONE, true },
        { other, revoked, GH_REASON_NONE, true },
        { NULL, revoked, GH_REASON_NONE, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_chain_facts facts = judge(root_pem, rows[i].crl, GH_ROLE_SERVER, gh_test_now_us(),
                                            gh_test_chain(rows[i].cert, NULL));

        if (!(CHECK_INT(facts.reason, rows[i].reason) &
              CHECK_INT(facts.crl_missing, rows[i].missing)))
            fprintf(stderr, "  in row %zu\n", i);
    }
}

static void test_every_ca_of_the_chain_needs_a_list(void)
{
    const char *of_root = gh_pki_write_crl("r.crl", root, -60, 3600, NULL);
    const char *of_middle = gh_pki_write_crl("m.crl", middle, -60, 3600, NULL);
    const char *middle_revoked = gh_pki_write_crl("mr.crl", root, -60, 3600, middle, NULL);
    int64_t now = gh_test_now_us();

    CHECK(judge(root_pem, of_root, GH_ROLE_SERVER, now, gh_test_chain(leaf, middle, NULL))
              .crl_missing);
    CHECK(judge(root_pem, of_middle, GH_ROLE_SERVER, now, gh_test_chain(leaf, middle, NULL))
              .crl_missing);
    CHECK(!judge(root_pem, gh_pki_join("both.crl", of_root, of_middle, NULL), GH_ROLE_SERVER, now,
                 gh_test_chain(leaf, middle, NULL))
               .crl_missing);
    CHECK_INT(judge(root_pem, gh_pki_join("mrboth.crl", middle_revoked, of_middle, NULL),
                    GH_ROLE_SERVER, now, gh_test_chain(leaf, middle, NULL))
                  .reason,
              GH_REASON_CERT_REVOKED);
    /* With the list of the leaf's issuer missing, the revoked intermediate is still seen. */
    CHECK_INT(
        judge(root_pem, middle_revoked, GH_ROLE_SERVER, now, gh_test_chain(leaf, middle, NULL))
            .reason,
        GH_REASON_CERT_REVOKED);
}

/* An anchor is revoked by taking it out. */
static void test_anchors_need_no_list(void)
{
    const char *elsewhere = gh_pki_write_crl("else.crl", stranger_root, -60, 3600, NULL);
    const char *of_middle = gh_pki_write_crl("mm.crl", middle, -60, 3600, NULL);
    const char *leaf_pem = gh_pki_write_certs("leaf1.pem", leaf, NULL);
    const char *middle_pem = gh_pki_write_certs("middle1.pem", middle, NULL);
    struct gh_chain_facts facts;

    facts = judge(leaf_pem, elsewhere, GH_ROLE_SERVER, gh_test_now_us(), gh_test_chain(leaf, NULL));
    CHECK(facts.reason == GH_REASON_NONE && !facts.crl_missing);
    facts =
        judge(middle_pem, of_middle, GH_ROLE_SERVER, gh_test_now_us(), gh_test_chain(leaf, NULL));
    CHECK(facts.reason == GH_REASON_NONE && !facts.crl_missing);
}

static void test_a_gap_is_told_alone(void)
{
    struct gh_pki_cert *old = gh_pki_issue(
        root, &(struct gh_pki_params){ .cn = "o", .from_s = -9 * DAY, .until_s = -DAY });
    const char *elsewhere = gh_pki_write_crl("else2.crl", stranger_root, -60, 3600, NULL);
    struct gh_chain_facts facts;

    facts = judge(root_pem, elsewhere, GH_ROLE_SERVER, gh_test_now_us(), gh_test_chain(old, NULL));
    CHECK(facts.reason == GH_REASON_CERT_EXPIRED && !facts.crl_missing);
}

/* A list that our CA did not sign is no list. */
static void test_forged_list(void)
{
    struct gh_pki_cert *fake =
        gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Root", .ca = true });
    const char *forged = gh_pki_write_crl("forged.crl", fake, -60, 3600, NULL);
    struct gh_chain_facts facts =
        judge(root_pem, forged, GH_ROLE_SERVER, gh_test_now_us(), gh_test_chain(direct, NULL));

    CHECK(facts.reason == GH_REASON_NONE && facts.crl_missing);
}

/* ---- strength -------------------------------------------------------------------------------- */

static void test_strength(void)
{
    struct gh_pki_cert *rsa = gh_pki_issue(
        NULL, &(struct gh_pki_params){ .cn = "R2048", .ca = true, .key = GH_PKI_RSA_2048 });
    struct gh_pki_cert *rsa_1024 = gh_pki_issue(
        NULL, &(struct gh_pki_params){
                  .cn = "R1024", .ca = true, .key = GH_PKI_RSA_1024, .digest = "SHA1" });
    struct gh_pki_cert *sha1_root =
        gh_pki_issue(NULL, &(struct gh_pki_params){
                               .cn = "S1", .ca = true, .key = GH_PKI_RSA_2048, .digest = "SHA1" });
    struct gh_pki_cert *sha1_middle =
        gh_pki_issue(rsa, &(struct gh_pki_params){ .cn = "SM", .ca = true, .digest = "SHA1" });
    const char *trust = gh_pki_write_certs("strength.pem", rsa, rsa_1024, sha1_root, NULL);
    const struct {
        struct gh_chain *chain;
        enum gh_reason reason;
        bool weak;
    } rows[] = {
        { gh_test_chain(issue(rsa, "a"), NULL), GH_REASON_NONE, false },
        { gh_test_chain(gh_pki_issue(rsa, &(struct gh_pki_params){ .cn = "b", .digest = "SHA1" }),
                        NULL),
          GH_REASON_NONE, true },
        { gh_test_chain(
              gh_pki_issue(rsa, &(struct gh_pki_params){ .cn = "c", .key = GH_PKI_RSA_1024 }),
              NULL),
          GH_REASON_NONE, true },
        { gh_test_chain(issue(rsa_1024, "d"), NULL), GH_REASON_NONE, true },
        { gh_test_chain(issue(sha1_root, "e"), NULL), GH_REASON_NONE,
          false }, /* a root's own signature proves nothing */
        { gh_test_chain(issue(sha1_middle, "f"), sha1_middle, NULL), GH_REASON_NONE, true },
        /* What one person can forge is refused whatever the policy says. */
        { gh_test_chain(gh_pki_issue(rsa, &(struct gh_pki_params){ .cn = "g", .digest = "MD5" }),
                        NULL),
          GH_REASON_CERT_WEAK, true },
        { gh_test_chain(
              gh_pki_issue(rsa, &(struct gh_pki_params){ .cn = "h", .key = GH_PKI_RSA_512 }), NULL),
          GH_REASON_CERT_WEAK, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_chain_facts facts =
            judge(trust, NULL, GH_ROLE_SERVER, gh_test_now_us(), rows[i].chain);

        if (!(CHECK_INT(facts.reason, rows[i].reason) & CHECK_INT(facts.weak, rows[i].weak)))
            fprintf(stderr, "  in row %zu\n", i);
    }
}

int main(void)
{
    root = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Root", .ca = true });
    middle = gh_pki_issue(root, &(struct gh_pki_params){ .cn = "Middle", .ca = true });
    leaf = issue(middle, "leaf");
    direct = issue(root, "direct");
    stranger_root = gh_pki_issue(
        NULL, &(struct gh_pki_params){ .cn = "Stranger", .org = "Elsewhere", .ca = true });
    stranger = issue(stranger_root, "stranger");
    root_pem = gh_pki_write_certs("root.pem", root, NULL);
    RUN(test_good_chains);
    RUN(test_nothing_to_judge);
    RUN(test_strangers);
    RUN(test_missing_intermediate);
    RUN(test_same_name_other_key);
    RUN(test_altered_signature);
    RUN(test_dates);
    RUN(test_validity_is_that_of_the_whole_chain);
    RUN(test_anchors_that_are_no_roots);
    RUN(test_a_pinned_leaf_is_no_ca);
    RUN(test_cas_must_say_that_they_are);
    RUN(test_key_usage_and_extensions);
    RUN(test_name_constraints);
    RUN(test_path_length);
    RUN(test_eku);
    RUN(test_eku_of_intermediates);
    RUN(test_revocation);
    RUN(test_every_ca_of_the_chain_needs_a_list);
    RUN(test_anchors_need_no_list);
    RUN(test_a_gap_is_told_alone);
    RUN(test_forged_list);
    RUN(test_strength);
    return CHECK_REPORT();
}
