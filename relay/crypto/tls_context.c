/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts: what our side offers and accepts, and the verify step of the handshake.
 *
 * Everything is set here, nothing is left to the system's openssl.cnf: two installations with one
 * configuration accept the same peers.
 */
#include "crypto/tls_int.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "crypto/openssl_int.h"

/* ---- presets --------------------------------------------------------------------------------- */

#define ECDHE_GCM_256 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define ECDHE_GCM_128 "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
#define ECDHE_CHACHA  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define ECDHE_CBC_SHA2                                                                             \
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-"       \
    "AES128-SHA256"
#define ECDHE_CBC_SHA1                                                                             \
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
#define RSA_KX                                                                                     \
    "AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA"

#define SIGNATURES                                                                                 \
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:ed448:"          \
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"                                 \
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"                                    \
    "RSA+SHA256:RSA+SHA384:RSA+SHA512"
#define SIGNATURES_SHA1 ":ECDSA+SHA1:RSA+SHA1"

/* Authenticated, not encrypted: CUCM's device security mode "Authenticated" is NULL-SHA. */
#define NULL_CIPHERS ":ECDHE-ECDSA-NULL-SHA:ECDHE-RSA-NULL-SHA:NULL-SHA256:NULL-SHA"

struct preset {
    int min_version;
    int level;           /* OpenSSL's, for all but a peer's chain, which gh_tls_verify judges */
    bool weak_chain;     /* a chain below level 2 may pass; admission judges it again */
    const char *ciphers; /* up to TLS 1.2 */
    const char *suites;  /* TLS 1.3 */
    const char *groups;
    const char *signatures; /* of handshakes */
};

/*
 * Strongest first: the server's order counts.  Plain DHE is nowhere: RFC 9325 section 4.1 advises
 * against it, and no peer that we know of needs it.
 */
static const struct preset presets[] = {
    /* RFC 9325 section 4.2 (BCP 195): forward secrecy and AEAD only. */
    [GH_TLS_MODERN] = {
        TLS1_2_VERSION, 2, false, ECDHE_GCM_256 ":" ECDHE_CHACHA ":" ECDHE_GCM_128,
        "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
        GH_OPENSSL_HYBRID_GROUPS "X25519:P-256:X448:P-521:P-384", SIGNATURES,
    },
    /* NIST SP 800-52 revision 2, section 3.3.1: AES only, and the NIST curves.  CBC, and suites
     * with an eight-octet tag (CCM_8), are allowed there and left out here, as in policy: nobody
     * needs them. */
    [GH_TLS_NIST_800_52R2] = {
        TLS1_2_VERSION, 2, false,
        ECDHE_GCM_256 ":" ECDHE_GCM_128 ":ECDHE-ECDSA-AES256-CCM:ECDHE-ECDSA-AES128-CCM",
        "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256",
        "P-256:P-384:P-521", SIGNATURES,
    },
    /* BSI TR-02102-2, sections 3.3 and 3.4: AES with forward secrecy, NIST and Brainpool curves.
     * It takes CBC with encrypt-then-MAC only, which cannot be demanded of a peer before the
     * handshake, so CBC is left out. */
    [GH_TLS_BSI_TR_02102] = {
        TLS1_2_VERSION, 2, false,
        ECDHE_GCM_256 ":" ECDHE_GCM_128 ":ECDHE-ECDSA-AES256-CCM:ECDHE-ECDSA-AES128-CCM",
        "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256",
        "P-256:P-384:P-521:brainpoolP256r1:brainpoolP384r1:brainpoolP512r1", SIGNATURES,
    },
    /* What CUCM 9 has: TLS 1.0, RSA key exchange, AES128-SHA, RSA 1024 with SHA-1 in the
     * certificate.  Level 0 because TLS 1.0 signs with MD5 and SHA-1 together; the floor for
     * chains is in cert_verify.c. */
    [GH_TLS_LEGACY_CUCM] = {
        TLS1_VERSION, 0, true,
        ECDHE_GCM_256 ":" ECDHE_CHACHA ":" ECDHE_GCM_128 ":" ECDHE_CBC_SHA2 ":" ECDHE_CBC_SHA1
        ":" RSA_KX,
        "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
        GH_OPENSSL_HYBRID_GROUPS "X25519:P-256:X448:P-521:P-384", SIGNATURES SIGNATURES_SHA1,
    },
};

/* ---- the verify step ------------------------------------------------------------------------- */

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What a trunk may waive is accepted here and judged at admission: a missing list (crl_missing) and
 * clientAuth, which gh_chain_judge only tells of. */
static bool is_acceptable(const struct gh_chain_facts *facts, bool weak_chain)
{
    return facts->reason == GH_REASON_NONE && (weak_chain || !facts->weak);
}

/* How much a refusal tells: a store that reached an anchor knows more than one that did not. */
static int telling(enum gh_reason reason)
{
    switch (reason) {
    case GH_REASON_CERT_UNTRUSTED:
        return 1;
    case GH_REASON_CERT_SELF_SIGNED:
        return 2;
    case GH_REASON_CERT_INCOMPLETE_CHAIN:
        return 3;
    default:
        return 4;
    }
}

/* Does one of the trusts accept the chain?  If none does, @best holds the refusal that tells
 * most. */
static bool judge_by_union(const struct gh_tls_context *context, const struct gh_chain *chain,
                           struct gh_judgement *best)
{
    bool weak_chain = presets[context->policy].weak_chain;
    int64_t wall_us = now_us();

    *best = (struct gh_judgement){ .facts = { .reason = GH_REASON_CERT_UNTRUSTED },
                                   .x509_error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY };
    gh_openssl_say(best->text, sizeof(best->text), "no trust is configured");
    for (size_t i = 0; i < context->trust_count; i++) {
        struct gh_judgement judgement;

        gh_chain_judge(chain, context->trust[i], context->role, wall_us, &judgement);
        if (is_acceptable(&judgement.facts, weak_chain))
            return true;
        if (judgement.facts.reason == GH_REASON_NONE) {
            judgement.facts.reason = GH_REASON_CERT_WEAK;
            judgement.x509_error = X509_V_ERR_EE_KEY_TOO_SMALL;
            gh_openssl_say(judgement.text, sizeof(judgement.text),
                           "a key or signature in the chain is below 112 bits of security");
        }
        if (i == 0 || telling(judgement.facts.reason) > telling(best->facts.reason))
            *best = judgement;
    }
    return false;
}

int gh_tls_verify(X509_STORE_CTX *ctx, void *arg)
{
    struct gh_tls_context *context = arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct gh_tls *tls = SSL_get_app_data(ssl);
    struct gh_judgement judgement;

    gh_chain_unref(tls->chain);
    tls->chain = NULL;
    /* Here the peer's certificates are all there, leaf first, in both roles. */
    if (gh_chain_new(&tls->chain, X509_STORE_CTX_get0_untrusted(ctx)) != 0) {
        X509_STORE_CTX_set_error(ctx, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    if (judge_by_union(context, tls->chain, &judgement)) {
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
        return 1;
    }
    tls->refused = judgement.facts.reason;
    memcpy(tls->text, judgement.text, sizeof(tls->text));
    X509_STORE_CTX_set_error(ctx, judgement.x509_error); /* OpenSSL picks the alert by it */
    return 0;
}

/* ---- NULL ciphers ---------------------------------------------------------------------------- */

/* Level 2 counts bits, and a NULL cipher has none: what is asked about it is answered here, all
 * else goes to OpenSSL. */
static int admit_null_cipher(const SSL *ssl, const SSL_CTX *ctx, int op, int bits, int nid,
                             void *other, void *arg)
{
    const struct gh_tls_context *context = arg;
    bool about_cipher = op == SSL_SECOP_CIPHER_SUPPORTED || op == SSL_SECOP_CIPHER_SHARED ||
                        op == SSL_SECOP_CIPHER_CHECK;

    /* The cipher list names no NULL cipher without authentication, so none can come here. */
    if (about_cipher && other && SSL_CIPHER_get_bits(other, NULL) == 0)
        return 1;
    return context->library_security(ssl, ctx, op, bits, nid, other, NULL);
}

/* ---- the context ----------------------------------------------------------------------------- */

static bool set_ciphers(struct gh_tls_context *context, const struct preset *preset,
                        bool allow_null)
{
    SSL_CTX *ctx = context->ctx;
    char list[1024];

    /* Before the ciphers: the level says which may be in the list. */
    SSL_CTX_set_security_level(ctx, preset->level);
    if (allow_null) {
        context->library_security = SSL_CTX_get_security_callback(ctx);
        SSL_CTX_set0_security_ex_data(ctx, context);
        SSL_CTX_set_security_callback(ctx, admit_null_cipher);
    }
    gh_openssl_say(list, sizeof(list), "%s%s", preset->ciphers, allow_null ? NULL_CIPHERS : "");
    return SSL_CTX_set_cipher_list(ctx, list) && SSL_CTX_set_ciphersuites(ctx, preset->suites) &&
           SSL_CTX_set1_groups_list(ctx, preset->groups) &&
           SSL_CTX_set1_sigalgs_list(ctx, preset->signatures);
}

static bool set_behaviour(struct gh_tls_context *context, const struct preset *preset)
{
    static const unsigned char session_context[] = "gatehouse";
    SSL_CTX *ctx = context->ctx;

    /* Resumption would skip the look at the certificate: it may have been revoked since. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 /* SDP with keys passes through the record buffer */
                                 SSL_OP_CLEANSE_PLAINTEXT);
    /* openssl.cnf may have set these. */
    SSL_CTX_clear_options(ctx, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                                   SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                   SSL_OP_NO_EXTENDED_MASTER_SECRET | SSL_OP_NO_ENCRYPT_THEN_MAC |
                                   SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3);
    if (preset->min_version < TLS1_2_VERSION)
        SSL_CTX_clear_options(ctx, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
    /* The record buffers (34 kB a connection) are held only while they hold something. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx,
                       context->role == GH_ROLE_SERVER
                           ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                           : SSL_VERIFY_PEER,
                       NULL);
    SSL_CTX_set_cert_verify_callback(ctx, gh_tls_verify, context);
    /* No list of CA names goes out with the request for a client certificate: an empty one means
     * "any", and ours would tell strangers whom we trust. */
    return SSL_CTX_set_num_tickets(ctx, 0) && SSL_CTX_set_max_early_data(ctx, 0) &&
           SSL_CTX_set_min_proto_version(ctx, preset->min_version) &&
           SSL_CTX_set_max_proto_version(ctx, 0) &&
           SSL_CTX_set_session_id_context(ctx, session_context, sizeof(session_context) - 1);
}

static int flaw_to_error(enum gh_identity_flaw flaw)
{
    switch (flaw) {
    case GH_IDENTITY_OK:
        return 0;
    case GH_IDENTITY_CERT_UNREADABLE:
    case GH_IDENTITY_KEY_UNREADABLE:
        return GH_ENOTFOUND;
    case GH_IDENTITY_CERT_BAD:
    case GH_IDENTITY_KEY_BAD:
        return GH_ESYNTAX;
    case GH_IDENTITY_KEY_EXPOSED:
        return -EPERM;
    case GH_IDENTITY_MISMATCH:
    case GH_IDENTITY_EXPIRED:
    case GH_IDENTITY_NOT_YET_VALID:
    case GH_IDENTITY_EKU:
        break;
    }
    return GH_EINVAL;
}

/* Which certificate of @identity is below level 2, and what to use instead.  @return false: none */
static bool say_weak(const struct gh_identity *identity, const char *path, char *text,
                     size_t text_len)
{
    for (int i = -1; i < sk_X509_num(identity->chain); i++) {
        X509 *cert = i < 0 ? identity->cert : sk_X509_value(identity->chain, i);
        EVP_PKEY *key = X509_get0_pubkey(cert);
        const char *kind = key ? EVP_PKEY_get0_type_name(key) : NULL;
        int signature_bits = gh_cert_signature_bits(cert);

        if (key && EVP_PKEY_get_security_bits(key) < GH_CERT_LEVEL_2_BITS) {
            gh_openssl_say(text, text_len,
                           "%s: %s, %s of %d bits, is too weak; use RSA of 2048 bits or EC P-256 "
                           "at least",
                           path, i < 0 ? "its key" : "the key of an intermediate in it",
                           kind ? kind : "one", EVP_PKEY_get_bits(key));
            return true;
        }
        /* A root's own signature proves nothing, and nobody asks for its strength. */
        if (!(X509_get_extension_flags(cert) & EXFLAG_SS) && signature_bits &&
            signature_bits < GH_CERT_LEVEL_2_BITS) {
            gh_openssl_say(text, text_len,
                           "%s: %s, %s, is too weak; have it signed with SHA-256 at least", path,
                           i < 0 ? "its signature" : "the signature of an intermediate in it",
                           OBJ_nid2ln(X509_get_signature_nid(cert)));
            return true;
        }
    }
    return false;
}

static int set_identity(SSL_CTX *ctx, const struct gh_tls_params *params, char *text,
                        size_t text_len)
{
    struct gh_identity identity;
    int err = flaw_to_error(
        gh_identity_load(&identity, params->certificate, params->private_key, text, text_len));

    if (err)
        return err;
    ERR_clear_error();
    if (!SSL_CTX_use_cert_and_key(ctx, identity.cert, identity.key, identity.chain, 1)) {
        char words[GH_OPENSSL_WORDS_MAX];

        gh_openssl_words(words, sizeof(words));
        if (!say_weak(&identity, params->certificate, text, text_len))
            gh_openssl_say(text, text_len, "%s: cannot be used: %s", params->certificate, words);
        err = GH_EINVAL;
    }
    gh_identity_fini(&identity);
    return err;
}

static int set_trust(struct gh_tls_context *context, const struct gh_tls_params *params)
{
    context->trust = calloc(params->trust_count + 1, sizeof(struct gh_trust *));
    if (!context->trust)
        return GH_ENOMEM;
    for (size_t i = 0; i < params->trust_count; i++)
        context->trust[context->trust_count++] = gh_trust_ref(params->trust[i]);
    return 0;
}

int gh_tls_context_new(struct gh_tls_context **out, const struct gh_tls_params *params, char *text,
                       size_t text_len)
{
    struct gh_tls_context *context = NULL;
    const struct preset *preset;
    char words[GH_OPENSSL_WORDS_MAX];
    int err = GH_EINVAL;

    if (text && text_len)
        text[0] = 0;
    if ((params->role != GH_ROLE_SERVER && params->role != GH_ROLE_CLIENT) ||
        (unsigned)params->policy >= sizeof(presets) / sizeof(presets[0]))
        goto out;
    preset = &presets[params->policy];
    ERR_clear_error();
    err = GH_ENOMEM;
    context = calloc(1, sizeof(*context));
    if (!context)
        goto out;
    context->refs = 1;
    context->role = params->role;
    context->policy = params->policy;
    context->ctx =
        SSL_CTX_new(params->role == GH_ROLE_SERVER ? TLS_server_method() : TLS_client_method());
    if (!context->ctx)
        goto out;
    err = set_trust(context, params);
    if (err)
        goto out;
    if (!set_behaviour(context, preset) ||
        !set_ciphers(context, preset, params->allow_null_cipher)) {
        gh_openssl_words(words, sizeof(words));
        gh_openssl_say(text, text_len, "TLS settings: %s", words);
        err = GH_ECRYPTO;
        goto out;
    }
    err = set_identity(context->ctx, params, text, text_len);
    if (err)
        goto out;
    *out = context;
    context = NULL;
out:
    ERR_clear_error();
    gh_tls_context_unref(context);
    return err;
}

struct gh_tls_context *gh_tls_context_ref(struct gh_tls_context *context)
{
    if (context)
        context->refs++;
    return context;
}

void gh_tls_context_unref(struct gh_tls_context *context)
{
    if (!context || --context->refs)
        return;
    SSL_CTX_free(context->ctx);
    for (size_t i = 0; i < context->trust_count; i++)
        gh_trust_unref(context->trust[i]);
    free(context->trust);
    free(context);
}
