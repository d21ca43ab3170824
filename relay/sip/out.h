/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a SIP message.  Headers come out in the order of the calls; Content-Length is computed.  A
 * value with CR, LF or NUL is refused, so no text of a peer can become a header of ours.  Errors
 * are sticky: only finish is checked.
 *
 *     struct gh_sip_out out = { 0 };
 *     gh_sip_out_reply(&out, request, 488, GH_SPAN(""), to_tag);
 *     gh_sip_out_warning(&out, 399, node, reason_text);
 *     err = gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets);
 */
#ifndef GH_SIP_OUT_H
#define GH_SIP_OUT_H

#include "base/buf.h"
#include "sip/msg.h"

/* A zeroed struct is ready. */
struct gh_sip_out {
    struct gh_buf buf;
    bool started;
    /* First failure: GH_EINVAL (a value may not be written), GH_ESTATE (order of calls), GH_ENOMEM,
     * GH_ELIMIT. */
    int err;
};

/** Wipes and frees without finishing.  The struct is ready again. */
void gh_sip_out_fini(struct gh_sip_out *out);

/** @uri is written without its "?" part; pass text that gh_sip_uri_parse accepts. */
void gh_sip_out_request(struct gh_sip_out *out, struct gh_span method, struct gh_span uri);

/** @phrase  empty: the usual one of @status */
void gh_sip_out_response(struct gh_sip_out *out, int status, struct gh_span phrase);

/**
 * A response to @request up to where RFC 3261 section 8.2.6 says what stands there: all Vias, From,
 * To, Call-ID, CSeq; Record-Route too in 101..299 (section 12.1.1), Timestamp in 100.  Also for a
 * request that is ->bad.
 *
 * When gh_sip_reply_room says that there is no room, which is for a 513 or a 400, the answer has as
 * many Vias and Record-Routes from the top as fit, and From and To without display name and
 * parameters but the tag.
 * @to_tag  added when the request's To has no tag and @status is not 100; empty: none
 */
void gh_sip_out_reply(struct gh_sip_out *out, const struct gh_sip_msg *request, int status,
                      struct gh_span phrase, struct gh_span to_tag);

/* What an answer has besides what it repeats of its request: Contact, Warning, what is relayed. */
#define GH_SIP_ANSWER_HEADERS 64    /* header lines */
#define GH_SIP_ANSWER_OCTETS  16384 /* octets of them */
#define GH_SIP_ANSWER_LINE    64    /* octets in a line: the full name, <>, ";tag=" and a tag */

/**
 * Whether an answer to @request, with what it must repeat, stays within the limits that framer.h
 * has for a message.  @return 0, or GH_ELIMIT: answer 513
 */
int gh_sip_reply_room(const struct gh_sip_msg *request);

/** One header line.  @name a token; an empty @value is written as such. */
void gh_sip_out_hdr(struct gh_sip_out *out, const char *name, struct gh_span value);
void gh_sip_out_hdr_fmt(struct gh_sip_out *out, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** A header as it stands in another message, with that spelling; "?" parts of URIs in <...> go.  An
 *  address with a "?"
 *  outside of <...>, which breaks the grammar, is not written at all. */
void gh_sip_out_copy(struct gh_sip_out *out, const struct gh_sip_hdr *hdr);

/** Via with rport (RFC 3581) when @transport is UDP.  @host  name or address, IPv6 with
 *  brackets.  @port 0: none */
void gh_sip_out_via(struct gh_sip_out *out, const char *transport, struct gh_span host,
                    uint16_t port,
                    struct gh_span branch);

/**
 * name-addr: display <uri>;tag=tag.
 * @display  as struct gh_sip_addr has it (already quoted, or tokens), empty: none
 * @uri      written without its "?" part.  @tag empty: none
 */
void gh_sip_out_addr(struct gh_sip_out *out, const char *name, struct gh_span display,
                     struct gh_span uri,
                     struct gh_span tag);

/** Warning: code agent "text" (RFC 3261 section 20.43).  @text is escaped; characters below 0x20
 *  become blanks. */
void gh_sip_out_warning(struct gh_sip_out *out, unsigned code, struct gh_span agent,
                        struct gh_span text);

/** Reason: protocol;cause=n;text="text" (RFC 3326).  Escaped as above. */
void gh_sip_out_reason(struct gh_sip_out *out, const char *protocol, unsigned cause,
                       struct gh_span text);

/** The value that gh_sip_out_reason writes, for gh_txn_cancel. */
void gh_sip_reason_value(struct gh_buf *buf, const char *protocol, unsigned cause,
                         struct gh_span text);

/**
 * Call-Info lines.  The `security` parameter of the Cisco entry is removed or written; nothing else
 * of it changes.
 *
 * @from          message whose entries are kept; NULL: none are
 * @keep_others   keep entries of other URNs too (without their "?" parts); the Cisco entry's other
 *                parameters stay always
 * @say           write `security= <status>`, in an entry of its own when @from has no Cisco one
 */
void gh_sip_out_call_info(struct gh_sip_out *out, const struct gh_sip_msg *from, bool keep_others,
                          bool say,
                          enum gh_status status);

/**
 * Content-Type (when there is a body), Content-Length, empty line, body.  @out is empty and ready
 * again afterwards.
 * @type    NULL without a body
 * @octets  empty on entry; what it held is wiped.  Written on success only
 * @return 0, or the first error of any call
 */
int gh_sip_out_finish(struct gh_sip_out *out, const char *type, struct gh_span body,
                      struct gh_buf *octets);

/** The usual reason phrase of a status; "" when it has none.  Static. */
const char *gh_sip_phrase(int status);

/* ---- identifiers of ours: 128 random bits in hexadecimal, NUL-terminated ---- */

#define GH_SIP_BRANCH_SIZE 40 /* z9hG4bK, 32 digits, NUL */
#define GH_SIP_TAG_SIZE    33

/** @return 0 or GH_ECRYPTO */
int gh_sip_draw_branch(char out[GH_SIP_BRANCH_SIZE]);
/** For tags and Call-IDs. */
int gh_sip_draw_tag(char out[GH_SIP_TAG_SIZE]);

#endif
