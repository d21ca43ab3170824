/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URI grammar of RFC 3261 section 25.1 and RFC 3966 section 3.
 *
 * One thing real peers send against the letter is let in because it is harmless: "_" in host names.
 */
#include "sip/uri.h"

#include "sip/lex_int.h"

#define UNRESERVED_MARKS  "-_.!~*'()"
#define HOST_NAME_MAX_LEN 253 /* RFC 1035 section 2.3.4, without the dot at the end */
#define HOST_LABEL_MAX    63

/* Every octet is alphanumeric, one of @set, or a %HH escape. */
static bool all_of(struct gh_span text, const char *set)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '%') {
            if (text.len - i < 3 || !gh_lex_is_hex(text.p[i + 1]) || !gh_lex_is_hex(text.p[i + 2]))
                return false;
            i += 2;
        } else if (!gh_lex_is_alnum(text.p[i]) && !gh_lex_in(text.p[i], set)) {
            return false;
        }
    }
    return true;
}

static bool label_valid(struct gh_span label)
{
    if (label.len == 0 || label.len > HOST_LABEL_MAX || label.p[0] == '-' ||
        label.p[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!gh_lex_is_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
            return false;
    }
    return true;
}

static bool host_name_valid(struct gh_span text)
{
    struct gh_span label;

    if (text.len && text.p[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > HOST_NAME_MAX_LEN || text.p[text.len - 1] == '.')
        return false;
    do {
        label = gh_span_take(&text, '.');
        if (!label_valid(label))
            return false;
    } while (text.len);
    /* The last label starts with a letter, else "1.2.3.999" would be a name. */
    return !gh_ascii_is_digit((unsigned char)label.p[0]);
}

bool gh_sip_host_valid(struct gh_span text, struct gh_addr *addr)
{
    struct gh_addr none;

    addr = addr ? addr : &none;
    *addr = (struct gh_addr){ 0 };
    if (text.len && text.p[0] == '[')
        return text.p[text.len - 1] == ']' && memchr(text.p, ':', text.len) &&
               gh_addr_parse_ip(text, 0, addr) == 0;
    if (text.len && gh_span_find(text, ':') == text.len && gh_addr_parse_ip(text, 0, addr) == 0)
        return true;
    return host_name_valid(text);
}

/* host [ ":" port ] up to its end */
static int parse_hostport(struct gh_span text, struct gh_sip_uri *uri)
{
    size_t host_len =
        text.len && text.p[0] == '[' ? gh_span_find(text, ']') + 1 : gh_span_find(text, ':');
    struct gh_span port = gh_span_from(text, host_len);
    uint64_t value;

    uri->host = gh_span_head(text, host_len);
    if (!gh_sip_host_valid(uri->host, &uri->addr))
        return GH_ESYNTAX;
    if (port.len == 0)
        return 0;
    /* Port 0 can be written, but nothing can be sent there. */
    if (!gh_lex_take(&port, ':') || !gh_span_u64(port, UINT16_MAX, &value) || value == 0)
        return GH_ESYNTAX;
    uri->port = (uint16_t)value;
    uri->addr.port = uri->addr.family ? uri->port : 0;
    return 0;
}

/* name[=value] separated by @sep; @value_needed: hname "=" hvalue */
static int check_pairs(struct gh_span text, char sep, const char *set, bool value_needed)
{
    do {
        struct gh_span pair = gh_span_take(&text, sep);
        size_t name_len = gh_span_find(pair, '=');
        struct gh_span value = gh_span_from(pair, name_len + 1);
        bool has_value = name_len < pair.len;

        if (name_len == 0 || !all_of(gh_span_head(pair, name_len), set) || !all_of(value, set))
            return GH_ESYNTAX;
        if (value_needed ? !has_value : has_value && value.len == 0)
            return GH_ESYNTAX;
        /* A separator at the very end has nothing behind it. */
        if (text.len == 0 && pair.p + pair.len != text.p)
            return GH_ESYNTAX;
    } while (text.len);
    return 0;
}

static int parse_sip(struct gh_span rest, struct gh_sip_uri *uri)
{
    size_t at = gh_span_find(rest, '@');
    size_t end;

    if (at < rest.len) {
        struct gh_span userinfo = gh_span_head(rest, at);

        uri->has_user = true;
        uri->user = gh_span_take(&userinfo, ':');
        uri->password = userinfo;
        if (uri->user.len == 0 || !all_of(uri->user, UNRESERVED_MARKS "&=+$,;?/") ||
            !all_of(uri->password, UNRESERVED_MARKS "&=+$,"))
            return GH_ESYNTAX;
        rest = gh_span_from(rest, at + 1);
    }
    end = gh_span_find(rest, '?');
    if (end < rest.len) {
        uri->headers = gh_span_from(rest, end + 1);
        if (uri->headers.len == 0 ||
            check_pairs(uri->headers, '&', UNRESERVED_MARKS "[]/?:+$", true))
            return GH_ESYNTAX;
        rest = gh_span_head(rest, end);
    }
    end = gh_span_find(rest, ';');
    if (end < rest.len) {
        uri->params = gh_span_from(rest, end + 1);
        if (uri->params.len == 0 ||
            check_pairs(uri->params, ';', UNRESERVED_MARKS "[]/:&+$", false))
            return GH_ESYNTAX;
    }
    return parse_hostport(gh_span_head(rest, end), uri);
}

static int parse_tel(struct gh_span rest, struct gh_sip_uri *uri)
{
    size_t end = gh_span_find(rest, ';');
    struct gh_span number;
    bool global, digit = false;

    uri->user = number = gh_span_head(rest, end);
    if (end < rest.len) {
        uri->params = gh_span_from(rest, end + 1);
        if (uri->params.len == 0 ||
            check_pairs(uri->params, ';', UNRESERVED_MARKS "[]/:&+$", false))
            return GH_ESYNTAX;
    }
    global = gh_lex_take(&number, '+');
    for (size_t i = 0; i < number.len; i++) {
        char c = number.p[i];

        if (gh_ascii_is_digit((unsigned char)c) ||
            (!global && (gh_lex_is_hex(c) || c == '*' || c == '#')))
            digit = true;
        else if (!gh_lex_in(c, "-.()"))
            return GH_ESYNTAX;
    }
    return digit ? 0 : GH_ESYNTAX;
}

static bool scheme_valid(struct gh_span scheme)
{
    if (scheme.len == 0 || !gh_ascii_is_alpha((unsigned char)scheme.p[0]))
        return false;
    for (size_t i = 1; i < scheme.len; i++) {
        if (!gh_lex_is_alnum(scheme.p[i]) && !gh_lex_in(scheme.p[i], "+-."))
            return false;
    }
    return true;
}

static int parse_other(struct gh_span rest, struct gh_sip_uri *uri)
{
    size_t query = gh_span_find(rest, '?');

    if (rest.len == 0 || !all_of(rest, UNRESERVED_MARKS ";/?:@&=+$,[]"))
        return GH_ESYNTAX;
    if (query < rest.len)
        uri->headers = gh_span_from(rest, query + 1);
    return 0;
}

int gh_sip_uri_parse(struct gh_span text, struct gh_sip_uri *out)
{
    struct gh_sip_uri uri = { .text = text };
    struct gh_span rest = text;
    int err;

    if (text.len > GH_SIP_URI_MAX)
        return GH_ELIMIT;
    if (gh_span_find(text, ':') == text.len)
        return GH_ESYNTAX;
    uri.scheme_text = gh_span_take(&rest, ':');
    if (!scheme_valid(uri.scheme_text))
        return GH_ESYNTAX;
    if (gh_span_ieq(uri.scheme_text, GH_SPAN("sip")))
        uri.scheme = GH_SIP_SCHEME_SIP;
    else if (gh_span_ieq(uri.scheme_text, GH_SPAN("sips")))
        uri.scheme = GH_SIP_SCHEME_SIPS;
    else if (gh_span_ieq(uri.scheme_text, GH_SPAN("tel")))
        uri.scheme = GH_SIP_SCHEME_TEL;

    if (uri.scheme == GH_SIP_SCHEME_TEL)
        err = parse_tel(rest, &uri);
    else if (uri.scheme == GH_SIP_SCHEME_OTHER)
        err = parse_other(rest, &uri);
    else
        err = parse_sip(rest, &uri);
    if (!err)
        *out = uri;
    return err;
}

/* Value of one octet, decoded if it starts an escape that is known to be whole. */
static char octet_at(struct gh_span text, size_t *i)
{
    unsigned value = 0;

    if (text.p[*i] != '%')
        return text.p[(*i)++];
    for (size_t k = *i + 1; k <= *i + 2; k++) {
        unsigned char c = gh_ascii_lower((unsigned char)text.p[k]);

        value = value * 16 + (unsigned)(gh_ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    *i += 3;
    return (char)value;
}

/* Equal without letter case, after decoding the escapes of @escaped. */
static bool escaped_is(struct gh_span escaped, const char *name)
{
    size_t i = 0;

    while (i < escaped.len && *name) {
        if (gh_ascii_lower((unsigned char)octet_at(escaped, &i)) !=
            gh_ascii_lower((unsigned char)*name))
            return false;
        name++;
    }
    return i == escaped.len && !*name;
}

static bool find_pair(struct gh_span text, char sep, const char *name, struct gh_span *value)
{
    while (text.len) {
        struct gh_span pair = gh_span_take(&text, sep);
        size_t name_len = gh_span_find(pair, '=');

        if (!escaped_is(gh_span_head(pair, name_len), name))
            continue;
        if (value)
            *value = gh_span_from(pair, name_len + 1);
        return true;
    }
    return false;
}

bool gh_sip_uri_param(const struct gh_sip_uri *uri, const char *name, struct gh_span *value)
{
    return find_pair(uri->params, ';', name, value);
}

bool gh_sip_uri_header(const struct gh_sip_uri *uri, const char *name, struct gh_span *value)
{
    return find_pair(uri->headers, '&', name, value);
}

struct gh_span gh_sip_uri_strip(const struct gh_sip_uri *uri)
{
    /* Only the part before "@" may hold a "?" that belongs to the user; headers stand at the very
     * end. */
    return uri->headers.len ? gh_span_head(uri->text, uri->text.len - uri->headers.len - 1)
                            : uri->text;
}

bool gh_sip_uri_host_is(const struct gh_sip_uri *uri, struct gh_span host)
{
    struct gh_span own = uri->host;
    struct gh_addr addr;

    if (own.len == 0 || !gh_sip_host_valid(host, &addr))
        return false;
    if (uri->addr.family)
        return gh_addr_same_ip(&uri->addr, &addr);
    own.len -= own.p[own.len - 1] == '.';
    host.len -= host.p[host.len - 1] == '.';
    return gh_span_ieq(own, host);
}

int gh_sip_uri_unescape(struct gh_span text, struct gh_buf *out)
{
    char *room = text.len ? gh_buf_room(out, text.len) : NULL;
    size_t i = 0, len = 0;

    if (text.len == 0)
        return out->err;
    if (!room)
        return out->err;
    while (i < text.len) {
        if (text.p[i] == '%' &&
            (text.len - i < 3 || !gh_lex_is_hex(text.p[i + 1]) || !gh_lex_is_hex(text.p[i + 2])))
            return GH_ESYNTAX;
        room[len++] = octet_at(text, &i);
    }
    out->len += len;
    return 0;
}
