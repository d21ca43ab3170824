/* SPDX-License-Identifier: Apache-2.0 */
#include "support_chain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/cert_int.h"

struct gh_chain *gh_test_chain(const struct gh_pki_cert *leaf, ...)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    struct gh_chain *chain = NULL;
    const struct gh_pki_cert *next = leaf;
    va_list args;

    va_start(args, leaf);
    for (; next; next = va_arg(args, const struct gh_pki_cert *))
        sk_X509_push(certs, next->x509);
    va_end(args);
    if (gh_chain_new(&chain, certs) != 0)
        abort();
    sk_X509_free(certs);
    return chain;
}

struct gh_trust *gh_test_trust(const char *path, const char *crl_path)
{
    struct gh_trust *trust = NULL;
    char text[256] = "";

    if (gh_trust_load(&trust, path, crl_path, text, sizeof(text)) != 0) {
        fprintf(stderr, "trust: %s\n", text);
        abort();
    }
    return trust;
}

int64_t gh_test_now_us(void)
{
    return (int64_t)time(NULL) * 1000000;
}

const char *gh_test_verdict(const struct gh_chain *chain, const struct gh_trust *trust)
{
    struct gh_chain_facts facts;

    gh_cert_verify(chain, trust, GH_ROLE_SERVER, gh_test_now_us(), &facts);
    return gh_reason_name(facts.reason);
}
