/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes on one loop that talk to each other over loopback: each has a configuration of its own,
 * loaded from YAML, a ledger, and trunks.  Addresses are 127.a.b.n, a and b of the process, so that
 * tests run side by side.  Nothing here sleeps: turn_until waits for events, and an alarm ends a
 * test that hangs.
 */
#ifndef GH_TEST_SUPPORT_TRUNK_H
#define GH_TEST_SUPPORT_TRUNK_H

#include "support/check.h"
#include "support/pki.h"
#include "trunk/trunk_int.h"

/* What a node heard from its trunks. */
struct node {
    const char *ledger;            /* its directory */
    struct gh_config_names *names;
    struct gh_config *config;
    struct gh_audit *audit;
    struct gh_trunks *trunks;
    int ready, lost, messages;
    int exposed, exposed_parsed; /* messages that showed keys; those of them that were read */
    struct gh_papers *papers; /* of the newest ready, lost or message; one reference */
    int status;               /* of the newest message; 0: a request */
    enum gh_sip_method method;
    char warning[512]; /* of the newest message */
    bool closed;
};

/* The answer to a wish. */
struct wish {
    struct gh_trunks *trunks;
    char fault[128]; /* of the refusal */
    struct gh_want *want;
    int calls;
    struct gh_papers *papers; /* one reference */
    int destination;
    enum gh_reason reason;
};

extern struct gh_loop *test_loop;
/* More of "limits", beginning with ", "; for nodes that are opened from now on. */
extern const char *node_limits;
/* Shown behind the leaf by nodes that are opened from now on; NULL: none. */
extern const struct gh_pki_cert *test_intermediate;

/** A fresh loop, CA and alarm; first in every test. */
void world_begin(void);
/** Close all nodes that are open, run the loop to its end, free all. */
void world_end(void);

/** "127.a.b.n"; static for each n below 16. */
const char *host(int n);

/**
 * Open a node at host(@n), TLS port 5061 and TCP port 5060, and listen.
 * @cert     of the test's CA; NULL: none is configured anew, it is "<name>.example.net" of the CA
 * @trunks   YAML of the trunks; "@2" becomes host(2)
 * @servers  DNS servers, or NULL: there are none
 */
void node_open(struct node *node, const char *name, int n, const struct gh_pki_cert *cert,
               const char *trunks, const char *servers);
/** Close it; the loop must turn. */
void node_close(struct node *node);

/** The test's CA. */
const struct gh_pki_cert *test_ca(void);
/** A leaf for "<name>.example.net", of the test's CA. */
const struct gh_pki_cert *leaf(const char *name, long until_s);

gh_trunk_id trunk_id(const struct node *node, const char *name);

/** Wish for a connection of @trunk. */
void wish(struct wish *wish, struct node *node, const char *trunk, uint32_t skip);
void wish_end(struct wish *wish);
/** The callback of such a wish, for a test that makes one itself. */
void wish_answer(void *arg, struct gh_papers *papers, int destination, enum gh_reason reason);

/** The connection of @papers, or NULL when it is gone. */
struct gh_conn *conn_of(const struct node *node, const struct gh_papers *papers);

/** Is it host(@n)?  The port does not count. */
bool at_host(const struct gh_addr *addr, int n);

/** Octets of an OPTIONS with a branch of its own. */
struct gh_buf options(void);

/** Lines of the node's ledger that hold both texts; after node_close and world_end, or while it
 * runs. */
int ledger_lines(const struct node *node, const char *a, const char *b);

void turn(void);
#define turn_until(condition)                                                                      \
    do {                                                                                           \
        while (!(condition))                                                                       \
            turn();                                                                                \
    } while (0)

#endif
