/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owned messages between threads; nothing else crosses.  Two forms: bound to a libuv loop (the
 * receiver is called on it) and blocking (the receiver waits).  All that is there is taken per
 * wake-up, in the order of posting.  A message has one owner; whoever holds it last calls its drop,
 * which wipes what is secret. A mailbox lives until every thread that posts to it is joined.
 */
#ifndef GH_MAILBOX_H
#define GH_MAILBOX_H

#include <gatehouse/err.h>
#include <stdbool.h>

/* First member of every message. */
struct gh_msg {
    struct gh_msg *next;
    void (*drop)(struct gh_msg *msg); /* wipes and frees */
};

struct gh_mailbox;
struct uv_loop_s;

/** Takes @msg: calls its drop, or passes it on.  Runs on the loop's thread. */
typedef void (*gh_mailbox_fn)(void *arg, struct gh_msg *msg);

/** @fn runs on the thread of @loop for each message.  @return 0 or an error.
 *  Thread: the loop's. */
int gh_mailbox_new_loop(struct gh_mailbox **out, struct uv_loop_s *loop, gh_mailbox_fn fn,
                        void *arg);

/** For a thread without a loop. */
int gh_mailbox_new_blocking(struct gh_mailbox **out);

/** Takes @msg, also after the mailbox was closed (then it is dropped).  Never blocks.
 *  Thread: any. */
void gh_mailbox_post(struct gh_mailbox *box, struct gh_msg *msg);

/**
 * All messages in order, linked by next, or NULL after @timeout_ms (-1: for ever).  The caller owns
 * them. Blocking form only.  Thread: the receiver's.
 */
struct gh_msg *gh_mailbox_wait(struct gh_mailbox *box, int timeout_ms);

/** Loop form only: drop what is queued and what comes later, so that the loop can end.  May be
 * called from @fn. Thread: the loop's. */
void gh_mailbox_close(struct gh_mailbox *box);

/** Drop what is left and free.  Loop form: after gh_mailbox_close, and after the loop ran once more
 * (its close callback).  Every posting thread is joined by then.  NULL is fine. */
void gh_mailbox_free(struct gh_mailbox *box);

#endif
