/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "calls.h"

#define BASE64_MAX (4 * ((GH_GEN_KEY_MAX + 2) / 3))

size_t gh_gen_print_sdp(char *out, size_t size, const struct gh_gen_stream *stream, struct in_addr local, unsigned tag)
{
    const char *suite = gh_gen_suites[stream->suite].name;
    char base64[BASE64_MAX + 1], host[INET_ADDRSTRLEN];
    int len;

    inet_ntop(AF_INET, &local, host, sizeof(host));
    len = snprintf(out, size,
                   "v=0\r\no=load %u 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/%s 8\r\n"
                   "a=rtpmap:8 PCMA/8000\r\n", stream->number, host, host, stream->port, suite ? "SAVP" : "AVP");
    if (suite) {
        EVP_EncodeBlock((unsigned char *)base64, stream->tx_key, (int)gh_gen_key_len(stream->suite));
        len += snprintf(out + len, size - (size_t)len, "a=crypto:%u %s inline:%s\r\n", tag, suite, base64);
    }
    return (size_t)len;
}

/* Up to "|", padded or not.  rtpengine writes no padding. */
static bool read_key(const char *text, size_t key_len, uint8_t *out)
{
    char base64[BASE64_MAX + 1];
    unsigned char octets[GH_GEN_KEY_MAX + 3];
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    if (len != (8 * key_len + 5) / 6)
        return false;
    memset(base64, '=', sizeof(base64));
    memcpy(base64, text, len);
    if (EVP_DecodeBlock(octets, (unsigned char *)base64, (int)(4 * ((key_len + 2) / 3))) < (int)key_len)
        return false;
    memcpy(out, octets, key_len);
    return true;
}

static bool read_crypto(const char *sdp, enum gh_gen_suite suite, struct gh_gen_peer_sdp *out)
{
    const char *line = sdp, *wanted = gh_gen_suites[suite].name;
    char name[64];
    int at;

    while ((line = strstr(line, "a=crypto:"))) {
        line += 9;
        at = 0;
        if (sscanf(line, "%u %63s inline:%n", &out->tag, name, &at) == 2 && at && !strcmp(name, wanted) &&
            read_key(line + at, gh_gen_key_len(suite), out->key))
            return true;
    }
    return false;
}

bool gh_gen_read_sdp(const char *sdp, enum gh_gen_suite suite, struct gh_gen_peer_sdp *out)
{
    const char *connection = strstr(sdp, "c=IN IP4 "), *media = strstr(sdp, "m=audio ");
    char host[INET_ADDRSTRLEN], profile[16];
    unsigned port;

    *out = (struct gh_gen_peer_sdp){ .tag = 1 };
    if (!connection || sscanf(connection + 9, "%15[0-9.]", host) != 1 || !media ||
        sscanf(media + 8, "%u %15s", &port, profile) != 2 || port == 0 || port > 65535)
        return false;
    out->rtp = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    if (inet_pton(AF_INET, host, &out->rtp.sin_addr) != 1)
        return false;
    /* Else SRTP would be measured for RTP. */
    if (strcmp(profile, suite == GH_GEN_RTP ? "RTP/AVP" : "RTP/SAVP") != 0)
        return false;
    return suite == GH_GEN_RTP || read_crypto(sdp, suite, out);
}
