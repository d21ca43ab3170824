/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the media plane.  What is declared here runs on a worker, unless it says otherwise; what the signalling thread
 * does is in plane_int.h.  A stream is made by the signalling thread, handed to its worker with `open`, and handed back
 * with `closed`; in between only the worker touches it, and the signalling thread reads nothing but the counters.
 */
#ifndef GH_MEDIA_INT_H
#define GH_MEDIA_INT_H

#include <stdatomic.h>
#include <stddef.h>

#include <uv.h>

#include "base/mailbox.h"
#include "media/address.h"
#include "media/media.h"
#include "media/packet.h"
#include "media/pulse.h"
#include "media/quality.h"
#include "media/retired.h"
#include "media/source.h"
#include "media/srtp_key.h"
#include "media/touch.h"

#define GH_MEDIA_PKT_MAX GH_MEDIA_DATAGRAM_MAX /* a jumbo frame; RTP payload formats keep below the path's MTU */
#define GH_MEDIA_TICK_MS 250       /* strangers' allowance */
#define GH_MEDIA_ROUND 4           /* ticks: timeouts, ends of old keys, figures; each stream in one of them */
_Static_assert(GH_MEDIA_TICK_MS * GH_MEDIA_ROUND <= GH_MEDIA_QUALITY_MS, "what media.h says of figures");
#define GH_STRANGERS_PER_TICK 50   /* packets read from a port's strangers in one tick */
#define GH_OLD_KEY_MS 2000         /* an old receive key after a new one came (design: keys over time) */
#define GH_OLD_KEY_AFTER_NEW_MS 1000 /* and after the first packet under the new one */
#define GH_SHELF_MAX 8             /* retired contexts of a side: their keys may come back; more than suites */

/* ---- counters: written by the worker alone, read by anybody ------------------------------------------ */

struct gh_live_counters {
    /* A line: each packet that arrives. */
    _Alignas(GH_LINE) _Atomic uint64_t rx_pkts;
    _Atomic uint64_t rx_octets, authenticated, authenticated_rtcp, plain;
    _Atomic int64_t last_rx_us, first_authenticated_us, first_plain_us;
    /* A line: each packet that is sent. */
    _Alignas(GH_LINE) _Atomic uint64_t tx_pkts;
    _Atomic uint64_t tx_octets;
    _Atomic uint32_t proven_generation;
    _Atomic uint64_t icmp, drops[GH_DROP_COUNT];
    _Atomic uint64_t quality[sizeof(struct gh_media_quality) / sizeof(uint64_t)]; /* as it lies in memory */
};

_Static_assert(sizeof(struct gh_media_quality) % sizeof(uint64_t) == 0, "whole words");

/* One writer: no locked addition is needed. */
static inline void gh_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

struct gh_side;

/* Keys that were in use before. */
struct gh_past {
    struct gh_srtp_rx *rx_shelf[GH_SHELF_MAX];
    struct gh_srtp_tx *tx_shelf[GH_SHELF_MAX];
    struct gh_retired rx_retired, tx_retired; /* fell off the shelves: never again */
};

/* What tells the packets under the keys of one set apart, and its keys after the first. */
struct gh_rx_names {
    struct gh_media_mki mki;         /* in the packets under the first; those of the others are as long */
    size_t more_count;
    struct gh_rx_more {
        struct gh_srtp_rx *rx;
        uint64_t lifetime_pkts;      /* 0: none */
        struct gh_media_mki mki;
    } more[];
};

/* Which contexts a packet may be under. */
struct gh_rx_choice {
    struct gh_srtp_rx *rx, *old_rx;  /* in force; old.  NULL: none such */
    size_t mki_len, old_mki_len;     /* octets of it that are its MKI then */
};

/* report.c */
void gh_counters_read(const struct gh_live_counters *live, struct gh_media_counters *out);
/** Sum up and show what the side's packets were like, if any came since all of them were shown.  Worker; each round
 *  and at the end. */
void gh_side_show_quality(struct gh_side *side, uint64_t now_ms);

/* ---- a stream ------------------------------------------------------------------------------------------ */

struct gh_worker;

enum gh_port_kind { GH_PORT_RTP, GH_PORT_RTCP, GH_PORT_COUNT };

struct gh_port {
    struct gh_side *side;
    int known_fd, stranger_fd;
    uint8_t kind;                    /* enum gh_port_kind */
    bool usable;                     /* known is connected to source.current, which is somebody */
    bool stranger_stopped;
    unsigned strangers_left;         /* in this tick */
    struct gh_port_source source;    /* of which a packet needs what comes first */
    struct gh_port *next_visited, **visited_at; /* in worker->visited; NULL: not in it */
};

_Static_assert(offsetof(struct gh_port, source.named) <= GH_LINE, "a packet touches one line of its port");

struct gh_side {
    /* A line: each packet that arrives from the side or leaves to it. */
    _Alignas(GH_LINE) struct gh_stream *stream;
    struct gh_srtp_rx *rx;           /* NULL: no key yet */
    struct gh_srtp_rx *old_rx;       /* until old_rx_until_ms */
    struct gh_srtp_tx *tx;           /* NULL: nothing may be sent under a key of ours */
    uint64_t heard_ms;               /* last accepted packet, or when the timeout began to run */
    uint64_t origin;                 /* of plain packets: another number after each change of address */
    uint32_t generation;             /* of the last set; so are the next ones */
    uint8_t path;                    /* enum gh_path */
    uint8_t suite;                   /* enum gh_suite */
    bool was_set : 1, rtcp_mux : 1, may_send : 1, may_receive : 1, datagrams : 1;
    bool rx_passes : 1;              /* rx's key is the one that the other side was given */
    bool has_lifetime : 1;           /* rx_lifetime_pkts is not 0 */
    bool has_mki : 1;                /* rx_names or old_names is there */
    bool has_tx_mki : 1;             /* tx_mki_len is not 0 */
    uint32_t raised[GH_PORT_COUNT];  /* events of this generation, one bit a kind; of RTCP's port alone beside */

    /* A line: RTP's. */
    _Alignas(GH_LINE) struct gh_port ports[GH_PORT_COUNT];
    struct gh_live_counters counters;
    struct gh_quality quality;
    uint64_t shown_pkts;             /* received, when quality was last shown with nothing to come */

    struct gh_rx_names *rx_names;    /* of the packets under rx, and keys beside it; NULL: without.  Few peers have one */
    uint64_t rx_lifetime_pkts;       /* 0: none */
    struct gh_addr remote_rtp;
    struct gh_secret tx_key;         /* tells pass from bridge; a context of its own is in tx */
    uint8_t tx_mki_len, tx_mki[GH_MEDIA_TX_MKI_MAX];
    bool roc_keep;
    uint64_t timeout_ms;             /* 0: that of the stream */
    uint8_t family;                  /* of its sockets */
    uint8_t dscp;                    /* that they have */

    struct gh_rx_names *old_names;   /* of old_rx, as rx_names of rx */
    bool old_rx_passes;
    uint32_t old_generation;         /* the last one with its key */
    uint64_t old_rx_until_ms;
    struct gh_past *past;            /* from the first re-key on */
    bool past_is_lost;               /* no memory for it: any key could have been one of it */
    bool voiceless;                  /* it is to send, and for GH_MEDIA_SILENT_MS no RTP came */
    uint64_t voice_pkts, voice_ms;   /* received by the last look; that look, if it had found more.  0: no look yet */
};

enum gh_command { GH_COMMAND_OPEN, GH_COMMAND_SET, GH_COMMAND_CLOSE, GH_COMMAND_STOP, GH_COMMAND_HOLD };

/* First member of what crosses to a worker. */
struct gh_to_worker {
    struct gh_msg msg;
    enum gh_command command;
    struct gh_stream *stream;
};

struct gh_set_msg {
    struct gh_to_worker head;
    size_t count;
    struct gh_media_set sets[2];
};

/* For tests: the worker's thread does nothing from `held` on until `go`. */
struct gh_hold_msg {
    struct gh_to_worker head;
    uv_sem_t *held, *go;
};

/** @hold  the caller's, with both semaphores set; goes to the worker with that number */
void gh_media_hold(struct gh_media *media, unsigned worker, struct gh_hold_msg *hold);

/* First member of what comes back. */
struct gh_from_worker {
    struct gh_msg msg;
    struct gh_stream *closed; /* or NULL: an event */
};

struct gh_event_msg {
    struct gh_from_worker head;
    struct gh_media_event event;
};

struct gh_stream {
    struct gh_to_worker open;      /* the stream is its own open message */
    struct gh_to_worker close;     /* and its close message: closing never fails */
    struct gh_from_worker closed;
    gh_stream_id id;
    uint64_t timeout_ms, timeout_on_hold_ms;
    bool held;                     /* neither side is to send */
    uint64_t held_since_ms;
    struct gh_worker *worker;
    unsigned place;                /* which of the worker's lists */
    struct gh_stream *prev, *next; /* in it */
    struct gh_side sides[2];
    struct gh_stream *heir_of;     /* opened with its sockets and contexts: it is closed by the next command */
};

/* ---- a worker -------------------------------------------------------------------------------------------- */

struct gh_worker {
    uv_loop_t loop;
    int epoll_fd;                  /* sockets, and loop */
    uv_thread_t thread;
    bool has_loop, started;
    struct gh_mailbox *inbox;
    struct gh_mailbox *outbox;     /* the signalling thread's; there before the first command */
    struct gh_to_worker stop;
    uv_timer_t tick;
    const struct gh_own *own;      /* the signalling thread's; never changes */
    bool stopping;
    struct gh_stream *streams[GH_MEDIA_ROUND]; /* by the tick that looks at them */
    unsigned tick_number, opened;
    uint64_t ticked_ms;            /* the last tick */
    bool was_late;                 /* and it looked at no stream */
    struct gh_port *visited;       /* ports that strangers came to in this tick */
    uint64_t origins;              /* last number given to gh_side.origin; high bit keeps clear of rx serials */
    struct gh_pulse pulse;
    int64_t wall_ahead_us;         /* of uv_hrtime, as of the last tick: one clock is read for a packet */
    /* 4-octet aligned for libsrtp2; room for a trailer. */
    _Alignas(16) uint8_t packet[GH_MEDIA_PKT_MAX + GH_SRTP_TRAILER_MAX + GH_MEDIA_TX_MKI_MAX + 4];
    _Alignas(16) uint8_t scratch[GH_MEDIA_PKT_MAX + GH_SRTP_TRAILER_MAX + 4];
};

_Static_assert(GH_MEDIA_EVENT_COUNT <= 32, "a bit each in gh_side.raised");

/* worker.c */
/** Loop, mailbox and epoll.  @return 0 or an error: fini follows.  Signalling thread, as the next two */
int gh_worker_init(struct gh_worker *worker);
/** Its thread begins.  @return 0 or an error: fini follows */
int gh_worker_start(struct gh_worker *worker);
/** Post `stop` if it runs, join, and free what the worker had. */
void gh_worker_fini(struct gh_worker *worker);
/** NULL: no memory.  Posted, or freed, by the caller. */
struct gh_event_msg *gh_media_event_new(struct gh_side *side, enum gh_media_event_kind kind);
void gh_media_event_post(struct gh_side *side, struct gh_event_msg *event);
static inline bool gh_side_has_raised(const struct gh_side *side, enum gh_media_event_kind kind)
{
    return side->raised[GH_PORT_RTP] & (1U << kind);
}

/** Once per kind and generation. */
void gh_side_raise(struct gh_side *side, enum gh_media_event_kind kind, int err);
/** Of one port: once per kind, port and generation. */
void gh_side_raise_of(struct gh_port *port, enum gh_media_event_kind kind, int err);

/* side.c: what a set does to keys and sockets.  First apply each set, then link the stream; an error leaves the side
 * without path and keys in use, and is raised. */
void gh_side_apply(struct gh_side *side, const struct gh_media_set *set, uint64_t now_ms);
void gh_side_link(struct gh_stream *stream);
/** Every context of @from, and what it knows of keys, goes over: a key that comes again keeps its state. */
void gh_side_inherit(struct gh_side *heir, struct gh_side *from);
/** Its source could not be connected to: unusable, with RTP also RTCP, and an event that says whose fault it is. */
void gh_port_is_unreachable(struct gh_port *port, int err);
void gh_side_fini(struct gh_side *side);

/* rx_keys.c: the keys that a side declared. */
/** The keys of @set are in force.  @return 0 or an error: nothing has changed but that old keys may have ended */
int gh_side_change_rx(struct gh_side *side, const struct gh_media_set *set, uint64_t now_ms);
/** What is old is accepted no more, and kept: it may come back. */
void gh_side_retire_old(struct gh_side *side);
/** No key is in force any more; all are kept. */
void gh_side_shelve_rx(struct gh_side *side);
void gh_side_rx_fini(struct gh_side *side);
/** Declared by this side, at any time and for any suite.  We never send under such a key on our own. */
bool gh_side_is_peer_key(const struct gh_side *side, const struct gh_secret *key);
/** NULL: no memory, now or before. */
struct gh_past *gh_side_past(struct gh_side *side);
/**
 * With has_mki: the keys that a packet names, and those that have no MKI: what ends as the MKI of another may be theirs
 * by chance.  A key that has one is never tried for a packet that names another of its time.
 * @len  up to the end of the MKI, if there is one; 0: too short for any
 * @return false: an MKI was agreed, and another one or none is there
 */
bool gh_side_choose_rx(const struct gh_side *side, const uint8_t *p, size_t len, struct gh_rx_choice *out);
/** Before a packet of @ssrc is judged under @rx: how far the source has come under the keys beside it.  @return 0,
 *  GH_ENOMEM or GH_ECRYPTO */
int gh_side_heed_all(const struct gh_side *side, struct gh_srtp_rx *rx, uint32_t ssrc);
/** The packet that was accepted last, under @rx, is above all of its SSRC under the keys in force. */
bool gh_side_is_newest(const struct gh_side *side, const struct gh_srtp_rx *rx, bool rtcp);
/** More packets came under @rx, which is in force, than its SDP allows. */
bool gh_side_is_overrun(const struct gh_side *side, const struct gh_srtp_rx *rx, bool rtcp);

/* silence.c */
/** After each set. */
void gh_stream_note_hold(struct gh_stream *stream, uint64_t now_ms);
/** Nothing came from it for the timeout of its set, or, if it is to send, of the stream. */
bool gh_side_is_silent(const struct gh_side *side, uint64_t now_ms);
/** Look whether RTP comes, of which @received packets have so far.
 *  @return whether side->voiceless is to change: then do so, once somebody was told */
bool gh_side_look_for_voice(struct gh_side *side, uint64_t received, uint64_t now_ms);
/** Neither side is to send, and nothing came from either for timeout_on_hold_ms. */
bool gh_stream_is_forgotten(const struct gh_stream *stream, uint64_t now_ms);

/* poll.c */
int gh_poll_init(struct gh_worker *worker);
void gh_poll_fini(struct gh_worker *worker);
/** One of the port's two sockets.  @return 0 or an error */
int gh_poll_add(struct gh_port *port, bool stranger);
/** Before the socket is closed.  One that is not in the set is no error. */
void gh_poll_remove(struct gh_port *port, bool stranger);
/** Until the loop has no handle any more. */
void gh_poll_run(struct gh_worker *worker);

/* socket.c */
int gh_port_start(struct gh_port *port);
void gh_port_stop(struct gh_port *port);
/** Its sockets, with what waits in them to be read, and where it knows its peer are @heir's, which is not started yet. */
void gh_port_hand_over(struct gh_port *port, struct gh_port *heir);
/** The socket was reported: one packet of it, or an error. */
void gh_port_read(struct gh_worker *worker, struct gh_port *port, uint64_t now_ms);
void gh_port_read_stranger(struct gh_worker *worker, struct gh_port *port, uint64_t now_ms);
/** Every port may be visited by strangers again.  Each tick. */
void gh_ports_tick(struct gh_worker *worker);
/** @return whether the kernel took it */
bool gh_port_send(struct gh_port *port, const uint8_t *p, size_t len);

/* follow.c */
/** To what the set says, or to what was learnt since; a placeholder makes the port unusable. */
int gh_port_name(struct gh_port *port, const struct gh_media_set *set,
                 const struct gh_addr *remote, uint64_t now_ms);
/** A packet was accepted; what it says of the source is done.  @stranger, @fresh and @mark are
 *  source.h's, NULL: from the source.  @return whether it is from the source, as of now */
bool gh_port_heard(struct gh_port *port, const struct gh_addr *stranger, bool fresh,
                   const struct gh_source_mark *mark, uint64_t now_ms);
/** A replay came, and the port's source has a race. */
void gh_port_heard_copy(struct gh_port *port, const struct gh_addr *stranger,
                        const struct gh_source_mark *mark, uint64_t now_ms);

/* forward.c */
/**
 * A packet of @len octets in worker->packet.
 * @stranger  where it came from, when that is not the source of @port but gh_port_source_may_be; else NULL
 */
void gh_forward(struct gh_worker *worker, struct gh_port *port, size_t len, const struct gh_addr *stranger,
                uint64_t now_ms);

static inline void gh_drop(struct gh_side *side, enum gh_drop cause)
{
    gh_count(&side->counters.drops[cause], 1);
}

static inline struct gh_side *gh_side_other(const struct gh_side *side)
{
    return &side->stream->sides[side == &side->stream->sides[0]];
}

static inline int gh_side_number(const struct gh_side *side)
{
    return side == &side->stream->sides[1];
}

#endif
