/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of tls.h:
 *
 *   tls_context.c   identity, versions, ciphers, the verify step of the handshake
 *   tls.c           one connection: octets in, octets out, facts
 *   tls_failure.c   what went wrong, as a reason and in words
 */
#ifndef GH_TLS_INT_H
#define GH_TLS_INT_H

#include "crypto/tls.h"

#include <openssl/ssl.h>

#include "crypto/cert_int.h"

/* What OpenSSL asks before it uses anything that has a strength: SSL_CTX_set_security_callback. */
typedef int (*gh_tls_security_fn)(const SSL *, const SSL_CTX *, int op, int bits, int nid,
                                  void *other, void *arg);

struct gh_tls_context {
    unsigned refs;
    enum gh_role role;
    enum gh_tls_policy policy;
    SSL_CTX *ctx;
    gh_tls_security_fn library_security; /* with NULL ciphers: what ours stands before */
    struct gh_trust **trust;  /* one reference each */
    size_t trust_count;
};

#define GH_TLS_SNIFF 5 /* a TLS record's header: type, version, length */

struct gh_tls {
    struct gh_tls_context *context;
    SSL *ssl;
    BIO *in, *out;            /* owned by ssl */
    enum gh_tls_state state;
    bool eof;                 /* the peer's TCP side ended */
    bool close_sent;
    uint8_t sniff[GH_TLS_SNIFF]; /* the first octets from the peer */
    size_t sniff_len;

    struct gh_chain *chain;   /* what the peer showed, also when it was refused */
    enum gh_reason refused;   /* the verify step's answer; GH_REASON_NONE: it refused nothing */
    int alert_seen;           /* the alert that ended it, -1: none */

    enum gh_reason reason;    /* of GH_TLS_FAILED */
    char text[GH_JUDGEMENT_TEXT_MAX];
};

/** SSL_CTX_set_cert_verify_callback: does one trust of the context accept the chain?  In
 *  tls_context.c. */
int gh_tls_verify(X509_STORE_CTX *ctx, void *arg);

/** Set state, reason and text after a call of OpenSSL's failed; empties the error queue.  In
 *  tls_failure.c. */
void gh_tls_fail(struct gh_tls *tls);

#endif
