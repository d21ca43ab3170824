/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/config/support_config.h"

#include <stdlib.h>
#include <string.h>

#include "support/pki.h"

const struct gh_load_env test_env_plain = { .memory = GH_CONFIG_MEMORY_MAX };
const struct gh_load_env test_env_everything = { .memory = GH_CONFIG_MEMORY_MAX,
                                                 .everything = true };

int64_t test_wall_us(void)
{
    return (int64_t)time(NULL) * 1000000;
}

struct loaded test_load(const char *yaml, size_t len, const struct gh_load_env *env)
{
    const char *path = gh_pki_path("config.yaml");
    struct gh_config_names *names = NULL;
    struct loaded loaded = { 0 };
    size_t size = 0;
    FILE *file = fopen(path, "we");
    FILE *out = open_memstream(&loaded.text, &size);

    if (!file || !out || fwrite(yaml, 1, len, file) != len || fclose(file) != 0 ||
        gh_config_names_new(&names) != 0)
        abort();
    loaded.err = gh_config_load_env(&loaded.config, path, names, 1, test_wall_us(), out, env);
    fclose(out);
    gh_config_names_free(names);
    return loaded;
}

struct loaded test_load_text(const char *yaml, const struct gh_load_env *env)
{
    return test_load(yaml, strlen(yaml), env);
}

void loaded_fini(struct loaded *loaded)
{
    gh_config_unref(loaded->config);
    free(loaded->text);
    *loaded = (struct loaded){ 0 };
}
