/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that was keyed and shall be clear goes on as a new one on its ports: both sides have those in their SDP.
 */
#include "support/check.h"

#include <string.h>
#include <sys/resource.h>

#include "crypto/srtp_ciphers.h"
#include "media/media_int.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80;

/* What both sides are from now on: RTP.  @return the generation's set went well */
static bool make_clear(struct lab *lab)
{
    struct gh_media_set sets[2];

    for (int s = 0; s < 2; s++) {
        gh_srtp_tx_free(lab->phones[s].tx);
        gh_srtp_rx_free(lab->phones[s].rx);
        lab->phones[s].tx = NULL;
        lab->phones[s].rx = NULL;
        sets[s] = lab_side(lab, s, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
    }
    return gh_media_set_both(lab->media, sets) == 0;
}

static void ports_stay_and_keys_go(void)
{
    struct lab lab;
    struct gh_media_set clear;
    struct gh_media_counters before[2], after[2];
    gh_stream_id old;
    unsigned used, all, used_then;

    CHECK_OR_STOP(lab_start(&lab, 4, 0));
    lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, true);
    /* The keyed one cannot be made clear itself. */
    clear = lab_side(&lab, 0, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
    CHECK_INT(gh_media_set(lab.media, &clear), GH_EINVAL);
    gh_media_counters(lab.media, lab.stream, before);
    CHECK(before[0].authenticated && before[1].authenticated);
    gh_media_port_usage(lab.media, &used_then, &all);

    old = lab.stream;
    CHECK_INT(gh_media_renew(lab.media, old, &lab.stream), 0);
    CHECK(lab.stream != old && lab.stream != 0);
    CHECK_INT(gh_media_renew(lab.media, old, &old), GH_ESTATE);
    CHECK(make_clear(&lab));
    lab_barrier(&lab);
    for (int i = 0; i < 3; i++) {
        check_flows(&lab, 0, false);
        check_flows(&lab, 1, false);
        check_flows(&lab, 0, true);
        check_flows(&lab, 1, true);
    }
    gh_media_counters(lab.media, lab.stream, after);
    for (int s = 0; s < 2; s++) {
        CHECK_INT(after[s].plain, 6);
        CHECK_INT(after[s].authenticated, 0);
    }
    /* The pairs are the new stream's: not given back with the old one, and only once in the end. */
    gh_media_port_usage(lab.media, &used, &all);
    CHECK_INT(used, used_then);
    LAB_END(&lab);
}

static void again_and_again(void)
{
    struct lab lab;

    CHECK_OR_STOP(lab_start(&lab, 4, 0));
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GH_AEAD_AES_128_GCM);
    check_flows(&lab, 0, false);
    for (int round = 0; round < 20; round++) {
        gh_stream_id old = lab.stream;

        CHECK_INT(gh_media_renew(lab.media, old, &lab.stream), 0);
        CHECK(make_clear(&lab));
        lab_await_closed(&lab, old);
        lab_barrier(&lab);
        check_flows(&lab, 0, false);
        check_flows(&lab, 1, false);
    }
    LAB_END(&lab);
}

/* One side is clear now; the other's key goes on, and what was recorded of it is still a replay. */
static void a_key_that_goes_on_keeps_its_state(void)
{
    for (int i = 0; i < 2; i++) {
        enum gh_path path = i ? GH_PATH_PASS : GH_PATH_BRIDGE;
        struct gh_secret rx = lab_key(CM80, 2), tx = lab_key(CM80, 9);
        uint8_t plain[PKT_MAX], sealed[PKT_MAX] __attribute__((aligned(8)));
        struct gh_media_set sets[2];
        struct lab lab;
        size_t plain_len, len;

        CHECK_OR_STOP(lab_start(&lab, 4, 0));
        lab_secure(&lab, path, CM80, CM80);
        check_flows(&lab, 0, false);
        check_flows(&lab, 1, false);
        plain_len = make_rtp(&lab.phones[1], plain, 0, 160);
        memcpy(sealed, plain, plain_len);
        len = phone_seal(&lab.phones[1], sealed, plain_len, false);
        phone_send(&lab, 1, false, sealed, len);
        CHECK(phone_receive(&lab, 0, false, plain) > 0);

        CHECK_INT(gh_media_renew(lab.media, lab.stream, &lab.stream), 0);
        gh_srtp_tx_free(lab.phones[0].tx);
        gh_srtp_rx_free(lab.phones[0].rx);
        gh_srtp_rx_free(lab.phones[1].rx);
        lab.phones[0].tx = NULL;
        lab.phones[0].rx = lab.phones[1].rx = NULL;
        CHECK_INT(gh_srtp_rx_new(&lab.phones[1].rx, CM80, &tx, false), 0);
        sets[0] = lab_side(&lab, 0, GH_PATH_BRIDGE, GH_SUITE_NONE, NULL, NULL);
        sets[1] = lab_side(&lab, 1, GH_PATH_BRIDGE, CM80, &rx, &tx);
        CHECK_INT(gh_media_set_both(lab.media, sets), 0);
        lab_barrier(&lab);
        phone_send(&lab, 1, false, sealed, len);
        CHECK(await_drops(&lab, 1, GH_DROP_REPLAYED, 1));
        CHECK_INT(counters_of(&lab, 0).tx_pkts, 0);
        for (int n = 0; n < 3; n++) {
            check_flows(&lab, 1, false);
            check_flows(&lab, 1, true);
        }
        LAB_END(&lab);
    }
}

/* The worker has much to do: what comes before it knows of the change waits, and is judged by the new set. */
static void what_comes_meanwhile_arrives(void)
{
    enum { WAIT_PKTS = 5 };
    struct lab lab;
    uv_sem_t held, go;
    struct gh_hold_msg hold = { .held = &held, .go = &go };
    uint8_t sent[2][WAIT_PKTS][PKT_MAX], got[PKT_MAX];
    size_t lens[2][WAIT_PKTS];

    CHECK_OR_STOP(lab_start(&lab, 4, 0));
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GH_AEAD_AES_128_GCM);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    uv_sem_init(&held, 0);
    uv_sem_init(&go, 0);
    gh_media_hold(lab.media, 0, &hold);
    uv_sem_wait(&held);
    CHECK_INT(gh_media_renew(lab.media, lab.stream, &lab.stream), 0);
    CHECK(make_clear(&lab));
    for (int i = 0; i < WAIT_PKTS; i++) {
        for (int s = 0; s < 2; s++) {
            lens[s][i] = make_rtp(&lab.phones[s], sent[s][i], 0, 160);
            phone_send(&lab, s, false, sent[s][i], lens[s][i]);
        }
    }
    uv_sem_post(&go);
    for (int i = 0; i < WAIT_PKTS; i++) {
        for (int s = 0; s < 2; s++) {
            CHECK_INT(phone_receive(&lab, !s, false, got), lens[s][i]);
            CHECK(memcmp(got, sent[s][i], lens[s][i]) == 0);
        }
    }
    lab_barrier(&lab);
    uv_sem_destroy(&held);
    uv_sem_destroy(&go);
    LAB_END(&lab);
}

/* It needs none of its own. */
static void without_a_free_descriptor(void)
{
    struct rlimit limit, none;
    struct lab lab;
    gh_stream_id old;
    int err;

    CHECK_OR_STOP(lab_start(&lab, 4, 0));
    lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
    CHECK_OR_STOP(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    old = lab.stream;
    err = gh_media_renew(lab.media, old, &lab.stream);
    setrlimit(RLIMIT_NOFILE, &limit);
    CHECK_INT(err, 0);
    CHECK(make_clear(&lab));
    lab_barrier(&lab);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    CHECK_INT(gh_media_renew(lab.media, lab.stream + 1000, &old), GH_ENOTFOUND);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(ports_stay_and_keys_go);
    RUN(again_and_again);
    RUN(a_key_that_goes_on_keeps_its_state);
    RUN(what_comes_meanwhile_arrives);
    RUN(without_a_free_descriptor);
    return CHECK_REPORT();
}
