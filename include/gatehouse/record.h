/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgh_record: reading a ledger back and verifying it.
 *
 * A ledger is a directory of files ledger-<first seq, 20 digits>.jsonl, read in the order of their
 * names. Each line is one JSON object and ends with LF:
 *
 *     {"v":1,"seq":N,"prev":"<hex>","ts":"2026-11-23T09:14:07.114Z","type":"...", ...}
 *
 * seq counts from 1 without gaps, across files.  prev is the SHA-256 of the raw octets of the line
 * before, without its LF, in lower case hexadecimal; 64 zeros for the very first.  Unknown fields
 * and types are fine.
 *
 * What a hash chain can say is "consistent": nothing was damaged by accident, or edited by someone
 * who did not recompute what follows.  It cannot see lines cut from the end, nor an edit of the
 * last line, nor a ledger rewritten from some line on.  Only a head kept elsewhere shows those:
 * struct gh_record_anchor.
 *
 * Thread: any; no state is kept between calls.
 */
#ifndef GATEHOUSE_RECORD_H
#define GATEHOUSE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gatehouse/err.h>
#include <gatehouse/span.h>

#define GH_RECORD_LINE_MAX                                                                         \
    ((size_t)1 << 20)         /* octets of a line without LF; our own are at most 256 KiB */
#define GH_RECORD_FILE_MAX 64 /* octets of a file's name in the directory, with NUL */
#define GH_RECORD_TIME_MAX 32                /* octets of a "ts", with NUL */
#define GH_RECORD_HASH_LEN 32                /* SHA-256 */

/* What verify can find.  A broken ledger is not consistent; the others are worth knowing.
 *    enum                        word               broken  what it says */
#define GH_RECORD_FINDING_MAP(X)                                                                   \
    X(GH_RECORD_BAD_JSON, "bad_json", 1, "the line is not a JSON object")                          \
    X(GH_RECORD_BAD_FIELD, "bad_field", 1, "v, seq, prev, ts or type is missing or malformed")     \
    X(GH_RECORD_SEQ_GAP, "seq_gap", 1, "its seq does not follow that of the line before")          \
    X(GH_RECORD_PREV_MISMATCH, "prev_mismatch", 1, "a line is not what the prev of the next says") \
    X(GH_RECORD_LINE_TOO_LONG, "line_too_long", 1, "the line is longer than any record")           \
    X(GH_RECORD_TORN_TAIL, "torn_tail", 1, "the file ends in the middle of a line")                \
    X(GH_RECORD_FILE_NAME, "file_name", 1, "the file's name does not fit its first record")        \
    X(GH_RECORD_FILE_UNREADABLE, "file_unreadable", 1, "the file cannot be read")                  \
    X(GH_RECORD_EVIDENCE_LOST, "evidence_lost", 1,                                                 \
      "what a crash left half written was kept, and is gone or changed")                           \
    X(GH_RECORD_NOT_REPRODUCED, "not_reproduced", 1,                                               \
      "the ledger does not reproduce the head kept elsewhere")                                     \
    X(GH_RECORD_EMPTY, "empty", 1, "there is no record in the ledger's files")                     \
    X(GH_RECORD_TORN_KEPT, "torn_kept", 0, "a crash left a line half written; it was kept aside")  \
    X(GH_RECORD_DAMAGE_NOTED, "damage_noted", 0,                                                   \
      "the daemon found damage when it opened the ledger")                                         \
    X(GH_RECORD_INTERRUPTED, "interrupted", 0,                                                     \
      "the ledger was moved or changed while it was written")                                      \
    X(GH_RECORD_UNCLEAN_STOP, "unclean_stop", 0, "a start without a clean stop before it")         \
    X(GH_RECORD_DROPPED, "dropped", 0, "records were lost for want of room")                       \
    X(GH_RECORD_BEING_WRITTEN, "being_written", 0, "the last line was being written just now")

enum gh_record_finding_kind {
#define X(id, word, broken, text) id,
    GH_RECORD_FINDING_MAP(X)
#undef X
    GH_RECORD_FINDING_COUNT
};

struct gh_record_finding {
    enum gh_record_finding_kind kind;
    char file[GH_RECORD_FILE_MAX]; /* name in the directory; empty: the ledger as a whole */
    uint64_t line;                 /* from 1; 0: the file as a whole.  Of two lines that do not fit
                                    * each other the first: most likely that one was changed */
    char text[448];                /* what was expected and what was found; printable ASCII */
};

/** The stable word of a kind: "seq_gap". */
const char *gh_record_finding_word(enum gh_record_finding_kind kind);
/** One sentence for people. */
const char *gh_record_finding_text(enum gh_record_finding_kind kind);
/** Whether it makes the ledger inconsistent. */
bool gh_record_finding_broken(enum gh_record_finding_kind kind);

/* A head kept elsewhere: "the line with this seq had this hash". */
struct gh_record_anchor {
    uint64_t seq;
    uint8_t hash[GH_RECORD_HASH_LEN];
};

struct gh_record_verdict {
    bool consistent;               /* no finding that breaks */
    bool anchored;                 /* an anchor was given and is reproduced */
    uint64_t files;
    uint64_t records;              /* complete lines, sound or not */
    uint64_t findings;             /* all, also those past what the callback wanted */
    uint64_t broken;               /* those that break */
    struct gh_record_finding first_broken; /* when broken > 0 */
    uint64_t head_seq;             /* of the last sound line; 0: none */
    uint8_t head[GH_RECORD_HASH_LEN];      /* its SHA-256; zero: none */
    char first_ts[GH_RECORD_TIME_MAX];     /* of the first and last sound record; empty: none */
    char last_ts[GH_RECORD_TIME_MAX];
    char anchored_ts[GH_RECORD_TIME_MAX];  /* of the record that the anchor names */
    bool stopped_cleanly;          /* the last daemon.start has its daemon.stop */
    bool writer_running;           /* a process holds the ledger's lock */
};

/** One finding, in the order of the ledger.  @finding lives during the call only. */
typedef void (*gh_record_finding_fn)(void *arg, const struct gh_record_finding *finding);

/**
 * Read a whole ledger and check it.  Never writes, and never disturbs a daemon that does.
 *
 * @anchor  a head kept elsewhere, or NULL
 * @fn      may be NULL
 * @out     written when 0 is returned, also for a broken ledger
 * @return 0; GH_ENOTFOUND (no ledger file in @directory), GH_ENOMEM, or -errno (directory
 * unreadable).
 */
int gh_record_verify(const char *directory, const struct gh_record_anchor *anchor,
                     gh_record_finding_fn fn, void *arg, struct gh_record_verdict *out);

/* One line as it stands in the file. */
struct gh_record_line {
    const char *file;    /* name in the directory */
    uint64_t file_index; /* from 0 */
    bool last_file;      /* the newest one: the only one that may still grow */
    uint64_t number;     /* line in the file, from 1 */
    uint64_t offset;     /* octets before it in the file */
    struct gh_span raw;  /* without LF; lives during the call; empty when too_long */
    bool too_long;       /* over GH_RECORD_LINE_MAX */
    bool torn;           /* the file ended before the LF */
    int err;             /* not 0: the file could not be read any further; raw is empty */
};

/** @return 0 to go on; anything else ends the reading and is returned by gh_record_read. */
typedef int (*gh_record_line_fn)(void *arg, const struct gh_record_line *line);

/**
 * Every line of a ledger in order, nothing judged.  Memory is bounded by GH_RECORD_LINE_MAX.
 * @return 0; what @fn returned; GH_ENOTFOUND, GH_ENOMEM, or -errno (directory unreadable).
 */
int gh_record_read(const char *directory, gh_record_line_fn fn, void *arg);

/** Whether a process holds the lock of the ledger.  Asks without taking it. */
bool gh_record_writer_running(const char *directory);

/** Hash of a line as the chain sees it: SHA-256 of its raw octets without LF.
 *  @return 0 or GH_ECRYPTO */
int gh_record_line_hash(struct gh_span raw, uint8_t out[GH_RECORD_HASH_LEN]);

#endif
