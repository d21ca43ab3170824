/* SPDX-License-Identifier: Apache-2.0 */
/* One dialog: its state and what follows from it (RFC 3261 section 12).  The table: dialogs.c. */
#include "sip/dialog.h"

#include <stdlib.h>

#include "sip/text_int.h"

/* ---- From and To ---- */

/* The value without its tag, always with <>, without a "?" part: what stands in our From and To
 * from now on. */
static char *addr_without_tag(const struct gh_sip_addr *addr)
{
    struct gh_span rest = addr->params, name, value;
    struct gh_buf buf = { 0 };
    char *copy = NULL;

    if (addr->display.len) {
        gh_buf_add(&buf, addr->display);
        gh_buf_str(&buf, " ");
    }
    gh_buf_str(&buf, "<");
    gh_buf_add(&buf, gh_sip_uri_strip(&addr->uri));
    gh_buf_str(&buf, ">");
    while (gh_sip_param_next(&rest, &name, &value) == 0) {
        if (gh_span_ieq(name, GH_SPAN("tag")))
            continue;
        gh_buf_str(&buf, ";");
        gh_buf_add(&buf, name);
        if (value.p) {
            gh_buf_str(&buf, "=");
            gh_buf_add(&buf, value);
        }
    }
    if (!buf.err)
        copy = gh_text_dup(gh_buf_span(&buf));
    gh_buf_fini(&buf);
    return copy;
}

/* ---- remote target ---- */

/* The Contact's URI; a secure dialog stays secure (RFC 3261 section 12.2.1.1 and 26.2.2). */
static int read_target(const struct gh_sip_msg *msg, bool secure, char **out)
{
    const struct gh_sip_uri *uri = &msg->contact.uri;

    if (!msg->has_contact || msg->contact.star || uri->host.len == 0)
        return GH_ESYNTAX;
    if (secure && uri->scheme != GH_SIP_SCHEME_SIPS)
        return GH_ESYNTAX;
    *out = gh_text_dup(gh_sip_uri_strip(uri));
    return *out ? 0 : GH_ENOMEM;
}

/* ---- route set ---- */

static void free_routes(char **routes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(routes[i]);
    free(routes);
}

/* "<uri>" of one Record-Route value; header parameters behind it mean nothing in a Route. */
static char *copy_route(const struct gh_sip_addr *addr)
{
    struct gh_span uri = gh_sip_uri_strip(&addr->uri);
    char *copy = malloc(uri.len + 3);

    if (!copy)
        return NULL;
    copy[0] = '<';
    memcpy(copy + 1, uri.p, uri.len);
    memcpy(copy + 1 + uri.len, ">", 2);
    return copy;
}

static void reverse(char **routes, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        char *other = routes[count - 1 - i];

        routes[count - 1 - i] = routes[i];
        routes[i] = other;
    }
}

/* Record-Routes in order for a UAS, reversed for a UAC (RFC 3261 sections 12.1.1 and 12.1.2). */
static int read_routes(const struct gh_sip_msg *msg, bool uas, char ***out, size_t *out_count)
{
    struct gh_sip_values it = gh_sip_values(msg, GH_SIP_HDR_RECORD_ROUTE);
    char **routes = calloc(GH_DIALOG_ROUTES_MAX, sizeof(*routes));
    struct gh_span value;
    size_t count = 0;
    int err = GH_ENOMEM;

    if (!routes)
        return GH_ENOMEM;
    while (gh_sip_values_next(&it, &value)) {
        struct gh_sip_addr addr;

        err = GH_ESYNTAX;
        if (count == GH_DIALOG_ROUTES_MAX || gh_sip_addr_parse(value, &addr) ||
            addr.uri.host.len == 0)
            goto out;
        err = GH_ENOMEM;
        routes[count] = copy_route(&addr);
        if (!routes[count])
            goto out;
        count++;
    }
    if (!uas)
        reverse(routes, count);
    *out = routes;
    *out_count = count;
    return 0;
out:
    free_routes(routes, count);
    return err;
}

/* ---- making ---- */

void gh_dialog_free(struct gh_dialog *dialog)
{
    if (!dialog)
        return;
    gh_dialogs_remove(dialog);
    free(dialog->call_id);
    free(dialog->local_tag);
    free(dialog->remote_tag);
    free(dialog->local_addr);
    free(dialog->remote_addr);
    free(dialog->remote_target);
    free_routes(dialog->routes, dialog->route_count);
    free(dialog);
}

static bool is_sips(const struct gh_sip_msg *request)
{
    return request->uri.scheme == GH_SIP_SCHEME_SIPS;
}

int gh_dialog_new_uas(struct gh_dialog **out, uint32_t trunk, const struct gh_sip_msg *request,
                      struct gh_span local_tag)
{
    struct gh_dialog *dialog = calloc(1, sizeof(*dialog));
    int err = GH_ENOMEM;

    if (!dialog)
        return GH_ENOMEM;
    dialog->trunk = trunk;
    dialog->uas = true;
    dialog->secure = is_sips(request);
    dialog->remote_cseq = request->cseq;
    dialog->has_remote_cseq = true;
    dialog->call_id = gh_text_dup(request->call_id);
    dialog->local_tag = gh_text_dup(local_tag);
    dialog->remote_tag = gh_text_dup(request->from.tag);
    dialog->local_addr = addr_without_tag(&request->to);
    dialog->remote_addr = addr_without_tag(&request->from);
    if (!dialog->call_id || !dialog->local_tag || !dialog->remote_tag || !dialog->local_addr ||
        !dialog->remote_addr)
        goto out;
    /* With a sips: Request-URI the Contact must be sips: too (RFC 3261 section 12.1.1). */
    err = read_target(request, dialog->secure, &dialog->remote_target);
    if (!err)
        err = read_routes(request, true, &dialog->routes, &dialog->route_count);
    if (err)
        goto out;
    *out = dialog;
    dialog = NULL;
out:
    gh_dialog_free(dialog);
    return err;
}

int gh_dialog_new_uac(struct gh_dialog **out, uint32_t trunk, const struct gh_sip_msg *request,
                      const struct gh_sip_msg *response)
{
    struct gh_dialog *dialog;
    int err = GH_ENOMEM;

    if (response->status <= 100 || response->status >= 300 || response->to.tag.len == 0)
        return GH_ESYNTAX;
    dialog = calloc(1, sizeof(*dialog));
    if (!dialog)
        return GH_ENOMEM;
    dialog->trunk = trunk;
    dialog->confirmed = response->status >= 200;
    dialog->secure = is_sips(request);
    dialog->local_cseq = request->cseq;
    dialog->call_id = gh_text_dup(request->call_id);
    dialog->local_tag = gh_text_dup(request->from.tag);
    dialog->remote_tag = gh_text_dup(response->to.tag);
    dialog->local_addr = addr_without_tag(&request->from);
    dialog->remote_addr = addr_without_tag(&request->to);
    if (!dialog->call_id || !dialog->local_tag || !dialog->remote_tag || !dialog->local_addr ||
        !dialog->remote_addr)
        goto out;
    err = read_target(response, dialog->secure, &dialog->remote_target);
    if (err == GH_ESYNTAX && !dialog->confirmed && !response->has_contact) {
        /* A provisional response that is not reliable needs no Contact (RFC 3261 table 2): where
         * the INVITE went. */
        dialog->remote_target = gh_text_dup(gh_sip_uri_strip(&request->uri));
        dialog->target_guessed = true;
        err = dialog->remote_target ? 0 : GH_ENOMEM;
    }
    if (!err)
        err = read_routes(response, false, &dialog->routes, &dialog->route_count);
    if (err)
        goto out;
    *out = dialog;
    dialog = NULL;
out:
    gh_dialog_free(dialog);
    return err;
}

/* ---- what arrives ---- */

int gh_dialog_request_in(struct gh_dialog *dialog, const struct gh_sip_msg *request)
{
    if (request->method == GH_SIP_ACK || request->method == GH_SIP_CANCEL)
        return 0;
    /* RFC 3261 section 12.2.2 asks for "lower"; an equal number is no retransmission here, as those
     * end in the transaction, so it is out of order as well. */
    if (dialog->has_remote_cseq && request->cseq <= dialog->remote_cseq)
        return GH_ESTATE;
    dialog->remote_cseq = request->cseq;
    dialog->has_remote_cseq = true;
    return 0;
}

static bool refreshes_target(const struct gh_dialog *dialog, const struct gh_sip_msg *msg)
{
    if (!msg->request && msg->status < 200)
        return msg->status > 100 && msg->method == GH_SIP_INVITE &&
               (dialog->target_guessed ||
                gh_sip_msg_has_token(msg, GH_SIP_HDR_REQUIRE, "100rel"));
    if (!msg->request && msg->status > 299)
        return false;
    switch (msg->method) {
    case GH_SIP_INVITE:
    case GH_SIP_UPDATE:
    case GH_SIP_SUBSCRIBE:
    case GH_SIP_NOTIFY:
    case GH_SIP_REFER:
        return true;
    default:
        return false;
    }
}

int gh_dialog_refresh(struct gh_dialog *dialog, const struct gh_sip_msg *msg)
{
    char *target;
    int err;

    if (!refreshes_target(dialog, msg) || !msg->has_contact)
        return 0;
    err = read_target(msg, dialog->secure, &target);
    if (err)
        return err;
    free(dialog->remote_target);
    dialog->remote_target = target;
    dialog->target_guessed = false;
    return 0;
}

int gh_dialog_confirm(struct gh_dialog *dialog, const struct gh_sip_msg *response)
{
    char **routes, *target;
    size_t count;
    int err;

    if (!response || dialog->confirmed) {
        dialog->confirmed = true;
        return 0;
    }
    err = read_target(response, dialog->secure, &target);
    if (err)
        return err;
    err = read_routes(response, false, &routes, &count);
    if (err) {
        free(target);
        return err;
    }
    free(dialog->remote_target);
    free_routes(dialog->routes, dialog->route_count);
    dialog->remote_target = target;
    dialog->target_guessed = false;
    dialog->routes = routes;
    dialog->route_count = count;
    dialog->confirmed = true;
    return 0;
}

/* ---- what leaves ---- */

/* URI of a route, which stands there as <uri>. */
static struct gh_span route_uri(const char *route)
{
    return gh_span_of(route + 1, strlen(route) - 2);
}

static bool is_loose(const char *route)
{
    struct gh_sip_uri uri;

    return gh_sip_uri_parse(route_uri(route), &uri) == 0 && gh_sip_uri_param(&uri, "lr", NULL);
}

/* A strict router finds itself in the Request-URI, so what may not stand there goes: RFC 3261
 * section 19.1.1, table 1 */
static void out_strict_request(struct gh_sip_out *out, struct gh_span method, const char *route)
{
    struct gh_sip_uri uri;
    struct gh_buf text = { 0 };

    if (gh_sip_uri_parse(route_uri(route), &uri) == 0) {
        struct gh_span rest = uri.params;
        struct gh_span bare = gh_sip_uri_strip(&uri);

        gh_buf_add(&text, gh_span_head(bare, bare.len - (uri.params.len ? uri.params.len + 1 : 0)));
        while (rest.len) {
            struct gh_span param = gh_span_take(&rest, ';');

            if (gh_span_istarts(param, GH_SPAN("method=")))
                continue;
            gh_buf_str(&text, ";");
            gh_buf_add(&text, param);
        }
    }
    gh_sip_out_request(out, method, gh_buf_span(&text));
    gh_buf_fini(&text);
}

static void out_tagged(struct gh_sip_out *out, const char *name, const char *addr, const char *tag)
{
    if (*tag)
        gh_sip_out_hdr_fmt(out, name, "%s;tag=%s", addr, tag);
    else
        gh_sip_out_hdr(out, name, gh_span_str(addr));
}

uint32_t gh_dialog_request_out(struct gh_dialog *dialog, struct gh_sip_out *out,
                               struct gh_span method, const struct gh_dialog_via *via,
                               uint32_t cseq)
{
    bool strict = dialog->route_count && !is_loose(dialog->routes[0]);

    /* RFC 3261 section 12.2.1.1: any number below 2^31 will do for the first request of a UAS. */
    if (!cseq)
        cseq = ++dialog->local_cseq;
    if (strict)
        out_strict_request(out, method, dialog->routes[0]);
    else
        gh_sip_out_request(out, method, gh_span_str(dialog->remote_target));
    gh_sip_out_via(out, via->transport, via->host, via->port, via->branch);
    gh_sip_out_hdr(out, "Max-Forwards", GH_SPAN("70"));
    for (size_t i = strict; i < dialog->route_count; i++)
        gh_sip_out_hdr(out, "Route", gh_span_str(dialog->routes[i]));
    if (strict)
        gh_sip_out_addr(out, "Route", GH_SPAN(""), gh_span_str(dialog->remote_target), GH_SPAN(""));
    out_tagged(out, "From", dialog->local_addr, dialog->local_tag);
    out_tagged(out, "To", dialog->remote_addr, dialog->remote_tag);
    gh_sip_out_hdr(out, "Call-ID", gh_span_str(dialog->call_id));
    gh_sip_out_hdr_fmt(out, "CSeq", "%u %.*s", cseq, GH_SPAN_FMT(method));
    return cseq;
}

struct gh_span gh_dialog_next_hop(const struct gh_dialog *dialog)
{
    return dialog->route_count ? route_uri(dialog->routes[0]) : gh_span_str(dialog->remote_target);
}
