/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long life in a short time: 40 streams, of which each packet is 64 sequence numbers after the
 * one before, so that a ROC goes by every 1,024 packets; keys change, ports come and go.  Every
 * packet arrives and authenticates at both ends, and the process does not grow: what it has
 * allocated and not freed, and, where no sanitizer keeps what is freed, what is resident.
 *
 *   test_relay_media_long_life         2^13 packets a stream, 8 roll-overs; 2^10 under a sanitizer
 *   test_relay_media_long_life 18      2^18 packets a stream, 256 roll-overs: by hand
 */
#include "support/check.h"

#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include <uv.h>

#include "crypto/srtp_ciphers.h"
#include "media/packet.h"
#include "support_media.h"

#ifdef GH_SANITIZED
/* Of the runtimes of gcc and clang; gcc comes without the header, sanitizer/allocator_interface.h. */
extern size_t __sanitizer_get_current_allocated_bytes(void);
#endif

#define STREAMS 40
#define SEQ_STEP 64
#define REKEYS 200       /* of a stream that changes keys, in all */
#define GROWTH_MAX (2ul << 20)
#define ALLOCATED_MAX (1ul << 20) /* shelves of old keys, which fill up */
#ifdef GH_SANITIZED
#define PACKETS_LOG2 10
#else
#define PACKETS_LOG2 13
#endif

enum habit { PASS, BRIDGE, PASS_REKEYED, BRIDGE_REKEYED_KEPT, HABITS };

static const enum gh_suite suites[HABITS][2] = {
    [PASS] = { GH_AES_CM_128_HMAC_SHA1_80, GH_AES_CM_128_HMAC_SHA1_80 },
    [BRIDGE] = { GH_AES_CM_128_HMAC_SHA1_32, GH_AEAD_AES_256_GCM },
    [PASS_REKEYED] = { GH_AEAD_AES_128_GCM, GH_AEAD_AES_128_GCM },
    [BRIDGE_REKEYED_KEPT] = { GH_AEAD_AES_256_GCM, GH_AES_CM_128_HMAC_SHA1_80 },
};

struct call {
    enum habit habit;
    gh_stream_id id;
    uint32_t generation;
    struct gh_addr port[2], addr[2];
    int fd[2];
    uint64_t number[2]; /* of the next packet of each phone */
    unsigned keys;      /* drawn so far */
    struct gh_srtp_tx *tx[2];
    struct gh_srtp_rx *rx[2];
    bool closed;
};

static uv_loop_t loop;
static struct gh_media *media;
static struct call calls[STREAMS];
static unsigned long packets_log2 = PACKETS_LOG2;
static int churn_closed, bad_events;
static struct gh_media_counters sums[2];

static void on_event(void *arg, const struct gh_media_event *event)
{
    (void)arg;
    bad_events += event->kind != GH_MEDIA_EVENT_PROVEN;
}

static void on_closed(void *arg, gh_stream_id id, const struct gh_media_counters counters[2])
{
    (void)arg;
    for (int i = 0; i < STREAMS; i++) {
        if (calls[i].id != id)
            continue;
        calls[i].closed = true;
        for (int s = 0; s < 2; s++) {
            sums[s].authenticated += counters[s].authenticated;
            sums[s].quality.measured.lost_pkts += counters[s].quality.measured.lost_pkts;
            for (int cause = 0; cause < GH_DROP_COUNT; cause++)
                sums[s].drops[cause] += counters[s].drops[cause];
        }
        return;
    }
    churn_closed++;
}

static void turn(void)
{
    struct pollfd ready = { .fd = uv_backend_fd(&loop), .events = POLLIN };

    poll(&ready, 1, 20);
    uv_run(&loop, UV_RUN_NOWAIT);
}

/* Streams that live for a moment, on other ports each time.  Their `closed` comes after all that
 * was posted before. */
static void churn(void)
{
    uint64_t until = uv_hrtime() + AWAIT_MS * 1000000ULL;
    int want = churn_closed + 3;

    for (int i = 0; i < 3; i++) {
        struct gh_media_open open = { .call = 0 };
        uint16_t ports[2];
        gh_stream_id id;

        if (CHECK_INT(gh_media_open(media, &open, &id, ports), 0))
            CHECK_INT(gh_media_close(media, id), 0);
    }
    while (churn_closed < want && uv_hrtime() < until)
        turn();
    CHECK_INT(churn_closed, want);
}

/* Another key each time, for each call. */
static struct gh_secret draw(struct call *call, enum gh_suite suite)
{
    struct gh_secret key = { .len = (uint8_t)gh_suite_key_salt_len(suite) };

    call->keys++;
    for (int i = 0; i < key.len; i++)
        key.octets[i] = (uint8_t)(call->keys >> (8 * (i % 2)) ^ (unsigned)(i * 37));
    key.octets[3] = (uint8_t)(call - calls);
    return key;
}

/* The phones' contexts for new keys; with @keep they go on with the ROC of those before. */
static void take_keys(struct call *call, int side, const struct gh_secret *sends,
                      const struct gh_secret *hears, bool keep)
{
    enum gh_suite suite = suites[call->habit][side];
    struct gh_srtp_tx *tx = NULL;
    struct gh_srtp_rx *rx = NULL;

    if (sends && CHECK_INT(gh_srtp_tx_new(&tx, suite, sends), 0)) {
        if (keep && call->tx[side])
            gh_srtp_tx_continue(tx, call->tx[side]);
        gh_srtp_tx_free(call->tx[side]);
        call->tx[side] = tx;
    }
    if (hears && CHECK_INT(gh_srtp_rx_new(&rx, suite, hears, false), 0)) {
        if (keep && call->rx[side])
            CHECK_INT(gh_srtp_rx_inherit(rx, call->rx[side]), 0);
        gh_srtp_rx_free(call->rx[side]);
        call->rx[side] = rx;
    }
}

/* What phone a declares is new; and what b is told, which is the same in `pass`. */
static void agree(struct call *call, struct gh_secret keys[4])
{
    struct gh_media_set sets[2];
    bool pass = call->habit == PASS || call->habit == PASS_REKEYED;

    call->generation++;
    for (int s = 0; s < 2; s++) {
        sets[s] = (struct gh_media_set){ .stream = call->id,
                                         .side = s,
                                         .generation = call->generation,
                                         .remote_rtp = call->addr[s],
                                         .may_send = true,
                                         .may_receive = true,
                                         .path = pass ? GH_PATH_PASS : GH_PATH_BRIDGE,
                                         .suite = suites[call->habit][s],
                                         .rx_key = keys[s],
                                         .tx_key = pass ? keys[!s] : keys[2 + s],
                                         .roc_keep = call->habit == BRIDGE_REKEYED_KEPT };
    }
    CHECK_INT(gh_media_set_both(media, sets), 0);
    churn();
}

static struct gh_secret all_keys[STREAMS][4]; /* declared by a and b; ours to a and b */

static void begin(struct call *call, int i)
{
    struct gh_media_open open = { .call = 0 };
    struct gh_secret *keys = all_keys[i];
    uint16_t ports[2];

    call->habit = (enum habit)(i % HABITS);
    CHECK_INT(gh_media_open(media, &open, &call->id, ports), 0);
    for (int s = 0; s < 2; s++) {
        call->fd[s] = udp_socket(own_ip(), &call->addr[s], 0);
        gh_addr_parse_ip(gh_span_str(own_ip()), ports[s], &call->port[s]);
        call->number[s] = 1000u * (unsigned)i;
        keys[s] = draw(call, suites[call->habit][s]);
        keys[2 + s] = draw(call, suites[call->habit][s]);
    }
    for (int s = 0; s < 2; s++)
        take_keys(call, s, &keys[s],
                  suites[call->habit][0] == suites[call->habit][1] ? &keys[!s] : &keys[2 + s],
                  false);
    agree(call, keys);
}

/*
 * In `pass` a declares a new key, and goes on with its ROC or begins anew, as it likes.  In
 * `bridge` our own key to b is a new one and keeps the ROC; a's stays, for with another one of a's
 * we would send as another source.
 */
static void rekey(struct call *call, int i)
{
    struct gh_secret *keys = all_keys[i];

    if (call->habit == PASS_REKEYED) {
        keys[0] = draw(call, suites[call->habit][0]);
        take_keys(call, 0, &keys[0], NULL, i / HABITS % 2);
        take_keys(call, 1, NULL, &keys[0], true);
    } else {
        keys[3] = draw(call, suites[call->habit][1]);
        take_keys(call, 1, NULL, &keys[3], true);
    }
    agree(call, keys);
}

/* ---- packets -------------------------------------------------------------------------------- */

static bool send_one(struct call *call, int side)
{
    uint8_t p[256] __attribute__((aligned(8))) = { 0x80, 0 };
    uint64_t number = call->number[side]++;
    struct sockaddr_storage ss;
    socklen_t ss_len = gh_addr_to_sockaddr(&call->port[side], &ss);
    uint16_t seq = (uint16_t)(number * SEQ_STEP);
    size_t len = 12 + 40;

    p[2] = (uint8_t)(seq >> 8);
    p[3] = (uint8_t)seq;
    gh_put32(p + 4, (uint32_t)(number * 160));
    gh_put32(p + 8, 0x1000u + (unsigned)side);
    memset(p + 12, (int)(number & 0xff), 40);
    return gh_srtp_tx_seal_rtp(call->tx[side], 1, p, &len) == 0 &&
           sendto(call->fd[side], p, len, 0, (struct sockaddr *)&ss, ss_len) == (ssize_t)len;
}

static bool receive_one(struct call *call, int side)
{
    uint8_t p[256] __attribute__((aligned(8)));
    struct pollfd ready = { .fd = call->fd[side], .events = POLLIN };
    ssize_t n = recv(call->fd[side], p, sizeof(p), 0);
    size_t len;

    if (n < 0 && poll(&ready, 1, AWAIT_MS) == 1)
        n = recv(call->fd[side], p, sizeof(p), 0);
    if (n < 12)
        return false;
    len = (size_t)n;
    return gh_srtp_rx_open(call->rx[side], p, &len, false) == 0 && len == 12 + 40 &&
           p[12] == (uint8_t)((call->number[!side] - 1) & 0xff) &&
           gh_get16(p + 2) == (uint16_t)((call->number[!side] - 1) * SEQ_STEP);
}

/* One packet of each call, from @side; then they are taken. */
static bool all_send(int side)
{
    for (int i = 0; i < STREAMS; i++) {
        if (!CHECK(send_one(&calls[i], side)))
            return false;
    }
    for (int i = 0; i < STREAMS; i++) {
        if (!CHECK(receive_one(&calls[i], !side))) {
            fprintf(stderr, "  call %d, packet %llu of side %d\n", i,
                    (unsigned long long)calls[i].number[side] - 1, side);
            return false;
        }
    }
    return true;
}

/* ---- memory --------------------------------------------------------------------------------- */

static unsigned long resident(void)
{
    unsigned long pages = 0, used = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file) {
        if (fscanf(file, "%lu %lu", &pages, &used) != 2)
            used = 0;
        fclose(file);
    }
    return used * (unsigned long)sysconf(_SC_PAGESIZE);
}

/* Octets that are allocated and not freed, of all threads. */
static unsigned long allocated(void)
{
#ifdef GH_SANITIZED
    return __sanitizer_get_current_allocated_bytes();
#else
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
#endif
}

struct memory {
    unsigned long allocated, resident;
};

static struct memory memory(void)
{
    return (struct memory){ allocated(), resident() };
}

static void check_growth(struct memory early, struct memory late)
{
    CHECK(early.allocated > 0 && early.resident > 0);
    CHECK(late.allocated <= early.allocated + ALLOCATED_MAX);
#ifndef GH_SANITIZED /* there, what is freed waits in quarantine */
    CHECK(late.resident <= early.resident + GROWTH_MAX);
#endif
    printf("     after a twentieth %lu KiB allocated, %lu KiB resident; at the end %lu and %lu\n",
           early.allocated >> 10, early.resident >> 10, late.allocated >> 10, late.resident >> 10);
}

static void check_sums(uint64_t rounds, uint64_t back)
{
    CHECK_INT(sums[0].authenticated, rounds * STREAMS);
    CHECK_INT(sums[1].authenticated, back * STREAMS);
    for (int s = 0; s < 2; s++) {
        for (int cause = 0; cause < GH_DROP_COUNT; cause++)
            CHECK_INT(sums[s].drops[cause], 0);
    }
    /* 63 of 64 numbers never came: that is measured over every roll-over, whatever the keys did. */
    CHECK_INT(sums[0].quality.measured.lost_pkts, (SEQ_STEP - 1) * (rounds - 1) * STREAMS);
    CHECK_INT(bad_events, 0);
}

static void forty_streams(void)
{
    struct gh_media_config config = { .port_first = 21000, .port_last = 21999, .workers = 1 };
    struct gh_media_handlers handlers = { .event = on_event, .closed = on_closed };
    uint64_t rounds = 1ULL << packets_log2, back = 0, every = rounds > REKEYS ? rounds / REKEYS : 1;
    struct memory early = { 0 };
    uint64_t until;

    uv_loop_init(&loop);
    gh_addr_parse_ip(gh_span_str(own_ip()), 0, &config.address);
    CHECK_OR_STOP(gh_media_start(&media, &loop, &config, &handlers) == 0);
    for (int i = 0; i < STREAMS; i++)
        begin(&calls[i], i);
    for (uint64_t round = 0; round < rounds; round++) {
        if (round && round % every == 0) {
            for (int i = 0; i < STREAMS; i++) {
                if (calls[i].habit == PASS_REKEYED || calls[i].habit == BRIDGE_REKEYED_KEPT)
                    rekey(&calls[i], i);
            }
        }
        if (!all_send(0) || (round % 64 == 0 && ++back && !all_send(1)))
            break;
        if (round == rounds / 20)
            early = memory();
        if (round % 256 == 0)
            turn();
    }
    check_growth(early, memory());
    for (int i = 0; i < STREAMS; i++)
        CHECK_INT(gh_media_close(media, calls[i].id), 0);
    until = uv_hrtime() + AWAIT_MS * 1000000ULL;
    for (int i = 0; i < STREAMS; i++) {
        while (!calls[i].closed && uv_hrtime() < until)
            turn();
        CHECK(calls[i].closed);
        for (int s = 0; s < 2; s++) {
            gh_srtp_tx_free(calls[i].tx[s]);
            gh_srtp_rx_free(calls[i].rx[s]);
            close(calls[i].fd[s]);
        }
    }
    check_sums(rounds, back);
    gh_media_stop(media);
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_media_free(media);
    CHECK_INT(uv_loop_close(&loop), 0);
}

int main(int argc, char **argv)
{
    const char *names;

    if (argc > 1)
        packets_log2 = strtoul(argv[1], NULL, 10);
    if (packets_log2 < 8 || packets_log2 > 24 || gh_srtp_ciphers_start(false, &names))
        return 2;
    RUN(forty_streams);
    return CHECK_REPORT();
}
