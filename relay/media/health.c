/* SPDX-License-Identifier: Apache-2.0 */
/* What the signalling thread knows of the workers: whether they live, and how much they carry.
 * pulse.h draws it. */
#include "base/log.h"
#include "media/plane_int.h"

static void note_stall(struct gh_media *media, unsigned i, bool stalled, uint64_t now_us)
{
    struct gh_watch *watch = &media->watches[i];

    watch->stalled = stalled;
    media->stalled_count += stalled ? 1U : -1U;
    if (stalled)
        gh_log(GH_LOG_ERROR, "media", "worker_stalled", "worker=%u streams=%u silent_ms=%llu", i,
               media->loads[i], (unsigned long long)((now_us - watch->beat_us) / 1000));
    else
        gh_log(GH_LOG_WARN, "media", "worker_recovered", "worker=%u streams=%u silent_ms=%llu", i,
               media->loads[i], (unsigned long long)((now_us - watch->beat_us) / 1000));
    if (media->handlers.health)
        media->handlers.health(media->handlers.arg, i, stalled);
}

static void look_at(struct gh_media *media, unsigned i, uint64_t now_us)
{
    struct gh_watch *watch = &media->watches[i];
    uint64_t beats = atomic_load_explicit(&media->workers[i].pulse.beats, memory_order_relaxed);

    if (beats == watch->beats) {
        if (watch->looks < GH_LOOKS_TO_STALL && ++watch->looks == GH_LOOKS_TO_STALL)
            note_stall(media, i, true, now_us);
        return;
    }
    if (watch->stalled)
        note_stall(media, i, false, now_us);
    watch->looks = 0;
    watch->beats = beats;
    watch->beat_us = now_us;
}

static void on_look(uv_timer_t *timer)
{
    struct gh_media *media = timer->data;
    uint64_t now_us = gh_pulse_now_us();

    for (unsigned i = 0; i < media->worker_count; i++)
        look_at(media, i, now_us);
}

void gh_media_watch_start(struct gh_media *media, uv_loop_t *signalling)
{
    for (unsigned i = 0; i < media->worker_count; i++)
        media->watches[i].beat_us = gh_pulse_now_us();
    uv_timer_init(signalling, &media->look);
    media->look.data = media;
    uv_timer_start(&media->look, on_look, GH_LOOK_MS, GH_LOOK_MS);
    uv_unref((uv_handle_t *)&media->look); /* no reason to go on for a loop that has nothing else */
}

void gh_media_watch_stop(struct gh_media *media)
{
    uv_close((uv_handle_t *)&media->look, NULL);
}

unsigned gh_media_health(const struct gh_media *media)
{
    return media->stalled_count;
}

struct gh_worker_load gh_worker_load_of(const struct gh_media *media, unsigned i)
{
    return (struct gh_worker_load){
        .stalled = media->watches[i].stalled,
        .streams = media->loads[i],
        .busy_permille = atomic_load_explicit(&media->workers[i].pulse.busy_permille,
                                              memory_order_relaxed),
    };
}

/* Streams come first: busy is a second old, and many calls can begin in a second. */
bool gh_worker_is_freer(struct gh_worker_load a, struct gh_worker_load b)
{
    if (a.stalled != b.stalled)
        return b.stalled;
    if (a.streams != b.streams)
        return a.streams < b.streams;
    return a.busy_permille < b.busy_permille;
}

bool gh_media_alive(const struct gh_media *media)
{
    return gh_media_health(media) < media->worker_count;
}

struct gh_media_load gh_media_load(const struct gh_media *media)
{
    struct gh_media_load load = { .stalled = media->stalled_count };
    uint64_t now_us = gh_pulse_now_us();

    for (unsigned i = 0; i < media->worker_count; i++) {
        const struct gh_pulse *pulse = &media->workers[i].pulse;
        uint64_t lag_ms = gh_pulse_lag_us(pulse, now_us) / 1000;
        uint64_t worst_ms = atomic_load_explicit(&pulse->lag_worst_us, memory_order_relaxed) / 1000;
        uint64_t mean_ms = atomic_load_explicit(&pulse->lag_mean_us, memory_order_relaxed) / 1000;
        uint64_t busy = atomic_load_explicit(&pulse->busy_permille, memory_order_relaxed);

        load.pkts_per_s += atomic_load_explicit(&pulse->pkts_per_s, memory_order_relaxed);
        load.lag_ms = lag_ms > load.lag_ms ? lag_ms : load.lag_ms;
        load.lag_worst_ms = worst_ms > load.lag_worst_ms ? worst_ms : load.lag_worst_ms;
        load.lag_mean_ms = mean_ms > load.lag_mean_ms ? mean_ms : load.lag_mean_ms;
        load.busy_permille = busy > load.busy_permille ? busy : load.busy_permille;
    }
    if (load.lag_worst_ms < load.lag_ms)
        load.lag_worst_ms = load.lag_ms;
    return load;
}

bool gh_media_is_too_much(const struct gh_media_load *load)
{
    return load->stalled || load->lag_mean_ms >= GH_MEDIA_LAG_MEAN_MAX_MS ||
           load->lag_ms >= GH_MEDIA_LAG_MAX_MS || load->busy_permille >= GH_MEDIA_BUSY_MAX_PERMILLE;
}
