/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GH_SIP_BODY_INT_H
#define GH_SIP_BODY_INT_H

#include "sip/body.h"

/**
 * Undo a Content-Transfer-Encoding; @out grows by the decoded octets.  @encoding  empty: none
 * @return 0, GH_ESYNTAX (text does not follow it), GH_ENOTFOUND (not known here), or the buffer's
 * error
 */
int gh_sip_body_decode(struct gh_span encoding, struct gh_span text, struct gh_buf *out);

/** None, 7bit, 8bit, binary: the octets are as they stand. */
bool gh_sip_body_encoding_is_plain(struct gh_span encoding);

#endif
