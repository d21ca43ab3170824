/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other hands on a ledger that is being written: each is noticed before the next record, said once, and
 * the chain goes on in a new file.  What was moved and is put back makes the ledger whole again.
 */
#include "support/check.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gatehouse/record.h>

#include "relay/audit/support_audit.h"

#define SECOND_FILE "ledger-00000000000000000003.jsonl"

static int look_fails_with; /* errno of each look at a name */

int fstatat(int at_fd, const char *name, struct stat *st, int flags)
{
    if (look_fails_with) {
        errno = look_fails_with;
        return -1;
    }
    return (int)syscall(SYS_newfstatat, at_fd, name, st, flags);
}

static char dir[4096], why[GH_LEDGER_WHY_MAX];
static struct gh_ledger *ledger;
static struct tally tally;

static const char *in_dir(const char *name)
{
    static char paths[4][4200];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

/* A ledger with two records in its first file, being written. */
static void set_up(void)
{
    snprintf(dir, sizeof(dir), "%s", fresh_dir());
    ledger = open_ledger(dir);
    CHECK_INT(append(ledger, "test.event", 0), 0);
    CHECK_INT(append(ledger, "test.event", 0), 0);
    CHECK_INT(gh_ledger_look(ledger, why), 0);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), 0); /* nothing to do */
    CHECK_INT(gh_ledger_seq(ledger), 2);
}

static void tear_down(void)
{
    gh_ledger_close(ledger);
    remove_dir(dir);
}

/* The loss is found, said once, and written down as the first record of a new file; then all is well. */
static void expect_loss(const char *what, const char *says)
{
    char needle[128], *text;
    const char *lf;

    why[0] = 0;
    CHECK_INT(gh_ledger_look(ledger, why), GH_EBROKEN);
    if (!CHECK(strstr(why, says) != NULL))
        fprintf(stderr, "%s\n", why);
    CHECK(strstr(why, dir) == why);
    CHECK_INT(gh_ledger_look(ledger, why), 0); /* once */
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), 0);
    CHECK_INT(gh_ledger_look(ledger, why), 0);
    CHECK_INT(append(ledger, "test.event", 0), 0);
    CHECK_INT(gh_ledger_seq(ledger), 4);
    text = read_file(dir, SECOND_FILE, NULL);
    CHECK_OR_STOP(text != NULL);
    snprintf(needle, sizeof(needle), "\"type\":\"ledger.interrupted\",\"what\":\"%s\",", what);
    lf = strchr(text, '\n');
    CHECK(lf && strstr(text, needle) && strstr(text, needle) < lf);
    CHECK(strstr(text, "\"last_seq\":2,") != NULL);
    free(text);
}

/* ---- the file ---- */

static void moved_and_put_back(void)
{
    static const char *const files[] = { FIRST_FILE, SECOND_FILE };
    char needle[64], *text;
    long size;

    set_up();
    size = size_of(dir, FIRST_FILE);
    CHECK_INT(rename(in_dir(FIRST_FILE), in_dir(FIRST_FILE ".1")), 0);
    expect_loss("file_moved", "put it back under its name");
    text = read_file(dir, SECOND_FILE, NULL);
    snprintf(needle, sizeof(needle), "\"octets\":%ld,\"octets_found\":%ld,", size, size);
    CHECK(text && strstr(text, needle));
    free(text);
    CHECK(!verify_tally(dir, &tally).consistent);
    CHECK_INT(tally.of[GH_RECORD_SEQ_GAP], 1);
    CHECK_INT(tally.of[GH_RECORD_INTERRUPTED], 1);
    CHECK_INT(rename(in_dir(FIRST_FILE ".1"), in_dir(FIRST_FILE)), 0);
    CHECK(verify_tally(dir, &tally).consistent);
    CHECK_INT(tally.of[GH_RECORD_INTERRUPTED], 1); /* still told */
    CHECK_INT(second_opinion(dir, files, 2), 4);
    tear_down();
}

/* logrotate's "create": the old file has another name, and an empty one has its own. */
static void rotated_with_create(void)
{
    set_up();
    CHECK_INT(rename(in_dir(FIRST_FILE), in_dir(FIRST_FILE ".1")), 0);
    write_file(dir, FIRST_FILE, "", 0);
    expect_loss("file_replaced", "another file stands in its place");
    CHECK_INT(rename(in_dir(FIRST_FILE ".1"), in_dir(FIRST_FILE)), 0);
    CHECK(verify_tally(dir, &tally).consistent);
    tear_down();
}

/* logrotate's "copytruncate". */
static void rotated_with_copytruncate(void)
{
    size_t len;
    char *copy;

    set_up();
    copy = read_file(dir, FIRST_FILE, &len);
    CHECK_INT(truncate(in_dir(FIRST_FILE), 0), 0);
    expect_loss("file_cut", "shorter than what was written");
    CHECK(!verify_tally(dir, &tally).consistent);
    write_file(dir, FIRST_FILE, copy, len);
    CHECK(verify_tally(dir, &tally).consistent);
    free(copy);
    tear_down();
}

static void cut_at_any_octet(void)
{
    long size;

    set_up();
    size = size_of(dir, FIRST_FILE);
    tear_down();
    for (long left = 0; left < size; left += 7) {
        set_up();
        CHECK_INT(truncate(in_dir(FIRST_FILE), left), 0);
        expect_loss("file_cut", FIRST_FILE);
        CHECK_INT(size_of(dir, FIRST_FILE), left); /* left as it is */
        CHECK(!verify_tally(dir, &tally).consistent);
        tear_down();
    }
}

static void removed(void)
{
    set_up();
    CHECK_INT(unlink(in_dir(FIRST_FILE)), 0);
    expect_loss("file_removed", "its records with it");
    CHECK(!verify_tally(dir, &tally).consistent);
    CHECK_INT(tally.of[GH_RECORD_SEQ_GAP], 1);
    tear_down();
}

static void written_to_by_another(void)
{
    struct gh_record_verdict verdict;
    int fd;

    set_up();
    fd = open(in_dir(FIRST_FILE), O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK_INT(write(fd, "half a line", 11), 11);
    close(fd);
    expect_loss("file_grown", "something else wrote into the file");
    verdict = verify_tally(dir, &tally);
    CHECK(!verdict.consistent);
    CHECK_STR(verdict.first_broken.file, FIRST_FILE);
    CHECK_INT(verdict.first_broken.line, 3);
    CHECK_INT(verdict.head_seq, 4); /* what follows is not glued to it */
    tear_down();
}

/* A line that is there twice or more: each loss has its record, and its file. */
static void again_and_again(void)
{
    set_up();
    for (uint64_t seq = 2; seq < 8; seq++) {
        char name[GH_RECORD_FILE_MAX];

        snprintf(name, sizeof(name), "ledger-%020" PRIu64 ".jsonl", seq == 2 ? 1 : seq);
        CHECK_INT(unlink(in_dir(name)), 0);
        CHECK_INT(gh_ledger_look(ledger, why), GH_EBROKEN);
        CHECK(strstr(why, name) != NULL);
        CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), 0);
        CHECK_INT(gh_ledger_seq(ledger), seq + 1);
    }
    tear_down();
}

/* ---- directory and lock ---- */

static void directory_moved_and_put_back(void)
{
    char aside[4200], back[4300];

    set_up();
    snprintf(aside, sizeof(aside), "%s.old", dir);
    CHECK_INT(rename(dir, aside), 0);
    expect_loss("directory_gone", "the directory was removed or moved away");
    CHECK_INT(open_error(dir), GH_EEXISTS); /* the new one is locked too */
    CHECK_INT(open_error(aside), 0);        /* and the old one is free */
    snprintf(back, sizeof(back), "%s.old/" SECOND_FILE, dir);
    CHECK_INT(rename(in_dir(SECOND_FILE), back), 0);
    CHECK(verify_tally(aside, &tally).consistent);
    remove_dir(aside);
    tear_down();
}

static void directory_removed(void)
{
    set_up();
    remove_dir(dir);
    expect_loss("directory_gone", "the directory was removed or moved away");
    tear_down();
}

static void directory_emptied(void)
{
    set_up();
    CHECK_INT(unlink(in_dir("ledger.lock")), 0);
    CHECK_INT(unlink(in_dir(FIRST_FILE)), 0);
    expect_loss("lock_gone", "ledger.lock was removed");
    CHECK_INT(open_error(dir), GH_EEXISTS);
    tear_down();
}

/* A copy of the ledger in its place: the chain goes on from the copy. */
static void directory_replaced_by_its_copy(void)
{
    char aside[4200], *text;
    size_t len;

    set_up();
    snprintf(aside, sizeof(aside), "%s.old", dir);
    text = read_file(dir, FIRST_FILE, &len);
    CHECK_INT(rename(dir, aside), 0);
    CHECK_INT(mkdir(dir, 0700), 0);
    write_file(dir, FIRST_FILE, text, len);
    expect_loss("directory_replaced", "something else stands in its place");
    CHECK(verify_tally(dir, &tally).consistent);
    free(text);
    remove_dir(aside);
    tear_down();
}

static void nothing_is_lost_without_a_file(void)
{
    snprintf(dir, sizeof(dir), "%s", fresh_dir());
    ledger = open_ledger(dir);
    CHECK_INT(gh_ledger_look(ledger, why), 0); /* no record yet: no file */
    remove_dir(dir);
    CHECK_INT(gh_ledger_look(ledger, why), GH_EBROKEN);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), 0);
    CHECK_INT(append(ledger, "test.event", 0), 0);
    CHECK(verify_tally(dir, &tally).consistent);
    tear_down();
}

/* Want of rights on the way to the file says nothing of the file: it is written to as before. */
static void what_cannot_be_seen_is_not_lost(void)
{
    static const int errors[] = { EACCES, EIO, ESTALE, ENOMEM };

    set_up();
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        look_fails_with = errors[i];
        CHECK_INT(gh_ledger_look(ledger, why), 0);
        CHECK_INT(append(ledger, "test.event", 0), 0);
    }
    look_fails_with = 0;
    CHECK_INT(gh_ledger_look(ledger, why), 0);
    CHECK_INT(gh_ledger_seq(ledger), 6);
    CHECK(verify_tally(dir, &tally).consistent);
    CHECK_INT(tally.of[GH_RECORD_INTERRUPTED], 0);
    tear_down();
}

/* ---- recovery that fails ---- */

static void recovery_that_must_wait(void)
{
    int fd;

    set_up();
    remove_dir(dir);
    fd = open(dir, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* no directory can be made here */
    close(fd);
    CHECK_INT(gh_ledger_look(ledger, why), GH_EBROKEN);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), -ENOTDIR);
    CHECK(strstr(why, dir) == why);
    CHECK_INT(gh_ledger_look(ledger, why), 0);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), -ENOTDIR);
    CHECK_INT(unlink(dir), 0);
    CHECK_INT(mkdir(dir, 0755), 0); /* others could read it */
    CHECK_INT(gh_ledger_look(ledger, why), 0);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), GH_EAUTH);
    CHECK(strstr(why, "chmod it to 0700") != NULL);
    CHECK_INT(chmod(dir, 0700), 0);
    CHECK_INT(gh_ledger_look(ledger, why), 0);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), 0);
    CHECK_INT(gh_ledger_seq(ledger), 3);
    CHECK(file_exists(dir, SECOND_FILE));
    tear_down();
}

/* Somebody else started a second daemon on the place that we lost. */
static void a_place_that_another_took(void)
{
    struct gh_ledger *other;

    set_up();
    remove_dir(dir);
    other = open_ledger(dir);
    CHECK_INT(gh_ledger_look(ledger, why), GH_EBROKEN);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), GH_EEXISTS);
    CHECK(strstr(why, "another process") != NULL);
    gh_ledger_close(other);
    CHECK_INT(gh_ledger_look(ledger, why), 0);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), 0);
    tear_down();
}

/* A name that is taken keeps the record waiting; what stands there is not touched. */
static void a_name_that_is_taken(void)
{
    set_up();
    CHECK_INT(unlink(in_dir(FIRST_FILE)), 0);
    write_file(dir, SECOND_FILE, "not ours", 8);
    CHECK_INT(gh_ledger_look(ledger, why), GH_EBROKEN);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), -EEXIST);
    CHECK(strstr(why, "a new ledger file cannot be begun") != NULL);
    CHECK_INT(size_of(dir, SECOND_FILE), 8);
    CHECK_INT(unlink(in_dir(SECOND_FILE)), 0);
    CHECK_INT(gh_ledger_look(ledger, why), 0);
    CHECK_INT(gh_ledger_recover(ledger, WALL_US, why), 0);
    tear_down();
}

int main(void)
{
    RUN(moved_and_put_back);
    RUN(rotated_with_create);
    RUN(rotated_with_copytruncate);
    RUN(cut_at_any_octet);
    RUN(removed);
    RUN(written_to_by_another);
    RUN(again_and_again);
    RUN(directory_moved_and_put_back);
    RUN(directory_removed);
    RUN(directory_emptied);
    RUN(directory_replaced_by_its_copy);
    RUN(nothing_is_lost_without_a_file);
    RUN(what_cannot_be_seen_is_not_lost);
    RUN(recovery_that_must_wait);
    RUN(a_place_that_another_took);
    RUN(a_name_that_is_taken);
    return CHECK_REPORT();
}
