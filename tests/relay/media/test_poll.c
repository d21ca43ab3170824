/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's loop: commands before packets, and none of the sockets that a command has closed. */
#include "support/check.h"

#include <uv.h>

#include "crypto/srtp_ciphers.h"
#include "media/media_int.h"
#include "support_media.h"

struct pause {
    struct gh_hold_msg hold;
    uv_sem_t held, go;
};

/* The worker stands still from here on. */
static void begin(struct lab *lab, struct pause *pause)
{
    uv_sem_init(&pause->held, 0);
    uv_sem_init(&pause->go, 0);
    pause->hold.held = &pause->held;
    pause->hold.go = &pause->go;
    gh_media_hold(lab->media, 0, &pause->hold);
    uv_sem_wait(&pause->held);
}

static void end(struct lab *lab, struct pause *pause)
{
    uv_sem_post(&pause->go);
    lab_barrier(lab);
    uv_sem_destroy(&pause->held);
    uv_sem_destroy(&pause->go);
}

/* An answer leaves after its set was posted, and the peer's first packet may be as quick as that. */
static void a_set_comes_before_the_packet_behind_it(void)
{
    static const struct gh_secret none;

    for (int i = 0; i < 20; i++) {
        struct lab lab;
        struct pause pause;
        struct gh_media_set sets[2];
        uint8_t p[PKT_MAX];
        size_t len;

        if (!lab_start(&lab, 4, 0))
            return;
        for (int s = 0; s < 2; s++)
            sets[s] = lab_side(&lab, s, GH_PATH_CLEAR, GH_SUITE_NONE, &none, &none);
        begin(&lab, &pause);
        CHECK_INT(gh_media_set_both(lab.media, sets), 0);
        len = make_rtp(&lab.phones[0], p, 0, 160);
        CHECK(phone_send(&lab, 0, false, p, len));
        end(&lab, &pause);
        CHECK_INT(phone_receive(&lab, 1, false, p), len);
        CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_NO_KEY_YET], 0);
        LAB_END(&lab);
    }
}

/* More sockets have something than are read in a turn, and then they go. */
static void streams_close_while_their_sockets_are_full(void)
{
    enum { STREAMS = 40 };
    struct lab lab;
    struct pause pause;
    struct gh_media_open open = { 0 };
    gh_stream_id streams[STREAMS];
    uint16_t ports[2];
    uint8_t p[PKT_MAX];
    size_t len;

    if (!lab_start(&lab, 4, 0))
        return;
    len = make_rtp(&lab.phones[0], p, 0, 160);
    for (int round = 0; round < 5; round++) {
        int opened = 0, before = lab.closed_count;

        while (opened < STREAMS && gh_media_open(lab.media, &open, &streams[opened], ports) == 0) {
            if (opened == 0)
                begin(&lab, &pause);
            lab.port[1][0].port = ports[1];
            for (int i = 0; i < 3; i++)
                CHECK(phone_send(&lab, 1, false, p, len));
            opened++;
        }
        CHECK(opened > 1);
        for (int i = 0; i < opened; i += 2)
            CHECK_INT(gh_media_close(lab.media, streams[i]), 0);
        end(&lab, &pause);
        for (int i = 1; i < opened; i += 2)
            CHECK_INT(gh_media_close(lab.media, streams[i]), 0);
        lab_barrier(&lab);
        CHECK(lab.closed_count >= before + opened);
    }
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(a_set_comes_before_the_packet_behind_it);
    RUN(streams_close_while_their_sockets_are_full);
    return CHECK_REPORT();
}
