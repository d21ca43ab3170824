/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger on disk: the chain, who may open it, and disks that fail.
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

static int mode_of(const char *dir, const char *name)
{
    char path[4200];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
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
        CHECK_OR_STOP(gh_ledger_open(&ledger, dir, WALL_US, 200, open_why) == 0);
        for (int i = 0; i < 3; i++)
            CHECK_INT(append(ledger, "test.event", 0), 0);
        gh_ledger_close(ledger);
    }
    CHECK_INT(second_opinion(dir, files, 3), 6);
    verdict = verify_tally(dir, &tally);
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
    CHECK(strstr(open_why, pid) != NULL);
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
    CHECK(strstr(open_why, "chmod it to 0700") != NULL);
    CHECK_INT(chmod(dir, 0700), 0);
    snprintf(path, sizeof(path), "%s/" FIRST_FILE, dir);
    CHECK_INT(chmod(path, 0640), 0);
    CHECK_INT(open_error(dir), GH_EAUTH);
    CHECK(strstr(open_why, FIRST_FILE) != NULL);
    CHECK_INT(chmod(path, 0600), 0);
    if (geteuid() == 0) {
        CHECK_INT(chown(path, 1, 1), 0);
        CHECK_INT(open_error(dir), GH_EAUTH);
        CHECK(strstr(open_why, "belongs to user 1") != NULL);
        CHECK_INT(chown(path, 0, 0), 0);
    }
    CHECK_INT(open_error(dir), 0);
    remove_dir(dir);
    CHECK_INT(open_error("/nonexistent/ledger"), -ENOENT);
    CHECK(open_why[0] != 0);
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

int main(void)
{
    umask(022);
    RUN(a_second_implementation_agrees);
    RUN(a_group_is_one_chain_too);
    RUN(files_follow_each_other);
    RUN(only_one_writes);
    RUN(rights_are_checked);
    RUN(a_link_is_not_followed);
    RUN(a_failed_sync_leaves_nothing);
    RUN(a_short_write_leaves_nothing);
    RUN(a_full_disk_and_space_again);
    return CHECK_REPORT();
}
