/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the negotiation share: negotiate.c and neg_*.c; nobody else includes it. */
#ifndef GH_NEG_INT_H
#define GH_NEG_INT_H

#include <stdlib.h>

#include "call/negotiate.h"

#define GH_NEG_OUT_LINES_MAX (GH_NEG_LINES_MAX + GH_TRUNK_SUITES_MAX)

/* What a line has whose keys have an MKI: a peer's, never ours.  From the heap, for few have. */
struct gh_neg_named {
    struct gh_media_mki mki;   /* in the packets of its owner under the first key */
    struct gh_media_more more; /* keys after the first */
    uint32_t number;           /* names all of them together, as a key's number names that key; 0: there is one */
};

/* An a=crypto line: of a peer's description, or of ours. */
struct gh_neg_line {
    struct gh_crypto_facts facts;
    const char *fault;          /* static text: why it cannot be read; NULL: it can */
    bool key_twice;             /* two of its keys are one */
    struct gh_secret key;       /* the first */
    uint64_t lifetime_pkts;     /* of it, as its owner declared it; 0: none */
    struct gh_neg_named *named; /* owned; NULL: no MKI, and no further key */
    int copy_of;                /* index among the offerer's lines; -1: our own key */
    uint8_t own_mki;            /* of our own key, in one octet; 0: none */
    bool unpadded;              /* the base64 of a key lacks the = at the end */
};

struct gh_neg_keys {
    struct gh_neg_line offered[GH_NEG_LINES_MAX]; /* by the offerer */
    size_t offered_count;
    int pick;                              /* what we answer with, unless a copied one is picked; -1: none */
    struct gh_neg_line out[GH_NEG_OUT_LINES_MAX]; /* by us, to the answerer */
    size_t out_count;
    uint64_t answer_lifetime_pkts;         /* of the answerer's key */
};

struct gh_neg_force {
    struct gh_secret rx[2], tx[2];
    struct gh_neg_named *rx_named[2];      /* owned; NULL: no MKI, and no key beside rx */
    bool own[2];                           /* tx: drawn by us, not the other side's */
    uint8_t tx_mki[2];                     /* of own ones, in one octet; 0: none */
    struct {                               /* how tx stands in our newest description */
        uint32_t tag;
        uint64_t lifetime_pkts;
        size_t lines;                      /* a=crypto lines beside and with it */
    } written[2];
    uint64_t rx_lifetime_pkts[2];
    struct gh_media_payload payloads[2][GH_MEDIA_PAYLOADS_MAX]; /* what each side sends: the other described it */
    uint8_t payload_counts[2];
};

/* ---- negotiate.c: both halves ---- */

enum gh_reason gh_neg_parse(struct gh_neg *neg, struct gh_span text, struct gh_sdp **out);

/** As many streams as @count, all zero; count is set.  None are there yet.  @return 0 or GH_ENOMEM */
int gh_neg_make_streams(struct gh_neg *neg, size_t count);

/* ---- neg_keys.c: keys of peers, one or several of a line ---- */

/** The first GH_NEG_LINES_MAX a=crypto lines of an m-line with all their keys, which are to be freed also after an
 *  error.  One that cannot be read has none.  @from  whose description it is.  @return 0 or an error */
int gh_neg_read_lines(const struct gh_sdp *doc, int index, const struct gh_neg_leg *from, struct gh_neg_line *lines,
                      size_t *count);
/** Wipes them. */
void gh_neg_free_lines(struct gh_neg_line *lines, size_t count);

/** Ask the keeper about every key of @lines.  @return NONE, or why the m-line is refused */
enum gh_reason gh_neg_declare(struct gh_neg *neg, int side, int index, struct gh_neg_line *lines, size_t count);

/** Is @key one of a line's, or of a side's, that begin with @first? */
bool gh_neg_is_among(const struct gh_secret *key, const struct gh_secret *first, const struct gh_neg_named *named);
/** Have two lines a key in common? */
bool gh_neg_lines_share(const struct gh_neg_line *a, const struct gh_neg_line *b);

/** NULL is fine. */
void gh_neg_named_free(struct gh_neg_named *named);
/** *to becomes a copy of @from, which may be NULL.  @return 0, or GH_ENOMEM: *to is NULL */
int gh_neg_named_set(struct gh_neg_named **to, const struct gh_neg_named *from);

/** All keys of an exchange.  NULL is fine, in and out.  @return NULL: no memory */
struct gh_neg_keys *gh_neg_keys_copy(const struct gh_neg_keys *from);
void gh_neg_keys_free(struct gh_neg_keys *keys);
/** *to, which is initialised, becomes a copy.  @return 0, or GH_ENOMEM: it is still to be freed */
int gh_neg_force_set(struct gh_neg_force *to, const struct gh_neg_force *from);
struct gh_neg_force *gh_neg_force_copy(const struct gh_neg_force *from);
void gh_neg_force_free(struct gh_neg_force *force);

/** Does @side declare the very keys in both, in the same order? */
bool gh_neg_same_rx(const struct gh_neg_force *a, const struct gh_neg_force *b, int side);
/** Several keys that go on from @before, NULL: nothing does, are called as they were. */
void gh_neg_keep_names(struct gh_neg_stream *stream, const struct gh_neg_stream *before);

/* ---- neg_fault.c: what is wrong, in neg->fault ---- */

/** @words  of m-line @index; they hold no octet of the peer's */
void gh_neg_say(struct gh_neg *neg, int index, const char *words);

/** Why no line of @lines is used: a cause, and the lines that it is of, by their place. */
void gh_neg_say_lines(struct gh_neg *neg, int index, const struct gh_neg_leg *from, const struct gh_neg_line *lines,
                      size_t count, bool tag_twice);

/** Whether an address can be media's at all, and of the family that the side has here; else says why not. */
bool gh_neg_address_relayed(struct gh_neg *neg, int side, int index, const struct gh_sdp_media_facts *facts,
                            const struct gh_neg_leg *leg);

/* ---- negotiate.c again ---- */

/** Where @side wants the media of stream @index.  @mux  whether its rtcp-mux may be taken */
void gh_neg_take_addresses(struct gh_neg *neg, int side, int index, const struct gh_sdp_media_facts *facts, bool mux);

/** neg_offer.c: the a=crypto lines of one m-line that we offer; @keys NULL: none. */
int gh_neg_write_lines(struct gh_sdp *doc, int index, const struct gh_neg_keys *keys);

/** neg_offer.c: a line that we write, with one key, or that is in force. */
struct gh_crypto_facts gh_neg_good_facts(enum gh_suite suite, uint32_t tag);

/** neg_offer.c: the MKI of a fresh key of ours, another than that of the one before; 0: none.  @base  or NULL */
uint8_t gh_neg_fresh_mki(const struct gh_neg_leg *to, const struct gh_neg_stream *base, int side);

/** neg_alone.c: @doc, before keys are added, is our newest description to @side.  @return 0 or GH_ENOMEM */
int gh_neg_keep_said(struct gh_neg *neg, int side, const struct gh_sdp *doc, uint64_t version);
void gh_neg_said_free(struct gh_neg *neg);
/** @return false: no memory; @to is to be freed all the same */
bool gh_neg_said_copy(struct gh_neg_said *to, const struct gh_neg_said *from);

/** neg_answer.c: paths and key numbers, by the keys in force. */
void gh_neg_settle_paths(struct gh_neg_stream *stream);

/** neg_payload.c: what the payload types of stream @index mean, by the offer and the answer. */
void gh_neg_take_payloads(struct gh_neg *neg, int index);

/** Does this plan write keys? */
bool gh_neg_plan_has_keys(enum gh_offer_plan plan);

/** The stream that goes on in @index, or NULL. */
const struct gh_neg_stream *gh_neg_base_stream(const struct gh_neg *neg, int index);

/** The same where our own keys go on too: not where a side becomes clear. */
const struct gh_neg_stream *gh_neg_keyed_base(const struct gh_neg *neg, int index);

/** An m-line that is off now: what the base has of it stays for when it comes back.  @return 0 or GH_ENOMEM */
int gh_neg_park(struct gh_neg *neg, int index);

/**
 * This m-line is clear on @side.  Was that side keyed, here or, for a line that is new, anywhere?
 * @return NONE (marked, renewed), or why not
 */
enum gh_reason gh_neg_downgrade(struct gh_neg *neg, int index, int side, const struct gh_neg_leg *leg,
                                bool in_answer);

/** Everything in a document that names a side is replaced by ours; keying of the other side goes. */
int gh_neg_make_ours(struct gh_sdp *doc, const struct gh_neg_self *self, bool proven);

/** Reason of a document that could not be written. */
enum gh_reason gh_neg_written_reason(int err);

#endif
