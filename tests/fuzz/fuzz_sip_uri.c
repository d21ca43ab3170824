/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: URIs and every header value parser over one text.  What parses as a URI keeps
 * its parts in order and inside the text, loses its "?" part for good, and reads the same
 * again.  Seeds: tests/fuzz/sip_uri/.
 */
#include <stdint.h>
#include <stdlib.h>

#include "sip/hdr.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct gh_span part, struct gh_span text)
{
    return part.len == 0 || (part.p >= text.p && part.p + part.len <= text.p + text.len);
}

static void look_at_uri(struct gh_span text)
{
    struct gh_sip_uri uri, again;
    struct gh_buf plain = { 0 };
    struct gh_span value;

    if (gh_sip_uri_parse(text, &uri))
        return;
    REQUIRE(inside(uri.user, text) && inside(uri.password, text) && inside(uri.host, text));
    REQUIRE(inside(uri.params, text) && inside(uri.headers, text));
    for (size_t i = 0; i < text.len; i++)
        REQUIRE((unsigned char)text.p[i] > 0x20 && (unsigned char)text.p[i] < 0x7f &&
                !strchr("<>\"\\", text.p[i]));
    if (uri.scheme == GH_SIP_SCHEME_SIP || uri.scheme == GH_SIP_SCHEME_SIPS) {
        REQUIRE(gh_sip_host_valid(uri.host, NULL) && gh_sip_uri_host_is(&uri, uri.host));
        REQUIRE(gh_sip_uri_parse(gh_sip_uri_strip(&uri), &again) == 0);
        REQUIRE(again.headers.len == 0 && gh_span_eq(again.host, uri.host) &&
                gh_span_eq(again.user, uri.user) && again.port == uri.port &&
                gh_span_eq(again.params, uri.params));
    }
    gh_sip_uri_param(&uri, "lr", &value);
    gh_sip_uri_header(&uri, "replaces", &value);
    REQUIRE(gh_sip_uri_unescape(text, &plain) == 0 && plain.len <= text.len);
    gh_buf_fini(&plain);
}

static void look_at_values(struct gh_span text)
{
    struct gh_sip_session_id id;
    struct gh_sip_media_type type;
    struct gh_sip_call_info info;
    struct gh_sip_replaces replaces;
    struct gh_sip_warning warning;
    struct gh_sip_reason reason;
    struct gh_sip_addr addr;
    struct gh_sip_via via;
    enum gh_sip_refresher refresher;
    uint32_t a, b, words[4];
    struct gh_span span;
    struct gh_buf plain = { 0 };

    if (gh_sip_addr_parse(text, &addr) == 0 && !addr.star) {
        REQUIRE(addr.tag.len == 0 || gh_sip_is_token(addr.tag));
        REQUIRE(inside(addr.display, text) && inside(addr.uri.text, text) &&
                inside(addr.params, text));
    }
    if (gh_sip_via_parse(text, &via) == 0)
        REQUIRE(gh_sip_host_valid(via.host, NULL) &&
                (via.branch.len == 0 || gh_sip_is_token(via.branch)));
    if (gh_sip_cseq_parse(text, &a, &span) == 0)
        REQUIRE(a <= INT32_MAX && gh_sip_is_token(span));
    if (gh_sip_replaces_parse(text, &replaces) == 0)
        REQUIRE(replaces.to_tag.len && replaces.from_tag.len &&
                gh_sip_call_id_valid(replaces.call_id));
    if (gh_sip_session_id_parse(text, &id) == 0)
        REQUIRE(id.local.len == 32 && (id.remote.len == 32 || id.remote.len == 0));
    if (gh_sip_warning_parse(text, &warning) == 0)
        REQUIRE(gh_sip_unquote(warning.text, &plain) == 0);
    gh_sip_rack_parse(text, &a, &b, &span);
    gh_sip_seconds_parse(text, &a, &span);
    gh_sip_session_expires_parse(text, &a, &refresher);
    gh_sip_reason_parse(text, &reason);
    gh_sip_guid_parse(text, words);
    gh_sip_media_type_parse(text, &type);
    gh_sip_call_info_parse(text, &info);
    gh_buf_fini(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_span text = gh_span_of((const char *)data, size), rest = text, item;

    look_at_uri(text);
    look_at_values(text);
    while (gh_sip_list_next(&rest, &item) == 0) {
        REQUIRE(item.len && inside(item, text));
        look_at_values(item);
    }
    return 0;
}
