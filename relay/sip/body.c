/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through the parts of a body.  The rule throughout: when two readers could see different
 * parts, or one could see octets that we do not, the body is opaque.
 */
#include "sip/body.h"

#include <stdlib.h>

#include "sip/body_int.h"
#include "sip/lex_int.h"

#define BOUNDARY_MAX 70 /* RFC 2046 section 5.1.1 */

/* What the headers of a part, or of the message, say about it. */
struct part_head {
    struct gh_sip_media_type type;
    bool has_type;
    struct gh_span encoding, disposition;
    bool odd; /* other headers stand there, or values that could hold a key */
};

/* A body is opaque for the first cause found; nothing after that is believed. */
static int opaque(struct gh_sip_body *body, const char *why)
{
    body->opaque = true;
    if (!body->why)
        body->why = why;
    return GH_ESYNTAX;
}

static int no_memory(struct gh_sip_body *body)
{
    opaque(body, "out of memory");
    return GH_ENOMEM;
}

static int add_part(struct gh_sip_body *body, struct gh_sip_part **out)
{
    struct gh_sip_part *parts;

    if (body->count == GH_SIP_PARTS_MAX)
        return opaque(body, "too many parts");
    /* Room for 1, 2, 4 ... parts; nearly all bodies have one. */
    if ((body->count & (body->count - 1)) == 0) {
        parts = realloc(body->parts, (body->count ? 2 * body->count : 1) * sizeof(*parts));
        if (!parts)
            return no_memory(body);
        body->parts = parts;
    }
    *out = &body->parts[body->count++];
    **out = (struct gh_sip_part){ 0 };
    return 0;
}

/* Text that belongs to no part: nobody needs to read it, but somebody may. */
static int add_stray(struct gh_sip_body *body, struct gh_span text, unsigned depth)
{
    struct gh_sip_part *part;
    size_t i = 0;
    int err;

    while (i < text.len && gh_lex_in(text.p[i], " \t\r\n"))
        i++;
    if (i == text.len)
        return 0;
    err = add_part(body, &part);
    if (err)
        return err;
    part->stray = true;
    part->depth = depth;
    gh_buf_add(&part->octets, text);
    return part->octets.err ? no_memory(body) : 0;
}

/* ---- content type ---- */

/* A parameter of a Content-Type without its quotes.  Escapes and RFC 2231 forms are for readers of
 * mail. */
static int type_param(const struct gh_sip_media_type *type, const char *name, struct gh_span *out)
{
    struct gh_span rest = type->params, found, value;
    size_t seen = 0;

    *out = gh_span_of(NULL, 0);
    while (gh_sip_param_next(&rest, &found, &value) == 0) {
        if (gh_span_find(found, '*') < found.len)
            return GH_ESYNTAX;
        if (!gh_span_ieq(found, gh_span_str(name)))
            continue;
        if (seen++ || !value.p || gh_span_find(value, '\\') < value.len)
            return GH_ESYNTAX;
        *out = value.p[0] == '"' ? gh_span_of(value.p + 1, value.len - 2) : value;
    }
    return 0;
}

/* Charsets in which the words that we look for are written in ASCII; UTF-7, UTF-16 and EBCDIC hide
 * them. */
static bool charset_is_plain(const struct gh_sip_media_type *type)
{
    static const char *const plain[] = { "utf-8", "us-ascii", "iso-8859-1", "iso-8859-15" };
    struct gh_span charset;

    if (type_param(type, "charset", &charset))
        return false;
    if (charset.len == 0)
        return !charset.p;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (gh_span_ieq(charset, gh_span_str(plain[i])))
            return true;
    }
    return false;
}

/* Types whose content is not what its octets show. */
static const struct {
    const char *type, *subtype; /* subtype NULL: all */
    const char *why;
} opaque_types[] = {
    { "application", "pkcs7-mime", "signed or encrypted (PKCS #7)" },
    { "application", "x-pkcs7-mime", "signed or encrypted (PKCS #7)" },
    { "application", "cms", "signed or encrypted (CMS)" },
    { "application", "pgp-encrypted", "encrypted (PGP)" },
    { "message", "partial", "a message in pieces" },
    { "message", "external-body", "a body that is elsewhere" },
    { "message", "rfc822", "a message inside the message" },
    { "message", "global", "a message inside the message" },
    { "message", "sip", "a message inside the message" },
};

static const char *why_opaque(const struct gh_sip_media_type *type)
{
    for (size_t i = 0; i < sizeof(opaque_types) / sizeof(opaque_types[0]); i++) {
        if (gh_sip_media_type_is(type, opaque_types[i].type, opaque_types[i].subtype))
            return opaque_types[i].why;
    }
    return charset_is_plain(type) ? NULL : "a charset that hides text, or an unclear parameter";
}

/* An empty line with something behind it: message/sipfrag with a body (RFC 3420), which could be
 * encoded in turn. */
static bool has_inner_body(struct gh_span text)
{
    bool line_empty = true;

    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '\n') {
            if (line_empty && i + 1 < text.len)
                return true;
            line_empty = true;
        } else if (text.p[i] != '\r') {
            line_empty = false;
        }
    }
    return false;
}

static int walk_leaf(struct gh_sip_body *body, const struct part_head *head, struct gh_span octets,
                     unsigned depth)
{
    const char *why = why_opaque(&head->type);
    struct gh_sip_part *part;
    int err;

    if (why)
        return opaque(body, why);
    err = add_part(body, &part);
    if (err)
        return err;
    part->type = head->type;
    part->disposition = head->disposition;
    part->depth = depth;
    part->is_sdp = gh_sip_media_type_is(&head->type, "application", "sdp");
    err = gh_sip_body_decode(head->encoding, octets, &part->octets);
    if (part->octets.err)
        return no_memory(body);
    if (err)
        return opaque(body, err == GH_ENOTFOUND
                                ? "an unknown Content-Transfer-Encoding"
                                : "text that does not follow its Content-Transfer-Encoding");
    if (gh_sip_media_type_is(&head->type, "message", "sipfrag") &&
        has_inner_body(gh_buf_span(&part->octets)))
        return opaque(body, "a message inside the message");
    return 0;
}

/* ---- headers of a part ---- */

/* First word of a Content-Disposition, Content-Transfer-Encoding. */
static struct gh_span first_word(struct gh_span value)
{
    return gh_span_trim(gh_span_head(value, gh_span_find(value, ';')));
}

static int note_header(struct gh_sip_body *body, struct part_head *head, enum gh_sip_hdr_id id,
                       struct gh_span value)
{
    /* A boundary has room for a key, and a key needs its colon. */
    if (gh_span_find(value, ':') < value.len || gh_span_find(value, '%') < value.len)
        head->odd = true;
    switch (id) {
    case GH_SIP_HDR_CONTENT_TYPE:
        if (head->has_type || gh_sip_media_type_parse(value, &head->type))
            return opaque(body, "a bad or second Content-Type");
        head->has_type = true;
        return 0;
    case GH_SIP_HDR_CONTENT_TRANSFER_ENCODING:
        if (head->encoding.p || !gh_sip_is_token(value))
            return opaque(body, "a bad or second Content-Transfer-Encoding");
        head->encoding = value;
        return 0;
    case GH_SIP_HDR_CONTENT_DISPOSITION:
        if (head->disposition.p || !gh_sip_is_token(first_word(value)))
            return opaque(body, "a bad or second Content-Disposition");
        head->disposition = first_word(value);
        return 0;
    case GH_SIP_HDR_CONTENT_ENCODING:
        return opaque(body, "Content-Encoding");
    default:
        head->odd = true;
        return 0;
    }
}

/* Take one line with its CRLF; a line end of any other kind, or none, is not taken. */
static bool take_crlf_line(struct gh_span *text, struct gh_span *line)
{
    size_t lf = gh_span_find(*text, '\n');

    *line = gh_span_head(*text, lf);
    if (lf == text->len || lf == 0 || text->p[lf - 1] != '\r')
        return false;
    line->len--;
    gh_lex_skip(text, lf + 1);
    return gh_span_find(*line, '\r') == line->len && memchr(line->p, 0, line->len) == NULL;
}

/* MIME-part-headers up to and with the empty line (RFC 2046 section 5.1.1); *text is left behind
 * it. */
static int read_part_head(struct gh_sip_body *body, struct gh_span *text, struct part_head *head)
{
    struct gh_span line;

    for (;;) {
        size_t colon;
        struct gh_span name;
        int err;

        if (!take_crlf_line(text, &line))
            return opaque(body, "a part whose headers do not end");
        if (line.len == 0)
            break;
        /* A folded header can be read in two ways by readers that do not unfold. */
        colon = gh_span_find(line, ':');
        name = gh_span_head(line, colon);
        if (colon == line.len || !gh_sip_is_token(name))
            return opaque(body, "a part with a bad or folded header");
        /* MIME knows no short forms, but a SIP reader may read "c:" as Content-Type. */
        if (name.len == 1)
            return opaque(body, "a part with a one-letter header");
        err = note_header(body, head, gh_sip_hdr_by_name(name),
                          gh_span_trim(gh_span_from(line, colon + 1)));
        if (err)
            return err;
    }
    if (!head->has_type) /* RFC 2046 section 5.1 */
        head->type = (struct gh_sip_media_type){ GH_SPAN("text"), GH_SPAN("plain"), { NULL, 0 } };
    return 0;
}

/* ---- multipart ---- */

enum line_kind { LINE_TEXT = 0, LINE_DELIMITER, LINE_CLOSE, LINE_UNCLEAR };

/* @line with its line end, whatever that is; @after_crlf: it is the first, or the one before ends
 * as it should */
static enum line_kind classify(struct gh_span line, struct gh_span boundary, bool after_crlf)
{
    enum line_kind kind = LINE_DELIMITER;
    struct gh_span rest = line;

    if (!gh_span_starts(line, GH_SPAN("--")) || !gh_span_starts(gh_span_from(line, 2), boundary))
        return LINE_TEXT;
    gh_lex_skip(&rest, 2 + boundary.len);
    if (gh_span_starts(rest, GH_SPAN("--"))) {
        kind = LINE_CLOSE;
        gh_lex_skip(&rest, 2);
    }
    gh_lex_skip_ws(&rest); /* transport padding */
    if (!after_crlf)
        return LINE_UNCLEAR;
    if (gh_span_eq(rest, GH_SPAN("\r\n")) || (kind == LINE_CLOSE && rest.len == 0))
        return kind;
    return LINE_UNCLEAR; /* a longer boundary that begins with ours, or another line end */
}

static int walk(struct gh_sip_body *body, const struct part_head *head, struct gh_span octets,
                unsigned depth);

static int walk_part(struct gh_sip_body *body, struct gh_span octets, unsigned depth)
{
    struct part_head head = { 0 };
    struct gh_span rest = octets;
    int err = read_part_head(body, &rest, &head);

    if (!err && head.odd)
        err = add_stray(body, gh_span_head(octets, octets.len - rest.len), depth);
    return err ? err : walk(body, &head, rest, depth);
}

static int read_boundary(struct gh_sip_body *body, const struct gh_sip_media_type *type,
                         struct gh_span *boundary)
{
    if (type_param(type, "boundary", boundary) || boundary->len == 0 ||
        boundary->len > BOUNDARY_MAX || boundary->p[boundary->len - 1] == ' ')
        return opaque(body, "a multipart without a clear boundary");
    for (size_t i = 0; i < boundary->len; i++) {
        if (!gh_lex_is_alnum(boundary->p[i]) && !gh_lex_in(boundary->p[i], "'()+_,-./:=? "))
            return opaque(body, "a multipart without a clear boundary");
    }
    return 0;
}

/* What stands between two delimiter lines: the CRLF before a delimiter belongs to the delimiter. */
static int end_part(struct gh_sip_body *body, struct gh_span part, bool preamble, unsigned depth)
{
    if (preamble)
        return add_stray(body, part, depth);
    if (part.len < 2)
        return opaque(body, "a part without headers and body");
    return walk_part(body, gh_span_head(part, part.len - 2), depth + 1);
}

static int walk_multipart(struct gh_sip_body *body, const struct part_head *head,
                          struct gh_span octets, unsigned depth)
{
    struct gh_span boundary, rest = octets, part = gh_span_head(octets, 0);
    bool preamble = true, closed = false, after_crlf = true;
    int err = read_boundary(body, &head->type, &boundary);

    while (!err && !closed && rest.len) {
        size_t end = gh_span_find(rest, '\n');
        struct gh_span line = gh_span_head(rest, end < rest.len ? end + 1 : end);
        enum line_kind kind = classify(line, boundary, after_crlf);

        after_crlf = line.len >= 2 && memcmp(line.p + line.len - 2, "\r\n", 2) == 0;
        gh_lex_skip(&rest, line.len);
        if (kind == LINE_UNCLEAR) {
            err = opaque(body, "a line that may be a boundary or not");
        } else if (kind == LINE_TEXT) {
            part.len += line.len;
        } else {
            err = end_part(body, part, preamble, depth);
            preamble = false;
            closed = kind == LINE_CLOSE;
            part = gh_span_head(rest, 0);
        }
    }
    if (err)
        return err;
    if (!closed)
        return opaque(body, "a multipart that does not end");
    return add_stray(body, rest, depth);
}

static bool is_readable_multipart(const struct gh_sip_media_type *type)
{
    return gh_sip_media_type_is(type, "multipart", "mixed") ||
           gh_sip_media_type_is(type, "multipart", "alternative") ||
           gh_sip_media_type_is(type, "multipart", "related");
}

/* One part, whatever it is.  Recursion ends at GH_SIP_NEST_MAX. */
static int walk(struct gh_sip_body *body, const struct part_head *head, struct gh_span octets,
                unsigned depth)
{
    if (!gh_span_ieq(head->type.type, GH_SPAN("multipart")))
        return walk_leaf(body, head, octets, depth);
    if (!is_readable_multipart(&head->type))
        return opaque(body, "a multipart that signs, encrypts, or is not known");
    if (depth >= GH_SIP_NEST_MAX)
        return opaque(body, "multiparts nested too deeply");
    /* RFC 2045 section 6.4 */
    if (!gh_sip_body_encoding_is_plain(head->encoding))
        return opaque(body, "an encoded multipart");
    return walk_multipart(body, head, octets, depth);
}

int gh_sip_body_parse(struct gh_sip_body *out, const struct gh_sip_msg *msg)
{
    struct part_head head = { 0 };
    int err = 0;

    *out = (struct gh_sip_body){ 0 };
    for (size_t i = 0; !err && i < msg->hdr_count; i++)
        err = note_header(out, &head, msg->hdrs[i].id, msg->hdrs[i].value);
    if (!err && msg->body.len)
        err = head.has_type ? walk(out, &head, msg->body, 0)
                            : opaque(out, "a body without Content-Type");
    return err == GH_ENOMEM ? err : 0;
}

void gh_sip_body_fini(struct gh_sip_body *body)
{
    for (size_t i = 0; i < body->count; i++)
        gh_buf_fini(&body->parts[i].octets);
    free(body->parts);
    *body = (struct gh_sip_body){ 0 };
}

const struct gh_sip_part *gh_sip_body_sdp(const struct gh_sip_body *body, enum gh_reason *problem)
{
    const struct gh_sip_part *found = NULL;

    *problem = body->opaque ? GH_REASON_BODY_OPAQUE : GH_REASON_NONE;
    if (body->opaque)
        return NULL;
    for (size_t i = 0; i < body->count; i++) {
        const struct gh_sip_part *part = &body->parts[i];

        if (!part->is_sdp ||
            (part->disposition.len && !gh_span_ieq(part->disposition, GH_SPAN("session"))))
            continue;
        if (found) {
            *problem = GH_REASON_BAD_SDP;
            return NULL;
        }
        found = part;
    }
    return found;
}
