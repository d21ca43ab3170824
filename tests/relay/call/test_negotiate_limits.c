/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, descriptions that are none, and marks. */
#include <stdarg.h>

#include "support/check.h"
#include "support_negotiate.h"

static const struct nego_who required = { REQUIRED };

static void append(char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void append(char *text, const char *fmt, ...)
{
    size_t len = strlen(text);
    va_list args;

    va_start(args, fmt);
    vsnprintf(text + len, NEGO_TEXT_MAX - len, fmt, args);
    va_end(args);
}

static void more_lines_than_are_looked_at(void)
{
    char text[NEGO_TEXT_MAX] = A_HEAD "m=audio 5004 RTP/SAVP 0\n", octets[NEGO_TEXT_MAX];
    struct nego_leg a, b;
    struct gh_neg neg;
    struct gh_sdp *doc = NULL;

    nego_leg(&a, &required);
    nego_leg(&b, &required);
    /* Eight that are not usable come first: the ninth is one line too far. */
    for (int i = 1; i <= GH_NEG_LINES_MAX; i++)
        append(text, "a=crypto:%d " AES32 " inline:@A1\n", i);
    strcat(text, "a=crypto:9 " AES80 " inline:@A1\n");
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(
                  gh_neg_offer_in(&neg, nego_expand(text, octets), &a.leg)),
              "no_usable_crypto");
    gh_neg_fini(&neg);

    /* Eight copies and own lines for every other suite: all the room there is. */
    b.rules.suite_count = 0;
    for (int suite = 1; suite < GH_SUITE_COUNT; suite++)
        b.rules.suites[b.rules.suite_count++] = (enum gh_suite)suite;
    strcpy(text, A_HEAD "m=audio 5004 RTP/SAVP 0\n");
    for (int i = 1; i <= GH_NEG_LINES_MAX + 2; i++)
        append(text, "a=crypto:%d " AES80 " inline:@A1\n", i);
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(
                  gh_neg_offer_in(&neg, nego_expand(text, octets), &a.leg)),
              "none");
    nego_ports(&neg);
    CHECK_STR(gh_reason_name(gh_neg_offer_out(&neg, &a.leg, &b.leg, &nego_self_b, true, &doc)),
              "none");
    CHECK_INT(gh_sdp_crypto_count(doc, 0), GH_NEG_LINES_MAX + GH_TRUNK_SUITES_MAX - 1);
    gh_sdp_free(doc);
    gh_neg_fini(&neg);
}

static void more_m_lines_than_are_relayed(void)
{
    enum { COUNT = GH_NEG_STREAMS_MAX + 3 };
    char text[NEGO_TEXT_MAX] = A_HEAD, octets[NEGO_TEXT_MAX];
    struct nego_leg a, b;
    struct gh_neg neg;
    struct gh_sdp *doc = NULL;
    struct gh_sdp_media media;

    nego_leg(&a, &required);
    nego_leg(&b, &required);
    for (int i = 0; i < COUNT; i++)
        append(text, "m=audio %d RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\n", 5004 + 2 * i);
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(
                  gh_neg_offer_in(&neg, nego_expand(text, octets), &a.leg)),
              "none");
    CHECK_INT(neg.count, GH_NEG_STREAMS_MAX);
    CHECK_INT(neg.media_count, COUNT);
    nego_ports(&neg);
    CHECK_STR(gh_reason_name(gh_neg_offer_out(&neg, &a.leg, &b.leg, &nego_self_b, true, &doc)),
              "none");
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT(gh_sdp_media(doc, i, &media), 0);
        CHECK_INT(media.port != 0, i < GH_NEG_STREAMS_MAX);
        CHECK_INT(gh_sdp_crypto_count(doc, i), i < GH_NEG_STREAMS_MAX ? 2 : 0);
    }
    gh_sdp_free(doc);
    /* The answer brings the last ones to life: they stay dead. */
    strcpy(text, B_HEAD);
    for (int i = 0; i < COUNT; i++)
        append(text, "m=audio %d RTP/SAVP 0\na=crypto:1 " AES80 " inline:@B1\n", 6004 + 2 * i);
    CHECK_STR(gh_reason_name(gh_neg_answer_in(&neg, nego_expand(text, octets), &b.leg, false)),
              "none");
    CHECK_STR(gh_reason_name(gh_neg_answer_out(&neg, NULL, &a.leg, &nego_self_a, &doc)), "none");
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT(gh_sdp_media(doc, i, &media), 0);
        CHECK_INT(media.port != 0, i < GH_NEG_STREAMS_MAX);
        CHECK_INT(gh_sdp_crypto_count(doc, i), i < GH_NEG_STREAMS_MAX);
    }
    gh_sdp_free(doc);
    gh_neg_fini(&neg);
}

static void bad_text(void)
{
    static const char *const offers[] = { "", "v=0\n", "rubbish", A_HEAD "m=audio RTP/SAVP 0\n" };
    char octets[NEGO_TEXT_MAX];
    struct nego_leg a;

    nego_leg(&a, &required);
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        struct gh_neg neg;

        gh_neg_init(&neg, GH_SIDE_A, NULL);
        CHECK_STR(gh_reason_name(gh_neg_offer_in(&neg, nego_expand(offers[i], octets), &a.leg)),
                  "bad_sdp");
        CHECK(strncmp(neg.fault, "SDP line ", 9) == 0);
        gh_neg_fini(&neg);
    }
}

/* What one destination's trunk earned is not said of the next. */
static void marks_of_the_last_destination(void)
{
    static const struct nego_who tcp = { ALLOWED_TCP }, tls = { ALLOWED };
    char octets[NEGO_TEXT_MAX], small[512];
    struct nego_leg a, clear, good;
    struct gh_sdp *doc = NULL;
    struct gh_neg neg;

    nego_leg(&a, &tls);
    nego_leg(&clear, &tcp);
    nego_leg(&good, &tls);
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_INT(
        gh_neg_offer_in(&neg, nego_expand(A_HEAD "m=audio 5004 RTP/AVP 0 8\n", octets), &a.leg),
        GH_REASON_NONE);
    CHECK_INT(gh_neg_offer_out(&neg, &a.leg, &clear.leg, &nego_self_b, true, &doc), GH_REASON_NONE);
    gh_sdp_free(doc);
    CHECK_STR(nego_marks(&neg, small), "key_over_clear_signalling media_clear");
    CHECK(!gh_neg_offers_keys(&neg) && !gh_neg_offered_keys(&neg));
    gh_marks_add(&neg.marks, GH_REASON_BODY_DROPPED);
    CHECK_INT(gh_neg_offer_out(&neg, &a.leg, &good.leg, &nego_self_b, false, &doc), GH_REASON_NONE);
    gh_sdp_free(doc);
    CHECK_STR(nego_marks(&neg, small), "media_clear body_dropped");
    CHECK(gh_neg_offers_keys(&neg) && !gh_neg_offered_keys(&neg));
    gh_neg_fini(&neg);
}

static void marks_are_a_set(void)
{
    struct gh_marks marks = { 0 }, more = { 0 };

    gh_marks_add(&marks, GH_REASON_NO_RULE);
    gh_marks_add(&marks, GH_REASON_NONE);
    for (int reason = 0; reason < GH_REASON_COUNT; reason++)
        CHECK(!gh_marks_has(&marks, (enum gh_reason)reason));
    for (int reason = 0; reason < GH_REASON_COUNT; reason++)
        gh_marks_add(reason % 2 ? &marks : &more, (enum gh_reason)reason);
    for (int reason = GH_REASON_NONE + 1; reason < GH_REASON_COUNT; reason++)
        CHECK(gh_marks_has(reason % 2 ? &marks : &more, (enum gh_reason)reason) &&
              !gh_marks_has(reason % 2 ? &more : &marks, (enum gh_reason)reason));
    gh_marks_add_all(&marks, &more);
    for (int reason = GH_REASON_NONE + 1; reason < GH_REASON_COUNT; reason++)
        CHECK(gh_marks_has(&marks, (enum gh_reason)reason));
    CHECK(!gh_marks_has(&marks, GH_REASON_COUNT));
    gh_neg_fini(NULL);
}

int main(void)
{
    RUN(more_lines_than_are_looked_at);
    RUN(more_m_lines_than_are_relayed);
    RUN(bad_text);
    RUN(marks_of_the_last_destination);
    RUN(marks_are_a_set);
    return CHECK_REPORT();
}
