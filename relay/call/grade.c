/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How secure a call is: the status that goes out on the wire, and the grade that the record keeps.
 * What happens is told to the time line (timeline.h); what comes out of it is written down here.
 */
#include "base/log.h"
#include "call/call_int.h"

#define SHOWN_MS 5000 /* a keyed leg has so long to show SRTP: design, "consider traffic secure"   \
                       */

static const struct gh_neg *in_force(const struct gh_call *call)
{
    return call->heard ? call->heard->neg : NULL;
}

/* Keys, status and claims that one message brings are one change: between two times there would be
 * a slice of the call that was neither before nor after. */
int64_t gh_call_wall_us(const struct gh_calls *calls)
{
    return calls->arrival.wall_us ? calls->arrival.wall_us : gh_wall_us();
}

/* ---- status ---------------------------------------------------------------------------------- */

static struct gh_leg_streams leg_streams(const struct gh_call *call, int side)
{
    struct gh_leg_streams streams = { .unproven_packets = call->leg[side].unproven };
    const struct gh_neg *neg = in_force(call);

    for (size_t i = 0; neg && i < neg->count; i++) {
        if (!neg->streams[i].live)
            continue;
        streams.live++;
        if (neg->streams[i].side[side].suite != GH_SUITE_NONE)
            streams.sdes++;
    }
    return streams;
}

static enum gh_status leg_status(const struct gh_call *call, int side)
{
    const struct gh_leg *leg = &call->leg[side];
    struct gh_leg_streams streams = leg_streams(call, side);

    return gh_policy_leg_status(leg->trunk->rules.consider_traffic_secure,
                                leg->papers->standing.signalling, &streams);
}

/* Of the least of both legs and both claims; @leg  status of each */
static enum gh_status least(const struct gh_call *call, const enum gh_status leg[2])
{
    enum gh_status claim[2];

    for (int side = 0; side < 2; side++)
        claim[side] = call->leg[side].claimed ? call->leg[side].claim : GH_STATUS_UNKNOWN;
    return gh_policy_call_status(true, leg, claim);
}

enum gh_status gh_call_status(const struct gh_call *call)
{
    /* With a delayed offer nothing is agreed before the ACK. */
    if (!call->answer_us || !in_force(call))
        return GH_STATUS_UNKNOWN;
    return least(call,
                 (enum gh_status[2]){ leg_status(call, GH_SIDE_A), leg_status(call, GH_SIDE_B) });
}

enum gh_status gh_call_status_said(const struct gh_call *call)
{
    const struct gh_neg *offer = call->heard ? call->heard->pending : NULL;
    enum gh_status now = gh_call_status(call), leg[2], then;
    struct gh_leg_streams streams = { 0 };

    if (now == GH_STATUS_UNKNOWN || !offer)
        return now;
    for (size_t i = 0; i < offer->count; i++) {
        streams.live += offer->streams[i].live;
        streams.sdes += offer->streams[i].live && gh_neg_offers_srtp(&offer->streams[i]);
    }
    for (int side = 0; side < 2; side++)
        leg[side] = leg_status(call, side);
    leg[offer->offerer] =
        gh_policy_leg_status(call->leg[offer->offerer].trunk->rules.consider_traffic_secure,
                             call->leg[offer->offerer].papers->standing.signalling, &streams);
    then = least(call, leg);
    return then < now ? then : now;
}

/* Did a keyed stream of this side bring plain packets and no authenticated one? */
static bool only_plain(const struct gh_call *call, int side)
{
    const struct gh_neg *neg = in_force(call);

    for (size_t i = 0; neg && i < neg->count; i++) {
        struct gh_media_counters counters[2];

        if (!neg->streams[i].live || neg->streams[i].side[side].suite == GH_SUITE_NONE)
            continue;
        gh_call_media_counters(call, i, counters);
        if (counters[side].drops[GH_DROP_PLAIN_ON_SRTP] && !counters[side].authenticated)
            return true;
    }
    return false;
}

/* ---- the time line --------------------------------------------------------------------------- */

static void tell_relayed(struct gh_call *call)
{
    for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++) {
        struct gh_media_counters counters[2];

        gh_call_media_counters(call, i, counters);
        /* Of all streams that the m-line had: one counter that never falls. */
        gh_timeline_relayed(&call->line, i, 1, counters[0].tx_pkts + counters[1].tx_pkts);
    }
}

static struct gh_timeline_side side_facts(const struct gh_call *call,
                                          const struct gh_neg_stream *stream, int side)
{
    const struct gh_neg_side *near = &stream->side[side];
    bool keyed = near->suite != GH_SUITE_NONE;

    return (struct gh_timeline_side){
        .keying = keyed ? GH_KEYING_SDES : GH_KEYING_NONE,
        .key = near->rx_key,
        .peer = 2 * call->heard->number + (uint64_t)side,
        .signalling = call->leg[side].papers->standing.signalling,
        .key_exposed = keyed && stream->exposed,
        .may_send = near->may_send,
    };
}

/* Another address than SDP named before, by whatever offer or answer.  Another fork is somebody else,
 * who has not moved. */
static void show_addresses(struct gh_call *call, size_t index, const struct gh_neg_stream *stream)
{
    struct gh_call_shown *shown = call->shown[index];

    if (shown->named_by != call->heard->number)
        memset(shown->named, 0, sizeof(shown->named));
    shown->named_by = call->heard->number;
    for (int side = 0; side < 2; side++) {
        struct gh_named *named = &shown->named[side];
        struct gh_addr before[GH_NAMED_COUNT];
        unsigned changed = gh_named_take(named, &stream->side[side], before);

        for (int i = 0; i < GH_NAMED_COUNT; i++) {
            if (changed & 1U << i)
                gh_call_record_signalled(call, index, side, i == GH_NAMED_RTCP, &before[i],
                                         &named->addr[i]);
        }
    }
}

static void show(struct gh_call *call, size_t index, const struct gh_neg_stream *stream)
{
    struct gh_call_shown *shown = call->shown[index];

    shown->ever = shown->live = true;
    shown->kind = stream->kind;
    memcpy(shown->side, stream->side, sizeof(shown->side));
    for (int side = 0; side < 2; side++)
        shown->rx_key_count[side] = (uint8_t)gh_neg_rx_keys(stream, side, shown->rx_keys[side]);
    show_addresses(call, index, stream);
}

void gh_call_graded_set(struct gh_call *call)
{
    const struct gh_neg *neg = in_force(call);
    const struct gh_leg *claims = call->calls->arrival.claims;
    int64_t wall_us = gh_call_wall_us(call->calls);

    tell_relayed(call);
    for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++) {
        if (neg && i < neg->count && neg->streams[i].live) {
            struct gh_timeline_side sides[2];

            for (int side = 0; side < 2; side++)
                sides[side] = side_facts(call, &neg->streams[i], side);
            show(call, i, &neg->streams[i]);
            gh_timeline_set(&call->line, i, sides, wall_us);
        } else {
            if (call->shown[i])
                call->shown[i]->live = false;
            gh_timeline_remove(&call->line, i, wall_us);
        }
    }
    gh_timeline_status(&call->line, gh_call_status(call), wall_us);
    /* A claim beside an answer is no older than the keys that come into force by it. */
    if (claims && claims->call == call)
        gh_timeline_claim(&call->line, claims->side, claims->claim,
                          claims->trunk->rules.trust_claims, wall_us);
    gh_call_graded(call);
}

void gh_call_graded(struct gh_call *call)
{
    struct gh_timeline_change change;
    enum gh_status status = gh_call_status(call);
    bool changed = gh_timeline_changed(&call->line, &change);

    if ((!changed && status == call->status_recorded) || !call->answer_us ||
        call->state > GH_CALL_UP)
        return;
    if (!changed)
        change = (struct gh_timeline_change){ gh_timeline_now(&call->line),
                                              gh_timeline_call(&call->line) };
    call->status_recorded = status;
    gh_log(GH_LOG_INFO, "call", "grade", "call=%s now=%s call_so_far=%s", call->id,
           gh_timeline_word(change.now), gh_timeline_word(change.call));
    gh_call_record_grade(call, &change);
    gh_call_record_media(call);
    gh_call_tell(call, gh_loop_now_ms(call->calls->loop));
}

void gh_call_take_said(struct gh_leg *leg, const struct gh_sip_msg *msg)
{
    struct gh_call *call = leg->call;
    bool claimed;
    enum gh_status claim = gh_sip_msg_security(msg, &claimed);
    int64_t wall_us = gh_call_wall_us(call->calls);

    if (gh_sip_msg_hdr(msg, GH_SIP_HDR_ALLOW, NULL))
        leg->knows_update = gh_sip_msg_has_token(msg, GH_SIP_HDR_ALLOW, "UPDATE");
    if (!claimed)
        return;
    leg->claimed = true;
    leg->claim = claim;
    call->calls->arrival.claims = leg;
    gh_timeline_claim(&call->line, leg->side, claim, leg->trunk->rules.trust_claims, wall_us);
    if (!call->answer_us)
        return;
    gh_timeline_status(&call->line, gh_call_status(call), wall_us);
    gh_call_graded(call);
}

void gh_call_key_exposed(struct gh_call *call, const struct gh_secret *key)
{
    struct gh_fork *fork;

    gh_marks_add(&call->marks, GH_REASON_KEY_EXPOSED);
    if (call->offer)
        gh_neg_exposed(call->offer, key);
    TAILQ_FOREACH (fork, &call->forks, link) {
        if (fork->neg)
            gh_neg_exposed(fork->neg, key);
        if (fork->pending)
            gh_neg_exposed(fork->pending, key);
    }
    if (call->answer_us && call->state <= GH_CALL_UP)
        gh_call_graded_set(call);
}

/* No stream, so no timeout of one: a call that both sides forgot must end all the same. */
static void end_without_media(struct gh_call *call, uint64_t now_ms)
{
    const struct gh_neg *neg = in_force(call);
    bool live = false;

    for (size_t i = 0; neg && i < neg->count; i++)
        live = live || neg->streams[i].live;
    if (live)
        call->no_media_ms = 0;
    else if (!call->no_media_ms)
        call->no_media_ms = now_ms;
    else if (now_ms >= call->no_media_ms + call->calls->config->media.timeout_on_hold_ms)
        gh_call_end(call, GH_REASON_MEDIA_TIMEOUT, -1, now_ms);
}

void gh_call_grade_tick(struct gh_call *call, uint64_t now_ms)
{
    struct gh_timeline_view now;

    if (call->state != GH_CALL_ANSWERED && call->state != GH_CALL_UP)
        return;
    for (int side = 0; side < 2 && now_ms >= call->answer_ms + SHOWN_MS; side++) {
        bool unproven = (call->shown_due || call->leg[side].unproven) && only_plain(call, side);

        if (unproven == call->leg[side].unproven)
            continue;
        call->leg[side].unproven = unproven;
        gh_log(GH_LOG_WARN, "call", "status", "call=%s side=%c unproven=%d status=%s", call->id,
               'a' + side, unproven, gh_status_name(gh_call_status(call)));
        gh_timeline_status(&call->line, gh_call_status(call), gh_call_wall_us(call->calls));
        gh_call_graded(call);
    }
    if (now_ms >= call->answer_ms + SHOWN_MS)
        call->shown_due = false;
    gh_call_silence_tick(call);
    end_without_media(call, now_ms);
    if (call->state > GH_CALL_UP)
        return;
    now = gh_timeline_now(&call->line);
    /* What is open may have been decided by what was relayed since. */
    if (now.pending || now.grade == GH_GRADE_NONE || now_ms >= call->media_record_ms) {
        tell_relayed(call);
        gh_call_graded(call);
    }
    gh_call_own_check(call, now_ms);
    gh_call_tell(call, now_ms);
    if (now_ms >= call->media_record_ms) {
        gh_call_record_media(call);
        call->media_record_ms = now_ms + GH_CALL_MEDIA_RECORD_MS;
    }
}

/* ---- requirements and marks ------------------------------------------------------------------ */

enum gh_reason gh_call_require(const struct gh_call *call, enum gh_grade best)
{
    enum gh_reason marks[2 * GH_STANDING_MARKS_MAX];
    size_t count = 0;

    for (int side = 0; side < 2; side++) {
        const struct gh_standing *standing = &call->leg[side].papers->standing;

        for (size_t i = 0; i < standing->mark_count; i++)
            marks[count++] = standing->marks[i];
    }
    /* Nothing is less secure for not being there: all m-lines may be off. */
    return gh_policy_require(&call->route->require,
                             best == GH_GRADE_NONE ? GH_GRADE_PASS_THROUGH : best, marks, count);
}

static void mark_timeline(struct gh_call *call)
{
    static const struct {
        unsigned bit;
        enum gh_reason mark;
    } rows[] = { { GH_TIMELINE_UNPROVEN, GH_REASON_UNPROVEN },
                 { GH_TIMELINE_INHERITED, GH_REASON_INHERITED },
                 { GH_TIMELINE_EXPOSED, GH_REASON_KEY_EXPOSED } };

    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (gh_timeline_marks(&call->line, side) & rows[i].bit)
                gh_marks_add(&call->marks, rows[i].mark);
        }
    }
}

void gh_call_mark_measured(struct gh_call *call)
{
    tell_relayed(call);
    for (int side = 0; side < 2; side++) {
        struct gh_leg *leg = &call->leg[side];

        /* A call that ended before the 5 s were over has shown no more. */
        if (call->shown_due)
            leg->unproven = only_plain(call, side);
        for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++) {
            const uint64_t *drops = call->shown[i] ? call->shown[i]->closed[side].drops : NULL;

            if (drops && drops[GH_DROP_PLAIN_ON_SRTP])
                gh_marks_add(&call->marks, GH_REASON_PLAIN_ON_SRTP);
            if (drops && drops[GH_DROP_AUTH_FAILED])
                gh_marks_add(&call->marks, GH_REASON_AUTH_FAILED);
            if (drops && drops[GH_DROP_SSRC_LIMIT])
                gh_marks_add(&call->marks, GH_REASON_SSRC_LIMIT);
        }
        if (!leg->papers)
            continue;
        for (size_t i = 0; i < leg->papers->standing.mark_count; i++)
            gh_marks_add(&call->marks, leg->papers->standing.marks[i]);
        if (call->answer_us && leg->claimed)
            gh_marks_add(&call->marks, gh_policy_claim_mark(leg->claim, leg_status(call, side)));
    }
    gh_timeline_end(&call->line, gh_call_wall_us(call->calls));
    mark_timeline(call);
}
