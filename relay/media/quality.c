/* SPDX-License-Identifier: Apache-2.0 */
#include "media/quality.h"

#include <stdlib.h>
#include <string.h>

#include "media/packet.h"
#include "media/rtcp.h"

/* RFC 3550 appendix A.1. */
#define DROPOUT_MAX 3000 /* packets that may be missing at once; beyond, the source began anew */
#define MISORDER_MAX 100
#define NO_JUMP 0x10000u

#define JITTER_STEP_S 1          /* a step in time beyond it is another clock, not jitter */
#define JITTER_MAX_S 10          /* that a report may claim */
#define CLOCK_MAX_HZ 192000      /* of audio and video; for reports on a clock that is not known */
#define RTT_MAX_US 60000000      /* and that may come back */
#define RTT_SLACK_US 2000        /* what a clock's steps may make of a round trip of nothing */

#define OTHERS ((size_t)GH_QUALITY_SOURCES_MAX - 1)

static size_t others_count(const struct gh_quality *quality)
{
    return quality->others ? OTHERS : 0;
}

/* ---- payload types -------------------------------------------------------------------------- */

/* RFC 3551 section 6. */
static const struct gh_media_payload static_types[] = {
    { 0, GH_CODEC_PCMU, 8000 },   { 3, GH_CODEC_VOICE, 8000 },   { 4, GH_CODEC_G723, 8000 },
    { 5, GH_CODEC_VOICE, 8000 },  { 6, GH_CODEC_VOICE, 16000 },  { 7, GH_CODEC_VOICE, 8000 },
    { 8, GH_CODEC_PCMA, 8000 },   { 9, GH_CODEC_G722, 8000 },    { 10, GH_CODEC_VOICE, 44100 },
    { 11, GH_CODEC_VOICE, 44100 }, { 12, GH_CODEC_VOICE, 8000 }, { 13, GH_CODEC_EVENT, 8000 },
    { 14, GH_CODEC_VOICE, 90000 }, { 15, GH_CODEC_VOICE, 8000 }, { 16, GH_CODEC_VOICE, 11025 },
    { 17, GH_CODEC_VOICE, 22050 }, { 18, GH_CODEC_G729, 8000 },  { 25, GH_CODEC_VIDEO, 90000 },
    { 26, GH_CODEC_VIDEO, 90000 }, { 28, GH_CODEC_VIDEO, 90000 }, { 31, GH_CODEC_VIDEO, 90000 },
    { 32, GH_CODEC_VIDEO, 90000 }, { 33, GH_CODEC_VIDEO, 90000 }, { 34, GH_CODEC_VIDEO, 90000 },
};

static const struct gh_media_payload *find_type(const struct gh_media_payload *types, size_t count,
                                                uint8_t type)
{
    for (size_t i = 0; i < count; i++) {
        if (types[i].type == type)
            return &types[i];
    }
    return NULL;
}

static uint32_t jitter_us(const struct gh_quality_source *source, uint32_t jitter)
{
    return source->clock_hz ? (uint32_t)((uint64_t)(jitter >> 4) * 1000000 / source->clock_hz) : 0;
}

/* Divisions are for here, not for each packet. */
static void show_worst_jitter(struct gh_quality *quality, const struct gh_quality_source *source)
{
    uint32_t worst_us = jitter_us(source, source->jitter_worst);

    if (worst_us > quality->now.measured.jitter_worst_us)
        quality->now.measured.jitter_worst_us = worst_us;
}

/* Called when a source changes its payload type, not for each packet. */
static void heed_type(struct gh_quality *quality, struct gh_quality_source *source, uint8_t type)
{
    const struct gh_media_payload *payload =
        find_type(quality->payloads, quality->payload_count, type);
    struct gh_quality_source before = *source;

    if (!payload)
        payload = find_type(static_types, sizeof(static_types) / sizeof(static_types[0]), type);
    source->type = type;
    source->codec = payload ? payload->codec : (uint8_t)GH_CODEC_UNKNOWN;
    source->clock_hz = payload ? payload->clock_hz : 0;
    if (source->codec == GH_CODEC_EVENT) {
        source->clock_hz = before.clock_hz; /* nothing is measured by it, the voice goes on after */
        return;
    }
    if (source->clock_hz != before.clock_hz) {
        show_worst_jitter(quality, &before);
        source->timed = false;
        source->jitter = source->jitter_worst = 0;
    }
    quality->now.measured.codec = (enum gh_codec)source->codec;
    quality->now.measured.clock_hz = source->clock_hz;
}

void gh_quality_name(struct gh_quality *quality, const struct gh_media_payload *payloads,
                     size_t count)
{
    quality->payload_count =
        (uint8_t)(count < GH_MEDIA_PAYLOADS_MAX ? count : GH_MEDIA_PAYLOADS_MAX);
    memcpy(quality->payloads, payloads, quality->payload_count * sizeof(*payloads));
    /* The newest one last: it is what measured.codec names. */
    for (size_t i = others_count(quality); i-- > 0;) {
        if (quality->others[i].used)
            heed_type(quality, &quality->others[i], quality->others[i].type);
    }
    if (quality->newest.used)
        heed_type(quality, &quality->newest, quality->newest.type);
}

void gh_quality_fini(struct gh_quality *quality)
{
    free(quality->others);
    quality->others = NULL;
}

/* ---- what the side sends -------------------------------------------------------------------- */

static uint64_t expected_of(const struct gh_quality_source *source)
{
    return source->used ? source->highest - source->base + 1 : 0;
}

static uint64_t lost_of(const struct gh_quality_source *source)
{
    uint64_t expected = expected_of(source);

    return expected > source->received ? expected - source->received : 0;
}

/* Its figures go into the sums of those that are gone. */
static void let_go(struct gh_quality *quality, const struct gh_quality_source *source)
{
    show_worst_jitter(quality, source);
    quality->gone_expected += expected_of(source);
    quality->gone_received += source->received;
    quality->gone_lost += lost_of(source);
}

static void begin(struct gh_quality *quality, struct gh_quality_source *source, uint16_t seq)
{
    source->base = source->highest = seq;
    source->received = 0;
    source->next_seq = NO_JUMP;
    source->timed = false;
    source->jitter = source->jitter_worst = 0;
    quality->now.measured.sources++;
}

/* Another source than the one before.  Without memory for a second one the first goes. */
static void change_source(struct gh_quality *quality, uint32_t ssrc, uint16_t seq, uint8_t type)
{
    struct gh_quality_source newest = { .ssrc = ssrc, .used = true }, *others;
    size_t i = 0, room;
    bool known;

    if (quality->newest.used && !quality->others)
        quality->others = calloc(OTHERS, sizeof(*quality->others));
    others = quality->others;
    room = others_count(quality);
    while (i < room && others[i].used && others[i].ssrc != ssrc)
        i++;
    known = i < room && others[i].used;
    if (known) {
        newest = others[i];
        newest.was_sent = false;
    } else if (i == room) {
        i -= room != 0;
        let_go(quality, room ? &others[i] : &quality->newest);
    }
    if (room) {
        memmove(&others[1], &others[0], i * sizeof(others[0]));
        others[0] = quality->newest;
    }
    quality->newest = newest;
    if (known)
        return;
    begin(quality, &quality->newest, seq);
    heed_type(quality, &quality->newest, type);
}

/* Appendix A.1.  @return false: a packet far away, which may be a stray one */
static bool follow(struct gh_quality *quality, struct gh_quality_source *source, uint16_t seq)
{
    uint16_t ahead = (uint16_t)(seq - (uint16_t)source->highest);

    if (ahead < DROPOUT_MAX) {
        source->highest += ahead;
        source->next_seq = NO_JUMP;
    } else if (ahead <= NO_JUMP - MISORDER_MAX) {
        if (seq != source->next_seq) {
            source->next_seq = (uint16_t)(seq + 1);
            return false;
        }
        let_go(quality, source); /* two in a row: it began anew */
        begin(quality, source, seq);
    }
    source->received++;
    return true;
}

/* Appendix A.8. */
static void time_it(struct gh_quality_source *source, uint32_t timestamp, uint64_t now_us)
{
    uint32_t clock_hz = source->clock_hz;
    uint32_t transit =
        (uint32_t)(now_us / 1000000 * clock_hz + now_us % 1000000 * clock_hz / 1000000) - timestamp;
    uint32_t step = transit - source->transit;
    bool timed = source->timed;

    /* Packets of one moment (a video frame, an event) were not meant to come apart. */
    if (timed && timestamp == source->timestamp)
        return;
    source->timed = true;
    source->transit = transit;
    source->timestamp = timestamp;
    if (step > INT32_MAX)
        step = -step;
    if (!timed || step > JITTER_STEP_S * clock_hz)
        return;
    source->jitter += step - ((source->jitter + 8) >> 4);
    if (source->jitter > source->jitter_worst)
        source->jitter_worst = source->jitter;
}

void gh_quality_rtp(struct gh_quality *quality, const uint8_t *p, uint64_t now_us)
{
    uint8_t type = p[1] & 0x7f;
    struct gh_quality_source *source = &quality->newest;

    if (!source->used || source->ssrc != gh_get32(p + 8))
        change_source(quality, gh_get32(p + 8), gh_get16(p + 2), type);
    if (!follow(quality, source, gh_get16(p + 2))) {
        quality->stray_pkts++;
        return;
    }
    if (type != source->type)
        heed_type(quality, source, type);
    if (source->clock_hz && source->codec != GH_CODEC_EVENT)
        time_it(source, gh_get32(p + 4), now_us);
}

uint64_t gh_quality_arrived(const struct gh_quality *quality)
{
    return quality->now.measured.received_pkts + quality->stray_pkts;
}

/* ---- what is sent to the side, and what it says of that ------------------------------------- */

static struct gh_quality_sent *find_sent(struct gh_quality *quality, uint32_t ssrc)
{
    for (unsigned i = 0; i < GH_QUALITY_SOURCES_MAX; i++) {
        if (quality->sent[i].used && quality->sent[i].ssrc == ssrc)
            return &quality->sent[i];
    }
    return NULL;
}

void gh_quality_sent(struct gh_quality *quality, uint32_t ssrc)
{
    struct gh_quality_sent *sent = quality->sent, newest = { .used = true, .ssrc = ssrc };
    unsigned i = 0;

    while (i < GH_QUALITY_SOURCES_MAX - 1 && sent[i].used && sent[i].ssrc != ssrc)
        i++;
    if (sent[i].used && sent[i].ssrc == ssrc)
        newest = sent[i];
    else
        quality->gone_reported += sent[i].reported_lost;
    memmove(&sent[1], &sent[0], i * sizeof(sent[0]));
    sent[0] = newest;
}

void gh_quality_passed(struct gh_quality *from, struct gh_quality *to, uint32_t ssrc)
{
    struct gh_quality_source *source = &from->newest;

    if (source->was_sent && source->sent_as == ssrc)
        return;
    source->was_sent = true;
    source->sent_as = ssrc;
    gh_quality_sent(to, ssrc);
}

static uint64_t expected_in_all(const struct gh_quality *quality)
{
    uint64_t sum = quality->gone_expected + expected_of(&quality->newest);

    for (size_t i = 0; i < others_count(quality); i++)
        sum += expected_of(&quality->others[i]);
    return sum;
}

/* The round trip that a block tells of (RFC 3550 section 6.4.1).  @return false: it cannot be */
static bool round_trip(const struct gh_quality *quality, const struct gh_rtcp_block *block,
                       uint64_t now_us, uint64_t *rtt_us)
{
    uint64_t held_us = (uint64_t)block->dlsr * 1000000 >> 16;

    *rtt_us = UINT64_MAX; /* none */
    for (unsigned i = 0; block->lsr && i < GH_QUALITY_REPORTS_MAX; i++) {
        uint64_t sent_us = quality->reports[i].sent_us;

        if (!sent_us || quality->reports[i].ntp_middle != block->lsr)
            continue;
        if (now_us + RTT_SLACK_US < sent_us + held_us)
            return false;
        *rtt_us = now_us > sent_us + held_us ? now_us - sent_us - held_us : 0;
        return *rtt_us <= RTT_MAX_US;
    }
    return true;
}

static void note_worst(uint32_t *last, uint32_t *worst, uint32_t value)
{
    *last = value;
    if (value > *worst)
        *worst = value;
}

static void take_block(struct gh_quality *quality, const struct gh_quality *far,
                       const struct gh_rtcp_block *block, uint64_t now_us)
{
    struct gh_quality_sent *sent = find_sent(quality, block->ssrc);
    uint32_t clock_hz = far->now.measured.clock_hz;
    uint32_t lost = block->lost > 0 ? (uint32_t)block->lost : 0;
    uint64_t rtt_us;

    if (!sent) {
        quality->now.reported.unknown_ssrc++;
        return;
    }
    if (lost > expected_in_all(far) ||
        block->jitter > JITTER_MAX_S * (clock_hz ? clock_hz : CLOCK_MAX_HZ) ||
        !round_trip(quality, block, now_us, &rtt_us)) {
        quality->now.reported.implausible++;
        return;
    }
    sent->reported_lost = lost;
    quality->now.reported.blocks++;
    quality->now.reported.clock_hz = clock_hz;
    note_worst(&quality->now.reported.fraction_last, &quality->now.reported.fraction_worst,
               block->fraction);
    note_worst(&quality->now.reported.jitter_last, &quality->now.reported.jitter_worst,
               block->jitter);
    if (rtt_us != UINT64_MAX) {
        note_worst(&quality->now.reported.rtt_last_us, &quality->now.reported.rtt_worst_us,
                   (uint32_t)rtt_us);
        quality->now.reported.rtt_sum_us += rtt_us;
        quality->now.reported.rtt_count++;
    }
}

void gh_quality_rtcp(struct gh_quality *quality, const struct gh_quality *far, const uint8_t *p,
                     size_t len, uint64_t now_us, uint32_t *ntp_middle)
{
    struct gh_rtcp_reader reader;
    struct gh_rtcp_part part;
    struct gh_rtcp_block block;
    bool has_report = false;

    gh_rtcp_read(&reader, p, len);
    while (gh_rtcp_next(&reader, &part)) {
        for (unsigned i = 0; gh_rtcp_block(&part, i, &block); i++)
            take_block(quality, far, &block, now_us);
        if (part.kind == GH_RTCP_BYE)
            quality->now.reported.goodbyes += part.count;
        if (part.kind == GH_RTCP_SR && !has_report) {
            has_report = true;
            *ntp_middle = part.ntp_middle;
        }
    }
    quality->now.reported.malformed_pkts += reader.broken;
}

void gh_quality_report_sent(struct gh_quality *quality, uint32_t ntp_middle, uint64_t now_us)
{
    if (ntp_middle == 0)
        return; /* an LSR of 0 says that there was none */
    quality->reports[quality->next_report].ntp_middle = ntp_middle;
    quality->reports[quality->next_report].sent_us = now_us;
    quality->next_report = (quality->next_report + 1) % GH_QUALITY_REPORTS_MAX;
}

/* ---- sums ----------------------------------------------------------------------------------- */

/* @return whether it has its packets and only time is missing */
static bool end_interval(struct gh_quality *quality, uint64_t now_ms)
{
    uint64_t expected = quality->now.measured.expected_pkts - quality->interval_expected;
    uint64_t lost = quality->now.measured.lost_pkts, before = quality->interval_lost;

    if (quality->interval_until_ms == 0)
        quality->interval_until_ms = now_ms + GH_QUALITY_INTERVAL_MS;
    if (expected < GH_QUALITY_INTERVAL_PKTS)
        return false;
    if (now_ms < quality->interval_until_ms)
        return true;
    lost = lost > before ? lost - before : 0;
    note_worst(&quality->now.measured.loss_last_ppm, &quality->now.measured.loss_worst_ppm,
               (uint32_t)(lost * 1000000 / expected));
    quality->interval_expected += expected;
    quality->interval_lost = quality->now.measured.lost_pkts;
    quality->interval_until_ms = now_ms + GH_QUALITY_INTERVAL_MS;
    return false;
}

bool gh_quality_sum(struct gh_quality *quality, uint64_t now_ms)
{
    uint64_t received = quality->gone_received, lost = quality->gone_lost;
    uint64_t reported = quality->gone_reported;

    for (size_t i = 0; i <= others_count(quality); i++) {
        const struct gh_quality_source *source =
            i ? &quality->others[i - 1] : &quality->newest;

        show_worst_jitter(quality, source);
        received += source->received;
        lost += lost_of(source);
    }
    for (size_t i = 0; i < GH_QUALITY_SOURCES_MAX; i++)
        reported += quality->sent[i].reported_lost;
    quality->now.measured.expected_pkts = expected_in_all(quality);
    quality->now.measured.received_pkts = received;
    quality->now.measured.lost_pkts = lost;
    quality->now.measured.jitter_us =
        jitter_us(&quality->newest, quality->newest.jitter);
    quality->now.reported.lost_pkts = reported;
    return end_interval(quality, now_ms);
}
