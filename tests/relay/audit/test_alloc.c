/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory fails at every single call, one after the other: the answer is GH_ENOMEM, never a wrong result, and
 * the ledger stays sound.  glibc's own allocator stands behind the replaced names; with a sanitizer, which
 * has its own, the stories run once without a failure.
 */
#include "support/check.h"

#include <uv.h>

#include <gatehouse/record.h>

#include "audit/lost.h"
#include "audit/writer.h"
#include "relay/audit/support_audit.h"

static _Thread_local long calls_left = -1; /* -1: never fail; 0: fail once, now */
static _Thread_local bool failed;

#ifndef GH_SANITIZED

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

static bool fails_now(void)
{
    if (calls_left < 0 || calls_left-- > 0)
        return false;
    failed = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    return fails_now() ? NULL : __libc_realloc(p, size);
}

#endif

static const char *dir;

/* Run @story with the first, the second, ... allocation failing, until it needs no more of them. */
static void run_story(int (*story)(void), void (*prepare)(void), void (*inspect)(void))
{
    long failures = 0;
    int err;

    do {
        prepare();
        failed = false;
        calls_left = failures;
        err = story();
        calls_left = -1;
        /* OpenSSL says only that it failed. */
        if (failed)
            CHECK(err == 0 || err == GH_ENOMEM || err == GH_ECRYPTO);
        else
            CHECK_INT(err, 0);
        inspect();
        failures++;
    } while (failed);
#ifndef GH_SANITIZED
    CHECK(failures > 1);
#endif
}

static void nothing(void)
{
}

/* ---- the record ---- */

static int build(void)
{
    struct gh_event *event = gh_event_new("test.event", WALL_US);
    struct gh_span text;
    int err;

    gh_event_array(event, "list");
    for (int i = 0; i < 1000; i++)
        gh_event_int(event, NULL, i);
    gh_event_end(event);
    err = gh_event_finish(event, &text);
    if (!err)
        CHECK(text.len > 3900 && memcmp(text.p + text.len - 6, ",999]}", 6) == 0);
    gh_event_free(event);
    return err;
}

static void building_a_record(void)
{
    run_story(build, nothing, nothing);
}

/* ---- the ledger ---- */

static void make_torn_ledger(void)
{
    size_t len;
    char *text;

    dir = fresh_dir();
    make_ledger(dir, 3);
    text = read_file(dir, FIRST_FILE, &len);
    write_file(dir, FIRST_FILE, text, len - 9);
    free(text);
}

static int open_and_append(void)
{
    char why[GH_LEDGER_WHY_MAX];
    struct gh_ledger *ledger;
    int err = gh_ledger_open(&ledger, dir, WALL_US, UINT64_MAX, why);

    if (err) {
        CHECK(why[0] != 0);
        return err;
    }
    err = add_event(ledger, gh_event_new("test.event", WALL_US));
    if (!err)
        err = gh_ledger_commit(ledger);
    gh_ledger_close(ledger);
    return err;
}

/* What failed half-way is made good by the next open, and nothing was lost. */
static void inspect_ledger(void)
{
    struct gh_record_verdict verdict;

    make_ledger(dir, 1);
    CHECK_INT(gh_record_verify(dir, NULL, NULL, NULL, &verdict), 0);
    CHECK(verdict.consistent);
    CHECK(verdict.records >= 4);
    CHECK(file_exists(dir, "ledger-00000000000000000001-1.torn"));
    remove_dir(dir);
}

static void opening_a_torn_ledger(void)
{
    run_story(open_and_append, make_torn_ledger, inspect_ledger);
}

/* ---- reading ---- */

static void make_calls(void)
{
    char why[GH_LEDGER_WHY_MAX];
    struct gh_ledger *ledger;

    dir = fresh_dir();
    CHECK_OR_STOP(gh_ledger_open(&ledger, dir, WALL_US, 300, why) == 0);
    for (int i = 0; i < 4; i++) {
        struct gh_event *event = gh_event_new(i == 2 ? "call.end" : "call.start", WALL_US);

        gh_event_text(event, "call", i == 2 ? "one" : i == 1 ? "two" : i == 0 ? "one" : "three");
        CHECK_INT(add_event(ledger, event), 0);
        CHECK_INT(gh_ledger_commit(ledger), 0);
    }
    gh_ledger_close(ledger);
}

static int verify(void)
{
    struct gh_record_verdict verdict;
    int err = gh_record_verify(dir, NULL, NULL, NULL, &verdict);

    if (!err) {
        CHECK(verdict.consistent); /* want of memory is not damage */
        CHECK_INT(verdict.records, 4);
    }
    return err;
}

static int lost_count;

static void count_lost(void *arg, const struct gh_lost_call *lost)
{
    (void)arg;
    (void)lost;
    lost_count++;
}

static int scan(void)
{
    int err;

    lost_count = 0;
    err = gh_lost_scan(dir, count_lost, NULL);
    CHECK_INT(lost_count, err ? 0 : 2);
    return err;
}

static void remove_it(void)
{
    remove_dir(dir);
}

static void verifying(void)
{
    run_story(verify, make_calls, remove_it);
}

static void looking_for_lost_calls(void)
{
    run_story(scan, make_calls, remove_it);
}

/* ---- the writer ---- */

static uv_loop_t loop;

static void set_flag(void *arg, int err)
{
    CHECK_INT(err, 0);
    *(bool *)arg = true;
}

static int open_and_put(void)
{
    struct gh_audit_options options = { .directory = dir, .uv_loop = &loop, .wall_us = WALL_US };
    char why[GH_AUDIT_WHY_MAX];
    struct gh_audit *audit;
    bool done = false;
    int err = gh_audit_open(&audit, &options, why), put_err;

    if (err) {
        CHECK(why[0] != 0);
        return err;
    }
    put_err = gh_audit_put(audit, gh_event_new("test.event", WALL_US), set_flag, &done);
    gh_audit_stop_now(audit);
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_audit_free(audit);
    CHECK_INT(done, put_err == 0);
    return put_err;
}

static void make_loop(void)
{
    dir = fresh_dir();
    CHECK_INT(uv_loop_init(&loop), 0);
}

static void close_loop(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
    remove_dir(dir);
}

static void starting_the_writer(void)
{
    run_story(open_and_put, make_loop, close_loop);
}

int main(void)
{
    RUN(building_a_record);
    RUN(opening_a_torn_ledger);
    RUN(verifying);
    RUN(looking_for_lost_calls);
    RUN(starting_the_writer);
    return CHECK_REPORT();
}
