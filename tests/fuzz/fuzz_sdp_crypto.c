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
    base64(text);
    return 0;
}
