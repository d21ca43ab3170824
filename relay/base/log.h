/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines for people: UTC time, level, part, event, then name=value.  A line goes into a bounded
 * ring and is written by its own thread, so no caller ever waits for a terminal or a pipe; lines
 * that found no room are counted, and the count is said.  Event words are stable and listed in the
 * man page.
 *
 *   2026-03-01T12:00:00.123Z info  call  state       call=7f3a91c2 from=offered to=answered
 *
 * Text of a peer is given through gh_log_quote.  No SIP or SDP body, no key ever goes here.  What
 * is not printable ASCII becomes '?', so that no text can forge a line, whoever forgot to quote it.
 */
#ifndef GH_LOG_H
#define GH_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <gatehouse/span.h>

enum gh_log_level { GH_LOG_DEBUG = 0, GH_LOG_INFO, GH_LOG_WARN, GH_LOG_ERROR };

/**
 * Start the writing thread on @fd (borrowed).  Until then lines are written at once, to stderr.
 * When it runs already: from now on write to @fd, and lines of @least and above only.
 * @return 0 or an error.  Thread: the main one.
 */
int gh_log_start(int fd, enum gh_log_level least);

/** Write all that is left, join the thread.  Later lines are written at once.  Thread: the main
 * one, after those that log without end are joined. */
void gh_log_stop(void);

/** Lines that found no room since the start.  Thread: any. */
uint64_t gh_log_dropped(void);

/**
 * @part   "call", "media", ...: the folder's name
 * @event  stable word
 * @fmt    "name=%s other=%u": printf text without line end; cut at GH_LOG_LINE_MAX.  Thread: any.
 */
void gh_log(enum gh_log_level level, const char *part, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define GH_LOG_LINE_MAX 1024
#define GH_LOG_RING_LINES 1024
#define GH_LOG_RING_SPARE 64 /* of these, for errors only: strangers cannot push them out */

/* One place in the code whose lines a stranger can cause.  Zeroed is ready.  One thread. */
struct gh_log_fold {
    uint64_t second;   /* of the line before, plus 1; 0: there was none */
    uint64_t left_out; /* lines since then */
};

/**
 * One line a second: whether it may be written now.
 * @now_ms    monotonic
 * @left_out  written when true: how many were not written since the line before; say it in the line
 */
bool gh_log_fold(struct gh_log_fold *fold, uint64_t now_ms, uint64_t *left_out);
#define GH_LOG_QUOTE_MAX 64 /* octets of a peer's text that are shown */

struct gh_log_text {
    char text[GH_LOG_QUOTE_MAX * 4 + 8];
};

/** Quoted, escaped (\xNN for what is not printable ASCII, and for " and \), cut at GH_LOG_QUOTE_MAX
 *  octets with "..." behind.  Use: gh_log(..., "from=%s", gh_log_quote(span).text). */
struct gh_log_text gh_log_quote(struct gh_span peer_text);

#endif
