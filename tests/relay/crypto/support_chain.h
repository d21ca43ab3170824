/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of crypto/cert*.c share. */
#ifndef GH_TEST_SUPPORT_CHAIN_H
#define GH_TEST_SUPPORT_CHAIN_H

#include "crypto/cert.h"
#include "support/pki.h"

/** A chain as a peer sends it, leaf first, the last argument NULL.  Free with gh_chain_unref. */
struct gh_chain *gh_test_chain(const struct gh_pki_cert *leaf, ...) __attribute__((sentinel));

/** Load trust or end the test with the text.  @crl_path  may be NULL */
struct gh_trust *gh_test_trust(const char *path, const char *crl_path);

/** Wall clock in microseconds. */
int64_t gh_test_now_us(void);

/** Judge @chain with @trust, now, as a server, and give the reason's name. */
const char *gh_test_verdict(const struct gh_chain *chain, const struct gh_trust *trust);

#endif
