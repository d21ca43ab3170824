/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger from inside: ledger.c appends, ledger_open.c opens and recovers. */
#ifndef GH_AUDIT_LEDGER_INT_H
#define GH_AUDIT_LEDGER_INT_H

#include "audit/files.h"
#include "audit/ledger.h"

struct gh_ledger {
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
};

/** Forget the group; the next record follows what is on disk. */
void gh_ledger_forget_group(struct gh_ledger *ledger);

/** All of @len octets.  @return 0 or -errno; some may be written then */
int gh_ledger_write_all(int fd, const char *p, size_t len);

/** Leave nothing past the last synced record.  @return 0 or -errno */
int gh_ledger_cut_back(struct gh_ledger *ledger);

#endif
