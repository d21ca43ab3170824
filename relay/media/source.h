/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which address a port's packets may come from, and when another takes its place: gh_source_rule in
 * media.h says it, this decides it.  No socket, no packet; time is an argument.
 *
 *   named ---- first packet accepted ----> learnt ---- four fresh packets from elsewhere ----+
 *     |                                     ^    ^                     (keyed sides only)    |
 *     +---- ... from elsewhere: LATCH ------+    +---------------- MOVE ---------------------+
 *
 * Thread: the worker that owns the stream.
 */
#ifndef GH_PORT_SOURCE_H
#define GH_PORT_SOURCE_H

#include "media/media.h"

#define GH_MOVE_PKTS 4                /* from the new address, one after the other */
#define GH_MOVE_WITHIN_MS 1000        /* of the first of them */
#define GH_MOVE_INTERVAL_MS 5000      /* between two moves */

/* Zero: nothing is known, nothing may be. */
struct gh_port_source {
    struct gh_addr current;           /* what the known socket is connected to; family 0: to nothing */
    bool learnt;                      /* an accepted packet came from there */
    bool keyed;
    unsigned candidate_pkts;
    struct gh_addr named;             /* by the set */
    enum gh_source_rule rule;
    uint64_t latch_until_ms;
    struct gh_addr candidate;
    uint64_t candidate_until_ms;
    uint64_t next_move_ms;
};

enum gh_source_step { GH_SOURCE_STAY = 0, GH_SOURCE_LATCH, GH_SOURCE_MOVE };

/**
 * What a set says.  The same address and rule again leave what was learnt, also with a placeholder between.
 * @remote  of this port; what is no address makes the port unusable, and the caller does not ask for its source then
 * @return what to connect to: within @source, valid until it changes
 */
const struct gh_addr *gh_port_source_name(struct gh_port_source *source, const struct gh_media_set *set,
                                     const struct gh_addr *remote, uint64_t now_ms);

/**
 * Whether a packet from an address that is not the current one is worth a look at all.
 * @rtp  for an RTCP port: the source of the RTP port, else NULL
 */
bool gh_port_source_may_be(const struct gh_port_source *source, const struct gh_port_source *rtp,
                      const struct gh_addr *from, uint64_t now_ms);

/** A fresh packet came from the current address.  Fresh: accepted, with an index above all before. */
void gh_port_source_heard(struct gh_port_source *source);

/** A fresh packet came from @from, which gh_port_source_may_be.  @return what to do, and then call
 *  gh_port_source_changed; when it cannot be done nothing needs to be called */
enum gh_source_step gh_port_source_elsewhere(struct gh_port_source *source, const struct gh_port_source *rtp,
                                        const struct gh_addr *from, uint64_t now_ms);

/** @learnt  false: a guess, which the first accepted packet settles */
void gh_port_source_changed(struct gh_port_source *source, const struct gh_addr *to, bool learnt);

#endif
