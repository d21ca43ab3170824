/* SPDX-License-Identifier: Apache-2.0 */
#include "support_bare.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

struct bare bare;

/* ---- sets ------------------------------------------------------------------------------------------------ */

struct gh_media_mki bare_mki(uint8_t value)
{
    return (struct gh_media_mki){ 2, { 0xa0, value } };
}

void bare_declare(struct gh_media_set *set, enum gh_suite suite, const uint8_t *seeds)
{
    set->suite = suite;
    set->rx_key = lab_key(suite, seeds[0]);
    set->rx_mki = bare_mki(seeds[0]);
    set->rx_more = NULL;
    if (!seeds[1])
        return;
    set->rx_more = calloc(1, sizeof(*set->rx_more));
    CHECK_OR_STOP(set->rx_more != NULL);
    for (size_t i = 1; seeds[i]; i++)
        set->rx_more->keys[set->rx_more->count++] =
            (struct gh_media_key){ .key = lab_key(suite, seeds[i]), .mki = bare_mki(seeds[i]) };
}

void bare_set(struct gh_media_set *set, uint64_t now_ms)
{
    set->generation = ++bare.generation;
    set->may_send = set->may_receive = true;
    set->rx_lifetime_pkts = bare.lifetimes[set->rx_mki.octets[1]];
    for (size_t i = 0; set->rx_more && i < set->rx_more->count; i++)
        set->rx_more->keys[i].lifetime_pkts = bare.lifetimes[set->rx_more->keys[i].mki.octets[1]];
    gh_side_apply(&bare.stream.sides[set->side], set, now_ms);
    gh_side_link(&bare.stream);
    gh_media_more_free(set->rx_more);
}

void bare_set_a(const uint8_t *seeds, uint64_t now_ms)
{
    struct gh_media_set set = { .side = 0, .path = GH_PATH_BRIDGE };

    bare_declare(&set, bare.suite, seeds);
    set.tx_key = lab_key(bare.suite, OURS);
    bare_set(&set, now_ms);
}

void bare_set_b(uint8_t tx_seed)
{
    struct gh_media_set set = { .side = 1, .path = GH_PATH_BRIDGE, .suite = bare.suite };

    set.rx_key = lab_key(bare.suite, 90);
    set.tx_key = lab_key(bare.suite, tx_seed);
    bare_set(&set, 0);
}

void bare_begin(enum gh_suite suite)
{
    memset(&bare, 0, sizeof(bare));
    bare.worker.own = &bare.own;
    CHECK_INT(gh_mailbox_new_blocking(&bare.worker.outbox), 0);
    bare.stream.worker = &bare.worker;
    for (int s = 0; s < 2; s++) {
        struct gh_side *side = &bare.stream.sides[s];

        side->stream = &bare.stream;
        for (int i = 0; i < GH_PORT_COUNT; i++) {
            side->ports[i].side = side;
            side->ports[i].kind = (uint8_t)i;
            side->ports[i].known_fd = side->ports[i].stranger_fd = -1;
        }
    }
    bare.phone.ssrc = 7;
    bare.suite = suite;
    bare_set_b(OURS + 1);
}

int bare_end(void)
{
    static int told;
    int failures = check_failed_total - told;

    gh_side_fini(&bare.stream.sides[0]);
    gh_side_fini(&bare.stream.sides[1]);
    gh_mailbox_free(bare.worker.outbox);
    gh_srtp_tx_free(bare.phone.tx);
    for (int i = 0; i < 256; i++) {
        gh_srtp_tx_free(bare.reports[i]);
        bare.reports[i] = NULL;
    }
    told = check_failed_total;
    return failures;
}

/* ---- packets --------------------------------------------------------------------------------------------- */

/* The phone goes over to another key; its ROC and numbers go on, as RFC 3711 section 3.2.1 has it. */
static void phone_takes(uint8_t seed)
{
    struct gh_secret key = lab_key(bare.suite, seed);
    struct gh_srtp_tx *tx = NULL;

    if (bare.phone_key == seed)
        return;
    CHECK_INT(gh_srtp_tx_new(&tx, bare.suite, &key), 0);
    if (bare.phone.tx)
        CHECK_INT(gh_srtp_tx_continue(tx, bare.phone.tx), 0);
    gh_srtp_tx_free(bare.phone.tx);
    bare.phone.tx = tx;
    bare.phone_key = seed;
}

void bare_name(struct sealed *packet, bool rtcp, const struct gh_media_mki *mki)
{
    const struct gh_suite_info *info = gh_suite_info(bare.suite);
    size_t behind = info->aead ? 0 : rtcp ? info->rtcp_tag_len : info->tag_len;

    memmove(packet->p + packet->len - behind + mki->len, packet->p + packet->len - behind, behind);
    memcpy(packet->p + packet->len - behind, mki->octets, mki->len);
    packet->len += mki->len;
}

struct sealed bare_seal(uint8_t seed, uint8_t named, bool rtcp)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    struct gh_media_mki mki = bare_mki(named);
    struct sealed packet;

    packet.len = rtcp ? make_rtcp(&bare.phone, p) : make_rtp(&bare.phone, p, 96, 160);
    if (rtcp) {
        struct gh_secret key = lab_key(bare.suite, seed);

        if (!bare.reports[seed])
            CHECK_INT(gh_srtp_tx_new(&bare.reports[seed], bare.suite, &key), 0);
        CHECK_INT(gh_srtp_tx_seal_rtcp(bare.reports[seed], 1, p, &packet.len, NULL), 0);
    } else {
        phone_takes(seed);
        packet.len = phone_seal(&bare.phone, p, packet.len, false);
    }
    memcpy(packet.p, p, packet.len);
    if (named)
        bare_name(&packet, rtcp, &mki);
    return packet;
}

int bare_arrives(const struct sealed *packet, bool rtcp, uint64_t now_ms)
{
    struct gh_media_counters before, after;
    int end_of = -1;

    bare.stream.sides[0].rtcp_mux = rtcp;
    memcpy(bare.worker.packet, packet->p, packet->len);
    gh_counters_read(&bare.stream.sides[0].counters, &before);
    gh_forward(&bare.worker, &bare.stream.sides[0].ports[GH_PORT_RTP], packet->len, NULL, now_ms);
    gh_counters_read(&bare.stream.sides[0].counters, &after);
    for (int i = 0; i < GH_DROP_COUNT; i++) {
        if (after.drops[i] == before.drops[i] + 1)
            end_of = end_of < 0 ? i : GH_DROP_COUNT;
    }
    return end_of == GH_DROP_COUNT ? -1 : end_of;
}

int bare_sends(uint8_t seed, uint64_t now_ms)
{
    struct sealed packet = bare_seal(seed, seed, false);

    return bare_arrives(&packet, false, now_ms);
}

bool bare_is_accepted(int end_of)
{
    return end_of == ACCEPTED || end_of == GH_DROP_SEND_FAILED;
}

int bare_told(enum gh_media_event_kind kind)
{
    int count = 0;

    for (struct gh_msg *msg = gh_mailbox_wait(bare.worker.outbox, 0), *next; msg; msg = next) {
        const struct gh_event_msg *event = (const struct gh_event_msg *)msg;

        next = msg->next;
        count += event->event.kind == kind;
        msg->drop(msg);
    }
    return count;
}
