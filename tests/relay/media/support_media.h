/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A media plane with one worker and one stream between two phones, all on loopback.  Nothing sleeps: packets are
 * awaited on sockets, commands by a second stream that goes through the same queue, counters by turns of the loop.
 */
#ifndef GH_SUPPORT_MEDIA_H
#define GH_SUPPORT_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/media.h"
#include "media/srtp_key.h"

#define PKT_MAX 2048
#define EVENTS_MAX 64
#define AWAIT_MS 10000 /* a test that waits longer has failed */

/* One side's endpoint.  Its own sockets and its own SRTP contexts. */
struct phone {
    int fd[2]; /* RTP, RTCP */
    struct gh_addr addr[2];
    struct gh_srtp_tx *tx;
    struct gh_srtp_rx *rx;
    uint32_t ssrc;
    uint16_t seq;
};

struct lab {
    struct uv_loop_s *loop;
    struct gh_media *media;
    struct phone phones[2];
    gh_stream_id stream;
    struct gh_addr port[2][2]; /* ours: side, then RTP and RTCP */
    uint32_t generation[2];
    struct gh_media_event events[EVENTS_MAX];
    int event_count;
    gh_stream_id awaiting;     /* its `closed`: is it there? */
    bool awaited;
    int closed_count;
    struct gh_media_counters final[2]; /* of the lab's stream, once closed */
    bool stream_closed;
};

/** @family 4 or 6, of both sides.  @return success */
bool lab_start(struct lab *lab, uint8_t family, uint64_t timeout_ms);
/** IPv4; timeout_on_hold_ms beside the other. */
bool lab_start_held(struct lab *lab, uint64_t timeout_ms, uint64_t timeout_on_hold_ms);
/** IPv4; at most so many streams, the lab's among them. */
bool lab_start_limited(struct lab *lab, unsigned max_streams);
/** IPv4; so many pairs of ports, which rest so long; the lab has two of them. */
bool lab_start_ports(struct lab *lab, unsigned pairs, uint64_t delay_ms);
/** The relay has both families, each side its own. */
bool lab_start_mixed(struct lab *lab, uint8_t family_a, uint8_t family_b);
/** Bound at 0.0.0.0 and ::, side a IPv4 and side b IPv6, on ports of different numbers; SDP says loopback addresses. */
bool lab_start_wild(struct lab *lab);
/** IPv4; side b has an interface of its own, at @ip_b.  SDP says @said in its place. */
bool lab_start_interfaces(struct lab *lab, const char *ip_b, const char *said);
/** Whether this machine has ::1; checks that it fails for no other reason, and says so. */
bool lab_has_ipv6(void);
/** Close the stream, check that its counters add up, stop, free. */
void lab_end(struct lab *lab);
/** Checks that failed in the functions here since the last call: check.h counts each source file by itself. */
int lab_failures(void);
#define LAB_END(lab)                                                                    \
    do {                                                                                \
        lab_end(lab);                                                                   \
        CHECK_INT(lab_failures(), 0);                                                   \
    } while (0)

/** What phone @side is, with mux off and both directions open; for the caller to change and give to lab_set. */
struct gh_media_set lab_side(struct lab *lab, int side, enum gh_path path, enum gh_suite suite, const struct gh_secret *rx,
                             const struct gh_secret *tx);
/** gh_media_set, and wait until the worker has done it. */
int lab_set(struct lab *lab, struct gh_media_set *set);
void lab_barrier(struct lab *lab);
/** Wait for `closed` of a stream whose closing has begun in this turn. */
void lab_await_closed(struct lab *lab, gh_stream_id stream);
/** Close another stream than the lab's and wait until that is done. */
void lab_close(struct lab *lab, gh_stream_id stream);

/** Keys: what each phone declares (seeds a and b), pass or bridge with own keys; phones get their contexts. */
void lab_secure(struct lab *lab, enum gh_path path, enum gh_suite a, enum gh_suite b);
struct gh_secret lab_key(enum gh_suite suite, uint8_t seed);

/* Packets.  @return length */
size_t make_rtp(struct phone *phone, uint8_t *p, uint8_t type, size_t payload);
size_t make_rtcp(struct phone *phone, uint8_t *p);
/** Protect in place under the phone's key, or leave as it is without one. */
size_t phone_seal(struct phone *phone, uint8_t *p, size_t len, bool rtcp);
/** From the phone's RTP or RTCP socket to our port of the same kind. */
bool phone_send(struct lab *lab, int side, bool rtcp_port, const uint8_t *p, size_t len);
/** The phone's socket is bound anew at @ip, or at its own address when NULL, with another port. */
void phone_moves(struct lab *lab, int side, bool rtcp_port, const char *ip);
/** Await the next packet on a phone's socket.  @return its length, 0 after AWAIT_MS */
size_t phone_receive(struct lab *lab, int side, bool rtcp_port, uint8_t *p);

/** Send one good packet (PCMU or SR) from @side and check that the far phone gets it and nothing before it. */
void check_flows(struct lab *lab, int side, bool rtcp);

/** Await that a drop counter of @side is @want. */
bool await_drops(struct lab *lab, int side, enum gh_drop cause, uint64_t want);
struct gh_media_counters counters_of(struct lab *lab, int side);
int events_of(struct lab *lab, int side, enum gh_media_event_kind kind);
/** Let the loop turn until an event of that kind is there.  @return how many are */
int await_events(struct lab *lab, int side, enum gh_media_event_kind kind, int want);

int udp_socket(const char *ip, struct gh_addr *addr, uint16_t port);

/** A loopback address of this process's own: programs that run at the same time do not meet on a port. */
const char *own_ip(void);

#endif
