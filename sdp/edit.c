/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits: each writes the line that it names and moves no other octet.  A new line lives in a piece
 * of its own, which is wiped with the document.  Whatever is written here parses again: clones rely
 * on it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sdp_int.h"

#define ATTR_NAME_MAX 64
#define ROWS_MORE     16 /* room that is added at once */

/* ---- rows ---- */

int gh_sdpi_make_row(struct gh_sdp *doc, const struct gh_span *parts, size_t count,
                     struct gh_sdp_row *row, char **octets)
{
    struct gh_span eol = gh_sdpi_eol(doc);
    struct gh_sdp_piece *piece;
    size_t len = 0, at = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > GH_SDP_LINE_MAX - len)
            return GH_ELIMIT;
        len += parts[i].len;
    }
    len += eol.len;
    piece = malloc(sizeof(*piece) + len);
    if (!piece)
        return GH_ENOMEM;
    piece->len = len;
    piece->next = doc->pieces;
    doc->pieces = piece;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(piece->octets + at, parts[i].p, parts[i].len);
        at += parts[i].len;
    }
    memcpy(piece->octets + at, eol.p, eol.len);
    *row = (struct gh_sdp_row){
        .p = piece->octets, .len = (uint32_t)len, .eol = (uint8_t)eol.len, .type = piece->octets[0]
    };
    if (octets)
        *octets = piece->octets;
    return 0;
}

static bool is_crypto(const struct gh_sdp_row *row)
{
    struct gh_span name, value;

    gh_sdpi_row_attr(row, &name, &value);
    return row->type == 'a' && gh_span_ieq(gh_span_trim(name), GH_SPAN("crypto"));
}

/* Is there room for one more a-line in the section? */
static bool attr_fits(const struct gh_sdp *doc, int section, const struct gh_sdp_row *row)
{
    size_t attrs = 0, cryptos = 0;

    for (size_t i = 0; i < doc->count; i++) {
        if (doc->rows[i].section != section)
            continue;
        attrs += doc->rows[i].type == 'a';
        cryptos += is_crypto(&doc->rows[i]);
    }
    return attrs < GH_SDP_ATTRS_MAX && (cryptos < GH_SDP_CRYPTO_MAX || !is_crypto(row));
}

int gh_sdpi_insert_row(struct gh_sdp *doc, size_t at, int section, struct gh_sdp_row row)
{
    /* Two octets more: a last line without an end gets one when another line follows it. */
    if (doc->count == GH_SDP_LINES_MAX || gh_sdp_len(doc) + row.len + 2 > GH_SDP_OCTETS_MAX)
        return GH_ELIMIT;
    if (row.type == 'a' && !attr_fits(doc, section, &row))
        return GH_ELIMIT;
    if (doc->count == doc->capacity) {
        struct gh_sdp_row *rows =
            realloc(doc->rows, (doc->capacity + ROWS_MORE) * sizeof(*doc->rows));

        if (!rows)
            return GH_ENOMEM;
        doc->rows = rows;
        doc->capacity += ROWS_MORE;
    }
    row.section = section;
    memmove(&doc->rows[at + 1], &doc->rows[at], (doc->count - at) * sizeof(*doc->rows));
    doc->rows[at] = row;
    doc->count++;
    return 0;
}

static int replace_row(struct gh_sdp *doc, size_t at, struct gh_sdp_row row)
{
    if (gh_sdp_len(doc) - doc->rows[at].len + row.len + 2 > GH_SDP_OCTETS_MAX)
        return GH_ELIMIT;
    row.section = doc->rows[at].section;
    doc->rows[at] = row;
    return 0;
}

/* Write @parts over the row at @at. */
static int rewrite(struct gh_sdp *doc, size_t at, const struct gh_span *parts, size_t count)
{
    struct gh_sdp_row row;
    int err = gh_sdpi_make_row(doc, parts, count, &row, NULL);

    return err ? err : replace_row(doc, at, row);
}

/* Write @parts as a new row at @at. */
static int write_new(struct gh_sdp *doc, size_t at, int section, const struct gh_span *parts,
                     size_t count)
{
    struct gh_sdp_row row;
    int err = gh_sdpi_make_row(doc, parts, count, &row, NULL);

    return err ? err : gh_sdpi_insert_row(doc, at, section, row);
}

/* Where a section ends: the index behind its last row. */
static size_t section_end(const struct gh_sdp *doc, int section)
{
    size_t end = 0;

    for (size_t i = 0; i < doc->count; i++) {
        if (doc->rows[i].section == section)
            end = i + 1;
    }
    return end;
}

/* Behind the last row of the section whose type is one of @types. */
static size_t behind(const struct gh_sdp *doc, int section, const char *types)
{
    size_t at = 0;

    for (size_t i = 0; i < doc->count; i++) {
        if (doc->rows[i].section == section && strchr(types, doc->rows[i].type))
            at = i + 1;
    }
    return at;
}

/* Drop the rows behind @keep that match; used after the one at @keep took their place. */
struct others {
    const struct gh_sdp *doc;
    size_t keep;
    int section;
    char type;
    bool (*match)(struct gh_span name, const void *arg);
    const void *arg;
};

static bool is_other(const struct gh_sdp_row *row, const void *arg)
{
    const struct others *others = arg;
    struct gh_span name, value;

    if (row->section != others->section || row->type != others->type)
        return false;
    /* gh_sdpi_drop moves rows down, never up, so a row not yet looked at stands where it stood. */
    if ((size_t)(row - others->doc->rows) == others->keep)
        return false;
    if (!others->match)
        return true;
    gh_sdpi_row_attr(row, &name, &value);
    return others->match(name, others->arg);
}

static bool is_named(struct gh_span name, const void *arg)
{
    return gh_span_ieq(gh_span_trim(name), gh_span_str(arg));
}

/* Does @text fit behind "type=" or "name:"? */
static bool is_line_text(struct gh_span text)
{
    return text.len == 0 || (!memchr(text.p, 0, text.len) && !memchr(text.p, '\r', text.len) &&
                             !memchr(text.p, '\n', text.len));
}

/* ---- session level ---- */

static struct gh_span number_text(char *buf, size_t size, uint64_t number)
{
    return gh_span_of(buf, (size_t)snprintf(buf, size, "%llu", (unsigned long long)number));
}

static struct gh_span address_type(const struct gh_addr *addr)
{
    return addr->family == 6 ? GH_SPAN("IP6") : GH_SPAN("IP4");
}

static bool is_address(const struct gh_addr *addr)
{
    return addr->family == 4 || addr->family == 6;
}

int gh_sdp_set_origin(struct gh_sdp *doc, const struct gh_sdp_origin_edit *edit)
{
    size_t at = gh_sdpi_find(doc, GH_SDP_SESSION, 'o', 0);
    char id[24], version[24], ip[GH_ADDR_TEXT_MAX];
    struct gh_sdp_row row;
    struct gh_sdpi_origin o;
    int err;

    gh_sdpi_origin(gh_sdpi_row_value(&doc->rows[at]), &o);
    if (edit->username.p)
        o.view.username = edit->username;
    if (edit->set_id)
        o.view.id = number_text(id, sizeof(id), edit->id);
    if (edit->set_version)
        o.view.version = number_text(version, sizeof(version), edit->version);
    if (is_address(&edit->addr)) {
        o.nettype = GH_SPAN("IN");
        o.addrtype = address_type(&edit->addr);
        o.view.address = gh_span_str(gh_addr_ip_text(&edit->addr, ip));
    }
    struct gh_span blank = GH_SPAN(" ");
    struct gh_span parts[] = { GH_SPAN("o="), o.view.username, blank, o.view.id,
                               blank,         o.view.version,  blank, o.nettype,
                               blank,         o.addrtype,      blank, o.view.address };

    err = gh_sdpi_make_row(doc, parts, sizeof(parts) / sizeof(parts[0]), &row, NULL);
    if (err)
        return err;
    /* Read it back: a user name with a blank, a line end or keying text would not be one field. */
    if (!is_line_text(gh_sdpi_row_value(&row)) || !gh_sdpi_origin(gh_sdpi_row_value(&row), &o) ||
        (edit->username.p && !gh_span_eq(o.view.username, edit->username)) ||
        gh_sdpi_row_carriers(&row) != GH_CARRY_NOTHING)
        return GH_EINVAL;
    return replace_row(doc, at, row);
}

int gh_sdp_set_name(struct gh_sdp *doc, struct gh_span name)
{
    struct gh_span parts[] = { GH_SPAN("s="), name.len ? name : GH_SPAN("-") };

    if (!is_line_text(name))
        return GH_EINVAL;
    return rewrite(doc, gh_sdpi_find(doc, GH_SDP_SESSION, 's', 0), parts, 2);
}

int gh_sdp_set_connection(struct gh_sdp *doc, int section, const struct gh_addr *addr)
{
    char ip[GH_ADDR_TEXT_MAX];
    size_t at;
    int err;

    if (!gh_sdpi_has_section(doc, section))
        return GH_ENOTFOUND;
    if (!is_address(addr))
        return GH_EINVAL;
    struct gh_span parts[] = { GH_SPAN("c=IN "), address_type(addr), GH_SPAN(" "),
                               gh_span_str(gh_addr_ip_text(addr, ip)) };

    at = gh_sdpi_find(doc, section, 'c', 0);
    if (at < doc->count)
        err = rewrite(doc, at, parts, 4);
    else /* RFC 8866 section 5: behind i= of an m-line, behind v o s i u e p of the session */
        err = write_new(doc, behind(doc, section, section == GH_SDP_SESSION ? "vosiuep" : "mi"),
                        section, parts, 4);
    if (err)
        return err;
    struct others others = {
        .doc = doc, .keep = gh_sdpi_find(doc, section, 'c', 0), .section = section, .type = 'c'
    };

    gh_sdpi_drop(doc, is_other, &others);
    return 0;
}

int gh_sdp_remove_connection(struct gh_sdp *doc, int section)
{
    struct others all = { .doc = doc, .keep = doc->count, .section = section, .type = 'c' };

    if (!gh_sdpi_has_section(doc, section))
        return GH_ENOTFOUND;
    if (section == GH_SDP_SESSION || gh_sdpi_find(doc, GH_SDP_SESSION, 'c', 0) == doc->count)
        return GH_ESTATE;
    gh_sdpi_drop(doc, is_other, &all);
    return 0;
}

/* ---- m-lines ---- */

static int write_media(struct gh_sdp *doc, size_t at, int section, const struct gh_sdp_media *media)
{
    char port[24];
    struct gh_span blank = GH_SPAN(" ");
    struct gh_span port_text = number_text(port, sizeof(port), media->port);
    struct gh_span parts[] = { GH_SPAN("m="),
                               media->kind_text,
                               blank,
                               port_text,
                               blank,
                               media->proto,
                               media->formats.len ? blank : GH_SPAN(""),
                               media->formats };
    size_t count = sizeof(parts) / sizeof(parts[0]);

    /* "inline%3A" is a token by the letter; the parser refuses it here, so must we. */
    if (gh_sdp_text_has_carrier(media->kind_text) || gh_sdp_text_has_carrier(media->proto) ||
        gh_sdp_text_has_carrier(media->formats))
        return GH_EINVAL;
    return at < doc->count && doc->rows[at].section == section
               ? rewrite(doc, at, parts, count)
               : write_new(doc, at, section, parts, count);
}

/* The m-line at @index as it is; also its row. */
static int find_media(const struct gh_sdp *doc, int index, struct gh_sdp_media *media, size_t *at)
{
    int err = gh_sdp_media(doc, index, media);

    if (err == 0)
        *at = gh_sdpi_find(doc, index, 'm', 0);
    return err;
}

int gh_sdp_set_port(struct gh_sdp *doc, int index, uint16_t port)
{
    struct gh_sdp_media media;
    size_t at;
    int err = find_media(doc, index, &media, &at);

    if (err)
        return err;
    if (port && media.format_count == 0) /* only a refused stream may be without formats */
        return GH_ESTATE;
    media.port = port;
    return write_media(doc, at, index, &media);
}

int gh_sdp_set_proto(struct gh_sdp *doc, int index, struct gh_span proto)
{
    struct gh_sdp_media media;
    size_t at;
    int err = find_media(doc, index, &media, &at);

    if (err)
        return err;
    if (!gh_sdpi_is_proto(proto))
        return GH_EINVAL;
    media.proto = proto;
    return write_media(doc, at, index, &media);
}

int gh_sdp_set_formats(struct gh_sdp *doc, int index, struct gh_span formats)
{
    struct gh_sdp_media media;
    size_t at;
    int err = find_media(doc, index, &media, &at);

    if (err)
        return err;
    if (!gh_sdpi_is_formats(formats))
        return GH_EINVAL;
    media.formats = formats;
    return write_media(doc, at, index, &media);
}

int gh_sdp_append_media(struct gh_sdp *doc, struct gh_span kind, uint16_t port,
                        struct gh_span proto, struct gh_span formats)
{
    struct gh_sdp_media media = {
        .kind_text = kind, .port = port, .proto = proto, .formats = formats
    };
    int last = (int)doc->media_count - 1; /* GH_SDP_SESSION when there is none */
    int err;

    if (!gh_sdpi_is_token(kind) || !gh_sdpi_is_proto(proto) || !gh_sdpi_is_formats(formats))
        return GH_EINVAL;
    if (doc->media_count == GH_SDP_MEDIA_MAX)
        return GH_ELIMIT;
    err = write_media(doc, section_end(doc, last), last + 1, &media);
    if (err == 0)
        doc->media_count++;
    return err;
}

/* Rows of a refused m-line that go: all but m=, a=mid and c=. */
static bool is_ballast(const struct gh_sdp_row *row, const void *section)
{
    struct gh_span name, value;

    if (row->section != *(const int *)section || row->type == 'm' || row->type == 'c')
        return false;
    gh_sdpi_row_attr(row, &name, &value);
    return row->type != 'a' || !gh_span_eq(name, GH_SPAN("mid"));
}

int gh_sdp_disable_media(struct gh_sdp *doc, int index)
{
    static const struct gh_addr nowhere = { .family = 4 };
    size_t at = gh_sdpi_find(doc, index, 'm', 0);
    struct gh_sdp_row old = at < doc->count ? doc->rows[at] : (struct gh_sdp_row){ 0 };
    int err = gh_sdp_set_port(doc, index, 0);

    if (err)
        return err;
    /* RFC 8866 section 5.7 wants a c= at one level; whose address it held is nobody's business. */
    if (gh_sdp_remove_connection(doc, index) && gh_sdpi_find(doc, index, 'c', 0) < doc->count)
        err = gh_sdp_set_connection(doc, index, &nowhere);
    if (err)
        doc->rows[at] = old;
    else
        gh_sdpi_drop(doc, is_ballast, &index);
    return err;
}

/* ---- attributes ---- */

static int attr_parts(const char *name, struct gh_span value, struct gh_span parts[4])
{
    parts[0] = GH_SPAN("a=");
    parts[1] = gh_span_str(name);
    parts[2] = value.p ? GH_SPAN(":") : GH_SPAN("");
    parts[3] = value;
    return gh_sdpi_is_token(parts[1]) && parts[1].len <= ATTR_NAME_MAX && is_line_text(value)
               ? 0
               : GH_EINVAL;
}

int gh_sdp_append_attr(struct gh_sdp *doc, int section, const char *name, struct gh_span value)
{
    struct gh_span parts[4];
    int err = attr_parts(name, value, parts);

    if (!gh_sdpi_has_section(doc, section))
        return GH_ENOTFOUND;
    return err ? err : write_new(doc, section_end(doc, section), section, parts, 4);
}

size_t gh_sdpi_first_attr(const struct gh_sdp *doc, int section)
{
    size_t at = gh_sdpi_find(doc, section, 'a', 0);

    return at < doc->count ? at : section_end(doc, section);
}

int gh_sdp_insert_attr(struct gh_sdp *doc, int section, const char *name, struct gh_span value)
{
    struct gh_span parts[4];
    int err = attr_parts(name, value, parts);

    if (!gh_sdpi_has_section(doc, section))
        return GH_ENOTFOUND;
    return err ? err : write_new(doc, gh_sdpi_first_attr(doc, section), section, parts, 4);
}

/* Put @parts in the place of the first matching a-line, drop the other ones; append without any. */
static int set_matching(struct gh_sdp *doc, int section, const struct gh_span parts[4],
                        bool (*match)(struct gh_span name, const void *arg), const void *arg)
{
    size_t at = doc->count;
    int err;

    for (size_t i = 0; i < doc->count && at == doc->count; i++) {
        struct gh_span name, value;

        if (doc->rows[i].section != section || doc->rows[i].type != 'a')
            continue;
        gh_sdpi_row_attr(&doc->rows[i], &name, &value);
        if (match(name, arg))
            at = i;
    }
    if (at == doc->count)
        return write_new(doc, section_end(doc, section), section, parts, 4);
    err = rewrite(doc, at, parts, 4);
    if (err)
        return err;
    struct others others = { doc, at, section, 'a', match, arg };

    gh_sdpi_drop(doc, is_other, &others);
    return 0;
}

int gh_sdp_set_attr(struct gh_sdp *doc, int section, const char *name, struct gh_span value)
{
    struct gh_span parts[4];
    int err = attr_parts(name, value, parts);

    if (!gh_sdpi_has_section(doc, section))
        return GH_ENOTFOUND;
    return err ? err : set_matching(doc, section, parts, is_named, name);
}

size_t gh_sdp_remove_attr(struct gh_sdp *doc, int section, const char *name)
{
    struct others all = { doc, doc->count, section, 'a', is_named, name };

    return gh_sdpi_drop(doc, is_other, &all);
}

int gh_sdp_remove_line(struct gh_sdp *doc, size_t index)
{
    if (index >= doc->count)
        return GH_ENOTFOUND;
    if (doc->rows[index].type && strchr("vostm", doc->rows[index].type))
        return GH_EINVAL;
    memmove(&doc->rows[index], &doc->rows[index + 1],
            (doc->count - index - 1) * sizeof(*doc->rows));
    doc->count--;
    return 0;
}

int gh_sdp_set_rtcp(struct gh_sdp *doc, int section, const struct gh_addr *addr)
{
    char ip[GH_ADDR_TEXT_MAX], value[GH_ADDR_TEXT_MAX + 24];
    int len;

    if (section == GH_SDP_SESSION)
        return GH_ENOTFOUND;
    if (is_address(addr))
        len = snprintf(value, sizeof(value), "%u IN IP%u %s", addr->port, addr->family,
                       gh_addr_ip_text(addr, ip));
    else
        len = snprintf(value, sizeof(value), "%u", addr->port);
    return gh_sdp_set_attr(doc, section, "rtcp", gh_span_of(value, (size_t)len));
}

static bool is_direction(struct gh_span name, const void *arg)
{
    (void)arg;
    for (unsigned d = GH_INACTIVE; d <= GH_SENDRECV; d++) {
        if (gh_span_ieq(gh_span_trim(name),
                        gh_span_str(gh_sdp_direction_name((enum gh_direction)d))))
            return true;
    }
    return false;
}

int gh_sdp_set_direction(struct gh_sdp *doc, int section, enum gh_direction direction)
{
    struct gh_span parts[4];
    struct gh_span none = { NULL, 0 };
    int err = attr_parts(gh_sdp_direction_name(direction), none, parts);

    if (!gh_sdpi_has_section(doc, section))
        return GH_ENOTFOUND;
    return err ? err : set_matching(doc, section, parts, is_direction, NULL);
}
