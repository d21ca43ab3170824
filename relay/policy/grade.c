/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the record may say.  A grade is built upwards from what is proven: what no row vouches for
 * is a hop in doubt, and a stream with a hop in doubt is mixed.  Epochs, intervals and the
 * counting of packets are left to call and media.
 */
#include "policy/policy_int.h"

/* What one hop is worth. */
enum hop_worth {
    HOP_IN_DOUBT = 0, /* keyed, but exposed, unproven, or carried where keys may not pass */
    HOP_CLEAR,        /* not keyed */
    HOP_PROVEN,       /* SRTP by us, key carried safely, the side proved that it holds it */
    HOP_PASSED,       /* DTLS between the ends; we saw the handshake that the fingerprints name */
    HOP_WORTH_COUNT
};

#define VERIFIED GH_BIT(GH_SIG_TLS_VERIFIED)
#define ANY_SIG GH_ALL_BELOW(GH_SIG_COUNT)
#define PROOF (GH_BIT(GH_PROOF_SEEN) | GH_BIT(GH_PROOF_INHERITED))
#define ANY_PROOF GH_ALL_BELOW(GH_PROOF_COUNT)

struct hop_rule {
    unsigned keying, signalling, exposed, proof, passed;
    enum hop_worth worth;
};

/* The signalling column repeats the gate: SDES where it encrypts, fingerprints where it is
 * verified.  A hop passed needs no proof of ours: we hold no keys to check packets with. */
static const struct hop_rule hop_rules[] = {
    /* keying                  signalling        exposed    proof      passed     worth */
    { GH_BIT(GH_KEYING_NONE), ANY_SIG,          GH_EITHER, ANY_PROOF, GH_EITHER, HOP_CLEAR },
    { GH_BIT(GH_KEYING_DTLS), GH_SIGS_VERIFIED, GH_NO,     ANY_PROOF, GH_YES,    HOP_PASSED },
    { GH_BIT(GH_KEYING_DTLS), GH_SIGS_VERIFIED, GH_NO,     PROOF,     GH_NO,     HOP_PROVEN },
    { GH_BIT(GH_KEYING_SDES), VERIFIED,         GH_NO,     PROOF,     GH_EITHER, HOP_PROVEN },
};

/* Both hops.  Any other pair is mixed, a hop passed beside one that ends here too: fingerprints
 * that did not cross both ways unchanged prove nothing about the other end. */
static const enum gh_grade pair_grades[HOP_WORTH_COUNT][HOP_WORTH_COUNT] = {
    [HOP_CLEAR][HOP_CLEAR]   = GH_GRADE_CLEAR,
    [HOP_PROVEN][HOP_PROVEN] = GH_GRADE_HOP_BY_HOP,
    [HOP_PASSED][HOP_PASSED] = GH_GRADE_PASS_THROUGH,
};

static enum hop_worth worth_of(const struct gh_hop_facts *hop)
{
    for (size_t i = 0; i < GH_ARRAY_COUNT(hop_rules); i++) {
        const struct hop_rule *rule = &hop_rules[i];

        if (gh_fits(rule->keying, hop->keying) && gh_fits(rule->signalling, hop->signalling) &&
            gh_fits(rule->exposed, hop->key_exposed) && gh_fits(rule->proof, hop->proof) &&
            gh_fits(rule->passed, hop->dtls_passed))
            return rule->worth;
    }
    return HOP_IN_DOUBT;
}

enum gh_grade gh_policy_stream_grade(const struct gh_hop_facts hop[2])
{
    enum gh_grade grade = pair_grades[worth_of(&hop[0])][worth_of(&hop[1])];

    return grade != GH_GRADE_NONE ? grade : GH_GRADE_MIXED;
}

bool gh_policy_stream_pending(const struct gh_hop_facts hop[2])
{
    struct gh_hop_facts proven[2] = { hop[0], hop[1] };

    for (int side = 0; side < 2; side++) {
        if (proven[side].proof == GH_PROOF_PENDING)
            proven[side].proof = GH_PROOF_SEEN;
    }
    return gh_policy_stream_grade(proven) > gh_policy_stream_grade(hop);
}

enum gh_grade gh_policy_worse(enum gh_grade a, enum gh_grade b)
{
    if (a == GH_GRADE_NONE)
        return b;
    if (b == GH_GRADE_NONE)
        return a;
    return a < b ? a : b;
}

enum gh_grade gh_policy_beside(enum gh_grade a, enum gh_grade b)
{
    enum gh_grade worse = gh_policy_worse(a, b);

    /* "clear" says that no live stream has SRTP.  With one that has, the call is mixed. */
    if (worse == GH_GRADE_CLEAR && (a > GH_GRADE_CLEAR || b > GH_GRADE_CLEAR))
        return GH_GRADE_MIXED;
    return worse;
}

enum gh_grade gh_policy_attest(enum gh_grade grade, const bool fresh_encrypted_claim[2])
{
    /* Only hop_by_hop is raised: a claim adds nothing to a hop that is not secure itself. */
    if (grade == GH_GRADE_HOP_BY_HOP && fresh_encrypted_claim[0] && fresh_encrypted_claim[1])
        return GH_GRADE_ATTESTED;
    return grade;
}

enum gh_reason gh_policy_require(const struct gh_require *require, enum gh_grade best,
                                 const enum gh_reason *marks, size_t mark_count)
{
    size_t refused = require->refuse_mark_count < GH_REQUIRE_MARKS_MAX ? require->refuse_mark_count
                                                                       : GH_REQUIRE_MARKS_MAX;

    if (best < require->grade)
        return GH_REASON_GRADE_BELOW_REQUIRED;
    for (size_t r = 0; r < refused; r++) {
        for (size_t m = 0; m < mark_count; m++) {
            if (marks[m] == require->refuse_marks[r] && marks[m] != GH_REASON_NONE)
                return marks[m];
        }
    }
    return GH_REASON_NONE;
}
