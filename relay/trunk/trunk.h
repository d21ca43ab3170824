/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbours at run time: who a connection proves to be, which connection carries a message,
 * and what is written down about both.  Everything that reaches call/ from here came over a
 * connection whose standing is in order; what did not is answered here (400, 403) and goes no
 * further.
 *
 * Thread: signalling, for everything.
 */
#ifndef GH_TRUNK_H
#define GH_TRUNK_H

#include <stdio.h>

#include "audit/writer.h"
#include "config/config.h"
#include "net/dns.h"
#include "net/net.h"
#include "sip/msg.h"

struct gh_trunks;

/*
 * The papers of a connection: its facts and what they proved when they were judged.  Immutable;
 * judged anew means new papers with another generation.  Whoever keeps them for later takes a
 * reference.
 */
struct gh_papers {
    unsigned refs;
    uint64_t conn;                  /* id of the connection */
    uint64_t generation;            /* of this judgement; never 0 */
    struct gh_conn_facts facts;     /* without the list of names */
    /* the certificate's name that fits the trunk; "" without TLS */
    char name[GH_CERT_NAME_MAX + 1];
    struct gh_standing standing;
};

struct gh_papers *gh_papers_ref(struct gh_papers *papers);
void gh_papers_unref(struct gh_papers *papers);

struct gh_trunk_handlers {
    void *arg;
    /* A complete message over a connection in good standing.  @msg is taken; @papers borrowed. */
    void (*message)(void *arg, struct gh_papers *papers, struct gh_sip_msg *msg);
    /* A connection is there and in good standing. */
    void (*ready)(void *arg, struct gh_papers *papers);
    /* A connection that had been in good standing is gone, or its standing is no longer good. */
    void (*lost)(void *arg, struct gh_papers *papers);
    /* Keys came over a connection that may carry none, in what ends in trunk/: of a stranger, not
     * read to its end, or no SIP.  @trunk  0: nobody's; @msg  NULL: it did not parse.  All
     * borrowed */
    void (*exposed)(void *arg, gh_trunk_id trunk, const struct gh_sip_msg *msg,
                    struct gh_span octets);
};

struct gh_trunks_params {
    struct gh_loop *loop;
    struct gh_config *config;       /* one reference is taken */
    struct gh_audit *audit;         /* borrowed */
    /* NULL, or where every message goes with its keys blanked; borrowed */
    FILE *trace;
    struct gh_trunk_handlers handlers;
    struct gh_dns_params dns;       /* zeroed: the system's servers */
};

int gh_trunks_new(struct gh_trunks **out, const struct gh_trunks_params *params);

/** Open every listener.  @text  on failure: which one and why.  @return 0 or a system error */
int gh_trunks_listen(struct gh_trunks *trunks, char *text, size_t text_len);

/** Close all connections and listeners; the loop must run on for it.  Wishes are forgotten without
 * a call: every struct gh_want is invalid from now on. */
void gh_trunks_close(struct gh_trunks *trunks);
void gh_trunks_free(struct gh_trunks *trunks);

/* ---- connections to write on ----------------------------------------------------------------- */

/** The papers of connection @conn as they are now.  @return borrowed; NULL: gone, or not in good
 * standing, or another trunk's */
struct gh_papers *gh_trunk_live(struct gh_trunks *trunks, gh_trunk_id trunk, uint64_t conn);

/** Any connection of the trunk in good standing.  @return borrowed, or NULL */
struct gh_papers *gh_trunk_live_any(struct gh_trunks *trunks, gh_trunk_id trunk);

#define GH_DESTINATION_NONE (-1)

/* A wish for a connection. */
struct gh_want;

/**
 * @papers       borrowed; NULL: no destination could be reached or admitted
 * @destination  index of the trunk's destination, or GH_DESTINATION_NONE for an incoming connection
 * @reason       why not
 */
typedef void (*gh_want_fn)(void *arg, struct gh_papers *papers, int destination,
                           enum gh_reason reason);

/**
 * Get a live, admitted connection to a trunk: to the first destination that works, in order,
 * without those in @skip; a trunk without destinations gives a connection that it opened to us.
 * @fn is called once, never from inside.
 *
 * @skip  bit set of destinations already tried
 * @out   for gh_trunk_unwant; invalid as soon as @fn was called
 * @return 0 or GH_ENOMEM
 */
int gh_trunk_want(struct gh_trunks *trunks, gh_trunk_id trunk, uint32_t skip, gh_want_fn fn,
                  void *arg, struct gh_want **out);

/** Inside a gh_want_fn that got no papers: the system's words for each way in which destinations
 * were not reached, "; " between; "" when that was not it.  No address: a caller may read it. */
const char *gh_trunk_want_fault(const struct gh_trunks *trunks);

/** Forget a wish; @fn will not be called.  NULL is fine. */
void gh_trunk_unwant(struct gh_trunks *trunks, struct gh_want *want);

/**
 * Write a message that was gated under @papers.  @octets are taken and wiped on every path.
 * @return 0, GH_ESTALE (judged anew since: gate and write again), GH_ECLOSED
 */
int gh_trunk_send(struct gh_trunks *trunks, const struct gh_papers *papers, struct gh_buf *octets);

/** Does the trunk have destinations of its own, other than those in @skip? */
bool gh_trunk_has_more(const struct gh_trunks *trunks, gh_trunk_id trunk, uint32_t skip);

#endif
