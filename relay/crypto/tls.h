/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS over memory: octets from the network in, octets for the network out, facts when the
 * handshake ends.  No socket and no timer in here.  Handshake and admission are two steps: a
 * handshake accepts a chain that any of its trust stores accepts, at the system's clock; which
 * trunk the leaf is, and whether it is verified for that trunk alone, is decided by trunk/ with
 * gh_cert_verify and gh_policy_admit before any octet is framed.  What a trunk may waive (EKU,
 * missing revocation list) and who the peer is (names) the handshake leaves to admission.  No
 * session resumption, no renegotiation, no compression, no early data.
 *
 * After every call that moves octets, in this order: gh_tls_read until it gives 0, gh_tls_output
 * until it gives 0 (alerts too, also after a failure), then gh_tls_state.
 *
 * Thread: a context and its connections belong to one thread, the signalling one; a context may be
 * built on the work thread that builds a configuration snapshot.
 */
#ifndef GH_TLS_H
#define GH_TLS_H

#include <gatehouse/facts.h>
#include "crypto/cert.h"

struct gh_tls_context; /* identity, versions, ciphers, union of trust; reference-counted */
struct gh_tls;         /* one connection */

struct gh_tls_params {
    enum gh_role role;              /* ours */
    const char *certificate;        /* PEM file: leaf, then intermediates */
    const char *private_key;        /* PEM file; ours, and closed to everyone else */
    struct gh_trust *const *trust;  /* the union of what the trunks allow; each gets a reference */
    size_t trust_count;
    enum gh_tls_policy policy;      /* the widest that a trunk of this listener allows */
    /* a trunk is device_security_mode: authenticated; offered last */
    bool allow_null_cipher;
};

/** @text  on failure: what is wrong with which file, for the operator.  @return 0 or an error */
int gh_tls_context_new(struct gh_tls_context **out, const struct gh_tls_params *params, char *text,
                       size_t text_len);
struct gh_tls_context *gh_tls_context_ref(struct gh_tls_context *context);
void gh_tls_context_unref(struct gh_tls_context *context);

/** @server_name  client role: SNI, sent when it is a DNS name; NULL: none.  @return 0 or an
 *  error */
int gh_tls_new(struct gh_tls **out, struct gh_tls_context *context, const char *server_name);
void gh_tls_free(struct gh_tls *tls);

enum gh_tls_state { GH_TLS_HANDSHAKE = 0, GH_TLS_UP,
                    GH_TLS_CLOSED /* close_notify both ways or EOF */, GH_TLS_FAILED };

/**
 * Give octets that came from the network, or none to start a client's handshake.
 *
 * In TLS 1.3 a client is up before the server has judged its certificate (RFC 8446 section
 * 4.4.2.4): the refusal comes as an alert in gh_tls_read, GH_TLS_FAILED with
 * tls_peer_refused_ours.
 *
 * @return the state.  While GH_TLS_UP, records are opened by gh_tls_read, so look at gh_tls_state
 *         after it.  GH_TLS_FAILED: gh_tls_failure tells why
 */
enum gh_tls_state gh_tls_input(struct gh_tls *tls, const uint8_t *octets, size_t len);

/** The peer's TCP side ended: GH_TLS_FAILED with tls_closed during the handshake.  Once up,
 *  records that came whole before it can still be read, and the last gh_tls_read (0) makes it
 *  GH_TLS_CLOSED. */
enum gh_tls_state gh_tls_input_eof(struct gh_tls *tls);

/** The state after everything so far. */
enum gh_tls_state gh_tls_state(const struct gh_tls *tls);

/** Take decrypted octets.  @return how many were written to @buf, 0 when there is nothing now: the
 *  state may have become GH_TLS_CLOSED or GH_TLS_FAILED then, and the output may hold an alert */
size_t gh_tls_read(struct gh_tls *tls, uint8_t *buf, size_t len);

/** Encrypt @len octets into the output.  @return 0, GH_ESTATE (not up, or gh_tls_shutdown was
 *  called), GH_ECRYPTO (the connection is GH_TLS_FAILED then) */
int gh_tls_write(struct gh_tls *tls, const uint8_t *octets, size_t len);

/** Take octets for the network.  @return how many were written to @buf, 0 when there is nothing
 *  now */
size_t gh_tls_output(struct gh_tls *tls, uint8_t *buf, size_t len);

/** Send close_notify; nothing can be written after it, but the peer's octets can still be read.
 *  Not up: nothing. */
void gh_tls_shutdown(struct gh_tls *tls);

/**
 * Why the connection is GH_TLS_FAILED.  An error after the handshake that is no refusal of our
 * certificate is connection_lost.
 * @text  NULL, or gets words for the log: the library's, the alert's, the certificate's names.
 *        Printable ASCII, owned by @tls; "" when it has not failed
 * @return GH_REASON_NONE when it has not failed
 */
enum gh_reason gh_tls_failure(const struct gh_tls *tls, const char **text);

/**
 * After GH_TLS_UP, once: the TLS members of @facts (version to cert); the caller fills the
 * addresses.
 * @chain  the peer's certificates, one reference; NULL when it showed none
 * @return 0 or GH_ENOMEM; @facts->cert is to be freed with gh_cert_facts_fini
 */
int gh_tls_facts(struct gh_tls *tls, struct gh_conn_facts *facts, struct gh_chain **chain);

/**
 * As after GH_TLS_UP, for a handshake that failed: the peer's leaf, when it had been shown, so
 * that the refusal can name it.  @return 0, GH_ENOTFOUND or GH_ENOMEM
 */
int gh_tls_refused_leaf(struct gh_tls *tls, struct gh_cert_facts *facts);

#endif
