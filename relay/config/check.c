/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of listeners and media, and of what is unused. */
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
    return gh_report_nearest(gh_span_str(name), words, rows->count);
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

/* ---- media ----------------------------------------------------------------------------------- */

static const struct gh_draft *group(const struct gh_drafts *drafts, const char *name)
{
    return drafts->draft.groups[gh_option_index(drafts->draft.table, name)];
}

static bool said_or_misspelt(const struct gh_draft *draft, const char *name)
{
    return gh_draft_has(draft, name) || draft->misspelt[gh_option_index(draft->table, name)];
}

/* One address of ours, called @bound_name, and what SDP says in its place. */
static void check_place(struct gh_loader *load, const struct gh_draft *draft,
                        const char *bound_name, const struct gh_addr *bound, const char *said_name,
                        struct gh_addr *said)
{
    if (!gh_draft_has(draft, bound_name)) {
        if (gh_draft_has(draft, said_name))
            gh_draft_error(load, draft, said_name, "has no meaning without %s", bound_name);
        return;
    }
    if (!bound->family)
        return; /* wrong: reported */
    if (!gh_draft_has(draft, said_name)) {
        *said = *bound;
        if (gh_addr_is_any(bound))
            gh_draft_error(
                load, draft, bound_name,
                "an address of zeros cannot stand in SDP; write the address that peers reach, "
                "or add %s",
                said_name);
    } else if (said->family && gh_addr_is_any(said)) {
        gh_draft_error(load, draft, said_name, "an address of zeros cannot stand in SDP");
    } else if (said->family && said->family != bound->family) {
        gh_draft_error(load, draft, said_name, "is not of the same IP version as media.%s",
                       bound_name);
    }
}

void gh_check_media(struct gh_loader *load, struct gh_drafts *drafts)
{
    const struct gh_draft *draft = group(drafts, "media");
    const struct gh_node *section =
        drafts->draft.values[gh_option_index(drafts->draft.table, "media")];
    struct gh_addr *address = &drafts->values.media.address,
                   *address6 = &drafts->values.media.address6,
                   *advertise = &drafts->values.media.advertise,
                   *advertise6 = &drafts->values.media.advertise6;

    drafts->values.media.port_first = drafts->media_ports[0];
    drafts->values.media.port_last = drafts->media_ports[1];
    if (!draft)
        return; /* missing: reported */
    if (section && section->kind == GH_NODE_MAPPING && !said_or_misspelt(draft, "address") &&
        !said_or_misspelt(draft, "address6"))
        gh_draft_error(load, draft, "address",
                       "is missing; media needs an address of ours, here or in address6");
    check_place(load, draft, "address", address, "advertise", advertise);
    check_place(load, draft, "address6", address6, "advertise6", advertise6);
    if (address6->family == 4)
        gh_draft_error(load, draft, "address6", "is not IPv6; write it as address");
    else if (address6->family && address->family == 6)
        gh_draft_error(load, draft, "address6",
                       "media.address is IPv6 already; one address of each IP version");
    if (gh_draft_has(draft, "address"))
        return;
    *address = *address6;
    *advertise = *advertise6;
    *address6 = *advertise6 = (struct gh_addr){ .family = 0 };
}

/* "FIRST BLANK LAST" of the kernel. */
static bool parse_range(struct gh_span text, uint64_t range[2])
{
    size_t digits = 0;

    text = gh_span_trim(gh_span_head(text, gh_span_find(text, '\n')));
    while (digits < text.len && gh_ascii_is_digit((unsigned char)text.p[digits]))
        digits++;
    return gh_span_u64(gh_span_head(text, digits), 65535, &range[0]) &&
           gh_span_u64(gh_span_trim(gh_span_from(text, digits)), 65535, &range[1]);
}

/* Is @port in the kernel's list "8080,9148-9150"? */
static bool is_reserved(struct gh_span list, uint64_t port)
{
    list = gh_span_head(list, gh_span_find(list, '\n'));
    while (list.len) {
        struct gh_span item = gh_span_trim(gh_span_take(&list, ','));
        struct gh_span first_text = gh_span_take(&item, '-');
        uint64_t first, last;

        if (!gh_span_u64(first_text, 65535, &first))
            continue;
        if (!gh_span_u64(item, 65535, &last))
            last = first;
        if (port >= first && port <= last)
            return true;
    }
    return false;
}

#define RESERVED_SHOWN_MAX 200 /* octets of the kernel's list that are repeated */

/* The kernel takes the whole list anew: what stands in it must not get lost. */
static const char *reserved_setting(struct gh_loader *load, const struct gh_drafts *drafts,
                                    struct gh_span reserved)
{
    struct gh_span list = gh_span_trim(gh_span_head(reserved, gh_span_find(reserved, '\n')));
    unsigned first = drafts->media_ports[0], last = drafts->media_ports[1];
    const char *text;

    if (list.len > RESERVED_SHOWN_MAX)
        text = gh_config_arena_printf(
            load->keep, "add %u-%u to net.ipv4.ip_local_reserved_ports in", first, last);
    else
        text = gh_config_arena_printf(load->keep,
                                      "write net.ipv4.ip_local_reserved_ports=%.*s%s%u-%u into",
                                      GH_SPAN_FMT(list), list.len ? "," : "", first, last);
    return text ? text : "";
}

void gh_check_port_overlap(struct gh_loader *load, struct gh_drafts *drafts, struct gh_span range,
                           struct gh_span reserved)
{
    const struct gh_draft *draft = group(drafts, "media");
    uint64_t local[2], first = drafts->media_ports[0], last = drafts->media_ports[1];
    bool free_port = false;
    const char *text;

    if (!draft || !drafts->values.media.address.family || !parse_range(range, local))
        return;
    if (first < local[0])
        first = local[0];
    if (last > local[1])
        last = local[1];
    for (uint64_t port = first; port <= last && !free_port; port++)
        free_port = !is_reserved(reserved, port);
    if (!free_port)
        return;
    text = gh_config_arena_printf(
        load->keep,
        "the kernel may give ports %llu-%llu to other programs (net.ipv4.ip_local_port_range); %s "
        "/etc/sysctl.d/gatehouse.conf and run sysctl --system",
        (unsigned long long)first, (unsigned long long)last,
        reserved_setting(load, drafts, reserved));
    drafts->values.media.ports_advice = text;
    if (text)
        gh_draft_warning(load, draft, "ports", "%s", text);
}

/* A stream has two pairs of ports; each port a socket for its source and one for everybody else. */
#define STREAM_PORTS 4
#define STREAM_DESCRIPTORS 8
#define OTHER_DESCRIPTORS 64 /* listeners, record, log, DNS, the loops themselves: plenty */

void gh_check_descriptors(struct gh_loader *load, const struct gh_drafts *drafts, uint64_t hard)
{
    const struct gh_draft *draft = group(drafts, "media");
    uint64_t streams, others, need;

    if (!draft || !drafts->values.media.address.family || !drafts->media_ports[0] || hard == 0)
        return;
    streams = ((uint64_t)drafts->media_ports[1] - drafts->media_ports[0] + 1) / STREAM_PORTS;
    others = (uint64_t)drafts->values.limits.max_connections + OTHER_DESCRIPTORS;
    need = streams * STREAM_DESCRIPTORS + others;
    if (need > hard)
        gh_draft_warning(
            load, draft, "ports",
            "room for %llu streams needs %llu descriptors, connections included; the "
            "hard limit is %llu, enough for %llu; raise it (LimitNOFILE, ulimit -Hn)",
            (unsigned long long)streams, (unsigned long long)need, (unsigned long long)hard,
            (unsigned long long)(hard > others ? (hard - others) / STREAM_DESCRIPTORS : 0));
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
    for (size_t i = 0; i < drafts->profile_count; i++) {
        if (!drafts->profiles[i].used)
            warn_unused(load, &drafts->profiles[i].draft);
    }
    if (drafts->route_count == 0)
        gh_draft_warning(load, &drafts->draft, "routes", "there is none, so every call is refused");
}
