/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the media plane: counters as a snapshot, the words of events. */
#include <string.h>

#include "media/media_int.h"

#define QUALITY_WORDS (sizeof(struct gh_media_quality) / sizeof(uint64_t))

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
    uint64_t words[QUALITY_WORDS];

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
    for (size_t i = 0; i < QUALITY_WORDS; i++)
        words[i] = read_u64(&live->quality[i]);
    memcpy(&out->quality, words, sizeof(out->quality));
}

void gh_side_show_quality(struct gh_side *side, uint64_t now_ms)
{
    uint64_t words[QUALITY_WORDS], rx_pkts = read_u64(&side->counters.rx_pkts);

    if (rx_pkts == side->shown_pkts)
        return;
    if (!gh_quality_sum(&side->quality, now_ms))
        side->shown_pkts = rx_pkts;
    memcpy(words, &side->quality.now, sizeof(words));
    for (size_t i = 0; i < QUALITY_WORDS; i++)
        atomic_store_explicit(&side->counters.quality[i], words[i], memory_order_relaxed);
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

bool gh_media_event_is_of_source(enum gh_media_event_kind kind)
{
    return kind == GH_MEDIA_EVENT_LATCHED || kind == GH_MEDIA_EVENT_MOVED ||
           kind == GH_MEDIA_EVENT_CONFIRMED || kind == GH_MEDIA_EVENT_CONTESTED ||
           kind == GH_MEDIA_EVENT_TAKEN_BACK;
}
