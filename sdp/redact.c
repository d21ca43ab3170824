/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blanking keys in any text, for a SIP trace.  Works on octets, not on parsed SDP: a message that
 * no parser takes is just the one that somebody wants to see in a trace.  In doubt more is blanked.
 */
#include "sdp_int.h"

/* Where the logical line that holds @at ends: at a line end that no blank follows (folding). */
static size_t line_end(struct gh_span text, size_t at)
{
    while (at < text.len) {
        size_t next = at;

        if (!gh_sdpi_is_eol(text.p[at])) {
            at++;
            continue;
        }
        next += text.p[at] == '\r' && at + 1 < text.len && text.p[at + 1] == '\n' ? 2 : 1;
        if (next == text.len || !gh_sdpi_is_blank(text.p[next]))
            break;
        at = next;
    }
    return at;
}

/* Line ends stay, so that the shape of the message can still be read. */
static void blank(struct gh_span text, size_t from, size_t to, char *out)
{
    for (size_t i = from; i < to; i++)
        out[i] = gh_sdpi_is_eol(text.p[i]) ? text.p[i] : '*';
}

static size_t skip_blanks(struct gh_span text, size_t at)
{
    while (at < text.len && gh_sdpi_is_blank(text.p[at]))
        at++;
    return at;
}

/* Past "inline" and its colon, when the next word is that. */
static size_t skip_inline(struct gh_span text, size_t at)
{
    size_t word = skip_blanks(text, at), after;

    return gh_sdpi_word_at(text, word, &after) == GH_WORD_INLINE ? after : at;
}

/*
 * Past what a reader of a trace needs of an a=crypto line: tag, suite, "inline:".  A word is left
 * readable only if it cannot be a key: digits up to nine; capitals, digits and at least two "_",
 * which base64 does not have.
 */
static size_t skip_tag_and_suite(struct gh_span text, size_t at)
{
    size_t start = skip_blanks(text, at), end = start, bars = 0;

    while (end < text.len && gh_ascii_is_digit((unsigned char)text.p[end]))
        end++;
    if (end == start || end - start > 9 || end == text.len || !gh_sdpi_is_blank(text.p[end]))
        return skip_inline(text, at);
    at = end;
    start = end = skip_blanks(text, at);
    for (; end < text.len; end++) {
        char c = text.p[end];

        if (!(c >= 'A' && c <= 'Z') && !gh_ascii_is_digit((unsigned char)c) && c != '_')
            break;
        bars += c == '_';
    }
    if (bars >= 2 && end - start <= 40 && end < text.len && gh_sdpi_is_blank(text.p[end]))
        at = end;
    return skip_inline(text, at);
}

/* A header that names an encoding of what follows; "e" is compact: RFC 3261 section 20.12. */
static size_t match_encoding_header(struct gh_span text, size_t at)
{
    static const char *const names[] = { "content-transfer-encoding", "content-encoding", "e" };

    if (at > 0 && !gh_sdpi_is_eol(text.p[at - 1]))
        return 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct gh_span name = gh_span_str(names[i]);
        size_t end = at + name.len;

        if (!gh_span_istarts(gh_span_from(text, at), name))
            continue;
        end = skip_blanks(text, end);
        if (end < text.len && text.p[end] == ':')
            return end + 1;
    }
    return 0;
}

/* An encoding that leaves text as it is: what follows can be searched for words. */
static bool is_readable_encoding(struct gh_span value)
{
    static const char *const names[] = { "7bit", "8bit", "binary", "identity" };

    while (value.len && (gh_sdpi_is_blank(value.p[0]) || gh_sdpi_is_eol(value.p[0])))
        value = gh_span_from(value, 1);
    value = gh_span_trim(value);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gh_span_ieq(value, gh_span_str(names[i])))
            return true;
    }
    return false;
}

/* From where to where a carrier at @at must be blanked; false when there is none. */
static bool find_secret(struct gh_span text, size_t at, size_t *from, size_t *to)
{
    size_t after = 0, header = match_encoding_header(text, at);
    enum gh_sdpi_word word;

    if (header) {
        size_t end = line_end(text, header);

        /* base64, quoted-printable, gzip: any word may hide, here and in the parts that follow. */
        *from = end;
        *to = text.len;
        return !is_readable_encoding(gh_span_head(gh_span_from(text, header), end - header));
    }
    if (gh_sdpi_key_line_at(text, at, &after)) {
        *from = after;
        *to = line_end(text, after);
        return true;
    }
    word = gh_sdpi_word_at(text, at, &after);
    if (word == GH_WORD_NONE || word == GH_WORD_FINGERPRINT)
        return false;
    *from = word == GH_WORD_CRYPTO ? skip_tag_and_suite(text, after) : after;
    *to = line_end(text, *from);
    if (*to == *from) { /* a line broken in the wrong place has its key on the next one */
        while (*to < text.len && gh_sdpi_is_eol(text.p[*to]) && *to - *from < 2)
            ++*to;
        *to = line_end(text, *to);
    }
    return true;
}

void gh_sdp_redact(struct gh_span text, char *out)
{
    size_t at = 0, from, to;

    if (text.len == 0)
        return;
    memmove(out, text.p, text.len);
    while (at < text.len) {
        if (!find_secret(text, at, &from, &to)) {
            at++;
            continue;
        }
        blank(text, from, to, out);
        at = to > at ? to : at + 1;
    }
}
