/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of call/ share; nobody else includes it. */
#ifndef GH_CALL_INT_H
#define GH_CALL_INT_H

#include <sys/queue.h>

#include "call/call.h"
#include "call/negotiate.h"
#include "sip/body.h"
#include "sip/dialog.h"
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

struct gh_call;

struct gh_leg {
    struct gh_call *call;
    int side;
    const struct gh_config_trunk *trunk;
    struct gh_papers *papers;       /* of the connection that carried this leg's keys; one reference */
    uint64_t conn;                  /* that carried the last message of this leg */
    struct gh_dialog *dialog;       /* NULL until there is a remote tag */
    struct gh_txn *invite;          /* a: server, b: client */
    struct gh_txn *bye;             /* the peer's BYE that waits for our 200, or ours that waits for its 200 */
    struct gh_want *bye_want;       /* connection for our BYE */
    char tag[GH_SIP_TAG_SIZE];      /* our tag */
    enum gh_status claim;           /* newest claim of the neighbour */
    bool claimed;
    bool hung_up;                   /* this side sent BYE, or says that it does not know the dialog */
    uint64_t session_id, version;   /* of our o= line on this leg */
};

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

struct gh_call {
    TAILQ_ENTRY(gh_call) link;
    struct gh_calls *calls;
    char id[27];                    /* ULID; names the call in logs and records */
    uint64_t number;
    enum gh_call_state state;
    struct gh_leg leg[2];
    struct gh_neg neg;
    char from[65], to[65];          /* user parts, for people: cut, unescaped */
    char session_id[33], cisco_guid[48]; /* what names the call across neighbours; "" when absent or odd */
    struct gh_sip_msg *request;     /* a's INVITE, until b has been answered or given up */
    bool sips;

    const struct gh_config_route *route;
    size_t trunk_index;             /* in the route's trunks, counted from @trunk_first */
    size_t trunk_first;
    uint32_t tried;                 /* destinations of that trunk */
    bool first;                     /* no destination was tried before */
    int destination;                /* under way */
    struct gh_want *want;
    char b_call_id[GH_SIP_TAG_SIZE];
    uint32_t b_cseq;
    bool media_bound;               /* ports are held */
    struct gh_timer timer;          /* ring timeout; then the wait for counters or record */

    bool unreached;                 /* the last destination was not admitted: end.reason is that neighbour's fault */
    bool cancelled;                 /* a gave up: what b still says is answered, not relayed */
    bool acked;                     /* b's 2xx was acknowledged */
    bool reserved;                  /* room for call.end is held in the ledger */
    bool recorded;
    struct gh_call_receipt *receipt; /* call.end is on its way to the disk */
    int64_t start_us, answer_us;
    uint64_t answer_ms;
    struct gh_call_end end;
    struct gh_call_stream {         /* finds the call of a media event */
        gh_stream_id id;            /* 0: the media plane has let go of it */
        struct gh_call *call;
    } streams[GH_NEG_STREAMS_MAX];
    size_t streams_open;            /* media streams whose counters are due */
    struct gh_media_counters counters[GH_NEG_STREAMS_MAX][2];
    const struct gh_config_trunk **key_holders; /* trunks that declared or got a key */
    size_t key_holder_count;
};

/* The message that is being handled: what the gate said of it. */
struct gh_arrival {
    struct gh_papers *papers;
    unsigned carriers;
    enum gh_reason problem;         /* of the body: BODY_OPAQUE, KEY_IN_ODD_BODY, BAD_SDP, or NONE */
    struct gh_gate gate;
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
    struct gh_call_rate {           /* new calls of a trunk in this second */
        uint64_t second;
        uint32_t count;
    } *rates;                       /* in the order of config->trunks */
    size_t *circular;               /* next trunk of each circular route */
    struct gh_calls_counters counters;
    bool stopping, closed;
    gh_calls_fn drained;
    void *drained_arg;
    struct gh_timer stop_timer;
    TAILQ_HEAD(, gh_late) late;     /* messages that wait for a new connection */
};

/* ---- state.c: the one way into a state ---- */

struct gh_call_row {
    enum gh_call_state from;
    enum gh_call_event event;
    enum gh_call_state to;
    void (*action)(struct gh_call *call, uint64_t now_ms); /* after the state was entered */
};

/** The whole table; for tests. */
const struct gh_call_row *gh_call_rows(size_t *count);

void gh_call_event(struct gh_call *call, enum gh_call_event event, uint64_t now_ms);
const char *gh_call_state_name(enum gh_call_state state);
const char *gh_call_event_name(enum gh_call_event event);

/** Is there a row for this event now? */
bool gh_call_can(const struct gh_call *call, enum gh_call_event event);

/** RELEASED, when no BYE of ours is under way any more. */
void gh_call_check_released(struct gh_call *call, uint64_t now_ms);

/** End the call for a reason of ours or a BYE; fine in any state, the first one counts. */
void gh_call_end(struct gh_call *call, enum gh_reason reason, int by, uint64_t now_ms);

/* ---- request.c: what arrives ---- */

void gh_call_on_request(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t now_ms);
void gh_call_on_ack(void *arg, uint32_t trunk, uint64_t conn, struct gh_sip_msg *msg, uint64_t now_ms);
void gh_call_on_cancelled(void *arg, struct gh_txn *invite, struct gh_sip_msg *cancel, uint64_t now_ms);
void gh_call_on_server_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms);

/** What the gate says of a message that came over @papers. */
struct gh_arrival gh_call_judge(struct gh_calls *calls, struct gh_papers *papers, const struct gh_sip_msg *msg);

/* ---- outgoing.c: side b ---- */

void gh_call_route(struct gh_call *call, uint64_t now_ms);      /* wish for a connection */
void gh_call_invite(struct gh_call *call, uint64_t now_ms);     /* ROUTED: offer and INVITE */
extern const struct gh_txn_client gh_call_invite_client;
/** Is there another destination of this trunk, or another trunk of the route?  Moves on to it. */
bool gh_call_more(struct gh_call *call);

/* ---- reply.c: what is written ---- */

/** Status of a refusal to side a.  @call  NULL: none yet */
int gh_call_refusal_status(const struct gh_call *call, enum gh_reason reason);
/** Final refusal to side a with its reason; also for an INVITE that has no call yet. */
void gh_call_refuse(struct gh_calls *calls, struct gh_txn *txn, enum gh_reason reason, struct gh_span detail,
                    uint64_t now_ms);
void gh_call_relay_provisional(struct gh_call *call, const struct gh_sip_msg *from_b, uint64_t now_ms);
void gh_call_relay_final(struct gh_call *call, const struct gh_sip_msg *from_b, uint64_t now_ms);
/** 2xx with @sdp to a.  @return 0 or an error */
int gh_call_send_answer(struct gh_call *call, const struct gh_sdp *sdp, const struct gh_sip_msg *from_b,
                        uint64_t now_ms);
int gh_call_send_ack(struct gh_leg *leg, struct gh_txn *invite, struct gh_dialog *dialog);
/** BYE on a leg with a confirmed dialog; ends by clearing leg->bye. */
void gh_call_send_bye(struct gh_leg *leg, uint64_t now_ms);
/** ACK and BYE to a 2xx that nobody wants: a lost race, a second fork. */
void gh_call_reject_answer(struct gh_calls *calls, const struct gh_config_trunk *trunk, struct gh_txn *invite,
                           const struct gh_sip_msg *answer, enum gh_reason reason, uint64_t now_ms);
void gh_call_ok(struct gh_calls *calls, struct gh_txn *txn, uint64_t now_ms);
/** Print a document into a wiping buffer.  @return 0 or an error */
int gh_call_print_sdp(const struct gh_sdp *sdp, struct gh_buf *out);
/** Headers of @from that cross, by the allow list of headers.c. */
void gh_call_copy_headers(struct gh_sip_out *out, const struct gh_sip_msg *from,
                          const struct gh_leg *from_leg, bool request);
void gh_call_contact(struct gh_sip_out *out, const struct gh_leg *leg);
struct gh_dialog_via gh_call_via(const struct gh_config_trunk *trunk, char host[GH_ADDR_TEXT_MAX]); /* without branch */
extern const char gh_call_allow[];

/* ---- media.c ---- */

/** Bind ports for every live stream.  @return GH_REASON_NONE, NO_MEDIA_PORT or INTERNAL */
enum gh_reason gh_call_media_open(struct gh_call *call);
/** Tell the media plane what was agreed. */
enum gh_reason gh_call_media_start(struct gh_call *call);
/** COUNTED follows from the loop. */
void gh_call_media_close(struct gh_call *call);
/** Close without waiting; for a call that is dropped. */
void gh_call_media_forget(struct gh_call *call);
void gh_call_on_media_event(void *arg, const struct gh_media_event *event);
void gh_call_on_media_closed(void *arg, gh_stream_id stream, const struct gh_media_counters counters[2]);

/* ---- record.c ---- */

void gh_call_record_start(struct gh_call *call);
void gh_call_record_leg(struct gh_leg *leg);
/** call.end; RECORDED follows, from here when there is nothing to wait for. */
void gh_call_record_end(struct gh_call *call, uint64_t now_ms);
void gh_call_record_refuse(struct gh_calls *calls, const struct gh_papers *papers, const struct gh_sip_msg *msg,
                           enum gh_reason reason, struct gh_span detail);
/** What the route requires, against the best grade that is still in reach. */
enum gh_reason gh_call_require(const struct gh_call *call, enum gh_grade best);
/** Status that may be said on the wire now. */
enum gh_status gh_call_status(const struct gh_call *call);
enum gh_grade gh_call_grade(const struct gh_call *call);

/* ---- call.c ---- */

struct gh_call *gh_call_new(struct gh_calls *calls, struct gh_txn *txn, struct gh_sip_msg *request,
                            struct gh_papers *papers, const struct gh_config_trunk *trunk,
                            const struct gh_config_route *route);
/** Free on the next turn of the loop. */
void gh_call_gone(struct gh_call *call);
/** A call that never started: no record, no state. */
void gh_call_drop(struct gh_call *call);
/** Room for one more call on a trunk: max_calls, max_cps.  Counts it against the rate.  @return GH_REASON_NONE or why not */
enum gh_reason gh_call_admit(struct gh_calls *calls, const struct gh_config_trunk *trunk);
void gh_call_holder(struct gh_call *call, const struct gh_config_trunk *trunk);
struct gh_neg_leg gh_call_neg_leg(const struct gh_leg *leg);

#endif
