/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: RTP and RTCP octets through everything that looks at them: what a packet is,
 * its SSRCs rewritten and read again, its reports, the figures of quality.  What a peer claims
 * stays within what can be.
 * Input: pieces, each a 16-bit length and octets; every piece is one packet.  Seeds: tests/fuzz/media_rtcp/.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/packet.h"
#include "media/quality.h"
#include "media/rtcp.h"

#define REQUIRE(condition)                                                              \
    do {                                                                                \
        if (!(condition))                                                               \
            abort();                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t flip(void *arg, uint32_t ssrc, bool own)
{
    (void)arg;
    return own ? ~ssrc : ssrc ^ 1;
}

/* @odd  it is broken, or padded: how much is padding stands in an octet that lies may make part of
 * an SSRC */
static unsigned blocks_of(const uint8_t *p, size_t len, bool *odd)
{
    struct gh_rtcp_reader reader;
    struct gh_rtcp_part part;
    struct gh_rtcp_block block;
    unsigned blocks = 0;
    bool padded = false;

    gh_rtcp_read(&reader, p, len);
    for (padded = p[0] & 0x20; gh_rtcp_next(&reader, &part);
         padded = padded || (reader.left && (reader.p[0] & 0x20))) {
        for (unsigned i = 0; gh_rtcp_block(&part, i, &block); i++) {
            REQUIRE(i < 31 && block.lost >= -0x800000 && block.lost <= 0x7fffff);
            blocks++;
        }
    }
    *odd = reader.broken || padded;
    return blocks;
}

static void look_at_rtcp(uint8_t *p, size_t len)
{
    bool odd, odd_again;
    unsigned blocks = blocks_of(p, len, &odd);
    uint8_t *before = malloc(len);

    memcpy(before, p, len);
    gh_rtcp_looks_plain(p, len, 10, false);
    gh_rtcp_looks_plain(p, len, 16, true);
    if (gh_rtcp_rewrite(p, len, flip, NULL)) {
        REQUIRE(odd || (blocks_of(p, len, &odd_again) == blocks && !odd_again));
        REQUIRE(gh_rtcp_rewrite(p, len, flip, NULL) && memcmp(p, before, len) == 0);
    }
    memcpy(p, before, len);
    free(before);
}

static void check_figures(struct gh_quality sides[2], uint64_t packets, uint64_t now_us)
{
    for (int s = 0; s < 2; s++) {
        const struct gh_media_quality *now = &sides[s].now;

        gh_quality_sum(&sides[s], now_us / 1000);
        REQUIRE(now->measured.received_pkts <= packets && now->measured.sources <= packets);
        REQUIRE(now->measured.lost_pkts <= now->measured.expected_pkts);
        REQUIRE(now->measured.expected_pkts <= packets * 3000);
        REQUIRE(now->measured.loss_worst_ppm <= 1000000);
        REQUIRE(now->reported.rtt_worst_us <= 60000000 && now->reported.fraction_worst <= 255);
    }
    for (int s = 0; s < 4; s++) {
        struct gh_media_quality both[2] = { sides[0].now, sides[1].now };
        struct gh_media_score score = gh_media_score(both, s % 2, s / 2);

        REQUIRE(!score.known ||
                (score.mos >= 1 && score.mos <= 4.5 && score.loss >= 0 && score.loss <= 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_quality *sides = aligned_alloc(_Alignof(struct gh_quality), 2 * sizeof(*sides));
    uint64_t now_us = 1000000, packets = 0;
    int side = 0;

    memset(sides, 0, 2 * sizeof(*sides));
    while (size >= 2) {
        size_t len = gh_get16(data) & 0x7ff;
        uint8_t *p;
        uint32_t middle = 0;

        side = data[0] >> 7;
        data += 2;
        size -= 2;
        len = len < size ? len : size;
        p = malloc(len ? len : 1); /* in its exact length */
        memcpy(p, data, len);
        data += len;
        size -= len;
        now_us += 1000 * (len + 1);
        switch (gh_pkt_kind(p, len)) {
        case GH_PKT_RTP:
            REQUIRE(gh_rtp_header_len(p, len) >= GH_RTP_HEADER && gh_rtp_header_len(p, len) <= len);
            gh_rtp_looks_plain(p, len, 10);
            gh_quality_rtp(&sides[side], p, now_us);
            gh_quality_sent(&sides[!side], gh_get32(p + 8));
            packets++;
            break;
        case GH_PKT_RTCP:
            look_at_rtcp(p, len);
            gh_quality_rtcp(&sides[side], &sides[!side], p, len, now_us, &middle);
            gh_quality_report_sent(&sides[!side], middle, now_us);
            break;
        case GH_PKT_OTHER:
        case GH_PKT_STUN:
        case GH_PKT_DTLS:
            break;
        }
        free(p);
    }
    check_figures(sides, packets, now_us);
    for (int s = 0; s < 2; s++)
        gh_quality_fini(&sides[s]);
    free(sides);
    return 0;
}
