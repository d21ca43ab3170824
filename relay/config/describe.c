/* SPDX-License-Identifier: Apache-2.0 */
/* The reference of all options, from the tables themselves. */
#include "config/schema.h"

#include <stdlib.h>

static void describe_words(const struct gh_option *option, bool missing, FILE *out)
{
    const char *between = "";

    for (const struct gh_choice *choice = option->choices; choice->word; choice++) {
        if (choice->missing != missing)
            continue;
        fprintf(out, "%s%s", between, choice->word);
        between = " | ";
    }
}

static void describe_bounds(const struct gh_option *option, FILE *out)
{
    static const char *const units[GH_TYPE_COUNT_OF] = {
        [GH_TYPE_DURATION] = "ms", [GH_TYPE_SIZE] = "B"
    };
    const char *unit = units[option->type] ? units[option->type] : "";

    if (option->list || option->max == 0)
        return;
    if (option->min == option->max)
        fprintf(out, ", %llu%s", (unsigned long long)option->min, unit);
    else
        fprintf(out, " from %llu%s to %llu%s", (unsigned long long)option->min, unit,
                (unsigned long long)option->max, unit);
}

static bool any_missing(const struct gh_option *option)
{
    for (const struct gh_choice *choice = option->choices; choice && choice->word; choice++) {
        if (choice->missing)
            return true;
    }
    return false;
}

/* One option, told in either form. */
struct telling {
    FILE *out;
    enum gh_describe_form form;
    const char *under;
    bool any;
};

/* "a=crypto lines" and "bridge: never": names, whose case counts. */
static bool begins_with_name(const char *text)
{
    size_t len = strcspn(text, " :");

    return text[len] == ':' || memchr(text, '=', len);
}

/* roff takes a backslash for an escape, and a point or apostrophe at a line's start for a request.
 */
static void tell_text(const struct telling *t, const char *text, bool capital)
{
    if (t->form == GH_DESCRIBE_TEXT) {
        fputs(text, t->out);
        return;
    }
    if (*text == '.' || *text == '\'')
        fputs("\\&", t->out);
    if (capital && *text >= 'a' && *text <= 'z' && !begins_with_name(text)) {
        fputc(*text - 'a' + 'A', t->out);
        text++;
    }
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", t->out);
        else
            fputc(*text, t->out);
    }
}

/* A line of what is said of an option: a name for it, if any, and the text. */
static void tell(const struct telling *t, const char *name, const char *text)
{
    bool mdoc = t->form == GH_DESCRIBE_MDOC;

    if (!mdoc)
        fputs("    ", t->out);
    if (*name)
        fprintf(t->out, mdoc ? ".Em %s :\n" : "%s: ", name);
    tell_text(t, text, !*name);
    fputs(mdoc ? ".\n" : "\n", t->out);
}

static char *type_text(const struct gh_option *option)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    fputs(option->list ? "list of " : "", out);
    if (option->choices)
        describe_words(option, false, out);
    else
        fputs(gh_value_type_text(option->type), out);
    if (option->zero_word)
        fprintf(out, " or %s", option->zero_word);
    describe_bounds(option, out);
    fclose(out);
    return text;
}

static char *missing_text(const struct gh_option *option)
{
    char *text = NULL;
    size_t size;
    FILE *out = any_missing(option) ? open_memstream(&text, &size) : NULL;

    if (!out)
        return NULL;
    describe_words(option, true, out);
    fclose(out);
    return text;
}

static void describe_option(struct telling *t, const struct gh_option *option, const char *path)
{
    static const char *const availability[] = { [GH_AVAILABLE] = NULL,
                                                [GH_DEFAULT_ONLY] =
                                                    "only the default, in this version",
                                                [GH_NOT_AVAILABLE] =
                                                    "not available in this version",
                                                [GH_NOTED] = "accepted, not yet in effect" };
    static const char *const only[] = { [GH_ON_ALL] = NULL,
                                        [GH_ON_TLS] = "trunks with tls only",
                                        [GH_ON_PLAIN] = "trunks without tls only" };
    char *type = type_text(option), *missing = missing_text(option);
    bool mdoc = t->form == GH_DESCRIBE_MDOC;

    t->any = true;
    fprintf(t->out, mdoc ? ".It Cm %s\n" : "%s\n", path);
    tell(t, "", option->says);
    tell(t, mdoc ? "Type" : "type", type ? type : "out of memory");
    if (missing)
        tell(t, mdoc ? "Not available in this version" : "not available in this version", missing);
    if (option->required)
        tell(t, "", "required");
    else if (option->standard_says || option->standard)
        tell(t, mdoc ? "Default" : "default",
             option->standard_says ? option->standard_says : option->standard);
    if (only[option->only_on])
        tell(t, "", only[option->only_on]);
    if (availability[option->available])
        tell(t, "", availability[option->available]);
    free(type);
    free(missing);
}

/* @path is @under, or stands below it, or ends with it. */
static bool is_asked_for(const char *path, const char *under)
{
    size_t path_len = strlen(path), under_len = under ? strlen(under) : 0;

    if (!under)
        return true;
    if (path_len < under_len)
        return false;
    if (strncmp(path, under, under_len) == 0 &&
        (!path[under_len] || path[under_len] == '.' || path[under_len] == '['))
        return true;
    return strcmp(path + path_len - under_len, under) == 0 &&
           path[path_len - under_len - 1] == '.';
}

static void describe_table(struct telling *t, const struct gh_table *table, const char *above)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct gh_option *option = &table->options[i];
        const char *step = option->type == GH_TYPE_NAMED  ? ".NAME."
                           : option->type == GH_TYPE_ROWS ? "[]."
                                                          : ".";
        char path[128], below[136];

        snprintf(path, sizeof(path), "%s%s", above, option->name);
        if (is_asked_for(path, t->under))
            describe_option(t, option, path);
        if (option->type < GH_TYPE_GROUP)
            continue;
        snprintf(below, sizeof(below), "%s%s", path, step);
        describe_table(t, option->table, below);
    }
}

bool gh_config_describe(FILE *out, enum gh_describe_form form, const char *under)
{
    struct telling t = { .out = out, .form = form, .under = under };

    describe_table(&t, &gh_schema, "");
    return t.any;
}
