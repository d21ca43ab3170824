/* SPDX-License-Identifier: Apache-2.0 */
#include "media/address.h"

#include <ifaddrs.h>

/* ---- what may be the address of a peer's media ----------------------------------------------- */

struct prefix {
    uint8_t family, bits;
    uint8_t ip[16];
};

/* Nobody's alone, or nobody's at all.  Sources: RFC 6890 and those named. */
static const struct prefix never[] = {
    { 4, 8, { 0 } },                      /* "this network"; RFC 1122 section 3.2.1.3 */
    { 4, 4, { 224 } },                    /* multicast; RFC 5771 */
    /* reserved, with broadcast; RFC 1112 section 4, RFC 919 section 7 */
    { 4, 4, { 240 } },
    /* IPv4-compatible, deprecated; RFC 4291 section 2.5.5.1 */
    { 6, 96, { 0 } },
    /* IPv4-mapped: one host would have two values; section 2.5.5.2 */
    { 6, 96, { [10] = 0xff, [11] = 0xff } },
    /* link-local: needs a zone, which SDP does not have; section 2.5.6 */
    { 6, 10, { 0xfe, 0x80 } },
    { 6, 8, { 0xff } },                   /* multicast; section 2.7 */
};

static bool starts_with(const uint8_t *ip, const struct prefix *prefix)
{
    unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);

    return memcmp(ip, prefix->ip, whole) == 0 && (!rest || (ip[whole] & mask) == prefix->ip[whole]);
}

static bool is_loopback(const struct gh_addr *addr)
{
    static const uint8_t one[16] = { [15] = 1 };

    return addr->family == 4 ? addr->ip[0] == 127
                             : addr->family == 6 && memcmp(addr->ip, one, 16) == 0;
}

enum gh_media_address gh_media_address(const struct gh_addr *remote, const struct gh_addr *ours)
{
    if (remote->family == 0 || remote->port == 0 || gh_addr_is_any(remote))
        return GH_MEDIA_ADDRESS_NONE;
    if ((remote->family != 4 && remote->family != 6) || (ours && remote->family != ours->family))
        return GH_MEDIA_ADDRESS_NEVER;
    if (is_loopback(remote)) /* else a peer's SDP could aim at what listens on this host alone */
        return !ours || is_loopback(ours) ? GH_MEDIA_ADDRESS_USABLE : GH_MEDIA_ADDRESS_NEVER;
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (remote->family == never[i].family && starts_with(remote->ip, &never[i]))
            return GH_MEDIA_ADDRESS_NEVER;
    }
    return GH_MEDIA_ADDRESS_USABLE;
}

bool gh_media_err_is_remote(int err)
{
    switch (err) {
    case -ELOOP:
    case -EADDRNOTAVAIL:
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -ENETDOWN:
    case -EHOSTDOWN:
    case -EACCES: /* of a network's broadcast address, which no prefix tells */
    case -EPERM:  /* of a packet filter */
        return true;
    default:
        return false;
    }
}

/* ---- our own ones ---------------------------------------------------------------------------- */

static void add(struct gh_own *own, const struct gh_addr *addr)
{
    if (addr->family && !gh_addr_is_any(addr) && own->count < GH_OWN_IPS_MAX)
        own->ips[own->count++] = *addr;
}

static int add_system(struct gh_own *own)
{
    struct ifaddrs *list;

    if (getifaddrs(&list))
        return -errno;
    for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
        if (at->ifa_addr) {
            struct gh_addr addr = gh_addr_from_sockaddr(at->ifa_addr);

            add(own, &addr);
        }
    }
    freeifaddrs(list);
    return 0;
}

static bool is_zeros(const struct gh_addr *addr)
{
    return addr->family && gh_addr_is_any(addr);
}

static void add_interface(struct gh_own *own, const struct gh_media_interface *interface)
{
    add(own, &interface->address);
    add(own, &interface->address6);
    add(own, &interface->advertise);
    add(own, &interface->advertise6);
    own->loopback |= is_zeros(&interface->address) || is_zeros(&interface->address6);
}

int gh_own_init(struct gh_own *own, const struct gh_media_config *config)
{
    const struct gh_media_interface first = { config->address, config->address6, config->advertise,
                                              config->advertise6 };

    *own = (struct gh_own){ .port_first = config->port_first, .port_last = config->port_last };
    add_interface(own, &first);
    for (unsigned i = 0; i < config->more_count; i++)
        add_interface(own, &config->more[i]);
    return own->loopback ? add_system(own) : 0;
}

bool gh_own_has(const struct gh_own *own, const struct gh_addr *addr)
{
    if (addr->port < own->port_first || addr->port > own->port_last)
        return false;
    if (own->loopback && is_loopback(addr))
        return true;
    for (unsigned i = 0; i < own->count; i++) {
        if (gh_addr_same_ip(&own->ips[i], addr))
            return true;
    }
    return false;
}
