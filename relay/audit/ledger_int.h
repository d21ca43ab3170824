/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger from inside: ledger_place.c takes directory and lock, ledger_open.c recovers after a
 * crash, ledger.c appends, ledger_lost.c sees that the file is still where it was put.
 */
#ifndef GH_AUDIT_LEDGER_INT_H
#define GH_AUDIT_LEDGER_INT_H

#include "audit/event.h"
#include "audit/files.h"
#include "audit/ledger.h"

/* What other hands did to a ledger that is being written.  Words are stable: records keep them.
 *    enum                     word                  what happened, and what to do */
#define GH_LEDGER_LOSS_MAP(X)                                                                      \
    X(DIRECTORY_GONE, "directory_gone", "the directory was removed or moved away",                 \
      "if it was moved, move its files back into the new one")                                     \
    X(DIRECTORY_REPLACED, "directory_replaced", "something else stands in its place",           \
      "move the files of the old one, with their names, into the new one")                         \
    X(LOCK_GONE, "lock_gone", "its ledger.lock was removed",                                       \
      "leave it there: it keeps a second daemon away")                                             \
    X(FILE_REMOVED, "file_removed", "the file was removed, its records with it",                   \
      "leave the ledger's files alone while the daemon runs")                                      \
    X(FILE_MOVED, "file_moved", "the file was moved or renamed",                                   \
      "put it back under its name, and exempt the directory from log rotation")                    \
    X(FILE_REPLACED, "file_replaced", "another file stands in its place",                          \
      "put the first one back under its name, and exempt the directory from log rotation")         \
    X(FILE_CUT, "file_cut", "the file is shorter than what was written to it",                     \
      "if a log rotation copied it first, put the copy in its place; exempt the directory")        \
    X(FILE_GROWN, "file_grown", "something else wrote into the file",                              \
      "find out what: gatehouse-audit verify names the first line that is not the daemon's")

enum gh_ledger_loss {
    GH_LOSS_NONE = 0,
#define X(id, word, text, change) GH_LOSS_##id,
    GH_LEDGER_LOSS_MAP(X)
#undef X
};

struct gh_ledger {
    char *directory;
    int dir_fd, lock_fd;
    int fd;                      /* file that is appended to; -1: the next group begins one */
    char name[GH_RECORD_FILE_MAX];
    uint64_t size;               /* octets of it that are synced, all in whole lines */
    uint64_t rotate_octets;
    bool ragged;                 /* there may be octets past size: cut them before the next write */
    bool dir_unsynced;           /* the file is new and its name may not be on disk */
    uint64_t seq;                /* of the last record on disk */
    uint8_t prev[GH_RECORD_HASH_LEN];       /* its hash */
    uint64_t group_seq;          /* the same for the last record of the group */
    uint8_t group_prev[GH_RECORD_HASH_LEN];
    char *group;
    size_t group_len, group_size;
    /* found by gh_ledger_look, until gh_ledger_recover has written it down */
    enum gh_ledger_loss loss;
    char lost_name[GH_RECORD_FILE_MAX];     /* empty: no file was open */
    uint64_t lost_size;          /* octets of it that were on disk */
    int64_t found_size;          /* octets that the open file has now; -1: there was none */
};

/** Forget the group; the next record follows what is on disk. */
void gh_ledger_forget_group(struct gh_ledger *ledger);

/** One record as a group of its own.  @event  taken on every path */
int gh_ledger_append_now(struct gh_ledger *ledger, struct gh_event *event);

/** All of @len octets.  @return 0 or -errno; some may be written then */
int gh_ledger_write_all(int fd, const char *p, size_t len);

/** Leave nothing past the last synced record.  @return 0 or -errno */
int gh_ledger_cut_back(struct gh_ledger *ledger);

/* ---- ledger_place.c ---- */

/** A sentence into @why, of GH_LEDGER_WHY_MAX octets.  @return @err */
int gh_ledger_explain(char *why, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Is @fd, called @what in the directory, ours alone?
 * @mode  what to chmod it to, for the message
 * @return 0, GH_EAUTH or -errno
 */
int gh_ledger_check_owner(const struct gh_ledger *ledger, int fd, const char *what,
                          const char *mode, char *why);

/** Open the directory, which is made if it is not there, and lock it; give up the one before.
 *  @return as gh_ledger_open(); then the ledger has neither */
int gh_ledger_take_place(struct gh_ledger *ledger, char *why);
void gh_ledger_leave_place(struct gh_ledger *ledger);

#endif
