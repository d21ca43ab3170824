/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of crypto/tls*.c share: our engine made in one call, an independent peer made of
 * plain OpenSSL that obeys no rule of ours, and wires between them that carry as many octets at a
 * time as the test says.
 */
#ifndef GH_TEST_SUPPORT_TLS_H
#define GH_TEST_SUPPORT_TLS_H

#include <openssl/ssl.h>

#include "crypto/tls.h"
#include "support/pki.h"

/* One CA with an intermediate, and what it issued; a CA that nobody trusts.  Made once. */
struct gh_test_world {
    struct gh_pki_cert *root, *middle, *server, *client, *stranger_root, *stranger;
    const char *root_pem;
};
const struct gh_test_world *gh_test_world(void);

struct gh_test_ours {
    enum gh_role role;
    const struct gh_pki_cert *cert;   /* NULL: the world's for the role */
    const struct gh_pki_cert *above;  /* an intermediate to send along */
    const char *trust_pem, *crl;      /* NULL: the world's root; no CRL */
    const char *more_trust_pem;       /* a second trust */
    enum gh_tls_policy policy;
    bool allow_null;
    const char *server_name;
};

/** A new engine with a context of its own, or the test ends with the text. */
struct gh_tls *gh_test_ours(const struct gh_test_ours *params);

struct gh_test_peer_params {
    enum gh_role role;
    const struct gh_pki_cert *cert;   /* NULL: shows none */
    const struct gh_pki_cert *above[16]; /* sent along */
    int min, max;                     /* 0: whatever OpenSSL has */
    const char *ciphers, *suites, *groups, *sigalgs; /* NULL: everything OpenSSL has, at level 0 */
    const char *trust_pem;            /* NULL: verifies nothing */
    SSL_SESSION *session;             /* offered */
    bool tickets;                     /* a server that issues tickets and resumes */
};

struct gh_test_peer {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
    bool up;
    int alert_sent, alert_seen;       /* -1: none */
    SSL_SESSION *got;                 /* the last session that was given to us */
    int sessions;
};

void gh_test_peer_init(struct gh_test_peer *peer, const struct gh_test_peer_params *params);
void gh_test_peer_fini(struct gh_test_peer *peer);

/** Carry octets both ways, at most @chunk at a time, until nothing moves.  Handshakes go on by
 *  themselves. */
void gh_test_wire(struct gh_tls *ours, struct gh_test_peer *peer, size_t chunk);

/** The same between two engines of ours: @client starts. */
void gh_test_wire_ours(struct gh_tls *client, struct gh_tls *server, size_t chunk);

/** Name of the reason why @tls failed, "none" when it has not. */
const char *gh_test_reason(const struct gh_tls *tls);

/** Words of the failure. */
const char *gh_test_words(const struct gh_tls *tls);

/** Read everything that is there into @buf.  @return octets */
size_t gh_test_read_all(struct gh_tls *tls, uint8_t *buf, size_t len);

#endif
