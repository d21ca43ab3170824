/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document: splitting a text into rows, checking its shape, printing it back, comparing two.
 * RFC 8866 sections 5 and 9.  The grammar of single lines is in grammar.c.
 *
 * Let in against the letter of RFC 8866, because real peers send it and it misleads nobody:
 *  - LF alone as line end, mixed line ends, no end on the last line (section 5 allows LF; libre
 *    refuses the last one and loses calls by it);
 *  - empty lines after the last field: some senders close the body with an extra CRLF;
 *  - session fields other than v= in any order, and i= c= b= k= a= of one section in any order: no
 *    meaning hangs on it, and what we print keeps the order;
 *  - an empty s=, and blanks at the end of o= t= c= and m=;
 *  - an m-line of port 0 without formats: a refused stream, of which nothing is read but the port;
 *  - an m-line without any c=: the view says so, and only a live stream needs one;
 *  - b= with an unknown type or a negative number, any content of a= that is not understood.
 * Refused, though some parsers take it: unknown type letters (section 5: such a description MUST be
 * ignored or rejected as a whole, so "A=crypto:" has no way in), folded lines, a second o= or s=,
 * session fields below an m-line, NUL and a CR that ends no line.
 */
#include <stdlib.h>

#include "sdp_int.h"

static int fail(struct gh_sdp_error *error, int err, uint32_t line, const char *text)
{
    if (error)
        *error = (struct gh_sdp_error){ line, text };
    return err;
}

/* ---- rows ---- */

void gh_sdpi_row_attr(const struct gh_sdp_row *row, struct gh_span *name, struct gh_span *value)
{
    struct gh_span rest = gh_sdpi_row_value(row);
    size_t colon = gh_span_find(rest, ':');

    *name = gh_span_head(rest, colon);
    *value = colon < rest.len ? gh_span_from(rest, colon + 1) : (struct gh_span){ NULL, 0 };
}

size_t gh_sdpi_find(const struct gh_sdp *doc, int section, char type, size_t nth)
{
    for (size_t i = 0; i < doc->count; i++) {
        if (doc->rows[i].section == section && doc->rows[i].type == type && nth-- == 0)
            return i;
    }
    return doc->count;
}

size_t gh_sdpi_find_attr(const struct gh_sdp *doc, int section, struct gh_span name, size_t nth)
{
    for (size_t i = 0; i < doc->count; i++) {
        struct gh_span here, value;

        if (doc->rows[i].section != section || doc->rows[i].type != 'a')
            continue;
        gh_sdpi_row_attr(&doc->rows[i], &here, &value);
        if (gh_span_eq(here, name) && nth-- == 0)
            return i;
    }
    return doc->count;
}

size_t gh_sdpi_drop(struct gh_sdp *doc, gh_sdpi_drop_fn drop, const void *arg)
{
    size_t kept = 0, dropped;

    for (size_t i = 0; i < doc->count; i++) {
        if (!drop(&doc->rows[i], arg))
            doc->rows[kept++] = doc->rows[i];
    }
    dropped = doc->count - kept;
    doc->count = kept;
    return dropped;
}

/* ---- parsing ---- */

/* What one pass over the rows remembers. */
struct shape {
    int section;
    bool seen_o, seen_s, seen_t, ended;
    size_t attrs, cryptos, connections; /* of the current section */
};

/* Cut the text at its line ends into rows; says nothing about their content. */
static int split(struct gh_sdp *doc, struct gh_sdp_error *error)
{
    struct gh_span rest = gh_span_of(doc->text, doc->text_len);
    size_t lines = 1;

    for (size_t i = 0; i < rest.len; i++)
        lines += rest.p[i] == '\n';
    if (lines > GH_SDP_LINES_MAX + 1) /* the last one may be empty: a text that ends with LF */
        return fail(error, GH_ELIMIT, 0, "too many lines");
    doc->rows = calloc(lines, sizeof(*doc->rows));
    if (!doc->rows)
        return GH_ENOMEM;
    doc->capacity = lines;
    while (rest.len) {
        size_t lf = gh_span_find(rest, '\n');
        size_t len = lf < rest.len ? lf + 1 : rest.len;
        struct gh_sdp_row *row = &doc->rows[doc->count++];

        row->number = (uint32_t)doc->count;
        row->p = rest.p;
        row->len = (uint32_t)len;
        row->eol = lf == rest.len ? 0 : lf > 0 && rest.p[lf - 1] == '\r' ? 2 : 1;
        if (doc->count > GH_SDP_LINES_MAX || len - row->eol > GH_SDP_LINE_MAX)
            return fail(error, GH_ELIMIT, row->number, "line too long, or one too many");
        rest = gh_span_from(rest, len);
    }
    doc->lf_only = doc->count && doc->rows[0].eol == 1;
    return 0;
}

/* Static text of what is wrong with the value of a line, or NULL. */
static const char *check_value(const struct gh_sdp_row *row)
{
    struct gh_span value = gh_sdpi_row_value(row);
    struct gh_sdpi_origin origin;
    struct gh_sdp_connection connection;
    struct gh_sdp_media media;

    /* Nobody honest writes "inline:" here, and such lines can be neither dropped nor blanked. */
    if (strchr("om", row->type) && gh_sdpi_row_carriers(row) != GH_CARRY_NOTHING)
        return "keying text in o= or m=";
    switch (row->type) {
    case 'v':
        return gh_span_eq(value, GH_SPAN("0")) ? NULL : "v= is not 0";
    case 'o':
        return gh_sdpi_origin(value, &origin) ? NULL : "o= does not have its six fields";
    case 't':
        return gh_sdpi_times(value) ? NULL : "t= is not two numbers";
    case 'c':
        return gh_sdpi_connection(value, &connection) ? NULL : "c= is not a connection address";
    case 'm':
        return gh_sdpi_media(value, &media) ? NULL : "m= is not media, port, transport, formats";
    default:
        return NULL;
    }
}

/* Place and number of a field, RFC 8866 section 5.  Static text of the fault, or NULL. */
static const char *check_place(struct gh_sdp *doc, struct shape *shape, struct gh_sdp_row *row)
{
    if (row->number == 1 && row->type != 'v')
        return "v= is not the first line";
    if (row->number > 1 && row->type == 'v')
        return "a second v=";
    if (shape->section != GH_SDP_SESSION && !strchr("micbka", row->type))
        return "a field of the session level stands below m=";
    if (row->type == 'm') {
        shape->section++;
        shape->attrs = shape->cryptos = shape->connections = 0;
        doc->media_count++;
    }
    if ((row->type == 'o' && shape->seen_o) || (row->type == 's' && shape->seen_s))
        return "a second o= or s=";
    if (row->type == 'c' && shape->connections++ && shape->section == GH_SDP_SESSION)
        return "a second c= at the session level";
    shape->seen_o |= row->type == 'o';
    shape->seen_s |= row->type == 's';
    shape->seen_t |= row->type == 't';
    row->section = shape->section;
    return NULL;
}

static bool over_limits(const struct gh_sdp *doc, struct shape *shape, const struct gh_sdp_row *row)
{
    struct gh_span name, value;

    if (row->type == 'a') {
        gh_sdpi_row_attr(row, &name, &value);
        shape->attrs++;
        shape->cryptos += gh_span_ieq(gh_span_trim(name), GH_SPAN("crypto"));
    }
    return doc->media_count > GH_SDP_MEDIA_MAX || shape->attrs > GH_SDP_ATTRS_MAX ||
           shape->cryptos > GH_SDP_CRYPTO_MAX;
}

static int check_row(struct gh_sdp *doc, struct shape *shape, struct gh_sdp_row *row,
                     struct gh_sdp_error *error)
{
    struct gh_span text = gh_sdpi_row_text(row);
    const char *fault;

    if (text.len == 0) {
        row->section = GH_SDP_NO_SECTION;
        shape->ended = true;
        return row->number == 1 ? fail(error, GH_ESYNTAX, 1, "v= is not the first line") : 0;
    }
    if (shape->ended)
        return fail(error, GH_ESYNTAX, row->number, "an empty line inside the description");
    if (memchr(text.p, 0, text.len) || memchr(text.p, '\r', text.len))
        return fail(error, GH_ESYNTAX, row->number, "NUL, or CR without LF");
    if (text.len < 2 || text.p[1] != '=' || !strchr("vosiuepcbtrzkam", text.p[0]))
        return fail(error, GH_ESYNTAX, row->number, "not a field: type letter, \"=\", value");
    row->type = text.p[0];
    fault = check_place(doc, shape, row);
    if (!fault)
        fault = check_value(row);
    if (fault)
        return fail(error, GH_ESYNTAX, row->number, fault);
    if (over_limits(doc, shape, row))
        return fail(error, GH_ELIMIT, row->number,
                    "too many m= lines, attributes or crypto lines");
    return 0;
}

static int check_rows(struct gh_sdp *doc, struct gh_sdp_error *error)
{
    struct shape shape = { .section = GH_SDP_SESSION };

    for (size_t i = 0; i < doc->count; i++) {
        int err = check_row(doc, &shape, &doc->rows[i], error);

        if (err)
            return err;
    }
    if (!shape.seen_o || !shape.seen_s || !shape.seen_t)
        return fail(error, GH_ESYNTAX, 0, "o=, s= or t= is missing");
    return 0;
}

/* A document that owns @size octets, not yet filled. */
static struct gh_sdp *document_new(size_t size)
{
    struct gh_sdp *doc = calloc(1, sizeof(*doc));

    if (!doc)
        return NULL;
    doc->text = malloc(size);
    doc->text_len = size;
    if (!doc->text) {
        free(doc);
        return NULL;
    }
    return doc;
}

int gh_sdp_parse(struct gh_sdp **out, struct gh_span text, struct gh_sdp_error *error)
{
    struct gh_sdp *doc = NULL;
    int err;

    if (text.len == 0)
        return fail(error, GH_ESYNTAX, 0, "empty");
    if (text.len > GH_SDP_OCTETS_MAX)
        return fail(error, GH_ELIMIT, 0, "too many octets");
    doc = document_new(text.len);
    if (!doc)
        return GH_ENOMEM;
    memcpy(doc->text, text.p, text.len);
    err = split(doc, error);
    if (err)
        goto out;
    err = check_rows(doc, error);
    if (err)
        goto out;
    *out = doc;
    doc = NULL;
out:
    gh_sdp_free(doc);
    return err;
}

int gh_sdp_clone(struct gh_sdp **out, const struct gh_sdp *doc)
{
    struct gh_sdp *copy = document_new(gh_sdp_len(doc));
    size_t len;
    int err = GH_ENOMEM;

    if (!copy)
        goto out;
    err = gh_sdp_print(doc, copy->text, copy->text_len, &len);
    if (err)
        goto out;
    err = split(copy, NULL);
    if (err)
        goto out;
    err = check_rows(copy, NULL); /* every edit keeps to the grammar and the limits */
    if (err)
        goto out;
    *out = copy;
    copy = NULL;
out:
    gh_sdp_free(copy);
    return err;
}

void gh_sdp_free(struct gh_sdp *doc)
{
    if (!doc)
        return;
    while (doc->pieces) {
        struct gh_sdp_piece *piece = doc->pieces;

        doc->pieces = piece->next;
        explicit_bzero(piece->octets, piece->len);
        free(piece);
    }
    explicit_bzero(doc->text, doc->text_len);
    free(doc->text);
    free(doc->rows);
    free(doc);
}

/* ---- printing and comparing ---- */

/* The line end as printed: what stood there, or ours when an edit put a line behind the last. */
static struct gh_span printed_eol(const struct gh_sdp *doc, size_t index)
{
    const struct gh_sdp_row *row = &doc->rows[index];

    if (row->eol == 0 && index + 1 < doc->count)
        return gh_sdpi_eol(doc);
    return gh_span_from(gh_span_of(row->p, row->len), row->len - row->eol);
}

size_t gh_sdp_len(const struct gh_sdp *doc)
{
    size_t len = 0;

    for (size_t i = 0; i < doc->count; i++)
        len += gh_sdpi_row_text(&doc->rows[i]).len + printed_eol(doc, i).len;
    return len;
}

int gh_sdp_print(const struct gh_sdp *doc, char *buf, size_t size, size_t *len)
{
    size_t at = 0;

    if (gh_sdp_len(doc) > size)
        return GH_EFULL;
    for (size_t i = 0; i < doc->count; i++) {
        struct gh_span text = gh_sdpi_row_text(&doc->rows[i]);
        struct gh_span eol = printed_eol(doc, i);

        memcpy(buf + at, text.p, text.len);
        at += text.len;
        if (eol.len)
            memcpy(buf + at, eol.p, eol.len);
        at += eol.len;
    }
    *len = at;
    return 0;
}

/* Lines may hold keys, so the time must not tell where two of them begin to differ. */
static unsigned differ(struct gh_span a, struct gh_span b)
{
    unsigned diff = 0;

    if (a.len != b.len)
        return 1;
    for (size_t i = 0; i < a.len; i++)
        diff |= (unsigned)(unsigned char)(a.p[i] ^ b.p[i]);
    return diff;
}

enum gh_sdp_change gh_sdp_compare(const struct gh_sdp *last, const struct gh_sdp *now)
{
    size_t a = gh_sdpi_find(last, GH_SDP_SESSION, 'o', 0);
    size_t b = gh_sdpi_find(now, GH_SDP_SESSION, 'o', 0);
    unsigned diff = last->count != now->count;

    if (differ(gh_sdpi_row_text(&last->rows[a]), gh_sdpi_row_text(&now->rows[b])))
        return GH_SDP_CHANGED;
    for (size_t i = 0; i < last->count && i < now->count; i++) {
        diff |= differ(gh_sdpi_row_text(&last->rows[i]), gh_sdpi_row_text(&now->rows[i]));
        diff |= differ(printed_eol(last, i), printed_eol(now, i));
    }
    return diff ? GH_SDP_SAME_ORIGIN : GH_SDP_SAME;
}

/* ---- lines and attributes ---- */

size_t gh_sdp_line_count(const struct gh_sdp *doc)
{
    return doc->count;
}

int gh_sdp_line(const struct gh_sdp *doc, size_t index, struct gh_sdp_line *out)
{
    const struct gh_sdp_row *row;

    if (index >= doc->count)
        return GH_ENOTFOUND;
    row = &doc->rows[index];
    *out = (struct gh_sdp_line){ .type = row->type,
                                 .section = row->section,
                                 .number = row->number,
                                 .raw = gh_span_of(row->p, row->len),
                                 .value = gh_sdpi_row_value(row) };
    if (row->type == 'a')
        gh_sdpi_row_attr(row, &out->name, &out->attr);
    return 0;
}

bool gh_sdp_attr(const struct gh_sdp *doc, int section, const char *name, size_t nth,
                 struct gh_span *value)
{
    size_t at = gh_sdpi_find_attr(doc, section, gh_span_str(name), nth);
    struct gh_span here, found;

    if (at == doc->count)
        return false;
    gh_sdpi_row_attr(&doc->rows[at], &here, &found);
    if (value)
        *value = found;
    return true;
}
