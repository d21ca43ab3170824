/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the lists of a time line lie: in the struct while they are short, as in nearly every call,
 * on the heap when they have grown.  What is in them is left to timeline.c.
 */
#include "call/timeline_int.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(GH_TIMELINE_OWN >= 2, "the oldest slice ends where another begins, two intervals "
                                     "are merged: also when no memory is left for more");

/* The list in a larger block, and the one that it was in freed, unless that is @own; or as it is.
 * @more  written: which */
static void *grown(void *list, const void *own, uint8_t *room, size_t max, size_t size, bool *more)
{
    size_t wanted = 2 * (size_t)*room < max ? 2 * (size_t)*room : max;
    void *larger = *room < max ? calloc(wanted, size) : NULL;

    *more = larger != NULL;
    if (!larger)
        return list;
    memcpy(larger, list, *room * size);
    if (list != own)
        free(list);
    *room = (uint8_t)wanted;
    return larger;
}

bool gh_timeline_more(struct gh_timeline *line, enum gh_timeline_list list)
{
    bool more = false;

    switch (list) {
    case GH_TIMELINE_EPOCHS:
        line->epochs = grown(line->epochs, line->own_epochs, &line->epoch_room,
                             GH_TIMELINE_EPOCHS_MAX, sizeof(*line->epochs), &more);
        break;
    case GH_TIMELINE_SLICES:
        line->slices = grown(line->slices, line->own_slices, &line->slice_room,
                             GH_TIMELINE_SLICES_MAX, sizeof(*line->slices), &more);
        break;
    case GH_TIMELINE_DECIDED:
        line->decided = grown(line->decided, line->own_decided, &line->decided_room,
                              GH_TIMELINE_INTERVALS_MAX, sizeof(*line->decided), &more);
        break;
    }
    return more;
}

void gh_timeline_init(struct gh_timeline *line)
{
    memset(line, 0, sizeof(*line));
    line->epochs = line->own_epochs;
    line->slices = line->own_slices;
    line->decided = line->own_decided;
    line->epoch_room = line->slice_room = line->decided_room = GH_TIMELINE_OWN;
    line->last_us = INT64_MIN;
    line->changed_us = INT64_MIN;
}

void gh_timeline_fini(struct gh_timeline *line)
{
    if (line->epochs != line->own_epochs)
        free(line->epochs);
    if (line->slices != line->own_slices)
        free(line->slices);
    if (line->decided != line->own_decided)
        free(line->decided);
    gh_timeline_init(line);
}

/* The copy's list: its own places, which hold what those of the original hold, or a new block. */
static void *twin(const void *list, const void *own, void *own_twin, size_t len)
{
    void *block;

    if (list == own)
        return own_twin;
    block = malloc(len);
    if (block)
        memcpy(block, list, len);
    return block;
}

int gh_timeline_copy(struct gh_timeline *copy, const struct gh_timeline *line)
{
    *copy = *line;
    copy->epochs = twin(line->epochs, line->own_epochs, copy->own_epochs,
                        line->epoch_room * sizeof(*line->epochs));
    copy->slices = twin(line->slices, line->own_slices, copy->own_slices,
                        line->slice_room * sizeof(*line->slices));
    copy->decided = twin(line->decided, line->own_decided, copy->own_decided,
                         line->decided_room * sizeof(*line->decided));
    if (copy->epochs && copy->slices && copy->decided)
        return 0;
    gh_timeline_fini(copy);
    return GH_ENOMEM;
}
