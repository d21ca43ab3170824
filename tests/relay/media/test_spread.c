/* SPDX-License-Identifier: Apache-2.0 */
/* Which worker a stream goes to: by what each has to do, and all streams of a call to one. */
#include "support/check.h"

#include <poll.h>

#include <uv.h>

#include "crypto/srtp_ciphers.h"
#include "media/plane_int.h"
#include "support_media.h"

#define WORKERS 3

static uv_loop_t loop;
static struct gh_media *media;
static int closed_count;

static void on_event(void *arg, const struct gh_media_event *event)
{
    (void)arg;
    (void)event;
}

static void on_closed(void *arg, gh_stream_id id, const struct gh_media_counters counters[2])
{
    (void)arg;
    (void)id;
    (void)counters;
    closed_count++;
}

static bool start(void)
{
    struct gh_media_config config = { .port_first = 21000, .port_last = 21399, .workers = WORKERS };
    struct gh_media_handlers handlers = { .event = on_event, .closed = on_closed };

    closed_count = 0;
    uv_loop_init(&loop);
    gh_addr_parse_ip(gh_span_str(own_ip()), 0, &config.address);
    return CHECK_INT(gh_media_start(&media, &loop, &config, &handlers), 0);
}

static void end(void)
{
    gh_media_stop(media);
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_media_free(media);
    CHECK_INT(uv_loop_close(&loop), 0);
}

static gh_stream_id open_one(uint64_t call)
{
    struct gh_media_open open = { .call = call };
    uint16_t ports[2];
    gh_stream_id id = 0;

    CHECK_INT(gh_media_open(media, &open, &id, ports), 0);
    return id;
}

static unsigned worker_of(gh_stream_id id)
{
    const struct gh_entry *entry = gh_entry_find(media, id);

    return CHECK(entry != NULL) ? entry->worker : WORKERS;
}

static void close_one(gh_stream_id id)
{
    uint64_t until = uv_hrtime() + AWAIT_MS * 1000000ULL;
    int want = closed_count + 1;

    CHECK_INT(gh_media_close(media, id), 0);
    while (closed_count < want && uv_hrtime() < until) {
        struct pollfd ready = { .fd = uv_backend_fd(&loop), .events = POLLIN };

        poll(&ready, 1, 20);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    CHECK_INT(closed_count, want);
}

static void check_streams(unsigned a, unsigned b, unsigned c)
{
    unsigned want[WORKERS] = { a, b, c };

    for (int i = 0; i < WORKERS; i++)
        CHECK_INT(media->loads[i], want[i]);
}

static void calls_are_spread(void)
{
    gh_stream_id ids[12];

    if (!start())
        return;
    for (int i = 0; i < 12; i++) {
        ids[i] = open_one(1000 + (uint64_t)i * GH_PLANE_BUCKETS); /* whatever the numbers are */
        if (i % WORKERS == WORKERS - 1)
            check_streams((unsigned)i / 3 + 1, (unsigned)i / 3 + 1, (unsigned)i / 3 + 1);
    }
    /* Where streams ended is room. */
    for (int i = 0, gone = 0; i < 12 && gone < 3; i++) {
        if (worker_of(ids[i]) == 1) {
            close_one(ids[i]);
            gone++;
        }
    }
    check_streams(4, 1, 4);
    for (int i = 0; i < 3; i++)
        CHECK_INT(worker_of(open_one(5000 + (uint64_t)i)), 1);
    check_streams(4, 4, 4);
    end();
}

static void a_call_stays_together(void)
{
    unsigned first;

    if (!start())
        return;
    first = worker_of(open_one(7));
    for (int i = 0; i < 5; i++)
        CHECK_INT(worker_of(open_one(7)), first);
    for (int i = 0; i < 10; i++) /* the others have room for five each */
        CHECK(worker_of(open_one(100 + (uint64_t)i)) != first);
    CHECK_INT(media->loads[first], 6);
    end();
}

static void who_is_freer(void)
{
    static const struct row {
        struct gh_worker_load a, b;
        bool a_is, b_is;
    } rows[] = {
        { { false, 3, 100 }, { false, 4, 100 }, true, false },
        { { false, 3, 900 }, { false, 4, 100 }, true, false }, /* streams first */
        { { false, 4, 100 }, { false, 4, 101 }, true, false },
        { { false, 4, 100 }, { false, 4, 100 }, false, false },
        { { false, 90, 900 }, { true, 0, 0 }, true, false }, /* one that does not answer is nobody's */
        { { true, 3, 0 }, { true, 4, 0 }, true, false },
        { { true, 3, 10 }, { true, 3, 0 }, false, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_INT(gh_worker_is_freer(rows[i].a, rows[i].b), rows[i].a_is);
        CHECK_INT(gh_worker_is_freer(rows[i].b, rows[i].a), rows[i].b_is);
    }
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(calls_are_spread);
    RUN(a_call_stays_together);
    RUN(who_is_freer);
    return CHECK_REPORT();
}
