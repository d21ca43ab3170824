/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats of one refusal become one counted record a second, however many sources there are. */
#include "audit/writer_int.h"

#include <stdio.h>

static bool is_about(const struct gh_fold_entry *entry, const char *type, const char *reason,
                     struct gh_span source)
{
    return entry->used && strcmp(entry->type, type) == 0 && strcmp(entry->reason, reason) == 0 &&
           gh_span_eq(gh_span_of(entry->source, entry->source_len), source);
}

/* The entry about this, or else a free one, or NULL.  Few enough to look at each. */
static struct gh_fold_entry *find(struct gh_fold_entry *rows, size_t count, const char *type,
                                  const char *reason, struct gh_span source)
{
    struct gh_fold_entry *free_row = NULL;

    for (size_t i = 0; i < count; i++) {
        if (is_about(&rows[i], type, reason, source))
            return &rows[i];
        if (!rows[i].used && !free_row)
            free_row = &rows[i];
    }
    return free_row;
}

static void begin(struct gh_fold_entry *entry, const char *type, const char *reason,
                  struct gh_span source, uint64_t now_ms)
{
    *entry = (struct gh_fold_entry){ .used = true, .since_ms = now_ms, .source_len = source.len };
    snprintf(entry->type, sizeof(entry->type), "%s", type);
    snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
    if (source.len)
        memcpy(entry->source, source.p, source.len);
}

bool gh_fold_take(struct gh_fold *fold, struct gh_event *event, const char *reason,
                  struct gh_span source, uint64_t now_ms)
{
    struct gh_fold_entry *entry;
    char word[GH_FOLD_REASON_MAX + 1];

    snprintf(word, sizeof(word), "%s", reason ? reason : "");
    source = gh_span_head(source, GH_FOLD_SOURCE_MAX);
    entry = find(fold->own, GH_AUDIT_FOLD_MAX, event->type, word, source);
    if (!entry) {
        source = GH_SPAN("");
        entry = find(fold->shared, GH_FOLD_SHARED_MAX, event->type, word, source);
    }
    if (!entry)
        return false;
    if (!entry->used) {
        begin(entry, event->type, word, source, now_ms);
        return false;
    }
    entry->count++;
    entry->last_us = event->wall_us;
    if (entry->kept)
        gh_event_free(event);
    else
        entry->kept = event;
    return true;
}

static struct gh_event *take_due(struct gh_fold_entry *entry, bool shared, uint64_t now_ms)
{
    struct gh_event *event = entry->kept;

    if (!entry->count) {
        entry->used = false; /* a second without a repeat: the next one is a first again */
        return NULL;
    }
    gh_event_u64(event, "count", entry->count);
    gh_event_time(event, "last_ts", entry->last_us);
    if (shared)
        gh_event_text(event, "sources", "many");
    entry->kept = NULL;
    entry->count = 0;
    entry->since_ms = now_ms;
    return event;
}

static struct gh_event *due_of(struct gh_fold_entry *rows, size_t count, bool shared,
                               uint64_t now_ms, bool all)
{
    for (size_t i = 0; i < count; i++) {
        struct gh_event *event;

        if (!rows[i].used || (!all && now_ms - rows[i].since_ms < GH_AUDIT_FOLD_MS))
            continue;
        event = take_due(&rows[i], shared, now_ms);
        if (event)
            return event;
    }
    return NULL;
}

struct gh_event *gh_fold_due(struct gh_fold *fold, uint64_t now_ms, bool all)
{
    struct gh_event *event = due_of(fold->own, GH_AUDIT_FOLD_MAX, false, now_ms, all);

    return event ? event : due_of(fold->shared, GH_FOLD_SHARED_MAX, true, now_ms, all);
}

void gh_fold_fini(struct gh_fold *fold)
{
    for (size_t i = 0; i < GH_AUDIT_FOLD_MAX; i++)
        gh_event_free(fold->own[i].kept);
    for (size_t i = 0; i < GH_FOLD_SHARED_MAX; i++)
        gh_event_free(fold->shared[i].kept);
}
