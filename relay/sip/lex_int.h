/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of a reader over header text (RFC 3261 section 25.1).  A struct gh_span is the cursor: what
 * is taken goes off its front.  Text here is unfolded already, so white space is blank and tab.
 */
#ifndef GH_SIP_LEX_INT_H
#define GH_SIP_LEX_INT_H

#include <gatehouse/err.h>
#include <gatehouse/span.h>

static inline bool gh_lex_is_alnum(char c)
{
    return gh_ascii_is_digit((unsigned char)c) || gh_ascii_is_alpha((unsigned char)c);
}

/* Is @c one of @set?  NUL is in no set. */
static inline bool gh_lex_in(char c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

static inline bool gh_lex_is_token_char(char c)
{
    return gh_lex_is_alnum(c) || gh_lex_in(c, "-.!%*_+`'~");
}

static inline bool gh_lex_is_hex(char c)
{
    return gh_ascii_is_digit((unsigned char)c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static inline void gh_lex_skip(struct gh_span *s, size_t len)
{
    *s = gh_span_from(*s, len);
}

static inline void gh_lex_skip_ws(struct gh_span *s)
{
    while (s->len && (s->p[0] == ' ' || s->p[0] == '\t'))
        gh_lex_skip(s, 1);
}

/* Take @c off the front, if it is there. */
static inline bool gh_lex_take(struct gh_span *s, char c)
{
    if (s->len == 0 || s->p[0] != c)
        return false;
    gh_lex_skip(s, 1);
    return true;
}

/* SWS c SWS: SLASH, EQUAL, SEMI, COLON ... of the grammar.  Nothing is taken when @c is
 * not there. */
static inline bool gh_lex_take_sep(struct gh_span *s, char c)
{
    struct gh_span ahead = *s;

    gh_lex_skip_ws(&ahead);
    if (!gh_lex_take(&ahead, c))
        return false;
    gh_lex_skip_ws(&ahead);
    *s = ahead;
    return true;
}

/* The longest token at the front; may be empty. */
static inline struct gh_span gh_lex_take_token(struct gh_span *s)
{
    struct gh_span token;
    size_t len = 0;

    while (len < s->len && gh_lex_is_token_char(s->p[len]))
        len++;
    token = gh_span_head(*s, len);
    gh_lex_skip(s, len);
    return token;
}

/* The longest run of digits at the front; may be empty. */
static inline struct gh_span gh_lex_take_digits(struct gh_span *s)
{
    struct gh_span digits;
    size_t len = 0;

    while (len < s->len && gh_ascii_is_digit((unsigned char)s->p[len]))
        len++;
    digits = gh_span_head(*s, len);
    gh_lex_skip(s, len);
    return digits;
}

/* A number of digits alone, at most @max. */
static inline bool gh_lex_take_u32(struct gh_span *s, uint32_t max, uint32_t *out)
{
    uint64_t value;

    if (!gh_span_u64(gh_lex_take_digits(s), max, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

/* A quoted string with its quotes.  @return 0 or GH_ESYNTAX, also when there is no quote at the
 * front. */
static inline int gh_lex_take_quoted(struct gh_span *s, struct gh_span *out)
{
    if (s->len == 0 || s->p[0] != '"')
        return GH_ESYNTAX;
    for (size_t i = 1; i < s->len; i++) {
        if (s->p[i] == '\\') {
            i++;
        } else if (s->p[i] == '"') {
            *out = gh_span_head(*s, i + 1);
            gh_lex_skip(s, i + 1);
            return 0;
        }
    }
    return GH_ESYNTAX;
}

#endif
