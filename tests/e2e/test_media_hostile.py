# SPDX-License-Identifier: Apache-2.0
"""Media that must not go through: each packet is counted by its cause, and the grade says what was proven."""
import itertools
import os
import socket
import struct

import harness as h
import rtp
from media_case import Call, MediaCase
from rtp import CM, GCM


def looks_plain(octets, tag=10):
    """The documented rule for RTP of payload type 0: too short for a tag, or whole frames of 80 octets."""
    payload = len(octets) - 12
    return payload < tag or (payload and payload % 80 == 0 and octets[1] & 0x7f == 0)


class Hostile(MediaCase):
    """What must not go through: each is followed by a good packet, which alone arrives."""

    def good(self, source, target, identical):
        packet = source.next_rtp()
        source.send(source.protect(packet))
        got = target.receive()
        self.assertEqual(target.unprotect(got)[12:], packet[12:], "something else came through")
        if identical:
            self.assertEqual(got, source.protect(packet))

    def bad_rtp(self, end):
        """name, octets, cause; @end is keyed with an 80-bit tag or GCM."""
        def good():
            return end.protect(end.next_rtp())

        tag = end.suite[3]

        def cause(octets):
            if len(octets) < 12:
                return "malformed"
            return "plain_on_srtp" if looks_plain(octets, tag) else "auth_failed"

        packet = good()
        yield "plain RTP", end.next_rtp(), "plain_on_srtp"
        yield "plain RTP without payload", end.next_rtp(b""), "plain_on_srtp"
        yield "plain RTP of an odd length", end.next_rtp(b"x" * 33), "auth_failed"
        yield "a forged tag", packet[:-1] + bytes([packet[-1] ^ 1]), "auth_failed"
        yield "a forged payload", packet[:40] + bytes([packet[40] ^ 1]) + packet[41:], "auth_failed"
        yield "a forged sequence number", packet[:2] + struct.pack(">H", end.seq + 1000) + packet[4:], "auth_failed"
        yield "a forged timestamp", packet[:7] + bytes([packet[7] ^ 1]) + packet[8:], "auth_failed"
        yield "a forged SSRC", packet[:8] + bytes([packet[8] ^ 1]) + packet[9:], "auth_failed"
        yield "a forged marker", packet[:1] + bytes([packet[1] ^ 0x80]) + packet[2:], "auth_failed"
        yield "one octet more", packet + b"\0", "auth_failed"
        for length in (0, 1, 2, 11, 12, 13, 12 + tag - 1, 12 + tag, 92, 100, 172, len(packet) - 1):
            yield f"cut at {length}", packet[:length], cause(packet[:length])
        for version in (0x00, 0x40, 0xC0):
            yield f"version bits {version:#x}", bytes([version]) + packet[1:], "malformed"
        yield "CSRCs that are not there", bytes([0x8F]) + packet[1:20], "malformed"
        yield "an extension that is not there", struct.pack(">B", 0x90) + packet[1:12] + b"\xbe\xde\xff\xff", "malformed"
        yield "STUN", bytes.fromhex("000100002112a442") + os.urandom(12), "stun"
        yield "DTLS", bytes.fromhex("16fefd0000000000000000") + os.urandom(60), "dtls"
        yield "DTLS without its version", bytes.fromhex("1603030000000000000000") + os.urandom(60), "malformed"
        yield "ZRTP", bytes.fromhex("1000") + os.urandom(40), "malformed"
        yield "TURN", bytes.fromhex("40000004") + b"abcd", "malformed"
        yield "garbage", b"\0" * 400, "malformed"
        yield "garbage in RTP's form", b"\x80\x60" + os.urandom(100), "auth_failed"
        yield "65507 octets", b"\x80\x00" + bytes(65505), "malformed"
        yield "9001 octets", b"\x80\x00" + bytes(8999), "malformed"
        yield "RTCP on the RTP port", end.next_rtcp(), "malformed"

    def bad_rtcp(self, end):
        tag = end.suite[4]
        packet = end.protect_rtcp(end.next_rtcp())
        yield "plain RTCP", end.next_rtcp(), "plain_on_srtp"
        yield "a forged report", packet[:20] + bytes([packet[20] ^ 1]) + packet[21:], "auth_failed"
        yield "a forged tag", packet[:-6] + bytes([packet[-6] ^ 1]) + packet[-5:], "auth_failed"
        yield "a report cut short", packet[:8 + 4 + tag - 1], "malformed"
        yield "a report's header", packet[:8], "malformed"
        yield "four octets", packet[:4], "malformed"
        yield "RTP on the RTCP port", end.protect(end.next_rtp()), "malformed"

    def attack(self, call, source, target, identical, side):
        """@return what the record must say of the source"""
        expected = {"packets": 0, "authenticated": 0, "authenticated_rtcp": 1}  # one good report: see replays

        def count(name, packets=1):
            expected[name] = expected.get(name, 0) + packets
            expected["packets"] += packets
            if name == "plain_on_srtp":
                expected["plain"] = expected.get("plain", 0) + packets

        self.good(source, target, identical)
        count("authenticated")
        for kind, cases in (("send", self.bad_rtp(source)), ("send_rtcp", self.bad_rtcp(source))):
            for name, octets, cause in cases:
                with self.subTest(side=side, what=name):
                    getattr(source, kind)(octets)
                    count(cause)
                    self.good(source, target, identical)
                    count("authenticated")
        self.replays(source, target, count)
        self.strangers(call, source, target, identical, count)
        self.assertTrue(target.is_silent())
        return expected

    def replays(self, source, target, count):
        sealed = source.protect(source.next_rtp())
        for _ in range(3):
            source.send(sealed)
        target.receive()
        count("authenticated")
        count("replayed", 2)
        report = source.protect_rtcp(source.next_rtcp())
        for _ in range(2):
            source.send_rtcp(report)
        target.receive_rtcp()
        count("authenticated")
        count("replayed")

    def strangers(self, call, source, target, identical, count):
        """Authentic packets from another port, from another host, and from the other side of the call."""
        for host in (source.host, self.lab.strange_host):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind((host, 0))
                sock.sendto(source.protect(source.next_rtp()), source.remote)
                count("unknown_source")
                self.good(source, target, identical)
                count("authenticated")
        target.rtp.sendto(source.protect(source.next_rtp()), source.remote)
        count("unknown_source")
        self.good(source, target, identical)
        count("authenticated")

    def test_each_side_of_each_path(self):
        for number, a_suite, b_suite, identical in (("9898", CM, CM, True), ("9898", GCM, GCM, True), ("8000", CM, CM, False),
                                                    ("9898", CM, GCM, False)):
            with self.subTest(a=a_suite, b=b_suite, number=number):
                call = Call(self, number, a_suite, b_suite)
                a, b = call.a[0], call.b[0]
                expected = self.attack(call, a, b, identical, "a"), self.attack(call, b, a, identical, "b")
                record = call.end()
                for side, counts in zip("ab", expected):
                    self.check_counts(record, side, **counts)
                self.assertEqual([leg["streams"][0]["tx"] for leg in record["legs"]],
                                 [expected[1]["authenticated"], expected[0]["authenticated"]])
                self.assertEqual((record["grade"], record["status"]), ("hop_by_hop", "Encrypted"))
                self.assertEqual(sorted(record["marks"]), ["auth_failed", "plain_on_srtp"])
                # One line of each kind for a side, however many packets.
                for side, what in itertools.product("ab", ("plain_on_srtp", "auth_failed", "proven")):
                    lines = [x for x in self.lab.log.lines if f"call={record['call']} " in x and f"side={side} what={what}" in x]
                    self.assertEqual(len(lines), 1)

    def test_a_clear_side(self):
        """No key to tell a liar by: form and address remain."""
        call = Call(self, "7000", a_suite=None, b_suite=None, from_clear=True)
        a, b = call.a[0], call.b[0]
        self.good(a, b, True)
        malformed = 0
        for octets in (b"", b"\x80", a.next_rtp()[:11], b"\x00" + a.next_rtp()[1:], b"\x8f" + a.next_rtp()[1:20],
                       b"\x80" + bytes(65506), a.next_rtcp()):
            a.send(octets)
            self.good(a, b, True)
            malformed += 1
        for octets in (bytes.fromhex("000100002112a442") + bytes(12), bytes.fromhex("16fefd0000000000000000") + bytes(60)):
            a.send(octets)
            self.good(a, b, True)
        for octets in (a.next_rtp(), a.next_rtcp()[:-1], a.next_rtcp()[:7], b"\x80\xc8\xff\xff" + bytes(40)):
            a.send_rtcp(octets)
            self.good(a, b, True)
            malformed += 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((a.host, 0))
            sock.sendto(a.next_rtp(), a.remote)
            self.good(a, b, True)
        record = call.end()
        self.check_counts(record, "a", packets=2 * malformed + 4 + 3, plain=malformed + 4, malformed=malformed, stun=1, dtls=1,
                          unknown_source=1)
        self.check_counts(record, "b")
        self.assertEqual(record["grade"], "clear")

    def test_before_the_answer(self):
        """Packets to the port that the INVITE showed: dropped, and not remembered as seen."""
        kept = []

        def early(call):
            for _ in range(3):
                packet = call.b[0].protect(call.b[0].next_rtp())
                kept.append(packet)
                call.b[0].send(packet)
            call.b[0].send(call.b[0].next_rtp())
            rtp.await_read(call.b[0].remote[1])

        call = Call(self, early=early)
        a, b = call.a[0], call.b[0]
        self.good(b, a, True)
        for packet in kept:
            b.send(packet)
            self.assertEqual(a.receive(), packet)
        record = call.end()
        self.check_counts(record, "b", packets=8, authenticated=4, no_key_yet=4)
        self.check_counts(record, "a")

    def test_a_side_that_never_sends(self):
        call = Call(self)
        for _ in range(3):
            self.good(call.a[0], call.b[0], True)
        record = call.end()
        self.check_counts(record, "a", packets=3, authenticated=3)
        self.check_counts(record, "b")
        self.assertEqual((record["grade"], record["marks"], record["status"]), ("mixed", ["unproven"], "Encrypted"))

    def test_a_side_that_sends_plain_only(self):
        """baresip 1.0.0 and others: keys in the answer, plain packets on the wire."""
        call = Call(self)
        for _ in range(3):
            self.good(call.a[0], call.b[0], True)
            call.b[0].send(call.b[0].next_rtp())
            self.good(call.a[0], call.b[0], True)
        record = call.end()
        self.check_counts(record, "b", packets=3, plain=3, plain_on_srtp=3)
        self.assertEqual((record["grade"], sorted(record["marks"])), ("mixed", ["plain_on_srtp", "unproven"]))

    def test_no_packet_at_all(self):
        record = Call(self).end()
        self.assertEqual((record["grade"], record["marks"]), ("none", []))
        self.assertEqual([grade for _, _, grade in record["intervals"]], ["none"])


if __name__ == "__main__":
    h.main()
