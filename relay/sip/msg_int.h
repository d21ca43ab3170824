/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parser of the message as a whole and the table of header rules. */
#ifndef GH_SIP_MSG_INT_H
#define GH_SIP_MSG_INT_H

#include "sip/msg.h"

/* Notes the first fault; later ones change nothing.  Both texts are static. */
void gh_sip_fault_set(struct gh_sip_fault *fault, enum gh_reason reason, const char *header,
                      const char *text);

/* Everything about headers: how often, which must be there, each value; fills the
 * members of @msg. */
void gh_sip_msg_check_headers(struct gh_sip_msg *msg, struct gh_sip_fault *fault);

#endif
