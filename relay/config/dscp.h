/* SPDX-License-Identifier: Apache-2.0 */
/* Names of differentiated services code points.  Pure.  Thread: any. */
#ifndef GH_CONFIG_DSCP_H
#define GH_CONFIG_DSCP_H

#include <gatehouse/span.h>

/**
 * "EF", "AF41", "CS3", "VA" in any case, or a number up to 63.
 * Source: RFC 2474 section 4.2.2.2, RFC 2597, RFC 3246, RFC 5865
 * @return whether *out was written
 */
bool gh_config_dscp(struct gh_span text, uint8_t *out);

#endif
