/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every reason: the named cause of a refusal, a downgrade or a mark.  One list for SIP answers,
 * logs, metrics, records and pages.  A row holds the name, the SIP status (0: never answered with),
 * what happened, and what to change and where.
 *
 * Texts travel in Warning and Reason headers, where the key gate looks too: none names a key
 * carrier. Names are stable: records keep them for years.  Zero is the reason of a decision that no
 * rule made.
 */
#ifndef GATEHOUSE_REASON_H
#define GATEHOUSE_REASON_H

#include <gatehouse/span.h>

#define GH_REASON_MAP(X)                                                                           \
    /* Nothing was decided, or nothing is wrong */                                                 \
    X(NO_RULE, "no_rule", 500, "no rule allows this",                                              \
      "report this with the log line: a table of gatehouse has a hole")                            \
    X(NONE, "none", 0, "nothing is wrong", "nothing")                                              \
    /* The key gate (RFC 4568 section 8.3: keys need encrypted signalling) */                      \
    X(KEY_OVER_CLEAR_SIGNALLING, "key_over_clear_signalling", 488,                                 \
      "SRTP keys came, or would go, over signalling that is not encrypted",                        \
      "use a TLS trunk whose certificate is verified, or offer RTP without keys")                  \
    X(KEY_OVER_UNVERIFIED_TLS, "key_over_unverified_tls", 488,                                     \
      "SRTP keys came, or would go, over TLS whose peer is not verified",                          \
      "give the peer a certificate that this trunk verifies: chain, name, EKU and validity")       \
    X(KEY_OVER_NULL_CIPHER, "key_over_null_cipher", 488,                                           \
      "SRTP keys came, or would go, over TLS with a NULL cipher, which hides nothing",             \
      "set device_security_mode: encrypted in the security profile, and on the peer")              \
    X(FINGERPRINT_OVER_UNPROVEN_SIGNALLING, "fingerprint_over_unproven_signalling", 488,           \
      "a DTLS fingerprint came, or would go, over signalling that proves nobody",                  \
      "use a verified TLS trunk with SDES keys, or offer RTP without keys")                        \
    X(BODY_OPAQUE, "body_opaque", 415, "the body cannot be looked into for keys",                  \
      "send it without Content-Encoding, encryption, signature wrapping or deep nesting")          \
    X(KEY_IN_ODD_BODY, "key_in_odd_body", 488, "a body that is not SDP carries keying",            \
      "send keys in application/sdp only")                                                         \
    X(KEY_EXPOSED, "key_exposed", 488, "this SRTP key was seen before on an unproven path",        \
      "make the endpoint draw a fresh key for every offer")                                        \
    X(KEY_ECHOED, "key_echoed", 488, "one SRTP key is used for both directions of a stream",       \
      "make the answerer draw its own key")                                                        \
    X(KEY_REUSED, "key_reused", 488,                                                               \
      "one SRTP key is used on two m-lines, in unrelated calls, or again after many others",       \
      "make the endpoint draw a fresh key for every m-line, call and change")                      \
    /* TLS and who the neighbour is */                                                             \
    X(TLS_HANDSHAKE_FAILED, "tls_handshake_failed", 403, "the TLS handshake failed",               \
      "compare the TLS settings of both sides; the log line has the library's words")              \
    X(TLS_NOT_TLS, "tls_not_tls", 403, "the peer does not speak TLS on this port",                 \
      "check transport and port on the peer: 5061 is TLS, 5060 is not")                            \
    X(TLS_VERSION_REFUSED, "tls_version_refused", 403, "no TLS version in common",                 \
      "enable TLS 1.2 or 1.3 on the peer, or set tls_policy: legacy-cucm on the trunk")            \
    X(TLS_NO_COMMON_CIPHER, "tls_no_common_cipher", 403, "no cipher or group in common",           \
      "enable an ECDHE cipher with AES-GCM on the peer, or set tls_policy: legacy-cucm on the "    \
      "trunk")                                                                                     \
    X(TLS_WEAK_CIPHER, "tls_weak_cipher", 403, "the cipher is weaker than this trunk allows",      \
      "enable an ECDHE cipher with AES-GCM on the peer, or set tls_policy: legacy-cucm on the "    \
      "trunk")                                                                                     \
    X(TLS_CLOSED, "tls_closed", 403, "the peer closed the connection during the TLS handshake",    \
      "look at the peer's log: it may not trust, or not want, our certificate")                    \
    X(TLS_PEER_REFUSED_OURS, "tls_peer_refused_ours", 403,                                         \
      "the peer refused our certificate with a TLS alert",                                         \
      "load our CA on the peer, and check our certificate's name, EKU and dates there")            \
    X(TLS_TIMEOUT, "tls_timeout", 403, "the TLS handshake was not finished in time",               \
      "check the network and the load on the peer")                                                \
    X(CERT_MISSING, "cert_missing", 403, "the peer showed no certificate",                         \
      "make the peer send its client certificate: mutual TLS is required")                         \
    X(CERT_UNTRUSTED, "cert_untrusted", 403,                                                       \
      "the certificate is not signed by a CA trusted here",                                        \
      "add the CA to trust, or have the peer's certificate signed by a trusted CA")                \
    X(CERT_INCOMPLETE_CHAIN, "cert_incomplete_chain", 403,                                         \
      "an issuer between the certificate and the trusted CA is missing",                           \
      "make the peer send its intermediate certificates, or add the issuer to trust")              \
    X(CERT_SELF_SIGNED, "cert_self_signed", 403, "the certificate is self-signed",                 \
      "have it signed by a CA, or put this very certificate into trust")                           \
    X(CERT_EXPIRED, "cert_expired", 403, "a certificate of the chain has expired",                 \
      "renew the peer's certificate; check both clocks")                                           \
    X(CERT_NOT_YET_VALID, "cert_not_yet_valid", 403,                                               \
      "a certificate of the chain is not yet valid",                                               \
      "check both clocks, or wait for the certificate's start date")                               \
    X(CERT_REVOKED, "cert_revoked", 403, "the certificate is revoked",                             \
      "give the peer a new certificate")                                                           \
    X(CRL_UNAVAILABLE, "crl_unavailable", 403, "the revocation list is missing or outdated",       \
      "load a fresh CRL for every CA of the chain, or set crl_unavailable: warn")                  \
    X(CERT_EKU_MISSING, "cert_eku_missing", 403,                                                   \
      "the extended key usage of the certificate, or of a CA above it, does not fit the peer's "   \
      "role", "issue it with serverAuth and clientAuth, by a CA that may issue both")              \
    X(CERT_WEAK, "cert_weak", 403, "a key or signature of the chain is weaker than allowed",       \
      "use RSA 2048 or EC P-256 and SHA-256 at least, or set tls_policy: legacy-cucm on the "      \
      "trunk")                                                                                     \
    X(CERT_BAD, "cert_bad", 403, "the certificate chain does not verify",                          \
      "check the chain with 'openssl verify'; the log line has the library's words")               \
    X(CERT_NAME_MISMATCH, "cert_name_mismatch", 403,                                               \
      "the certificate carries none of the names that this trunk expects",                         \
      "correct peer_names on the trunk, or issue the certificate with that name")                  \
    X(NO_TRUNK_FOR_CERTIFICATE, "no_trunk_for_certificate", 403,                                   \
      "no trunk of this listener has a name of the certificate",                                   \
      "add one of the certificate's names to peer_names of the trunk")                             \
    X(AMBIGUOUS_CERTIFICATE, "ambiguous_certificate", 403, "the certificate fits several trunks",  \
      "give each trunk its own peer_names, or a listener of its own")                              \
    X(NO_TRUNK_FOR_ADDRESS, "no_trunk_for_address", 403,                                           \
      "no trunk of this listener has the sender's address",                                        \
      "add the address to peer_addresses of the trunk")                                            \
    X(CERT_EXPIRED_SINCE, "cert_expired_since", 403,                                               \
      "a certificate of this connection's chain has expired since the handshake",                  \
      "renew the peer's certificate and let it connect again")                                     \
    X(TRUNK_GONE, "trunk_gone", 403, "the trunk is no longer configured", "add the trunk again")   \
    /* Messages */                                                                                 \
    X(BAD_MESSAGE, "bad_message", 400,                                                             \
      "the SIP message breaks the grammar or a rule of RFC 3261",                                  \
      "look at the text behind the colon: it names the header or rule")                            \
    X(MESSAGE_TOO_LARGE, "message_too_large", 513, "the SIP message exceeds a limit",              \
      "send smaller messages: 64 KiB of body, 8 KiB a line, 256 headers")                          \
    X(BAD_SDP, "bad_sdp", 488, "the session description breaks the grammar",                       \
      "look at the text behind the colon: it names the line")                                      \
    X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, "this method is not relayed",                 \
      "see Allow for what is")                                                                     \
    X(METHOD_UNKNOWN, "method_unknown", 501, "this method is not known here",                      \
      "see Allow for what is")                                                                     \
    X(METHOD_FORBIDDEN, "method_forbidden", 403,                                                   \
      "the trunk's security profile forbids this request",                                         \
      "let the peer not send this method; this version does not relay it")                         \
    X(REPLACES_FORBIDDEN, "replaces_forbidden", 403,                                               \
      "the trunk does not accept a Replaces header",                                               \
      "let the peer not send Replaces: this version does not relay it")                            \
    X(BAD_EXTENSION, "bad_extension", 420, "an extension that the message requires is not there",  \
      "see Unsupported; let the peer not require it")                                              \
    X(UNSUPPORTED_BODY, "unsupported_body", 415, "a body of this type does not cross",             \
      "see Accept, or name the type in bodies of the trunk")                                       \
    X(NO_ROUTE, "no_route", 404, "no route matches the called number",                             \
      "add a pattern to routes that matches it")                                                   \
    X(TOO_MANY_HOPS, "too_many_hops", 483, "Max-Forwards is used up: the call goes in a circle",   \
      "look for two routes that point at each other")                                              \
    X(LOOP_DETECTED, "loop_detected", 482, "this call came through here before",                   \
      "look for two routes that point at each other")                                              \
    X(NO_DIALOG, "no_dialog", 481, "no such dialog or transaction on this trunk",                  \
      "nothing, if the call has just ended; else look which trunk the call is on")                 \
    X(OUT_OF_ORDER, "out_of_order", 500, "a request's CSeq is not higher than the one before",     \
      "look for a second sender in this dialog, or for a peer that restarted")                     \
    X(REQUEST_PENDING, "request_pending", 491, "another offer is under way", "try again shortly")  \
    X(SIPS_DOWNGRADE, "sips_downgrade", 480,                                                       \
      "a sips: call cannot leave over TLS that is verified",                                       \
      "route it to an encrypted trunk, or call with sip:")                                         \
    /* Media and keying */                                                                         \
    X(SRTP_REQUIRED, "srtp_required", 488, "this trunk requires SRTP for every stream",            \
      "offer SRTP keys for each m-line over a verified TLS trunk, or set srtp: allowed")           \
    X(SRTP_OFF, "srtp_off", 488, "this trunk carries RTP only",                                    \
      "offer RTP/AVP, or set srtp: allowed on the trunk")                                          \
    X(NO_USABLE_CRYPTO, "no_usable_crypto", 488, "no crypto line is usable",                       \
      "offer a suite that the security profile lists, without session parameters")                 \
    X(CRYPTO_ANSWER_BAD, "crypto_answer_bad", 488,                                                 \
      "the answer's crypto line does not repeat tag and suite of an offered one",                  \
      "correct the answerer: RFC 4568 section 5.1.2")                                              \
    X(PROFILE_MISMATCH, "profile_mismatch", 488,                                                   \
      "the answer's media profile does not fit the offer",                                         \
      "correct the answerer, or set best_effort_profile on the trunk")                             \
    X(KEYING_NOT_AVAILABLE, "keying_not_available", 488,                                           \
      "DTLS-SRTP is not available in this version", "offer SDES keys")                             \
    X(MEDIA_NOT_RELAYED, "media_not_relayed", 488, "no m-line of the offer can be relayed",        \
      "offer RTP/AVP or RTP/SAVP over UDP")                                                        \
    X(GRADE_BELOW_REQUIRED, "grade_below_required", 488,                                           \
      "this route requires a grade that the call cannot reach",                                    \
      "use SRTP and verified TLS on both sides, or lower require on the route")                    \
    X(DOWNGRADE_REFUSED, "downgrade_refused", 488, "an encrypted stream would have become clear",  \
      "keep SRTP on, or set on_downgrade: mark")                                                   \
    X(ANSWER_MISSING, "answer_missing", 488,                                                       \
      "the message that must answer an offer has no SDP",                                          \
      "look at the caller: the offer was in our 2xx or reliable 1xx (RFC 6337)")                   \
    X(GLARE, "glare", 491,                                                                         \
      "the other side changes the call at this moment",                                            \
      "nothing: the peer tries again by itself")                                                   \
    X(OFFER_UNDER_WAY, "offer_under_way", 500,                                                     \
      "an offer of this side waits for its answer",                                                \
      "nothing: the peer may try again after Retry-After")                                         \
    X(PRACK_TIMEOUT, "prack_timeout", 504,                                                         \
      "a reliable provisional response was never acknowledged",                                    \
      "check that the caller supports 100rel, as it says")                                         \
    X(MEDIA_UNREACHABLE, "media_unreachable", 488,                                                 \
      "no packet can be sent to the address in the SDP",                                           \
      "correct c= and a=rtcp of the peer, or the routes of this host")                             \
    X(MEDIA_TIMEOUT, "media_timeout", 0,                                                           \
      "no media came for the configured time from a side that was to send it",                     \
      "check the media path of that side (silent in the record), or raise media.timeout")          \
    /* Capacity and the neighbour's state */                                                       \
    X(NO_MEDIA_PORT, "no_media_port", 503, "no media port is free", "widen media.ports")           \
    X(TOO_MANY_CALLS, "too_many_calls", 503,                                                       \
      "the limit of calls, or of new calls a second, is reached",                                  \
      "raise max_calls or max_cps, of limits or of the trunk")                                     \
    X(OVERLOAD, "overload", 503, "the node is too busy for new calls",                             \
      "spread calls over more nodes")                                                              \
    X(MEDIA_STALLED, "media_stalled", 503, "no media thread of the node answers",                  \
      "look at the node's host and log; if it does not recover, restart gatehouse")                \
    X(AUDIT_BACKLOG, "audit_backlog", 503, "the record cannot keep up",                            \
      "check the disk of audit.directory")                                                         \
    X(AUDIT_FAILED, "audit_failed", 503, "the record cannot be written",                           \
      "check space and rights of audit.directory, or set audit.on_error: continue")                \
    X(SHUTTING_DOWN, "shutting_down", 503, "the node is stopping", "use another destination")      \
    X(CONNECTION_LOST, "connection_lost", 503, "the connection to the neighbour was lost",         \
      "check the network and the neighbour")                                                       \
    X(NO_DESTINATION, "no_destination", 503, "no destination of the trunk can be reached",         \
      "check destinations of the trunk; the log has a line for each attempt")                      \
    X(NO_ANSWER, "no_answer", 408, "the neighbour did not answer in time",                         \
      "check that the neighbour runs and routes the number")                                       \
    X(RING_TIMEOUT, "ring_timeout", 408, "nobody answered the call in time", "nothing")            \
    X(ACK_TIMEOUT, "ack_timeout", 0, "the ACK to the answer never came",                           \
      "check that the caller can reach our Contact")                                               \
    X(REFUSED_BY_PEER, "refused_by_peer", 0, "the called side refused the call",                   \
      "look at its status and reason")                                                             \
    X(PEER_DEMANDS_CREDENTIALS, "peer_demands_credentials", 403,                                   \
      "the called side demands credentials that the caller must not be asked for",                 \
      "turn off digest authentication for this trunk on the peer")                                 \
    X(REDIRECT_REFUSED, "redirect_refused", 480, "the called side redirected the call",            \
      "let the peer route the call itself")                                                        \
    X(INTERNAL, "internal", 500, "gatehouse failed",                                               \
      "report this with the log lines of the call")                                                \
    /* Ends and marks: never answered with */                                                      \
    X(CALLER_HUNG_UP, "caller_hung_up", 0, "the caller ended the call", "nothing")                 \
    X(CALLED_HUNG_UP, "called_hung_up", 0, "the called side ended the call", "nothing")            \
    X(CANCELLED, "cancelled", 0, "the caller gave up before the answer", "nothing")                \
    X(ANSWERED_ELSEWHERE, "answered_elsewhere", 0, "another branch of the call answered first",    \
      "nothing")                                                                                   \
    X(OPERATOR, "operator", 0, "the operator ended the call", "nothing")                           \
    X(DIALOG_GONE, "dialog_gone", 0, "one side no longer knew the call",                           \
      "look at that side's log")                                                                   \
    X(UNPROVEN, "unproven", 0, "a keyed side never sent an authenticated packet",                  \
      "check that this side really sends SRTP with the key it declared")                           \
    X(INHERITED, "inherited", 0, "a side that may not send keeps the proof of before", "nothing")  \
    X(PLAIN_ON_SRTP, "plain_on_srtp", 0, "plain packets came on a keyed stream and were dropped",  \
      "correct the endpoint: it sends RTP or RTCP without protection; of codecs whose "            \
      "packets do not show it such RTP fails authentication")                                      \
    X(AUTH_FAILED, "auth_failed", 0, "packets failed authentication and were dropped",             \
      "look for an endpoint with a wrong key, or that sends plain RTP, or for an attacker")        \
    X(SSRC_LIMIT, "ssrc_limit", 0,                                                                 \
      "packets under one key came from more sources (SSRC) than are kept apart; those of further " \
      "ones were dropped",                                                                         \
      "let the endpoint keep its SSRC, or send a re-INVITE with a new key")                        \
    X(CLAIM_CONTRADICTED, "claim_contradicted", 0,                                                 \
      "a neighbour's claim of security is higher than what was measured",                          \
      "do not believe that neighbour's lock icon")                                                 \
    X(CLAIM_LOWERED, "claim_lowered", 0, "a neighbour says that the call is less secure beyond",   \
      "look at the far side")                                                                      \
    X(MEDIA_CLEAR, "media_clear", 0, "a stream goes without SRTP on a trunk that allows it",       \
      "offer SRTP keys, or set srtp: required to refuse such calls")                               \
    X(SRTP_FALLBACK, "srtp_fallback", 0, "the answerer fell back to RTP as the trunk allows",      \
      "set srtp: required to forbid it")                                                           \
    X(KEYS_STRIPPED, "keys_stripped", 0, "keys that may not cross were removed from the message",  \
      "use a verified TLS trunk")                                                                  \
    X(BODY_DROPPED, "body_dropped", 0, "a body that does not cross was removed", "nothing")        \
    X(TAG_RENUMBERED, "tag_renumbered", 0, "the answer changed the tag of the crypto line",        \
      "correct the answerer: RFC 4568 section 5.1.2")                                              \
    X(PADDING_MISSING, "padding_missing", 0,                                                       \
      "the base64 text of an SRTP key lacks the = at its end",                                     \
      "correct the endpoint: RFC 4568 section 6.1; the key itself is whole")                       \
    X(KEY_LIFETIME_EXCEEDED, "key_lifetime_exceeded", 0,                                           \
      "a key was used longer than its SDP allowed", "make the endpoint re-key in time")            \
    X(KEY_NOT_TOLD, "key_not_told", 0,                                                             \
      "media was lost, for a side brought a new SRTP key that the other refused to hear of",       \
      "let the neighbour that refused take a re-INVITE; the log says which it was, and why")       \
    X(LINE_NOT_TOLD, "line_not_told", 0,                                                           \
      "a side turned a stream off, and the other, which still sends it, refused to hear of it",    \
      "let the neighbour that refused take a re-INVITE; the log says which it was, and why")       \
    X(HAIRPIN, "hairpin", 0, "the call came back with a key that we passed on", "nothing")         \
    /* Marks that a route may refuse (refuse_marks): answered with then */                         \
    X(WEAK_TLS, "weak_tls", 488, "the TLS version or cipher is below the modern policy",           \
      "set tls_policy: modern when the peer can")                                                  \
    X(NO_FORWARD_SECRECY, "no_forward_secrecy", 488,                                               \
      "whoever gets the server's private key later can read this call's keys",                     \
      "enable ECDHE ciphers on the peer")                                                          \
    X(EKU_WAIVED, "eku_waived", 488, "a missing EKU was waived by client_auth_eku: warn",          \
      "issue the certificate with clientAuth")                                                     \
    X(CRL_WAIVED, "crl_waived", 488,                                                               \
      "missing revocation data was waived by crl_unavailable: warn", "load a fresh CRL")           \
    /* Marks again */                                                                              \
    X(SOURCE_UNPROVEN, "source_unproven", 0, "the source of clear media was not proven",           \
      "use SRTP")                                                                                  \
    X(SOURCE_CONTESTED, "source_contested", 0,                                                     \
      "the same packets of a side came from two addresses, so one of them sends copies",           \
      "set media_source: sdp where the side's SDP names where its media comes from")               \
    X(COUNTERS_INCOMPLETE, "counters_incomplete", 0, "the media worker did not report in time",    \
      "look for overload")                                                                         \
    X(RECORD_LATE, "record_late", 0, "the call's record was not on disk when the call ended",      \
      "check the disk of audit.directory")

enum gh_reason {
#define X(id, name, code, text, advice) GH_REASON_##id,
    GH_REASON_MAP(X)
#undef X
    GH_REASON_COUNT
};

struct gh_reason_info {
    const char *name;   /* the stable word */
    int sip_code;       /* 0: never answered with */
    const char *text;   /* what happened */
    const char *advice; /* what to change */
};

/** Static row of @reason; that of no_rule for a value outside the enum.  Thread: any. */
static inline const struct gh_reason_info *gh_reason_info(enum gh_reason reason)
{
    static const struct gh_reason_info rows[GH_REASON_COUNT] = {
#define X(id, name, code, text, advice) [GH_REASON_##id] = { name, code, text, advice },
        GH_REASON_MAP(X)
#undef X
    };

    return &rows[(unsigned)reason < GH_REASON_COUNT ? reason : GH_REASON_NO_RULE];
}

static inline const char *gh_reason_name(enum gh_reason reason)
{
    return gh_reason_info(reason)->name;
}

#endif
