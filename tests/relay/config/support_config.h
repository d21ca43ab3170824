/* SPDX-License-Identifier: Apache-2.0 */
/* Load a configuration from text, for the tests of this folder. */
#ifndef GH_TEST_SUPPORT_CONFIG_H
#define GH_TEST_SUPPORT_CONFIG_H

#include <stdarg.h>
#include <time.h>

#include "config/config.h"
#include "config/load.h"

/* A small good one; its files need not be there when the load does not look at them. */
#define TEST_HEAD_OF(media)                                                             \
    "version: 1\n"                                                                      \
    "node: {name: border1.example.net}\n"                                               \
    "tls:\n"                                                                            \
    "  corp: {certificate: c.pem, private_key: c.key, trust: ca.pem}\n"                 \
    "listeners:\n"                                                                      \
    "  core: {transport: tls, address: 127.0.0.1, tls: corp}\n"                         \
    "  lab: {transport: tcp, address: 127.0.0.1}\n"                                     \
    media                                                                               \
    "security_profiles:\n"                                                              \
    "  encrypted: {}\n"                                                                 \
    "  open: {device_security_mode: non_secure}\n"
#define TEST_HEAD TEST_HEAD_OF("media: {address: 127.0.0.1}\n")
#define TEST_TRUNKS                                                                                \
    "trunks:\n"                                                                                    \
    "  A: {security_profile: encrypted, listener: core, peer_names: [a], destinations: "           \
    "[192.0.2.1]}\n"                                                                               \
    "  B: {security_profile: open, listener: lab, destinations: [192.0.2.2]}\n"
#define TEST_ROUTES                                                                     \
    "routes:\n"                                                                         \
    "  - {pattern: \"1XXX\", trunks: [A]}\n"

struct loaded {
    int err;
    struct gh_config *config; /* NULL on error */
    char *text;               /* all that was reported */
};

/* No files but the one; options as this version has them. */
extern const struct gh_load_env test_env_plain;
/* The same with every option available. */
extern const struct gh_load_env test_env_everything;

int64_t test_wall_us(void);

/** Load @len octets of @yaml by the name config.yaml in the folder of the test. */
struct loaded test_load(const char *yaml, size_t len, const struct gh_load_env *env);
struct loaded test_load_text(const char *yaml, const struct gh_load_env *env);
void loaded_fini(struct loaded *loaded);

#endif
