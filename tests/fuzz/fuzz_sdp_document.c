/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: the whole of libgh_sdp over one text.  Whatever parses prints as it was, also
 * after edits; the scans agree; strips leave no carrier; redaction blanks every key that a view can
 * see. Seeds: tests/fuzz/sdp_document/, dictionary: tests/fuzz/sdp_document.dict.
 */
#include <stdlib.h>

#include <gatehouse/sdp.h>

#define REQUIRE(condition)                                                              \
    do {                                                                                \
        if (!(condition))                                                               \
            abort();                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Does @doc print as @text? */
static void require_prints(const struct gh_sdp *doc, struct gh_span text)
{
    char *buf = malloc(text.len);
    size_t len = 0;

    REQUIRE(buf && gh_sdp_len(doc) == text.len);
    REQUIRE(gh_sdp_print(doc, buf, text.len, &len) == 0 && len == text.len);
    REQUIRE(memcmp(buf, text.p, len) == 0);
    free(buf);
}

static void look_at_crypto(const struct gh_sdp_crypto *crypto)
{
    uint8_t key[GH_SUITE_KEY_MAX], mki[GH_SDP_MKI_MAX];
    size_t len = 0;

    REQUIRE(crypto->parseable == (crypto->fault == NULL));
    for (size_t k = 0; k <= crypto->key_count; k++) {
        int err = gh_sdp_crypto_key(crypto, k, key, &len);

        if (err == 0)
            REQUIRE(len == gh_suite_key_salt_len(crypto->suite));
        REQUIRE(err != 0 || k < crypto->key_count);
        if (crypto->key_len_right && k < crypto->key_count)
            REQUIRE(err == 0);
        if (crypto->parseable && k < crypto->key_count && crypto->keys[k].mki_octets)
            REQUIRE(gh_sdp_crypto_mki(&crypto->keys[k], mki) == 0);
    }
}

static void look(const struct gh_sdp *doc)
{
    struct gh_sdp_origin origin;

    gh_sdp_origin(doc, &origin);
    REQUIRE(origin.username.len && origin.id.len && origin.version.len && origin.address.len);
    for (int s = GH_SDP_SESSION; s <= (int)gh_sdp_media_count(doc); s++) {
        struct gh_sdp_connection connection;
        struct gh_sdp_fingerprint fingerprint;
        struct gh_sdp_media_facts facts;
        struct gh_sdp_crypto crypto;
        struct gh_sdp_media media;
        struct gh_sdp_group group;
        struct gh_sdp_rtcp rtcp;
        struct gh_span mid;
        bool live = s >= 0 && s < (int)gh_sdp_media_count(doc);

        gh_sdp_connection(doc, s, &connection);
        gh_sdp_rtcp(doc, s, &rtcp);
        gh_sdp_direction(doc, s);
        gh_sdp_setup(doc, s);
        gh_sdp_mid(doc, s, &mid);
        for (size_t n = 0; gh_sdp_fingerprint(doc, s, n, &fingerprint) != GH_ENOTFOUND; n++)
            ;
        for (size_t n = 0; gh_sdp_group(doc, n, &group) != GH_ENOTFOUND; n++)
            ;
        for (size_t n = 0; gh_sdp_crypto(doc, s, n, &crypto) == 0; n++)
            look_at_crypto(&crypto);
        REQUIRE((gh_sdp_media(doc, s, &media) == 0) == live);
        REQUIRE((gh_sdp_media_facts(doc, s, &facts) == 0) == live);
        REQUIRE(!live || facts.crypto_parseable <= facts.crypto_count);
    }
}

/* Each key that a view sees, and each k= value, is stars at its place. */
static void require_redacted(const struct gh_sdp *doc, struct gh_span text)
{
    char *out = malloc(text.len);
    struct gh_sdp_line line;
    size_t at = 0;

    REQUIRE(out);
    gh_sdp_redact(text, out);
    for (size_t i = 0; gh_sdp_line(doc, i, &line) == 0; i++) {
        struct gh_sdp_crypto crypto = { 0 };

        if (line.type == 'k') {
            for (size_t n = 0; n < line.value.len; n++)
                REQUIRE(out[at + 2 + n] == '*');
        }
        if (line.type == 'a' && gh_span_eq(line.name, GH_SPAN("crypto")))
            gh_sdp_crypto_parse(line.attr, &crypto);
        for (size_t k = 0; k < crypto.key_count; k++) {
            size_t off = at + (size_t)(crypto.keys[k].text.p - line.raw.p);

            for (size_t n = 0; n < crypto.keys[k].text.len; n++)
                REQUIRE(out[off + n] == '*');
        }
        at += line.raw.len;
    }
    free(out);
}

static void edit_once(struct gh_sdp *doc, uint32_t *state, struct gh_span piece)
{
    static const char *const names[] = { "ptime", "x-odd", "sendrecv", "crypto", "rtcp", "mid" };
    int section = (int)(next(state) % (gh_sdp_media_count(doc) + 2)) - 1;
    const char *name = names[next(state) % 6];
    struct gh_addr addr = { .family = next(state) % 2 ? 4 : 6, .ip = { 10, 1, 2, 3 }, .port = 7 };
    struct gh_sdp_origin_edit origin = { .username = piece,
                                         .set_version = true,
                                         .version = next(state) };
    uint8_t key[GH_SUITE_KEY_MAX];
    struct gh_sdp_crypto crypto;

    memset(key, (int)next(state), sizeof(key));
    switch (next(state) % 19) {
    case 0: gh_sdp_set_origin(doc, &origin); break;
    case 1: gh_sdp_set_name(doc, piece); break;
    case 2: gh_sdp_set_connection(doc, section, &addr); break;
    case 3: gh_sdp_remove_connection(doc, section); break;
    case 4: gh_sdp_set_port(doc, section, (uint16_t)next(state)); break;
    case 5: gh_sdp_set_proto(doc, section, piece); break;
    case 6: gh_sdp_set_formats(doc, section, piece); break;
    case 7: gh_sdp_append_media(doc, GH_SPAN("audio"), 1, GH_SPAN("RTP/AVP"), piece); break;
    case 8: gh_sdp_disable_media(doc, section); break;
    case 9: gh_sdp_append_attr(doc, section, name, piece); break;
    case 10: gh_sdp_insert_attr(doc, section, name, piece); break;
    case 11: gh_sdp_set_attr(doc, section, name, piece); break;
    case 12: gh_sdp_remove_attr(doc, section, name); break;
    case 13: gh_sdp_remove_line(doc, next(state) % (gh_sdp_line_count(doc) + 1)); break;
    case 14: gh_sdp_set_rtcp(doc, section, &addr); break;
    case 15: gh_sdp_set_direction(doc, section, (enum gh_direction)(next(state) % 4)); break;
    case 16:
        gh_sdp_add_crypto(doc, section, 1, GH_AEAD_AES_256_GCM, key, 44, next(state), next(state) & 0xff);
        break;
    case 17:
        if (gh_sdp_crypto(doc, section, 0, &crypto) == 0)
            gh_sdp_copy_crypto(doc, section, 9, &crypto);
        break;
    case 18: gh_sdp_strip_keying_in(doc, section); break;
    }
}

/* Edits, then: what is printed parses to the same document. */
static void edit(const struct gh_sdp *doc, struct gh_span text)
{
    struct gh_sdp *copy = NULL, *again = NULL;
    uint32_t state = (uint32_t)text.len;

    for (size_t i = 0; i < text.len; i++)
        state = state * 31 + (unsigned char)text.p[i];
    REQUIRE(gh_sdp_clone(&copy, doc) == 0);
    require_prints(copy, text);
    REQUIRE(gh_sdp_compare(doc, copy) == GH_SDP_SAME);
    for (uint32_t i = next(&state) % 8; i < 8; i++) {
        size_t at = next(&state) % text.len;

        edit_once(copy, &state, gh_span_head(gh_span_from(text, at), next(&state) % 16));
    }
    REQUIRE(gh_sdp_clone(&again, copy) == 0);
    REQUIRE(gh_sdp_compare(again, copy) == GH_SDP_SAME);
    REQUIRE(gh_sdp_media_count(again) == gh_sdp_media_count(copy));
    gh_sdp_free(again);
    gh_sdp_free(copy);
}

/* A strip leaves nothing to find, and a document. */
static void strip(const struct gh_sdp *doc, size_t (*strip_fn)(struct gh_sdp *), bool keyless)
{
    struct gh_sdp *copy = NULL, *again = NULL;

    REQUIRE(gh_sdp_clone(&copy, doc) == 0);
    strip_fn(copy);
    REQUIRE(!keyless || gh_sdp_carriers(copy) == GH_CARRY_NOTHING);
    REQUIRE(strip_fn(copy) == 0);
    REQUIRE(gh_sdp_clone(&again, copy) == 0);
    gh_sdp_free(again);
    gh_sdp_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_span text = gh_span_of((const char *)data, size);
    unsigned raw = gh_sdp_text_has_carrier(text);
    struct gh_sdp_error error = { 0, NULL };
    struct gh_sdp *doc = NULL;
    int err = gh_sdp_parse(&doc, text, &error);

    if (err) {
        char *out = malloc(size ? size : 1);

        REQUIRE(doc == NULL && error.text && (err == GH_ESYNTAX || err == GH_ELIMIT));
        gh_sdp_redact(text, out);
        free(out);
        return 0;
    }
    require_prints(doc, text);
    look(doc);
    REQUIRE((gh_sdp_carriers(doc) & ~raw) == 0);
    require_redacted(doc, text);
    edit(doc, text);
    strip(doc, gh_sdp_strip_keying, true);
    strip(doc, gh_sdp_strip_unknown, true);
    strip(doc, gh_sdp_strip_not_relayed, false);
    gh_sdp_free(doc);
    return 0;
}
