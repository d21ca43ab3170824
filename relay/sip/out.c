/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing messages (RFC 3261 sections 7 and 8.2.6).  Every octet that leaves comes through
 * add_value, which refuses line ends, or is a literal of this file.
 */
#include "sip/out.h"

#include <stdarg.h>
#include <stdio.h>

#include "crypto/hash.h"
#include "sip/framer.h"
#include "sip/lex_int.h"

static void fail(struct gh_sip_out *out, int err)
{
    if (!out->err)
        out->err = err;
}

void gh_sip_out_fini(struct gh_sip_out *out)
{
    gh_buf_fini(&out->buf);
    *out = (struct gh_sip_out){ 0 };
}

/* Text of anybody: no line end, no NUL, so it stays inside its line. */
static void add_value(struct gh_sip_out *out, struct gh_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == 0) {
            fail(out, GH_EINVAL);
            return;
        }
    }
    gh_buf_add(&out->buf, value);
}

static void add(struct gh_sip_out *out, const char *literal)
{
    gh_buf_str(&out->buf, literal);
}

static bool begin_start_line(struct gh_sip_out *out)
{
    if (out->started)
        fail(out, GH_ESTATE);
    out->started = true;
    return !out->err;
}

static void begin_hdr(struct gh_sip_out *out, struct gh_span name)
{
    if (!out->started)
        fail(out, GH_ESTATE);
    if (!gh_sip_is_token(name))
        fail(out, GH_EINVAL);
    add_value(out, name);
    add(out, ": ");
}

/* The URI without its "?" part; what does not parse is not written. */
static void add_uri(struct gh_sip_out *out, struct gh_span text)
{
    struct gh_sip_uri uri;

    if (gh_sip_uri_parse(text, &uri))
        fail(out, GH_EINVAL);
    else
        add_value(out, gh_sip_uri_strip(&uri));
}

/* ---- start lines ---- */

void gh_sip_out_request(struct gh_sip_out *out, struct gh_span method, struct gh_span uri)
{
    if (!begin_start_line(out))
        return;
    if (!gh_sip_is_token(method))
        fail(out, GH_EINVAL);
    add_value(out, method);
    add(out, " ");
    add_uri(out, uri);
    add(out, " SIP/2.0\r\n");
}

void gh_sip_out_response(struct gh_sip_out *out, int status, struct gh_span phrase)
{
    if (!begin_start_line(out))
        return;
    if (status < 100 || status > 699)
        fail(out, GH_EINVAL);
    gh_buf_fmt(&out->buf, "SIP/2.0 %d ", status);
    add_value(out, phrase.len ? phrase : gh_span_str(gh_sip_phrase(status)));
    add(out, "\r\n");
}

/* ---- answers ---- */

/* A header line that is written with its full name. */
static size_t line_len(enum gh_sip_hdr_id id, struct gh_span value)
{
    return strlen(gh_sip_hdr_name(id)) + 2 + value.len;
}

/* What an answer may repeat of its request. */
struct budget {
    size_t lines, octets;
};

static const struct budget whole_budget = { GH_SIP_HEADERS_MAX - GH_SIP_ANSWER_HEADERS,
                                            GH_SIP_HEAD_MAX - GH_SIP_ANSWER_OCTETS };

/* @return whether the line fits; then it is taken off */
static bool spend(struct budget *left, size_t len)
{
    if (len > GH_SIP_LINE_MAX - GH_SIP_ANSWER_LINE || left->lines == 0 || len + 2 > left->octets)
        return false;
    left->lines--;
    left->octets -= len + 2;
    return true;
}

int gh_sip_reply_room(const struct gh_sip_msg *request)
{
    static const enum gh_sip_hdr_id repeated[] = {
        GH_SIP_HDR_VIA,     GH_SIP_HDR_RECORD_ROUTE, GH_SIP_HDR_FROM,     GH_SIP_HDR_TO,
        GH_SIP_HDR_CALL_ID, GH_SIP_HDR_CSEQ,         GH_SIP_HDR_TIMESTAMP,
    };
    struct budget left = whole_budget;

    for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
        const struct gh_sip_hdr *hdr = NULL;

        while ((hdr = gh_sip_msg_hdr(request, repeated[i], hdr)) != NULL) {
            if (!spend(&left, line_len(hdr->id, hdr->value)))
                return GH_ELIMIT;
        }
    }
    return 0;
}

/* As many as fit, from the top: an answer finds its way back by the first Vias. */
static void copy_all(struct gh_sip_out *out, const struct gh_sip_msg *msg, enum gh_sip_hdr_id id,
                     struct budget *left)
{
    const struct gh_sip_hdr *hdr = NULL;

    while ((hdr = gh_sip_msg_hdr(msg, id, hdr)) != NULL) {
        if (!spend(left, line_len(id, hdr->value)))
            return;
        if (hdr->value.len) /* empty only in a message that is ->bad */
            gh_sip_out_hdr(out, gh_sip_hdr_name(id), hdr->value);
    }
}

/* From or To of an answer.  @tag  of ours, for a To without one; else empty */
static void copy_party(struct gh_sip_out *out, const struct gh_sip_msg *request,
                       enum gh_sip_hdr_id id, const struct gh_sip_addr *addr, struct gh_span tag)
{
    struct gh_span value = gh_sip_msg_value(request, id);
    bool parsed = addr->uri.text.len > 0;

    if (!parsed || addr->tag.len)
        tag = addr->tag;
    if (line_len(id, value) > GH_SIP_LINE_MAX - GH_SIP_ANSWER_LINE) {
        /* What is ->bad and this long is not repeated. */
        if (!parsed)
            fail(out, GH_ELIMIT);
        gh_sip_out_addr(out, gh_sip_hdr_name(id), GH_SPAN(""), addr->uri.text, tag);
        return;
    }
    begin_hdr(out, gh_span_str(gh_sip_hdr_name(id)));
    add_value(out, value);
    if (tag.len && addr->tag.len == 0) {
        if (!gh_sip_is_token(tag))
            fail(out, GH_EINVAL);
        add(out, ";tag=");
        add_value(out, tag);
    }
    add(out, "\r\n");
}

void gh_sip_out_reply(struct gh_sip_out *out, const struct gh_sip_msg *request, int status,
                      struct gh_span phrase, struct gh_span to_tag)
{
    struct budget left = whole_budget;

    gh_sip_out_response(out, status, phrase);
    copy_all(out, request, GH_SIP_HDR_VIA, &left);
    /* RFC 3261 section 12.1.1: a response that makes a dialog returns the record routes. */
    if (status > 100 && status < 300)
        copy_all(out, request, GH_SIP_HDR_RECORD_ROUTE, &left);
    copy_party(out, request, GH_SIP_HDR_FROM, &request->from, GH_SPAN(""));
    copy_party(out, request, GH_SIP_HDR_TO, &request->to, status == 100 ? GH_SPAN("") : to_tag);
    gh_sip_out_hdr(out, "Call-ID", gh_sip_msg_value(request, GH_SIP_HDR_CALL_ID));
    gh_sip_out_hdr(out, "CSeq", gh_sip_msg_value(request, GH_SIP_HDR_CSEQ));
    if (status == 100 && gh_sip_msg_hdr(request, GH_SIP_HDR_TIMESTAMP, NULL))
        gh_sip_out_hdr(out, "Timestamp", gh_sip_msg_value(request, GH_SIP_HDR_TIMESTAMP));
}

/* ---- headers ---- */

void gh_sip_out_hdr(struct gh_sip_out *out, const char *name, struct gh_span value)
{
    begin_hdr(out, gh_span_str(name));
    add_value(out, value);
    add(out, "\r\n");
}

void gh_sip_out_hdr_fmt(struct gh_sip_out *out, const char *name, const char *fmt, ...)
{
    struct gh_buf value = { 0 };
    va_list args;
    char *room;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    room = len < 0 ? NULL : gh_buf_room(&value, (size_t)len + 1);
    if (!room) {
        fail(out, len < 0 ? GH_EINVAL : value.err);
        goto out;
    }
    va_start(args, fmt);
    vsnprintf(room, (size_t)len + 1, fmt, args);
    va_end(args);
    gh_sip_out_hdr(out, name, gh_span_of(room, (size_t)len));
out:
    gh_buf_fini(&value);
}

/* Write @value with the "?" part of each URI in <> left out.  Quoted strings are not
 * looked into. */
static void add_stripped(struct gh_sip_out *out, struct gh_span value)
{
    while (value.len) {
        struct gh_span quoted, plain = value;
        size_t len = 0;

        while (len < value.len && value.p[len] != '<' && value.p[len] != '"')
            len++;
        plain.len = len;
        add_value(out, plain);
        gh_lex_skip(&value, len);
        if (value.len && value.p[0] == '"') {
            if (gh_lex_take_quoted(&value, &quoted)) {
                fail(out, GH_EINVAL);
                return;
            }
            add_value(out, quoted);
        } else if (gh_lex_take(&value, '<')) {
            size_t end = gh_span_find(value, '>');

            add(out, "<");
            add_uri(out, gh_span_head(value, end));
            gh_lex_skip(&value, end);
        }
    }
}

/* Headers whose value is an address, which may stand there without <>. */
static bool holds_address(enum gh_sip_hdr_id id)
{
    static const enum gh_sip_hdr_id ids[] = {
        GH_SIP_HDR_CONTACT,      GH_SIP_HDR_DIVERSION,   GH_SIP_HDR_FROM,
        GH_SIP_HDR_HISTORY_INFO, GH_SIP_HDR_REFER_TO,    GH_SIP_HDR_REFERRED_BY,
        GH_SIP_HDR_REPLY_TO,     GH_SIP_HDR_TO,          GH_SIP_HDR_P_ASSERTED_IDENTITY,
        GH_SIP_HDR_PATH,         GH_SIP_HDR_ALERT_INFO,  GH_SIP_HDR_P_PREFERRED_IDENTITY,
        GH_SIP_HDR_ROUTE,        GH_SIP_HDR_REMOTE_PARTY_ID, GH_SIP_HDR_RECORD_ROUTE,
        GH_SIP_HDR_ERROR_INFO,   GH_SIP_HDR_CALL_INFO,   GH_SIP_HDR_GEOLOCATION,
    };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

/* A "?" outside of <...> and quotes: RFC 3261 section 20 does not allow it in an address. */
static bool has_bare_question(struct gh_span value)
{
    while (value.len) {
        struct gh_span quoted;

        if (value.p[0] == '?')
            return true;
        if (value.p[0] == '"') {
            if (gh_lex_take_quoted(&value, &quoted))
                return true;
        } else {
            gh_lex_skip(&value, value.p[0] == '<' ? gh_span_find(value, '>') : 1);
        }
    }
    return false;
}

void gh_sip_out_copy(struct gh_sip_out *out, const struct gh_sip_hdr *hdr)
{
    if (holds_address(hdr->id) && has_bare_question(hdr->value))
        return;
    begin_hdr(out, hdr->name);
    if (gh_span_find(hdr->value, '?') == hdr->value.len)
        add_value(out, hdr->value);
    else
        add_stripped(out, hdr->value);
    add(out, "\r\n");
}

void gh_sip_out_via(struct gh_sip_out *out, const char *transport, struct gh_span host,
                    uint16_t port,
                    struct gh_span branch)
{
    if (!gh_sip_is_token(gh_span_str(transport)) || !gh_sip_host_valid(host, NULL) ||
        !gh_sip_is_token(branch))
        fail(out, GH_EINVAL);
    begin_hdr(out, GH_SPAN("Via"));
    add(out, "SIP/2.0/");
    add(out, transport);
    add(out, " ");
    add_value(out, host);
    if (port)
        gh_buf_fmt(&out->buf, ":%u", port);
    add(out, ";branch=");
    add_value(out, branch);
    add(out, strcmp(transport, "UDP") == 0 ? ";rport\r\n" : "\r\n");
}

void gh_sip_out_addr(struct gh_sip_out *out, const char *name, struct gh_span display,
                     struct gh_span uri,
                     struct gh_span tag)
{
    begin_hdr(out, gh_span_str(name));
    if (display.len) {
        add_value(out, display);
        add(out, " ");
    }
    add(out, "<");
    add_uri(out, uri);
    add(out, ">");
    if (tag.len) {
        if (!gh_sip_is_token(tag))
            fail(out, GH_EINVAL);
        add(out, ";tag=");
        add_value(out, tag);
    }
    add(out, "\r\n");
}

/* ---- Warning and Reason ---- */

/* quoted-string of RFC 3261 section 25.1; control characters become blanks. */
static void add_quoted(struct gh_buf *buf, struct gh_span text)
{
    gh_buf_str(buf, "\"");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c < 0x20 || c == 0x7f) {
            gh_buf_str(buf, " ");
            continue;
        }
        if (c == '"' || c == '\\')
            gh_buf_str(buf, "\\");
        gh_buf_add(buf, gh_span_of(text.p + i, 1));
    }
    gh_buf_str(buf, "\"");
}

void gh_sip_out_warning(struct gh_sip_out *out, unsigned code, struct gh_span agent,
                        struct gh_span text)
{
    if (code < 100 || code > 999 || agent.len == 0 || gh_span_find(agent, ' ') < agent.len ||
        gh_span_find(agent, '"') < agent.len)
        fail(out, GH_EINVAL);
    begin_hdr(out, GH_SPAN("Warning"));
    gh_buf_fmt(&out->buf, "%u ", code);
    add_value(out, agent);
    add(out, " ");
    add_quoted(&out->buf, text);
    add(out, "\r\n");
}

void gh_sip_reason_value(struct gh_buf *buf, const char *protocol, unsigned cause,
                         struct gh_span text)
{
    gh_buf_fmt(buf, "%s;cause=%u", protocol, cause);
    if (text.len) {
        gh_buf_str(buf, ";text=");
        add_quoted(buf, text);
    }
}

void gh_sip_out_reason(struct gh_sip_out *out, const char *protocol, unsigned cause,
                       struct gh_span text)
{
    if (!gh_sip_is_token(gh_span_str(protocol)))
        fail(out, GH_EINVAL);
    begin_hdr(out, GH_SPAN("Reason"));
    gh_sip_reason_value(&out->buf, protocol, cause, text);
    add(out, "\r\n");
}

/* ---- Call-Info ---- */

/* One entry; of the Cisco one without `security`.  RFC 3261 section 20.9 */
static void add_call_info(struct gh_sip_out *out, const struct gh_sip_call_info *info)
{
    struct gh_span rest = info->params, name, value;

    add(out, "<");
    add_uri(out, info->uri);
    add(out, ">");
    while (gh_sip_param_next(&rest, &name, &value) == 0) {
        if (info->is_cisco && gh_span_ieq(name, GH_SPAN("security")))
            continue;
        add(out, ";");
        add_value(out, name);
        if (value.p) {
            add(out, "=");
            add_value(out, value);
        }
    }
}

/* Phones and CUCM write the blank behind "=" themselves (seen on the wire); it is legal
 * either way. */
static void add_security(struct gh_sip_out *out, enum gh_status status)
{
    add(out, ";security= ");
    add(out, gh_status_name(status));
}

void gh_sip_out_call_info(struct gh_sip_out *out, const struct gh_sip_msg *from, bool keep_others,
                          bool say,
                          enum gh_status status)
{
    struct gh_sip_values it = { 0 };
    struct gh_span value;

    if (from)
        it = gh_sip_values(from, GH_SIP_HDR_CALL_INFO);
    while (gh_sip_values_next(&it, &value)) {
        struct gh_sip_call_info info;
        struct gh_span params;

        if (gh_sip_call_info_parse(value, &info) || !(info.is_cisco || keep_others))
            continue;
        params = info.params;
        /* An entry that held nothing but the claim goes with it. */
        if (info.is_cisco && !say && gh_sip_param(params, "security", NULL)) {
            struct gh_span name, text;

            gh_sip_param_next(&params, &name, &text);
            if (params.len == 0)
                continue;
        }
        begin_hdr(out, GH_SPAN("Call-Info"));
        add_call_info(out, &info);
        if (info.is_cisco && say) {
            add_security(out, status);
            say = false;
        }
        add(out, "\r\n");
    }
    if (!say)
        return;
    begin_hdr(out, GH_SPAN("Call-Info"));
    add(out, "<urn:x-cisco-remotecc:callinfo>");
    add_security(out, status);
    add(out, "\r\n");
}

/* ---- end ---- */

int gh_sip_out_finish(struct gh_sip_out *out, const char *type, struct gh_span body,
                      struct gh_buf *octets)
{
    int err;

    if (!out->started || (body.len && !type))
        fail(out, GH_ESTATE);
    if (body.len)
        gh_sip_out_hdr(out, "Content-Type", gh_span_str(type));
    gh_buf_fmt(&out->buf, "Content-Length: %zu\r\n\r\n", body.len);
    gh_buf_add(&out->buf, body);
    err = out->err ? out->err : out->buf.err;
    if (!err) {
        gh_buf_fini(octets);
        *octets = out->buf;
        out->buf = (struct gh_buf){ 0 };
    }
    gh_sip_out_fini(out);
    return err;
}

struct phrase_row {
    int status;
    const char *phrase;
};

static const struct phrase_row phrases[] = {
    /* RFC 3261 section 21 and the registry of response codes */
    { 100, "Trying" }, { 180, "Ringing" }, { 181, "Call Is Being Forwarded" }, { 182, "Queued" },
    { 183, "Session Progress" }, { 199, "Early Dialog Terminated" }, { 200, "OK" },
    { 202, "Accepted" }, { 300, "Multiple Choices" }, { 301, "Moved Permanently" },
    { 302, "Moved Temporarily" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
    { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" }, { 407, "Proxy Authentication Required" }, { 408, "Request Timeout" },
    { 410, "Gone" }, { 413, "Request Entity Too Large" }, { 414, "Request-URI Too Long" },
    { 415, "Unsupported Media Type" }, { 416, "Unsupported URI Scheme" }, { 420, "Bad Extension" },
    { 421, "Extension Required" }, { 422, "Session Interval Too Small" },
    { 423, "Interval Too Brief" }, { 433, "Anonymity Disallowed" }, { 469, "Bad Info Package" },
    { 480, "Temporarily Unavailable" }, { 481, "Call/Transaction Does Not Exist" },
    { 482, "Loop Detected" }, { 483, "Too Many Hops" }, { 484, "Address Incomplete" },
    { 485, "Ambiguous" }, { 486, "Busy Here" }, { 487, "Request Terminated" },
    { 488, "Not Acceptable Here" }, { 489, "Bad Event" }, { 491, "Request Pending" },
    { 493, "Undecipherable" }, { 494, "Security Agreement Required" },
    { 500, "Server Internal Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
    { 503, "Service Unavailable" }, { 504, "Server Time-out" }, { 505, "Version Not Supported" },
    { 513, "Message Too Large" }, { 580, "Precondition Failure" }, { 600, "Busy Everywhere" },
    { 603, "Decline" }, { 604, "Does Not Exist Anywhere" }, { 606, "Not Acceptable" },
    { 607, "Unwanted" },
};

const char *gh_sip_phrase(int status)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "";
}

/* ---- identifiers ---- */

int gh_sip_draw_tag(char out[GH_SIP_TAG_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t random[(GH_SIP_TAG_SIZE - 1) / 2];
    int err = gh_random(random, sizeof(random));

    out[0] = 0;
    if (err)
        return err;
    for (size_t i = 0; i < sizeof(random); i++) {
        out[2 * i] = digits[random[i] >> 4];
        out[2 * i + 1] = digits[random[i] & 15];
    }
    out[GH_SIP_TAG_SIZE - 1] = 0;
    return 0;
}

int gh_sip_draw_branch(char out[GH_SIP_BRANCH_SIZE])
{
    memcpy(out, "z9hG4bK", 7);
    return gh_sip_draw_tag(out + 7);
}
