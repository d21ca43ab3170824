/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/audit/support_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *dir;
uv_loop_t loop;
struct gh_audit *audit;

void writer_open(struct gh_audit_options options)
{
    char why[GH_AUDIT_WHY_MAX];

    dir = fresh_dir();
    options.uv_loop = &loop;
    options.wall_us = WALL_US;
    options.directory = dir;
    uv_loop_init(&loop);
    if (gh_audit_open(&audit, &options, why)) {
        fprintf(stderr, "gh_audit_open: %s\n", why);
        exit(EXIT_FAILURE);
    }
}

void writer_close(void)
{
    gh_audit_free(audit);
    if (uv_loop_close(&loop)) {
        fprintf(stderr, "uv_loop_close: something is left on the loop\n");
        exit(EXIT_FAILURE);
    }
    remove_dir(dir);
}

struct gh_audit_stats stats(void)
{
    struct gh_audit_stats s;

    gh_audit_stats(audit, &s);
    return s;
}

long lines_that_hold(void)
{
    static const char *const files[] = { FIRST_FILE };

    return second_opinion(dir, files, 1);
}

int count_lines(const char *what)
{
    char *text = read_file(dir, FIRST_FILE, NULL), *line, *rest = text;
    int count = 0;

    while (text && (line = strsep(&rest, "\n")))
        count += strstr(line, what) != NULL;
    free(text);
    return count;
}
