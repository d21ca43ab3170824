/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the record share: a directory of their own, whole files, and a second chain checker. */
#ifndef GH_TEST_SUPPORT_AUDIT_H
#define GH_TEST_SUPPORT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/event.h"
#include "audit/ledger.h"
#include <gatehouse/record.h>

#define WALL_US 1795425247114000LL /* 2026-11-23T09:14:07.114Z */
#define FIRST_FILE "ledger-00000000000000000001.jsonl"

/** A path that does not exist yet, below a fresh directory.  Static: good until the next call. */
const char *fresh_dir(void);
/** Remove a flat directory and what is in it. */
void remove_dir(const char *dir);

/** NULL when there is none; the caller frees.  A NUL is added. */
char *read_file(const char *dir, const char *name, size_t *len);
void write_file(const char *dir, const char *name, const void *octets, size_t len);
bool file_exists(const char *dir, const char *name);

/** Finish @event, add it to @ledger and free it.  @return what gh_ledger_add returned */
int add_event(struct gh_ledger *ledger, struct gh_event *event);

/** A new ledger in @dir with @count records of type test.event, one group each. */
void make_ledger(const char *dir, unsigned count);

/**
 * The chain by a second implementation: OpenSSL's hash directly, seq and prev by position in the text.
 * @return number of lines, or -1 at the first that does not hold
 */
long second_opinion(const char *dir, const char *const *files, size_t count);

/* Why the last open_ledger or open_error failed. */
extern char open_why[GH_LEDGER_WHY_MAX];

/** Open a ledger that must open. */
struct gh_ledger *open_ledger(const char *dir);
/** Open and close one.  @return what gh_ledger_open returned */
int open_error(const char *dir);

/** A record with @padding octets at least, as a group of its own.  @return the first error */
int append(struct gh_ledger *ledger, const char *type, size_t padding);

/** -1 when there is none. */
long size_of(const char *dir, const char *name);

/* How many findings of each kind. */
struct tally {
    unsigned of[GH_RECORD_FINDING_COUNT];
};

/** Verify a ledger that can be read. */
struct gh_record_verdict verify_tally(const char *dir, struct tally *tally);

#endif
