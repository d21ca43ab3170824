/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of the table of calls that gatehouse-audit prints.  What stands in a ledger may be
 * forged: a field that is missing or of another type leaves its cell empty, and nothing that acts
 * on a terminal gets out.  Thread: any.
 */
#ifndef GH_AUDIT_ROW_H
#define GH_AUDIT_ROW_H

#include "audit/line.h"
#include "audit/lost.h"

#define GH_CELL_MAX 512

struct gh_cell {
    char text[GH_CELL_MAX];
    size_t len, columns;
    bool full; /* ends in "..." */
};

enum gh_column {
    GH_ROW_START = 0,
    GH_ROW_DURATION,
    GH_ROW_FROM,
    GH_ROW_TO,
    GH_ROW_TRUNKS,
    GH_ROW_STATUS,
    GH_ROW_GRADE,
    GH_ROW_REASONS, /* why it ended, or was refused */
    GH_ROW_MARKS,
    GH_ROW_MEDIA,
    GH_ROW_COLUMNS
};

struct gh_row {
    struct gh_cell cells[GH_ROW_COLUMNS]; /* zeroed is empty */
};

/** Append @text, with what acts on a terminal escaped; cut visibly when the cell is full. */
void gh_cell_text(struct gh_cell *cell, const char *text);

/** Of call.end or call.lost.  @begun  its call.start, NULL: not in the ledger */
void gh_row_of_end(struct gh_row *row, const struct gh_line *line,
                   const struct gh_lost_call *begun);
/** Of policy.refuse for an INVITE. */
void gh_row_of_refusal(struct gh_row *row, const struct gh_line *line);
/** Of a call without an end.  @running  the daemon is: so may the call */
void gh_row_of_open(struct gh_row *row, const struct gh_lost_call *call, bool running);

void gh_row_print_titles(void);
void gh_row_print(const struct gh_row *row);
/** Of call.end: which sides were not heard, one a line; nothing if all were. */
void gh_row_print_silences(const struct gh_line *line);

#endif
