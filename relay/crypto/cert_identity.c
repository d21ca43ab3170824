/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own certificate and private key: loaded for a TLS context, and checked for the operator.  The
 * key file must belong to us or root and be closed to everyone else; its mode is read from the
 * opened file, so the file that was checked is the file that is used.  No text of this file holds
 * an octet of a key.
 */
#include "crypto/cert_int.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/openssl_int.h"

#define CERT_FILE_MAX (1u << 20)
#define KEY_FILE_MAX  (64u << 10) /* RSA 16384 has 13 kB in PEM */

struct certs {
    struct gh_identity *identity;
    bool bad;
};

static int take_cert(void *arg, const char *name, const uint8_t *der, size_t len)
{
    struct certs *certs = arg;
    const unsigned char *p = der;
    X509 *cert;

    if (strcmp(name, "CERTIFICATE") != 0 && strcmp(name, "X509 CERTIFICATE") != 0)
        return 0;
    cert = d2i_X509(NULL, &p, (long)len);
    if (!cert || p != der + len) {
        X509_free(cert);
        certs->bad = true;
        return GH_ESYNTAX;
    }
    if (!certs->identity->cert) {
        certs->identity->cert = cert;
        return 0;
    }
    if (sk_X509_push(certs->identity->chain, cert))
        return 0;
    X509_free(cert);
    return GH_ENOMEM;
}

static const char *file_error(int err)
{
    return err == GH_EINVAL ? "not a plain file" : gh_err_text(err);
}

static enum gh_identity_flaw load_certs(struct gh_identity *identity, const char *path, char *text,
                                        size_t text_len)
{
    struct certs certs = { .identity = identity };
    struct gh_openssl_file file;
    char words[GH_OPENSSL_WORDS_MAX] = "";
    int err = gh_openssl_file_read(path, CERT_FILE_MAX, &file);

    if (err) {
        gh_openssl_say(text, text_len, "%s: %s", path, file_error(err));
        return GH_IDENTITY_CERT_UNREADABLE;
    }
    identity->chain = sk_X509_new_null();
    err = identity->chain ? gh_openssl_pem_walk(&file, take_cert, &certs, words, sizeof(words))
                          : GH_ENOMEM;
    gh_openssl_file_fini(&file);
    if (!err && identity->cert)
        return GH_IDENTITY_OK;
    gh_openssl_say(text, text_len, "%s: %s", path,
                   err == GH_ENOMEM ? gh_err_text(err)
                   : certs.bad      ? "a certificate in it is damaged"
                   : err            ? words
                                    : "no PEM certificate in it");
    return GH_IDENTITY_CERT_BAD;
}

/* OpenSSL would ask the terminal for it. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    bool *asked = arg;

    (void)buf;
    (void)size;
    (void)writing;
    *asked = true;
    return -1;
}

static enum gh_identity_flaw check_key_file(const struct gh_openssl_file *file, const char *path,
                                            char *text, size_t text_len)
{
    if (file->owner != geteuid() && file->owner != 0) {
        gh_openssl_say(text, text_len, "%s: belongs to user %u, neither us nor root", path,
                       (unsigned)file->owner);
        return GH_IDENTITY_KEY_EXPOSED;
    }
    if (file->mode & (S_IRWXG | S_IRWXO)) {
        gh_openssl_say(text, text_len, "%s: mode %04o lets others at it; make it 0600", path,
                       (unsigned)file->mode & 07777u);
        return GH_IDENTITY_KEY_EXPOSED;
    }
    return GH_IDENTITY_OK;
}

static enum gh_identity_flaw load_key(struct gh_identity *identity, const char *path, char *text,
                                      size_t text_len)
{
    struct gh_openssl_file file;
    bool asked = false;
    enum gh_identity_flaw flaw;
    BIO *bio = NULL;
    int err = gh_openssl_file_read(path, KEY_FILE_MAX, &file);

    if (err) {
        gh_openssl_say(text, text_len, "%s: %s", path, file_error(err));
        return GH_IDENTITY_KEY_UNREADABLE;
    }
    flaw = check_key_file(&file, path, text, text_len);
    if (flaw)
        goto out;
    bio = BIO_new_mem_buf(file.octets, (int)file.len);
    identity->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;
    if (!identity->key) {
        /* The library's words on a broken key are left out: they help nobody, and stand next to key
         * octets. */
        gh_openssl_say(text, text_len, "%s: %s", path,
                       asked ? "the key has a passphrase, which a service cannot enter"
                             : "no private key in PEM can be read from it");
        flaw = GH_IDENTITY_KEY_BAD;
    }
out:
    BIO_free(bio);
    gh_openssl_file_fini(&file);
    return flaw;
}

enum gh_identity_flaw gh_identity_load(struct gh_identity *out, const char *cert_path,
                                       const char *key_path, char *text, size_t text_len)
{
    struct gh_identity identity = { 0 };
    enum gh_identity_flaw flaw = load_certs(&identity, cert_path, text, text_len);

    if (!flaw)
        flaw = load_key(&identity, key_path, text, text_len);
    if (!flaw && !X509_check_private_key(identity.cert, identity.key)) {
        gh_openssl_say(text, text_len, "%s is not the key of %s", key_path, cert_path);
        flaw = GH_IDENTITY_MISMATCH;
    }
    ERR_clear_error();
    if (flaw)
        gh_identity_fini(&identity);
    else
        *out = identity;
    return flaw;
}

void gh_identity_fini(struct gh_identity *identity)
{
    X509_free(identity->cert);
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key); /* clears its numbers */
    *identity = (struct gh_identity){ 0 };
}

static void say_date(char *text, size_t text_len, const char *path, const char *what, int64_t us)
{
    char date[GH_CERT_DATE_MAX];

    gh_openssl_say(text, text_len, "%s: %s %s", path, what, gh_cert_date_text(us, date));
}

/* All certificates of the file: an intermediate that has expired stops our peers just the same. */
static enum gh_identity_flaw check_dates(const struct gh_identity *identity, const char *path,
                                         int64_t wall_us, int64_t *first_until_us, char *text,
                                         size_t text_len)
{
    *first_until_us = INT64_MAX;
    for (int i = -1; i < sk_X509_num(identity->chain); i++) {
        X509 *cert = i < 0 ? identity->cert : sk_X509_value(identity->chain, i);
        int64_t from = gh_cert_time_us(X509_get0_notBefore(cert), INT64_MAX);
        int64_t until = gh_cert_time_us(X509_get0_notAfter(cert), INT64_MIN);

        if (until < *first_until_us)
            *first_until_us = until;
        if (wall_us > until) {
            say_date(text, text_len, path,
                     i < 0 ? "expired at" : "an intermediate in it expired at", until);
            return GH_IDENTITY_EXPIRED;
        }
        if (wall_us < from) {
            say_date(text, text_len, path,
                     i < 0 ? "not valid before" : "an intermediate in it is not valid before",
                     from);
            return GH_IDENTITY_NOT_YET_VALID;
        }
    }
    return GH_IDENTITY_OK;
}

enum gh_identity_flaw gh_identity_check(const char *cert_path, const char *key_path,
                                        enum gh_role role, int64_t wall_us, int64_t *until_us,
                                        char *text, size_t text_len)
{
    struct gh_identity identity;
    int64_t first_until_us;
    bool server, client;
    enum gh_identity_flaw flaw;

    if (text && text_len)
        text[0] = 0;
    flaw = gh_identity_load(&identity, cert_path, key_path, text, text_len);
    if (flaw)
        return flaw;
    flaw = check_dates(&identity, cert_path, wall_us, &first_until_us, text, text_len);
    if (!flaw && gh_cert_eku(identity.cert, &server, &client) &&
        !(role == GH_ROLE_SERVER ? server : client)) {
        gh_openssl_say(text, text_len, "%s: its extended key usage lacks %s", cert_path,
                       role == GH_ROLE_SERVER ? "serverAuth" : "clientAuth");
        flaw = GH_IDENTITY_EKU;
    }
    if (!flaw && until_us)
        *until_us = first_until_us;
    gh_identity_fini(&identity);
    ERR_clear_error();
    return flaw;
}
