/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gatehouse-audit: read a ledger without the daemon, and without trusting who ran it.
 *
 *   gatehouse-audit verify DIR [--head SEQ:SHA256]   is the ledger consistent?
 *   gatehouse-audit calls DIR [--json]               the calls in it, and the refused attempts
 *
 * It says "consistent", and to when the ledger is anchored.  It never says more: a hash chain does
 * not show lines cut from its end, and whoever can write the directory can write a new chain.
 */
#include <gatehouse/record.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "audit/line.h"
#include "audit/open_calls.h"
#include "audit-row.h"
#include "audit-source.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Findings and damaged lines that are told one by one; the rest is counted. */
#define TOLD_MAX 100

struct options {
    const char *directory;
    bool json;
    bool has_head;
    struct gh_record_anchor head;
};

static int fail(const char *directory, int err)
{
    if (err == GH_ENOTFOUND)
        fprintf(stderr, "gatehouse-audit: %s: no ledger here (ledger-<number>.jsonl)\n", directory);
    else
        fprintf(stderr, "gatehouse-audit: %s: %s\n", directory, gh_err_text(err));
    return EXIT_FAILED;
}

/* ---- verify ---- */

static void print_finding(void *arg, const struct gh_record_finding *finding)
{
    uint64_t *found = arg;

    if (++*found > TOLD_MAX)
        return;
    printf("%s %s ", gh_record_finding_broken(finding->kind) ? "broken" : "note  ",
           gh_record_finding_word(finding->kind));
    if (finding->line)
        printf("%s:%" PRIu64 ": ", finding->file, finding->line);
    else if (finding->file[0])
        printf("%s: ", finding->file);
    printf("%s (%s)\n", gh_record_finding_text(finding->kind), finding->text);
}

static void print_verdict(const struct gh_record_verdict *v)
{
    char head[2 * GH_RECORD_HASH_LEN + 1];

    printf("records: %" PRIu64, v->records);
    if (v->records)
        printf(" in %" PRIu64 " file%s", v->files, v->files == 1 ? "" : "s");
    if (v->first_ts[0])
        printf(", %s to %s", v->first_ts, v->last_ts);
    printf("\n");
    if (v->head_seq) {
        gh_line_hex(v->head, head);
        printf("head: %" PRIu64 ":%s\n", v->head_seq, head);
    }
    printf("daemon: %s\n", v->writer_running     ? "writing now"
                           : v->stopped_cleanly ? "stopped cleanly"
                                                : "not running, no clean stop recorded");
    if (!v->consistent && v->first_broken.file[0])
        printf("result: NOT consistent, %" PRIu64 " finding%s; first at %s:%" PRIu64 "\n",
               v->broken, v->broken == 1 ? "" : "s", v->first_broken.file, v->first_broken.line);
    else if (!v->consistent && !v->records)
        printf("result: NOT consistent, nothing is recorded\n");
    else if (!v->consistent)
        printf("result: NOT consistent with the head given\n");
    else if (v->anchored)
        printf("result: consistent; anchored to %s; not anchored since %s\n", v->anchored_ts,
               v->anchored_ts);
    else if (!v->head_seq)
        printf("result: consistent; nothing is recorded yet\n");
    else
        printf("result: consistent; not anchored to a head kept elsewhere: a change of the last line "
               "(seq %" PRIu64 "), or lines cut off behind it, would not show\n",
               v->head_seq);
}

static int run_verify(const struct options *options)
{
    struct gh_record_verdict verdict;
    uint64_t found = 0;
    int err = gh_record_verify(options->directory, options->has_head ? &options->head : NULL,
                               print_finding, &found, &verdict);

    if (err)
        return fail(options->directory, err);
    if (found > TOLD_MAX)
        printf("and %" PRIu64 " more\n", found - TOLD_MAX);
    print_verdict(&verdict);
    return verdict.consistent ? EXIT_DONE : EXIT_FAILED;
}

/* ---- calls ---- */

struct listing {
    const struct options *options;
    struct gh_open_calls *calls;
    struct gh_sources *sources;
    uint64_t damaged; /* lines */
    bool titled;
};

static void print_call(struct listing *l, const struct gh_row *row)
{
    if (!l->titled)
        gh_row_print_titles();
    l->titled = true;
    gh_row_print(row);
}

static void print_ended(struct listing *l, const struct gh_line *line)
{
    const char *call = gh_line_text(line, "call");
    const struct gh_open_call *begun = call ? gh_open_calls_find(l->calls, call) : NULL;
    struct gh_row row = { .cells = { { .len = 0 } } };

    gh_row_of_end(&row, line, begun ? &begun->known : NULL);
    print_call(l, &row);
    gh_sources_print(l->sources, call);
    gh_row_print_silences(line);
}

static void print_refused(struct listing *l, const struct gh_line *line)
{
    struct gh_row row = { .cells = { { .len = 0 } } };

    gh_row_of_refusal(&row, line);
    print_call(l, &row);
}

static void print_open(struct listing *l, const struct gh_lost_call *call, bool running)
{
    struct gh_row row = { .cells = { { .len = 0 } } };

    gh_row_of_open(&row, call, running);
    print_call(l, &row);
    gh_sources_print(l->sources, call->call);
}

/* A request, not a response; one that only ended its connection has no method. */
static bool is_refused_invite(const struct gh_line *line)
{
    const char *method = gh_line_text(line, "method");

    return strcmp(line->type, "policy.refuse") == 0 && method && strcmp(method, "INVITE") == 0 &&
           !json_object_get(line->root, "response");
}

static int damaged_line(struct listing *l, const struct gh_record_line *at, const char *what)
{
    if (++l->damaged <= TOLD_MAX)
        fprintf(stderr, "gatehouse-audit: %s:%" PRIu64 ": %s\n", at->file, at->number, what);
    return 0;
}

static int list_line(void *arg, const struct gh_record_line *at)
{
    struct listing *l = arg;
    char why[GH_LINE_WHY_MAX] = "";
    struct gh_line line;
    int err;

    if (at->err)
        return damaged_line(l, at, gh_err_text(at->err));
    if (at->torn && at->last_file && gh_record_writer_running(l->options->directory))
        return 0; /* half a line that a running daemon is writing */
    if (at->torn)
        return damaged_line(l, at, "the file ends in the middle of a line");
    if (at->too_long)
        return damaged_line(l, at, "the line is longer than any record");
    err = gh_line_parse(at->raw, &line, why);
    if (err == GH_ENOMEM)
        return err;
    if (err)
        return damaged_line(l, at, why);
    if (strcmp(line.type, "call.end") == 0 || strcmp(line.type, "call.lost") == 0) {
        if (!l->options->json) {
            print_ended(l, &line);
        } else {
            fwrite(at->raw.p, 1, at->raw.len, stdout);
            putchar('\n');
        }
    }
    if (is_refused_invite(&line) && !l->options->json)
        print_refused(l, &line);
    err = gh_open_calls_note(l->calls, &line, at);
    if (!err && !l->options->json)
        err = gh_sources_note(l->sources, &line);
    gh_line_fini(&line);
    return err;
}

static void print_all_open(struct listing *l)
{
    const struct gh_open_call *call = NULL;
    bool running = gh_record_writer_running(l->options->directory);

    while ((call = gh_open_calls_next(l->calls, call)))
        print_open(l, &call->known, running);
}

static void ignore_finding(void *arg, const struct gh_record_finding *finding)
{
    (void)arg;
    (void)finding;
}

/* A table of calls is worth what the ledger is. */
static bool stands(const char *directory)
{
    struct gh_record_verdict verdict;

    if (!gh_record_verify(directory, NULL, ignore_finding, NULL, &verdict) && verdict.consistent)
        return true;
    fprintf(
        stderr,
        "gatehouse-audit: this ledger was changed or is damaged: what is listed may be false; see "
        "gatehouse-audit verify %s\n",
        directory);
    return false;
}

static int run_calls(const struct options *options)
{
    struct listing l = { .options = options,
                         .calls = gh_open_calls_new(),
                         .sources = gh_sources_new() };
    int err = l.calls && l.sources ? gh_record_read(options->directory, list_line, &l) : GH_ENOMEM;

    if (!err && !options->json)
        print_all_open(&l);
    gh_open_calls_free(l.calls);
    gh_sources_free(l.sources);
    if (l.damaged > TOLD_MAX)
        fprintf(stderr, "gatehouse-audit: and %" PRIu64 " more damaged lines\n",
                l.damaged - TOLD_MAX);
    if (err)
        return fail(options->directory, err);
    return !stands(options->directory) || l.damaged ? EXIT_FAILED : EXIT_DONE;
}

/* ---- arguments ---- */

static const struct verb {
    const char *name, *arguments, *does;
    const char *details; /* lines, each with its end */
    int (*run)(const struct options *options);
} verbs[] = {
    { "verify", "DIR [--head SEQ:SHA256]", "check every line and the chain of a ledger",
      "Prints each finding, \"broken\" or \"note\", the head, and \"result: consistent\" or \"NOT "
      "consistent\".\n"
      "Of two lines that do not fit each other the first is named: most likely it was changed.\n"
      "It never says \"proven\": whoever can write DIR can write a new chain.\n"
      "  --head SEQ:SHA256  a head that verify printed before, kept elsewhere: the ledger must "
      "reproduce\n"
      "                     it; then nothing up to there was changed: \"anchored\"\n"
      "Exit 0: consistent; 1: not, or DIR cannot be read.\n",
      run_verify },
    { "calls", "DIR [--json]", "list the calls, and the INVITEs that were refused",
      "A row for each call that ended, was lost in a crash, runs or was refused: when, how long, "
      "from, to,\n"
      "trunks, status, grade, reasons (why it ended or was refused), marks (what is to be known "
      "beside the\n"
      "grade), media; under it, each change of where its media comes from.  gatehouse reasons tells "
      "the words.\n"
      "Damaged lines are named on stderr.\n"
      "  --json  the records call.end and call.lost alone, as they stand in the ledger, one a "
      "line\n"
      "Exit 0; 1: the chain does not hold, lines are damaged, or DIR cannot be read.\n",
      run_calls },
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static int help(void)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        int width = printf("%s gatehouse-audit %s %s", i ? "      " : "usage:", verbs[i].name,
                           verbs[i].arguments);

        printf("%*s %s\n", width < 53 ? 53 - width : 1, "", verbs[i].does);
    }
    printf("       gatehouse-audit --version\n"
           "       gatehouse-audit --help                          say this; gatehouse-audit VERB "
           "--help says more\n\n"
           "DIR is audit.directory of the daemon, which may run meanwhile.\n"
           "Exit 0 done, 1 failed or damaged, 2 used wrongly.  See gatehouse-audit(1).\n");
    return EXIT_DONE;
}

static int help_of(const struct verb *verb)
{
    printf("usage: gatehouse-audit %s %s\n\n%c%s.\n%sExit 2: used wrongly.\n", verb->name,
           verb->arguments, verb->does[0] - 'a' + 'A', verb->does + 1, verb->details);
    return EXIT_DONE;
}

/* One line: what is wrong, and where the rest is told. */
static int used_wrongly(const struct verb *verb, const char *what, const char *arg)
{
    struct gh_cell shown = { .len = 0 };

    if (arg)
        gh_cell_text(&shown, arg);
    fprintf(stderr, "gatehouse-audit%s%s: %s%s%s; see gatehouse-audit %s%s--help\n",
            verb ? " " : "", verb ? verb->name : "", what, arg ? ": " : "", shown.text,
            verb ? verb->name : "", verb ? " " : "");
    return EXIT_USAGE;
}

static bool parse_head(const char *text, struct gh_record_anchor *out)
{
    struct gh_span rest = gh_span_str(text);
    struct gh_span seq = gh_span_take(&rest, ':');

    return gh_span_u64(seq, UINT64_MAX, &out->seq) && out->seq && gh_line_unhex(rest, out->hash);
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
    static const struct option calls_options[] = {
        { "help", no_argument, NULL, 'h' },
        { "json", no_argument, NULL, 'j' },
        { NULL, 0, NULL, 0 },
    };
    static const struct option verify_options[] = {
        { "help", no_argument, NULL, 'h' },
        { "head", required_argument, NULL, 'a' },
        { NULL, 0, NULL, 0 },
    };
    const struct option *known = verb->run == run_calls ? calls_options : verify_options;
    struct options options = { .directory = NULL };
    int letter;

    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
        if (letter == 'h')
            return help_of(verb);
        if (letter == ':')
            return used_wrongly(verb, "a value is missing behind", argv[optind - 1]);
        if (letter == '?')
            return used_wrongly(verb, "unknown option", argv[optind - 1]);
        if (letter == 'a' && !parse_head(optarg, &options.head))
            return used_wrongly(verb, "not a head such as verify prints, SEQ:SHA256", optarg);
        options.json |= letter == 'j';
        options.has_head |= letter == 'a';
    }
    if (optind == argc)
        return used_wrongly(verb, "DIR is missing", NULL);
    if (optind < argc - 1)
        return used_wrongly(verb, "one argument too many", argv[optind + 1]);
    options.directory = argv[optind];
    return verb->run(&options);
}

static int run(int argc, char **argv)
{
    if (argc < 2)
        return used_wrongly(NULL, "a verb is missing", NULL);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("gatehouse-audit %s\n", GH_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return run_verb(&verbs[i], argc - 1, argv + 1);
    }
    return used_wrongly(NULL, argv[1][0] == '-' ? "unknown option" : "unknown verb", argv[1]);
}

int main(int argc, char **argv)
{
    int result = run(argc, argv);

    /* A result that did not get out must not look like a good one. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "gatehouse-audit: the output cannot be written\n");
        return EXIT_FAILED;
    }
    return result;
}
