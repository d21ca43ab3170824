/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of net/ share: net.c (the set of connections), listen.c (accepting), conn.c (the
 * life of one connection), conn_io.c (its octets).
 *
 *   CONNECTING --connected--> HANDSHAKE --done--> UP
 *       |                       |     |            |
 *       |                       |     +--refused---+--closed by either side--> FLUSHING
 *       |                       |                  |                              |
 *       +--error, deadline------+------------------+      FIN both ways, 2 s, error
 *                               |                                                 |
 *                               +-------------------> CLOSED <--------------------+
 *
 * TCP has no HANDSHAKE, an incoming connection no CONNECTING.  FLUSHING sends what is queued and
 * the FIN, and throws away what still comes: closing a socket with unread octets resets it, and a
 * reset can overtake the last answer or alert on its way to the peer.  CLOSED waits for libuv's
 * close callback, which calls down.
 */
#ifndef GH_NET_INT_H
#define GH_NET_INT_H

#include <uv.h>

#include <gatehouse/err.h>
#include "base/log.h"
#include "net/net.h"
#include "net/source_count.h"

#define GH_NET_RX_MAX ((size_t)64 * 1024)   /* one read */
#define GH_NET_WIRE_MAX ((size_t)32 * 1024) /* ciphertext taken at once: a record has 16 KiB */

enum gh_conn_state {
    GH_CONN_CONNECTING = 0,
    GH_CONN_HANDSHAKE,
    GH_CONN_UP,
    GH_CONN_FLUSHING,
    GH_CONN_CLOSED
};

struct gh_conn {
    uv_tcp_t tcp;
    uv_connect_t connecting;
    uv_shutdown_t shutting;
    struct gh_net *net;
    struct gh_conn *next; /* in its bucket */
    uint64_t id, generation;
    enum gh_conn_state state;
    bool handed;          /* somebody knows it, so down is owed */
    bool incoming;
    bool known, admitted, counted; /* incoming; counted: among the admitted of its address */
    bool was_up, used;
    uint8_t dscp;
    bool fin_sent, fin_seen;
    bool heard;           /* application octets came */
    int write_err; /* nothing can be written any more; what the peer said before is still read */
    unsigned listener;
    void *owner;
    struct gh_tls *tls;   /* NULL: TCP */
    struct gh_conn_facts facts;
    struct gh_timer deadline; /* what it means follows from the state: on_deadline */
    uint64_t active_ms;   /* last octets either way */
    enum gh_reason end_reason;
    int end_err;
    char end_text[256];
};

struct gh_listener {
    uv_poll_t poll;
    int fd;
    struct gh_net *net;
    struct gh_listener *next;
    unsigned index;
    enum gh_transport transport;
    struct gh_tls_context *tls;
    uint8_t dscp;
    struct gh_timer pause; /* started when accepting failed; makes it listen again */
    bool closed;
};

struct gh_net {
    struct gh_loop *loop;
    struct gh_net_limits limits;
    struct gh_net_handlers handlers;
    struct gh_net_counters counters;
    struct gh_source_count *sources;   /* incoming ones */
    struct gh_source_count *strangers; /* those of them that are neither known nor admitted */
    struct gh_source_count *admitted;
    struct gh_listener *listeners;
    size_t open_listeners; /* those whose close callback has not run are among them */
    struct gh_conn **buckets; /* by id */
    size_t bucket_count, conn_count;
    bool closing;
    struct gh_log_fold refused_total, refused_per_address, refused_strangers, accept_failed;
    /* Scratch of one callback; wiped after use when it held plaintext. */
    uint8_t rx[GH_NET_RX_MAX], plain[GH_NET_RX_MAX], wire[GH_NET_WIRE_MAX];
};

/* net.c */
void gh_net_add_conn(struct gh_net *net, struct gh_conn *conn); /* gives it its id */
void gh_net_remove_conn(struct gh_net *net, struct gh_conn *conn);

/* conn.c */

/** @fd  taken.  @known  it does not count as a stranger.  @return 0 or an error; an error leaves no
 * connection behind */
int gh_conn_accept(struct gh_listener *listener, int fd, const struct gh_addr *peer, bool known);

/** The connection stands and, with TLS, the handshake is done: facts, then the callback. */
void gh_conn_up(struct gh_conn *conn);

/** The end; the first reason counts.  Flushes and waits for the peer's FIN, for at most
 * GH_CONN_CLOSE_MS. */
void gh_conn_finish(struct gh_conn *conn, enum gh_reason reason, int err, const char *text);
/** The same without waiting; unsent octets are lost, the peer gets a reset.  Also cuts short a
 * gh_conn_finish. */
void gh_conn_abort(struct gh_conn *conn, enum gh_reason reason, int err, const char *text);

/** The peer sent its FIN. */
void gh_conn_fin_seen(struct gh_conn *conn);

/** (Re)start the deadline.  Aborts the connection when that fails: none lives without one. */
void gh_conn_set_deadline(struct gh_conn *conn, uint64_t in_ms);

/* conn_io.c */
int gh_conn_read_start(struct gh_conn *conn);
/** Let TLS say what it has to say; then see where it stands. */
void gh_conn_pump_tls(struct gh_conn *conn);
/** Write all of TLS's output.  @return 0 or an error, which the caller acts on */
int gh_conn_flush_tls(struct gh_conn *conn);

#endif
