/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two words of a call's security.  Status: what a leg or call may be called on the wire
 * ("consider traffic secure").  Grade: what the record says was true.  Both are ordered; the least
 * wins.
 */
#ifndef GATEHOUSE_GRADE_H
#define GATEHOUSE_GRADE_H

#include <gatehouse/span.h>

/* Unknown stands below every claim: it is never sent and never counts; see relay/policy. */
#define GH_STATUS_MAP(X)                                                                \
    X(GH_STATUS_UNKNOWN, "Unknown")                                                     \
    X(GH_STATUS_NOT_AUTHENTICATED, "NotAuthenticated")                                  \
    X(GH_STATUS_AUTHENTICATED, "Authenticated")                                         \
    X(GH_STATUS_ENCRYPTED, "Encrypted")

#define GH_GRADE_MAP(X)                                                                            \
    X(GH_GRADE_NONE, "none", "nothing was graded: no media packet was relayed")                    \
    X(GH_GRADE_CLEAR, "clear", "no live stream had SRTP on either hop")                            \
    X(GH_GRADE_MIXED, "mixed",                                                                     \
      "a hop of a live stream was clear, unproven, or its key was exposed")                        \
    X(GH_GRADE_HOP_BY_HOP, "hop_by_hop",                                                           \
      "both hops were SRTP, keys carried only over proven TLS, both sides proven by packets")      \
    X(GH_GRADE_ATTESTED, "attested", "hop by hop, and both neighbours claim the same beyond")      \
    X(GH_GRADE_PASS_THROUGH, "pass_through",                                                       \
      "keys are not held here; packets not authenticated by this node")

enum gh_status {
#define X(id, name) id,
    GH_STATUS_MAP(X)
#undef X
    GH_STATUS_COUNT
};

enum gh_grade {
#define X(id, name, text) id,
    GH_GRADE_MAP(X)
#undef X
    GH_GRADE_COUNT
};

static inline const char *gh_status_name(enum gh_status status)
{
    static const char *const names[GH_STATUS_COUNT] = {
#define X(id, name) [id] = name,
        GH_STATUS_MAP(X)
#undef X
    };

    return (unsigned)status < GH_STATUS_COUNT ? names[status] : "Unknown";
}

/** Case-insensitive.  Anything that is not one of the names is Unknown. */
static inline enum gh_status gh_status_by_name(struct gh_span name)
{
    for (int s = 0; s < GH_STATUS_COUNT; s++) {
        if (gh_span_ieq(name, gh_span_str(gh_status_name((enum gh_status)s))))
            return (enum gh_status)s;
    }
    return GH_STATUS_UNKNOWN;
}

static inline const char *gh_grade_name(enum gh_grade grade)
{
    static const char *const names[GH_GRADE_COUNT] = {
#define X(id, name, text) [id] = name,
        GH_GRADE_MAP(X)
#undef X
    };

    return (unsigned)grade < GH_GRADE_COUNT ? names[grade] : "none";
}

/** One sentence for people: what the grade says. */
static inline const char *gh_grade_text(enum gh_grade grade)
{
    static const char *const texts[GH_GRADE_COUNT] = {
#define X(id, name, text) [id] = text,
        GH_GRADE_MAP(X)
#undef X
    };

    return (unsigned)grade < GH_GRADE_COUNT ? texts[grade] : "";
}

#endif
