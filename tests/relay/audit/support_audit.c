/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/audit/support_audit.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

/* Trouble of the test itself, not of what is tested. */
static void need(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(EXIT_FAILURE);
    }
}

const char *fresh_dir(void)
{
    static char path[4096];
    const char *base = getenv("TMPDIR");

    snprintf(path, sizeof(path) - 8, "%s/gh-audit-XXXXXX", base ? base : "/tmp");
    need(mkdtemp(path) != NULL, "mkdtemp");
    need(rmdir(path) == 0, "rmdir");
    return path;
}

void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    if (!d)
        return;
    while ((entry = readdir(d)))
        unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
    rmdir(dir);
}

static void path_of(char *out, size_t size, const char *dir, const char *name)
{
    snprintf(out, size, "%s/%s", dir, name);
}

bool file_exists(const char *dir, const char *name)
{
    char path[4200];

    path_of(path, sizeof(path), dir, name);
    return access(path, F_OK) == 0;
}

char *read_file(const char *dir, const char *name, size_t *len)
{
    char path[4200], *text;
    FILE *file;
    long size;

    path_of(path, sizeof(path), dir, name);
    file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    text = malloc((size_t)size + 1);
    need(text && fread(text, 1, (size_t)size, file) == (size_t)size, "read_file");
    text[size] = 0;
    fclose(file);
    if (len)
        *len = (size_t)size;
    return text;
}

void write_file(const char *dir, const char *name, const void *octets, size_t len)
{
    char path[4200];
    int fd;

    path_of(path, sizeof(path), dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    need(fd >= 0 && write(fd, octets, len) == (ssize_t)len, "write_file");
    close(fd);
}

int add_event(struct gh_ledger *ledger, struct gh_event *event)
{
    struct gh_span text;
    int err = gh_event_finish(event, &text);

    if (!err)
        err = gh_ledger_add(ledger, text, NULL);
    gh_event_free(event);
    return err;
}

void make_ledger(const char *dir, unsigned count)
{
    char why[GH_LEDGER_WHY_MAX];
    struct gh_ledger *ledger;

    need(gh_ledger_open(&ledger, dir, WALL_US, UINT64_MAX, why) == 0, why);
    for (unsigned i = 0; i < count; i++) {
        struct gh_event *event = gh_event_new("test.event", WALL_US + i * 1000);

        gh_event_u64(event, "n", i);
        need(add_event(ledger, event) == 0 && gh_ledger_commit(ledger) == 0, "make_ledger");
    }
    gh_ledger_close(ledger);
}

static bool line_holds(const char *line, size_t len, uint64_t seq, char prev[65])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char head[160];
    unsigned hash_len;
    int head_len;

    head_len = snprintf(head, sizeof(head), "{\"v\":1,\"seq\":%" PRIu64 ",\"prev\":\"%s\",\"ts\":\"", seq,
                        prev);
    if (len < (size_t)head_len || memcmp(line, head, (size_t)head_len) != 0 || line[len - 1] != '}')
        return false;
    need(EVP_Digest(line, len, hash, &hash_len, EVP_sha256(), NULL) == 1, "EVP_Digest");
    for (unsigned i = 0; i < hash_len; i++)
        snprintf(prev + 2 * i, 3, "%02x", hash[i]);
    return true;
}

long second_opinion(const char *dir, const char *const *files, size_t count)
{
    char prev[65];
    long lines = 0;

    memset(prev, '0', 64);
    prev[64] = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = 0, at = 0;
        char *text = read_file(dir, files[i], &len);

        while (text && at < len) {
            const char *lf = memchr(text + at, '\n', len - at);
            size_t line_len = lf ? (size_t)(lf - (text + at)) : 0;

            if (!lf || !line_holds(text + at, line_len, (uint64_t)lines + 1, prev)) {
                free(text);
                return -1;
            }
            lines++;
            at += line_len + 1;
        }
        free(text);
    }
    return lines;
}

/* ---- ledgers ---- */

char open_why[GH_LEDGER_WHY_MAX];

struct gh_ledger *open_ledger(const char *dir)
{
    struct gh_ledger *ledger = NULL;

    need(gh_ledger_open(&ledger, dir, WALL_US, UINT64_MAX, open_why) == 0, open_why);
    return ledger;
}

int open_error(const char *dir)
{
    struct gh_ledger *ledger = NULL;
    int err = gh_ledger_open(&ledger, dir, WALL_US, UINT64_MAX, open_why);

    gh_ledger_close(ledger);
    return err;
}

int append(struct gh_ledger *ledger, const char *type, size_t padding)
{
    struct gh_event *event = gh_event_new(type, WALL_US);
    char hundred[101];
    int err;

    snprintf(hundred, sizeof(hundred), "%0100d", 0);
    gh_event_array(event, "padding");
    for (size_t i = 0; i < padding; i += 100)
        gh_event_text(event, NULL, hundred);
    gh_event_end(event);
    err = add_event(ledger, event);
    return err ? err : gh_ledger_commit(ledger);
}

long size_of(const char *dir, const char *name)
{
    char path[4200];
    struct stat st;

    path_of(path, sizeof(path), dir, name);
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void count_finding(void *arg, const struct gh_record_finding *finding)
{
    ((struct tally *)arg)->of[finding->kind]++;
}

struct gh_record_verdict verify_tally(const char *dir, struct tally *tally)
{
    struct gh_record_verdict verdict = { .consistent = false };

    *tally = (struct tally){ { 0 } };
    need(gh_record_verify(dir, NULL, count_finding, tally, &verdict) == 0, "gh_record_verify");
    return verdict;
}
