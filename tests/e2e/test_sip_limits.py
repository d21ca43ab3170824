# SPDX-License-Identifier: Apache-2.0
"""What neighbours and strangers can make the node keep, by messages at the limits and by connections: calls still pass."""
import os
import re
import socket
import unittest

import harness as h

MANY = 2000
WINDOW = 100          # requests sent before their answers are read: less than a slow reader may let wait
with open(os.path.join(h.BUILD, "CMakeCache.txt")) as cache:  # a sanitizer keeps what was freed
    SANITIZED = re.search(r"(?m)^GH_SANITIZE:\w+=.", cache.read())
GROWTH_KB = 8 * 1024  # what the allocator may keep; one such request is ten times GROWTH_KB / MANY


def resident_kb(lab):
    with open(f"/proc/{lab.daemon.pid}/status") as f:
        return int(re.search(r"(?m)^VmRSS:\s+(\d+)", f.read()).group(1))


class Limits(unittest.TestCase):
    def setUp(self):
        self.lab = h.Lab()
        self.addCleanup(self.lab.__exit__)
        self.lab.start()
        self.server = h.Server(self.lab)
        self.addCleanup(self.server.close)
        self.peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        self.b = None

    def request(self, method, number, vias=0, to=""):
        """Octets of a request of its own transaction."""
        more = "v:SIP/2.0/TLS a\r\n" * vias
        contact = "m:<sip:1@a>\r\n" if method == "INVITE" else ""
        return (f"{method} sip:9898@{self.lab.host} SIP/2.0\r\nv:SIP/2.0/TLS a;branch=z9hG4bK{method}{number}\r\n{more}"
                f"f:<sip:1@a>;tag=1\r\nt:{to or '<sip:1@a>'}\r\ni:{number}\r\nCSeq:1 {method}\r\n{contact}"
                f"l:0\r\n\r\n").encode()

    def flood(self, method, status, **shape):
        for start in range(0, MANY, WINDOW):
            self.peer.raw(b"".join(self.request(method, i, **shape) for i in range(start, start + WINDOW)))
            for i in range(start, start + WINDOW):
                answer = self.peer.receive()
                self.assertEqual((answer.status, answer.get("Call-ID")), (status, str(i)))
        return answer

    def call(self):
        dialog = h.Dialog(self.lab, self.peer)
        dialog.invite(h.sdp(self.lab.a_host))
        self.b = self.b or self.server.accept()
        invite = self.b.expect("INVITE")
        h.reply(self.b, invite, 200, "OK",
                h.sdp(self.lab.b_host, 31000, "1 AES_CM_128_HMAC_SHA1_80 inline:" + h.KEY_B), tag=h.token(),
                contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")
        dialog.take_tag(self.peer.expect(200))
        dialog.ack()
        self.b.expect("ACK")
        dialog.request("BYE")
        h.reply(self.b, self.b.expect("BYE"), 200, "OK")
        self.peer.expect(200)

    def steady(self, flood):
        """@flood twice: the first time fills the allocator and buffers, the second time nothing may stay."""
        flood()
        before = resident_kb(self.lab)
        answer = flood()
        self.call()
        if not SANITIZED:
            self.assertLess(resident_kb(self.lab) - before, GROWTH_KB)
        return answer

    def test_no_room_for_an_answer_by_the_number_of_vias(self):
        for method in "OPTIONS", "INVITE":
            with self.subTest(method):
                answer = self.steady(lambda m=method: self.flood(m, 513, vias=240))
                self.assertIn("message_too_large", answer.get("Warning"))
                # It finds its way: the first Vias are there, in order.
                self.assertTrue(answer.all("Via")[0].endswith(f"{method}{MANY - 1}"))
                self.assertLess(len(answer.all("Via")), 240)

    def test_no_room_for_a_tag(self):
        to = f'"{"x" * 8100}" <sip:9898@{self.lab.host}>;p={"y" * 40}'
        to += "y" * (8190 - len(to))
        answer = self.steady(lambda: self.flood("OPTIONS", 513, to=to))
        self.assertRegex(answer.get("To"), rf"^<sip:9898@{self.lab.host}>;tag=\w+$")
        self.assertIn("call=", self.lab.log.wait(r"state .* to=up"))
        self.assertEqual(self.lab.wait_record("policy.refuse")["reason"], "message_too_large")

    def test_an_answer_that_cannot_be_written_is_a_500(self):
        """Unsupported is a longer name than Require: the answer would break the limit of a line."""
        def flood():
            for i in range(MANY):
                self.peer.raw(self.request("OPTIONS", i).replace(b"l:0", b"Require:" + b"x" * 8184 + b"\r\nl:0"))
                self.assertEqual(self.peer.receive().status, 500)
        self.steady(flood)


class Strangers(unittest.TestCase):
    """Of 32 connections, 8 are for those whom nobody has admitted."""

    def setUp(self):
        self.lab = h.Lab(top="limits: {max_connections: 32}\n")
        self.addCleanup(self.lab.__exit__)
        self.lab.start()

    def stranger(self, last, port):
        sock = socket.create_connection((self.lab.host, port), h.LIMIT_S, source_address=(self.lab.addr(last), 0))
        self.addCleanup(sock.close)
        return sock

    def options(self, peer, host=None, transport="TLS"):
        h.Dialog(self.lab, peer, host=host, transport=transport).request("OPTIONS")
        peer.expect(200)

    def test_strangers_do_not_keep_neighbours_out(self):
        old = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        self.options(old)
        # No TLS client hello, no SIP: they just sit there, more than there are connections.
        strangers = [self.stranger(100 + i, 5061 if i % 2 else 5060) for i in range(40)]
        self.assertIn("nobody has admitted", self.lab.log.wait(r"conn\.refused"))
        new = h.tls_connect(self.lab, self.lab.cert("CUCM10"), source=self.lab.b_host)
        self.options(new, self.lab.b_host)
        lab = h.tcp_connect(self.lab)
        self.options(lab, self.lab.lab_host, "TCP")
        # Refused at once or after five seconds, but none stays.
        for sock in strangers:
            try:
                self.assertEqual(sock.recv(1), b"")
            except ConnectionResetError:
                pass
        for peer, host, transport in ((old, None, "TLS"), (new, self.lab.b_host, "TLS"),
                                      (lab, self.lab.lab_host, "TCP")):
            self.options(peer, host, transport)

    def test_a_stranger_that_asks_is_told(self):
        peer = h.tcp_connect(self.lab, source=self.lab.strange_host)
        h.Dialog(self.lab, peer, host=self.lab.strange_host, transport="TCP").request("OPTIONS")
        self.assertIn("no_trunk_for_address", peer.expect(403).get("Warning"))
        self.assertIsNone(peer.receive())


if __name__ == "__main__":
    h.main()
