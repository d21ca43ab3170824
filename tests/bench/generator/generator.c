/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load for a relay: both ends of its calls in one thread, with SRTP that is authenticated, decrypted and compared
 * packet by packet.  Nothing of gatehouse is in it.
 *
 *   load-generator --ca PEM --relay ADDR:PORT --a ADDR --a-cert PEM --b ADDR:PORT --b-cert PEM
 *                  [--suites A,B] [--watch PID] [--packet-ms MS]
 *                  --calls N --rate PER_SECOND (--measure SECONDS [--settle SECONDS] [--quiet] [--spin] | --hold SECONDS)
 *   load-generator --ng ADDR:PORT --a ADDR --b ADDR ...         the same through rtpengine
 *
 * --suites: what each side speaks: rtp, cm80 or gcm256.  --packet-ms: of a stream, from one packet to the next, 20.
 * --measure: all calls at once; when the last one is up they settle, "measuring" is printed, and every packet that is
 * sent for so long is counted; when it had time to arrive, "measured" is printed and a line read, while the sockets
 * are still open; then all hang up.  --quiet: they fall silent after settling, and are watched so.  --spin: do not
 * sleep while it is measured: the relay would pay for waking us.  --hold: each call hangs up so long after its 200.
 * --watch: what that process uses while it is measured.  Ends with one line of JSON.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "calls.h"

#define CALLS_MAX   200000
#define LINGER_S    1.0    /* nothing came for so long: nothing is under way any more */
#define PATIENCE_S  20.0   /* after the last call was due to end */
#define QUIET_US    200000 /* between a call's last packet and its BYE */
#define EVENTS_MAX  256
#define PACKET_MS_MAX 10000
#define SLICE_US    250000 /* the watched is looked at so often: others may have the machine for a while */
#define SLICES_MAX  4096

struct gh_gen_options gh_gen_opt = { .rate = 50, .settle_s = 5, .packet_ms = 20,
                                     .suites = { GH_GEN_CM_80, GH_GEN_CM_80 } };
struct gh_gen_calls gh_gen;

static struct {
    const struct gh_gen_signalling *signalling;
    uint64_t start_us, phase_us;
    enum gh_gen_phase phase;
    bool told; /* "measured" */
    struct gh_gen_usage empty, before, after; /* of the watched: without calls; before and after it was measured */
    struct gh_gen_usage at_slice;
    uint64_t slice_us, slice_received; /* when the present one began, and what had come by then */
    float slices[SLICES_MAX];          /* us of the watched for a packet that came */
    unsigned slice_count;
} state;

void gh_gen_fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* ---- calls ------------------------------------------------------------------------------------------------ */

uint64_t gh_gen_talk_until(uint64_t now_us)
{
    return gh_gen_opt.hold_s > 0 ? now_us + (uint64_t)(gh_gen_opt.hold_s * 1e6) - QUIET_US : UINT64_MAX;
}

void gh_gen_call_is_up(struct gh_gen_call *call)
{
    uint64_t now_us = gh_gen_now_us();

    gh_gen.answer_ms[gh_gen.answered++] = (float)(now_us - call->invite_us) / 1e3f;
    call->up = true;
    call->hang_up_us = now_us + (uint64_t)(gh_gen_opt.hold_s * 1e6);
    TAILQ_INSERT_TAIL(&gh_gen.talking, call, link);
    gh_gen_stream_talk(gh_gen.media, call->stream, gh_gen_talk_until(now_us));
}

void gh_gen_call_is_over(struct gh_gen_call *call)
{
    if (call->over)
        return;
    call->over = true;
    gh_gen.ended++;
    gh_gen_stream_close(gh_gen.media, call->stream);
}

static void place_call(void)
{
    struct gh_gen_call *call = &gh_gen.calls[gh_gen.started];

    call->index = gh_gen.started++;
    call->invite_us = gh_gen_now_us();
    state.signalling->place(call);
}

static void hang_up(struct gh_gen_call *call)
{
    TAILQ_REMOVE(&gh_gen.talking, call, link);
    state.signalling->hang_up(call);
}

/* ---- time ------------------------------------------------------------------------------------------------- */

static void watch(struct gh_gen_usage *out)
{
    if (gh_gen_opt.watch && !gh_gen_watch(gh_gen_opt.watch, out))
        gh_gen_fail("generator: the process to watch");
}

static void begin_slice(uint64_t now_us)
{
    watch(&state.at_slice);
    state.slice_us = now_us;
    state.slice_received = gh_gen_media_received(gh_gen.media);
}

static void end_slice(uint64_t now_us)
{
    uint64_t received = gh_gen_media_received(gh_gen.media) - state.slice_received;
    double cpu_s = state.at_slice.cpu_s;

    if (now_us - state.slice_us < SLICE_US)
        return;
    begin_slice(now_us);
    if (received && state.slice_count < SLICES_MAX)
        state.slices[state.slice_count++] = (float)((state.at_slice.cpu_s - cpu_s) * 1e6 / (double)received);
}

static void enter(enum gh_gen_phase phase, uint64_t now_us)
{
    state.phase = phase;
    state.phase_us = now_us;
}

/* --measure: up, settled, measured, arrived, over. */
static void measure(uint64_t now_us)
{
    double in_phase_s = (double)(now_us - state.phase_us) / 1e6;
    double silent_s = (double)(now_us - gh_gen_media_last_us(gh_gen.media)) / 1e6;

    if (gh_gen.answered + gh_gen.refused < gh_gen_opt.calls) {
        state.phase_us = now_us;
    } else if (state.phase == GH_GEN_SETTLING && in_phase_s >= gh_gen_opt.settle_s) {
        watch(&state.before);
        begin_slice(now_us);
        enter(GH_GEN_MEASURED, now_us);
        printf("measuring\n");
        fflush(stdout);
    } else if (state.phase == GH_GEN_MEASURED && in_phase_s >= gh_gen_opt.measure_s) {
        watch(&state.after);
        enter(GH_GEN_LINGERING, now_us);
    } else if (state.phase == GH_GEN_MEASURED) {
        end_slice(now_us);
    } else if (state.phase == GH_GEN_LINGERING && in_phase_s >= LINGER_S && silent_s >= LINGER_S && !state.told) {
        state.told = true;
        printf("measured\n");
        fflush(stdout);
        getchar(); /* until whoever reads this has looked at the sockets */
    } else if (state.told && !TAILQ_EMPTY(&gh_gen.talking)) {
        hang_up(TAILQ_FIRST(&gh_gen.talking)); /* one a turn: all at once would overflow a socket's queue */
    }
}

/* What is due now.  @wait_ms  set: how long there is nothing to do.  @return false: nothing will be any more */
static bool tick(uint64_t now_us, int *wait_ms)
{
    const struct gh_gen_options *opt = &gh_gen_opt;
    double since_s = (double)(now_us - state.start_us) / 1e6;
    bool silent = opt->quiet && state.phase != GH_GEN_SETTLING;
    struct gh_gen_call *call;

    while (gh_gen.started < opt->calls && since_s * opt->rate >= gh_gen.started)
        place_call();
    if (opt->measure_s > 0) {
        measure(now_us);
    } else {
        while ((call = TAILQ_FIRST(&gh_gen.talking)) && call->hang_up_us <= now_us)
            hang_up(call);
    }
    *wait_ms = gh_gen_media_tick(gh_gen.media, now_us, silent ? GH_GEN_LINGERING : state.phase) ? 1 : 0;
    if (opt->spin && state.phase == GH_GEN_MEASURED)
        *wait_ms = 0;
    return gh_gen.ended < opt->calls &&
           since_s < opt->calls / (double)opt->rate + opt->settle_s + opt->measure_s + opt->hold_s + PATIENCE_S;
}

/* The clock of the calls starts when the signalling is up. */
static void run(void)
{
    struct epoll_event events[EVENTS_MAX];
    bool more = true;
    int wait_ms = 1;

    while (more && !state.signalling->is_lost()) {
        int n = epoll_wait(gh_gen.epoll_fd, events, EVENTS_MAX, wait_ms);

        for (int i = 0; i < n; i++) {
            if (*(enum gh_gen_kind *)events[i].data.ptr == GH_GEN_STREAM)
                gh_gen_stream_readable(gh_gen.media, events[i].data.ptr);
            else
                state.signalling->on_event(events[i].data.ptr);
        }
        gh_gen_media_bury(gh_gen.media);
        if (!state.start_us && state.signalling->is_up()) {
            watch(&state.empty);
            state.start_us = gh_gen_now_us();
        }
        if (state.start_us)
            more = tick(gh_gen_now_us(), &wait_ms);
    }
}

/* ---- report ----------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static double answer_ms_at(double part)
{
    size_t at = (size_t)((double)gh_gen.answered * part);

    return gh_gen.answered ? (double)gh_gen.answer_ms[at < gh_gen.answered ? at : gh_gen.answered - 1] : 0;
}

static void report_media(void)
{
    struct gh_gen_media_totals media = gh_gen_media_totals(gh_gen.media);

    printf("\"sent\":[%llu,%llu],\"received\":[%llu,%llu],\"streams_with_loss\":%llu,\"send_failed\":%llu,"
           "\"auth_failed\":%llu,\"garbled\":%llu,\"disordered\":%llu,\"crossed\":%llu,"
           "\"delay_us\":{\"p50\":%.0f,\"p99\":%.0f,\"max\":%.0f},\"late_max_ms\":%.1f,",
           (unsigned long long)media.sent[0], (unsigned long long)media.sent[1],
           (unsigned long long)media.received[0], (unsigned long long)media.received[1],
           (unsigned long long)media.streams_with_loss, (unsigned long long)media.refused,
           (unsigned long long)media.auth_failed, (unsigned long long)media.garbled,
           (unsigned long long)media.disordered, (unsigned long long)media.crossed, media.delay_us_p50,
           media.delay_us_p99, media.delay_us_max, media.late_max_ms);
}

static void report_watched(void)
{
    const struct gh_gen_usage *empty = &state.empty, *before = &state.before, *after = &state.after;

    printf("\"relay\":{\"cpu_s\":%.6f,\"user_s\":%.2f,\"waited_s\":%.6f,\"setup_cpu_s\":%.6f,"
           "\"rss_kib\":[%ld,%ld,%ld],\"slices_us\":[",
           after->cpu_s - before->cpu_s, after->user_s - before->user_s, after->waited_s - before->waited_s,
           before->cpu_s - empty->cpu_s, empty->rss_kib, before->rss_kib, after->rss_kib);
    for (unsigned i = 0; i < state.slice_count; i++)
        printf("%s%.3f", i ? "," : "", (double)state.slices[i]);
    printf("]},");
}

static void report(void)
{
    struct rusage usage;

    qsort(gh_gen.answer_ms, gh_gen.answered, sizeof(*gh_gen.answer_ms), by_value);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"calls\":%u,\"answered\":%u,\"refused\":%u,\"ended\":%u,\"repeated\":%u,\"connections\":%u,"
           "\"answer_ms\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f},",
           gh_gen.started, gh_gen.answered, gh_gen.refused, gh_gen.ended, gh_gen.repeated,
           state.signalling->connections(), answer_ms_at(0.50), answer_ms_at(0.99), answer_ms_at(1));
    report_media();
    if (gh_gen_opt.watch)
        report_watched();
    printf("\"cpu_s\":%.2f}\n",
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

/* ---- start and end ---------------------------------------------------------------------------------------- */

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

static bool parse_suites(const char *text)
{
    for (int side = 0; side < 2; side++) {
        size_t len = strcspn(text, ",");
        int suite = 0;

        while (suite < GH_GEN_SUITES && (strlen(gh_gen_suites[suite].option) != len ||
                                         strncmp(gh_gen_suites[suite].option, text, len) != 0))
            suite++;
        if (suite == GH_GEN_SUITES || text[len] != (side ? 0 : ','))
            return false;
        gh_gen_opt.suites[side] = (enum gh_gen_suite)suite;
        text += len + 1;
    }
    return true;
}

static bool options_are_right(void)
{
    const struct gh_gen_options *opt = &gh_gen_opt;
    bool reachable = opt->relay.sin_port && opt->a.sin_addr.s_addr && opt->b.sin_addr.s_addr;

    if (!opt->ng)
        reachable = reachable && opt->ca && opt->a_cert && opt->b_cert && opt->b.sin_port;
    return reachable && opt->rate && opt->calls && opt->calls <= CALLS_MAX && opt->packet_ms &&
           opt->packet_ms <= PACKET_MS_MAX && (opt->measure_s > 0) != (opt->hold_s > 0) &&
           (opt->hold_s <= 0 || opt->hold_s * 1e6 > 2 * QUIET_US);
}

static bool parse_options(int argc, char **argv)
{
    static const struct option longs[] = {
        { "ca", required_argument, NULL, 'c' },      { "relay", required_argument, NULL, 'r' },
        { "a", required_argument, NULL, 'a' },       { "a-cert", required_argument, NULL, 'A' },
        { "b", required_argument, NULL, 'b' },       { "b-cert", required_argument, NULL, 'B' },
        { "calls", required_argument, NULL, 'n' },   { "rate", required_argument, NULL, 'R' },
        { "measure", required_argument, NULL, 'm' }, { "settle", required_argument, NULL, 's' },
        { "hold", required_argument, NULL, 'h' },    { "ng", required_argument, NULL, 'g' },
        { "suites", required_argument, NULL, 'u' },  { "watch", required_argument, NULL, 'w' },
        { "packet-ms", required_argument, NULL, 'p' }, { "quiet", no_argument, NULL, 'q' },
        { "spin", no_argument, NULL, 'i' },
        { NULL, 0, NULL, 0 },
    };
    struct gh_gen_options *opt = &gh_gen_opt;
    bool good = true;
    int c;

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'c': opt->ca = optarg; break;
        case 'g': opt->ng = true; /* fall through */
        case 'r': good &= parse_address(optarg, &opt->relay); break;
        case 'a': good &= parse_address(optarg, &opt->a); break;
        case 'A': opt->a_cert = optarg; break;
        case 'b': good &= parse_address(optarg, &opt->b); break;
        case 'B': opt->b_cert = optarg; break;
        case 'n': opt->calls = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'R': opt->rate = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'm': opt->measure_s = strtod(optarg, NULL); break;
        case 's': opt->settle_s = strtod(optarg, NULL); break;
        case 'h': opt->hold_s = strtod(optarg, NULL); break;
        case 'u': good &= parse_suites(optarg); break;
        case 'w': opt->watch = strtol(optarg, NULL, 10); break;
        case 'p': opt->packet_ms = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'q': opt->quiet = true; break;
        case 'i': opt->spin = true; break;
        default: good = false;
        }
    }
    return good && optind == argc && options_are_right();
}

static bool set_up(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    TAILQ_INIT(&gh_gen.talking);
    gh_gen.boot = (unsigned long)gh_gen_now_us();
    state.phase = gh_gen_opt.hold_s > 0 ? GH_GEN_MEASURED : GH_GEN_SETTLING;
    state.signalling = gh_gen_opt.ng ? &gh_gen_ng : &gh_gen_sip;
    gh_gen.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    gh_gen.media = gh_gen_media_new(gh_gen.epoll_fd, 2 * gh_gen_opt.calls, gh_gen_opt.packet_ms);
    gh_gen.calls = calloc(gh_gen_opt.calls, sizeof(*gh_gen.calls));
    gh_gen.answer_ms = calloc(gh_gen_opt.calls, sizeof(*gh_gen.answer_ms));
    return gh_gen.epoll_fd >= 0 && gh_gen.media && gh_gen.calls && gh_gen.answer_ms && state.signalling->start();
}

static void tear_down(void)
{
    for (unsigned i = 0; i < gh_gen.started; i++) {
        if (!gh_gen.calls[i].over)
            gh_gen_stream_close(gh_gen.media, gh_gen.calls[i].stream);
    }
    state.signalling->stop();
    gh_gen_media_bury(gh_gen.media);
    gh_gen_media_free(gh_gen.media);
    free(gh_gen.calls);
    free(gh_gen.answer_ms);
    close(gh_gen.epoll_fd);
}

int main(int argc, char **argv)
{
    if (!parse_options(argc, argv)) {
        fprintf(stderr, "usage: load-generator\n"
                        "         (--ca PEM --relay ADDR:PORT --a-cert PEM --b-cert PEM | --ng ADDR:PORT)\n"
                        "         --a ADDR --b ADDR[:PORT] [--suites A,B] [--packet-ms MS] [--watch PID]\n"
                        "         --calls N --rate PER_SECOND\n"
                        "         (--measure SECONDS [--settle SECONDS] [--quiet] [--spin] | --hold SECONDS)\n");
        return 2;
    }
    if (!set_up())
        gh_gen_fail("generator");
    run();
    report();
    tear_down();
    return 0;
}
