/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss, jitter and round trips of one side of a stream, as packets pass: sequence numbers and
 * arrival (RFC 3550 appendix A.1, A.3, A.8), and what RTCP says.  struct gh_media_quality in
 * media.h tells what each figure is worth.  Everything is bounded: a source too many takes the
 * place of the one that was silent longest, whose figures stay in the sums.  No clock is read: time
 * is an argument.
 * Thread: the worker that owns the stream.
 */
#ifndef GH_QUALITY_H
#define GH_QUALITY_H

#include "media/media.h"

#define GH_QUALITY_SOURCES_MAX 4 /* of one side at a time, and as many that we send to it */
#define GH_QUALITY_REPORTS_MAX 4 /* sender reports that a round trip may go back to */

/* One SSRC that the side sends: a line of memory, since each packet needs it. */
struct gh_quality_source {
    uint64_t base, highest;    /* sequence numbers, extended; the first is in [0, 65535] */
    uint64_t received;
    uint32_t ssrc;
    uint32_t next_seq;         /* after a jump: here it would go on; above 65535: no jump */
    uint32_t clock_hz;         /* of type */
    uint32_t transit, timestamp;
    uint32_t jitter, jitter_worst; /* 16 times, in timestamp units; the worst under this clock */
    uint32_t sent_as;          /* the SSRC that its last packet had on the other side */
    uint8_t type;              /* payload type of the packet before */
    uint8_t codec;             /* enum gh_codec */
    bool used;                 /* false: a free place; behind it are free places only */
    bool timed : 1;            /* transit and timestamp are set */
    bool was_sent : 1;         /* sent_as is set, and newest of the other side's `sent` */
};

_Static_assert(sizeof(struct gh_quality_source) == 64, "a line");

/* One SSRC that we send to the side. */
struct gh_quality_sent {
    bool used;                 /* false: a free place; behind it are free places only */
    uint32_t ssrc;
    uint32_t reported_lost;    /* newest cumulative number of the side's reports about it */
};

struct gh_quality {
    _Alignas(64) struct gh_quality_source newest;
    /* GH_QUALITY_SOURCES_MAX - 1, from a second one on; NULL: none, or no memory for it.  Here and in sent the
     * one comes first that was used last. */
    struct gh_quality_source *others;
    struct gh_quality_sent sent[GH_QUALITY_SOURCES_MAX];
    /* Of sources whose places were taken. */
    uint64_t gone_expected, gone_received, gone_lost, gone_reported;
    uint64_t stray_pkts;                    /* far away from those before, and in no sum */
    struct {
        uint32_t ntp_middle;
        uint64_t sent_us;                   /* 0: free place */
    } reports[GH_QUALITY_REPORTS_MAX];
    unsigned next_report;
    uint64_t interval_until_ms, interval_expected, interval_lost;
    struct gh_media_payload payloads[GH_MEDIA_PAYLOADS_MAX];
    uint8_t payload_count;
    struct gh_media_quality now;            /* totals of measured are made by gh_quality_sum */
};

/** What a set says of the payload types that the side sends. */
void gh_quality_name(struct gh_quality *quality, const struct gh_media_payload *payloads,
                     size_t count);

/** Give memory back.  One that is all zero is empty. */
void gh_quality_fini(struct gh_quality *quality);

/**
 * An accepted RTP packet of this side.
 * @p       at least GH_RTP_HEADER octets; the header alone is read, which SRTP leaves in clear
 * @now_us  monotonic
 */
void gh_quality_rtp(struct gh_quality *quality, const uint8_t *p, uint64_t now_us);

/** How many have come by the last gh_quality_sum, whatever their numbers. */
uint64_t gh_quality_arrived(const struct gh_quality *quality);

/** RTP that went out to this side.  @ssrc  as it went out */
void gh_quality_sent(struct gh_quality *quality, uint32_t ssrc);

/** The same of the packet that gh_quality_rtp(@from) saw last.  @to is looked at when something has changed alone. */
void gh_quality_passed(struct gh_quality *from, struct gh_quality *to, uint32_t ssrc);

/**
 * An accepted RTCP packet of this side, in plain.
 * @far         of the other side, which sent what is reported on
 * @ntp_middle  of the first sender report in it, for gh_quality_report_sent; left alone if there is
 * none
 */
void gh_quality_rtcp(struct gh_quality *quality, const struct gh_quality *far, const uint8_t *p,
                     size_t len, uint64_t now_us, uint32_t *ntp_middle);

/** The other side's sender report went out to this side: its LSR may come back.  0: there was
 * none. */
void gh_quality_report_sent(struct gh_quality *quality, uint32_t ntp_middle, uint64_t now_us);

/** Ends of intervals; and the sums, into quality->now.
 *  @return whether they are to be made again even if no packet comes: an interval that has its
 *  packets is not over */
bool gh_quality_sum(struct gh_quality *quality, uint64_t now_ms);

#endif
