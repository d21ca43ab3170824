/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of octets that wipes itself: whatever may hold SDP is built in one.  Freed and
 * outgrown memory is overwritten first.  Errors are sticky, so that a writer checks once, at the
 * end.  Thread: any; one at a time.
 */
#ifndef GH_BUF_H
#define GH_BUF_H

#include <gatehouse/err.h>
#include <gatehouse/span.h>

struct gh_buf {
    char *p;
    size_t len, cap;
    size_t limit; /* 0: GH_BUF_LIMIT */
    int err;      /* first failure: GH_ENOMEM or GH_ELIMIT; later writes do nothing */
};

#define GH_BUF_LIMIT (1024 * 1024) /* octets; no message of ours comes near it */

/** A zeroed struct gh_buf is ready.  Wipes and frees; the struct is ready again.  NULL is fine. */
void gh_buf_fini(struct gh_buf *buf);

/** Wipe the content, keep the memory, forget the error. */
void gh_buf_reset(struct gh_buf *buf);

/** @octets  must not lie in @buf itself, whose memory may move */
void gh_buf_add(struct gh_buf *buf, struct gh_span octets);
void gh_buf_str(struct gh_buf *buf, const char *text);
void gh_buf_fmt(struct gh_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Drop @len octets at the front (all, if fewer are there); what is left moves down, the rest is
 * wiped. */
void gh_buf_drop(struct gh_buf *buf, size_t len);

/** Room for @len more octets (never NULL without a failure, also for 0); write there, then add to
 * len.
 *  @return NULL after a failure */
char *gh_buf_room(struct gh_buf *buf, size_t len);

static inline struct gh_span gh_buf_span(const struct gh_buf *buf)
{
    return gh_span_of(buf->p, buf->len);
}

#endif
