/* SPDX-License-Identifier: Apache-2.0 */
#include "support_tls.h"

#include <unistd.h>

#include "support/pki.h"
#include "support_net.h"

struct gh_tls_context *server, *server_two, *client, *client_of_stranger,
    *server_of_stranger;

static struct gh_tls_context *context(enum gh_role role, const struct gh_pki_cert *ca,
                                      const char *cn, const char *trust_path)
{
    char text[256] = "", cert[64], key[64];
    struct gh_tls_params params = { .role = role, .trust_count = 1 };
    struct gh_tls_context *out = NULL;
    struct gh_trust *trust = NULL;
    struct gh_pki_cert *leaf = gh_pki_issue(ca, &(struct gh_pki_params){
        .cn = cn, .san = { "URI:sip:pbx.example.net" }, .eku = GH_PKI_SERVER | GH_PKI_CLIENT });

    snprintf(cert, sizeof(cert), "%s.pem", cn);
    snprintf(key, sizeof(key), "%s.key", cn);
    params.certificate = gh_pki_write_certs(cert, leaf, NULL);
    params.private_key = gh_pki_write_key(key, leaf);
    if (gh_trust_load(&trust, trust_path, NULL, text, sizeof(text))) {
        fprintf(stderr, "%s\n", text);
        abort();
    }
    params.trust = &trust;
    if (gh_tls_context_new(&out, &params, text, sizeof(text))) {
        fprintf(stderr, "%s\n", text);
        abort();
    }
    gh_trust_unref(trust);
    return out;
}

void tls_contexts_make(void)
{
    struct gh_pki_cert *ca =
        gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Root", .ca = true });
    struct gh_pki_cert *stranger = gh_pki_issue(
        NULL, &(struct gh_pki_params){ .cn = "Stranger", .ca = true, .fresh_key = true });
    const char *trust = gh_pki_write_certs("ca.pem", ca, NULL);

    server = context(GH_ROLE_SERVER, ca, "server", trust);
    server_two = context(GH_ROLE_SERVER, ca, "server-two", trust);
    client = context(GH_ROLE_CLIENT, ca, "client", trust);
    client_of_stranger = context(GH_ROLE_CLIENT, stranger, "odd-client", trust);
    server_of_stranger = context(GH_ROLE_SERVER, stranger, "odd-server", trust);
}

void tls_contexts_free(void)
{
    gh_tls_context_unref(server);
    gh_tls_context_unref(server_two);
    gh_tls_context_unref(client);
    gh_tls_context_unref(client_of_stranger);
    gh_tls_context_unref(server_of_stranger);
}

void raw_tls_flush(struct raw_tls *raw)
{
    uint8_t buf[4096];
    size_t n;

    while ((n = gh_tls_output(raw->tls, buf, sizeof(buf))) > 0)
        send(raw->fd, buf, n, MSG_NOSIGNAL);
}

/* Take what has come; at most one read. */
static void raw_tls_take(struct raw_tls *raw)
{
    uint8_t buf[4096];
    ssize_t n = recv(raw->fd, buf, sizeof(buf), MSG_DONTWAIT);

    if (n > 0)
        gh_tls_input(raw->tls, buf, (size_t)n);
    raw_tls_flush(raw);
}

struct raw_tls raw_tls_up(void)
{
    struct raw_tls raw = { .fd = raw_connect(&rig.at) };

    if (gh_tls_new(&raw.tls, client, NULL))
        abort();
    gh_tls_input(raw.tls, NULL, 0);
    raw_tls_flush(&raw);
    while (rig.ups == 0 && rig.downs == 0) {
        rig_turn();
        raw_tls_take(&raw);
    }
    return raw;
}

void raw_tls_end(struct raw_tls *raw)
{
    gh_tls_free(raw->tls);
    close(raw->fd);
}
