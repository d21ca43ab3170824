/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream between sides a and b as a worker has it, without worker, loop and sockets: the test calls the worker's own
 * functions, with time as an argument.  Side a declares keys that have MKIs; a packet of a's phone that was accepted ends
 * as not_sending, for nothing leads to b.
 */
#ifndef GH_SUPPORT_BARE_H
#define GH_SUPPORT_BARE_H

#include "media/media_int.h"
#include "support_media.h"

#define OURS 100 /* seeds from here on are our own keys */

struct bare {
    struct gh_worker worker;
    struct gh_stream stream;
    struct gh_own own;
    struct phone phone;      /* a's */
    uint8_t phone_key;       /* seed of what phone.tx is under */
    struct gh_srtp_tx *reports[256]; /* by seed: SRTCP numbers go on, whatever key is used between */
    enum gh_suite suite;     /* of both sides */
    uint32_t generation;
    uint64_t lifetimes[256]; /* of a's keys, by seed; 0: none */
};

extern struct bare bare;

/* One at a time.  b has a key, and one of ours. */
void bare_begin(enum gh_suite suite);
/** @return how many checks in the functions here have failed since bare_begin */
int bare_end(void);
#define BARE_END() CHECK_INT(bare_end(), 0)

/* ---- sets ------------------------------------------------------------------------------------------------ */

#define SEEDS(...) ((const uint8_t[]){ __VA_ARGS__, 0 })

/** Two octets, so that a value that is wrong in one of them is seen as well. */
struct gh_media_mki bare_mki(uint8_t value);
/** The side declares the keys of @seeds, which 0 ends; each seed is the value of its MKI too. */
void bare_declare(struct gh_media_set *set, enum gh_suite suite, const uint8_t *seeds);
/** Generation, directions and a's lifetimes are filled in.  Frees rx_more, as media does. */
void bare_set(struct gh_media_set *set, uint64_t now_ms);
void bare_set_a(const uint8_t *seeds, uint64_t now_ms);
void bare_set_b(uint8_t tx_seed);

/* ---- packets --------------------------------------------------------------------------------------------- */

struct sealed {
    uint8_t p[PKT_MAX];
    size_t len;
};

/** The MKI goes where it belongs.  RFC 3711 section 3.1: before the tag; RFC 7714 sections 8.1 and 9: at the end. */
void bare_name(struct sealed *packet, bool rtcp, const struct gh_media_mki *mki);
/**
 * The phone's next packet under the key of @seed, with the MKI of @named; 0: without one.  From key to key its ROC and
 * numbers go on, as RFC 3711 section 3.2.1 has it.
 */
struct sealed bare_seal(uint8_t seed, uint8_t named, bool rtcp);
/** @return enum gh_drop: what became of it; -1: more than one thing, or none */
int bare_arrives(const struct sealed *packet, bool rtcp, uint64_t now_ms);
/** RTP under the key of @seed, with its MKI. */
int bare_sends(uint8_t seed, uint64_t now_ms);
/** RTCP goes through the whole path, as far as a socket that is not there: send_failed or not_sending. */
bool bare_is_accepted(int end_of);
/** What was told since the last call: how often @kind. */
int bare_told(enum gh_media_event_kind kind);

#define ACCEPTED GH_DROP_NOT_SENDING
#define REFUSED  GH_DROP_AUTH_FAILED
#define REPLAYED GH_DROP_REPLAYED

#endif
