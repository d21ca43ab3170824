/* SPDX-License-Identifier: Apache-2.0 */
/* Responses that we write, to either side: refusals of ours, and what the other side said. */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

int gh_call_print_sdp(const struct gh_sdp *sdp, struct gh_buf *out)
{
    size_t len = gh_sdp_len(sdp);
    char *room = gh_buf_room(out, len);
    int err = room ? gh_sdp_print(sdp, room, len, &len) : GH_ENOMEM;

    if (!err)
        out->len += len;
    return err;
}

static void respond(struct gh_txn *txn, struct gh_sip_out *out, const char *type,
                    struct gh_span body, uint64_t now_ms)
{
    struct gh_buf octets = { 0 };
    int err = gh_sip_out_finish(out, type, body, &octets);

    if (!err)
        err = gh_txn_respond(txn, &octets, now_ms);
    if (err)
        gh_log(GH_LOG_WARN, "call", "respond.fail", "trunk=%u error=\"%s\"", gh_txn_trunk(txn),
               gh_err_text(err));
    gh_sip_out_fini(out);
    gh_buf_fini(&octets);
}

int gh_call_refusal_status(const struct gh_call *call, enum gh_reason reason)
{
    if (reason == GH_REASON_CANCELLED)
        return 487;
    /* RFC 3261 section 21.5.4: what is wrong with the called neighbour's papers is not the caller's
     * fault, who may try another way; the reason is told all the same. */
    return call && call->unreached ? 503 : gh_refusal_status(reason);
}

void gh_call_refuse(struct gh_calls *calls, struct gh_txn *txn, enum gh_reason reason,
                    struct gh_span detail, uint64_t now_ms)
{
    const struct gh_sip_msg *request = gh_txn_request(txn);
    struct gh_sip_out out = { 0 };
    const struct gh_leg *leg = gh_txn_user(txn);
    const struct gh_call *call = leg ? leg->call : NULL;
    int status = gh_call_refusal_status(call, reason);
    char drawn[GH_SIP_TAG_SIZE];
    const char *tag = call ? call->leg[GH_SIDE_A].tag : drawn;

    if (!request || (!call && gh_sip_draw_tag(drawn)))
        return;
    gh_sip_out_reply(&out, request, status, GH_SPAN(""), gh_span_str(tag));
    if (status == 405 || status == 501)
        gh_sip_out_hdr(&out, "Allow", gh_span_str(gh_call_allow));
    if (status == 415)
        gh_sip_out_hdr(&out, "Accept", GH_SPAN("application/sdp"));
    if (status == 420) {
        const struct gh_sip_hdr *hdr = NULL;

        while ((hdr = gh_sip_msg_hdr(request, GH_SIP_HDR_REQUIRE, hdr)))
            gh_sip_out_hdr(&out, "Unsupported", hdr->value);
        if (gh_sip_msg_hdr(request, GH_SIP_HDR_REPLACES, NULL))
            gh_sip_out_hdr(&out, "Unsupported", GH_SPAN("replaces"));
    }
    if (status == 503)
        gh_sip_out_hdr(&out, "Retry-After", GH_SPAN("10"));
    if (reason == GH_REASON_OFFER_UNDER_WAY)
        /* RFC 3261 section 14.2: 0 to 10 seconds */
        gh_sip_out_hdr(&out, "Retry-After", GH_SPAN("2"));
    if (reason != GH_REASON_CANCELLED)
        gh_refusal_warning(&out, calls->config->node_name, reason, detail);
    respond(txn, &out, NULL, GH_SPAN(""), now_ms);
}

void gh_call_ok(struct gh_calls *calls, struct gh_txn *txn, uint64_t now_ms)
{
    const struct gh_sip_msg *request = gh_txn_request(txn);
    struct gh_sip_out out = { 0 };
    char tag[GH_SIP_TAG_SIZE];

    (void)calls;
    if (!request || gh_sip_draw_tag(tag))
        return;
    gh_sip_out_reply(&out, request, 200, GH_SPAN(""), gh_span_str(tag));
    if (request->method == GH_SIP_OPTIONS) {
        gh_sip_out_hdr(&out, "Allow", gh_span_str(gh_call_allow));
        gh_sip_out_hdr(&out, "Accept", GH_SPAN("application/sdp"));
    }
    respond(txn, &out, NULL, GH_SPAN(""), now_ms);
}

/* ---- what the other side said ---------------------------------------------------------------- */

/* Status line and headers of the other side's response.  A phrase or header that holds a key stays,
 * and the rest with it. */
static void begin_relayed(struct gh_sip_out *out, struct gh_call *call, struct gh_txn *txn, int to,
                          const char *tag, const struct gh_sip_msg *from, bool in_dialog)
{
    bool crosses = !gh_sip_text_carries(from->head);

    gh_sip_out_reply(out, gh_txn_request(txn), from->status, crosses ? from->phrase : GH_SPAN(""),
                     gh_span_str(tag));
    if (in_dialog) {
        gh_call_contact(out, &call->leg[to]);
        gh_sip_out_hdr(out, "Allow", gh_span_str(gh_call_allow));
    }
    if (crosses)
        gh_call_copy_headers(out, from, &call->leg[!to], false);
}

/* The body is SDP of ours, or nothing. */
static int finish(struct gh_txn *txn, struct gh_sip_out *out, const struct gh_sdp *sdp,
                  uint64_t now_ms)
{
    struct gh_buf body = { 0 }, octets = { 0 };
    int err = sdp ? gh_call_print_sdp(sdp, &body) : 0;

    if (!err)
        err = gh_sip_out_finish(out, sdp ? "application/sdp" : NULL, gh_buf_span(&body), &octets);
    if (!err)
        err = gh_txn_respond(txn, &octets, now_ms);
    if (err)
        gh_log(GH_LOG_WARN, "call", "respond.fail", "trunk=%u error=\"%s\"", gh_txn_trunk(txn),
               gh_err_text(err));
    gh_sip_out_fini(out);
    gh_buf_fini(&body);
    gh_buf_fini(&octets);
    return err;
}

void gh_call_ok_sdp(struct gh_call *call, struct gh_txn *txn, const struct gh_sdp *sdp,
                    uint64_t now_ms)
{
    struct gh_sip_out out = { 0 };

    if (!gh_txn_request(txn))
        return;
    gh_sip_out_reply(&out, gh_txn_request(txn), 200, GH_SPAN(""),
                     gh_span_str(call->leg[GH_SIDE_A].tag));
    finish(txn, &out, sdp, now_ms);
}

void gh_call_relay_provisional(struct gh_call *call, struct gh_fork *fork,
                               const struct gh_sip_msg *from_b, const struct gh_sdp *sdp,
                               uint64_t now_ms)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A];
    struct gh_sip_out out = { 0 };

    if (!a->invite || !gh_txn_request(a->invite))
        return;
    begin_relayed(&out, call, a->invite, GH_SIDE_A, fork ? fork->tag : a->tag, from_b, true);
    gh_sip_out_call_info(&out, from_b, false, false, GH_STATUS_UNKNOWN);
    finish(a->invite, &out, sdp, now_ms);
}

int gh_call_build_provisional(struct gh_fork *fork, const struct gh_sip_msg *from_b,
                              const struct gh_sdp *sdp, struct gh_buf *octets)
{
    struct gh_call *call = fork->call;
    struct gh_sip_out out = { 0 };
    struct gh_buf body = { 0 };
    int err = sdp ? gh_call_print_sdp(sdp, &body) : 0;

    begin_relayed(&out, call, call->leg[GH_SIDE_A].invite, GH_SIDE_A, fork->tag, from_b, true);
    gh_rel_out_headers(fork->reliable, &out);
    gh_sip_out_call_info(&out, from_b, false, false, GH_STATUS_UNKNOWN);
    if (!err)
        err = gh_sip_out_finish(&out, sdp ? "application/sdp" : NULL, gh_buf_span(&body), octets);
    gh_sip_out_fini(&out);
    gh_buf_fini(&body);
    return err;
}

void gh_call_relay_final(struct gh_call *call, const struct gh_sip_msg *from_b, uint64_t now_ms)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A];
    struct gh_sip_out out = { 0 };

    call->end.sip_code = from_b->status;
    begin_relayed(&out, call, a->invite, GH_SIDE_A, a->tag, from_b, false);
    gh_refusal_warning(&out, call->calls->config->node_name, call->end.reason, GH_SPAN(""));
    finish(a->invite, &out, NULL, now_ms);
}

int gh_call_respond(struct gh_call *call, struct gh_txn *txn, int to, const char *tag,
                    const struct gh_sip_msg *from, const struct gh_sdp *sdp, uint64_t now_ms)
{
    struct gh_sip_out out = { 0 };
    /* RFC 3261 table 2: a Contact where the dialog's target may be refreshed. */
    bool target = from->status < 300 &&
                  (gh_txn_method(txn) == GH_SIP_INVITE || gh_txn_method(txn) == GH_SIP_UPDATE);

    if (!gh_txn_request(txn))
        return GH_ESTATE;
    begin_relayed(&out, call, txn, to, tag, from, target);
    if (target && from->status >= 200)
        gh_call_say_status(&call->leg[to], &out, from);
    return finish(txn, &out, sdp, now_ms);
}
