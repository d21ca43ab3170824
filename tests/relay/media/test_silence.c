/* SPDX-License-Identifier: Apache-2.0 */
/* Timeouts of sides and of streams on hold: every rule with time as an argument, then on live streams. */
#include "support/check.h"

#include "crypto/srtp_ciphers.h"
#include "media/media_int.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80;

#define TIMEOUT_MS 60000U
#define ON_HOLD_MS 1800000U

/* ---- with time as an argument --------------------------------------------------------------------------- */

static struct gh_stream *stream_of(bool a_may_send, bool b_may_send)
{
    static struct gh_stream stream;
    bool may[2] = { a_may_send, b_may_send };

    memset(&stream, 0, sizeof(stream));
    stream.timeout_ms = TIMEOUT_MS;
    stream.timeout_on_hold_ms = ON_HOLD_MS;
    for (int s = 0; s < 2; s++) {
        struct gh_side *side = &stream.sides[s];

        side->stream = &stream;
        side->was_set = true;
        side->may_send = may[s];
        side->remote_rtp = (struct gh_addr){ .family = 4, .ip = { 192, 0, 2, 1 }, .port = 4000 };
    }
    gh_stream_note_hold(&stream, 0);
    return &stream;
}

/* Fax is half duplex: while a page goes one way nothing comes the other, and both are there. */
static void datagrams_of_either_side_count_for_both(void)
{
    struct gh_stream *stream = stream_of(true, true);

    stream->sides[0].datagrams = stream->sides[1].datagrams = true;
    stream->sides[1].heard_ms = 1000;
    for (int s = 0; s < 2; s++) {
        CHECK(!gh_side_is_silent(&stream->sides[s], TIMEOUT_MS + 999));
        CHECK(gh_side_is_silent(&stream->sides[s], TIMEOUT_MS + 1000));
    }
    stream->sides[0].datagrams = stream->sides[1].datagrams = false; /* as RTP, each for itself */
    CHECK(gh_side_is_silent(&stream->sides[0], TIMEOUT_MS));
    CHECK(!gh_side_is_silent(&stream->sides[1], TIMEOUT_MS));
}

/* Who may send; which of the three clocks has run out after each time. */
static void which_clock_runs(void)
{
    static const struct row {
        bool a_sends, b_sends, a_silent, b_silent, forgotten;
    } rows[] = {
        { true, true, true, true, false },
        { true, false, true, false, false },
        { false, true, false, true, false },
        { false, false, false, false, true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct gh_stream *stream = stream_of(row->a_sends, row->b_sends);

        CHECK(!gh_side_is_silent(&stream->sides[0], TIMEOUT_MS - 1));
        CHECK(!gh_side_is_silent(&stream->sides[1], TIMEOUT_MS - 1));
        CHECK_INT(gh_side_is_silent(&stream->sides[0], TIMEOUT_MS), row->a_silent);
        CHECK_INT(gh_side_is_silent(&stream->sides[1], TIMEOUT_MS), row->b_silent);
        CHECK(!gh_stream_is_forgotten(stream, ON_HOLD_MS - 1));
        CHECK_INT(gh_stream_is_forgotten(stream, ON_HOLD_MS), row->forgotten);
        CHECK_INT(gh_side_is_silent(&stream->sides[0], ON_HOLD_MS), row->a_silent);
    }
}

/* RFC 2543 holds by an address of zeros and sendrecv: nothing can come from there either. */
static void a_placeholder_is_on_hold(void)
{
    struct gh_stream *stream = stream_of(false, true);

    memset(stream->sides[1].remote_rtp.ip, 0, sizeof(stream->sides[1].remote_rtp.ip));
    gh_stream_note_hold(stream, 0);
    CHECK(!gh_side_is_silent(&stream->sides[1], 10 * TIMEOUT_MS));
    CHECK(gh_stream_is_forgotten(stream, ON_HOLD_MS));
}

static void hold_counts_from_its_first_set(void)
{
    struct gh_stream *stream = stream_of(true, false);

    stream->sides[0].may_send = false;
    gh_stream_note_hold(stream, 5000);
    CHECK(!gh_stream_is_forgotten(stream, 5000 + ON_HOLD_MS - 1));
    CHECK(gh_stream_is_forgotten(stream, 5000 + ON_HOLD_MS));
    gh_stream_note_hold(stream, 1000000); /* a session refresh */
    CHECK(gh_stream_is_forgotten(stream, 5000 + ON_HOLD_MS));
    stream->sides[1].heard_ms = 6000; /* RTCP */
    CHECK(!gh_stream_is_forgotten(stream, 5000 + ON_HOLD_MS));
    CHECK(gh_stream_is_forgotten(stream, 6000 + ON_HOLD_MS));
    /* Taken up again, and put on hold once more. */
    stream->sides[0].may_send = true;
    gh_stream_note_hold(stream, 2000000);
    CHECK(!gh_stream_is_forgotten(stream, 2000000 + ON_HOLD_MS));
    stream->sides[0].may_send = false;
    gh_stream_note_hold(stream, 3000000);
    CHECK(!gh_stream_is_forgotten(stream, 3000000 + ON_HOLD_MS - 1));
    CHECK(gh_stream_is_forgotten(stream, 3000000 + ON_HOLD_MS));
}

/* Before the answer, and without a number. */
static void some_clocks_never_run(void)
{
    struct gh_stream *stream = stream_of(false, false);

    stream->timeout_on_hold_ms = 0;
    CHECK(!gh_stream_is_forgotten(stream, UINT64_MAX));
    stream = stream_of(false, false);
    stream->sides[1].was_set = false;
    gh_stream_note_hold(stream, 0);
    CHECK(!gh_stream_is_forgotten(stream, UINT64_MAX));
    stream->sides[1].timeout_ms = 1;
    CHECK(!gh_side_is_silent(&stream->sides[1], UINT64_MAX));
    stream = stream_of(true, true);
    stream->timeout_ms = 0;
    CHECK(!gh_side_is_silent(&stream->sides[0], UINT64_MAX));
    stream->sides[0].timeout_ms = 70; /* its own, in the stream's place, and also while it may not send */
    stream->sides[0].may_send = false;
    CHECK(!gh_side_is_silent(&stream->sides[0], 69));
    CHECK(gh_side_is_silent(&stream->sides[0], 70));
}

/* One that is to send RTP and does not: five seconds of it are told, and the end. */
static void voice(void)
{
    struct gh_stream *stream = stream_of(true, true);
    struct gh_side *side = &stream->sides[0];

    CHECK(!gh_side_look_for_voice(side, 0, 100000)); /* the first look */
    CHECK(!gh_side_look_for_voice(side, 0, 100000 + GH_MEDIA_SILENT_MS - 1));
    CHECK(!gh_side_look_for_voice(side, 7, 100000 + GH_MEDIA_SILENT_MS)); /* seven came */
    CHECK(!gh_side_look_for_voice(side, 7, 100000 + 2 * GH_MEDIA_SILENT_MS - 1));
    CHECK(gh_side_look_for_voice(side, 7, 100000 + 2 * GH_MEDIA_SILENT_MS));
    CHECK_INT(side->voice_ms, 100000 + GH_MEDIA_SILENT_MS); /* since then */
    CHECK(gh_side_look_for_voice(side, 7, 200000)); /* nobody could be told: again */
    side->voiceless = true;
    CHECK(!gh_side_look_for_voice(side, 7, 300000));
    CHECK(gh_side_look_for_voice(side, 8, 300001));
    side->voiceless = false;
    CHECK(!gh_side_look_for_voice(side, 8, 300002));
}

/* On hold, by direction or by an address of zeros; before the first set; fax. */
static void who_is_not_to_send_is_not_silent(void)
{
    struct gh_stream *stream = stream_of(true, true);
    struct gh_side *side = &stream->sides[0];
    struct gh_addr at = side->remote_rtp;

    for (int way = 0; way < 4; way++) {
        side->voice_ms = 1;
        side->voiceless = true; /* until then it was: that is over */
        side->may_send = way != 0;
        side->was_set = way != 1;
        side->datagrams = way == 2;
        side->remote_rtp = at;
        if (way == 3)
            memset(side->remote_rtp.ip, 0, sizeof(side->remote_rtp.ip));
        CHECK(gh_side_look_for_voice(side, 0, 1000000));
        side->voiceless = false;
        CHECK(!gh_side_look_for_voice(side, 0, 2000000));
    }
    /* From hold: it has the same time as ever. */
    side->remote_rtp = at;
    CHECK(!gh_side_look_for_voice(side, 0, 2000000 + GH_MEDIA_SILENT_MS - 1));
    CHECK(gh_side_look_for_voice(side, 0, 2000000 + GH_MEDIA_SILENT_MS));
}

/* ---- on a live stream ------------------------------------------------------------------------------------- */

static void a_stream_on_hold_ends_once(void)
{
    struct lab lab;
    struct gh_secret key[4];
    struct gh_media_set sets[2];

    for (uint8_t i = 0; i < 4; i++)
        key[i] = lab_key(CM80, (uint8_t)(1 + i));
    if (!lab_start_held(&lab, 0, 1))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
    check_flows(&lab, 0, false);
    for (int round = 0; round < 2; round++) {
        for (int s = 0; s < 2; s++) {
            sets[s] = lab_side(&lab, s, GH_PATH_BRIDGE, CM80, &key[s], &key[2 + s]);
            sets[s].may_send = sets[s].may_receive = false;
        }
        CHECK_INT(gh_media_set_both(lab.media, sets), 0);
        CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_TIMEOUT, round + 1), round + 1);
        CHECK(lab.events[lab.event_count - 1].on_hold);
        CHECK_INT(lab.events[lab.event_count - 1].generation, lab.generation[0]);
        /* A set of b's own, and a tick that has passed when a new one of a's is heard of: no second one. */
        sets[1] = lab_side(&lab, 1, GH_PATH_BRIDGE, CM80, &key[1], &key[3]);
        sets[1].may_send = sets[1].may_receive = false;
        sets[1].timeout_ms = 1;
        CHECK_INT(lab_set(&lab, &sets[1]), 0);
        CHECK_INT(await_events(&lab, 1, GH_MEDIA_EVENT_TIMEOUT, round + 1), round + 1);
        CHECK(!lab.events[lab.event_count - 1].on_hold);
        CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_TIMEOUT), round + 1);
    }
    LAB_END(&lab);
}

static void silence_times_out_once_a_generation(void)
{
    struct lab lab;
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct gh_media_set set;

    if (!lab_start(&lab, 4, 1))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
    set = lab_side(&lab, 1, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.may_send = false;
    CHECK_INT(lab_set(&lab, &set), 0);
    CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_TIMEOUT, 1), 1);
    CHECK_INT(lab.events[0].generation, 1);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    CHECK_INT(lab_set(&lab, &set), 0);
    CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_TIMEOUT, 2), 2);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.may_send = false;
    CHECK_INT(lab_set(&lab, &set), 0);
    set = lab_side(&lab, 1, GH_PATH_BRIDGE, CM80, &rx, &tx);
    CHECK_INT(lab_set(&lab, &set), 0);
    /* b's comes now; a's, whose ticks went by as well, does not come again. */
    CHECK(await_events(&lab, 1, GH_MEDIA_EVENT_TIMEOUT, 1) >= 1);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_TIMEOUT), 2);
    LAB_END(&lab);
}

/* On hold a side may do nothing, or has no address at all: the set's own timeout runs all the same. */
static void a_set_may_bring_its_own_timeout(void)
{
    struct lab lab;
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);
    struct gh_media_set set;

    if (!lab_start(&lab, 4, 1))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
    set.timeout_ms = 3600 * 1000; /* longer than that of the stream */
    CHECK_INT(lab_set(&lab, &set), 0);
    CHECK_INT(await_events(&lab, 1, GH_MEDIA_EVENT_TIMEOUT, 1), 1);
    lab_barrier(&lab);
    CHECK(events_of(&lab, 0, GH_MEDIA_EVENT_TIMEOUT) <= 1); /* a tick may have come before the set */
    for (int i = 0; i < 2; i++) {
        int before = events_of(&lab, 0, GH_MEDIA_EVENT_TIMEOUT);

        set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);
        set.may_send = set.may_receive = false;
        set.timeout_ms = 1;
        if (i)
            set.remote_rtp.family = set.remote_rtcp.family = 0;
        CHECK_INT(lab_set(&lab, &set), 0);
        CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_TIMEOUT, before + 1), before + 1);
        CHECK_INT(lab.events[lab.event_count - 1].generation, set.generation);
    }
    LAB_END(&lab);
}

/* Sets that follow each other faster than the timeout do not put it off. */
static void a_refresh_is_no_sign_of_life(void)
{
    struct lab lab;
    struct gh_secret rx = lab_key(CM80, 1), tx = lab_key(CM80, 3);

    if (!lab_start(&lab, 4, 600))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, CM80);
    for (int i = 0; i < 20000 && !events_of(&lab, 0, GH_MEDIA_EVENT_TIMEOUT); i++) {
        struct gh_media_set set = lab_side(&lab, 0, GH_PATH_BRIDGE, CM80, &rx, &tx);

        CHECK_INT(lab_set(&lab, &set), 0);
    }
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_TIMEOUT), 1);
    LAB_END(&lab);
}

/* The thread stands still, or the machine does: what comes meanwhile is read before anybody is silent. */
static void what_waits_is_read_first(void)
{
    enum { TIMEOUT = 2000, STANDS_STILL_MS = TIMEOUT + 300 };
    struct lab lab;
    uv_sem_t held, go;
    struct gh_hold_msg hold = { .held = &held, .go = &go };
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    struct gh_media_open open = { .call = 1 };
    gh_stream_id other;
    uint16_t ports[2];

    if (!lab_start(&lab, 4, TIMEOUT))
        return;
    lab_secure(&lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    for (int s = 0; s < 2; s++)
        check_flows(&lab, s, false);
    uv_sem_init(&held, 0);
    uv_sem_init(&go, 0);
    gh_media_hold(lab.media, 0, &hold);
    uv_sem_wait(&held);
    for (int s = 0; s < 2; s++)
        phone_send(&lab, s, false, p, make_rtp(&lab.phones[s], p, 0, 160));
    /* Commands come before packets, and so do timers then. */
    CHECK_INT(gh_media_open(lab.media, &open, &other, ports), 0);
    uv_sleep(STANDS_STILL_MS);
    uv_sem_post(&go);
    for (int s = 0; s < 2; s++)
        CHECK(phone_receive(&lab, s, false, p) > 0);
    lab_close(&lab, other);
    CHECK_INT(events_of(&lab, 0, GH_MEDIA_EVENT_TIMEOUT), 0);
    CHECK_INT(events_of(&lab, 1, GH_MEDIA_EVENT_TIMEOUT), 0);
    uv_sem_destroy(&held);
    uv_sem_destroy(&go);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(which_clock_runs);
    RUN(datagrams_of_either_side_count_for_both);
    RUN(a_placeholder_is_on_hold);
    RUN(hold_counts_from_its_first_set);
    RUN(some_clocks_never_run);
    RUN(voice);
    RUN(who_is_not_to_send_is_not_silent);
    RUN(a_stream_on_hold_ends_once);
    RUN(silence_times_out_once_a_generation);
    RUN(a_set_may_bring_its_own_timeout);
    RUN(a_refresh_is_no_sign_of_life);
    RUN(what_waits_is_read_first);
    return CHECK_REPORT();
}
