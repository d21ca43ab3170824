/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out at any moment of a connection's life: a wish is answered all the same,
 * nothing is told twice, and the next wish works.
 */
#include "support_trunk.h"

#include "../net/support_dns.h"
#include "support/alloc_fail.h"

#if GH_ALLOC_CAN_FAIL

#define US                                                                                         \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [peer.example.net], "       \
    "srv: _sips._tcp.example.net, srtp: required}\n"
#define NEIGHBOUR                                                                                  \
    "  PEER: {security_profile: encrypted, listener: core, peer_names: [border.example.net], "     \
    "destinations: [\"@1:5061\"], srtp: required}\n"

static struct node us, peer;
static char address[16];

/* A wish and one message; either may fail.  @return whether the wish was taken at all */
static bool one_round(struct wish *w)
{
    struct gh_buf octets = { 0 };

    *w = (struct wish){ 0 };
    if (gh_trunk_want(us.trunks, trunk_id(&us, "PEER"), 0, wish_answer, w, &w->want))
        return false;
    turn_until(w->calls);
    if (w->papers) {
        gh_buf_str(&octets, "OPTIONS sip:9898@192.0.2.9 SIP/2.0\r\nX: broken\r\n"
                            "Content-Length: 0\r\n\r\n");
        gh_trunk_send(us.trunks, w->papers, &octets);
        gh_conn_close(conn_of(&us, w->papers), GH_REASON_OPERATOR);
    }
    turn_until(TAILQ_EMPTY(&us.trunks->peers) && TAILQ_EMPTY(&peer.trunks->peers));
    return true;
}

static void everywhere(void)
{
    const struct dns_row rows[] = {
        { "_sips._tcp.example.net", DNS_SRV, "10 1 5061 a.example.net", 0, DNS_SAYS },
        { "a.example.net", DNS_A, address, 0, DNS_SAYS },
        { NULL, 0, NULL, 0, DNS_SAYS },
    };
    struct dns_server *server;
    int wishes = 0, answers = 0;
    long tried = 0;

    world_begin();
    snprintf(address, sizeof(address), "%s", host(2));
    server = dns_server_open(test_loop, rows);
    node_open(&us, "border", 1, NULL, US, dns_server_csv(server));
    node_open(&peer, "peer", 2, NULL, NEIGHBOUR, NULL);
    for (long n = 1;; n++) {
        struct wish w;
        bool taken, failed;

        alloc_fail_at(n);
        taken = one_round(&w);
        failed = alloc_failed();
        CHECK(taken || failed);
        wishes += taken;
        answers += w.calls;
        CHECK(!w.papers || w.reason == GH_REASON_NONE);
        wish_end(&w);
        CHECK_INT(us.lost, us.ready);
        CHECK_INT(peer.lost, peer.ready);
        if (!failed)
            break;
        tried = n;
        /* Nothing is left behind that would hinder the next one. */
        CHECK(one_round(&w));
        CHECK_STR(gh_reason_name(w.reason), "none");
        CHECK(w.papers != NULL);
        wish_end(&w);
    }
    CHECK(tried > 20);
    CHECK_INT(wishes, answers);
    dns_server_close(server);
    world_end();
}

int main(void)
{
    RUN(everywhere);
    return CHECK_REPORT();
}

#else

int main(void)
{
    puts("no allocation can be made to fail here");
    return 0;
}

#endif
