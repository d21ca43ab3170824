/* SPDX-License-Identifier: Apache-2.0 */
/* How descriptors are shared out, and the limit of the process. */
#include "support/check.h"

#include <sys/resource.h>

#include "base/descriptors.h"

static void shares_never_exceed_the_whole(void)
{
    static const struct row {
        uint64_t limit, wanted, connections, media;
    } rows[] = {
        { 0, 10, 0, 0 },
        { GH_DESCRIPTORS_OWN, 10, 0, 0 },
        { GH_DESCRIPTORS_OWN + 1, 10, 0, 1 },
        { GH_DESCRIPTORS_OWN + 100, 10, 10, 90 },
        { GH_DESCRIPTORS_OWN + 100, 50, 50, 50 },
        { GH_DESCRIPTORS_OWN + 100, 1000000, 50, 50 },
        { 1024, 0, 0, 768 },
        { 524288, 1000, 1000, 523032 },
        { UINT64_MAX, UINT64_MAX, (UINT64_MAX - GH_DESCRIPTORS_OWN) / 2,
          UINT64_MAX - GH_DESCRIPTORS_OWN - (UINT64_MAX - GH_DESCRIPTORS_OWN) / 2 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_INT(gh_descriptors_for_connections(rows[i].limit, rows[i].wanted), rows[i].connections);
        CHECK_INT(gh_descriptors_for_media(rows[i].limit, rows[i].wanted), rows[i].media);
    }
}

static void the_soft_limit_is_raised_to_the_hard_one(void)
{
    struct rlimit limit;

    CHECK_OR_STOP(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max > 100 ? 100 : limit.rlim_max;
    CHECK_OR_STOP(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_INT(gh_descriptors_limit(), limit.rlim_cur);
    CHECK_INT(gh_descriptors_raise(), limit.rlim_max);
    CHECK_INT(gh_descriptors_limit(), limit.rlim_max);
}

int main(void)
{
    RUN(shares_never_exceed_the_whole);
    RUN(the_soft_limit_is_raised_to_the_hard_one);
    return CHECK_REPORT();
}
