/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that a crash cut off are found, with what was last known of them. */
#include "support/check.h"


#include "audit/lost.h"
#include "relay/audit/support_audit.h"

#define CALLS_MAX 2000

static struct gh_lost_call lost[CALLS_MAX];
static size_t lost_count;

static void keep(void *arg, const struct gh_lost_call *call)
{
    CHECK(arg == lost);
    if (lost_count < CALLS_MAX)
        lost[lost_count] = *call;
    lost_count++;
}

static void scan(const char *dir)
{
    lost_count = 0;
    CHECK_INT(gh_lost_scan(dir, keep, lost), 0);
}

static int64_t now_us = WALL_US;

static void add(struct gh_ledger *ledger, const char *type, const char *call, const char *grade)
{
    struct gh_event *event = gh_event_new(type, now_us);

    now_us += 1000000;
    gh_event_text(event, "call", call);
    if (strcmp(type, "call.start") == 0) {
        gh_event_str(event, "from", GH_SPAN("1018"));
        gh_event_str(event, "to", GH_SPAN("98\"98"));
    }
    if (grade)
        gh_event_text(event, "grade", grade);
    CHECK_INT(add_event(ledger, event), 0);
    CHECK_INT(gh_ledger_commit(ledger), 0);
}

static struct gh_ledger *open_rotating(const char *dir, uint64_t rotate_octets)
{
    char why[GH_LEDGER_WHY_MAX];
    struct gh_ledger *ledger = NULL;

    CHECK_INT(gh_ledger_open(&ledger, dir, now_us, rotate_octets, why), 0);
    return ledger;
}

/* The same in one file and with a new file for every record. */
static void check_story(uint64_t rotate_octets)
{
    const char *dir = fresh_dir();
    struct gh_ledger *ledger;

    now_us = WALL_US;
    scan(dir); /* not even a directory */
    CHECK_INT(lost_count, 0);
    ledger = open_rotating(dir, rotate_octets);
    add(ledger, "daemon.start", NULL, NULL);
    add(ledger, "call.start", "over", NULL);
    add(ledger, "call.start", "silent", NULL);         /* 09 */
    add(ledger, "call.start", "graded", NULL);         /* 10 */
    add(ledger, "call.media", "graded", "mixed");
    add(ledger, "call.end", "over", "clear");
    add(ledger, "call.grade", "graded", "hop_by_hop"); /* 13 */
    add(ledger, "call.rekey", "graded", NULL);         /* 14 */
    add(ledger, "call.media", "stranger", "clear");
    add(ledger, "policy.refuse", "graded", NULL);      /* 16: tells that the call was alive */
    scan(dir);
    CHECK_INT(lost_count, 2);
    CHECK_STR(lost[0].call, "silent");
    CHECK_STR(lost[0].from, "1018");
    CHECK_STR(lost[0].to, "98\"98");
    CHECK_STR(lost[0].grade, "none");
    CHECK_STR(lost[0].start_ts, "2026-11-23T09:14:09.114Z");
    CHECK_STR(lost[0].last_ts, "2026-11-23T09:14:09.114Z");
    CHECK_STR(lost[1].call, "graded");
    CHECK_STR(lost[1].grade, "hop_by_hop");
    CHECK_STR(lost[1].start_ts, "2026-11-23T09:14:10.114Z");
    CHECK_STR(lost[1].last_ts, "2026-11-23T09:14:16.114Z");
    add(ledger, "call.lost", "silent", "none");
    scan(dir);
    CHECK_INT(lost_count, 1);
    CHECK_STR(lost[0].call, "graded");
    add(ledger, "call.lost", "graded", "hop_by_hop");
    scan(dir);
    CHECK_INT(lost_count, 0);
    gh_ledger_close(ledger);
    remove_dir(dir);
}

static void lost_calls_are_found(void)
{
    check_story(UINT64_MAX);
    check_story(1);
}

/* Whoever a peer says he is, he does not end a call. */
static void a_peer_cannot_end_a_call(void)
{
    const char *dir = fresh_dir();
    struct gh_ledger *ledger = open_rotating(dir, UINT64_MAX);
    struct gh_event *event;

    add(ledger, "call.start", "one", NULL);
    event = gh_event_new("policy.refuse", now_us);
    gh_event_str(event, "from", GH_SPAN("\",\"type\":\"call.end\",\"call\":\"one\""));
    CHECK_INT(add_event(ledger, event), 0);
    CHECK_INT(gh_ledger_commit(ledger), 0);
    scan(dir);
    CHECK_INT(lost_count, 1);
    gh_ledger_close(ledger);
    remove_dir(dir);
}

static void damaged_lines_are_passed_over(void)
{
    const char *dir = fresh_dir();
    struct gh_ledger *ledger = open_rotating(dir, UINT64_MAX);
    size_t len;
    char *text;

    add(ledger, "call.start", "one", NULL);
    add(ledger, "call.end", "one", NULL);
    gh_ledger_close(ledger);
    text = read_file(dir, FIRST_FILE, &len);
    text[len - 3] = '\\'; /* the end is not JSON any more */
    write_file(dir, FIRST_FILE, text, len);
    scan(dir);
    CHECK_INT(lost_count, 1);
    write_file(dir, FIRST_FILE, text, len / 2 + 20);
    scan(dir);
    CHECK_INT(lost_count, 1);
    memcpy(text + len - 3, "\" \n", 3); /* the id can be read, the rest of the record is gone */
    write_file(dir, FIRST_FILE, text, len);
    scan(dir);
    CHECK_INT(lost_count, 1);
    free(text);
    remove_dir(dir);
}

/* What is known of a lost call goes into its record, and is not escaped a second time. */
static void the_record_of_a_lost_call(void)
{
    const char *dir = fresh_dir();
    struct gh_ledger *ledger = open_rotating(dir, UINT64_MAX);
    struct gh_event *event = gh_event_new("call.start", WALL_US);
    struct gh_span text;

    gh_event_text(event, "call", "one");
    gh_event_text(event, "trunk", "CUCMA");
    gh_event_str(event, "from", GH_SPAN("a\xff\\xFE\"\x1b"));
    CHECK_INT(add_event(ledger, event), 0);
    CHECK_INT(gh_ledger_commit(ledger), 0);
    scan(dir);
    CHECK_INT(lost_count, 1);
    event = gh_lost_event(&lost[0], WALL_US + 5000000);
    CHECK_INT(gh_event_finish(event, &text), 0);
    CHECK_SPAN(text, "\"ts\":\"2026-11-23T09:14:12.114Z\",\"type\":\"call.lost\",\"call\":\"one\","
                     "\"from\":\"a\\\\xFF\\\\x5CxFE\\\"\\u001b\",\"trunk\":\"CUCMA\",\"grade\":\"none\","
                     "\"start_ts\":\"2026-11-23T09:14:07.114Z\","
                     "\"unknown_since\":\"2026-11-23T09:14:07.114Z\"}");
    CHECK_INT(add_event(ledger, event), 0);
    CHECK_INT(gh_ledger_commit(ledger), 0);
    scan(dir);
    CHECK_INT(lost_count, 0);
    gh_ledger_close(ledger);
    remove_dir(dir);
}

/* More calls than the table begins with; they come in the order in which they began. */
static void many_calls(void)
{
    const char *dir = fresh_dir();
    struct gh_ledger *ledger = open_rotating(dir, UINT64_MAX);
    char id[32];

    for (int i = 0; i < CALLS_MAX; i++) {
        snprintf(id, sizeof(id), "call-%d", i);
        add(ledger, "call.start", id, NULL);
    }
    for (int i = 0; i < CALLS_MAX; i += 2) {
        snprintf(id, sizeof(id), "call-%d", i);
        add(ledger, "call.end", id, NULL);
    }
    scan(dir);
    CHECK_INT(lost_count, CALLS_MAX / 2);
    for (int i = 0; i < CALLS_MAX / 2; i++) {
        snprintf(id, sizeof(id), "call-%d", 2 * i + 1);
        CHECK_STR(lost[i].call, id);
    }
    gh_ledger_close(ledger);
    remove_dir(dir);
}

int main(void)
{
    RUN(lost_calls_are_found);
    RUN(a_peer_cannot_end_a_call);
    RUN(damaged_lines_are_passed_over);
    RUN(the_record_of_a_lost_call);
    RUN(many_calls);
    return CHECK_REPORT();
}
