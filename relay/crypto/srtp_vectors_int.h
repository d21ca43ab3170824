/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vectors that libsrtp2 tries before it takes a cipher or an authentication of ours.
 * Sources: RFC 3711 appendix B.2, RFC 6188 section 7.1, RFC 7714 section 16, RFC 2202 section 3.
 */
#ifndef GH_SRTP_VECTORS_INT_H
#define GH_SRTP_VECTORS_INT_H

#include <srtp2/auth.h>
#include <srtp2/cipher.h>

extern const srtp_cipher_test_case_t gh_srtp_ctr_128_case, gh_srtp_ctr_256_case,
    gh_srtp_gcm_128_case, gh_srtp_gcm_256_case;
extern const srtp_auth_test_case_t gh_srtp_hmac_case;

#endif
