/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold however a session changes: random walks of offers and answers by either side,
 * over legs that prove more or less.  No key crosses to or from a leg that is not verified TLS;
 * what a side's newest description says is what its packets are read with; our own key stays
 * exactly as long as it is in force, and one that was replaced never comes back; what fails changes
 * nothing.  In between, exchanges of our own with one side, which leave the other as it was.
 */
#include <stdlib.h>

#include "call/neg_int.h"
#include "support/check.h"
#include "support_change.h"

#define WALKS    800
#define STEPS    10
#define GONE_MAX (STEPS * GH_NEG_STREAMS_MAX * 8)

static uint64_t seed = 0x9e3779b97f4a7c15;

static unsigned draw(unsigned below)
{
    seed ^= seed << 13; /* xorshift64 */
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % below;
}

/* ---- what the sides say ---------------------- */

static const char *const suites[] = { AES80, GCM };
static const char *const names[2][2][2] = { { { "@A1", "@A2" }, { "@AG", "@AG" } },
                                            { { "@B1", "@B2" }, { "@BG", "@BG" } } };

static void append(char *text, const char *more)
{
    if (strlen(text) + strlen(more) >= NEGO_TEXT_MAX)
        abort();
    strcat(text, more);
}

/* Of each m-line: off, clear, or one or two lines of this side's. */
static void write_offer(char *text, int side, size_t count)
{
    char line[256];

    strcpy(text, side ? B_HEAD : A_HEAD);
    for (size_t i = 0; i < count; i++) {
        const char *kind = draw(8) ? i % 2 ? "video" : "audio" : "application";
        unsigned what = draw(8), suite = draw(2);

        snprintf(line, sizeof(line), "m=%s %u RTP/%s 0\n", kind,
                 what == 0 ? 0 : 5004 + 2 * (unsigned)i, what < 2 ? "AVP" : "SAVP");
        append(text, line);
        if (what < 2)
            continue;
        snprintf(line, sizeof(line), "a=crypto:%u %s inline:%s\n", 1 + draw(5), suites[suite],
                 names[side][suite][i < 2 ? draw(2) : 0]);
        append(text, line);
        if (what > 5) {
            snprintf(line, sizeof(line), "a=crypto:%u %s inline:%s\n", 10 + draw(5), suites[!suite],
                     names[side][!suite][draw(2)]);
            append(text, line);
        }
    }
}

/* The answer of @side to what we wrote, with a line of ours for each m-line; sometimes with none.
 */
static void write_answer(char *text, int side, const char *offered)
{
    struct gh_sdp *doc = NULL;
    char line[256];

    strcpy(text, side ? B_HEAD : A_HEAD);
    if (gh_sdp_parse(&doc, gh_span_str(offered), NULL))
        abort(); /* what we wrote is SDP */
    for (int i = 0; i < (int)gh_sdp_media_count(doc); i++) {
        size_t lines = gh_sdp_crypto_count(doc, i);
        struct gh_sdp_crypto crypto = { 0 };
        struct gh_sdp_media media;
        bool keyed = lines && draw(12);

        gh_sdp_media(doc, i, &media);
        if (keyed)
            gh_sdp_crypto(doc, i, draw((unsigned)lines), &crypto);
        snprintf(line, sizeof(line), "m=%.*s %u %s 0\n", GH_SPAN_FMT(media.kind_text),
                 media.port && draw(12) ? 6000 + 2 * (unsigned)i : 0,
                 keyed ? "RTP/SAVP" : "RTP/AVP");
        append(text, line);
        if (!keyed)
            continue;
        snprintf(line, sizeof(line), "a=crypto:%u %s inline:%s\n", crypto.tag,
                 gh_suite_info(crypto.suite)->name,
                 names[side][crypto.suite == GH_AEAD_AES_256_GCM][draw(2)]);
        append(text, line);
    }
    gh_sdp_free(doc);
}

/* ---- one walk ---------------------- */

struct in_force {
    bool live, there; /* there: live, or off and to come back */
    bool own[2], worn[2];
    struct gh_secret rx[2], tx[2];
    gh_stream_id stream;
};

struct walk {
    struct session s;
    struct in_force now[GH_NEG_STREAMS_MAX];
    size_t count;                    /* m-lines of the session */
    struct gh_secret gone[GONE_MAX]; /* our own keys that were in force */
    size_t gone_count;
    char offer[NEGO_TEXT_MAX], answer[NEGO_TEXT_MAX];
};

static unsigned long changed, refused, kept, replaced, repeated, bridged;
static long told; /* failures are counted, not printed a million times */

static void must(bool holds, const char *what, const struct walk *walk)
{
    check_count++;
    if (holds)
        return;
    check_failed_total++;
    if (told++ < 5)
        fprintf(stderr, "failed: %s\noffer:\n%s\nwritten:\n%s\nanswer:\n%s\nwritten:\n%s\n", what,
                walk->offer, walk->s.offered, walk->answer, walk->s.answered);
}

static void read_in_force(const struct session *s, struct in_force *out)
{
    memset(out, 0, GH_NEG_STREAMS_MAX * sizeof(*out));
    for (size_t i = 0; s->neg && i < s->neg->count; i++) {
        out[i].live = s->neg->streams[i].live;
        out[i].there = out[i].live || s->neg->streams[i].parked;
        out[i].stream = s->neg->streams[i].stream;
        for (int side = 0; side < 2 && out[i].there; side++) {
            struct gh_media_set set;

            gh_neg_media_set(&s->neg->streams[i], side, &set);
            out[i].rx[side] = set.rx_key;
            out[i].tx[side] = set.tx_key;
            out[i].own[side] = s->neg->streams[i].force->own[side];
            out[i].worn[side] = s->neg->streams[i].side[side].worn;
        }
    }
}

static bool is_own(const struct in_force *stream, int side)
{
    return stream->tx[side].len && stream->own[side];
}

static bool has_secret(const char *text, const struct gh_secret *key)
{
    char base64[128];
    size_t len = 0;

    if (gh_sdp_base64_encode(key->octets, key->len, base64, sizeof(base64) - 1, &len))
        return false;
    base64[len] = 0;
    return len && strstr(text, base64);
}

static bool holds_key(const char *text, char side)
{
    const char *name, *key;

    for (size_t i = 0; (key = nego_key_text(i, &name)); i++) {
        if (name[0] == side && strstr(text, key))
            return true;
    }
    return false;
}

/* What was written, on both legs. */
static void check_written(const struct walk *walk, int offerer)
{
    const struct session *s = &walk->s;
    const char *text[2];

    text[!offerer] = s->offered;
    text[offerer] = s->answered;
    for (int side = 0; side < 2; side++) {
        bool proven = s->leg[side].leg.signalling == GH_SIG_TLS_VERIFIED;
        bool far_proven = s->leg[!side].leg.signalling == GH_SIG_TLS_VERIFIED;

        must(proven || !strstr(text[side], "inline:"), "keys on a path that is not proven", walk);
        must((proven && far_proven) || !holds_key(text[side], side ? 'A' : 'B'),
             "a key crosses to or from a path that is not proven", walk);
        must(!holds_key(text[side], side ? 'B' : 'A'), "a side gets its own key back", walk);
        for (size_t i = 0; i < walk->gone_count; i++)
            must(!has_secret(text[side], &walk->gone[i]), "a replaced key of ours is written",
                 walk);
    }
}

/* The key that the newest description of @side has for m-line @index, if it has but one. */
static bool declares(const char *description, size_t index, const struct gh_secret *key)
{
    char octets[NEGO_TEXT_MAX], text[128];
    size_t line = 0;

    nego_expand(description, octets);
    for (; *session_key(octets, (int)index, line, text); line++) {
        struct gh_secret one = { 0 };
        uint8_t raw[GH_SUITE_KEY_MAX];
        size_t len;
        bool same = !gh_sdp_base64_decode(gh_span_str(text), raw, sizeof(raw), &len) &&
                    !gh_secret_set(&one, raw, len) && gh_secret_equal(&one, key);

        gh_secret_wipe(&one);
        if (same)
            return true;
    }
    return false;
}

static void check_stream(struct walk *walk, size_t i, int offerer, const struct in_force *before,
                         const struct in_force *after)
{
    const char *said[2];
    bool goes_on = before->there && after->there && before->stream == after->stream;

    said[offerer] = walk->offer;
    said[!offerer] = walk->answer;
    for (int side = 0; side < 2; side++) {
        bool own = is_own(before, side);

        must(!goes_on || !before->rx[side].len || after->rx[side].len,
             "a keyed stream becomes a plain one", walk);
        if (after->live && after->rx[side].len)
            must(declares(said[side], i, &after->rx[side]), "read with what it declared", walk);
        must(!after->tx[side].len || !gh_secret_equal(&after->tx[side], &after->rx[side]),
             "one key for both directions", walk);
        if (!own)
            continue;
        if (after->there && gh_secret_equal(&after->tx[side], &before->tx[side])) {
            must(goes_on, "our own key is brought to another stream", walk);
            kept++;
            continue;
        }
        /* Of the same suite, in a stream that goes on, ours stays. */
        must(!goes_on || !is_own(after, side) || before->worn[side] ||
                 after->tx[side].len != before->tx[side].len,
             "our own key was replaced without need", walk);
        replaced++;
        if (walk->gone_count < GONE_MAX)
            walk->gone[walk->gone_count++] = before->tx[side];
    }
}

static void check_gone(const struct walk *walk)
{
    for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++) {
        for (size_t j = 0; j < 2 * walk->gone_count; j++)
            must(!gh_secret_equal(&walk->now[i].tx[j % 2], &walk->gone[j / 2]),
                 "a replaced key of ours is in force again", walk);
    }
}

static bool equal(const struct in_force *x, const struct in_force *y)
{
    bool same = true;

    for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++) {
        same = same && x[i].live == y[i].live;
        for (int side = 0; side < 2; side++)
            same = same && x[i].rx[side].len == y[i].rx[side].len &&
                   (!x[i].rx[side].len || gh_secret_equal(&x[i].rx[side], &y[i].rx[side])) &&
                   (!x[i].tx[side].len || gh_secret_equal(&x[i].tx[side], &y[i].tx[side]));
    }
    return same;
}

/* A connection may be another one in each exchange, and prove something else. */
static void draw_legs(struct session *s, bool first)
{
    static const enum gh_signalling signalling[] = { GH_SIG_TLS_VERIFIED, GH_SIG_TLS_NULL,
                                                     GH_SIG_CLEAR, GH_SIG_TLS_UNVERIFIED };

    for (int side = 0; side < 2; side++) {
        s->leg[side].leg.signalling = signalling[draw(4) ? 0 : draw(4)];
        s->leg[side].rules.on_downgrade = draw(2) ? GH_DOWNGRADE_MARK : GH_DOWNGRADE_REJECT;
        if (first)
            s->leg[side].leg.bridge = draw(4) == 0;
    }
    s->route_downgrade = GH_DOWNGRADE_MARK;
}

static void step(struct walk *walk, bool first)
{
    struct in_force after[GH_NEG_STREAMS_MAX];
    int offerer = (int)draw(2);
    enum gh_reason reason;
    size_t count = walk->count + (draw(4) == 0 && walk->count < 4);

    draw_legs(&walk->s, first);
    write_offer(walk->offer, offerer, count);
    walk->answer[0] = 0;
    /* Once to see what is written, which the answer depends on; that one fails for want of an
     * answer. */
    reason = session_change_whole(&walk->s, offerer, walk->offer, "rubbish\n");
    must(reason != GH_REASON_NONE, "rubbish is no answer", walk);
    check_written(walk, offerer);
    read_in_force(&walk->s, after);
    must(equal(walk->now, after), "what fails changes nothing", walk);
    if (!*walk->s.offered) {
        refused++;
        return;
    }
    write_answer(walk->answer, !offerer, walk->s.offered);
    reason = session_change_whole(&walk->s, offerer, walk->offer, walk->answer);
    check_written(walk, offerer);
    read_in_force(&walk->s, after);
    if (reason != GH_REASON_NONE) {
        refused++;
        must(equal(walk->now, after), "what fails changes nothing", walk);
    } else {
        changed++;
        walk->count = count;
        for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++)
            check_stream(walk, i, offerer, &walk->now[i], &after[i]);
        memcpy(walk->now, after, sizeof(after));
        check_gone(walk);
    }
    explicit_bzero(after, sizeof(after));
}

/* Paths follow from keys; where the far side knows another key than the one that comes, it is known to be stale. */
static void check_paths(const struct walk *walk)
{
    for (size_t i = 0; i < walk->s.neg->count; i++) {
        const struct gh_neg_stream *stream = &walk->s.neg->streams[i];
        const struct in_force *now = &walk->now[i];

        for (int side = 0; stream->live && side < 2; side++) {
            bool same = now->rx[side].len && gh_secret_equal(&now->rx[side], &now->tx[!side]);
            bool lost = now->tx[!side].len && !now->own[!side] && !same;

            must((stream->side[side].path == GH_PATH_PASS) == same, "pass is one key", walk);
            must(stream->side[!side].stale == lost, "a key that nobody sends under is stale", walk);
        }
    }
}

/* An exchange of our own: the other side's keys stay, and the answerer's are what it declares. */
static void alone(struct walk *walk)
{
    struct in_force after[GH_NEG_STREAMS_MAX];
    int side = (int)draw(2);
    enum gh_reason reason;

    for (size_t i = 0; i < walk->s.neg->count; i++) {
        if (draw(3) == 0)
            gh_neg_worn(walk->s.neg, i, side, walk->s.neg->streams[i].side[side].tx_key);
    }
    read_in_force(&walk->s, walk->now);
    walk->s.leg[side].leg.signalling = GH_SIG_TLS_VERIFIED;
    strcpy(walk->offer, "");
    session_alone_whole(&walk->s, side, NULL);
    must(*walk->s.offered != 0, "it can be said again", walk);
    write_answer(walk->answer, side, walk->s.offered);
    reason = session_alone_whole(&walk->s, side, walk->answer);
    read_in_force(&walk->s, after);
    must(!holds_key(walk->s.offered, side ? 'B' : 'A'), "a side gets its own key back", walk);
    for (size_t i = 0; i < walk->gone_count; i++)
        must(!has_secret(walk->s.offered, &walk->gone[i]), "a replaced key of ours is written", walk);
    if (reason != GH_REASON_NONE) {
        must(equal(walk->now, after), "what fails changes nothing", walk);
        return;
    }
    repeated++;
    for (size_t i = 0; i < walk->s.neg->count; i++) {
        const struct in_force *was = &walk->now[i], *is = &after[i];

        must(is->rx[!side].len == was->rx[!side].len && is->tx[!side].len == was->tx[!side].len &&
                 (!is->rx[!side].len || gh_secret_equal(&is->rx[!side], &was->rx[!side])) &&
                 (!is->tx[!side].len || gh_secret_equal(&is->tx[!side], &was->tx[!side])),
             "the other side's keys stay", walk);
        must(!was->there || is->stream == was->stream, "the stream stays", walk);
        must(!is->live || is->rx[side].len == was->rx[side].len, "suite and keying stay", walk);
        if (!is->live || !is->rx[side].len)
            continue;
        must(declares(walk->answer, i, &is->rx[side]), "read with what it declared", walk);
        must(!gh_secret_equal(&is->tx[side], &is->rx[side]), "one key for both directions", walk);
        must(!was->worn[side] || !gh_secret_equal(&is->tx[side], &was->tx[side]),
             "a worn key is replaced", walk);
        must(gh_secret_equal(&is->tx[side], &was->tx[side]) || is->own[side], "what is new is ours",
             walk);
        bridged += !was->own[side] && is->own[side];
        if (was->own[side] && !gh_secret_equal(&is->tx[side], &was->tx[side]) &&
            walk->gone_count < GONE_MAX)
            walk->gone[walk->gone_count++] = was->tx[side];
    }
    memcpy(walk->now, after, sizeof(after));
    check_gone(walk);
    explicit_bzero(after, sizeof(after));
}

static void random_walks(void)
{
    static const struct nego_who who = { ALLOWED };
    static struct walk walk;

    for (int n = 0; n < WALKS; n++) {
        session_init(&walk.s, &who, &who);
        walk.count = 1 + draw(2);
        for (int i = 0; i < STEPS; i++) {
            step(&walk, i == 0);
            for (int more = 0; walk.s.neg && more < (int)draw(3); more++)
                alone(&walk);
            if (walk.s.neg)
                check_paths(&walk);
        }
        session_fini(&walk.s);
        explicit_bzero(&walk, sizeof(walk));
    }
    /* The walks have met what they are about. */
    CHECK(changed > WALKS && refused > WALKS && kept > WALKS / 4 && replaced > WALKS / 4);
    CHECK(repeated > WALKS && bridged > WALKS / 16);
    printf("     %lu changes, %lu refused; own keys: %lu kept, %lu replaced; %lu repeated, %lu to bridge\n",
           changed, refused, kept, replaced, repeated, bridged);
}

int main(void)
{
    RUN(random_walks);
    return CHECK_REPORT();
}
