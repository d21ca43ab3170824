/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pointer-and-length view of octets that somebody else owns.  Not NUL-terminated; may hold any
 * octet.  A span is valid as long as what it points into.
 */
#ifndef GATEHOUSE_SPAN_H
#define GATEHOUSE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct gh_span {
    const char *p;
    size_t len;
};

/** Span of a string literal. */
#define GH_SPAN(literal) ((struct gh_span){ (literal), sizeof(literal) - 1 })

/** For printf: "%.*s", GH_SPAN_FMT(span).  Only for text that has been checked or will be
 * escaped. */
#define GH_SPAN_FMT(span) (int)(span).len, (span).p

static inline struct gh_span gh_span_of(const char *p, size_t len)
{
    return (struct gh_span){ p, len };
}

static inline struct gh_span gh_span_str(const char *text)
{
    return (struct gh_span){ text, text ? strlen(text) : 0 };
}

/** The octets from @off on; empty when @off is past the end. */
static inline struct gh_span gh_span_from(struct gh_span s, size_t off)
{
    if (off > s.len)
        off = s.len;
    return (struct gh_span){ s.p ? s.p + off : NULL, s.len - off };
}

/** The first @len octets, or all. */
static inline struct gh_span gh_span_head(struct gh_span s, size_t len)
{
    return (struct gh_span){ s.p, len < s.len ? len : s.len };
}

static inline bool gh_span_eq(struct gh_span a, struct gh_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline unsigned char gh_ascii_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
}

static inline bool gh_ascii_is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static inline bool gh_ascii_is_alpha(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/** Equal but for the case of ASCII letters; the locale plays no part. */
static inline bool gh_span_ieq(struct gh_span a, struct gh_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (gh_ascii_lower((unsigned char)a.p[i]) != gh_ascii_lower((unsigned char)b.p[i]))
            return false;
    }
    return true;
}

/** Offset of the first @c, or s.len when there is none. */
static inline size_t gh_span_find(struct gh_span s, char c)
{
    const char *hit = s.len ? memchr(s.p, c, s.len) : NULL;

    return hit ? (size_t)(hit - s.p) : s.len;
}

static inline bool gh_span_starts(struct gh_span s, struct gh_span prefix)
{
    return s.len >= prefix.len && gh_span_eq(gh_span_head(s, prefix.len), prefix);
}

static inline bool gh_span_istarts(struct gh_span s, struct gh_span prefix)
{
    return s.len >= prefix.len && gh_span_ieq(gh_span_head(s, prefix.len), prefix);
}

/** Without the blanks and tabs at both ends. */
static inline struct gh_span gh_span_trim(struct gh_span s)
{
    while (s.len && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/**
 * Take what stands before the first @c off *s; the @c itself goes too.  Without a @c the whole rest
 * is taken.  @return the octets taken
 */
static inline struct gh_span gh_span_take(struct gh_span *s, char c)
{
    size_t at = gh_span_find(*s, c);
    struct gh_span head = gh_span_head(*s, at);

    *s = gh_span_from(*s, at < s->len ? at + 1 : at);
    return head;
}

/** Decimal digits only, no sign, no blank, at most @max.  @return whether *out was written */
static inline bool gh_span_u64(struct gh_span s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit;

        if (!gh_ascii_is_digit((unsigned char)s.p[i]))
            return false;
        digit = (uint64_t)(s.p[i] - '0');
        if (value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

#endif
