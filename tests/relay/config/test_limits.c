/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A good file cut at every octet, memory refused at every point, and the named limits: never a
 * crash, never a leak, and "ok" only for a file that is whole.
 */
#include "support/alloc_fail.h"
#include "config/arena.h"
#include "config/yaml.h"
#include "relay/config/support_config.h"
#include "support/check.h"
#include "support/pki.h"

static const char good[] = TEST_HEAD TEST_TRUNKS TEST_ROUTES
    "limits:\n  max_calls: 4000 # \xc3\xa9\n"
    "audit: {directory: \"a\\u0062\"}\n";

/*
 * A file that is cut is taken only where what is left is a configuration of its own: between two
 * lines, after the last section that must be there.
 */
static bool is_whole(size_t len, const char *said)
{
    const char *optional = strstr(good, "  A: {");

    return len >= (size_t)(optional - good) &&
           (good[len - 1] == '\n' || strstr(said, "warning: the last line has no end"));
}

static void test_truncated(void)
{
    size_t taken = 0;

    for (size_t len = 0; len < sizeof(good); len++) {
        struct loaded loaded = test_load(good, len, &test_env_plain);

        if (loaded.err == 0) {
            taken++;
            if (!CHECK(is_whole(len, loaded.text)))
                fprintf(stderr, "taken at %zu octets: ...%.*s\n", len, 20,
                        good + (len > 20 ? len - 20 : 0));
        } else {
            CHECK_INT(loaded.err, GH_ESYNTAX);
            CHECK(strstr(loaded.text, ": error: ") != NULL);
            CHECK(!loaded.config);
        }
        loaded_fini(&loaded);
    }
    CHECK(taken > 0 && taken < 40);
}

/* Every octet changed to some that YAML gives a meaning: whatever comes of it, no crash and one
 * verdict. */
static void test_changed(void)
{
    static const char octets[] = "\0\n :-{[]}&*!|>'\"#%@`,?\xff";
    char text[sizeof(good)];

    for (size_t at = 0; at + 1 < sizeof(good); at++) {
        for (size_t i = 0; i < sizeof(octets) - 1; i += 1 + at % 5) {
            struct loaded loaded;

            memcpy(text, good, sizeof(good));
            text[at] = octets[i];
            loaded = test_load(text, sizeof(good) - 1, &test_env_plain);
            CHECK((loaded.err == 0) == (loaded.config != NULL));
            CHECK((loaded.err == 0) == (strstr(loaded.text, "error: ") == NULL));
            loaded_fini(&loaded);
        }
    }
}

/* Both arenas given fewer octets than the load needs, in steps; and exactly enough. */
static void test_memory_limit(void)
{
    size_t enough = 0;

    for (size_t memory = 0; memory < (1UL << 20) && !enough; memory += 97) {
        struct gh_load_env env = test_env_plain;
        struct loaded loaded;

        env.memory = memory;
        loaded = test_load_text(good, &env);
        if (loaded.err == 0) {
            enough = memory;
        } else if (loaded.err != GH_ELIMIT) {
            CHECK_INT(loaded.err, GH_ELIMIT);
        } else {
            CHECK(!loaded.config &&
                  strstr(loaded.text, "error: the configuration needs more memory"));
        }
        loaded_fini(&loaded);
    }
    CHECK(enough > 10000);
}

#if GH_ALLOC_CAN_FAIL
static void test_no_memory(void)
{
    struct gh_config_names *names = NULL;
    struct loaded loaded = test_load_text(good, &test_env_plain); /* writes the file */
    const char *path = gh_pki_path("config.yaml");
    long n;

    loaded_fini(&loaded);
    CHECK_OR_STOP(gh_config_names_new(&names) == 0);
    for (n = 1;; n++) {
        struct gh_config *config = NULL;
        FILE *out = fopen("/dev/null", "we");
        int err;

        CHECK_OR_STOP(out != NULL);
        setvbuf(out, NULL, _IONBF, 0);
        alloc_fail_at(n);
        err = gh_config_load_env(&config, path, names, 1, 0, out, &test_env_plain);
        if (!alloc_failed()) {
            CHECK_INT(err, 0);
            gh_config_unref(config);
            fclose(out);
            break;
        }
        CHECK_INT(err, GH_ENOMEM);
        CHECK(!config);
        fclose(out);
    }
    CHECK(n > 5);
    gh_config_names_free(names);
}
#endif

static void test_arena(void)
{
    struct gh_config_arena *arena = NULL;
    char *first, *second;

    CHECK_OR_STOP(gh_config_arena_new(&arena, 4096) == 0);
    first = gh_config_arena_take(arena, 3, 1);
    second = gh_config_arena_take(arena, 0, 8);
    CHECK_OR_STOP(first && second && first != second);
    CHECK_INT((uintptr_t)second % _Alignof(max_align_t), 0);
    CHECK(first[0] == 0 && first[2] == 0);
    CHECK_STR(gh_config_arena_printf(arena, "%d-%s", 7, "x"), "7-x");
    CHECK_STR(gh_config_arena_text(arena, gh_span_of("abcd", 2)), "ab");
    CHECK_STR(gh_config_arena_text(arena, gh_span_of(NULL, 0)), "");
    CHECK_INT(gh_config_arena_err(arena), 0);
    CHECK(gh_config_arena_take(arena, SIZE_MAX, 2) == NULL);
    CHECK_INT(gh_config_arena_err(arena), GH_ELIMIT);
    CHECK(gh_config_arena_take(arena, 1, 4097) == NULL);
    CHECK(gh_config_arena_take(arena, SIZE_MAX, SIZE_MAX) == NULL);
    CHECK(gh_config_arena_used(arena) < 4096);
    gh_config_arena_free(arena);
    gh_config_arena_free(NULL);
}

/* Larger than a file, a line, a list or a section may be. */
static void test_named_limits(void)
{
    size_t size = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);
    struct loaded loaded;

    fputs(good, out);
    for (size_t i = 0; i < GH_YAML_SIZE_MAX; i += 2)
        fputs("#\n", out);
    fclose(out);
    loaded = test_load(text, size, &test_env_plain);
    CHECK(loaded.err == GH_ESYNTAX && strstr(loaded.text, "the file is larger than 4 MiB"));
    loaded_fini(&loaded);
    free(text);

    out = open_memstream(&text, &size);
    fputs(TEST_HEAD TEST_TRUNKS "routes: [", out);
    for (int i = 0; i < GH_YAML_NODES_MAX; i++)
        fputs("1,", out);
    fputs("]\n", out);
    fclose(out);
    loaded = test_load(text, size, &test_env_plain);
    CHECK(loaded.err == GH_ESYNTAX && strstr(loaded.text, "more than 200000 values in one file"));
    loaded_fini(&loaded);
    free(text);
}

/* A thousand trunks fit well inside the memory of a snapshot. */
static void test_thousand_trunks(void)
{
    size_t size = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);
    struct gh_load_env env = test_env_plain;
    struct loaded loaded;

    fputs(TEST_HEAD "trunks:\n", out);
    for (int i = 0; i < 1000; i++)
        fprintf(out,
                "  T%d: {security_profile: encrypted, listener: core, peer_names: [n%d], "
                "destinations: [192.0.2.1]}\n",
                i, i);
    fputs("  B: {security_profile: open, listener: lab, destinations: [192.0.2.2]}\n", out);
    fclose(out);
    env.memory = 16UL << 20;
    loaded = test_load(text, size, &env);
    CHECK_INT(loaded.err, 0);
    CHECK(loaded.config && loaded.config->trunk_count == 1001);
    CHECK(loaded.config && gh_config_arena_used(loaded.config->arena) < 8UL << 20);
    loaded_fini(&loaded);
    free(text);
}

int main(void)
{
    RUN(test_arena);
    RUN(test_truncated);
    RUN(test_changed);
    RUN(test_memory_limit);
#if GH_ALLOC_CAN_FAIL
    RUN(test_no_memory);
#endif
    RUN(test_named_limits);
    RUN(test_thousand_trunks);
    return CHECK_REPORT();
}
