/* SPDX-License-Identifier: Apache-2.0 */
/* Where an overload begins and ends, look by look, and what is known of it then. */
#include "support/check.h"

#include "call/overload.h"

#define CALM GH_OVERLOAD_CALM_MS

static struct gh_media_load load_of(uint64_t figure)
{
    return (struct gh_media_load){ .lag_ms = figure,
                                   .lag_mean_ms = figure + 2,
                                   .busy_permille = figure + 3,
                                   .pkts_per_s = figure + 4,
                                   .stalled = (unsigned)figure + 5 };
}

static void look_by_look(void)
{
    static const struct row {
        uint64_t now_ms;
        bool busy;
        enum gh_overload_change change;
    } rows[] = {
        { 0, false, GH_OVERLOAD_SAME },
        { 1000, true, GH_OVERLOAD_BEGINS },
        { 1000, true, GH_OVERLOAD_SAME }, /* as for each INVITE */
        { 2000, false, GH_OVERLOAD_SAME },
        { 1000 + CALM - 1, false, GH_OVERLOAD_SAME },
        { 1000 + CALM - 1, true, GH_OVERLOAD_SAME }, /* the same goes on */
        { 1000 + 2 * CALM - 2, false, GH_OVERLOAD_SAME },
        { 1000 + 2 * CALM - 1, false, GH_OVERLOAD_ENDS },
        { 1000 + 2 * CALM - 1, false, GH_OVERLOAD_SAME },
        { 1000 + 9 * CALM, false, GH_OVERLOAD_SAME },
        { 1000 + 9 * CALM, true, GH_OVERLOAD_BEGINS }, /* another one */
        { 1000 + 99 * CALM, true, GH_OVERLOAD_SAME }, /* nobody looked: nothing was calm */
        { 1000 + 100 * CALM, false, GH_OVERLOAD_ENDS },
    };
    struct gh_overload overload = { 0 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_media_load load = load_of(i);

        if (!CHECK_INT(gh_overload_look(&overload, rows[i].busy, &load, rows[i].now_ms), rows[i].change))
            fprintf(stderr, "row %zu\n", i);
    }
}

/* Each overload is told alone. */
static void what_is_known_at_the_end(void)
{
    struct gh_overload overload = { 0 };
    struct gh_media_load high = load_of(900), low = load_of(10);

    gh_overload_look(&overload, false, &high, 0); /* before: none of its figures */
    gh_overload_look(&overload, true, &low, 100);
    overload.refused += 2;
    CHECK_INT(overload.worst.lag_ms, 10);
    gh_overload_look(&overload, true, &high, 700);
    gh_overload_look(&overload, false, &low, 800);
    CHECK_INT(gh_overload_look(&overload, false, &low, 700 + CALM), GH_OVERLOAD_ENDS);
    CHECK_INT(overload.since_ms, 100);
    CHECK_INT(overload.seen_ms, 700);
    CHECK_INT(overload.refused, 2);
    CHECK_INT(overload.worst.lag_ms, 900);
    CHECK_INT(overload.worst.lag_mean_ms, 902);
    CHECK_INT(overload.worst.busy_permille, 903);
    CHECK_INT(overload.worst.pkts_per_s, 904);
    CHECK_INT(overload.worst.stalled, 905);
    CHECK_INT(gh_overload_look(&overload, true, &low, 90000), GH_OVERLOAD_BEGINS);
    CHECK_INT(overload.since_ms, 90000);
    CHECK_INT(overload.refused, 0);
    CHECK_INT(overload.worst.lag_ms, 10);
}

int main(void)
{
    RUN(look_by_look);
    RUN(what_is_known_at_the_end);
    return CHECK_REPORT();
}
