/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One offer and its answer crossing the B2BUA (RFC 3264, RFC 4568): what each m-line becomes on
 * either side, which keys we write to whom, and what the media plane is told.  Documents and
 * verdicts only: no network, no clock.
 *
 *   offerer --offer--> gh_neg_offer_in   gh_neg_offer_out --offer--> answerer
 *   offerer <-answer-- gh_neg_answer_out gh_neg_answer_in <-answer-- answerer
 *
 * Either side may be the offerer: side a in an INVITE, side b in a 2xx to one without an offer.  A
 * later exchange of a call has the one before as its base: what repeats a key keeps that key, and
 * what fails leaves the base as it was.  Each early dialog of a forked INVITE gets a copy of the
 * exchange (gh_neg_fork) for its own answer.
 *
 * In SDES the key in a party's SDP protects what that party sends (RFC 4568 section 5.1.1).
 * Thread: signalling.
 */
#ifndef GH_NEGOTIATE_H
#define GH_NEGOTIATE_H

#include <gatehouse/sdp.h>
#include "config/config.h"
#include "crypto/secret.h"
#include "media/media.h"
#include "policy/policy.h"

#define GH_NEG_STREAMS_MAX 8 /* m-lines that are relayed; further ones are refused with port 0 */
#define GH_NEG_LINES_MAX   8 /* a=crypto lines of one m-line that are looked at */
#define GH_NEG_FAULT_MAX   224 /* octets of words about a description, with NUL */

enum { GH_SIDE_A = 0, GH_SIDE_B = 1 };

/* A set of marks; a zeroed one is empty. */
struct gh_marks {
    uint64_t bits[(GH_REASON_COUNT + 63) / 64];
};

/** NONE and NO_RULE are no marks. */
void gh_marks_add(struct gh_marks *marks, enum gh_reason mark);
void gh_marks_add_all(struct gh_marks *marks, const struct gh_marks *more);
bool gh_marks_has(const struct gh_marks *marks, enum gh_reason mark);

#define GH_MARKS_TOLD 8 /* by name in a line of the log; a record has them all */

struct gh_marks_text {
    char text[GH_MARKS_TOLD * 40 + 8];
};

/** For the log: "unproven,weak_tls", "-" without any, and "...,+3" where there are more than are told. */
struct gh_marks_text gh_marks_text(const struct gh_marks *marks);

/* ---- what the exchange asks others ---- */

/* The memory of keys, see key_memory.h.  A zeroed one knows nothing: every key is fresh. */
struct gh_neg_keeper {
    void *arg;
    /* @side declared @key, which takes the number that it is known by.  @return whether to take it */
    struct gh_gate (*declared)(void *arg, int side, unsigned mline, struct gh_secret *key);
    /* @key will be written to @side.  @return 0, or an error: it must not be */
    int (*wrote)(void *arg, int side, unsigned mline, const struct gh_secret *key);
};

/* Where we stand towards one side. */
struct gh_neg_leg {
    const struct gh_trunk_rules *rules;
    enum gh_signalling signalling; /* of the connection that carries this very message */
    bool bridge;                   /* the trunk says srtp_path: bridge */
    enum gh_mki_rule mki;          /* OFFER: keys that we offer have one; bridge is set */
    enum gh_mux_rule mux;
    struct gh_addr media4, media6; /* where we take media, as SDP says it; family 0: none of that family */
};

/* How we name ourselves in o= and c= towards one side. */
struct gh_neg_self {
    struct gh_addr address;        /* media.advertise or advertise6 */
    uint64_t session_id, version;
};

/* ---- the exchange ---- */

struct gh_neg_keys;  /* keys that wait for the answer; wiped when it came */
struct gh_neg_force; /* the keys that are, or will be, in force */

/* One side of one stream, as agreed. */
struct gh_neg_side {
    enum gh_suite suite;           /* GH_SUITE_NONE: RTP */
    struct gh_addr rtp, rtcp;      /* where the side wants its media */
    bool rtcp_mux;
    bool may_send;                 /* this side may send to us */
    enum gh_profile profile;       /* of the m-line on this side */
    enum gh_path path;             /* of what arrives from this side */
    /* Running numbers, 0: none.  Where the side declared several keys, one that names them together: as long as it is
     * the same, so are they.  gh_neg_rx_keys has theirs. */
    uint32_t rx_key, tx_key;
    uint16_t port;                 /* ours, towards this side */
    bool worn;                     /* our own key to it is near its limit: what is written next brings another */
    bool stale;                    /* it has a key that the other side sends under no more */
    bool gone;                     /* the other side turned the m-line off, and this one was not told */
};

struct gh_neg_stream {
    enum gh_media_kind kind;
    bool live;                     /* not refused so far */
    enum gh_reason reason;         /* why it is not live */
    enum gh_profile offer_profile; /* of the offerer */
    enum gh_offer_plan plan;       /* towards the answerer; REFUSE: this destination got port 0 for it */
    enum gh_direction direction;   /* of the offerer's offer */
    bool exposed;                  /* a key of it was seen on a path that failed the gate */
    bool parked;                   /* port 0 now; its media stream and keys stay, so that nothing is replayed later */
    bool renew;                    /* a keyed side becomes clear: it goes on as another stream, with fresh keys of ours */
    struct gh_neg_side side[2];
    struct gh_neg_keys *keys;
    struct gh_neg_force *force;
    gh_stream_id stream;           /* of the media plane; 0: none */
};

/* Our newest description to one side, without keys; text NULL: none was written. */
struct gh_neg_said {
    char *text;
    size_t len;
    uint64_t version;
};

struct gh_neg {
    int offerer;                   /* GH_SIDE_A or _B */
    bool alone;                    /* an exchange of our own with the answerer; @offer is ours then */
    bool rekeyed, cut;             /* alone: a key is another now; an m-line is off.  After gh_neg_alone_settle */
    struct gh_neg_said said[2];
    const struct gh_neg *base;     /* what is in force; NULL: nothing.  Until gh_neg_settled */
    struct gh_neg_keeper keeper;
    enum gh_on_downgrade route_downgrade; /* of the route; zeroed: reject */
    struct gh_sdp *offer, *answer; /* as they came */
    struct gh_neg_stream *streams; /* by m-line, as many as count says; NULL: no description was read */
    size_t count;                  /* of streams that are kept */
    size_t media_count;            /* of m-lines, also those past GH_NEG_STREAMS_MAX */
    uint8_t family[2];             /* of addresses, towards each side, for the life of a dialog; 0: not known yet */
    bool keyed[2];                 /* a stream of that side was, in this exchange or one before */
    struct gh_marks marks;
    struct gh_marks plan_marks;    /* earned by the newest offer out; see gh_neg_marks */
    bool bridge;                   /* no key crosses, either way; stays so */
    char fault[GH_NEG_FAULT_MAX];  /* "", or what is wrong with it, for people; never the peer's octets */
};

/** @base  NULL, or the exchange that is in force: m-lines, ports and media streams go on from it */
void gh_neg_init(struct gh_neg *neg, int offerer, const struct gh_neg *base);

/** Wipes every key.  NULL is fine. */
void gh_neg_fini(struct gh_neg *neg);
/** The same for one from the heap. */
void gh_neg_free(struct gh_neg *neg);

/**
 * A copy of an exchange whose offer was written, to take one answer.  @out  uninitialised
 * @return 0 or GH_ENOMEM: nothing to clean up then
 */
int gh_neg_fork(struct gh_neg *out, const struct gh_neg *neg);

/**
 * Read the offer and judge each m-line.
 * @return GH_REASON_NONE when a stream is left, or every m-line is off; else why the offer is
 * refused.  GH_REASON_INTERNAL: no memory
 */
enum gh_reason gh_neg_offer_in(struct gh_neg *neg, struct gh_span sdp, const struct gh_neg_leg *from);

/**
 * Write the offer to the answerer.  Ports of both sides were put into streams[].side[].port before, and the family
 * of the answerer's into family.
 * @first  the first destination that is tried in this call: only there keys of the offerer are copied
 * @out    owned by the caller; holds keys
 */
enum gh_reason gh_neg_offer_out(struct gh_neg *neg, const struct gh_neg_leg *from,
                                const struct gh_neg_leg *to, const struct gh_neg_self *self, bool first,
                                struct gh_sdp **out);

/** The best grade that the call can still reach: after offer_out, and again after answer_in. */
enum gh_grade gh_neg_best_grade(const struct gh_neg *neg, const struct gh_neg_leg *from,
                                const struct gh_neg_leg *to);

/**
 * Read the answer.
 * @from  the answerer's leg
 * @return GH_REASON_NONE, or why the call, or the change of it, ends
 */
enum gh_reason gh_neg_answer_in(struct gh_neg *neg, struct gh_span sdp, const struct gh_neg_leg *from,
                                bool srtp_fallback);

/**
 * Write the answer to the offerer and settle keys and paths.
 * @again  NULL, or the result of an earlier answer of the same early dialog: our own keys stay
 * @to     the offerer's leg
 * @out    owned by the caller; holds keys
 */
enum gh_reason gh_neg_answer_out(struct gh_neg *neg, const struct gh_neg *again, const struct gh_neg_leg *to,
                                 const struct gh_neg_self *self, struct gh_sdp **out);

/**
 * Begin an exchange of our own with one side of a session that is in force: our newest description to it once more
 * (RFC 3264 section 8).  The other side hears nothing of it.  Each m-line has the one a=crypto line that is in force,
 * or a fresh key of ours where the key in force is worn or stale.  gh_neg_answer_in takes the answer.
 * @neg   uninitialised; to be freed whatever the result
 * @side  that is to answer
 * @self  version: the newest that was sent on this leg; raised when this description is another
 * @out   owned by the caller; holds keys
 */
enum gh_reason gh_neg_alone_offer(struct gh_neg *neg, const struct gh_neg *base, int side,
                                  const struct gh_neg_leg *to, struct gh_neg_self *self, struct gh_sdp **out);

/**
 * Settle keys and paths after the answer.  A side whose key came from the answerer, who has declared another one, is
 * stale then, and what the answerer turned off is gone for it: it needs an exchange of its own.
 * @return GH_REASON_NONE, or why the change cannot be
 */
enum gh_reason gh_neg_alone_settle(struct gh_neg *neg);

/** m-lines, by bit, of which @side is to be told anew: its key is worn or stale, or they are gone. */
unsigned gh_neg_wanting(const struct gh_neg *neg, int side);
/** Of these, where nothing can go to @side until it is done. */
unsigned gh_neg_stale(const struct gh_neg *neg, int side);
/** Of these, where nothing goes either way any more. */
unsigned gh_neg_gone(const struct gh_neg *neg, int side);

/** The key to @side of m-line @index, known by its number, is near its limit.
 *  @return whether it is in force and ours */
bool gh_neg_worn(struct gh_neg *neg, size_t index, int side, uint32_t key);

/**
 * The answer to an offer that gets none: every m-line with port 0 (policy: "ACK with every m-line
 * port 0").  After offer_in, also one that failed.
 * @return 0, GH_ESTATE (the offer was no SDP) or an error
 */
int gh_neg_zero_answer(const struct gh_neg *neg, const struct gh_neg_self *self, struct gh_sdp **out);

/** The numbers of all keys that @side sends under, after answer_out.  @return how many are written, 0: it is clear */
size_t gh_neg_rx_keys(const struct gh_neg_stream *stream, int side, uint32_t out[GH_MEDIA_RX_KEYS_MAX]);

/** What the media plane is to do for one side; after answer_out.  stream, generation and what the trunk
 *  says of sources and timeouts are the caller's to fill.
 *  @out  holds keys, and may own rx_more, after an error too
 *  @return 0 or GH_ENOMEM */
int gh_neg_media_set(const struct gh_neg_stream *stream, int side, struct gh_media_set *out);

/** Would the offerer send SRTP on this m-line?  After offer_in */
bool gh_neg_offers_srtp(const struct gh_neg_stream *stream);

/** Did the offerer declare a key that may be used? */
bool gh_neg_offered_keys(const struct gh_neg *neg);

/** Does the offer that was written carry keys? */
bool gh_neg_offers_keys(const struct gh_neg *neg);

/** Both sides have their answer: documents and provisional keys are wiped; what was agreed stays. */
void gh_neg_settled(struct gh_neg *neg);

/** @key was seen by strangers: streams that use it, or may after the answer, are exposed.  @return whether any does */
bool gh_neg_exposed(struct gh_neg *neg, const struct gh_secret *key);

/** All marks of the exchange. */
struct gh_marks gh_neg_marks(const struct gh_neg *neg);

#endif
