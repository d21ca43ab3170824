/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signalling thread's half of the media plane: the table of streams and what belongs to each.  media.c keeps it,
 * renew.c and joined.c work on it.  Thread: the signalling thread.
 */
#ifndef GH_PLANE_INT_H
#define GH_PLANE_INT_H

#include "media/judge.h"
#include "media/media_int.h"
#include "media/port_pool.h"

#define GH_PLANE_BUCKETS 4096 /* of the two hash tables; a power of two */

#define GH_PLACES_MAX (2 * GH_MEDIA_INTERFACES_MAX)

/* One bound address with its ports. */
struct gh_place {
    struct gh_addr address;    /* family 0: there is none */
    struct gh_addr said;       /* what SDP says */
    struct gh_port_pool *pool;
    struct gh_entry **owners;  /* of its pairs: half the RTP port is the index */
};

struct gh_entry {
    struct gh_entry *next_by_id, *next_by_call;
    uint64_t call;
    unsigned worker;
    bool closing;
    struct gh_judged sides[2];
    struct gh_place *places[2];
    struct gh_port_pair pairs[2]; /* the numbers; the sockets are the stream's */
    struct gh_stream stream;
};

/* What the last look at a worker saw. */
struct gh_watch {
    uint64_t beats, beat_us; /* beat_us: of the last look that saw another number */
    unsigned looks;          /* since then */
    bool stalled;
};

struct gh_media {
    struct gh_media_config config;
    struct gh_media_handlers handlers;
    struct gh_mailbox *inbox;
    struct gh_place places[GH_PLACES_MAX]; /* two an interface: of its address and of its address6 */
    struct gh_own own;
    struct gh_worker *workers;
    unsigned *loads; /* streams of each worker */
    struct gh_watch *watches;
    unsigned stalled_count;
    uv_timer_t look;
    unsigned worker_count, inited;
    unsigned stream_count, max_streams;
    bool stopped;
    gh_stream_id last_id;
    struct gh_entry *by_id[GH_PLANE_BUCKETS], *by_call[GH_PLANE_BUCKETS];
};

/* media.c */
/** All zero; NULL: no memory. */
struct gh_entry *gh_entry_new(void);
/** NULL: there is none; it may be closing. */
struct gh_entry *gh_entry_find(struct gh_media *media, gh_stream_id id);
/** Give it an id and a place in the tables.  Its call, worker and pairs are set; its worker is to be told. */
void gh_entry_enter(struct gh_media *media, struct gh_entry *entry, const struct gh_media_open *open);
/** Where the owner of a side's pair is written. */
struct gh_entry **gh_entry_owner(const struct gh_entry *entry, int side);

/* What a worker has to do. */
struct gh_worker_load {
    bool stalled;
    unsigned streams;
    uint64_t busy_permille; /* of the last second: streams are not alike, and some are on hold */
};

/* health.c */
struct gh_worker_load gh_worker_load_of(const struct gh_media *media, unsigned i);
/** Whether @a is to have a new stream rather than @b.  Pure. */
bool gh_worker_is_freer(struct gh_worker_load a, struct gh_worker_load b);
void gh_media_watch_start(struct gh_media *media, uv_loop_t *signalling);
void gh_media_watch_stop(struct gh_media *media);

/* joined.c */
/** Whether what is sent to @remote comes to @goal again. */
bool gh_media_leads_to(const struct gh_media *media, const struct gh_addr *remote, const struct gh_entry *goal);

#endif
