/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changes of address (call.source) of calls whose row is still to come, while a ledger is read:
 * they are printed under it.  What stands in a ledger may be forged: fields are escaped as in the
 * row, and of one call no more than GH_SOURCES_SHOWN are kept, the others are counted.  Thread: one.
 */
#ifndef GH_AUDIT_SOURCE_H
#define GH_AUDIT_SOURCE_H

#include "audit/line.h"

#define GH_SOURCES_SHOWN 16 /* of one call */

struct gh_sources;

/** @return NULL without memory */
struct gh_sources *gh_sources_new(void);
void gh_sources_free(struct gh_sources *sources);

/** A record; any but call.source changes nothing.  @return 0 or GH_ENOMEM */
int gh_sources_note(struct gh_sources *sources, const struct gh_line *line);

/** Print what is known of the call, one a line, and forget it.  @call  may be NULL */
void gh_sources_print(struct gh_sources *sources, const char *call);

#endif
