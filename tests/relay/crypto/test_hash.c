/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and HMAC-SHA-256 against published vectors; random octets. */
#include "crypto/hash.h"

#include <dlfcn.h>
#include <stdbool.h>

#include <gatehouse/err.h>
#include <openssl/rand.h>

#include "support/check.h"

static const char *hex(const uint8_t octets[32])
{
    static char text[65];

    for (size_t i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", octets[i]);
    return text;
}

/* NIST CSRC "Examples with intermediate values", SHA-256: one block, two blocks; the empty message
 * and the million times 'a' are from FIPS 180 test data (NIST SHAVS). */
static const struct {
    const char *text, *want;
} sha_vectors[] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void test_sha256(void)
{
    uint8_t out[32];
    char *million = malloc(1000000);

    for (size_t i = 0; i < sizeof(sha_vectors) / sizeof(sha_vectors[0]); i++) {
        CHECK_INT(gh_sha256(sha_vectors[i].text, strlen(sha_vectors[i].text), out), 0);
        CHECK_STR(hex(out), sha_vectors[i].want);
    }
    CHECK_INT(gh_sha256(NULL, 0, out), 0);
    CHECK_STR(hex(out), sha_vectors[0].want);
    CHECK_OR_STOP(million != NULL);
    memset(million, 'a', 1000000);
    CHECK_INT(gh_sha256(million, 1000000, out), 0);
    CHECK_STR(hex(out), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

/* RFC 4231 sections 4.2, 4.3, 4.4 and 4.7. */
static void test_hmac_sha256(void)
{
    uint8_t key[131], data[50], out[32];
    static const char long_text[] = "Test Using Larger Than Block-Size Key - Hash Key First";

    memset(key, 0x0b, 20);
    CHECK_INT(gh_hmac_sha256(key, 20, "Hi There", 8, out), 0);
    CHECK_STR(hex(out), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK_INT(gh_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out), 0);
    CHECK_STR(hex(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, sizeof(data));
    CHECK_INT(gh_hmac_sha256(key, 20, data, sizeof(data), out), 0);
    CHECK_STR(hex(out), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    CHECK_INT(gh_hmac_sha256(key, sizeof(key), long_text, sizeof(long_text) - 1, out), 0);
    CHECK_STR(hex(out), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* The well-known value of HMAC-SHA-256 with empty key and message, the same from
 * Python's hmac.new(b"", b"", "sha256"). */
static void test_hmac_of_nothing(void)
{
    uint8_t out[32];

    CHECK_INT(gh_hmac_sha256(NULL, 0, NULL, 0, out), 0);
    CHECK_STR(hex(out), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_random(void)
{
    uint8_t one[64] = { 0 }, two[64] = { 0 };

    CHECK_INT(gh_random(one, sizeof(one)), 0);
    CHECK_INT(gh_random(two, sizeof(two)), 0);
    CHECK(memcmp(one, two, sizeof(one)) != 0);
    CHECK_INT(gh_random(NULL, 0), 0);
}

/* Stands before the library's function of that name, so that a generator without entropy can be
 * had. */
static bool random_broken;

int RAND_bytes_ex(OSSL_LIB_CTX *ctx, unsigned char *out, size_t len, unsigned strength)
{
    int (*real)(OSSL_LIB_CTX *, unsigned char *, size_t, unsigned);

    *(void **)&real = dlsym(RTLD_NEXT, "RAND_bytes_ex");
    if (random_broken || !real) {
        memset(out, 0x11, len);
        return 0;
    }
    return real(ctx, out, len, strength);
}

static void test_random_fails_loudly(void)
{
    uint8_t octets[8];

    random_broken = true;
    CHECK_INT(gh_random(octets, sizeof(octets)), GH_ECRYPTO);
    random_broken = false;
    CHECK_INT(gh_random(octets, sizeof(octets)), 0);
}

int main(void)
{
    RUN(test_sha256);
    RUN(test_hmac_sha256);
    RUN(test_hmac_of_nothing);
    RUN(test_random);
    RUN(test_random_fails_loudly);
    return CHECK_REPORT();
}
