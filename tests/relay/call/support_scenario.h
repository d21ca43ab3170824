/* SPDX-License-Identifier: Apache-2.0 */
/* One offer and its answer as text: what side a wrote, what side b must get, what b answered, what a must get, and
 * what the media plane is told.  A table of these is run by check_scenarios(). */
#ifndef GH_TEST_SUPPORT_SCENARIO_H
#define GH_TEST_SUPPORT_SCENARIO_H

#include "support/check.h"
#include "support_negotiate.h"

/* The usual: one line offered, our copy of it and one line of our own written, the copy picked. */
#define OFFER_SAVP                                                                                 \
    "m=audio 5004 RTP/SAVP 0 8\na=crypto:1 " AES80 " inline:@A1\na=rtpmap:0 PCMU/8000\n"
#define COPY_AND_OWN                                                                               \
    "m=audio 40002 RTP/SAVP 0 8\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM                 \
    " inline:@own\na=rtpmap:0 PCMU/8000\n"
#define OWN_ONLY(proto)                                                                            \
    "m=audio 40002 " proto " 0 8\na=crypto:1 " GCM " inline:@own\na=crypto:2 " AES80               \
    " inline:@own\na=rtpmap:0 PCMU/8000\n"
#define ANSWER(tag, suite, key)                                                                    \
    "m=audio 6000 RTP/SAVP 0\na=crypto:" tag " " suite " inline:" key "\n"
#define TO_A_LINE(tag, suite, key)                                                                 \
    "m=audio 40000 RTP/SAVP 0\na=crypto:" tag " " suite " inline:" key "\n"
#define OFFER_AVP "m=audio 5004 RTP/AVP 0 8\na=rtpmap:0 PCMU/8000\n"

/* What rows have in common: the usual until the answer; its end, where nothing is to be said of it. */
#define USUAL                                                                                      \
    .a = { REQUIRED }, .b = { REQUIRED }, .offer = OFFER_SAVP, .to_b = COPY_AND_OWN,               \
    .before = GH_GRADE_HOP_BY_HOP
#define PASSES(suite)                                                                              \
    .sides = suite " pass " suite " pass", .marks = "", .after = GH_GRADE_HOP_BY_HOP
#define IS_BRIDGED(of_a, of_b)                                                                     \
    .sides = of_a " bridge " of_b " bridge", .marks = "", .after = GH_GRADE_HOP_BY_HOP

struct scenario {
    const char *name;
    struct nego_who a, b;
    const char *offer;       /* media sections of side a */
    bool again;              /* another destination was tried before */
    enum gh_reason offer_in; /* refused there; NO_RULE: not refused */
    enum gh_reason offer_out;
    const char *to_b;     /* media sections that we write */
    enum gh_grade before; /* best grade with the offer */
    const char *answer;   /* media sections of side b */
    bool fallback;        /* with X-cisco-srtp-fallback */
    enum gh_reason answer_in;
    const char *to_a;
    const char *sides; /* of the first m-line: suite and path of a, of b */
    const char *marks;
    enum gh_grade after;
};

static enum gh_reason expected(enum gh_reason reason)
{
    return reason == GH_REASON_NO_RULE ? GH_REASON_NONE : reason;
}

static const char *sides_text(const struct gh_neg_stream *stream, char out[128])
{
    static const char *const paths[] = { "nowhere", "clear", "pass", "bridge" };

    out[0] = 0;
    for (int s = 0; s < 2 && stream->live; s++) {
        strcat(out, s ? " " : "");
        strcat(out, gh_suite_info(stream->side[s].suite)->name);
        strcat(out, " ");
        strcat(out, paths[stream->side[s].path]);
    }
    return out;
}

/* Keys of the media plane against what was written: a side sends under what it declared, and so do
 * we. */
static void check_sets(struct gh_neg *neg)
{
    for (size_t i = 0; i < neg->count; i++) {
        struct gh_neg_stream *stream = &neg->streams[i];
        struct gh_media_set set[2];

        if (!stream->live)
            continue;
        for (int s = 0; s < 2; s++) {
            gh_neg_media_set(stream, s, &set[s]);
            CHECK_INT(set[s].side, s);
            CHECK_INT(set[s].rx_key.len, gh_suite_key_salt_len(set[s].suite));
            CHECK_INT(set[s].tx_key.len, gh_suite_key_salt_len(set[s].suite));
            CHECK_INT(set[s].rx_key.number == stream->side[s].rx_key, !set[s].rx_more);
            CHECK_INT(set[s].tx_key.number, stream->side[s].tx_key);
            CHECK(!gh_secret_equal(&set[s].rx_key, &set[s].tx_key));
        }
        for (int s = 0; s < 2; s++) {
            bool same = gh_secret_equal(&set[s].rx_key, &set[!s].tx_key);

            CHECK_INT(same, set[s].path == GH_PATH_PASS);
            CHECK_INT(set[s].may_receive, set[!s].may_send);
        }
        for (int s = 0; s < 2; s++) {
            gh_secret_wipe(&set[s].rx_key);
            gh_secret_wipe(&set[s].tx_key);
            gh_media_more_free(set[s].rx_more);
        }
    }
}

static void whole(char *out, const char *head, const char *media)
{
    snprintf(out, NEGO_TEXT_MAX, "%s%s", head, media ? media : "");
}

static void run_answer(const struct scenario *s, struct gh_neg *neg, const struct nego_leg *a,
                       const struct nego_leg *b)
{
    char text[NEGO_TEXT_MAX], octets[NEGO_TEXT_MAX], want[NEGO_TEXT_MAX], small[512];
    struct gh_sdp *doc = NULL;

    whole(text, B_HEAD, s->answer);
    CHECK_STR(gh_reason_name(gh_neg_answer_in(neg, nego_expand(text, octets), &b->leg, s->fallback)),
              gh_reason_name(expected(s->answer_in)));
    if (s->answer_in != GH_REASON_NO_RULE)
        return;
    CHECK_STR(gh_reason_name(gh_neg_answer_out(neg, NULL, &a->leg, &nego_self_a, &doc)), "none");
    CHECK_OR_STOP(doc != NULL);
    whole(want, TO_A, s->to_a);
    CHECK_STR(nego_print(doc, text), want);
    gh_sdp_free(doc);
    CHECK_STR(sides_text(&neg->streams[0], small), s->sides);
    CHECK_STR(nego_marks(neg, small), s->marks);
    CHECK_STR(gh_grade_name(gh_neg_best_grade(neg, &a->leg, &b->leg)), gh_grade_name(s->after));
    check_sets(neg);
}

static void run_scenario(const struct scenario *s, struct gh_neg *neg)
{
    char text[NEGO_TEXT_MAX], octets[NEGO_TEXT_MAX], want[NEGO_TEXT_MAX];
    struct nego_leg a, b;
    struct gh_sdp *doc = NULL;
    enum gh_reason reason;

    nego_leg(&a, &s->a);
    nego_leg(&b, &s->b);
    whole(text, A_HEAD, s->offer);
    reason = gh_neg_offer_in(neg, nego_expand(text, octets), &a.leg);
    CHECK_STR(gh_reason_name(reason), gh_reason_name(expected(s->offer_in)));
    if (reason != GH_REASON_NONE)
        return;
    nego_ports(neg);
    reason = gh_neg_offer_out(neg, &a.leg, &b.leg, &nego_self_b, !s->again, &doc);
    CHECK_STR(gh_reason_name(reason), gh_reason_name(expected(s->offer_out)));
    if (reason != GH_REASON_NONE) {
        CHECK(!doc);
        return;
    }
    whole(want, TO_B, s->to_b);
    CHECK_STR(nego_print(doc, text), want);
    gh_sdp_free(doc);
    CHECK_STR(gh_grade_name(gh_neg_best_grade(neg, &a.leg, &b.leg)), gh_grade_name(s->before));
    run_answer(s, neg, &a, &b);
}

static void check_scenarios(const struct scenario *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct gh_neg neg;
        int before = check_failed_total;

        gh_neg_init(&neg, GH_SIDE_A, NULL);
        run_scenario(&rows[i], &neg);
        gh_neg_settled(&neg);
        CHECK(!neg.offer && !neg.answer && !neg.streams[0].keys);
        gh_neg_fini(&neg);
        if (check_failed_total != before)
            fprintf(stderr, "  in scenario \"%s\"\n", rows[i].name);
    }
}

#endif
