/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: octets from a stranger into a TLS engine.  The first octet says our role and
 * how the octets are cut.  Whatever comes, the engine ends in a state with a reason, and nothing is
 * up without a handshake. Seeds: tests/fuzz/crypto_tls_server, first flights of either role.
 */
#include <stdlib.h>

#include "crypto/tls.h"
#include "support/pki.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Index 0: server, 1: client.  Made once. */
static struct gh_tls_context *contexts[2];

static void make_contexts(void)
{
    struct gh_pki_cert *ca =
        gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Root", .ca = true });
    struct gh_pki_cert *leaf = gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "leaf" });
    struct gh_trust *trust = NULL;
    struct gh_tls_params params = {
        .certificate = gh_pki_write_certs("leaf.pem", leaf, NULL),
        .private_key = gh_pki_write_key("leaf.key", leaf),
        .trust = &trust,
        .trust_count = 1,
        .policy = GH_TLS_LEGACY_CUCM,
        .allow_null_cipher = true,
    };

    REQUIRE(gh_trust_load(&trust, gh_pki_write_certs("ca.pem", ca, NULL), NULL, NULL, 0) == 0);
    for (int i = 0; i < 2; i++) {
        params.role = i ? GH_ROLE_CLIENT : GH_ROLE_SERVER;
        REQUIRE(gh_tls_context_new(&contexts[i], &params, NULL, 0) == 0);
    }
}

static void drain(struct gh_tls *tls)
{
    uint8_t buf[4096];

    REQUIRE(gh_tls_read(tls, buf, sizeof(buf)) == 0); /* nobody here holds a key */
    while (gh_tls_output(tls, buf, sizeof(buf)) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_tls *tls = NULL;
    struct gh_cert_facts facts;
    const char *text = NULL;
    size_t chunk;

    if (!contexts[0])
        make_contexts();
    if (size == 0)
        return 0;
    chunk = data[0] & 0x7e ? (size_t)(data[0] & 0x7e) * 8 : 1;
    REQUIRE(gh_tls_new(&tls, contexts[data[0] & 1], "border.example.com") == 0);
    gh_tls_input(tls, NULL, 0);
    for (size_t at = 1; at < size; at += chunk) {
        gh_tls_input(tls, data + at, size - at < chunk ? size - at : chunk);
        drain(tls);
    }
    gh_tls_input_eof(tls);
    drain(tls);
    REQUIRE(gh_tls_state(tls) == GH_TLS_FAILED);
    REQUIRE(gh_tls_failure(tls, &text) > GH_REASON_NONE);
    for (; *text; text++)
        REQUIRE(*text >= ' ' && *text <= '~');
    if (gh_tls_refused_leaf(tls, &facts) == 0)
        gh_cert_facts_fini(&facts);
    gh_tls_free(tls);
    return 0;
}
