/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <gatehouse/err.h>

#define WRITE_WAIT_MS 1000 /* for a full non-blocking pipe; then the rest of the line is given up */

static struct {
    pthread_mutex_t lock; /* protects all but least and dropped */
    pthread_cond_t filled;
    pthread_t thread;
    bool running;  /* the thread takes lines */
    bool stopping; /* ... until none is left */
    int fd;
    atomic_int least;
    size_t head, count;
    _Atomic uint64_t dropped;
    uint64_t dropped_said;
    char (*lines)[GH_LOG_LINE_MAX];
} ring = { .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER,
           .fd = STDERR_FILENO, .least = GH_LOG_INFO };

static void write_all(int fd, const char *p, size_t len)
{
    while (len) {
        struct pollfd full = { .fd = fd, .events = POLLOUT };
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && poll(&full, 1, WRITE_WAIT_MS) == 1)
            continue;
        if (n <= 0)
            return; /* nobody to tell */
        p += n;
        len -= (size_t)n;
    }
}

static size_t line_head(char *line, enum gh_log_level level, const char *part, const char *event)
{
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    struct timespec now;
    struct tm utc;
    int len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = snprintf(line, GH_LOG_LINE_MAX,
                   "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %-5s %-5.16s %-11.64s ",
                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                   utc.tm_sec, now.tv_nsec / 1000000, levels[level], part, event);
    return len > 0 && len < GH_LOG_LINE_MAX ? (size_t)len : 0;
}

static void say_dropped(int fd, uint64_t lines)
{
    char line[GH_LOG_LINE_MAX];
    size_t len = line_head(line, GH_LOG_WARN, "log", "dropped");

    len += (size_t)snprintf(line + len, sizeof(line) - len, "lines=%llu\n",
                            (unsigned long long)lines);
    write_all(fd, line, len);
}

/* Lock held; let go of while a line is written, so that a slow terminal holds up nobody. */
static void write_oldest(void)
{
    char line[GH_LOG_LINE_MAX];
    uint64_t dropped = atomic_load(&ring.dropped), unsaid = dropped - ring.dropped_said;
    int fd = ring.fd;

    strcpy(line, ring.lines[ring.head]);
    ring.head = (ring.head + 1) % GH_LOG_RING_LINES;
    ring.count--;
    ring.dropped_said = dropped;
    pthread_mutex_unlock(&ring.lock);
    if (unsaid)
        say_dropped(fd, unsaid);
    write_all(fd, line, strlen(line));
    pthread_mutex_lock(&ring.lock);
}

static void *run(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&ring.lock);
    while (ring.count || !ring.stopping) {
        if (ring.count)
            write_oldest();
        else
            pthread_cond_wait(&ring.filled, &ring.lock);
    }
    /* Before the lock is released, so that no line can be put where nobody takes it. */
    ring.running = false;
    pthread_mutex_unlock(&ring.lock);
    return NULL;
}

/* Lock held.  Signals are for the loop's thread. */
static int start_thread(void)
{
    sigset_t all, before;
    int err;

    ring.lines = calloc(GH_LOG_RING_LINES, sizeof(*ring.lines));
    if (!ring.lines)
        return GH_ENOMEM;
    ring.head = ring.count = 0;
    ring.stopping = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = -pthread_create(&ring.thread, NULL, run, NULL);
    if (!err)
        pthread_setname_np(ring.thread, "gh-log");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err) {
        free(ring.lines);
        ring.lines = NULL;
    }
    return err;
}

int gh_log_start(int fd, enum gh_log_level least)
{
    int err = 0;

    pthread_mutex_lock(&ring.lock);
    atomic_store(&ring.least, (int)least);
    ring.fd = fd;
    if (!ring.running) {
        err = start_thread();
        ring.running = !err;
    }
    pthread_mutex_unlock(&ring.lock);
    return err;
}

void gh_log_stop(void)
{
    uint64_t dropped;

    pthread_mutex_lock(&ring.lock);
    if (!ring.running) {
        pthread_mutex_unlock(&ring.lock);
        return;
    }
    ring.stopping = true;
    pthread_cond_signal(&ring.filled);
    pthread_mutex_unlock(&ring.lock);
    pthread_join(ring.thread, NULL);
    pthread_mutex_lock(&ring.lock);
    free(ring.lines);
    ring.lines = NULL;
    dropped = atomic_load(&ring.dropped);
    if (dropped != ring.dropped_said)
        say_dropped(ring.fd, dropped - ring.dropped_said);
    ring.dropped_said = dropped;
    pthread_mutex_unlock(&ring.lock);
}

uint64_t gh_log_dropped(void)
{
    return atomic_load(&ring.dropped);
}

/* Lock held. */
static void put_line(enum gh_log_level level, const char *line)
{
    size_t room = level < GH_LOG_ERROR ? GH_LOG_RING_LINES - GH_LOG_RING_SPARE : GH_LOG_RING_LINES;

    if (!ring.running) {
        write_all(ring.fd, line, strlen(line));
    } else if (ring.count >= room) {
        atomic_fetch_add(&ring.dropped, 1);
    } else {
        strcpy(ring.lines[(ring.head + ring.count) % GH_LOG_RING_LINES], line);
        ring.count++;
        pthread_cond_signal(&ring.filled);
    }
}

void gh_log(enum gh_log_level level, const char *part, const char *event, const char *fmt, ...)
{
    char line[GH_LOG_LINE_MAX];
    size_t len, room;
    va_list args;
    int want;

    if ((int)level < atomic_load(&ring.least))
        return;
    len = line_head(line, level, part, event);
    room = sizeof(line) - len - 1; /* 1: the line end, beside the NUL of vsnprintf */
    va_start(args, fmt);
    want = vsnprintf(line + len, room, fmt, args);
    va_end(args);
    if (want > 0)
        len += (size_t)want < room ? (size_t)want : room - 1;
    for (size_t i = 0; i < len; i++) {
        if (line[i] < 0x20 || line[i] > 0x7e)
            line[i] = '?';
    }
    memcpy(line + len, "\n", 2);
    pthread_mutex_lock(&ring.lock);
    put_line(level, line);
    pthread_mutex_unlock(&ring.lock);
}

bool gh_log_fold(struct gh_log_fold *fold, uint64_t now_ms, uint64_t *left_out)
{
    uint64_t second = now_ms / 1000 + 1;

    if (fold->second == second) {
        fold->left_out++;
        return false;
    }
    *left_out = fold->left_out;
    *fold = (struct gh_log_fold){ .second = second };
    return true;
}

struct gh_log_text gh_log_quote(struct gh_span peer_text)
{
    struct gh_log_text out;
    struct gh_span shown = gh_span_head(peer_text, GH_LOG_QUOTE_MAX);
    char *to = out.text;

    *to++ = '"';
    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c = (unsigned char)shown.p[i];

        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            to += snprintf(to, 5, "\\x%02x", c);
        else
            *to++ = (char)c;
    }
    memcpy(to, shown.len < peer_text.len ? "\"..." : "\"", shown.len < peer_text.len ? 5 : 2);
    return out;
}
