/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by txn.c (table, timers, dispatch), txn_server.c and txn_client.c (the state machines). */
#ifndef GH_SIP_TXN_INT_H
#define GH_SIP_TXN_INT_H

#include "sip/txn.h"

/* Octets that are kept, in no more memory than they need.  They may hold keys: wiped when let
 * go. */
struct gh_txn_kept {
    char *p;
    size_t len;
};

/* A 2xx of one fork, and our ACK to it. */
struct gh_txn_fork {
    struct gh_txn_fork *next;
    struct gh_txn_kept ack; /* empty until gh_txn_ack_2xx */
    unsigned carriers;
    char to_tag[];
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
    bool reliable;
    bool detached;               /* no callback but send */
    struct gh_span branch, sent_by, method_name; /* in key_text */
    size_t weight;               /* what it adds to its share's octets */

    enum gh_sip_method method;
    enum gh_txn_state state;
    uint64_t conn;
    void *user;

    /*
     * Both run from the first moment to the last, parked at NEVER when they have nothing to do: so
     * no transition can fail for want of memory.
     */
    struct gh_timer again;       /* A, E, G, and our 2xx: sends `last` again */
    struct gh_timer end;         /* B, D, F, H, J, K, L, M, and an end put off: see `why` */
    uint64_t interval_ms;
    enum gh_txn_end why;

    uint32_t cseq;               /* of the request */
    struct gh_sip_msg *request;
    struct gh_txn_kept last;     /* server: last response; client over UDP: the request */
    unsigned last_carriers;

    /* server */
    bool acked;
    char *to_tag;                /* of our responses */

    /* client */
    bool waiting;                /* its connection is gone, it has a provisional response */
    bool cancel_wanted, cancel_sent;
    uint64_t end_before_wait_ms; /* when `end` was due before `waiting` */
    struct gh_txn_client client;
    char *cancel_reason;
    struct gh_txn_fork *forks;   /* newest first */
    struct gh_txn_kept folded;   /* what is left of the request: see gh_txn_fold */

    char key_text[];             /* branch, sent-by, method */
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

/** A copy of what is kept through the owner's send. */
int gh_txn_send_copy(struct gh_txn *txn, const struct gh_txn_kept *kept, unsigned carriers);

/** What it keeps has changed: count anew. */
void gh_txn_weigh(struct gh_txn *txn);

/** Keep a copy of @octets, which are not empty.  @return 0 or GH_ENOMEM; then the old ones stay */
int gh_txn_keep(struct gh_txn_kept *kept, struct gh_span octets);

/** Wipe and let go.  Fine when nothing is kept. */
void gh_txn_drop(struct gh_txn_kept *kept);

/** Keep @octets as `last`.  @return as gh_txn_keep */
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

/**
 * An INVITE with a 2xx stays for 64*T1 to answer that 2xx again and to hear of other forks (RFC
 * 6026 section 7.2).  For that long its request is folded: parsed it is many times as large as the
 * few lines that are needed.  Without memory, and in any other state, nothing changes.
 */
void gh_txn_fold(struct gh_txn *txn);

/** Makes the request of those lines, if it is folded.  @return 0 or GH_ENOMEM */
int gh_txn_unfold(struct gh_txn *txn);

#endif
