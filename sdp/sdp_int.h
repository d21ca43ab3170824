/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of libgh_sdp share and nobody else sees: the document's rows, and the small
 * scanners.
 *
 * A document is one buffer with the parsed octets, a list of pieces that edits wrote, and an array
 * of rows, one a line, that point into either.  Nothing points out of the document, save to static
 * text.
 */
#ifndef GH_SDP_INT_H
#define GH_SDP_INT_H

#include <gatehouse/sdp.h>

/* One line.  @p covers the line with its end; "type=" is always there, save in empty lines. */
struct gh_sdp_row {
    const char *p;
    uint32_t len; /* with the line end */
    uint8_t eol;  /* octets of the line end: 0 (last line of the text), 1 (LF), 2 (CRLF) */
    char type;    /* 0: empty line */
    int section;
    uint32_t number; /* in the parsed text; 0: written by an edit */
};

/* Octets that one edit wrote.  Kept until the document is freed, so that spans stay valid. */
struct gh_sdp_piece {
    struct gh_sdp_piece *next;
    size_t len;
    char octets[];
};

struct gh_sdp {
    char *text; /* exactly text_len octets, so that a tool sees any read past the end */
    size_t text_len;
    struct gh_sdp_row *rows;
    size_t count, capacity;
    size_t media_count;
    struct gh_sdp_piece *pieces;
    bool lf_only; /* the first line ended with LF alone: so do lines that edits write */
};

/* ---- rows (document.c) ---- */

static inline struct gh_span gh_sdpi_row_text(const struct gh_sdp_row *row)
{
    return gh_span_of(row->p, row->len - row->eol);
}

/** What stands after "type="; empty for an empty line. */
static inline struct gh_span gh_sdpi_row_value(const struct gh_sdp_row *row)
{
    return gh_span_from(gh_sdpi_row_text(row), 2);
}

/** The line end that edits of this document write. */
static inline struct gh_span gh_sdpi_eol(const struct gh_sdp *doc)
{
    return doc->lf_only ? GH_SPAN("\n") : GH_SPAN("\r\n");
}

/** Name and value of an a-line: "name", "name:", "name:value". */
void gh_sdpi_row_attr(const struct gh_sdp_row *row, struct gh_span *name, struct gh_span *value);

/** Index of the @nth row of @type in @section, or doc->count. */
size_t gh_sdpi_find(const struct gh_sdp *doc, int section, char type, size_t nth);

/** Index of the @nth a-line called exactly @name in @section, or doc->count. */
size_t gh_sdpi_find_attr(const struct gh_sdp *doc, int section, struct gh_span name, size_t nth);

static inline bool gh_sdpi_has_section(const struct gh_sdp *doc, int section)
{
    return section == GH_SDP_SESSION || (section >= 0 && (size_t)section < doc->media_count);
}

/** Drop every row for which @drop says so.  Never fails, moves no octets.  @return how many went */
typedef bool (*gh_sdpi_drop_fn)(const struct gh_sdp_row *row, const void *arg);
size_t gh_sdpi_drop(struct gh_sdp *doc, gh_sdpi_drop_fn drop, const void *arg);

/* ---- writing rows (edit.c) ---- */

/**
 * A row made of @parts, in a piece of its own, not yet in the document.
 * @octets  may be NULL; the piece's octets, writable until the row is inserted
 */
int gh_sdpi_make_row(struct gh_sdp *doc, const struct gh_span *parts, size_t count,
                     struct gh_sdp_row *row, char **octets);

/** Put @row before the row at @at, as one of @section.  @return 0, GH_ELIMIT or GH_ENOMEM */
int gh_sdpi_insert_row(struct gh_sdp *doc, size_t at, int section, struct gh_sdp_row row);

/** Where the first a-line of a section stands, or would stand. */
size_t gh_sdpi_first_attr(const struct gh_sdp *doc, int section);

/* ---- grammar of single lines (grammar.c): the value after "type=" ---- */

struct gh_sdpi_origin {
    struct gh_sdp_origin view;
    struct gh_span nettype, addrtype;
};

bool gh_sdpi_is_token(struct gh_span text);
bool gh_sdpi_is_proto(struct gh_span text);
bool gh_sdpi_is_formats(struct gh_span text); /* tokens between single blanks, at least one */
bool gh_sdpi_origin(struct gh_span value, struct gh_sdpi_origin *out);
bool gh_sdpi_connection(struct gh_span value, struct gh_sdp_connection *out);
bool gh_sdpi_media(struct gh_span value, struct gh_sdp_media *out);
bool gh_sdpi_times(struct gh_span value);
/** "IN IP4 host": @host and, for a literal of the stated type, @addr. */
bool gh_sdpi_net_address(struct gh_span nettype, struct gh_span addrtype, struct gh_span host,
                         struct gh_addr *addr);

/* ---- scanners (scan.c) ---- */

/** What one row carries; see gh_sdp_carriers. */
enum gh_carriers gh_sdpi_row_carriers(const struct gh_sdp_row *row);

/* A carrier's word found in a text. */
enum gh_sdpi_word {
    GH_WORD_NONE = 0,
    GH_WORD_INLINE,
    GH_WORD_CRYPTO,
    GH_WORD_SECRET,
    GH_WORD_FINGERPRINT
};

/**
 * Is there a carrier's word at @at, used as such: followed by a colon, or preceded by "a="? Letters
 * in any case, NUL octets between them (UTF-16) and blanks before the colon skipped, "%3A" read as
 * a colon.
 * @after  where the carried value starts
 */
enum gh_sdpi_word gh_sdpi_word_at(struct gh_span text, size_t at, size_t *after);

/** Does a k= field start at @at, blanks before it allowed?  @after  where its value starts */
bool gh_sdpi_key_line_at(struct gh_span text, size_t at, size_t *after);

static inline bool gh_sdpi_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline bool gh_sdpi_is_hex(char c)
{
    c = (char)gh_ascii_lower((unsigned char)c);
    return gh_ascii_is_digit((unsigned char)c) || (c >= 'a' && c <= 'f');
}

static inline bool gh_sdpi_is_eol(char c)
{
    return c == '\r' || c == '\n';
}

#endif
