/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a load has to say: errors, warnings and notes, each at a place of a source file.  They are
 * kept and printed at the end in the order of the files, as a compiler prints them:
 *
 *   FILE:line:column: error: what, where, what to change
 *     12 |     srtp: requird
 *        |           ^~~~~~~
 *
 * Columns count characters, from 1.  What stands behind a key such as "password:" is never shown,
 * nor what stands inside PEM armour: somebody may have put a secret where a path belongs.
 */
#ifndef GH_CONFIG_REPORT_H
#define GH_CONFIG_REPORT_H

#include <stdio.h>

#include "config/arena.h"

/* One file as it was read. */
struct gh_source {
    const char *path;       /* as messages show it */
    const char *folder;     /* absolute; relative paths in this file start here */
    struct gh_span text;
    unsigned index;         /* order of reading: messages are sorted by it */
    struct gh_source *next;
};

/* A stretch of octets of a source.  Source NULL: of no file. */
struct gh_mark {
    const struct gh_source *source;
    size_t at, len;
};

enum gh_severity { GH_SEVERITY_NOTE = 0, GH_SEVERITY_WARNING, GH_SEVERITY_ERROR };

struct gh_report;

/** Messages live in @arena.  @return NULL when that has no room */
struct gh_report *gh_report_new(struct gh_config_arena *arena);

/** A note is one line without the source; warnings and errors show it. */
void gh_report_add(struct gh_report *report, enum gh_severity severity, struct gh_mark mark,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/** How many errors so far. */
size_t gh_report_errors(const struct gh_report *report);

/** All messages, sorted by file and place; those of one place keep their order. */
void gh_report_print(const struct gh_report *report, FILE *out);

/** "FILE:line:column" of @mark, in the report's arena; never NULL. */
const char *gh_report_place(struct gh_report *report, struct gh_mark mark);

/** @text between quotes for a message: cut, and without what a terminal could take for an order.
 *  In the report's arena; never NULL. */
const char *gh_report_quote(struct gh_report *report, struct gh_span text);

/** Octets of the UTF-8 sequence that starts at @p, of which @left are there.  @return 0: it is
 * none */
size_t gh_report_utf8_len(const unsigned char *p, size_t left);

/* One letter wrong in so many is a slip, more is another word.  Values that say opposite things may
 * look alike (require, refuse): there less is let pass. */
enum gh_nearness { GH_NEAR_NAME = 3, GH_NEAR_VALUE = 4 };

/** The word among @count @words that was probably meant by @text.  @return NULL: none is near */
const char *gh_report_nearest(struct gh_span text, const char *const *words, size_t count,
                              enum gh_nearness nearness);

#endif
