/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The called number to a route: CUCM's route patterns and its closest match.
 * Sources: Cisco, System Configuration Guide for Unified CM 11.5(1), "Wildcards and Special
 * Characters in Route Patterns"; that "!" counts over numbers of the dialled length only is shown
 * by tests with the Dialed Number Analyzer ("1[3-5]XX vs 15! when dialing 1515").
 *
 * A pattern is a row of places, each a set of symbols that may be optional and may repeat.
 * Matching keeps the places that can come next in one word of 64 bits, so it takes one step for
 * each octet.  Counting walks all numbers of a length at once: numbers after which the same places
 * can come next are one group, and a number stands in one group only, so none is counted twice.
 */
#include "policy/policy_int.h"

/* What can be dialled.  X and ! are digits; [^..] also knows * and #: Cisco's 13[^3-9]6 matches
 * 13*6. */
#define SYMBOLS "0123456789*#ABCD+"
#define SYMBOL_COUNT (sizeof(SYMBOLS) - 1)
#define DIGITS 0x3ffu
#define NEGATABLE 0xfffu

struct pattern {
    uint64_t fits[SYMBOL_COUNT]; /* by symbol: the places whose set has it */
    uint64_t optional, repeats;  /* places */
    unsigned count;              /* the bit behind the last place: the number is complete */
};

/* At most GH_NUMBER_MAX places must be there, and one that need not takes two octets at least. */
_Static_assert(GH_NUMBER_MAX + (GH_PATTERN_MAX - GH_NUMBER_MAX) / 2 < 64, "places fit one word");

/* ---- reading a pattern ----------------------------------------------------------------------- */

/* Index into SYMBOLS, or SYMBOL_COUNT. */
static unsigned symbol_of(char c)
{
    const char *hit = c ? strchr(SYMBOLS, c) : NULL;

    return hit ? (unsigned)(hit - SYMBOLS) : (unsigned)SYMBOL_COUNT;
}

struct reader {
    const char *text;
    size_t at;
    const char *wrong;      /* NULL: nothing yet */
    uint32_t sets[GH_PATTERN_MAX];
    bool optional[GH_PATTERN_MAX], repeats[GH_PATTERN_MAX];
    unsigned count;
    bool may_repeat;        /* the last octet ended a place that ? or + may follow */
    bool dot, negated;
};

static void add_place(struct reader *r, uint32_t set, bool repeats)
{
    r->sets[r->count] = set;
    r->optional[r->count] = false;
    r->repeats[r->count] = repeats;
    r->count++;
    r->may_repeat = true;
}

/* What stands between brackets, r->at at the octet behind "[". */
static void read_set(struct reader *r)
{
    uint32_t set = 0;
    bool negate = false;

    if (r->text[r->at] == '^') {
        if (r->negated) {
            r->wrong = "a pattern may have one ^ only";
            return;
        }
        negate = r->negated = true;
        r->at++;
    }
    for (; r->text[r->at] && r->text[r->at] != ']'; r->at++) {
        unsigned first = symbol_of(r->text[r->at]), last = first;

        if (first < SYMBOL_COUNT && r->text[r->at + 1] == '-') {
            r->at += 2;
            last = symbol_of(r->text[r->at]);
        }
        if (first >= SYMBOL_COUNT || last >= SYMBOL_COUNT || last < first ||
            (first != last && last > 9) || r->text[r->at] == '+') {
            r->wrong = "brackets hold digits, *, #, A to D, and ranges of digits such as 2-9";
            return;
        }
        for (unsigned s = first; s <= last; s++)
            set |= 1u << s;
    }
    if (!r->text[r->at])
        r->wrong = "[ without ]";
    else if (negate)
        set = NEGATABLE & ~set;
    if (!r->wrong && !set)
        r->wrong = "these brackets fit nothing";
    if (!r->wrong)
        add_place(r, set, false);
}

static void read_quantifier(struct reader *r, bool optional)
{
    if (!r->may_repeat) {
        r->wrong = optional ? "? repeats a digit or wildcard, and none stands before it"
                            : "+ repeats a digit or wildcard, and none stands before it; "
                              "a dialled + is \\+";
        return;
    }
    r->repeats[r->count - 1] = true;
    r->optional[r->count - 1] = optional;
    r->may_repeat = false; /* CUCM gives ?? a meaning of its own, which nobody needs */
}

static void read_octet(struct reader *r)
{
    char c = r->text[r->at];

    switch (c) {
    case 'X':
        add_place(r, DIGITS, false);
        break;
    case '!':
        add_place(r, DIGITS, true);
        break;
    case '[':
        r->at++;
        read_set(r);
        break;
    case '?':
        read_quantifier(r, true);
        break;
    case '+':
        read_quantifier(r, false);
        break;
    case '\\':
        if (r->text[r->at + 1] == '+')
            add_place(r, 1u << symbol_of(r->text[++r->at]), false);
        else
            r->wrong = "\\ stands before + only";
        break;
    case '.':
        /* It says where digits may be discarded, and plays no part in matching. */
        if (r->dot)
            r->wrong = "a pattern may have one dot only";
        r->dot = true;
        r->may_repeat = false;
        break;
    case '@':
        r->wrong = "@ (numbering plan) is not available in this version";
        break;
    default:
        if (symbol_of(c) < SYMBOL_COUNT)
            add_place(r, 1u << symbol_of(c), false);
        else
            r->wrong = c == 'x' ? "the wildcard is a capital X" : "no character of a route pattern";
    }
}

/* @return 0 or GH_ESYNTAX, with *at and *text */
static int pattern_read(const char *text, struct pattern *out, size_t *at, const char **why)
{
    struct reader r = { .text = text };
    unsigned needed = 0;

    if (strnlen(text, GH_PATTERN_MAX + 1) > GH_PATTERN_MAX) {
        r.at = GH_PATTERN_MAX;
        r.wrong = "a pattern may have 64 octets";
    }
    for (; !r.wrong && text[r.at]; r.at++) {
        read_octet(&r);
        if (r.wrong)
            break;
    }
    for (unsigned i = 0; i < r.count; i++)
        needed += !r.optional[i];
    if (!r.wrong && r.count == 0)
        r.wrong = "a pattern needs a digit or wildcard";
    if (!r.wrong && needed > GH_NUMBER_MAX)
        r.wrong = "no number is that long: 32 digits are the most";
    if (r.wrong) {
        *at = r.at;
        *why = r.wrong;
        return GH_ESYNTAX;
    }
    *out = (struct pattern){ .count = r.count };
    for (unsigned i = 0; i < r.count; i++) {
        uint64_t place = (uint64_t)1 << i;

        for (unsigned s = 0; s < SYMBOL_COUNT; s++)
            out->fits[s] |= r.sets[i] >> s & 1u ? place : 0;
        out->optional |= r.optional[i] ? place : 0;
        out->repeats |= r.repeats[i] ? place : 0;
    }
    return 0;
}

/* ---- matching -------------------------------------------------------------------------------- */

/* Places that need not be there are passed over. */
static uint64_t pass_optional(const struct pattern *pattern, uint64_t next)
{
    uint64_t more = (next & pattern->optional) << 1 & ~next;

    while (more) {
        next |= more;
        more = (more & pattern->optional) << 1 & ~next;
    }
    return next;
}

/* From the places that could come next, by a symbol that fits the places @fits. */
static uint64_t step(const struct pattern *pattern, uint64_t next, uint64_t fits)
{
    uint64_t taken = next & fits;

    return pass_optional(pattern, taken << 1 | (taken & pattern->repeats));
}

static bool is_complete(const struct pattern *pattern, uint64_t next)
{
    return next >> pattern->count & 1u;
}

static bool number_fits(const struct pattern *pattern, struct gh_span number)
{
    uint64_t next = pass_optional(pattern, 1);

    for (size_t i = 0; i < number.len; i++) {
        unsigned symbol = symbol_of(number.p[i]);

        if (symbol == SYMBOL_COUNT)
            return false;
        next = step(pattern, next, pattern->fits[symbol]);
    }
    return is_complete(pattern, next);
}

/* ---- counting -------------------------------------------------------------------------------- */

/* A pattern whose wildcards overlap can keep apart very many groups.  One that needs more than
 * this many is refused at load, so that no call ever waits for the count. */
#define GROUPS_MAX 256
#define SLOTS (2 * GROUPS_MAX)

struct groups {
    uint64_t next[SLOTS]; /* 0: slot is free; no living group has it */
    gh_breadth numbers[SLOTS];
    unsigned used;
};

static gh_breadth add(gh_breadth a, gh_breadth b)
{
    return a + b < a ? ~(gh_breadth)0 : a + b;
}

/* @return false: too many groups */
static bool groups_add(struct groups *groups, uint64_t next, gh_breadth numbers)
{
    unsigned slot = (unsigned)(next * 0x9e3779b97f4a7c15u >> 32) % SLOTS; /* Fibonacci hashing */

    while (groups->next[slot] && groups->next[slot] != next)
        slot = (slot + 1) % SLOTS;
    if (!groups->next[slot] && groups->used++ == GROUPS_MAX)
        return false;
    groups->next[slot] = next;
    groups->numbers[slot] = add(groups->numbers[slot], numbers);
    return true;
}

/* Every group one symbol longer.  @return false: too many groups */
static bool groups_step(const struct pattern *pattern, const struct groups *from, struct groups *to)
{
    memset(to, 0, sizeof(*to));
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        for (unsigned s = 0; from->next[slot] && s < SYMBOL_COUNT; s++) {
            uint64_t next = step(pattern, from->next[slot], pattern->fits[s]);

            if (next && !groups_add(to, next, from->numbers[slot]))
                return false;
        }
    }
    return true;
}

/* @return whether *out, how many numbers of @len symbols match, could be told */
static bool count_numbers(const struct pattern *pattern, size_t len, gh_breadth *out)
{
    struct groups groups[2];
    gh_breadth sum = 0;

    memset(&groups[0], 0, sizeof(groups[0]));
    groups_add(&groups[0], pass_optional(pattern, 1), 1);
    for (size_t i = 0; i < len; i++) {
        if (!groups_step(pattern, &groups[i % 2], &groups[(i + 1) % 2]))
            return false;
    }
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if (is_complete(pattern, groups[len % 2].next[slot]))
            sum = add(sum, groups[len % 2].numbers[slot]);
    }
    *out = sum;
    return true;
}

/* ---- the three questions --------------------------------------------------------------------- */

int gh_policy_pattern_check(const char *pattern, size_t *at, const char **text)
{
    struct pattern parsed;
    gh_breadth breadth;
    int err = pattern_read(pattern, &parsed, at, text);

    if (err)
        return err;
    if (!count_numbers(&parsed, GH_NUMBER_MAX, &breadth)) {
        *at = strlen(pattern);
        *text = "wildcards overlap in too many ways to tell the closest match; split the pattern";
        return GH_ESYNTAX;
    }
    return 0;
}

bool gh_policy_pattern_match(const char *pattern, struct gh_span number, gh_breadth *breadth)
{
    struct pattern parsed;
    const char *text;
    size_t at;

    if (number.len == 0 || number.len > GH_NUMBER_MAX)
        return false;
    if (pattern_read(pattern, &parsed, &at, &text) != 0)
        return false;
    return number_fits(&parsed, number) && count_numbers(&parsed, number.len, breadth);
}

int gh_policy_route(const char *const *patterns, size_t count, struct gh_span number)
{
    gh_breadth least = 0;
    int closest = -1;

    for (size_t i = 0; i < count; i++) {
        gh_breadth breadth;

        if (!gh_policy_pattern_match(patterns[i], number, &breadth))
            continue;
        if (closest < 0 || breadth < least) {
            closest = (int)i;
            least = breadth;
        }
    }
    return closest;
}
