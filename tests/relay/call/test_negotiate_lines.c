/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that do not hold, and offers with lines that are not used: RFC 4568 sections 6 and 7. */
#include "support_scenario.h"

#define AG_BARE "a2V5IGdjbSBvZiBzaWRlIGEsIGZvcnR5LWZvdXIgb2N0ZXRzLCBubyBtb3I"
#define BG_BARE "a2V5IGdjbSBvZiBzaWRlIGIsIGZvcnR5LWZvdXIgb2N0ZXRzLCBubyBtb3I"
#define GCM_TO_B                                                                                   \
    "m=audio 40002 RTP/SAVP 0\na=crypto:1 " GCM " inline:@AG\na=crypto:2 " AES80 " inline:@own\n"
/* Two lines, both copied; a's second key lacks its =. */
#define SECOND_BARE                                                                                \
    .a = { REQUIRED }, .b = { REQUIRED }, .before = GH_GRADE_HOP_BY_HOP,                           \
    .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM           \
             " inline:" AG_BARE "\n",                                                              \
    .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM           \
            " inline:@AG\n"

static const struct scenario scenarios[] = {
    /* ---- answers that do not hold ---- */
    { .name = "another tag, one line of that suite",
      USUAL,
      .answer = ANSWER("9", AES80, "@B1"),
      .to_a = TO_A_LINE("1", AES80, "@B1"),
      .sides = AES80 " pass " AES80 " pass",
      .marks = "tag_renumbered",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "another tag with strict_tags",
      .a = { REQUIRED },
      .b = { REQUIRED, .strict = true },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("9", AES80, "@B1"),
      .answer_in = GH_REASON_CRYPTO_ANSWER_BAD },
    { .name = "base64 without its =, in the offer: taken, said, written as it should be",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " GCM " inline:" AG_BARE "\n",
      .to_b = GCM_TO_B,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", GCM, "@BG"),
      .to_a = TO_A_LINE("1", GCM, "@BG"),
      .sides = GCM " pass " GCM " pass",
      .marks = "padding_missing",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "the same in the answer, before a lifetime",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " GCM " inline:@AG\n",
      .to_b = GCM_TO_B,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", GCM, BG_BARE "|2^20"),
      .to_a = TO_A_LINE("1", GCM, "@BG|2^20"),
      .sides = GCM " pass " GCM " pass",
      .marks = "padding_missing",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "the same on a line that nobody took: nothing to say",
      SECOND_BARE,
      .answer = ANSWER("1", AES80, "@B1"),
      .to_a = TO_A_LINE("1", AES80, "@B1"),
      PASSES(AES80) },
    { .name = "the same on a line that the answerer took and we would not have",
      SECOND_BARE,
      .answer = ANSWER("2", GCM, "@BG"),
      .to_a = TO_A_LINE("2", GCM, "@BG"),
      .sides = GCM " pass " GCM " pass",
      .marks = "padding_missing",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "a suite that was not offered",
      USUAL,
      .answer = ANSWER("1", C256, "@AC"),
      .answer_in = GH_REASON_CRYPTO_ANSWER_BAD },
    { .name = "two lines",
      USUAL,
      .answer = ANSWER("1", AES80, "@B1") "a=crypto:2 " GCM " inline:@BG\n",
      .answer_in = GH_REASON_CRYPTO_ANSWER_BAD },
    { .name = "SAVP without a line",
      USUAL,
      .answer = "m=audio 6000 RTP/SAVP 0\n",
      .answer_in = GH_REASON_PROFILE_MISMATCH },
    { .name = "a key that is too short",
      USUAL,
      .answer = ANSWER("1", AES80, "AAECAwQFBgcICQoLDA0ODw=="),
      .answer_in = GH_REASON_NO_USABLE_CRYPTO },
    { .name = "a's key comes back on the copied line",
      USUAL,
      .answer = ANSWER("1", AES80, "@A1"),
      .answer_in = GH_REASON_KEY_ECHOED },
    { .name = "a's other key comes back",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " AES80
               " inline:@A2\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " AES80
              " inline:@A2\na=crypto:3 " GCM " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", AES80, "@A1"),
      .answer_in = GH_REASON_KEY_ECHOED },
    { .name = "a's key from a destination that did not get it",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .again = true,
      .offer = OFFER_SAVP,
      .to_b = OWN_ONLY("RTP/SAVP"),
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", AES80, "@A1"),
      .answer_in = GH_REASON_KEY_ECHOED },
    { .name = "DTLS",
      USUAL,
      .answer = "m=audio 6000 UDP/TLS/RTP/SAVP 0\n",
      .answer_in = GH_REASON_PROFILE_MISMATCH },
    { .name = "not RTP",
      USUAL,
      .answer = "m=audio 6000 TCP/RTP/SAVP 0\n",
      .answer_in = GH_REASON_PROFILE_MISMATCH },
    { .name = "another kind of media",
      USUAL,
      .answer = "m=video 6000 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_BAD_SDP },
    { .name = "an m-line too many",
      USUAL,
      .answer = ANSWER("1", AES80, "@B1") "m=audio 0 RTP/SAVP 0\n",
      .answer_in = GH_REASON_BAD_SDP },
    { .name = "an IPv6 address",
      USUAL,
      .answer = "m=audio 6000 RTP/SAVP 0\nc=IN IP6 2001:db8::2\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "a host name",
      USUAL,
      .answer =
          "m=audio 6000 RTP/SAVP 0\nc=IN IP4 phone.example.net\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "a multicast address",
      USUAL,
      .answer =
          "m=audio 6000 RTP/SAVP 0\nc=IN IP4 233.252.0.1/127\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "port 0: nothing is live",
      USUAL,
      .answer = "m=audio 0 RTP/SAVP 0\n",
      .to_a = "m=audio 0 RTP/SAVP 0\n",
      .sides = "",
      .marks = "",
      .after = GH_GRADE_NONE },

    /* ---- offers with lines that are not used: RFC 4568 section 6 ---- */
    { .name = "an MKI: the line is taken, and its key crosses to nobody",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:3 " AES80 " inline:@A1|2^20|1:4\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " GCM " inline:@own\na=crypto:2 " AES80
              " inline:@own\n",
      .answer = "m=audio 6004 RTP/SAVP 0\na=crypto:2 " AES80 " inline:@B1|7:2\n",
      .to_a = "m=audio 40000 RTP/SAVP 0\na=crypto:3 " AES80 " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      IS_BRIDGED(AES80, AES80) },
    { .name = "two keys: the line is taken, and neither crosses",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:3 " AES80
               " inline:@A1|2^20|1:4;inline:@A2|2^20|2:4\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " GCM " inline:@own\na=crypto:2 " AES80
              " inline:@own\n",
      .answer = "m=audio 6004 RTP/SAVP 0\na=crypto:2 " AES80
                " inline:@B1|7:2;inline:@B2|8:2;inline:@B3|9:2\n",
      .to_a = "m=audio 40000 RTP/SAVP 0\na=crypto:3 " AES80 " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      IS_BRIDGED(AES80, AES80) },
    { .name = "two keys, the second without its =",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " GCM " inline:@AG|1:1;inline:" BG_BARE
               "|2:1\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " GCM " inline:@own\na=crypto:2 " AES80
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", AES80, "@B1"),
      .to_a = TO_A_LINE("1", GCM, "@own"),
      .sides = GCM " bridge " AES80 " bridge",
      .marks = "padding_missing",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "two keys, and another line that can be copied, which is picked",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1|1:4;inline:@A2|2:4\n"
               "a=crypto:2 " AES80 " inline:@A3\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A3\na=crypto:2 " GCM
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1"),
      .to_a = TO_A_LINE("2", AES80, "@B1"),
      PASSES(AES80) },
    { .name = "two keys answer a line that was copied: that one passes, they do not",
      USUAL,
      .answer = ANSWER("1", AES80, "@B1|1:1;inline:@B2|2:1"),
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " pass " AES80 " bridge",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "an answer with two keys that nothing tells apart",
      USUAL,
      .answer = ANSWER("1", AES80, "@B1;inline:@B2"),
      .answer_in = GH_REASON_NO_USABLE_CRYPTO },
    { .name = "an unknown suite, a bad key, an MKI without length, a parameter, five keys: skipped",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\n"
               "a=crypto:1 F8_128_HMAC_SHA1_80 inline:@A2\n"
               "a=crypto:2 " AES80 " inline:AAECAwQFBgcICQoLDA0ODw==\n"
               "a=crypto:3 " AES80 " inline:@A2|2^20|1:0\n"
               "a=crypto:4 " AES80 " inline:@A2 KDR=3\n"
               "a=crypto:5 " AES80 " inline:@A1|1:4;inline:@A2|2:4;inline:@A3|3:4;"
               "inline:@B1|4:4;inline:@B2|5:4\n"
               "a=crypto:6 " AES80 " inline:@A1 UNENCRYPTED_SRTP\n"
               "a=crypto:7 " AES80 " inline:@A1 KDR=0\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1"),
      .to_a = TO_A_LINE("7", AES80, "@B1"),
      PASSES(AES80) },
    { .name = "a tag twice: nobody knows which line an answer means",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:1 " GCM
               " inline:@AG\n",
      .offer_in = GH_REASON_NO_USABLE_CRYPTO },
    { .name = "SAVP with nothing usable",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1|2^20|1:0\n",
      .offer_in = GH_REASON_NO_USABLE_CRYPTO },
    { .name = "a lifetime beyond RFC 3711 section 9.2",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1|2^49\n",
      .offer_in = GH_REASON_NO_USABLE_CRYPTO },
    { .name = "a suite that a's trunk does not list",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES32 " inline:@A1\n",
      .offer_in = GH_REASON_NO_USABLE_CRYPTO },
    { .name = "AVP with nothing usable goes clear",
      .a = { ALLOWED },
      .b = { OFF },
      .offer = "m=audio 5004 RTP/AVP 0\na=crypto:1 " AES80 " inline:@A1|2^20|1:0\n",
      .to_b = "m=audio 40002 RTP/AVP 0\n",
      .before = GH_GRADE_CLEAR,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .to_a = "m=audio 40000 RTP/AVP 0\n",
      .sides = "none clear none clear",
      .marks = "no_usable_crypto",
      .after = GH_GRADE_CLEAR },
    { .name = "a fingerprint beside keys",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=setup:actpass\na=fingerprint:sha-1 "
               "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\na=crypto:1 " AES80
               " inline:@A1\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1"),
      .to_a = TO_A_LINE("1", AES80, "@B1"),
      PASSES(AES80) },
};

static void each_scenario(void)
{
    check_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}

int main(void)
{
    RUN(each_scenario);
    return CHECK_REPORT();
}
