/* SPDX-License-Identifier: Apache-2.0 */
/* SIP messages in tests: written with "\n", sent with CRLF. */
#ifndef GH_TEST_SUPPORT_SIP_H
#define GH_TEST_SUPPORT_SIP_H

#include "base/buf.h"
#include "sip/msg.h"

/**
 * The octets of @text on the wire: "\n" becomes CRLF, and "@" as the value of Content-Length the
 * length of what stands behind the empty line.  gh_buf_fini it.
 */
struct gh_buf sip_wire(const char *text);

/** Parse @octets from memory that ends with them, so that a sanitizer sees a read past the end. */
int sip_parse_exact(struct gh_sip_msg **out, struct gh_span octets, enum gh_sip_carriage carriage,
                    struct gh_sip_fault *fault);

/** Parse sip_wire(@text) as from a stream; NULL and a line on stderr when it is not good. */
struct gh_sip_msg *sip_msg(const char *text);

/** A request of @method with everything that must be there; @extra: header lines, "\n" behind
 *  each; @body may be NULL. */
struct gh_sip_msg *sip_request(const char *method, const char *extra, const char *type,
                               const char *body);

/** The fault of sip_wire(@text): "header: text", or "none".  Static until the next call. */
const char *sip_fault(const char *text);

#endif
