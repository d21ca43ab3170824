/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport address as a plain value: family, octets, port.  Text form: "192.0.2.1:5061" and
 * "[2001:db8::1]:5061".  An IPv4-mapped IPv6 address is stored as IPv4, so that one host has one
 * value.
 */
#ifndef GATEHOUSE_ADDR_H
#define GATEHOUSE_ADDR_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <gatehouse/err.h>
#include <gatehouse/span.h>

struct gh_addr {
    uint8_t family;  /* 0 (no address), 4 or 6 */
    uint8_t ip[16];  /* network order; the first 4 for IPv4, the rest zero */
    uint16_t port;   /* host order; 0: none */
};

#define GH_ADDR_TEXT_MAX 56 /* "[" 45 octets of IPv6 "]:65535" and the NUL */

static inline bool gh_addr_same_ip(const struct gh_addr *a, const struct gh_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static inline bool gh_addr_eq(const struct gh_addr *a, const struct gh_addr *b)
{
    return gh_addr_same_ip(a, b) && a->port == b->port;
}

/** 0.0.0.0, :: or no address at all. */
static inline bool gh_addr_is_any(const struct gh_addr *a)
{
    static const uint8_t zero[16];

    return memcmp(a->ip, zero, sizeof(zero)) == 0;
}

/**
 * A literal IPv4 or IPv6 address, the latter with or without brackets; no zone, no name, no port.
 * @return 0 or GH_ESYNTAX.  @out is written on success only; its port is @port
 */
static inline int gh_addr_parse_ip(struct gh_span text, uint16_t port, struct gh_addr *out)
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    struct gh_addr addr = { .port = port };
    char buf[INET6_ADDRSTRLEN];

    if (text.len >= 2 && text.p[0] == '[' && text.p[text.len - 1] == ']')
        text = gh_span_of(text.p + 1, text.len - 2);
    if (text.len == 0 || text.len >= sizeof(buf) || memchr(text.p, 0, text.len))
        return GH_ESYNTAX;
    memcpy(buf, text.p, text.len);
    buf[text.len] = 0;
    if (inet_pton(AF_INET, buf, addr.ip) == 1) {
        addr.family = 4;
    } else if (inet_pton(AF_INET6, buf, addr.ip) == 1) {
        addr.family = 6;
        if (memcmp(addr.ip, mapped, sizeof(mapped)) == 0) {
            memmove(addr.ip, addr.ip + 12, 4);
            memset(addr.ip + 4, 0, 12);
            addr.family = 4;
        }
    } else {
        return GH_ESYNTAX;
    }
    *out = addr;
    return 0;
}

/** Into @buf of at least GH_ADDR_TEXT_MAX octets, without the port.  @return buf */
static inline char *gh_addr_ip_text(const struct gh_addr *a, char *buf)
{
    if (a->family == 0 ||
        !inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, buf, GH_ADDR_TEXT_MAX))
        memcpy(buf, "none", 5);
    return buf;
}

/** Into @buf of at least GH_ADDR_TEXT_MAX octets, with the port.  @return buf */
static inline char *gh_addr_text(const struct gh_addr *a, char *buf)
{
    char ip[GH_ADDR_TEXT_MAX];

    gh_addr_ip_text(a, ip);
    snprintf(buf, GH_ADDR_TEXT_MAX, a->family == 6 ? "[%.45s]:%u" : "%.45s:%u", ip, a->port);
    return buf;
}

static inline socklen_t gh_addr_to_sockaddr(const struct gh_addr *a, struct sockaddr_storage *ss)
{
    memset(ss, 0, sizeof(*ss));
    if (a->family == 6) {
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };

        memcpy(&in6.sin6_addr, a->ip, 16);
        memcpy(ss, &in6, sizeof(in6));
        return sizeof(in6);
    }
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };

    memcpy(&in.sin_addr, a->ip, 4);
    memcpy(ss, &in, sizeof(in));
    return sizeof(in);
}

/** A family that is neither IPv4 nor IPv6 gives an address of family 0. */
static inline struct gh_addr gh_addr_from_sockaddr(const struct sockaddr *sa)
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    struct gh_addr addr = { 0 };

    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof(in));
        addr.family = 4;
        memcpy(addr.ip, &in.sin_addr, 4);
        addr.port = ntohs(in.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof(in6));
        addr.port = ntohs(in6.sin6_port);
        if (memcmp(&in6.sin6_addr, mapped, sizeof(mapped)) == 0) {
            addr.family = 4;
            memcpy(addr.ip, (const uint8_t *)&in6.sin6_addr + 12, 4);
        } else {
            addr.family = 6;
            memcpy(addr.ip, &in6.sin6_addr, 16);
        }
    }
    return addr;
}

#endif
