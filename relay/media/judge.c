/* SPDX-License-Identifier: Apache-2.0 */
#include "media/judge.h"

#include <string.h>

#include "net/dscp.h"

static bool key_is_right(const struct gh_secret *key, enum gh_suite suite)
{
    return key->len == 0 || key->len == gh_suite_key_salt_len(suite);
}

static bool mki_equal(const struct gh_media_mki *a, const struct gh_media_mki *b)
{
    return a->len == b->len && memcmp(a->octets, b->octets, a->len) == 0;
}

/* Paths that a suite cannot have: SRTP in clear, and `pass` without SRTP. */
static bool path_is_right(enum gh_path path, enum gh_suite suite)
{
    switch (path) {
    case GH_PATH_NONE:
    case GH_PATH_BRIDGE:
        return true;
    case GH_PATH_CLEAR:
        return suite == GH_SUITE_NONE;
    case GH_PATH_PASS:
        return suite != GH_SUITE_NONE;
    case GH_PATH_COUNT:
        break;
    }
    return false;
}

/* What has no form cannot be SRTP, nor become it. */
static bool datagrams_are_right(const struct gh_media_set *set)
{
    return !set->datagrams || (set->suite == GH_SUITE_NONE &&
                               (set->path == GH_PATH_CLEAR || set->path == GH_PATH_NONE));
}

/* RFC 4568 section 6.1: several keys have an MKI each, of one length, and no value twice.  A packet
 * under one key that is there twice would be accepted twice. */
static bool more_is_right(const struct gh_media_set *set)
{
    const struct gh_media_more *more = set->rx_more;

    if (!more)
        return true;
    if (!set->rx_key.len || !set->rx_mki.len || more->count >= GH_MEDIA_RX_KEYS_MAX)
        return false;
    for (size_t i = 0; i < more->count; i++) {
        const struct gh_media_key *key = &more->keys[i];

        if (!key->key.len || !key_is_right(&key->key, set->suite) ||
            key->mki.len != set->rx_mki.len || mki_equal(&key->mki, &set->rx_mki) ||
            gh_secret_equal(&key->key, &set->rx_key))
            return false;
        for (size_t j = 0; j < i; j++) {
            if (mki_equal(&key->mki, &more->keys[j].mki) ||
                gh_secret_equal(&key->key, &more->keys[j].key))
                return false;
        }
    }
    return true;
}

int gh_judge_set(const struct gh_judged *side, const struct gh_media_set *set)
{
    if ((unsigned)set->suite >= GH_SUITE_COUNT || !path_is_right(set->path, set->suite) ||
        (unsigned)set->media_source >= GH_SOURCE_RULE_COUNT || !datagrams_are_right(set))
        return GH_EINVAL;
    if (set->payload_count > GH_MEDIA_PAYLOADS_MAX || set->dscp > GH_DSCP_MAX)
        return GH_EINVAL;
    if (set->rx_mki.len > GH_MEDIA_MKI_MAX ||
        (set->rx_mki.len && (set->suite == GH_SUITE_NONE || set->path == GH_PATH_PASS)) ||
        !more_is_right(set))
        return GH_EINVAL;
    if (set->tx_mki.len > GH_MEDIA_TX_MKI_MAX || (set->tx_mki.len && set->suite == GH_SUITE_NONE))
        return GH_EINVAL;
    if (side->was_keyed && set->suite == GH_SUITE_NONE)
        return GH_EINVAL;
    if (side->was_set && set->generation <= side->generation)
        return GH_EINVAL;
    if (!key_is_right(&set->rx_key, set->suite) || !key_is_right(&set->tx_key, set->suite))
        return GH_EINVAL;
    if (gh_media_address(&set->remote_rtp, &side->ours) == GH_MEDIA_ADDRESS_NEVER ||
        gh_media_address(&set->remote_rtcp, &side->ours) == GH_MEDIA_ADDRESS_NEVER)
        return -EADDRNOTAVAIL;
    return 0;
}

bool gh_judge_alike(bool other_was_set, bool other_datagrams, const struct gh_media_set *set)
{
    return !other_was_set || other_datagrams == set->datagrams;
}

void gh_judge_accept(struct gh_judged *side, const struct gh_media_set *set)
{
    side->was_set = true;
    side->was_keyed = set->suite != GH_SUITE_NONE;
    side->datagrams = set->datagrams;
    side->generation = set->generation;
    side->remotes[0] = set->remote_rtp;
    side->remotes[1] = set->remote_rtcp;
}
