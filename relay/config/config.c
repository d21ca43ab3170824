/* SPDX-License-Identifier: Apache-2.0 */
/* One load in reading order: files, options, joins and checks, certificates, snapshot. */
#include "config/config.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "config/check.h"
#include "config/identity.h"
#include "config/load.h"
#include "config/source.h"
#include "crypto/cert.h"
#include "crypto/tls.h"

#define PROC_TEXT_MAX 4096

const struct gh_load_env gh_load_env_default = {
    .memory = GH_CONFIG_MEMORY_MAX,
    .files = true,
    .port_range = "/proc/sys/net/ipv4/ip_local_port_range",
    .reserved_ports = "/proc/sys/net/ipv4/ip_local_reserved_ports",
};

/* ---- names to ids ---------------------------------------------------------------------------- */

struct gh_config_names {
    char **names; /* of id i + 1 */
    size_t count;
};

int gh_config_names_new(struct gh_config_names **out)
{
    struct gh_config_names *names = calloc(1, sizeof(*names));

    if (!names)
        return GH_ENOMEM;
    *out = names;
    return 0;
}

void gh_config_names_free(struct gh_config_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    free(names);
}

static int give_id(struct gh_config_names *names, const char *name, gh_trunk_id *id)
{
    char **larger;
    char *copy;

    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->names[i], name) == 0) {
            *id = (gh_trunk_id)(i + 1);
            return 0;
        }
    }
    larger = reallocarray(names->names, names->count + 1, sizeof(*larger));
    if (!larger)
        return GH_ENOMEM;
    names->names = larger;
    copy = strdup(name);
    if (!copy)
        return GH_ENOMEM;
    names->names[names->count++] = copy;
    *id = (gh_trunk_id)names->count;
    return 0;
}

/* ---- the snapshot ---------------------------------------------------------------------------- */

/* Arrays first: what is joined points into them before they are filled. */
static int make_arrays(struct gh_config_arena *keep, const struct gh_drafts *drafts,
                       struct gh_config *config)
{
    config->tls_count = drafts->tls_count;
    config->listener_count = drafts->listener_count;
    config->profile_count = drafts->profile_count;
    config->trunk_count = drafts->trunk_count;
    config->route_count = drafts->route_count;
    config->media.interface_count = 1 + drafts->interface_count;
    config->media.interfaces = gh_config_arena_take(keep, config->media.interface_count,
                                                    sizeof(*config->media.interfaces));
    config->tls = gh_config_arena_take(keep, config->tls_count, sizeof(*config->tls));
    config->listeners =
        gh_config_arena_take(keep, config->listener_count, sizeof(*config->listeners));
    config->profiles = gh_config_arena_take(keep, config->profile_count, sizeof(*config->profiles));
    config->trunks = gh_config_arena_take(keep, config->trunk_count, sizeof(*config->trunks));
    config->rules = gh_config_arena_take(keep, config->trunk_count, sizeof(*config->rules));
    config->routes = gh_config_arena_take(keep, config->route_count, sizeof(*config->routes));
    config->route_patterns =
        gh_config_arena_take(keep, config->route_count, sizeof(*config->route_patterns));
    return gh_config_arena_err(keep);
}

static void fill_arrays(struct gh_drafts *drafts, struct gh_config *config)
{
    for (size_t i = 0; i < drafts->tls_count; i++) {
        drafts->tls[i].out.name = drafts->tls[i].draft.name;
        config->tls[i] = drafts->tls[i].out;
    }
    for (size_t i = 0; i < drafts->listener_count; i++)
        config->listeners[i] = drafts->listeners[i].out;
    for (size_t i = 0; i < drafts->profile_count; i++) {
        drafts->profiles[i].out.name = drafts->profiles[i].draft.name;
        config->profiles[i] = drafts->profiles[i].out;
    }
    for (size_t i = 0; i < drafts->trunk_count; i++)
        config->trunks[i] = drafts->trunks[i].out;
    config->node_name = drafts->values.node_name;
    drafts->values.media.interfaces = config->media.interfaces;
    drafts->values.media.interface_count = config->media.interface_count;
    config->media = drafts->values.media;
    config->media.interfaces[0] = drafts->own_interface;
    for (size_t i = 0; i < drafts->interface_count; i++)
        config->media.interfaces[1 + i] = drafts->interfaces[i].out;
    config->audit = drafts->values.audit;
    config->limits = drafts->values.limits;
}

/* Ids last: a load that fails gives none. */
static int give_ids(struct gh_config *config, struct gh_config_names *names)
{
    for (size_t i = 0; i < config->trunk_count; i++) {
        int err = give_id(names, config->trunks[i].rules.name, &config->trunks[i].rules.id);

        if (err)
            return err;
        config->rules[i] = config->trunks[i].rules;
    }
    return 0;
}

static void free_config(struct gh_config *config)
{
    for (size_t i = 0; config->tls && i < config->tls_count; i++) {
        gh_tls_context_unref(config->tls[i].server);
        gh_tls_context_unref(config->tls[i].client);
        gh_trust_unref(config->tls[i].trust_store);
    }
    for (size_t i = 0; config->trunks && i < config->trunk_count; i++)
        gh_trust_unref(config->trunks[i].trust_store);
    gh_config_arena_free(config->arena); /* @config itself lives there */
}

/* ---- load ------------------------------------------------------------------------------------ */

/* The text of a small file of the kernel; empty when it cannot be read. */
static struct gh_span read_proc(const char *path, char *buf, size_t size)
{
    FILE *file = path ? fopen(path, "re") : NULL;
    size_t len = 0;

    if (file) {
        len = fread(buf, 1, size, file);
        fclose(file);
    }
    return gh_span_of(buf, len);
}

static void check_all(struct gh_loader *load, struct gh_drafts *drafts, struct gh_config *config,
                      const struct gh_load_env *env)
{
    char range[PROC_TEXT_MAX], reserved[PROC_TEXT_MAX];

    gh_check_listeners(load, drafts, config);
    gh_check_media(load, drafts);
    gh_check_trunks(load, drafts, config);
    gh_check_routes(load, drafts, config);
    if (gh_report_errors(load->report) == 0) /* else a misspelt reference would count twice */
        gh_check_unused(load, drafts);
    gh_check_port_room(load, drafts);
    gh_check_port_overlap(load, drafts, read_proc(env->port_range, range, sizeof(range)),
                          read_proc(env->reserved_ports, reserved, sizeof(reserved)));
    gh_check_descriptors(load, drafts, env->descriptors);
}

/* Everything but ids.  Errors may be in the report when this returns 0. */
static int build(struct gh_loader *load, const char *path, const struct gh_load_env *env,
                 int64_t wall_us, struct gh_config *config)
{
    struct gh_drafts *drafts = gh_config_arena_take(load->scratch, 1, sizeof(*drafts));
    struct gh_node *root = NULL;
    int err;

    if (!drafts)
        return gh_config_arena_err(load->scratch);
    err = gh_source_read(load, path, &root);
    if (err || !root)
        return err;
    load->folder = root->mark.source->folder;
    drafts->draft.table = &gh_schema;
    drafts->draft.path = "";
    drafts->draft.mark = (struct gh_mark){ root->mark.source, 0, 1 };
    gh_options_read(load, &drafts->draft, root, drafts);
    err = gh_config_arena_err(load->scratch);
    if (!err)
        err = make_arrays(load->keep, drafts, config);
    if (err)
        return err;
    check_all(load, drafts, config, env);
    fill_arrays(drafts, config);
    if (env->files) {
        gh_check_audit_directory(load, drafts);
        err = gh_config_load_identities(load, drafts, config, wall_us);
    }
    if (!err)
        err = gh_config_arena_err(load->keep);
    return err ? err : gh_config_arena_err(load->scratch);
}

/* @return 0 or GH_ENOMEM; *config lives in its own arena */
static int new_config(const char *path, uint64_t generation, size_t memory,
                      struct gh_config **config)
{
    struct gh_config_arena *keep = NULL;
    int err = gh_config_arena_new(&keep, memory);

    if (err)
        return err;
    *config = gh_config_arena_take(keep, 1, sizeof(**config));
    if (!*config) {
        err = gh_config_arena_err(keep);
        gh_config_arena_free(keep);
        return err;
    }
    (*config)->refs = 1;
    (*config)->generation = generation;
    (*config)->arena = keep;
    (*config)->path = gh_config_arena_text(keep, gh_span_str(path));
    return 0;
}

int gh_config_load_env(struct gh_config **out, const char *path, struct gh_config_names *names,
                       uint64_t generation, int64_t wall_us, FILE *errors,
                       const struct gh_load_env *env)
{
    struct gh_loader load = { .everything = env->everything };
    struct gh_config *config = NULL;
    int err = new_config(path, generation, env->memory, &config);

    if (!err)
        err = gh_config_arena_new(&load.scratch, env->memory);
    if (err)
        goto out;
    load.keep = config->arena;
    load.report = gh_report_new(load.scratch);
    if (!load.report) {
        err = gh_config_arena_err(load.scratch);
        goto out;
    }
    err = build(&load, path, env, wall_us, config);
    gh_report_print(load.report, errors);
    if (!err && gh_report_errors(load.report))
        err = GH_ESYNTAX;
    if (!err)
        err = give_ids(config, names);
    if (err)
        goto out;
    *out = config;
    config = NULL;
out:
    if (err == GH_ENOMEM || err == GH_ELIMIT)
        fprintf(errors, "%s: error: %s\n", path,
                err == GH_ENOMEM ? gh_err_text(err)
                                 : "the configuration needs more memory than it may have");
    if (config)
        free_config(config);
    gh_config_arena_free(load.scratch);
    return err;
}

int gh_config_load(struct gh_config **out, const char *path, struct gh_config_names *names,
                   uint64_t generation, int64_t wall_us, FILE *errors)
{
    struct gh_load_env env = gh_load_env_default;
    struct rlimit limit;

    /* The daemon raises itself to the hard limit when it starts. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        env.descriptors = limit.rlim_max;
    return gh_config_load_env(out, path, names, generation, wall_us, errors, &env);
}

struct gh_config *gh_config_ref(struct gh_config *config)
{
    config->refs++;
    return config;
}

void gh_config_unref(struct gh_config *config)
{
    if (config && --config->refs == 0)
        free_config(config);
}

const struct gh_config_trunk *gh_config_trunk_by_id(const struct gh_config *config, gh_trunk_id id)
{
    for (size_t i = 0; i < config->trunk_count && id; i++) {
        if (config->trunks[i].rules.id == id)
            return &config->trunks[i];
    }
    return NULL;
}

const struct gh_config_trunk *gh_config_trunk_by_name(const struct gh_config *config,
                                                      const char *name)
{
    for (size_t i = 0; i < config->trunk_count; i++) {
        if (strcmp(config->trunks[i].rules.name, name) == 0)
            return &config->trunks[i];
    }
    return NULL;
}
