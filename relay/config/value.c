/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to typed values.  A number has a unit or is a count; true and false are the only booleans;
 * an address is a literal.  Every refusal says what would have been right.
 */
#include <stdarg.h>

#include "config/config.h"
#include "config/dscp.h"
#include "config/option.h"

#define NAME_MAX_OCTETS 64    /* CUCM: names of trunks and profiles */
#define HOST_MAX_OCTETS 253   /* RFC 1035 section 2.3.4, as text */
#define LABEL_MAX_OCTETS 63
#define TEXT_MAX_OCTETS 1024

struct reading {
    struct gh_loader *load;
    const struct gh_option *option;
    const char *path;
    const struct gh_node *node;
    struct gh_span text;
};

static const struct {
    size_t size;
    const char *text;
} types[GH_TYPE_COUNT_OF] = {
    [GH_TYPE_TEXT] = { sizeof(const char *), "text" },
    [GH_TYPE_NAME] = { sizeof(const char *), "a name" },
    [GH_TYPE_PATH] = { sizeof(const char *), "a path" },
    [GH_TYPE_HOST] = { sizeof(const char *), "a host name or address" },
    [GH_TYPE_PATTERN] = { sizeof(const char *), "a route pattern" },
    [GH_TYPE_CONTENT] = { sizeof(const char *), "a content type" },
    [GH_TYPE_BOOL] = { sizeof(bool), "true or false" },
    [GH_TYPE_COUNT] = { sizeof(uint32_t), "a number" },
    [GH_TYPE_DURATION] = { sizeof(uint64_t), "a duration" },
    [GH_TYPE_SIZE] = { sizeof(uint64_t), "a size" },
    [GH_TYPE_WORD] = { sizeof(int), "a word" },
    [GH_TYPE_FLAG] = { sizeof(bool), "a word" },
    [GH_TYPE_ADDRESS] = { sizeof(struct gh_addr), "an address" },
    [GH_TYPE_ADDRESS_PORT] = { sizeof(struct gh_addr), "an address with a port" },
    [GH_TYPE_DSCP] = { sizeof(uint8_t), "a code point" },
    [GH_TYPE_PORT] = { sizeof(uint16_t), "a port" },
    [GH_TYPE_PORTS] = { 2 * sizeof(uint16_t), "a range of ports" },
    [GH_TYPE_DESTINATION] = { sizeof(struct gh_config_destination), "a destination" },
    [GH_TYPE_GROUP] = { 0, "a mapping" },
    [GH_TYPE_NAMED] = { 0, "a mapping of names" },
    [GH_TYPE_ROWS] = { 0, "a list of mappings" },
};

size_t gh_value_size(enum gh_type type)
{
    return types[type].size;
}

const char *gh_value_type_text(enum gh_type type)
{
    return types[type].text;
}

/* @return false, so that a reader can end with "return refuse(...)" */
__attribute__((format(printf, 3, 4))) static bool refuse(const struct reading *r, size_t at,
                                                         const char *format, ...)
{
    struct gh_mark mark = at ? gh_node_mark_at(r->node, at) : r->node->mark;
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    gh_report_add(r->load->report, GH_SEVERITY_ERROR, mark, "%s: %s", r->path, text);
    return false;
}

/* The value for a message; a secret or a text of several lines (a key in place of its path?) is not
 * told. */
static const char *quote(const struct reading *r)
{
    if (r->option->secret || memchr(r->text.p, '\n', r->text.len))
        return "this value";
    return gh_report_quote(r->load->report, r->text);
}

static bool keep_text(const struct reading *r, struct gh_span text, void *out)
{
    const char *copy = gh_config_arena_text(r->load->keep, text);

    memcpy(out, &copy, sizeof(copy));
    return copy != NULL;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static bool read_text(const struct reading *r, void *out)
{
    if (r->text.len > TEXT_MAX_OCTETS)
        return refuse(r, 0, "longer than %d octets", TEXT_MAX_OCTETS);
    for (size_t i = 0; i < r->text.len; i++) {
        if ((unsigned char)r->text.p[i] < ' ' || r->text.p[i] == 0x7f)
            return refuse(r, 0, "must stand in one line, without control characters");
    }
    return keep_text(r, r->text, out);
}

static bool read_name(const struct reading *r, void *out)
{
    if (r->text.len > NAME_MAX_OCTETS)
        return refuse(r, 0, "a name has at most %d characters", NAME_MAX_OCTETS);
    for (size_t i = 0; i < r->text.len; i++) {
        unsigned char c = (unsigned char)r->text.p[i];

        if (!gh_ascii_is_alpha(c) && !gh_ascii_is_digit(c) && c != '.' && c != '_' && c != '-')
            return refuse(r, i, "a name is made of letters, digits, '.', '_' and '-'");
    }
    return keep_text(r, r->text, out);
}

static bool read_path(const struct reading *r, void *out)
{
    const char *folder = r->node->mark.source ? r->node->mark.source->folder : r->load->folder;
    const char *path;

    if (!read_text(r, out))
        return false;
    if (r->text.p[0] == '/')
        return true;
    path = gh_config_arena_printf(r->load->keep, "%s/%s", folder, r->text.p);
    memcpy(out, &path, sizeof(path));
    return path != NULL;
}

/* RFC 1123 section 2.1: labels of letters, digits and hyphens.  '_' stands in names that exist. */
static bool is_dns_name(struct gh_span text, size_t *at)
{
    size_t label = 0;

    *at = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];

        *at = i;
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        if (!gh_ascii_is_alpha(c) && !gh_ascii_is_digit(c) && c != '-' && c != '_')
            return false;
        if (++label > LABEL_MAX_OCTETS || (label == 1 && c == '-'))
            return false;
    }
    *at = 0;
    return text.len > 0 && text.len <= HOST_MAX_OCTETS;
}

/* Digits and dots that are no address would be asked for as a name, and never found. */
static bool looks_like_ipv4(struct gh_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!gh_ascii_is_digit((unsigned char)text.p[i]) && text.p[i] != '.')
            return false;
    }
    return text.len > 0;
}

static bool read_host(const struct reading *r, void *out)
{
    struct gh_addr addr;
    size_t at;

    if (gh_addr_parse_ip(r->text, 0, &addr) == 0)
        return keep_text(r, r->text, out);
    if (!is_dns_name(r->text, &at))
        return refuse(r, at, "%s is not a host name or address", quote(r));
    if (looks_like_ipv4(r->text))
        return refuse(r, 0, "%s is not an IPv4 address", quote(r));
    return keep_text(r, r->text, out);
}

static bool read_pattern(const struct reading *r, void *out)
{
    const char *why = NULL;
    size_t at = 0;

    if (r->text.len > GH_PATTERN_MAX)
        return refuse(r, 0, "a pattern has at most %d characters", GH_PATTERN_MAX);
    if (gh_policy_pattern_check(r->text.p, &at, &why) != 0)
        return refuse(r, at, "%s: %s", quote(r), why ? why : "not a route pattern");
    return keep_text(r, r->text, out);
}

/* RFC 3261 section 25.1: m-type "/" m-subtype, both tokens. */
static bool read_content(const struct reading *r, void *out)
{
    size_t slash = gh_span_find(r->text, '/');
    const char *kept;

    if (slash == 0 || slash + 1 >= r->text.len)
        return refuse(r, 0, "%s is not a content type such as application/sdp", quote(r));
    for (size_t i = 0; i < r->text.len; i++) {
        unsigned char c = (unsigned char)r->text.p[i];

        if (i != slash && !gh_ascii_is_alpha(c) && !gh_ascii_is_digit(c) &&
            (!c || !strchr("-.!%*_+`'~", c)))
            return refuse(r, i, "%s is not a content type such as application/sdp", quote(r));
    }
    if (!keep_text(r, r->text, out))
        return false;
    memcpy(&kept, out, sizeof(kept));
    for (char *c = (char *)(uintptr_t)kept; *c; c++)
        *c = (char)gh_ascii_lower((unsigned char)*c);
    return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static bool read_bool(const struct reading *r, void *out)
{
    bool value = gh_span_eq(r->text, GH_SPAN("true"));

    if (!value && !gh_span_eq(r->text, GH_SPAN("false")))
        return refuse(r, 0, "%s is neither true nor false", quote(r));
    memcpy(out, &value, sizeof(value));
    return true;
}

static bool read_count(const struct reading *r, void *out)
{
    const struct gh_option *option = r->option;
    uint64_t value = 0, max = option->max ? option->max : UINT32_MAX;
    uint32_t count;
    bool zero = option->zero_word && gh_span_eq(r->text, gh_span_str(option->zero_word));

    if (!zero && option->min == max && (!gh_span_u64(r->text, max, &value) || value != max))
        return refuse(r, 0, "%s must be %llu", quote(r), (unsigned long long)max);
    if (!zero && (!gh_span_u64(r->text, UINT32_MAX, &value) || value < option->min || value > max))
        return refuse(r, 0, "%s is not a number from %llu to %llu%s%s", quote(r),
                      (unsigned long long)option->min, (unsigned long long)max,
                      option->zero_word ? " or " : "", option->zero_word ? option->zero_word : "");
    count = (uint32_t)value;
    memcpy(out, &count, sizeof(count));
    return true;
}

struct unit {
    const char *word;
    uint64_t factor;
};

static const struct unit durations[] = {
    { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { NULL, 0 },
};
static const struct unit sizes[] = { { "B", 1 }, { "KiB", 1024 }, { "MiB", 1048576 }, { NULL, 0 } };

/* The largest unit in which @value is whole. */
static const char *with_unit(const struct reading *r, uint64_t value, const struct unit *units)
{
    const struct unit *best = units;
    const char *text;

    for (const struct unit *unit = units; unit->word; unit++) {
        if (value && value % unit->factor == 0)
            best = unit;
    }
    text = gh_config_arena_printf(r->load->scratch, "%llu%s",
                                  (unsigned long long)(value / best->factor), best->word);
    return text ? text : "?";
}

/* Digits and a unit, nothing between. */
static bool read_quantity(const struct reading *r, const struct unit *units, const char *examples,
                          void *out)
{
    const struct gh_option *option = r->option;
    const struct unit *unit = units;
    uint64_t value;
    size_t digits = 0;

    while (digits < r->text.len && gh_ascii_is_digit((unsigned char)r->text.p[digits]))
        digits++;
    if (digits && digits == r->text.len)
        return refuse(r, 0, "%s has no unit; write %s", quote(r), examples);
    while (unit->word && !gh_span_eq(gh_span_from(r->text, digits), gh_span_str(unit->word)))
        unit++;
    if (digits == 0 || !unit->word)
        return refuse(r, 0, "%s is not %s; write %s", quote(r), types[option->type].text, examples);
    if (!gh_span_u64(gh_span_head(r->text, digits), UINT64_MAX / unit->factor, &value) ||
        value * unit->factor < option->min || (option->max && value * unit->factor > option->max))
        return refuse(r, 0, "%s is not from %s to %s", quote(r), with_unit(r, option->min, units),
                      with_unit(r, option->max, units));
    value *= unit->factor;
    memcpy(out, &value, sizeof(value));
    return true;
}

static bool read_duration(const struct reading *r, void *out)
{
    return read_quantity(r, durations, "a number with ms, s, min or h, such as 60s", out);
}

static bool read_size(const struct reading *r, void *out)
{
    return read_quantity(r, sizes, "a number with B, KiB or MiB, such as 64KiB", out);
}

/* What to say behind the list of words: "; did you mean refuse?", or nothing. */
static const char *word_advice(const struct reading *r, const char *const *words, size_t count)
{
    const struct gh_foreign_word *foreign = r->option->foreign;
    const char *near = gh_report_nearest(r->text, words, count, GH_NEAR_VALUE);
    const char *text = "";

    while (foreign && foreign->word && !gh_span_ieq(r->text, gh_span_str(foreign->word)))
        foreign++;
    if (foreign && foreign->word)
        text = gh_config_arena_printf(r->load->scratch, "; %s", foreign->advice);
    else if (near)
        text = gh_config_arena_printf(r->load->scratch, "; did you mean %s?", near);
    return text ? text : "";
}

static bool read_word(const struct reading *r, void *out)
{
    const struct gh_option *option = r->option;
    const char *words[16];
    char list[256];
    size_t count = 0, len = 0;

    for (const struct gh_choice *choice = option->choices; choice->word; choice++) {
        if (gh_span_eq(r->text, gh_span_str(choice->word))) {
            if (choice->missing && !r->load->everything)
                return refuse(r, 0, "%s is not available in this version", choice->word);
            memcpy(out, &choice->value, sizeof(choice->value));
            return true;
        }
        if (count < sizeof(words) / sizeof(words[0]))
            words[count++] = choice->word;
    }
    list[0] = 0;
    for (size_t i = 0; i < count && len < sizeof(list); i++)
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", words[i]);
    return refuse(r, 0, "%s is not one of %s%s", quote(r), list, word_advice(r, words, count));
}

static bool read_flag(const struct reading *r, void *out)
{
    int value = 0;
    bool flag;

    if (!read_word(r, &value))
        return false;
    flag = value != 0;
    memcpy(out, &flag, sizeof(flag));
    return true;
}

static bool read_dscp(const struct reading *r, void *out)
{
    struct gh_span text = r->text;

    if (gh_span_eq(text, GH_SPAN("default")))
        text = gh_span_str(r->option->standard);
    if (!gh_config_dscp(text, out))
        return refuse(r, 0,
                      "%s is not a code point such as EF, AF41, CS3, a number up to 63, or default",
                      quote(r));
    return true;
}

/* ---- addresses and ports --------------------------------------------------------------------- */

static bool read_address(const struct reading *r, void *out)
{
    struct gh_addr addr;

    if (gh_addr_parse_ip(r->text, 0, &addr) != 0)
        return refuse(r, 0, "%s is not an IPv4 or IPv6 address", quote(r));
    memcpy(out, &addr, sizeof(addr));
    return true;
}

static bool parse_port(struct gh_span text, uint16_t *port)
{
    uint64_t value;

    if (text.len > 5 || !gh_span_u64(text, 65535, &value) || value == 0)
        return false;
    *port = (uint16_t)value;
    return true;
}

static bool read_port(const struct reading *r, void *out)
{
    uint16_t port;

    if (!parse_port(r->text, &port))
        return refuse(r, 0, "%s is not a port from 1 to 65535", quote(r));
    memcpy(out, &port, sizeof(port));
    return true;
}

/*
 * "host", "host:port", "[v6]", "[v6]:port" to host without brackets and port (0: none).
 * @return NULL, or what is wrong
 */
static const char *split_host_port(struct gh_span text, struct gh_span *host, uint16_t *port)
{
    struct gh_span rest;

    *port = 0;
    if (text.len && text.p[0] == '[') {
        size_t end = gh_span_find(text, ']');

        if (end == text.len)
            return "the bracket is not closed";
        *host = gh_span_of(text.p + 1, end - 1);
        rest = gh_span_from(text, end + 1);
    } else {
        size_t colon = gh_span_find(text, ':');

        *host = gh_span_head(text, colon);
        rest = gh_span_from(text, colon);
        if (rest.len && gh_span_find(gh_span_from(rest, 1), ':') < rest.len - 1)
            return "an IPv6 address stands in brackets: [2001:db8::1]:5061";
    }
    if (rest.len == 0)
        return NULL;
    if (rest.p[0] != ':' || !parse_port(gh_span_from(rest, 1), port))
        return "the port is a number from 1 to 65535";
    return NULL;
}

static bool read_address_port(const struct reading *r, void *out)
{
    struct gh_addr addr;
    struct gh_span host;
    uint16_t port;
    const char *wrong = split_host_port(r->text, &host, &port);

    if (wrong)
        return refuse(r, 0, "%s: %s", quote(r), wrong);
    if (port == 0 || gh_addr_parse_ip(host, port, &addr) != 0)
        return refuse(r, 0, "%s is not an address with a port, such as 127.0.0.1:9441", quote(r));
    memcpy(out, &addr, sizeof(addr));
    return true;
}

/* RFC 3550 section 11: RTP uses the even port of a pair, RTCP the odd one after it. */
static bool read_ports(const struct reading *r, void *out)
{
    size_t dash = gh_span_find(r->text, '-');
    uint16_t ports[2];

    if (dash == r->text.len || !parse_port(gh_span_head(r->text, dash), &ports[0]) ||
        !parse_port(gh_span_from(r->text, dash + 1), &ports[1]))
        return refuse(r, 0, "%s is not a range of ports such as 16384-32767", quote(r));
    if (ports[0] >= ports[1])
        return refuse(r, 0, "%s is an empty range; the first port is below the last", quote(r));
    if (ports[0] % 2)
        return refuse(r, 0, "%s begins with an odd port; RTP takes even ports, RTCP the next one",
                      quote(r));
    memcpy(out, ports, sizeof(ports));
    return true;
}

static bool read_destination(const struct reading *r, void *out)
{
    struct gh_config_destination destination = { .port = 0 };
    struct gh_span host;
    const char *wrong = split_host_port(r->text, &host, &destination.port);
    bool bracketed = r->text.len && r->text.p[0] == '[';
    size_t at = 0;

    if (wrong)
        return refuse(r, 0, "%s: %s", quote(r), wrong);
    if (gh_addr_parse_ip(host, destination.port, &destination.addr) != 0) {
        if (bracketed)
            return refuse(r, 0, "%s: what stands in brackets is not an IPv6 address", quote(r));
        if (looks_like_ipv4(host))
            return refuse(r, 0, "%s is not an IPv4 address", quote(r));
        if (!is_dns_name(host, &at))
            return refuse(r, at, "%s is not a host name or address", quote(r));
    }
    destination.host = gh_config_arena_text(r->load->keep, host);
    memcpy(out, &destination, sizeof(destination));
    return destination.host != NULL;
}

/* ---------------------------------------------------------------------------------------------- */

bool gh_value_read(struct gh_loader *load, const struct gh_option *option, const char *path,
                   const struct gh_node *node, void *out)
{
    static bool (*const readers[GH_TYPE_COUNT_OF])(const struct reading *, void *) = {
        [GH_TYPE_TEXT] = read_text,
        [GH_TYPE_NAME] = read_name,
        [GH_TYPE_PATH] = read_path,
        [GH_TYPE_HOST] = read_host,
        [GH_TYPE_PATTERN] = read_pattern,
        [GH_TYPE_CONTENT] = read_content,
        [GH_TYPE_BOOL] = read_bool,
        [GH_TYPE_COUNT] = read_count,
        [GH_TYPE_DURATION] = read_duration,
        [GH_TYPE_SIZE] = read_size,
        [GH_TYPE_WORD] = read_word,
        [GH_TYPE_FLAG] = read_flag,
        [GH_TYPE_ADDRESS] = read_address,
        [GH_TYPE_ADDRESS_PORT] = read_address_port,
        [GH_TYPE_DSCP] = read_dscp,
        [GH_TYPE_PORT] = read_port,
        [GH_TYPE_PORTS] = read_ports,
        [GH_TYPE_DESTINATION] = read_destination,
    };
    struct reading reading = { load, option, path, node, node->text };

    if (node->refused)
        return false;
    if (node->kind != GH_NODE_SCALAR)
        return refuse(&reading, 0, "must be %s, not %s", types[option->type].text,
                      gh_node_kind_text(node->kind));
    if (node->text.len == 0)
        return refuse(&reading, 0, "has no value");
    return readers[option->type](&reading, out);
}

bool gh_value_equal(enum gh_type type, const void *a, const void *b)
{
    switch (type) {
    case GH_TYPE_TEXT:
    case GH_TYPE_NAME:
    case GH_TYPE_PATH:
    case GH_TYPE_HOST:
    case GH_TYPE_PATTERN:
    case GH_TYPE_CONTENT: {
        const char *one, *other;

        memcpy(&one, a, sizeof(one));
        memcpy(&other, b, sizeof(other));
        return one && other ? strcmp(one, other) == 0 : one == other;
    }
    case GH_TYPE_ADDRESS:
    case GH_TYPE_ADDRESS_PORT:
        return gh_addr_eq(a, b);
    case GH_TYPE_DESTINATION: {
        const struct gh_config_destination *one = a, *other = b;

        return gh_span_ieq(gh_span_str(one->host), gh_span_str(other->host)) &&
               one->port == other->port;
    }
    default: /* plain numbers without padding */
        return memcmp(a, b, types[type].size) == 0;
    }
}
