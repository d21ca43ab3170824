/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 4475: the messages whose point is the parser, with their section.  "@" stands for the
 * Content-Length where the RFC's own number is right.  Where we are stricter than the RFC asks, the
 * row says so.
 */
#include "relay/sip/support_sip.h"

#include "support/check.h"

#define TAIL(id, method)                                                                           \
    "To: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=8814\nMax-Forwards: "            \
    "7\nCall-ID: " id "@192.0.2.1\nCSeq: 8 " method                                                \
    "\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw\n"
#define CONTACT "Contact: <sip:caller@host5.example.net>\n"
#define END     "Content-Length: @\n\n"

static const struct {
    const char *section, *text, *fault; /* "none": accepted */
} rows[] = {
    { "3.1.1.1 wsinv",
      "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\n"
      "TO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\n"
      "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\n"
      "MaX-fOrWaRdS: 0068\n"
      "Call-ID: wsinv.ndaksdj@192.0.2.1\n"
      "Content-Length   : 5\n"
      "cseq: 0009\n  INVITE\n"
      "Via  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=z9hG4bK390skdjuw\n"
      "s :\n"
      "NewFangledHeader:   newfangled value\n continued newfangled value\n"
      "UnknownHeaderWithUnusualValue: ;;,,;;,;\n"
      "Content-Type: application/sdp\n"
      "Route:\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\n"
      "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8  ,\n"
      " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30239\n"
      "m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\n      newvalue ;\n  "
      "secondparam ; q = 0.33\n"
      "\nv=0\n",
      "none" },
    { "3.1.1.2 intmeth, without the NUL",
      "!interesting-Method0123456789_*+`.%indeed'~ "
      "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!"
      "*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\n"
      "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n"
      "To: \"BEL:\\\a DEL:\\\x7f\" "
      "<sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\n"
      "From: token1~` token2'+_ token3*%!.- "
      "<sip:mundane@example.com>;fromParam''~+*_!.-%=\"\xD1\x80\xD0\xB0\xD0\xB1\";"
      "tag=_token~1'+`*%!-.\n"
      "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\n"
      "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\n"
      "Max-Forwards: 255\n"
      "extensionHeader-!.%*+_`'~: \xEF\xBB\xBF\xE5\xA4\xA7\xE5\x81\x9C\xE9\x9B\xBB\n" END,
      "none" },
    { "3.1.1.3 esc01",
      "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0\n"
      "To: sip:%75se%72@example.com\nFrom: "
      "<sip:I%20have%20spaces@example.net>;tag=938\nMax-Forwards: 87\n"
      "i: esc01.239409asdfakjkn23onasd0-3234\nCSeq: 234234 INVITE\n"
      "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw\n"
      "C: application/sdp\nContact:\n  "
      "<sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>\n" END "v=0\n",
      "none" },
    { "3.1.1.4 escnull",
      "REGISTER sip:example.com SIP/2.0\nTo: sip:null-%00-null@example.com\nFrom: "
      "sip:null-%00-null@example.com;tag=839923423\n"
      "Max-Forwards: 70\nCall-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd\nCSeq: 14398234 "
      "REGISTER\n"
      "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw\nContact: "
      "<sip:%00@host5.example.com>\n"
      "Contact: <sip:%00%00@host5.example.com>\nL: 0\n\n",
      "none" },
    { "3.1.1.5 esc02",
      "RE%47IST%45R sip:registrar.example.com SIP/2.0\nTo: \"%Z%45\" <sip:resource@example.com>\n"
      "From: \"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23\nCall-ID: "
      "esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf\n"
      "Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234\nCSeq: 29344 "
      "RE%47IST%45R\nMax-Forwards: 70\n"
      "Contact: <sip:alias1@host1.example.com>\nC%6Fntact: <sip:alias2@host2.example.com>\n"
      "Contact: <sip:alias3@host3.example.com>\nl: 0\n\n",
      "none" },
    { "3.1.1.6 lwsdisp",
      "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: "
      "caller<sip:caller@example.com>;tag=323\n"
      "Max-Forwards: 70\nCall-ID: lwsdisp.1234abcd@funky.example.com\nCSeq: 60 OPTIONS\n"
      "Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw\nl: 0\n\n",
      "none" },
    { "3.1.1.9 semiuri",
      "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0\nTo: sip:j_user@example.com\n"
      "From: sip:caller@example.org;tag=33242\nMax-Forwards: 3\nCall-ID: "
      "semiuri.0ha0isndaksdj\nCSeq: 8 OPTIONS\n"
      "Accept: application/sdp, application/pkcs7-mime,\n multipart/mixed, multipart/signed,\n "
      "message/sip, message/sipfrag\n"
      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw\nl: 0\n\n",
      "none" },
    { "3.1.1.10 transports",
      "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: "
      "<sip:caller@example.com>;tag=323\n"
      "Max-Forwards: 70\nCall-ID:  transports.kijh4akdnaqjkwendsasfdj\nAccept: "
      "application/sdp\nCSeq: 60 OPTIONS\n"
      "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw\nVia: SIP/2.0/SCTP "
      "t2.example.com;branch=z9hG4bKklasjdhf\n"
      "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\nVia: SIP/2.0/UNKNOWN "
      "t4.example.com;branch=z9hG4bKasd0f3en\n"
      "Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee\nl: 0\n\n",
      "none" },
    { "3.1.1.12 unreason",
      "SIP/2.0 200 = 2**3 * 5**2 \xD0\xBD\xD0\xBE\nVia: SIP/2.0/UDP "
      "192.0.2.198;branch=z9hG4bK1324923\n"
      "Call-ID: unreason.1234ksdfak3j2erwedfsASdf\nCSeq: 35 INVITE\nFrom: "
      "sip:user@example.com;tag=11141343\n"
      "To: sip:user@example.edu;tag=2229\nContent-Type: application/sdp\nContact: "
      "<sip:user@host198.example.com>\n" END "v=0\n",
      "none" },
    { "3.1.1.13 noreason",
      "SIP/2.0 100 \nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\nCall-ID: "
      "noreason.asndj203insdf99223ndf\n"
      "CSeq: 35 INVITE\nFrom: <sip:user@example.com>;tag=39ansfi3\nTo: "
      "<sip:user@example.edu>;tag=902jndnke3\n"
      "Content-Length: 0\nContact: <sip:user@host105.example.com>\n\n",
      "none" },
    { "3.1.2.1 badinv01",
      "INVITE sip:user@example.com SIP/2.0\nTo: sip:j.user@example.com\nFrom: "
      "sip:caller@example.net;tag=134161461246\n"
      "Max-Forwards: 7\nCall-ID: badinv01.0ha0isndaksdjasdf3234nas\nCSeq: 8 INVITE\n"
      "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\nContact: \"Joe\" <sip:joe@example.org>;;;;\n" END,
      "Via: breaks the grammar" },
    { "3.1.2.2 clerr",
      "INVITE sip:user@example.com SIP/2.0\n" TAIL("clerr", "INVITE") CONTACT
      "Content-Type: application/sdp\nContent-Length: 9999\n\nv=0\n",
      "Content-Length: larger than the body" },
    { "3.1.2.3 ncl",
      "INVITE sip:user@example.com SIP/2.0\n" TAIL("ncl", "INVITE") CONTACT
      "Content-Type: application/sdp\nContent-Length: -999\n\nv=0\n",
      "Content-Length: not a decimal number" },
    { "3.1.2.4 scalar02",
      "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TCP "
      "host129.example.com;branch=z9hG4bK342sdfoi3\nTo: <sip:user@example.com>\n"
      "From: <sip:user@example.com>;tag=239232jh3\nCSeq: 36893488147419103232 REGISTER\nCall-ID: "
      "scalar02.23o0pd9vanlq3wnrlnewofjas9ui32\n"
      "Max-Forwards: 300\nExpires: 10000000000000000\n" END,
      "CSeq: not a number below 2^31 and a method" },
    { "3.1.2.4, Max-Forwards alone",
      "OPTIONS sip:a@b SIP/2.0\nTo: sip:a@b\nFrom: sip:c@d;tag=1\nMax-Forwards: 300\nCall-ID: x\n"
      "CSeq: 8 OPTIONS\nVia: SIP/2.0/UDP h;branch=z9hG4bKk\n" END,
      "Max-Forwards: not a number of 0 to 255" },
    { "3.1.2.4, Expires alone",
      "REGISTER sip:a@b SIP/2.0\n" TAIL("x", "REGISTER") "Expires: 10000000000000000\n" END,
      "Expires: not a number of seconds" },
    { "3.1.2.5 scalarlg",
      "SIP/2.0 503 Service Unavailable\nVia: SIP/2.0/TCP "
      "host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129\n"
      "To: <sip:user@example.com>\nFrom: <sip:other@example.net>;tag=2easdjfejw\nCSeq: "
      "9292394834772304023312 OPTIONS\n"
      "Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r\n" END,
      "CSeq: not a number below 2^31 and a method" },
    { "3.1.2.6 quotbal",
      "INVITE sip:user@example.com SIP/2.0\nTo: \"Mr. J. User <sip:j.user@example.com>\n"
      "From: sip:caller@example.net;tag=93334\nMax-Forwards: 10\nCall-ID: quotbal.aksdj\nContact: "
      "<sip:caller@host59.example.net>\n"
      "CSeq: 8 INVITE\nVia: SIP/2.0/UDP 192.0.2.59:5050;branch=z9hG4bKkdjuw39234\n" END,
      "To: breaks the grammar" },
    { "3.1.2.7 ltgtruri",
      "INVITE <sip:user@example.com> SIP/2.0\n" TAIL("ltgtruri", "INVITE") CONTACT END,
      "start line: the Request-URI breaks the grammar" },
    { "3.1.2.8 lwsruri",
      "INVITE sip:user@example.com; lr SIP/2.0\n" TAIL("lwsruri", "INVITE") CONTACT END,
      "start line: not: method, blank, URI, blank, SIP/2.0" },
    { "3.1.2.9 lwsstart",
      "INVITE  sip:user@example.com  SIP/2.0\n" TAIL("lwsstart", "INVITE") CONTACT END,
      "start line: not: method, blank, URI, blank, SIP/2.0" },
    { "3.1.2.10 trws",
      "OPTIONS sip:remote-target@example.com SIP/2.0  \n" TAIL("trws", "OPTIONS") END,
      "start line: not: method, blank, URI, blank, SIP/2.0" },
    { "3.1.2.11 escruri",
      "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0\n" TAIL("escruri", "INVITE")
          CONTACT END,
      "start line: the Request-URI has headers" },
    { "3.1.2.12 baddate is carried as text",
      "INVITE sip:user@example.com SIP/2.0\n" TAIL("baddate", "INVITE") CONTACT
      "Date: Fri, 01 Jan 2010 16:00:00 EST\n" END,
      "none" },
    { "3.1.2.13 regbadct",
      "REGISTER sip:example.com SIP/2.0\n" TAIL(
          "regbadct",
          "REGISTER") "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E\n" END,
      "Contact: breaks the grammar" },
    { "3.1.2.14 badaspec",
      "OPTIONS sip:user@example.org SIP/2.0\nVia: SIP/2.0/UDP "
      "host4.example.com:5060;branch=z9hG4bKkdju43234\n"
      "Max-Forwards: 70\nFrom: \"Bell, Alexander\" <sip:a.g.bell@example.com>;tag=433423\n"
      "To: \"Watson, Thomas\" < sip:t.watson@example.org >\nCall-ID: "
      "badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3\nCSeq: 3923239 OPTIONS\n" END,
      "To: breaks the grammar" },
    { "3.1.2.15 baddn",
      "OPTIONS sip:t.watson@example.org SIP/2.0\nVia: SIP/2.0/UDP "
      "c.example.com:5060;branch=z9hG4bKkdjuw\n"
      "Max-Forwards: 70\nFrom: Bell, Alexander <sip:a.g.bell@example.com>;tag=43\nTo: Watson, "
      "Thomas <sip:t.watson@example.org>\n"
      "Call-ID: baddn.31415@c.example.com\nCSeq: 3923239 OPTIONS\n" END,
      "From: breaks the grammar" },
    { "3.1.2.16 badvers",
      "OPTIONS sip:t.watson@example.org SIP/7.0\nVia: SIP/7.0/UDP "
      "c.example.com;branch=z9hG4bKkdjuw\n"
      "Max-Forwards: 70\nFrom: A. Bell <sip:a.g.bell@example.com>;tag=qweoiqpe\nTo: T. Watson "
      "<sip:t.watson@example.org>\n"
      "Call-ID: badvers.31417@c.example.com\nCSeq: 1 OPTIONS\nl: 0\n\n",
      "start line: not: method, blank, URI, blank, SIP/2.0" },
    { "3.1.2.17 mismatch01",
      "OPTIONS sip:user@example.com SIP/2.0\n" TAIL("mismatch01", "INVITE") END,
      "CSeq: its method is not that of the request" },
    { "3.1.2.18 mismatch02",
      "NEWMETHOD sip:user@example.com SIP/2.0\n" TAIL("mismatch02", "INVITE") CONTACT
      "Content-Type: application/sdp\n" END "v=0\n",
      "CSeq: its method is not that of the request" },
    { "3.1.2.19 bigcode",
      "SIP/2.0 4294967301 better not break the receiver\nVia: SIP/2.0/UDP "
      "192.0.2.105;branch=z9hG4bK2398ndaoe\n"
      "Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i\nCSeq: 353494 INVITE\nFrom: "
      "<sip:user@example.com>;tag=39ansfi3\n"
      "To: <sip:user@example.edu>;tag=902jndnke3\nContent-Length: 0\nContact: "
      "<sip:user@host105.example.com>\n\n",
      "start line: no status code of 100 to 699 with a blank behind it" },
    { "3.2.1 badbranch: stricter, no cookie and no more",
      "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:user@example.com\n"
      "From: sip:caller@example.org;tag=33242\nMax-Forwards: 3\nVia: SIP/2.0/UDP "
      "192.0.2.1;branch=z9hG4bK\n"
      "Accept: application/sdp\nCall-ID: badbranch.sadonfo23i420jv0as0derf3j3n\nCSeq: 8 "
      "OPTIONS\nl: 0\n\n",
      "Via: the branch does not start with z9hG4bK" },
    { "3.3.1 insuf",
      "INVITE sip:user@example.com SIP/2.0\nCSeq: 193942 INVITE\nVia: SIP/2.0/UDP "
      "192.0.2.95;branch=z9hG4bKkdj.insuf\n"
      "Content-Type: application/sdp\nl: 0\n\n",
      "From: missing" },
    { "3.3.2 unkscm",
      "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\n" TAIL("unkscm", "OPTIONS") END,
      "none" },
    { "3.3.4 unksm2",
      "REGISTER sip:example.com SIP/2.0\nTo: isbn:2983792873\nFrom: "
      "<http://www.example.com>;tag=3234233\n"
      "Call-ID: unksm2.daksdj@hyphenated-host.example.com\nCSeq: 234902 REGISTER\nMax-Forwards: "
      "70\n"
      "Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw\nContact: <name:John_Smith>\nl: 0\n\n",
      "none" },
    { "3.3.5 bext01",
      "OPTIONS sip:user@example.com SIP/2.0\n" TAIL(
          "bext01",
          "OPTIONS") "Proxy-Require: nothingSupportsThis, nothingSupportsThisEither\nRequire: "
                     "nothingSupportsThis, nothingSupportsThisEither\n" END,
      "none" },
    { "3.3.8 multi01",
      "INVITE sip:user@company.com SIP/2.0\nContact: <sip:caller@host25.example.net>\n"
      "Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw\nMax-Forwards: 70\nCSeq: 5 INVITE\n"
      "Call-ID: multi01.98asdh@192.0.2.1\nCSeq: 59 INVITE\nCall-ID: multi01.98asdh@192.0.2.2\n"
      "From: sip:caller@example.com;tag=3413415\nTo: sip:user@example.com\n" END,
      "CSeq: stands more than once" },
    { "3.3.9 mcl01",
      "OPTIONS sip:user@example.com SIP/2.0\n" TAIL(
          "mcl01", "OPTIONS") "Content-Length: 13\nContent-Length: 5\n"
                              "Content-Type: text/plain\n\nThere's no wa",
      "Content-Length: stands more than once" },
    { "3.3.10 bcast: two Vias in a response are the caller's matter",
      "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\nVia: SIP/2.0/UDP "
      "255.255.255.255;branch=z9hG4bK1saber23\n"
      "Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf\nCSeq: 35 INVITE\nFrom: "
      "sip:user@example.com;tag=11141343\n"
      "To: sip:user@example.edu;tag=2229\nContent-Length: 0\nContact: "
      "<sip:user@host28.example.com>\n\n",
      "none" },
    { "3.3.11 zeromf",
      "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: "
      "sip:caller@example.net;tag=3ghsd41\n"
      "Call-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas\nCSeq: 39234321 OPTIONS\nVia: SIP/2.0/UDP "
      "host1.example.com;branch=z9hG4bKkdjuw2349i\n"
      "Max-Forwards: 0\n" END,
      "none" },
    { "3.3.13 sdp01 without type",
      "INVITE sip:user@example.com SIP/2.0\n" TAIL("x", "INVITE") CONTACT END "v=0\n",
      "Content-Type: missing, but there is a body" },
    { "3.4.1 inv2543: not served",
      "INVITE sip:UserB@example.com SIP/2.0\nVia: SIP/2.0/UDP iftgw.example.com\n"
      "From: <sip:+13035551111@ift.client.example.net;user=phone>\nRecord-Route: "
      "<sip:UserB@example.com;maddr=ss1.example.com>\n"
      "To: sip:+16505552222@ss1.example.net;user=phone\nCall-ID: "
      "inv2543.1717@ift.client.example.com\nCSeq: 56 INVITE\n"
      "Content-Type: application/sdp\n" END "v=0\n",
      "Via: the branch does not start with z9hG4bK" },
};

static void messages(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *got = sip_fault(rows[i].text);

        if (!CHECK_STR(got, rows[i].fault))
            fprintf(stderr, "  section %s\n", rows[i].section);
    }
}

/* 3.1.1.1: every liberty of white space, and what is read of it. */
static void wsinv(void)
{
    struct gh_sip_msg *msg = sip_msg(rows[0].text);
    struct gh_sip_values vias;
    struct gh_span value;
    int count = 0;

    CHECK_OR_STOP(msg != NULL);
    CHECK_INT(msg->method, GH_SIP_INVITE);
    CHECK_INT(msg->cseq, 9);
    CHECK_INT(msg->max_forwards, 68);
    CHECK_SPAN(msg->to.tag, "1918181833n");
    CHECK_SPAN(msg->from.tag, "98asjd8");
    CHECK_SPAN(msg->from.display, "\"J Rosenberg \\\\\\\"\"");
    CHECK_SPAN(msg->from.uri.text, "sip:jdrosen@example.com");
    CHECK_SPAN(msg->via.branch, "z9hG4bK390skdjuw");
    CHECK_INT(msg->via_count, 3);
    vias = gh_sip_values(msg, GH_SIP_HDR_VIA);
    while (gh_sip_values_next(&vias, &value))
        count++;
    CHECK_INT(count, 3);
    CHECK(msg->has_contact);
    CHECK_SPAN(msg->contact.display, "\"Quoted string \\\"\\\"\"");
    CHECK_SPAN(gh_sip_msg_hdr_named(msg, "newfangledheader")->value,
               "newfangled value   continued newfangled value");
    CHECK_SPAN(msg->body, "v=0\r\n");
    gh_sip_msg_unref(msg);
}

/* 3.1.1.2 has a NUL in a quoted pair, which RFC 3261 allows and we do not: C programs behind us
 * would cut there. */
static void nul_in_quoted_pair(void)
{
    struct gh_buf wire = sip_wire("OPTIONS sip:a@b SIP/2.0\nVia: SIP/2.0/TCP "
                                  "h;branch=z9hG4bK1\nTo: \"NUL:\\# BEL\" <sip:a@b>\n"
                                  "From: <sip:c@d>;tag=1\nCall-ID: x\nCSeq: 1 OPTIONS\n" END);
    struct gh_sip_fault fault = { 0 };
    struct gh_sip_msg *msg;

    *(char *)memchr(wire.p, '#', wire.len) = 0;
    CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, &fault), GH_ESYNTAX);
    CHECK_STR(fault.header, "To");
    CHECK_STR(fault.text, "NUL in a header");
    CHECK(msg == NULL); /* its To cannot be copied into an answer */
    gh_buf_fini(&wire);
}

/* 3.1.1.8: what stands behind the body of a datagram is no second message. */
static void dblreq(void)
{
    struct gh_buf wire = sip_wire("REGISTER sip:example.com SIP/2.0\n" TAIL(
        "dblreq", "REGISTER") "Content-Length: 0\n\n"
                              "INVITE sip:joe@example.com SIP/2.0\n\n");
    struct gh_sip_msg *msg;

    CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_DATAGRAM, NULL), 0);
    CHECK_INT(msg->body.len, 0);
    gh_sip_msg_unref(msg);
    CHECK_INT(sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, NULL), GH_ESYNTAX);
    gh_sip_msg_unref(msg);
    gh_buf_fini(&wire);
}

/* 3.1.1.7 longreq in its point: long values are fine. */
static void longreq(void)
{
    struct gh_buf text = { 0 };
    struct gh_sip_msg *msg;

    gh_buf_str(&text, "INVITE sip:user@example.com SIP/2.0\nTo: \"I have a user name of ");
    for (int i = 0; i < 600; i++)
        gh_buf_str(&text, "extreme");
    gh_buf_str(&text, " proportion\"<sip:user@example.com:6000;unknownparam1=verylonglonglongvalue>"
                      "\nFrom: sip:a@b;tag=12982982982982");
    for (int i = 0; i < 100; i++)
        gh_buf_str(&text, "424");
    gh_buf_str(&text, "\nCall-ID: longreq.one\nCSeq: 3882340 INVITE\nContact: "
                      "<sip:amazinglylongcallername@host5.example.net>\n");
    for (int i = 0; i < 34; i++)
        gh_buf_fmt(&text, "v: SIP/2.0/TCP sip%d.example.com;branch=z9hG4bKlong%d\n", i, i);
    gh_buf_fmt(&text, "Content-Length: 0\n\n%c", 0);
    msg = sip_msg(text.p);
    CHECK_OR_STOP(msg != NULL);
    CHECK_INT(msg->via_count, 34);
    CHECK_SPAN(msg->via.branch, "z9hG4bKlong0");
    gh_sip_msg_unref(msg);
    gh_buf_fini(&text);
}

int main(void)
{
    RUN(messages);
    RUN(wsinv);
    RUN(nul_in_quoted_pair);
    RUN(dblreq);
    RUN(longreq);
    return CHECK_REPORT();
}
