/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reasons advise can be done: every option that one names is in the schema, and this
 * version has it, with the value that is named.
 */
#include <gatehouse/reason.h>

#include "config/schema.h"
#include "support/check.h"

#define PATH_MAX_OCTETS 128

/* Words that stand before a colon and are none of ours.  A new one is looked at by a person. */
static const char *const prose[] = { "sip",      "sips",   "nothing",  "log", "messages",
                                     "verifies", "caller", "endpoint", "up",  "colon",
                                     "line",     "peer",   "answerer" };

static bool is_prose(struct gh_span word)
{
    for (size_t i = 0; i < sizeof(prose) / sizeof(prose[0]); i++) {
        if (gh_span_eq(word, gh_span_str(prose[i])))
            return true;
    }
    return false;
}

/* Is @path, "trunks.srtp", what @word names: all of it, or its end? */
static bool names_path(struct gh_span word, const char *path)
{
    size_t len = strlen(path);

    return len >= word.len && gh_span_eq(gh_span_of(path + len - word.len, word.len), word) &&
           (len == word.len || path[len - word.len - 1] == '.');
}

/* Does the option have @value in this version?  One without words takes many. */
static bool takes(const struct gh_option *option, struct gh_span value)
{
    if (!option->choices || !value.len)
        return true;
    for (const struct gh_choice *choice = option->choices; choice->word; choice++) {
        if (!choice->missing && gh_span_eq(value, gh_span_str(choice->word)))
            return true;
    }
    return false;
}

/* Is there an option called @word, of this version, that takes @value?  Empty: no value is named */
static bool has_option(const struct gh_table *table, const char *above, struct gh_span word,
                       struct gh_span value)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct gh_option *option = &table->options[i];
        char path[PATH_MAX_OCTETS];

        snprintf(path, sizeof(path), "%s%s%s", above, *above ? "." : "", option->name);
        if (names_path(word, path) && option->available == GH_AVAILABLE && takes(option, value))
            return true;
        if (option->table && has_option(option->table, path, word, value))
            return true;
    }
    return false;
}

static bool is_word_octet(char c)
{
    return gh_ascii_is_alpha((unsigned char)c) || gh_ascii_is_digit((unsigned char)c) ||
           (c && strchr("_.-", c));
}

static bool is_lower(struct gh_span word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (word.p[i] >= 'A' && word.p[i] <= 'Z')
            return false;
    }
    return word.len > 0;
}

/* The next word of *text; *colon: one stands behind it. */
static struct gh_span next_word(struct gh_span *text, bool *colon)
{
    struct gh_span word;
    size_t from = 0, to;

    while (from < text->len && !is_word_octet(text->p[from]))
        from++;
    for (to = from; to < text->len && is_word_octet(text->p[to]);)
        to++;
    *colon = to < text->len && text->p[to] == ':';
    word = gh_span_of(text->p + from, to - from);
    *text = gh_span_from(*text, to);
    while (word.len && word.p[word.len - 1] == '.')
        word.len--; /* the end of a sentence */
    return word;
}

/* An option is named by a word before a colon, a word with '_', or two words joined by a point. */
static bool looks_like_option(struct gh_span word, bool colon)
{
    bool digits = word.len && gh_ascii_is_digit((unsigned char)word.p[0]);

    return is_lower(word) && !digits &&
           (colon || gh_span_find(word, '_') < word.len || gh_span_find(word, '.') < word.len);
}

/* @return whether every option that @text names is there */
static bool can_be_done(const char *text)
{
    struct gh_span rest = gh_span_str(text);
    bool colon;

    while (rest.len) {
        struct gh_span word = next_word(&rest, &colon), ahead = rest, value = { NULL, 0 };
        bool more;

        if (!looks_like_option(word, colon) || (colon && is_prose(word)))
            continue;
        if (colon)
            value = next_word(&ahead, &more);
        if (!has_option(&gh_schema, "", word, value))
            return false;
        if (colon)
            rest = ahead; /* the value, which may look like an option too */
    }
    return true;
}

static void test_the_test_itself(void)
{
    static const char *const good[] = {
        "", "set srtp: allowed on the trunk", "raise media.timeout", "widen media.ports.",
        "call with sip: then", "nothing: the peer tries again", "see RFC 4568 section 5.1.2",
        "set audit.on_error: continue", "add it to peer_names of the trunk",
        "set crl_unavailable: warn", "require: hop_by_hop",
    };
    static const char *const bad[] = {
        "set srpt: allowed",               /* no such option */
        "set srtp: mandatory",             /* no such value */
        "raise media.latency",             /* no such key */
        "set max_call to 5",
        "set match_host on all of them",   /* not in this version */
        "set unproven_fingerprint: mark",  /* not with this value */
        "set accept_replaces_header",      /* only its default */
        "set admin.http",                  /* no effect yet */
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!CHECK(can_be_done(good[i])))
            fprintf(stderr, "good: %s\n", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!CHECK(!can_be_done(bad[i])))
            fprintf(stderr, "bad: %s\n", bad[i]);
    }
}

static void test_reasons(void)
{
    for (int r = 0; r < GH_REASON_COUNT; r++) {
        const struct gh_reason_info *info = gh_reason_info((enum gh_reason)r);

        if (!CHECK(can_be_done(info->advice) && can_be_done(info->text)))
            fprintf(stderr, "%s: %s; %s\n", info->name, info->text, info->advice);
    }
}

int main(void)
{
    RUN(test_the_test_itself);
    RUN(test_reasons);
    return CHECK_REPORT();
}
