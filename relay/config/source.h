/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a configuration: the one that was named and those that it includes, read and joined
 * into one tree.  Sections of an included file are added to those of the file that includes it;
 * what is then there twice is found, with both places, where the options are read.
 */
#ifndef GH_CONFIG_SOURCE_H
#define GH_CONFIG_SOURCE_H

#include "config/option.h"

#define GH_INCLUDE_DEPTH_MAX 4
#define GH_INCLUDE_FILES_MAX 64

/**
 * @root  NULL when a file could not be read or is not YAML: then there is no use in looking further
 * @return 0, GH_ENOMEM, GH_ELIMIT, or the system error that kept @path from being read.  Whatever
 * is wrong was reported
 */
int gh_source_read(struct gh_loader *load, const char *path, struct gh_node **root);

#endif
