/* SPDX-License-Identifier: Apache-2.0 */
/* TLS engines that get on: versions, facts, data, closing, resumption and renegotiation that do not
 * happen. */
#include "crypto/tls.h"

#include <gatehouse/err.h>
#include <openssl/err.h>

#include "support/check.h"
#include "support_tls.h"

#define ALL_AT_ONCE 65536
#define MIB         (1u << 20)

static struct gh_tls *server_of(enum gh_tls_policy policy)
{
    return gh_test_ours(&(struct gh_test_ours){ .role = GH_ROLE_SERVER, .policy = policy });
}

static struct gh_tls *client_of(enum gh_tls_policy policy)
{
    return gh_test_ours(&(struct gh_test_ours){ .role = GH_ROLE_CLIENT, .policy = policy });
}

static struct gh_conn_facts facts_of(struct gh_tls *tls)
{
    struct gh_conn_facts facts = { 0 };
    struct gh_chain *chain = NULL;

    CHECK_INT(gh_tls_state(tls), GH_TLS_UP);
    CHECK_INT(gh_tls_facts(tls, &facts, &chain), 0);
    CHECK(chain != NULL);
    gh_chain_unref(chain);
    return facts;
}

static void test_two_of_ours(void)
{
    static const size_t chunks[] = { ALL_AT_ONCE, 1, 7 };

    for (size_t i = 0; i < 3; i++) {
        struct gh_tls *server = server_of(GH_TLS_MODERN), *client = client_of(GH_TLS_MODERN);
        struct gh_conn_facts facts;

        gh_test_wire_ours(client, server, chunks[i]);
        facts = facts_of(server);
        CHECK_INT(facts.version, GH_TLS_1_3);
        CHECK_STR(facts.version_name, "TLSv1.3");
        CHECK_STR(facts.cipher, "TLS_AES_256_GCM_SHA384");
        CHECK(facts.group[0] != 0);
        CHECK_INT(facts.cipher_kind, GH_CIPHER_ENCRYPTING);
        CHECK_INT(facts.cipher_bits, 256);
        CHECK(facts.forward_secret && facts.peer_cert);
        CHECK_STR(facts.cert.subject, "CN=pbx,O=gatehouse test");
        CHECK_INT(facts.cert.name_count, 3);
        gh_cert_facts_fini(&facts.cert);
        facts = facts_of(client);
        CHECK_STR(facts.cert.subject, "CN=border,O=gatehouse test");
        gh_cert_facts_fini(&facts.cert);
        CHECK_STR(gh_test_reason(server), "none");
        CHECK_STR(gh_test_words(server), "");
        gh_tls_free(client);
        gh_tls_free(server);
    }
}

/* Against plain OpenSSL, in each role and version, with the facts that follow. */
static const struct {
    const char *about;
    enum gh_tls_policy policy;
    bool allow_null;
    int max;
    const char *ciphers, *groups; /* of the peer */
    enum gh_pki_key key;          /* of both sides */
    enum gh_tls_version version;
    const char *cipher, *group;
    enum gh_cipher_kind kind;
    bool forward_secret;
} fact_rows[] = {
    { "1.3", GH_TLS_MODERN, false, TLS1_3_VERSION, NULL, "X25519", GH_PKI_P256, GH_TLS_1_3,
      "TLS_AES_256_GCM_SHA384", "x25519", GH_CIPHER_ENCRYPTING, true },
    { "1.2 ECDSA", GH_TLS_MODERN, false, TLS1_2_VERSION, NULL, "P-256", GH_PKI_P256, GH_TLS_1_2,
      "ECDHE-ECDSA-AES256-GCM-SHA384", "secp256r1", GH_CIPHER_ENCRYPTING, true },
    { "1.2 RSA certificate", GH_TLS_MODERN, false, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256",
      "P-384", GH_PKI_RSA_2048, GH_TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA256", "secp384r1",
      GH_CIPHER_ENCRYPTING, true },
    { "CUCM 9", GH_TLS_LEGACY_CUCM, false, TLS1_VERSION, "AES128-SHA:@SECLEVEL=0", NULL,
      GH_PKI_RSA_2048, GH_TLS_OLD, "AES128-SHA", "", GH_CIPHER_ENCRYPTING, false },
    { "RSA key exchange in 1.2", GH_TLS_LEGACY_CUCM, false, TLS1_2_VERSION, "AES128-GCM-SHA256",
      NULL, GH_PKI_RSA_2048, GH_TLS_1_2, "AES128-GCM-SHA256", "", GH_CIPHER_ENCRYPTING, false },
    { "authenticated only", GH_TLS_MODERN, true, TLS1_2_VERSION, "NULL-SHA:@SECLEVEL=0", NULL,
      GH_PKI_RSA_2048, GH_TLS_1_2, "NULL-SHA", "", GH_CIPHER_AUTH_ONLY, false },
    { "authenticated only with ECDHE", GH_TLS_MODERN, true, TLS1_2_VERSION,
      "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0", "P-256", GH_PKI_P256, GH_TLS_1_2, "ECDHE-ECDSA-NULL-SHA",
      "secp256r1", GH_CIPHER_AUTH_ONLY, true },
    { "CUCM 9 authenticated", GH_TLS_LEGACY_CUCM, true, TLS1_VERSION, "NULL-SHA:@SECLEVEL=0", NULL,
      GH_PKI_RSA_2048, GH_TLS_OLD, "NULL-SHA", "", GH_CIPHER_AUTH_ONLY, false },
    { "NIST", GH_TLS_NIST_800_52R2, false, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM", NULL,
      GH_PKI_P256, GH_TLS_1_2, "ECDHE-ECDSA-AES128-CCM", "secp256r1", GH_CIPHER_ENCRYPTING, true },
    { "BSI", GH_TLS_BSI_TR_02102, false, TLS1_2_VERSION, NULL, "brainpoolP256r1", GH_PKI_RSA_2048,
      GH_TLS_1_2, "ECDHE-RSA-AES256-GCM-SHA384", "brainpoolP256r1", GH_CIPHER_ENCRYPTING, true },
    { "NULL comes last", GH_TLS_MODERN, true, TLS1_2_VERSION,
      "NULL-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", NULL, GH_PKI_RSA_2048, GH_TLS_1_2,
      "ECDHE-RSA-AES128-GCM-SHA256", "x25519", GH_CIPHER_ENCRYPTING, true },
    { "weak comes last", GH_TLS_LEGACY_CUCM, false, TLS1_2_VERSION,
      "AES128-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0", NULL, GH_PKI_RSA_2048, GH_TLS_1_2,
      "ECDHE-RSA-AES128-SHA", "x25519", GH_CIPHER_ENCRYPTING, true },
};

static void check_facts_row(size_t i, enum gh_role role)
{
    const struct gh_test_world *world = gh_test_world();
    struct gh_pki_cert *server_cert = gh_pki_issue(
        world->root, &(struct gh_pki_params){ .cn = "server", .key = fact_rows[i].key });
    struct gh_pki_cert *client_cert =
        gh_pki_issue(world->root, &(struct gh_pki_params){ .cn = "pbx", .key = fact_rows[i].key });
    bool serve = role == GH_ROLE_SERVER;
    struct gh_tls *ours =
        gh_test_ours(&(struct gh_test_ours){ .role = role,
                                             .policy = fact_rows[i].policy,
                                             .allow_null = fact_rows[i].allow_null,
                                             .cert = serve ? server_cert : client_cert });
    struct gh_test_peer peer;
    struct gh_conn_facts facts;

    gh_test_peer_init(
        &peer, &(struct gh_test_peer_params){ .role = serve ? GH_ROLE_CLIENT : GH_ROLE_SERVER,
                                              .cert = serve ? client_cert : server_cert,
                                              .max = fact_rows[i].max,
                                              .ciphers = fact_rows[i].ciphers,
                                              .groups = fact_rows[i].groups,
                                              .trust_pem = world->root_pem });
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK(peer.up);
    if (gh_tls_state(ours) == GH_TLS_UP) {
        facts = facts_of(ours);
        CHECK_INT(facts.version, fact_rows[i].version);
        CHECK_STR(facts.cipher, fact_rows[i].cipher);
        CHECK_STR(facts.group, fact_rows[i].group);
        CHECK_INT(facts.cipher_kind, fact_rows[i].kind);
        CHECK_INT(facts.forward_secret, fact_rows[i].forward_secret);
        CHECK_STR(facts.cert.subject,
                  serve ? "CN=pbx,O=gatehouse test" : "CN=server,O=gatehouse test");
        gh_cert_facts_fini(&facts.cert);
    } else {
        fprintf(stderr, "%s: %s: %s\n", fact_rows[i].about, gh_test_reason(ours),
                gh_test_words(ours));
        CHECK(false);
    }
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

static void test_facts(void)
{
    for (size_t i = 0; i < sizeof(fact_rows) / sizeof(fact_rows[0]); i++) {
        int failed_before = check_failed_total;
        /* A server picks by its own order; as a client we leave the pick to the peer. */
        bool order_is_ours = strstr(fact_rows[i].about, "last") != NULL;

        check_facts_row(i, GH_ROLE_SERVER);
        if (!order_is_ours)
            check_facts_row(i, GH_ROLE_CLIENT);
        if (check_failed_total != failed_before)
            fprintf(stderr, "  in row %s\n", fact_rows[i].about);
    }
}

/* ---- data ------------------------------------------------------------------------------------ */

static void fill(uint8_t *p, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(seed + i * 31 + (i >> 8));
}

/* Write on one side, carry by @chunk, read on the other. */
static void check_data(struct gh_tls *from, struct gh_tls *to, size_t len, size_t chunk)
{
    uint8_t *sent = malloc(len), *got = malloc(len + 1), buf[8192];
    size_t used = 0, n;

    CHECK_OR_STOP(sent && got);
    fill(sent, len, (unsigned)chunk);
    CHECK_INT(gh_tls_write(from, sent, len), 0);
    while ((n = gh_tls_output(from, buf, chunk < sizeof(buf) ? chunk : sizeof(buf))) > 0) {
        gh_tls_input(to, buf, n);
        used += gh_test_read_all(to, got + used, len + 1 - used);
    }
    CHECK_INT(used, len);
    CHECK(memcmp(sent, got, len) == 0);
    free(sent);
    free(got);
}

static void check_data_of(enum gh_tls_policy policy)
{
    struct gh_tls *server = server_of(policy), *client = client_of(policy);

    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    CHECK_INT(gh_tls_write(client, NULL, 0), 0);
    check_data(client, server, 1, 1);
    check_data(server, client, 700, 1);
    check_data(client, server, 40000, 1);
    check_data(client, server, MIB, 8192);
    check_data(server, client, MIB, 8192);
    CHECK_INT(gh_tls_state(client), GH_TLS_UP);
    CHECK_INT(gh_tls_state(server), GH_TLS_UP);
    gh_tls_free(client);
    gh_tls_free(server);
}

static void test_data(void)
{
    check_data_of(GH_TLS_MODERN);
    check_data_of(GH_TLS_NIST_800_52R2);
}

static void test_data_over_tls_1_2(void)
{
    struct gh_tls *ours = server_of(GH_TLS_MODERN);
    struct gh_test_peer peer;
    static uint8_t sent[MIB], got[MIB];
    size_t used = 0;

    gh_test_peer_init(&peer, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT,
                                                            .cert = gh_test_world()->client,
                                                            .max = TLS1_2_VERSION });
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    fill(sent, MIB, 3);
    CHECK_INT(SSL_write(peer.ssl, sent, MIB), MIB);
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK_INT(gh_test_read_all(ours, got, MIB), MIB);
    CHECK(memcmp(sent, got, MIB) == 0);
    memset(got, 0, MIB);
    CHECK_INT(gh_tls_write(ours, sent, MIB), 0);
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    for (int n; used < MIB && (n = SSL_read(peer.ssl, got + used, (int)(MIB - used))) > 0;)
        used += (size_t)n;
    CHECK_INT(used, MIB);
    CHECK(memcmp(sent, got, MIB) == 0);
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

static void test_read_in_small_pieces(void)
{
    struct gh_tls *server = server_of(GH_TLS_MODERN), *client = client_of(GH_TLS_MODERN);
    uint8_t sent[1000], got[1000];

    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    fill(sent, sizeof(sent), 9);
    CHECK_INT(gh_tls_write(client, sent, sizeof(sent)), 0);
    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    CHECK_INT(gh_tls_read(server, got, 0), 0);
    for (size_t i = 0; i < sizeof(got); i++)
        CHECK_INT(gh_tls_read(server, got + i, 1), 1);
    CHECK_INT(gh_tls_read(server, got, 1), 0);
    CHECK(memcmp(sent, got, sizeof(got)) == 0);
    gh_tls_free(client);
    gh_tls_free(server);
}

/* A client's last flight and its first message in one segment. */
static void test_data_right_behind_the_handshake(void)
{
    struct gh_tls *server = server_of(GH_TLS_MODERN), *client = client_of(GH_TLS_MODERN);
    uint8_t flight[16384], buf[64];
    size_t len;

    gh_tls_input(client, NULL, 0);
    len = gh_tls_output(client, flight, sizeof(flight));
    gh_tls_input(server, flight, len);
    len = gh_tls_output(server, flight, sizeof(flight));
    CHECK_INT(gh_tls_input(client, flight, len), GH_TLS_UP);
    CHECK_INT(gh_tls_write(client, (const uint8_t *)"OPTIONS", 7), 0);
    len = gh_tls_output(client, flight, sizeof(flight));
    CHECK_INT(gh_tls_input(server, flight, len), GH_TLS_UP);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 7);
    CHECK(memcmp(buf, "OPTIONS", 7) == 0);
    gh_tls_free(client);
    gh_tls_free(server);
}

/* ---- closing --------------------------------------------------------------------------------- */

static void test_close_notify_both_ways(void)
{
    struct gh_tls *server = server_of(GH_TLS_MODERN), *client = client_of(GH_TLS_MODERN);
    uint8_t buf[64];

    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    CHECK_INT(gh_tls_write(client, (const uint8_t *)"BYE", 3), 0);
    gh_tls_shutdown(client);
    gh_tls_shutdown(client);
    CHECK_INT(gh_tls_write(client, (const uint8_t *)"x", 1), GH_ESTATE);
    CHECK_INT(gh_tls_state(client), GH_TLS_UP); /* the other direction is open still */
    CHECK_INT(gh_tls_write(server, (const uint8_t *)"200", 3), 0);
    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    CHECK_INT(gh_tls_read(client, buf, sizeof(buf)), 3);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 3);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 0);
    CHECK_INT(gh_tls_state(server), GH_TLS_CLOSED);
    CHECK_INT(gh_tls_write(server, (const uint8_t *)"x", 1), GH_ESTATE);
    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    CHECK_INT(gh_tls_read(client, buf, sizeof(buf)), 0);
    CHECK_INT(gh_tls_state(client), GH_TLS_CLOSED);
    CHECK_STR(gh_test_reason(client), "none");
    CHECK_INT(gh_tls_input(client, (const uint8_t *)"x", 1), GH_TLS_CLOSED);
    CHECK_INT(gh_tls_input_eof(client), GH_TLS_CLOSED);
    gh_tls_free(client);
    gh_tls_free(server);
}

static void test_end_of_file_when_up(void)
{
    struct gh_tls *server = server_of(GH_TLS_MODERN), *client = client_of(GH_TLS_MODERN);
    uint8_t buf[64];

    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    CHECK_INT(gh_tls_write(client, (const uint8_t *)"last", 4), 0);
    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    CHECK_INT(gh_tls_input_eof(server), GH_TLS_UP); /* something is there to read */
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 4);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 0);
    CHECK_INT(gh_tls_state(server), GH_TLS_CLOSED);
    CHECK_INT(gh_tls_input_eof(client), GH_TLS_CLOSED);
    CHECK_INT(gh_tls_write(client, (const uint8_t *)"x", 1), GH_ESTATE);
    gh_tls_free(client);
    gh_tls_free(server);
}

/* A record that was cut by the end is not read, in part or otherwise. */
static void test_end_of_file_inside_a_record(void)
{
    struct gh_tls *server = server_of(GH_TLS_MODERN), *client = client_of(GH_TLS_MODERN);
    uint8_t record[256], buf[64];
    size_t len;

    gh_test_wire_ours(client, server, ALL_AT_ONCE);
    CHECK_INT(gh_tls_write(client, (const uint8_t *)"half", 4), 0);
    len = gh_tls_output(client, record, sizeof(record));
    gh_tls_input(server, record, len - 1);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 0);
    CHECK_INT(gh_tls_state(server), GH_TLS_UP);
    gh_tls_input_eof(server);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 0);
    CHECK_INT(gh_tls_state(server), GH_TLS_CLOSED);
    gh_tls_free(client);
    gh_tls_free(server);
}

static void test_before_the_handshake(void)
{
    struct gh_tls *server = server_of(GH_TLS_MODERN);
    struct gh_cert_facts leaf;
    uint8_t buf[64];

    CHECK_INT(gh_tls_state(server), GH_TLS_HANDSHAKE);
    CHECK_INT(gh_tls_write(server, (const uint8_t *)"x", 1), GH_ESTATE);
    CHECK_INT(gh_tls_read(server, buf, sizeof(buf)), 0);
    CHECK_INT(gh_tls_output(server, buf, sizeof(buf)), 0);
    gh_tls_shutdown(server);
    CHECK_INT(gh_tls_refused_leaf(server, &leaf), GH_ENOTFOUND);
    CHECK_INT(gh_tls_state(server), GH_TLS_HANDSHAKE);
    gh_tls_free(server);
    gh_tls_free(NULL);
}

/* ---- no resumption, no renegotiation --------------------------------------------------------- */

static void test_our_server_gives_no_session(void)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    for (size_t i = 0; i < 2; i++) {
        struct gh_tls *ours = server_of(GH_TLS_MODERN);
        struct gh_test_peer peer;

        gh_test_peer_init(&peer, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT,
                                                                .cert = gh_test_world()->client,
                                                                .max = versions[i] });
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK(peer.up);
        CHECK_INT(gh_tls_write(ours, (const uint8_t *)"x", 1), 0);
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK(!SSL_SESSION_has_ticket(SSL_get0_session(peer.ssl)));
        if (versions[i] == TLS1_3_VERSION) {
            CHECK_INT(peer.sessions, 0);
        } else {
            unsigned len;

            SSL_SESSION_get_id(SSL_get0_session(peer.ssl), &len);
            CHECK_INT(len, 0); /* RFC 5246 section 7.4.1.3: empty, will not be cached */
        }
        gh_tls_free(ours);
        gh_test_peer_fini(&peer);
    }
}

/* Get a session from a server that gives one, then offer it to ours: the certificate is looked at
 * again. */
static void test_an_offered_session_is_not_resumed(void)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    const struct gh_test_world *world = gh_test_world();

    for (size_t i = 0; i < 2; i++) {
        struct gh_tls *ours = client_of(GH_TLS_MODERN);
        struct gh_test_peer giver, taker, first;
        struct gh_conn_facts facts;
        uint8_t buf[4096];
        int n;

        /* Two plain engines: the first one gets the session. */
        gh_test_peer_init(&giver, &(struct gh_test_peer_params){ .role = GH_ROLE_SERVER,
                                                                 .cert = world->server,
                                                                 .max = versions[i],
                                                                 .tickets = true });
        gh_test_peer_init(&first, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT,
                                                                 .cert = world->client,
                                                                 .max = versions[i] });
        for (int round = 0; round < 8; round++) {
            char c;

            SSL_do_handshake(first.ssl);
            SSL_peek(first.ssl, &c, 1);
            while ((n = BIO_read(first.out, buf, sizeof(buf))) > 0)
                BIO_write(giver.in, buf, n);
            SSL_do_handshake(giver.ssl);
            while ((n = BIO_read(giver.out, buf, sizeof(buf))) > 0)
                BIO_write(first.in, buf, n);
            ERR_clear_error();
        }
        CHECK(first.got != NULL && SSL_SESSION_is_resumable(first.got));
        gh_tls_free(ours);
        ours = server_of(GH_TLS_MODERN);
        gh_test_peer_init(&taker, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT,
                                                                 .cert = world->client,
                                                                 .max = versions[i],
                                                                 .session = first.got });
        gh_test_wire(ours, &taker, ALL_AT_ONCE);
        CHECK(taker.up && !SSL_session_reused(taker.ssl));
        facts = facts_of(ours);
        CHECK_STR(facts.cert.subject, "CN=pbx,O=gatehouse test");
        gh_cert_facts_fini(&facts.cert);
        gh_tls_free(ours);
        gh_test_peer_fini(&giver);
        gh_test_peer_fini(&first);
        gh_test_peer_fini(&taker);
    }
}

/* As a client we are given tickets and go on. */
static void test_tickets_do_not_disturb_our_client(void)
{
    struct gh_tls *ours = client_of(GH_TLS_MODERN);
    struct gh_test_peer peer;
    uint8_t buf[16];

    gh_test_peer_init(&peer,
                      &(struct gh_test_peer_params){ .role = GH_ROLE_SERVER,
                                                     .cert = gh_test_world()->server,
                                                     .tickets = true,
                                                     .trust_pem = gh_test_world()->root_pem });
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK_INT(gh_tls_read(ours, buf, sizeof(buf)), 0);
    CHECK_INT(gh_tls_state(ours), GH_TLS_UP);
    CHECK_INT(SSL_write(peer.ssl, "hello", 5), 5);
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK_INT(gh_tls_read(ours, buf, sizeof(buf)), 5);
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

static void check_renegotiation(enum gh_role role)
{
    const struct gh_test_world *world = gh_test_world();
    struct gh_tls *ours =
        role == GH_ROLE_SERVER ? server_of(GH_TLS_MODERN) : client_of(GH_TLS_MODERN);
    struct gh_test_peer peer;
    uint8_t buf[16];

    gh_test_peer_init(&peer, &(struct gh_test_peer_params){
                                 .role = role == GH_ROLE_SERVER ? GH_ROLE_CLIENT : GH_ROLE_SERVER,
                                 .cert = role == GH_ROLE_SERVER ? world->client : world->server,
                                 .max = TLS1_2_VERSION,
                                 .trust_pem = world->root_pem });
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK_INT(gh_tls_state(ours), GH_TLS_UP);
    CHECK_INT(SSL_renegotiate(peer.ssl), 1);
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    CHECK_INT(gh_tls_read(ours, buf, sizeof(buf)), 0);
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    /* RFC 5246 section 7.2.2: a warning, and the connection stays as it is. */
    CHECK_INT(peer.alert_seen, SSL_AD_NO_RENEGOTIATION);
    CHECK_INT(gh_tls_state(ours), GH_TLS_UP);
    CHECK_INT(gh_tls_write(ours, (const uint8_t *)"still", 5), 0);
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

static void test_renegotiation_is_refused(void)
{
    check_renegotiation(GH_ROLE_SERVER);
    check_renegotiation(GH_ROLE_CLIENT);
}

static void test_key_update(void)
{
    struct gh_tls *ours = server_of(GH_TLS_MODERN);
    struct gh_test_peer peer;
    uint8_t buf[16];

    gh_test_peer_init(&peer, &(struct gh_test_peer_params){ .role = GH_ROLE_CLIENT,
                                                            .cert = gh_test_world()->client });
    gh_test_wire(ours, &peer, ALL_AT_ONCE);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        CHECK_INT(SSL_write(peer.ssl, "abc", 3), 3);
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK_INT(gh_tls_read(ours, buf, sizeof(buf)), 3);
        CHECK_INT(gh_tls_write(ours, (const uint8_t *)"defg", 4), 0);
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK_INT(SSL_read(peer.ssl, buf, sizeof(buf)), 4);
    }
    gh_tls_free(ours);
    gh_test_peer_fini(&peer);
}

/* ---- SNI ------------------------------------------------------------------------------------- */

static void test_server_name(void)
{
    static const struct {
        const char *given, *sent;
    } rows[] = {
        { "pbx.example.com", "pbx.example.com" },
        { "pbx.example.com.", "pbx.example.com" },
        { "cucm10", "cucm10" },
        { "192.0.2.1", NULL },
        { "2001:db8::1", NULL },
        { "[2001:db8::1]", NULL },
        { "", NULL },
        { ".", NULL },
        { "two words", NULL },
        { "a\r\nb", NULL },
        { NULL, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_tls *ours = gh_test_ours(
            &(struct gh_test_ours){ .role = GH_ROLE_CLIENT, .server_name = rows[i].given });
        struct gh_test_peer peer;
        const char *name;

        gh_test_peer_init(&peer, &(struct gh_test_peer_params){ .role = GH_ROLE_SERVER,
                                                                .cert = gh_test_world()->server });
        gh_test_wire(ours, &peer, ALL_AT_ONCE);
        CHECK(peer.up);
        name = SSL_get_servername(peer.ssl, TLSEXT_NAMETYPE_host_name);
        if (rows[i].sent)
            CHECK_STR(name, rows[i].sent);
        else
            CHECK(name == NULL);
        gh_tls_free(ours);
        gh_test_peer_fini(&peer);
    }
}

int main(void)
{
    RUN(test_two_of_ours);
    RUN(test_facts);
    RUN(test_data);
    RUN(test_data_over_tls_1_2);
    RUN(test_read_in_small_pieces);
    RUN(test_data_right_behind_the_handshake);
    RUN(test_close_notify_both_ways);
    RUN(test_end_of_file_when_up);
    RUN(test_end_of_file_inside_a_record);
    RUN(test_before_the_handshake);
    RUN(test_our_server_gives_no_session);
    RUN(test_an_offered_session_is_not_resumed);
    RUN(test_tickets_do_not_disturb_our_client);
    RUN(test_renegotiation_is_refused);
    RUN(test_key_update);
    RUN(test_server_name);
    return CHECK_REPORT();
}
