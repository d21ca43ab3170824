/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648 section 4) for keys: arithmetic instead of tables and branches, so that neither
 * the time nor the cache tells about the octets.  Length and padding of the text are public.
 */
#include "sdp_int.h"

/* All ones when lo <= c <= hi, else zero; for values below 2^31. */
static uint32_t in_range(uint32_t c, uint32_t lo, uint32_t hi)
{
    return 0u - (((lo - 1u - c) & (c - hi - 1u)) >> 31);
}

/* The six bits of a base64 letter; *bad gets bits for anything else. */
static uint32_t decode_letter(char letter, uint32_t *bad)
{
    uint32_t c = (unsigned char)letter;
    uint32_t upper = in_range(c, 'A', 'Z'), lower = in_range(c, 'a', 'z');
    uint32_t digit = in_range(c, '0', '9');
    uint32_t plus = in_range(c, '+', '+'), slash = in_range(c, '/', '/');

    *bad |= ~(upper | lower | digit | plus | slash);
    return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) |
           (slash & 63);
}

static char encode_letter(uint32_t bits)
{
    uint32_t c = bits + 'A';

    c += in_range(bits, 26, 63) & (uint32_t)('a' - 'A' - 26);
    c -= in_range(bits, 52, 63) & (uint32_t)('a' + 26 - '0');
    c -= in_range(bits, 62, 63) & (uint32_t)('0' + 10 - '+');
    c += in_range(bits, 63, 63) & (uint32_t)('/' - '+' - 1);
    return (char)c;
}

/* Take the padding off.  Padded text is whole groups of four (section 3.2). */
static bool strip_padding(struct gh_span *text)
{
    size_t pad = 0;

    while (pad < 2 && pad < text->len && text->p[text->len - 1 - pad] == '=')
        pad++;
    if (pad && text->len % 4)
        return false;
    text->len -= pad;
    return text->len % 4 != 1;
}

int gh_sdp_base64_decode(struct gh_span text, uint8_t *out, size_t size, size_t *len)
{
    uint32_t bits = 0, bad = 0;
    size_t octets, at = 0;
    unsigned have = 0;

    if (!strip_padding(&text)) {
        bad = 1;
        goto out;
    }
    octets = text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0);
    if (out && octets > size) {
        explicit_bzero(out, size);
        return GH_EFULL;
    }
    for (size_t i = 0; i < text.len; i++) {
        bits = bits << 6 | decode_letter(text.p[i], &bad);
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (out)
            out[at] = (uint8_t)(bits >> have);
        at++;
        bits &= (1u << have) - 1;
    }
    bad |= bits; /* section 3.5: bits left over must be zero, else one key has many spellings */
out:
    explicit_bzero(&bits, sizeof(bits));
    if (bad) {
        if (out)
            explicit_bzero(out, size);
        return GH_ESYNTAX;
    }
    if (len)
        *len = at;
    return 0;
}

int gh_sdp_base64_encode(const uint8_t *octets, size_t octets_len, char *out, size_t size,
                         size_t *len)
{
    size_t at = 0;

    if (octets_len > SIZE_MAX / 4 || (octets_len + 2) / 3 * 4 > size)
        return GH_EFULL;
    for (size_t i = 0; i < octets_len; i += 3) {
        size_t left = octets_len - i;
        uint32_t group = (uint32_t)octets[i] << 16;

        if (left > 1)
            group |= (uint32_t)octets[i + 1] << 8;
        if (left > 2)
            group |= octets[i + 2];
        out[at++] = encode_letter(group >> 18);
        out[at++] = encode_letter(group >> 12 & 63);
        out[at++] = left > 1 ? encode_letter(group >> 6 & 63) : '=';
        out[at++] = left > 2 ? encode_letter(group & 63) : '=';
    }
    *len = at;
    return 0;
}
