/* SPDX-License-Identifier: Apache-2.0 */
/* A new stream in the place of an open one, with its sockets and contexts: gh_media_renew of media.h. */
#include <stdlib.h>

#include "media/plane_int.h"

/* The sockets are the old one's until the worker hands them over. */
static void renew_pair(struct gh_entry *entry, const struct gh_entry *old, int side)
{
    entry->places[side] = old->places[side];
    entry->sides[side].ours = old->sides[side].ours;
    entry->pairs[side] = (struct gh_port_pair){ old->pairs[side].rtp, { -1, -1 }, { -1, -1 } };
}

int gh_media_renew(struct gh_media *media, gh_stream_id old_id, gh_stream_id *out)
{
    struct gh_entry *old = gh_entry_find(media, old_id), *entry;
    struct gh_media_open open = { 0 };

    if (!old)
        return GH_ENOTFOUND;
    if (media->stopped || old->closing)
        return GH_ESTATE;
    entry = gh_entry_new();
    if (!entry)
        return GH_ENOMEM;
    for (int s = 0; s < 2; s++)
        renew_pair(entry, old, s);
    open.timeout_ms = old->stream.timeout_ms;
    open.timeout_on_hold_ms = old->stream.timeout_on_hold_ms;
    entry->call = old->call;
    /* In order: there the old one is closed before the new one is set. */
    entry->worker = old->worker;
    gh_entry_enter(media, entry, &open);
    entry->stream.heir_of = &old->stream;
    for (int s = 0; s < 2; s++)
        *gh_entry_owner(entry, s) = entry;
    *out = entry->stream.id;
    gh_mailbox_post(media->workers[entry->worker].inbox, &entry->stream.open.msg);
    return gh_media_close(media, old_id);
}
