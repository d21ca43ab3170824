/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RING_LINES 1024

static struct {
    pthread_mutex_t lock; /* protects head, count, stopping, lines and the start and stop of the thread */
    pthread_cond_t filled;
    pthread_t thread;
    bool running, stopping;
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
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
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
    len = snprintf(line, GH_LOG_LINE_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %-5s %-6s %s ",
                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                   utc.tm_sec, now.tv_nsec / 1000000, levels[level], part, event);
    return len > 0 && len < GH_LOG_LINE_MAX ? (size_t)len : 0;
}

static void say_dropped(uint64_t dropped)
{
    char line[GH_LOG_LINE_MAX];
    size_t len = line_head(line, GH_LOG_WARN, "log", "dropped");

    len += (size_t)snprintf(line + len, sizeof(line) - len, "lines=%llu\n",
                            (unsigned long long)(dropped - ring.dropped_said));
    ring.dropped_said = dropped;
    write_all(ring.fd, line, len);
}

static void *run(void *arg)
{
    char line[GH_LOG_LINE_MAX];

    (void)arg;
    pthread_mutex_lock(&ring.lock);
    while (ring.count || !ring.stopping) {
        uint64_t dropped;

        if (!ring.count) {
            pthread_cond_wait(&ring.filled, &ring.lock);
            continue;
        }
        memcpy(line, ring.lines[ring.head], sizeof(line));
        ring.head = (ring.head + 1) % RING_LINES;
        ring.count--;
        dropped = atomic_load(&ring.dropped);
        pthread_mutex_unlock(&ring.lock);
        if (dropped != ring.dropped_said)
            say_dropped(dropped);
        write_all(ring.fd, line, strlen(line));
        pthread_mutex_lock(&ring.lock);
    }
    pthread_mutex_unlock(&ring.lock);
    return NULL;
}

int gh_log_start(int fd, enum gh_log_level least)
{
    int err = 0;

    pthread_mutex_lock(&ring.lock);
    atomic_store(&ring.least, (int)least);
    ring.fd = fd;
    if (!ring.running) {
        ring.lines = calloc(RING_LINES, sizeof(*ring.lines));
        ring.stopping = false;
        err = ring.lines ? -pthread_create(&ring.thread, NULL, run, NULL) : -ENOMEM;
        ring.running = !err;
        if (err) {
            free(ring.lines);
            ring.lines = NULL;
        }
    }
    pthread_mutex_unlock(&ring.lock);
    return err;
}

void gh_log_stop(void)
{
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
    ring.running = false;
    free(ring.lines);
    ring.lines = NULL;
    pthread_mutex_unlock(&ring.lock);
    if (atomic_load(&ring.dropped) != ring.dropped_said)
        say_dropped(atomic_load(&ring.dropped));
}

uint64_t gh_log_dropped(void)
{
    return atomic_load(&ring.dropped);
}

void gh_log(enum gh_log_level level, const char *part, const char *event, const char *fmt, ...)
{
    char line[GH_LOG_LINE_MAX];
    size_t head;
    int len;
    va_list args;

    if ((int)level < atomic_load(&ring.least))
        return;
    head = line_head(line, level, part, event);
    va_start(args, fmt);
    len = vsnprintf(line + head, sizeof(line) - head - 1, fmt, args);
    va_end(args);
    if (len < 0)
        len = 0;
    if ((size_t)len > sizeof(line) - head - 2)
        len = (int)(sizeof(line) - head - 2);
    line[head + (size_t)len] = '\n';
    line[head + (size_t)len + 1] = 0;

    pthread_mutex_lock(&ring.lock);
    if (!ring.running || ring.stopping) {
        write_all(ring.fd, line, strlen(line));
    } else if (ring.count == RING_LINES) {
        atomic_fetch_add(&ring.dropped, 1);
    } else {
        memcpy(ring.lines[(ring.head + ring.count) % RING_LINES], line, sizeof(line));
        ring.count++;
        pthread_cond_signal(&ring.filled);
    }
    pthread_mutex_unlock(&ring.lock);
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
