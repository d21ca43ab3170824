/* SPDX-License-Identifier: Apache-2.0 */
#include "support_negotiate.h"

#include <stdlib.h>

static const struct {
    const char *name, *text;
} keys[] = {
    { "@A1", "a2V5IG9uZSBvZiBzaWRlIGEsIHRoaXJ0eSBvY3Rl" },
    { "@A2", "a2V5IHR3byBvZiBzaWRlIGEsIHRoaXJ0eSBvY3Rl" },
    { "@A3", "a2V5IHRyaSBvZiBzaWRlIGEsIHRoaXJ0eSBvY3Rl" },
    { "@AG", "a2V5IGdjbSBvZiBzaWRlIGEsIGZvcnR5LWZvdXIgb2N0ZXRzLCBubyBtb3I=" },
    { "@AC", "a2V5IDI1NiBvZiBzaWRlIGEsIGZvcnR5LXNpeCBvY3RldHMsIG5vIG1vcmUuLg==" },
    { "@B1", "a2V5IG9uZSBvZiBzaWRlIGIsIHRoaXJ0eSBvY3Rl" },
    { "@B2", "a2V5IHR3byBvZiBzaWRlIGIsIHRoaXJ0eSBvY3Rl" },
    { "@B3", "a2V5IHRyaSBvZiBzaWRlIGIsIHRoaXJ0eSBvY3Rl" },
    { "@BG", "a2V5IGdjbSBvZiBzaWRlIGIsIGZvcnR5LWZvdXIgb2N0ZXRzLCBubyBtb3I=" },
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

const struct gh_neg_self nego_self_b = { .address = { .family = 4, .ip = { 203, 0, 113, 9 } },
                                         .session_id = 1001,
                                         .version = 1 };
const struct gh_neg_self nego_self_a = { .address = { .family = 4, .ip = { 203, 0, 113, 9 } },
                                         .session_id = 2002,
                                         .version = 5 };

const char *nego_key_text(size_t i, const char **name)
{
    if (i >= KEY_COUNT)
        return NULL;
    if (name)
        *name = keys[i].name + 1;
    return keys[i].text;
}

size_t nego_key(const char *name, uint8_t octets[GH_SUITE_KEY_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(keys[i].name + 1, name) == 0 &&
            gh_sdp_base64_decode(gh_span_str(keys[i].text), octets, GH_SUITE_KEY_MAX, &len) == 0)
            return len;
    }
    abort();
}

void nego_leg(struct nego_leg *out, const struct nego_who *who)
{
    *out = (struct nego_leg){
        .rules = { .id = 1,
                   .name = "T",
                   .transport = GH_TRANSPORT_TLS,
                   .srtp = who->srtp,
                   .strict_tags = who->strict,
                   .suite_order_local = who->local_order,
                   .best_effort = who->savp ? GH_BEST_EFFORT_SAVP : GH_BEST_EFFORT_AVP },
        .leg = { .signalling = who->signalling, .bridge = who->bridge, .media4 = { .family = 4, .ip = { 192, 0, 2, 200 } } },
    };
    memcpy(out->rules.suites, who->suites, sizeof(who->suites));
    while (out->rules.suite_count < GH_TRUNK_SUITES_MAX &&
           out->rules.suites[out->rules.suite_count])
        out->rules.suite_count++;
    if (!out->rules.suite_count) {
        out->rules.suites[0] = GH_AEAD_AES_256_GCM;
        out->rules.suites[1] = GH_AES_CM_128_HMAC_SHA1_80;
        out->rules.suite_count = 2;
    }
    out->leg.rules = &out->rules;
}

static size_t put(char *out, size_t at, const char *text, size_t len)
{
    if (len >= NEGO_TEXT_MAX - at)
        abort();
    memcpy(out + at, text, len);
    out[at + len] = 0;
    return at + len;
}

struct gh_span nego_expand(const char *text, char out[NEGO_TEXT_MAX])
{
    size_t at = 0;

    out[0] = 0;
    while (*text) {
        size_t i = 0;

        while (i < KEY_COUNT && strncmp(text, keys[i].name, strlen(keys[i].name)) != 0)
            i++;
        if (i < KEY_COUNT) {
            at = put(out, at, keys[i].text, strlen(keys[i].text));
            text += strlen(keys[i].name);
        } else if (*text == '\n') {
            at = put(out, at, "\r\n", 2);
            text++;
        } else {
            at = put(out, at, text++, 1);
        }
    }
    return gh_span_of(out, at);
}

const char *nego_raw(const struct gh_sdp *doc, char out[NEGO_TEXT_MAX])
{
    size_t len;

    if (gh_sdp_print(doc, out, NEGO_TEXT_MAX - 1, &len))
        abort();
    out[len] = 0;
    return out;
}

/* The name of a key; "@own" for one that has the length of the suite that stands before it. */
static const char *name_of(const char *line, const char *key, size_t len)
{
    struct gh_span rest = gh_span_of(line, (size_t)(key - line));
    size_t octets = 0;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (gh_span_eq(gh_span_of(key, len), gh_span_str(keys[i].text)))
            return keys[i].name;
    }
    gh_span_take(&rest, ' ');
    if (gh_sdp_base64_decode(gh_span_of(key, len), NULL, 0, &octets) ||
        octets != gh_suite_key_salt_len(gh_suite_by_name(gh_span_take(&rest, ' '))))
        return "@of the wrong length";
    return "@own";
}

const char *nego_print(const struct gh_sdp *doc, char out[NEGO_TEXT_MAX])
{
    char raw[NEGO_TEXT_MAX];
    const char *line = nego_raw(doc, raw);
    size_t at = 0;

    out[0] = 0;
    while (*line) {
        const char *end = strstr(line, "\r\n"), *key = strstr(line, "inline:");

        if (!end)
            abort(); /* every line of ours ends with CRLF */
        if (key && key < end) {
            size_t len;

            key += strlen("inline:");
            len = strcspn(key, "|\r");
            at = put(out, at, line, (size_t)(key - line));
            at = put(out, at, name_of(line, key, len), strlen(name_of(line, key, len)));
            at = put(out, at, key + len, (size_t)(end - key) - len);
        } else {
            at = put(out, at, line, (size_t)(end - line));
        }
        at = put(out, at, "\n", 1);
        line = end + 2;
    }
    return out;
}

const char *nego_marks(const struct gh_neg *neg, char out[512])
{
    struct gh_marks marks = gh_neg_marks(neg);

    out[0] = 0;
    for (int i = 0; i < GH_REASON_COUNT; i++) {
        if (!gh_marks_has(&marks, (enum gh_reason)i))
            continue;
        strcat(out, *out ? " " : "");
        strcat(out, gh_reason_name((enum gh_reason)i));
    }
    return out;
}

void nego_ports(struct gh_neg *neg)
{
    for (size_t i = 0; i < neg->count; i++) {
        if (!neg->streams[i].live)
            continue;
        neg->streams[i].side[GH_SIDE_A].port = (uint16_t)(PORT_A + 4 * i);
        neg->streams[i].side[GH_SIDE_B].port = (uint16_t)(PORT_B + 4 * i);
    }
}
