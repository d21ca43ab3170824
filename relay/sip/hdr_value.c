/* SPDX-License-Identifier: Apache-2.0 */
/* Parsers of header values, one per header; see hdr.h for the rules that all share. */
#include "sip/hdr.h"

#include "sip/lex_int.h"

/* Walk all parameters, so that the whole value is known to be well formed.  @name, when not NULL,
 * may stand once. */
static int check_params(struct gh_span params, const char *name, struct gh_span *value)
{
    struct gh_span found, text;
    bool seen = false;
    int err;

    while ((err = gh_sip_param_next(&params, &found, &text)) == 0) {
        if (!name || !gh_span_ieq(found, gh_span_str(name)))
            continue;
        if (seen)
            return GH_ESYNTAX;
        seen = true;
        *value = text;
    }
    return err == GH_ENOTFOUND ? 0 : err;
}

/* ---- addresses ---- */

/* *(token LWS), what may stand before "<" without quotes */
static bool display_tokens_valid(struct gh_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!gh_lex_is_token_char(text.p[i]) && text.p[i] != ' ' && text.p[i] != '\t')
            return false;
    }
    return true;
}

/* [ display-name ] "<" URI ">", with @cur left behind it; or a URI alone, up to ";" */
static int parse_name_addr(struct gh_span *cur, struct gh_sip_addr *addr, struct gh_span *uri)
{
    size_t at, end;

    if (cur->len && cur->p[0] == '"') {
        if (gh_lex_take_quoted(cur, &addr->display))
            return GH_ESYNTAX;
        gh_lex_skip_ws(cur);
        if (cur->len == 0 || cur->p[0] != '<')
            return GH_ESYNTAX;
    }
    at = gh_span_find(*cur, '<');
    end = gh_span_find(*cur, ';');
    if (at >= end) {
        /* RFC 3261 section 20: with comma, question mark or semicolon in it the URI
         * must be in <>. */
        *uri = gh_span_trim(gh_span_head(*cur, end));
        gh_lex_skip(cur, end);
        return gh_span_find(*uri, ',') < uri->len || gh_span_find(*uri, '?') < uri->len ? GH_ESYNTAX
                                                                                        : 0;
    }
    if (addr->display.len == 0) {
        addr->display = gh_span_trim(gh_span_head(*cur, at));
        if (!display_tokens_valid(addr->display))
            return GH_ESYNTAX;
    }
    gh_lex_skip(cur, at + 1);
    at = gh_span_find(*cur, '>');
    if (at == cur->len)
        return GH_ESYNTAX;
    addr->bracketed = true;
    *uri = gh_span_head(*cur, at);
    gh_lex_skip(cur, at + 1);
    return 0;
}

int gh_sip_addr_parse(struct gh_span value, struct gh_sip_addr *out)
{
    struct gh_sip_addr addr = { 0 };
    struct gh_span uri, tag = { NULL, 0 }, cur = gh_span_trim(value);
    int err;

    if (gh_span_eq(cur, GH_SPAN("*"))) {
        addr.star = true;
        *out = addr;
        return 0;
    }
    err = parse_name_addr(&cur, &addr, &uri);
    if (err)
        return err;
    err = gh_sip_uri_parse(uri, &addr.uri);
    if (err)
        return err;
    gh_lex_skip_ws(&cur);
    addr.params = cur;
    err = check_params(cur, "tag", &tag);
    if (err)
        return err;
    if (gh_sip_param(cur, "tag", NULL) && !gh_sip_is_token(tag))
        return GH_ESYNTAX;
    addr.tag = tag;
    *out = addr;
    return 0;
}

/* ---- Via ---- */

static int parse_via_params(struct gh_sip_via *via)
{
    struct gh_span rest = via->params, name, value;
    bool branch = false, received = false;
    uint64_t port;
    int err;

    while ((err = gh_sip_param_next(&rest, &name, &value)) == 0) {
        if (gh_span_ieq(name, GH_SPAN("branch"))) {
            if (branch || !gh_sip_is_token(value))
                return GH_ESYNTAX;
            branch = true;
            via->branch = value;
        } else if (gh_span_ieq(name, GH_SPAN("rport"))) {
            if (via->has_rport || (value.p && !gh_span_u64(value, UINT16_MAX, &port)))
                return GH_ESYNTAX;
            via->has_rport = true;
            via->rport = value.p ? (uint16_t)port : 0;
        } else if (gh_span_ieq(name, GH_SPAN("received"))) {
            if (received || gh_addr_parse_ip(value, 0, &via->received))
                return GH_ESYNTAX;
            received = true;
        }
    }
    return err == GH_ENOTFOUND ? 0 : err;
}

int gh_sip_via_parse(struct gh_span value, struct gh_sip_via *out)
{
    struct gh_span cur = gh_span_trim(value), host;
    struct gh_sip_via via = { 0 };
    uint32_t port;

    if (!gh_span_ieq(gh_lex_take_token(&cur), GH_SPAN("SIP")) || !gh_lex_take_sep(&cur, '/') ||
        !gh_span_eq(gh_lex_take_token(&cur), GH_SPAN("2.0")) || !gh_lex_take_sep(&cur, '/'))
        return GH_ESYNTAX;
    via.transport = gh_lex_take_token(&cur);
    host = cur;
    gh_lex_skip_ws(&cur);
    if (via.transport.len == 0 || cur.p == host.p)
        return GH_ESYNTAX;

    host = cur;
    if (cur.len && cur.p[0] == '[')
        gh_lex_skip(&cur, gh_span_find(cur, ']') + 1);
    else
        while (cur.len && (gh_lex_is_alnum(cur.p[0]) || gh_lex_in(cur.p[0], "-._")))
            gh_lex_skip(&cur, 1);
    via.host = gh_span_head(host, host.len - cur.len);
    if (!gh_sip_host_valid(via.host, NULL))
        return GH_ESYNTAX;
    if (gh_lex_take_sep(&cur, ':')) {
        if (!gh_lex_take_u32(&cur, UINT16_MAX, &port) || port == 0)
            return GH_ESYNTAX;
        via.port = (uint16_t)port;
    }
    gh_lex_skip_ws(&cur);
    via.params = cur;
    if (parse_via_params(&via))
        return GH_ESYNTAX;
    *out = via;
    return 0;
}

bool gh_sip_branch_is_3261(struct gh_span branch)
{
    return gh_span_starts(branch, GH_SPAN("z9hG4bK")) && branch.len > 7;
}

/* ---- numbers ---- */

int gh_sip_cseq_parse(struct gh_span value, uint32_t *number, struct gh_span *method)
{
    struct gh_span cur = gh_span_trim(value), blanks;

    /* RFC 3261 section 8.1.1.5: less than 2^31 */
    if (!gh_lex_take_u32(&cur, INT32_MAX, number))
        return GH_ESYNTAX;
    blanks = cur;
    gh_lex_skip_ws(&cur);
    if (cur.p == blanks.p || !gh_sip_is_token(cur))
        return GH_ESYNTAX;
    *method = cur;
    return 0;
}

int gh_sip_rseq_parse(struct gh_span value, uint32_t *rseq)
{
    uint64_t number;

    if (!gh_span_u64(gh_span_trim(value), UINT32_MAX, &number) || number == 0)
        return GH_ESYNTAX;
    *rseq = (uint32_t)number;
    return 0;
}

int gh_sip_rack_parse(struct gh_span value, uint32_t *rseq, uint32_t *cseq, struct gh_span *method)
{
    struct gh_span cur = gh_span_trim(value), blanks;

    if (!gh_lex_take_u32(&cur, UINT32_MAX, rseq))
        return GH_ESYNTAX;
    blanks = cur;
    gh_lex_skip_ws(&cur);
    return cur.p == blanks.p ? GH_ESYNTAX : gh_sip_cseq_parse(cur, cseq, method);
}

/* "(" ... ")", which may nest (Retry-After) */
static int skip_comment(struct gh_span *cur)
{
    unsigned depth = 0;

    for (size_t i = 0; i < cur->len; i++) {
        if (cur->p[i] == '\\') {
            i++;
        } else if (cur->p[i] == '(') {
            depth++;
        } else if (cur->p[i] == ')' && --depth == 0) {
            gh_lex_skip(cur, i + 1);
            gh_lex_skip_ws(cur);
            return 0;
        }
    }
    return GH_ESYNTAX;
}

int gh_sip_seconds_parse(struct gh_span value, uint32_t *seconds, struct gh_span *params)
{
    struct gh_span cur = gh_span_trim(value), none;

    if (!gh_lex_take_u32(&cur, UINT32_MAX, seconds))
        return GH_ESYNTAX;
    gh_lex_skip_ws(&cur);
    if (cur.len && cur.p[0] == '(' && skip_comment(&cur))
        return GH_ESYNTAX;
    if (params)
        *params = cur;
    return check_params(cur, NULL, &none);
}

int gh_sip_session_expires_parse(struct gh_span value, uint32_t *seconds,
                                 enum gh_sip_refresher *refresher)
{
    struct gh_span params, who = { NULL, 0 };
    int err = gh_sip_seconds_parse(value, seconds, &params);

    if (err || check_params(params, "refresher", &who))
        return GH_ESYNTAX;
    *refresher = GH_SIP_REFRESHER_NONE;
    if (gh_span_ieq(who, GH_SPAN("uac")))
        *refresher = GH_SIP_REFRESHER_UAC;
    else if (gh_span_ieq(who, GH_SPAN("uas")))
        *refresher = GH_SIP_REFRESHER_UAS;
    else if (gh_sip_param(params, "refresher", NULL))
        return GH_ESYNTAX;
    return 0;
}

/* ---- Reason, Warning ---- */

int gh_sip_reason_parse(struct gh_span value, struct gh_sip_reason *out)
{
    struct gh_span cur = gh_span_trim(value), cause = { NULL, 0 };
    struct gh_sip_reason reason = { 0 };
    uint64_t number;

    reason.protocol = gh_lex_take_token(&cur);
    if (reason.protocol.len == 0 || check_params(cur, "cause", &cause) ||
        check_params(cur, "text", &reason.text))
        return GH_ESYNTAX;
    if (gh_sip_param(cur, "cause", NULL)) {
        if (!gh_span_u64(cause, UINT32_MAX, &number))
            return GH_ESYNTAX;
        reason.has_cause = true;
        reason.cause = (uint32_t)number;
    }
    *out = reason;
    return 0;
}

int gh_sip_warning_parse(struct gh_span value, struct gh_sip_warning *out)
{
    struct gh_span cur = gh_span_trim(value), code;
    struct gh_sip_warning warning = { 0 };
    uint64_t number;

    code = gh_span_take(&cur, ' ');
    if (code.len != 3 || !gh_span_u64(code, 999, &number) || number < 100)
        return GH_ESYNTAX;
    warning.code = (unsigned)number;
    gh_lex_skip_ws(&cur);
    /* hostport or pseudonym: no blank, no quote in either */
    warning.agent = gh_span_take(&cur, ' ');
    if (warning.agent.len == 0 || gh_span_find(warning.agent, '"') < warning.agent.len)
        return GH_ESYNTAX;
    gh_lex_skip_ws(&cur);
    if (gh_lex_take_quoted(&cur, &warning.text) || cur.len)
        return GH_ESYNTAX;
    *out = warning;
    return 0;
}

/* ---- names of calls ---- */

/* word of RFC 3261 section 25.1 */
static bool is_word(struct gh_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!gh_lex_is_token_char(text.p[i]) && !gh_lex_in(text.p[i], "()<>:\\\"/[]?{}"))
            return false;
    }
    return text.len > 0;
}

bool gh_sip_call_id_valid(struct gh_span value)
{
    struct gh_span host = value, word = gh_span_take(&host, '@');

    return is_word(word) && (word.len == value.len || is_word(host));
}

int gh_sip_replaces_parse(struct gh_span value, struct gh_sip_replaces *out)
{
    struct gh_span cur = gh_span_trim(value), call_id;
    struct gh_sip_replaces replaces = { 0 };
    size_t end = gh_span_find(cur, ';');

    call_id = gh_span_trim(gh_span_head(cur, end));
    gh_lex_skip(&cur, end);
    if (!gh_sip_call_id_valid(call_id) || check_params(cur, "to-tag", &replaces.to_tag) ||
        check_params(cur, "from-tag", &replaces.from_tag) || !gh_sip_is_token(replaces.to_tag) ||
        !gh_sip_is_token(replaces.from_tag))
        return GH_ESYNTAX;
    replaces.call_id = call_id;
    replaces.early_only = gh_sip_param(cur, "early-only", NULL);
    *out = replaces;
    return 0;
}

/* RFC 7989 section 5: sess-uuid is 32 lower case hexadecimal digits. */
static bool is_sess_uuid(struct gh_span text)
{
    if (text.len != 32)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!gh_lex_is_hex(text.p[i]) || (text.p[i] >= 'A' && text.p[i] <= 'F'))
            return false;
    }
    return true;
}

int gh_sip_session_id_parse(struct gh_span value, struct gh_sip_session_id *out)
{
    struct gh_span cur = gh_span_trim(value), remote = { NULL, 0 };
    struct gh_sip_session_id id = { 0 };

    id.local = gh_lex_take_token(&cur);
    if (!is_sess_uuid(id.local) || check_params(cur, "remote", &remote))
        return GH_ESYNTAX;
    if (gh_sip_param(cur, "remote", NULL) && !is_sess_uuid(remote))
        return GH_ESYNTAX;
    id.remote = remote;
    *out = id;
    return 0;
}

int gh_sip_guid_parse(struct gh_span value, uint32_t words[4])
{
    struct gh_span cur = gh_span_trim(value);

    for (int i = 0; i < 4; i++) {
        if ((i > 0 && !gh_lex_take(&cur, '-')) || !gh_lex_take_u32(&cur, UINT32_MAX, &words[i]))
            return GH_ESYNTAX;
    }
    return cur.len ? GH_ESYNTAX : 0;
}

/* ---- bodies and Call-Info ---- */

int gh_sip_media_type_parse(struct gh_span value, struct gh_sip_media_type *out)
{
    struct gh_span cur = gh_span_trim(value), none;
    struct gh_sip_media_type type;

    type.type = gh_lex_take_token(&cur);
    if (type.type.len == 0 || !gh_lex_take_sep(&cur, '/'))
        return GH_ESYNTAX;
    type.subtype = gh_lex_take_token(&cur);
    gh_lex_skip_ws(&cur);
    type.params = cur;
    if (type.subtype.len == 0 || check_params(cur, NULL, &none))
        return GH_ESYNTAX;
    *out = type;
    return 0;
}

bool gh_sip_media_type_is(const struct gh_sip_media_type *type, const char *major,
                          const char *minor)
{
    return gh_span_ieq(type->type, gh_span_str(major)) &&
           gh_span_ieq(type->subtype, gh_span_str(minor));
}

int gh_sip_call_info_parse(struct gh_span value, struct gh_sip_call_info *out)
{
    struct gh_span cur = gh_span_trim(value), none;
    struct gh_sip_call_info info = { 0 };
    struct gh_sip_uri uri;
    size_t end;

    if (!gh_lex_take(&cur, '<'))
        return GH_ESYNTAX;
    end = gh_span_find(cur, '>');
    if (end == cur.len)
        return GH_ESYNTAX;
    info.uri = gh_span_head(cur, end);
    gh_lex_skip(&cur, end + 1);
    gh_lex_skip_ws(&cur);
    info.params = cur;
    if (gh_sip_uri_parse(info.uri, &uri) || check_params(cur, NULL, &none))
        return GH_ESYNTAX;
    info.is_cisco = gh_span_ieq(info.uri, GH_SPAN("urn:x-cisco-remotecc:callinfo"));
    *out = info;
    return 0;
}
