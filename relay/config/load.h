/* SPDX-License-Identifier: Apache-2.0 */
/* gh_config_load with what a test wants to choose. */
#ifndef GH_CONFIG_LOAD_H
#define GH_CONFIG_LOAD_H

#include "config/config.h"

struct gh_load_env {
    size_t memory;         /* octets of each of the two arenas */
    bool everything;       /* treat every option as available */
    bool files;            /* load certificates, keys and trust; see where the record goes */
    const char *port_range, *reserved_ports; /* the kernel's two files */
    uint64_t descriptors;  /* that this process may ever have open; 0: not asked */
};

extern const struct gh_load_env gh_load_env_default;

/** As gh_config_load. */
int gh_config_load_env(struct gh_config **out, const char *path, struct gh_config_names *names,
                       uint64_t generation, int64_t wall_us, FILE *errors,
                       const struct gh_load_env *env);

#endif
