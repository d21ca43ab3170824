/* SPDX-License-Identifier: Apache-2.0 */
#include "config/dscp.h"

#define DSCP_MAX 63
#define DIGIT(c, last) ((c) >= '0' && (c) <= (last))

bool gh_config_dscp(struct gh_span text, uint8_t *out)
{
    uint64_t number;

    if (gh_span_u64(text, DSCP_MAX, &number))
        *out = (uint8_t)number;
    else if (gh_span_ieq(text, GH_SPAN("EF")))
        *out = 46;
    else if (gh_span_ieq(text, GH_SPAN("VA")))
        *out = 44;
    else if (text.len == 3 && gh_span_istarts(text, GH_SPAN("CS")) && DIGIT(text.p[2], '7'))
        *out = (uint8_t)(8 * (text.p[2] - '0')); /* a class selector is the old precedence */
    else if (text.len == 4 && gh_span_istarts(text, GH_SPAN("AF")) && DIGIT(text.p[2], '4') &&
             DIGIT(text.p[3], '3') && text.p[2] != '0' && text.p[3] != '0')
        *out =
            (uint8_t)(8 * (text.p[2] - '0') + 2 * (text.p[3] - '0')); /* class, drop precedence */
    else
        return false;
    return true;
}
