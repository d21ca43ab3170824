/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the writer share: one audit on one loop, in a directory of its own. */
#ifndef GH_TEST_SUPPORT_WRITER_H
#define GH_TEST_SUPPORT_WRITER_H

#include <uv.h>

#include "audit/writer.h"
#include "relay/audit/support_audit.h"

/* From writer_open to writer_close. */
extern const char *dir;
extern uv_loop_t loop;
extern struct gh_audit *audit;

/** An audit that must open.  @options  its loop, time and directory are written here */
void writer_open(struct gh_audit_options options);
/** It was stopped before.  Nothing may be left on the loop. */
void writer_close(void);

struct gh_audit_stats stats(void);
/** Of the ledger's one file: see second_opinion. */
long lines_that_hold(void);
/** How many lines of it contain @what. */
int count_lines(const char *what);

#endif
