# SPDX-License-Identifier: Apache-2.0
"""Media through the daemon: how it goes through, and what the descriptions, the network and time do to it."""
import contextlib
import os
import select
import socket
import struct
import unittest

import harness as h
import rtp
from media_case import Call, MediaCase, Refused, description
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
        self.crosses(a, b, True)
        b.rtp.close()
        late = [a.protect(a.next_rtp()) for _ in range(5)]
        sent = 1
        for packet in late:
            a.send(packet)
            sent += 1
            a.send_rtcp(a.protect_rtcp(a.next_rtcp()))
            b.receive_rtcp()  # with it, or soon, its RTP: the next one finds the ICMP error of the one before
        b.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        b.rtp.bind((b.host, b.port))
        b.rtp.settimeout(h.LIMIT_S)
        sealed = a.protect(a.next_rtp())
        a.send(sealed)
        sent += 1
        while (got := b.receive()) in late:
            pass  # another socket than RTCP's: the last one may have waited until the receiver was back
        self.assertEqual(got, sealed)
        self.crosses(b, a, True)
        self.crosses(a, b, True)
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
                self.crosses(call.a[0], call.b[0], True)
            for call in batch:
                record = call.end()
                self.assertEqual(record["reasons"], ["caller_hung_up"])
            done += len(batch)
        self.assertGreaterEqual(done, 200)
        self.assertLessEqual(self.descriptors(), before)


class Timeout(MediaCase):
    @classmethod
    def options(cls):
        return {"timeout": "3s"}

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
                for _ in range(14):
                    for source, target in ((call.a[0], call.b[0]), (call.b[0], call.a[0]))[:1 if words[0] else 2]:
                        packet = source.protect(source.next_rtp())
                        source.send(packet)
                        self.assertEqual(target.receive(), packet)
                    self.assertEqual(select.select([call.peer.sock, call.b_peer.sock], [], [], 0.3)[0], [])
                self.assertEqual(call.end()["reasons"], ["caller_hung_up"])


class OneWay(MediaCase):
    def silences(self, record):
        return [[(stream.get("silent_seconds"), stream.get("silent")) for stream in leg["streams"]] for leg in record["legs"]]

    def test_a_side_that_is_not_heard(self):
        """b's RTP does not authenticate for some seconds, while a's arrives and b's reports do.  On hold it is no fault."""
        held, call = Call(self, directions=("sendonly", "recvonly")), Call(self)
        name = f"call={self.lab.wait_record('call.start', call_id=call.dialog.call_id)['call']} stream=0 side=b"
        self.crosses(call.b[0], call.a[0], True)
        lines = []
        while not lines:
            self.crosses(held.a[0], held.b[0], True)
            self.crosses(call.a[0], call.b[0], True)
            report = call.b[0].protect_rtcp(call.b[0].next_rtcp())
            call.b[0].send_rtcp(report)
            self.assertEqual(call.a[0].receive_rtcp(), report)
            call.b[0].send(call.b[0].next_rtp(b"x" * 90))
            self.assertEqual(select.select([call.peer.sock, call.b_peer.sock], [], [], 0.3)[0], [])
            lines = [line for line in self.lab.log.text().splitlines() if "what=silent" in line]
        self.assertRegex(lines[0], rf" warn +call +media +{name} what=silent from=[0-2]\.\d$")
        self.crosses(call.b[0], call.a[0], True)
        line = self.lab.log.wait(rf"call +media +{name} what=silence_over from=[0-2]\.\d seconds=\d+\.\d")
        record = call.end()
        (a,), ((seconds, ((begin, end),)),) = self.silences(record)
        self.assertEqual(a, (None, None))
        self.assertLess(begin, 3)
        self.assertGreaterEqual(seconds, 5)
        self.assertAlmostEqual(seconds, end - begin, delta=0.2)
        self.assertAlmostEqual(seconds, float(line.rsplit("=", 1)[1]), delta=0.2)
        self.assertGreaterEqual(self.rx(record, "b")["auth_failed"], 5)
        self.assertEqual(self.silences(held.end()), [[(None, None)], [(None, None)]])
        self.assertEqual(self.lab.log.text().count("what=silen"), 2)


if __name__ == "__main__":
    h.main()
