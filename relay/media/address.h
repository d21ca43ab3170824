/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of media: our own ones, and what may be one at all (gh_media_address of media.h).
 * Written before the workers start, only read after.  Thread: any.
 */
#ifndef GH_MEDIA_ADDRESS_H
#define GH_MEDIA_ADDRESS_H

#include "media/media.h"

#define GH_OWN_IPS_MAX (4 * GH_MEDIA_INTERFACES_MAX + 64)

/* Where packets to one of our ports may be sent to: bound addresses, advertised ones and, where an address of zeros is
 * bound, those of the interfaces at start. */
struct gh_own {
    struct gh_addr ips[GH_OWN_IPS_MAX];
    unsigned count;
    bool loopback; /* all of 127/8 too: zeros are bound */
    uint16_t port_first, port_last;
};

/** @return 0 or the system's error */
int gh_own_init(struct gh_own *own, const struct gh_media_config *config);

/** Whether it is one of our media ports, in use or not. */
bool gh_own_has(const struct gh_own *own, const struct gh_addr *addr);

#endif
