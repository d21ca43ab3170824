/* SPDX-License-Identifier: Apache-2.0 */
/* What payload types mean (RFC 8866 section 6.6), for the figures of media quality; nothing is
 * decided by it. */
#include "call/neg_int.h"

#define RTPMAPS_MAX 64       /* of one m-line that are looked at */

/* "96 opus/48000/2" of payload type @type.  @return false: there is none, or it has no clock */
static bool find_rtpmap(const struct gh_sdp *doc, int index, uint64_t type,
                        struct gh_span *encoding, uint64_t *clock_hz)
{
    struct gh_span value, number, clock;

    for (size_t nth = 0; nth < RTPMAPS_MAX && gh_sdp_attr(doc, index, "rtpmap", nth, &value);
         nth++) {
        uint64_t mapped;

        if (!gh_sdp_format_next(&value, &number) || !gh_span_u64(number, 127, &mapped) ||
            mapped != type || !gh_sdp_format_next(&value, encoding))
            continue;
        clock = *encoding;
        *encoding = gh_span_take(&clock, '/');
        /* Behind it: channels. */
        return gh_span_u64(gh_span_take(&clock, '/'), GH_MEDIA_CLOCK_MAX_HZ, clock_hz);
    }
    return false;
}

static enum gh_codec codec_of(enum gh_media_kind kind, struct gh_span encoding)
{
    enum gh_codec codec = gh_codec_of(encoding);

    if (kind == GH_MEDIA_VIDEO)
        return GH_CODEC_VIDEO;
    return codec == GH_CODEC_UNKNOWN && kind == GH_MEDIA_AUDIO ? GH_CODEC_VOICE : codec;
}

/* RFC 3264 section 5.1: who described itself in @doc is sent those types. */
static void take_from(const struct gh_sdp *doc, int index, enum gh_media_kind kind, int sender,
                      struct gh_neg_force *force)
{
    uint8_t *count = &force->payload_counts[sender];
    struct gh_sdp_media media;
    struct gh_span format, encoding;
    uint64_t type, clock_hz;

    *count = 0;
    if (gh_sdp_media(doc, index, &media))
        return;
    while (*count < GH_MEDIA_PAYLOADS_MAX && gh_sdp_format_next(&media.formats, &format)) {
        if (gh_span_u64(format, 127, &type) && find_rtpmap(doc, index, type, &encoding, &clock_hz))
            force->payloads[sender][(*count)++] =
                (struct gh_media_payload){ .type = type & 0x7f,
                                           .codec = codec_of(kind, encoding) & 0x1f,
                                           .clock_hz = clock_hz & 0xfffff };
    }
}

void gh_neg_take_payloads(struct gh_neg *neg, int index)
{
    struct gh_neg_stream *stream = &neg->streams[index];

    take_from(neg->answer, index, stream->kind, neg->offerer, stream->force);
    take_from(neg->offer, index, stream->kind, !neg->offerer, stream->force);
}
