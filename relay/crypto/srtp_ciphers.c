/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES counter mode, AES-GCM and HMAC-SHA1 for libsrtp2, done by OpenSSL.
 * Sources: RFC 3711 sections 4.1.1 and 4.2.1, RFC 6188, RFC 7714, RFC 2104.
 *
 * libsrtp2 keeps packet formats, key derivation, ROC and replay; nothing of that is here.
 *
 * A cipher object holds its key and nothing that OpenSSL allocates; each thread has one OpenSSL
 * context for each cipher, which takes the object's key when a packet begins.  A call has up to
 * sixteen objects, of which an expanded key with its OpenSSL context takes 0.6 to 1.2 kB: memory
 * that thousands of calls push out of the cache between two packets.  To expand the key again takes
 * 0.1 us, and so do the cache misses that it saves.
 *
 * libsrtp2 calls one object from one thread at a time, and is done with a packet before it begins
 * the next: the thread's context belongs to the object that began last, and no other one can go on
 * with it.
 */
#include "crypto/srtp_ciphers.h"

#include <pthread.h>
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

#define KEY_MAX 32
#define STREAM_LEN 256 /* of keystream at a time: a packet of voice at once */

enum mode { MODE_CTR, MODE_GCM };

/*
 * One row a cipher: libsrtp2's numbers and OpenSSL's name.  Fetched once, kept until the process
 * ends.  Counter mode is made of single blocks: its key needs no IV to be set (0.04 us against
 * 0.16).  They are encrypted only and never finished, so OpenSSL's padding plays no part, and is not
 * switched off: it would be again with each key, by a search through the names of parameters.
 */
static struct cipher_row {
    srtp_cipher_type_id_t id;
    enum mode mode;
    int key_len, salt_len;
    const char *name;
    EVP_CIPHER *evp;
} cipher_rows[] = {
    { SRTP_AES_ICM_128, MODE_CTR, 16, SRTP_SALT_LEN, "AES-128-ECB", NULL },
    { SRTP_AES_ICM_256, MODE_CTR, 32, SRTP_SALT_LEN, "AES-256-ECB", NULL },
    { SRTP_AES_GCM_128, MODE_GCM, 16, SRTP_AEAD_SALT_LEN, "AES-128-GCM", NULL },
    { SRTP_AES_GCM_256, MODE_GCM, 32, SRTP_AEAD_SALT_LEN, "AES-256-GCM", NULL },
};

#define CIPHER_COUNT (sizeof(cipher_rows) / sizeof(cipher_rows[0]))

struct aes {
    srtp_cipher_t head; /* what libsrtp2 sees; one allocation for both */
    const struct cipher_row *row;
    unsigned int tag_len;       /* GCM */
    uint8_t key[KEY_MAX];
    uint8_t salt[AES_BLOCK];    /* counter mode: the session salt, shifted by 16 bits */
    uint8_t counter[AES_BLOCK]; /* counter mode: of the packet's first block */
    size_t done;                /* octets of the packet's keystream that are used up */
};

static const srtp_cipher_type_t *type_of(srtp_cipher_type_id_t id);

/* ---- OpenSSL's contexts, of each thread ------------------------------------------------------ */

struct engine {
    EVP_CIPHER_CTX *ctx;
    const struct aes *owner; /* whose packet is under way; NULL: nobody's */
};

static _Thread_local struct engine engines[CIPHER_COUNT];
static pthread_key_t thread_end; /* its destructor frees the thread's engines */

static void free_engines(void *any)
{
    (void)any;
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        EVP_CIPHER_CTX_free(engines[i].ctx); /* wipes the key schedule */
        engines[i] = (struct engine){ NULL, NULL };
    }
}

/* @return NULL: no memory */
static struct engine *engine_of(const struct cipher_row *row)
{
    static const uint8_t no_key[KEY_MAX], no_iv[GCM_IV_LEN];
    struct engine *engine = &engines[row - cipher_rows];
    const uint8_t *iv = row->mode == MODE_GCM ? no_iv : NULL;

    if (engine->ctx)
        return engine;
    engine->ctx = EVP_CIPHER_CTX_new();
    if (engine->ctx && EVP_CipherInit_ex2(engine->ctx, row->evp, no_key, iv, 1, NULL) &&
        !pthread_setspecific(thread_end, engines))
        return engine;
    EVP_CIPHER_CTX_free(engine->ctx);
    engine->ctx = NULL;
    ERR_clear_error();
    return NULL;
}

/* The thread's context, with this object's packet under way in it. */
static EVP_CIPHER_CTX *own_ctx(const struct aes *aes)
{
    const struct engine *engine = &engines[aes->row - cipher_rows];

    return engine->owner == aes ? engine->ctx : NULL;
}

/* Its packet begins: the context has its key. */
static bool begin(const struct aes *aes, const uint8_t *iv, int encrypt)
{
    struct engine *engine = engine_of(aes->row);

    if (!engine)
        return false;
    engine->owner = NULL;
    if (!EVP_CipherInit_ex2(engine->ctx, NULL, aes->key, iv, encrypt, NULL)) {
        ERR_clear_error();
        return false;
    }
    engine->owner = aes;
    return true;
}

/* ---- objects --------------------------------------------------------------------------------- */

/* The thread that frees an object is the one that used it: its context may hold the key's
 * schedule. */
static srtp_err_status_t aes_dealloc(srtp_cipher_t *cipher)
{
    struct aes *aes = cipher->state;
    struct engine *engine = &engines[aes->row - cipher_rows];

    if (engine->ctx) {
        OPENSSL_cleanse(aes->key, sizeof(aes->key));
        begin(aes, NULL, 1);
        engine->owner = NULL;
    }
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
    aes = engine_of(row) ? calloc(1, sizeof(*aes)) : NULL;
    if (!aes)
        return srtp_err_status_alloc_fail;
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

    memcpy(aes->key, key, (size_t)aes->row->key_len);
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
    EVP_CIPHER_CTX *ctx = own_ctx(aes);
    int done = 0;

    if (len == 0)
        return srtp_err_status_ok;
    if (!ctx || len > INT32_MAX || !EVP_CipherUpdate(ctx, out, &done, in, (int)len) ||
        done != (int)len) {
        ERR_clear_error();
        return srtp_err_status_cipher_fail;
    }
    return srtp_err_status_ok;
}

/* ---- counter mode ---------------------------------------------------------------------------- */

/* RFC 3711 section 4.1.1: IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16); libsrtp2 gives the
 * last two. */
static srtp_err_status_t ctr_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    struct aes *aes = state;

    (void)direction; /* the keystream is the same both ways */
    for (int i = 0; i < AES_BLOCK; i++)
        aes->counter[i] = aes->salt[i] ^ iv[i];
    aes->done = 0;
    return begin(aes, NULL, 1) ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

/* The counter of a block: the last 16 bits count, and begin at 0; a datagram has fewer blocks. */
static void write_counter(const struct aes *aes, size_t block, uint8_t out[AES_BLOCK])
{
    size_t low = ((size_t)aes->counter[AES_BLOCK - 2] << 8 | aes->counter[AES_BLOCK - 1]) + block;

    memcpy(out, aes->counter, AES_BLOCK - 2);
    out[AES_BLOCK - 2] = (uint8_t)(low >> 8);
    out[AES_BLOCK - 1] = (uint8_t)low;
}

/* By words: an octet at a time took a tenth of the packet's work. */
static void xor_into(uint8_t *to, const uint8_t *from, size_t len)
{
    uint64_t a, b;

    for (; len >= sizeof(a); len -= sizeof(a), to += sizeof(a), from += sizeof(a)) {
        memcpy(&a, to, sizeof(a));
        memcpy(&b, from, sizeof(b));
        a ^= b;
        memcpy(to, &a, sizeof(a));
    }
    while (len--)
        *to++ ^= *from++;
}

static srtp_err_status_t ctr_crypt(void *state, uint8_t *buffer, unsigned int *len)
{
    struct aes *aes = state;
    uint8_t stream[STREAM_LEN];
    srtp_err_status_t status = srtp_err_status_ok;

    if (*len > UINT16_MAX || aes->done > UINT16_MAX)
        return srtp_err_status_bad_param;
    for (size_t at = 0; at < *len && !status;) {
        size_t first = aes->done / AES_BLOCK, skip = aes->done % AES_BLOCK;
        size_t n = *len - at < STREAM_LEN - skip ? *len - at : STREAM_LEN - skip;
        size_t blocks = (skip + n + AES_BLOCK - 1) / AES_BLOCK;

        for (size_t i = 0; i < blocks; i++)
            write_counter(aes, first + i, stream + i * AES_BLOCK);
        status = aes_update(aes, stream, stream, (unsigned int)(blocks * AES_BLOCK));
        if (!status)
            xor_into(buffer + at, stream + skip, n);
        at += n;
        aes->done += n;
    }
    OPENSSL_cleanse(stream, sizeof(stream)); /* with the packet it makes the plaintext */
    return status;
}

/* ---- Galois counter mode --------------------------------------------------------------------- */

static srtp_err_status_t gcm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    struct aes *aes = state;

    if (direction != srtp_direction_encrypt && direction != srtp_direction_decrypt)
        return srtp_err_status_bad_param;
    return begin(aes, iv, direction == srtp_direction_encrypt) ? srtp_err_status_ok
                                                               : srtp_err_status_cipher_fail;
}

static srtp_err_status_t gcm_encrypt(void *state, uint8_t *buffer, unsigned int *len)
{
    return aes_update(state, buffer, buffer, *len);
}

static srtp_err_status_t gcm_set_aad(void *state, const uint8_t *aad, uint32_t len)
{
    return aes_update(state, NULL, aad, len);
}

static srtp_err_status_t gcm_get_tag(void *state, uint8_t *tag, uint32_t *len)
{
    struct aes *aes = state;
    EVP_CIPHER_CTX *ctx = own_ctx(aes);
    uint8_t none[AES_BLOCK];
    int done = 0;

    if (!ctx || !EVP_EncryptFinal_ex(ctx, none, &done) ||
        !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)aes->tag_len, tag)) {
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
    EVP_CIPHER_CTX *ctx = own_ctx(aes);
    uint8_t none[AES_BLOCK];
    srtp_err_status_t status;
    int done = 0;

    if (*len < aes->tag_len)
        return srtp_err_status_auth_fail;
    status = aes_update(aes, buffer, buffer, *len - aes->tag_len);
    if (status)
        return status;
    if (!ctx ||
        !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)aes->tag_len,
                             buffer + *len - aes->tag_len) ||
        EVP_DecryptFinal_ex(ctx, none, &done) <= 0) {
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

#define SHA1_WORDS 5

struct hmac {
    srtp_auth_t head;
    uint32_t inner[SHA1_WORDS], outer[SHA1_WORDS]; /* SHA-1 after the padded key */
};

/* Of the packet that is under way, as with the ciphers. */
static _Thread_local struct {
    const struct hmac *owner;
    SHA_CTX sha;
} running;

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

    if (running.owner == hmac)
        OPENSSL_cleanse(&running, sizeof(running));
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

static void keep_state(const SHA_CTX *sha, uint32_t state[SHA1_WORDS])
{
    state[0] = sha->h0;
    state[1] = sha->h1;
    state[2] = sha->h2;
    state[3] = sha->h3;
    state[4] = sha->h4;
}

/* As it was behind the padded key, which is one block. */
static void resume(SHA_CTX *sha, const uint32_t state[SHA1_WORDS])
{
    *sha = (SHA_CTX){ .h0 = state[0],
                      .h1 = state[1],
                      .h2 = state[2],
                      .h3 = state[3],
                      .h4 = state[4],
                      .Nl = 8 * SHA1_BLOCK };
}

static bool hash_padded_key(uint32_t state[SHA1_WORDS], const uint8_t *key, int key_len,
                            uint8_t pad)
{
    uint8_t block[SHA1_BLOCK];
    SHA_CTX sha;
    bool ok;

    memset(block, pad, sizeof(block));
    for (int i = 0; i < key_len; i++)
        block[i] ^= key[i];
    ok = SHA1_Init(&sha) && SHA1_Update(&sha, block, sizeof(block));
    keep_state(&sha, state);
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&sha, sizeof(sha));
    return ok;
}

static srtp_err_status_t hmac_init(void *state, const uint8_t *key, int key_len)
{
    struct hmac *hmac = state;

    if (key_len < 0 || key_len > SHA1_BLOCK)
        return srtp_err_status_bad_param;
    if (!hash_padded_key(hmac->inner, key, key_len, 0x36) ||
        !hash_padded_key(hmac->outer, key, key_len, 0x5c))
        return srtp_err_status_init_fail;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_start(void *state)
{
    struct hmac *hmac = state;

    running.owner = hmac;
    resume(&running.sha, hmac->inner);
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_update(void *state, const uint8_t *octets, int len)
{
    if (running.owner != state || len < 0 || !SHA1_Update(&running.sha, octets, (size_t)len))
        return srtp_err_status_auth_fail;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_compute(void *state, const uint8_t *octets, int len, int tag_len,
                                      uint8_t *tag)
{
    struct hmac *hmac = state;
    uint8_t digest[SHA1_LEN];

    if (running.owner != hmac || len < 0 || tag_len < 0 || tag_len > SHA1_LEN)
        return srtp_err_status_bad_param;
    if (!SHA1_Update(&running.sha, octets, (size_t)len) || !SHA1_Final(digest, &running.sha))
        return srtp_err_status_auth_fail;
    resume(&running.sha, hmac->outer);
    if (!SHA1_Update(&running.sha, digest, sizeof(digest)) || !SHA1_Final(digest, &running.sha))
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
    { gcm_128_alloc, aes_dealloc, aes_init, gcm_set_aad, gcm_encrypt, gcm_decrypt, gcm_set_iv,
      gcm_get_tag, "AES-128 GCM by OpenSSL", &gcm_128_case, SRTP_AES_GCM_128 },
    { gcm_256_alloc, aes_dealloc, aes_init, gcm_set_aad, gcm_encrypt, gcm_decrypt, gcm_set_iv,
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
        if (pthread_key_create(&thread_end, free_engines) || srtp_init())
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
