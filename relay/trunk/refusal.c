/* SPDX-License-Identifier: Apache-2.0 */
#include "trunk/refusal.h"

int gh_refusal_status(enum gh_reason reason)
{
    int code = gh_reason_info(reason)->sip_code;

    return code ? code : 500;
}

void gh_refusal_text(struct gh_buf *out, enum gh_reason reason, struct gh_span detail)
{
    const struct gh_reason_info *info = gh_reason_info(reason);

    gh_buf_fmt(out, "%s: %s", info->name, info->text);
    if (detail.len) {
        gh_buf_str(out, " (");
        gh_buf_add(out, detail);
        gh_buf_str(out, ")");
    }
    gh_buf_fmt(out, "; %s", info->advice);
}

void gh_refusal_warning(struct gh_sip_out *out, const char *node, enum gh_reason reason,
                        struct gh_span detail)
{
    struct gh_buf text = { 0 };
    /* RFC 5630: "SIPS Not Allowed" */
    unsigned code = reason == GH_REASON_SIPS_DOWNGRADE ? 380 : 399;

    gh_refusal_text(&text, reason, detail);
    gh_sip_out_warning(out, code, gh_span_str(node), gh_buf_span(&text));
    gh_buf_fini(&text);
}

int gh_refusal_build(struct gh_buf *octets, const struct gh_sip_msg *request, const char *node,
                     enum gh_reason reason, struct gh_span detail)
{
    struct gh_sip_out out = { 0 };
    char tag[GH_SIP_TAG_SIZE];
    int err = gh_sip_draw_tag(tag);

    if (err)
        return err;
    gh_sip_out_reply(&out, request, gh_refusal_status(reason), GH_SPAN(""), gh_span_str(tag));
    gh_refusal_warning(&out, node, reason, detail);
    err = gh_sip_out_finish(&out, NULL, GH_SPAN(""), octets);
    gh_sip_out_fini(&out);
    return err;
}
