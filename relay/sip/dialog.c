/* SPDX-License-Identifier: Apache-2.0 */
/* One dialog: its state and what follows from it (RFC 3261 section 12).  The table: dialogs.c. */
#include "sip/dialog.h"

#include <stdlib.h>

#include "sip/text_int.h"

/* ---- From and To ---- */

/* The value without its tag, always with <>, without a "?" part: what stands in our From and To
 * from now on. */
static void add_without_tag(struct gh_buf *buf, const struct gh_sip_addr *addr)
{
    struct gh_span rest = addr->params, name, value;

    if (addr->display.len) {
        gh_buf_add(buf, addr->display);
        gh_buf_str(buf, " ");
    }
    gh_buf_str(buf, "<");
    gh_buf_add(buf, gh_sip_uri_strip(&addr->uri));
    gh_buf_str(buf, ">");
    while (gh_sip_param_next(&rest, &name, &value) == 0) {
        if (gh_span_ieq(name, GH_SPAN("tag")))
            continue;
        gh_buf_str(buf, ";");
        gh_buf_add(buf, name);
        if (value.p) {
            gh_buf_str(buf, "=");
            gh_buf_add(buf, value);
        }
    }
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

static size_t count_routes(const struct gh_sip_msg *msg)
{
    struct gh_sip_values it = gh_sip_values(msg, GH_SIP_HDR_RECORD_ROUTE);
    struct gh_span value;
    size_t count = 0;

    while (gh_sip_values_next(&it, &value))
        count++;
    return count;
}

/* Record-Routes in order for a UAS, reversed for a UAC (RFC 3261 sections 12.1.1 and 12.1.2).
 * @out  NULL when there are none */
static int read_routes(const struct gh_sip_msg *msg, bool uas, char ***out, size_t *out_count)
{
    struct gh_sip_values it = gh_sip_values(msg, GH_SIP_HDR_RECORD_ROUTE);
    size_t count = 0, all = count_routes(msg);
    char **routes = NULL;
    struct gh_span value;
    int err = GH_ESYNTAX;

    if (all > GH_DIALOG_ROUTES_MAX)
        return GH_ESYNTAX;
    routes = all ? calloc(all, sizeof(*routes)) : NULL;
    if (all && !routes)
        return GH_ENOMEM;
    while (count < all && gh_sip_values_next(&it, &value)) {
        struct gh_sip_addr addr;

        err = GH_ESYNTAX;
        if (gh_sip_addr_parse(value, &addr) || addr.uri.host.len == 0)
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
    free(dialog->remote_target);
    free_routes(dialog->routes, dialog->route_count);
    free(dialog);
}

/* @return where it starts */
static size_t add_text(struct gh_buf *buf, struct gh_span text)
{
    size_t start = buf->len;

    gh_buf_add(buf, text);
    gh_buf_add(buf, gh_span_of("", 1));
    return start;
}

static size_t add_addr(struct gh_buf *buf, const struct gh_sip_addr *addr)
{
    size_t start = buf->len;

    add_without_tag(buf, addr);
    gh_buf_add(buf, gh_span_of("", 1));
    return start;
}

/* With its names and addresses, which never change: one piece of memory.  NULL without memory. */
static struct gh_dialog *new_named(const struct gh_dialog_name *name,
                                   const struct gh_sip_addr *local,
                                   const struct gh_sip_addr *remote)
{
    struct gh_buf buf = { 0 };
    size_t call_id = add_text(&buf, name->call_id);
    size_t local_tag = add_text(&buf, name->local_tag);
    size_t remote_tag = add_text(&buf, name->remote_tag);
    size_t local_addr = add_addr(&buf, local);
    size_t remote_addr = add_addr(&buf, remote);
    struct gh_dialog *dialog = buf.err ? NULL : calloc(1, sizeof(*dialog) + buf.len);

    if (!dialog)
        goto out;
    memcpy(dialog->text, buf.p, buf.len);
    dialog->name.trunk = name->trunk;
    dialog->name.call_id = gh_span_str(dialog->text + call_id);
    dialog->name.local_tag = gh_span_str(dialog->text + local_tag);
    dialog->name.remote_tag = gh_span_str(dialog->text + remote_tag);
    dialog->local_addr = dialog->text + local_addr;
    dialog->remote_addr = dialog->text + remote_addr;
out:
    gh_buf_fini(&buf);
    return dialog;
}

static bool is_sips(const struct gh_sip_msg *request)
{
    return request->uri.scheme == GH_SIP_SCHEME_SIPS;
}

int gh_dialog_new_uas(struct gh_dialog **out, uint32_t trunk, const struct gh_sip_msg *request,
                      struct gh_span local_tag)
{
    struct gh_dialog_name name = { trunk, request->call_id, local_tag, request->from.tag };
    struct gh_dialog *dialog = new_named(&name, &request->to, &request->from);
    int err;

    if (!dialog)
        return GH_ENOMEM;
    dialog->uas = true;
    dialog->secure = is_sips(request);
    dialog->remote_cseq = request->cseq;
    dialog->has_remote_cseq = true;
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
    struct gh_dialog_name name = { trunk, request->call_id, request->from.tag, response->to.tag };
    struct gh_dialog *dialog;
    int err;

    if (response->status <= 100 || response->status >= 300 || response->to.tag.len == 0)
        return GH_ESYNTAX;
    dialog = new_named(&name, &request->from, &request->to);
    if (!dialog)
        return GH_ENOMEM;
    dialog->confirmed = response->status >= 200;
    dialog->secure = is_sips(request);
    dialog->local_cseq = request->cseq;
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

static void out_tagged(struct gh_sip_out *out, const char *name, const char *addr,
                       struct gh_span tag)
{
    if (tag.len)
        gh_sip_out_hdr_fmt(out, name, "%s;tag=%.*s", addr, GH_SPAN_FMT(tag));
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
    out_tagged(out, "From", dialog->local_addr, dialog->name.local_tag);
    out_tagged(out, "To", dialog->remote_addr, dialog->name.remote_tag);
    gh_sip_out_hdr(out, "Call-ID", dialog->name.call_id);
    gh_sip_out_hdr_fmt(out, "CSeq", "%u %.*s", cseq, GH_SPAN_FMT(method));
    return cseq;
}

struct gh_span gh_dialog_next_hop(const struct gh_dialog *dialog)
{
    return dialog->route_count ? route_uri(dialog->routes[0]) : gh_span_str(dialog->remote_target);
}
