/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser's words about broken YAML in plain ones: what is wrong, where it really is, and what
 * to change.  The parser names the place where it noticed, often lines behind the mistake; here
 * the text around it is looked at again.  Never decides whether a text is YAML.
 */
#ifndef GH_CONFIG_YAML_ERROR_H
#define GH_CONFIG_YAML_ERROR_H

#include <gatehouse/span.h>

#define GH_YAML_ERROR_MAX 256 /* octets of a sentence, with NUL */

/**
 * @text   the whole file
 * @words  what the parser says
 * @at     offset where it says so; moved to the place of the mistake
 * @says   one sentence; holds no octet of the file beyond ASCII punctuation: values may be secret
 */
void gh_yaml_error(struct gh_span text, const char *words, size_t *at,
                   char says[GH_YAML_ERROR_MAX]);

#endif
