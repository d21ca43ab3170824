/* SPDX-License-Identifier: Apache-2.0 */
/* SHA_CTX is deprecated, and the only way to keep the two inner states of an HMAC without an allocation a packet. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "srtp.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#define HEADER_LEN 12 /* no CSRC, no extension: only our own packets are read */
#define SALT_MAX   14
#define AUTH_LEN   20
#define GCM_IV_LEN 12

const struct gh_gen_suite_info gh_gen_suites[GH_GEN_SUITES] = {
    [GH_GEN_RTP] = { "rtp", NULL, 0, 0, 0 },
    [GH_GEN_CM_80] = { "cm80", "AES_CM_128_HMAC_SHA1_80", 16, 14, 10 },
    [GH_GEN_GCM_256] = { "gcm256", "AEAD_AES_256_GCM", 32, 12, 16 },
};

struct gh_gen_srtp {
    const struct gh_gen_suite_info *suite;
    bool aead;
    EVP_CIPHER_CTX *cipher;
    SHA_CTX inner, outer; /* RFC 2104: behind their padded keys */
    uint8_t salt[SALT_MAX];
    uint64_t highest; /* index received */
};

size_t gh_gen_key_len(enum gh_gen_suite suite)
{
    return gh_gen_suites[suite].key_len + gh_gen_suites[suite].salt_len;
}

/* ---- keys ------------------------------------------------------------------------------------------------- */

/* The keystream of AES in counter mode under @iv over @data. */
static bool crypt_ctr(EVP_CIPHER_CTX *ctx, const uint8_t iv[16], uint8_t *data, size_t len)
{
    int n;

    return EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, iv) == 1 &&
           EVP_EncryptUpdate(ctx, data, &n, data, (int)len) == 1;
}

/* RFC 3711 section 4.3.1: the session key of a label, key derivation rate 0.  RFC 7714 section 11: a salt of 96 bits
 * is filled with zeros to 112. */
static bool derive(EVP_CIPHER_CTX *ctx, const uint8_t *salt, size_t salt_len, uint8_t label, uint8_t *out, size_t len)
{
    uint8_t iv[16] = { 0 };

    memcpy(iv, salt, salt_len);
    iv[7] ^= label;
    memset(out, 0, len);
    return crypt_ctr(ctx, iv, out, len);
}

static EVP_CIPHER_CTX *cipher_new(const EVP_CIPHER *cipher, const uint8_t *key)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (ctx && EVP_EncryptInit_ex(ctx, cipher, NULL, key, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static bool start_hmac(SHA_CTX *state, const uint8_t key[AUTH_LEN], uint8_t pad)
{
    uint8_t block[SHA_CBLOCK];

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < AUTH_LEN; i++)
        block[i] ^= key[i];
    return SHA1_Init(state) == 1 && SHA1_Update(state, block, sizeof(block)) == 1;
}

struct gh_gen_srtp *gh_gen_srtp_new(enum gh_gen_suite suite, const uint8_t *key)
{
    const struct gh_gen_suite_info *info = &gh_gen_suites[suite];
    struct gh_gen_srtp *srtp = calloc(1, sizeof(*srtp));
    EVP_CIPHER_CTX *master = cipher_new(info->key_len == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), key);
    const uint8_t *salt = key + info->key_len;
    uint8_t session[32], auth[AUTH_LEN];

    if (srtp && master && derive(master, salt, info->salt_len, 0, session, info->key_len) &&
        derive(master, salt, info->salt_len, 1, auth, sizeof(auth)) &&
        derive(master, salt, info->salt_len, 2, srtp->salt, info->salt_len) && start_hmac(&srtp->inner, auth, 0x36) &&
        start_hmac(&srtp->outer, auth, 0x5c)) {
        srtp->suite = info;
        srtp->aead = suite == GH_GEN_GCM_256;
        srtp->cipher = cipher_new(srtp->aead ? EVP_aes_256_gcm() : EVP_aes_128_ctr(), session);
    }
    EVP_CIPHER_CTX_free(master);
    if (srtp && !srtp->cipher) {
        gh_gen_srtp_free(srtp);
        srtp = NULL;
    }
    return srtp;
}

void gh_gen_srtp_free(struct gh_gen_srtp *srtp)
{
    if (!srtp)
        return;
    EVP_CIPHER_CTX_free(srtp->cipher);
    free(srtp);
}

/* ---- AES in counter mode and HMAC-SHA1 -------------------------------------------------------------------- */

/* RFC 3711 section 4.1.1: salt, SSRC and index in their places. */
static bool crypt_payload(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index)
{
    uint8_t iv[16] = { 0 };

    memcpy(iv, srtp->salt, SALT_MAX);
    for (size_t i = 0; i < 4; i++)
        iv[4 + i] ^= packet[8 + i];
    for (size_t i = 0; i < 6; i++)
        iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    return crypt_ctr(srtp->cipher, iv, packet + HEADER_LEN, len - HEADER_LEN);
}

/* RFC 3711 section 4.2: over the packet and the roll-over counter. */
static bool tag_of(const struct gh_gen_srtp *srtp, const uint8_t *packet, size_t len, uint64_t index,
                   uint8_t out[AUTH_LEN])
{
    const uint8_t roc[4] = { (uint8_t)(index >> 40), (uint8_t)(index >> 32), (uint8_t)(index >> 24),
                             (uint8_t)(index >> 16) };
    SHA_CTX inner = srtp->inner, outer = srtp->outer;

    return SHA1_Update(&inner, packet, len) == 1 && SHA1_Update(&inner, roc, sizeof(roc)) == 1 &&
           SHA1_Final(out, &inner) == 1 && SHA1_Update(&outer, out, AUTH_LEN) == 1 && SHA1_Final(out, &outer) == 1;
}

static bool protect_cm(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index)
{
    uint8_t tag[AUTH_LEN];

    if (!crypt_payload(srtp, packet, len, index) || !tag_of(srtp, packet, len, index, tag))
        return false;
    memcpy(packet + len, tag, srtp->suite->tag_len);
    return true;
}

static bool unprotect_cm(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index)
{
    uint8_t tag[AUTH_LEN];

    return tag_of(srtp, packet, len, index, tag) && CRYPTO_memcmp(tag, packet + len, srtp->suite->tag_len) == 0 &&
           crypt_payload(srtp, packet, len, index);
}

/* ---- AES-GCM ---------------------------------------------------------------------------------------------- */

/* RFC 7714 section 8.1: two zeros, SSRC, roll-over counter and sequence number, and the salt over all. */
static bool start_gcm(struct gh_gen_srtp *srtp, const uint8_t *packet, uint64_t index, bool seal)
{
    uint8_t iv[GCM_IV_LEN];
    int n;

    memcpy(iv, srtp->salt, sizeof(iv));
    for (size_t i = 0; i < 4; i++)
        iv[2 + i] ^= packet[8 + i];
    for (size_t i = 0; i < 6; i++)
        iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    return EVP_CipherInit_ex(srtp->cipher, NULL, NULL, NULL, iv, seal) == 1 &&
           EVP_CipherUpdate(srtp->cipher, NULL, &n, packet, HEADER_LEN) == 1;
}

static bool protect_gcm(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index)
{
    uint8_t *payload = packet + HEADER_LEN;
    int n;

    return start_gcm(srtp, packet, index, true) &&
           EVP_CipherUpdate(srtp->cipher, payload, &n, payload, (int)(len - HEADER_LEN)) == 1 &&
           EVP_CipherFinal_ex(srtp->cipher, payload, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(srtp->cipher, EVP_CTRL_AEAD_GET_TAG, (int)srtp->suite->tag_len, packet + len) == 1;
}

static bool unprotect_gcm(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index)
{
    uint8_t *payload = packet + HEADER_LEN;
    int n;

    return start_gcm(srtp, packet, index, false) &&
           EVP_CipherUpdate(srtp->cipher, payload, &n, payload, (int)(len - HEADER_LEN)) == 1 &&
           EVP_CIPHER_CTX_ctrl(srtp->cipher, EVP_CTRL_AEAD_SET_TAG, (int)srtp->suite->tag_len, packet + len) == 1 &&
           EVP_CipherFinal_ex(srtp->cipher, payload, &n) == 1;
}

/* ---- packets ---------------------------------------------------------------------------------------------- */

size_t gh_gen_srtp_protect(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index)
{
    bool good = srtp->aead ? protect_gcm(srtp, packet, len, index) : protect_cm(srtp, packet, len, index);

    return good ? len + srtp->suite->tag_len : 0;
}

/* RFC 3711 section 3.3.1: of the indices with that sequence number, the nearest to the highest seen. */
static uint64_t index_of(const struct gh_gen_srtp *srtp, uint16_t seq)
{
    uint64_t roc = srtp->highest >> 16;
    uint16_t last = (uint16_t)srtp->highest;

    if (seq < last && last - seq > 0x8000)
        roc++;
    else if (seq > last && seq - last > 0x8000 && roc)
        roc--;
    return roc << 16 | seq;
}

size_t gh_gen_srtp_unprotect(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len)
{
    uint64_t index;

    if (len < HEADER_LEN + srtp->suite->tag_len)
        return 0;
    len -= srtp->suite->tag_len;
    index = index_of(srtp, (uint16_t)(packet[2] << 8 | packet[3]));
    if (!(srtp->aead ? unprotect_gcm(srtp, packet, len, index) : unprotect_cm(srtp, packet, len, index)))
        return 0;
    if (index > srtp->highest)
        srtp->highest = index;
    return len;
}
