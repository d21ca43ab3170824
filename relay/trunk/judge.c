/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standing: the two steps behind a handshake.  The leaf (or the source address) names the trunk;
 * then that trunk alone judges everything again: its roots, the clock, EKU, strength, version,
 * cipher. Source: RFC 5922 section 7; the rules themselves are policy's.
 */
#include "trunk/trunk_int.h"

#include <stdlib.h>

struct gh_papers *gh_papers_ref(struct gh_papers *papers)
{
    papers->refs++;
    return papers;
}

void gh_papers_unref(struct gh_papers *papers)
{
    if (papers && --papers->refs == 0)
        free(papers);
}

/* The presented name that made the match, for records: what the neighbour proved to be called. */
static void take_name(struct gh_papers *papers, const struct gh_cert_facts *cert,
                      const struct gh_trunk_rules *rules)
{
    for (size_t i = 0; i < cert->name_count; i++) {
        struct gh_cert_facts one = *cert;

        one.names = &cert->names[i];
        one.name_count = 1;
        if (gh_policy_name_fits(&one, rules)) {
            memcpy(papers->name, cert->names[i].text, sizeof(papers->name));
            return;
        }
    }
}

static struct gh_standing judge(struct gh_peer *peer, const struct gh_conn_facts *facts)
{
    struct gh_config *config = peer->trunks->config;
    struct gh_standing refused = { .signalling = facts->transport == GH_TRANSPORT_TLS
                                                     ? GH_SIG_TLS_UNVERIFIED
                                                     : GH_SIG_CLEAR };
    struct gh_chain_facts chain;
    int64_t now_us = gh_wall_us();

    if (facts->role == GH_ROLE_SERVER) {
        struct gh_trunk_match match = gh_policy_match_trunk(facts, gh_conn_listener(peer->conn),
                                                            config->rules, config->trunk_count);

        peer->trunk = match.trunk ? gh_config_trunk_by_id(config, match.trunk->id) : NULL;
        if (!peer->trunk) {
            refused.reason = match.by_host ? GH_REASON_AMBIGUOUS_CERTIFICATE : match.reason;
            return refused;
        }
    }
    if (facts->transport != GH_TRANSPORT_TLS)
        return gh_policy_admit(facts, &peer->trunk->rules, NULL, now_us);
    gh_cert_verify(peer->chain, peer->trunk->trust_store, facts->role, now_us, &chain);
    return gh_policy_admit(facts, &peer->trunk->rules, &chain, now_us);
}

static void on_expiry(void *arg, uint64_t now_ms)
{
    struct gh_peer *peer = arg;

    (void)now_ms;
    if (peer->closing)
        return; /* it says goodbye already */
    if (gh_peer_judge(peer)) {
        peer->closing = true;
        gh_conn_close(peer->conn, GH_REASON_INTERNAL);
    }
}

/* Judge again when the first certificate of the chain expires; a clock that was set is noticed
 * within the hour. */
static void start_expiry(struct gh_peer *peer)
{
    const int64_t longest_ms = 3600 * 1000;
    uint64_t now_ms = gh_loop_now_ms(peer->trunks->loop);
    int64_t left_ms;

    if (peer->papers->standing.proven_until_us == INT64_MAX)
        return;
    left_ms = (peer->papers->standing.proven_until_us - gh_wall_us()) / 1000 + 1;
    if (left_ms > longest_ms)
        left_ms = longest_ms;
    if (left_ms < 1)
        left_ms = 1;
    if (gh_timer_start(gh_loop_timers(peer->trunks->loop), &peer->expiry,
                       now_ms + (uint64_t)left_ms, on_expiry, peer)) {
        peer->closing = true; /* nobody would notice the end of the proof */
        gh_conn_close(peer->conn, GH_REASON_INTERNAL);
    }
}

int gh_peer_judge(struct gh_peer *peer)
{
    struct gh_trunks *trunks = peer->trunks;
    const struct gh_conn_facts *facts = gh_conn_facts(peer->conn);
    struct gh_papers *papers = calloc(1, sizeof(*papers)), *old = peer->papers;
    bool was_good = gh_peer_good(peer);

    if (!papers)
        return GH_ENOMEM;
    papers->refs = 1;
    papers->conn = gh_conn_id(peer->conn);
    papers->generation = ++trunks->generation;
    papers->facts = *facts;
    papers->facts.cert.names = NULL;
    papers->facts.cert.name_count = 0;
    papers->standing = judge(peer, facts);
    /* It was in order when it connected: another cause than a certificate that came expired. */
    if (was_good && papers->standing.reason == GH_REASON_CERT_EXPIRED)
        papers->standing.reason = GH_REASON_CERT_EXPIRED_SINCE;
    if (peer->trunk && facts->peer_cert)
        take_name(papers, &facts->cert, &peer->trunk->rules);
    peer->papers = papers;
    gh_conn_set_generation(peer->conn, papers->generation);

    if (gh_peer_good(peer)) {
        gh_conn_admit(peer->conn);
        start_expiry(peer);
        if (!was_good && !peer->closing) {
            gh_report_accept(peer);
            peer->announced = true;
            trunks->handlers.ready(trunks->handlers.arg, papers);
        }
    } else if (facts->transport == GH_TRANSPORT_TLS || !old) {
        gh_report_refuse(trunks, peer, facts, papers->standing.reason, NULL);
    }
    if (peer->announced && !gh_peer_good(peer)) {
        peer->announced = false;
        trunks->handlers.lost(trunks->handlers.arg, old);
    }
    gh_papers_unref(old);
    /* A connection whose proof ran out carries nothing more; the neighbour connects again. */
    if (old && !gh_peer_good(peer)) {
        peer->closing = true;
        gh_conn_close(peer->conn, papers->standing.reason);
    }
    return 0;
}
