/* SPDX-License-Identifier: Apache-2.0 */
/* Framing: RFC 3261 sections 7.5, 18.3; RFC 5626 section 3.5.1; the smuggling faults of other
 * stacks. */
#include "sip/framer.h"

#include "support/check.h"

#define HEAD "OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n"
#define M1   HEAD "Content-Length: 5\r\n\r\nhello"
#define M2   HEAD "l : 0\r\n\r\n"
#define M3   HEAD "CONTENT-LENGTH:\r\n  3\r\nX: y\r\n\r\na\nb"

/* Feed @text in chunks and write down what came out: M<len>; P, or L and the fault. */
static void trace(struct gh_span text, size_t chunk, size_t first, struct gh_buf *out)
{
    struct gh_sip_framer framer = { 0 };
    struct gh_sip_framed framed;
    enum gh_sip_frame frame = GH_SIP_FRAME_MORE;
    size_t len = first ? first : chunk;

    while (text.len && frame != GH_SIP_FRAME_LOST) {
        gh_sip_framer_feed(&framer, gh_span_head(text, len));
        text = gh_span_from(text, len);
        len = chunk;
        while ((frame = gh_sip_framer_next(&framer, &framed)) == GH_SIP_FRAME_MESSAGE ||
               frame == GH_SIP_FRAME_PING) {
            if (frame == GH_SIP_FRAME_PING) {
                gh_buf_str(out, "P ");
                continue;
            }
            gh_buf_str(out, "[");
            gh_buf_add(out, framed.octets);
            gh_buf_str(out, "] ");
        }
        if (frame == GH_SIP_FRAME_LOST)
            gh_buf_fmt(out, "L:%s", framed.fault);
    }
    if (frame == GH_SIP_FRAME_MORE && gh_sip_framer_pending(&framer))
        gh_buf_str(out, "...");
    gh_sip_framer_fini(&framer);
}

static const struct {
    const char *stream, *want;
} streams[] = {
    { M1, "[" M1 "] " },
    { M2, "[" M2 "] " },
    { M3, "[" M3 "] " },
    { M1 M2 M3 M1, "[" M1 "] [" M2 "] [" M3 "] [" M1 "] " },
    { "\r\n" M2, "[" M2 "] " },
    { "\r\n\r\n", "P " },
    { "\r\n\r\n" M2 "\r\n\r\n\r\n\r\n" M1, "P [" M2 "] P P [" M1 "] " },
    { "\r\n" M2 "\r\n" M2, "[" M2 "] [" M2 "] " },
    { "\r\n", "" },
    { "", "" },
    { "OPTIONS sip:a@b SIP/2.0\r", "..." },
    { HEAD "Content-Length: 5\r\n\r\nhell", "..." },
    { HEAD "Content-Length: 00005\r\n\r\nhello", "[" HEAD "Content-Length: 00005\r\n\r\nhello] " },
    /* RFC 4475 section 3.1.2.1 and what else has been used to smuggle a second message
     * into a body */
    { HEAD "\r\n", "L:Content-Length is missing" },
    { HEAD "Content-Length: -999\r\n\r\n", "L:Content-Length is not a decimal number" },
    { HEAD "Content-Length: +5\r\n\r\nhello", "L:Content-Length is not a decimal number" },
    { HEAD "Content-Length: 0x5\r\n\r\nhello", "L:Content-Length is not a decimal number" },
    { HEAD "Content-Length: 5 5\r\n\r\nhello", "L:Content-Length is not a decimal number" },
    { HEAD "Content-Length: 5,5\r\n\r\nhello", "L:Content-Length is not a decimal number" },
    { HEAD "Content-Length: \r\n\r\n", "L:Content-Length is not a decimal number" },
    { HEAD "Content-Length: 4294967301\r\n\r\nhello", "L:the body is longer than 65536 octets" },
    { HEAD "Content-Length: 18446744073709551621\r\n\r\nhello",
      "L:Content-Length is not a decimal number" },
    { HEAD "Content-Length: 65537\r\n\r\n", "L:the body is longer than 65536 octets" },
    { HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "L:Content-Length stands more than once" },
    { HEAD "Content-Length: 5\r\nl: 0\r\n\r\nhello", "L:Content-Length stands more than once" },
    { HEAD "Fabxf: 99\r\n\r\n",
      "L:Content-Length is missing" }, /* libre 1.1.0 takes it for Content-Length */
    { HEAD "Content-Length\r\n\r\n", "L:Content-Length is missing" },
    { HEAD " Content-Length: 3\r\n\r\n",
      "L:Content-Length is missing" }, /* part of the fold of Via */
    { "OPTIONS sip:a@b SIP/2.0\nVia: x\n\n", "L:CR or LF stands alone" },
    { "OPTIONS sip:a@b SIP/2.0\r\nVia: x\n\r\n", "L:CR or LF stands alone" },
    { "OPTIONS sip:a@b SIP/2.0\r\nVia: x\ry\r\n", "L:CR or LF stands alone" },
    { "OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\r\n", "L:CR or LF stands alone" },
    { "\nOPTIONS", "L:CR or LF stands alone" },
};

static void every_split_gives_the_same(void)
{
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        struct gh_span text = gh_span_str(streams[i].stream);

        for (size_t first = 0; first <= text.len; first++) {
            struct gh_buf whole = { 0 }, bytes = { 0 };

            trace(text, text.len ? text.len : 1, first, &whole);
            trace(text, 1, first, &bytes);
            if (!CHECK(gh_span_eq(gh_buf_span(&whole), gh_span_str(streams[i].want))))
                fprintf(stderr, "  stream %zu, first chunk %zu: %.*s\n", i, first,
                        GH_SPAN_FMT(gh_buf_span(&whole)));
            CHECK(gh_span_eq(gh_buf_span(&whole), gh_buf_span(&bytes)));
            gh_buf_fini(&whole);
            gh_buf_fini(&bytes);
        }
    }
}

/* The same message of 64 KiB, in chunks of 1, 7 and 4096 octets and at once: the work is counted,
 * not timed. */
static void work_is_linear(void)
{
    static const size_t chunks[] = { 1, 7, 4096, 200000 };
    struct gh_buf text = { 0 };

    gh_buf_str(&text, "OPTIONS sip:a@b SIP/2.0\r\n");
    while (text.len < 60000)
        gh_buf_str(&text, "X-Padding: 0123456789012345678901234567890123456789\r\n");
    gh_buf_str(&text, "Content-Length: 4000\r\n\r\n");
    for (int i = 0; i < 4000; i++)
        gh_buf_str(&text, "b");
    for (size_t c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++) {
        struct gh_span rest = gh_buf_span(&text);
        struct gh_sip_framer framer = { 0 };
        struct gh_sip_framed framed;
        int messages = 0;

        while (rest.len) {
            gh_sip_framer_feed(&framer, gh_span_head(rest, chunks[c]));
            rest = gh_span_from(rest, chunks[c]);
            messages += gh_sip_framer_next(&framer, &framed) == GH_SIP_FRAME_MESSAGE;
        }
        CHECK_INT(messages, 1);
        CHECK(framer.looked_at <= 2 * text.len);
        CHECK(framer.looked_at >= 60000);
        gh_sip_framer_fini(&framer);
    }
    gh_buf_fini(&text);
}

/* 300 messages in one chunk: each octet is moved once at most, as the front is dropped when all is
 * taken. */
static void pipelined_messages_are_linear(void)
{
    struct gh_sip_framer framer = { 0 };
    struct gh_sip_framed framed;
    struct gh_buf text = { 0 };
    size_t start_before = 0;
    int messages = 0;

    for (int i = 0; i < 300; i++)
        gh_buf_str(&text, M1);
    gh_sip_framer_feed(&framer, gh_buf_span(&text));
    while (gh_sip_framer_next(&framer, &framed) == GH_SIP_FRAME_MESSAGE) {
        messages++;
        CHECK(framer.start > start_before);
        start_before = framer.start;
    }
    CHECK_INT(messages, 300);
    CHECK_INT(framer.buf.len, 0);
    CHECK(!gh_sip_framer_pending(&framer));
    CHECK(framer.looked_at <= 2 * text.len);
    gh_sip_framer_fini(&framer);
    gh_buf_fini(&text);
}

/* Build: one line of @line_len octets, headers up to @head_len; then what happens. */
static enum gh_sip_frame frame_sized(size_t line_len, size_t head_len, struct gh_sip_framed *framed)
{
    static struct gh_sip_framer framer;
    struct gh_buf text = { 0 };
    enum gh_sip_frame frame;

    gh_sip_framer_fini(&framer);
    gh_buf_str(&text, "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\nX: ");
    for (size_t i = 3; i < line_len; i++)
        gh_buf_str(&text, "x");
    gh_buf_str(&text, "\r\n");
    while (text.len + 2 < head_len) {
        size_t left = head_len - text.len - 2;
        size_t take = left < 4000 ? left : left < 8000 ? left / 2 : 4000;

        gh_buf_str(&text, "Y:");
        for (size_t i = 4; i < take; i++)
            gh_buf_str(&text, "y");
        gh_buf_str(&text, "\r\n");
    }
    gh_buf_str(&text, "\r\n");
    gh_sip_framer_feed(&framer, gh_buf_span(&text));
    frame = gh_sip_framer_next(&framer, framed);
    gh_buf_fini(&text);
    return frame;
}

static void limits_are_exact(void)
{
    struct gh_sip_framed framed;

    CHECK_INT(frame_sized(GH_SIP_LINE_MAX, 0, &framed), GH_SIP_FRAME_MESSAGE);
    CHECK_INT(frame_sized(GH_SIP_LINE_MAX + 1, 0, &framed), GH_SIP_FRAME_LOST);
    CHECK_INT(framed.reason, GH_REASON_MESSAGE_TOO_LARGE);
    CHECK_STR(framed.fault, "a line is longer than 8192 octets");
    CHECK_INT(frame_sized(10, GH_SIP_HEAD_MAX, &framed), GH_SIP_FRAME_MESSAGE);
    CHECK_INT(framed.octets.len, GH_SIP_HEAD_MAX);
    CHECK_INT(frame_sized(10, GH_SIP_HEAD_MAX + 1, &framed), GH_SIP_FRAME_LOST);
    CHECK_INT(framed.reason, GH_REASON_MESSAGE_TOO_LARGE);
}

/* A peer that never ends its line must not make us keep more than a line. */
static void endless_line_is_bounded(void)
{
    struct gh_sip_framer framer = { 0 };
    struct gh_sip_framed framed;
    size_t fed = 0;
    enum gh_sip_frame frame;

    do {
        gh_sip_framer_feed(&framer, GH_SPAN("xxxxxxxxxxxxxxxx"));
        fed += 16;
        frame = gh_sip_framer_next(&framer, &framed);
    } while (frame == GH_SIP_FRAME_MORE && fed < 1000000);
    CHECK_INT(frame, GH_SIP_FRAME_LOST);
    CHECK(fed <= GH_SIP_LINE_MAX + 32);
    /* Lost for ever, and no more octets are kept. */
    CHECK_INT(gh_sip_framer_feed(&framer, GH_SPAN(M1)), 0);
    CHECK_INT(gh_sip_framer_next(&framer, &framed), GH_SIP_FRAME_LOST);
    CHECK(framer.buf.len <= GH_SIP_LINE_MAX + 32);
    gh_sip_framer_fini(&framer);
}

/* The head of a message that lost the framing is there, so that it can be answered
 * before closing. */
static void lost_gives_the_head(void)
{
    struct gh_sip_framer framer = { 0 };
    struct gh_sip_framed framed;

    gh_sip_framer_feed(&framer, GH_SPAN(M2 HEAD "Content-Length: -1\r\n\r\nGET / HTTP"));
    CHECK_INT(gh_sip_framer_next(&framer, &framed), GH_SIP_FRAME_MESSAGE);
    CHECK_INT(gh_sip_framer_next(&framer, &framed), GH_SIP_FRAME_LOST);
    CHECK_SPAN(framed.octets, HEAD "Content-Length: -1\r\n\r\n");
    CHECK_INT(framed.reason, GH_REASON_BAD_MESSAGE);
    gh_sip_framer_fini(&framer);
}

/* What was handed out is overwritten, and a large empty buffer is given back. */
static void taken_octets_are_wiped(void)
{
    struct gh_sip_framer framer = { 0 };
    struct gh_sip_framed framed;

    gh_sip_framer_feed(&framer, GH_SPAN(M1));
    CHECK_INT(gh_sip_framer_next(&framer, &framed), GH_SIP_FRAME_MESSAGE);
    CHECK_OR_STOP(framer.buf.p != NULL);
    CHECK_INT(gh_sip_framer_next(&framer, &framed), GH_SIP_FRAME_MORE);
    for (size_t i = 0; i < sizeof(M1) - 1; i++)
        CHECK_INT(framer.buf.p[i], 0);
    gh_sip_framer_fini(&framer);
}

int main(void)
{
    RUN(every_split_gives_the_same);
    RUN(work_is_linear);
    RUN(pipelined_messages_are_linear);
    RUN(limits_are_exact);
    RUN(endless_line_is_bounded);
    RUN(lost_gives_the_head);
    RUN(taken_octets_are_wiped);
    return CHECK_REPORT();
}
