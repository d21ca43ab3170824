/* SPDX-License-Identifier: Apache-2.0 */
#include "base/descriptors.h"

#include <sys/resource.h>

uint64_t gh_descriptors_limit(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_cur;
}

uint64_t gh_descriptors_raise(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        /* that it is lower than it could be is in what we return */
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return gh_descriptors_limit();
}

static uint64_t not_our_own(uint64_t limit)
{
    return limit > GH_DESCRIPTORS_OWN ? limit - GH_DESCRIPTORS_OWN : 0;
}

uint64_t gh_descriptors_for_connections(uint64_t limit, uint64_t wanted)
{
    uint64_t half = not_our_own(limit) / 2;

    return wanted < half ? wanted : half;
}

uint64_t gh_descriptors_for_media(uint64_t limit, uint64_t connections_wanted)
{
    return not_our_own(limit) - gh_descriptors_for_connections(limit, connections_wanted);
}
