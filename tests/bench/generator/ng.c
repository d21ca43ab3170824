/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls through rtpengine: offer, answer and delete of its ng protocol, one datagram each, in which a cookie precedes a
 * bencoded dictionary.  The cookie names step and call, and comes back with the response.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls.h"

#define DATAGRAM_MAX  4096
#define SOCKET_BUFFER (4 << 20)

static struct {
    enum gh_gen_kind kind;
    int fd;
    bool up, lost;
} ng = { .kind = GH_GEN_NG, .fd = -1 };

/* ---- requests --------------------------------------------------------------------------------------------- */

struct text {
    char octets[DATAGRAM_MAX];
    size_t len;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *text, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(text->octets + text->len, sizeof(text->octets) - text->len, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text->octets) - text->len)
        abort();
    text->len += (size_t)len;
}

static void add_string(struct text *text, const char *value)
{
    add(text, "%zu:%s", strlen(value), value);
}

static void add_pair(struct text *text, const char *key, const char *value)
{
    add_string(text, key);
    add_string(text, value);
}

/* Cookie, command and the call; the dictionary is still open. */
static void begin(struct text *text, const struct gh_gen_call *call, char step, const char *command)
{
    char word[64];

    text->len = 0;
    add(text, "%c%u d", step, call->index);
    add_pair(text, "command", command);
    snprintf(word, sizeof(word), "%u-%lx", call->index, gh_gen.boot);
    add_pair(text, "call-id", word);
    snprintf(word, sizeof(word), "a%u", call->index);
    add_pair(text, "from-tag", word);
}

static void post(struct text *text)
{
    add(text, "e");
    if (send(ng.fd, text->octets, text->len, 0) != (ssize_t)text->len)
        ng.lost = true;
}

/* What the other side is to get: SRTP or RTP; nothing of ICE and DTLS.  Offered are all suites of rtpengine's, the
 * first one that of the offer; the callee takes its own. */
static void add_profile(struct text *text, enum gh_gen_suite suite)
{
    add_pair(text, "transport-protocol", gh_gen_suites[suite].name ? "RTP/SAVP" : "RTP/AVP");
    add_pair(text, "ICE", "remove");
    add_pair(text, "DTLS", "off");
    add_string(text, "replace");
    add(text, "l6:origin18:session-connectione");
}

static void place(struct gh_gen_call *call)
{
    struct text text;
    char sdp[512];

    call->stream = gh_gen_stream_new(gh_gen.media, 0, gh_gen_opt.a.sin_addr, gh_gen_opt.suites[0]);
    call->other = gh_gen_stream_new(gh_gen.media, 1, gh_gen_opt.b.sin_addr, gh_gen_opt.suites[1]);
    if (!call->stream || !call->other)
        gh_gen_fail("generator: a socket for media");
    begin(&text, call, 'o', "offer");
    gh_gen_print_sdp(sdp, sizeof(sdp), call->stream, gh_gen_opt.a.sin_addr, 1);
    add_pair(&text, "sdp", sdp);
    add_profile(&text, call->other->suite);
    post(&text);
}

static void send_answer(struct gh_gen_call *call, unsigned tag)
{
    struct text text;
    char sdp[512], to_tag[32];

    begin(&text, call, 'a', "answer");
    snprintf(to_tag, sizeof(to_tag), "b%u", call->index);
    add_pair(&text, "to-tag", to_tag);
    gh_gen_print_sdp(sdp, sizeof(sdp), call->other, gh_gen_opt.b.sin_addr, tag);
    add_pair(&text, "sdp", sdp);
    add_profile(&text, call->stream->suite);
    post(&text);
}

static void hang_up(struct gh_gen_call *call)
{
    struct text text;

    begin(&text, call, 'd', "delete");
    post(&text);
}

/* ---- responses -------------------------------------------------------------------------------------------- */

/* The SDP in a response, with a NUL behind it; NULL: none.  What rtpengine writes is taken for well-formed. */
static char *sdp_of(char *response, size_t len)
{
    char *at = memmem(response, len, "3:sdp", 5), *end;
    size_t sdp_len, left;

    if (!at)
        return NULL;
    sdp_len = strtoul(at + 5, &end, 10);
    left = len - (size_t)(end - response);
    if (*end != ':' || sdp_len >= left)
        return NULL;
    end[1 + sdp_len] = 0;
    return end + 1;
}

static void refuse(struct gh_gen_call *call, const char *response)
{
    if (!gh_gen.refused++)
        fprintf(stderr, "generator: refused: %s\n", response);
    gh_gen_call_is_over(call);
}

/* @step  of the cookie */
static void on_response(struct gh_gen_call *call, char step, char *response, size_t len)
{
    bool ok = memmem(response, len, "6:result2:ok", 12) != NULL;
    struct gh_gen_stream *stream = step == 'o' ? call->other : call->stream;
    struct gh_gen_peer_sdp peer;
    const char *sdp;

    if (call->over)
        return;
    if (step == 'd') {
        gh_gen_stream_close(gh_gen.media, call->other);
        gh_gen_call_is_over(call);
        return;
    }
    sdp = ok ? sdp_of(response, len) : NULL;
    if (!sdp || !gh_gen_read_sdp(sdp, stream->suite, &peer) || !gh_gen_stream_join(stream, peer.rtp, peer.key)) {
        refuse(call, sdp ? sdp : response);
        return;
    }
    if (step == 'o') {
        send_answer(call, peer.tag);
        return;
    }
    gh_gen_call_is_up(call);
    gh_gen_stream_talk(gh_gen.media, call->other, gh_gen_talk_until(gh_gen_now_us()));
}

static void on_event(enum gh_gen_kind *source)
{
    char response[DATAGRAM_MAX + 1];
    ssize_t n = recv(ng.fd, response, DATAGRAM_MAX, 0);
    char step;
    unsigned index;
    int at = 0;

    (void)source;
    if (n < 0) {
        ng.lost = errno != EAGAIN;
        return;
    }
    ng.up = true;
    response[n] = 0;
    if (sscanf(response, "%c%u %n", &step, &index, &at) == 2 && at && index < gh_gen.started && step != 'p')
        on_response(&gh_gen.calls[index], step, response + at, (size_t)(n - at));
}

/* ---- start and end ---------------------------------------------------------------------------------------- */

static bool start(void)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &ng };
    const int buffer = SOCKET_BUFFER;
    const char ping[] = "p0 d7:command4:pinge";

    ng.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (ng.fd < 0 || connect(ng.fd, (struct sockaddr *)&gh_gen_opt.relay, sizeof(gh_gen_opt.relay)) != 0)
        return false;
    setsockopt(ng.fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    return epoll_ctl(gh_gen.epoll_fd, EPOLL_CTL_ADD, ng.fd, &event) == 0 &&
           send(ng.fd, ping, sizeof(ping) - 1, 0) > 0;
}

static bool is_up(void)
{
    return ng.up;
}

static bool is_lost(void)
{
    return ng.lost;
}

static unsigned connections(void)
{
    return 0;
}

static void stop(void)
{
    for (unsigned i = 0; i < gh_gen.started; i++) {
        if (!gh_gen.calls[i].over)
            gh_gen_stream_close(gh_gen.media, gh_gen.calls[i].other);
    }
    close(ng.fd);
}

const struct gh_gen_signalling gh_gen_ng = { start, is_up, is_lost, place, hang_up, on_event, connections, stop };
