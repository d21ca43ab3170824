/* SPDX-License-Identifier: Apache-2.0 */
#include "audit-source.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "audit-row.h"

struct of_call {
    char *call;
    size_t count; /* of all, kept or not */
    struct gh_cell *kept[GH_SOURCES_SHOWN];
};

struct gh_sources {
    void *calls; /* tsearch tree of struct of_call */
};

static int by_call(const void *a, const void *b)
{
    return strcmp(((const struct of_call *)a)->call, ((const struct of_call *)b)->call);
}

static void of_call_free(void *arg)
{
    struct of_call *of = arg;

    for (size_t i = 0; i < GH_SOURCES_SHOWN; i++)
        free(of->kept[i]);
    free(of->call);
    free(of);
}

struct gh_sources *gh_sources_new(void)
{
    return calloc(1, sizeof(struct gh_sources));
}

void gh_sources_free(struct gh_sources *sources)
{
    if (!sources)
        return;
    tdestroy(sources->calls, of_call_free);
    free(sources);
}

static struct of_call *find(const struct gh_sources *sources, const char *call)
{
    struct of_call key = { .call = (char *)call };
    struct of_call **found = tfind(&key, &sources->calls, by_call);

    return found ? *found : NULL;
}

static struct of_call *add(struct gh_sources *sources, const char *call)
{
    struct of_call *of = calloc(1, sizeof(*of));

    if (!of)
        return NULL;
    of->call = strdup(call);
    if (!of->call || !tsearch(of, &sources->calls, by_call)) {
        of_call_free(of);
        return NULL;
    }
    return of;
}

/* ---- one record ------------------------------------------------------------------------------ */

static void add_field(struct gh_cell *cell, const struct gh_line *line, const char *name)
{
    const char *text = gh_line_text(line, name);

    gh_cell_text(cell, text ? text : "-");
}

static const char *flag(const struct gh_line *line, const char *name, const char *yes,
                        const char *no)
{
    const json_t *value = json_object_get(line->root, name);

    return json_is_true(value) ? yes : json_is_false(value) ? no : "";
}

/* "  source b 0 RTP  signalled 192.0.2.1:4000 > 192.0.2.1:5000 at 2026-11-23T09:13:30.114Z, ..." */
static void describe(struct gh_cell *cell, const struct gh_line *line)
{
    char index[24];

    snprintf(index, sizeof(index), " %" PRId64 " ", gh_line_int(line, "index", -1));
    gh_cell_text(cell, "  source ");
    add_field(cell, line, "side");
    gh_cell_text(cell, index);
    gh_cell_text(cell, flag(line, "rtcp", "RTCP ", "RTP "));
    add_field(cell, line, "what");
    gh_cell_text(cell, " ");
    add_field(cell, line, "old");
    gh_cell_text(cell, " > ");
    add_field(cell, line, "new");
    gh_cell_text(cell, " at ");
    gh_cell_text(cell, line->ts);
    gh_cell_text(cell, flag(line, "proven", ", proven by a packet", ", not proven"));
    gh_cell_text(cell, flag(line, "verified", ", over verified signalling",
                            ", over signalling that is not verified"));
}

int gh_sources_note(struct gh_sources *sources, const struct gh_line *line)
{
    const char *call = gh_line_text(line, "call");
    struct of_call *of;

    if (strcmp(line->type, "call.source") != 0 || !call)
        return 0;
    of = find(sources, call);
    if (!of)
        of = add(sources, call);
    if (!of)
        return GH_ENOMEM;
    if (of->count < GH_SOURCES_SHOWN) {
        of->kept[of->count] = calloc(1, sizeof(struct gh_cell));
        if (!of->kept[of->count])
            return GH_ENOMEM;
        describe(of->kept[of->count], line);
    }
    of->count++;
    return 0;
}

void gh_sources_print(struct gh_sources *sources, const char *call)
{
    struct of_call *of = call ? find(sources, call) : NULL;

    if (!of)
        return;
    for (size_t i = 0; i < of->count && i < GH_SOURCES_SHOWN; i++)
        printf("%s\n", of->kept[i]->text);
    if (of->count > GH_SOURCES_SHOWN)
        printf("  and %zu more changes of source\n", of->count - GH_SOURCES_SHOWN);
    tdelete(of, &sources->calls, by_call);
    of_call_free(of);
}
