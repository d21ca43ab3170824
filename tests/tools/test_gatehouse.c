/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's command line as people use it: help, lists, wrong use, exit codes. */
#include "support/check.h"

#include <sys/wait.h>
#include <unistd.h>

#include <gatehouse/reason.h>

static char out[256 * 1024], err_out[16 * 1024];

static void slurp(FILE *file, char *into, size_t size)
{
    rewind(file);
    into[fread(into, 1, size - 1, file)] = 0;
    fclose(file);
}

/* Run it with up to three arguments.  @return exit code */
static int run(const char *a, const char *b, const char *c)
{
    FILE *out_file = tmpfile(), *err_file = tmpfile();
    pid_t child;
    int status;

    if (!out_file || !err_file)
        exit(EXIT_FAILURE);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        dup2(fileno(out_file), STDOUT_FILENO);
        dup2(fileno(err_file), STDERR_FILENO);
        execl(GH_BUILD_DIR "/gatehouse", "gatehouse", a, b, c, NULL);
        _exit(98);
    }
    waitpid(child, &status, 0);
    slurp(out_file, out, sizeof(out));
    slurp(err_file, err_out, sizeof(err_out));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int lines_of(const char *text)
{
    int count = 0;

    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void expect_wrong(int code, const char *says, const char *a, const char *b, const char *c)
{
    CHECK_INT(run(a, b, c), code);
    CHECK_STR(out, "");
    CHECK_INT(lines_of(err_out), 1);
    if (!CHECK(strstr(err_out, says) != NULL))
        fprintf(stderr, "%s", err_out);
}

static void wrong_use(void)
{
    expect_wrong(2, "a command is missing; see gatehouse --help", NULL, NULL, NULL);
    expect_wrong(2, "unknown command: \"start\"; see gatehouse --help", "start", NULL, NULL);
    expect_wrong(2, "unknown option: \"--start\"; see gatehouse --help", "--start", NULL, NULL);
    expect_wrong(2, "FILE is missing; see gatehouse check --help", "check", NULL, NULL);
    expect_wrong(2, "one argument too many: \"b\"; see gatehouse check --help", "check", "a", "b");
    expect_wrong(2, "unknown option: \"--trace\"; see gatehouse check", "check", "--trace", "a");
    expect_wrong(2, "unknown option: \"--dry-run\"; see gatehouse run", "run", "--dry-run", "a");
    expect_wrong(2, "a value is missing behind: \"--trace\"", "run", "a", "--trace");
    expect_wrong(2, "unknown command: \"\\x1b[31m\"", "\033[31m", NULL, NULL);
    expect_wrong(1, "there is no option called \"srpt\"", "options", "srpt", NULL);
    expect_wrong(1, "no reason is called \"weka\" or holds it", "reasons", "weka", NULL);
}

static void help_of_everything(void)
{
    static const char *const verbs[] = { "run", "check", "options", "reasons" };

    CHECK_INT(run("--help", NULL, NULL), 0);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        char usage[64];

        snprintf(usage, sizeof(usage), "gatehouse %s ", verbs[i]);
        CHECK(strstr(out, usage) != NULL);
    }
    CHECK(strstr(out, "Exit 0 done, 1 failed, 2 used wrongly") != NULL);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        char usage[64];

        CHECK_INT(run(verbs[i], "--help", NULL), 0);
        snprintf(usage, sizeof(usage), "usage: gatehouse %s ", verbs[i]);
        CHECK(strstr(out, usage) == out);
        CHECK(strstr(out, "Exit 0") != NULL && strstr(out, "Exit 2: used wrongly") != NULL);
        CHECK_STR(err_out, "");
    }
    CHECK_INT(run("run", "-h", NULL), 0);
    CHECK(strstr(out, "--trace TRACE") != NULL);
}

static void versions(void)
{
    CHECK_INT(run("--version", NULL, NULL), 0);
    CHECK(strstr(out, "gatehouse " GH_VERSION "\nSRTP primitives: ") == out);
}

/* Every option that the loader reads can be looked up, by its whole name and by its last word. */
static void options_are_listed(void)
{
    CHECK_INT(run("options", NULL, NULL), 0);
    CHECK(strstr(out, "\ntrunks.NAME.destinations\n") != NULL);
    CHECK(strstr(out, "\nlimits.max_calls\n") != NULL);
    CHECK(lines_of(out) > 400);
    /* How a change comes into effect: once, and of all. */
    CHECK(strstr(out, "A change takes effect when gatehouse is started again: ") == out);
    CHECK(strstr(out, "restart") == NULL && strstr(out, "reload") == NULL);
    CHECK_INT(run("options", "srtp", NULL), 0);
    CHECK(strstr(out, "trunks.NAME.srtp\n") == out);
    CHECK_INT(lines_of(out), 4);
    CHECK_INT(run("options", "routes", NULL), 0);
    CHECK(strstr(out, "routes\n") == out && strstr(out, "\nroutes[].require.grade\n") != NULL);
    CHECK(strstr(out, "trunks.NAME") == NULL);
    CHECK_INT(run("options", "max_calls", NULL), 0);
    CHECK(strstr(out, "trunks.NAME.max_calls\n") && strstr(out, "limits.max_calls\n"));
}

static void reasons_are_listed(void)
{
    CHECK_INT(run("reasons", NULL, NULL), 0);
    for (int r = 0; r < GH_REASON_COUNT; r++) {
        const struct gh_reason_info *info = gh_reason_info((enum gh_reason)r);

        CHECK(strstr(out, info->name) && strstr(out, info->text) && strstr(out, info->advice));
    }
    CHECK_INT(run("reasons", "no_route", NULL), 0);
    CHECK_STR(out, "no_route\n    no route matches the called number\n"
                   "    change: add a pattern to routes that matches it\n    SIP status: 404\n");
    /* A name that is no reason's lists those that hold it; one that is, that one alone. */
    CHECK_INT(run("reasons", "CRYPTO", NULL), 0);
    CHECK(strstr(out, "no_usable_crypto\n") == out && strstr(out, "\ncrypto_answer_bad\n"));
    CHECK(strstr(out, "no_route") == NULL);
    CHECK_INT(run("reasons", "unproven", NULL), 0);
    CHECK(strstr(out, "unproven\n") == out && strstr(out, "source_unproven") == NULL);
}

int main(void)
{
    RUN(wrong_use);
    RUN(help_of_everything);
    RUN(versions);
    RUN(options_are_listed);
    RUN(reasons_are_listed);
    return CHECK_REPORT();
}
