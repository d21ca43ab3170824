/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP and TLS connections with their facts, on the signalling loop.  Who a peer is allowed to be is
 * not known here: each finished handshake goes to the one callback that trunk/ installs, and no
 * octet reaches anybody before it answered.
 *
 * Callbacks come from the loop, never from inside a function of this header, so a callback may do
 * anything: close this or another connection, connect, listen, close the net.  A connection's
 * memory stays until its down has returned.
 *
 * Strangers.  Whoever reaches a listener can open connections, so those that nobody admitted
 * (gh_conn_admit) get a share of the slots and a short time only: max_strangers of all, few of one
 * address, stranger_timeout_ms from accept to admitted.  A connection is no stranger when its
 * address is known: `known` says so, or an admitted connection from there stands.
 *
 * Thread: signalling, for everything.
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

/*
 * Why a connection is gone.
 *
 *   reason             when
 *   none               the peer ended it, or gh_net_close did
 *   (any)              what gh_conn_close was given
 *   connection_lost    no connection came about (err: -ECONNREFUSED, ...); it broke (-ECONNRESET,
 *                      ...); the peer reads too slowly (GH_EFULL); it was not admitted in time, no
 *                      first message came, or it was idle (-ETIMEDOUT)
 *   tls_timeout        the TLS handshake was not finished in time
 *   tls_*, cert_*      the handshake failed.  tls_peer_refused_ours may come when was_up is true: a
 *                      TLS 1.3 client is up before the server has judged its certificate
 *   internal           no memory
 */
struct gh_conn_end {
    bool was_up;              /* @up had been called and took it */
    enum gh_reason reason;
    int err;                  /* -errno or GH_E..., or 0 */
    const char *text;         /* more words, for the log; never NULL; valid during the callback */
    const struct gh_conn_facts *facts; /* addresses always; the certificate if one was shown */
};

struct gh_net_handlers {
    void *arg;
    /* The handshake is done (TCP: the connection stands).  @chain is borrowed; NULL without TLS.
     * @return whether to keep the connection.  false closes it: call gh_conn_close before, to give
     * a reason. */
    bool (*up)(void *arg, struct gh_conn *conn, struct gh_chain *chain);
    /* Octets of the peer, in order; wiped afterwards.  Not called any more after gh_conn_close. */
    void (*octets)(void *arg, struct gh_conn *conn, struct gh_span octets);
    /* Gone; the last call for this connection, which is freed afterwards.  Also for one that never
     * was up. */
    void (*down)(void *arg, struct gh_conn *conn, const struct gh_conn_end *end);
    /* Whether a neighbour may call from @address, whose port plays no part: then it is no stranger
     * even before it is admitted.  NULL: none is known. */
    bool (*known)(void *arg, const struct gh_addr *address);
};

/* None may be 0. */
struct gh_net_limits {
    uint64_t handshake_timeout_ms;     /* from accept or connect to up */
    uint64_t first_message_timeout_ms; /* from admitted to gh_conn_mark_used; incoming only */
    uint64_t idle_timeout_ms;          /* without octets either way; incoming only */
    /* Incoming ones.  The second counts an IPv6 source by its /64, which is what one host has at
     * its disposal. */
    uint32_t max_connections, max_connections_per_address;
    /* Of these, incoming ones from addresses that are not known, and not admitted yet. */
    uint32_t max_strangers, max_strangers_per_address;
    /* Incoming: a stranger from accept, any other from up, until admitted or gone. */
    uint64_t stranger_timeout_ms;
    size_t max_queued; /* octets that wait for a slow peer (TLS: ciphertext); more end it */
};

/** @limits, @handlers  copied.
 *  @return 0, GH_EINVAL (a limit of 0, a missing handler) or an error */
int gh_net_new(struct gh_net **out, struct gh_loop *loop, const struct gh_net_limits *limits,
               const struct gh_net_handlers *handlers);

/** After a reload: for deadlines and caps from now on; no connection is closed.  @return 0 or
 * GH_EINVAL */
int gh_net_set_limits(struct gh_net *net, const struct gh_net_limits *limits);

/* Since the start, but for the first two. */
struct gh_net_counters {
    uint64_t incoming;             /* connections that count against max_connections now */
    uint64_t strangers;            /* those among them that count against max_strangers now */
    uint64_t accepted;
    uint64_t refused_total;        /* closed at once: max_connections */
    uint64_t refused_per_address;  /* closed at once: max_connections_per_address */
    uint64_t refused_strangers;    /* closed at once: max_strangers, max_strangers_per_address */
    uint64_t accept_failures;      /* no descriptor or memory: the listener paused */
};
void gh_net_counters(const struct gh_net *net, struct gh_net_counters *out);

/** Stop listening and close every connection (down is called for each).  The loop must run on for
 *  it.  Listening and connecting give GH_ECLOSED from now on. */
void gh_net_close(struct gh_net *net);

/** After the loop has ended.  NULL is fine. */
void gh_net_free(struct gh_net *net);

struct gh_net_listener {
    unsigned index;                /* of the configured listener: conn's listener number */
    enum gh_transport transport;   /* TCP or TLS */
    struct gh_addr address;        /* port 0: any, see @bound */
    struct gh_tls_context *tls;    /* TLS only; one reference is taken */
    uint8_t dscp;                  /* code point of what its connections send */
};

/**
 * An IPv6 listener takes IPv6 only: :: and 0.0.0.0 are two listeners.
 * @bound   may be NULL; the address with the real port
 * @return 0, GH_EEXISTS (that index listens), GH_EINVAL, GH_ECLOSED or a system error: -EADDRINUSE,
 * -EACCES
 */
int gh_net_listen(struct gh_net *net, const struct gh_net_listener *listener,
                  struct gh_addr *bound);

/** After a reload: handshakes that start from now on use @tls.  One reference is taken.
 *  @return 0, GH_ENOTFOUND or GH_EINVAL (not a TLS listener) */
int gh_net_listener_set_tls(struct gh_net *net, unsigned index, struct gh_tls_context *tls);

/** Stop listening; its connections live on.  @return 0 or GH_ENOTFOUND */
int gh_net_unlisten(struct gh_net *net, unsigned index);

struct gh_net_connect {
    enum gh_transport transport;
    struct gh_addr to, from;       /* from: family 0 for any; its port is 0 */
    struct gh_tls_context *tls;    /* TLS only */
    const char *server_name;       /* SNI, or NULL */
    void *owner;                   /* gh_conn_owner afterwards */
    uint8_t dscp;                  /* code point of what the connection sends */
};

/** Start to connect; up or down is called later, never from inside.
 *  @return 0 or an error (then no callback): GH_EINVAL, GH_ECLOSED, GH_ENOMEM, GH_ECRYPTO,
 * -ENETUNREACH, ... */
int gh_net_connect(struct gh_net *net, const struct gh_net_connect *to, struct gh_conn **out);

/* ---- one connection -------------------------------------------------------------- */

/** Never reused in a process; never 0. */
uint64_t gh_conn_id(const struct gh_conn *conn);
const struct gh_conn_facts *gh_conn_facts(const struct gh_conn *conn);
/** Index of the listener that accepted it; meaningless when facts->role is GH_ROLE_CLIENT. */
unsigned gh_conn_listener(const struct gh_conn *conn);
/** NULL when it is gone, that is after its down. */
struct gh_conn *gh_net_conn(struct gh_net *net, uint64_t id);

void gh_conn_set_owner(struct gh_conn *conn, void *owner);
void *gh_conn_owner(const struct gh_conn *conn);

/** It is known now whose connection this is: it is no stranger any more, and has the time that
 *  neighbours have.  For good; outgoing ones need it not.  In up or later. */
void gh_conn_admit(struct gh_conn *conn);

/** A first complete message came: the first-message deadline is over. */
void gh_conn_mark_used(struct gh_conn *conn);

/**
 * The standing under which the connection is now.  Octets carry the generation that they were gated
 * under; octets of any other generation are refused.  0, as at the start: nothing may be written.
 */
void gh_conn_set_generation(struct gh_conn *conn, uint64_t generation);

/**
 * Send.  @octets are taken and wiped, on every path.
 * @return 0; GH_ECLOSED: not up, or closing; GH_ESTALE: gated under another standing, or
 * @generation is 0: gate and write anew; the error of @octets, when it has one: half a message is
 * never sent; GH_EFULL: the peer reads too slowly; GH_ECRYPTO or a system error.  After the last
 * three the connection is being closed, and down follows
 */
int gh_conn_send(struct gh_conn *conn, uint64_t generation, struct gh_buf *octets);

/**
 * Send what is queued, then close_notify and FIN; bounded in time (GH_CONN_CLOSE_MS), then reset.
 * What the peer still sends is thrown away.  down follows, with @reason.  The first call counts;
 * later ones do nothing.
 */
void gh_conn_close(struct gh_conn *conn, enum gh_reason reason);

#define GH_CONN_CLOSE_MS 2000

#endif
