/* SPDX-License-Identifier: Apache-2.0 */
/* One record in the making: a growing buffer of JSON, with the nesting checked at every value. */
#include "audit/event.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "audit/event_int.h"
#include "audit/json_text.h"

#define FIRST_SIZE 512         /* most records fit without growing twice */
#define SECONDS_MAX 9e15       /* exact as whole milliseconds in 64 bits */
#define YEAR_9999_S 253402300799LL

static void fail(struct gh_event *event, int err)
{
    if (err && !event->err)
        event->err = err;
}

/* Room for @more octets.  @return whether there is */
static bool grow(struct gh_event *event, size_t more)
{
    size_t size = event->size ? event->size : FIRST_SIZE;
    char *text;

    if (more > GH_EVENT_LEN_MAX - event->len) {
        fail(event, GH_ELIMIT);
        return false;
    }
    while (size < event->len + more)
        size *= 2;
    if (size == event->size)
        return true;
    text = realloc(event->text, size);
    if (!text) {
        fail(event, GH_ENOMEM);
        return false;
    }
    event->text = text;
    event->size = size;
    return true;
}

static void append(struct gh_event *event, const char *p, size_t len)
{
    if (event->err || !grow(event, len))
        return;
    memcpy(event->text + event->len, p, len);
    event->len += len;
}

static void append_text(struct gh_event *event, const char *text)
{
    append(event, text, strlen(text));
}

static bool name_is_ours(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > GH_EVENT_TYPE_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];

        if (!(c >= 'a' && c <= 'z') && !gh_ascii_is_digit(c) && c != '_' && c != '.' && c != '-')
            return false;
    }
    return true;
}

/* A name twice in one object is refused by strict readers: the line would count as damaged.  Hashes
 * (FNV-1a) are enough, since names are constants of ours. */
static int note_name(struct gh_event *event, const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    for (size_t i = event->names_before[event->depth]; i < event->name_count; i++) {
        if (event->names[i] == hash)
            return GH_EINVAL;
    }
    if (event->name_count == GH_EVENT_NAMES_MAX)
        return GH_ELIMIT;
    event->names[event->name_count++] = hash;
    return 0;
}

/* What stands before every value: a comma, and the name inside an object.
 * @return whether the value may follow */
static bool begin_value(struct gh_event *event, const char *name)
{
    if (!event || event->err)
        return false;
    if (event->finished)
        fail(event, GH_ESTATE);
    else if (event->is_array[event->depth] != !name || (name && !name_is_ours(name)))
        fail(event, GH_EINVAL);
    else if (name)
        fail(event, note_name(event, name));
    if (event->err)
        return false;
    if (event->has_value[event->depth])
        append(event, ",", 1);
    event->has_value[event->depth] = true;
    if (name) {
        append(event, "\"", 1);
        append_text(event, name);
        append(event, "\":", 2);
    }
    return !event->err;
}

struct gh_event *gh_event_new(const char *type, int64_t wall_us)
{
    struct gh_event *event = calloc(1, sizeof(*event));

    if (!event)
        return NULL;
    event->wall_us = wall_us;
    note_name(event, "v"); /* the ledger's own */
    note_name(event, "seq");
    note_name(event, "prev");
    if (type && name_is_ours(type))
        memcpy(event->type, type, strlen(type));
    else
        fail(event, GH_EINVAL);
    gh_event_time(event, "ts", wall_us > 0 ? wall_us : 1); /* "ts" is never null */
    gh_event_text(event, "type", event->type);
    return event;
}

void gh_event_free(struct gh_event *event)
{
    if (!event)
        return;
    free(event->text);
    free(event);
}

int gh_event_error(const struct gh_event *event)
{
    return event ? event->err : GH_ENOMEM;
}

/* ---- values ---- */

void gh_event_str(struct gh_event *event, const char *name, struct gh_span text)
{
    size_t kept = text.len < GH_TEXT_JSON_MAX ? text.len : GH_TEXT_JSON_MAX;
    char json[GH_TEXT_JSON_ROOM(GH_TEXT_JSON_MAX)];
    size_t len;

    if (!begin_value(event, name))
        return;
    len = gh_text_json(text, kept, json);
    append(event, "\"", 1);
    append(event, json, len);
    append(event, "\"", 1);
}

void gh_event_str_again(struct gh_event *event, const char *name, struct gh_span text)
{
    char json[GH_TEXT_JSON_ROOM(GH_TEXT_JSON_MAX)];
    size_t len;

    if (!begin_value(event, name))
        return;
    if (text.len > GH_TEXT_JSON_MAX) {
        fail(event, GH_ELIMIT);
        return;
    }
    len = gh_text_json_again(text, json);
    append(event, "\"", 1);
    append(event, json, len);
    append(event, "\"", 1);
}

void gh_event_text(struct gh_event *event, const char *name, const char *text)
{
    if (text)
        gh_event_str(event, name, gh_span_str(text));
    else if (begin_value(event, name))
        append_text(event, "null");
}

void gh_event_int(struct gh_event *event, const char *name, int64_t value)
{
    char digits[32];

    if (!begin_value(event, name))
        return;
    snprintf(digits, sizeof(digits), "%" PRId64, value);
    append_text(event, digits);
}

void gh_event_u64(struct gh_event *event, const char *name, uint64_t value)
{
    char digits[32];

    if (!begin_value(event, name))
        return;
    snprintf(digits, sizeof(digits), value > INT64_MAX ? "\"%" PRIu64 "\"" : "%" PRIu64, value);
    append_text(event, digits);
}

void gh_event_bool(struct gh_event *event, const char *name, bool value)
{
    if (begin_value(event, name))
        append_text(event, value ? "true" : "false");
}

void gh_event_seconds(struct gh_event *event, const char *name, double value)
{
    char digits[40];
    uint64_t ms;
    size_t len;

    if (!begin_value(event, name))
        return;
    if (!isfinite(value) || value > SECONDS_MAX || value < -SECONDS_MAX) {
        append_text(event, "null");
        return;
    }
    /* By whole numbers, since printf's decimal point follows the locale. */
    ms = (uint64_t)((value < 0 ? -value : value) * 1000.0 + 0.5);
    len = (size_t)snprintf(digits, sizeof(digits), "%s%" PRIu64 ".%03u", value < 0 && ms ? "-" : "",
                           ms / 1000, (unsigned)(ms % 1000));
    for (int spare = 0; spare < 2 && digits[len - 1] == '0'; spare++)
        len--;
    append(event, digits, len);
}

void gh_event_time(struct gh_event *event, const char *name, int64_t wall_us)
{
    char text[GH_EVENT_TIME_LEN + 1];

    if (!wall_us) {
        gh_event_text(event, name, NULL);
        return;
    }
    gh_event_time_text(wall_us, text);
    gh_event_text(event, name, text);
}

static void append_hex(struct gh_event *event, const uint8_t *octets, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len && !event->err; i++)
        append(event, (char[]){ digits[octets[i] >> 4], digits[octets[i] & 15] }, 2);
}

void gh_event_hex(struct gh_event *event, const char *name, const void *octets, size_t len)
{
    if (!begin_value(event, name))
        return;
    append(event, "\"", 1);
    append_hex(event, octets, len);
    append(event, "\"", 1);
}

void gh_event_sha256(struct gh_event *event, const char *name, const uint8_t hash[32])
{
    if (!begin_value(event, name))
        return;
    append_text(event, "\"sha256:");
    append_hex(event, hash, 32);
    append(event, "\"", 1);
}

/* ---- nesting ---- */

static void open_value(struct gh_event *event, const char *name, bool is_array)
{
    if (!begin_value(event, name))
        return;
    if (event->depth == GH_EVENT_DEPTH_MAX) {
        fail(event, GH_ELIMIT);
        return;
    }
    append(event, is_array ? "[" : "{", 1);
    event->depth++;
    event->is_array[event->depth] = is_array;
    event->has_value[event->depth] = false;
    event->names_before[event->depth] = event->name_count;
}

void gh_event_object(struct gh_event *event, const char *name)
{
    open_value(event, name, false);
}

void gh_event_array(struct gh_event *event, const char *name)
{
    open_value(event, name, true);
}

void gh_event_end(struct gh_event *event)
{
    if (!event || event->err)
        return;
    if (event->finished || event->depth == 0) {
        fail(event, GH_ESTATE);
        return;
    }
    append(event, event->is_array[event->depth] ? "]" : "}", 1);
    event->name_count = event->names_before[event->depth];
    event->depth--;
}

/* ---- for the writer ---- */

int gh_event_finish(struct gh_event *event, struct gh_span *text)
{
    if (!event)
        return GH_ENOMEM;
    if (!event->finished && !event->err) {
        if (event->depth)
            fail(event, GH_ESTATE);
        append(event, "}", 1);
        event->finished = true;
    }
    if (event->err)
        return event->err;
    *text = gh_span_of(event->text, event->len);
    return 0;
}

void gh_event_time_text(int64_t wall_us, char out[GH_EVENT_TIME_LEN + 1])
{
    int64_t seconds = wall_us < 0 ? 0 : wall_us / 1000000;
    char text[64];
    struct tm tm;
    time_t when;

    when = seconds > YEAR_9999_S ? YEAR_9999_S : seconds;
    gmtime_r(&when, &tm);
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
             wall_us < 0 ? 0 : (int)(wall_us / 1000 % 1000));
    memcpy(out, text, GH_EVENT_TIME_LEN);
    out[GH_EVENT_TIME_LEN] = 0;
}
