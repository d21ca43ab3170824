/* SPDX-License-Identifier: Apache-2.0 */
#include "media/packet.h"

enum { RTCP_SR = 200, RTCP_RR, RTCP_SDES, RTCP_BYE, RTCP_APP, RTCP_RTPFB, RTCP_PSFB, RTCP_XR };

static bool is_version_2(uint8_t first)
{
    return first >> 6 == 2;
}

static bool is_rtcp_type(uint8_t type)
{
    return type >= 192 && type <= 223;
}

#define STUN_HEADER 20
#define STUN_COOKIE 0x2112a442
#define DTLS_HEADER 13
#define DTLS_MAJOR 254 /* 1 in one's complement */

/* What is no RTP, so that it can be told what the peer tries. */
static enum gh_pkt_kind foreign_kind(const uint8_t *p, size_t len)
{
    if (len >= STUN_HEADER && p[0] <= 3 && gh_get32(p + 4) == STUN_COOKIE)
        return GH_PKT_STUN;
    if (len >= DTLS_HEADER && p[0] >= 20 && p[0] <= 63 && p[1] == DTLS_MAJOR)
        return GH_PKT_DTLS;
    return GH_PKT_OTHER;
}

enum gh_pkt_kind gh_pkt_kind(const uint8_t *p, size_t len)
{
    if (len < 2 || !is_version_2(p[0]))
        return foreign_kind(p, len);
    if (is_rtcp_type(p[1]))
        return len >= GH_RTCP_HEADER ? GH_PKT_RTCP : GH_PKT_OTHER;
    return gh_rtp_header_len(p, len) ? GH_PKT_RTP : GH_PKT_OTHER;
}

size_t gh_rtp_header_len(const uint8_t *p, size_t len)
{
    size_t header = GH_RTP_HEADER;

    if (len < header)
        return 0;
    header += 4 * (size_t)(p[0] & 0x0f);
    if (p[0] & 0x10) {
        if (len < 4 || len - 4 < header)
            return 0;
        header += 4 + 4 * (size_t)gh_get16(p + header + 2);
    }
    return header <= len ? header : 0;
}

/* The next part of a compound packet.  @return its length, 0 when it is not whole or no RTCP */
static size_t part_len(const uint8_t *p, size_t left)
{
    size_t len;

    if (left < 4 || !is_version_2(p[0]) || !is_rtcp_type(p[1]))
        return 0;
    len = 4 * ((size_t)gh_get16(p + 2) + 1);
    if (len > left)
        return 0;
    /* RFC 3550 section 6.4.1: only the last part may be padded. */
    if ((p[0] & 0x20) && len != left)
        return 0;
    return len;
}

bool gh_rtcp_complete(const uint8_t *p, size_t len)
{
    size_t at = 0;

    for (int parts = 0; parts < GH_RTCP_PARTS_MAX; parts++) {
        size_t part = part_len(p + at, len - at);

        if (part == 0 || (at == 0 && part < GH_RTCP_HEADER))
            return false;
        at += part;
        if (at == len)
            return true;
    }
    return false;
}

/* ---- plain or protected ---------------------------------------------------------------------- */

/* RFC 3551 section 6: static types whose payload is whole frames. */
static size_t frame_octets(uint8_t payload_type)
{
    switch (payload_type) {
    case 0:  /* PCMU */
    case 8:  /* PCMA */
    case 9:  /* G722: nobody sends less than 10 ms */
        return 80;
    case 3:  /* GSM */
        return 33;
    case 18: /* G729 */
        return 10;
    default:
        return 0;
    }
}

bool gh_rtp_looks_plain(const uint8_t *p, size_t len, size_t tag_len)
{
    size_t header = gh_rtp_header_len(p, len), payload, frame;

    if (header == 0)
        return false;
    payload = len - header;
    if (payload < tag_len)
        return true;
    frame = frame_octets(p[1] & 0x7f);
    return frame && payload && payload % frame == 0 && tag_len % frame != 0;
}

bool gh_srtcp_encrypted(const uint8_t *p, size_t len, size_t tag_len, bool aead)
{
    size_t tail = GH_SRTCP_INDEX + (aead ? 0 : tag_len);

    return (p[len - tail] & 0x80) != 0;
}

bool gh_rtcp_looks_plain(const uint8_t *p, size_t len, size_t tag_len, bool aead)
{
    size_t tail = tag_len + GH_SRTCP_INDEX;

    if (gh_rtcp_complete(p, len))
        return true;
    return len >= GH_RTCP_HEADER + tail && !gh_srtcp_encrypted(p, len, tag_len, aead) &&
           gh_rtcp_complete(p, len - tail);
}

/* ---- SSRCs ----------------------------------------------------------------------------------- */

struct part {
    uint8_t *p;
    size_t len;
    gh_ssrc_fn fn;
    void *arg;
};

/* Rewrite what stands at @at; nothing when it is past the end. */
static void rewrite_at(const struct part *part, size_t at, bool own)
{
    if (part->len < 4 || at > part->len - 4)
        return;
    gh_put32(part->p + at, part->fn(part->arg, gh_get32(part->p + at), own));
}

static void rewrite_each(const struct part *part, size_t at, size_t step, size_t count, bool own)
{
    for (size_t i = 0; i < count; i++)
        rewrite_at(part, at + i * step, own);
}

/* RFC 3550 section 6.5: chunks of SSRC and items, ended by a zero octet and filled to 32 bits. */
static void rewrite_sdes(const struct part *part, size_t chunks)
{
    size_t at = 4;

    while (chunks-- && at + 4 <= part->len) {
        rewrite_at(part, at, true);
        at += 4;
        while (at < part->len && part->p[at] != 0) {
            if (part->len - at < 2)
                return;
            at += 2 + (size_t)part->p[at + 1];
        }
        at = (at / 4 + 1) * 4;
    }
}

/* RFC 3611 section 4.  Which blocks name a source: 1 to 3, 6 and 7 one; 5 a list; 4 none. */
static void rewrite_xr(const struct part *part)
{
    size_t at = 8;

    rewrite_at(part, 4, true);
    while (at + 4 <= part->len) {
        size_t words = gh_get16(part->p + at + 2), body = at + 4;
        uint8_t type = part->p[at];

        if (words * 4 > part->len - body)
            return;
        if (type == 5)
            rewrite_each(part, body, 12, words / 3, false);
        else if (words && ((type >= 1 && type <= 3) || type == 6 || type == 7))
            rewrite_at(part, body, false);
        at = body + words * 4;
    }
}

static void rewrite_part(const struct part *part)
{
    size_t count = part->p[0] & 0x1f, entries = part->len > 12 ? (part->len - 12) / 8 : 0;

    switch (part->p[1]) {
    case RTCP_SR:
        rewrite_at(part, 4, true);
        rewrite_each(part, 28, 24, count, false);
        break;
    case RTCP_RR:
        rewrite_at(part, 4, true);
        rewrite_each(part, 8, 24, count, false);
        break;
    case RTCP_SDES:
        rewrite_sdes(part, count);
        break;
    case RTCP_BYE:
        rewrite_each(part, 4, 4, count, true);
        break;
    case RTCP_RTPFB:
    case RTCP_PSFB:
        rewrite_at(part, 4, true);
        rewrite_at(part, 8, false);
        /* RFC 5104 sections 4.2.1, 4.2.2 (TMMBR, TMMBN) and 4.3.1 (FIR): entries of eight
         * octets. */
        if (part->p[1] == RTCP_RTPFB ? count == 3 || count == 4 : count == 4)
            rewrite_each(part, 12, 8, entries, false);
        break;
    case RTCP_XR:
        rewrite_xr(part);
        break;
    default: /* APP and unknown ones: the sender stands where it always does */
        rewrite_at(part, 4, true);
        break;
    }
}

bool gh_rtcp_rewrite(uint8_t *p, size_t len, gh_ssrc_fn fn, void *arg)
{
    if (!gh_rtcp_complete(p, len))
        return false;
    for (size_t at = 0; at < len;) {
        struct part part = { p + at, part_len(p + at, len - at), fn, arg };

        rewrite_part(&part);
        at += part.len;
    }
    return true;
}
