/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grade of one call over time: which epochs ran in which slice, what each of them has proven,
 * and what came of it.  What an epoch or a stream is worth is judged by policy; what is written and
 * when is left to the call; what is decided, to timeline_outcome.c; where the lists lie, to
 * timeline_room.c.
 */
#include "call/timeline_int.h"

#include <assert.h>
#include <string.h>

_Static_assert(GH_TIMELINE_EPOCHS_MAX > 2 * GH_TIMELINE_STREAMS_MAX,
               "the slice of now refers to one epoch of each side, and one more is begun");
_Static_assert(GH_TIMELINE_EPOCHS_MAX < GH_TIMELINE_UNKEPT, "places are kept in an octet");

/* Of both sides of a stream that found no places: the least that it can be.  Beside nothing, or
 * beside what is clear, it is clear; beside anything else it is mixed. */
static const struct gh_timeline_epoch unkept_epoch = { .keying = GH_KEYING_NONE,
                                                       .running = true,
                                                       .relayed = true };

/* ---- epochs ---------------------------------------------------------------------------------- */

static struct gh_timeline_slice *current(struct gh_timeline *line)
{
    return &line->slices[line->slice_count - 1];
}

static const struct gh_timeline_epoch *epoch_of(const struct gh_timeline *line,
                                                const struct gh_timeline_slice *slice,
                                                size_t stream, int side)
{
    unsigned place = slice->epoch[stream][side];

    if (place == GH_TIMELINE_UNKEPT)
        return &unkept_epoch;
    return place ? &line->epochs[place - 1] : NULL;
}

/* Where the epoch lies that this side is in: see struct gh_timeline_slice. */
static unsigned place_now(struct gh_timeline *line, size_t stream, int side)
{
    return line->slice_count ? current(line)->epoch[stream][side] : 0;
}

/* The epoch that this side is in, NULL: no such stream, or it found no place. */
static struct gh_timeline_epoch *running(struct gh_timeline *line, size_t stream, int side)
{
    unsigned place = place_now(line, stream, side);

    return place && place != GH_TIMELINE_UNKEPT ? &line->epochs[place - 1] : NULL;
}

static bool referenced(const struct gh_timeline *line, size_t place)
{
    const struct gh_timeline_epoch *epoch = &line->epochs[place];

    for (size_t i = 0; i < line->slice_count; i++) {
        if (line->slices[i].epoch[epoch->stream][epoch->which] == place + 1)
            return true;
    }
    return false;
}

static enum gh_proof proof_of(const struct gh_timeline_epoch *epoch)
{
    if (epoch->seen)
        return GH_PROOF_SEEN;
    if (epoch->inherited)
        return GH_PROOF_INHERITED;
    return epoch->running ? GH_PROOF_PENDING : GH_PROOF_MISSING;
}

static struct gh_hop_facts hop_of(const struct gh_timeline_epoch *epoch, enum gh_proof proof)
{
    return (struct gh_hop_facts){ .keying = (enum gh_keying)epoch->keying,
                                  .signalling = (enum gh_signalling)epoch->signalling,
                                  .key_exposed = epoch->key_exposed,
                                  .proof = proof,
                                  .dtls_passed = epoch->dtls_passed };
}

/* A packet under a key that was exposed proves that somebody has the key, not who. */
static bool worth_inheriting(const struct gh_timeline_epoch *epoch)
{
    struct gh_hop_facts proven = hop_of(epoch, GH_PROOF_SEEN);
    struct gh_hop_facts both[2] = { proven, proven };

    return gh_policy_stream_grade(both) >= GH_GRADE_HOP_BY_HOP;
}

static void inherit(const struct gh_timeline *line, struct gh_timeline_epoch *epoch)
{
    const struct gh_timeline_proven *proven = &line->proven[epoch->which];

    if (!epoch->could_send && proven->any && proven->peer == epoch->peer)
        epoch->inherited = true;
}

/* ---- what a slice is worth ------------------------------------------------------------------- */

struct worth {
    enum gh_grade known; /* pending counts as unproven */
    enum gh_grade best;  /* as if every pending proof came */
    bool waits;          /* a stream that is not graded yet waits for a proof */
};

static bool graded(const struct gh_timeline_epoch *a, const struct gh_timeline_epoch *b)
{
    return a && b && a->relayed && b->relayed;
}

static struct worth weigh(const struct gh_timeline *line, const struct gh_timeline_slice *slice)
{
    struct worth worth = { GH_GRADE_NONE, GH_GRADE_NONE, false };

    for (size_t i = 0; i < GH_TIMELINE_STREAMS_MAX; i++) {
        const struct gh_timeline_epoch *epoch[2] = { epoch_of(line, slice, i, 0),
                                                     epoch_of(line, slice, i, 1) };
        struct gh_hop_facts hop[2];

        if (!epoch[0] || !epoch[1])
            continue;
        for (int side = 0; side < 2; side++)
            hop[side] = hop_of(epoch[side], proof_of(epoch[side]));
        if (!graded(epoch[0], epoch[1])) {
            worth.waits = worth.waits || gh_policy_stream_pending(hop);
            continue;
        }
        worth.known = gh_policy_beside(worth.known, gh_policy_stream_grade(hop));
        for (int side = 0; side < 2; side++) {
            if (hop[side].proof == GH_PROOF_PENDING)
                hop[side].proof = GH_PROOF_SEEN;
        }
        worth.best = gh_policy_beside(worth.best, gh_policy_stream_grade(hop));
    }
    worth.known = gh_policy_attest(worth.known, slice->claimed);
    worth.best = gh_policy_attest(worth.best, slice->claimed);
    return worth;
}

/* ---- what is decided ------------------------------------------------------------------------- */

/* What is pending will not be asked again. */
static unsigned marks_of(const struct gh_timeline_epoch *epoch)
{
    enum gh_proof proof = proof_of(epoch);
    unsigned marks = 0;

    if (epoch->keying == GH_KEYING_NONE)
        return 0;
    if ((proof == GH_PROOF_MISSING || proof == GH_PROOF_PENDING) && !epoch->dtls_passed)
        marks |= GH_TIMELINE_UNPROVEN;
    if (proof == GH_PROOF_INHERITED)
        marks |= GH_TIMELINE_INHERITED;
    if (epoch->key_exposed)
        marks |= GH_TIMELINE_EXPOSED;
    return marks;
}

static bool may_be_graded(const struct gh_timeline_epoch *a, const struct gh_timeline_epoch *b)
{
    return a && b && (a->relayed || a->running) && (b->relayed || b->running);
}

/* The least that this slice may come to when media comes over any of the streams that are not
 * graded there.  @known  the grade of those that are */
static enum gh_grade least(const struct gh_timeline *line, const struct gh_timeline_slice *slice,
                           enum gh_grade known)
{
    enum gh_grade grade = known;

    for (size_t i = 0; i < GH_TIMELINE_STREAMS_MAX; i++) {
        const struct gh_timeline_epoch *a = epoch_of(line, slice, i, 0);
        const struct gh_timeline_epoch *b = epoch_of(line, slice, i, 1);

        if (may_be_graded(a, b)) {
            struct gh_hop_facts hop[2] = { hop_of(a, proof_of(a)), hop_of(b, proof_of(b)) };

            grade = gh_policy_worse(grade, gh_policy_beside(known, gh_policy_stream_grade(hop)));
        }
    }
    return gh_policy_attest(grade, slice->claimed);
}

/* At the end, or early for lack of room: then its epochs may run on, and what they come to is not
 * asked again. */
static void decide_oldest(struct gh_timeline *line, int64_t to_us)
{
    const struct gh_timeline_slice *slice = &line->slices[0];
    struct worth worth = weigh(line, slice);
    enum gh_grade grade = least(line, slice, worth.known);

    for (size_t i = 0; i < GH_TIMELINE_STREAMS_MAX; i++) {
        for (int side = 0; side < 2; side++) {
            unsigned place = slice->epoch[i][side];

            if (may_be_graded(epoch_of(line, slice, i, 0), epoch_of(line, slice, i, 1)))
                line->marks[side] |= marks_of(epoch_of(line, slice, i, side));
            if (place && place != GH_TIMELINE_UNKEPT)
                line->epochs[place - 1].decided = true;
        }
    }
    /* Decided before its proof had come, or failed to; before media came, or did not. */
    if (worth.best != worth.known || grade != worth.known)
        line->coarse = true;
    gh_timeline_decide(line, slice->from_us, to_us, grade);
    line->slice_count--;
    memmove(&line->slices[0], &line->slices[1], line->slice_count * sizeof(line->slices[0]));
}

/* ---- slices ---------------------------------------------------------------------------------- */

static int64_t advance(struct gh_timeline *line, int64_t at_us)
{
    if (at_us > line->last_us)
        line->last_us = at_us;
    return line->last_us;
}

static void begin(struct gh_timeline *line, int64_t at_us)
{
    if (line->began)
        return;
    line->began = true;
    line->began_us = at_us;
    line->changed_us = at_us;
    line->slices[0] = (struct gh_timeline_slice){ .from_us = at_us };
    line->slice_count = 1;
}

/* From @at_us on something else is so.  A slice of no time is used again. */
static void cut(struct gh_timeline *line, int64_t at_us)
{
    struct gh_timeline_slice next = *current(line);

    if (next.from_us == at_us && !next.keep)
        return;
    if (line->slice_count == line->slice_room && !gh_timeline_more(line, GH_TIMELINE_SLICES))
        decide_oldest(line, line->slices[1].from_us);
    next.from_us = at_us;
    next.keep = false;
    next.change = false;
    line->slices[line->slice_count++] = next;
}

static bool claim_counts(const struct gh_timeline *line, int side)
{
    const struct gh_timeline_claim *claim = &line->claims[side];

    return claim->status == GH_STATUS_ENCRYPTED && claim->trusted &&
           claim->at_us >= line->changed_us;
}

/* A key or the status changed: what was claimed of the time before says nothing of what follows. */
static void changed(struct gh_timeline *line, int64_t at_us)
{
    cut(line, at_us);
    current(line)->change = true;
    line->changed_us = at_us;
    for (int side = 0; side < 2; side++)
        current(line)->claimed[side] = claim_counts(line, side);
}

/* A claim speaks of all the time since the last change. */
static void claim_back(struct gh_timeline *line, int side)
{
    for (size_t i = line->slice_count; i-- > 0;) {
        line->slices[i].claimed[side] = true;
        if (line->slices[i].change)
            break;
    }
}

/* A place that no slice refers to.  With all the room there can be, there is one at the latest when
 * only the last slice is left; false: no memory is left either.
 * @was  what the last slice still says of the side: an epoch that has ended, not to be judged there
 */
static bool take_epoch(struct gh_timeline *line, unsigned was, size_t *place)
{
    for (;;) {
        for (size_t i = 0; i < line->epoch_room; i++) {
            if (!referenced(line, i)) {
                *place = i;
                return true;
            }
        }
        if (gh_timeline_more(line, GH_TIMELINE_EPOCHS))
            continue;
        if (line->slice_count == 1) {
            *place = was - 1;
            return was && was != GH_TIMELINE_UNKEPT;
        }
        decide_oldest(line, line->slices[1].from_us);
    }
}

/* The slice is cut by the caller, after this. */
static void end_epoch(struct gh_timeline *line, size_t stream, int which, int64_t at_us)
{
    struct gh_timeline_epoch *epoch = running(line, stream, which);

    if (place_now(line, stream, which) == GH_TIMELINE_UNKEPT)
        current(line)->keep = true; /* it may have been in no time, as below */
    if (!epoch)
        return;
    epoch->running = false;
    epoch->to_us = at_us;
    /* Media in no time: the clock stands still.  No other slice tells of it. */
    if (epoch->relayed && epoch->from_us == at_us)
        current(line)->keep = true;
}

/* The slice was cut by the caller, before this. */
static void begin_epoch(struct gh_timeline *line, size_t stream, int which,
                        const struct gh_timeline_side *side, int64_t at_us)
{
    struct gh_timeline_epoch epoch = { .from_us = at_us,
                                       .peer = side->peer,
                                       .key = side->key,
                                       .keying = (uint8_t)side->keying,
                                       .signalling = (uint8_t)side->signalling,
                                       .stream = (uint8_t)stream,
                                       .which = which,
                                       .key_exposed = side->key_exposed,
                                       .dtls_passed = side->dtls_passed,
                                       .could_send = side->may_send,
                                       .running = true };
    unsigned was = place_now(line, stream, which);
    size_t place;
    bool kept;

    inherit(line, &epoch);
    /* Both sides of a stream have places, or none has: a side that goes on leaves it its own. */
    kept = !(which && place_now(line, stream, 0) == GH_TIMELINE_UNKEPT) &&
           take_epoch(line, was, &place);
    if (kept)
        line->epochs[place] = epoch;
    else
        line->coarse = true;
    current(line)->epoch[stream][which] = kept ? (uint8_t)(place + 1) : GH_TIMELINE_UNKEPT;
    /* It may be the very one that had no place until now, and more has come to light of it. */
    if (!kept || was == GH_TIMELINE_UNKEPT)
        line->marks[which] |= marks_of(&epoch);
}

static bool same_epoch(const struct gh_timeline_epoch *was, const struct gh_timeline_side *is)
{
    return was->keying == is->keying && was->peer == is->peer &&
           (was->keying == GH_KEYING_NONE || was->key == is->key);
}

/* Is it judged by other facts than @was? */
static bool judged_anew(const struct gh_timeline_epoch *epoch, const struct gh_timeline_epoch *was)
{
    return epoch->keying != GH_KEYING_NONE &&
           (epoch->signalling != was->signalling || epoch->key_exposed != was->key_exposed ||
            epoch->dtls_passed != was->dtls_passed || proof_of(epoch) != proof_of(was));
}

static void go_on(struct gh_timeline *line, struct gh_timeline_epoch *epoch,
                  const struct gh_timeline_side *side)
{
    struct gh_timeline_epoch was = *epoch;

    /* Whoever could read the key once has read what it protected before, too. */
    if (side->signalling < epoch->signalling)
        epoch->signalling = (uint8_t)side->signalling;
    epoch->key_exposed = epoch->key_exposed || side->key_exposed;
    epoch->dtls_passed = side->dtls_passed;
    if (side->may_send) {
        epoch->could_send = true;
        epoch->inherited = false; /* it can prove itself now */
    }
    /* That counts from its beginning on, for what is decided of it as well. */
    if (epoch->decided && judged_anew(epoch, &was)) {
        gh_timeline_doubt(line);
        line->marks[epoch->which] |= marks_of(epoch);
    }
}

/* ---- inputs ---------------------------------------------------------------------------------- */

void gh_timeline_answered(struct gh_timeline *line, int64_t at_us)
{
    if (line->ended || line->answered)
        return;
    line->answered = true;
    line->answer_us = advance(line, at_us);
    begin(line, line->answer_us);
}

void gh_timeline_set(struct gh_timeline *line, size_t stream, const struct gh_timeline_side side[2],
                     int64_t at_us)
{
    bool is_new[2];

    assert(stream < GH_TIMELINE_STREAMS_MAX);
    if (line->ended)
        return;
    at_us = advance(line, at_us);
    begin(line, at_us);
    for (int which = 0; which < 2; which++) {
        struct gh_timeline_epoch *epoch = running(line, stream, which);

        is_new[which] = !epoch || !same_epoch(epoch, &side[which]);
        if (is_new[which])
            end_epoch(line, stream, which, at_us);
        else
            go_on(line, epoch, &side[which]);
    }
    if (is_new[0] || is_new[1])
        changed(line, at_us);
    for (int which = 0; which < 2; which++) {
        if (is_new[which])
            begin_epoch(line, stream, which, &side[which], at_us);
    }
}

void gh_timeline_remove(struct gh_timeline *line, size_t stream, int64_t at_us)
{
    assert(stream < GH_TIMELINE_STREAMS_MAX);
    if (line->ended)
        return;
    at_us = advance(line, at_us);
    if (!place_now(line, stream, 0))
        return;
    for (int which = 0; which < 2; which++)
        end_epoch(line, stream, which, at_us);
    cut(line, at_us);
    for (int which = 0; which < 2; which++)
        current(line)->epoch[stream][which] = 0;
}

void gh_timeline_relayed(struct gh_timeline *line, size_t stream, uint64_t counter, uint64_t pkts)
{
    struct gh_timeline_counter *told;
    bool grown;

    assert(stream < GH_TIMELINE_STREAMS_MAX);
    told = &line->counters[stream];
    grown = pkts > (told->id == counter ? told->pkts : 0);
    *told = (struct gh_timeline_counter){ counter, pkts };
    if (line->ended || !grown)
        return;
    for (int side = 0; side < 2; side++) {
        struct gh_timeline_epoch *epoch = running(line, stream, side);

        if (epoch)
            epoch->relayed = true;
    }
}

/* The epoch of this key and time.  Whether the running one had begun by then is not asked: clocks
 * were read in two threads. */
static struct gh_timeline_epoch *epoch_at(struct gh_timeline *line, size_t stream, int side,
                                          uint32_t key, int64_t at_us)
{
    struct gh_timeline_epoch *found = NULL;

    for (size_t i = 0; i < line->epoch_room; i++) {
        struct gh_timeline_epoch *epoch = &line->epochs[i];

        if (epoch->stream != stream || epoch->which != side || epoch->key != key ||
            epoch->keying == GH_KEYING_NONE || !referenced(line, i))
            continue;
        if (!epoch->running && at_us >= epoch->from_us && at_us < epoch->to_us)
            return epoch; /* the same key came back since: the time says that it was the first */
        if (epoch->running)
            found = epoch;
    }
    return found;
}

bool gh_timeline_proof(struct gh_timeline *line, size_t stream, int side, uint32_t key,
                       int64_t at_us)
{
    struct gh_timeline_epoch *epoch;

    assert(stream < GH_TIMELINE_STREAMS_MAX && (side == 0 || side == 1));
    epoch = line->ended ? NULL : epoch_at(line, stream, side, key, at_us);
    if (!epoch)
        return false;
    epoch->seen = true;
    if (!worth_inheriting(epoch))
        return true;
    line->proven[side] = (struct gh_timeline_proven){ true, epoch->peer };
    for (size_t i = 0; i < GH_TIMELINE_STREAMS_MAX; i++) {
        struct gh_timeline_epoch *heir = running(line, i, side);

        if (heir)
            inherit(line, heir);
    }
    return true;
}

void gh_timeline_claim(struct gh_timeline *line, int side, enum gh_status status, bool trusted,
                       int64_t at_us)
{
    struct gh_timeline_claim was;
    bool counts, silent;

    assert(side == 0 || side == 1);
    if (line->ended)
        return;
    at_us = advance(line, at_us);
    if (status == GH_STATUS_UNKNOWN)
        return;
    was = line->claims[side];
    line->claims[side] = (struct gh_timeline_claim){ status, trusted, at_us };
    counts = claim_counts(line, side);
    if (!line->began || counts == current(line)->claimed[side])
        return;
    silent = was.status == GH_STATUS_UNKNOWN || was.at_us < line->changed_us;
    if (counts && silent && at_us - line->changed_us <= GH_TIMELINE_CLAIM_BACK_US) {
        claim_back(line, side);
    } else {
        cut(line, at_us);
        current(line)->claimed[side] = counts;
    }
}

void gh_timeline_status(struct gh_timeline *line, enum gh_status status, int64_t at_us)
{
    if (line->ended)
        return;
    at_us = advance(line, at_us);
    if (status == line->status)
        return;
    line->status = status;
    if (line->began)
        changed(line, at_us);
}

void gh_timeline_end(struct gh_timeline *line, int64_t at_us)
{
    if (line->ended)
        return;
    at_us = advance(line, at_us);
    for (size_t i = 0; i < GH_TIMELINE_STREAMS_MAX; i++) {
        for (int which = 0; which < 2; which++)
            end_epoch(line, i, which, at_us);
    }
    if (line->slice_count && current(line)->from_us == at_us && !current(line)->keep)
        line->slice_count--; /* of no time: as if it had been used again */
    while (line->slice_count)
        decide_oldest(line, line->slice_count > 1 ? line->slices[1].from_us : at_us);
    line->ended = true;
}

/* ---- what came out --------------------------------------------------------------------------- */

struct gh_timeline_view gh_timeline_now(const struct gh_timeline *line)
{
    struct gh_timeline_view view = { GH_GRADE_NONE, false };
    struct worth worth;

    if (!line->slice_count)
        return view;
    worth = weigh(line, &line->slices[line->slice_count - 1]);
    view.grade = worth.known;
    view.pending = worth.known != worth.best || (worth.known == GH_GRADE_NONE && worth.waits);
    return view;
}

struct gh_timeline_view gh_timeline_call(const struct gh_timeline *line)
{
    struct worth call = { line->worst, line->worst, false };

    for (size_t i = 0; i < line->slice_count; i++) {
        struct worth worth = weigh(line, &line->slices[i]);

        call.known = gh_policy_worse(call.known, worth.known);
        call.best = gh_policy_worse(call.best, worth.best);
        call.waits = worth.waits; /* of the last slice: an epoch that has ended waits no more */
    }
    return (struct gh_timeline_view){ call.known, call.known != call.best ||
                                                      (call.known == GH_GRADE_NONE && call.waits) };
}

static bool same_view(struct gh_timeline_view a, struct gh_timeline_view b)
{
    return a.pending == b.pending && a.grade == b.grade;
}

bool gh_timeline_changed(struct gh_timeline *line, struct gh_timeline_change *out)
{
    struct gh_timeline_change was = line->told;

    out->now = gh_timeline_now(line);
    out->call = gh_timeline_call(line);
    line->told = *out;
    return !same_view(was.now, out->now) || !same_view(was.call, out->call);
}

bool gh_timeline_beyond(const struct gh_timeline *line, int side)
{
    return claim_counts(line, side);
}
