/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction table under a clock turned by hand.  Everything it does is written down in one line
 * of words:
 *
 *     >100 >180 >INVITE >ACK     sent: status or method (with its carriers: >INVITE+2)
 *     request:INVITE ack cancelled response:180 ended:done
 */
#ifndef GH_TEST_SUPPORT_TXN_H
#define GH_TEST_SUPPORT_TXN_H

#include "sip/txn.h"

struct txn_rig {
    struct gh_timerq timers;
    struct gh_txns *txns;
    uint64_t now_ms;
    struct gh_buf log;
    struct gh_txn *server; /* of the last request */
    bool forgets;          /* nobody says that a request will be answered later */
    bool quiet;            /* send looks at nothing: for when there is no memory */
    int send_err;          /* what send returns */
    uint64_t sent_on;      /* gh_txn_conn at the last send */
    uint32_t sent_trunk;
    struct gh_buf sent; /* last octets */
    struct gh_txn_client client;
};

#define TRUNK_A 1
#define TRUNK_B 2
#define CONN_A  11
#define CONN_B  22

void rig_init(struct txn_rig *rig, const struct gh_txn_limits *limits);
void rig_fini(struct txn_rig *rig);

/** Let time pass, each timer at its moment. */
void rig_pass(struct txn_rig *rig, uint64_t ms);

/** What happened since the last call; static until the next. */
const char *rig_log(struct txn_rig *rig);

/** A request of the peer: @branch without the cookie. */
int rig_request(struct txn_rig *rig, uint32_t trunk, uint64_t conn, bool reliable,
                const char *method, const char *branch, const char *to_tag);

/** We answer @txn. */
int rig_respond(struct txn_rig *rig, struct gh_txn *txn, const struct gh_sip_msg *request,
                int status);

/** We send a request.  @return its transaction or NULL */
struct gh_txn *rig_send(struct txn_rig *rig, uint32_t trunk, uint64_t conn, bool reliable,
                        const char *method, const char *branch, const char *body);

/** An answer of the peer to a request of rig_send. */
int rig_answer(struct txn_rig *rig, uint32_t trunk, uint64_t conn, bool reliable,
               const char *method, const char *branch, int status, const char *to_tag);

#endif
