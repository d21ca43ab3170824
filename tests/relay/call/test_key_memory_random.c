/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of keys over random calls, against an oracle that keeps the keys themselves and
 * forgets nothing. */
#include "support_key_memory.h"

/* The oracle: every use ever, in order, with the key's number instead of a hash.  It follows the
 * words of the header, not the code: links are found anew for each question. */
#define LOG_MAX 300

static struct use {
    uint32_t key;
    bool written, exposed;
    struct gh_key_place at;
    enum gh_key_memory was; /* declared */
    uint64_t link;
} log_of[LOG_MAX];
static size_t log_count;
static bool over[64]; /* calls that have ended */

static uint64_t seed;

static unsigned pick(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* Were two calls joined for this key, by a hairpin or an INVITE that is the same?  Over any number
 * of steps: a walk from call to call. */
static bool linked(uint32_t n, uint64_t from, uint64_t to)
{
    bool reached[64] = { false }, grown = true;

    reached[from] = true;
    while (grown) {
        grown = false;
        for (size_t i = 0; i < log_count; i++) {
            uint64_t x = log_of[i].at.call, y = log_of[i].link;

            if (log_of[i].key != n || !y || reached[x] == reached[y])
                continue;
            reached[x] = reached[y] = grown = true;
        }
    }
    return reached[to];
}

static bool same_invite(const struct gh_key_place *a, const struct gh_key_place *b)
{
    return a->invite && a->invite == b->invite;
}

static enum gh_key_memory expected(uint32_t n, const struct gh_key_place *p, uint64_t *link)
{
    const struct use *repeat = NULL, *back = NULL, *again = NULL;
    bool echoed = false, reused = false, copy;
    uint64_t joins;

    *link = 0;
    for (size_t i = 0; i < log_count; i++) {
        const struct use *u = &log_of[i];
        bool same_call = u->at.call == p->call, same_side = u->at.side == p->side;
        bool same_mline = u->at.mline == p->mline;

        if (u->key != n)
            continue;
        if (u->exposed)
            return GH_KEY_SEEN_EXPOSED;
        if (same_call && same_mline && u->written == same_side)
            echoed = true;
        if (!u->written && same_side && same_mline &&
            (same_call ? u->at.dialog == p->dialog || same_invite(&u->at, p)
                       : same_invite(&u->at, p))) {
            if (same_call)
                repeat = u;
            else
                again = u;
        }
        if (!same_call && u->written && !over[u->at.call] && u->at.trunk == p->trunk)
            back = u;
    }
    if (echoed)
        return GH_KEY_SEEN_ECHOED;
    if (repeat) {
        *link = repeat->link;
        return repeat->was == GH_KEY_SEEN_HAIRPIN ? GH_KEY_SEEN_HAIRPIN : GH_KEY_FRESH;
    }
    joins = back ? back->at.call : again ? again->at.call : 0;
    for (size_t i = 0; i < log_count; i++) {
        const struct use *u = &log_of[i];

        if (u->key != n)
            continue;
        copy = false; /* of what the other side had declared before */
        for (size_t k = 0; k < i && u->written; k++)
            copy = copy || (log_of[k].key == n && !log_of[k].written &&
                            log_of[k].at.call == u->at.call && log_of[k].at.side != u->at.side);
        if (u->at.call == p->call) {
            if (u->written && u->at.side != p->side)
                reused = reused || !copy;
            else
                reused = true; /* another m-line or dialog of this side, or of the other */
            continue;
        }
        if (copy || u == back || u == again || (joins && linked(n, u->at.call, joins)))
            continue;
        if (!u->written && same_invite(&u->at, p) && u->at.side == p->side &&
            u->at.mline == p->mline)
            continue;
        if (u->written && !over[u->at.call] && u->at.trunk == p->trunk)
            continue;
        reused = true;
    }
    if (reused)
        return GH_KEY_SEEN_REUSED;
    *link = joins;
    return back ? GH_KEY_SEEN_HAIRPIN : GH_KEY_FRESH;
}

static struct gh_key_place random_place(unsigned calls)
{
    struct gh_key_place place = at(1 + pick(calls), (int)pick(2), pick(5) == 0);

    place.dialog += pick(6) == 0 ? 100 : 0;
    place.trunk = 1 + (gh_trunk_id)(place.dialog * 7 % 4);
    /* Some INVITEs are sent twice; half of the second dialogs come of the same INVITE. */
    if (place.dialog % 100 % 3 == 0)
        place.invite = 500 + place.dialog % 2;
    if (place.dialog >= 100 && place.call % 2)
        place.invite = 2000 + place.dialog;
    return place;
}

/* Would we write this key there?  What the other side declared, or what we drew for this call; not
 * again what stands there. */
static bool may_write(uint32_t n, const struct gh_key_place *place)
{
    bool other_declared = false, declared = false, foreign = false;

    for (size_t i = 0; i < log_count; i++) {
        const struct use *u = &log_of[i];

        if (u->key != n || u->exposed)
            continue;
        if (u->at.call != place->call) {
            foreign = true;
            continue;
        }
        if (!u->written)
            *(u->at.side == place->side ? &declared : &other_declared) = true;
        if (u->written && u->at.side == place->side && u->at.mline == place->mline &&
            u->at.dialog == place->dialog)
            return false;
    }
    return other_declared || (!declared && !foreign);
}

static bool one_step(unsigned calls, long met[GH_KEY_MEMORY_COUNT])
{
    struct gh_key_place place = random_place(calls);
    uint32_t n = pick(3);
    unsigned what = pick(40);
    uint64_t link;
    enum gh_key_memory want;

    if (over[place.call])
        return true;
    if (what == 0) {
        over[place.call] = true;
        gh_key_memory_call_ended(memory, place.call);
        return true;
    }
    if (what == 1 && pick(6) == 0) {
        expose(n, 0);
        log_of[log_count++] = (struct use){ .key = n, .exposed = true };
        return true;
    }
    if (what < 20) {
        if (!may_write(n, &place))
            return true;
        wrote(n, place);
        log_of[log_count++] = (struct use){ .key = n, .written = true, .at = place };
        return true;
    }
    want = expected(n, &place, &link);
    if (!CHECK_INT(declare(n, place), want))
        return false;
    met[want]++;
    if (want != GH_KEY_SEEN_EXPOSED && want != GH_KEY_SEEN_ECHOED)
        log_of[log_count++] =
            (struct use){ .key = n, .at = place, .was = want, .link = link };
    return true;
}

static void random_calls(void)
{
    long met[GH_KEY_MEMORY_COUNT] = { 0 };

    for (unsigned round = 0; round < 20000; round++) {
        seed = round;
        log_count = 0;
        memset(over, 0, sizeof(over));
        begin(10, 200);
        /* At most as many uses as are kept of one key: nothing is forgotten. */
        for (unsigned step = 0; step < 40 && log_count < GH_KEY_USES_MAX; step++) {
            if (!one_step(2 + round % 5, met)) {
                printf("round %u step %u\n", round, step);
                for (size_t i = 0; i < log_count; i++)
                    printf("key %u written %d exposed %d call %d side %d mline %u trunk %u dialog "
                           "%d invite %d was %d link %d\n",
                           log_of[i].key, log_of[i].written, log_of[i].exposed,
                           (int)log_of[i].at.call, log_of[i].at.side, log_of[i].at.mline,
                           log_of[i].at.trunk, (int)log_of[i].at.dialog, (int)log_of[i].at.invite,
                           (int)log_of[i].was, (int)log_of[i].link);
                return;
            }
        }
        CHECK_INT(gh_key_memory_counts(memory).places_forgotten, 0);
    }
    for (int i = 0; i < GH_KEY_MEMORY_COUNT; i++) {
        printf("     answer %d: %ld\n", i, met[i]);
        CHECK(met[i] > 1000);
    }
}

int main(void)
{
    RUN(random_calls);
    gh_key_memory_free(memory);
    return CHECK_REPORT();
}
