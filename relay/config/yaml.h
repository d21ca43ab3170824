/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML text to a tree of nodes, each with its place.  Every scalar is text: "yes", "1e3" and "~"
 * mean what the option's type makes of them.  Refused, each with its place: anchors, aliases, tags,
 * merge keys, directives, a second document, text after the document, keys that are not scalars,
 * octets that are not UTF-8 text, a last line without an end, and what goes past the limits below.
 * Duplicate keys are left in the tree for the reader of the options, who can name both places.
 * libfyaml is behind it and seen nowhere else.
 */
#ifndef GH_CONFIG_YAML_H
#define GH_CONFIG_YAML_H

#include "config/report.h"

#define GH_YAML_SIZE_MAX (4UL << 20) /* octets of one file */
#define GH_YAML_DEPTH_MAX 16         /* the schema needs 5 */
#define GH_YAML_NODES_MAX 200000     /* nodes of one file */

enum gh_node_kind { GH_NODE_SCALAR = 0, GH_NODE_SEQUENCE, GH_NODE_MAPPING };

struct gh_node {
    enum gh_node_kind kind;
    struct gh_mark mark;
    struct gh_span text;            /* scalar: NUL-terminated behind its end */
    bool refused;                   /* reported already; its text is empty */
    /* text stands in the source just so: offsets in it are places */
    bool verbatim;
    struct gh_node *first, *last;   /* children; of a mapping its keys */
    struct gh_node *next;           /* among the children of one parent */
    struct gh_node *value;          /* of a key */
    size_t count;                   /* children */
};

/**
 * @root  NULL when the text holds no document that can be used; the reason is in @report.  After an
 * error that is not one of grammar the tree is there, so that the rest can be checked too
 * @return 0, or GH_ENOMEM, GH_ELIMIT of @arena
 */
int gh_yaml_read(const struct gh_source *source, struct gh_config_arena *arena,
                 struct gh_report *report, struct gh_node **root);

/** Place of octet @at of the scalar @node, or of all of it when offsets are not places. */
struct gh_mark gh_node_mark_at(const struct gh_node *node, size_t at);

/** "a mapping", "a list", "text" */
const char *gh_node_kind_text(enum gh_node_kind kind);

#endif
