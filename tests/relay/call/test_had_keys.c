/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that a side of a stream ever had in force. */
#include "support/check.h"

#include "call/had_keys.h"

static void none(void)
{
    struct gh_had_keys had = { .numbers = NULL };
    const uint32_t key = 7;

    CHECK(!gh_had_keys_any(&had, &key, 1));
    gh_had_keys_add(&had, &key, 1);
    CHECK(!gh_had_keys_any(&had, &key, 0));
    CHECK(gh_had_keys_any(&had, &key, 1));
    gh_had_keys_fini(&had);
    CHECK(!gh_had_keys_any(&had, &key, 1));
}

static void the_oldest_is_known(void)
{
    struct gh_had_keys had = { .numbers = NULL };

    for (uint32_t key = 1; key <= GH_HAD_KEYS_MAX; key++) {
        gh_had_keys_add(&had, &key, 1);
        gh_had_keys_add(&had, &key, 1); /* again: it takes no room */
    }
    CHECK_INT(had.count, GH_HAD_KEYS_MAX);
    CHECK(!had.full);
    CHECK(gh_had_keys_any(&had, (const uint32_t[]){ GH_HAD_KEYS_MAX + 1, 1 }, 2));
    CHECK(!gh_had_keys_any(&had, (const uint32_t[]){ GH_HAD_KEYS_MAX + 1 }, 1));
    gh_had_keys_add(&had, (const uint32_t[]){ GH_HAD_KEYS_MAX + 1 }, 1);
    CHECK(gh_had_keys_any(&had, (const uint32_t[]){ GH_HAD_KEYS_MAX + 2 }, 1)); /* it could be */
    gh_had_keys_fini(&had);
}

int main(void)
{
    RUN(none);
    RUN(the_oldest_is_known);
    return CHECK_REPORT();
}
