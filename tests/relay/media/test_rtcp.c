/* SPDX-License-Identifier: Apache-2.0 */
/* Reading RTCP: what each part says, and that no octet of it can lead the reader astray. */
#include "support/check.h"

#include "media/packet.h"
#include "media/rtcp.h"

/* Written out by the figures of RFC 3550 sections 6.4.1, 6.4.2, 6.5 and 6.6. */
static const uint8_t compound[] = {
    /* SR, one block, 52 octets */
    0x81, 200, 0, 12, 0x11, 0x22, 0x33, 0x44,
    0xe0, 0x01, 0xab, 0xcd, 0x12, 0x34, 0x00, 0x00, 0, 0, 0, 160, 0, 0, 1, 0x2c, 0, 0, 0xbb, 0x80,
    0x55, 0x66, 0x77, 0x88, 0x40, 0x00, 0x00, 0x19, 0x00, 0x01, 0x03, 0xe8, 0, 0, 0, 80,
    0xab, 0xcd, 0x12, 0x34, 0x00, 0x01, 0x80, 0x00,
    /* RR, one block, 32 octets: lost is -2 */
    0x81, 201, 0, 7, 0x11, 0x22, 0x33, 0x44,
    0x99, 0xaa, 0xbb, 0xcc, 0x00, 0xff, 0xff, 0xfe, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    /* SDES, one chunk, CNAME "ab" */
    0x81, 202, 0, 3, 0x11, 0x22, 0x33, 0x44, 1, 2, 'a', 'b', 0, 0, 0, 0,
    /* BYE of two, with a reason */
    0x82, 203, 0, 3, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 3, 'o', 'f', 'f',
};

static void every_part_is_read(void)
{
    struct gh_rtcp_reader reader;
    struct gh_rtcp_part part;
    struct gh_rtcp_block block;

    gh_rtcp_read(&reader, compound, sizeof(compound));
    CHECK_OR_STOP(gh_rtcp_next(&reader, &part));
    CHECK_INT(part.kind, GH_RTCP_SR);
    CHECK_INT(part.ssrc, 0x11223344);
    CHECK_INT(part.ntp_middle, 0xabcd1234);
    CHECK_INT(part.sent_pkts, 300);
    CHECK_INT(part.sent_octets, 48000);
    CHECK_INT(part.count, 1);
    CHECK_OR_STOP(gh_rtcp_block(&part, 0, &block));
    CHECK_INT(block.ssrc, 0x55667788);
    CHECK_INT(block.fraction, 64);
    CHECK_INT(block.lost, 25);
    CHECK_INT(block.highest, 66536);
    CHECK_INT(block.jitter, 80);
    CHECK_INT(block.lsr, 0xabcd1234);
    CHECK_INT(block.dlsr, 98304);
    CHECK(!gh_rtcp_block(&part, 1, &block));
    CHECK_OR_STOP(gh_rtcp_next(&reader, &part));
    CHECK_INT(part.kind, GH_RTCP_RR);
    CHECK_OR_STOP(gh_rtcp_block(&part, 0, &block));
    CHECK_INT(block.ssrc, 0x99aabbcc);
    CHECK_INT(block.lost, -2);
    CHECK_INT(block.lsr, 0);
    CHECK_OR_STOP(gh_rtcp_next(&reader, &part));
    CHECK_INT(part.kind, GH_RTCP_SDES);
    CHECK(!gh_rtcp_block(&part, 0, &block));
    CHECK_OR_STOP(gh_rtcp_next(&reader, &part));
    CHECK_INT(part.kind, GH_RTCP_BYE);
    CHECK_INT(part.count, 2);
    CHECK(!gh_rtcp_block(&part, 0, &block));
    CHECK(!gh_rtcp_next(&reader, &part));
    CHECK(!reader.broken);
}

/* Each in a buffer of its own length: the sanitizer sees a step beyond. */
static void cut_at_every_octet(void)
{
    static const size_t ends[] = { 0, 52, 84, 100, 116 }; /* of whole parts */

    for (size_t len = 0; len < sizeof(compound); len++) {
        uint8_t *copy = malloc(len ? len : 1);
        struct gh_rtcp_reader reader;
        struct gh_rtcp_part part;
        struct gh_rtcp_block block;
        unsigned parts = 0, whole = 0;
        bool at_end = false;

        memcpy(copy, compound, len);
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
            whole += i && ends[i] <= len;
            at_end = at_end || ends[i] == len;
        }
        gh_rtcp_read(&reader, copy, len);
        for (; gh_rtcp_next(&reader, &part); parts++) {
            for (unsigned i = 0; gh_rtcp_block(&part, i, &block); i++)
                CHECK(i < 31);
        }
        CHECK_INT(parts, whole);
        CHECK_INT(reader.broken, !at_end);
        free(copy);
    }
}

struct bad {
    const char *why;
    uint8_t octets[64];
    size_t len;
};

static void what_is_broken_is_told(void)
{
    static const struct bad bad[] = {
        { "version 1", { 0x40, 201, 0, 1, 1, 2, 3, 4 }, 8 },
        { "31 blocks promised, none there", { 0x9f, 201, 0, 1, 1, 2, 3, 4 }, 8 },
        { "an SR without its sender's figures", { 0x80, 200, 0, 1, 1, 2, 3, 4 }, 8 },
        { "an RR without a sender", { 0x80, 201, 0, 0 }, 4 },
        { "one block promised, 20 of 24 octets", { 0x81, 201, 0, 6, 1, 2, 3, 4 }, 28 },
        { "two sources in a BYE of one", { 0x82, 203, 0, 1, 1, 2, 3, 4 }, 8 },
        { "longer than the datagram", { 0x80, 201, 0xff, 0xff, 1, 2, 3, 4 }, 8 },
        { "padding in the middle", { 0xa0, 201, 0, 1, 1, 2, 3, 4, 0x80, 203, 0, 0 }, 12 },
        { "more padding than part", { 0xa0, 201, 0, 2, 1, 2, 3, 4, 0, 0, 0, 12 }, 12 },
        { "padding over the blocks", { 0xa1, 201, 0, 8, 1, 2, 3, 4, [35] = 8 }, 36 },
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gh_rtcp_reader reader;
        struct gh_rtcp_part part;

        gh_rtcp_read(&reader, bad[i].octets, bad[i].len);
        if (!CHECK(!gh_rtcp_next(&reader, &part) && reader.broken))
            fprintf(stderr, "  %s\n", bad[i].why);
        CHECK(!gh_rtcp_next(&reader, &part));
    }
}

static void padding_at_the_end_is_fine(void)
{
    static const uint8_t padded[] = { 0xa0, 201, 0, 2, 1, 2, 3, 4, 0, 0, 0, 4 };
    struct gh_rtcp_reader reader;
    struct gh_rtcp_part part;

    gh_rtcp_read(&reader, padded, sizeof(padded));
    CHECK(gh_rtcp_next(&reader, &part));
    CHECK_INT(part.ssrc, 0x01020304);
    CHECK(!gh_rtcp_next(&reader, &part) && !reader.broken);
}

static void no_more_parts_than_the_limit(void)
{
    uint8_t many[4 * (GH_RTCP_PARTS_MAX + 1)];
    struct gh_rtcp_reader reader;
    struct gh_rtcp_part part;
    unsigned parts = 0;

    for (size_t i = 0; i < sizeof(many); i += 4)
        memcpy(many + i, "\x80\xcb\0\0", 4); /* BYE of nobody */
    gh_rtcp_read(&reader, many, sizeof(many));
    while (gh_rtcp_next(&reader, &part))
        parts++;
    CHECK_INT(parts, GH_RTCP_PARTS_MAX);
    CHECK(reader.broken);
}

/* Every octet of the good packet, with every value: nothing is read that is not there. */
static void any_octet_may_be_anything(void)
{
    unsigned long blocks = 0;

    for (size_t at = 0; at < sizeof(compound); at++) {
        for (int value = 0; value < 256; value++) {
            uint8_t *copy = malloc(sizeof(compound));
            struct gh_rtcp_reader reader;
            struct gh_rtcp_part part;
            struct gh_rtcp_block block;

            memcpy(copy, compound, sizeof(compound));
            copy[at] = (uint8_t)value;
            gh_rtcp_read(&reader, copy, sizeof(compound));
            while (gh_rtcp_next(&reader, &part)) {
                for (unsigned i = 0; gh_rtcp_block(&part, i, &block); i++)
                    blocks++;
            }
            free(copy);
        }
    }
    CHECK(blocks > sizeof(compound) * 256); /* most of them still had both */
}

int main(void)
{
    RUN(every_part_is_read);
    RUN(cut_at_every_octet);
    RUN(what_is_broken_is_told);
    RUN(padding_at_the_end_is_fine);
    RUN(no_more_parts_than_the_limit);
    RUN(any_octet_may_be_anything);
    return CHECK_REPORT();
}
