/* SPDX-License-Identifier: Apache-2.0 */
/* Keys' contexts: packets of an independent implementation, replay, bounded sources, fresh SSRCs, limits. */
#include "support/check.h"

#include <gatehouse/err.h>

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "media/srtp_key.h"

#define PKT_MAX 512

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;

    for (; hex[0] && hex[1] && hex[0] != '\n'; hex += 2)
        n += sscanf(hex, "%2hhx", &out[n]) == 1;
    return n;
}

static struct gh_secret key_of(enum gh_suite suite, uint8_t seed)
{
    struct gh_secret key = { .len = (uint8_t)gh_suite_key_salt_len(suite) };

    for (int i = 0; i < key.len; i++)
        key.octets[i] = (uint8_t)(seed + 7 * i);
    return key;
}

static size_t rtp(uint8_t *p, uint32_t ssrc, uint16_t seq, size_t payload)
{
    memset(p, 0, PKT_MAX);
    p[0] = 0x80;
    p[2] = (uint8_t)(seq >> 8);
    p[3] = (uint8_t)seq;
    gh_put32(p + 8, ssrc);
    for (size_t i = 0; i < payload; i++)
        p[12 + i] = (uint8_t)(seq + i);
    return 12 + payload;
}

/* SR of @ssrc with one report about @about. */
static size_t rtcp(uint8_t *p, uint32_t ssrc, uint32_t about)
{
    memset(p, 0, PKT_MAX);
    p[0] = 0x81;
    p[1] = 200;
    p[3] = 12;
    gh_put32(p + 4, ssrc);
    gh_put32(p + 28, about);
    return 52;
}

/* ---- the independent implementation ----------------------------------------------------------------- */

struct pair {
    struct gh_srtp_rx *open, *check, *gate;
    struct gh_srtp_tx *tx;
};

static void pair_free(struct pair *pair)
{
    gh_srtp_rx_free(pair->open);
    gh_srtp_rx_free(pair->check);
    gh_srtp_rx_free(pair->gate);
    gh_srtp_tx_free(pair->tx);
    memset(pair, 0, sizeof(*pair));
}

static void try_vector(struct pair *pair, bool is_rtcp, const uint8_t *plain, size_t plain_len, const uint8_t *sealed,
                       size_t sealed_len)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), scratch[PKT_MAX] __attribute__((aligned(8)));
    size_t len = sealed_len;
    int err;

    /* What authenticates only leaves the packet as it is, scratch empty. */
    memcpy(p, sealed, sealed_len);
    memset(scratch, 0xaa, sizeof(scratch));
    CHECK_INT(gh_srtp_rx_check(pair->check, p, len, is_rtcp, scratch), 0);
    CHECK(memcmp(p, sealed, sealed_len) == 0);
    for (size_t i = 0; i < sealed_len; i++)
        CHECK(scratch[i] == 0);
    CHECK_INT(gh_srtp_rx_check(pair->gate, p, len, is_rtcp, scratch), 0);
    CHECK(memcmp(p, sealed, sealed_len) == 0);
    CHECK_INT(gh_srtp_rx_check(pair->gate, p, len, is_rtcp, scratch), GH_EREPLAY);

    CHECK_INT(gh_srtp_rx_open(pair->open, p, &len, is_rtcp), 0);
    CHECK_INT(len, plain_len);
    CHECK(memcmp(p, plain, plain_len) == 0);
    memcpy(p, sealed, sealed_len);
    len = sealed_len;
    CHECK_INT(gh_srtp_rx_open(pair->open, p, &len, is_rtcp), GH_EREPLAY);

    memcpy(p, plain, plain_len);
    len = plain_len;
    err = is_rtcp ? gh_srtp_tx_seal_rtcp(pair->tx, 1, p, &len, NULL) : gh_srtp_tx_seal_rtp(pair->tx, 1, p, &len);
    CHECK_INT(err, 0);
    CHECK_INT(len, sealed_len);
    CHECK(memcmp(p, sealed, sealed_len) == 0);
}

static void agrees_with_independent_packets(void)
{
    FILE *file = fopen(GH_TEST_DIR "/relay/media/vectors/srtp.txt", "r");
    char line[4096];
    struct pair pair = { 0 };
    int suites = 0, packets = 0;

    CHECK_OR_STOP(file != NULL);
    while (fgets(line, sizeof(line), file)) {
        char word[8], first[1024], second[1024];
        uint8_t plain[PKT_MAX], sealed[PKT_MAX];

        if (sscanf(line, "%7s %1023s %1023s", word, first, second) != 3 || line[0] == '#')
            continue;
        if (strcmp(word, "suite") == 0) {
            enum gh_suite suite = gh_suite_by_name(gh_span_str(first));
            struct gh_secret key;

            CHECK_INT(gh_secret_set(&key, sealed, unhex(second, sealed)), 0);
            pair_free(&pair);
            CHECK_INT(gh_srtp_rx_new(&pair.open, suite, &key, false), 0);
            CHECK_INT(gh_srtp_rx_new(&pair.check, suite, &key, false), 0);
            CHECK_INT(gh_srtp_rx_new(&pair.gate, suite, &key, true), 0);
            CHECK_INT(gh_srtp_tx_new(&pair.tx, suite, &key), 0);
            CHECK_OR_STOP(pair.open && pair.check && pair.gate && pair.tx);
            suites++;
            continue;
        }
        try_vector(&pair, strcmp(word, "rtcp") == 0, plain, unhex(first, plain), sealed, unhex(second, sealed));
        packets++;
    }
    pair_free(&pair);
    fclose(file);
    CHECK_INT(suites, GH_SUITE_COUNT - 1);
    CHECK_INT(packets, 6 * (GH_SUITE_COUNT - 1));
}

/* ---- receiving ------------------------------------------------------------------------------------------- */

static void every_bit_counts(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        enum gh_suite suite = (enum gh_suite)s;
        struct gh_secret key = key_of(suite, 3);
        struct gh_srtp_rx *rx = NULL;
        struct gh_srtp_tx *tx = NULL;
        uint8_t sealed[PKT_MAX] __attribute__((aligned(8))), p[PKT_MAX] __attribute__((aligned(8)));
        size_t sealed_len, len;

        CHECK_INT(gh_srtp_rx_new(&rx, suite, &key, true), 0);
        CHECK_INT(gh_srtp_tx_new(&tx, suite, &key), 0);
        sealed_len = rtp(sealed, 7, 100, 40);
        CHECK_INT(gh_srtp_tx_seal_rtp(tx, 1, sealed, &sealed_len), 0);
        for (size_t i = 0; i < sealed_len * 8; i++) {
            memcpy(p, sealed, sealed_len);
            p[i / 8] ^= (uint8_t)(1 << i % 8);
            if (gh_pkt_kind(p, sealed_len) != GH_PKT_RTP)
                continue;
            len = sealed_len;
            CHECK(gh_srtp_rx_open(rx, p, &len, false) != 0);
        }
        memcpy(p, sealed, sealed_len);
        CHECK_INT(gh_srtp_rx_open(rx, p, &sealed_len, false), 0);
        gh_srtp_rx_free(rx);
        gh_srtp_tx_free(tx);
    }
}

static void a_key_must_fit_its_suite(void)
{
    struct gh_secret key = key_of(GH_AES_CM_128_HMAC_SHA1_80, 1), empty = { 0 };
    struct gh_srtp_rx *rx = NULL;
    struct gh_srtp_tx *tx = NULL;

    CHECK_INT(gh_srtp_rx_new(&rx, GH_AEAD_AES_128_GCM, &key, false), GH_EINVAL);
    CHECK_INT(gh_srtp_tx_new(&tx, GH_AEAD_AES_256_GCM, &key), GH_EINVAL);
    CHECK_INT(gh_srtp_rx_new(&rx, GH_SUITE_NONE, &empty, false), GH_EINVAL);
    CHECK(!rx && !tx);
}

static int send_one(struct gh_srtp_tx *tx, struct gh_srtp_rx *rx, uint32_t ssrc, uint16_t seq)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len = rtp(p, ssrc, seq, 20);
    int err = gh_srtp_tx_seal_rtp(tx, ssrc, p, &len);

    return err ? err : gh_srtp_rx_open(rx, p, &len, false);
}

static void sources_are_bounded(void)
{
    struct gh_secret key = key_of(GH_AEAD_AES_128_GCM, 1);
    struct gh_srtp_rx *rx = NULL;
    struct gh_srtp_tx *tx = NULL;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len;

    CHECK_INT(gh_srtp_rx_new(&rx, GH_AEAD_AES_128_GCM, &key, false), 0);
    CHECK_INT(gh_srtp_tx_new(&tx, GH_AEAD_AES_128_GCM, &key), 0);
    /* What is not authentic takes no place. */
    for (uint32_t ssrc = 1; ssrc <= 4 * GH_RX_SSRC_MAX; ssrc++) {
        len = rtp(p, ssrc, 1, 40);
        CHECK_INT(gh_srtp_rx_open(rx, p, &len, false), GH_EAUTH);
    }
    /* The sending side gives more sources than it keeps, each a name of its own. */
    for (uint32_t ssrc = 1; ssrc <= GH_RX_SSRC_MAX; ssrc++)
        CHECK_INT(send_one(tx, rx, ssrc, 1), 0);
    CHECK_INT(send_one(tx, rx, 9999, 1), GH_ELIMIT);
    CHECK_INT(send_one(tx, rx, 9999, 2), GH_ELIMIT);
    /* The ones that were let in go on. */
    CHECK_INT(send_one(tx, rx, GH_RX_SSRC_MAX, 2), 0);
    gh_srtp_rx_free(rx);
    gh_srtp_tx_free(tx);
}

static void gate_can_be_opened_in_mid_call(void)
{
    struct gh_secret key = key_of(GH_AES_CM_128_HMAC_SHA1_32, 1);
    struct gh_srtp_rx *rx = NULL;
    struct gh_srtp_tx *tx = NULL;
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), late[PKT_MAX] __attribute__((aligned(8)));
    uint8_t scratch[PKT_MAX] __attribute__((aligned(8)));
    uint16_t seq = 65000;
    size_t len, late_len = 0;

    CHECK_INT(gh_srtp_rx_new(&rx, GH_AES_CM_128_HMAC_SHA1_32, &key, true), 0);
    CHECK_INT(gh_srtp_tx_new(&tx, GH_AES_CM_128_HMAC_SHA1_32, &key), 0);
    for (int i = 0; i < 2 * 65536 + 537; i++, seq++) { /* into ROC 3 */
        len = rtp(p, 5, seq, 20);
        CHECK_OR_STOP(gh_srtp_tx_seal_rtp(tx, 1, p, &len) == 0);
        if (seq == 65535) {
            memcpy(late, p, len);
            late_len = len;
        } else {
            CHECK_OR_STOP(gh_srtp_rx_check(rx, p, len, false, scratch) == 0);
        }
    }
    /* seq is 1 now; the packet before the last roll-over comes late, as the first to be decrypted. */
    memcpy(p, late, late_len);
    len = late_len;
    CHECK_INT(gh_srtp_rx_open(rx, p, &len, false), 0);
    CHECK_INT(p[12], 65535 & 0xff);
    memcpy(p, late, late_len);
    len = late_len;
    CHECK_INT(gh_srtp_rx_open(rx, p, &len, false), GH_EREPLAY);
    for (int i = 0; i < 200; i++, seq++) {
        len = rtp(p, 5, seq, 20);
        CHECK_INT(gh_srtp_tx_seal_rtp(tx, 1, p, &len), 0);
        CHECK_INT(gh_srtp_rx_open(rx, p, &len, false), 0);
        CHECK_INT(p[12], seq & 0xff);
    }
    gh_srtp_rx_free(rx);
    gh_srtp_tx_free(tx);
}

/* ---- sending ----------------------------------------------------------------------------------------------- */

static uint32_t sealed_ssrc(struct gh_srtp_tx *tx, uint64_t origin, uint32_t ssrc, uint16_t seq, int want)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len = rtp(p, ssrc, seq, 20);

    CHECK_INT(gh_srtp_tx_seal_rtp(tx, origin, p, &len), want);
    return gh_get32(p + 8);
}

static void another_source_gets_a_fresh_ssrc(void)
{
    struct gh_secret key = key_of(GH_AEAD_AES_256_GCM, 1);
    struct gh_srtp_tx *tx = NULL;
    uint32_t second, third, seen[64];

    CHECK_INT(gh_srtp_tx_new(&tx, GH_AEAD_AES_256_GCM, &key), 0);
    CHECK_INT(sealed_ssrc(tx, 1, 77, 10, 0), 77); /* the first keeps its name */
    CHECK_INT(sealed_ssrc(tx, 1, 77, 11, 0), 77);
    second = sealed_ssrc(tx, 1, 78, 10, 0);       /* another SSRC */
    CHECK(second != 78 && second != 77);
    third = sealed_ssrc(tx, 2, 77, 12, 0);        /* another origin with the same SSRC: its key changed */
    CHECK(third != 77 && third != second);
    /* Interleaved they keep what they have. */
    CHECK_INT(sealed_ssrc(tx, 1, 77, 12, 0), 77);
    CHECK_INT(sealed_ssrc(tx, 1, 78, 11, 0), second);
    CHECK_INT(sealed_ssrc(tx, 2, 77, 13, 0), third);
    /* Names are never given twice, also when a source was forgotten and comes back. */
    for (uint32_t i = 0; i < 64; i++) {
        seen[i] = sealed_ssrc(tx, 3, 1000 + i % 20, (uint16_t)(i * 3), 0);
        for (uint32_t j = 0; j < i; j++)
            CHECK(seen[i] != seen[j] || i % 20 == j % 20);
    }
    CHECK(seen[0] != seen[20]);
    gh_srtp_tx_free(tx);
}

static void a_sequence_jump_gets_a_fresh_ssrc(void)
{
    struct gh_secret key = key_of(GH_AES_CM_128_HMAC_SHA1_80, 1);
    struct gh_srtp_tx *tx = NULL;
    uint32_t fresh;

    CHECK_INT(gh_srtp_tx_new(&tx, GH_AES_CM_128_HMAC_SHA1_80, &key), 0);
    CHECK_INT(sealed_ssrc(tx, 1, 7, 100, 0), 7);
    sealed_ssrc(tx, 1, 7, 65530, GH_EREPLAY);      /* before the first one: no ROC that a receiver would guess */
    CHECK_INT(sealed_ssrc(tx, 1, 7, 101, 0), 7);
    sealed_ssrc(tx, 1, 7, 101, GH_EREPLAY);        /* the same number never twice */
    CHECK_INT(sealed_ssrc(tx, 1, 7, 30000, 0), 7); /* ahead, less than 2^15 */
    CHECK_INT(sealed_ssrc(tx, 1, 7, 29990, 0), 7); /* late, in the window */
    sealed_ssrc(tx, 1, 7, 29000, GH_EREPLAY);      /* a straggler */
    CHECK_INT(sealed_ssrc(tx, 1, 7, 30001, 0), 7);
    sealed_ssrc(tx, 1, 7, 500, GH_EREPLAY);        /* the source began anew: one packet is lost */
    fresh = sealed_ssrc(tx, 1, 7, 501, 0);
    CHECK(fresh != 7);
    CHECK_INT(sealed_ssrc(tx, 1, 7, 502, 0), fresh);
    sealed_ssrc(tx, 1, 7, 502 + 0x8001, GH_EREPLAY); /* beyond 2^15 ahead is behind */
    CHECK(sealed_ssrc(tx, 1, 7, 502 + 0x8002, 0) != fresh);
    gh_srtp_tx_free(tx);
}

static void rtcp_follows_the_names(void)
{
    struct gh_secret key[2] = { key_of(GH_AES_CM_128_HMAC_SHA1_80, 1), key_of(GH_AEAD_AES_128_GCM, 9) };
    struct gh_srtp_tx *to_x = NULL, *to_y = NULL;
    struct gh_srtp_rx *y = NULL;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    uint32_t x_name, y_name;
    size_t len;

    CHECK_INT(gh_srtp_tx_new(&to_x, GH_AES_CM_128_HMAC_SHA1_80, &key[0]), 0);
    CHECK_INT(gh_srtp_tx_new(&to_y, GH_AEAD_AES_128_GCM, &key[1]), 0);
    CHECK_INT(gh_srtp_rx_new(&y, GH_AEAD_AES_128_GCM, &key[1], false), 0);
    sealed_ssrc(to_y, 1, 1, 1, 0);
    sealed_ssrc(to_x, 2, 2, 1, 0);
    x_name = sealed_ssrc(to_y, 1, 0x11, 1, 0); /* X's second source, as Y knows it */
    y_name = sealed_ssrc(to_x, 2, 0x22, 1, 0); /* Y's second source, as X knows it */
    /* X reports about what it hears from Y; Y gets both names as it knows them. */
    len = rtcp(p, 0x11, y_name);
    CHECK_INT(gh_srtp_tx_seal_rtcp(to_y, 1, p, &len, to_x), 0);
    CHECK_INT(gh_get32(p + 4), x_name);
    CHECK_INT(gh_srtp_rx_open(y, p, &len, true), 0);
    CHECK_INT(len, 52);
    CHECK_INT(gh_get32(p + 4), x_name);
    CHECK_INT(gh_get32(p + 28), 0x22);
    /* And when Y's side is plain. */
    len = rtcp(p, 0x11, y_name);
    CHECK_INT(gh_srtp_tx_unmap_rtcp(to_x, p, len), 0);
    CHECK_INT(gh_get32(p + 4), 0x11);
    CHECK_INT(gh_get32(p + 28), 0x22);
    gh_srtp_tx_free(to_x);
    gh_srtp_tx_free(to_y);
    gh_srtp_rx_free(y);
}

static void a_key_ends_at_its_limit(void)
{
    struct gh_secret key = key_of(GH_AEAD_AES_128_GCM, 1);
    struct gh_srtp_tx *tx = NULL;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len;

    CHECK_INT(gh_srtp_tx_new(&tx, GH_AEAD_AES_128_GCM, &key), 0);
    sealed_ssrc(tx, 1, 1, 1, 0);
    CHECK(!gh_srtp_tx_is_worn(tx));
    gh_srtp_tx_set_left(tx, GH_SRTP_PKTS_MAX / 10 + 1, GH_SRTCP_PKTS_MAX);
    CHECK(!gh_srtp_tx_is_worn(tx));
    sealed_ssrc(tx, 1, 1, 2, 0);
    CHECK(gh_srtp_tx_is_worn(tx));
    gh_srtp_tx_set_left(tx, 1, 1);
    sealed_ssrc(tx, 1, 1, 3, 0);
    for (uint16_t seq = 4; seq < 10; seq++)
        sealed_ssrc(tx, 1, 2, seq, GH_ELIMIT); /* another SSRC helps nothing: the limit is the key's */
    len = rtcp(p, 1, 2);
    CHECK_INT(gh_srtp_tx_seal_rtcp(tx, 1, p, &len, NULL), 0);
    len = rtcp(p, 1, 2);
    CHECK_INT(gh_srtp_tx_seal_rtcp(tx, 1, p, &len, NULL), GH_ELIMIT);
    gh_srtp_tx_free(tx);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(agrees_with_independent_packets);
    RUN(every_bit_counts);
    RUN(a_key_must_fit_its_suite);
    RUN(sources_are_bounded);
    RUN(gate_can_be_opened_in_mid_call);
    RUN(another_source_gets_a_fresh_ssrc);
    RUN(a_sequence_jump_gets_a_fresh_ssrc);
    RUN(rtcp_follows_the_names);
    RUN(a_key_ends_at_its_limit);
    return CHECK_REPORT();
}
