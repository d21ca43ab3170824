/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema: the structs that the option tables fill before anything is joined or checked, and the
 * table of the whole file.  A draft holds names where the snapshot holds pointers.
 */
#ifndef GH_CONFIG_SCHEMA_H
#define GH_CONFIG_SCHEMA_H

#include "config/config.h"
#include "config/option.h"

struct gh_tls_draft {
    struct gh_draft draft;
    struct gh_config_tls out;
    bool used;
};

struct gh_listener_draft {
    struct gh_draft draft;
    struct gh_config_listener out;
    struct gh_addr address;
    uint16_t port;
    const char *tls;
    bool used;
};

struct gh_interface_draft {
    struct gh_draft draft;
    struct gh_config_interface out;
    bool used;
};

struct gh_profile_draft {
    struct gh_draft draft;
    struct gh_config_profile out;
    enum gh_suite *suites;
    size_t suite_count;
    bool used;
};

struct gh_trunk_draft {
    struct gh_draft draft;
    struct gh_config_trunk out;
    const char *profile, *listener, *media_interface;
    const char *trust;
    const char **peer_names;
    size_t peer_name_count;
    struct gh_addr *peer_addresses;
    size_t peer_address_count;
    struct gh_config_destination *destinations;
    size_t destination_count;
    const char **bodies;
    size_t body_count;
    /* Typed now, in effect when their functions come. */
    const char **allow_methods, **allow_from;
    size_t allow_method_count, allow_from_count;
    uint64_t ping_in_ms, ping_out_ms, session_expires_ms, min_se_ms;
    int offer;
    bool register_here, trust_identity;
    /* Joined by check.c; NULL when the name was wrong. */
    struct gh_listener_draft *on;
    struct gh_profile_draft *rules;
};

struct gh_route_draft {
    struct gh_draft draft;
    const char *pattern;
    const char **trunks;
    size_t trunk_count;
    int distribution;
    int grade;
    int *refuse_marks;
    size_t refuse_mark_count;
    int on_downgrade;
};

enum gh_distribution { GH_TOP_DOWN = 0, GH_CIRCULAR };

/* Everything that one load reads. */
struct gh_drafts {
    struct gh_draft draft;
    struct gh_config values;  /* node, media, audit, limits; the rest is filled from the drafts */
    uint32_t version;
    const char **includes;    /* read by source.c before the options are */
    size_t include_count;
    struct gh_tls_draft *tls;
    struct gh_listener_draft *listeners;
    struct gh_profile_draft *profiles;
    struct gh_trunk_draft *trunks;
    struct gh_route_draft *routes;
    size_t tls_count, listener_count, profile_count, trunk_count, route_count;
    uint16_t media_ports[2];
    struct gh_config_interface own_interface; /* what media says without a name */
    struct gh_interface_draft *interfaces;
    size_t interface_count;
    const char *audit_signing_key, *audit_checkpoint_to;
    uint64_t audit_checkpoint_ms;
    const char *admin_socket;
    struct gh_addr admin_http;
};

/** The table of the whole file; its struct is struct gh_drafts. */
extern const struct gh_table gh_schema;

#endif
