/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of call/ do for each other; nobody else includes it. */
#ifndef GH_CALL_INT_H
#define GH_CALL_INT_H

#include "call/objects_int.h"

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

/** NULL: it is none of a call, or of none any more. */
struct gh_call_stream *gh_call_stream_find(struct gh_calls *calls, gh_stream_id id);
/** A stream with its ports for every live one of @neg that has none: that of the m-line in another dialog, or before, or
 *  a new one.
 *  @return GH_REASON_NONE, NO_MEDIA_PORT or INTERNAL */
enum gh_reason gh_call_media_open(struct gh_call *call, struct gh_neg *neg, const uint8_t family[2]);
/** Tell the media plane what was agreed in @fork, which is heard from now on; what another fork had falls silent. */
enum gh_reason gh_call_media_start(struct gh_fork *fork);
/** No packet goes on: nobody was answered, or not this fork. */
void gh_call_media_mute(struct gh_call *call);
/** Nothing flows any more on what @neg, which is in force, has live and @stays has not.  @stays  NULL: nothing does */
void gh_call_media_hush(struct gh_call *call, const struct gh_neg *neg, const struct gh_neg *stays);
/**
 * Let go of streams of @of that no description of the call has, live or parked.  One that was ever in force stays
 * open until the call ends, for its contexts know which packets came.
 * @gone  a description that is going; or NULL
 */
void gh_call_media_trim(struct gh_call *call, const struct gh_neg *of, const struct gh_neg *gone);
/** COUNTED follows from the loop. */
void gh_call_media_close(struct gh_call *call);
/** Close without waiting; for a call that is dropped. */
void gh_call_media_forget(struct gh_call *call);
/** Counters of an m-line so far, of all its streams. */
void gh_call_media_counters(const struct gh_call *call, size_t index, struct gh_media_counters counters[2]);
void gh_call_on_media_closed(void *arg, gh_stream_id stream, const struct gh_media_counters counters[2]);

/* ---- media_event.c ---- */

void gh_call_on_media_event(void *arg, const struct gh_media_event *event);

/** record_quality.c: how well the stream's packets came from @side, and what @side reported of those sent to it. */
void gh_call_event_quality(struct gh_event *event, const struct gh_media_counters counters[2], int side);

/* ---- silence.c: one-way audio or video.  Each side of each stream is silent, or not. ---- */

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
