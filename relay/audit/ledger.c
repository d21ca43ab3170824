/* SPDX-License-Identifier: Apache-2.0 */
/* Appending to the ledger: one group of records at a time, on disk as a whole or not at all. */
#include "audit/ledger_int.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/event.h"
#include "audit/line.h"

#define HEAD_MAX 128 /* {"v":1,"seq":<20 digits>,"prev":"<64 digits>", */

void gh_ledger_forget_group(struct gh_ledger *ledger)
{
    ledger->group_len = 0;
    ledger->group_seq = ledger->seq;
    memcpy(ledger->group_prev, ledger->prev, sizeof(ledger->prev));
}

static int grow_group(struct gh_ledger *ledger, size_t more)
{
    size_t size = ledger->group_size ? ledger->group_size : 64 * 1024;
    char *group;

    while (size < ledger->group_len + more)
        size *= 2;
    if (size == ledger->group_size)
        return 0;
    group = realloc(ledger->group, size);
    if (!group)
        return GH_ENOMEM;
    ledger->group = group;
    ledger->group_size = size;
    return 0;
}

int gh_ledger_add(struct gh_ledger *ledger, struct gh_span record, uint64_t *seq)
{
    char prev[2 * GH_RECORD_HASH_LEN + 1], head[HEAD_MAX];
    size_t head_len, line_len;
    char *line;
    int err;

    gh_line_hex(ledger->group_prev, prev);
    head_len = (size_t)snprintf(head, sizeof(head), "{\"v\":1,\"seq\":%" PRIu64 ",\"prev\":\"%s\",",
                                ledger->group_seq + 1, prev);
    line_len = head_len + record.len;
    err = grow_group(ledger, line_len + 1);
    if (!err) {
        line = ledger->group + ledger->group_len;
        memcpy(line, head, head_len);
        memcpy(line + head_len, record.p, record.len);
        line[line_len] = '\n';
        err = gh_record_line_hash(gh_span_of(line, line_len), ledger->group_prev);
    }
    if (err) {
        gh_ledger_forget_group(ledger);
        return err;
    }
    ledger->group_len += line_len + 1;
    ledger->group_seq++;
    if (seq)
        *seq = ledger->group_seq;
    return 0;
}

size_t gh_ledger_group_len(const struct gh_ledger *ledger)
{
    return ledger->group_len;
}

uint64_t gh_ledger_seq(const struct gh_ledger *ledger)
{
    return ledger->seq;
}

int gh_ledger_write_all(int fd, const char *p, size_t len)
{
    while (len) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int gh_ledger_cut_back(struct gh_ledger *ledger)
{
    if (!ledger->ragged)
        return 0;
    if (ftruncate(ledger->fd, (off_t)ledger->size) < 0)
        return -errno;
    ledger->ragged = false;
    return 0;
}

static int begin_file(struct gh_ledger *ledger)
{
    if (ledger->fd >= 0 && ledger->size >= ledger->rotate_octets) {
        close(ledger->fd);
        ledger->fd = -1;
    }
    if (ledger->fd < 0) {
        gh_ledger_file_name(ledger->name, ledger->seq + 1, 0, GH_LEDGER_LINES);
        ledger->fd = openat(ledger->dir_fd, ledger->name,
                            O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (ledger->fd < 0)
            return -errno;
        ledger->size = 0;
        ledger->dir_unsynced = true;
    }
    if (ledger->dir_unsynced && fsync(ledger->dir_fd) < 0)
        return -errno;
    ledger->dir_unsynced = false;
    return 0;
}

static int write_group(struct gh_ledger *ledger)
{
    int err = gh_ledger_cut_back(ledger);

    if (!err)
        err = begin_file(ledger);
    if (err)
        return err;
    ledger->ragged = true;
    err = gh_ledger_write_all(ledger->fd, ledger->group, ledger->group_len);
    /* After a sync that failed the kernel may hold the pages for clean: only writing them anew,
     * which the next try does, makes the next sync mean something. */
    if (!err && fdatasync(ledger->fd) < 0)
        err = -errno;
    if (err) {
        gh_ledger_cut_back(
            ledger); /* if this fails too, ragged stays and the next try begins with it */
        return err;
    }
    ledger->ragged = false;
    ledger->size += ledger->group_len;
    return 0;
}

int gh_ledger_commit(struct gh_ledger *ledger)
{
    int err = ledger->group_len ? write_group(ledger) : 0;

    if (!err) {
        ledger->seq = ledger->group_seq;
        memcpy(ledger->prev, ledger->group_prev, sizeof(ledger->prev));
    }
    gh_ledger_forget_group(ledger);
    return err;
}

int gh_ledger_append_now(struct gh_ledger *ledger, struct gh_event *event)
{
    struct gh_span text;
    int err = gh_event_finish(event, &text);

    if (!err)
        err = gh_ledger_add(ledger, text, NULL);
    if (!err)
        err = gh_ledger_commit(ledger);
    gh_event_free(event);
    return err;
}

void gh_ledger_close(struct gh_ledger *ledger)
{
    if (!ledger)
        return;
    if (ledger->fd >= 0)
        close(ledger->fd);
    gh_ledger_leave_place(ledger);
    free(ledger->group);
    free(ledger->directory);
    free(ledger);
}
