/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a trunk to the one address that answers as its neighbour: names and SRV records (RFC 3263
 * section 4, RFC 2782), the address that we connect from, and what each TLS preset lets in.
 */
#include "support_trunk.h"

#include "../net/support_dns.h"

#define OURS(where, more)                                                                          \
    "  PEER: {security_profile: encrypted, listener: core, "                                       \
    "peer_names: [peer.example.net, other.example.net], " where ", srtp: required" more "}\n"
#define NEIGHBOUR(more)                                                                            \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [border.example.net], "     \
    "destinations: [\"@1:5061\"], srtp: required" more "}\n"
#define SRV "_sips._tcp.example.net"

static struct node us, peer, other;
static char address_of[16][16];
static struct dns_server *server;

/* Nodes 2 and 3 are neighbours in good order unless @cert says otherwise; nobody is at 4. */
static void open_world(const struct dns_row *rows, const char *ours, const struct gh_pki_cert *cert)
{
    world_begin();
    for (int n = 2; n < 6; n++)
        snprintf(address_of[n], sizeof(address_of[n]), "%s", host(n));
    server = rows ? dns_server_open(test_loop, rows) : NULL;
    node_open(&us, "border", 1, NULL, ours, server ? dns_server_csv(server) : NULL);
    node_open(&peer, "peer", 2, cert, NEIGHBOUR(""), NULL);
    node_open(&other, "other", 3, NULL, NEIGHBOUR(""), NULL);
}

static void close_world(void)
{
    node_close(&us);
    if (server)
        dns_server_close(server);
    server = NULL;
    world_end();
}

#define A(name, n) { name, DNS_A, address_of[n], 60, DNS_SAYS }
#define END { NULL, 0, NULL, 0, DNS_SAYS }

/* ---- SRV ------------------------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct dns_row rows[6];
    bool mallory;  /* node 2 shows a certificate of somebody else */
    int at;        /* the node that is reached; 0: none */
    const char *reason;
    int refusals;  /* tls.refuse records */
} srv_cases[] = {
    { "the least priority first",
      { { SRV, DNS_SRV, "20 1 5061 b.example.net", 60, DNS_SAYS },
        { SRV, DNS_SRV, "10 1 5061 a.example.net", 60, DNS_SAYS },
        A("a.example.net", 3), A("b.example.net", 2), END },
      false, 3, "none", 0 },
    { "nobody at the first",
      { { SRV, DNS_SRV, "10 1 5061 a.example.net", 60, DNS_SAYS },
        { SRV, DNS_SRV, "20 1 5061 b.example.net", 60, DNS_SAYS },
        A("a.example.net", 4), A("b.example.net", 2), END },
      false, 2, "none", 0 },
    { "nobody on that port of the first",
      { { SRV, DNS_SRV, "10 1 5999 a.example.net", 60, DNS_SAYS },
        { SRV, DNS_SRV, "20 1 5061 b.example.net", 60, DNS_SAYS },
        A("a.example.net", 2), A("b.example.net", 3), END },
      false, 3, "none", 0 },
    { "the first is somebody else",
      { { SRV, DNS_SRV, "10 1 5061 a.example.net", 60, DNS_SAYS },
        { SRV, DNS_SRV, "20 1 5061 b.example.net", 60, DNS_SAYS },
        A("a.example.net", 2), A("b.example.net", 3), END },
      true, 3, "none", 1 },
    { "the last is somebody else",
      { { SRV, DNS_SRV, "10 1 5061 a.example.net", 60, DNS_SAYS },
        { SRV, DNS_SRV, "20 1 5061 b.example.net", 60, DNS_SAYS },
        A("a.example.net", 4), A("b.example.net", 2), END },
      true, 0, "cert_name_mismatch", 1 },
    { "somebody else, then nobody",
      { { SRV, DNS_SRV, "10 1 5061 a.example.net", 60, DNS_SAYS },
        { SRV, DNS_SRV, "20 1 5061 b.example.net", 60, DNS_SAYS },
        A("a.example.net", 2), A("b.example.net", 4), END },
      true, 0, "no_destination", 1 },
    { "one host without address",
      { { SRV, DNS_SRV, "10 1 5061 a.example.net", 60, DNS_SAYS },
        { SRV, DNS_SRV, "20 1 5061 b.example.net", 60, DNS_SAYS }, A("b.example.net", 2), END },
      false, 2, "none", 0 },
    { "no such name", { { SRV, DNS_SRV, NULL, 0, DNS_NXDOMAIN }, END }, false, 0, "no_destination",
      0 },
    { "a server that cannot", { { SRV, DNS_SRV, NULL, 0, DNS_SERVFAIL }, END },
      false, 0, "no_destination", 0 },
};

static void srv(void)
{
    for (size_t i = 0; i < sizeof(srv_cases) / sizeof(srv_cases[0]); i++) {
        int failed = check_failed_total;
        struct wish w;

        open_world(srv_cases[i].rows, OURS("srv: " SRV, ""),
                   srv_cases[i].mallory ? leaf("mallory", 0) : NULL);
        wish(&w, &us, "PEER", 0);
        turn_until(w.calls);
        CHECK_STR(gh_reason_name(w.reason), srv_cases[i].reason);
        CHECK_INT(w.destination, srv_cases[i].at ? 0 : GH_DESTINATION_NONE);
        CHECK((w.papers != NULL) == (srv_cases[i].at != 0));
        if (w.papers)
            CHECK(at_host(&w.papers->facts.peer, srv_cases[i].at));
        CHECK_INT(us.ready, srv_cases[i].at != 0);
        /* An SRV name is one destination. */
        CHECK(gh_trunk_has_more(us.trunks, trunk_id(&us, "PEER"), 0));
        CHECK(!gh_trunk_has_more(us.trunks, trunk_id(&us, "PEER"), 1));
        wish_end(&w);
        close_world();
        CHECK_INT(w.calls, 1);
        CHECK_INT(ledger_lines(&us, "\"type\":\"tls.refuse\"", "mallory"), srv_cases[i].refusals);
        if (check_failed_total != failed)
            fprintf(stderr, "in: %s\n", srv_cases[i].what);
    }
}

/* Others wish for the same while the first address is being refused: one connection for all. */
static void srv_shared(void)
{
    struct wish w[4];

    open_world(srv_cases[3].rows, OURS("srv: " SRV, ""), leaf("mallory", 0));
    for (int i = 0; i < 4; i++)
        wish(&w[i], &us, "PEER", 0);
    turn_until(w[0].calls && w[1].calls && w[2].calls && w[3].calls);
    for (int i = 0; i < 4; i++)
        CHECK(w[i].papers && w[i].papers == w[0].papers);
    CHECK_INT(us.ready, 1);
    for (int i = 0; i < 4; i++)
        wish_end(&w[i]);
    close_world();
}

/* A connection that stood and is lost ends there: its next address is for those who wish again. */
static void srv_lost_later(void)
{
    const struct dns_row rows[] = {
        { SRV, DNS_SRV, "10 1 5061 a.example.net", 60, DNS_SAYS },
        { SRV, DNS_SRV, "20 1 5061 b.example.net", 60, DNS_SAYS },
        { SRV, DNS_SRV, "30 1 5061 c.example.net", 60, DNS_SAYS },
        A("a.example.net", 2), A("b.example.net", 3), A("c.example.net", 5), END
    };
    struct node third;
    struct wish w;

    open_world(rows, OURS("srv: " SRV, ""), leaf("mallory", 0));
    node_open(&third, "peer", 5, NULL, NEIGHBOUR(""), NULL);
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls);
    CHECK_OR_STOP(w.papers != NULL);
    CHECK(at_host(&w.papers->facts.peer, 3));
    gh_conn_close(conn_of(&us, w.papers), GH_REASON_OPERATOR);
    turn_until(us.lost || us.ready == 2);
    CHECK_INT(us.ready, 1);
    CHECK(TAILQ_EMPTY(&us.trunks->peers));
    wish_end(&w);
    node_close(&third);
    close_world();
}

/* The node stops between two addresses. */
static void srv_closed_between(void)
{
    struct wish w;

    open_world(srv_cases[3].rows, OURS("srv: " SRV, ""), leaf("mallory", 0));
    wish(&w, &us, "PEER", 0);
    turn_until(!TAILQ_EMPTY(&us.trunks->peers) && TAILQ_FIRST(&us.trunks->peers)->refused);
    close_world();
    CHECK_INT(w.calls, 0); /* forgotten */
    CHECK_INT(us.ready, 0);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Every address of a name is tried before the next destination. */
static void addresses_of_a_name(void)
{
    const struct dns_row rows[] = { A("two.example.net", 2), A("two.example.net", 4), END };
    struct wish w;

    open_world(rows, OURS("destinations: [\"two.example.net:5061\", \"@3:5061\"]", ""), NULL);
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls);
    CHECK_INT(w.destination, 0);
    CHECK_OR_STOP(w.papers != NULL);
    CHECK(at_host(&w.papers->facts.peer, 2));
    wish_end(&w);
    close_world();
    /* And when none of them is the neighbour, that one. */
    open_world(rows, OURS("destinations: [\"two.example.net:5061\", \"@3:5061\"]", ""),
               leaf("mallory", 0));
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls);
    CHECK_INT(w.destination, 1);
    CHECK(w.papers && at_host(&w.papers->facts.peer, 3));
    wish_end(&w);
    close_world();
}

/* ---- where we connect from ------------------------------------------------------------------- */

static void source(void)
{
    struct wish w;

    open_world(NULL, OURS("destinations: [\"@2:5061\"]", ", source: @5"), NULL);
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls && peer.ready);
    CHECK_OR_STOP(w.papers != NULL);
    CHECK(at_host(&w.papers->facts.local, 5));
    CHECK(at_host(&peer.papers->facts.peer, 5));
    wish_end(&w);
    close_world();

    /* An address that is not ours: there is no connection to be had from it. */
    open_world(NULL, OURS("destinations: [\"@2:5061\"]", ", source: 192.0.2.77"), NULL);
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls);
    CHECK(!w.papers);
    CHECK_STR(gh_reason_name(w.reason), "no_destination");
    close_world();
}

/* ---- presets of TLS -------------------------------------------------------------------------- */

/* NIST SP 800-52 Rev. 2, BSI TR-02102-1 (120 bits: RSA 3000), and CUCM 9 with RSA 1024 and
 * SHA-1. */
static const struct {
    const char *policy;
    enum gh_pki_key key;
    const char *digest;
    const char *reason, *mark; /* mark NULL: none */
} presets[] = {
    { "modern", GH_PKI_P256, NULL, "none", NULL },
    { "modern", GH_PKI_RSA_2048, NULL, "none", NULL },
    { "modern", GH_PKI_RSA_1024, "SHA1", "cert_weak", NULL },
    { "nist-800-52r2", GH_PKI_RSA_2048, NULL, "none", NULL },
    { "nist-800-52r2", GH_PKI_RSA_1024, "SHA1", "cert_weak", NULL },
    { "bsi-tr-02102", GH_PKI_P256, NULL, "none", NULL },
    { "bsi-tr-02102", GH_PKI_RSA_2048, NULL, "cert_weak", NULL },
    { "legacy-cucm", GH_PKI_P256, NULL, "none", NULL },
    { "legacy-cucm", GH_PKI_RSA_1024, "SHA1", "none", "cert_weak" },
};

static void tls_presets(void)
{
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
        const struct gh_pki_params params = { .cn = "peer",
                                              .san = { "DNS:peer.example.net" },
                                              .eku = GH_PKI_SERVER | GH_PKI_CLIENT,
                                              .key = presets[i].key,
                                              .digest = presets[i].digest };
        int failed = check_failed_total;
        struct wish w;
        char ours[512], theirs[512];

        snprintf(ours, sizeof(ours), OURS("destinations: [\"@2:5061\"]", ", tls_policy: %s"),
                 presets[i].policy);
        /* The neighbour would take anything, so that it is our side that decides. */
        snprintf(theirs, sizeof(theirs), NEIGHBOUR(", tls_policy: legacy-cucm"));
        world_begin();
        node_open(&us, "border", 1, NULL, ours, NULL);
        node_open(&peer, "peer", 2, gh_pki_issue(test_ca(), &params), theirs, NULL);
        wish(&w, &us, "PEER", 0);
        turn_until(w.calls);
        CHECK_STR(gh_reason_name(w.reason), presets[i].reason);
        if (w.papers) {
            CHECK_INT(w.papers->standing.signalling, GH_SIG_TLS_VERIFIED);
            CHECK_INT(w.papers->standing.mark_count, presets[i].mark != NULL);
            if (presets[i].mark)
                CHECK_STR(gh_reason_name(w.papers->standing.marks[0]), presets[i].mark);
        }
        wish_end(&w);
        world_end();
        if (check_failed_total != failed)
            fprintf(stderr, "in: row %zu, %s\n", i, presets[i].policy);
    }
}

int main(void)
{
    RUN(srv);
    RUN(srv_shared);
    RUN(srv_lost_later);
    RUN(srv_closed_between);
    RUN(addresses_of_a_name);
    RUN(source);
    RUN(tls_presets);
    return CHECK_REPORT();
}
