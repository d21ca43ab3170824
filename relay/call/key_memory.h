/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which SRTP keys were seen before, where, and whether that is bad.  Keys are not kept: only the
 * first 128 bits of HMAC-SHA-256 under a random key of this boot.  So the memory tells nothing to
 * whoever reads it, and nobody outside can choose what collides.  The same key means: the same
 * octets of master key and salt.
 *
 * What a key is that a side declares.  The first row that fits:
 *
 *   exposed  it was seen on a path that failed the gate, in any call
 *   echoed   one key both ways: the other side of this m-line declared it, or we wrote it to this
 *            very side of this m-line
 *   (repeat) this side declared it for this m-line in the same dialog, or in the same INVITE:
 *            a hairpin if it was one then, else fresh
 *   reused   it is known from another m-line, or from a call that has nothing to do with this one
 *   hairpin  we wrote it to this neighbour in another call that is still running: it comes back
 *   fresh    it is not known; or only from our own copies, or from the same INVITE in another call
 *
 * Calls that a hairpin links are one line: at the second return the key is known from all of them,
 * and that is no reuse.  A key that we drew and that comes from somebody else, or after the call,
 * is reused.  A neighbour on both sides of a call that uses one key in another call meanwhile looks
 * like a hairpin: it may be one.
 *
 * Bounds.  All memory is taken by gh_key_memory_new(), so nothing fails later for want of it.
 * - Exposed keys have room of their own: keys of calls never push them out.  When it is full, the
 *   source that holds most of it loses its oldest.  A neighbour that sends very many keys so makes
 *   only its own be forgotten; the others keep theirs up to an equal share.
 * - Places in calls: first the oldest of ended calls is forgotten, then the oldest of all.
 * - Of one key, GH_KEY_USES_MAX places are kept: first those of ended calls go, last those of the
 *   call that brings it.
 * What is forgotten is fresh again, or a reuse where it was a repeat.
 *
 * Errors deny: when the hash fails the answer is exposed.
 * Thread: signalling.
 */
#ifndef GH_CALL_KEY_MEMORY_H
#define GH_CALL_KEY_MEMORY_H

#include "crypto/secret.h"
#include "policy/policy.h"

#define GH_KEY_EXPOSED_MAX (256 * 1024) /* exposed keys; of 64 octets each that are used */
#define GH_KEY_PLACES_MAX (128 * 1024)  /* places in calls; of 136 octets each that are used */
#define GH_KEY_USES_MAX 16              /* places of one key */
#define GH_KEY_SOURCES 64               /* shares of the room for exposed keys: trunk modulo this */

struct gh_seen_keys; /* the memory */

/* Where in a call a key stands: who declared it, or to whom we write it. */
struct gh_key_place {
    uint64_t call;     /* number of the call: not 0, never used again */
    int side;          /* 0 or 1 */
    unsigned mline;    /* index of the m-line */
    gh_trunk_id trunk; /* the neighbour on that side */
    uint64_t dialog;   /* our dialog with it: a number that no other dialog has */
    uint64_t invite;   /* equal for what is the same INVITE: retried or sent to the next destination
                        * by a, forked, or sent to the next destination by us.  Any number, such as
                        * a hash of Session-ID, or of Call-ID and From tag.  0: not known */
};

struct gh_key_seen {
    enum gh_key_memory seen;
    uint64_t call;      /* hairpin: from which it comes back; echoed, reused: where it is known from
                         * (of several, one); else 0 */
    uint32_t number;    /* names the key: of a repeat the first time's, else the secret's own */
    int64_t wall_us;    /* when it was seen first, as far as remembered; 0: never */
    gh_trunk_id source; /* exposed: by whom; else 0 */
};

struct gh_key_memory_limits {
    size_t exposed, places; /* 0: the defaults above */
};

/** @limits  NULL: the defaults.  @return 0, GH_ENOMEM, GH_ELIMIT (above 2^30) or GH_ECRYPTO */
int gh_key_memory_new(struct gh_seen_keys **out, const struct gh_key_memory_limits *limits);

/** Wipes.  NULL is fine. */
void gh_key_memory_free(struct gh_seen_keys *memory);

/* Running calls in which a key is in use that has just been exposed. */
struct gh_key_calls {
    uint64_t call[GH_KEY_USES_MAX]; /* each once */
    size_t count;
};

/**
 * The key was seen on a path that fails the gate: refused, stripped, or in a body where no key may
 * be.
 * @source  trunk of the message; 0: none
 * @calls   NULL, or written always
 * @return 0, GH_EINVAL (no key), GH_ECRYPTO: not remembered, and counted as exposed_lost
 */
int gh_key_memory_expose(struct gh_seen_keys *memory, const struct gh_secret *key,
                         gh_trunk_id source, int64_t wall_us, struct gh_key_calls *calls);

/**
 * A side declared the key over a path that passes the gate.  Says what it is and remembers it,
 * unless it is exposed or echoed: nobody accepts those.
 * @out  written always
 * @return 0, GH_EINVAL (no key, no call, no such side) or GH_ECRYPTO; then out->seen is exposed
 */
int gh_key_memory_declare(struct gh_seen_keys *memory, const struct gh_secret *key,
                          const struct gh_key_place *place, int64_t wall_us,
                          struct gh_key_seen *out);

/**
 * We are about to write the key to the side at @place: the other side's, or one that we drew.
 * @return 0, GH_EINVAL or GH_ECRYPTO: then do not write it, its echo could not be told
 */
int gh_key_memory_wrote(struct gh_seen_keys *memory, const struct gh_secret *key,
                        const struct gh_key_place *place, int64_t wall_us);

/** The call is over: nothing comes back from it any more, and its places are forgotten first.  For
 *  every number that stood in a place, also of a call that was refused; no place of it later. */
void gh_key_memory_call_ended(struct gh_seen_keys *memory, uint64_t call);

struct gh_key_memory_counts {
    size_t exposed, places;                       /* remembered */
    uint64_t exposed_forgotten, places_forgotten; /* pushed out */
    uint64_t exposed_lost;                        /* never remembered: the hash failed */
};

struct gh_key_memory_counts gh_key_memory_counts(const struct gh_seen_keys *memory);

#endif
