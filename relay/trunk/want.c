/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a trunk to a connection that may carry a message: one pooled connection per destination,
 * tried in order.  A destination counts as reached when its connection is admitted, not when TCP
 * answers.
 */
#include "trunk/trunk_int.h"

#include <stdlib.h>

static struct gh_peer *peer_of_destination(struct gh_trunks *trunks,
                                           const struct gh_config_trunk *trunk, int destination)
{
    struct gh_peer *peer;

    TAILQ_FOREACH (peer, &trunks->peers, all) {
        if (peer->trunk == trunk && peer->destination == destination && !peer->closing)
            return peer;
    }
    return NULL;
}

struct gh_papers *gh_trunk_live_any(struct gh_trunks *trunks, gh_trunk_id trunk)
{
    struct gh_peer *peer;

    TAILQ_FOREACH (peer, &trunks->peers, all) {
        if (gh_peer_good(peer) && peer->papers->standing.trunk == trunk)
            return peer->papers;
    }
    return NULL;
}

struct gh_papers *gh_trunk_live(struct gh_trunks *trunks, gh_trunk_id trunk, uint64_t conn)
{
    struct gh_conn *found = gh_net_conn(trunks->net, conn);
    struct gh_peer *peer = found ? gh_conn_owner(found) : NULL;

    return peer && gh_peer_good(peer) && peer->papers->standing.trunk == trunk ? peer->papers
                                                                               : NULL;
}

size_t gh_destination_count(const struct gh_config_trunk *trunk)
{
    return trunk->srv ? 1 : trunk->destination_count;
}

bool gh_trunk_has_more(const struct gh_trunks *trunks, gh_trunk_id trunk, uint32_t skip)
{
    const struct gh_config_trunk *config = gh_config_trunk_by_id(trunks->config, trunk);

    for (size_t i = 0; config && i < gh_destination_count(config); i++) {
        if (!(skip & 1u << i))
            return true;
    }
    return false;
}

/* A wish keeps its place in the timer queue as long as it lives, so that moving it when it counts
 * cannot fail. */
#define NEVER UINT64_MAX

/* ---- wishes ---------------------------------------------------------------------------------- */

static void want_end(struct gh_want *want, struct gh_papers *papers, int destination)
{
    gh_want_fn fn = want->fn;
    void *arg = want->arg;
    enum gh_reason reason = papers ? GH_REASON_NONE : want->reason;
    struct gh_trunks *trunks = want->trunks;

    trunks->want_fault[0] = 0;
    if (reason == GH_REASON_NO_DESTINATION)
        memcpy(trunks->want_fault, want->fault, sizeof(trunks->want_fault));
    gh_trunk_unwant(trunks, want);
    fn(arg, papers, destination, reason);
}

const char *gh_trunk_want_fault(const struct gh_trunks *trunks)
{
    return trunks->want_fault;
}

/* A destination was not reached, for the reason of the newest attempt. */
static void not_reached(struct gh_want *want)
{
    const char *failure = want->trunks->failure;
    size_t used = strlen(want->fault);

    want->reason = GH_REASON_NO_DESTINATION;
    if (failure && !strstr(want->fault, failure))
        snprintf(want->fault + used, sizeof(want->fault) - used, "%s%s", used ? "; " : "",
                 failure);
}

static void want_next(void *arg, uint64_t now_ms);

static int want_at(struct gh_want *want, uint64_t due_ms)
{
    return gh_timer_start(gh_loop_timers(want->trunks->loop), &want->timer, due_ms, want_next,
                          want);
}

/* The next destination that can be tried, or the end of the wish. */
static void want_next(void *arg, uint64_t now_ms)
{
    struct gh_want *want = arg;
    struct gh_trunks *trunks = want->trunks;
    const struct gh_config_trunk *trunk = gh_config_trunk_by_id(trunks->config, want->trunk);
    int count = trunk ? (int)gh_destination_count(trunk) : 0;

    (void)now_ms;
    want_at(want, NEVER);
    want->peer = NULL;
    if (trunk && count == 0) {
        want_end(want, gh_trunk_live_any(trunks, want->trunk), GH_DESTINATION_NONE);
        return;
    }
    for (int i = 0; i < count; i++) {
        struct gh_peer *peer;

        if (want->skip & 1u << i)
            continue;
        peer = peer_of_destination(trunks, trunk, i);
        if (peer && gh_peer_good(peer)) {
            want_end(want, peer->papers, i);
            return;
        }
        if (!peer)
            peer = gh_peer_connect(trunks, trunk, i);
        if (peer) {
            want->peer = peer;
            return;
        }
        not_reached(want);
        want->skip |= 1u << i;
    }
    want_end(want, NULL, GH_DESTINATION_NONE);
}

int gh_trunk_want(struct gh_trunks *trunks, gh_trunk_id trunk, uint32_t skip, gh_want_fn fn,
                  void *arg, struct gh_want **out)
{
    struct gh_want *want = calloc(1, sizeof(*want));

    if (!want)
        return GH_ENOMEM;
    *want = (struct gh_want){ .trunks = trunks, .trunk = trunk, .skip = skip,
                              .reason = GH_REASON_NO_DESTINATION, .fn = fn, .arg = arg };
    if (want_at(want, gh_loop_now_ms(trunks->loop))) {
        free(want);
        return GH_ENOMEM;
    }
    TAILQ_INSERT_TAIL(&trunks->wants, want, link);
    *out = want;
    return 0;
}

void gh_trunk_unwant(struct gh_trunks *trunks, struct gh_want *want)
{
    if (!want)
        return;
    gh_timer_stop(gh_loop_timers(trunks->loop), &want->timer);
    TAILQ_REMOVE(&trunks->wants, want, link);
    free(want);
}

void gh_wants_settle(struct gh_trunks *trunks, struct gh_peer *peer, enum gh_reason reason)
{
    struct gh_want *want;

    /* The callbacks run on the next turn: they may send, close, and wish again. */
    TAILQ_FOREACH (want, &trunks->wants, link) {
        if (want->peer != peer)
            continue;
        want->peer = NULL;
        if (reason != GH_REASON_NONE) {
            want->skip |= 1u << peer->destination;
            want->reason = reason;
        }
        if (reason == GH_REASON_NO_DESTINATION)
            not_reached(want);
        want_at(want, gh_loop_now_ms(trunks->loop)); /* cannot fail: it runs already */
    }
}
