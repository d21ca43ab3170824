/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that was keyed and shall be clear goes on as a new one on its ports: both sides have those in their SDP.
 */
#include "support/check.h"

#include <errno.h>
#include <sys/resource.h>

#include "crypto/srtp_ciphers.h"
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

static void without_descriptors_the_old_one_goes_on(void)
{
    struct rlimit limit, none;
    struct lab lab;
    gh_stream_id old, out = 0;
    int err;

    CHECK_OR_STOP(lab_start(&lab, 4, 0));
    lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
    CHECK_OR_STOP(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    old = lab.stream;
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    err = gh_media_renew(lab.media, old, &out);
    setrlimit(RLIMIT_NOFILE, &limit);
    CHECK_INT(err, GH_EFULL);
    CHECK_INT(out, 0);
    check_flows(&lab, 0, false);
    check_flows(&lab, 1, false);
    CHECK_INT(gh_media_renew(lab.media, old + 1000, &out), GH_ENOTFOUND);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(ports_stay_and_keys_go);
    RUN(again_and_again);
    RUN(without_descriptors_the_old_one_goes_on);
    return CHECK_REPORT();
}
