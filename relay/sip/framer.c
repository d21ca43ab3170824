/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing of SIP on streams.  The head is searched once, octet by octet, for its end; it is then
 * walked once for Content-Length.  Positions are kept between chunks, so that a peer that sends
 * single octets costs no more than one that sends all at once.
 */
#include "sip/framer.h"

#include "sip/hdr.h"

/* An empty buffer larger than this is given back: one large message must not cost
 * memory for ever. */
#define FRAMER_KEEP_MAX 16384

static const char *lose(struct gh_sip_framer *framer, enum gh_reason reason, const char *fault)
{
    framer->lost = reason;
    framer->fault = fault;
    return fault;
}

void gh_sip_framer_fini(struct gh_sip_framer *framer)
{
    gh_buf_fini(&framer->buf);
    *framer = (struct gh_sip_framer){ 0 };
}

int gh_sip_framer_feed(struct gh_sip_framer *framer, struct gh_span octets)
{
    if (framer->lost)
        return 0;
    gh_buf_add(&framer->buf, octets);
    if (framer->buf.err) {
        lose(framer,
             framer->buf.err == GH_ELIMIT ? GH_REASON_MESSAGE_TOO_LARGE : GH_REASON_INTERNAL,
             "no memory for what the peer sent");
        gh_buf_reset(&framer->buf);
        framer->start = framer->head_len = 0;
        return GH_ENOMEM;
    }
    return 0;
}

static struct gh_span unread(const struct gh_sip_framer *framer)
{
    return gh_span_from(gh_buf_span(&framer->buf), framer->start);
}

static void begin_message(struct gh_sip_framer *framer, size_t at)
{
    framer->start = at;
    framer->scanned = framer->line = framer->head_len = framer->body_len = 0;
}

enum head_step { HEAD_GO_ON, HEAD_END, HEAD_BLANK, HEAD_LOST };

/* One octet of the head. */
static enum head_step head_octet(struct gh_sip_framer *framer, struct gh_span octets)
{
    size_t at = framer->scanned++;
    bool after_cr = at > framer->line && octets.p[at - 1] == '\r';
    char c = octets.p[at];

    /* RFC 3261 section 7: lines end with CRLF.  Where CR or LF stands alone two readers may see
     * different lines. */
    if (after_cr != (c == '\n')) {
        lose(framer, GH_REASON_BAD_MESSAGE, "CR or LF stands alone");
        return HEAD_LOST;
    }
    if (c == '\n') {
        bool empty = at - framer->line == 1;

        if (empty && framer->line == 0)
            return HEAD_BLANK;
        framer->line = at + 1;
        return empty ? HEAD_END : HEAD_GO_ON;
    }
    if (framer->scanned - framer->line > GH_SIP_LINE_MAX + (c == '\r')) {
        lose(framer, GH_REASON_MESSAGE_TOO_LARGE, "a line is longer than 8192 octets");
        return HEAD_LOST;
    }
    if (framer->scanned > GH_SIP_HEAD_MAX - 1) {
        lose(framer, GH_REASON_MESSAGE_TOO_LARGE,
             "start line and headers are longer than 65536 octets");
        return HEAD_LOST;
    }
    return HEAD_GO_ON;
}

/* Take one line with its CRLF off the front of a head, whose lines are known to end so. */
static struct gh_span take_line(struct gh_span *head)
{
    struct gh_span line = gh_span_take(head, '\n');

    return gh_span_head(line, line.len ? line.len - 1 : 0);
}

static bool is_fold(struct gh_span line)
{
    return line.len && (line.p[0] == ' ' || line.p[0] == '\t');
}

/* Without blanks, tabs and the line ends of folds round it. */
static struct gh_span trim_folded(struct gh_span s)
{
    while (s.len && strchr(" \t\r\n", s.p[0]) && s.p[0])
        s = gh_span_from(s, 1);
    while (s.len && strchr(" \t\r\n", s.p[s.len - 1]) && s.p[s.len - 1])
        s.len--;
    return s;
}

/*
 * RFC 3261 sections 18.3 and 20.14: on streams Content-Length must be there.  Two of them, even
 * equal ones, and anything but digits are refused: readers differ in which one they believe.
 */
static const char *read_content_length(struct gh_sip_framer *framer, struct gh_span head)
{
    bool seen = false;

    take_line(&head);
    while (head.len) {
        struct gh_span line = take_line(&head);
        struct gh_span name = gh_span_trim(gh_span_head(line, gh_span_find(line, ':')));
        struct gh_span value = gh_span_from(line, gh_span_find(line, ':') + 1);
        uint64_t len;

        if (is_fold(line) || gh_sip_hdr_by_name(name) != GH_SIP_HDR_CONTENT_LENGTH ||
            name.len == line.len)
            continue;
        if (seen)
            return lose(framer, GH_REASON_BAD_MESSAGE, "Content-Length stands more than once");
        seen = true;
        while (is_fold(head)) {
            struct gh_span fold = take_line(&head);

            value.len = (size_t)(fold.p + fold.len - value.p);
        }
        if (!gh_span_u64(trim_folded(value), UINT64_MAX, &len))
            return lose(framer, GH_REASON_BAD_MESSAGE, "Content-Length is not a decimal number");
        if (len > GH_SIP_BODY_MAX)
            return lose(framer, GH_REASON_MESSAGE_TOO_LARGE,
                        "the body is longer than 65536 octets");
        framer->body_len = (size_t)len;
    }
    return seen ? NULL : lose(framer, GH_REASON_BAD_MESSAGE, "Content-Length is missing");
}

/* Search the head's end from where the last chunk stopped. */
static enum head_step scan_head(struct gh_sip_framer *framer)
{
    struct gh_span octets = unread(framer);
    size_t from = framer->scanned;
    enum head_step step = HEAD_GO_ON;

    while (step == HEAD_GO_ON && framer->scanned < octets.len)
        step = head_octet(framer, octets);
    framer->looked_at += framer->scanned - from;
    if (step == HEAD_END) {
        framer->head_len = framer->scanned;
        framer->blank_lines = 0;
        framer->looked_at += framer->head_len;
        if (read_content_length(framer, gh_span_head(octets, framer->head_len)))
            return HEAD_LOST;
    }
    return step;
}

/* All that is complete was handed out: wipe it, move the rest to the front. */
static void forget_taken(struct gh_sip_framer *framer)
{
    if (framer->start == 0)
        return;
    gh_buf_drop(&framer->buf, framer->start);
    framer->start = 0;
    if (framer->buf.len == 0 && framer->buf.cap > FRAMER_KEEP_MAX)
        gh_buf_fini(&framer->buf);
}

static enum gh_sip_frame tell_lost(struct gh_sip_framer *framer, struct gh_sip_framed *out)
{
    out->reason = framer->lost;
    out->fault = framer->fault;
    out->octets = gh_span_head(unread(framer), framer->head_len);
    return GH_SIP_FRAME_LOST;
}

enum gh_sip_frame gh_sip_framer_next(struct gh_sip_framer *framer, struct gh_sip_framed *out)
{
    *out = (struct gh_sip_framed){ .reason = GH_REASON_NONE };
    while (!framer->lost && framer->head_len == 0) {
        switch (scan_head(framer)) {
        case HEAD_BLANK:
            /* RFC 3261 section 7.5: empty lines before a message are ignored; two of them are a
             * ping. */
            begin_message(framer, framer->start + framer->scanned);
            if (++framer->blank_lines < 2)
                break;
            framer->blank_lines = 0;
            return GH_SIP_FRAME_PING;
        case HEAD_GO_ON:
            forget_taken(framer);
            return GH_SIP_FRAME_MORE;
        case HEAD_END:
        case HEAD_LOST:
            break;
        }
    }
    if (framer->lost)
        return tell_lost(framer, out);
    if (unread(framer).len - framer->head_len < framer->body_len) {
        forget_taken(framer);
        return GH_SIP_FRAME_MORE;
    }
    out->octets = gh_span_head(unread(framer), framer->head_len + framer->body_len);
    begin_message(framer, framer->start + out->octets.len);
    return GH_SIP_FRAME_MESSAGE;
}

bool gh_sip_framer_pending(const struct gh_sip_framer *framer)
{
    return framer->buf.len > framer->start;
}
