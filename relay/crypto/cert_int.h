/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of cert.h, for the files cert_*.c and tls*.c:
 *
 *   cert_facts.c     what a certificate says
 *   cert_trust.c     files and directories with anchors and revocation lists
 *   cert_verify.c    a chain judged by one trust
 *   cert_identity.c  our own certificate and key
 */
#ifndef GH_CERT_INT_H
#define GH_CERT_INT_H

#include "crypto/cert.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

struct gh_trust {
    unsigned refs;
    X509_STORE *store;        /* anchors, and CRLs when there are any */
    STACK_OF(X509) *anchors;  /* the same anchors, to look at */
    bool check_crls;          /* a crl_path was given */
    struct gh_dates *dates;   /* of anchors and lists; their strings are ours */
    size_t dates_count;
};

struct gh_chain {
    unsigned refs;
    STACK_OF(X509) *certs;    /* leaf first, at least one */
};

/** @certs  leaf first, at least one; each gets a reference.  @return 0 or GH_ENOMEM */
int gh_chain_new(struct gh_chain **out, const STACK_OF(X509) *certs);

/** Subject or issuer as one line (RFC 2253), printable ASCII, cut to @len. */
void gh_cert_name_text(const X509_NAME *name, char *buf, size_t len);

/** Microseconds since 1970; @broken when the date cannot be read. */
int64_t gh_cert_time_us(const ASN1_TIME *time, int64_t broken);

/** The purposes that the extended key usage of @cert allows.  @return whether it has one */
bool gh_cert_eku(X509 *cert, bool *server, bool *client);

/** Security bits of the signature's digest: 128 for SHA-256, 63 for SHA-1, 39 for MD5; 0 when
 *  unknown. */
int gh_cert_signature_bits(X509 *cert);

#define GH_CERT_LEVEL_2_BITS 112 /* OpenSSL's security level 2: NIST SP 800-57 part 1, table 2 */

#define GH_JUDGEMENT_TEXT_MAX 512

struct gh_judgement {
    struct gh_chain_facts facts;
    int x509_error;                     /* X509_V_...: picks the alert */
    char text[GH_JUDGEMENT_TEXT_MAX];   /* for the log: which certificate, what is wrong */
};

/** gh_cert_verify with the library's words.  The error queue is as before afterwards. */
void gh_chain_judge(const struct gh_chain *chain, const struct gh_trust *trust, enum gh_role role,
                    int64_t wall_us, struct gh_judgement *out);

/* Our certificate with its chain, and its key. */
struct gh_identity {
    X509 *cert;
    STACK_OF(X509) *chain;   /* without cert; may be empty */
    EVP_PKEY *key;
};

/** Load and match both files; dates and EKU are not looked at.  @text as in gh_identity_check */
enum gh_identity_flaw gh_identity_load(struct gh_identity *out, const char *cert_path,
                                       const char *key_path, char *text, size_t text_len);
void gh_identity_fini(struct gh_identity *identity);

#endif
