/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation failure at every call, and wiping.  The two files that allocate are compiled into this
 * program with an allocator that fails on demand and looks at what is given back; the rest comes
 * from the library.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail_at = -1;  /* the allocation that fails, counted down; -1: none */
static int allocations;   /* made since the last arm() */
static size_t live;       /* blocks not yet freed */
static size_t dirty;      /* blocks freed with a key in them */

/* What a freed block must not hold: the beginning of every key used here. */
static const char marks[][9] = { "QUtFWXNl", "AKEYseci" };

/* Each block carries its size in front, so that free() can search it. */
union head {
    size_t size;
    max_align_t align;
};

static int failing(void)
{
    allocations++;
    return fail_at >= 0 && fail_at-- == 0;
}

static void *test_malloc(size_t size)
{
    union head *head = failing() ? NULL : malloc(sizeof(*head) + size);

    if (!head)
        return NULL;
    live++;
    head->size = size;
    memset(head + 1, 0xa5, size);
    return head + 1;
}

static void *test_calloc(size_t count, size_t size)
{
    void *block = test_malloc(count * size);

    return block ? memset(block, 0, count * size) : NULL;
}

static void test_free(void *block)
{
    union head *head = block;

    if (!block)
        return;
    head--;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        dirty += memmem(block, head->size, marks[i], 8) != NULL;
    live--;
    free(head);
}

static void *test_realloc(void *block, size_t size)
{
    void *moved = test_malloc(size);

    if (!moved)
        return NULL;
    memcpy(moved, block,
           ((union head *)block - 1)->size < size ? ((union head *)block - 1)->size : size);
    test_free(block);
    return moved;
}

#define malloc test_malloc
#define calloc test_calloc
#define realloc test_realloc
#define free test_free
#include "../../sdp/document.c"
#include "../../sdp/edit.c"
#undef malloc
#undef calloc
#undef realloc
#undef free

#include "support/check.h"

/* "AKEYsecirity..." in base64 begins with "QUtFWXNl". */
#define KEY "QUtFWXNlY2lyaXR5QUtFWXNlY2lyaXR5QUtFWXNl"

static const char text[] =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/SAVP 0\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY "\r\n"
    "m=audio 4002 RTP/SAVP 0\r\nc=IN IP4 192.0.2.1";

static void arm(int at)
{
    fail_at = at;
    allocations = 0;
}

static void test_parse_and_clone(void)
{
    int wanted;
    struct gh_sdp *doc = NULL, *copy = NULL;

    arm(-1);
    CHECK_INT(gh_sdp_parse(&doc, gh_span_str(text), NULL), 0);
    wanted = allocations;
    CHECK(wanted >= 3);
    for (int at = 0; at < wanted; at++) {
        arm(at);
        CHECK_INT(gh_sdp_clone(&copy, doc), GH_ENOMEM);
        CHECK(copy == NULL);
    }
    gh_sdp_free(doc);
    CHECK_INT(live, 0);
    for (int at = 0; at < wanted; at++) {
        doc = NULL;
        arm(at);
        CHECK_INT(gh_sdp_parse(&doc, gh_span_str(text), NULL), GH_ENOMEM);
        CHECK(doc == NULL);
        CHECK_INT(live, 0);
    }
    CHECK_INT(dirty, 0);
}

/* ---- every edit: either it is done, or it failed and nothing changed ---- */

static const struct gh_addr addr = { .family = 4, .ip = { 10, 0, 0, 1 }, .port = 9 };

static int edit_origin(struct gh_sdp *doc)
{
    struct gh_sdp_origin_edit edit = { .set_version = true, .version = 9 };

    return gh_sdp_set_origin(doc, &edit);
}

static int edit_name(struct gh_sdp *doc)
{
    return gh_sdp_set_name(doc, GH_SPAN("x"));
}

static int edit_connection(struct gh_sdp *doc)
{
    return gh_sdp_set_connection(doc, 0, &addr);
}

static int edit_port(struct gh_sdp *doc)
{
    return gh_sdp_set_port(doc, 0, 9);
}

static int edit_append(struct gh_sdp *doc)
{
    return gh_sdp_append_attr(doc, 1, "x", GH_SPAN("y"));
}

static int edit_set(struct gh_sdp *doc)
{
    return gh_sdp_set_attr(doc, 0, "crypto", GH_SPAN("y"));
}

static int edit_direction(struct gh_sdp *doc)
{
    return gh_sdp_set_direction(doc, 0, GH_INACTIVE);
}

static int edit_rtcp(struct gh_sdp *doc)
{
    return gh_sdp_set_rtcp(doc, 0, &addr);
}

static int edit_media(struct gh_sdp *doc)
{
    return gh_sdp_append_media(doc, GH_SPAN("audio"), 1, GH_SPAN("RTP/AVP"), GH_SPAN("0"));
}

static int edit_crypto(struct gh_sdp *doc)
{
    return gh_sdp_add_crypto(doc, 0, 2, GH_AES_CM_128_HMAC_SHA1_80,
                             (const uint8_t *)"AKEYsecirityAKEYsecirityAKEYse", 30, 0, 0);
}

static int edit_copy(struct gh_sdp *doc)
{
    struct gh_sdp_crypto crypto;

    gh_sdp_crypto(doc, 0, 0, &crypto);
    return gh_sdp_copy_crypto(doc, 1, 2, &crypto);
}

/* With the session's c= gone, the m-line's own one is rewritten: the edit of two lines. */
static int edit_disable(struct gh_sdp *doc)
{
    return gh_sdp_disable_media(doc, 1);
}

static int (*const edits[])(struct gh_sdp *) = { edit_origin,    edit_name,   edit_connection,
                                                 edit_port,      edit_append, edit_set,
                                                 edit_direction, edit_rtcp,   edit_media,
                                                 edit_crypto,    edit_copy,   edit_disable };

static void try_edit(int (*edit)(struct gh_sdp *), int at, int want)
{
    struct gh_sdp *doc = NULL, *before = NULL;
    size_t media;

    arm(-1);
    CHECK_INT(gh_sdp_parse(&doc, gh_span_str(text), NULL), 0);
    CHECK_INT(gh_sdp_remove_line(doc, 3), 0); /* the session's c= */
    CHECK_INT(gh_sdp_clone(&before, doc), 0);
    media = gh_sdp_media_count(doc);
    arm(at);
    CHECK_INT(edit(doc), want);
    if (want == 0) {
        CHECK(gh_sdp_compare(before, doc) != GH_SDP_SAME);
    } else {
        CHECK_INT(gh_sdp_compare(before, doc), GH_SDP_SAME);
        CHECK_INT(gh_sdp_media_count(doc), media);
    }
    fail_at = -1;
    gh_sdp_free(doc);
    gh_sdp_free(before);
    CHECK_INT(live, 0);
}

static void test_edits(void)
{
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        int wanted;

        try_edit(edits[i], -1, 0);
        wanted = allocations;
        CHECK(wanted > 0);
        for (int at = 0; at < wanted; at++)
            try_edit(edits[i], at, GH_ENOMEM);
    }
    CHECK_INT(dirty, 0);
}

/* The guard of the guard: a block that still holds a key is noticed. */
static void test_the_search_finds_a_key(void)
{
    char *block = test_malloc(64);

    memcpy(block + 5, KEY, 40);
    test_free(block);
    CHECK_INT(dirty, 1);
    dirty = 0;
}

int main(void)
{
    RUN(test_the_search_finds_a_key);
    RUN(test_parse_and_clone);
    RUN(test_edits);
    return CHECK_REPORT();
}
