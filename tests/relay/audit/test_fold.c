/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats that become one counted record a second, and sources beyond the bound that share one. */
#include "support/check.h"

#include "relay/audit/support_writer.h"

static void stop(void)
{
    gh_audit_stop_now(audit);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static int fold(const char *type, const char *reason, const char *source, uint64_t now_ms)
{
    struct gh_event *event = gh_event_new(type, WALL_US + (int64_t)now_ms * 1000);

    gh_event_text(event, "reason", reason);
    gh_event_text(event, "source", source);
    return gh_audit_put_folded(audit, event, reason, gh_span_str(source), now_ms);
}

static void repeats_become_one_record_a_second(void)
{
    writer_open((struct gh_audit_options){ 0 });
    for (uint64_t now = 0; now < 3000; now += 10) {
        CHECK_INT(fold("policy.refuse", "key_exposed", "192.0.2.1", now), 0);
        CHECK_INT(fold("policy.refuse", "key_exposed", "192.0.2.2", now), 0);
    }
    CHECK_INT(fold("policy.refuse", "no_rule", "192.0.2.1", 2999), 0); /* another reason, another type */
    CHECK_INT(fold("tls.refuse", "key_exposed", "192.0.2.1", 2999), 0);
    gh_audit_tick(audit, 3000);
    gh_audit_tick(audit, 5000); /* a second without a repeat ends it */
    CHECK_INT(fold("policy.refuse", "key_exposed", "192.0.2.1", 5001), 0);
    CHECK_INT(fold("policy.refuse", "key_exposed", "192.0.2.1", 5002), 0);
    CHECK_INT(stats().folded, 2 * 299 + 1);
    stop(); /* and what was counted last is not lost */
    CHECK_INT(count_lines("\"reason\":\"key_exposed\",\"source\":\"192.0.2.1\"}"), 3); /* two first, one of tls */
    CHECK_INT(count_lines("\"type\":\"policy.refuse\",\"reason\":\"key_exposed\",\"source\":\"192.0.2.2\"}"), 1);
    CHECK_INT(count_lines("\"source\":\"192.0.2.2\",\"count\":99,"), 1);
    CHECK_INT(count_lines("\"source\":\"192.0.2.2\",\"count\":100,\"last_ts\":\"2026-11-23T09:14:09.104Z\"}"), 1);
    CHECK_INT(count_lines("\"count\":100,"), 4);
    CHECK_INT(count_lines("\"count\":1,"), 1);
    CHECK_INT(lines_that_hold(), 12);
    writer_close();
}

static void many_sources_share_one_record(void)
{
    char source[32];

    writer_open((struct gh_audit_options){ 0 });
    for (int i = 0; i < GH_AUDIT_FOLD_MAX + 500; i++) {
        snprintf(source, sizeof(source), "198.51.%d.%d", i / 256, i % 256);
        CHECK_INT(fold("tls.refuse", "cert_missing", source, 5), 0);
    }
    CHECK_INT(stats().folded, 499);
    gh_audit_tick(audit, 1005);
    stop();
    CHECK_INT(count_lines("\"count\":499,"), 1);
    CHECK_INT(count_lines("\"sources\":\"many\""), 1);
    CHECK_INT(lines_that_hold(), GH_AUDIT_FOLD_MAX + 2);
    writer_close();
}

int main(void)
{
    RUN(repeats_become_one_record_a_second);
    RUN(many_sources_share_one_record);
    return CHECK_REPORT();
}
