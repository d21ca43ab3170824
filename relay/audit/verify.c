/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a ledger consistent?  Every line is parsed strictly and hashed; after a broken line the check
 * goes on from what stands there, so that one change is one finding and not a thousand.
 *
 * Where two lines do not fit each other, the earlier one is named: who changes a line breaks the
 * link to the next one.  Whether that next one is as it was shows by the line after it, so such a
 * finding waits for that line (struct doubt).
 */
#include <gatehouse/record.h>

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/files.h"
#include "audit/ledger.h"
#include "audit/line.h"

#define LATER_MAX 4 /* findings at one line behind its links: name of the file, head, what it tells */
#define PLACE_MAX (GH_RECORD_FILE_MAX + 24)

/* A line whose prev does not fit the line before, until the line after it is seen. */
struct doubt {
    bool on;
    struct gh_record_finding finding;          /* at the line before; its text is still to end */
    char next[PLACE_MAX];                      /* the line with that prev */
    struct gh_record_finding later[LATER_MAX]; /* what was found there meanwhile */
    size_t later_count;
};

struct verifier {
    int dir_fd;
    const struct gh_record_anchor *anchor;
    gh_record_finding_fn fn;
    void *arg;
    struct gh_record_verdict verdict;
    uint64_t seq;                      /* of the line before; 0: none yet */
    uint8_t hash[GH_RECORD_HASH_LEN];  /* of the line before */
    bool hash_known;                   /* false after a line that was too long to be hashed */
    char file[GH_RECORD_FILE_MAX];     /* of the line before, and where it stands there */
    uint64_t number;
    struct doubt doubt;
    bool running;                      /* a daemon.start without its daemon.stop so far */
    bool anchor_met;
};

static const struct kind_row {
    const char *word;
    bool broken;
    const char *text;
} kinds[GH_RECORD_FINDING_COUNT] = {
#define X(id, word, broken, text) [id] = { word, broken, text },
    GH_RECORD_FINDING_MAP(X)
#undef X
};

const char *gh_record_finding_word(enum gh_record_finding_kind kind)
{
    return (unsigned)kind < GH_RECORD_FINDING_COUNT ? kinds[kind].word : "unknown";
}

const char *gh_record_finding_text(enum gh_record_finding_kind kind)
{
    return (unsigned)kind < GH_RECORD_FINDING_COUNT ? kinds[kind].text : "";
}

bool gh_record_finding_broken(enum gh_record_finding_kind kind)
{
    return (unsigned)kind >= GH_RECORD_FINDING_COUNT || kinds[kind].broken;
}

static void tell(struct verifier *v, const struct gh_record_finding *finding)
{
    v->verdict.findings++;
    if (gh_record_finding_broken(finding->kind) && v->verdict.broken++ == 0)
        v->verdict.first_broken = *finding;
    if (v->fn)
        v->fn(v->arg, finding);
}

__attribute__((format(printf, 4, 5)))
static void found(struct verifier *v, enum gh_record_finding_kind kind,
                  const struct gh_record_line *line, const char *fmt, ...)
{
    struct gh_record_finding finding = { .kind = kind };
    va_list args;

    if (line) {
        snprintf(finding.file, sizeof(finding.file), "%s", line->file);
        finding.line = line->err ? 0 : line->number;
    }
    va_start(args, fmt);
    vsnprintf(finding.text, sizeof(finding.text), fmt, args);
    va_end(args);
    for (char *p = finding.text; *p; p++) {
        if (*p < 0x20 || *p > 0x7e)
            *p = '?';
    }
    if (v->doubt.on) {
        assert(v->doubt.later_count < LATER_MAX);
        v->doubt.later[v->doubt.later_count++] = finding;
    } else {
        tell(v, &finding);
    }
}

/* ---- what single records tell ---- */

/* A ledger.torn record names a file that must still be there, unchanged. */
static int check_evidence(struct verifier *v, const struct gh_record_line *at,
                          const struct gh_line *line)
{
    const char *name = gh_line_text(line, "file"), *want = gh_line_text(line, "sha256");
    char hex[2 * GH_RECORD_HASH_LEN + 1];
    uint8_t hash[GH_RECORD_HASH_LEN];
    char *octets = NULL;
    size_t len = 0;
    int err;

    if (!name || !want || strchr(name, '/') || strlen(name) >= GH_RECORD_FILE_MAX) {
        found(v, GH_RECORD_BAD_FIELD, at, "ledger.torn without the name and hash of what was kept");
        return 0;
    }
    err = gh_ledger_file_slurp(v->dir_fd, name, GH_LEDGER_TORN_MAX, &octets, &len);
    if (err == GH_ENOMEM)
        return err;
    if (err) {
        found(v, GH_RECORD_EVIDENCE_LOST, at, "%s: %s", name, gh_err_text(err));
        return 0;
    }
    err = gh_record_line_hash(gh_span_of(octets, len), hash);
    free(octets);
    if (err)
        return err;
    gh_line_hex(hash, hex);
    if (strcmp(hex, want) != 0)
        found(v, GH_RECORD_EVIDENCE_LOST, at, "%s: expected sha256 %s, found %s", name, want, hex);
    else
        found(v, GH_RECORD_TORN_KEPT, at, "%zu octets in %s", len, name);
    return 0;
}

static int look_at(struct verifier *v, const struct gh_record_line *at, const struct gh_line *line)
{
    if (strcmp(line->type, "daemon.start") == 0) {
        if (v->running)
            found(v, GH_RECORD_UNCLEAN_STOP, at, "started at %s without a clean stop before",
                  line->ts);
        v->running = true;
        v->verdict.stopped_cleanly = false;
    } else if (strcmp(line->type, "daemon.stop") == 0) {
        v->running = false;
        v->verdict.stopped_cleanly = true;
    } else if (strcmp(line->type, "audit.dropped") == 0) {
        found(v, GH_RECORD_DROPPED, at, "%" PRId64 " records", gh_line_int(line, "count", 0));
    } else if (strcmp(line->type, "ledger.damaged") == 0) {
        found(v, GH_RECORD_DAMAGE_NOTED, at, "noted at %s: %" PRId64 " lines before this one",
              line->ts, gh_line_int(line, "lines", 0));
    } else if (strcmp(line->type, "ledger.interrupted") == 0) {
        const char *file = gh_line_text(line, "file"), *text = gh_line_text(line, "text");

        found(v, GH_RECORD_INTERRUPTED, at, "noted at %s: %s%s%s", line->ts, file ? file : "",
              file ? ": " : "", text ? text : "not said how");
    } else if (strcmp(line->type, "ledger.torn") == 0) {
        return check_evidence(v, at, line);
    }
    return 0;
}

/* ---- the chain ---- */

static void check_anchor(struct verifier *v, const struct gh_record_line *at,
                         const struct gh_line *line)
{
    char want[2 * GH_RECORD_HASH_LEN + 1], got[2 * GH_RECORD_HASH_LEN + 1];

    if (!v->anchor || v->anchor_met || line->seq != v->anchor->seq)
        return;
    v->anchor_met = true;
    if (memcmp(v->hash, v->anchor->hash, GH_RECORD_HASH_LEN) == 0) {
        v->verdict.anchored = true;
        memcpy(v->verdict.anchored_ts, line->ts, sizeof(line->ts));
        return;
    }
    gh_line_hex(v->anchor->hash, want);
    gh_line_hex(v->hash, got);
    found(v, GH_RECORD_NOT_REPRODUCED, at, "seq %" PRIu64 ": expected %s, found %s", line->seq,
          want, got);
}

/* The prev of the line @at is @says, and not @is, the hash of the line before. */
static void begin_doubt(struct verifier *v, const struct gh_record_line *at, const char *says,
                        const char *is)
{
    struct doubt *doubt = &v->doubt;
    bool same_file = strcmp(at->file, v->file) == 0;

    *doubt = (struct doubt){ .on = true };
    doubt->finding.kind = GH_RECORD_PREV_MISMATCH;
    doubt->finding.line = v->number;
    memcpy(doubt->finding.file, v->file, sizeof(v->file));
    snprintf(doubt->next, sizeof(doubt->next), "%s%s%" PRIu64, same_file ? "line" : at->file,
             same_file ? " " : ":", at->number);
    snprintf(doubt->finding.text, sizeof(doubt->finding.text),
             "expected sha256 %s, the prev of %s, found %s", says, doubt->next, is);
}

enum after { AFTER_NOT_KNOWN = 0, AFTER_FITS, AFTER_FITS_NOT };

/* @after  how the line after the doubtful two fits the second of them, which tells whether that is
 * as it was */
static void end_doubt(struct verifier *v, enum after after)
{
    static const struct {
        const char *before, *behind; /* the name of the second line */
    } ends[] = {
        [AFTER_NOT_KNOWN] = { "this line or ", "; no line follows that tells which" },
        [AFTER_FITS] = { "this line, or ", " and all after it" },
        [AFTER_FITS_NOT] = { "this line or ", ", which the line after it does not fit either" },
    };
    struct doubt *doubt = &v->doubt;
    char *text = doubt->finding.text;
    size_t len = strlen(text);

    if (!doubt->on)
        return;
    doubt->on = false;
    snprintf(text + len, sizeof(doubt->finding.text) - len, "; changed: %s%s%s",
             ends[after].before, doubt->next, ends[after].behind);
    tell(v, &doubt->finding);
    for (size_t i = 0; i < doubt->later_count; i++)
        tell(v, &doubt->later[i]);
}

static bool fits(const struct verifier *v, const struct gh_line *line)
{
    return memcmp(line->prev, v->hash, GH_RECORD_HASH_LEN) == 0;
}

static void check_prev(struct verifier *v, const struct gh_record_line *at,
                       const struct gh_line *line)
{
    char want[2 * GH_RECORD_HASH_LEN + 1], got[2 * GH_RECORD_HASH_LEN + 1];

    if (!v->hash_known || fits(v, line))
        return;
    gh_line_hex(v->hash, want);
    gh_line_hex(line->prev, got);
    if (v->number && line->seq == v->seq + 1)
        begin_doubt(v, at, got, want); /* the hash is what is found: that prev says what it was */
    else if (v->number)
        found(v, GH_RECORD_PREV_MISMATCH, at,
              "expected prev %s, found %s; lines are missing, moved or changed here", want, got);
    else
        found(v, GH_RECORD_PREV_MISMATCH, at,
              "expected prev %s, with which a ledger begins, found %s", want, got);
}

static void check_links(struct verifier *v, const struct gh_record_line *at,
                        const struct gh_line *line)
{
    if (line->seq != v->seq + 1)
        found(v, GH_RECORD_SEQ_GAP, at, "expected seq %" PRIu64 ", found %" PRIu64 "%s", v->seq + 1,
              line->seq,
              v->hash_known && fits(v, line) ? "; prev fits: it is the number that was changed"
                                             : "");
    check_prev(v, at, line);
    if (at->number == 1) {
        char name[GH_RECORD_FILE_MAX];

        gh_ledger_file_name(name, line->seq, 0, GH_LEDGER_LINES);
        if (strcmp(name, at->file) != 0)
            found(v, GH_RECORD_FILE_NAME, at, "expected %s", name);
    }
}

/* The head names a line by seq and hash, so it must be one whose seq could be read. */
static void note_sound(struct verifier *v, const struct gh_line *line)
{
    struct gh_record_verdict *verdict = &v->verdict;

    if (!verdict->first_ts[0])
        memcpy(verdict->first_ts, line->ts, sizeof(line->ts));
    memcpy(verdict->last_ts, line->ts, sizeof(line->ts));
    verdict->head_seq = line->seq;
    memcpy(verdict->head, v->hash, sizeof(v->hash));
}

static int verify_complete(struct verifier *v, const struct gh_record_line *at)
{
    char why[GH_LINE_WHY_MAX] = "";
    struct gh_line line;
    int err = gh_line_parse(at->raw, &line, why);
    int hash_err;

    if (err == GH_ENOMEM)
        return err;
    end_doubt(v, err ? AFTER_NOT_KNOWN : fits(v, &line) ? AFTER_FITS : AFTER_FITS_NOT);
    if (err)
        found(v, err == GH_ESYNTAX ? GH_RECORD_BAD_JSON : GH_RECORD_BAD_FIELD, at, "%s", why);
    else
        check_links(v, at, &line);
    hash_err = gh_record_line_hash(at->raw, v->hash);
    v->hash_known = true;
    v->seq = err ? v->seq + 1 : line.seq;
    v->number = at->number;
    snprintf(v->file, sizeof(v->file), "%s", at->file);
    if (err)
        return hash_err;
    note_sound(v, &line);
    err = hash_err;
    if (!err) {
        check_anchor(v, at, &line);
        err = look_at(v, at, &line);
    }
    gh_line_fini(&line);
    return err;
}

static void verify_torn(struct verifier *v, const struct gh_record_line *at)
{
    /* A daemon that is writing right now shows half a line to whoever looks at the wrong moment. */
    if (at->last_file && gh_ledger_is_locked(v->dir_fd))
        found(v, GH_RECORD_BEING_WRITTEN, at, "%zu octets so far", at->raw.len);
    else
        found(v, GH_RECORD_TORN_TAIL, at, "%zu octets without a line end", at->raw.len);
}

static int verify_line(void *arg, const struct gh_record_line *at)
{
    struct verifier *v = arg;

    if (at->file_index + 1 > v->verdict.files)
        v->verdict.files = at->file_index + 1;
    if (at->err || at->torn || at->too_long)
        end_doubt(v, AFTER_NOT_KNOWN);
    if (at->err) {
        found(v, GH_RECORD_FILE_UNREADABLE, at, "%s", gh_err_text(at->err));
        return 0;
    }
    if (at->torn) {
        verify_torn(v, at);
        return 0;
    }
    v->verdict.records++;
    if (at->too_long) {
        found(v, GH_RECORD_LINE_TOO_LONG, at, "more than %zu octets", GH_RECORD_LINE_MAX);
        v->seq++;
        v->hash_known = false;
        return 0;
    }
    return verify_complete(v, at);
}

int gh_record_verify(const char *directory, const struct gh_record_anchor *anchor,
                     gh_record_finding_fn fn, void *arg, struct gh_record_verdict *out)
{
    struct verifier v = { .anchor = anchor, .fn = fn, .arg = arg, .hash_known = true };
    int err;

    v.dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (v.dir_fd < 0)
        return -errno;
    err = gh_record_read(directory, verify_line, &v);
    if (!err) {
        end_doubt(&v, AFTER_NOT_KNOWN);
        if (anchor && !v.anchor_met)
            found(&v, GH_RECORD_NOT_REPRODUCED, NULL,
                  "the ledger ends at seq %" PRIu64 ", before or without seq %" PRIu64,
                  v.verdict.head_seq, anchor->seq);
        v.verdict.writer_running = gh_ledger_is_locked(v.dir_fd);
        /* A daemon that begins a ledger makes its file before the first record. */
        if (!v.verdict.records && !v.verdict.broken && !v.verdict.writer_running)
            found(&v, GH_RECORD_EMPTY, NULL, "whoever emptied them took the proof away");
        v.verdict.consistent = v.verdict.broken == 0;
        *out = v.verdict;
    }
    close(v.dir_fd);
    return err;
}
