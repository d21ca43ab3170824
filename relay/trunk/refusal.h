/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refusal as it goes on the wire: status, and Warning: 399 <node> "reason: what happened; what to
 * change". Thread: signalling.
 */
#ifndef GH_REFUSAL_H
#define GH_REFUSAL_H

#include <gatehouse/reason.h>
#include "sip/out.h"

/** Status of @reason; 500 for one that is never answered with. */
int gh_refusal_status(enum gh_reason reason);

/** The Warning header alone.  @detail  more words, as the line of an SDP; empty: none */
void gh_refusal_warning(struct gh_sip_out *out, const char *node, enum gh_reason reason,
                        struct gh_span detail);

/** The text of a Warning and of the Reason header of a BYE or CANCEL: "reason: text (detail);
 * advice". */
void gh_refusal_text(struct gh_buf *out, enum gh_reason reason, struct gh_span detail);

/**
 * A whole response to @request, which may be ->bad.
 * @octets  empty on entry; written on success only.  @return 0 or an error
 */
int gh_refusal_build(struct gh_buf *octets, const struct gh_sip_msg *request, const char *node,
                     enum gh_reason reason, struct gh_span detail);

#endif
