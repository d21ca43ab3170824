/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/samples.h"

const struct sample samples[] = {
    { "RFC 8866 section 5",
      "v=0\r\n"
      "o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\n"
      "s=Call to John Smith\r\n"
      "i=SDP Offer #1\r\n"
      "u=http://www.jdoe.example.com/home.html\r\n"
      "e=Jane Doe <jane@jdoe.example.com>\r\n"
      "p=+1 617 555-6011\r\n"
      "c=IN IP4 198.51.100.1\r\n"
      "t=0 0\r\n"
      "m=audio 49170 RTP/AVP 0\r\n"
      "m=audio 49180 RTP/AVP 0\r\n"
      "m=video 51372 RTP/AVP 99\r\n"
      "c=IN IP6 2001:db8::2\r\n"
      "a=rtpmap:99 h263-1998/90000\r\n",
      3, GH_CARRY_NOTHING },

    /* The RFC folds the crypto lines for the page; on the wire they are one line each. */
    { "RFC 4568 section 4",
      "v=0\r\n"
      "o=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\n"
      "s=SDP Seminar\r\n"
      "i=A Seminar on the session description protocol\r\n"
      "u=http://www.example.com/seminars/sdp.pdf\r\n"
      "e=j.doe@example.com (Jane Doe)\r\n"
      "c=IN IP4 161.44.17.12/127\r\n"
      "t=2873397496 2873404696\r\n"
      "m=video 51372 RTP/SAVP 31\r\n"
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
      "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32\r\n"
      "m=audio 49170 RTP/SAVP 0\r\n"
      "a=crypto:1 AES_CM_128_HMAC_SHA1_32 "
      "inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32\r\n"
      "m=application 32416 udp wb\r\n"
      "a=orient:portrait\r\n",
      3, GH_CARRY_SECRET },

    { "RFC 4568, the offer of the offer/answer example",
      "v=0\r\n"
      "o=sam 2890844526 2890842807 IN IP4 10.47.16.5\r\n"
      "s=SRTP Discussion\r\n"
      "i=A discussion of Secure RTP\r\n"
      "u=http://www.example.com/seminars/srtp.pdf\r\n"
      "e=marge@example.com (Marge Simpson)\r\n"
      "c=IN IP4 168.2.17.12\r\n"
      "t=2873397496 2873404696\r\n"
      "m=audio 49170 RTP/SAVP 0\r\n"
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
      "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 FEC_ORDER=FEC_SRTP\r\n"
      "a=crypto:2 F8_128_HMAC_SHA1_80 "
      "inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;"
      "inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4 FEC_ORDER=FEC_SRTP\r\n",
      1, GH_CARRY_SECRET },

    /* RTP/AVP with a=crypto: "optional SRTP" in the shape of RFC 8643 section 3.1. */
    { "RFC 8643, SDES offered with AVP and a fingerprint beside it",
      "v=0\n"
      "o=- 20518 0 IN IP4 203.0.113.1\n"
      "s=\n"
      "t=0 0\n"
      "a=fingerprint:SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\n"
      "a=setup:actpass\n"
      "c=IN IP6 2001:db8::1\n"
      "m=audio 49170 RTP/AVP 0 8\n"
      "a=crypto:1 AES_256_CM_HMAC_SHA1_80 "
      "inline:Aw8dLT9TaYGbt9X1FzthibPfDT1vo9kRS4fFBUeL0Rljr/1Nn/NJoftXtRV32w==\n"
      "a=rtcp:53020 IN IP6 2001:db8::1\n"
      "a=rtcp-mux",
      1, GH_CARRY_SECRET | GH_CARRY_FINGERPRINT },

    /* Release 15 in shape: all suites, a video line, the iX channel with "best effort" DTLS. */
    { "CUCM, early offer with GCM, _80, _32, video and iX",
      "v=0\r\n"
      "o=CiscoSystemsCCM-SIP 161095 1 IN IP4 192.0.2.10\r\n"
      "s=SIP Call\r\n"
      "c=IN IP4 192.0.2.20\r\n"
      "b=AS:2000\r\n"
      "b=CT:2000\r\n"
      "t=0 0\r\n"
      "m=audio 24632 RTP/SAVP 114 9 124 0 8 116 18 101\r\n"
      "b=TIAS:64000\r\n"
      "a=crypto:1 AEAD_AES_256_GCM inline:" KEY_GCM_256 "\r\n"
      "a=crypto:2 AEAD_AES_128_GCM inline:" KEY_GCM_128 "\r\n"
      "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" KEY_CM_80 "\r\n"
      "a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:" KEY_CM_32 "\r\n"
      "a=rtpmap:114 opus/48000/2\r\n"
      "a=rtpmap:9 G722/8000\r\n"
      "a=rtpmap:0 PCMU/8000\r\n"
      "a=rtpmap:8 PCMA/8000\r\n"
      "a=rtpmap:18 G729/8000\r\n"
      "a=fmtp:18 annexb=no\r\n"
      "a=rtpmap:101 telephone-event/8000\r\n"
      "a=fmtp:101 0-15\r\n"
      "a=trafficclass:conversational.audio.avconf.aq:admitted\r\n"
      "m=video 24634 RTP/SAVP 126 97\r\n"
      "b=TIAS:2000000\r\n"
      "a=crypto:1 AEAD_AES_256_GCM "
      "inline:ucXT4/UJHzdRbYurzfEXP2mVw/MlWY/HAT17u/1Bh88ZZbMDVan/V7ENa8s=\r\n"
      "a=label:11\r\n"
      "a=rtpmap:126 H264/90000\r\n"
      "a=fmtp:126 profile-level-id=42E01F;packetization-mode=1;max-mbps=108000;max-fs=3600\r\n"
      "a=rtpmap:97 H264/90000\r\n"
      "a=fmtp:97 profile-level-id=42E01F\r\n"
      "a=content:main\r\n"
      "a=rtcp-fb:* nack pli\r\n"
      "a=rtcp-fb:* ccm fir\r\n"
      "m=application 24638 UDP/UDT/IX *\r\n"
      "a=ixmap:0 ping\r\n"
      "a=ixmap:2 xccp\r\n"
      "a=setup:actpass\r\n"
      "a=fingerprint:SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n",
      3, GH_CARRY_SECRET | GH_CARRY_FINGERPRINT },

    /* Before 10.5(2): one suite.  Port 4000 stands for "no media yet". */
    { "CUCM 9.1, placeholder answer on hold",
      "v=0\r\n"
      "o=CiscoSystemsCCM-SIP 41097 3 IN IP4 10.0.2.10\r\n"
      "s=SIP Call\r\n"
      "c=IN IP4 0.0.0.0\r\n"
      "t=0 0\r\n"
      "m=audio 4000 RTP/SAVP 0 101\r\n"
      "a=X-cisco-media:umoh\r\n"
      "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" KEY_CM_32 "\r\n"
      "a=rtpmap:0 PCMU/8000\r\n"
      "a=ptime:20\r\n"
      "a=rtpmap:101 telephone-event/8000\r\n"
      "a=fmtp:101 0-15\r\n"
      "a=inactive\r\n",
      1, GH_CARRY_SECRET },

    { "bare minimum, mixed line ends, empty lines at the end",
      "v=0\n"
      "o=- 1 1 IN IP4 host.invalid\r\n"
      "s=\n"
      "t=0 0\r\n"
      "\r\n"
      "\n",
      0, GH_CARRY_NOTHING },

    { NULL, NULL, 0, GH_CARRY_NOTHING }
};
