/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the time line share. */
#ifndef GH_CALL_TIMELINE_INT_H
#define GH_CALL_TIMELINE_INT_H

#include "call/timeline.h"

#define GH_TIMELINE_UNKEPT UINT8_MAX /* instead of a place: there was none for this epoch */

/* ---- timeline_room.c: where the lists lie ---- */

enum gh_timeline_list { GH_TIMELINE_EPOCHS, GH_TIMELINE_SLICES, GH_TIMELINE_DECIDED };

/* More room for one of the lists, zeroed.  Places keep their numbers, not their addresses.
 * false: it has all that it may have, or no memory is left; it is as it was. */
bool gh_timeline_more(struct gh_timeline *line, enum gh_timeline_list list);

/* ---- timeline_outcome.c: what is decided ---- */

/* The next stretch of time.  @from_us  where the last one ended */
void gh_timeline_decide(struct gh_timeline *line, int64_t from_us, int64_t to_us,
                        enum gh_grade grade);

/* A keyed side turned out to be worth less than when it was decided: nothing that is decided is
 * better than mixed. */
void gh_timeline_doubt(struct gh_timeline *line);

#endif
