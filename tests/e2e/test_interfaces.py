# SPDX-License-Identifier: Apache-2.0
"""Several media interfaces: each leg has the address of its own trunk's, and hears of no other."""
import re

import harness as h
import rtp
from fork_case import ForkCase
from pki import Pki
from rtp import GCM
from session_case import SessionCase, Ua

X, Y = h.lab_number()
INSIDE, BOUND, SAID = (f"127.{X}.{Y}.{n}" for n in (20, 21, 22))  # outside is bound at one address and says another


def addresses(body):
    """Of o=, c= and a=rtcp."""
    return set(re.findall(rb"(?:o=\S+ \d+ \d+ |c=|a=rtcp:\d+ )IN IP4 (\S+)", body))


class Interfaces(SessionCase):
    """CUCMA's media is inside, CUCM10's outside, LAB's at media.address."""

    options = {"media": f", interfaces: {{inside: {{address: {INSIDE}}}, outside: {{address: {BOUND}, advertise: {SAID}}}}}",
               "trunk_options": {"CUCMA": "srtp: allowed, media_interface: inside",
                                 "CUCM10": "srtp: required, media_interface: outside"}}

    def lead(self):
        """Who sends to what SDP says of outside reaches what is bound: here is no router that would do it."""
        for end in self.a.ends:
            end.remote = (INSIDE, end.remote[1])
        for end in self.b.ends:
            end.remote = (BOUND, end.remote[1])

    def check_message(self, message, said):
        """Its SDP says one address, and none of the others of ours is anywhere in it."""
        self.assertEqual(addresses(message.body), {said.encode()})
        octets = message.body.decode() + "\n".join(f"{k}: {v}" for k, v in message.headers)
        for other in {INSIDE, BOUND, SAID} - {said}:
            self.assertNotIn(other, octets)

    def call(self, suite=rtp.CM):
        request = self.invited(self.a.open().describe())
        self.check_message(request, SAID)
        lines = self.b.open(suite=suite).take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        ok = self.a.expect(200)
        self.check_message(ok, INSIDE)
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.lead()

    def from_where(self, source, target):
        """The address that a packet of one end comes to the other from."""
        source.send(source.protect(source.next_rtp()))
        _, where = target.rtp.recvfrom(2048)
        return where[0]

    def test_each_leg_has_its_own(self):
        self.call()
        self.both_ways()
        self.assertEqual(self.from_where(self.a.ends[0], self.b.ends[0]), BOUND)
        self.assertEqual(self.from_where(self.b.ends[0], self.a.ends[0]), INSIDE)
        self.check_end(self.hang_up())

    def test_bridge_and_change(self):
        """Two suites; then b holds and resumes, and each leg keeps its address."""
        self.call(suite=GCM)
        self.both_ways()
        for direction, answer in (("sendonly", "recvonly"), (None, None)):
            self.b.request("INVITE", self.b.describe(directions=[direction]))
            request = self.a.expect("INVITE")
            self.check_message(request, INSIDE)
            lines = self.a.take(request.body)
            self.a.reply(request, 200, self.a.describe(tags=self.a.tags(lines), directions=[answer]))
            ok = self.b.expect(200)
            self.check_message(ok, SAID)
            self.b.take(ok.body)
            self.b.ack()
            self.a.expect("ACK")
            self.lead()
        self.both_ways()
        self.check_end(self.hang_up())

    def test_a_trunk_without_one_has_media_address(self):
        """LAB calls over TCP with RTP; the other leg is inside."""
        peer = h.tcp_connect(self.lab)
        self.addCleanup(peer.close)
        dialog = h.Dialog(self.lab, peer, number="1018", host=self.lab.lab_host, transport="TCP")
        with h.Server(self.lab, "CUCMA", host=self.lab.a_host) as server:
            dialog.invite(h.sdp(self.lab.lab_host, crypto=None, proto="RTP/AVP"))
            called = server.accept()
            self.addCleanup(called.close)
            request = called.expect("INVITE")
            self.assertEqual(addresses(request.body), {INSIDE.encode()})
            h.reply(called, request, 200, "OK", h.sdp(self.lab.a_host, crypto=None, proto="RTP/AVP"), tag="t",
                    contact=f"sip:1018@{self.lab.a_host}:5061;transport=tls")
            ok = peer.expect(200)
            self.assertEqual(addresses(ok.body), {self.lab.host.encode()})
            dialog.take_tag(ok)
            dialog.ack()
            called.expect("ACK")
            dialog.request("BYE")
            h.reply(called, called.expect("BYE"), 200, "OK")
            peer.expect(200)


class NextInterface(ForkCase):
    """A route whose first trunk's media is outside, and whose next one's is at media.address."""

    host = f"127.{X}.{Y}.8"
    options = {"media": f", interfaces: {{outside: {{address: {BOUND}}}}}",
               "trunk_options": {"CUCM10": "srtp: required, media_interface: outside"},
               "extra_trunks": "  NEXT: {security_profile: encrypted, listener: core, peer_names: [NEXT], srtp: required, "
                               f"destinations: ['{host}:5061']}}\n",
               "extra_routes": '  - {pattern: "9893", trunks: [CUCM10, NEXT]}\n'}

    @classmethod
    def prepare(cls):
        Pki(cls.lab).leaf("NEXT", "NEXT", "DNS:NEXT")

    def test_the_next_trunk_has_its_own(self):
        """The first one fails at once, or after a's media went there: a's key has another stream then."""
        server = h.Server(self.lab, "NEXT", self.host)
        self.addCleanup(server.close)
        connection = None
        for early in (False, True):
            with self.subTest(early):
                self.again()
                self.a.invite(self.a.open().describe(), number="9893")
                self.accept()
                request = self.b.expect("INVITE")
                self.assertEqual(addresses(request.body), {BOUND.encode()})
                one = self.phone("one")
                if early:
                    self.ring(one, request)
                    one.ends[0].remote = (BOUND, one.ends[0].remote[1])
                    self.talk(one)
                one.reply(request, 503)
                one.expect("ACK")
                connection = connection or server.accept()
                self.b = Ua(self, connection, self.host, "9893")
                self.addCleanup(self.b.close)
                request = self.b.expect("INVITE")
                self.assertEqual(addresses(request.body), {self.lab.host.encode()})
                lines = self.b.open().take(request.body)
                self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
                self.a.join(self.a.expect(200))
                self.a.ack()
                self.b.expect("ACK")
                self.both_ways()
                self.assertTrue(one.ends[0].is_silent())
                self.check_end(self.hang_up(), marks=["key_reused"] if early else [])


if __name__ == "__main__":
    h.main()
