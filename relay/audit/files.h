/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names in a ledger's directory, and who may be there.
 *
 *   ledger-<seq of the first line, 20 digits>.jsonl   lines
 *   ledger-<seq>[-<n>].torn                           what a crash left half written, evidence
 *   ledger-<seq>[-<n>].torn.new                       the same, before its ledger.torn record
 *   ledger.lock                                       locked by the process that writes
 *
 * Thread: any.
 */
#ifndef GH_AUDIT_FILES_H
#define GH_AUDIT_FILES_H

#include <gatehouse/record.h>

#define GH_LEDGER_LINES ".jsonl"
#define GH_LEDGER_TORN ".torn"
#define GH_LEDGER_TORN_NEW ".torn.new"
#define GH_LEDGER_LOCK "ledger.lock"

struct gh_ledger_file {
    char name[GH_RECORD_FILE_MAX];
    uint64_t seq;  /* in its name */
    unsigned part; /* <n>, 0 without */
};

struct gh_ledger_files {
    struct gh_ledger_file *rows;
    size_t count;
};

/** Name of a file: @part 0 is left out. */
void gh_ledger_file_name(char out[GH_RECORD_FILE_MAX], uint64_t seq, unsigned part,
                         const char *suffix);

/**
 * All files with @suffix, by seq and part.  An empty list is not an error.
 * @out  freed with gh_ledger_files_fini; written on success only
 * @return 0, GH_ENOMEM or -errno
 */
int gh_ledger_files_list(int dir_fd, const char *suffix, struct gh_ledger_files *out);
void gh_ledger_files_fini(struct gh_ledger_files *files);

/** Open a regular file for reading; no link, never waiting.  @return descriptor or -errno */
int gh_ledger_file_open(int dir_fd, const char *name);

/** A process holds the lock of the ledger in @dir_fd.  Asks without taking it. */
bool gh_ledger_is_locked(int dir_fd);

/**
 * A whole file that must not be longer than @max.
 * @out  malloc'ed, NULL when empty; the caller frees
 * @return 0, GH_ELIMIT, GH_ENOMEM or -errno
 */
int gh_ledger_file_slurp(int dir_fd, const char *name, size_t max, char **out, size_t *len);

/** @len octets at @offset, all of them.  @return 0, GH_EBROKEN (file is shorter) or -errno */
int gh_ledger_file_read(int fd, uint64_t offset, char *out, size_t len);

#endif
