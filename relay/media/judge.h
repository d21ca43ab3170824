/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a set may be posted: what the last accepted one said, as far as the next is judged by it.
 * Thread: the signalling thread.
 */
#ifndef GH_MEDIA_JUDGE_H
#define GH_MEDIA_JUDGE_H

#include "media/media.h"

struct gh_judged {
    struct gh_addr ours; /* of this side's port, as SDP has it */
    bool was_set, was_keyed, datagrams;
    uint32_t generation;
    struct gh_addr remotes[2]; /* RTP, RTCP */
};

/** Of one side alone.  @return 0, GH_EINVAL (our mistake) or -EADDRNOTAVAIL (the peer's); see gh_media_set */
int gh_judge_set(const struct gh_judged *side, const struct gh_media_set *set);
/** Would both sides be of one kind?  @other  the one that @set is not about, as it is or will be */
bool gh_judge_alike(bool other_was_set, bool other_datagrams, const struct gh_media_set *set);
void gh_judge_accept(struct gh_judged *side, const struct gh_media_set *set);

#endif
