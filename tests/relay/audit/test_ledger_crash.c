/* SPDX-License-Identifier: Apache-2.0 */
/* What a crash leaves at the end of a ledger, at any octet: what was whole stays, the rest is kept aside. */
#include "support/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "relay/audit/support_audit.h"

/* A crash at any octet of the last line: nothing is lost that was whole, and what was not is kept. */
static void a_line_torn_at_any_octet(void)
{
    const char *dir = fresh_dir();
    size_t len, whole_len, kept_len;
    char *whole, *text, *kept;
    struct tally tally;

    make_ledger(dir, 3);
    whole = read_file(dir, FIRST_FILE, &whole_len);
    len = (size_t)((char *)memrchr(whole, '\n', whole_len - 1) - whole) + 1; /* two lines */
    for (size_t cut = len; cut < whole_len; cut++) {
        struct gh_record_verdict verdict;

        remove_dir(dir);
        CHECK_INT(mkdir(dir, 0700), 0);
        write_file(dir, FIRST_FILE, whole, cut);
        verdict = verify_tally(dir, &tally);
        CHECK_INT(verdict.consistent, cut == len);
        CHECK_INT(tally.of[GH_RECORD_TORN_TAIL], cut != len);
        make_ledger(dir, 1);
        verdict = verify_tally(dir, &tally);
        CHECK(verdict.consistent);
        CHECK_INT(verdict.records, cut == len ? 3 : 4);
        CHECK_INT(tally.of[GH_RECORD_TORN_KEPT], cut != len);
        text = read_file(dir, FIRST_FILE, NULL);
        CHECK(memcmp(text, whole, len) == 0);
        free(text);
        if (cut == len)
            continue;
        kept = read_file(dir, "ledger-00000000000000000001-1.torn", &kept_len);
        if (CHECK(kept != NULL))
            CHECK(gh_span_eq(gh_span_of(kept, kept_len), gh_span_of(whole + len, cut - len)));
        free(kept);
    }
    free(whole);
    remove_dir(dir);
}

/* A file whose only line is torn: it goes, and the next begins with the same number. */
static void a_first_line_torn(void)
{
    const char *dir = fresh_dir();
    static const char *const files[] = { FIRST_FILE };

    CHECK_INT(mkdir(dir, 0700), 0);
    write_file(dir, FIRST_FILE, "{\"v\":1,", 7);
    make_ledger(dir, 1);
    CHECK_INT(second_opinion(dir, files, 1), 2);
    CHECK_INT(size_of(dir, "ledger-00000000000000000001-1.torn"), 7);
    remove_dir(dir);
}

static void a_crash_while_the_torn_line_is_moved(void)
{
    const char *dir = fresh_dir();
    struct gh_record_verdict verdict;
    struct tally tally;
    size_t len;
    char *text;

    /* After step 1: the copy is there, the line is not yet cut off. */
    make_ledger(dir, 2);
    text = read_file(dir, FIRST_FILE, &len);
    write_file(dir, FIRST_FILE, text, len - 5);
    write_file(dir, "ledger-00000000000000000001-1.torn.new", strchr(text, '\n') + 1,
               strlen(strchr(text, '\n') + 1) - 5);
    make_ledger(dir, 0);
    verdict = verify_tally(dir, &tally);
    CHECK(verdict.consistent);
    CHECK_INT(tally.of[GH_RECORD_TORN_KEPT], 1);
    CHECK(!file_exists(dir, "ledger-00000000000000000001-2.torn"));
    /* After step 2: cut off, the record is due; and its own line is torn as well. */
    write_file(dir, "ledger-00000000000000000001-2.torn.new", "{\"other", 7);
    free(text);
    text = read_file(dir, FIRST_FILE, &len);
    text = realloc(text, len + 4);
    memcpy(text + len, "{\"v", 3);
    write_file(dir, FIRST_FILE, text, len + 3);
    make_ledger(dir, 0);
    verdict = verify_tally(dir, &tally);
    CHECK(verdict.consistent);
    CHECK_INT(tally.of[GH_RECORD_TORN_KEPT], 3);
    CHECK_INT(size_of(dir, "ledger-00000000000000000001-2.torn"), 7);
    CHECK_INT(size_of(dir, "ledger-00000000000000000001-3.torn"), 3);
    /* After step 3: recorded, not renamed.  Recorded twice, then. */
    {
        char from[4200], to[4200];

        snprintf(from, sizeof(from), "%s/ledger-00000000000000000001-3.torn", dir);
        snprintf(to, sizeof(to), "%s/ledger-00000000000000000001-3.torn.new", dir);
        CHECK_INT(rename(from, to), 0);
    }
    make_ledger(dir, 0);
    verdict = verify_tally(dir, &tally);
    CHECK(verdict.consistent);
    CHECK_INT(tally.of[GH_RECORD_TORN_KEPT], 4);
    free(text);
    remove_dir(dir);
}

/* ext4 after a power cut: the length is there, the octets are not. */
static void a_tail_of_zeros(void)
{
    const char *dir = fresh_dir();
    static char zeros[300000];
    struct tally tally;
    size_t len;
    char *text;

    make_ledger(dir, 2);
    text = read_file(dir, FIRST_FILE, &len);
    text = realloc(text, len + sizeof(zeros));
    memcpy(text + len, zeros, sizeof(zeros));
    write_file(dir, FIRST_FILE, text, len + sizeof(zeros));
    make_ledger(dir, 1);
    CHECK(verify_tally(dir, &tally).consistent);
    CHECK_INT(tally.of[GH_RECORD_TORN_KEPT], 1);
    CHECK_INT(size_of(dir, "ledger-00000000000000000001-1.torn"), sizeof(zeros));
    free(text);
    remove_dir(dir);
}

static void evidence_that_vanished_is_found(void)
{
    const char *dir = fresh_dir();
    struct tally tally;
    char path[4200];

    CHECK_INT(mkdir(dir, 0700), 0);
    write_file(dir, FIRST_FILE, "{\"v\":1,", 7);
    make_ledger(dir, 1);
    CHECK(verify_tally(dir, &tally).consistent);
    write_file(dir, "ledger-00000000000000000001-1.torn", "{\"v\":2,", 7);
    CHECK(!verify_tally(dir, &tally).consistent);
    CHECK_INT(tally.of[GH_RECORD_EVIDENCE_LOST], 1);
    snprintf(path, sizeof(path), "%s/ledger-00000000000000000001-1.torn", dir);
    unlink(path);
    CHECK(!verify_tally(dir, &tally).consistent);
    CHECK_INT(tally.of[GH_RECORD_EVIDENCE_LOST], 1);
    remove_dir(dir);
}

/* Whole lines at the end that are none: they stay, the numbers go on behind them, and it is said. */
static void damage_at_the_end_is_noted(void)
{
    const char *dir = fresh_dir();
    struct gh_record_verdict verdict;
    struct gh_ledger *ledger;
    struct tally tally;
    size_t len;
    char *text;

    make_ledger(dir, 2);
    text = read_file(dir, FIRST_FILE, &len);
    text = realloc(text, len + 16);
    memcpy(text + len, "garbage\n{}\n", 11);
    write_file(dir, FIRST_FILE, text, len + 11);
    ledger = open_ledger(dir);
    CHECK_INT(gh_ledger_seq(ledger), 5);
    CHECK_INT(append(ledger, "test.event", 0), 0);
    gh_ledger_close(ledger);
    verdict = verify_tally(dir, &tally);
    CHECK(!verdict.consistent);
    CHECK_INT(verdict.first_broken.line, 3);
    CHECK_INT(verdict.broken, 2);
    CHECK_INT(tally.of[GH_RECORD_DAMAGE_NOTED], 1);
    CHECK_INT(verdict.head_seq, 6);
    free(text);
    remove_dir(dir);
}

static void an_end_that_cannot_be_read_is_refused(void)
{
    const char *dir = fresh_dir();
    char *noise = malloc(GH_RECORD_LINE_MAX + 100);

    CHECK_INT(mkdir(dir, 0700), 0);
    memset(noise, 'x', GH_RECORD_LINE_MAX + 100);
    noise[GH_RECORD_LINE_MAX + 99] = '\n';
    write_file(dir, FIRST_FILE, noise, GH_RECORD_LINE_MAX + 100);
    CHECK_INT(open_error(dir), GH_EBROKEN);
    CHECK(strstr(open_why, FIRST_FILE) != NULL);
    CHECK_INT(size_of(dir, FIRST_FILE), GH_RECORD_LINE_MAX + 100); /* left as it is */
    free(noise);
    remove_dir(dir);
}

static void an_empty_newest_file_is_passed_over(void)
{
    const char *dir = fresh_dir();
    static const char *const files[] = { FIRST_FILE };

    make_ledger(dir, 2);
    write_file(dir, "ledger-00000000000000000003.jsonl", "", 0);
    make_ledger(dir, 1);
    CHECK_INT(second_opinion(dir, files, 1), 3);
    CHECK(!file_exists(dir, "ledger-00000000000000000003.jsonl"));
    remove_dir(dir);
}

int main(void)
{
    RUN(a_line_torn_at_any_octet);
    RUN(a_first_line_torn);
    RUN(a_crash_while_the_torn_line_is_moved);
    RUN(a_tail_of_zeros);
    RUN(evidence_that_vanished_is_found);
    RUN(damage_at_the_end_is_noted);
    RUN(an_end_that_cannot_be_read_is_refused);
    RUN(an_empty_newest_file_is_passed_over);
    return CHECK_REPORT();
}
