/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every golden/NAME.yaml against golden/NAME.out: all that the loader says, to the octet, then "ok"
 * or "refused".  A file whose name begins with "ok" must be taken, any other but those of warnings
 * refused. After a change of words on purpose: GH_GOLDEN_WRITE=1 writes the .out files; read the
 * difference.
 */
#include <glob.h>
#include <unistd.h>

#include "config/config.h"
#include "config/load.h"
#include "support/check.h"

#define WALL_US 1767225600000000LL /* 2026-01-01; no certificate is looked at here */

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    FILE *out;
    int c;

    if (!file)
        return NULL;
    out = open_memstream(&text, &size);
    while (out && (c = fgetc(file)) != EOF)
        fputc(c, out);
    fclose(file);
    if (out)
        fclose(out);
    return text;
}

/* What the loader says of @path, and its verdict.  To be freed. */
static char *load_text(const char *path, int *err)
{
    const struct gh_load_env env = { .memory = GH_CONFIG_MEMORY_MAX };
    struct gh_config_names *names = NULL;
    struct gh_config *config = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out || gh_config_names_new(&names) != 0)
        abort();
    *err = gh_config_load_env(&config, path, names, 1, WALL_US, out, &env);
    fputs(*err ? "refused\n" : "ok\n", out);
    fclose(out);
    CHECK((*err == 0) == (config != NULL));
    gh_config_unref(config);
    gh_config_names_free(names);
    return text;
}

static void check_file(const char *path)
{
    char want_path[256];
    char *got, *want;
    int err;

    snprintf(want_path, sizeof(want_path), "%.*s.out", (int)(strlen(path) - strlen(".yaml")), path);
    got = load_text(path, &err);
    if (getenv("GH_GOLDEN_WRITE")) {
        FILE *file = fopen(want_path, "we");

        if (file) {
            fputs(got, file);
            fclose(file);
        }
    }
    want = read_text(want_path);
    if (!CHECK(want && strcmp(got, want) == 0))
        fprintf(stderr, "%s says:\n%s", path, got);
    if (strncmp(path, "ok", 2) == 0)
        CHECK_INT(err, 0);
    /* One word of the test secrets in any message would be one too many. */
    CHECK(!strstr(got, "hunter2") && !strstr(got, "hunter3") && !strstr(got, "hunter4") &&
          !strstr(got, "MC4CAQ"));
    free(got);
    free(want);
}

static void test_golden(void)
{
    glob_t found;

    CHECK_OR_STOP(chdir(GH_TEST_DIR "/relay/config/golden") == 0);
    CHECK_OR_STOP(glob("*.yaml", 0, NULL, &found) == 0);
    CHECK(found.gl_pathc >= 60);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_file(found.gl_pathv[i]);
    globfree(&found);
}

static void test_no_file(void)
{
    int err;
    char *text = load_text("golden-that-is-not-there.yaml", &err);

    CHECK_INT(err, -ENOENT);
    CHECK_STR(text, "error: golden-that-is-not-there.yaml: cannot be read: No such file or "
                    "directory\nrefused\n");
    free(text);
    text = load_text("/", &err);
    CHECK(err != 0);
    free(text);
}

int main(void)
{
    RUN(test_golden);
    RUN(test_no_file);
    return CHECK_REPORT();
}
