/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the time line share: short words for its inputs, in milliseconds. */
#ifndef GH_TEST_SUPPORT_TIMELINE_H
#define GH_TEST_SUPPORT_TIMELINE_H

#include "call/timeline.h"

#include "support/check.h"

#define MS 1000LL
#define A 0
#define B 1

static struct gh_timeline line;

static inline struct gh_timeline_side keyed(uint32_t key)
{
    return (struct gh_timeline_side){ .keying = GH_KEYING_SDES,
                                      .key = key,
                                      .peer = 1,
                                      .signalling = GH_SIG_TLS_VERIFIED,
                                      .may_send = true };
}

static inline struct gh_timeline_side clear(void)
{
    return (struct gh_timeline_side){ .peer = 1, .signalling = GH_SIG_CLEAR, .may_send = true };
}

static inline struct gh_timeline_side quiet(struct gh_timeline_side side)
{
    side.may_send = false;
    return side;
}

static inline void set(size_t stream, struct gh_timeline_side a, struct gh_timeline_side b,
                       int64_t ms)
{
    gh_timeline_set(&line, stream, (struct gh_timeline_side[2]){ a, b }, ms * MS);
}

/* More packets went over the stream. */
static inline void media(size_t stream)
{
    static uint64_t pkts;

    gh_timeline_relayed(&line, stream, 1, ++pkts);
}

static inline bool prove(size_t stream, int side, uint32_t key, int64_t ms)
{
    return gh_timeline_proof(&line, stream, side, key, ms * MS);
}

/* Another call: nothing was told of it yet. */
static inline void anew(void)
{
    gh_timeline_fini(&line);
    gh_timeline_init(&line);
}

static inline void begin(void)
{
    anew();
    gh_timeline_answered(&line, 0);
}

/* One stream, both sides keyed and proven. */
static inline void begin_secure(void)
{
    begin();
    set(0, keyed(1), keyed(2), 0);
    media(0);
    prove(0, A, 1, 20);
    prove(0, B, 2, 25);
}

/* "0-48200 hop_by_hop, ..." in milliseconds */
static inline const char *intervals(const struct gh_timeline *of)
{
    static char text[4096];
    struct gh_timeline_interval interval;
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; !gh_timeline_interval(of, i, &interval) && len < sizeof(text); i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%lld-%lld %s", i ? ", " : "",
                                (long long)(interval.from_us / MS),
                                (long long)(interval.to_us / MS), gh_grade_name(interval.grade));
    return text;
}

static inline const char *end(int64_t ms)
{
    gh_timeline_end(&line, ms * MS);
    return intervals(&line);
}

static inline const char *now(void)
{
    return gh_timeline_word(gh_timeline_now(&line));
}

static inline const char *call(void)
{
    return gh_timeline_word(gh_timeline_call(&line));
}

#endif
