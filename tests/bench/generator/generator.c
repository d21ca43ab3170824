/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load for gatehouse: both neighbours of its calls in one thread, over mutual TLS, with SRTP that is authenticated,
 * decrypted and compared packet by packet.  Nothing of gatehouse is in it.
 *
 *   load-generator --ca PEM --relay ADDR:PORT --a ADDR --a-cert PEM --b ADDR:PORT --b-cert PEM
 *                  --calls N --rate PER_SECOND (--measure SECONDS [--settle SECONDS] | --hold SECONDS)
 *
 * --measure: all calls at once; when the last one is up they settle, then every packet that is sent for so long is
 * counted; when it had time to arrive, "measured" is printed and a line read, while the sockets are still open;
 * then all hang up.  --hold: each call hangs up so long after its 200.  Ends with one line of JSON.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "conn.h"
#include "media.h"

#define CALLS_MAX   200000
#define CONNS_MAX   64
#define SUITE       "AES_CM_128_HMAC_SHA1_80"
#define LINGER_S    1.0    /* nothing came for so long: nothing is under way any more */
#define PATIENCE_S  20.0   /* after the last call was due to end */
#define QUIET_US    200000 /* between a call's last packet and its BYE */
#define EVENTS_MAX  256

static struct {
    const char *ca, *a_cert, *b_cert;
    struct sockaddr_in relay, a, b;
    unsigned calls, rate;
    double measure_s, settle_s, hold_s;
} opt = { .rate = 50, .settle_s = 5 };

/* A call of the caller.  Its index stands in its Call-ID; that of a callee's stream in the callee's tag: the two
 * sides know nothing of each other. */
struct call {
    TAILQ_ENTRY(call) link;       /* of those that will hang up, the first one first */
    unsigned index;
    struct gh_gen_stream *stream;
    uint64_t invite_us, hang_up_us;
    char relay_tag[80];           /* To tag of gatehouse towards the caller */
    char relay_uri[128];          /* its Contact */
    bool up, over;
};
TAILQ_HEAD(calls, call);

static struct {
    int epoll_fd;
    struct gh_gen_media *media;
    SSL_CTX *a_tls, *b_tls;
    struct gh_gen_listener listener;
    struct gh_gen_conn *caller, *conns[CONNS_MAX];
    unsigned conn_count;
    struct call *calls;
    struct calls talking;
    struct gh_gen_stream **b; /* of the callee, by index */
    float *answer_ms; /* from INVITE to 200, of those that were answered */
    unsigned started, called, answered, ended, refused, repeated;
    uint64_t start_us, phase_us;
    enum gh_gen_phase phase;
    bool done;
    unsigned long boot; /* makes Call-IDs of two runs differ */
} gen;

/* ---- SDP -------------------------------------------------------------------------------------------------- */

static size_t print_sdp(char *out, size_t size, const struct gh_gen_stream *stream, struct in_addr local, unsigned tag)
{
    char base64[4 * ((GH_GEN_KEY_LEN + 2) / 3) + 1], host[INET_ADDRSTRLEN];

    EVP_EncodeBlock((unsigned char *)base64, stream->tx_key, GH_GEN_KEY_LEN);
    inet_ntop(AF_INET, &local, host, sizeof(host));
    return (size_t)snprintf(out, size,
                            "v=0\r\no=load %u 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/SAVP 8\r\n"
                            "a=rtpmap:8 PCMA/8000\r\na=crypto:%u " SUITE " inline:%s\r\n",
                            stream->number, host, host, stream->port, tag, base64);
}

struct peer_sdp {
    struct sockaddr_in rtp;
    uint8_t key[GH_GEN_KEY_LEN];
    unsigned tag;
};

static bool read_sdp(const char *sdp, struct peer_sdp *out)
{
    const char *connection = strstr(sdp, "c=IN IP4 "), *media = strstr(sdp, "m=audio "), *line = sdp;
    char host[INET_ADDRSTRLEN], key[41], suite[64];
    unsigned char octets[33];
    unsigned port;

    if (!connection || sscanf(connection + 9, "%15[0-9.]", host) != 1 || !media ||
        sscanf(media + 8, "%u", &port) != 1 || port == 0 || port > 65535)
        return false;
    out->rtp = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    if (inet_pton(AF_INET, host, &out->rtp.sin_addr) != 1)
        return false;
    while ((line = strstr(line, "a=crypto:"))) {
        line += 9;
        if (sscanf(line, "%u %63s inline:%40[^|\r\n]", &out->tag, suite, key) == 3 && !strcmp(suite, SUITE) &&
            EVP_DecodeBlock(octets, (unsigned char *)key, 40) == GH_GEN_KEY_LEN) {
            memcpy(out->key, octets, GH_GEN_KEY_LEN);
            return true;
        }
    }
    return false;
}

/* ---- messages --------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3)))
static void send_message(struct gh_gen_conn *conn, const char *fmt, ...)
{
    char text[GH_GEN_MESSAGE_MAX];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text))
        abort();
    gh_gen_conn_send(conn, text, (size_t)len);
}

#define NO_BODY "Content-Length: 0\r\n\r\n"

/* A request of the caller.  @branch  a word  @more  headers and body, from Content-Type or Content-Length on */
static void send_request(struct call *call, const char *method, const char *branch, unsigned cseq, const char *more)
{
    char relay[INET_ADDRSTRLEN], a[INET_ADDRSTRLEN], uri[160];

    inet_ntop(AF_INET, &opt.relay.sin_addr, relay, sizeof(relay));
    inet_ntop(AF_INET, &opt.a.sin_addr, a, sizeof(a));
    snprintf(uri, sizeof(uri), "sip:9898@%s:%u;transport=tls", relay, ntohs(opt.relay.sin_port));
    send_message(gen.caller,
                 "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS %s:5061;branch=z9hG4bK%s%u-%lx\r\nMax-Forwards: 70\r\n"
                 "From: <sip:1018@%s>;tag=a%u\r\nTo: <sip:9898@%s>%s%s\r\nCall-ID: %u-%lx\r\nCSeq: %u %s\r\n"
                 "Contact: <sip:1018@%s:5061;transport=tls>\r\n%s",
                 method, *call->relay_uri ? call->relay_uri : uri, a, branch, call->index, gen.boot, a, call->index,
                 relay, *call->relay_tag ? ";tag=" : "", call->relay_tag, call->index, gen.boot, cseq, method, a, more);
}

/* A response of the callee: what it must repeat, it repeats.  @index  of its stream */
static void respond(struct gh_gen_conn *conn, const struct gh_gen_message *request, const char *status, unsigned index,
                    const char *sdp)
{
    const char *via = "", *from = "", *to = "", *call_id = "", *cseq = "";
    int via_len = (int)gh_gen_header(request, "Via", &via), from_len = (int)gh_gen_header(request, "From", &from);
    int to_len = (int)gh_gen_header(request, "To", &to), id_len = (int)gh_gen_header(request, "Call-ID", &call_id);
    int cseq_len = (int)gh_gen_header(request, "CSeq", &cseq);
    char tag[32] = "", b[INET_ADDRSTRLEN];

    if (!memmem(to, (size_t)to_len, ";tag=", 5))
        snprintf(tag, sizeof(tag), ";tag=b%u", index);
    inet_ntop(AF_INET, &opt.b.sin_addr, b, sizeof(b));
    send_message(conn,
                 "SIP/2.0 %s\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
                 "Contact: <sip:9898@%s:%u;transport=tls>\r\n%sContent-Length: %zu\r\n\r\n%s",
                 status, via_len, via, from_len, from, to_len, to, tag, id_len, call_id, cseq_len, cseq, b,
                 ntohs(opt.b.sin_port), *sdp ? "Content-Type: application/sdp\r\n" : "", strlen(sdp), sdp);
}

/* ---- the caller ------------------------------------------------------------------------------------------- */

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void place_call(uint64_t now_us)
{
    struct call *call = &gen.calls[gen.started];
    char sdp[512], more[700];
    size_t len;

    call->index = gen.started++;
    call->stream = gh_gen_stream_new(gen.media, 0, opt.a.sin_addr);
    if (!call->stream)
        fail("generator: a socket for media");
    call->invite_us = now_us;
    len = print_sdp(sdp, sizeof(sdp), call->stream, opt.a.sin_addr, 1);
    snprintf(more, sizeof(more), "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", len, sdp);
    send_request(call, "INVITE", "INVITE", 1, more);
}

static void call_over(struct call *call)
{
    if (call->over)
        return;
    call->over = true;
    gen.ended++;
    gh_gen_stream_close(gen.media, call->stream);
}

/* With --hold both sides fall silent before the caller hangs up, so that nothing is under way then. */
static uint64_t talk_until(uint64_t now_us)
{
    return opt.hold_s > 0 ? now_us + (uint64_t)(opt.hold_s * 1e6) - QUIET_US : UINT64_MAX;
}

static void take_answer(struct call *call, const struct gh_gen_message *message)
{
    uint64_t now_us = gh_gen_now_us();
    const char *to = "", *contact = "", *tag;
    size_t to_len = gh_gen_header(message, "To", &to);
    struct peer_sdp sdp;

    tag = memmem(to, to_len, ";tag=", 5);
    if (!tag || sscanf(tag + 5, "%79[^;\r\n ]", call->relay_tag) != 1 ||
        !gh_gen_header(message, "Contact", &contact) || sscanf(contact, "<%127[^>]", call->relay_uri) != 1 ||
        !read_sdp(message->body, &sdp) || !gh_gen_stream_join(call->stream, sdp.rtp, sdp.key)) {
        fprintf(stderr, "generator: a 200 that cannot be used:\n%s\n", message->text);
        exit(EXIT_FAILURE);
    }
    gen.answer_ms[gen.answered++] = (float)(now_us - call->invite_us) / 1e3f;
    call->up = true;
    call->hang_up_us = now_us + (uint64_t)(opt.hold_s * 1e6);
    TAILQ_INSERT_TAIL(&gen.talking, call, link);
    gh_gen_stream_talk(gen.media, call->stream, talk_until(now_us));
}

static void on_response(struct call *call, const struct gh_gen_message *message)
{
    const char *cseq = "";

    if (message->status < 200 || !gh_gen_header(message, "CSeq", &cseq) || call->over)
        return;
    if (strncmp(cseq, "1 INVITE", 8) != 0) {
        call_over(call); /* BYE */
    } else if (message->status < 300) {
        if (call->up)
            gen.repeated++;
        else
            take_answer(call, message);
        send_request(call, "ACK", "ACK", 1, NO_BODY);
    } else {
        if (!gen.refused++)
            fprintf(stderr, "generator: refused: %.*s\n", (int)strcspn(message->text, "\r"), message->text);
        send_request(call, "ACK", "INVITE", 1, NO_BODY); /* RFC 3261 section 17.1.1.3: the branch of the INVITE */
        call_over(call);
    }
}

static void hang_up(struct call *call)
{
    TAILQ_REMOVE(&gen.talking, call, link);
    send_request(call, "BYE", "BYE", 2, NO_BODY);
}

/* ---- the callee ------------------------------------------------------------------------------------------- */

static void on_invite(struct gh_gen_conn *conn, const struct gh_gen_message *message)
{
    unsigned index = gen.called;
    struct gh_gen_stream *stream;
    struct peer_sdp offer;
    char sdp[512];

    if (index == opt.calls || !read_sdp(message->body, &offer)) {
        respond(conn, message, "488 Not Acceptable Here", index, "");
        return;
    }
    gen.called++;
    gen.b[index] = stream = gh_gen_stream_new(gen.media, 1, opt.b.sin_addr);
    if (!stream || !gh_gen_stream_join(stream, offer.rtp, offer.key))
        fail("generator: a socket for media");
    respond(conn, message, "180 Ringing", index, "");
    print_sdp(sdp, sizeof(sdp), stream, opt.b.sin_addr, offer.tag);
    respond(conn, message, "200 OK", index, sdp);
}

/* The stream that the tag of a request inside a dialog names; NULL: none, or closed. */
static struct gh_gen_stream **stream_of(const struct gh_gen_message *message)
{
    const char *to = "", *tag;
    size_t len = gh_gen_header(message, "To", &to);
    unsigned long index;

    tag = memmem(to, len, ";tag=b", 6);
    index = tag ? strtoul(tag + 6, NULL, 10) : gen.called;
    return index < gen.called && gen.b[index] ? &gen.b[index] : NULL;
}

static void on_request(struct gh_gen_conn *conn, const struct gh_gen_message *message)
{
    struct gh_gen_stream **stream = stream_of(message);

    if (!strncmp(message->text, "INVITE ", 7)) {
        on_invite(conn, message);
    } else if (!strncmp(message->text, "ACK ", 4)) {
        if (stream)
            gh_gen_stream_talk(gen.media, *stream, talk_until(gh_gen_now_us()));
    } else {
        respond(conn, message, "200 OK", 0, "");
        if (stream && !strncmp(message->text, "BYE ", 4)) {
            gh_gen_stream_close(gen.media, *stream);
            *stream = NULL;
        }
    }
}

static void on_message(void *arg, struct gh_gen_conn *conn, const struct gh_gen_message *message)
{
    const char *call_id = "";

    (void)arg;
    if (!message->status) {
        on_request(conn, message);
    } else if (gh_gen_header(message, "Call-ID", &call_id)) {
        unsigned long index = strtoul(call_id, NULL, 10);

        if (index < gen.started)
            on_response(&gen.calls[index], message);
    }
}

/* ---- time ------------------------------------------------------------------------------------------------- */

static void enter(enum gh_gen_phase phase, uint64_t now_us)
{
    gen.phase = phase;
    gen.phase_us = now_us;
}

/* --measure: up, settled, measured, arrived, over. */
static void measure(uint64_t now_us)
{
    double in_phase_s = (double)(now_us - gen.phase_us) / 1e6;
    double silent_s = (double)(now_us - gh_gen_media_last_us(gen.media)) / 1e6;

    if (gen.answered + gen.refused < opt.calls) {
        gen.phase_us = now_us;
    } else if (gen.phase == GH_GEN_SETTLING && in_phase_s >= opt.settle_s) {
        enter(GH_GEN_MEASURED, now_us);
    } else if (gen.phase == GH_GEN_MEASURED && in_phase_s >= opt.measure_s) {
        enter(GH_GEN_LINGERING, now_us);
    } else if (gen.phase == GH_GEN_LINGERING && in_phase_s >= LINGER_S && silent_s >= LINGER_S &&
               !TAILQ_EMPTY(&gen.talking)) {
        printf("measured\n");
        fflush(stdout);
        getchar(); /* until whoever reads this has looked at the sockets */
        while (!TAILQ_EMPTY(&gen.talking))
            hang_up(TAILQ_FIRST(&gen.talking));
    }
}

/* What is due now.  @wait_ms  set: how long there is nothing to do.  @return false: nothing will be any more */
static bool tick(uint64_t now_us, int *wait_ms)
{
    double since_s = (double)(now_us - gen.start_us) / 1e6;
    struct call *call;

    while (gen.started < opt.calls && since_s * opt.rate >= gen.started)
        place_call(gh_gen_now_us());
    if (opt.measure_s > 0) {
        measure(now_us);
    } else {
        while ((call = TAILQ_FIRST(&gen.talking)) && call->hang_up_us <= now_us)
            hang_up(call);
    }
    *wait_ms = gh_gen_media_tick(gen.media, now_us, gen.phase) ? 1 : 0;
    return gen.ended < opt.calls &&
           since_s < opt.calls / (double)opt.rate + opt.settle_s + opt.measure_s + opt.hold_s + PATIENCE_S;
}

static void on_event(void *source, uint64_t *first_conn_up)
{
    struct gh_gen_conn *conn;

    switch (*(enum gh_gen_kind *)source) {
    case GH_GEN_STREAM:
        gh_gen_stream_readable(gen.media, source);
        break;
    case GH_GEN_CONN:
        gh_gen_conn_ready(source, on_message, NULL);
        break;
    case GH_GEN_LISTENER:
        conn = gh_gen_accept(source, gen.epoll_fd);
        if (conn && gen.conn_count < CONNS_MAX)
            gen.conns[gen.conn_count++] = conn;
        break;
    }
    if (!*first_conn_up && gen.caller->up)
        *first_conn_up = gh_gen_now_us();
}

/* The clock of the calls starts when the caller is connected; the callee is called by gatehouse itself. */
static void run(void)
{
    struct epoll_event events[EVENTS_MAX];
    bool more = true;
    int wait_ms = 1;

    while (more && !gen.caller->lost) {
        int n = epoll_wait(gen.epoll_fd, events, EVENTS_MAX, wait_ms);

        for (int i = 0; i < n; i++)
            on_event(events[i].data.ptr, &gen.start_us);
        gh_gen_media_bury(gen.media);
        if (gen.start_us)
            more = tick(gh_gen_now_us(), &wait_ms);
    }
}

/* ---- start and end ---------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static double answer_ms_at(double part)
{
    size_t at = (size_t)((double)gen.answered * part);

    return gen.answered ? (double)gen.answer_ms[at < gen.answered ? at : gen.answered - 1] : 0;
}

static void report(void)
{
    struct gh_gen_media_totals media = gh_gen_media_totals(gen.media);
    struct rusage usage;

    qsort(gen.answer_ms, gen.answered, sizeof(*gen.answer_ms), by_value);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"calls\":%u,\"answered\":%u,\"refused\":%u,\"ended\":%u,\"repeated\":%u,\"connections\":%u,"
           "\"answer_ms\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f},",
           gen.started, gen.answered, gen.refused, gen.ended, gen.repeated, gen.conn_count + 1, answer_ms_at(0.50),
           answer_ms_at(0.99), answer_ms_at(1));
    printf("\"sent\":[%llu,%llu],\"received\":[%llu,%llu],\"streams_with_loss\":%llu,\"send_failed\":%llu,"
           "\"auth_failed\":%llu,\"garbled\":%llu,\"delay_us\":{\"p50\":%.0f,\"p99\":%.0f,\"max\":%.0f},",
           (unsigned long long)media.sent[0], (unsigned long long)media.sent[1],
           (unsigned long long)media.received[0], (unsigned long long)media.received[1],
           (unsigned long long)media.streams_with_loss, (unsigned long long)media.refused,
           (unsigned long long)media.auth_failed, (unsigned long long)media.garbled, media.delay_us_p50,
           media.delay_us_p99, media.delay_us_max);
    printf("\"late_max_ms\":%.1f,\"cpu_s\":%.2f}\n", media.late_max_ms,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

static bool parse_address(const char *text, struct sockaddr_in *out)
{
    char host[INET_ADDRSTRLEN];
    unsigned port = 0;

    *out = (struct sockaddr_in){ .sin_family = AF_INET };
    if (sscanf(text, "%15[0-9.]:%u", host, &port) < 1 || port > 65535)
        return false;
    out->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

static bool parse_options(int argc, char **argv)
{
    static const struct option longs[] = {
        { "ca", required_argument, NULL, 'c' },      { "relay", required_argument, NULL, 'r' },
        { "a", required_argument, NULL, 'a' },       { "a-cert", required_argument, NULL, 'A' },
        { "b", required_argument, NULL, 'b' },       { "b-cert", required_argument, NULL, 'B' },
        { "calls", required_argument, NULL, 'n' },   { "rate", required_argument, NULL, 'R' },
        { "measure", required_argument, NULL, 'm' }, { "settle", required_argument, NULL, 's' },
        { "hold", required_argument, NULL, 'h' },    { NULL, 0, NULL, 0 },
    };
    bool good = true;
    int c;

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'c': opt.ca = optarg; break;
        case 'r': good &= parse_address(optarg, &opt.relay); break;
        case 'a': good &= parse_address(optarg, &opt.a); break;
        case 'A': opt.a_cert = optarg; break;
        case 'b': good &= parse_address(optarg, &opt.b); break;
        case 'B': opt.b_cert = optarg; break;
        case 'n': opt.calls = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'R': opt.rate = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'm': opt.measure_s = strtod(optarg, NULL); break;
        case 's': opt.settle_s = strtod(optarg, NULL); break;
        case 'h': opt.hold_s = strtod(optarg, NULL); break;
        default: good = false;
        }
    }
    return good && optind == argc && opt.ca && opt.a_cert && opt.b_cert && opt.relay.sin_port && opt.b.sin_port &&
           opt.a.sin_addr.s_addr && opt.rate && opt.calls && opt.calls <= CALLS_MAX &&
           (opt.measure_s > 0) != (opt.hold_s > 0) && (opt.hold_s <= 0 || opt.hold_s * 1e6 > 2 * QUIET_US);
}

static bool set_up(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    TAILQ_INIT(&gen.talking);
    gen.boot = (unsigned long)gh_gen_now_us();
    gen.phase = opt.hold_s > 0 ? GH_GEN_MEASURED : GH_GEN_SETTLING;
    gen.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    gen.media = gh_gen_media_new(gen.epoll_fd, 2 * opt.calls);
    gen.calls = calloc(opt.calls, sizeof(*gen.calls));
    gen.b = calloc(opt.calls, sizeof(*gen.b));
    gen.answer_ms = calloc(opt.calls, sizeof(*gen.answer_ms));
    gen.a_tls = gh_gen_tls_new(opt.a_cert, opt.ca);
    gen.b_tls = gh_gen_tls_new(opt.b_cert, opt.ca);
    if (gen.epoll_fd < 0 || !gen.media || !gen.calls || !gen.b || !gen.answer_ms || !gen.a_tls || !gen.b_tls ||
        !gh_gen_listen(&gen.listener, gen.epoll_fd, gen.b_tls, opt.b))
        return false;
    gen.caller = gh_gen_connect(gen.epoll_fd, gen.a_tls, opt.a.sin_addr, opt.relay);
    return gen.caller != NULL;
}

static void tear_down(void)
{
    for (unsigned i = 0; i < gen.started; i++) {
        if (!gen.calls[i].over)
            gh_gen_stream_close(gen.media, gen.calls[i].stream);
    }
    for (unsigned i = 0; i < gen.called; i++)
        gh_gen_stream_close(gen.media, gen.b[i]);
    gh_gen_media_bury(gen.media);
    gh_gen_media_free(gen.media);
    gh_gen_conn_free(gen.caller);
    for (unsigned i = 0; i < gen.conn_count; i++)
        gh_gen_conn_free(gen.conns[i]);
    SSL_CTX_free(gen.a_tls);
    SSL_CTX_free(gen.b_tls);
    free(gen.calls);
    free(gen.b);
    free(gen.answer_ms);
    close(gen.listener.fd);
    close(gen.epoll_fd);
}

int main(int argc, char **argv)
{
    if (!parse_options(argc, argv)) {
        fprintf(stderr, "usage: load-generator --ca PEM --relay ADDR:PORT --a ADDR --a-cert PEM --b ADDR:PORT\n"
                        "         --b-cert PEM --calls N --rate PER_SECOND\n"
                        "         (--measure SECONDS [--settle SECONDS] | --hold SECONDS)\n");
        return 2;
    }
    if (!set_up())
        fail("generator");
    run();
    report();
    tear_down();
    return 0;
}
