/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that stands still is noticed, and its return; new streams go elsewhere meanwhile. */
#include "support/check.h"

#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/srtp_ciphers.h"
#include "media/plane_int.h"
#include "support_media.h"

struct told {
    int stalls, recoveries;
    unsigned worker;
};

static struct told told;
static int closed;

static void on_health(void *arg, unsigned worker, bool stalled)
{
    (void)arg;
    told.worker = worker;
    told.stalls += stalled;
    told.recoveries += !stalled;
}

static void on_event(void *arg, const struct gh_media_event *event)
{
    (void)arg;
    (void)event;
}

static void on_closed(void *arg, gh_stream_id stream, const struct gh_media_counters counters[2])
{
    (void)arg;
    (void)stream;
    (void)counters;
    closed++;
}

static void turn(uv_loop_t *loop)
{
    struct pollfd ready = { .fd = uv_backend_fd(loop), .events = POLLIN };

    poll(&ready, 1, 20);
    uv_run(loop, UV_RUN_NOWAIT);
}

#define TURN_UNTIL(loop, condition)                                                     \
    do {                                                                                \
        uint64_t until_ = uv_hrtime() + AWAIT_MS * 1000000ULL;                          \
        while (!(condition) && uv_hrtime() < until_)                                    \
            turn(loop);                                                                 \
        CHECK(condition);                                                               \
    } while (0)

static bool overloaded(const struct gh_media *media)
{
    struct gh_media_load load = gh_media_load(media);

    return gh_media_is_too_much(&load);
}

static bool start(struct gh_media **media, uv_loop_t *loop, unsigned workers)
{
    struct gh_media_config config = { .port_first = 21000, .port_last = 21199, .workers = workers };
    struct gh_media_handlers handlers = { .event = on_event,
                                          .closed = on_closed,
                                          .health = on_health };

    memset(&told, 0, sizeof(told));
    closed = 0;
    uv_loop_init(loop);
    gh_addr_parse_ip(gh_span_str(own_ip()), 0, &config.address);
    return CHECK_INT(gh_media_start(media, loop, &config, &handlers), 0);
}

static void stop(struct gh_media *media, uv_loop_t *loop)
{
    gh_media_stop(media);
    uv_run(loop, UV_RUN_DEFAULT);
    gh_media_free(media);
    CHECK_INT(uv_loop_close(loop), 0);
}

/* ---- the log of a test --------------------------------------------------------------------------------- */

static FILE *log_file;

static bool log_begin(void)
{
    log_file = tmpfile();
    return CHECK(log_file) && CHECK_INT(gh_log_start(fileno(log_file), GH_LOG_INFO), 0);
}

/* Lines since then, the time at their head left out; at most @size octets with the NUL. */
static void log_end(char *lines, size_t size)
{
    char line[GH_LOG_LINE_MAX + 2];
    size_t len = 0;

    gh_log_stop();
    rewind(log_file);
    lines[0] = 0;
    while (len + 1 < size && fgets(line, sizeof(line), log_file))
        len += (size_t)snprintf(lines + len, size - len, "%s", strchr(line, ' '));
    fclose(log_file);
}

/* ---- cases --------------------------------------------------------------------------------------------- */

static void a_worker_that_stalls(void)
{
    struct gh_media *media;
    struct gh_media_open open = { .call = 0 };
    struct gh_hold_msg hold;
    char lines[1024];
    unsigned long long silent_ms[2] = { 0 };
    int parsed = 0;
    uv_loop_t loop;
    uv_sem_t held, go;
    gh_stream_id id[6];
    uint16_t ports[2];

    if (!log_begin() || !start(&media, &loop, 2))
        return;
    uv_sem_init(&held, 0);
    uv_sem_init(&go, 0);
    hold.held = &held;
    hold.go = &go;
    CHECK_INT(gh_media_health(media), 0);
    gh_media_hold(media, 1, &hold);
    uv_sem_wait(&held);
    TURN_UNTIL(&loop, told.stalls == 1);
    CHECK_INT(told.worker, 1);
    CHECK_INT(gh_media_health(media), 1);
    CHECK(gh_media_alive(media)); /* the other is */
    CHECK(overloaded(media));
    CHECK(gh_media_load(media).lag_ms >= GH_LOOK_MS);
    CHECK_INT(gh_media_load(media).stalled, 1);
    /* All of them to the other one, which alone can close them. */
    for (int i = 0; i < 6; i++)
        CHECK_INT(gh_media_open(media, &open, &id[i], ports), 0);
    for (int i = 0; i < 6; i++)
        CHECK_INT(gh_media_close(media, id[i]), 0);
    TURN_UNTIL(&loop, closed == 6);
    CHECK_INT(gh_media_health(media), 1);
    uv_sem_post(&go);
    TURN_UNTIL(&loop, told.recoveries == 1);
    CHECK_INT(told.worker, 1);
    CHECK_INT(told.stalls, 1);
    CHECK_INT(gh_media_health(media), 0);
    CHECK(gh_media_load(media).lag_worst_ms >= GH_LOOK_MS);
    TURN_UNTIL(&loop, gh_media_load(media).lag_ms < GH_LOOK_MS); /* a second later it is over */
    /* Both take streams again. */
    for (int i = 0; i < 4; i++)
        CHECK_INT(gh_media_open(media, &open, &id[i], ports), 0);
    for (int i = 0; i < 4; i++)
        CHECK_INT(gh_media_close(media, id[i]), 0);
    TURN_UNTIL(&loop, closed == 10);
    stop(media, &loop);
    log_end(lines, sizeof(lines));
    sscanf(lines, " error media worker_stalled worker=1 streams=0 silent_ms=%llu"
           " warn media worker_recovered worker=1 streams=0 silent_ms=%llu %n",
           &silent_ms[0], &silent_ms[1], &parsed);
    CHECK(parsed > 0 && lines[parsed] == 0); /* these two lines and no others */
    CHECK(silent_ms[0] >= GH_LOOK_MS && silent_ms[1] >= silent_ms[0]);
    uv_sem_destroy(&held);
    uv_sem_destroy(&go);
}

/* While any is alive there is media; the last one that stalls is told as each is. */
static void all_workers_stall(void)
{
    struct gh_media *media;
    struct gh_hold_msg hold[2];
    uv_loop_t loop;
    uv_sem_t held, go;

    if (!start(&media, &loop, 2))
        return;
    uv_sem_init(&held, 0);
    uv_sem_init(&go, 0);
    CHECK(gh_media_alive(media));
    for (unsigned i = 0; i < 2; i++) {
        CHECK(gh_media_alive(media));
        hold[i].held = &held;
        hold[i].go = &go;
        gh_media_hold(media, i, &hold[i]);
        uv_sem_wait(&held);
        TURN_UNTIL(&loop, told.stalls == 1 + (int)i);
    }
    CHECK(!gh_media_alive(media));
    CHECK_INT(gh_media_health(media), gh_media_workers(media));
    uv_sem_post(&go);
    TURN_UNTIL(&loop, gh_media_alive(media));
    CHECK_INT(told.recoveries, 1);
    uv_sem_post(&go);
    TURN_UNTIL(&loop, told.recoveries == 2);
    CHECK_INT(gh_media_health(media), 0);
    stop(media, &loop);
    uv_sem_destroy(&held);
    uv_sem_destroy(&go);
}

/* What waited while the worker stood still is carried out in its order when it goes on. */
static void commands_wait(void)
{
    struct gh_media *media;
    struct gh_media_open open = { .call = 0 };
    struct gh_hold_msg hold;
    uv_loop_t loop;
    uv_sem_t held, go;
    gh_stream_id id;
    uint16_t ports[2];

    if (!start(&media, &loop, 1))
        return;
    uv_sem_init(&held, 0);
    uv_sem_init(&go, 0);
    hold.held = &held;
    hold.go = &go;
    gh_media_hold(media, 0, &hold);
    uv_sem_wait(&held);
    CHECK_INT(gh_media_open(media, &open, &id, ports), 0);
    CHECK_INT(gh_media_close(media, id), 0);
    turn(&loop);
    CHECK_INT(closed, 0);
    uv_sem_post(&go);
    TURN_UNTIL(&loop, closed == 1);
    CHECK_INT(told.stalls, 0);
    stop(media, &loop);
    uv_sem_destroy(&held);
    uv_sem_destroy(&go);
}

/* Packets are counted in the second in which they came. */
static void packets_in_a_second(void)
{
    struct lab lab;
    uint64_t until = uv_hrtime() + AWAIT_MS * 1000000ULL;
    uint64_t most = 0;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    while (most == 0 && uv_hrtime() < until) {
        check_flows(&lab, 0, false);
        if (gh_media_load(lab.media).pkts_per_s > most)
            most = gh_media_load(lab.media).pkts_per_s;
    }
    CHECK(most > 0);
    LAB_END(&lab);
}

/* Of two workers, one busy or late: the limits, to the unit. */
static void limits_of_load(void)
{
    static struct gh_worker workers[2];
    static struct gh_media plane = { .workers = workers, .worker_count = 2 };
    struct gh_media_load load;

    for (int i = 0; i < 2; i++) {
        atomic_store(&workers[i].pulse.pkts_per_s, 1000u * (unsigned)(i + 1));
        atomic_store(&workers[i].pulse.busy_permille, 300u * (unsigned)(i + 1));
        atomic_store(&workers[i].pulse.lag_us, 5000u * (unsigned)(2 - i));
        atomic_store(&workers[i].pulse.lag_mean_us, 2000u * (unsigned)(2 - i));
        atomic_store(&workers[i].pulse.lag_worst_us, 70000u * (unsigned)(2 - i));
    }
    load = gh_media_load(&plane);
    CHECK_INT(load.pkts_per_s, 3000);
    CHECK_INT(load.busy_permille, 600);
    CHECK_INT(load.lag_ms, 10);
    CHECK_INT(load.lag_mean_ms, 4);
    CHECK_INT(load.lag_worst_ms, 140);
    CHECK_INT(load.stalled, 0);
    CHECK(!overloaded(&plane));
    atomic_store(&workers[1].pulse.busy_permille, GH_MEDIA_BUSY_MAX_PERMILLE - 1);
    atomic_store(&workers[0].pulse.lag_us, GH_MEDIA_LAG_MAX_MS * 1000 - 1);
    atomic_store(&workers[0].pulse.lag_mean_us, GH_MEDIA_LAG_MEAN_MAX_MS * 1000 - 1);
    CHECK(!overloaded(&plane));
    atomic_store(&workers[1].pulse.busy_permille, GH_MEDIA_BUSY_MAX_PERMILLE);
    CHECK(overloaded(&plane));
    atomic_store(&workers[1].pulse.busy_permille, 0);
    CHECK(!overloaded(&plane));
    atomic_store(&workers[0].pulse.lag_us, GH_MEDIA_LAG_MAX_MS * 1000);
    CHECK(overloaded(&plane));
    atomic_store(&workers[0].pulse.lag_us, 0);
    CHECK(!overloaded(&plane));
    atomic_store(&workers[0].pulse.lag_mean_us, GH_MEDIA_LAG_MEAN_MAX_MS * 1000);
    CHECK(overloaded(&plane));
    atomic_store(&workers[0].pulse.lag_mean_us, 0);
    plane.stalled_count = 1;
    CHECK(overloaded(&plane));
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(limits_of_load);
    RUN(a_worker_that_stalls);
    RUN(all_workers_stall);
    RUN(commands_wait);
    RUN(packets_in_a_second);
    return CHECK_REPORT();
}
