/* SPDX-License-Identifier: Apache-2.0 */
/* How late a loop is, how busy, how many packets: beats with times of our own. */
#include "support/check.h"

#include "media/pulse.h"

#define MS 1000ULL /* in microseconds */

static uint64_t shown(const _Atomic uint64_t *value)
{
    return atomic_load(value);
}

/* A loop that is on time has no lag; the figures of a second come with its end. */
static void on_time(void)
{
    struct gh_pulse pulse = { .pkts = 0 };
    uint64_t now = 5000 * MS;

    for (int i = 0; i <= 20; i++) {
        gh_pulse_beat(&pulse, now + (uint64_t)i * 50 * MS, 7 * MS + (uint64_t)i * 10 * MS);
        if (i == 19)
            CHECK_INT(shown(&pulse.pkts_per_s), 0);
        pulse.pkts += 100;
    }
    CHECK_INT(shown(&pulse.beats), 21);
    CHECK_INT(shown(&pulse.lag_us), 0);
    CHECK_INT(shown(&pulse.lag_worst_us), 0);
    CHECK_INT(shown(&pulse.pkts_per_s), 2000);
    CHECK_INT(shown(&pulse.busy_permille), 200);
}

static void late_once(void)
{
    struct gh_pulse pulse = { .pkts = 0 };
    uint64_t now = 5000 * MS;

    for (int i = 0; i < 60; i++) {
        gh_pulse_beat(&pulse, now, 0);
        now += 50 * MS + (i == 10 ? 70 * MS : 0);
        if (i == 21) {
            CHECK_INT(shown(&pulse.lag_us), 70 * MS);
            CHECK(shown(&pulse.lag_mean_us) > 3 * MS &&
                  shown(&pulse.lag_mean_us) < 4 * MS); /* once in some twenty */
        }
    }
    CHECK_INT(shown(&pulse.lag_mean_us), 0);
    CHECK_INT(shown(&pulse.lag_us), 0); /* two seconds later it is over */
    CHECK_INT(shown(&pulse.lag_worst_us), 70 * MS);
}

/* While no beat comes the lag grows all the same. */
static void no_beat_at_all(void)
{
    struct gh_pulse pulse = { .pkts = 0 };

    CHECK_INT(gh_pulse_lag_us(&pulse, 9000 * MS), 0); /* the thread has not begun */
    gh_pulse_beat(&pulse, 5000 * MS, 0);
    CHECK_INT(gh_pulse_lag_us(&pulse, 5040 * MS), 0);
    CHECK_INT(gh_pulse_lag_us(&pulse, 5050 * MS), 0);
    CHECK_INT(gh_pulse_lag_us(&pulse, 8050 * MS), 3000 * MS);
}

int main(void)
{
    RUN(on_time);
    RUN(late_once);
    RUN(no_beat_at_all);
    return CHECK_REPORT();
}
