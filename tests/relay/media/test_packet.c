/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of packets: every truncation, what counts as plain, and where SSRCs stand in RTCP. */
#include "support/check.h"

#include "media/packet.h"

static void first_octet_decides(void)
{
    uint8_t p[32] = { 0 };

    for (int first = 0; first < 256; first++) {
        p[0] = (uint8_t)first;
        for (int second = 0; second < 256; second++) {
            enum gh_pkt_kind want = first >= 20 && first <= 63 && second == 254 ? GH_PKT_DTLS : GH_PKT_OTHER;

            p[1] = (uint8_t)second;
            if (first >= 128 && first <= 191) {
                bool fits = 12 + 4 * (first & 15) + (first & 0x10 ? 4 : 0) <= 32;

                want = second >= 192 && second <= 223 ? GH_PKT_RTCP : fits ? GH_PKT_RTP : GH_PKT_OTHER;
            }
            if (gh_pkt_kind(p, sizeof(p)) != want)
                CHECK_INT(first << 8 | second, -1);
        }
    }
    CHECK_INT(gh_pkt_kind(p, 0), GH_PKT_OTHER);
}

/* On the heap in its exact length, so that a sanitizer sees any step too far. */
static uint8_t *cut(const uint8_t *p, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    memcpy(copy, p, len);
    return copy;
}

static void other_protocols_at_every_length(void)
{
    static const uint8_t stun[24] = { 0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42 };
    static const uint8_t dtls[24] = { 22, 0xfe, 0xfd };

    for (size_t len = 0; len <= sizeof(stun); len++) {
        uint8_t *one = cut(stun, len), *other = cut(dtls, len);

        CHECK_INT(gh_pkt_kind(one, len), len >= 20 ? GH_PKT_STUN : GH_PKT_OTHER);
        CHECK_INT(gh_pkt_kind(other, len), len >= 13 ? GH_PKT_DTLS : GH_PKT_OTHER);
        free(one);
        free(other);
    }
    for (size_t i = 4; i < 8; i++) { /* one bit of the cookie */
        uint8_t *spoilt = cut(stun, sizeof(stun));

        spoilt[i] ^= 1;
        CHECK_INT(gh_pkt_kind(spoilt, sizeof(stun)), GH_PKT_OTHER);
        free(spoilt);
    }
}

static void rtp_header_at_every_length(void)
{
    /* two CSRCs, an extension of three words */
    uint8_t p[48] = { [0] = 0x92, [20] = 0xbe, [21] = 0xde, [23] = 3 };

    for (size_t len = 0; len <= sizeof(p); len++) {
        uint8_t *copy = cut(p, len);

        CHECK_INT(gh_rtp_header_len(copy, len), len >= 36 ? 36 : 0);
        CHECK_INT(gh_pkt_kind(copy, len), len >= 36 ? GH_PKT_RTP : GH_PKT_OTHER);
        gh_rtp_looks_plain(copy, len, 10);
        free(copy);
    }
    p[22] = p[23] = 0xff; /* an extension far longer than the packet */
    CHECK_INT(gh_rtp_header_len(p, sizeof(p)), 0);
}

static uint32_t plus_one(void *arg, uint32_t ssrc, bool own)
{
    ++*(int *)arg;
    return ssrc + (own ? 0x100 : 1);
}

/* hex of a compound packet, and what it becomes: own SSRCs + 0x100, others + 1 */
static const struct rewrite_row {
    const char *what, *in, *out;
} rewrite_rows[] = {
    { "SR, one report", "81c8000c" "00000001" "0000000000000000000000000000000000000000"
      "00000002" "0000000000000000000000000000000000000000",
      "81c8000c" "00000101" "0000000000000000000000000000000000000000"
      "00000003" "0000000000000000000000000000000000000000" },
    { "RR without reports, SDES of two chunks, BYE of two",
      "80c90001" "00000001" "82ca0005" "00000001" "01026162" "00000000" "00000002" "00000000" "82cb0002" "00000001" "00000002",
      "80c90001" "00000101" "82ca0005" "00000101" "01026162" "00000000" "00000102" "00000000" "82cb0002" "00000101" "00000102" },
    { "RTPFB NACK, PSFB PLI", "81cd0003" "00000001" "00000002" "00110000" "81ce0002" "00000001" "00000002",
      "81cd0003" "00000101" "00000003" "00110000" "81ce0002" "00000101" "00000003" },
    { "PSFB FIR, RTPFB TMMBR: SSRCs in entries",
      "84ce0006" "00000001" "00000000" "00000002" "01000000" "00000003" "02000000" "83cd0004" "00000001" "00000000" "00000002" "00000000",
      "84ce0006" "00000101" "00000001" "00000003" "01000000" "00000004" "02000000" "83cd0004" "00000101" "00000001" "00000003" "00000000" },
    { "XR: RRT, DLRR of one, VoIP metrics",
      "80cf0011" "00000001" "04000002" "0000000000000000" "05000003" "00000002" "0000000000000000"
      "07000008" "00000002" "00000000000000000000000000000000000000000000000000000000",
      "80cf0011" "00000101" "04000002" "0000000000000000" "05000003" "00000003" "0000000000000000"
      "07000008" "00000003" "00000000000000000000000000000000000000000000000000000000" },
    { "APP", "80cc0002" "00000001" "61626364", "80cc0002" "00000101" "61626364" },
};

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;

    for (; hex[0] && hex[1]; hex += 2)
        n += sscanf(hex, "%2hhx", &out[n]) == 1;
    return n;
}

static void ssrcs_are_rewritten(void)
{
    for (size_t i = 0; i < sizeof(rewrite_rows) / sizeof(rewrite_rows[0]); i++) {
        uint8_t in[256], out[256];
        size_t len = unhex(rewrite_rows[i].in, in);
        int calls = 0;

        CHECK_INT(unhex(rewrite_rows[i].out, out), len);
        CHECK(gh_rtcp_complete(in, len));
        CHECK(gh_rtcp_rewrite(in, len, plus_one, &calls));
        if (!CHECK(memcmp(in, out, len) == 0))
            fprintf(stderr, "  in %s\n", rewrite_rows[i].what);
    }
}

static void rtcp_at_every_length(void)
{
    for (size_t i = 0; i < sizeof(rewrite_rows) / sizeof(rewrite_rows[0]); i++) {
        uint8_t in[256];
        size_t full = unhex(rewrite_rows[i].in, in);

        for (size_t len = 0; len < full; len++) {
            uint8_t *copy = cut(in, len);
            size_t first = 4 * ((size_t)gh_get16(in + 2) + 1);
            int calls = 0;

            /* Whole only where a part ends. */
            if (len < first)
                CHECK(!gh_rtcp_complete(copy, len));
            CHECK_INT(gh_rtcp_rewrite(copy, len, plus_one, &calls), gh_rtcp_complete(in, len));
            gh_rtcp_looks_plain(copy, len, 10, false);
            free(copy);
        }
        for (size_t at = 0; at < full; at++) { /* counts and lengths that lie */
            for (int value = 0; value < 256; value += 15) {
                uint8_t *copy = cut(in, full);
                int calls = 0;

                copy[at] = (uint8_t)value;
                gh_rtcp_rewrite(copy, full, plus_one, &calls);
                CHECK(calls <= 64);
                free(copy);
            }
        }
    }
}

static void padding_ends_a_compound(void)
{
    uint8_t p[16] = { 0xa0, 201, 0, 1, 0, 0, 0, 1, 0x80, 201, 0, 1, 0, 0, 0, 1 };

    CHECK(!gh_rtcp_complete(p, 16));
    p[0] = 0x80;
    CHECK(gh_rtcp_complete(p, 16));
    p[8] = 0xa0;
    CHECK(gh_rtcp_complete(p, 16));
    p[8] = 0x40; /* version 1 */
    CHECK(!gh_rtcp_complete(p, 16));
}

static const struct plain_row {
    uint8_t type;
    size_t payload, tag;
    bool plain;
} plain_rows[] = {
    { 0, 160, 10, true }, { 0, 170, 10, false }, { 8, 240, 4, true }, { 8, 164, 4, false },
    { 9, 160, 16, true }, { 9, 176, 16, false }, { 3, 33, 10, true }, { 3, 43, 10, false },
    { 18, 20, 4, true }, { 18, 24, 4, false },
    { 18, 20, 10, false }, { 18, 30, 10, false }, /* two frames and a tag are three frames: nothing is claimed */
    { 101, 4, 10, true },                         /* shorter than a tag */
    { 96, 60, 10, false }, { 0, 10, 10, false }, { 13, 1, 4, true },
};

static void plain_rtp_by_its_form(void)
{
    for (size_t i = 0; i < sizeof(plain_rows) / sizeof(plain_rows[0]); i++) {
        uint8_t p[512] = { 0x80, plain_rows[i].type };

        if (gh_rtp_looks_plain(p, 12 + plain_rows[i].payload, plain_rows[i].tag) != plain_rows[i].plain)
            CHECK_INT(i, -1);
        p[1] |= 0x80; /* the marker plays no part */
        CHECK_INT(gh_rtp_looks_plain(p, 12 + plain_rows[i].payload, plain_rows[i].tag), plain_rows[i].plain);
    }
}

static void plain_rtcp_by_its_form(void)
{
    uint8_t p[64] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };

    CHECK(gh_rtcp_looks_plain(p, 8, 10, false));
    p[8] = 0x80; /* E flag, then index and tag */
    CHECK(!gh_rtcp_looks_plain(p, 22, 10, false));
    CHECK(gh_srtcp_encrypted(p, 22, 10, false));
    p[8] = 0;
    CHECK(gh_rtcp_looks_plain(p, 22, 10, false)); /* authenticated perhaps, encrypted not */
    p[24] = 0x80;                                 /* RFC 7714: tag first, then E flag and index */
    CHECK(gh_srtcp_encrypted(p, 28, 16, true));
    CHECK(!gh_rtcp_looks_plain(p, 28, 16, true));
    p[3] = 200; /* a part longer than the packet: garbage, not plain */
    p[24] = 0;
    CHECK(!gh_rtcp_looks_plain(p, 28, 16, true));
}

int main(void)
{
    RUN(first_octet_decides);
    RUN(other_protocols_at_every_length);
    RUN(rtp_header_at_every_length);
    RUN(ssrcs_are_rewritten);
    RUN(rtcp_at_every_length);
    RUN(padding_ends_a_compound);
    RUN(plain_rtp_by_its_form);
    RUN(plain_rtcp_by_its_form);
    return CHECK_REPORT();
}
