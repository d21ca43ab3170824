/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions: RFC 3261 sections 9 and 17 with the corrections of RFC 6026 (Accepted state), for
 * UDP and streams.
 *
 * Isolation.  A transaction is keyed by its trunk first, then by branch, sent-by and method.  A
 * message names the trunk that it came from as argument; nothing from one trunk can find a
 * transaction of another.
 *
 * Who does what.  Here: timers, retransmission, absorbing what comes twice, 100 to an INVITE, ACK
 * to a final response that is not 2xx, 200 or 481 to CANCEL, retransmission of our 2xx until
 * gh_txn_acked, ACK again for a 2xx that comes again, ACK without body to the 2xx of a re-INVITE
 * whose user has gone.  The user: every other response and request, dialogs, ring timeout, choice
 * of destination.
 *
 * Life.  A transaction that was given to its user lives until `ended` was called for it, which
 * happens exactly once. No callback but `send` is ever called from inside a function that the user
 * calls on a transaction.
 *
 * The gate on departure.  All octets leave through `send`, with what they carry as read back out of
 * these very octets; retransmissions too.  (The ACK to a response that is not 2xx has no body and
 * is not read back.)  `send` maps trunk and connection to a live, admitted connection, asks the
 * gate, and sends.  A request, or a body, that no leg may bring does not get that far: GH_EINVAL.
 *
 * Thread: signalling.  Time is an argument.
 */
#ifndef GH_SIP_TXN_H
#define GH_SIP_TXN_H

#include "base/buf.h"
#include "base/timerq.h"
#include "sip/msg.h"

/* RFC 3261 section 17, table 4 */
#define GH_TXN_T1_MS      500
#define GH_TXN_T2_MS      4000
#define GH_TXN_T4_MS      5000
#define GH_TXN_TIMEOUT_MS (64 * GH_TXN_T1_MS) /* timers B, F, H, J, L, M */
#define GH_TXN_D_MS       32000
#define GH_TXN_FORKS_MAX  8 /* 2xx of different forks of one INVITE whose ACK is kept */

struct gh_txns; /* all transactions of the process */
struct gh_txn;

enum gh_txn_state {
    GH_TXN_TRYING = 0, /* client: Calling or Trying; server: no response yet */
    GH_TXN_PROCEEDING,
    GH_TXN_COMPLETED,
    GH_TXN_CONFIRMED,  /* server INVITE: ACK to a final response that is not 2xx came */
    GH_TXN_ACCEPTED,   /* INVITE: 2xx */
    GH_TXN_TERMINATED
};

/* Why a transaction ended. */
enum gh_txn_end {
    GH_TXN_DONE = 0,   /* as it should */
    GH_TXN_TIMEOUT,    /* client: no final response (B, F, or after CANCEL) */
    GH_TXN_NO_ACK,     /* server INVITE: no ACK to the final response (H, or 64*T1 after a 2xx) */
    GH_TXN_CONN_LOST,  /* client: the connection is gone and none of the trunk came in time */
    GH_TXN_NOT_SENT    /* `send` failed */
};

/* What the one owner of the table installs. */
struct gh_txn_handlers {
    void *arg;

    /**
     * Send on a live, admitted connection of gh_txn_trunk(txn): on gh_txn_conn(txn) if that still
     * is one, else on another (RFC 3261 section 18.2.2); UDP: to where the transaction's user
     * knows.
     * @octets    taken and wiped, on every path
     * @carriers  enum gh_carriers of these octets
     * @return 0, or an error: when it was a final response, the transaction ends with
     * GH_TXN_NOT_SENT
     */
    int (*send)(void *arg, struct gh_txn *txn, struct gh_buf *octets, unsigned carriers);

    /* A new request: not ACK, not CANCEL.  The user answers it with gh_txn_respond, now or later:
     * who answers later says so with gh_txn_set_user before this returns.  A transaction that has
     * neither final response nor user then is answered 500 and ends.
     * @msg  borrowed; the transaction keeps a reference until it has its final response */
    void (*request)(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t now_ms);

    /* ACK that belongs to a 2xx (or to nothing).  Match it to a dialog of @trunk, then
     * gh_txn_acked. */
    void (*ack)(void *arg, uint32_t trunk, uint64_t conn, struct gh_sip_msg *msg, uint64_t now_ms);

    /* The caller gave up; the CANCEL was answered 200.  Answer @invite 487. */
    void (*cancelled)(void *arg, struct gh_txn *invite, struct gh_sip_msg *cancel, uint64_t now_ms);

    /* A server transaction ended.  The last call for it. */
    void (*ended)(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms);
};

/* What the user of one client transaction installs. */
struct gh_txn_client {
    void *arg;
    /* A response: each provisional, each 2xx to INVITE once per To tag, one other final one.  @msg
     * borrowed */
    void (*response)(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                     uint64_t now_ms);
    /* The last call.  After a final response @why is GH_TXN_DONE. */
    void (*ended)(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms);
};

struct gh_txn_limits {
    size_t max_count;             /* of all transactions; 0: 200000 */
    size_t max_per_trunk;         /* one trunk cannot use up all; 0: a quarter of max_count */
    /* What the transactions of one trunk keep: requests, responses and ACKs that may be sent
     * again, keys.  Over it no request of that trunk gets a transaction; over half of it, answers
     * that need not be repeated by themselves (streams; not a 2xx to INVITE) are not kept.  0: 64
     * MiB */
    size_t max_octets_per_trunk;
    uint64_t reconnect_grace_ms;  /* 0: 5000 */
};

int gh_txns_new(struct gh_txns **out, struct gh_timerq *timers, const struct gh_txn_limits *limits,
                const struct gh_txn_handlers *handlers);

/** Ends every transaction without any callback.  NULL is fine. */
void gh_txns_free(struct gh_txns *txns);

size_t gh_txns_count(const struct gh_txns *txns);

/** Octets that count against max_octets_per_trunk now. */
size_t gh_txns_octets(const struct gh_txns *txns, uint32_t trunk);

struct gh_txn_counters {
    uint64_t absorbed;        /* requests and responses that came again */
    uint64_t stray_responses; /* of no transaction of their trunk */
    uint64_t refused;         /* requests over a limit: GH_EFULL, GH_ELIMIT */
};
const struct gh_txn_counters *gh_txns_counters(const struct gh_txns *txns);

/**
 * A message came.  Everything else follows by callback, before this returns.
 *
 * @trunk     that the connection proves; never 0
 * @conn      id of the connection that brought it; 0 for UDP
 * @reliable  TCP or TLS
 * @msg       borrowed; not ->bad
 * @return 0; GH_EFULL: too many transactions, or octets in them: the caller may answer a request
 *         503 without one; GH_ELIMIT: what an answer must repeat of this request leaves no room for
 *         an answer: the caller may answer it 513 without one; GH_ENOMEM
 */
int gh_txns_receive(struct gh_txns *txns, uint32_t trunk, uint64_t conn, bool reliable,
                    struct gh_sip_msg *msg, uint64_t now_ms);

/**
 * A connection is gone.  Client transactions on it without a provisional response end with
 * GH_TXN_CONN_LOST; those with one wait reconnect_grace for gh_txns_conn_up of the same trunk, or a
 * response over another connection of it.
 */
void gh_txns_conn_lost(struct gh_txns *txns, uint64_t conn, uint64_t now_ms);
void gh_txns_conn_up(struct gh_txns *txns, uint32_t trunk, uint64_t conn);

/* ---- any transaction ----------------------------------------------------------------- */

uint32_t gh_txn_trunk(const struct gh_txn *txn);
/** The connection that carried its request; after a reconnect the new one.  0: UDP. */
uint64_t gh_txn_conn(const struct gh_txn *txn);
bool gh_txn_is_server(const struct gh_txn *txn);
enum gh_sip_method gh_txn_method(const struct gh_txn *txn);
enum gh_txn_state gh_txn_state(const struct gh_txn *txn);
/**
 * The request.  Server: NULL once its final response was given.  Client: without body.  A client
 * INVITE that has a 2xx shows it inside `response` only, and has of its headers what a dialog is
 * made from from the second 2xx on.
 */
const struct gh_sip_msg *gh_txn_request(const struct gh_txn *txn);
/** The CSeq number of the request, always. */
uint32_t gh_txn_cseq(const struct gh_txn *txn);

/** A pointer of the user, e.g. the call or, for UDP, the destination.  NULL at first. */
void gh_txn_set_user(struct gh_txn *txn, void *user);
void *gh_txn_user(const struct gh_txn *txn);

/** The user is going away: no callback but `send` for this transaction any more, and gh_txn_user is
 *  NULL; it ends by itself.  A server transaction without final response is answered 500, and ends
 *  also when that cannot be written; a client INVITE without one is cancelled, and a 2xx that comes
 *  all the same is acknowledged if the INVITE was inside a dialog. */
void gh_txn_detach(struct gh_txn *txn, uint64_t now_ms);

/* ---- server -------------------------------------------------------------------------- */

/**
 * Send a response, built with gh_sip_out_reply from the request of this transaction.
 *
 * 2xx to INVITE is sent again, T1 doubling to T2, until gh_txn_acked; without it `ended` says
 * GH_TXN_NO_ACK after 64*T1.  Reliable provisional responses (RFC 3262) are repeated by the user.
 *
 * @octets  taken and wiped, on every path
 * @return 0; GH_ESTATE: there was a final response already; GH_EINVAL, GH_ESYNTAX: not a response
 * to this request;
 *         else what `send` returned: after a final response `ended` follows
 */
int gh_txn_respond(struct gh_txn *txn, struct gh_buf *octets, uint64_t now_ms);

/** The ACK to our 2xx came.  Fine when it came before, and in any state. */
void gh_txn_acked(struct gh_txn *txn);

/* ---- client -------------------------------------------------------------------------- */

/**
 * Send a request, not an ACK.  Its top Via is ours, with a branch of gh_sip_draw_branch.
 *
 * @conn    that `send` shall use; 0 for UDP
 * @octets  taken and wiped, on every path
 * @user    see gh_txn_set_user; known to `send` already
 * @return 0; GH_ESYNTAX: we wrote what we would not read ourselves; GH_EEXISTS: branch in use;
 * GH_EFULL; GH_ENOMEM; else
 *         what `send` returned.  After an error there is no transaction and no callback
 */
int gh_txn_client_new(struct gh_txn **out, struct gh_txns *txns, uint32_t trunk, uint64_t conn,
                      bool reliable,
                      struct gh_buf *octets, const struct gh_txn_client *client, void *user,
                      uint64_t now_ms);

/**
 * Cancel an INVITE (RFC 3261 section 9.1): at once if it has a provisional response, else when the
 * first comes.  A final response still follows by callback; without one in 64*T1 the transaction
 * ends with GH_TXN_TIMEOUT.
 * @reason  value of a Reason header; empty: none
 * @return 0 (also when it was cancelled before); GH_ESTATE: it has a final response, or is no
 * INVITE
 */
int gh_txn_cancel(struct gh_txn *txn, struct gh_span reason, uint64_t now_ms);

/**
 * Send the ACK to a 2xx of this INVITE and keep it: the same 2xx again (same To tag) is answered
 * with it again and not reported (RFC 3261 section 13.2.2.4).
 * @ack  taken and wiped, on every path; built in the dialog of that 2xx
 * @return 0, GH_ESTATE, GH_EINVAL (not an ACK to this INVITE), GH_EFULL (forks), or what `send`
 * returned
 */
int gh_txn_ack_2xx(struct gh_txn *txn, struct gh_buf *ack);

#endif
