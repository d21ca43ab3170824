/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP crypto suites with their lengths in octets, one row each.
 * Sources: RFC 4568 section 6.2 (AES_CM_128), RFC 6188 (AES_256_CM), RFC 7714 section 14.2 (GCM).
 *
 * Left out on purpose: F8_128 and NULL are never usable; AES_192_CM derives wrong keys in
 * libsrtp 2.5.
 */
#ifndef GATEHOUSE_SUITE_H
#define GATEHOUSE_SUITE_H

#include <stddef.h>
#include <stdint.h>

#include <gatehouse/span.h>

/*       enum                        name in SDP                  key salt tag rtcp-tag aead */
#define GH_SUITE_MAP(X)                                                                 \
    X(GH_AEAD_AES_256_GCM,        "AEAD_AES_256_GCM",        32, 12, 16, 16, 1)         \
    X(GH_AEAD_AES_128_GCM,        "AEAD_AES_128_GCM",        16, 12, 16, 16, 1)         \
    X(GH_AES_256_CM_HMAC_SHA1_80, "AES_256_CM_HMAC_SHA1_80", 32, 14, 10, 10, 0)         \
    X(GH_AES_256_CM_HMAC_SHA1_32, "AES_256_CM_HMAC_SHA1_32", 32, 14,  4, 10, 0)         \
    X(GH_AES_CM_128_HMAC_SHA1_80, "AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10, 0)         \
    X(GH_AES_CM_128_HMAC_SHA1_32, "AES_CM_128_HMAC_SHA1_32", 16, 14,  4, 10, 0)

enum gh_suite {
    GH_SUITE_NONE = 0,
#define X(id, name, key, salt, tag, rtcp_tag, aead) id,
    GH_SUITE_MAP(X)
#undef X
    GH_SUITE_COUNT
};

#define GH_SUITE_KEY_MAX 46 /* longest master key and salt: AES_256_CM */

struct gh_suite_info {
    const char *name;
    uint8_t key_len, salt_len, tag_len, rtcp_tag_len, aead;
};

/** Row of @suite; a row of zeros and the name "none" for anything unknown.  Static.  Thread:
 * any. */
static inline const struct gh_suite_info *gh_suite_info(enum gh_suite suite)
{
    static const struct gh_suite_info rows[GH_SUITE_COUNT] = {
        [GH_SUITE_NONE] = { .name = "none" },
#define X(id, text, key, salt, tag, rtcp_tag, aead) [id] = { text, key, salt, tag, rtcp_tag, aead },
        GH_SUITE_MAP(X)
#undef X
    };

    return &rows[(unsigned)suite < GH_SUITE_COUNT ? suite : GH_SUITE_NONE];
}

/** Octets of master key and salt together: what stands behind "inline:". */
static inline size_t gh_suite_key_salt_len(enum gh_suite suite)
{
    const struct gh_suite_info *info = gh_suite_info(suite);

    return (size_t)info->key_len + info->salt_len;
}

/** Suite by its name in SDP, letters in any case (RFC 4568 writes it as a token; peers vary the
 * case). */
static inline enum gh_suite gh_suite_by_name(struct gh_span name)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        if (gh_span_ieq(name, gh_span_str(gh_suite_info((enum gh_suite)s)->name)))
            return (enum gh_suite)s;
    }
    return GH_SUITE_NONE;
}

#endif
