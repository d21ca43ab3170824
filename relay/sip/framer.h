/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octets of a stream connection in, complete SIP messages out (RFC 3261 sections 7.5 and 18.3, RFC
 * 5626 section 3.5.1).  Only the border of a message is found here; whether it is a good one says
 * gh_sip_msg_parse.
 *
 * Where a message ends must be beyond doubt, else octets of one message could be read as
 * another:  lines end with CRLF and nothing else, and there is exactly one Content-Length, in plain
 * decimal digits.  Everything that breaks this loses the framing, and the connection must be
 * closed.  Each octet is looked at a bounded number of times, however the stream is cut into
 * chunks.
 *
 * One framer belongs to one connection and its thread.
 */
#ifndef GH_SIP_FRAMER_H
#define GH_SIP_FRAMER_H

#include <gatehouse/reason.h>
#include "base/buf.h"

#define GH_SIP_LINE_MAX    8192  /* octets of one line without CRLF, folds included */
#define GH_SIP_HEADERS_MAX 256   /* header lines of one message */
#define GH_SIP_HEAD_MAX    65536 /* octets up to and including the empty line */
#define GH_SIP_BODY_MAX    65536 /* octets of the body */

enum gh_sip_frame {
    GH_SIP_FRAME_MORE = 0, /* nothing complete: feed more */
    GH_SIP_FRAME_MESSAGE,  /* @octets: one complete message */
    GH_SIP_FRAME_PING,     /* CRLF CRLF between messages: answer with CRLF (RFC 5626) */
    GH_SIP_FRAME_LOST      /* @reason, @fault; close the connection.  It stays lost */
};

/* A zeroed struct is ready. */
struct gh_sip_framer {
    struct gh_buf buf;      /* wipes itself: bodies hold keys */
    size_t start;           /* where the message under way begins in buf */
    size_t scanned;         /* octets from start on that were looked at */
    size_t line;            /* where the line under way begins, from start */
    size_t head_len;        /* of the message under way; 0: its end was not seen yet */
    size_t body_len;
    unsigned blank_lines;   /* CRLFs seen since the last message or ping */
    enum gh_reason lost;    /* GH_REASON_NO_RULE: not lost */
    const char *fault;
    uint64_t looked_at;     /* octets examined in all: tests hold it to twice what was fed */
};

struct gh_sip_framed {
    /* Valid until the next call for this framer.  LOST: the head, if it is complete, which may be
     * parsed as GH_SIP_HEAD_ONLY to answer before closing; else empty. */
    struct gh_span octets;
    enum gh_reason reason;  /* LOST: BAD_MESSAGE, MESSAGE_TOO_LARGE or INTERNAL (out of memory) */
    const char *fault;      /* LOST: static text for people */
};

/** Wipes and frees.  The struct is ready again. */
void gh_sip_framer_fini(struct gh_sip_framer *framer);

/**
 * Take in octets as they came.  Then call gh_sip_framer_next until it says MORE or LOST: what is
 * kept is bounded by the limits above and the size of one chunk.  @return 0 or GH_ENOMEM; next says
 * LOST then
 */
int gh_sip_framer_feed(struct gh_sip_framer *framer, struct gh_span octets);

enum gh_sip_frame gh_sip_framer_next(struct gh_sip_framer *framer, struct gh_sip_framed *out);

/** Octets of an unfinished message are waiting: the peer owes more. */
bool gh_sip_framer_pending(const struct gh_sip_framer *framer);

#endif
