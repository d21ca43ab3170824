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
#define SALT_LEN   14
#define AUTH_LEN   20

struct gh_gen_srtp {
    EVP_CIPHER_CTX *cipher;
    SHA_CTX inner, outer; /* RFC 2104: behind their padded keys */
    uint8_t salt[SALT_LEN];
    uint64_t highest; /* index received */
};

/* The keystream of AES in counter mode under @iv over @data. */
static bool crypt_ctr(EVP_CIPHER_CTX *ctx, const uint8_t iv[16], uint8_t *data, size_t len)
{
    int n;

    return EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, iv) == 1 &&
           EVP_EncryptUpdate(ctx, data, &n, data, (int)len) == 1;
}

/* RFC 3711 section 4.3.1: the session key of a label, key derivation rate 0. */
static bool derive(EVP_CIPHER_CTX *ctx, const uint8_t *master_salt, uint8_t label, uint8_t *out, size_t len)
{
    uint8_t iv[16] = { 0 };

    memcpy(iv, master_salt, SALT_LEN);
    iv[7] ^= label;
    memset(out, 0, len);
    return crypt_ctr(ctx, iv, out, len);
}

static EVP_CIPHER_CTX *cipher_new(const uint8_t *key)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, NULL) != 1) {
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

struct gh_gen_srtp *gh_gen_srtp_new(const uint8_t key[GH_GEN_KEY_LEN])
{
    struct gh_gen_srtp *srtp = calloc(1, sizeof(*srtp));
    EVP_CIPHER_CTX *master = cipher_new(key);
    uint8_t session[16], auth[AUTH_LEN];

    if (srtp && master && derive(master, key + 16, 0, session, sizeof(session)) &&
        derive(master, key + 16, 1, auth, sizeof(auth)) &&
        derive(master, key + 16, 2, srtp->salt, sizeof(srtp->salt)) && start_hmac(&srtp->inner, auth, 0x36) &&
        start_hmac(&srtp->outer, auth, 0x5c))
        srtp->cipher = cipher_new(session);
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

/* RFC 3711 section 4.1.1: salt, SSRC and index in their places. */
static bool crypt_payload(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index)
{
    uint8_t iv[16] = { 0 };

    memcpy(iv, srtp->salt, SALT_LEN);
    for (size_t i = 0; i < 4; i++)
        iv[4 + i] ^= packet[8 + i];
    for (size_t i = 0; i < 6; i++)
        iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    return crypt_ctr(srtp->cipher, iv, packet + HEADER_LEN, len - HEADER_LEN);
}

/* RFC 3711 section 4.2: over the packet and the roll-over counter. */
static bool tag_of(const struct gh_gen_srtp *srtp, const uint8_t *packet, size_t len, uint64_t index, uint8_t out[AUTH_LEN])
{
    const uint8_t roc[4] = { (uint8_t)(index >> 40), (uint8_t)(index >> 32), (uint8_t)(index >> 24),
                             (uint8_t)(index >> 16) };
    SHA_CTX inner = srtp->inner, outer = srtp->outer;

    return SHA1_Update(&inner, packet, len) == 1 && SHA1_Update(&inner, roc, sizeof(roc)) == 1 &&
           SHA1_Final(out, &inner) == 1 && SHA1_Update(&outer, out, AUTH_LEN) == 1 && SHA1_Final(out, &outer) == 1;
}

size_t gh_gen_srtp_protect(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index)
{
    uint8_t tag[AUTH_LEN];

    if (!crypt_payload(srtp, packet, len, index) || !tag_of(srtp, packet, len, index, tag))
        return 0;
    memcpy(packet + len, tag, GH_GEN_TAG_LEN);
    return len + GH_GEN_TAG_LEN;
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
    uint8_t tag[AUTH_LEN];
    uint64_t index;

    if (len < HEADER_LEN + GH_GEN_TAG_LEN)
        return 0;
    len -= GH_GEN_TAG_LEN;
    index = index_of(srtp, (uint16_t)(packet[2] << 8 | packet[3]));
    if (!tag_of(srtp, packet, len, index, tag) || CRYPTO_memcmp(tag, packet + len, GH_GEN_TAG_LEN) != 0 ||
        !crypt_payload(srtp, packet, len, index))
        return 0;
    if (index > srtp->highest)
        srtp->highest = index;
    return len;
}
