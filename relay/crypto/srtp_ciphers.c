/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES counter mode, AES-GCM and HMAC-SHA1 for libsrtp2, done by OpenSSL.
 * Sources: RFC 3711 sections 4.1.1 and 4.2.1, RFC 6188, RFC 7714, RFC 2104.
 *
 * libsrtp2 keeps packet formats, key derivation, ROC and replay; nothing of that is here.  It calls
 * one object from one thread at a time, so an object holds its own cipher context and needs no
 * lock.
 */
#include "crypto/srtp_ciphers.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <srtp2/srtp.h>

#include <gatehouse/err.h>

#define AES_BLOCK 16
#define GCM_IV_LEN 12
#define GCM_TAG_LEN 16
#define GCM_TAG_LEN_SHORT 8 /* no suite of ours has it; libsrtp2's self-tests do */
#define SHA1_LEN 20
#define SHA1_BLOCK 64

/* ---- AES ------------------------------------------------------------------------------------- */

enum mode { MODE_CTR, MODE_GCM };

/* One row a cipher: libsrtp2's numbers and OpenSSL's name.  Fetched once, kept until the process
 * ends. */
static struct cipher_row {
    srtp_cipher_type_id_t id;
    enum mode mode;
    int key_len, salt_len;
    const char *name;
    EVP_CIPHER *evp;
} cipher_rows[] = {
    { SRTP_AES_ICM_128, MODE_CTR, 16, SRTP_SALT_LEN, "AES-128-CTR", NULL },
    { SRTP_AES_ICM_256, MODE_CTR, 32, SRTP_SALT_LEN, "AES-256-CTR", NULL },
    { SRTP_AES_GCM_128, MODE_GCM, 16, SRTP_AEAD_SALT_LEN, "AES-128-GCM", NULL },
    { SRTP_AES_GCM_256, MODE_GCM, 32, SRTP_AEAD_SALT_LEN, "AES-256-GCM", NULL },
};

#define CIPHER_COUNT (sizeof(cipher_rows) / sizeof(cipher_rows[0]))

struct aes {
    srtp_cipher_t head; /* what libsrtp2 sees; one allocation for both */
    const struct cipher_row *row;
    EVP_CIPHER_CTX *ctx;
    unsigned int tag_len; /* GCM */
    uint8_t salt[AES_BLOCK]; /* counter mode: the session salt, shifted by 16 bits */
};

static const srtp_cipher_type_t *type_of(srtp_cipher_type_id_t id);

static srtp_err_status_t aes_dealloc(srtp_cipher_t *cipher)
{
    struct aes *aes = cipher->state;

    EVP_CIPHER_CTX_free(aes->ctx); /* wipes the key schedule */
    OPENSSL_cleanse(aes, sizeof(*aes));
    free(aes);
    return srtp_err_status_ok;
}

static srtp_err_status_t aes_alloc(srtp_cipher_t **out, srtp_cipher_type_id_t id, int key_len,
                                   int tag_len)
{
    const struct cipher_row *row = NULL;
    struct aes *aes;

    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        if (cipher_rows[i].id == id)
            row = &cipher_rows[i];
    }
    if (!row || !row->evp || key_len != row->key_len + row->salt_len)
        return srtp_err_status_bad_param;
    if (row->mode == MODE_GCM && tag_len != GCM_TAG_LEN && tag_len != GCM_TAG_LEN_SHORT)
        return srtp_err_status_bad_param;
    aes = calloc(1, sizeof(*aes));
    if (!aes)
        return srtp_err_status_alloc_fail;
    aes->ctx = EVP_CIPHER_CTX_new();
    if (!aes->ctx) {
        free(aes);
        return srtp_err_status_alloc_fail;
    }
    aes->row = row;
    aes->tag_len = row->mode == MODE_GCM ? (unsigned int)tag_len : 0;
    aes->head.type = type_of(id);
    aes->head.state = aes;
    aes->head.key_len = key_len;
    aes->head.algorithm = (int)id;
    *out = &aes->head;
    return srtp_err_status_ok;
}

/* @key  cipher key, then salt.  GCM's salt goes into the IV before it comes here. */
static srtp_err_status_t aes_init(void *state, const uint8_t *key)
{
    struct aes *aes = state;

    if (!EVP_CipherInit_ex2(aes->ctx, aes->row->evp, key, NULL, 1, NULL)) {
        ERR_clear_error();
        return srtp_err_status_init_fail;
    }
    memset(aes->salt, 0, sizeof(aes->salt));
    if (aes->row->mode == MODE_CTR)
        memcpy(aes->salt, key + aes->row->key_len, SRTP_SALT_LEN);
    return srtp_err_status_ok;
}

/* libsrtp2 calls with lengths of at most a datagram; what does not fit an int is its own
 * mistake. */
static srtp_err_status_t aes_update(struct aes *aes, uint8_t *out, const uint8_t *in,
                                    unsigned int len)
{
    int done = 0;

    if (len == 0)
        return srtp_err_status_ok;
    if (len > INT32_MAX || !EVP_CipherUpdate(aes->ctx, out, &done, in, (int)len) ||
        done != (int)len) {
        ERR_clear_error();
        return srtp_err_status_cipher_fail;
    }
    return srtp_err_status_ok;
}

/* RFC 3711 section 4.1.1: IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16); libsrtp2 gives the
 * last two. */
static srtp_err_status_t ctr_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    struct aes *aes = state;
    uint8_t counter[AES_BLOCK];

    (void)direction; /* the keystream is the same both ways */
    for (int i = 0; i < AES_BLOCK; i++)
        counter[i] = aes->salt[i] ^ iv[i];
    if (!EVP_CipherInit_ex2(aes->ctx, NULL, NULL, counter, 1, NULL)) {
        ERR_clear_error();
        return srtp_err_status_cipher_fail;
    }
    return srtp_err_status_ok;
}

static srtp_err_status_t ctr_crypt(void *state, uint8_t *buffer, unsigned int *len)
{
    return aes_update(state, buffer, buffer, *len);
}

static srtp_err_status_t gcm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    struct aes *aes = state;

    if (direction != srtp_direction_encrypt && direction != srtp_direction_decrypt)
        return srtp_err_status_bad_param;
    if (!EVP_CipherInit_ex2(aes->ctx, NULL, NULL, iv, direction == srtp_direction_encrypt, NULL)) {
        ERR_clear_error();
        return srtp_err_status_cipher_fail;
    }
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_set_aad(void *state, const uint8_t *aad, uint32_t len)
{
    return aes_update(state, NULL, aad, len);
}

static srtp_err_status_t gcm_get_tag(void *state, uint8_t *tag, uint32_t *len)
{
    struct aes *aes = state;
    uint8_t none[AES_BLOCK];
    int done = 0;

    if (!EVP_EncryptFinal_ex(aes->ctx, none, &done) ||
        !EVP_CIPHER_CTX_ctrl(aes->ctx, EVP_CTRL_AEAD_GET_TAG, (int)aes->tag_len, tag)) {
        ERR_clear_error();
        return srtp_err_status_cipher_fail;
    }
    *len = aes->tag_len;
    return srtp_err_status_ok;
}

/* @len  ciphertext and tag; becomes the length of the plaintext.  OpenSSL compares the tag in
 * constant time. */
static srtp_err_status_t gcm_decrypt(void *state, uint8_t *buffer, unsigned int *len)
{
    struct aes *aes = state;
    uint8_t none[AES_BLOCK];
    srtp_err_status_t status;
    int done = 0;

    if (*len < aes->tag_len)
        return srtp_err_status_auth_fail;
    status = aes_update(aes, buffer, buffer, *len - aes->tag_len);
    if (status)
        return status;
    if (!EVP_CIPHER_CTX_ctrl(aes->ctx, EVP_CTRL_AEAD_SET_TAG, (int)aes->tag_len,
                             buffer + *len - aes->tag_len) ||
        EVP_DecryptFinal_ex(aes->ctx, none, &done) <= 0) {
        ERR_clear_error();
        return srtp_err_status_auth_fail;
    }
    *len -= aes->tag_len;
    return srtp_err_status_ok;
}

/* libsrtp2's alloc does not say which type is meant, so each has its own. */
#define ALLOC(name, id)                                                                 \
    static srtp_err_status_t name(srtp_cipher_t **out, int key_len, int tag_len)        \
    {                                                                                   \
        return aes_alloc(out, id, key_len, tag_len);                                    \
    }
ALLOC(ctr_128_alloc, SRTP_AES_ICM_128)
ALLOC(ctr_256_alloc, SRTP_AES_ICM_256)
ALLOC(gcm_128_alloc, SRTP_AES_GCM_128)
ALLOC(gcm_256_alloc, SRTP_AES_GCM_256)
#undef ALLOC

/* ---- HMAC-SHA1 ------------------------------------------------------------------------------- */

struct hmac {
    srtp_auth_t head;
    SHA_CTX inner, outer; /* after the padded key; copied for each packet */
    SHA_CTX running;
};

static srtp_err_status_t hmac_alloc(srtp_auth_t **out, int key_len, int tag_len)
{
    struct hmac *hmac;

    if (key_len < 0 || key_len > SHA1_BLOCK || tag_len < 0 || tag_len > SHA1_LEN)
        return srtp_err_status_bad_param;
    hmac = calloc(1, sizeof(*hmac));
    if (!hmac)
        return srtp_err_status_alloc_fail;
    hmac->head.type = gh_srtp_hmac_type();
    hmac->head.state = hmac;
    hmac->head.out_len = tag_len;
    hmac->head.key_len = key_len;
    *out = &hmac->head;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_dealloc(srtp_auth_t *auth)
{
    struct hmac *hmac = auth->state;

    OPENSSL_cleanse(hmac, sizeof(*hmac));
    free(hmac);
    return srtp_err_status_ok;
}

/*
 * The SHA1_* functions are deprecated in OpenSSL 3.0.  EVP_MAC and HMAC_CTX take about twice as
 * long for a packet of 176 octets (0.35 and 0.29 us against 0.16), and they allocate.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static bool hash_padded_key(SHA_CTX *ctx, const uint8_t *key, int key_len, uint8_t pad)
{
    uint8_t block[SHA1_BLOCK];
    bool ok;

    memset(block, pad, sizeof(block));
    for (int i = 0; i < key_len; i++)
        block[i] ^= key[i];
    ok = SHA1_Init(ctx) && SHA1_Update(ctx, block, sizeof(block));
    OPENSSL_cleanse(block, sizeof(block));
    return ok;
}

static srtp_err_status_t hmac_init(void *state, const uint8_t *key, int key_len)
{
    struct hmac *hmac = state;

    if (key_len < 0 || key_len > SHA1_BLOCK)
        return srtp_err_status_bad_param;
    if (!hash_padded_key(&hmac->inner, key, key_len, 0x36) ||
        !hash_padded_key(&hmac->outer, key, key_len, 0x5c))
        return srtp_err_status_init_fail;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_start(void *state)
{
    struct hmac *hmac = state;

    hmac->running = hmac->inner;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_update(void *state, const uint8_t *octets, int len)
{
    struct hmac *hmac = state;

    if (len < 0 || !SHA1_Update(&hmac->running, octets, (size_t)len))
        return srtp_err_status_auth_fail;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_compute(void *state, const uint8_t *octets, int len, int tag_len,
                                      uint8_t *tag)
{
    struct hmac *hmac = state;
    uint8_t digest[SHA1_LEN];

    if (len < 0 || tag_len < 0 || tag_len > SHA1_LEN)
        return srtp_err_status_bad_param;
    if (!SHA1_Update(&hmac->running, octets, (size_t)len) || !SHA1_Final(digest, &hmac->running))
        return srtp_err_status_auth_fail;
    hmac->running = hmac->outer;
    if (!SHA1_Update(&hmac->running, digest, sizeof(digest)) || !SHA1_Final(digest, &hmac->running))
        return srtp_err_status_auth_fail;
    memcpy(tag, digest, (size_t)tag_len);
    return srtp_err_status_ok;
}

#pragma GCC diagnostic pop

/* ---- the vectors that libsrtp2 tries before it takes a type ---------------------------------- */

static const uint8_t ctr_128_key[30] = { /* RFC 3711 appendix B.2 */
    0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
    0x3c, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd
};
static const uint8_t ctr_128_stream[32] = {
    0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4,
    0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab
};
static const uint8_t ctr_256_key[46] = { /* RFC 6188 section 7.1 */
    0x57, 0xf8, 0x2f, 0xe3, 0x61, 0x3f, 0xd1, 0x70, 0xa8, 0x5e, 0xc9, 0x3c, 0x40, 0xb1, 0xf0, 0x92,
    0x2e, 0xc4, 0xcb, 0x0d, 0xc0, 0x25, 0xb5, 0x82, 0x72, 0x14, 0x7c, 0xc4, 0x38, 0x94, 0x4a, 0x98,
    0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd
};
static const uint8_t ctr_256_stream[32] = {
    0x92, 0xbd, 0xd2, 0x8a, 0x93, 0xc3, 0xf5, 0x25, 0x11, 0xc6, 0x77, 0xd0, 0x8b, 0x55, 0x15, 0xa4,
    0x9d, 0xa7, 0x1b, 0x23, 0x78, 0xa8, 0x54, 0xf6, 0x70, 0x50, 0x75, 0x6d, 0xed, 0x16, 0x5b, 0xac
};
static const uint8_t zeros[32];
static uint8_t zero_iv[AES_BLOCK]; /* libsrtp2 wants it writable; nobody writes */

/* RFC 7714 sections 16.1.1 and 16.2.1; the salt is in the IV already, so its place behind the key
 * is idle. */
static const uint8_t gcm_key[44] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f
};
static uint8_t gcm_iv[GCM_IV_LEN] = {
    0x51, 0x75, 0x3c, 0x65, 0x80, 0xc2, 0x72, 0x6f, 0x20, 0x71, 0x84, 0x14
};
static const uint8_t gcm_aad[12] = {
    0x80, 0x40, 0xf1, 0x7b, 0x80, 0x41, 0xf8, 0xd3, 0x55, 0x01, 0xa0, 0xb2
};
static const uint8_t gcm_plain[38] = "Gallia est omnis divisa in partes tres";
static const uint8_t gcm_128_cipher[54] = {
    0xf2, 0x4d, 0xe3, 0xa3, 0xfb, 0x34, 0xde, 0x6c, 0xac, 0xba, 0x86, 0x1c, 0x9d, 0x7e, 0x4b, 0xca,
    0xbe, 0x63, 0x3b, 0xd5, 0x0d, 0x29, 0x4e, 0x6f, 0x42, 0xa5, 0xf4, 0x7a, 0x51, 0xc7, 0xd1, 0x9b,
    0x36, 0xde, 0x3a, 0xdf, 0x88, 0x33, 0x89, 0x9d, 0x7f, 0x27, 0xbe, 0xb1, 0x6a, 0x91, 0x52, 0xcf,
    0x76, 0x5e, 0xe4, 0x39, 0x0c, 0xce
};
static const uint8_t gcm_256_cipher[54] = {
    0x32, 0xb1, 0xde, 0x78, 0xa8, 0x22, 0xfe, 0x12, 0xef, 0x9f, 0x78, 0xfa, 0x33, 0x2e, 0x33, 0xaa,
    0xb1, 0x80, 0x12, 0x38, 0x9a, 0x58, 0xe2, 0xf3, 0xb5, 0x0b, 0x2a, 0x02, 0x76, 0xff, 0xae, 0x0f,
    0x1b, 0xa6, 0x37, 0x99, 0xb8, 0x7b, 0x7a, 0xa3, 0xdb, 0x36, 0xdf, 0xff, 0xd6, 0xb0, 0xf9, 0xbb,
    0x78, 0x78, 0xd7, 0xa7, 0x6c, 0x13
};

static const srtp_cipher_test_case_t ctr_128_case = { sizeof(ctr_128_key),
                                                      ctr_128_key,
                                                      zero_iv,
                                                      sizeof(zeros),
                                                      zeros,
                                                      sizeof(ctr_128_stream),
                                                      ctr_128_stream,
                                                      0,
                                                      NULL,
                                                      0,
                                                      NULL };
static const srtp_cipher_test_case_t ctr_256_case = { sizeof(ctr_256_key),
                                                      ctr_256_key,
                                                      zero_iv,
                                                      sizeof(zeros),
                                                      zeros,
                                                      sizeof(ctr_256_stream),
                                                      ctr_256_stream,
                                                      0,
                                                      NULL,
                                                      0,
                                                      NULL };
static const srtp_cipher_test_case_t gcm_128_case = {
    28, gcm_key, gcm_iv, sizeof(gcm_plain), gcm_plain, sizeof(gcm_128_cipher), gcm_128_cipher,
    sizeof(gcm_aad), gcm_aad, GCM_TAG_LEN, NULL
};
static const srtp_cipher_test_case_t gcm_256_case = {
    44, gcm_key, gcm_iv, sizeof(gcm_plain), gcm_plain, sizeof(gcm_256_cipher), gcm_256_cipher,
    sizeof(gcm_aad), gcm_aad, GCM_TAG_LEN, NULL
};

static const uint8_t hmac_key[20] = { /* RFC 2202 section 3, test case 1 */
    0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
    0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b
};
static const uint8_t hmac_data[8] = "Hi There";
static const uint8_t hmac_tag[20] = {
    0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
    0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00
};
static const srtp_auth_test_case_t hmac_case = {
    sizeof(hmac_key), hmac_key, sizeof(hmac_data), hmac_data, sizeof(hmac_tag), hmac_tag, NULL
};

/* ---- the types ------------------------------------------------------------------------------- */

static const srtp_cipher_type_t cipher_types[CIPHER_COUNT] = {
    { ctr_128_alloc, aes_dealloc, aes_init, NULL, ctr_crypt, ctr_crypt, ctr_set_iv, NULL,
      "AES-128 counter mode by OpenSSL", &ctr_128_case, SRTP_AES_ICM_128 },
    { ctr_256_alloc, aes_dealloc, aes_init, NULL, ctr_crypt, ctr_crypt, ctr_set_iv, NULL,
      "AES-256 counter mode by OpenSSL", &ctr_256_case, SRTP_AES_ICM_256 },
    { gcm_128_alloc, aes_dealloc, aes_init, gcm_set_aad, ctr_crypt, gcm_decrypt, gcm_set_iv,
      gcm_get_tag, "AES-128 GCM by OpenSSL", &gcm_128_case, SRTP_AES_GCM_128 },
    { gcm_256_alloc, aes_dealloc, aes_init, gcm_set_aad, ctr_crypt, gcm_decrypt, gcm_set_iv,
      gcm_get_tag, "AES-256 GCM by OpenSSL", &gcm_256_case, SRTP_AES_GCM_256 },
};

static const srtp_auth_type_t hmac_type = {
    hmac_alloc, hmac_dealloc, hmac_init, hmac_compute, hmac_update, hmac_start,
    "HMAC-SHA1 by OpenSSL", &hmac_case, SRTP_HMAC_SHA1
};

static const srtp_cipher_type_t *type_of(srtp_cipher_type_id_t id)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        if (cipher_types[i].id == id)
            return &cipher_types[i];
    }
    return NULL;
}

const struct srtp_cipher_type_t *gh_srtp_cipher_type(uint32_t id)
{
    return type_of(id);
}

const struct srtp_auth_type_t *gh_srtp_hmac_type(void)
{
    return &hmac_type;
}

static bool replace_all(void)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        cipher_rows[i].evp = EVP_CIPHER_fetch(NULL, cipher_rows[i].name, NULL);
        if (!cipher_rows[i].evp || srtp_replace_cipher_type(&cipher_types[i], cipher_types[i].id))
            return false;
    }
    return srtp_replace_auth_type(&hmac_type, hmac_type.id) == srtp_err_status_ok;
}

int gh_srtp_ciphers_start(bool allow_builtin, const char **names)
{
    static const char *in_use;
    /* a second srtp_init would test all again, and leave the process when a test fails */
    static bool tried;

    if (!tried) {
        tried = true;
        if (srtp_init())
            return GH_ECRYPTO;
        if (replace_all())
            in_use = "OpenSSL (AES-CM, AES-GCM, HMAC-SHA1)";
        else if (allow_builtin)
            in_use = "libsrtp2's own, at least in part";
        ERR_clear_error();
    }
    if (!in_use)
        return GH_ECRYPTO;
    *names = in_use;
    return 0;
}
