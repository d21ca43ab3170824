/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: a DER certificate as a peer's leaf: its facts, and the chain built with a
 * trust. Seeds: tests/fuzz/crypto_cert, leaves with names good and hostile.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/cert_int.h"
#include "support/pki.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gh_trust *trust;

static void require_printable(const char *text, size_t room)
{
    REQUIRE(strnlen(text, room) < room);
    for (; *text; text++)
        REQUIRE(*text >= ' ' && *text <= '~');
}

static void check_facts(const struct gh_chain *chain)
{
    struct gh_cert_facts facts;

    REQUIRE(gh_chain_leaf_facts(chain, &facts) == 0);
    REQUIRE(facts.name_count <= GH_CERT_NAMES_MAX);
    for (size_t i = 0; i < facts.name_count; i++) {
        require_printable(facts.names[i].text, sizeof(facts.names[i].text));
        REQUIRE(facts.names[i].text[0] != 0);
        REQUIRE(facts.names[i].kind == GH_NAME_CN || facts.has_san);
    }
    REQUIRE(facts.eku_present || (!facts.eku_server && !facts.eku_client));
    require_printable(facts.subject, sizeof(facts.subject));
    require_printable(facts.issuer, sizeof(facts.issuer));
    require_printable(facts.serial, sizeof(facts.serial));
    gh_cert_facts_fini(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned char *p = data;
    STACK_OF(X509) *certs;
    struct gh_chain *chain = NULL;
    struct gh_judgement judgement;
    X509 *cert;

    if (!trust) {
        struct gh_pki_cert *ca =
            gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Test CA", .ca = true });

        REQUIRE(gh_trust_load(&trust, gh_pki_write_certs("ca.pem", ca, NULL), NULL, NULL, 0) == 0);
    }
    cert = d2i_X509(NULL, &p, (long)size);
    if (!cert)
        return 0;
    certs = sk_X509_new_null();
    REQUIRE(certs && sk_X509_push(certs, cert) && gh_chain_new(&chain, certs) == 0);
    sk_X509_pop_free(certs, X509_free);
    check_facts(chain);
    gh_chain_judge(chain, trust, GH_ROLE_SERVER, INT64_C(1700000000000000), &judgement);
    /* The fuzzer has no key of ours. */
    REQUIRE(judgement.facts.reason > GH_REASON_NONE);
    require_printable(judgement.text, sizeof(judgement.text));
    gh_chain_unref(chain);
    return 0;
}
