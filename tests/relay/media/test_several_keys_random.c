/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sets and packets of a side that declares several keys, against what media.h says of them, put as plainly as can
 * be: which keys are in force and which are old, under which MKI, and which packet was accepted once.
 */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "support_bare.h"

/* A sanitizer makes it slower: it sees fewer calls. */
#ifdef GH_SANITIZED
#define CALLS 60
#else
#define CALLS 400
#endif
#define STEPS    200
#define POOL     8  /* keys of a call, 1 to 8: all of them find room, so none is ever refused */
#define MKIS     6  /* values, 1 to 6: two keys have the same one by turns */
#define HELD_MAX 16 /* packets that are kept and come again */

static uint32_t seed = 1;

static uint32_t pick(uint32_t count)
{
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % count;
}

/* ---- what is to be ------------------------------------------------------------------------------------------ */

/* The MKI of each key, by its seed; 0: it is not one of them.  NAMELESS: its packets have none. */
#define NAMELESS 255

static struct {
    uint8_t now[POOL + 1], old[POOL + 1];
    uint64_t old_until_ms;
} side;

struct held {
    struct sealed packet; /* without its MKI */
    uint8_t key;
    bool rtcp, accepted;
};

static void model_set(const uint8_t *mkis, uint64_t now_ms)
{
    bool same = true, comes_back = false;

    for (int k = 1; k <= POOL; k++) {
        same = same && !mkis[k] == !side.now[k];
        comes_back = comes_back || (mkis[k] && side.old[k]);
    }
    if (comes_back)
        memset(side.old, 0, sizeof(side.old));
    if (!same) {
        for (int k = 1; k <= POOL; k++)
            side.old[k] = mkis[k] ? 0 : side.now[k];
        side.old_until_ms = now_ms + GH_OLD_KEY_MS;
    }
    memcpy(side.now, mkis, sizeof(side.now));
}

/* What becomes of a packet under @held's key that names @mki. */
static int model_packet(struct held *held, uint8_t mki, uint64_t now_ms)
{
    bool is_now, is_old;

    if (now_ms >= side.old_until_ms)
        memset(side.old, 0, sizeof(side.old));
    is_now = side.now[held->key] == mki;
    is_old = side.old[held->key] == mki;
    if (!is_now && !is_old)
        return REFUSED;
    if (held->accepted)
        return REPLAYED;
    held->accepted = true;
    if (is_now && side.old_until_ms > now_ms + GH_OLD_KEY_AFTER_NEW_MS)
        side.old_until_ms = now_ms + GH_OLD_KEY_AFTER_NEW_MS;
    return ACCEPTED;
}

/* ---- what is done ------------------------------------------------------------------------------------------- */

static void random_set(uint64_t now_ms)
{
    struct gh_media_set set = { .side = 0, .path = GH_PATH_BRIDGE };
    uint8_t seeds[GH_MEDIA_RX_KEYS_MAX + 1] = { 0 }, mkis[POOL + 1] = { 0 };
    uint8_t first = (uint8_t)pick(MKIS), start = (uint8_t)pick(POOL);
    size_t count = 1 + pick(GH_MEDIA_RX_KEYS_MAX);

    for (size_t i = 0; i < count; i++) {
        seeds[i] = (uint8_t)(1 + (start + i * 3) % POOL); /* each once: 3 and 8 have no factor in common */
        mkis[seeds[i]] = (uint8_t)(1 + (first + i) % MKIS);
    }
    bare_declare(&set, bare.suite, seeds);
    set.rx_mki = bare_mki(mkis[seeds[0]]);
    for (size_t i = 1; i < count; i++)
        set.rx_more->keys[i - 1].mki = bare_mki(mkis[seeds[i]]);
    if (count == 1 && pick(2)) {
        set.rx_mki.len = 0;
        mkis[seeds[0]] = NAMELESS;
    }
    set.tx_key = lab_key(bare.suite, OURS);
    bare_set(&set, now_ms);
    model_set(mkis, now_ms);
}

static bool arrives_as_it_should(struct held *held, uint8_t mki, uint64_t now_ms)
{
    int want = model_packet(held, mki, now_ms), got;
    struct sealed packet = held->packet;
    struct gh_media_mki named = bare_mki(mki);

    if (mki != NAMELESS)
        bare_name(&packet, held->rtcp, &named);
    got = bare_arrives(&packet, held->rtcp, now_ms);
    if (want == ACCEPTED)
        return CHECK(bare_is_accepted(got));
    /* The number is looked at before the tag; each key counts reports by itself. */
    return CHECK(got == want || (want == REFUSED && got == REPLAYED && (held->rtcp || held->accepted)));
}

/* Most packets name their key as the side said it. */
static uint8_t random_mki(uint8_t key)
{
    uint8_t right = side.now[key] && (!side.old[key] || pick(2)) ? side.now[key] : side.old[key];

    if (right && pick(4))
        return right;
    return pick(8) ? (uint8_t)(1 + pick(MKIS)) : NAMELESS;
}

static void random_call(enum gh_suite suite)
{
    static struct held held[HELD_MAX];
    uint64_t now_ms = 10000;
    uint32_t began = seed;

    bare_begin(suite);
    memset(&side, 0, sizeof(side));
    random_set(now_ms);
    for (int i = 0; i < HELD_MAX; i++)
        held[i].packet.len = 0;
    for (int step = 0; step < STEPS; step++) {
        struct held *one = &held[pick(HELD_MAX)];

        now_ms += pick(8) ? 20 : pick(1500);
        if (pick(12) == 0)
            random_set(now_ms);
        if (!one->packet.len || pick(2)) {
            one->key = (uint8_t)(1 + pick(POOL));
            one->rtcp = pick(4) == 0;
            one->accepted = false;
            one->packet = bare_seal(one->key, 0, one->rtcp);
        }
        if (!arrives_as_it_should(one, random_mki(one->key), now_ms)) {
            fprintf(stderr, "  call %u, step %d\n", began, step);
            break;
        }
    }
    CHECK_INT(bare_told(GH_MEDIA_EVENT_FAILED), 0);
    BARE_END();
}

static void random_calls(void)
{
    for (int i = 0; i < CALLS; i++)
        random_call((enum gh_suite)(GH_SUITE_NONE + 1 + i % (GH_SUITE_COUNT - 1)));
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(random_calls);
    return CHECK_REPORT();
}
