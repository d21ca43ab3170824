/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: start and stop, in reading order. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "audit/lost.h"
#include "audit/writer.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "call/call.h"
#include "config/config.h"
#include "crypto/srtp_ciphers.h"
#include "net/loop.h"

#define TEXT_MAX 512

static const char usage_text[] =
    "usage: gatehouse run FILE [--trace FILE]   run in the foreground, log to stderr\n"
    "       gatehouse check FILE                say what is wrong with a configuration\n"
    "       gatehouse --version\n"
    "       gatehouse --help\n"
    "\n"
    "  --trace FILE  append every SIP message to FILE with its keys blanked (for a lab: it slows the node)\n";

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

/* ---- stop ------------------------------------------------------------------------------------------------ */

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
    gh_log(GH_LOG_WARN, "main", "reload", "text=\"reload is not available in this version: restart\"");
}

/* ---- start ------------------------------------------------------------------------------------------------- */

/* A peer that went away, and a ledger that met a file size limit, are errors to handle, not reasons to die. */
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
    gh_log(GH_LOG_INFO, "main", "limits", "descriptors=%llu", (unsigned long long)gh_descriptors_raise());
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
    struct gh_audit_options options = { .directory = d->config->audit.directory, .uv_loop = gh_loop_uv(d->loop),
                                        .wall_us = gh_wall_us(), .on_state = on_audit_state };
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
    struct gh_calls_params params = { .loop = d->loop, .config = d->config, .audit = d->audit, .trace = d->trace };
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

/* ---- commands ------------------------------------------------------------------------------------------------ */

static int run(const char *path, const char *trace_path)
{
    struct daemon d = { .status = 1 };
    int err;

    ignore_signals();
    protect_memory();
    if (gh_config_names_new(&d.names) || gh_config_load(&d.config, path, d.names, 1, gh_wall_us(), stderr))
        goto out;
    if (open_trace(&d, trace_path) || gh_log_start(STDERR_FILENO, GH_LOG_INFO))
        goto out;
    raise_descriptors();
    if (gh_srtp_ciphers_start(d.config->media.builtin_srtp, &d.primitives)) {
        fprintf(stderr, "gatehouse: libsrtp2 refused our primitives; media.builtin_srtp: true would allow its own\n");
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
            gh_log(GH_LOG_INFO, "main", "start", "version=%s config=%s primitives=\"%s\"", GH_VERSION, path,
                   d.primitives);
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

static int check(const char *path)
{
    struct gh_config_names *names = NULL;
    struct gh_config *config = NULL;
    int err = gh_config_names_new(&names);

    if (!err)
        err = gh_config_load(&config, path, names, 1, gh_wall_us(), stderr);
    if (!err)
        printf("%s: ok\n", path);
    gh_config_unref(config);
    gh_config_names_free(names);
    return err ? 1 : 0;
}

static int version(void)
{
    const char *primitives = NULL;

    printf("gatehouse %s\n", GH_VERSION);
    if (gh_srtp_ciphers_start(true, &primitives))
        return 1;
    printf("SRTP primitives: %s\n", primitives);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "run") == 0)
        return run(argv[2], NULL);
    if (argc == 5 && strcmp(argv[1], "run") == 0 && strcmp(argv[3], "--trace") == 0)
        return run(argv[2], argv[4]);
    if (argc == 3 && strcmp(argv[1], "check") == 0)
        return check(argv[2]);
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return version();
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage_text, stdout);
        return 0;
    }
    fputs(usage_text, stderr);
    return 2;
}
