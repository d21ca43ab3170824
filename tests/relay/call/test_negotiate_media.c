/* SPDX-License-Identifier: Apache-2.0 */
/* m-lines, directions, addresses: what the media plane is told, and what crosses of where a side is. */
#include "support_scenario.h"

static const struct scenario scenarios[] = {
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
      PASSES(AES80) },
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
      PASSES(AES80) },
    { .name = "the second line without keys is refused, not cleared",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP "m=video 5006 RTP/AVP 97\n",
      .to_b = COPY_AND_OWN "m=video 0 RTP/AVP 97\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1") "m=video 0 RTP/AVP 97\n",
      .to_a = TO_A_LINE("1", AES80, "@B1") "m=video 0 RTP/AVP 97\n",
      PASSES(AES80) },
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
      PASSES(AES80) },
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

static void each_scenario(void)
{
    check_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}

/* ---- directions and addresses --------------------------------------------------------------------- */

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

/* Where media can never be: nobody's address, one of another family than ours, and names. */
static void addresses_that_cannot_be(void)
{
    static const struct {
        const char *connection, *more;
        bool six, relayed; /* we have an address of IPv6 */
    } rows[] = {
        { "IN IP4 192.0.2.1", "", false, true },
        { "IN IP4 127.0.0.1", "", false, false },
        { "IN IP4 0.1.2.3", "", false, false },
        { "IN IP4 224.2.1.1/127", "", false, false },
        { "IN IP4 239.255.255.255", "", false, false },
        { "IN IP4 240.0.0.1", "", false, false },
        { "IN IP4 255.255.255.255", "", false, false },
        { "IN IP4 0.0.0.0", "", false, true },
        { "IN IP4 media.example.net", "", false, false },
        { "IN IP6 2001:db8::1", "", false, false },
        { "IN IP6 2001:db8::1", "", true, true },
        { "IN IP6 ::", "", true, true },
        { "IN IP6 ::1", "", true, false },
        { "IN IP6 fe80::1", "", true, false },
        { "IN IP6 ff02::1", "", true, false },
        { "IN IP4 192.0.2.1", "a=rtcp:5005 IN IP4 192.0.2.77\n", false, true },
        { "IN IP4 192.0.2.1", "a=rtcp:5005 IN IP4 255.255.255.255\n", false, false },
        { "IN IP4 192.0.2.1", "a=rtcp:5005 IN IP4 127.0.0.1\n", false, false },
        { "IN IP4 192.0.2.1", "a=rtcp:5005 IN IP6 2001:db8::1\n", true, false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[NEGO_TEXT_MAX], octets[NEGO_TEXT_MAX];
        static const struct nego_who off = { OFF };
        struct nego_leg leg;
        struct gh_neg neg;

        nego_leg(&leg, &off);
        if (rows[i].six)
            leg.leg.media6 = (struct gh_addr){ .family = 6, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 } };
        snprintf(text, sizeof(text), "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=%s\nt=0 0\nm=audio 5004 RTP/AVP 0\n%s",
                 rows[i].connection, rows[i].more);
        gh_neg_init(&neg, GH_SIDE_A, NULL);
        if (!CHECK_STR(gh_reason_name(gh_neg_offer_in(&neg, nego_expand(text, octets), &leg.leg)),
                       rows[i].relayed ? "none" : "media_not_relayed"))
            fprintf(stderr, "  c=%s %s\n", rows[i].connection, rows[i].more);
        CHECK_INT(neg.family[GH_SIDE_A], !rows[i].relayed ? 0 : strstr(rows[i].connection, "IP6") ? 6 : 4);
        gh_neg_fini(&neg);
    }
}

/* RFC 5761 section 5.1.1: a port of its own for RTCP, where rtcp-mux is not taken. */
static void rtcp_without_mux(void)
{
    static const struct {
        const char *media;
        enum gh_mux_rule rule;
        const char *rtcp;
        bool mux;
    } rows[] = {
        { "a=rtcp-mux\n", GH_MUX_ACCEPT, "192.0.2.1:5004", true },
        { "a=rtcp-mux\n", GH_MUX_OFFER, "192.0.2.1:5004", true },
        { "a=rtcp-mux\n", GH_MUX_REFUSE, "192.0.2.1:5005", false },
        { "a=rtcp-mux\na=rtcp:5004\n", GH_MUX_REFUSE, "192.0.2.1:5005", false },
        { "a=rtcp-mux\na=rtcp:7000\n", GH_MUX_REFUSE, "192.0.2.1:7000", false },
        { "a=rtcp-mux\na=rtcp:7000 IN IP4 192.0.2.1\n", GH_MUX_REFUSE, "192.0.2.1:7000", false },
        { "a=rtcp-mux\na=rtcp:7000 IN IP4 192.0.2.9\n", GH_MUX_REFUSE, "192.0.2.1:5005", false },
        { "a=rtcp:7000\n", GH_MUX_ACCEPT, "192.0.2.1:7000", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[NEGO_TEXT_MAX], octets[NEGO_TEXT_MAX];
        static const struct nego_who off = { OFF };
        struct nego_leg leg;
        struct gh_neg neg;

        nego_leg(&leg, &off);
        leg.leg.mux = rows[i].rule;
        snprintf(text, sizeof(text), A_HEAD "m=audio 5004 RTP/AVP 0\n%s", rows[i].media);
        gh_neg_init(&neg, GH_SIDE_A, NULL);
        CHECK_STR(gh_reason_name(gh_neg_offer_in(&neg, nego_expand(text, octets), &leg.leg)), "none");
        check_addr(&neg.streams[0].side[GH_SIDE_A].rtcp, rows[i].rtcp);
        CHECK_INT(neg.streams[0].side[GH_SIDE_A].rtcp_mux, rows[i].mux);
        gh_neg_fini(&neg);
    }
}

int main(void)
{
    RUN(each_scenario);
    RUN(directions);
    RUN(addresses);
    RUN(addresses_that_cannot_be);
    RUN(rtcp_without_mux);
    return CHECK_REPORT();
}
