/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs more than one option to be judged: names that are joined to what they name, addresses
 * that collide, rules that contradict each other.  Each check reports everything that it finds and
 * fills the members of the drafts' @out that depend on others.
 */
#ifndef GH_CONFIG_CHECK_H
#define GH_CONFIG_CHECK_H

#include "config/schema.h"

/* Rows of one section, each beginning with a draft. */
struct gh_rows {
    void *p;
    size_t count, size;
    const char *what;
};

/**
 * The row called @name.  An error at item @item of @option when there is none.
 * @return the row, or NULL: reported
 */
void *gh_check_find(struct gh_loader *load, const struct gh_draft *from, const char *option,
                    size_t item, const char *name, const struct gh_rows *rows);

/** Listeners to tls entries; addresses.  @config  its arrays are there; they are pointed to */
void gh_check_listeners(struct gh_loader *load, struct gh_drafts *drafts,
                        const struct gh_config *config);

/** Trunks to profiles and listeners; who they are; what is an error on which transport. */
void gh_check_trunks(struct gh_loader *load, struct gh_drafts *drafts,
                     const struct gh_config *config);

/** Routes to trunks, into @config->routes. */
void gh_check_routes(struct gh_loader *load, struct gh_drafts *drafts, struct gh_config *config);

/** Media addresses: own and named ones. */
void gh_check_media(struct gh_loader *load, struct gh_drafts *drafts);

/** An error when the record could not be written at audit.directory, as this user and now. */
void gh_check_audit_directory(struct gh_loader *load, const struct gh_drafts *drafts);

/** Warnings for what nothing refers to. */
void gh_check_unused(struct gh_loader *load, const struct gh_drafts *drafts);

/**
 * A warning when the kernel may give ports of media.ports to other programs; also in the values'
 * ports_advice, for the log.
 * @range     text of net.ipv4.ip_local_port_range
 * @reserved  text of net.ipv4.ip_local_reserved_ports
 */
void gh_check_port_overlap(struct gh_loader *load, struct gh_drafts *drafts, struct gh_span range,
                           struct gh_span reserved);

/** An error when no call fits into media.ports; a warning when limits.max_calls was written and is
 *  more than fits. */
void gh_check_port_room(struct gh_loader *load, const struct gh_drafts *drafts);

/**
 * A warning when media.ports and limits.max_connections together need more descriptors than there
 * can be.
 * @hard  the hard limit of this process (RLIMIT_NOFILE); 0: not known
 */
void gh_check_descriptors(struct gh_loader *load, const struct gh_drafts *drafts, uint64_t hard);

#endif
