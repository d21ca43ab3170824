/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is decided of a time line: kept, read, and written into a record.  How it is decided is left
 * to timeline.c.
 */
#include "call/timeline_int.h"

#include <string.h>

/* ---- kept ------------------------------------------------------------------------------------ */

static void merge_oldest(struct gh_timeline *line)
{
    struct gh_timeline_decided *first = &line->decided[0], *second = &line->decided[1];

    first->grade = (uint8_t)gh_policy_worse(first->grade, second->grade);
    first->to_us = second->to_us;
    line->decided_count--;
    memmove(second, second + 1, (line->decided_count - 1) * sizeof(*second));
}

/* Let the list have room.  What was merged may now be like its neighbour, and neighbours differ. */
static void make_room(struct gh_timeline *line)
{
    if (line->decided_count < line->decided_room || gh_timeline_more(line, GH_TIMELINE_DECIDED))
        return;
    line->coarse = true;
    merge_oldest(line);
    while (line->decided_count > 1 && line->decided[0].grade == line->decided[1].grade)
        merge_oldest(line);
}

void gh_timeline_decide(struct gh_timeline *line, int64_t from_us, int64_t to_us,
                        enum gh_grade grade)
{
    struct gh_timeline_decided *last;

    line->decided_us[grade] += to_us - from_us;
    line->worst = gh_policy_worse(line->worst, grade);
    if (from_us == to_us && grade == GH_GRADE_NONE)
        return;
    last = line->decided_count ? &line->decided[line->decided_count - 1] : NULL;
    if (last && last->grade == grade) {
        last->to_us = to_us;
        return;
    }
    make_room(line);
    line->decided[line->decided_count++] = (struct gh_timeline_decided){ to_us, (uint8_t)grade };
}

void gh_timeline_doubt(struct gh_timeline *line)
{
    size_t kept = 0;

    line->coarse = true;
    if (line->worst > GH_GRADE_MIXED)
        line->worst = GH_GRADE_MIXED;
    for (int grade = GH_GRADE_MIXED + 1; grade < GH_GRADE_COUNT; grade++) {
        line->decided_us[GH_GRADE_MIXED] += line->decided_us[grade];
        line->decided_us[grade] = 0;
    }
    for (size_t i = 0; i < line->decided_count; i++) {
        struct gh_timeline_decided next = line->decided[i];

        if (next.grade > GH_GRADE_MIXED)
            next.grade = GH_GRADE_MIXED;
        if (kept && line->decided[kept - 1].grade == next.grade)
            line->decided[kept - 1].to_us = next.to_us;
        else
            line->decided[kept++] = next;
    }
    line->decided_count = (uint8_t)kept;
}

/* ---- read ------------------------------------------------------------------------------------ */

const char *gh_timeline_word(struct gh_timeline_view view)
{
    return view.pending ? "pending" : gh_grade_name(view.grade);
}

bool gh_timeline_coarse(const struct gh_timeline *line)
{
    return line->coarse;
}

unsigned gh_timeline_marks(const struct gh_timeline *line, int side)
{
    return line->marks[side];
}

int64_t gh_timeline_us(const struct gh_timeline *line, enum gh_grade grade)
{
    return (unsigned)grade < GH_GRADE_COUNT ? line->decided_us[grade] : 0;
}

int gh_timeline_interval(const struct gh_timeline *line, size_t index,
                         struct gh_timeline_interval *out)
{
    int64_t zero_us = line->answered ? line->answer_us : line->began_us;

    if (index >= line->decided_count)
        return GH_ENOTFOUND;
    out->from_us = (index ? line->decided[index - 1].to_us : line->began_us) - zero_us;
    out->to_us = line->decided[index].to_us - zero_us;
    out->grade = (enum gh_grade)line->decided[index].grade;
    return 0;
}

void gh_timeline_event(const struct gh_timeline *line, struct gh_event *event)
{
    struct gh_timeline_interval interval;

    gh_event_array(event, "intervals");
    for (size_t i = 0; !gh_timeline_interval(line, i, &interval); i++) {
        gh_event_array(event, NULL);
        gh_event_seconds(event, NULL, (double)interval.from_us / 1e6);
        gh_event_seconds(event, NULL, (double)interval.to_us / 1e6);
        gh_event_text(event, NULL, gh_grade_name(interval.grade));
        gh_event_end(event);
    }
    gh_event_end(event);
    gh_event_object(event, "grade_seconds");
    for (int grade = 0; grade < GH_GRADE_COUNT; grade++) {
        if (line->decided_us[grade])
            gh_event_seconds(event, gh_grade_name((enum gh_grade)grade),
                             (double)line->decided_us[grade] / 1e6);
    }
    gh_event_end(event);
    if (line->coarse)
        gh_event_bool(event, "intervals_coarse", true);
}
