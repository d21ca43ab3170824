/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by txn.c (table, timers, dispatch), txn_server.c and txn_client.c (the state machines). */
#ifndef GH_SIP_TXN_INT_H
#define GH_SIP_TXN_INT_H

#include "sip/txn.h"

/* A 2xx of one fork, and our ACK to it. */
struct gh_txn_fork {
    char *to_tag;
    struct gh_buf ack; /* empty until gh_txn_ack_2xx */
    unsigned carriers;
};

/* How many transactions one trunk has, and what they keep. */
struct gh_txn_share {
    struct gh_txn_share *next;
    uint32_t trunk;
    size_t count, octets;
};

struct gh_txn {
    struct gh_txns *txns;
    struct gh_txn_share *share;
    struct gh_txn *next, *prev; /* all transactions, newest first */

    /* the key, in this order */
    uint32_t trunk;
    bool server;
    struct gh_span branch, sent_by, method_name;
    char *key_text;              /* what these three point into */
    size_t weight;               /* what it adds to its share's octets */

    enum gh_sip_method method;
    enum gh_txn_state state;
    bool reliable;
    uint64_t conn;
    void *user;
    bool detached;               /* no callback but send */

    /*
     * Both run from the first moment to the last, parked at NEVER when they have nothing to do: so
     * no transition can fail for want of memory.
     */
    struct gh_timer again;       /* A, E, G, and our 2xx: sends `last` again */
    struct gh_timer end;         /* B, D, F, H, J, K, L, M, and an end put off: see `why` */
    uint64_t interval_ms;
    enum gh_txn_end why;

    struct gh_sip_msg *request;
    struct gh_buf last;          /* server: last response; client over UDP: the request */
    unsigned last_carriers;

    /* server */
    char *to_tag;                /* of our responses */
    bool acked;

    /* client */
    struct gh_txn_client client;
    bool waiting;                /* its connection is gone, it has a provisional response */
    uint64_t end_before_wait_ms; /* when `end` was due before that */
    bool cancel_wanted, cancel_sent;
    char *cancel_reason;
    struct gh_txn_fork *forks;
    size_t fork_count;
};

#define GH_TXN_NEVER UINT64_MAX

struct gh_txns {
    struct gh_timerq *timers;
    struct gh_txn_limits limits;
    struct gh_txn_handlers handlers;
    void *tree;                  /* tsearch(3): balanced, so no choice of branches makes it slow */
    struct gh_txn *first;
    size_t count;
    struct gh_txn_share *shares; /* one a trunk: as many as are configured, never given back */
    struct gh_txn_counters counters;
};

/* The key of a message's top Via; @method as text. */
struct gh_txn_key {
    uint32_t trunk;
    bool server;
    struct gh_sip_via via;
    struct gh_span method;
};

/** @return 0, GH_EEXISTS, GH_EFULL or GH_ENOMEM.  Its timers run, parked. */
int gh_txn_create(struct gh_txn **out, struct gh_txns *txns, const struct gh_txn_key *key);
struct gh_txn *gh_txn_find(const struct gh_txns *txns, const struct gh_txn_key *key);

/** Leaves the table and is freed, without callback. */
void gh_txn_destroy(struct gh_txn *txn);

/** Tells the user, unless detached, and destroys. */
void gh_txn_finish(struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms);

/** Ends with @why at @due_ms, by timer: never from inside the caller. */
void gh_txn_end_at(struct gh_txn *txn, uint64_t due_ms, enum gh_txn_end why);

/** Sends `last` again at @due_ms, then by the doubling of the machine; GH_TXN_NEVER: no more. */
void gh_txn_again_at(struct gh_txn *txn, uint64_t due_ms);

/**
 * What a message that is about to leave carries.  A request, or a body, that would be refused on
 * every leg when it arrived does not leave either.  @return 0 or GH_EINVAL
 */
int gh_txn_judge(const struct gh_sip_msg *msg, unsigned *carriers);

/** A copy of @octets through the owner's send. */
int gh_txn_send_copy(struct gh_txn *txn, struct gh_span octets, unsigned carriers);

/** What it keeps has changed: count anew. */
void gh_txn_weigh(struct gh_txn *txn);

/** Keep @octets as `last`, in no more memory than they need.  @return 0 or GH_ENOMEM; then the old
 *  ones stay */
int gh_txn_keep_last(struct gh_txn *txn, struct gh_span octets, unsigned carriers);

/** Let go of `last` and wipe it. */
void gh_txn_forget_last(struct gh_txn *txn);

/** Is @msg an answer to the request of this server transaction, which has no final response? */
bool gh_txn_fits(const struct gh_txn *txn, const struct gh_sip_msg *msg);

void gh_txn_server_request(struct gh_txns *txns, struct gh_txn *txn, struct gh_sip_msg *msg,
                           uint64_t now_ms);
void gh_txn_server_again(struct gh_txn *txn, uint64_t conn);
void gh_txn_server_ack(struct gh_txn *txn, uint64_t conn, struct gh_sip_msg *msg, uint64_t now_ms);
void gh_txn_server_cancel(struct gh_txn *cancel, struct gh_txn *invite, struct gh_sip_msg *msg,
                          uint64_t now_ms);
void gh_txn_server_timer(struct gh_txn *txn, uint64_t now_ms);

void gh_txn_client_response(struct gh_txn *txn, uint64_t conn, struct gh_sip_msg *msg,
                            uint64_t now_ms);
void gh_txn_client_timer(struct gh_txn *txn, uint64_t now_ms);

#endif
