/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust as files: anchors and revocation lists in PEM, a file or a directory of them.  Directories
 * are read file by file, because OpenSSL's own lookup finds nothing in one that was not hashed and
 * says nothing about it.  What is odd is refused with the file's name: a file that was skipped is a
 * peer that is refused later, or a revocation that nobody sees.
 */
#include "crypto/cert_int.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "crypto/openssl_int.h"

#define TRUST_FILE_MAX  (4u << 20)  /* the CA bundle of a Linux system has 220 kB */
#define CRL_FILE_MAX    (64u << 20) /* public CAs publish some of 10 MB and more */
#define TRUST_FILES_MAX 4096 /* a directory by mistake, such as /tmp, must not stall a reload */

#define DATED_NAME_MAX 192

enum purpose { READ_ANCHORS, READ_CRLS };

struct loader {
    struct gh_trust *trust;
    enum purpose purpose;
    const char *file;   /* the one being read */
    size_t certs, crls; /* found in it */
    size_t total;       /* found of what @purpose asks, in all files */
    char *text;
    size_t text_len;
};

static int add_dates(struct loader *loader, const X509_NAME *name, const ASN1_TIME *from,
                     const ASN1_TIME *until)
{
    struct gh_trust *trust = loader->trust;
    struct gh_dates *larger = reallocarray(trust->dates, trust->dates_count + 1, sizeof(*larger));
    char text[DATED_NAME_MAX];

    if (!larger)
        return GH_ENOMEM;
    trust->dates = larger;
    gh_cert_name_text(name, text, sizeof(text));
    larger += trust->dates_count++; /* freed with the trust, whole or not */
    *larger = (struct gh_dates){ .file = strdup(loader->file),
                                 .name = strdup(text),
                                 .of_crl = loader->purpose == READ_CRLS,
                                 .from_us = gh_cert_time_us(from, INT64_MAX),
                                 .until_us = gh_cert_time_us(until, INT64_MIN) };
    return larger->file && larger->name ? 0 : GH_ENOMEM;
}

static int add_anchor(struct loader *loader, X509 *cert)
{
    /* The store drops duplicates; as hashed directories have links, they are no mistake. */
    if (!X509_STORE_add_cert(loader->trust->store, cert) || !X509_up_ref(cert))
        return GH_ENOMEM;
    if (!sk_X509_push(loader->trust->anchors, cert)) {
        X509_free(cert);
        return GH_ENOMEM;
    }
    return add_dates(loader, X509_get_subject_name(cert), X509_get0_notBefore(cert),
                     X509_get0_notAfter(cert));
}

static int damaged(struct loader *loader, const char *what)
{
    char words[GH_OPENSSL_WORDS_MAX];

    gh_openssl_words(words, sizeof(words));
    gh_openssl_say(loader->text, loader->text_len, "%s: a %s in it is damaged: %s", loader->file,
                   what, words);
    return GH_ESYNTAX;
}

static int read_cert(struct loader *loader, const uint8_t *der, size_t len)
{
    const unsigned char *p = der;
    X509 *cert = d2i_X509(NULL, &p, (long)len);
    int err = 0;

    if (!cert || p != der + len)
        err = damaged(loader, "certificate");
    else if (loader->purpose == READ_ANCHORS)
        err = add_anchor(loader, cert);
    if (!err) {
        loader->certs++;
        loader->total += loader->purpose == READ_ANCHORS;
    }
    X509_free(cert);
    return err;
}

static int read_crl(struct loader *loader, const uint8_t *der, size_t len)
{
    const unsigned char *p = der;
    X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)len);
    int err = 0;

    if (!crl || p != der + len) {
        err = damaged(loader, "revocation list");
    } else if (!X509_CRL_get0_nextUpdate(crl)) {
        /* RFC 5280 section 5.1.2.5 demands it; without it nobody can tell when the list is
         * outdated. */
        gh_openssl_say(loader->text, loader->text_len,
                       "%s: a revocation list in it has no nextUpdate", loader->file);
        err = GH_ESYNTAX;
    } else if (loader->purpose == READ_CRLS) {
        err = X509_STORE_add_crl(loader->trust->store, crl)
                  ? add_dates(loader, X509_CRL_get_issuer(crl), X509_CRL_get0_lastUpdate(crl),
                              X509_CRL_get0_nextUpdate(crl))
                  : GH_ENOMEM;
    }
    if (!err) {
        loader->crls++;
        loader->total += loader->purpose == READ_CRLS;
    }
    X509_CRL_free(crl);
    return err;
}

static int read_block(void *arg, const char *name, const uint8_t *der, size_t len)
{
    struct loader *loader = arg;

    if (strcmp(name, "CERTIFICATE") == 0 || strcmp(name, "X509 CERTIFICATE") == 0)
        return read_cert(loader, der, len);
    if (strcmp(name, "X509 CRL") == 0)
        return read_crl(loader, der, len);
    if (strcmp(name, "TRUSTED CERTIFICATE") == 0) {
        /* OpenSSL's own form, with rejected purposes behind the certificate: not to be dropped in
         * silence. */
        gh_openssl_say(loader->text, loader->text_len,
                       "%s: write TRUSTED CERTIFICATE as CERTIFICATE (openssl x509)", loader->file);
        return GH_ESYNTAX;
    }
    return 0;
}

static int say_system(struct loader *loader, const char *path, int err)
{
    gh_openssl_say(loader->text, loader->text_len, "%s: %s", path,
                   err == GH_EINVAL ? "not a plain file" : gh_err_text(err));
    return err;
}

static int load_file(struct loader *loader, const char *path)
{
    struct gh_openssl_file file;
    char words[GH_OPENSSL_WORDS_MAX];
    int err = gh_openssl_file_read(
        path, loader->purpose == READ_CRLS ? CRL_FILE_MAX : TRUST_FILE_MAX, &file);

    if (err)
        return say_system(loader, path, err);
    loader->file = path;
    loader->certs = loader->crls = 0;
    if (loader->text_len)
        loader->text[0] = 0;
    err = gh_openssl_pem_walk(&file, read_block, loader, words, sizeof(words));
    if (err == GH_ESYNTAX && loader->text_len && !loader->text[0])
        gh_openssl_say(loader->text, loader->text_len, "%s: damaged PEM: %s", path, words);
    else if (err && err != GH_ESYNTAX)
        say_system(loader, path, err);
    if (!err && loader->certs == 0 && loader->crls == 0) {
        /* 0x30 opens a DER sequence: what Windows and CUCM save as .cer or .der. */
        gh_openssl_say(loader->text, loader->text_len,
                       "%s: no certificate or revocation list in it%s", path,
                       file.len && file.octets[0] == 0x30 ? " (DER: convert it to PEM)" : "");
        err = GH_ENOTFOUND;
    }
    gh_openssl_file_fini(&file);
    return err;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int load_directory(struct loader *loader, const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, not_hidden, alphasort);
    int err = count < 0 ? -errno : count > TRUST_FILES_MAX ? GH_ELIMIT : 0;

    if (err)
        say_system(loader, path, err);
    for (int i = 0; i < count; i++) {
        char *file = NULL;
        struct stat st;

        if (!err && asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0) {
            file = NULL;
            err = GH_ENOMEM;
        }
        /* A directory in it (such as java/ below /etc/ssl/certs) is left alone; a dangling link is
         * not. */
        if (!err && !(stat(file, &st) == 0 && S_ISDIR(st.st_mode)))
            err = load_file(loader, file);
        free(file);
        free(entries[i]);
    }
    free(entries);
    return err;
}

static int load_path(struct loader *loader, const char *path, enum purpose purpose)
{
    struct stat st;
    int err;

    loader->purpose = purpose;
    loader->total = 0;
    if (stat(path, &st) < 0)
        return say_system(loader, path, -errno);
    err = S_ISDIR(st.st_mode) ? load_directory(loader, path) : load_file(loader, path);
    if (!err && loader->total == 0) {
        gh_openssl_say(loader->text, loader->text_len, "%s: no %s in it", path,
                       purpose == READ_CRLS ? "revocation list" : "certificate");
        err = GH_ENOTFOUND;
    }
    return err;
}

int gh_trust_load(struct gh_trust **out, const char *path, const char *crl_path, char *text,
                  size_t text_len)
{
    struct gh_trust *trust = calloc(1, sizeof(*trust));
    struct loader loader = { .trust = trust, .text = text, .text_len = text ? text_len : 0 };
    int err = GH_ENOMEM;

    if (!trust)
        goto out;
    trust->refs = 1;
    trust->store = X509_STORE_new();
    trust->anchors = sk_X509_new_null();
    if (!trust->store || !trust->anchors)
        goto out;
    err = load_path(&loader, path, READ_ANCHORS);
    if (!err && crl_path) {
        trust->check_crls = true;
        err = load_path(&loader, crl_path, READ_CRLS);
    }
    if (err)
        goto out;
    if (loader.text_len)
        text[0] = 0;
    *out = trust;
    trust = NULL;
out:
    ERR_clear_error();
    gh_trust_unref(trust);
    return err;
}

struct gh_trust *gh_trust_ref(struct gh_trust *trust)
{
    if (trust)
        trust->refs++;
    return trust;
}

void gh_trust_unref(struct gh_trust *trust)
{
    if (!trust || --trust->refs)
        return;
    X509_STORE_free(trust->store);
    sk_X509_pop_free(trust->anchors, X509_free);
    for (size_t i = 0; i < trust->dates_count; i++) {
        free(trust->dates[i].file);
        free(trust->dates[i].name);
    }
    free(trust->dates);
    free(trust);
}

const struct gh_dates *gh_trust_dates(const struct gh_trust *trust, size_t *count)
{
    *count = trust->dates_count;
    return trust->dates;
}
