/* SPDX-License-Identifier: Apache-2.0 */
/* A place where the record cannot be written is told by check, as the start would fail of it. */
#include <sys/stat.h>
#include <unistd.h>

#include "relay/config/support_config.h"
#include "support/check.h"
#include "support/pki.h"

#define NOBODY 65534 /* for root, whom no mode keeps out */

static const char yaml_format[] =
    "version: 1\nnode: {name: n}\nmedia: {address: 127.0.0.1}\n"
    "listeners: {lab: {transport: tcp, address: 127.0.0.1}}\n"
    "security_profiles: {open: {device_security_mode: non_secure}}\n"
    "trunks: {B: {security_profile: open, listener: lab, destinations: [192.0.2.2]}}\n"
    "routes: [{pattern: 1X, trunks: [B]}]\n"
    "%s\n";

/* @want  what it says of the option, '@' in front: the folder of the test; NULL: nothing */
static void check_place(const char *audit, const char *want)
{
    struct gh_load_env env = test_env_plain;
    char yaml[1024], all[1024];
    const char *at = want && *want == '@' ? want : NULL;
    struct loaded loaded;

    env.files = true;
    snprintf(yaml, sizeof(yaml), yaml_format, audit);
    loaded = test_load_text(yaml, &env);
    CHECK_INT(loaded.err, want ? GH_ESYNTAX : 0);
    snprintf(all, sizeof(all), "error: audit.directory: %s%s", at ? gh_pki_dir() : "", at ? at + 1 : want ? want : "");
    if (!CHECK(want ? strstr(loaded.text, all) != NULL : !loaded.text[0]))
        fprintf(stderr, "%s wants %s, says\n%s", audit, want ? all : "nothing", loaded.text);
    loaded_fini(&loaded);
}

static void test_good_places(void)
{
    check_place("", NULL); /* beside the file; made at the start */
    check_place("audit: {directory: new}", NULL);
    check_place("audit: {directory: new///}", NULL);
    gh_pki_mkdir("ours");
    CHECK_INT(chmod(gh_pki_path("ours"), 0700), 0);
    check_place("audit: {directory: ours}", NULL);
    CHECK(access(gh_pki_path("new"), F_OK) != 0); /* nothing was made */
}

static void test_bad_places(void)
{
    gh_pki_write_text("a_file", "x\n", 0600);
    check_place("audit: {directory: a_file}", "@/a_file: is no directory; remove it, or name another\n");
    check_place("audit: {directory: a_file/audit}", "@/a_file/audit: Not a directory; name another\n");
    check_place("audit: {directory: gone/deep//audit/}",
                "@/gone/deep//audit/: cannot be made in ");
    check_place("audit: {directory: gone/audit}", "@/gone/audit: cannot be made in ");
    CHECK_INT(symlink("nowhere", gh_pki_path("link")), 0);
    check_place("audit: {directory: link}", "@/link: is a link to nothing; remove it\n");
    gh_pki_mkdir("open");
    CHECK_INT(chmod(gh_pki_path("open"), 0750), 0);
    check_place("audit: {directory: open}", "@/open: others may read or change it (mode 0750); chmod it to 0700\n");
    /* A default that cannot be is told too. */
    gh_pki_write_text("audit", "x\n", 0600);
    check_place("", "@/audit: is no directory");
    CHECK_INT(unlink(gh_pki_path("audit")), 0);
    /* What was refused already is not looked at. */
    check_place("audit: {directory: [a]}", "must be a path");
}

/* The folder that is missing, not the one that would be in it, is named. */
static void test_what_is_missing_is_named(void)
{
    struct gh_load_env env = test_env_plain;
    char yaml[1024], want[512];
    struct loaded loaded;

    env.files = true;
    snprintf(yaml, sizeof(yaml), yaml_format, "audit: {directory: gone/deep//audit/}");
    loaded = test_load_text(yaml, &env);
    snprintf(want, sizeof(want), " in %s/gone/deep: No such file or directory; make that first\n", gh_pki_dir());
    if (!CHECK(strstr(loaded.text, want) != NULL))
        fputs(loaded.text, stderr);
    loaded_fini(&loaded);
}

/* As a user whom modes keep out: root would pass them all. */
static void load_as_nobody(const char *path, const char *want)
{
    struct gh_load_env env = test_env_plain;
    struct gh_config_names *names = NULL;
    struct gh_config *config = NULL;
    bool root = geteuid() == 0;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    env.files = true;
    CHECK_OR_STOP(out && gh_config_names_new(&names) == 0);
    CHECK_OR_STOP(!root || seteuid(NOBODY) == 0);
    CHECK_INT(gh_config_load_env(&config, path, names, 1, test_wall_us(), out, &env), GH_ESYNTAX);
    CHECK_OR_STOP(!root || seteuid(0) == 0);
    fclose(out);
    if (!CHECK(strstr(text, want) != NULL))
        fprintf(stderr, "wants %s, says\n%s", want, text);
    gh_config_names_free(names);
    free(text);
}

static void test_places_without_leave(void)
{
    bool root = geteuid() == 0;
    char yaml[1024];

    CHECK_INT(chmod(gh_pki_dir(), 0755), 0);
    gh_pki_mkdir("closed");
    gh_pki_mkdir("mine");
    CHECK_INT(chmod(gh_pki_path("closed"), 0555), 0);
    snprintf(yaml, sizeof(yaml), yaml_format, "audit: {directory: closed/audit}");
    load_as_nobody(gh_pki_write_text("closed.yaml", yaml, 0644), "/closed: Permission denied; make it, mode 0700, for");
    CHECK_INT(chmod(gh_pki_path("mine"), 0500), 0);
    CHECK_INT(root ? chown(gh_pki_path("mine"), NOBODY, NOBODY) : 0, 0);
    snprintf(yaml, sizeof(yaml), yaml_format, "audit: {directory: mine}");
    load_as_nobody(gh_pki_write_text("mine.yaml", yaml, 0644),
                   "/mine: cannot be written: Permission denied; chmod it to 0700");
    snprintf(yaml, sizeof(yaml), yaml_format, root ? "audit: {directory: closed}" : "audit: {directory: /usr}");
    load_as_nobody(gh_pki_write_text("theirs.yaml", yaml, 0644), ": belongs to user 0, and this is user ");
}

int main(void)
{
    RUN(test_good_places);
    RUN(test_bad_places);
    RUN(test_what_is_missing_is_named);
    RUN(test_places_without_leave);
    return CHECK_REPORT();
}
