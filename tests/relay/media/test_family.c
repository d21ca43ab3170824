/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of the wrong family, with the daemon bound at 0.0.0.0 and at ::, where one socket could take both.  The kernel
 * keeps them apart (ipv6(7), IPV6_V6ONLY): a datagram to a port that only the other family has is refused by ICMP.
 */
#include "support/check.h"

#include <unistd.h>

#include "crypto/srtp_ciphers.h"
#include "support_media.h"

#define CM80 GH_AES_CM_128_HMAC_SHA1_80

/* One datagram to @ip and @port; loopback says within the call whether anybody has that port. */
static void check_nobody_is_there(const char *ip, uint16_t port, const uint8_t *p, size_t len)
{
    struct sockaddr_storage ss = { 0 };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    bool six = inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1;
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    uint8_t got[PKT_MAX];

    CHECK(six || inet_pton(AF_INET, ip, &in.sin_addr) == 1);
    if (six)
        memcpy(&ss, &in6, sizeof(in6));
    else
        memcpy(&ss, &in, sizeof(in));
    CHECK_INT(connect(fd, (struct sockaddr *)&ss, six ? sizeof(in6) : sizeof(in)), 0);
    CHECK_INT(send(fd, p, len, 0), len);
    CHECK_INT(recv(fd, got, sizeof(got), 0), -1);
    if (!CHECK_INT(errno, ECONNREFUSED))
        fprintf(stderr, "  %s port %u\n", ip, port);
    close(fd);
}

static void the_other_family_is_not_heard(void)
{
    for (int keyed = 0; keyed < 2; keyed++) {
        struct lab lab;
        uint8_t p[PKT_MAX] __attribute__((aligned(8)));

        if (!lab_has_ipv6() || !lab_start_wild(&lab))
            return;
        if (keyed)
            lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
        else
            lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
        for (int round = 0; round < 2; round++) {
            for (int kind = 0; kind < 2; kind++) {
                for (int s = 0; s < 2; s++) {
                    size_t len = kind ? make_rtcp(&lab.phones[s], p) : make_rtp(&lab.phones[s], p, 0, 160);

                    len = phone_seal(&lab.phones[s], p, len, kind);
                    if (s == 0) {
                        check_nobody_is_there("::1", lab.port[0][kind].port, p, len);
                    } else {
                        check_nobody_is_there("127.0.0.1", lab.port[1][kind].port, p, len);
                        check_nobody_is_there("::ffff:127.0.0.1", lab.port[1][kind].port, p, len);
                    }
                }
            }
            for (int k = 0; k < 4; k++)
                check_flows(&lab, k % 2, k / 2);
        }
        for (int s = 0; s < 2; s++)
            CHECK_INT(counters_of(&lab, s).rx_pkts, 4);
        LAB_END(&lab);
    }
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(the_other_family_is_not_heard);
    return CHECK_REPORT();
}
