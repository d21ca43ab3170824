/* SPDX-License-Identifier: Apache-2.0 */
/* Streams stop before the descriptors do: what is not media's is there at any time. */
#include "support/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <uv.h>

#include "base/descriptors.h"
#include "crypto/srtp_ciphers.h"
#include "support_media.h"

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    if (!CHECK(dir != NULL))
        return 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 3; /* ".", ".." and the directory's own */
}

static struct rlimit lower_to(rlim_t soft)
{
    struct rlimit before, now;

    CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = before;
    now.rlim_cur = soft;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &now), 0);
    return before;
}

/* A limit below which so many numbers are free. */
static rlim_t limit_that_leaves(int count)
{
    int fd = 0;

    for (int unused = 0; unused < count || fcntl(fd, F_GETFD) >= 0; fd++)
        unused += fcntl(fd, F_GETFD) < 0;
    return (rlim_t)fd;
}

/* @return how many could be opened until @err */
static int open_all(struct lab *lab, int *err)
{
    struct gh_media_open open = { 0 };
    gh_stream_id id;
    uint16_t ports[2];
    int opened = 0;

    while ((*err = gh_media_open(lab->media, &open, &id, ports)) == 0)
        opened++;
    return opened;
}

static void the_budget_is_kept(void)
{
    struct lab lab;
    unsigned used, all;
    int before, err;

    if (!lab_start_limited(&lab, 5))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    before = open_descriptors();
    for (int round = 0; round < 3; round++) {
        CHECK_INT(open_all(&lab, &err), 4);
        CHECK_INT(err, GH_EFULL);
        CHECK_INT(open_descriptors(), before + 4 * GH_STREAM_DESCRIPTORS);
        gh_media_stream_usage(lab.media, &used, &all);
        CHECK_INT(used, 5);
        CHECK_INT(all, 5);
        for (gh_stream_id id = 1; id < 4000; id++) {
            if (id != lab.stream && gh_media_close(lab.media, id) == 0)
                gh_media_stream_usage(lab.media, &used, &all); /* not free before its sockets are closed */
        }
        CHECK_INT(used, 5);
        while (used > 1) {
            uv_run(lab.loop, UV_RUN_ONCE);
            gh_media_stream_usage(lab.media, &used, &all);
        }
        CHECK_INT(open_descriptors(), before);
    }
    check_flows(&lab, 0, false);
    LAB_END(&lab);
}

/* Without a number: half of what the process may have, less its own; the other half can really be had. */
static void half_is_left_to_the_rest(void)
{
    enum { LIMIT = GH_DESCRIPTORS_OWN + 400 };
    struct rlimit before = lower_to(LIMIT);
    struct lab lab;
    int spare[GH_DESCRIPTORS_OWN / 2 + 200], err;
    unsigned used, all;

    if (!lab_start_limited(&lab, 0))
        return;
    gh_media_stream_usage(lab.media, &used, &all);
    CHECK_INT(all, 200 / GH_STREAM_DESCRIPTORS);
    CHECK_INT(open_all(&lab, &err), all - 1);
    CHECK_INT(err, GH_EFULL);
    for (size_t i = 0; i < sizeof(spare) / sizeof(spare[0]); i++) {
        spare[i] = open("/dev/null", O_RDONLY);
        CHECK(spare[i] >= 0);
    }
    for (size_t i = 0; i < sizeof(spare) / sizeof(spare[0]); i++)
        close(spare[i]);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
    LAB_END(&lab);
}

/* The budget was too large, or another program is greedy: the same answer, and nothing is lost by it. */
static void the_system_has_no_more(void)
{
    struct lab lab;
    struct gh_media_open open = { .call = 1 };
    unsigned used_before, used, all, streams;
    int before, err = 0;
    gh_stream_id id;
    uint16_t ports[2];

    if (!lab_start_limited(&lab, 1000))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, GH_AEAD_AES_128_GCM, GH_SUITE_NONE);
    gh_media_port_usage(lab.media, &used_before, &all);
    before = open_descriptors();
    /* From none at all to one too few: it fails at each of the eight. */
    for (int left = 0; left < GH_STREAM_DESCRIPTORS; left++) {
        struct rlimit limit = lower_to(limit_that_leaves(left));

        CHECK_INT(gh_media_open(lab.media, &open, &id, ports), GH_EFULL);
        CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
        CHECK_INT(open_descriptors(), before);
        gh_media_port_usage(lab.media, &used, &all);
        CHECK_INT(used, used_before);
        gh_media_stream_usage(lab.media, &used, &streams);
        CHECK_INT(used, 1);
    }
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, true);
    CHECK_INT(open_all(&lab, &err), all / 2 - 1); /* the pairs are all still there */
    CHECK_INT(err, GH_EFULL);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(the_budget_is_kept);
    RUN(half_is_left_to_the_rest);
    RUN(the_system_has_no_more);
    return CHECK_REPORT();
}
