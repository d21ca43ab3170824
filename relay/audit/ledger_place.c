/* SPDX-License-Identifier: Apache-2.0 */
/* The place of a ledger: its directory, who may write there, and that nobody else does. */
#include "audit/ledger_int.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int gh_ledger_explain(char *why, int err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, GH_LEDGER_WHY_MAX, fmt, args);
    va_end(args);
    return err;
}

int gh_ledger_check_owner(const struct gh_ledger *ledger, int fd, const char *what,
                          const char *mode, char *why)
{
    const char *directory = ledger->directory;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return gh_ledger_explain(why, -errno, "%s/%s: %s", directory, what, strerrordesc_np(errno));
    if (st.st_uid != geteuid())
        return gh_ledger_explain(why, GH_EAUTH,
                                 "%s/%s: belongs to user %u, the daemon runs as %u; chown it",
                                 directory, what, (unsigned)st.st_uid, (unsigned)geteuid());
    if (st.st_mode & 077)
        return gh_ledger_explain(why, GH_EAUTH,
                                 "%s/%s: others may read or change it (mode %04o); chmod it to %s",
                                 directory, what, (unsigned)(st.st_mode & 07777), mode);
    return 0;
}

/* A new directory's name must be on disk before the first record counts as written. */
static int sync_parent(int dir_fd)
{
    int fd = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 || fsync(fd) < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    return err;
}

static int open_directory(struct gh_ledger *ledger, char *why)
{
    const char *directory = ledger->directory;
    bool made = mkdir(directory, 0700) == 0;
    int err;

    if (!made && errno != EEXIST)
        return gh_ledger_explain(why, -errno, "%s: cannot be made: %s", directory,
                                 strerrordesc_np(errno));
    ledger->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ledger->dir_fd < 0)
        return gh_ledger_explain(why, -errno, "%s: cannot be opened: %s", directory,
                                 strerrordesc_np(errno));
    err = made ? sync_parent(ledger->dir_fd) : 0;
    if (err)
        return gh_ledger_explain(why, err, "%s: cannot be synced: %s", directory, gh_err_text(err));
    return gh_ledger_check_owner(ledger, ledger->dir_fd, ".", "0700", why);
}

static int take_lock(struct gh_ledger *ledger, char *why)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    const char *directory = ledger->directory;
    char pid[32] = "";
    ssize_t n;
    int fd, err;

    fd = openat(ledger->dir_fd, GH_LEDGER_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return gh_ledger_explain(why, -errno, "%s/%s: cannot be opened: %s", directory,
                                 GH_LEDGER_LOCK, strerrordesc_np(errno));
    ledger->lock_fd = fd;
    err = gh_ledger_check_owner(ledger, fd, GH_LEDGER_LOCK, "0600", why);
    if (err)
        return err;
    /* Bound to this open file, not to the process: it ends with the descriptor, after a crash too.
     */
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
        /* The number is for people; a full disk must not keep the daemon from starting. */
        n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
        if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) != n)
            pid[0] = 0;
        return 0;
    }
    if (errno != EAGAIN && errno != EACCES)
        return gh_ledger_explain(why, -errno, "%s/%s: cannot be locked: %s", directory,
                                 GH_LEDGER_LOCK, strerrordesc_np(errno));
    n = pread(fd, pid, sizeof(pid) - 1, 0);
    pid[n > 0 ? n : 0] = 0;
    return gh_ledger_explain(
        why, GH_EEXISTS,
        "%s: another process (%ld) writes this ledger; stop it, or set another audit.directory",
        directory, strtol(pid, NULL, 10));
}

void gh_ledger_leave_place(struct gh_ledger *ledger)
{
    if (ledger->lock_fd >= 0)
        close(ledger->lock_fd); /* gives the lock back */
    if (ledger->dir_fd >= 0)
        close(ledger->dir_fd);
    ledger->lock_fd = ledger->dir_fd = -1;
}

int gh_ledger_take_place(struct gh_ledger *ledger, char *why)
{
    int err;

    gh_ledger_leave_place(ledger);
    err = open_directory(ledger, why);
    if (!err)
        err = take_lock(ledger, why);
    if (err)
        gh_ledger_leave_place(ledger);
    return err;
}
