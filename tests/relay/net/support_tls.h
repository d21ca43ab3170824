/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts with certificates made for the test, and a TLS client on a raw socket that can do
 * what no decent peer does.
 */
#ifndef GH_TEST_SUPPORT_TLS_H
#define GH_TEST_SUPPORT_TLS_H

#include "crypto/tls.h"

/* Good ones, ones of a CA that nobody trusts, and a second good server. */
extern struct gh_tls_context *server, *server_two, *client;
extern struct gh_tls_context *client_of_stranger, *server_of_stranger;

void tls_contexts_make(void);
void tls_contexts_free(void);

struct raw_tls {
    int fd;
    struct gh_tls *tls;
};

/** Connect to the rig and go through the handshake, until the rig was called back. */
struct raw_tls raw_tls_up(void);
/** Send what TLS has to send. */
void raw_tls_flush(struct raw_tls *raw);
void raw_tls_end(struct raw_tls *raw);

#endif
