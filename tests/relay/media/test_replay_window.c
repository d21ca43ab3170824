/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay windows, packet by packet (RFC 3711 section 3.3.2: at least 64; ours is 128): each
 * number once, whatever the order; one that is 128 behind, never; over a roll-over and for each
 * source by itself.
 */
#include "support/check.h"

#include <gatehouse/err.h>

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "media/srtp_key.h"

#define COUNT 600
#define PKT_MAX 96

enum use { OPEN, CHECK_ONLY, GATED, USES };

static struct pkt {
    uint8_t octets[PKT_MAX] __attribute__((aligned(8)));
    size_t len;
} pkts[COUNT];

static struct gh_secret key_of(enum gh_suite suite)
{
    struct gh_secret key = { .len = (uint8_t)gh_suite_key_salt_len(suite) };

    for (int i = 0; i < key.len; i++)
        key.octets[i] = (uint8_t)(7 * i + 3);
    return key;
}

/* COUNT packets in a row under one key, of @ssrc, from sequence number @first on. */
static void make(enum gh_suite suite, bool rtcp, uint32_t ssrc, uint16_t first)
{
    struct gh_secret key = key_of(suite);
    struct gh_srtp_tx *tx = NULL;

    CHECK_OR_STOP(gh_srtp_tx_new(&tx, suite, &key) == 0);
    for (int i = 0; i < COUNT; i++) {
        uint8_t *p = pkts[i].octets;
        uint16_t seq = (uint16_t)(first + i);

        memset(p, 0, PKT_MAX);
        p[0] = 0x80;
        p[1] = rtcp ? 200 : 0;
        p[2] = rtcp ? 0 : (uint8_t)(seq >> 8);
        p[3] = rtcp ? 6 : (uint8_t)seq;
        gh_put32(p + (rtcp ? 4 : 8), ssrc);
        pkts[i].len = 28;
        if (rtcp ? gh_srtp_tx_seal_rtcp(tx, 1, p, &pkts[i].len, NULL)
                 : gh_srtp_tx_seal_rtp(tx, 1, p, &pkts[i].len))
            CHECK_INT(i, -1);
    }
    gh_srtp_tx_free(tx);
}

static int take(struct gh_srtp_rx *rx, enum use use, bool rtcp, int i)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), scratch[PKT_MAX] __attribute__((aligned(8)));
    size_t len = pkts[i].len;

    memcpy(p, pkts[i].octets, len);
    return use == OPEN ? gh_srtp_rx_open(rx, p, &len, rtcp)
                       : gh_srtp_rx_check(rx, p, len, rtcp, scratch);
}

/* A number is in the window up to 127 behind the highest. */
static void check_window(struct gh_srtp_rx *rx, enum use use, bool rtcp, int top)
{
    CHECK_INT(take(rx, use, rtcp, top), 0);
    CHECK(gh_srtp_rx_is_newest(rx));
    CHECK_INT(take(rx, use, rtcp, top), GH_EREPLAY);
    CHECK_INT(take(rx, use, rtcp, top - GH_REPLAY_WINDOW),
              GH_EREPLAY); /* never seen, and too late */
    CHECK_INT(take(rx, use, rtcp, top - GH_REPLAY_WINDOW + 1), 0);
    CHECK(!gh_srtp_rx_is_newest(rx));
    for (int k = 1; k < GH_REPLAY_WINDOW - 1;
         k++) { /* 37 and 128 have no common divisor: each once, out of order */
        int back = k * 37 % GH_REPLAY_WINDOW;

        if (back == 0 || back == GH_REPLAY_WINDOW - 1)
            continue;
        if (take(rx, use, rtcp, top - back) || take(rx, use, rtcp, top - back) != GH_EREPLAY)
            CHECK_INT(back, -1);
    }
    CHECK_INT(take(rx, use, rtcp, top + 1), 0);
    CHECK_INT(take(rx, use, rtcp, top - GH_REPLAY_WINDOW + 1), GH_EREPLAY);
}

static void each_number_once(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        struct gh_secret key = key_of((enum gh_suite)s);

        for (int i = 0; i < 3; i++) {
            bool rtcp = i == 2;

            /* In mid-number, and with the roll-over in the window. */
            make((enum gh_suite)s, rtcp, 7, i == 1 ? 65536 - 250 : 1000);
            for (enum use use = OPEN; use < USES; use++) {
                struct gh_srtp_rx *rx = NULL;

                CHECK_INT(gh_srtp_rx_new(&rx, (enum gh_suite)s, &key, use == GATED), 0);
                CHECK_INT(take(rx, use, rtcp, 0), 0);
                check_window(rx, use, rtcp, 300);
                check_window(rx, use, rtcp, 500);
                gh_srtp_rx_free(rx);
            }
        }
    }
}

/* What another source sent says nothing of this one's window. */
static void each_source_by_itself(void)
{
    static struct pkt first[COUNT];
    struct gh_secret key = key_of(GH_AEAD_AES_128_GCM);
    struct gh_srtp_rx *rx = NULL;

    CHECK_INT(gh_srtp_rx_new(&rx, GH_AEAD_AES_128_GCM, &key, false), 0);
    make(GH_AEAD_AES_128_GCM, false, 7, 1000);
    CHECK_INT(take(rx, OPEN, false, 400), 0);
    memcpy(first, pkts, sizeof(first));
    make(GH_AEAD_AES_128_GCM, false, 8, 1000);
    CHECK_INT(take(rx, OPEN, false, 0), 0);
    CHECK_INT(take(rx, OPEN, false, 1), 0);
    memcpy(pkts, first, sizeof(pkts));
    CHECK_INT(take(rx, OPEN, false, 272), GH_EREPLAY);
    CHECK_INT(take(rx, OPEN, false, 273), 0);
    gh_srtp_rx_free(rx);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(each_number_once);
    RUN(each_source_by_itself);
    return CHECK_REPORT();
}
