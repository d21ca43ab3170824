/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of RTP and RTCP packets: what a datagram is, whether it is whole, where its SSRCs are.
 * Pure functions over octets from outside.  Thread: any.
 */
#ifndef GH_PACKET_H
#define GH_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GH_RTP_HEADER 12
#define GH_RTCP_HEADER 8     /* of the first part, with its SSRC; SRTCP leaves it in clear */
#define GH_SRTCP_INDEX 4     /* E flag and index, RFC 3711 section 3.4 */
#define GH_RTCP_PARTS_MAX 64 /* in one datagram */

enum gh_pkt_kind { GH_PKT_OTHER = 0, GH_PKT_RTP, GH_PKT_RTCP, GH_PKT_STUN, GH_PKT_DTLS };

/**
 * RFC 7983 (updates RFC 5764 section 5.1.2): 128 to 191 in the first octet is RTP or RTCP; RFC 5761 section 4: 192 to
 * 223 in the second is RTCP.  STUN has its magic cookie (RFC 8489 section 5), DTLS a record header with the version of
 * a handshake (RFC 9147 section 4).  All else (ZRTP, TURN) is OTHER, as is what cannot hold its header.
 */
enum gh_pkt_kind gh_pkt_kind(const uint8_t *p, size_t len);

/** Octets of the RTP header with CSRCs and extension (RFC 3550 section 5.1).  @return 0: they are not all there */
size_t gh_rtp_header_len(const uint8_t *p, size_t len);

/** All parts are there, each of version 2 with an RTCP type, and end where the datagram ends (RFC 3550 A.2). */
bool gh_rtcp_complete(const uint8_t *p, size_t len);

/**
 * Whether a packet that did not authenticate has the form of a plain one; media.h says what that is worth.
 * @tag_len  of the suite, for this kind of packet
 * @aead     the tag stands before the SRTCP index, not after it (RFC 7714 section 10.1)
 */
bool gh_rtp_looks_plain(const uint8_t *p, size_t len, size_t tag_len);
bool gh_rtcp_looks_plain(const uint8_t *p, size_t len, size_t tag_len, bool aead);

/** The E flag of SRTCP.  @len  at least GH_RTCP_HEADER + GH_SRTCP_INDEX + @tag_len */
bool gh_srtcp_encrypted(const uint8_t *p, size_t len, size_t tag_len, bool aead);

/** @own  the sender's own SSRC, else one that it reports about.  @return what to write there */
typedef uint32_t (*gh_ssrc_fn)(void *arg, uint32_t ssrc, bool own);

/**
 * Rewrite the SSRCs of SR, RR, SDES, BYE, APP, RTPFB (also TMMBR, TMMBN), PSFB (also FIR) and XR.  Others in feedback
 * payloads (REMB) stay.  Sources: RFC 3550 section 6, RFC 4585 section 6.1, RFC 5104, RFC 3611.
 * @return false: not complete; part of it may have been rewritten
 */
bool gh_rtcp_rewrite(uint8_t *p, size_t len, gh_ssrc_fn fn, void *arg);

static inline uint16_t gh_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t gh_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void gh_put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

#endif
