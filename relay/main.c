/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: start and stop, in reading order. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gatehouse/reason.h>

#include "audit/lost.h"
#include "audit/writer.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "call/call.h"
#include "config/config.h"
#include "crypto/srtp_ciphers.h"
#include "net/loop.h"

#define TEXT_MAX 512

struct daemon {
    struct gh_config_names *names;
    struct gh_config *config;
    struct gh_loop *loop;
    struct gh_audit *audit;
    struct gh_calls *calls;
    FILE *trace;
    const char *primitives;
    bool stopping;
    int status;
};

/* ---- stop ------------------------------------------------------------------------------------ */

static void on_audit_stopped(void *arg, int err)
{
    struct daemon *d = arg;

    if (err) {
        gh_log(GH_LOG_ERROR, "main", "audit.stop", "error=\"%s\"", gh_err_text(err));
        d->status = 1;
    }
    gh_loop_stop(d->loop);
}

static void stop_audit(struct daemon *d)
{
    struct gh_event *event = gh_event_new("daemon.stop", gh_wall_us());

    gh_event_text(event, "node", d->config->node_name);
    gh_event_u64(event, "log_lines_dropped", gh_log_dropped());
    gh_audit_put(d->audit, event, NULL, NULL);
    gh_audit_stop(d->audit, on_audit_stopped, d);
}

static void on_drained(void *arg)
{
    stop_audit(arg);
}

static void on_stop_signal(void *arg, int signo)
{
    struct daemon *d = arg;

    if (d->stopping)
        return;
    d->stopping = true;
    gh_log(GH_LOG_INFO, "main", "stop", "signal=%s", sigabbrev_np(signo));
    gh_calls_stop(d->calls, on_drained, d);
}

static void on_reload_signal(void *arg, int signo)
{
    (void)arg;
    (void)signo;
    gh_log(GH_LOG_WARN, "main", "reload",
           "text=\"reload is not available in this version: restart\"");
}

/* ---- start ----------------------------------------------------------------------------------- */

/* A peer that went away, and a ledger that met a file size limit, are errors to handle, not reasons
 * to die. */
static void ignore_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

/* No core dump may hold a key, and no other process of the user may look in. */
static void protect_memory(void)
{
    struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

/* Two sockets a port, four ports a stream: the usual soft limit of 1024 is some sixty calls. */
static void raise_descriptors(void)
{
    gh_log(GH_LOG_INFO, "main", "limits", "descriptors=%llu",
           (unsigned long long)gh_descriptors_raise());
}

static void on_audit_state(void *arg, int err, const char *why)
{
    (void)arg;
    if (err == GH_EBROKEN)
        gh_log(GH_LOG_ERROR, "audit", "ledger.interrupted", "text=\"%s\"", why);
    else if (err)
        gh_log(GH_LOG_ERROR, "audit", "write.fail", "text=\"%s\"", why);
    else
        gh_log(GH_LOG_INFO, "audit", "write.again", "text=\"the record is written again\"");
}

static int open_audit(struct daemon *d)
{
    struct gh_audit_options options = { .directory = d->config->audit.directory,
                                        .uv_loop = gh_loop_uv(d->loop),
                                        .wall_us = gh_wall_us(),
                                        .on_state = on_audit_state };
    char why[GH_AUDIT_WHY_MAX];
    int err = gh_audit_open(&d->audit, &options, why);

    if (err)
        fprintf(stderr, "gatehouse: %s\n", why);
    return err;
}

static void put_lost(void *arg, const struct gh_lost_call *lost)
{
    struct daemon *d = arg;

    gh_log(GH_LOG_WARN, "audit", "call.lost", "call=%s last_grade=%s unknown_since=%s",
           gh_log_quote(gh_span_str(lost->call)).text, gh_log_quote(gh_span_str(lost->grade)).text,
           gh_log_quote(gh_span_str(lost->last_ts)).text);
    gh_audit_put(d->audit, gh_lost_event(lost, gh_wall_us()), NULL, NULL);
}

static void put_start(struct daemon *d)
{
    struct gh_event *event = gh_event_new("daemon.start", gh_wall_us());

    gh_event_text(event, "node", d->config->node_name);
    gh_event_text(event, "version", GH_VERSION);
    gh_event_text(event, "config", d->config->path);
    gh_event_int(event, "pid", getpid());
    gh_event_text(event, "srtp_primitives", d->primitives);
    gh_audit_put(d->audit, event, NULL, NULL);
}

static int open_calls(struct daemon *d)
{
    struct gh_calls_params params = {
        .loop = d->loop, .config = d->config, .audit = d->audit, .trace = d->trace
    };
    char text[TEXT_MAX];
    int err = gh_calls_new(&d->calls, &params, text, sizeof(text));

    if (err)
        fprintf(stderr, "gatehouse: %s\n", text);
    return err;
}

static int listen_and_watch(struct daemon *d)
{
    static const int stop_signals[] = { SIGTERM, SIGINT };
    char text[TEXT_MAX];
    int err = gh_calls_listen(d->calls, text, sizeof(text));

    if (err) {
        fprintf(stderr, "gatehouse: %s\n", text);
        return err;
    }
    for (size_t i = 0; !err && i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++)
        err = gh_loop_on_signal(d->loop, stop_signals[i], on_stop_signal, d);
    if (!err)
        err = gh_loop_on_signal(d->loop, SIGHUP, on_reload_signal, d);
    return err;
}

static int open_trace(struct daemon *d, const char *path)
{
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (!path)
        return 0;
    d->trace = fd >= 0 ? fdopen(fd, "a") : NULL;
    if (d->trace)
        return 0;
    fprintf(stderr, "gatehouse: %s: %s\n", path, strerror(errno));
    return -1;
}

/* ---- run ------------------------------------------------------------------------------------- */

static int run_daemon(const char *path, const char *trace_path)
{
    struct daemon d = { .status = 1 };
    int err;

    ignore_signals();
    protect_memory();
    if (gh_config_names_new(&d.names) ||
        gh_config_load(&d.config, path, d.names, 1, gh_wall_us(), stderr))
        goto out;
    if (open_trace(&d, trace_path) || gh_log_start(STDERR_FILENO, GH_LOG_INFO))
        goto out;
    raise_descriptors();
    if (d.config->media.ports_advice)
        gh_log(GH_LOG_WARN, "main", "media.ports", "text=\"%s\"", d.config->media.ports_advice);
    if (gh_srtp_ciphers_start(d.config->media.builtin_srtp, &d.primitives)) {
        fprintf(stderr, "gatehouse: libsrtp2 refused our primitives; media.builtin_srtp: true "
                        "would allow its own\n");
        goto out;
    }
    if (gh_loop_new(&d.loop) || open_audit(&d))
        goto out;
    /* Before the first record of this run: what a crash cut off. */
    err = gh_lost_scan(d.config->audit.directory, put_lost, &d);
    if (err)
        gh_log(GH_LOG_ERROR, "audit", "lost.scan", "error=\"%s\"", gh_err_text(err));
    put_start(&d);
    err = open_calls(&d);
    if (!err) {
        d.status = 0;
        err = listen_and_watch(&d);
        if (err) {
            d.status = 1;
            gh_calls_stop(d.calls, on_drained, &d);
        } else {
            gh_log(GH_LOG_INFO, "main", "start", "version=%s config=%s primitives=\"%s\"",
                   GH_VERSION, path, d.primitives);
        }
    } else {
        stop_audit(&d);
    }
    if (gh_loop_run(d.loop))
        d.status = 1;
out:
    gh_calls_free(d.calls);
    gh_audit_free(d.audit);
    gh_loop_free(d.loop);
    gh_log_stop();
    if (d.trace)
        fclose(d.trace);
    gh_config_unref(d.config);
    gh_config_names_free(d.names);
    return d.status;
}

/* ---- commands -------------------------------------------------------------------------------- */

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct arguments {
    const char *word;  /* the FILE or KEY or WORD; NULL: not given */
    const char *trace; /* of run */
};

static int run(const struct arguments *args)
{
    return run_daemon(args->word, args->trace) ? EXIT_FAILED : EXIT_DONE;
}

static int check(const struct arguments *args)
{
    struct gh_config_names *names = NULL;
    struct gh_config *config = NULL;
    int err = gh_config_names_new(&names);

    if (!err)
        err = gh_config_load(&config, args->word, names, 1, gh_wall_us(), stderr);
    if (!err)
        printf("%s: ok\n", args->word);
    gh_config_unref(config);
    gh_config_names_free(names);
    return err ? EXIT_FAILED : EXIT_DONE;
}

static int options(const struct arguments *args)
{
    if (!args->word)
        printf("A change takes effect when gatehouse is started again: files are not read while "
               "it runs.\n\n");
    if (gh_config_describe(stdout, GH_DESCRIBE_TEXT, args->word))
        return EXIT_DONE;
    fprintf(stderr, "gatehouse: there is no option called %s; gatehouse options lists them all\n",
            gh_log_quote(gh_span_str(args->word)).text);
    return EXIT_FAILED;
}

static void print_reason(const struct gh_reason_info *info)
{
    printf("%s\n    %s\n    change: %s\n", info->name, info->text, info->advice);
    if (info->sip_code)
        printf("    SIP status: %d\n", info->sip_code);
}

/* @part  also those whose name only holds @word.  @return whether there was any */
static bool print_reasons(const char *word, bool part)
{
    bool found = false;

    for (int r = 0; r < GH_REASON_COUNT; r++) {
        const struct gh_reason_info *info = gh_reason_info((enum gh_reason)r);

        if (word && !(part ? strcasestr(info->name, word) != NULL : strcmp(info->name, word) == 0))
            continue;
        found = true;
        print_reason(info);
    }
    return found;
}

static int reasons(const struct arguments *args)
{
    if (print_reasons(args->word, false) || print_reasons(args->word, true))
        return EXIT_DONE;
    fprintf(stderr,
            "gatehouse: no reason is called %s or holds it; gatehouse reasons lists them all\n",
            gh_log_quote(gh_span_str(args->word)).text);
    return EXIT_FAILED;
}

static int version(const struct arguments *args)
{
    const char *primitives = NULL;

    (void)args;
    printf("gatehouse %s\n", GH_VERSION);
    if (gh_srtp_ciphers_start(true, &primitives))
        return EXIT_FAILED;
    printf("SRTP primitives: %s\n", primitives);
    return EXIT_DONE;
}

static int help(const struct arguments *args);

static const struct verb {
    const char *name, *arguments, *does;
    const char *details; /* lines, each with its end */
    bool needs_word, takes_word, takes_trace;
    int (*run)(const struct arguments *args);
} verbs[] = {
    { "run", "FILE [--trace TRACE]", "run in the foreground, log to stderr",
      "FILE is the configuration.  SIGTERM and SIGINT end calls in order, write their records and\n"
      "stop; a second one changes nothing.\n"
      "  --trace TRACE  append every SIP message to TRACE with its keys blanked (for a lab: it\n"
      "                 slows the node)\n"
      "Exit 0: stopped when asked; 1: could not start, or a record could not be written.\n",
      true, true, true, run },
    { "check", "FILE", "say what is wrong with a configuration",
      "Reads FILE, what it includes, and the certificates and keys that they name, looks at the\n"
      "place of the record, and opens no socket.  Run it as the user of the daemon.  Errors,\n"
      "warnings and notes go to stderr, each with file, line, column and what to change;\n"
      "\"FILE: ok\" goes to stdout.\n"
      "Exit 0: it can be run, warnings or not; 1: there are errors.\n",
      true, true, false, check },
    { "options", "[KEY]", "list the keys of the configuration: meaning, type, default",
      "KEY is a whole key (trunks.NAME.srtp), a section (media) or a last word (srtp).  Made\n"
      "from the table that the loader itself reads.\n"
      "Exit 0; 1: there is no such key.\n",
      false, true, false, options },
    { "reasons", "[WORD]", "list what the reasons and marks mean, and what to change",
      "WORD is a reason of a SIP answer, a log line or a record: no_trunk_for_certificate.\n"
      "If none has that name, all whose names hold it are listed: crypto.\n"
      "Exit 0; 1: there is no such reason.\n",
      false, true, false, reasons },
    { "--version", "", "say the version and whose SRTP primitives are in use", "", false, false,
      false, version },
    { "--help", "", "say this; gatehouse COMMAND --help says more", "", false, false, false, help },
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static int help(const struct arguments *args)
{
    (void)args;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        int width = printf("%s gatehouse %s %s", i ? "      " : "usage:", verbs[i].name,
                           verbs[i].arguments);

        printf("%*s %s\n", width < 42 ? 42 - width : 1, "", verbs[i].does);
    }
    printf("\nExit 0 done, 1 failed, 2 used wrongly.  See gatehouse(8), gatehouse.yaml(5).\n");
    return EXIT_DONE;
}

static int help_of(const struct verb *verb)
{
    printf("usage: gatehouse %s %s\n\n%c%s.\n%s", verb->name, verb->arguments,
           verb->does[0] - 'a' + 'A', verb->does + 1, verb->details);
    printf("Exit 2: used wrongly.\n");
    return EXIT_DONE;
}

/* One line: what is wrong, and where the rest is told. */
static int used_wrongly(const struct verb *verb, const char *what, const char *arg)
{
    fprintf(stderr, "gatehouse%s%s: %s%s%s; see gatehouse %s%s--help\n", verb ? " " : "",
            verb ? verb->name : "", what, arg ? ": " : "",
            arg ? gh_log_quote(gh_span_str(arg)).text : "", verb ? verb->name : "",
            verb ? " " : "");
    return EXIT_USAGE;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
    static const struct option known[] = {
        { "trace", required_argument, NULL, 't' }, /* first: most verbs begin behind it */
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    const struct option *taken = known + (verb->takes_trace ? 0 : 1);
    struct arguments args = { .word = NULL };
    int letter;

    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":h", taken, NULL)) != -1) {
        if (letter == 'h')
            return help_of(verb);
        if (letter == ':')
            return used_wrongly(verb, "a value is missing behind", argv[optind - 1]);
        if (letter != 't')
            return used_wrongly(verb, "unknown option", argv[optind - 1]);
        args.trace = optarg;
    }
    if (optind < argc)
        args.word = argv[optind++];
    if (!args.word && verb->needs_word)
        return used_wrongly(verb, "FILE is missing", NULL);
    if (optind < argc || (args.word && !verb->takes_word))
        return used_wrongly(verb, "one argument too many", argv[argc - 1]);
    return verb->run(&args);
}

static int run_command(int argc, char **argv)
{
    if (argc < 2)
        return used_wrongly(NULL, "a command is missing", NULL);
    if (strcmp(argv[1], "-h") == 0)
        return help(NULL);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return run_verb(&verbs[i], argc - 1, argv + 1);
    }
    return used_wrongly(NULL, argv[1][0] == '-' ? "unknown option" : "unknown command", argv[1]);
}

int main(int argc, char **argv)
{
    int result = run_command(argc, argv);

    /* A result that did not get out must not look like a good one. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "gatehouse: the output cannot be written\n");
        return EXIT_FAILED;
    }
    return result;
}
