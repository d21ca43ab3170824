/* SPDX-License-Identifier: Apache-2.0 */
#include "support_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "support_chain.h"

#define MUST(expression) ((expression) ? (void)0 : die(#expression))

static void die(const char *what)
{
    fprintf(stderr, "support_tls: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

/* ---- the world ------------------------------------------------------------------------------- */

const struct gh_test_world *gh_test_world(void)
{
    static struct gh_test_world world;

    if (world.root)
        return &world;
    world.root = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Root", .ca = true });
    world.middle = gh_pki_issue(world.root, &(struct gh_pki_params){ .cn = "Middle", .ca = true });
    world.server =
        gh_pki_issue(world.root, &(struct gh_pki_params){ .cn = "border",
                                                          .san = { "DNS:border.example.com" },
                                                          .eku = GH_PKI_SERVER | GH_PKI_CLIENT });
    world.client = gh_pki_issue(
        world.root,
        &(struct gh_pki_params){ .cn = "pbx",
                                 .san = { "URI:sip:pbx.example.com", "DNS:pbx.example.com" },
                                 .eku = GH_PKI_SERVER | GH_PKI_CLIENT });
    world.stranger_root = gh_pki_issue(
        NULL, &(struct gh_pki_params){ .cn = "Stranger", .org = "Elsewhere", .ca = true });
    world.stranger = gh_pki_issue(world.stranger_root, &(struct gh_pki_params){ .cn = "stranger" });
    world.root_pem = gh_pki_write_certs("world-root.pem", world.root, NULL);
    return &world;
}

/* ---- our side -------------------------------------------------------------------------------- */

struct gh_tls *gh_test_ours(const struct gh_test_ours *params)
{
    const struct gh_test_world *world = gh_test_world();
    const struct gh_pki_cert *cert = params->cert;
    struct gh_trust *trust[2] = { gh_test_trust(
        params->trust_pem ? params->trust_pem : world->root_pem, params->crl) };
    struct gh_tls_context *context = NULL;
    struct gh_tls *tls = NULL;
    char text[256];

    if (!cert)
        cert = params->role == GH_ROLE_SERVER ? world->server : world->client;
    if (params->more_trust_pem)
        trust[1] = gh_test_trust(params->more_trust_pem, NULL);
    if (gh_tls_context_new(
            &context,
            &(struct gh_tls_params){
                .role = params->role,
                .certificate = gh_pki_write_certs("ours.pem", cert, params->above, NULL),
                .private_key = gh_pki_write_key("ours.key", cert),
                .trust = trust,
                .trust_count = trust[1] ? 2 : 1,
                .policy = params->policy,
                .allow_null_cipher = params->allow_null,
            },
            text, sizeof(text)) != 0)
        die(text);
    MUST(gh_tls_new(&tls, context, params->server_name) == 0);
    /* The engine keeps what it needs. */
    gh_tls_context_unref(context);
    gh_trust_unref(trust[0]);
    gh_trust_unref(trust[1]);
    return tls;
}

const char *gh_test_reason(const struct gh_tls *tls)
{
    return gh_reason_name(gh_tls_failure(tls, NULL));
}

const char *gh_test_words(const struct gh_tls *tls)
{
    const char *text;

    gh_tls_failure(tls, &text);
    return text;
}

size_t gh_test_read_all(struct gh_tls *tls, uint8_t *buf, size_t len)
{
    size_t used = 0, got;

    while (used < len && (got = gh_tls_read(tls, buf + used, len - used)) > 0)
        used += got;
    return used;
}

/* ---- the plain peer -------------------------------------------------------------------------- */

static void on_info(const SSL *ssl, int where, int value)
{
    struct gh_test_peer *peer = SSL_get_app_data(ssl);

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        peer->alert_seen = value & 0xff;
    if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT)
        peer->alert_sent = value & 0xff;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct gh_test_peer *peer = SSL_get_app_data(ssl);

    SSL_SESSION_free(peer->got);
    peer->got = session;
    peer->sessions++;
    return 1;
}

static void set_identity(SSL_CTX *ctx, const struct gh_test_peer_params *params)
{
    STACK_OF(X509) *above = sk_X509_new_null();

    for (size_t i = 0; params->above[i]; i++)
        MUST(sk_X509_push(above, params->above[i]->x509));
    MUST(SSL_CTX_use_cert_and_key(ctx, params->cert->x509, params->cert->key, above, 1));
    sk_X509_free(above);
}

void gh_test_peer_init(struct gh_test_peer *peer, const struct gh_test_peer_params *params)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    MUST(ctx);
    *peer = (struct gh_test_peer){ .ctx = ctx, .alert_sent = -1, .alert_seen = -1 };
    SSL_CTX_set_security_level(ctx, 0);
    MUST(SSL_CTX_set_min_proto_version(ctx, params->min ? params->min : TLS1_VERSION));
    MUST(SSL_CTX_set_max_proto_version(ctx, params->max));
    MUST(SSL_CTX_set_cipher_list(ctx, params->ciphers ? params->ciphers : "ALL:@SECLEVEL=0"));
    MUST(!params->suites || SSL_CTX_set_ciphersuites(ctx, params->suites));
    MUST(!params->groups || SSL_CTX_set1_groups_list(ctx, params->groups));
    MUST(!params->sigalgs || SSL_CTX_set1_sigalgs_list(ctx, params->sigalgs));
    SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    MUST(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"peer", 4));
    if (!params->tickets)
        SSL_CTX_set_num_tickets(ctx, 0);
    if (params->cert)
        set_identity(ctx, params);
    if (params->trust_pem) {
        MUST(SSL_CTX_load_verify_locations(ctx, params->trust_pem, NULL));
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    } else if (params->role == GH_ROLE_SERVER) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    }
    peer->ssl = SSL_new(ctx);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    MUST(peer->ssl && peer->in && peer->out);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_app_data(peer->ssl, peer);
    SSL_set_info_callback(peer->ssl, on_info);
    if (params->session)
        MUST(SSL_set_session(peer->ssl, params->session));
    if (params->role == GH_ROLE_SERVER)
        SSL_set_accept_state(peer->ssl);
    else
        SSL_set_connect_state(peer->ssl);
}

void gh_test_peer_fini(struct gh_test_peer *peer)
{
    SSL_SESSION_free(peer->got);
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->ctx);
    *peer = (struct gh_test_peer){ 0 };
}

static void drive_peer(struct gh_test_peer *peer)
{
    ERR_clear_error();
    if (SSL_do_handshake(peer->ssl) == 1)
        peer->up = true;
    if (peer->up) {
        char c;

        /* Opens what is no application data: alerts, tickets. */
        SSL_peek(peer->ssl, &c, 1);
    }
    ERR_clear_error();
}

/* ---- wires ----------------------------------------------------------------------------------- */

void gh_test_wire(struct gh_tls *ours, struct gh_test_peer *peer, size_t chunk)
{
    uint8_t buf[65536];
    size_t got;
    bool moved = true;
    int n;

    if (chunk > sizeof(buf))
        chunk = sizeof(buf);
    gh_tls_input(ours, NULL, 0);
    while (moved) {
        moved = false;
        while ((got = gh_tls_output(ours, buf, chunk)) > 0) {
            MUST(BIO_write(peer->in, buf, (int)got) == (int)got);
            drive_peer(peer);
            moved = true;
        }
        drive_peer(peer);
        while ((n = BIO_read(peer->out, buf, (int)chunk)) > 0) {
            gh_tls_input(ours, buf, (size_t)n);
            moved = true;
        }
    }
}

static size_t carry(struct gh_tls *from, struct gh_tls *to, size_t chunk)
{
    uint8_t buf[65536];
    size_t got, total = 0;

    while ((got = gh_tls_output(from, buf, chunk < sizeof(buf) ? chunk : sizeof(buf))) > 0) {
        gh_tls_input(to, buf, got);
        total += got;
    }
    return total;
}

void gh_test_wire_ours(struct gh_tls *client, struct gh_tls *server, size_t chunk)
{
    gh_tls_input(client, NULL, 0);
    while (carry(client, server, chunk) + carry(server, client, chunk) > 0)
        ;
}
