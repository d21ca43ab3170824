/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a ledger: who may, alone, and what a crash left at its end.
 *
 * Half a line at the end is moved aside in steps that a second crash may cut anywhere:
 *
 *   1. copy it to ledger-N-k.torn.new, sync          crash: done again, the copy is the same
 *   2. cut it off the ledger, sync                   crash: the .new file says a record is due
 *   3. record ledger.torn for each .new file, sync   crash: recorded a second time, no harm
 *   4. rename .torn.new to .torn, sync
 */
#include "audit/ledger_int.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/event.h"
#include "audit/line.h"

#define SEARCH_SIZE ((size_t)64 * 1024)
#define TORN_PARTS_MAX 999 /* pieces kept of one ledger file */

struct opening {
    struct gh_ledger *ledger;
    const char *directory;
    int64_t wall_us;
    char *why;
    uint64_t damaged_lines; /* at the end: complete, but not readable */
    char damaged_file[GH_RECORD_FILE_MAX];
};

/* ---- half a line at the end ---- */

/* Where the last whole line ends: the offset behind the last LF, 0 without any. */
static int find_end_of_lines(int fd, uint64_t size, uint64_t *end)
{
    char *buffer = malloc(SEARCH_SIZE);
    int err = buffer ? 0 : GH_ENOMEM;

    *end = 0;
    while (!err && size && !*end) {
        size_t step = size < SEARCH_SIZE ? (size_t)size : SEARCH_SIZE;
        const char *lf;

        size -= step;
        err = gh_ledger_file_read(fd, size, buffer, step);
        lf = err ? NULL : memrchr(buffer, '\n', step);
        if (lf)
            *end = size + (uint64_t)(lf - buffer) + 1;
    }
    free(buffer);
    return err;
}

static bool exists(int dir_fd, const char *name)
{
    return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Made by a step 1 that a crash followed. */
static bool holds_same(int dir_fd, const char *name, struct gh_span octets)
{
    char *there = NULL;
    size_t len = 0;
    bool same;

    if (gh_ledger_file_slurp(dir_fd, name, GH_LEDGER_TORN_MAX, &there, &len))
        return false;
    same = gh_span_eq(gh_span_of(there, len), octets);
    free(there);
    return same;
}

static int write_new_file(int dir_fd, const char *name, struct gh_span octets)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int err;

    if (fd < 0)
        return -errno;
    err = gh_ledger_write_all(fd, octets.p, octets.len);
    if (!err && (fsync(fd) < 0 || fsync(dir_fd) < 0))
        err = -errno;
    if (err)
        unlinkat(dir_fd, name, 0);
    close(fd);
    return err;
}

static int keep_aside(int dir_fd, uint64_t file_seq, struct gh_span octets)
{
    char kept[GH_RECORD_FILE_MAX], fresh[GH_RECORD_FILE_MAX];

    for (unsigned part = 1; part <= TORN_PARTS_MAX; part++) {
        gh_ledger_file_name(kept, file_seq, part, GH_LEDGER_TORN);
        gh_ledger_file_name(fresh, file_seq, part, GH_LEDGER_TORN_NEW);
        if (exists(dir_fd, kept))
            continue;
        if (!exists(dir_fd, fresh))
            return write_new_file(dir_fd, fresh, octets);
        if (holds_same(dir_fd, fresh, octets))
            return 0;
    }
    return GH_ELIMIT;
}

/* Steps 1 and 2. */
static int move_torn(struct opening *o, uint64_t file_seq, uint64_t size, uint64_t end)
{
    struct gh_ledger *ledger = o->ledger;
    char *octets = NULL;
    size_t len;
    int err;

    if (size - end > GH_LEDGER_TORN_MAX)
        return gh_ledger_explain(o->why, GH_EBROKEN,
                                 "%s/%s: ends in %" PRIu64
                                 " octets that are no line; move the directory away and "
                                 "look at it",
                                 o->directory, ledger->name, size - end);
    len = (size_t)(size - end);
    octets = malloc(len);
    err = octets ? gh_ledger_file_read(ledger->fd, end, octets, len) : GH_ENOMEM;
    if (!err)
        err = keep_aside(ledger->dir_fd, file_seq, gh_span_of(octets, len));
    free(octets);
    if (!err && (ftruncate(ledger->fd, (off_t)end) < 0 || fsync(ledger->fd) < 0))
        err = -errno;
    if (err)
        return gh_ledger_explain(o->why, err,
                                 "%s/%s: its unfinished last line cannot be kept aside: %s",
                                 o->directory, ledger->name, gh_err_text(err));
    return 0;
}

/* ---- the last line ---- */

/* The line that the chain goes on from, and its number.  If it cannot be read, the lines before it
 * are counted back to one that can, or to the start of the file, whose name holds a number.
 * @text  the end of the file, after LF; begins with a whole line if @from_start */
static int take_last_line(struct opening *o, struct gh_span text, bool from_start,
                          uint64_t file_seq)
{
    struct gh_ledger *ledger = o->ledger;
    struct gh_span rest = text;
    uint64_t unreadable = 0;

    while (rest.len) {
        const char *before = memrchr(rest.p, '\n', rest.len - 1);
        size_t start = before ? (size_t)(before - rest.p) + 1 : 0;
        struct gh_span raw = gh_span_of(rest.p + start, rest.len - 1 - start);
        struct gh_line line;
        int err;

        if (!before && !from_start)
            return GH_EBROKEN;
        err = unreadable ? 0 : gh_record_line_hash(raw, ledger->prev);
        if (err)
            return err;
        err = gh_line_parse(raw, &line, NULL);
        if (!err) {
            ledger->seq = line.seq + unreadable;
            gh_line_fini(&line);
            break;
        }
        if (err == GH_ENOMEM)
            return err;
        unreadable++;
        ledger->seq = file_seq - 1 + unreadable;
        rest = gh_span_head(rest, start);
    }
    o->damaged_lines = unreadable;
    memcpy(o->damaged_file, ledger->name, sizeof(ledger->name));
    return 0;
}

static int read_last_line(struct opening *o, uint64_t file_seq, uint64_t end)
{
    size_t len = end < GH_RECORD_LINE_MAX + 1 ? (size_t)end : GH_RECORD_LINE_MAX + 1;
    char *text = malloc(len);
    int err = text ? 0 : GH_ENOMEM;

    if (!err)
        err = gh_ledger_file_read(o->ledger->fd, end - len, text, len);
    if (!err)
        err = take_last_line(o, gh_span_of(text, len), len == end, file_seq);
    free(text);
    if (err)
        return gh_ledger_explain(
            o->why, err,
            "%s/%s: its last lines cannot be read (%s); run gatehouse-audit verify, then move "
            "the directory away",
            o->directory, o->ledger->name, gh_err_text(err));
    return 0;
}

/* ---- the newest file ---- */

/* @return 0 with *again set when the file had not one whole line and is gone */
static int open_newest(struct opening *o, const struct gh_ledger_file *file, bool *again)
{
    struct gh_ledger *ledger = o->ledger;
    struct stat st;
    uint64_t end;
    int err;

    memcpy(ledger->name, file->name, sizeof(file->name));
    ledger->fd = openat(ledger->dir_fd, file->name,
                        O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (ledger->fd < 0 || fstat(ledger->fd, &st) < 0)
        return gh_ledger_explain(o->why, -errno, "%s/%s: %s", o->directory, file->name,
                                 strerrordesc_np(errno));
    if (!S_ISREG(st.st_mode))
        return gh_ledger_explain(o->why, GH_EAUTH, "%s/%s: is not a regular file", o->directory,
                                 file->name);
    err = gh_ledger_check_owner(ledger, ledger->fd, file->name, "0600", o->why);
    if (err)
        return err;
    err = find_end_of_lines(ledger->fd, (uint64_t)st.st_size, &end);
    if (err)
        return gh_ledger_explain(o->why, err, "%s/%s: %s", o->directory, file->name,
                                 gh_err_text(err));
    if (end < (uint64_t)st.st_size)
        err = move_torn(o, file->seq, (uint64_t)st.st_size, end);
    if (err)
        return err;
    if (end) {
        ledger->size = end;
        return read_last_line(o, file->seq, end);
    }
    /* Begun, but its first group never came: nothing in it is evidence any more. */
    if (unlinkat(ledger->dir_fd, file->name, 0) < 0)
        return gh_ledger_explain(o->why, -errno, "%s/%s: %s", o->directory, file->name,
                                 strerrordesc_np(errno));
    close(ledger->fd);
    ledger->fd = -1;
    *again = true;
    return 0;
}

static int find_end(struct opening *o)
{
    struct gh_ledger_files files;
    bool again = true;
    int err = 0;

    while (!err && again) {
        again = false;
        err = gh_ledger_files_list(o->ledger->dir_fd, GH_LEDGER_LINES, &files);
        if (err)
            return gh_ledger_explain(o->why, err, "%s: %s", o->directory, gh_err_text(err));
        if (files.count)
            err = open_newest(o, &files.rows[files.count - 1], &again);
        gh_ledger_files_fini(&files);
    }
    return err;
}

/* ---- records about what was found: steps 3 and 4 ---- */

static int record_torn(struct opening *o, const struct gh_ledger_file *fresh)
{
    struct gh_ledger *ledger = o->ledger;
    char kept[GH_RECORD_FILE_MAX];
    uint8_t hash[GH_RECORD_HASH_LEN];
    struct gh_event *event;
    char *octets = NULL;
    size_t len = 0;
    int err;

    gh_ledger_file_name(kept, fresh->seq, fresh->part, GH_LEDGER_TORN);
    err = gh_ledger_file_slurp(ledger->dir_fd, fresh->name, GH_LEDGER_TORN_MAX, &octets, &len);
    if (!err)
        err = gh_record_line_hash(gh_span_of(octets, len), hash);
    free(octets);
    if (err)
        return err;
    event = gh_event_new("ledger.torn", o->wall_us);
    gh_event_text(event, "file", kept);
    gh_event_u64(event, "octets", len);
    gh_event_hex(event, "sha256", hash, sizeof(hash));
    err = gh_ledger_append_now(ledger, event);
    if (!err && renameat(ledger->dir_fd, fresh->name, ledger->dir_fd, kept) < 0)
        err = -errno;
    if (!err && fsync(ledger->dir_fd) < 0)
        err = -errno;
    return err;
}

static int record_damage(struct opening *o)
{
    struct gh_event *event;

    if (!o->damaged_lines)
        return 0;
    event = gh_event_new("ledger.damaged", o->wall_us);
    gh_event_text(event, "file", o->damaged_file);
    gh_event_u64(event, "lines", o->damaged_lines);
    gh_event_hex(event, "last_sha256", o->ledger->prev, sizeof(o->ledger->prev));
    return gh_ledger_append_now(o->ledger, event);
}

static int record_findings(struct opening *o)
{
    struct gh_ledger_files fresh = { NULL, 0 };
    int err = record_damage(o);

    if (!err)
        err = gh_ledger_files_list(o->ledger->dir_fd, GH_LEDGER_TORN_NEW, &fresh);
    for (size_t i = 0; !err && i < fresh.count; i++)
        err = record_torn(o, &fresh.rows[i]);
    gh_ledger_files_fini(&fresh);
    if (err)
        return gh_ledger_explain(o->why, err, "%s: what a crash left cannot be recorded: %s",
                                 o->directory, gh_err_text(err));
    return 0;
}

int gh_ledger_open(struct gh_ledger **out, const char *directory, int64_t wall_us,
                   uint64_t rotate_octets, char why[GH_LEDGER_WHY_MAX])
{
    struct gh_ledger *ledger = calloc(1, sizeof(*ledger));
    struct opening o = { .ledger = ledger, .directory = directory, .wall_us = wall_us, .why = why };
    int err;

    why[0] = 0;
    if (!ledger)
        return gh_ledger_explain(why, GH_ENOMEM, "%s", gh_err_text(GH_ENOMEM));
    ledger->dir_fd = ledger->lock_fd = ledger->fd = -1;
    ledger->rotate_octets = rotate_octets;
    ledger->directory = strdup(directory);
    if (ledger->directory)
        err = gh_ledger_take_place(ledger, why);
    else
        err = gh_ledger_explain(why, GH_ENOMEM, "%s", gh_err_text(GH_ENOMEM));
    if (!err)
        err = find_end(&o);
    gh_ledger_forget_group(ledger);
    if (!err)
        err = record_findings(&o);
    if (err) {
        gh_ledger_close(ledger);
        return err;
    }
    *out = ledger;
    return 0;
}
