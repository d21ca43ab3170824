/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates made at test time: CAs, intermediates, leaves, revocation lists, good ones and bad
 * ones, as objects and as PEM files in a directory of the test's own that is removed at exit.
 * Whatever fails in here ends the test program with a message.  One thread.
 *
 *     struct gh_pki_cert *ca = gh_pki_issue(NULL, &(struct gh_pki_params){
 *         .cn = "Root", .ca = true });
 *     struct gh_pki_cert *leaf = gh_pki_issue(ca, &(struct gh_pki_params){
 *         .cn = "pbx", .san = { "URI:sip:pbx.example.com", "DNS:pbx.example.com" },
 *         .eku = GH_PKI_SERVER | GH_PKI_CLIENT });
 *     const char *trust = gh_pki_write_certs("ca.pem", ca, NULL);
 *
 * Certificates live until the program ends.  No OpenSSL header is needed to use this one.
 */
#ifndef GH_TEST_PKI_H
#define GH_TEST_PKI_H

#include <stdbool.h>
#include <stddef.h>

struct x509_st;
struct evp_pkey_st;

enum gh_pki_key { GH_PKI_P256 = 0, GH_PKI_P384, GH_PKI_ED25519, GH_PKI_RSA_2048, GH_PKI_RSA_1024,
                  GH_PKI_RSA_512 };

/* Extended key usages; a bit set.  0: the certificate has no such extension. */
enum gh_pki_eku { GH_PKI_SERVER = 1, GH_PKI_CLIENT = 2, GH_PKI_ANY = 4, GH_PKI_EMAIL = 8,
                  GH_PKI_SIP_DOMAIN = 16, GH_PKI_IPSEC = 32 };

#define GH_PKI_SANS_MAX 256

struct gh_pki_params {
    const char *cn;                  /* NULL: none */
    const char *cn_first;            /* a second, less specific CN in front of it */
    const char *org;                 /* NULL: "gatehouse test"; "": none */
    const char *san[GH_PKI_SANS_MAX]; /* "DNS:a", "URI:sip:a", "IP:::1", "EMAIL:a"; %xx: one octet */
    bool cn_percent;                 /* %xx counts in the CN too */
    unsigned eku;
    long from_s, until_s;            /* from now; both 0: an hour ago to a year ahead */
    const char *from, *until;        /* instead: ASN.1 GeneralizedTime "20380119031408Z" */
    enum gh_pki_key key;
    bool fresh_key;                  /* else leaves with one kind of key share it, as making is slow */
    const char *digest;              /* NULL: SHA256 */
    bool ca;
    bool version_1;                  /* no extensions at all */
    bool no_constraints;             /* no basicConstraints */
    const char *key_usage;           /* OpenSSL's words; NULL: fit for a CA, none for a leaf */
    const char *extension;           /* one more: "OID=critical,DER:0500" in OpenSSL's words */
    const char *serial;              /* hexadecimal; NULL: the next number */
};

struct gh_pki_cert {
    struct x509_st *x509;
    struct evp_pkey_st *key;
};

/** Issue a certificate.  @issuer  NULL: self-signed */
struct gh_pki_cert *gh_pki_issue(const struct gh_pki_cert *issuer,
                                 const struct gh_pki_params *params);

/** The directory of this test program; made at the first call, removed at exit. */
const char *gh_pki_dir(void);

/** Path of @name in that directory.  Lives until the end. */
const char *gh_pki_path(const char *name);

/** Write certificates, the last argument NULL, into one file of the directory.  @return its path */
const char *gh_pki_write_certs(const char *name, ...) __attribute__((sentinel));

/** Write the private key with mode 0600.  @return its path */
const char *gh_pki_write_key(const char *name, const struct gh_pki_cert *cert);

/** Write a file of the directory with this text and mode.  @return its path */
const char *gh_pki_write_text(const char *name, const char *text, unsigned mode);

/**
 * Write the revocation list of @ca.  Times in seconds from now.
 * @until_s  0: the list has no nextUpdate
 * @...      certificates that are revoked, the last argument NULL
 * @return path
 */
const char *gh_pki_write_crl(const char *name, const struct gh_pki_cert *ca, long from_s,
                             long until_s, ...) __attribute__((sentinel));

/** Put the files of @names, the last argument NULL, behind each other into file @name.  @return
 *  its path */
const char *gh_pki_join(const char *name, ...) __attribute__((sentinel));

/** Make a directory below the test's.  @return its path; gh_pki_path("dir/file") names files in
 *  it */
const char *gh_pki_mkdir(const char *name);

#endif
