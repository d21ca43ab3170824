/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer's chain judged by one trust (RFC 5280 section 6): built by OpenSSL with that trust's
 * anchors alone.
 *
 * What OpenSSL does not do as we want, or leaves open, is done here: revocation data that is
 * missing is told apart from everything else, anchors need none, strengths are reported, and a CA
 * that was made for other purposes than TLS does not vouch for a TLS peer.
 * Names and the leaf's own EKU are left to policy.
 */
#include "crypto/cert_int.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "crypto/openssl_int.h"

#define CHAIN_CAS_MAX  10 /* intermediates; real chains have at most three */
#define FLOOR_KEY_BITS 80 /* RSA 1024, what CUCM 9 makes; anything below is broken by one person   \
                           */
#define FLOOR_SIGNATURE_BITS                                                                       \
    63 /* SHA-1 in OpenSSL's count; MD5 has 39: forged for real in 2008 and 2012 */

/* ---- reasons --------------------------------------------------------------------------------- */

static const struct {
    int x509_error;
    enum gh_reason reason;
} reasons[] = {
    { X509_V_OK, GH_REASON_NONE },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, GH_REASON_CERT_UNTRUSTED },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, GH_REASON_CERT_UNTRUSTED },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, GH_REASON_CERT_UNTRUSTED },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, GH_REASON_CERT_UNTRUSTED },
    { X509_V_ERR_CERT_UNTRUSTED, GH_REASON_CERT_UNTRUSTED },
    { X509_V_ERR_CERT_REJECTED, GH_REASON_CERT_UNTRUSTED },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, GH_REASON_CERT_SELF_SIGNED },
    { X509_V_ERR_CERT_HAS_EXPIRED, GH_REASON_CERT_EXPIRED },
    { X509_V_ERR_CERT_NOT_YET_VALID, GH_REASON_CERT_NOT_YET_VALID },
    { X509_V_ERR_CERT_REVOKED, GH_REASON_CERT_REVOKED },
    { X509_V_ERR_INVALID_PURPOSE, GH_REASON_CERT_EKU_MISSING },
    { X509_V_ERR_EE_KEY_TOO_SMALL, GH_REASON_CERT_WEAK },
    { X509_V_ERR_CA_KEY_TOO_SMALL, GH_REASON_CERT_WEAK },
    { X509_V_ERR_CA_MD_TOO_WEAK, GH_REASON_CERT_WEAK },
};

static enum gh_reason reason_of(int x509_error)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].x509_error == x509_error)
            return reasons[i].reason;
    }
    return GH_REASON_CERT_BAD;
}

/* No anchor was reached. */
static bool is_no_anchor(int x509_error)
{
    enum gh_reason reason = reason_of(x509_error);

    return reason == GH_REASON_CERT_UNTRUSTED || reason == GH_REASON_CERT_SELF_SIGNED;
}

/* There is no list of this CA, or none that may be used now. */
static bool is_crl_gap(int x509_error)
{
    switch (x509_error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
        return true;
    default:
        return false;
    }
}

/* ---- an issuer that is missing --------------------------------------------------------------- */

/* Do both names have a same value of @nid?  Values that are empty do not count. */
static bool share_value(const X509_NAME *a, const X509_NAME *b, int nid)
{
    for (int i = -1; (i = X509_NAME_get_index_by_NID(a, nid, i)) >= 0;) {
        const ASN1_STRING *left = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(a, i));

        for (int j = -1; (j = X509_NAME_get_index_by_NID(b, nid, j)) >= 0;) {
            const ASN1_STRING *right = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(b, j));

            if (ASN1_STRING_length(left) > 0 &&
                ASN1_STRING_length(left) == ASN1_STRING_length(right) &&
                memcmp(ASN1_STRING_get0_data(left), ASN1_STRING_get0_data(right),
                       (size_t)ASN1_STRING_length(left)) == 0)
                return true;
        }
    }
    return false;
}

/*
 * An issuer that is neither sent nor trusted is either a stranger, or an intermediate of a CA that
 * we trust. Nothing in the certificate says which.  It is taken for an intermediate when it bears
 * the organisation or domain of an anchor, but is not named like one.  This picks the advice only:
 * refused it is either way.
 */
static bool looks_like_intermediate(const X509_NAME *issuer, const struct gh_trust *trust)
{
    bool related = false;

    for (int i = 0; i < sk_X509_num(trust->anchors); i++) {
        const X509_NAME *anchor = X509_get_subject_name(sk_X509_value(trust->anchors, i));

        if (X509_NAME_cmp(anchor, issuer) == 0)
            return false; /* an anchor's name with another key: no intermediate would help */
        related |= share_value(anchor, issuer, NID_organizationName) ||
                   share_value(anchor, issuer, NID_domainComponent);
    }
    return related;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static int on_verify(int ok, X509_STORE_CTX *ctx)
{
    bool *crl_missing = X509_STORE_CTX_get_app_data(ctx);
    int top = sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;

    if (ok || !is_crl_gap(X509_STORE_CTX_get_error(ctx)))
        return ok;
    /* An anchor is trusted because it is in the file, and revoked by taking it out. */
    if (X509_STORE_CTX_get_error_depth(ctx) != top)
        *crl_missing = true;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

/* One attempt of OpenSSL's.  @ctx keeps chain, error and depth.  @return X509_V_... */
static int walk(X509_STORE_CTX *ctx, const struct gh_chain *chain, const struct gh_trust *trust,
                int64_t wall_us, unsigned long flags, bool *crl_missing)
{
    X509_VERIFY_PARAM *param;
    int64_t wall_s = wall_us / 1000000 - (wall_us % 1000000 < 0);

    *crl_missing = false;
    if (!X509_STORE_CTX_init(ctx, trust->store, sk_X509_value(chain->certs, 0), chain->certs))
        return X509_V_ERR_OUT_OF_MEM;
    if (trust->check_crls)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)wall_s);
    X509_VERIFY_PARAM_set_flags(param, flags);
    X509_VERIFY_PARAM_set_depth(param, CHAIN_CAS_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, 0); /* strength is judged below */
    X509_STORE_CTX_set_app_data(ctx, crl_missing);
    X509_STORE_CTX_set_verify_cb(ctx, on_verify);
    if (X509_verify_cert(ctx) > 0)
        return X509_V_OK;
    /* No error of its own (allocation failed, say) must not read as success. */
    return X509_STORE_CTX_get_error(ctx) == X509_V_OK ? X509_V_ERR_UNSPECIFIED
                                                      : X509_STORE_CTX_get_error(ctx);
}

/*
 * First to a self-signed root, so that every certificate on the way is checked for revocation.  If
 * there is no way to one, to any certificate in the trust: an intermediate, or the peer's very own.
 * Such an anchor vouches for itself alone unless it is a CA.
 */
static int walk_to_anchor(X509_STORE_CTX *ctx, const struct gh_chain *chain,
                          const struct gh_trust *trust, int64_t wall_us, bool *crl_missing)
{
    int first = walk(ctx, chain, trust, wall_us, 0, crl_missing);
    int second;

    if (!is_no_anchor(first))
        return first;
    X509_STORE_CTX_cleanup(ctx);
    second = walk(ctx, chain, trust, wall_us, X509_V_FLAG_PARTIAL_CHAIN, crl_missing);
    return is_no_anchor(second) ? first : second;
}

/* ---- what is left to check on a chain that reached an anchor --------------------------------- */

/*
 * The EKU of a CA limits what it vouches for, as in OpenSSL's purpose check; RFC 5280 section
 * 4.2.1.12 leaves it open, but CAs are handed to others because of it.  A CA that is limited to
 * mail, code or users does not vouch for a TLS server.  One that is limited to servers does not
 * vouch for a client either; but public CAs drop clientAuth from theirs, so a trunk may waive that,
 * for the CA as for the leaf: it is told, and policy decides.
 */
static bool ca_fits_role(X509 *ca, enum gh_role role, bool *client_barred)
{
    bool server, client;

    if (!gh_cert_eku(ca, &server, &client))
        return true;
    *client_barred |= !client;
    return server || (client && role == GH_ROLE_SERVER);
}

/* RFC 5280 section 4.2.1.3: a key usage that allows neither to sign nor to agree nor to encrypt
 * keys forbids TLS. */
static bool leaf_may_do_tls(X509 *leaf)
{
    const uint32_t any_of = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT;

    return (X509_get_key_usage(leaf) & any_of) != 0; /* all ones when there is no key usage */
}

static int key_bits_of(X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);

    return key ? EVP_PKEY_get_security_bits(key) : 0;
}

/* @at  0 is the leaf, @top the anchor.  @return X509_V_...; flags of @facts are only ever set */
static int check_one(X509 *cert, int at, int top, enum gh_role role, struct gh_chain_facts *facts)
{
    int key_bits = key_bits_of(cert);
    /* An anchor's own signature proves nothing and is not relied upon. */
    int signature_bits = at == top ? GH_CERT_LEVEL_2_BITS : gh_cert_signature_bits(cert);

    facts->weak |= key_bits < GH_CERT_LEVEL_2_BITS || signature_bits < GH_CERT_LEVEL_2_BITS;
    if (X509_get_extension_flags(cert) & EXFLAG_INVALID)
        return X509_V_ERR_INVALID_EXTENSION;
    if (key_bits < FLOOR_KEY_BITS)
        return at == 0 ? X509_V_ERR_EE_KEY_TOO_SMALL : X509_V_ERR_CA_KEY_TOO_SMALL;
    if (signature_bits < FLOOR_SIGNATURE_BITS)
        return X509_V_ERR_CA_MD_TOO_WEAK;
    if (at == 0 && !leaf_may_do_tls(cert))
        return X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE;
    /* That CAs below the anchor say so (RFC 5280 section 6.1.4 (k)) OpenSSL has seen to. */
    if (at > 0 && at < top && !ca_fits_role(cert, role, &facts->client_barred))
        return X509_V_ERR_INVALID_PURPOSE;
    return X509_V_OK;
}

static int check_chain(const STACK_OF(X509) *built, enum gh_role role,
                       struct gh_chain_facts *facts, int *depth)
{
    int top = sk_X509_num(built) - 1;

    for (int at = 0; at <= top; at++) {
        int error = check_one(sk_X509_value(built, at), at, top, role, facts);

        if (error != X509_V_OK) {
            *depth = at;
            return error;
        }
    }
    return X509_V_OK;
}

static void read_validity(const STACK_OF(X509) *built, struct gh_chain_facts *facts)
{
    facts->valid_from_us = INT64_MIN;
    facts->valid_until_us = INT64_MAX;
    for (int i = 0; i < sk_X509_num(built); i++) {
        X509 *cert = sk_X509_value(built, i);
        int64_t from = gh_cert_time_us(X509_get0_notBefore(cert), INT64_MAX);
        int64_t until = gh_cert_time_us(X509_get0_notAfter(cert), INT64_MIN);

        facts->valid_from_us = from > facts->valid_from_us ? from : facts->valid_from_us;
        facts->valid_until_us = until < facts->valid_until_us ? until : facts->valid_until_us;
    }
}

/* ---- the judgement --------------------------------------------------------------------------- */

static void write_text(struct gh_judgement *out, X509 *cert, int depth)
{
    char name[192];
    bool no_anchor = is_no_anchor(out->x509_error);

    gh_cert_name_text(no_anchor ? X509_get_issuer_name(cert) : X509_get_subject_name(cert), name,
                      sizeof(name));
    if (no_anchor)
        gh_openssl_say(out->text, sizeof(out->text),
                       "%s: certificate %d is issued by %s, which is %s",
                       X509_verify_cert_error_string(out->x509_error), depth, name,
                       out->facts.reason == GH_REASON_CERT_SELF_SIGNED ? "itself" : "not trusted");
    else
        gh_openssl_say(out->text, sizeof(out->text), "%s: certificate %d, %s",
                       X509_verify_cert_error_string(out->x509_error), depth, name);
}

static void judge(X509_STORE_CTX *ctx, const struct gh_chain *chain, const struct gh_trust *trust,
                  enum gh_role role, int64_t wall_us, struct gh_judgement *out)
{
    bool crl_missing = false;
    int error = walk_to_anchor(ctx, chain, trust, wall_us, &crl_missing);
    int depth = error == X509_V_OK ? 0 : X509_STORE_CTX_get_error_depth(ctx);
    STACK_OF(X509) *built = X509_STORE_CTX_get0_chain(ctx);
    X509 *at_fault;

    if (!built || sk_X509_num(built) == 0)
        built = chain->certs;
    read_validity(built, &out->facts);
    if (error == X509_V_OK)
        error = check_chain(built, role, &out->facts, &depth);
    at_fault = sk_X509_value(built, depth < sk_X509_num(built) ? depth : sk_X509_num(built) - 1);
    /* OpenSSL finds no issuer for a certificate whose extensions it cannot read. */
    if (is_no_anchor(error) && (X509_get_extension_flags(at_fault) & EXFLAG_INVALID))
        error = X509_V_ERR_INVALID_EXTENSION;
    out->x509_error = error;
    out->facts.reason = reason_of(error);
    out->facts.crl_missing = crl_missing && error == X509_V_OK;
    if (error == X509_V_OK)
        return;
    if (is_no_anchor(error) && out->facts.reason == GH_REASON_CERT_UNTRUSTED &&
        error != X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN &&
        looks_like_intermediate(X509_get_issuer_name(at_fault), trust))
        out->facts.reason = GH_REASON_CERT_INCOMPLETE_CHAIN;
    write_text(out, at_fault, depth);
}

void gh_chain_judge(const struct gh_chain *chain, const struct gh_trust *trust, enum gh_role role,
                    int64_t wall_us, struct gh_judgement *out)
{
    X509_STORE_CTX *ctx;

    *out = (struct gh_judgement){ .facts = { .reason = GH_REASON_CERT_BAD },
                                  .x509_error = X509_V_ERR_OUT_OF_MEM };
    ERR_set_mark();
    ctx = X509_STORE_CTX_new();
    if (ctx)
        judge(ctx, chain, trust, role, wall_us, out);
    X509_STORE_CTX_free(ctx);
    ERR_pop_to_mark();
}

void gh_cert_verify(const struct gh_chain *chain, const struct gh_trust *trust, enum gh_role role,
                    int64_t wall_us, struct gh_chain_facts *out)
{
    struct gh_judgement judgement = { .facts = { .reason = GH_REASON_CERT_MISSING } };

    if (chain && trust)
        gh_chain_judge(chain, trust, role, wall_us, &judgement);
    else if (chain)
        judgement.facts.reason = GH_REASON_CERT_UNTRUSTED;
    *out = judgement.facts;
}
