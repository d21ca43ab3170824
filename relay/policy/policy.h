/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy: facts in, verdict out.  Pure functions over const tables: no clock, no I/O, no
 * allocation, no state; any thread.  In every enum of a verdict zero denies, so memory that nobody
 * filled denies too.  The rules themselves are told in words beside each table in the .c file of
 * the same name:
 *
 *   standing.c   which trunk a connection proves to be, and whether it is verified
 *   gate.c       which keying may cross which signalling, and what we do when it may not
 *   srtp.c       what a trunk's SRTP mode makes of an offer and of an answer
 *   status.c     "consider traffic secure": what may be said on the wire
 *   grade.c      what the record may say
 *   route.c      the called number to trunks: CUCM's closest match
 */
#ifndef GH_POLICY_H
#define GH_POLICY_H

#include <gatehouse/facts.h>
#include <gatehouse/grade.h>
#include <gatehouse/reason.h>

/* Given by name at first load, never reused in a process.  0: no trunk. */
typedef uint32_t gh_trunk_id;

/* ---- the rules of one trunk: its own and those of its security profile ----------------------- */

enum gh_device_mode { GH_MODE_NON_SECURE = 0, GH_MODE_AUTHENTICATED, GH_MODE_ENCRYPTED };
enum gh_srtp_mode { GH_SRTP_OFF = 0, GH_SRTP_ALLOWED, GH_SRTP_REQUIRED, GH_SRTP_MODE_COUNT };
enum gh_traffic_secure { GH_SECURE_SRTP_AND_TLS = 0, GH_SECURE_SRTP_ONLY, GH_TRAFFIC_SECURE_COUNT };
enum gh_name_in { GH_NAME_IN_SAN = 0, GH_NAME_IN_CN, GH_NAME_IN_ANY };
enum gh_waiver { GH_WAIVE_NOT = 0 /* refuse */, GH_WAIVE_WARN };
enum gh_unproven { GH_UNPROVEN_REFUSE = 0, GH_UNPROVEN_MARK, GH_UNPROVEN_COUNT };
enum gh_unproven_keys {
    GH_UNPROVEN_KEYS_REFUSE = 0, GH_UNPROVEN_KEYS_STRIP, GH_UNPROVEN_KEYS_COUNT
};
enum gh_best_effort { GH_BEST_EFFORT_AVP = 0, GH_BEST_EFFORT_SAVP, GH_BEST_EFFORT_COUNT };
enum gh_on_downgrade {
    GH_DOWNGRADE_REJECT = 0, GH_DOWNGRADE_END, GH_DOWNGRADE_MARK, GH_ON_DOWNGRADE_COUNT
};

#define GH_TRUNK_SUITES_MAX (GH_SUITE_COUNT - 1)

struct gh_trunk_rules {
    gh_trunk_id id;
    const char *name;
    unsigned listener;                   /* index of its listener */
    enum gh_transport transport;         /* of the listener, and so of the trunk */
    const char *const *peer_names;       /* who its certificate must name it */
    size_t peer_name_count;
    enum gh_name_in name_in;
    bool allow_wildcard;
    const char *match_host;              /* NULL, or the Request-URI host that picks among equals */
    const struct gh_addr *peer_addresses; /* non-TLS only; the port plays no part */
    size_t peer_address_count;

    enum gh_device_mode device_mode;
    enum gh_tls_policy tls_policy;
    enum gh_waiver client_auth_eku, crl_unavailable;

    enum gh_srtp_mode srtp;
    enum gh_suite suites[GH_TRUNK_SUITES_MAX]; /* in order of preference */
    size_t suite_count;
    bool suite_order_local;              /* answering, take our order, not the offerer's */
    bool strict_tags;
    enum gh_best_effort best_effort;
    enum gh_unproven unproven_fingerprint;
    enum gh_unproven_keys unproven_keys;
    enum gh_on_downgrade on_downgrade;
    enum gh_traffic_secure consider_traffic_secure;
    bool trust_claims;
    bool transmit_security_status;
};

/* ---- standing -------------------------------------------------------------------------------- */

/* What the signalling of a leg is worth.  Zero: nothing is known, which is worth least. */
enum gh_signalling {
    GH_SIG_NONE = 0,       /* no connection judged yet */
    GH_SIG_CLEAR,          /* UDP, TCP */
    GH_SIG_TLS_UNVERIFIED, /* TLS whose peer did not pass admission */
    GH_SIG_TLS_NULL,       /* verified, but the cipher hides nothing */
    GH_SIG_TLS_VERIFIED,   /* verified and encrypting */
    GH_SIG_COUNT
};

/* WEAK_TLS, NO_FORWARD_SECRECY, CERT_WEAK, EKU_WAIVED, CRL_WAIVED: each at most once. */
#define GH_STANDING_MARKS_MAX 5

/* What a connection's facts prove at one moment.  Zeroed memory denies: its reason is
 * GH_REASON_NO_RULE. */
struct gh_standing {
    gh_trunk_id trunk;        /* 0: none; also 0 whenever the reason is not GH_REASON_NONE */
    enum gh_signalling signalling;
    enum gh_reason reason;    /* GH_REASON_NONE when the trunk may be used */
    int64_t proven_until_us;  /* TLS: earliest notAfter of chain; else INT64_MAX; refused: 0 */
    enum gh_reason marks[GH_STANDING_MARKS_MAX]; /* waivers and weaknesses beside it */
    size_t mark_count;
};

/* The trunks that an incoming connection may be, by name or by address. */
struct gh_trunk_match {
    enum gh_reason reason;    /* GH_REASON_NONE: one, or several that all carry match_host */
    const struct gh_trunk_rules *trunk; /* the one, else NULL */
    bool by_host;             /* several: each dialog-forming request picks by its URI's host */
};

/**
 * Which trunk of @listener do these facts name?                 Source: RFC 5922 sections 7.1, 7.2
 * TLS: by the names of the certificate.  Other: by the source address.  The chain plays no part
 * yet.
 */
struct gh_trunk_match gh_policy_match_trunk(const struct gh_conn_facts *facts, unsigned listener,
                                            const struct gh_trunk_rules *trunks, size_t count);

/**
 * Among several trunks with one name, all with match_host: the one whose match_host is @host.
 * @return NULL: none, several, or gh_policy_match_trunk does not say by_host
 */
const struct gh_trunk_rules *gh_policy_match_host(const struct gh_conn_facts *facts,
                                                  unsigned listener,
                                                  const struct gh_trunk_rules *trunks, size_t count,
                                                  struct gh_span host);

/**
 * Does the certificate carry one of the trunk's names?  Both roles.
 * Case does not count, nor does one dot at the end; a trunk without names fits nobody.
 */
bool gh_policy_name_fits(const struct gh_cert_facts *cert, const struct gh_trunk_rules *trunk);

/**
 * Judge a connection by one trunk alone: name, chain, validity at @wall_us, EKU for the peer's
 * role, key and signature strength, TLS version, cipher.  Verified means that this returned a
 * signalling of GH_SIG_TLS_NULL or GH_SIG_TLS_VERIFIED.  A non-TLS connection of the trunk gives
 * GH_SIG_CLEAR.
 *
 * When several things are wrong the reason is the first of: certificate missing; chain (revoked,
 * untrusted, incomplete ...); not yet valid, expired; revocation unknown; name; EKU; weak
 * certificate; TLS version; cipher.  What a certificate says means nothing before its chain holds,
 * and strength nothing before it is the right neighbour's.
 *
 * @chain    NULL for a non-TLS connection
 * @wall_us  microseconds since 1970, UTC
 */
struct gh_standing gh_policy_admit(const struct gh_conn_facts *facts,
                                   const struct gh_trunk_rules *trunk,
                                   const struct gh_chain_facts *chain, int64_t wall_us);

/* ---- the key gate ---------------------------------------------------------------------------- */

enum gh_gate_verdict {
    GH_GATE_REFUSE = 0, GH_GATE_PASS_MARKED, GH_GATE_PASS, GH_GATE_VERDICT_COUNT
};

struct gh_gate {
    enum gh_gate_verdict verdict;
    enum gh_reason reason;    /* of the refusal or the mark */
};

/**
 * May a message with these carriers be read from, or written to, a leg of this signalling?
 * Source: RFC 4568 section 8.3, RFC 8643 section 4.  Not configurable off; for secret keys without
 * exception.
 * @carriers  bit set of enum gh_carriers over all bodies of the message
 */
struct gh_gate gh_policy_gate(enum gh_signalling signalling, unsigned carriers,
                              enum gh_unproven unproven);

enum gh_msg_class {
    GH_MSG_OTHER_RESPONSE = 0, GH_MSG_INVITE, GH_MSG_REINVITE, GH_MSG_UPDATE, GH_MSG_PRACK,
    GH_MSG_ACK, GH_MSG_1XX_UNRELIABLE, GH_MSG_1XX_RELIABLE, GH_MSG_2XX_INVITE, GH_MSG_2XX_REINVITE,
    GH_MSG_2XX_UPDATE, GH_MSG_2XX_PRACK, GH_MSG_OTHER_REQUEST, GH_MSG_CLASS_COUNT
};

/* What to do with a message that the gate refused. */
enum gh_gate_action {
    GH_ACT_REJECT = 0,         /* answer with the reason's status; nothing is relayed */
    GH_ACT_PRACK_200_END,      /* 200 to PRACK with every m-line port 0; 488 to the caller, CANCEL
                                * to the callee */
    GH_ACT_DROP_BODY,          /* relay without body, marked */
    GH_ACT_PRACK_CANCEL_END,   /* PRACK with every m-line port 0, CANCEL, 488 to the caller */
    GH_ACT_ACK_BYE_END,        /* ACK with every m-line port 0, BYE, 488 to the caller */
    GH_ACT_ACK_BYE_BOTH,       /* the same for a re-INVITE: BYE to both */
    GH_ACT_ZERO_ACK_BYE_BOTH,  /* the far side's ACK gets an answer with every m-line port 0; BYE
                                * to both */
    GH_ACT_END_CALL,           /* BYE to both, or CANCEL and 488 while early */
    GH_GATE_ACTION_COUNT
};

enum gh_gate_action gh_policy_gate_action(enum gh_msg_class msg);

/**
 * May the key carriers of one m-line be taken out of a message that the gate refused, instead of
 * refusing it?  Only in a request that brings an offer, and only from an RTP/AVP(F) m-line: a SAVP
 * one means nothing without keys, and an answer without them would no longer answer its offer.
 * The caller then remembers the keys as exposed, marks GH_REASON_KEYS_STRIPPED and judges the
 * m-line as GH_SEEN_NOTHING.
 */
bool gh_policy_may_strip(enum gh_unproven_keys rule, enum gh_msg_class msg,
                         enum gh_profile profile);

/* ---- SRTP mode: offers and answers, one m-line at a time ------------------------------------- */

/* Key-free facts of one a=crypto line. */
struct gh_crypto_facts {
    bool parsed;               /* tag, suite name, key parameters follow the grammar */
    uint32_t tag;
    enum gh_suite suite;       /* GH_SUITE_NONE: not known here */
    bool key_ok;               /* decoded length fits the suite and not all octets are equal */
    unsigned key_count;        /* several keys, told apart by MKI */
    bool mki, mki_ok;          /* has one; value and length are in range, usable with the suite */
    bool lifetime_ok;          /* absent, or within the suite's limit */
    bool params_required;      /* a session parameter that does not start with '-' */
};

enum gh_crypto_verdict {
    GH_CRYPTO_UNUSABLE = 0,
    GH_CRYPTO_NOT_LISTED, /* good line, suite not in the profile */
    GH_CRYPTO_USABLE, GH_CRYPTO_VERDICT_COUNT
};

enum gh_crypto_verdict gh_policy_crypto_usable(const struct gh_crypto_facts *line,
                                               const struct gh_trunk_rules *trunk);

/**
 * The line of an offer that we answer with: the offerer's first usable one, or with
 * suite_order_local the usable one that stands first in our list.  @return its index, -1: none is
 * usable
 */
int gh_policy_crypto_pick(const struct gh_crypto_facts *lines, size_t count,
                          const struct gh_trunk_rules *trunk);

/* What the keying of one m-line amounts to, after each line was judged. */
enum gh_keying_seen {
    GH_SEEN_NOTHING = 0, GH_SEEN_SDES_UNUSABLE, GH_SEEN_SDES, GH_SEEN_DTLS, GH_KEYING_SEEN_COUNT
};

enum gh_stream_verdict {
    GH_STREAM_REFUSE = 0, /* port 0, or the reason's status if no stream is left */
    GH_STREAM_RTP,        /* goes on without keying, RTP or UDPTL as it came */
    GH_STREAM_SRTP,       /* goes on with SDES keying */
    GH_STREAM_VERDICT_COUNT
};

struct gh_stream_judgement {
    enum gh_stream_verdict verdict;
    enum gh_reason reason;    /* of the refusal, or a mark; GH_REASON_NONE otherwise */
};

/**
 * An m-line that the trunk's side offers us.  Keys count only where gh_policy_gate lets them pass:
 * the same gate is asked again here.  A stream that goes on as RTP although the trunk allows SRTP
 * is marked.
 */
struct gh_stream_judgement gh_policy_offer_in(enum gh_srtp_mode mode, enum gh_signalling signalling,
                                              enum gh_profile profile, enum gh_keying_seen seen);

/* What we write into an offer to a trunk. */
enum gh_offer_plan {
    GH_PLAN_REFUSE = 0, GH_PLAN_RTP, GH_PLAN_AVP_WITH_KEYS /* RFC 8643 */, GH_PLAN_SAVP,
    GH_PLAN_UDPTL, /* as it came, without keying: UDPTL knows none (T.38 over RTP/SAVP is RTP) */
    GH_OFFER_PLAN_COUNT
};

struct gh_offer_judgement {
    enum gh_offer_plan plan;
    enum gh_reason reason;
};

/**
 * @profile  of the m-line that was offered to us: RTP becomes what the trunk wants, UDPTL stays or
 *           is refused
 * @return plan and, when it is not SRTP although the trunk allows it, why (a mark).
 */
struct gh_offer_judgement gh_policy_offer_out(enum gh_srtp_mode mode, enum gh_signalling signalling,
                                              enum gh_best_effort best_effort,
                                              enum gh_profile profile);

/* How an answer's one a=crypto line relates to what was offered. */
enum gh_answer_crypto {
    GH_ANSWER_NO_CRYPTO = 0, GH_ANSWER_MATCHES,
    GH_ANSWER_RENUMBERED, /* suite offered exactly once, other tag */
    GH_ANSWER_FOREIGN,    /* suite or tag that nobody offered, several lines */
    GH_ANSWER_UNUSABLE, GH_ANSWER_CRYPTO_COUNT
};

/**
 * Compare the lines of an answer with the lines that we offered.    Source: RFC 4568 section 5.1.3
 *
 * @offered  what we wrote: tag and suite count
 * @which    written with GH_ANSWER_MATCHES and GH_ANSWER_RENUMBERED: index of the offered line
 */
enum gh_answer_crypto gh_policy_answer_crypto(const struct gh_crypto_facts *offered,
                                              size_t offered_count,
                                              const struct gh_crypto_facts *answer,
                                              size_t answer_count,
                                              const struct gh_trunk_rules *trunk, size_t *which);

/**
 * An m-line (port not 0) of an answer to an offer that followed @plan.  A refusal ends the call.
 * @signalling     of the connection that brought the answer: keys pass the gate again here
 * @srtp_fallback  that message carries X-cisco-srtp-fallback in Supported
 */
struct gh_stream_judgement gh_policy_answer_in(enum gh_offer_plan plan, enum gh_srtp_mode mode,
                                               enum gh_signalling signalling,
                                               enum gh_profile profile,
                                               enum gh_answer_crypto crypto, bool strict_tags,
                                               bool srtp_fallback);

enum gh_key_memory { GH_KEY_FRESH = 0, GH_KEY_SEEN_EXPOSED, GH_KEY_SEEN_ECHOED, GH_KEY_SEEN_REUSED,
                     GH_KEY_SEEN_HAIRPIN, GH_KEY_MEMORY_COUNT };
enum gh_key_reuse { GH_KEY_REUSE_MARK = 0, GH_KEY_REUSE_REFUSE, GH_KEY_REUSE_COUNT };

/** @return verdict GH_GATE_PASS, _PASS_MARKED or _REFUSE with its reason */
struct gh_gate gh_policy_key_memory(enum gh_key_memory seen, enum gh_key_reuse rule);

enum gh_downgrade_action { GH_DO_REJECT = 0, GH_DO_END, GH_DO_MARK, GH_DOWNGRADE_ACTION_COUNT };

/** A keyed stream would become clear.  The stricter of trunk and route wins; an answer cannot be
 *  rejected, so there reject counts as end. */
enum gh_downgrade_action gh_policy_downgrade(enum gh_on_downgrade trunk, enum gh_on_downgrade route,
                                             bool in_answer);

/* ---- status on the wire ---------------------------------------------------------------------- */

/* The live streams of one leg: m-lines of any media type, accepted, port not 0. */
struct gh_leg_streams {
    unsigned live, sdes, dtls; /* clear ones: live - sdes - dtls */
    bool unproven_fingerprint; /* some dtls was accepted by unproven_fingerprint: mark */
    bool unproven_packets;     /* keyed, but only plain packets came within 5 s of the answer */
};

enum gh_status gh_policy_leg_status(enum gh_traffic_secure rule, enum gh_signalling signalling,
                                    const struct gh_leg_streams *streams);

/** The least of both legs and of the newest claim from each side; an Unknown claim changes nothing.
 *  Unknown until @connected. */
enum gh_status gh_policy_call_status(bool connected, const enum gh_status leg[2],
                                     const enum gh_status claim[2]);

/**
 * The mark that a neighbour's claim earns beside what we measured of its leg.
 * @return GH_REASON_NONE, GH_REASON_CLAIM_LOWERED or GH_REASON_CLAIM_CONTRADICTED
 */
enum gh_reason gh_policy_claim_mark(enum gh_status claim, enum gh_status measured);

/* ---- grade ----------------------------------------------------------------------------------- */

/* Whether packets proved that a side holds the key, in one key epoch. */
enum gh_proof {
    GH_PROOF_MISSING = 0, GH_PROOF_PENDING, GH_PROOF_INHERITED, GH_PROOF_SEEN, GH_PROOF_COUNT
};

/* One side (hop) of one live stream in one epoch. */
struct gh_hop_facts {
    enum gh_keying keying;
    enum gh_signalling signalling; /* of the leg that carried the key */
    bool key_exposed;              /* the key ever crossed an unproven path */
    enum gh_proof proof;
    bool dtls_passed;              /* dtls only: fingerprint unchanged, handshake seen with a
                                    * certificate equal to it */
};

/**
 * Grade of one stream in one epoch.  An epoch in which no media packet was relayed is not given
 * here.  GH_PROOF_PENDING counts as missing: what is not proven is not claimed.  A live view asks
 * gh_policy_stream_pending and says "pending" instead; a set-up that wants the best grade still
 * within reach gives GH_PROOF_SEEN.
 */
enum gh_grade gh_policy_stream_grade(const struct gh_hop_facts hop[2]);

/** Whether a proof that is still pending can raise the grade of this stream. */
bool gh_policy_stream_pending(const struct gh_hop_facts hop[2]);

/** Two streams at the same time: clear only when both are; clear beside SRTP is mixed. */
enum gh_grade gh_policy_beside(enum gh_grade a, enum gh_grade b);

/** One after the other in time: the worse of two grades; GH_GRADE_NONE does not count. */
enum gh_grade gh_policy_worse(enum gh_grade a, enum gh_grade b);

/** @grade raised to attested when it is hop_by_hop and both claims are fresh and Encrypted. */
enum gh_grade gh_policy_attest(enum gh_grade grade, const bool fresh_encrypted_claim[2]);

/* What a route requires at set-up. */
#define GH_REQUIRE_MARKS_MAX 8
struct gh_require {
    enum gh_grade grade;      /* GH_GRADE_NONE: nothing */
    enum gh_reason refuse_marks[GH_REQUIRE_MARKS_MAX];
    size_t refuse_mark_count;
};

/**
 * Can a call still reach what the route requires?
 * @best   the best grade that it can reach with what is agreed so far
 * @marks  the marks that both legs carry
 * @return GH_REASON_NONE, GH_REASON_GRADE_BELOW_REQUIRED, or the refused mark
 */
enum gh_reason gh_policy_require(const struct gh_require *require, enum gh_grade best,
                                 const enum gh_reason *marks, size_t mark_count);

/* ---- routes ---------------------------------------------------------------------------------- */

#define GH_PATTERN_MAX 64 /* octets of a pattern */
#define GH_NUMBER_MAX 32  /* octets of a number; longer ones match nothing.  E.164 has 15 */

/* How many numbers of one length a pattern matches.  Exact; a count of 2^128 or more, which
 * takes a pattern with nearly every symbol in each of 32 places, stays at the largest value. */
__extension__ typedef unsigned __int128 gh_breadth;

/**
 * Is @pattern one of CUCM's route patterns: digits, A-D, *, #, \+, X, !, [a-b], [^..], ?, + and
 * one dot?
 *
 * @at    written on failure: offset of the octet that does not fit
 * @text  written on failure: why, static, for the operator
 * @return 0 or GH_ESYNTAX
 */
int gh_policy_pattern_check(const char *pattern, size_t *at, const char **text);

/**
 * Does @number match?  Octets as dialled: unescaped, no visual separators.  Time is bounded by the
 * pattern, not by what was dialled.
 *
 * @breadth  written on a match: how many numbers of the dialled length the pattern matches
 * @return false also for a number that is empty or too long, and for a bad pattern
 */
bool gh_policy_pattern_match(const char *pattern, struct gh_span number, gh_breadth *breadth);

/** Index of the closest match among @count patterns (the least breadth), the first among equals.
 * @return -1: none */
int gh_policy_route(const char *const *patterns, size_t count, struct gh_span number);

#endif
