/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of call/ share; nobody else includes it. */
#ifndef GH_CALL_INT_H
#define GH_CALL_INT_H

#include <sys/queue.h>

#include "call/call.h"
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

/* A stream of the media plane, from open to closed.  An m-line may have several, one after the other. */
struct gh_call_stream {
    TAILQ_ENTRY(gh_call_stream) link;
    gh_stream_id id;
    struct gh_call *call;
    size_t index;                   /* m-line */
    struct gh_media_open opened;    /* how */
    uint16_t ports[2];
    bool waits;                     /* no description has it: for its m-line, should that come back */
    bool closing;
    uint32_t generation;            /* of the newest set; 0: it was never in force */
    bool was_keyed[2];              /* by any set */
    bool silent_told[2];            /* by the log */
    int64_t silent_us[2];           /* since when the side has sent no RTP that it was to send; 0: it sends */
    struct {
        uint32_t generation, rx_key[2], tx_key[2];
    } keyed[GH_CALL_KEYED_MAX];     /* by generation modulo the size */
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
    bool out_of_service;            /* as the log said last: gh_call_service */
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

/* ---- capacity.c ---- */

/** Whether calls can have media at all.  @return NONE, or why OPTIONS gets 503 */
enum gh_reason gh_call_service(const struct gh_calls *calls);
/** A new INVITE from @trunk: counts against its rate.  @return NONE, or why it gets 503 */
enum gh_reason gh_call_capacity(struct gh_calls *calls, const struct gh_config_trunk *trunk);
/** Is the load too much for new calls right now?  Each second, and for each INVITE; its begin and end are logged. */
bool gh_call_is_overloaded(struct gh_calls *calls, uint64_t now_ms);
/** `health` of the media plane. */
void gh_call_on_media_health(void *arg, unsigned worker, bool stalled);

/* ---- outgoing.c: side b ---- */

void gh_call_route(struct gh_call *call, uint64_t now_ms);      /* wish for a connection */
void gh_call_invite(struct gh_call *call, uint64_t now_ms);     /* ROUTED: offer and INVITE */
/** Does the caller know reliable provisional responses? */
bool gh_call_reliable(const struct gh_sip_msg *invite);
/** Is there another destination of this trunk, or another trunk of the route?  Moves on to it. */
bool gh_call_more(struct gh_call *call);

/* ---- reply.c: what is written to a in the INVITE's transaction, and final answers to anybody ---- */

/** Status of a refusal to side a.  @call  NULL: none yet */
int gh_call_refusal_status(const struct gh_call *call, enum gh_reason reason);
/** Final refusal of a request with its reason; also for one that has no call yet. */
void gh_call_refuse(struct gh_calls *calls, struct gh_txn *txn, enum gh_reason reason, struct gh_span detail,
                    uint64_t now_ms);
/** @fork  NULL: b gave no To tag */
void gh_call_relay_provisional(struct gh_call *call, struct gh_fork *fork, const struct gh_sip_msg *from_b,
                               const struct gh_sdp *sdp, uint64_t now_ms);
/** For gh_rel_out_send.  @octets  on success only */
int gh_call_build_provisional(struct gh_fork *fork, const struct gh_sip_msg *from_b, const struct gh_sdp *sdp,
                              struct gh_buf *octets);
void gh_call_relay_final(struct gh_call *call, const struct gh_sip_msg *from_b, uint64_t now_ms);
void gh_call_ok(struct gh_calls *calls, struct gh_txn *txn, uint64_t now_ms);
/** 200 of our own in a dialog; @sdp NULL: without. */
void gh_call_ok_sdp(struct gh_call *call, struct gh_txn *txn, const struct gh_sdp *sdp, uint64_t now_ms);
/** A response to @txn in the dialog of @tag, with the headers of @from that cross.  @sdp NULL: without */
int gh_call_respond(struct gh_call *call, struct gh_txn *txn, int to, const char *tag,
                    const struct gh_sip_msg *from, const struct gh_sdp *sdp, uint64_t now_ms);
/** Print a document into a wiping buffer.  @return 0 or an error */
int gh_call_print_sdp(const struct gh_sdp *sdp, struct gh_buf *out);
extern const char gh_call_allow[];

/* ---- bye.c: ACK and BYE ---- */

/** Start a request of ours in a dialog; the caller adds headers and finishes.  @return 0 or GH_ECRYPTO */
int gh_call_begin_request(struct gh_sip_out *out, struct gh_dialog *dialog, const struct gh_config_trunk *trunk,
                          const char *method, uint32_t cseq);
/** ACK to the 2xx of @invite; @sdp NULL: without.  @return 0 or an error */
int gh_call_send_ack(const struct gh_config_trunk *trunk, struct gh_txn *invite, struct gh_dialog *dialog,
                     const struct gh_sdp *sdp);
/** BYE on a leg with a confirmed dialog; ends by clearing leg->bye. */
void gh_call_send_bye(struct gh_leg *leg, uint64_t now_ms);
/** ACK and BYE to a 2xx that nobody wants: a lost race, a second fork.  @zero  answer with every port 0, or NULL */
void gh_call_reject_answer(struct gh_calls *calls, const struct gh_config_trunk *trunk, struct gh_txn *invite,
                           const struct gh_sip_msg *answer, const struct gh_sdp *zero, enum gh_reason reason,
                           uint64_t now_ms);

/* ---- headers.c ---- */

/** Headers of @from that cross, by the allow list of headers.c. */
void gh_call_copy_headers(struct gh_sip_out *out, const struct gh_sip_msg *from,
                          const struct gh_leg *from_leg, bool request);
void gh_call_contact(struct gh_sip_out *out, const struct gh_leg *leg);
struct gh_dialog_via gh_call_via(const struct gh_config_trunk *trunk, char host[GH_ADDR_TEXT_MAX]); /* without branch */

/* ---- fork.c: early dialogs ---- */

/** The fork that a response of b belongs to, made when it is new.  @return NULL: without a To tag, too many, or no
 *  memory */
struct gh_fork *gh_call_fork(struct gh_call *call, const struct gh_sip_msg *response);
/** The fork of a dialog; NULL: none. */
struct gh_fork *gh_call_fork_of(struct gh_call *call, const struct gh_dialog *dialog);
/** b's 2xx: this fork is the call from now on; the others go.  @return 0 or an error */
int gh_call_fork_confirm(struct gh_fork *fork, const struct gh_sip_msg *answer);
void gh_call_fork_free(struct gh_fork *fork);
/** All that @keep is not. */
void gh_call_forks_free(struct gh_call *call, const struct gh_fork *keep);

/* ---- exchange.c: offers and answers ---- */

/** Is an offer on its way that has no answer yet? */
bool gh_call_offer_pending(const struct gh_fork *fork);
/**
 * An offer came from @from over the connection of @papers: judge it, and bind ports for what is new.
 * @fork  NULL: a's offer in the INVITE, for every fork
 */
enum gh_reason gh_call_take_offer(struct gh_call *call, struct gh_fork *fork, int from, struct gh_span sdp,
                                  struct gh_papers *papers);
/** Write it for the other side, which has papers: those of the connection that will carry it. */
enum gh_reason gh_call_give_offer(struct gh_call *call, struct gh_fork *fork, struct gh_sdp **out);
/** The answer came, in @msg that is being handled. */
enum gh_reason gh_call_take_answer(struct gh_fork *fork, const struct gh_sip_msg *msg, struct gh_span sdp);
/** Write it for the offerer; media follows it.  The exchange is in force then. */
enum gh_reason gh_call_give_answer(struct gh_fork *fork, struct gh_sdp **out);
/** Take and give, where both sides' connections are known: what is due to the other side is in @out. */
enum gh_reason gh_call_offer_across(struct gh_fork *fork, int from, struct gh_span sdp, struct gh_sdp **out);
enum gh_reason gh_call_answer_across(struct gh_fork *fork, const struct gh_sip_msg *msg, struct gh_span sdp,
                                     struct gh_sdp **out);
/** Begin an exchange with one side alone, over the connection of @papers: gh_neg_alone_offer.
 *  Whatever the result, gh_call_drop_offer or gh_call_alone_answer follows. */
enum gh_reason gh_call_alone_offer(struct gh_fork *fork, int side, struct gh_papers *papers,
                                   struct gh_sdp **out);
/** Its answer came: it is in force then. */
enum gh_reason gh_call_alone_answer(struct gh_fork *fork, const struct gh_sip_msg *msg,
                                    struct gh_span sdp);
/** The exchange failed: nothing of it stays. */
void gh_call_drop_offer(struct gh_fork *fork);
/** Answer with every m-line port 0 to the offer that waits.  NULL: there is none, or no memory */
struct gh_sdp *gh_call_zero_answer(struct gh_fork *fork);
/** The same to an offer that was not even taken, in @msg.  NULL: it has none, or no memory */
struct gh_sdp *gh_call_zero_answer_to(struct gh_call *call, int offerer, const struct gh_sip_msg *msg);
/** The SDP of a message.  @return NONE with @sdp empty: it has none */
enum gh_reason gh_call_sdp_of(struct gh_call *call, const struct gh_sip_msg *msg, struct gh_sip_body *body,
                              struct gh_span *sdp);
/** Own o= line on a leg; its version grows with each.  @family  of the address; 0: any */
struct gh_neg_self gh_call_self(struct gh_leg *leg, uint8_t family);
/** The papers of the connection that this leg's keys go over from now on. */
void gh_call_papers(struct gh_leg *leg, struct gh_papers *papers);
/** The same for what @txn will send: keys in it are judged by the connection that carries it.  NULL is fine */
void gh_call_judge_way(struct gh_leg *leg, const struct gh_txn *txn);

/* ---- response.c: what b says to the INVITE ---- */

extern const struct gh_txn_client gh_call_invite_client;

/* ---- prack.c: reliable provisional responses ---- */

void gh_call_relay_reliable(struct gh_fork *fork, const struct gh_sip_msg *from_b, uint32_t rseq,
                            const struct gh_sdp *sdp, uint64_t now_ms);
/** The INVITE has its final response: nothing is repeated. */
void gh_call_reliable_final(struct gh_call *call);
/** PRACK of ours to a 1xx that ends the call.  @zero  answer to an offer in it, or NULL */
void gh_call_prack_end(struct gh_fork *fork, uint32_t rseq, const struct gh_sdp *zero, uint64_t now_ms);
/** 200 to a PRACK of a that the gate refused: an offer in it gets every m-line with port 0. */
void gh_call_prack_zero(struct gh_call *call, struct gh_txn *txn, const struct gh_sip_msg *msg, uint64_t now_ms);

/* ---- relay.c: requests inside a call ---- */

/** @rseq  PRACK: the other side's number of the response that it acknowledges */
void gh_call_relay(struct gh_fork *fork, int from, struct gh_txn *txn, struct gh_sip_msg *msg, uint32_t rseq,
                   uint64_t now_ms);
/** The leg that the request goes to. */
struct gh_leg *gh_relay_far_leg(const struct gh_relay *relay);
/** The asker is told, if it waits for an answer. */
void gh_relay_refuse(struct gh_relay *relay, enum gh_reason reason, uint64_t now_ms);
/** It goes no further: the exchange is undone, the asker told; frees it. */
void gh_relay_fail(struct gh_relay *relay, enum gh_reason reason, uint64_t now_ms);
void gh_relay_free(struct gh_relay *relay, uint64_t now_ms);
/** Is a re-INVITE, or another request with an offer, under way?  @from  NULL, or the side that asks */
bool gh_call_relay_invites(const struct gh_call *call, int *from);
/** Is a request with an offer under way in this dialog? */
bool gh_call_relay_offers(const struct gh_fork *fork);
/** Would a request with this SDP be relayed now?  @return NONE, or why not */
enum gh_reason gh_call_relay_ready(struct gh_fork *fork, int from, const struct gh_sip_msg *msg);

/* ---- relay_follow.c: what follows them ---- */

/** An ACK of @from with this CSeq.  @return false: it is of no re-INVITE */
bool gh_call_relay_ack(struct gh_call *call, int from, const struct gh_sip_msg *msg, uint64_t now_ms);
/** The asker gave up a re-INVITE.  @return false: @invite is none */
bool gh_call_relay_cancel(struct gh_call *call, struct gh_txn *invite, uint64_t now_ms);
/** A client transaction that no relay under way has is over. */
void gh_call_relay_kept_ended(struct gh_call *call, const struct gh_txn *client, uint64_t now_ms);
/** @return false: @txn is no relay's */
bool gh_call_relay_server_ended(struct gh_call *call, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms);
/** The call, or one fork of it, ends: askers get 487, what was asked is cancelled.  @fork  NULL: all */
void gh_call_relays_end(struct gh_call *call, const struct gh_fork *fork, uint64_t now_ms);

/* ---- media.c ---- */

/** Bind ports for every live stream of @neg that has none; one that waits for that m-line goes on.
 *  @return GH_REASON_NONE, NO_MEDIA_PORT or INTERNAL */
enum gh_reason gh_call_media_open(struct gh_call *call, struct gh_neg *neg, const uint8_t family[2]);
/** Tell the media plane what was agreed in @fork, which is heard from now on; what another fork had falls silent. */
enum gh_reason gh_call_media_start(struct gh_fork *fork);
/** No packet goes on: nobody was answered, or not this fork. */
void gh_call_media_mute(struct gh_call *call);
/** Nothing flows any more on what @neg, which is in force, has live and @stays has not.  @stays  NULL: nothing does */
void gh_call_media_hush(struct gh_call *call, const struct gh_neg *neg, const struct gh_neg *stays);
/**
 * Let go of streams of @of that no description of the call has, live or parked.  One that was ever in force waits, for
 * its contexts know which packets came; unless its m-line has another stream.
 * @gone  a description that is going; or NULL
 */
void gh_call_media_trim(struct gh_call *call, const struct gh_neg *of, const struct gh_neg *gone);
/** COUNTED follows from the loop. */
void gh_call_media_close(struct gh_call *call);
/** Close without waiting; for a call that is dropped. */
void gh_call_media_forget(struct gh_call *call);
/** Counters of an m-line so far, of all its streams. */
void gh_call_media_counters(const struct gh_call *call, size_t index, struct gh_media_counters counters[2]);
void gh_call_on_media_event(void *arg, const struct gh_media_event *event);
void gh_call_on_media_closed(void *arg, gh_stream_id stream, const struct gh_media_counters counters[2]);

/** record_quality.c: how well the stream's packets came from @side, and what @side reported of those sent to it. */
void gh_call_event_quality(struct gh_event *event, const struct gh_media_counters counters[2], int side);

/* ---- silence.c: one-way audio.  Each side of each stream is silent, or not. ---- */

/** It was to send RTP and has not for GH_MEDIA_SILENT_MS.  The log says so once that long is over since the answer. */
void gh_call_silence_begins(struct gh_call_stream *stream, int side, int64_t since_us, int64_t now_us);
/** It sends, is to send no more, or is closed.  No-op if it was not silent. */
void gh_call_silence_ends(struct gh_call_stream *stream, int side, int64_t now_us);
/** Who was silent before the answer and is still; of an answered call, each second. */
void gh_call_silence_tick(struct gh_call *call);
void gh_call_silences_free(struct gh_call *call);
/** What side @side of the m-line did not send so far, into its object; nothing if it always did. */
void gh_call_event_silence(struct gh_event *event, const struct gh_call *call, size_t index, int side, int64_t now_us);

/* ---- keys.c: the memory of keys ---- */

struct gh_neg_keeper gh_call_keeper(struct gh_call *call);
/**
 * Every key in these octets was seen by strangers.
 * @arg  the calls
 * @msg  the same, parsed; NULL: they are no message
 */
void gh_call_expose(void *arg, gh_trunk_id trunk, const struct gh_sip_msg *msg, struct gh_span octets);
/** NULL: gone */
struct gh_call *gh_call_by_number(struct gh_calls *calls, uint64_t number);

/* ---- grade.c: status, grade and marks ---- */

/** The time for the time line: that of the message that is being handled. */
int64_t gh_call_wall_us(const struct gh_calls *calls);
/** What the route requires, against the best grade that is still in reach. */
enum gh_reason gh_call_require(const struct gh_call *call, enum gh_grade best);
/** Status that may be said on the wire now. */
enum gh_status gh_call_status(const struct gh_call *call);
/** The same while an offer is under way: no more than the call can be worth with it. */
enum gh_status gh_call_status_said(const struct gh_call *call);
/** What was agreed is in force: the time line. */
void gh_call_graded_set(struct gh_call *call);
/** Something was told to the time line: call.grade, when grade or status is another. */
void gh_call_graded(struct gh_call *call);
/** What the neighbour says of itself: its security, and whether it knows UPDATE. */
void gh_call_take_said(struct gh_leg *leg, const struct gh_sip_msg *msg);
/** A key that is in use here was seen by strangers. */
void gh_call_key_exposed(struct gh_call *call, const struct gh_secret *key);
/** Once a second. */
void gh_call_grade_tick(struct gh_call *call, uint64_t now_ms);
/** What the counters say beside the grade; at the end. */
void gh_call_mark_measured(struct gh_call *call);

/* ---- tell.c ---- */

/** Tell each side the status that it has not heard, if one may be told now. */
void gh_call_tell(struct gh_call *call, uint64_t now_ms);
/** The status that a message of ours to this leg may say, and says by being sent. */
void gh_call_say_status(struct gh_leg *leg, struct gh_sip_out *out, const struct gh_sip_msg *from);

/* ---- own_invite.c: re-INVITEs that nobody asked for ---- */

/** Is one under way, or about to be? */
bool gh_call_own_busy(const struct gh_call *call);
/** Begin what the keys in force need, if it may begin now; fine at any time. */
void gh_call_own_check(struct gh_call *call, uint64_t now_ms);
/** Begin one for the status alone.  @return false: not now */
bool gh_call_own_status(struct gh_leg *leg, uint64_t now_ms);
/** The call ends: nothing is under way any more. */
void gh_call_own_end(struct gh_call *call, uint64_t now_ms);

/* ---- record.c ---- */

void gh_call_record_start(struct gh_call *call);
void gh_call_record_leg(struct gh_leg *leg);
void gh_call_record_rekey(struct gh_call *call);
void gh_call_record_grade(struct gh_call *call, const struct gh_timeline_change *change);
void gh_call_record_media(struct gh_call *call);
void gh_call_record_source(struct gh_call *call, size_t index, const struct gh_media_event *event);
/** The same, when a description brought it: its leg's papers are those of the message.  @rtcp  not the RTP port's */
void gh_call_record_signalled(struct gh_call *call, size_t index, int side, bool rtcp,
                              const struct gh_addr *old, const struct gh_addr *now);
/** call.end; RECORDED follows, from here when there is nothing to wait for. */
void gh_call_record_end(struct gh_call *call, uint64_t now_ms);
void gh_call_record_refuse(struct gh_calls *calls, const struct gh_papers *papers, const struct gh_sip_msg *msg,
                           enum gh_reason reason, struct gh_span detail);

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
/** Where media of a family is taken from a trunk, as SDP says it; none: family 0. */
struct gh_addr gh_call_media_address(const struct gh_config_trunk *trunk, uint8_t family);
/** Where we stand towards a side; by the papers of its leg. */
struct gh_neg_leg gh_call_neg_leg(const struct gh_leg *leg);

/* ---- wire.c: from and to the wire ---- */

/** The connection that a message of a transaction goes over.  @return borrowed; NULL: there is none */
struct gh_papers *gh_call_way(struct gh_calls *calls, gh_trunk_id trunk, uint64_t conn);
/** Handlers of the trunks. */
void gh_call_on_message(void *arg, struct gh_papers *papers, struct gh_sip_msg *msg);
void gh_call_on_lost(void *arg, struct gh_papers *papers);
void gh_call_on_ready(void *arg, struct gh_papers *papers);
/** `send` of the transactions: their users are legs, or NULL. */
int gh_call_send(void *arg, struct gh_txn *txn, struct gh_buf *octets, unsigned carriers);
/** Messages that wait for a connection: none waits any more. */
void gh_call_late_free(struct gh_calls *calls);

#endif
