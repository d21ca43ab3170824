/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key gate: which keying may cross which signalling, and what we do with a message that it
 * refuses.  Sources: RFC 4568 section 8.3 (keys need signalling that is encrypted), RFC 8643
 * section 4 (what may go on without proof), RFC 3261 sections 13.2.2.4 and 17 (which message can
 * still be refused).
 *
 * The same gate is asked where octets are read and again where they are written.  Finding the
 * carriers in a message, and doing what is said here, is left to sip and call.
 */
#include "policy/policy_int.h"

/* Columns of carriers: the bit set of a message is itself the value that a column fits. */
#define NOTHING GH_BIT(GH_CARRY_NOTHING)
#define FINGERPRINT_ONLY GH_BIT(GH_CARRY_FINGERPRINT)
#define A_SECRET (GH_BIT(GH_CARRY_SECRET) | GH_BIT(GH_CARRY_SECRET | GH_CARRY_FINGERPRINT))

#define CLEAR GH_BIT(GH_SIG_CLEAR)
#define UNVERIFIED GH_BIT(GH_SIG_TLS_UNVERIFIED)
#define NULL_CIPHER GH_BIT(GH_SIG_TLS_NULL)
#define VERIFIED GH_BIT(GH_SIG_TLS_VERIFIED)

#define REFUSE GH_BIT(GH_UNPROVEN_REFUSE)
#define MARK GH_BIT(GH_UNPROVEN_MARK)

struct gate_rule {
    unsigned signalling, carriers, unproven;
    enum gh_gate_verdict verdict;
    enum gh_reason reason;
};

/* A secret key passes on one line only, and no setting stands on it.  GH_SIG_NONE has no row:
 * without a judged connection there is no message to read or write. */
static const struct gate_rule gate_rules[] = {
    /* signalling   carries   unproven       verdict, reason */
    { VERIFIED,    A_SECRET, REFUSE | MARK, GH_GATE_PASS,   GH_REASON_NONE },
    { NULL_CIPHER, A_SECRET, REFUSE | MARK, GH_GATE_REFUSE, GH_REASON_KEY_OVER_NULL_CIPHER },
    { UNVERIFIED,  A_SECRET, REFUSE | MARK, GH_GATE_REFUSE, GH_REASON_KEY_OVER_UNVERIFIED_TLS },
    { CLEAR,       A_SECRET, REFUSE | MARK, GH_GATE_REFUSE, GH_REASON_KEY_OVER_CLEAR_SIGNALLING },

    /* A fingerprint is no secret: it needs integrity, which the NULL cipher gives. */
    { VERIFIED | NULL_CIPHER, FINGERPRINT_ONLY, REFUSE | MARK, GH_GATE_PASS, GH_REASON_NONE },
    { CLEAR | UNVERIFIED, FINGERPRINT_ONLY, REFUSE,
      GH_GATE_REFUSE, GH_REASON_FINGERPRINT_OVER_UNPROVEN_SIGNALLING },
    { CLEAR | UNVERIFIED, FINGERPRINT_ONLY, MARK,
      GH_GATE_PASS_MARKED, GH_REASON_FINGERPRINT_OVER_UNPROVEN_SIGNALLING },

    { CLEAR | UNVERIFIED | NULL_CIPHER | VERIFIED, NOTHING, REFUSE | MARK,
      GH_GATE_PASS, GH_REASON_NONE },
};

struct gh_gate gh_policy_gate(enum gh_signalling signalling, unsigned carriers,
                              enum gh_unproven unproven)
{
    for (size_t i = 0; i < GH_ARRAY_COUNT(gate_rules); i++) {
        const struct gate_rule *rule = &gate_rules[i];

        if (gh_fits(rule->signalling, signalling) && gh_fits(rule->carriers, carriers) &&
            gh_fits(rule->unproven, unproven))
            return (struct gh_gate){ rule->verdict, rule->reason };
    }
    return (struct gh_gate){ GH_GATE_REFUSE, GH_REASON_NO_RULE };
}

/* A class of message that is not listed is GH_ACT_REJECT, zero: nothing is relayed. */
static const enum gh_gate_action gate_actions[GH_MSG_CLASS_COUNT] = {
    [GH_MSG_INVITE]         = GH_ACT_REJECT,
    [GH_MSG_REINVITE]       = GH_ACT_REJECT,
    [GH_MSG_UPDATE]         = GH_ACT_REJECT,
    [GH_MSG_PRACK]          = GH_ACT_PRACK_200_END,     /* RFC 3262 section 3: answered 2xx */
    [GH_MSG_ACK]            = GH_ACT_ZERO_ACK_BYE_BOTH, /* RFC 3261 section 17: no response */
    [GH_MSG_1XX_UNRELIABLE] = GH_ACT_DROP_BODY,         /* RFC 6337 section 2.2: a preview */
    [GH_MSG_1XX_RELIABLE]   = GH_ACT_PRACK_CANCEL_END,
    [GH_MSG_2XX_INVITE]     = GH_ACT_ACK_BYE_END,       /* RFC 3261 section 13.2.2.4 */
    [GH_MSG_2XX_REINVITE]   = GH_ACT_ACK_BYE_BOTH,
    [GH_MSG_2XX_UPDATE]     = GH_ACT_END_CALL,
    [GH_MSG_2XX_PRACK]      = GH_ACT_END_CALL,
    [GH_MSG_OTHER_REQUEST]  = GH_ACT_REJECT,
    [GH_MSG_OTHER_RESPONSE] = GH_ACT_DROP_BODY,
};

enum gh_gate_action gh_policy_gate_action(enum gh_msg_class msg)
{
    return (unsigned)msg < GH_MSG_CLASS_COUNT ? gate_actions[msg] : GH_ACT_REJECT;
}

bool gh_policy_may_strip(enum gh_unproven_keys rule, enum gh_msg_class msg,
                         enum gh_profile profile)
{
    /* PRACK and ACK are left out: what they bring may be an answer. */
    static const unsigned brings_offer =
        GH_BIT(GH_MSG_INVITE) | GH_BIT(GH_MSG_REINVITE) | GH_BIT(GH_MSG_UPDATE);

    return rule == GH_UNPROVEN_KEYS_STRIP && gh_fits(brings_offer, msg) &&
           profile == GH_PROFILE_AVP;
}
