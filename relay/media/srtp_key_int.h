/* SPDX-License-Identifier: Apache-2.0 */
/* What receiving and sending contexts share: sessions of libsrtp2, its errors, its streams. */
#ifndef GH_SRTP_KEY_INT_H
#define GH_SRTP_KEY_INT_H

#include <srtp2/srtp.h>

#include <gatehouse/err.h>
#include "media/srtp_key.h"
#include "media/touch.h"

int gh_srtp_error(srtp_err_status_t status);

bool gh_srtp_key_fits(enum gh_suite suite, const struct gh_secret *key);

/**
 * @key   lives as long as the session is made; libsrtp2 wants it writable and does not write
 * @type  any inbound or outbound, or undefined: a session without streams
 * @gate  the NULL cipher for RTP: authenticated, not decrypted
 */
int gh_srtp_session_new(srtp_t *out, enum gh_suite suite, struct gh_secret *key,
                        srtp_ssrc_type_t type, bool gate);

/** A stream for @ssrc that starts at @roc.  There is none for it yet: libsrtp2 does not look. */
int gh_srtp_stream_add(srtp_t session, enum gh_suite suite, struct gh_secret *key, bool gate,
                       uint32_t ssrc, uint32_t roc);
void gh_srtp_stream_forget(srtp_t session, uint32_t ssrc);
/** Bring what libsrtp2 needs to find it near.  There may be none. */
void gh_srtp_stream_touch(srtp_t session, uint32_t ssrc);

#endif
