# SPDX-License-Identifier: Apache-2.0
"""IPv6 on one side of a call, on both, and where it cannot be: RFC 3264, RFC 6157."""
import re
import socket

import harness as h
import rtp
from fork_case import ForkCase
from pki import Pki
from rtp import CM, GCM
from session_case import RELIABLE, SessionCase, Ua, description

HOST = "::1"


class End(rtp.End):
    """On IPv6's one loopback address: other laboratories have ports there too."""

    def bind_pair(self):
        while True:
            pair = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2)]
            try:
                pair[0].bind((self.host, 0))
                port = pair[0].getsockname()[1]
                if port % 2 == 0:
                    pair[1].bind((self.host, port + 1))
                    for sock in pair:
                        sock.settimeout(h.LIMIT_S)
                    return pair
            except OSError:
                pass
            for sock in pair:
                sock.close()


class Ua6(Ua):
    """Media over IPv6, whatever the signalling goes over."""

    def open(self, count=1, suite=CM):
        self.ends = [End(HOST, suite) for _ in range(count)]
        return self

    def describe(self, **kwargs):
        self.version += 1
        return description(HOST, self.ends, version=self.version, **kwargs).replace(b"IP4 ::1", b"IP6 ::1")

    def take(self, body):
        lines = super().take(body)
        for end in filter(None, self.ends):
            end.remote = (HOST, end.remote[1])
        return lines


def addresses(body):
    """Of o=, c= and a=rtcp."""
    return re.findall(rb"(?:o=\S+ \d+ \d+ |c=|a=rtcp:\d+ )IN (IP\d) (\S+)", body)


class Ip6Case(SessionCase):
    """b is CUCM10 over IPv4, or SIX over IPv6; media.address6 is ::1."""

    @classmethod
    def setUpClass(cls):
        cls.sock6 = socket.create_server((HOST, 0), family=socket.AF_INET6)
        cls.addClassCleanup(cls.sock6.close)
        cls.sock6.settimeout(h.LIMIT_S)
        port = cls.sock6.getsockname()[1]
        trunk = (f'  SIX: {{security_profile: encrypted, listener: core, peer_names: [SIX], destinations: ["[::1]:{port}"], '
                 f'srtp: required}}\n')
        routes = '  - {pattern: "6666", trunks: [SIX]}\n  - {pattern: "6667", trunks: [CUCM10, SIX]}\n'
        cls.lab = h.Lab(extra_trunks=trunk, extra_routes=routes, media=cls.media,
                        trunk_options=cls.trunk_options)
        cls.addClassCleanup(cls.lab.__exit__)
        Pki(cls.lab).leaf("SIX", "SIX", "DNS:SIX")
        cls.lab.start()
        cls.server = h.Server(cls.lab)
        cls.addClassCleanup(cls.server.close)
        cls.six = h.Server(cls.lab, "SIX", host=cls.lab.addr(9))  # for its context
        cls.six.sock.close()
        cls.six.sock = cls.sock6
        cls.connection = cls.connection6 = None

    media = ', address6: "::1"'
    trunk_options = {}

    def use6(self, a=False, b=False):
        """Who has IPv6: a in its media, b in its signalling and media."""
        if a:
            self.a.__class__ = Ua6
        if b:
            self.b.__class__ = Ua6
            self.b.host = "[::1]"
        self.number = "6666" if b else "9898"

    def accept(self):
        if self.number == "9898":
            super().accept()
            return
        if not type(self).connection6:
            type(self).connection6 = self.six.accept()
        self.b.peer = type(self).connection6

    def invited(self, body=b"", extra=""):
        self.a.invite(body, extra, number=self.number)
        self.accept()
        return self.b.expect("INVITE")

    def rtcp_crosses(self, source, target):
        report = source.next_rtcp()
        source.send_rtcp(source.protect_rtcp(report))
        self.assertEqual(target.unprotect_rtcp(target.receive_rtcp())[:4], report[:4])

    def all_ways(self):
        self.both_ways()
        self.rtcp_crosses(self.a.ends[0], self.b.ends[0])
        self.rtcp_crosses(self.b.ends[0], self.a.ends[0])

    def ours(self, six):
        return (b"IP6", b"::1") if six else (b"IP4", self.lab.host.encode())


class Ip6(Ip6Case):
    def call(self, a, b, suite=CM):
        """A call, each side of which sees addresses of its own family and of ours alone."""
        self.use6(a, b)
        request = self.invited(self.a.open().describe())
        self.assertEqual(addresses(request.body), [self.ours(b)] * 2)
        lines = self.b.open(suite=suite).take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        ok = self.a.expect(200)
        self.assertEqual(addresses(ok.body), [self.ours(a)] * 2)
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.all_ways()

    def test_at_the_caller(self):
        self.call(True, False)
        self.check_end(self.hang_up())

    def test_at_the_called_side(self):
        self.call(False, True)
        self.check_end(self.hang_up())

    def test_on_both_sides(self):
        self.call(True, True, suite=GCM)
        record = self.hang_up(self.b)
        self.check_end(record, reasons=["called_hung_up"])
        self.assertEqual(self.paths(record), ["bridge", "bridge"])

    def test_hold_in_the_old_form(self):
        """c=IN IP4 0.0.0.0 names no place; the call goes on over IPv6."""
        self.call(True, True)
        held = self.a.describe().replace(b"c=IN IP6 ::1", b"c=IN IP4 0.0.0.0")
        for body in (held, self.a.describe()):
            self.a.request("INVITE", body)
            request = self.b.expect("INVITE")
            self.assertEqual(addresses(request.body), [self.ours(True)] * 2)
            self.b.reply(request, 200, self.b.describe(tags=self.b.tags(self.b.take(request.body))))
            self.a.take(self.a.expect(200).body)
            self.a.ack()
            self.b.expect("ACK")
        self.all_ways()
        self.check_end(self.hang_up())

    def test_delayed_offer(self):
        """b offers IPv6 in the 200; a, whose signalling is IPv4, is offered that."""
        self.use6(b=True)
        request = self.invited()
        self.b.open().reply(request, 200, self.b.describe())
        ok = self.a.expect(200)
        self.assertEqual(addresses(ok.body), [self.ours(False)] * 2)
        lines = self.a.open().take(ok.body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        ack = self.b.expect("ACK")
        self.assertEqual(addresses(ack.body), [self.ours(True)] * 2)
        self.b.take(ack.body)
        self.all_ways()
        self.check_end(self.hang_up())

    def test_an_answer_of_another_family(self):
        self.use6(a=True)
        request = self.invited(self.a.open().describe())
        self.b.__class__ = Ua6
        lines = self.b.open().take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        refusal = self.a.expect(488)
        self.assertIn("media_not_relayed", refusal.get("Warning"))
        self.a.ack_refusal()
        self.b.expect("ACK")
        self.b.reply(self.b.expect("BYE"), 200)
        self.check_end(self.ended(), status="Unknown", grade="none", reasons=["media_not_relayed"])

    def test_a_change_of_family(self):
        """Its ports are bound: a re-INVITE with the other family is refused, and changes nothing."""
        self.call(True, False)
        here = self.a.describe()
        self.a.request("INVITE", here.replace(b"IP6 ::1", b"IP4 " + self.lab.a_host.encode()))
        self.assertIn("media_not_relayed", self.a.expect(488).get("Warning"))
        self.a.ack_refusal()
        self.all_ways()
        self.check_end(self.hang_up())

    def test_a_next_destination_of_another_family(self):
        """The first trunk, over IPv4, is full; the next one, over IPv6, is offered that."""
        self.use6()
        self.a.invite(self.a.open().describe(), number="6667")
        self.accept()
        request = self.b.expect("INVITE")
        self.assertEqual(addresses(request.body), [self.ours(False)] * 2)
        self.b.reply(request, 503)
        self.b.expect("ACK")
        self.b = Ua6(self, None, "[::1]", "6667")
        self.addCleanup(self.b.close)
        self.number = "6666"
        self.accept()
        request = self.b.expect("INVITE")
        self.assertEqual(addresses(request.body), [self.ours(True)] * 2)
        lines = self.b.open().take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")
        self.all_ways()
        self.check_end(self.hang_up())

    def test_one_family_a_side(self):
        """Of two m-lines the one with the other family gets port 0."""
        self.use6()
        self.a.open(2)
        offer = self.a.describe(kinds=["audio", "video"]) + b"c=IN IP6 ::1\r\n"
        request = self.invited(offer)
        self.assertRegex(request.body, rb"m=video 0 ")
        lines = self.b.open(2).take(request.body)
        self.b.ends[1].close()
        self.b.ends[1] = None
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines), kinds=["audio", "video"]))
        ok = self.a.expect(200)
        self.assertRegex(ok.body, rb"m=video 0 ")
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.check_end(self.hang_up())


class ForkCase6(ForkCase, Ip6Case):
    def two_phones(self):
        """a's INVITE has no offer; phone one has IPv4, phone two IPv6.  @return b's INVITE, and both"""
        self.use6()
        request = self.invited(extra=RELIABLE)
        one, two = self.phone("one"), self.phone("two", ())
        two.__class__ = Ua6
        two.open()
        return request, one, two


class Forks(ForkCase6):
    trunk_options = {"CUCM10": "srtp: allowed"}

    def test_offers_of_two_families(self):
        """What one was told of stays as it is.  a answers both with keys of their own, or with one: a recording of it for
        phone one can prove it to phone two."""
        for same in (False, True):
            with self.subTest(same):
                self.again()
                request, one, two = self.two_phones()
                self.offer_in_183(one, request, CM)
                self.talk(one)
                self.offer_in_183(two, request, CM, self.a.ends if same else None)
                self.assertNotEqual(two.ends[0].remote[1], one.ends[0].remote[1])
                self.talk(two)
                self.pick_up(two, request, b"")
                self.talk(two)
                self.check_end(self.hang_up(), marks=["key_reused"] if same else [])


    def check_reused(self, request, one, two, source):
        """a answers phone two, which picks up, as it answered phone one."""
        self.offer_in_183(two, request, CM, source)
        self.talk(two)
        self.pick_up(two, request, b"")
        self.talk(two)
        record = self.hang_up()
        self.assertIn("key_reused", record["marks"])
        self.assertTrue(one.ends[0].is_silent())

    def test_a_plain_phone_in_between(self):
        """Phone three, which rings with RTP over IPv4 after phone one, takes nothing from what is known of a's key."""
        request, one, two = self.two_phones()
        three = self.phone("three", (None,))
        self.offer_in_183(one, request, CM)
        source = self.a.ends
        self.talk(one)
        self.offer_in_183(three, request, None)
        self.addCleanup(self.a.ends[0].close)
        self.talk(three)
        self.check_reused(request, one, two, source)

    def test_many_keys_in_between(self):
        """More than there are sets whose reports are awaited: a draws another key in each UPDATE to phone one."""
        request, one, two = self.two_phones()
        self.offer_in_183(one, request, CM)
        source = self.a.ends
        self.talk(one)
        for _ in range(9):
            self.a.open()
            self.addCleanup(self.a.ends[0].close)
            self.a.request("UPDATE", self.a.describe())
            update = one.expect("UPDATE")
            lines = one.take(update.body)
            one.reply(update, 200, one.describe(tags=one.tags(lines)))
            self.a.take(self.a.expect(200).body)
        self.check_reused(request, one, two, source)

    def test_several_keys_with_names(self):
        """a's line has two, each with an MKI: their numbers in a record are new with each answer."""
        request, one, two = self.two_phones()
        source = self.a.open().ends
        source[0].behind_key = f"|2^31|1:1;inline:{rtp.text(rtp.draw_key(CM))}|2^31|2:1"
        self.offer_in_183(one, request, CM, source)
        self.offer_in_183(two, request, CM, source)
        self.pick_up(two, request, b"")
        self.assertEqual(self.hang_up()["marks"], ["key_reused"])


class ForksRefused(ForkCase6):
    trunk_options = {"CUCMA": "srtp: required, key_reuse: refuse"}

    def test_one_key_for_two_families(self):
        """As above, and a's trunk says that each key is to prove one stream alone."""
        request, one, two = self.two_phones()
        self.offer_in_183(one, request, CM)
        two.reply(request, 183, two.describe(), extra="Require: 100rel\nRSeq: 1\n")
        two.ringing = self.a.expect(183)
        lines = self.a.join(two.ringing)
        self.prack(two.ringing, self.a.describe(tags=self.a.tags(lines)))
        answers = [self.a.expect(488) for _ in range(2)]
        self.assertEqual({answer.get("CSeq").split()[1] for answer in answers}, {"INVITE", "PRACK"})
        self.assertTrue(all("key_reused" in answer.get("Warning") for answer in answers))
        self.a.ack_refusal()
        self.b.reply(self.b.expect("CANCEL"), 200)
        self.b.reply(request, 487)
        self.b.expect("ACK")
        self.assertEqual(self.ended()["reasons"], ["key_reused"])


class WithoutIp6(SessionCase):
    def test_there_is_no_address_of_that_family(self):
        self.a.__class__ = Ua6
        self.a.invite(self.a.open().describe())
        refusal = self.a.expect(488)
        self.assertIn("media_not_relayed", refusal.get("Warning"))
        self.a.ack_refusal()


if __name__ == "__main__":
    h.main()
