/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of ports: even and odd, exhausted, resting, held by others; time is an argument. */
#include "support/check.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "media/media.h"
#include "media/port_pool.h"

static int socket_fails_with; /* 0: it does not */
static int sockets_left;      /* that come before it fails */

/* In libc's place. */
int socket(int domain, int type, int protocol)
{
    if (socket_fails_with && sockets_left-- <= 0) {
        errno = socket_fails_with;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

#define FIRST 22100 /* below the ports that the kernel gives out */

static struct gh_addr loopback(void)
{
    unsigned pid = (unsigned)getpid();
    struct gh_addr addr = { .family = 4,
                            .ip = { 127, (uint8_t)(pid >> 16 & 0x3f), (uint8_t)(pid >> 8), (uint8_t)pid } };

    return addr; /* this process's own, so that nobody else is on its ports */
}

static int take(struct gh_port_pool *pool, uint64_t now_ms, struct gh_port_pair *pair)
{
    struct gh_addr addr = loopback();

    return gh_port_pool_take(pool, &addr, now_ms, pair);
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage ss = { 0 };
    socklen_t len = sizeof(ss);

    return getsockname(fd, (struct sockaddr *)&ss, &len) ? 0 : gh_addr_from_sockaddr((struct sockaddr *)&ss).port;
}

static void whole_pairs_only(void)
{
    static const struct { uint16_t first, last; unsigned pairs; } rows[] = {
        { 100, 101, 1 }, { 100, 100, 0 }, { 101, 102, 0 }, { 101, 103, 1 }, { 16384, 32767, 8192 },
        { 65534, 65535, 1 }, { 65535, 65535, 0 }, { 200, 100, 0 }, { 0, 100, 0 }, { 1, 65535, 32767 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_port_pool *pool = NULL;
        unsigned used = 1, all = 0;
        int err = gh_port_pool_new(&pool, rows[i].first, rows[i].last, 0);

        CHECK_INT(err, rows[i].pairs ? 0 : GH_EINVAL);
        if (!err) {
            gh_port_pool_usage(pool, 0, &used, &all);
            CHECK_INT(used, 0);
            CHECK_INT(all, rows[i].pairs);
        }
        gh_port_pool_free(pool);
    }
}

static void pairs_are_even_and_odd(void)
{
    struct gh_port_pool *pool;
    struct gh_port_pair pair;

    CHECK_OR_STOP(gh_port_pool_new(&pool, FIRST, FIRST + 19, 0) == 0);
    CHECK_OR_STOP(take(pool, 0, &pair) == 0);
    CHECK_INT(pair.rtp % 2, 0);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(bound_port(pair.known[i]), pair.rtp + i);
        CHECK_INT(bound_port(pair.stranger[i]), pair.rtp + i);
    }
    gh_port_pair_close(&pair);
    gh_port_pool_free(pool);
}

static void exhausted_then_rested(void)
{
    struct gh_port_pool *pool;
    struct gh_port_pair pairs[5], extra;
    unsigned used, all;

    CHECK_OR_STOP(gh_port_pool_new(&pool, FIRST, FIRST + 9, 1000) == 0);
    for (int i = 0; i < 5; i++) {
        CHECK_OR_STOP(take(pool, 0, &pairs[i]) == 0);
        for (int j = 0; j < i; j++)
            CHECK(pairs[i].rtp != pairs[j].rtp);
    }
    CHECK_INT(take(pool, 0, &extra), GH_EFULL);
    gh_port_pair_close(&pairs[2]);
    gh_port_pool_release(pool, pairs[2].rtp, 500);
    CHECK_INT(take(pool, 1499, &extra), GH_EFULL);
    gh_port_pool_usage(pool, 1499, &used, &all);
    CHECK_INT(used, 5);
    CHECK_INT(take(pool, 1500, &extra), 0);
    CHECK_INT(extra.rtp, pairs[2].rtp);
    gh_port_pair_close(&extra);
    for (int i = 0; i < 5; i++) {
        if (i != 2)
            gh_port_pair_close(&pairs[i]);
    }
    gh_port_pool_free(pool);
}

/* Whoever needs two of three, and finds one free and one resting, would else find it so for ever: each
 * time that it comes, the one that was free is put to rest, and the other has just woken. */
static void a_pair_that_was_not_used_need_not_rest(void)
{
    struct gh_port_pool *pool;
    struct gh_port_pair used, pair, other;
    unsigned in_use, all;

    CHECK_OR_STOP(gh_port_pool_new(&pool, FIRST, FIRST + 3, 1000) == 0);
    CHECK_OR_STOP(take(pool, 0, &used) == 0);
    gh_port_pair_close(&used);
    gh_port_pool_release(pool, used.rtp, 0);
    for (uint64_t now_ms = 10; now_ms < 1000; now_ms += 10) {
        CHECK_OR_STOP(take(pool, now_ms, &pair) == 0);
        CHECK(pair.rtp != used.rtp);
        CHECK_INT(take(pool, now_ms, &other), GH_EFULL);
        gh_port_pair_close(&pair);
        gh_port_pool_return(pool, pair.rtp);
        gh_port_pool_usage(pool, now_ms, &in_use, &all);
        CHECK_INT(in_use, 1);
    }
    CHECK_INT(take(pool, 1000, &pair), 0);
    CHECK_INT(take(pool, 1000, &other), 0);
    gh_port_pair_close(&pair);
    gh_port_pair_close(&other);
    gh_port_pool_free(pool);
}

/* Another program has one port of the pair, shareable or not. */
static void a_foreign_port_is_skipped(bool shared, uint16_t foreign_port)
{
    struct gh_port_pool *pool;
    struct gh_port_pair pair, none;
    struct gh_addr addr = loopback();
    struct sockaddr_storage ss;
    socklen_t len;
    int one = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned used, all;

    addr.port = foreign_port;
    len = gh_addr_to_sockaddr(&addr, &ss);
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    CHECK_OR_STOP(fd >= 0 && bind(fd, (struct sockaddr *)&ss, len) == 0);
    CHECK_OR_STOP(gh_port_pool_new(&pool, FIRST, FIRST + 3, 0) == 0);
    CHECK_OR_STOP(take(pool, 0, &pair) == 0);
    CHECK(foreign_port != pair.rtp && foreign_port != pair.rtp + 1);
    CHECK_INT(take(pool, 0, &none), GH_EFULL);
    gh_port_pool_usage(pool, 0, &used, &all);
    CHECK_INT(used, 1); /* what others hold is not ours */
    close(fd);
    CHECK_INT(take(pool, 0, &none), 0);
    gh_port_pair_close(&none);
    gh_port_pair_close(&pair);
    gh_port_pool_free(pool);
}

static void foreign_ports_are_skipped(void)
{
    for (uint16_t port = FIRST; port < FIRST + 4; port++) {
        a_foreign_port_is_skipped(false, port);
        a_foreign_port_is_skipped(true, port);
    }
}

static void order_cannot_be_guessed(void)
{
    struct gh_port_pool *pool;
    struct gh_port_pair pair;
    int in_order = 0;
    uint16_t last = 0;

    CHECK_OR_STOP(gh_port_pool_new(&pool, 22200, 22599, 1000000) == 0);
    for (int i = 0; i < 200; i++) {
        CHECK_OR_STOP(take(pool, 0, &pair) == 0);
        in_order += pair.rtp == last + 2;
        last = pair.rtp;
        gh_port_pair_close(&pair);
        gh_port_pool_release(pool, pair.rtp, 0);
    }
    CHECK(in_order < 50); /* of 200 shuffled, one neighbour on the average */
    gh_port_pool_free(pool);
}

static void a_foreign_address_is_an_error(void)
{
    struct gh_port_pool *pool;
    struct gh_port_pair pair;
    struct gh_addr addr = { .family = 4, .ip = { 192, 0, 2, 1 } };
    unsigned used, all;

    CHECK_OR_STOP(gh_port_pool_new(&pool, FIRST, FIRST + 3, 0) == 0);
    CHECK_INT(gh_port_pool_take(pool, &addr, 0, &pair), -EADDRNOTAVAIL);
    gh_port_pool_usage(pool, 0, &used, &all);
    CHECK_INT(used, 0);
    gh_port_pool_free(pool);
}

/* The system's stock is out, at each of the four sockets: as if all ports were taken, and no pair is lost. */
static void no_socket_is_no_port(void)
{
    static const struct row {
        int error, want;
    } rows[] = { { EMFILE, GH_EFULL }, { ENFILE, GH_EFULL }, { ENOBUFS, GH_EFULL },
                 { ENOMEM, GH_ENOMEM }, { EAFNOSUPPORT, -EAFNOSUPPORT } };
    struct gh_port_pool *pool;
    struct gh_port_pair pair;
    unsigned used, all;

    CHECK_OR_STOP(gh_port_pool_new(&pool, FIRST, FIRST + 3, 0) == 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int before = 0; before < 4; before++) {
            socket_fails_with = rows[i].error;
            sockets_left = before;
            CHECK_INT(take(pool, 0, &pair), rows[i].want);
            socket_fails_with = 0;
            gh_port_pool_usage(pool, 0, &used, &all);
            CHECK_INT(used, 0);
        }
    }
    for (int i = 0; i < 2; i++) { /* what failed let go of its ports */
        CHECK_OR_STOP(take(pool, 0, &pair) == 0);
        gh_port_pair_close(&pair);
    }
    CHECK_INT(take(pool, 0, &pair), GH_EFULL);
    gh_port_pool_free(pool);
}

/* An IPv6 port takes no IPv4 packet, whatever it is bound to: a mapped address would be another family's. */
static void ipv6_takes_ipv6_only(void)
{
    struct gh_addr any = { .family = 6 };
    struct gh_port_pool *pool = NULL;
    struct gh_port_pair pair;
    int err;

    CHECK_INT(gh_port_pool_new(&pool, FIRST, FIRST + 19, 0), 0);
    err = gh_port_pool_take(pool, &any, 0, &pair);
    if (err == -EAFNOSUPPORT) {
        printf("     no IPv6 here\n");
    } else if (CHECK_INT(err, 0)) {
        for (int i = 0; i < 2; i++) {
            int only[2] = { 0, 0 };
            socklen_t len = sizeof(only[0]);

            CHECK_INT(getsockopt(pair.known[i], IPPROTO_IPV6, IPV6_V6ONLY, &only[0], &len), 0);
            CHECK_INT(getsockopt(pair.stranger[i], IPPROTO_IPV6, IPV6_V6ONLY, &only[1], &len), 0);
            CHECK(only[0] && only[1]);
        }
        gh_port_pair_close(&pair);
        gh_port_pool_release(pool, pair.rtp, 0);
    }
    gh_port_pool_free(pool);
}

static void an_address_that_can_be_bound(void)
{
    struct gh_addr addr;

    gh_addr_parse_ip(GH_SPAN("127.0.0.9"), 0, &addr);
    CHECK_INT(gh_media_can_bind(&addr), 0);
    gh_addr_parse_ip(GH_SPAN("192.0.2.77"), 0, &addr); /* RFC 5737: nobody's */
    CHECK_INT(gh_media_can_bind(&addr), -EADDRNOTAVAIL);
}

int main(void)
{
    RUN(an_address_that_can_be_bound);
    RUN(whole_pairs_only);
    RUN(pairs_are_even_and_odd);
    RUN(exhausted_then_rested);
    RUN(a_pair_that_was_not_used_need_not_rest);
    RUN(foreign_ports_are_skipped);
    RUN(order_cannot_be_guessed);
    RUN(a_foreign_address_is_an_error);
    RUN(no_socket_is_no_port);
    RUN(ipv6_takes_ipv6_only);
    return CHECK_REPORT();
}
