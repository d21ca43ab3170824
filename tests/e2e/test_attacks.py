# SPDX-License-Identifier: Apache-2.0
"""What attackers tried in a call's changes: keys taken away, detours, weak connections, keys that somebody saw."""
import select
import socket
import ssl
import struct

import harness as h
import rtp
from pki import Pki
from rtp import CM
from session_case import RELIABLE, SessionCase, security
from tls_case import OLD, client

URL = str.maketrans("+/", "-_")  # RFC 4648 section 5


class ChangeCase(SessionCase):
    """Changes of a call whose neighbours may do without SRTP: on_downgrade is mark then."""

    options = {"trunk_options": {"CUCM10": "srtp: allowed"}}

    def recorded(self, source, target, count=5):
        """Packets that went through, as somebody on the way has them."""
        packets = []
        for _ in range(count):
            packets.append(source.protect(source.next_rtp()))
            source.send(packets[-1])
            target.receive()
        return packets

    def check_not_again(self, packets, source, target):
        """Sent once more, none of them comes through: the next that does is a new one."""
        for packet in packets:
            source.send(packet)
        self.crosses(source, target)
        self.assertTrue(target.is_silent())

    def unkey(self, ua):
        """Ports of its own, and no keys."""
        ua.close()
        ua.open(suite=None)


class Unkeyed(ChangeCase):
    """a takes its own keys away; those of b stay in force."""

    def down(self):
        self.unkey(self.a)
        request, ok = self.reinvite()
        self.assertIn(b"a=crypto", request.body)
        self.assertIn(b" RTP/AVP ", ok.body)
        self.assertNotIn(b"a=crypto", ok.body)

    def check_down(self, record, **rx):
        self.check_end(record, status="Authenticated", grade="mixed", marks=["downgrade_refused", "media_clear"])
        stream = record["legs"][1]["streams"][0]
        self.assertEqual((stream["keying"], {name: stream["rx"][name] for name in rx}), ("sdes", rx))

    def test_what_came_before_does_not_come_again(self):
        self.establish()
        self.both_ways()
        b = self.b.ends[0]
        packets = self.recorded(b, self.a.ends[0])
        self.down()
        self.first_through(b, self.a.ends[0])
        self.check_not_again(packets, b, self.a.ends[0])
        self.crosses(self.a.ends[0], b)
        self.check_down(self.hang_up(), replayed=5, auth_failed=0)

    def passes(self, index):
        """b's packet of this index, ROC included.  @return whether it arrives at a"""
        a, b = self.a.ends[0], self.b.ends[0]
        packet = struct.pack(">BBHII", 0x80, 0, index & 0xffff, index, b.ssrc) + bytes([index & 255]) * 160
        b.send(rtp.srtp.protect_rtp(b.suite, b.key, packet, index >> 16))
        if not select.select([a.rtp], [], [], 2)[0]:
            return False
        got = a.receive()
        if a.suite:
            got = rtp.unprotect_rtp(a.suite, a.far_key, got, index >> 16)
        self.assertEqual(got[12:], packet[12:])
        return True

    def test_roll_overs_are_not_forgotten(self):
        """b sends under ROC 1 when it happens, and goes on so."""
        self.establish()
        self.crosses(self.a.ends[0], self.b.ends[0])
        for index in range(0xfffd, 0x10003):
            self.assertTrue(self.passes(index))
        self.down()
        self.assertTrue(any(self.passes(index) for index in range(0x10003, 0x1000a)))
        for index in range(0x10020, 0x10023):
            self.assertTrue(self.passes(index))
        self.crosses(self.a.ends[0], self.b.ends[0])
        self.check_down(self.hang_up(), replayed=0, auth_failed=0)


class Told(ChangeCase):
    """No message of an exchange says more than the call is worth with it."""

    def change(self, method):
        self.establish()
        self.both_ways()
        self.unkey(self.a)
        self.a.request(method, self.a.describe())
        request = self.b.expect(method)
        self.assertEqual(security(request), "Authenticated")
        lines = self.b.take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        ok = self.a.expect(200)
        self.assertEqual(security(ok), "Authenticated")
        self.a.take(ok.body)

    def finish(self):
        for one, other in ((self.a, self.b), (self.b, self.a)):
            self.first_through(one.ends[0], other.ends[0])
        self.check_end(self.hang_up(), status="Authenticated", grade="mixed", marks=["downgrade_refused", "media_clear"])

    def test_a_re_invite_that_takes_keys_away(self):
        self.change("INVITE")
        self.a.ack()
        self.b.expect("ACK")
        self.finish()

    def test_an_update_that_takes_keys_away(self):
        self.change("UPDATE")
        self.finish()

    def test_a_delayed_offer_that_takes_keys_away(self):
        """b offers RTP in its 200: what a is told beside that offer is what the call will be."""
        self.establish()
        self.both_ways()
        self.a.request("INVITE")
        request = self.b.expect("INVITE")
        self.unkey(self.b)
        self.b.reply(request, 200, self.b.describe())
        ok = self.a.expect(200)
        self.assertEqual(security(ok), "Authenticated")
        lines = self.a.take(ok.body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        self.b.take(self.b.expect("ACK").body)
        self.finish()


class Detour(ChangeCase):
    """An m-line goes to port 0, is of another media type there, and comes back."""

    def test_what_came_before_does_not_come_again(self):
        for kind in ("video", "image"):
            with self.subTest(kind):
                self.again()
                self.establish(kinds=["audio", "audio"])
                a, b = self.a.ends[0], self.b.ends[0]
                self.both_ways(0)
                self.both_ways(1)
                packets = self.recorded(a, b)
                self.a.ends[0] = self.b.ends[0] = None
                request, ok = self.reinvite(kinds=[kind, "audio"])
                for said in (request, ok):
                    self.assertIn(f"m={kind} 0 ".encode(), said.body)
                self.both_ways(1)
                self.a.ends[0], self.b.ends[0] = a, b
                self.reinvite(kinds=["audio", "audio"])
                self.first_through(a, b)
                self.check_not_again(packets, a, b)
                self.both_ways(0)
                self.both_ways(1)
                record = self.hang_up()
                self.check_end(record)
                self.assertEqual(record["legs"][0]["streams"][0]["rx"]["replayed"], 5)


class DetourRefused(SessionCase):
    options = {"trunk_options": {"CUCMA": "srtp: allowed, on_downgrade: reject",
                                 "CUCM10": "srtp: allowed, on_downgrade: reject"}}

    def test_no_way_round_on_downgrade(self):
        """Off as another media type, back as audio without keys: 488, and b hears nothing of it."""
        for kind in ("video", "image"):
            with self.subTest(kind):
                self.again()
                self.establish()
                self.both_ways()
                keyed = [ua.ends for ua in (self.a, self.b)]
                self.a.ends, self.b.ends = [None], [None]
                self.reinvite(kinds=[kind])
                self.a.open(suite=None)
                self.a.request("INVITE", self.a.describe())
                self.assertIn("downgrade_refused", self.a.expect(488).get("Warning"))
                self.a.ack_refusal()
                self.a.close()
                self.a.ends, self.b.ends = keyed
                self.reinvite()
                self.both_ways()
                self.check_end(self.hang_up())


class AllOff(SessionCase):
    options = {"extra_routes": '  - {pattern: "9895", trunks: [CUCM10], require: hop_by_hop}\n'}

    def test_every_line_at_port_0(self):
        """Where the route requires hop_by_hop: nothing is less secure for not being there."""
        self.a.invite(self.a.open().describe(), number="9895")
        self.accept()
        request = self.b.expect("INVITE")
        self.b.open()
        self.accepted(request)
        self.both_ways()
        keyed = [ua.ends for ua in (self.a, self.b)]
        self.a.ends, self.b.ends = [None], [None]
        request, ok = self.reinvite()
        for said in (request, ok):
            self.assertIn(b"m=audio 0 ", said.body)
        self.a.ends, self.b.ends = keyed
        self.reinvite()
        self.both_ways()
        self.check_end(self.hang_up())


class Body(SessionCase):
    def test_a_response_to_info_that_looks_like_keys(self):
        """A body in it crosses nowhere: it is dropped and marked, and the call goes on."""
        self.establish()
        self.both_ways()
        self.a.request("INFO", b"Signal=5\r\n", content_type="application/dtmf-relay")
        h.reply(self.b.peer, self.b.expect("INFO"), 200, "OK", b"inline: see k=v\r\n", content_type="text/plain")
        answer = self.a.expect(200)
        self.assertEqual((answer.body, answer.get("Content-Type")), (b"", None))
        self.both_ways()
        self.check_end(self.hang_up(), marks=["body_dropped"])


class Exposed(SessionCase):
    """A key in a message without TLS, in a form that somebody reads all the same: no call may have it later."""

    FORMS = {  # key in base64: header, body
        "folded behind the colon": lambda key: (f"Subject: inline:\n {key}", b""),
        "folded in the key": lambda key: (f"Subject: inline:{key[:20]}\n {key[20:]}", b""),
        "in quotes": lambda key: (f'Subject: inline:"{key}"', b""),
        "on the next line": lambda key: ("", f"inline:\r\n{key}\r\n".encode()),
        "split by a line": lambda key: ("", f"a=crypto:1 {CM} inline:{key[:20]}\r\n {key[20:]}\r\n".encode()),
        "in the alphabet of URLs": lambda key: ("", f"a=crypto:1 {CM} inline:{key.translate(URL)}\r\n".encode()),
        "behind 256 others": lambda key: ("", b"".join(f"inline:{h.base64_key()} ".encode() for _ in range(256)) +
                                          f"inline:{key}\r\n".encode()),
    }

    def expose(self, header, body):
        peer = h.tcp_connect(self.lab)
        self.addCleanup(peer.close)
        dialog = h.Dialog(self.lab, peer, host=self.lab.lab_host, transport="TCP")
        dialog.invite(body, extra=header and header + "\n", content_type="text/plain")
        self.assertIn("key_in_odd_body", peer.expect(488).get("Warning"))
        dialog.ack_refusal()

    def test_forms_in_which_a_key_is_seen(self):
        for name, form in self.FORMS.items():
            with self.subTest(name):
                self.again()
                self.a.open()
                self.a.ends[0].key = b"\xfb\xff\xbf" + self.a.ends[0].key[3:]  # "+/+/" in base64
                self.expose(*form(h.base64_text(self.a.ends[0].key)))
                self.a.invite(self.a.describe())
                self.assertIn("key_exposed", self.a.expect(488).get("Warning"))
                self.a.ack_refusal()


class Papers(SessionCase):
    """NINE is an older CUCM: what speaks TLS 1.3 on one connection speaks TLS 1.0 on the next."""

    V10, V13 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3
    options = {"top": "include: [nine.yaml]\n"}
    ended_connections = 0  # of NINE

    @classmethod
    def prepare(cls):
        pki = Pki(cls.lab)
        for name, host in (("NINE", "NINE"), ("border-rsa", "border1.example.net")):
            pki.leaf(name, cn=host, san=f"DNS:{host}", key="rsa:2048")  # AES128-SHA needs RSA keys
        with open(cls.lab.path("nine.yaml"), "w") as f:
            f.write(f"""
tls: {{old: {{certificate: pki/border-rsa.pem, private_key: pki/border-rsa.key, trust: pki/ca.pem}}}}
listeners: {{nine: {{transport: tls, address: {cls.lab.host}, port: 5062, tls: old}}}}
security_profiles: {{nine: {{device_security_mode: encrypted}}}}
trunks:
  NINE: {{security_profile: nine, listener: nine, peer_names: [NINE], srtp: allowed, tls_policy: legacy-cucm,
         destinations: ["{cls.lab.a_host}:5063"]}}
routes:
  - {{pattern: "9897", trunks: [CUCM10], require: {{grade: hop_by_hop, refuse_marks: [weak_tls]}}}}
  - {{pattern: "9896", trunks: [NINE], require: {{grade: hop_by_hop, refuse_marks: [weak_tls]}}}}
  - {{pattern: "9894", trunks: [NINE]}}
""")

    # ---- connections ----

    def setUp(self):
        super().setUp()
        self.standing = set()

    def ciphers(self, version):
        return "AES128-SHA:@SECLEVEL=0" if version == self.V10 else OLD

    def stands(self, peer):
        self.standing.add(peer)
        self.addCleanup(self.end, peer)
        return peer

    def end(self, peer):
        """The connection is gone, and the daemon knows."""
        if peer in self.standing:
            self.standing.remove(peer)
            peer.close()
            Papers.ended_connections += 1
            self.lab.log.wait(r"conn\.down +trunk=NINE ", Papers.ended_connections)

    def connect(self, version):
        """NINE's own connection."""
        context = client(self.lab, self.lab.path("pki", "NINE-both.pem"), version, self.ciphers(version))
        raw = socket.create_connection((self.lab.host, 5062), h.LIMIT_S, source_address=(self.lab.a_host, 0))
        return self.stands(h.Peer(self.lab, context.wrap_socket(raw)))

    def wait_for_connections(self, version):
        """What NINE speaks when it is called."""
        server = h.Server(self.lab, self.lab.path("pki", "NINE-both.pem"), self.lab.a_host, 5063)
        self.addCleanup(server.close)
        server.context.set_ciphers(self.ciphers(version))
        server.context.minimum_version = server.context.maximum_version = version
        return server

    def kept_keys(self):
        """A message of this call was not sent, as the route refuses what its connection is."""
        call = self.lab.wait_record("call.start", call_id=self.a.call_id)["call"]
        self.lab.log.wait(rf"call +keys\.kept +call={call} .*reason=weak_tls")

    def check_papers(self, record, side, version, marks=("weak_tls", "no_forward_secrecy"), **end):
        self.assertEqual(record["legs"][side]["sig"]["version"], version)
        self.check_end(record, marks=marks, **end)

    def answer_late(self, number):
        """The caller's connection ends while it rings; for b's 200 we make one, over TLS 1.0."""
        first = self.a.peer = self.connect(self.V13)
        server = self.wait_for_connections(self.V10)
        self.a.invite(self.a.open().describe(), number=number)
        self.accept()
        request = self.b.expect("INVITE")
        lines = self.b.open().take(request.body)
        self.end(first)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        self.a.peer = self.stands(server.accept())

    def test_late_200_over_a_weak_connection(self):
        """It may, on this route, and the record names the connection that had the keys."""
        self.answer_late("9898")
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.check_papers(self.hang_up(), 0, "TLSv1")

    def test_late_200_is_not_sent_where_the_route_forbids_it(self):
        self.answer_late("9897")
        self.kept_keys()
        self.b.request("BYE")
        self.a.reply(self.a.expect("BYE"), 200)  # the first that comes over TLS 1.0
        self.assertEqual(self.b.expect("ACK").body, b"")
        self.b.expect(200)
        self.check_papers(self.ended(), 0, "TLSv1.3", (), grade="none", reasons=["called_hung_up"])

    def test_ack_is_not_sent_where_the_route_forbids_it(self):
        """b repeats its offer in a 200 over TLS 1.0: the ACK with a's keys does not follow there."""
        server = self.wait_for_connections(self.V13)
        self.a.invite(number="9896")
        first = self.b.peer = self.stands(server.accept())
        request = self.b.expect("INVITE")
        offer = self.b.open().describe()
        self.b.reply(request, 200, offer)
        lines = self.a.open().take(self.a.expect(200).body)
        self.a.ack(self.a.describe(tags=self.a.tags(lines)))
        self.b.take(self.b.expect("ACK").body)
        self.both_ways()
        second = self.b.peer = self.connect(self.V10)
        self.b.reply(request, 200, offer)
        self.kept_keys()
        self.assertTrue(second.silent(0))
        self.b.peer = first
        self.check_papers(self.hang_up(), 1, "TLSv1.3", ())

    def test_a_message_without_keys_changes_no_papers(self):
        """All keys of a came over TLS 1.0; its INFO over TLS 1.3 does not make that better."""
        self.a.peer = self.connect(self.V10)
        self.establish()
        self.both_ways()
        self.a.peer = self.connect(self.V13)
        self.a.request("INFO", b"Signal=5\r\n", content_type="application/dtmf-relay")
        self.b.reply(self.b.expect("INFO"), 200)
        self.a.expect(200)
        self.check_papers(self.hang_up(), 0, "TLSv1")

    def test_a_change_that_fails_leaves_its_mark(self):
        """The keys in force went over TLS 1.0 in a re-INVITE that b refused."""
        first = self.a.peer = self.connect(self.V13)
        self.establish()
        self.both_ways()
        self.a.peer = self.connect(self.V10)
        self.a.request("INVITE", self.a.describe(directions=["sendonly"]))
        self.b.reply(self.b.expect("INVITE"), 488)
        self.a.expect(488)
        self.a.ack_refusal()
        self.b.expect("ACK")
        self.both_ways()
        self.a.peer = first
        self.check_papers(self.hang_up(), 0, "TLSv1.3")

    def test_a_change_that_fails_in_another_fork(self):
        """One fork's UPDATE over TLS 1.3 fails after the other one was heard over TLS 1.0: those papers stay."""
        server = self.wait_for_connections(self.V13)
        self.a.invite(self.a.open().describe(), RELIABLE, number="9894")
        first = self.b.peer = self.stands(server.accept())
        request = self.b.expect("INVITE")
        lines = self.b.open().take(request.body)
        answer = self.b.describe(tags=self.b.tags(lines))
        self.b.reply(request, 183, answer, tag="one", extra="Require: 100rel\nRSeq: 1\n")
        ringing = self.a.expect(183)
        self.prack(ringing)
        self.b.reply(self.b.expect("PRACK"), 200)
        self.a.expect(200)
        self.a.request("UPDATE", self.a.describe())
        update = self.b.expect("UPDATE")
        second = self.b.peer = self.connect(self.V10)
        self.b.close()
        self.b.open().take(request.body)
        answer = self.b.describe(tags=self.b.tags(lines))
        self.b.reply(request, 183, answer, tag="two")
        self.a.expect(183)
        self.b.peer = first
        self.b.reply(update, 488)
        self.a.expect(488)
        self.b.peer, self.b.local_tag = second, "two"
        self.b.reply(request, 200, answer)
        self.a.join(self.a.expect(200))
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.check_papers(self.hang_up(), 1, "TLSv1")


if __name__ == "__main__":
    h.main()
