/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event from inside the part.  It is also the message that carries it to the writer and back, so
 * putting a record needs no memory that could be missing.
 */
#ifndef GH_AUDIT_EVENT_INT_H
#define GH_AUDIT_EVENT_INT_H

#include "audit/event.h"
#include "audit/writer.h"
#include "base/mailbox.h"

#define GH_EVENT_NAMES_MAX 128 /* in one object and those around it; a call's record has some 60 */

struct gh_event {
    struct gh_msg msg;                   /* first: the mailbox links it */
    /* while it is built */
    int err;
    bool finished;
    unsigned depth;                      /* what is open besides the record itself */
    bool is_array[GH_EVENT_DEPTH_MAX + 1];
    bool has_value[GH_EVENT_DEPTH_MAX + 1];
    char *text;
    size_t len, size;
    uint32_t names[GH_EVENT_NAMES_MAX];  /* hashes of the names in all that is open */
    size_t name_count;
    size_t names_before[GH_EVENT_DEPTH_MAX + 1]; /* how many belong to what is outside of a level */
    char type[GH_EVENT_TYPE_MAX + 1];
    int64_t wall_us;
    /* while it is on its way */
    struct gh_audit *audit;
    gh_audit_done_fn done;
    void *arg;
    uint64_t seq;                        /* given by the ledger */
};

#endif
