/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is kept: copies, and an order for the keys of trees. */
#ifndef GH_SIP_TEXT_INT_H
#define GH_SIP_TEXT_INT_H

#include <stdlib.h>

#include <gatehouse/span.h>

/* NUL-terminated, on the heap; NULL without memory. */
static inline char *gh_text_dup(struct gh_span text)
{
    char *copy = malloc(text.len + 1);

    if (!copy)
        return NULL;
    if (text.len)
        memcpy(copy, text.p, text.len);
    copy[text.len] = 0;
    return copy;
}

/* Octet by octet, the shorter first: below, equal to or above 0. */
static inline int gh_text_compare(struct gh_span a, struct gh_span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.p, b.p, common) : 0;

    return order || a.len == b.len ? order : a.len < b.len ? -1 : 1;
}

#endif
