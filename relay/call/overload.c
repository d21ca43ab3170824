/* SPDX-License-Identifier: Apache-2.0 */
#include "call/overload.h"

static void raise_to(uint64_t *worst, uint64_t figure)
{
    if (figure > *worst)
        *worst = figure;
}

static void note_worst(struct gh_media_load *worst, const struct gh_media_load *load)
{
    raise_to(&worst->lag_ms, load->lag_ms);
    raise_to(&worst->lag_mean_ms, load->lag_mean_ms);
    raise_to(&worst->busy_permille, load->busy_permille);
    raise_to(&worst->pkts_per_s, load->pkts_per_s);
    if (load->stalled > worst->stalled)
        worst->stalled = load->stalled;
}

enum gh_overload_change gh_overload_look(struct gh_overload *overload, bool busy,
                                         const struct gh_media_load *load, uint64_t now_ms)
{
    bool begins = busy && !overload->on;

    if (begins)
        *overload = (struct gh_overload){ .on = true, .since_ms = now_ms };
    if (overload->on)
        note_worst(&overload->worst, load);
    if (busy)
        overload->seen_ms = now_ms;
    if (!overload->on || busy || now_ms - overload->seen_ms < GH_OVERLOAD_CALM_MS)
        return begins ? GH_OVERLOAD_BEGINS : GH_OVERLOAD_SAME;
    overload->on = false;
    return GH_OVERLOAD_ENDS;
}
