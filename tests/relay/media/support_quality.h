/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the figures of quality share: a source of packets, and what it all comes to. */
#ifndef GH_TEST_SUPPORT_QUALITY_H
#define GH_TEST_SUPPORT_QUALITY_H

#include <math.h>

#include "media/media_int.h"
#include "support/check.h"

#define NEAR(got, want, by) CHECK(fabs((double)(got) - (double)(want)) <= (by))

struct source {
    struct gh_quality *to;
    uint32_t ssrc, timestamp;
    uint16_t seq;
    uint8_t type;
    uint64_t now_us;
};

static inline void packet(const struct source *source, uint16_t seq, uint32_t timestamp, uint64_t now_us)
{
    uint8_t p[12] = { 0x80, source->type };

    p[2] = (uint8_t)(seq >> 8);
    p[3] = (uint8_t)seq;
    gh_put32(p + 4, timestamp);
    gh_put32(p + 8, source->ssrc);
    gh_quality_rtp(source->to, p, now_us);
}

/* The next one in time, 20 ms of 8 kHz after the one before. */
static inline void next(struct source *source)
{
    packet(source, source->seq++, source->timestamp, source->now_us);
    source->timestamp += 160;
    source->now_us += 20000;
}

static inline const struct gh_media_quality *sum(struct gh_quality *quality, uint64_t now_ms)
{
    gh_quality_sum(quality, now_ms);
    return &quality->now;
}

#endif
