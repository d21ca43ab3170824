/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SDP with keys that have names, for tests of call/negotiate.  In texts of tests a line ends with
 * "\n" and a key is written "@A1"; it becomes CRLF and base64 on the way in, and the other way
 * round on the way out, where a key that no name belongs to, and that has the length of its suite,
 * is "@own".
 */
#ifndef GH_TEST_SUPPORT_NEGOTIATE_H
#define GH_TEST_SUPPORT_NEGOTIATE_H

#include "call/negotiate.h"

#define NEGO_TEXT_MAX 16384

/* What side a says of itself, and what must be left of it for side b: addresses of RFC 5737. */
#define A_HEAD "v=0\no=alice 2890844526 7 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
#define B_HEAD "v=0\no=bob 998877 3 IN IP4 198.51.100.2\ns=-\nc=IN IP4 198.51.100.2\nt=0 0\n"
#define TO_B   "v=0\no=gatehouse 1001 1 IN IP4 203.0.113.9\ns=-\nc=IN IP4 203.0.113.9\nt=0 0\n"
#define TO_A   "v=0\no=gatehouse 2002 5 IN IP4 203.0.113.9\ns=-\nc=IN IP4 203.0.113.9\nt=0 0\n"
#define AES80  "AES_CM_128_HMAC_SHA1_80"
#define AES32  "AES_CM_128_HMAC_SHA1_32"
#define GCM    "AEAD_AES_256_GCM"
#define C256   "AES_256_CM_HMAC_SHA1_80"

/* Trunks, by what they say of SRTP and over what. */
#define REQUIRED     .srtp = GH_SRTP_REQUIRED, .signalling = GH_SIG_TLS_VERIFIED
#define ALLOWED      .srtp = GH_SRTP_ALLOWED, .signalling = GH_SIG_TLS_VERIFIED
#define OFF          .srtp = GH_SRTP_OFF, .signalling = GH_SIG_TLS_VERIFIED
#define ALLOWED_TCP  .srtp = GH_SRTP_ALLOWED, .signalling = GH_SIG_CLEAR
#define ALLOWED_NULL .srtp = GH_SRTP_ALLOWED, .signalling = GH_SIG_TLS_NULL

/* Ports of stream i: 40000 + 4i towards a, 40002 + 4i towards b. */
#define PORT_A 40000
#define PORT_B 40002

extern const struct gh_neg_self nego_self_a, nego_self_b;

/* One trunk.  Zeroed suites: GCM and AES80, in that order. */
struct nego_who {
    enum gh_srtp_mode srtp;
    enum gh_signalling signalling;
    bool savp, bridge, strict, local_order;
    enum gh_suite suites[GH_TRUNK_SUITES_MAX];
};

struct nego_leg {
    struct gh_trunk_rules rules;
    struct gh_neg_leg leg;
};

void nego_leg(struct nego_leg *out, const struct nego_who *who);

/** Octets of a named key: "A1".  @return its length */
size_t nego_key(const char *name, uint8_t octets[GH_SUITE_KEY_MAX]);

/** base64 of the key number @i with its name, or NULL. */
const char *nego_key_text(size_t i, const char **name);

/** Expand @text into @out; lives as long as @out. */
struct gh_span nego_expand(const char *text, char out[NEGO_TEXT_MAX]);

/** A document as it is written, keys by name. */
const char *nego_print(const struct gh_sdp *doc, char out[NEGO_TEXT_MAX]);

/** A document as it is written, octet for octet, with a NUL.  Holds keys. */
const char *nego_raw(const struct gh_sdp *doc, char out[NEGO_TEXT_MAX]);

/** Names of the marks in their order, one blank between. */
const char *nego_marks(const struct gh_neg *neg, char out[512]);

/** Give ports to live streams. */
void nego_ports(struct gh_neg *neg);

#endif
