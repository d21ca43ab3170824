/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of routes: trunks that are there and reachable, patterns that differ, requirements that
 * can hold. */
#include "config/check.h"

/* A call over @trunk never gets above clear or mixed: no key crosses it, or none is wanted. */
static bool cannot_be_hop_by_hop(const struct gh_trunk_draft *trunk)
{
    return trunk->out.rules.transport != GH_TRANSPORT_TLS || trunk->out.rules.srtp == GH_SRTP_OFF;
}

static void check_route_trunk(struct gh_loader *load, const struct gh_route_draft *route,
                              size_t item, const struct gh_trunk_draft *trunk)
{
    const struct gh_draft *draft = &route->draft;

    if (!trunk->on)
        return; /* its own error was reported */
    if (!gh_draft_has(&trunk->draft, "destinations") && !trunk->out.srv)
        gh_draft_item_error(load, draft, "trunks", item,
                            "%s has no destinations, so no call can go there", trunk->draft.name);
    if (route->grade >= GH_GRADE_HOP_BY_HOP && cannot_be_hop_by_hop(trunk))
        gh_draft_item_error(
            load, draft, "trunks", item,
            "a call over %s can never be %s (%s); every call would be refused: remove "
            "require, or the trunk",
            trunk->draft.name, gh_grade_name((enum gh_grade)route->grade),
            trunk->out.rules.transport == GH_TRANSPORT_TLS ? "srtp: off" : "not tls");
}

static void fill_route(const struct gh_route_draft *route, struct gh_config_route *out)
{
    out->pattern = route->pattern;
    out->circular = route->distribution == GH_CIRCULAR;
    out->require.grade = (enum gh_grade)route->grade;
    out->require.refuse_mark_count = route->refuse_mark_count;
    for (size_t i = 0; i < route->refuse_mark_count && i < GH_REQUIRE_MARKS_MAX; i++)
        out->require.refuse_marks[i] = (enum gh_reason)route->refuse_marks[i];
    out->on_downgrade = (enum gh_on_downgrade)route->on_downgrade;
    if (!gh_draft_has(&route->draft, "on_downgrade"))
        out->on_downgrade = route->grade != GH_GRADE_NONE ? GH_DOWNGRADE_REJECT : GH_DOWNGRADE_MARK;
}

static void check_patterns(struct gh_loader *load, const struct gh_drafts *drafts, size_t index)
{
    const struct gh_route_draft *route = &drafts->routes[index];

    for (size_t i = 0; i < index && route->pattern; i++) {
        const struct gh_route_draft *other = &drafts->routes[i];

        if (other->pattern && strcmp(route->pattern, other->pattern) == 0)
            gh_draft_error(
                load, &route->draft, "pattern",
                "there is a route for this pattern already, at %s; name all trunks in one",
                gh_report_place(load->report, gh_draft_mark(&other->draft, "pattern")));
    }
}

void gh_check_routes(struct gh_loader *load, struct gh_drafts *drafts, struct gh_config *config)
{
    const struct gh_rows rows = { drafts->trunks, drafts->trunk_count,
                                  sizeof(struct gh_trunk_draft), "trunk" };

    for (size_t i = 0; i < drafts->route_count; i++) {
        const struct gh_route_draft *route = &drafts->routes[i];
        struct gh_config_route *out = &config->routes[i];

        check_patterns(load, drafts, i);
        fill_route(route, out);
        config->route_patterns[i] = route->pattern;
        out->trunks =
            gh_config_arena_take(load->keep, route->trunk_count, sizeof(struct gh_config_trunk *));
        if (!out->trunks)
            return;
        for (size_t j = 0; j < route->trunk_count; j++) {
            const struct gh_trunk_draft *trunk =
                gh_check_find(load, &route->draft, "trunks", j, route->trunks[j], &rows);

            if (!trunk)
                continue;
            check_route_trunk(load, route, j, trunk);
            out->trunks[out->trunk_count++] = &config->trunks[trunk - drafts->trunks];
        }
    }
}
