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

/* ---- places -------------------------------------------------------------------------------------- */

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
    text = gh_config_arena_printf(report->arena, "%s:%zu:%zu", mark.source->path, place.line, place.column);
    return text ? text : mark.source->path;
}

const char *gh_report_quote(struct gh_report *report, struct gh_span text)
{
    bool cut = text.len > QUOTE_MAX;
    struct gh_span shown = gh_span_head(text, QUOTE_MAX);
    char *quoted;

    while (cut && shown.len && is_continuation(text.p[shown.len]))
        shown.len--;
    quoted = gh_config_arena_printf(report->arena, "\"%.*s%s\"", GH_SPAN_FMT(shown), cut ? "..." : "");
    for (char *c = quoted; c && *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    return quoted ? quoted : "it";
}

/* ---- secrets ------------------------------------------------------------------------------------- */

static bool contains(struct gh_span text, struct gh_span word, size_t *end)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (gh_span_ieq(gh_span_of(text.p + i, word.len), word)) {
            *end = i + word.len;
            return true;
        }
    }
    return false;
}

/* Does @line hold a key whose value must not be shown?  *from is then the offset behind its colon. */
static bool secret_key(struct gh_span line, size_t *from)
{
    static const char *const words[] = { "password", "passwd", "passphrase", "secret", "token" };
    bool found = false;

    *from = line.len;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t end, colon;

        if (!contains(line, gh_span_str(words[i]), &end))
            continue;
        colon = end + gh_span_find(gh_span_from(line, end), ':');
        if (colon < line.len && (!found || colon + 1 < *from)) {
            *from = colon + 1;
            found = true;
        }
    }
    return found;
}

static size_t indent_of(struct gh_span line)
{
    size_t n = 0;

    while (n < line.len && (line.p[n] == ' ' || line.p[n] == '-'))
        n++;
    return n;
}

/*
 * How much of the line at @start may be shown.  Nothing inside PEM armour, nothing on lines that continue
 * the value of a secret key, and of the key's own line what stands before the value.
 */
static size_t shown_octets(struct gh_span text, size_t start)
{
    bool armour = false, secret = false;
    size_t secret_indent = 0, at = 0;

    for (;;) {
        struct gh_span line = line_at(text, at);
        size_t from, end;

        if (secret && gh_span_trim(line).len && indent_of(line) <= secret_indent)
            secret = false;
        if (contains(line, GH_SPAN("-----BEGIN"), &end))
            armour = true;
        if (secret_key(line, &from) && !secret) {
            if (at >= start)
                return armour ? 0 : from;
            secret = true;
            secret_indent = indent_of(line);
        }
        if (at >= start)
            return armour || secret ? 0 : line.len;
        if (contains(line, GH_SPAN("-----END"), &end))
            armour = false;
        at += gh_span_find(gh_span_from(text, at), '\n') + 1;
    }
}

/* ---- print --------------------------------------------------------------------------------------- */

/* The line as it is, or up to where it may be shown; tabs stay tabs so that the caret stands right. */
static void print_line(const struct message *message, const struct place *place, FILE *out)
{
    size_t shown = shown_octets(message->mark.source->text, place->start);
    bool hidden = shown < place->text.len;
    size_t from = message->mark.at > place->start ? message->mark.at - place->start : 0;
    size_t len = message->mark.len;

    if (shown > SHOWN_LINE_MAX)
        shown = SHOWN_LINE_MAX;
    while (shown < place->text.len && shown > 0 && is_continuation(place->text.p[shown]))
        shown--;
    fprintf(out, "%5zu | ", place->line);
    for (size_t i = 0; i < shown && i < place->text.len; i++) {
        unsigned char c = (unsigned char)place->text.p[i];

        fputc((c < ' ' && c != '\t') || c == 0x7f ? '?' : c, out);
    }
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

/* ---- did you mean -------------------------------------------------------------------------------- */

/* Optimal string alignment: insertions, deletions, changes and swaps of neighbours, each counting one. */
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

const char *gh_report_nearest(struct gh_span text, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t least = (text.len + 2) / 3 + 1; /* more than a third wrong is another word */

    if (text.len == 0 || text.len > NEAREST_WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct gh_span word = gh_span_str(words[i]);
        size_t d;

        if (word.len > NEAREST_WORD_MAX)
            continue;
        d = distance(text, word);
        if (d < least) {
            least = d;
            nearest = words[i];
        }
    }
    return nearest;
}
