/* SPDX-License-Identifier: Apache-2.0 */
/* The rules in plain conditions; see support_oracle.h.  The comments quote the rule that a line
 * states. */
#include "support_oracle.h"

/* ---- the key gate ---------------------------------------------------------------------------- */

/* Why a secret key may not cross this signalling; NONE where it may. */
static enum gh_reason why_no_key(enum gh_signalling signalling)
{
    if (signalling == GH_SIG_TLS_VERIFIED)
        return GH_REASON_NONE;
    if (signalling == GH_SIG_TLS_NULL)
        return GH_REASON_KEY_OVER_NULL_CIPHER;
    if (signalling == GH_SIG_TLS_UNVERIFIED)
        return GH_REASON_KEY_OVER_UNVERIFIED_TLS;
    if (signalling == GH_SIG_CLEAR)
        return GH_REASON_KEY_OVER_CLEAR_SIGNALLING;
    return GH_REASON_NO_RULE;
}

static bool is_verified(enum gh_signalling signalling)
{
    return signalling == GH_SIG_TLS_VERIFIED || signalling == GH_SIG_TLS_NULL;
}

struct gh_gate gh_oracle_gate(enum gh_signalling signalling, unsigned carriers,
                              enum gh_unproven unproven)
{
    struct gh_gate refuse = { GH_GATE_REFUSE, GH_REASON_NO_RULE },
                   pass = { GH_GATE_PASS, GH_REASON_NONE };

    if (carriers > 3 || (unproven != GH_UNPROVEN_REFUSE && unproven != GH_UNPROVEN_MARK))
        return refuse;
    if (signalling != GH_SIG_CLEAR && signalling != GH_SIG_TLS_UNVERIFIED &&
        !is_verified(signalling))
        return refuse;
    if (carriers & GH_CARRY_SECRET) {
        refuse.reason = why_no_key(signalling);
        return refuse.reason == GH_REASON_NONE ? pass : refuse;
    }
    if ((carriers & GH_CARRY_FINGERPRINT) && !is_verified(signalling)) {
        /* "refused, unless the trunk says unproven_fingerprint: mark" */
        struct gh_gate gate = { unproven == GH_UNPROVEN_MARK ? GH_GATE_PASS_MARKED : GH_GATE_REFUSE,
                                GH_REASON_FINGERPRINT_OVER_UNPROVEN_SIGNALLING };
        return gate;
    }
    return pass;
}

enum gh_gate_action gh_oracle_gate_action(enum gh_msg_class msg)
{
    if (msg == GH_MSG_PRACK)
        /* "200 ...; the INVITE ends: 488 to the caller, CANCEL to the callee" */
        return GH_ACT_PRACK_200_END;
    if (msg == GH_MSG_1XX_UNRELIABLE || msg == GH_MSG_OTHER_RESPONSE)
        return GH_ACT_DROP_BODY; /* "relayed without body, marked", "body dropped, marked" */
    if (msg == GH_MSG_1XX_RELIABLE)
        return GH_ACT_PRACK_CANCEL_END;
    if (msg == GH_MSG_2XX_INVITE)
        return GH_ACT_ACK_BYE_END;
    if (msg == GH_MSG_2XX_REINVITE)
        return GH_ACT_ACK_BYE_BOTH; /* "of a re-INVITE: BYE to both" */
    if (msg == GH_MSG_ACK)
        return GH_ACT_ZERO_ACK_BYE_BOTH;
    if (msg == GH_MSG_2XX_UPDATE || msg == GH_MSG_2XX_PRACK)
        return GH_ACT_END_CALL; /* "BYE to both, or CANCEL + 488 while early" */
    return GH_ACT_REJECT;       /* "INVITE, re-INVITE, UPDATE", "other requests" */
}

bool gh_oracle_may_strip(enum gh_unproven_keys rule, enum gh_msg_class msg, enum gh_profile profile)
{
    if (rule != GH_UNPROVEN_KEYS_STRIP || profile != GH_PROFILE_AVP)
        return false;
    return msg == GH_MSG_INVITE || msg == GH_MSG_REINVITE || msg == GH_MSG_UPDATE;
}

/* ---- SRTP modes ------------------------------------------------------------------------------ */

static struct gh_stream_judgement judge(enum gh_stream_verdict verdict, enum gh_reason reason)
{
    struct gh_stream_judgement judgement = { verdict, reason };

    return judgement;
}

static bool is_mode(enum gh_srtp_mode mode)
{
    return mode == GH_SRTP_OFF || mode == GH_SRTP_ALLOWED || mode == GH_SRTP_REQUIRED;
}

static bool is_profile(enum gh_profile profile)
{
    return profile == GH_PROFILE_OTHER || profile == GH_PROFILE_AVP || profile == GH_PROFILE_SAVP ||
           profile == GH_PROFILE_DTLS || profile == GH_PROFILE_UDPTL;
}

struct gh_stream_judgement gh_oracle_offer_in(enum gh_srtp_mode mode, enum gh_signalling signalling,
                                              enum gh_profile profile, enum gh_keying_seen seen)
{
    bool keys = seen == GH_SEEN_SDES || seen == GH_SEEN_SDES_UNUSABLE;

    if (!is_mode(mode) || !is_profile(profile) ||
        (!keys && seen != GH_SEEN_NOTHING && seen != GH_SEEN_DTLS))
        return judge(GH_STREAM_REFUSE, GH_REASON_NO_RULE);
    if (keys && why_no_key(signalling) != GH_REASON_NONE)
        return judge(GH_STREAM_REFUSE, why_no_key(signalling));
    /* Nobody got as far as media on a leg without a connection, or whose peer was not admitted. */
    if (signalling != GH_SIG_CLEAR && !is_verified(signalling))
        return judge(GH_STREAM_REFUSE, GH_REASON_NO_RULE);
    if (profile == GH_PROFILE_OTHER)
        return judge(GH_STREAM_REFUSE, GH_REASON_MEDIA_NOT_RELAYED);
    if (profile == GH_PROFILE_DTLS) /* "until keying: dtls is there ... refused" */
        return judge(GH_STREAM_REFUSE, GH_REASON_KEYING_NOT_AVAILABLE);
    if (mode == GH_SRTP_OFF) { /* "off: RTP only" */
        if (profile == GH_PROFILE_SAVP)
            return judge(GH_STREAM_REFUSE, GH_REASON_SRTP_OFF);
        return judge(GH_STREAM_RTP, seen == GH_SEEN_NOTHING ? GH_REASON_NONE : GH_REASON_SRTP_OFF);
    }
    if (seen == GH_SEEN_SDES && profile != GH_PROFILE_UDPTL)
        return judge(GH_STREAM_SRTP, GH_REASON_NONE);
    /* "none left: the m-line counts as without keying (SAVP: port 0, or 488 no_usable_crypto
     * ...)" */
    if (profile == GH_PROFILE_SAVP)
        return judge(GH_STREAM_REFUSE, seen == GH_SEEN_DTLS ? GH_REASON_KEYING_NOT_AVAILABLE
                                                            : GH_REASON_NO_USABLE_CRYPTO);
    /* "a stream without accepted keying is refused (srtp_required)" */
    if (mode == GH_SRTP_REQUIRED)
        return judge(GH_STREAM_REFUSE, GH_REASON_SRTP_REQUIRED);
    if (keys) /* beside T.38 over UDPTL every line is unusable */
        return judge(GH_STREAM_RTP, GH_REASON_NO_USABLE_CRYPTO);
    if (seen == GH_SEEN_DTLS)
        return judge(GH_STREAM_RTP, GH_REASON_KEYING_NOT_AVAILABLE);
    return judge(GH_STREAM_RTP, GH_REASON_MEDIA_CLEAR); /* "else RTP, marked" */
}

/* "relayed as clear media ... refused on srtp: required", and never without a call. */
static struct gh_offer_judgement offer_fax(enum gh_srtp_mode mode, enum gh_signalling signalling)
{
    struct gh_offer_judgement judged = { GH_PLAN_REFUSE, GH_REASON_NO_RULE };

    if (signalling != GH_SIG_CLEAR && !is_verified(signalling))
        return judged;
    if (mode == GH_SRTP_REQUIRED) {
        judged.reason = GH_REASON_SRTP_REQUIRED;
        return judged;
    }
    judged.plan = GH_PLAN_UDPTL;
    judged.reason = mode == GH_SRTP_ALLOWED ? GH_REASON_MEDIA_CLEAR : GH_REASON_NONE;
    return judged;
}

struct gh_offer_judgement gh_oracle_offer_out(enum gh_srtp_mode mode, enum gh_signalling signalling,
                                              enum gh_best_effort best_effort,
                                              enum gh_profile profile)
{
    struct gh_offer_judgement refuse = { GH_PLAN_REFUSE, GH_REASON_NO_RULE };
    struct gh_offer_judgement plan = { GH_PLAN_RTP, GH_REASON_NONE };

    if (!is_mode(mode) || (best_effort != GH_BEST_EFFORT_AVP && best_effort != GH_BEST_EFFORT_SAVP))
        return refuse;
    if (profile == GH_PROFILE_UDPTL)
        return offer_fax(mode, signalling);
    if (profile != GH_PROFILE_AVP && profile != GH_PROFILE_SAVP)
        return refuse;
    if (signalling == GH_SIG_TLS_UNVERIFIED) { /* "before admission nothing is written" */
        if (mode != GH_SRTP_OFF)
            refuse.reason = GH_REASON_KEY_OVER_UNVERIFIED_TLS;
        return refuse;
    }
    if (signalling != GH_SIG_CLEAR && !is_verified(signalling))
        return refuse;
    if (mode == GH_SRTP_OFF)
        return plan;
    plan.reason = why_no_key(signalling);
    if (plan.reason != GH_REASON_NONE) {
        if (mode == GH_SRTP_ALLOWED)
            return plan; /* "else RTP, marked" */
        refuse.reason = GH_REASON_SRTP_REQUIRED;
        return refuse;
    }
    /* "best_effort_profile: avp or savp": there is no best effort where SRTP is required. */
    plan.plan = mode == GH_SRTP_ALLOWED && best_effort == GH_BEST_EFFORT_AVP ? GH_PLAN_AVP_WITH_KEYS
                                                                             : GH_PLAN_SAVP;
    return plan;
}

/* The one line of an answer to an offer with keys. */
static struct gh_stream_judgement judge_answer_line(enum gh_answer_crypto crypto, bool strict_tags)
{
    if (crypto == GH_ANSWER_MATCHES)
        return judge(GH_STREAM_SRTP, GH_REASON_NONE);
    if (crypto == GH_ANSWER_RENUMBERED && !strict_tags)
        return judge(GH_STREAM_SRTP, GH_REASON_TAG_RENUMBERED);
    if (crypto == GH_ANSWER_UNUSABLE)
        return judge(GH_STREAM_REFUSE, GH_REASON_NO_USABLE_CRYPTO);
    return judge(GH_STREAM_REFUSE, GH_REASON_CRYPTO_ANSWER_BAD);
}

struct gh_stream_judgement gh_oracle_answer_in(enum gh_offer_plan plan, enum gh_srtp_mode mode,
                                               enum gh_signalling signalling,
                                               enum gh_profile profile,
                                               enum gh_answer_crypto crypto, bool strict_tags,
                                               bool srtp_fallback)
{
    bool line = crypto == GH_ANSWER_MATCHES || crypto == GH_ANSWER_RENUMBERED ||
                crypto == GH_ANSWER_FOREIGN || crypto == GH_ANSWER_UNUSABLE;

    if (plan != GH_PLAN_RTP && plan != GH_PLAN_AVP_WITH_KEYS && plan != GH_PLAN_SAVP &&
        plan != GH_PLAN_UDPTL)
        return judge(GH_STREAM_REFUSE, GH_REASON_NO_RULE);
    if (!is_mode(mode) || !is_profile(profile) || (!line && crypto != GH_ANSWER_NO_CRYPTO))
        return judge(GH_STREAM_REFUSE, GH_REASON_NO_RULE);
    if (line && why_no_key(signalling) != GH_REASON_NONE)
        return judge(GH_STREAM_REFUSE, why_no_key(signalling));
    if (signalling != GH_SIG_CLEAR && !is_verified(signalling))
        return judge(GH_STREAM_REFUSE, GH_REASON_NO_RULE);

    /* Fax is answered with fax, and nothing else is. */
    if ((plan == GH_PLAN_UDPTL) != (profile == GH_PROFILE_UDPTL))
        return judge(GH_STREAM_REFUSE, GH_REASON_PROFILE_MISMATCH);
    if (plan == GH_PLAN_UDPTL) {
        if (line)
            return judge(GH_STREAM_REFUSE, GH_REASON_CRYPTO_ANSWER_BAD);
        if (mode == GH_SRTP_REQUIRED)
            return judge(GH_STREAM_REFUSE, GH_REASON_SRTP_REQUIRED);
        return judge(GH_STREAM_RTP,
                     mode == GH_SRTP_ALLOWED ? GH_REASON_MEDIA_CLEAR : GH_REASON_NONE);
    }
    /* "AVP with or without keying, SAVP with keying" */
    if (profile != GH_PROFILE_AVP && profile != GH_PROFILE_SAVP)
        return judge(GH_STREAM_REFUSE, GH_REASON_PROFILE_MISMATCH);
    if (profile == GH_PROFILE_SAVP && !line)
        return judge(GH_STREAM_REFUSE, GH_REASON_PROFILE_MISMATCH);
    /* "to a savp offer: SAVP with keying; AVP only if srtp: allowed and ...
     * X-cisco-srtp-fallback" */
    if (plan == GH_PLAN_SAVP && profile == GH_PROFILE_AVP) {
        if (!line && mode == GH_SRTP_ALLOWED && srtp_fallback)
            return judge(GH_STREAM_RTP, GH_REASON_SRTP_FALLBACK);
        return judge(GH_STREAM_REFUSE, GH_REASON_PROFILE_MISMATCH);
    }
    if (line) {
        /* "a line nobody offered": refused, whatever its form */
        if (plan == GH_PLAN_RTP)
            return judge(GH_STREAM_REFUSE, GH_REASON_CRYPTO_ANSWER_BAD);
        /* A trunk that is off offered no keys; that cannot be. */
        return mode == GH_SRTP_OFF ? judge(GH_STREAM_REFUSE, GH_REASON_NO_RULE)
                                   : judge_answer_line(crypto, strict_tags);
    }
    if (mode == GH_SRTP_REQUIRED)
        return judge(GH_STREAM_REFUSE, GH_REASON_SRTP_REQUIRED);
    if (mode == GH_SRTP_OFF)
        return plan == GH_PLAN_RTP ? judge(GH_STREAM_RTP, GH_REASON_NONE)
                                   : judge(GH_STREAM_REFUSE, GH_REASON_NO_RULE);
    return judge(GH_STREAM_RTP,
                 plan == GH_PLAN_RTP ? GH_REASON_MEDIA_CLEAR : GH_REASON_SRTP_FALLBACK);
}

struct gh_gate gh_oracle_key_memory(enum gh_key_memory seen, enum gh_key_reuse rule)
{
    struct gh_gate gate = { GH_GATE_REFUSE, GH_REASON_NO_RULE };

    if (rule != GH_KEY_REUSE_MARK && rule != GH_KEY_REUSE_REFUSE)
        return gate;
    if (seen == GH_KEY_SEEN_EXPOSED) {
        gate.reason = GH_REASON_KEY_EXPOSED;
    } else if (seen == GH_KEY_SEEN_ECHOED) {
        gate.reason = GH_REASON_KEY_ECHOED;
    } else if (seen == GH_KEY_SEEN_REUSED) {
        gate.reason = GH_REASON_KEY_REUSED;
        if (rule == GH_KEY_REUSE_MARK)
            gate.verdict = GH_GATE_PASS_MARKED;
    } else if (seen == GH_KEY_SEEN_HAIRPIN) {
        gate.reason = GH_REASON_HAIRPIN;
        gate.verdict = GH_GATE_PASS_MARKED;
    } else if (seen == GH_KEY_FRESH) {
        gate.reason = GH_REASON_NONE;
        gate.verdict = GH_GATE_PASS;
    }
    return gate;
}

enum gh_downgrade_action gh_oracle_downgrade(enum gh_on_downgrade trunk, enum gh_on_downgrade route,
                                             bool in_answer)
{
    bool known = trunk <= GH_DOWNGRADE_MARK && route <= GH_DOWNGRADE_MARK;

    if (known && trunk == GH_DOWNGRADE_MARK && route == GH_DOWNGRADE_MARK)
        return GH_DO_MARK;
    /* "a downgrading answer counts as end" */
    if (in_answer)
        return GH_DO_END;
    if (known && trunk != GH_DOWNGRADE_REJECT && route != GH_DOWNGRADE_REJECT)
        return GH_DO_END;
    return GH_DO_REJECT;
}

/* ---- status ---------------------------------------------------------------------------------- */

enum gh_status gh_oracle_leg_status(enum gh_traffic_secure rule, enum gh_signalling signalling,
                                    const struct gh_leg_streams *streams)
{
    unsigned srtp = streams->sdes + streams->dtls;
    bool all_srtp = streams->live > 0 && srtp == streams->live;

    if (rule != GH_SECURE_SRTP_AND_TLS && rule != GH_SECURE_SRTP_ONLY)
        return GH_STATUS_NOT_AUTHENTICATED;
    if (streams->unproven_fingerprint || srtp > streams->live || !is_verified(signalling))
        return GH_STATUS_NOT_AUTHENTICATED; /* "anything else, unproven fingerprints included" */
    if (signalling == GH_SIG_TLS_NULL && streams->sdes > 0)
        return GH_STATUS_NOT_AUTHENTICATED; /* the gate lets none of these be */
    if (!all_srtp)
        /* "a live stream clear, or no live stream; signalling verified" */
        return GH_STATUS_AUTHENTICATED;
    if (streams->unproven_packets)
        return GH_STATUS_AUTHENTICATED; /* "is sent as Authenticated at best" */
    if (signalling == GH_SIG_TLS_NULL && rule == GH_SECURE_SRTP_AND_TLS)
        return GH_STATUS_AUTHENTICATED;
    return GH_STATUS_ENCRYPTED;
}

/* How secure a word says that a call is; Unknown and anything odd say nothing. */
static int rank(enum gh_status status)
{
    if (status == GH_STATUS_ENCRYPTED)
        return 3;
    if (status == GH_STATUS_AUTHENTICATED)
        return 2;
    return status == GH_STATUS_NOT_AUTHENTICATED ? 1 : 0;
}

enum gh_status gh_oracle_call_status(bool connected, const enum gh_status leg[2],
                                     const enum gh_status claim[2])
{
    static const enum gh_status by_rank[] = { GH_STATUS_UNKNOWN, GH_STATUS_NOT_AUTHENTICATED,
                                              GH_STATUS_AUTHENTICATED, GH_STATUS_ENCRYPTED };
    int lowest = rank(leg[0]);

    if (!connected)
        return GH_STATUS_UNKNOWN;
    if (rank(leg[1]) < lowest)
        lowest = rank(leg[1]);
    /* "A claim always may lower ... and never raises"; "an absent or Unknown claim changes
     * nothing" */
    if (rank(claim[0]) > 0 && rank(claim[0]) < lowest)
        lowest = rank(claim[0]);
    if (rank(claim[1]) > 0 && rank(claim[1]) < lowest)
        lowest = rank(claim[1]);
    return by_rank[lowest];
}

enum gh_reason gh_oracle_claim_mark(enum gh_status claim, enum gh_status measured)
{
    if (rank(claim) == 0 || rank(claim) == rank(measured))
        return GH_REASON_NONE;
    return rank(claim) > rank(measured) ? GH_REASON_CLAIM_CONTRADICTED : GH_REASON_CLAIM_LOWERED;
}

/* ---- grade ----------------------------------------------------------------------------------- */

static bool is_keyed(const struct gh_hop_facts *hop)
{
    return hop->keying != GH_KEYING_NONE;
}

/* "every key in force carried only on gate-passing connections" */
static bool is_carried_safely(const struct gh_hop_facts *hop)
{
    if (hop->key_exposed)
        return false;
    if (hop->keying == GH_KEYING_SDES)
        return hop->signalling == GH_SIG_TLS_VERIFIED;
    return hop->keying == GH_KEYING_DTLS && is_verified(hop->signalling);
}

static bool is_proven(const struct gh_hop_facts *hop)
{
    return hop->proof == GH_PROOF_SEEN || hop->proof == GH_PROOF_INHERITED;
}

static bool is_passed(const struct gh_hop_facts *hop)
{
    return hop->keying == GH_KEYING_DTLS && hop->dtls_passed;
}

enum gh_grade gh_oracle_stream_grade(const struct gh_hop_facts hop[2])
{
    bool valid = hop[0].proof <= GH_PROOF_SEEN && hop[1].proof <= GH_PROOF_SEEN &&
                 hop[0].signalling <= GH_SIG_TLS_VERIFIED &&
                 hop[1].signalling <= GH_SIG_TLS_VERIFIED;

    if (valid && !is_keyed(&hop[0]) && !is_keyed(&hop[1]))
        return GH_GRADE_CLEAR; /* "no live stream has SRTP on either hop" */
    if (!valid || !is_carried_safely(&hop[0]) || !is_carried_safely(&hop[1]))
        return GH_GRADE_MIXED;
    if (is_passed(&hop[0]) && is_passed(&hop[1]))
        return GH_GRADE_PASS_THROUGH; /* nobody proves anything to us there */
    if (is_passed(&hop[0]) || is_passed(&hop[1]))
        return GH_GRADE_MIXED; /* "each way" */
    return is_proven(&hop[0]) && is_proven(&hop[1]) ? GH_GRADE_HOP_BY_HOP : GH_GRADE_MIXED;
}

bool gh_oracle_stream_pending(const struct gh_hop_facts hop[2])
{
    bool waiting = hop[0].proof == GH_PROOF_PENDING || hop[1].proof == GH_PROOF_PENDING;
    bool lost = hop[0].proof == GH_PROOF_MISSING || hop[1].proof == GH_PROOF_MISSING;
    bool valid = hop[0].proof <= GH_PROOF_SEEN && hop[1].proof <= GH_PROOF_SEEN;

    /* Worth waiting for: both hops carried safely, both by us, and no side lost already. */
    return valid && waiting && !lost && is_carried_safely(&hop[0]) && is_carried_safely(&hop[1]) &&
           !is_passed(&hop[0]) && !is_passed(&hop[1]);
}

/* ---- admission ------------------------------------------------------------------------------- */

static bool cipher_admitted(const struct gh_oracle_admission *a)
{
    bool legacy = a->tls_policy == GH_TLS_LEGACY_CUCM;

    if (a->cipher == GH_CIPHER_AUTH_ONLY)
        return a->device_mode == GH_MODE_AUTHENTICATED;
    if (a->cipher != GH_CIPHER_ENCRYPTING || a->cipher_bits < 128)
        return false;
    if (legacy)
        return true;
    if (!a->aead || !a->forward_secret)
        return false;
    return !a->chacha20 || a->tls_policy == GH_TLS_MODERN; /* neither NIST nor BSI lists it */
}

static bool certificate_admitted(const struct gh_oracle_admission *a)
{
    if (a->tls_policy == GH_TLS_LEGACY_CUCM)
        return a->security_bits >= 80; /* RSA 1024, SHA-1 */
    if (a->sha1_leaf || a->weak_chain)
        return false;
    return a->security_bits >= (a->tls_policy == GH_TLS_BSI_TR_02102 ? 120 : 112);
}

static bool eku_fits(const struct gh_oracle_admission *a)
{
    if (a->role == GH_ROLE_SERVER && a->client_barred)
        return false;
    if (!a->eku_present)
        return true;
    return a->role == GH_ROLE_SERVER ? a->eku_client : a->eku_server;
}

static enum gh_reason refusal(const struct gh_oracle_admission *a)
{
    if (a->device_mode != GH_MODE_AUTHENTICATED && a->device_mode != GH_MODE_ENCRYPTED)
        return GH_REASON_NO_RULE;
    if (a->role != GH_ROLE_SERVER && a->role != GH_ROLE_CLIENT)
        return GH_REASON_NO_RULE;
    if (a->tls_policy > GH_TLS_LEGACY_CUCM)
        return GH_REASON_NO_RULE;
    if (!a->certificate)
        return GH_REASON_CERT_MISSING;
    if (!a->chain_judged)
        return GH_REASON_NO_RULE;
    if (a->chain_reason != GH_REASON_NONE)
        return a->chain_reason;
    if (a->when < 0)
        return GH_REASON_CERT_NOT_YET_VALID;
    if (a->when > 0)
        return GH_REASON_CERT_EXPIRED;
    if (a->crl_missing && !a->crl_waived)
        return GH_REASON_CRL_UNAVAILABLE;
    if (!a->name_fits)
        return GH_REASON_CERT_NAME_MISMATCH;
    /* "client_auth_eku: warn" waives clientAuth, which only clients need. */
    if (!eku_fits(a) && !(a->eku_waived && a->role == GH_ROLE_SERVER))
        return GH_REASON_CERT_EKU_MISSING;
    if (!certificate_admitted(a))
        return GH_REASON_CERT_WEAK;
    if (a->version == GH_TLS_NONE ||
        (a->version == GH_TLS_OLD && a->tls_policy != GH_TLS_LEGACY_CUCM))
        return GH_REASON_TLS_VERSION_REFUSED;
    return cipher_admitted(a) ? GH_REASON_NONE : GH_REASON_TLS_WEAK_CIPHER;
}

struct gh_oracle_standing gh_oracle_admit_tls(const struct gh_oracle_admission *a)
{
    struct gh_oracle_standing standing = { GH_SIG_TLS_UNVERIFIED, refusal(a), 0, 0, 0, 0, 0 };
    bool encrypting = a->cipher == GH_CIPHER_ENCRYPTING;

    if (standing.reason != GH_REASON_NONE)
        return standing;
    standing.signalling = encrypting ? GH_SIG_TLS_VERIFIED : GH_SIG_TLS_NULL;
    standing.weak_tls = !encrypting || a->version == GH_TLS_OLD || !a->aead;
    standing.no_forward_secrecy = encrypting && !a->forward_secret;
    standing.cert_weak = a->security_bits < 112 || a->sha1_leaf || a->weak_chain;
    standing.eku_waived = !eku_fits(a);
    standing.crl_waived = a->crl_missing;
    return standing;
}
