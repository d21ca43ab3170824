/* SPDX-License-Identifier: Apache-2.0 */
/* What verify finds, and what it must not claim: tampering, lines that moved or went, torn and strange files. */
#include "support/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gatehouse/record.h>

#include "audit/line.h"
#include "relay/audit/support_audit.h"

#define LINES 5

struct found_kinds {
    unsigned of[GH_RECORD_FINDING_COUNT];
    struct gh_record_finding last;
};

static void count_finding(void *arg, const struct gh_record_finding *finding)
{
    struct found_kinds *tally = arg;

    tally->of[finding->kind]++;
    tally->last = *finding;
}

static struct found_kinds tally;

static struct gh_record_verdict verify_anchored(const char *dir, const struct gh_record_anchor *anchor)
{
    struct gh_record_verdict verdict = { .consistent = false };

    memset(&tally, 0, sizeof(tally));
    CHECK_INT(gh_record_verify(dir, anchor, count_finding, &tally, &verdict), 0);
    CHECK_INT(verdict.consistent, verdict.broken == 0);
    return verdict;
}

static struct gh_record_verdict verify(const char *dir)
{
    return verify_anchored(dir, NULL);
}

/* A small ledger: its text, where its lines begin, and its head. */
static const char *dir;
static char *text;
static size_t len, begins[LINES + 1];
static struct gh_record_anchor head;

static void set_up(void)
{
    struct gh_record_verdict verdict;
    size_t line = 0;

    dir = fresh_dir();
    make_ledger(dir, LINES);
    text = read_file(dir, FIRST_FILE, &len);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            begins[++line] = i + 1;
    }
    verdict = verify(dir);
    CHECK(verdict.consistent);
    CHECK(!verdict.anchored);
    CHECK_INT(verdict.records, LINES);
    CHECK_INT(verdict.files, 1);
    CHECK_INT(verdict.head_seq, LINES);
    CHECK_INT(verdict.findings, 0);
    CHECK_STR(verdict.first_ts, "2026-11-23T09:14:07.114Z");
    CHECK_STR(verdict.last_ts, "2026-11-23T09:14:07.118Z");
    head.seq = verdict.head_seq;
    memcpy(head.hash, verdict.head, sizeof(head.hash));
}

static void tear_down(void)
{
    free(text);
    remove_dir(dir);
}

/* The line with index @i, with its LF, onto @out.  @return its length */
static size_t copy_line(char *out, size_t i)
{
    memcpy(out, text + begins[i], begins[i + 1] - begins[i]);
    return begins[i + 1] - begins[i];
}

/* ---- tampering ---- */

/* Without an anchor every octet is covered but those of the last line, which nothing follows: there the head
 * differs, and an anchor shows it. */
static void every_octet_changed(void)
{
    static const unsigned char masks[] = { 0x01, 0x20, 0x80, 0xff };

    set_up();
    for (size_t i = 0; i < len; i++) {
        for (size_t m = 0; m < sizeof(masks); m++) {
            char before = text[i];
            struct gh_record_verdict verdict;

            text[i] = (char)((unsigned char)before ^ masks[m]);
            write_file(dir, FIRST_FILE, text, len);
            verdict = verify(dir);
            if (i < begins[LINES - 1] || i == len - 1)
                CHECK(!verdict.consistent);
            CHECK(!verdict.consistent || memcmp(verdict.head, head.hash, sizeof(head.hash)) != 0);
            verdict = verify_anchored(dir, &head);
            CHECK(!verdict.consistent);
            CHECK(!verdict.anchored || i < begins[LINES - 1]);
            text[i] = before;
        }
    }
    tear_down();
}

static void every_octet_removed_or_doubled(void)
{
    char *changed;

    set_up();
    changed = malloc(len + 1);
    for (size_t i = 0; i < len; i++) {
        memcpy(changed, text, i);
        memcpy(changed + i, text + i + 1, len - i - 1);
        write_file(dir, FIRST_FILE, changed, len - 1);
        CHECK(!verify_anchored(dir, &head).consistent);
        memcpy(changed, text, i + 1);
        memcpy(changed + i + 1, text + i, len - i);
        write_file(dir, FIRST_FILE, changed, len + 1);
        CHECK(!verify_anchored(dir, &head).consistent);
    }
    free(changed);
    tear_down();
}

/* Findings in their order, one a row: "prev_mismatch 2: ...". */
static char told[8192];

static void write_finding(void *arg, const struct gh_record_finding *finding)
{
    size_t at = strlen(told);

    (void)arg;
    snprintf(told + at, sizeof(told) - at, "%s %s:%u: %s\n", gh_record_finding_word(finding->kind), finding->file,
             (unsigned)finding->line, finding->text);
}

static struct gh_record_verdict verify_told(const char *place)
{
    struct gh_record_verdict verdict = { .consistent = false };

    told[0] = 0;
    CHECK_INT(gh_record_verify(place, NULL, write_finding, NULL, &verdict), 0);
    return verdict;
}

/* @want  how the row of @number ends */
static void check_told(const char *file, unsigned number, const char *want)
{
    char begin[128];
    const char *row, *end;

    snprintf(begin, sizeof(begin), "prev_mismatch %s:%u: expected sha256 ", file, number);
    row = strstr(told, begin);
    end = row ? strchr(row, '\n') : NULL;
    if (!CHECK(end && (size_t)(end - row) > strlen(want) && strncmp(end - strlen(want), want, strlen(want)) == 0))
        fprintf(stderr, "wanted line %u ... %s, got:\n%s", number, want, told);
}

/* Who changes a line breaks the link to the next one: that is not where to look. */
static void the_changed_line_is_named(void)
{
    struct gh_record_verdict verdict;

    set_up();
    for (unsigned line = 1; line < LINES; line++) {
        char before = text[begins[line] - 3], want[128];

        text[begins[line] - 3] = before == '7' ? '8' : '7';
        write_file(dir, FIRST_FILE, text, len);
        verdict = verify_told(dir);
        CHECK_INT(verdict.broken, 1);
        CHECK_INT(verdict.first_broken.kind, GH_RECORD_PREV_MISMATCH);
        CHECK_STR(verdict.first_broken.file, FIRST_FILE);
        CHECK_INT(verdict.first_broken.line, line);
        if (line < LINES - 1)
            snprintf(want, sizeof(want), "; changed: this line, or line %u and all after it", line + 1);
        else
            snprintf(want, sizeof(want), "; changed: this line or line %u; no line follows that tells which", LINES);
        check_told(FIRST_FILE, line, want);
        text[begins[line] - 3] = before;
    }
    tear_down();
}

/* A line whose prev was changed fits neither neighbour. */
static void the_line_between_two_that_do_not_fit(void)
{
    char *prev_of_3;

    set_up();
    prev_of_3 = strstr(text + begins[2], "\"prev\":\"") + strlen("\"prev\":\"");
    *prev_of_3 = *prev_of_3 == '0' ? '1' : '0';
    write_file(dir, FIRST_FILE, text, len);
    CHECK_INT(verify_told(dir).broken, 2);
    check_told(FIRST_FILE, 2, "; changed: this line or line 3, which the line after it does not fit either");
    check_told(FIRST_FILE, 3, "; changed: this line, or line 4 and all after it");
    tear_down();
}

static void a_changed_number_is_told_from_a_missing_line(void)
{
    set_up();
    text[begins[2] + strlen("{\"v\":1,\"seq\":")] = '9';
    write_file(dir, FIRST_FILE, text, len);
    verify_told(dir);
    CHECK(strstr(told, "seq_gap " FIRST_FILE ":3: expected seq 3, found 9; prev fits: it is the number that was "
                       "changed\n") == told);
    CHECK(strstr(told, "seq_gap " FIRST_FILE ":4: expected seq 10, found 4\n") != NULL);
    write_file(dir, FIRST_FILE, text + begins[3], len - begins[3]);
    verify_told(dir);
    CHECK(strstr(told, "seq_gap " FIRST_FILE ":1: expected seq 1, found 4\n") == told);
    CHECK(strstr(told, ", with which a ledger begins, found ") != NULL);
    tear_down();
}

/* The line that waits, and what is found at the next one: in the order of the ledger, over two files. */
static void findings_keep_their_order(void)
{
    static const char *const types[] = { "daemon.start", "daemon.start", "daemon.start" };
    static const char second[] = "ledger-00000000000000000002.jsonl";
    const char *place = fresh_dir();
    char why[GH_LEDGER_WHY_MAX], *all, *row;
    struct gh_ledger *ledger;
    size_t size, first;

    CHECK_OR_STOP(gh_ledger_open(&ledger, place, WALL_US, UINT64_MAX, why) == 0);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        CHECK_INT(add_event(ledger, gh_event_new(types[i], WALL_US)), 0);
    CHECK_INT(gh_ledger_commit(ledger), 0);
    gh_ledger_close(ledger);
    all = read_file(place, FIRST_FILE, &size);
    first = (size_t)((char *)memchr(all, '\n', size) - all) + 1;
    write_file(place, second, all + first, size - first);
    *strstr(all, ".114Z") = ',';
    write_file(place, FIRST_FILE, all, first);
    verify_told(place);
    CHECK(strstr(told, "bad_field " FIRST_FILE ":1: ") == told);
    *strstr(all, ",114Z") = '.';
    memcpy(strstr(all, "T09:14"), "T09:15", 6);
    write_file(place, FIRST_FILE, all, first);
    verify_told(place);
    check_told(FIRST_FILE, 1, "; changed: this line, or ledger-00000000000000000002.jsonl:1 and all after it");
    CHECK(strstr(told, "prev_mismatch " FIRST_FILE ":1: ") == told);
    row = strchr(told, '\n');
    CHECK(row && strstr(row + 1, "unclean_stop ledger-00000000000000000002.jsonl:1: ") == row + 1);
    row = row ? strchr(row + 1, '\n') : NULL;
    CHECK(row && strstr(row + 1, "unclean_stop ledger-00000000000000000002.jsonl:2: ") == row + 1);
    free(all);
    remove_dir(place);
}

static void lines_in_another_order(void)
{
    char *changed;

    set_up();
    changed = malloc(len);
    for (size_t a = 0; a < LINES; a++) {
        for (size_t b = a + 1; b < LINES; b++) {
            size_t at = 0;

            for (size_t i = 0; i < LINES; i++)
                at += copy_line(changed + at, i == a ? b : i == b ? a : i);
            write_file(dir, FIRST_FILE, changed, at);
            CHECK(!verify(dir).consistent);
            CHECK(tally.of[GH_RECORD_SEQ_GAP] >= 2);
        }
    }
    free(changed);
    tear_down();
}

static void a_line_removed(void)
{
    struct gh_record_verdict verdict;
    char *changed;

    set_up();
    changed = malloc(len);
    for (size_t gone = 0; gone < LINES; gone++) {
        size_t at = 0;

        for (size_t i = 0; i < LINES; i++) {
            if (i != gone)
                at += copy_line(changed + at, i);
        }
        write_file(dir, FIRST_FILE, changed, at);
        verdict = verify(dir);
        /* The last line cannot be missed by the chain, and verify must not claim more than it saw. */
        CHECK_INT(verdict.consistent, gone == LINES - 1);
        CHECK(!verdict.anchored);
        CHECK_INT(verdict.head_seq, gone == LINES - 1 ? LINES - 1 : LINES);
        verdict = verify_anchored(dir, &head);
        CHECK(!verdict.consistent);
        CHECK_INT(tally.of[GH_RECORD_NOT_REPRODUCED], gone == LINES - 1);
    }
    free(changed);
    tear_down();
}

/* The seq numbers made to fit again: the hashes still tell. */
static void a_line_removed_and_renumbered(void)
{
    char *changed, *digit;
    size_t at = 0;

    set_up();
    changed = malloc(len + 1);
    for (size_t i = 0; i < LINES; i++) {
        if (i == 2)
            continue;
        digit = changed + at + strlen("{\"v\":1,\"seq\":");
        at += copy_line(changed + at, i);
        if (i > 2)
            (*digit)--;
    }
    write_file(dir, FIRST_FILE, changed, at);
    CHECK(!verify(dir).consistent);
    CHECK_INT(tally.of[GH_RECORD_SEQ_GAP], 0);
    CHECK(tally.of[GH_RECORD_PREV_MISMATCH] > 0);
    free(changed);
    tear_down();
}

static void cut_at_every_octet(void)
{
    set_up();
    for (size_t cut = 0; cut < len; cut++) {
        bool between = false;

        for (size_t i = 1; i <= LINES; i++)
            between = between || cut == begins[i];
        write_file(dir, FIRST_FILE, text, cut);
        CHECK_INT(verify(dir).consistent, between);
        CHECK_INT(tally.of[GH_RECORD_TORN_TAIL], cut && !between);
        CHECK_INT(tally.of[GH_RECORD_EMPTY], cut == 0);
        CHECK(!verify_anchored(dir, &head).consistent);
    }
    tear_down();
}

/* ---- anchors ---- */

static void an_anchor_is_reproduced_or_not(void)
{
    struct gh_record_verdict verdict;
    struct gh_record_anchor other;

    set_up();
    verdict = verify_anchored(dir, &head);
    CHECK(verdict.consistent && verdict.anchored);
    CHECK_STR(verdict.anchored_ts, "2026-11-23T09:14:07.118Z");
    make_ledger(dir, 1); /* more after it: still anchored to where it was */
    verdict = verify_anchored(dir, &head);
    CHECK(verdict.consistent && verdict.anchored);
    CHECK_STR(verdict.anchored_ts, "2026-11-23T09:14:07.118Z");
    other = head;
    other.hash[31] ^= 1;
    verdict = verify_anchored(dir, &other);
    CHECK(!verdict.consistent && !verdict.anchored);
    CHECK_INT(verdict.first_broken.kind, GH_RECORD_NOT_REPRODUCED);
    other = head;
    other.seq = 99;
    CHECK(!verify_anchored(dir, &other).consistent);
    tear_down();
}

/* ---- several files ---- */

static void a_file_missing_or_renamed(void)
{
    static const char *const names[] = { FIRST_FILE, "ledger-00000000000000000002.jsonl",
                                         "ledger-00000000000000000003.jsonl" };
    char path[4200], other[4200];

    set_up();
    for (size_t i = 0; i < 3; i++)
        write_file(dir, names[i], text + begins[i], begins[i + 1] - begins[i]);
    CHECK(verify(dir).consistent);
    for (size_t i = 0; i < 2; i++) { /* the last one cannot be missed */
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
        CHECK(!verify(dir).consistent);
        CHECK_INT(tally.of[GH_RECORD_SEQ_GAP], 1);
        write_file(dir, names[i], text + begins[i], begins[i + 1] - begins[i]);
    }
    snprintf(other, sizeof(other), "%s/ledger-00000000000000000009.jsonl", dir);
    snprintf(path, sizeof(path), "%s/%s", dir, names[2]);
    CHECK_INT(rename(path, other), 0);
    CHECK(!verify(dir).consistent);
    CHECK_INT(tally.of[GH_RECORD_FILE_NAME], 1);
    tear_down();
}

static void strange_files(void)
{
    char path[4200];
    char *big;

    set_up();
    snprintf(path, sizeof(path), "%s/ledger-00000000000000000006.jsonl", dir);
    CHECK_INT(mkfifo(path, 0600), 0);
    CHECK(!verify(dir).consistent); /* and verify does not wait for a writer */
    CHECK_INT(tally.of[GH_RECORD_FILE_UNREADABLE], 1);
    unlink(path);
    CHECK_INT(symlink("/etc/passwd", path), 0);
    CHECK(!verify(dir).consistent);
    CHECK_INT(tally.of[GH_RECORD_FILE_UNREADABLE], 1);
    unlink(path);
    write_file(dir, "ledger-1.jsonl", "x", 1); /* not a name of ours */
    CHECK(verify(dir).consistent);
    big = malloc(3 * GH_RECORD_LINE_MAX);
    memset(big, 'x', 3 * GH_RECORD_LINE_MAX);
    big[3 * GH_RECORD_LINE_MAX - 1] = '\n';
    write_file(dir, "ledger-00000000000000000006.jsonl", big, 3 * GH_RECORD_LINE_MAX);
    CHECK(!verify(dir).consistent);
    CHECK_INT(tally.of[GH_RECORD_LINE_TOO_LONG], 1);
    CHECK_INT(verify(dir).records, LINES + 1);
    write_file(dir, "ledger-00000000000000000006.jsonl", big, 2 * GH_RECORD_LINE_MAX);
    CHECK(!verify(dir).consistent);
    CHECK_INT(tally.of[GH_RECORD_TORN_TAIL], 1);
    free(big);
    tear_down();
}

static void nothing_to_verify(void)
{
    struct gh_record_verdict verdict;
    const char *empty = fresh_dir();

    CHECK_INT(gh_record_verify(empty, NULL, NULL, NULL, &verdict), -ENOENT);
    CHECK_INT(mkdir(empty, 0700), 0);
    CHECK_INT(gh_record_verify(empty, NULL, NULL, NULL, &verdict), GH_ENOTFOUND);
    remove_dir(empty);
}

/* ---- single lines ---- */

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define LINE(v, seq, prev, ts, type)                                                    \
    "{\"v\":" v ",\"seq\":" seq ",\"prev\":\"" prev "\",\"ts\":\"" ts "\",\"type\":\"" type "\"}\n"
#define TS "2026-11-23T09:14:07.114Z"

static void lines_of_every_kind(void)
{
    static const struct {
        const char *line;
        int want; /* -1: sound */
    } rows[] = {
        { LINE("1", "1", ZEROS, TS, "a.b"), -1 },
        { "{ \"type\":\"a.b\", \"v\":1, \"x\":[], \"seq\":1, \"prev\":\"" ZEROS "\", \"ts\":\"" TS "\" }\n", -1 },
        { LINE("2", "1", ZEROS, TS, "a.b"), GH_RECORD_BAD_FIELD },
        { LINE("\"1\"", "1", ZEROS, TS, "a.b"), GH_RECORD_BAD_FIELD },
        { LINE("1", "0", ZEROS, TS, "a.b"), GH_RECORD_BAD_FIELD },
        { LINE("1", "1.0", ZEROS, TS, "a.b"), GH_RECORD_BAD_FIELD },
        { LINE("1", "-1", ZEROS, TS, "a.b"), GH_RECORD_BAD_FIELD },
        { LINE("1", "1", "0", TS, "a.b"), GH_RECORD_BAD_FIELD },
        { LINE("1", "1", "00000000000000000000000000000000000000000000000000000000000000zz", TS, "a.b"),
          GH_RECORD_BAD_FIELD },
        { LINE("1", "1", ZEROS, "2026-11-23 09:14:07", "a.b"), GH_RECORD_BAD_FIELD },
        { LINE("1", "1", ZEROS, TS, ""), GH_RECORD_BAD_FIELD },
        { LINE("1", "1", ZEROS, TS, "a type that is longer than any of ours is"), GH_RECORD_BAD_FIELD },
        { "{}\n", GH_RECORD_BAD_FIELD },
        { "[]\n", GH_RECORD_BAD_JSON },
        { "\n", GH_RECORD_BAD_JSON },
        { "{\"v\":1\n", GH_RECORD_BAD_JSON },
        { "{\"v\":1,\"v\":1}\n", GH_RECORD_BAD_JSON }, /* a name twice */
        { "{} {}\n", GH_RECORD_BAD_JSON },
        { "{\"v\":\"\xff\"}\n", GH_RECORD_BAD_JSON },
        { LINE("1", "2", ZEROS, TS, "a.b"), GH_RECORD_SEQ_GAP },
        { LINE("1", "99999999999999999999", ZEROS, TS, "a.b"), GH_RECORD_BAD_JSON },
        { LINE("1", "1", "1000000000000000000000000000000000000000000000000000000000000000", TS, "a.b"),
          GH_RECORD_PREV_MISMATCH },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *place = fresh_dir();
        struct gh_record_verdict verdict;

        CHECK_INT(mkdir(place, 0700), 0);
        write_file(place, FIRST_FILE, rows[i].line, strlen(rows[i].line));
        verdict = verify(place);
        if (rows[i].want < 0)
            CHECK(verdict.consistent);
        else if (CHECK(!verdict.consistent))
            CHECK_INT(verdict.first_broken.kind, rows[i].want);
        for (const char *p = tally.last.text; *p; p++)
            CHECK(*p >= 0x20 && *p < 0x7f);
        remove_dir(place);
    }
}

static void starts_and_stops(void)
{
    static const char *const types[] = { "daemon.start", "daemon.stop", "daemon.start", "daemon.start",
                                         "audit.dropped", "daemon.stop" };
    const char *place = fresh_dir();
    char why[GH_LEDGER_WHY_MAX];
    struct gh_record_verdict verdict;
    struct gh_ledger *ledger;

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_OR_STOP(gh_ledger_open(&ledger, place, WALL_US, UINT64_MAX, why) == 0);
        CHECK_INT(add_event(ledger, gh_event_new(types[i], WALL_US)), 0);
        CHECK_INT(gh_ledger_commit(ledger), 0);
        CHECK(verify(place).writer_running);
        gh_ledger_close(ledger);
        verdict = verify(place);
        CHECK(verdict.consistent);
        CHECK(!verdict.writer_running);
        CHECK_INT(verdict.stopped_cleanly, i == 1 || i == 5);
    }
    CHECK_INT(tally.of[GH_RECORD_UNCLEAN_STOP], 1);
    CHECK_INT(tally.of[GH_RECORD_DROPPED], 1);
    CHECK_INT(verdict.findings, 2);
    remove_dir(place);
}

/* Half a line while a daemon holds the lock is not damage. */
static void a_line_being_written(void)
{
    char why[GH_LEDGER_WHY_MAX];
    struct gh_ledger *ledger;

    set_up();
    CHECK_OR_STOP(gh_ledger_open(&ledger, dir, WALL_US, UINT64_MAX, why) == 0);
    write_file(dir, FIRST_FILE, text, len - 10);
    CHECK(verify(dir).consistent);
    CHECK_INT(tally.of[GH_RECORD_BEING_WRITTEN], 1);
    /* Only the newest file grows: half a line in another one is damage, daemon or not. */
    write_file(dir, "ledger-00000000000000000005.jsonl", text + begins[4], begins[5] - begins[4]);
    CHECK(!verify(dir).consistent);
    CHECK_INT(tally.of[GH_RECORD_TORN_TAIL], 1);
    CHECK_INT(tally.of[GH_RECORD_BEING_WRITTEN], 0);
    write_file(dir, "ledger-00000000000000000005.jsonl", "", 0);
    gh_ledger_close(ledger);
    CHECK(!verify(dir).consistent);
    tear_down();
}

static void every_kind_has_words(void)
{
    for (int kind = 0; kind < GH_RECORD_FINDING_COUNT; kind++) {
        CHECK(gh_record_finding_word((enum gh_record_finding_kind)kind)[0] != 0);
        CHECK(gh_record_finding_text((enum gh_record_finding_kind)kind)[0] != 0);
    }
    CHECK(gh_record_finding_broken(GH_RECORD_FINDING_COUNT));
    CHECK(!gh_record_finding_broken(GH_RECORD_UNCLEAN_STOP));
}

static void times_are_read_back(void)
{
    int64_t us = 0;

    CHECK(gh_line_time("2026-11-23T09:14:07.114Z", &us));
    CHECK_INT(us, WALL_US);
    CHECK(!gh_line_time("2026-11-23T09:14:07Z", &us));
    CHECK(!gh_line_time("2026-11-23T09:14:07.114+", &us));
    CHECK(!gh_line_time("", &us));
}

int main(void)
{
    RUN(every_octet_changed);
    RUN(every_octet_removed_or_doubled);
    RUN(the_changed_line_is_named);
    RUN(the_line_between_two_that_do_not_fit);
    RUN(a_changed_number_is_told_from_a_missing_line);
    RUN(findings_keep_their_order);
    RUN(lines_in_another_order);
    RUN(a_line_removed);
    RUN(a_line_removed_and_renumbered);
    RUN(cut_at_every_octet);
    RUN(an_anchor_is_reproduced_or_not);
    RUN(a_file_missing_or_renamed);
    RUN(strange_files);
    RUN(nothing_to_verify);
    RUN(lines_of_every_kind);
    RUN(starts_and_stops);
    RUN(a_line_being_written);
    RUN(every_kind_has_words);
    RUN(times_are_read_back);
    return CHECK_REPORT();
}
