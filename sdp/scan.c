/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding key carriers: RFC 4568 (crypto), RFC 7201's list of others in use: key-mgmt (RFC 4567),
 * k= (RFC 4566 section 5.12, gone in RFC 8866 but alive in peers), capabilities that wrap them (RFC
 * 5939, 6871, 7006), and a=fingerprint (RFC 8122).
 *
 * One matcher serves documents, odd bodies and redaction, so that the three cannot disagree.  A
 * word counts when it is used as an attribute: a colon follows it, or "a=" stands before it.  In
 * prose ("pay with crypto", "Content-Disposition: inline", "my fingerprint was taken") neither is
 * the case.  What trips it wrongly is text such as "crypto: a primer" or a line that begins with
 * "k=": such a MESSAGE is refused with a clear reason, which costs a chat line; a key let through
 * costs a call.  "inline:" counts wherever it stands, even inside a longer word.  Base64 without
 * any of these words cannot be told from noise.
 */
#include "sdp_int.h"

/* clang-format off */
static const struct carrier_word {
    const char *text;
    enum gh_sdpi_word word;
} carrier_words[] = {
    /* the longer of two with one beginning comes first */
    { "cryptoscale", GH_WORD_SECRET },
    { "crypto", GH_WORD_CRYPTO },
    { "key-mgmt", GH_WORD_SECRET },
    { "fingerprint", GH_WORD_FINGERPRINT },
    { "inline", GH_WORD_INLINE },
};
/* clang-format on */

static bool is_name_char(char c)
{
    return gh_ascii_is_alpha((unsigned char)c) || gh_ascii_is_digit((unsigned char)c) || c == '-' ||
           c == '_';
}

static size_t skip_nul(struct gh_span text, size_t at)
{
    while (at < text.len && text.p[at] == 0)
        at++;
    return at;
}

/* May a name begin at @at?  Behind "%3D" or "%0A", as a URI writes "=" and the line end, it may. */
static bool is_name_start(struct gh_span text, size_t at)
{
    if (at == 0 || !is_name_char(text.p[at - 1]))
        return true;
    return at >= 3 && text.p[at - 3] == '%' && gh_sdpi_is_hex(text.p[at - 2]) &&
           gh_sdpi_is_hex(text.p[at - 1]);
}

/* Past the letters of @word, or 0 when they do not stand at @at. */
static size_t match_letters(struct gh_span text, size_t at, const char *word)
{
    for (; *word; word++) {
        if (at >= text.len || gh_ascii_lower((unsigned char)text.p[at]) != (unsigned char)*word)
            return 0;
        at = word[1] ? skip_nul(text, at + 1) : at + 1;
    }
    return at;
}

/* Past blanks, NULs and folded line ends (CRLF and a blank, RFC 3261 section 7.3.1). */
static size_t skip_space(struct gh_span text, size_t at)
{
    while (at < text.len) {
        size_t next = at;

        if (gh_sdpi_is_blank(text.p[at]) || text.p[at] == 0) {
            at++;
            continue;
        }
        while (next < text.len && next < at + 2 && gh_sdpi_is_eol(text.p[next]))
            next++;
        if (next == at || next == text.len || !gh_sdpi_is_blank(text.p[next]))
            break;
        at = next;
    }
    return at;
}

/* A colon, plain or as a URI writes it, after any space.  @return past it, or 0 */
static size_t match_colon(struct gh_span text, size_t at)
{
    at = skip_space(text, at);
    if (at < text.len && text.p[at] == ':')
        return at + 1;
    if (gh_span_istarts(gh_span_from(text, at), GH_SPAN("%3a")))
        return at + 3;
    return 0;
}

/* Does "a=" stand before @at, as a word of its own? */
static bool follows_a_equals(struct gh_span text, size_t at)
{
    while (at > 0 && (gh_sdpi_is_blank(text.p[at - 1]) || text.p[at - 1] == 0))
        at--;
    if (at == 0 || text.p[--at] != '=')
        return false;
    while (at > 0 && (gh_sdpi_is_blank(text.p[at - 1]) || text.p[at - 1] == 0))
        at--;
    if (at == 0 || gh_ascii_lower((unsigned char)text.p[at - 1]) != 'a')
        return false;
    return is_name_start(text, at - 1);
}

/* Every octet of every message comes by here: most are none of the first letters of the words above. */
static bool begins_a_word(char c)
{
    switch (gh_ascii_lower((unsigned char)c)) {
    case 'c':
    case 'f':
    case 'i':
    case 'k':
        return true;
    default:
        return false;
    }
}

enum gh_sdpi_word gh_sdpi_word_at(struct gh_span text, size_t at, size_t *after)
{
    if (at >= text.len || !begins_a_word(text.p[at]))
        return GH_WORD_NONE;
    for (size_t i = 0; i < sizeof(carrier_words) / sizeof(carrier_words[0]); i++) {
        const struct carrier_word *row = &carrier_words[i];
        size_t end = match_letters(text, at, row->text), colon;

        if (end == 0)
            continue;
        colon = match_colon(text, end);
        *after = colon ? colon : end;
        if (row->word == GH_WORD_INLINE)
            return colon ? row->word : GH_WORD_NONE;
        if (follows_a_equals(text, at) && (end == text.len || !is_name_char(text.p[end])))
            return row->word;
        return colon && is_name_start(text, at) ? row->word : GH_WORD_NONE;
    }
    return GH_WORD_NONE;
}

bool gh_sdpi_key_line_at(struct gh_span text, size_t at, size_t *after)
{
    if (at > 0 && !gh_sdpi_is_eol(text.p[at - 1]))
        return false;
    while (at < text.len && (gh_sdpi_is_blank(text.p[at]) || text.p[at] == 0))
        at++;
    if (at == text.len || gh_ascii_lower((unsigned char)text.p[at]) != 'k')
        return false;
    at++;
    while (at < text.len && (gh_sdpi_is_blank(text.p[at]) || text.p[at] == 0))
        at++;
    *after = at + 1;
    return at < text.len && text.p[at] == '=';
}

static unsigned word_carries(enum gh_sdpi_word word)
{
    switch (word) {
    case GH_WORD_NONE:
        return GH_CARRY_NOTHING;
    case GH_WORD_FINGERPRINT:
        return GH_CARRY_FINGERPRINT;
    case GH_WORD_INLINE:
    case GH_WORD_CRYPTO:
    case GH_WORD_SECRET:
        break;
    }
    return GH_CARRY_SECRET;
}

enum gh_carriers gh_sdpi_row_carriers(const struct gh_sdp_row *row)
{
    struct gh_span text = gh_sdpi_row_text(row);
    unsigned bits = row->type == 'k' ? GH_CARRY_SECRET : GH_CARRY_NOTHING;
    size_t after;

    for (size_t at = 0; at < text.len; at++) {
        enum gh_sdpi_word word = gh_sdpi_word_at(text, at, &after);

        /* Names mean something in attributes alone; "s=Crypto: a talk" is a title. */
        if (row->type == 'a' || word == GH_WORD_INLINE)
            bits |= word_carries(word);
    }
    return (enum gh_carriers)bits;
}

enum gh_carriers gh_sdp_carriers(const struct gh_sdp *doc)
{
    unsigned bits = GH_CARRY_NOTHING;

    for (size_t i = 0; i < doc->count; i++)
        bits |= gh_sdpi_row_carriers(&doc->rows[i]);
    return (enum gh_carriers)bits;
}

enum gh_carriers gh_sdp_text_has_carrier(struct gh_span text)
{
    unsigned bits = GH_CARRY_NOTHING;
    size_t after;

    for (size_t at = 0; at < text.len; at++) {
        bits |= word_carries(gh_sdpi_word_at(text, at, &after));
        if (gh_sdpi_key_line_at(text, at, &after))
            bits |= GH_CARRY_SECRET;
    }
    return (enum gh_carriers)bits;
}
