/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: a stream through framer, parser, gate and writer.  However the stream is cut
 * the same messages come out; an accepted message keeps the promises of sip/msg.h; what we write
 * about it we can read ourselves. The first octet is the size of a chunk.  Seeds:
 * tests/fuzz/sip_message/, dictionary: tests/fuzz/sip_message.dict.
 */
#include <stdint.h>
#include <stdlib.h>

#include <gatehouse/facts.h>

#include "sip/body.h"
#include "sip/dialog.h"
#include "sip/framer.h"
#include "sip/out.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(struct gh_span text, char c)
{
    return gh_span_find(text, c) < text.len;
}

/* An answer to @msg; parsed again unless the request was bad. */
static void answer(const struct gh_sip_msg *msg)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };
    struct gh_sip_msg *back = NULL;

    gh_sip_out_reply(&out, msg, msg->bad ? 400 : 200, GH_SPAN(""), GH_SPAN("tag"));
    if (!msg->bad)
        gh_sip_out_call_info(&out, msg, true, true, GH_STATUS_ENCRYPTED);
    REQUIRE(gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets) == 0);
    if (!msg->bad) {
        REQUIRE(gh_sip_msg_parse(&back, gh_buf_span(&octets), GH_SIP_STREAM, NULL) == 0);
        REQUIRE(back->via_count == msg->via_count && back->cseq == msg->cseq);
        REQUIRE(gh_sip_msg_security(back, NULL) == GH_STATUS_ENCRYPTED);
    }
    gh_sip_msg_unref(back);
    gh_buf_fini(&octets);
}

static void request_in_dialog(const struct gh_sip_msg *msg)
{
    static const struct gh_dialog_via via = { "TLS", { "us", 2 }, 0, { "z9hG4bKx", 8 } };
    struct gh_dialog *dialog = NULL;
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };
    struct gh_sip_msg *back;

    if (gh_dialog_new_uas(&dialog, 1, msg, GH_SPAN("ours")))
        return;
    gh_dialog_request_out(dialog, &out, GH_SPAN("BYE"), &via, 0);
    /* Start line and routes can outgrow a limit of ours; nothing else may fail. */
    if (gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets) == 0) {
        int err = gh_sip_msg_parse(&back, gh_buf_span(&octets), GH_SIP_STREAM, NULL);

        REQUIRE(err == 0 || err == GH_ELIMIT);
        if (!err)
            REQUIRE(back->uri.headers.len == 0 && gh_span_eq(back->call_id, msg->call_id));
        gh_sip_msg_unref(back);
    } else {
        REQUIRE(false);
    }
    gh_buf_fini(&octets);
    gh_dialog_free(dialog);
}

static void promises(const struct gh_sip_msg *msg)
{
    enum gh_reason problem;
    struct gh_span value;

    for (size_t i = 0; i < msg->hdr_count; i++) {
        struct gh_sip_values it = gh_sip_values(msg, msg->hdrs[i].id);

        REQUIRE(gh_sip_is_token(msg->hdrs[i].name));
        REQUIRE(!has(msg->hdrs[i].value, '\r') && !has(msg->hdrs[i].value, '\n') &&
                !has(msg->hdrs[i].value, 0));
        while (msg->hdr_count < 40 && gh_sip_values_next(&it, &value))
            REQUIRE(value.len > 0);
    }
    REQUIRE(msg->via_count > 0 && msg->call_id.len && msg->cseq <= INT32_MAX &&
            msg->method_text.len);
    REQUIRE(msg->request ? msg->status == 0 : msg->status >= 100 && msg->status <= 699);
    REQUIRE(!msg->request || gh_sip_branch_is_3261(msg->via.branch));
    REQUIRE(msg->body.len == 0 || msg->has_type);
    gh_sip_carriers(msg, &problem);
    if (msg->request) {
        answer(msg);
        request_in_dialog(msg);
    }
}

static uint64_t hash(uint64_t sum, struct gh_span text)
{
    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ (uint8_t)text.p[i]) * 1099511628211u;
    return sum * 31 + text.len;
}

static uint64_t run(struct gh_span text, size_t chunk, bool look)
{
    struct gh_sip_framer framer = { 0 };
    struct gh_sip_framed framed;
    enum gh_sip_frame frame = GH_SIP_FRAME_MORE;
    size_t fed = text.len;
    uint64_t sum = 0;

    while (text.len && frame != GH_SIP_FRAME_LOST) {
        gh_sip_framer_feed(&framer, gh_span_head(text, chunk));
        text = gh_span_from(text, chunk);
        while ((frame = gh_sip_framer_next(&framer, &framed)) != GH_SIP_FRAME_MORE) {
            struct gh_sip_msg *msg = NULL;
            enum gh_sip_carriage how =
                frame == GH_SIP_FRAME_LOST ? GH_SIP_HEAD_ONLY : GH_SIP_STREAM;
            int err;

            sum = hash(sum * 7 + frame, framed.octets);
            if (look && frame != GH_SIP_FRAME_PING) {
                err = gh_sip_msg_parse(&msg, framed.octets, how, NULL);
                REQUIRE(err == 0 ? msg && !msg->bad && frame == GH_SIP_FRAME_MESSAGE
                                 : !msg || msg->bad);
                if (msg && msg->bad)
                    answer(msg);
                else if (msg)
                    promises(msg);
                gh_sip_msg_unref(msg);
            }
            if (frame == GH_SIP_FRAME_LOST)
                break;
        }
    }
    REQUIRE(framer.looked_at <= 2 * fed);
    gh_sip_framer_fini(&framer);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gh_span text;
    struct gh_sip_msg *msg = NULL;

    if (size < 1)
        return 0;
    text = gh_span_of((const char *)data + 1, size - 1);
    REQUIRE(run(text, text.len ? text.len : 1, true) == run(text, (size_t)data[0] + 1, false));
    if (gh_sip_msg_parse(&msg, text, GH_SIP_DATAGRAM, NULL) == 0)
        promises(msg);
    gh_sip_msg_unref(msg);
    return 0;
}
