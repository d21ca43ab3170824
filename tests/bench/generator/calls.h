/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the load generator, and the two ways to set them up: SIP over mutual TLS through gatehouse, as its two
 * neighbours (sip.c), or SDP by the ng protocol through rtpengine, as the SIP server that drives it (ng.c).
 */
#ifndef GH_GEN_CALLS_H
#define GH_GEN_CALLS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "media.h"

struct gh_gen_options {
    const char *ca, *a_cert, *b_cert;
    struct sockaddr_in relay, a, b;
    bool ng;
    enum gh_gen_suite suites[2];       /* of caller and callee */
    unsigned calls, rate, packet_ms;
    double measure_s, settle_s, hold_s;
    bool quiet;                        /* nothing is sent while it is measured */
    bool spin;                         /* do not sleep while it is measured */
    long watch;                        /* the relay's process; 0: none */
};

/* A call of the caller.  Its index stands in its Call-ID. */
struct gh_gen_call {
    TAILQ_ENTRY(gh_gen_call) link;     /* of those that will hang up, the first one first */
    unsigned index;
    struct gh_gen_stream *stream;      /* the caller's */
    struct gh_gen_stream *other;       /* ng: the callee's; with SIP the two sides know nothing of each other */
    uint64_t invite_us, hang_up_us;
    char relay_tag[80];                /* SIP: To tag of gatehouse towards the caller */
    char relay_uri[128];               /* its Contact */
    bool up, over;
};

extern struct gh_gen_options gh_gen_opt;
extern struct gh_gen_calls {
    int epoll_fd;
    struct gh_gen_media *media;
    struct gh_gen_call *calls;
    TAILQ_HEAD(, gh_gen_call) talking;
    float *answer_ms;                  /* from INVITE to 200, of those that were answered */
    unsigned started, answered, ended, refused, repeated;
    unsigned long boot;                /* makes Call-IDs of two runs differ */
} gh_gen;

/* What signalling does with a call. */
struct gh_gen_signalling {
    bool (*start)(void);
    bool (*is_up)(void);               /* calls may be placed */
    bool (*is_lost)(void);             /* no call can be placed any more */
    void (*place)(struct gh_gen_call *call);
    void (*hang_up)(struct gh_gen_call *call);
    void (*on_event)(enum gh_gen_kind *source);
    unsigned (*connections)(void);     /* over which the calls went */
    void (*stop)(void);
};
extern const struct gh_gen_signalling gh_gen_sip, gh_gen_ng;

/* generator.c */
/** Both streams are joined: the caller's begins to send, and it hangs up in time. */
void gh_gen_call_is_up(struct gh_gen_call *call);
void gh_gen_call_is_over(struct gh_gen_call *call);
/** With --hold both sides fall silent before the caller hangs up, so that nothing is under way then. */
uint64_t gh_gen_talk_until(uint64_t now_us);
/** perror and exit. */
__attribute__((noreturn))
void gh_gen_fail(const char *what);

/* sdp.c */
struct gh_gen_peer_sdp {
    struct sockaddr_in rtp;
    uint8_t key[GH_GEN_KEY_MAX];
    unsigned tag;
};
/** An offer, or an answer that takes the line with @tag.  @return length, below @size */
size_t gh_gen_print_sdp(char *out, size_t size, const struct gh_gen_stream *stream, struct in_addr local, unsigned tag);
/** @return false: no m-line that is on, or no a=crypto line of @suite */
bool gh_gen_read_sdp(const char *sdp, enum gh_gen_suite suite, struct gh_gen_peer_sdp *out);

/* watch.c */
struct gh_gen_usage {
    double cpu_s, waited_s; /* all threads: running; ready to run while others had the core */
    double user_s;          /* of cpu_s, by the clock tick */
    long rss_kib;
};
/** What a process has used so far. */
bool gh_gen_watch(long pid, struct gh_gen_usage *out);

#endif
