/* SPDX-License-Identifier: Apache-2.0 */
/* A key is replaced while the ROC is not 0: packets of an independent implementation, both readings of the ROC. */
#include "support/check.h"

#include <gatehouse/err.h>

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "media/srtp_key.h"

#define PKT_MAX 256
#define PKTS_MAX 8

enum kind { OLD, KEEP, RESET, KINDS };

/* One case of vectors/srtp_roc.txt. */
struct rekey {
    enum gh_suite suite;
    struct gh_secret keys[2];
    struct pkt {
        uint8_t plain[PKT_MAX], sealed[PKT_MAX];
        size_t plain_len, sealed_len;
    } pkts[KINDS][PKTS_MAX];
    size_t count[KINDS];
};

/* How a receiving context is used. */
enum use { OPEN, CHECK_ONLY, GATED_CHECK, GATED_OPEN, USES };

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;

    for (; hex[0] && hex[1] && hex[0] != '\n'; hex += 2)
        n += sscanf(hex, "%2hhx", &out[n]) == 1;
    return n;
}

static void each_rekey(void (*test)(const struct rekey *rekey))
{
    static const char *const words[KINDS] = { "old", "keep", "reset" };
    FILE *file = fopen(GH_TEST_DIR "/relay/media/vectors/srtp_roc.txt", "r");
    char line[1024], word[64], first[256], second[256];
    struct rekey rekey = { 0 };
    uint8_t key[PKT_MAX];
    int rekeys = 0;

    CHECK_OR_STOP(file != NULL);
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "suite %63s %255s %255s", word, first, second) == 3) {
            if (rekeys++)
                test(&rekey);
            memset(&rekey, 0, sizeof(rekey));
            rekey.suite = gh_suite_by_name(gh_span_str(word));
            CHECK_INT(gh_secret_set(&rekey.keys[0], key, unhex(first, key)), 0);
            CHECK_INT(gh_secret_set(&rekey.keys[1], key, unhex(second, key)), 0);
        }
        if (sscanf(line, "%63s %255s %255s", word, first, second) != 3)
            continue;
        for (int k = 0; k < KINDS; k++) {
            struct pkt *pkt = &rekey.pkts[k][rekey.count[k]];

            if (strcmp(word, words[k]) != 0)
                continue;
            pkt->plain_len = unhex(first, pkt->plain);
            pkt->sealed_len = unhex(second, pkt->sealed);
            CHECK_OR_STOP(++rekey.count[k] < PKTS_MAX);
        }
    }
    fclose(file);
    test(&rekey);
    CHECK_INT(rekeys, 2 * (GH_SUITE_COUNT - 1));
}

/* ---- receiving ------------------------------------------------------------------------------- */

static int receive(struct gh_srtp_rx *rx, enum use use, const struct pkt *pkt)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8))), scratch[PKT_MAX] __attribute__((aligned(8)));
    size_t len = pkt->sealed_len;
    int err;

    memcpy(p, pkt->sealed, len);
    if (use == CHECK_ONLY || use == GATED_CHECK) {
        err = gh_srtp_rx_check(rx, p, len, false, scratch);
        CHECK(memcmp(p, pkt->sealed, len) == 0);
        return err;
    }
    err = gh_srtp_rx_open(rx, p, &len, false);
    if (!err) {
        CHECK_INT(len, pkt->plain_len);
        CHECK(memcmp(p, pkt->plain, len) == 0);
    }
    return err;
}

static struct gh_srtp_rx *new_rx(const struct rekey *rekey, int key, enum use use)
{
    struct gh_srtp_rx *rx = NULL;

    CHECK_INT(gh_srtp_rx_new(&rx, rekey->suite, &rekey->keys[key], use >= GATED_CHECK), 0);
    return rx;
}

static struct gh_srtp_rx *after_old(const struct rekey *rekey, enum use use)
{
    struct gh_srtp_rx *rx = new_rx(rekey, 0, use);

    for (size_t i = 0; i < rekey->count[OLD]; i++) {
        CHECK_INT(receive(rx, use, &rekey->pkts[OLD][i]), 0);
        CHECK(gh_srtp_rx_is_newest(rx));
    }
    return rx;
}

/* The first packet says which; then the other reading does not authenticate any more. */
static void first_packet_decides(const struct rekey *rekey)
{
    for (enum use use = OPEN; use < USES; use++) {
        for (enum kind kind = KEEP; kind < KINDS; kind++) {
            const struct pkt *pkts = rekey->pkts[kind], *others = rekey->pkts[KEEP + RESET - kind];
            size_t last = rekey->count[kind] - 1, other_last = rekey->count[KEEP + RESET - kind] - 1;
            struct gh_srtp_rx *old = after_old(rekey, use), *rx = new_rx(rekey, 1, use);
            struct pkt forged = pkts[0];

            forged.sealed[forged.sealed_len - 1] ^= 1;
            CHECK_INT(gh_srtp_rx_inherit(rx, old), 0);
            gh_srtp_rx_free(old);
            CHECK(gh_srtp_rx_is_unused(rx));
            CHECK_INT(receive(rx, use, &forged), GH_EAUTH); /* decides nothing */
            CHECK_INT(receive(rx, use, &pkts[0]), 0);
            CHECK(gh_srtp_rx_is_newest(rx));
            CHECK_INT(receive(rx, use, &pkts[0]), GH_EREPLAY);
            CHECK_INT(receive(rx, use, &others[other_last]), GH_EAUTH);
            for (size_t i = 1; i <= last; i++) {
                CHECK_INT(receive(rx, use, &pkts[i]), 0);
                CHECK_INT(gh_srtp_rx_is_newest(rx), i == last); /* the one between is late */
            }
            CHECK_INT(gh_srtp_rx_pkts(rx, false), last + 1);
            gh_srtp_rx_free(rx);
        }
    }
}

/* Two keys in a row, nothing came under the first of them: the ROC is still known. */
static void an_unused_key_hands_on(const struct rekey *rekey)
{
    for (enum kind kind = KEEP; kind < KINDS; kind++) {
        struct gh_srtp_rx *old = after_old(rekey, OPEN), *unused = new_rx(rekey, 0, OPEN);
        struct gh_srtp_rx *rx = new_rx(rekey, 1, OPEN), *stranger = new_rx(rekey, 1, OPEN);

        CHECK_INT(gh_srtp_rx_inherit(unused, old), 0);
        CHECK_INT(gh_srtp_rx_inherit(rx, unused), 0);
        gh_srtp_rx_free(old);
        gh_srtp_rx_free(unused);
        CHECK_INT(receive(rx, OPEN, &rekey->pkts[kind][0]), 0);
        CHECK_INT(receive(stranger, OPEN, &rekey->pkts[kind][0]), kind == KEEP ? GH_EAUTH : 0);
        gh_srtp_rx_free(rx);
        gh_srtp_rx_free(stranger);
    }
}

/* ---- sending --------------------------------------------------------------------------------------- */

static void seal(struct gh_srtp_tx *tx, const struct pkt *pkt)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len = pkt->plain_len;

    memcpy(p, pkt->plain, len);
    CHECK_INT(gh_srtp_tx_seal_rtp(tx, 1, p, &len), 0);
    CHECK_INT(len, pkt->sealed_len);
    CHECK(memcmp(p, pkt->sealed, len) == 0);
}

/* @return the index of SRTCP that was used */
static uint32_t seal_report(struct gh_srtp_tx *tx, const struct rekey *rekey)
{
    const struct gh_suite_info *info = gh_suite_info(rekey->suite);
    uint8_t p[PKT_MAX] __attribute__((aligned(8))) = { 0x80, 201, 0, 1 };
    size_t len = 8;

    memcpy(p + 4, rekey->pkts[OLD][0].plain + 8, 4);
    CHECK_INT(gh_srtp_tx_seal_rtcp(tx, 1, p, &len, NULL), 0);
    return gh_get32(p + len - 4 - (info->aead ? 0 : info->rtcp_tag_len)) & 0x7fffffff;
}

static void a_sender_goes_on_or_starts_anew(const struct rekey *rekey)
{
    for (int i = 0; i < 4; i++) {
        enum kind kind = i % 2 ? KEEP : RESET;
        struct gh_srtp_tx *old = NULL, *tx = NULL;

        CHECK_INT(gh_srtp_tx_new(&old, rekey->suite, &rekey->keys[0]), 0);
        CHECK_INT(gh_srtp_tx_new(&tx, rekey->suite, &rekey->keys[1]), 0);
        for (size_t k = 0; k < rekey->count[OLD]; k++)
            seal(old, &rekey->pkts[OLD][k]);
        if (kind == KEEP)
            gh_srtp_tx_continue(tx, old);
        gh_srtp_tx_free(old);
        if (i / 2) /* SRTCP first: its index goes on when RTP comes, else its keystream came twice */
            CHECK_INT(seal_report(tx, rekey), 1);
        for (size_t k = 0; k < rekey->count[kind]; k++)
            seal(tx, &rekey->pkts[kind][k]);
        CHECK_INT(seal_report(tx, rekey), 1 + i / 2);
        gh_srtp_tx_free(tx);
    }
}

/* A source that had a fresh SSRC under the old key has the same one under the new key. */
static void names_go_on(const struct rekey *rekey)
{
    struct gh_srtp_tx *old = NULL, *tx = NULL;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    uint32_t names[4];

    CHECK_INT(gh_srtp_tx_new(&old, rekey->suite, &rekey->keys[0]), 0);
    CHECK_INT(gh_srtp_tx_new(&tx, rekey->suite, &rekey->keys[1]), 0);
    seal(old, &rekey->pkts[OLD][0]);
    for (uint16_t i = 0; i < 4; i++) {
        size_t len = rekey->pkts[OLD][0].plain_len;

        if (i == 2)
            gh_srtp_tx_continue(tx, old);
        memcpy(p, rekey->pkts[OLD][0].plain, len);
        p[3] = (uint8_t)(p[3] + i);
        CHECK_INT(gh_srtp_tx_seal_rtp(i < 2 ? old : tx, i < 3 ? 2 : 3, p, &len), 0);
        names[i] = gh_get32(p + 8);
    }
    CHECK(names[0] != 0x1C2B3A44);
    CHECK_INT(names[1], names[0]);
    CHECK_INT(names[2], names[0]);
    CHECK(names[3] != names[0] && names[3] != 0x1C2B3A44); /* another origin */
    gh_srtp_tx_free(old);
    gh_srtp_tx_free(tx);
}

static void receiving_takes_either(void)
{
    each_rekey(first_packet_decides);
    each_rekey(an_unused_key_hands_on);
}

static void sending_does_as_told(void)
{
    each_rekey(a_sender_goes_on_or_starts_anew);
    each_rekey(names_go_on);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(receiving_takes_either);
    RUN(sending_does_as_told);
    return CHECK_REPORT();
}
