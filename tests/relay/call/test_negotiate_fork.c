/* SPDX-License-Identifier: Apache-2.0 */
/* One offer, several answers (forking); and an offer that gets none but port 0. */
#include "support/alloc_fail.h"
#include "support/check.h"
#include "support_negotiate.h"

#define OFFER                                                                                      \
    A_HEAD "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\n"                            \
           "m=video 5006 RTP/SAVP 97\na=crypto:1 " GCM " inline:@AG\n"
#define ANSWER(line, suite, key)                                                                   \
    B_HEAD "m=audio 6000 RTP/SAVP 0\na=crypto:" line " " suite " inline:" key                      \
           "\nm=video 0 RTP/SAVP 97\n"

static const struct nego_who required = { REQUIRED };

static bool offer_of(struct gh_neg *neg, struct nego_leg *leg, char to_b[NEGO_TEXT_MAX])
{
    char octets[NEGO_TEXT_MAX];
    struct gh_sdp *doc = NULL;

    nego_leg(leg, &required);
    gh_neg_init(neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(gh_neg_offer_in(neg, nego_expand(OFFER, octets), &leg->leg)), "none");
    nego_ports(neg);
    CHECK_STR(gh_reason_name(
                  gh_neg_offer_out(neg, &leg->leg, &leg->leg, &nego_self_b, true, &doc)),
              "none");
    if (!doc)
        return false;
    nego_raw(doc, to_b);
    gh_sdp_free(doc);
    return true;
}

/* @return the answer that a gets; to_a is empty when there is none */
static enum gh_reason answer_of(struct gh_neg *fork, const struct gh_neg *again,
                                const struct nego_leg *leg, const char *answer,
                                char to_a[NEGO_TEXT_MAX])
{
    char octets[NEGO_TEXT_MAX];
    struct gh_sdp *doc = NULL;
    enum gh_reason reason = gh_neg_answer_in(fork, nego_expand(answer, octets), &leg->leg, false);

    to_a[0] = 0;
    if (reason == GH_REASON_NONE)
        reason = gh_neg_answer_out(fork, again, &leg->leg, &nego_self_a, &doc);
    if (doc)
        nego_raw(doc, to_a);
    gh_sdp_free(doc);
    return reason;
}

struct keys {
    struct gh_media_set set[2];
};

static void keys_of(const struct gh_neg *neg, struct keys *out)
{
    for (int s = 0; s < 2; s++)
        gh_neg_media_set(&neg->streams[0], s, &out->set[s]);
}

static bool same(const struct keys *x, const struct keys *y)
{
    bool all = true;

    for (int s = 0; s < 2; s++)
        all = all && gh_secret_equal(&x->set[s].rx_key, &y->set[s].rx_key) &&
              gh_secret_equal(&x->set[s].tx_key, &y->set[s].tx_key) &&
              x->set[s].suite == y->set[s].suite && x->set[s].path == y->set[s].path;
    return all;
}

static void answers_do_not_touch_each_other(void)
{
    static const char *const answers[] = { ANSWER("1", AES80, "@B1"), ANSWER("2", GCM, "@BG"),
                                           ANSWER("2", GCM, "@AC"), ANSWER("1", AES80, "@B2"),
                                           ANSWER("2", GCM, "@BG") };
    enum { COUNT = sizeof(answers) / sizeof(answers[0]) };
    char to_b[NEGO_TEXT_MAX], to_a[COUNT][NEGO_TEXT_MAX];
    struct keys keys[COUNT], later;
    struct gh_neg neg, fork[COUNT];
    struct nego_leg leg;

    CHECK_OR_STOP(offer_of(&neg, &leg, to_b));
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_INT(gh_neg_fork(&fork[i], &neg), 0);
        CHECK_STR(gh_reason_name(answer_of(&fork[i], NULL, &leg, answers[i], to_a[i])),
                  i == 2 ? "no_usable_crypto" : "none");
        if (i != 2)
            keys_of(&fork[i], &keys[i]);
    }
    CHECK(neg.streams[0].live && neg.streams[1].live && !neg.answer);
    for (size_t i = 0; i < COUNT; i++) {
        if (i == 2)
            continue;
        keys_of(&fork[i], &later);
        CHECK(same(&keys[i], &later));
        for (size_t j = 0; j < i; j++) {
            /* Own keys are per early dialog: what a fork gets from us no other has. */
            if (j != 2)
                CHECK(!gh_secret_equal(&keys[i].set[GH_SIDE_A].tx_key,
                                       &keys[j].set[GH_SIDE_A].tx_key));
        }
    }
    CHECK_INT(keys[0].set[0].path, GH_PATH_PASS);
    CHECK_INT(keys[1].set[0].path, GH_PATH_BRIDGE);
    CHECK_INT(keys[3].set[0].path, GH_PATH_PASS);
    /* One that goes takes nothing of the others with it. */
    gh_neg_fini(&fork[0]);
    gh_neg_fini(&neg);
    keys_of(&fork[4], &later);
    CHECK(same(&keys[4], &later));
    for (size_t i = 1; i < COUNT; i++)
        gh_neg_fini(&fork[i]);
    explicit_bzero(keys, sizeof(keys));
    explicit_bzero(&later, sizeof(later));
}

/* Another answer of the same early dialog, in the place of a preview: our key towards a stays. */
static void the_same_fork_again(void)
{
    char to_b[NEGO_TEXT_MAX], to_a[3][NEGO_TEXT_MAX];
    struct gh_neg neg, fork[3];
    struct nego_leg leg;

    CHECK_OR_STOP(offer_of(&neg, &leg, to_b));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(gh_neg_fork(&fork[i], &neg), 0);
        CHECK_STR(gh_reason_name(answer_of(&fork[i], i == 1 ? &fork[0] : NULL, &leg,
                                           ANSWER("2", GCM, "@BG"), to_a[i])),
                  "none");
    }
    CHECK_STR(to_a[1], to_a[0]);
    CHECK(strcmp(to_a[2], to_a[0]) != 0);
    gh_neg_fini(&neg);
    for (int i = 0; i < 3; i++)
        gh_neg_fini(&fork[i]);
}

static void a_copy_fails_whole(void)
{
#if GH_ALLOC_CAN_FAIL
    char to_b[NEGO_TEXT_MAX], to_a[NEGO_TEXT_MAX];
    struct gh_neg neg, fork;
    struct nego_leg leg;
    int err;
    long n = 0;

    CHECK_OR_STOP(offer_of(&neg, &leg, to_b));
    do {
        alloc_fail_at(++n);
        err = gh_neg_fork(&fork, &neg);
        if (alloc_failed()) {
            CHECK_INT(err, GH_ENOMEM);
            CHECK(!fork.offer && !fork.streams);
        }
    } while (err == GH_ENOMEM && n < 1000);
    CHECK_INT(err, 0);
    CHECK(n > 5);
    /* What it was made of is whole. */
    CHECK_STR(gh_reason_name(answer_of(&neg, NULL, &leg, ANSWER("1", AES80, "@B1"), to_a)), "none");
    gh_neg_fini(&fork);
    gh_neg_fini(&neg);
#else
    CHECK(1); /* a sanitizer has its own allocator */
#endif
}

/* ---- port 0 ---------------------- */

static void zero_answers(void)
{
    static const struct {
        const char *offer;
        enum gh_reason reason;
        int media;
    } rows[] = {
        { OFFER, GH_REASON_NONE, 2 },
        { A_HEAD "m=audio 5004 RTP/AVP 0\n", GH_REASON_SRTP_REQUIRED, 1 },
        { A_HEAD "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=x:192.0.2.1\n"
                 "m=audio 5006 RTP/SAVP 0\nc=IN IP4 192.0.2.7\na=crypto:1 " AES80 " inline:@A2\n",
          GH_REASON_NONE, 2 },
        { A_HEAD, GH_REASON_MEDIA_NOT_RELAYED, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char octets[NEGO_TEXT_MAX], text[NEGO_TEXT_MAX];
        struct gh_sdp *doc = NULL;
        struct nego_leg leg;
        struct gh_neg neg;

        nego_leg(&leg, &required);
        gh_neg_init(&neg, GH_SIDE_A, NULL);
        CHECK_STR(gh_reason_name(
                      gh_neg_offer_in(&neg, nego_expand(rows[i].offer, octets), &leg.leg)),
                  gh_reason_name(rows[i].reason));
        CHECK_INT(gh_neg_zero_answer(&neg, &nego_self_a, &doc), 0);
        CHECK_OR_STOP(doc != NULL);
        CHECK_INT(gh_sdp_media_count(doc), rows[i].media);
        for (int m = 0; m < rows[i].media; m++) {
            struct gh_sdp_media media;

            CHECK_INT(gh_sdp_media(doc, m, &media), 0);
            CHECK_INT(media.port, 0);
        }
        nego_raw(doc, text);
        CHECK(!strstr(text, "crypto") && !strstr(text, "192.0.2.") && !strstr(text, "alice"));
        gh_sdp_free(doc);
        gh_neg_fini(&neg);
    }
}

static void no_answer_to_rubbish(void)
{
    char octets[NEGO_TEXT_MAX];
    struct gh_sdp *doc = NULL;
    struct nego_leg leg;
    struct gh_neg neg;

    nego_leg(&leg, &required);
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(gh_neg_offer_in(&neg, nego_expand("rubbish\n", octets), &leg.leg)),
              "bad_sdp");
    CHECK_INT(gh_neg_zero_answer(&neg, &nego_self_a, &doc), GH_ESTATE);
    CHECK(!doc);
    gh_neg_fini(&neg);
}

int main(void)
{
    RUN(answers_do_not_touch_each_other);
    RUN(the_same_fork_again);
    RUN(a_copy_fails_whole);
    RUN(zero_answers);
    RUN(no_answer_to_rubbish);
    return CHECK_REPORT();
}
