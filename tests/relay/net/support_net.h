/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop with one net that talks to itself over loopback, what its callbacks saw, and raw sockets
 * for peers that misbehave.  Nothing here sleeps: rig_turn_until waits for events, and an alarm
 * ends a test that hangs.
 */
#ifndef GH_TEST_SUPPORT_NET_H
#define GH_TEST_SUPPORT_NET_H

#include "net/net.h"
#include "support/check.h"

#define RIG_PEERS 1100

/* What happened to one connection of the net. */
struct peer {
    struct gh_conn *conn; /* NULL before up of an incoming one, and after down */
    uint64_t id;
    enum gh_role role;
    int ups, downs;
    bool chain;           /* up came with one */
    size_t got;           /* octets */
    uint64_t hash;        /* of them, in order: FNV-1a */
    char head[256];       /* the first of them, as text */
    struct gh_conn_end end;
    char end_text[256];
    struct gh_conn_facts facts; /* at the end; without names */
    char leaf[256];       /* subject at the end */
};

/* What the callbacks do besides noting. */
struct rig_orders {
    bool refuse;                  /* up of an incoming one says no */
    bool refuse_reason;           /* ... with a reason of its own */
    bool close_in_up, close_in_octets, close_all_in_up, close_all_in_octets, close_all_in_down;
    bool no_admission;            /* up admits nobody */
    bool echo;                    /* the server sends back what it gets */
    bool hello;                   /* the client sends "hello" in up */
    bool reconnect_in_down;       /* once */
    bool mark_used;               /* at the first octets */
    int send_in_down;             /* result of gh_conn_send there; 1: not tried */
    bool try_send_in_down;
};

struct rig {
    struct gh_loop *loop;
    struct gh_net *net;
    struct gh_net_limits limits;
    struct rig_orders orders;
    struct gh_tls_context *server, *client; /* NULL: TCP */
    struct gh_addr known;         /* address of a neighbour; family 0: none */
    struct gh_addr at;            /* where the net listens; index 7 */
    struct peer *peers;           /* in the order of their beginning */
    size_t count;
    int ups, downs;
};

extern struct rig rig;

#define RIG_LISTENER 7

/** Fresh loop and net that listens on 127.0.0.1; @limits: NULL for generous ones. */
void rig_begin(const struct gh_net_limits *limits, struct gh_tls_context *server,
               struct gh_tls_context *client);
/** Close everything, run the loop to its end, check that each connection that was handed out came
 * down once. */
#define rig_end() CHECK_INT(rig_finish(), 0)
/** @return how many checks of the rig itself failed */
int rig_finish(void);

struct gh_net_limits rig_limits(void);

/** Connect the net to @to, which is rig.at for a pair. */
struct peer *rig_connect_to(const struct gh_addr *to);
struct peer *rig_connect(void);

/** Wait for events until @condition. */
#define rig_turn_until(condition)                                                       \
    do {                                                                                \
        while (!(condition))                                                            \
            rig_turn();                                                                 \
    } while (0)
void rig_turn(void);

/** The latest incoming one that was up or down. */
struct peer *rig_incoming(void);

/** Send @text on @peer under its generation, 1.  @return gh_conn_send's result */
int rig_send(struct peer *peer, const char *text, size_t len);

uint64_t rig_hash(uint64_t hash, const char *p, size_t len);
#define RIG_HASH_START 14695981039346656037u

/* Raw sockets, blocking. */
int raw_connect(const struct gh_addr *to);
/** From an address of the loopback net. */
int raw_connect_from(const struct gh_addr *to, const char *from);
/** @at  gets the address */
int raw_listen(struct gh_addr *at, int backlog);
/** Close with a reset. */
void raw_reset(int fd);
/** Whether the other side has closed: turns the loop until a read says so; what came is thrown
 * away. */
bool raw_wait_closed(int fd);

#endif
