/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/line.h"

#include <stdio.h>
#include <time.h>

#include <jansson.h>

static void say(char why[GH_LINE_WHY_MAX], const char *text)
{
    size_t len = 0;

    if (!why)
        return;
    /* jansson quotes what it stumbled over, which can be any octet. */
    for (; text[len] && len < GH_LINE_WHY_MAX - 1; len++)
        why[len] = text[len] >= 0x20 && text[len] < 0x7f ? text[len] : '?';
    why[len] = 0;
}

void gh_line_hex(const uint8_t hash[GH_RECORD_HASH_LEN], char out[2 * GH_RECORD_HASH_LEN + 1])
{
    for (size_t i = 0; i < GH_RECORD_HASH_LEN; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool gh_line_unhex(struct gh_span hex, uint8_t out[GH_RECORD_HASH_LEN])
{
    uint8_t hash[GH_RECORD_HASH_LEN];

    if (hex.len != 2 * sizeof(hash))
        return false;
    for (size_t i = 0; i < sizeof(hash); i++) {
        int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out, hash, sizeof(hash));
    return true;
}

/* The digits of @ts at @at. */
static int digits_at(const char *ts, size_t at, size_t count)
{
    int value = 0;

    for (size_t i = at; i < at + count; i++)
        value = value * 10 + (ts[i] - '0');
    return value;
}

bool gh_line_time(const char *ts, int64_t *wall_us)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    struct tm tm = { .tm_sec = 0 };

    if (strlen(ts) != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; shape[i]; i++) {
        if (shape[i] == 'd' ? !gh_ascii_is_digit((unsigned char)ts[i]) : ts[i] != shape[i])
            return false;
    }
    tm.tm_year = digits_at(ts, 0, 4) - 1900;
    tm.tm_mon = digits_at(ts, 5, 2) - 1;
    tm.tm_mday = digits_at(ts, 8, 2);
    tm.tm_hour = digits_at(ts, 11, 2);
    tm.tm_min = digits_at(ts, 14, 2);
    tm.tm_sec = digits_at(ts, 17, 2);
    *wall_us = (int64_t)timegm(&tm) * 1000000 + digits_at(ts, 20, 3) * 1000;
    return true;
}

/* The fields that every record has.  @return NULL, or what is wrong */
static const char *take_fields(json_t *root, struct gh_line *line)
{
    json_t *v = json_object_get(root, "v"), *seq = json_object_get(root, "seq");
    const char *prev = json_string_value(json_object_get(root, "prev"));
    const char *ts = json_string_value(json_object_get(root, "ts"));
    const char *type = json_string_value(json_object_get(root, "type"));
    int64_t wall_us;

    if (!json_is_integer(v) || json_integer_value(v) != 1)
        return "\"v\" is not 1";
    if (!json_is_integer(seq) || json_integer_value(seq) < 1)
        return "\"seq\" is not a number from 1";
    if (!prev || !gh_line_unhex(gh_span_str(prev), line->prev))
        return "\"prev\" is not 64 hexadecimal digits";
    if (!ts || !gh_line_time(ts, &wall_us))
        return "\"ts\" is not a UTC time with milliseconds";
    if (!type || !*type || strlen(type) > GH_EVENT_TYPE_MAX)
        return "\"type\" is not a short text";
    line->seq = (uint64_t)json_integer_value(seq);
    memcpy(line->ts, ts, strlen(ts) + 1);
    memcpy(line->type, type, strlen(type) + 1);
    return NULL;
}

int gh_line_parse(struct gh_span raw, struct gh_line *out, char why[GH_LINE_WHY_MAX])
{
    struct gh_line line = { .seq = 0 };
    json_error_t error = { .line = 0 };
    const char *wrong;
    json_t *root;

    root = json_loadb(raw.p ? raw.p : "", raw.len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        if (json_error_code(&error) == json_error_out_of_memory)
            return GH_ENOMEM;
        say(why, error.text);
        return GH_ESYNTAX;
    }
    wrong = json_is_object(root) ? take_fields(root, &line) : "not an object";
    if (wrong) {
        say(why, wrong);
        wrong = json_is_object(root) ? wrong : NULL;
        json_decref(root);
        return wrong ? GH_EBROKEN : GH_ESYNTAX;
    }
    line.root = root;
    *out = line;
    return 0;
}

void gh_line_fini(struct gh_line *line)
{
    json_decref(line->root);
    line->root = NULL;
}

const char *gh_line_text(const struct gh_line *line, const char *name)
{
    return json_string_value(json_object_get(line->root, name));
}

int64_t gh_line_int(const struct gh_line *line, const char *name, int64_t otherwise)
{
    json_t *value = json_object_get(line->root, name);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}
