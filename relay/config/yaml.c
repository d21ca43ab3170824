/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree is built from libfyaml's events, not from its documents: events show anchors, tags and a
 * second document, which the document builder (0.7.12) resolves or passes over in silence, and they
 * leave the limits to us.
 */
#include "config/yaml.h"
#include "config/yaml_error.h"

#include <stdarg.h>

#include <libfyaml.h>

#define FOLDED_MAX 16 /* told one by one */

struct reader {
    const struct gh_source *source;
    struct gh_config_arena *arena;
    struct gh_report *report;
    struct gh_node *root;
    struct gh_node *open[GH_YAML_DEPTH_MAX]; /* collections that have begun */
    struct gh_node *key[GH_YAML_DEPTH_MAX];  /* mapping: the key that waits for its value */
    size_t depth;
    size_t nodes, documents;
    size_t last_end;      /* where the last event with a place ended: an empty value stands there */
    size_t folded[FOLDED_MAX], folded_count; /* plain values of several lines: their offsets */
    bool stop;            /* the rest would only repeat what was said */
};

const char *gh_node_kind_text(enum gh_node_kind kind)
{
    static const char *const texts[] = { [GH_NODE_SCALAR] = "text",
                                         [GH_NODE_SEQUENCE] = "a list",
                                         [GH_NODE_MAPPING] = "a mapping" };

    return texts[kind];
}

struct gh_mark gh_node_mark_at(const struct gh_node *node, size_t at)
{
    if (!node->verbatim || at >= node->text.len)
        return node->mark;
    return (struct gh_mark){ node->mark.source, node->mark.at + at, 1 };
}

__attribute__((format(printf, 4, 5)))
static void report_at(struct reader *r, size_t at, size_t len, const char *format, ...)
{
    char text[2 * GH_YAML_ERROR_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    gh_report_add(r->report, GH_SEVERITY_ERROR, (struct gh_mark){ r->source, at, len }, "%s", text);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* libfyaml takes a NUL for the end of the text, and would call a file whole that is cut by one. */
static bool check_octets(struct reader *r)
{
    const unsigned char *p = (const unsigned char *)r->source->text.p;
    size_t len = r->source->text.len, step;

    if (len > GH_YAML_SIZE_MAX) {
        report_at(r, 0, 1, "the file is larger than %lu MiB", GH_YAML_SIZE_MAX >> 20);
        return false;
    }
    if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        report_at(r, 0, 1, "the file begins with a byte order mark; save it as UTF-8 without one");
        return false;
    }
    for (size_t i = 0; i < len; i += step) {
        step = gh_report_utf8_len(p + i, len - i);
        if (step == 0) {
            report_at(r, i, 1, "this octet is not UTF-8; save the file as UTF-8");
            return false;
        }
        if ((p[i] < ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r') || p[i] == 0x7f) {
            report_at(r, i, 1, "a control character; remove it");
            return false;
        }
    }
    /* "127.0.0.1" may be the rest of "127.0.0.12": a file that was cut must not silently pass for
     * another one. */
    if (len && p[len - 1] != '\n')
        gh_report_add(r->report, GH_SEVERITY_WARNING, (struct gh_mark){ r->source, len, 1 },
                      "the last line has no end; is the file cut?  Else end it with a newline");
    return true;
}

/* ---- events to nodes ------------------------------------------------------------------------- */

static struct gh_mark event_mark(struct reader *r, struct fy_event *event)
{
    const struct fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);
    struct gh_mark mark = { r->source, r->last_end, 1 };

    if (start) {
        mark.at = start->input_pos;
        if (end && end->input_pos > start->input_pos)
            mark.len = end->input_pos - start->input_pos;
        r->last_end = end && end->input_pos > mark.at ? end->input_pos : mark.at;
    }
    return mark;
}

static struct gh_node *new_node(struct reader *r, enum gh_node_kind kind, struct gh_mark mark)
{
    struct gh_node *node;

    if (++r->nodes > GH_YAML_NODES_MAX) {
        report_at(r, mark.at, mark.len, "more than %d values in one file", GH_YAML_NODES_MAX);
        r->stop = true;
        return NULL;
    }
    node = gh_config_arena_take(r->arena, 1, sizeof(*node));
    if (!node) {
        r->stop = true;
        return NULL;
    }
    node->kind = kind;
    node->mark = mark;
    return node;
}

/* Hang @node below the collection that is open: as item, as key, or as the value of the waiting
 * key. */
static void attach(struct reader *r, struct gh_node *node)
{
    struct gh_node *parent = r->depth ? r->open[r->depth - 1] : NULL;

    if (!parent) {
        r->root = node;
        return;
    }
    if (parent->kind == GH_NODE_MAPPING) {
        struct gh_node **key = &r->key[r->depth - 1];

        if (*key) {
            (*key)->value = node;
            *key = NULL;
            return;
        }
        *key = node;
        if (node->kind != GH_NODE_SCALAR)
            report_at(r, node->mark.at, node->mark.len,
                      "a key is one word, not a list or a mapping");
        else if (gh_span_eq(node->text, GH_SPAN("<<")))
            report_at(r, node->mark.at, node->mark.len,
                      "merge keys are not used here; write the keys out");
    }
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    parent->count++;
}

static void refuse_properties(struct reader *r, struct fy_event *event)
{
    struct fy_token *anchor = fy_event_get_anchor_token(event),
                    *tag = fy_event_get_tag_token(event);
    const struct fy_mark *mark;

    if (anchor && (mark = fy_token_start_mark(anchor)) != NULL)
        report_at(r, mark->input_pos ? mark->input_pos - 1 : 0, 1,
                  "anchors are not used here; write the value where it is needed");
    if (tag && (mark = fy_token_start_mark(tag)) != NULL)
        report_at(r, mark->input_pos, 1,
                  "tags are not used here; the option decides the type of its value");
}

/* "- a" and below it a "- b" that is indented deeper are one value to YAML, and two to who wrote
 * it. */
static void note_folded(struct reader *r, struct gh_mark mark)
{
    struct gh_span text = gh_span_head(gh_span_from(r->source->text, mark.at), mark.len);

    if (gh_span_find(text, '\n') < text.len && r->folded_count < FOLDED_MAX)
        r->folded[r->folded_count++] = mark.at;
}

/* Told when the rest is YAML: a bracket that was left open makes such values too. */
static void report_folded(struct reader *r)
{
    for (size_t i = 0; i < r->folded_count; i++)
        report_at(r, r->folded[i], 1, "this value goes on in the next line: indent that line less, "
                                      "or put the value in quotes");
}

static void on_scalar(struct reader *r, struct fy_event *event)
{
    struct gh_mark mark = event_mark(r, event);
    struct gh_node *node = new_node(r, GH_NODE_SCALAR, mark);
    struct gh_span source = r->source->text, text = { "", 0 };
    struct fy_token *token = fy_event_get_token(event);
    const char *copy;

    if (!node)
        return;
    if (token) {
        text.p = fy_token_get_text(token, &text.len);
        if (!text.p) {
            text.len = 0;
            r->stop = true; /* out of memory in the library */
        }
    }
    if (token && fy_token_scalar_style(token) == FYSS_PLAIN)
        note_folded(r, mark);
    copy = gh_config_arena_text(r->arena, text);
    if (!copy) {
        r->stop = true;
        return;
    }
    node->text = gh_span_of(copy, text.len);
    node->verbatim = gh_span_eq(gh_span_head(gh_span_from(source, mark.at), text.len), node->text);
    if (node->verbatim && text.len)
        node->mark.len = text.len;
    if (memchr(copy, 0, text.len)) {
        report_at(r, mark.at, mark.len, "a NUL inside a value");
        node->text = gh_span_of("", 0);
        node->verbatim = false;
        node->refused = true;
    }
    attach(r, node);
}

static void on_alias(struct reader *r, struct fy_event *event)
{
    struct gh_mark mark = event_mark(r, event);
    struct gh_node *node = new_node(r, GH_NODE_SCALAR, mark);

    if (mark.at > 0) { /* the library's mark stands behind the '*' */
        mark.at--;
        mark.len++;
    }
    report_at(r, mark.at, mark.len,
              "aliases are not used here; write the value where it is needed, or put a value that "
              "begins with * in quotes");
    if (node) {
        node->text = gh_span_of("", 0);
        node->refused = true;
        attach(r, node);
    }
}

static void on_start(struct reader *r, struct fy_event *event, enum gh_node_kind kind)
{
    struct gh_mark mark = event_mark(r, event);
    struct gh_node *node;

    if (r->depth == GH_YAML_DEPTH_MAX) {
        report_at(r, mark.at, mark.len, "nested deeper than %d levels", GH_YAML_DEPTH_MAX);
        r->stop = true;
        return;
    }
    node = new_node(r, kind, mark);
    if (!node)
        return;
    attach(r, node);
    r->open[r->depth] = node;
    r->key[r->depth] = NULL;
    r->depth++;
}

static void on_document(struct reader *r, struct fy_event *event)
{
    struct fy_document_state *state = event->document_start.document_state;
    struct gh_span text = r->source->text;
    size_t at = r->last_end;

    if (++r->documents > 1) {
        while (at < text.len && (text.p[at] == '\n' || text.p[at] == '\r' || text.p[at] == ' '))
            at++;
        report_at(r, at, 3, "nothing may follow the first document; remove what begins here");
        r->stop = true;
        return;
    }
    if (fy_document_state_version_explicit(state) || fy_document_state_tags_explicit(state))
        report_at(r, 0, 1, "directives are not used here; remove the lines that begin with %%");
}

static void on_event(struct reader *r, struct fy_event *event)
{
    refuse_properties(r, event);
    switch (event->type) {
    case FYET_DOCUMENT_START:
        on_document(r, event);
        break;
    case FYET_MAPPING_START:
        on_start(r, event, GH_NODE_MAPPING);
        break;
    case FYET_SEQUENCE_START:
        on_start(r, event, GH_NODE_SEQUENCE);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        event_mark(r, event);
        if (r->depth)
            r->depth--;
        break;
    case FYET_SCALAR:
        on_scalar(r, event);
        break;
    case FYET_ALIAS:
        on_alias(r, event);
        break;
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        break;
    }
}

/* ---- the library ----------------------------------------------------------------------------- */

/* Offset of the octet at @line and @column, both from 1, as the library counts them. */
static size_t offset_of(struct gh_span text, int line, int column)
{
    size_t at = 0;

    for (int n = 1; n < line && at < text.len; n++)
        at += gh_span_find(gh_span_from(text, at), '\n') + 1;
    for (int n = 1; n < column && at < text.len && text.p[at] != '\n'; n++)
        at += gh_report_utf8_len((const unsigned char *)text.p + at, text.len - at);
    return at < text.len ? at : text.len;
}

/* The library quotes single characters; one of a secret would be one too many. */
static void hide_octets(const char *msg, char words[GH_YAML_ERROR_MAX])
{
    snprintf(words, GH_YAML_ERROR_MAX, "%s", msg);
    for (char *p = words; p[0] && p[1] && p[2]; p++) {
        if (p[0] == '\'' && p[2] == '\'' && p[1] != ':')
            p[1] = '?';
    }
}

/* The grammar errors that the library found, in our form. */
static void take_errors(struct reader *r, struct fy_diag *diag)
{
    struct fy_diag_error *error;
    char says[GH_YAML_ERROR_MAX], words[GH_YAML_ERROR_MAX];
    void *iterator = NULL;
    bool any = false;
    size_t at;

    while ((error = fy_diag_errors_iterate(diag, &iterator)) != NULL) {
        if (error->type != FYET_ERROR)
            continue;
        at = offset_of(r->source->text, error->line, error->column);
        gh_yaml_error(r->source->text, error->msg, &at, says);
        hide_octets(error->msg, words);
        report_at(r, at, 1, "%s (the parser says: %s)", says, words);
        any = true;
    }
    if (!any)
        report_at(r, r->last_end, 1, "this is not YAML");
}

/* A whole document was read: the library met no error, and every collection was closed. */
static void parse(struct reader *r, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_event *event;
    bool ended = false;

    while (!r->stop && (event = fy_parser_parse(parser)) != NULL) {
        on_event(r, event);
        ended = event->type == FYET_STREAM_END;
        fy_parser_event_free(parser, event);
    }
    if (r->stop) {
        r->root = NULL;
        return;
    }
    if (fy_parser_get_stream_error(parser) || !ended || r->depth) {
        take_errors(r, diag);
        r->root = NULL;
    } else if (!r->root) {
        report_at(r, 0, 1, "the file holds no configuration");
    } else {
        report_folded(r);
    }
}

int gh_yaml_read(const struct gh_source *source, struct gh_config_arena *arena,
                 struct gh_report *report, struct gh_node **root)
{
    struct reader r = { .source = source, .arena = arena, .report = report };
    struct fy_parse_cfg config = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG };
    struct fy_diag_cfg diag_config;
    struct fy_diag *diag = NULL;
    struct fy_parser *parser = NULL;
    int err = GH_ENOMEM;

    *root = NULL;
    if (!check_octets(&r))
        return gh_config_arena_err(arena);
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    diag_config.colorize = false;
    diag_config.level = FYET_ERROR;
    diag = fy_diag_create(&diag_config);
    if (!diag)
        goto out;
    fy_diag_set_collect_errors(diag, true);
    config.diag = diag;
    parser = fy_parser_create(&config);
    if (!parser || fy_parser_set_string(parser, source->text.p, source->text.len) != 0)
        goto out;
    parse(&r, parser, diag);
    *root = r.root;
    err = gh_config_arena_err(arena);
out:
    if (parser)
        fy_parser_destroy(parser);
    if (diag)
        fy_diag_destroy(diag);
    return err;
}
