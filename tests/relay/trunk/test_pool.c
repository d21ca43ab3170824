/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections over time: whose they are, which one is chosen, what follows when one is lost, what
 * one may leave unread, and how refusals of connections fold.
 */
#include "support_trunk.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRUNK(name, names, where)                                                                  \
    "  " name ": {security_profile: encrypted, listener: core, peer_names: " names                 \
    ", destinations: " where ", srtp: required}\n"
#define NEIGHBOUR TRUNK("PEER", "[border.example.net]", "[\"@1:5061\"]")

static struct node us, peer, other;

static struct gh_papers *want(struct node *node, const char *trunk, uint32_t skip, struct wish *w)
{
    wish(w, node, trunk, skip);
    turn_until(w->calls);
    return w->papers;
}

/* Two trunks that lead to one host share nothing: neither connection nor the right to write on
 * it. */
static void keyed_by_trunk(void)
{
    struct wish a, b;
    struct gh_buf octets;

    world_begin();
    node_open(&us, "border", 1, NULL,
              TRUNK("A", "[peer.example.net]", "[\"@2:5061\"]")
              TRUNK("PEER", "[other.example.net]", "[\"@2:5061\"]"), NULL);
    node_open(&peer, "peer", 2,
              gh_pki_issue(test_ca(), &(struct gh_pki_params){
                               .cn = "both",
                               .san = { "DNS:peer.example.net", "DNS:other.example.net" },
                               .eku = GH_PKI_SERVER | GH_PKI_CLIENT }),
              NEIGHBOUR, NULL);
    CHECK(want(&us, "A", 0, &a) != NULL);
    CHECK(want(&us, "PEER", 0, &b) != NULL);
    CHECK_OR_STOP(a.papers && b.papers);
    CHECK(a.papers != b.papers && a.papers->conn != b.papers->conn);
    CHECK_STR(a.papers->name, "peer.example.net");
    CHECK_STR(b.papers->name, "other.example.net");
    CHECK(!gh_trunk_live(us.trunks, trunk_id(&us, "PEER"), a.papers->conn));
    CHECK(!gh_trunk_live(us.trunks, trunk_id(&us, "A"), b.papers->conn));
    CHECK(gh_trunk_live_any(us.trunks, trunk_id(&us, "A")) == a.papers);
    CHECK(gh_trunk_live_any(us.trunks, trunk_id(&us, "PEER")) == b.papers);
    /* One of them goes; the other carries on. */
    gh_conn_close(conn_of(&us, a.papers), GH_REASON_OPERATOR);
    turn_until(us.lost == 1);
    octets = options();
    CHECK_INT(gh_trunk_send(us.trunks, a.papers, &octets), GH_ECLOSED);
    octets = options();
    CHECK_INT(gh_trunk_send(us.trunks, b.papers, &octets), 0);
    turn_until(peer.messages == 1);
    wish_end(&a);
    wish_end(&b);
    world_end();
}

/* A certificate that fits two trunks is nobody's, whichever of the two comes first. */
static void ambiguous(void)
{
    struct gh_buf octets;
    struct wish w;

    world_begin();
    node_open(&us, "border", 1, NULL,
              TRUNK("A", "[peer.example.net]", "[\"@2:5061\"]")
              TRUNK("PEER", "[other.example.net]", "[\"@2:5061\"]"), NULL);
    node_open(&peer, "peer", 2,
              gh_pki_issue(test_ca(), &(struct gh_pki_params){
                               .cn = "both",
                               .san = { "DNS:peer.example.net", "DNS:other.example.net" },
                               .eku = GH_PKI_SERVER | GH_PKI_CLIENT }),
              NEIGHBOUR, NULL);
    CHECK_OR_STOP(want(&peer, "PEER", 0, &w) != NULL);
    octets = options();
    CHECK_INT(gh_trunk_send(peer.trunks, w.papers, &octets), 0);
    turn_until(peer.lost);
    CHECK_INT(peer.status, 403);
    CHECK(strstr(peer.warning, "ambiguous_certificate") != NULL);
    CHECK_INT(us.messages + us.ready, 0);
    CHECK(!gh_trunk_live_any(us.trunks, trunk_id(&us, "A")));
    CHECK(!gh_trunk_live_any(us.trunks, trunk_id(&us, "PEER")));
    wish_end(&w);
    node_close(&us);
    world_end();
    CHECK_INT(ledger_lines(&us, "\"type\":\"tls.refuse\"", "\"reason\":\"ambiguous_certificate\""),
              1);
}

/* The first that works, always: the second is used while the first is away, and no longer. */
static void order(void)
{
    struct wish w;
    uint64_t first, second;

    world_begin();
    node_open(&us, "border", 1, NULL,
              TRUNK("PEER", "[peer.example.net, other.example.net]", "[\"@2:5061\", \"@3:5061\"]"),
              NULL);
    node_open(&other, "other", 3, NULL, NEIGHBOUR, NULL);
    CHECK_OR_STOP(want(&us, "PEER", 0, &w) != NULL);
    CHECK_INT(w.destination, 1);
    second = w.papers->conn;
    wish_end(&w);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    CHECK_OR_STOP(want(&us, "PEER", 0, &w) != NULL);
    CHECK_INT(w.destination, 0);
    CHECK(at_host(&w.papers->facts.peer, 2));
    first = w.papers->conn;
    wish_end(&w);
    /* Each keeps its connection; a destination that was tried is left out. */
    CHECK_OR_STOP(want(&us, "PEER", 1, &w) != NULL);
    CHECK_INT(w.destination, 1);
    CHECK(w.papers->conn == second);
    wish_end(&w);
    CHECK_OR_STOP(want(&us, "PEER", 2, &w) != NULL);
    CHECK_INT(w.destination, 0);
    CHECK(w.papers->conn == first);
    wish_end(&w);
    CHECK(!want(&us, "PEER", 3, &w));
    CHECK_STR(gh_reason_name(w.reason), "no_destination");
    /* The first goes away for good. */
    node_close(&peer);
    turn_until(us.lost == 1);
    CHECK_OR_STOP(want(&us, "PEER", 0, &w) != NULL);
    CHECK_INT(w.destination, 1);
    CHECK(w.papers->conn == second);
    wish_end(&w);
    CHECK_INT(us.ready, 2);
    world_end();
}

/* After a loss: a new connection, judged anew; nothing of the old one is good any more. */
static void reconnect(void)
{
    struct gh_papers *old;
    struct gh_buf octets;
    struct wish w;

    world_begin();
    node_open(&us, "border", 1, NULL, TRUNK("PEER", "[peer.example.net]", "[\"@2:5061\"]"), NULL);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    CHECK_OR_STOP(want(&us, "PEER", 0, &w) != NULL);
    old = w.papers;
    turn_until(peer.ready);
    gh_conn_close(conn_of(&peer, peer.papers), GH_REASON_OPERATOR);
    turn_until(us.lost == 1);
    CHECK(us.papers == old);
    CHECK(!gh_trunk_live_any(us.trunks, trunk_id(&us, "PEER")));
    CHECK_OR_STOP(want(&us, "PEER", 0, &w) != NULL);
    CHECK(w.papers->conn != old->conn && w.papers->generation > old->generation);
    CHECK_INT(us.ready, 2);
    octets = options();
    CHECK_INT(gh_trunk_send(us.trunks, old, &octets), GH_ECLOSED);
    octets = options();
    CHECK_INT(gh_trunk_send(us.trunks, w.papers, &octets), 0);
    turn_until(peer.messages == 1);
    gh_papers_unref(old);
    wish_end(&w);
    world_end();
}

/* A certificate that expires while the connection lives; the neighbour has no new one. */
static void reconnect_with_expired(void)
{
    struct wish w;

    world_begin();
    node_open(&us, "border", 1, NULL, TRUNK("PEER", "[peer.example.net]", "[\"@2:5061\"]"), NULL);
    node_open(&peer, "peer", 2, leaf("peer", 2), NEIGHBOUR, NULL);
    CHECK_OR_STOP(want(&us, "PEER", 0, &w) != NULL);
    wish_end(&w);
    turn_until(us.lost == 1); /* its proof ran out */
    CHECK(!want(&us, "PEER", 0, &w));
    CHECK_STR(gh_reason_name(w.reason), "cert_expired");
    CHECK_INT(us.ready, 1);
    node_close(&us);
    world_end();
    CHECK_INT(ledger_lines(&us, "\"type\":\"tls.refuse\"", "\"reason\":\"cert_expired_since\""), 1);
    CHECK_INT(ledger_lines(&us, "\"type\":\"tls.refuse\"", "\"reason\":\"cert_expired\""), 1);
}

/* The proof of a chain lasts as long as its shortest certificate: here an intermediate. */
static void expiry_of_an_intermediate(void)
{
    const struct gh_pki_cert *middle, *cert;
    struct gh_papers *papers;
    struct wish w;

    world_begin();
    middle = gh_pki_issue(test_ca(), &(struct gh_pki_params){ .cn = "Middle", .ca = true,
                                                              .from_s = -60, .until_s = 2 });
    cert = gh_pki_issue(middle, &(struct gh_pki_params){ .cn = "peer",
                                                         .san = { "DNS:peer.example.net" },
                                                         .eku = GH_PKI_SERVER | GH_PKI_CLIENT });
    test_intermediate = middle;
    node_open(&us, "border", 1, NULL, TRUNK("PEER", "[peer.example.net]", "[\"@2:5061\"]"), NULL);
    node_open(&peer, "peer", 2, cert, NEIGHBOUR, NULL);
    papers = want(&us, "PEER", 0, &w);
    test_intermediate = NULL;
    CHECK_OR_STOP(papers != NULL);
    CHECK(papers->standing.proven_until_us < papers->facts.cert.not_after_us);
    turn_until(us.lost == 1);
    CHECK(gh_wall_us() > papers->standing.proven_until_us);
    wish_end(&w);
    node_close(&us);
    world_end();
    CHECK_INT(ledger_lines(&us, "\"type\":\"tls.refuse\"", "\"reason\":\"cert_expired_since\""), 1);
}

/* Judged again with the same result: connection and trunk stay, the papers are new, lost is not
 * told. */
static void judged_again(void)
{
    struct gh_papers *now;
    struct wish w;

    world_begin();
    node_open(&us, "border", 1, NULL, TRUNK("PEER", "[peer.example.net]", "[\"@2:5061\"]"), NULL);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    CHECK_OR_STOP(want(&us, "PEER", 0, &w) != NULL);
    for (int i = 0; i < 3; i++) {
        uint64_t before = gh_trunk_live_any(us.trunks, trunk_id(&us, "PEER"))->generation;

        CHECK_INT(gh_peer_judge(gh_conn_owner(conn_of(&us, w.papers))), 0);
        now = gh_trunk_live_any(us.trunks, trunk_id(&us, "PEER"));
        CHECK_OR_STOP(now != NULL);
        CHECK(now->generation > before && now->conn == w.papers->conn);
        CHECK_INT(now->standing.proven_until_us, w.papers->standing.proven_until_us);
        CHECK_STR(now->name, "peer.example.net");
    }
    CHECK_INT(us.ready, 1);
    CHECK_INT(us.lost, 0);
    wish_end(&w);
    node_close(&us);
    world_end();
    CHECK_INT(ledger_lines(&us, "\"type\":\"tls.accept\"", ""), 1);
}

/* Octets that a neighbour takes before its connection is given up; it never reads one. */
static size_t unread_octets(const char *max_queued)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(5060) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;
    size_t sent = 0;
    struct wish w;

    world_begin();
    inet_pton(AF_INET, host(4), &at.sin_addr);
    CHECK_INT(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_INT(listen(fd, 1), 0);
    node_limits = max_queued;
    node_open(&us, "border", 1, NULL,
              TRUNK("PEER", "[peer.example.net]", "[\"@2:5061\"]")
              "  LAB: {security_profile: open, listener: lab, destinations: [\"@4:5060\"], "
              "srtp: allowed}\n", NULL);
    node_limits = "";
    CHECK(want(&us, "LAB", 0, &w) != NULL);
    while (!err && sent < (size_t)64 << 20) {
        struct gh_buf octets = { 0 };
        char *room = gh_buf_room(&octets, 32768);

        memset(room, 'x', 32768);
        octets.len = 32768;
        err = gh_trunk_send(us.trunks, w.papers, &octets);
        sent += err ? 0 : 32768;
    }
    CHECK_INT(err, GH_EFULL);
    turn_until(us.lost == 1);
    wish_end(&w);
    close(fd);
    world_end();
    return sent;
}

/* limits.max_queued is what waits here, behind what the kernel takes: the same twice, or nearly
 * so. */
static void max_queued(void)
{
    size_t little = unread_octets(", max_queued: 64KiB");
    size_t much = unread_octets(", max_queued: 32MiB");

    CHECK(much > little + ((size_t)24 << 20));
    CHECK(much < ((size_t)48 << 20));
}

/* What a stranger can repeat at will costs two records a second, not one each. */
static void strangers_fold(void)
{
    struct wish w;

    world_begin();
    node_open(&us, "border", 1, NULL, TRUNK("PEER", "[peer.example.net]", "[\"@2:5061\"]"), NULL);
    node_open(&peer, "mallory", 2, NULL, NEIGHBOUR, NULL);
    for (int i = 0; i < 5; i++) {
        struct gh_buf octets = options();

        CHECK_OR_STOP(want(&peer, "PEER", 0, &w) != NULL);
        CHECK_INT(gh_trunk_send(peer.trunks, w.papers, &octets), 0);
        turn_until(peer.lost == i + 1);
        wish_end(&w);
    }
    CHECK_INT(peer.messages, 5); /* each is told why */
    node_close(&us);
    world_end();
    CHECK_INT(ledger_lines(&us, "\"type\":\"tls.refuse\"", "no_trunk_for_certificate"), 2);
    CHECK_INT(ledger_lines(&us, "\"type\":\"tls.refuse\"", "\"count\":4"), 1);
}

int main(void)
{
    RUN(keyed_by_trunk);
    RUN(ambiguous);
    RUN(order);
    RUN(reconnect);
    RUN(reconnect_with_expired);
    RUN(expiry_of_an_intermediate);
    RUN(judged_again);
    RUN(max_queued);
    RUN(strangers_fold);
    return CHECK_REPORT();
}
