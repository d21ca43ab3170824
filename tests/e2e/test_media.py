# SPDX-License-Identifier: Apache-2.0
"""Media through the daemon: what goes through and how, what does not and under which name it was counted."""
import base64
import contextlib
import itertools
import os
import re
import select
import socket
import struct
import time
import unittest

import harness as h
import rtp
from pki import Pki
from rtp import CM, GCM, srtp


class Vectors(unittest.TestCase):
    """The SRTP of these tests stands on its own feet."""

    def test_key_derivation(self):
        """RFC 3711 appendix B.3."""
        key, salt = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"), bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
        self.assertEqual(srtp.derive(key, salt, 0, 16).hex().upper(), "C61E7A93744F39EE10734AFE3FF7A087")
        self.assertEqual(srtp.derive(key, salt, 2, 14).hex().upper(), "30CBBC08863D8C85D49DB34A9AE1")
        self.assertEqual(srtp.derive(key, salt, 1, 94).hex().upper(),
                         "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF7227098"
                         "6371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2")

    def test_there_and_back(self):
        for name in rtp.SUITES:
            with self.subTest(suite=name):
                key = rtp.draw_key(name)
                packet = struct.pack(">BBHII", 0x80, 0, 7, 8, 9) + b"payload"
                sealed = srtp.protect_rtp(rtp.SUITES[name], key, packet, 0)
                self.assertEqual(rtp.unprotect_rtp(rtp.SUITES[name], key, sealed), packet)
                report = struct.pack(">BBHI", 0x80, 201, 1, 9)
                self.assertEqual(rtp.unprotect_rtcp(rtp.SUITES[name], key, srtp.protect_rtcp(rtp.SUITES[name], key, report, 5)),
                                 report)
                with self.assertRaises(rtp.Forged):
                    rtp.unprotect_rtp(rtp.SUITES[name], key, sealed[:-1] + bytes([sealed[-1] ^ 1]))


def media_lines(body):
    """For each m-line: kind, port, proto, a=crypto lines as (tag, suite, key), other attributes."""
    out = []
    for line in body.decode().split("\r\n"):
        if line.startswith("m="):
            kind, port, proto, *_ = line[2:].split()
            out.append((kind, int(port), proto, [], []))
        elif line.startswith("a=crypto:") and out:
            tag, suite, key = re.fullmatch(r"a=crypto:(\d+) (\S+) inline:([^|\s]+)\S*", line).groups()
            out[-1][3].append((tag, suite, key))
        elif line.startswith("a=") and out:
            out[-1][4].append(line[2:])
    return out


def description(host, ends, kinds=None, directions=None, tags=None):
    """A session with one m-line an end; None: refused (port 0)."""
    lines = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    for i, end in enumerate(ends):
        kind = kinds[i] if kinds else "audio"
        proto = "RTP/SAVP" if end and end.suite or not end else "RTP/AVP"
        lines.append(f"m={kind} {end.port if end else 0} {proto} {31 if kind == 'video' else 0}")
        if end and end.suite:
            lines.append(end.crypto(tags[i] if tags else 1))
        if end and directions and directions[i]:
            lines.append("a=" + directions[i])
    return "".join(line + "\r\n" for line in lines).encode()


class Refused(Exception):
    """The caller was told no before the called side heard anything."""


class Call:
    """A call that is up, with its streams: pairs of rtp.End."""

    def __init__(self, case, number="9898", a_suite=CM, b_suite=CM, kinds=("audio",), directions=(None, None), refused=(),
                 refused_by_b=(), early=None, from_clear=False):
        """@refused  indices of m-lines that a offers with port 0.  @early  called with the call before b's answer"""
        self.case, self.lab = case, case.lab
        self.a_host = case.lab.lab_host if from_clear else case.lab.a_host
        self.peer = h.tcp_connect(case.lab) if from_clear else h.tls_connect(case.lab, case.lab.cert("CUCMA"))
        self.dialog = h.Dialog(case.lab, self.peer, number=number, host=self.a_host, transport="TCP" if from_clear else "TLS")
        self.b = []
        self.a = [None if i in refused else rtp.End(self.a_host, a_suite) for i in range(len(kinds))]
        self.offer = description(self.a_host, self.a, kinds, [directions[0]] * len(kinds))
        self.dialog.invite(self.offer)
        self.b_peer = case.accept(number)
        self.request = self.arrival()
        self.offered = media_lines(self.request.body)
        tags = []
        for i, (_, port, _, lines, _) in enumerate(self.offered):
            end = None if port == 0 or i in refused_by_b else rtp.End(case.lab.b_host, b_suite)
            self.b.append(end)
            tags.append(None)
            if end:
                end.remote = (case.lab.host, port)
            if end and b_suite:
                tags[i], key = next((tag, key) for tag, suite, key in lines if suite == b_suite)
                end.far_key = base64.b64decode(key)
        if early:
            early(self)
        transport = "tcp" if number == "7000" else "tls"
        h.reply(self.b_peer, self.request, 200, "OK",
                description(case.lab.b_host, self.b, kinds, [directions[1]] * len(kinds), tags), tag="bt",
                contact=f"sip:{number}@{case.lab.b_host}:{5060 if transport == 'tcp' else 5061};transport={transport}")
        self.ok = self.peer.expect(200)
        self.answered = media_lines(self.ok.body)
        for end, (_, port, _, lines, _) in zip(self.a, self.answered):
            if end and port:
                end.remote = (case.lab.host, port)
                if a_suite:
                    (_, suite, key), = lines
                    case.assertEqual(suite, a_suite)
                    end.far_key = base64.b64decode(key)
        self.dialog.take_tag(self.ok)
        self.dialog.ack()
        self.b_peer.expect("ACK")

    def arrival(self):
        """The INVITE at b, or Refused."""
        while True:
            ready, _, _ = select.select([self.b_peer.sock, self.peer.sock], [], [], h.LIMIT_S)
            self.case.assertTrue(ready, "no INVITE came")
            if self.b_peer.sock in ready:
                return self.b_peer.expect("INVITE")
            answer = self.peer.receive()
            if answer.status != 100:
                self.dialog.ack_refusal()
                self.close()
                raise Refused(answer.get("Warning"))

    def close(self):
        for end in filter(None, self.a + self.b):
            end.close()
        self.peer.close()

    def end(self):
        """Hang up.  @return the call's last record"""
        self.dialog.request("BYE")
        h.reply(self.b_peer, self.b_peer.expect("BYE"), 200, "OK")
        self.peer.expect(200)
        return self.done()

    def done(self):
        """After the call: nothing more may come to any end.  @return the call's last record"""
        for end in filter(None, self.a + self.b):
            self.case.assertTrue(end.is_silent(), "a packet that nobody expected")
        self.close()
        for count in itertools.count(1):
            self.lab.wait_record("call.end", count)
            call = next(r["call"] for r in self.lab.records("call.start") if r["call_id"] == self.dialog.call_id)
            mine = [r for r in self.lab.records("call.end") if r["call"] == call]
            if mine:
                return mine[0]


class MediaCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        x, y = h.lab_number()
        options = {"extra_trunks": f'  PLAIN: {{security_profile: open, listener: lab, destinations: ["127.{x}.{y}.3:5060"], '
                                   f'srtp: allowed}}\n'
                                   f'  BRIDGE: {{security_profile: encrypted, listener: core, peer_names: [BRIDGE], '
                                   f'destinations: ["127.{x}.{y}.3:5062"], srtp: required, srtp_path: bridge}}\n',
                   "extra_routes": '  - {pattern: "7000", trunks: [PLAIN]}\n  - {pattern: "8000", trunks: [BRIDGE]}\n'}
        cls.lab = h.Lab(**options, **cls.options())
        cls.addClassCleanup(cls.lab.__exit__)
        Pki(cls.lab).leaf("BRIDGE", "BRIDGE", "DNS:BRIDGE")
        cls.lab.start()
        cls.servers = {"9898": h.Server(cls.lab), "7000": h.PlainServer(cls.lab), "8000": h.Server(cls.lab, "BRIDGE", port=5062)}
        for server in cls.servers.values():
            cls.addClassCleanup(server.close)
        cls.connections = {}

    @classmethod
    def options(cls):
        return {}

    def accept(self, number):
        if number not in self.connections:
            self.connections[number] = self.servers[number].accept()
        return self.connections[number]

    def crosses(self, source, target, identical):
        """One RTP packet and one RTCP report from an end to the other of its stream."""
        packet, report = source.next_rtp(), source.next_rtcp()
        sealed, sealed_report = source.protect(packet), source.protect_rtcp(report)
        source.send(sealed)
        got = target.receive()
        source.send_rtcp(sealed_report)
        got_report = target.receive_rtcp()
        if identical:
            self.assertEqual((got, got_report), (sealed, sealed_report))
        else:
            self.assertNotEqual(got, sealed)
        plain, plain_report = target.unprotect(got), target.unprotect_rtcp(got_report)
        # Sequence, timestamp and SSRC are the sender's own where we send under a key of ours.
        self.assertEqual((plain[:2], plain[12:]), (packet[:2], packet[12:]))
        self.assertEqual((plain_report[:4], plain_report[8:28]), (report[:4], report[8:28]))
        self.assertEqual(plain[8:12], plain_report[4:8])
        if identical:
            self.assertEqual((plain, plain_report), (packet, report))

    def rx(self, record, side, stream=0):
        return record["legs"]["ab".index(side)]["streams"][stream]["rx"]

    def check_counts(self, record, side, stream=0, **expected):
        """All counters of a side; those that are not named are 0."""
        rx = dict(self.rx(record, side, stream))
        first = rx.pop("first_authenticated", None)
        self.assertEqual(first is not None, bool(expected.get("authenticated")))
        expected = {name: expected.get(name, 0) for name in rx}
        self.assertEqual(rx, expected)


class Paths(MediaCase):
    def both_ways(self, call, identical, count=3):
        for a, b in zip(call.a, call.b):
            for _ in range(count):
                self.crosses(a, b, identical)
                self.crosses(b, a, identical)

    def check_record(self, record, path, suites, grade, count=3):
        self.assertEqual((record["grade"], record["reasons"]), (grade, ["caller_hung_up"]))
        for leg, suite, side in zip(record["legs"], suites, "ab"):
            stream, = leg["streams"]
            self.assertEqual((stream["path"], stream.get("suite"), stream["tx"]), (path, suite, 2 * count))
            if suite:
                self.check_counts(record, side, packets=2 * count, authenticated=2 * count, authenticated_rtcp=count)
            else:
                self.check_counts(record, side, packets=2 * count, plain=2 * count)

    def test_pass(self):
        for suite in (CM, GCM):
            with self.subTest(suite=suite):
                call = Call(self, a_suite=suite, b_suite=suite)
                # The far side has the very key that the near side declared, both ways.
                self.assertEqual((call.b[0].far_key, call.a[0].far_key), (call.a[0].key, call.b[0].key))
                self.both_ways(call, True)
                record = call.end()
                self.check_record(record, "pass", (suite, suite), "hop_by_hop")
                self.assertEqual((record["status"], record["marks"]), ("Encrypted", []))

    def test_bridge_between_suites(self):
        for a, b in ((CM, GCM), (GCM, CM), (CM, "AES_256_CM_HMAC_SHA1_80"), ("AEAD_AES_128_GCM", GCM)):
            with self.subTest(a=a, b=b):
                call = Call(self, a_suite=a, b_suite=b)
                self.assertNotIn(call.a[0].key, (call.b[0].far_key, call.a[0].far_key))
                self.assertNotIn(call.b[0].key, (call.b[0].far_key, call.a[0].far_key))
                self.both_ways(call, False)
                self.check_record(call.end(), "bridge", (a, b), "hop_by_hop")

    def test_bridge_of_one_suite(self):
        for suite in (CM, GCM):
            with self.subTest(suite=suite):
                call = Call(self, "8000", a_suite=suite, b_suite=suite)
                self.assertNotIn(rtp.text(call.a[0].key).encode(), call.request.body)
                self.assertNotIn(rtp.text(call.b[0].key).encode(), call.ok.body)
                self.both_ways(call, False)
                self.check_record(call.end(), "bridge", (suite, suite), "hop_by_hop")

    def test_srtp_to_rtp(self):
        call = Call(self, "7000", b_suite=None)
        self.both_ways(call, False)
        record = call.end()
        self.check_record(record, "bridge", (CM, None), "mixed")

    def test_rtp_to_srtp(self):
        call = Call(self, a_suite=None, from_clear=True)
        self.both_ways(call, False)
        self.check_record(call.end(), "bridge", (None, CM), "mixed")

    def test_clear(self):
        call = Call(self, "7000", a_suite=None, b_suite=None, from_clear=True)
        self.both_ways(call, True)
        self.check_record(call.end(), "clear", (None, None), "clear")

    def test_roll_over(self):
        """The sequence number passes 2^16: the index goes on, on both sides of a pass."""
        call = Call(self)
        a, b = call.a[0], call.b[0]
        for index in (65534, 65535, 65536, 65537, 65536 + 20000):
            packet = struct.pack(">BBHII", 0x80, 0, index & 0xffff, index, a.ssrc) + b"x" * 160
            sealed = srtp.protect_rtp(a.suite, a.key, packet, index >> 16)
            a.send(sealed)
            got = b.receive()
            self.assertEqual(got, sealed)
            self.assertEqual(rtp.unprotect_rtp(b.suite, b.far_key, got, index >> 16), packet)
        record = call.end()
        self.check_counts(record, "a", packets=5, authenticated=5)

    def test_roll_over_in_a_bridge(self):
        call = Call(self, b_suite=GCM)
        a, b = call.a[0], call.b[0]
        rocs = []
        for index in (65534, 65535, 65536, 65537):
            packet = struct.pack(">BBHII", 0x80, 0, index & 0xffff, index, a.ssrc) + b"x" * 160
            a.send(srtp.protect_rtp(a.suite, a.key, packet, index >> 16))
            got = b.receive()
            roc = next(roc for roc in (0, 1) if self.opens(b, got, roc))
            rocs.append(roc)
            self.assertEqual(rtp.unprotect_rtp(b.suite, b.far_key, got, roc)[12:], packet[12:])
        self.assertEqual(rocs, [0, 0, 1, 1])
        call.end()

    def opens(self, end, packet, roc):
        with contextlib.suppress(rtp.Forged):
            rtp.unprotect_rtp(end.suite, end.far_key, packet, roc)
            return True
        return False


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
        yield "STUN", bytes.fromhex("000100002112a442") + os.urandom(12), "malformed"
        yield "DTLS", bytes.fromhex("16fefd0000000000000000") + os.urandom(60), "malformed"
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
                       bytes.fromhex("000100002112a442") + bytes(12), b"\x80" + bytes(65506), a.next_rtcp()):
            a.send(octets)
            self.good(a, b, True)
            malformed += 1
        for octets in (a.next_rtp(), a.next_rtcp()[:-1], a.next_rtcp()[:7], b"\x80\xc8\xff\xff" + bytes(40)):
            a.send_rtcp(octets)
            self.good(a, b, True)
            malformed += 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((a.host, 0))
            sock.sendto(a.next_rtp(), a.remote)
            self.good(a, b, True)
        record = call.end()
        self.check_counts(record, "a", packets=malformed + 1 + malformed + 2, plain=malformed + 2, malformed=malformed,
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
            self.read_by_daemon(call.b[0].remote[1])

        call = Call(self, early=early)
        a, b = call.a[0], call.b[0]
        self.good(b, a, True)
        for packet in kept:
            b.send(packet)
            self.assertEqual(a.receive(), packet)
        record = call.end()
        self.check_counts(record, "b", packets=8, authenticated=4, no_key_yet=4)
        self.check_counts(record, "a")

    def read_by_daemon(self, port):
        """Until the kernel holds nothing for this port any more."""
        limit = time.monotonic() + h.LIMIT_S
        while time.monotonic() < limit:
            with open("/proc/net/udp") as f:
                rows = [line.split() for line in f][1:]
            waiting = [row[4].split(":")[1] for row in rows if row[1].endswith(f":{port:04X}")]
            self.assertTrue(waiting)
            if all(int(octets, 16) == 0 for octets in waiting):
                return
            select.select([], [], [], 0.01)
        self.fail("nobody reads the port")

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
        self.assertEqual((record["grade"], record["marks"], record["intervals"]), ("none", [], []))


class Descriptions(MediaCase):
    """What the SDP says about the streams."""

    def one_way(self, source, target, rtcp=True):
        packet = source.protect(source.next_rtp())
        source.send(packet)
        self.assertEqual(target.receive(), packet)
        if rtcp:
            report = source.protect_rtcp(source.next_rtcp())
            source.send_rtcp(report)
            self.assertEqual(target.receive_rtcp(), report)

    def stopped(self, source, target):
        """RTP does not flow; RTCP does (RFC 3264 section 5.1), and comes behind it."""
        source.send(source.protect(source.next_rtp()))
        report = source.protect_rtcp(source.next_rtcp())
        source.send_rtcp(report)
        self.assertEqual(target.receive_rtcp(), report)

    def test_directions(self):
        cases = (  # a's word, b's word, does a's media flow, does b's
            ("sendonly", "recvonly", True, False), ("recvonly", "sendonly", False, True), ("inactive", "inactive", False, False),
            ("sendrecv", "recvonly", True, False), ("sendrecv", "sendonly", False, True), ("sendrecv", "inactive", False, False),
            (None, "sendrecv", True, True), ("sendonly", "inactive", False, False))
        for a_word, b_word, a_flows, b_flows in cases:
            with self.subTest(a=a_word, b=b_word):
                call = Call(self, directions=(a_word, b_word))
                a, b = call.a[0], call.b[0]
                self.assertIn(a_word or "", " ".join(call.offered[0][4]))
                self.assertIn(b_word, call.answered[0][4])
                (self.one_way if a_flows else self.stopped)(a, b)
                (self.one_way if b_flows else self.stopped)(b, a)
                record = call.end()
                for side, flows in (("a", a_flows), ("b", b_flows)):
                    self.check_counts(record, side, packets=2, authenticated=2, authenticated_rtcp=1, not_sending=0 if flows else 1)
                self.assertEqual(record["grade"], "hop_by_hop")

    def test_streams(self):
        """Refused by a, audio, audio, video that b refuses: each with its own ports and keys."""
        call = Call(self, kinds=("audio", "audio", "audio", "video", "video"), refused=(0,), refused_by_b=(3,))
        self.assertEqual([m[0] for m in call.offered], ["audio", "audio", "audio", "video", "video"])
        self.assertEqual([bool(m[1]) for m in call.offered], [False, True, True, True, True])
        self.assertEqual([bool(m[1]) for m in call.answered], [False, True, True, False, True])
        self.assertEqual([m[2] for m in call.answered], ["RTP/SAVP"] * 5)
        self.assertEqual(len({m[1] for m in call.offered + call.answered if m[1]}), 7)
        self.assertEqual((call.offered[0][3], call.answered[0][3], call.answered[3][3]), ([], [], []))
        for i in (1, 2, 4):
            self.one_way(call.a[i], call.b[i])
            self.one_way(call.b[i], call.a[i])
        # A stream's key is good for that stream alone.
        call.a[1].send(call.a[2].protect(call.a[2].next_rtp(b"x" * 90)))
        self.one_way(call.a[1], call.b[1])
        record = call.end()
        for leg in record["legs"]:
            self.assertEqual([s["index"] for s in leg["streams"]], [1, 2, 4])
            self.assertEqual([s["media"] for s in leg["streams"]], ["audio", "audio", "video"])
            keys = [k for s in leg["streams"] for k in (s["rx_key"], s["tx_key"])]
            self.assertEqual(len(set(keys)), 6)
        self.check_counts(record, "a", 0, packets=5, authenticated=4, authenticated_rtcp=2, auth_failed=1)
        self.check_counts(record, "a", 1, packets=2, authenticated=2, authenticated_rtcp=1)
        self.assertEqual(record["grade"], "hop_by_hop")

    def test_all_refused(self):
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        dialog = h.Dialog(self.lab, peer)
        dialog.invite(description(self.lab.a_host, [None]))
        self.assertIn("media_not_relayed", peer.expect(488).get("Warning"))
        dialog.ack_refusal()
        peer.close()


class Network(MediaCase):
    def test_a_receiver_that_goes_and_comes_back(self):
        """ICMP port unreachable: counted, survived, and media flows again; the other direction never stops."""
        call = Call(self)
        a, b = call.a[0], call.b[0]
        Paths.crosses(self, a, b, True)
        b.rtp.close()
        sent = 1
        for _ in range(5):
            a.send(a.protect(a.next_rtp()))
            sent += 1
            a.send_rtcp(a.protect_rtcp(a.next_rtcp()))
            b.receive_rtcp()  # it was handled: the next one finds the ICMP error of the one before
        b.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        b.rtp.bind((b.host, b.port))
        b.rtp.settimeout(h.LIMIT_S)
        sealed = a.protect(a.next_rtp())
        a.send(sealed)
        sent += 1
        self.assertEqual(b.receive(), sealed)
        Paths.crosses(self, b, a, True)
        Paths.crosses(self, a, b, True)
        sent += 1
        record = call.end()
        rx_a, rx_b = self.rx(record, "a"), self.rx(record, "b")
        self.assertEqual(rx_a["authenticated"] - rx_a["authenticated_rtcp"], sent)
        self.assertGreater(rx_b["icmp"], 0)
        self.assertEqual(record["grade"], "hop_by_hop")


class Ports(MediaCase):
    """Four pairs: two calls."""

    @classmethod
    def options(cls):
        return {"ports": "20000-20007"}

    def test_no_port_is_left(self):
        calls = [Call(self), Call(self)]
        ports = sorted(m[1] for c in calls for m in c.offered + c.answered)
        self.assertEqual(ports, [20000, 20002, 20004, 20006])
        peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        dialog = h.Dialog(self.lab, peer)
        end = rtp.End(self.lab.a_host, CM)
        self.addCleanup(end.close)
        dialog.invite(description(self.lab.a_host, [end]))
        answer = peer.expect(503)
        self.assertIn("no_media_port", answer.get("Warning"))
        self.assertIsNotNone(answer.get("Retry-After"))
        dialog.ack_refusal()
        peer.close()
        self.assertEqual(select.select([self.accept("9898").sock], [], [], 0)[0], [])
        self.assertEqual(self.lab.wait_record("call.end")["reasons"], ["no_media_port"])
        for call in calls:
            self.assertTrue(call.a[0].is_silent())
            call.end()


class ManyCalls(MediaCase):
    """Twenty pairs, two hundred calls, ten at a time: what a call held is free for the next."""

    @classmethod
    def options(cls):
        return {"ports": "20000-20039"}

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.lab.daemon.pid}/fd"))

    def next_call(self):
        """A released pair rests for a second: a caller who is told so comes back."""
        while True:
            try:
                return Call(self)
            except Refused as refused:
                self.assertIn("no_media_port", str(refused))
                select.select([], [], [], 0.05)

    def test_ports_are_released(self):
        first = Call(self)
        first.end()
        before = self.descriptors()
        done = 1
        while done < 200:
            batch = [self.next_call() for _ in range(10)]
            for call in batch:
                Paths.crosses(self, call.a[0], call.b[0], True)
            for call in batch:
                record = call.end()
                self.assertEqual(record["reasons"], ["caller_hung_up"])
            done += len(batch)
        self.assertGreaterEqual(done, 200)
        self.assertLessEqual(self.descriptors(), before)


class Timeout(MediaCase):
    @classmethod
    def options(cls):
        return {"timeout": "1s"}

    def ended_by_timeout(self, call):
        for peer in (call.peer, call.b_peer):
            bye = peer.expect("BYE")
            self.assertRegex(bye.get("Reason"), r'^SIP;cause=\d+;text="media_timeout: ')
            h.reply(peer, bye, 200, "OK")
        record = call.done()
        self.assertEqual((record["reasons"], record["by"]), (["media_timeout"], "gatehouse"))
        return record

    def test_nobody_sends(self):
        self.assertEqual(self.ended_by_timeout(Call(self))["grade"], "none")

    def test_one_side_is_silent(self):
        call = Call(self)
        packet = call.a[0].protect(call.a[0].next_rtp())
        call.a[0].send(packet)
        self.assertEqual(call.b[0].receive(), packet)
        self.assertEqual(self.ended_by_timeout(call)["grade"], "mixed")

    def test_forged_packets_keep_nothing_alive(self):
        call = Call(self)
        stop = False
        while not stop:
            for end in (call.a[0], call.b[0]):
                end.send(end.next_rtp(b"x" * 90))
            stop = bool(select.select([call.peer.sock], [], [], 0.1)[0])
        record = self.ended_by_timeout(call)
        self.assertGreater(self.rx(record, "a")["auth_failed"], 5)

    def test_media_keeps_a_call_alive(self):
        """Well past the timeout, with a packet now and then; a side that may not send is not waited for."""
        for words in ((None, None), ("sendonly", "recvonly")):
            with self.subTest(words=words):
                call = Call(self, directions=words)
                for _ in range(8):
                    for source, target in ((call.a[0], call.b[0]), (call.b[0], call.a[0]))[:1 if words[0] else 2]:
                        packet = source.protect(source.next_rtp())
                        source.send(packet)
                        self.assertEqual(target.receive(), packet)
                    self.assertEqual(select.select([call.peer.sock, call.b_peer.sock], [], [], 0.3)[0], [])
                self.assertEqual(call.end()["reasons"], ["caller_hung_up"])


if __name__ == "__main__":
    h.main()
