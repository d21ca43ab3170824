/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node can take: whether a new call finds room, and whether the node serves at all.
 *
 *                                  new INVITE          OPTIONS
 *   no media worker is alive       503 media_stalled   503 media_stalled
 *   too busy, or one is stalled    503 overload        200
 *
 * OPTIONS is how neighbours ask whether to send calls here, and how they answer to a 503 is drastic:
 * CUCM takes the destination out of service, and asks again only after the longer interval (120 s by
 * default).  A minute of load must not cost two without calls, so that is told to each INVITE alone,
 * which goes to the next destination.  Where no worker is alive no call can have media, now or in a
 * second: there the neighbour shall stay away until it is over.
 */
#include "base/log.h"
#include "call/call_int.h"

/* Whole ones, for a log line: what was begun counts. */
static unsigned long long seconds_between(uint64_t from_ms, uint64_t to_ms)
{
    return (unsigned long long)(to_ms - from_ms + 999) / 1000;
}

enum gh_reason gh_call_service(const struct gh_calls *calls)
{
    return gh_media_alive(calls->media) ? GH_REASON_NONE : GH_REASON_MEDIA_STALLED;
}

void gh_call_on_media_health(void *arg, unsigned worker, bool stalled)
{
    struct gh_calls *calls = arg;
    enum gh_reason reason = gh_call_service(calls);

    (void)worker; /* which, and how long: the media plane has a line for each */
    (void)stalled;
    if ((reason != GH_REASON_NONE) == calls->service.out)
        return;
    calls->service.out = !calls->service.out;
    if (calls->service.out) {
        calls->service.since_ms = gh_loop_now_ms(calls->loop);
        gh_log(GH_LOG_ERROR, "call", "service.lost", "reason=%s calls=%zu change=\"%s\"",
               gh_reason_name(reason), calls->count, gh_reason_info(reason)->advice);
        return;
    }
    gh_log(GH_LOG_WARN, "call", "service.again", "seconds=%llu refused=%llu calls=%zu",
           seconds_between(calls->service.since_ms, gh_loop_now_ms(calls->loop)),
           (unsigned long long)calls->service.refused, calls->count);
    calls->service.refused = 0;
}

/* One buffer for one conversion each. */
struct figures {
    char text[256];
};

static struct figures figures_of(const struct gh_media_load *load, const char *prefix)
{
    struct figures out;

    snprintf(out.text, sizeof(out.text),
             "%slag_ms=%llu %slag_mean_ms=%llu %sbusy_percent=%llu.%llu %spackets_per_s=%llu "
             "%sstalled=%u",
             prefix, (unsigned long long)load->lag_ms, prefix,
             (unsigned long long)load->lag_mean_ms, prefix,
             (unsigned long long)load->busy_permille / 10,
             (unsigned long long)load->busy_permille % 10, prefix,
             (unsigned long long)load->pkts_per_s, prefix, load->stalled);
    return out;
}

bool gh_call_is_overloaded(struct gh_calls *calls, uint64_t now_ms)
{
    struct gh_overload *overload = &calls->overload;
    struct gh_media_load load = gh_media_load(calls->media);
    bool busy = gh_media_is_too_much(&load);

    switch (gh_overload_look(overload, busy, &load, now_ms)) {
    case GH_OVERLOAD_BEGINS:
        gh_log(GH_LOG_WARN, "call", "overload.begin", "%s calls=%zu new_calls=%s",
               figures_of(&load, "").text, calls->count,
               calls->config->media.overload_accept ? "accepted" : "refused");
        break;
    case GH_OVERLOAD_ENDS:
        gh_log(GH_LOG_WARN, "call", "overload.end", "%s %s seconds=%llu refused=%llu calls=%zu",
               figures_of(&load, "").text, figures_of(&overload->worst, "worst_").text,
               seconds_between(overload->since_ms, overload->seen_ms),
               (unsigned long long)overload->refused, calls->count);
        break;
    case GH_OVERLOAD_SAME:
        break;
    }
    return busy;
}

enum gh_reason gh_call_capacity(struct gh_calls *calls, const struct gh_config_trunk *trunk)
{
    enum gh_reason reason = gh_call_service(calls);

    if (calls->stopping)
        return GH_REASON_SHUTTING_DOWN;
    if (!calls->config->audit.on_error_continue && gh_audit_error(calls->audit))
        return GH_REASON_AUDIT_FAILED;
    if (gh_audit_backlogged(calls->audit))
        return GH_REASON_AUDIT_BACKLOG;
    if (reason != GH_REASON_NONE) {
        calls->service.refused++;
        return reason;
    }
    if (gh_call_is_overloaded(calls, gh_loop_now_ms(calls->loop)) &&
        !calls->config->media.overload_accept) {
        calls->overload.refused++;
        return GH_REASON_OVERLOAD;
    }
    if (calls->config->limits.max_calls && calls->count >= calls->config->limits.max_calls)
        return GH_REASON_TOO_MANY_CALLS;
    return gh_call_admit(calls, trunk);
}
