/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that lead nowhere, and addresses that lead back to us.  A call that comes through us twice joins two
 * streams by their own ports; a ring of them would send one packet round for ever.
 */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80;

/* A further stream of the lab's relay. */
struct link {
    gh_stream_id id;
    struct gh_addr port[2][2]; /* side, then RTP and RTCP */
    uint32_t generation;
};

static bool link_open(struct lab *lab, struct link *link)
{
    struct gh_media_open open = { .call = 1 };
    uint16_t ports[2];

    memset(link, 0, sizeof(*link));
    if (!CHECK_INT(gh_media_open(lab->media, &open, &link->id, ports), 0))
        return false;
    for (int s = 0; s < 2; s++) {
        for (int i = 0; i < 2; i++) {
            link->port[s][i] = lab->port[0][0];
            link->port[s][i].port = (uint16_t)(ports[s] + i);
        }
    }
    return true;
}

/* Plain, to @remote and its RTCP.  @return what gh_media_set says */
static int link_set(struct lab *lab, struct link *link, int side, const struct gh_addr remote[2])
{
    struct gh_media_set set = { .stream = link->id, .side = side, .generation = ++link->generation,
                                .remote_rtp = remote[0], .remote_rtcp = remote[1],
                                .may_send = true, .may_receive = true, .path = GH_PATH_CLEAR };

    return lab_set(lab, &set);
}

static int lab_point(struct lab *lab, int side, const struct gh_addr remote[2], enum gh_source_rule rule)
{
    struct gh_media_set set = lab_side(lab, side, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);

    set.remote_rtp = remote[0];
    set.remote_rtcp = remote[1];
    set.media_source = rule;
    set.latch_ms = 3600 * 1000;
    return lab_set(lab, &set);
}

/* phone 0 - stream of the lab - link - phone 1, and back. */
static void a_call_that_comes_through_us_twice(void)
{
    struct lab lab;
    struct link link;

    if (!lab_start(&lab, 4, 0) || !link_open(&lab, &link))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    CHECK_INT(lab_point(&lab, 1, link.port[0], GH_SOURCE_RULE_SDP), 0);
    CHECK_INT(link_set(&lab, &link, 0, lab.port[1]), 0);
    CHECK_INT(link_set(&lab, &link, 1, lab.phones[1].addr), 0);
    memcpy(lab.port[1], link.port[1], sizeof(lab.port[1])); /* phone 1 talks to the link */
    for (int i = 0; i < 8; i++)
        check_flows(&lab, i % 2, i / 2 % 2);
    lab_close(&lab, link.id);
    LAB_END(&lab);
}

static void a_stream_is_not_pointed_at_itself(void)
{
    struct lab lab;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    for (int side = 0; side < 2; side++) {
        for (int s = 0; s < 2; s++) {
            for (int i = 0; i < 2; i++) {
                struct gh_addr rtp[2] = { lab.port[s][i], lab.phones[side].addr[1] };
                struct gh_addr rtcp[2] = { lab.phones[side].addr[0], lab.port[s][i] };

                CHECK_INT(lab_point(&lab, side, rtp, GH_SOURCE_RULE_SDP), -ELOOP);
                CHECK_INT(lab_point(&lab, side, rtcp, GH_SOURCE_RULE_SDP), -ELOOP);
            }
        }
    }
    check_flows(&lab, 0, false); /* nothing of that changed anything */
    check_flows(&lab, 1, true);
    LAB_END(&lab);
}

/* What is refused is the set that would close the ring, at whichever end. */
static void a_ring_is_not_closed(void)
{
    enum { LINKS = 3 };

    for (int count = 1; count <= LINKS; count++) {
        struct lab lab;
        struct link links[LINKS];
        struct gh_addr by_rtcp[2];

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
        for (int i = 0; i < count; i++) {
            if (!link_open(&lab, &links[i]))
                return;
        }
        for (int i = 0; i < count; i++) {
            const struct gh_addr(*before)[2] = i ? links[i - 1].port : lab.port;

            CHECK_INT(link_set(&lab, &links[i], 0, before[1]), 0);
            CHECK_INT(i ? link_set(&lab, &links[i - 1], 1, links[i].port[0])
                        : lab_point(&lab, 1, links[0].port[0], GH_SOURCE_RULE_SDP), 0);
        }
        CHECK_INT(lab_point(&lab, 0, links[count - 1].port[1], GH_SOURCE_RULE_SDP),
                  -ELOOP);
        by_rtcp[0] = lab.phones[0].addr[0];
        by_rtcp[1] = links[count - 1].port[1][0];
        CHECK_INT(lab_point(&lab, 0, by_rtcp, GH_SOURCE_RULE_SDP), -ELOOP);
        CHECK_INT(link_set(&lab, &links[count - 1], 1, lab.port[0]), -ELOOP);
        for (int i = 0; i < count; i++)
            lab_close(&lab, links[i].id);
        LAB_END(&lab);
    }
}

/* The way back is one port's alone: RTCP goes round as well as RTP. */
static void a_ring_by_one_port(void)
{
    for (int port = 0; port < 2; port++) {
        struct lab lab;
        struct link link;
        struct gh_addr remote[2];

        if (!lab_start(&lab, 4, 0) || !link_open(&lab, &link))
            return;
        lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
        remote[!port] = lab.phones[1].addr[!port];
        remote[port] = lab.port[0][port];
        CHECK_INT(link_set(&lab, &link, 1, remote), 0);
        CHECK_INT(lab_point(&lab, 1, link.port[0], GH_SOURCE_RULE_SDP), -ELOOP);
        CHECK_INT(link_set(&lab, &link, 1, lab.phones[1].addr), 0);
        CHECK_INT(lab_point(&lab, 1, link.port[0], GH_SOURCE_RULE_SDP), 0);
        lab_close(&lab, link.id);
        LAB_END(&lab);
    }
}

/* Four of ours in a line, not more: what lies beyond would have to be looked at for ever. */
static void a_line_has_an_end(void)
{
    enum { LINKS = 5 };
    struct lab lab;
    struct link links[LINKS];

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    for (int i = 0; i < LINKS; i++) {
        if (!link_open(&lab, &links[i]))
            return;
    }
    for (int i = LINKS - 2; i >= 0; i--)
        CHECK_INT(link_set(&lab, &links[i], 1, links[i + 1].port[0]), 0);
    CHECK_INT(lab_point(&lab, 1, links[0].port[0], GH_SOURCE_RULE_SDP), -ELOOP);
    CHECK_INT(lab_point(&lab, 1, links[1].port[0], GH_SOURCE_RULE_SDP), 0);
    lab_close(&lab, links[LINKS - 1].id); /* a port that is not in use leads nowhere */
    CHECK_INT(lab_point(&lab, 1, links[0].port[0], GH_SOURCE_RULE_SDP), 0);
    for (int i = 0; i < LINKS - 1; i++)
        lab_close(&lab, links[i].id);
    LAB_END(&lab);
}

/* Else a ring could be closed by packets where no set may close it. */
static void our_own_port_is_not_learnt(void)
{
    struct lab lab;
    struct link link;
    uint8_t p[PKT_MAX];

    if (!lab_start(&lab, 4, 0) || !link_open(&lab, &link))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    CHECK_INT(lab_point(&lab, 0, lab.phones[0].addr, GH_SOURCE_RULE_SYMMETRIC), 0);
    CHECK_INT(link_set(&lab, &link, 0, lab.port[0]), 0);
    CHECK_INT(link_set(&lab, &link, 1, lab.phones[1].addr), 0);
    lab.port[1][0] = link.port[1][0];
    phone_send(&lab, 1, false, p, make_rtp(&lab.phones[1], p, 0, 160));
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_LATCHED), 0);
    lab_close(&lab, link.id);
    LAB_END(&lab);
}

/* ---- no way there --------------------------------------------------------------------------------------- */

static struct gh_media_event unreachable_of(struct lab *lab, int want)
{
    struct gh_media_event none = { 0 };

    CHECK_INT(await_events(lab, 0, GH_MEDIA_EVENT_UNREACHABLE, want), want);
    return want && lab->event_count ? lab->events[lab->event_count - 1] : none;
}

/* The network's broadcast address is the one that fails everywhere: EACCES. */
static void an_address_without_a_way(void)
{
    struct gh_addr nowhere = { .family = 4, .ip = { 127, 255, 255, 255 }, .port = 4000 };
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct lab lab;
    struct gh_media_set set;
    struct gh_media_event event;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.remote_rtp = nowhere;
    CHECK_INT(lab_set(&lab, &set), 0);
    event = unreachable_of(&lab, 1);
    CHECK_INT(event.err, -EACCES);
    CHECK(!event.rtcp);
    CHECK(gh_media_err_is_remote(event.err));
    phone_send(&lab, 1, false, p, phone_seal(&lab.phones[1], p, make_rtp(&lab.phones[1], p, 0, 160), false));
    await_drops(&lab, 1, GH_DROP_NOT_SENDING, 1);
    phone_send(&lab, 0, true, p, phone_seal(&lab.phones[0], p, make_rtcp(&lab.phones[0], p), true));
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
    /* RTCP alone: RTP goes on as it was meant to. */
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.remote_rtcp = nowhere;
    CHECK_INT(lab_set(&lab, &set), 0);
    event = unreachable_of(&lab, 2);
    CHECK_INT(event.err, -EACCES);
    CHECK(event.rtcp);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    /* And a set with an address that there is ends it. */
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    CHECK_INT(lab_set(&lab, &set), 0);
    for (int i = 0; i < 4; i++)
        check_flows(&lab, i % 2, i / 2);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_FAILED), 0);
    LAB_END(&lab);
}

/* Nobody answers from there: the stream's timeout runs, should the event be overlooked. */
static void no_way_there_is_no_reprieve(void)
{
    struct gh_addr nowhere = { .family = 4, .ip = { 127, 255, 255, 255 }, .port = 4000 };
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct lab lab;
    struct gh_media_set set;

    if (!lab_start(&lab, 4, 1))
        return;
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.remote_rtp = nowhere;
    CHECK_INT(lab_set(&lab, &set), 0);
    CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_TIMEOUT, 1), 1);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_UNREACHABLE), 1);
    LAB_END(&lab);
}

/* From loopback to another host: EINVAL with a route, ENETUNREACH without. */
static void whatever_the_system_calls_it(void)
{
    struct gh_addr nowhere = { .family = 4, .ip = { 192, 0, 2, 1 }, .port = 4000 };
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct lab lab;
    struct gh_media_set set;

    if (!lab_start(&lab, 4, 0))
        return;
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.remote_rtp = nowhere;
    CHECK_INT(lab_set(&lab, &set), 0);
    CHECK(gh_media_err_is_remote(unreachable_of(&lab, 1).err));
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(a_call_that_comes_through_us_twice);
    RUN(a_stream_is_not_pointed_at_itself);
    RUN(a_ring_is_not_closed);
    RUN(a_ring_by_one_port);
    RUN(a_line_has_an_end);
    RUN(our_own_port_is_not_learnt);
    RUN(an_address_without_a_way);
    RUN(no_way_there_is_no_reprieve);
    RUN(whatever_the_system_calls_it);
    return CHECK_REPORT();
}
