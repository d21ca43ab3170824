/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An independent statement of what a time line is to say, for the random tests: an oracle that keeps
 * every event and computes all of it anew.  For each stretch between two events it looks back and
 * ahead over the whole list.  Nothing is carried along, nothing is bounded.  And random calls for it.
 */
#ifndef GH_TEST_SUPPORT_TIMELINE_ORACLE_H
#define GH_TEST_SUPPORT_TIMELINE_ORACLE_H

#include "call/timeline.h"

#include "support/check.h"

#define EVENTS_MAX 1000

#define STREAMS GH_TIMELINE_STREAMS_MAX

/* ---- events ---------------------------------------------------------------------------------- */

enum kind { SET, REMOVE, RELAYED, PROOF, CLAIM, STATUS };

struct step {
    enum kind kind;
    int64_t at;                      /* SET and so on: when; PROOF: of the packet */
    int64_t now;                     /* never runs back */
    size_t stream;
    int which;                       /* PROOF, CLAIM */
    struct gh_timeline_side side[2]; /* SET */
    uint32_t key;
    uint64_t counter, pkts;
    bool grown;                      /* RELAYED */
    enum gh_status status;
    bool trusted;
};

static struct step steps[EVENTS_MAX];
static int step_count;
static int64_t end_us;

/* ---- the oracle: epochs ---------------------------------------------------------------------- */

static bool differs(const struct gh_timeline_side *a, const struct gh_timeline_side *b)
{
    if (a->keying != b->keying || a->peer != b->peer)
        return true;
    return a->keying != GH_KEYING_NONE && a->key != b->key;
}

/* The step that last said what stream is, up to and with step @i; -1: it is not there. */
static int said_at(int i, size_t stream)
{
    for (; i >= 0; i--) {
        if (steps[i].stream == stream && steps[i].kind == SET)
            return i;
        if (steps[i].stream == stream && steps[i].kind == REMOVE)
            return -1;
    }
    return -1;
}

/* First step of the epoch that this side is in after step @i; -1: none. */
static int first_of(int i, size_t stream, int which)
{
    int set = said_at(i, stream), before;

    if (set < 0)
        return -1;
    while ((before = said_at(set - 1, stream)) >= 0 &&
           !differs(&steps[before].side[which], &steps[set].side[which]))
        set = before;
    return set;
}

/* The step that ends the epoch begun by step @first, or @count: it runs on. */
static int last_of(int first, int count, size_t stream, int which)
{
    for (int i = first + 1; i < count; i++) {
        if (steps[i].stream != stream || (steps[i].kind != SET && steps[i].kind != REMOVE))
            continue;
        if (steps[i].kind == REMOVE || differs(&steps[i].side[which], &steps[first].side[which]))
            return i;
    }
    return count;
}

/* Facts of an epoch, as known before step @until. */
static struct gh_timeline_side facts_of(int first, int until, size_t stream, int which,
                                        bool *could_send)
{
    int last = last_of(first, until, stream, which);
    struct gh_timeline_side facts = steps[first].side[which];

    *could_send = false;
    for (int i = first; i < last; i++) {
        const struct gh_timeline_side *side = &steps[i].side[which];

        if (steps[i].kind != SET || steps[i].stream != stream)
            continue;
        facts.signalling = side->signalling < facts.signalling ? side->signalling
                                                               : facts.signalling;
        facts.key_exposed |= side->key_exposed;
        facts.dtls_passed = side->dtls_passed;
        *could_send |= side->may_send;
    }
    return facts;
}

static bool had_media(int first, int count, size_t stream, int which)
{
    int last = last_of(first, count, stream, which);

    for (int i = first; i < last; i++) {
        if (steps[i].kind == RELAYED && steps[i].stream == stream && steps[i].grown)
            return true;
    }
    return false;
}

/* First step of the epoch that this proof is for; -1: none. */
static int proves(int proof)
{
    const struct step *step = &steps[proof];
    int running = first_of(proof - 1, step->stream, step->which);

    for (int i = 0; i < proof; i++) {
        int last;

        if (steps[i].kind != SET || steps[i].stream != step->stream ||
            first_of(i, step->stream, step->which) != i)
            continue;
        last = last_of(i, proof, step->stream, step->which);
        if (last < proof && steps[i].side[step->which].keying != GH_KEYING_NONE &&
            steps[i].side[step->which].key == step->key && steps[i].now <= step->at &&
            step->at < steps[last].now)
            return i;
    }
    if (running >= 0 && steps[running].side[step->which].keying != GH_KEYING_NONE &&
        steps[running].side[step->which].key == step->key)
        return running;
    return -1;
}

static bool good_proof(int proof, int which)
{
    struct gh_timeline_side facts;
    bool could_send;
    int first;

    if (steps[proof].kind != PROOF || steps[proof].which != which || (first = proves(proof)) < 0)
        return false;
    facts = facts_of(first, proof, steps[proof].stream, which, &could_send);
    if (facts.keying == GH_KEYING_NONE || facts.key_exposed)
        return false;
    return facts.signalling == GH_SIG_TLS_VERIFIED ||
           (facts.keying == GH_KEYING_DTLS && facts.signalling == GH_SIG_TLS_NULL);
}

static enum gh_proof proof_of(int first, int count, size_t stream, int which)
{
    int last = last_of(first, count, stream, which);
    bool could_send, inherits = false;
    uint64_t peer = facts_of(first, count, stream, which, &could_send).peer;

    for (int i = 0; i < count; i++) {
        if (steps[i].kind == PROOF && steps[i].stream == stream && steps[i].which == which &&
            proves(i) == first)
            return GH_PROOF_SEEN;
    }
    /* The newest good proof at the beginning, and each that came while it ran. */
    for (int i = 0; i < last; i++) {
        int of;

        if (!good_proof(i, which))
            continue;
        of = proves(i);
        if (i < first)
            inherits = steps[of].side[which].peer == peer;
        else
            inherits = inherits || steps[of].side[which].peer == peer;
    }
    if (inherits && !could_send)
        return GH_PROOF_INHERITED;
    return last == count ? GH_PROOF_PENDING : GH_PROOF_MISSING;
}

/* ---- the oracle: claims ---------------------------------------------------------------------- */

/* Does step @i change a key or the status? */
static bool is_change(int i)
{
    enum gh_status was = GH_STATUS_UNKNOWN;

    if (steps[i].kind == SET)
        return first_of(i, steps[i].stream, 0) == i || first_of(i, steps[i].stream, 1) == i;
    for (int k = 0; k < i; k++)
        was = steps[k].kind == STATUS ? steps[k].status : was;
    return steps[i].kind == STATUS && steps[i].status != was;
}

static bool claims_encrypted(int i)
{
    return steps[i].status == GH_STATUS_ENCRYPTED && steps[i].trusted;
}

/* Does the side's claim count after step @i? */
static bool claimed(int i, int count, int which)
{
    int change = i, newest;

    while (change > 0 && !is_change(change))
        change--;
    for (newest = i; newest >= 0; newest--) {
        if (steps[newest].kind == CLAIM && steps[newest].which == which &&
            steps[newest].status != GH_STATUS_UNKNOWN)
            break;
    }
    if (newest >= 0 && steps[newest].now >= steps[change].now)
        return claims_encrypted(newest);
    for (int k = i + 1; k < count && !is_change(k); k++) {
        if (steps[k].kind == CLAIM && steps[k].which == which &&
            steps[k].status != GH_STATUS_UNKNOWN)
            return claims_encrypted(k) &&
                   steps[k].now - steps[change].now <= GH_TIMELINE_CLAIM_BACK_US;
    }
    return false;
}

/* ---- the oracle: grades ---------------------------------------------------------------------- */

struct verdict {
    struct gh_timeline_interval intervals[EVENTS_MAX];
    size_t count;
    int64_t us[GH_GRADE_COUNT];
    enum gh_grade worst;
    unsigned marks[2];
};

/* The grade after step @i.  @marks  NULL, or the marks of graded epochs are added */
static enum gh_grade grade_after(int i, int count, bool over, unsigned marks[2])
{
    enum gh_grade grade = GH_GRADE_NONE;
    bool fresh[2] = { claimed(i, count, 0), claimed(i, count, 1) };

    for (size_t s = 0; s < STREAMS; s++) {
        int first[2] = { first_of(i, s, 0), first_of(i, s, 1) };
        struct gh_hop_facts hop[2] = { 0 };
        enum gh_grade of;

        if (first[0] < 0 || !had_media(first[0], count, s, 0) ||
            !had_media(first[1], count, s, 1))
            continue;
        for (int which = 0; which < 2; which++) {
            bool could_send;
            struct gh_timeline_side facts = facts_of(first[which], count, s, which, &could_send);
            enum gh_proof proof = proof_of(first[which], count, s, which);

            hop[which] = (struct gh_hop_facts){ facts.keying, facts.signalling, facts.key_exposed,
                                                proof, facts.dtls_passed };
            if (over && proof == GH_PROOF_PENDING)
                hop[which].proof = GH_PROOF_MISSING;
            if (!marks || facts.keying == GH_KEYING_NONE)
                continue;
            if (hop[which].proof == GH_PROOF_MISSING && !facts.dtls_passed)
                marks[which] |= GH_TIMELINE_UNPROVEN;
            if (hop[which].proof == GH_PROOF_INHERITED)
                marks[which] |= GH_TIMELINE_INHERITED;
            if (facts.key_exposed)
                marks[which] |= GH_TIMELINE_EXPOSED;
        }
        of = gh_policy_stream_grade(hop);
        grade = grade == GH_GRADE_NONE ? of : gh_policy_beside(grade, of);
    }
    return gh_policy_attest(grade, fresh);
}

static bool is_cut(int i)
{
    return steps[i].kind != RELAYED && steps[i].kind != PROOF;
}

/* Did an epoch with media begin at the time of step @i and end with the next one: in no time? */
static bool only_here(int i, int next, int count)
{
    for (size_t s = 0; s < STREAMS; s++) {
        for (int which = 0; which < 2; which++) {
            int first = first_of(i, s, which);

            if (first >= 0 && steps[first].now == steps[i].now &&
                last_of(first, count, s, which) == next && had_media(first, count, s, which))
                return true;
        }
    }
    return false;
}

static void add(struct verdict *out, int64_t from, int64_t to, enum gh_grade grade)
{
    struct gh_timeline_interval *last = out->count ? &out->intervals[out->count - 1] : NULL;

    out->us[grade] += to - from;
    out->worst = gh_policy_worse(out->worst, grade);
    if (from == to && grade == GH_GRADE_NONE)
        return;
    if (last && last->grade == grade)
        last->to_us = to;
    else
        out->intervals[out->count++] = (struct gh_timeline_interval){ from, to, grade };
}

static void judge(struct verdict *out)
{
    memset(out, 0, sizeof(*out));
    for (int i = 0; i < step_count; i++) {
        int next = i + 1;
        int64_t to;

        if (i > 0 && !is_cut(i)) /* the first one always is a SET */
            continue;
        while (next < step_count && !is_cut(next))
            next++;
        to = next < step_count ? steps[next].now : end_us;
        if (to > steps[i].now || only_here(i, next, step_count))
            add(out, steps[i].now, to, grade_after(i, step_count, true, out->marks));
    }
}

/* ---- random calls ---------------------------------------------------------------------------- */

static uint64_t seed;
static bool tidy; /* every SET is followed by media; what is known of a key is known at once */

static unsigned pick(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static struct gh_timeline_side random_side(uint32_t key)
{
    return (struct gh_timeline_side){
        .keying = pick(5) == 0 ? GH_KEYING_NONE : pick(8) == 0 ? GH_KEYING_DTLS : GH_KEYING_SDES,
        .key = key,
        .peer = 1 + (pick(10) == 0),
        .signalling = tidy || pick(12) ? GH_SIG_TLS_VERIFIED
                                       : (enum gh_signalling)pick(GH_SIG_COUNT),
        .key_exposed = !tidy && pick(15) == 0,
        .dtls_passed = pick(12) == 0,
        .may_send = pick(4) != 0
    };
}

/* What one side becomes: mostly what it was, with another direction or a new key. */
static struct gh_timeline_side next_side(int i, size_t stream, int which)
{
    int said = said_at(i - 1, stream);
    struct gh_timeline_side side;

    if (said < 0 || pick(3) == 0)
        return random_side(pick(6));
    side = steps[said].side[which];
    if (pick(3) == 0)
        side.may_send = !side.may_send;
    if (pick(3) == 0)
        side.key = pick(6);
    if (tidy)
        return side;
    side.key_exposed = pick(20) == 0;
    if (pick(20) == 0)
        side.signalling = GH_SIG_TLS_NULL;
    return side;
}

static void random_proof(struct step *step, int i)
{
    int said;

    step->which = steps[i - 1].kind == PROOF ? !steps[i - 1].which : (int)pick(2);
    if (tidy && (said = said_at(i - 1, step->stream)) >= 0) {
        step->key = steps[said].side[step->which].key;
        step->at = steps[i - 1].now;
        return;
    }
    said = said_at(i - 1 - (int)(pick(4) == 0 ? pick((unsigned)i) : 0), step->stream);
    step->key = said >= 0 && pick(10) ? steps[said].side[step->which].key : pick(6);
    /* Late by up to some steps. */
    step->at = steps[i - 1 - (int)pick(i > 4 ? 4 : (unsigned)i)].now + pick(500);
}

static void random_step(int i, size_t streams)
{
    static const enum kind kinds[] = { SET,   SET,   SET,   REMOVE,  RELAYED, RELAYED, RELAYED,
                                       PROOF, PROOF, PROOF, PROOF,   PROOF,   CLAIM,   CLAIM,
                                       STATUS };
    struct step *step = &steps[i];
    int64_t before = i ? steps[i - 1].now : 0;

    memset(step, 0, sizeof(*step));
    step->kind = i ? kinds[pick(sizeof(kinds) / sizeof(kinds[0]))] : SET;
    if (tidy && i && steps[i - 1].kind == SET)
        step->kind = RELAYED;
    else if (tidy && i > 1 && steps[i - 1].kind != PROOF && steps[i - 1].kind != CLAIM)
        step->kind = PROOF;
    else if (tidy && i > 1 && steps[i - 2].kind == RELAYED && pick(3))
        step->kind = PROOF;
    step->at = before + (pick(4) ? (int64_t)pick(1000) * 1500 : 0) - (pick(20) == 0 ? 700000 : 0);
    step->now = step->at > before || i == 0 ? step->at : before;
    step->stream = pick((unsigned)streams);
    if (tidy && i && (step->kind == RELAYED || step->kind == PROOF))
        step->stream = steps[i - 1].stream;
    switch (step->kind) {
    case SET:
        step->side[0] = next_side(i, step->stream, 0);
        step->side[1] = next_side(i, step->stream, 1);
        for (int which = 0, passed = pick(12) == 0; passed && which < 2; which++) {
            step->side[which].keying = GH_KEYING_DTLS;
            step->side[which].signalling = GH_SIG_TLS_VERIFIED;
            step->side[which].dtls_passed = true;
        }
        break;
    case RELAYED:
        step->grown = tidy || pick(4) != 0;
        step->now = before;
        break;
    case PROOF:
        random_proof(step, i);
        step->now = before;
        break;
    case CLAIM:
        step->which = (int)pick(2);
        step->status = pick(3) ? GH_STATUS_ENCRYPTED : (enum gh_status)pick(GH_STATUS_COUNT);
        step->trusted = pick(8) != 0;
        break;
    case STATUS:
        step->status = pick(3) ? GH_STATUS_ENCRYPTED : GH_STATUS_AUTHENTICATED;
        break;
    case REMOVE:
        break;
    }
}

static void random_call(int count, size_t streams)
{
    uint64_t pkts[STREAMS] = { 0 }, counters[STREAMS] = { 0 };

    step_count = count;
    for (int i = 0; i < count; i++) {
        struct step *step = &steps[i];

        random_step(i, streams);
        if (step->kind != RELAYED)
            continue;
        if (step->grown && !tidy && pick(6) == 0) { /* a new media stream */
            counters[step->stream]++;
            pkts[step->stream] = pick(3);
            step->grown = pkts[step->stream] > 0;
        } else {
            pkts[step->stream] += step->grown;
        }
        step->counter = counters[step->stream];
        step->pkts = pkts[step->stream];
    }
    end_us = steps[count - 1].now + (int64_t)pick(3) * 1000000;
}

static void play(struct gh_timeline *line, const struct step *step)
{
    switch (step->kind) {
    case SET:
        gh_timeline_set(line, step->stream, step->side, step->at);
        break;
    case REMOVE:
        gh_timeline_remove(line, step->stream, step->at);
        break;
    case RELAYED:
        gh_timeline_relayed(line, step->stream, step->counter, step->pkts);
        break;
    case PROOF:
        gh_timeline_proof(line, step->stream, step->which, step->key, step->at);
        break;
    case CLAIM:
        gh_timeline_claim(line, step->which, step->status, step->trusted, step->at);
        break;
    case STATUS:
        gh_timeline_status(line, step->status, step->at);
        break;
    }
}

/* ---- what holds for any line, after the end --------------------------------------------------- */

static bool low_enough(const struct gh_timeline_interval *said, const struct verdict *want)
{
    for (size_t i = 0; i < want->count; i++) {
        const struct gh_timeline_interval *is = &want->intervals[i];

        if (is->from_us - steps[0].now < said->to_us && is->to_us - steps[0].now > said->from_us &&
            is->grade != GH_GRADE_NONE && is->grade < said->grade)
            return false;
    }
    return true;
}

/* Intervals and seconds cover the time from the first event to the end, once. */
static void adds_up(const struct gh_timeline *line)
{
    struct gh_timeline_interval interval;
    enum gh_grade before = GH_GRADE_NONE;
    int64_t sum = 0, from = 0;
    size_t count = 0;

    for (int grade = 0; grade < GH_GRADE_COUNT; grade++)
        sum += gh_timeline_us(line, (enum gh_grade)grade);
    CHECK(sum == end_us - steps[0].now);
    for (; !gh_timeline_interval(line, count, &interval); count++) {
        CHECK(interval.from_us == from && interval.to_us >= from);
        CHECK(count == 0 || interval.grade != before);
        before = interval.grade;
        from = interval.to_us;
    }
    CHECK(from == end_us - steps[0].now);
    CHECK(count <= GH_TIMELINE_INTERVALS_MAX);
}

/* No interval says more than what is true. */
static void nowhere_too_high(const struct gh_timeline *line, const struct verdict *want)
{
    struct gh_timeline_interval interval;

    for (size_t i = 0; !gh_timeline_interval(line, i, &interval); i++)
        CHECK(low_enough(&interval, want));
}

#endif
