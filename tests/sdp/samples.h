/* SPDX-License-Identifier: Apache-2.0 */
/* Whole session descriptions that several tests of libgh_sdp walk over. */
#ifndef GH_TEST_SDP_SAMPLES_H
#define GH_TEST_SDP_SAMPLES_H

#include <gatehouse/sdp.h>

#include "support/check.h"

struct sample {
    const char *name;   /* with its source */
    const char *text;
    size_t media;       /* m-lines */
    enum gh_carriers carriers;
};

/* Ends with a row of NULLs. */
extern const struct sample samples[];

/* Keys of the CUCM-shaped samples, in base64. */
#define KEY_GCM_256 "JTE/T2F1i6O92fcXOV2Dq9UBL1+RxfszbannJ2mt8zuF0R9vwRVrwx151zc="
#define KEY_GCM_128 "SlZkdIaasMji/hw8XoKo0PomVIS26iBYks4MTA=="
#define KEY_CM_80   "b3uJmau/1e0HI0Fhg6fN9R9LeanbD0V9t/MxcbP3"
#define KEY_CM_32   "lKCuvtDk+hIsSGaGqMzyGkRwns4ANGqi3BhWltgc"

/* Parse a literal; a failure is a failed check and gives NULL. */
static inline struct gh_sdp *parse_text(const char *text)
{
    struct gh_sdp_error error = { 0, "" };
    struct gh_sdp *doc = NULL;

    if (!CHECK_INT(gh_sdp_parse(&doc, gh_span_str(text), &error), 0))
        fprintf(stderr, "  line %u: %s\n", error.line, error.text);
    return doc;
}

/* Does the document print as @want? */
static inline int prints(const struct gh_sdp *doc, const char *want, const char *file, int line)
{
    size_t size = gh_sdp_len(doc), len = 0;
    char *buf = malloc(size + 1);
    int ok;

    ok = check_int(gh_sdp_print(doc, buf, size, &len), 0, "gh_sdp_print", file, line) &&
         check_span(buf, len, want, "printed document", file, line);
    free(buf);
    return ok;
}

#define CHECK_PRINTS(doc, want) prints((doc), (want), __FILE__, __LINE__)

#endif
