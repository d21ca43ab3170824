/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger on disk: the chain, who may open it, what a crash leaves, and disks that fail.
 * fdatasync and ftruncate are replaced here, so that they can fail.
 */
#include "support/check.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/line.h"
#include "relay/audit/support_audit.h"

static bool sync_fails, cut_fails;

int fdatasync(int fd)
{
    if (sync_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t length)
{
    if (cut_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_ftruncate, fd, length);
}

/* ---- helpers ---- */

static char why[GH_LEDGER_WHY_MAX];

static struct gh_ledger *open_ledger(const char *dir)
{
    struct gh_ledger *ledger = NULL;
    int err = gh_ledger_open(&ledger, dir, WALL_US, UINT64_MAX, why);

    if (!CHECK_INT(err, 0))
        fprintf(stderr, "%s\n", why);
    return ledger;
}

static int open_error(const char *dir)
{
    struct gh_ledger *ledger = NULL;
    int err = gh_ledger_open(&ledger, dir, WALL_US, UINT64_MAX, why);

    gh_ledger_close(ledger);
    return err;
}

static int append(struct gh_ledger *ledger, const char *type, size_t padding)
{
    struct gh_event *event = gh_event_new(type, WALL_US);
    int err;

    gh_event_array(event, "padding");
    for (size_t i = 0; i < padding; i += 100)
        gh_event_text(event, NULL, "0123456789012345678901234567890123456789012345678901234567890123456789"
                                    "012345678901234567890");
    gh_event_end(event);
    err = add_event(ledger, event);
    return err ? err : gh_ledger_commit(ledger);
}

static long size_of(const char *dir, const char *name)
{
    char path[4200];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static int mode_of(const char *dir, const char *name)
{
    char path[4200];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

struct tally {
    unsigned of[GH_RECORD_FINDING_COUNT];
};

static void count_finding(void *arg, const struct gh_record_finding *finding)
{
    ((struct tally *)arg)->of[finding->kind]++;
}

static struct gh_record_verdict verify(const char *dir, struct tally *tally)
{
    struct gh_record_verdict verdict = { .consistent = false };

    *tally = (struct tally){ { 0 } };
    CHECK_INT(gh_record_verify(dir, NULL, count_finding, tally, &verdict), 0);
    return verdict;
}

/* ---- the chain ---- */

static void a_second_implementation_agrees(void)
{
    const char *dir = fresh_dir();
    static const char *const files[] = { FIRST_FILE };

    make_ledger(dir, 50);
    CHECK_INT(second_opinion(dir, files, 1), 50);
    make_ledger(dir, 50); /* opened again: the chain goes on */
    CHECK_INT(second_opinion(dir, files, 1), 100);
    CHECK_INT(mode_of(dir, "."), 0700);
    CHECK_INT(mode_of(dir, FIRST_FILE), 0600);
    CHECK_INT(mode_of(dir, "ledger.lock"), 0600);
    remove_dir(dir);
}

static void a_group_is_one_chain_too(void)
{
    const char *dir = fresh_dir();
    static const char *const files[] = { FIRST_FILE };
    struct gh_ledger *ledger = open_ledger(dir);

    for (int group = 0; group < 3; group++) {
        for (int i = 0; i < 10; i++)
            CHECK_INT(add_event(ledger, gh_event_new("test.event", WALL_US)), 0);
        CHECK(gh_ledger_group_len(ledger) > 0);
        CHECK_INT(gh_ledger_commit(ledger), 0);
        CHECK_INT(gh_ledger_seq(ledger), 10 * (group + 1));
    }
    CHECK_INT(gh_ledger_commit(ledger), 0); /* nothing to write */
    gh_ledger_close(ledger);
    CHECK_INT(second_opinion(dir, files, 1), 30);
    remove_dir(dir);
}

static void files_follow_each_other(void)
{
    const char *dir = fresh_dir();
    static const char *const files[] = { FIRST_FILE, "ledger-00000000000000000003.jsonl",
                                         "ledger-00000000000000000005.jsonl" };
    struct gh_record_verdict verdict;
    struct gh_ledger *ledger;
    struct tally tally;

    for (int run = 0; run < 2; run++) {
        CHECK_OR_STOP(gh_ledger_open(&ledger, dir, WALL_US, 200, why) == 0);
        for (int i = 0; i < 3; i++)
            CHECK_INT(append(ledger, "test.event", 0), 0);
        gh_ledger_close(ledger);
    }
    CHECK_INT(second_opinion(dir, files, 3), 6);
    verdict = verify(dir, &tally);
    CHECK(verdict.consistent);
    CHECK_INT(verdict.files, 3);
    CHECK_INT(verdict.records, 6);
    CHECK_INT(verdict.head_seq, 6);
    remove_dir(dir);
}

/* ---- who may ---- */

static void only_one_writes(void)
{
    const char *dir = fresh_dir();
    struct gh_ledger *ledger = open_ledger(dir);
    char pid[32];
    pid_t child;
    int status;

    snprintf(pid, sizeof(pid), "(%ld)", (long)getpid());
    CHECK_INT(open_error(dir), GH_EEXISTS);
    CHECK(strstr(why, pid) != NULL);
    child = fork();
    if (child == 0)
        _exit(open_error(dir) == GH_EEXISTS ? 0 : 1);
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
    gh_ledger_close(ledger);
    CHECK_INT(open_error(dir), 0);
    child = fork();
    if (child == 0) { /* dies with the lock in its hand */
        open_ledger(dir);
        _exit(0);
    }
    waitpid(child, &status, 0);
    CHECK_INT(open_error(dir), 0);
    remove_dir(dir);
}

static void rights_are_checked(void)
{
    const char *dir = fresh_dir();
    char path[4200];

    make_ledger(dir, 1);
    CHECK_INT(chmod(dir, 0750), 0);
    CHECK_INT(open_error(dir), GH_EAUTH);
    CHECK(strstr(why, "chmod it to 0700") != NULL);
    CHECK_INT(chmod(dir, 0700), 0);
    snprintf(path, sizeof(path), "%s/" FIRST_FILE, dir);
    CHECK_INT(chmod(path, 0640), 0);
    CHECK_INT(open_error(dir), GH_EAUTH);
    CHECK(strstr(why, FIRST_FILE) != NULL);
    CHECK_INT(chmod(path, 0600), 0);
    if (geteuid() == 0) {
        CHECK_INT(chown(path, 1, 1), 0);
        CHECK_INT(open_error(dir), GH_EAUTH);
        CHECK(strstr(why, "belongs to user 1") != NULL);
        CHECK_INT(chown(path, 0, 0), 0);
    }
    CHECK_INT(open_error(dir), 0);
    remove_dir(dir);
    CHECK_INT(open_error("/nonexistent/ledger"), -ENOENT);
    CHECK(why[0] != 0);
}

static void a_link_is_not_followed(void)
{
    const char *dir = fresh_dir();
    char path[4200];

    CHECK_INT(mkdir(dir, 0700), 0);
    snprintf(path, sizeof(path), "%s/" FIRST_FILE, dir);
    CHECK_INT(symlink("/dev/null", path), 0);
    CHECK_INT(open_error(dir), -ELOOP);
    unlink(path);
    CHECK_INT(mkfifo(path, 0600), 0);
    CHECK_INT(open_error(dir), GH_EAUTH); /* and does not wait for a reader */
    remove_dir(dir);
}

/* ---- crashes ---- */

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
        verdict = verify(dir, &tally);
        CHECK_INT(verdict.consistent, cut == len);
        CHECK_INT(tally.of[GH_RECORD_TORN_TAIL], cut != len);
        make_ledger(dir, 1);
        verdict = verify(dir, &tally);
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
    verdict = verify(dir, &tally);
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
    verdict = verify(dir, &tally);
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
    verdict = verify(dir, &tally);
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
    CHECK(verify(dir, &tally).consistent);
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
    CHECK(verify(dir, &tally).consistent);
    write_file(dir, "ledger-00000000000000000001-1.torn", "{\"v\":2,", 7);
    CHECK(!verify(dir, &tally).consistent);
    CHECK_INT(tally.of[GH_RECORD_EVIDENCE_LOST], 1);
    snprintf(path, sizeof(path), "%s/ledger-00000000000000000001-1.torn", dir);
    unlink(path);
    CHECK(!verify(dir, &tally).consistent);
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
    verdict = verify(dir, &tally);
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
    CHECK(strstr(why, FIRST_FILE) != NULL);
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

/* ---- disks that fail ---- */

static void a_failed_sync_leaves_nothing(void)
{
    const char *dir = fresh_dir();
    static const char *const files[] = { FIRST_FILE };
    struct gh_ledger *ledger = open_ledger(dir);
    long size;

    CHECK_INT(append(ledger, "test.event", 0), 0);
    size = size_of(dir, FIRST_FILE);
    sync_fails = true;
    CHECK_INT(append(ledger, "test.event", 0), -EIO);
    CHECK_INT(gh_ledger_seq(ledger), 1);
    CHECK_INT(size_of(dir, FIRST_FILE), size);
    cut_fails = true; /* not even that: the next try begins with it */
    CHECK_INT(append(ledger, "test.event", 0), -EIO);
    CHECK(size_of(dir, FIRST_FILE) > size);
    sync_fails = false;
    CHECK_INT(append(ledger, "test.event", 0), -EIO);
    cut_fails = false;
    CHECK_INT(append(ledger, "test.event", 0), 0);
    CHECK_INT(gh_ledger_seq(ledger), 2);
    gh_ledger_close(ledger);
    CHECK_INT(second_opinion(dir, files, 1), 2);
    remove_dir(dir);
}

/* Each possible length of a short write: all of the group or nothing. */
static void a_short_write_leaves_nothing(void)
{
    const char *dir = fresh_dir();
    static const char *const files[] = { FIRST_FILE };
    struct gh_ledger *ledger = open_ledger(dir);
    struct rlimit before, limit;
    long size, line;

    signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(append(ledger, "test.event", 0), 0);
    line = size_of(dir, FIRST_FILE);
    CHECK_INT(append(ledger, "test.event", 0), 0);
    size = size_of(dir, FIRST_FILE);
    line = size - line;
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (long room = 0; room < line; room++) {
        limit = before;
        limit.rlim_cur = (rlim_t)(size + room);
        setrlimit(RLIMIT_FSIZE, &limit);
        CHECK_INT(append(ledger, "test.event", 0), -EFBIG);
        setrlimit(RLIMIT_FSIZE, &before);
        CHECK_INT(size_of(dir, FIRST_FILE), size);
    }
    CHECK_INT(append(ledger, "test.event", 0), 0);
    gh_ledger_close(ledger);
    signal(SIGXFSZ, SIG_DFL);
    CHECK_INT(second_opinion(dir, files, 1), 3);
    remove_dir(dir);
}

static void fill_disk(const char *path)
{
    static const char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    while (write(fd, block, sizeof(block)) > 0)
        ;
    close(fd);
}

/* A real full disk, in a mount namespace of a child's own; only root can. */
static int full_disk_child(const char *dir)
{
    char filler[4200];
    struct gh_ledger *ledger;
    int err;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=128k,mode=0700") < 0)
        return 77;
    ledger = open_ledger(dir);
    if (append(ledger, "test.event", 0))
        return 2;
    snprintf(filler, sizeof(filler), "%s/filler", dir);
    fill_disk(filler);
    err = append(ledger, "test.event", 8000);
    if (err != -ENOSPC || gh_ledger_seq(ledger) != 1)
        return 3;
    unlink(filler);
    if (append(ledger, "test.event", 8000) || gh_ledger_seq(ledger) != 2)
        return 4;
    gh_ledger_close(ledger);
    return second_opinion(dir, (const char *const[]){ FIRST_FILE }, 1) == 2 ? 0 : 5;
}

static void a_full_disk_and_space_again(void)
{
    const char *dir = fresh_dir();
    pid_t child;
    int status;

    CHECK_INT(mkdir(dir, 0700), 0);
    child = fork();
    if (child == 0)
        _exit(full_disk_child(dir));
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        printf("     no tmpfs of our own here: only RLIMIT_FSIZE was tried\n");
    else
        CHECK_INT(status, 0);
    remove_dir(dir);
}

/* A log rotation that knows nothing of chains takes the file away: what follows is not lost with it. */
static void a_file_taken_away_is_followed_by_another(void)
{
    const char *dir = fresh_dir();
    struct gh_ledger *ledger = open_ledger(dir);
    struct gh_record_verdict verdict;
    struct tally tally;
    char path[4200], moved[4200];

    CHECK_INT(append(ledger, "test.event", 0), 0);
    snprintf(path, sizeof(path), "%s/" FIRST_FILE, dir);
    snprintf(moved, sizeof(moved), "%s/" FIRST_FILE ".1", dir);
    CHECK_INT(rename(path, moved), 0);
    CHECK_INT(append(ledger, "test.event", 0), 0);
    CHECK(file_exists(dir, "ledger-00000000000000000002.jsonl"));
    snprintf(path, sizeof(path), "%s/ledger-00000000000000000002.jsonl", dir);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(append(ledger, "test.event", 0), 0);
    gh_ledger_close(ledger);
    CHECK(file_exists(dir, "ledger-00000000000000000003.jsonl"));
    verdict = verify(dir, &tally);
    CHECK(!verdict.consistent);
    CHECK_INT(tally.of[GH_RECORD_SEQ_GAP], 1);
    remove_dir(dir);
}

int main(void)
{
    umask(022);
    RUN(a_second_implementation_agrees);
    RUN(a_group_is_one_chain_too);
    RUN(files_follow_each_other);
    RUN(only_one_writes);
    RUN(rights_are_checked);
    RUN(a_link_is_not_followed);
    RUN(a_line_torn_at_any_octet);
    RUN(a_first_line_torn);
    RUN(a_crash_while_the_torn_line_is_moved);
    RUN(a_tail_of_zeros);
    RUN(evidence_that_vanished_is_found);
    RUN(damage_at_the_end_is_noted);
    RUN(an_end_that_cannot_be_read_is_refused);
    RUN(an_empty_newest_file_is_passed_over);
    RUN(a_failed_sync_leaves_nothing);
    RUN(a_short_write_leaves_nothing);
    RUN(a_full_disk_and_space_again);
    RUN(a_file_taken_away_is_followed_by_another);
    return CHECK_REPORT();
}
