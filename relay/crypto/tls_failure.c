/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong on a TLS connection, as one reason with words: the verify step's answer, else
 * what the peer sent instead of TLS, else its alert (RFC 8446 section 6.2, RFC 5246 section 7.2.2),
 * else OpenSSL's error.
 */
#include "crypto/tls_int.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

#include "crypto/openssl_int.h"

/* OpenSSL's reasons that mean one of ours.  All others are tls_handshake_failed. */
static const struct {
    int library;
    enum gh_reason reason;
} reasons[] = {
    { SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, GH_REASON_CERT_MISSING },
    { SSL_R_UNSUPPORTED_PROTOCOL, GH_REASON_TLS_VERSION_REFUSED },
    { SSL_R_WRONG_SSL_VERSION, GH_REASON_TLS_VERSION_REFUSED },
    { SSL_R_WRONG_VERSION_NUMBER, GH_REASON_TLS_VERSION_REFUSED },
    { SSL_R_VERSION_TOO_LOW, GH_REASON_TLS_VERSION_REFUSED },
    { SSL_R_VERSION_TOO_HIGH, GH_REASON_TLS_VERSION_REFUSED },
    { SSL_R_NO_PROTOCOLS_AVAILABLE, GH_REASON_TLS_VERSION_REFUSED },
    { SSL_R_INAPPROPRIATE_FALLBACK, GH_REASON_TLS_VERSION_REFUSED },
    { SSL_R_NO_SHARED_CIPHER, GH_REASON_TLS_NO_COMMON_CIPHER },
    { SSL_R_NO_CIPHERS_AVAILABLE, GH_REASON_TLS_NO_COMMON_CIPHER },
    { SSL_R_NO_SUITABLE_KEY_SHARE, GH_REASON_TLS_NO_COMMON_CIPHER },
    { SSL_R_NO_SHARED_GROUPS, GH_REASON_TLS_NO_COMMON_CIPHER },
    { SSL_R_NO_SUITABLE_GROUPS, GH_REASON_TLS_NO_COMMON_CIPHER },
    { SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, GH_REASON_TLS_NO_COMMON_CIPHER },
    { SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, GH_REASON_TLS_NO_COMMON_CIPHER },
    { SSL_R_WRONG_CURVE, GH_REASON_TLS_NO_COMMON_CIPHER },
    { SSL_R_DH_KEY_TOO_SMALL, GH_REASON_TLS_WEAK_CIPHER },
    { SSL_R_EE_KEY_TOO_SMALL, GH_REASON_CERT_WEAK },
    { SSL_R_CA_KEY_TOO_SMALL, GH_REASON_CERT_WEAK },
    { SSL_R_CA_MD_TOO_WEAK, GH_REASON_CERT_WEAK },
    { SSL_R_UNEXPECTED_EOF_WHILE_READING, GH_REASON_TLS_CLOSED },
};

/* Alerts by which a peer says what it thinks of our certificate. */
static bool is_about_our_certificate(int alert)
{
    switch (alert) {
    case SSL_AD_NO_CERTIFICATE:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

static enum gh_reason alert_reason(const struct gh_tls *tls, int alert)
{
    /* Before the peer picked a cipher, handshake_failure says that it found none; later it is about
     * anything. */
    bool negotiated = SSL_get_current_cipher(tls->ssl) || SSL_get_pending_cipher(tls->ssl);

    if (is_about_our_certificate(alert))
        return GH_REASON_TLS_PEER_REFUSED_OURS;
    if (tls->state == GH_TLS_UP)
        return GH_REASON_CONNECTION_LOST;
    switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
        return GH_REASON_TLS_VERSION_REFUSED;
    case SSL_AD_INSUFFICIENT_SECURITY:
        return GH_REASON_TLS_NO_COMMON_CIPHER;
    case SSL_AD_HANDSHAKE_FAILURE:
        return negotiated ? GH_REASON_TLS_HANDSHAKE_FAILED : GH_REASON_TLS_NO_COMMON_CIPHER;
    case SSL_AD_CLOSE_NOTIFY:
    case SSL_AD_USER_CANCELLED:
        return GH_REASON_TLS_CLOSED;
    default:
        return GH_REASON_TLS_HANDSHAKE_FAILED;
    }
}

/*
 * Do the first octets open a TLS record: type 20 to 24, version 3.x (RFC 8446 section 5.1)?  Or an
 * SSL 2.0 hello, by which old clients offer TLS (RFC 5246 appendix E.2)?  An answer without any
 * octets is not known not to be TLS.
 */
static bool looks_like_tls(const struct gh_tls *tls)
{
    const uint8_t *p = tls->sniff;
    size_t len = tls->sniff_len;

    if (len >= 3 && (p[0] & 0x80) && p[2] == 1)
        return true;
    if (len >= 1 && (p[0] < 20 || p[0] > 24))
        return false;
    return len < 2 || p[1] == 3;
}

static enum gh_reason library_reason(const struct gh_tls *tls, unsigned long code)
{
    if (code && ERR_GET_LIB(code) == ERR_LIB_SSL) {
        for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
            if (reasons[i].library == ERR_GET_REASON(code))
                return reasons[i].reason;
        }
    }
    return !code && tls->eof ? GH_REASON_TLS_CLOSED : GH_REASON_TLS_HANDSHAKE_FAILED;
}

static void say_sniffed(struct gh_tls *tls)
{
    char seen[GH_TLS_SNIFF + 1] = "";

    for (size_t i = 0; i < tls->sniff_len; i++)
        seen[i] = tls->sniff[i] ? (char)tls->sniff[i] : '?';
    gh_openssl_say(tls->text, sizeof(tls->text),
                   "the first octets are \"%s\", which is not a TLS record", seen);
}

void gh_tls_fail(struct gh_tls *tls)
{
    unsigned long code = ERR_peek_error();
    bool up = tls->state == GH_TLS_UP;
    char words[GH_OPENSSL_WORDS_MAX];

    gh_openssl_words(words, sizeof(words));
    if (tls->refused != GH_REASON_NONE) {
        tls->reason = tls->refused; /* the verify step wrote the text */
    } else if (tls->alert_seen >= 0) {
        tls->reason = alert_reason(tls, tls->alert_seen);
        gh_openssl_say(tls->text, sizeof(tls->text), "alert from the peer: %s (%d)",
                       SSL_alert_desc_string_long(tls->alert_seen), tls->alert_seen);
    } else if (!up && !looks_like_tls(tls)) {
        tls->reason = GH_REASON_TLS_NOT_TLS;
        say_sniffed(tls);
    } else {
        tls->reason = library_reason(tls, code);
        gh_openssl_say(tls->text, sizeof(tls->text), "%s",
                       tls->reason == GH_REASON_TLS_CLOSED
                           ? "the connection ended during the handshake"
                           : words);
        if (up)
            tls->reason = GH_REASON_CONNECTION_LOST;
    }
    tls->state = GH_TLS_FAILED;
}
