/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the media plane: counters as a snapshot, the words of events. */
#include "media/media_int.h"

static uint64_t read_u64(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static int64_t read_i64(const _Atomic int64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void gh_counters_read(const struct gh_live_counters *live, struct gh_media_counters *out)
{
    *out = (struct gh_media_counters){
        .rx_pkts = read_u64(&live->rx_pkts),
        .rx_octets = read_u64(&live->rx_octets),
        .authenticated = read_u64(&live->authenticated),
        .authenticated_rtcp = read_u64(&live->authenticated_rtcp),
        .plain = read_u64(&live->plain),
        .tx_pkts = read_u64(&live->tx_pkts),
        .tx_octets = read_u64(&live->tx_octets),
        .icmp = read_u64(&live->icmp),
        .first_authenticated_us = read_i64(&live->first_authenticated_us),
        .first_plain_us = read_i64(&live->first_plain_us),
        .last_rx_us = read_i64(&live->last_rx_us),
        .proven_generation = atomic_load_explicit(&live->proven_generation, memory_order_relaxed),
    };
    for (int i = 0; i < GH_DROP_COUNT; i++)
        out->drops[i] = read_u64(&live->drops[i]);
}

const char *gh_media_event_name(enum gh_media_event_kind kind)
{
    static const char *const names[] = {
        [GH_MEDIA_EVENT_NONE] = "none",
#define X(id, name) [GH_MEDIA_EVENT_##id] = name,
        GH_MEDIA_EVENT_MAP(X)
#undef X
    };

    return names[(unsigned)kind < GH_MEDIA_EVENT_COUNT ? kind : GH_MEDIA_EVENT_NONE];
}
