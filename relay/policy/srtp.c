/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trunk's SRTP mode (off, allowed, required) makes of an offer and of an answer, one m-line
 * at a time, and what is said of keys seen before.
 * Sources: RFC 4568 sections 5.1, 6 and 7.1, RFC 8643 section 3.
 *
 * Keys themselves never come here, only facts about lines.  The gate is asked again for every
 * m-line with keys, so a caller that forgot to ask cannot take or write one.
 */
#include "policy/policy_int.h"

#define OFF GH_BIT(GH_SRTP_OFF)
#define ALLOWED GH_BIT(GH_SRTP_ALLOWED)
#define REQUIRED GH_BIT(GH_SRTP_REQUIRED)
#define ON (ALLOWED | REQUIRED)
#define ANY_MODE (OFF | ALLOWED | REQUIRED)

#define CLEAR GH_BIT(GH_SIG_CLEAR)
#define UNVERIFIED GH_BIT(GH_SIG_TLS_UNVERIFIED)
#define NULL_CIPHER GH_BIT(GH_SIG_TLS_NULL)
#define VERIFIED GH_BIT(GH_SIG_TLS_VERIFIED)
#define CALLS GH_SIGS_WITH_CALLS

#define AVP GH_BIT(GH_PROFILE_AVP)
#define SAVP GH_BIT(GH_PROFILE_SAVP)
#define UDP_TLS GH_BIT(GH_PROFILE_DTLS)
#define NOT_RTP GH_BIT(GH_PROFILE_OTHER) /* nor anything else that is relayed */
#define UDPTL GH_BIT(GH_PROFILE_UDPTL)
#define ANY_RTP (AVP | SAVP)
#define ANY_PROFILE (AVP | SAVP | UDP_TLS | NOT_RTP | UDPTL)

/* ---- one a=crypto line ----------------------------------------------------------------------- */

/* Everything but the profile's list. */
static bool line_is_sound(const struct gh_crypto_facts *line)
{
    bool suite_known = line->suite > GH_SUITE_NONE && line->suite < GH_SUITE_COUNT;
    /* RFC 4568 section 6.1: several keys are told apart by their MKI. */
    bool mki_fits = line->mki ? line->mki_ok : line->key_count == 1;

    return line->parsed && suite_known && line->key_ok && line->key_count > 0 && mki_fits &&
           line->lifetime_ok && !line->params_required;
}

/* Place of @suite in the trunk's list, or the list's length. */
static size_t suite_rank(const struct gh_trunk_rules *trunk, enum gh_suite suite, size_t *length)
{
    size_t rank = 0;

    *length = trunk->suite_count < GH_TRUNK_SUITES_MAX ? trunk->suite_count : GH_TRUNK_SUITES_MAX;
    while (rank < *length && trunk->suites[rank] != suite)
        rank++;
    return rank;
}

enum gh_crypto_verdict gh_policy_crypto_usable(const struct gh_crypto_facts *line,
                                               const struct gh_trunk_rules *trunk)
{
    size_t length, rank = suite_rank(trunk, line->suite, &length);

    if (!line_is_sound(line))
        return GH_CRYPTO_UNUSABLE;
    return rank < length ? GH_CRYPTO_USABLE : GH_CRYPTO_NOT_LISTED;
}

int gh_policy_crypto_pick(const struct gh_crypto_facts *lines, size_t count,
                          const struct gh_trunk_rules *trunk)
{
    size_t best_rank = 0, length;
    int best = -1;

    for (size_t i = 0; i < count; i++) {
        size_t rank;

        if (gh_policy_crypto_usable(&lines[i], trunk) != GH_CRYPTO_USABLE)
            continue;
        rank = suite_rank(trunk, lines[i].suite, &length);
        if (best < 0 || (trunk->suite_order_local && rank < best_rank)) {
            best = (int)i;
            best_rank = rank;
        }
    }
    return best;
}

enum gh_answer_crypto gh_policy_answer_crypto(const struct gh_crypto_facts *offered,
                                              size_t offered_count,
                                              const struct gh_crypto_facts *answer,
                                              size_t answer_count,
                                              const struct gh_trunk_rules *trunk, size_t *which)
{
    size_t same_suite = 0, last = 0;

    if (answer_count == 0)
        return GH_ANSWER_NO_CRYPTO;
    /* RFC 4568 section 5.1.2: exactly one line is accepted. */
    if (answer_count > 1)
        return GH_ANSWER_FOREIGN;
    if (gh_policy_crypto_usable(answer, trunk) == GH_CRYPTO_UNUSABLE)
        return GH_ANSWER_UNUSABLE;
    for (size_t i = 0; i < offered_count; i++) {
        if (offered[i].suite != answer->suite)
            continue;
        if (offered[i].tag == answer->tag) {
            *which = i;
            return GH_ANSWER_MATCHES;
        }
        same_suite++;
        last = i;
    }
    if (same_suite != 1)
        return GH_ANSWER_FOREIGN;
    *which = last;
    return GH_ANSWER_RENUMBERED;
}

/* ---- an offer from the trunk ----------------------------------------------------------------- */

#define NONE GH_BIT(GH_SEEN_NOTHING)
#define BAD_SDES GH_BIT(GH_SEEN_SDES_UNUSABLE)
#define SDES GH_BIT(GH_SEEN_SDES)
#define DTLS GH_BIT(GH_SEEN_DTLS)
#define NO_SDES (NONE | BAD_SDES)
#define ANY_KEYING (NONE | BAD_SDES | SDES | DTLS)

struct offer_rule {
    unsigned signalling, mode, profile, seen;
    enum gh_stream_verdict verdict;
    enum gh_reason reason;
};

/* GH_SIG_NONE and TLS that is not verified have no row but the gate's: no call runs there. */
static const struct offer_rule offer_rules[] = {
    /* What the gate refuses, usable or not, is refused here as well. */
    { CLEAR, ANY_MODE, ANY_PROFILE, SDES | BAD_SDES,
      GH_STREAM_REFUSE, GH_REASON_KEY_OVER_CLEAR_SIGNALLING },
    { UNVERIFIED, ANY_MODE, ANY_PROFILE, SDES | BAD_SDES,
      GH_STREAM_REFUSE, GH_REASON_KEY_OVER_UNVERIFIED_TLS },
    { NULL_CIPHER, ANY_MODE, ANY_PROFILE, SDES | BAD_SDES,
      GH_STREAM_REFUSE, GH_REASON_KEY_OVER_NULL_CIPHER },

    /* on       mode      profile   seen        verdict           reason */
    { CALLS,    ANY_MODE, NOT_RTP,  ANY_KEYING, GH_STREAM_REFUSE, GH_REASON_MEDIA_NOT_RELAYED },
    { CALLS,    ANY_MODE, UDP_TLS,  ANY_KEYING, GH_STREAM_REFUSE, GH_REASON_KEYING_NOT_AVAILABLE },

    /* RFC 8643 section 3: an answer without keying is how best effort is declined. */
    { CALLS,    OFF,      SAVP,     ANY_KEYING, GH_STREAM_REFUSE, GH_REASON_SRTP_OFF },
    { CALLS,    OFF,      AVP,      NONE,       GH_STREAM_RTP,    GH_REASON_NONE },
    { CALLS,    OFF,      AVP,      ANY_KEYING, GH_STREAM_RTP,    GH_REASON_SRTP_OFF },

    { VERIFIED, ON,       ANY_RTP,  SDES,       GH_STREAM_SRTP,   GH_REASON_NONE },

    /* RTP/SAVP without a usable line cannot go on: there is no SRTP without keys. */
    { CALLS,    ON,       SAVP,     DTLS,       GH_STREAM_REFUSE, GH_REASON_KEYING_NOT_AVAILABLE },
    { CALLS,    ON,       SAVP,     NO_SDES,    GH_STREAM_REFUSE, GH_REASON_NO_USABLE_CRYPTO },

    { CALLS,    REQUIRED, AVP, NO_SDES | DTLS,  GH_STREAM_REFUSE, GH_REASON_SRTP_REQUIRED },
    { CALLS,    ALLOWED,  AVP,      NONE,       GH_STREAM_RTP,    GH_REASON_MEDIA_CLEAR },
    { CALLS,    ALLOWED,  AVP,      BAD_SDES,   GH_STREAM_RTP,    GH_REASON_NO_USABLE_CRYPTO },
    { CALLS,    ALLOWED,  AVP,      DTLS,       GH_STREAM_RTP,    GH_REASON_KEYING_NOT_AVAILABLE },

    /* T.38 over UDPTL cannot be keyed: no line beside it is usable, however good. */
    { CALLS,    OFF,      UDPTL,    NONE,       GH_STREAM_RTP,    GH_REASON_NONE },
    { CALLS,    OFF,      UDPTL,    ANY_KEYING, GH_STREAM_RTP,    GH_REASON_SRTP_OFF },
    { CALLS,    REQUIRED, UDPTL,    ANY_KEYING, GH_STREAM_REFUSE, GH_REASON_SRTP_REQUIRED },
    { CALLS,    ALLOWED,  UDPTL,    NONE,       GH_STREAM_RTP,    GH_REASON_MEDIA_CLEAR },
    { CALLS,    ALLOWED,  UDPTL, SDES | BAD_SDES, GH_STREAM_RTP,  GH_REASON_NO_USABLE_CRYPTO },
    { CALLS,    ALLOWED,  UDPTL,    DTLS,       GH_STREAM_RTP,    GH_REASON_KEYING_NOT_AVAILABLE },
};

struct gh_stream_judgement gh_policy_offer_in(enum gh_srtp_mode mode, enum gh_signalling signalling,
                                              enum gh_profile profile, enum gh_keying_seen seen)
{
    for (size_t i = 0; i < GH_ARRAY_COUNT(offer_rules); i++) {
        const struct offer_rule *rule = &offer_rules[i];

        if (gh_fits(rule->signalling, signalling) && gh_fits(rule->mode, mode) &&
            gh_fits(rule->profile, profile) && gh_fits(rule->seen, seen))
            return (struct gh_stream_judgement){ rule->verdict, rule->reason };
    }
    return (struct gh_stream_judgement){ GH_STREAM_REFUSE, GH_REASON_NO_RULE };
}

/* ---- an offer to the trunk ------------------------------------------------------------------- */

#define TRY_AVP GH_BIT(GH_BEST_EFFORT_AVP)
#define TRY_SAVP GH_BIT(GH_BEST_EFFORT_SAVP)
#define ANY_TRY (TRY_AVP | TRY_SAVP)

struct plan_rule {
    unsigned profile, mode, signalling, best_effort;
    enum gh_offer_plan plan;
    enum gh_reason reason;
};

static const struct plan_rule plan_rules[] = {
    /* of      mode     on           try       plan                   reason */
    { ANY_RTP, OFF,      CALLS,       ANY_TRY,  GH_PLAN_RTP,           GH_REASON_NONE },
    { ANY_RTP, ALLOWED,  VERIFIED,    TRY_AVP,  GH_PLAN_AVP_WITH_KEYS, GH_REASON_NONE },
    { ANY_RTP, ALLOWED,  VERIFIED,    TRY_SAVP, GH_PLAN_SAVP,          GH_REASON_NONE },
    { ANY_RTP, ALLOWED,  NULL_CIPHER, ANY_TRY,  GH_PLAN_RTP, GH_REASON_KEY_OVER_NULL_CIPHER },
    { ANY_RTP, ALLOWED,  CLEAR,       ANY_TRY,  GH_PLAN_RTP, GH_REASON_KEY_OVER_CLEAR_SIGNALLING },
    /* RFC 8643 section 3: best effort MUST NOT be used where SRTP is required. */
    { ANY_RTP, REQUIRED, VERIFIED,    ANY_TRY,  GH_PLAN_SAVP,          GH_REASON_NONE },
    { ANY_RTP, REQUIRED, NULL_CIPHER, ANY_TRY,  GH_PLAN_REFUSE,        GH_REASON_SRTP_REQUIRED },
    { ANY_RTP, REQUIRED, CLEAR,       ANY_TRY,  GH_PLAN_REFUSE,        GH_REASON_SRTP_REQUIRED },
    { ANY_RTP, ON,       UNVERIFIED,  ANY_TRY,  GH_PLAN_REFUSE, GH_REASON_KEY_OVER_UNVERIFIED_TLS },

    { UDPTL,   OFF,      CALLS,       ANY_TRY,  GH_PLAN_UDPTL,         GH_REASON_NONE },
    { UDPTL,   ALLOWED,  CALLS,       ANY_TRY,  GH_PLAN_UDPTL,         GH_REASON_MEDIA_CLEAR },
    { UDPTL,   REQUIRED, CALLS,       ANY_TRY,  GH_PLAN_REFUSE,        GH_REASON_SRTP_REQUIRED },
};

struct gh_offer_judgement gh_policy_offer_out(enum gh_srtp_mode mode, enum gh_signalling signalling,
                                              enum gh_best_effort best_effort,
                                              enum gh_profile profile)
{
    for (size_t i = 0; i < GH_ARRAY_COUNT(plan_rules); i++) {
        const struct plan_rule *rule = &plan_rules[i];

        if (gh_fits(rule->profile, profile) && gh_fits(rule->mode, mode) &&
            gh_fits(rule->signalling, signalling) && gh_fits(rule->best_effort, best_effort))
            return (struct gh_offer_judgement){ rule->plan, rule->reason };
    }
    return (struct gh_offer_judgement){ GH_PLAN_REFUSE, GH_REASON_NO_RULE };
}

/* ---- an answer from the trunk ---------------------------------------------------------------- */

#define SENT_RTP GH_BIT(GH_PLAN_RTP)
#define SENT_AVP_KEYS GH_BIT(GH_PLAN_AVP_WITH_KEYS)
#define SENT_SAVP GH_BIT(GH_PLAN_SAVP)
#define SENT_UDPTL GH_BIT(GH_PLAN_UDPTL)
#define SENT_KEYS (SENT_AVP_KEYS | SENT_SAVP)
#define SENT_ANY_RTP (SENT_RTP | SENT_KEYS)
#define ANY_SENT (SENT_ANY_RTP | SENT_UDPTL)

#define NO_LINE GH_BIT(GH_ANSWER_NO_CRYPTO)
#define MATCHES GH_BIT(GH_ANSWER_MATCHES)
#define RENUMBERED GH_BIT(GH_ANSWER_RENUMBERED)
#define FOREIGN GH_BIT(GH_ANSWER_FOREIGN)
#define UNUSABLE GH_BIT(GH_ANSWER_UNUSABLE)
#define ANY_LINE (MATCHES | RENUMBERED | FOREIGN | UNUSABLE)
#define LINE_OR_NOT (ANY_LINE | NO_LINE)

struct answer_rule {
    unsigned signalling, plan, mode, profile, crypto;
    unsigned strict_tags, fallback;
    enum gh_stream_verdict verdict;
    enum gh_reason reason;
};

/* A row in two lines: on which signalling, what we sent, mode, profile and line of the answer; then
 * strict_tags, fallback header, verdict, reason.  Keying that is there and does not hold ends the
 * call; it never falls to RTP (RFC 8643 section 3). */
static const struct answer_rule answer_rules[] = {
    /* What the gate refuses. */
    { CLEAR, ANY_SENT, ANY_MODE, ANY_PROFILE, ANY_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_KEY_OVER_CLEAR_SIGNALLING },
    { UNVERIFIED, ANY_SENT, ANY_MODE, ANY_PROFILE, ANY_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_KEY_OVER_UNVERIFIED_TLS },
    { NULL_CIPHER, ANY_SENT, ANY_MODE, ANY_PROFILE, ANY_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_KEY_OVER_NULL_CIPHER },

    /* A profile that the offer did not open.  SAVP without a line is none either. */
    { CALLS, ANY_SENT, ANY_MODE, UDP_TLS | NOT_RTP, LINE_OR_NOT,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_PROFILE_MISMATCH },
    { CALLS, SENT_ANY_RTP, ANY_MODE, UDPTL, LINE_OR_NOT,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_PROFILE_MISMATCH },
    { CALLS, SENT_UDPTL, ANY_MODE, ANY_RTP, LINE_OR_NOT,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_PROFILE_MISMATCH },
    { CALLS, ANY_SENT, ANY_MODE, SAVP, NO_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_PROFILE_MISMATCH },
    { CALLS, SENT_SAVP, ALLOWED, AVP, NO_LINE,
      GH_EITHER, GH_YES, GH_STREAM_RTP, GH_REASON_SRTP_FALLBACK },
    { CALLS, SENT_SAVP, ANY_MODE, AVP, LINE_OR_NOT,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_PROFILE_MISMATCH },

    /* No keys. */
    { CALLS, SENT_RTP | SENT_AVP_KEYS, REQUIRED, AVP, NO_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_SRTP_REQUIRED },
    { CALLS, SENT_RTP, OFF, AVP, NO_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_RTP, GH_REASON_NONE },
    { CALLS, SENT_RTP, ALLOWED, AVP, NO_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_RTP, GH_REASON_MEDIA_CLEAR },
    { CALLS, SENT_AVP_KEYS, ALLOWED, AVP, NO_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_RTP, GH_REASON_SRTP_FALLBACK },
    { CALLS, SENT_UDPTL, REQUIRED, UDPTL, NO_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_SRTP_REQUIRED },
    { CALLS, SENT_UDPTL, OFF, UDPTL, NO_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_RTP, GH_REASON_NONE },
    { CALLS, SENT_UDPTL, ALLOWED, UDPTL, NO_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_RTP, GH_REASON_MEDIA_CLEAR },

    /* Keys that nobody offered. */
    { VERIFIED, SENT_UDPTL, ANY_MODE, UDPTL, ANY_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_CRYPTO_ANSWER_BAD },
    { VERIFIED, SENT_RTP, ANY_MODE, ANY_RTP, ANY_LINE,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_CRYPTO_ANSWER_BAD },

    /* Keys to an offer with keys: AVP here answers AVP, SAVP answers either. */
    { VERIFIED, SENT_KEYS, ON, ANY_RTP, MATCHES,
      GH_EITHER, GH_EITHER, GH_STREAM_SRTP, GH_REASON_NONE },
    { VERIFIED, SENT_KEYS, ON, ANY_RTP, RENUMBERED,
      GH_NO, GH_EITHER, GH_STREAM_SRTP, GH_REASON_TAG_RENUMBERED },
    { VERIFIED, SENT_KEYS, ON, ANY_RTP, RENUMBERED,
      GH_YES, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_CRYPTO_ANSWER_BAD },
    { VERIFIED, SENT_KEYS, ON, ANY_RTP, FOREIGN,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_CRYPTO_ANSWER_BAD },
    { VERIFIED, SENT_KEYS, ON, ANY_RTP, UNUSABLE,
      GH_EITHER, GH_EITHER, GH_STREAM_REFUSE, GH_REASON_NO_USABLE_CRYPTO },
};

struct gh_stream_judgement gh_policy_answer_in(enum gh_offer_plan plan, enum gh_srtp_mode mode,
                                               enum gh_signalling signalling,
                                               enum gh_profile profile,
                                               enum gh_answer_crypto crypto, bool strict_tags,
                                               bool srtp_fallback)
{
    for (size_t i = 0; i < GH_ARRAY_COUNT(answer_rules); i++) {
        const struct answer_rule *rule = &answer_rules[i];

        if (gh_fits(rule->signalling, signalling) && gh_fits(rule->plan, plan) &&
            gh_fits(rule->mode, mode) && gh_fits(rule->profile, profile) &&
            gh_fits(rule->crypto, crypto) && gh_fits(rule->strict_tags, strict_tags) &&
            gh_fits(rule->fallback, srtp_fallback))
            return (struct gh_stream_judgement){ rule->verdict, rule->reason };
    }
    return (struct gh_stream_judgement){ GH_STREAM_REFUSE, GH_REASON_NO_RULE };
}

/* ---- keys seen before, and downgrades -------------------------------------------------------- */

#define MARK_REUSE GH_BIT(GH_KEY_REUSE_MARK)
#define REFUSE_REUSE GH_BIT(GH_KEY_REUSE_REFUSE)
#define ANY_REUSE (MARK_REUSE | REFUSE_REUSE)

/* A call that comes back with a key that we passed on is one call, seen twice: no reuse. */
static const struct {
    unsigned seen, rule;
    struct gh_gate result;
} memory_rules[] = {
    { GH_BIT(GH_KEY_FRESH),        ANY_REUSE,    { GH_GATE_PASS,        GH_REASON_NONE } },
    { GH_BIT(GH_KEY_SEEN_EXPOSED), ANY_REUSE,    { GH_GATE_REFUSE,      GH_REASON_KEY_EXPOSED } },
    { GH_BIT(GH_KEY_SEEN_ECHOED),  ANY_REUSE,    { GH_GATE_REFUSE,      GH_REASON_KEY_ECHOED } },
    { GH_BIT(GH_KEY_SEEN_REUSED),  MARK_REUSE,   { GH_GATE_PASS_MARKED, GH_REASON_KEY_REUSED } },
    { GH_BIT(GH_KEY_SEEN_REUSED),  REFUSE_REUSE, { GH_GATE_REFUSE,      GH_REASON_KEY_REUSED } },
    { GH_BIT(GH_KEY_SEEN_HAIRPIN), ANY_REUSE,    { GH_GATE_PASS_MARKED, GH_REASON_HAIRPIN } },
};

struct gh_gate gh_policy_key_memory(enum gh_key_memory seen, enum gh_key_reuse rule)
{
    for (size_t i = 0; i < GH_ARRAY_COUNT(memory_rules); i++) {
        if (gh_fits(memory_rules[i].seen, seen) && gh_fits(memory_rules[i].rule, rule))
            return memory_rules[i].result;
    }
    return (struct gh_gate){ GH_GATE_REFUSE, GH_REASON_NO_RULE };
}

#define REJECT GH_BIT(GH_DOWNGRADE_REJECT)
#define END GH_BIT(GH_DOWNGRADE_END)
#define MARK GH_BIT(GH_DOWNGRADE_MARK)
#define ANY_RULE GH_ALL_BELOW(GH_ON_DOWNGRADE_COUNT)

static const struct {
    unsigned trunk, route, in_answer;
    enum gh_downgrade_action action;
} downgrade_rules[] = {
    /* trunk   route     in an answer  action */
    { REJECT,   ANY_RULE, GH_NO,        GH_DO_REJECT },
    { ANY_RULE, REJECT,   GH_NO,        GH_DO_REJECT },
    /* An answer cannot be rejected: RFC 3264 knows no third message. */
    { REJECT,   ANY_RULE, GH_YES,       GH_DO_END },
    { ANY_RULE, REJECT,   GH_YES,       GH_DO_END },
    { END,      ANY_RULE, GH_EITHER,    GH_DO_END },
    { ANY_RULE, END,      GH_EITHER,    GH_DO_END },
    { MARK,     MARK,     GH_EITHER,    GH_DO_MARK },
};

enum gh_downgrade_action gh_policy_downgrade(enum gh_on_downgrade trunk, enum gh_on_downgrade route,
                                             bool in_answer)
{
    for (size_t i = 0; i < GH_ARRAY_COUNT(downgrade_rules); i++) {
        if (gh_fits(downgrade_rules[i].trunk, trunk) && gh_fits(downgrade_rules[i].route, route) &&
            gh_fits(downgrade_rules[i].in_answer, in_answer))
            return downgrade_rules[i].action;
    }
    return in_answer ? GH_DO_END : GH_DO_REJECT;
}
