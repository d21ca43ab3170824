/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104) and random octets, by OpenSSL.
 * The algorithms are fetched once a process: fetching by name at each call costs more than the hash
 * of a short record.
 */
#include "crypto/hash.h"

#include <gatehouse/err.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

/* Written once by fetch_all(), read by any thread after it; never freed: they live as long as the
 * process. */
static CRYPTO_ONCE fetched = CRYPTO_ONCE_STATIC_INIT;
static EVP_MD *sha256;
static EVP_MAC *hmac;

static void fetch_all(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

int gh_sha256(const void *p, size_t len, uint8_t out[32])
{
    unsigned out_len = 0;

    if (!CRYPTO_THREAD_run_once(&fetched, fetch_all) || !sha256 ||
        !EVP_Digest(len ? p : "", len, out, &out_len, sha256, NULL) || out_len != 32) {
        ERR_clear_error();
        return GH_ECRYPTO;
    }
    return 0;
}

int gh_hmac_sha256(const void *key, size_t key_len, const void *p, size_t len, uint8_t out[32])
{
    char digest[] = "SHA2-256";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                            OSSL_PARAM_construct_end() };
    EVP_MAC_CTX *ctx = NULL;
    size_t out_len = 0;
    int err = GH_ECRYPTO;

    if (!CRYPTO_THREAD_run_once(&fetched, fetch_all) || !hmac)
        goto out;
    ctx = EVP_MAC_CTX_new(hmac);
    if (!ctx)
        goto out;
    /* An empty key is a key (RFC 2104 pads it with zeros); a NULL one would mean "keep the
     * last". */
    if (!EVP_MAC_init(ctx, key_len ? key : (const void *)"", key_len, params) ||
        !EVP_MAC_update(ctx, len ? p : "", len) || !EVP_MAC_final(ctx, out, &out_len, 32) ||
        out_len != 32)
        goto out;
    err = 0;
out:
    EVP_MAC_CTX_free(ctx); /* wipes the padded key */
    if (err)
        ERR_clear_error();
    return err;
}

int gh_random(void *out, size_t len)
{
    if (len && RAND_bytes_ex(NULL, out, len, 0) != 1) {
        ERR_clear_error();
        return GH_ECRYPTO;
    }
    return 0;
}
