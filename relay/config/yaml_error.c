/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes in YAML as people make them, told from the parser's words and the lines around. */
#include "config/yaml_error.h"

#include <stdarg.h>
#include <stdio.h>

#define BRACKETS_MAX 64 /* open at one time; deeper ones are not told apart */
#define LEVELS_MAX 16   /* indentations that a line could belong to */

struct finding {
    struct gh_span text;
    size_t at;
    char *says;
};

/* @return true, so that a diagnosis can end with "return tell(...)" */
__attribute__((format(printf, 3, 4))) static bool tell(struct finding *f, size_t at,
                                                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(f->says, GH_YAML_ERROR_MAX, format, args);
    va_end(args);
    f->at = at;
    return true;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static char octet(struct gh_span text, size_t at)
{
    return at < text.len ? text.p[at] : '\n';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where the line of @at begins. */
static size_t line_start(struct gh_span text, size_t at)
{
    if (at > text.len)
        at = text.len;
    while (at && text.p[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(struct gh_span text, size_t at)
{
    return at + gh_span_find(gh_span_from(text, at), '\n');
}

static size_t line_number(struct gh_span text, size_t at)
{
    size_t number = 1;

    for (size_t i = 0; i < at && i < text.len; i++)
        number += text.p[i] == '\n';
    return number;
}

/* Blanks at the start of the line that begins at @start. */
static size_t indent_of(struct gh_span text, size_t start)
{
    size_t n = 0;

    while (octet(text, start + n) == ' ')
        n++;
    return n;
}

/* Nothing but blanks and a comment. */
static bool says_nothing(struct gh_span text, size_t start)
{
    char first = octet(text, start + indent_of(text, start));

    return first == '\n' || first == '\r' || first == '#';
}

/* The line before, or behind, that says something.  @return false: there is none */
static bool line_above(struct gh_span text, size_t start, size_t *above)
{
    while (start) {
        start = line_start(text, start - 1);
        if (!says_nothing(text, start)) {
            *above = start;
            return true;
        }
    }
    return false;
}

static bool line_below(struct gh_span text, size_t start, size_t *below)
{
    for (size_t at = line_end(text, start) + 1; at < text.len; at = line_end(text, at) + 1) {
        if (!says_nothing(text, at)) {
            *below = at;
            return true;
        }
    }
    return false;
}

/* ---- brackets -------------------------------------------------------------------------------- */

struct brackets {
    size_t open[BRACKETS_MAX]; /* offsets of those that are not closed */
    size_t count;
    size_t quote;              /* offset of the quote that is open; SIZE_MAX: none */
};

/* A bracket or quote has a meaning where a value begins; inside brackets each bracket has one. */
static bool begins_value(struct gh_span text, size_t at, const struct brackets *b)
{
    char before;
    size_t i = at;

    while (i && (text.p[i - 1] == ' ' || text.p[i - 1] == '\t'))
        i--;
    before = i ? text.p[i - 1] : '\n';
    if (strchr("\n,[{", before))
        return before == '\n' || b->count;
    return strchr(":-?", before) && i < at;
}

static size_t end_of_quote(struct gh_span text, size_t at)
{
    char quote = text.p[at];

    for (size_t i = at + 1; i < text.len; i++) {
        if (quote == '"' && text.p[i] == '\\')
            i++;
        else if (quote == '\'' && text.p[i] == quote && octet(text, i + 1) == quote)
            i++;
        else if (text.p[i] == quote)
            return i;
    }
    return text.len;
}

/* What is open before @end. */
static void find_brackets(struct gh_span text, size_t end, struct brackets *b)
{
    *b = (struct brackets){ .quote = SIZE_MAX };
    for (size_t i = 0; i < end && i < text.len; i++) {
        char c = text.p[i];

        if (c == '#' && (i == 0 || is_blank(text.p[i - 1]))) {
            i = line_end(text, i);
        } else if ((c == '"' || c == '\'') && begins_value(text, i, b)) {
            size_t closed = end_of_quote(text, i);

            if (closed >= end)
                b->quote = i;
            i = closed;
        } else if ((c == '[' || c == '{') && (b->count || begins_value(text, i, b))) {
            if (b->count < BRACKETS_MAX)
                b->open[b->count++] = i;
        } else if ((c == ']' || c == '}') && b->count) {
            b->count--;
        }
    }
}

static char closing(char open)
{
    return open == '[' ? ']' : '}';
}

/* ---- one kind of mistake each: @return whether it is this one -------------------------------- */

static bool tab(struct finding *f)
{
    size_t start = line_start(f->text, f->at), at = start + indent_of(f->text, start);

    if (octet(f->text, at) != '\t')
        return false;
    return tell(f, at, "this line is indented with a tab; use spaces");
}

static bool open_quote(struct finding *f)
{
    struct brackets b;

    find_brackets(f->text, f->at + 1, &b);
    if (b.quote == SIZE_MAX)
        b.quote = f->at;
    return tell(f, b.quote, "the quote that begins here is not closed; add %c behind the value",
                octet(f->text, b.quote) == '\'' ? '\'' : '"');
}

/* "-{": a dash that is no item */
static bool dash(struct finding *f)
{
    size_t start = line_start(f->text, f->at), at = start + indent_of(f->text, start);

    if (octet(f->text, at) != '-' || is_blank(octet(f->text, at + 1)))
        return false;
    return tell(f, at, "a list item begins with a dash and a space; write \"- \"");
}

static bool behind_quote(struct finding *f)
{
    if (dash(f))
        return true;
    return tell(f, f->at, "something stands behind the closing quote; remove it, or put one pair "
                          "of quotes around the whole value");
}

static bool open_bracket(struct finding *f)
{
    struct brackets b;
    size_t at;

    find_brackets(f->text, f->at, &b);
    if (!b.count)
        return false;
    at = b.open[b.count - 1];
    if (line_start(f->text, at) == line_start(f->text, f->at) && f->at < f->text.len)
        return false;
    return tell(f, at, "the %c that begins here is not closed; add %c at its end", f->text.p[at],
                closing(f->text.p[at]));
}

static bool wrong_bracket(struct finding *f)
{
    struct brackets b;
    size_t at;

    find_brackets(f->text, f->at, &b);
    if (!b.count)
        return tell(f, f->at, "this bracket closes nothing; remove it");
    at = b.open[b.count - 1];
    return tell(f, f->at, "a %c of line %zu is open here, and %c does not close it; write %c first",
                f->text.p[at], line_number(f->text, at), octet(f->text, f->at),
                closing(f->text.p[at]));
}

static bool comma(struct finding *f)
{
    struct brackets b;

    find_brackets(f->text, f->at, &b);
    return tell(f, f->at, "two values meet here; put a comma between them, or close the %c first",
                b.count ? f->text.p[b.open[b.count - 1]] : '[');
}

static bool nothing_between(struct finding *f)
{
    char c = octet(f->text, f->at);

    if (c != ',' && c != ']' && c != '}')
        return false;
    return tell(f, f->at, "a value is missing before this %s; write one, or remove what is too "
                          "much", c == ',' ? "comma" : "bracket");
}

/* A line that should be "key: value" and has no such colon. */
static bool key_without_colon(struct finding *f)
{
    size_t start = line_start(f->text, f->at), end = line_end(f->text, start);
    size_t key = start + indent_of(f->text, start), at;

    if (dash(f))
        return true;
    for (at = key; at < end; at++) {
        if ((unsigned char)f->text.p[at] == 0xc2 && (unsigned char)octet(f->text, at + 1) == 0xa0)
            return tell(f, at, "a no-break space, which is no space to a program; retype it");
    }
    for (at = key; at < end && !is_blank(f->text.p[at]); at++) {
        if (f->text.p[at] == ':')
            return tell(f, at, "a space is missing behind this colon; write \"key: value\"");
    }
    while (at < end && is_blank(f->text.p[at]))
        at++;
    if (octet(f->text, at) == '=')
        return tell(f, at, "a key and its value are joined by a colon and a space, not by =");
    at = key;
    while (at < end && !is_blank(f->text.p[at]))
        at++;
    return tell(f, at, "a colon is missing behind this word; write \"key: value\"");
}

/* The places where a line at @start could begin: those of the lines above that hold it. */
static size_t levels(struct gh_span text, size_t start, size_t out[LEVELS_MAX])
{
    size_t count = 0, above = start, least = SIZE_MAX;

    while (least && count < LEVELS_MAX && line_above(text, above, &above)) {
        size_t indent = indent_of(text, above);

        if (indent < least)
            out[count++] = least = indent;
    }
    return count;
}

static bool misplaced(struct finding *f)
{
    size_t start = line_start(f->text, f->at), indent = indent_of(f->text, start);
    size_t level[LEVELS_MAX], count = levels(f->text, start, level), len = 0;
    char list[64] = "";

    if (!count)
        return false;
    for (size_t i = count; i-- > 0 && len < sizeof(list);)
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%zu%s", level[i],
                                i > 1 ? ", " : i ? " or " : "");
    return tell(f, start + indent, "this line is indented by %zu; the lines above that it could "
                                   "belong to are indented by %s", indent, list);
}

/* A plain value that goes on in the next line, which was meant to be a key of its own. */
static bool runs_on(struct finding *f)
{
    size_t start = line_start(f->text, f->at), indent = indent_of(f->text, start), above, below;

    if (f->at == start + indent)
        return key_without_colon(f);
    if (!line_below(f->text, start, &below))
        return false;
    if (line_above(f->text, start, &above) &&
        indent_of(f->text, above) >= indent_of(f->text, below))
        return tell(f, start + indent, "this line is indented by %zu, the lines around it by %zu; "
                                       "indent what belongs together alike", indent,
                    indent_of(f->text, below));
    return tell(f, below + indent_of(f->text, below),
                "this line is indented by %zu, deeper than line %zu, which has a value already; "
                "indent it by %zu", indent_of(f->text, below), line_number(f->text, start), indent);
}

static bool second_colon(struct finding *f)
{
    return tell(f, f->at, "a second colon in one line; put a value that holds \": \" in quotes");
}

static bool needs_quotes(struct finding *f)
{
    return tell(f, f->at, "a value that begins with this character stands in quotes");
}

static bool escape(struct finding *f)
{
    return tell(f, f->at, "a backslash in double quotes begins an escape; write it twice, or use "
                          "single quotes");
}

static bool comment(struct finding *f)
{
    return tell(f, f->at, "a comment needs a space before its #");
}

static bool block_text(struct finding *f)
{
    return tell(f, f->at, "| and > begin a text of several lines; put the value in quotes");
}

static bool item_for_key(struct finding *f)
{
    size_t start = line_start(f->text, f->at), at = start + indent_of(f->text, start);

    if (octet(f->text, at) != '-')
        return false;
    return tell(f, at, "a list item stands among keys; remove the dash, or indent the item below "
                       "the key whose list it is in");
}

/*
 * The first row whose word is in the parser's and whose diagnosis fits tells it; several rows for
 * one word go from the particular to the general.
 */
static const struct diagnosis {
    const char *word;
    bool (*diagnose)(struct finding *f);
} diagnoses[] = {
    { "tab", tab },
    { "escape", escape },
    { "closing quote", open_quote },
    { "trailing content after", behind_quote },
    { "-quoted scalar", open_quote }, /* "wrongly indented": it swallowed the lines behind it */
    { "extra closing", wrong_bracket },
    { "mismatched flow", wrong_bracket },
    { "flow", open_bracket },
    { "closing bracket", open_bracket },
    { "missing comma", comma },
    { "node content", nothing_between },
    { "comment", comment },
    { "expected ':'", key_without_colon },
    { "multiline plain key", runs_on },
    { "nested block mapping on the same line", second_colon },
    { "mapping in plain multiline", runs_on },
    { "cannot start with", needs_quotes },
    { "no linebreak found", block_text },
    { "expected key", item_for_key },
    { "indent", misplaced },
};

void gh_yaml_error(struct gh_span text, const char *words, size_t *at, char says[GH_YAML_ERROR_MAX])
{
    struct finding f = { .text = text, .at = *at, .says = says };

    snprintf(says, GH_YAML_ERROR_MAX, "this is not YAML");
    for (size_t i = 0; i < sizeof(diagnoses) / sizeof(diagnoses[0]); i++) {
        if (strstr(words, diagnoses[i].word) && diagnoses[i].diagnose(&f)) {
            *at = f.at;
            return;
        }
    }
}
