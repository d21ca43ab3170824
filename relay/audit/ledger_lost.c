/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger that other hands touch while it is written: a log rotation, a cleaning script, an
 * editor.  Writing on into a file that nobody will find again would be the silent loss of evidence.
 *
 * What was found is said, and the chain goes on in a new file whose first record,
 * ledger.interrupted, names the file that was lost, its last record and that record's hash. Whoever
 * puts the file back under its name has a ledger without a gap again; what was cut off or removed
 * for good stays a gap that verify shows.
 */
#include "audit/ledger_int.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct loss_row {
    const char *word, *text, *change;
} losses[] = {
    [GH_LOSS_NONE] = { "none", "", "" },
#define X(id, word, text, change) [GH_LOSS_##id] = { word, text, change },
    GH_LEDGER_LOSS_MAP(X)
#undef X
};

enum finding { HERE = 0, GONE, REPLACED, UNKNOWN };

/*
 * Is @name, seen from @at_fd, what is open as @fd?  Want of rights or an I/O error on the way says
 * nothing of the file: what is written to it still gets there.
 */
static enum finding find(int at_fd, const char *name, int flags, int fd)
{
    struct stat ours, named;

    if (fstat(fd, &ours) < 0)
        return UNKNOWN;
    if (fstatat(at_fd, name, &named, flags) < 0)
        return errno == ENOENT || errno == ENOTDIR ? GONE : UNKNOWN;
    return ours.st_ino == named.st_ino && ours.st_dev == named.st_dev ? HERE : REPLACED;
}

/* Directory and lock are what this process took. */
static enum gh_ledger_loss judge_place(const struct gh_ledger *ledger)
{
    enum finding lock, directory = GONE;

    if (ledger->dir_fd >= 0)
        directory = find(AT_FDCWD, ledger->directory, 0, ledger->dir_fd);
    if (directory == GONE)
        return GH_LOSS_DIRECTORY_GONE;
    if (directory == REPLACED)
        return GH_LOSS_DIRECTORY_REPLACED;
    lock = find(ledger->dir_fd, GH_LEDGER_LOCK, AT_SYMLINK_NOFOLLOW, ledger->lock_fd);
    return lock == GONE || lock == REPLACED ? GH_LOSS_LOCK_GONE : GH_LOSS_NONE;
}

/* The open file has its name, and in it what was written and nothing else. */
static enum gh_ledger_loss judge_file(const struct gh_ledger *ledger, const struct stat *ours)
{
    enum finding file = find(ledger->dir_fd, ledger->name, AT_SYMLINK_NOFOLLOW, ledger->fd);

    if (file == GONE)
        return ours->st_nlink ? GH_LOSS_FILE_MOVED : GH_LOSS_FILE_REMOVED;
    if (file == REPLACED)
        return GH_LOSS_FILE_REPLACED;
    if ((uint64_t)ours->st_size < ledger->size)
        return GH_LOSS_FILE_CUT;
    /* After a write that failed there may be octets of our own, still to be cut off. */
    if ((uint64_t)ours->st_size > ledger->size && !ledger->ragged)
        return GH_LOSS_FILE_GROWN;
    return GH_LOSS_NONE;
}

static void note_loss(struct gh_ledger *ledger, enum gh_ledger_loss loss, int64_t found_size)
{
    ledger->loss = loss;
    ledger->lost_name[0] = 0;
    if (ledger->fd >= 0)
        memcpy(ledger->lost_name, ledger->name, sizeof(ledger->name));
    ledger->lost_size = ledger->fd >= 0 ? ledger->size : 0;
    ledger->found_size = found_size;
}

int gh_ledger_look(struct gh_ledger *ledger, char why[GH_LEDGER_WHY_MAX])
{
    enum gh_ledger_loss loss = judge_place(ledger);
    struct stat ours = { .st_size = -1 };
    bool told = ledger->loss != GH_LOSS_NONE;

    if (ledger->fd >= 0 && fstat(ledger->fd, &ours) < 0)
        return gh_ledger_explain(why, -errno, "%s/%s: %s", ledger->directory, ledger->name,
                                 strerrordesc_np(errno));
    if (!loss && ledger->fd >= 0)
        loss = judge_file(ledger, &ours);
    if (!loss)
        return 0;
    if (!told)
        note_loss(ledger, loss, ours.st_size);
    if (ledger->fd >= 0) {
        gh_ledger_cut_back(ledger); /* half a record of ours, wherever the file is now */
        close(ledger->fd);
    }
    ledger->fd = -1;
    ledger->ragged = false;
    if (told)
        return 0;
    return gh_ledger_explain(why, GH_EBROKEN, "%s%s%s: %s; %s", ledger->directory,
                             ledger->lost_name[0] ? "/" : "", ledger->lost_name,
                             losses[loss].text, losses[loss].change);
}

static struct gh_event *interrupted(const struct gh_ledger *ledger, int64_t wall_us)
{
    struct gh_event *event = gh_event_new("ledger.interrupted", wall_us);

    gh_event_text(event, "what", losses[ledger->loss].word);
    gh_event_text(event, "text", losses[ledger->loss].text);
    if (ledger->lost_name[0]) {
        gh_event_text(event, "file", ledger->lost_name);
        gh_event_u64(event, "octets", ledger->lost_size);
        gh_event_int(event, "octets_found", ledger->found_size);
    }
    gh_event_u64(event, "last_seq", ledger->seq);
    gh_event_hex(event, "last_sha256", ledger->prev, sizeof(ledger->prev));
    return event;
}

int gh_ledger_recover(struct gh_ledger *ledger, int64_t wall_us, char why[GH_LEDGER_WHY_MAX])
{
    int err;

    if (!ledger->loss)
        return 0;
    gh_ledger_forget_group(ledger);
    if (judge_place(ledger)) {
        err = gh_ledger_take_place(ledger, why);
        if (err)
            return err;
    }
    err = gh_ledger_append_now(ledger, interrupted(ledger, wall_us));
    if (err)
        return gh_ledger_explain(why, err, "%s: a new ledger file cannot be begun: %s",
                                 ledger->directory, gh_err_text(err));
    ledger->loss = GH_LOSS_NONE;
    return 0;
}
