/* SPDX-License-Identifier: Apache-2.0 */
/* What keying a message carries: the question of the key gate, put to every octet of it.  See
 * body.h. */
#include "sip/body.h"

#include <gatehouse/facts.h>
#include <gatehouse/sdp.h>

#include "sip/lex_int.h"

#define ESCAPE_ROUNDS_MAX 3 /* a URI inside a URI inside a URI */

/* Decode %HH and quoted pairs (RFC 3261 section 25.1) where they stand and keep the rest: a lax
 * reader would do the same.  @return whether there was any */
static bool unescape_once(struct gh_span text, struct gh_buf *out)
{
    bool any = false;

    while (text.len) {
        size_t plain = 0;
        int err = GH_ESYNTAX;

        while (plain < text.len && text.p[plain] != '%' && text.p[plain] != '\\')
            plain++;
        gh_buf_add(out, gh_span_head(text, plain));
        gh_lex_skip(&text, plain);
        if (text.len >= 2 && *text.p == '\\') {
            /* what is behind it is met as it is, by the next round at the latest */
            gh_lex_skip(&text, 1);
            any = true;
            if (*text.p == '\\' || *text.p == '%') {
                gh_buf_add(out, gh_span_head(text, 1));
                gh_lex_skip(&text, 1);
            }
            continue;
        }
        if (text.len >= 3 && *text.p == '%')
            err = gh_sip_uri_unescape(gh_span_head(text, 3), out);
        if (text.len && err)
            gh_buf_add(out, gh_span_head(text, 1));
        any = any || !err;
        gh_lex_skip(&text, err ? 1 : 3);
    }
    return any;
}

int gh_sip_readings(struct gh_span text, gh_sip_text_fn fn, void *arg)
{
    struct gh_buf bufs[2] = { { 0 }, { 0 } };
    int err = 0;

    fn(arg, text);
    for (int round = 0; round < ESCAPE_ROUNDS_MAX && !err; round++) {
        struct gh_buf *out = &bufs[round & 1];
        bool any = gh_span_find(text, '%') < text.len || gh_span_find(text, '\\') < text.len;

        gh_buf_reset(out);
        any = any && unescape_once(text, out);
        err = out->err;
        if (err || !any)
            break;
        text = gh_buf_span(out);
        fn(arg, text);
    }
    gh_buf_fini(&bufs[0]);
    gh_buf_fini(&bufs[1]);
    return err ? GH_ENOMEM : 0;
}

static void add_carriers(void *arg, struct gh_span text)
{
    unsigned *carriers = arg;

    *carriers |= gh_sdp_text_has_carrier(text);
}

/* @return 0 or GH_ENOMEM */
static int scan_text(struct gh_span text, unsigned *carriers)
{
    *carriers = GH_CARRY_NOTHING;
    return gh_sip_readings(text, add_carriers, carriers);
}

unsigned gh_sip_text_carriers(struct gh_span text)
{
    unsigned carriers;

    return scan_text(text, &carriers) ? GH_CARRY_FINGERPRINT | GH_CARRY_SECRET : carriers;
}

bool gh_sip_text_carries(struct gh_span text)
{
    return gh_sip_text_carriers(text) != GH_CARRY_NOTHING;
}

/* @return 0, GH_ESYNTAX (does not parse; @carriers tells what its text has) or GH_ENOMEM */
static int scan_sdp(struct gh_span text, unsigned *carriers)
{
    struct gh_sdp *doc = NULL;
    int err = gh_sdp_parse(&doc, text, NULL);

    *carriers = err ? gh_sdp_text_has_carrier(text) : gh_sdp_carriers(doc);
    gh_sdp_free(doc);
    return err == GH_ENOMEM || err == 0 ? err : GH_ESYNTAX;
}

unsigned gh_sip_carriers(const struct gh_sip_msg *msg, enum gh_reason *problem)
{
    unsigned all = GH_CARRY_NOTHING, found;
    bool odd = false, bad_sdp = false;
    struct gh_sip_body body;
    int err = gh_sip_body_parse(&body, msg);

    if (!err)
        err = scan_text(msg->head, &all);
    odd = all != GH_CARRY_NOTHING;
    for (size_t i = 0; !err && i < body.count; i++) {
        struct gh_span text = gh_buf_span(&body.parts[i].octets);

        if (body.parts[i].is_sdp) {
            err = scan_sdp(text, &found);
            bad_sdp = bad_sdp || err == GH_ESYNTAX;
            err = err == GH_ESYNTAX ? 0 : err;
        } else {
            err = scan_text(text, &found);
            odd = odd || found != GH_CARRY_NOTHING;
        }
        all |= found;
    }
    if (err || body.opaque) {
        *problem = GH_REASON_BODY_OPAQUE;
        all = GH_CARRY_FINGERPRINT | GH_CARRY_SECRET;
    } else {
        *problem = odd ? GH_REASON_KEY_IN_ODD_BODY : bad_sdp ? GH_REASON_BAD_SDP : GH_REASON_NONE;
    }
    gh_sip_body_fini(&body);
    return all;
}
