/* SPDX-License-Identifier: Apache-2.0 */
/* Several media interfaces: ports of each at its own address, from a pool of its own. */
#include "support/check.h"

#include <stdlib.h>

#include <uv.h>

#include "crypto/srtp_ciphers.h"
#include "media/media.h"
#include "relay/media/support_media.h"

#define CM GH_AES_CM_128_HMAC_SHA1_80

/* Other addresses of this process's own: where b's ports are bound, and what SDP says. */
static char second_ip[32], said_ip[32];

static bool start(struct lab *lab)
{
    unsigned a, b, c, d;

    if (sscanf(own_ip(), "%u.%u.%u.%u", &a, &b, &c, &d) != 4)
        exit(EXIT_FAILURE);
    snprintf(second_ip, sizeof(second_ip), "%u.%u.%u.%u", a, b, c, d % 250 + 1);
    snprintf(said_ip, sizeof(said_ip), "%u.%u.%u.%u", a, b, c, d % 250 + 2);
    return lab_start_interfaces(lab, second_ip, said_ip);
}

static void each_side_has_its_own_address(void)
{
    unsigned used, all;
    struct lab lab;

    CHECK_OR_STOP(start(&lab));
    lab_secure(&lab, GH_PATH_PASS, CM, CM);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    check_flows(&lab, 0, true);
    check_flows(&lab, 1, true);
    gh_media_port_usage(lab.media, &used, &all);
    CHECK_INT(used, 2);
    CHECK(all > 2 && all % 2 == 0);
    LAB_END(&lab);
}

static void a_side_without_an_address_is_refused(void)
{
    struct gh_media_open open = { .call = 2, .family = { 4, 4 } };
    uint16_t ports[2];
    gh_stream_id id;
    struct lab lab;

    CHECK_OR_STOP(start(&lab));
    open.interface[1] = 2;
    CHECK_INT(gh_media_open(lab.media, &open, &id, ports), GH_EINVAL);
    open.interface[1] = GH_MEDIA_INTERFACES_MAX; /* is not number 0 again */
    CHECK_INT(gh_media_open(lab.media, &open, &id, ports), GH_EINVAL);
    open.interface[1] = 1;
    open.family[1] = 6;
    CHECK_INT(gh_media_open(lab.media, &open, &id, ports), GH_EINVAL);
    open.family[1] = 0;
    CHECK_INT(gh_media_open(lab.media, &open, &id, ports), 0);
    lab_close(&lab, id);
    LAB_END(&lab);
}

/* One pool is used up; the other has all of its pairs. */
static void each_address_has_its_own_ports(void)
{
    struct gh_media_open open = { .call = 2, .family = { 4, 4 }, .interface = { 1, 1 } };
    gh_stream_id ids[1024];
    unsigned count = 0, used, all;
    uint16_t ports[2];
    struct lab lab;

    CHECK_OR_STOP(start(&lab));
    while (count < 1024 && gh_media_open(lab.media, &open, &ids[count], ports) == 0)
        count++;
    gh_media_port_usage(lab.media, &used, &all);
    CHECK_INT(count, all / 4 - 1); /* of its half, where the lab's stream has one pair: the last is left over */
    CHECK_INT(gh_media_open(lab.media, &open, &ids[1023], ports), GH_EFULL);
    open.interface[0] = open.interface[1] = 0;
    CHECK_INT(gh_media_open(lab.media, &open, &ids[count], ports), 0);
    for (unsigned i = 0; i <= count; i++)
        lab_close(&lab, ids[i]);
    LAB_END(&lab);
}

/* A call that is led back to itself from one interface to the other, by the bound or the advertised address. */
static void a_circle_over_two_interfaces_is_seen(void)
{
    struct gh_media_set set;
    struct lab lab;

    CHECK_OR_STOP(start(&lab));
    set = lab_side(&lab, 0, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
    set.remote_rtp = lab.port[1][0];
    CHECK_INT(gh_media_set(lab.media, &set), -ELOOP);
    set = lab_side(&lab, 0, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
    gh_addr_parse_ip(gh_span_str(said_ip), lab.port[1][0].port, &set.remote_rtp);
    CHECK_INT(gh_media_set(lab.media, &set), -ELOOP);
    LAB_END(&lab);
}

static void a_bad_interface_is_refused(void)
{
    static const char *const wrong[] = { "127.0.0.1", "203.0.113.7", "2001:db8::7" };
    struct gh_media_interface more[GH_MEDIA_INTERFACES_MAX] = { { .address = { .family = 0 } } };
    struct gh_media_config config = { .port_first = 21200, .port_last = 21399, .workers = 1, .more = more };
    struct gh_media_handlers handlers = { 0 };
    struct gh_media *media = NULL;
    uv_loop_t loop;

    uv_loop_init(&loop);
    gh_addr_parse_ip(GH_SPAN("127.0.0.1"), 0, &config.address);
    config.more_count = 1;
    CHECK_INT(gh_media_start(&media, &loop, &config, &handlers), GH_EINVAL); /* no address */
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        gh_addr_parse_ip(gh_span_str("127.0.0.1"), 0, &more[0].address);
        gh_addr_parse_ip(gh_span_str(wrong[i]), 0, i == 2 ? &more[0].advertise : &more[0].address6);
        if (i == 2)
            more[0].address6.family = 0;
        CHECK_INT(gh_media_start(&media, &loop, &config, &handlers), GH_EINVAL); /* families */
    }
    config.more_count = GH_MEDIA_INTERFACES_MAX;
    CHECK_INT(gh_media_start(&media, &loop, &config, &handlers), GH_EINVAL);
    CHECK(media == NULL);
    CHECK_INT(uv_loop_close(&loop), 0);
}

int main(void)
{
    const char *primitives;

    CHECK_INT(gh_srtp_ciphers_start(true, &primitives), 0);
    RUN(each_side_has_its_own_address);
    RUN(a_side_without_an_address_is_refused);
    RUN(each_address_has_its_own_ports);
    RUN(a_circle_over_two_interfaces_is_seen);
    RUN(a_bad_interface_is_refused);
    return CHECK_REPORT();
}
