/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of trunks.  On a listener without TLS a trunk is unproven for ever: what lets a neighbour
 * raise its own standing, or promises what no clear path can hold, is an error there.
 */
#include "config/check.h"

static bool is_tls(const struct gh_trunk_draft *trunk)
{
    return trunk->out.rules.transport == GH_TRANSPORT_TLS;
}

/* ---- joins ----------------------------------------------------------------------------------- */

static void join_listener(struct gh_loader *load, struct gh_drafts *drafts,
                          const struct gh_config *config, struct gh_trunk_draft *trunk)
{
    const struct gh_rows rows = { drafts->listeners, drafts->listener_count,
                                  sizeof(struct gh_listener_draft), "listener" };
    struct gh_trunk_rules *rules = &trunk->out.rules;
    struct gh_listener_draft *listener = NULL;
    size_t index;

    if (trunk->listener)
        listener = gh_check_find(load, &trunk->draft, "listener", 0, trunk->listener, &rows);
    if (!listener)
        return;
    listener->used = true;
    if (listener->out.transport == GH_TRANSPORT_NONE)
        return;
    index = (size_t)(listener - drafts->listeners);
    trunk->on = listener;
    trunk->out.listener = &config->listeners[index];
    trunk->out.tls = listener->out.tls;
    rules->listener = (unsigned)index;
    rules->transport = listener->out.transport;
    if (listener->out.tls) {
        const struct gh_config_tls *tls = &drafts->tls[listener->out.tls - config->tls].out;

        rules->crl_unavailable = tls->crl_unavailable;
        if (!gh_draft_has(&trunk->draft, "tls_policy"))
            rules->tls_policy = tls->policy;
    }
}

static void join_profile(struct gh_loader *load, struct gh_drafts *drafts,
                         const struct gh_config *config, struct gh_trunk_draft *trunk)
{
    const struct gh_rows rows = { drafts->profiles, drafts->profile_count,
                                  sizeof(struct gh_profile_draft), "security profile" };
    struct gh_trunk_rules *rules = &trunk->out.rules;
    struct gh_profile_draft *profile = NULL;

    if (trunk->profile)
        profile = gh_check_find(load, &trunk->draft, "security_profile", 0, trunk->profile, &rows);
    if (!profile)
        return;
    profile->used = true;
    trunk->rules = profile;
    trunk->out.profile = &config->profiles[profile - drafts->profiles];
    rules->device_mode = profile->out.device_mode;
    rules->transmit_security_status = profile->out.transmit_security_status;
    rules->suite_count = profile->suite_count;
    for (size_t i = 0; i < profile->suite_count && i < GH_TRUNK_SUITES_MAX; i++)
        rules->suites[i] = profile->suites[i];
}

static void join_interface(struct gh_loader *load, struct gh_drafts *drafts,
                           const struct gh_config *config, struct gh_trunk_draft *trunk)
{
    const struct gh_rows rows = { drafts->interfaces, drafts->interface_count,
                                  sizeof(struct gh_interface_draft), "media interface" };
    struct gh_interface_draft *interface = NULL;

    if (trunk->media_interface)
        interface = gh_check_find(load, &trunk->draft, "media_interface", 0, trunk->media_interface,
                                  &rows);
    trunk->out.media = &config->media.interfaces[0];
    if (!interface)
        return;
    interface->used = true;
    trunk->out.media = &config->media.interfaces[1 + (interface - drafts->interfaces)];
}

/* ---- one trunk ------------------------------------------------------------------------------- */

/* CUCM: the mode fixes the transport. */
static void check_mode(struct gh_loader *load, const struct gh_trunk_draft *trunk)
{
    enum gh_device_mode mode;

    if (!trunk->on || !trunk->rules)
        return;
    mode = trunk->rules->out.device_mode;
    if (is_tls(trunk) && mode == GH_MODE_NON_SECURE)
        gh_draft_error(load, &trunk->draft, "security_profile",
                       "%s is non_secure, but listener %s speaks tls; use an encrypted profile",
                       trunk->profile, trunk->listener);
    if (!is_tls(trunk) && mode != GH_MODE_NON_SECURE)
        gh_draft_error(
            load, &trunk->draft, "security_profile",
            "%s needs tls, but listener %s does not speak it; use a tls listener, or a profile "
            "with device_security_mode: non_secure",
            trunk->profile, trunk->listener);
}

static void check_only_on(struct gh_loader *load, const struct gh_trunk_draft *trunk)
{
    const struct gh_table *table = trunk->draft.table;

    for (size_t i = 0; i < table->count; i++) {
        const struct gh_option *option = &table->options[i];

        if (!trunk->draft.values[i])
            continue;
        if (option->only_on == GH_ON_TLS && !is_tls(trunk))
            gh_draft_error(
                load, &trunk->draft, option->name,
                "has no meaning on a trunk without tls; remove it, or use a tls listener");
        if (option->only_on == GH_ON_PLAIN && is_tls(trunk))
            gh_draft_error(
                load, &trunk->draft, option->name,
                "has no meaning on a tls trunk: its certificate says who it is; remove it");
    }
}

/* Names are compared with what gh_cert_facts holds: printable ASCII, no wildcard on our side. */
static void check_peer_names(struct gh_loader *load, const struct gh_trunk_draft *trunk)
{
    if (!gh_draft_has(&trunk->draft, "peer_names")) {
        gh_draft_error(load, &trunk->draft, "peer_names",
                       "is missing; a tls trunk is known by the names of its certificate");
        return;
    }
    for (size_t i = 0; i < trunk->peer_name_count; i++) {
        const char *name = trunk->peer_names[i];
        bool printable = true;

        for (const char *c = name; *c; c++)
            printable = printable && *c >= ' ' && *c < 0x7f;
        if (!printable || strlen(name) > GH_CERT_NAME_MAX)
            gh_draft_item_error(load, &trunk->draft, "peer_names", i,
                                "a name is printable ASCII of at most %d characters",
                                GH_CERT_NAME_MAX);
        else if (strchr(name, '*'))
            gh_draft_item_error(
                load, &trunk->draft, "peer_names", i,
                "write the whole name; allow_wildcard is for a * in the certificate");
    }
}

/* RFC 2782: _service._proto.name.  RFC 3263 section 4.1: what SIP calls service and transport. */
static void check_srv(struct gh_loader *load, const struct gh_trunk_draft *trunk)
{
    const char *want = is_tls(trunk) ? "_sips._tcp." : "_sip._tcp.";
    struct gh_span name = gh_span_str(trunk->out.srv);

    if (name.p[0] != '_' || !strstr(name.p, "._"))
        gh_draft_error(
            load, &trunk->draft, "srv",
            "is no SRV name; such a name is %sexample.net, a host goes into destinations", want);
    else if (!gh_span_istarts(name, gh_span_str(want)))
        gh_draft_warning(load, &trunk->draft, "srv", "neighbours with %s publish %s...",
                         is_tls(trunk) ? "tls" : "tcp", want);
}

/* RFC 3261 section 19.1.2: the default ports. */
static void fill_destinations(struct gh_loader *load, struct gh_trunk_draft *trunk)
{
    struct gh_config_trunk *out = &trunk->out;

    out->destination_count = trunk->destination_count;
    for (size_t i = 0; i < trunk->destination_count && i < GH_DESTINATIONS_MAX; i++) {
        struct gh_config_destination *to = &out->destinations[i];

        *to = trunk->destinations[i];
        if (to->port == 0)
            to->port = is_tls(trunk) ? 5061 : 5060;
        to->addr.port = to->addr.family ? to->port : 0;
        if (to->addr.family && gh_addr_is_any(&to->addr))
            gh_draft_item_error(load, &trunk->draft, "destinations", i,
                                "an address of zeros is nowhere; write the neighbour's address");
    }
    if (out->srv && out->destination_count)
        gh_draft_error(load, &trunk->draft, "srv", "a trunk has srv or destinations, not both");
    else if (out->srv)
        check_srv(load, trunk);
}

/* Without TLS the source address alone says who it is; DNS never decides that. */
static void fill_peer_addresses(struct gh_loader *load, struct gh_trunk_draft *trunk)
{
    struct gh_trunk_rules *rules = &trunk->out.rules;
    struct gh_addr *addresses;
    size_t count = 0;

    if (gh_draft_has(&trunk->draft, "peer_addresses")) {
        rules->peer_addresses = trunk->peer_addresses;
        rules->peer_address_count = trunk->peer_address_count;
        for (size_t i = 0; i < trunk->peer_address_count; i++) {
            if (gh_addr_is_any(&trunk->peer_addresses[i]))
                gh_draft_item_error(
                    load, &trunk->draft, "peer_addresses", i,
                    "an address of zeros is nobody's; write the neighbour's address");
        }
        return;
    }
    addresses = gh_config_arena_take(load->keep, trunk->destination_count, sizeof(*addresses));
    if (!addresses)
        return;
    for (size_t i = 0; i < trunk->destination_count; i++) {
        bool there = trunk->destinations[i].addr.family == 0;

        for (size_t j = 0; j < count && !there; j++)
            there = gh_addr_same_ip(&addresses[j], &trunk->destinations[i].addr);
        if (!there) {
            addresses[count] = trunk->destinations[i].addr;
            addresses[count++].port = 0;
        }
    }
    rules->peer_addresses = addresses;
    rules->peer_address_count = count;
    if (count == 0 && (!gh_draft_has(&trunk->draft, "destinations") || trunk->destination_count))
        gh_draft_error(
            load, &trunk->draft, "peer_addresses",
            "is missing; a trunk without tls is known by its address, and no destination is a "
            "literal one");
}

/* On an unproven trunk nobody may raise his own standing. */
static void check_unproven(struct gh_loader *load, struct gh_trunk_draft *trunk)
{
    struct gh_trunk_rules *rules = &trunk->out.rules;
    bool digest = trunk->rules && trunk->rules->out.digest_authentication;

    if (!gh_draft_has(&trunk->draft, "srtp") || gh_draft_wrong(&trunk->draft, "srtp"))
        rules->srtp = GH_SRTP_OFF; /* the strict default of a path that no key may cross */
    if (rules->srtp == GH_SRTP_REQUIRED && rules->unproven_fingerprint != GH_UNPROVEN_MARK)
        gh_draft_error(
            load, &trunk->draft, "srtp",
            "required can never hold on a trunk without tls: no key crosses it; use a tls "
            "listener, or srtp: allowed");
    else if (rules->srtp == GH_SRTP_REQUIRED)
        gh_draft_warning(load, &trunk->draft, "srtp",
                         "a call over a trunk without tls is never graded above mixed");
    if (rules->trust_claims)
        gh_draft_error(load, &trunk->draft, "trust_claims",
                       "a trunk without tls cannot be believed");
    if (digest || !trunk->rules)
        return;
    if (trunk->trust_identity)
        gh_draft_error(load, &trunk->draft, "trust_identity",
                       "on a trunk without tls this needs digest_authentication: true");
    if (trunk->rules->out.accept_replaces_header)
        gh_draft_error(
            load, &trunk->draft, "security_profile",
            "%s has accept_replaces_header; without tls that needs digest_authentication: true",
            trunk->profile);
    if (trunk->rules->out.accept_out_of_dialog_refer)
        gh_draft_error(load, &trunk->draft, "security_profile",
                       "%s has accept_out_of_dialog_refer; without tls that needs "
                       "digest_authentication: true",
                       trunk->profile);
}

/* CUCM's "Authenticated" is NULL-SHA: integrity without secrecy, and no key crosses it. */
static void check_authenticated(struct gh_loader *load, const struct gh_trunk_draft *trunk)
{
    if (trunk->rules && trunk->rules->out.device_mode == GH_MODE_AUTHENTICATED &&
        trunk->out.rules.srtp == GH_SRTP_REQUIRED)
        gh_draft_warning(
            load, &trunk->draft, "srtp",
            "required: a neighbour that chooses a NULL cipher, as device_security_mode: "
            "authenticated lets it, can place no call; srtp: allowed takes RTP then");
}

static void check_trunk(struct gh_loader *load, struct gh_trunk_draft *trunk)
{
    struct gh_trunk_rules *rules = &trunk->out.rules;

    rules->name = trunk->draft.name;
    rules->peer_names = trunk->peer_names;
    rules->peer_name_count = trunk->peer_name_count;
    trunk->out.bodies = trunk->bodies;
    trunk->out.body_count = trunk->body_count;
    if (!trunk->on)
        return; /* no listener, no transport: nothing more can be said */
    check_mode(load, trunk);
    check_only_on(load, trunk);
    fill_destinations(load, trunk);
    if (is_tls(trunk)) {
        check_peer_names(load, trunk);
        check_authenticated(load, trunk);
    } else {
        fill_peer_addresses(load, trunk);
        check_unproven(load, trunk);
    }
    if (!gh_draft_has(&trunk->draft, "on_downgrade"))
        rules->on_downgrade =
            rules->srtp == GH_SRTP_REQUIRED ? GH_DOWNGRADE_REJECT : GH_DOWNGRADE_MARK;
    if (trunk->out.source.family && gh_addr_is_any(&trunk->out.source))
        gh_draft_error(load, &trunk->draft, "source", "leave it out when any address will do");
}

/* ---- pairs of trunks ------------------------------------------------------------------------- */

/* (peer name, listener): of two trunks with one name neither could be chosen. */
static void check_same_name(struct gh_loader *load, const struct gh_trunk_draft *trunk,
                            const struct gh_trunk_draft *other)
{
    if (trunk->out.rules.match_host && other->out.rules.match_host)
        return;
    for (size_t i = 0; i < trunk->peer_name_count; i++) {
        for (size_t j = 0; j < other->peer_name_count; j++) {
            if (gh_span_ieq(gh_span_str(trunk->peer_names[i]), gh_span_str(other->peer_names[j])))
                gh_draft_item_error(
                    load, &trunk->draft, "peer_names", i,
                    "%s on listener %s is %s already, at %s; a certificate must name one "
                    "trunk",
                    trunk->peer_names[i], trunk->listener, other->draft.name,
                    gh_report_place(load->report,
                                    gh_draft_item_mark(&other->draft, "peer_names", j)));
        }
    }
}

/* (address, listener), literal destinations included. */
static void check_same_address(struct gh_loader *load, const struct gh_trunk_draft *trunk,
                               const struct gh_trunk_draft *other)
{
    const struct gh_trunk_rules *a = &trunk->out.rules, *b = &other->out.rules;
    bool listed = gh_draft_has(&trunk->draft, "peer_addresses");
    char text[GH_ADDR_TEXT_MAX];

    for (size_t i = 0; i < a->peer_address_count; i++) {
        for (size_t j = 0; j < b->peer_address_count; j++) {
            if (!gh_addr_same_ip(&a->peer_addresses[i], &b->peer_addresses[j]))
                continue;
            /* Addresses taken from destinations are fewer than these: then the whole list is
             * shown. */
            gh_draft_item_error(
                load, &trunk->draft, listed ? "peer_addresses" : "destinations",
                listed ? i : SIZE_MAX,
                "%s on listener %s is %s already, at %s; an address must name one trunk",
                gh_addr_ip_text(&a->peer_addresses[i], text), trunk->listener, other->draft.name,
                gh_report_place(load->report, other->draft.mark));
        }
    }
}

/* The handshake accepts what the most lenient trunk of a listener accepts. */
static void check_mixed_listener(struct gh_loader *load, const struct gh_trunk_draft *trunk,
                                 const struct gh_trunk_draft *other)
{
    const struct gh_trunk_rules *a = &trunk->out.rules, *b = &other->out.rules;
    bool weak_a = a->tls_policy == GH_TLS_LEGACY_CUCM || a->device_mode == GH_MODE_AUTHENTICATED;
    bool weak_b = b->tls_policy == GH_TLS_LEGACY_CUCM || b->device_mode == GH_MODE_AUTHENTICATED;

    if (weak_a != weak_b)
        gh_draft_warning(load, weak_a ? &trunk->draft : &other->draft, "listener",
                         "weaker TLS than %s on the same listener; give it a port of its own",
                         weak_a ? other->draft.name : trunk->draft.name);
}

void gh_check_trunks(struct gh_loader *load, struct gh_drafts *drafts,
                     const struct gh_config *config)
{
    for (size_t i = 0; i < drafts->trunk_count; i++) {
        struct gh_trunk_draft *trunk = &drafts->trunks[i];

        join_listener(load, drafts, config, trunk);
        join_profile(load, drafts, config, trunk);
        join_interface(load, drafts, config, trunk);
        check_trunk(load, trunk);
        for (size_t j = 0; j < i && trunk->on; j++) {
            const struct gh_trunk_draft *other = &drafts->trunks[j];

            if (other->on != trunk->on)
                continue;
            if (!is_tls(trunk)) {
                check_same_address(load, trunk, other);
                continue;
            }
            check_same_name(load, trunk, other);
            check_mixed_listener(load, trunk, other);
        }
    }
}
