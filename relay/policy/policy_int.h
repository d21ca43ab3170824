/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the tables of this folder are written.  A column holds the set of values that it fits, one
 * bit each, so a row names every value that it stands for: there is no other wildcard, and a value
 * outside its enum fits no row.  The first row that fits decides; no row denies.
 */
#ifndef GH_POLICY_INT_H
#define GH_POLICY_INT_H

#include "policy/policy.h"

#define GH_BIT(value) (1u << (unsigned)(value))

/* Every value of an enum that ends with a count. */
#define GH_ALL_BELOW(count) (GH_BIT(count) - 1)

#define GH_YES GH_BIT(true)
#define GH_NO GH_BIT(false)
#define GH_EITHER (GH_YES | GH_NO)

#define GH_ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline bool gh_fits(unsigned column, unsigned value)
{
    return value < 32 && (column >> value & 1u);
}

/* Signalling that passed admission. */
#define GH_SIGS_VERIFIED (GH_BIT(GH_SIG_TLS_NULL) | GH_BIT(GH_SIG_TLS_VERIFIED))

/* Signalling over which a call may run at all: TLS whose peer did not pass admission is answered
 * 403 before anyone looks at media, and without a connection there is nothing to look at. */
#define GH_SIGS_WITH_CALLS (GH_BIT(GH_SIG_CLEAR) | GH_SIGS_VERIFIED)

#endif
