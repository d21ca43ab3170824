/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every option, one row each.  A row whose function is not there yet says so in its last columns;
 * the step that brings the function flips them.
 */
#include "config/schema_int.h"

/* Where a value goes. */
#define TLS(member) .at = offsetof(struct gh_tls_draft, out.member)
#define LISTENER(member) .at = offsetof(struct gh_listener_draft, member)
#define PROFILE(member) .at = offsetof(struct gh_profile_draft, out.member)
#define ROUTE(member) .at = offsetof(struct gh_route_draft, member)
#define FILE_(member) .at = offsetof(struct gh_drafts, member)
#define OWN(member) .at = offsetof(struct gh_drafts, own_interface.member)
#define PLACE(member) .at = offsetof(struct gh_interface_draft, out.member)
#define MEDIA(member) .at = offsetof(struct gh_drafts, values.media.member)
#define LIMIT(member) .at = offsetof(struct gh_drafts, values.limits.member)

/* An enum goes into memory as an int. */
_Static_assert(sizeof(enum gh_srtp_mode) == sizeof(int), "enums are as large as int");

/* ---- words ----------------------------------------------------------------------------------- */

const struct gh_choice gh_choices_tls_policies[] = {
    { "modern", GH_TLS_MODERN, false },
    { "nist-800-52r2", GH_TLS_NIST_800_52R2, false },
    { "bsi-tr-02102", GH_TLS_BSI_TR_02102, false },
    { "legacy-cucm", GH_TLS_LEGACY_CUCM, false },
    { NULL, 0, false },
};
const struct gh_choice gh_choices_waivers[] = {
    { "refuse", GH_WAIVE_NOT, false },
    { "warn", GH_WAIVE_WARN, false },
    { NULL, 0, false },
};
static const struct gh_choice transports[] = {
    { "tls", GH_TRANSPORT_TLS, false },
    { "tcp", GH_TRANSPORT_TCP, false },
    { "udp", GH_TRANSPORT_UDP, true },
    { NULL, 0, false },
};
static const struct gh_choice device_modes[] = {
    { "encrypted", GH_MODE_ENCRYPTED, false },
    { "authenticated", GH_MODE_AUTHENTICATED, false },
    { "non_secure", GH_MODE_NON_SECURE, false },
    { NULL, 0, false },
};
static const struct gh_choice v150_filters[] = {
    { "default", GH_V150_DEFAULT, false },
    { "none", GH_V150_NONE, false },
    { "remove_mer", GH_V150_REMOVE_MER, true },
    { "remove_pre_mer", GH_V150_REMOVE_PRE_MER, true },
    { NULL, 0, false },
};
static const struct gh_choice suites[] = {
#define X(id, name, key, salt, tag, rtcp_tag, aead) { name, id, false },
    GH_SUITE_MAP(X)
#undef X
    { NULL, 0, false },
};
const struct gh_choice gh_choices_downgrades[] = {
    { "reject", GH_DOWNGRADE_REJECT, false },
    { "end", GH_DOWNGRADE_END, false },
    { "mark", GH_DOWNGRADE_MARK, false },
    { NULL, 0, false },
};
static const struct gh_choice distributions[] = {
    { "top_down", GH_TOP_DOWN, false },
    { "circular", GH_CIRCULAR, false },
    { NULL, 0, false },
};
static const struct gh_choice grades[] = {
    { "clear", GH_GRADE_CLEAR, false },
    { "mixed", GH_GRADE_MIXED, false },
    { "hop_by_hop", GH_GRADE_HOP_BY_HOP, false },
    { "attested", GH_GRADE_ATTESTED, true },
    { "pass_through", GH_GRADE_PASS_THROUGH, true },
    { NULL, 0, false },
};
/* The marks that are known when a call is set up. */
static const struct gh_choice marks[] = {
    { "weak_tls", GH_REASON_WEAK_TLS, false },
    { "no_forward_secrecy", GH_REASON_NO_FORWARD_SECRECY, false },
    { "eku_waived", GH_REASON_EKU_WAIVED, false },
    { "crl_waived", GH_REASON_CRL_WAIVED, false },
    { NULL, 0, false },
};
static const struct gh_choice overloads[] = {
    { "refuse", 0, false },
    { "accept", 1, false },
    { NULL, 0, false },
};
static const struct gh_choice audit_errors[] = {
    { "refuse_calls", 0, false },
    { "continue", 1, false },
    { NULL, 0, false },
};

/* ---- tls, listeners, profiles ---------------------------------------------------------------- */

static const struct gh_option tls_options[] = {
    { .name = "certificate", .type = GH_TYPE_PATH, .required = true, TLS(certificate),
      .says = "our certificate: leaf, then intermediates (PEM)" },
    { .name = "private_key", .type = GH_TYPE_PATH, .required = true, TLS(private_key),
      .says = "its key (PEM); refused when group or others can read it" },
    { .name = "client_certificate", .type = GH_TYPE_PATH, TLS(client_certificate),
      .standard_says = "certificate", .says = "what we show when we connect" },
    { .name = "client_private_key", .type = GH_TYPE_PATH, TLS(client_private_key),
      .standard_says = "private_key", .says = "its key" },
    { .name = "trust", .type = GH_TYPE_PATH, .required = true, TLS(trust),
      .says = "roots that may sign a peer's certificate: a file, or a directory, file by file" },
    { .name = "crl", .type = GH_TYPE_PATH, TLS(crl), .standard_says = "no revocation check",
      .says = "revocation lists: a file or directory" },
    { .name = "crl_unavailable", .type = GH_TYPE_WORD, TLS(crl_unavailable),
      .choices = gh_choices_waivers, .standard = "refuse",
      .says = "what a missing or outdated CRL means for a peer" },
    { .name = "policy", .type = GH_TYPE_WORD, TLS(policy), .choices = gh_choices_tls_policies,
      .standard = "modern", .says = "versions, ciphers and strengths that are accepted" },
};

static const struct gh_option listener_options[] = {
    { .name = "transport", .type = GH_TYPE_WORD, .required = true,
      LISTENER(out.transport), .choices = transports,
      .says = "what is spoken on the port; trunks of the listener use it both ways" },
    { .name = "address", .type = GH_TYPE_ADDRESS, .required = true,
      LISTENER(address), .says = "local address" },
    { .name = "port", .type = GH_TYPE_PORT, LISTENER(port),
      .standard_says = "5061 with tls, else 5060", .says = "local port" },
    { .name = "tls", .type = GH_TYPE_NAME, LISTENER(tls), .standard_says = "none; tls needs one",
      .says = "the entry of tls: whose certificate is shown here" },
    { .name = "dscp", .type = GH_TYPE_DSCP, LISTENER(out.dscp), .standard = "CS3",
      .says = "code point of signalling, on connections of its trunks either way opened" },
};

#define SWITCH(word, member, text)                                                          \
    { .name = word, .type = GH_TYPE_BOOL, PROFILE(member), .standard = "false",             \
      .available = GH_DEFAULT_ONLY, .says = text }

static const struct gh_option profile_options[] = {
    { .name = "device_security_mode", .type = GH_TYPE_WORD, PROFILE(device_mode),
      .choices = device_modes, .standard = "encrypted", .says = "what the signalling must be" },
    SWITCH("digest_authentication", digest_authentication, "challenge requests of the trunk"),
    { .name = "nonce_validity", .type = GH_TYPE_DURATION, PROFILE(nonce_validity_ms),
      .standard = "600min", .min = GH_SECOND, .max = 24 * GH_HOUR, .available = GH_DEFAULT_ONLY,
      .says = "how long a digest nonce is good" },
    SWITCH("accept_presence_subscription", accept_presence_subscription, "take SUBSCRIBE"),
    SWITCH("accept_out_of_dialog_refer", accept_out_of_dialog_refer, "take REFER outside a dialog"),
    SWITCH("accept_unsolicited_notification", accept_unsolicited_notification,
           "take NOTIFY without SUBSCRIBE"),
    SWITCH("accept_replaces_header", accept_replaces_header, "take INVITE with Replaces"),
    { .name = "transmit_security_status", .type = GH_TYPE_BOOL, PROFILE(transmit_security_status),
      .standard = "false", .says = "tell the trunk the call's status in Call-Info" },
    SWITCH("allow_charging_header", allow_charging_header, "let charging headers cross"),
    { .name = "v150_offer_filter", .type = GH_TYPE_WORD, PROFILE(v150_filter),
      .choices = v150_filters, .standard = "default",
      .standard_says = "default, which takes out none",
      .says = "which V.150 lines are taken out of offers" },
    { .name = "suites", .type = GH_TYPE_WORD, GH_ITEMS(gh_profile_draft, suites, suite_count),
      .min = 1, .max = GH_TRUNK_SUITES_MAX, .choices = suites,
      .standard = "AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_256_CM_HMAC_SHA1_80, "
                  "AES_CM_128_HMAC_SHA1_80",
      .says = "SRTP suites in order of preference" },
};

/* ---- routes ---------------------------------------------------------------------------------- */

static const struct gh_option require_options[] = {
    { .name = "grade", .type = GH_TYPE_WORD, ROUTE(grade), .choices = grades,
      .standard_says = "none", .says = "the least grade that a call may have" },
    { .name = "refuse_marks", .type = GH_TYPE_WORD,
      GH_ITEMS(gh_route_draft, refuse_marks, refuse_mark_count), .max = GH_REQUIRE_MARKS_MAX,
      .choices = marks, .standard_says = "none", .says = "marks that refuse a call" },
};
static const struct gh_table require_table = { "require", require_options,
                                               GH_COUNT(require_options), 0 };

static const struct gh_option route_options[] = {
    { .name = "pattern", .type = GH_TYPE_PATTERN, .required = true, ROUTE(pattern),
      .says = "called numbers, with CUCM's wildcards; the closest match wins" },
    { .name = "trunks", .type = GH_TYPE_NAME, .required = true, .min = 1, .max = 64,
      GH_ITEMS(gh_route_draft, trunks, trunk_count), .says = "entries of trunks" },
    { .name = "distribution", .type = GH_TYPE_WORD, ROUTE(distribution), .choices = distributions,
      .standard = "top_down", .says = "which trunk is tried first" },
    { .name = "require", .type = GH_TYPE_GROUP, .table = &require_table, .short_form = "grade",
      .says = "what a call must reach, else it is refused at set-up; short form: a grade" },
    { .name = "on_downgrade", .type = GH_TYPE_WORD, ROUTE(on_downgrade),
      .choices = gh_choices_downgrades, .standard_says = "reject with require, else mark",
      .says = "the stricter of trunk and route wins" },
};

/* ---- the rest of the file -------------------------------------------------------------------- */

static const struct gh_option node_options[] = {
    { .name = "name", .type = GH_TYPE_HOST, .required = true,
      FILE_(values.node_name), .says = "the name of this node in Warning headers and records" },
};

static const struct gh_option interface_options[] = {
    { .name = "address", .type = GH_TYPE_ADDRESS, PLACE(address),
      .standard_says = "none; it or address6 is needed",
      .says = "where ports are bound; of either IP version" },
    { .name = "address6", .type = GH_TYPE_ADDRESS, PLACE(address6),
      .standard_says = "none", .says = "the same for IPv6, beside an IPv4 address" },
    { .name = "advertise", .type = GH_TYPE_ADDRESS, PLACE(advertise),
      .standard_says = "address", .says = "what SDP says" },
    { .name = "advertise6", .type = GH_TYPE_ADDRESS, PLACE(advertise6),
      .standard_says = "address6", .says = "what SDP says to a side that uses IPv6" },
};
static const struct gh_table interface_table = { "media interface", interface_options,
                                                 GH_COUNT(interface_options),
                                                 sizeof(struct gh_interface_draft) };

static const struct gh_option media_options[] = {
    { .name = "address",
      .type = GH_TYPE_ADDRESS,
      OWN(address),
      .standard_says = "none; it or address6 is needed",
      .says = "where ports are bound; of either IP version" },
    { .name = "address6",
      .type = GH_TYPE_ADDRESS,
      OWN(address6),
      .standard_says = "none",
      .says = "the same for IPv6, beside an IPv4 address" },
    { .name = "advertise",
      .type = GH_TYPE_ADDRESS,
      OWN(advertise),
      .standard_says = "address",
      .says = "what SDP says" },
    { .name = "advertise6",
      .type = GH_TYPE_ADDRESS,
      OWN(advertise6),
      .standard_says = "address6",
      .says = "what SDP says to a side that uses IPv6" },
    { .name = "interfaces",
      .type = GH_TYPE_NAMED,
      FILE_(interfaces),
      .count_at = offsetof(struct gh_drafts, interface_count),
      .table = &interface_table,
      .says = "more places for media, by name; trunks choose one by media_interface" },
    { .name = "ports",
      .type = GH_TYPE_PORTS,
      FILE_(media_ports),
      .standard = "16384-32767",
      .says = "UDP ports for media" },
    { .name = "workers",
      .type = GH_TYPE_COUNT,
      MEDIA(workers),
      .min = 1,
      .max = 256,
      .zero_word = "auto",
      .standard = "auto",
      .says = "media threads; auto: one less than cores" },
    { .name = "timeout",
      .type = GH_TYPE_DURATION,
      MEDIA(timeout_ms),
      .min = GH_SECOND,
      .max = 24 * GH_HOUR,
      .standard = "60s",
      .says = "a call ends of which a side is to send media and sends none for so long" },
    { .name = "timeout_on_hold",
      .type = GH_TYPE_DURATION,
      MEDIA(timeout_on_hold_ms),
      .min = GH_SECOND,
      .max = 24 * GH_HOUR,
      .standard = "30min",
      .says = "the same while no side may send" },
    { .name = "latch_window",
      .type = GH_TYPE_DURATION,
      MEDIA(latch_window_ms),
      .min = 100,
      .max = GH_MINUTE,
      .standard = "5s",
      .says = "how long after the answer a clear leg may latch" },
    { .name = "overload", .type = GH_TYPE_FLAG, MEDIA(overload_accept), .choices = overloads,
      .standard = "refuse",
      .says = "new calls while a media thread is late, out of processor time, or stalled" },
    { .name = "builtin_srtp",
      .type = GH_TYPE_BOOL,
      MEDIA(builtin_srtp),
      .standard = "false",
      .says = "start even if libsrtp2 refuses our faster ciphers" },
};

static const struct gh_option audit_options[] = {
    { .name = "directory", .type = GH_TYPE_PATH, FILE_(values.audit.directory),
      .standard = "audit", .says = "where the record is written" },
    { .name = "signing_key", .type = GH_TYPE_PATH, FILE_(audit_signing_key),
      .available = GH_NOTED, .standard_says = "none", .says = "Ed25519 key of the checkpoints" },
    { .name = "checkpoint", .type = GH_TYPE_DURATION, FILE_(audit_checkpoint_ms),
      .available = GH_NOTED, .min = GH_SECOND, .max = 24 * GH_HOUR, .standard = "60s",
      .says = "time between checkpoints" },
    { .name = "checkpoint_to", .type = GH_TYPE_TEXT, FILE_(audit_checkpoint_to),
      .available = GH_NOTED, .standard_says = "none",
      .says = "where checkpoints are kept outside; none must be written out" },
    { .name = "on_error", .type = GH_TYPE_FLAG, FILE_(values.audit.on_error_continue),
      .choices = audit_errors, .standard = "refuse_calls",
      .says = "when the record cannot be written" },
};

static const struct gh_option admin_options[] = {
    { .name = "socket", .type = GH_TYPE_PATH, FILE_(admin_socket),
      .available = GH_NOTED, .standard_says = "none", .says = "Unix socket of gatehousectl" },
    { .name = "http", .type = GH_TYPE_ADDRESS_PORT, FILE_(admin_http),
      .available = GH_NOTED, .standard_says = "none", .says = "metrics and pages" },
};

static const struct gh_option limit_options[] = {
    { .name = "handshake_timeout", .type = GH_TYPE_DURATION, LIMIT(handshake_timeout_ms),
      .min = 100, .max = 5 * GH_MINUTE, .standard = "10s", .says = "TLS handshake, both ways" },
    { .name = "first_message_timeout", .type = GH_TYPE_DURATION, LIMIT(first_message_timeout_ms),
      .min = 100, .max = GH_HOUR, .standard = "32s",
      .says = "a new connection without a whole message closes" },
    { .name = "idle_timeout", .type = GH_TYPE_DURATION, LIMIT(idle_timeout_ms), .min = GH_SECOND,
      .max = 24 * GH_HOUR, .standard = "15min", .says = "a connection without octets closes" },
    { .name = "max_connections", .type = GH_TYPE_COUNT, LIMIT(max_connections), .min = 1,
      .max = 1000000, .standard = "4096", .says = "SIP connections in all" },
    { .name = "max_connections_per_address", .type = GH_TYPE_COUNT,
      LIMIT(max_connections_per_address), .min = 1, .max = 1000000, .standard = "256",
      .says = "connections that one address may open" },
    { .name = "max_queued", .type = GH_TYPE_SIZE, LIMIT(max_queued_octets), .min = 65536,
      .max = 64UL << 20, .standard = "1MiB",
      .says = "unwritten octets at which a connection closes" },
    { .name = "max_calls", .type = GH_TYPE_COUNT, LIMIT(max_calls), .min = 1, .max = 1000000,
      .standard = "4000", .says = "calls at one time; more get 503" },
    { .name = "ring_timeout", .type = GH_TYPE_DURATION, LIMIT(ring_timeout_ms), .min = GH_SECOND,
      .max = GH_HOUR, .standard = "180s", .says = "a call that nobody answers ends" },
    { .name = "reconnect_grace", .type = GH_TYPE_DURATION, LIMIT(reconnect_grace_ms), .min = 100,
      .max = GH_MINUTE, .standard = "5s",
      .says = "an INVITE that rings waits for its trunk to come back" },
    { .name = "max_hops_same_call", .type = GH_TYPE_COUNT, LIMIT(max_hops_same_call), .min = 1,
      .max = 70, .standard = "3", .says = "times that one call may come by before it is a loop" },
};

#define TABLE(name, what, options, type)                                                    \
    static const struct gh_table name = { what, options, GH_COUNT(options), type }
TABLE(tls_table, "tls entry", tls_options, sizeof(struct gh_tls_draft));
TABLE(listener_table, "listener", listener_options, sizeof(struct gh_listener_draft));
TABLE(profile_table, "security profile", profile_options, sizeof(struct gh_profile_draft));
TABLE(route_table, "route", route_options, sizeof(struct gh_route_draft));
TABLE(node_table, "node", node_options, 0);
TABLE(media_table, "media section", media_options, 0);
TABLE(audit_table, "audit section", audit_options, 0);
TABLE(admin_table, "admin section", admin_options, 0);
TABLE(limit_table, "limits section", limit_options, 0);

static const struct gh_option file_options[] = {
    { .name = "version", .type = GH_TYPE_COUNT, .required = true, FILE_(version), .min = 1,
      .max = 1, .says = "of this format" },
    { .name = "include", .type = GH_TYPE_TEXT, GH_ITEMS(gh_drafts, includes, include_count),
      .standard_says = "none",
      .says = "more files, by glob; their sections are added to this file's" },
    { .name = "node", .type = GH_TYPE_GROUP, .required = true, .table = &node_table,
      .says = "this node" },
    { .name = "tls", .type = GH_TYPE_NAMED, FILE_(tls),
      .count_at = offsetof(struct gh_drafts, tls_count), .table = &tls_table,
      .says = "certificates and trust, by name" },
    { .name = "listeners", .type = GH_TYPE_NAMED, .required = true, FILE_(listeners),
      .count_at = offsetof(struct gh_drafts, listener_count), .table = &listener_table,
      .says = "ports where trunks call us" },
    { .name = "media", .type = GH_TYPE_GROUP, .required = true, .table = &media_table,
      .says = "where streams are anchored: both sides send them here" },
    { .name = "security_profiles", .type = GH_TYPE_NAMED, .required = true, FILE_(profiles),
      .count_at = offsetof(struct gh_drafts, profile_count), .table = &profile_table,
      .says = "rules that several trunks share" },
    { .name = "trunks", .type = GH_TYPE_NAMED, .required = true, FILE_(trunks),
      .table = &gh_trunk_table, .count_at = offsetof(struct gh_drafts, trunk_count),
      .says = "the neighbours" },
    { .name = "routes", .type = GH_TYPE_ROWS, FILE_(routes), .table = &route_table,
      .count_at = offsetof(struct gh_drafts, route_count), .says = "called numbers to trunks" },
    { .name = "audit", .type = GH_TYPE_GROUP, .table = &audit_table, .says = "the record" },
    { .name = "admin", .type = GH_TYPE_GROUP, .table = &admin_table, .says = "how people look in" },
    { .name = "limits", .type = GH_TYPE_GROUP, .table = &limit_table,
      .says = "bounds that protect the node" },
};

const struct gh_table gh_schema = { "configuration", file_options, GH_COUNT(file_options), 0 };
