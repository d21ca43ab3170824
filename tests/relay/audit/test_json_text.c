/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile text into JSON: always valid, never active on a terminal, and the octets can be had back. */
#include "support/check.h"

#include <jansson.h>

#include "audit/json_text.h"

static char out[GH_TEXT_JSON_ROOM(70000)];

static const char *json_of(const char *p, size_t len, size_t limit)
{
    size_t n = gh_text_json(gh_span_of(p, len), limit, out);

    out[n] = 0;
    return out;
}

/* RFC 3629 section 4 for the borders of each row. */
static void utf8_is_judged_by_the_table(void)
{
    static const struct {
        const char *octets;
        size_t len, want;
        unsigned code;
    } rows[] = {
        { "A", 1, 1, 'A' },
        { "\x7f", 1, 1, 0x7f },
        { "\x80", 1, 0, 0 },
        { "\xc1\xbf", 2, 0, 0 },               /* overlong */
        { "\xc2\x80", 2, 2, 0x80 },
        { "\xdf\xbf", 2, 2, 0x7ff },
        { "\xe0\x9f\xbf", 3, 0, 0 },           /* overlong */
        { "\xe0\xa0\x80", 3, 3, 0x800 },
        { "\xed\x9f\xbf", 3, 3, 0xd7ff },
        { "\xed\xa0\x80", 3, 0, 0 },           /* surrogate */
        { "\xed\xbf\xbf", 3, 0, 0 },
        { "\xee\x80\x80", 3, 3, 0xe000 },
        { "\xef\xbf\xbf", 3, 3, 0xffff },
        { "\xf0\x8f\xbf\xbf", 4, 0, 0 },       /* overlong */
        { "\xf0\x90\x80\x80", 4, 4, 0x10000 },
        { "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
        { "\xf4\x90\x80\x80", 4, 0, 0 },       /* above the last */
        { "\xf5\x80\x80\x80", 4, 0, 0 },
        { "\xff", 1, 0, 0 },
        { "\xe2\x82", 2, 0, 0 },               /* cut short */
        { "\xe2\x28\xa1", 3, 0, 0 },
        { "", 0, 0, 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned code = 0;

        CHECK_INT(gh_utf8_len(gh_span_of(rows[i].octets, rows[i].len), &code), rows[i].want);
        CHECK_INT(code, rows[i].code);
    }
}

static void text_becomes_json(void)
{
    static const struct {
        const char *octets;
        size_t len;
        const char *want;
    } rows[] = {
        { "1018", 4, "1018" },
        { "", 0, "" },
        { "a\"b\\d", 5, "a\\\"b\\\\d" },
        { "J\xc3\xbcrgen \xf0\x9f\x94\x92", 12, "J\xc3\xbcrgen \xf0\x9f\x94\x92" },
        { "\xff\xfe", 2, "\\\\xFF\\\\xFE" },
        { "a\0b", 3, "a\\\\x00b" },
        { "\x1b[2J\r\n\t", 7, "\\u001b[2J\\u000d\\u000a\\u0009" },
        { "\x7f", 1, "\\u007f" },
        { "\xc2\x9b", 2, "\\u009b" },                  /* CSI as C1 control */
        { "\xe2\x80\xae", 3, "\\u202e" },              /* right-to-left override */
        { "\xed\xa0\x80", 3, "\\\\xED\\\\xA0\\\\x80" }, /* a surrogate half */
        { "\\xFF", 4, "\\\\x5CxFF" },                  /* a peer that writes like we do */
        { "\\cut(9)", 7, "\\\\x5Ccut(9)" },
        { "\\", 1, "\\\\" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_STR(json_of(rows[i].octets, rows[i].len, 1024), rows[i].want);
}

static void long_text_is_cut_and_says_so(void)
{
    char text[64 * 1024];

    memset(text, 'x', sizeof(text));
    CHECK_STR(json_of(text, sizeof(text), 4), "xxxx\\\\cut(65532)");
    CHECK_STR(json_of("ab\xc3\xbc", 4, 3), "ab\\\\cut(2)"); /* never through a character */
    CHECK_STR(json_of("ab\xc3\xbc", 4, 4), "ab\xc3\xbc");
    CHECK_STR(json_of("abc", 3, 0), "\\\\cut(3)");
}

/* Undo what gh_text_json did, after a JSON parser undid its own part. */
static size_t octets_of(const char *text, size_t len, char *octets)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned value;

        if (len - i >= 4 && text[i] == '\\' && text[i + 1] == 'x' &&
            sscanf(text + i + 2, "%2X", &value) == 1) {
            octets[n++] = (char)value;
            i += 3;
        } else {
            octets[n++] = text[i];
        }
    }
    return n;
}

/* Whatever goes in: jansson, strict, reads it, and every octet comes back. */
static void check_round_trip(const char *octets, size_t len)
{
    static char json[sizeof(out) + 16], back[70000];
    size_t n = gh_text_json(gh_span_of(octets, len), len, out);
    json_t *array;
    const char *value;

    CHECK(n <= GH_TEXT_JSON_ROOM(len));
    json[0] = '[';
    json[1] = '"';
    memcpy(json + 2, out, n);
    memcpy(json + 2 + n, "\"]", 2);
    array = json_loadb(json, n + 4, JSON_REJECT_DUPLICATES, NULL);
    value = json_string_value(json_array_get(array, 0));
    if (CHECK(value != NULL)) {
        size_t back_len = octets_of(value, json_string_length(json_array_get(array, 0)), back);

        CHECK(gh_span_eq(gh_span_of(back, back_len), gh_span_of(octets, len)));
    }
    json_decref(array);
}

static void every_octet_comes_back(void)
{
    static char noise[65536];
    unsigned state = 12345;
    char two[2];

    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            two[0] = (char)a;
            two[1] = (char)b;
            check_round_trip(two, 2);
        }
    }
    for (size_t i = 0; i < sizeof(noise); i++) {
        state = state * 1664525 + 1013904223;
        noise[i] = (char)(state >> 24);
    }
    check_round_trip(noise, sizeof(noise));
    memset(noise, 0xff, sizeof(noise));
    check_round_trip(noise, sizeof(noise));
    memset(noise, 0, sizeof(noise));
    check_round_trip(noise, sizeof(noise));
    check_round_trip("\\x5C\\\\xFF\\x\\c", 13);
}

static void nothing_acts_on_a_terminal(void)
{
    for (unsigned c = 0; c < 256; c++) {
        char octet = (char)c;
        size_t n = gh_text_json(gh_span_of(&octet, 1), 1, out);

        for (size_t i = 0; i < n; i++)
            CHECK(out[i] >= 0x20 && out[i] < 0x7f);
    }
}

int main(void)
{
    RUN(utf8_is_judged_by_the_table);
    RUN(text_becomes_json);
    RUN(long_text_is_cut_and_says_so);
    RUN(every_octet_comes_back);
    RUN(nothing_acts_on_a_terminal);
    return CHECK_REPORT();
}
