/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, keys and trust of a configuration: checked, reported at the option that names the
 * file, and loaded.  All of it is crypto's work; this is where its findings meet file, line and
 * column.
 */
#ifndef GH_CONFIG_IDENTITY_H
#define GH_CONFIG_IDENTITY_H

#include "config/schema.h"

/**
 * Load into @config->tls and @config->trunks what the drafts name.  What is wrong is reported.
 * @wall_us  certificates are judged by it
 * @return 0 (there may be errors in the report) or GH_ENOMEM
 */
int gh_config_load_identities(struct gh_loader *load, const struct gh_drafts *drafts,
                              struct gh_config *config, int64_t wall_us);

#endif
