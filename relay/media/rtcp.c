/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtcp.h"

#include "media/packet.h"

#define HEADER 4      /* version, count, type, length */
#define SENDER_INFO 20
#define BLOCK 24

enum { TYPE_SR = 200, TYPE_RR = 201, TYPE_SDES = 202, TYPE_BYE = 203 };

void gh_rtcp_read(struct gh_rtcp_reader *reader, const uint8_t *p, size_t len)
{
    *reader = (struct gh_rtcp_reader){ .p = p, .left = len };
}

/* @return octets of the part that begins here, 0: it is not whole, or no RTCP */
static size_t part_len(const struct gh_rtcp_reader *reader)
{
    const uint8_t *p = reader->p;
    size_t len;

    if (reader->left < HEADER || p[0] >> 6 != 2)
        return 0;
    len = 4 * ((size_t)gh_get16(p + 2) + 1);
    if (len > reader->left)
        return 0;
    /* RFC 3550 section 6.4.1: only the last part may be padded. */
    return (p[0] & 0x20) && len != reader->left ? 0 : len;
}

/* Octets of the padding at the end; more than the part holds: it is broken. */
static size_t padding(const uint8_t *p, size_t len)
{
    return p[0] & 0x20 ? p[len - 1] : 0;
}

/* @len  of the part without padding.  @return whether all that its count promises is there */
static bool read_part(const uint8_t *p, size_t len, struct gh_rtcp_part *out)
{
    size_t count = p[0] & 0x1f, before, each;

    *out = (struct gh_rtcp_part){ .kind = GH_RTCP_OTHER };
    switch (p[1]) {
    case TYPE_SR:
        out->kind = GH_RTCP_SR;
        before = HEADER + 4 + SENDER_INFO;
        each = BLOCK;
        break;
    case TYPE_RR:
        out->kind = GH_RTCP_RR;
        before = HEADER + 4;
        each = BLOCK;
        break;
    case TYPE_BYE:
        out->kind = GH_RTCP_BYE;
        before = HEADER;
        each = 4;
        break;
    case TYPE_SDES:
        out->kind = GH_RTCP_SDES;
        return true;
    default:
        return true;
    }
    if (len < before || (len - before) / each < count)
        return false;
    out->count = (unsigned)count;
    out->items = p + before;
    if (out->kind != GH_RTCP_BYE)
        out->ssrc = gh_get32(p + HEADER);
    if (out->kind == GH_RTCP_SR) {
        out->ntp_middle = gh_get32(p + 10); /* of 64 bits that begin at 8 */
        out->sent_pkts = gh_get32(p + 20);
        out->sent_octets = gh_get32(p + 24);
    }
    return true;
}

bool gh_rtcp_next(struct gh_rtcp_reader *reader, struct gh_rtcp_part *out)
{
    size_t len, padded;

    if (reader->broken || reader->left == 0)
        return false;
    len = reader->parts < GH_RTCP_PARTS_MAX ? part_len(reader) : 0;
    padded = len ? padding(reader->p, len) : 0;
    if (len == 0 || padded > len - HEADER || !read_part(reader->p, len - padded, out)) {
        reader->broken = true;
        return false;
    }
    reader->p += len;
    reader->left -= len;
    reader->parts++;
    return true;
}

bool gh_rtcp_block(const struct gh_rtcp_part *part, unsigned i, struct gh_rtcp_block *out)
{
    const uint8_t *p;
    uint32_t lost;

    if ((part->kind != GH_RTCP_SR && part->kind != GH_RTCP_RR) || i >= part->count)
        return false;
    p = part->items + (size_t)i * BLOCK;
    lost = gh_get32(p + 4) & 0xffffff;
    *out = (struct gh_rtcp_block){
        .ssrc = gh_get32(p),
        .fraction = p[4],
        .lost = (int32_t)(lost & 0x800000 ? lost | 0xff000000 : lost),
        .highest = gh_get32(p + 8),
        .jitter = gh_get32(p + 12),
        .lsr = gh_get32(p + 16),
        .dlsr = gh_get32(p + 20),
    };
    return true;
}
