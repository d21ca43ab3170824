/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as a whole: lines, folds, start line, body, ownership.  The rules of single headers:
 * msg_rules.c.
 *
 * After a fault the parse goes on where that is safe, for one purpose: a request with a fault is to
 * be answered, and the answer needs Via, From, To, Call-ID and CSeq.
 */
#include "sip/msg.h"

#include <stdlib.h>

#include "sip/framer.h"
#include "sip/lex_int.h"
#include "sip/msg_int.h"

/* ---- methods ---- */

static const struct gh_span method_names[GH_SIP_METHOD_COUNT] = {
    [GH_SIP_METHOD_OTHER] = { "", 0 },
#define X(name) [GH_SIP_##name] = { #name, sizeof(#name) - 1 },
    GH_SIP_METHOD_MAP(X)
#undef X
};

enum gh_sip_method gh_sip_method_by_name(struct gh_span name)
{
    for (int m = GH_SIP_METHOD_OTHER + 1; m < GH_SIP_METHOD_COUNT; m++) {
        if (gh_span_eq(name, method_names[m]))
            return (enum gh_sip_method)m;
    }
    return GH_SIP_METHOD_OTHER;
}

const char *gh_sip_method_name(enum gh_sip_method method)
{
    return method_names[(unsigned)method < GH_SIP_METHOD_COUNT ? method : GH_SIP_METHOD_OTHER].p;
}

/* ---- ownership ---- */

static void msg_free(struct gh_sip_msg *msg)
{
    if (msg->octets)
        explicit_bzero(msg->octets, msg->octets_len);
    free(msg->octets);
    free(msg->hdrs);
    free(msg);
}

struct gh_sip_msg *gh_sip_msg_ref(struct gh_sip_msg *msg)
{
    msg->refs++;
    return msg;
}

void gh_sip_msg_unref(struct gh_sip_msg *msg)
{
    if (msg && --msg->refs == 0)
        msg_free(msg);
}

void gh_sip_msg_wipe_body(struct gh_sip_msg *msg)
{
    size_t head_len = msg->octets_len - msg->body.len;

    /* Octets behind the body of a datagram go too: they may be anything. */
    if (msg->body.p)
        head_len = (size_t)(msg->body.p - msg->octets);
    explicit_bzero(msg->octets + head_len, msg->octets_len - head_len);
    msg->body = gh_span_of(NULL, 0);
}

/* ---- faults ---- */

void gh_sip_fault_set(struct gh_sip_fault *fault, enum gh_reason reason, const char *header,
                      const char *text)
{
    if (fault->text)
        return;
    *fault = (struct gh_sip_fault){ reason, header, text };
}

static void bad(struct gh_sip_fault *fault, const char *header, const char *text)
{
    gh_sip_fault_set(fault, GH_REASON_BAD_MESSAGE, header, text);
}

static void too_large(struct gh_sip_fault *fault, const char *header, const char *text)
{
    gh_sip_fault_set(fault, GH_REASON_MESSAGE_TOO_LARGE, header, text);
}

/* ---- lines ---- */

/* Does the line that ends in CRLF just before @at go on there?  RFC 3261 section 7.3.1 */
static bool folded_at(struct gh_span octets, size_t at)
{
    return at < octets.len && (octets.p[at] == ' ' || octets.p[at] == '\t');
}

/*
 * One pass over the head: each line ends with CRLF, folds become blanks (same length, so nothing
 * moves).
 *
 * @start  where the start line begins: empty lines before it are skipped
 * @head   length up to and with the empty line; 0: there is none
 * @lines  headers
 * @return whether the lines can be told apart; if not nothing is answered
 */
static bool unfold(char *p, size_t len, size_t *start, size_t *head, size_t *lines,
                   struct gh_sip_fault *fault)
{
    struct gh_span octets = gh_span_of(p, len);
    size_t line, i = 0;

    *head = *lines = 0;
    while (len - i >= 2 && p[i] == '\r' && p[i + 1] == '\n')
        i += 2;
    *start = line = i;
    for (; i < len; i++) {
        if (p[i] != '\r' && p[i] != '\n')
            continue;
        if (p[i] == '\n' || len - i < 2 || p[i + 1] != '\n') {
            bad(fault, "message", "CR or LF stands alone");
            return false;
        }
        if (i == line) {
            *head = i + 2;
            return true;
        }
        if (line > *start && folded_at(octets, i + 2)) {
            p[i] = p[i + 1] = ' ';
        } else {
            *lines += line > *start;
            line = i + 2;
        }
        i++;
    }
    bad(fault, "message", "the empty line behind the headers is missing");
    return false;
}

/* RFC 3261 section 25.1: control characters stand in quoted pairs only.  NUL is refused
 * even there. */
static bool controls_valid(struct gh_span line, bool *nul)
{
    bool valid = true, escaped = false;

    *nul = false;
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.p[i];

        *nul = *nul || c == 0;
        valid = valid && (c >= 0x20 || c == '\t' || escaped) && (c != 0x7f || escaped) && c != 0;
        escaped = c == '\\' && !escaped;
    }
    return valid;
}

static void parse_header_line(struct gh_span line, struct gh_sip_hdr *hdr,
                              struct gh_sip_fault *fault)
{
    size_t colon = gh_span_find(line, ':');
    bool nul;

    hdr->value = gh_span_trim(gh_span_from(line, colon + 1));
    /* RFC 3261 section 25.1, HCOLON: blanks may stand before the colon.  None before the name: that
     * is a fold. */
    hdr->name = gh_span_head(line, colon);
    while (hdr->name.len && gh_lex_in(hdr->name.p[hdr->name.len - 1], " \t"))
        hdr->name.len--;
    hdr->id = GH_SIP_HDR_OTHER;
    if (colon == line.len || !gh_sip_is_token(hdr->name)) {
        bad(fault, "message", "a header line has no name, or one that is no token");
        hdr->name = gh_span_of(NULL, 0);
        hdr->value = gh_span_of(NULL, 0);
        return;
    }
    hdr->id = gh_sip_hdr_by_name(hdr->name);
    if (!controls_valid(hdr->value, &nul)) {
        bad(fault, hdr->id ? gh_sip_hdr_name(hdr->id) : "message",
            nul ? "NUL in a header" : "a control character in a header");
        hdr->value = gh_span_of(NULL, 0); /* never copied into an answer */
    }
    if (line.len > GH_SIP_LINE_MAX)
        too_large(fault, "message", "a header is longer than 8192 octets");
}

/* @head  from the first header on to before the empty line; unfolded */
static int parse_header_lines(struct gh_sip_msg *msg, struct gh_span head, size_t lines,
                              struct gh_sip_fault *fault)
{
    if (lines > GH_SIP_HEADERS_MAX) {
        too_large(fault, "message", "more than 256 headers");
        lines = GH_SIP_HEADERS_MAX;
    }
    msg->hdrs = calloc(lines ? lines : 1, sizeof(*msg->hdrs));
    if (!msg->hdrs)
        return GH_ENOMEM;
    while (msg->hdr_count < lines) {
        struct gh_span line = gh_span_take(&head, '\n');

        parse_header_line(gh_span_head(line, line.len - 1), &msg->hdrs[msg->hdr_count++], fault);
    }
    return 0;
}

/* ---- start line ---- */

static void parse_status_line(struct gh_sip_msg *msg, struct gh_span line,
                              struct gh_sip_fault *fault)
{
    struct gh_span code;
    uint64_t status;

    gh_span_take(&line, ' ');
    code = gh_span_head(line, 3);
    if (!gh_span_u64(code, 699, &status) || code.len != 3 || status < 100 || line.len < 4 ||
        line.p[3] != ' ') {
        bad(fault, "start line", "no status code of 100 to 699 with a blank behind it");
        return;
    }
    msg->status = (int)status;
    msg->phrase = gh_span_from(line, 4);
}

/* Method SP Request-URI SP SIP-Version, with single blanks (RFC 3261 section 7.1) */
static void parse_request_line(struct gh_sip_msg *msg, struct gh_span line,
                               struct gh_sip_fault *fault)
{
    struct gh_span method = gh_span_take(&line, ' ');
    struct gh_span uri = gh_span_take(&line, ' ');
    int err;

    msg->request = true;
    if (!gh_sip_is_token(method)) {
        bad(fault, "start line", "the method is no token");
        return;
    }
    msg->method_text = method;
    msg->method = gh_sip_method_by_name(method);
    if (!gh_span_eq(line, GH_SPAN("SIP/2.0"))) {
        bad(fault, "start line", "not: method, blank, URI, blank, SIP/2.0");
        return;
    }
    err = gh_sip_uri_parse(uri, &msg->uri);
    if (err)
        bad(fault, "start line",
            err == GH_ELIMIT ? "the Request-URI is longer than 2048 octets"
                             : "the Request-URI breaks the grammar");
    else if (msg->uri.headers.len)
        /* RFC 3261 section 19.1.1, table 1; RFC 4475 section 3.1.2.11 */
        bad(fault, "start line", "the Request-URI has headers");
}

static void parse_start_line(struct gh_sip_msg *msg, struct gh_span line,
                             struct gh_sip_fault *fault)
{
    bool nul;

    if (line.len > GH_SIP_LINE_MAX)
        too_large(fault, "start line", "longer than 8192 octets");
    if (!controls_valid(line, &nul))
        bad(fault, "start line", nul ? "NUL" : "a control character");
    else if (gh_span_starts(line, GH_SPAN("SIP/2.0 ")))
        parse_status_line(msg, line, fault);
    else
        parse_request_line(msg, line, fault);
}

/* ---- body ---- */

static void take_body(struct gh_sip_msg *msg, struct gh_span rest, enum gh_sip_carriage carriage,
                      struct gh_sip_fault *fault)
{
    const struct gh_sip_hdr *hdr = gh_sip_msg_hdr(msg, GH_SIP_HDR_CONTENT_LENGTH, NULL);
    uint64_t len = rest.len;

    if (carriage == GH_SIP_HEAD_ONLY) {
        bad(fault, "message", "where it ends cannot be told");
        return;
    }
    if (hdr && !gh_span_u64(hdr->value, UINT32_MAX, &len)) {
        bad(fault, "Content-Length", "not a decimal number");
        return;
    }
    if (!hdr && carriage == GH_SIP_STREAM)
        bad(fault, "Content-Length", "missing");
    if (len > rest.len)
        bad(fault, "Content-Length", "larger than the body");
    else if (len < rest.len && carriage == GH_SIP_STREAM)
        bad(fault, "Content-Length", "smaller than the body");
    else if (len > GH_SIP_BODY_MAX)
        too_large(fault, "body", "longer than 65536 octets");
    else
        msg->body = gh_span_head(rest, (size_t)len);
    if (msg->body.len && !gh_sip_msg_hdr(msg, GH_SIP_HDR_CONTENT_TYPE, NULL))
        bad(fault, "Content-Type", "missing, but there is a body"); /* RFC 3261 section 20.15 */
}

/* ---- the whole ---- */

static int parse_octets(struct gh_sip_msg *msg, enum gh_sip_carriage carriage,
                        struct gh_sip_fault *fault)
{
    struct gh_span all = gh_span_of(msg->octets, msg->octets_len);
    size_t start, head_len, lines;
    struct gh_span head, line;
    int err;

    if (all.len > GH_SIP_HEAD_MAX + GH_SIP_BODY_MAX) {
        too_large(fault, "message", "longer than 131072 octets");
        return 0;
    }
    if (!unfold(msg->octets, msg->octets_len, &start, &head_len, &lines, fault))
        return 0;
    if (head_len - start > GH_SIP_HEAD_MAX)
        too_large(fault, "message", "start line and headers are longer than 65536 octets");
    msg->head = head = gh_span_head(gh_span_from(all, start), head_len - start);
    line = gh_span_take(&head, '\n');
    parse_start_line(msg, gh_span_head(line, line.len - 1), fault);
    err = parse_header_lines(msg, head, lines, fault);
    if (err)
        return err;
    gh_sip_msg_check_headers(msg, fault);
    take_body(msg, gh_span_from(all, head_len), carriage, fault);
    return 0;
}

/* Has a faulty message all that RFC 3261 section 8.2.6 copies into an answer? */
static bool answerable(const struct gh_sip_msg *msg)
{
    static const enum gh_sip_hdr_id needed[] = { GH_SIP_HDR_VIA, GH_SIP_HDR_FROM, GH_SIP_HDR_TO,
                                                 GH_SIP_HDR_CALL_ID, GH_SIP_HDR_CSEQ };

    if (!msg->request || msg->method_text.len == 0 || msg->method == GH_SIP_ACK)
        return false;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        const struct gh_sip_hdr *hdr = gh_sip_msg_hdr(msg, needed[i], NULL);

        if (!hdr || hdr->value.len == 0)
            return false;
    }
    return true;
}

int gh_sip_msg_parse(struct gh_sip_msg **out, struct gh_span octets, enum gh_sip_carriage carriage,
                     struct gh_sip_fault *fault)
{
    struct gh_sip_fault found = { 0 };
    struct gh_sip_msg *msg = calloc(1, sizeof(*msg));
    int err = GH_ENOMEM;

    *out = NULL;
    if (!msg)
        return GH_ENOMEM;
    msg->refs = 1;
    /* Exactly as long as the message: a read past the end does not go unseen by the sanitizers. */
    msg->octets = malloc(octets.len ? octets.len : 1);
    if (!msg->octets)
        goto out;
    msg->octets_len = octets.len;
    if (octets.len)
        memcpy(msg->octets, octets.p, octets.len);
    err = parse_octets(msg, carriage, &found);
    if (err)
        goto out;
    if (found.text) {
        err = found.reason == GH_REASON_MESSAGE_TOO_LARGE ? GH_ELIMIT : GH_ESYNTAX;
        if (fault)
            *fault = found;
        msg->bad = true;
        if (!answerable(msg))
            goto out;
    }
    *out = msg;
    msg = NULL;
out:
    gh_sip_msg_unref(msg);
    return err;
}

/* ---- looking things up ---- */

const struct gh_sip_hdr *gh_sip_msg_hdr(const struct gh_sip_msg *msg, enum gh_sip_hdr_id id,
                                        const struct gh_sip_hdr *after)
{
    for (size_t i = after ? (size_t)(after - msg->hdrs) + 1 : 0; i < msg->hdr_count; i++) {
        if (msg->hdrs[i].id == id)
            return &msg->hdrs[i];
    }
    return NULL;
}

const struct gh_sip_hdr *gh_sip_msg_hdr_named(const struct gh_sip_msg *msg, const char *name)
{
    for (size_t i = 0; i < msg->hdr_count; i++) {
        if (gh_span_ieq(msg->hdrs[i].name, gh_span_str(name)))
            return &msg->hdrs[i];
    }
    return NULL;
}

struct gh_span gh_sip_msg_value(const struct gh_sip_msg *msg, enum gh_sip_hdr_id id)
{
    const struct gh_sip_hdr *hdr = gh_sip_msg_hdr(msg, id, NULL);

    return hdr ? hdr->value : gh_span_of(NULL, 0);
}

struct gh_sip_values gh_sip_values(const struct gh_sip_msg *msg, enum gh_sip_hdr_id id)
{
    struct gh_sip_values it = { .msg = msg, .id = id };

    it.hdr = gh_sip_msg_hdr(msg, id, NULL);
    if (it.hdr)
        it.rest = it.hdr->value;
    return it;
}

bool gh_sip_values_next(struct gh_sip_values *it, struct gh_span *value)
{
    while (it->hdr) {
        int err = gh_sip_list_next(&it->rest, value);

        if (err == 0)
            return true;
        it->hdr = err == GH_ENOTFOUND ? gh_sip_msg_hdr(it->msg, it->id, it->hdr) : NULL;
        if (it->hdr)
            it->rest = it->hdr->value;
    }
    return false;
}

bool gh_sip_msg_has_token(const struct gh_sip_msg *msg, enum gh_sip_hdr_id id, const char *token)
{
    struct gh_sip_values it = gh_sip_values(msg, id);
    struct gh_span value;

    while (gh_sip_values_next(&it, &value)) {
        if (gh_span_ieq(value, gh_span_str(token)))
            return true;
    }
    return false;
}

/* The least of the claims of one entry and of *least; Unknown is no claim.  @return whether there
 * was one */
static bool least_claim(struct gh_span params, enum gh_status *least)
{
    struct gh_span name, word;
    bool found = false;

    while (gh_sip_param_next(&params, &name, &word) == 0) {
        enum gh_status status;

        if (!gh_span_ieq(name, GH_SPAN("security")))
            continue;
        found = true;
        status = gh_status_by_name(word);
        if (status != GH_STATUS_UNKNOWN && (*least == GH_STATUS_UNKNOWN || status < *least))
            *least = status;
    }
    return found;
}

enum gh_status gh_sip_msg_security(const struct gh_sip_msg *msg, bool *claimed)
{
    struct gh_sip_values it = gh_sip_values(msg, GH_SIP_HDR_CALL_INFO);
    enum gh_status least = GH_STATUS_UNKNOWN;
    struct gh_sip_call_info info;
    struct gh_span value;
    bool found = false;

    while (gh_sip_values_next(&it, &value)) {
        if (gh_sip_call_info_parse(value, &info) == 0 && info.is_cisco)
            found = least_claim(info.params, &least) || found;
    }
    if (claimed)
        *claimed = found;
    return least;
}
