/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of the single fields that we understand: o= t= c= m=.  RFC 8866 section 9.
 * Pure functions over the value, the text after "type=".
 */
#include "sdp_int.h"

/* token-char of RFC 8866 section 9: visible, without the separators.  ":" is not among them. */
static bool is_token_char(char c)
{
    return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]", c);
}

bool gh_sdpi_is_token(struct gh_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_char(text.p[i]))
            return false;
    }
    return text.len > 0;
}

bool gh_sdpi_is_proto(struct gh_span text)
{
    if (text.len == 0 || text.p[text.len - 1] == '/')
        return false;
    while (text.len) {
        if (!gh_sdpi_is_token(gh_span_take(&text, '/')))
            return false;
    }
    return true;
}

bool gh_sdpi_is_formats(struct gh_span text)
{
    if (text.len == 0 || text.p[text.len - 1] == ' ')
        return false;
    while (text.len) {
        if (!gh_sdpi_is_token(gh_span_take(&text, ' ')))
            return false;
    }
    return true;
}

/* non-ws-string: visible ASCII or UTF-8, no blank. */
static bool is_word(struct gh_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c <= ' ' || c == 0x7f)
            return false;
    }
    return text.len > 0;
}

static bool is_digits(struct gh_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!gh_ascii_is_digit((unsigned char)text.p[i]))
            return false;
    }
    return text.len > 0;
}

/* Take what stands before @c off *rest.  @return whether there was a @c at all */
static bool cut(struct gh_span *rest, char c, struct gh_span *head)
{
    size_t before = rest->len;

    *head = gh_span_take(rest, c);
    return head->len < before;
}

bool gh_sdpi_origin(struct gh_span value, struct gh_sdpi_origin *out)
{
    struct gh_span rest = gh_span_trim(value);
    struct gh_sdp_origin *view = &out->view;

    *out = (struct gh_sdpi_origin){ 0 };
    if (rest.p != value.p) /* trim takes trailing blanks off; leading ones are an empty user name */
        return false;
    view->username = gh_span_take(&rest, ' ');
    view->id = gh_span_take(&rest, ' ');
    view->version = gh_span_take(&rest, ' ');
    out->nettype = gh_span_take(&rest, ' ');
    out->addrtype = gh_span_take(&rest, ' ');
    view->address = rest;
    view->id_fits = gh_span_u64(view->id, UINT64_MAX, &view->id_number);
    view->version_fits = gh_span_u64(view->version, UINT64_MAX, &view->version_number);
    /* The address only makes the session's name unique: it need not be of the stated type. */
    if (gh_addr_parse_ip(view->address, 0, &view->addr))
        view->addr = (struct gh_addr){ 0 };
    return is_word(view->username) && is_digits(view->id) && is_digits(view->version) &&
           gh_sdpi_is_token(out->nettype) && gh_sdpi_is_token(out->addrtype) &&
           is_word(view->address);
}

bool gh_sdpi_times(struct gh_span value)
{
    struct gh_span rest = gh_span_trim(value);

    return is_digits(gh_span_take(&rest, ' ')) && is_digits(rest);
}

/* A host name; what looks like a broken IPv4 address ("300.1.1.1", "10.1") is none. */
static bool is_host_name(struct gh_span text)
{
    bool letter = false;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (!gh_ascii_is_alpha(c) && !gh_ascii_is_digit(c) && c != '-' && c != '.' && c != '_')
            return false;
        letter |= gh_ascii_is_alpha(c);
    }
    return letter && text.len <= 255; /* RFC 1035 section 2.3.4 */
}

static bool is_internet(struct gh_span nettype, struct gh_span addrtype)
{
    return gh_span_ieq(nettype, GH_SPAN("IN")) &&
           (gh_span_ieq(addrtype, GH_SPAN("IP4")) || gh_span_ieq(addrtype, GH_SPAN("IP6")));
}

bool gh_sdpi_net_address(struct gh_span nettype, struct gh_span addrtype, struct gh_span host,
                         struct gh_addr *addr)
{
    bool written_v6 = gh_span_find(host, ':') < host.len;

    *addr = (struct gh_addr){ 0 };
    if (!is_internet(nettype, addrtype) || host.len == 0 || host.p[0] == '[')
        return false;
    /* By the text and not by the parsed family: an IPv4-mapped IPv6 address becomes IPv4. */
    if (written_v6 != (addrtype.p[2] == '6') && (written_v6 || !is_host_name(host)))
        return false;
    return gh_addr_parse_ip(host, 0, addr) == 0 || is_host_name(host);
}

static bool is_multicast(const struct gh_addr *addr)
{
    return (addr->family == 4 && addr->ip[0] >= 224 && addr->ip[0] <= 239) ||
           (addr->family == 6 && addr->ip[0] == 0xff);
}

bool gh_sdpi_connection(struct gh_span value, struct gh_sdp_connection *out)
{
    struct gh_span rest = gh_span_trim(value);
    struct gh_span nettype = gh_span_take(&rest, ' ');
    struct gh_span addrtype = gh_span_take(&rest, ' ');
    struct gh_span suffix = rest;

    *out = (struct gh_sdp_connection){ .internet = is_internet(nettype, addrtype) };
    if (!gh_sdpi_is_token(nettype) || !gh_sdpi_is_token(addrtype) || !is_word(rest))
        return false;
    if (!out->internet) { /* ATM, telephone network: RFC 3108, RFC 7195.  Kept, not understood */
        out->host = rest;
        return true;
    }
    out->has_suffix = cut(&suffix, '/', &out->host);
    if (out->has_suffix) { /* section 5.7: ttl and count; RFC 4568 shows one on a unicast address */
        struct gh_span first;
        bool second = cut(&suffix, '/', &first);

        if (!is_digits(first) || (second && !is_digits(suffix)))
            return false;
    }
    if (!gh_sdpi_net_address(nettype, addrtype, out->host, &out->addr))
        return false;
    out->multicast = is_multicast(&out->addr);
    return true;
}

static enum gh_media_kind kind_by_name(struct gh_span name)
{
    static const struct {
        const char *name;
        enum gh_media_kind kind;
    } kinds[] = {
        { "audio", GH_MEDIA_AUDIO },
        { "video", GH_MEDIA_VIDEO },
        { "application", GH_MEDIA_APPLICATION },
        { "text", GH_MEDIA_TEXT },
        { "image", GH_MEDIA_IMAGE },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (gh_span_ieq(name, gh_span_str(kinds[i].name)))
            return kinds[i].kind;
    }
    return GH_MEDIA_OTHER;
}

/* After the media type is known. */
static void profile_by_name(struct gh_span proto, struct gh_sdp_media *out)
{
    static const struct {
        const char *name;
        enum gh_profile profile;
        bool feedback;
    } profiles[] = {
        { "RTP/AVP", GH_PROFILE_AVP, false },           /* RFC 3551 */
        { "RTP/AVPF", GH_PROFILE_AVP, true },           /* RFC 4585 */
        { "RTP/SAVP", GH_PROFILE_SAVP, false },         /* RFC 3711 */
        { "RTP/SAVPF", GH_PROFILE_SAVP, true },         /* RFC 5124 */
        { "UDP/TLS/RTP/SAVP", GH_PROFILE_DTLS, false }, /* RFC 5764 */
        { "UDP/TLS/RTP/SAVPF", GH_PROFILE_DTLS, true }, /* RFC 5764 */
    };

    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        if (gh_span_ieq(proto, gh_span_str(profiles[i].name))) {
            out->profile = profiles[i].profile;
            out->feedback = profiles[i].feedback;
        }
    }
    /* ITU-T T.38 Annex D.2.3: "m=image <port> udptl t38", and for no other media type. */
    if (out->kind == GH_MEDIA_IMAGE && gh_span_ieq(proto, GH_SPAN("udptl")))
        out->profile = GH_PROFILE_UDPTL;
}

/* "port" or "port/count". */
static bool parse_port(struct gh_span text, struct gh_sdp_media *out)
{
    struct gh_span port;
    uint64_t number, count = 1;

    if (cut(&text, '/', &port) && !gh_span_u64(text, UINT16_MAX, &count))
        return false;
    if (!gh_span_u64(port, UINT16_MAX, &number) || count == 0)
        return false;
    out->port = (uint16_t)number;
    out->port_count = (uint16_t)count;
    return true;
}

bool gh_sdpi_media(struct gh_span value, struct gh_sdp_media *out)
{
    struct gh_span rest = value, port, format, formats;

    *out = (struct gh_sdp_media){ 0 };
    out->kind_text = gh_span_take(&rest, ' ');
    port = gh_span_take(&rest, ' ');
    out->proto = gh_span_take(&rest, ' ');
    out->formats = formats = gh_span_trim(rest);
    while (gh_sdp_format_next(&formats, &format)) {
        if (!gh_sdpi_is_token(format))
            return false;
        out->format_count++;
    }
    if (!gh_sdpi_is_token(out->kind_text) || !parse_port(port, out) ||
        !gh_sdpi_is_proto(out->proto))
        return false;
    out->kind = kind_by_name(out->kind_text);
    profile_by_name(out->proto, out);
    return out->format_count > 0 || out->port == 0;
}

bool gh_sdp_format_next(struct gh_span *rest, struct gh_span *format)
{
    while (rest->len) {
        *format = gh_span_take(rest, ' ');
        if (format->len)
            return true;
    }
    return false;
}
