/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a ledger, read back: the fields that every record has.  Thread: any. */
#ifndef GH_AUDIT_LINE_H
#define GH_AUDIT_LINE_H

#include <gatehouse/record.h>

#include "audit/event.h"

struct json_t;

struct gh_line {
    uint64_t seq;
    uint8_t prev[GH_RECORD_HASH_LEN];
    char ts[GH_RECORD_TIME_MAX];
    char type[GH_EVENT_TYPE_MAX + 1];
    struct json_t *root; /* jansson's tree of the whole line; owned */
};

#define GH_LINE_WHY_MAX 160

/**
 * @raw  a line without LF
 * @out  written on success only; freed with gh_line_fini
 * @why  on failure what is wrong, printable ASCII; may be NULL
 * @return 0; GH_ESYNTAX (no JSON object, or a name twice), GH_EBROKEN (v, seq, prev, ts or type),
 * GH_ENOMEM
 */
int gh_line_parse(struct gh_span raw, struct gh_line *out, char why[GH_LINE_WHY_MAX]);
void gh_line_fini(struct gh_line *line);

/** Text value of a field of the record; NULL when absent or no text.  Lives as long as @line. */
const char *gh_line_text(const struct gh_line *line, const char *name);

/** Whole number of a field, or @otherwise. */
int64_t gh_line_int(const struct gh_line *line, const char *name, int64_t otherwise);

/** "2026-11-23T09:14:07.114Z" to microseconds since 1970.  @return whether it is such a text */
bool gh_line_time(const char *ts, int64_t *wall_us);

/** @hash as 64 digits and NUL. */
void gh_line_hex(const uint8_t hash[GH_RECORD_HASH_LEN], char out[2 * GH_RECORD_HASH_LEN + 1]);

/** 64 lower case digits back.  @return whether they are */
bool gh_line_unhex(struct gh_span hex, uint8_t out[GH_RECORD_HASH_LEN]);

#endif
