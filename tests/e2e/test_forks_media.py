# SPDX-License-Identifier: Apache-2.0
"""Several that ring for one call: who is heard, keyed or not; and what else may happen to media before the answer."""
import os
import select
import ssl
import time

import harness as h
import rtp
from fork_case import AUDIO_VIDEO, FALLBACK, ForkCase
from pki import Pki
from rtp import CM
from session_case import RELIABLE, SessionCase, Ua


class Heard(ForkCase):
    """One phone is heard at a time; what another had falls silent, and may come back."""

    def test_video_of_another_phone(self):
        """Phone one has audio and, in clear, video; phone two has audio alone, is heard after it and picks up."""
        request = self.invited(self.a.open(2).describe(kinds=AUDIO_VIDEO))
        one, two = self.phone("one", (CM, None)), self.phone("two", (CM, "off"))
        self.ring(one, request, AUDIO_VIDEO, FALLBACK)
        self.talk(one, 0)
        self.talk(one, 1)
        self.ring(two, request, AUDIO_VIDEO)
        self.assertIn(b"m=video 0 ", two.ringing.body)
        self.check_deaf(self.a.ends[1], one.ends[1], lambda: self.talk(two))
        ok = self.pick_up(two, request, two.answer)
        self.assertIn(b"m=video 0 ", ok.body)
        self.check_deaf(self.a.ends[1], one.ends[1], lambda: self.talk(two))
        record = self.hang_up()
        self.check_end(record, grade="mixed", marks=["srtp_fallback"])
        self.assertEqual(self.worths(record), ["mixed", "hop_by_hop"])
        self.assertEqual([leg["streams"][1]["tx"] for leg in record["legs"]], [3, 3])  # of phone one's time

    def test_offers_of_two_phones(self):
        """a's INVITE has no offer: each phone makes one, the first for RTP.  The second is heard, and picks up."""
        request = self.invited(extra=RELIABLE)
        one, two = self.phone("one", (None,)), self.phone("two")
        self.offer_in_183(one, request, None)
        plain = self.a.ends[0]
        self.addCleanup(plain.close)
        self.talk(one)
        self.offer_in_183(two, request, CM)
        self.check_deaf(plain, one.ends[0], lambda: self.talk(two))
        self.pick_up(two, request, b"")
        self.check_deaf(plain, one.ends[0], lambda: self.talk(two))
        record = self.hang_up()
        self.check_end(record, grade="clear", marks=["media_clear", "srtp_fallback"])
        self.assertEqual(self.worths(record), ["clear", "hop_by_hop"])

    def test_an_offer_in_the_200(self):
        """a's INVITE has none: phone one's is in a reliable 183 and answered, phone two's in its 200.  a's ACK is awaited."""
        request = self.invited(extra=RELIABLE)
        one, two = self.phone("one"), self.phone("two")
        self.offer_in_183(one, request, CM)
        self.talk(one)
        two.reply(request, 200, two.describe())
        ok = self.a.expect(200)
        source = self.a.ends[0]
        for _ in range(5):
            source.send(source.protect(source.next_rtp()))
        rtp.await_read(source.remote[1])
        self.a.open()
        self.addCleanup(source.close)
        lines = self.a.join(ok)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        two.take(two.expect("ACK").body)
        self.b = two
        self.check_deaf(source, one.ends[0], lambda: self.talk(two))
        self.hang_up()

    def test_the_200_has_a_connection_of_its_own(self):
        """As above, and phone one's UPDATE waits for a's answer: the leg is phone two's, which says so over TLS 1.2."""
        request = self.invited(extra=RELIABLE)
        one, two = self.phone("one"), self.phone("two")
        self.offer_in_183(one, request, CM)
        one.request("UPDATE", one.describe())
        self.a.expect("UPDATE")
        context = h.client_context(self.lab, self.lab.cert("CUCM10"))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        two.peer = h.tls_connect(self.lab, source=self.lab.b_host, context=context)
        self.addCleanup(two.peer.close)
        two.reply(request, 200, two.describe())
        ok = self.a.expect(200)
        self.a.ends[0].close()
        lines = self.a.open().join(ok)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        two.take(two.expect("ACK").body)
        self.b = two
        self.talk(two)
        self.hang_up()
        legs = [record["sig"]["version"] for record in self.records("call.leg") if record["side"] == "b"]
        self.assertEqual(legs, ["TLSv1.2"])

    def test_plain_phone_comes_back(self):
        """Phone one rings with RTP, phone two with SRTP; it is phone one, by a 183 or by its 200."""
        for status in (183, 200):
            with self.subTest(status):
                self.again()
                request = self.invited(self.a.open().describe())
                one, two = self.phone("one", (None,)), self.phone("two")
                self.ring(one, request, extra=FALLBACK)
                self.talk(one)
                self.ring(two, request)
                self.talk(two)
                if status == 183:
                    one.reply(request, 183, one.answer, extra=FALLBACK)
                    self.a.join(self.a.expect(183))
                    self.talk(one)
                ok = self.pick_up(one, request, one.answer)
                self.assertEqual((ok.get("To"), ok.body), (one.ringing.get("To"), one.ringing.body))
                self.talk(one)
                record = self.hang_up()
                self.check_end(record, status="Authenticated", grade="mixed", marks=["srtp_fallback"])
                self.assertEqual(self.worths(record), ["mixed", "hop_by_hop", "mixed"])

    def test_plain_phone_without_its_video(self):
        """a's INVITE has no offer.  Phone one offers RTP, phone two SRTP, both with video; it is phone one, and a drops its
        video: of what was clear there, and was keyed since, nothing goes on."""
        request = self.invited(extra=RELIABLE)
        one, two = self.phone("one", (None, None)), self.phone("two", (CM, CM))
        self.offer_in_183(one, request, None, kinds=AUDIO_VIDEO)
        plain = self.a.ends
        self.talk(one, 1)
        self.offer_in_183(two, request, CM, kinds=AUDIO_VIDEO)
        keyed = self.a.ends
        self.talk(two, 1)
        self.a.ends = plain[:1] + [None]
        self.addCleanup(plain[1].close)
        self.a.join(one.ringing)
        self.a.request("UPDATE", self.a.describe(kinds=AUDIO_VIDEO, protos=["RTP/AVP"] * 2))
        update = one.expect("UPDATE")
        video, one.ends[1] = one.ends[1], None
        self.addCleanup(video.close)
        one.take(update.body)
        one.reply(update, 200, one.describe(kinds=AUDIO_VIDEO, protos=["RTP/AVP"] * 2))
        one.ringing = self.a.expect(200)
        self.a.take(one.ringing.body)
        for source, end in ((plain[1], video), (keyed[1], two.ends[1])):
            self.check_deaf(source, end, lambda: self.talk(one))
        for end in keyed:
            end.close()
        self.pick_up(one, request, b"")
        self.talk(one)
        record = self.hang_up()
        self.check_end(record, status="Authenticated", grade="clear", marks=["media_clear", "srtp_fallback"])
        self.assertEqual(self.worths(record), ["clear", "hop_by_hop", "clear"])

    def test_settled_phone_comes_back(self):
        """Phone one's answer came in a reliable 183, and phone two rings with the other kind of media; it is phone one, whose
        200 says nothing more."""
        for suites, status, worth in (((CM, None), "Encrypted", "hop_by_hop"), ((None, CM), "Authenticated", "mixed")):
            with self.subTest(status):
                self.again()
                request = self.invited(self.a.open().describe(), extra=RELIABLE)
                one, two = self.phone("one", suites[:1]), self.phone("two", suites[1:])
                self.ring(one, request, extra="Require: 100rel\nRSeq: 1\n" + FALLBACK)
                self.settle(one)
                self.talk(one)
                self.ring(two, request, extra=FALLBACK)
                self.talk(two)
                self.assertEqual(self.pick_up(one, request, b"").body, b"")
                self.talk(one)
                record = self.hang_up()
                self.check_end(record, status=status, grade="mixed", marks=["srtp_fallback"])
                self.assertEqual(self.worths(record)[-1], worth)


class Replay(ForkCase):
    """The video that an early dialog had is not in the call that b answers, and comes back with a's key: what was recorded
    of it is told apart from what is new."""

    def ringing(self, extra=""):
        """a's INVITE with video rings.  @return it, and b's two phones: one with video, one without"""
        request = self.invited(self.a.open(2).describe(kinds=AUDIO_VIDEO), extra=extra)
        return request, self.phone("one", (CM, CM)), self.phone("two", (CM, "off"))

    def test_another_phone_picks_up(self):
        for ringing in (False, True):
            with self.subTest(ringing):
                self.again()
                request, one, two = self.ringing()
                self.ring(one, request, AUDIO_VIDEO)
                recorded = self.recorded(one)
                if ringing:
                    self.ring(two, request, AUDIO_VIDEO)
                lines = two.take(request.body)
                self.pick_up(two, request, two.describe(kinds=AUDIO_VIDEO, tags=two.tags(lines)))
                self.check_deaf(recorded[0], one.ends[1], lambda: self.talk(two))
                self.check_back(*recorded)

    def test_the_phone_itself_changes_its_mind(self):
        """Its 183 takes the video, its 200 does not; or a 183 after which there is one more with it."""
        for answers in ((False,), (False, True, False)):
            with self.subTest(answers):
                self.again()
                request, one, _ = self.ringing()
                self.ring(one, request, AUDIO_VIDEO)
                recorded = self.recorded(one)
                end, lines = one.ends[1], one.take(request.body)
                for wanted in answers:
                    one.ends[1] = end if wanted else None
                    answer = one.describe(kinds=AUDIO_VIDEO, tags=one.tags(lines))
                    one.reply(request, 183, answer)
                    self.a.join(self.a.expect(183))
                    if wanted:
                        self.first_through(recorded[0], end)
                    else:
                        self.check_deaf(recorded[0], end, lambda: self.talk(one))
                self.pick_up(one, request, answer)
                self.check_back(*recorded)

    def test_a_settled_phone_picks_up(self):
        """Phone two has said all in a reliable 183; phone one is heard last."""
        request, one, two = self.ringing(RELIABLE)
        self.ring(two, request, AUDIO_VIDEO, extra="Require: 100rel\nRSeq: 1\n")
        self.settle(two)
        self.ring(one, request, AUDIO_VIDEO)
        recorded = self.recorded(one)
        self.pick_up(two, request, b"")
        self.check_deaf(recorded[0], one.ends[1], lambda: self.talk(two))
        self.check_back(*recorded)

    def test_a_line_that_only_one_phone_knew(self):
        """Phone one adds video by UPDATE; of phone two's session it is no part."""
        request = self.invited(self.a.open().describe(), extra=RELIABLE)
        one, two = self.phone("one"), self.phone("two")
        self.ring(one, request, extra="Require: 100rel\nRSeq: 1\n")
        self.settle(one)
        self.a.ends.append(rtp.End(self.a.host, CM))
        self.add_video(one)
        recorded = self.recorded(one)
        lines = two.take(request.body)
        del self.a.ends[1:]
        self.pick_up(two, request, two.describe(tags=two.tags(lines)))
        self.check_back(*recorded, changes=0)

    def test_each_phone_adds_a_line(self):
        """Both by UPDATE, and a answers them with one port and one key."""
        self.request = request = self.invited(self.a.open().describe(), extra=RELIABLE)
        phones = self.phone("one"), self.phone("two")
        for phone in phones:
            self.ring(phone, request, extra="Require: 100rel\nRSeq: 1\n")
            self.settle(phone)
        self.a.ends.append(rtp.End(self.a.host, CM))
        self.add_video(phones[0])
        recorded = self.recorded(phones[0])
        self.add_video(phones[1])
        self.check_stale(*recorded, phones[1])

    def test_each_phone_makes_an_offer(self):
        """a's INVITE has none; a answers both with one port and one key."""
        self.request = request = self.invited(extra=RELIABLE)
        one, two = self.phone("one"), self.phone("two")
        self.offer_in_183(one, request, CM)
        recorded = self.recorded(one, 0)
        self.offer_in_183(two, request, CM, self.a.ends)
        self.check_stale(*recorded, two, 0)

    def test_the_change_fails_at_first(self):
        """b refuses the re-INVITE that brings the video back, then the video in it, and takes the third."""
        request, one, two = self.ringing()
        self.ring(one, request, AUDIO_VIDEO)
        video, octets = self.recorded(one)
        lines = two.take(request.body)
        self.pick_up(two, request, two.describe(kinds=AUDIO_VIDEO, tags=two.tags(lines)))
        self.a.request("INVITE", self.a.describe(kinds=AUDIO_VIDEO))
        two.reply(two.expect("INVITE"), 488)
        two.expect("ACK")
        self.a.expect(488)
        self.a.ack_refusal()
        _, ok = self.reinvite(kinds=AUDIO_VIDEO)
        self.assertIn(b"m=video 0 ", ok.body)
        self.check_back(video, octets, changes=0)


class Late(ForkCase):
    """RTP, and b's trunk is symmetric: of the two phones the first plays an announcement until it hears CANCEL."""

    options = {"trunk_options": {"CUCM10": "srtp: allowed, media_source: symmetric"}}

    def test_an_announcement_that_goes_on(self):
        """Its packet after the other phone's answer is not where b is now; neither if its announcement was SRTP."""
        for suite in (None, CM):
            with self.subTest(suite):
                self.again()
                request = self.invited(self.a.open(suite=suite).describe(), extra=FALLBACK)
                one, two = self.phone("one", (suite,)), self.phone("two", (None,))
                self.ring(one, request)
                self.first_through(one.ends[0], self.a.ends[0])
                two.take(request.body)
                self.pick_up(two, request, two.describe(protos=["RTP/AVP"]))
                one.ends[0].send(one.ends[0].protect(one.ends[0].next_rtp()))
                for _ in range(3):
                    self.crosses(two.ends[0], self.a.ends[0])
                    self.crosses(self.a.ends[0], two.ends[0])
                self.hang_up()
                self.assertTrue(one.ends[0].is_silent())
                self.assertEqual([r["what"] for r in self.records("call.source") if r["what"] != "signalled"], [])


class NextDestination(ForkCase):
    host, deserted = (f"127.{'.'.join(map(str, h.lab_number()))}.{n}" for n in (8, 9))
    options = {"extra_trunks": "  NEXT: {security_profile: encrypted, listener: core, peer_names: [NEXT], srtp: required, "
                               f"destinations: ['{host}:5061']}}\n"
                               "  NOBODY: {security_profile: encrypted, listener: core, peer_names: [NOBODY], srtp: required, "
                               f"destinations: ['{deserted}:5061']}}\n",
               "extra_routes": '  - {pattern: "9893", trunks: [CUCM10, NEXT]}\n'
                               '  - {pattern: "9894", trunks: [CUCM10, NOBODY]}\n'}

    @classmethod
    def prepare(cls):
        Pki(cls.lab).leaf("NEXT", "NEXT", "DNS:NEXT")

    def test_a_trunk_that_is_out_of_the_call(self):
        """Two phones of the first trunk ring, one with video; then it fails, and the next trunk has the call."""
        server = h.Server(self.lab, "NEXT", self.host)
        self.addCleanup(server.close)
        self.a.invite(self.a.open(2).describe(kinds=AUDIO_VIDEO), number="9893")
        self.accept()
        request = self.b.expect("INVITE")
        one, two = self.phone("one", (CM, CM)), self.phone("two", (CM, "off"))
        self.ring(one, request, AUDIO_VIDEO)
        self.talk(one, 1)
        self.ring(two, request, AUDIO_VIDEO)
        self.talk(two)
        video = self.a.ends[1]
        two.reply(request, 503)
        two.expect("ACK")
        self.b = Ua(self, server.accept(), self.host, "9893")
        self.addCleanup(self.b.close)
        self.addCleanup(self.b.peer.close)
        request = self.b.expect("INVITE")
        self.b.reply(request, 180)
        self.a.expect(180)
        sent = [video.next_rtp() for _ in range(5)]
        for packet in sent:
            video.send(video.protect(packet))
        lines = self.b.open(2).take(request.body)
        self.b.reply(request, 200, self.b.describe(kinds=AUDIO_VIDEO, tags=self.b.tags(lines)))
        self.a.join(self.a.expect(200))
        self.a.ack()
        self.b.expect("ACK")
        self.first_through(video, self.b.ends[1], sent)
        for index in (0, 1):
            self.both_ways(index)
            self.assertTrue(one.ends[index].is_silent())
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(record["key_holders"], ["CUCMA", "border1.example.net", "CUCM10", "NEXT"])

    def test_video_that_the_trunk_before_had(self):
        """The next trunk's phone does without it, and takes it later: nothing that was recorded comes there."""
        server = h.Server(self.lab, "NEXT", self.host)
        self.addCleanup(server.close)
        self.a.invite(self.a.open(2).describe(kinds=AUDIO_VIDEO), number="9893")
        self.accept()
        request = self.b.expect("INVITE")
        one = self.phone("one", (CM, CM))
        self.ring(one, request, AUDIO_VIDEO)
        recorded = self.recorded(one)
        one.reply(request, 503)
        one.expect("ACK")
        self.b = Ua(self, server.accept(), self.host, "9893")
        self.addCleanup(self.b.close)
        self.addCleanup(self.b.peer.close)
        request = self.b.expect("INVITE")
        self.b.open(1).ends.append(None)
        lines = self.b.take(request.body)
        self.b.reply(request, 200, self.b.describe(kinds=AUDIO_VIDEO, tags=self.b.tags(lines)))
        self.a.join(self.a.expect(200))
        self.a.ack()
        self.b.expect("ACK")
        self.check_back(*recorded)


    def test_papers_of_the_trunk_before(self):
        """The UPDATE of its phone waits for a's answer when it fails, and the next trunk cannot be reached."""
        self.a.invite(self.a.open().describe(), RELIABLE, number="9894")
        self.accept()
        request = self.b.expect("INVITE")
        one = self.phone("one")
        self.ring(one, request, extra="Require: 100rel\nRSeq: 1\n")
        self.settle(one)
        one.request("UPDATE", one.describe())
        self.a.expect("UPDATE")
        one.reply(request, 503)
        one.expect("ACK")
        while self.a.peer.receive().get("CSeq") != f"{self.a.invite_cseq} INVITE":
            pass
        self.a.ack_refusal()
        leg = self.ended()["legs"][1]
        self.assertEqual(leg["trunk"], "NOBODY")
        self.assertNotIn("sig", leg)


class Crossing(SessionCase):
    def test_update_meets_the_answer(self):
        """a's UPDATE with SDP is on its way when b's 200 to the INVITE is; both are answered."""
        request = self.early()
        self.both_ways()
        self.a.request("UPDATE", self.a.describe())
        update = self.b.expect("UPDATE")
        lines = self.b.take(update.body)
        self.b.reply(request, 200)
        ok = self.a.expect(200)
        self.assertEqual((ok.get("CSeq"), ok.body), (f"{self.a.invite_cseq} INVITE", b""))
        self.b.reply(update, 200, self.b.describe(tags=self.b.tags(lines)))
        self.a.ack()
        ok = self.a.expect(200)
        while "INVITE" in ok.get("CSeq"):  # repeated until the ACK came
            ok = self.a.expect(200)
        self.a.take(ok.body)
        self.b.expect("ACK")
        self.both_ways()
        self.check_end(self.hang_up())


class Ports(SessionCase):
    """It rings, and each UPDATE of b adds an m-line of ever another media type, which a does not want."""

    TIMES = 20

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.lab.daemon.pid}/fd"))

    def back_to(self, count):
        """Sockets are closed a moment after the answer that ended their stream."""
        limit = time.monotonic() + h.LIMIT_S
        while self.descriptors() != count:
            self.assertLess(time.monotonic(), limit, f"{self.descriptors()} descriptors, not {count}")
            select.select([], [], [], 0.02)

    def test_a_line_that_is_refused_at_once(self):
        """No packet of it could come: b's answer is the only one, or a 183 that says the same before it."""
        self.establish()
        self.both_ways()
        count = self.descriptors()
        self.check_end(self.hang_up())
        for early in (False, True):
            with self.subTest(early):
                self.again()
                request = self.invited(self.a.open(2).describe(kinds=AUDIO_VIDEO))
                lines = self.b.open().take(request.body)
                self.b.ends.append(None)
                answer = self.b.describe(kinds=AUDIO_VIDEO, tags=self.b.tags(lines))
                if early:
                    self.b.reply(request, 183, answer)
                    self.a.expect(183)
                self.b.reply(request, 200, answer)
                self.a.take(self.a.expect(200).body)
                self.a.ack()
                self.b.expect("ACK")
                self.back_to(count)
                self.both_ways()
                self.check_end(self.hang_up())

    def test_lines_that_come_and_go_while_it_rings(self):
        request = self.early()
        self.both_ways()
        count = self.descriptors()
        self.b.ends.append(rtp.End(self.b.host, CM))
        self.a.ends.append(None)
        for i in range(self.TIMES):
            kinds = ["audio", ("video", "application", "text")[i % 3]]
            self.b.request("UPDATE", self.b.describe(kinds=kinds))
            update = self.a.expect("UPDATE")
            lines = self.a.take(update.body)
            self.a.reply(update, 200, self.a.describe(kinds=kinds, tags=self.a.tags(lines)))
            self.assertIn(f"m={kinds[1]} 0 ".encode(), self.b.expect(200).body)
        self.back_to(count)
        self.both_ways()
        self.b.reply(request, 200)
        self.a.expect(200)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.check_end(self.hang_up())


class Silence(SessionCase):
    options = {"timeout": "3s"}

    def test_a_caller_that_is_silent_while_it_rings(self):
        """b sends its tone, a nothing.  A call that is answered later ends by media.timeout; this one rings."""
        request = self.early()
        self.crosses(self.b.ends[0], self.a.ends[0])
        ringing = self.a, self.b
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        self.addCleanup(peer.close)
        self.a = Ua(self, peer, self.lab.a_host, "1019")
        self.b = Ua(self, self.b.peer, self.lab.b_host, "9898")
        self.establish()
        for ua in (self.a, self.b):
            self.addCleanup(ua.close)
            bye = ua.expect("BYE")
            self.assertIn("media_timeout", bye.get("Reason"))
            ua.reply(bye, 200)
        self.check_end(self.ended(), grade="none", reasons=["media_timeout"])
        self.a, self.b = ringing
        self.crosses(self.b.ends[0], self.a.ends[0])
        self.b.reply(request, 200)
        self.a.expect(200)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.check_end(self.hang_up())


if __name__ == "__main__":
    h.main()
