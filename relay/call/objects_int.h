/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of call/: a call, its legs, forks, requests and streams, and the table of all calls.  call_int.h has what is
 * done with them. */
#ifndef GH_CALL_OBJECTS_INT_H
#define GH_CALL_OBJECTS_INT_H

#include <sys/queue.h>

#include "call/call.h"
#include "call/had_keys.h"
#include "call/key_memory.h"
#include "call/named.h"
#include "call/negotiate.h"
#include "call/overload.h"
#include "call/timeline.h"
#include "sip/body.h"
#include "sip/dialog.h"
#include "sip/reliable.h"
#include "sip/txn.h"
#include "trunk/refusal.h"
#include "trunk/trunk.h"

/* ---- states and events of a call; the table is in state.c ------------------------------------------- */

#define GH_CALL_STATE_MAP(X)                                                            \
    X(NEW, "new")               /* INVITE is being judged */                            \
    X(ROUTING, "routing")       /* waiting for an admitted connection to side b */      \
    X(CALLING, "calling")       /* INVITE sent to b, nothing came yet */                \
    X(RINGING, "ringing")       /* a provisional response of b was relayed */           \
    X(CANCELLING, "cancelling") /* a was answered; b still owes its final response */   \
    X(ANSWERED, "answered")     /* 2xx relayed to a, its ACK is due */                  \
    X(UP, "up")                 /* ACK relayed */                                       \
    X(COUNTING, "counting")     /* media is being closed, its counters are due */       \
    X(RECORDING, "recording")   /* call.end is on its way to the disk */                \
    X(ENDING, "ending")         /* our BYEs are under way */                            \
    X(GONE, "gone")             /* freed on the next turn */

enum gh_call_state {
#define X(id, name) GH_CALL_##id,
    GH_CALL_STATE_MAP(X)
#undef X
    GH_CALL_STATE_COUNT
};

#define GH_CALL_EVENT_MAP(X)                                                            \
    X(START, "start")               /* the INVITE passed all checks */                  \
    X(ROUTED, "routed")             /* a connection to b is there */                    \
    X(PROVISIONAL, "provisional")   /* 101..199 from b */                               \
    X(ANSWER, "answer")             /* 2xx from b */                                    \
    X(NEXT, "next")                 /* b failed, another destination or trunk is left */ \
    X(REFUSED, "refused")           /* b failed for good: a was or will be told */      \
    X(CANCEL, "cancel")             /* from a */                                        \
    X(RING_TIMEOUT, "ring_timeout")                                                     \
    X(ACK, "ack")                   /* from a */                                        \
    X(NO_ACK, "no_ack")                                                                 \
    X(END, "end")                   /* BYE, or a reason of ours: call->end says which */ \
    X(COUNTED, "counted")           /* media counters are there, or late */             \
    X(RECORDED, "recorded")         /* call.end is on disk, or late */                  \
    X(RELEASED, "released")         /* every transaction of ours is over */

enum gh_call_event {
#define X(id, name) GH_ON_##id,
    GH_CALL_EVENT_MAP(X)
#undef X
    GH_ON_COUNT
};

/* ---- objects ------------------------------------------------------------------------------------------- */

#define GH_CALL_FORKS_MAX  8 /* early dialogs of one INVITE; 1xx of further ones are not relayed */
#define GH_CALL_MEDIA_RECORD_MS 60000 /* call.media at least that often */
#define GH_CALL_RELAYS_MAX 16 /* requests under way inside one call */

struct gh_call;

/* Our own re-INVITE on a leg; see own_invite.c. */
struct gh_own {
    struct gh_txn *client;          /* under way; NULL: none */
    struct gh_want *want;           /* of a connection for one */
    struct gh_timer timer;          /* under way: when it is cancelled; else the next attempt */
    const char *why;                /* what the one under way is for: a word for the log */
    unsigned tries;                 /* in a row that might have worked a little later */
    uint64_t due_ms;                /* no other for keys before */
    bool status_refused;            /* it takes none that is for the status alone */
};

struct gh_leg {
    struct gh_call *call;
    int side;
    const struct gh_config_trunk *trunk;
    struct gh_papers *papers;       /* of the connection that carried this leg's newest keys; one reference */
    uint64_t conn;                  /* that carried the last message of this leg */
    char tag[GH_SIP_TAG_SIZE];      /* b: our From tag; a: our To tag of the first fork, and of refusals */
    struct gh_txn *invite;          /* a: server, b: client */
    uint32_t invite_cseq;           /* a: of that INVITE */
    struct gh_txn *bye;             /* the peer's BYE that waits for our 200, or ours that waits for its 200 */
    struct gh_want *bye_want;       /* connection for our BYE */
    enum gh_status claim;           /* newest claim of the neighbour */
    bool claimed;
    bool said_bye;                  /* this side sent BYE */
    bool hung_up;                   /* it needs no BYE of ours: it sent one, got one, or knows no dialog */
    bool knows_update;              /* by its newest Allow */
    enum gh_status told;            /* newest status that a message of ours said; UNKNOWN: none */
    struct gh_txn *telling;         /* our UPDATE that says it */
    struct gh_own own;
    uint64_t tell_ms;               /* no other before */
    bool unproven;                  /* keyed, and nothing but plain packets came within 5 s of the answer */
    uint64_t session_id, version;   /* of our newest o= line on this leg */
};

/*
 * One dialog with each side: what a To tag of side b makes of the INVITE.  Before the answer there may be
 * several (forks); the one that is answered stays as the call's.
 */
struct gh_fork {
    TAILQ_ENTRY(gh_fork) link;
    struct gh_call *call;
    uint64_t number;                /* never used again in a process */
    struct gh_dialog *dialog[2];    /* a: as UAS, b: as UAC; in the table */
    char tag[GH_SIP_TAG_SIZE];      /* our To tag towards a */
    struct gh_neg *neg;             /* what was agreed; NULL: nothing yet */
    bool settled;                   /* ... for good: not by an unreliable response */
    bool answer_in_ack;             /* the offer that waits was in the 2xx */
    struct gh_neg *pending;         /* an offer that waits for its answer; NULL: none */
    struct gh_sdp *answer;          /* our SDP to a, until the 2xx has carried it; then that of the ACK to b */
    uint8_t answer_hash[32];        /* of b's SDP that it was made of */
    struct gh_papers *before[2];    /* of the legs, while an offer waits: theirs again if it fails */
    struct gh_rel_out *reliable;    /* our reliable responses to a; NULL: none yet */
};

/* A request inside a dialog that crosses the call: re-INVITE, UPDATE, INFO ... */
struct gh_relay {
    TAILQ_ENTRY(gh_relay) link;
    struct gh_call *call;
    struct gh_fork *fork;
    int from;                       /* side that asks */
    enum gh_sip_method method;
    uint32_t cseq;                  /* of the asker's request */
    struct gh_txn *server, *client;
    struct gh_want *want;           /* of a connection to the other side */
    struct gh_sip_msg *request;     /* until it was sent */
    struct gh_sdp *sdp;             /* our offer, until it was sent.  Holds keys */
    bool offers;                    /* the request has an offer */
    bool answers;                   /* PRACK: it has the answer to an offer of the other side */
    uint32_t rseq;                  /* PRACK: of the response that it acknowledges, as the other side numbers it */
    bool answered;                  /* INVITE: 2xx relayed, ACK due */
};

#define GH_CALL_KEPT_MAX 8 /* of a call at one time; a 2xx is repeated for 32 s at most */

/* Why and how a call ends. */
struct gh_call_end {
    enum gh_reason reason;
    int sip_code;                   /* final response that a got, 0: none */
    int by;                         /* side that hung up, -1: neither */
    int64_t wall_us;
    uint64_t ms;                    /* monotonic: durations do not follow a clock that is set */
};

/* Between a call and its end record; whoever is last frees it. */
struct gh_call_receipt {
    struct gh_call *call; /* NULL: the call did not wait */
};

#define GH_CALL_KEYED_MAX 8 /* newest sets whose keys are remembered: reports come late */

/* A stream of the media plane, from open to closed.  An m-line may have several:
 * one after the other, and one for each pair of address families. */
struct gh_call_stream {
    TAILQ_ENTRY(gh_call_stream) link;
    gh_stream_id id;
    struct gh_call *call;
    size_t index;                   /* m-line */
    struct gh_media_open opened;    /* how */
    uint16_t ports[2];
    bool closing;
    uint32_t generation;            /* of the newest set; 0: it was never in force */
    bool was_keyed[2];              /* by any set */
    bool silent_told[2];            /* by the log */
    int64_t silent_us[2];           /* since when the side has sent no RTP that it was to send; 0: it sends */
    struct {
        uint32_t generation, rx_key[2], tx_key[2];
    } keyed[GH_CALL_KEYED_MAX];     /* by generation modulo the size */
    struct gh_had_keys had[2];      /* each side's keys, of every set; an heir has them */
};

/* What an m-line is, or was last; for the record.  From its first stream on. */
struct gh_call_shown {
    bool ever, live;
    uint8_t rx_key_count[2];        /* of each side */
    enum gh_media_kind kind;
    struct gh_neg_side side[2];
    uint32_t rx_keys[2][GH_MEDIA_RX_KEYS_MAX]; /* their running numbers */
    struct gh_named named[2];
    uint64_t named_by;              /* number of the fork whose descriptions said so */
    struct gh_media_counters closed[2]; /* of its streams that are closed */
    int64_t silent_us[2];           /* all silences of the side that are over */
};

#define GH_CALL_SILENCES_MAX 16 /* of a call in its record one by one; the sum has all */

/* A time in which a side of an m-line sent no RTP that it was to send.  Wall clock. */
struct gh_call_silence {
    TAILQ_ENTRY(gh_call_silence) link;
    size_t index;
    int side;
    int64_t from_us, to_us;
};

struct gh_call {
    TAILQ_ENTRY(gh_call) link;
    struct gh_calls *calls;
    char id[27];                    /* ULID; names the call in logs and records */
    char linked[27];                /* that of the call that this one comes from or goes on in; "": none */
    uint64_t number;
    enum gh_call_state state;
    struct gh_leg leg[2];
    struct gh_neg *offer;           /* a's offer in the INVITE, for every fork; NULL: without, or answered */
    TAILQ_HEAD(, gh_fork) forks;
    struct gh_fork *fork;           /* of @forks: the one that was answered; NULL: none */
    struct gh_fork *heard;          /* of @forks: whose media is relayed */
    struct gh_rel_in reliable;      /* reliable responses of b to the INVITE under way */
    bool reliable_a;                /* a knows reliable responses */
    bool delayed;                   /* a's INVITE had no offer */
    TAILQ_HEAD(, gh_relay) relays;
    size_t relay_count;
    TAILQ_HEAD(, gh_relay) kept;    /* done, but the ACK to b's or a's 2xx has keys and may leave once more */
    size_t kept_count;
    struct gh_marks marks;
    char fault[GH_NEG_FAULT_MAX];   /* what was wrong, for people; never the peer's octets */
    struct gh_timeline line;
    char from[65], to[65];          /* user parts, for people: cut, unescaped */
    char session_id[33], cisco_guid[48]; /* what names the call across neighbours; "" when absent or odd */
    struct gh_sip_msg *request;     /* a's INVITE, until b has been answered or given up */
    uint64_t invite;                /* names the INVITE for the memory of keys */
    bool sips;

    const struct gh_config_route *route;
    size_t trunk_index;             /* in the route's trunks, counted from @trunk_first */
    size_t trunk_first;
    uint32_t tried;                 /* destinations of that trunk */
    unsigned invites;               /* sent to b; one for each destination that was tried */
    int destination;                /* under way */
    struct gh_want *want;
    char b_call_id[GH_SIP_TAG_SIZE];
    uint32_t b_cseq;
    struct gh_timer timer;          /* ring timeout; then the wait for counters or record */

    bool unreached;                 /* the last destination was not admitted: end.reason is that neighbour's fault */
    bool cancelled;                 /* a gave up: what b still says is answered, not relayed */
    bool acked;                     /* b's 2xx was acknowledged */
    bool reserved;                  /* room for call.end is held in the ledger */
    bool recorded;
    struct gh_call_receipt *receipt; /* call.end is on its way to the disk */
    enum gh_status status_recorded; /* by the newest call.grade */
    int64_t start_us, answer_us;
    uint64_t answer_ms;
    uint64_t media_record_ms;       /* when call.media is due */
    uint64_t no_media_ms;           /* since when no m-line is live; 0: some is */
    bool silent_early;              /* a media timeout came before the answer */
    bool silence_due;               /* a side is silent, and the log does not say so yet */
    bool shown_due;                 /* the 5 s after the answer are not over */
    struct gh_call_end end;
    struct gh_call_stream *streams[GH_NEG_STREAMS_MAX]; /* in force, by m-line; NULL: none */
    TAILQ_HEAD(, gh_call_stream) open; /* all whose counters are due */
    struct gh_call_shown *shown[GH_NEG_STREAMS_MAX]; /* NULL: the m-line never had a stream */
    TAILQ_HEAD(, gh_call_silence) silences; /* that are over, oldest first */
    unsigned silence_count;
    const struct gh_config_trunk **key_holders; /* trunks that declared or got a key */
    size_t key_holder_count;
};

/* The message that is being handled: what the gate said of it.  Zeroed: none is. */
struct gh_arrival {
    int64_t wall_us;                /* one time for all that follows from it */
    struct gh_papers *papers;
    unsigned carriers;
    enum gh_reason problem;         /* of the body: BODY_OPAQUE, KEY_IN_ODD_BODY, BAD_SDP, or NONE */
    struct gh_gate gate;
    bool recorded;                  /* there is a policy.refuse of it */
    struct gh_leg *claims;          /* it says what this leg is worth; NULL: it says nothing */
};

struct gh_calls {
    struct gh_loop *loop;
    struct gh_config *config;
    struct gh_audit *audit;
    struct gh_trunks *trunks;
    struct gh_media *media;
    struct gh_txns *txns;
    struct gh_dialogs *dialogs;
    TAILQ_HEAD(, gh_call) list;
    size_t count;
    struct gh_timer tick;           /* every second: folded records */
    struct gh_arrival arrival;
    void *streams;                  /* tsearch tree of struct gh_call_stream */
    struct gh_seen_keys *keys;      /* the memory of keys */
    uint64_t forks;                 /* numbers given */
    struct gh_call_rate {           /* new calls of a trunk in this second */
        uint64_t second;
        uint32_t count;
    } *rates;                       /* in the order of config->trunks */
    size_t *circular;               /* next trunk of each circular route */
    struct gh_calls_counters counters;
    bool stopping, closed;
    struct gh_overload overload;
    struct {
        bool out;                   /* as the log said last: gh_call_service */
        uint64_t since_ms;
        uint64_t refused;           /* INVITEs, since it was told the last time that it is over */
    } service;
    gh_calls_fn drained;
    void *drained_arg;
    struct gh_timer stop_timer;
    TAILQ_HEAD(, gh_late) late;     /* messages that wait for a new connection */
};

#endif
