/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TLS connection over two memory BIOs (RFC 5246, RFC 8446):
 *
 *     network -> gh_tls_input -> [in]  -> SSL -> gh_tls_read  -> SIP
 *     network <- gh_tls_output <- [out] <- SSL <- gh_tls_write <- SIP
 *
 * Whatever OpenSSL writes, alerts of a failure included, stands in the output when a call returns.
 * The error queue is emptied before each call, because SSL_get_error reads what another connection
 * left there.
 */
#include "crypto/tls_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gatehouse/addr.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "crypto/openssl_int.h"

#define DNS_NAME_MAX 253 /* RFC 1035 section 2.3.4, as text */

/* ---- birth and death ------------------------------------------------------------------------- */

static void on_info(const SSL *ssl, int where, int value)
{
    struct gh_tls *tls = SSL_get_app_data(ssl);
    int level = value >> 8, alert = value & 0xff;

    if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT)
        return;
    /* RFC 8446 section 6: in TLS 1.3 the level says nothing.  Before it, a warning does not end a
     * connection. */
    if (level == SSL3_AL_FATAL || SSL_version(ssl) == TLS1_3_VERSION ||
        alert == SSL_AD_CLOSE_NOTIFY)
        tls->alert_seen = alert;
}

/* RFC 6066 section 3: a DNS name without the trailing dot, never a literal address. */
static bool sni_of(const char *server_name, char out[DNS_NAME_MAX + 1])
{
    struct gh_span name = gh_span_str(server_name);
    struct gh_addr addr;

    if (name.len && name.p[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len > DNS_NAME_MAX || gh_addr_parse_ip(name, 0, &addr) == 0)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.p[i];

        if (!gh_ascii_is_alpha(c) && !gh_ascii_is_digit(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    memcpy(out, name.p, name.len);
    out[name.len] = 0;
    return true;
}

int gh_tls_new(struct gh_tls **out, struct gh_tls_context *context, const char *server_name)
{
    struct gh_tls *tls = calloc(1, sizeof(*tls));
    char sni[DNS_NAME_MAX + 1];

    if (!tls)
        return GH_ENOMEM;
    ERR_clear_error();
    tls->context = gh_tls_context_ref(context);
    tls->refused = tls->reason = GH_REASON_NONE;
    tls->alert_seen = -1;
    tls->ssl = SSL_new(context->ctx);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        goto fail;
    }
    SSL_set_bio(tls->ssl, tls->in, tls->out); /* owns both from here on */
    SSL_set_app_data(tls->ssl, tls);
    SSL_set_info_callback(tls->ssl, on_info);
    if (context->role == GH_ROLE_SERVER)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
    if (context->role == GH_ROLE_CLIENT && server_name && sni_of(server_name, sni) &&
        !SSL_set_tlsext_host_name(tls->ssl, sni))
        goto fail;
    *out = tls;
    return 0;
fail:
    ERR_clear_error();
    gh_tls_free(tls);
    return GH_ENOMEM;
}

void gh_tls_free(struct gh_tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    gh_chain_unref(tls->chain);
    gh_tls_context_unref(tls->context);
    free(tls);
}

/* ---- octets ---------------------------------------------------------------------------------- */

/* Does this return of an SSL function only mean that more octets are needed? */
static bool wants_more(struct gh_tls *tls, int ret)
{
    return SSL_get_error(tls->ssl, ret) == SSL_ERROR_WANT_READ && !tls->eof;
}

static void drive_handshake(struct gh_tls *tls)
{
    int ret;

    ERR_clear_error();
    ret = SSL_do_handshake(tls->ssl);
    if (ret == 1)
        tls->state = GH_TLS_UP;
    else if (!wants_more(tls, ret))
        gh_tls_fail(tls);
}

enum gh_tls_state gh_tls_input(struct gh_tls *tls, const uint8_t *octets, size_t len)
{
    size_t sniffed = sizeof(tls->sniff) - tls->sniff_len;
    size_t written = 0;

    if (tls->state != GH_TLS_HANDSHAKE && tls->state != GH_TLS_UP)
        return tls->state;
    if (len) {
        sniffed = len < sniffed ? len : sniffed;
        memcpy(tls->sniff + tls->sniff_len, octets, sniffed);
        tls->sniff_len += sniffed;
        ERR_clear_error();
        if (!BIO_write_ex(tls->in, octets, len, &written) || written != len) {
            gh_tls_fail(tls); /* out of memory: octets are lost, so the connection is */
            return tls->state;
        }
    }
    if (tls->state == GH_TLS_HANDSHAKE)
        drive_handshake(tls);
    return tls->state;
}

enum gh_tls_state gh_tls_input_eof(struct gh_tls *tls)
{
    tls->eof = true;
    BIO_set_mem_eof_return(tls->in, 0);
    if (tls->state == GH_TLS_HANDSHAKE)
        drive_handshake(tls);
    /* Up, with nothing left to open: the end.  SIP knows by Content-Length whether a message was
     * cut. */
    if (tls->state == GH_TLS_UP && BIO_ctrl_pending(tls->in) == 0 && !SSL_has_pending(tls->ssl))
        tls->state = GH_TLS_CLOSED;
    return tls->state;
}

enum gh_tls_state gh_tls_state(const struct gh_tls *tls)
{
    return tls->state;
}

/* The error queue holds only the end of the octets, in one of the two ways that OpenSSL says so. */
static bool is_eof(const struct gh_tls *tls, int error)
{
    unsigned long code = ERR_peek_error();

    if (!tls->eof)
        return false;
    return error == SSL_ERROR_SYSCALL || error == SSL_ERROR_WANT_READ ||
           (ERR_GET_LIB(code) == ERR_LIB_SSL &&
            ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

size_t gh_tls_read(struct gh_tls *tls, uint8_t *buf, size_t len)
{
    size_t got = 0;
    int error;

    if (tls->state != GH_TLS_UP || len == 0)
        return 0;
    ERR_clear_error();
    if (SSL_read_ex(tls->ssl, buf, len, &got) == 1)
        return got;
    error = SSL_get_error(tls->ssl, 0);
    if (error == SSL_ERROR_ZERO_RETURN) {
        gh_tls_shutdown(tls); /* the peer's close_notify is answered with ours */
        tls->state = GH_TLS_CLOSED;
    } else if (is_eof(tls, error)) {
        tls->state = GH_TLS_CLOSED;
    } else if (error != SSL_ERROR_WANT_READ) {
        gh_tls_fail(tls);
    }
    ERR_clear_error();
    return 0;
}

int gh_tls_write(struct gh_tls *tls, const uint8_t *octets, size_t len)
{
    size_t written = 0;

    if (tls->state != GH_TLS_UP || tls->close_sent)
        return GH_ESTATE;
    if (len == 0)
        return 0;
    ERR_clear_error();
    /* Without partial writes and with a BIO that takes everything, it is all or an error. */
    if (SSL_write_ex(tls->ssl, octets, len, &written) != 1 || written != len) {
        gh_tls_fail(tls);
        return GH_ECRYPTO;
    }
    return 0;
}

size_t gh_tls_output(struct gh_tls *tls, uint8_t *buf, size_t len)
{
    size_t got = 0;

    return len && BIO_read_ex(tls->out, buf, len, &got) ? got : 0;
}

void gh_tls_shutdown(struct gh_tls *tls)
{
    if (tls->state != GH_TLS_UP || tls->close_sent)
        return;
    tls->close_sent = true;
    ERR_clear_error();
    SSL_shutdown(tls->ssl); /* 0: sent, the peer's is still to come */
    ERR_clear_error();
}

/* ---- facts ----------------------------------------------------------------------------------- */

enum gh_reason gh_tls_failure(const struct gh_tls *tls, const char **text)
{
    bool failed = tls->state == GH_TLS_FAILED;

    if (text)
        *text = failed ? tls->text : "";
    return failed ? tls->reason : GH_REASON_NONE;
}

static enum gh_tls_version version_of(const SSL *ssl)
{
    switch (SSL_version(ssl)) {
    case TLS1_3_VERSION:
        return GH_TLS_1_3;
    case TLS1_2_VERSION:
        return GH_TLS_1_2;
    default:
        return GH_TLS_OLD;
    }
}

/* RFC 8446 has ephemeral key exchange only: without resumption there is no handshake by a shared
 * key alone. */
static bool is_forward_secret(const SSL_CIPHER *cipher, enum gh_tls_version version)
{
    int exchange = SSL_CIPHER_get_kx_nid(cipher);

    return version == GH_TLS_1_3 || exchange == NID_kx_ecdhe || exchange == NID_kx_dhe;
}

int gh_tls_facts(struct gh_tls *tls, struct gh_conn_facts *facts, struct gh_chain **chain)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
    struct gh_cert_facts cert = { 0 };
    const char *group;

    if (tls->chain && gh_chain_leaf_facts(tls->chain, &cert) != 0)
        return GH_ENOMEM;
    facts->version = version_of(tls->ssl);
    snprintf(facts->version_name, sizeof(facts->version_name), "%s", SSL_get_version(tls->ssl));
    snprintf(facts->cipher, sizeof(facts->cipher), "%s", SSL_CIPHER_get_name(cipher));
    facts->cipher_bits = SSL_CIPHER_get_bits(cipher, NULL);
    facts->cipher_kind = facts->cipher_bits > 0 ? GH_CIPHER_ENCRYPTING : GH_CIPHER_AUTH_ONLY;
    facts->forward_secret = is_forward_secret(cipher, facts->version);
    group = facts->forward_secret ? gh_openssl_group_name(tls->ssl) : NULL;
    snprintf(facts->group, sizeof(facts->group), "%s", group ? group : "");
    facts->peer_cert = tls->chain != NULL;
    facts->cert = cert;
    *chain = gh_chain_ref(tls->chain);
    ERR_clear_error();
    return 0;
}

int gh_tls_refused_leaf(struct gh_tls *tls, struct gh_cert_facts *facts)
{
    return tls->chain ? gh_chain_leaf_facts(tls->chain, facts) : GH_ENOTFOUND;
}
