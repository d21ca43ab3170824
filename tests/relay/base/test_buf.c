/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "support/alloc_fail.h"
#include "support/check.h"

static bool all_zero(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i])
            return false;
    }
    return true;
}

static void grows(void)
{
    struct gh_buf buf = { 0 };
    char want[5000];

    for (size_t i = 0; i < sizeof(want); i++) {
        want[i] = (char)('a' + i % 26);
        gh_buf_add(&buf, gh_span_of(&want[i], 1));
    }
    CHECK_INT(buf.err, 0);
    CHECK_INT(buf.len, sizeof(want));
    CHECK(memcmp(buf.p, want, sizeof(want)) == 0);
    CHECK(gh_span_eq(gh_buf_span(&buf), gh_span_of(want, sizeof(want))));
    gh_buf_fini(&buf);
    CHECK(!buf.p && !buf.len && !buf.cap);
    gh_buf_fini(&buf);
    gh_buf_fini(NULL);
}

static void writes_text(void)
{
    struct gh_buf buf = { 0 };

    gh_buf_str(&buf, "INVITE ");
    gh_buf_fmt(&buf, "%s:%d", "sip", 5061);
    gh_buf_str(&buf, "");
    gh_buf_str(&buf, NULL);
    gh_buf_add(&buf, GH_SPAN("\0\r\n"));
    CHECK_INT(buf.err, 0);
    CHECK_INT(buf.len, 18);
    CHECK(memcmp(buf.p, "INVITE sip:5061\0\r\n", 18) == 0);
    gh_buf_fini(&buf);
}

/* The limit is the last length that fits; the error sticks, and what was there stays. */
static void stops_at_the_limit(void)
{
    struct gh_buf buf = { .limit = 10 };

    gh_buf_str(&buf, "0123456789");
    CHECK_INT(buf.err, 0);
    gh_buf_str(&buf, "");
    CHECK_INT(buf.err, 0);
    gh_buf_str(&buf, "x");
    CHECK_INT(buf.err, GH_ELIMIT);
    gh_buf_drop(&buf, 5);
    gh_buf_str(&buf, "y");
    gh_buf_fmt(&buf, "%d", 1);
    CHECK(!gh_buf_room(&buf, 0));
    CHECK_INT(buf.err, GH_ELIMIT);
    CHECK_SPAN(gh_buf_span(&buf), "56789");
    gh_buf_reset(&buf);
    gh_buf_str(&buf, "z");
    CHECK_SPAN(gh_buf_span(&buf), "z");
    buf.limit = 1;
    gh_buf_str(&buf, "z");
    CHECK_INT(buf.err, GH_ELIMIT);
    gh_buf_fini(&buf);
    CHECK_INT(buf.err, 0);
}

/* Bug: a limit that was lowered below the length made the room computation wrap around. */
static void survives_a_lowered_limit(void)
{
    struct gh_buf buf = { .limit = 100 };

    gh_buf_str(&buf, "0123456789");
    buf.limit = 5;
    gh_buf_str(&buf, "x");
    CHECK_INT(buf.err, GH_ELIMIT);
    CHECK_INT(buf.len, 10);
    gh_buf_fini(&buf);
}

static void refuses_the_default_limit(void)
{
    struct gh_buf buf = { 0 };
    char *room = gh_buf_room(&buf, GH_BUF_LIMIT);

    CHECK_OR_STOP(room);
    buf.len = GH_BUF_LIMIT;
    memset(room, 'x', buf.len);
    CHECK(!gh_buf_room(&buf, 1));
    CHECK_INT(buf.err, GH_ELIMIT);
    gh_buf_fini(&buf);
    CHECK(!gh_buf_room(&buf, SIZE_MAX));
    CHECK_INT(buf.err, GH_ELIMIT);
    gh_buf_fini(&buf);
}

/* Bug: room for nothing in a fresh buffer gave NULL, which means failure. */
static void gives_room_for_nothing(void)
{
    struct gh_buf buf = { 0 };

    CHECK(gh_buf_room(&buf, 0) != NULL);
    CHECK_INT(buf.err, 0);
    gh_buf_fini(&buf);
}

static void wipes(void)
{
    struct gh_buf buf = { 0 };

    gh_buf_str(&buf, "a=crypto:1 secret");
    gh_buf_drop(&buf, 11);
    CHECK_SPAN(gh_buf_span(&buf), "secret");
    CHECK(all_zero(buf.p + 6, 11));
    gh_buf_drop(&buf, 0);
    CHECK_SPAN(gh_buf_span(&buf), "secret");
    gh_buf_drop(&buf, 1000);
    CHECK_INT(buf.len, 0);
    CHECK(all_zero(buf.p, 17));
    gh_buf_str(&buf, "secret");
    gh_buf_reset(&buf);
    CHECK(all_zero(buf.p, buf.cap));
    gh_buf_fini(&buf);
    gh_buf_drop(&buf, 1);
    gh_buf_reset(&buf);
    CHECK_INT(buf.len, 0);
}

#if GH_ALLOC_CAN_FAIL
static void says_when_memory_is_out(void)
{
    struct gh_buf buf = { 0 };

    alloc_fail_at(1);
    gh_buf_str(&buf, "x");
    CHECK(alloc_failed());
    CHECK_INT(buf.err, GH_ENOMEM);
    gh_buf_str(&buf, "x");
    CHECK_INT(buf.len, 0);
    gh_buf_fini(&buf);

    gh_buf_str(&buf, "kept");
    alloc_fail_at(1);
    CHECK(!gh_buf_room(&buf, 10000));
    CHECK(alloc_failed());
    CHECK_INT(buf.err, GH_ENOMEM);
    CHECK_SPAN(gh_buf_span(&buf), "kept");
    gh_buf_fini(&buf);
}
#endif

int main(void)
{
    RUN(grows);
    RUN(writes_text);
    RUN(stops_at_the_limit);
    RUN(survives_a_lowered_limit);
    RUN(refuses_the_default_limit);
    RUN(gives_room_for_nothing);
    RUN(wipes);
#if GH_ALLOC_CAN_FAIL
    RUN(says_when_memory_is_out);
#endif
    return CHECK_REPORT();
}
