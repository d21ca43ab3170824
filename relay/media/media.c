/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The media plane on the signalling thread: the table of streams, the port pool, who works on what.
 * It owns the memory of every stream; a worker has the use of it between `open` and `closed`.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/descriptors.h"
#include "media/plane_int.h"

#define WORKERS_MAX 64
#define PAIRS_MAX 32768 /* of ports there are */

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* ---- the table ------------------------------------------------------------------------------- */

static size_t bucket_of(uint64_t number)
{
    return (size_t)((number * 0x9e3779b97f4a7c15ULL) >> 52); /* 12 bits: GH_PLANE_BUCKETS */
}

struct gh_entry *gh_entry_find(struct gh_media *media, gh_stream_id id)
{
    struct gh_entry *entry = media->by_id[bucket_of(id)];

    while (entry && entry->stream.id != id)
        entry = entry->next_by_id;
    return entry;
}

static struct gh_entry *find_open(struct gh_media *media, gh_stream_id id)
{
    struct gh_entry *entry = gh_entry_find(media, id);

    return entry && !entry->closing ? entry : NULL;
}

static void table_add(struct gh_media *media, struct gh_entry *entry)
{
    struct gh_entry **by_id = &media->by_id[bucket_of(entry->stream.id)];
    struct gh_entry **by_call = &media->by_call[bucket_of(entry->call)];

    entry->next_by_id = *by_id;
    *by_id = entry;
    entry->next_by_call = *by_call;
    *by_call = entry;
}

static void table_remove(struct gh_media *media, struct gh_entry *entry)
{
    struct gh_entry **at = &media->by_id[bucket_of(entry->stream.id)];

    while (*at != entry)
        at = &(*at)->next_by_id;
    *at = entry->next_by_id;
    at = &media->by_call[bucket_of(entry->call)];
    while (*at != entry)
        at = &(*at)->next_by_call;
    *at = entry->next_by_call;
}

/* The worker of the call's other streams, else the freest. */
static unsigned choose_worker(const struct gh_media *media, uint64_t call)
{
    const struct gh_entry *entry = call ? media->by_call[bucket_of(call)] : NULL;
    unsigned best = 0;

    for (; entry; entry = entry->next_by_call) {
        if (entry->call == call)
            return entry->worker;
    }
    for (unsigned i = 1; i < media->worker_count; i++) {
        if (gh_worker_is_freer(gh_worker_load_of(media, i), gh_worker_load_of(media, best)))
            best = i;
    }
    return best;
}

/* ---- streams --------------------------------------------------------------------------------- */

struct gh_entry *gh_entry_new(void)
{
    struct gh_entry *entry = aligned_alloc(_Alignof(struct gh_entry), sizeof(*entry));

    if (entry)
        memset(entry, 0, sizeof(*entry));
    return entry;
}

static void keep(struct gh_msg *msg)
{
    (void)msg; /* a part of its stream */
}

static void entry_free(struct gh_entry *entry)
{
    for (int s = 0; s < 2; s++) {
        gh_side_fini(&entry->stream.sides[s]);
        for (int i = 0; i < GH_PORT_COUNT; i++) {
            struct gh_port *port = &entry->stream.sides[s].ports[i];

            entry->pairs[s].known[i] = port->known_fd; /* -1 where the worker closed it */
            entry->pairs[s].stranger[i] = port->stranger_fd;
        }
        gh_port_pair_close(&entry->pairs[s]);
    }
    free(entry);
}

static void fill_stream(struct gh_media *media, struct gh_entry *entry,
                        const struct gh_media_open *open)
{
    struct gh_stream *stream = &entry->stream;

    stream->id = ++media->last_id;
    stream->timeout_ms = open->timeout_ms;
    stream->timeout_on_hold_ms = open->timeout_on_hold_ms;
    stream->open = (struct gh_to_worker){ { NULL, keep }, GH_COMMAND_OPEN, stream };
    stream->close = (struct gh_to_worker){ { NULL, keep }, GH_COMMAND_CLOSE, stream };
    stream->closed = (struct gh_from_worker){ { NULL, keep }, stream };
    for (int s = 0; s < 2; s++) {
        struct gh_side *side = &stream->sides[s];

        side->stream = stream;
        side->family = entry->sides[s].ours.family;
        for (int i = 0; i < GH_PORT_COUNT; i++) {
            side->ports[i].side = side;
            side->ports[i].kind = (uint8_t)i;
            side->ports[i].known_fd = entry->pairs[s].known[i];
            side->ports[i].stranger_fd = entry->pairs[s].stranger[i];
        }
    }
}

void gh_entry_enter(struct gh_media *media, struct gh_entry *entry,
                    const struct gh_media_open *open)
{
    media->loads[entry->worker]++;
    media->stream_count++;
    fill_stream(media, entry, open);
    table_add(media, entry);
}

/* NULL: there is no such interface, or it has no address of that family. */
static struct gh_place *find_place(struct gh_media *media, unsigned interface, uint8_t family)
{
    struct gh_place *places = &media->places[2 * (interface % GH_MEDIA_INTERFACES_MAX)];

    if (interface > media->config.more_count)
        return NULL;
    for (int i = 0; i < 2; i++) {
        if (places[i].address.family && (family == 0 || places[i].address.family == family))
            return &places[i];
    }
    return NULL;
}

static int take_pair(struct gh_entry *entry, int side, struct gh_place *place)
{
    int err = gh_port_pool_take(place->pool, &place->address, now_ms(), &entry->pairs[side]);

    if (err)
        return err;
    entry->places[side] = place;
    place->owners[entry->pairs[side].rtp / 2] = entry;
    entry->sides[side].ours = place->said;
    return 0;
}

struct gh_entry **gh_entry_owner(const struct gh_entry *entry, int side)
{
    return &entry->places[side]->owners[entry->pairs[side].rtp / 2];
}

/* Of a stream that did not come about.  Two of them wanted at once by whoever comes back for them
 * would never be free at once, if the one that was had to rest each time. */
static void return_pair(struct gh_entry *entry, int side)
{
    gh_port_pair_close(&entry->pairs[side]);
    *gh_entry_owner(entry, side) = NULL;
    gh_port_pool_return(entry->places[side]->pool, entry->pairs[side].rtp);
}

/* Its sockets are closed.  A pair that another stream goes on with is that one's to give. */
static void give_pair(struct gh_entry *entry, int side)
{
    uint16_t rtp = entry->pairs[side].rtp;
    struct gh_entry **owner = gh_entry_owner(entry, side);

    if (*owner != entry)
        return;
    *owner = NULL;
    gh_port_pool_release(entry->places[side]->pool, rtp, now_ms());
}

int gh_media_open(struct gh_media *media, const struct gh_media_open *open, gh_stream_id *out,
                  uint16_t ports[2])
{
    struct gh_place *places[2] = { find_place(media, open->interface[0], open->family[0]),
                                   find_place(media, open->interface[1], open->family[1]) };
    struct gh_entry *entry;
    int taken = 0, err = 0;

    if (media->stopped)
        return GH_ESTATE;
    if (!places[0] || !places[1])
        return GH_EINVAL;
    if (media->stream_count >= media->max_streams)
        return GH_EFULL;
    entry = gh_entry_new();
    if (!entry)
        return GH_ENOMEM;
    for (; taken < 2; taken++) {
        err = take_pair(entry, taken, places[taken]);
        if (err)
            goto out;
    }
    entry->call = open->call;
    entry->worker = choose_worker(media, open->call);
    gh_entry_enter(media, entry, open);
    *out = entry->stream.id;
    ports[0] = entry->pairs[0].rtp;
    ports[1] = entry->pairs[1].rtp;
    gh_mailbox_post(media->workers[entry->worker].inbox, &entry->stream.open.msg);
    return 0;
out:
    while (taken--)
        return_pair(entry, taken);
    free(entry);
    return err;
}

/* ---- sets ------------------------------------------------------------------------------------ */

static int judge(const struct gh_media *media, const struct gh_entry *entry,
                 const struct gh_media_set *set)
{
    int err = gh_judge_set(&entry->sides[set->side], set);

    if (!err && (gh_media_leads_to(media, &set->remote_rtp, entry) ||
                 gh_media_leads_to(media, &set->remote_rtcp, entry)))
        err = -ELOOP;
    return err;
}

void gh_media_more_free(struct gh_media_more *more)
{
    if (more)
        explicit_bzero(more, sizeof(*more));
    free(more);
}

static void wipe_sets(struct gh_media_set *sets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gh_secret_wipe(&sets[i].rx_key);
        gh_secret_wipe(&sets[i].tx_key);
        gh_media_more_free(sets[i].rx_more);
        sets[i].rx_more = NULL;
    }
}

static void drop_set(struct gh_msg *msg)
{
    struct gh_set_msg *set = (struct gh_set_msg *)msg;

    wipe_sets(set->sets, set->count);
    free(set);
}

/* The other side is the one in the other set, or else as it was left. */
static bool sides_alike(const struct gh_entry *entry, const struct gh_media_set *sets, size_t count)
{
    const struct gh_judged *other = &entry->sides[!sets[0].side];

    return count == 2 ? gh_judge_alike(true, sets[1].datagrams, &sets[0])
                      : gh_judge_alike(other->was_set, other->datagrams, &sets[0]);
}

/* All or nothing; @sets are wiped on every path. */
static int post_sets(struct gh_media *media, struct gh_media_set *sets, size_t count)
{
    struct gh_entry *entry = find_open(media, sets[0].stream);
    struct gh_set_msg *msg = NULL;
    int err = GH_ENOTFOUND;

    if (!entry || media->stopped)
        goto out;
    for (size_t i = 0; i < count; i++) {
        err = GH_EINVAL;
        if (sets[i].stream == sets[0].stream && (sets[i].side == 0 || sets[i].side == 1))
            err = judge(media, entry, &sets[i]);
        if (err)
            goto out;
    }
    err = GH_EINVAL;
    if (!sides_alike(entry, sets, count))
        goto out;
    err = GH_ENOMEM;
    msg = calloc(1, sizeof(*msg));
    if (!msg)
        goto out;
    err = 0;
    msg->head = (struct gh_to_worker){ { NULL, drop_set }, GH_COMMAND_SET, &entry->stream };
    msg->count = count;
    for (size_t i = 0; i < count; i++) {
        msg->sets[i] = sets[i];
        sets[i].rx_more = NULL;
        gh_judge_accept(&entry->sides[sets[i].side], &sets[i]);
    }
    gh_mailbox_post(media->workers[entry->worker].inbox, &msg->head.msg);
out:
    wipe_sets(sets, count);
    return err;
}

int gh_media_set(struct gh_media *media, struct gh_media_set *set)
{
    return post_sets(media, set, 1);
}

int gh_media_set_both(struct gh_media *media, struct gh_media_set sets[2])
{
    if (sets[0].side != 0 || sets[1].side != 1) {
        wipe_sets(sets, 2);
        return GH_EINVAL;
    }
    return post_sets(media, sets, 2);
}

int gh_media_close(struct gh_media *media, gh_stream_id stream)
{
    struct gh_entry *entry = find_open(media, stream);

    if (!entry || media->stopped)
        return GH_ENOTFOUND;
    entry->closing = true;
    gh_mailbox_post(media->workers[entry->worker].inbox, &entry->stream.close.msg);
    return 0;
}

/* ---- counters -------------------------------------------------------------------------------- */

int gh_media_counters(struct gh_media *media, gh_stream_id stream,
                      struct gh_media_counters counters[2])
{
    struct gh_entry *entry = gh_entry_find(media, stream);

    if (!entry)
        return GH_ENOTFOUND;
    for (int s = 0; s < 2; s++)
        gh_counters_read(&entry->stream.sides[s].counters, &counters[s]);
    return 0;
}

void gh_media_port_usage(const struct gh_media *media, unsigned *used, unsigned *all)
{
    *used = *all = 0;
    for (int i = 0; i < GH_PLACES_MAX; i++) {
        unsigned pool_used, pool_all;

        if (!media->places[i].pool)
            continue;
        gh_port_pool_usage(media->places[i].pool, now_ms(), &pool_used, &pool_all);
        *used += pool_used;
        *all += pool_all;
    }
}

void gh_media_stream_usage(const struct gh_media *media, unsigned *used, unsigned *all)
{
    *used = media->stream_count;
    *all = media->max_streams;
}

void gh_media_hold(struct gh_media *media, unsigned worker, struct gh_hold_msg *hold)
{
    hold->head = (struct gh_to_worker){ { NULL, keep }, GH_COMMAND_HOLD, NULL };
    gh_mailbox_post(media->workers[worker].inbox, &hold->head.msg);
}

unsigned gh_media_workers(const struct gh_media *media)
{
    return media->worker_count;
}

/* ---- reports --------------------------------------------------------------------------------- */

static void stream_closed(struct gh_media *media, struct gh_stream *stream)
{
    struct gh_entry *entry = gh_entry_find(media, stream->id);
    gh_stream_id id = stream->id;
    struct gh_media_counters counters[2];

    gh_media_counters(media, id, counters);
    table_remove(media, entry);
    media->loads[entry->worker]--;
    media->stream_count--;
    for (int s = 0; s < 2; s++)
        give_pair(entry, s);
    entry_free(entry);
    media->handlers.closed(media->handlers.arg, id, counters);
}

static void on_report(void *arg, struct gh_msg *msg)
{
    struct gh_media *media = arg;
    struct gh_from_worker *from = (struct gh_from_worker *)msg;

    if (media->stopped) {
        msg->drop(msg);
        return;
    }
    if (from->closed) {
        stream_closed(media, from->closed);
        return;
    }
    media->handlers.event(media->handlers.arg, &((struct gh_event_msg *)msg)->event);
    msg->drop(msg);
}

/* ---- start and stop -------------------------------------------------------------------------- */

static unsigned worker_count(unsigned wanted)
{
    unsigned cores = uv_available_parallelism();

    if (wanted == 0)
        wanted = cores > 1 ? cores - 1 : 1;
    return wanted < WORKERS_MAX ? wanted : WORKERS_MAX;
}

static unsigned max_streams(unsigned wanted)
{
    uint64_t most =
        gh_descriptors_for_media(gh_descriptors_limit(), UINT64_MAX) / GH_STREAM_DESCRIPTORS;

    if (wanted)
        return wanted;
    return most < UINT_MAX ? (unsigned)most : UINT_MAX;
}

static int start_workers(struct gh_media *media)
{
    int err = 0;

    for (; media->inited < media->worker_count && !err; media->inited++)
        err = gh_worker_init(&media->workers[media->inited]);
    for (unsigned i = 0; i < media->worker_count && !err; i++)
        err = gh_worker_start(&media->workers[i]);
    return err;
}

static void stop_workers(struct gh_media *media)
{
    for (unsigned i = 0; i < media->inited; i++)
        gh_worker_fini(&media->workers[i]);
    media->inited = 0;
}

/* Something that sockets can be bound to, and SDP can say in its place. */
static bool may_be_ours(const struct gh_addr *bound, const struct gh_addr *advertised)
{
    struct gh_addr addr = *bound;

    addr.port = 1; /* judged is the address alone */
    if (gh_media_address(&addr, NULL) == GH_MEDIA_ADDRESS_NEVER)
        return false;
    return advertised->family == 0 || advertised->family == bound->family;
}

static bool interface_is_right(const struct gh_media_interface *interface)
{
    uint8_t family = interface->address.family, second = interface->address6.family;

    return (family == 4 || family == 6) &&
           (second == 0 || ((second == 4 || second == 6) && second != family)) &&
           may_be_ours(&interface->address, &interface->advertise) &&
           may_be_ours(&interface->address6, &interface->advertise6);
}

static int new_place(struct gh_media *media, struct gh_place *place, const struct gh_addr *address,
                     const struct gh_addr *advertised)
{
    if (!address->family)
        return 0;
    place->address = *address;
    place->said = advertised->family ? *advertised : *address;
    place->owners = calloc(PAIRS_MAX, sizeof(*place->owners));
    if (!place->owners)
        return GH_ENOMEM;
    return gh_port_pool_new(&place->pool, media->config.port_first, media->config.port_last,
                            media->config.port_delay_ms);
}

static int new_places(struct gh_media *media, const struct gh_media_config *config)
{
    const struct gh_media_interface first = { config->address, config->address6, config->advertise,
                                              config->advertise6 };
    int err = config->more_count < GH_MEDIA_INTERFACES_MAX ? 0 : GH_EINVAL;

    for (unsigned i = 0; i <= config->more_count && !err; i++) {
        const struct gh_media_interface *interface = i ? &config->more[i - 1] : &first;

        if (!interface_is_right(interface))
            return GH_EINVAL;
        err = new_place(media, &media->places[2 * i], &interface->address, &interface->advertise);
        if (!err)
            err = new_place(media, &media->places[2 * i + 1], &interface->address6,
                            &interface->advertise6);
    }
    media->config.more = NULL; /* the caller's */
    return err;
}

int gh_media_start(struct gh_media **out, struct uv_loop_s *signalling,
                   const struct gh_media_config *config, const struct gh_media_handlers *handlers)
{
    struct gh_media *media;
    int err = 0;

    media = calloc(1, sizeof(*media));
    if (!media)
        return GH_ENOMEM;
    media->config = *config;
    media->handlers = *handlers;
    media->worker_count = worker_count(config->workers);
    media->max_streams = max_streams(config->max_streams);
    err = new_places(media, config);
    if (!err)
        err = gh_own_init(&media->own, config);
    if (err)
        goto failed;
    err = GH_ENOMEM;
    media->workers =
        aligned_alloc(_Alignof(struct gh_worker), media->worker_count * sizeof(*media->workers));
    media->loads = calloc(media->worker_count, sizeof(*media->loads));
    media->watches = calloc(media->worker_count, sizeof(*media->watches));
    if (!media->workers || !media->loads || !media->watches)
        goto failed;
    memset(media->workers, 0, media->worker_count * sizeof(*media->workers));
    err = start_workers(media);
    /* Last: a mailbox that was made can only be freed after another turn of the caller's loop. */
    if (!err)
        err = gh_mailbox_new_loop(&media->inbox, signalling, on_report, media);
    if (err)
        goto failed;
    for (unsigned i = 0; i < media->worker_count; i++) {
        media->workers[i].outbox = media->inbox;
        media->workers[i].own = &media->own;
    }
    gh_media_watch_start(media, signalling);
    *out = media;
    return 0;
failed:
    stop_workers(media);
    gh_media_free(media);
    return err;
}

void gh_media_stop(struct gh_media *media)
{
    if (media->stopped)
        return;
    media->stopped = true;
    gh_media_watch_stop(media);
    stop_workers(media);
    gh_mailbox_close(media->inbox);
}

void gh_media_free(struct gh_media *media)
{
    if (!media)
        return;
    gh_mailbox_free(media->inbox);
    for (size_t i = 0; i < GH_PLANE_BUCKETS; i++) {
        while (media->by_id[i]) {
            struct gh_entry *entry = media->by_id[i];

            media->by_id[i] = entry->next_by_id;
            entry_free(entry);
        }
    }
    for (int i = 0; i < GH_PLACES_MAX; i++) {
        gh_port_pool_free(media->places[i].pool);
        free(media->places[i].owners);
    }
    free(media->workers);
    free(media->loads);
    free(media->watches);
    free(media);
}
