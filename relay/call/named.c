/* SPDX-License-Identifier: Apache-2.0 */
#include "call/named.h"

static bool is_somebody(const struct gh_addr *addr)
{
    return gh_media_address(addr, NULL) == GH_MEDIA_ADDRESS_USABLE;
}

unsigned gh_named_take(struct gh_named *named, const struct gh_neg_side *near,
                       struct gh_addr before[GH_NAMED_COUNT])
{
    const struct gh_addr now[GH_NAMED_COUNT] = { near->rtp,
                                                 near->rtcp_mux ? near->rtp : near->rtcp };
    bool together = near->rtcp_mux && gh_addr_eq(&named->addr[GH_NAMED_RTP],
                                                 &named->addr[GH_NAMED_RTCP]);
    unsigned changed = 0;

    for (int i = 0; i < GH_NAMED_COUNT; i++) {
        struct gh_addr *known = &named->addr[i];

        if (!is_somebody(&now[i]))
            continue;
        if (known->family && !gh_addr_eq(known, &now[i]) && !(i == GH_NAMED_RTCP && together)) {
            before[i] = *known;
            changed |= 1U << i;
        }
        *known = now[i];
    }
    return changed;
}
