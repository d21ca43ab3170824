# SPDX-License-Identifier: Apache-2.0
"""Where offers and answers may stand in a call's beginning: RFC 3264, RFC 3262, RFC 6337."""
import harness as h
from rtp import CM, GCM
from session_case import RELIABLE, SessionCase, description


class Delayed(SessionCase):
    """CUCM's default: the INVITE has no offer."""

    def test_offer_in_200_answer_in_ack(self):
        request = self.invited()
        self.assertEqual(request.body, b"")
        self.b.open().reply(request, 180)
        self.assertEqual(self.a.expect(180).body, b"")
        self.b.reply(request, 200, self.b.describe())
        ok = self.a.expect(200)
        lines = self.a.open().take(ok.body)
        # b's key is copied: what b sends, a can read as it is.
        self.assertEqual([c for c in lines[0][3] if c[1] == CM][0][2], h.base64_text(self.b.ends[0].key))
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        ack = self.b.expect("ACK")
        self.b.take(ack.body)
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.paths(record), ["pass", "pass"])
        self.assertEqual(record["key_holders"], ["CUCM10", "border1.example.net", "CUCMA"])

    def repeated_elsewhere(self, ok):
        """b sends its 2xx once more over a connection of its own to us: the ACK with its keys goes there."""
        other = h.tls_connect(self.lab, self.lab.cert("CUCM10"), self.lab.b_host)
        self.addCleanup(other.close)
        first, self.b.peer = self.b.peer, other
        ok()
        self.assertIn(b"a=crypto", self.b.expect("ACK").body)
        self.b.peer = first
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(record["legs"][1]["sig"]["role"], "server")

    def test_ack_again_over_another_connection(self):
        request = self.invited()
        self.b.open().reply(request, 200, self.b.describe())
        lines = self.a.open().take(self.a.expect(200).body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        self.b.take(self.b.expect("ACK").body)
        self.both_ways()
        self.repeated_elsewhere(lambda: self.b.reply(request, 200, self.b.describe()))

    def test_ack_again_over_another_connection_in_a_change(self):
        self.establish()
        self.a.request("INVITE")
        request = self.b.expect("INVITE")
        self.b.reply(request, 200, self.b.describe())
        lines = self.a.take(self.a.expect(200).body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        self.b.take(self.b.expect("ACK").body)
        self.both_ways()
        self.repeated_elsewhere(lambda: self.b.reply(request, 200, self.b.describe()))

    def test_a_takes_another_suite(self):
        request = self.invited()
        self.b.open().reply(request, 200, self.b.describe())
        lines = self.a.open(suite=GCM).take(self.a.expect(200).body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        self.b.take(self.b.expect("ACK").body)
        self.both_ways()
        record = self.hang_up(self.b)
        self.check_end(record, reasons=["called_hung_up"])
        self.assertEqual(self.paths(record), ["bridge", "bridge"])

    def refused(self, answer, reason, code=488):
        """a's ACK does not do: b gets an ACK with port 0, both get BYE."""
        request = self.invited()
        self.b.open().reply(request, 200, self.b.describe())
        lines = self.a.open().take(self.a.expect(200).body)
        self.a.ack(answer(lines))
        ack = self.b.expect("ACK")
        self.assertRegex(ack.body, rb"m=audio 0 RTP/SAVP")
        self.assertNotIn(b"a=crypto", ack.body)
        for ua in (self.a, self.b):
            bye = ua.expect("BYE")
            self.assertIn(f"cause={code}", bye.get("Reason"))
            self.assertIn(reason, bye.get("Reason"))
            ua.reply(bye, 200)
        record = self.ended()
        self.check_end(record, status="Unknown", grade="none", reasons=[reason])

    def test_ack_without_an_answer(self):
        self.refused(lambda lines: b"", "answer_missing")

    def test_ack_with_a_line_that_nobody_offered(self):
        self.refused(lambda lines: self.a.describe(tags=[77]).replace(b"SHA1_80", b"SHA1_32"),
                     "crypto_answer_bad")

    def test_a_answers_rtp_where_its_trunk_allows(self):
        request = self.invited()
        self.b.open().reply(request, 200, self.b.describe())
        ok = self.a.expect(200)
        self.assertIn(b" RTP/AVP ", ok.body)  # RFC 8643: keys in an offer that may do without
        self.a.open(suite=None).take(ok.body)
        self.a.ack(self.a.describe())
        self.b.take(self.b.expect("ACK").body)
        self.both_ways()
        self.check_end(self.hang_up(), status="Authenticated", grade="mixed", marks=["srtp_fallback"])

    def test_offer_that_cannot_be(self):
        request = self.invited()
        self.b.open().reply(request, 200, description(self.lab.b_host, self.b.ends, protos=["RTP/AVP"]).split(b"a=crypto")[0])
        self.assertIn("srtp_required", self.a.expect(488).get("Warning"))
        self.a.ack_refusal()
        ack = self.b.expect("ACK")
        self.assertRegex(ack.body, rb"m=audio 0 ")
        bye = self.b.expect("BYE")
        self.assertIn("srtp_required", bye.get("Reason"))
        self.b.reply(bye, 200)
        self.check_end(self.ended(), status="Unknown", grade="none", reasons=["srtp_required"])

    def test_200_without_sdp(self):
        request = self.invited()
        self.b.reply(request, 200)
        self.assertIn("bad_sdp", self.a.expect(488).get("Warning"))
        self.a.ack_refusal()
        self.b.expect("ACK")
        self.b.reply(self.b.expect("BYE"), 200)
        self.ended()

    def test_offer_in_an_unreliable_183_does_not_cross(self):
        request = self.invited()
        self.b.open().reply(request, 183, self.b.describe())
        self.assertEqual(self.a.expect(183).body, b"")
        self.b.reply(request, 200, self.b.describe())
        lines = self.a.open().take(self.a.expect(200).body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        self.b.take(self.b.expect("ACK").body)
        self.both_ways()
        self.check_end(self.hang_up(), marks=["body_dropped"])


class Reliable(SessionCase):
    """RFC 3262 end to end."""

    def test_offer_in_183_answer_in_prack(self):
        request = self.invited(extra=RELIABLE)
        self.assertIn("100rel", request.get("Supported"))
        self.b.open().reply(request, 183, self.b.describe(), extra="Require: 100rel\nRSeq: 7\n")
        early = self.a.expect(183)
        self.assertEqual(early.get("Require"), "100rel")
        lines = self.a.open().take(early.body)
        self.prack(early, self.a.describe(tags=self.a.tags(lines)))
        prack = self.b.expect("PRACK")
        self.assertEqual(prack.get("RAck"), f"7 {request.get('CSeq')}")
        self.b.take(prack.body)
        self.b.reply(prack, 200)
        self.a.expect(200)
        self.both_ways()  # early media
        self.b.reply(request, 200)
        self.assertEqual(self.a.expect(200).body, b"")
        self.a.ack()
        self.assertEqual(self.b.expect("ACK").body, b"")
        self.both_ways()
        self.check_end(self.hang_up())

    def test_answer_in_183_is_the_answer(self):
        request = self.invited(self.a.open().describe(), extra=RELIABLE)
        lines = self.b.open().take(request.body)
        self.b.reply(request, 183, self.b.describe(tags=self.b.tags(lines)), extra="Require: 100rel\nRSeq: 100\n")
        early = self.a.expect(183)
        self.a.take(early.body)
        self.both_ways()
        self.prack(early)
        self.b.reply(self.b.expect("PRACK"), 200)
        self.a.expect(200)
        self.b.reply(request, 200)
        self.assertEqual(self.a.expect(200).body, b"")
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.check_end(self.hang_up())

    def test_a_repetition_is_absorbed(self):
        request = self.invited(self.a.open().describe(), extra=RELIABLE)
        for _ in range(3):
            self.b.reply(request, 180, extra="Require: 100rel\nRSeq: 5\n")
        early = self.a.expect(180)
        self.prack(early)
        prack = self.b.expect("PRACK")
        self.b.reply(prack, 200)
        # Ours is repeated until its PRACK, never more often than that of b.
        self.a.expect(200)
        self.prack(early)
        self.a.expect(481)
        self.b.reply(request, 486)
        self.a.expect(486)
        self.a.ack_refusal()
        self.b.expect("ACK")

    def test_a_prack_that_refers_to_nothing(self):
        request = self.invited(self.a.open().describe(), extra=RELIABLE)
        self.b.reply(request, 180)
        self.a.expect(180)
        self.a.request("PRACK", extra=f"RAck: 1 {self.a.invite_cseq} INVITE\n")
        self.a.expect(481)
        self.a.cancel()
        self.assertEqual({self.a.receive(200).status, self.a.receive(200).status}, {200, 487})
        self.a.ack_refusal()
        self.b.reply(self.b.expect("CANCEL"), 200)
        self.b.reply(request, 487)
        self.b.expect("ACK")

    def test_a_new_offer_in_prack(self):
        request = self.invited(self.a.open().describe(), extra=RELIABLE)
        lines = self.b.open().take(request.body)
        self.b.reply(request, 183, self.b.describe(tags=self.b.tags(lines)), extra="Require: 100rel\nRSeq: 1\n")
        early = self.a.expect(183)
        self.a.take(early.body)
        self.both_ways()
        old = self.a.ends[0].key
        self.a.ends[0].key = h.fresh_key(old)
        self.prack(early, self.a.describe())
        prack = self.b.expect("PRACK")
        lines = self.b.take(prack.body)
        self.b.reply(prack, 200, self.b.describe(tags=self.b.tags(lines)))
        self.a.take(self.a.expect(200).body)
        self.both_ways()
        self.b.reply(request, 200)
        self.a.expect(200)
        self.a.ack()
        self.b.expect("ACK")
        self.check_end(self.hang_up())

    def test_update_before_the_answer(self):
        """RFC 3311: the caller is put on hold while it rings."""
        request = self.invited(self.a.open().describe(), extra=RELIABLE)
        lines = self.b.open().take(request.body)
        self.b.reply(request, 183, self.b.describe(tags=self.b.tags(lines)), extra="Require: 100rel\nRSeq: 1\n")
        early = self.a.expect(183)
        self.a.take(early.body)
        self.prack(early)
        self.b.reply(self.b.expect("PRACK"), 200)
        self.a.expect(200)
        self.a.request("UPDATE", self.a.describe(directions=["sendonly"]))
        update = self.b.expect("UPDATE")
        self.assertIn(b"a=sendonly", update.body)
        self.b.reply(update, 200, self.b.describe(directions=["recvonly"], tags=self.b.tags(lines)))
        self.assertIn(b"a=recvonly", self.a.expect(200).body)
        self.crosses(self.a.ends[0], self.b.ends[0])
        self.b.reply(request, 486)
        self.a.expect(486)
        self.a.ack_refusal()
        self.b.expect("ACK")


class Early(SessionCase):
    def test_183_then_another_answer_in_200(self):
        """The preview of an unreliable 183 does not bind: the 200 may say something else."""
        request = self.invited(self.a.open().describe())
        lines = self.b.open().take(request.body)
        self.b.reply(request, 183, self.b.describe(tags=self.b.tags(lines)))
        self.a.take(self.a.expect(183).body)
        self.both_ways()
        self.b.open(suite=GCM).take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.check_end(self.hang_up())

    def test_two_forks_ring_with_media(self):
        request = self.invited(self.a.open().describe())
        lines = self.b.open().take(request.body)
        first = self.b.ends
        self.b.reply(request, 183, self.b.describe(tags=self.b.tags(lines)), tag="one")
        one = self.a.expect(183)
        self.a.take(one.body)
        self.both_ways()
        self.b.open().take(request.body)
        self.b.reply(request, 183, self.b.describe(tags=self.b.tags(lines)), tag="two")
        two = self.a.expect(183)
        self.assertNotEqual(one.get("To"), two.get("To"))
        self.a.take(two.body)
        self.both_ways()
        second, self.b.ends = self.b.ends, first
        self.b.local_tag = "one"
        self.b.reply(request, 200, description(self.lab.b_host, self.b.ends, tags=self.b.tags(lines)), tag="one")
        ok = self.a.expect(200)
        self.assertEqual(ok.get("To"), one.get("To"))
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        for end in second:
            end.close()
        self.check_end(self.hang_up())

    def test_a_bad_answer_in_183_ends_the_call(self):
        request = self.invited(self.a.open().describe())
        self.b.open().reply(request, 183, self.b.describe(tags=[9]).replace(b"SHA1_80", b"SHA1_32"))
        self.assertIn("crypto_answer_bad", self.a.expect(488).get("Warning"))
        self.a.ack_refusal()
        cancel = self.b.expect("CANCEL")
        self.assertIn("crypto_answer_bad", cancel.get("Reason"))
        self.b.reply(cancel, 200)
        self.b.reply(request, 487)
        self.b.expect("ACK")
        self.check_end(self.ended(), status="Unknown", grade="none", reasons=["crypto_answer_bad"])

    def test_bye_of_the_caller_while_it_rings(self):
        request = self.invited(self.a.open().describe())
        self.b.reply(request, 180)
        self.a.expect(180)
        self.a.request("BYE")
        statuses = {self.a.receive(200).status, self.a.receive(200).status}
        self.assertEqual(statuses & {200, 487}, statuses)
        self.b.reply(self.b.expect("CANCEL"), 200)
        self.b.reply(request, 487)
        self.b.expect("ACK")
        self.check_end(self.ended(), status="Unknown", grade="none", reasons=["caller_hung_up"])


if __name__ == "__main__":
    h.main()
