/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a call: what was agreed, over which proof, and what the packets showed.  Names of
 * fields are kept for years: they are those of the ledger's documentation.
 */
#include <stdlib.h>

#include "base/log.h"
#include "call/call_int.h"

#define RECORD_WAIT_MS 2000 /* after that a BYE leaves all the same: record_late */

/* ---- pieces of a record ---------------------------------------------------------------------- */

static void put(struct gh_calls *calls, struct gh_event *event)
{
    int err = gh_audit_put(calls->audit, event, NULL, NULL);

    if (err)
        gh_log(GH_LOG_ERROR, "call", "record.fail", "error=\"%s\"", gh_err_text(err));
}

static const char *transport_word(enum gh_transport transport)
{
    return transport == GH_TRANSPORT_TLS ? "tls" : transport == GH_TRANSPORT_TCP ? "tcp" : "udp";
}

static bool is_verified(const struct gh_papers *papers)
{
    return papers->standing.signalling == GH_SIG_TLS_VERIFIED ||
           papers->standing.signalling == GH_SIG_TLS_NULL;
}

static void event_sig(struct gh_event *event, const struct gh_papers *papers)
{
    const struct gh_conn_facts *facts = &papers->facts;
    char text[GH_ADDR_TEXT_MAX];

    gh_event_object(event, "sig");
    gh_event_text(event, "transport", transport_word(facts->transport));
    if (facts->transport == GH_TRANSPORT_TLS) {
        gh_event_text(event, "version", facts->version_name);
        gh_event_text(event, "cipher", facts->cipher);
        gh_event_text(event, "group", facts->group);
        gh_event_bool(event, "forward_secret", facts->forward_secret);
    }
    gh_event_bool(event, "verified", is_verified(papers));
    if (facts->peer_cert) {
        gh_event_text(event, "name", papers->name);
        gh_event_sha256(event, "cert", facts->cert.sha256);
    }
    gh_event_text(event, "role", facts->role == GH_ROLE_SERVER ? "server" : "client");
    gh_event_text(event, "peer", gh_addr_text(&facts->peer, text));
    gh_event_u64(event, "conn", papers->conn);
    gh_event_end(event);
}

static const char *path_word(enum gh_path path)
{
    switch (path) {
    case GH_PATH_CLEAR:
        return "clear";
    case GH_PATH_PASS:
        return "pass";
    case GH_PATH_BRIDGE:
        return "bridge";
    default:
        return "none";
    }
}

static const char *kind_word(enum gh_media_kind kind)
{
    static const char *const words[] = {
        [GH_MEDIA_OTHER] = "other", [GH_MEDIA_AUDIO] = "audio",
        [GH_MEDIA_VIDEO] = "video", [GH_MEDIA_APPLICATION] = "application",
        [GH_MEDIA_TEXT] = "text",   [GH_MEDIA_IMAGE] = "image",
    };

    return words[kind];
}

static void event_counters(struct gh_event *event, const struct gh_media_counters *counters)
{
    static const char *const names[] = {
#define X(id, name) [GH_DROP_##id] = name,
        GH_DROP_MAP(X)
#undef X
    };

    gh_event_object(event, "rx");
    gh_event_u64(event, "packets", counters->rx_pkts);
    gh_event_u64(event, "authenticated", counters->authenticated);
    gh_event_u64(event, "authenticated_rtcp", counters->authenticated_rtcp);
    /* Everything that came unprotected; on a keyed side all of it was dropped, see
     * plain_on_srtp. */
    gh_event_u64(event, "plain", counters->plain + counters->drops[GH_DROP_PLAIN_ON_SRTP]);
    for (size_t i = 0; i < GH_DROP_COUNT; i++)
        gh_event_u64(event, names[i], counters->drops[i]);
    gh_event_u64(event, "icmp", counters->icmp);
    gh_event_time(event, "first_authenticated", counters->first_authenticated_us);
    gh_event_end(event);
    gh_event_u64(event, "tx", counters->tx_pkts);
}

/* The first, and where the side declared several each of them: all are in force. */
static void event_rx_keys(struct gh_event *event, const uint32_t *keys, size_t count)
{
    gh_event_u64(event, "rx_key", count ? keys[0] : 0);
    if (count < 2)
        return;
    gh_event_array(event, "rx_keys");
    for (size_t i = 0; i < count; i++)
        gh_event_u64(event, NULL, keys[i]);
    gh_event_end(event);
}

/* Streams as they are, or were last. */
static void event_streams(struct gh_event *event, const struct gh_call *call, int side,
                          bool counted)
{
    gh_event_array(event, "streams");
    for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++) {
        const struct gh_call_shown *shown = call->shown[i];
        const struct gh_neg_side *near = shown ? &shown->side[side] : NULL;
        struct gh_media_counters counters[2];

        if (!shown || !shown->ever)
            continue;
        gh_event_object(event, NULL);
        gh_event_u64(event, "index", i);
        gh_event_text(event, "media", kind_word(shown->kind));
        if (!shown->live)
            gh_event_bool(event, "live", false);
        gh_event_text(event, "keying", near->suite != GH_SUITE_NONE ? "sdes" : "none");
        if (near->suite != GH_SUITE_NONE) {
            gh_event_text(event, "suite", gh_suite_info(near->suite)->name);
            event_rx_keys(event, shown->rx_keys[side], shown->rx_key_count[side]);
            gh_event_u64(event, "tx_key", near->tx_key);
        }
        gh_event_text(event, "path", path_word(near->path));
        if (counted) {
            gh_call_media_counters(call, i, counters);
            event_counters(event, &counters[side]);
            gh_call_event_quality(event, counters, side);
            gh_call_event_silence(event, call, i, side, gh_wall_us());
        }
        gh_event_end(event);
    }
    gh_event_end(event);
}

static void event_leg(struct gh_event *event, const struct gh_leg *leg, bool counted)
{
    gh_event_text(event, "side", leg->side == GH_SIDE_A ? "a" : "b");
    gh_event_text(event, "trunk", leg->trunk->rules.name);
    gh_event_text(event, "claim", leg->claimed ? gh_status_name(leg->claim) : NULL);
    if (leg->papers)
        event_sig(event, leg->papers);
    if (leg->call->answer_us)
        event_streams(event, leg->call, leg->side, counted);
}

static void event_call(struct gh_event *event, const struct gh_call *call)
{
    gh_event_text(event, "call", call->id);
    gh_event_text(event, "from", call->from);
    gh_event_text(event, "to", call->to);
}

/* ---- records --------------------------------------------------------------------------------- */

void gh_call_record_start(struct gh_call *call)
{
    struct gh_event *event = gh_event_new("call.start", call->start_us);

    event_call(event, call);
    gh_event_text(event, "trunk", call->leg[GH_SIDE_A].trunk->rules.name);
    gh_event_text(event, "route", call->route->pattern);
    gh_event_str(event, "call_id", call->request->call_id);
    put(call->calls, event);
    gh_call_record_leg(&call->leg[GH_SIDE_A]);
}

void gh_call_record_leg(struct gh_leg *leg)
{
    struct gh_event *event = gh_event_new("call.leg", gh_wall_us());

    gh_event_text(event, "call", leg->call->id);
    event_leg(event, leg, false);
    put(leg->call->calls, event);
}

/* What both legs are now, with counters so far. */
static void event_legs(struct gh_event *event, struct gh_call *call, bool counted)
{
    gh_event_array(event, "legs");
    for (int side = 0; side < 2; side++) {
        if (!call->leg[side].trunk)
            continue;
        gh_event_object(event, NULL);
        event_leg(event, &call->leg[side], counted);
        gh_event_end(event);
    }
    gh_event_end(event);
}

static void event_marks(struct gh_event *event, const struct gh_call *call)
{
    gh_event_array(event, "marks");
    for (int i = 0; i < GH_REASON_COUNT; i++) {
        if (gh_marks_has(&call->marks, (enum gh_reason)i))
            gh_event_text(event, NULL, gh_reason_name((enum gh_reason)i));
    }
    gh_event_end(event);
}

void gh_call_record_rekey(struct gh_call *call)
{
    struct gh_event *event = gh_event_new("call.rekey", gh_wall_us());

    gh_event_text(event, "call", call->id);
    gh_event_text(event, "status", gh_status_name(gh_call_status(call)));
    event_legs(event, call, false);
    put(call->calls, event);
}

void gh_call_record_grade(struct gh_call *call, const struct gh_timeline_change *change)
{
    struct gh_event *event = gh_event_new("call.grade", gh_wall_us());

    gh_event_text(event, "call", call->id);
    gh_event_text(event, "grade", gh_timeline_word(change->now));
    gh_event_text(event, "call_grade", gh_timeline_word(change->call));
    gh_event_text(event, "status", gh_status_name(gh_call_status(call)));
    event_marks(event, call);
    put(call->calls, event);
}

void gh_call_record_media(struct gh_call *call)
{
    struct gh_event *event = gh_event_new("call.media", gh_wall_us());

    gh_event_text(event, "call", call->id);
    gh_event_text(event, "grade", gh_timeline_word(gh_timeline_call(&call->line)));
    gh_event_text(event, "status", gh_status_name(gh_call_status(call)));
    event_legs(event, call, true);
    put(call->calls, event);
}

/* The word of the media plane, without what the record's type says already. */
static const char *word_of_source(enum gh_media_event_kind kind)
{
    static const char prefix[] = "source_";

    return gh_media_event_name(kind) + sizeof(prefix) - 1;
}

void gh_call_record_source(struct gh_call *call, size_t index, const struct gh_media_event *source)
{
    struct gh_event *event = gh_event_new("call.source", source->wall_us);
    char text[GH_ADDR_TEXT_MAX];

    gh_event_text(event, "call", call->id);
    gh_event_text(event, "side", source->side == GH_SIDE_A ? "a" : "b");
    gh_event_u64(event, "index", index);
    gh_event_text(event, "what", word_of_source(source->kind));
    gh_event_bool(event, "rtcp", source->rtcp);
    gh_event_text(event, "old", gh_addr_text(&source->old_source, text));
    if (source->new_source.family)
        gh_event_text(event, "new", gh_addr_text(&source->new_source, text));
    gh_event_bool(event, "proven", source->source_proven);
    put(call->calls, event);
}

void gh_call_record_signalled(struct gh_call *call, size_t index, int side, bool rtcp,
                              const struct gh_addr *old, const struct gh_addr *now)
{
    struct gh_event *event = gh_event_new("call.source", gh_call_wall_us(call->calls));
    const struct gh_papers *papers = call->leg[side].papers;
    char before[GH_ADDR_TEXT_MAX], after[GH_ADDR_TEXT_MAX];

    gh_log(GH_LOG_INFO, "call", "media",
           "call=%s stream=%zu side=%c what=source_signalled rtcp=%d from=%s to=%s", call->id, index,
           'a' + side, rtcp, gh_addr_text(old, before), gh_addr_text(now, after));
    gh_event_text(event, "call", call->id);
    gh_event_text(event, "side", side == GH_SIDE_A ? "a" : "b");
    gh_event_u64(event, "index", index);
    gh_event_text(event, "what", "signalled");
    gh_event_bool(event, "rtcp", rtcp);
    gh_event_text(event, "old", before);
    gh_event_text(event, "new", after);
    gh_event_bool(event, "verified", is_verified(papers));
    gh_event_u64(event, "conn", papers->conn);
    put(call->calls, event);
}

static enum gh_grade end_grade(const struct gh_call *call)
{
    return call->answer_us ? gh_timeline_call(&call->line).grade : GH_GRADE_NONE;
}

static void recorded(struct gh_call *call, uint64_t now_ms)
{
    if (call->recorded)
        return;
    call->recorded = true;
    gh_timer_stop(gh_loop_timers(call->calls->loop), &call->timer);
    gh_call_event(call, GH_ON_RECORDED, now_ms);
}

/* The ledger may answer after the call is gone: the receipt outlives it. */
static void on_recorded(void *arg, int err)
{
    struct gh_call_receipt *receipt = arg;
    struct gh_call *call = receipt->call;

    if (err)
        gh_log(GH_LOG_ERROR, "call", "record.fail", "error=\"%s\"", gh_err_text(err));
    if (call) {
        call->receipt = NULL;
        recorded(call, gh_loop_now_ms(call->calls->loop));
    }
    free(receipt);
}

static void on_record_late(void *arg, uint64_t now_ms)
{
    struct gh_call *call = arg;

    gh_log(GH_LOG_ERROR, "call", "record_late", "call=%s waited_ms=%d", call->id, RECORD_WAIT_MS);
    call->calls->counters.records_late++;
    recorded(call, now_ms);
}

/* What a call's last record says at least: enough to tell that it ended, and how secure it was. */
static struct gh_event *small_end(const struct gh_call *call)
{
    struct gh_event *event = gh_event_new("call.end", call->end.wall_us);

    event_call(event, call);
    gh_event_text(event, "status", gh_status_name(gh_call_status(call)));
    gh_event_text(event, "grade", gh_grade_name(end_grade(call)));
    gh_event_array(event, "reasons");
    gh_event_text(event, NULL, gh_reason_name(call->end.reason));
    gh_event_end(event);
    gh_event_bool(event, "cut", true);
    return event;
}

/* Trunks whose claim Encrypted counted at the end: both together make a call attested. */
static void event_beyond(struct gh_event *event, const struct gh_call *call)
{
    gh_event_array(event, "attested_beyond");
    for (int side = 0; side < 2; side++) {
        if (gh_timeline_beyond(&call->line, side))
            gh_event_text(event, NULL, call->leg[side].trunk->rules.name);
    }
    gh_event_end(event);
}

static void event_end(struct gh_event *event, struct gh_call *call)
{
    enum gh_grade grade = end_grade(call);
    double seconds = call->answer_us ? (double)(call->end.ms - call->answer_ms) / 1e3 : 0.0;

    event_call(event, call);
    gh_event_text(event, "status", gh_status_name(gh_call_status(call)));
    gh_event_text(event, "grade", gh_grade_name(grade));
    gh_event_text(event, "grade_text", gh_grade_text(grade));
    gh_event_array(event, "reasons");
    if (call->end.reason != GH_REASON_NO_RULE)
        gh_event_text(event, NULL, gh_reason_name(call->end.reason));
    gh_event_end(event);
    event_marks(event, call);
    if (call->linked[0])
        gh_event_text(event, "linked", call->linked);
    gh_event_text(event, "by",
                  call->end.by == GH_SIDE_A   ? "a"
                  : call->end.by == GH_SIDE_B ? "b"
                                              : "gatehouse");
    gh_event_int(event, "sip", call->end.sip_code);
    gh_event_time(event, "start", call->start_us);
    gh_event_time(event, "answer", call->answer_us);
    gh_event_seconds(event, "seconds", seconds);
    gh_timeline_event(&call->line, event);
    event_beyond(event, call);
    gh_event_array(event, "key_holders");
    for (size_t i = 0; i < call->key_holder_count; i++) {
        if (i == 1) /* whoever declared a key first, then we, then whom it was written to */
            gh_event_text(event, NULL, call->calls->config->node_name);
        gh_event_text(event, NULL, call->key_holders[i]->rules.name);
    }
    if (call->key_holder_count == 1)
        gh_event_text(event, NULL, call->calls->config->node_name);
    gh_event_end(event);
    event_legs(event, call, true);
}

void gh_call_record_end(struct gh_call *call, uint64_t now_ms)
{
    struct gh_loop *loop = call->calls->loop;
    struct gh_event *event;
    int err = GH_ENOMEM;

    call->end.wall_us = gh_wall_us();
    call->end.ms = now_ms;
    gh_call_mark_measured(call);
    gh_log(GH_LOG_INFO, "call", "end", "call=%s from=%s to=%s status=%s grade=%s reason=%s marks=%s",
           call->id, gh_log_quote(gh_span_str(call->from)).text,
           gh_log_quote(gh_span_str(call->to)).text, gh_status_name(gh_call_status(call)),
           gh_grade_name(end_grade(call)), gh_reason_name(call->end.reason),
           gh_marks_text(&call->marks).text);
    event = gh_event_new("call.end", call->end.wall_us);
    event_end(event, call);
    call->receipt = calloc(1, sizeof(*call->receipt));
    if (call->receipt) {
        call->receipt->call = call;
        err = gh_audit_put_reserved(call->calls->audit, event, on_recorded, call->receipt);
        if (err)
            err = gh_audit_put_reserved(call->calls->audit, small_end(call), on_recorded,
                                        call->receipt);
    } else {
        gh_event_free(event);
    }
    if (!err)
        err = gh_timer_start(gh_loop_timers(loop), &call->timer, now_ms + RECORD_WAIT_MS,
                             on_record_late, call);
    else
        gh_audit_unreserve(call->calls->audit);
    call->reserved = false;
    if (err) {
        gh_log(GH_LOG_ERROR, "call", "record.fail", "call=%s error=\"%s\"", call->id,
               gh_err_text(err));
        recorded(call, now_ms);
    }
}

/* What a peer wrote of itself.  When a header holds a key it could be any: none of them is told. */
struct told {
    struct gh_span method, from, to, call_id;
};

static struct told told(const struct gh_sip_msg *msg)
{
    struct gh_span no = GH_SPAN("(withheld)");

    if (gh_sip_text_carries(msg->head))
        return (struct told){ no, no, no, no };
    return (struct told){ msg->method_text, msg->from.uri.user, msg->to.uri.user, msg->call_id };
}

void gh_call_record_refuse(struct gh_calls *calls, const struct gh_papers *papers,
                           const struct gh_sip_msg *msg, enum gh_reason reason,
                           struct gh_span detail)
{
    const struct gh_config_trunk *trunk =
        gh_config_trunk_by_id(calls->config, papers->standing.trunk);
    const struct gh_reason_info *info = gh_reason_info(reason);
    struct gh_event *event = gh_event_new("policy.refuse", gh_wall_us());
    struct told who = told(msg);
    char text[GH_ADDR_TEXT_MAX];

    calls->counters.refused++;
    calls->arrival.recorded = true;
    gh_log(GH_LOG_WARN, "call", "refuse",
           "trunk=%s method=%s status=%d from=%s to=%s reason=%s detail=%s change=\"%s\"",
           trunk ? trunk->rules.name : "-", gh_log_quote(who.method).text,
           msg->request ? info->sip_code : msg->status, gh_log_quote(who.from).text,
           gh_log_quote(who.to).text, info->name, gh_log_quote(detail).text, info->advice);
    gh_event_text(event, "trunk", trunk ? trunk->rules.name : NULL);
    gh_event_str(event, "method", who.method);
    if (!msg->request)
        gh_event_int(event, "response", msg->status);
    gh_event_str(event, "from", who.from);
    gh_event_str(event, "to", who.to);
    gh_event_str(event, "call_id", who.call_id);
    gh_event_text(event, "reason", info->name);
    gh_event_text(event, "text", info->text);
    if (detail.len)
        gh_event_str(event, "detail", detail);
    gh_event_text(event, "advice", info->advice);
    gh_event_int(event, "sip", info->sip_code);
    event_sig(event, papers);
    gh_audit_put_folded(calls->audit, event, info->name,
                        gh_span_str(gh_addr_ip_text(&papers->facts.peer, text)),
                        gh_loop_now_ms(calls->loop));
}
