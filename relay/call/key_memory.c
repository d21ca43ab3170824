/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which SRTP keys were seen before, and where.  Two tables over the keyed hash of a key: exposed
 * ones, shared among the sources that exposed them, and places in calls.  What is done about a key
 * that was seen is left to policy.
 */
#include "call/key_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "crypto/hash.h"

#define TAG_LEN 16
#define BOOT_KEY_LEN 32
#define LIMIT_MAX ((size_t)1 << 30)

/* A key's name in here: the first 128 bits of HMAC-SHA-256 (RFC 2104 section 5 allows the cut). */
struct tag {
    uint8_t octets[TAG_LEN];
};

struct exposed {
    LIST_ENTRY(exposed) chain;  /* of equal low bits */
    TAILQ_ENTRY(exposed) share; /* of one source, oldest first; or free */
    struct tag tag;
    int64_t wall_us;
    gh_trunk_id source;
};

struct place {
    LIST_ENTRY(place) chain;      /* of equal low bits */
    LIST_ENTRY(place) call_chain; /* of like call numbers */
    TAILQ_ENTRY(place) age;       /* running or ended, oldest first; or free */
    struct tag tag;
    struct gh_key_place at;
    int64_t wall_us;
    uint64_t turn;   /* rank by age */
    uint64_t line;   /* the first of the calls that a hairpin or a repeated INVITE links */
    uint64_t linked; /* declared: the call that a hairpin came back from; 0: none */
    uint32_t number;
    bool written;    /* we wrote it; else the side declared it */
    bool own;        /* written: and no side of this call had declared it */
    bool running;    /* the call is not over */
};

LIST_HEAD(exposed_chain, exposed);
TAILQ_HEAD(exposed_share, exposed);
LIST_HEAD(place_chain, place);
TAILQ_HEAD(place_age, place);

struct gh_seen_keys {
    uint8_t boot_key[BOOT_KEY_LEN];
    struct exposed *exposed; /* all there ever are; those from exposed_used on were never touched */
    size_t exposed_max, exposed_used;
    struct exposed_chain *exposed_chains; /* a power of two */
    size_t exposed_mask;
    struct {
        struct exposed_share list;
        size_t count;
    } shares[GH_KEY_SOURCES];

    struct place *places;
    size_t places_max, places_used;
    struct place_chain *place_chains, *call_chains;
    size_t place_mask;
    struct place_age running, ended, free;
    uint64_t turns;
    struct gh_key_memory_counts counts;
};

/* ---- hashes ---------------------------------------------------------------------------------- */

static int tag_of(const struct gh_seen_keys *memory, const struct gh_secret *key, struct tag *out)
{
    uint8_t mac[32];
    int err =
        gh_hmac_sha256(memory->boot_key, sizeof(memory->boot_key), key->octets, key->len, mac);

    if (!err)
        memcpy(out->octets, mac, sizeof(out->octets));
    explicit_bzero(mac, sizeof(mac));
    return err;
}

/* In constant time.  Nobody outside can choose a tag, so this is care rather than need. */
static bool tag_equal(const struct tag *a, const struct tag *b)
{
    unsigned differ = 0;

    for (size_t i = 0; i < TAG_LEN; i++)
        differ |= (unsigned)(a->octets[i] ^ b->octets[i]);
    return differ == 0;
}

/* The tag is as good as random, so its octets are the hash. */
static size_t slot_of(const struct tag *tag, size_t mask)
{
    uint64_t bits;

    memcpy(&bits, tag->octets, sizeof(bits));
    return (size_t)bits & mask;
}

/* Call numbers are ours and mostly count up. */
static struct place_chain *call_chain(const struct gh_seen_keys *memory, uint64_t call)
{
    return &memory->call_chains[(size_t)call & memory->place_mask];
}

/* ---- exposed keys ---------------------------------------------------------------------------- */

static struct exposed *find_exposed(const struct gh_seen_keys *memory, const struct tag *tag)
{
    struct exposed *entry;

    LIST_FOREACH(entry, &memory->exposed_chains[slot_of(tag, memory->exposed_mask)], chain)
    {
        if (tag_equal(&entry->tag, tag))
            return entry;
    }
    return NULL;
}

/* Whoever holds most of the room loses; among equals the one that wants more, or the first. */
static size_t share_to_cut(const struct gh_seen_keys *memory, size_t wants)
{
    size_t most = wants;

    for (size_t i = 0; i < GH_KEY_SOURCES; i++) {
        if (memory->shares[i].count > memory->shares[most].count)
            most = i;
    }
    return most;
}

static struct exposed *take_exposed(struct gh_seen_keys *memory, size_t share)
{
    struct exposed *entry;
    size_t loser;

    if (memory->exposed_used < memory->exposed_max)
        return &memory->exposed[memory->exposed_used++];
    loser = share_to_cut(memory, share);
    entry = TAILQ_FIRST(&memory->shares[loser].list);
    TAILQ_REMOVE(&memory->shares[loser].list, entry, share);
    memory->shares[loser].count--;
    LIST_REMOVE(entry, chain);
    memory->counts.exposed--;
    memory->counts.exposed_forgotten++;
    return entry;
}

static void remember_exposed(struct gh_seen_keys *memory, const struct tag *tag, gh_trunk_id source,
                             int64_t wall_us)
{
    struct exposed *entry = find_exposed(memory, tag);
    size_t share = entry ? entry->source % GH_KEY_SOURCES : source % GH_KEY_SOURCES;

    if (entry) { /* young again; who exposed it first stays named */
        TAILQ_REMOVE(&memory->shares[share].list, entry, share);
        TAILQ_INSERT_TAIL(&memory->shares[share].list, entry, share);
        return;
    }
    entry = take_exposed(memory, share);
    entry->tag = *tag;
    entry->source = source;
    entry->wall_us = wall_us;
    LIST_INSERT_HEAD(&memory->exposed_chains[slot_of(tag, memory->exposed_mask)], entry, chain);
    TAILQ_INSERT_TAIL(&memory->shares[share].list, entry, share);
    memory->shares[share].count++;
    memory->counts.exposed++;
}

/* ---- places in calls ------------------------------------------------------------------------- */

/* The places of one key, gathered. */
struct uses {
    struct place *place[GH_KEY_USES_MAX];
    size_t count;
};

static struct uses find_uses(const struct gh_seen_keys *memory, const struct tag *tag)
{
    struct uses uses = { .count = 0 };
    struct place *place;

    LIST_FOREACH(place, &memory->place_chains[slot_of(tag, memory->place_mask)], chain)
    {
        if (uses.count < GH_KEY_USES_MAX && tag_equal(&place->tag, tag))
            uses.place[uses.count++] = place;
    }
    return uses;
}

static void forget(struct gh_seen_keys *memory, struct place *place)
{
    LIST_REMOVE(place, chain);
    LIST_REMOVE(place, call_chain);
    TAILQ_REMOVE(place->running ? &memory->running : &memory->ended, place, age);
    TAILQ_INSERT_TAIL(&memory->free, place, age);
    memory->counts.places--;
    memory->counts.places_forgotten++;
}

/* Of one key, what is missed least: ended calls, then other calls, then this one; the oldest. */
static struct place *least_missed(const struct uses *uses, uint64_t call)
{
    struct place *least = NULL;
    int least_rank = 0;

    for (size_t i = 0; i < uses->count; i++) {
        struct place *place = uses->place[i];
        int rank = place->at.call == call ? 2 : place->running ? 1 : 0;

        if (!least || rank < least_rank || (rank == least_rank && place->turn < least->turn)) {
            least = place;
            least_rank = rank;
        }
    }
    return least;
}

static struct place *take_place(struct gh_seen_keys *memory, const struct uses *uses, uint64_t call)
{
    struct place *place;

    if (uses->count == GH_KEY_USES_MAX)
        forget(memory, least_missed(uses, call));
    if (TAILQ_EMPTY(&memory->free) && memory->places_used < memory->places_max)
        return &memory->places[memory->places_used++];
    if (TAILQ_EMPTY(&memory->free)) {
        place = TAILQ_FIRST(&memory->ended);
        forget(memory, place ? place : TAILQ_FIRST(&memory->running));
    }
    place = TAILQ_FIRST(&memory->free);
    TAILQ_REMOVE(&memory->free, place, age);
    return place;
}

static struct place *remember(struct gh_seen_keys *memory, const struct tag *tag,
                              const struct uses *uses, const struct gh_key_place *at)
{
    struct place *place = take_place(memory, uses, at->call);

    memset(place, 0, sizeof(*place));
    place->tag = *tag;
    place->at = *at;
    place->turn = memory->turns++;
    place->line = at->call;
    place->running = true;
    LIST_INSERT_HEAD(&memory->place_chains[slot_of(tag, memory->place_mask)], place, chain);
    LIST_INSERT_HEAD(call_chain(memory, at->call), place, call_chain);
    TAILQ_INSERT_TAIL(&memory->running, place, age);
    memory->counts.places++;
    return place;
}

/* ---- what a key is --------------------------------------------------------------------------- */

static bool same_invite(const struct gh_key_place *a, const struct gh_key_place *b)
{
    return a->invite && a->invite == b->invite;
}

/* What one place that is known says of a declaration. */
enum relation {
    UNRELATED_USE = 0, /* reused, unless the calls are linked */
    OWN_COPY,          /* says nothing: what it copies is known too */
    REPEAT,            /* the same m-line of the same dialog or INVITE */
    SAME_INVITE,       /* in another call */
    CAME_BACK,         /* a hairpin */
    OTHER_LINE,        /* reused: linked calls do not excuse it */
    BOTH_WAYS          /* echoed */
};

static enum relation relate_in_call(const struct place *known, const struct gh_key_place *at)
{
    bool same_line = known->at.mline == at->mline, same_side = known->at.side == at->side;

    if (known->written && !same_side)
        return known->own ? OTHER_LINE : OWN_COPY;
    if (!known->written && same_side && same_line &&
        (known->at.dialog == at->dialog || same_invite(&known->at, at)))
        return REPEAT;
    /* What we wrote to this side, or the other side declared, goes the other way. */
    return same_line && known->written == same_side ? BOTH_WAYS : OTHER_LINE;
}

static enum relation relate(const struct place *known, const struct gh_key_place *at)
{
    if (known->at.call == at->call)
        return relate_in_call(known, at);
    if (known->written && known->running && known->at.trunk == at->trunk)
        return CAME_BACK;
    if (known->written)
        return known->own ? UNRELATED_USE : OWN_COPY;
    if (same_invite(&known->at, at) && known->at.side == at->side && known->at.mline == at->mline)
        return SAME_INVITE;
    return UNRELATED_USE;
}

/* The newest place of each relation. */
struct found {
    struct place *by[BOTH_WAYS + 1];
    int64_t since_us;
};

static struct found sort_uses(const struct uses *uses, const struct gh_key_place *at)
{
    struct found found = { .since_us = 0 };

    for (size_t i = 0; i < uses->count; i++) {
        struct place *place = uses->place[i];
        enum relation relation = relate(place, at);

        if (!found.by[relation] || found.by[relation]->turn < place->turn)
            found.by[relation] = place;
        if (i == 0 || place->wall_us < found.since_us)
            found.since_us = place->wall_us;
    }
    return found;
}

/* The line of calls that this declaration joins: what is known from them is no reuse. */
static uint64_t line_of(const struct found *found, uint64_t call)
{
    const struct place *near = found->by[REPEAT]      ? found->by[REPEAT]
                               : found->by[CAME_BACK] ? found->by[CAME_BACK]
                                                      : found->by[SAME_INVITE];

    return near ? near->line : call;
}

/* A reuse joins nothing, but its call may have been joined before. */
static uint64_t line_of_call(const struct uses *uses, uint64_t call)
{
    for (size_t i = 0; i < uses->count; i++) {
        if (uses->place[i]->at.call == call)
            return uses->place[i]->line;
    }
    return call;
}

static const struct place *reuse(const struct uses *uses, const struct found *found,
                                 const struct gh_key_place *at, uint64_t line)
{
    if (found->by[OTHER_LINE])
        return found->by[OTHER_LINE];
    for (size_t i = 0; i < uses->count; i++) {
        if (relate(uses->place[i], at) == UNRELATED_USE && uses->place[i]->line != line)
            return uses->place[i];
    }
    return NULL;
}

/* The table of the header, from `echoed` on.  @return the line of calls that it belongs to */
static uint64_t judge(const struct uses *uses, const struct gh_key_place *at,
                      struct gh_key_seen *out)
{
    struct found found = sort_uses(uses, at);
    uint64_t line = line_of(&found, at->call);
    const struct place *other = reuse(uses, &found, at, line);

    out->wall_us = found.since_us;
    if (found.by[BOTH_WAYS]) {
        out->seen = GH_KEY_SEEN_ECHOED;
        out->call = at->call;
    } else if (found.by[REPEAT]) {
        out->number = found.by[REPEAT]->number;
        out->call = found.by[REPEAT]->linked;
        out->seen = out->call ? GH_KEY_SEEN_HAIRPIN : GH_KEY_FRESH;
    } else if (other) {
        out->seen = GH_KEY_SEEN_REUSED;
        out->call = other->at.call;
        line = line_of_call(uses, at->call);
    } else if (found.by[CAME_BACK]) {
        out->seen = GH_KEY_SEEN_HAIRPIN;
        out->call = found.by[CAME_BACK]->at.call;
    } else {
        out->seen = GH_KEY_FRESH;
    }
    return line;
}

static const struct place *find_at(const struct uses *uses, const struct gh_key_place *at,
                                   bool written)
{
    for (size_t i = 0; i < uses->count; i++) {
        const struct gh_key_place *known = &uses->place[i]->at;

        if (uses->place[i]->written == written && known->call == at->call &&
            known->side == at->side && known->mline == at->mline && known->dialog == at->dialog)
            return uses->place[i];
    }
    return NULL;
}

/* ---- the public face ------------------------------------------------------------------------- */

static size_t power_of_two(size_t at_least)
{
    size_t n = 1;

    while (n < at_least)
        n *= 2;
    return n;
}

static int allocate(struct gh_seen_keys *memory)
{
    size_t exposed_slots = power_of_two(memory->exposed_max);
    size_t place_slots = power_of_two(memory->places_max);

    /* Zeroed pages of the system: what is never touched costs nothing. */
    memory->exposed = calloc(memory->exposed_max, sizeof(*memory->exposed));
    memory->exposed_chains = calloc(exposed_slots, sizeof(*memory->exposed_chains));
    memory->places = calloc(memory->places_max, sizeof(*memory->places));
    memory->place_chains = calloc(place_slots, sizeof(*memory->place_chains));
    memory->call_chains = calloc(place_slots, sizeof(*memory->call_chains));
    memory->exposed_mask = exposed_slots - 1;
    memory->place_mask = place_slots - 1;
    return memory->exposed && memory->exposed_chains && memory->places && memory->place_chains &&
                   memory->call_chains
               ? 0
               : GH_ENOMEM;
}

int gh_key_memory_new(struct gh_seen_keys **out, const struct gh_key_memory_limits *limits)
{
    struct gh_seen_keys *memory = calloc(1, sizeof(*memory));
    int err = GH_ENOMEM;

    if (!memory)
        goto out;
    memory->exposed_max = limits && limits->exposed ? limits->exposed : GH_KEY_EXPOSED_MAX;
    memory->places_max = limits && limits->places ? limits->places : GH_KEY_PLACES_MAX;
    err = memory->exposed_max > LIMIT_MAX || memory->places_max > LIMIT_MAX ? GH_ELIMIT : 0;
    if (!err)
        err = allocate(memory);
    if (!err)
        err = gh_random(memory->boot_key, sizeof(memory->boot_key));
    if (err)
        goto out;
    for (size_t i = 0; i < GH_KEY_SOURCES; i++)
        TAILQ_INIT(&memory->shares[i].list);
    TAILQ_INIT(&memory->running);
    TAILQ_INIT(&memory->ended);
    TAILQ_INIT(&memory->free);
    *out = memory;
    memory = NULL;
out:
    gh_key_memory_free(memory);
    return err;
}

void gh_key_memory_free(struct gh_seen_keys *memory)
{
    if (!memory)
        return;
    /* Without this key the tags are random octets. */
    explicit_bzero(memory->boot_key, sizeof(memory->boot_key));
    free(memory->exposed);
    free(memory->exposed_chains);
    free(memory->places);
    free(memory->place_chains);
    free(memory->call_chains);
    free(memory);
}

static void running_calls(const struct uses *uses, struct gh_key_calls *out)
{
    for (size_t i = 0; i < uses->count; i++) {
        size_t k = 0;

        while (k < out->count && out->call[k] != uses->place[i]->at.call)
            k++;
        if (uses->place[i]->running && k == out->count)
            out->call[out->count++] = uses->place[i]->at.call;
    }
}

int gh_key_memory_expose(struct gh_seen_keys *memory, const struct gh_secret *key,
                         gh_trunk_id source, int64_t wall_us, struct gh_key_calls *calls)
{
    struct uses uses;
    struct tag tag;
    int err;

    if (calls)
        calls->count = 0;
    if (key->len == 0)
        return GH_EINVAL;
    err = tag_of(memory, key, &tag);
    if (err) {
        memory->counts.exposed_lost++;
        return err;
    }
    remember_exposed(memory, &tag, source, wall_us);
    if (calls) {
        uses = find_uses(memory, &tag);
        running_calls(&uses, calls);
    }
    return 0;
}

static bool place_is_good(const struct gh_key_place *place)
{
    return place->call != 0 && (place->side == 0 || place->side == 1);
}

int gh_key_memory_declare(struct gh_seen_keys *memory, const struct gh_secret *key,
                          const struct gh_key_place *place, int64_t wall_us,
                          struct gh_key_seen *out)
{
    const struct exposed *exposed;
    struct place *added;
    struct uses uses;
    struct tag tag;
    uint64_t line;
    int err = GH_EINVAL;

    *out = (struct gh_key_seen){ .seen = GH_KEY_SEEN_EXPOSED, .number = key->number };
    if (key->len && place_is_good(place))
        err = tag_of(memory, key, &tag);
    if (err)
        return err;
    exposed = find_exposed(memory, &tag);
    if (exposed) {
        out->wall_us = exposed->wall_us;
        out->source = exposed->source;
        return 0;
    }
    uses = find_uses(memory, &tag);
    line = judge(&uses, place, out);
    if (out->seen == GH_KEY_SEEN_ECHOED || find_at(&uses, place, false))
        return 0;
    added = remember(memory, &tag, &uses, place);
    added->wall_us = wall_us;
    added->line = line;
    added->linked = out->seen == GH_KEY_SEEN_HAIRPIN ? out->call : 0;
    added->number = out->number;
    return 0;
}

int gh_key_memory_wrote(struct gh_seen_keys *memory, const struct gh_secret *key,
                        const struct gh_key_place *place, int64_t wall_us)
{
    const struct place *source = NULL;
    struct place *added;
    struct uses uses;
    uint64_t line = place->call;
    struct tag tag;
    int err = GH_EINVAL;

    if (key->len && place_is_good(place))
        err = tag_of(memory, key, &tag);
    if (err)
        return err;
    uses = find_uses(memory, &tag);
    if (find_at(&uses, place, true))
        return 0;
    for (size_t i = 0; i < uses.count; i++) {
        const struct place *known = uses.place[i];

        if (!known->written && known->at.call == place->call && known->at.side != place->side)
            source = known;
    }
    if (source)
        line = source->line;
    added = remember(memory, &tag, &uses, place);
    added->wall_us = wall_us;
    added->line = line;
    added->number = key->number;
    added->written = true;
    added->own = !source;
    return 0;
}

void gh_key_memory_call_ended(struct gh_seen_keys *memory, uint64_t call)
{
    struct place *place;

    LIST_FOREACH(place, call_chain(memory, call), call_chain)
    {
        if (place->at.call != call || !place->running)
            continue;
        TAILQ_REMOVE(&memory->running, place, age);
        TAILQ_INSERT_TAIL(&memory->ended, place, age);
        place->running = false;
    }
}

struct gh_key_memory_counts gh_key_memory_counts(const struct gh_seen_keys *memory)
{
    return memory->counts;
}
