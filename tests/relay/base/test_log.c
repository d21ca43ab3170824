/* SPDX-License-Identifier: Apache-2.0 */
/* Run under the thread sanitizer too: preset tsan. */
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "support/check.h"

#define THREADS 4
#define EACH 2000
#define TEXT_MAX (4u << 20)

/* What was written so far, from a file that the log writes to. */
static char *text;
static int file = -1;

static void open_file(void)
{
    char path[] = "/tmp/gh_test_log_XXXXXX";

    file = mkstemp(path);
    if (file < 0 || unlink(path))
        abort();
}

static const char *read_back(void)
{
    ssize_t len = pread(file, text, TEXT_MAX - 1, 0);

    text[len > 0 ? len : 0] = 0;
    return text;
}

static void close_file(void)
{
    close(file);
    file = -1;
}

static unsigned count_lines(const char *all)
{
    unsigned lines = 0;

    for (; *all; all++)
        lines += *all == '\n';
    return lines;
}

static unsigned count_word(const char *all, const char *word)
{
    unsigned hits = 0;

    for (; (all = strstr(all, word)) != NULL; all++)
        hits++;
    return hits;
}

/* The line without its time, whose form is checked. */
static const char *after_time(const char *line)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ ";

    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] == 'd' ? !gh_ascii_is_digit((unsigned char)line[i]) : line[i] != form[i])
            return "no time";
    }
    return line + sizeof(form) - 1;
}

static void form_of_a_line(void)
{
    open_file();
    CHECK_INT(gh_log_start(file, GH_LOG_INFO), 0);
    gh_log(GH_LOG_INFO, "call", "state", "call=%s from=%s to=%s", "7f3a91c2", "offered",
           "answered");
    gh_log(GH_LOG_DEBUG, "call", "quiet", "n=%d", 1);
    gh_log_stop();
    CHECK_STR(after_time(read_back()),
              "info  call  state       call=7f3a91c2 from=offered to=answered\n");
    close_file();
}

static void level_and_place_can_change(void)
{
    int other;

    open_file();
    CHECK_INT(gh_log_start(file, GH_LOG_ERROR), 0);
    gh_log(GH_LOG_WARN, "net", "one", "n=1");
    other = dup(file);
    CHECK_INT(gh_log_start(other, GH_LOG_DEBUG), 0);
    gh_log(GH_LOG_DEBUG, "net", "two", "n=2");
    gh_log_stop();
    CHECK_STR(after_time(read_back()), "debug net   two         n=2\n");
    /* Not running: at once. */
    gh_log(GH_LOG_ERROR, "net", "three", "n=3");
    CHECK_INT(count_lines(read_back()), 2);
    gh_log_stop();
    CHECK_INT(gh_log_start(STDERR_FILENO, GH_LOG_INFO), 0);
    gh_log_stop();
    close(other);
    close_file();
}

/* Two lines must never come out of one call, whatever the text. */
static void no_text_forges_a_line(void)
{
    open_file();
    gh_log_start(file, GH_LOG_INFO);
    gh_log(GH_LOG_INFO, "net", "odd", "text=%s", "a\nb\rc\x1b[2J\x80z");
    gh_log_stop();
    CHECK_STR(after_time(read_back()), "info  net   odd         text=a?b?c?[2J?z\n");
    close_file();
}

static void long_lines_are_cut(void)
{
    char big[3 * GH_LOG_LINE_MAX];

    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = 0;
    open_file();
    gh_log_start(file, GH_LOG_INFO);
    gh_log(GH_LOG_INFO, "net", "big", "text=%s", big);
    gh_log(GH_LOG_INFO, big, big, "n=2");
    gh_log(GH_LOG_INFO, "net", "next", "n=3");
    gh_log_stop();
    CHECK_INT(count_lines(read_back()), 3);
    CHECK_INT(strchr(text, '\n') + 1 - text, GH_LOG_LINE_MAX - 1);
    CHECK(strstr(text, "n=2\n") && strstr(text, "n=3\n"));
    close_file();
}

static void *log_many(void *arg)
{
    for (int i = 0; i < EACH; i++)
        gh_log(GH_LOG_INFO, "test", "line", "from=%d n=%d", *(int *)arg, i);
    return NULL;
}

/* Every line is whole and in order, or counted as dropped. */
static void threads_share_it(void)
{
    uint64_t dropped = gh_log_dropped(), said = 0;
    int names[THREADS], last[THREADS];
    pthread_t threads[THREADS];
    unsigned lines = 0;

    open_file();
    gh_log_start(file, GH_LOG_INFO);
    for (int i = 0; i < THREADS; i++) {
        names[i] = i;
        last[i] = -1;
        pthread_create(&threads[i], NULL, log_many, &names[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gh_log_stop();
    read_back();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        int from, n;
        unsigned long long gone;

        if (sscanf(after_time(line), "info  test  line        from=%d n=%d", &from, &n) == 2) {
            CHECK(from >= 0 && from < THREADS && n > last[from]);
            last[from] = n;
            lines++;
        } else {
            CHECK_INT(sscanf(after_time(line), "warn  log   dropped     lines=%llu", &gone), 1);
            said += gone;
        }
    }
    CHECK_INT(lines + gh_log_dropped() - dropped, THREADS * EACH);
    CHECK_INT(said, gh_log_dropped() - dropped);
    close_file();
}

/* A pipe that nobody reads holds up the writing thread, not the callers; errors find room that
 * others do not. */
static void full_pipe_holds_up_nobody(void)
{
    uint64_t before = gh_log_dropped(), dropped;
    char big[900];
    int pipes[2];
    unsigned lines;
    ssize_t n;
    size_t len = 0;

    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = 0;
    CHECK_OR_STOP(pipe(pipes) == 0);
    fcntl(pipes[1], F_SETPIPE_SZ, 4096);
    gh_log_start(pipes[1], GH_LOG_INFO);
    for (int i = 0; i < 3 * GH_LOG_RING_LINES; i++)
        gh_log(GH_LOG_WARN, "test", "flood", "text=%s", big);
    dropped = gh_log_dropped() - before;
    CHECK(dropped > GH_LOG_RING_LINES);
    gh_log(GH_LOG_ERROR, "test", "urgent", "n=1");
    CHECK_INT(gh_log_dropped() - before, dropped);
    /* Let it flow. */
    lines = 3 * GH_LOG_RING_LINES - (unsigned)dropped;
    text[0] = 0;
    while (!strstr(text, "urgent") && (n = read(pipes[0], text + len, TEXT_MAX - 1 - len)) > 0) {
        len += (size_t)n;
        text[len] = 0;
    }
    gh_log_stop();
    CHECK_INT(count_word(text, "flood"), lines);
    CHECK_INT(count_word(text, "urgent"), 1);
    CHECK(strstr(text, "dropped     lines=") != NULL);
    close(pipes[0]);
    close(pipes[1]);
}

static void closed_descriptor_is_no_trouble(void)
{
    open_file();
    gh_log_start(-1, GH_LOG_INFO);
    gh_log(GH_LOG_INFO, "test", "line", "n=1");
    gh_log_stop();
    CHECK_INT(gh_log_start(file, GH_LOG_INFO), 0);
    gh_log(GH_LOG_INFO, "test", "line", "n=2");
    gh_log_stop();
    CHECK_INT(count_lines(read_back()), 1);
    close_file();
}

static void quotes_text_of_peers(void)
{
    char big[200];
    struct gh_log_text quoted;

    CHECK_STR(gh_log_quote(GH_SPAN("bob@example.net")).text, "\"bob@example.net\"");
    CHECK_STR(gh_log_quote(GH_SPAN("a\"b\\c\r\n\0\x7f\xff")).text,
              "\"a\\x22b\\x5cc\\x0d\\x0a\\x00\\x7f\\xff\"");
    CHECK_STR(gh_log_quote(gh_span_of(NULL, 0)).text, "\"\"");
    memset(big, 1, sizeof(big));
    quoted = gh_log_quote(gh_span_of(big, sizeof(big)));
    CHECK_INT(strlen(quoted.text), GH_LOG_QUOTE_MAX * 4 + 5);
    CHECK_STR(quoted.text + GH_LOG_QUOTE_MAX * 4 + 1, "\"...");
    quoted = gh_log_quote(gh_span_of(big, GH_LOG_QUOTE_MAX));
    CHECK_STR(quoted.text + GH_LOG_QUOTE_MAX * 4 + 1, "\"");
}

static void folds_by_the_second(void)
{
    struct gh_log_fold fold = { 0 };
    uint64_t left_out = 99;

    CHECK(gh_log_fold(&fold, 0, &left_out));
    CHECK_INT(left_out, 0);
    for (int i = 0; i < 7; i++)
        CHECK(!gh_log_fold(&fold, 999, &left_out));
    CHECK(gh_log_fold(&fold, 1000, &left_out));
    CHECK_INT(left_out, 7);
    CHECK(!gh_log_fold(&fold, 1999, &left_out));
    CHECK(gh_log_fold(&fold, 100000, &left_out));
    CHECK_INT(left_out, 1);
    CHECK(gh_log_fold(&fold, 101000, &left_out));
    CHECK_INT(left_out, 0);
}

int main(void)
{
    text = calloc(1, TEXT_MAX);
    if (!text)
        return 1;
    RUN(form_of_a_line);
    RUN(level_and_place_can_change);
    RUN(no_text_forges_a_line);
    RUN(long_lines_are_cut);
    RUN(threads_share_it);
    RUN(full_pipe_holds_up_nobody);
    RUN(closed_descriptor_is_no_trouble);
    RUN(quotes_text_of_peers);
    RUN(folds_by_the_second);
    free(text);
    return CHECK_REPORT();
}
