/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of ours that are joined by SDP alone, and must not form a circle. */
#include "media/plane_int.h"

/* Streams of ours one behind the other: a call that comes through us so often. */
#define JOINTS_MAX 4

/* Could @addr be one of the place's ports?  Where zeros are bound, each address of this host is. */
static bool is_at(const struct gh_place *place, const struct gh_addr *addr)
{
    return place->address.family == addr->family &&
           (gh_addr_is_any(&place->address) || gh_addr_same_ip(&place->address, addr) ||
            gh_addr_same_ip(&place->said, addr));
}

/* Whose port it is, and of which side; NULL: none that is open. */
static struct gh_entry *owner_of(const struct gh_media *media, const struct gh_addr *addr,
                                 int *side)
{
    if (addr->family == 0 || !gh_own_has(&media->own, addr))
        return NULL;
    for (int i = 0; i < GH_PLACES_MAX; i++) {
        const struct gh_place *place = &media->places[i];
        struct gh_entry *entry = is_at(place, addr) ? place->owners[addr->port / 2] : NULL;

        if (!entry)
            continue;
        *side = entry->places[1] == place && entry->pairs[1].rtp == (addr->port & ~1);
        return entry;
    }
    return NULL;
}

/* Whether what is sent to @remote comes to @goal again; after so many streams of ours nobody
 * knows. */
static bool leads_to(const struct gh_media *media, const struct gh_addr *remote,
                     const struct gh_entry *goal, unsigned joints)
{
    int side = 0;
    const struct gh_entry *entry = owner_of(media, remote, &side);

    if (!entry)
        return false;
    if (entry == goal || joints == 0)
        return true;
    for (int i = 0; i < GH_PORT_COUNT; i++) {
        if (leads_to(media, &entry->sides[!side].remotes[i], goal, joints - 1))
            return true;
    }
    return false;
}

bool gh_media_leads_to(const struct gh_media *media, const struct gh_addr *remote,
                       const struct gh_entry *goal)
{
    return leads_to(media, remote, goal, JOINTS_MAX);
}
