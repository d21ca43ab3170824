/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP of one direction for the load generator: AES_CM_128_HMAC_SHA1_80, on OpenSSL alone, so that neither
 * libsrtp2 nor gatehouse's ciphers are on both ends of a measurement.      Source: RFC 3711 sections 3.3, 4, 4.3
 */
#ifndef GH_GEN_SRTP_H
#define GH_GEN_SRTP_H

#include <stddef.h>
#include <stdint.h>

#define GH_GEN_KEY_LEN 30 /* master key and salt, RFC 4568 section 6.2 */
#define GH_GEN_TAG_LEN 10

struct gh_gen_srtp;

/** @return NULL on failure of OpenSSL */
struct gh_gen_srtp *gh_gen_srtp_new(const uint8_t key[GH_GEN_KEY_LEN]);
void gh_gen_srtp_free(struct gh_gen_srtp *srtp);

/**
 * @packet  with a header of 12 octets and room for GH_GEN_TAG_LEN more; its sequence number is that of @index
 * @index   roll-over counter and sequence number, 48 bits
 * @return  new length, 0 on failure
 */
size_t gh_gen_srtp_protect(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index);

/** Authenticate and decrypt in place.  @return length without the tag, 0: not authentic */
size_t gh_gen_srtp_unprotect(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len);

#endif
