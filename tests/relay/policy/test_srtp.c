/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a=crypto: which are usable, which one is answered, and how an answer fits the offer. */
#include "support/check.h"
#include "policy/policy.h"

#define S80 GH_AES_CM_128_HMAC_SHA1_80
#define S32 GH_AES_CM_128_HMAC_SHA1_32
#define G256 GH_AEAD_AES_256_GCM
#define G128 GH_AEAD_AES_128_GCM

static struct gh_crypto_facts line(uint32_t tag, enum gh_suite suite)
{
    return (struct gh_crypto_facts){ .parsed = true, .tag = tag, .suite = suite, .key_ok = true,
                                     .key_count = 1, .lifetime_ok = true };
}

static const struct gh_trunk_rules trunk = { .suites = { G256, S80 }, .suite_count = 2 };

/* Each fault alone makes a sound line unusable; listed or not is told apart only for sound
 * lines. */
static void usable(void)
{
    struct gh_crypto_facts l = line(1, S80);

    CHECK_INT(gh_policy_crypto_usable(&l, &trunk), GH_CRYPTO_USABLE);
    l.suite = G256;
    CHECK_INT(gh_policy_crypto_usable(&l, &trunk), GH_CRYPTO_USABLE);
    l.suite = S32;
    CHECK_INT(gh_policy_crypto_usable(&l, &trunk), GH_CRYPTO_NOT_LISTED);
    l.key_ok = false;
    CHECK_INT(gh_policy_crypto_usable(&l, &trunk), GH_CRYPTO_UNUSABLE);

#define FAULT(change)                                                                   \
    do {                                                                                \
        struct gh_crypto_facts f = line(1, S80);                                        \
        change;                                                                         \
        CHECK_INT(gh_policy_crypto_usable(&f, &trunk), GH_CRYPTO_UNUSABLE);             \
    } while (0)
    FAULT(f.parsed = false);
    FAULT(f.suite = GH_SUITE_NONE);
    FAULT(f.suite = GH_SUITE_COUNT);
    FAULT(f.key_ok = false);
    FAULT(f.key_count = 0);
    FAULT(f.lifetime_ok = false);
    FAULT(f.params_required = true);
    FAULT(f.mki = true);       /* and mki_ok is not */
    FAULT(f.key_count = 2);    /* RFC 4568 section 6.1: several keys need an MKI */
#undef FAULT
}

static void several_keys(void)
{
    struct gh_crypto_facts l = line(1, S80);

    l.mki = l.mki_ok = true;
    CHECK_INT(gh_policy_crypto_usable(&l, &trunk), GH_CRYPTO_USABLE);
    l.key_count = 3;
    CHECK_INT(gh_policy_crypto_usable(&l, &trunk), GH_CRYPTO_USABLE);
}

/* A list that is longer than an array holds is not read past its end. */
static void suite_list_is_bounded(void)
{
    struct gh_trunk_rules wrong = { .suites = { S80 }, .suite_count = 1000 };
    struct gh_crypto_facts l = line(1, S32);

    CHECK_INT(gh_policy_crypto_usable(&l, &wrong), GH_CRYPTO_NOT_LISTED);
    wrong.suite_count = 0;
    l.suite = S80;
    CHECK_INT(gh_policy_crypto_usable(&l, &wrong), GH_CRYPTO_NOT_LISTED);
}

static void pick(void)
{
    struct gh_crypto_facts lines[] = { line(1, S32), line(2, S80), line(3, G256), line(4, S80) };
    struct gh_trunk_rules local = trunk;

    local.suite_order_local = true;
    CHECK_INT(gh_policy_crypto_pick(lines, 4, &trunk), 1);  /* the offerer's first usable one */
    CHECK_INT(gh_policy_crypto_pick(lines, 4, &local), 2);  /* ours: GCM 256 first */
    CHECK_INT(gh_policy_crypto_pick(lines, 2, &local), 1);
    CHECK_INT(gh_policy_crypto_pick(lines, 1, &trunk), -1); /* suite not listed */
    CHECK_INT(gh_policy_crypto_pick(lines, 0, &trunk), -1);
    lines[1].key_ok = lines[2].key_ok = false;              /* skipped */
    CHECK_INT(gh_policy_crypto_pick(lines, 4, &trunk), 3);
    CHECK_INT(gh_policy_crypto_pick(lines, 4, &local), 3);
    lines[1].key_ok = true;                                 /* equal suites: the offerer's order */
    CHECK_INT(gh_policy_crypto_pick(lines, 4, &local), 1);
}

/* RFC 4568 section 5.1.2: the answer repeats tag and suite of the line that it accepts. */
static void answer(void)
{
    const struct gh_crypto_facts offered[] = { line(1, G256), line(2, S80), line(3, S32),
                                               line(4, S32) };
    static const struct {
        uint32_t tag;
        enum gh_suite suite;
        enum gh_answer_crypto want;
        size_t which;
    } rows[] = {
        { 1, G256, GH_ANSWER_MATCHES, 0 },
        { 2, S80, GH_ANSWER_MATCHES, 1 },
        { 4, S32, GH_ANSWER_MATCHES, 3 },
        { 1, S80, GH_ANSWER_RENUMBERED, 1 },  /* a tag that another line has */
        { 9, G256, GH_ANSWER_RENUMBERED, 0 },
        { 9, S32, GH_ANSWER_FOREIGN, 99 },    /* offered twice: which one is not to be known */
        { 1, G128, GH_ANSWER_FOREIGN, 99 },   /* baresip 1.0.0 answers what nobody offered */
    };
    const struct gh_crypto_facts two[] = { line(1, G256), line(2, S80) };
    struct gh_crypto_facts bad = line(1, G256);
    struct gh_trunk_rules listed = trunk;
    size_t which = 99;

    listed.suites[2] = S32;
    listed.suite_count = 3;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct gh_crypto_facts l = line(rows[i].tag, rows[i].suite);

        which = 99;
        CHECK_INT(gh_policy_answer_crypto(offered, 4, &l, 1, &listed, &which), rows[i].want);
        CHECK_INT(which, rows[i].which);
    }
    which = 99;
    CHECK_INT(gh_policy_answer_crypto(offered, 4, NULL, 0, &listed, &which), GH_ANSWER_NO_CRYPTO);
    CHECK_INT(gh_policy_answer_crypto(offered, 4, two, 2, &listed, &which), GH_ANSWER_FOREIGN);
    CHECK_INT(gh_policy_answer_crypto(NULL, 0, two, 1, &listed, &which), GH_ANSWER_FOREIGN);
    bad.params_required = true;
    CHECK_INT(gh_policy_answer_crypto(offered, 4, &bad, 1, &listed, &which), GH_ANSWER_UNUSABLE);
    bad = line(1, GH_SUITE_NONE);
    CHECK_INT(gh_policy_answer_crypto(offered, 4, &bad, 1, &listed, &which), GH_ANSWER_UNUSABLE);
    CHECK_INT(which, 99);
}

/* What a caller does with it, one after the other: peers seen in the field. */
static void peers(void)
{
    /* baresip 1.0.0, offered AES_256_CM alone, answers SAVP with a line of its own and sends
     * plain RTP. */
    CHECK_INT(gh_policy_answer_in(GH_PLAN_AVP_WITH_KEYS, GH_SRTP_ALLOWED, GH_SIG_TLS_VERIFIED,
                                  GH_PROFILE_SAVP, GH_ANSWER_FOREIGN, false, false).reason,
              GH_REASON_CRYPTO_ANSWER_BAD);
    /* Microsoft: AVP with keys offered, SAVP answered. */
    CHECK_INT(gh_policy_answer_in(GH_PLAN_AVP_WITH_KEYS, GH_SRTP_ALLOWED, GH_SIG_TLS_VERIFIED,
                                  GH_PROFILE_SAVP, GH_ANSWER_MATCHES, false, false).verdict,
              GH_STREAM_SRTP);
    /* CUCM falls back, and says that it may. */
    CHECK_INT(gh_policy_answer_in(GH_PLAN_SAVP, GH_SRTP_ALLOWED, GH_SIG_TLS_VERIFIED,
                                  GH_PROFILE_AVP, GH_ANSWER_NO_CRYPTO, false, true)
                  .reason,
              GH_REASON_SRTP_FALLBACK);
    CHECK_INT(gh_policy_answer_in(GH_PLAN_SAVP, GH_SRTP_REQUIRED, GH_SIG_TLS_VERIFIED,
                                  GH_PROFILE_AVP, GH_ANSWER_NO_CRYPTO, false, true)
                  .verdict,
              GH_STREAM_REFUSE);
}

int main(void)
{
    RUN(usable);
    RUN(several_keys);
    RUN(suite_list_is_bounded);
    RUN(pick);
    RUN(answer);
    RUN(peers);
    return CHECK_REPORT();
}
