/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: bodies before the key gate.  The input is a Content-Type, LF, a
 * Content-Transfer-Encoding or nothing, LF, and the body.  What must hold: "inline:" that stands in
 * the body in plain sight is found, whatever is wrapped round it; an opaque body counts as carrying
 * everything.  Seeds: tests/fuzz/sip_body/.
 */
#include <stdint.h>
#include <stdlib.h>

#include <gatehouse/facts.h>

#include "sip/body.h"
#include "sip/framer.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool shows_key(struct gh_span text)
{
    for (size_t i = 0; i + 7 <= text.len; i++) {
        if (gh_span_ieq(gh_span_of(text.p + i, 7), GH_SPAN("inline:")))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_span body = gh_span_of((const char *)data, size);
    struct gh_span type = gh_span_take(&body, '\n'), encoding = gh_span_take(&body, '\n');
    struct gh_buf text = { 0 };
    struct gh_sip_msg *msg = NULL;
    struct gh_sip_body parts;
    enum gh_reason problem;
    unsigned carriers;

    if (body.len > GH_SIP_BODY_MAX)
        return 0;
    gh_buf_str(
        &text,
        "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\nContent-Type: ");
    gh_buf_add(&text, type);
    if (encoding.len) {
        gh_buf_str(&text, "\r\nContent-Transfer-Encoding: ");
        gh_buf_add(&text, encoding);
    }
    gh_buf_fmt(&text, "\r\nContent-Length: %zu\r\n\r\n", body.len);
    gh_buf_add(&text, body);
    if (gh_sip_msg_parse(&msg, gh_buf_span(&text), GH_SIP_STREAM, NULL) == 0) {
        carriers = gh_sip_carriers(msg, &problem);
        REQUIRE(gh_sip_body_parse(&parts, msg) == 0);
        REQUIRE(!shows_key(msg->body) || (carriers & GH_CARRY_SECRET));
        REQUIRE(!parts.opaque || (problem == GH_REASON_BODY_OPAQUE && parts.why));
        REQUIRE(problem != GH_REASON_BODY_OPAQUE ||
                carriers == (GH_CARRY_SECRET | GH_CARRY_FINGERPRINT));
        REQUIRE(parts.count <= GH_SIP_PARTS_MAX);
        gh_sip_body_sdp(&parts, &problem);
        gh_sip_body_fini(&parts);
    }
    gh_sip_msg_unref(msg);
    gh_buf_fini(&text);
    return 0;
}
