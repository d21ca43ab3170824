/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: one a=crypto value, and base64 both ways.  Dictionary: tests/fuzz/sdp_document.dict. */
#include <stdlib.h>

#include <gatehouse/sdp.h>

#define REQUIRE(condition)                                                              \
    do {                                                                                \
        if (!(condition))                                                               \
            abort();                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes has one padded spelling, and that decodes to the same. */
static void base64(struct gh_span text)
{
    size_t len = 0, text_len = 0, again_len = 0, size = text.len + 4;
    uint8_t *octets = malloc(size), *again = malloc(size);
    char *back = malloc(size);

    REQUIRE(octets && again && back);
    if (gh_sdp_base64_decode(text, octets, size, &len) == 0) {
        REQUIRE(gh_sdp_base64_decode(text, NULL, 0, &again_len) == 0 && again_len == len);
        REQUIRE(gh_sdp_base64_encode(octets, len, back, size, &text_len) == 0);
        REQUIRE(text_len >= text.len && memcmp(back, text.p, text.len) == 0);
        REQUIRE(gh_sdp_base64_decode(gh_span_of(back, text_len), again, size, &again_len) == 0);
        REQUIRE(again_len == len && memcmp(octets, again, len) == 0);
    }
    free(octets);
    free(again);
    free(back);
}

/* RFC 4568 section 6.1: what is let through can be told apart, packet by packet. */
static void several(const struct gh_sdp_crypto *crypto)
{
    uint8_t mki[2][GH_SDP_MKI_MAX], key[2][GH_SUITE_KEY_MAX];
    bool twice = false;
    size_t len = 0;

    for (size_t k = 1; crypto->parseable && k < crypto->key_count; k++) {
        for (size_t other = 0; other < k; other++) {
            REQUIRE(crypto->keys[k].mki_octets == crypto->keys[other].mki_octets);
            REQUIRE(gh_sdp_crypto_mki(&crypto->keys[k], mki[0]) == 0 &&
                    gh_sdp_crypto_mki(&crypto->keys[other], mki[1]) == 0);
            REQUIRE(memcmp(mki[0], mki[1], crypto->keys[k].mki_octets) != 0);
            if (!crypto->key_len_right)
                continue;
            REQUIRE(gh_sdp_crypto_key(crypto, k, key[0], &len) == 0 &&
                    gh_sdp_crypto_key(crypto, other, key[1], &len) == 0);
            twice = twice || memcmp(key[0], key[1], len) == 0;
        }
    }
    REQUIRE(!crypto->parseable || !crypto->key_len_right || crypto->key_twice == twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_span text = gh_span_of((const char *)data, size);
    uint8_t key[GH_SUITE_KEY_MAX], mki[GH_SDP_MKI_MAX];
    struct gh_sdp_crypto crypto;
    size_t len = 0;

    gh_sdp_crypto_parse(text, &crypto);
    REQUIRE(crypto.parseable == (crypto.fault == NULL));
    REQUIRE(crypto.parseable || (!crypto.key_len_right && !crypto.params_harmless));
    for (size_t k = 0; k < crypto.key_count; k++) {
        bool right = gh_sdp_crypto_key(&crypto, k, key, &len) == 0;

        REQUIRE(!crypto.key_len_right || right);
        if (crypto.keys[k].mki_octets)
            REQUIRE(gh_sdp_crypto_mki(&crypto.keys[k], mki) == 0);
    }
    several(&crypto);
    base64(text);
    return 0;
}
