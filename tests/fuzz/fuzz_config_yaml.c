/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration of any octets: no crash, no leak, a tree or a reason why there is none, and messages that
 * can be printed.  Seeds: tests/fuzz/config_yaml/, and the golden files.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/check.h"
#include "config/schema.h"
#include "config/yaml.h"

#define MEMORY (32UL << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_options(struct gh_loader *load, const struct gh_node *root)
{
    struct gh_drafts *drafts = gh_config_arena_take(load->scratch, 1, sizeof(*drafts));

    if (!drafts || root->kind != GH_NODE_MAPPING)
        return;
    drafts->draft.table = &gh_schema;
    drafts->draft.path = "";
    drafts->draft.mark = root->mark;
    gh_options_read(load, &drafts->draft, root, drafts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_loader load = { .folder = "/" };
    struct gh_source source = { .path = "fuzz.yaml", .folder = "/", .text = { (const char *)data, size } };
    struct gh_node *root = NULL;
    FILE *out = fopen("/dev/null", "we");

    if (!out || gh_config_arena_new(&load.keep, MEMORY) != 0 || gh_config_arena_new(&load.scratch, MEMORY) != 0)
        abort();
    load.report = gh_report_new(load.scratch);
    if (gh_yaml_read(&source, load.scratch, load.report, &root) == 0) {
        assert(root || gh_report_errors(load.report) > 0);
        if (root)
            read_options(&load, root);
        gh_report_print(load.report, out);
    }
    gh_config_arena_free(load.keep);
    gh_config_arena_free(load.scratch);
    fclose(out);
    return 0;
}
