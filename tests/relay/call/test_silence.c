/* SPDX-License-Identifier: Apache-2.0 */
/* What a side did not send: from the answer on, over several streams of an m-line, within a bound; and what is recorded. */
#include "support/check.h"

#include <string.h>

#include "call/call_int.h"

#define SECOND INT64_C(1000000)
#define ANSWER (1000 * SECOND)

static struct gh_call call;
static struct gh_call_shown shown;
static struct gh_call_stream streams[2];

/* A call with one m-line, answered at 0 of at(). */
static void begin(void)
{
    memset(&call, 0, sizeof(call));
    memset(&shown, 0, sizeof(shown));
    memset(streams, 0, sizeof(streams));
    TAILQ_INIT(&call.silences);
    call.answer_us = ANSWER;
    call.shown[0] = &shown;
    shown.kind = GH_MEDIA_AUDIO;
    call.streams[0] = &streams[0];
    streams[0].call = streams[1].call = &call;
}

static int64_t at(double second)
{
    return ANSWER + (int64_t)(second * 1e6);
}

/* As the media plane tells it: five seconds after it began. */
static void silent(struct gh_call_stream *stream, int side, double from)
{
    gh_call_silence_begins(stream, side, at(from), at(from) + GH_MEDIA_SILENT_MS * INT64_C(1000));
}

static const char *recorded(int side, double now)
{
    static char text[1024];
    struct gh_event *event = gh_event_new("x", 0);
    struct gh_span span;

    gh_call_event_silence(event, &call, 0, side, at(now));
    CHECK_INT(gh_event_finish(event, &span), 0);
    snprintf(text, sizeof(text), "%.*s", GH_SPAN_FMT(span));
    gh_event_free(event);
    return strstr(text, ",\"silent") ? strstr(text, ",\"silent") : "";
}

static void a_silence_and_its_end(void)
{
    begin();
    CHECK_STR(recorded(1, 20), "");
    silent(&streams[0], 1, 12.5);
    CHECK_STR(recorded(1, 20), ",\"silent_seconds\":7.5,\"silent\":[[12.5,20.0]]}"); /* so far */
    CHECK_STR(recorded(0, 20), "");
    gh_call_silence_ends(&streams[0], 1, at(32.5));
    gh_call_silence_ends(&streams[0], 0, at(32.5)); /* it was not */
    CHECK_STR(recorded(1, 60), ",\"silent_seconds\":20.0,\"silent\":[[12.5,32.5]]}");
    CHECK_STR(recorded(0, 60), "");
    silent(&streams[0], 1, 50);
    gh_call_silence_ends(&streams[0], 1, at(56));
    CHECK_STR(recorded(1, 60), ",\"silent_seconds\":26.0,\"silent\":[[12.5,32.5],[50.0,56.0]]}");
    gh_call_silences_free(&call);
}

/* A phone that is rung by early media says nothing; that is no silence.  From the answer on it is. */
static void who_rings_need_not_speak(void)
{
    begin();
    call.answer_us = 0;
    silent(&streams[0], 0, -20);
    CHECK_STR(recorded(0, -1), "");
    call.answer_us = ANSWER;
    gh_call_silence_ends(&streams[0], 0, at(4.9));
    CHECK_STR(recorded(0, 30), "");
    CHECK(!streams[0].silent_told[0]);
    silent(&streams[0], 0, -3);
    CHECK(call.silence_due && !streams[0].silent_told[0]); /* two seconds since the answer */
    CHECK_STR(recorded(0, 4.9), "");
    gh_call_silence_tick(&call); /* by the clock of today it is long ago */
    CHECK(!call.silence_due && streams[0].silent_told[0]);
    gh_call_silence_ends(&streams[0], 0, at(8));
    CHECK_STR(recorded(0, 30), ",\"silent_seconds\":8.0,\"silent\":[[0.0,8.0]]}");
    gh_call_silences_free(&call);
    /* A call that is not answered. */
    begin();
    call.answer_us = 0;
    silent(&streams[0], 0, -20);
    gh_call_silence_ends(&streams[0], 0, at(0));
    CHECK_INT(shown.silent_us[0], 0);
    CHECK(TAILQ_EMPTY(&call.silences));
}

/* The m-line goes on as another stream, in which the side speaks: the media plane says no end of the first one's. */
static void a_stream_that_is_closed_is_silent_no_more(void)
{
    begin();
    silent(&streams[0], 1, 10);
    call.streams[0] = &streams[1];
    gh_call_silence_ends(&streams[0], 1, at(18));
    CHECK_STR(recorded(1, 60), ",\"silent_seconds\":8.0,\"silent\":[[10.0,18.0]]}");
    call.streams[0] = NULL;
    CHECK_STR(recorded(1, 60), ",\"silent_seconds\":8.0,\"silent\":[[10.0,18.0]]}");
    gh_call_silences_free(&call);
}

/* A clock that is set back in between makes no silence of less than nothing. */
static void a_clock_that_is_set_back(void)
{
    begin();
    silent(&streams[0], 1, 100);
    gh_call_silence_ends(&streams[0], 1, at(40));
    CHECK_STR(recorded(1, 50), "");
    CHECK_INT(shown.silent_us[1], 0);
}

/* A far camera's control and typed text send nothing for minutes. */
static void what_is_not_steady_is_not_silent(void)
{
    static const enum gh_media_kind kinds[] = { GH_MEDIA_OTHER, GH_MEDIA_APPLICATION, GH_MEDIA_TEXT };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        begin();
        shown.kind = kinds[i];
        silent(&streams[0], 1, 10);
        CHECK(!streams[0].silent_told[1]);
        CHECK_STR(recorded(1, 60), "");
        gh_call_silence_ends(&streams[0], 1, at(50));
        CHECK_STR(recorded(1, 60), "");
    }
    begin();
    shown.kind = GH_MEDIA_VIDEO;
    silent(&streams[0], 1, 10);
    CHECK_STR(recorded(1, 60), ",\"silent_seconds\":50.0,\"silent\":[[10.0,60.0]]}");
    gh_call_silences_free(&call);
}

static void there_is_a_bound(void)
{
    const char *text;
    size_t count = 0;

    begin();
    for (int i = 0; i < 40; i++) {
        silent(&streams[0], i % 2, 10 * i);
        CHECK_INT(streams[0].silent_told[i % 2], i < GH_CALL_SILENCES_MAX); /* nor does the log grow */
        gh_call_silence_ends(&streams[0], i % 2, at(10 * i + 6));
    }
    CHECK_INT(call.silence_count, GH_CALL_SILENCES_MAX);
    text = recorded(1, 900);
    CHECK(strstr(text, "\"silent_seconds\":120.0") != NULL); /* all are in the sum */
    for (const char *p = text; (p = strchr(p, '[')); p++)
        count++;
    CHECK_INT(count, 1 + GH_CALL_SILENCES_MAX / 2);
    gh_call_silences_free(&call);
    CHECK(TAILQ_EMPTY(&call.silences));
    CHECK_INT(call.silence_count, 0);
}

int main(void)
{
    RUN(a_silence_and_its_end);
    RUN(who_rings_need_not_speak);
    RUN(a_stream_that_is_closed_is_silent_no_more);
    RUN(a_clock_that_is_set_back);
    RUN(what_is_not_steady_is_not_silent);
    RUN(there_is_a_bound);
    return CHECK_REPORT();
}
