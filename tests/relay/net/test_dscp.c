/* SPDX-License-Identifier: Apache-2.0 */
/* Connections carry the code point of their listener, or of whoever opened them (RFC 2474). */
#include "support_net.h"

#include <unistd.h>

#include "net/dscp.h"

#define FD_MAX 256

/* Of this process's connected sockets: the TOS octet of the one from @local to @peer, port 0 for
 * any; -1: none. */
static int class_of(uint16_t local, uint16_t peer)
{
    for (int fd = 0; fd < FD_MAX; fd++) {
        struct sockaddr_storage own, far;
        socklen_t own_len = sizeof(own), far_len = sizeof(far), len = sizeof(int);
        int class = -1;

        if (getsockname(fd, (struct sockaddr *)&own, &own_len) ||
            getpeername(fd, (struct sockaddr *)&far, &far_len) || own.ss_family != AF_INET)
            continue;
        if ((!local || gh_addr_from_sockaddr((struct sockaddr *)&own).port == local) &&
            (!peer || gh_addr_from_sockaddr((struct sockaddr *)&far).port == peer) &&
            !getsockopt(fd, IPPROTO_IP, IP_TOS, &class, &len))
            return class;
    }
    return -1;
}

static void either_way_opened(void)
{
    struct gh_net_listener at = { .index = RIG_LISTENER,
                                  .transport = GH_TRANSPORT_TCP,
                                  .dscp = 24 };
    struct gh_net_connect to = { .transport = GH_TRANSPORT_TCP, .dscp = 40 };
    struct gh_conn *conn;
    struct gh_addr bound;

    rig_begin(NULL, NULL, NULL);
    at.address = rig.at;
    at.address.port = 0;
    CHECK_INT(gh_net_unlisten(rig.net, RIG_LISTENER), 0); /* which marks nothing */
    CHECK_INT(gh_net_listen(rig.net, &at, &bound), 0);
    to.to = bound;
    CHECK_INT(gh_net_connect(rig.net, &to, &conn), 0);
    rig_turn_until(rig.ups == 2);
    CHECK_INT(class_of(bound.port, 0), 24 << 2);
    CHECK_INT(class_of(0, bound.port), 40 << 2);
    rig_end();
}

static void of_both_families(void)
{
    static const int kinds[] = { AF_INET, AF_INET6 };

    for (int i = 0; i < 2; i++) {
        int fd = socket(kinds[i], SOCK_DGRAM, 0), class = 0;
        socklen_t len = sizeof(class);

        if (fd < 0 && i == 1)
            continue; /* no IPv6 here */
        CHECK_INT(gh_dscp_set(fd, i ? 6 : 4, 46), 0);
        CHECK_INT(i ? getsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class, &len)
                    : getsockopt(fd, IPPROTO_IP, IP_TOS, &class, &len), 0);
        CHECK_INT(class, 46 << 2);
        close(fd);
    }
    CHECK_INT(gh_dscp_set(-1, 4, 46), -EBADF);
}

int main(void)
{
    RUN(either_way_opened);
    RUN(of_both_families);
    return CHECK_REPORT();
}
