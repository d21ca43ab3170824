/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the schema share; nobody else includes it:
 *
 *   schema.c         the whole file, section by section
 *   schema_trunk.c   a trunk: the largest of them
 */
#ifndef GH_CONFIG_SCHEMA_INT_H
#define GH_CONFIG_SCHEMA_INT_H

#include "config/schema.h"

#define GH_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GH_SECOND 1000ULL
#define GH_MINUTE (60 * GH_SECOND)
#define GH_HOUR (60 * GH_MINUTE)

#define GH_ITEMS(type, array, array_count)                                                         \
    .list = true, .at = offsetof(struct type, array), .count_at = offsetof(struct type, array_count)

/* Words that more than one section knows. */
extern const struct gh_choice gh_choices_tls_policies[];
extern const struct gh_choice gh_choices_waivers[];
extern const struct gh_choice gh_choices_downgrades[];

extern const struct gh_table gh_trunk_table;

#endif
