/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SIP message, parsed completely and strictly (RFC 3261 sections 7, 8.1.1, 18.3, 20 and 25).
 *
 * What a message that parsed keeps as promise: CR and LF stand nowhere but between lines, NUL
 * nowhere; start line and every header below that has a parser are right; a single-instance header
 * stands there once; CSeq fits the method; Content-Length fits the body; a body has a Content-Type;
 * a request's top Via has an RFC 3261 branch; an INVITE has one Contact.  Headers keep their order
 * and spelling, and are compared in full.  Max-Forwards may be absent and counts as 70 then
 * (section 16.3).  RFC 2543 peers (branch without the magic cookie) are not served.
 *
 * A message owns its octets, wiped when the last reference goes: bodies hold keys.  Members are for
 * reading only. Thread: signalling.
 */
#ifndef GH_SIP_MSG_H
#define GH_SIP_MSG_H

#include <gatehouse/reason.h>
#include "sip/hdr.h"

#define GH_SIP_METHOD_MAP(X)                                                            \
    X(INVITE) X(ACK) X(BYE) X(CANCEL) X(OPTIONS) X(PRACK) X(UPDATE) X(INFO) X(REFER)    \
    X(NOTIFY) X(SUBSCRIBE) X(MESSAGE) X(REGISTER) X(PUBLISH)

enum gh_sip_method {
    GH_SIP_METHOD_OTHER = 0,
#define X(name) GH_SIP_##name,
    GH_SIP_METHOD_MAP(X)
#undef X
    GH_SIP_METHOD_COUNT
};

/** Case counts (RFC 3261 section 7.1). */
enum gh_sip_method gh_sip_method_by_name(struct gh_span name);
/** "" for OTHER.  Static. */
const char *gh_sip_method_name(enum gh_sip_method method);

/* How the octets came, which says what may stand behind the body. */
enum gh_sip_carriage {
    GH_SIP_STREAM = 0, /* one framed message: Content-Length must be there and equal the body */
    GH_SIP_DATAGRAM,   /* Content-Length may be missing; octets behind the body do not count */
    GH_SIP_HEAD_ONLY   /* of a message whose framing was lost: to answer it; always GH_ESYNTAX */
};

/* What is wrong.  Both texts are static and never quote the peer. */
struct gh_sip_fault {
    enum gh_reason reason;  /* BAD_MESSAGE or MESSAGE_TOO_LARGE */
    const char *header;     /* name of the header, or "start line", "message", "body" */
    const char *text;       /* what is wrong with it */
};

struct gh_sip_msg {
    unsigned refs;
    bool request;
    /* Parsed only so far that it can be answered: nothing but gh_sip_out_reply may be
     * done with it. */
    bool bad;

    struct gh_span method_text;  /* of the request, or of the response's CSeq */
    enum gh_sip_method method;
    struct gh_sip_uri uri;       /* Request-URI */
    int status;                  /* 100..699; 0: a request */
    struct gh_span phrase;

    struct gh_span head;         /* start line and headers, unfolded, each with its CRLF */
    struct gh_sip_hdr *hdrs;
    size_t hdr_count;

    struct gh_sip_via via;       /* the topmost */
    size_t via_count;
    struct gh_sip_addr from, to;
    struct gh_span call_id;
    uint32_t cseq;
    unsigned max_forwards;       /* 70 when absent */
    bool has_contact;
    struct gh_sip_addr contact;  /* the first */

    bool has_type;
    struct gh_sip_media_type type; /* of the body */
    struct gh_span body;         /* may be empty */

    char *octets;                /* owned */
    size_t octets_len;
};

/**
 * Parse one message; @octets are copied.
 *
 * @out    on success one reference.  On GH_ESYNTAX and GH_ELIMIT also, with ->bad set, when it is a
 *         request (not an ACK) that has what an answer needs: Via, From, To, Call-ID and CSeq in
 *         full.  Else NULL
 * @fault  written on GH_ESYNTAX and GH_ELIMIT; may be NULL
 * @return 0, GH_ESYNTAX (answer 400), GH_ELIMIT (answer 513) or GH_ENOMEM
 */
int gh_sip_msg_parse(struct gh_sip_msg **out, struct gh_span octets, enum gh_sip_carriage carriage,
                     struct gh_sip_fault *fault);

struct gh_sip_msg *gh_sip_msg_ref(struct gh_sip_msg *msg);

/** The last one wipes and frees.  NULL is fine. */
void gh_sip_msg_unref(struct gh_sip_msg *msg);

/** Overwrite the body and forget it, for whoever keeps a message longer than its keys are
 *  needed. */
void gh_sip_msg_wipe_body(struct gh_sip_msg *msg);

/** The first header of this kind, or NULL.  The next one after @after, when that is not NULL. */
const struct gh_sip_hdr *gh_sip_msg_hdr(const struct gh_sip_msg *msg, enum gh_sip_hdr_id id,
                                        const struct gh_sip_hdr *after);

/** The first header with this name, for those without id; letter case does not count. */
const struct gh_sip_hdr *gh_sip_msg_hdr_named(const struct gh_sip_msg *msg, const char *name);

/** Value of the first header of this kind; empty when there is none. */
struct gh_span gh_sip_msg_value(const struct gh_sip_msg *msg, enum gh_sip_hdr_id id);

/* Walks the values of all headers of one kind, over lines and commas alike. */
struct gh_sip_values {
    const struct gh_sip_msg *msg;
    const struct gh_sip_hdr *hdr;
    enum gh_sip_hdr_id id;
    struct gh_span rest;
};

struct gh_sip_values gh_sip_values(const struct gh_sip_msg *msg, enum gh_sip_hdr_id id);
/** @return false at the end, and at a list that is not well formed (lists of known headers were
 *  checked). */
bool gh_sip_values_next(struct gh_sip_values *it, struct gh_span *value);

/** Is @token among the comma-separated values (Require, Supported, Allow ...)?  Letter case does
 *  not count. */
bool gh_sip_msg_has_token(const struct gh_sip_msg *msg, enum gh_sip_hdr_id id, const char *token);

/**
 * What the message claims with "Call-Info: <urn:x-cisco-remotecc:callinfo>; security= ...".  Of
 * several claims the least counts; words that are no status are Unknown, which is not below any
 * other here.
 * @claimed  may be NULL; whether there is any security parameter
 */
enum gh_status gh_sip_msg_security(const struct gh_sip_msg *msg, bool *claimed);

#endif
