/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger on disk, for the one who writes it: splice seq and prev, append, sync, begin a new
 * file, and open again after a crash.  The format is in gatehouse/record.h, the names in files.h.
 *
 * A group of records is on disk as a whole or not at all: whatever goes wrong, the file is cut back
 * to the last synced record.
 *
 * After a crash the file may end in half a line.  It is kept: copied into a .torn file of its own,
 * cut off the ledger, and named by a record ledger.torn with its length and hash.  A last line that
 * is complete but cannot be read stays where it is; the chain goes on over its raw octets, and a
 * record ledger.damaged says so.
 *
 * While it is written other hands may move, remove or change it (gh_ledger_look): said once, then
 * the chain goes on in a new file that begins with a record ledger.interrupted.
 *
 * Thread: one at a time.
 */
#ifndef GH_AUDIT_LEDGER_H
#define GH_AUDIT_LEDGER_H

#include <gatehouse/record.h>

#define GH_LEDGER_GROUP_MAX ((size_t)1 << 20) /* octets; commit when more were added */
#define GH_LEDGER_TORN_MAX ((size_t)16 << 20) /* octets; a longer tail is from no crash of ours */
#define GH_LEDGER_WHY_MAX 512

struct gh_ledger;

/**
 * Open for writing, alone.  Makes the directory (0700) if it is not there.
 *
 * @wall_us         time of the records about what was found
 * @rotate_octets   a file that is this long is followed by a new one
 * @why             on failure one sentence: file, what is wrong, what to do
 * @return 0, GH_EEXISTS (somebody else writes), GH_EAUTH (owner or mode), GH_EBROKEN (end
 * unreadable), GH_ENOMEM, GH_ECRYPTO or -errno
 */
int gh_ledger_open(struct gh_ledger **out, const char *directory, int64_t wall_us,
                   uint64_t rotate_octets, char why[GH_LEDGER_WHY_MAX]);

/** What was not committed is forgotten.  NULL is fine. */
void gh_ledger_close(struct gh_ledger *ledger);

/**
 * Add a record to the group.
 * @record  text of gh_event_finish(): without the opening brace
 * @seq     its number, if the group is committed; may be NULL
 * @return 0, GH_ENOMEM, GH_ECRYPTO: then the whole group is forgotten
 */
int gh_ledger_add(struct gh_ledger *ledger, struct gh_span record, uint64_t *seq);

/** Octets added and not committed. */
size_t gh_ledger_group_len(const struct gh_ledger *ledger);

/**
 * Write and sync the group.  On error nothing of it is on disk, it is forgotten, and the same
 * records can be added again.
 * @return 0 or -errno (-ENOSPC, -EIO, ...)
 */
int gh_ledger_commit(struct gh_ledger *ledger);

/**
 * See that directory, lock and file are still in their place and hold what was written, before each
 * group and once a second.
 * @why  written when a value other than 0 is returned: file, what happened to it, what to do
 * @return 0; GH_EBROKEN once, when it was just found otherwise: nothing is written to what was
 *         lost any more, gh_ledger_recover() goes on elsewhere; or -errno
 */
int gh_ledger_look(struct gh_ledger *ledger, char why[GH_LEDGER_WHY_MAX]);

/**
 * After a loss: make the directory and take the lock if they are gone, and begin a new file with a
 * record ledger.interrupted.  Nothing to do without a loss.  The group is forgotten.
 * @wall_us  time of that record
 * @return 0 or as gh_ledger_open(): then try again
 */
int gh_ledger_recover(struct gh_ledger *ledger, int64_t wall_us, char why[GH_LEDGER_WHY_MAX]);

/** Number of the last record on disk; 0: none. */
uint64_t gh_ledger_seq(const struct gh_ledger *ledger);

#endif
