/* SPDX-License-Identifier: Apache-2.0 */
#include "call/had_keys.h"

#include <stdlib.h>

static bool make_room(struct gh_had_keys *had)
{
    size_t room = had->room ? 2 * had->room : 4;
    uint32_t *grown;

    if (had->count < had->room)
        return true;
    if (had->count == GH_HAD_KEYS_MAX)
        return false;
    grown = realloc(had->numbers, room * sizeof(*grown));
    if (!grown)
        return false;
    had->numbers = grown;
    had->room = room;
    return true;
}

static bool has(const struct gh_had_keys *had, uint32_t number)
{
    for (size_t i = 0; i < had->count; i++) {
        if (had->numbers[i] == number)
            return true;
    }
    return false;
}

void gh_had_keys_fini(struct gh_had_keys *had)
{
    free(had->numbers);
    *had = (struct gh_had_keys){ .numbers = NULL };
}

void gh_had_keys_add(struct gh_had_keys *had, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (has(had, numbers[i]))
            continue;
        if (make_room(had))
            had->numbers[had->count++] = numbers[i];
        else
            had->full = true;
    }
}

bool gh_had_keys_any(const struct gh_had_keys *had, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (had->full || has(had, numbers[i]))
            return true;
    }
    return false;
}
