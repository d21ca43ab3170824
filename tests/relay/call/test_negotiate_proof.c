/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold for every offer and answer, over all combinations of modes, signalling, options,
 * offers and answers: no key crosses unless both legs are verified TLS; no address crosses at all;
 * no key is used for two directions; `pass` is pass.  And: what is given back to the allocator
 * holds no key, and memory may run out anywhere.
 */
#include <malloc.h>

#include "support/alloc_fail.h"
#include "support/check.h"
#include "support_negotiate.h"

/* ---- freed memory
 * ---------------------------------------------------------------------------------------- */

#define WATCHED_MAX 64

static _Thread_local bool watching;
static struct {
    char octets[16];
} watched[WATCHED_MAX];
static size_t watched_count;
static long dirty;

/* 16 octets of a key, or of its base64, that no freed block may hold. */
static void watch(const void *octets)
{
    if (watched_count < WATCHED_MAX)
        memcpy(watched[watched_count++].octets, octets, 16);
}

#if GH_ALLOC_CAN_FAIL
extern void __libc_free(void *p);

void free(void *p)
{
    if (p && watching) {
        size_t len = malloc_usable_size(p);

        for (size_t i = 0; i < watched_count; i++)
            dirty += memmem(p, len, watched[i].octets, 16) != NULL;
    }
    __libc_free(p);
}
#endif

/* ---- one exchange
 * ------------------------------------------------------------------------------------------- */

#define LINE(tag, suite, key) "a=crypto:" tag " " suite " inline:" key "\n"

static const char *const offers[] = {
    A_HEAD "m=audio 5004 RTP/AVP 0\n",
    A_HEAD "m=audio 5004 RTP/AVP 0\n" LINE("1", AES80, "@A1"),
    A_HEAD "m=audio 5004 RTP/SAVP 0\n" LINE("1", AES80, "@A1"),
    A_HEAD "m=audio 5004 RTP/SAVP 0\n" LINE("1", AES80, "@A1") LINE("2", AES80, "@A2")
        LINE("3", GCM, "@AG"),
    A_HEAD "m=audio 5004 RTP/SAVP 0\na=rtcp:5005 IN IP4 192.0.2.1\n" LINE("5", GCM, "@AG")
        LINE("6", AES32, "@A2") "m=video 5006 RTP/AVP 97\n" LINE("1", AES80, "@A1"),
    A_HEAD "i=call 192.0.2.1\na=crypto:1 " AES80
           " inline:@A2\nm=audio 5004 RTP/AVP 0\na=x-key:inline:@A1\n",
};

/* How b answers: with the line of this index, under its own key, or otherwise. */
enum how { AVP = -1, SAVP_FOREIGN = -2, ZERO = -3, COUNT_OF_LINES = 4 };

struct exchange {
    struct nego_leg a, b;
    struct gh_neg neg;
    bool first, fallback;
    enum how how;
    char to_b[NEGO_TEXT_MAX], from_b[NEGO_TEXT_MAX], to_a[NEGO_TEXT_MAX];
    struct gh_media_set sets[GH_NEG_STREAMS_MAX][2];
    bool answered;
};

/* b's answer to what it got: each live m-line in the same way. */
static void write_answer(struct exchange *x)
{
    char text[NEGO_TEXT_MAX] = B_HEAD;
    struct gh_sdp *doc = NULL;

    int err = gh_sdp_parse(&doc, gh_span_str(x->to_b), NULL);

    if (err) {
        CHECK_INT(err, GH_ENOMEM); /* what we wrote is SDP */
        return;
    }
    for (int i = 0; i < (int)gh_sdp_media_count(doc); i++) {
        size_t len = strlen(text);
        struct gh_sdp_media media;
        struct gh_sdp_crypto line;
        bool keyed = x->how >= 0 && gh_sdp_crypto(doc, i, (size_t)x->how, &line) == 0;
        const char *key = i ? "@B2" : "@B1";

        gh_sdp_media(doc, i, &media);
        if (media.port == 0 || x->how == ZERO) {
            snprintf(text + len, sizeof(text) - len, "m=%.*s 0 %.*s 0\n",
                     GH_SPAN_FMT(media.kind_text), GH_SPAN_FMT(media.proto));
        } else if (keyed) {
            snprintf(text + len, sizeof(text) - len,
                     "m=%.*s 6000 %.*s 0\na=crypto:%u %s inline:%s\n", GH_SPAN_FMT(media.kind_text),
                     GH_SPAN_FMT(media.proto), line.tag, gh_suite_info(line.suite)->name,
                     line.suite == GH_AEAD_AES_256_GCM ? "@BG" : key);
        } else if (x->how == SAVP_FOREIGN) {
            snprintf(text + len, sizeof(text) - len,
                     "m=%.*s 6000 RTP/SAVP 0\n" LINE("1", AES80, "%s"),
                     GH_SPAN_FMT(media.kind_text), key);
        } else {
            snprintf(text + len, sizeof(text) - len, "m=%.*s 6000 RTP/AVP 0\n",
                     GH_SPAN_FMT(media.kind_text));
        }
    }
    gh_sdp_free(doc);
    nego_expand(text, x->from_b);
}

/* The whole of it, as far as it goes.  @return the last reason */
static enum gh_reason run(struct exchange *x, struct gh_span offer)
{
    struct gh_sdp *doc = NULL;
    enum gh_reason reason = gh_neg_offer_in(&x->neg, offer, &x->a.leg);

    if (reason != GH_REASON_NONE)
        return reason;
    nego_ports(&x->neg);
    reason = gh_neg_offer_out(&x->neg, &x->a.leg, &x->b.leg, &nego_self_b, x->first, &doc);
    if (reason != GH_REASON_NONE)
        return reason;
    nego_raw(doc, x->to_b);
    gh_sdp_free(doc);
    write_answer(x);
    reason = gh_neg_answer_in(&x->neg, gh_span_str(x->from_b), &x->b.leg,
                              x->fallback);
    if (reason != GH_REASON_NONE)
        return reason;
    doc = NULL;
    reason = gh_neg_answer_out(&x->neg, NULL, &x->a.leg, &nego_self_a, &doc);
    if (reason != GH_REASON_NONE)
        return reason;
    nego_raw(doc, x->to_a);
    gh_sdp_free(doc);
    for (size_t i = 0; i < x->neg.count; i++) {
        for (int s = 0; s < 2 && x->neg.streams[i].live; s++)
            gh_neg_media_set(&x->neg.streams[i], s, &x->sets[i][s]);
    }
    x->answered = true;
    return reason;
}

static void wipe(struct exchange *x)
{
    gh_neg_fini(&x->neg);
    explicit_bzero(x, sizeof(*x));
}

/* ---- what must hold
 * -------------------------------------------------------------------------------------------- */

static long kept; /* failures are counted, not printed a million times */

static void must(bool holds, const char *what, const struct exchange *x)
{
    check_count++;
    if (holds)
        return;
    check_failed_total++;
    if (kept++ < 5)
        fprintf(stderr, "failed: %s\nto b:\n%s\nfrom b:\n%s\nto a:\n%s\n", what, x->to_b, x->from_b,
                x->to_a);
}

/* Keys of the side whose names begin with @side. */
static bool holds_key(const char *text, char side)
{
    const char *name, *key;

    for (size_t i = 0; (key = nego_key_text(i, &name)); i++) {
        if (name[0] == side && strstr(text, key))
            return true;
    }
    return false;
}

static void check_exchange(const struct exchange *x)
{
    bool verified =
        x->a.leg.signalling == GH_SIG_TLS_VERIFIED && x->b.leg.signalling == GH_SIG_TLS_VERIFIED;
    bool bridge = !x->first || x->a.leg.bridge || x->b.leg.bridge;

    must(!holds_key(x->to_b, 'A') || (verified && !bridge), "a key of a reaches b", x);
    must(!holds_key(x->to_a, 'B') || (verified && !bridge), "a key of b reaches a", x);
    must(!holds_key(x->to_a, 'A'), "a gets its own key back", x);
    must(x->b.leg.signalling == GH_SIG_TLS_VERIFIED || !strstr(x->to_b, "inline:"),
         "keys on b's bad path", x);
    must(x->a.leg.signalling == GH_SIG_TLS_VERIFIED || !strstr(x->to_a, "inline:"),
         "keys on a's bad path", x);
    must(!strstr(x->to_b, "192.0.2.1") && !strstr(x->to_b, "alice 28"), "b sees a", x);
    must(!strstr(x->to_a, "198.51.100.2") && !strstr(x->to_a, "bob 99"), "a sees b", x);
    must(x->b.rules.srtp != GH_SRTP_REQUIRED || !strstr(x->to_b, "RTP/AVP 0\r\na=rtp") || !*x->to_b,
         "required trunks are offered SRTP", x);
}

static void check_stream(const struct exchange *x, size_t index)
{
    const struct gh_media_set *set = x->sets[index];
    const struct gh_neg_stream *stream = &x->neg.streams[index];

    for (int s = 0; s < 2; s++) {
        const struct nego_leg *leg = s ? &x->b : &x->a;
        bool keyed = set[s].suite != GH_SUITE_NONE;
        bool same = gh_secret_equal(&set[s].rx_key, &set[!s].tx_key);

        must(keyed == (set[s].rx_key.len > 0) && keyed == (set[s].tx_key.len > 0),
             "keys as the suite has", x);
        must(!keyed || leg->leg.signalling == GH_SIG_TLS_VERIFIED, "keyed on a bad path", x);
        must(keyed || leg->rules.srtp != GH_SRTP_REQUIRED, "clear where SRTP is required", x);
        must(!keyed || leg->rules.srtp != GH_SRTP_OFF, "keyed where SRTP is off", x);
        must(!gh_secret_equal(&set[s].rx_key, &set[s].tx_key), "one key for both directions", x);
        must(same == (set[s].path == GH_PATH_PASS), "pass is one key, bridge are two", x);
        must(!same || (set[s].suite == set[!s].suite && !x->neg.bridge), "pass where it may be", x);
        must((set[s].path == GH_PATH_CLEAR) == (!keyed && set[!s].suite == GH_SUITE_NONE),
             "clear is clear", x);
        must(set[s].path != GH_PATH_NONE, "a path", x);
        must(stream->side[s].rx_key == set[s].rx_key.number &&
                 stream->side[s].tx_key == set[s].tx_key.number,
             "numbers of keys", x);
    }
    must(!gh_secret_equal(&set[0].tx_key, &set[1].tx_key) &&
             !gh_secret_equal(&set[0].rx_key, &set[1].rx_key),
         "own keys differ", x);
}

static void check_all_streams(const struct exchange *x)
{
    for (size_t i = 0; i < x->neg.count; i++) {
        if (!x->neg.streams[i].live)
            continue;
        check_stream(x, i);
        for (size_t j = 0; j < i; j++) {
            for (int s = 0; s < 4 && x->neg.streams[j].live; s++) {
                const struct gh_secret *mine =
                    s < 2 ? &x->sets[i][s].tx_key : &x->sets[i][s - 2].rx_key;

                /* Our own are drawn for each m-line; what a side declares is the side's affair. */
                must(s >= 2 || x->neg.streams[i].side[!s].path == GH_PATH_PASS ||
                         (!gh_secret_equal(mine, &x->sets[j][0].tx_key) &&
                          !gh_secret_equal(mine, &x->sets[j][1].tx_key)),
                     "own keys of two m-lines differ", x);
            }
        }
    }
}

/* The offer that was written, line by line: our own keys are all different. */
static void check_own_lines(const struct exchange *x)
{
    struct gh_sdp *doc = NULL;
    uint8_t seen[64][GH_SUITE_KEY_MAX] = { { 0 } };
    size_t count = 0;

    if (!*x->to_b || gh_sdp_parse(&doc, gh_span_str(x->to_b), NULL))
        return;
    for (int i = 0; i < (int)gh_sdp_media_count(doc); i++) {
        for (size_t n = 0; n < gh_sdp_crypto_count(doc, i) && count < 64; n++) {
            struct gh_sdp_crypto line;
            size_t len;

            gh_sdp_crypto(doc, i, n, &line);
            must(line.tag == n + 1, "tags count from 1", x);
            must(gh_sdp_crypto_key(&line, 0, seen[count], &len) == 0, "keys are whole", x);
            for (size_t j = 0; j < count; j++)
                must(memcmp(seen[j], seen[count], 16) != 0, "all lines have keys of their own", x);
            count++;
        }
    }
    gh_sdp_free(doc);
}

/* Mixed radix: the next digit of *n. */
static unsigned digit(unsigned long *n, unsigned base)
{
    unsigned value = (unsigned)(*n % base);

    *n /= base;
    return value;
}

static void every_combination(void)
{
    static const enum gh_signalling signalling[] = { GH_SIG_NONE, GH_SIG_CLEAR,
                                                     GH_SIG_TLS_UNVERIFIED, GH_SIG_TLS_NULL,
                                                     GH_SIG_TLS_VERIFIED };
    static const int hows[] = { 0, 1, 2, 3, AVP, SAVP_FOREIGN, ZERO };
    static struct exchange x;
    char octets[NEGO_TEXT_MAX];
    unsigned long total = 1, answered = 0, keyed = 0, passed = 0;
    const unsigned radix[] = { 6, 3, 3, 5, 5, 2, 3, 2, 2, 7 };

    for (size_t i = 0; i < sizeof(radix) / sizeof(radix[0]); i++)
        total *= radix[i];
    for (unsigned long at = 0; at < total; at++) {
        unsigned long n = at;
        struct gh_span offer = nego_expand(offers[digit(&n, 6)], octets);
        struct nego_who a = { .srtp = (enum gh_srtp_mode)digit(&n, 3) };
        struct nego_who b = { .srtp = (enum gh_srtp_mode)digit(&n, 3) };
        unsigned bridging;

        a.signalling = signalling[digit(&n, 5)];
        b.signalling = signalling[digit(&n, 5)];
        b.savp = digit(&n, 2);
        bridging = digit(&n, 3);
        a.bridge = bridging == 1;
        b.bridge = bridging == 2;
        nego_leg(&x.a, &a);
        nego_leg(&x.b, &b);
        gh_neg_init(&x.neg, GH_SIDE_A, NULL);
        x.first = digit(&n, 2);
        x.fallback = digit(&n, 2);
        x.how = (enum how)hows[digit(&n, 7)];
        /* Most combinations end at the first step: b and its answer play no part in that. */
        run(&x, offer);
        check_exchange(&x);
        check_own_lines(&x);
        if (x.answered) {
            answered++;
            check_all_streams(&x);
            keyed += x.sets[0][0].suite || x.sets[0][1].suite;
            passed += x.sets[0][0].path == GH_PATH_PASS;
        }
        wipe(&x);
    }
    /* The walk has met what it is about. */
    CHECK(answered > 1000 && keyed > 500 && passed > 50);
    printf("     %lu combinations, %lu answered, %lu keyed, %lu passed\n", total, answered, keyed,
           passed);
}

/* ---- wiping and memory
 * ------------------------------------------------------------------------------------------ */

static void watch_names(void)
{
    uint8_t key[GH_SUITE_KEY_MAX];
    const char *name, *text;

    watched_count = 0;
    for (size_t i = 0; (text = nego_key_text(i, &name)); i++) {
        nego_key(name, key);
        watch(key);
        watch(text);
    }
}

static void prepare(struct exchange *x, int how, bool bridge)
{
    static const struct nego_who verified = { .srtp = GH_SRTP_REQUIRED,
                                              .signalling = GH_SIG_TLS_VERIFIED };

    *x = (struct exchange){ .first = true, .how = (enum how)how };
    nego_leg(&x->a, &verified);
    nego_leg(&x->b, &verified);
    x->b.leg.bridge = bridge;
    gh_neg_init(&x->neg, GH_SIDE_A, NULL);
}

/* Every block that is freed on the way is searched for every key, ours too. */
static void nothing_is_freed_with_a_key(void)
{
    static struct exchange x;
    char octets[NEGO_TEXT_MAX];

    if (!GH_ALLOC_CAN_FAIL) {
        CHECK(1); /* a sanitizer has its own allocator */
        return;
    }
    for (int how = ZERO; how < COUNT_OF_LINES; how++) {
        for (int bridge = 0; bridge < 2; bridge++) {
            struct gh_span offer = nego_expand(offers[3], octets);

            prepare(&x, how, bridge);
            watch_names();
            dirty = 0;
            watching = true;
            run(&x, offer);
            for (int s = 0; s < 2 && x.answered; s++) {
                if (x.sets[0][s].rx_key.len)
                    watch(x.sets[0][s].rx_key.octets);
                if (x.sets[0][s].tx_key.len)
                    watch(x.sets[0][s].tx_key.octets);
            }
            gh_neg_settled(&x.neg);
            CHECK(!x.neg.streams[0].keys && !x.neg.offer && !x.neg.answer);
            gh_neg_fini(&x.neg);
            watching = false;
            CHECK_INT(dirty, 0);
            CHECK(!x.neg.streams);
            wipe(&x);
        }
    }
    /* The watch sees. */
    watch_names();
    dirty = 0;
    watching = true;
    free(strdup(nego_key_text(0, NULL)));
    watching = false;
    CHECK(dirty > 0);
}

/* What was agreed stays, also when the documents are gone: a later set says the same. */
static void keys_stay_in_force(void)
{
    static struct exchange x;
    struct gh_media_set again;
    char octets[NEGO_TEXT_MAX];

    prepare(&x, 0, false);
    CHECK_INT(run(&x, nego_expand(offers[2], octets)), GH_REASON_NONE);
    CHECK(x.sets[0][0].rx_key.len && x.sets[0][1].tx_key.len);
    gh_neg_settled(&x.neg);
    for (int s = 0; s < 2; s++) {
        gh_neg_media_set(&x.neg.streams[0], s, &again);
        CHECK(gh_secret_equal(&again.rx_key, &x.sets[0][s].rx_key));
        CHECK(gh_secret_equal(&again.tx_key, &x.sets[0][s].tx_key));
        CHECK_INT(again.rx_key.number, x.sets[0][s].rx_key.number);
    }
    explicit_bzero(&again, sizeof(again));
    wipe(&x);
}

static void memory_runs_out(void)
{
#if GH_ALLOC_CAN_FAIL
    static struct exchange x;
    char octets[NEGO_TEXT_MAX];
    struct gh_span offer = nego_expand(offers[4], octets);
    enum gh_reason reason;
    long n = 0;
    bool failed;

    watch_names();
    reason = GH_REASON_NONE;
    do {
        prepare(&x, 0, false);
        x.a.rules.srtp = x.b.rules.srtp = GH_SRTP_ALLOWED;
        dirty = 0;
        watching = true;
        alloc_fail_at(++n);
        reason = run(&x, offer);
        failed = alloc_failed();
        gh_neg_fini(&x.neg);
        watching = false;
        /* Either the step says so, or the allocation was one of b's own here in the test. */
        CHECK(reason == GH_REASON_NONE || reason == GH_REASON_INTERNAL || !*x.from_b);
        CHECK(!x.answered || reason == GH_REASON_NONE);
        CHECK_INT(dirty, 0);
        explicit_bzero(&x, sizeof(x));
    } while (failed && n < 10000);
    CHECK(n > 20 && n < 10000);
    CHECK_INT(reason, GH_REASON_NONE);
#else
    CHECK(1); /* a sanitizer has its own allocator */
#endif
}

int main(void)
{
    RUN(every_combination);
    RUN(nothing_is_freed_with_a_key);
    RUN(keys_stay_in_force);
    RUN(memory_runs_out);
    return CHECK_REPORT();
}
