/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses SDP may name, whose fault an error is, which addresses are ours. */
#include "support/check.h"

#include "media/address.h"

static struct gh_addr at(const char *ip, uint16_t port)
{
    struct gh_addr addr = { 0 };

    CHECK_INT(gh_addr_parse_ip(gh_span_str(ip), port, &addr), 0);
    return addr;
}

/* Both ends of each range, and what lies beside it.  Sources: RFC 6890 and the RFCs named in address.c. */
static void each_range_has_its_answer(void)
{
    static const struct row {
        const char *ip;
        enum gh_media_address answer;
    } rows[] = {
        { "0.0.0.0", GH_MEDIA_ADDRESS_NONE },         { "0.0.0.1", GH_MEDIA_ADDRESS_NEVER },
        { "0.255.255.255", GH_MEDIA_ADDRESS_NEVER },  { "1.0.0.0", GH_MEDIA_ADDRESS_USABLE },
        { "10.0.0.1", GH_MEDIA_ADDRESS_USABLE },      { "126.255.255.255", GH_MEDIA_ADDRESS_USABLE },
        { "128.0.0.0", GH_MEDIA_ADDRESS_USABLE },     { "169.254.1.1", GH_MEDIA_ADDRESS_USABLE },
        { "223.255.255.255", GH_MEDIA_ADDRESS_USABLE }, { "224.0.0.0", GH_MEDIA_ADDRESS_NEVER },
        { "239.255.255.255", GH_MEDIA_ADDRESS_NEVER }, { "240.0.0.0", GH_MEDIA_ADDRESS_NEVER },
        { "255.255.255.254", GH_MEDIA_ADDRESS_NEVER }, { "255.255.255.255", GH_MEDIA_ADDRESS_NEVER },
        { "::", GH_MEDIA_ADDRESS_NONE },              { "::2", GH_MEDIA_ADDRESS_NEVER },
        { "::192.0.2.1", GH_MEDIA_ADDRESS_NEVER },    { "::1:0:0", GH_MEDIA_ADDRESS_USABLE },
        { "64:ff9b::192.0.2.1", GH_MEDIA_ADDRESS_USABLE }, { "2001:db8::1", GH_MEDIA_ADDRESS_USABLE },
        { "fd00::1", GH_MEDIA_ADDRESS_USABLE },       { "fe7f::1", GH_MEDIA_ADDRESS_USABLE },
        { "fe80::", GH_MEDIA_ADDRESS_NEVER },         { "febf:ffff::1", GH_MEDIA_ADDRESS_NEVER },
        { "fec0::1", GH_MEDIA_ADDRESS_USABLE },       { "feff::1", GH_MEDIA_ADDRESS_USABLE },
        { "ff00::", GH_MEDIA_ADDRESS_NEVER },         { "ff02::1", GH_MEDIA_ADDRESS_NEVER },
    };
    struct gh_addr ours[2] = { at("192.0.2.200", 4), at("2001:db8::200", 4) };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_addr addr = at(rows[i].ip, 9);
        const struct gh_addr *same = &ours[addr.family == 6], *other = &ours[addr.family != 6];
        bool none = rows[i].answer == GH_MEDIA_ADDRESS_NONE;

        if (!CHECK_INT(gh_media_address(&addr, NULL), rows[i].answer) ||
            !CHECK_INT(gh_media_address(&addr, same), rows[i].answer) ||
            !CHECK_INT(gh_media_address(&addr, other), none ? GH_MEDIA_ADDRESS_NONE : GH_MEDIA_ADDRESS_NEVER))
            fprintf(stderr, "  %s\n", rows[i].ip);
        addr.port = 0; /* whatever the address: RFC 3264 section 5.1 */
        CHECK_INT(gh_media_address(&addr, same), GH_MEDIA_ADDRESS_NONE);
    }
}

static void odd_values_are_refused(void)
{
    struct gh_addr none = { 0 }, mapped = { .family = 6, .ip = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 }, .port = 9 };
    struct gh_addr third = { .family = 5, .ip = { 1, 2, 3, 4 }, .port = 9 };

    CHECK_INT(gh_media_address(&none, NULL), GH_MEDIA_ADDRESS_NONE);
    CHECK_INT(gh_media_address(&mapped, NULL), GH_MEDIA_ADDRESS_NEVER);
    CHECK_INT(gh_media_address(&third, NULL), GH_MEDIA_ADDRESS_NEVER);
    CHECK_INT(gh_media_address(&third, &third), GH_MEDIA_ADDRESS_NEVER);
}

/* What listens on this host alone is no peer's, unless all of this is on one host. */
static void loopback_only_from_loopback(void)
{
    static const struct row {
        const char *remote, *ours;
        enum gh_media_address answer;
    } rows[] = {
        { "127.0.0.1", "192.0.2.1", GH_MEDIA_ADDRESS_NEVER }, { "127.0.0.53", "10.0.0.1", GH_MEDIA_ADDRESS_NEVER },
        { "127.0.0.1", "127.9.9.9", GH_MEDIA_ADDRESS_USABLE }, { "192.0.2.1", "127.0.0.1", GH_MEDIA_ADDRESS_USABLE },
        { "::1", "2001:db8::1", GH_MEDIA_ADDRESS_NEVER },     { "::1", "::1", GH_MEDIA_ADDRESS_USABLE },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gh_addr remote = at(rows[i].remote, 9), ours = at(rows[i].ours, 0);

        CHECK_INT(gh_media_address(&remote, &ours), rows[i].answer);
        CHECK_INT(gh_media_address(&remote, NULL), GH_MEDIA_ADDRESS_USABLE);
    }
}

static void whose_fault_an_error_is(void)
{
    static const int theirs[] = { -ELOOP, -EADDRNOTAVAIL, -ENETUNREACH, -EHOSTUNREACH, -ENETDOWN,
                                  -EHOSTDOWN, -EACCES, -EPERM };
    static const int ours[] = { 0, GH_ENOMEM, GH_EINVAL, GH_ENOTFOUND, GH_ECRYPTO, GH_EFULL, -EMFILE, -ENFILE,
                                -ENOBUFS, -EBADF, -EAFNOSUPPORT };

    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
        CHECK(gh_media_err_is_remote(theirs[i]));
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        CHECK(!gh_media_err_is_remote(ours[i]));
}

static void our_own_ports(void)
{
    struct gh_media_config config = { .port_first = 1000, .port_last = 1999 };
    struct gh_addr in = at("192.0.2.1", 1000), last = at("192.0.2.1", 1999), out = at("192.0.2.1", 2000);
    struct gh_addr below = at("192.0.2.1", 999), other = at("192.0.2.2", 1000), six = at("2001:db8::1", 1000);
    struct gh_addr shown = at("203.0.113.1", 1000), loopback = at("127.5.5.5", 1000), none = { .port = 1000 };
    struct gh_own own;

    config.address = at("192.0.2.1", 0);
    config.address6 = at("2001:db8::1", 0);
    config.advertise = at("203.0.113.1", 0);
    CHECK_INT(gh_own_init(&own, &config), 0);
    CHECK(gh_own_has(&own, &in) && gh_own_has(&own, &last) && gh_own_has(&own, &six) && gh_own_has(&own, &shown));
    CHECK(!gh_own_has(&own, &out) && !gh_own_has(&own, &below) && !gh_own_has(&own, &other));
    CHECK(!gh_own_has(&own, &loopback) && !gh_own_has(&own, &none));
    /* Zeros are bound: what the interfaces have, and loopback whole. */
    config.address = at("0.0.0.0", 0);
    CHECK_INT(gh_own_init(&own, &config), 0);
    CHECK(gh_own_has(&own, &loopback) && gh_own_has(&own, &shown) && gh_own_has(&own, &six));
    CHECK(!gh_own_has(&own, &in) && !gh_own_has(&own, &none));
}

static void each_event_has_a_word(void)
{
    for (int i = 1; i < GH_MEDIA_EVENT_COUNT; i++)
        CHECK(strcmp(gh_media_event_name((enum gh_media_event_kind)i), "none") != 0);
    CHECK_STR(gh_media_event_name(GH_MEDIA_EVENT_UNREACHABLE), "unreachable");
    CHECK_STR(gh_media_event_name(GH_MEDIA_EVENT_NONE), "none");
    CHECK_STR(gh_media_event_name(GH_MEDIA_EVENT_COUNT), "none");
}

int main(void)
{
    RUN(each_range_has_its_answer);
    RUN(odd_values_are_refused);
    RUN(loopback_only_from_loopback);
    RUN(whose_fault_an_error_is);
    RUN(our_own_ports);
    RUN(each_event_has_a_word);
    return CHECK_REPORT();
}
