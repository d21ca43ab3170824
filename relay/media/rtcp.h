/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What RTCP says: sender and receiver reports and goodbyes of one compound packet (RFC 3550 section
 * 6).  Source descriptions are passed by, their names say nothing of a call's quality.  Octets from
 * outside; nothing is kept.
 * Thread: any.
 */
#ifndef GH_RTCP_H
#define GH_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gh_rtcp_kind { GH_RTCP_OTHER = 0, GH_RTCP_SR, GH_RTCP_RR, GH_RTCP_SDES, GH_RTCP_BYE };

/* What is left of a compound packet. */
struct gh_rtcp_reader {
    const uint8_t *p;
    size_t left;
    unsigned parts;
    bool broken; /* it does not end where the datagram ends, or a part is not whole */
};

struct gh_rtcp_part {
    enum gh_rtcp_kind kind;
    uint32_t ssrc;                  /* of SR and RR: the sender */
    uint32_t ntp_middle;            /* of SR: the 32 bits that come back as LSR */
    uint32_t sent_pkts, sent_octets; /* of SR */
    unsigned count;                 /* blocks of SR and RR, sources of BYE: all there */
    const uint8_t *items;           /* the first of them */
};

/* One report block (RFC 3550 section 6.4.1).  What it says may be a lie. */
struct gh_rtcp_block {
    uint32_t ssrc;     /* whom it is about */
    uint8_t fraction;  /* of 256, since the report before */
    int32_t lost;      /* 24 bits with sign: late copies can make it negative */
    uint32_t highest;  /* sequence number, extended */
    uint32_t jitter;   /* timestamp units */
    uint32_t lsr, dlsr; /* 0: no SR came yet; 1/65536 s */
};

/** @p  borrowed as long as it is read */
void gh_rtcp_read(struct gh_rtcp_reader *reader, const uint8_t *p, size_t len);

/** The next part; at most GH_RTCP_PARTS_MAX.  @return false: there is none, or the packet is broken
 * from here on */
bool gh_rtcp_next(struct gh_rtcp_reader *reader, struct gh_rtcp_part *out);

/** Block @i of an SR or RR.  @return false: there is no such block */
bool gh_rtcp_block(const struct gh_rtcp_part *part, unsigned i, struct gh_rtcp_block *out);

#endif
