/* SPDX-License-Identifier: Apache-2.0 */
/* The table of dialogs: a balanced tree (tsearch(3)), so no choice of Call-IDs and tags makes it
 * slow. */
#include "sip/dialog.h"

#include <search.h>
#include <stdlib.h>

#include "sip/text_int.h"

struct gh_dialogs {
    void *tree;
    size_t count;
};

static int compare(const void *left, const void *right)
{
    const struct gh_dialog_name *a = left, *b = right;
    int order;

    if (a->trunk != b->trunk)
        return a->trunk < b->trunk ? -1 : 1;
    order = gh_text_compare(a->call_id, b->call_id);
    if (!order)
        order = gh_text_compare(a->local_tag, b->local_tag);
    return order ? order : gh_text_compare(a->remote_tag, b->remote_tag);
}

int gh_dialogs_new(struct gh_dialogs **out)
{
    struct gh_dialogs *dialogs = calloc(1, sizeof(*dialogs));

    if (!dialogs)
        return GH_ENOMEM;
    *out = dialogs;
    return 0;
}

/* A name of the tree is the first member of its dialog. */
static struct gh_dialog *dialog_of(void *name)
{
    return name;
}

static void let_go(void *name)
{
    dialog_of(name)->in = NULL;
}

void gh_dialogs_free(struct gh_dialogs *dialogs)
{
    if (!dialogs)
        return;
    tdestroy(dialogs->tree, let_go);
    free(dialogs);
}

size_t gh_dialogs_count(const struct gh_dialogs *dialogs)
{
    return dialogs->count;
}

int gh_dialogs_add(struct gh_dialogs *dialogs, struct gh_dialog *dialog)
{
    struct gh_dialog_name **node = tsearch(&dialog->name, &dialogs->tree, compare);

    if (!node || *node != &dialog->name)
        return node ? GH_EEXISTS : GH_ENOMEM;
    dialog->in = dialogs;
    dialogs->count++;
    return 0;
}

void gh_dialogs_remove(struct gh_dialog *dialog)
{
    if (!dialog->in)
        return;
    tdelete(&dialog->name, &dialog->in->tree, compare);
    dialog->in->count--;
    dialog->in = NULL;
}

struct gh_dialog *gh_dialogs_find(const struct gh_dialogs *dialogs, uint32_t trunk,
                                  struct gh_span call_id, struct gh_span local_tag,
                                  struct gh_span remote_tag)
{
    struct gh_dialog_name probe = { trunk, call_id, local_tag, remote_tag };
    struct gh_dialog_name *const *node = tfind(&probe, &dialogs->tree, compare);

    return node ? dialog_of(*node) : NULL;
}

struct gh_dialog *gh_dialogs_of_request(const struct gh_dialogs *dialogs, uint32_t trunk,
                                        const struct gh_sip_msg *request)
{
    return gh_dialogs_find(dialogs, trunk, request->call_id, request->to.tag, request->from.tag);
}

struct gh_dialog *gh_dialogs_of_response(const struct gh_dialogs *dialogs, uint32_t trunk,
                                         const struct gh_sip_msg *response)
{
    return gh_dialogs_find(dialogs, trunk, response->call_id, response->from.tag, response->to.tag);
}
