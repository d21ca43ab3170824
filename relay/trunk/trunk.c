/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of all trunks: born and buried here, judged in judge.c, read in receive.c, wished
 * for in want.c, written about in report.c.
 */
#include "trunk/trunk_int.h"

#include <stdlib.h>

#include "base/log.h"

void gh_peer_free(struct gh_peer *peer)
{
    struct gh_trunks *trunks = peer->trunks;

    gh_dns_cancel(peer->lookup);
    gh_timer_stop(gh_loop_timers(trunks->loop), &peer->expiry);
    TAILQ_REMOVE(&trunks->peers, peer, all);
    gh_sip_framer_fini(&peer->framer);
    gh_chain_unref(peer->chain);
    gh_papers_unref(peer->papers);
    free(peer);
}

/* The owner of a connection; an incoming one gets it here. */
static struct gh_peer *peer_of(struct gh_trunks *trunks, struct gh_conn *conn)
{
    struct gh_peer *peer = gh_conn_owner(conn);

    if (peer)
        return peer;
    peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->trunks = trunks;
    peer->conn = conn;
    peer->destination = GH_DESTINATION_NONE;
    gh_conn_set_owner(conn, peer);
    TAILQ_INSERT_TAIL(&trunks->peers, peer, all);
    return peer;
}

static bool on_up(void *arg, struct gh_conn *conn, struct gh_chain *chain)
{
    struct gh_trunks *trunks = arg;
    struct gh_peer *peer = peer_of(trunks, conn);
    enum gh_reason reason = GH_REASON_INTERNAL;

    if (!peer)
        return false;
    peer->chain = chain ? gh_chain_ref(chain) : NULL;
    if (gh_peer_judge(peer)) {
        peer->closing = true;
    } else {
        reason = peer->papers->standing.reason;
        /* A neighbour that we called and that is not the right one gets nothing from us.  One that
         * called us keeps its connection until its first request was answered with the reason. */
        if (reason != GH_REASON_NONE && peer->destination != GH_DESTINATION_NONE)
            peer->closing = peer->refused = true;
        else if (peer->closing)
            reason = GH_REASON_INTERNAL;
    }
    /* A name may have more addresses than this one: then on_down tries the next. */
    if (peer->destination != GH_DESTINATION_NONE &&
        !(peer->refused && peer->target < peer->target_count))
        gh_wants_settle(trunks, peer, reason);
    if (peer->closing)
        gh_conn_close(conn, reason);
    return !peer->closing;
}

static void on_octets(void *arg, struct gh_conn *conn, struct gh_span octets)
{
    (void)arg;
    gh_peer_receive(gh_conn_owner(conn), octets);
}

/* A handshake that failed is a refusal by one side or the other: it gets its record. */
static void report_failed(struct gh_trunks *trunks, const struct gh_peer *peer,
                          const struct gh_conn_end *end)
{
    char text[GH_ADDR_TEXT_MAX];

    if (end->facts->transport == GH_TRANSPORT_TLS && end->reason != GH_REASON_CONNECTION_LOST &&
        end->reason != GH_REASON_NONE) {
        gh_report_refuse(trunks, peer, end->facts, end->reason, end->text[0] ? end->text : NULL);
        return;
    }
    gh_log(GH_LOG_WARN, "trunk", "connect.fail", "%s=%s peer=%s error=\"%s\" text=%s",
           peer->trunk ? "trunk" : "listener",
           peer->trunk ? peer->trunk->rules.name
                       : trunks->config->listeners[gh_conn_listener(peer->conn)].name,
           gh_addr_text(&end->facts->peer, text), end->err ? gh_err_text(end->err) : "closed",
           gh_log_quote(gh_span_str(end->text)).text);
}

/* Outgoing: nobody answered, or not the neighbour.  Incoming: the handshake was not finished. */
static bool never_stood(const struct gh_peer *peer, const struct gh_conn_end *end)
{
    return peer->refused || (!end->was_up && !peer->papers);
}

/* What those are told who waited for it. */
static enum gh_reason reason_for_wants(const struct gh_peer *peer, const struct gh_conn_end *end)
{
    if (end->reason == GH_REASON_CONNECTION_LOST && never_stood(peer, end))
        return GH_REASON_NO_DESTINATION; /* there never was one to be lost */
    return end->reason == GH_REASON_NONE ? GH_REASON_CONNECTION_LOST : end->reason;
}

/* The next address of the same destination, as if this one had not been.  @return whether there is
 * one */
static bool try_next(struct gh_peer *peer)
{
    gh_papers_unref(peer->papers);
    gh_chain_unref(peer->chain);
    peer->papers = NULL;
    peer->chain = NULL;
    peer->closing = peer->refused = false;
    return gh_peer_connect_next(peer);
}

static void on_down(void *arg, struct gh_conn *conn, const struct gh_conn_end *end)
{
    struct gh_trunks *trunks = arg;
    struct gh_peer *peer = peer_of(trunks, conn);
    enum gh_reason reason;

    if (!peer)
        return;
    reason = reason_for_wants(peer, end);
    if (never_stood(peer, end) && !peer->refused) {
        trunks->failure = end->err ? gh_err_text(end->err) : "the connection was closed";
        report_failed(trunks, peer, end);
    } else {
        /* TLS 1.3: our certificate may be refused after we are up. */
        if (end->reason == GH_REASON_TLS_PEER_REFUSED_OURS)
            gh_report_refuse(trunks, peer, end->facts, end->reason,
                             end->text[0] ? end->text : NULL);
        gh_log(GH_LOG_INFO, "trunk", "conn.down", "trunk=%s conn=%llu reason=%s",
               peer->trunk ? peer->trunk->rules.name : "-", (unsigned long long)gh_conn_id(conn),
               gh_reason_name(end->reason));
    }
    gh_peer_abandon(peer);
    gh_conn_set_owner(conn, NULL);
    if (never_stood(peer, end) && !trunks->closing && try_next(peer))
        return;
    peer->closing = true;
    if (peer->destination != GH_DESTINATION_NONE)
        gh_wants_settle(trunks, peer, reason);
    if (peer->announced) /* also when we closed it */
        trunks->handlers.lost(trunks->handlers.arg, peer->papers);
    gh_peer_free(peer);
}

/* Strangers: a share of the slots, of which one address has few, and time for a handshake and its
 * refusal. */
#define STRANGERS_SHARE       4 /* max_connections / 4 */
#define STRANGERS_PER_ADDRESS 16
#define STRANGER_TIMEOUT_MS   5000

/* Is this where a trunk may call from?  By literal addresses alone: a name may mean anybody. */
static bool is_known(void *arg, const struct gh_addr *address)
{
    const struct gh_trunks *trunks = arg;

    for (size_t i = 0; i < trunks->config->trunk_count; i++) {
        const struct gh_config_trunk *trunk = &trunks->config->trunks[i];

        for (size_t n = 0; n < trunk->rules.peer_address_count; n++) {
            if (gh_addr_same_ip(address, &trunk->rules.peer_addresses[n]))
                return true;
        }
        for (size_t n = 0; n < trunk->destination_count; n++) {
            const struct gh_addr *there = &trunk->destinations[n].addr;

            if (there->family && gh_addr_same_ip(address, there))
                return true;
        }
    }
    return false;
}

static uint32_t at_least_one(uint32_t n)
{
    return n ? n : 1;
}

int gh_trunks_new(struct gh_trunks **out, const struct gh_trunks_params *params)
{
    const struct gh_config *config = params->config;
    struct gh_net_limits limits = {
        .handshake_timeout_ms = config->limits.handshake_timeout_ms,
        .first_message_timeout_ms = config->limits.first_message_timeout_ms,
        .idle_timeout_ms = config->limits.idle_timeout_ms,
        .max_connections = config->limits.max_connections,
        .max_connections_per_address = config->limits.max_connections_per_address,
        .max_strangers = at_least_one(config->limits.max_connections / STRANGERS_SHARE),
        .max_strangers_per_address = STRANGERS_PER_ADDRESS,
        .stranger_timeout_ms = STRANGER_TIMEOUT_MS,
        .max_queued = config->limits.max_queued_octets,
    };
    struct gh_trunks *trunks = calloc(1, sizeof(*trunks));
    struct gh_net_handlers handlers = {
        .arg = trunks, .up = on_up, .octets = on_octets, .down = on_down, .known = is_known
    };
    int err;

    if (!trunks)
        return GH_ENOMEM;
    trunks->loop = params->loop;
    trunks->audit = params->audit;
    trunks->trace = params->trace;
    trunks->handlers = params->handlers;
    TAILQ_INIT(&trunks->peers);
    TAILQ_INIT(&trunks->wants);
    err = gh_net_new(&trunks->net, params->loop, &limits, &handlers);
    if (!err)
        err = gh_dns_new(&trunks->dns, params->loop, &params->dns);
    if (err) {
        if (trunks->net)
            gh_net_close(trunks->net);
        gh_net_free(trunks->net);
        free(trunks);
        return err;
    }
    trunks->config = gh_config_ref(params->config);
    *out = trunks;
    return 0;
}

int gh_trunks_listen(struct gh_trunks *trunks, char *text, size_t text_len)
{
    char addr[GH_ADDR_TEXT_MAX];

    for (size_t i = 0; i < trunks->config->listener_count; i++) {
        const struct gh_config_listener *config = &trunks->config->listeners[i];
        struct gh_net_listener listener = { .index = (unsigned)i, .transport = config->transport,
                                            .address = config->address, .dscp = config->dscp,
                                            .tls = config->tls ? config->tls->server : NULL };
        int err = gh_net_listen(trunks->net, &listener, NULL);

        if (err) {
            snprintf(text, text_len, "listener %s at %s: %s", config->name,
                     gh_addr_text(&config->address, addr), gh_err_text(err));
            return err;
        }
        gh_log(GH_LOG_INFO, "trunk", "listen", "listener=%s address=%s transport=%s", config->name,
               gh_addr_text(&config->address, addr),
               config->transport == GH_TRANSPORT_TLS ? "tls" : "tcp");
    }
    return 0;
}

void gh_trunks_close(struct gh_trunks *trunks)
{
    struct gh_want *want;
    struct gh_peer *peer, *next;

    trunks->closing = true;
    while ((want = TAILQ_FIRST(&trunks->wants)))
        gh_trunk_unwant(trunks, want);
    for (peer = TAILQ_FIRST(&trunks->peers); peer; peer = next) {
        next = TAILQ_NEXT(peer, all);
        if (!peer->conn) /* a name under way: nobody will call back */
            gh_peer_free(peer);
    }
    gh_dns_close(trunks->dns);
    gh_net_close(trunks->net);
}

void gh_trunks_free(struct gh_trunks *trunks)
{
    if (!trunks)
        return;
    gh_dns_free(trunks->dns);
    gh_net_free(trunks->net);
    gh_config_unref(trunks->config);
    free(trunks);
}

int gh_trunk_send(struct gh_trunks *trunks, const struct gh_papers *papers, struct gh_buf *octets)
{
    struct gh_conn *conn = gh_net_conn(trunks->net, papers->conn);

    if (!conn) {
        gh_buf_fini(octets);
        return GH_ECLOSED;
    }
    gh_trunk_trace(trunks, papers, false, gh_buf_span(octets));
    return gh_conn_send(conn, papers->generation, octets);
}
