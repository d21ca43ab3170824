/* SPDX-License-Identifier: Apache-2.0 */
#include "media/retired.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

static bool mark_of(const struct gh_secret *key, uint64_t *mark)
{
    uint8_t hash[32];

    if (gh_sha256(key->octets, key->len, hash))
        return false;
    memcpy(mark, hash, sizeof(*mark));
    return true;
}

static bool make_room(struct gh_retired *retired)
{
    size_t room = retired->room ? 2 * retired->room : 8;
    uint64_t *grown;

    if (retired->count < retired->room)
        return true;
    if (retired->count == GH_RETIRED_MAX)
        return false;
    grown = realloc(retired->marks, room * sizeof(*grown));
    if (!grown)
        return false;
    retired->marks = grown;
    retired->room = room;
    return true;
}

void gh_retired_fini(struct gh_retired *retired)
{
    free(retired->marks);
    *retired = (struct gh_retired){ .full = true };
}

void gh_retired_add(struct gh_retired *retired, const struct gh_secret *key)
{
    uint64_t mark;

    if (make_room(retired) && mark_of(key, &mark))
        retired->marks[retired->count++] = mark;
    else
        retired->full = true;
}

bool gh_retired_has(const struct gh_retired *retired, const struct gh_secret *key)
{
    uint64_t mark;

    if (retired->full || (retired->count && !mark_of(key, &mark)))
        return true;
    for (size_t i = 0; i < retired->count; i++) {
        if (retired->marks[i] == mark)
            return true;
    }
    return false;
}
