/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS over memory: octets from the network in, octets for the network out, facts when the handshake ends.
 * No socket, no timer, no clock in here.  Handshake and admission are two steps: a server's handshake
 * accepts a chain that any of its trust stores accepts; which trunk the leaf is, and whether it is verified for that
 * trunk alone, is decided by trunk/ with gh_cert_verify and gh_policy_admit before any octet is framed.
 * No session resumption, no renegotiation, no compression, no early data.
 */
#ifndef GH_TLS_H
#define GH_TLS_H

#include <gatehouse/facts.h>
#include "crypto/cert.h"

struct gh_tls_context; /* identity, versions, ciphers, union of trust; reference-counted, signalling thread */
struct gh_tls;         /* one connection */

struct gh_tls_params {
    enum gh_role role;              /* ours */
    const char *certificate, *private_key; /* PEM files: leaf then intermediates; never readable by others */
    struct gh_trust *const *trust;  /* roots that may sign a peer: the union of what the trunks allow; borrowed */
    size_t trust_count;
    enum gh_tls_policy policy;      /* the widest that a trunk of this listener allows */
    bool allow_null_cipher;         /* some trunk has device_security_mode: authenticated; offered last */
};

/** @text  on failure: what is wrong with which file, for the operator.  @return 0 or an error */
int gh_tls_context_new(struct gh_tls_context **out, const struct gh_tls_params *params, char *text,
                       size_t text_len);
struct gh_tls_context *gh_tls_context_ref(struct gh_tls_context *context);
void gh_tls_context_unref(struct gh_tls_context *context);

/** @server_name  client role: SNI, sent when it is a DNS name; NULL: none.  @return 0 or an error */
int gh_tls_new(struct gh_tls **out, struct gh_tls_context *context, const char *server_name);
void gh_tls_free(struct gh_tls *tls);

enum gh_tls_state { GH_TLS_HANDSHAKE = 0, GH_TLS_UP, GH_TLS_CLOSED /* close_notify both ways or EOF */,
                    GH_TLS_FAILED };

/**
 * Give octets that came from the network, or none to start a client's handshake.
 * Afterwards always: write what gh_tls_output holds (alerts too), then look at the state.
 * @return the state.  GH_TLS_FAILED: gh_tls_failure tells why
 */
enum gh_tls_state gh_tls_input(struct gh_tls *tls, const uint8_t *octets, size_t len);

/** The peer's TCP side ended. */
enum gh_tls_state gh_tls_input_eof(struct gh_tls *tls);

/** Take decrypted octets.  @return how many were written to @buf, 0 when there is nothing now */
size_t gh_tls_read(struct gh_tls *tls, uint8_t *buf, size_t len);

/** Encrypt @len octets into the output.  @return 0, GH_ESTATE (not up), GH_ECRYPTO */
int gh_tls_write(struct gh_tls *tls, const uint8_t *octets, size_t len);

/** Take octets for the network.  @return how many were written to @buf, 0 when there is nothing now */
size_t gh_tls_output(struct gh_tls *tls, uint8_t *buf, size_t len);

/** Send close_notify. */
void gh_tls_shutdown(struct gh_tls *tls);

/** Why the handshake failed: the reason, and the library's and the alert's words for the log (static or owned by tls). */
enum gh_reason gh_tls_failure(const struct gh_tls *tls, const char **text);

/**
 * After GH_TLS_UP, once: the TLS members of @facts (version to cert); the caller fills the addresses.
 * @chain  the peer's certificates, one reference; NULL when it showed none
 * @return 0 or GH_ENOMEM; @facts->cert is to be freed with gh_cert_facts_fini
 */
int gh_tls_facts(struct gh_tls *tls, struct gh_conn_facts *facts, struct gh_chain **chain);

/**
 * As after GH_TLS_UP, for a handshake that failed: the peer's leaf, when it had been shown, so that the
 * refusal can name it.  @return 0, GH_ENOTFOUND or GH_ENOMEM
 */
int gh_tls_refused_leaf(struct gh_tls *tls, struct gh_cert_facts *facts);

#endif
