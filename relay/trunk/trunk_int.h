/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of trunk/ share; nobody else includes it. */
#ifndef GH_TRUNK_INT_H
#define GH_TRUNK_INT_H

#include <sys/queue.h>

#include "net/dns.h"
#include "sip/framer.h"
#include "trunk/trunk.h"

TAILQ_HEAD(gh_wants, gh_want);

#define GH_PEER_TARGETS_MAX 8  /* addresses of one destination that are tried */

/* One connection, incoming or outgoing: the owner of a struct gh_conn. */
struct gh_peer {
    TAILQ_ENTRY(gh_peer) all;
    struct gh_trunks *trunks;
    struct gh_conn *conn;          /* NULL while a name is being resolved */
    struct gh_dns_lookup *lookup;
    /* outgoing: addresses of the destination, in order */
    struct gh_addr targets[GH_PEER_TARGETS_MAX];
    size_t target_count, target;   /* @target: the next to try */
    struct gh_papers *papers;      /* NULL until the handshake was judged */
    struct gh_chain *chain;        /* for judging again; NULL without TLS */
    struct gh_sip_framer framer;
    /* outgoing: the trunk that it is for; incoming: once judged, or NULL */
    const struct gh_config_trunk *trunk;
    int destination;               /* outgoing: index; else GH_DESTINATION_NONE */
    /* starts with good papers; judges again when proven_until has passed */
    struct gh_timer expiry;
    bool closing;
    /* outgoing: who answered is not the neighbour; it is on record */
    bool refused;
    bool announced;                /* handlers.ready was called: handlers.lost is due */
};

#define GH_WANT_FAULT_MAX 128

struct gh_want {
    TAILQ_ENTRY(gh_want) link;
    struct gh_trunks *trunks;
    gh_trunk_id trunk;
    uint32_t skip;                 /* destinations tried, or not wanted */
    enum gh_reason reason;         /* of the last failure */
    char fault[GH_WANT_FAULT_MAX]; /* see gh_trunk_want_fault */
    struct gh_peer *peer;          /* the connection that it waits for; NULL: decided, see @timer */
    struct gh_timer timer;         /* calls fn on the next turn of the loop */
    gh_want_fn fn;
    void *arg;
};

struct gh_trunks {
    struct gh_loop *loop;
    struct gh_config *config;
    struct gh_audit *audit;
    struct gh_net *net;
    struct gh_dns *dns;
    FILE *trace;
    struct gh_trunk_handlers handlers;
    uint64_t generation;           /* of the last judgement */
    bool closing;
    const char *failure;           /* why the newest attempt failed, a static text; or NULL */
    char want_fault[GH_WANT_FAULT_MAX]; /* of the wish whose callback runs */
    TAILQ_HEAD(, gh_peer) peers;
    struct gh_wants wants;
};

/* ---- judge.c: papers ---- */

/** Judge @peer's connection now and give it new papers.  @return 0 or GH_ENOMEM */
int gh_peer_judge(struct gh_peer *peer);

static inline bool gh_peer_good(const struct gh_peer *peer)
{
    return peer->papers && !peer->closing && peer->papers->standing.reason == GH_REASON_NONE;
}

/* ---- report.c: what is written down ---- */

/** tls.accept and the log line of a connection that was judged well. */
void gh_report_accept(struct gh_peer *peer);

/** tls.refuse and its one log line: trunk or listener, peer, role, reason, presented and expected
 * names, what to change. */
void gh_report_refuse(struct gh_trunks *trunks, const struct gh_peer *peer,
                      const struct gh_conn_facts *facts, enum gh_reason reason, const char *text);

/* A message that ends in trunk/.  No text of the peer. */
struct gh_refused_message {
    enum gh_reason reason;         /* of the refusal */
    /* a mark beside it: the message showed a key where none may be; or NONE */
    enum gh_reason exposed;
    const struct gh_sip_msg *msg;  /* NULL: it did not parse */
    const char *header, *text;     /* what is wrong where: static texts */
};

/** policy.refuse and its log line.  One with exposed keys never folds into one without. */
void gh_report_message(struct gh_peer *peer, const struct gh_refused_message *refused);

/** The message with keys blanked goes to the trace file.  @to_us  direction */
void gh_trunk_trace(struct gh_trunks *trunks, const struct gh_papers *papers, bool to_us,
                    struct gh_span octets);

/* ---- receive.c: octets to messages ---- */

/** Octets of @peer.  May close it. */
void gh_peer_receive(struct gh_peer *peer, struct gh_span octets);

/** @peer is gone: what came and was not read to its end is searched for keys that it exposed. */
void gh_peer_abandon(struct gh_peer *peer);

/* ---- want.c ---- */

/** @peer came up in good standing, or will not (reason; of no_destination in gh_trunks.failure). */
void gh_wants_settle(struct gh_trunks *trunks, struct gh_peer *peer, enum gh_reason reason);

/** Destinations of a trunk; an SRV name counts as one. */
size_t gh_destination_count(const struct gh_config_trunk *trunk);

/* ---- connect.c ---- */

/** Start a connection to a destination: resolve its name if it has one.  @return NULL when that
 * cannot even be tried */
struct gh_peer *gh_peer_connect(struct gh_trunks *trunks, const struct gh_config_trunk *trunk,
                                int destination);

/** Start the connection to the next address of its destination.  @return whether there was one */
bool gh_peer_connect_next(struct gh_peer *peer);

/* ---- trunk.c ---- */

void gh_peer_free(struct gh_peer *peer);

#endif
