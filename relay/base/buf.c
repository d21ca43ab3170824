/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAP_FIRST 256 /* octets; doubled from there */

void gh_buf_fini(struct gh_buf *buf)
{
    if (!buf)
        return;
    if (buf->p)
        explicit_bzero(buf->p, buf->cap);
    free(buf->p);
    buf->p = NULL;
    buf->len = buf->cap = 0;
    buf->err = 0;
}

void gh_buf_reset(struct gh_buf *buf)
{
    if (buf->p)
        explicit_bzero(buf->p, buf->cap);
    buf->len = 0;
    buf->err = 0;
}

/* Move the content to @cap octets.  Not realloc: it may leave the old octets behind in freed
 * memory. */
static int grow(struct gh_buf *buf, size_t cap)
{
    char *p = malloc(cap);

    if (!p)
        return GH_ENOMEM;
    if (buf->p) {
        memcpy(p, buf->p, buf->len);
        explicit_bzero(buf->p, buf->cap);
        free(buf->p);
    }
    buf->p = p;
    buf->cap = cap;
    return 0;
}

char *gh_buf_room(struct gh_buf *buf, size_t len)
{
    size_t limit = buf->limit ? buf->limit : GH_BUF_LIMIT;
    size_t cap = buf->cap ? buf->cap : CAP_FIRST;

    if (buf->err)
        return NULL;
    /* The limit may have been lowered below what is there. */
    if (buf->len > limit || len > limit - buf->len) {
        buf->err = GH_ELIMIT;
        return NULL;
    }
    while (cap - buf->len < len)
        cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
    if (!buf->p || cap != buf->cap)
        buf->err = grow(buf, cap);
    return buf->err ? NULL : buf->p + buf->len;
}

void gh_buf_add(struct gh_buf *buf, struct gh_span octets)
{
    char *room;

    assert(!buf->p || octets.p < buf->p || octets.p >= buf->p + buf->cap);
    room = octets.len ? gh_buf_room(buf, octets.len) : NULL;
    if (!room)
        return;
    memcpy(room, octets.p, octets.len);
    buf->len += octets.len;
}

void gh_buf_str(struct gh_buf *buf, const char *text)
{
    gh_buf_add(buf, gh_span_str(text));
}

void gh_buf_fmt(struct gh_buf *buf, const char *fmt, ...)
{
    va_list args;
    char *room;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0) {
        if (!buf->err)
            buf->err = GH_EINVAL;
        return;
    }
    room = gh_buf_room(buf, (size_t)len + 1);
    if (!room)
        return;
    va_start(args, fmt);
    vsnprintf(room, (size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)len;
}

void gh_buf_drop(struct gh_buf *buf, size_t len)
{
    size_t left;

    if (len > buf->len)
        len = buf->len;
    if (len == 0)
        return;
    left = buf->len - len;
    if (left)
        memmove(buf->p, buf->p + len, left);
    explicit_bzero(buf->p + left, len);
    buf->len = left;
}
