/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first promise: no secret key is taken from, or written to, a leg that is not verified and
 * encrypting.  Nothing here knows what the tables say; for every function through which an SDES
 * key could pass, and every combination of its inputs, the one property is looked at.  Signalling
 * runs over values that no enum has as well.
 * Source: RFC 4568 section 8.3
 */
#include <limits.h>

#include "support/check.h"
#include "policy/policy.h"

static const unsigned signallings[] = { GH_SIG_NONE,
                                        GH_SIG_CLEAR,
                                        GH_SIG_TLS_UNVERIFIED,
                                        GH_SIG_TLS_NULL,
                                        GH_SIG_TLS_VERIFIED,
                                        GH_SIG_COUNT,
                                        7,
                                        8,
                                        15,
                                        16,
                                        31,
                                        32,
                                        33,
                                        36,
                                        63,
                                        64,
                                        68,
                                        255,
                                        256,
                                        260,
                                        INT_MAX,
                                        UINT_MAX };

#define SIGNALLINGS (sizeof(signallings) / sizeof(signallings[0]))

static long walked, passed;

/* @key_passes must not be when the leg is not verified and encrypting. */
static void look(unsigned signalling, bool key_passes, const char *where)
{
    walked++;
    passed += key_passes;
    if (key_passes && signalling != GH_SIG_TLS_VERIFIED)
        fprintf(stderr, "%s passes a key over signalling %u\n", where, signalling);
    CHECK(!key_passes || signalling == GH_SIG_TLS_VERIFIED);
}

/* A property that nothing ever tried to break proves nothing: keys must pass where they may. */
static void finish(const char *where)
{
    printf("     %s: %ld combinations, %ld pass a key\n", where, walked, passed);
    CHECK(passed > 0);
    walked = passed = 0;
}

static void gate(void)
{
    for (size_t s = 0; s < SIGNALLINGS; s++)
        for (unsigned carriers = 0; carriers < 64; carriers++)
            for (int unproven = 0; unproven <= GH_UNPROVEN_COUNT; unproven++) {
                struct gh_gate gate = gh_policy_gate((enum gh_signalling)signallings[s], carriers,
                                                     (enum gh_unproven)unproven);

                look(signallings[s], (carriers & GH_CARRY_SECRET) && gate.verdict != GH_GATE_REFUSE,
                     "gate");
            }
    finish("gate");
}

/* An offer with keys, usable or not, does not go on without them either: nobody may look at it
 * as RTP. */
static void offer_in(void)
{
    for (size_t s = 0; s < SIGNALLINGS; s++)
        for (int mode = 0; mode <= GH_SRTP_MODE_COUNT; mode++)
            for (int profile = 0; profile <= GH_PROFILE_COUNT; profile++)
                for (int seen = 0; seen <= GH_KEYING_SEEN_COUNT; seen++) {
                    struct gh_stream_judgement judgement = gh_policy_offer_in(
                        (enum gh_srtp_mode)mode, (enum gh_signalling)signallings[s],
                        (enum gh_profile)profile, (enum gh_keying_seen)seen);
                    bool keys = seen == GH_SEEN_SDES || seen == GH_SEEN_SDES_UNUSABLE;

                    look(signallings[s],
                         judgement.verdict == GH_STREAM_SRTP ||
                             (keys && judgement.verdict != GH_STREAM_REFUSE),
                         "offer in");
                    CHECK(judgement.verdict != GH_STREAM_SRTP ||
                          (seen == GH_SEEN_SDES && profile != GH_PROFILE_UDPTL));
                }
    finish("offer in");
}

static void offer_out_of(unsigned signalling, int mode, int profile)
{
    for (int best_effort = 0; best_effort <= GH_BEST_EFFORT_COUNT; best_effort++) {
        struct gh_offer_judgement offer =
            gh_policy_offer_out((enum gh_srtp_mode)mode, (enum gh_signalling)signalling,
                                (enum gh_best_effort)best_effort, (enum gh_profile)profile);
        bool clear = offer.plan == GH_PLAN_RTP || offer.plan == GH_PLAN_UDPTL;

        look(signalling, offer.plan != GH_PLAN_REFUSE && !clear, "offer out");
        CHECK(mode != GH_SRTP_OFF || offer.plan == GH_PLAN_REFUSE || clear);
        CHECK(mode != GH_SRTP_REQUIRED || !clear);
        /* What cannot be keyed is not offered with keys, nor taken for RTP. */
        CHECK(offer.plan == GH_PLAN_REFUSE ||
              (offer.plan == GH_PLAN_UDPTL) == (profile == GH_PROFILE_UDPTL));
    }
}

static void offer_out(void)
{
    for (size_t s = 0; s < SIGNALLINGS; s++)
        for (int mode = 0; mode <= GH_SRTP_MODE_COUNT; mode++)
            for (int profile = 0; profile <= GH_PROFILE_COUNT; profile++)
                offer_out_of(signallings[s], mode, profile);
    finish("offer out");
}

static void answer_of(unsigned signalling, int plan, int mode, int profile)
{
    for (int crypto = 0; crypto <= GH_ANSWER_CRYPTO_COUNT; crypto++)
        for (int flags = 0; flags < 4; flags++) {
            struct gh_stream_judgement judgement =
                gh_policy_answer_in((enum gh_offer_plan)plan, (enum gh_srtp_mode)mode,
                                    (enum gh_signalling)signalling, (enum gh_profile)profile,
                                    (enum gh_answer_crypto)crypto, flags & 1, flags & 2);

            look(signalling,
                 judgement.verdict == GH_STREAM_SRTP ||
                     (crypto != GH_ANSWER_NO_CRYPTO && judgement.verdict != GH_STREAM_REFUSE),
                 "answer in");
            /* And an answer makes SRTP only of a key that was offered, by a line that fits. */
            CHECK(judgement.verdict != GH_STREAM_SRTP ||
                  ((plan == GH_PLAN_AVP_WITH_KEYS || plan == GH_PLAN_SAVP) &&
                   (crypto == GH_ANSWER_MATCHES || crypto == GH_ANSWER_RENUMBERED)));
        }
}

static void answer_in(void)
{
    for (size_t s = 0; s < SIGNALLINGS; s++)
        for (int plan = 0; plan <= GH_OFFER_PLAN_COUNT; plan++)
            for (int mode = 0; mode <= GH_SRTP_MODE_COUNT; mode++)
                for (int profile = 0; profile <= GH_PROFILE_COUNT; profile++)
                    answer_of(signallings[s], plan, mode, profile);
    finish("answer in");
}

/* A key that was seen on a path that failed the gate is refused wherever it comes again. */
static void exposed_keys(void)
{
    for (int rule = 0; rule <= GH_KEY_REUSE_COUNT; rule++)
        CHECK_INT(gh_policy_key_memory(GH_KEY_SEEN_EXPOSED, (enum gh_key_reuse)rule).verdict,
                  GH_GATE_REFUSE);
}

/* What is said afterwards holds to the same line: no good word for SDES on any other leg. */
static void words(void)
{
    for (size_t s = 0; s < SIGNALLINGS; s++) {
        const enum gh_signalling sig = (enum gh_signalling)signallings[s];
        const struct gh_leg_streams streams = { .live = 1, .sdes = 1 };
        struct gh_hop_facts hop[2] = { { GH_KEYING_SDES, sig, false, GH_PROOF_SEEN, false },
                                       { GH_KEYING_SDES, GH_SIG_TLS_VERIFIED, false, GH_PROOF_SEEN,
                                         false } };

        for (int rule = 0; rule <= GH_TRAFFIC_SECURE_COUNT; rule++)
            look(signallings[s],
                 gh_policy_leg_status((enum gh_traffic_secure)rule, sig, &streams) >
                     GH_STATUS_NOT_AUTHENTICATED,
                 "leg status");
        look(signallings[s], gh_policy_stream_grade(hop) > GH_GRADE_MIXED, "grade");
        hop[1] = hop[0];
        look(signallings[s], gh_policy_stream_grade(hop) > GH_GRADE_MIXED, "grade");
        look(signallings[s], gh_policy_stream_pending(hop), "pending");
    }
    finish("words");
}

/* Memory that nobody filled lets nothing pass. */
static void zeroed(void)
{
    struct gh_conn_facts facts = { 0 };
    struct gh_trunk_rules trunk = { 0 };
    struct gh_chain_facts chain = { 0 };
    struct gh_standing standing = gh_policy_admit(&facts, &trunk, &chain, 0);
    struct gh_trunk_match match = gh_policy_match_trunk(&facts, 0, &trunk, 1);

    CHECK_INT(standing.reason, GH_REASON_NO_RULE);
    CHECK_INT(standing.signalling, GH_SIG_NONE);
    CHECK_INT(standing.trunk, 0);
    CHECK_INT(match.reason, GH_REASON_NO_RULE);
    CHECK(match.trunk == NULL && !match.by_host);
    CHECK_INT(gh_policy_gate(standing.signalling, GH_CARRY_SECRET, 0).verdict, GH_GATE_REFUSE);
    CHECK_INT((struct gh_gate){ 0 }.verdict, GH_GATE_REFUSE);
    CHECK_INT((struct gh_stream_judgement){ 0 }.verdict, GH_STREAM_REFUSE);
    CHECK_INT((struct gh_offer_judgement){ 0 }.plan, GH_PLAN_REFUSE);
    CHECK_INT((struct gh_standing){ 0 }.reason, GH_REASON_NO_RULE);
    CHECK_INT(gh_policy_crypto_usable(&(struct gh_crypto_facts){ 0 }, &trunk), GH_CRYPTO_UNUSABLE);
}

int main(void)
{
    RUN(gate);
    RUN(offer_in);
    RUN(offer_out);
    RUN(answer_in);
    RUN(exposed_keys);
    RUN(words);
    RUN(zeroed);
    return CHECK_REPORT();
}
