/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing whole classes of lines.  Nothing here allocates, so nothing here fails: a line that may
 * not be removed (s=) is replaced by static text.
 */
#include "sdp_int.h"

struct names {
    const char *const *names;
    size_t count;
};

#define NAMES(table) ((struct names){ (table), sizeof(table) / sizeof((table)[0]) })

static bool name_in(struct gh_span name, struct names set)
{
    name = gh_span_trim(name);
    for (size_t i = 0; i < set.count; i++) {
        if (gh_span_ieq(name, gh_span_str(set.names[i])))
            return true;
    }
    return false;
}

/* s= must stand, so "s=-" takes its place (RFC 8866 section 5.3).  @return lines changed */
static size_t blank_name(struct gh_sdp *doc, size_t at)
{
    struct gh_span text = doc->lf_only ? GH_SPAN("s=-\n") : GH_SPAN("s=-\r\n");

    if (gh_span_eq(gh_sdpi_row_value(&doc->rows[at]), GH_SPAN("-")))
        return 0;
    doc->rows[at].p = text.p;
    doc->rows[at].len = (uint32_t)text.len;
    doc->rows[at].eol = doc->lf_only ? 1 : 2;
    doc->rows[at].number = 0;
    return 1;
}

/* ---- keying ---- */

/* Means nothing, or misleads, on a leg that is keyed on its own or not at all. */
/* clang-format off */
static const char *const keying_names[] = {
    "crypto", "cryptoscale", "key-mgmt",       /* RFC 4568, its drafts, RFC 4567 */
    "fingerprint", "setup", "connection",      /* RFC 8122, RFC 4145 */
    "tls-id", "dtls-id",                       /* RFC 8842 and its drafts */
    "identity",                                /* RFC 8827 */
    "zrtp-hash",                               /* RFC 6189 section 8 */
    "ekt",                                     /* drafts of RFC 8870 */
    "3ge2ae",                                  /* 3GPP TS 33.328: keyed by the access edge */
    "encryption",                              /* Microsoft: whether SRTP is wanted */
};
/* clang-format on */

static bool is_keying(const struct gh_sdp_row *row, const void *section)
{
    struct gh_span name, value;

    /* s= is seen to by the caller; o= and m= with keying were not parsed; v= and t= are numbers. */
    if ((section && row->section != *(const int *)section) || strchr("vostm", row->type))
        return false;
    if (gh_sdpi_row_carriers(row) != GH_CARRY_NOTHING)
        return true;
    if (row->type != 'a')
        return false;
    gh_sdpi_row_attr(row, &name, &value);
    return name_in(name, NAMES(keying_names));
}

size_t gh_sdp_strip_keying_in(struct gh_sdp *doc, int section)
{
    size_t name = gh_sdpi_find(doc, section, 's', 0), changed = 0;

    if (name < doc->count && gh_sdpi_row_carriers(&doc->rows[name]) != GH_CARRY_NOTHING)
        changed = blank_name(doc, name);
    return changed + gh_sdpi_drop(doc, is_keying, &section);
}

size_t gh_sdp_strip_keying(struct gh_sdp *doc)
{
    size_t went = gh_sdp_strip_keying_in(doc, GH_SDP_SESSION);

    return went + gh_sdpi_drop(doc, is_keying, NULL);
}

/* ---- what is not relayed ---- */

/* clang-format off */
static const char *const not_relayed_names[] = {
    "candidate", "remote-candidates", "end-of-candidates", "ice2", /* RFC 8839 */
    "alt", "altc",                           /* RFC 4092's ancestor, RFC 6947: other addresses */
    "group", "bundle-only",                  /* RFC 5888, RFC 9143 */
    "rtcp-mux", "rtcp-mux-only",             /* RFC 5761, RFC 8858: negotiated per leg */
    "csup", "creq", "acap", "tcap", "pcfg", "acfg",      /* RFC 5939 */
    "rmcap", "omcap", "mfcap", "mscap", "lcfg", "sescap",/* RFC 6871 */
    "bcap", "icap", "ccap",                  /* RFC 7006 */
    "source-filter",                         /* RFC 4570 */
};
/* clang-format on */

/* A dotted quad at @at that no digit or dot stands before. */
static bool match_quad(struct gh_span text, size_t at)
{
    size_t end = at;
    struct gh_addr addr;

    if (at > 0 && (gh_ascii_is_digit((unsigned char)text.p[at - 1]) || text.p[at - 1] == '.'))
        return false;
    while (end < text.len && (gh_ascii_is_digit((unsigned char)text.p[end]) || text.p[end] == '.'))
        end++;
    while (end > at && text.p[end - 1] == '.') /* the full stop of a sentence */
        end--;
    return gh_addr_parse_ip(gh_span_of(text.p + at, end - at), 0, &addr) == 0;
}

/* An IPv6 address that begins at @at and ends with a word.  "host:2001:db8::1" holds one; the end
 * of a long list of hexadecimal octets, such as a fingerprint, is none. */
static bool match_ipv6(struct gh_span text, size_t at)
{
    size_t end = at, colons = 0;
    struct gh_addr addr;

    if (at > 0 && (gh_sdpi_is_hex(text.p[at - 1]) || text.p[at - 1] == '.'))
        return false;
    if (at > 1 && text.p[at - 1] == ':' && gh_sdpi_is_hex(text.p[at - 2]))
        return false;
    for (; end < text.len && end - at < INET6_ADDRSTRLEN; end++) {
        if (!gh_sdpi_is_hex(text.p[end]) && text.p[end] != ':' && text.p[end] != '.')
            break;
        colons += text.p[end] == ':';
    }
    if (end < text.len && gh_ascii_is_alpha((unsigned char)text.p[end]))
        return false;
    while (end > at && text.p[end - 1] == '.')
        end--;
    return colons >= 2 && gh_addr_parse_ip(gh_span_of(text.p + at, end - at), 0, &addr) == 0;
}

static bool holds_address(struct gh_span text)
{
    for (size_t at = 0; at < text.len; at++) {
        if (match_quad(text, at) || match_ipv6(text, at))
            return true;
    }
    return false;
}

static bool is_not_relayed(const struct gh_sdp_row *row, const void *arg)
{
    struct gh_span name, value;

    (void)arg;
    if (strchr("iuep", row->type) && row->type)
        return holds_address(gh_sdpi_row_value(row));
    if (row->type != 'a')
        return false;
    gh_sdpi_row_attr(row, &name, &value);
    if (name_in(name, NAMES(not_relayed_names)) ||
        gh_span_istarts(gh_span_trim(name), GH_SPAN("ice-")))
        return true;
    /* a=rtcp stays for its port: whoever writes the SDP sets it. */
    return !gh_span_eq(name, GH_SPAN("rtcp")) && (holds_address(name) || holds_address(value));
}

size_t gh_sdp_strip_not_relayed(struct gh_sdp *doc)
{
    size_t name = gh_sdpi_find(doc, GH_SDP_SESSION, 's', 0), changed = 0;

    if (holds_address(gh_sdpi_row_value(&doc->rows[name])))
        changed = blank_name(doc, name);
    return changed + gh_sdpi_drop(doc, is_not_relayed, NULL);
}

/* ---- what is not understood ---- */

/*
 * Attributes that describe media and cannot key it.  Left out on purpose: everything in the two
 * tables above; extmap, ssrc, msid, T38VendorInfo (open-ended values); X- names; RFC 3407 lines
 * (not relayed).
 */
/* clang-format off */
static const char *const understood_names[] = {
    "rtpmap", "fmtp", "ptime", "maxptime", "minptime",            /* RFC 8866 section 6 */
    "sendrecv", "sendonly", "recvonly", "inactive",               /* RFC 8866 section 6.7 */
    "rtcp", "rtcp-fb", "rtcp-xr", "rtcp-rsize",                   /* RFC 3605, 4585, 3611, 5506 */
    "mid", "label", "content",                                    /* RFC 5888, 4574, 4796 */
    "framerate", "framesize", "imageattr", "quality", "orient",   /* RFC 8866, 6064, 6236 */
    "lang", "sdplang", "silenceSupp",                             /* RFC 8866, RFC 3108 */
    "curr", "des", "conf",                                        /* RFC 3312: else no call */
    "T38FaxVersion", "T38MaxBitRate", "T38FaxMaxBuffer",          /* ITU-T T.38 Annex D.2.3 */
    "T38FaxMaxDatagram", "T38FaxMaxIFP", "T38FaxRateManagement",
    "T38FaxFillBitRemoval", "T38FaxTranscodingMMR", "T38FaxTranscodingJBIG",
    "T38FaxUdpEC", "T38FaxUdpECDepth", "T38FaxUdpFECMaxSpan",
};
/* clang-format on */

static const char *const understood_bandwidths[] = { "AS", "CT", "TIAS", "RS", "RR" };

static bool is_not_understood(const struct gh_sdp_row *row, const void *arg)
{
    struct gh_span name, value = gh_sdpi_row_value(row);
    struct gh_sdp_connection connection;

    (void)arg;
    switch (row->type) {
    case 'v':
    case 'o':
    case 's':
    case 't':
    case 'm':
        return false; /* s= is seen to by the caller */
    case 'c':
        return !gh_sdpi_connection(value, &connection) || !connection.internet;
    case 'b':
        name = gh_span_take(&value, ':');
        return !name_in(name, NAMES(understood_bandwidths)) || !gh_sdpi_is_token(value);
    case 'a':
        gh_sdpi_row_attr(row, &name, &value);
        return !name_in(name, NAMES(understood_names)) ||
               gh_sdpi_row_carriers(row) != GH_CARRY_NOTHING;
    default:
        return true;
    }
}

size_t gh_sdp_strip_unknown(struct gh_sdp *doc)
{
    /* Free text is not understood either. */
    size_t changed = blank_name(doc, gh_sdpi_find(doc, GH_SDP_SESSION, 's', 0));

    return changed + gh_sdpi_drop(doc, is_not_understood, NULL);
}
