/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dscp.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

int gh_dscp_set(int fd, uint8_t family, uint8_t dscp)
{
    const int traffic_class = dscp << 2; /* the two low bits are those of congestion, RFC 3168 */
    int err = family == 6
                  ? setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof(traffic_class))
                  : setsockopt(fd, IPPROTO_IP, IP_TOS, &traffic_class, sizeof(traffic_class));

    return err ? -errno : 0;
}
