/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a=crypto lines: RFC 4568 section 4.  A key goes from the caller's octets straight into
 * the piece that the document owns and wipes; there is no third place.
 */
#include <stdio.h>

#include "sdp_int.h"

#define TAG_MAX           999999999u /* nine digits */
#define LIFETIME_TEXT_MAX 24
#define MKI_TEXT_MAX      8 /* "|255:1" */

/* As many octets as the longest key in base64; they hold the key's place until it is written. */
static const char key_place[GH_SDP_BASE64_MAX + 1] =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/* Behind the last a=crypto line of the section, else before its first a-line. */
static size_t crypto_place(const struct gh_sdp *doc, int section)
{
    size_t count = gh_sdp_crypto_count(doc, section);

    return count ? gh_sdpi_find_attr(doc, section, GH_SPAN("crypto"), count - 1) + 1
                 : gh_sdpi_first_attr(doc, section);
}

static struct gh_span tag_text(char buf[16], uint32_t tag)
{
    return gh_span_of(buf, (size_t)snprintf(buf, 16, "%u", tag));
}

/* "|2^31", "|1000" or nothing.  RFC 4568 section 6.1 */
static struct gh_span lifetime_text(char buf[LIFETIME_TEXT_MAX], uint64_t packets)
{
    unsigned power = 0;
    int len;

    if (packets == 0)
        return GH_SPAN("");
    while (packets >> power > 1)
        power++;
    if (packets == 1ULL << power)
        len = snprintf(buf, LIFETIME_TEXT_MAX, "|2^%u", power);
    else
        len = snprintf(buf, LIFETIME_TEXT_MAX, "|%llu", (unsigned long long)packets);
    return gh_span_of(buf, (size_t)len);
}

static struct gh_span mki_text(char buf[MKI_TEXT_MAX], uint8_t mki)
{
    return mki ? gh_span_of(buf, (size_t)snprintf(buf, MKI_TEXT_MAX, "|%u:1", mki)) : GH_SPAN("");
}

/* Has @index an m-line that may get an a=crypto line with this tag? */
static int check_place(const struct gh_sdp *doc, int index, uint32_t tag)
{
    if (index < 0 || !gh_sdpi_has_section(doc, index))
        return GH_ENOTFOUND;
    return tag > TAG_MAX ? GH_EINVAL : 0;
}

int gh_sdp_add_crypto(struct gh_sdp *doc, int index, uint32_t tag, enum gh_suite suite,
                      const uint8_t *key, size_t key_len, uint64_t lifetime_pkts, uint8_t mki)
{
    size_t text_len = (key_len + 2) / 3 * 4, head = 0;
    char tag_buf[16], lifetime_buf[LIFETIME_TEXT_MAX], mki_buf[MKI_TEXT_MAX];
    struct gh_sdp_row row;
    char *octets;
    int err = check_place(doc, index, tag);

    if (err)
        return err;
    if (suite == GH_SUITE_NONE || key_len == 0 || key_len != gh_suite_key_salt_len(suite) ||
        lifetime_pkts > 1ULL << 48)
        return GH_EINVAL;
    struct gh_span parts[] = { GH_SPAN("a=crypto:"),
                               tag_text(tag_buf, tag),
                               GH_SPAN(" "),
                               gh_span_str(gh_suite_info(suite)->name),
                               GH_SPAN(" inline:"),
                               gh_span_of(key_place, text_len),
                               lifetime_text(lifetime_buf, lifetime_pkts),
                               mki_text(mki_buf, mki) };

    for (size_t i = 0; i < 5; i++)
        head += parts[i].len;
    err = gh_sdpi_make_row(doc, parts, sizeof(parts) / sizeof(parts[0]), &row, &octets);
    if (err)
        return err;
    err = gh_sdp_base64_encode(key, key_len, octets + head, text_len, &text_len);
    return err ? err : gh_sdpi_insert_row(doc, crypto_place(doc, index), index, row);
}

int gh_sdp_copy_crypto(struct gh_sdp *doc, int index, uint32_t tag,
                       const struct gh_sdp_crypto *from)
{
    char tag_buf[16];
    struct gh_sdp_row row;
    int err = check_place(doc, index, tag);

    if (err)
        return err;
    if (!from->parseable || !from->key_len_right || from->key_count != 1 || from->has_mki ||
        from->key_all_equal || from->params)
        return GH_ESTATE;
    struct gh_span parts[] = { GH_SPAN("a=crypto:"),
                               tag_text(tag_buf, tag),
                               GH_SPAN(" "),
                               gh_span_str(gh_suite_info(from->suite)->name),
                               GH_SPAN(" inline:"), /* whatever the case of the letters there */
                               gh_span_from(from->key_params, sizeof("inline:") - 1) };

    err = gh_sdpi_make_row(doc, parts, sizeof(parts) / sizeof(parts[0]), &row, NULL);
    return err ? err : gh_sdpi_insert_row(doc, crypto_place(doc, index), index, row);
}
