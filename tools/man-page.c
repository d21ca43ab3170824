/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists of the manual pages from the tables that the programs themselves use, so that a page
 * cannot say something else.  Used by the build alone:
 *
 *   man-page TEMPLATE > PAGE      a line @options@, @reasons@, @grades@ or @findings@ becomes that
 * list
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gatehouse/grade.h>
#include <gatehouse/reason.h>
#include <gatehouse/record.h>

#include "config/config.h"

#define LINE_MAX_OCTETS 1024

/* "a=crypto", "v, seq" and "san: ...": names, whose case counts. */
static bool begins_with_name(const char *text)
{
    size_t len = strcspn(text, " ,:");

    return text[len] == ',' || text[len] == ':' || memchr(text, '=', len) || memchr(text, '_', len);
}

/* One sentence: capital at its start, point at its end, nothing that roff takes for a request. */
static void sentence(const char *text)
{
    size_t len = strlen(text);

    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (size_t i = 0; i < len; i++) {
        if (i == 0 && text[0] >= 'a' && text[0] <= 'z' && !begins_with_name(text))
            putchar(text[0] - 'a' + 'A');
        else if (text[i] == '\\')
            fputs("\\e", stdout);
        else
            putchar(text[i]);
    }
    puts(len && text[len - 1] == '.' ? "" : ".");
}

static void options(void)
{
    gh_config_describe(stdout, GH_DESCRIBE_MDOC, NULL);
}

static void reasons(void)
{
    for (int r = 0; r < GH_REASON_COUNT; r++) {
        const struct gh_reason_info *info = gh_reason_info((enum gh_reason)r);

        printf(".It Cm %s", info->name);
        if (info->sip_code)
            printf(" Pq %d", info->sip_code);
        putchar('\n');
        sentence(info->text);
        if (strcmp(info->advice, "nothing") != 0) {
            puts(".Em Change :");
            sentence(info->advice);
        }
    }
}

static void grades(void)
{
    for (int g = 0; g < GH_GRADE_COUNT; g++) {
        printf(".It Cm %s\n", gh_grade_name((enum gh_grade)g));
        sentence(gh_grade_text((enum gh_grade)g));
    }
}

static void findings(void)
{
    for (int f = 0; f < GH_RECORD_FINDING_COUNT; f++) {
        enum gh_record_finding_kind kind = (enum gh_record_finding_kind)f;

        printf(".It Cm %s%s\n", gh_record_finding_word(kind),
               gh_record_finding_broken(kind) ? " Pq breaks" : "");
        sentence(gh_record_finding_text(kind));
    }
}

static const struct {
    const char *line;
    void (*list)(void);
} lists[] = {
    { "@options@\n", options },
    { "@reasons@\n", reasons },
    { "@grades@\n", grades },
    { "@findings@\n", findings },
};

static void copy_line(const char *line)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (strcmp(line, lists[i].line) == 0) {
            lists[i].list();
            return;
        }
    }
    fputs(line, stdout);
}

int main(int argc, char **argv)
{
    char line[LINE_MAX_OCTETS];
    FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
    bool failed;

    if (!file) {
        fprintf(stderr, "usage: man-page TEMPLATE > PAGE\n");
        return 2;
    }
    while (fgets(line, sizeof(line), file))
        copy_line(line);
    failed = ferror(file) != 0;
    fclose(file);
    return failed || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
