/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route patterns and the closest match.  Sources of the vectors:
 *   [G] Cisco, System Configuration Guide for Unified CM 11.5(1), wildcards in route patterns
 *   [O] the older Administration Guide's examples of the same table
 *   [D] tests with the Dialed Number Analyzer: Cisco community, "Demystifying closest match
 *   routing"
 * Random patterns are compared with POSIX extended regular expressions over every number of a
 * length.
 */
#include <regex.h>

#include "support/check.h"
#include "policy/policy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int matches(const char *pattern, const char *number)
{
    gh_breadth breadth;

    return gh_policy_pattern_match(pattern, gh_span_str(number), &breadth);
}

/* How many numbers as long as @number; -1: no match. */
static long long breadth_of(const char *pattern, const char *number)
{
    gh_breadth breadth;
    bool fits = gh_policy_pattern_match(pattern, gh_span_str(number), &breadth);

    return fits ? (long long)breadth : -1;
}

/* ---- the documented examples ----------------------------------------------------------------- */

static const struct {
    const char *pattern, *number;
    int fits;
} examples[] = {
    { "9898", "9898", 1 }, { "1018", "1018", 1 }, { "9898", "989", 0 }, { "9898", "98980", 0 },
    /* [G] 9XXX: 9000 through 9999 */
    { "9XXX", "9000", 1 }, { "9XXX", "9999", 1 }, { "9XXX", "8999", 0 }, { "9XXX", "999", 0 },
    { "9XXX", "99999", 0 }, { "9XXX", "99*9", 0 }, { "X", "+", 0 }, { "X", "#", 0 },
    { "X", "A", 0 },
    /* [G] 91!: 910 through 91999999999999999999999 */
    { "91!", "910", 1 }, { "91!", "91999999999999999999999", 1 }, { "91!", "91", 0 },
    { "91!", "91*", 0 },
    /* [G] 91X?: 91 through 91999999999999999999999 */
    { "91X?", "91", 1 }, { "91X?", "910", 1 }, { "91X?", "91999999999999999999999", 1 },
    { "91X?", "9", 0 },
    /* [G] 91X+: 910 through 91999999999999999999999 */
    { "91X+", "910", 1 }, { "91X+", "91999999999999999999999", 1 }, { "91X+", "91", 0 },
    /* [G] 813510[012345], 813510[0-5]: 8135100 through 8135105 */
    { "813510[012345]", "8135100", 1 }, { "813510[012345]", "8135105", 1 },
    { "813510[012345]", "8135106", 0 },
    { "813510[0-5]", "8135103", 1 }, { "813510[0-5]", "8135106", 0 },
    /* [G] 813510[^0-5]: 8135106 through 8135109 */
    { "813510[^0-5]", "8135106", 1 }, { "813510[^0-5]", "8135109", 1 },
    { "813510[^0-5]", "8135105", 0 },
    /* [O] 13[25-8]6: 1326, 1356, 1366, 1376, 1386 */
    { "13[25-8]6", "1326", 1 }, { "13[25-8]6", "1386", 1 }, { "13[25-8]6", "1336", 0 },
    { "13[25-8]6", "1396", 0 },
    /* [O] 13[^3-9]6: 1306, 1316, 1326, 13*6, 13#6 */
    { "13[^3-9]6", "1306", 1 }, { "13[^3-9]6", "1326", 1 }, { "13[^3-9]6", "13*6", 1 },
    { "13[^3-9]6", "13#6", 1 }, { "13[^3-9]6", "1336", 0 }, { "13[^3-9]6", "13A6", 0 },
    { "13[^3-9]6", "13+6", 0 },
    /* [O] *1*1; 13!#: 135#, 13579# */
    { "*1*1", "*1*1", 1 }, { "*1*1", "1*1*", 0 },
    { "13!#", "135#", 1 }, { "13!#", "13579#", 1 }, { "13!#", "13#", 0 }, { "13!#", "135", 0 },
    /* [G] the dot takes no digit */
    { "9.011!#", "90115#", 1 }, { "9.[2-9]XXXXXX", "95551234", 1 }, { "9.XX", "9.12", 0 },
    { "9.XX", "912", 1 },
    /* Cisco community, "why the character \ is used": 9+11 is 911, 9911, 999911; \+ is dialled */
    { "9+11", "911", 1 }, { "9+11", "9911", 1 }, { "9+11", "999911", 1 }, { "9+11", "11", 0 },
    { "*11\\+1.289201XXXX", "*11+12892014321", 1 }, { "*11\\+1.289201XXXX", "*1112892014321", 0 },
    { "\\+49!", "+4930123", 1 }, { "\\+49!", "4930123", 0 }, { "\\+?49X", "491", 1 },
    { "\\+?49X", "+491", 1 },
    /* [G] *33X?*X?*X?# */
    { "*33X?*X?*X?#", "*33***#", 0 }, { "*33X?*X?*X?#", "*33**#", 1 },
    { "*33X?*X?*X?#", "*3312*3*456#", 1 },
    /* ! with what may follow it, letters, sets with * and # */
    { "5!?", "5", 1 }, { "5!?", "512", 1 }, { "5!+", "5", 0 }, { "5!+", "512", 1 },
    { "AB[CD*]", "ABC", 1 }, { "AB[CD*]", "AB*", 1 }, { "AB[CD*]", "AB#", 0 },
    { "AB[CD*]", "abc", 0 },
    { "1[2-3]?4", "14", 1 }, { "1[2-3]?4", "123234", 1 }, { "1[2-3]?4", "1254", 0 },
    { "1[4]+", "144", 1 },
};

static void documented(void)
{
    for (size_t i = 0; i < COUNT(examples); i++) {
        const char *why = "";
        size_t at = 0;

        if (!CHECK_INT(gh_policy_pattern_check(examples[i].pattern, &at, &why), 0) ||
            !CHECK_INT(matches(examples[i].pattern, examples[i].number), examples[i].fits))
            fprintf(stderr, "    pattern %s, number %s: %s\n", examples[i].pattern,
                    examples[i].number, why);
    }
}

/* ---- the closest match ----------------------------------------------------------------------- */

static void closest(void)
{
    static const char *const guide[] = { "1XXX", "12XX", "121X", "1234" };
    static const char *const tested[] = { "1[3-5]XX", "15!" };
    static const char *const site[] = { "!", "9898", "1018", "98XX", "9898" };

    /* [D] with the counts that it names */
    CHECK_INT(gh_policy_route(guide, 4, GH_SPAN("1200")), 1);
    CHECK_INT(gh_policy_route(guide, 4, GH_SPAN("1212")), 2);
    CHECK_INT(gh_policy_route(guide, 4, GH_SPAN("1234")), 3);
    CHECK_INT(gh_policy_route(guide, 4, GH_SPAN("1999")), 0);
    CHECK_INT(gh_policy_route(guide, 4, GH_SPAN("2000")), -1);
    CHECK_INT(breadth_of("1XXX", "1200"), 1000);
    CHECK_INT(breadth_of("12XX", "1200"), 100);
    CHECK_INT(breadth_of("121X", "1212"), 10);
    CHECK_INT(breadth_of("1234", "1234"), 1);
    /* [D] dialling 1515: ! counts over four digits only, so 15! is closer.  3 * 10 * 10, and 10
     * * 10. */
    CHECK_INT(gh_policy_route(tested, 2, GH_SPAN("1515")), 1);
    CHECK_INT(breadth_of("1[3-5]XX", "1515"), 300);
    CHECK_INT(breadth_of("15!", "1515"), 100);
    CHECK_INT(gh_policy_route(tested, 2, GH_SPAN("1415")), 0);
    CHECK_INT(gh_policy_route(tested, 2, GH_SPAN("15155")), 1);
    /* Not the first match, not the longest prefix; the first among equals. */
    CHECK_INT(gh_policy_route(site, 5, GH_SPAN("9898")), 1);
    CHECK_INT(gh_policy_route(site, 5, GH_SPAN("9899")), 3);
    CHECK_INT(gh_policy_route(site, 5, GH_SPAN("5")), 0);
    CHECK_INT(gh_policy_route(site, 5, GH_SPAN("*5")), -1);
    CHECK_INT(gh_policy_route(NULL, 0, GH_SPAN("5")), -1);
}

/* Numbers are counted, not ways to match them. */
static void overlapping_wildcards(void)
{
    CHECK_INT(breadth_of("X?X?", "123"), 1000);
    CHECK_INT(breadth_of("!X?!", "1234"), 10000);
    CHECK_INT(breadth_of("1?1?1?", "1111"), 1);
    CHECK_INT(breadth_of("X?5X?", "555"), 271); /* 1000 - 9^3 numbers with a 5 in them */
    CHECK_INT(breadth_of("[1-3]?[2-4]?", "22"), 15); /* 11 12 13 14 21 .. 24 31 .. 34 42 43 44 */
    CHECK_INT(breadth_of("[^5]", "1"), 11);
    CHECK_INT(breadth_of("[123321-3]X", "10"), 30);
}

/* 10^32, and one less pattern place: told apart exactly, where a double could not. */
static void exact(void)
{
    char number[GH_NUMBER_MAX + 2], pattern[GH_PATTERN_MAX + 1];
    gh_breadth all, most, want = 1;

    memset(number, '7', sizeof(number));
    number[GH_NUMBER_MAX] = 0;
    for (int i = 0; i < GH_NUMBER_MAX; i++)
        want *= 10;
    CHECK(gh_policy_pattern_match("!", gh_span_str(number), &all));
    CHECK(all == want);
    /* Every number that has a 7, two places before the end or earlier. */
    CHECK(gh_policy_pattern_match("X?7XX", gh_span_str(number), &most));
    CHECK(most == want / 10);
    CHECK(gh_policy_pattern_match("X?7X?", gh_span_str(number), &most));
    want = 1;
    for (int i = 0; i < GH_NUMBER_MAX; i++)
        want *= 9;
    CHECK(most == all - want); /* 10^32 - 9^32 */
    /* The longest number that can be dialled, and one more. */
    memset(pattern, 'X', sizeof(pattern));
    pattern[GH_NUMBER_MAX] = 0;
    CHECK(gh_policy_pattern_match(pattern, gh_span_str(number), &most));
    CHECK(most == all);
    number[GH_NUMBER_MAX] = '7';
    number[GH_NUMBER_MAX + 1] = 0;
    CHECK(!matches("!", number));
}

/* ---- what is no pattern ---------------------------------------------------------------------- */

static const struct {
    const char *pattern;
    size_t at;
    const char *text; /* part of what the operator reads */
} bad[] = {
    { "", 0, "needs a digit or wildcard" },
    { ".", 1, "needs a digit or wildcard" },
    { "9.@", 2, "@ (numbering plan) is not available in this version" },
    { "9XxX", 2, "capital X" },
    { "+49!", 0, "a dialled + is \\+" },
    { "?1", 0, "none stands before it" },
    { "9.?", 2, "none stands before it" },
    { "1X??", 3, "none stands before it" },
    { "1X+?", 3, "none stands before it" },
    { "1 2", 1, "no character" },
    { "1-2", 1, "no character" },
    { "]", 0, "no character" },
    { "^1", 0, "no character" },
    { "12E", 2, "no character" },
    { "1\xc3\xa9", 1, "no character" },
    { "1\\2", 1, "before + only" },
    { "1\\", 1, "before + only" },
    { "1.2.3", 3, "one dot" },
    { "[^1][^2]", 5, "one ^" },
    { "1[", 2, "[ without ]" },
    { "1[2", 3, "[ without ]" },
    { "1[2-", 4, "brackets hold" },
    { "1[]", 2, "fit nothing" },
    { "1[^0-9*#]", 8, "fit nothing" },
    { "1[5-2]", 4, "brackets hold" },
    { "1[2-*]", 4, "brackets hold" },
    { "1[A-D]", 4, "brackets hold" },
    { "1[*-#]", 4, "brackets hold" },
    { "1[X]", 2, "brackets hold" },
    { "1[+]", 2, "brackets hold" },
    { "1[\\+]", 2, "brackets hold" },
    { "1[-5]", 2, "brackets hold" },
    { "1[2^]", 3, "brackets hold" },
    { "1[^^2]", 3, "brackets hold" },
};

static void no_patterns(void)
{
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *text = "";
        size_t at = 999;
        int ok = CHECK_INT(gh_policy_pattern_check(bad[i].pattern, &at, &text), GH_ESYNTAX);

        ok &= CHECK_INT(at, bad[i].at);
        ok &= CHECK(strstr(text, bad[i].text) != NULL);
        ok &= CHECK(!matches(bad[i].pattern, "1"));
        if (!ok)
            fprintf(stderr, "    pattern \"%s\": %s\n", bad[i].pattern, text);
    }
}

static void limits(void)
{
    char pattern[2 * GH_PATTERN_MAX];
    const char *text = "";
    size_t at = 0;

    /* 65 octets; 33 digits; what fits exactly. */
    memset(pattern, '?', sizeof(pattern));
    for (size_t i = 0; i <= GH_PATTERN_MAX; i += 2)
        pattern[i] = '1';
    pattern[GH_PATTERN_MAX + 1] = 0;
    CHECK_INT(gh_policy_pattern_check(pattern, &at, &text), GH_ESYNTAX);
    CHECK_INT(at, GH_PATTERN_MAX);
    pattern[GH_PATTERN_MAX] = 0;
    CHECK_INT(gh_policy_pattern_check(pattern, &at, &text), 0);
    CHECK(matches(pattern, "1111"));
    memset(pattern, '1', GH_NUMBER_MAX + 1);
    pattern[GH_NUMBER_MAX + 1] = 0;
    CHECK_INT(gh_policy_pattern_check(pattern, &at, &text), GH_ESYNTAX);
    CHECK(strstr(text, "32 digits") != NULL);
    pattern[GH_NUMBER_MAX] = 0;
    CHECK_INT(gh_policy_pattern_check(pattern, &at, &text), 0);
    /* The most places: 32 that must be there, 16 that need not. */
    for (size_t i = GH_NUMBER_MAX; i < GH_PATTERN_MAX; i += 2) {
        pattern[i] = '2';
        pattern[i + 1] = '?';
    }
    pattern[GH_PATTERN_MAX] = 0;
    CHECK_INT(gh_policy_pattern_check(pattern, &at, &text), 0);
    pattern[GH_NUMBER_MAX] = 0;
    CHECK(matches(pattern, pattern));
}

/* A pattern with 2^15 groups is refused at load, and matches nothing when nobody asked. */
static void too_many_groups(void)
{
    const char *hostile = "X?1XXXXXXXXXXXXXXX", *text = "";
    size_t at = 0;

    CHECK_INT(gh_policy_pattern_check(hostile, &at, &text), GH_ESYNTAX);
    CHECK(strstr(text, "overlap") != NULL);
    CHECK_INT(at, strlen(hostile));
    CHECK(!matches(hostile, "11111111111111111111111111111111"));
    CHECK_INT(gh_policy_pattern_check("X?1XXXXXX", &at, &text), 0);
}

static void odd_numbers(void)
{
    static const char nul[] = { '1', 0, '2' };
    gh_breadth breadth;
    char hostile[4096];

    CHECK(!matches("!", ""));
    CHECK(!matches("X?", ""));
    CHECK(!gh_policy_pattern_match("!", gh_span_of(nul, 3), &breadth));
    CHECK(!gh_policy_pattern_match("!", gh_span_of(NULL, 0), &breadth));
    for (int c = 1; c < 256; c++) {
        char number[2] = { (char)c, 0 };

        CHECK_INT(matches("!", number), c >= '0' && c <= '9');
    }
    memset(hostile, '1', sizeof(hostile));
    for (size_t len = GH_NUMBER_MAX + 1; len < sizeof(hostile); len++) {
        if (gh_policy_pattern_match("X?1?X?1?X?!", gh_span_of(hostile, len), &breadth))
            CHECK(0);
    }
}

/* ---- against regular expressions ------------------------------------------------------------- */

#define ALPHABET "0123456789*#ABCD+" /* every symbol there is */

static unsigned random_state = 20041;

static unsigned draw(unsigned below)
{
    random_state = random_state * 1103515245u + 12345u;
    return (random_state >> 16) % below;
}

/* The same wildcards in the words of POSIX, one after the other: nothing shared with
 * relay/policy. */
static const struct {
    const char *pattern, *regex;
} words[] = {
    { "X", "[0-9]" },     { "!", "[0-9]+" },        { "1", "1" },       { "2", "2" },
    { "5", "5" },         { "*", "[*]" },           { "#", "#" },       { "A", "A" },
    { "[1-3]", "[1-3]" }, { "[25-8]", "[25-8]" },   { "[*1]", "[*1]" }, { "\\+", "[+]" },
    { "X?", "[0-9]*" },   { "X+", "[0-9]+" },       { "1?", "1*" },     { "2+", "2+" },
    { "!?", "[0-9]*" },   { "[1-3]?", "[1-3]*" },   { "[2-9]+", "[2-9]+" }, { "*?", "[*]*" },
    { "\\+?", "[+]*" }, { ".", "" }, { "[^0-6]", "[7-9*#]" }, { "[^5]?", "[0-46-9*#]*" },
    { "5+", "5+" },       { "[D#]", "[D#]" },
};

static int has(const char *text, char c)
{
    return strchr(text, c) != NULL;
}

/* @return how many words were put together */
static unsigned random_pattern(char *pattern, char *regex)
{
    unsigned parts = 1 + draw(5), used = 0;

    pattern[0] = 0;
    strcpy(regex, "^");
    for (unsigned i = 0; i < parts; i++) {
        unsigned w = draw(COUNT(words));

        /* One dot and one ^ in a pattern. */
        if ((has(words[w].pattern, '.') && has(pattern, '.')) ||
            (has(words[w].pattern, '^') && has(pattern, '^')))
            continue;
        strcat(pattern, words[w].pattern);
        strcat(regex, words[w].regex);
        used += words[w].regex[0] != 0;
    }
    strcat(regex, "$");
    return used;
}

/* Every number of @len symbols: the matches must agree, and their count must be the breadth of
 * each. */
static long compare_length(const char *pattern, const regex_t *regex, unsigned len)
{
    static char found[83521][5]; /* 17^4 */
    long count = 0, total = 1, differing = 0;

    for (unsigned i = 0; i < len; i++)
        total *= (long)sizeof(ALPHABET) - 1;
    for (long n = 0; n < total; n++) {
        char number[5] = { 0 };
        long rest = n;
        int want;

        for (unsigned i = 0; i < len; i++) {
            number[i] = ALPHABET[rest % ((long)sizeof(ALPHABET) - 1)];
            rest /= (long)sizeof(ALPHABET) - 1;
        }
        want = regexec(regex, number, 0, NULL, 0) == 0;
        /* The count is looked at once below; most numbers fit nothing, which costs no count. */
        if (want)
            memcpy(found[count++], number, sizeof(number));
        else
            differing += matches(pattern, number);
    }
    for (long i = 0; i < count; i += 1 + count / 50)
        differing += breadth_of(pattern, found[i]) != count;
    CHECK_INT(differing, 0);
    if (differing)
        fprintf(stderr, "    pattern %s, length %u\n", pattern, len);
    return count;
}

static void random_patterns(void)
{
    long numbers = 0;
    int patterns = 0;

    for (int i = 0; i < 400; i++) {
        char pattern[64], text[256];
        const char *why = "";
        size_t at = 0;
        regex_t regex;

        if (random_pattern(pattern, text) == 0)
            continue;
        CHECK_INT(gh_policy_pattern_check(pattern, &at, &why), 0);
        CHECK_INT(regcomp(&regex, text, REG_EXTENDED | REG_NOSUB), 0);
        for (unsigned len = 1; len <= 3; len++)
            numbers += compare_length(pattern, &regex, len);
        if (i % 10 == 0)
            numbers += compare_length(pattern, &regex, 4);
        regfree(&regex);
        patterns++;
    }
    printf("     %d patterns, %ld numbers that match\n", patterns, numbers);
    CHECK(patterns > 300 && numbers > 10000);
}

/* The route is the pattern that the fewest numbers match, found here by counting all of them. */
static void random_routes(void)
{
    for (int i = 0; i < 300; i++) {
        char patterns[6][64], text[256], number[4] = { 0 };
        const char *list[6];
        long least = 0;
        int want = -1;

        for (int p = 0; p < 3; p++)
            number[p] = ALPHABET[draw(p ? 10 : 4)];
        for (int p = 0; p < 6; p++) {
            regex_t regex;
            long count = 0;

            while (random_pattern(patterns[p], text) == 0)
                ;
            list[p] = patterns[p];
            CHECK_INT(regcomp(&regex, text, REG_EXTENDED | REG_NOSUB), 0);
            for (int n = 0; n < 17 * 17 * 17; n++) {
                char other[4] = { ALPHABET[n % 17], ALPHABET[n / 17 % 17], ALPHABET[n / 289], 0 };

                count += regexec(&regex, other, 0, NULL, 0) == 0;
            }
            if (regexec(&regex, number, 0, NULL, 0) == 0 && (want < 0 || count < least)) {
                want = p;
                least = count;
            }
            regfree(&regex);
        }
        CHECK_INT(gh_policy_route(list, 6, gh_span_str(number)), want);
    }
}

int main(void)
{
    RUN(documented);
    RUN(closest);
    RUN(overlapping_wildcards);
    RUN(exact);
    RUN(no_patterns);
    RUN(limits);
    RUN(too_many_groups);
    RUN(odd_numbers);
    RUN(random_patterns);
    RUN(random_routes);
    return CHECK_REPORT();
}
