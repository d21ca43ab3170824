/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of the load generator: one socket for each end of a call, a packet of 160 octets each so many
 * milliseconds, sent on a wheel with a slot for each of them.  A packet names its stream, its phase, its number and
 * when it was sent, so that what was sent while it was measured is told from the rest, nothing is counted twice, and what
 * comes out at another call's end is seen.
 */
#ifndef GH_GEN_MEDIA_H
#define GH_GEN_MEDIA_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "srtp.h"

enum gh_gen_phase { GH_GEN_SETTLING, GH_GEN_MEASURED, GH_GEN_LINGERING };

/* What epoll tells of; the first member of everything that has a descriptor. */
enum gh_gen_kind { GH_GEN_STREAM, GH_GEN_CONN, GH_GEN_LISTENER, GH_GEN_NG };

struct gh_gen_stream {
    enum gh_gen_kind kind;
    TAILQ_ENTRY(gh_gen_stream) link; /* of its slot; of the closed ones */
    uint32_t number;
    int side, fd, slot;              /* slot -1: sends nothing */
    uint64_t until_us;               /* when it falls silent */
    uint16_t port;
    enum gh_gen_suite suite;         /* both ways */
    uint8_t tx_key[GH_GEN_KEY_MAX];
    struct gh_gen_srtp *tx, *rx;     /* NULL: RTP */
    bool joined;
    uint64_t index;                  /* of the next packet */
    uint32_t ssrc, ts;
};

/* Of the packets that were sent in GH_GEN_MEASURED. */
struct gh_gen_media_totals {
    uint64_t sent[2], received[2];   /* by the side that sent */
    uint64_t streams_with_loss;
    uint64_t refused;                /* by the kernel: send failed; in any phase */
    uint64_t auth_failed, garbled;   /* received; in any phase */
    uint64_t disordered;             /* received twice, or after a later one */
    uint64_t crossed;                /* received by somebody else than the other end of the call */
    double late_max_ms;              /* how late a slot was served: is the generator fast enough? */
    double delay_us_p50, delay_us_p99, delay_us_max; /* from send() here to the arrival at the socket here */
};

struct gh_gen_media;

/**
 * @streams_max  at most so many, ever
 * @packet_ms    each stream sends a packet in so many milliseconds; at least 1
 */
struct gh_gen_media *gh_gen_media_new(int epoll_fd, uint32_t streams_max, unsigned packet_ms);
/** All streams are closed and buried. */
void gh_gen_media_free(struct gh_gen_media *media);

/** A socket and a fresh key.  @side 0: caller's, 1: callee's.  @return NULL on failure */
struct gh_gen_stream *gh_gen_stream_new(struct gh_gen_media *media, int side, struct in_addr local,
                                        enum gh_gen_suite suite);
/** Where it sends to, and the key of what comes (not read for RTP).  Once; later calls change nothing. */
bool gh_gen_stream_join(struct gh_gen_stream *stream, struct sockaddr_in remote, const uint8_t *rx_key);
/** Send from now on, until @until_us. */
void gh_gen_stream_talk(struct gh_gen_media *media, struct gh_gen_stream *stream, uint64_t until_us);
/** Freed by the next gh_gen_media_bury(): events that are being handled may still name it.  NULL is fine. */
void gh_gen_stream_close(struct gh_gen_media *media, struct gh_gen_stream *stream);
void gh_gen_media_bury(struct gh_gen_media *media);

/** Serve slots that are due; in GH_GEN_LINGERING nothing is sent any more.  @return false: more are due */
bool gh_gen_media_tick(struct gh_gen_media *media, uint64_t now_us, enum gh_gen_phase phase);
/** The socket of a stream is readable. */
void gh_gen_stream_readable(struct gh_gen_media *media, struct gh_gen_stream *stream);

/** How many packets were received that were sent in GH_GEN_MEASURED. */
uint64_t gh_gen_media_received(const struct gh_gen_media *media);
/** When the last packet came; 0: never. */
uint64_t gh_gen_media_last_us(const struct gh_gen_media *media);
struct gh_gen_media_totals gh_gen_media_totals(const struct gh_gen_media *media);

/** Monotonic. */
uint64_t gh_gen_now_us(void);

#endif
