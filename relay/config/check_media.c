/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of media: its addresses, and what the kernel must have for its ports. */
#include "config/check.h"

static const struct gh_draft *group(const struct gh_drafts *drafts, const char *name)
{
    return drafts->draft.groups[gh_option_index(drafts->draft.table, name)];
}

static bool said_or_misspelt(const struct gh_draft *draft, const char *name)
{
    return gh_draft_has(draft, name) || draft->misspelt[gh_option_index(draft->table, name)];
}

/* ---- addresses ------------------------------------------------------------------------------- */

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
        gh_draft_error(load, draft, said_name, "is not of the same IP version as %s.%s",
                       draft->path, bound_name);
    }
}

static void check_interface(struct gh_loader *load, const struct gh_draft *draft,
                            struct gh_config_interface *out)
{
    check_place(load, draft, "address", &out->address, "advertise", &out->advertise);
    check_place(load, draft, "address6", &out->address6, "advertise6", &out->advertise6);
    if (out->address6.family == 4)
        gh_draft_error(load, draft, "address6", "is not IPv6; write it as address");
    else if (out->address6.family && out->address.family == 6)
        gh_draft_error(load, draft, "address6",
                       "%s.address is IPv6 already; one address of each IP version", draft->path);
    if (gh_draft_has(draft, "address"))
        return;
    out->address = out->address6;
    out->advertise = out->advertise6;
    out->address6 = out->advertise6 = (struct gh_addr){ .family = 0 };
}

/* Could ports of both be bound?  An address of zeros takes all of its family. */
static bool collide(const struct gh_addr *a, const struct gh_addr *b)
{
    return a->family && a->family == b->family &&
           (gh_addr_same_ip(a, b) || gh_addr_is_any(a) || gh_addr_is_any(b));
}

/* Every port is one stream's: what is bound, or said, twice would be two streams'. */
static void check_pair(struct gh_loader *load, const struct gh_draft *draft,
                       const struct gh_config_interface *one, const struct gh_draft *other_draft,
                       const struct gh_config_interface *other)
{
    const struct {
        const char *name;
        const struct gh_addr *bound, *said;
    } ours[2] = { { "address", &one->address, &one->advertise },
                  { "address6", &one->address6, &one->advertise6 } };
    const struct gh_addr *bound[2] = { &other->address, &other->address6 };
    const struct gh_addr *said[2] = { &other->advertise, &other->advertise6 };
    char text[GH_ADDR_TEXT_MAX];

    for (int i = 0; i < 4; i++) {
        if (collide(ours[i / 2].bound, bound[i % 2]))
            gh_draft_error(load, draft, ours[i / 2].name, "%s is taken by %s",
                           gh_addr_ip_text(ours[i / 2].bound, text), other_draft->path);
        else if (collide(ours[i / 2].said, said[i % 2]))
            gh_draft_error(load, draft, ours[i / 2].name, "SDP says %s for it, as for %s",
                           gh_addr_ip_text(ours[i / 2].said, text), other_draft->path);
    }
}

static void check_interfaces(struct gh_loader *load, struct gh_drafts *drafts,
                             const struct gh_draft *media)
{
    if (drafts->interface_count > GH_CONFIG_INTERFACES_MAX)
        gh_draft_error(load, media, "interfaces", "more than %d", GH_CONFIG_INTERFACES_MAX);
    for (size_t i = 0; i < drafts->interface_count; i++) {
        struct gh_interface_draft *interface = &drafts->interfaces[i];
        struct gh_config_interface *out = &interface->out;

        out->name = interface->draft.name;
        if (!said_or_misspelt(&interface->draft, "address") &&
            !said_or_misspelt(&interface->draft, "address6"))
            gh_draft_error(load, &interface->draft, "address",
                           "is missing; an interface needs an address, here or in address6");
        check_interface(load, &interface->draft, out);
        check_pair(load, &interface->draft, out, media, &drafts->own_interface);
        for (size_t j = 0; j < i; j++)
            check_pair(load, &interface->draft, out, &drafts->interfaces[j].draft,
                       &drafts->interfaces[j].out);
    }
}

void gh_check_media(struct gh_loader *load, struct gh_drafts *drafts)
{
    const struct gh_draft *draft = group(drafts, "media");
    const struct gh_node *section =
        drafts->draft.values[gh_option_index(drafts->draft.table, "media")];

    drafts->values.media.port_first = drafts->media_ports[0];
    drafts->values.media.port_last = drafts->media_ports[1];
    if (!draft)
        return; /* missing: reported */
    if (section && section->kind == GH_NODE_MAPPING && !said_or_misspelt(draft, "address") &&
        !said_or_misspelt(draft, "address6"))
        gh_draft_error(load, draft, "address",
                       "is missing; media needs an address of ours, here or in address6");
    check_interface(load, draft, &drafts->own_interface);
    check_interfaces(load, drafts, draft);
}

/* ---- the kernel ------------------------------------------------------------------------------ */

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

    if (!draft || gh_draft_wrong(draft, "ports") || !drafts->own_interface.address.family ||
        !parse_range(range, local))
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

/* Each bound address has all ports of the range. */
static uint64_t count_addresses(const struct gh_drafts *drafts)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= drafts->interface_count; i++) {
        const struct gh_config_interface *interface =
            i ? &drafts->interfaces[i - 1].out : &drafts->own_interface;

        count += interface->address.family ? 1 : 0;
        count += interface->address6.family ? 1 : 0;
    }
    return count;
}

/* What has room at one time, in the best case: that both sides of a stream are anywhere. */
static uint64_t count_streams(const struct gh_drafts *drafts)
{
    return ((uint64_t)drafts->media_ports[1] - drafts->media_ports[0] + 1) *
           count_addresses(drafts) / STREAM_PORTS;
}

void gh_check_port_room(struct gh_loader *load, const struct gh_drafts *drafts)
{
    const struct gh_draft *draft = group(drafts, "media"), *limits = group(drafts, "limits");
    uint64_t calls, wanted = drafts->values.limits.max_calls;

    if (!draft || gh_draft_wrong(draft, "ports") || count_addresses(drafts) == 0)
        return;
    if (drafts->media_ports[1] - drafts->media_ports[0] + 1 < STREAM_PORTS) {
        gh_draft_error(load, draft, "ports",
                       "%u-%u is one pair of ports, and no call fits: each takes two pairs, four "
                       "ports, one pair a side",
                       drafts->media_ports[0], drafts->media_ports[1]);
        return;
    }
    calls = count_streams(drafts);
    if (limits && gh_draft_has(limits, "max_calls") && calls < wanted)
        gh_draft_warning(load, draft, "ports",
                         "room for %llu calls of one stream, four ports each; limits.max_calls is "
                         "%llu",
                         (unsigned long long)calls, (unsigned long long)wanted);
}

void gh_check_descriptors(struct gh_loader *load, const struct gh_drafts *drafts, uint64_t hard)
{
    const struct gh_draft *draft = group(drafts, "media");
    uint64_t streams, others, need;

    if (!draft || gh_draft_wrong(draft, "ports") || !drafts->own_interface.address.family ||
        hard == 0)
        return;
    streams = count_streams(drafts);
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
