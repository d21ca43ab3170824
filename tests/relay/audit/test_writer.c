/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread: done after the sync and in order, groups, the bound, failing disks, a file that other hands
 * take, stopping.
 * fdatasync is replaced here: it can be held, made to fail, and tells how much was synced.
 */
#include "support/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "relay/audit/support_writer.h"

static struct {
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t changed;
    bool held, waiting;
    int fails_with;
    long synced_size;
} disk = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, 0, 0 };

int fdatasync(int fd)
{
    struct stat st;
    int fails_with;

    pthread_mutex_lock(&disk.lock);
    disk.waiting = disk.held;
    pthread_cond_broadcast(&disk.changed);
    while (disk.held)
        pthread_cond_wait(&disk.changed, &disk.lock);
    disk.waiting = false;
    fails_with = disk.fails_with;
    if (!fails_with && fstat(fd, &st) == 0)
        disk.synced_size = (long)st.st_size;
    pthread_mutex_unlock(&disk.lock);
    errno = fails_with;
    return fails_with ? -1 : 0; /* no real sync: the order is what is tested */
}

static void hold_disk(bool held)
{
    pthread_mutex_lock(&disk.lock);
    disk.held = held;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.lock);
}

static void await_writer_at_disk(void)
{
    pthread_mutex_lock(&disk.lock);
    while (!disk.waiting)
        pthread_cond_wait(&disk.changed, &disk.lock);
    pthread_mutex_unlock(&disk.lock);
}

static void fail_disk(int with)
{
    pthread_mutex_lock(&disk.lock);
    disk.fails_with = with;
    pthread_mutex_unlock(&disk.lock);
}

static long synced_size(void)
{
    long size;

    pthread_mutex_lock(&disk.lock);
    size = disk.synced_size;
    pthread_mutex_unlock(&disk.lock);
    return size;
}

/* ---- one audit on one loop ---- */

static int state_changes, last_state, losses, stopped_with, stopped_times;
static char last_why[GH_AUDIT_WHY_MAX];
static int done_count, done_errors, next_expected, out_of_order, not_synced;

static void on_state(void *arg, int err, const char *why)
{
    CHECK(arg == &loop);
    CHECK((err == 0) == (why[0] == 0));
    state_changes++;
    last_state = err;
    losses += err == GH_EBROKEN;
    if (err)
        snprintf(last_why, sizeof(last_why), "%s", why);
}

static void set_up(size_t max_records)
{
    state_changes = last_state = losses = stopped_times = done_count = done_errors = next_expected = 0;
    out_of_order = not_synced = 0;
    stopped_with = 1;
    hold_disk(false);
    fail_disk(0);
    writer_open((struct gh_audit_options){
        .max_records = max_records, .on_state = on_state, .arg = &loop });
}

static void on_stopped(void *arg, int err)
{
    CHECK(arg == &stopped_with);
    stopped_with = err;
    stopped_times++;
}

static void stop(void)
{
    gh_audit_stop(audit, on_stopped, &stopped_with);
    uv_run(&loop, UV_RUN_DEFAULT); /* ends by itself: nothing is left open */
    CHECK_INT(stopped_times, 1);
}

static void on_done(void *arg, int err)
{
    int n = (int)(intptr_t)arg;

    if (n != next_expected)
        out_of_order++;
    next_expected = n + 1;
    done_count++;
    if (err)
        done_errors++;
}

static int put(int n)
{
    struct gh_event *event = gh_event_new("test.event", WALL_US + n * 1000LL);

    gh_event_int(event, "n", n);
    return gh_audit_put(audit, event, on_done, (void *)(intptr_t)n);
}

static void run_until(const int *counter, int value)
{
    while (*counter < value)
        uv_run(&loop, UV_RUN_ONCE);
}

/* ---- order and groups ---- */

static void on_done_look(void *arg, int err)
{
    char needle[32], *text;
    size_t len, synced = (size_t)synced_size();

    /* The record is within what was synced when its done is called. */
    snprintf(needle, sizeof(needle), "\"n\":%d}\n", (int)(intptr_t)arg);
    text = read_file(dir, FIRST_FILE, &len);
    if (!text || synced > len || !memmem(text, synced, needle, strlen(needle)))
        not_synced++;
    free(text);
    on_done(arg, err);
}

static void done_comes_after_the_sync_and_in_order(void)
{
    set_up(0);
    for (int n = 0; n < 300; n++) {
        struct gh_event *event = gh_event_new("test.event", WALL_US);

        gh_event_int(event, "n", n);
        CHECK_INT(gh_audit_put(audit, event, on_done_look, (void *)(intptr_t)n), 0);
        CHECK_INT(done_count > n, 0); /* never from inside put */
        if (n % 50 == 0)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    run_until(&done_count, 300);
    CHECK_INT(out_of_order, 0);
    CHECK_INT(not_synced, 0);
    CHECK_INT(done_errors, 0);
    CHECK_INT(stats().records, 300);
    CHECK_INT(stats().seq, 300);
    CHECK_INT(stats().queued, 0);
    CHECK_INT(stats().queued_octets, 0);
    stop();
    CHECK_INT(lines_that_hold(), 300);
    writer_close();
}

static void what_comes_during_a_sync_is_one_group(void)
{
    set_up(0);
    hold_disk(true);
    CHECK_INT(put(0), 0);
    await_writer_at_disk();
    for (int n = 1; n <= 100; n++)
        CHECK_INT(put(n), 0);
    CHECK_INT(stats().queued, 101);
    hold_disk(false);
    run_until(&done_count, 101);
    CHECK_INT(stats().groups, 2);
    CHECK_INT(out_of_order, 0);
    stop();
    CHECK_INT(lines_that_hold(), 101);
    writer_close();
}

/* ---- room ---- */

static void the_queue_is_bounded(void)
{
    struct gh_event *event;
    int n = 0;

    set_up(16);
    hold_disk(true);
    CHECK_INT(put(n++), 0);
    await_writer_at_disk();
    for (int i = 0; i < 4; i++)
        CHECK_INT(gh_audit_reserve(audit), 0);
    CHECK(!gh_audit_backlogged(audit));
    while (n < 12) { /* 16 less the 4 that are promised */
        CHECK_INT(gh_audit_backlogged(audit), n > 6);
        CHECK_INT(put(n++), 0);
    }
    for (int i = 0; i < 3; i++)
        CHECK_INT(put(100 + i), GH_EFULL);
    CHECK_INT(gh_audit_reserve(audit), GH_EFULL);
    CHECK(gh_audit_backlogged(audit));
    for (int i = 0; i < 4; i++) { /* the promise is kept */
        event = gh_event_new("call.end", WALL_US);
        CHECK_INT(gh_audit_put_reserved(audit, event, on_done, (void *)(intptr_t)n++), 0);
    }
    CHECK_INT(gh_audit_put_reserved(audit, gh_event_new("call.end", WALL_US), NULL, NULL), GH_ESTATE);
    CHECK_INT(stats().queued, 16);
    CHECK_INT(stats().reserved, 0);
    CHECK_INT(stats().dropped, 4);
    hold_disk(false);
    run_until(&done_count, 16);
    CHECK_INT(out_of_order, 0);
    CHECK(!gh_audit_backlogged(audit));
    CHECK_INT(put(16), 0); /* said before it: what was lost */
    run_until(&done_count, 17);
    CHECK_INT(count_lines("\"type\":\"audit.dropped\""), 1); /* already, not only at the stop */
    CHECK_INT(count_lines("\"seq\":17,"), 1);
    CHECK_INT(stats().seq, 18);
    stop();
    CHECK_INT(lines_that_hold(), 18);
    CHECK_INT(count_lines("\"type\":\"audit.dropped\",\"count\":4,\"first_ts\":\"2026-11-23T09:14:07.214Z\","
                          "\"last_ts\":\"2026-11-23T09:14:07.114Z\""), 1);
    writer_close();
}

static void octets_are_bounded_too(void)
{
    struct gh_audit_options options = { .uv_loop = &loop, .wall_us = WALL_US, .max_octets = 20000 };
    int n = 0;

    set_up(0);
    stop();
    gh_audit_free(audit);
    options.directory = dir;
    CHECK_OR_STOP(gh_audit_open(&audit, &options, NULL) == 0);
    hold_disk(true);
    CHECK_INT(gh_audit_reserve(audit), 0); /* 4096 each, half at most */
    CHECK_INT(gh_audit_reserve(audit), 0);
    CHECK_INT(gh_audit_reserve(audit), GH_EFULL);
    gh_audit_unreserve(audit);
    CHECK_INT(gh_audit_reserve(audit), 0);
    while (put(n) == 0)
        n++;
    CHECK(stats().queued_octets <= 20000 - 2 * GH_AUDIT_RESERVE_LEN);
    CHECK(stats().queued_octets > 20000 - 2 * GH_AUDIT_RESERVE_LEN - 200);
    CHECK(gh_audit_backlogged(audit));
    hold_disk(false);
    gh_audit_unreserve(audit);
    gh_audit_unreserve(audit);
    gh_audit_unreserve(audit); /* once too often does not wrap around */
    CHECK_INT(stats().reserved, 0);
    stopped_times = 0;
    stop();
    /* Nothing came after them: the loss is said at the stop. */
    CHECK_INT(count_lines("\"type\":\"audit.dropped\",\"count\":1,"), 1);
    CHECK_INT(lines_that_hold(), n + 1);
    writer_close();
}

static void an_event_in_error_is_lost_loudly(void)
{
    struct gh_event *event;

    set_up(0);
    CHECK_INT(gh_audit_put(audit, NULL, NULL, NULL), GH_ENOMEM);
    event = gh_event_new("test.event", WALL_US);
    gh_event_array(event, "open");
    CHECK_INT(gh_audit_put(audit, event, on_done, NULL), GH_ESTATE);
    CHECK_INT(gh_audit_reserve(audit), 0);
    event = gh_event_new("call.end", WALL_US);
    gh_event_end(event);
    CHECK_INT(gh_audit_put_reserved(audit, event, on_done, NULL), GH_ESTATE);
    CHECK_INT(stats().reserved, 1); /* still there for a smaller one */
    CHECK_INT(gh_audit_put_reserved(audit, gh_event_new("call.end", WALL_US), NULL, NULL), 0);
    CHECK_INT(stats().reserved, 0);
    CHECK_INT(stats().dropped, 3);
    stop();
    CHECK_INT(done_count, 0);
    CHECK_INT(count_lines("\"type\":\"audit.dropped\",\"count\":3,"), 1);
    writer_close();
}

/* ---- a disk that fails ---- */

static void a_disk_fails_and_comes_back(void)
{
    set_up(0);
    fail_disk(EIO);
    for (int n = 0; n < 5; n++)
        CHECK_INT(put(n), 0);
    run_until(&state_changes, 1);
    CHECK_INT(last_state, -EIO);
    CHECK_INT(gh_audit_error(audit), -EIO);
    CHECK_INT(done_count, 0); /* kept, not lost */
    fail_disk(ENOSPC);
    CHECK_INT(put(5), 0);
    run_until(&state_changes, 2);
    CHECK_INT(last_state, -ENOSPC);
    fail_disk(0);
    run_until(&done_count, 6);
    run_until(&state_changes, 3);
    CHECK_INT(last_state, 0);
    CHECK_INT(gh_audit_error(audit), 0);
    CHECK_INT(done_errors, 0);
    CHECK_INT(out_of_order, 0);
    CHECK(stats().failures >= 2);
    stop();
    CHECK_INT(stopped_with, 0);
    CHECK_INT(lines_that_hold(), 6);
    writer_close();
}

static void stopping_on_a_failed_disk_says_what_is_lost(void)
{
    set_up(0);
    CHECK_INT(put(0), 0);
    run_until(&done_count, 1);
    fail_disk(EIO);
    CHECK_INT(put(1), 0);
    CHECK_INT(put(2), 0);
    stop();
    CHECK_INT(stopped_with, -EIO);
    CHECK_INT(done_count, 3);
    CHECK_INT(done_errors, 2);
    CHECK_INT(stats().records, 1);
    CHECK_INT(stats().dropped, 2);
    CHECK_INT(lines_that_hold(), 1);
    writer_close();
}

/* ---- other hands ---- */

static const char *in_dir(const char *name)
{
    static char path[4200];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

/* Nobody puts a record, and yet it is noticed, said, and made good. */
static void a_file_taken_away_is_noticed_by_itself(void)
{
    set_up(0);
    CHECK_INT(put(0), 0);
    run_until(&done_count, 1);
    CHECK_INT(unlink(in_dir(FIRST_FILE)), 0);
    run_until(&state_changes, 2); /* lost, and written again */
    CHECK_INT(losses, 1);
    CHECK_INT(last_state, 0);
    CHECK(strstr(last_why, FIRST_FILE ": the file was removed") != NULL);
    CHECK_INT(gh_audit_error(audit), 0);
    CHECK_INT(stats().failures, 0);
    CHECK_INT(put(1), 0);
    run_until(&done_count, 2);
    CHECK_INT(stats().seq, 3); /* the second is that of the loss */
    CHECK(file_exists(dir, "ledger-00000000000000000002.jsonl"));
    stop();
    writer_close();
}

/* While there is no place for a new file it is a disk that fails: records wait, and none is lost. */
static void a_directory_taken_away_is_an_error_until_it_is_back(void)
{
    set_up(0);
    CHECK_INT(put(0), 0);
    run_until(&done_count, 1);
    remove_dir(dir);
    close(creat(dir, 0600));
    CHECK_INT(put(1), 0);
    run_until(&state_changes, 2);
    CHECK_INT(losses, 1);
    CHECK_INT(gh_audit_error(audit), -ENOTDIR);
    CHECK(strstr(last_why, "cannot be opened") != NULL);
    CHECK_INT(done_count, 1);
    CHECK_INT(unlink(dir), 0);
    run_until(&done_count, 2);
    CHECK_INT(done_errors, 0);
    CHECK_INT(gh_audit_error(audit), 0);
    CHECK_INT(state_changes, 3);
    stop();
    CHECK_INT(stopped_with, 0);
    writer_close();
}

/* ---- start and stop ---- */

static void a_stop_writes_all(void)
{
    set_up(0);
    for (int n = 0; n < 50; n++)
        CHECK_INT(put(n), 0);
    stop(); /* at once */
    CHECK_INT(stopped_with, 0);
    CHECK_INT(done_count, 50);
    CHECK_INT(out_of_order, 0);
    CHECK_INT(put(50), GH_ECLOSED);
    CHECK_INT(gh_audit_reserve(audit), GH_ECLOSED);
    CHECK_INT(lines_that_hold(), 50);
    writer_close();
}

static void a_stop_that_waits(void)
{
    set_up(0);
    for (int n = 0; n < 50; n++)
        CHECK_INT(put(n), 0);
    gh_audit_stop_now(audit);
    gh_audit_stop_now(audit);
    CHECK_INT(lines_that_hold(), 50);
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_audit_free(audit);
    CHECK_INT(done_count, 50); /* each exactly once */
    CHECK_INT(done_errors, 0);
    CHECK_INT(out_of_order, 0);
    CHECK_INT(uv_loop_close(&loop), 0);
    remove_dir(dir);
    gh_audit_free(NULL);
}

static void a_second_daemon_is_refused(void)
{
    struct gh_audit_options options = { .uv_loop = &loop, .wall_us = WALL_US };
    char why[GH_AUDIT_WHY_MAX];
    struct gh_audit *second = NULL;

    set_up(0);
    options.directory = dir;
    CHECK_INT(gh_audit_open(&second, &options, why), GH_EEXISTS);
    CHECK(strstr(why, "another process") != NULL);
    CHECK(second == NULL);
    stop();
    writer_close();
}

/* ---- a crash ---- */

static int crash_pipe;

static void on_done_tell(void *arg, int err)
{
    uint32_t n = (uint32_t)(intptr_t)arg;

    if (!err && write(crash_pipe, &n, sizeof(n)) != sizeof(n))
        _exit(1);
}

/* Writes until it is killed, and tells which records it was told are on disk. */
static void write_for_ever(void)
{
    struct gh_audit_options options = { .uv_loop = &loop, .wall_us = WALL_US, .directory = dir };

    uv_loop_init(&loop);
    if (gh_audit_open(&audit, &options, NULL))
        _exit(1);
    for (int n = 0;; n++) {
        struct gh_event *event = gh_event_new("test.event", WALL_US);

        gh_event_int(event, "n", n);
        gh_audit_put(audit, event, on_done_tell, (void *)(intptr_t)n);
        uv_run(&loop, stats().queued > 200 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    }
}

/* Killed at some moment: what was said to be on disk is there, and the chain goes on. */
static void a_kill_loses_nothing_that_was_done(void)
{
    static const char *const files[] = { FIRST_FILE };

    for (int round = 0; round < 10; round++) {
        struct gh_record_verdict verdict;
        char needle[32], *text;
        uint32_t n, last = 0;
        int ends[2], status;
        pid_t child;

        dir = fresh_dir();
        CHECK_OR_STOP(pipe(ends) == 0);
        child = fork();
        if (child == 0) {
            close(ends[0]);
            crash_pipe = ends[1];
            write_for_ever();
        }
        close(ends[1]);
        for (int i = 0; i < 50 + 37 * round && read(ends[0], &n, sizeof(n)) == sizeof(n); i++)
            last = n;
        kill(child, SIGKILL);
        while (read(ends[0], &n, sizeof(n)) == sizeof(n))
            last = n;
        waitpid(child, &status, 0);
        close(ends[0]);
        CHECK(WIFSIGNALED(status));
        make_ledger(dir, 1);
        CHECK_INT(gh_record_verify(dir, NULL, NULL, NULL, &verdict), 0);
        CHECK(verdict.consistent);
        CHECK(second_opinion(dir, files, 1) > (long)last + 1);
        snprintf(needle, sizeof(needle), "\"n\":%u}\n", last);
        text = read_file(dir, FIRST_FILE, NULL);
        CHECK(last > 0 && text && strstr(text, needle));
        free(text);
        remove_dir(dir);
    }
}

/* ---- for information ---- */

static void how_fast(void)
{
    enum { RECORDS = 50000 };
    struct timespec begin, end;
    double seconds;

    set_up(0);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int n = 0; n < RECORDS; n++)
        put(n);
    run_until(&done_count, RECORDS);
    clock_gettime(CLOCK_MONOTONIC, &end);
    seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("     %.0f records a second, without the disk's own sync\n", RECORDS / seconds);
    CHECK_INT(done_errors, 0);
    CHECK_INT(out_of_order, 0);
    stop();
    CHECK_INT(lines_that_hold(), RECORDS);
    writer_close();
}

int main(void)
{
    RUN(done_comes_after_the_sync_and_in_order);
    RUN(what_comes_during_a_sync_is_one_group);
    RUN(the_queue_is_bounded);
    RUN(octets_are_bounded_too);
    RUN(an_event_in_error_is_lost_loudly);
    RUN(a_disk_fails_and_comes_back);
    RUN(stopping_on_a_failed_disk_says_what_is_lost);
    RUN(a_file_taken_away_is_noticed_by_itself);
    RUN(a_directory_taken_away_is_an_error_until_it_is_back);
    RUN(a_stop_writes_all);
    RUN(a_stop_that_waits);
    RUN(a_second_daemon_is_refused);
    RUN(a_kill_loses_nothing_that_was_done);
    RUN(how_fast);
    return CHECK_REPORT();
}
