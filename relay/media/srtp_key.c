/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsrtp2 sessions behind gh_srtp_rx and gh_srtp_tx.  RFC 3711; suites of RFC 4568, 6188 and 7714.
 * libsrtp2 makes a stream for every SSRC it sees, without limit: both sides keep their own bounded lists.
 */
#include "media/srtp_key.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <srtp2/srtp.h>

#include <gatehouse/err.h>
#include "crypto/hash.h"
#include "media/packet.h"

static int error_of(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return 0;
    case srtp_err_status_auth_fail:
    case srtp_err_status_bad_mki:
    case srtp_err_status_cant_check:
        return GH_EAUTH;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
    case srtp_err_status_pkt_idx_adv:
        return GH_EREPLAY;
    case srtp_err_status_key_expired:
        return GH_ELIMIT;
    case srtp_err_status_alloc_fail:
        return GH_ENOMEM;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
        return GH_ESYNTAX;
    case srtp_err_status_fail:
    case srtp_err_status_dealloc_fail:
    case srtp_err_status_init_fail:
    case srtp_err_status_terminus:
    case srtp_err_status_cipher_fail:
    case srtp_err_status_algo_fail:
    case srtp_err_status_no_such_op:
    case srtp_err_status_no_ctx:
    case srtp_err_status_socket_err:
    case srtp_err_status_signal_err:
    case srtp_err_status_nonce_bad:
    case srtp_err_status_read_fail:
    case srtp_err_status_write_fail:
    case srtp_err_status_encode_err:
    case srtp_err_status_semaphore_err:
    case srtp_err_status_pfkey_err:
        return GH_ECRYPTO;
    }
    return GH_ECRYPTO;
}

static void set_suite(srtp_policy_t *policy, enum gh_suite suite)
{
    const struct gh_suite_info *info = gh_suite_info(suite);

    if (info->aead && info->key_len == 16)
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
    else if (info->aead)
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
    else if (info->key_len == 16)
        srtp_crypto_policy_set_rtp_default(&policy->rtp);
    else
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtp);
    policy->rtcp = policy->rtp;
    policy->rtp.auth_tag_len = info->tag_len;
    policy->rtcp.auth_tag_len = info->rtcp_tag_len; /* RFC 4568 section 6.2: 80 bits also under _32 */
}

/* @key  lives as long as the session is made; libsrtp2 wants it writable and does not write */
static int session_new(srtp_t *out, enum gh_suite suite, struct gh_secret *key, srtp_ssrc_type_t type, bool gate)
{
    srtp_policy_t policy = { .key = key->octets, .window_size = GH_REPLAY_WINDOW, .ssrc = { type, 0 } };
    srtp_t session = NULL;
    int err;

    set_suite(&policy, suite);
    if (gate) {
        uint8_t tag_len = gh_suite_info(suite)->tag_len;

        srtp_crypto_policy_set_null_cipher_hmac_sha1_80(&policy.rtp);
        policy.rtp.auth_tag_len = tag_len;
    }
    err = error_of(srtp_create(&session, &policy));
    if (!err)
        *out = session;
    return err == GH_ESYNTAX ? GH_EINVAL : err;
}

static bool key_fits(enum gh_suite suite, const struct gh_secret *key)
{
    return suite != GH_SUITE_NONE && key->len && key->len == gh_suite_key_salt_len(suite);
}

/* libsrtp2 2.x takes the SSRC of srtp_remove_stream in network order, that of the ROC functions in host order. */
static void forget_stream(srtp_t session, uint32_t ssrc)
{
    if (session)
        srtp_remove_stream(session, htonl(ssrc));
}

/* ---- receiving -------------------------------------------------------------------------------------- */

struct gh_srtp_rx {
    enum gh_suite suite;
    struct gh_secret key;
    uint64_t serial;
    /* The one that was made first judges tag and replay for good; it decrypts SRTCP in any case. */
    srtp_t first;
    bool gate;   /* first leaves RTP encrypted */
    srtp_t full; /* behind a gate, once RTP must be decrypted after all */
    uint32_t ssrcs[GH_RX_SSRC_MAX];
    size_t ssrc_count, last_ssrc;
};

int gh_srtp_rx_new(struct gh_srtp_rx **out, enum gh_suite suite, const struct gh_secret *key, bool gate)
{
    static _Atomic uint64_t serials;
    struct gh_srtp_rx *rx;
    int err;

    if (!key_fits(suite, key))
        return GH_EINVAL;
    rx = calloc(1, sizeof(*rx));
    if (!rx)
        return GH_ENOMEM;
    rx->suite = suite;
    rx->key = *key;
    rx->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    /* The NULL cipher derives a 128-bit key schedule whatever the suite: AES_256 would never authenticate. */
    rx->gate = gate && !gh_suite_info(suite)->aead && gh_suite_info(suite)->key_len == 16;
    err = session_new(&rx->first, suite, &rx->key, ssrc_any_inbound, rx->gate);
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
    gh_secret_wipe(&rx->key);
    free(rx);
}

bool gh_srtp_rx_is(const struct gh_srtp_rx *rx, enum gh_suite suite, const struct gh_secret *key)
{
    return rx->suite == suite && gh_secret_equal(&rx->key, key);
}

bool gh_srtp_rx_is_unused(const struct gh_srtp_rx *rx)
{
    return rx->ssrc_count == 0;
}

uint64_t gh_srtp_rx_serial(const struct gh_srtp_rx *rx)
{
    return rx->serial;
}

/*
 * An authentic packet came from @ssrc.  One source too many is not let in, and its stream not kept: to make room by
 * forgetting another source would open that one's replay window again.
 */
static int admit(struct gh_srtp_rx *rx, uint32_t ssrc)
{
    if (rx->ssrc_count && rx->ssrcs[rx->last_ssrc] == ssrc)
        return 0;
    for (size_t i = 0; i < rx->ssrc_count; i++) {
        if (rx->ssrcs[i] == ssrc) {
            rx->last_ssrc = i;
            return 0;
        }
    }
    if (rx->ssrc_count == GH_RX_SSRC_MAX) {
        forget_stream(rx->first, ssrc);
        return GH_ELIMIT;
    }
    rx->last_ssrc = rx->ssrc_count;
    rx->ssrcs[rx->ssrc_count++] = ssrc;
    return 0;
}

/* Tag and replay, by the session that judges them. */
static int judge(struct gh_srtp_rx *rx, uint8_t *p, size_t *len, bool rtcp)
{
    int octets = (int)*len;
    uint32_t ssrc = gh_get32(p + (rtcp ? 4 : 8));
    int err = error_of(rtcp ? srtp_unprotect_rtcp(rx->first, p, &octets)
                            : srtp_unprotect(rx->first, p, &octets));

    if (!err)
        err = admit(rx, ssrc);
    if (!err)
        *len = (size_t)octets;
    return err == GH_ENOMEM ? GH_ECRYPTO : err;
}

/* A stream for @ssrc that starts at @roc instead of 0. */
static int seed_stream(struct gh_srtp_rx *rx, uint32_t ssrc, uint32_t roc)
{
    srtp_policy_t policy = { .key = rx->key.octets, .window_size = GH_REPLAY_WINDOW,
                             .ssrc = { ssrc_specific, ssrc } };
    int err;

    set_suite(&policy, rx->suite);
    forget_stream(rx->full, ssrc);
    err = error_of(srtp_add_stream(rx->full, &policy));
    return err ? err : error_of(srtp_set_stream_roc(rx->full, ssrc, roc));
}

static int decrypt_once(struct gh_srtp_rx *rx, uint8_t *p, size_t *len)
{
    int octets = (int)*len, err = error_of(srtp_unprotect(rx->full, p, &octets));

    if (!err)
        *len = (size_t)octets;
    return err;
}

/*
 * The gate has let the packet in and holds the replay state.  The second session follows with its own ROC; where
 * it does not know one (the path became `bridge` in mid-call) it is told the gate's, or the one before for a packet
 * that came late across a roll-over.  Counter mode leaves the packet alone until the tag is right.
 */
static int decrypt_behind_gate(struct gh_srtp_rx *rx, uint8_t *p, size_t *len)
{
    uint32_t ssrc = gh_get32(p + 8), roc = 0;
    int err = 0;

    if (!rx->full)
        err = session_new(&rx->full, rx->suite, &rx->key, ssrc_any_inbound, false);
    if (err)
        return err;
    if (decrypt_once(rx, p, len) == 0)
        return 0;
    if (srtp_get_stream_roc(rx->first, ssrc, &roc))
        return GH_ECRYPTO;
    for (uint32_t back = 0; back <= (roc ? 1U : 0U); back++) {
        err = seed_stream(rx, ssrc, roc - back);
        if (!err)
            err = decrypt_once(rx, p, len);
        if (!err)
            return 0;
    }
    return GH_ECRYPTO; /* it is authentic: the gate said so */
}

int gh_srtp_rx_open(struct gh_srtp_rx *rx, uint8_t *p, size_t *len, bool rtcp)
{
    size_t judged = *len;
    int err;

    if (rtcp || !rx->gate)
        return judge(rx, p, len, rtcp);
    err = judge(rx, p, &judged, rtcp);
    return err ? err : decrypt_behind_gate(rx, p, len);
}

int gh_srtp_rx_check(struct gh_srtp_rx *rx, uint8_t *p, size_t len, bool rtcp, uint8_t *scratch)
{
    size_t copied = len;
    int err;

    if (rx->gate && !rtcp)
        return judge(rx, p, &len, rtcp);
    memcpy(scratch, p, len);
    err = judge(rx, scratch, &len, rtcp);
    explicit_bzero(scratch, copied);
    return err;
}

/* ---- sending ---------------------------------------------------------------------------------------- */

/* One source and the SSRC that it has under this key. */
struct source {
    uint64_t origin;
    uint64_t used;          /* when last, in steps of the context's clock; 0: free place */
    uint32_t in, out;
    uint64_t index;         /* highest packet index sent, ROC included */
    bool started;           /* index is set */
    bool jumped;            /* a packet with sequence next_seq - 1 stood far away */
    uint16_t next_seq;
};

struct gh_srtp_tx {
    enum gh_suite suite;
    struct gh_secret key;
    srtp_t session;
    struct source sources[GH_TX_SSRC_MAX];
    uint64_t clock;
    uint32_t kept[2];              /* SSRCs that went over as they came: of the first source, of the first with RTP */
    bool has_kept[2];
    bool renames;                  /* some source has another SSRC than its own */
    uint32_t next_ssrc, stride;    /* odd: all 2^32 values come before one comes twice */
    /* Over all SSRCs: the limit is the master key's.  Counted here, since libsrtp2 2.5 starts anew below zero. */
    uint64_t rtp_left, rtcp_left;
};

int gh_srtp_tx_new(struct gh_srtp_tx **out, enum gh_suite suite, const struct gh_secret *key)
{
    struct gh_srtp_tx *tx;
    uint32_t drawn[2];
    int err;

    if (!key_fits(suite, key))
        return GH_EINVAL;
    tx = calloc(1, sizeof(*tx));
    if (!tx)
        return GH_ENOMEM;
    tx->suite = suite;
    tx->key = *key;
    tx->rtp_left = GH_SRTP_PKTS_MAX;
    tx->rtcp_left = GH_SRTCP_PKTS_MAX;
    err = gh_random(drawn, sizeof(drawn));
    tx->next_ssrc = drawn[0];
    tx->stride = drawn[1] | 1;
    if (!err)
        err = session_new(&tx->session, suite, &tx->key, ssrc_any_outbound, false);
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
    gh_secret_wipe(&tx->key);
    free(tx);
}

bool gh_srtp_tx_is(const struct gh_srtp_tx *tx, enum gh_suite suite, const struct gh_secret *key)
{
    return tx->suite == suite && gh_secret_equal(&tx->key, key);
}

/* An SSRC that this key has never sent under. */
static uint32_t fresh_ssrc(struct gh_srtp_tx *tx)
{
    do
        tx->next_ssrc += tx->stride;
    while ((tx->has_kept[0] && tx->next_ssrc == tx->kept[0]) || (tx->has_kept[1] && tx->next_ssrc == tx->kept[1]));
    tx->renames = true;
    return tx->next_ssrc;
}

/* As long as nothing was renamed: the first source keeps its name, and so does the first that sends RTP, when
 * somebody else's RTCP came before it. */
static uint32_t name_source(struct gh_srtp_tx *tx, uint32_t ssrc, bool rtcp)
{
    int place = rtcp ? 0 : 1;

    if (tx->renames || tx->has_kept[1] || tx->has_kept[place])
        return fresh_ssrc(tx);
    if (tx->has_kept[0] && tx->kept[0] == ssrc) /* another origin's: two sources never share a name */
        return fresh_ssrc(tx);
    tx->has_kept[place] = true;
    tx->kept[place] = ssrc;
    return ssrc;
}

static struct source *find_source(struct gh_srtp_tx *tx, uint64_t origin, uint32_t ssrc, bool rtcp)
{
    struct source *oldest = &tx->sources[0];

    for (size_t i = 0; i < GH_TX_SSRC_MAX; i++) {
        struct source *source = &tx->sources[i];

        if (source->used && source->in == ssrc && source->origin == origin) {
            source->used = ++tx->clock;
            return source;
        }
        if (source->used < oldest->used)
            oldest = source;
    }
    if (oldest->used)
        forget_stream(tx->session, oldest->out); /* never used again: fresh_ssrc does not repeat */
    *oldest = (struct source){ .origin = origin, .in = ssrc, .used = ++tx->clock };
    oldest->out = name_source(tx, ssrc, rtcp);
    return oldest;
}

/*
 * Follow the source's sequence as a receiver does (RFC 3711 section 3.3.1).  libsrtp2 is more lenient while its index
 * is below 2^15: it would take a late 65530 for a leap ahead, and from there on every receiver would be a ROC behind.
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
    forget_stream(tx->session, source->out);
    source->out = fresh_ssrc(tx);
    source->index = seq;
    source->jumped = false;
    return 0;
}

int gh_srtp_tx_seal_rtp(struct gh_srtp_tx *tx, uint64_t origin, uint8_t *p, size_t *len)
{
    struct source *source;
    int octets = (int)*len, err;

    if (tx->rtp_left == 0)
        return GH_ELIMIT;
    source = find_source(tx, origin, gh_get32(p + 8), false);
    err = follow(tx, source, gh_get16(p + 2));
    if (err)
        return err;
    gh_put32(p + 8, source->out);
    err = error_of(srtp_protect(tx->session, p, &octets));
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

    for (size_t i = 0; tx && i < GH_TX_SSRC_MAX; i++) {
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
    int octets = (int)*len, err;

    if (tx->rtcp_left == 0)
        return GH_ELIMIT;
    find_source(tx, origin, gh_get32(p + 4), true);
    if ((tx->renames || (back && back->renames)) && !gh_rtcp_rewrite(p, *len, rename_ssrc, &names))
        return GH_ESYNTAX;
    err = error_of(srtp_protect_rtcp(tx->session, p, &octets));
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
