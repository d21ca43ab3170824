/* SPDX-License-Identifier: Apache-2.0 */
/* Our own certificate and key: each flaw, and no key octet in any text. */
#include "crypto/cert.h"

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "support/check.h"
#include "support/pki.h"
#include "support_chain.h"

#define DAY 86400L

static struct gh_pki_cert *ca, *good;
static const char *good_pem, *good_key;

static void check_identity_at(const char *cert, const char *key, enum gh_role role, int64_t wall_us,
                              enum gh_identity_flaw want, const char *want_text)
{
    char text[256] = "left over";

    CHECK_INT(gh_identity_check(cert, key, role, wall_us, NULL, text, sizeof(text)), want);
    if (!strstr(text, want_text) || (!*want_text && *text))
        CHECK_STR(text, want_text);
    CHECK_INT(gh_identity_check(cert, key, role, wall_us, NULL, NULL, 0), want);
}

static void check_identity(const char *cert, const char *key, enum gh_identity_flaw want,
                           const char *want_text)
{
    check_identity_at(cert, key, GH_ROLE_SERVER, gh_test_now_us(), want, want_text);
}

static void test_good(void)
{
    struct gh_pki_cert *middle = gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "M", .ca = true });
    struct gh_pki_cert *below =
        gh_pki_issue(middle, &(struct gh_pki_params){ .cn = "b", .fresh_key = true });

    check_identity(good_pem, good_key, GH_IDENTITY_OK, "");
    check_identity(gh_pki_write_certs("below.pem", below, middle, ca, NULL),
                   gh_pki_write_key("below.key", below), GH_IDENTITY_OK, "");
    /* Key and certificate in one closed file. */
    check_identity(gh_pki_join("both.pem", good_key, good_pem, NULL), good_key, GH_IDENTITY_OK, "");
}

static void test_unreadable(void)
{
    check_identity(gh_pki_path("none.pem"), good_key, GH_IDENTITY_CERT_UNREADABLE,
                   "none.pem: No such file");
    check_identity(good_pem, gh_pki_path("none.key"), GH_IDENTITY_KEY_UNREADABLE,
                   "none.key: No such file");
    check_identity(gh_pki_dir(), good_key, GH_IDENTITY_CERT_UNREADABLE, "not a plain file");
    check_identity(good_pem, "/dev/null", GH_IDENTITY_KEY_UNREADABLE, "not a plain file");
    if (geteuid() != 0)
        check_identity(good_pem, gh_pki_write_text("closed.key", "", 0), GH_IDENTITY_KEY_UNREADABLE,
                       "denied");
}

static void test_bad_files(void)
{
    check_identity(gh_pki_write_text("empty.pem", "", 0644), good_key, GH_IDENTITY_CERT_BAD,
                   "no PEM certificate");
    check_identity(gh_pki_write_text(
                       "broken.pem",
                       "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n", 0644),
                   good_key, GH_IDENTITY_CERT_BAD, "damaged");
    check_identity(good_key, good_key, GH_IDENTITY_CERT_BAD, "no PEM certificate");
    check_identity(good_pem, gh_pki_write_text("empty.key", "", 0600), GH_IDENTITY_KEY_BAD,
                   "no private key");
    check_identity(good_pem, gh_pki_write_text("words.key", "secret words\n", 0600),
                   GH_IDENTITY_KEY_BAD, "no private key");
}

static void test_modes_of_the_key(void)
{
    static const struct {
        unsigned mode;
        enum gh_identity_flaw want;
    } rows[] = {
        { 0600, GH_IDENTITY_OK },          { 0400, GH_IDENTITY_OK },
        { 0640, GH_IDENTITY_KEY_EXPOSED }, { 0644, GH_IDENTITY_KEY_EXPOSED },
        { 0604, GH_IDENTITY_KEY_EXPOSED }, { 0620, GH_IDENTITY_KEY_EXPOSED },
        { 0602, GH_IDENTITY_KEY_EXPOSED }, { 0610, GH_IDENTITY_KEY_EXPOSED },
    };
    const char *key = gh_pki_write_key("modes.key", good);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_INT(chmod(key, rows[i].mode), 0);
        check_identity(good_pem, key, rows[i].want, rows[i].want ? "make it 0600" : "");
    }
}

static void test_a_link_is_judged_by_its_target(void)
{
    const char *key = gh_pki_write_key("target.key", good);
    const char *link = gh_pki_path("link.key");

    CHECK_INT(symlink(key, link), 0);
    check_identity(good_pem, link, GH_IDENTITY_OK, "");
    chmod(key, 0644);
    check_identity(good_pem, link, GH_IDENTITY_KEY_EXPOSED, "mode 0644");
}

/* Only root can give a file away. */
static void test_owner_of_the_key(void)
{
    const char *key = gh_pki_write_key("owned.key", good);

    if (geteuid() == 0) {
        CHECK_INT(chown(key, 4711, 4711), 0);
        check_identity(good_pem, key, GH_IDENTITY_KEY_EXPOSED, "belongs to user 4711");
    } else {
        check_identity(good_pem, key, GH_IDENTITY_OK, "");
    }
}

static void test_mismatch(void)
{
    struct gh_pki_cert *other =
        gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "o", .fresh_key = true });
    struct gh_pki_cert *rsa =
        gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "r", .key = GH_PKI_RSA_2048 });

    check_identity(good_pem, gh_pki_write_key("other.key", other), GH_IDENTITY_MISMATCH,
                   "other.key is not the key of");
    check_identity(good_pem, gh_pki_write_key("rsa.key", rsa), GH_IDENTITY_MISMATCH,
                   "rsa.key is not the key of");
    /* The leaf stands first. */
    check_identity(gh_pki_write_certs("order.pem", ca, good, NULL), good_key, GH_IDENTITY_MISMATCH,
                   "is not the key");
}

static void test_dates(void)
{
    struct gh_pki_cert *dated = gh_pki_issue(
        ca,
        &(struct gh_pki_params){
            .cn = "d", .from = "20200101000000Z", .until = "20400101000000Z", .fresh_key = true });
    struct gh_pki_cert *old_ca = gh_pki_issue(
        NULL,
        &(struct gh_pki_params){ .cn = "Old", .ca = true, .from_s = -9 * DAY, .until_s = -DAY });
    const char *pem = gh_pki_write_certs("dated.pem", dated, NULL),
               *key = gh_pki_write_key("dated.key", dated);
    const char *with_old = gh_pki_write_certs("withold.pem", dated, old_ca, NULL);
    int64_t until = INT64_C(2208988800) * 1000000, from = INT64_C(1577836800) * 1000000;

    check_identity_at(pem, key, GH_ROLE_SERVER, until, GH_IDENTITY_OK, "");
    check_identity_at(pem, key, GH_ROLE_SERVER, until + 1, GH_IDENTITY_EXPIRED,
                      "expired at 2040-01-01T00:00:00Z");
    check_identity_at(pem, key, GH_ROLE_SERVER, from, GH_IDENTITY_OK, "");
    check_identity_at(pem, key, GH_ROLE_SERVER, from - 1, GH_IDENTITY_NOT_YET_VALID,
                      "not valid before 2020-01-01T00:00:00Z");
    check_identity(with_old, key, GH_IDENTITY_EXPIRED, "an intermediate in it expired at");
}

static void test_eku(void)
{
    struct gh_pki_cert *server =
        gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "s", .eku = GH_PKI_SERVER });
    struct gh_pki_cert *client =
        gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "c", .eku = GH_PKI_CLIENT });
    const char *server_pem = gh_pki_write_certs("s.pem", server, NULL),
               *server_key = gh_pki_write_key("s.key", server);
    const char *client_pem = gh_pki_write_certs("c.pem", client, NULL),
               *client_key = gh_pki_write_key("c.key", client);
    int64_t now = gh_test_now_us();

    check_identity_at(server_pem, server_key, GH_ROLE_SERVER, now, GH_IDENTITY_OK, "");
    check_identity_at(server_pem, server_key, GH_ROLE_CLIENT, now, GH_IDENTITY_EKU,
                      "lacks clientAuth");
    check_identity_at(client_pem, client_key, GH_ROLE_CLIENT, now, GH_IDENTITY_OK, "");
    check_identity_at(client_pem, client_key, GH_ROLE_SERVER, now, GH_IDENTITY_EKU,
                      "lacks serverAuth");
    check_identity_at(good_pem, good_key, GH_ROLE_CLIENT, now, GH_IDENTITY_OK,
                      ""); /* no EKU: no limit */
}

/* A key with a passphrase must not make the service ask its terminal. */
static const char encrypted_head[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";

static void test_passphrase(void)
{
    char passphrase[] = "abcd";
    const char *path = gh_pki_write_text("locked.key", "", 0600);
    FILE *file = fopen(path, "w");

    CHECK_OR_STOP(file && PEM_write_PKCS8PrivateKey(file, good->key, EVP_aes_128_cbc(), passphrase,
                                                    4, NULL, NULL));
    fclose(file);
    check_identity(good_pem, path, GH_IDENTITY_KEY_BAD, "has a passphrase");
    check_identity(good_pem, gh_pki_write_text("cutlocked.key", encrypted_head, 0600),
                   GH_IDENTITY_KEY_BAD, "no private key");
}

/* Cut at each octet: refused, and no run of four characters of the key's base64 in the text. */
static void test_truncated_key_stays_secret(void)
{
    char pem[2048], text[256];
    FILE *file = fopen(good_key, "r");
    size_t len = file ? fread(pem, 1, sizeof(pem) - 1, file) : 0;
    char *body = strchr(pem, '\n');

    CHECK_OR_STOP(len > 100 && body);
    fclose(file);
    for (size_t cut = 0; cut < len - 1; cut++) {
        char keep = pem[cut];
        bool leaked = false;

        pem[cut] = 0;
        CHECK_INT(gh_identity_check(good_pem, gh_pki_write_text("k", pem, 0600), GH_ROLE_SERVER,
                                    gh_test_now_us(), NULL, text, sizeof(text)),
                  GH_IDENTITY_KEY_BAD);
        pem[cut] = keep;
        for (const char *p = body + 1; p + 4 < pem + len - 30; p++) {
            char run[5] = { p[0], p[1], p[2], p[3], 0 };

            leaked |= strstr(text, run) != NULL;
        }
        CHECK(!leaked);
    }
}

int main(void)
{
    ca = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "CA", .ca = true });
    good = gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "good" });
    good_pem = gh_pki_write_certs("good.pem", good, NULL);
    good_key = gh_pki_write_key("good.key", good);
    RUN(test_good);
    RUN(test_unreadable);
    RUN(test_bad_files);
    RUN(test_modes_of_the_key);
    RUN(test_a_link_is_judged_by_its_target);
    RUN(test_owner_of_the_key);
    RUN(test_mismatch);
    RUN(test_dates);
    RUN(test_eku);
    RUN(test_passphrase);
    RUN(test_truncated_key_stays_secret);
    return CHECK_REPORT();
}
