# SPDX-License-Identifier: Apache-2.0
"""The key gate where no 488 can be sent: keys in answers, in reliable responses, in PRACK and ACK, in what a call
changes to.  LAB calls PLAIN, both without TLS."""
import harness as h
from gate_case import CLEAR, GateCase, crypto, rtp

ZERO = rb"\r\nm=audio 0 RTP/S?AVP 0\r\n"


class Late(GateCase):
    def keyed(self, host):
        return rtp(host, 31000, media=(crypto(self.key()),))

    def call(self, body=b"", extra=""):
        dialog = self.clear_dialog()
        dialog.invite(body, extra=extra)
        b, request = self.arrives(self.plain)
        return dialog, b, request

    def reply(self, b, request, status, body=b"", extra=""):
        h.reply(b, request, status, "Whatever", body, tag="bt", extra=extra,
                contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")

    def zero(self, msg):
        self.assertRegex(msg.body, ZERO)
        self.assertNotIn(b"crypto", msg.body)

    def bye(self, *peers):
        for peer in peers:
            bye = peer.expect("BYE")
            self.assertRegex(bye.get("Reason"), rf'SIP;cause=488;text="{CLEAR}: ')
            h.reply(peer, bye, 200, "OK")

    def cancelled(self, dialog, b, request):
        cancel = b.expect("CANCEL")
        self.assertRegex(cancel.get("Reason"), rf'SIP;cause=488;text="{CLEAR}: ')
        h.reply(b, cancel, 200, "OK")
        self.reply(b, request, 487)
        b.expect("ACK")

    def over(self, dialog, refusals=1):
        self.refused[CLEAR] += refusals
        end = self.ends(dialog)
        self.assertEqual((end["reasons"], end["key_holders"]), ([CLEAR], []))

    def test_offer_in_200(self):
        dialog, b, request = self.call()
        self.reply(b, request, 200, self.keyed(self.lab.b_host))
        self.zero(b.expect("ACK"))
        self.bye(b)
        self.assertIn(CLEAR, dialog.peer.expect(488).get("Warning"))
        dialog.ack_refusal()
        self.over(dialog)

    def test_offer_in_a_reliable_183(self):
        dialog, b, request = self.call(extra="Supported: 100rel\n")
        self.reply(b, request, 183, self.keyed(self.lab.b_host), "Require: 100rel\nRSeq: 9\n")
        prack = b.expect("PRACK")
        self.zero(prack)
        h.reply(b, prack, 200, "OK")
        self.cancelled(dialog, b, request)
        self.assertIn(CLEAR, dialog.peer.expect(488).get("Warning"))
        dialog.ack_refusal()
        self.over(dialog)

    def test_answer_in_ack(self):
        dialog, b, request = self.call()
        self.reply(b, request, 200, rtp(self.lab.b_host, 31000))
        dialog.take_tag(dialog.peer.expect(200))
        dialog.ack(self.keyed(self.lab.lab_host))
        self.zero(b.expect("ACK"))
        self.bye(b, dialog.peer)
        self.over(dialog)

    def early(self):
        """A reliable 183 of b with a clean offer, at a.  @return ..., the PRACK's headers"""
        dialog, b, request = self.call(extra="Supported: 100rel\n")
        self.reply(b, request, 183, rtp(self.lab.b_host, 31000), "Require: 100rel\nRSeq: 9\n")
        early = dialog.peer.expect(183)
        dialog.take_tag(early)
        return dialog, b, request, f"RAck: {early.get('RSeq')} 1 INVITE\nContent-Type: application/sdp\n"

    def test_answer_in_prack(self):
        dialog, b, request, rack = self.early()
        invite = dialog.branch
        dialog.request("PRACK", rack, self.keyed(self.lab.lab_host))
        answers = {dialog.peer.expect(200).get("CSeq"), dialog.peer.expect(488).get("CSeq")}
        self.assertEqual(answers, {"2 PRACK", "1 INVITE"})
        dialog.peer.send(dialog.headers("ACK", cseq=1, branch=invite))
        self.cancelled(dialog, b, request)
        self.over(dialog)

    def test_answer_in_the_200_of_an_update(self):
        dialog, b, sides = self.establish_clear()
        dialog.request("UPDATE", **self.typed(rtp(self.lab.lab_host)))
        h.reply(b, b.expect("UPDATE"), 200, "OK", self.keyed(self.lab.b_host),
                contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")
        self.assertIn(CLEAR, dialog.peer.expect(488).get("Warning"))
        self.bye(b, dialog.peer)
        self.over(dialog)

    def test_answer_to_a_reinvite(self):
        dialog, b, sides = self.establish_clear()
        dialog.request("INVITE", **self.typed(rtp(self.lab.lab_host)))
        request = b.expect("INVITE")
        h.reply(b, request, 200, "OK", self.keyed(self.lab.b_host), contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")
        self.assertEqual(b.expect("ACK").body, b"")
        self.assertIn(CLEAR, dialog.peer.expect(488).get("Warning"))
        dialog.ack_refusal()
        self.bye(b, dialog.peer)
        self.over(dialog)

    def test_offer_of_a_reinvite_without_one(self):
        dialog, b, sides = self.establish_clear()
        dialog.request("INVITE")
        h.reply(b, b.expect("INVITE"), 200, "OK", self.keyed(self.lab.b_host),
                contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")
        self.zero(b.expect("ACK"))
        self.assertIn(CLEAR, dialog.peer.expect(488).get("Warning"))
        dialog.ack_refusal()
        self.bye(b, dialog.peer)
        self.over(dialog)

    def test_answer_in_the_ack_of_a_reinvite(self):
        dialog, b, sides = self.establish_clear()
        dialog.request("INVITE")
        h.reply(b, b.expect("INVITE"), 200, "OK", rtp(self.lab.b_host, 31000),
                contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")
        dialog.peer.expect(200)
        dialog.ack(self.keyed(self.lab.lab_host))
        self.zero(b.expect("ACK"))
        self.bye(b, dialog.peer)
        self.over(dialog)


if __name__ == "__main__":
    h.main()
