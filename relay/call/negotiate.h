/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One offer and its answer crossing the B2BUA (RFC 3264, RFC 4568): what each m-line becomes on either
 * side, which keys we write to whom, and what the media plane is told.  Documents and verdicts only: no
 * network, no clock.
 *
 *   side a --offer--> gh_neg_offer_in   gh_neg_offer_out  --offer-->  side b
 *   side a <-answer-- gh_neg_answer_out gh_neg_answer_in  <-answer--  side b
 *
 * Here `a` is the offerer.  In SDES the key in a party's SDP protects what that party sends (RFC 4568 section 5.1.1).
 * Thread: signalling.
 */
#ifndef GH_NEGOTIATE_H
#define GH_NEGOTIATE_H

#include <gatehouse/sdp.h>
#include "crypto/secret.h"
#include "media/media.h"
#include "policy/policy.h"

#define GH_NEG_STREAMS_MAX 8 /* m-lines that are relayed; further ones are refused with port 0 */
#define GH_NEG_LINES_MAX   8 /* a=crypto lines of one m-line that are looked at */
#define GH_NEG_MARKS_MAX   32 /* more than there are marks that a call can earn */

enum { GH_SIDE_A = 0, GH_SIDE_B = 1 };

struct gh_neg_keys; /* keys that wait for the answer; wiped when it came */

/* One side of one stream, as agreed. */
struct gh_neg_side {
    enum gh_suite suite;           /* GH_SUITE_NONE: RTP */
    struct gh_addr rtp, rtcp;      /* where the side wants its media */
    bool rtcp_mux;
    bool may_send;                 /* this side may send to us */
    enum gh_path path;             /* of what arrives from this side */
    uint32_t rx_key, tx_key;       /* running numbers of the keys, 0: none */
    uint16_t port;                 /* ours, towards this side */
};

struct gh_neg_stream {
    enum gh_media_kind kind;
    bool live;                     /* not refused so far */
    enum gh_reason reason;         /* why it is not live */
    enum gh_profile offer_profile; /* of side a */
    enum gh_offer_plan plan;       /* towards side b */
    enum gh_direction direction;   /* of side a's offer */
    struct gh_neg_side side[2];
    struct gh_neg_keys *keys;
    gh_stream_id stream;           /* of the media plane; 0: none */
};

struct gh_neg {
    struct gh_sdp *offer, *answer;
    struct gh_neg_stream streams[GH_NEG_STREAMS_MAX];
    size_t count;                  /* of streams that are kept */
    size_t media_count;            /* of m-lines, also those past GH_NEG_STREAMS_MAX */
    enum gh_reason marks[GH_NEG_MARKS_MAX];
    size_t mark_count;
    enum gh_reason plan_mark;      /* of these, what the newest offer to side b earned; NO_RULE: none */
    bool bridge;                   /* no key crosses, either way: of the offer that was written last */
    char fault[96];                /* for GH_REASON_BAD_SDP: line and text, never the peer's octets */
};

/* Where we stand towards one side. */
struct gh_neg_leg {
    const struct gh_trunk_rules *rules;
    enum gh_signalling signalling; /* of the connection that carries this very message */
    bool bridge;                   /* the trunk says srtp_path: bridge */
};

/* How we name ourselves in o= and c= towards one side. */
struct gh_neg_self {
    struct gh_addr address;        /* media.advertise */
    uint64_t session_id, version;
};

void gh_neg_init(struct gh_neg *neg);

/** Wipes every key.  NULL is fine. */
void gh_neg_fini(struct gh_neg *neg);

/**
 * Read side a's offer and judge each m-line.
 * @return GH_REASON_NONE when a stream is left; else why the offer is refused.  GH_REASON_INTERNAL: no memory
 */
enum gh_reason gh_neg_offer_in(struct gh_neg *neg, struct gh_span sdp, const struct gh_neg_leg *a,
                               const struct gh_addr *media_address);

/**
 * Write the offer to side b.  Ports of both sides were put into streams[].side[].port before.
 * @first  the first destination that is tried in this call: only there keys of a are copied
 * @out    owned by the caller; holds keys
 */
enum gh_reason gh_neg_offer_out(struct gh_neg *neg, const struct gh_neg_leg *a, const struct gh_neg_leg *b,
                                const struct gh_neg_self *self, bool first, struct gh_sdp **out);

/** The best grade that the call can still reach: after offer_out, and again after answer_in. */
enum gh_grade gh_neg_best_grade(const struct gh_neg *neg, const struct gh_neg_leg *a,
                                const struct gh_neg_leg *b);

/** Read side b's answer.  @return GH_REASON_NONE, or why the call ends */
enum gh_reason gh_neg_answer_in(struct gh_neg *neg, struct gh_span sdp, const struct gh_neg_leg *b,
                                const struct gh_addr *media_address, bool srtp_fallback);

/** Write the answer to side a and settle keys and paths.  @out  owned by the caller; holds keys */
enum gh_reason gh_neg_answer_out(struct gh_neg *neg, const struct gh_neg_leg *a,
                                 const struct gh_neg_self *self, struct gh_sdp **out);

/**
 * What the media plane is to do for one side; after answer_out, once for each side: the keys move into @out.
 * stream and generation are the caller's to fill.
 */
void gh_neg_media_set(struct gh_neg_stream *stream, int side, struct gh_media_set *out);

/** Did side a declare a key that may be used? */
bool gh_neg_offered_keys(const struct gh_neg *neg);

/** Does the offer that was written carry keys of ours or of side a? */
bool gh_neg_offers_keys(const struct gh_neg *neg);

/** Both sides have their answer: wipe documents and what is left of the keys; what was agreed stays. */
void gh_neg_settled(struct gh_neg *neg);

/** Add a mark once; the list is bounded, and what does not fit is a mark already known. */
void gh_neg_mark(struct gh_neg *neg, enum gh_reason mark);

#endif
