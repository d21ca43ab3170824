/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked into gatehouse-worn, which is gatehouse in all else: each key of our own begins its life with few packets
 * left until it is near its limit.  2^48 of them cannot be sent in a test (RFC 3711 section 9.2).
 */
#include "media/srtp_key.h"

#define LEFT 40 /* packets until nine tenths are used up */

/* The linker's names for --wrap=gh_srtp_tx_new. */
int __real_gh_srtp_tx_new(struct gh_srtp_tx **out, enum gh_suite suite, const struct gh_secret *key);
int __wrap_gh_srtp_tx_new(struct gh_srtp_tx **out, enum gh_suite suite, const struct gh_secret *key);

int __wrap_gh_srtp_tx_new(struct gh_srtp_tx **out, enum gh_suite suite, const struct gh_secret *key)
{
    int err = __real_gh_srtp_tx_new(out, suite, key);

    if (!err)
        gh_srtp_tx_set_left(*out, GH_SRTP_PKTS_MAX / 10 + LEFT, GH_SRTCP_PKTS_MAX);
    return err;
}
