/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of the worker per forwarded packet: STREAMS streams, each a packet of 160 octets from side a to side b in
 * each round, one worker, loopback.  Not a test.  The sender's own work is on another thread and not counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "crypto/srtp_ciphers.h"
#include "media/media_int.h"

#define STREAMS 100
#define ROUNDS 500

struct call {
    gh_stream_id id;
    int near, far;
    struct sockaddr_storage port;
    socklen_t port_len;
    struct gh_srtp_tx *tx;
};

static struct gh_secret key_of(enum gh_suite suite, uint8_t seed)
{
    struct gh_secret key = { .len = (uint8_t)gh_suite_key_salt_len(suite) };

    memset(key.octets, seed, key.len);
    return key;
}

static int udp_socket(struct gh_addr *addr)
{
    struct sockaddr_storage ss;
    socklen_t len;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 1 << 20;

    *addr = (struct gh_addr){ .family = 4, .ip = { 127, 0, 0, 1 } };
    len = gh_addr_to_sockaddr(addr, &ss);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (fd < 0 || bind(fd, (struct sockaddr *)&ss, len) || getsockname(fd, (struct sockaddr *)&ss, &len)) {
        perror("socket");
        exit(1);
    }
    *addr = gh_addr_from_sockaddr((struct sockaddr *)&ss);
    return fd;
}

static void on_closed(void *arg, gh_stream_id stream, const struct gh_media_counters counters[2])
{
    (void)stream;
    (void)counters;
    --*(int *)arg;
}

static void on_event(void *arg, const struct gh_media_event *event)
{
    (void)arg;
    (void)event;
}

/* All threads but this one: there is one worker. */
static double worker_us(void)
{
    struct timespec all, own;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &all);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
    return (double)(all.tv_sec - own.tv_sec) * 1e6 + (double)(all.tv_nsec - own.tv_nsec) / 1e3;
}

static void open_call(struct gh_media *media, struct call *call, enum gh_path path, enum gh_suite a, enum gh_suite b)
{
    enum gh_suite suite[2] = { a, b };
    struct gh_media_open open = { 0 };
    struct gh_media_set sets[2];
    struct gh_addr addr[2], port = { .family = 4, .ip = { 127, 0, 0, 1 } };
    uint16_t ports[2];

    call->near = udp_socket(&addr[0]);
    call->far = udp_socket(&addr[1]);
    if (gh_media_open(media, &open, &call->id, ports))
        exit(1);
    for (int s = 0; s < 2; s++) {
        sets[s] = (struct gh_media_set){ .stream = call->id, .side = s, .generation = 1, .remote_rtp = addr[s],
                                         .rtcp_mux = true, .may_send = true, .may_receive = true, .path = path,
                                         .suite = suite[s] };
        if (suite[s]) {
            sets[s].rx_key = key_of(suite[s], (uint8_t)(1 + s));
            sets[s].tx_key = key_of(suite[s], (uint8_t)(path == GH_PATH_PASS ? 2 - s : 3 + s));
        }
    }
    call->tx = NULL;
    if (a && gh_srtp_tx_new(&call->tx, a, &sets[0].rx_key))
        exit(1);
    if (gh_media_set_both(media, sets))
        exit(1);
    port.port = ports[0];
    call->port_len = gh_addr_to_sockaddr(&port, &call->port);
}

static void measure(const char *name, enum gh_path path, enum gh_suite a, enum gh_suite b)
{
    struct gh_media_config config = { .address = { .family = 4, .ip = { 127, 0, 0, 1 } }, .port_first = 44000,
                                      .port_last = 45999, .workers = 1 };
    int open_count = STREAMS;
    struct gh_media_handlers handlers = { &open_count, on_event, on_closed };
    static struct call calls[STREAMS];
    struct gh_media *media;
    struct gh_media_counters counters[2];
    long forwarded = 0;
    double start;
    uv_loop_t loop;

    uv_loop_init(&loop);
    if (gh_media_start(&media, &loop, &config, &handlers))
        exit(1);
    for (int i = 0; i < STREAMS; i++)
        open_call(media, &calls[i], path, a, b);
    start = worker_us();
    for (uint16_t round = 0; round < ROUNDS; round++) {
        uint64_t done;

        for (int i = 0; i < STREAMS; i++) {
            uint8_t p[256] __attribute__((aligned(8))) = { 0x80, 0, (uint8_t)(round >> 8), (uint8_t)round, [11] = 9 };
            size_t len = 172;

            if (calls[i].tx)
                gh_srtp_tx_seal_rtp(calls[i].tx, 1, p, &len);
            sendto(calls[i].near, p, len, 0, (struct sockaddr *)&calls[i].port, calls[i].port_len);
        }
        do { /* the round is over when the last stream has all */
            gh_media_counters(media, calls[STREAMS - 1].id, counters);
            done = counters[0].rx_pkts;
        } while (done < round + 1U);
        for (int i = 0; i < STREAMS; i++) {
            uint8_t p[256];

            while (recv(calls[i].far, p, sizeof(p), 0) > 0)
                ;
        }
    }
    for (int i = 0; i < STREAMS; i++) {
        gh_media_counters(media, calls[i].id, counters);
        forwarded += (long)counters[1].tx_pkts;
    }
    printf("%-48s %.2f us (%ld of %d packets)\n", name, (worker_us() - start) / (double)forwarded, forwarded,
           STREAMS * ROUNDS);
    for (int i = 0; i < STREAMS; i++) {
        gh_media_close(media, calls[i].id);
        gh_srtp_tx_free(calls[i].tx);
        close(calls[i].near);
        close(calls[i].far);
    }
    while (open_count)
        uv_run(&loop, UV_RUN_ONCE);
    gh_media_stop(media);
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_media_free(media);
    uv_loop_close(&loop);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    measure("RTP to RTP", GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    measure("SRTP AES_CM_128_HMAC_SHA1_80 to RTP", GH_PATH_BRIDGE, GH_AES_CM_128_HMAC_SHA1_80, GH_SUITE_NONE);
    measure("SRTP pass, AES_CM_128_HMAC_SHA1_80", GH_PATH_PASS, GH_AES_CM_128_HMAC_SHA1_80,
            GH_AES_CM_128_HMAC_SHA1_80);
    measure("SRTP pass, AEAD_AES_256_GCM", GH_PATH_PASS, GH_AEAD_AES_256_GCM, GH_AEAD_AES_256_GCM);
    measure("SRTP bridge, AES_CM_128 _80 to AEAD_AES_256_GCM", GH_PATH_BRIDGE, GH_AES_CM_128_HMAC_SHA1_80,
            GH_AEAD_AES_256_GCM);
    return 0;
}
