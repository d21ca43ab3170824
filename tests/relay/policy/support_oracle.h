/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of policy told a second time: plain conditions in the order of the written design, no
 * table, and nothing shared with relay/policy but the names in its header.  Tests walk every
 * combination of inputs and compare.
 */
#ifndef GH_TEST_ORACLE_H
#define GH_TEST_ORACLE_H

#include "policy/policy.h"

struct gh_gate gh_oracle_gate(enum gh_signalling signalling, unsigned carriers,
                              enum gh_unproven unproven);
enum gh_gate_action gh_oracle_gate_action(enum gh_msg_class msg);
bool gh_oracle_may_strip(enum gh_unproven_keys rule, enum gh_msg_class msg,
                         enum gh_profile profile);

struct gh_stream_judgement gh_oracle_offer_in(enum gh_srtp_mode mode, enum gh_signalling signalling,
                                              enum gh_profile profile, enum gh_keying_seen seen);
struct gh_offer_judgement gh_oracle_offer_out(enum gh_srtp_mode mode, enum gh_signalling signalling,
                                              enum gh_best_effort best_effort,
                                              enum gh_profile profile);
struct gh_stream_judgement gh_oracle_answer_in(enum gh_offer_plan plan, enum gh_srtp_mode mode,
                                               enum gh_signalling signalling,
                                               enum gh_profile profile,
                                               enum gh_answer_crypto crypto, bool strict_tags,
                                               bool srtp_fallback);
struct gh_gate gh_oracle_key_memory(enum gh_key_memory seen, enum gh_key_reuse rule);
enum gh_downgrade_action gh_oracle_downgrade(enum gh_on_downgrade trunk, enum gh_on_downgrade route,
                                             bool in_answer);

enum gh_status gh_oracle_leg_status(enum gh_traffic_secure rule, enum gh_signalling signalling,
                                    const struct gh_leg_streams *streams);
enum gh_status gh_oracle_call_status(bool connected, const enum gh_status leg[2],
                                     const enum gh_status claim[2]);
enum gh_reason gh_oracle_claim_mark(enum gh_status claim, enum gh_status measured);

enum gh_grade gh_oracle_stream_grade(const struct gh_hop_facts hop[2]);
bool gh_oracle_stream_pending(const struct gh_hop_facts hop[2]);

/* One admission over TLS, told by what is true of it instead of by a certificate. */
struct gh_oracle_admission {
    enum gh_device_mode device_mode;
    enum gh_tls_policy tls_policy;
    bool eku_waived, crl_waived;    /* the trunk's settings */
    enum gh_role role;              /* ours */
    bool certificate, name_fits;
    bool chain_judged;
    enum gh_reason chain_reason;
    int when;                       /* -1 before its time, 0 valid, 1 expired */
    bool crl_missing;
    bool client_barred;             /* by the EKU of an intermediate */
    bool eku_present, eku_server, eku_client;
    int security_bits;
    bool sha1_leaf, weak_chain;
    enum gh_tls_version version;
    enum gh_cipher_kind cipher;
    int cipher_bits;
    bool aead, chacha20, forward_secret;
};

struct gh_oracle_standing {
    enum gh_signalling signalling;
    enum gh_reason reason;
    bool weak_tls, no_forward_secrecy, cert_weak, eku_waived, crl_waived; /* marks */
};

struct gh_oracle_standing gh_oracle_admit_tls(const struct gh_oracle_admission *a);

#endif
