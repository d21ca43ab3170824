/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place of the record: what would keep the daemon from starting there is told before.  The rules
 * are those of the ledger, which makes the directory but not the one above; nothing is made here.
 */
#include "config/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the user that the daemon acts for, not the one who called it. */
static bool may(const char *path, int how)
{
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
}

static void check_directory(struct gh_loader *load, const struct gh_draft *audit, const char *path,
                            const struct stat *st)
{
    if (!S_ISDIR(st->st_mode))
        gh_draft_error(load, audit, "directory", "%s: is no directory; remove it, or name another",
                       path);
    else if (st->st_uid != geteuid())
        gh_draft_error(load, audit, "directory",
                       "%s: belongs to user %u, and this is user %u; chown it, or run as that user",
                       path, (unsigned)st->st_uid, (unsigned)geteuid());
    else if (st->st_mode & (S_IRWXG | S_IRWXO))
        gh_draft_error(load, audit, "directory",
                       "%s: others may read or change it (mode %04o); chmod it to 0700", path,
                       (unsigned)(st->st_mode & 07777));
    else if (!may(path, R_OK | W_OK | X_OK))
        gh_draft_error(load, audit, "directory",
                       "%s: cannot be written: %s; chmod it to 0700, or name another", path,
                       gh_err_text(-errno));
}

/* @path is not there: may it be made? */
static void check_above(struct gh_loader *load, const struct gh_draft *audit, const char *path)
{
    size_t len = strlen(path);
    const char *above;
    struct stat st;

    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 1 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    above = gh_config_arena_printf(load->scratch, "%.*s", (int)len, path);
    if (!above)
        return; /* the load fails of it */
    if (stat(above, &st) != 0)
        gh_draft_error(load, audit, "directory", "%s: cannot be made in %s: %s; make that first",
                       path, above, gh_err_text(-errno));
    else if (!may(above, W_OK | X_OK))
        gh_draft_error(load, audit, "directory",
                       "%s: cannot be made in %s: %s; make it, mode 0700, for user %u", path, above,
                       gh_err_text(-errno), (unsigned)geteuid());
}

void gh_check_audit_directory(struct gh_loader *load, const struct gh_drafts *drafts)
{
    const struct gh_draft *audit = drafts->draft.groups[gh_option_index(&gh_schema, "audit")];
    const char *path = drafts->values.audit.directory;
    struct stat st;

    if (!audit || !path || gh_draft_wrong(audit, "directory"))
        return;
    if (stat(path, &st) == 0)
        check_directory(load, audit, path, &st);
    else if (errno != ENOENT)
        gh_draft_error(load, audit, "directory", "%s: %s; name another", path, gh_err_text(-errno));
    else if (lstat(path, &st) == 0)
        gh_draft_error(load, audit, "directory", "%s: is a link to nothing; remove it", path);
    else
        check_above(load, audit, path);
}
