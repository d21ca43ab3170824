/* SPDX-License-Identifier: Apache-2.0 */
/* A call and the memory of keys: who declared what where, and what strangers have seen. */
#include <ctype.h>

#include "base/log.h"
#include "call/call_int.h"

/* Where a key stands in this call.  Before the answer each side has one dialog, as far as keys go:
 * a fork's keys are told apart by the m-line's repeat in the same INVITE. */
static struct gh_key_place place_of(const struct gh_call *call, int side, unsigned mline)
{
    return (struct gh_key_place){ .call = call->number,
                                  .side = side,
                                  .mline = mline,
                                  .trunk = call->leg[side].trunk->rules.id,
                                  .dialog = 2 * call->number + (uint64_t)side,
                                  .invite = call->invite };
}

struct gh_call *gh_call_by_number(struct gh_calls *calls, uint64_t number)
{
    struct gh_call *call;

    TAILQ_FOREACH (call, &calls->list, link) {
        if (call->number == number)
            return call;
    }
    return NULL;
}

/* One call that goes through us twice: each record names the other. */
static void link_calls(struct gh_call *call, uint64_t number)
{
    struct gh_call *other = gh_call_by_number(call->calls, number);

    if (!other)
        return;
    memcpy(call->linked, other->id, sizeof(call->linked));
    memcpy(other->linked, call->id, sizeof(other->linked));
    gh_marks_add(&other->marks, GH_REASON_HAIRPIN);
}

static struct gh_gate declared(void *arg, int side, unsigned mline, struct gh_secret *key)
{
    struct gh_call *call = arg;
    struct gh_key_place place = place_of(call, side, mline);
    struct gh_key_seen seen = { 0 };
    struct gh_gate gate;

    gh_key_memory_declare(call->calls->keys, key, &place, gh_wall_us(), &seen);
    if (seen.number)
        key->number = seen.number;
    if (seen.seen == GH_KEY_SEEN_HAIRPIN)
        link_calls(call, seen.call);
    gate = gh_policy_key_memory(seen.seen, call->leg[side].trunk->key_reuse);
    if (seen.seen != GH_KEY_FRESH)
        gh_log(GH_LOG_WARN, "call", "key.seen", "call=%s side=%c stream=%u key=%u reason=%s",
               call->id, 'a' + side, mline, key->number, gh_reason_name(gate.reason));
    return gate;
}

static int wrote(void *arg, int side, unsigned mline, const struct gh_secret *key)
{
    struct gh_call *call = arg;
    struct gh_key_place place = place_of(call, side, mline);

    return gh_key_memory_wrote(call->calls->keys, key, &place, gh_wall_us());
}

struct gh_neg_keeper gh_call_keeper(struct gh_call *call)
{
    return (struct gh_neg_keeper){ .arg = call, .declared = declared, .wrote = wrote };
}

/* ---- exposed --------------------------------------------------------------------------------- */

#define EXPOSED_PER_MESSAGE                                                                        \
    1024 /* more keys than that in one message: the first ones are remembered */
#define KEY_TEXT_MAX 64          /* base64 of the longest key and salt, and padding */

static void expose(struct gh_calls *calls, gh_trunk_id trunk, const struct gh_secret *key)
{
    struct gh_key_calls known = { .count = 0 };

    gh_key_memory_expose(calls->keys, key, trunk, gh_wall_us(), &known);
    for (size_t n = 0; n < known.count; n++) {
        struct gh_call *call = gh_call_by_number(calls, known.call[n]);

        if (call)
            gh_call_key_exposed(call, key);
    }
}

/* What may stand between "inline", colon and key, and within a key whose line was folded. */
static bool is_gap(char c)
{
    return c && strchr(" \t\r\n\"'", c);
}

static struct gh_span skip_gap(struct gh_span text)
{
    while (text.len && is_gap(*text.p))
        text = gh_span_from(text, 1);
    return text;
}

/* The place behind "inline:", in any letter case: whatever else of the line is wrong, who reads it
 * has the key. */
static bool next_inline(struct gh_span *rest)
{
    for (; rest->len; *rest = gh_span_from(*rest, 1)) {
        struct gh_span text;

        if (!gh_span_istarts(*rest, GH_SPAN("inline")))
            continue;
        text = skip_gap(gh_span_from(*rest, sizeof("inline") - 1));
        if (!text.len || *text.p != ':')
            continue;
        *rest = skip_gap(gh_span_from(text, 1));
        return true;
    }
    return false;
}

/* Letters of base64, of the usual alphabet or the one for URLs, without gaps.  @return how many */
static size_t key_letters(struct gh_span text, bool folded, char out[KEY_TEXT_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < text.len && len < KEY_TEXT_MAX; i++) {
        char c = text.p[i];

        if (isalnum((unsigned char)c) || c == '+' || c == '/')
            out[len++] = c;
        else if (c == '-' || c == '_')
            out[len++] = c == '-' ? '+' : '/';
        else if (!folded || !is_gap(c))
            break;
    }
    return len;
}

/* The message that keys are looked for in. */
struct search {
    struct gh_calls *calls;
    gh_trunk_id trunk;
    size_t left;
};

/* A key of this length at the beginning of @letters. */
static bool expose_key(struct search *search, const char *letters, size_t count, size_t key_len)
{
    size_t need = (key_len * 8 + 5) / 6, len;
    uint8_t octets[KEY_TEXT_MAX];
    struct gh_secret key = { 0 };
    bool good = need <= count &&
                !gh_sdp_base64_decode(gh_span_of(letters, need), octets, sizeof(octets), &len) &&
                len == key_len && !gh_secret_set(&key, octets, len);

    if (good && search->left) {
        expose(search->calls, search->trunk, &key);
        search->left--;
    }
    gh_secret_wipe(&key);
    explicit_bzero(octets, sizeof(octets));
    return good;
}

/* One key; or, where what stands there has no key's length, each that it could be the beginning
 * of. */
static void expose_at(struct search *search, struct gh_span text)
{
    char letters[KEY_TEXT_MAX];
    bool seen[GH_SUITE_KEY_MAX + 1] = { false };
    size_t count = key_letters(text, false, letters);
    bool exact = false;

    for (int pass = 0; pass < 2 && !exact; pass++) {
        for (int suite = GH_SUITE_NONE + 1; suite < GH_SUITE_COUNT; suite++) {
            size_t len = gh_suite_key_salt_len((enum gh_suite)suite);

            if (seen[len] || (pass == 0 && count != (len * 8 + 5) / 6))
                continue;
            seen[len] = expose_key(search, letters, count, len);
            exact = exact || (pass == 0 && seen[len]);
        }
        count = key_letters(text, true, letters);
    }
    explicit_bzero(letters, sizeof(letters));
}

static void expose_reading(void *arg, struct gh_span text)
{
    struct search *search = arg;

    while (search->left && next_inline(&text))
        expose_at(search, text);
}

static void expose_text(struct search *search, struct gh_span text)
{
    if (gh_sip_readings(text, expose_reading, search))
        gh_log(GH_LOG_ERROR, "call", "expose.fail", "error=\"%s\"", gh_err_text(GH_ENOMEM));
}

void gh_call_expose(void *arg, gh_trunk_id trunk, const struct gh_sip_msg *msg,
                    struct gh_span octets)
{
    struct search search = { .calls = arg, .trunk = trunk, .left = EXPOSED_PER_MESSAGE };
    struct gh_sip_body body = { 0 };

    expose_text(&search, octets);
    /* What was encoded for transfer. */
    if (msg && !gh_sip_body_parse(&body, msg)) {
        for (size_t i = 0; i < body.count; i++)
            expose_text(&search, gh_buf_span(&body.parts[i].octets));
    }
    gh_sip_body_fini(&body);
}
