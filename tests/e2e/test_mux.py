# SPDX-License-Identifier: Apache-2.0
"""RTP and RTCP on one port (RFC 5761): agreed by each leg for itself, never carried across."""
import harness as h
from session_case import SessionCase

MUX = b"a=rtcp-mux\r\n"


class MuxCase(SessionCase):
    def call(self, offers, answers):
        """@offers, @answers  whether a offers and b answers rtcp-mux.  @return was it offered to b, and answered to a"""
        request = self.invited(self.a.open().describe() + MUX * offers)
        lines = self.b.open().take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)) + MUX * answers)
        ok = self.a.expect(200)
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        return MUX in request.body, MUX in ok.body

    def report(self, source, target, muxed):
        """@muxed  whether the source sends, and the target receives, on RTP's port"""
        report = source.next_rtcp()
        sealed = source.protect_rtcp(report)
        source.send(sealed) if muxed[0] else source.send_rtcp(sealed)
        got = target.receive() if muxed[1] else target.receive_rtcp()
        self.assertEqual(target.unprotect_rtcp(got)[8:], report[8:])

    def reports(self, a, b):
        """Both ways, @a and @b: that leg has rtcp-mux.  The other port of a leg that has it is silent."""
        for _ in range(2):
            self.report(self.a.ends[0], self.b.ends[0], (a, b))
            self.report(self.b.ends[0], self.a.ends[0], (b, a))
        self.both_ways()
        self.check_end(self.hang_up())
        for ua in (self.a, self.b):
            self.assertTrue(ua.ends[0].is_silent())


class Accept(MuxCase):
    """The default: taken from who offers it, offered to nobody."""

    def test_offered(self):
        self.assertEqual(self.call(True, False), (False, True))
        self.reports(True, False)

    def test_not_offered(self):
        self.assertEqual(self.call(False, False), (False, False))
        self.reports(False, False)

    def test_answered_without_an_offer(self):
        """RFC 5761 section 5.1.1: it counts for nothing."""
        self.assertEqual(self.call(False, True), (False, False))
        self.reports(False, False)

    def test_turned_off(self):
        """A re-INVITE without it: reports have a port of their own again."""
        self.call(True, False)
        self.report(self.a.ends[0], self.b.ends[0], (True, False))
        self.a.request("INVITE", self.a.describe())
        request = self.b.expect("INVITE")
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(self.b.take(request.body))))
        ok = self.a.expect(200)
        self.assertNotIn(MUX, ok.body)
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.reports(False, False)

    def test_b_offers_in_a_change(self):
        """Either side may: b re-INVITEs with it."""
        self.call(False, False)
        self.b.request("INVITE", self.b.describe() + MUX)
        request = self.a.expect("INVITE")
        self.assertNotIn(MUX, request.body)
        self.a.reply(request, 200, self.a.describe(tags=self.a.tags(self.a.take(request.body))))
        ok = self.b.expect(200)
        self.assertIn(MUX, ok.body)
        self.b.take(ok.body)
        self.b.ack()
        self.a.expect("ACK")
        self.reports(False, True)


class Refuse(MuxCase):
    options = {"trunk_options": {"CUCMA": "srtp: allowed, rtcp_mux: refuse"}}

    def test_offered(self):
        self.assertEqual(self.call(True, False), (False, False))
        self.reports(False, False)


class Offer(MuxCase):
    options = {"trunk_options": {"CUCM10": "srtp: required, rtcp_mux: offer"}}

    def test_taken(self):
        self.assertEqual(self.call(False, True), (True, False))
        self.reports(False, True)

    def test_not_taken(self):
        self.assertEqual(self.call(False, False), (True, False))
        self.reports(False, False)

    def test_both_legs(self):
        self.assertEqual(self.call(True, True), (True, True))
        self.reports(True, True)

    def test_delayed_offer(self):
        """b, to whom it would be offered, offers itself: it is taken."""
        request = self.invited()
        self.b.open().reply(request, 200, self.b.describe() + MUX)
        ok = self.a.expect(200)
        self.assertNotIn(MUX, ok.body)
        lines = self.a.open().take(ok.body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        ack = self.b.expect("ACK")
        self.assertIn(MUX, ack.body)
        self.b.take(ack.body)
        self.both_ways()
        self.reports(False, True)


if __name__ == "__main__":
    h.main()
