/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of grade and status as told in sentences: whole calls, epoch by epoch. */
#include "support/check.h"
#include "policy/policy.h"

static const struct gh_hop_facts sdes = { GH_KEYING_SDES, GH_SIG_TLS_VERIFIED, false, GH_PROOF_SEEN,
                                          false };
static const struct gh_hop_facts clear = { GH_KEYING_NONE, GH_SIG_CLEAR, false, GH_PROOF_MISSING,
                                           false };
static const struct gh_hop_facts passed = { GH_KEYING_DTLS, GH_SIG_TLS_VERIFIED, false,
                                            GH_PROOF_MISSING, true };

static enum gh_grade grade(struct gh_hop_facts a, struct gh_hop_facts b)
{
    const struct gh_hop_facts hop[2] = { a, b };

    return gh_policy_stream_grade(hop);
}

static struct gh_hop_facts with_proof(struct gh_hop_facts hop, enum gh_proof proof)
{
    hop.proof = proof;
    return hop;
}

static void one_stream(void)
{
    struct gh_hop_facts exposed = sdes, null_cipher = passed;

    exposed.key_exposed = true;
    null_cipher.signalling = GH_SIG_TLS_NULL;
    CHECK_INT(grade(sdes, sdes), GH_GRADE_HOP_BY_HOP);
    CHECK_INT(grade(sdes, clear), GH_GRADE_MIXED);
    CHECK_INT(grade(clear, clear), GH_GRADE_CLEAR);
    CHECK_INT(grade(sdes, exposed), GH_GRADE_MIXED);
    CHECK_INT(grade(sdes, with_proof(sdes, GH_PROOF_MISSING)), GH_GRADE_MIXED); /* unproven */
    CHECK_INT(grade(sdes, with_proof(sdes, GH_PROOF_INHERITED)), GH_GRADE_HOP_BY_HOP);
    CHECK_INT(grade(passed, passed), GH_GRADE_PASS_THROUGH);
    CHECK_INT(grade(passed, null_cipher),
              GH_GRADE_PASS_THROUGH); /* fingerprints need integrity alone */
    CHECK_INT(grade(passed, sdes), GH_GRADE_MIXED);
}

/* Pending counts as missing until it is decided, and says so. */
static void pending(void)
{
    const struct gh_hop_facts waiting = with_proof(sdes, GH_PROOF_PENDING);
    const struct gh_hop_facts one[2] = { sdes, waiting }, both[2] = { waiting, waiting };
    const struct gh_hop_facts hopeless[2] = { waiting, clear }, decided[2] = { sdes, sdes };

    CHECK_INT(gh_policy_stream_grade(one), GH_GRADE_MIXED);
    CHECK(gh_policy_stream_pending(one));
    CHECK(gh_policy_stream_pending(both));
    CHECK(!gh_policy_stream_pending(hopeless));
    CHECK(!gh_policy_stream_pending(decided));
}

/* Audio encrypted for two seconds, clear for an hour: the record says the worst of it, not the
 * best. */
static void a_call_in_time(void)
{
    enum gh_grade call = GH_GRADE_NONE;

    call = gh_policy_worse(call, grade(sdes, sdes));
    CHECK_INT(call, GH_GRADE_HOP_BY_HOP);
    call = gh_policy_worse(call, GH_GRADE_NONE); /* an epoch on hold without a packet */
    CHECK_INT(call, GH_GRADE_HOP_BY_HOP);
    call = gh_policy_worse(call, grade(clear, clear));
    CHECK_INT(call, GH_GRADE_CLEAR);
    call = gh_policy_worse(call, grade(sdes, sdes));
    CHECK_INT(call, GH_GRADE_CLEAR);
}

/* Encrypted audio beside clear video is mixed: one live stream has SRTP. */
static void streams_beside_each_other(void)
{
    CHECK_INT(gh_policy_beside(grade(sdes, sdes), grade(clear, clear)), GH_GRADE_MIXED);
    CHECK_INT(gh_policy_beside(grade(clear, clear), grade(clear, clear)), GH_GRADE_CLEAR);
    CHECK_INT(gh_policy_beside(grade(passed, passed), grade(sdes, sdes)), GH_GRADE_HOP_BY_HOP);
    CHECK_INT(gh_policy_beside(GH_GRADE_NONE, grade(sdes, sdes)), GH_GRADE_HOP_BY_HOP);
}

static void attested(void)
{
    static const bool both[2] = { true, true }, one[2] = { true, false };

    CHECK_INT(gh_policy_attest(GH_GRADE_HOP_BY_HOP, both), GH_GRADE_ATTESTED);
    CHECK_INT(gh_policy_attest(GH_GRADE_HOP_BY_HOP, one), GH_GRADE_HOP_BY_HOP);
    CHECK_INT(gh_policy_attest(GH_GRADE_MIXED, both), GH_GRADE_MIXED);
    CHECK_INT(gh_policy_attest(GH_GRADE_PASS_THROUGH, both), GH_GRADE_PASS_THROUGH);
}

/* require: {grade: hop_by_hop, refuse_marks: [weak_tls, no_forward_secrecy]} */
static void require(void)
{
    const struct gh_require r = { GH_GRADE_HOP_BY_HOP,
                                  { GH_REASON_WEAK_TLS, GH_REASON_NO_FORWARD_SECRECY }, 2 };
    const struct gh_require nothing = { .grade = GH_GRADE_NONE };
    const struct gh_require odd = { GH_GRADE_NONE, { GH_REASON_NONE }, 1000 };
    const enum gh_reason seed[] = { GH_REASON_CERT_WEAK, GH_REASON_NO_FORWARD_SECRECY,
                                    GH_REASON_WEAK_TLS };
    const enum gh_reason none[] = { GH_REASON_NONE };

    CHECK_INT(gh_policy_require(&r, GH_GRADE_MIXED, seed, 3), GH_REASON_GRADE_BELOW_REQUIRED);
    CHECK_INT(gh_policy_require(&r, GH_GRADE_NONE, NULL, 0), GH_REASON_GRADE_BELOW_REQUIRED);
    CHECK_INT(gh_policy_require(&r, GH_GRADE_HOP_BY_HOP, seed, 3), GH_REASON_WEAK_TLS);
    CHECK_INT(gh_policy_require(&r, GH_GRADE_HOP_BY_HOP, seed, 2), GH_REASON_NO_FORWARD_SECRECY);
    CHECK_INT(gh_policy_require(&r, GH_GRADE_PASS_THROUGH, seed, 1), GH_REASON_NONE);
    CHECK_INT(gh_policy_require(&nothing, GH_GRADE_NONE, seed, 3), GH_REASON_NONE);
    CHECK_INT(gh_policy_require(&odd, GH_GRADE_CLEAR, none, 1),
              GH_REASON_NONE); /* no mark is no mark */
}

/* Counts that cannot be say nothing good, also where their sum runs over. */
static void odd_counts(void)
{
    const struct gh_leg_streams over = { .live = 1, .sdes = 0xffffffffu, .dtls = 2 };
    const struct gh_leg_streams more = { .live = 1, .sdes = 2 };

    CHECK_INT(gh_policy_leg_status(GH_SECURE_SRTP_ONLY, GH_SIG_TLS_VERIFIED, &over),
              GH_STATUS_NOT_AUTHENTICATED);
    CHECK_INT(gh_policy_leg_status(GH_SECURE_SRTP_ONLY, GH_SIG_TLS_VERIFIED, &more),
              GH_STATUS_NOT_AUTHENTICATED);
}

int main(void)
{
    RUN(one_stream);
    RUN(pending);
    RUN(a_call_in_time);
    RUN(streams_beside_each_other);
    RUN(attested);
    RUN(require);
    RUN(odd_counts);
    return CHECK_REPORT();
}
