/* SPDX-License-Identifier: Apache-2.0 */
/* A session that changes: one exchange after the other, each on the one before. */
#ifndef GH_TEST_SUPPORT_CHANGE_H
#define GH_TEST_SUPPORT_CHANGE_H

#include "support_negotiate.h"

struct session {
    struct nego_leg leg[2];
    struct gh_neg *neg;     /* in force; NULL: nothing */
    struct gh_neg *pending; /* as far as the newest exchange came, if it failed; else NULL */
    struct gh_neg_keeper keeper;
    enum gh_on_downgrade route_downgrade;
    uint64_t version[2];    /* of the newest description to each side */
    char offered[NEGO_TEXT_MAX],
        answered[NEGO_TEXT_MAX]; /* what we wrote in it, as it is; "" if it did not come so far */
};

/** Two trunks that say the same. */
void session_init(struct session *session, const struct nego_who *a, const struct nego_who *b);
void session_fini(struct session *session);

/**
 * One exchange, with streams of the media plane by number.  When it fails, what was in force stays.
 * @offer, @answer  media sections; the head is that of the side
 * @return the reason of the first step that failed
 */
enum gh_reason session_change(struct session *session, int offerer, const char *offer,
                              const char *answer);

/** The same with whole descriptions. */
enum gh_reason session_change_whole(struct session *session, int offerer, const char *offer,
                                    const char *answer);

/**
 * An exchange of our own with @side alone.  What we write is in offered.
 * @answer  media sections; NULL: none comes, and what was in force stays
 * @return the reason of the first step that failed; INTERNAL without an answer
 */
enum gh_reason session_alone(struct session *session, int side, const char *answer);
/** The same with a whole description. */
enum gh_reason session_alone_whole(struct session *session, int side, const char *answer);

/** The base64 of key number @line of m-line number @media in @text, as we wrote it; "" if there is
 * none. */
const char *session_key(const char *text, int media, size_t line, char out[128]);

/** The keys of one side in force, by the names of the support; "own" else, "" none: "A1 B1", and
 *  where the side has several "A1+A2 own". */
const char *session_in_force(const struct session *session, int media, int side, char out[32]);

#endif
