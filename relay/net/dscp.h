/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The differentiated services code point of a socket (RFC 2474): what routers on the way sort
 * packets by.
 * Thread: any.
 */
#ifndef GH_DSCP_H
#define GH_DSCP_H

#include <stdint.h>

#define GH_DSCP_MAX 63

/**
 * Mark what @fd sends from now on.
 * @family  of the socket: 4 or 6
 * @return 0, or the system's error: the mark is a wish, a socket without it works all the same
 */
int gh_dscp_set(int fd, uint8_t family, uint8_t dscp);

#endif
