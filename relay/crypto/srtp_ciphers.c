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
#include "crypto/srtp_vectors_int.h"

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

/* ---- the types ------------------------------------------------------------------------------- */

static const srtp_cipher_type_t cipher_types[CIPHER_COUNT] = {
    { ctr_128_alloc, aes_dealloc, aes_init, NULL, ctr_crypt, ctr_crypt, ctr_set_iv, NULL,
      "AES-128 counter mode by OpenSSL", &gh_srtp_ctr_128_case, SRTP_AES_ICM_128 },
    { ctr_256_alloc, aes_dealloc, aes_init, NULL, ctr_crypt, ctr_crypt, ctr_set_iv, NULL,
      "AES-256 counter mode by OpenSSL", &gh_srtp_ctr_256_case, SRTP_AES_ICM_256 },
    { gcm_128_alloc, aes_dealloc, aes_init, gcm_set_aad, gcm_encrypt, gcm_decrypt, gcm_set_iv,
      gcm_get_tag, "AES-128 GCM by OpenSSL", &gh_srtp_gcm_128_case, SRTP_AES_GCM_128 },
    { gcm_256_alloc, aes_dealloc, aes_init, gcm_set_aad, gcm_encrypt, gcm_decrypt, gcm_set_iv,
      gcm_get_tag, "AES-256 GCM by OpenSSL", &gh_srtp_gcm_256_case, SRTP_AES_GCM_256 },
};

static const srtp_auth_type_t hmac_type = {
    hmac_alloc, hmac_dealloc, hmac_init, hmac_compute, hmac_update, hmac_start,
    "HMAC-SHA1 by OpenSSL", &gh_srtp_hmac_case, SRTP_HMAC_SHA1
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
