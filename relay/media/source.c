/* SPDX-License-Identifier: Apache-2.0 */
#include "media/source.h"

#include <stdlib.h>
#include <string.h>

#include <gatehouse/err.h>

/* Where a remembered packet came from, as things stand now.  NONE: there is no packet. */
enum label { NONE = 0, NAMED, CURRENT, FORMER, OTHER, LABEL_COUNT };

#define LABEL_MASK 7U

_Static_assert(LABEL_COUNT <= LABEL_MASK + 1, "in the lowest bits of a tag");

enum rank { RANK_OTHER = 1, RANK_HOST, RANK_NAMED };

struct gh_source_race {
    struct gh_addr signalling;      /* where this side's comes from; family 0: not known */
    struct gh_addr former;          /* who may take the place back; family 0: nobody */
    struct gh_addr stranger;        /* whose packet was accepted last, of all that do not have the place */
    struct gh_addr candidate;       /* whose fresh one was */
    unsigned candidate_pkts;
    bool candidate_contested;       /* another stranger sent the same */
    bool on_trial;
    uint64_t candidate_since_ms;
    uint64_t trial_until_ms;
    uint64_t next_move_ms;
    uint32_t seen_mask;             /* number of places, less 1 */
    uint32_t seen[];                /* by number: the tag, but for its lowest bits, which are a label */
};

_Static_assert((GH_SOURCE_SEEN_RTP & (GH_SOURCE_SEEN_RTP - 1)) == 0 &&
                   (GH_SOURCE_SEEN_RTCP & (GH_SOURCE_SEEN_RTCP - 1)) == 0,
               "powers of two");

/* ---- who is who ------------------------------------------------------------------------------ */

static enum rank rank_of(const struct gh_port_source *source, const struct gh_addr *addr)
{
    if (gh_addr_eq(addr, &source->named))
        return RANK_NAMED;
    if (gh_addr_same_ip(addr, &source->named) || gh_addr_same_ip(addr, &source->race->signalling))
        return RANK_HOST;
    return RANK_OTHER;
}

static bool outranks(const struct gh_port_source *source, const struct gh_addr *addr)
{
    return rank_of(source, addr) > rank_of(source, &source->current);
}

/* What was under way from where a set had found him says nothing of where he is, unless he is called
 * what he was called there. */
static bool is_late(const struct gh_port_source *source, const struct gh_addr *from,
                    uint64_t now_ms)
{
    return now_ms < source->replaced_until_ms && gh_addr_eq(from, &source->replaced) &&
           !gh_addr_eq(&source->named, &source->replaced_as);
}

/* He may have the place back: he sent what authenticated, and nobody else did in his trial. */
static bool has_claim(const struct gh_port_source *source)
{
    return source->keyed && source->learnt && !(source->race && source->race->on_trial);
}

/* A set came between: of what he had it left him nothing but his word. */
static bool is_former_by_set(const struct gh_port_source *source)
{
    return source->race->former.family && gh_addr_eq(&source->race->former, &source->replaced);
}

static enum label label_of(const struct gh_port_source *source, const struct gh_addr *addr)
{
    if (gh_addr_eq(addr, &source->named))
        return NAMED;
    if (gh_addr_eq(addr, &source->current))
        return CURRENT;
    return gh_addr_eq(addr, &source->race->former) ? FORMER : OTHER;
}

/* ---- what was seen --------------------------------------------------------------------------- */

static uint32_t *place_of(struct gh_source_race *race, const struct gh_source_mark *mark)
{
    return &race->seen[mark->number & race->seen_mask];
}

static void remember(struct gh_port_source *source, const struct gh_addr *from,
                     const struct gh_source_mark *mark)
{
    *place_of(source->race, mark) = (mark->tag & ~LABEL_MASK) | label_of(source, from);
}

/* Of the packet that this is a copy of; NONE: it is none, or the packet was too long ago. */
static enum label find_copied(struct gh_source_race *race, const struct gh_source_mark *mark)
{
    uint32_t seen = *place_of(race, mark);

    return (seen ^ mark->tag) & ~LABEL_MASK ? NONE : (enum label)(seen & LABEL_MASK);
}

static void relabel(struct gh_source_race *race, const enum label to[LABEL_COUNT])
{
    for (uint32_t i = 0; i <= race->seen_mask; i++)
        race->seen[i] = (race->seen[i] & ~LABEL_MASK) | to[race->seen[i] & LABEL_MASK];
}

/* ---- the set --------------------------------------------------------------------------------- */

static struct gh_source_race *race_new(bool rtcp)
{
    uint32_t places = rtcp ? GH_SOURCE_SEEN_RTCP : GH_SOURCE_SEEN_RTP;
    struct gh_source_race *race = calloc(1, sizeof(*race) + places * sizeof(race->seen[0]));

    if (race)
        race->seen_mask = places - 1;
    return race;
}

/* Of two places within that time it is the one where somebody was heard. */
static void replace(struct gh_port_source *source, const struct gh_addr *named, uint64_t now_ms)
{
    if (source->learnt || now_ms >= source->replaced_until_ms) {
        source->replaced = source->current;
        source->replaced_as = source->named;
    }
    source->replaced_until_ms = now_ms + GH_SOURCE_LATE_MS;
    source->named = *named;
    if (gh_addr_eq(&source->replaced, named))
        source->replaced.family = 0;
}

int gh_port_source_name(struct gh_port_source *source, const struct gh_media_set *set,
                        const struct gh_addr *remote, bool rtcp, uint64_t now_ms,
                        const struct gh_addr **to)
{
    bool keyed = set->suite != GH_SUITE_NONE;
    /* A datagram without form is no sign of the peer: anybody's garbage would be learnt. */
    enum gh_source_rule rule = set->datagrams ? GH_SOURCE_RULE_SDP : set->media_source;
    bool alike = gh_addr_eq(&source->named, remote) && source->rule == rule;
    bool same = alike && source->keyed == keyed;
    /* Where SRTP has shown him is better than where the first RTP will come from. */
    bool stays = same || (alike && rule == GH_SOURCE_RULE_SYMMETRIC && has_claim(source));
    bool usable = gh_media_address(remote, NULL) == GH_MEDIA_ADDRESS_USABLE;
    struct gh_source_race *race = NULL;

    if (!same && usable && keyed && rule != GH_SOURCE_RULE_SDP) {
        race = race_new(rtcp);
        if (!race)
            return GH_ENOMEM;
    }
    source->latch_until_ms = now_ms + set->latch_ms;
    *to = stays && source->current.family ? &source->current : &source->named;
    /*
     * c=0.0.0.0 is hold (RFC 3264 section 8.4) and names nobody.  Who was learnt is who he was when the same address comes
     * back: else each such hold would open the window on clear media for a stranger once more.
     */
    if (source->named.family && !usable)
        return 0;
    if (!same) {
        bool claim = has_claim(source);

        gh_port_source_fini(source);
        source->race = race;
        if (!stays)
            replace(source, remote, now_ms);
        if (race && claim)
            race->former = source->replaced;
        source->rule = (uint8_t)rule;
        source->keyed = keyed;
        source->learnt = stays;
    }
    if (source->race)
        source->race->signalling = set->signalling;
    return 0;
}

void gh_port_source_fini(struct gh_port_source *source)
{
    free(source->race);
    source->race = NULL;
}

void gh_port_source_inherit(struct gh_port_source *heir, struct gh_port_source *from)
{
    *heir = *from;
    from->race = NULL;
}

bool gh_port_source_may_be(const struct gh_port_source *source, const struct gh_port_source *rtp,
                           const struct gh_addr *from, uint64_t now_ms)
{
    if (gh_media_address(&source->named, NULL) != GH_MEDIA_ADDRESS_USABLE ||
        gh_media_address(from, NULL) != GH_MEDIA_ADDRESS_USABLE)
        return false;
    switch ((enum gh_source_rule)source->rule) {
    case GH_SOURCE_RULE_HOST:
        return source->race && gh_addr_same_ip(from, &source->named);
    case GH_SOURCE_RULE_SYMMETRIC:
        if (source->keyed)
            return source->race;
        if (now_ms >= source->latch_until_ms ||
            (source->learnt && !gh_addr_eq(from, &source->named)))
            return false;
        return !rtp || (rtp->learnt && gh_addr_same_ip(from, &rtp->current));
    case GH_SOURCE_RULE_SDP:
    case GH_SOURCE_RULE_COUNT:
        break;
    }
    return false;
}

/* ---- what is accepted ------------------------------------------------------------------------ */

static struct gh_source_verdict stay(void)
{
    return (struct gh_source_verdict){ .step = GH_SOURCE_STAY };
}

static struct gh_source_verdict go_to(enum gh_source_step step, const struct gh_addr *to, bool proven)
{
    return (struct gh_source_verdict){ .step = step, .to = *to, .proven = proven };
}

static void forget_candidate(struct gh_source_race *race)
{
    race->candidate_pkts = 0;
    race->candidate_contested = false;
}

/* Who has the place is still there; against who is of higher rank that says nothing. */
static void current_lives(struct gh_port_source *source)
{
    struct gh_source_race *race = source->race;

    if (race->candidate_pkts && !outranks(source, &race->candidate))
        forget_candidate(race);
}

static struct gh_source_verdict from_current(struct gh_port_source *source, bool fresh,
                                             uint64_t now_ms)
{
    struct gh_source_race *race = source->race;

    if (!fresh) {
        current_lives(source);
        return stay();
    }
    source->learnt = true;
    current_lives(source);
    if (race->on_trial && now_ms >= race->trial_until_ms)
        return go_to(GH_SOURCE_CONFIRM, &source->current, true);
    return stay();
}

/* It is settled who sends RTP, and this is his host. */
static bool is_beside(const struct gh_port_source *rtp, const struct gh_addr *from)
{
    return rtp && rtp->learnt && gh_addr_same_ip(from, &rtp->current) &&
           !(rtp->race && rtp->race->on_trial);
}

/* His packets are another's with other means: they do not end the row of who is of higher rank. */
static bool gives_way(const struct gh_port_source *source, const struct gh_addr *from,
                      uint64_t now_ms)
{
    const struct gh_source_race *race = source->race;

    return race->candidate_pkts && now_ms < race->candidate_since_ms + GH_MOVE_WITHIN_MS &&
           rank_of(source, from) < rank_of(source, &race->candidate);
}

static void nominate(struct gh_source_race *race, const struct gh_addr *from, bool outranking,
                     uint64_t now_ms)
{
    if (race->candidate_pkts == 0 || !gh_addr_eq(from, &race->candidate) ||
        now_ms >= race->candidate_since_ms + GH_MOVE_WITHIN_MS) {
        race->candidate = *from;
        race->candidate_since_ms = now_ms;
        forget_candidate(race);
    }
    if (outranking || now_ms >= race->next_move_ms)
        race->candidate_pkts++;
}

/* A fresh one, of a keyed side whose source is learnt. */
static struct gh_source_verdict from_candidate(struct gh_port_source *source,
                                               const struct gh_port_source *rtp,
                                               const struct gh_addr *from, uint64_t now_ms)
{
    struct gh_source_race *race = source->race;
    /* RTCP comes once in some seconds: beside proven RTP one packet of it is enough. */
    bool beside = is_beside(rtp, from), outranking = outranks(source, from), had_trial, proven;

    if (gives_way(source, from, now_ms))
        return stay();
    nominate(race, from, outranking, now_ms);
    if (race->candidate_pkts < (beside ? 1 : GH_MOVE_PKTS))
        return stay();
    had_trial = now_ms - race->candidate_since_ms >= GH_SOURCE_TRIAL_MS;
    if (!had_trial && !beside && !outranking && !race->on_trial)
        return stay();
    proven = (had_trial && !race->candidate_contested) || beside ||
             rank_of(source, from) == RANK_NAMED;
    race->next_move_ms = now_ms + GH_MOVE_INTERVAL_MS;
    return go_to(GH_SOURCE_MOVE, from, proven);
}

/* Of a side without a race: clear, or one that may not learn. */
static struct gh_source_verdict accepted_once(struct gh_port_source *source,
                                              const struct gh_addr *from, bool fresh,
                                              uint64_t now_ms)
{
    if (gh_addr_eq(from, &source->current)) {
        source->learnt |= fresh;
        return stay();
    }
    if (is_late(source, from, now_ms))
        return stay();
    if (!source->learnt)
        return go_to(GH_SOURCE_LATCH, from, false);
    return gh_addr_eq(from, &source->named) ? go_to(GH_SOURCE_MOVE, from, false) : stay();
}

struct gh_source_verdict gh_port_source_accepted(struct gh_port_source *source,
                                                 const struct gh_port_source *rtp,
                                                 const struct gh_addr *from, bool fresh,
                                                 const struct gh_source_mark *mark, uint64_t now_ms)
{
    if (!source->race)
        return accepted_once(source, from, fresh, now_ms);
    remember(source, from, mark);
    if (gh_addr_eq(from, &source->current))
        return from_current(source, fresh, now_ms);
    source->race->stranger = *from;
    if (!fresh || is_late(source, from, now_ms))
        return stay();
    if (!source->learnt)
        return go_to(GH_SOURCE_LATCH, from, false);
    return from_candidate(source, rtp, from, now_ms);
}

/* ---- what is seen twice ---------------------------------------------------------------------- */

void gh_port_source_is_flooded(struct gh_port_source *source, uint64_t now_ms)
{
    if (source->race)
        source->race->trial_until_ms = now_ms + GH_SOURCE_TRIAL_MS;
}

static struct gh_source_verdict contest(struct gh_port_source *source,
                                        const struct gh_addr *other, uint64_t now_ms)
{
    static const struct gh_addr unknown;

    source->race->trial_until_ms = now_ms + GH_SOURCE_TRIAL_MS;
    return go_to(GH_SOURCE_CONTEST, gh_addr_eq(other, &source->current) ? &unknown : other, false);
}

static struct gh_source_verdict take_back(struct gh_source_race *race, const struct gh_addr *to,
                                          uint64_t now_ms)
{
    race->next_move_ms = now_ms + GH_MOVE_INTERVAL_MS;
    return go_to(GH_SOURCE_TAKE_BACK, to, false);
}

/* The current one sends what was accepted from elsewhere. */
static struct gh_source_verdict copied_by_current(struct gh_port_source *source, enum label of,
                                                  uint64_t now_ms)
{
    source->learnt = true;
    current_lives(source);
    if (of == label_of(source, &source->current))
        return stay(); /* the network doubled it */
    if (of == NAMED)
        return take_back(source->race, &source->named, now_ms);
    return contest(source, &source->race->stranger, now_ms);
}

/* Whether who sends the copy is to have the place that the sender of the packet has. */
static bool is_believed(const struct gh_port_source *source, const struct gh_addr *from,
                        enum label of)
{
    switch (label_of(source, from)) {
    case NAMED:
        return of != NAMED;
    case FORMER:
        return (of == CURRENT || (of == OTHER && !is_former_by_set(source))) &&
               rank_of(source, from) >= rank_of(source, &source->current);
    case OTHER:
        return of == CURRENT && outranks(source, from);
    case NONE:
    case CURRENT:
    case LABEL_COUNT:
        break;
    }
    return false;
}

struct gh_source_verdict gh_port_source_copied(struct gh_port_source *source,
                                               const struct gh_addr *from,
                                               const struct gh_source_mark *mark, uint64_t now_ms)
{
    struct gh_source_race *race = source->race;
    enum label of = find_copied(race, mark);

    if (of == NONE)
        return stay();
    if (gh_addr_eq(from, &source->current))
        return copied_by_current(source, of, now_ms);
    if (is_believed(source, from, of)) {
        bool by_set = label_of(source, from) == FORMER && is_former_by_set(source);

        return take_back(race, by_set ? &source->named : from, now_ms);
    }
    if (race->on_trial && of == CURRENT &&
        rank_of(source, from) == rank_of(source, &source->current))
        return contest(source, from, now_ms);
    /* The candidate's, by the looks of it: if he gets the place he has it unproven. */
    if (race->candidate_pkts && of == OTHER && !gh_addr_eq(from, &race->candidate))
        race->candidate_contested = true;
    return stay();
}

/* ---- what was done --------------------------------------------------------------------------- */

static void change_labels(struct gh_source_race *race, const struct gh_source_verdict *verdict,
                          const struct gh_addr *former)
{
    bool back = verdict->step == GH_SOURCE_TAKE_BACK, stays = gh_addr_eq(former, &race->former);
    const enum label to[LABEL_COUNT] = {
        [NAMED] = NAMED,
        [CURRENT] = former->family && !stays ? FORMER : OTHER,
        [FORMER] = gh_addr_eq(&verdict->to, &race->former) ? CURRENT : stays ? FORMER : OTHER,
        [OTHER] = back ? OTHER : CURRENT, /* they are of who takes the place */
    };

    relabel(race, to);
}

/* Who may take the place back after this; who took it by a copy may not. */
static struct gh_addr next_former(const struct gh_port_source *source,
                                  const struct gh_source_verdict *verdict)
{
    static const struct gh_addr nobody;

    switch (verdict->step) {
    case GH_SOURCE_MOVE:
        return has_claim(source) ? source->current : nobody;
    case GH_SOURCE_STAY: /* a set */
    case GH_SOURCE_LATCH:
        return is_former_by_set(source) ? source->race->former : nobody;
    case GH_SOURCE_TAKE_BACK:
    case GH_SOURCE_CONTEST:
    case GH_SOURCE_CONFIRM:
        break;
    }
    return nobody;
}

void gh_port_source_changed(struct gh_port_source *source, const struct gh_source_verdict *verdict,
                            bool learnt, uint64_t now_ms)
{
    struct gh_source_race *race = source->race;

    if (race) {
        struct gh_addr former = next_former(source, verdict);

        change_labels(race, verdict, &former);
        race->former = former;
        forget_candidate(race);
        race->on_trial = verdict->step != GH_SOURCE_TAKE_BACK && !verdict->proven &&
                         rank_of(source, &verdict->to) != RANK_NAMED;
        race->trial_until_ms = now_ms + GH_SOURCE_TRIAL_MS;
    }
    if (gh_addr_eq(&verdict->to, &source->replaced))
        source->replaced.family = 0; /* he is there after all */
    source->current = verdict->to;
    source->learnt = learnt;
}

void gh_port_source_confirmed(struct gh_port_source *source)
{
    source->race->on_trial = false;
}
