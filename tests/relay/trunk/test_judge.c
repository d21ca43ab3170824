/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a connection proves to be, and what becomes of its octets before call/ sees any: over real
 * TLS and TCP on loopback.  The other node judges us as well, so each test has both roles.
 */
#include "support_trunk.h"

#define US                                                                                         \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [peer.example.net], "       \
    "destinations: [\"@2:5061\"], "                                                                \
    "srtp: required}\n"                                                                            \
    "  LAB: {security_profile: open, listener: lab, peer_addresses: [@2], srtp: allowed}\n"
#define NEIGHBOUR                                                                                  \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [border.example.net], "     \
    "destinations: "                                                                               \
    "[\"@1:5061\"], srtp: required}\n"                                                             \
    "  LAB: {security_profile: open, listener: lab, destinations: [\"@1:5060\"], srtp: allowed}\n"

static struct node us, peer;

/* The neighbour has a connection to us and sends @octets. */
static void say(struct wish *w, const char *trunk, struct gh_buf *octets)
{
    if (!w->papers) {
        wish(w, &peer, trunk, 0);
        turn_until(w->calls);
    }
    CHECK_OR_STOP(w->papers != NULL);
    CHECK_INT(gh_trunk_send(peer.trunks, w->papers, octets), 0);
}

static struct gh_buf text(const char *octets)
{
    struct gh_buf buf = { 0 };

    gh_buf_str(&buf, octets);
    return buf;
}

static void a_neighbour(void)
{
    struct gh_buf octets;
    struct wish w = { 0 };

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    octets = options();
    say(&w, "PEER", &octets);
    turn_until(us.messages == 1);
    CHECK_INT(us.papers->standing.trunk, trunk_id(&us, "PEER"));
    CHECK_INT(us.papers->standing.signalling, GH_SIG_TLS_VERIFIED);
    CHECK_INT(us.papers->facts.role, GH_ROLE_SERVER);
    CHECK_STR(us.papers->name, "peer.example.net");
    CHECK_INT(us.ready, 1);
    wish_end(&w);
    world_end();
}

/* A certificate that no trunk of the listener expects: 403 with the names that it does carry, and
 * the end. */
static void a_stranger(void)
{
    struct gh_buf octets;
    struct wish w = { 0 };

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&peer, "peer", 2, leaf("mallory", 0), NEIGHBOUR, NULL);
    octets = options();
    say(&w, "PEER", &octets);
    turn_until(peer.messages == 1 && peer.lost);
    CHECK_INT(peer.status, 403);
    CHECK(strstr(peer.warning, "no_trunk_for_certificate") != NULL);
    CHECK(strstr(peer.warning, "mallory.example.net") != NULL);
    CHECK(strstr(peer.warning, "peer.example.net") == NULL); /* who would be let in is not told */
    CHECK_INT(us.messages + us.ready + us.lost, 0);
    CHECK(!gh_trunk_live_any(us.trunks, trunk_id(&us, "PEER")));
    wish_end(&w);
    node_close(&us);
    turn_until(ledger_lines(&us, "\"type\":\"tls.refuse\"",
                            "mallory.example.net") == 1);
    CHECK_INT(ledger_lines(&us, "\"type\":\"tls.accept\"", ""), 0);
    world_end();
}

/* What follows the first request of a stranger is not read; a response or ACK of one is not
 * answered at all. */
static void a_stranger_with_more(void)
{
    struct gh_buf octets, more;
    struct wish w = { 0 };

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&peer, "peer", 2, leaf("mallory", 0), NEIGHBOUR, NULL);
    octets = options();
    more = options();
    gh_buf_add(&octets, gh_buf_span(&more));
    gh_buf_fini(&more);
    say(&w, "PEER", &octets);
    turn_until(peer.lost);
    CHECK_INT(peer.messages, 1);
    CHECK_INT(us.messages, 0);
    wish_end(&w);

    w = (struct wish){ 0 };
    octets = text("SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1\r\n"
                  "From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:192.0.2.9>;tag=2\r\nCall-ID: 1\r\n"
                  "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
    say(&w, "PEER", &octets);
    turn_until(peer.lost == 2);
    CHECK_INT(peer.messages, 1);
    CHECK_INT(us.messages, 0);
    wish_end(&w);
    world_end();
}

/* Public CAs limit their intermediates to servers: what is below is no client, unless it is
 * waived. */
static void an_intermediate_for_servers(void)
{
    static const struct {
        const char *waiver;
        bool admitted;
    } rows[] = { { "", false }, { ", client_auth_eku: refuse", false },
                 { ", client_auth_eku: warn", true } };
    const struct gh_pki_cert *middle, *cert;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_buf octets;
        struct wish w = { 0 };
        char ours[256];

        world_begin();
        middle = gh_pki_issue(test_ca(), &(struct gh_pki_params){ .cn = "Web", .ca = true,
                                                                  .eku = GH_PKI_SERVER });
        cert =
            gh_pki_issue(middle, &(struct gh_pki_params){ .cn = "peer",
                                                          .san = { "DNS:peer.example.net" },
                                                          .eku = GH_PKI_SERVER | GH_PKI_CLIENT });
        snprintf(ours, sizeof(ours),
                 "  PEER: {security_profile: encrypted, listener: core, "
                 "peer_names: [peer.example.net], destinations: [\"@2:5061\"]%s}\n",
                 rows[i].waiver);
        node_open(&us, "border", 1, NULL, ours, NULL);
        test_intermediate = middle;
        node_open(&peer, "peer", 2, cert, NEIGHBOUR, NULL);
        test_intermediate = NULL;
        octets = options();
        say(&w, "PEER", &octets);
        turn_until(us.messages || peer.messages);
        CHECK_INT(us.messages, rows[i].admitted);
        if (rows[i].admitted) {
            CHECK_INT(us.papers->standing.mark_count, 1);
            CHECK_INT(us.papers->standing.marks[0], GH_REASON_EKU_WAIVED);
        } else {
            CHECK_INT(peer.status, 403);
            CHECK(strstr(peer.warning, "cert_eku_missing") != NULL);
            CHECK(strstr(peer.warning, "or of a CA above it") != NULL);
        }
        wish_end(&w);
        /* As a server it is what its CA may vouch for. */
        w = (struct wish){ 0 };
        wish(&w, &us, "PEER", 0);
        turn_until(w.calls);
        CHECK_STR(gh_reason_name(w.reason), "none");
        CHECK(w.papers && w.papers->standing.mark_count == 0);
        wish_end(&w);
        node_close(&us);
        node_close(&peer);
        world_end();
        CHECK_INT(ledger_lines(&us, "\"type\":\"tls.refuse\"", "\"reason\":\"cert_eku_missing\""),
                  !rows[i].admitted);
    }
}

static void clear_neighbours(void)
{
    struct gh_buf octets;
    struct wish w = { 0 };

    /* From the address that the trunk names. */
    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(
        &peer, "peer", 2, NULL,
        NEIGHBOUR
        "  FROM2: {security_profile: open, listener: lab, destinations: [\"@1:5060\"], source: "
        "@2, peer_addresses: [@9], srtp: allowed}\n",
        NULL);
    octets = options();
    say(&w, "FROM2", &octets);
    turn_until(us.messages == 1);
    CHECK_INT(us.papers->standing.trunk, trunk_id(&us, "LAB"));
    CHECK_INT(us.papers->standing.signalling, GH_SIG_CLEAR);
    wish_end(&w);
    /* From another one. */
    w = (struct wish){ 0 };
    octets = options();
    say(&w, "LAB", &octets);
    turn_until(peer.messages == 1);
    CHECK_INT(peer.status, 403);
    CHECK(strstr(peer.warning, "no_trunk_for_address") != NULL);
    CHECK_INT(us.messages, 1);
    turn_until(peer.lost == 1);
    wish_end(&w);
    world_end();
}

/* Judged again when the proof runs out: the connection carries nothing more, and the record says
 * why. */
static void a_proof_that_runs_out(void)
{
    struct gh_papers *held;
    struct gh_buf octets;
    struct wish w = { 0 };

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&peer, "peer", 2, leaf("peer", 3), NEIGHBOUR, NULL);
    octets = options();
    say(&w, "PEER", &octets);
    turn_until(us.messages == 1);
    held = gh_papers_ref(us.papers);
    CHECK_INT(held->standing.proven_until_us, held->facts.cert.not_after_us);
    turn_until(us.lost == 1);
    /* Told with the last papers that were good; the clock may have asked for new ones just
     * before. */
    CHECK_INT(us.papers->conn, held->conn);
    CHECK_STR(gh_reason_name(us.papers->standing.reason), "none");
    CHECK_STR(gh_reason_name(held->standing.reason), "none");
    CHECK(!gh_trunk_live(us.trunks, trunk_id(&us, "PEER"), held->conn));
    octets = options();
    CHECK(gh_trunk_send(us.trunks, held, &octets) != 0);
    turn_until(peer.lost == 1);
    CHECK_INT(us.lost, 1);
    gh_papers_unref(held);
    wish_end(&w);
    node_close(&us);
    turn_until(ledger_lines(&us, "\"type\":\"tls.refuse\"", "\"reason\":\"cert_expired_since\"") ==
               1);
    world_end();
}

/* ---- octets to messages ---------------------------------------------------------------------- */

#define HEAD(extra)                                                                                \
    "OPTIONS sip:192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1\r\n"         \
    "From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:192.0.2.9>\r\nCall-ID: 1\r\nCSeq: 1 "               \
    "OPTIONS\r\n" extra

static void bad_messages(void)
{
    static const struct {
        const char *octets;
        int status; /* 0: nothing is answered */
        bool lost;  /* the framing is */
    } rows[] = {
        { HEAD("Max-Forwards: many\r\nContent-Length: 0\r\n\r\n"), 400, false },
        { HEAD("Content-Length: 0\r\nContent-Length: 0\r\n\r\n"), 400, true },
        { HEAD("\r\n"), 400, true }, /* no Content-Length: nobody knows where it ends */
        { HEAD("Content-Length: 99999999\r\n\r\n"), 513, true },
        { "\x16\x03\x01\x02\r\n\r\n", 0, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_buf octets;
        struct wish w = { 0 };

        world_begin();
        node_open(&us, "border", 1, NULL, US, NULL);
        node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
        octets = text(rows[i].octets);
        say(&w, "PEER", &octets);
        if (rows[i].lost)
            turn_until(peer.lost && us.lost);
        else
            turn_until(peer.messages);
        CHECK_INT(peer.messages, rows[i].status != 0);
        CHECK_INT(peer.status, rows[i].status);
        CHECK_INT(us.messages, 0);
        CHECK_INT(us.lost, rows[i].lost);
        if (!rows[i].lost) {
            /* The next one is read. */
            octets = options();
            say(&w, "PEER", &octets);
            turn_until(us.messages == 1);
        }
        wish_end(&w);
        world_end();
    }
}

/* RFC 5626 section 4.4.1: the pong is read as nothing, and the connection lives. */
static void ping(void)
{
    struct gh_buf octets;
    struct wish w = { 0 };

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    octets = text("\r\n\r\n");
    say(&w, "PEER", &octets);
    octets = options();
    say(&w, "PEER", &octets);
    turn_until(us.messages == 1);
    CHECK_INT(us.lost + peer.lost, 0);
    wish_end(&w);
    world_end();
}

/* One octet at a time, and several at once. */
static void pieces(void)
{
    struct gh_buf octets, one;
    struct wish w = { 0 };

    world_begin();
    node_open(&us, "border", 1, NULL, US, NULL);
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    one = options();
    for (size_t i = 0; i < one.len; i++) {
        octets = (struct gh_buf){ 0 };
        gh_buf_add(&octets, gh_span_of(one.p + i, 1));
        say(&w, "PEER", &octets);
    }
    gh_buf_fini(&one);
    turn_until(us.messages == 1);
    octets = (struct gh_buf){ 0 };
    for (int i = 0; i < 5; i++) {
        one = options();
        gh_buf_add(&octets, gh_buf_span(&one));
        gh_buf_fini(&one);
    }
    say(&w, "PEER", &octets);
    turn_until(us.messages == 6);
    CHECK_INT(us.method, GH_SIP_OPTIONS);
    wish_end(&w);
    world_end();
}

int main(void)
{
    RUN(a_neighbour);
    RUN(a_stranger);
    RUN(a_stranger_with_more);
    RUN(an_intermediate_for_servers);
    RUN(clear_neighbours);
    RUN(a_proof_that_runs_out);
    RUN(bad_messages);
    RUN(ping);
    RUN(pieces);
    return CHECK_REPORT();
}
