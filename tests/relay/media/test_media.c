/* SPDX-License-Identifier: Apache-2.0 */
/* A stream between two phones on loopback: what goes through and in which form, the life of streams. */
#include "support/check.h"

#include <unistd.h>

#include <uv.h>

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, GCM = GH_AEAD_AES_128_GCM;

/* ---- paths -------------------------------------------------------------------------------------------------- */

static void clear_goes_through(void)
{
    struct lab lab;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    for (int i = 0; i < 6; i++) {
        check_flows(&lab, i % 2, false);
        check_flows(&lab, i % 2, true);
    }
    CHECK_INT(counters_of(&lab, 0).plain, 6);
    CHECK_INT(counters_of(&lab, 0).authenticated, 0);
    CHECK(counters_of(&lab, 1).first_plain_us > 0);
    LAB_END(&lab);
    CHECK_INT(lab.event_count, 0);
}

static void clear_goes_through_on_ipv6(void)
{
    struct lab lab;

    if (!lab_start(&lab, 6, 0))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, true);
    LAB_END(&lab);
}

/* The same octets come out: what the far phone gets is what the near one sent. */
static void pass_keeps_every_octet(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        struct lab lab;
        uint8_t sent[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
        size_t len;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_PASS, (enum gh_suite)s, (enum gh_suite)s);
        for (int i = 0; i < 4; i++) {
            bool rtcp = i % 2;

            len = rtcp ? make_rtcp(&lab.phones[0], sent) : make_rtp(&lab.phones[0], sent, 0, 160);
            len = phone_seal(&lab.phones[0], sent, len, rtcp);
            phone_send(&lab, 0, rtcp, sent, len);
            CHECK_INT(phone_receive(&lab, 1, rtcp, got), len);
            CHECK(memcmp(sent, got, len) == 0);
            phone_send(&lab, 0, rtcp, sent, len);
            await_drops(&lab, 0, GH_DROP_REPLAYED, (uint64_t)i + 1);
            check_flows(&lab, 1, rtcp);
        }
        CHECK_INT(counters_of(&lab, 0).authenticated, 4);
        CHECK_INT(counters_of(&lab, 0).authenticated_rtcp, 2);
        CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_PROVEN, 1), 1);
        LAB_END(&lab);
        CHECK_INT(lab.event_count, 2);
    }
}

static void bridge_between_all_suites(void)
{
    for (int a = GH_SUITE_NONE; a < GH_SUITE_COUNT; a++) {
        for (int b = GH_SUITE_NONE; b < GH_SUITE_COUNT; b++) {
            struct lab lab;

            if (!lab_start(&lab, 4, 0))
                return;
            lab_secure(&lab, GH_PATH_BRIDGE, (enum gh_suite)a, (enum gh_suite)b);
            for (int i = 0; i < 4; i++)
                check_flows(&lab, i % 2, i / 2);
            LAB_END(&lab);
        }
    }
}

static void rtcp_mux_on_one_side(void)
{
    struct lab lab;
    struct gh_secret key[4];
    struct gh_media_set set;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len;

    for (uint8_t i = 0; i < 4; i++)
        key[i] = lab_key(CM80, (uint8_t)(1 + i));
    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &key[0], &key[2]);
    set.rtcp_mux = true;
    CHECK_INT(lab_set(&lab, &set), 0);
    /* a's RTCP comes on the RTP port and goes to b's RTCP port; b's comes to a's RTP port. */
    len = phone_seal(&lab.phones[0], p, make_rtcp(&lab.phones[0], p), true);
    phone_send(&lab, 0, false, p, len);
    len = phone_receive(&lab, 1, true, p);
    CHECK_INT(gh_srtp_rx_open(lab.phones[1].rx, p, &len, true), 0);
    len = phone_seal(&lab.phones[1], p, make_rtcp(&lab.phones[1], p), true);
    phone_send(&lab, 1, true, p, len);
    len = phone_receive(&lab, 0, false, p);
    CHECK_INT(gh_srtp_rx_open(lab.phones[0].rx, p, &len, true), 0);
    check_flows(&lab, 0, false);
    /* Without mux on b's side, RTCP on its RTP port is nothing. */
    len = phone_seal(&lab.phones[1], p, make_rtcp(&lab.phones[1], p), true);
    phone_send(&lab, 1, false, p, len);
    await_drops(&lab, 1, GH_DROP_MALFORMED, 1);
    LAB_END(&lab);
}

/* ---- what a side may be told ----------------------------------------------------------------------------------- */

static void wrong_sets_are_refused(void)
{
    struct lab lab;
    struct gh_secret key = lab_key(CM80, 1), other = lab_key(CM80, 3), gcm = lab_key(GCM, 1);
    struct gh_media_set set, both[2];

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GH_SUITE_NONE);
    set = lab_side(&lab, 0, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL); /* a keyed side never becomes plain */
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_CLEAR, CM80, &key, &other);
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 1, GH_PATH_PASS, GH_SUITE_NONE, NULL, NULL);
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 1, GH_PATH_BRIDGE, GH_SUITE_NONE, &key, NULL); /* a key without suite */
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &gcm, &other);
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, GH_SUITE_COUNT, &key, &other);
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_COUNT, CM80, &key, &other);
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &key, &other);
    set.side = 2;
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &key, &other);
    set.generation = 1; /* as the one before */
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &key, &other);
    set.remote_rtp.family = 6;
    CHECK_INT(lab_set(&lab, &set), -EADDRNOTAVAIL);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &key, &other);
    set.remote_rtcp = (struct gh_addr){ .family = 4, .ip = { 224, 0, 0, 1 }, .port = 9 };
    CHECK_INT(lab_set(&lab, &set), -EADDRNOTAVAIL);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &key, &other);
    set.stream += 100;
    CHECK_INT(lab_set(&lab, &set), GH_ENOTFOUND);
    both[0] = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &key, &other); /* one wrong: none is done */
    both[1] = lab_side(&lab, 1, GH_PATH_PASS, GH_SUITE_NONE, NULL, NULL);
    both[0].remote_rtp.port = 9;
    CHECK_INT(gh_media_set_both(lab.media, both), GH_EINVAL);
    CHECK_INT(both[0].rx_key.len, 0);
    lab_barrier(&lab);
    for (int i = 0; i < 4; i++)
        check_flows(&lab, i % 2, i / 2); /* nothing of that changed anything */
    LAB_END(&lab);
}

/* Whatever the other side's path says, a keyed side gets nothing that is not under its key. */
static void nothing_plain_to_a_keyed_side(void)
{
    static const enum gh_path paths[] = { GH_PATH_NONE, GH_PATH_CLEAR, GH_PATH_BRIDGE };
    struct lab lab;
    struct gh_secret rx = lab_key(CM80, 1);
    struct gh_media_set set;
    uint8_t p[PKT_MAX];
    uint64_t drops = 0;

    if (!lab_start(&lab, 4, 0))
        return;
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, NULL); /* no key to send under yet */
    CHECK_INT(lab_set(&lab, &set), 0);
    for (size_t i = 0; i < 3; i++) {
        set = lab_side(&lab, 1, paths[i], GH_SUITE_NONE, NULL, NULL);
        CHECK_INT(lab_set(&lab, &set), 0);
        phone_send(&lab, 1, false, p, make_rtp(&lab.phones[1], p, 0, 160));
        phone_send(&lab, 1, true, p, make_rtcp(&lab.phones[1], p));
        drops += 2;
        await_drops(&lab, 1, GH_DROP_NO_KEY_YET, drops);
    }
    CHECK_INT(counters_of(&lab, 0).tx_pkts, 0);
    LAB_END(&lab);
}

/* `pass` to a side that was given another key, or another suite. */
static void pass_needs_the_same_key(void)
{
    for (int i = 0; i < 2; i++) {
        struct lab lab;
        enum gh_suite far = i ? GH_AES_CM_128_HMAC_SHA1_32 : CM80;
        struct gh_secret rx_a = lab_key(CM80, 1), rx_b = lab_key(far, 2), tx_b = lab_key(far, i ? 1 : 9);
        struct gh_media_set set;
        uint8_t p[PKT_MAX] __attribute__((aligned(8)));
        size_t len;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
        set = lab_side(&lab, 1, GH_PATH_PASS, far, &rx_b, &tx_b);
        CHECK_INT(lab_set(&lab, &set), 0);
        (void)rx_a;
        len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
        phone_send(&lab, 0, false, p, len);
        await_drops(&lab, 0, GH_DROP_NO_KEY_YET, 1);
        CHECK_INT(counters_of(&lab, 0).authenticated, 1);
        LAB_END(&lab);
    }
}

/* With path `bridge` to a side whose tx key is the source's own: nothing is sent under a peer's key. */
static void we_never_send_under_a_peers_key(void)
{
    struct lab lab;
    struct gh_secret rx_b = lab_key(CM80, 2), tx_b = lab_key(CM80, 1);
    struct gh_media_set set;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
    check_flows(&lab, 0, false);
    set = lab_side(&lab, 1, GH_PATH_BRIDGE, CM80, &rx_b, &tx_b);
    CHECK_INT(lab_set(&lab, &set), 0);
    len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
    phone_send(&lab, 0, false, p, len);
    await_drops(&lab, 0, GH_DROP_NO_KEY_YET, 1);
    LAB_END(&lab);
}

/* ---- directions, placeholders, ICMP ------------------------------------------------------------------------------- */

static void directions_are_kept(void)
{
    struct lab lab;
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct gh_media_set set;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.may_send = false; /* a listens only */
    CHECK_INT(lab_set(&lab, &set), 0);
    len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
    phone_send(&lab, 0, false, p, len);
    await_drops(&lab, 0, GH_DROP_NOT_SENDING, 1);
    CHECK_INT(counters_of(&lab, 0).authenticated, 1); /* looked at all the same: ROC goes on */
    check_flows(&lab, 0, true);                       /* RTCP flows */
    check_flows(&lab, 1, false);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.may_receive = false;
    CHECK_INT(lab_set(&lab, &set), 0);
    check_flows(&lab, 0, false);
    len = phone_seal(&lab.phones[1], p, make_rtp(&lab.phones[1], p, 0, 160), false);
    phone_send(&lab, 1, false, p, len);
    await_drops(&lab, 1, GH_DROP_NOT_SENDING, 1);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.remote_rtp.port = 0; /* a placeholder, in both of its forms */
    set.remote_rtcp.family = 0;
    CHECK_INT(lab_set(&lab, &set), 0);
    len = phone_seal(&lab.phones[1], p, make_rtp(&lab.phones[1], p, 0, 160), false);
    phone_send(&lab, 1, false, p, len);
    await_drops(&lab, 1, GH_DROP_NOT_SENDING, 2);
    len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
    phone_send(&lab, 0, false, p, len);
    await_drops(&lab, 0, GH_DROP_UNKNOWN_SOURCE, 1);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    CHECK_INT(lab_set(&lab, &set), 0);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    LAB_END(&lab);
}

static void a_closed_receiver_may_come_back(void)
{
    struct lab lab;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    uint16_t port;
    size_t len;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    check_flows(&lab, 0, false);
    port = lab.phones[1].addr[0].port;
    close(lab.phones[1].fd[0]);
    /* Each goes out, and brings an ICMP error back; the next send finds it and is repeated. */
    for (uint64_t sent = 2; sent < 30; sent++) {
        len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
        phone_send(&lab, 0, false, p, len);
        while (counters_of(&lab, 1).tx_pkts + counters_of(&lab, 0).drops[GH_DROP_SEND_FAILED] < sent)
            uv_run(lab.loop, UV_RUN_NOWAIT);
    }
    CHECK(counters_of(&lab, 1).icmp > 0);
    lab.phones[1].fd[0] = udp_socket(own_ip(), &lab.phones[1].addr[0], port);
    CHECK(lab.phones[1].fd[0] >= 0);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false); /* the socket that had the errors still receives */
    check_flows(&lab, 0, false);
    LAB_END(&lab);
}

/* Two sockets of a send to one of b, which is closed: the second send of a turn finds the error of the first. */
static void a_send_that_found_an_error_is_repeated(void)
{
    enum { PAIRS = 40 };
    struct lab lab;
    struct gh_media_set set;
    uint8_t p[PKT_MAX];
    struct gh_media_counters counters;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    set = lab_side(&lab, 1, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
    set.rtcp_mux = true;
    CHECK_INT(lab_set(&lab, &set), 0);
    close(lab.phones[1].fd[0]);
    lab.phones[1].fd[0] = -1;
    for (int i = 0; i < PAIRS; i++) {
        phone_send(&lab, 0, false, p, make_rtp(&lab.phones[0], p, 0, 160));
        phone_send(&lab, 0, true, p, make_rtcp(&lab.phones[0], p));
    }
    do {
        uv_run(lab.loop, UV_RUN_NOWAIT);
        counters = counters_of(&lab, 1);
    } while (counters.tx_pkts + counters_of(&lab, 0).drops[GH_DROP_SEND_FAILED] < 2 * PAIRS);
    CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_SEND_FAILED], 0);
    CHECK(counters.icmp > 0);
    LAB_END(&lab);
}

/* ---- the life of streams ----------------------------------------------------------------------------------------------- */

static void ports_run_out_and_come_back(void)
{
    struct lab lab;
    struct gh_media_open open = { 0 };
    gh_stream_id id, last = 0;
    uint16_t ports[2];
    unsigned used, all;
    int opened = 0, err;

    if (!lab_start(&lab, 4, 0))
        return;
    gh_media_port_usage(lab.media, &used, &all);
    CHECK_INT(used, 2);
    while ((err = gh_media_open(lab.media, &open, &id, ports)) == 0) {
        CHECK(id > last);
        last = id;
        opened++;
    }
    CHECK_INT(err, GH_EFULL);
    gh_media_port_usage(lab.media, &used, &all);
    CHECK_INT(opened, all / 2 - 1);
    for (int i = 0; i < opened; i++)
        CHECK_INT(gh_media_close(lab.media, lab.stream + 1 + (gh_stream_id)i), 0);
    while (lab.closed_count < opened)
        uv_run(lab.loop, UV_RUN_ONCE);
    gh_media_port_usage(lab.media, &used, &all);
    CHECK_INT(used, 2);
    open.family[1] = 6; /* there is no such address here */
    CHECK_INT(gh_media_open(lab.media, &open, &id, ports), GH_EINVAL);
    LAB_END(&lab);
}

/* Nobody was told of the one pair that was left: it does not rest, and the next stream finds two. */
static void a_stream_that_found_one_pair_holds_none(void)
{
    struct gh_media_open open = { 0 };
    gh_stream_id id;
    struct lab lab;
    uint16_t ports[2];
    unsigned used, all;

    if (!lab_start_ports(&lab, 3, 3600000))
        return;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(gh_media_open(lab.media, &open, &id, ports), GH_EFULL);
        gh_media_port_usage(lab.media, &used, &all);
        CHECK_INT(used, 2);
        CHECK_INT(all, 3);
    }
    LAB_END(&lab);
}

static void two_thousand_streams_come_and_go(void)
{
    struct lab lab;
    struct gh_media_open open = { 0 };
    gh_stream_id id;
    uint16_t ports[2];

    if (!lab_start(&lab, 4, 0))
        return;
    for (int i = 0; i < 2000; i++) {
        struct gh_secret rx = lab_key(GCM, 1), tx = lab_key(GCM, 2);
        struct gh_media_set set = { .side = i % 2, .generation = 1, .path = GH_PATH_BRIDGE, .suite = GCM,
                                    .rx_key = rx, .tx_key = tx, .remote_rtp = lab.phones[0].addr[0] };

        while (gh_media_open(lab.media, &open, &id, ports) == GH_EFULL)
            uv_run(lab.loop, UV_RUN_ONCE);
        set.stream = id;
        CHECK_INT(gh_media_set(lab.media, &set), 0);
        CHECK_INT(gh_media_close(lab.media, id), 0);
        set.generation++;
        CHECK_INT(gh_media_set(lab.media, &set), GH_ENOTFOUND);
        uv_run(lab.loop, UV_RUN_NOWAIT);
    }
    while (lab.closed_count < 2000)
        uv_run(lab.loop, UV_RUN_ONCE);
    CHECK_INT(lab.event_count, 0);
    LAB_END(&lab);
}

/* Stop with everything pending: opens, sets with keys, closes, reports nobody took.  The sanitizers watch. */
static void stop_leaves_nothing(void)
{
    struct gh_media_config config = { .address = { .family = 4, .ip = { 127, 0, 0, 1 } },
                                      .address6 = { .family = 6, .ip = { [15] = 1 } },
                                      .port_first = 21200, .port_last = 21399, .workers = 3 };
    struct lab lab = { 0 };
    struct gh_media_handlers handlers = { .arg = &lab };
    struct gh_media_open open = { .family = { 4, 6 } };
    struct gh_secret rx = lab_key(GCM, 1), tx = lab_key(GCM, 2);
    gh_stream_id id;
    uint16_t ports[2];
    uv_loop_t loop;

    uv_loop_init(&loop);
    CHECK_OR_STOP(gh_media_start(&lab.media, &loop, &config, &handlers) == 0);
    CHECK_INT(gh_media_workers(lab.media), 3);
    for (uint64_t i = 0; i < 40; i++) {
        struct gh_media_set set = { .generation = 1, .path = GH_PATH_BRIDGE, .suite = GCM, .rx_key = rx, .tx_key = tx };

        open.call = 1 + i / 2;
        CHECK_INT(gh_media_open(lab.media, &open, &id, ports), 0);
        set.stream = id;
        CHECK_INT(gh_media_set(lab.media, &set), 0);
        if (i % 3 == 0)
            CHECK_INT(gh_media_close(lab.media, id), 0);
    }
    gh_media_stop(lab.media);
    gh_media_stop(lab.media);
    CHECK_INT(gh_media_open(lab.media, &open, &id, ports), GH_ESTATE);
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_media_free(lab.media);
    CHECK_INT(uv_loop_close(&loop), 0);
}

static void a_bad_configuration_is_refused(void)
{
    struct gh_media_config config = { .port_first = 21200, .port_last = 21399 };
    struct gh_media_handlers handlers = { 0 };
    struct gh_media *media = NULL;
    uv_loop_t loop;

    uv_loop_init(&loop);
    CHECK_INT(gh_media_start(&media, &loop, &config, &handlers), GH_EINVAL); /* no address */
    config.address.family = config.address6.family = 4;
    CHECK_INT(gh_media_start(&media, &loop, &config, &handlers), GH_EINVAL);
    config.address6.family = 0;
    config.port_last = config.port_first;
    CHECK_INT(gh_media_start(&media, &loop, &config, &handlers), GH_EINVAL);
    CHECK(media == NULL);
    CHECK_INT(uv_loop_close(&loop), 0);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(clear_goes_through);
    RUN(clear_goes_through_on_ipv6);
    RUN(pass_keeps_every_octet);
    RUN(bridge_between_all_suites);
    RUN(rtcp_mux_on_one_side);
    RUN(wrong_sets_are_refused);
    RUN(nothing_plain_to_a_keyed_side);
    RUN(pass_needs_the_same_key);
    RUN(we_never_send_under_a_peers_key);
    RUN(directions_are_kept);
    RUN(a_closed_receiver_may_come_back);
    RUN(a_send_that_found_an_error_is_repeated);
    RUN(ports_run_out_and_come_back);
    RUN(a_stream_that_found_one_pair_holds_none);
    RUN(two_thousand_streams_come_and_go);
    RUN(stop_leaves_nothing);
    RUN(a_bad_configuration_is_refused);
    return CHECK_REPORT();
}
