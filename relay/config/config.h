/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: YAML in, one immutable snapshot out.  A snapshot belongs to the signalling
 * thread and is reference-counted there; connections, calls and trunks hold one.  Building one
 * needs files alone: no socket, no root.  Unknown words, duplicates, numbers without a unit are
 * errors, and all are reported in one run with file:line:column, the source line and a caret.
 */
#ifndef GH_CONFIG_H
#define GH_CONFIG_H

#include <stdio.h>

#include <gatehouse/facts.h>
#include "policy/policy.h"

struct gh_tls_context; /* crypto/tls.h */
struct gh_trust;       /* crypto/cert.h */

#define GH_DESTINATIONS_MAX 16 /* CUCM: destinations of one trunk */

struct gh_config_arena; /* config/arena.h, private to this folder */

struct gh_config_tls {
    const char *name;
    const char *certificate, *private_key;               /* absolute paths */
    const char *client_certificate, *client_private_key; /* default: the two above */
    const char *trust;
    const char *crl;                                     /* NULL: no revocation check */
    enum gh_waiver crl_unavailable;
    enum gh_tls_policy policy;
    struct gh_trust *trust_store;                        /* loaded: roots and CRLs */
    struct gh_tls_context *server, *client;              /* loaded: identity, versions, ciphers */
};

struct gh_config_listener {
    const char *name;
    enum gh_transport transport;
    struct gh_addr address;
    const struct gh_config_tls *tls; /* NULL unless TLS */
    uint8_t dscp; /* code point of what its connections send, either way opened */
};

struct gh_config_profile {
    const char *name;
    enum gh_device_mode device_mode;
    bool digest_authentication;
    uint64_t nonce_validity_ms;
    bool accept_presence_subscription, accept_out_of_dialog_refer, accept_unsolicited_notification;
    bool accept_replaces_header, transmit_security_status, allow_charging_header;
    enum {
        GH_V150_DEFAULT = 0,
        GH_V150_NONE,
        GH_V150_REMOVE_MER,
        GH_V150_REMOVE_PRE_MER
    } v150_filter;
    /* suites live in gh_trunk_rules */
};

/* A destination: a literal address, or a name to be resolved. */
struct gh_config_destination {
    const char *host;     /* as written */
    uint16_t port;
    struct gh_addr addr;  /* family 0: @host is a name */
};

/* Where media of some trunks is taken. */
struct gh_config_interface {
    const char *name;              /* NULL: what media itself says, for trunks that name none */
    struct gh_addr address;        /* where ports are bound; port unused */
    struct gh_addr advertise;      /* what SDP says; default: address */
    /* IPv6 beside an IPv4 address; family 0: none.  Alone in the file it stands above. */
    struct gh_addr address6, advertise6;
};

#define GH_CONFIG_INTERFACES_MAX 15 /* named ones */

enum gh_media_source { GH_SOURCE_SDP = 0, GH_SOURCE_SDP_HOST, GH_SOURCE_SYMMETRIC };
enum gh_mux_rule { GH_MUX_ACCEPT = 0, GH_MUX_REFUSE, GH_MUX_OFFER };
enum gh_mki_rule { GH_MKI_ACCEPT = 0, GH_MKI_REFUSE, GH_MKI_OFFER };

struct gh_config_trunk {
    struct gh_trunk_rules rules;       /* what policy looks at: names, modes, suites */
    const struct gh_config_profile *profile;
    const struct gh_config_listener *listener;
    const struct gh_config_tls *tls;   /* that of the listener; NULL unless TLS */
    struct gh_trust *trust_store;      /* the trunk's own trust, else that of tls */
    struct gh_config_destination destinations[GH_DESTINATIONS_MAX];
    size_t destination_count;
    const char *srv;                   /* NULL, or "_sips._tcp.example.net" */
    bool srtp_path_bridge;             /* srtp_path: bridge */
    bool roc_keep;                     /* roc_on_rekey: keep */
    bool status_update_only;           /* status_updates: update */
    enum gh_key_reuse key_reuse;
    enum gh_mki_rule mki;
    bool lifetime_enforce;             /* lifetime: enforce */
    const struct gh_config_interface *media; /* one of config->media.interfaces */
    enum gh_media_source media_source;
    enum gh_mux_rule rtcp_mux;
    struct {
        uint8_t audio, video,
            other; /* code points of RTP and RTCP that go there, by kind of m-line */
    } dscp;
    enum { GH_REFER_LOCAL = 0, GH_REFER_PASS, GH_REFER_REFUSE } refer;
    enum { GH_REDIRECT_REFUSE = 0, GH_REDIRECT_LOCAL } redirect;
    const char *const *bodies;         /* content types that cross, lower case */
    size_t body_count;
    const char *contact;               /* host in Contact and Via; NULL: the listener's address */
    struct gh_addr source;             /* local address of outgoing connections; family 0: any */
    uint32_t max_calls, max_cps;       /* 0: no limit */
};

struct gh_config_route {
    const char *pattern;
    const struct gh_config_trunk **trunks; /* in order */
    size_t trunk_count;
    bool circular;
    struct gh_require require;
    enum gh_on_downgrade on_downgrade;     /* route says nothing: REJECT with require, else MARK */
};

struct gh_config {
    unsigned refs;
    uint64_t generation;               /* 1 for the first, one more for each reload */
    const char *path;
    const char *node_name;
    struct gh_config_tls *tls;
    size_t tls_count;
    struct gh_config_listener *listeners;
    size_t listener_count;
    struct gh_config_profile *profiles;
    size_t profile_count;
    struct gh_config_trunk *trunks;
    size_t trunk_count;
    struct gh_trunk_rules *rules;      /* the same trunks, in the same order, for policy */
    struct gh_config_route *routes;
    size_t route_count;
    const char **route_patterns;       /* for gh_policy_route, in the order of @routes */
    struct {
        struct gh_config_interface *interfaces; /* the first is media's own, the others are named */
        size_t interface_count;
        uint16_t port_first, port_last;
        /* what to set in the kernel so that it gives none of them away; NULL: nothing */
        const char *ports_advice;
        unsigned workers;              /* 0: auto */
        uint64_t timeout_ms, timeout_on_hold_ms, latch_window_ms;
        bool builtin_srtp;
        bool overload_accept;                 /* overload: accept */
    } media;
    struct {
        const char *directory;
        bool on_error_continue;        /* audit.on_error: continue */
    } audit;
    struct {
        uint64_t handshake_timeout_ms, idle_timeout_ms, first_message_timeout_ms,
            reconnect_grace_ms;
        uint64_t ring_timeout_ms;
        uint32_t max_connections, max_connections_per_address, max_calls;
        uint32_t max_hops_same_call;
        uint64_t max_queued_octets;    /* not yet written on one connection; more closes it */
    } limits;
    struct gh_config_arena *arena;     /* owns every string and array above */
};

#define GH_CONFIG_MEMORY_MAX                                                                       \
    (64UL << 20) /* octets of one snapshot; a thousand trunks need about 4 MiB */

/* Trunk names to ids over the life of a process: ids are given once and never reused. */
struct gh_config_names;
/** @return 0 or GH_ENOMEM */
int gh_config_names_new(struct gh_config_names **out);
void gh_config_names_free(struct gh_config_names *names);

/**
 * Read, type and check @path and the files it includes, see where the record is to go, and load
 * certificates, keys and trust.  Opens no socket, makes nothing.  Any thread; one load at a time for one @names.
 *
 * @names    gives trunk ids; borrowed.  A load that fails gives none
 * @wall_us  microseconds since 1970: certificates are judged by it
 * @errors   every error goes there as text, in the order of the file; so does every warning, and a
 *           line for each option that is "accepted, not yet in effect".  Borrowed, not flushed.
 *           No text names the value of a secret option
 * @out      written on success only, with one reference
 * @return 0 (there may be warnings), GH_ESYNTAX when an error was reported, GH_ENOMEM, GH_ELIMIT
 * (the snapshot would be larger than GH_CONFIG_MEMORY_MAX), or the system error that kept @path
 *         itself from being read, which is reported too
 */
int gh_config_load(struct gh_config **out, const char *path, struct gh_config_names *names,
                   uint64_t generation, int64_t wall_us, FILE *errors);

/** @return @config.  Thread: signalling, or the work thread that still owns the only reference. */
struct gh_config *gh_config_ref(struct gh_config *config);
/** The last one lets go of trust stores, TLS contexts and all memory.  NULL is fine. */
void gh_config_unref(struct gh_config *config);

/** NULL when there is none.  The pointer lives as long as @config. */
const struct gh_config_trunk *gh_config_trunk_by_id(const struct gh_config *config, gh_trunk_id id);
const struct gh_config_trunk *gh_config_trunk_by_name(const struct gh_config *config,
                                                      const char *name);

enum gh_describe_form {
    GH_DESCRIBE_TEXT = 0, /* for a terminal */
    GH_DESCRIBE_MDOC      /* items of a list, for the manual page */
};

/**
 * Write the reference of the options: name, type, bounds, default, and what this version does not
 * have yet.  Made from the table that the loader itself reads.
 *
 * @under  NULL: all; else those that have this name, stand below it, or end with it
 * @return whether there was any
 */
bool gh_config_describe(FILE *out, enum gh_describe_form form, const char *under);

#endif
