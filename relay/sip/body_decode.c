/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Transfer-Encoding (RFC 2045 section 6), decoded strictly: what a lax reader would skip is
 * refused. */
#include "sip/body_int.h"

#include <gatehouse/sdp.h>

#include "sip/lex_int.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 2045 section 6.8; line ends and blanks between the letters go. */
static int decode_base64(struct gh_span text, struct gh_buf *out)
{
    struct gh_buf letters = { 0 };
    char *room = gh_buf_room(&letters, text.len ? text.len : 1);
    char *octets;
    size_t len;
    int err = letters.err;

    if (!room)
        goto out;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_space(text.p[i]))
            room[letters.len++] = text.p[i];
    }
    if (letters.len == 0)
        goto out;
    octets = gh_buf_room(out, letters.len);
    err = out->err;
    if (!octets)
        goto out;
    err = gh_sdp_base64_decode(gh_buf_span(&letters), (uint8_t *)octets, letters.len, &len);
    if (!err)
        out->len += len;
out:
    gh_buf_fini(&letters);
    return err;
}

static int hex_value(char c)
{
    unsigned char lower = gh_ascii_lower((unsigned char)c);

    if (!gh_lex_is_hex(c))
        return -1;
    return gh_ascii_is_digit(lower) ? lower - '0' : lower - 'a' + 10;
}

/* "=" CRLF with blanks before the line end: a soft break.  @return its length, 0: none */
static size_t soft_break(struct gh_span text)
{
    size_t i = 1;

    while (i < text.len && (text.p[i] == ' ' || text.p[i] == '\t'))
        i++;
    if (i < text.len && text.p[i] == '\r')
        i++;
    return i < text.len && text.p[i] == '\n' ? i + 1 : 0;
}

/* RFC 2045 section 6.7 */
static int decode_quoted_printable(struct gh_span text, struct gh_buf *out)
{
    char *room = gh_buf_room(out, text.len ? text.len : 1);

    if (!room)
        return out->err;
    while (text.len) {
        size_t skip = text.p[0] == '=' ? soft_break(text) : 0;
        int octet = (unsigned char)text.p[0];

        if (skip) {
            gh_lex_skip(&text, skip);
            continue;
        }
        skip = 1;
        if (octet == '=') {
            int high = text.len > 2 ? hex_value(text.p[1]) : -1;
            int low = text.len > 2 ? hex_value(text.p[2]) : -1;

            if (high < 0 || low < 0)
                return GH_ESYNTAX;
            octet = high * 16 + low;
            skip = 3;
        }
        *room++ = (char)octet;
        out->len++;
        gh_lex_skip(&text, skip);
    }
    return 0;
}

static int decode_identity(struct gh_span text, struct gh_buf *out)
{
    gh_buf_add(out, text);
    return out->err;
}

static const struct {
    const char *name;
    int (*decode)(struct gh_span text, struct gh_buf *out);
} encodings[] = {
    { "7bit", decode_identity },     { "8bit", decode_identity },
    { "binary", decode_identity },   { "identity", decode_identity },
    { "base64", decode_base64 },     { "quoted-printable", decode_quoted_printable },
};

int gh_sip_body_decode(struct gh_span encoding, struct gh_span text, struct gh_buf *out)
{
    if (encoding.len == 0)
        return decode_identity(text, out);
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        if (gh_span_ieq(encoding, gh_span_str(encodings[i].name)))
            return encodings[i].decode(text, out);
    }
    return GH_ENOTFOUND;
}

bool gh_sip_body_encoding_is_plain(struct gh_span encoding)
{
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        if (gh_span_ieq(encoding, gh_span_str(encodings[i].name)))
            return encodings[i].decode == decode_identity;
    }
    return encoding.len == 0;
}
