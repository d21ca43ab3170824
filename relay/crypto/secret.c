/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP master keys and salts: copied in, drawn, compared in constant time, wiped.
 * Key lengths: RFC 4568 section 6.2, RFC 6188, RFC 7714.  What a key is for is left to media.
 */
#include "crypto/secret.h"

#include <stdatomic.h>
#include <string.h>

#include <gatehouse/err.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

/* Names keys in logs.  It may wrap after four thousand million keys: it is a name, not evidence. */
static uint32_t next_number(void)
{
    static _Atomic uint32_t last;
    uint32_t number;

    do {
        number = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    } while (number == 0); /* 0 is the number of a secret that was never set */
    return number;
}

int gh_secret_set(struct gh_secret *secret, const uint8_t *octets, size_t len)
{
    if (len > sizeof(secret->octets)) {
        /* A refused key leaves no older one behind that could be taken for it. */
        gh_secret_wipe(secret);
        return GH_EINVAL;
    }
    if (len)
        memmove(secret->octets, octets, len);
    OPENSSL_cleanse(secret->octets + len, sizeof(secret->octets) - len);
    secret->len = (uint8_t)len;
    secret->number = next_number();
    return 0;
}

int gh_secret_draw(struct gh_secret *secret, enum gh_suite suite)
{
    size_t len = gh_suite_key_salt_len(suite);

    gh_secret_wipe(secret);
    if (len == 0)
        return GH_ENOSUITE;
    /* The private generator: its state is apart from the one whose output goes out in nonces and
     * ids. */
    if (RAND_priv_bytes_ex(NULL, secret->octets, len, 0) != 1) {
        ERR_clear_error();
        gh_secret_wipe(secret);
        return GH_ECRYPTO;
    }
    secret->len = (uint8_t)len;
    secret->number = next_number();
    return 0;
}

bool gh_secret_equal(const struct gh_secret *a, const struct gh_secret *b)
{
    /* A length is public: it follows from the suite.  Only the octets are compared in constant
     * time. */
    if (a->len == 0 || a->len != b->len)
        return false;
    return CRYPTO_memcmp(a->octets, b->octets, a->len) == 0;
}

void gh_secret_wipe(struct gh_secret *secret)
{
    if (secret)
        OPENSSL_cleanse(secret, sizeof(*secret));
}
