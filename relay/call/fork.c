/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Early dialogs: each To tag of side b gets a tag of its own towards side a (RFC 3261
 * section 12.1), so that a can tell the branches of a forked INVITE apart as if there were nobody
 * in between.
 */
#include <stdlib.h>

#include "call/call_int.h"

void gh_call_fork_free(struct gh_fork *fork)
{
    struct gh_call *call = fork->call;

    /* The legs go on without it: what it would give back is not theirs any more. */
    for (int side = 0; side < 2; side++) {
        gh_papers_unref(fork->before[side]);
        fork->before[side] = NULL;
    }
    gh_call_relays_end(call, fork, gh_loop_now_ms(call->calls->loop));
    gh_call_drop_offer(fork);
    gh_rel_out_free(fork->reliable);
    if (call->fork == fork)
        call->fork = NULL;
    if (call->heard == fork)
        call->heard = NULL;
    gh_call_media_trim(call, fork->neg, fork->neg);
    gh_dialog_free(fork->dialog[GH_SIDE_A]);
    gh_dialog_free(fork->dialog[GH_SIDE_B]);
    gh_neg_free(fork->neg);
    gh_sdp_free(fork->answer);
    TAILQ_REMOVE(&call->forks, fork, link);
    free(fork);
}

void gh_call_forks_free(struct gh_call *call, const struct gh_fork *keep)
{
    struct gh_fork *fork, *next;

    for (fork = TAILQ_FIRST(&call->forks); fork; fork = next) {
        next = TAILQ_NEXT(fork, link);
        if (fork != keep)
            gh_call_fork_free(fork);
    }
}

struct gh_fork *gh_call_fork_of(struct gh_call *call, const struct gh_dialog *dialog)
{
    struct gh_fork *fork;

    TAILQ_FOREACH (fork, &call->forks, link) {
        if (fork->dialog[GH_SIDE_A] == dialog || fork->dialog[GH_SIDE_B] == dialog)
            return fork;
    }
    return NULL;
}

/* Both dialogs, early. */
static int make_dialogs(struct gh_fork *fork, const struct gh_sip_msg *response)
{
    struct gh_call *call = fork->call;
    struct gh_leg *a = &call->leg[GH_SIDE_A], *b = &call->leg[GH_SIDE_B];
    int err = gh_dialog_new_uac(&fork->dialog[GH_SIDE_B], b->trunk->rules.id,
                                gh_txn_request(b->invite), response);

    if (!err)
        err = gh_dialogs_add(call->calls->dialogs, fork->dialog[GH_SIDE_B]);
    if (!err)
        err = gh_dialog_new_uas(&fork->dialog[GH_SIDE_A], a->trunk->rules.id,
                                gh_txn_request(a->invite), gh_span_str(fork->tag));
    if (!err)
        err = gh_dialogs_add(call->calls->dialogs, fork->dialog[GH_SIDE_A]);
    if (err)
        return err;
    fork->dialog[GH_SIDE_A]->user = a;
    fork->dialog[GH_SIDE_B]->user = b;
    return 0;
}

struct gh_fork *gh_call_fork(struct gh_call *call, const struct gh_sip_msg *response)
{
    struct gh_fork *fork;
    size_t count = 0;

    TAILQ_FOREACH (fork, &call->forks, link) {
        if (gh_span_eq(fork->dialog[GH_SIDE_B]->name.remote_tag, response->to.tag))
            return fork;
        count++;
    }
    /* The one that answers always finds room. */
    if (!response->to.tag.len || (count >= GH_CALL_FORKS_MAX && response->status < 200) ||
        !call->leg[GH_SIDE_A].invite || !gh_txn_request(call->leg[GH_SIDE_A].invite))
        return NULL;
    fork = calloc(1, sizeof(*fork));
    if (!fork)
        return NULL;
    fork->call = call;
    fork->number = ++call->calls->forks;
    TAILQ_INSERT_TAIL(&call->forks, fork, link);
    if (count == 0)
        memcpy(fork->tag, call->leg[GH_SIDE_A].tag, sizeof(fork->tag));
    if ((count && gh_sip_draw_tag(fork->tag)) || make_dialogs(fork, response)) {
        gh_call_fork_free(fork);
        return NULL;
    }
    return fork;
}

int gh_call_fork_confirm(struct gh_fork *fork, const struct gh_sip_msg *answer)
{
    struct gh_call *call = fork->call;
    int err = gh_dialog_confirm(fork->dialog[GH_SIDE_B], answer);

    if (!err)
        err = gh_dialog_confirm(fork->dialog[GH_SIDE_A], NULL);
    if (err)
        return err;
    call->fork = fork;
    gh_call_forks_free(call, fork);
    return 0;
}
