/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP and TLS connections with their facts, on the signalling loop.  Who a peer is allowed to be is not
 * known here: each finished handshake goes to the one callback that trunk/ installs, and no octet reaches
 * anybody before it answered.  Thread: signalling, for everything.
 */
#ifndef GH_NET_H
#define GH_NET_H

#include <gatehouse/facts.h>
#include <gatehouse/reason.h>
#include "base/buf.h"
#include "crypto/tls.h"
#include "net/loop.h"

struct gh_net;
struct gh_conn;

/* Why a connection is gone. */
struct gh_conn_end {
    bool was_up;              /* @up had been called and took it */
    enum gh_reason reason;    /* GH_REASON_NONE: an orderly end */
    int err;                  /* system error, or 0 */
    const char *text;         /* the library's words, for the log; valid during the callback */
    const struct gh_conn_facts *facts; /* addresses always; the refused certificate if it was shown */
};

struct gh_net_handlers {
    void *arg;
    /* The handshake is done (TCP: the connection stands).  @chain is borrowed; NULL without TLS.
     * @return whether to keep the connection; false closes it. */
    bool (*up)(void *arg, struct gh_conn *conn, struct gh_chain *chain);
    /* Octets of the peer, in order.  May close the connection. */
    void (*octets)(void *arg, struct gh_conn *conn, struct gh_span octets);
    /* Gone; the last call for this connection, which is freed afterwards.  Also for one that never was up. */
    void (*down)(void *arg, struct gh_conn *conn, const struct gh_conn_end *end);
};

struct gh_net_limits {
    uint64_t handshake_timeout_ms;     /* from accept or connect to up */
    uint64_t first_message_timeout_ms; /* from up to gh_conn_mark_used */
    uint64_t idle_timeout_ms;          /* without octets either way; incoming only */
    uint32_t max_connections, max_connections_per_address; /* incoming ones */
    size_t max_queued;                 /* octets waiting for a slow peer; more close the connection */
};

int gh_net_new(struct gh_net **out, struct gh_loop *loop, const struct gh_net_limits *limits,
               const struct gh_net_handlers *handlers);

/** Stop listening and close every connection (down is called for each).  The loop must run on for it. */
void gh_net_close(struct gh_net *net);

/** After the loop has ended.  NULL is fine. */
void gh_net_free(struct gh_net *net);

struct gh_net_listener {
    unsigned index;                /* of the configured listener: conn's listener number */
    enum gh_transport transport;   /* TCP or TLS */
    struct gh_addr address;        /* port 0: any, see @bound */
    struct gh_tls_context *tls;    /* TLS only; one reference is taken */
};

/** @bound  may be NULL; the address with the real port.  @return 0 or a system error, as EADDRINUSE */
int gh_net_listen(struct gh_net *net, const struct gh_net_listener *listener, struct gh_addr *bound);

struct gh_net_connect {
    enum gh_transport transport;
    struct gh_addr to, from;       /* from: family 0 for any; its port is 0 */
    struct gh_tls_context *tls;    /* TLS only */
    const char *server_name;       /* SNI, or NULL */
    void *owner;                   /* gh_conn_owner afterwards */
};

/** Start to connect; up or down is called later, never from inside.  @return 0 or an error (then no callback) */
int gh_net_connect(struct gh_net *net, const struct gh_net_connect *to, struct gh_conn **out);

/* ---- one connection ------------------------------------------------------------------------------- */

/** Never reused in a process; never 0. */
uint64_t gh_conn_id(const struct gh_conn *conn);
const struct gh_conn_facts *gh_conn_facts(const struct gh_conn *conn);
/** Index of the listener that accepted it; meaningless when facts->role is GH_ROLE_CLIENT. */
unsigned gh_conn_listener(const struct gh_conn *conn);
struct gh_conn *gh_net_conn(struct gh_net *net, uint64_t id);

void gh_conn_set_owner(struct gh_conn *conn, void *owner);
void *gh_conn_owner(const struct gh_conn *conn);

/** A first complete message came: the first-message deadline is over. */
void gh_conn_mark_used(struct gh_conn *conn);

/**
 * The standing under which the connection is now.  Octets carry the generation that they were gated under;
 * octets of any other generation are refused.  0, as at the start: nothing may be written.
 */
void gh_conn_set_generation(struct gh_conn *conn, uint64_t generation);

/**
 * Send.  @octets are taken and wiped, on every path.
 * @return 0; GH_ESTALE: gated under another standing, gate and write anew; GH_ECLOSED; GH_EFULL: the
 * peer reads too slowly, the connection is being closed
 */
int gh_conn_send(struct gh_conn *conn, uint64_t generation, struct gh_buf *octets);

/** Send what is queued, then close_notify and FIN; bounded in time.  Nothing more is read.  down follows. */
void gh_conn_close(struct gh_conn *conn, enum gh_reason reason);

#endif
