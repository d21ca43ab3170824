/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of keys when the cryptographic library fails.  The functions of crypto/hash.h are this
 * program's own, so that they can. */
#include "call/key_memory.h"

#include <gatehouse/err.h>

#include "crypto/hash.h"
#include "support/check.h"

static bool fails;

int gh_sha256(const void *p, size_t len, uint8_t out[32])
{
    (void)p;
    (void)len;
    memset(out, 0, 32);
    return GH_ECRYPTO;
}

/* Every tag has the same low bits, so that all lie in one chain; only the last octet differs. */
int gh_hmac_sha256(const void *mac_key, size_t key_len, const void *p, size_t len,
                   uint8_t out[32])
{
    const uint8_t *octets = p;

    (void)mac_key;
    (void)key_len;
    memset(out, 0, 32);
    for (size_t i = 0; i < len; i++)
        out[15] = (uint8_t)(out[15] + octets[i]);
    out[31] = 77; /* cut off: plays no part */
    return fails ? GH_ECRYPTO : 0;
}

int gh_random(void *out, size_t len)
{
    memset(out, 1, len);
    return fails ? GH_ECRYPTO : 0;
}

static struct gh_secret key(uint8_t n)
{
    struct gh_secret secret = { .octets = { n }, .len = 30, .number = n };

    return secret;
}

static const struct gh_key_place place = { .call = 1, .side = 0, .trunk = 1, .dialog = 1 };

static void no_random_no_memory(void)
{
    struct gh_seen_keys *memory = NULL;

    fails = true;
    CHECK_INT(gh_key_memory_new(&memory, NULL), GH_ECRYPTO);
    CHECK(!memory);
    fails = false;
}

static void a_failing_hash_denies(void)
{
    struct gh_seen_keys *memory = NULL;
    struct gh_secret secret = key(9);
    struct gh_key_calls calls = { .count = 3 };
    struct gh_key_seen seen = { .seen = GH_KEY_FRESH };

    CHECK_INT(gh_key_memory_new(&memory, NULL), 0);
    CHECK_INT(gh_key_memory_declare(memory, &secret, &place, 1, &seen), 0);
    CHECK_INT(seen.seen, GH_KEY_FRESH);
    fails = true;
    CHECK_INT(gh_key_memory_declare(memory, &secret, &place, 1, &seen), GH_ECRYPTO);
    CHECK_INT(seen.seen, GH_KEY_SEEN_EXPOSED);
    CHECK_INT(gh_key_memory_wrote(memory, &secret, &place, 1), GH_ECRYPTO);
    CHECK_INT(gh_key_memory_expose(memory, &secret, 0, 1, &calls), GH_ECRYPTO);
    CHECK_INT(calls.count, 0);
    CHECK_INT(gh_key_memory_counts(memory).exposed_lost, 1);
    CHECK_INT(gh_key_memory_counts(memory).exposed, 0);
    CHECK_INT(gh_key_memory_counts(memory).places, 1);
    fails = false;
    CHECK_INT(gh_key_memory_declare(memory, &secret, &place, 1, &seen), 0);
    CHECK_INT(seen.seen, GH_KEY_FRESH);
    gh_key_memory_free(memory);
}

/* Tags that differ only in their last octet, all in one chain. */
static void all_of_the_tag_counts(void)
{
    struct gh_seen_keys *memory = NULL;
    struct gh_key_seen seen;

    CHECK_INT(gh_key_memory_new(&memory, NULL), 0);
    for (uint8_t n = 1; n < 200; n++) {
        struct gh_secret secret = key(n);

        if (n % 2)
            CHECK_INT(gh_key_memory_expose(memory, &secret, n, n, NULL), 0);
    }
    for (uint8_t n = 1; n < 200; n++) {
        struct gh_secret secret = key(n);

        CHECK_INT(gh_key_memory_declare(memory, &secret, &place, 1, &seen), 0);
        CHECK_INT(seen.seen, n % 2 ? GH_KEY_SEEN_EXPOSED : GH_KEY_FRESH);
        CHECK_INT(seen.source, n % 2 ? n : 0);
        CHECK_INT(seen.number, n);
    }
    gh_key_memory_free(memory);
}

int main(void)
{
    RUN(no_random_no_memory);
    RUN(a_failing_hash_denies);
    RUN(all_of_the_tag_counts);
    return CHECK_REPORT();
}
