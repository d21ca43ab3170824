/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed views of session and media lines, and the key-free facts of an m-line.
 * RFC 8866, 3605 (a=rtcp), 5761 (a=rtcp-mux), 8122 (a=fingerprint), 4145 (a=setup), 5888 (a=mid,
 * a=group).
 */
#include "sdp_int.h"

void gh_sdp_origin(const struct gh_sdp *doc, struct gh_sdp_origin *out)
{
    struct gh_sdpi_origin origin;
    size_t at = gh_sdpi_find(doc, GH_SDP_SESSION, 'o', 0);

    /* Parsing saw to it that it is there, and every edit that it stays right. */
    gh_sdpi_origin(gh_sdpi_row_value(&doc->rows[at]), &origin);
    *out = origin.view;
}

int gh_sdp_connection(const struct gh_sdp *doc, int section, struct gh_sdp_connection *out)
{
    size_t at;

    if (!gh_sdpi_has_section(doc, section))
        return GH_ENOTFOUND;
    at = gh_sdpi_find(doc, section, 'c', 0);
    if (at == doc->count && section != GH_SDP_SESSION) {
        section = GH_SDP_SESSION;
        at = gh_sdpi_find(doc, section, 'c', 0);
    }
    if (at == doc->count)
        return GH_ENOTFOUND;
    gh_sdpi_connection(gh_sdpi_row_value(&doc->rows[at]), out);
    out->section = section;
    out->several = gh_sdpi_find(doc, section, 'c', 1) < doc->count;
    return 0;
}

size_t gh_sdp_media_count(const struct gh_sdp *doc)
{
    return doc->media_count;
}

int gh_sdp_media(const struct gh_sdp *doc, int index, struct gh_sdp_media *out)
{
    if (index < 0 || !gh_sdpi_has_section(doc, index))
        return GH_ENOTFOUND;
    gh_sdpi_media(gh_sdpi_row_value(&doc->rows[gh_sdpi_find(doc, index, 'm', 0)]), out);
    return 0;
}

/* ---- direction ---- */

const char *gh_sdp_direction_name(enum gh_direction direction)
{
    static const char *const names[] = { [GH_INACTIVE] = "inactive",
                                         [GH_SENDONLY] = "sendonly",
                                         [GH_RECVONLY] = "recvonly",
                                         [GH_SENDRECV] = "sendrecv" };

    return names[(unsigned)direction & 3u];
}

/* What one section says; false when it says nothing. */
static bool section_direction(const struct gh_sdp *doc, int section, unsigned *bits)
{
    bool said = false;

    *bits = GH_SENDRECV;
    for (unsigned d = GH_INACTIVE; d <= GH_SENDRECV; d++) {
        if (gh_sdp_attr(doc, section, gh_sdp_direction_name((enum gh_direction)d), 0, NULL)) {
            *bits &= d;
            said = true;
        }
    }
    return said;
}

enum gh_direction gh_sdp_direction(const struct gh_sdp *doc, int section)
{
    unsigned bits;

    if (section == GH_SDP_SESSION || !section_direction(doc, section, &bits))
        section_direction(doc, GH_SDP_SESSION, &bits);
    return (enum gh_direction)bits;
}

/* ---- RTCP ---- */

int gh_sdp_rtcp(const struct gh_sdp *doc, int section, struct gh_sdp_rtcp *out)
{
    struct gh_span rest, nettype, addrtype;
    uint64_t port;

    if (!gh_sdp_attr(doc, section, "rtcp", 0, &rest))
        return GH_ENOTFOUND;
    *out = (struct gh_sdp_rtcp){ 0 };
    rest = gh_span_trim(rest);
    if (!gh_span_u64(gh_span_take(&rest, ' '), UINT16_MAX, &port))
        return GH_ESYNTAX;
    out->port = (uint16_t)port;
    if (rest.len == 0)
        return 0;
    nettype = gh_span_take(&rest, ' ');
    addrtype = gh_span_take(&rest, ' ');
    if (!gh_sdpi_net_address(nettype, addrtype, rest, &out->addr))
        return GH_ESYNTAX;
    out->has_addr = true;
    out->host = rest;
    out->addr.port = out->port;
    return 0;
}

bool gh_sdp_rtcp_mux(const struct gh_sdp *doc, int section)
{
    return section != GH_SDP_SESSION && gh_sdp_attr(doc, section, "rtcp-mux", 0, NULL);
}

/* ---- fingerprint, setup, mid, group ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)gh_ascii_lower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 2HEX *(":" 2HEX); RFC 8122 wants capital letters, many peers write small ones. */
static bool parse_hex_octets(struct gh_span text, struct gh_sdp_fingerprint *out)
{
    if (text.len % 3 != 2 || text.len / 3 >= GH_SDP_FINGERPRINT_MAX)
        return false;
    for (size_t i = 0; i < text.len; i += 3) {
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);

        if (high < 0 || low < 0 || (i + 2 < text.len && text.p[i + 2] != ':'))
            return false;
        out->octets[out->len++] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool hash_len_right(struct gh_span hash, size_t len)
{
    static const struct {
        const char *name;
        size_t len;
    } hashes[] = { { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 }, { "sha-224", 28 },
                   { "sha-1", 20 },   { "md5", 16 },     { "md2", 16 } }; /* RFC 8122 section 5 */

    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        if (gh_span_ieq(hash, gh_span_str(hashes[i].name)))
            return len == hashes[i].len;
    }
    return true;
}

int gh_sdp_fingerprint(const struct gh_sdp *doc, int section, size_t nth,
                       struct gh_sdp_fingerprint *out)
{
    struct gh_span value;

    /* RFC 8122 section 5: the media level overrides the session level as a whole. */
    if (!gh_sdp_attr(doc, section, "fingerprint", 0, NULL))
        section = GH_SDP_SESSION;
    if (!gh_sdp_attr(doc, section, "fingerprint", nth, &value))
        return GH_ENOTFOUND;
    *out = (struct gh_sdp_fingerprint){ .section = section };
    value = gh_span_trim(value);
    out->hash = gh_span_take(&value, ' ');
    if (!gh_sdpi_is_token(out->hash) || !parse_hex_octets(value, out) ||
        !hash_len_right(out->hash, out->len))
        return GH_ESYNTAX;
    return 0;
}

enum gh_sdp_setup gh_sdp_setup(const struct gh_sdp *doc, int section)
{
    static const char *const names[] = { [GH_SETUP_ACTIVE] = "active",
                                         [GH_SETUP_PASSIVE] = "passive",
                                         [GH_SETUP_ACTPASS] = "actpass",
                                         [GH_SETUP_HOLDCONN] = "holdconn" };
    struct gh_span value;

    if (!gh_sdp_attr(doc, section, "setup", 0, &value) &&
        !gh_sdp_attr(doc, GH_SDP_SESSION, "setup", 0, &value))
        return GH_SETUP_NONE;
    for (int s = GH_SETUP_ACTIVE; s < GH_SETUP_BAD; s++) {
        if (gh_span_eq(gh_span_trim(value), gh_span_str(names[s])))
            return (enum gh_sdp_setup)s;
    }
    return GH_SETUP_BAD;
}

bool gh_sdp_mid(const struct gh_sdp *doc, int section, struct gh_span *out)
{
    struct gh_span value;

    if (section == GH_SDP_SESSION || !gh_sdp_attr(doc, section, "mid", 0, &value) || value.len == 0)
        return false;
    *out = value;
    return true;
}

int gh_sdp_group(const struct gh_sdp *doc, size_t nth, struct gh_sdp_group *out)
{
    struct gh_span value;

    if (!gh_sdp_attr(doc, GH_SDP_SESSION, "group", nth, &value))
        return GH_ENOTFOUND;
    out->semantics = gh_span_take(&value, ' ');
    out->mids = gh_span_trim(value);
    return gh_sdpi_is_token(out->semantics) ? 0 : GH_ESYNTAX;
}

/* ---- facts ---- */

/* Where RTCP goes: with RTP when multiplexed, else a=rtcp, else the next port (RFC 3605). */
static struct gh_addr rtcp_addr(const struct gh_sdp *doc, int index,
                                const struct gh_sdp_media_facts *facts)
{
    static const struct gh_addr none;
    struct gh_addr addr = facts->rtp;
    struct gh_sdp_rtcp rtcp;
    int err = gh_sdp_rtcp(doc, index, &rtcp);

    if (facts->rtcp_mux || facts->port == 0)
        return addr;
    if (err == GH_ENOTFOUND && facts->port < UINT16_MAX) {
        addr.port = (uint16_t)(facts->port + 1);
        return addr;
    }
    if (err)
        return none;
    if (rtcp.has_addr)
        return rtcp.addr.family ? rtcp.addr : none;
    addr.port = rtcp.port;
    return addr;
}

static void crypto_facts(const struct gh_sdp *doc, int index, struct gh_sdp_media_facts *facts)
{
    struct gh_sdp_crypto crypto;
    uint32_t tags[GH_SDP_CRYPTO_MAX];
    size_t known = 0; /* tags; a line too broken to have one counts as tag 0 */

    while (known < GH_SDP_CRYPTO_MAX && gh_sdp_crypto(doc, index, known, &crypto) == 0) {
        for (size_t i = 0; i < known; i++)
            facts->crypto_tag_twice |= crypto.parseable && tags[i] == crypto.tag;
        tags[known++] = crypto.tag;
        facts->crypto_count++;
        facts->crypto_parseable += crypto.parseable && crypto.key_len_right;
    }
    if (facts->crypto_count)
        facts->offers |= GH_SDP_OFFERS_SDES;
    if (gh_sdp_attr(doc, index, "fingerprint", 0, NULL) ||
        gh_sdp_attr(doc, GH_SDP_SESSION, "fingerprint", 0, NULL))
        facts->offers |= GH_SDP_OFFERS_DTLS;
}

int gh_sdp_media_facts(const struct gh_sdp *doc, int index, struct gh_sdp_media_facts *out)
{
    struct gh_sdp_connection connection;
    struct gh_sdp_media media;
    int err = gh_sdp_media(doc, index, &media);

    if (err)
        return err;
    *out = (struct gh_sdp_media_facts){ .kind = media.kind,
                                        .profile = media.profile,
                                        .feedback = media.feedback,
                                        .port = media.port,
                                        .direction = gh_sdp_direction(doc, index),
                                        .rtcp_mux = gh_sdp_rtcp_mux(doc, index) };
    if (gh_sdp_connection(doc, index, &connection) == 0) {
        out->rtp = connection.addr;
        out->multicast = connection.multicast;
        out->host_is_name = connection.internet && connection.addr.family == 0;
        out->connection_any = connection.addr.family && gh_addr_is_any(&connection.addr);
    }
    if (out->rtp.family)
        out->rtp.port = media.port;
    out->rtcp = rtcp_addr(doc, index, out);
    if (out->rtcp.family == 0)
        out->rtcp.port = 0;
    crypto_facts(doc, index, out);
    return 0;
}
