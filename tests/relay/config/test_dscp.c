/* SPDX-License-Identifier: Apache-2.0 */
/* Names of code points: RFC 2474 section 4.2.2.2, RFC 2597 section 6, RFC 3246, RFC 5865. */
#include "support/check.h"

#include "config/dscp.h"

static void names_and_numbers(void)
{
    static const struct {
        const char *text;
        int value;
    } rows[] = {
        { "EF", 46 },   { "ef", 46 },   { "VA", 44 },    { "CS0", 0 },   { "CS1", 8 },
        { "cs3", 24 },  { "CS7", 56 },  { "AF11", 10 },  { "AF12", 12 }, { "AF13", 14 },
        { "AF21", 18 }, { "AF31", 26 }, { "AF33", 30 },  { "af41", 34 }, { "AF42", 36 },
        { "AF43", 38 }, { "0", 0 },     { "63", 63 },    { "46", 46 },   { "64", -1 },
        { "-1", -1 },   { "", -1 },     { "EF ", -1 },   { "E", -1 },    { "CS8", -1 },
        { "CS", -1 },   { "CS33", -1 }, { "AF01", -1 },  { "AF10", -1 }, { "AF44", -1 },
        { "AF51", -1 }, { "AF4", -1 },  { "AF411", -1 }, { "0x2e", -1 }, { "default", -1 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t value = 99;
        bool known = gh_config_dscp(gh_span_str(rows[i].text), &value);

        CHECK_INT(known ? value : -1, rows[i].value);
    }
}

int main(void)
{
    RUN(names_and_numbers);
    return CHECK_REPORT();
}
