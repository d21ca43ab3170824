/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of listeners, and of what is unused. */
#include "config/check.h"

static const struct gh_draft *row_at(const struct gh_rows *rows, size_t index)
{
    return (const void *)((const char *)rows->p + index * rows->size);
}

static const char *nearest_row(struct gh_loader *load, const char *name, const struct gh_rows *rows)
{
    const char **words = gh_config_arena_take(load->scratch, rows->count, sizeof(*words));

    if (!words)
        return NULL;
    for (size_t i = 0; i < rows->count; i++)
        words[i] = row_at(rows, i)->name;
    return gh_report_nearest(gh_span_str(name), words, rows->count, GH_NEAR_NAME);
}

void *gh_check_find(struct gh_loader *load, const struct gh_draft *from, const char *option,
                    size_t item, const char *name, const struct gh_rows *rows)
{
    const char *near;

    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(row_at(rows, i)->name, name) == 0)
            return (char *)rows->p + i * rows->size;
    }
    near = nearest_row(load, name, rows);
    gh_draft_item_error(load, from, option, item, "there is no %s called %s%s%s%s", rows->what,
                        name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return NULL;
}

/* ---- listeners ------------------------------------------------------------------------------- */

static void join_tls(struct gh_loader *load, struct gh_drafts *drafts,
                     const struct gh_config *config, struct gh_listener_draft *listener)
{
    const struct gh_rows rows = { drafts->tls, drafts->tls_count, sizeof(struct gh_tls_draft),
                                  "tls entry" };
    struct gh_tls_draft *tls = NULL;

    if (listener->tls)
        tls = gh_check_find(load, &listener->draft, "tls", 0, listener->tls, &rows);
    if (tls)
        tls->used = true;
    if (listener->out.transport == GH_TRANSPORT_NONE)
        return; /* wrong or missing: reported */
    if (listener->out.transport == GH_TRANSPORT_TLS) {
        if (tls)
            listener->out.tls = &config->tls[tls - drafts->tls];
        else if (!listener->tls)
            gh_draft_error(load, &listener->draft, "tls",
                           "is missing; a listener with transport: tls needs a certificate");
    } else if (gh_draft_has(&listener->draft, "tls")) {
        gh_draft_error(load, &listener->draft, "tls",
                       "has no meaning here; set transport: tls, or remove it");
    }
}

/* Could both be bound?  TCP and TLS share the TCP ports; an address of zeros takes all of its
 * family. */
static bool collide(const struct gh_config_listener *a, const struct gh_config_listener *b)
{
    bool udp_a = a->transport == GH_TRANSPORT_UDP, udp_b = b->transport == GH_TRANSPORT_UDP;

    if (udp_a != udp_b || a->address.port != b->address.port ||
        a->address.family != b->address.family)
        return false;
    return gh_addr_same_ip(&a->address, &b->address) || gh_addr_is_any(&a->address) ||
           gh_addr_is_any(&b->address);
}

void gh_check_listeners(struct gh_loader *load, struct gh_drafts *drafts,
                        const struct gh_config *config)
{
    char text[GH_ADDR_TEXT_MAX];

    for (size_t i = 0; i < drafts->tls_count; i++) {
        if (gh_draft_has(&drafts->tls[i].draft, "crl_unavailable") &&
            !gh_draft_has(&drafts->tls[i].draft, "crl"))
            gh_draft_warning(load, &drafts->tls[i].draft, "crl_unavailable",
                             "without crl there is no revocation check");
    }
    for (size_t i = 0; i < drafts->listener_count; i++) {
        struct gh_listener_draft *listener = &drafts->listeners[i];
        struct gh_config_listener *out = &listener->out;

        out->name = listener->draft.name;
        out->address = listener->address;
        out->address.port = listener->port;
        if (listener->port == 0) /* RFC 3261 section 19.1.2 */
            out->address.port = out->transport == GH_TRANSPORT_TLS ? 5061 : 5060;
        join_tls(load, drafts, config, listener);
        if (!out->address.family || !out->transport)
            continue; /* reported */
        for (size_t j = 0; j < i; j++) {
            const struct gh_listener_draft *other = &drafts->listeners[j];

            if (!other->out.address.family || !other->out.transport || !collide(out, &other->out))
                continue;
            gh_draft_error(load, &listener->draft, "address", "%s is taken by %s at %s",
                           gh_addr_text(&out->address, text), other->draft.path,
                           gh_report_place(load->report, other->draft.mark));
        }
    }
}

/* ---- unused ---------------------------------------------------------------------------------- */

static void warn_unused(struct gh_loader *load, const struct gh_draft *draft)
{
    gh_report_add(load->report, GH_SEVERITY_WARNING, draft->mark, "%s: is never used", draft->path);
}

void gh_check_unused(struct gh_loader *load, const struct gh_drafts *drafts)
{
    for (size_t i = 0; i < drafts->tls_count; i++) {
        if (!drafts->tls[i].used)
            warn_unused(load, &drafts->tls[i].draft);
    }
    for (size_t i = 0; i < drafts->listener_count; i++) {
        if (!drafts->listeners[i].used)
            warn_unused(load, &drafts->listeners[i].draft);
    }
    for (size_t i = 0; i < drafts->interface_count; i++) {
        if (!drafts->interfaces[i].used)
            warn_unused(load, &drafts->interfaces[i].draft);
    }
    for (size_t i = 0; i < drafts->profile_count; i++) {
        if (!drafts->profiles[i].used)
            warn_unused(load, &drafts->profiles[i].draft);
    }
    if (drafts->route_count == 0)
        gh_draft_warning(load, &drafts->draft, "routes", "there is none, so every call is refused");
}
