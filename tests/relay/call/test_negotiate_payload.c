/* SPDX-License-Identifier: Apache-2.0 */
/* What payload types mean, for each side: what it sends was described by the other (RFC 3264
 * section 5.1). */
#include "support/check.h"
#include "support_negotiate.h"

static const struct nego_who clear_trunk = { ALLOWED_TCP };

/* @return whether the exchange came about */
static bool exchange(struct gh_neg *neg, const char *offer, const char *answer)
{
    static char octets[NEGO_TEXT_MAX];
    struct nego_leg leg;
    struct gh_sdp *doc = NULL;

    nego_leg(&leg, &clear_trunk);
    gh_neg_init(neg, GH_SIDE_A, NULL);
    if (!CHECK_STR(gh_reason_name(gh_neg_offer_in(neg, nego_expand(offer, octets), &leg.leg)),
                   "none"))
        return false;
    nego_ports(neg);
    if (!CHECK_STR(
            gh_reason_name(gh_neg_offer_out(neg, &leg.leg, &leg.leg, &nego_self_b, true, &doc)),
            "none"))
        return false;
    gh_sdp_free(doc);
    doc = NULL;
    if (!CHECK_STR(
            gh_reason_name(gh_neg_answer_in(neg, nego_expand(answer, octets), &leg.leg, false)),
            "none") ||
        !CHECK_STR(gh_reason_name(gh_neg_answer_out(neg, NULL, &leg.leg, &nego_self_a, &doc)),
                   "none"))
        return false;
    gh_sdp_free(doc);
    return true;
}

static void check_payload(const struct gh_media_set *set, size_t i, int type, enum gh_codec codec,
                          uint32_t clock_hz)
{
    CHECK_INT(set->payloads[i].type, type);
    CHECK_INT(set->payloads[i].codec, codec);
    CHECK_INT(set->payloads[i].clock_hz, clock_hz);
}

static void each_side_sends_what_the_other_named(void)
{
    struct gh_neg neg;
    struct gh_media_set set;

    if (exchange(
            &neg,
            A_HEAD
            "m=audio 5004 RTP/AVP 96 9 101 97\na=rtpmap:96 opus/48000/2\na=rtpmap:9 G722/8000\n"
            "a=rtpmap:101 telephone-event/48000\na=rtpmap:97 iLBC/8000\n"
            "m=video 5006 RTP/AVP 98\na=rtpmap:98 H264/90000\n",
            B_HEAD "m=audio 6000 RTP/AVP 111 0\na=rtpmap:111 OPUS/48000/2\n"
                   "m=video 6002 RTP/AVP 99\na=rtpmap:99 VP8/90000\n")) {
        gh_neg_media_set(&neg.streams[0], GH_SIDE_A, &set);
        CHECK_INT(set.payload_count, 1); /* 0 has no rtpmap: the media plane knows it */
        check_payload(&set, 0, 111, GH_CODEC_OPUS, 48000);
        gh_neg_media_set(&neg.streams[0], GH_SIDE_B, &set);
        CHECK_INT(set.payload_count, 4);
        check_payload(&set, 0, 96, GH_CODEC_OPUS, 48000);
        check_payload(&set, 1, 9, GH_CODEC_G722, 8000);
        check_payload(&set, 2, 101, GH_CODEC_EVENT, 48000);
        check_payload(&set, 3, 97, GH_CODEC_VOICE, 8000);
        gh_neg_media_set(&neg.streams[1], GH_SIDE_A, &set);
        check_payload(&set, 0, 99, GH_CODEC_VIDEO, 90000);
        gh_neg_media_set(&neg.streams[1], GH_SIDE_B, &set);
        check_payload(&set, 0, 98, GH_CODEC_VIDEO, 90000);
    }
    gh_neg_fini(&neg);
}

/* Nothing of it is decided by, so what is odd is left out. */
static void odd_lines_are_left_out(void)
{
    static const char *const odd[] = {
        "a=rtpmap:96\n",
        "a=rtpmap:96 opus\n",
        "a=rtpmap:96 opus/\n",
        "a=rtpmap:96 opus/0x5\n",
        "a=rtpmap:96 opus/1000001\n",
        "a=rtpmap:96 opus/99999999999999999999\n",
        "a=rtpmap:x opus/8000\n",
        "a=rtpmap:128 opus/8000\n",
        "a=rtpmap:196 opus/8000\n",
    };

    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct gh_neg neg;
        struct gh_media_set set;
        char answer[NEGO_TEXT_MAX];

        snprintf(answer, sizeof(answer), B_HEAD "m=audio 6000 RTP/AVP 96\n%s", odd[i]);
        if (exchange(&neg, A_HEAD "m=audio 5004 RTP/AVP 96\n", answer)) {
            gh_neg_media_set(&neg.streams[0], GH_SIDE_A, &set);
            CHECK_INT(set.payload_count, 0);
        }
        gh_neg_fini(&neg);
    }
}

static void more_types_than_there_is_room_for(void)
{
    struct gh_neg neg;
    struct gh_media_set set;
    char answer[NEGO_TEXT_MAX];
    int at = snprintf(answer, sizeof(answer), B_HEAD "m=audio 6000 RTP/AVP");

    for (int i = 0; i < 30; i++)
        at += snprintf(answer + at, sizeof(answer) - (size_t)at, " %d", 90 + i);
    for (int i = 0; i < 30; i++)
        at += snprintf(answer + at, sizeof(answer) - (size_t)at, "\na=rtpmap:%d opus/48000/2",
                       90 + i);
    snprintf(answer + at, sizeof(answer) - (size_t)at, "\n");
    if (exchange(&neg, A_HEAD "m=audio 5004 RTP/AVP 96\n", answer)) {
        gh_neg_media_set(&neg.streams[0], GH_SIDE_A, &set);
        CHECK_INT(set.payload_count, GH_MEDIA_PAYLOADS_MAX);
        check_payload(&set, GH_MEDIA_PAYLOADS_MAX - 1, 90 + GH_MEDIA_PAYLOADS_MAX - 1,
                      GH_CODEC_OPUS, 48000);
    }
    gh_neg_fini(&neg);
}

int main(void)
{
    RUN(each_side_sends_what_the_other_named);
    RUN(odd_lines_are_left_out);
    RUN(more_types_than_there_is_room_for);
    return CHECK_REPORT();
}
