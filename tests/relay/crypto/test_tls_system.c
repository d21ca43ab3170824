/* SPDX-License-Identifier: Apache-2.0 */
/* The system's openssl.cnf changes nothing of what our contexts accept. */
#include <stdlib.h>
#include <unistd.h>

#include "support/check.h"
#include "support_tls.h"

/* Everything that a system could set to something weaker, or to something that never meets. */
static const char conf[] =
    "openssl_conf = start\n"
    "[start]\nssl_conf = ssl\n"
    "[ssl]\nsystem_default = worst\n"
    "[worst]\n"
    "MinProtocol = TLSv1\nMaxProtocol = TLSv1.1\n"
    "CipherString = NULL-SHA:AES128-SHA:@SECLEVEL=0\n"
    "Ciphersuites = TLS_AES_128_CCM_8_SHA256\n"
    "SignatureAlgorithms = RSA+SHA1\n"
    "Groups = secp224r1\n"
    "Options = SessionTicket,UnsafeLegacyRenegotiation,UnsafeLegacyServerConnect\n";

static void test_the_file_is_read_at_all(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    CHECK_OR_STOP(ctx != NULL);
    CHECK_INT(SSL_CTX_get_max_proto_version(ctx), TLS1_1_VERSION);
    SSL_CTX_free(ctx);
}

static void check_policy(enum gh_tls_policy policy)
{
    struct gh_tls *server =
        gh_test_ours(&(struct gh_test_ours){ .role = GH_ROLE_SERVER, .policy = policy });
    struct gh_tls *client =
        gh_test_ours(&(struct gh_test_ours){ .role = GH_ROLE_CLIENT, .policy = policy });
    struct gh_conn_facts facts = { 0 };
    struct gh_chain *chain = NULL;

    gh_test_wire_ours(client, server, 65536);
    if (CHECK_INT(gh_tls_state(server), GH_TLS_UP)) {
        CHECK_INT(gh_tls_facts(server, &facts, &chain), 0);
        CHECK_STR(facts.version_name, "TLSv1.3");
        CHECK_STR(facts.cipher, "TLS_AES_256_GCM_SHA384");
        gh_cert_facts_fini(&facts.cert);
        gh_chain_unref(chain);
    }
    gh_tls_free(client);
    gh_tls_free(server);
}

static void test_all_policies(void)
{
    check_policy(GH_TLS_MODERN);
    check_policy(GH_TLS_NIST_800_52R2);
    check_policy(GH_TLS_BSI_TR_02102);
    check_policy(GH_TLS_LEGACY_CUCM);
}

static void test_old_versions_stay_refused(void)
{
    struct gh_tls *ours = gh_test_ours(&(struct gh_test_ours){ .role = GH_ROLE_SERVER });
    struct gh_test_peer peer;

    gh_test_peer_init(&peer, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT,
                                                            .cert = gh_test_world()->client,
                                                            .max = TLS1_1_VERSION });
    gh_test_wire(ours, &peer, 65536);
    CHECK_STR(gh_test_reason(ours), "tls_version_refused");
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

int main(void)
{
    char path[] = "/tmp/gatehouse-test-cnf-XXXXXX";
    int fd = mkstemp(path);
    ssize_t written = write(fd, conf, sizeof(conf) - 1);

    close(fd);
    if (written != (ssize_t)sizeof(conf) - 1 || setenv("OPENSSL_CONF", path, 1) != 0)
        abort();
    RUN(test_the_file_is_read_at_all);
    unlink(path);
    RUN(test_all_policies);
    RUN(test_old_versions_stay_refused);
    return CHECK_REPORT();
}
