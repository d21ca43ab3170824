/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and random octets.  OpenSSL behind it. */
#ifndef GH_HASH_H
#define GH_HASH_H

#include <stddef.h>
#include <stdint.h>

/** SHA-256 (FIPS 180-4) of @len octets.  @return 0 or GH_ECRYPTO.  Thread: any. */
int gh_sha256(const void *p, size_t len, uint8_t out[32]);

/** HMAC-SHA-256 (RFC 2104).  @return 0 or GH_ECRYPTO.  Thread: any. */
int gh_hmac_sha256(const void *key, size_t key_len, const void *p, size_t len, uint8_t out[32]);

/** @len random octets from the operating system's seeded generator.  @return 0 or GH_ECRYPTO: then
 *  the call or connection that needed them fails.  Thread: any. */
int gh_random(void *out, size_t len);

#endif
