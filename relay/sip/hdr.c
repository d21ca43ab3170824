/* SPDX-License-Identifier: Apache-2.0 */
/* Names of header fields and the pieces that values are made of.  The values themselves:
 * hdr_value.c. */
#include "sip/hdr.h"

#include "sip/lex_int.h"

struct hdr_row {
    struct gh_span name;
    char compact;
    enum gh_sip_hdr_shape shape;
};

static const struct hdr_row rows[GH_SIP_HDR_COUNT] = {
    [GH_SIP_HDR_OTHER] = { { "", 0 }, 0, GH_SIP_ANY },
#define X(id, text, letter, shape)                                                                 \
    [GH_SIP_HDR_##id] = { { text, sizeof(text) - 1 }, letter, shape },
    GH_SIP_HDR_MAP(X)
#undef X
};

enum gh_sip_hdr_id gh_sip_hdr_by_name(struct gh_span name)
{
    char letter = name.len == 1 ? (char)gh_ascii_lower((unsigned char)name.p[0]) : 0;

    for (int id = GH_SIP_HDR_OTHER + 1; id < GH_SIP_HDR_COUNT; id++) {
        if ((letter && rows[id].compact == letter) || gh_span_ieq(name, rows[id].name))
            return (enum gh_sip_hdr_id)id;
    }
    return GH_SIP_HDR_OTHER;
}

const char *gh_sip_hdr_name(enum gh_sip_hdr_id id)
{
    return rows[(unsigned)id < GH_SIP_HDR_COUNT ? id : GH_SIP_HDR_OTHER].name.p;
}

enum gh_sip_hdr_shape gh_sip_hdr_shape(enum gh_sip_hdr_id id)
{
    return rows[(unsigned)id < GH_SIP_HDR_COUNT ? id : GH_SIP_HDR_OTHER].shape;
}

bool gh_sip_is_token(struct gh_span text)
{
    struct gh_span rest = text;

    gh_lex_take_token(&rest);
    return text.len && rest.len == 0;
}

/* Offset of the comma that ends the first value of a list, or its length. */
static int find_comma(struct gh_span list, size_t *end)
{
    bool quoted = false, bracketed = false;
    size_t i;

    for (i = 0; i < list.len; i++) {
        char c = list.p[i];

        if (quoted) {
            if (c == '\\')
                i++;
            quoted = c != '"';
        } else if (bracketed) {
            if (c == '<')
                return GH_ESYNTAX;
            bracketed = c != '>';
        } else if (c == ',') {
            break;
        } else if (c == '>') {
            return GH_ESYNTAX;
        } else {
            quoted = c == '"';
            bracketed = c == '<';
        }
    }
    if (quoted || bracketed)
        return GH_ESYNTAX;
    *end = i < list.len ? i : list.len;
    return 0;
}

int gh_sip_list_next(struct gh_span *rest, struct gh_span *item)
{
    struct gh_span value;
    size_t end;

    gh_lex_skip_ws(rest);
    if (rest->len == 0)
        return GH_ENOTFOUND;
    if (find_comma(*rest, &end))
        return GH_ESYNTAX;
    value = gh_span_trim(gh_span_head(*rest, end));
    if (value.len == 0)
        return GH_ESYNTAX;
    if (end < rest->len) {
        struct gh_span behind = gh_span_from(*rest, end + 1);

        gh_lex_skip_ws(&behind);
        if (behind.len == 0)
            return GH_ESYNTAX;
        *rest = behind;
    } else {
        *rest = gh_span_from(*rest, end);
    }
    *item = value;
    return 0;
}

int gh_sip_param_next(struct gh_span *rest, struct gh_span *name, struct gh_span *value)
{
    struct gh_span cur = *rest;
    size_t len = 0;

    gh_lex_skip_ws(&cur);
    if (cur.len == 0)
        return GH_ENOTFOUND;
    if (!gh_lex_take_sep(&cur, ';'))
        return GH_ESYNTAX;
    *name = gh_lex_take_token(&cur);
    *value = (struct gh_span){ NULL, 0 };
    if (name->len == 0)
        return GH_ESYNTAX;
    if (gh_lex_take_sep(&cur, '=')) {
        if (cur.len && cur.p[0] == '"') {
            if (gh_lex_take_quoted(&cur, value))
                return GH_ESYNTAX;
        } else {
            /* token or host; IPv6 addresses stand with and without brackets (via-received) */
            while (len < cur.len &&
                   (gh_lex_is_token_char(cur.p[len]) || gh_lex_in(cur.p[len], "[]:")))
                len++;
            if (len == 0)
                return GH_ESYNTAX;
            *value = gh_span_head(cur, len);
            gh_lex_skip(&cur, len);
        }
    }
    gh_lex_skip_ws(&cur);
    if (cur.len && cur.p[0] != ';')
        return GH_ESYNTAX;
    *rest = cur;
    return 0;
}

bool gh_sip_param(struct gh_span params, const char *name, struct gh_span *value)
{
    struct gh_span found, text;

    while (gh_sip_param_next(&params, &found, &text) == 0) {
        if (!gh_span_ieq(found, gh_span_str(name)))
            continue;
        if (value)
            *value = text;
        return true;
    }
    return false;
}

int gh_sip_unquote(struct gh_span text, struct gh_buf *out)
{
    struct gh_span quoted, rest = text;

    if (text.len == 0 || text.p[0] != '"') {
        gh_buf_add(out, text);
        return out->err;
    }
    if (gh_lex_take_quoted(&rest, &quoted) || rest.len)
        return GH_ESYNTAX;
    for (size_t i = 1; i + 1 < quoted.len; i++) {
        if (quoted.p[i] == '\\')
            i++;
        gh_buf_add(out, gh_span_of(quoted.p + i, 1));
    }
    return out->err;
}
