/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates of what a configuration names: what has ended, or has not begun, and what ends soon.  A
 * node reads its files when it starts, so what ends soon needs a person before it does.
 */
#ifndef GH_CONFIG_VALIDITY_H
#define GH_CONFIG_VALIDITY_H

#include "config/schema.h"

#define GH_ENDS_SOON_DAYS 30

/** A warning at @option when our certificate in @file, good now, ends at @until_us, soon. */
void gh_check_own_end(struct gh_loader *load, const struct gh_draft *draft, const char *option,
                      const char *file, int64_t until_us, int64_t wall_us);

/**
 * Anchors of @trust: an error at option trust when none is valid now, since nobody can be verified
 * then; a warning for each that is not, beside others that are, and for each that ends soon.
 */
void gh_check_anchor_dates(struct gh_loader *load, const struct gh_draft *draft,
                           const struct gh_trust *trust, int64_t wall_us);

/**
 * Revocation lists of @trust: for each issuer the list that is good for longest is judged.  One
 * that is outdated, or not yet good, is an error at option crl, or a warning where a missing list
 * is waived; one that ends soon is a warning.
 */
void gh_check_crl_dates(struct gh_loader *load, const struct gh_draft *draft,
                        const struct gh_trust *trust, enum gh_waiver crl_unavailable,
                        int64_t wall_us);

#endif
