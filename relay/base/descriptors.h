/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may have how many of the descriptors that RLIMIT_NOFILE allows.  Calls and connections are limited before the
 * process runs out, so that neither a flood of calls nor one of connections stops accept or the ledger.
 * Pure but for the first two.  Thread: any.
 */
#ifndef GH_DESCRIPTORS_H
#define GH_DESCRIPTORS_H

#include <stdint.h>

/* For what is neither: ledger, log, trace, listeners, admin, name resolution, loops, files of a reload. */
#define GH_DESCRIPTORS_OWN 256

/** The soft limit now; 0: not known. */
uint64_t gh_descriptors_limit(void);

/** Raise the soft limit to the hard one.  @return the limit then; 0: not known */
uint64_t gh_descriptors_raise(void);

/** Of @limit, for connections of which as many as @wanted would be let in: never more than half of what is not
 *  our own. */
uint64_t gh_descriptors_for_connections(uint64_t limit, uint64_t wanted);

/** Of @limit, for media, beside so many connections: all that they leave. */
uint64_t gh_descriptors_for_media(uint64_t limit, uint64_t connections_wanted);

#endif
