/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which headers cross the border, one list for each direction.  What is not on it stays behind: it
 * may show the other side's addresses, mean something else there, or carry what nobody looked at.
 * Via, Contact, From, To, Call-ID, CSeq, Max-Forwards, Route, Allow, Supported, Call-Info and the
 * body's headers are ours on each leg.
 */
#include "call/call_int.h"

/* identity: crosses only from a side that is proven (RFC 3325 section 5: the trust domain). */
static const struct {
    enum gh_sip_hdr_id id;
    bool request, response, identity;
} crossing[] = {
    { GH_SIP_HDR_SUBJECT,             true,  false, false },
    { GH_SIP_HDR_PRIORITY,            true,  false, false },
    { GH_SIP_HDR_RESOURCE_PRIORITY,   true,  true,  false },
    { GH_SIP_HDR_EXPIRES,             true,  false, false },
    { GH_SIP_HDR_DATE,                true,  true,  false },
    { GH_SIP_HDR_PRIVACY,             true,  true,  false },
    { GH_SIP_HDR_P_ASSERTED_IDENTITY, true,  true,  true },
    { GH_SIP_HDR_REMOTE_PARTY_ID,     true,  true,  true },
    { GH_SIP_HDR_DIVERSION,           true,  false, true },
    { GH_SIP_HDR_HISTORY_INFO,        true,  false, true },
    { GH_SIP_HDR_SESSION_ID,          true,  true,  false },
    { GH_SIP_HDR_CISCO_GUID,          true,  true,  false },
    { GH_SIP_HDR_USER_TO_USER,        true,  true,  false },
    { GH_SIP_HDR_ACCEPT_LANGUAGE,     true,  false, false },
    { GH_SIP_HDR_REASON,              true,  true,  false },
    { GH_SIP_HDR_INFO_PACKAGE,        true,  false, false },
    { GH_SIP_HDR_RECV_INFO,           true,  true,  false },
    { GH_SIP_HDR_P_EARLY_MEDIA,       true,  true,  true },
    { GH_SIP_HDR_RETRY_AFTER,         false, true,  false },
};

void gh_call_copy_headers(struct gh_sip_out *out, const struct gh_sip_msg *from,
                          const struct gh_leg *from_leg, bool request)
{
    bool proven = from_leg->papers->standing.signalling == GH_SIG_TLS_VERIFIED ||
                  from_leg->papers->standing.signalling == GH_SIG_TLS_NULL;

    for (size_t i = 0; i < from->hdr_count; i++) {
        for (size_t n = 0; n < sizeof(crossing) / sizeof(crossing[0]); n++) {
            if (crossing[n].id != from->hdrs[i].id || (crossing[n].identity && !proven))
                continue;
            if (request ? crossing[n].request : crossing[n].response)
                gh_sip_out_copy(out, &from->hdrs[i]);
            break;
        }
    }
}

struct gh_dialog_via gh_call_via(const struct gh_config_trunk *trunk, char host[GH_ADDR_TEXT_MAX])
{
    const struct gh_config_listener *listener = trunk->listener;
    struct gh_dialog_via via = {
        .transport = trunk->rules.transport == GH_TRANSPORT_TLS ? "TLS" : "TCP",
        .port = listener->address.port,
    };

    if (trunk->contact) {
        via.host = gh_span_str(trunk->contact);
        return via;
    }
    gh_addr_ip_text(&listener->address, host);
    if (listener->address.family == 6) {
        char bare[GH_ADDR_TEXT_MAX];

        memcpy(bare, host, sizeof(bare));
        snprintf(host, GH_ADDR_TEXT_MAX, "[%.50s]", bare);
    }
    via.host = gh_span_str(host);
    return via;
}

void gh_call_contact(struct gh_sip_out *out, const struct gh_leg *leg)
{
    char host[GH_ADDR_TEXT_MAX];
    struct gh_dialog_via via = gh_call_via(leg->trunk, host);

    gh_sip_out_hdr_fmt(out, "Contact", "<%s:%.*s:%u%s>", leg->call->sips ? "sips" : "sip",
                       GH_SPAN_FMT(via.host), via.port,
                       leg->call->sips ? ""
                       : leg->trunk->rules.transport == GH_TRANSPORT_TLS ? ";transport=tls"
                                                                         : ";transport=tcp");
}
