/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of keys: each row of the table in key_memory.h, and its bounds.
 * test_key_memory_random.c tries what nobody thought of. */
#include "support/alloc_fail.h"

#include "support_key_memory.h"

/* ---- the table ------------------------------------------------------------------------------- */

static void unknown_keys_are_fresh(void)
{
    begin(0, 0);
    CHECK_INT(declare(1, at(1, A, 0)), GH_KEY_FRESH);
    CHECK_INT(seen.wall_us, 0);
    CHECK_INT(seen.call, 0);
    CHECK(seen.number != 0);
    CHECK_INT(declare(2, at(1, A, 0)), GH_KEY_FRESH);
    CHECK_INT(declare(3, at(1, B, 0)), GH_KEY_FRESH);
    CHECK_INT(gh_key_memory_counts(memory).places, 3);
}

static void exposed(void)
{
    int64_t when;

    begin(0, 0);
    when = clock_us;
    CHECK_INT(expose(1, 7).count, 0);
    CHECK_INT(expose(1, 8).count, 0);
    CHECK_INT(gh_key_memory_counts(memory).exposed, 1);
    CHECK_INT(declare(1, at(1, A, 0)), GH_KEY_SEEN_EXPOSED);
    CHECK_INT(seen.source, 7);
    CHECK_INT(seen.wall_us, when);
    CHECK_INT(declare(1, at(1, A, 0)), GH_KEY_SEEN_EXPOSED);
    CHECK_INT(gh_key_memory_counts(memory).places, 0);
    CHECK_INT(declare(2, at(1, A, 0)), GH_KEY_FRESH);
}

/* A repeat does not excuse it, and whoever uses it now is named. */
static void exposed_while_in_use(void)
{
    struct gh_key_calls calls;

    begin(0, 0);
    declare(1, at(1, A, 0));
    wrote(1, at(1, B, 0));
    declare(1, at(2, A, 0));
    declare(1, at(3, A, 0));
    gh_key_memory_call_ended(memory, 3);
    calls = expose(1, 0);
    CHECK_INT(calls.count, 2);
    CHECK_INT(calls.call[0] + calls.call[1], 3);
    CHECK_INT(declare(1, at(1, A, 0)), GH_KEY_SEEN_EXPOSED);
}

/* One key is declared at the first place; what is it at the second? */
static const struct {
    const char *name;
    struct gh_key_place first, second;
    enum gh_key_memory is;
} declared_rows[] = {
    /*                           call side mline trunk dialog invite */
    { "alternative line",        { 1, A, 0, 1, 1, 1 }, { 1, A, 0, 1, 1, 1 }, GH_KEY_FRESH },
    { "same dialog",             { 1, A, 0, 1, 1, 1 }, { 1, A, 0, 1, 1, 2 }, GH_KEY_FRESH },
    { "fork of ours",            { 1, B, 0, 2, 1, 1 }, { 1, B, 0, 2, 2, 1 }, GH_KEY_FRESH },
    { "our next destination",    { 1, B, 0, 2, 1, 1 }, { 1, B, 0, 3, 2, 1 }, GH_KEY_FRESH },
    { "a's retry",               { 1, A, 0, 1, 1, 1 }, { 2, A, 0, 1, 2, 1 }, GH_KEY_FRESH },
    { "a's next destination",    { 1, A, 0, 1, 1, 1 }, { 2, A, 0, 4, 2, 1 }, GH_KEY_FRESH },
    { "other m-line",            { 1, A, 0, 1, 1, 1 }, { 1, A, 1, 1, 1, 1 }, GH_KEY_SEEN_REUSED },
    { "the retry's other m-line",{ 1, A, 0, 1, 1, 1 }, { 2, A, 1, 1, 2, 1 }, GH_KEY_SEEN_REUSED },
    { "other dialog of the side",{ 1, B, 0, 2, 1, 1 }, { 1, B, 0, 3, 2, 2 }, GH_KEY_SEEN_REUSED },
    { "INVITEs not known",       { 1, B, 0, 2, 1, 0 }, { 1, B, 0, 2, 2, 0 }, GH_KEY_SEEN_REUSED },
    { "other call",              { 1, A, 0, 1, 1, 1 }, { 2, A, 0, 1, 2, 2 }, GH_KEY_SEEN_REUSED },
    { "other call, not known",   { 1, A, 0, 1, 1, 0 }, { 2, A, 0, 1, 2, 0 }, GH_KEY_SEEN_REUSED },
    { "other side, other call",  { 1, A, 0, 1, 1, 1 }, { 2, B, 0, 1, 2, 1 }, GH_KEY_SEEN_REUSED },
    { "other call and trunk",    { 1, A, 0, 1, 1, 1 }, { 2, A, 0, 2, 2, 2 }, GH_KEY_SEEN_REUSED },
    { "other side",              { 1, A, 0, 1, 1, 1 }, { 1, B, 0, 2, 2, 2 }, GH_KEY_SEEN_ECHOED },
    { "other side, caller's",    { 1, B, 0, 2, 2, 2 }, { 1, A, 0, 1, 1, 1 }, GH_KEY_SEEN_ECHOED },
    { "other side and m-line",   { 1, A, 0, 1, 1, 1 }, { 1, B, 1, 2, 2, 2 }, GH_KEY_SEEN_REUSED },
};

/* The same of a key that we drew and wrote to the first place. */
static const struct {
    const char *name;
    struct gh_key_place first, second;
    int ended; /* the first call */
    enum gh_key_memory is;
} own_rows[] = {
    { "echo",                  { 1, B, 0, 2, 1, 1 }, { 1, B, 0, 2, 1, 1 }, 0, GH_KEY_SEEN_ECHOED },
    { "echo of a fork",        { 1, B, 0, 2, 1, 1 }, { 1, B, 0, 2, 9, 1 }, 0, GH_KEY_SEEN_ECHOED },
    { "echo on another m-line",{ 1, B, 0, 2, 1, 1 }, { 1, B, 1, 2, 1, 1 }, 0, GH_KEY_SEEN_REUSED },
    { "the other side has it", { 1, B, 0, 2, 1, 1 }, { 1, A, 0, 1, 2, 2 }, 0, GH_KEY_SEEN_REUSED },
    { "comes back",            { 1, B, 0, 2, 1, 1 }, { 2, A, 0, 2, 2, 2 }, 0, GH_KEY_SEEN_HAIRPIN },
    { "back on another m-line",{ 1, B, 0, 2, 1, 1 }, { 2, A, 1, 2, 2, 2 }, 0, GH_KEY_SEEN_HAIRPIN },
    { "comes back as answer",  { 1, A, 0, 2, 1, 1 }, { 2, B, 0, 2, 2, 2 }, 0, GH_KEY_SEEN_HAIRPIN },
    { "after the call",        { 1, B, 0, 2, 1, 1 }, { 2, A, 0, 2, 2, 2 }, 1, GH_KEY_SEEN_REUSED },
    { "by somebody else",      { 1, B, 0, 2, 1, 1 }, { 2, A, 0, 3, 2, 2 }, 0, GH_KEY_SEEN_REUSED },
};

static void declared_twice(void)
{
    for (size_t i = 0; i < sizeof(declared_rows) / sizeof(declared_rows[0]); i++) {
        for (int ended = 0; ended < 2; ended++) {
            uint32_t number;
            int64_t when = clock_us;

            begin(0, 0);
            CHECK_INT(declare(1, declared_rows[i].first), GH_KEY_FRESH);
            number = seen.number;
            if (ended && declared_rows[i].first.call != declared_rows[i].second.call)
                gh_key_memory_call_ended(memory, declared_rows[i].first.call);
            if (!CHECK_INT(declare(1, declared_rows[i].second), declared_rows[i].is))
                printf("     in row %s\n", declared_rows[i].name);
            CHECK_INT(seen.wall_us, when);
            CHECK_INT(seen.call, declared_rows[i].is == GH_KEY_FRESH ? 0 : 1);
            /* What repeats in a call keeps the name of the first time. */
            if (declared_rows[i].is == GH_KEY_FRESH)
                CHECK((seen.number == number) == (declared_rows[i].second.call == 1));
            if (declared_rows[i].is == GH_KEY_SEEN_ECHOED)
                CHECK_INT(gh_key_memory_counts(memory).places, 1);
            else /* now it is a repeat */
                CHECK_INT(declare(1, declared_rows[i].second), GH_KEY_FRESH);
        }
    }
}

static void own_key_comes_from_elsewhere(void)
{
    for (size_t i = 0; i < sizeof(own_rows) / sizeof(own_rows[0]); i++) {
        begin(0, 0);
        wrote(1, own_rows[i].first);
        wrote(1, own_rows[i].first);
        CHECK_INT(gh_key_memory_counts(memory).places, 1);
        if (own_rows[i].ended)
            gh_key_memory_call_ended(memory, 1);
        if (!CHECK_INT(declare(1, own_rows[i].second), own_rows[i].is))
            printf("     in row %s\n", own_rows[i].name);
        CHECK_INT(seen.call, 1);
        if (own_rows[i].is == GH_KEY_SEEN_HAIRPIN) { /* and stays one */
            CHECK_INT(declare(1, own_rows[i].second), GH_KEY_SEEN_HAIRPIN);
            CHECK_INT(seen.call, 1);
        }
    }
}

/* Side a's key is copied to b: in an answer of b it is an echo, for a it is what it was. */
static void our_copies_are_no_reuse(void)
{
    begin(0, 0);
    declare(1, at(1, A, 0));
    wrote(1, at(1, B, 0));
    CHECK_INT(declare(2, at(1, B, 0)), GH_KEY_FRESH);
    wrote(2, at(1, A, 0));
    CHECK_INT(declare(1, at(1, A, 0)), GH_KEY_FRESH);
    CHECK_INT(declare(2, at(1, B, 0)), GH_KEY_FRESH);
    CHECK_INT(declare(1, at(1, B, 0)), GH_KEY_SEEN_ECHOED);
    CHECK_INT(declare(2, at(1, A, 0)), GH_KEY_SEEN_ECHOED);
    CHECK_INT(declare(1, at(1, A, 0)), GH_KEY_FRESH); /* b's echo changes nothing for a */
}

/* The same key and a retry: what was copied in the first call does not count. */
static void retry_of_a_copied_key(void)
{
    struct gh_key_place again = at(2, A, 0);

    begin(0, 0);
    again.invite = at(1, A, 0).invite;
    declare(1, at(1, A, 0));
    wrote(1, at(1, B, 0));
    gh_key_memory_call_ended(memory, 1);
    CHECK_INT(declare(1, again), GH_KEY_FRESH);
    wrote(1, at(2, B, 0));
    CHECK_INT(declare(1, again), GH_KEY_FRESH);
    CHECK_INT(declare(1, at(3, A, 0)), GH_KEY_SEEN_REUSED);
}

/* a --1--> b, which sends the call back: b --2--> c, which does so too: c --3--> d.  Answers. */
static void call_that_comes_back_twice(void)
{
    struct gh_key_place a1 = at(1, A, 0), b1 = at(1, B, 0), b2 = at(2, A, 0), c2 = at(2, B, 0);
    struct gh_key_place c3 = at(3, A, 0), d3 = at(3, B, 0), x = at(4, A, 0);

    b1.trunk = b2.trunk = 12;
    c2.trunk = c3.trunk = 13;
    d3.trunk = 14;
    begin(0, 0);
    CHECK_INT(declare(1, a1), GH_KEY_FRESH);
    wrote(1, b1);
    CHECK_INT(declare(1, b2), GH_KEY_SEEN_HAIRPIN);
    CHECK_INT(seen.call, 1);
    wrote(1, c2);
    CHECK_INT(declare(1, c3), GH_KEY_SEEN_HAIRPIN);
    CHECK_INT(seen.call, 2);
    wrote(1, d3);
    CHECK_INT(declare(2, d3), GH_KEY_FRESH);
    wrote(2, c3);
    CHECK_INT(declare(2, c2), GH_KEY_SEEN_HAIRPIN);
    CHECK_INT(seen.call, 3);
    wrote(2, b2);
    CHECK_INT(declare(2, b1), GH_KEY_SEEN_HAIRPIN);
    CHECK_INT(seen.call, 2);
    wrote(2, a1);
    /* Everybody repeats. */
    CHECK_INT(declare(1, a1), GH_KEY_FRESH);
    CHECK_INT(declare(1, b2), GH_KEY_SEEN_HAIRPIN);
    CHECK_INT(declare(1, c3), GH_KEY_SEEN_HAIRPIN);
    CHECK_INT(declare(2, d3), GH_KEY_FRESH);
    CHECK_INT(declare(2, b1), GH_KEY_SEEN_HAIRPIN);
    /* An echo at the far end, and one who has nothing to do with it. */
    CHECK_INT(declare(1, d3), GH_KEY_SEEN_ECHOED);
    x.trunk = 99;
    CHECK_INT(declare(1, x), GH_KEY_SEEN_REUSED);
    /* From now on c's next call is not only a hairpin. */
    c3.call = 5;
    c3.dialog = 55;
    CHECK_INT(declare(1, c3), GH_KEY_SEEN_REUSED);
}

/* a's retry after a call that came back: all of it is one line. */
static void retry_of_a_call_that_came_back(void)
{
    struct gh_key_place again = at(3, A, 0), back = at(2, A, 0), back_again = at(4, A, 0);

    begin(0, 0);
    back.trunk = back_again.trunk = 2;
    again.invite = at(1, A, 0).invite;
    declare(1, at(1, A, 0));
    wrote(1, at(1, B, 0));
    CHECK_INT(declare(1, back), GH_KEY_SEEN_HAIRPIN);
    gh_key_memory_call_ended(memory, 2);
    gh_key_memory_call_ended(memory, 1);
    CHECK_INT(declare(1, again), GH_KEY_FRESH);
    wrote(1, at(3, B, 0));
    CHECK_INT(declare(1, back_again), GH_KEY_SEEN_HAIRPIN);
    CHECK_INT(seen.call, 3);
}

/* The endpoint itself uses its key for a second call while the first runs: its neighbour had it
 * first, not from us. */
static void second_call_of_the_same_endpoint(void)
{
    begin(0, 0);
    declare(1, at(1, A, 0));
    wrote(1, at(1, B, 0));
    CHECK_INT(declare(1, at(2, A, 0)), GH_KEY_SEEN_REUSED);
    CHECK_INT(seen.call, 1);
}

/* Length counts: master key and salt are compared, not a part of them. */
static void keys_of_other_lengths(void)
{
    struct gh_secret longer = { .len = 0 }, shorter = key(1);
    uint8_t octets[46] = { 0 };
    struct gh_key_place place = at(2, A, 0);

    begin(0, 0);
    memcpy(octets, shorter.octets, shorter.len);
    gh_secret_set(&longer, octets, sizeof(octets));
    expose(1, 0);
    CHECK_INT(gh_key_memory_declare(memory, &longer, &place, 0, &seen), 0);
    CHECK_INT(seen.seen, GH_KEY_FRESH);
}

static void bad_arguments(void)
{
    struct gh_secret none = { .len = 0 }, good = key(1);
    struct gh_key_place place = at(1, A, 0), no_call = at(0, A, 0), no_side = at(1, 2, 0);
    struct gh_key_calls calls = { .count = 5 };
    struct gh_key_memory_limits much = { ((size_t)1 << 30) + 1, 1 };
    struct gh_seen_keys *other = NULL;

    begin(0, 0);
    CHECK_INT(gh_key_memory_declare(memory, &none, &place, 0, &seen), GH_EINVAL);
    CHECK_INT(seen.seen, GH_KEY_SEEN_EXPOSED);
    CHECK_INT(gh_key_memory_declare(memory, &good, &no_call, 0, &seen), GH_EINVAL);
    CHECK_INT(gh_key_memory_declare(memory, &good, &no_side, 0, &seen), GH_EINVAL);
    CHECK_INT(gh_key_memory_wrote(memory, &none, &place, 0), GH_EINVAL);
    CHECK_INT(gh_key_memory_wrote(memory, &good, &no_call, 0), GH_EINVAL);
    CHECK_INT(gh_key_memory_expose(memory, &none, 0, 0, &calls), GH_EINVAL);
    CHECK_INT(calls.count, 0);
    CHECK_INT(gh_key_memory_expose(memory, &good, 0, 0, NULL), 0);
    CHECK_INT(gh_key_memory_new(&other, &much), GH_ELIMIT);
    CHECK(!other);
    gh_key_memory_free(NULL);
    gh_key_memory_call_ended(memory, 77);
}

/* Do these octets stand anywhere on the heap? */
static bool on_heap(const uint8_t *octets, size_t len)
{
    static uint8_t page[1 << 20];
    FILE *maps = fopen("/proc/self/maps", "r");
    bool found = false;

    for (char row[512]; maps && fgets(row, sizeof(row), maps);) {
        unsigned long from, to;
        FILE *mem = strstr(row, "[heap]") ? fopen("/proc/self/mem", "r") : NULL;

        if (mem && sscanf(row, "%lx-%lx", &from, &to) == 2 && !fseek(mem, (long)from, SEEK_SET)) {
            size_t size = to - from < sizeof(page) ? to - from : sizeof(page);

            size = fread(page, 1, size, mem);
            found = found || memmem(page, size, octets, len);
        }
        if (mem)
            fclose(mem);
    }
    if (maps)
        fclose(maps);
    explicit_bzero(page, sizeof(page));
    return found;
}

static void no_key_is_kept(void)
{
    struct gh_secret secret = { .len = 0 };
    struct gh_key_place place = at(1, A, 0);

    begin(64, 64);
    CHECK_INT(gh_secret_draw(&secret, GH_AES_CM_128_HMAC_SHA1_80), 0);
    CHECK_INT(gh_key_memory_declare(memory, &secret, &place, 1, &seen), 0);
    place.side = B;
    CHECK_INT(gh_key_memory_wrote(memory, &secret, &place, 1), 0);
    CHECK_INT(gh_key_memory_expose(memory, &secret, 1, 1, NULL), 0);
    CHECK(!on_heap(secret.octets, 8));
#if GH_ALLOC_CAN_FAIL /* a sanitizer's heap is elsewhere */
    {
        struct gh_secret *copy = malloc(sizeof(*copy)); /* it would be found */

        CHECK_OR_STOP(copy != NULL);
        *copy = secret;
        CHECK(on_heap(secret.octets, 8));
        gh_secret_wipe(copy);
        free(copy);
    }
#endif
    gh_secret_wipe(&secret);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* One neighbour floods: it loses its own; the others keep theirs. */
static void flood_of_exposed_keys(void)
{
    size_t room = 400;

    begin(room, 100);
    for (uint32_t i = 0; i < 50; i++) {
        expose(i, 1);
        expose(1000 + i, 2);
    }
    for (uint32_t i = 0; i < 100000; i++)
        expose(100000 + i, 3);
    CHECK_INT(gh_key_memory_counts(memory).exposed, room);
    CHECK_INT(gh_key_memory_counts(memory).exposed_forgotten, 100000 + 100 - room);
    for (uint32_t i = 0; i < 50; i++) {
        CHECK_INT(declare(i, at(1, A, 0)), GH_KEY_SEEN_EXPOSED);
        CHECK_INT(declare(1000 + i, at(1, A, 0)), GH_KEY_SEEN_EXPOSED);
    }
    /* Of the flood the newest are known. */
    CHECK_INT(declare(199999, at(1, A, 0)), GH_KEY_SEEN_EXPOSED);
    CHECK_INT(declare(199999 - 299, at(1, A, 0)), GH_KEY_SEEN_EXPOSED);
    CHECK_INT(declare(199999 - 300, at(1, A, 0)), GH_KEY_FRESH);
}

/* Others may take what exceeds an equal share, not more. */
static void shares_become_equal(void)
{
    begin(90, 100);
    for (uint32_t i = 0; i < 90; i++)
        expose(i, 1);
    for (uint32_t i = 0; i < 1000; i++) {
        expose(10000 + i, 2);
        expose(20000 + i, 3);
    }
    for (uint32_t i = 0; i < 90; i++) /* the oldest of 1 are gone */
        CHECK_INT(declare(i, at(1, A, 0)), i < 60 ? GH_KEY_FRESH : GH_KEY_SEEN_EXPOSED);
}

/* Seen again is young again. */
static void exposed_again_is_kept_longer(void)
{
    begin(10, 10);
    for (uint32_t i = 0; i < 10; i++)
        expose(i, 1);
    expose(0, 1);
    expose(100, 1);
    CHECK_INT(declare(0, at(1, A, 0)), GH_KEY_SEEN_EXPOSED);
    CHECK_INT(declare(1, at(1, A, 0)), GH_KEY_FRESH);
}

static void keys_of_calls_push_out_no_exposed_one(void)
{
    begin(4, 50);
    expose(1, 0);
    for (uint32_t i = 0; i < 5000; i++)
        declare(1000 + i, at(1 + i, A, 0));
    CHECK_INT(declare(1, at(9999, A, 0)), GH_KEY_SEEN_EXPOSED);
    CHECK_INT(gh_key_memory_counts(memory).places, 50);
    CHECK_INT(gh_key_memory_counts(memory).places_forgotten, 4950);
}

/* What a running call needs outlives what ended calls left, however young that is. */
static void ended_calls_go_first(void)
{
    begin(4, 50);
    declare(1, at(1, A, 0));
    wrote(1, at(1, B, 0));
    for (uint32_t i = 0; i < 5000; i++) {
        declare(1000 + i, at(10 + i, A, 0));
        gh_key_memory_call_ended(memory, 10 + i);
    }
    CHECK_INT(declare(1, at(1, B, 0)), GH_KEY_SEEN_ECHOED);
    CHECK_INT(declare(1, at(1, A, 0)), GH_KEY_FRESH);
    CHECK_INT(declare(5999, at(7000, A, 0)), GH_KEY_SEEN_REUSED);
    CHECK_INT(declare(5900, at(7000, A, 0)), GH_KEY_FRESH);
}

/* A key that is everywhere: the call that brings it keeps its own places. */
static void one_key_in_many_calls(void)
{
    begin(4, 1000);
    for (uint32_t i = 1; i <= 200; i++) {
        enum gh_key_memory is = declare(1, at(i, A, 0));

        CHECK_INT(is, i == 1 ? GH_KEY_FRESH : GH_KEY_SEEN_REUSED);
        wrote(1, at(i, B, 0));
        CHECK_INT(declare(1, at(i, A, 0)), GH_KEY_FRESH);
        CHECK_INT(declare(1, at(i, B, 0)), GH_KEY_SEEN_ECHOED);
        CHECK(gh_key_memory_counts(memory).places <= GH_KEY_USES_MAX);
    }
    CHECK_INT(expose(1, 0).count, GH_KEY_USES_MAX / 2);
}

static void one_place_is_enough_to_work(void)
{
    begin(1, 1);
    for (uint32_t i = 0; i < 50; i++) {
        CHECK_INT(declare(i, at(1, A, 0)), GH_KEY_FRESH);
        CHECK_INT(declare(i, at(1, A, 0)), GH_KEY_FRESH);
        expose(i, i);
        CHECK_INT(declare(i, at(1, A, 0)), GH_KEY_SEEN_EXPOSED);
    }
    CHECK_INT(gh_key_memory_counts(memory).exposed, 1);
    CHECK_INT(gh_key_memory_counts(memory).places, 1);
}

static void without_memory_there_is_none(void)
{
#if GH_ALLOC_CAN_FAIL
    long n = 1;

    for (;; n++) {
        struct gh_seen_keys *made = NULL;
        int err;

        alloc_fail_at(n);
        err = gh_key_memory_new(&made, NULL);
        if (!alloc_failed()) {
            CHECK_INT(err, 0);
            gh_key_memory_free(made);
            break;
        }
        CHECK_INT(err, GH_ENOMEM);
        CHECK(!made);
    }
    CHECK_INT(n, 7);
    /* Later nothing of ours is allocated. */
    begin(100, 100);
    for (uint32_t i = 0; i < 300; i++) {
        alloc_fail_at(1);
        declare(i, at(i + 1, A, 0));
        wrote(i, at(i + 1, B, 0));
        expose(i + 5000, i);
        gh_key_memory_call_ended(memory, i);
        CHECK(!alloc_failed());
    }
#else
    CHECK(true);
#endif
}

int main(void)
{
    RUN(unknown_keys_are_fresh);
    RUN(exposed);
    RUN(exposed_while_in_use);
    RUN(declared_twice);
    RUN(own_key_comes_from_elsewhere);
    RUN(our_copies_are_no_reuse);
    RUN(retry_of_a_copied_key);
    RUN(call_that_comes_back_twice);
    RUN(retry_of_a_call_that_came_back);
    RUN(second_call_of_the_same_endpoint);
    RUN(keys_of_other_lengths);
    RUN(bad_arguments);
    RUN(no_key_is_kept);
    RUN(flood_of_exposed_keys);
    RUN(shares_become_equal);
    RUN(exposed_again_is_kept_longer);
    RUN(keys_of_calls_push_out_no_exposed_one);
    RUN(ended_calls_go_first);
    RUN(one_key_in_many_calls);
    RUN(one_place_is_enough_to_work);
    RUN(without_memory_there_is_none);
    gh_key_memory_free(memory);
    return CHECK_REPORT();
}
