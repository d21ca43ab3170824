/* SPDX-License-Identifier: Apache-2.0 */
/* A call and the memory of keys: who declared what where, and what strangers have seen. */
#include <ctype.h>

#include "base/log.h"
#include "call/call_int.h"

/* Where a key stands in this call.  Before the answer each side has one dialog, as far as keys go: a fork's keys are
 * told apart by the m-line's repeat in the same INVITE. */
static struct gh_key_place place_of(const struct gh_call *call, int side, unsigned mline)
{
    return (struct gh_key_place){ .call = call->number, .side = side, .mline = mline,
                                  .trunk = call->leg[side].trunk->rules.id,
                                  .dialog = 2 * call->number + (uint64_t)side, .invite = call->invite };
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
        gh_log(GH_LOG_WARN, "call", "key.seen", "call=%s side=%c stream=%u key=%u reason=%s", call->id, 'a' + side,
               mline, key->number, gh_reason_name(gate.reason));
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

/* ---- exposed -------------------------------------------------------------------------------------------- */

#define EXPOSED_PER_MESSAGE 256 /* more keys than that in one message: the first ones are remembered */

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

static size_t base64_len(struct gh_span text)
{
    size_t len = 0;

    while (len < text.len && (isalnum((unsigned char)text.p[len]) || strchr("+/=", text.p[len])) && text.p[len])
        len++;
    return len;
}

/* What stands behind "inline:", in any letter case and with blanks round the colon: whatever else of the line is
 * wrong, who reads it has the key. */
static struct gh_span next_inline(struct gh_span *rest)
{
    static const char word[] = "inline";

    while (rest->len > sizeof(word) - 1) {
        struct gh_span at = gh_span_of(rest->p, sizeof(word) - 1);

        if (gh_span_ieq(at, GH_SPAN("inline"))) {
            struct gh_span text = gh_span_from(*rest, sizeof(word) - 1);

            while (text.len && (*text.p == ' ' || *text.p == '\t'))
                text = gh_span_from(text, 1);
            if (text.len && *text.p == ':') {
                text = gh_span_from(text, 1);
                while (text.len && (*text.p == ' ' || *text.p == '\t'))
                    text = gh_span_from(text, 1);
                *rest = text;
                return gh_span_head(text, base64_len(text));
            }
        }
        *rest = gh_span_from(*rest, 1);
    }
    *rest = GH_SPAN("");
    return *rest;
}

/* The message that keys are looked for in. */
struct search {
    struct gh_calls *calls;
    gh_trunk_id trunk;
    size_t left;
};

static void expose_reading(void *arg, struct gh_span text)
{
    struct search *search = arg;

    while (text.len && search->left) {
        struct gh_span key_text = next_inline(&text);
        uint8_t octets[GH_SUITE_KEY_MAX];
        struct gh_secret key = { 0 };
        size_t len;

        if (!key_text.len || gh_sdp_base64_decode(key_text, octets, sizeof(octets), &len))
            continue;
        for (int suite = GH_SUITE_NONE + 1; suite < GH_SUITE_COUNT; suite++) {
            if (len != gh_suite_key_salt_len((enum gh_suite)suite))
                continue;
            if (!gh_secret_set(&key, octets, len))
                expose(search->calls, search->trunk, &key);
            search->left--;
            break;
        }
        gh_secret_wipe(&key);
        explicit_bzero(octets, sizeof(octets));
    }
}

static void expose_text(struct search *search, struct gh_span text)
{
    if (gh_sip_readings(text, expose_reading, search))
        gh_log(GH_LOG_ERROR, "call", "expose.fail", "error=\"%s\"", gh_err_text(GH_ENOMEM));
}

void gh_call_expose(void *arg, gh_trunk_id trunk, const struct gh_sip_msg *msg, struct gh_span octets)
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
