/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Consider traffic secure": what a leg or call may be called on the wire.  The word itself, and
 * where it stands in Call-Info, is left to sip; what was true is said by grade.c.
 */
#include "policy/policy_int.h"

/* The live streams of a leg, taken together. */
enum leg_media {
    MEDIA_DOUBTFUL = 0, /* counts that do not add up, or a fingerprint that nobody vouched for */
    MEDIA_NONE,         /* no live stream */
    MEDIA_SOME_CLEAR,
    MEDIA_ALL_SRTP
};

#define NULL_CIPHER GH_BIT(GH_SIG_TLS_NULL)
#define VERIFIED GH_BIT(GH_SIG_TLS_VERIFIED)

#define ALL_SRTP GH_BIT(MEDIA_ALL_SRTP)
#define NOT_ALL (GH_BIT(MEDIA_SOME_CLEAR) | GH_BIT(MEDIA_NONE))

struct leg_rule {
    unsigned media, sdes, signalling;
    enum gh_status srtp_and_tls, srtp_only;
};

/* No row, among them everything unproven: NotAuthenticated.  SDES over the NULL cipher has no row:
 * the gate lets no such stream be, and if one is there nothing good may be said of the leg. */
static const struct leg_rule leg_rules[] = {
    /* media    has SDES   signalling   srtp_and_tls             srtp_only */
    { ALL_SRTP, GH_EITHER, VERIFIED,    GH_STATUS_ENCRYPTED,     GH_STATUS_ENCRYPTED },
    { ALL_SRTP, GH_NO,     NULL_CIPHER, GH_STATUS_AUTHENTICATED, GH_STATUS_ENCRYPTED },
    { NOT_ALL,  GH_EITHER, VERIFIED,    GH_STATUS_AUTHENTICATED, GH_STATUS_AUTHENTICATED },
    { NOT_ALL,  GH_NO,     NULL_CIPHER, GH_STATUS_AUTHENTICATED, GH_STATUS_AUTHENTICATED },
};

static enum leg_media media_of(const struct gh_leg_streams *streams)
{
    uint64_t keyed = (uint64_t)streams->sdes + streams->dtls;

    if (streams->unproven_fingerprint || keyed > streams->live)
        return MEDIA_DOUBTFUL;
    if (streams->live == 0)
        return MEDIA_NONE;
    return keyed == streams->live ? MEDIA_ALL_SRTP : MEDIA_SOME_CLEAR;
}

static enum gh_status least(enum gh_status a, enum gh_status b)
{
    return a < b ? a : b;
}

static enum gh_status status_by(const struct leg_rule *row, enum gh_traffic_secure rule)
{
    switch (rule) {
    case GH_SECURE_SRTP_AND_TLS:
        return row->srtp_and_tls;
    case GH_SECURE_SRTP_ONLY:
        return row->srtp_only;
    case GH_TRAFFIC_SECURE_COUNT:
        break;
    }
    return GH_STATUS_NOT_AUTHENTICATED;
}

enum gh_status gh_policy_leg_status(enum gh_traffic_secure rule, enum gh_signalling signalling,
                                    const struct gh_leg_streams *streams)
{
    enum gh_status status = GH_STATUS_NOT_AUTHENTICATED;
    enum leg_media media = media_of(streams);

    for (size_t i = 0; i < GH_ARRAY_COUNT(leg_rules); i++) {
        const struct leg_rule *row = &leg_rules[i];

        if (gh_fits(row->media, media) && gh_fits(row->sdes, streams->sdes > 0) &&
            gh_fits(row->signalling, signalling)) {
            status = status_by(row, rule);
            break;
        }
    }
    /* Keys were agreed and plain packets came: whatever the rule says, that is not Encrypted. */
    return streams->unproven_packets ? least(status, GH_STATUS_AUTHENTICATED) : status;
}

enum gh_status gh_policy_call_status(bool connected, const enum gh_status leg[2],
                                     const enum gh_status claim[2])
{
    enum gh_status status = GH_STATUS_ENCRYPTED;

    if (!connected)
        return GH_STATUS_UNKNOWN;
    for (int side = 0; side < 2; side++) {
        bool judged = (unsigned)leg[side] < GH_STATUS_COUNT;

        /* A leg that nobody judged is Unknown, the least; a claim can only lower, and none changes
         * nothing. */
        status = least(status, judged ? leg[side] : GH_STATUS_UNKNOWN);
        if (claim[side] != GH_STATUS_UNKNOWN)
            status = least(status, claim[side]);
    }
    return status;
}

enum gh_reason gh_policy_claim_mark(enum gh_status claim, enum gh_status measured)
{
    if (claim == GH_STATUS_UNKNOWN || claim == measured)
        return GH_REASON_NONE;
    return claim < measured ? GH_REASON_CLAIM_LOWERED : GH_REASON_CLAIM_CONTRADICTED;
}
