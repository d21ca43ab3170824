/* SPDX-License-Identifier: Apache-2.0 */
/* From a trunk to a connection that may carry a message, and what may be written on it: over real
 * TLS on loopback. */
#include "../net/support_dns.h"
#include "support_trunk.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

/* We are node 1, "border"; the neighbour is node 2, "peer"; a second one is node 3. */
#define US                                                                                         \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [peer.example.net], "       \
    "destinations: [\"@2:5061\"], "                                                                \
    "srtp: required}\n"                                                                            \
    "  OTHER: {security_profile: encrypted, listener: core, peer_names: [other.example.net], "     \
    "srtp: required}\n"                                                                            \
    "  LAB: {security_profile: open, listener: lab, destinations: [\"@3:5060\"], srtp: allowed}\n"
#define US_AND(destinations)                                                                       \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [peer.example.net], "       \
    "destinations: " destinations ", srtp: required}\n"
#define NEIGHBOUR                                                                                  \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [border.example.net], "     \
    "destinations: "                                                                               \
    "[\"@1:5061\"], srtp: required}\n"                                                             \
    "  LAB: {security_profile: open, listener: lab, peer_addresses: [@1, 127.0.0.1], srtp: "       \
    "allowed}\n"

static struct node us, peer, third;

/* A TCP port that takes connections and never says a word. */
static int silent_listener(const char *ip, uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, ip, &at.sin_addr);
    CHECK_INT(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_INT(listen(fd, 16), 0);
    return fd;
}

static void good(void)
{
    struct wish first, second;

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    wish(&first, &us, "PEER", 0);
    turn_until(first.calls);
    CHECK_STR(gh_reason_name(first.reason), "none");
    CHECK_INT(first.destination, 0);
    CHECK_OR_STOP(first.papers != NULL);
    CHECK_INT(first.papers->standing.signalling, GH_SIG_TLS_VERIFIED);
    CHECK_INT(first.papers->standing.trunk, trunk_id(&us, "PEER"));
    CHECK_STR(first.papers->name, "peer.example.net");
    CHECK(first.papers->generation != 0 && first.papers->facts.cert.names == NULL);
    CHECK_INT(us.ready, 1);
    CHECK(us.papers == first.papers);
    /* One connection a destination: the second wish gets the same. */
    wish(&second, &us, "PEER", 0);
    turn_until(second.calls);
    CHECK(second.papers == first.papers);
    turn_until(peer.ready);
    CHECK_STR(peer.papers->name, "border.example.net");
    CHECK_INT(peer.papers->facts.role, GH_ROLE_SERVER);

    /* Who may be written to: this connection, under its own trunk's name alone. */
    CHECK(gh_trunk_live(us.trunks, trunk_id(&us, "PEER"), first.papers->conn) == first.papers);
    CHECK(gh_trunk_live(us.trunks, trunk_id(&us, "LAB"), first.papers->conn) == NULL);
    CHECK(gh_trunk_live(us.trunks, 0, first.papers->conn) == NULL);
    CHECK(gh_trunk_live(us.trunks, trunk_id(&us, "PEER"), first.papers->conn + 1000) == NULL);
    CHECK(gh_trunk_live_any(us.trunks, trunk_id(&us, "PEER")) == first.papers);
    CHECK(gh_trunk_live_any(us.trunks, trunk_id(&us, "LAB")) == NULL);
    wish_end(&first);
    wish_end(&second);
    node_close(&us);
    turn_until(peer.lost);
    CHECK_INT(us.lost, 1);
    node_close(&peer);
    turn_until(ledger_lines(&us, "\"type\":\"tls.accept\"", "\"name\":\"peer.example.net\"") == 1);
    turn_until(ledger_lines(&peer, "\"type\":\"tls.accept\"", "\"trunk\":\"PEER\"") == 1);
    world_end();
}

/* Who answers is not who it must be: nothing is written to it, and the reason says what is
 * wrong. */
static void wrong_neighbours(void)
{
    static const struct {
        const char *name, *reason;
        bool other_ca;
    } rows[] = {
        { "mallory", "cert_name_mismatch", false },
        { "peer", "cert_incomplete_chain", true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct gh_pki_cert *cert = leaf(rows[i].name, 0);
        struct wish w;

        world_begin();
        if (rows[i].other_ca)
            cert = gh_pki_issue(
                gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Other CA", .ca = true }),
                &(struct gh_pki_params){ .cn = "peer",
                                         .san = { "DNS:peer.example.net" },
                                         .eku = GH_PKI_SERVER | GH_PKI_CLIENT });
        node_open(&us, "border", 1, NULL, US, NULL);
        node_open(&peer, "peer", 2, cert, NEIGHBOUR, NULL);
        wish(&w, &us, "PEER", 0);
        turn_until(w.calls);
        CHECK(!w.papers);
        CHECK_INT(w.destination, GH_DESTINATION_NONE);
        CHECK_STR(gh_reason_name(w.reason), rows[i].reason);
        CHECK(!gh_trunk_live_any(us.trunks, trunk_id(&us, "PEER")));
        CHECK_INT(us.ready + us.lost + peer.messages, 0);
        wish_end(&w);
        node_close(&us);
        turn_until(ledger_lines(&us, "\"type\":\"tls.refuse\"", rows[i].reason) == 1);
        world_end();
    }
}

static void several_destinations(void)
{
    struct wish w;

    world_begin();
    node_open(&us, "border", 1, NULL, US_AND("[\"@4:5061\", \"@3:5061\", \"@2:5061\"]"), NULL);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    node_open(&third, "third", 3, NULL, NEIGHBOUR, NULL);
    /* The first is not there, the second is somebody else, the third is right. */
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls);
    CHECK_STR(gh_reason_name(w.reason), "none");
    CHECK_INT(w.destination, 2);
    wish_end(&w);
    wish(&w, &us, "PEER", 1u << 2);
    turn_until(w.calls);
    CHECK(!w.papers);
    CHECK_STR(gh_reason_name(w.reason), "cert_name_mismatch"); /* of the last that was tried */
    wish(&w, &us, "PEER", ~0u);
    turn_until(w.calls);
    CHECK_STR(gh_reason_name(w.reason), "no_destination");
    CHECK(gh_trunk_has_more(us.trunks, trunk_id(&us, "PEER"), 0));
    CHECK(gh_trunk_has_more(us.trunks, trunk_id(&us, "PEER"), 3));
    CHECK(!gh_trunk_has_more(us.trunks, trunk_id(&us, "PEER"), 7));
    CHECK(!gh_trunk_has_more(us.trunks, 4711, 0));
    world_end();
}

static void nobody_there(void)
{
    struct wish w[3];

    world_begin();
    node_open(&us, "border", 1, NULL, US_AND("[\"@4:5061\"]"), NULL);
    for (int i = 0; i < 3; i++)
        wish(&w[i], &us, "PEER", 0);
    turn_until(w[0].calls && w[1].calls && w[2].calls);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(w[i].calls, 1);
        CHECK_STR(gh_reason_name(w[i].reason), "no_destination");
        CHECK_STR(w[i].fault, "Connection refused");
    }
    world_end();
}

/* A trunk without destinations: its connection is the one that it opens to us. */
static void a_trunk_that_calls_us(void)
{
    struct wish w;

    world_begin();
    node_open(
        &us, "border", 1, NULL,
        "  PEER: {security_profile: encrypted, listener: core, peer_names: [x.example.net], "
        "destinations: [\"@4:5061\"], srtp: required}\n"
        "  CALLER: {security_profile: encrypted, listener: core, peer_names: [peer.example.net], "
        "srtp: required}\n",
        NULL);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    wish(&w, &us, "CALLER", 0);
    turn_until(w.calls);
    CHECK(!w.papers);
    CHECK_STR(gh_reason_name(w.reason), "no_destination");
    CHECK(!gh_trunk_has_more(us.trunks, trunk_id(&us, "CALLER"), 0));
    wish(&w, &peer, "PEER", 0);
    turn_until(w.calls && us.ready);
    wish_end(&w);
    wish(&w, &us, "CALLER", 0);
    turn_until(w.calls);
    CHECK(w.papers && w.papers == us.papers);
    CHECK_INT(w.destination, GH_DESTINATION_NONE);
    wish_end(&w);
    world_end();
}

static void clear_trunk(void)
{
    struct wish w;

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&third, "third", 3, NULL, NEIGHBOUR, NULL);
    wish(&w, &us, "LAB", 0);
    turn_until(w.calls && third.ready);
    CHECK_OR_STOP(w.papers != NULL);
    CHECK_INT(w.papers->standing.signalling, GH_SIG_CLEAR);
    CHECK_STR(w.papers->name, "");
    wish_end(&w);
    world_end();
}

/* ---- names ----------------------------------------------------------------------------------- */

static char address_of[16][16];

/* No such name; a name that leads nowhere; a name with two addresses, one of which leads
 * somewhere. */
static void names(void)
{
    struct dns_row rows[] = {
        { "no.example.net", DNS_A, NULL, 0, DNS_NXDOMAIN },
        { "gone.example.net", DNS_A, address_of[4], 60, DNS_SAYS },
        { "two.example.net", DNS_A, address_of[4], 60, DNS_SAYS },
        { "two.example.net", DNS_A, address_of[2], 60, DNS_SAYS },
        { NULL, 0, NULL, 0, DNS_SAYS },
    };
    struct dns_server *server;
    struct wish w;

    world_begin();
    for (int n = 2; n < 5; n++)
        snprintf(address_of[n], sizeof(address_of[n]), "%s", host(n));
    server = dns_server_open(test_loop, rows);
    node_open(
        &us, "border", 1, NULL,
        US_AND("[\"no.example.net:5061\", \"gone.example.net:5061\", \"two.example.net:5061\"]"),
        dns_server_csv(server));
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls);
    CHECK_STR(gh_reason_name(w.reason), "none");
    CHECK_INT(w.destination, 2);
    wish_end(&w);
    wish(&w, &us, "PEER", 1u << 2);
    turn_until(w.calls);
    CHECK_STR(gh_reason_name(w.reason), "no_destination");
    CHECK_STR(w.fault, "its name has no address; Connection refused");
    wish(&w, &us, "PEER", 6);
    turn_until(w.calls);
    CHECK_STR(gh_reason_name(w.reason), "no_destination");
    CHECK_STR(w.fault, "its name has no address");
    dns_server_close(server);
    world_end();
}

/* ---- wishes that end otherwise --------------------------------------------------------------- */

static void forgotten(void)
{
    static const struct dns_row silent[] = { { "silent.example.net", DNS_A, NULL, 0, DNS_SILENT },
                                             { "silent.example.net", DNS_AAAA, NULL, 0,
                                               DNS_SILENT },
                                             { NULL, 0, NULL, 0, DNS_SAYS } };
    struct dns_server *server;
    struct wish w[6];
    int fd;

    world_begin();
    fd = silent_listener(host(4), 5061);
    server = dns_server_open(test_loop, silent);
    node_open(&us, "border", 1, NULL,
              US "  SILENT: {security_profile: encrypted, listener: core, peer_names: "
                 "[a.example.net], destinations: "
                 "[\"silent.example.net:5061\"], srtp: required}\n"
                 "  MUTE: {security_profile: encrypted, listener: core, peer_names: "
                 "[b.example.net], destinations: "
                 "[\"@4:5061\"], srtp: required}\n",
              dns_server_csv(server));
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    gh_trunk_unwant(us.trunks, NULL);

    /* At once, before the first turn. */
    wish(&w[0], &us, "PEER", 0);
    gh_trunk_unwant(us.trunks, w[0].want);
    /* While its name is being resolved, and while TLS is under way; others with the same wish
     * stay. */
    wish(&w[1], &us, "SILENT", 0);
    wish(&w[2], &us, "MUTE", 0);
    wish(&w[3], &us, "MUTE", 0);
    turn_until(dns_server_asked(server, DNS_A));
    gh_trunk_unwant(us.trunks, w[1].want);
    gh_trunk_unwant(us.trunks, w[2].want);
    /* When the connection is up and the call is due on the next turn. */
    wish(&w[4], &us, "PEER", 0);
    wish(&w[5], &us, "PEER", 0);
    turn_until(us.ready);
    if (!w[4].calls)
        gh_trunk_unwant(us.trunks, w[4].want);
    turn_until(w[5].calls);
    CHECK_STR(gh_reason_name(w[5].reason), "none");
    CHECK_INT(w[0].calls + w[1].calls + w[2].calls, 0);
    wish_end(&w[4]);
    wish_end(&w[5]);
    /* The last one of the mute neighbour: closed while it waits, so it is never called. */
    CHECK_INT(w[3].calls, 0);
    node_close(&us);
    CHECK(TAILQ_EMPTY(&us.trunks->wants));
    dns_server_close(server);
    world_end();
    CHECK_INT(w[3].calls, 0);
    close(fd);
}

/* A neighbour that takes the connection and does not speak TLS costs the handshake's time, then the
 * next is tried. */
static void mute_neighbour(void)
{
    struct wish w;
    int fd;

    world_begin();
    fd = silent_listener(host(4), 5061);
    node_open(&us, "border", 1, NULL, US_AND("[\"@4:5061\"]"), NULL);
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls);
    CHECK_STR(gh_reason_name(w.reason), "tls_timeout");
    close(fd);
    world_end();
}

/* A wish in the middle of closing finds nothing and does not hang. */
static void after_close(void)
{
    struct wish w;

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    gh_trunks_close(us.trunks);
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls);
    CHECK_STR(gh_reason_name(w.reason), "no_destination");
    gh_audit_stop_now(us.audit);
    us.closed = true;
    world_end();
}

/* ---- writing --------------------------------------------------------------------------------- */

static void stale_papers(void)
{
    struct gh_papers *now;
    struct gh_buf octets;
    struct wish w;

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    wish(&w, &us, "PEER", 0);
    turn_until(w.calls && peer.ready);
    CHECK_OR_STOP(w.papers != NULL);
    octets = options();
    CHECK_INT(gh_trunk_send(us.trunks, w.papers, &octets), 0);
    CHECK(!octets.p);
    turn_until(peer.messages == 1);
    CHECK_INT(peer.method, GH_SIP_OPTIONS);

    /* Judged anew: what was gated before does not go out any more. */
    CHECK_INT(gh_peer_judge(TAILQ_FIRST(&us.trunks->peers)), 0);
    CHECK_INT(us.ready, 1);
    octets = options();
    CHECK_INT(gh_trunk_send(us.trunks, w.papers, &octets), GH_ESTALE);
    CHECK(!octets.p);
    now = gh_trunk_live(us.trunks, trunk_id(&us, "PEER"), w.papers->conn);
    CHECK_OR_STOP(now != NULL);
    CHECK(now != w.papers && now->generation > w.papers->generation);
    octets = options();
    CHECK_INT(gh_trunk_send(us.trunks, now, &octets), 0);
    turn_until(peer.messages == 2);

    /* And of a connection that is gone. */
    node_close(&peer);
    turn_until(us.lost);
    octets = options();
    CHECK_INT(gh_trunk_send(us.trunks, w.papers, &octets), GH_ECLOSED);
    CHECK(!octets.p);
    CHECK(!gh_trunk_live(us.trunks, trunk_id(&us, "PEER"), w.papers->conn));
    wish_end(&w);
    world_end();
}

int main(void)
{
    RUN(good);
    RUN(wrong_neighbours);
    RUN(several_destinations);
    RUN(nobody_there);
    RUN(a_trunk_that_calls_us);
    RUN(clear_trunk);
    RUN(names);
    RUN(forgotten);
    RUN(mute_neighbour);
    RUN(after_close);
    RUN(stale_papers);
    return CHECK_REPORT();
}
