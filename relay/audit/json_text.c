/* SPDX-License-Identifier: Apache-2.0 */
/* Text of any origin as the inside of a JSON string: json_text.h says the rules. */
#include "audit/json_text.h"

#include <stdint.h>
#include <stdio.h>

static unsigned char octet(struct gh_span text, size_t i)
{
    return (unsigned char)text.p[i];
}

/* RFC 3629 section 4, the table of well-formed sequences: by first octet the length and the range
 * of the second octet, which is what rules out overlong forms, surrogates and code points above
 * U+10FFFF. */
static const struct utf8_row {
    uint8_t first, last, len, second_min, second_max;
} utf8_rows[] = {
    { 0x00, 0x7f, 1, 0, 0 },
    { 0xc2, 0xdf, 2, 0x80, 0xbf },
    { 0xe0, 0xe0, 3, 0xa0, 0xbf },
    { 0xe1, 0xec, 3, 0x80, 0xbf },
    { 0xed, 0xed, 3, 0x80, 0x9f },
    { 0xee, 0xef, 3, 0x80, 0xbf },
    { 0xf0, 0xf0, 4, 0x90, 0xbf },
    { 0xf1, 0xf3, 4, 0x80, 0xbf },
    { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct utf8_row *utf8_row_of(unsigned char first)
{
    for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(utf8_rows[0]); i++) {
        if (first >= utf8_rows[i].first && first <= utf8_rows[i].last)
            return &utf8_rows[i];
    }
    return NULL;
}

size_t gh_utf8_len(struct gh_span text, unsigned *code)
{
    const struct utf8_row *row = text.len ? utf8_row_of(octet(text, 0)) : NULL;
    unsigned value;

    if (!row || row->len > text.len)
        return 0;
    if (row->len > 1 && (octet(text, 1) < row->second_min || octet(text, 1) > row->second_max))
        return 0;
    value = row->len == 1 ? octet(text, 0) : octet(text, 0) & (0x7fu >> row->len);
    for (size_t i = 1; i < row->len; i++) {
        if ((octet(text, i) & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (octet(text, i) & 0x3fu);
    }
    if (code)
        *code = value;
    return row->len;
}

/* Characters that act on a terminal or turn the direction of the text around them.  They are the
 * same JSON string when escaped, and the ledger's own lines stay harmless to look at. */
bool gh_utf8_acts_on_display(unsigned code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

/* A backslash that could be taken for the start of our own \xNN or \cut(N). */
static bool looks_like_ours(struct gh_span rest)
{
    return rest.p[0] == '\\' && rest.len > 1 && (rest.p[1] == 'x' || rest.p[1] == 'c');
}

static size_t write_hex_octet(char *out, unsigned char value)
{
    static const char digits[] = "0123456789ABCDEF";

    memcpy(out, "\\\\x", 3);
    out[3] = digits[value >> 4];
    out[4] = digits[value & 15];
    return 5;
}

static size_t write_unicode_escape(char *out, unsigned code)
{
    static const char digits[] = "0123456789abcdef";

    memcpy(out, "\\u", 2);
    for (unsigned i = 0; i < 4; i++)
        out[2 + i] = digits[(code >> (12 - 4 * i)) & 15];
    return 6;
}

/* One character at the start of @rest, or one octet that is none.  @return octets written */
static size_t write_one(struct gh_span rest, size_t len, unsigned code, bool again, char *out)
{
    /* NUL is valid UTF-8, but strict readers (jansson) refuse the escape of it. */
    if (len == 0 || code == 0 || (!again && looks_like_ours(rest)))
        return write_hex_octet(out, octet(rest, 0));
    if (gh_utf8_acts_on_display(code))
        return write_unicode_escape(out, code);
    if (code == '"' || code == '\\') {
        out[0] = '\\';
        out[1] = rest.p[0];
        return 2;
    }
    memcpy(out, rest.p, len);
    return len;
}

static size_t write_text(struct gh_span text, size_t limit, bool again, char *out)
{
    struct gh_span rest = text;
    size_t kept = 0, written = 0;

    while (rest.len) {
        unsigned code = 0;
        size_t len = gh_utf8_len(rest, &code);
        size_t step = len ? len : 1;

        if (step > limit - kept)
            break;
        written += write_one(rest, len, code, again, out + written);
        kept += step;
        rest = gh_span_from(rest, step);
    }
    if (rest.len)
        written += (size_t)snprintf(out + written, GH_TEXT_JSON_ROOM(0), "\\\\cut(%zu)", rest.len);
    return written;
}

size_t gh_text_json(struct gh_span text, size_t limit, char *out)
{
    return write_text(text, limit, false, out);
}

size_t gh_text_json_again(struct gh_span text, char *out)
{
    return write_text(text, text.len, true, out);
}
