/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending under one key of our own: which SSRC a source has, which packets go out under it, and how
 * many the key may still protect.  RFC 3711.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "media/packet.h"
#include "media/srtp_key_int.h"

/* One source and the SSRC that it has under this key. */
struct source {
    uint64_t origin;
    uint64_t used;          /* when last, in steps of the context's clock; 0: free place */
    uint32_t in, out;
    uint64_t index;         /* highest packet index sent, ROC included */
    bool started;           /* index is set */
    bool jumped;            /* a packet with sequence next_seq - 1 stood far away */
    bool carried;           /* index comes from the key before: libsrtp2 is not told of it yet */
    uint16_t next_seq;
};

/* By what each packet touches: two lines of memory. */
struct gh_srtp_tx {
    _Alignas(GH_LINE) srtp_t session;
    struct source *sources; /* most calls have one; GH_TX_SSRC_MAX at most */
    size_t source_room;
    uint64_t clock;
    /* Over all SSRCs: the limit is the master key's.  Counted here, since libsrtp2 2.5 starts anew
     * below zero. */
    uint64_t rtp_left, rtcp_left;
    struct source only; /* the first of sources, until there are more */
    enum gh_suite suite;
    /* SSRCs that went over as they came: of the first source, of the first with RTP */
    uint32_t kept[2];
    bool has_kept[2];
    bool renames;                  /* some source has another SSRC than its own */
    uint32_t next_ssrc, stride;    /* odd: all 2^32 values come before one comes twice */
    struct gh_secret key;
};

_Static_assert(offsetof(struct gh_srtp_tx, kept) <= (size_t)2 * GH_LINE, "what is touched");

int gh_srtp_tx_new(struct gh_srtp_tx **out, enum gh_suite suite, const struct gh_secret *key)
{
    struct gh_srtp_tx *tx;
    uint32_t drawn[2];
    int err;

    if (!gh_srtp_key_fits(suite, key))
        return GH_EINVAL;
    tx = aligned_alloc(_Alignof(struct gh_srtp_tx), sizeof(*tx));
    if (!tx)
        return GH_ENOMEM;
    memset(tx, 0, sizeof(*tx));
    tx->sources = &tx->only;
    tx->source_room = 1;
    tx->suite = suite;
    tx->key = *key;
    tx->rtp_left = GH_SRTP_PKTS_MAX;
    tx->rtcp_left = GH_SRTCP_PKTS_MAX;
    err = gh_random(drawn, sizeof(drawn));
    tx->next_ssrc = drawn[0];
    tx->stride = drawn[1] | 1;
    if (!err)
        err = gh_srtp_session_new(&tx->session, suite, &tx->key, ssrc_any_outbound, false);
    if (err)
        gh_srtp_tx_free(tx);
    else
        *out = tx;
    return err;
}

void gh_srtp_tx_free(struct gh_srtp_tx *tx)
{
    if (!tx)
        return;
    if (tx->session)
        srtp_dealloc(tx->session);
    if (tx->sources != &tx->only)
        free(tx->sources);
    gh_secret_wipe(&tx->key);
    free(tx);
}

void gh_srtp_tx_touch(const struct gh_srtp_tx *tx)
{
    if (!tx)
        return;
    gh_touch(tx);
    gh_touch((const char *)tx + GH_LINE);
}

void gh_srtp_tx_touch_session(const struct gh_srtp_tx *tx)
{
    if (tx)
        gh_srtp_stream_touch(tx->session, tx->sources[0].out);
}

bool gh_srtp_tx_is(const struct gh_srtp_tx *tx, enum gh_suite suite, const struct gh_secret *key)
{
    return tx->suite == suite && gh_secret_equal(&tx->key, key);
}

const struct gh_secret *gh_srtp_tx_key(const struct gh_srtp_tx *tx)
{
    return &tx->key;
}

/* @room  1, 2, 4, ... GH_TX_SSRC_MAX.  Places that are there stay. */
static int make_room(struct gh_srtp_tx *tx, size_t room)
{
    struct source *grown;

    if (room <= tx->source_room)
        return 0;
    grown = realloc(tx->sources == &tx->only ? NULL : tx->sources, room * sizeof(*grown));
    if (!grown)
        return GH_ENOMEM;
    if (tx->sources == &tx->only)
        grown[0] = tx->only;
    memset(grown + tx->source_room, 0, (room - tx->source_room) * sizeof(*grown));
    tx->sources = grown;
    tx->source_room = room;
    return 0;
}

int gh_srtp_tx_continue(struct gh_srtp_tx *tx, const struct gh_srtp_tx *before)
{
    int err = make_room(tx, before->source_room);

    if (err)
        return err;
    for (size_t i = 0; i < before->source_room; i++) {
        tx->sources[i] = before->sources[i];
        tx->sources[i].carried = tx->sources[i].started;
    }
    tx->clock = before->clock;
    memcpy(tx->kept, before->kept, sizeof(tx->kept));
    memcpy(tx->has_kept, before->has_kept, sizeof(tx->has_kept));
    tx->renames = before->renames;
    tx->next_ssrc = before->next_ssrc;
    tx->stride = before->stride;
    return 0;
}

/* An SSRC that this key has never sent under. */
static uint32_t fresh_ssrc(struct gh_srtp_tx *tx)
{
    do
        tx->next_ssrc += tx->stride;
    while ((tx->has_kept[0] && tx->next_ssrc == tx->kept[0]) ||
           (tx->has_kept[1] && tx->next_ssrc == tx->kept[1]));
    tx->renames = true;
    return tx->next_ssrc;
}

/* As long as nothing was renamed: the first source keeps its name, and so does the first that sends
 * RTP, when somebody else's RTCP came before it. */
static uint32_t name_source(struct gh_srtp_tx *tx, uint32_t ssrc, bool rtcp)
{
    int place = rtcp ? 0 : 1;

    if (tx->renames || tx->has_kept[1] || tx->has_kept[place])
        return fresh_ssrc(tx);
    if (tx->has_kept[0] &&
        tx->kept[0] == ssrc) /* another origin's: two sources never share a name */
        return fresh_ssrc(tx);
    tx->has_kept[place] = true;
    tx->kept[place] = ssrc;
    return ssrc;
}

/* @return GH_ENOMEM: none is made and none is lost */
static int find_source(struct gh_srtp_tx *tx, uint64_t origin, uint32_t ssrc, bool rtcp,
                       struct source **out)
{
    struct source *oldest = NULL;
    size_t room = tx->source_room;

    for (size_t i = 0; i < room; i++) {
        struct source *source = &tx->sources[i];

        if (source->used && source->in == ssrc && source->origin == origin) {
            source->used = ++tx->clock;
            *out = source;
            return 0;
        }
        if (!oldest || source->used < oldest->used)
            oldest = source;
    }
    if (oldest->used && room < GH_TX_SSRC_MAX) {
        int err = make_room(tx, 2 * room);

        if (err)
            return err;
        oldest = &tx->sources[room];
    }
    if (oldest->used)
        /* never used again: fresh_ssrc does not repeat */
        gh_srtp_stream_forget(tx->session, oldest->out);
    *oldest = (struct source){ .origin = origin, .in = ssrc, .used = ++tx->clock };
    oldest->out = name_source(tx, ssrc, rtcp);
    *out = oldest;
    return 0;
}

/*
 * Follow the source's sequence as a receiver does (RFC 3711 section 3.3.1).  libsrtp2 is more
 * lenient while its index is below 2^15: it would take a late 65530 for a leap ahead, and from
 * there on every receiver would be a ROC behind.
 */
static int follow(struct gh_srtp_tx *tx, struct source *source, uint16_t seq)
{
    int step = (int16_t)(uint16_t)(seq - (uint16_t)source->index);

    if (!source->started) {
        source->started = true;
        source->index = seq;
        return 0;
    }
    if (step > 0) {
        source->index += (uint64_t)step;
        source->jumped = false;
        return 0;
    }
    if (step > -GH_REPLAY_WINDOW)
        return source->index >= (uint64_t)-step ? 0 : GH_EREPLAY;
    /* Two in a row are a new beginning, one is a straggler (RFC 3550 appendix A.1). */
    if (!source->jumped || seq != source->next_seq) {
        source->jumped = true;
        source->next_seq = (uint16_t)(seq + 1);
        return GH_EREPLAY;
    }
    gh_srtp_stream_forget(tx->session, source->out);
    source->out = fresh_ssrc(tx);
    source->index = seq;
    source->jumped = false;
    source->carried = false;
    return 0;
}

/*
 * The first packet of a source that goes on under a new key.  Its own ROC, since a late one may
 * stand before the roll-over.  SRTCP may have made the stream already, and a second one would begin
 * its index, and so its keystream, again.
 */
static int carry_on(struct gh_srtp_tx *tx, struct source *source, uint16_t seq)
{
    /* 0 or less: follow has gone on */
    int late = (int16_t)(uint16_t)(seq - (uint16_t)source->index);
    uint32_t roc = (uint32_t)((source->index + (uint64_t)(int64_t)late) >> 16);
    int err = 0;

    if (roc && srtp_set_stream_roc(tx->session, source->out, roc) != srtp_err_status_ok)
        err = gh_srtp_stream_add(tx->session, tx->suite, &tx->key, false, source->out, roc);
    if (!err)
        source->carried = false;
    return err;
}

int gh_srtp_tx_seal_rtp(struct gh_srtp_tx *tx, uint64_t origin, uint8_t *p, size_t *len)
{
    struct source *source;
    int octets = (int)*len, err;

    if (tx->rtp_left == 0)
        return GH_ELIMIT;
    err = find_source(tx, origin, gh_get32(p + 8), false, &source);
    if (!err)
        err = follow(tx, source, gh_get16(p + 2));
    if (!err && source->carried)
        err = carry_on(tx, source, gh_get16(p + 2));
    if (err)
        return err;
    gh_put32(p + 8, source->out);
    err = gh_srtp_error(srtp_protect(tx->session, p, &octets));
    if (err)
        return err;
    tx->rtp_left--;
    *len = (size_t)octets;
    return 0;
}

struct renaming {
    const struct gh_srtp_tx *own, *back;
    uint64_t origin;
};

static uint32_t rename_ssrc(void *arg, uint32_t ssrc, bool own)
{
    const struct renaming *names = arg;
    const struct gh_srtp_tx *tx = own ? names->own : names->back;

    for (size_t i = 0; tx && i < tx->source_room; i++) {
        const struct source *source = &tx->sources[i];

        if (own && source->used && source->in == ssrc && source->origin == names->origin)
            return source->out;
        if (!own && source->used && source->out == ssrc)
            return source->in;
    }
    return ssrc;
}

int gh_srtp_tx_unmap_rtcp(const struct gh_srtp_tx *back, uint8_t *p, size_t len)
{
    struct renaming names = { NULL, back, 0 };

    return gh_rtcp_rewrite(p, len, rename_ssrc, &names) ? 0 : GH_ESYNTAX;
}

int gh_srtp_tx_seal_rtcp(struct gh_srtp_tx *tx, uint64_t origin, uint8_t *p, size_t *len,
                         const struct gh_srtp_tx *back)
{
    struct renaming names = { tx, back, origin };
    struct source *source;
    int octets = (int)*len, err;

    if (tx->rtcp_left == 0)
        return GH_ELIMIT;
    err = find_source(tx, origin, gh_get32(p + 4), true, &source);
    if (err)
        return err;
    if ((tx->renames || (back && back->renames)) && !gh_rtcp_rewrite(p, *len, rename_ssrc, &names))
        return GH_ESYNTAX;
    err = gh_srtp_error(srtp_protect_rtcp(tx->session, p, &octets));
    if (err)
        return err;
    tx->rtcp_left--;
    *len = (size_t)octets;
    return 0;
}

bool gh_srtp_tx_is_worn(const struct gh_srtp_tx *tx)
{
    return tx->rtp_left <= GH_SRTP_PKTS_MAX / 10 || tx->rtcp_left <= GH_SRTCP_PKTS_MAX / 10;
}

void gh_srtp_tx_set_left(struct gh_srtp_tx *tx, uint64_t rtp, uint64_t rtcp)
{
    tx->rtp_left = rtp;
    tx->rtcp_left = rtcp;
}
