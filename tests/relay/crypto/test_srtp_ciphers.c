/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's primitives under libsrtp2: known answers of the RFCs, tampering, sizes, and what is in
 * use. */
#include "support/check.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>

#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <srtp2/srtp.h>

#include "crypto/srtp_ciphers.h"

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;

    for (; hex[0] && hex[1]; hex += 2)
        n += sscanf(hex, "%2hhx", &out[n]) == 1;
    return n;
}

static void check_hex(const uint8_t *got, size_t len, const char *want)
{
    char text[257];

    CHECK_OR_STOP(len * 2 < sizeof(text));
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", got[i]);
    CHECK_STR(text, want);
}

static void starts_with_openssl(void)
{
    const char *names = NULL, *again = NULL;

    CHECK_INT(gh_srtp_ciphers_start(false, &names), 0);
    CHECK(names && strstr(names, "OpenSSL"));
    CHECK_INT(gh_srtp_ciphers_start(false, &again), 0);
    CHECK(again == names);
}

/* key, salt, IV (XORed with the salt), what the keystream is */
static const struct ctr_row {
    const char *source;
    uint32_t id;
    const char *key_salt, *iv, *stream;
} ctr_rows[] = {
    { "RFC 3711 B.2, first blocks", SRTP_AES_ICM_128,
      "2b7e151628aed2a6abf7158809cf4f3cf0f1f2f3f4f5f6f7f8f9fafbfcfd",
      "00000000000000000000000000000000",
      "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab" },
    { "RFC 3711 B.2, last blocks", SRTP_AES_ICM_128,
      "2b7e151628aed2a6abf7158809cf4f3cf0f1f2f3f4f5f6f7f8f9fafbfcfd",
      "0000000000000000000000000000feff",
      "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae"
      "6a2cc3787889374fbeb4c81b17ba6c44" },
    { "RFC 3711 B.3, cipher key", SRTP_AES_ICM_128,
      "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
      "00000000000000000000000000000000",
      "c61e7a93744f39ee10734afe3ff7a087" },
    { "RFC 3711 B.3, cipher salt", SRTP_AES_ICM_128,
      "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
      "00000000000000020000000000000000",
      "30cbbc08863d8c85d49db34a9ae1" },
    { "RFC 3711 B.3, auth key", SRTP_AES_ICM_128,
      "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
      "00000000000000010000000000000000",
      "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
      "e049646c43d9327ad175578ef72270986371c1"
      "0c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2" },
    { "RFC 6188 7.1", SRTP_AES_ICM_256,
      "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98"
      "f0f1f2f3f4f5f6f7f8f9fafbfcfd",
      "00000000000000000000000000000000",
      "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac"
      "63c4868b7096d88421b563b8c94c9a31" },
    { "RFC 6188 7.3, cipher key", SRTP_AES_ICM_256,
      "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"
      "3b04803de51ee7c96423ab5b78d2",
      "00000000000000000000000000000000",
      "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4" },
    { "RFC 6188 7.3, cipher salt", SRTP_AES_ICM_256,
      "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"
      "3b04803de51ee7c96423ab5b78d2",
      "00000000000000020000000000000000", "fa31791685ca444a9e07c6c64e93" },
    { "RFC 6188 7.3, auth key", SRTP_AES_ICM_256,
      "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"
      "3b04803de51ee7c96423ab5b78d2",
      "00000000000000010000000000000000", "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05" },
};

static void counter_mode_known_answers(void)
{
    for (size_t i = 0; i < sizeof(ctr_rows) / sizeof(ctr_rows[0]); i++) {
        const struct ctr_row *row = &ctr_rows[i];
        uint8_t key[46], iv[16], buffer[128] = { 0 };
        unsigned int len = (unsigned int)strlen(row->stream) / 2, half = len / 2, rest = len - half;
        srtp_cipher_t *cipher;
        int key_len = (int)unhex(row->key_salt, key);

        unhex(row->iv, iv);
        CHECK_OR_STOP(gh_srtp_cipher_type(row->id)->alloc(&cipher, key_len, 10) == 0);
        CHECK_INT(srtp_cipher_init(cipher, key), 0);
        CHECK_INT(srtp_cipher_set_iv(cipher, iv, srtp_direction_encrypt), 0);
        CHECK_INT(srtp_cipher_encrypt(cipher, buffer, &len), 0);
        check_hex(buffer, len, row->stream);
        /* In two pieces, back to zeros; the same context takes a second IV. */
        CHECK_INT(srtp_cipher_set_iv(cipher, iv, srtp_direction_decrypt), 0);
        CHECK_INT(srtp_cipher_decrypt(cipher, buffer, &half), 0);
        CHECK_INT(srtp_cipher_decrypt(cipher, buffer + half, &rest), 0);
        for (unsigned k = 0; k < len; k++)
            CHECK_INT(buffer[k], 0);
        CHECK_INT(srtp_cipher_dealloc(cipher), 0);
    }
}

/* Sources: RFC 7714 sections 16.1.1 and 16.2.1 (SRTP); plaintext and header are the same in
 * both. */
static const struct gcm_row {
    uint32_t id;
    int key_len;
    const char *sealed;
} gcm_rows[] = {
    { SRTP_AES_GCM_128, 28,
      "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
      "899d7f27beb16a9152cf765ee4390cce" },
    { SRTP_AES_GCM_256, 44,
      "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
      "7aa3db36dfffd6b0f9bb7878d7a76c13" },
};

static void gcm_open(srtp_cipher_t *cipher, uint8_t *iv, const uint8_t *aad, uint8_t *buffer,
                     unsigned int len, int want)
{
    CHECK_INT(srtp_cipher_set_iv(cipher, iv, srtp_direction_decrypt), 0);
    CHECK_INT(srtp_cipher_set_aad(cipher, aad, 6), 0);
    CHECK_INT(srtp_cipher_set_aad(cipher, aad + 6, 6), 0);
    CHECK_INT(srtp_cipher_decrypt(cipher, buffer, &len), want);
}

static void gcm_known_answers(void)
{
    static const char plain[] = "Gallia est omnis divisa in partes tres";

    for (size_t i = 0; i < 2; i++) {
        uint8_t key[44] = { 0 }, iv[12], aad[12], sealed[54], buffer[54];
        unsigned int len = 38, tag_len = 0;
        srtp_cipher_t *cipher;

        for (uint8_t k = 0; k < gcm_rows[i].key_len - 12; k++)
            key[k] = k;
        unhex("51753c6580c2726f20718414", iv);
        unhex("8040f17b8041f8d35501a0b2", aad);
        unhex(gcm_rows[i].sealed, sealed);
        CHECK_OR_STOP(
            gh_srtp_cipher_type(gcm_rows[i].id)->alloc(&cipher, gcm_rows[i].key_len, 16) == 0);
        CHECK_INT(srtp_cipher_init(cipher, key), 0);
        CHECK_INT(srtp_cipher_set_iv(cipher, iv, srtp_direction_encrypt), 0);
        CHECK_INT(srtp_cipher_set_aad(cipher, aad, 12), 0);
        memcpy(buffer, plain, len);
        CHECK_INT(srtp_cipher_encrypt(cipher, buffer, &len), 0);
        CHECK_INT(srtp_cipher_get_tag(cipher, buffer + len, &tag_len), 0);
        CHECK_INT(tag_len, 16);
        check_hex(buffer, 54, gcm_rows[i].sealed);
        gcm_open(cipher, iv, aad, buffer, 54, srtp_err_status_ok);
        CHECK(memcmp(buffer, plain, 38) == 0);
        /* One bit anywhere, in text, tag or header, and any cut, is noticed. */
        for (unsigned k = 0; k < 54; k++) {
            memcpy(buffer, sealed, 54);
            buffer[k] ^= 0x10;
            gcm_open(cipher, iv, aad, buffer, 54, srtp_err_status_auth_fail);
            memcpy(buffer, sealed, 54);
            gcm_open(cipher, iv, aad, buffer, k, srtp_err_status_auth_fail);
        }
        aad[3] ^= 1;
        memcpy(buffer, sealed, 54);
        gcm_open(cipher, iv, aad, buffer, 54, srtp_err_status_auth_fail);
        CHECK_INT(srtp_cipher_dealloc(cipher), 0);
    }
}

/* Source: RFC 2202 section 3. */
static const struct hmac_row {
    const char *key, *data, *tag;
} hmac_rows[] = {
    { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
      "b617318655057264e28bc0b6fb378c8ef146be00" },
    { "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
    { "0102030405060708090a0b0c0d0e0f10111213141516171819",
      "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
      "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
      "4c9007f4026250c6bc8414f9bf50c86c2d7235da" },
};

static void hmac_known_answers(void)
{
    for (size_t i = 0; i < sizeof(hmac_rows) / sizeof(hmac_rows[0]); i++) {
        uint8_t key[64], data[64], tag[20];
        int key_len = (int)unhex(hmac_rows[i].key, key), len = (int)unhex(hmac_rows[i].data, data);
        srtp_auth_t *auth;

        CHECK_OR_STOP(gh_srtp_hmac_type()->alloc(&auth, key_len, 20) == 0);
        CHECK_INT(srtp_auth_init(auth, key), 0);
        for (int cut = 0; cut <= len; cut++) { /* start forgets what was before */
            CHECK_INT(srtp_auth_start(auth), 0);
            CHECK_INT(srtp_auth_update(auth, data, cut), 0);
            CHECK_INT(srtp_auth_compute(auth, data + cut, len - cut, tag), 0);
            check_hex(tag, 20, hmac_rows[i].tag);
        }
        srtp_auth_dealloc(auth);
    }
}

/* Longer than the keystream that is made at a time: in pieces of any length as in one. */
static void long_streams_have_no_seams(void)
{
    enum { LEN = 1500 };
    uint8_t key[30] = { 7, 8, 9 }, iv[16] = { 1, 2, 3 }, whole[LEN] = { 0 }, pieces[LEN];
    unsigned int len = LEN;
    srtp_cipher_t *cipher;

    CHECK_OR_STOP(gh_srtp_cipher_type(SRTP_AES_ICM_128)->alloc(&cipher, 30, 10) == 0);
    CHECK_INT(srtp_cipher_init(cipher, key), 0);
    CHECK_INT(srtp_cipher_set_iv(cipher, iv, srtp_direction_encrypt), 0);
    CHECK_INT(srtp_cipher_encrypt(cipher, whole, &len), 0);
    for (unsigned int step = 1; step < LEN; step = step * 3 / 2 + 1) {
        memset(pieces, 0, sizeof(pieces));
        CHECK_INT(srtp_cipher_set_iv(cipher, iv, srtp_direction_encrypt), 0);
        for (unsigned int at = 0; at < LEN; at += step) {
            unsigned int n = LEN - at < step ? LEN - at : step;

            CHECK_INT(srtp_cipher_encrypt(cipher, pieces + at, &n), 0);
        }
        CHECK(memcmp(pieces, whole, LEN) == 0);
    }
    CHECK_INT(srtp_cipher_dealloc(cipher), 0);
}

/* The thread's context is that of the object that began last: another one must begin anew, and is told so. */
static void objects_do_not_mix(void)
{
    static const uint32_t ids[] = { SRTP_AES_ICM_128, SRTP_AES_GCM_128 };
    static const int lens[] = { 30, 28 };

    for (int i = 0; i < 2; i++) {
        uint8_t key[30] = { 1 }, other_key[30] = { 2 }, iv[16] = { 3 }, want[16] = { 0 }, got[16] = { 0 };
        unsigned int len = 16, tag_len = 16;
        srtp_cipher_t *one, *other;
        uint8_t tag[16];

        CHECK_OR_STOP(gh_srtp_cipher_type(ids[i])->alloc(&one, lens[i], 16) == 0);
        CHECK_OR_STOP(gh_srtp_cipher_type(ids[i])->alloc(&other, lens[i], 16) == 0);
        CHECK_INT(srtp_cipher_init(one, key), 0);
        CHECK_INT(srtp_cipher_init(other, other_key), 0);
        CHECK_INT(srtp_cipher_set_iv(one, iv, srtp_direction_encrypt), 0);
        CHECK_INT(srtp_cipher_encrypt(one, want, &len), 0);
        CHECK_INT(srtp_cipher_set_iv(one, iv, srtp_direction_encrypt), 0);
        CHECK_INT(srtp_cipher_set_iv(other, iv, srtp_direction_encrypt), 0);
        CHECK(srtp_cipher_encrypt(one, got, &len) != 0);
        if (i == 1)
            CHECK(srtp_cipher_get_tag(one, tag, &tag_len) != 0);
        memset(got, 0, sizeof(got));
        CHECK_INT(srtp_cipher_set_iv(one, iv, srtp_direction_encrypt), 0);
        CHECK_INT(srtp_cipher_encrypt(one, got, &len), 0);
        CHECK(memcmp(got, want, sizeof(got)) == 0);
        CHECK_INT(srtp_cipher_dealloc(one), 0);
        CHECK(srtp_cipher_encrypt(other, got, &len) != 0); /* who goes leaves nothing in the context */
        CHECK_INT(srtp_cipher_dealloc(other), 0);
    }
}

static void auth_objects_do_not_mix(void)
{
    uint8_t key[20] = { 1 }, tag[20], data[4] = { 0 };
    srtp_auth_t *one, *other;

    CHECK_OR_STOP(gh_srtp_hmac_type()->alloc(&one, 20, 20) == 0);
    CHECK_OR_STOP(gh_srtp_hmac_type()->alloc(&other, 20, 20) == 0);
    CHECK_INT(srtp_auth_init(one, key), 0);
    CHECK_INT(srtp_auth_init(other, key), 0);
    CHECK_INT(srtp_auth_start(one), 0);
    CHECK_INT(srtp_auth_start(other), 0);
    CHECK(srtp_auth_update(one, data, 4) != 0);
    CHECK(srtp_auth_compute(one, data, 4, tag) != 0);
    CHECK_INT(srtp_auth_compute(other, data, 4, tag), 0);
    srtp_auth_dealloc(one);
    srtp_auth_dealloc(other);
}

static void *in_a_thread(void *arg)
{
    (void)arg;
    counter_mode_known_answers();
    gcm_known_answers();
    hmac_known_answers();
    return NULL;
}

/* Each thread has contexts of its own, which end with it: a leak would be the sanitizer's to tell. */
static void another_thread_does_the_same(void)
{
    pthread_t thread;
    int err = pthread_create(&thread, NULL, in_a_thread, NULL);

    if (!err)
        err = pthread_join(thread, NULL); /* before any check: it counts for both threads */
    CHECK_INT(err, 0);
}

static void wrong_sizes_are_refused(void)
{
    srtp_cipher_t *cipher;
    srtp_auth_t *auth;

    for (int len = -1; len <= 64; len++) {
        if (len != 30)
            CHECK(gh_srtp_cipher_type(SRTP_AES_ICM_128)->alloc(&cipher, len, 10) != 0);
        if (len != 44)
            CHECK(gh_srtp_cipher_type(SRTP_AES_GCM_256)->alloc(&cipher, len, 16) != 0);
    }
    CHECK(gh_srtp_cipher_type(SRTP_AES_GCM_128)->alloc(&cipher, 28, 12) != 0);
    CHECK(gh_srtp_hmac_type()->alloc(&auth, 65, 20) != 0);
    CHECK(gh_srtp_hmac_type()->alloc(&auth, 20, 21) != 0);
    CHECK(gh_srtp_cipher_type(SRTP_AES_ICM_192) == NULL);
}

static void a_context_is_small(void)
{
#ifndef GH_SANITIZED
    enum { COUNT = 64 };
    srtp_t sessions[COUNT];
    srtp_policy_t policy = { 0 };
    uint8_t key[30] = { 1 };
    struct mallinfo2 before, after;

    srtp_crypto_policy_set_rtp_default(&policy.rtp);
    srtp_crypto_policy_set_rtp_default(&policy.rtcp);
    policy.key = key;
    policy.window_size = 128;
    policy.ssrc.type = ssrc_any_inbound;
    CHECK_OR_STOP(srtp_create(&sessions[0], &policy) == 0);
    before = mallinfo2();
    for (int i = 1; i < COUNT; i++)
        CHECK_INT(srtp_create(&sessions[i], &policy), 0);
    after = mallinfo2();
    printf("     one session: %zu octets\n", (after.uordblks - before.uordblks) / (COUNT - 1));
    CHECK((after.uordblks - before.uordblks) / (COUNT - 1) < 1000);
    for (int i = 0; i < COUNT; i++)
        srtp_dealloc(sessions[i]);
#else
    CHECK(true); /* the sanitizers' allocator does not tell */
#endif
}

int main(void)
{
    RUN(starts_with_openssl);
    RUN(counter_mode_known_answers);
    RUN(gcm_known_answers);
    RUN(hmac_known_answers);
    RUN(long_streams_have_no_seams);
    RUN(objects_do_not_mix);
    RUN(auth_objects_do_not_mix);
    RUN(another_thread_does_the_same);
    RUN(wrong_sizes_are_refused);
    RUN(a_context_is_small);
    return CHECK_REPORT();
}
