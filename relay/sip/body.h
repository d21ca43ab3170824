/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks into the body of a message for the key gate (RFC 2045, RFC 2046, RFC 5621, RFC 3261 section
 * 7.4).
 *
 * Every part of a multipart body is decoded and listed, down to GH_SIP_NEST_MAX levels.  What
 * cannot be looked into with certainty makes the whole body opaque:  Content-Encoding, encryption,
 * signatures, PKCS #7, unknown transfer encodings and charsets, partial and external bodies, and
 * every multipart that two readers could read differently.
 */
#ifndef GH_SIP_BODY_H
#define GH_SIP_BODY_H

#include "sip/msg.h"

#define GH_SIP_NEST_MAX  4  /* multiparts inside each other */
#define GH_SIP_PARTS_MAX 64 /* parts of one message, stray text included */

struct gh_sip_part {
    struct gh_sip_media_type type; /* of a stray text: empty */
    struct gh_span disposition;    /* first word of Content-Disposition; empty: none */
    struct gh_buf octets;          /* decoded; owned, wipes itself */
    bool is_sdp;                   /* application/sdp */
    bool stray;                    /* text outside of the boundaries, or a part's odd headers */
    unsigned depth;                /* 0: the body itself */
};

struct gh_sip_body {
    struct gh_sip_part *parts;     /* leaves in order of appearance; none for an empty body */
    size_t count;
    bool opaque;
    const char *why;               /* static text, when opaque */
};

/**
 * @out  written always; gh_sip_body_fini it.  Spans of types point into @msg, which must outlive it
 * @return 0 (also when opaque) or GH_ENOMEM (marked opaque too)
 */
int gh_sip_body_parse(struct gh_sip_body *out, const struct gh_sip_msg *msg);
void gh_sip_body_fini(struct gh_sip_body *body);

/**
 * The one session description of the body, or NULL.  Parts with a disposition other than "session"
 * (early-session, RFC 3959) do not count; several that count are a problem.
 * @problem  GH_REASON_NONE, GH_REASON_BODY_OPAQUE, or GH_REASON_BAD_SDP (several)
 */
const struct gh_sip_part *gh_sip_body_sdp(const struct gh_sip_body *body, enum gh_reason *problem);

/**
 * Union of enum gh_carriers over the whole message: every part, and every header and URI (in
 * all their readings). Nothing can be said of an opaque body, so it counts as carrying everything.
 * @problem  GH_REASON_NONE, or the first of BODY_OPAQUE, KEY_IN_ODD_BODY (keying in a part that is
 *           not SDP, or in a header), BAD_SDP that applies.  Out of memory is BODY_OPAQUE
 */
unsigned gh_sip_carriers(const struct gh_sip_msg *msg, enum gh_reason *problem);

/** What a text carries in any of its readings: of a head, a header, or octets that did not parse.
 *  Out of memory: everything */
unsigned gh_sip_text_carriers(struct gh_span text);

/** Does it carry keying?  Then none of it may be written down. */
bool gh_sip_text_carries(struct gh_span text);

typedef void (*gh_sip_text_fn)(void *arg, struct gh_span text);

/**
 * Call @fn with what a text may be read as: as it stands, then with its escapes undone (%HH of a
 * URI, "?body=", and the quoted pairs of a display name), a few rounds deep.
 * @return 0 or GH_ENOMEM: not all readings were there
 */
int gh_sip_readings(struct gh_span text, gh_sip_text_fn fn, void *arg);

#endif
