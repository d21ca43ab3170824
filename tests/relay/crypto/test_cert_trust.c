/* SPDX-License-Identifier: Apache-2.0 */
/* Trust as files: files, directories, damage, and what an operator is told about it. */
#include "crypto/cert.h"

#include <unistd.h>

#include <gatehouse/err.h>

#include "crypto/cert_int.h"
#include "support/check.h"
#include "support/pki.h"
#include "support_chain.h"

static struct gh_pki_cert *ca, *other_ca, *leaf;
static const char *ca_pem, *other_pem, *crl_pem;

static void check_load(const char *path, const char *crl_path, int want_err, const char *want_text)
{
    struct gh_trust *trust = NULL;
    char text[256] = "left over";

    CHECK_INT(gh_trust_load(&trust, path, crl_path, text, sizeof(text)), want_err);
    CHECK_INT(trust != NULL, want_err == 0);
    if (!strstr(text, want_text))
        CHECK_STR(text, want_text);
    if (want_err == 0)
        CHECK_STR(text, "");
    gh_trust_unref(trust);
}

static size_t anchors_in(const char *path)
{
    struct gh_trust *trust = gh_test_trust(path, NULL);
    size_t count = (size_t)sk_X509_num(trust->anchors);

    gh_trust_unref(trust);
    return count;
}

static void test_files(void)
{
    CHECK_INT(anchors_in(ca_pem), 1);
    CHECK_INT(anchors_in(gh_pki_write_certs("two.pem", ca, other_ca, NULL)), 2);
    /* Text around the blocks is RFC 7468 section 5.2's explanatory text; keys beside it are left
     * alone. */
    CHECK_INT(
        anchors_in(gh_pki_join("mixed.pem", gh_pki_write_text("head", "Subject: CN=x\n\n", 0644),
                               ca_pem, gh_pki_write_key("ca.key", ca), other_pem, NULL)),
        2);
}

static void test_missing_and_empty_files(void)
{
    const char *der = gh_pki_write_text("ca.cer", "0\x82\x01\x02 not really", 0644);

    check_load(gh_pki_path("nowhere.pem"), NULL, -ENOENT, "nowhere.pem: No such file");
    check_load(gh_pki_write_text("empty.pem", "", 0644), NULL, GH_ENOTFOUND,
               "empty.pem: no certificate");
    check_load(gh_pki_write_text("words.pem", "no PEM here\n", 0644), NULL, GH_ENOTFOUND,
               "no certificate");
    check_load(der, NULL, GH_ENOTFOUND, "DER: convert it to PEM");
    check_load(crl_pem, NULL, GH_ENOTFOUND, "no certificate in it");
    check_load(ca_pem, ca_pem, GH_ENOTFOUND, "no revocation list in it");
    check_load(ca_pem, gh_pki_path("nowhere.crl"), -ENOENT, "nowhere.crl: No such file");
    check_load("/dev/null", NULL, GH_EINVAL, "not a plain file");
    if (geteuid() != 0)
        check_load(gh_pki_write_text("closed.pem", "", 0), NULL, -EACCES, "Permission denied");
}

static void test_no_text_is_fine(void)
{
    struct gh_trust *trust = NULL;

    CHECK_INT(gh_trust_load(&trust, gh_pki_path("nowhere.pem"), NULL, NULL, 0), -ENOENT);
    CHECK_INT(gh_trust_load(&trust, ca_pem, NULL, NULL, 0), 0);
    CHECK(gh_trust_ref(trust) == trust);
    gh_trust_unref(trust);
    gh_trust_unref(trust);
    gh_trust_unref(NULL);
}

/* Cut at each octet, a file holds its certificate whole, or it is refused, never half taken. */
static void test_truncated_at_each_octet(void)
{
    char pem[4096];
    FILE *file = fopen(ca_pem, "r");
    size_t len = file ? fread(pem, 1, sizeof(pem) - 1, file) : 0;

    CHECK_OR_STOP(len > 100);
    fclose(file);
    for (size_t cut = 0; cut < len; cut++) {
        struct gh_trust *trust = NULL;
        char text[256], keep = pem[cut];
        int err;

        pem[cut] = 0;
        err = gh_trust_load(&trust, gh_pki_write_text("cut.pem", pem, 0644), NULL, text,
                            sizeof(text));
        pem[cut] = keep;
        if (cut < len - 1) /* only the last line feed may be missing */
            CHECK(err == GH_ENOTFOUND || err == GH_ESYNTAX);
        else
            CHECK_INT(err, 0);
        CHECK(err == 0 || strstr(text, "cut.pem"));
        gh_trust_unref(trust);
    }
}

static void test_damage_is_refused_with_the_file(void)
{
    check_load(
        gh_pki_write_text(
            "bad.pem", "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n", 0644),
        NULL, GH_ESYNTAX, "bad.pem: a certificate in it is damaged");
    check_load(gh_pki_write_text("b64.pem",
                                 "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
                                 0644),
               NULL, GH_ESYNTAX, "b64.pem: damaged PEM");
    check_load(gh_pki_join("second.pem", ca_pem, gh_pki_path("bad.pem"), NULL), NULL, GH_ESYNTAX,
               "second.pem");
    check_load(ca_pem,
               gh_pki_write_text(
                   "bad.crl", "-----BEGIN X509 CRL-----\nMAMCAQE=\n-----END X509 CRL-----\n", 0644),
               GH_ESYNTAX, "bad.crl: a revocation list in it is damaged");
    check_load(
        gh_pki_write_text(
            "aux.pem",
            "-----BEGIN TRUSTED CERTIFICATE-----\nMAMCAQE=\n-----END TRUSTED CERTIFICATE-----\n",
            0644),
        NULL, GH_ESYNTAX, "TRUSTED CERTIFICATE");
}

static void test_a_list_without_next_update_is_refused(void)
{
    const char *path = gh_pki_write_crl("endless.crl", ca, -60, 0, NULL);

    check_load(ca_pem, path, GH_ESYNTAX, "no nextUpdate");
}

/* OpenSSL's own directory lookup verifies nothing here: no name is a hash. */
static void test_directories_are_read_file_by_file(void)
{
    const char *dir = gh_pki_mkdir("trust.d");
    struct gh_chain *chain = gh_test_chain(leaf, NULL);
    struct gh_trust *trust;

    check_load(dir, NULL, GH_ENOTFOUND, "trust.d: no certificate in it");
    gh_pki_write_certs("trust.d/any name.pem", ca, NULL);
    gh_pki_write_certs("trust.d/b.crt", other_ca, NULL);
    gh_pki_write_text("trust.d/.hidden", "not a certificate", 0644);
    gh_pki_mkdir("trust.d/java");
    CHECK_INT(anchors_in(dir), 2);
    trust = gh_test_trust(dir, NULL);
    CHECK_STR(gh_test_verdict(chain, trust), "none");
    gh_trust_unref(trust);
    gh_pki_write_crl("trust.d/ca.r0", ca, -60, 3600, NULL);
    CHECK_INT(anchors_in(dir), 2); /* a hashed directory holds lists too */
    trust = gh_test_trust(dir, dir);
    CHECK_STR(gh_test_verdict(chain, trust), "none");
    gh_trust_unref(trust);
    gh_pki_write_text("trust.d/README", "certificates of our neighbours", 0644);
    check_load(dir, NULL, GH_ENOTFOUND, "trust.d/README: no certificate or revocation list");
    unlink(gh_pki_path("trust.d/README"));
    CHECK_INT(symlink("nowhere", gh_pki_path("trust.d/dangling.pem")), 0);
    check_load(dir, NULL, -ENOENT, "trust.d/dangling.pem: No such file");
    unlink(gh_pki_path("trust.d/dangling.pem"));
    gh_chain_unref(chain);
}

static void test_duplicates_are_no_mistake(void)
{
    struct gh_chain *chain = gh_test_chain(leaf, NULL);
    struct gh_trust *trust = gh_test_trust(gh_pki_write_certs("same.pem", ca, ca, NULL), NULL);

    CHECK_STR(gh_test_verdict(chain, trust), "none");
    gh_trust_unref(trust);
    gh_chain_unref(chain);
}

int main(void)
{
    ca = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Test CA", .ca = true });
    other_ca =
        gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Other CA", .org = "Other", .ca = true });
    leaf = gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "leaf" });
    ca_pem = gh_pki_write_certs("ca.pem", ca, NULL);
    other_pem = gh_pki_write_certs("other.pem", other_ca, NULL);
    crl_pem = gh_pki_write_crl("ca.crl", ca, -60, 3600, NULL);
    RUN(test_files);
    RUN(test_missing_and_empty_files);
    RUN(test_no_text_is_fine);
    RUN(test_truncated_at_each_octet);
    RUN(test_damage_is_refused_with_the_file);
    RUN(test_a_list_without_next_update_is_refused);
    RUN(test_directories_are_read_file_by_file);
    RUN(test_duplicates_are_no_mistake);
    return CHECK_REPORT();
}
