/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay has used, from /proc.  schedstat counts nanoseconds of each thread, stat the clock's ticks of the
 * whole process.  Work that the kernel does for others' packets while a thread runs is the thread's: so each side
 * pays for what it sends up to the receiver's socket.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static bool read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t len;

    if (!file)
        return false;
    len = fread(out, 1, size - 1, file);
    out[len] = 0;
    fclose(file);
    return len > 0;
}

static bool add_threads(long pid, struct gh_gen_usage *out)
{
    char path[320], text[128];
    unsigned long long ran_ns, waited_ns;
    struct dirent *entry;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%ld/task", pid);
    dir = opendir(path);
    if (!dir)
        return false;
    while ((entry = readdir(dir))) {
        snprintf(path, sizeof(path), "/proc/%ld/task/%s/schedstat", pid, entry->d_name);
        if (entry->d_name[0] == '.' || !read_file(path, text, sizeof(text)) ||
            sscanf(text, "%llu %llu", &ran_ns, &waited_ns) != 2)
            continue;
        out->cpu_s += (double)ran_ns / 1e9;
        out->waited_s += (double)waited_ns / 1e9;
    }
    closedir(dir);
    return true;
}

bool gh_gen_watch(long pid, struct gh_gen_usage *out)
{
    char path[64], text[4096];
    const char *at;
    unsigned long user = 0;

    *out = (struct gh_gen_usage){ 0 };
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    if (!add_threads(pid, out) || !read_file(path, text, sizeof(text)) || !(at = strrchr(text, ')')) ||
        sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu", &user) != 1)
        return false;
    out->user_s = (double)user / (double)sysconf(_SC_CLK_TCK);
    snprintf(path, sizeof(path), "/proc/%ld/status", pid);
    if (!read_file(path, text, sizeof(text)) || !(at = strstr(text, "VmRSS:")))
        return false;
    out->rss_kib = strtol(at + 6, NULL, 10);
    return true;
}
