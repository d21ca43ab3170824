/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reliable provisional responses (RFC 3262), both roles, for a back-to-back user agent that relays
 * them: the neighbour's 1xx comes in, one of ours goes out, the PRACK comes back the same way.
 *
 *      A                     we                      B
 *      |                      |<-- 183 RSeq: 7 ------|   gh_rel_in_take: GH_REL_NEW
 *      |<-- 183 RSeq: 4711 ---|                      |   gh_rel_out_send, origin { fork, 7 }
 *      |<-- 183 RSeq: 4711 ---|<-- 183 RSeq: 7 ------|   our timer; GH_REL_AGAIN: absorbed
 *      |--- PRACK RAck: 4711->|                      |   gh_rel_out_prack gives the origin back
 *      |                      |--- PRACK RAck: 7 --->|   gh_rel_rack, in the dialog of that fork
 *      |<-- 200 to PRACK -----|<-- 200 to PRACK -----|   the user's
 *
 * Who does what.  Here: RSeq numbers, repetition, order, matching.  The user: Supported and Require
 * of the INVITE, bodies, the dialogs, the PRACK's own transactions, and the INVITE's rejection.
 *
 * Both are made for one INVITE, also for one inside a dialog.  100 is never reliable.
 * Thread: signalling.  Time is an argument.
 */
#ifndef GH_SIP_RELIABLE_H
#define GH_SIP_RELIABLE_H

#include "base/timerq.h"
#include "sip/out.h"
#include "sip/txn.h"

#define GH_REL_QUEUE_MAX 8 /* responses of one early dialog whose PRACK is due */
#define GH_REL_FORKS_MAX GH_TXN_FORKS_MAX

/* ---- what both roles read and write -------------------------------------------------- */

struct gh_rack {
    uint32_t rseq, cseq;
    struct gh_span method; /* into the message */
};

/** RAck of a PRACK.  @return 0, or GH_ESYNTAX: there is none (answer 400; one that breaks the
 *  grammar does not parse) */
int gh_rel_rack_of(const struct gh_sip_msg *prack, struct gh_rack *out);

/** Write the RAck of our PRACK for the response @rseq to our INVITE with number @cseq. */
void gh_rel_rack(struct gh_sip_out *out, uint32_t rseq, uint32_t cseq);

/* ---- UAC: reliable responses to an INVITE of ours ------------------------------------ */

enum gh_rel_arrival {
    GH_REL_PLAIN = 0, /* not a reliable one: a 100, or without Require: 100rel */
    GH_REL_NEW,       /* the next in order: process it, then PRACK it */
    GH_REL_AGAIN,     /* came before (To tag and RSeq are equal): absorb it */
    GH_REL_DISCARD    /* out of order, without RSeq or To tag, from too many forks, or no memory:
                         neither process nor PRACK it (section 4); the peer sends it again */
};

/* What came to one INVITE, fork by fork.  A zeroed struct is ready. */
struct gh_rel_in {
    struct gh_rel_fork {
        char *to_tag;
        uint32_t first, last; /* RSeq */
    } forks[GH_REL_FORKS_MAX];
    size_t count;
};

/** The struct is ready again.  NULL is fine. */
void gh_rel_in_fini(struct gh_rel_in *in);

/**
 * A provisional response came.  NEW is said once for each response, and counts it: ask once.
 * @rseq  written for NEW and AGAIN
 */
enum gh_rel_arrival gh_rel_in_take(struct gh_rel_in *in, const struct gh_sip_msg *response,
                                   uint32_t *rseq);

/* ---- UAS: reliable responses of ours to a neighbour's INVITE ------------------------- */

/*
 * The reliable responses of one early dialog: an INVITE has one for each To tag that we gave it.
 * One is on its way at a time, the next waits for its PRACK (section 3): it is repeated after T1,
 * 2*T1, 4*T1 ... whatever the transport.
 */
struct gh_rel_out;

/* Where a relayed response came from.  Both are the user's; given back by its PRACK. */
struct gh_rel_origin {
    void *fork;
    uint32_t rseq;
};

struct gh_rel_user {
    void *arg;
    /* No PRACK came in 64*T1: nothing is repeated any more.  Reject the INVITE with 5xx
     * (section 3).  Once; from the timers only; may free @out. */
    void (*expired)(void *arg, struct gh_rel_out *out, uint64_t now_ms);
};

/**
 * @invite  server transaction; borrowed.  When it ends, or is detached, gh_rel_out_final or _free
 *          must have been called
 * @return 0, GH_EINVAL (no server INVITE), GH_ENOMEM or GH_ECRYPTO (the first RSeq is drawn)
 */
int gh_rel_out_new(struct gh_rel_out **out, struct gh_timerq *timers, struct gh_txn *invite,
                   const struct gh_rel_user *user);
/** No call comes from it any more.  NULL is fine. */
void gh_rel_out_free(struct gh_rel_out *out);

/** Write Require: 100rel and the RSeq of the response that gh_rel_out_send takes next.  A Require
 *  of the user's own is not needed. */
void gh_rel_out_headers(const struct gh_rel_out *out, struct gh_sip_out *message);

/**
 * Send a 101..199 that has what gh_rel_out_headers wrote: at once, or, while a PRACK is due, after
 * that PRACK.  The To tag of all responses of one @out is the same.
 *
 * @octets  taken and wiped, on every path
 * @origin  copied
 * @return 0, also when `send` failed: it is repeated; GH_ESTATE: there was a final response, or it
 *         expired; GH_EFULL: GH_REL_QUEUE_MAX wait already; GH_EINVAL: not a 101..199 with the next
 *         RSeq and Require: 100rel; GH_ESYNTAX, GH_ENOMEM.  After an error the number was not used
 */
int gh_rel_out_send(struct gh_rel_out *out, struct gh_buf *octets,
                    const struct gh_rel_origin *origin, uint64_t now_ms);

/**
 * A PRACK came in the dialog of @out.  What it acknowledges is not repeated any more, and the next
 * in line is sent on the next turn of the timers.  Also after gh_rel_out_final.
 * @origin  written on success; may be NULL
 * @return 0: answer it 2xx; GH_ENOTFOUND: it acknowledges nothing, or what was acknowledged
 *         before: answer 481; GH_ESYNTAX: no RAck: answer 400
 */
int gh_rel_out_prack(struct gh_rel_out *out, const struct gh_sip_msg *prack,
                     struct gh_rel_origin *origin, uint64_t now_ms);

/** How many were given to gh_rel_out_send and have no PRACK. */
size_t gh_rel_out_due(const struct gh_rel_out *out);

/** A final response was sent, or the transaction is over: nothing is repeated or sent any more.
 *  What was sent can still be acknowledged; what only waited is forgotten.  The transaction is not
 *  touched from now on. */
void gh_rel_out_final(struct gh_rel_out *out);

#endif
