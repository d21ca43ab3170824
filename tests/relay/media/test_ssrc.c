/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More than one SSRC from one sender under one key, on a live stream: music on hold, a transfer behind the neighbour, a
 * sender that never stops drawing new ones (RFC 3550 section 8; RFC 3711 section 3.2.3: a replay list for each).
 */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "support_media.h"

#define CM80 GH_AES_CM_128_HMAC_SHA1_80
#define GCM GH_AEAD_AES_128_GCM

static const struct way {
    enum gh_path path;
    enum gh_suite a, b;
} ways[] = { { GH_PATH_PASS, CM80, CM80 },   { GH_PATH_PASS, GCM, GCM },   { GH_PATH_BRIDGE, CM80, CM80 },
             { GH_PATH_BRIDGE, CM80, GCM },  { GH_PATH_BRIDGE, GCM, CM80 }, { GH_PATH_BRIDGE, CM80, GH_SUITE_NONE },
             { GH_PATH_BRIDGE, GH_SUITE_NONE, GCM } };

#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* Phone a's next packet as its source @ssrc, sealed.  @plain  as it is under the seal, PKT_MAX octets */
static size_t packet_of(struct lab *lab, uint32_t ssrc, bool rtcp, uint8_t *plain, size_t *plain_len, uint8_t *sealed)
{
    struct phone *a = &lab->phones[0];
    size_t len;

    a->ssrc = ssrc;
    *plain_len = rtcp ? make_rtcp(a, plain) : make_rtp(a, plain, 0, 160);
    memcpy(sealed, plain, *plain_len);
    len = phone_seal(a, sealed, *plain_len, rtcp);
    /* A phone's own context gives its second source another name than that in @plain. */
    memcpy(plain + (rtcp ? 4 : 8), sealed + (rtcp ? 4 : 8), 4);
    return len;
}

/* It arrives at b: as it was sent, or under b's key.  @return the SSRC that it has there */
static uint32_t check_arrives(struct lab *lab, const struct way *way, uint32_t ssrc, bool rtcp)
{
    uint8_t plain[PKT_MAX], sealed[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX] __attribute__((aligned(8)));
    size_t plain_len, len = packet_of(lab, ssrc, rtcp, plain, &plain_len, sealed), got_len, at = rtcp ? 4 : 8;
    uint32_t name;

    phone_send(lab, 0, rtcp, sealed, len);
    got_len = phone_receive(lab, 1, rtcp, got);
    if (way->path == GH_PATH_PASS) {
        CHECK_INT(got_len, len);
        CHECK(memcmp(got, sealed, len) == 0);
    }
    if (lab->phones[1].rx)
        CHECK_INT(gh_srtp_rx_open(lab->phones[1].rx, got, &got_len, rtcp), 0);
    CHECK_INT(got_len, plain_len);
    name = gh_get32(got + at);
    memcpy(got + at, plain + at, 4);
    CHECK(memcmp(got, plain, plain_len) == 0);
    return name;
}

/* The call behind the neighbour is another for a while; and for a moment both send. */
static void another_ssrc_and_the_first_again(void)
{
    enum { FIRST = 0x1000, MUSIC = 0x2000, THIRD = 0x3000 };
    static const uint32_t script[] = { FIRST, FIRST, MUSIC, FIRST, MUSIC, MUSIC, FIRST, THIRD, MUSIC, THIRD, FIRST };

    for (size_t w = 0; w < WAYS; w++) {
        uint32_t names[4] = { 0 };
        uint16_t seqs[4] = { 0, 700, 65530, 30000 }; /* each source has its own, over a roll-over too */
        struct lab lab;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, ways[w].path, ways[w].a, ways[w].b);
        for (size_t i = 0; i < 2 * sizeof(script) / sizeof(script[0]); i++) {
            uint32_t ssrc = script[i % (sizeof(script) / sizeof(script[0]))], *name = &names[ssrc >> 12], got;

            lab.phones[0].seq = seqs[ssrc >> 12]++;
            got = check_arrives(&lab, &ways[w], ssrc, false);
            CHECK(*name == 0 || *name == got); /* one source, one name */
            *name = got;
            CHECK_INT(check_arrives(&lab, &ways[w], ssrc, true), got);
        }
        CHECK_INT(names[1], FIRST);
        CHECK(names[1] != names[2] && names[2] != names[3] && names[1] != names[3]);
        check_flows(&lab, 1, false);
        for (int cause = 0; cause < GH_DROP_COUNT; cause++)
            CHECK_INT(counters_of(&lab, 0).drops[cause], 0);
        lab_barrier(&lab);
        for (int i = 0; i < lab.event_count; i++)
            CHECK_INT(lab.events[i].kind, GH_MEDIA_EVENT_PROVEN);
        LAB_END(&lab);
        CHECK_INT(lab.final[0].quality.measured.sources, 3);
        CHECK_INT(lab.final[0].quality.measured.lost_pkts, 0);
    }
}

static void set_again(struct lab *lab, const struct way *way, uint8_t seed_a)
{
    bool pass = way->path == GH_PATH_PASS;
    struct gh_secret a = lab_key(way->a, seed_a), b = lab_key(way->b, 2), to_a = lab_key(way->a, pass ? 2 : 3);
    struct gh_secret to_b = pass ? a : lab_key(way->b, 4);
    struct gh_media_set sets[2] = { lab_side(lab, 0, way->path, way->a, &a, &to_a),
                                    lab_side(lab, 1, way->path, way->b, &b, &to_b) };

    CHECK_INT(gh_media_set_both(lab->media, sets), 0);
    lab_barrier(lab);
}

/* A source more than a key may have: nothing of it goes on, and that is told once for each set. */
static void check_kept_out(struct lab *lab, uint32_t ssrc, bool rtcp, uint64_t *dropped, int told)
{
    uint8_t plain[PKT_MAX], sealed[PKT_MAX] __attribute__((aligned(8)));
    size_t plain_len, len = packet_of(lab, ssrc, rtcp, plain, &plain_len, sealed);

    phone_send(lab, 0, rtcp, sealed, len);
    await_drops(lab, 0, GH_DROP_SSRC_LIMIT, ++*dropped);
    CHECK_INT(await_events(lab, 0, GH_MEDIA_EVENT_SSRC_LIMIT, told), told);
}

static void a_source_too_many_is_kept_out_until_the_key_changes(void)
{
    for (size_t w = 0; w < 5; w++) {
        uint8_t plain[PKT_MAX], first[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX];
        struct gh_secret next = lab_key(ways[w].a, 70);
        struct gh_srtp_tx *old;
        size_t plain_len, first_len;
        uint64_t dropped = 0;
        struct lab lab;

        if (!lab_start(&lab, 4, 0))
            return;
        lab_secure(&lab, ways[w].path, ways[w].a, ways[w].b);
        first_len = packet_of(&lab, 1, false, plain, &plain_len, first);
        phone_send(&lab, 0, false, first, first_len);
        CHECK(phone_receive(&lab, 1, false, got) > 0);
        for (uint32_t ssrc = 2; ssrc <= GH_RX_SSRC_MAX; ssrc++) {
            uint8_t sealed[PKT_MAX] __attribute__((aligned(8)));
            size_t len = packet_of(&lab, ssrc, false, plain, &plain_len, sealed);

            phone_send(&lab, 0, false, sealed, len);
            CHECK(phone_receive(&lab, 1, false, got) > 0);
        }
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_SSRC_LIMIT), 0);
        check_kept_out(&lab, GH_RX_SSRC_MAX + 1, false, &dropped, 1);
        check_kept_out(&lab, GH_RX_SSRC_MAX + 1, false, &dropped, 1);
        check_kept_out(&lab, GH_RX_SSRC_MAX + 2, true, &dropped, 1);
        /* Who is silent for long keeps his place: his windows would open again with it. */
        phone_send(&lab, 0, false, first, first_len);
        await_drops(&lab, 0, GH_DROP_REPLAYED, 1);
        set_again(&lab, &ways[w], 1);
        check_kept_out(&lab, GH_RX_SSRC_MAX + 3, false, &dropped, 2);
        check_kept_out(&lab, GH_RX_SSRC_MAX + 3, true, &dropped, 2);
        /* Another key: room again, but not under the old one, as long as that is taken. */
        set_again(&lab, &ways[w], 70);
        check_kept_out(&lab, GH_RX_SSRC_MAX + 4, false, &dropped, 3);
        old = lab.phones[0].tx;
        lab.phones[0].tx = NULL;
        CHECK_INT(gh_srtp_tx_new(&lab.phones[0].tx, ways[w].a, &next), 0);
        for (uint32_t ssrc = 1; ssrc <= 3; ssrc++) {
            uint8_t sealed[PKT_MAX] __attribute__((aligned(8)));
            size_t len = packet_of(&lab, 100 + ssrc, false, plain, &plain_len, sealed);

            phone_send(&lab, 0, false, sealed, len);
            CHECK(phone_receive(&lab, 1, false, got) > 0);
        }
        CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_SSRC_LIMIT], dropped);
        CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_AUTH_FAILED], 0);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_SSRC_LIMIT), 3);
        gh_srtp_tx_free(old);
        LAB_END(&lab);
    }
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(another_ssrc_and_the_first_again);
    RUN(a_source_too_many_is_kept_out_until_the_key_changes);
    return CHECK_REPORT();
}
