/* SPDX-License-Identifier: Apache-2.0 */
/* The reader that walks a mapping by its table. */
#include "config/option.h"

#include <assert.h>
#include <stdarg.h>

#define NAMED_MAX 4096 /* listeners, trunks, routes of one configuration, each */
#define LIST_MAX 1024  /* items of one list */

static const struct gh_option name_option = { .name = "name", .type = GH_TYPE_NAME };

static const char *join(struct gh_loader *load, const char *path, const char *name)
{
    const char *text =
        gh_config_arena_printf(load->scratch, "%s%s%s", path, *path ? "." : "", name);

    return text ? text : name;
}

__attribute__((format(printf, 3, 4))) static void
error_at(struct gh_loader *load, struct gh_mark mark, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    gh_report_add(load->report, GH_SEVERITY_ERROR, mark, "%s", text);
}

/* ---- one value ------------------------------------------------------------------------------- */

static void put_list(const struct gh_option *option, void *base, void *items, size_t count)
{
    memcpy((char *)base + option->at, &items, sizeof(items));
    memcpy((char *)base + option->count_at, &count, sizeof(count));
}

static void read_list(struct gh_loader *load, const struct gh_option *option, const char *path,
                      const struct gh_node *node, void *base)
{
    size_t size = gh_value_size(option->type), count = 0;
    bool whole = true;
    char *items;

    if (node->kind != GH_NODE_SEQUENCE) {
        error_at(load, node->mark, "%s: must be a list, such as [a, b], not %s", path,
                 gh_node_kind_text(node->kind));
        return;
    }
    if (node->count < option->min || node->count > (option->max ? option->max : LIST_MAX)) {
        error_at(load, node->mark, "%s: has %zu items; it takes from %llu to %llu", path,
                 node->count, (unsigned long long)option->min,
                 (unsigned long long)(option->max ? option->max : LIST_MAX));
        return;
    }
    items = gh_config_arena_take(load->keep, node->count, size);
    if (!items)
        return;
    for (const struct gh_node *item = node->first; item; item = item->next) {
        if (!gh_value_read(load, option, path, item, items + count * size)) {
            whole = false;
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            if (gh_value_equal(option->type, items + i * size, items + count * size))
                error_at(load, item->mark, "%s: this item is there twice", path);
        }
        count++;
    }
    /* A list with a wrong item stays away from the checks: its indexes would name other places. */
    if (whole)
        put_list(option, base, items, count);
}

/* A default is written as a person would write it, and read as if a person had. */
static void read_default(struct gh_loader *load, const struct gh_option *option, const char *path,
                         void *base)
{
    struct gh_span rest = gh_span_str(option->standard);
    struct gh_node nodes[16] = { { .kind = GH_NODE_SCALAR } };
    struct gh_node list = { .kind = GH_NODE_SEQUENCE };

    if (!option->standard)
        return;
    if (!option->list) {
        nodes[0].text = rest;
        gh_value_read(load, option, path, &nodes[0], (char *)base + option->at);
        return;
    }
    while (rest.len && list.count < sizeof(nodes) / sizeof(nodes[0])) {
        struct gh_node *node = &nodes[list.count];
        struct gh_span item = gh_span_trim(gh_span_take(&rest, ','));
        const char *text = gh_config_arena_text(load->scratch, item);

        if (!text)
            return;
        *node = (struct gh_node){ .kind = GH_NODE_SCALAR, .text = gh_span_of(text, item.len) };
        if (list.count)
            nodes[list.count - 1].next = node;
        list.count++;
    }
    list.first = list.count ? &nodes[0] : NULL;
    read_list(load, option, path, &list, base);
}

static void read_scalar(struct gh_loader *load, const struct gh_option *option, const char *path,
                        const struct gh_node *node, void *base)
{
    char *out = (char *)base + option->at;
    char standard[64];

    memcpy(standard, out, gh_value_size(option->type));
    if (!gh_value_read(load, option, path, node, out))
        return;
    if (option->available == GH_DEFAULT_ONLY && !load->everything &&
        !gh_value_equal(option->type, standard, out)) {
        error_at(load, node->mark, "%s: %s is not available in this version; the default is %s",
                 path, option->secret ? "this value" : node->text.p, option->standard);
        memcpy(out, standard, gh_value_size(option->type));
    }
}

/* ---- many mappings of one kind --------------------------------------------------------------- */

static struct gh_draft *row_at(char *rows, const struct gh_table *table, size_t index)
{
    return (struct gh_draft *)(void *)(rows + index * table->size);
}

/* @return whether @key has a name; *again is whether another row has it */
static bool name_row(struct gh_loader *load, const struct gh_option *option, const char *section,
                     struct gh_draft *draft, const struct gh_node *key, char *rows, size_t count,
                     bool *again)
{
    *again = false;
    if (key->kind != GH_NODE_SCALAR || gh_span_eq(key->text, GH_SPAN("<<")))
        return false; /* already reported */
    if (!gh_value_read(load, &name_option, section, key, &draft->name))
        return false;
    draft->path = join(load, section, draft->name);
    for (size_t i = 0; i < count; i++) {
        const struct gh_draft *other = row_at(rows, option->table, i);

        if (strcmp(other->name, draft->name) == 0) {
            error_at(load, key->mark, "%s: defined twice; first at %s", draft->path,
                     gh_report_place(load->report, other->mark));
            *again = true;
            break;
        }
    }
    return true;
}

static void read_rows(struct gh_loader *load, const struct gh_option *option, const char *path,
                      const struct gh_node *node, void *base)
{
    bool named = option->type == GH_TYPE_NAMED;
    const struct gh_table *table = option->table;
    size_t count = 0;
    char *rows;

    if (node->kind != (named ? GH_NODE_MAPPING : GH_NODE_SEQUENCE)) {
        error_at(load, node->mark, "%s: must be %s, not %s", path, gh_value_type_text(option->type),
                 gh_node_kind_text(node->kind));
        return;
    }
    if (node->count > NAMED_MAX) {
        error_at(load, node->mark, "%s: more than %d", path, NAMED_MAX);
        return;
    }
    rows = gh_config_arena_take(load->scratch, node->count, table->size);
    if (!rows)
        return;
    for (const struct gh_node *child = node->first; child; child = child->next) {
        struct gh_draft *draft = row_at(rows, table, count);
        const struct gh_node *map = named ? child->value : child;
        bool again = false;

        memset(draft, 0, table->size);
        draft->table = table;
        draft->mark = child->mark;
        if (named && !name_row(load, option, path, draft, child, rows, count, &again))
            continue;
        if (!named)
            draft->path = gh_config_arena_printf(load->scratch, "%s[%zu]", path, count + 1);
        if (!draft->path)
            return;
        if (!map || map->kind != GH_NODE_MAPPING) {
            error_at(load, map ? map->mark : child->mark, "%s: a %s is a mapping of options",
                     draft->path, table->what);
            map = NULL;
            /* It is there, so that references to it find it; what it lacks is not told again. */
        }
        gh_options_read(load, draft, map, draft);
        count += !again; /* its errors are told, the row is not taken */
    }
    put_list(option, base, rows, count);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static void read_group(struct gh_loader *load, struct gh_draft *parent, size_t index,
                       const char *path, void *base)
{
    const struct gh_option *option = &parent->table->options[index];
    const struct gh_node *node = parent->values[index];
    struct gh_draft *draft = gh_config_arena_take(load->scratch, 1, sizeof(*draft));
    struct gh_node *map;

    if (!draft)
        return;
    draft->table = option->table;
    draft->path = path;
    draft->mark = node ? parent->keys[index]->mark : parent->mark;
    parent->groups[index] = draft;
    if (node && node->kind == GH_NODE_SCALAR && node->text.len && option->short_form) {
        /* `require: hop_by_hop` is `require: {grade: hop_by_hop}`. */
        struct gh_node *key = gh_config_arena_take(load->scratch, 1, sizeof(*key));

        map = gh_config_arena_take(load->scratch, 1, sizeof(*map));
        if (!key || !map)
            return;
        *key = (struct gh_node){ .kind = GH_NODE_SCALAR,
                                 .mark = node->mark,
                                 .text = gh_span_str(option->short_form),
                                 .value = (struct gh_node *)(uintptr_t)node };
        *map = (struct gh_node){
            .kind = GH_NODE_MAPPING, .mark = node->mark, .first = key, .count = 1
        };
        node = map;
    }
    if (node && node->kind != GH_NODE_MAPPING) {
        error_at(load, node->mark, "%s: must be a mapping, not %s", path,
                 gh_node_kind_text(node->kind));
        node = NULL;
    }
    gh_options_read(load, draft, node, base);
}

/* ---- one mapping ----------------------------------------------------------------------------- */

static bool find_option(const struct gh_table *table, struct gh_span name, size_t *index)
{
    for (*index = 0; *index < table->count; ++*index) {
        if (gh_span_eq(name, gh_span_str(table->options[*index].name)))
            return true;
    }
    return false;
}

/* "srtp:off", "srtp off": a key of @table that its value is glued to. */
static bool holds_option(const struct gh_table *table, struct gh_span key, size_t *index)
{
    size_t len = 0;

    while (len < key.len && (gh_ascii_is_alpha((unsigned char)key.p[len]) || key.p[len] == '_' ||
                             gh_ascii_is_digit((unsigned char)key.p[len])))
        len++;
    return len < key.len && strchr(":= \"'[{", key.p[len]) && key.p[len] &&
           find_option(table, gh_span_head(key, len), index);
}

static void unknown_key(struct gh_loader *load, struct gh_draft *draft, const struct gh_node *key)
{
    const char *words[GH_TABLE_OPTIONS_MAX];
    const char *near, *quoted = gh_report_quote(load->report, key->text);
    size_t index;

    if (holds_option(draft->table, key->text, &index)) {
        draft->misspelt[index] = true;
        error_at(load, key->mark, "%s: a colon and a space belong behind this key",
                 join(load, draft->path, draft->table->options[index].name));
        return;
    }

    for (size_t i = 0; i < draft->table->count; i++)
        words[i] = draft->table->options[i].name;
    near = gh_report_nearest(key->text, words, draft->table->count, GH_NEAR_NAME);
    if (near)
        draft->misspelt[gh_option_index(draft->table, near)] = true;
    if (near)
        error_at(load, key->mark, "%s%sunknown key %s; did you mean %s?", draft->path,
                 *draft->path ? ": " : "", quoted, near);
    else
        error_at(load, key->mark, "%s%sunknown key %s; a %s has no such option", draft->path,
                 *draft->path ? ": " : "", quoted, draft->table->what);
}

/* Put each key of @map beside its row; unknown and repeated ones are reported. */
static void sort_keys(struct gh_loader *load, struct gh_draft *draft, const struct gh_node *map)
{
    for (const struct gh_node *key = map->first; key; key = key->next) {
        size_t index;

        if (key->kind != GH_NODE_SCALAR || gh_span_eq(key->text, GH_SPAN("<<")))
            continue; /* already reported */
        if (!find_option(draft->table, key->text, &index)) {
            unknown_key(load, draft, key);
        } else if (draft->keys[index]) {
            error_at(load, key->mark, "%s: given twice; first at %s",
                     join(load, draft->path, draft->table->options[index].name),
                     gh_report_place(load->report, draft->keys[index]->mark));
        } else {
            draft->keys[index] = key;
            draft->values[index] = key->value;
        }
    }
}

/* @return whether the value is to be read */
static bool check_available(struct gh_loader *load, const struct gh_option *option,
                            const char *path, const struct gh_node *key)
{
    if (load->everything)
        return true;
    if (option->available == GH_NOT_AVAILABLE) {
        error_at(load, key->mark, "%s: not available in this version", path);
        return false;
    }
    if (option->available == GH_NOTED)
        gh_report_add(load->report, GH_SEVERITY_NOTE, key->mark, "%s: accepted, not yet in effect",
                      path);
    return true;
}

void gh_options_read(struct gh_loader *load, struct gh_draft *draft, const struct gh_node *map,
                     void *base)
{
    const struct gh_table *table = draft->table;

    if (map)
        sort_keys(load, draft, map);
    for (size_t i = 0; i < table->count; i++) {
        const struct gh_option *option = &table->options[i];
        const char *path = join(load, draft->path, option->name);
        const struct gh_node *value = draft->values[i];
        size_t errors = gh_report_errors(load->report);

        if (option->type < GH_TYPE_GROUP)
            read_default(load, option, path, base);
        draft->wrong[i] = value && value->refused;
        if (draft->wrong[i])
            continue;
        if (value && !check_available(load, option, path, draft->keys[i])) {
            draft->values[i] = NULL;
            value = NULL;
        } else if (!value && option->required && map && !draft->misspelt[i]) {
            error_at(load, draft->mark, "%s: is missing", path);
        }
        if (option->type == GH_TYPE_GROUP)
            read_group(load, draft, i, path, base);
        else if (!value)
            continue;
        else if (option->type > GH_TYPE_GROUP)
            read_rows(load, option, path, value, base);
        else if (option->list)
            read_list(load, option, path, value, base);
        else
            read_scalar(load, option, path, value, base);
        draft->wrong[i] = value && gh_report_errors(load->report) > errors;
    }
}

/* ---- for the checks -------------------------------------------------------------------------- */

size_t gh_option_index(const struct gh_table *table, const char *name)
{
    size_t index;
    bool found = find_option(table, gh_span_str(name), &index);

    assert(found); /* names come from our own code only */
    return found ? index : 0;
}

bool gh_draft_has(const struct gh_draft *draft, const char *name)
{
    return draft->values[gh_option_index(draft->table, name)] != NULL;
}

bool gh_draft_wrong(const struct gh_draft *draft, const char *name)
{
    return draft->wrong[gh_option_index(draft->table, name)];
}

struct gh_mark gh_draft_mark(const struct gh_draft *draft, const char *name)
{
    const struct gh_node *node = draft->values[gh_option_index(draft->table, name)];

    return node ? node->mark : draft->mark;
}

struct gh_mark gh_draft_item_mark(const struct gh_draft *draft, const char *name, size_t index)
{
    const struct gh_node *node = draft->values[gh_option_index(draft->table, name)];
    const struct gh_node *item = node ? node->first : NULL;

    while (item && index-- > 0)
        item = item->next;
    return item ? item->mark : gh_draft_mark(draft, name);
}

__attribute__((format(printf, 6, 0))) static void
add_text(struct gh_loader *load, enum gh_severity severity, struct gh_mark mark,
         const struct gh_draft *draft, const char *name, const char *format, va_list args)
{
    char text[512];

    vsnprintf(text, sizeof(text), format, args);
    gh_report_add(load->report, severity, mark, "%s: %s", join(load, draft->path, name), text);
}

void gh_draft_error(struct gh_loader *load, const struct gh_draft *draft, const char *name,
                    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_text(load, GH_SEVERITY_ERROR, gh_draft_mark(draft, name), draft, name, format, args);
    va_end(args);
}

void gh_draft_item_error(struct gh_loader *load, const struct gh_draft *draft, const char *name,
                         size_t index, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_text(load, GH_SEVERITY_ERROR, gh_draft_item_mark(draft, name, index), draft, name, format,
             args);
    va_end(args);
}

void gh_draft_warning(struct gh_loader *load, const struct gh_draft *draft, const char *name,
                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_text(load, GH_SEVERITY_WARNING, gh_draft_mark(draft, name), draft, name, format, args);
    va_end(args);
}
