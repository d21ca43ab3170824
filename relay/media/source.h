/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which address a port's packets may come from, and when another takes its place: gh_source_rule in
 * media.h says it, this decides it.  No socket, no packet; time is an argument.
 *
 *   named ---- first packet accepted ----> learnt ---- four fresh packets from elsewhere ----+
 *     |                                     ^  ^ |               (keyed sides only)          |
 *     +---- ... from elsewhere: LATCH ------+  | +------- TAKE_BACK: to who is believed ---> |
 *                                              +------------------ MOVE --------------------+
 *
 * Clear sides: what comes from the named address, while its set's window lasts, is a MOVE too.
 *
 * A set that names another address begins anew.  What comes from the place that it replaced was
 * under way, or another phone's that rang for the same call: for GH_SOURCE_LATE_MS it is no sign of
 * where the peer is.  Nor is RTP of who may not send any.
 *
 * An SRTP tag proves a packet, not where it came from: who sees the peer's packets can send each
 * from an address of his own, before the peer's own arrives.  What he cannot hide is that the
 * peer's own do arrive, as replays of what was accepted from him.  So, on keyed sides that may
 * learn, the tags of the last packets are remembered, each with where it came from, and an exact
 * copy of one from somewhere else is evidence of two senders.  Without a copy of an accepted packet
 * nobody can make any: a number alone, which a replay is known by, is no evidence.
 *
 * Of two senders one is believed, by what the signalling says of his address (rank):
 *   3  the address and port that the set named
 *   2  another port of that host, or of the host where this side's signalling comes from
 *   1  any other
 * and, among equals, the one who had the place by himself before the last MOVE, or before the set
 * (former).  The latter is believed that another one copies; the place is then the named one's.
 *
 *   copy from       of a packet from     does
 *   the current     elsewhere            CONTEST; a candidate begins anew, unless he is of higher rank
 *   higher rank     the current          TAKE_BACK: he has the place again, at once
 *   former          the current          the same; by a set: TAKE_BACK for the named address
 *   equal rank      the current          CONTEST, and no proof, while the current is on trial; then nothing
 *   lower rank      anywhere             nothing: anybody can send a copy afterwards
 *
 * Trial: GH_SOURCE_TRIAL_MS after each LATCH, within which such evidence puts off the end; then
 * CONFIRM.  A MOVE has it before: the place is left only by who was silent all that time.  Two of
 * equal rank that begin together cannot be told apart.  The first keeps the place, unproven.  What
 * strangers send is read under a limit, so a flood delays evidence; it ends no trial.
 *
 * Who forges the believed address besides can hold the place for it as long as he sends, and
 * GH_MOVE_INTERVAL_MS longer; that is what dropping the packets would have given him.  It is told.
 *
 * Thread: the worker that owns the stream.
 */
#ifndef GH_PORT_SOURCE_H
#define GH_PORT_SOURCE_H

#include "media/media.h"

#define GH_MOVE_PKTS 4                /* from the new address, one after the other */
#define GH_MOVE_WITHIN_MS 1000        /* of the first of them */
#define GH_MOVE_INTERVAL_MS 5000      /* between two moves, and after a TAKE_BACK; not to a higher rank */
#define GH_SOURCE_TRIAL_MS 500        /* how far a copy may be ahead of the true packet and still be found out at once */
#define GH_SOURCE_LATE_MS 2000        /* after a set: packets from the place that it replaced, as an old key has */
#define GH_SOURCE_SEEN_RTP 128        /* packets that are remembered: as many as the replay window knows apart */
#define GH_SOURCE_SEEN_RTCP 8

struct gh_source_race;

/* Zero: nothing is known, nothing may be. */
struct gh_port_source {
    struct gh_addr current;           /* what the known socket is connected to; family 0: to nothing */
    bool learnt;                      /* an accepted packet came from there */
    bool keyed;
    uint8_t rule;                     /* enum gh_source_rule */
    struct gh_source_race *race;      /* a keyed side that may learn; else NULL */
    struct gh_addr named;             /* by the set */
    struct gh_addr replaced;          /* where the set before had him, or had found him; family 0: nowhere */
    struct gh_addr replaced_as;       /* what that set named */
    uint64_t latch_until_ms;
    uint64_t replaced_until_ms;       /* what comes from there was under way */
};

/* What a packet and its exact copies have in common, and no other packet. */
struct gh_source_mark {
    uint32_t number; /* sequence number, or SRTCP index */
    uint32_t tag;    /* four octets of it */
};

enum gh_source_step {
    GH_SOURCE_STAY = 0,
    GH_SOURCE_LATCH,
    GH_SOURCE_MOVE,
    GH_SOURCE_TAKE_BACK,
    GH_SOURCE_CONTEST, /* no change of place: two send the same packets */
    GH_SOURCE_CONFIRM  /* no change of place: the trial is over */
};

struct gh_source_verdict {
    enum gh_source_step step;
    struct gh_addr to; /* where from now on; CONTEST: the other one, family 0: not known */
    bool proven;       /* authentic packets came from there, and nobody else's copies in a trial */
};

/**
 * What a set says.  The same address and rule again leave what was learnt, also with a placeholder between; not what a
 * clear side learnt that is keyed now, and of a keyed one that is clear now only what is proven, by SYMMETRIC.
 * @remote  of this port; what is no address makes the port unusable, and the caller does not ask for its source then
 * @rtcp    the port is one of RTCP alone
 * @to      what to connect to: within @source, valid until it changes
 * @return 0 or GH_ENOMEM: nothing has changed
 */
int gh_port_source_name(struct gh_port_source *source, const struct gh_media_set *set,
                        const struct gh_addr *remote, bool rtcp, uint64_t now_ms,
                        const struct gh_addr **to);
void gh_port_source_fini(struct gh_port_source *source);

/** @heir, before its first set, has all that @from knows: for that set it is as if it came to @from, which is to be ended. */
void gh_port_source_inherit(struct gh_port_source *heir, struct gh_port_source *from);

/**
 * Whether a packet from an address that is not the current one is worth a look at all.
 * @rtp  for an RTCP port: the source of the RTP port, else NULL
 */
bool gh_port_source_may_be(const struct gh_port_source *source, const struct gh_port_source *rtp,
                           const struct gh_addr *from, uint64_t now_ms);

/**
 * A packet was accepted from @from: the current address, or one that gh_port_source_may_be.
 * @fresh  with an index above all before
 * @mark   used on a side with a race only
 * @return what to do: then call gh_port_source_changed, or gh_port_source_confirmed; when it cannot
 *         be done nothing needs to be called
 */
struct gh_source_verdict gh_port_source_accepted(struct gh_port_source *source,
                                                 const struct gh_port_source *rtp,
                                                 const struct gh_addr *from, bool fresh,
                                                 const struct gh_source_mark *mark, uint64_t now_ms);

/** A packet from @from was refused as a replay, on a side with a race.  Parameters and result as above. */
struct gh_source_verdict gh_port_source_copied(struct gh_port_source *source, const struct gh_addr *from,
                                               const struct gh_source_mark *mark, uint64_t now_ms);

/** Not all that strangers send is read: who hides a copy among a flood does not end his trial. */
void gh_port_source_is_flooded(struct gh_port_source *source, uint64_t now_ms);

/** The place is @verdict's.  @learnt  false: a guess, which the first accepted packet settles */
void gh_port_source_changed(struct gh_port_source *source, const struct gh_source_verdict *verdict,
                            bool learnt, uint64_t now_ms);
void gh_port_source_confirmed(struct gh_port_source *source);

#endif
