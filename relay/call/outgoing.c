/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Side b: the choice of trunk and destination, and the INVITE.  What comes back is response.c's.
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"
#include "crypto/hash.h"

static const struct gh_config_trunk *route_trunk(const struct gh_call *call)
{
    const struct gh_config_route *route = call->route;

    if (call->trunk_index >= route->trunk_count)
        return NULL;
    return route->trunks[(call->trunk_first + call->trunk_index) % route->trunk_count];
}

/* RFC 5630: a sips: call leaves over TLS only.  A trunk is asked once whether it has room, not for
 * each destination. */
static enum gh_reason trunk_unfit(const struct gh_call *call, const struct gh_config_trunk *trunk)
{
    if (call->sips && trunk->rules.transport != GH_TRANSPORT_TLS)
        return GH_REASON_SIPS_DOWNGRADE;
    return call->tried ? GH_REASON_NONE : gh_call_admit(call->calls, trunk);
}

static void on_connection(void *arg, struct gh_papers *papers, int destination,
                          enum gh_reason reason)
{
    struct gh_call *call = arg;
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    uint64_t now_ms = gh_loop_now_ms(call->calls->loop);

    call->want = NULL;
    snprintf(call->fault, sizeof(call->fault), "%s", gh_trunk_want_fault(call->calls->trunks));
    if (!papers) {
        call->trunk_index++;
        call->tried = 0;
        call->end.reason = reason;
        call->unreached = !route_trunk(call);
        gh_call_event(call, call->unreached ? GH_ON_REFUSED : GH_ON_NEXT, now_ms);
        return;
    }
    gh_call_papers(b, papers);
    b->conn = papers->conn;
    call->destination = destination;
    if (destination != GH_DESTINATION_NONE)
        call->tried |= 1u << destination;
    gh_call_event(call, GH_ON_ROUTED, now_ms);
}

/* Nothing that was learnt of the destination before is said of the next. */
static void forget_destination(struct gh_leg *b)
{
    gh_papers_unref(b->papers);
    b->papers = NULL;
    gh_rel_in_fini(&b->call->reliable);
    gh_call_media_mute(b->call);
    gh_call_forks_free(b->call, NULL);
    b->conn = 0;
    b->claimed = false;
    b->claim = GH_STATUS_UNKNOWN;
}

void gh_call_route(struct gh_call *call, uint64_t now_ms)
{
    const struct gh_config_trunk *trunk = route_trunk(call);
    enum gh_reason unfit = GH_REASON_NONE;

    forget_destination(&call->leg[GH_SIDE_B]);

    while (trunk && (unfit = trunk_unfit(call, trunk)) != GH_REASON_NONE) {
        call->end.reason = unfit;
        call->trunk_index++;
        call->tried = 0;
        trunk = route_trunk(call);
    }
    if (trunk) {
        call->leg[GH_SIDE_B].trunk = trunk;
        call->end.reason = GH_REASON_NO_RULE;
        if (!gh_trunk_want(call->calls->trunks, trunk->rules.id, call->tried, on_connection, call,
                           &call->want))
            return;
        call->end.reason = GH_REASON_INTERNAL;
    }
    if (call->end.reason == GH_REASON_NO_RULE)
        call->end.reason = GH_REASON_NO_DESTINATION;
    gh_call_event(call, GH_ON_REFUSED, now_ms);
}

/* ---- the INVITE ------------------------------------------------------------------------------ */

/* The Request-URI and To of side b: the dialled user at the destination. */
static void destination_uri(const struct gh_call *call, struct gh_buf *uri)
{
    const struct gh_config_trunk *trunk = call->leg[GH_SIDE_B].trunk;
    const struct gh_sip_uri *dialled = &call->request->uri;
    char ip[GH_ADDR_TEXT_MAX];
    struct gh_addr addr = call->leg[GH_SIDE_B].papers->facts.peer;

    gh_buf_str(uri, call->sips ? "sips:" : "sip:");
    gh_buf_add(uri, gh_span_head(dialled->user, gh_span_find(dialled->user, ';')));
    gh_buf_str(uri, "@");
    if (trunk->srv) { /* RFC 3263 section 4: the domain; "_sips._tcp." only names the service */
        const char *domain = strstr(trunk->srv, "._tcp.");

        gh_buf_str(uri, domain ? domain + strlen("._tcp.") : trunk->srv);
        addr.family = 0;
    } else if (call->destination != GH_DESTINATION_NONE) {
        const struct gh_config_destination *to = &trunk->destinations[call->destination];

        addr = to->addr;
        addr.port = to->port;
        if (addr.family == 0)
            gh_buf_fmt(uri, "%s:%u", to->host, to->port);
    }
    if (addr.family)
        gh_buf_str(uri, gh_addr_text(&addr, ip));
    /* RFC 5630 section 3.1.3: with sips the transport is TLS anyway, and the parameter is
     * deprecated. */
    if (!call->sips)
        gh_buf_str(uri, trunk->rules.transport == GH_TRANSPORT_TLS ? ";transport=tls"
                                                                   : ";transport=tcp");
}

static void write_from(struct gh_sip_out *out, const struct gh_call *call)
{
    const struct gh_leg *b = &call->leg[GH_SIDE_B];
    const struct gh_sip_addr *from = &call->request->from;
    struct gh_buf uri = { 0 };
    char host[GH_ADDR_TEXT_MAX];
    struct gh_dialog_via via = gh_call_via(b->trunk, host);

    /* User and display are kept; the host, which would show side a's address, is ours (topology
     * hiding). */
    gh_buf_str(&uri, call->sips ? "sips:" : "sip:");
    if (from->uri.user.len) {
        gh_buf_add(&uri, gh_span_head(from->uri.user, gh_span_find(from->uri.user, ';')));
        gh_buf_str(&uri, "@");
    }
    gh_buf_add(&uri, via.host);
    gh_sip_out_addr(out, "From", from->display, gh_buf_span(&uri), gh_span_str(b->tag));
    gh_buf_fini(&uri);
}

/* RFC 3262 section 4: reliable responses end to end, when the caller can. */
static void write_extensions(struct gh_sip_out *out, const struct gh_sip_msg *request)
{
    if (gh_sip_msg_has_token(request, GH_SIP_HDR_REQUIRE, "100rel"))
        gh_sip_out_hdr(out, "Require", GH_SPAN("100rel"));
    if (gh_call_reliable(request))
        gh_sip_out_hdr(out, "Supported", GH_SPAN("100rel"));
}

/* @sdp  NULL: the offer is due from b */
static int build_invite(struct gh_call *call, const struct gh_sdp *sdp, struct gh_buf *octets)
{
    struct gh_leg *a = &call->leg[GH_SIDE_A], *b = &call->leg[GH_SIDE_B];
    struct gh_sip_out out = { 0 };
    struct gh_buf uri = { 0 }, body = { 0 };
    char branch[GH_SIP_BRANCH_SIZE], host[GH_ADDR_TEXT_MAX];
    struct gh_dialog_via via = gh_call_via(b->trunk, host);
    int err = gh_sip_draw_branch(branch);

    via.branch = gh_span_str(branch);
    destination_uri(call, &uri);
    if (!err)
        err = uri.err;
    if (!err && sdp)
        err = gh_call_print_sdp(sdp, &body);
    if (!err) {
        gh_sip_out_request(&out, GH_SPAN("INVITE"), gh_buf_span(&uri));
        gh_sip_out_via(&out, via.transport, via.host, via.port, via.branch);
        gh_sip_out_hdr_fmt(&out, "Max-Forwards", "%u", call->request->max_forwards - 1);
        write_from(&out, call);
        gh_sip_out_addr(&out, "To", call->request->to.display, gh_buf_span(&uri), GH_SPAN(""));
        gh_sip_out_hdr(&out, "Call-ID", gh_span_str(call->b_call_id));
        gh_sip_out_hdr_fmt(&out, "CSeq", "%u INVITE", call->b_cseq);
        gh_call_contact(&out, b);
        gh_sip_out_hdr(&out, "Allow", gh_span_str(gh_call_allow));
        write_extensions(&out, call->request);
        gh_call_copy_headers(&out, call->request, a, true);
        gh_sip_out_call_info(&out, call->request, false, false, GH_STATUS_UNKNOWN);
        err = gh_sip_out_finish(&out, sdp ? "application/sdp" : NULL, gh_buf_span(&body), octets);
    }
    gh_sip_out_fini(&out);
    gh_buf_fini(&uri);
    gh_buf_fini(&body);
    return err;
}

/* Identifiers of the new leg: every destination is a new dialog (RFC 3261 section 8.1.1). */
static int fresh_leg(struct gh_call *call)
{
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    int err = gh_sip_draw_tag(b->tag);

    if (!err)
        err = gh_sip_draw_tag(call->b_call_id);
    if (!err)
        err = gh_random(&b->session_id, sizeof(b->session_id));
    b->session_id >>= 2; /* RFC 8866 section 5.2: a number; peers keep it in signed 64 bits */
    b->version = 0;
    call->b_cseq = 1;
    return err;
}

bool gh_call_reliable(const struct gh_sip_msg *invite)
{
    return gh_sip_msg_has_token(invite, GH_SIP_HDR_SUPPORTED, "100rel") ||
           gh_sip_msg_has_token(invite, GH_SIP_HDR_REQUIRE, "100rel");
}

/* RFC 5630 section 3.1.1: TLS with a NULL cipher is none. */
static enum gh_reason sips_kept(const struct gh_call *call)
{
    bool kept =
        !call->sips || call->leg[GH_SIDE_B].papers->standing.signalling == GH_SIG_TLS_VERIFIED;

    return kept ? GH_REASON_NONE : GH_REASON_SIPS_DOWNGRADE;
}

/* Why the INVITE did not leave: the connection, or we ourselves, which no other destination
 * mends. */
static enum gh_reason not_sent(int err)
{
    switch (err) {
    case 0:
        return GH_REASON_NONE;
    case GH_EAUTH:   /* the gate on departure */
    case GH_ESYNTAX: /* we wrote what we would not read */
    case GH_ENOMEM:
        return GH_REASON_INTERNAL;
    default:
        return GH_REASON_CONNECTION_LOST;
    }
}

void gh_call_invite(struct gh_call *call, uint64_t now_ms)
{
    struct gh_leg *b = &call->leg[GH_SIDE_B];
    struct gh_sdp *sdp = NULL;
    struct gh_buf octets = { 0 };
    enum gh_reason reason = fresh_leg(call) ? GH_REASON_INTERNAL : sips_kept(call);

    if (reason == GH_REASON_NONE && call->offer)
        reason = gh_call_give_offer(call, NULL, &sdp);
    if (reason == GH_REASON_NONE && build_invite(call, sdp, &octets))
        reason = GH_REASON_INTERNAL;
    if (reason == GH_REASON_NONE) {
        call->invites++;
        reason =
            not_sent(gh_txn_client_new(&b->invite, call->calls->txns, b->trunk->rules.id, b->conn,
                                       true, &octets, &gh_call_invite_client, b, now_ms));
    }
    gh_buf_fini(&octets);
    gh_sdp_free(sdp);
    if (reason == GH_REASON_NONE)
        return;
    b->invite = NULL;
    call->end.reason = reason;
    /* A connection that was lost in between is a failed destination; anything else is the same
     * everywhere. */
    gh_call_event(call,
                  reason == GH_REASON_CONNECTION_LOST && gh_call_more(call) ? GH_ON_NEXT
                                                                            : GH_ON_REFUSED,
                  now_ms);
}

/* Is there another destination on this trunk, or another trunk on the route?  Moves on to it. */
bool gh_call_more(struct gh_call *call)
{
    const struct gh_config_trunk *trunk = call->leg[GH_SIDE_B].trunk;

    if (trunk && gh_trunk_has_more(call->calls->trunks, trunk->rules.id, call->tried))
        return true;
    call->trunk_index++;
    call->tried = 0;
    return route_trunk(call) != NULL;
}
