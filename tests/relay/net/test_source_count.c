/* SPDX-License-Identifier: Apache-2.0 */
#include "net/source_count.h"

#include "support/alloc_fail.h"
#include "support/check.h"

static struct gh_addr addr(const char *text, uint16_t port)
{
    struct gh_addr out = { 0 };

    if (gh_addr_parse_ip(gh_span_str(text), port, &out))
        abort();
    return out;
}

static void counts_each_address(void)
{
    struct gh_addr a = addr("192.0.2.1", 1000), b = addr("192.0.2.2", 1000),
                   a2 = addr("192.0.2.1", 2000);
    struct gh_source_count *counts;

    CHECK_INT(gh_source_count_new(&counts), 0);
    CHECK(!gh_source_count_has(counts, &a));
    CHECK_INT(gh_source_count_add(counts, &a, 2), 0);
    CHECK(gh_source_count_has(counts, &a2) && !gh_source_count_has(counts, &b));
    CHECK_INT(gh_source_count_add(counts, &a2, 2), 0); /* the port plays no part */
    CHECK_INT(gh_source_count_add(counts, &a, 2), GH_EFULL);
    CHECK_INT(gh_source_count_add(counts, &b, 2), 0);
    gh_source_count_drop(counts, &a2);
    CHECK_INT(gh_source_count_add(counts, &a, 2), 0);
    CHECK_INT(gh_source_count_add(counts, &a, 2), GH_EFULL);
    CHECK_INT(gh_source_count_add(counts, &a, 3), 0); /* a reload raised it */
    CHECK_INT(gh_source_count_add(counts, &b, 0), GH_EFULL);
    gh_source_count_drop(counts, &b);
    CHECK(!gh_source_count_has(counts, &b));
    gh_source_count_free(counts);
    gh_source_count_free(NULL);
}

/* One host has a whole /64: RFC 4291 section 2.5.1, RFC 8981. */
static void counts_a_64_of_ipv6_as_one(void)
{
    struct gh_addr a = addr("2001:db8:0:1::1", 1), same = addr("2001:db8:0:1:ffff::2", 1);
    struct gh_addr next = addr("2001:db8:0:2::1", 1);
    struct gh_addr mapped = addr("::ffff:192.0.2.1", 1), v4 = addr("192.0.2.1", 1);
    struct gh_source_count *counts;

    CHECK_INT(gh_source_count_new(&counts), 0);
    CHECK_INT(gh_source_count_add(counts, &a, 1), 0);
    CHECK_INT(gh_source_count_add(counts, &same, 1), GH_EFULL);
    CHECK_INT(gh_source_count_add(counts, &next, 1), 0);
    CHECK_INT(gh_source_count_add(counts, &mapped, 1), 0);
    CHECK_INT(gh_source_count_add(counts, &v4, 1), GH_EFULL); /* the same host in other clothes */
    gh_source_count_free(counts);
}

static void holds_many(void)
{
    struct gh_source_count *counts;
    struct gh_addr a = addr("10.0.0.0", 1);

    CHECK_INT(gh_source_count_new(&counts), 0);
    for (int i = 0; i < 5000; i++) {
        a.ip[2] = (uint8_t)(i >> 8);
        a.ip[3] = (uint8_t)i;
        if (gh_source_count_add(counts, &a, 1))
            CHECK(false);
        if (gh_source_count_add(counts, &a, 1) != GH_EFULL)
            CHECK(false);
    }
    for (int i = 0; i < 5000; i++) {
        a.ip[2] = (uint8_t)(i >> 8);
        a.ip[3] = (uint8_t)i;
        gh_source_count_drop(counts, &a);
        if (gh_source_count_add(counts, &a, 1))
            CHECK(false);
    }
    CHECK_INT(gh_source_count_add(counts, &a, 1), GH_EFULL);
    gh_source_count_free(counts);
}

#if GH_ALLOC_CAN_FAIL
static void says_when_memory_is_out(void)
{
    struct gh_addr a = addr("192.0.2.1", 1);
    struct gh_source_count *counts = NULL;

    alloc_fail_at(1);
    CHECK_INT(gh_source_count_new(&counts), GH_ENOMEM);
    CHECK(alloc_failed() && !counts);
    CHECK_INT(gh_source_count_new(&counts), 0);
    alloc_fail_at(1);
    CHECK_INT(gh_source_count_add(counts, &a, 1), GH_ENOMEM);
    CHECK(alloc_failed());
    CHECK_INT(gh_source_count_add(counts, &a, 1), 0);
    gh_source_count_free(counts);
}
#endif

int main(void)
{
    RUN(counts_each_address);
    RUN(counts_a_64_of_ipv6_as_one);
    RUN(holds_many);
#if GH_ALLOC_CAN_FAIL
    RUN(says_when_memory_is_out);
#endif
    return CHECK_REPORT();
}
