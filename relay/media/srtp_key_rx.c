/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving under one key.  RFC 3711; suites of RFC 4568, 6188 and 7714.
 * libsrtp2 makes a stream for every SSRC it sees, without limit: a bounded list is kept beside it.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "media/packet.h"
#include "media/srtp_key_int.h"

#define ROC_TRY_MAX 9000 /* octets of a packet that is tried with two ROCs; a jumbo frame */
#define ROC_0_MAX 0x8000 /* up to here libsrtp2, and a step of less than 2^15, stay in ROC 0 */

/* What was seen of one SSRC under this key. */
struct source {
    uint64_t index;      /* highest of RTP, ROC included */
    uint64_t elsewhere;  /* the same under other keys of the peer's, as far as told */
    uint32_t rtcp_index; /* highest of SRTCP */
    uint32_t ssrc;
    bool has_rtp, has_rtcp;
    bool carried;        /* its RTP went on with the ROC of the key before */
};

/* An SSRC as the key before left it, until its first packet here tells whether its ROC goes on. */
struct former {
    uint64_t index;
    uint32_t ssrc;
};

/* By what each packet touches: two lines of memory. */
struct gh_srtp_rx {
    _Alignas(GH_LINE) enum gh_suite suite;
    bool gate;      /* first and carried leave RTP encrypted */
    bool newest;    /* the last accepted packet was above all before it */
    uint16_t floor_count;
    /* The one that was made first judges tag and replay for good; it decrypts SRTCP in any case. */
    srtp_t first;
    srtp_t full;    /* behind a gate, once RTP must be decrypted after all */
    srtp_t carried; /* in the place of first, for the RTP of SSRCs whose ROC went on */
    struct source *sources;
    uint32_t source_count, source_room, last_source;
    uint32_t former_count;
    uint64_t serial;
    uint64_t pkts[2]; /* accepted: RTP, RTCP */
    struct source only; /* the first of sources, until there are more */
    struct former *formers;
    struct source *floors; /* how far each SSRC came under this key for another suite */
    struct gh_secret key;
};

_Static_assert(offsetof(struct gh_srtp_rx, formers) <= (size_t)2 * GH_LINE, "what is touched");

int gh_srtp_rx_new(struct gh_srtp_rx **out, enum gh_suite suite, const struct gh_secret *key,
                   bool gate)
{
    static _Atomic uint64_t serials;
    struct gh_srtp_rx *rx;
    int err;

    if (!gh_srtp_key_fits(suite, key))
        return GH_EINVAL;
    rx = aligned_alloc(_Alignof(struct gh_srtp_rx), sizeof(*rx));
    if (!rx)
        return GH_ENOMEM;
    memset(rx, 0, sizeof(*rx));
    rx->sources = &rx->only;
    rx->source_room = 1;
    rx->suite = suite;
    rx->key = *key;
    rx->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    /* The NULL cipher derives a 128-bit key schedule whatever the suite: AES_256 would never
     * authenticate. */
    rx->gate = gate && !gh_suite_info(suite)->aead && gh_suite_info(suite)->key_len == 16;
    err = gh_srtp_session_new(&rx->first, suite, &rx->key, ssrc_any_inbound, rx->gate);
    if (err)
        gh_srtp_rx_free(rx);
    else
        *out = rx;
    return err;
}

void gh_srtp_rx_free(struct gh_srtp_rx *rx)
{
    if (!rx)
        return;
    if (rx->first)
        srtp_dealloc(rx->first);
    if (rx->full)
        srtp_dealloc(rx->full);
    if (rx->carried)
        srtp_dealloc(rx->carried);
    if (rx->sources != &rx->only)
        free(rx->sources);
    free(rx->formers);
    free(rx->floors);
    gh_secret_wipe(&rx->key);
    free(rx);
}

void gh_srtp_rx_touch(const struct gh_srtp_rx *rx)
{
    if (!rx)
        return;
    gh_touch(rx);
    gh_touch((const char *)rx + GH_LINE);
}

void gh_srtp_rx_touch_session(const struct gh_srtp_rx *rx)
{
    if (rx)
        gh_srtp_stream_touch(rx->first, rx->sources[0].ssrc);
}

bool gh_srtp_rx_is(const struct gh_srtp_rx *rx, enum gh_suite suite, const struct gh_secret *key)
{
    return rx->suite == suite && gh_secret_equal(&rx->key, key);
}

const struct gh_secret *gh_srtp_rx_key(const struct gh_srtp_rx *rx)
{
    return &rx->key;
}

bool gh_srtp_rx_is_unused(const struct gh_srtp_rx *rx)
{
    return rx->source_count == 0;
}

uint64_t gh_srtp_rx_serial(const struct gh_srtp_rx *rx)
{
    return rx->serial;
}

void gh_srtp_rx_join(struct gh_srtp_rx *rx, const struct gh_srtp_rx *other)
{
    rx->serial = other->serial;
}

bool gh_srtp_rx_is_newest(const struct gh_srtp_rx *rx)
{
    return rx->newest;
}

uint64_t gh_srtp_rx_pkts(const struct gh_srtp_rx *rx, bool rtcp)
{
    return rx->pkts[rtcp];
}

/* ---- sources --------------------------------------------------------------------------------- */

static struct source *find_source(struct gh_srtp_rx *rx, uint32_t ssrc)
{
    if (rx->source_count && rx->sources[rx->last_source].ssrc == ssrc)
        return &rx->sources[rx->last_source];
    for (uint32_t i = 0; i < rx->source_count; i++) {
        if (rx->sources[i].ssrc == ssrc) {
            rx->last_source = i;
            return &rx->sources[i];
        }
    }
    return NULL;
}

static struct source *look_among(struct source *list, uint32_t count, uint32_t ssrc)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].ssrc == ssrc)
            return &list[i];
    }
    return NULL;
}

static const struct source *look_up(const struct gh_srtp_rx *rx, uint32_t ssrc)
{
    return look_among(rx->sources, rx->source_count, ssrc);
}

static int make_room(struct gh_srtp_rx *rx)
{
    uint32_t room = 2 * rx->source_room;
    struct source *grown;

    if (rx->source_count < rx->source_room)
        return 0;
    if (rx->source_count == GH_RX_SSRC_MAX)
        return GH_ELIMIT;
    grown = realloc(rx->sources == &rx->only ? NULL : rx->sources, room * sizeof(*grown));
    if (!grown)
        return GH_ENOMEM;
    if (rx->sources == &rx->only)
        grown[0] = rx->only;
    rx->sources = grown;
    rx->source_room = room;
    return 0;
}

/*
 * An authentic packet came from @ssrc.  One source too many is not let in, and its stream not kept:
 * to make room by forgetting another source would open that one's replay window again.
 */
static int admit(struct gh_srtp_rx *rx, uint32_t ssrc, struct source **out)
{
    struct source *source = find_source(rx, ssrc);

    if (!source) {
        int err = make_room(rx);

        if (err) {
            gh_srtp_stream_forget(rx->first, ssrc);
            return err;
        }
        rx->last_source = rx->source_count++;
        source = &rx->sources[rx->last_source];
        *source = (struct source){ .ssrc = ssrc };
    }
    *out = source;
    return 0;
}

static struct former *find_former(struct gh_srtp_rx *rx, uint32_t ssrc)
{
    for (size_t i = 0; i < rx->former_count; i++) {
        if (rx->formers[i].ssrc == ssrc)
            return &rx->formers[i];
    }
    return NULL;
}

static int add_former(struct gh_srtp_rx *rx, uint32_t ssrc, uint64_t index)
{
    struct former *grown;
    int err = 0;

    if (index < ROC_0_MAX || rx->former_count == GH_RX_SSRC_MAX)
        return 0; /* whichever it does, its next packets are in ROC 0 */
    grown = realloc(rx->formers, (rx->former_count + 1) * sizeof(*grown));
    if (!grown)
        return GH_ENOMEM;
    rx->formers = grown;
    if (!rx->carried)
        err = gh_srtp_session_new(&rx->carried, rx->suite, &rx->key, ssrc_undefined, false);
    if (!err)
        err = gh_srtp_stream_add(rx->carried, rx->suite, &rx->key, rx->gate, ssrc,
                                 (uint32_t)(index >> 16));
    if (!err)
        rx->formers[rx->former_count++] = (struct former){ index, ssrc };
    return err;
}

/* Under another key the peer's @ssrc has come to @index. */
static int tell(struct gh_srtp_rx *rx, uint32_t ssrc, uint64_t index)
{
    struct source *source = find_source(rx, ssrc);
    struct former *former;

    if (source && source->has_rtp) {
        if (source->elsewhere < index)
            source->elsewhere = index;
        return 0;
    }
    former = find_former(rx, ssrc);
    if (!former)
        return add_former(rx, ssrc, index);
    if (former->index < index)
        former->index = index;
    return 0;
}

int gh_srtp_rx_inherit(struct gh_srtp_rx *rx, const struct gh_srtp_rx *before)
{
    int err = 0;

    for (size_t i = 0; i < before->source_count && !err; i++) {
        if (before->sources[i].has_rtp)
            err = tell(rx, before->sources[i].ssrc, before->sources[i].index);
    }
    for (size_t i = 0; i < before->former_count && !err; i++)
        err = tell(rx, before->formers[i].ssrc, before->formers[i].index);
    return err;
}

static int raise_floor(struct gh_srtp_rx *rx, const struct source *seen)
{
    struct source *floor = look_among(rx->floors, rx->floor_count, seen->ssrc), *grown;

    if (!floor) {
        grown = realloc(rx->floors, (rx->floor_count + 1U) * sizeof(*grown));
        if (!grown)
            return GH_ENOMEM;
        rx->floors = grown;
        floor = &grown[rx->floor_count++];
        *floor = (struct source){ .ssrc = seen->ssrc };
    }
    floor->has_rtp = floor->has_rtp || seen->has_rtp;
    floor->has_rtcp = floor->has_rtcp || seen->has_rtcp;
    if (floor->index < seen->index)
        floor->index = seen->index;
    if (floor->rtcp_index < seen->rtcp_index)
        floor->rtcp_index = seen->rtcp_index;
    return 0;
}

int gh_srtp_rx_stay_above(struct gh_srtp_rx *rx, const struct gh_srtp_rx *other)
{
    int err = gh_srtp_rx_inherit(rx, other);

    for (size_t i = 0; i < other->source_count && !err; i++)
        err = raise_floor(rx, &other->sources[i]);
    for (size_t i = 0; i < other->floor_count && !err; i++)
        err = raise_floor(rx, &other->floors[i]);
    return err;
}

/* It may have come before, under this key for another suite. */
static bool is_below_floor(const struct gh_srtp_rx *rx, uint32_t ssrc, bool rtcp, uint64_t index)
{
    const struct source *floor = look_among(rx->floors, rx->floor_count, ssrc);

    if (!floor || !(rtcp ? floor->has_rtcp : floor->has_rtp))
        return false;
    return index <= (rtcp ? floor->rtcp_index : floor->index);
}

int gh_srtp_rx_heed(struct gh_srtp_rx *rx, const struct gh_srtp_rx *other, uint32_t ssrc)
{
    const struct source *source = look_up(other, ssrc);

    return source && source->has_rtp ? tell(rx, ssrc, source->index) : 0;
}

bool gh_srtp_rx_is_beyond(const struct gh_srtp_rx *rx, const struct gh_srtp_rx *other, bool rtcp)
{
    const struct source *last = &rx->sources[rx->last_source];
    const struct source *source = look_up(other, last->ssrc);

    if (!rx->newest) /* nor above what came under @rx itself */
        return false;
    if (!source || !(rtcp ? source->has_rtcp : source->has_rtp))
        return true;
    return rtcp ? last->rtcp_index > source->rtcp_index : last->index > source->index;
}

/* The first packet of a former source has told which session has it. */
static void settle(struct gh_srtp_rx *rx, struct former *former, bool carried)
{
    if (!carried)
        gh_srtp_stream_forget(rx->carried, former->ssrc);
    *former = rx->formers[--rx->former_count];
}

/* ---- judging --------------------------------------------------------------------------------- */

/* @len  changed on success only */
static int unprotect(srtp_t session, uint8_t *p, size_t *len, bool rtcp)
{
    int octets = (int)*len;
    int err = gh_srtp_error(rtcp ? srtp_unprotect_rtcp(session, p, &octets)
                                 : srtp_unprotect(session, p, &octets));

    if (!err)
        *len = (size_t)octets;
    return err == GH_ENOMEM ? GH_ECRYPTO : err;
}

/*
 * RFC 3711 section 3.3.1: the index with this sequence number that is nearest to @index.
 *
 * So a sender that jumps ahead by more than 2^15 is taken for one that goes back: out of the window, GH_EREPLAY.  Once
 * it stays a whole ROC ahead it is GH_EAUTH, until it has a new key or SSRC.  To try further ROCs would find it, but
 * not for the far side of a `pass`, which guesses as the RFC has it; and each late or forged packet would cost more.
 */
static uint64_t nearest(uint64_t index, uint16_t seq)
{
    int step = (int16_t)(uint16_t)(seq - (uint16_t)index);

    if (step == INT16_MIN && seq > (uint16_t)index)
        step = -step; /* as far ahead as back: libsrtp2 stays in the ROC */
    return step < 0 && index < (uint64_t)-step ? seq : index + (uint64_t)(int64_t)step;
}

/*
 * SDP does not say which ROC a source has.  Under a new key it starts with 0 or goes on with the
 * one it had; and one that was under another key of the peer's meanwhile may have the one that it
 * has come to there: RFC 3711 section 3.2.1 gives it to the stream, not to the key.  The tag covers
 * the ROC, so only the right one authenticates.  GCM spoils what it fails on.
 *
 * @own    NULL: with its ROC the packet would be a replay
 * @other  told @roc before it is tried; may be @own
 */
static int try_both_rocs(struct gh_srtp_rx *rx, srtp_t own, srtp_t other, uint8_t *p, size_t *len,
                         uint32_t roc, bool *by_other)
{
    bool aead = gh_suite_info(rx->suite)->aead;
    uint32_t ssrc = gh_get32(p + 8);
    uint8_t copy[ROC_TRY_MAX];
    size_t sealed = *len;
    int err = GH_EAUTH, other_err;

    if (sealed > sizeof(copy))
        return GH_EAUTH;
    if (aead)
        memcpy(copy, p, sealed);
    if (own)
        err = unprotect(own, p, len, false);
    /* By a ROC that is behind, a packet may seem old before its tag is looked at. */
    if (err != GH_EAUTH && err != GH_EREPLAY)
        return err;
    if (aead)
        memcpy(p, copy, sealed);
    other_err = gh_srtp_error(srtp_set_stream_roc(other, ssrc, roc));
    if (!other_err)
        other_err = unprotect(other, p, len, false);
    srtp_set_stream_roc(other, ssrc, 0); /* what was told holds for this packet alone */
    *by_other = !other_err;
    return other_err ? err : 0;
}

/* @index  of the packet, on success */
static int judge_rtp(struct gh_srtp_rx *rx, uint8_t *p, size_t *len, uint64_t *index)
{
    uint32_t ssrc = gh_get32(p + 8);
    uint16_t seq = gh_get16(p + 2);
    struct source *source = find_source(rx, ssrc);
    bool known = source && source->has_rtp, carried = known && source->carried, told = false;
    struct former *former = known ? NULL : find_former(rx, ssrc);
    srtp_t own = carried ? rx->carried : rx->first;
    size_t judged = *len;
    uint64_t next;
    bool spent; /* with the ROC that it has here, it may have come before */
    int err;

    *index = known && source->index > ROC_0_MAX ? nearest(source->index, seq) : seq;
    next = former ? nearest(former->index, seq) : *index;
    if (known && source->elsewhere > source->index)
        next = nearest(source->elsewhere, seq);
    /* Before anything is tried: what is refused here must not move what libsrtp2 knows. */
    spent = is_below_floor(rx, ssrc, false, *index);
    if (next >> 16 != *index >> 16 && next >> 16 && !is_below_floor(rx, ssrc, false, next))
        err = try_both_rocs(rx, spent ? NULL : own, former ? rx->carried : own, p, &judged,
                            (uint32_t)(next >> 16), &told);
    else
        err = spent ? GH_EREPLAY : unprotect(own, p, &judged, false);
    if (!err)
        err = admit(rx, ssrc, &source);
    if (err)
        return err;
    if (told)
        *index = next;
    if (former) {
        carried = told;
        settle(rx, former, carried);
    }
    source->carried = carried;
    rx->newest = !source->has_rtp || *index > source->index;
    if (rx->newest)
        source->index = *index;
    source->has_rtp = true;
    rx->pkts[0]++;
    *len = judged;
    return 0;
}

static int judge_rtcp(struct gh_srtp_rx *rx, uint8_t *p, size_t *len)
{
    const struct gh_suite_info *info = gh_suite_info(rx->suite);
    size_t tail = GH_SRTCP_INDEX + (info->aead ? 0U : info->rtcp_tag_len), judged = *len;
    uint32_t ssrc, index;
    struct source *source;
    int err;

    if (*len < GH_RTCP_HEADER + tail)
        return GH_ESYNTAX;
    ssrc = gh_get32(p + 4);
    index = gh_get32(p + *len - tail) & 0x7fffffff;
    if (is_below_floor(rx, ssrc, true, index))
        return GH_EREPLAY;
    err = unprotect(rx->first, p, &judged, true);
    if (!err)
        err = admit(rx, ssrc, &source);
    if (err)
        return err;
    rx->newest = !source->has_rtcp || index > source->rtcp_index;
    if (rx->newest)
        source->rtcp_index = index;
    source->has_rtcp = true;
    rx->pkts[1]++;
    *len = judged;
    return 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

/*
 * The gate has let the packet in and holds the replay state.  The second session follows with its
 * own ROC; where it does not know one (the path became `bridge` in mid-call, or the packet came
 * late across a roll-over) it is told.  Counter mode leaves the packet alone until the tag is
 * right.
 */
static int decrypt_behind_gate(struct gh_srtp_rx *rx, uint8_t *p, size_t *len, uint64_t index)
{
    uint32_t ssrc = gh_get32(p + 8);
    int err = 0;

    if (!rx->full)
        err = gh_srtp_session_new(&rx->full, rx->suite, &rx->key, ssrc_any_inbound, false);
    if (err)
        return err;
    if (unprotect(rx->full, p, len, false) == 0)
        return 0;
    gh_srtp_stream_forget(rx->full, ssrc);
    err = gh_srtp_stream_add(rx->full, rx->suite, &rx->key, false, ssrc, (uint32_t)(index >> 16));
    if (!err)
        err = unprotect(rx->full, p, len, false);
    return err ? GH_ECRYPTO : 0; /* it is authentic: the gate said so */
}

int gh_srtp_rx_open(struct gh_srtp_rx *rx, uint8_t *p, size_t *len, bool rtcp)
{
    size_t judged = *len;
    uint64_t index;
    int err;

    if (rtcp)
        return judge_rtcp(rx, p, len);
    if (!rx->gate)
        return judge_rtp(rx, p, len, &index);
    err = judge_rtp(rx, p, &judged, &index);
    return err ? err : decrypt_behind_gate(rx, p, len, index);
}

int gh_srtp_rx_check(struct gh_srtp_rx *rx, uint8_t *p, size_t len, bool rtcp, uint8_t *scratch)
{
    size_t copied = len;
    uint64_t index;
    int err;

    if (rx->gate && !rtcp)
        return judge_rtp(rx, p, &len, &index);
    memcpy(scratch, p, len);
    err = rtcp ? judge_rtcp(rx, scratch, &len) : judge_rtp(rx, scratch, &len, &index);
    explicit_bzero(scratch, copied);
    return err;
}
