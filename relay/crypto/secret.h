/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octets that must never be printed, kept longer than needed, or compared in variable time: SRTP
 * master keys and salts.  There is no function that formats one, and none will be added.
 */
#ifndef GH_SECRET_H
#define GH_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gatehouse/suite.h>

struct gh_secret {
    uint8_t octets[GH_SUITE_KEY_MAX];
    uint8_t len;
    uint32_t number; /* names the key in logs and records: key=17; from a process-wide counter */
};

/** Copy @len octets in, which may lie in @secret itself.  Gives a fresh number.  Thread: any.
 *  @return 0, or GH_EINVAL (too long): @secret is wiped then, so that no older key stands in for
 *  it */
int gh_secret_set(struct gh_secret *secret, const uint8_t *octets, size_t len);

/** Draw master key and salt for @suite.  @return 0, GH_ENOSUITE or GH_ECRYPTO, @secret wiped.
 *  Thread: any. */
int gh_secret_draw(struct gh_secret *secret, enum gh_suite suite);

/** Equal octets, in constant time; the numbers play no part.  Two empty secrets are not equal. */
bool gh_secret_equal(const struct gh_secret *a, const struct gh_secret *b);

/** Overwrite and empty.  NULL is fine. */
void gh_secret_wipe(struct gh_secret *secret);

#endif
