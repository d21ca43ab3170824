/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option tables, walked: every key is taken with its default or a good value, and refused with
 * a wrong one at its own place; what this version does not have says so.
 */
#include "relay/config/support_config.h"
#include "config/schema.h"
#include "support/check.h"

/* What a mapping must hold besides the key under test. */
static const struct {
    const char *what, *name, *key, *value;
} base[] = {
    { "configuration", "", "version", "1" },
    { "node", "", "name", "border1.example.net" },
    { "tls entry", "corp", "certificate", "c.pem" },
    { "tls entry", "corp", "private_key", "c.key" },
    { "tls entry", "corp", "trust", "ca.pem" },
    { "listener", "core", "transport", "tls" },
    { "listener", "core", "address", "127.0.0.1" },
    { "listener", "core", "tls", "corp" },
    { "listener", "lab", "transport", "tcp" },
    { "listener", "lab", "address", "127.0.0.1" },
    { "media section", "", "address", "127.0.0.1" },
    { "media section", "", "address6", "'::1'" },
    { "media interface", "out", "address", "127.0.0.3" },
    { "media interface", "out", "address6", "'::3'" },
    { "security profile", "encrypted", "device_security_mode", "encrypted" },
    { "security profile", "open", "device_security_mode", "non_secure" },
    { "trunk", "A", "security_profile", "encrypted" },
    { "trunk", "A", "listener", "core" },
    { "trunk", "A", "peer_names", "[a]" },
    { "trunk", "A", "destinations", "[192.0.2.1]" },
    { "trunk", "B", "security_profile", "open" },
    { "trunk", "B", "listener", "lab" },
    { "trunk", "B", "destinations", "[192.0.2.2]" },
    { "route", "", "pattern", "1XXX" },
    { "route", "", "trunks", "[A]" },
};

/* The key under test: written into row @name of the table @what (or of the group @what). */
struct subject {
    const struct gh_table *table;
    const struct gh_option *option;
    const char *name;
    const char *value;
};

static void write_table(FILE *out, const struct gh_table *table, const char *name,
                        const struct subject *subject)
{
    const char *between = "";

    fputs("{", out);
    for (size_t i = 0; i < table->count; i++) {
        const struct gh_option *option = &table->options[i];
        const char *value = NULL;

        for (size_t j = 0; j < sizeof(base) / sizeof(base[0]); j++) {
            if (strcmp(base[j].what, table->what) == 0 && strcmp(base[j].name, name) == 0 &&
                strcmp(base[j].key, option->name) == 0)
                value = base[j].value;
        }
        /* A trunk has srv or destinations. */
        if (subject->option && strcmp(subject->option->name, "srv") == 0 &&
            strcmp(option->name, "destinations") == 0 && strcmp(name, subject->name) == 0)
            value = NULL;
        if (subject->option == option && strcmp(name, subject->name) == 0)
            value = subject->value;
        if (value) {
            fprintf(out, "%s%s: %s", between, option->name, value);
            between = ", ";
        } else if (option->type == GH_TYPE_GROUP && option->table == subject->table &&
                   strcmp(name, subject->name) == 0) {
            fprintf(out, "%s%s: ", between, option->name);
            write_table(out, option->table, name, subject);
            between = ", ";
        } else if (option->type == GH_TYPE_NAMED && option != subject->option) {
            fprintf(out, "%s%s: {out: ", between,
                    option->name); /* the one of its kind in a group */
            write_table(out, option->table, "out", subject);
            fputs("}", out);
            between = ", ";
        }
    }
    fputs("}", out);
}

/* The names of the rows of one section, in the order of the base. */
static void write_rows(FILE *out, const struct gh_option *option, const struct subject *subject)
{
    const char *last = NULL;

    fprintf(out, "%s:\n", option->name);
    for (size_t j = 0; j < sizeof(base) / sizeof(base[0]); j++) {
        if (strcmp(base[j].what, option->table->what) != 0 ||
            (last && strcmp(last, base[j].name) == 0))
            continue;
        last = base[j].name;
        if (option->type == GH_TYPE_ROWS)
            fputs("  - ", out);
        else
            fprintf(out, "  %s: ", last);
        write_table(out, option->table, last, subject);
        fputc('\n', out);
    }
}

/* The whole file.  To be freed. */
static char *write_file(const struct subject *subject)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (size_t i = 0; i < gh_schema.count; i++) {
        const struct gh_option *option = &gh_schema.options[i];

        if (option == subject->option)
            fprintf(out, "%s: %s\n", option->name, subject->value);
        else if (option->type == GH_TYPE_NAMED || option->type == GH_TYPE_ROWS)
            write_rows(out, option, subject);
        else if (option->type == GH_TYPE_GROUP) {
            fprintf(out, "%s: ", option->name);
            write_table(out, option->table, "", subject);
            fputc('\n', out);
        } else if (strcmp(option->name, "version") == 0) {
            fputs("version: 1\n", out);
        }
    }
    fclose(out);
    return text;
}

/* A value that the option takes: its default, else one of its type that fits the base. */
static const char *good_value(const struct gh_table *table, const struct gh_option *option,
                              char *buf, size_t size)
{
    static const char *const samples[GH_TYPE_COUNT_OF] = {
        [GH_TYPE_TEXT] = "text",
        [GH_TYPE_NAME] = "INVITE",
        [GH_TYPE_PATH] = "file.pem",
        [GH_TYPE_HOST] = "pbx.example.net",
        [GH_TYPE_PATTERN] = "1XXX",
        [GH_TYPE_CONTENT] = "text/plain",
        [GH_TYPE_BOOL] = "true",
        [GH_TYPE_COUNT] = "1",
        [GH_TYPE_DURATION] = "60s",
        [GH_TYPE_SIZE] = "1MiB",
        [GH_TYPE_ADDRESS] = "127.0.0.1",
        [GH_TYPE_ADDRESS_PORT] = "127.0.0.1:9441",
        [GH_TYPE_DSCP] = "AF31",
        [GH_TYPE_PORT] = "5070",
        [GH_TYPE_PORTS] = "20000-20001",
        [GH_TYPE_DESTINATION] = "192.0.2.2:5060",
        [GH_TYPE_GROUP] = "{}",
        [GH_TYPE_NAMED] = "{}",
        [GH_TYPE_ROWS] = "[]",
    };
    static const struct {
        const char *key, *value;
    } names[] = { { "security_profile", "encrypted" }, { "listener", "core" }, { "tls", "corp" },
                  { "trunks", "A" }, { "srv", "_sips._tcp.example.net" },
                  { "media_interface", "out" },
                  { "address6", "'::1'" }, { "advertise6", "'2001:db8::1'" } };
    /* Others than those of the media section. */
    static const struct {
        const char *key, *value;
    } places[] = { { "address", "127.0.0.3" }, { "address6", "'::3'" },
                   { "advertise", "127.0.0.4" }, { "advertise6", "'2001:db8::3'" } };
    const char *value = option->standard ? option->standard : samples[option->type];

    if (option->choices && !option->standard)
        value = option->choices[0].word;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (option->type < GH_TYPE_GROUP && strcmp(option->name, names[i].key) == 0)
            value = names[i].value;
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strcmp(table->what, "media interface") == 0 && strcmp(option->name, places[i].key) == 0)
            value = places[i].value;
    }
    snprintf(buf, size, option->list ? "[%s]" : "%s", value);
    return buf;
}

static const char *row_name(const struct gh_table *table, const struct gh_option *option)
{
    if (strcmp(table->what, "trunk") == 0 || strcmp(table->what, "options_ping") == 0 ||
        strcmp(table->what, "dscp") == 0)
        return option->only_on == GH_ON_PLAIN ? "B" : "A";
    return strcmp(table->what, "tls entry") == 0          ? "corp"
           : strcmp(table->what, "listener") == 0         ? "core"
           : strcmp(table->what, "media interface") == 0  ? "out"
           : strcmp(table->what, "security profile") == 0 ? "encrypted"
                                                          : "";
}

static struct loaded load_with(const struct gh_table *table, const struct gh_option *option,
                               const char *value, const struct gh_load_env *env)
{
    const struct subject subject = { table, option, row_name(table, option), value };
    char *yaml = write_file(&subject);
    struct loaded loaded = test_load_text(yaml, env);

    free(yaml);
    return loaded;
}

/* Sections that other sections need cannot be emptied, and a section as a whole has no value of its
 * own. */
static bool is_section(const struct gh_option *option)
{
    return option->type >= GH_TYPE_GROUP;
}

static void check_good(const struct gh_table *table, const struct gh_option *option)
{
    char value[512];
    struct loaded loaded = load_with(table, option, good_value(table, option, value, sizeof(value)),
                                     &test_env_everything);

    if (!CHECK_INT(loaded.err, 0))
        fprintf(stderr, "%s of a %s: %s\n%s", option->name, table->what, value, loaded.text);
    loaded_fini(&loaded);
    loaded = load_with(table, option, value, &test_env_plain);
    if (option->available == GH_NOT_AVAILABLE) {
        CHECK(loaded.err == GH_ESYNTAX && strstr(loaded.text, ": not available in this version"));
    } else if (!CHECK_INT(loaded.err, 0)) {
        fprintf(stderr, "%s of a %s: %s\n%s", option->name, table->what, value, loaded.text);
    }
    /* A group says it for its members. */
    CHECK_INT(strstr(loaded.text, ": accepted, not yet in effect") != NULL,
              option->available == GH_NOTED || strcmp(table->what, "options_ping") == 0);
    loaded_fini(&loaded);
}

/* Each way to be wrong is refused with the option's own name before the words. */
static void check_wrong(const struct gh_table *table, const struct gh_option *option)
{
    const char *values[] = { option->type == GH_TYPE_TEXT   ? "{a: b}"
                             : option->type == GH_TYPE_PATH ? "\"a\\nb\""
                                                            : "\"?? ??\"",
                             option->list || option->type >= GH_TYPE_NAMED ? "text" : "[[a]]", "" };
    char name[64];

    snprintf(name, sizeof(name), "%s: ", option->name);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct loaded loaded = load_with(table, option, values[i], &test_env_everything);
        const char *shown =
            option->type == GH_TYPE_GROUP && option->short_form && i == 0 ? "grade: " : name;

        if (!CHECK(loaded.err == GH_ESYNTAX && strstr(loaded.text, shown) &&
                   strstr(loaded.text, "error: ")))
            fprintf(stderr, "%s of a %s: %s\n%s", option->name, table->what, values[i],
                    loaded.text);
        CHECK(!loaded.config);
        loaded_fini(&loaded);
    }
}

static size_t walked;

static void walk(const struct gh_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct gh_option *option = &table->options[i];

        CHECK(option->says && option->name && gh_option_index(table, option->name) == i);
        if (strcmp(option->name, "include") == 0)
            continue; /* followed before the options are read: golden files */
        walked++;
        if (!is_section(option))
            check_good(table, option);
        check_wrong(table, option);
        if (is_section(option))
            walk(option->table);
    }
}

static void test_every_key(void)
{
    walk(&gh_schema);
    CHECK(walked > 110);
}

/* A word that this version lacks is refused now, and taken once it is there. */
static void walk_missing(const struct gh_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct gh_option *option = &table->options[i];

        for (const struct gh_choice *choice = option->choices; choice && choice->word; choice++) {
            char value[64], want[96];
            struct loaded loaded;

            snprintf(value, sizeof(value), option->list ? "[%s]" : "%s", choice->word);
            snprintf(want, sizeof(want), "%s is not available in this version", choice->word);
            loaded = load_with(table, option, value, &test_env_plain);
            CHECK_INT(strstr(loaded.text, want) != NULL, choice->missing);
            loaded_fini(&loaded);
        }
        if (is_section(option))
            walk_missing(option->table);
    }
}

static void test_missing_words(void)
{
    walk_missing(&gh_schema);
}

/* What would loosen or promise a rule that is not there, one by one. */
static void test_promises(void)
{
    static const char *const lines[] = {
        "    digest_authentication: true", "    accept_replaces_header: true",
        "    accept_out_of_dialog_refer: true", "    accept_unsolicited_notification: true",
        "    accept_presence_subscription: true", "    allow_charging_header: true",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char yaml[2048];
        struct loaded loaded;

        snprintf(yaml, sizeof(yaml), TEST_HEAD "  more:\n%s\n" TEST_TRUNKS TEST_ROUTES, lines[i]);
        loaded = test_load_text(yaml, &test_env_plain);
        CHECK(loaded.err == GH_ESYNTAX && strstr(loaded.text, "is not available in this version"));
        loaded_fini(&loaded);
    }
}

/* The reference names every key. */
static void test_describe(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    CHECK(gh_config_describe(out, GH_DESCRIBE_TEXT, NULL));
    fclose(out);
    CHECK(strstr(
        text,
        "trunks.NAME.srtp\n    whether streams are keyed\n    type: off | allowed | required\n"
        "    default: required with tls, off without\n"));
    CHECK(strstr(text,
                 "trunks.NAME.redirect\n    a 3xx of the trunk\n    type: refuse\n"
                 "    not available in this version: local\n    default: refuse\n"));
    CHECK(strstr(text, "v150_offer_filter\n    which V.150 lines are taken out of offers\n"
                       "    type: default | none\n    not available in this version: remove_mer | "
                       "remove_pre_mer\n    default: default, which takes out none\n"));
    CHECK(strstr(text, "routes[].require.grade\n"));
    CHECK(strstr(
        text,
        "media.workers\n    media threads; auto: one less than cores\n    type: a number or auto "
        "from 1 to 256\n    default: auto\nmedia.timeout\n"));
    CHECK(strstr(
        text,
        "trunks.NAME.peer_addresses\n    who may be this trunk on a listener without tls\n"
        "    type: list of an address\n    default: the literal addresses among destinations\n"
        "    trunks without tls only\n"));
    free(text);
}

int main(void)
{
    RUN(test_every_key);
    RUN(test_missing_words);
    RUN(test_promises);
    RUN(test_describe);
    return CHECK_REPORT();
}
