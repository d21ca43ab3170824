/* SPDX-License-Identifier: Apache-2.0 */
/* A call and the memory of keys: who declared what where, and what strangers have seen. */
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

static struct gh_call *by_number(struct gh_calls *calls, uint64_t number)
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
    struct gh_call *other = by_number(call->calls, number);

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

static void expose(struct gh_calls *calls, gh_trunk_id trunk, const struct gh_sdp_crypto *line)
{
    struct gh_key_calls known = { .count = 0 };
    struct gh_secret key = { 0 };
    uint8_t octets[GH_SUITE_KEY_MAX];
    size_t len;

    for (size_t i = 0; i < line->key_count; i++) {
        if (gh_sdp_crypto_key(line, i, octets, &len) || gh_secret_set(&key, octets, len))
            continue;
        gh_key_memory_expose(calls->keys, &key, trunk, gh_wall_us(), &known);
        for (size_t n = 0; n < known.count; n++) {
            struct gh_call *call = by_number(calls, known.call[n]);

            if (call)
                gh_call_key_exposed(call, &key);
        }
    }
    gh_secret_wipe(&key);
    explicit_bzero(octets, sizeof(octets));
}

static void expose_document(struct gh_calls *calls, gh_trunk_id trunk, const struct gh_sdp *doc)
{
    for (int section = GH_SDP_SESSION; section < (int)gh_sdp_media_count(doc); section++) {
        struct gh_sdp_crypto line;

        for (size_t i = 0; i < GH_NEG_LINES_MAX && !gh_sdp_crypto(doc, section, i, &line); i++)
            expose(calls, trunk, &line);
        explicit_bzero(&line, sizeof(line));
    }
}

void gh_call_expose(struct gh_calls *calls, gh_trunk_id trunk, const struct gh_sip_msg *msg)
{
    struct gh_sip_body body = { 0 };

    if (gh_sip_body_parse(&body, msg))
        return;
    for (size_t i = 0; i < body.count; i++) {
        struct gh_sdp *doc = NULL;

        if (body.parts[i].is_sdp && !gh_sdp_parse(&doc, gh_buf_span(&body.parts[i].octets), NULL))
            expose_document(calls, trunk, doc);
        gh_sdp_free(doc);
    }
    gh_sip_body_fini(&body);
}
