/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP of one direction for the load generator, on OpenSSL alone, so that neither libsrtp2 nor gatehouse's ciphers are
 * on both ends of a measurement.      Sources: RFC 3711 sections 3.3, 4, 4.3; RFC 6188 section 3.1; RFC 7714 section 8
 */
#ifndef GH_GEN_SRTP_H
#define GH_GEN_SRTP_H

#include <stddef.h>
#include <stdint.h>

enum gh_gen_suite { GH_GEN_RTP, GH_GEN_CM_80, GH_GEN_GCM_256, GH_GEN_SUITES };

struct gh_gen_suite_info {
    const char *option, *name; /* on the command line; in a=crypto, NULL: none */
    size_t key_len, salt_len, tag_len;
};
extern const struct gh_gen_suite_info gh_gen_suites[GH_GEN_SUITES];

#define GH_GEN_KEY_MAX 44 /* master key and salt */
#define GH_GEN_TAG_MAX 16

/** Master key and salt together. */
size_t gh_gen_key_len(enum gh_gen_suite suite);

struct gh_gen_srtp;

/**
 * @suite  not GH_GEN_RTP
 * @key    gh_gen_key_len octets
 * @return NULL on failure of OpenSSL
 */
struct gh_gen_srtp *gh_gen_srtp_new(enum gh_gen_suite suite, const uint8_t *key);
void gh_gen_srtp_free(struct gh_gen_srtp *srtp);

/**
 * @packet  with a header of 12 octets and room for GH_GEN_TAG_MAX more; its sequence number is that of @index
 * @index   roll-over counter and sequence number, 48 bits
 * @return  new length, 0 on failure
 */
size_t gh_gen_srtp_protect(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len, uint64_t index);

/** Authenticate and decrypt in place.  @return length without the tag, 0: not authentic */
size_t gh_gen_srtp_unprotect(struct gh_gen_srtp *srtp, uint8_t *packet, size_t len);

#endif
