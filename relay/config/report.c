/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with file, line, column and caret. */
#include "config/report.h"

#include <stdarg.h>
#include <stdlib.h>

#define SHOWN_LINE_MAX 160   /* octets of a source line that are shown */
#define QUOTE_MAX 64         /* octets of a quoted value */
#define NEAREST_WORD_MAX 64  /* longer words are not compared */

struct message {
    enum gh_severity severity;
    struct gh_mark mark;
    const char *text;
    size_t number;
    struct message *next;
};

struct gh_report {
    struct gh_config_arena *arena;
    struct message *first, *last;
    size_t count, errors;
};

struct gh_report *gh_report_new(struct gh_config_arena *arena)
{
    struct gh_report *report = gh_config_arena_take(arena, 1, sizeof(*report));

    if (report)
        report->arena = arena;
    return report;
}

void gh_report_add(struct gh_report *report, enum gh_severity severity, struct gh_mark mark,
                   const char *format, ...)
{
    struct message *message;
    char text[1024];
    va_list args;

    /* Counted first: a message that finds no memory still keeps the load from passing. */
    if (severity == GH_SEVERITY_ERROR)
        report->errors++;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    message = gh_config_arena_take(report->arena, 1, sizeof(*message));
    if (!message)
        return;
    *message = (struct message){ .severity = severity,
                                 .mark = mark,
                                 .text = gh_config_arena_text(report->arena, gh_span_str(text)),
                                 .number = report->count++ };
    if (report->last)
        report->last->next = message;
    else
        report->first = message;
    report->last = message;
}

size_t gh_report_errors(const struct gh_report *report)
{
    return report->errors;
}

/* RFC 3629 section 4, by ranges of the first and second octet. */
size_t gh_report_utf8_len(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, len;
    } rows[] = {
        { 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (p[0] < rows[i].first_low || p[0] > rows[i].first_high)
            continue;
        if (rows[i].len > left)
            return 0;
        if (rows[i].len > 1 && (p[1] < rows[i].second_low || p[1] > rows[i].second_high))
            return 0;
        for (size_t j = 2; j < rows[i].len; j++) {
            if ((p[j] & 0xc0) != 0x80)
                return 0;
        }
        return rows[i].len;
    }
    return 0;
}

/* ---- places ---------------------------------------------------------------------------------- */

struct place {
    size_t line, column;    /* from 1 */
    size_t start;           /* offset of the line */
    struct gh_span text;    /* the line without its end */
};

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Characters, not octets: one for each octet that does not continue a UTF-8 sequence. */
static size_t characters(struct gh_span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += !is_continuation(text.p[i]);
    return count;
}

/* The line that starts at @start, without LF and CR. */
static struct gh_span line_at(struct gh_span text, size_t start)
{
    struct gh_span rest = gh_span_from(text, start);
    struct gh_span line = gh_span_head(rest, gh_span_find(rest, '\n'));

    if (line.len && line.p[line.len - 1] == '\r')
        line.len--;
    return line;
}

static struct place find_place(struct gh_mark mark)
{
    struct gh_span text = mark.source->text;
    struct place place = { .line = 1 };
    size_t at = mark.at < text.len ? mark.at : text.len;

    /* What happens at the very end is shown on the last line that has text. */
    if (at == text.len && at > 0 && text.p[at - 1] == '\n')
        at--;
    for (size_t i = 0; i < at; i++) {
        if (text.p[i] == '\n') {
            place.line++;
            place.start = i + 1;
        }
    }
    place.text = line_at(text, place.start);
    place.column = characters(gh_span_of(text.p + place.start, at - place.start)) + 1;
    return place;
}

const char *gh_report_place(struct gh_report *report, struct gh_mark mark)
{
    const char *text;
    struct place place;

    if (!mark.source)
        return "the command line";
    place = find_place(mark);
    text = gh_config_arena_printf(report->arena, "%s:%zu:%zu", mark.source->path, place.line,
                                  place.column);
    return text ? text : mark.source->path;
}

const char *gh_report_quote(struct gh_report *report, struct gh_span text)
{
    bool cut = text.len > QUOTE_MAX;
    struct gh_span shown = gh_span_head(text, QUOTE_MAX);
    char *quoted;

    while (cut && shown.len && is_continuation(text.p[shown.len]))
        shown.len--;
    quoted =
        gh_config_arena_printf(report->arena, "\"%.*s%s\"", GH_SPAN_FMT(shown), cut ? "..." : "");
    for (char *c = quoted; c && *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    return quoted ? quoted : "it";
}

/* ---- words that are near -------------------------------------------------------------------- */

/* Optimal string alignment: insertions, deletions, changes and swaps of neighbours, each counting
 * one. */
static size_t distance(struct gh_span a, struct gh_span b)
{
    size_t row[3][NEAREST_WORD_MAX + 1];

    for (size_t j = 0; j <= b.len; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *before2 = row[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = before[j - 1] + (gh_ascii_lower((unsigned char)a.p[i - 1]) !=
                                           gh_ascii_lower((unsigned char)b.p[j - 1]));

            if (before[j] + 1 < best)
                best = before[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                before2[j - 2] + 1 < best)
                best = before2[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[a.len % 3][b.len];
}

/* ---- secrets --------------------------------------------------------------------------------- */

static bool contains(struct gh_span text, struct gh_span word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (gh_span_ieq(gh_span_of(text.p + i, word.len), word))
            return true;
    }
    return false;
}

static bool is_key_octet(unsigned char c)
{
    return gh_ascii_is_alpha(c) || gh_ascii_is_digit(c) || c == '_' || c == '-';
}

/* One letter too many, too few, wrong, or two that changed places. */
static bool one_letter_off(struct gh_span word, struct gh_span other)
{
    return word.len <= NEAREST_WORD_MAX && distance(word, other) <= 1;
}

/* A misspelt one is a secret too: that is when its line is shown.  Short words are not: too many
 * others are near them. */
static bool is_secret_word(struct gh_span word)
{
    static const char *const parts[] = { "password", "passwd", "passphrase", "secret", "token" };
    static const char *const misspelt[] = { "password", "passphrase", "secret" };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (contains(word, gh_span_str(parts[i])))
            return true;
    }
    for (size_t i = 0; i < sizeof(misspelt) / sizeof(misspelt[0]); i++) {
        if (one_letter_off(word, gh_span_str(misspelt[i])))
            return true;
    }
    return gh_span_ieq(word, GH_SPAN("pass"));
}

/*
 * Does @line hold, from @at on, a key, the word before a colon, whose value must not be shown?
 * *from is then the offset behind that colon.
 */
static bool secret_key(struct gh_span line, size_t at, size_t *from)
{
    for (size_t colon = at + gh_span_find(gh_span_from(line, at), ':'); colon < line.len;
         colon += 1 + gh_span_find(gh_span_from(line, colon + 1), ':')) {
        size_t end = colon, start;

        while (end && !is_key_octet((unsigned char)line.p[end - 1]))
            end--; /* blanks and quotes */
        start = end;
        while (start && is_key_octet((unsigned char)line.p[start - 1]))
            start--;
        *from = colon + 1;
        if (is_secret_word(gh_span_of(line.p + start, end - start)))
            return true;
    }
    *from = line.len;
    return false;
}

static size_t indent_of(struct gh_span line)
{
    size_t n = 0;

    while (n < line.len && (line.p[n] == ' ' || line.p[n] == '-'))
        n++;
    return n;
}

/* Where the comment of @line begins.  Behind a quote none is seen: it could be part of a value. */
static size_t comment_of(struct gh_span line)
{
    for (size_t i = 0; i < line.len && line.p[i] != '"' && line.p[i] != '\''; i++) {
        if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
            return i;
    }
    return line.len;
}

/* What the lines so far say about the next one. */
struct masking {
    bool armour;          /* inside PEM armour */
    bool secret;          /* below a secret key, which stands at @secret_indent */
    size_t secret_indent;
    bool named;           /* in a section whose keys are names that people choose ... */
    size_t name_indent;   /* ... which stand here; 0: not met yet */
    bool below_name;      /* the next line that says something tells what the name stands for */
};

static bool begins_named_section(struct gh_span line)
{
    static const char *const sections[] = { "tls", "listeners", "security_profiles", "trunks" };
    struct gh_span key = gh_span_trim(gh_span_head(line, gh_span_find(line, ':')));

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (gh_span_eq(key, gh_span_str(sections[i])))
            return true;
    }
    return false;
}

/*
 * A name that people chose, such as that of the trunk "secret-lab", is no key of a secret, if a
 * mapping stands behind it.  @return offset behind it and its colon, 0: @line begins with no name
 */
static size_t name_end(struct masking *m, struct gh_span line)
{
    struct gh_span said = gh_span_head(line, comment_of(line)), value;
    size_t indent = indent_of(line), colon = gh_span_find(said, ':');

    if (gh_span_trim(said).len == 0)
        return 0;
    if (indent == 0) {
        m->named = begins_named_section(line);
        m->name_indent = 0;
        return 0;
    }
    if (m->name_indent == 0)
        m->name_indent = indent;
    if (!m->named || indent != m->name_indent || colon == said.len)
        return 0;
    value = gh_span_trim(gh_span_from(said, colon + 1));
    return value.len == 0 || value.p[0] == '{' ? colon + 1 : 0;
}

/* How much of @line may be shown; @m goes on to the next line. */
static size_t shown_of_line(struct masking *m, struct gh_span line)
{
    size_t start = name_end(m, line), from;
    bool armour, key;

    if (m->secret && gh_span_trim(line).len && indent_of(line) <= m->secret_indent)
        m->secret = false;
    if (m->below_name && !start && gh_span_find(line, ':') == line.len &&
        gh_span_trim(line).len && indent_of(line) > m->name_indent) {
        m->secret = true; /* it is no mapping */
        m->secret_indent = m->name_indent;
    }
    if (gh_span_trim(gh_span_head(line, comment_of(line))).len)
        m->below_name = start > 0;
    if (contains(line, GH_SPAN("-----BEGIN")))
        m->armour = true;
    armour = m->armour;
    if (contains(line, GH_SPAN("-----END")))
        m->armour = false;
    if (armour || m->secret)
        return 0;
    key = secret_key(line, start, &from);
    if (key && from <= comment_of(line)) { /* what a comment says does not go on */
        m->secret = true;
        m->secret_indent = indent_of(line);
    }
    return from;
}

/*
 * How much of the line at @start may be shown.  Nothing inside PEM armour, nothing on lines that
 * continue the value of a secret key, and of the key's own line what stands before the value.
 */
static size_t shown_octets(struct gh_span text, size_t start)
{
    struct masking m = { .armour = false };
    size_t at = 0;

    for (;;) {
        size_t shown = shown_of_line(&m, line_at(text, at));

        if (at >= start)
            return shown;
        at += gh_span_find(gh_span_from(text, at), '\n') + 1;
    }
}

/* ---- print ----------------------------------------------------------------------------------- */

/* What a terminal could take for an order, or cannot show, is a question mark. */
static void print_octets(struct gh_span text, FILE *out)
{
    size_t step;

    for (size_t i = 0; i < text.len; i += step) {
        unsigned char c = (unsigned char)text.p[i];

        step = gh_report_utf8_len((const unsigned char *)text.p + i, text.len - i);
        if (step == 0 || (c < ' ' && c != '\t') || c == 0x7f) {
            fputc('?', out);
            step = 1;
        } else {
            fwrite(text.p + i, 1, step, out);
        }
    }
}

/* The line as it is, or up to where it may be shown; tabs stay tabs so that the caret stands
 * right. */
static void print_line(const struct message *message, const struct place *place, FILE *out)
{
    size_t shown = shown_octets(message->mark.source->text, place->start);
    bool hidden = shown < place->text.len;
    size_t from = message->mark.at > place->start ? message->mark.at - place->start : 0;
    size_t len = message->mark.len;

    if (from > place->text.len)
        from = place->text.len;
    if (shown > SHOWN_LINE_MAX)
        shown = SHOWN_LINE_MAX;
    while (shown < place->text.len && shown > 0 && is_continuation(place->text.p[shown]))
        shown--;
    fprintf(out, "%5zu | ", place->line);
    print_octets(gh_span_head(place->text, shown), out);
    fputs(hidden ? " (not shown)\n" : "\n", out);
    if (from > shown)
        return;
    fputs("      | ", out);
    for (size_t i = 0; i < from && i < place->text.len; i++) {
        if (!is_continuation(place->text.p[i]))
            fputc(place->text.p[i] == '\t' ? '\t' : ' ', out);
    }
    fputc('^', out);
    if (len > shown - from)
        len = shown - from;
    for (size_t i = 1; i < len && from + i < place->text.len; i++) {
        if (!is_continuation(place->text.p[from + i]))
            fputc('~', out);
    }
    fputc('\n', out);
}

static void print_message(const struct message *message, FILE *out)
{
    static const char *const words[] = { [GH_SEVERITY_NOTE] = "",
                                         [GH_SEVERITY_WARNING] = "warning: ",
                                         [GH_SEVERITY_ERROR] = "error: " };
    const char *text = message->text ? message->text : "out of memory";
    struct place place;

    if (!message->mark.source) {
        fprintf(out, "%s%s\n", words[message->severity], text);
        return;
    }
    place = find_place(message->mark);
    fprintf(out, "%s:%zu:%zu: %s%s\n", message->mark.source->path, place.line, place.column,
            words[message->severity], text);
    if (message->severity != GH_SEVERITY_NOTE)
        print_line(message, &place, out);
}

static int by_place(const void *one, const void *other)
{
    const struct message *a = *(const struct message *const *)one;
    const struct message *b = *(const struct message *const *)other;
    unsigned file_a = a->mark.source ? a->mark.source->index + 1 : 0;
    unsigned file_b = b->mark.source ? b->mark.source->index + 1 : 0;

    if (file_a != file_b)
        return file_a < file_b ? -1 : 1;
    if (a->mark.source && a->mark.at != b->mark.at)
        return a->mark.at < b->mark.at ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

void gh_report_print(const struct gh_report *report, FILE *out)
{
    const struct message **sorted = NULL;
    size_t count = 0;

    if (report->count)
        sorted = calloc(report->count, sizeof(struct message *));
    for (const struct message *message = report->first; message; message = message->next) {
        if (sorted)
            sorted[count++] = message;
        else
            print_message(message, out); /* unsorted is better than not at all */
    }
    if (sorted)
        qsort(sorted, count, sizeof(struct message *), by_place);
    for (size_t i = 0; i < count; i++)
        print_message(sorted[i], out);
    free(sorted);
}

/* ---- did you mean ---------------------------------------------------------------------------- */

const char *gh_report_nearest(struct gh_span text, const char *const *words, size_t count,
                              enum gh_nearness nearness)
{
    const char *nearest = NULL;
    size_t least = (text.len + nearness - 1) / nearness + 1;

    if (text.len == 0 || text.len > NEAREST_WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct gh_span word = gh_span_str(words[i]);
        size_t d;

        if (word.len > NEAREST_WORD_MAX)
            continue;
        d = distance(text, word);
        if (d < least && d < text.len) {
            least = d;
            nearest = words[i];
        }
    }
    return nearest;
}
