/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's AES and SHA-1 under libsrtp2.  Debian's libsrtp2 brings slow primitives; its public
 * srtp_replace_cipher_type() takes others, which must first pass its self-tests and ours.
 */
#ifndef GH_SRTP_CIPHERS_H
#define GH_SRTP_CIPHERS_H

#include <stdbool.h>
#include <stdint.h>

struct srtp_cipher_type_t;
struct srtp_auth_type_t;

/**
 * Start libsrtp2 and put our primitives into it: AES-CM 128 and 256, AES-GCM 128 and 256,
 * HMAC-SHA1. Once, before any thread and any SRTP context; again does nothing.  Thread: the main
 * one.
 *
 * @allow_builtin  go on with libsrtp2's own primitives when it refuses one of ours
 * @names  what is in use, for logs and --version; static; written on success only
 * @return 0 or GH_ECRYPTO
 */
int gh_srtp_ciphers_start(bool allow_builtin, const char **names);

/**
 * The types themselves, for tests of known answers.  After gh_srtp_ciphers_start.
 * @id  libsrtp2's number of a cipher
 * @return NULL when it is not one of ours
 */
const struct srtp_cipher_type_t *gh_srtp_cipher_type(uint32_t id);
const struct srtp_auth_type_t *gh_srtp_hmac_type(void);

#endif
