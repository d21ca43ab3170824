/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of single headers, as tables: how often one may stand (the shape in hdr.h), which must
 * stand in each message, and how the value reads.  Headers without a row here are carried as text.
 */
#include "sip/msg_int.h"

/* Checks one value; @msg takes what it needs of it.  @return static text of the fault, or NULL */
typedef const char *(*rule_fn)(struct gh_sip_msg *msg, struct gh_span value);

static const char *check_via(struct gh_sip_msg *msg, struct gh_span value)
{
    struct gh_sip_via via;

    if (gh_sip_via_parse(value, &via))
        return "breaks the grammar";
    if (msg->via_count++ == 0)
        msg->via = via;
    return NULL;
}

static const char *check_from(struct gh_sip_msg *msg, struct gh_span value)
{
    if (gh_sip_addr_parse(value, &msg->from) || msg->from.star)
        return "breaks the grammar";
    return NULL;
}

static const char *check_to(struct gh_sip_msg *msg, struct gh_span value)
{
    if (gh_sip_addr_parse(value, &msg->to) || msg->to.star)
        return "breaks the grammar";
    return NULL;
}

static const char *check_call_id(struct gh_sip_msg *msg, struct gh_span value)
{
    if (!gh_sip_call_id_valid(value))
        return "breaks the grammar";
    msg->call_id = value;
    return NULL;
}

static const char *check_cseq(struct gh_sip_msg *msg, struct gh_span value)
{
    struct gh_span method;

    if (gh_sip_cseq_parse(value, &msg->cseq, &method))
        return "not a number below 2^31 and a method";
    if (msg->request && !gh_span_eq(method, msg->method_text))
        return "its method is not that of the request"; /* RFC 3261 section 8.1.1.5 */
    if (!msg->request) {
        msg->method_text = method;
        msg->method = gh_sip_method_by_name(method);
    }
    return NULL;
}

static const char *check_max_forwards(struct gh_sip_msg *msg, struct gh_span value)
{
    uint64_t hops;

    if (!gh_span_u64(value, 255, &hops))
        return "not a number of 0 to 255"; /* RFC 3261 section 20.22 */
    msg->max_forwards = (unsigned)hops;
    return NULL;
}

static const char *check_contact(struct gh_sip_msg *msg, struct gh_span value)
{
    struct gh_sip_addr addr;

    if (gh_sip_addr_parse(value, &addr))
        return "breaks the grammar";
    /* RFC 3261 section 8.1.1.8: the Contact of an INVITE is exactly one SIP or SIPS URI. */
    if (msg->request && msg->method == GH_SIP_INVITE &&
        (msg->has_contact || addr.star ||
         (addr.uri.scheme != GH_SIP_SCHEME_SIP && addr.uri.scheme != GH_SIP_SCHEME_SIPS)))
        return "an INVITE has exactly one, a SIP or SIPS URI";
    if (!msg->has_contact)
        msg->contact = addr;
    msg->has_contact = true;
    return NULL;
}

static const char *check_addr(struct gh_sip_msg *msg, struct gh_span value)
{
    struct gh_sip_addr addr;

    (void)msg;
    return gh_sip_addr_parse(value, &addr) || addr.star ? "breaks the grammar" : NULL;
}

/* Route and Record-Route: always in <> (RFC 3261 section 25.1, rec-route). */
static const char *check_route(struct gh_sip_msg *msg, struct gh_span value)
{
    struct gh_sip_addr addr;

    (void)msg;
    if (gh_sip_addr_parse(value, &addr) || !addr.bracketed || addr.uri.host.len == 0)
        return "not a SIP or SIPS URI in <>";
    return NULL;
}

static const char *check_token(struct gh_sip_msg *msg, struct gh_span value)
{
    (void)msg;
    return gh_sip_is_token(value) ? NULL : "not a list of tokens";
}

static const char *check_seconds(struct gh_sip_msg *msg, struct gh_span value)
{
    uint32_t seconds;

    (void)msg;
    return gh_sip_seconds_parse(value, &seconds, NULL) ? "not a number of seconds" : NULL;
}

static const char *check_session_expires(struct gh_sip_msg *msg, struct gh_span value)
{
    enum gh_sip_refresher refresher;
    uint32_t seconds;

    (void)msg;
    return gh_sip_session_expires_parse(value, &seconds, &refresher) ? "breaks the grammar" : NULL;
}

static const char *check_rseq(struct gh_sip_msg *msg, struct gh_span value)
{
    uint32_t rseq;

    (void)msg;
    return gh_sip_rseq_parse(value, &rseq) ? "not a number of 1 to 2^32-1" : NULL;
}

static const char *check_rack(struct gh_sip_msg *msg, struct gh_span value)
{
    struct gh_span method;
    uint32_t rseq, cseq;

    (void)msg;
    return gh_sip_rack_parse(value, &rseq, &cseq, &method) ? "not two numbers and a method" : NULL;
}

static const char *check_replaces(struct gh_sip_msg *msg, struct gh_span value)
{
    struct gh_sip_replaces replaces;

    (void)msg;
    return gh_sip_replaces_parse(value,
                                 &replaces) ? "not a Call-ID, a to-tag and a from-tag" : NULL;
}

static const char *check_content_type(struct gh_sip_msg *msg, struct gh_span value)
{
    if (gh_sip_media_type_parse(value, &msg->type))
        return "breaks the grammar";
    msg->has_type = true;
    return NULL;
}

static const char *check_call_info(struct gh_sip_msg *msg, struct gh_span value)
{
    struct gh_sip_call_info info;

    (void)msg;
    return gh_sip_call_info_parse(value, &info) ? "breaks the grammar" : NULL;
}

static const char *check_reason(struct gh_sip_msg *msg, struct gh_span value)
{
    struct gh_sip_reason reason;

    (void)msg;
    return gh_sip_reason_parse(value, &reason) ? "breaks the grammar" : NULL;
}

/* Content-Length is read with the body. */
static const rule_fn rules[GH_SIP_HDR_COUNT] = {
    [GH_SIP_HDR_VIA] = check_via,
    [GH_SIP_HDR_FROM] = check_from,
    [GH_SIP_HDR_TO] = check_to,
    [GH_SIP_HDR_CALL_ID] = check_call_id,
    [GH_SIP_HDR_CSEQ] = check_cseq,
    [GH_SIP_HDR_MAX_FORWARDS] = check_max_forwards,
    [GH_SIP_HDR_CONTACT] = check_contact,
    [GH_SIP_HDR_ROUTE] = check_route,
    [GH_SIP_HDR_RECORD_ROUTE] = check_route,
    [GH_SIP_HDR_REQUIRE] = check_token,
    [GH_SIP_HDR_PROXY_REQUIRE] = check_token,
    [GH_SIP_HDR_SUPPORTED] = check_token,
    [GH_SIP_HDR_UNSUPPORTED] = check_token,
    [GH_SIP_HDR_ALLOW] = check_token,
    [GH_SIP_HDR_CONTENT_ENCODING] = check_token,
    [GH_SIP_HDR_CONTENT_TYPE] = check_content_type,
    [GH_SIP_HDR_EXPIRES] = check_seconds,
    [GH_SIP_HDR_MIN_SE] = check_seconds,
    [GH_SIP_HDR_SESSION_EXPIRES] = check_session_expires,
    [GH_SIP_HDR_RSEQ] = check_rseq,
    [GH_SIP_HDR_RACK] = check_rack,
    [GH_SIP_HDR_REPLACES] = check_replaces,
    [GH_SIP_HDR_REFER_TO] = check_addr,
    [GH_SIP_HDR_REFERRED_BY] = check_addr,
    [GH_SIP_HDR_P_ASSERTED_IDENTITY] = check_addr,
    [GH_SIP_HDR_CALL_INFO] = check_call_info,
    [GH_SIP_HDR_REASON] = check_reason,
};

/* Every value of one header line. */
static const char *check_line(struct gh_sip_msg *msg, const struct gh_sip_hdr *hdr)
{
    rule_fn rule = rules[hdr->id];
    struct gh_span rest = hdr->value, value;
    const char *text = NULL;
    int err = 0;

    if (!rule)
        return NULL;
    if (gh_sip_hdr_shape(hdr->id) != GH_SIP_LIST)
        return rule(msg, hdr->value);
    while (!text && (err = gh_sip_list_next(&rest, &value)) == 0)
        text = rule(msg, value);
    return text || err == GH_ENOTFOUND ? text : "not a comma-separated list";
}

/* Where an empty list is not allowed (RFC 3261 section 25.1); Supported and Allow may be empty. */
static bool must_not_be_empty(enum gh_sip_hdr_id id)
{
    return id == GH_SIP_HDR_VIA || id == GH_SIP_HDR_CONTACT || id == GH_SIP_HDR_ROUTE ||
           id == GH_SIP_HDR_RECORD_ROUTE || id == GH_SIP_HDR_REQUIRE ||
           id == GH_SIP_HDR_PROXY_REQUIRE;
}

static void check_present(const struct gh_sip_msg *msg, const unsigned *seen,
                          struct gh_sip_fault *fault)
{
    static const enum gh_sip_hdr_id needed[] = { GH_SIP_HDR_VIA, GH_SIP_HDR_FROM, GH_SIP_HDR_TO,
                                                 GH_SIP_HDR_CALL_ID, GH_SIP_HDR_CSEQ };

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (seen[needed[i]] == 0)
            gh_sip_fault_set(fault, GH_REASON_BAD_MESSAGE, gh_sip_hdr_name(needed[i]), "missing");
    }
    if (!msg->request)
        return;
    if (!gh_sip_branch_is_3261(msg->via.branch))
        gh_sip_fault_set(fault, GH_REASON_BAD_MESSAGE, "Via",
                         "the branch does not start with z9hG4bK");
    if (msg->from.tag.len == 0)
        gh_sip_fault_set(fault, GH_REASON_BAD_MESSAGE, "From", "has no tag");
    if (msg->method == GH_SIP_INVITE && !seen[GH_SIP_HDR_CONTACT])
        gh_sip_fault_set(fault, GH_REASON_BAD_MESSAGE, "Contact", "missing");
}

void gh_sip_msg_check_headers(struct gh_sip_msg *msg, struct gh_sip_fault *fault)
{
    unsigned seen[GH_SIP_HDR_COUNT] = { 0 };

    msg->max_forwards = 70; /* RFC 3261 section 16.6 step 3: absent counts as 70 */
    for (size_t i = 0; i < msg->hdr_count; i++) {
        const struct gh_sip_hdr *hdr = &msg->hdrs[i];
        const char *name = gh_sip_hdr_name(hdr->id), *text;

        if (hdr->id == GH_SIP_HDR_OTHER)
            continue;
        if (seen[hdr->id]++ && gh_sip_hdr_shape(hdr->id) == GH_SIP_ONE) {
            gh_sip_fault_set(fault, GH_REASON_BAD_MESSAGE, name, "stands more than once");
            continue;
        }
        text = check_line(msg, hdr);
        if (!text && hdr->value.len == 0 && must_not_be_empty(hdr->id))
            text = "empty";
        if (text)
            gh_sip_fault_set(fault, GH_REASON_BAD_MESSAGE, name, text);
    }
    check_present(msg, seen, fault);
}
