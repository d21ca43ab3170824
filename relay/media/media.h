/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The media plane as the signalling thread sees it: ports, streams, keys in; events and counters out.
 * Workers own sockets and SRTP contexts; both sides of a stream live on one worker, so that the packet path
 * takes no lock.  A keyed side never becomes a plain one: that needs a new stream.
 *
 * Sides: 0 is `a` (the caller's leg), 1 is `b`.  rx is what a side sends us, tx what we send to it.
 */
#ifndef GH_MEDIA_H
#define GH_MEDIA_H

#include <gatehouse/facts.h>
#include <gatehouse/span.h>
#include <gatehouse/suite.h>
#include "crypto/secret.h"

struct gh_media;
struct uv_loop_s;

typedef uint64_t gh_stream_id; /* never reused in a process; 0: none */

/* How packets that arrive from a side go on to the other. */
enum gh_path {
    GH_PATH_NONE = 0, /* dropped: nothing was agreed yet */
    GH_PATH_CLEAR,    /* RTP in, RTP out; or datagrams */
    GH_PATH_PASS,     /* SRTP in, authenticated, the same octets out: the far side has the same key */
    GH_PATH_BRIDGE,   /* unprotected and protected anew; also SRTP to RTP and RTP to SRTP */
    GH_PATH_COUNT
};

/*
 * Which source a side's packets may come from (design: media_source).  Each rule begins with the
 * address in the set: it is sent to and taken from until another one is learnt.  What was learnt
 * outlives sets that name the same address and rule, sets that name none (hold by c=0.0.0.0) between them, and a renewal of
 * the stream; another address or rule begins anew.  For two seconds then, nothing is learnt from where the set before had
 * the peer: that was under way.  On a clear side it is dropped.  A side that is keyed now begins anew as well, for its first
 * packet proves its place; one that is clear now keeps what was proven, with SYMMETRIC.
 *
 *              keyed side                                 clear side
 *   SDP        that address and port, nothing else        the same
 *   HOST       that address, any port                     as SDP: nothing proves a packet
 *   SYMMETRIC  where the first authenticated packet       where the first RTP packet is from
 *              is from                                    within latch_ms of the set, once; back to
 *                                                         the set's address when RTP comes from there
 *                                                         within that time;
 *                                                         datagrams: as SDP, for they have no form to know
 *
 * RTP of a side that may not send it, from elsewhere, is no sign of where that is.
 *
 * A keyed side's source may change later on: by four authenticated packets in a row from the new
 * one, each with an index above all before, within 1 s, after half a second in which none came from
 * the present one, and once in 5 s.  The address in the set, and its host or that of the signalling,
 * need no such silence and no such time.
 *
 * Who sees the peer's packets can send copies of them before they arrive.  source.h says how he is
 * found out, by the copies that come from two addresses, and whom we believe then: the address in
 * the set, its host or that of the signalling, or who had the place before.  Between two strangers,
 * behind a NAT, nobody can tell; that is said (CONTESTED), and no source is proven.  With SDP there
 * is nothing to win.  Whatever its source, an authenticated packet goes on: a faster copy must not
 * cost the packet.
 *
 * RTCP on a port of its own: keyed, its own packets count, one is enough from RTP's present
 * address; clear, it is only learnt from there.  Until then it follows RTP to another address, at
 * the next port.
 */
enum gh_source_rule {
    GH_SOURCE_RULE_SDP = 0,
    GH_SOURCE_RULE_HOST,
    GH_SOURCE_RULE_SYMMETRIC,
    GH_SOURCE_RULE_COUNT
};

/* What SDP may say of where a peer's media is. */
enum gh_media_address {
    GH_MEDIA_ADDRESS_NEVER = 0, /* nobody's, or not his alone: to be refused */
    GH_MEDIA_ADDRESS_NONE,      /* a placeholder: none is known, nothing is sent or taken */
    GH_MEDIA_ADDRESS_USABLE
};

/**
 * Judge an address of SDP, before any socket knows it.
 *
 * NONE:   no family, port 0, 0.0.0.0 or :: (RFC 3264 sections 5.1 and 8.4, RFC 6157 for IPv6)
 * NEVER:  the rest of 0/8, 240/4 with broadcast, multicast, IPv6 that is link-local, IPv4-compatible or
 *         -mapped; another family than ours; loopback, unless ours is loopback too: a peer could else aim at
 *         what listens on this host alone
 *
 * A network's own broadcast address cannot be told here: GH_MEDIA_EVENT_UNREACHABLE comes then.
 *
 * @ours  of that leg's port as we write it into SDP, the port plays no part; NULL: do not look at loopback and family
 * Pure.  Thread: any.
 */
enum gh_media_address gh_media_address(const struct gh_addr *remote, const struct gh_addr *ours);

/**
 * Whether an error of gh_media_set, or of GH_MEDIA_EVENT_UNREACHABLE, comes of the address that the peer named, so
 * that the offer or answer is to be refused and not our own failure to be told.
 * Pure.  Thread: any.
 */
bool gh_media_err_is_remote(int err);

/* Why a packet was dropped, each counted apart. */
#define GH_DROP_MAP(X)                                                                  \
    X(AUTH_FAILED, "auth_failed")       /* tag wrong: forged, or a wrong key */         \
    X(REPLAYED, "replayed")             /* seen before, or older than the window */     \
    X(PLAIN_ON_SRTP, "plain_on_srtp")   /* tag wrong and the form of a plain packet: below */ \
    X(UNKNOWN_SOURCE, "unknown_source") /* not from the source, nor may it become that */ \
    X(MALFORMED, "malformed")           /* neither RTP nor RTCP, or truncated */        \
    X(STUN, "stun")                     /* the peer tries ICE, which we did not offer */ \
    X(DTLS, "dtls")                     /* the peer tries to agree on keys here */      \
    X(NO_KEY_YET, "no_key_yet")         /* before the answer */                         \
    X(NOT_SENDING, "not_sending")       /* the direction is not open */                 \
    X(SEND_FAILED, "send_failed")       /* the kernel took it not: full buffer, ICMP */ \
    X(KEY_LIMIT, "key_limit")           /* our own key has reached its packet limit */  \
    X(SSRC_LIMIT, "ssrc_limit")         /* authentic, but more sources than a key may have here */ \
    X(INTERNAL, "internal_error")       /* no memory, or the cryptographic library failed */

/*
 * plain_on_srtp claims exactly this: the packet did not authenticate, and it has the form of a plain one.
 * RTCP: its parts add up to the datagram, or to all before the SRTCP tail when the E flag is off (RFC 3711 section
 * 3.4; such a packet is refused even if authentic, since encryption was agreed).
 * RTP: too short to hold the suite's tag; or of a static payload type (RFC 3551: 0, 3, 8, 9, 18) with whole frames,
 * where frames and a tag would not be whole frames.  Other plain RTP cannot be told from forged SRTP and is
 * auth_failed.  Whoever can send from the peer's address can forge the form, so this is a hint, not evidence.
 *
 * replayed is found before the tag is looked at: a forged packet with an old number counts here.
 */
enum gh_drop {
#define X(id, name) GH_DROP_##id,
    GH_DROP_MAP(X)
#undef X
    GH_DROP_COUNT
};

/* What a payload type means, as far as quality needs it. */
#define GH_CODEC_MAP(X)                                                                 \
    X(PCMU, "PCMU")                                                                     \
    X(PCMA, "PCMA")                                                                     \
    X(G722, "G722")                                                                     \
    X(G723, "G723")                                                                     \
    X(G729, "G729")                                                                     \
    X(OPUS, "opus")                                                                     \
    X(VOICE, "voice")           /* another one for voice: judged as G.711 */            \
    X(VIDEO, "video")           /* loss and jitter alone */                             \
    X(EVENT, "telephone-event") /* and comfort noise: their timestamps tell no jitter */

enum gh_codec {
    GH_CODEC_UNKNOWN = 0,
#define X(id, name) GH_CODEC_##id,
    GH_CODEC_MAP(X)
#undef X
    GH_CODEC_COUNT
};

/* A payload type as SDP explains it (RFC 8866 section 6.6, a=rtpmap). */
struct gh_media_payload {
    uint32_t type : 7;
    uint32_t codec : 5;     /* enum gh_codec */
    uint32_t clock_hz : 20; /* at most GH_MEDIA_CLOCK_MAX_HZ; 0: not known, no jitter is measured */
};

#define GH_MEDIA_CLOCK_MAX_HZ 1000000 /* beyond, it is no clock of any codec */

_Static_assert(sizeof(struct gh_media_payload) == 4 && GH_CODEC_COUNT <= 32 && GH_MEDIA_CLOCK_MAX_HZ < 1 << 20,
               "each call has many");

#define GH_MEDIA_PAYLOADS_MAX 16 /* of one side; further ones are unknown */

/** The codec of an encoding name, in any case; UNKNOWN for others.  Pure.  Thread: any. */
enum gh_codec gh_codec_of(struct gh_span encoding);

/** The encoding name, "unknown" for anything else.  Static.  Thread: any. */
const char *gh_codec_name(enum gh_codec codec);

/*
 * How well packets came, of one side of one stream, over all of its sources.
 *
 *            measured.lost            the other side's reported.lost
 *   side X ------------------> we ----------------------------------> side Y
 *          <-----------------> we <--------------------------------->
 *            X's reported.rtt         Y's reported.rtt
 *
 * measured: by us, from the RTP that this side sent and that was accepted (authenticated, on a keyed side).  Nobody's
 * honesty is needed, but the sender's sequence numbers.
 * reported: what this side's RTCP says of what we sent to it, loss before us included.  A peer can say what it likes:
 * figures that cannot be are left out and counted in implausible.
 */
struct gh_media_quality {
    struct {
        uint64_t expected_pkts, received_pkts; /* RFC 3550 A.3 */
        uint64_t lost_pkts;                    /* never negative: late copies count as received */
        uint32_t loss_last_ppm, loss_worst_ppm; /* in GH_QUALITY_INTERVAL_MS or more; 10^6: all */
        uint32_t jitter_us, jitter_worst_us;   /* RFC 3550 A.8; 0 without a clock */
        uint32_t clock_hz;                     /* of the newest payload type that has jitter; 0: none was known */
        enum gh_codec codec;
        uint32_t sources;                      /* SSRCs, and new beginnings of one */
    } measured;
    struct {
        uint32_t blocks;                       /* about a source of ours, and plausible */
        uint32_t rtt_count;                    /* 0: no round trip was seen */
        uint64_t lost_pkts;                    /* over all sources */
        uint32_t fraction_last, fraction_worst; /* of 256 */
        uint32_t jitter_last, jitter_worst;    /* timestamp units of the far side's clock */
        uint32_t clock_hz;                     /* that clock; 0: not known, jitter stays in its units */
        uint32_t rtt_last_us, rtt_worst_us;    /* we to this side and back, without its own delay */
        uint64_t rtt_sum_us;
        uint32_t goodbyes;                     /* sources that said BYE */
        uint32_t unknown_ssrc, implausible;    /* blocks that were left out */
        uint32_t malformed_pkts;               /* authentic, but no whole RTCP */
    } reported;
};

#define GH_QUALITY_INTERVAL_MS 5000  /* as long as RTCP is wont to be apart (RFC 3550 section 6.2) */
#define GH_QUALITY_INTERVAL_PKTS 50  /* and as many packets: a second of voice */

/* How one direction sounds, by the E-model (emodel.h). */
struct gh_media_score {
    bool known;         /* RTP came, and of a voice codec */
    double r, mos;
    double loss;        /* 0 to 1 */
    double delay_ms;    /* one way: half of the round trips that were reported, jitter buffer and packet */
    bool delay_known;   /* both round trips were reported; else what is missing counts as 0 */
};

/**
 * What @side says.  Pure.  Thread: any.
 * @reported  false: as it came to us, measured; true: as the other side says it came to it; not known without reports
 */
struct gh_media_score gh_media_score(const struct gh_media_quality quality[2], int side, bool reported);

/** Add up the streams that one m-line had, in their order: sums, worst of all, newest.  Pure.  Thread: any. */
void gh_media_quality_add(struct gh_media_quality *sum, const struct gh_media_quality *more);

/*
 * Counters of one side of one stream; a snapshot, not one instant.  When nothing is under way,
 * rx_pkts of a side = tx_pkts of the other + all drops of the side.  Strangers are read under a rate limit, so in
 * a flood unknown_source is a lower bound.
 */
struct gh_media_counters {
    uint64_t rx_pkts, rx_octets;       /* everything read from the port, dropped or not */
    uint64_t authenticated;            /* SRTP and SRTCP packets whose tag was right */
    uint64_t authenticated_rtcp;       /* of these, SRTCP */
    uint64_t plain;                    /* RTP, RTCP and datagrams accepted on a clear side */
    uint64_t tx_pkts, tx_octets;       /* sent to this side */
    uint64_t icmp;                     /* ICMP errors that came back */
    uint64_t drops[GH_DROP_COUNT];
    int64_t first_authenticated_us;    /* wall clock; 0: never */
    int64_t first_plain_us, last_rx_us; /* accepted packets: plain on a clear side; of either kind */
    /*
     * The newest generation of this side under whose rx key, or one of several, a packet has authenticated; 0: none.
     * While the key that came with generation g is in force, it is proven if this is at least g.
     * Late packets under the old key count for the last generation of that key.
     */
    uint32_t proven_generation;
    struct gh_media_quality quality;   /* each GH_MEDIA_QUALITY_MS, and at the end */
};

#define GH_MEDIA_QUALITY_MS 1000 /* how old the figures of quality may be */
#define GH_MEDIA_SILENT_MS 5000 /* without RTP from a side that is to send it: one does not hear it */

/* What a worker tells, with its word for logs and records. */
#define GH_MEDIA_EVENT_MAP(X)                                                           \
    X(PROVEN, "proven")           /* first authenticated packet under a key of this generation */ \
    X(TIMEOUT, "timeout")         /* nothing accepted from this side for so long; on_hold: from neither */ \
    X(SILENT, "silent")           /* a side that is to send RTP has sent none since since_us */ \
    X(VOICE, "silence_over")      /* it does again, or is to send no more */            \
    X(PLAIN, "plain_on_srtp")     /* first packet counted plain_on_srtp */              \
    X(AUTH_FAILED, "auth_failed") /* first packet counted auth_failed */                \
    X(SSRC_LIMIT, "ssrc_limit")   /* first packet counted ssrc_limit */                 \
    X(FAILED, "failed")           /* a set was not carried out by a fault of ours, err: nothing flows here */ \
    X(UNREACHABLE, "unreachable") /* there is no way to the set's address: below */     \
    X(KEY_SOON, "key_limit_near") /* 9/10 of the packets that our own key to this side may protect: bring a new one */ \
    X(LATCHED, "source_latched")  /* the source was learnt, and is not the one that the set named */ \
    X(MOVED, "source_moved")      /* the source has changed since it was learnt */      \
    X(CONFIRMED, "source_confirmed") /* what was latched is proven: nobody else sent the same packets */ \
    X(CONTESTED, "source_contested") /* somebody else did: new_source, no family: not known where */ \
    X(TAKEN_BACK, "source_taken_back") /* who had taken the source by copies has it no more */ \
    X(LIFETIME, "key_lifetime_exceeded") /* more packets came under an rx key than its lifetime_pkts */

enum gh_media_event_kind {
    GH_MEDIA_EVENT_NONE = 0,
#define X(id, name) GH_MEDIA_EVENT_##id,
    GH_MEDIA_EVENT_MAP(X)
#undef X
    GH_MEDIA_EVENT_COUNT
};

/** The word of @kind, "none" for anything else.  Static.  Thread: any. */
const char *gh_media_event_name(enum gh_media_event_kind kind);

/*
 * UNREACHABLE: err is the system's, and gh_media_err_is_remote.  Of RTP (rtcp is false): nothing flows to or from this
 * side.  Of RTCP: RTP is not touched.
 *
 * Each kind at most once for one generation of a side, UNREACHABLE and CONTESTED once for each port of it, except
 * SILENT and VOICE (by turns, not more often than GH_MEDIA_SILENT_MS),
 * LATCHED (once for each port and address of the sets), MOVED and TAKEN_BACK (once in 5 s for each port, but for moves to
 * who is believed more; also when RTCP follows RTP, which source_proven tells) and CONFIRMED (once after each of these).
 * Those of the source do not happen with GH_SOURCE_RULE_SDP.
 */
struct gh_media_event {
    gh_stream_id stream;
    int side;
    uint32_t generation;         /* of the set that it is about */
    enum gh_media_event_kind kind;
    int err;
    int64_t wall_us;
    int64_t since_us;            /* SILENT: wall clock, to a second */
    bool on_hold;                /* TIMEOUT: timeout_on_hold_ms, of the whole stream; side and generation are a's */
    bool rtcp;                   /* UNREACHABLE and those of the source: the RTCP port's, not the RTP port's */
    /* Of the source: */
    struct gh_addr old_source, new_source;
    /* Authenticated packets came from new_source, and no copies of them from elsewhere in the time that a true packet
     * may be behind a copy; the address of the set needs the former alone.  Never on a clear side. */
    bool source_proven;
};

/** Whether @kind says old_source, new_source and source_proven.  Thread: any. */
bool gh_media_event_is_of_source(enum gh_media_event_kind kind);

struct gh_media_handlers {
    void *arg;
    /* On the signalling thread. */
    void (*event)(void *arg, const struct gh_media_event *event);
    /* The worker let go of the stream; the last counters of both sides. */
    void (*closed)(void *arg, gh_stream_id stream, const struct gh_media_counters counters[2]);
    /* A worker has not answered for two seconds, or does again; logged already.  May be NULL. */
    void (*health)(void *arg, unsigned worker, bool stalled);
};

#define GH_MEDIA_INTERFACES_MAX 16 /* with the first one */

/* Where media of some neighbours is taken.  Each bound address has all ports of the range. */
struct gh_media_interface {
    struct gh_addr address;            /* bound; port unused */
    struct gh_addr address6;           /* a second one of the other family; family 0: none */
    struct gh_addr advertise, advertise6; /* what SDP says in their place; family 0: the same */
};

struct gh_media_config {
    struct gh_addr address;            /* bound; port unused */
    struct gh_addr address6;           /* a second one of the other family; family 0: none */
    struct gh_addr advertise, advertise6; /* what SDP says in their place; family 0: the same */
    const struct gh_media_interface *more; /* beside these, which are number 0: 1, 2, ...; read during the start only */
    unsigned more_count;
    uint16_t port_first, port_last;    /* pairs: RTP even, RTCP odd */
    unsigned workers;                  /* 0: cores - 1, at least 1 */
    uint64_t port_delay_ms;            /* a released pair rests that long */
    /* At the same time; gh_descriptors_for_media says what can be had.  0: as many as take half of the soft
     * RLIMIT_NOFILE, less what is the process's own. */
    unsigned max_streams;
};

#define GH_STREAM_DESCRIPTORS 8 /* two sides, two ports, two sockets each */

/** Can ports be bound at @address?  @return 0, or the system's error (-EADDRNOTAVAIL: this host does not have it) */
int gh_media_can_bind(const struct gh_addr *address);

/** Bind nothing yet; start the workers.  gh_srtp_ciphers_start was called before.  @return 0 or an error */
int gh_media_start(struct gh_media **out, struct uv_loop_s *signalling, const struct gh_media_config *config,
                   const struct gh_media_handlers *handlers);

/** Close every stream, join the workers.  closed is not called any more.  The signalling loop runs once more. */
void gh_media_stop(struct gh_media *media);
void gh_media_free(struct gh_media *media);

unsigned gh_media_workers(const struct gh_media *media);

struct gh_media_open {
    uint64_t call;                     /* streams of one call share a worker; a number of the caller's choice */
    uint64_t timeout_ms;               /* of each side that may send and whose address is known; 0: none */
    /* Of the stream while neither side is such a one: one TIMEOUT with on_hold.  Counts from the set that put the
     * stream on hold, not from sets that leave it so; RTP and RTCP of either side put it off.  0: none. */
    uint64_t timeout_on_hold_ms;
    uint8_t family[2];                 /* of each side's port: 4 or 6; 0: that of the interface's address */
    unsigned interface[2];             /* number of each side's */
};

/**
 * Bind a pair of ports for each side and hand them to the worker with the fewest streams; of several, to the one that
 * was least busy in the last second.
 * @ports  RTP port of each side, at its interface's address of that family; RTCP is the next
 * @return 0, GH_EFULL (no pair is free, as many streams are open as may be, or the system has no descriptor or buffer
 * left), GH_EINVAL (no such interface, or no address of that family), or an error
 */
int gh_media_open(struct gh_media *media, const struct gh_media_open *open, gh_stream_id *out, uint16_t ports[2]);

/**
 * A new stream on the ports of an open one, which is closed: for one that was keyed and shall be clear, while both
 * sides have its ports in their SDP already.  Call, worker, timeouts, contexts and sources stay; counters begin at 0.  The
 * sockets are the same: what waits in them is the new one's, by the set that comes next.
 * @return 0, GH_ENOTFOUND, GH_ESTATE, GH_ENOMEM: the old stream goes on then
 */
int gh_media_renew(struct gh_media *media, gh_stream_id old, gh_stream_id *out);

#define GH_MEDIA_DATAGRAM_MAX 9000 /* octets: a jumbo frame */

#define GH_MEDIA_MKI_MAX 128 /* RFC 4568 section 6.1 */
#define GH_MEDIA_TX_MKI_MAX 4 /* of ours */

/* The master key identifier in a side's packets; len 0: there is none. */
struct gh_media_mki {
    uint8_t len;
    uint8_t octets[GH_MEDIA_MKI_MAX];
};

#define GH_MEDIA_RX_KEYS_MAX 4 /* of a side at a time; RFC 4568 section 6.1 leaves it open */

/* A key that a side declared beside others. */
struct gh_media_key {
    struct gh_secret key;
    struct gh_media_mki mki;
    uint64_t lifetime_pkts;            /* as rx_lifetime_pkts of a set */
};

/* All after the first. */
struct gh_media_more {
    size_t count;
    struct gh_media_key keys[GH_MEDIA_RX_KEYS_MAX - 1];
};

/** Wipes.  NULL is fine. */
void gh_media_more_free(struct gh_media_more *more);

/*
 * What one side is from now on.  A set replaces the one before; the same key and suite again keep context, ROC and
 * replay state.  A new rx key: the old one is still accepted for 2 s, or 1 s past the first packet under the new one.
 * A keyed side is sent only what is under its tx key: by pass when tx_key is the key of the source, else by bridge.
 *
 * The eight newest keys of each direction may come back and have their context again.  An older one, and a tx key that
 * was used with another suite, is FAILED with GH_ESTALE: a second context would begin its keystream, or its replay
 * windows, anew.  An rx key that comes for another suite is taken, but of each source only what is above all that came
 * under it before, and packets of the suite before are refused at once.  That holds within a stream; a tx key of our own
 * must not be brought to another stream at all.
 * With a tx key that either peer declared as its own, in this stream, nothing is bridged.
 */
struct gh_media_set {
    gh_stream_id stream;
    int side;
    uint32_t generation;               /* grows with each set of this side; comes back in events */
    struct gh_addr remote_rtp, remote_rtcp; /* family, address or port 0: not known, nothing is sent or accepted */
    bool rtcp_mux;
    bool may_send;                     /* this side may send RTP to us; RTCP flows either way (RFC 3264 section 5.1) */
    bool may_receive;                  /* we may send RTP to this side */
    enum gh_path path;                 /* for what arrives from this side */
    enum gh_suite suite;               /* of this side, both ways; GH_SUITE_NONE: plain RTP */
    /*
     * No RTP: whatever comes from the source goes on as it came (UDPTL, ITU-T T.38), what looks like STUN, DTLS or
     * RTCP too, for its sequence number may be anything.  Shorter than that number, two octets, or longer than
     * GH_MEDIA_DATAGRAM_MAX, it is malformed.  There is no RTCP port, no quality; T.38 is half duplex, so what either
     * side sends puts off the timeout of both.  Both sides alike; without suite, path CLEAR or NONE.
     */
    bool datagrams;
    struct gh_secret rx_key;           /* this side declared it; empty for plain */
    struct gh_secret tx_key;           /* we declared it to this side; if the other side passes, its rx_key */
    /* Comes with rx_key, and stands in each packet under it (RFC 3711 section 3.1): one without it is not authentic.
     * Not with path PASS. */
    struct gh_media_mki rx_mki;
    /*
     * Keys beside rx_key, with an MKI each: a packet is accepted under the key that it names, and under that one only.
     * From the heap, taken with the set, NULL: none.  Every MKI, that of rx_key too, is as long as the others and another
     * one, and so is every key.  What is said here of the rx key holds for each: context, replay windows, old time,
     * lifetime.  Their sources are one peer's: one may go from key to key, and a move needs an index above all of them.
     */
    struct gh_media_more *rx_more;
    /* Comes with tx_key, at most GH_MEDIA_TX_MKI_MAX octets: what we protect for this side has it, and nothing passes. */
    struct gh_media_mki tx_mki;
    enum gh_source_rule media_source;
    /* Where this side's signalling comes from, if known: of two strangers who send the same packets, its host is believed. */
    struct gh_addr signalling;
    uint64_t latch_ms;                 /* clear and SYMMETRIC: from now; 0: nothing is learnt */
    /* A new tx key goes on with ROC and SSRCs of the one before (roc_on_rekey: keep), else it
     * starts with ROC 0.  With a new rx key either is taken: what authenticates first decides. */
    bool roc_keep;
    /* 0: that of gh_media_open.  Else this one in its place, whether or not the side may send, and also while its
     * address is not known. */
    uint64_t timeout_ms;
    /* How many SRTP packets, and SRTCP packets, the rx key may protect (RFC 4568 section 6.1); 0:
     * not said.  Those that authenticated here are counted: lost ones could hide an overrun. */
    uint64_t rx_lifetime_pkts;
    /* What this side sends, by SDP, and so what its packets are measured by.  Static types of RFC 3551 that are not
     * named here are known all the same. */
    struct gh_media_payload payloads[GH_MEDIA_PAYLOADS_MAX];
    uint8_t payload_count;
    uint8_t dscp;                      /* code point of what we send to this side (RFC 2474), 0 to 63 */
};

/**
 * @set  taken: its keys are wiped here on every path, and rx_more is freed
 * @return 0, GH_ENOTFOUND, GH_ENOMEM, or GH_EINVAL: a keyed side made plain, a key length that is not the suite's
 * (0: no key yet), a path that the suite cannot have, a generation that does not grow, a media_source that
 * there is not, datagrams with a suite or a path that they cannot have, or beside another side that was set without.
 * By a fault of the peer's (gh_media_err_is_remote): -EADDRNOTAVAIL, the address can never be one
 * (gh_media_address), and -ELOOP, it is a port of this very stream, or of another stream of ours whose far side leads
 * back here: packets would go round for ever.  Two streams that are joined in a line, for a call that comes
 * through us twice, are fine.
 */
int gh_media_set(struct gh_media *media, struct gh_media_set *set);

/**
 * Both sides in one step.  To be used whenever keys or paths of both change: between two single sets a side could
 * hold the other's key while the path is still `bridge`, and we would send under a key that is not ours.
 * @sets  side 0, then side 1, of one stream; taken as above.  Nothing is changed unless both are right
 */
int gh_media_set_both(struct gh_media *media, struct gh_media_set sets[2]);

/** Let go of sockets and keys; closed follows.  @return 0 or GH_ENOTFOUND */
int gh_media_close(struct gh_media *media, gh_stream_id stream);

/** Counters as they are now.  @return 0 or GH_ENOTFOUND */
int gh_media_counters(struct gh_media *media, gh_stream_id stream, struct gh_media_counters counters[2]);

/** Pairs of ports that are bound or resting, and all of them; each family of address has its own. */
void gh_media_port_usage(const struct gh_media *media, unsigned *used, unsigned *all);

/*
 * How much the workers carry, each figure that of the worker who is worst off, but for pkts_per_s and stalled.
 * lag is how late a loop is: a packet waits that long before it goes on, which the far side hears as jitter.
 */
struct gh_media_load {
    uint64_t lag_ms, lag_worst_ms; /* longest in the last second, or right now; since the start */
    uint64_t lag_mean_ms;          /* of the last second */
    uint64_t busy_permille;        /* of the last second that the thread had the processor */
    uint64_t pkts_per_s;           /* received, of all workers, in the last second */
    unsigned stalled;              /* workers that do not answer */
};

/*
 * Beyond these no new call should come in, so that those that run are not hurt:
 * mean   the time of two packets.  A jitter buffer holds about that (RFC 3550 leaves it open; phones begin with 40 ms
 *        to 60 ms), so running calls lose nothing yet.  The mean, for a single wait of that length is no load
 * lag    so long a gap is heard whatever the buffer
 * busy   the last tenth is what bursts of a second need, and what a re-key or the end of many calls at once costs
 */
#define GH_MEDIA_LAG_MEAN_MAX_MS 40
#define GH_MEDIA_LAG_MAX_MS 500
#define GH_MEDIA_BUSY_MAX_PERMILLE 900

/** Thread: signalling. */
struct gh_media_load gh_media_load(const struct gh_media *media);

/** Whether a new call is to be refused: one of the limits above, or a stalled worker.  Pure. */
bool gh_media_is_too_much(const struct gh_media_load *load);

/** How many workers are stalled: no turn of their loop in two seconds.  New streams go to others, if there are. */
unsigned gh_media_health(const struct gh_media *media);

/** Whether any worker is alive; else no stream has media, and none that is opened will. */
bool gh_media_alive(const struct gh_media *media);

/** Streams that are open or closing, and how many there may be. */
void gh_media_stream_usage(const struct gh_media *media, unsigned *used, unsigned *all);

#endif
