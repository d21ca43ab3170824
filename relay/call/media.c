/* SPDX-License-Identifier: Apache-2.0 */
/* A call and its streams on the media plane: ports before the offer, keys after the answer,
 * counters at the end. */
#include <search.h>
#include <stdlib.h>

#include "call/call_int.h"

#define COUNTERS_WAIT_MS 1000 /* a worker that does not report by then: counters_incomplete */

static int by_id(const void *a, const void *b)
{
    const struct gh_call_stream *left = a, *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

struct gh_call_stream *gh_call_stream_find(struct gh_calls *calls, gh_stream_id id)
{
    struct gh_call_stream key = { .id = id };
    struct gh_call_stream **found = tfind(&key, &calls->streams, by_id);

    return found ? *found : NULL;
}

static void stream_free(struct gh_calls *calls, struct gh_call_stream *stream)
{
    struct gh_call *call = stream->call;

    if (call->streams[stream->index] == stream)
        call->streams[stream->index] = NULL;
    TAILQ_REMOVE(&call->open, stream, link);
    tdelete(stream, &calls->streams, by_id);
    for (int side = 0; side < 2; side++)
        gh_had_keys_fini(&stream->had[side]);
    free(stream);
}

/* ---- counters -------------------------------------------------------------------------------- */

static int64_t earliest(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* What one stream after the other counted for one side of an m-line. */
static void add_counters(struct gh_media_counters *sum, const struct gh_media_counters *more)
{
    sum->rx_pkts += more->rx_pkts;
    sum->rx_octets += more->rx_octets;
    sum->authenticated += more->authenticated;
    sum->authenticated_rtcp += more->authenticated_rtcp;
    sum->plain += more->plain;
    sum->tx_pkts += more->tx_pkts;
    sum->tx_octets += more->tx_octets;
    sum->icmp += more->icmp;
    for (size_t i = 0; i < GH_DROP_COUNT; i++)
        sum->drops[i] += more->drops[i];
    sum->first_authenticated_us =
        earliest(sum->first_authenticated_us, more->first_authenticated_us);
    sum->first_plain_us = earliest(sum->first_plain_us, more->first_plain_us);
    if (more->last_rx_us > sum->last_rx_us)
        sum->last_rx_us = more->last_rx_us;
    sum->proven_generation = more->proven_generation;
    gh_media_quality_add(&sum->quality, &more->quality);
}

void gh_call_media_counters(const struct gh_call *call, size_t index,
                            struct gh_media_counters counters[2])
{
    const struct gh_call_stream *stream;
    struct gh_media_counters live[2];

    memset(counters, 0, 2 * sizeof(*counters));
    if (call->shown[index])
        memcpy(counters, call->shown[index]->closed, sizeof(call->shown[index]->closed));
    TAILQ_FOREACH (stream, &call->open, link) {
        if (stream->index != index || gh_media_counters(call->calls->media, stream->id, live))
            continue;
        for (int side = 0; side < 2; side++)
            add_counters(&counters[side], &live[side]);
    }
}

/* ---- who has what ----------------------------------------------------------------------------- */

static bool has(const struct gh_neg *neg, size_t index, gh_stream_id id)
{
    const struct gh_neg_stream *stream = neg && index < neg->count ? &neg->streams[index] : NULL;

    return stream && (stream->live || stream->parked) && stream->stream == id;
}

/* Does any description of the call but @gone have it? */
static bool needed(const struct gh_call *call, size_t index, gh_stream_id id,
                   const struct gh_neg *gone)
{
    const struct gh_fork *fork;

    if (call->offer != gone && has(call->offer, index, id))
        return true;
    TAILQ_FOREACH (fork, &call->forks, link) {
        if ((fork->neg != gone && has(fork->neg, index, id)) ||
            (fork->pending != gone && has(fork->pending, index, id)))
            return true;
    }
    return false;
}

static void let_go(struct gh_call *call, size_t index, gh_stream_id id, const struct gh_neg *gone)
{
    struct gh_call_stream *stream = gh_call_stream_find(call->calls, id);

    if (!stream || stream->closing || needed(call, index, id, gone))
        return;
    if (call->streams[index] == stream)
        call->streams[index] = NULL;
    if (stream->generation) /* it waits for its m-line */
        return;
    stream->closing = true;
    gh_media_close(call->calls->media, id);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* One of the call's; known before the media plane can report of it. */
static int keep_stream(struct gh_call *call, size_t index, gh_stream_id id,
                       const struct gh_media_open *opened, const uint16_t ports[2])
{
    struct gh_call_stream *stream = calloc(1, sizeof(*stream));

    if (!call->shown[index])
        call->shown[index] = calloc(1, sizeof(*call->shown[index]));
    if (!stream || !call->shown[index]) {
        free(stream);
        return GH_ENOMEM;
    }
    *stream = (struct gh_call_stream){ .id = id,
                                       .call = call,
                                       .index = index,
                                       .opened = *opened,
                                       .ports = { ports[0], ports[1] } };
    if (!tsearch(stream, &call->calls->streams, by_id)) {
        free(stream);
        return GH_ENOMEM;
    }
    TAILQ_INSERT_TAIL(&call->open, stream, link);
    return 0;
}

/* Its number is its place in the configuration: see start_media. */
static unsigned interface_of(const struct gh_call *call, int side)
{
    return (unsigned)(call->leg[side].trunk->media - call->calls->config->media.interfaces);
}

/* Are its ports what @open would get? */
static bool fits(const struct gh_call_stream *stream, const struct gh_media_open *open)
{
    for (int side = 0; side < 2; side++) {
        if (stream->opened.family[side] != open->family[side] ||
            stream->opened.interface[side] != open->interface[side])
            return false;
    }
    return true;
}

/* The m-line's, whichever dialog has it or had it; NULL: there is none. */
static struct gh_call_stream *find_of_line(struct gh_call *call, size_t index,
                                           const struct gh_media_open *open)
{
    struct gh_call_stream *stream;

    TAILQ_FOREACH (stream, &call->open, link) {
        if (stream->index == index && !stream->closing && fits(stream, open))
            break;
    }
    return stream;
}

/*
 * A stream for m-line @index: the one it has, or a new one.  One for all dialogs, of which one is
 * heard at a time: a's key may be the same in each, and what came under it must be known.
 */
static enum gh_reason open_stream(struct gh_call *call, size_t index,
                                  const struct gh_media_open *open, struct gh_neg_stream *agreed)
{
    const struct gh_call_stream *there = find_of_line(call, index, open);
    uint16_t ports[2];
    gh_stream_id id;
    int err;

    if (there) {
        id = there->id;
        memcpy(ports, there->ports, sizeof(ports));
    } else {
        err = gh_media_open(call->calls->media, open, &id, ports);
        if (err)
            return err == GH_EFULL ? GH_REASON_NO_MEDIA_PORT : GH_REASON_INTERNAL;
        if (keep_stream(call, index, id, open, ports)) {
            gh_media_close(call->calls->media, id);
            return GH_REASON_INTERNAL;
        }
    }
    agreed->stream = id;
    for (int side = 0; side < 2; side++)
        agreed->side[side].port = ports[side];
    return GH_REASON_NONE;
}

enum gh_reason gh_call_media_open(struct gh_call *call, struct gh_neg *neg, const uint8_t family[2])
{
    const struct gh_config *config = call->calls->config;
    struct gh_media_open open = { .call = call->number,
                                  .timeout_ms = config->media.timeout_ms,
                                  .timeout_on_hold_ms = config->media.timeout_on_hold_ms,
                                  .family = { family[0], family[1] },
                                  .interface = { interface_of(call, GH_SIDE_A),
                                                 interface_of(call, GH_SIDE_B) } };
    enum gh_reason reason = GH_REASON_NONE;

    for (size_t i = 0; reason == GH_REASON_NONE && i < neg->count; i++) {
        struct gh_neg_stream *agreed = &neg->streams[i];
        const struct gh_call_stream *there = gh_call_stream_find(call->calls, agreed->stream);

        if (there && !fits(there, &open)) { /* it was for a destination before */
            let_go(call, i, agreed->stream, neg);
            agreed->stream = 0;
        }
        if (agreed->live && !agreed->stream)
            reason = open_stream(call, i, &open, agreed);
    }
    return reason;
}

/* A media stream that was keyed on a side, ever, never has that side in clear. */
static bool becomes_clear(const struct gh_call_stream *open, const struct gh_neg_stream *stream)
{
    for (int side = 0; open && side < 2; side++) {
        if (open->was_keyed[side] && stream->side[side].suite == GH_SUITE_NONE)
            return true;
    }
    return false;
}

static void replace_in(struct gh_neg *neg, gh_stream_id old, gh_stream_id id)
{
    for (size_t i = 0; neg && i < neg->count; i++) {
        if (neg->streams[i].stream == old)
            neg->streams[i].stream = id;
    }
}

/* What else names the old one goes on with the new, which has its contexts. */
static void replace_stream(struct gh_call *call, gh_stream_id old, gh_stream_id id)
{
    struct gh_fork *fork;

    replace_in(call->offer, old, id);
    TAILQ_FOREACH (fork, &call->forks, link) {
        replace_in(fork->neg, old, id);
        replace_in(fork->pending, old, id);
    }
}

/* The replay windows of its keys are the heir's from now on. */
static void bequeath(struct gh_call_stream *from, struct gh_call_stream *heir)
{
    for (int side = 0; side < 2; side++) {
        heir->had[side] = from->had[side];
        from->had[side] = (struct gh_had_keys){ .numbers = NULL };
    }
}

/* What was keyed is clear in @neg: it goes on as a new stream, on the ports that both sides know,
 * with its contexts. */
static enum gh_reason renew(struct gh_call *call, struct gh_neg *neg)
{
    for (size_t i = 0; i < neg->count; i++) {
        const struct gh_neg_stream *stream = &neg->streams[i];
        struct gh_call_stream *open = gh_call_stream_find(call->calls, stream->stream);
        gh_stream_id id;

        /* Parked, it is silent and clear: another dialog may have keyed it since. */
        if (!(stream->live || stream->parked) || !becomes_clear(open, stream))
            continue;
        if (gh_media_renew(call->calls->media, open->id, &id))
            return GH_REASON_INTERNAL;
        open->closing = true;
        if (keep_stream(call, i, id, &open->opened, open->ports)) {
            gh_media_close(call->calls->media, id);
            return GH_REASON_INTERNAL;
        }
        bequeath(open, gh_call_stream_find(call->calls, id));
        replace_stream(call, open->id, id);
    }
    return GH_REASON_NONE;
}

/* ---- in force -------------------------------------------------------------------------------- */

/* What the trunk says of this side's media. */
static void by_trunk(const struct gh_call *call, enum gh_media_kind kind, struct gh_media_set *set)
{
    static const enum gh_source_rule rules[] = {
        [GH_SOURCE_SDP] = GH_SOURCE_RULE_SDP, [GH_SOURCE_SDP_HOST] = GH_SOURCE_RULE_HOST,
        [GH_SOURCE_SYMMETRIC] = GH_SOURCE_RULE_SYMMETRIC,
    };
    const struct gh_config *config = call->calls->config;
    const struct gh_config_trunk *trunk = call->leg[set->side].trunk;
    const struct gh_papers *papers = call->leg[set->side].papers; /* none between two destinations */

    set->media_source = rules[trunk->media_source];
    set->signalling = papers ? papers->facts.peer : (struct gh_addr){ 0 };
    set->latch_ms = config->media.latch_window_ms;
    set->roc_keep = trunk->roc_keep;
    set->dscp = kind == GH_MEDIA_AUDIO ? trunk->dscp.audio
              : kind == GH_MEDIA_VIDEO ? trunk->dscp.video
                                       : trunk->dscp.other;
}

/* Was a key of these in force on the m-line's stream for other families?  That one's replay windows
 * know nothing of this one's packets. */
static bool is_of_another(const struct gh_call_stream *stream, int side,
                          const struct gh_neg_stream *agreed)
{
    const struct gh_call_stream *other;
    uint32_t keys[GH_MEDIA_RX_KEYS_MAX];
    size_t count = gh_neg_rx_keys(agreed, side, keys);

    TAILQ_FOREACH (other, &stream->call->open, link) {
        if (other->index == stream->index && !fits(other, &stream->opened) &&
            gh_had_keys_any(&other->had[side], keys, count))
            return true;
    }
    return false;
}

static enum gh_reason judge_reuse(struct gh_call *call, const struct gh_neg_stream *agreed)
{
    const struct gh_call_stream *stream = gh_call_stream_find(call->calls, agreed->stream);

    for (int side = 0; stream && side < 2; side++) {
        struct gh_gate gate;

        if (!is_of_another(stream, side, agreed))
            continue;
        gate = gh_policy_key_memory(GH_KEY_SEEN_REUSED, call->leg[side].trunk->key_reuse);
        if (gate.verdict == GH_GATE_REFUSE)
            return gate.reason;
        gh_marks_add(&call->marks, gate.reason);
    }
    return GH_REASON_NONE;
}

static int set_stream(struct gh_call *call, size_t index, const struct gh_neg_stream *agreed)
{
    struct gh_call_stream *stream = gh_call_stream_find(call->calls, agreed->stream);
    struct gh_media_set sets[2] = { 0 };
    int err = 0;

    if (!stream)
        return GH_ENOTFOUND;
    call->streams[index] = agreed->live ? stream : NULL;
    stream->generation++;
    for (int side = 0; side < 2; side++) {
        int set_err = gh_neg_media_set(agreed, side, &sets[side]);
        uint32_t keys[GH_MEDIA_RX_KEYS_MAX];

        err = err ? err : set_err;
        gh_had_keys_add(&stream->had[side], keys, gh_neg_rx_keys(agreed, side, keys));
        by_trunk(call, agreed->kind, &sets[side]);
        if (agreed->parked) {
            sets[side].may_send = sets[side].may_receive = false;
            sets[side].remote_rtp = sets[side].remote_rtcp = (struct gh_addr){ 0 };
        }
        stream->was_keyed[side] =
            stream->was_keyed[side] || agreed->side[side].suite != GH_SUITE_NONE;
        sets[side].generation = stream->generation;
        stream->keyed[stream->generation % GH_CALL_KEYED_MAX].rx_key[side] =
            agreed->side[side].rx_key;
        stream->keyed[stream->generation % GH_CALL_KEYED_MAX].tx_key[side] =
            agreed->side[side].tx_key;
    }
    stream->keyed[stream->generation % GH_CALL_KEYED_MAX].generation = stream->generation;
    if (!err)
        err = gh_media_set_both(call->calls->media, sets);
    for (int side = 0; side < 2; side++)
        gh_media_more_free(sets[side].rx_more); /* NULL once it is taken */
    explicit_bzero(sets, sizeof(sets));
    return err;
}

void gh_call_media_hush(struct gh_call *call, const struct gh_neg *neg, const struct gh_neg *stays)
{
    for (size_t i = 0; neg && i < neg->count; i++) {
        struct gh_neg_stream still = neg->streams[i];

        still.parked = true;
        if (!still.live || has(stays, i, still.stream)) /* parked there, it falls silent with it */
            continue;
        set_stream(call, i, &still);
        call->streams[i] = NULL;
    }
}

enum gh_reason gh_call_media_start(struct gh_fork *fork)
{
    struct gh_call *call = fork->call;
    enum gh_reason reason = renew(call, fork->neg);
    int err = 0;

    for (size_t i = 0; reason == GH_REASON_NONE && i < fork->neg->count; i++)
        reason = judge_reuse(call, &fork->neg->streams[i]);
    if (reason != GH_REASON_NONE)
        return reason;
    if (call->heard && call->heard != fork)
        gh_call_media_hush(call, call->heard->neg, fork->neg);
    call->heard = fork;
    for (size_t i = 0; !err && i < fork->neg->count; i++) {
        if (fork->neg->streams[i].live || fork->neg->streams[i].parked)
            err = set_stream(call, i, &fork->neg->streams[i]);
    }
    if (!err)
        return GH_REASON_NONE;
    return gh_media_err_is_remote(err) ? GH_REASON_MEDIA_UNREACHABLE : GH_REASON_INTERNAL;
}

void gh_call_media_trim(struct gh_call *call, const struct gh_neg *of, const struct gh_neg *gone)
{
    for (size_t i = 0; of && i < of->count; i++)
        let_go(call, i, of->streams[i].stream, gone);
}

void gh_call_media_mute(struct gh_call *call)
{
    if (call->heard)
        gh_call_media_hush(call, call->heard->neg, NULL);
    call->heard = NULL;
    gh_call_graded_set(call);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void count_closed(struct gh_call *call, struct gh_call_stream *stream,
                         const struct gh_media_counters counters[2])
{
    for (int side = 0; side < 2; side++) {
        add_counters(&call->shown[stream->index]->closed[side], &counters[side]);
        gh_call_silence_ends(stream, side, gh_wall_us());
    }
}

static void on_counters_late(void *arg, uint64_t now_ms)
{
    struct gh_call *call = arg;
    struct gh_call_stream *stream;

    while ((stream = TAILQ_FIRST(&call->open))) {
        struct gh_media_counters counters[2];

        gh_marks_add(&call->marks, GH_REASON_COUNTERS_INCOMPLETE);
        if (!gh_media_counters(call->calls->media, stream->id, counters))
            count_closed(call, stream, counters);
        stream_free(call->calls, stream);
    }
    gh_call_event(call, GH_ON_COUNTED, now_ms);
}

void gh_call_media_close(struct gh_call *call)
{
    struct gh_loop *loop = call->calls->loop;
    uint64_t now_ms = gh_loop_now_ms(loop);
    struct gh_call_stream *stream;

    TAILQ_FOREACH (stream, &call->open, link)
        gh_media_close(call->calls->media, stream->id);
    /* Always by way of the loop: the caller may still be at work on the call. */
    if (gh_timer_start(gh_loop_timers(loop), &call->timer,
                       now_ms + (TAILQ_EMPTY(&call->open) ? 0 : COUNTERS_WAIT_MS), on_counters_late,
                       call))
        on_counters_late(call, now_ms);
}

void gh_call_on_media_closed(void *arg, gh_stream_id id, const struct gh_media_counters counters[2])
{
    struct gh_calls *calls = arg;
    struct gh_call_stream *stream = gh_call_stream_find(calls, id);
    struct gh_call *call = stream ? stream->call : NULL;

    if (!call)
        return;
    count_closed(call, stream, counters);
    stream_free(calls, stream);
    if (!TAILQ_EMPTY(&call->open) || call->state != GH_CALL_COUNTING)
        return;
    gh_timer_stop(gh_loop_timers(calls->loop), &call->timer);
    gh_call_event(call, GH_ON_COUNTED, gh_loop_now_ms(calls->loop));
}

void gh_call_media_forget(struct gh_call *call)
{
    struct gh_call_stream *stream;

    while ((stream = TAILQ_FIRST(&call->open))) {
        gh_media_close(call->calls->media, stream->id);
        stream_free(call->calls, stream);
    }
}
