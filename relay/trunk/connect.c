/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To a destination: its name to addresses, then one address after the other.  Who answers there is
 * nobody until its certificate was judged: DNS says where to knock, not who opens.  Source: RFC
 * 3263 section 4, without NAPTR.
 */
#include "trunk/trunk_int.h"

#include <stdlib.h>

#include "base/log.h"

/* @why  as the log has it; @failure  static words for whoever waits */
static void log_failure(const struct gh_peer *peer, const char *to, const char *why,
                        const char *failure)
{
    peer->trunks->failure = failure;
    gh_log(GH_LOG_WARN, "trunk", "connect.fail", "trunk=%s destination=%s error=\"%s\"",
           peer->trunk->rules.name, to, why);
}

bool gh_peer_connect_next(struct gh_peer *peer)
{
    const struct gh_config_trunk *trunk = peer->trunk;
    char text[GH_ADDR_TEXT_MAX];

    while (peer->target < peer->target_count) {
        const struct gh_config_destination *named =
            trunk->srv ? NULL : &trunk->destinations[peer->destination];
        struct gh_net_connect connect = {
            .transport = trunk->rules.transport,
            .to = peer->targets[peer->target++],
            .from = trunk->source,
            .tls = trunk->tls ? trunk->tls->client : NULL,
            .server_name = named && named->addr.family == 0 ? named->host : NULL,
            .owner = peer,
            .dscp = trunk->listener->dscp,
        };
        int err = gh_net_connect(peer->trunks->net, &connect, &peer->conn);

        if (!err)
            return true;
        log_failure(peer, gh_addr_text(&connect.to, text), gh_err_text(err), gh_err_text(err));
    }
    return false;
}

static void on_resolved(void *arg, const struct gh_dns_answer *answer)
{
    struct gh_peer *peer = arg;

    peer->lookup = NULL;
    peer->trunks->failure = NULL;
    for (size_t i = 0; !answer->err && i < answer->count && i < GH_PEER_TARGETS_MAX; i++)
        peer->targets[peer->target_count++] = answer->targets[i].addr;
    if (answer->err)
        log_failure(peer,
                    peer->trunk->srv ? peer->trunk->srv
                                     : peer->trunk->destinations[peer->destination].host,
                    answer->text && answer->text[0] ? answer->text : gh_err_text(answer->err),
                    "its name has no address");
    if (gh_peer_connect_next(peer))
        return;
    peer->closing = true;
    gh_wants_settle(peer->trunks, peer, GH_REASON_NO_DESTINATION);
    gh_peer_free(peer);
}

static bool resolve(struct gh_peer *peer)
{
    const struct gh_config_trunk *trunk = peer->trunk;
    struct gh_dns_query query = { .kind = GH_DNS_SRV, .name = trunk->srv };

    if (!trunk->srv) {
        query.kind = GH_DNS_HOST;
        query.name = trunk->destinations[peer->destination].host;
        query.port = trunk->destinations[peer->destination].port;
    }
    return gh_dns_lookup(peer->trunks->dns, &query, on_resolved, peer, &peer->lookup) == 0;
}

struct gh_peer *gh_peer_connect(struct gh_trunks *trunks, const struct gh_config_trunk *trunk,
                                int destination)
{
    const struct gh_config_destination *to = trunk->srv ? NULL : &trunk->destinations[destination];
    struct gh_peer *peer = calloc(1, sizeof(*peer));
    bool started;

    trunks->failure = NULL;
    if (!peer)
        return NULL;
    peer->trunks = trunks;
    peer->trunk = trunk;
    peer->destination = destination;
    TAILQ_INSERT_TAIL(&trunks->peers, peer, all);
    if (to && to->addr.family) {
        peer->targets[0] = to->addr;
        peer->targets[0].port = to->port;
        peer->target_count = 1;
        started = gh_peer_connect_next(peer);
    } else {
        started = resolve(peer);
    }
    if (started)
        return peer;
    gh_peer_free(peer);
    return NULL;
}
