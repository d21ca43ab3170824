/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/open_calls.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_BUCKETS 256

struct node {
    struct gh_open_call call; /* first: callers hold a pointer to it */
    struct node *in_bucket;
    struct node *older, *newer;
};

struct gh_open_calls {
    struct node **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    struct node *oldest, *newest;
};

/* FNV-1a.  The ids are our own, so no peer can choose them to collide. */
static size_t hash_of(const char *id)
{
    uint64_t hash = 14695981039346656037ULL;

    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 1099511628211ULL;
    return (size_t)(hash ^ hash >> 32);
}

static struct node **bucket_of(const struct gh_open_calls *calls, const char *id)
{
    return &calls->buckets[hash_of(id) & (calls->bucket_count - 1)];
}

static struct node **link_to(const struct gh_open_calls *calls, const char *id)
{
    struct node **link = bucket_of(calls, id);

    while (*link && strcmp((*link)->call.known.call, id) != 0)
        link = &(*link)->in_bucket;
    return link;
}

struct gh_open_calls *gh_open_calls_new(void)
{
    struct gh_open_calls *calls = calloc(1, sizeof(*calls));

    if (!calls)
        return NULL;
    calls->bucket_count = FIRST_BUCKETS;
    calls->buckets = calloc(calls->bucket_count, sizeof(*calls->buckets));
    if (!calls->buckets) {
        free(calls);
        return NULL;
    }
    return calls;
}

void gh_open_calls_free(struct gh_open_calls *calls)
{
    struct node *node, *newer;

    if (!calls)
        return;
    for (node = calls->oldest; node; node = newer) {
        newer = node->newer;
        free(node);
    }
    free(calls->buckets);
    free(calls);
}

static int widen(struct gh_open_calls *calls)
{
    struct node **before = calls->buckets;
    struct node *node;

    if (calls->count < calls->bucket_count)
        return 0;
    calls->buckets = calloc(calls->bucket_count * 2, sizeof(*calls->buckets));
    if (!calls->buckets) {
        calls->buckets = before;
        return GH_ENOMEM;
    }
    calls->bucket_count *= 2;
    free(before);
    for (node = calls->oldest; node; node = node->newer) {
        struct node **bucket = bucket_of(calls, node->call.known.call);

        node->in_bucket = *bucket;
        *bucket = node;
    }
    return 0;
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

static int open_call(struct gh_open_calls *calls, const char *id, const struct gh_line *line,
                     const struct gh_record_line *at)
{
    struct node *node, **bucket;
    int err = widen(calls);

    if (err)
        return err;
    node = calloc(1, sizeof(*node));
    if (!node)
        return GH_ENOMEM;
    copy_text(node->call.known.call, sizeof(node->call.known.call), id);
    copy_text(node->call.known.from, sizeof(node->call.known.from), gh_line_text(line, "from"));
    copy_text(node->call.known.to, sizeof(node->call.known.to), gh_line_text(line, "to"));
    copy_text(node->call.known.trunk, sizeof(node->call.known.trunk), gh_line_text(line, "trunk"));
    copy_text(node->call.known.start_ts, sizeof(node->call.known.start_ts), line->ts);
    copy_text(node->call.known.grade, sizeof(node->call.known.grade), "none");
    node->call.file_index = at->file_index;
    node->call.number = at->number;
    bucket = bucket_of(calls, id);
    node->in_bucket = *bucket;
    *bucket = node;
    node->older = calls->newest;
    *(calls->newest ? &calls->newest->newer : &calls->oldest) = node;
    calls->newest = node;
    calls->count++;
    return 0;
}

static void close_call(struct gh_open_calls *calls, struct node **link)
{
    struct node *node = *link;

    *link = node->in_bucket;
    *(node->older ? &node->older->newer : &calls->oldest) = node->newer;
    *(node->newer ? &node->newer->older : &calls->newest) = node->older;
    calls->count--;
    free(node);
}

int gh_open_calls_note(struct gh_open_calls *calls, const struct gh_line *line,
                       const struct gh_record_line *at)
{
    const char *id = gh_line_text(line, "call"), *grade = gh_line_text(line, "grade");
    struct node **link;
    int err = 0;

    if (!id || !*id || strlen(id) >= GH_LOST_WORD_MAX)
        return 0;
    link = link_to(calls, id);
    if (strcmp(line->type, "call.start") == 0 && !*link) {
        err = open_call(calls, id, line, at);
        link = link_to(calls, id);
    }
    if (err || !*link)
        return err;
    if (strcmp(line->type, "call.end") == 0 || strcmp(line->type, "call.lost") == 0) {
        close_call(calls, link);
        return 0;
    }
    copy_text((*link)->call.known.last_ts, sizeof((*link)->call.known.last_ts), line->ts);
    if (grade)
        copy_text((*link)->call.known.grade, sizeof((*link)->call.known.grade), grade);
    return 0;
}

void gh_open_calls_end(struct gh_open_calls *calls, const char *call)
{
    struct node **link = link_to(calls, call);

    if (*link)
        close_call(calls, link);
}

const struct gh_open_call *gh_open_calls_find(const struct gh_open_calls *calls, const char *call)
{
    struct node *node = *link_to(calls, call);

    return node ? &node->call : NULL;
}

const struct gh_open_call *gh_open_calls_next(const struct gh_open_calls *calls,
                                              const struct gh_open_call *call)
{
    const struct node *node = call ? ((const struct node *)call)->newer : calls->oldest;

    return node ? &node->call : NULL;
}
