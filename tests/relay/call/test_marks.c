/* SPDX-License-Identifier: Apache-2.0 */
/* Marks as a line of the log tells them: no more than are read, and none is hidden. */
#include "support/check.h"

#include "call/negotiate.h"

static void check_text(const struct gh_marks *marks, const char *want)
{
    CHECK_STR(gh_marks_text(marks).text, want);
}

static void test_few(void)
{
    struct gh_marks marks = { 0 };

    check_text(&marks, "-");
    gh_marks_add(&marks, GH_REASON_NONE);
    gh_marks_add(&marks, GH_REASON_NO_RULE);
    check_text(&marks, "-");
    gh_marks_add(&marks, GH_REASON_WEAK_TLS);
    check_text(&marks, "weak_tls");
    gh_marks_add(&marks, GH_REASON_SRTP_FALLBACK);
    check_text(&marks, "srtp_fallback,weak_tls");
}

/* Wherever in the list the marks begin: eight names to the last letter, and how many more. */
static void test_many(void)
{
    for (int first = 1; first < GH_REASON_COUNT; first++) {
        struct gh_marks marks = { 0 };
        char want[1024] = "";
        size_t len = 0;
        unsigned count = 0;

        for (int i = first; i < GH_REASON_COUNT; i++) {
            gh_marks_add(&marks, (enum gh_reason)i);
            if (!gh_marks_has(&marks, (enum gh_reason)i))
                continue;
            if (++count <= GH_MARKS_TOLD)
                len += (size_t)snprintf(want + len, sizeof(want) - len, "%s%s", len ? "," : "",
                                        gh_reason_name((enum gh_reason)i));
        }
        if (count > GH_MARKS_TOLD)
            snprintf(want + len, sizeof(want) - len, ",+%u", count - GH_MARKS_TOLD);
        check_text(&marks, count ? want : "-");
    }
}

int main(void)
{
    RUN(test_few);
    RUN(test_many);
    return CHECK_REPORT();
}
