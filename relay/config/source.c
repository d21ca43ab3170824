/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a configuration: read, included, joined. */
#include "config/source.h"

#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

struct files {
    struct gh_loader *load;
    struct {
        dev_t device;
        ino_t inode;
    } seen[GH_INCLUDE_FILES_MAX];
    unsigned count;
    bool failed;   /* some file is missing from the tree */
    int err;
};

static void read_tree(struct files *files, const char *path, const char *shown, struct gh_mark from,
                      unsigned depth, struct gh_node **root);

/* Absolute folder of @path, in scratch. */
static const char *folder_of(struct files *files, const char *path)
{
    char *copy = gh_config_arena_text(files->load->scratch, gh_span_str(path));
    char *real = copy ? realpath(dirname(copy), NULL) : NULL;
    const char *folder =
        real ? gh_config_arena_text(files->load->scratch, gh_span_str(real)) : NULL;

    free(real);
    return folder;
}

/* Up to one octet more than a file may have, so that yaml.c can say that it is too large. */
static int read_octets(struct gh_config_arena *arena, FILE *file, struct gh_span *text)
{
    char *octets = malloc(GH_YAML_SIZE_MAX + 1);
    size_t len;
    int err = GH_ENOMEM;

    if (!octets)
        return err;
    len = fread(octets, 1, GH_YAML_SIZE_MAX + 1, file);
    err = ferror(file) ? -EIO : 0;
    text->p = gh_config_arena_text(arena, gh_span_of(octets, len));
    text->len = len;
    if (!text->p)
        err = gh_config_arena_err(arena);
    explicit_bzero(octets, len);
    free(octets);
    return err;
}

/* @return whether the file behind @file is new to this load */
static bool remember(struct files *files, FILE *file, const char *shown, struct gh_mark from)
{
    struct gh_loader *load = files->load;
    struct stat st;

    if (fstat(fileno(file), &st) != 0 || S_ISDIR(st.st_mode)) {
        gh_report_add(load->report, GH_SEVERITY_ERROR, from, "%s: is a folder, not a file", shown);
        return false;
    }
    for (unsigned i = 0; i < files->count; i++) {
        if (files->seen[i].device == st.st_dev && files->seen[i].inode == st.st_ino) {
            gh_report_add(load->report, GH_SEVERITY_ERROR, from, "include: %s is included twice",
                          shown);
            return false;
        }
    }
    if (files->count == GH_INCLUDE_FILES_MAX) {
        gh_report_add(load->report, GH_SEVERITY_ERROR, from, "include: more than %d files",
                      GH_INCLUDE_FILES_MAX);
        return false;
    }
    files->seen[files->count].device = st.st_dev;
    files->seen[files->count].inode = st.st_ino;
    files->count++;
    return true;
}

/* @return the source, or NULL: reported */
static struct gh_source *read_source(struct files *files, const char *path, const char *shown,
                                     struct gh_mark from)
{
    struct gh_loader *load = files->load;
    struct gh_source *source = gh_config_arena_take(load->scratch, 1, sizeof(*source));
    FILE *file = NULL;
    int err = 0;

    if (!source)
        return NULL;
    file = fopen(path, "re");
    if (!file) {
        err = -errno;
        goto out;
    }
    if (!remember(files, file, shown, from)) {
        source = NULL;
        goto out;
    }
    source->index = files->count - 1;
    source->path = gh_config_arena_text(load->scratch, gh_span_str(shown));
    source->folder = folder_of(files, path);
    err = source->path && source->folder ? read_octets(load->scratch, file, &source->text)
                                         : gh_config_arena_err(load->scratch);
out:
    if (err && err != GH_ENOMEM && err != GH_ELIMIT)
        gh_report_add(load->report, GH_SEVERITY_ERROR, from, "%s: cannot be read: %s", shown,
                      gh_err_text(err));
    if (err) {
        files->err = err;
        source = NULL;
    }
    if (file)
        fclose(file);
    return source;
}

/* ---- joining --------------------------------------------------------------------------------- */

static void append(struct gh_node *parent, struct gh_node *child)
{
    child->next = NULL;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

static struct gh_node *find_key(const struct gh_node *map, struct gh_span name)
{
    struct gh_node *key = map->first;

    while (key && !gh_span_eq(key->text, name))
        key = key->next;
    return key;
}

/* Add the sections of @other to @root.  A section of one value only stays apart: it is there twice
 * then. */
static void join(struct gh_node *root, struct gh_node *other)
{
    struct gh_node *next;

    for (struct gh_node *key = other->first; key; key = next) {
        struct gh_node *mine = key->text.len ? find_key(root, key->text) : NULL;
        struct gh_node *child_next;

        next = key->next;
        if (mine && gh_span_eq(key->text, GH_SPAN("version")) && mine->value && key->value &&
            gh_span_eq(mine->value->text, key->value->text))
            continue;
        if (!mine || !mine->value || !key->value || mine->value->kind == GH_NODE_SCALAR ||
            mine->value->kind != key->value->kind) {
            append(root, key);
            continue;
        }
        for (struct gh_node *child = key->value->first; child; child = child_next) {
            child_next = child->next;
            append(mine->value, child);
        }
    }
}

/* ---- include --------------------------------------------------------------------------------- */

/* @folder with what glob() would take for a wildcard escaped. */
static const char *escaped_pattern(struct files *files, const char *folder, const char *pattern)
{
    char escaped[2 * PATH_MAX];
    size_t len = 0;

    if (pattern[0] == '/')
        return pattern;
    for (const char *c = folder; *c && len + 2 < sizeof(escaped); c++) {
        if (strchr("*?[\\", *c))
            escaped[len++] = '\\';
        escaped[len++] = *c;
    }
    escaped[len] = 0;
    return gh_config_arena_printf(files->load->scratch, "%s/%s", escaped, pattern);
}

/* How messages call @path: beside the file that includes it when it is below its folder. */
static const char *shown_path(struct files *files, const struct gh_source *source, const char *path)
{
    const char *slash = strrchr(source->path, '/');
    size_t folder_len = strlen(source->folder);
    const char *text;

    if (strncmp(path, source->folder, folder_len) != 0 || path[folder_len] != '/')
        return path;
    text = gh_config_arena_printf(files->load->scratch, "%.*s%s",
                                  slash ? (int)(slash + 1 - source->path) : 0, source->path,
                                  path + folder_len + 1);
    return text ? text : path;
}

static void include_pattern(struct files *files, struct gh_node *root, const struct gh_node *item,
                            unsigned depth)
{
    struct gh_loader *load = files->load;
    const struct gh_source *source = item->mark.source;
    const char *pattern = escaped_pattern(files, source->folder, item->text.p);
    glob_t found = { .gl_pathc = 0 };
    int result;

    if (!pattern)
        return;
    result = glob(pattern, 0, NULL, &found);
    if (result == GLOB_NOSPACE)
        files->err = GH_ENOMEM;
    else if (result != 0 && strpbrk(item->text.p, "*?[") && result == GLOB_NOMATCH)
        gh_report_add(load->report, GH_SEVERITY_WARNING, item->mark, "include: matches no file");
    else if (result != 0)
        gh_report_add(load->report, GH_SEVERITY_ERROR, item->mark, "include: no such file");
    for (size_t i = 0; result == 0 && i < found.gl_pathc; i++) {
        struct gh_node *other = NULL;

        read_tree(files, found.gl_pathv[i], shown_path(files, source, found.gl_pathv[i]),
                  item->mark, depth + 1, &other);
        if (other)
            join(root, other);
        else
            files->failed = true;
    }
    globfree(&found);
}

/* Follow the include key of @root and take it out. */
static void include_all(struct files *files, struct gh_node *root, unsigned depth)
{
    struct gh_loader *load = files->load;
    struct gh_node *before = NULL, *key = root->first, *list, *other;

    while (key && !gh_span_eq(key->text, GH_SPAN("include"))) {
        before = key;
        key = key->next;
    }
    if (!key)
        return;
    if (before)
        before->next = key->next;
    else
        root->first = key->next;
    if (root->last == key)
        root->last = before;
    root->count--;
    other = find_key(root, GH_SPAN("include"));
    if (other)
        gh_report_add(load->report, GH_SEVERITY_ERROR, other->mark,
                      "include: given twice; first at %s",
                      gh_report_place(load->report, key->mark));
    list = key->value;
    if (!list || list->kind != GH_NODE_SEQUENCE) {
        gh_report_add(load->report, GH_SEVERITY_ERROR, list ? list->mark : key->mark,
                      "include: must be a list, such as [conf.d/*.yaml]");
        return;
    }
    if (depth == GH_INCLUDE_DEPTH_MAX) {
        gh_report_add(load->report, GH_SEVERITY_ERROR, key->mark,
                      "include: nested deeper than %d files", GH_INCLUDE_DEPTH_MAX);
        return;
    }
    for (const struct gh_node *item = list->first; item; item = item->next) {
        if (item->refused)
            continue;
        if (item->kind != GH_NODE_SCALAR || item->text.len == 0)
            gh_report_add(load->report, GH_SEVERITY_ERROR, item->mark,
                          "include: a file is named by a path");
        else
            include_pattern(files, root, item, depth);
    }
}

static void read_tree(struct files *files, const char *path, const char *shown, struct gh_mark from,
                      unsigned depth, struct gh_node **root)
{
    struct gh_loader *load = files->load;
    struct gh_source *source = read_source(files, path, shown, from);
    int err;

    *root = NULL;
    if (!source)
        return;
    err = gh_yaml_read(source, load->scratch, load->report, root);
    if (err)
        files->err = err;
    if (!*root)
        return;
    if ((*root)->kind != GH_NODE_MAPPING) {
        gh_report_add(load->report, GH_SEVERITY_ERROR, (*root)->mark,
                      "a configuration is a mapping of options, not %s",
                      gh_node_kind_text((*root)->kind));
        *root = NULL;
        return;
    }
    include_all(files, *root, depth);
}

int gh_source_read(struct gh_loader *load, const char *path, struct gh_node **root)
{
    struct files files = { .load = load };

    read_tree(&files, path, path, (struct gh_mark){ NULL, 0, 0 }, 0, root);
    if (files.failed)
        *root = NULL;
    if (!*root && !files.err && gh_report_errors(load->report) == 0)
        files.err = gh_config_arena_err(load->scratch); /* an error that found no room itself */
    if (!*root && !files.err && gh_report_errors(load->report) == 0)
        files.err = GH_ENOMEM; /* a library ran out of it without a word */
    return files.err;
}
