/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_PREFIX GH_SPAN("ledger-")
#define SEQ_DIGITS 20
#define PART_MAX 999
#define FILES_MAX 1000000 /* a directory with more of them is not ours */

void gh_ledger_file_name(char out[GH_RECORD_FILE_MAX], uint64_t seq, unsigned part,
                         const char *suffix)
{
    char dash[16] = "";

    if (part)
        snprintf(dash, sizeof(dash), "-%u", part);
    snprintf(out, GH_RECORD_FILE_MAX, "ledger-%020" PRIu64 "%s%s", seq, dash, suffix);
}

static bool parse_name(const char *name, const char *suffix, struct gh_ledger_file *out)
{
    struct gh_span rest = gh_span_str(name);
    struct gh_ledger_file file = { .part = 0 };
    size_t suffix_len = strlen(suffix);
    uint64_t part;

    if (rest.len >= sizeof(file.name) || !gh_span_starts(rest, NAME_PREFIX))
        return false;
    memcpy(file.name, name, rest.len);
    rest = gh_span_from(rest, NAME_PREFIX.len);
    if (rest.len < SEQ_DIGITS + suffix_len ||
        !gh_span_eq(gh_span_from(rest, rest.len - suffix_len), gh_span_str(suffix)) ||
        !gh_span_u64(gh_span_head(rest, SEQ_DIGITS), UINT64_MAX, &file.seq) || !file.seq)
        return false;
    rest = gh_span_of(rest.p + SEQ_DIGITS, rest.len - SEQ_DIGITS - suffix_len);
    if (rest.len) {
        if (rest.p[0] != '-' || !gh_span_u64(gh_span_from(rest, 1), PART_MAX, &part))
            return false;
        file.part = (unsigned)part;
    }
    *out = file;
    return true;
}

static int by_seq(const void *a, const void *b)
{
    const struct gh_ledger_file *x = a, *y = b;

    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return x->part < y->part ? -1 : x->part > y->part;
}

static int add_row(struct gh_ledger_files *files, const struct gh_ledger_file *row)
{
    /* Grown when the count is a power of two, so no separate capacity is kept. */
    if ((files->count & (files->count - 1)) == 0) {
        size_t room = files->count ? files->count * 2 : 1;
        struct gh_ledger_file *rows = realloc(files->rows, room * sizeof(*rows));

        if (!rows)
            return GH_ENOMEM;
        files->rows = rows;
    }
    if (files->count >= FILES_MAX)
        return GH_ELIMIT;
    files->rows[files->count++] = *row;
    return 0;
}

int gh_ledger_files_list(int dir_fd, const char *suffix, struct gh_ledger_files *out)
{
    struct gh_ledger_files files = { NULL, 0 };
    struct gh_ledger_file row;
    struct dirent *entry;
    DIR *dir = NULL;
    int fd, err = 0;

    /* An own descriptor: reading moves its position and closedir closes it. */
    fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    dir = fdopendir(fd);
    if (!dir) {
        err = -errno;
        close(fd);
        return err;
    }
    while (!err) {
        errno = 0;
        entry = readdir(dir);
        if (!entry) {
            err = -errno;
            break;
        }
        if (parse_name(entry->d_name, suffix, &row))
            err = add_row(&files, &row);
    }
    closedir(dir);
    if (err) {
        gh_ledger_files_fini(&files);
        return err;
    }
    if (files.count)
        qsort(files.rows, files.count, sizeof(*files.rows), by_seq);
    *out = files;
    return 0;
}

void gh_ledger_files_fini(struct gh_ledger_files *files)
{
    free(files->rows);
    *files = (struct gh_ledger_files){ NULL, 0 };
}

int gh_ledger_file_open(int dir_fd, const char *name)
{
    /* O_NONBLOCK: a FIFO with the name of a ledger file must not stop the reader for ever. */
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return -EINVAL;
    }
    return fd;
}

bool gh_ledger_is_locked(int dir_fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd = gh_ledger_file_open(dir_fd, GH_LEDGER_LOCK);
    bool locked = false;

    if (fd < 0)
        return false;
    if (fcntl(fd, F_OFD_GETLK, &lock) == 0)
        locked = lock.l_type != F_UNLCK;
    close(fd);
    return locked;
}

int gh_ledger_file_read(int fd, uint64_t offset, char *out, size_t len)
{
    while (len) {
        ssize_t n = pread(fd, out, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return GH_EBROKEN;
        out += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int gh_ledger_file_slurp(int dir_fd, const char *name, size_t max, char **out, size_t *len)
{
    int fd = gh_ledger_file_open(dir_fd, name);
    char *text = NULL;
    struct stat st;
    int err = 0;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        err = -errno;
    else if (st.st_size < 0 || (uint64_t)st.st_size > max)
        err = GH_ELIMIT;
    if (!err && st.st_size) {
        text = malloc((size_t)st.st_size);
        err = text ? gh_ledger_file_read(fd, 0, text, (size_t)st.st_size) : GH_ENOMEM;
    }
    close(fd);
    if (err) {
        free(text);
        return err;
    }
    *out = text;
    *len = (size_t)st.st_size;
    return 0;
}
