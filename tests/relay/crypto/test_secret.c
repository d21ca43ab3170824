/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: lengths, numbers, constant-time equality, nothing left behind. */
#include "crypto/secret.h"

#include <dlfcn.h>
#include <stdbool.h>

#include <gatehouse/err.h>
#include <openssl/rand.h>

#include "support/check.h"

static bool all_zero(const void *p, size_t len)
{
    const uint8_t *octets = p;

    for (size_t i = 0; i < len; i++) {
        if (octets[i])
            return false;
    }
    return true;
}

static void test_set_copies_and_numbers(void)
{
    uint8_t octets[GH_SUITE_KEY_MAX];
    struct gh_secret one = { 0 }, two = { 0 };

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)(i + 1);
    for (size_t len = 0; len <= sizeof(octets); len++) {
        uint32_t before = one.number;

        CHECK_INT(gh_secret_set(&one, octets, len), 0);
        CHECK_INT(one.len, len);
        CHECK(memcmp(one.octets, octets, len) == 0);
        CHECK(all_zero(one.octets + len, sizeof(one.octets) - len));
        CHECK(one.number != 0 && one.number != before);
    }
    CHECK_INT(gh_secret_set(&two, octets, 30), 0);
    CHECK(two.number != one.number);
}

static void test_shorter_key_leaves_no_tail_of_a_longer_one(void)
{
    uint8_t octets[GH_SUITE_KEY_MAX];
    struct gh_secret secret = { 0 };

    memset(octets, 0xa5, sizeof(octets));
    CHECK_INT(gh_secret_set(&secret, octets, 46), 0);
    CHECK_INT(gh_secret_set(&secret, octets, 30), 0);
    CHECK(all_zero(secret.octets + 30, 16));
}

static void test_too_long_is_refused_and_wipes(void)
{
    uint8_t octets[GH_SUITE_KEY_MAX + 1];
    struct gh_secret secret = { 0 };

    memset(octets, 0x5a, sizeof(octets));
    CHECK_INT(gh_secret_set(&secret, octets, 30), 0);
    CHECK_INT(gh_secret_set(&secret, octets, sizeof(octets)), GH_EINVAL);
    CHECK(all_zero(&secret, sizeof(secret)));
}

static void test_set_from_itself(void)
{
    uint8_t octets[30];
    struct gh_secret secret = { 0 };

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)i;
    CHECK_INT(gh_secret_set(&secret, octets, 30), 0);
    CHECK_INT(gh_secret_set(&secret, secret.octets + 16, 14), 0);
    CHECK(memcmp(secret.octets, octets + 16, 14) == 0);
}

static void test_draw_fits_each_suite(void)
{
    for (int suite = GH_SUITE_NONE + 1; suite < GH_SUITE_COUNT; suite++) {
        struct gh_secret one = { 0 }, two = { 0 };

        CHECK_INT(gh_secret_draw(&one, (enum gh_suite)suite), 0);
        CHECK_INT(gh_secret_draw(&two, (enum gh_suite)suite), 0);
        CHECK_INT(one.len, gh_suite_key_salt_len((enum gh_suite)suite));
        CHECK(!gh_secret_equal(&one, &two));
        CHECK(one.number != two.number && one.number != 0);
        CHECK(all_zero(one.octets + one.len, sizeof(one.octets) - one.len));
    }
}

static void test_draw_refuses_unknown_suites(void)
{
    struct gh_secret secret = { 0 };

    CHECK_INT(gh_secret_draw(&secret, GH_AES_CM_128_HMAC_SHA1_80), 0);
    CHECK_INT(gh_secret_draw(&secret, GH_SUITE_NONE), GH_ENOSUITE);
    CHECK(all_zero(&secret, sizeof(secret)));
    CHECK_INT(gh_secret_draw(&secret, GH_SUITE_COUNT), GH_ENOSUITE);
}

static void test_equal(void)
{
    uint8_t octets[30] = { 1, 2, 3 };
    struct gh_secret a = { 0 }, b = { 0 };

    CHECK(!gh_secret_equal(&a, &b)); /* two empty ones are not equal */
    gh_secret_set(&a, octets, 30);
    CHECK(!gh_secret_equal(&a, &b));
    gh_secret_set(&b, octets, 30);
    CHECK(gh_secret_equal(&a, &b));
    CHECK(a.number != b.number); /* the numbers play no part */
    gh_secret_set(&b, octets, 29);
    CHECK(!gh_secret_equal(&a, &b));
    for (size_t i = 0; i < 30; i++) {
        uint8_t changed[30];

        memcpy(changed, octets, 30);
        changed[i] ^= 0x80;
        gh_secret_set(&b, changed, 30);
        CHECK(!gh_secret_equal(&a, &b));
    }
}

static void test_wipe(void)
{
    uint8_t octets[46];
    struct gh_secret secret = { 0 };

    memset(octets, 0xff, sizeof(octets));
    gh_secret_set(&secret, octets, 46);
    gh_secret_wipe(&secret);
    CHECK(all_zero(&secret, sizeof(secret)));
    gh_secret_wipe(NULL);
}

/* Stands before the library's function of that name, so that a generator without entropy can be
 * had. */
static bool random_broken;

int RAND_priv_bytes_ex(OSSL_LIB_CTX *ctx, unsigned char *out, size_t len, unsigned strength)
{
    int (*real)(OSSL_LIB_CTX *, unsigned char *, size_t, unsigned);

    *(void **)&real = dlsym(RTLD_NEXT, "RAND_priv_bytes_ex");
    if (random_broken || !real) {
        memset(out, 0x11, len);
        return 0;
    }
    return real(ctx, out, len, strength);
}

static void test_draw_without_random_fails(void)
{
    struct gh_secret secret = { 0 };

    random_broken = true;
    CHECK_INT(gh_secret_draw(&secret, GH_AEAD_AES_256_GCM), GH_ECRYPTO);
    CHECK(all_zero(&secret, sizeof(secret)));
    random_broken = false;
    CHECK_INT(gh_secret_draw(&secret, GH_AEAD_AES_256_GCM), 0);
}

int main(void)
{
    RUN(test_set_copies_and_numbers);
    RUN(test_shorter_key_leaves_no_tail_of_a_longer_one);
    RUN(test_too_long_is_refused_and_wipes);
    RUN(test_set_from_itself);
    RUN(test_draw_fits_each_suite);
    RUN(test_draw_refuses_unknown_suites);
    RUN(test_equal);
    RUN(test_wipe);
    RUN(test_draw_without_random_fails);
    return CHECK_REPORT();
}
