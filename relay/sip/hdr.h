/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP header fields:  their names, and parsers of their values (RFC 3261 sections 7.3 and 25.1; RFC
 * 3262 RSeq, RAck; RFC 3326 Reason; RFC 3891 Replaces; RFC 4028 Session-Expires; RFC 7989
 * Session-ID).
 *
 * A parser takes one value: unfolded, trimmed, free of CR, LF and NUL, as struct gh_sip_hdr has
 * it.  All are strict, linear, never allocate, and give spans into that value.  Thread: any.
 */
#ifndef GH_SIP_HDR_H
#define GH_SIP_HDR_H

#include <gatehouse/addr.h>
#include <gatehouse/grade.h>
#include "sip/uri.h"

/* How often a header may stand in a message, and whether commas separate values. */
enum gh_sip_hdr_shape {
    GH_SIP_ANY = 0,  /* no rule here */
    GH_SIP_ONE,      /* at most one line; the value has no list */
    GH_SIP_LIST      /* comma-separated values, in one line or several */
};

/*    id                       name                     compact  shape */
#define GH_SIP_HDR_MAP(X)                                                               \
    X(ACCEPT,                  "Accept",                  0,   GH_SIP_LIST)             \
    X(ACCEPT_CONTACT,          "Accept-Contact",          'a', GH_SIP_LIST)             \
    X(ACCEPT_ENCODING,         "Accept-Encoding",         0,   GH_SIP_LIST)             \
    X(ACCEPT_LANGUAGE,         "Accept-Language",         0,   GH_SIP_LIST)             \
    X(ALERT_INFO,              "Alert-Info",              0,   GH_SIP_LIST)             \
    X(ALLOW,                   "Allow",                   0,   GH_SIP_LIST)             \
    X(ALLOW_EVENTS,            "Allow-Events",            'u', GH_SIP_LIST)             \
    X(AUTHENTICATION_INFO,     "Authentication-Info",     0,   GH_SIP_ANY)              \
    X(AUTHORIZATION,           "Authorization",           0,   GH_SIP_ANY)              \
    X(CALL_ID,                 "Call-ID",                 'i', GH_SIP_ONE)              \
    X(CALL_INFO,               "Call-Info",               0,   GH_SIP_LIST)             \
    X(CISCO_GUID,              "Cisco-Guid",              0,   GH_SIP_ONE)              \
    X(CONTACT,                 "Contact",                 'm', GH_SIP_LIST)             \
    X(CONTENT_DISPOSITION,     "Content-Disposition",     0,   GH_SIP_ONE)              \
    X(CONTENT_ENCODING,        "Content-Encoding",        'e', GH_SIP_LIST)             \
    X(CONTENT_ID,              "Content-ID",              0,   GH_SIP_ONE)              \
    X(CONTENT_LANGUAGE,        "Content-Language",        0,   GH_SIP_LIST)             \
    X(CONTENT_LENGTH,          "Content-Length",          'l', GH_SIP_ONE)              \
    X(CONTENT_TRANSFER_ENCODING, "Content-Transfer-Encoding", 0, GH_SIP_ONE)            \
    X(CONTENT_TYPE,            "Content-Type",            'c', GH_SIP_ONE)              \
    X(CSEQ,                    "CSeq",                    0,   GH_SIP_ONE)              \
    X(DATE,                    "Date",                    0,   GH_SIP_ONE)              \
    X(DIVERSION,               "Diversion",               0,   GH_SIP_LIST)             \
    X(ERROR_INFO,              "Error-Info",              0,   GH_SIP_LIST)             \
    X(EVENT,                   "Event",                   'o', GH_SIP_ONE)              \
    X(EXPIRES,                 "Expires",                 0,   GH_SIP_ONE)              \
    X(FROM,                    "From",                    'f', GH_SIP_ONE)              \
    X(GEOLOCATION,             "Geolocation",             0,   GH_SIP_LIST)             \
    X(HISTORY_INFO,            "History-Info",            0,   GH_SIP_LIST)             \
    X(IDENTITY,                "Identity",                'y', GH_SIP_LIST)             \
    X(IDENTITY_INFO,           "Identity-Info",           'n', GH_SIP_ANY)              \
    X(IN_REPLY_TO,             "In-Reply-To",             0,   GH_SIP_LIST)             \
    X(INFO_PACKAGE,            "Info-Package",            0,   GH_SIP_ONE)              \
    X(JOIN,                    "Join",                    0,   GH_SIP_ONE)              \
    X(MAX_BREADTH,             "Max-Breadth",             0,   GH_SIP_ONE)              \
    X(MAX_FORWARDS,            "Max-Forwards",            0,   GH_SIP_ONE)              \
    X(MIME_VERSION,            "MIME-Version",            0,   GH_SIP_ONE)              \
    X(MIN_EXPIRES,             "Min-Expires",             0,   GH_SIP_ONE)              \
    X(MIN_SE,                  "Min-SE",                  0,   GH_SIP_ONE)              \
    X(ORGANIZATION,            "Organization",            0,   GH_SIP_ONE)              \
    X(P_ASSERTED_IDENTITY,     "P-Asserted-Identity",     0,   GH_SIP_LIST)             \
    X(P_EARLY_MEDIA,           "P-Early-Media",           0,   GH_SIP_LIST)             \
    X(P_PREFERRED_IDENTITY,    "P-Preferred-Identity",    0,   GH_SIP_LIST)             \
    X(PATH,                    "Path",                    0,   GH_SIP_LIST)             \
    X(PRIORITY,                "Priority",                0,   GH_SIP_ONE)              \
    X(PRIVACY,                 "Privacy",                 0,   GH_SIP_ANY)              \
    X(PROXY_AUTHENTICATE,      "Proxy-Authenticate",      0,   GH_SIP_ANY)              \
    X(PROXY_AUTHORIZATION,     "Proxy-Authorization",     0,   GH_SIP_ANY)              \
    X(PROXY_REQUIRE,           "Proxy-Require",           0,   GH_SIP_LIST)             \
    X(RACK,                    "RAck",                    0,   GH_SIP_ONE)              \
    X(REASON,                  "Reason",                  0,   GH_SIP_LIST)             \
    X(RECORD_ROUTE,            "Record-Route",            0,   GH_SIP_LIST)             \
    X(RECV_INFO,               "Recv-Info",               0,   GH_SIP_LIST)             \
    X(REFER_SUB,               "Refer-Sub",               0,   GH_SIP_ONE)              \
    X(REFER_TO,                "Refer-To",                'r', GH_SIP_ONE)              \
    X(REFERRED_BY,             "Referred-By",             'b', GH_SIP_ONE)              \
    X(REJECT_CONTACT,          "Reject-Contact",          'j', GH_SIP_LIST)             \
    X(REMOTE_PARTY_ID,         "Remote-Party-ID",         0,   GH_SIP_LIST)             \
    X(REPLACES,                "Replaces",                0,   GH_SIP_ONE)              \
    X(REPLY_TO,                "Reply-To",                0,   GH_SIP_ONE)              \
    X(REQUEST_DISPOSITION,     "Request-Disposition",     'd', GH_SIP_LIST)             \
    X(REQUIRE,                 "Require",                 0,   GH_SIP_LIST)             \
    X(RESOURCE_PRIORITY,       "Resource-Priority",       0,   GH_SIP_LIST)             \
    X(RETRY_AFTER,             "Retry-After",             0,   GH_SIP_ONE)              \
    X(ROUTE,                   "Route",                   0,   GH_SIP_LIST)             \
    X(RSEQ,                    "RSeq",                    0,   GH_SIP_ONE)              \
    X(SERVER,                  "Server",                  0,   GH_SIP_ONE)              \
    X(SESSION_EXPIRES,         "Session-Expires",         'x', GH_SIP_ONE)              \
    X(SESSION_ID,              "Session-ID",              0,   GH_SIP_ONE)              \
    X(SIP_ETAG,                "SIP-ETag",                0,   GH_SIP_ONE)              \
    X(SIP_IF_MATCH,            "SIP-If-Match",            0,   GH_SIP_ONE)              \
    X(SUBJECT,                 "Subject",                 's', GH_SIP_ONE)              \
    X(SUBSCRIPTION_STATE,      "Subscription-State",      0,   GH_SIP_ONE)              \
    X(SUPPORTED,               "Supported",               'k', GH_SIP_LIST)             \
    X(TARGET_DIALOG,           "Target-Dialog",           0,   GH_SIP_ONE)              \
    X(TIMESTAMP,               "Timestamp",               0,   GH_SIP_ONE)              \
    X(TO,                      "To",                      't', GH_SIP_ONE)              \
    X(UNSUPPORTED,             "Unsupported",             0,   GH_SIP_LIST)             \
    X(USER_AGENT,              "User-Agent",              0,   GH_SIP_ONE)              \
    X(USER_TO_USER,            "User-to-User",            0,   GH_SIP_LIST)             \
    X(VIA,                     "Via",                     'v', GH_SIP_LIST)             \
    X(WARNING,                 "Warning",                 0,   GH_SIP_LIST)             \
    X(WWW_AUTHENTICATE,        "WWW-Authenticate",        0,   GH_SIP_ANY)

enum gh_sip_hdr_id {
    GH_SIP_HDR_OTHER = 0, /* not in the list: known by its spelling alone */
#define X(id, name, compact, shape) GH_SIP_HDR_##id,
    GH_SIP_HDR_MAP(X)
#undef X
    GH_SIP_HDR_COUNT
};

/* One header line, in the order of the message. */
struct gh_sip_hdr {
    enum gh_sip_hdr_id id;
    struct gh_span name;  /* as spelled, a token */
    struct gh_span value; /* unfolded and trimmed; may be empty */
};

/** By full or compact name, in any letter case; every octet is compared.  OTHER when unknown. */
enum gh_sip_hdr_id gh_sip_hdr_by_name(struct gh_span name);

/** The full name as RFCs write it; "" for OTHER.  Static. */
const char *gh_sip_hdr_name(enum gh_sip_hdr_id id);

enum gh_sip_hdr_shape gh_sip_hdr_shape(enum gh_sip_hdr_id id);

/* ---- pieces -------------------------------------------------------------------------- */

/** RFC 3261 section 25.1 token: at least one of the characters alphanum - . ! % * _ + ` ' ~ */
bool gh_sip_is_token(struct gh_span text);

/**
 * Take the next value off a comma-separated list; commas inside quotes and <...> do not count.
 * Empty values between commas, which RFC 3261 does not allow, are GH_ESYNTAX; so are open quotes
 * and brackets.
 * @item  trimmed
 * @return 0; GH_ENOTFOUND: nothing is left; GH_ESYNTAX
 */
int gh_sip_list_next(struct gh_span *rest, struct gh_span *item);

/**
 * Take the next ";name=value" off @rest, which starts at a ";" or is empty.  Blanks round ";" and
 * "=" are fine.
 * @name   a token
 * @value  a token, host or quoted string with its quotes; .p is NULL without "="
 * @return 0; GH_ENOTFOUND: nothing is left; GH_ESYNTAX
 */
int gh_sip_param_next(struct gh_span *rest, struct gh_span *name, struct gh_span *value);

/** A parameter by name, in any letter case.  @value may be NULL.  @params as for
 *  gh_sip_param_next and valid. */
bool gh_sip_param(struct gh_span params, const char *name, struct gh_span *value);

/** Content of a quoted string, escapes resolved, appended to @out; text without quotes is copied as
 *  it is.
 *  @return 0, GH_ESYNTAX or the buffer's error */
int gh_sip_unquote(struct gh_span text, struct gh_buf *out);

/* ---- values -------------------------------------------------------------------------- */

/* name-addr or addr-spec with header parameters: From, To, Contact, Route, Refer-To, P-Asserted-
 * Identity ... */
struct gh_sip_addr {
    struct gh_span display;  /* as written: quoted with its quotes, or tokens; empty */
    bool bracketed;          /* <uri> */
    bool star;               /* Contact: "*"; nothing else is filled then */
    struct gh_sip_uri uri;
    struct gh_span params;   /* from the first ";" on; empty */
    struct gh_span tag;      /* the tag parameter: a token; empty: none */
};

/** @return 0, GH_ESYNTAX or GH_ELIMIT (URI).  Without <> a URI may have no comma, "?" or ";"
 *  (RFC 3261 section 20). */
int gh_sip_addr_parse(struct gh_span value, struct gh_sip_addr *out);

struct gh_sip_via {
    struct gh_span transport; /* as written; "UDP", "TCP", "TLS" ... */
    struct gh_span host;      /* sent-by */
    uint16_t port;            /* 0: none was given */
    struct gh_span params;    /* from the first ";" on */
    struct gh_span branch;    /* empty: none */
    bool has_rport;           /* RFC 3581 */
    uint16_t rport;           /* 0: without value */
    struct gh_addr received;  /* family 0: none */
};

/** One value of a Via. */
int gh_sip_via_parse(struct gh_span value, struct gh_sip_via *out);

/** "z9hG4bK" and something behind it: RFC 3261 section 8.1.1.7. */
bool gh_sip_branch_is_3261(struct gh_span branch);

/** CSeq.  @method a token; a number from 2^31 on is GH_ESYNTAX (RFC 3261 section 8.1.1.5). */
int gh_sip_cseq_parse(struct gh_span value, uint32_t *number, struct gh_span *method);

/** RSeq: 1 to 2^32-1 (RFC 3262 section 7.1). */
int gh_sip_rseq_parse(struct gh_span value, uint32_t *rseq);

/** RAck: response-num CSeq-num method (RFC 3262 section 7.2). */
int gh_sip_rack_parse(struct gh_span value, uint32_t *rseq, uint32_t *cseq, struct gh_span *method);

/** delta-seconds, alone or with parameters or comment behind (Expires, Session-Expires, Min-SE,
 *  Retry-After).
 *  @params  may be NULL; from the first ";" on.  @return 0 or GH_ESYNTAX (also from 2^32 on) */
int gh_sip_seconds_parse(struct gh_span value, uint32_t *seconds, struct gh_span *params);

enum gh_sip_refresher { GH_SIP_REFRESHER_NONE = 0, GH_SIP_REFRESHER_UAC, GH_SIP_REFRESHER_UAS };

/** RFC 4028 section 4. */
int gh_sip_session_expires_parse(struct gh_span value, uint32_t *seconds,
                                 enum gh_sip_refresher *refresher);

struct gh_sip_reason {
    struct gh_span protocol; /* "SIP", "Q.850" ... */
    bool has_cause;
    uint32_t cause;
    struct gh_span text;     /* as written, with its quotes; empty */
};

/** One value of a Reason (RFC 3326). */
int gh_sip_reason_parse(struct gh_span value, struct gh_sip_reason *out);

struct gh_sip_warning {
    unsigned code;           /* 100..999 */
    struct gh_span agent;
    struct gh_span text;     /* as written, with its quotes */
};

/** One value of a Warning (RFC 3261 section 20.43). */
int gh_sip_warning_parse(struct gh_span value, struct gh_sip_warning *out);

struct gh_sip_replaces {
    struct gh_span call_id, to_tag, from_tag;
    bool early_only;
};

/** Replaces or Join (RFC 3891 section 6.1): exactly one of each tag. */
int gh_sip_replaces_parse(struct gh_span value, struct gh_sip_replaces *out);

struct gh_sip_session_id {
    struct gh_span local;    /* 32 lower case hexadecimal digits */
    struct gh_span remote;   /* the same, or empty: none was given */
};

/** RFC 7989 section 5; a value without "remote" (RFC 7329) is fine. */
int gh_sip_session_id_parse(struct gh_span value, struct gh_sip_session_id *out);

/** Cisco-Guid: four decimal words of 32 bits, joined by "-". */
int gh_sip_guid_parse(struct gh_span value, uint32_t words[4]);

/** Call-ID: word [ "@" word ]. */
bool gh_sip_call_id_valid(struct gh_span value);

struct gh_sip_media_type {
    struct gh_span type, subtype; /* tokens, as spelled */
    struct gh_span params;        /* from the first ";" on */
};

/** Content-Type. */
int gh_sip_media_type_parse(struct gh_span value, struct gh_sip_media_type *out);
bool gh_sip_media_type_is(const struct gh_sip_media_type *type, const char *major,
                          const char *minor);

/* One value of a Call-Info: <URI> and parameters (RFC 3261 section 20.9). */
struct gh_sip_call_info {
    struct gh_span uri;      /* between < and > */
    struct gh_span params;   /* from the first ";" on */
    bool is_cisco;           /* urn:x-cisco-remotecc:callinfo, in any letter case */
};

int gh_sip_call_info_parse(struct gh_span value, struct gh_sip_call_info *out);

#endif
