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

/* What a dialog is called; trunk first, so nothing of one trunk can be found from another. */
struct name {
    uint32_t trunk;
    struct gh_span call_id, local_tag, remote_tag;
    struct gh_dialog *dialog; /* NULL in a probe */
};

static int compare(const void *left, const void *right)
{
    const struct name *a = left, *b = right;
    int order;

    if (a->trunk != b->trunk)
        return a->trunk < b->trunk ? -1 : 1;
    order = gh_text_compare(a->call_id, b->call_id);
    if (!order)
        order = gh_text_compare(a->local_tag, b->local_tag);
    return order ? order : gh_text_compare(a->remote_tag, b->remote_tag);
}

static struct name name_of(struct gh_dialog *dialog)
{
    return (struct name){ dialog->trunk, gh_span_str(dialog->call_id),
                          gh_span_str(dialog->local_tag), gh_span_str(dialog->remote_tag), dialog };
}

int gh_dialogs_new(struct gh_dialogs **out)
{
    struct gh_dialogs *dialogs = calloc(1, sizeof(*dialogs));

    if (!dialogs)
        return GH_ENOMEM;
    *out = dialogs;
    return 0;
}

static void free_name(void *node)
{
    struct name *name = node;

    name->dialog->in = NULL;
    free(name);
}

void gh_dialogs_free(struct gh_dialogs *dialogs)
{
    if (!dialogs)
        return;
    tdestroy(dialogs->tree, free_name);
    free(dialogs);
}

size_t gh_dialogs_count(const struct gh_dialogs *dialogs)
{
    return dialogs->count;
}

int gh_dialogs_add(struct gh_dialogs *dialogs, struct gh_dialog *dialog)
{
    struct name *name = malloc(sizeof(*name));
    struct name **node;

    if (!name)
        return GH_ENOMEM;
    *name = name_of(dialog);
    node = tsearch(name, &dialogs->tree, compare);
    if (!node || *node != name) {
        free(name);
        return node ? GH_EEXISTS : GH_ENOMEM;
    }
    dialog->in = dialogs;
    dialogs->count++;
    return 0;
}

void gh_dialogs_remove(struct gh_dialog *dialog)
{
    struct name probe, *found, **node;

    if (!dialog->in)
        return;
    probe = name_of(dialog);
    node = tfind(&probe, &dialog->in->tree, compare);
    found = *node;
    tdelete(found, &dialog->in->tree, compare);
    free(found);
    dialog->in->count--;
    dialog->in = NULL;
}

struct gh_dialog *gh_dialogs_find(const struct gh_dialogs *dialogs, uint32_t trunk,
                                  struct gh_span call_id, struct gh_span local_tag,
                                  struct gh_span remote_tag)
{
    struct name probe = { trunk, call_id, local_tag, remote_tag, NULL };
    struct name *const *node = tfind(&probe, &dialogs->tree, compare);

    return node ? (*node)->dialog : NULL;
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
