/* SPDX-License-Identifier: Apache-2.0 */
/* The reference of all options, from the tables themselves. */
#include "config/schema.h"

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

static void describe_option(const struct gh_option *option, const char *path, FILE *out)
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

    fprintf(out, "%s%s\n    %s\n    type: %s", path, option->name, option->says,
            option->list ? "list of " : "");
    if (option->choices)
        describe_words(option, false, out);
    else
        fputs(gh_value_type_text(option->type), out);
    if (option->zero_word)
        fprintf(out, " or %s", option->zero_word);
    describe_bounds(option, out);
    fputc('\n', out);
    if (any_missing(option)) {
        fputs("    not available in this version: ", out);
        describe_words(option, true, out);
        fputc('\n', out);
    }
    if (option->required)
        fputs("    required\n", out);
    else if (option->standard_says || option->standard)
        fprintf(out, "    default: %s\n",
                option->standard_says ? option->standard_says : option->standard);
    if (only[option->only_on])
        fprintf(out, "    %s\n", only[option->only_on]);
    if (option->restart)
        fputs("    a change needs a restart\n", out);
    if (availability[option->available])
        fprintf(out, "    %s\n", availability[option->available]);
}

static void describe_table(const struct gh_table *table, const char *path, FILE *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct gh_option *option = &table->options[i];
        const char *step = option->type == GH_TYPE_NAMED  ? ".NAME."
                           : option->type == GH_TYPE_ROWS ? "[]."
                                                          : ".";
        char below[128];

        describe_option(option, path, out);
        if (option->type < GH_TYPE_GROUP)
            continue;
        snprintf(below, sizeof(below), "%s%s%s", path, option->name, step);
        describe_table(option->table, below, out);
    }
}

void gh_config_describe(FILE *out)
{
    describe_table(&gh_schema, "", out);
}
