/* SPDX-License-Identifier: Apache-2.0 */
#include "support_media.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <uv.h>

#include "media/packet.h"
#include "support/check.h"

/* Below the ports that the kernel gives to the phones. */
#define PORT_FIRST 21000
#define PORT_LAST 21199

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* Events and reports of the worker wake the loop; @fd, when not -1, wakes as well. */
static void turn(struct lab *lab, int fd)
{
    struct pollfd fds[2] = { { .fd = uv_backend_fd(lab->loop), .events = POLLIN }, { .fd = fd, .events = POLLIN } };

    poll(fds, fd < 0 ? 1 : 2, 2);
    uv_run(lab->loop, UV_RUN_NOWAIT);
}

static void on_event(void *arg, const struct gh_media_event *event)
{
    struct lab *lab = arg;

    if (lab->event_count < EVENTS_MAX)
        lab->events[lab->event_count++] = *event;
}

static void on_closed(void *arg, gh_stream_id stream, const struct gh_media_counters counters[2])
{
    struct lab *lab = arg;

    lab->awaited = lab->awaited || stream == lab->awaiting;
    lab->closed_count++;
    if (stream == lab->stream) {
        lab->stream_closed = true;
        lab->final[0] = counters[0];
        lab->final[1] = counters[1];
    }
}

const char *own_ip(void)
{
    static char ip[16];
    unsigned pid = (unsigned)getpid();

    snprintf(ip, sizeof(ip), "127.%u.%u.%u", 64 + (pid >> 16 & 0x3f), pid >> 8 & 0xff, pid & 0xff);
    return ip;
}

int udp_socket(const char *ip, struct gh_addr *addr, uint16_t port)
{
    struct sockaddr_storage ss;
    socklen_t len;
    int fd;

    gh_addr_parse_ip(gh_span_str(ip), port, addr);
    len = gh_addr_to_sockaddr(addr, &ss);
    fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&ss, len) || getsockname(fd, (struct sockaddr *)&ss, &len)) {
        close(fd);
        return -1;
    }
    *addr = gh_addr_from_sockaddr((struct sockaddr *)&ss);
    return fd;
}

bool lab_has_ipv6(void)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), err = 0;

    if (fd < 0 || bind(fd, (struct sockaddr *)&in6, sizeof(in6)))
        err = errno;
    if (fd >= 0)
        close(fd);
    if (err) {
        printf("     no ::1 here: %s\n", strerror(err));
        CHECK(err == EADDRNOTAVAIL || err == EAFNOSUPPORT);
    }
    return err == 0;
}

static const char *ip_of(uint8_t family)
{
    return family == 4 ? own_ip() : "::1";
}

static bool start(struct lab *lab, struct gh_media_config *config, const struct gh_media_open *open)
{
    struct gh_media_handlers handlers = { .arg = lab, .event = on_event, .closed = on_closed };
    uint16_t ports[2];

    memset(lab, 0, sizeof(*lab));
    lab->loop = malloc(sizeof(*lab->loop));
    uv_loop_init(lab->loop);
    if (!CHECK_INT(gh_media_start(&lab->media, lab->loop, config, &handlers), 0) ||
        !CHECK_INT(gh_media_open(lab->media, open, &lab->stream, ports), 0))
        return false;
    for (int s = 0; s < 2; s++) {
        const char *ip = ip_of(open->family[s]);

        lab->phones[s].ssrc = 0x1000 + (uint32_t)s;
        lab->phones[s].seq = (uint16_t)(100 * s);
        for (int i = 0; i < 2; i++) {
            gh_addr_parse_ip(gh_span_str(ip), (uint16_t)(ports[s] + i), &lab->port[s][i]);
            lab->phones[s].fd[i] = udp_socket(ip, &lab->phones[s].addr[i], 0);
            if (!CHECK(lab->phones[s].fd[i] >= 0))
                return false;
        }
    }
    return true;
}

bool lab_start(struct lab *lab, uint8_t family, uint64_t timeout_ms)
{
    struct gh_media_config config = { .port_first = PORT_FIRST, .port_last = PORT_LAST, .workers = 1 };
    struct gh_media_open open = { .call = 1, .timeout_ms = timeout_ms, .family = { family, family } };

    gh_addr_parse_ip(gh_span_str(ip_of(family)), 0, &config.address);
    return start(lab, &config, &open);
}

bool lab_start_held(struct lab *lab, uint64_t timeout_ms, uint64_t timeout_on_hold_ms)
{
    struct gh_media_config config = { .port_first = PORT_FIRST, .port_last = PORT_LAST, .workers = 1 };
    struct gh_media_open open = { .call = 1, .timeout_ms = timeout_ms, .timeout_on_hold_ms = timeout_on_hold_ms };

    gh_addr_parse_ip(gh_span_str(ip_of(4)), 0, &config.address);
    open.family[0] = open.family[1] = 4;
    return start(lab, &config, &open);
}

bool lab_start_limited(struct lab *lab, unsigned max_streams)
{
    struct gh_media_config config = { .port_first = PORT_FIRST, .port_last = PORT_LAST, .workers = 1,
                                      .max_streams = max_streams };
    struct gh_media_open open = { .call = 1, .family = { 4, 4 } };

    gh_addr_parse_ip(gh_span_str(ip_of(4)), 0, &config.address);
    return start(lab, &config, &open);
}

bool lab_start_ports(struct lab *lab, unsigned pairs, uint64_t delay_ms)
{
    struct gh_media_config config = { .port_first = PORT_FIRST,
                                      .port_last = (uint16_t)(PORT_FIRST + 2 * pairs - 1),
                                      .port_delay_ms = delay_ms,
                                      .workers = 1 };
    struct gh_media_open open = { .call = 1, .family = { 4, 4 } };

    gh_addr_parse_ip(gh_span_str(ip_of(4)), 0, &config.address);
    return start(lab, &config, &open);
}

bool lab_start_mixed(struct lab *lab, uint8_t family_a, uint8_t family_b)
{
    struct gh_media_config config = { .port_first = PORT_FIRST, .port_last = PORT_LAST, .workers = 1 };
    struct gh_media_open open = { .call = 1, .family = { family_a, family_b } };

    gh_addr_parse_ip(gh_span_str(ip_of(4)), 0, &config.address);
    gh_addr_parse_ip(gh_span_str(ip_of(6)), 0, &config.address6);
    return start(lab, &config, &open);
}

bool lab_start_wild(struct lab *lab)
{
    struct gh_media_config config = { .port_first = PORT_FIRST, .port_last = PORT_LAST, .workers = 1 };
    struct gh_media_open open = { .call = 1, .family = { 4, 6 } };
    bool started;

    gh_addr_parse_ip(gh_span_str("0.0.0.0"), 0, &config.address);
    gh_addr_parse_ip(gh_span_str("::"), 0, &config.address6);
    gh_addr_parse_ip(gh_span_str("127.0.0.1"), 0, &config.advertise);
    gh_addr_parse_ip(gh_span_str("::1"), 0, &config.advertise6);
    for (;;) {
        started = start(lab, &config, &open);
        if (!started || lab->port[0][0].port != lab->port[1][0].port)
            break;
        lab_end(lab); /* each family draws from a stock of its own */
    }
    for (int i = 0; i < 2; i++) /* what the kernel sends from, to any address of 127/8 */
        gh_addr_parse_ip(gh_span_str("127.0.0.1"), lab->port[0][i].port, &lab->port[0][i]);
    return started;
}

bool lab_start_interfaces(struct lab *lab, const char *ip_b, const char *said)
{
    struct gh_media_interface more = { .address6 = { .family = 0 } };
    struct gh_media_config config = { .port_first = PORT_FIRST, .port_last = PORT_LAST, .workers = 1, .more = &more,
                                      .more_count = 1 };
    struct gh_media_open open = { .call = 1, .family = { 4, 4 }, .interface = { 0, 1 } };

    gh_addr_parse_ip(gh_span_str(ip_of(4)), 0, &config.address);
    gh_addr_parse_ip(gh_span_str(ip_b), 0, &more.address);
    gh_addr_parse_ip(gh_span_str(said), 0, &more.advertise);
    if (!start(lab, &config, &open))
        return false;
    for (int i = 0; i < 2; i++)
        gh_addr_parse_ip(gh_span_str(ip_b), lab->port[1][i].port, &lab->port[1][i]);
    return true;
}

/* Each packet went on or has one cause. */
static void check_sums(const struct lab *lab)
{
    for (int s = 0; s < 2; s++) {
        uint64_t ended = lab->final[!s].tx_pkts;

        for (int i = 0; i < GH_DROP_COUNT; i++)
            ended += lab->final[s].drops[i];
        CHECK_INT(ended, lab->final[s].rx_pkts);
    }
}

void lab_end(struct lab *lab)
{
    uint64_t until = now_ms() + AWAIT_MS;

    if (!lab->stream_closed)
        CHECK_INT(gh_media_close(lab->media, lab->stream), 0);
    while (!lab->stream_closed && now_ms() < until)
        turn(lab, -1);
    if (CHECK(lab->stream_closed))
        check_sums(lab);
    CHECK_INT(gh_media_close(lab->media, lab->stream), GH_ENOTFOUND);
    gh_media_stop(lab->media);
    uv_run(lab->loop, UV_RUN_DEFAULT);
    gh_media_free(lab->media);
    CHECK_INT(uv_loop_close(lab->loop), 0);
    free(lab->loop);
    for (int s = 0; s < 2; s++) {
        gh_srtp_tx_free(lab->phones[s].tx);
        gh_srtp_rx_free(lab->phones[s].rx);
        for (int i = 0; i < 2; i++) {
            if (lab->phones[s].fd[i] >= 0)
                close(lab->phones[s].fd[i]);
        }
    }
}

int lab_failures(void)
{
    static int told;
    int failures = check_failed_total - told;

    told = check_failed_total;
    return failures;
}

struct gh_media_set lab_side(struct lab *lab, int side, enum gh_path path, enum gh_suite suite, const struct gh_secret *rx,
                             const struct gh_secret *tx)
{
    struct gh_media_set set = { .stream = lab->stream, .side = side, .generation = ++lab->generation[side],
                                .remote_rtp = lab->phones[side].addr[0], .remote_rtcp = lab->phones[side].addr[1],
                                .may_send = true, .may_receive = true, .path = path, .suite = suite };

    if (rx)
        set.rx_key = *rx;
    if (tx)
        set.tx_key = *tx;
    return set;
}

/* A stream that is opened and closed again: its `closed` comes after all that was posted before. */
void lab_barrier(struct lab *lab)
{
    struct gh_media_open open = { .call = 1 };
    gh_stream_id id;
    uint16_t ports[2];

    if (!CHECK_INT(gh_media_open(lab->media, &open, &id, ports), 0))
        return;
    lab_close(lab, id);
}

void lab_await_closed(struct lab *lab, gh_stream_id stream)
{
    uint64_t until = now_ms() + AWAIT_MS;

    lab->awaiting = stream;
    lab->awaited = false;
    while (!lab->awaited && now_ms() < until)
        turn(lab, -1);
    CHECK(lab->awaited);
}

void lab_close(struct lab *lab, gh_stream_id stream)
{
    CHECK_INT(gh_media_close(lab->media, stream), 0);
    lab_await_closed(lab, stream);
}

int lab_set(struct lab *lab, struct gh_media_set *set)
{
    int err = gh_media_set(lab->media, set);

    for (int i = 0; i < GH_SUITE_KEY_MAX; i++) { /* taken and wiped on every path */
        if (set->rx_key.octets[i] || set->tx_key.octets[i])
            CHECK_INT(i, -1);
    }
    lab_barrier(lab);
    return err;
}

struct gh_secret lab_key(enum gh_suite suite, uint8_t seed)
{
    struct gh_secret key = { .len = (uint8_t)gh_suite_key_salt_len(suite), .number = seed };

    for (int i = 0; i < key.len; i++)
        key.octets[i] = (uint8_t)(seed + 11 * i);
    return key;
}

/* a and b declare keys 1 and 2; own keys to them are 3 and 4.  In `pass` each gets the other's. */
void lab_secure(struct lab *lab, enum gh_path path, enum gh_suite a, enum gh_suite b)
{
    enum gh_suite suite[2] = { a, b };
    struct gh_media_set sets[2];

    for (int s = 0; s < 2; s++) {
        struct phone *phone = &lab->phones[s];
        bool keyed = suite[s] != GH_SUITE_NONE;
        struct gh_secret rx = lab_key(suite[s], (uint8_t)(1 + s));
        struct gh_secret tx = lab_key(suite[s], (uint8_t)(path == GH_PATH_PASS ? 2 - s : 3 + s));

        sets[s] = lab_side(lab, s, keyed || path != GH_PATH_PASS ? path : GH_PATH_CLEAR, suite[s], keyed ? &rx : NULL,
                           keyed ? &tx : NULL);
        if (keyed) {
            CHECK_INT(gh_srtp_tx_new(&phone->tx, suite[s], &rx), 0);
            CHECK_INT(gh_srtp_rx_new(&phone->rx, suite[s], &tx, false), 0);
        }
    }
    CHECK_INT(gh_media_set_both(lab->media, sets), 0);
    lab_barrier(lab);
}

/* ---- packets -------------------------------------------------------------------------------------------- */

size_t make_rtp(struct phone *phone, uint8_t *p, uint8_t type, size_t payload)
{
    uint16_t seq = phone->seq++;

    memset(p, 0, 12);
    p[0] = 0x80;
    p[1] = type;
    p[2] = (uint8_t)(seq >> 8);
    p[3] = (uint8_t)seq;
    gh_put32(p + 4, 160U * seq);
    gh_put32(p + 8, phone->ssrc);
    for (size_t i = 0; i < payload; i++)
        p[12 + i] = (uint8_t)(seq * 7 + i);
    return 12 + payload;
}

size_t make_rtcp(struct phone *phone, uint8_t *p)
{
    memset(p, 0, 28);
    p[0] = 0x80;
    p[1] = 200;
    p[3] = 6;
    gh_put32(p + 4, phone->ssrc);
    gh_put32(p + 8, phone->seq);
    return 28;
}

size_t phone_seal(struct phone *phone, uint8_t *p, size_t len, bool rtcp)
{
    if (phone->tx)
        CHECK_INT(rtcp ? gh_srtp_tx_seal_rtcp(phone->tx, 1, p, &len, NULL) : gh_srtp_tx_seal_rtp(phone->tx, 1, p, &len),
                  0);
    return len;
}

bool phone_send(struct lab *lab, int side, bool rtcp_port, const uint8_t *p, size_t len)
{
    struct sockaddr_storage ss;
    socklen_t ss_len = gh_addr_to_sockaddr(&lab->port[side][rtcp_port], &ss);

    return CHECK_INT(sendto(lab->phones[side].fd[rtcp_port], p, len, 0, (struct sockaddr *)&ss, ss_len), len);
}

void phone_moves(struct lab *lab, int side, bool rtcp_port, const char *ip)
{
    struct phone *phone = &lab->phones[side];
    char buf[GH_ADDR_TEXT_MAX];
    /* The new one first: the old port must not come back. */
    int fd = udp_socket(ip ? ip : gh_addr_ip_text(&phone->addr[rtcp_port], buf), &phone->addr[rtcp_port], 0);

    CHECK(fd >= 0);
    close(phone->fd[rtcp_port]);
    phone->fd[rtcp_port] = fd;
}

size_t phone_receive(struct lab *lab, int side, bool rtcp_port, uint8_t *p)
{
    uint64_t until = now_ms() + AWAIT_MS;
    int fd = lab->phones[side].fd[rtcp_port];
    struct sockaddr_storage ss;
    socklen_t ss_len = sizeof(ss);
    ssize_t n;

    while ((n = recvfrom(fd, p, PKT_MAX, 0, (struct sockaddr *)&ss, &ss_len)) < 0 && now_ms() < until) {
        turn(lab, fd);
        ss_len = sizeof(ss);
    }
    if (!CHECK(n >= 0))
        return 0;
    struct gh_addr from = gh_addr_from_sockaddr((struct sockaddr *)&ss);

    CHECK(gh_addr_eq(&from, &lab->port[side][rtcp_port])); /* from our port to this side: symmetric */
    return (size_t)n;
}

void check_flows(struct lab *lab, int side, bool rtcp)
{
    struct phone *near = &lab->phones[side], *far = &lab->phones[!side];
    uint8_t plain[PKT_MAX], sent[PKT_MAX] __attribute__((aligned(8))), got[PKT_MAX] __attribute__((aligned(8)));
    size_t plain_len = rtcp ? make_rtcp(near, plain) : make_rtp(near, plain, 0, 160), len;

    memcpy(sent, plain, plain_len);
    len = phone_seal(near, sent, plain_len, rtcp);
    phone_send(lab, side, rtcp, sent, len);
    len = phone_receive(lab, !side, rtcp, got);
    if (far->rx)
        CHECK_INT(gh_srtp_rx_open(far->rx, got, &len, rtcp), 0);
    CHECK_INT(len, plain_len);
    CHECK(memcmp(got, plain, plain_len) == 0);
}

/* ---- counters and events ------------------------------------------------------------------------------------ */

struct gh_media_counters counters_of(struct lab *lab, int side)
{
    struct gh_media_counters counters[2];

    memset(counters, 0, sizeof(counters));
    CHECK_INT(gh_media_counters(lab->media, lab->stream, counters), 0);
    return counters[side];
}

bool await_drops(struct lab *lab, int side, enum gh_drop cause, uint64_t want)
{
    uint64_t until = now_ms() + AWAIT_MS, got;

    while ((got = counters_of(lab, side).drops[cause]) < want && now_ms() < until)
        turn(lab, -1);
    return CHECK_INT(got, want);
}

int events_of(struct lab *lab, int side, enum gh_media_event_kind kind)
{
    int count = 0;

    for (int i = 0; i < lab->event_count; i++)
        count += lab->events[i].side == side && lab->events[i].kind == kind;
    return count;
}

int await_events(struct lab *lab, int side, enum gh_media_event_kind kind, int want)
{
    uint64_t until = now_ms() + AWAIT_MS;

    while (events_of(lab, side, kind) < want && now_ms() < until)
        turn(lab, -1);
    return events_of(lab, side, kind);
}
