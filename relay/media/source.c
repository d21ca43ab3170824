/* SPDX-License-Identifier: Apache-2.0 */
#include "media/source.h"

#include <string.h>

const struct gh_addr *gh_port_source_name(struct gh_port_source *source,
                                          const struct gh_media_set *set,
                                          const struct gh_addr *remote, uint64_t now_ms)
{
    bool keyed = set->suite != GH_SUITE_NONE;
    /* A datagram without form is no sign of the peer: anybody's garbage would be learnt. */
    enum gh_source_rule rule = set->datagrams ? GH_SOURCE_RULE_SDP : set->media_source;
    bool same =
        gh_addr_eq(&source->named, remote) && source->rule == rule && source->keyed == keyed;

    source->latch_until_ms = now_ms + set->latch_ms;
    /*
     * c=0.0.0.0 is hold (RFC 3264 section 8.4) and names nobody.  Who was learnt is who he was when the same address comes
     * back: else each such hold would open the window on clear media for a stranger once more.
     */
    if (source->named.family && gh_media_address(remote, NULL) != GH_MEDIA_ADDRESS_USABLE)
        return &source->named;
    if (same)
        return source->current.family ? &source->current : &source->named;
    source->named = *remote;
    source->rule = rule;
    source->keyed = keyed;
    source->learnt = false;
    source->candidate_pkts = 0;
    source->next_move_ms = 0;
    return &source->named;
}

bool gh_port_source_may_be(const struct gh_port_source *source, const struct gh_port_source *rtp,
                      const struct gh_addr *from, uint64_t now_ms)
{
    if (gh_media_address(&source->named, NULL) != GH_MEDIA_ADDRESS_USABLE ||
        gh_media_address(from, NULL) != GH_MEDIA_ADDRESS_USABLE)
        return false;
    switch (source->rule) {
    case GH_SOURCE_RULE_HOST:
        return source->keyed && gh_addr_same_ip(from, &source->named);
    case GH_SOURCE_RULE_SYMMETRIC:
        if (source->keyed)
            return true;
        if (source->learnt || now_ms >= source->latch_until_ms)
            return false;
        return !rtp || (rtp->learnt && gh_addr_same_ip(from, &rtp->current));
    case GH_SOURCE_RULE_SDP:
    case GH_SOURCE_RULE_COUNT:
        break;
    }
    return false;
}

void gh_port_source_heard(struct gh_port_source *source)
{
    source->learnt = true;
    source->candidate_pkts = 0; /* four in a row, or somebody copies what he sees */
}

enum gh_source_step gh_port_source_elsewhere(struct gh_port_source *source,
                                             const struct gh_port_source *rtp,
                                             const struct gh_addr *from, uint64_t now_ms)
{
    /* RTCP comes once in some seconds: beside proven RTP one packet of it is enough. */
    bool beside = rtp && rtp->learnt && gh_addr_same_ip(from, &rtp->current);

    if (!source->learnt)
        return GH_SOURCE_LATCH;
    if (!source->keyed || now_ms < source->next_move_ms)
        return GH_SOURCE_STAY;
    if (source->candidate_pkts == 0 || !gh_addr_eq(from, &source->candidate) ||
        now_ms >= source->candidate_until_ms) {
        source->candidate = *from;
        source->candidate_pkts = 0;
        source->candidate_until_ms = now_ms + GH_MOVE_WITHIN_MS;
    }
    if (++source->candidate_pkts < GH_MOVE_PKTS && !beside)
        return GH_SOURCE_STAY;
    source->candidate_pkts = 0;
    source->next_move_ms = now_ms + GH_MOVE_INTERVAL_MS;
    return GH_SOURCE_MOVE;
}

void gh_port_source_changed(struct gh_port_source *source, const struct gh_addr *to, bool learnt)
{
    source->current = *to;
    source->learnt = learnt;
    source->candidate_pkts = 0;
}
