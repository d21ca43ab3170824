/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T.38 over UDPTL (ITU-T T.38 Annex D): relayed in clear where a trunk lets clear media be, refused where
 * SRTP is required; and the switch of a call from voice to fax and back.
 */
#include "support_session.h"
#include "support_scenario.h"

#define ATTRS       "a=T38FaxVersion:0\na=T38FaxUdpEC:t38UDPRedundancy\n"
#define FAX(port)   "m=image " port " udptl t38\n" ATTRS
#define NO_FAX      "m=image 0 udptl t38\n"
#define VOICE(key)  SAVP("1", AES80, key)
#define LINE_BESIDE "a=crypto:1 " AES80 " inline:@A1\n"

/* One image line, as it is. */
#define CROSSES .to_b = FAX("40002"), .before = GH_GRADE_CLEAR
#define RELAYED(said)                                                                              \
    .answer = FAX("6000"), .to_a = FAX("40000"), .sides = "none clear none clear", .marks = said,  \
    .after = GH_GRADE_CLEAR

static const struct scenario scenarios[] = {
    { .name = "proto, format and attributes cross, port and address are ours",
      .a = { OFF }, .b = { OFF },
      .offer = FAX("5004"), CROSSES,
      RELAYED("") },
    { .name = "where SRTP is allowed it is marked",
      .a = { ALLOWED }, .b = { ALLOWED, .savp = true },
      .offer = FAX("5004"), CROSSES,
      RELAYED("media_clear") },
    { .name = "to TCP, whose trunk gets no line that is not understood; letter case is the offerer's",
      .a = { ALLOWED }, .b = { ALLOWED_TCP },
      .offer = "m=image 5004 UDPTL t38\n" ATTRS "a=T38VendorInfo:0 0 7\n",
      .to_b = "m=image 40002 UDPTL t38\n" ATTRS,
      .before = GH_GRADE_CLEAR,
      .answer = FAX("6000"),
      .to_a = "m=image 40000 UDPTL t38\n" ATTRS,
      .sides = "none clear none clear",
      .marks = "media_clear",
      .after = GH_GRADE_CLEAR },
    { .name = "a good line beside it is not used, nor copied",
      .a = { ALLOWED }, .b = { ALLOWED },
      .offer = FAX("5004") LINE_BESIDE, CROSSES,
      RELAYED("no_usable_crypto media_clear") },
    { .name = "rtcp-mux and rtcp mean nothing here",
      .a = { OFF }, .b = { OFF },
      .offer = FAX("5004") "a=rtcp:5099\na=rtcp-mux\n", CROSSES,
      RELAYED("") },
    { .name = "a line over TCP is refused for it, as everything is",
      .a = { ALLOWED_TCP }, .b = { ALLOWED },
      .offer = FAX("5004") LINE_BESIDE,
      .offer_in = GH_REASON_KEY_OVER_CLEAR_SIGNALLING },
    { .name = "refused where the offerer's trunk requires SRTP",
      .a = { REQUIRED }, .b = { OFF },
      .offer = FAX("5004") LINE_BESIDE,
      .offer_in = GH_REASON_SRTP_REQUIRED },
    { .name = "refused where the answerer's trunk requires SRTP",
      .a = { ALLOWED }, .b = { REQUIRED },
      .offer = FAX("5004"),
      .offer_out = GH_REASON_SRTP_REQUIRED },
    { .name = "beside voice it is refused alone, whatever b says of it",
      .a = { ALLOWED }, .b = { REQUIRED },
      .offer = OFFER_SAVP FAX("5006"),
      .to_b = COPY_AND_OWN NO_FAX,
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1") FAX("6002"),
      .to_a = TO_A_LINE("1", AES80, "@B1") NO_FAX,
      .sides = AES80 " pass " AES80 " pass",
      .marks = "media_clear",
      .after = GH_GRADE_HOP_BY_HOP },
    { .name = "beside voice, the call is mixed",
      .a = { ALLOWED }, .b = { ALLOWED, .savp = true },
      .offer = OFFER_SAVP FAX("5006"),
      .to_b = COPY_AND_OWN FAX("40006"),
      .before = GH_GRADE_MIXED,
      .answer = ANSWER("1", AES80, "@B1") FAX("6002"),
      .to_a = TO_A_LINE("1", AES80, "@B1") FAX("40004"),
      .sides = AES80 " pass " AES80 " pass",
      .marks = "media_clear",
      .after = GH_GRADE_MIXED },
    { .name = "answered as RTP",
      .a = { ALLOWED }, .b = { ALLOWED },
      .offer = FAX("5004"), CROSSES,
      .answer = "m=image 6000 RTP/AVP 96\n",
      .answer_in = GH_REASON_PROFILE_MISMATCH },
    { .name = "answered as voice",
      .a = { ALLOWED }, .b = { ALLOWED },
      .offer = FAX("5004"), CROSSES,
      .answer = "m=audio 6000 RTP/AVP 0\n",
      .answer_in = GH_REASON_BAD_SDP },
    { .name = "RTP answered as UDPTL",
      .a = { OFF }, .b = { OFF },
      .offer = "m=image 5004 RTP/AVP 96\n",
      .to_b = "m=image 40002 RTP/AVP 96\n",
      .before = GH_GRADE_CLEAR,
      .answer = FAX("6000"),
      .answer_in = GH_REASON_PROFILE_MISMATCH },
    { .name = "answered with a key that nobody offered",
      .a = { ALLOWED }, .b = { ALLOWED },
      .offer = FAX("5004"), CROSSES,
      .answer = FAX("6000") "a=crypto:1 " AES80 " inline:@B1\n",
      .answer_in = GH_REASON_CRYPTO_ANSWER_BAD },
    { .name = "over TCP, TLS, or as voice it is not relayed",
      .a = { OFF }, .b = { OFF },
      .offer = "m=image 5004 TCP t38\nm=image 5006 UDP/TLS/UDPTL t38\nm=audio 5008 udptl t38\n",
      .offer_in = GH_REASON_MEDIA_NOT_RELAYED },
    /* RFC 4573: far end camera control.  What is RTP is relayed as such, whatever it carries. */
    { .name = "application over RTP is keyed like audio",
      .a = { REQUIRED },
      .b = { REQUIRED },
      .offer = OFFER_SAVP "m=application 5006 RTP/SAVP 100\na=crypto:1 " AES80
                          " inline:@A2\na=rtpmap:100 H224/4800\n",
      .to_b = COPY_AND_OWN "m=application 40006 RTP/SAVP 100\na=crypto:1 " AES80
                           " inline:@A2\na=crypto:2 " GCM
                           " inline:@own\na=rtpmap:100 H224/4800\n",
      .before = GH_GRADE_HOP_BY_HOP,
      .answer = ANSWER("1", AES80, "@B1") "m=application 6002 RTP/SAVP 100\na=crypto:1 " AES80
                                          " inline:@B2\na=rtpmap:100 H224/4800\n",
      .to_a = TO_A_LINE("1", AES80, "@B1") "m=application 40004 RTP/SAVP 100\na=crypto:1 " AES80
                                           " inline:@B2\na=rtpmap:100 H224/4800\n",
      PASSES(AES80) },
    { .name = "application without keys makes a keyed call mixed",
      .a = { ALLOWED },
      .b = { ALLOWED, .savp = true },
      .offer = OFFER_SAVP "m=application 5006 RTP/AVP 100\n",
      .to_b = COPY_AND_OWN "m=application 40006 RTP/SAVP 100\na=crypto:1 " GCM
                           " inline:@own\na=crypto:2 " AES80 " inline:@own\n",
      .before = GH_GRADE_MIXED,
      .answer = ANSWER("1", AES80, "@B1") "m=application 6002 RTP/SAVP 100\na=crypto:2 " AES80
                                          " inline:@B2\n",
      .to_a = TO_A_LINE("1", AES80, "@B1") "m=application 40004 RTP/AVP 100\n",
      .sides = AES80 " pass " AES80 " pass",
      .marks = "media_clear",
      .after = GH_GRADE_MIXED },
};

static void each_scenario(void)
{
    check_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}

/* One destination's trunk requires SRTP, the next one's does not: what the first could not have, the
 * second gets. */
static void refused_to_one_destination_alone(void)
{
    static const struct nego_who allowed = { ALLOWED }, required = { REQUIRED };
    char text[NEGO_TEXT_MAX], octets[NEGO_TEXT_MAX];
    struct nego_leg a, first, second;
    struct gh_sdp *doc = NULL;
    struct gh_neg neg;

    nego_leg(&a, &allowed);
    nego_leg(&first, &required);
    nego_leg(&second, &allowed);
    gh_neg_init(&neg, GH_SIDE_A, NULL);
    CHECK_INT(gh_neg_offer_in(&neg, nego_expand(A_HEAD VOICE("@A1") FAX("5006"), octets), &a.leg),
              GH_REASON_NONE);
    nego_ports(&neg);
    CHECK_INT(gh_neg_offer_out(&neg, &a.leg, &first.leg, &nego_self_b, true, &doc), GH_REASON_NONE);
    CHECK(strstr(nego_raw(doc, text), "m=image 0 udptl t38\r\n") != NULL);
    gh_sdp_free(doc);
    CHECK_INT(gh_neg_offer_out(&neg, &a.leg, &second.leg, &nego_self_b, false, &doc), GH_REASON_NONE);
    CHECK(strstr(nego_raw(doc, text), "m=image 40006 udptl t38\r\n") != NULL);
    gh_sdp_free(doc);
    gh_neg_fini(&neg);
}

/* ---- what the media plane is told ---------------------------------------------------------------- */

static const struct nego_who allowed = { ALLOWED, .savp = true }, required = { REQUIRED };

static void told(const struct session *s, int media, bool datagrams, enum gh_path path)
{
    for (int side = 0; side < 2; side++) {
        struct gh_media_set set;

        gh_neg_media_set(&s->neg->streams[media], side, &set);
        CHECK_INT(set.datagrams, datagrams);
        CHECK_INT(set.path, path);
        CHECK_INT(set.rtcp_mux, false);
        CHECK_INT(set.remote_rtcp.family != 0, !datagrams);
        gh_secret_wipe(&set.rx_key);
        gh_secret_wipe(&set.tx_key);
    }
}

/* Two trunks that say `mark`; voice is up, each with its key. */
static void voice_call(struct session *s)
{
    session_init(s, &allowed, &allowed);
    s->route_downgrade = GH_DOWNGRADE_MARK;
    for (int side = 0; side < 2; side++)
        s->leg[side].rules.on_downgrade = GH_DOWNGRADE_MARK;
    must(s, GH_SIDE_A, VOICE("@A1"), VOICE("@B1"));
    told(s, 0, false, GH_PATH_PASS);
    in_force(s, 0, "A1 B1", "B1 A1");
}

static void marked(const struct session *s, bool want)
{
    struct gh_marks marks = gh_neg_marks(s->neg);

    CHECK_INT(gh_marks_has(&marks, GH_REASON_DOWNGRADE_REFUSED), want);
}

/* The usual way: the fax machine that answered asks, and the audio line becomes an image line. */
static void voice_becomes_fax_and_back(void)
{
    for (int offerer = 0; offerer < 2; offerer++) {
        struct gh_neg_stream voice;
        struct session s;

        voice_call(&s);
        voice = s.neg->streams[0];
        must(&s, offerer, FAX("5004"), FAX("6000"));
        told(&s, 0, true, GH_PATH_CLEAR);
        in_force(&s, 0, "none none", "none none");
        marked(&s, true);
        CHECK(s.neg->streams[0].stream != voice.stream); /* a keyed one never becomes a plain one */
        CHECK_INT(s.neg->streams[0].side[0].port, voice.side[0].port);
        CHECK_INT(s.neg->streams[0].side[1].port, voice.side[1].port);
        CHECK(!strstr(s.offered, "a=crypto") && !strstr(s.answered, "a=crypto"));
        /* Once it is fax, another offer of it is nothing new. */
        must(&s, !offerer, FAX("5004"), FAX("6000"));
        marked(&s, false);
        must(&s, offerer, VOICE("@A1"), VOICE("@B1"));
        told(&s, 0, false, GH_PATH_PASS);
        in_force(&s, 0, offerer ? "B1 A1" : "A1 B1", offerer ? "A1 B1" : "B1 A1");
        marked(&s, false);
        session_fini(&s);
    }
}

/* Our own keys of before the fax are in nobody's mouth any more: voice begins with fresh ones. */
static void our_keys_do_not_come_back(void)
{
    char before[128], after[128];
    struct session s;

    voice_call(&s);
    must(&s, GH_SIDE_A, VOICE("@A1"), "m=audio 6000 RTP/SAVP 0\na=crypto:2 " GCM " inline:@BG\n");
    session_key(s.answered, 0, 0, before);
    must(&s, GH_SIDE_A, FAX("5004"), FAX("6000"));
    must(&s, GH_SIDE_A, VOICE("@A1"), "m=audio 6000 RTP/SAVP 0\na=crypto:2 " GCM " inline:@BG\n");
    session_key(s.answered, 0, 0, after);
    CHECK(*before && *after && strcmp(before, after) != 0);
    session_fini(&s);
}

/* The other way: the audio line is off, and an image line comes beside it. */
static void fax_in_a_line_of_its_own(void)
{
    gh_stream_id voice;
    struct session s;

    voice_call(&s);
    voice = s.neg->streams[0].stream;
    must(&s, GH_SIDE_B, OFF_AUDIO FAX("5006"), OFF_AUDIO FAX("6002"));
    marked(&s, true);
    CHECK(s.neg->streams[0].parked && !s.neg->streams[0].live);
    told(&s, 0, false, GH_PATH_PASS); /* kept for when it comes back */
    told(&s, 1, true, GH_PATH_CLEAR);
    must(&s, GH_SIDE_A, VOICE("@A1") NO_FAX, VOICE("@B1") NO_FAX);
    CHECK(s.neg->streams[0].stream == voice);
    in_force(&s, 0, "A1 B1", "B1 A1");
    told(&s, 1, true, GH_PATH_CLEAR);
    CHECK(s.neg->streams[1].parked);
    session_fini(&s);
}

/* The voice is off under the name of a fax that is off too: what is kept of the slot is voice. */
static void a_parked_voice_is_no_fax(void)
{
    struct session s;

    voice_call(&s);
    must(&s, GH_SIDE_A, NO_FAX, NO_FAX);
    CHECK(s.neg->streams[0].parked);
    told(&s, 0, false, GH_PATH_PASS);
    in_force(&s, 0, "A1 B1", "B1 A1");
    must(&s, GH_SIDE_A, FAX("5004"), FAX("6000"));
    must(&s, GH_SIDE_A, OFF_AUDIO, OFF_AUDIO);
    CHECK(s.neg->streams[0].parked);
    told(&s, 0, true, GH_PATH_CLEAR);
    session_fini(&s);
}

/* A trunk that offers rtcp-mux offers it for RTP. */
static void no_mux_is_offered(void)
{
    struct session s;

    session_init(&s, &allowed, &allowed);
    s.leg[GH_SIDE_B].leg.mux = GH_MUX_OFFER;
    must(&s, GH_SIDE_A, FAX("5004"), FAX("6000") "a=rtcp-mux\n");
    CHECK(!strstr(s.offered, "rtcp-mux") && !strstr(s.answered, "rtcp-mux"));
    told(&s, 0, true, GH_PATH_CLEAR);
    must(&s, GH_SIDE_A, FAX("5004") VOICE("@A1"), FAX("6000") VOICE("@B1"));
    CHECK(strstr(s.offered, "a=rtcp-mux") > strstr(s.offered, "m=audio"));
    session_fini(&s);
}

/* What trunk and route say of it, each alone; and the trunk that requires SRTP, on either side. */
static void refused_switches(void)
{
    static const struct {
        enum gh_on_downgrade trunk[2], route;
        const char *reason;
    } rows[] = {
        { { GH_DOWNGRADE_MARK, GH_DOWNGRADE_MARK }, GH_DOWNGRADE_MARK, "none" },
        { { GH_DOWNGRADE_REJECT, GH_DOWNGRADE_MARK }, GH_DOWNGRADE_MARK, "downgrade_refused" },
        { { GH_DOWNGRADE_MARK, GH_DOWNGRADE_REJECT }, GH_DOWNGRADE_MARK, "downgrade_refused" },
        { { GH_DOWNGRADE_MARK, GH_DOWNGRADE_MARK }, GH_DOWNGRADE_REJECT, "downgrade_refused" },
        { { GH_DOWNGRADE_END, GH_DOWNGRADE_MARK }, GH_DOWNGRADE_MARK, "downgrade_refused" },
        { { GH_DOWNGRADE_MARK, GH_DOWNGRADE_END }, GH_DOWNGRADE_MARK, "downgrade_refused" },
    };

    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct session s;

        voice_call(&s);
        for (int side = 0; side < 2; side++)
            s.leg[side].rules.on_downgrade = rows[i / 2].trunk[side];
        s.route_downgrade = rows[i / 2].route;
        CHECK_STR(gh_reason_name(i % 2 ? session_change(&s, GH_SIDE_A, OFF_AUDIO FAX("5006"),
                                                        OFF_AUDIO FAX("6002"))
                                       : session_change(&s, GH_SIDE_A, FAX("5004"), FAX("6000"))),
                  rows[i / 2].reason);
        if (i / 2) {
            CHECK_STR(s.offered, ""); /* b hears nothing of it */
            in_force(&s, 0, "A1 B1", "B1 A1");
        }
        session_fini(&s);
    }
    for (int side = 0; side < 2; side++) {
        struct session s;

        session_init(&s, side ? &allowed : &required, side ? &required : &allowed);
        must(&s, GH_SIDE_A, VOICE("@A1"), VOICE("@B1"));
        s.route_downgrade = GH_DOWNGRADE_MARK;
        s.leg[0].rules.on_downgrade = s.leg[1].rules.on_downgrade = GH_DOWNGRADE_MARK;
        CHECK_STR(gh_reason_name(session_change(&s, GH_SIDE_A, FAX("5004"), FAX("6000"))),
                  "srtp_required");
        in_force(&s, 0, "A1 B1", "B1 A1");
        /* Voice goes on where fax is refused alone. */
        must(&s, GH_SIDE_A, VOICE("@A1") FAX("5006"), VOICE("@B1") FAX("6002"));
        in_force(&s, 0, "A1 B1", "B1 A1");
        CHECK(s.neg->streams[0].live && !s.neg->streams[1].live);
        session_fini(&s);
    }
}

int main(void)
{
    RUN(each_scenario);
    RUN(refused_to_one_destination_alone);
    RUN(voice_becomes_fax_and_back);
    RUN(our_keys_do_not_come_back);
    RUN(fax_in_a_line_of_its_own);
    RUN(a_parked_voice_is_no_fax);
    RUN(no_mux_is_offered);
    RUN(refused_switches);
    return CHECK_REPORT();
}
