/* SPDX-License-Identifier: Apache-2.0 */
/* What a refusal says of the description: which m-line, which line of it, and why. */
#include "support_negotiate.h"

#include "support/check.h"

#define HEAD_OF(c) "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=" c "\nt=0 0\n"
#define AVP_OF(c)  HEAD_OF(c) "m=audio 5004 RTP/AVP 0\n"
#define SAVP       A_HEAD "m=audio 5004 RTP/SAVP 0\n"
#define LINE(tag, suite, rest) "a=crypto:" tag " " suite " inline:" rest "\n"

static const struct {
    const char *sdp;
    bool mki_refuse, required;
    const char *reason, *fault;
} rows[] = {
    /* addresses */
    { AVP_OF("IN IP4 127.0.0.1"), false, false, "media_not_relayed",
      "m-line 1: c= is a loopback address, and the one that we say is not" },
    { AVP_OF("IN IP4 media.example.net"), false, false, "media_not_relayed",
      "m-line 1: c= is the name of a host, not its address" },
    { AVP_OF("IN IP4 224.2.1.1/127"), false, false, "media_not_relayed",
      "m-line 1: c= is a multicast address" },
    { AVP_OF("IN IP4 240.0.0.1"), false, false, "media_not_relayed",
      "m-line 1: c= is an address that no host has" },
    { AVP_OF("IN IP6 2001:db8::1"), false, false, "media_not_relayed",
      "m-line 1: c= is IPv6, and we have no IPv6 address for media here" },
    { AVP_OF("IN IP4 192.0.2.1") "a=rtcp:5005 IN IP4 127.0.0.1\n", false, false,
      "media_not_relayed",
      "m-line 1: a=rtcp is a loopback address, and the one that we say is not" },
    { AVP_OF("IN IP4 192.0.2.1") "a=rtcp:5005 IN IP6 2001:db8::1\n", false, false,
      "media_not_relayed", "m-line 1: a=rtcp is of another IP version" },
    { A_HEAD "m=message 5004 TCP/MSRP *\n", false, false, "media_not_relayed",
      "m-line 1: a profile or transport that is not relayed" },
    /* The first m-line's is the reason, and what is said of it. */
    { A_HEAD "m=message 5004 TCP/MSRP *\nm=audio 5004 RTP/AVP 0\nc=IN IP4 127.0.0.1\n", false,
      false, "media_not_relayed", "m-line 1: a profile or transport that is not relayed" },
    { A_HEAD "m=audio 0 RTP/AVP 0\nm=audio 5004 RTP/AVP 0\nc=IN IP4 127.0.0.1\n", false, false,
      "media_not_relayed",
      "m-line 2: c= is a loopback address, and the one that we say is not" },
    /* A call that goes on without one of them has no fault. */
    { A_HEAD "m=message 5004 TCP/MSRP *\nm=audio 5006 RTP/AVP 0\n", false, false, "none", "" },

    /* lines */
    { SAVP LINE("1", AES80, "@A1|1:1"), true, false, "no_usable_crypto",
      "m-line 1: crypto line 1: has an MKI, and the trunk says mki: refuse" },
    { SAVP LINE("1", AES80, "@A1|1:1"), false, false, "none", "" },
    { SAVP LINE("1", AES80, "@A1|1:1") LINE("2", AES32, "@A2") LINE("3", GCM, "@AG|2:1"), true,
      false, "no_usable_crypto",
      "m-line 1: crypto line 1, 3: has an MKI, and the trunk says mki: refuse; crypto line 2: has "
      "a suite that the security profile does not list" },
    { SAVP LINE("1", AES80, "@A1|1:1;inline:@A2|2:1"), false, false, "none", "" },
    { SAVP LINE("1", AES80, "@A1|1:1;inline:@A2|2:1") LINE("2", AES80, "@A3|1:1"), true, false,
      "no_usable_crypto",
      "m-line 1: crypto line 1: has several keys, and the trunk says mki: refuse; crypto line 2: "
      "has an MKI, and the trunk says mki: refuse" },
    { SAVP LINE("1", AES80, "@A1|1:1;inline:@A1|2:1"), false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: has one key twice, under two MKIs" },
    { SAVP LINE("1", AES80, "@A1|1:1;inline:AAECAwQFBgcICQoLDA0ODw==|2:1"), false, false,
      "no_usable_crypto",
      "m-line 1: crypto line 1: has a key of the wrong length, or of one octet only" },
    { SAVP LINE("1", AES80, "@A1;inline:@A2"), false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: several keys, and not each has an MKI" },
    { SAVP LINE("1", AES80, "@A1|1:1;inline:@A2|1:1"), false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: two keys have one MKI" },
    { SAVP LINE("1", AES80, "@A1|1:1;inline:@A2|2:2"), false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: several keys whose MKIs differ in length" },
    { SAVP LINE("1", AES80, "@A1|1:1;inline:@A2|2:1;inline:@A3|3:1;inline:@B1|4:1;inline:@B2|5:1"),
      false, false, "no_usable_crypto", "m-line 1: crypto line 1: more than four keys" },
    { SAVP LINE("1", AES80, "@A1|1:1;uri:@A2|2:1"), false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: key method is not inline" },
    { SAVP LINE("1", "NO_SUCH_SUITE", "@A1"), false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: names a suite that is not known here" },
    { SAVP LINE("1", AES80, "AAECAwQFBgcICQoLDA0ODw=="), false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: has a key of the wrong length, or of one octet only" },
    { SAVP LINE("1", AES80, "@A1|2^49"), false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: lifetime is not a number from 1 to 2^48" },
    { SAVP LINE("1", AES80, "@A1 UNENCRYPTED_SRTP"), false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: has a session parameter that must be understood" },
    { SAVP "a=crypto:x\n", false, false, "no_usable_crypto",
      "m-line 1: crypto line 1: tag is not one to nine digits" },
    { SAVP LINE("1", AES80, "@A1") LINE("1", AES80, "@A2"), false, false, "no_usable_crypto",
      "m-line 1: two crypto lines have one tag" },
    { SAVP, false, false, "no_usable_crypto", "m-line 1: no crypto line" },
    { A_HEAD "m=audio 5004 RTP/AVP 0\n" LINE("1", AES80, "@A1|1:1"), true, true, "srtp_required",
      "m-line 1: crypto line 1: has an MKI, and the trunk says mki: refuse" },
    { A_HEAD "m=audio 5004 RTP/AVP 0\n", false, true, "srtp_required", "" },
    /* One that is usable takes the call, whatever stands beside it. */
    { SAVP LINE("1", AES32, "@A1") LINE("2", AES80, "@A2"), false, false, "none", "" },
};

static void offers(void)
{
    static const struct nego_who allowed = { ALLOWED }, required = { REQUIRED };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char octets[NEGO_TEXT_MAX];
        struct nego_leg leg;
        struct gh_neg neg;

        nego_leg(&leg, rows[i].required ? &required : &allowed);
        leg.leg.mki = rows[i].mki_refuse ? GH_MKI_REFUSE : GH_MKI_ACCEPT;
        gh_neg_init(&neg, GH_SIDE_A, NULL);
        CHECK_STR(gh_reason_name(
                      gh_neg_offer_in(&neg, nego_expand(rows[i].sdp, octets), &leg.leg)),
                  rows[i].reason);
        if (!CHECK_STR(neg.fault, rows[i].fault))
            fprintf(stderr, "%s", rows[i].sdp);
        gh_neg_fini(&neg);
    }
}

/* What has no room is left out whole: eight lines, seven causes, of which four do not fit. */
static void many_lines(void)
{
    static const struct nego_who allowed = { ALLOWED };
    static const char sdp[] =
        SAVP "a=crypto:x\n" LINE("2", "NO_SUCH_SUITE", "@A1") LINE("3", AES80, "AAEC")
            LINE("4", AES80, "AAEC|1:1;inline:@A2|2:1") LINE("5", AES80, "@A1|1:1")
                LINE("6", AES80, "@A2|2^49") LINE("7", AES80, "@A1 WSH=99")
                    LINE("8", AES32, "@A2");
    char octets[NEGO_TEXT_MAX];
    struct nego_leg leg;
    struct gh_neg neg;

    nego_leg(&leg, &allowed);
    leg.leg.mki = GH_MKI_REFUSE;
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_STR(gh_reason_name(gh_neg_offer_in(&neg, nego_expand(sdp, octets), &leg.leg)),
              "no_usable_crypto");
    CHECK_STR(neg.fault, "m-line 1: crypto line 1: tag is not one to nine digits; crypto line 2: "
                         "names a suite that is not known here; crypto line 3, 4: has a key of the "
                         "wrong length, or of one octet only");
    gh_neg_fini(&neg);
}

/* What a key gate would take for a key must not stand in a Warning header. */
static void words_are_no_carriers(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(gh_sdp_text_has_carrier(gh_span_str(rows[i].fault)), 0);
}

int main(void)
{
    RUN(offers);
    RUN(many_lines);
    RUN(words_are_no_carriers);
    return CHECK_REPORT();
}
