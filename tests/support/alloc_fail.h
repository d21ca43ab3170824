/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Let one allocation of our own code fail: glibc's malloc, calloc, realloc and aligned_alloc are replaced in the
 * test program, not in shared libraries.  A sanitizer has its own, so there is no such test under
 * one: GH_ALLOC_CAN_FAIL is 0 then.
 *
 *     for (long n = 1;; n++) {
 *         alloc_fail_at(n);            the nth allocation of this thread from here on gives NULL
 *         err = work();
 *         if (!alloc_failed())         there are fewer than n: all were tried
 *             break;
 *     }
 */
#ifndef GH_TEST_ALLOC_FAIL_H
#define GH_TEST_ALLOC_FAIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(GH_SANITIZED) || !defined(__GLIBC__)
#define GH_ALLOC_CAN_FAIL 0
#else
#define GH_ALLOC_CAN_FAIL 1

extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t count, size_t len);
extern void *__libc_realloc(void *p, size_t len);
extern void *__libc_memalign(size_t alignment, size_t len);

static _Thread_local long alloc_countdown; /* 0: none fails */
static _Thread_local bool alloc_none_left; /* all fail */

static inline void alloc_fail_at(long n)
{
    alloc_countdown = n;
}

/** From here on each allocation of this thread gives NULL, until alloc_failed is asked. */
static inline void alloc_fail_all(void)
{
    alloc_none_left = true;
}

/** Whether one has failed since alloc_fail_at or alloc_fail_all; none will fail any more. */
static inline bool alloc_failed(void)
{
    bool failed = alloc_countdown < 0;

    alloc_none_left = false;
    alloc_countdown = 0;
    return failed;
}

static inline bool alloc_now(void)
{
    if (!alloc_none_left && (alloc_countdown <= 0 || --alloc_countdown > 0))
        return false;
    alloc_countdown = -1;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t len)
{
    return alloc_now() ? NULL : __libc_malloc(len);
}

void *calloc(size_t count, size_t len)
{
    return alloc_now() ? NULL : __libc_calloc(count, len);
}

void *realloc(void *p, size_t len)
{
    return alloc_now() ? NULL : __libc_realloc(p, len);
}

void *aligned_alloc(size_t alignment, size_t len)
{
    return alloc_now() ? NULL : __libc_memalign(alignment, len);
}
#endif

#endif
