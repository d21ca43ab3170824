/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every combination of the inputs of every table, one value past the end of each enum included,
 * compared with the rules told a second time (support_oracle.c).  Each case prints how many
 * combinations it walked, and fails when that number is not the one that follows from the enums.
 */
#include "support/check.h"
#include "support_oracle.h"

/* `for` over an enum and the first value that is not in it. */
#define EACH(type, v, count)                                                                       \
    for (enum type v = (enum type)0; v <= (enum type)(count); v = (enum type)(v + 1))
#define EACH_BOOL(v) for (int v = 0; v <= 1; v++)

#define KEYING_COUNT (GH_KEYING_SDES + 1)
#define TRIES_SHOWN 5

static long walked, differing;

static void begin(void)
{
    walked = differing = 0;
}

/* One combination; the first few that differ are shown. */
static void compare(bool same, const char *what, const int *in, size_t count)
{
    walked++;
    if (same || differing++ >= TRIES_SHOWN)
        return;
    fprintf(stderr, "%s differs for", what);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " %d", in[i]);
    fprintf(stderr, "\n");
}

#define COMPARE(same, what, ...)                                                        \
    do {                                                                                \
        const int compare_in[] = { __VA_ARGS__ };                                       \
        compare((same), (what), compare_in, sizeof(compare_in) / sizeof(compare_in[0])); \
    } while (0)

static void finish(const char *what, long expected)
{
    printf("     %s: %ld combinations\n", what, walked);
    CHECK_INT(differing, 0);
    CHECK_INT(walked, expected);
}

static bool same_gate(struct gh_gate a, struct gh_gate b)
{
    return a.verdict == b.verdict && a.reason == b.reason;
}

static bool same_stream(struct gh_stream_judgement a, struct gh_stream_judgement b)
{
    return a.verdict == b.verdict && a.reason == b.reason;
}

static void gate(void)
{
    begin();
    EACH(gh_signalling, sig, GH_SIG_COUNT)
    for (unsigned carriers = 0; carriers <= 8; carriers++)
        EACH(gh_unproven, unproven, GH_UNPROVEN_COUNT)
        COMPARE(same_gate(gh_policy_gate(sig, carriers, unproven),
                          gh_oracle_gate(sig, carriers, unproven)),
                "gate", (int)sig, (int)carriers, (int)unproven);
    finish("gate", (GH_SIG_COUNT + 1) * 9 * (GH_UNPROVEN_COUNT + 1));
}

static void gate_action(void)
{
    begin();
    EACH(gh_msg_class, msg, GH_MSG_CLASS_COUNT)
    COMPARE(gh_policy_gate_action(msg) == gh_oracle_gate_action(msg), "gate action", (int)msg);
    finish("gate action", GH_MSG_CLASS_COUNT + 1);
}

static void may_strip(void)
{
    begin();
    EACH(gh_unproven_keys, rule, GH_UNPROVEN_KEYS_COUNT)
    EACH(gh_msg_class, msg, GH_MSG_CLASS_COUNT)
    EACH(gh_profile, profile, GH_PROFILE_COUNT)
    COMPARE(gh_policy_may_strip(rule, msg, profile) == gh_oracle_may_strip(rule, msg, profile),
            "may strip", (int)rule, (int)msg, (int)profile);
    finish("may strip",
           (GH_UNPROVEN_KEYS_COUNT + 1) * (GH_MSG_CLASS_COUNT + 1) * (GH_PROFILE_COUNT + 1));
}

static void offer_in(void)
{
    begin();
    EACH(gh_srtp_mode, mode, GH_SRTP_MODE_COUNT)
    EACH(gh_signalling, sig, GH_SIG_COUNT)
    EACH(gh_profile, profile, GH_PROFILE_COUNT)
    EACH(gh_keying_seen, seen, GH_KEYING_SEEN_COUNT)
    COMPARE(same_stream(gh_policy_offer_in(mode, sig, profile, seen),
                        gh_oracle_offer_in(mode, sig, profile, seen)),
            "offer in", (int)mode, (int)sig, (int)profile, (int)seen);
    finish("offer in", (GH_SRTP_MODE_COUNT + 1) * (GH_SIG_COUNT + 1) * (GH_PROFILE_COUNT + 1) *
                           (GH_KEYING_SEEN_COUNT + 1));
}

static void offer_out(void)
{
    begin();
    EACH(gh_srtp_mode, mode, GH_SRTP_MODE_COUNT)
    EACH(gh_signalling, sig, GH_SIG_COUNT)
    EACH(gh_best_effort, best_effort, GH_BEST_EFFORT_COUNT)
    EACH(gh_profile, profile, GH_PROFILE_COUNT)
    {
        struct gh_offer_judgement got = gh_policy_offer_out(mode, sig, best_effort, profile);
        struct gh_offer_judgement want = gh_oracle_offer_out(mode, sig, best_effort, profile);

        COMPARE(got.plan == want.plan && got.reason == want.reason, "offer out", (int)mode,
                (int)sig, (int)best_effort, (int)profile);
    }
    finish("offer out", (GH_SRTP_MODE_COUNT + 1) * (GH_SIG_COUNT + 1) * (GH_BEST_EFFORT_COUNT + 1) *
                            (GH_PROFILE_COUNT + 1));
}

static void answer_in(void)
{
    begin();
    EACH(gh_offer_plan, plan, GH_OFFER_PLAN_COUNT)
    EACH(gh_srtp_mode, mode, GH_SRTP_MODE_COUNT)
    EACH(gh_signalling, sig, GH_SIG_COUNT)
    EACH(gh_profile, profile, GH_PROFILE_COUNT)
    EACH(gh_answer_crypto, crypto, GH_ANSWER_CRYPTO_COUNT)
    EACH_BOOL(strict)
    EACH_BOOL(fallback)
    COMPARE(same_stream(gh_policy_answer_in(plan, mode, sig, profile, crypto, strict, fallback),
                        gh_oracle_answer_in(plan, mode, sig, profile, crypto, strict, fallback)),
            "answer in", (int)plan, (int)mode, (int)sig, (int)profile, (int)crypto, strict,
            fallback);
    finish("answer in", (GH_OFFER_PLAN_COUNT + 1) * (GH_SRTP_MODE_COUNT + 1) * (GH_SIG_COUNT + 1) *
                            (GH_PROFILE_COUNT + 1) * (GH_ANSWER_CRYPTO_COUNT + 1) * 4);
}

static void key_memory(void)
{
    begin();
    EACH(gh_key_memory, seen, GH_KEY_MEMORY_COUNT)
    EACH(gh_key_reuse, rule, GH_KEY_REUSE_COUNT)
    COMPARE(same_gate(gh_policy_key_memory(seen, rule), gh_oracle_key_memory(seen, rule)),
            "key memory", (int)seen, (int)rule);
    finish("key memory", (GH_KEY_MEMORY_COUNT + 1) * (GH_KEY_REUSE_COUNT + 1));
}

static void downgrade(void)
{
    begin();
    EACH(gh_on_downgrade, trunk, GH_ON_DOWNGRADE_COUNT)
    EACH(gh_on_downgrade, route, GH_ON_DOWNGRADE_COUNT)
    EACH_BOOL(in_answer)
    COMPARE(gh_policy_downgrade(trunk, route, in_answer) ==
                gh_oracle_downgrade(trunk, route, in_answer),
            "downgrade", (int)trunk, (int)route, in_answer);
    finish("downgrade", (GH_ON_DOWNGRADE_COUNT + 1) * (GH_ON_DOWNGRADE_COUNT + 1) * 2);
}

static void leg_status(void)
{
    begin();
    EACH(gh_traffic_secure, rule, GH_TRAFFIC_SECURE_COUNT)
    EACH(gh_signalling, sig, GH_SIG_COUNT)
    for (unsigned counts = 0; counts < 64; counts++)
        EACH_BOOL(fingerprint)
        EACH_BOOL(packets)
        {
            struct gh_leg_streams s = { counts & 3, counts >> 2 & 3, counts >> 4, fingerprint,
                                        packets };

            COMPARE(gh_policy_leg_status(rule, sig, &s) == gh_oracle_leg_status(rule, sig, &s),
                    "leg status", (int)rule, (int)sig, (int)s.live, (int)s.sdes, (int)s.dtls,
                    fingerprint, packets);
        }
    finish("leg status", (GH_TRAFFIC_SECURE_COUNT + 1) * (GH_SIG_COUNT + 1) * 64 * 4);
}

static void call_status(void)
{
    begin();
    EACH_BOOL(connected)
    EACH(gh_status, leg_a, GH_STATUS_COUNT)
    EACH(gh_status, leg_b, GH_STATUS_COUNT)
    EACH(gh_status, claim_a, GH_STATUS_COUNT)
    EACH(gh_status, claim_b, GH_STATUS_COUNT)
    {
        const enum gh_status leg[2] = { leg_a, leg_b }, claim[2] = { claim_a, claim_b };

        COMPARE(gh_policy_call_status(connected, leg, claim) ==
                    gh_oracle_call_status(connected, leg, claim),
                "call status", connected, (int)leg_a, (int)leg_b, (int)claim_a, (int)claim_b);
    }
    finish("call status", 2L * (GH_STATUS_COUNT + 1) * (GH_STATUS_COUNT + 1) *
                              (GH_STATUS_COUNT + 1) * (GH_STATUS_COUNT + 1));
}

static void claim_mark(void)
{
    begin();
    for (enum gh_status claim = GH_STATUS_UNKNOWN; claim < GH_STATUS_COUNT; claim++)
        for (enum gh_status measured = GH_STATUS_UNKNOWN; measured < GH_STATUS_COUNT; measured++)
            COMPARE(gh_policy_claim_mark(claim, measured) == gh_oracle_claim_mark(claim, measured),
                    "claim mark", (int)claim, (int)measured);
    finish("claim mark", GH_STATUS_COUNT * GH_STATUS_COUNT);
}

#define HOP_COUNT ((KEYING_COUNT + 1) * (GH_SIG_COUNT + 1) * 2 * (GH_PROOF_COUNT + 1) * 2)

static void every_hop(struct gh_hop_facts hops[HOP_COUNT])
{
    int n = 0;

    EACH(gh_keying, keying, KEYING_COUNT)
    EACH(gh_signalling, sig, GH_SIG_COUNT)
    EACH_BOOL(exposed)
    EACH(gh_proof, proof, GH_PROOF_COUNT)
    EACH_BOOL(passed)
    hops[n++] = (struct gh_hop_facts){ keying, sig, exposed, proof, passed };
}

static void stream_grade(void)
{
    static struct gh_hop_facts hops[HOP_COUNT];

    every_hop(hops);
    begin();
    for (int a = 0; a < HOP_COUNT; a++)
        for (int b = 0; b < HOP_COUNT; b++) {
            const struct gh_hop_facts hop[2] = { hops[a], hops[b] };

            COMPARE(gh_policy_stream_grade(hop) == gh_oracle_stream_grade(hop), "stream grade",
                    (int)hop[0].keying, (int)hop[0].signalling, hop[0].key_exposed,
                    (int)hop[0].proof, hop[0].dtls_passed, (int)hop[1].keying,
                    (int)hop[1].signalling, hop[1].key_exposed, (int)hop[1].proof,
                    hop[1].dtls_passed);
            COMPARE(gh_policy_stream_pending(hop) == gh_oracle_stream_pending(hop),
                    "stream pending", (int)hop[0].keying, (int)hop[0].signalling,
                    hop[0].key_exposed, (int)hop[0].proof, hop[0].dtls_passed, (int)hop[1].keying,
                    (int)hop[1].signalling, hop[1].key_exposed, (int)hop[1].proof,
                    hop[1].dtls_passed);
        }
    finish("stream grade and pending, both hops", 2L * HOP_COUNT * HOP_COUNT);
}

static void attest(void)
{
    begin();
    EACH(gh_grade, grade, GH_GRADE_COUNT - 1)
    EACH_BOOL(a)
    EACH_BOOL(b)
    {
        const bool claim[2] = { a, b };
        enum gh_grade want = grade == GH_GRADE_HOP_BY_HOP && a && b ? GH_GRADE_ATTESTED : grade;

        COMPARE(gh_policy_attest(grade, claim) == want, "attest", (int)grade, a, b);
    }
    finish("attest", GH_GRADE_COUNT * 4);
}

/* "The lowest of its graded epochs", and over streams of one moment: clear only when none has
 * SRTP. */
static void worse_and_beside(void)
{
    begin();
    EACH(gh_grade, a, GH_GRADE_COUNT - 1)
    EACH(gh_grade, b, GH_GRADE_COUNT - 1)
    {
        enum gh_grade low = a < b ? a : b, high = a < b ? b : a, beside = low;

        if (low == GH_GRADE_NONE)
            low = beside = high;
        else if (low == GH_GRADE_CLEAR && high > GH_GRADE_CLEAR)
            beside = GH_GRADE_MIXED;
        COMPARE(gh_policy_worse(a, b) == low, "worse", (int)a, (int)b);
        COMPARE(gh_policy_beside(a, b) == beside, "beside", (int)a, (int)b);
        EACH(gh_grade, c, GH_GRADE_COUNT - 1)
        COMPARE(gh_policy_beside(gh_policy_beside(a, b), c) ==
                    gh_policy_beside(a, gh_policy_beside(b, c)),
                "beside in any order", (int)a, (int)b, (int)c);
    }
    finish("worse, beside", GH_GRADE_COUNT * GH_GRADE_COUNT * (2 + GH_GRADE_COUNT));
}

/* Grade, and every set of four marks carried against every set of the same four refused. */
static void require(void)
{
    static const enum gh_reason four[] = { GH_REASON_WEAK_TLS, GH_REASON_NO_FORWARD_SECRECY,
                                           GH_REASON_CERT_WEAK, GH_REASON_CRL_WAIVED };

    begin();
    EACH(gh_grade, needed, GH_GRADE_COUNT - 1)
    EACH(gh_grade, best, GH_GRADE_COUNT - 1)
    for (unsigned sets = 0; sets < 256; sets++) {
        struct gh_require require = { .grade = needed };
        enum gh_reason carried[5] = { GH_REASON_NONE }, want = GH_REASON_NONE, got;
        size_t count = 1;

        for (unsigned i = 0; i < 4; i++) {
            if (sets >> i & 1)
                require.refuse_marks[require.refuse_mark_count++] = four[i];
            if (sets >> (i + 4) & 1)
                carried[count++] = four[i];
            if ((sets >> i & 1) && (sets >> (i + 4) & 1) && want == GH_REASON_NONE)
                want = four[i];
        }
        if (best < needed)
            want = GH_REASON_GRADE_BELOW_REQUIRED;
        got = gh_policy_require(&require, best, carried, count);
        COMPARE(got == want, "require", (int)needed, (int)best, (int)sets);
    }
    finish("require", GH_GRADE_COUNT * GH_GRADE_COUNT * 256);
}

/* ---- admission ------------------------------------------------------------------------------- */

#define NOW 1000000

static const struct {
    int bits;
    bool sha1, chain;
} strengths[] = { { 128, 0, 0 }, { 112, 0, 0 }, { 80, 0, 0 },
                  { 79, 0, 0 },  { 128, 1, 0 }, { 128, 0, 1 } };

static const struct {
    const char *name;
    enum gh_cipher_kind kind;
    int bits;
    bool aead, chacha20, forward_secret;
} ciphers[] = {
    { "", GH_CIPHER_NONE, 0, 0, 0, 0 },
    { "NULL-SHA256", GH_CIPHER_AUTH_ONLY, 0, 0, 0, 0 },
    { "ECDHE-RSA-AES256-GCM-SHA384", GH_CIPHER_ENCRYPTING, 256, 1, 0, 1 },
    { "AES128-GCM-SHA256", GH_CIPHER_ENCRYPTING, 128, 1, 0, 0 },
    { "ECDHE-RSA-AES128-SHA256", GH_CIPHER_ENCRYPTING, 128, 0, 0, 1 },
    { "AES128-SHA", GH_CIPHER_ENCRYPTING, 128, 0, 0, 0 },
    { "TLS_CHACHA20_POLY1305_SHA256", GH_CIPHER_ENCRYPTING, 256, 1, 1, 1 },
    { "ECDHE-RSA-DES-CBC3-SHA", GH_CIPHER_ENCRYPTING, 112, 0, 0, 1 },
    { "ECDHE-ECDSA-AES128-CCM8", GH_CIPHER_ENCRYPTING, 128, 0, 0, 1 },
    { "TLS_AES_128_CCM_SHA256", GH_CIPHER_ENCRYPTING, 128, 1, 0, 1 },
};

#define STRENGTHS (int)(sizeof(strengths) / sizeof(strengths[0]))
#define CIPHERS (int)(sizeof(ciphers) / sizeof(ciphers[0]))

static bool has_mark(const struct gh_standing *standing, enum gh_reason mark)
{
    int found = 0;

    for (size_t i = 0; i < standing->mark_count; i++)
        found += standing->marks[i] == mark;
    return found == 1;
}

static bool same_standing(const struct gh_standing *got, const struct gh_oracle_standing *want)
{
    bool admitted = want->reason == GH_REASON_NONE;
    size_t marks = (size_t)want->weak_tls + want->no_forward_secrecy + want->cert_weak +
                   want->eku_waived + want->crl_waived;

    return got->signalling == want->signalling && got->reason == want->reason &&
           got->trunk == (admitted ? 7u : 0u) && got->proven_until_us == (admitted ? NOW + 1 : 0) &&
           got->mark_count == marks && has_mark(got, GH_REASON_WEAK_TLS) == want->weak_tls &&
           has_mark(got, GH_REASON_NO_FORWARD_SECRECY) == want->no_forward_secrecy &&
           has_mark(got, GH_REASON_CERT_WEAK) == want->cert_weak &&
           has_mark(got, GH_REASON_EKU_WAIVED) == want->eku_waived &&
           has_mark(got, GH_REASON_CRL_WAIVED) == want->crl_waived;
}

/* The same case as facts, rules and chain. */
static struct gh_standing admit(const struct gh_oracle_admission *a, const char *cipher)
{
    static const char *const peer[] = { "cucm10" };
    struct gh_cert_name name = { GH_NAME_DNS, "cucm10" };
    struct gh_trunk_rules trunk = { .id = 7,
                                    .transport = GH_TRANSPORT_TLS,
                                    .peer_names = peer,
                                    .peer_name_count = 1,
                                    .device_mode = a->device_mode,
                                    .tls_policy = a->tls_policy,
                                    .client_auth_eku = a->eku_waived ? GH_WAIVE_WARN : GH_WAIVE_NOT,
                                    .crl_unavailable =
                                        a->crl_waived ? GH_WAIVE_WARN : GH_WAIVE_NOT };
    struct gh_conn_facts facts = { .transport = GH_TRANSPORT_TLS,
                                   .role = a->role,
                                   .version = a->version,
                                   .cipher_kind = a->cipher,
                                   .cipher_bits = a->cipher_bits,
                                   .forward_secret = a->forward_secret,
                                   .peer_cert = a->certificate };
    struct gh_chain_facts chain = { .reason = a->chain_reason,
                                    .crl_missing = a->crl_missing,
                                    .weak = a->weak_chain,
                                    .client_barred = a->client_barred,
                                    .valid_from_us = NOW - 1,
                                    .valid_until_us = NOW + 1 };

    memcpy(facts.cipher, cipher, strlen(cipher) + 1);
    facts.cert = (struct gh_cert_facts){ .names = &name,
                                         .name_count = a->name_fits,
                                         .has_san = true,
                                         .not_before_us = NOW - 1,
                                         .not_after_us = NOW + 1,
                                         .eku_present = a->eku_present,
                                         .eku_server = a->eku_server,
                                         .eku_client = a->eku_client,
                                         .security_bits = a->security_bits,
                                         .weak_signature = a->sha1_leaf };
    return gh_policy_admit(&facts, &trunk, a->chain_judged ? &chain : NULL, NOW + 2 * a->when);
}

/* The inner half of the product: how strong certificate, version and cipher are. */
static void admit_strengths(struct gh_oracle_admission a)
{
    EACH(gh_tls_policy, preset, GH_TLS_LEGACY_CUCM + 1)
    for (int s = 0; s < STRENGTHS; s++)
        EACH(gh_tls_version, version, GH_TLS_1_3)
        for (int c = 0; c < CIPHERS; c++) {
            struct gh_oracle_standing want;
            struct gh_standing got;

            a.tls_policy = preset;
            a.security_bits = strengths[s].bits;
            a.sha1_leaf = strengths[s].sha1;
            a.weak_chain = strengths[s].chain;
            a.version = version;
            a.cipher = ciphers[c].kind;
            a.cipher_bits = ciphers[c].bits;
            a.aead = ciphers[c].aead;
            a.chacha20 = ciphers[c].chacha20;
            a.forward_secret = ciphers[c].forward_secret;
            want = gh_oracle_admit_tls(&a);
            got = admit(&a, ciphers[c].name);
            COMPARE(same_standing(&got, &want), "admission", (int)a.device_mode, (int)a.role,
                    a.certificate, (int)a.chain_reason, a.when, a.crl_missing, a.crl_waived,
                    a.name_fits, a.eku_present, a.eku_server, a.eku_client, a.eku_waived,
                    (int)preset, s, (int)version, c, (int)got.reason, (int)want.reason);
        }
}

#define INNER (5L * STRENGTHS * 4 * CIPHERS)

/* Who the peer is, in which role, with which waivers: every combination of faults with every
 * strength. */
static void admission(void)
{
    static const enum gh_reason chains[] = { GH_REASON_NO_RULE, GH_REASON_CERT_REVOKED,
                                             GH_REASON_NONE };

    begin();
    EACH(gh_device_mode, mode, GH_MODE_ENCRYPTED)
    EACH(gh_role, role, GH_ROLE_CLIENT)
    for (unsigned cert = 0; cert < 3; cert++)         /* missing, of another name, right */
        for (unsigned chain = 0; chain < 3; chain++)  /* not judged, revoked, holds */
            for (unsigned crl = 0; crl < 3; crl++)    /* there, missing, missing and waived */
                /* Absent, neither, server, client, both; the same with an intermediate that
                 * bars. */
                for (unsigned eku = 0; eku < 10; eku++)
                    EACH_BOOL(waived)
                    {
                        struct gh_oracle_admission a = {
                            .device_mode = mode,
                            .role = role,
                            .certificate = cert > 0,
                            .name_fits = cert > 1,
                            .chain_judged = chain > 0,
                            .chain_reason = chains[chain],
                            .crl_missing = crl > 0,
                            .crl_waived = crl > 1,
                            .client_barred = eku >= 5,
                            .eku_present = eku % 5 > 0,
                            .eku_server = eku % 5 == 2 || eku % 5 == 4,
                            .eku_client = eku % 5 >= 3,
                            .eku_waived = waived,
                        };

                        for (a.when = -1; a.when <= 1; a.when++)
                            admit_strengths(a);
                    }
    finish("admission over TLS", 3L * 3 * 3 * 3 * 3 * 10 * 2 * 3 * INNER);
}

/* Transport of connection and trunk, and mode: only a TLS trunk gets TLS, and only a non_secure
 * one less. */
static void admission_by_transport(void)
{
    begin();
    EACH(gh_transport, on, GH_TRANSPORT_TLS + 1)
    EACH(gh_transport, configured, GH_TRANSPORT_TLS + 1)
    EACH(gh_device_mode, mode, GH_MODE_ENCRYPTED + 1)
    EACH_BOOL(named)
    {
        struct gh_conn_facts facts = { .transport = on, .role = GH_ROLE_SERVER };
        struct gh_trunk_rules trunk = { .id = named ? 7 : 0,
                                        .transport = configured,
                                        .device_mode = mode };
        struct gh_standing got = gh_policy_admit(&facts, &trunk, NULL, NOW);
        bool plain = on == GH_TRANSPORT_UDP || on == GH_TRANSPORT_TCP;
        bool admitted = plain && configured == on && mode == GH_MODE_NON_SECURE && named;
        enum gh_signalling sig = plain                    ? GH_SIG_CLEAR
                                 : on == GH_TRANSPORT_TLS ? GH_SIG_TLS_UNVERIFIED
                                                          : GH_SIG_NONE;
        enum gh_reason reason = GH_REASON_NO_RULE;

        if (admitted)
            reason = GH_REASON_NONE;
        else if (plain && configured == GH_TRANSPORT_TLS)
            reason = GH_REASON_TLS_NOT_TLS;
        else if (on == GH_TRANSPORT_TLS && configured == on && named &&
                 (mode == GH_MODE_AUTHENTICATED || mode == GH_MODE_ENCRYPTED))
            reason = GH_REASON_CERT_MISSING;
        COMPARE(
            got.reason == reason && got.signalling == sig && got.trunk == (admitted ? 7u : 0u) &&
                got.proven_until_us == (admitted ? INT64_MAX : 0) && got.mark_count == 0,
            "transport", (int)on, (int)configured, (int)mode, named, (int)got.reason, (int)reason);
    }
    finish("admission by transport", 5 * 5 * 4 * 2);
}

int main(void)
{
    RUN(gate);
    RUN(gate_action);
    RUN(may_strip);
    RUN(offer_in);
    RUN(offer_out);
    RUN(answer_in);
    RUN(key_memory);
    RUN(downgrade);
    RUN(leg_status);
    RUN(call_status);
    RUN(claim_mark);
    RUN(stream_grade);
    RUN(attest);
    RUN(worse_and_beside);
    RUN(require);
    RUN(admission);
    RUN(admission_by_transport);
    return CHECK_REPORT();
}
