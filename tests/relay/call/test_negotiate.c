/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offers and answers across the B2BUA, as text: what side a wrote, what side b must get, what b
 * answered, what a must get, and what the media plane is told.  The rules are those of the design's
 * media and policy chapters; RFC 3264, RFC 4568, RFC 8643.  Proof over all combinations, wiping and
 * memory: test_negotiate_proof.c.
 */
#include <stdarg.h>

#include "support/check.h"
#include "support_negotiate.h"

#define REQUIRED     .srtp = GH_SRTP_REQUIRED, .signalling = GH_SIG_TLS_VERIFIED
#define ALLOWED      .srtp = GH_SRTP_ALLOWED, .signalling = GH_SIG_TLS_VERIFIED
#define OFF          .srtp = GH_SRTP_OFF, .signalling = GH_SIG_TLS_VERIFIED
#define ALLOWED_TCP  .srtp = GH_SRTP_ALLOWED, .signalling = GH_SIG_CLEAR
#define ALLOWED_NULL .srtp = GH_SRTP_ALLOWED, .signalling = GH_SIG_TLS_NULL

/* The usual: one line offered, our copy of it and one line of our own written, the copy picked. */
#define OFFER_SAVP                                                                                 \
    "m=audio 5004 RTP/SAVP 0 8\na=crypto:1 " AES80 " inline:@A1\na=rtpmap:0 PCMU/8000\n"
#define COPY_AND_OWN                                                                               \
    "m=audio 40002 RTP/SAVP 0 8\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM                 \
    " inline:@own\na=rtpmap:0 PCMU/8000\n"
#define OWN_ONLY(proto)                                                                            \
    "m=audio 40002 " proto " 0 8\na=crypto:1 " GCM " inline:@own\na=crypto:2 " AES80               \
    " inline:@own\na=rtpmap:0 PCMU/8000\n"
#define ANSWER(tag, suite, key)                                                                    \
    "m=audio 6000 RTP/SAVP 0\na=crypto:" tag " " suite " inline:" key "\n"
#define TO_A_LINE(tag, suite, key)                                                                 \
    "m=audio 40000 RTP/SAVP 0\na=crypto:" tag " " suite " inline:" key "\n"
#define OFFER_AVP "m=audio 5004 RTP/AVP 0 8\na=rtpmap:0 PCMU/8000\n"

struct scenario {
    const char *name;
    struct nego_who a, b;
    const char *offer;       /* media sections of side a */
    bool again;              /* another destination was tried before */
    enum gh_reason offer_in; /* refused there; NO_RULE: not refused */
    enum gh_reason offer_out;
    const char *to_b;     /* media sections that we write */
    enum gh_grade before; /* best grade with the offer */
    const char *answer;   /* media sections of side b */
    bool fallback;        /* with X-cisco-srtp-fallback */
    enum gh_reason answer_in;
    const char *to_a;
    const char *sides; /* of the first m-line: suite and path of a, of b */
    const char *marks;
    enum gh_grade after;
};

static const struct scenario scenarios[] = {
    /* ---- both keyed ---- */
    { .name = "the copied line",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1"),
      .to_a = TO_A_LINE("1", AES80, "@B1"),
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "our own line",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", GCM, "@BG"),
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge " GCM " bridge",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "a's tag is not ours",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:77 " AES80 " inline:@A1\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1"),
      .to_a = TO_A_LINE("77", AES80, "@B1"),
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "two lines of one suite, the second picked",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:4 " AES80 " inline:@A1\na=crypto:9 " AES80
               " inline:@A2\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " AES80
              " inline:@A2\na=crypto:3 " GCM " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", AES80, "@B1"),
      .to_a = TO_A_LINE("9", AES80, "@B1"),
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "two suites, both copied",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
               " inline:@AG\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@AG\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", GCM, "@BG"),
      .to_a = TO_A_LINE("2", GCM, "@BG"),
      .sides = GCM " pass " GCM " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "a suite that b's trunk does not list",
      .a = { REQUIRED },
      .b = { REQUIRED, .suites = { GH_AEAD_AES_256_GCM } },
      .offer = OFFER_SAVP,
      .to_b = "m=audio 40002 RTP/SAVP 0 8\na=crypto:1 " GCM " inline:@own\na=rtpmap:0 PCMU/8000\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", GCM, "@BG"),
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge " GCM " bridge",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "the trunk's order, not the offerer's",
      .a = { REQUIRED, .local_order = true },
      .b = { REQUIRED, .suites = { GH_AES_256_CM_HMAC_SHA1_80 } },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
               " inline:@AG\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " C256 " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", C256, "@AC"),
      .to_a = TO_A_LINE("2", GCM, "@own"),
      .sides = GCM " bridge " C256 " bridge",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "a's trunk says bridge",
      .a = { REQUIRED, .bridge = true },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = OWN_ONLY("RTP/SAVP"),
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", AES80, "@B1"),
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge " AES80 " bridge",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "b's trunk says bridge",
      .a = { REQUIRED },
      .b = { REQUIRED, .bridge = true },
      .offer = OFFER_SAVP,
      .to_b = OWN_ONLY("RTP/SAVP"),
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", AES80, "@B1"),
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge " AES80 " bridge",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "not the first destination: no key crosses either way",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .again = true,
      .offer = OFFER_SAVP,
      .to_b = OWN_ONLY("RTP/SAVP"),
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", AES80, "@B1"),
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge " AES80 " bridge",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "lifetimes go with their keys",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1|2^31\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1|2^31\na=crypto:2 " GCM
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1|1000"),
      .to_a = TO_A_LINE("1", AES80, "@B1|1000"),
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "a lifetime does not go with another key",
      .a = { REQUIRED },
      .b = { REQUIRED, .bridge = true },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1|2^31\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " GCM " inline:@own\na=crypto:2 " AES80
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("2", AES80, "@B1|1000"),
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge " AES80 " bridge",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "feedback profile",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVPF 0\na=crypto:1 " AES80 " inline:@A1\n",
      .to_b = "m=audio 40002 RTP/SAVPF 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 RTP/SAVPF 0\na=crypto:1 " AES80 " inline:@B1\n",
      .to_a = "m=audio 40000 RTP/SAVPF 0\na=crypto:1 " AES80 " inline:@B1\n",
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },

    /* ---- best effort: RFC 8643 ---- */
    { .name = "AVP with keys, answered AVP with keys",
      .a = { ALLOWED },
      .b = { ALLOWED },
      .offer = "m=audio 5004 RTP/AVP 0 8\na=crypto:1 " AES80 " inline:@A1\na=rtpmap:0 PCMU/8000\n",
      .to_b = "m=audio 40002 RTP/AVP 0 8\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@own\na=rtpmap:0 PCMU/8000\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 RTP/AVP 0\na=crypto:1 " AES80 " inline:@B1\n",
      .to_a = "m=audio 40000 RTP/AVP 0\na=crypto:1 " AES80 " inline:@B1\n",
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "AVP with keys, answered SAVP: a gets AVP",
      .a = { ALLOWED },
      .b = { ALLOWED },
      .offer = "m=audio 5004 RTP/AVP 0\na=crypto:1 " AES80 " inline:@A1\n",
      .to_b = "m=audio 40002 RTP/AVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1"),
      .to_a = "m=audio 40000 RTP/AVP 0\na=crypto:1 " AES80 " inline:@B1\n",
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "AVP with keys to b, who has none: a stays keyed",
      .a = { REQUIRED },
      .b = { ALLOWED },
      .offer = OFFER_SAVP,
      .to_b = "m=audio 40002 RTP/AVP 0 8\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@own\na=rtpmap:0 PCMU/8000\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge none bridge",
      .marks = "srtp_fallback",
      .after = GH_GRADE_MIXED },
    { .name = "SAVP by best effort, fallback said",
      .a = { REQUIRED },
      .b = { ALLOWED, .savp = true },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .fallback = true,
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge none bridge",
      .marks = "srtp_fallback",
      .after = GH_GRADE_MIXED },
    { .name = "SAVP by best effort, fallback not said",
      .a = { REQUIRED },
      .b = { ALLOWED, .savp = true },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .answer_in = GH_REASON_PROFILE_MISMATCH },
    { .name = "required: no fallback, said or not",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .fallback = true,
      .answer_in = GH_REASON_PROFILE_MISMATCH },

    /* ---- a without keys ---- */
    { .name = "AVP to a trunk that wants SRTP",
      .a = { ALLOWED },
      .b = { REQUIRED },
      .offer = OFFER_AVP,
      .to_b = OWN_ONLY("RTP/SAVP"),
      .before = GH_GRADE_MIXED,
      .answer = ANSWER("1", GCM, "@BG"),
      .to_a = "m=audio 40000 RTP/AVP 0\n",
      .sides = "none bridge " GCM " bridge",
      .marks = "media_clear",
      .after = GH_GRADE_MIXED },
    { .name = "AVP on both",
      .a = { OFF },
      .b = { OFF },
      .offer = OFFER_AVP,
      .to_b = "m=audio 40002 RTP/AVP 0 8\na=rtpmap:0 PCMU/8000\n",
      .before = GH_GRADE_CLEAR,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .to_a = "m=audio 40000 RTP/AVP 0\n",
      .sides = "none clear none clear",
      .marks = "",
      .after = GH_GRADE_CLEAR },
    { .name = "keys that off does not want are declined",
      .a = { OFF },
      .b = { OFF },
      .offer = "m=audio 5004 RTP/AVP 0\na=crypto:1 " AES80 " inline:@A1\n",
      .to_b = "m=audio 40002 RTP/AVP 0\n",
      .before = GH_GRADE_CLEAR,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .to_a = "m=audio 40000 RTP/AVP 0\n",
      .sides = "none clear none clear",
      .marks = "srtp_off",
      .after = GH_GRADE_CLEAR },
    { .name = "off refuses SAVP",
      .a = { OFF },
      .b = { OFF },
      .offer = OFFER_SAVP,
      .offer_in = GH_REASON_SRTP_OFF },
    { .name = "required refuses AVP",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_AVP,
      .offer_in = GH_REASON_SRTP_REQUIRED },

    /* ---- signalling that proves less ---- */
    { .name = "to TCP: no key leaves",
      .a = { REQUIRED },
      .b = { ALLOWED_TCP },
      .offer = OFFER_SAVP,
      .to_b = "m=audio 40002 RTP/AVP 0 8\na=rtpmap:0 PCMU/8000\n",
      .before = GH_GRADE_MIXED,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge none bridge",
      .marks = "key_over_clear_signalling media_clear",
      .after = GH_GRADE_MIXED },
    { .name = "to TLS with a NULL cipher: no key leaves",
      .a = { REQUIRED },
      .b = { ALLOWED_NULL },
      .offer = OFFER_SAVP,
      .to_b = "m=audio 40002 RTP/AVP 0 8\na=rtpmap:0 PCMU/8000\n",
      .before = GH_GRADE_MIXED,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .to_a = TO_A_LINE("1", AES80, "@own"),
      .sides = AES80 " bridge none bridge",
      .marks = "key_over_null_cipher media_clear",
      .after = GH_GRADE_MIXED },
    { .name = "to TLS that is not verified",
      .a = { REQUIRED },
      .b = { .srtp = GH_SRTP_ALLOWED, .signalling = GH_SIG_TLS_UNVERIFIED },
      .offer = OFFER_SAVP,
      .offer_out = GH_REASON_KEY_OVER_UNVERIFIED_TLS },
    { .name = "required over a NULL cipher",
      .a = { REQUIRED },
      .b = { .srtp = GH_SRTP_REQUIRED, .signalling = GH_SIG_TLS_NULL },
      .offer = OFFER_SAVP,
      .offer_out = GH_REASON_SRTP_REQUIRED },
    { .name = "from TCP with keys",
      .a = { ALLOWED_TCP },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .offer_in = GH_REASON_KEY_OVER_CLEAR_SIGNALLING },
    { .name = "from a NULL cipher with keys",
      .a = { ALLOWED_NULL },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .offer_in = GH_REASON_KEY_OVER_NULL_CIPHER },
    { .name = "from TLS that is not verified",
      .a = { .srtp = GH_SRTP_ALLOWED, .signalling = GH_SIG_TLS_UNVERIFIED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .offer_in = GH_REASON_KEY_OVER_UNVERIFIED_TLS },
    { .name = "keys that TCP answers with",
      .a = { ALLOWED },
      .b = { ALLOWED_TCP },
      .offer = OFFER_AVP,
      .to_b = "m=audio 40002 RTP/AVP 0 8\na=rtpmap:0 PCMU/8000\n",
      .before = GH_GRADE_CLEAR,
      .answer = "m=audio 6000 RTP/AVP 0\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_KEY_OVER_CLEAR_SIGNALLING },
    { .name = "keys that nobody offered",
      .a = { ALLOWED },
      .b = { OFF },
      .offer = OFFER_AVP,
      .to_b = "m=audio 40002 RTP/AVP 0 8\na=rtpmap:0 PCMU/8000\n",
      .before = GH_GRADE_CLEAR,
      .answer = "m=audio 6000 RTP/AVP 0\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_CRYPTO_ANSWER_BAD },

    /* ---- answers that do not hold ---- */
    { .name = "another tag, one line of that suite",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
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
    { .name = "a suite that was not offered",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", C256, "@AC"),
      .answer_in = GH_REASON_CRYPTO_ANSWER_BAD },
    { .name = "two lines",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1") "a=crypto:2 " GCM " inline:@BG\n",
      .answer_in = GH_REASON_CRYPTO_ANSWER_BAD },
    { .name = "SAVP without a line",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 RTP/SAVP 0\n",
      .answer_in = GH_REASON_PROFILE_MISMATCH },
    { .name = "a key that is too short",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "AAECAwQFBgcICQoLDA0ODw=="),
      .answer_in = GH_REASON_NO_USABLE_CRYPTO },
    { .name = "a's key comes back on the copied line",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
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
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 UDP/TLS/RTP/SAVP 0\n",
      .answer_in = GH_REASON_PROFILE_MISMATCH },
    { .name = "not RTP",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 TCP/RTP/SAVP 0\n",
      .answer_in = GH_REASON_PROFILE_MISMATCH },
    { .name = "another kind of media",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=video 6000 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_BAD_SDP },
    { .name = "an m-line too many",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1") "m=audio 0 RTP/SAVP 0\n",
      .answer_in = GH_REASON_BAD_SDP },
    { .name = "an IPv6 address",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 RTP/SAVP 0\nc=IN IP6 2001:db8::2\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "a host name",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer =
          "m=audio 6000 RTP/SAVP 0\nc=IN IP4 phone.example.net\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "a multicast address",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer =
          "m=audio 6000 RTP/SAVP 0\nc=IN IP4 233.252.0.1/127\na=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "port 0: nothing is live",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP,
      .to_b = COPY_AND_OWN,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 0 RTP/SAVP 0\n",
      .to_a = "m=audio 0 RTP/SAVP 0\n",
      .sides = "",
      .marks = "",
      .after = GH_GRADE_NONE },

    /* ---- offers with lines that are not used: RFC 4568 section 6 ---- */
    { .name = "an unknown suite, a bad key, an MKI, a parameter, two keys: skipped",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\n"
               "a=crypto:1 F8_128_HMAC_SHA1_80 inline:@A2\n"
               "a=crypto:2 " AES80 " inline:AAECAwQFBgcICQoLDA0ODw==\n"
               "a=crypto:3 " AES80 " inline:@A2|2^20|1:4\n"
               "a=crypto:4 " AES80 " inline:@A2 KDR=3\n"
               "a=crypto:5 " AES80 " inline:@A1|1:4;inline:@A2|2:4\n"
               "a=crypto:6 " AES80 " inline:@A1 UNENCRYPTED_SRTP\n"
               "a=crypto:7 " AES80 " inline:@A1 KDR=0\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1"),
      .to_a = TO_A_LINE("7", AES80, "@B1"),
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "a tag twice: nobody knows which line an answer means",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:1 " GCM
               " inline:@AG\n",
      .offer_in = GH_REASON_NO_USABLE_CRYPTO },
    { .name = "SAVP with nothing usable",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1|2^20|1:4\n",
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
      .offer = "m=audio 5004 RTP/AVP 0\na=crypto:1 " AES80 " inline:@A1|2^20|1:4\n",
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
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },

    /* ---- several m-lines, and such as are not relayed ---- */
    { .name = "audio and video, one bridged",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP "m=video 5006 RTP/SAVP 97\na=crypto:1 " AES80 " inline:@A2\n",
      .to_b = COPY_AND_OWN "m=video 40006 RTP/SAVP 97\na=crypto:1 " AES80
                           " inline:@A2\na=crypto:2 " GCM " inline:@own\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer =
          ANSWER("1", AES80, "@B1") "m=video 6002 RTP/SAVP 97\na=crypto:2 " GCM " inline:@BG\n",
      .to_a = TO_A_LINE("1", AES80, "@B1") "m=video 40004 RTP/SAVP 97\na=crypto:1 " AES80
                                           " inline:@own\n",
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "BFCP, a data channel and a refused line stay refused, whatever b says",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP
      "m=application 5070 UDP/BFCP *\na=floorctrl:c-s\nm=application 5072 UDP/DTLS/SCTP "
      "webrtc-datachannel\nm=video 0 RTP/SAVP 97\n",
      .to_b = COPY_AND_OWN
      "m=application 0 UDP/BFCP *\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\n"
      "m=video 0 RTP/SAVP 97\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80,
                       "@B1") "m=application 7000 UDP/BFCP *\nm=application 0 UDP/DTLS/SCTP "
                              "webrtc-datachannel\nm=video 7002 RTP/SAVP 97\na=crypto:1 " AES80
                              " inline:@B2\n",
      .to_a =
          TO_A_LINE("1", AES80, "@B1") "m=application 0 UDP/BFCP *\nm=application 0 UDP/DTLS/SCTP "
                                       "webrtc-datachannel\nm=video 0 RTP/SAVP 97\n",
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "the second line without keys is refused, not cleared",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP "m=video 5006 RTP/AVP 97\n",
      .to_b = COPY_AND_OWN "m=video 0 RTP/AVP 97\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1") "m=video 0 RTP/AVP 97\n",
      .to_a = TO_A_LINE("1", AES80, "@B1") "m=video 0 RTP/AVP 97\n",
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "a clear stream beside a keyed one",
      .a = { ALLOWED },
      .b = { ALLOWED },
      .offer = OFFER_AVP "m=video 5006 RTP/SAVP 97\na=crypto:1 " AES80 " inline:@A2\n",
      .to_b = OWN_ONLY("RTP/AVP") "m=video 40006 RTP/AVP 97\na=crypto:1 " AES80
                                  " inline:@A2\na=crypto:2 " GCM " inline:@own\n",
      .before = GH_GRADE_MIXED,
      .answer =
          "m=audio 6000 RTP/AVP 0\nm=video 6002 RTP/AVP 97\na=crypto:1 " AES80 " inline:@B2\n",
      .to_a =
          "m=audio 40000 RTP/AVP 0\nm=video 40004 RTP/SAVP 97\na=crypto:1 " AES80 " inline:@B2\n",
      .sides = "none clear none clear",
      .marks = "media_clear srtp_fallback",
      .after = GH_GRADE_MIXED },
    { .name = "DTLS alone",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 UDP/TLS/RTP/SAVP 0\n",
      .offer_in = GH_REASON_KEYING_NOT_AVAILABLE },
    { .name = "nothing that is relayed",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=application 5070 TCP/BFCP *\n",
      .offer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "only a refused line",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 0 RTP/SAVP 0\n",
      .offer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "the offer's address is a name",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer =
          "m=audio 5004 RTP/SAVP 0\nc=IN IP4 phone.example.net\na=crypto:1 " AES80 " inline:@A1\n",
      .offer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "the offer's address is multicast",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer =
          "m=audio 5004 RTP/SAVP 0\nc=IN IP4 233.252.0.1/127\na=crypto:1 " AES80 " inline:@A1\n",
      .offer_in = GH_REASON_MEDIA_NOT_RELAYED },
    { .name = "the offer's address is IPv6",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\nc=IN IP6 2001:db8::1\na=crypto:1 " AES80 " inline:@A1\n",
      .offer_in = GH_REASON_MEDIA_NOT_RELAYED },

    /* ---- what tells who or where a side is ---- */
    { .name = "nothing of a shows: RFC 8866 lines, ICE, rtcp, own c=",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = "m=audio 5004 RTP/SAVP 0\nc=IN IP4 192.0.2.77\na=rtcp:5099 IN IP4 "
               "192.0.2.78\na=rtcp-mux\n"
               "a=candidate:1 1 UDP 2130706431 192.0.2.79 5004 typ "
               "host\na=ice-ufrag:8hhY\na=x-host:192.0.2.80\n"
               "a=sendonly\na=crypto:1 " AES80 " inline:@A1\n",
      .to_b = "m=audio 40002 RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\na=crypto:2 " GCM
              " inline:@own\na=sendonly\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = "m=audio 6000 RTP/SAVP 0\nc=IN IP4 "
                "198.51.100.77\na=rtcp:6099\na=recvonly\na=crypto:1 " AES80 " inline:@B1\n",
      /* rtcp-mux is agreed with each side apart (RFC 5761 section 5.1.1); only a offered it. */
      .to_a = "m=audio 40000 RTP/SAVP 0\na=crypto:1 " AES80
              " inline:@B1\na=recvonly\na=rtcp-mux\n",
      .sides = AES80 " pass " AES80 " pass",
      .marks = "",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "what is not understood does not cross to TCP",
      .a = { ALLOWED },
      .b = { ALLOWED_TCP },
      .offer = OFFER_AVP "a=x-secret-plan:7\na=ptime:20\n",
      .to_b = "m=audio 40002 RTP/AVP 0 8\na=rtpmap:0 PCMU/8000\na=ptime:20\n",
      .before = GH_GRADE_CLEAR,
      .answer = "m=audio 6000 RTP/AVP 0\na=x-other-plan:8\n",
      .to_a = "m=audio 40000 RTP/AVP 0\na=x-other-plan:8\n",
      .sides = "none clear none clear",
      .marks = "key_over_clear_signalling media_clear",
      .after = GH_GRADE_CLEAR },
};

/* ---- one scenario
 * --------------------------------------------------------------------------------------- */

static enum gh_reason expected(enum gh_reason reason)
{
    return reason == GH_REASON_NO_RULE ? GH_REASON_NONE : reason;
}

static const char *marks_text(const struct gh_neg *neg, char out[512])
{
    struct gh_marks marks = gh_neg_marks(neg);

    out[0] = 0;
    for (int i = 0; i < GH_REASON_COUNT; i++) {
        if (!gh_marks_has(&marks, (enum gh_reason)i))
            continue;
        strcat(out, *out ? " " : "");
        strcat(out, gh_reason_name((enum gh_reason)i));
    }
    return out;
}

static const char *sides_text(const struct gh_neg_stream *stream, char out[128])
{
    static const char *const paths[] = { "nowhere", "clear", "pass", "bridge" };

    out[0] = 0;
    for (int s = 0; s < 2 && stream->live; s++) {
        strcat(out, s ? " " : "");
        strcat(out, gh_suite_info(stream->side[s].suite)->name);
        strcat(out, " ");
        strcat(out, paths[stream->side[s].path]);
    }
    return out;
}

/* Keys of the media plane against what was written: a side sends under what it declared, and so do
 * we. */
static void check_sets(struct gh_neg *neg)
{
    for (size_t i = 0; i < neg->count; i++) {
        struct gh_neg_stream *stream = &neg->streams[i];
        struct gh_media_set set[2];

        if (!stream->live)
            continue;
        for (int s = 0; s < 2; s++) {
            gh_neg_media_set(stream, s, &set[s]);
            CHECK_INT(set[s].side, s);
            CHECK_INT(set[s].rx_key.len, gh_suite_key_salt_len(set[s].suite));
            CHECK_INT(set[s].tx_key.len, gh_suite_key_salt_len(set[s].suite));
            CHECK_INT(set[s].rx_key.number, stream->side[s].rx_key);
            CHECK_INT(set[s].tx_key.number, stream->side[s].tx_key);
            CHECK(!gh_secret_equal(&set[s].rx_key, &set[s].tx_key));
        }
        for (int s = 0; s < 2; s++) {
            bool same = gh_secret_equal(&set[s].rx_key, &set[!s].tx_key);

            CHECK_INT(same, set[s].path == GH_PATH_PASS);
            CHECK_INT(set[s].may_receive, set[!s].may_send);
        }
        for (int s = 0; s < 2; s++) {
            gh_secret_wipe(&set[s].rx_key);
            gh_secret_wipe(&set[s].tx_key);
        }
    }
}

static void whole(char *out, const char *head, const char *media)
{
    snprintf(out, NEGO_TEXT_MAX, "%s%s", head, media ? media : "");
}

static void run_answer(const struct scenario *s, struct gh_neg *neg, const struct nego_leg *a,
                       const struct nego_leg *b)
{
    char text[NEGO_TEXT_MAX], octets[NEGO_TEXT_MAX], want[NEGO_TEXT_MAX], small[512];
    struct gh_sdp *doc = NULL;

    whole(text, B_HEAD, s->answer);
    CHECK_STR(gh_reason_name(gh_neg_answer_in(neg, nego_expand(text, octets), &b->leg, s->fallback)),
              gh_reason_name(expected(s->answer_in)));
    if (s->answer_in != GH_REASON_NO_RULE)
        return;
    CHECK_STR(gh_reason_name(gh_neg_answer_out(neg, NULL, &a->leg, &nego_self_a, &doc)), "none");
    CHECK_OR_STOP(doc != NULL);
    whole(want, TO_A, s->to_a);
    CHECK_STR(nego_print(doc, text), want);
    gh_sdp_free(doc);
    CHECK_STR(sides_text(&neg->streams[0], small), s->sides);
    CHECK_STR(marks_text(neg, small), s->marks);
    CHECK_STR(gh_grade_name(gh_neg_best_grade(neg, &a->leg, &b->leg)), gh_grade_name(s->after));
    check_sets(neg);
}

static void run_scenario(const struct scenario *s, struct gh_neg *neg)
{
    char text[NEGO_TEXT_MAX], octets[NEGO_TEXT_MAX], want[NEGO_TEXT_MAX];
    struct nego_leg a, b;
    struct gh_sdp *doc = NULL;
    enum gh_reason reason;

    nego_leg(&a, &s->a);
    nego_leg(&b, &s->b);
    whole(text, A_HEAD, s->offer);
    reason = gh_neg_offer_in(neg, nego_expand(text, octets), &a.leg);
    CHECK_STR(gh_reason_name(reason), gh_reason_name(expected(s->offer_in)));
    if (reason != GH_REASON_NONE)
        return;
    nego_ports(neg);
    reason = gh_neg_offer_out(neg, &a.leg, &b.leg, &nego_self_b, !s->again, &doc);
    CHECK_STR(gh_reason_name(reason), gh_reason_name(expected(s->offer_out)));
    if (reason != GH_REASON_NONE) {
        CHECK(!doc);
        return;
    }
    whole(want, TO_B, s->to_b);
    CHECK_STR(nego_print(doc, text), want);
    gh_sdp_free(doc);
    CHECK_STR(gh_grade_name(gh_neg_best_grade(neg, &a.leg, &b.leg)), gh_grade_name(s->before));
    run_answer(s, neg, &a, &b);
}

static void each_scenario(void)
{
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        struct gh_neg neg;
        int before = check_failed_total;

        gh_neg_init(&neg, GH_SIDE_A, NULL);
        run_scenario(&scenarios[i], &neg);
        gh_neg_settled(&neg);
        CHECK(!neg.offer && !neg.answer && !neg.streams[0].keys);
        gh_neg_fini(&neg);
        if (check_failed_total != before)
            fprintf(stderr, "  in scenario \"%s\"\n", scenarios[i].name);
    }
}

/* ---- limits
 * ---------------------------------------------------------------------------------------------------
 */

static const struct nego_who required = { REQUIRED };

static void append(char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void append(char *text, const char *fmt, ...)
{
    size_t len = strlen(text);
    va_list args;

    va_start(args, fmt);
    vsnprintf(text + len, NEGO_TEXT_MAX - len, fmt, args);
    va_end(args);
}

static void more_lines_than_are_looked_at(void)
{
    char text[NEGO_TEXT_MAX] = A_HEAD "m=audio 5004 RTP/SAVP 0\n", octets[NEGO_TEXT_MAX];
    struct nego_leg a, b;
    struct gh_neg neg;
    struct gh_sdp *doc = NULL;

    nego_leg(&a, &required);
    nego_leg(&b, &required);
    /* Eight that are not usable come first: the ninth is one line too far. */
    for (int i = 1; i <= GH_NEG_LINES_MAX; i++)
        append(text, "a=crypto:%d " AES32 " inline:@A1\n", i);
    strcat(text, "a=crypto:9 " AES80 " inline:@A1\n");
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(
                  gh_neg_offer_in(&neg, nego_expand(text, octets), &a.leg)),
              "no_usable_crypto");
    gh_neg_fini(&neg);

    /* Eight copies and own lines for every other suite: all the room there is. */
    b.rules.suite_count = 0;
    for (int suite = 1; suite < GH_SUITE_COUNT; suite++)
        b.rules.suites[b.rules.suite_count++] = (enum gh_suite)suite;
    strcpy(text, A_HEAD "m=audio 5004 RTP/SAVP 0\n");
    for (int i = 1; i <= GH_NEG_LINES_MAX + 2; i++)
        append(text, "a=crypto:%d " AES80 " inline:@A1\n", i);
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(
                  gh_neg_offer_in(&neg, nego_expand(text, octets), &a.leg)),
              "none");
    nego_ports(&neg);
    CHECK_STR(gh_reason_name(gh_neg_offer_out(&neg, &a.leg, &b.leg, &nego_self_b, true, &doc)),
              "none");
    CHECK_INT(gh_sdp_crypto_count(doc, 0), GH_NEG_LINES_MAX + GH_TRUNK_SUITES_MAX - 1);
    gh_sdp_free(doc);
    gh_neg_fini(&neg);
}

static void more_m_lines_than_are_relayed(void)
{
    enum { COUNT = GH_NEG_STREAMS_MAX + 3 };
    char text[NEGO_TEXT_MAX] = A_HEAD, octets[NEGO_TEXT_MAX];
    struct nego_leg a, b;
    struct gh_neg neg;
    struct gh_sdp *doc = NULL;
    struct gh_sdp_media media;

    nego_leg(&a, &required);
    nego_leg(&b, &required);
    for (int i = 0; i < COUNT; i++)
        append(text, "m=audio %d RTP/SAVP 0\na=crypto:1 " AES80 " inline:@A1\n", 5004 + 2 * i);
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(
                  gh_neg_offer_in(&neg, nego_expand(text, octets), &a.leg)),
              "none");
    CHECK_INT(neg.count, GH_NEG_STREAMS_MAX);
    CHECK_INT(neg.media_count, COUNT);
    nego_ports(&neg);
    CHECK_STR(gh_reason_name(gh_neg_offer_out(&neg, &a.leg, &b.leg, &nego_self_b, true, &doc)),
              "none");
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT(gh_sdp_media(doc, i, &media), 0);
        CHECK_INT(media.port != 0, i < GH_NEG_STREAMS_MAX);
        CHECK_INT(gh_sdp_crypto_count(doc, i), i < GH_NEG_STREAMS_MAX ? 2 : 0);
    }
    gh_sdp_free(doc);
    /* The answer brings the last ones to life: they stay dead. */
    strcpy(text, B_HEAD);
    for (int i = 0; i < COUNT; i++)
        append(text, "m=audio %d RTP/SAVP 0\na=crypto:1 " AES80 " inline:@B1\n", 6004 + 2 * i);
    CHECK_STR(gh_reason_name(gh_neg_answer_in(&neg, nego_expand(text, octets), &b.leg, false)),
              "none");
    CHECK_STR(gh_reason_name(gh_neg_answer_out(&neg, NULL, &a.leg, &nego_self_a, &doc)), "none");
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT(gh_sdp_media(doc, i, &media), 0);
        CHECK_INT(media.port != 0, i < GH_NEG_STREAMS_MAX);
        CHECK_INT(gh_sdp_crypto_count(doc, i), i < GH_NEG_STREAMS_MAX);
    }
    gh_sdp_free(doc);
    gh_neg_fini(&neg);
}

static void bad_text(void)
{
    static const char *const offers[] = { "", "v=0\n", "rubbish", A_HEAD "m=audio RTP/SAVP 0\n" };
    char octets[NEGO_TEXT_MAX];
    struct nego_leg a;

    nego_leg(&a, &required);
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        struct gh_neg neg;

        gh_neg_init(&neg, GH_SIDE_A, NULL);
        CHECK_STR(gh_reason_name(gh_neg_offer_in(&neg, nego_expand(offers[i], octets), &a.leg)),
                  "bad_sdp");
        CHECK(strncmp(neg.fault, "SDP line ", 9) == 0);
        gh_neg_fini(&neg);
    }
}

/* ---- directions, addresses, marks
 * -------------------------------------------------------------------------- */

static void directions(void)
{
    static const char *const names[] = { "inactive", "sendonly", "recvonly", "sendrecv" };

    for (int offered = 0; offered < 4; offered++) {
        for (int answered = 0; answered < 4; answered++) {
            char text[NEGO_TEXT_MAX], octets[NEGO_TEXT_MAX];
            static const struct nego_who off = { OFF };
            struct nego_leg leg;
            struct gh_sdp *doc = NULL;
            struct gh_media_set set[2];
            struct gh_neg neg;

            nego_leg(&leg, &off);
            gh_neg_init(&neg, GH_SIDE_A, NULL);
            snprintf(text, sizeof(text), A_HEAD "m=audio 5004 RTP/AVP 0\na=%s\n", names[offered]);
            CHECK_INT(
                gh_neg_offer_in(&neg, nego_expand(text, octets), &leg.leg),
                GH_REASON_NONE);
            CHECK_INT(gh_neg_offer_out(&neg, &leg.leg, &leg.leg, &nego_self_b, true, &doc),
                      GH_REASON_NONE);
            gh_sdp_free(doc);
            snprintf(text, sizeof(text), B_HEAD "m=audio 6000 RTP/AVP 0\na=%s\n", names[answered]);
            CHECK_INT(gh_neg_answer_in(&neg, nego_expand(text, octets), &leg.leg, false),
                      GH_REASON_NONE);
            CHECK_INT(gh_neg_answer_out(&neg, NULL, &leg.leg, &nego_self_a, &doc), GH_REASON_NONE);
            gh_sdp_free(doc);
            for (int s = 0; s < 2; s++)
                gh_neg_media_set(&neg.streams[0], s, &set[s]);
            /* RFC 3264 section 6.1: a flow needs the one who may send and the one who may receive.
             */
            CHECK_INT(set[0].may_send, (offered & GH_SENDONLY) && (answered & GH_RECVONLY));
            CHECK_INT(set[1].may_send, (offered & GH_RECVONLY) && (answered & GH_SENDONLY));
            CHECK_INT(set[0].may_receive, set[1].may_send);
            CHECK_INT(set[1].may_receive, set[0].may_send);
            gh_neg_fini(&neg);
        }
    }
}

static void check_addr(const struct gh_addr *addr, const char *want)
{
    char text[GH_ADDR_TEXT_MAX];

    CHECK_STR(gh_addr_text(addr, text), want);
}

static void addresses(void)
{
    static const struct {
        const char *media, *rtp, *rtcp;
    } rows[] = {
        { "m=audio 6000 RTP/AVP 0\n", "198.51.100.2:6000", "198.51.100.2:6001" },
        { "m=audio 6000 RTP/AVP 0\nc=IN IP4 198.51.100.3\n", "198.51.100.3:6000",
          "198.51.100.3:6001" },
        { "m=audio 6000 RTP/AVP 0\na=rtcp:7001\n", "198.51.100.2:6000", "198.51.100.2:7001" },
        { "m=audio 6000 RTP/AVP 0\na=rtcp:7001 IN IP4 198.51.100.4\n", "198.51.100.2:6000",
          "198.51.100.4:7001" },
        /* RFC 3264 section 8.4: the old way of hold.  Nothing is sent there. */
        { "m=audio 6000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n", "none:0", "none:0" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[NEGO_TEXT_MAX], octets[NEGO_TEXT_MAX];
        static const struct nego_who off = { OFF };
        struct nego_leg leg;
        struct gh_sdp *doc = NULL;
        struct gh_media_set set;
        struct gh_neg neg;

        nego_leg(&leg, &off);
        gh_neg_init(&neg, GH_SIDE_A, NULL);
        CHECK_INT(gh_neg_offer_in(&neg, nego_expand(A_HEAD "m=audio 5004 RTP/AVP 0\n", octets),
                                  &leg.leg),
                  GH_REASON_NONE);
        CHECK_INT(gh_neg_offer_out(&neg, &leg.leg, &leg.leg, &nego_self_b, true, &doc),
                  GH_REASON_NONE);
        gh_sdp_free(doc);
        whole(text, B_HEAD, rows[i].media);
        CHECK_INT(
            gh_neg_answer_in(&neg, nego_expand(text, octets), &leg.leg, false),
            GH_REASON_NONE);
        CHECK_INT(gh_neg_answer_out(&neg, NULL, &leg.leg, &nego_self_a, &doc), GH_REASON_NONE);
        gh_sdp_free(doc);
        gh_neg_media_set(&neg.streams[0], GH_SIDE_B, &set);
        check_addr(&set.remote_rtp, rows[i].rtp);
        check_addr(&set.remote_rtcp, rows[i].rtcp);
        gh_neg_media_set(&neg.streams[0], GH_SIDE_A, &set);
        check_addr(&set.remote_rtp, "192.0.2.1:5004");
        gh_neg_fini(&neg);
    }
}

/* What one destination's trunk earned is not said of the next. */
static void marks_of_the_last_destination(void)
{
    static const struct nego_who tcp = { ALLOWED_TCP }, tls = { ALLOWED };
    char octets[NEGO_TEXT_MAX], small[512];
    struct nego_leg a, clear, good;
    struct gh_sdp *doc = NULL;
    struct gh_neg neg;

    nego_leg(&a, &tls);
    nego_leg(&clear, &tcp);
    nego_leg(&good, &tls);
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_INT(
        gh_neg_offer_in(&neg, nego_expand(A_HEAD OFFER_AVP, octets), &a.leg),
        GH_REASON_NONE);
    CHECK_INT(gh_neg_offer_out(&neg, &a.leg, &clear.leg, &nego_self_b, true, &doc), GH_REASON_NONE);
    gh_sdp_free(doc);
    CHECK_STR(marks_text(&neg, small), "key_over_clear_signalling media_clear");
    CHECK(!gh_neg_offers_keys(&neg) && !gh_neg_offered_keys(&neg));
    gh_marks_add(&neg.marks, GH_REASON_BODY_DROPPED);
    CHECK_INT(gh_neg_offer_out(&neg, &a.leg, &good.leg, &nego_self_b, false, &doc), GH_REASON_NONE);
    gh_sdp_free(doc);
    CHECK_STR(marks_text(&neg, small), "media_clear body_dropped");
    CHECK(gh_neg_offers_keys(&neg) && !gh_neg_offered_keys(&neg));
    gh_neg_fini(&neg);
}

static void marks_are_a_set(void)
{
    struct gh_marks marks = { 0 }, more = { 0 };

    gh_marks_add(&marks, GH_REASON_NO_RULE);
    gh_marks_add(&marks, GH_REASON_NONE);
    for (int reason = 0; reason < GH_REASON_COUNT; reason++)
        CHECK(!gh_marks_has(&marks, (enum gh_reason)reason));
    for (int reason = 0; reason < GH_REASON_COUNT; reason++)
        gh_marks_add(reason % 2 ? &marks : &more, (enum gh_reason)reason);
    for (int reason = GH_REASON_NONE + 1; reason < GH_REASON_COUNT; reason++)
        CHECK(gh_marks_has(reason % 2 ? &marks : &more, (enum gh_reason)reason) &&
              !gh_marks_has(reason % 2 ? &more : &marks, (enum gh_reason)reason));
    gh_marks_add_all(&marks, &more);
    for (int reason = GH_REASON_NONE + 1; reason < GH_REASON_COUNT; reason++)
        CHECK(gh_marks_has(&marks, (enum gh_reason)reason));
    CHECK(!gh_marks_has(&marks, GH_REASON_COUNT));
    gh_neg_fini(NULL);
}

int main(void)
{
    RUN(each_scenario);
    RUN(more_lines_than_are_looked_at);
    RUN(more_m_lines_than_are_relayed);
    RUN(bad_text);
    RUN(directions);
    RUN(addresses);
    RUN(marks_of_the_last_destination);
    RUN(marks_are_a_set);
    return CHECK_REPORT();
}
