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
#define STAMP_LEN   13 /* number, phase, time */
#define FILL        0xd5 /* silence in A-law: what the rest of a payload must be after decryption */
#define SOCKET_BUFFER 262144
#define SLOTS_AT_ONCE 4 /* who is late does not neglect what arrives */

/* Delays in classes of 10 us; the last one holds all above. */
#define DELAY_STEP_US 10
#define DELAY_CLASSES 20000

struct counts {
    uint32_t sent, received;
    int side;
};

struct gh_gen_media {
    int epoll_fd;
    uint32_t streams, streams_max;
    TAILQ_HEAD(, gh_gen_stream) slots[GH_GEN_PACKET_MS], closed;
    uint64_t served_ms; /* all slots up to it */
    uint8_t fill[PAYLOAD_LEN];
    struct counts *counts; /* by number of the sending stream; outlives it */
    uint64_t refused, auth_failed, garbled, late_max_us, delay_max_us, last_us;
    uint64_t delays[DELAY_CLASSES];
};

uint64_t gh_gen_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct gh_gen_media *gh_gen_media_new(int epoll_fd, uint32_t streams_max)
{
    struct gh_gen_media *media = calloc(1, sizeof(*media));

    if (!media)
        return NULL;
    media->counts = calloc(streams_max, sizeof(*media->counts));
    media->epoll_fd = epoll_fd;
    media->streams_max = streams_max;
    memset(media->fill, FILL, sizeof(media->fill));
    for (int i = 0; i < GH_GEN_PACKET_MS; i++)
        TAILQ_INIT(&media->slots[i]);
    TAILQ_INIT(&media->closed);
    if (!media->counts) {
        free(media);
        media = NULL;
    }
    return media;
}

void gh_gen_media_free(struct gh_gen_media *media)
{
    if (media)
        free(media->counts);
    free(media);
}

/* ---- streams ---------------------------------------------------------------------------------------------- */

static bool open_socket(struct gh_gen_media *media, struct gh_gen_stream *stream, struct in_addr local)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = local };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = stream };
    socklen_t len = sizeof(address);
    const int buffer = SOCKET_BUFFER;

    stream->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0 || bind(stream->fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(stream->fd, (struct sockaddr *)&address, &len) != 0)
        return false;
    setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    stream->port = ntohs(address.sin_port);
    return epoll_ctl(media->epoll_fd, EPOLL_CTL_ADD, stream->fd, &event) == 0;
}

struct gh_gen_stream *gh_gen_stream_new(struct gh_gen_media *media, int side, struct in_addr local)
{
    struct gh_gen_stream *stream = calloc(1, sizeof(*stream));
    uint32_t random[3];

    if (!stream)
        return NULL;
    stream->kind = GH_GEN_STREAM;
    stream->fd = stream->slot = -1;
    stream->side = side;
    if (media->streams == media->streams_max || !open_socket(media, stream, local) ||
        RAND_bytes(stream->tx_key, sizeof(stream->tx_key)) != 1 ||
        RAND_bytes((uint8_t *)random, sizeof(random)) != 1 || !(stream->tx = gh_gen_srtp_new(stream->tx_key))) {
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

bool gh_gen_stream_join(struct gh_gen_stream *stream, struct sockaddr_in remote, const uint8_t rx_key[GH_GEN_KEY_LEN])
{
    if (stream->rx)
        return true;
    stream->rx = gh_gen_srtp_new(rx_key);
    return stream->rx && connect(stream->fd, (struct sockaddr *)&remote, sizeof(remote)) == 0;
}

void gh_gen_stream_talk(struct gh_gen_media *media, struct gh_gen_stream *stream, uint64_t until_us)
{
    if (stream->slot >= 0)
        return;
    stream->until_us = until_us;
    stream->slot = (int)(gh_gen_now_us() / 1000 % GH_GEN_PACKET_MS);
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
    uint8_t packet[HEADER_LEN + PAYLOAD_LEN + GH_GEN_TAG_LEN] = { 0x80, 8 /* PCMA */ };
    uint64_t now_us = gh_gen_now_us();
    size_t len = HEADER_LEN + PAYLOAD_LEN;

    packet[2] = (uint8_t)(stream->index >> 8);
    packet[3] = (uint8_t)stream->index;
    put32(packet + 4, stream->ts);
    put32(packet + 8, stream->ssrc);
    memcpy(packet + HEADER_LEN, media->fill, PAYLOAD_LEN);
    put32(packet + HEADER_LEN, stream->number);
    packet[HEADER_LEN + 4] = (uint8_t)phase;
    memcpy(packet + HEADER_LEN + 5, &now_us, sizeof(now_us));
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
        TAILQ_FOREACH(stream, &media->slots[media->served_ms % GH_GEN_PACKET_MS], link) {
            if (phase != GH_GEN_LINGERING && now_us < stream->until_us)
                send_packet(media, stream, phase);
        }
    }
    return media->served_ms >= now_ms;
}

static void take_packet(struct gh_gen_media *media, struct gh_gen_stream *stream, uint8_t *packet, size_t len)
{
    const uint8_t *payload = packet + HEADER_LEN;
    uint64_t sent_us, delay_us;
    uint32_t number;

    if (!stream->rx || !gh_gen_srtp_unprotect(stream->rx, packet, len)) {
        media->auth_failed++;
        return;
    }
    memcpy(&number, payload, sizeof(number));
    number = ntohl(number);
    memcpy(&sent_us, payload + 5, sizeof(sent_us));
    if (len != HEADER_LEN + PAYLOAD_LEN + GH_GEN_TAG_LEN || number >= media->streams ||
        memcmp(payload + STAMP_LEN, media->fill, PAYLOAD_LEN - STAMP_LEN) != 0) {
        media->garbled++;
        return;
    }
    if (payload[4] != GH_GEN_MEASURED)
        return;
    media->counts[number].received++;
    media->last_us = gh_gen_now_us();
    delay_us = media->last_us - sent_us;
    media->delays[delay_us / DELAY_STEP_US < DELAY_CLASSES ? delay_us / DELAY_STEP_US : DELAY_CLASSES - 1]++;
    if (delay_us > media->delay_max_us)
        media->delay_max_us = delay_us;
}

void gh_gen_stream_readable(struct gh_gen_media *media, struct gh_gen_stream *stream)
{
    uint8_t packet[2048];
    ssize_t n = recv(stream->fd, packet, sizeof(packet), 0);

    /* One at a time: epoll tells of the next one, and no stream keeps the others waiting. */
    if (n >= 0)
        take_packet(media, stream, packet, (size_t)n);
}

/* ---- results ---------------------------------------------------------------------------------------------- */

static double delay_us_at(const struct gh_gen_media *media, uint64_t total, double part)
{
    uint64_t seen = 0;

    for (int i = 0; i < DELAY_CLASSES; i++) {
        seen += media->delays[i];
        if (seen && (double)seen >= (double)total * part)
            return (i + 1) * DELAY_STEP_US;
    }
    return 0;
}

uint64_t gh_gen_media_last_us(const struct gh_gen_media *media)
{
    return media->last_us;
}

struct gh_gen_media_totals gh_gen_media_totals(const struct gh_gen_media *media)
{
    struct gh_gen_media_totals out = { .refused = media->refused, .auth_failed = media->auth_failed,
                                       .garbled = media->garbled, .late_max_ms = (double)media->late_max_us / 1e3 };
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
