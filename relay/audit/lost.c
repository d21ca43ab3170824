/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that a crash cut off.  The first pass looks at starts and ends alone, and finds those that
 * are missing an end: the few that ran at a crash.  The second tells their last words; it parses
 * only lines of calls, and only from the oldest of those starts on.
 */
#include "audit/lost.h"

#include "audit/line.h"
#include "audit/open_calls.h"

struct scan {
    struct gh_open_calls *calls;
    bool ends_only;                   /* first pass */
    uint64_t from_file, from_number;  /* second pass: nothing before this line */
};

/* The writer puts type and call right behind the ledger's own fields, so this much of a line tells
 * whose it is: 13 octets and 20 digits of seq, 74 of prev, 32 of ts, 42 of type, and the id. */
#define HEAD_LEN ((size_t)256)

/* A quote inside a JSON text is escaped, so a peer's text never looks like this. */
static bool mentions(struct gh_span text, struct gh_span word)
{
    return text.len && memmem(text.p, text.len, word.p, word.len);
}

static bool is_relevant(const struct scan *scan, const struct gh_record_line *at)
{
    struct gh_span head = gh_span_head(at->raw, HEAD_LEN);

    if (scan->ends_only)
        return mentions(head, GH_SPAN("\"call.start\"")) ||
               mentions(head, GH_SPAN("\"call.end\"")) || mentions(head, GH_SPAN("\"call.lost\""));
    if (at->file_index < scan->from_file ||
        (at->file_index == scan->from_file && at->number < scan->from_number))
        return false;
    return mentions(head, GH_SPAN("\"call.")) || mentions(at->raw, GH_SPAN("\"call\":"));
}

/* A call.end is by far the longest record, and only its id matters here: it is taken without
 * parsing the rest, which makes the scan several times faster.  @return whether that was possible
 */
static bool take_end(struct scan *scan, struct gh_span raw)
{
    struct gh_span before = GH_SPAN("\"type\":\"call.end\",\"call\":\"");
    struct gh_span head = gh_span_head(raw, HEAD_LEN), id;
    const char *hit = head.len ? memmem(head.p, head.len, before.p, before.len) : NULL;
    char call[GH_LOST_WORD_MAX];

    if (!hit || raw.p[raw.len - 1] != '}')
        return false;
    head = gh_span_from(head, (size_t)(hit - head.p) + before.len);
    id = gh_span_head(head, gh_span_find(head, '"'));
    if (id.len == head.len || id.len == 0 || id.len >= sizeof(call) ||
        gh_span_find(id, '\\') < id.len)
        return false;
    memcpy(call, id.p, id.len);
    call[id.len] = 0;
    gh_open_calls_end(scan->calls, call);
    return true;
}

static int scan_line(void *arg, const struct gh_record_line *at)
{
    struct scan *scan = arg;
    struct gh_line line;
    int err;

    if (at->err || at->torn || !is_relevant(scan, at) || take_end(scan, at->raw))
        return 0;
    err = gh_line_parse(at->raw, &line, NULL);
    if (err)
        return err == GH_ENOMEM ? err : 0;
    err = gh_open_calls_note(scan->calls, &line, at);
    gh_line_fini(&line);
    return err;
}

static int scan_again(const char *directory, struct scan *scan)
{
    const struct gh_open_call *oldest = gh_open_calls_next(scan->calls, NULL);

    if (!oldest)
        return 0;
    scan->ends_only = false;
    scan->from_file = oldest->file_index;
    scan->from_number = oldest->number;
    /* Calls that begin and end in between are opened and closed once more, which changes nothing.
     */
    return gh_record_read(directory, scan_line, scan);
}

int gh_lost_scan(const char *directory, gh_lost_fn fn, void *arg)
{
    struct scan scan = { .calls = gh_open_calls_new(), .ends_only = true };
    const struct gh_open_call *call = NULL;
    int err = GH_ENOMEM;

    if (!scan.calls)
        return err;
    err = gh_record_read(directory, scan_line, &scan);
    if (!err)
        err = scan_again(directory, &scan);
    while (!err && (call = gh_open_calls_next(scan.calls, call)))
        fn(arg, &call->known);
    gh_open_calls_free(scan.calls);
    return err == GH_ENOTFOUND || err == -ENOENT ? 0 : err;
}

static void add_again(struct gh_event *event, const char *name, const char *text)
{
    if (text[0])
        gh_event_str_again(event, name, gh_span_str(text));
}

struct gh_event *gh_lost_event(const struct gh_lost_call *lost, int64_t wall_us)
{
    struct gh_event *event = gh_event_new("call.lost", wall_us);

    add_again(event, "call", lost->call);
    add_again(event, "from", lost->from);
    add_again(event, "to", lost->to);
    add_again(event, "trunk", lost->trunk);
    add_again(event, "grade", lost->grade);
    add_again(event, "start_ts", lost->start_ts);
    add_again(event, "unknown_since", lost->last_ts);
    return event;
}
