/* SPDX-License-Identifier: Apache-2.0 */
#include "audit-row.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <jansson.h>

#include "audit/json_text.h"

/* ---- cells ----------------------------------------------------------------------------------- */

static void cell_octets(struct gh_cell *cell, const char *p, size_t len, size_t columns)
{
    static const char cut[] = "...";

    if (cell->full)
        return;
    if (len + sizeof(cut) > GH_CELL_MAX - cell->len) {
        cell->full = true;
        p = cut;
        len = columns = sizeof(cut) - 1;
    }
    memcpy(cell->text + cell->len, p, len);
    cell->len += len;
    cell->text[cell->len] = 0;
    cell->columns += columns;
}

/* A ledger may be forged to attack the terminal of who reads it: what acts on one stays out. */
void gh_cell_text(struct gh_cell *cell, const char *text)
{
    struct gh_span rest = gh_span_str(text);
    char escape[16];

    while (rest.len) {
        unsigned code = (unsigned char)rest.p[0];
        size_t len = gh_utf8_len(rest, &code);

        if (len && !gh_utf8_acts_on_display(code)) {
            cell_octets(cell, rest.p, len, 1);
        } else {
            int n = snprintf(escape, sizeof(escape), len ? "\\u%04x" : "\\x%02X", code);

            cell_octets(cell, escape, (size_t)n, (size_t)n);
        }
        rest = gh_span_from(rest, len ? len : 1);
    }
}

__attribute__((format(printf, 2, 3)))
static void cell_fmt(struct gh_cell *cell, const char *fmt, ...)
{
    char text[128];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    gh_cell_text(cell, text);
}

static const struct {
    const char *title;
    size_t width; /* of most values; a longer one moves the rest of its row */
} columns[GH_ROW_COLUMNS] = {
    [GH_ROW_START] = { "START (UTC)", 19 },
    [GH_ROW_DURATION] = { "DURATION", 8 },
    [GH_ROW_FROM] = { "FROM", 12 },
    [GH_ROW_TO] = { "TO", 12 },
    [GH_ROW_TRUNKS] = { "TRUNKS", 18 },
    [GH_ROW_STATUS] = { "STATUS", 16 },
    [GH_ROW_GRADE] = { "GRADE", 12 },
    [GH_ROW_REASONS] = { "REASONS", 14 },
    [GH_ROW_MARKS] = { "MARKS", 10 },
    [GH_ROW_MEDIA] = { "MEDIA (suite, path, packets authenticated from each side)", 0 },
};

void gh_row_print(const struct gh_row *row)
{
    for (int c = 0; c < GH_ROW_COLUMNS; c++) {
        const struct gh_cell *cell = &row->cells[c];
        bool last = c == GH_ROW_COLUMNS - 1;
        size_t pad =
            last || cell->columns >= columns[c].width ? 0 : columns[c].width - cell->columns;

        printf("%s%*s%s", cell->len ? cell->text : "-", (int)(pad - (pad && !cell->len)), "",
               last ? "\n" : "  ");
    }
}

void gh_row_print_titles(void)
{
    struct gh_row row = { .cells = { { .len = 0 } } };

    for (int c = 0; c < GH_ROW_COLUMNS; c++)
        gh_cell_text(&row.cells[c], columns[c].title);
    gh_row_print(&row);
}

/* ---- what goes into the cells ----
 * A field that is missing, or of another type than ours, leaves its cell empty: the ledger may be
 * of another version, or forged. */

static void add_member(struct gh_cell *cell, json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (text)
        gh_cell_text(cell, text);
}

static void add_words(struct gh_cell *cell, json_t *array)
{
    json_t *item;
    size_t i;

    json_array_foreach(array, i, item) {
        if (!json_is_string(item))
            continue;
        if (cell->len)
            gh_cell_text(cell, ",");
        gh_cell_text(cell, json_string_value(item));
    }
}

static void add_start(struct gh_cell *cell, const char *ts)
{
    int64_t wall_us;

    if (ts && gh_line_time(ts, &wall_us))
        cell_fmt(cell, "%.10s %.8s", ts, ts + 11);
}

static void add_seconds(struct gh_cell *cell, int64_t seconds)
{
    if (seconds >= 3600)
        cell_fmt(cell, "%" PRId64 ":%02d:%02d", seconds / 3600, (int)(seconds / 60 % 60),
                 (int)(seconds % 60));
    else
        cell_fmt(cell, "%d:%02d", (int)(seconds / 60), (int)(seconds % 60));
}

/* How long both sides could talk, if the record says it; else from start to end. */
static void add_duration(struct gh_cell *cell, const struct gh_line *line, const char *start)
{
    json_t *talked = json_object_get(line->root, "seconds");
    int64_t begin, end;

    if (json_is_number(talked) && json_number_value(talked) >= 0 && json_number_value(talked) < 1e9)
        add_seconds(cell, (int64_t)(json_number_value(talked) + 0.5));
    else if (start && gh_line_time(start, &begin) && gh_line_time(line->ts, &end) && end >= begin)
        add_seconds(cell, (end - begin + 500000) / 1000000);
}

static json_t *leg_of(json_t *record, const char *side)
{
    json_t *leg;
    size_t i;

    json_array_foreach(json_object_get(record, "legs"), i, leg) {
        const char *its = json_string_value(json_object_get(leg, "side"));

        if (its && strcmp(its, side) == 0)
            return leg;
    }
    return NULL;
}

static void add_trunks(struct gh_cell *cell, json_t *record)
{
    json_t *b = leg_of(record, "b");

    add_member(cell, leg_of(record, "a"), "trunk");
    if (!cell->len)
        add_member(cell, record, "trunk"); /* call.lost has no legs */
    if (!cell->len && !b)
        return;
    gh_cell_text(cell, " > ");
    if (json_is_string(json_object_get(b, "trunk")))
        add_member(cell, b, "trunk");
    else
        gh_cell_text(cell, "-");
}

/* Suite of one side of a stream, or its keying when it has none. */
static const char *suite_of(json_t *stream)
{
    const char *suite = json_string_value(json_object_get(stream, "suite"));
    const char *keying = json_string_value(json_object_get(stream, "keying"));

    if (suite && *suite && strcmp(suite, "none") != 0)
        return suite;
    return keying && strcmp(keying, "none") != 0 ? keying : "clear";
}

static void add_packets(struct gh_cell *cell, const char *side, json_t *stream)
{
    json_t *rx = json_object_get(stream, "rx");
    json_t *mos = json_object_get(json_object_get(stream, "quality"), "mos"); /* as it came to us */

    if (stream)
        cell_fmt(cell, " %s:%" JSON_INTEGER_FORMAT, side,
                 json_integer_value(json_object_get(rx, "authenticated")));
    if (json_is_number(mos))
        cell_fmt(cell, " (MOS %.1f)", json_number_value(mos));
}

static void add_stream(struct gh_cell *cell, json_t *a, json_t *b)
{
    json_t *either = a ? a : b;

    if (cell->len)
        gh_cell_text(cell, "; ");
    add_member(cell, either, "media");
    gh_cell_text(cell, " ");
    gh_cell_text(cell, suite_of(either));
    if (a && b && strcmp(suite_of(a), suite_of(b)) != 0) {
        gh_cell_text(cell, "/");
        gh_cell_text(cell, suite_of(b));
    }
    gh_cell_text(cell, " ");
    add_member(cell, either, "path");
    add_packets(cell, "a", a);
    add_packets(cell, "b", b);
}

static void add_media(struct gh_cell *cell, json_t *record)
{
    json_t *a = json_object_get(leg_of(record, "a"), "streams");
    json_t *b = json_object_get(leg_of(record, "b"), "streams");
    size_t count =
        json_array_size(a) > json_array_size(b) ? json_array_size(a) : json_array_size(b);

    for (size_t i = 0; i < count; i++)
        add_stream(cell, json_array_get(a, i), json_array_get(b, i));
}

/* ---- rows ------------------------------------------------------------------------------------ */

void gh_row_of_end(struct gh_row *row, const struct gh_line *line, const struct gh_lost_call *begun)
{
    bool lost = strcmp(line->type, "call.lost") == 0;
    const char *start = begun ? begun->start_ts : gh_line_text(line, lost ? "start_ts" : "start");

    add_start(&row->cells[GH_ROW_START], start);
    if (!lost)
        add_duration(&row->cells[GH_ROW_DURATION], line, start);
    add_member(&row->cells[GH_ROW_FROM], line->root, "from");
    add_member(&row->cells[GH_ROW_TO], line->root, "to");
    add_trunks(&row->cells[GH_ROW_TRUNKS], line->root);
    add_member(&row->cells[GH_ROW_STATUS], line->root, "status");
    add_member(&row->cells[GH_ROW_GRADE], line->root, "grade");
    add_words(&row->cells[GH_ROW_REASONS], json_object_get(line->root, "reasons"));
    add_words(&row->cells[GH_ROW_MARKS], json_object_get(line->root, "marks"));
    add_media(&row->cells[GH_ROW_MEDIA], line->root);
    if (lost) {
        gh_cell_text(&row->cells[GH_ROW_STATUS], "lost");
        gh_cell_text(&row->cells[GH_ROW_REASONS], "unknown since ");
        add_member(&row->cells[GH_ROW_REASONS], line->root, "unknown_since");
    }
}

/* Why an INVITE never became a call.  Repeats within a second share a record that counts them. */
void gh_row_of_refusal(struct gh_row *row, const struct gh_line *line)
{
    json_t *count = json_object_get(line->root, "count");

    add_start(&row->cells[GH_ROW_START], gh_line_text(line, "ts"));
    add_member(&row->cells[GH_ROW_FROM], line->root, "from");
    add_member(&row->cells[GH_ROW_TO], line->root, "to");
    add_member(&row->cells[GH_ROW_TRUNKS], line->root, "trunk");
    gh_cell_text(&row->cells[GH_ROW_STATUS], "refused");
    add_member(&row->cells[GH_ROW_REASONS], line->root, "reason");
    add_words(&row->cells[GH_ROW_MARKS], json_object_get(line->root, "marks"));
    if (json_is_integer(count))
        cell_fmt(&row->cells[GH_ROW_REASONS], " (%" JSON_INTEGER_FORMAT " times)",
                 json_integer_value(count));
}

void gh_row_of_open(struct gh_row *row, const struct gh_lost_call *call, bool running)
{

    add_start(&row->cells[GH_ROW_START], call->start_ts);
    gh_cell_text(&row->cells[GH_ROW_FROM], call->from);
    gh_cell_text(&row->cells[GH_ROW_TO], call->to);
    gh_cell_text(&row->cells[GH_ROW_TRUNKS], call->trunk);
    gh_cell_text(&row->cells[GH_ROW_STATUS], running ? "running" : "unknown");
    gh_cell_text(&row->cells[GH_ROW_GRADE], call->grade);
    gh_cell_text(&row->cells[GH_ROW_REASONS],
                 running ? "last heard of " : "no end recorded; unknown since ");
    gh_cell_text(&row->cells[GH_ROW_REASONS], call->last_ts);
}

/* ---- one-way audio --------------------------------------------------------------------------- */

/* "  silent b 0 for 26.0 s: 12.5-32.5 50.0-56.0", in seconds since the answer */
static void print_silence(json_t *leg, json_t *stream)
{
    json_t *sum = json_object_get(stream, "silent_seconds"), *stretch;
    struct gh_cell cell = { .len = 0 };
    size_t i;

    if (!json_is_number(sum))
        return;
    gh_cell_text(&cell, "  silent ");
    add_member(&cell, leg, "side");
    cell_fmt(&cell, " %" JSON_INTEGER_FORMAT " for %.1f s:",
             json_integer_value(json_object_get(stream, "index")), json_number_value(sum));
    json_array_foreach(json_object_get(stream, "silent"), i, stretch)
        cell_fmt(&cell, " %.1f-%.1f", json_number_value(json_array_get(stretch, 0)),
                 json_number_value(json_array_get(stretch, 1)));
    printf("%s\n", cell.text);
}

void gh_row_print_silences(const struct gh_line *line)
{
    json_t *leg, *stream;
    size_t i, k;

    json_array_foreach(json_object_get(line->root, "legs"), i, leg) {
        json_array_foreach(json_object_get(leg, "streams"), k, stream)
            print_silence(leg, stream);
    }
}
