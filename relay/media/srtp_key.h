/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to one SRTP key: a receiving context (ROC, replay windows, which sources it has seen) and a
 * sending context (ROC, which SSRC a source was given).  Each lives as long as its key and is made once for it.
 * Thread: the worker that owns the stream.
 */
#ifndef GH_SRTP_KEY_H
#define GH_SRTP_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gatehouse/suite.h>
#include "crypto/secret.h"

#define GH_REPLAY_WINDOW 128
#define GH_SRTP_TRAILER_MAX 20 /* 16 of tag and 4 of SRTCP index, RFC 7714 */
#define GH_RX_SSRC_MAX 64      /* sources under one receiving key */
#define GH_TX_SSRC_MAX 16      /* sources that one sending key carries at a time */
#define GH_SRTP_PKTS_MAX (1ULL << 48)  /* RFC 3711 section 9.2 */
#define GH_SRTCP_PKTS_MAX (1ULL << 31)

/* ---- receiving -------------------------------------------------------------------------------------- */

struct gh_srtp_rx;

/**
 * @gate  AES_CM_128 only, else ignored: RTP is authenticated without being decrypted, for `pass`
 * @return 0, GH_EINVAL (no suite, wrong length), GH_ENOMEM or GH_ECRYPTO
 */
int gh_srtp_rx_new(struct gh_srtp_rx **out, enum gh_suite suite, const struct gh_secret *key, bool gate);
void gh_srtp_rx_free(struct gh_srtp_rx *rx);

bool gh_srtp_rx_is(const struct gh_srtp_rx *rx, enum gh_suite suite, const struct gh_secret *key);

/** Bring what the next packet will touch of it near; then, once that is there, what it points to.  NULL is fine. */
void gh_srtp_rx_touch(const struct gh_srtp_rx *rx);
void gh_srtp_rx_touch_session(const struct gh_srtp_rx *rx);

/** Lives as long as @rx. */
const struct gh_secret *gh_srtp_rx_key(const struct gh_srtp_rx *rx);

/** Nothing has authenticated yet: it may be made anew for the same key. */
bool gh_srtp_rx_is_unused(const struct gh_srtp_rx *rx);

/**
 * @rx takes the place of @before, or stands beside it: a source may go on under its key with the ROC it had, as RFC
 * 3711 section 3.3.1 wants it, or start with ROC 0, as many do.  The first packet that authenticates decides, for each
 * SSRC.  A source that @rx knows may go on with either ROC.
 *
 * @return 0, GH_ENOMEM or GH_ECRYPTO: @rx, if it is fresh, is then to be freed
 */
int gh_srtp_rx_inherit(struct gh_srtp_rx *rx, const struct gh_srtp_rx *before);

/**
 * @other has the same key, for another suite.  The tags of two suites may be one, cut short (RFC 4568 sections 6.2.1 and
 * 6.2.2), so of a source that authenticated there only what is above all of it is taken here: of RTP and of RTCP.  The
 * rest is GH_EREPLAY.  For ROCs as gh_srtp_rx_inherit.  What @other accepts later on is not known here.
 *
 * @return as gh_srtp_rx_inherit
 */
int gh_srtp_rx_stay_above(struct gh_srtp_rx *rx, const struct gh_srtp_rx *other);

/** As gh_srtp_rx_inherit for one SSRC alone, before a packet of it is judged under @rx: @other is beside it, under
 *  another key of the peer's.  Remembers nothing of an SSRC that has not authenticated there. */
int gh_srtp_rx_heed(struct gh_srtp_rx *rx, const struct gh_srtp_rx *other, uint32_t ssrc);

/** As gh_srtp_rx_is_newest, and above all that @other has accepted of that SSRC. */
bool gh_srtp_rx_is_beyond(const struct gh_srtp_rx *rx, const struct gh_srtp_rx *other, bool rtcp);

/** The packet that was accepted last had an index above all of its SSRC before it. */
bool gh_srtp_rx_is_newest(const struct gh_srtp_rx *rx);

/** How many packets of RTP or RTCP have been accepted. */
uint64_t gh_srtp_rx_pkts(const struct gh_srtp_rx *rx, bool rtcp);

/** Another number for each context of the process, unless it joined another: tells the sources of two peers apart. */
uint64_t gh_srtp_rx_serial(const struct gh_srtp_rx *rx);

/** The sources under both keys are the same: a peer has several keys at a time. */
void gh_srtp_rx_join(struct gh_srtp_rx *rx, const struct gh_srtp_rx *other);

/**
 * Authenticate, check for replay, decrypt in place.  @p is left as it was on GH_EAUTH only under counter mode: a
 * caller that wants to try another key keeps a copy.
 *
 * @p    a packet whose form gh_pkt_kind has seen, at least header and tag long; 4-octet aligned
 * @len  in and out
 * @return 0, GH_EAUTH, GH_EREPLAY, GH_ELIMIT (authentic, but one source too many), GH_ESYNTAX,
 * GH_ENOMEM or GH_ECRYPTO
 */
int gh_srtp_rx_open(struct gh_srtp_rx *rx, uint8_t *p, size_t *len, bool rtcp);

/**
 * As gh_srtp_rx_open, but @p stays as it is.
 * @scratch  room for @len octets, aligned; wiped
 */
int gh_srtp_rx_check(struct gh_srtp_rx *rx, uint8_t *p, size_t len, bool rtcp, uint8_t *scratch);

/* ---- sending ---------------------------------------------------------------------------------------- */

struct gh_srtp_tx;

/** For a key of our own only: a peer's key is never sent under.  @return as gh_srtp_rx_new */
int gh_srtp_tx_new(struct gh_srtp_tx **out, enum gh_suite suite, const struct gh_secret *key);
void gh_srtp_tx_free(struct gh_srtp_tx *tx);

/** @tx, fresh, takes over SSRCs and packet indices of @before: the ROC goes on under the new key.
 *  @return 0 or GH_ENOMEM: @tx is then to be freed */
int gh_srtp_tx_continue(struct gh_srtp_tx *tx, const struct gh_srtp_tx *before);

/** As those of gh_srtp_rx. */
void gh_srtp_tx_touch(const struct gh_srtp_tx *tx);
void gh_srtp_tx_touch_session(const struct gh_srtp_tx *tx);

bool gh_srtp_tx_is(const struct gh_srtp_tx *tx, enum gh_suite suite, const struct gh_secret *key);
const struct gh_secret *gh_srtp_tx_key(const struct gh_srtp_tx *tx);

/**
 * Give the packet the SSRC that this key has for its source, and protect it in place.
 *
 * The first source keeps its SSRC, since SDP may have named it.  Another source, or a source whose sequence went
 * 2^15 ahead or back behind the window (two packets in a row), goes on under an SSRC that this key has never
 * used: one keystream is never used twice, and the receiver starts with ROC 0 as we do.
 *
 * @origin  who sent it: gh_srtp_rx_serial, or a number of the caller's for a plain source
 * @p       room for GH_SRTP_TRAILER_MAX octets more; form seen by gh_pkt_kind; RTCP: complete
 * @back    RTCP: where the far side's reports come from, to name its sources as it does; may be NULL
 * @return 0, GH_EREPLAY (an old number), GH_ELIMIT (the key has reached its packet limit), GH_ESYNTAX, GH_ENOMEM,
 * GH_ECRYPTO
 */
int gh_srtp_tx_seal_rtp(struct gh_srtp_tx *tx, uint64_t origin, uint8_t *p, size_t *len);
int gh_srtp_tx_seal_rtcp(struct gh_srtp_tx *tx, uint64_t origin, uint8_t *p, size_t *len,
                         const struct gh_srtp_tx *back);

/** RTCP that goes on in clear to a plain side: give the reported sources their own SSRCs again. */
int gh_srtp_tx_unmap_rtcp(const struct gh_srtp_tx *back, uint8_t *p, size_t len);

/** Nine tenths of the packets that the key may protect are sent. */
bool gh_srtp_tx_is_worn(const struct gh_srtp_tx *tx);

/** For tests: as if all but so many packets had been sent. */
void gh_srtp_tx_set_left(struct gh_srtp_tx *tx, uint64_t rtp, uint64_t rtcp);

#endif
