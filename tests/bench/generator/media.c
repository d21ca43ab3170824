/* SPDX-License-Identifier: Apache-2.0 */
#include "media.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#define HEADER_LEN  12
#define PAYLOAD_LEN 160
#define STAMP_LEN   21 /* number, phase, index, time */
#define FILL        0xd5 /* silence in A-law: what the rest of a payload must be after decryption */
#define SOCKET_BUFFER 262144
#define SLOTS_AT_ONCE 4 /* who is late does not neglect what arrives */

/* Delays in classes of a microsecond; the last one holds all above. */
#define DELAY_CLASSES 200000

struct counts {
    uint32_t sent, received;
    int side;
    uint32_t heard;      /* who hears it, plus one; 0: nobody yet */
    uint64_t next_index; /* above all that was received */
};

TAILQ_HEAD(slot, gh_gen_stream);

struct gh_gen_media {
    int epoll_fd;
    uint32_t streams, streams_max;
    unsigned packet_ms;
    struct slot *slots, closed; /* packet_ms of them */
    uint64_t served_ms; /* all slots up to it */
    uint8_t fill[PAYLOAD_LEN];
    struct counts *counts; /* by number of the sending stream; outlives it */
    uint64_t received, refused, auth_failed, garbled, disordered, crossed, late_max_us, delay_max_us, last_us;
    uint32_t delays[DELAY_CLASSES];
};

uint64_t gh_gen_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Of the clock that the kernel stamps packets with. */
static uint64_t wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct gh_gen_media *gh_gen_media_new(int epoll_fd, uint32_t streams_max, unsigned packet_ms)
{
    struct gh_gen_media *media = calloc(1, sizeof(*media));

    if (!media)
        return NULL;
    media->counts = calloc(streams_max, sizeof(*media->counts));
    media->slots = calloc(packet_ms, sizeof(*media->slots));
    if (!media->counts || !media->slots) {
        gh_gen_media_free(media);
        return NULL;
    }
    media->epoll_fd = epoll_fd;
    media->streams_max = streams_max;
    media->packet_ms = packet_ms;
    memset(media->fill, FILL, sizeof(media->fill));
    for (unsigned i = 0; i < packet_ms; i++)
        TAILQ_INIT(&media->slots[i]);
    TAILQ_INIT(&media->closed);
    return media;
}

void gh_gen_media_free(struct gh_gen_media *media)
{
    if (!media)
        return;
    free(media->counts);
    free(media->slots);
    free(media);
}

/* ---- streams ---------------------------------------------------------------------------------------------- */

static bool open_socket(struct gh_gen_media *media, struct gh_gen_stream *stream, struct in_addr local)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = local };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = stream };
    socklen_t len = sizeof(address);
    const int buffer = SOCKET_BUFFER, on = 1;

    stream->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0 || bind(stream->fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(stream->fd, (struct sockaddr *)&address, &len) != 0)
        return false;
    setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    setsockopt(stream->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    stream->port = ntohs(address.sin_port);
    return epoll_ctl(media->epoll_fd, EPOLL_CTL_ADD, stream->fd, &event) == 0;
}

struct gh_gen_stream *gh_gen_stream_new(struct gh_gen_media *media, int side, struct in_addr local,
                                        enum gh_gen_suite suite)
{
    struct gh_gen_stream *stream = calloc(1, sizeof(*stream));
    uint32_t random[3];

    if (!stream)
        return NULL;
    stream->kind = GH_GEN_STREAM;
    stream->fd = stream->slot = -1;
    stream->side = side;
    stream->suite = suite;
    if (media->streams == media->streams_max || !open_socket(media, stream, local) ||
        RAND_bytes(stream->tx_key, sizeof(stream->tx_key)) != 1 ||
        RAND_bytes((uint8_t *)random, sizeof(random)) != 1 ||
        (suite != GH_GEN_RTP && !(stream->tx = gh_gen_srtp_new(suite, stream->tx_key)))) {
        gh_gen_stream_close(media, stream);
        return NULL;
    }
    stream->number = media->streams++;
    media->counts[stream->number].side = side;
    stream->ssrc = random[0];
    stream->ts = random[1];
    stream->index = random[2] & 0x7fff;
    return stream;
}

bool gh_gen_stream_join(struct gh_gen_stream *stream, struct sockaddr_in remote, const uint8_t *rx_key)
{
    if (stream->joined)
        return true;
    if (stream->suite != GH_GEN_RTP && !(stream->rx = gh_gen_srtp_new(stream->suite, rx_key)))
        return false;
    stream->joined = connect(stream->fd, (struct sockaddr *)&remote, sizeof(remote)) == 0;
    return stream->joined;
}

void gh_gen_stream_talk(struct gh_gen_media *media, struct gh_gen_stream *stream, uint64_t until_us)
{
    if (stream->slot >= 0)
        return;
    stream->until_us = until_us;
    stream->slot = (int)(stream->number % media->packet_ms);
    TAILQ_INSERT_TAIL(&media->slots[stream->slot], stream, link);
}

void gh_gen_stream_close(struct gh_gen_media *media, struct gh_gen_stream *stream)
{
    if (!stream)
        return;
    if (stream->slot >= 0)
        TAILQ_REMOVE(&media->slots[stream->slot], stream, link);
    TAILQ_INSERT_TAIL(&media->closed, stream, link);
}

void gh_gen_media_bury(struct gh_gen_media *media)
{
    struct gh_gen_stream *stream;

    while ((stream = TAILQ_FIRST(&media->closed))) {
        TAILQ_REMOVE(&media->closed, stream, link);
        if (stream->fd >= 0)
            close(stream->fd);
        gh_gen_srtp_free(stream->tx);
        gh_gen_srtp_free(stream->rx);
        free(stream);
    }
}

/* ---- packets ---------------------------------------------------------------------------------------------- */

static void put32(uint8_t *p, uint32_t value)
{
    value = htonl(value);
    memcpy(p, &value, sizeof(value));
}

static void send_packet(struct gh_gen_media *media, struct gh_gen_stream *stream, enum gh_gen_phase phase)
{
    uint8_t packet[HEADER_LEN + PAYLOAD_LEN + GH_GEN_TAG_MAX] = { 0x80, 8 /* PCMA */ }, *payload = packet + HEADER_LEN;
    uint64_t sent_us = wall_us();
    size_t len = HEADER_LEN + PAYLOAD_LEN;

    packet[2] = (uint8_t)(stream->index >> 8);
    packet[3] = (uint8_t)stream->index;
    put32(packet + 4, stream->ts);
    put32(packet + 8, stream->ssrc);
    memcpy(payload, media->fill, PAYLOAD_LEN);
    put32(payload, stream->number);
    payload[4] = (uint8_t)phase;
    memcpy(payload + 5, &stream->index, sizeof(stream->index));
    memcpy(payload + 13, &sent_us, sizeof(sent_us));
    if (stream->tx)
        len = gh_gen_srtp_protect(stream->tx, packet, len, stream->index);
    stream->index++;
    stream->ts += PAYLOAD_LEN;
    if (!len || send(stream->fd, packet, len, 0) != (ssize_t)len)
        media->refused++;
    if (phase == GH_GEN_MEASURED) /* refused or not: it was to be sent */
        media->counts[stream->number].sent++;
}

bool gh_gen_media_tick(struct gh_gen_media *media, uint64_t now_us, enum gh_gen_phase phase)
{
    uint64_t now_ms = now_us / 1000, late_us;

    if (!media->served_ms)
        media->served_ms = now_ms;
    for (int slots = 0; media->served_ms < now_ms && slots < SLOTS_AT_ONCE; slots++) {
        struct gh_gen_stream *stream;

        media->served_ms++;
        late_us = gh_gen_now_us() - media->served_ms * 1000;
        if (phase == GH_GEN_MEASURED && late_us > media->late_max_us)
            media->late_max_us = late_us;
        TAILQ_FOREACH(stream, &media->slots[media->served_ms % media->packet_ms], link) {
            if (phase != GH_GEN_LINGERING && now_us < stream->until_us)
                send_packet(media, stream, phase);
        }
    }
    return media->served_ms >= now_ms;
}

/* Who sent it must be who hears us, the same one from the first packet on. */
static bool is_from_other_end(struct gh_gen_media *media, const struct gh_gen_stream *stream, uint32_t number)
{
    struct counts *from = &media->counts[number];

    if (!from->heard)
        from->heard = stream->number + 1;
    return number != stream->number && from->heard == stream->number + 1 &&
           (!media->counts[stream->number].heard || media->counts[stream->number].heard == number + 1);
}

static void note_delay(struct gh_gen_media *media, uint64_t delay_us)
{
    media->delays[delay_us < DELAY_CLASSES ? delay_us : DELAY_CLASSES - 1]++;
    if (delay_us > media->delay_max_us)
        media->delay_max_us = delay_us;
}

/* @arrived_us  when the kernel had it */
static void take_packet(struct gh_gen_media *media, struct gh_gen_stream *stream, uint8_t *packet, size_t len,
                        uint64_t arrived_us)
{
    const uint8_t *payload = packet + HEADER_LEN;
    uint64_t sent_us, index;
    uint32_t number;

    if (stream->suite != GH_GEN_RTP)
        len = stream->rx ? gh_gen_srtp_unprotect(stream->rx, packet, len) : 0;
    if (!len) {
        media->auth_failed++;
        return;
    }
    if (len != HEADER_LEN + PAYLOAD_LEN) {
        media->garbled++;
        return;
    }
    memcpy(&number, payload, sizeof(number));
    number = ntohl(number);
    memcpy(&index, payload + 5, sizeof(index));
    memcpy(&sent_us, payload + 13, sizeof(sent_us));
    if (number >= media->streams ||
        memcmp(payload + STAMP_LEN, media->fill, PAYLOAD_LEN - STAMP_LEN) != 0) {
        media->garbled++;
        return;
    }
    if (!is_from_other_end(media, stream, number)) {
        media->crossed++;
        return;
    }
    if (payload[4] != GH_GEN_MEASURED)
        return;
    if (index < media->counts[number].next_index) {
        media->disordered++;
        return;
    }
    media->counts[number].next_index = index + 1;
    media->counts[number].received++;
    media->received++;
    media->last_us = gh_gen_now_us();
    note_delay(media, arrived_us > sent_us ? arrived_us - sent_us : 0);
}

void gh_gen_stream_readable(struct gh_gen_media *media, struct gh_gen_stream *stream)
{
    uint8_t packet[2048];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec iov = { packet, sizeof(packet) };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
    ssize_t n = recvmsg(stream->fd, &msg, 0);
    const struct cmsghdr *stamp = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;
    struct timespec arrived = { 0 };

    /* One at a time: epoll tells of the next one, and no stream keeps the others waiting. */
    if (n < 0)
        return;
    if (stamp && stamp->cmsg_level == SOL_SOCKET && stamp->cmsg_type == SCM_TIMESTAMPNS)
        memcpy(&arrived, CMSG_DATA(stamp), sizeof(arrived));
    take_packet(media, stream, packet, (size_t)n,
                (uint64_t)arrived.tv_sec * 1000000 + (uint64_t)arrived.tv_nsec / 1000);
}

/* ---- results ---------------------------------------------------------------------------------------------- */

static double delay_us_at(const struct gh_gen_media *media, uint64_t total, double part)
{
    uint64_t seen = 0;

    for (int i = 0; i < DELAY_CLASSES; i++) {
        seen += media->delays[i];
        if (seen && (double)seen >= (double)total * part)
            return i + 1;
    }
    return 0;
}

uint64_t gh_gen_media_received(const struct gh_gen_media *media)
{
    return media->received;
}

uint64_t gh_gen_media_last_us(const struct gh_gen_media *media)
{
    return media->last_us;
}

struct gh_gen_media_totals gh_gen_media_totals(const struct gh_gen_media *media)
{
    struct gh_gen_media_totals out = { .refused = media->refused, .auth_failed = media->auth_failed,
                                       .garbled = media->garbled, .disordered = media->disordered,
                                       .crossed = media->crossed, .late_max_ms = (double)media->late_max_us / 1e3 };
    uint64_t total;

    for (uint32_t i = 0; i < media->streams; i++) {
        const struct counts *counts = &media->counts[i];

        out.sent[counts->side] += counts->sent;
        out.received[counts->side] += counts->received;
        out.streams_with_loss += counts->sent != counts->received;
    }
    total = out.received[0] + out.received[1];
    out.delay_us_p50 = delay_us_at(media, total, 0.50);
    out.delay_us_p99 = delay_us_at(media, total, 0.99);
    out.delay_us_max = (double)media->delay_max_us;
    return out;
}
