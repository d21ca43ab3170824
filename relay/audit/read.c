/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a ledger line by line.  A line stands whole in one buffer that never grows past the
 * limit; the rest of a longer line is skipped, and the caller is told.
 */
#include <gatehouse/record.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/files.h"
#include "crypto/hash.h"

#define READ_SIZE ((size_t)128 * 1024)
#define BUFFER_SIZE (GH_RECORD_LINE_MAX + READ_SIZE)

struct reader {
    gh_record_line_fn fn;
    void *arg;
    char *buffer;     /* BUFFER_SIZE octets */
    size_t from, to;  /* what is there and not handed out */
    bool skipping;    /* inside a line that is too long */
    uint64_t file_offset; /* of buffer[from] */
    struct gh_record_line line;
};

/* More octets behind what is there.  @return octets read, 0 at the end, or -errno */
static ssize_t fill(struct reader *r, int fd)
{
    ssize_t n;

    if (r->from) {
        memmove(r->buffer, r->buffer + r->from, r->to - r->from);
        r->to -= r->from;
        r->from = 0;
    }
    do {
        n = read(fd, r->buffer + r->to, BUFFER_SIZE - r->to);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    r->to += (size_t)n;
    return n;
}

static void advance(struct reader *r, size_t len)
{
    r->from += len;
    r->file_offset += len;
}

static int hand_out(struct reader *r, size_t len, bool torn)
{
    r->line.number++;
    r->line.too_long = r->skipping || len > GH_RECORD_LINE_MAX;
    r->line.torn = torn;
    if (!r->skipping)
        r->line.offset = r->file_offset;
    r->line.raw = r->line.too_long ? gh_span_of(NULL, 0) : gh_span_of(r->buffer + r->from, len);
    r->skipping = false;
    return r->fn(r->arg, &r->line);
}

/* All complete lines in the buffer; a line that will be too long is dropped as it comes in. */
static int hand_out_complete(struct reader *r)
{
    int err = 0;

    while (!err && r->from < r->to) {
        const char *lf = memchr(r->buffer + r->from, '\n', r->to - r->from);
        size_t len;

        if (!lf) {
            if (!r->skipping && r->to - r->from > GH_RECORD_LINE_MAX) {
                r->line.offset = r->file_offset;
                r->skipping = true;
            }
            if (r->skipping)
                advance(r, r->to - r->from);
            break;
        }
        len = (size_t)(lf - (r->buffer + r->from));
        err = hand_out(r, len, false);
        advance(r, len + 1);
    }
    return err;
}

static int hand_out_error(struct reader *r, int file_err)
{
    r->line.raw = gh_span_of(NULL, 0);
    r->line.too_long = r->line.torn = false;
    r->line.err = file_err;
    return r->fn(r->arg, &r->line);
}

static int read_file(struct reader *r, int dir_fd, const struct gh_ledger_files *files,
                     size_t index)
{
    const char *name = files->rows[index].name;
    int fd = gh_ledger_file_open(dir_fd, name);
    ssize_t n = 0;
    int err = 0;

    r->from = r->to = 0;
    r->file_offset = 0;
    r->skipping = false;
    r->line = (struct gh_record_line){
        .file = name, .file_index = index, .last_file = index + 1 == files->count
    };
    if (fd < 0)
        return hand_out_error(r, fd);
    while (!err && (n = fill(r, fd)) > 0)
        err = hand_out_complete(r);
    close(fd);
    if (!err && n < 0)
        err = hand_out_error(r, (int)n);
    else if (!err && (r->from < r->to || r->skipping))
        err = hand_out(r, r->to - r->from, true);
    return err;
}

int gh_record_read(const char *directory, gh_record_line_fn fn, void *arg)
{
    struct reader r = { .fn = fn, .arg = arg };
    struct gh_ledger_files files = { NULL, 0 };
    int dir_fd, err;

    dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return -errno;
    err = gh_ledger_files_list(dir_fd, GH_LEDGER_LINES, &files);
    if (err)
        goto out;
    err = GH_ENOTFOUND;
    if (!files.count)
        goto out;
    err = GH_ENOMEM;
    r.buffer = malloc(BUFFER_SIZE);
    if (!r.buffer)
        goto out;
    err = 0;
    for (size_t i = 0; !err && i < files.count; i++)
        err = read_file(&r, dir_fd, &files, i);
out:
    free(r.buffer);
    gh_ledger_files_fini(&files);
    close(dir_fd);
    return err;
}

int gh_record_line_hash(struct gh_span raw, uint8_t out[GH_RECORD_HASH_LEN])
{
    return gh_sha256(raw.p ? raw.p : "", raw.len, out);
}

bool gh_record_writer_running(const char *directory)
{
    int dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool running = dir_fd >= 0 && gh_ledger_is_locked(dir_fd);

    if (dir_fd >= 0)
        close(dir_fd);
    return running;
}
