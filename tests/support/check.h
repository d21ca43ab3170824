/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole test framework.  A test program calls RUN() for each case from main() and ends with
 * CHECK_REPORT().  A failed CHECK prints where and what, and the case goes on; CHECK_OR_STOP leaves it.
 * A case that checked nothing is a failure.
 */
#ifndef GH_TEST_CHECK_H
#define GH_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failed_total, check_cases;
static long check_count;

#define CHECK(condition) check_that(!!(condition), #condition, __FILE__, __LINE__)

#define CHECK_OR_STOP(condition)                                                        \
    do {                                                                                \
        if (!CHECK(condition))                                                          \
            return;                                                                     \
    } while (0)

#define CHECK_INT(got, want) check_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)

#define CHECK_STR(got, want) check_str((got), (want), #got, __FILE__, __LINE__)

/* For struct gh_span against a C string. */
#define CHECK_SPAN(got, want) check_span((got).p, (got).len, (want), #got, __FILE__, __LINE__)

#define RUN(test) check_run(test, #test)

#define CHECK_REPORT() check_report()

static inline int check_that(int ok, const char *text, const char *file, int line)
{
    check_count++;
    if (!ok) {
        check_failed_total++;
        fprintf(stderr, "%s:%d: failed: %s\n", file, line, text);
    }
    return ok;
}

static inline int check_int(long long got, long long want, const char *text, const char *file, int line)
{
    check_count++;
    if (got == want)
        return 1;
    check_failed_total++;
    fprintf(stderr, "%s:%d: failed: %s is %lld, expected %lld\n", file, line, text, got, want);
    return 0;
}

static inline int check_span(const char *p, size_t len, const char *want, const char *text,
                             const char *file, int line)
{
    check_count++;
    if (p && want && len == strlen(want) && memcmp(p, want, len) == 0)
        return 1;
    check_failed_total++;
    fprintf(stderr, "%s:%d: failed: %s is \"%.*s\", expected \"%s\"\n", file, line, text,
            p ? (int)len : 6, p ? p : "(null)", want ? want : "(null)");
    return 0;
}

static inline int check_str(const char *got, const char *want, const char *text, const char *file, int line)
{
    return check_span(got, got ? strlen(got) : 0, want, text, file, line);
}

static inline void check_run(void (*test)(void), const char *name)
{
    int failed_before = check_failed_total;
    long checks_before = check_count;

    check_cases++;
    test();
    if (check_count == checks_before) {
        check_failed_total++;
        fprintf(stderr, "%s checked nothing\n", name);
    }
    printf("%s %s (%ld checks)\n", check_failed_total == failed_before ? "ok  " : "FAIL", name,
           check_count - checks_before);
}

static inline int check_report(void)
{
    printf("%d cases, %ld checks, %d failed\n", check_cases, check_count, check_failed_total);
    return check_failed_total || !check_cases ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
