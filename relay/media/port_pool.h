/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs of UDP ports, RTP even and RTCP odd (RFC 3550 section 11), and the binding of their sockets.  Pairs are handed
 * out in an order shuffled at start, so that the next port cannot be guessed, and the longest unused first.
 * Thread: the signalling thread.
 */
#ifndef GH_PORT_POOL_H
#define GH_PORT_POOL_H

#include <gatehouse/addr.h>

struct gh_port_pool;

/** Two sockets on each of two ports: one to be connected to the source, one for strangers. */
struct gh_port_pair {
    uint16_t rtp;            /* RTCP is the next */
    int known[2];            /* RTP, RTCP */
    int stranger[2];
};

/**
 * @first, @last  both included; only whole pairs count
 * @delay_ms      how long a released pair rests before it is handed out again
 * @return 0, GH_EINVAL (no pair in the range), GH_ENOMEM, GH_ECRYPTO
 */
int gh_port_pool_new(struct gh_port_pool **out, uint16_t first, uint16_t last, uint64_t delay_ms);
void gh_port_pool_free(struct gh_port_pool *pool);

/**
 * Bind a pair at @address.  Pairs that another program holds are skipped.
 * @return 0, GH_EFULL (none is free, or no descriptor or buffer for its sockets), or the system's error; nothing
 * is taken then
 */
int gh_port_pool_take(struct gh_port_pool *pool, const struct gh_addr *address, uint64_t now_ms,
                      struct gh_port_pair *out);

/** The sockets are closed by now, by whoever had them. */
void gh_port_pool_release(struct gh_port_pool *pool, uint16_t rtp_port, uint64_t now_ms);

/** The same, and nobody was ever told of it: it is free again at once, as if it had not been taken. */
void gh_port_pool_return(struct gh_port_pool *pool, uint16_t rtp_port);

void gh_port_pair_close(struct gh_port_pair *pair);

/** @used  taken or resting */
void gh_port_pool_usage(struct gh_port_pool *pool, uint64_t now_ms, unsigned *used, unsigned *all);

#endif
