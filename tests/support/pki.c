/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made at test time, over OpenSSL. */
#include "support/pki.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static void die(const char *what)
{
    fprintf(stderr, "pki: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

#define MUST(expression) ((expression) ? (void)0 : die(#expression))

/* ---- what lives until the end ---------------------------------------------------------------- */

struct kept {
    struct kept *next;
    struct gh_pki_cert cert; /* either this */
    char *path;              /* or this */
};

static struct kept *all_kept;
static EVP_PKEY *cached_keys[2][GH_PKI_RSA_512 + 1]; /* of leaves, of CAs */
static char directory[64];

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void clean_up(void)
{
    for (struct kept *next, *kept = all_kept; kept; kept = next) {
        next = kept->next;
        X509_free(kept->cert.x509);
        EVP_PKEY_free(kept->cert.key);
        free(kept->path);
        free(kept);
    }
    for (size_t i = 0; i < 2 * (GH_PKI_RSA_512 + 1); i++)
        EVP_PKEY_free(cached_keys[i / (GH_PKI_RSA_512 + 1)][i % (GH_PKI_RSA_512 + 1)]);
    if (directory[0])
        nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static struct kept *keep(void)
{
    struct kept *kept = calloc(1, sizeof(*kept));

    MUST(kept);
    if (!all_kept) {
        OPENSSL_init_crypto(0, NULL); /* first, so that its own clean-up runs after ours */
        atexit(clean_up);
    }
    kept->next = all_kept;
    all_kept = kept;
    return kept;
}

/* ---- certificates ---------------------------------------------------------------------------- */

static EVP_PKEY *make_key(enum gh_pki_key kind)
{
    switch (kind) {
    case GH_PKI_P256:
        return EVP_EC_gen("P-256");
    case GH_PKI_P384:
        return EVP_EC_gen("P-384");
    case GH_PKI_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case GH_PKI_RSA_2048:
        return EVP_RSA_gen(2048);
    case GH_PKI_RSA_1024:
        return EVP_RSA_gen(1024);
    case GH_PKI_RSA_512:
        return EVP_RSA_gen(512);
    }
    return NULL;
}

static EVP_PKEY *key_for(const struct gh_pki_params *params)
{
    EVP_PKEY **cached = &cached_keys[params->ca][params->key];
    EVP_PKEY *key;

    /* CAs never share: two CAs with one key would vouch for each other's certificates. */
    if (params->fresh_key || params->ca) {
        key = make_key(params->key);
        MUST(key);
        return key;
    }
    if (!*cached)
        *cached = make_key(params->key);
    MUST(*cached);
    MUST(EVP_PKEY_up_ref(*cached));
    return *cached;
}

/* %xx is one octet.  @return length of what was written to @out, at most as long as @text */
static int unescape(const char *text, char *out)
{
    int len = 0;

    while (*text) {
        unsigned octet;

        if (*text == '%' && sscanf(text + 1, "%2x", &octet) == 1) {
            out[len++] = (char)octet;
            text += 3;
        } else {
            out[len++] = *text++;
        }
    }
    return len;
}

static void add_name_entry(X509_NAME *name, const char *field, const char *text, bool percent)
{
    char octets[512];
    int len = (int)strlen(text);

    MUST(strlen(text) < sizeof(octets));
    if (percent)
        len = unescape(text, octets);
    else
        memcpy(octets, text, (size_t)len);
    /* Past the length that ASN.1 sets for a CN (64), as an attacker would. */
    MUST(X509_NAME_add_entry_by_txt(name, field, V_ASN1_UTF8STRING, (const unsigned char *)octets,
                                    len, -1, 0));
}

static void set_subject(X509 *cert, const struct gh_pki_params *params)
{
    X509_NAME *name = X509_NAME_new();

    MUST(name);
    if (!params->org || params->org[0])
        add_name_entry(name, "O", params->org ? params->org : "gatehouse test", false);
    if (params->cn_first)
        add_name_entry(name, "CN", params->cn_first, params->cn_percent);
    if (params->cn)
        add_name_entry(name, "CN", params->cn, params->cn_percent);
    MUST(X509_set_subject_name(cert, name));
    X509_NAME_free(name);
}

static GENERAL_NAME *make_san(const char *text)
{
    static const struct {
        const char *prefix;
        int type;
    } types[] = { { "DNS:", GEN_DNS }, { "URI:", GEN_URI }, { "EMAIL:", GEN_EMAIL } };
    GENERAL_NAME *san = GENERAL_NAME_new();

    MUST(san);
    if (strncmp(text, "IP:", 3) == 0) {
        ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text + 3);

        MUST(ip);
        GENERAL_NAME_set0_value(san, GEN_IPADD, ip);
        return san;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t skip = strlen(types[i].prefix);

        if (strncmp(text, types[i].prefix, skip) == 0) {
            ASN1_IA5STRING *value = ASN1_IA5STRING_new();
            char *octets = malloc(strlen(text) + 1);

            MUST(value && octets);
            MUST(ASN1_STRING_set(value, octets, unescape(text + skip, octets)));
            GENERAL_NAME_set0_value(san, types[i].type, value);
            free(octets);
            return san;
        }
    }
    die("kind of SAN");
    return NULL;
}

static void add_sans(X509 *cert, const struct gh_pki_params *params)
{
    GENERAL_NAMES *sans = GENERAL_NAMES_new();

    MUST(sans);
    for (size_t i = 0; i < GH_PKI_SANS_MAX && params->san[i]; i++)
        MUST(sk_GENERAL_NAME_push(sans, make_san(params->san[i])));
    MUST(X509_add1_ext_i2d(cert, NID_subject_alt_name, sans, 0, 0));
    GENERAL_NAMES_free(sans);
}

static void add_extension(X509 *cert, X509 *issuer, const char *name, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    extension = X509V3_EXT_nconf(NULL, &ctx, name, value);
    MUST(extension);
    MUST(X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_eku(X509 *cert, unsigned eku)
{
    static const struct {
        unsigned bit;
        const char *oid;
    } names[] = {
        { GH_PKI_SERVER, "serverAuth" },
        { GH_PKI_CLIENT, "clientAuth" },
        { GH_PKI_ANY, "2.5.29.37.0" },
        { GH_PKI_EMAIL, "emailProtection" },
        { GH_PKI_SIP_DOMAIN, "1.3.6.1.5.5.7.3.20" },
        { GH_PKI_IPSEC, "1.3.6.1.5.5.7.3.5" },
    };
    char value[256] = "";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (eku & names[i].bit) {
            if (value[0])
                strcat(value, ",");
            strcat(value, names[i].oid);
        }
    }
    add_extension(cert, NULL, "extendedKeyUsage", value);
}

static void add_extensions(X509 *cert, X509 *issuer, const struct gh_pki_params *params)
{
    const char *usage = params->key_usage;

    if (!params->no_constraints)
        add_extension(cert, issuer, "basicConstraints",
                      params->ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (!usage && params->ca)
        usage = "critical,keyCertSign,cRLSign";
    if (usage)
        add_extension(cert, issuer, "keyUsage", usage);
    add_extension(cert, issuer, "subjectKeyIdentifier", "hash");
    if (X509_get0_subject_key_id(issuer))
        add_extension(cert, issuer, "authorityKeyIdentifier", "keyid");
    if (params->eku)
        add_eku(cert, params->eku);
    if (params->san[0])
        add_sans(cert, params);
    if (params->extension) {
        char name[128];
        const char *value = strchr(params->extension, '=');

        MUST(value && (size_t)(value - params->extension) < sizeof(name));
        memcpy(name, params->extension, (size_t)(value - params->extension));
        name[value - params->extension] = 0;
        add_extension(cert, issuer, name, value + 1);
    }
}

static void set_dates(X509 *cert, const struct gh_pki_params *params)
{
    bool usual = !params->from_s && !params->until_s;

    if (params->from)
        MUST(ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), params->from));
    else
        MUST(X509_gmtime_adj(X509_getm_notBefore(cert), usual ? -3600L : params->from_s));
    if (params->until)
        MUST(ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), params->until));
    else
        MUST(X509_gmtime_adj(X509_getm_notAfter(cert), usual ? 365L * 86400 : params->until_s));
}

static void set_serial(X509 *cert, const struct gh_pki_params *params)
{
    static long last = 0x1000;
    BIGNUM *number = NULL;

    if (params->serial) {
        MUST(BN_hex2bn(&number, params->serial));
        MUST(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)));
        BN_free(number);
    } else {
        MUST(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++last));
    }
}

static const EVP_MD *digest_for(const EVP_PKEY *key, const char *name)
{
    const EVP_MD *digest;

    if (EVP_PKEY_is_a(key, "ED25519"))
        return NULL;
    digest = EVP_get_digestbyname(name ? name : "SHA256");
    MUST(digest);
    return digest;
}

/* From its octets, as a peer gets it: the object that was built keeps what OpenSSL cached on the
 * way. */
static X509 *read_again(X509 *built)
{
    unsigned char *der = NULL;
    int len = i2d_X509(built, &der);
    const unsigned char *p = der;
    X509 *cert = len > 0 ? d2i_X509(NULL, &p, len) : NULL;

    MUST(cert);
    OPENSSL_free(der);
    return cert;
}

struct gh_pki_cert *gh_pki_issue(const struct gh_pki_cert *issuer,
                                 const struct gh_pki_params *params)
{
    struct kept *kept = keep();
    X509 *cert = X509_new();
    EVP_PKEY *key = key_for(params);

    MUST(cert);
    kept->cert.key = key;
    MUST(X509_set_version(cert, params->version_1 ? X509_VERSION_1 : X509_VERSION_3));
    set_serial(cert, params);
    set_dates(cert, params);
    set_subject(cert, params);
    MUST(X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer->x509 : cert)));
    MUST(X509_set_pubkey(cert, key));
    if (!params->version_1)
        add_extensions(cert, issuer ? issuer->x509 : cert, params);
    MUST(X509_sign(cert, issuer ? issuer->key : key,
                   digest_for(issuer ? issuer->key : key, params->digest)));
    kept->cert.x509 = read_again(cert);
    X509_free(cert);
    return &kept->cert;
}

/* ---- files ----------------------------------------------------------------------------------- */

const char *gh_pki_dir(void)
{
    if (!directory[0]) {
        keep(); /* so that clean_up runs */
        strcpy(directory, "/tmp/gatehouse-test-XXXXXX");
        MUST(mkdtemp(directory));
    }
    return directory;
}

const char *gh_pki_path(const char *name)
{
    struct kept *kept = keep();

    MUST(asprintf(&kept->path, "%s/%s", gh_pki_dir(), name) > 0);
    return kept->path;
}

static FILE *create(const char *path, unsigned mode)
{
    FILE *file;

    unlink(path);
    file = fopen(path, "w");
    MUST(file);
    MUST(fchmod(fileno(file), mode) == 0);
    return file;
}

const char *gh_pki_write_certs(const char *name, ...)
{
    const char *path = gh_pki_path(name);
    FILE *file = create(path, 0644);
    const struct gh_pki_cert *cert;
    va_list args;

    va_start(args, name);
    while ((cert = va_arg(args, const struct gh_pki_cert *)) != NULL)
        MUST(PEM_write_X509(file, cert->x509));
    va_end(args);
    MUST(fclose(file) == 0);
    return path;
}

const char *gh_pki_write_key(const char *name, const struct gh_pki_cert *cert)
{
    const char *path = gh_pki_path(name);
    FILE *file = create(path, 0600);

    MUST(PEM_write_PKCS8PrivateKey(file, cert->key, NULL, NULL, 0, NULL, NULL));
    MUST(fclose(file) == 0);
    return path;
}

const char *gh_pki_write_text(const char *name, const char *text, unsigned mode)
{
    const char *path = gh_pki_path(name);
    FILE *file = create(path, mode);

    MUST(fputs(text, file) >= 0);
    MUST(fclose(file) == 0);
    return path;
}

const char *gh_pki_write_crl(const char *name, const struct gh_pki_cert *ca, long from_s,
                             long until_s, ...)
{
    const char *path = gh_pki_path(name);
    FILE *file = create(path, 0644);
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *time = ASN1_TIME_new();
    const struct gh_pki_cert *revoked;
    va_list args;

    MUST(crl && time);
    MUST(X509_CRL_set_version(crl, X509_CRL_VERSION_2));
    MUST(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x509)));
    MUST(X509_gmtime_adj(time, from_s));
    MUST(X509_CRL_set1_lastUpdate(crl, time));
    va_start(args, until_s);
    while ((revoked = va_arg(args, const struct gh_pki_cert *)) != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();

        MUST(entry);
        MUST(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->x509)));
        MUST(X509_REVOKED_set_revocationDate(entry, time));
        MUST(X509_CRL_add0_revoked(crl, entry));
    }
    va_end(args);
    if (until_s) {
        MUST(X509_gmtime_adj(time, until_s));
        MUST(X509_CRL_set1_nextUpdate(crl, time));
    }
    MUST(X509_CRL_sort(crl));
    MUST(X509_CRL_sign(crl, ca->key, digest_for(ca->key, NULL)));
    MUST(PEM_write_X509_CRL(file, crl));
    ASN1_TIME_free(time);
    X509_CRL_free(crl);
    MUST(fclose(file) == 0);
    return path;
}

const char *gh_pki_join(const char *name, ...)
{
    const char *path = gh_pki_path(name);
    FILE *file = create(path, 0644);
    const char *part;
    va_list args;

    va_start(args, name);
    while ((part = va_arg(args, const char *)) != NULL) {
        FILE *in = fopen(part, "r");
        int c;

        MUST(in);
        while ((c = fgetc(in)) != EOF)
            fputc(c, file);
        fclose(in);
    }
    va_end(args);
    MUST(fclose(file) == 0);
    return path;
}

const char *gh_pki_mkdir(const char *name)
{
    const char *path = gh_pki_path(name);

    MUST(mkdir(path, 0755) == 0);
    return path;
}
