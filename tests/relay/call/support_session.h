/* SPDX-License-Identifier: Apache-2.0 */
/* Short words for tests of sessions that change: m-lines, and what is to come of an exchange. */
#ifndef GH_TEST_SUPPORT_SESSION_H
#define GH_TEST_SUPPORT_SESSION_H

#include "support/check.h"
#include "support_change.h"

#define AUDIO(proto, tag, suite, key)                                                              \
    "m=audio 5004 " proto " 0\na=crypto:" tag " " suite " inline:" key "\n"
#define VIDEO(tag, suite, key)                                                                     \
    "m=video 5010 RTP/SAVP 97\na=crypto:" tag " " suite " inline:" key "\n"
#define SAVP(tag, suite, key) AUDIO("RTP/SAVP", tag, suite, key)
#define CLEAR                 "m=audio 5004 RTP/AVP 0\n"
#define OFF_AUDIO             "m=audio 0 RTP/SAVP 0\n"
#define OFF_VIDEO             "m=video 0 RTP/SAVP 97\n"

static inline void must(struct session *session, int offerer, const char *offer, const char *answer)
{
    CHECK_STR(gh_reason_name(session_change(session, offerer, offer, answer)), "none");
}

/* Our keys of a bridge, as they were written. */
struct ours {
    char to_a[128], to_b[128];
};

/* a offers AES80, b answers with GCM: at first, or once more. */
static inline struct ours bridge(struct session *session)
{
    struct ours ours;

    must(session, GH_SIDE_A, SAVP("1", AES80, "@A1"), SAVP("2", GCM, "@BG"));
    session_key(session->offered, 0, 1, ours.to_b);
    session_key(session->answered, 0, 0, ours.to_a);
    CHECK(ours.to_a[0] && ours.to_b[0]);
    return ours;
}

/* Keys of both sides in force on an m-line: what the side sends under, what we send to it under. */
static inline void in_force(const struct session *session, int media, const char *a, const char *b)
{
    char text[32];

    CHECK_STR(session_in_force(session, media, GH_SIDE_A, text), a);
    CHECK_STR(session_in_force(session, media, GH_SIDE_B, text), b);
}

#endif
