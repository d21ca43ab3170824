/* SPDX-License-Identifier: Apache-2.0 */
#include "support_change.h"

#include <stdlib.h>

void session_init(struct session *session, const struct nego_who *a, const struct nego_who *b)
{
    *session = (struct session){ .neg = NULL };
    nego_leg(&session->leg[GH_SIDE_A], a);
    nego_leg(&session->leg[GH_SIDE_B], b);
}

static void drop(struct gh_neg **neg)
{
    gh_neg_free(*neg);
    *neg = NULL;
}

void session_fini(struct session *session)
{
    drop(&session->pending);
    drop(&session->neg);
    explicit_bzero(session, sizeof(*session));
}

/* As the call does it: a stream for what is new, before the offer leaves; and, with the answer, another one for what
 * was keyed and is clear. */
static void streams(struct gh_neg *neg, const struct gh_neg *before)
{
    static gh_stream_id last;

    for (size_t i = 0; i < neg->count; i++) {
        const struct gh_neg_stream *was = before && i < before->count ? &before->streams[i] : NULL;
        struct gh_neg_stream *stream = &neg->streams[i];
        bool renew = false;

        for (int side = 0; was && side < 2; side++)
            renew = renew || (was->side[side].suite != GH_SUITE_NONE && stream->side[side].suite == GH_SUITE_NONE);
        if (stream->live && (!stream->stream || renew))
            stream->stream = ++last;
    }
}

static enum gh_reason exchange(struct session *session, int offerer, const char *offer,
                               const char *answer)
{
    struct gh_neg *neg = session->pending;
    const struct gh_neg_leg *from = &session->leg[offerer].leg, *to = &session->leg[!offerer].leg;
    /* As the call does it: one more for each. */
    struct gh_neg_self self_a = nego_self_a, self_b = nego_self_b, *self[2] = { &self_a, &self_b };
    char octets[NEGO_TEXT_MAX];
    struct gh_sdp *doc = NULL;
    enum gh_reason reason = gh_neg_offer_in(neg, nego_expand(offer, octets), from);

    if (reason != GH_REASON_NONE)
        return reason;
    for (int side = 0; side < 2; side++)
        self[side]->version = ++session->version[side];
    nego_ports(neg);
    streams(neg, NULL);
    reason = gh_neg_offer_out(neg, from, to, self[!offerer], true, &doc);
    if (reason != GH_REASON_NONE)
        return reason;
    nego_raw(doc, session->offered);
    gh_sdp_free(doc);
    reason = gh_neg_answer_in(neg, nego_expand(answer, octets), to, false);
    if (reason != GH_REASON_NONE)
        return reason;
    reason = gh_neg_answer_out(neg, NULL, from, self[offerer], &doc);
    if (reason != GH_REASON_NONE)
        return reason;
    nego_raw(doc, session->answered);
    gh_sdp_free(doc);
    return reason;
}

/* Another exchange, in place of one that failed.  @return false: no memory */
static bool begin(struct session *session)
{
    drop(&session->pending);
    session->offered[0] = session->answered[0] = 0;
    session->pending = calloc(1, sizeof(*session->pending));
    return session->pending != NULL;
}

static void put_in_force(struct session *session)
{
    gh_neg_settled(session->pending);
    drop(&session->neg);
    session->neg = session->pending;
    session->pending = NULL;
}

enum gh_reason session_change_whole(struct session *session, int offerer, const char *offer,
                                    const char *answer)
{
    enum gh_reason reason;

    if (!begin(session))
        return GH_REASON_INTERNAL;
    gh_neg_init(session->pending, offerer, session->neg);
    session->pending->keeper = session->keeper;
    session->pending->route_downgrade = session->route_downgrade;
    reason = exchange(session, offerer, offer, answer);
    if (reason != GH_REASON_NONE)
        return reason;
    streams(session->pending, session->neg);
    put_in_force(session);
    return reason;
}

enum gh_reason session_change(struct session *session, int offerer, const char *offer,
                              const char *answer)
{
    static const char *const heads[] = { A_HEAD, B_HEAD };
    char texts[2][NEGO_TEXT_MAX];

    snprintf(texts[0], sizeof(texts[0]), "%s%s", heads[offerer], offer);
    snprintf(texts[1], sizeof(texts[1]), "%s%s", heads[!offerer], answer);
    return session_change_whole(session, offerer, texts[0], texts[1]);
}

enum gh_reason session_alone_whole(struct session *session, int side, const char *answer)
{
    struct gh_neg_self self = { .version = session->version[side] };
    const struct gh_neg_leg *to = &session->leg[side].leg;
    char octets[NEGO_TEXT_MAX];
    struct gh_sdp *doc = NULL;
    enum gh_reason reason;

    if (!begin(session))
        return GH_REASON_INTERNAL;
    reason = gh_neg_alone_offer(session->pending, session->neg, side, to, &self, &doc);
    if (reason != GH_REASON_NONE)
        return reason;
    session->version[side] = self.version;
    nego_raw(doc, session->offered);
    gh_sdp_free(doc);
    if (!answer)
        return GH_REASON_INTERNAL;
    reason = gh_neg_answer_in(session->pending, nego_expand(answer, octets), to, false);
    if (reason == GH_REASON_NONE)
        reason = gh_neg_alone_settle(session->pending);
    if (reason == GH_REASON_NONE)
        put_in_force(session);
    return reason;
}

enum gh_reason session_alone(struct session *session, int side, const char *answer)
{
    char text[NEGO_TEXT_MAX];

    snprintf(text, sizeof(text), "%s%s", side ? B_HEAD : A_HEAD, answer ? answer : "");
    return session_alone_whole(session, side, answer ? text : NULL);
}

const char *session_key(const char *text, int media, size_t line, char out[128])
{
    const char *at = text;

    out[0] = 0;
    for (int i = 0; at && i <= media; i++)
        at = strstr(at + (i > 0), "\r\nm=");
    for (size_t i = 0; at && i <= line; i++) {
        const char *next = strstr(at + 2, "\r\nm=");

        at = strstr(at + 2, "\r\na=crypto:");
        if (next && at && next < at)
            at = NULL;
    }
    at = at ? strstr(at, "inline:") : NULL;
    if (at)
        snprintf(out, 128, "%.*s", (int)strcspn(at + 7, "|\r"), at + 7);
    return out;
}

static const char *name_of(const struct gh_secret *key, char out[8])
{
    const char *name;

    snprintf(out, 8, "%s", key->len ? "own" : "none");
    for (size_t i = 0; nego_key_text(i, &name); i++) {
        uint8_t octets[GH_SUITE_KEY_MAX];

        if (nego_key(name, octets) == key->len && memcmp(octets, key->octets, key->len) == 0)
            snprintf(out, 8, "%s", name);
    }
    return out;
}

const char *session_in_force(const struct session *session, int media, int side, char out[32])
{
    struct gh_media_set set;
    char rx[24], tx[8];

    if (gh_neg_media_set(&session->neg->streams[media], side, &set))
        abort();
    name_of(&set.rx_key, rx);
    for (size_t i = 0; set.rx_more && i < set.rx_more->count; i++) {
        strcat(rx, "+");
        name_of(&set.rx_more->keys[i].key, rx + strlen(rx));
    }
    snprintf(out, 32, "%s %s", rx, name_of(&set.tx_key, tx));
    gh_media_more_free(set.rx_more);
    gh_secret_wipe(&set.rx_key);
    gh_secret_wipe(&set.tx_key);
    return out;
}
