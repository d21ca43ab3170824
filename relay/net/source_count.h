/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections each source has: an IPv4 address, or the /64 of an IPv6 address.  One
 * thread.
 */
#ifndef GH_SOURCE_COUNT_H
#define GH_SOURCE_COUNT_H

#include <gatehouse/addr.h>

struct gh_source_count;

int gh_source_count_new(struct gh_source_count **out);
void gh_source_count_free(struct gh_source_count *counts);

/** Count one more.  @return 0, GH_EFULL (@max are there already) or GH_ENOMEM; then nothing was
 * counted */
int gh_source_count_add(struct gh_source_count *counts, const struct gh_addr *source, uint32_t max);

/** Whether there is any. */
bool gh_source_count_has(struct gh_source_count *counts, const struct gh_addr *source);

/** One less; it was added before. */
void gh_source_count_drop(struct gh_source_count *counts, const struct gh_addr *source);

#endif
