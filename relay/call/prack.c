/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 100rel end to end (RFC 3262): a reliable 1xx of side b becomes one of ours to side a, with its
 * own RSeq and its own repetition; a's PRACK goes to b as an ordinary request inside the early
 * dialog (relay.c).  We never author a PRACK, save to end a call.
 */
#include "base/log.h"
#include "call/call_int.h"

/* RFC 3262 section 3: the INVITE is rejected. */
static void on_expired(void *arg, struct gh_rel_out *out, uint64_t now_ms)
{
    struct gh_fork *fork = arg;

    (void)out;
    if (gh_call_can(fork->call, GH_ON_END))
        gh_call_end(fork->call, GH_REASON_PRACK_TIMEOUT, -1, now_ms);
}

void gh_call_relay_reliable(struct gh_fork *fork, const struct gh_sip_msg *from_b, uint32_t rseq,
                            const struct gh_sdp *sdp, uint64_t now_ms)
{
    struct gh_call *call = fork->call;
    struct gh_txn *invite = call->leg[GH_SIDE_A].invite;
    struct gh_rel_user user = { .arg = fork, .expired = on_expired };
    struct gh_rel_origin origin = { .fork = fork, .rseq = rseq };
    struct gh_buf octets = { 0 };
    int err = 0;

    if (!invite || !gh_txn_request(invite))
        return;
    if (!fork->reliable)
        err = gh_rel_out_new(&fork->reliable, gh_loop_timers(call->calls->loop), invite, &user);
    if (!err)
        err = gh_call_build_provisional(fork, from_b, sdp, &octets);
    if (!err)
        err = gh_rel_out_send(fork->reliable, &octets, &origin, now_ms);
    gh_buf_fini(&octets);
    if (err)
        gh_log(GH_LOG_WARN, "call", "reliable.fail", "call=%s error=\"%s\"", call->id,
               gh_err_text(err));
}

void gh_call_reliable_final(struct gh_call *call)
{
    struct gh_fork *fork;

    TAILQ_FOREACH (fork, &call->forks, link) {
        if (fork->reliable)
            gh_rel_out_final(fork->reliable);
    }
}

static void prack_response(void *arg, struct gh_txn *txn, struct gh_sip_msg *msg, uint64_t conn,
                           uint64_t now_ms)
{
    (void)arg;
    (void)txn;
    (void)msg; /* whatever it says, the call is being cancelled */
    (void)conn;
    (void)now_ms;
}

static void prack_ended(void *arg, struct gh_txn *txn, enum gh_txn_end why, uint64_t now_ms)
{
    (void)arg;
    (void)txn;
    (void)why;
    (void)now_ms;
}

static const struct gh_txn_client prack_client = { .response = prack_response,
                                                   .ended = prack_ended };

void gh_call_prack_end(struct gh_fork *fork, uint32_t rseq, const struct gh_sdp *zero,
                       uint64_t now_ms)
{
    struct gh_call *call = fork->call;
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    struct gh_buf octets = { 0 }, body = { 0 };
    struct gh_sip_out out = { 0 };
    struct gh_txn *prack = NULL;
    int err = gh_call_begin_request(&out, fork->dialog[GH_SIDE_B], b->trunk, "PRACK", 0);

    if (!err) {
        gh_rel_rack(&out, rseq, call->b_cseq);
        err = zero ? gh_call_print_sdp(zero, &body) : 0;
    }
    if (!err)
        err = gh_sip_out_finish(&out, zero ? "application/sdp" : NULL, gh_buf_span(&body), &octets);
    if (!err)
        err = gh_txn_client_new(&prack, call->calls->txns, b->trunk->rules.id, b->conn, true,
                                &octets, &prack_client, NULL, now_ms);
    if (err)
        gh_log(GH_LOG_WARN, "call", "prack.fail", "call=%s error=\"%s\"", call->id,
               gh_err_text(err));
    gh_sip_out_fini(&out);
    gh_buf_fini(&octets);
    gh_buf_fini(&body);
}

void gh_call_prack_zero(struct gh_call *call, struct gh_txn *txn, const struct gh_sip_msg *msg,
                        uint64_t now_ms)
{
    struct gh_sdp *zero = gh_call_zero_answer_to(call, GH_SIDE_A, msg);

    gh_call_ok_sdp(call, txn, zero, now_ms);
    gh_sdp_free(zero);
}
