# SPDX-License-Identifier: Apache-2.0
"""ffmpeg as an endpoint of media: an SRTP that shares no code with ours or with libsrtp2.  The signalling of both sides
is by hand.  It speaks in one direction at a time, so one side is sendonly and the other recvonly; a receiver that sends no
report proves nothing, and the grade is mixed."""
import base64
import math
import random
import select
import unittest

import peers
from peers import CM, GCM, FfmpegReceiver, FfmpegSender, h
from media_case import media_lines
import rtp

TONE, SECONDS = 700, 2


class Side:
    """What one side declares of its one stream, and what it was told of the far end."""

    def __init__(self, lab, host, n, suite=CM):
        self.lab, self.host, self.suite = lab, host, suite
        if suite == CM:
            self.port = peers.free_pair(lab, n)
            self.key = rtp.text(rtp.draw_key(suite))
        else:  # ffmpeg has no such suite
            self.end = lab.own(rtp.End(host, suite))
            self.port, self.key = self.end.port, rtp.text(self.end.key)

    def description(self, direction, tag=1):
        return h.sdp(self.host, self.port, f"{tag} {self.suite} inline:{self.key}", more=f"a={direction}\n")

    def take(self, body):
        """The far end as gatehouse describes it.  @return the tag of our suite"""
        (_, port, proto, lines, _), = media_lines(body)
        assert proto == "RTP/SAVP"
        tag, self.far_key = next((tag, key) for tag, suite, key in lines if suite == self.suite)
        self.remote = (self.lab.host, port)
        if self.suite != CM:
            self.end.remote, self.end.far_key = self.remote, base64.b64decode(self.far_key)
        return tag

    def sender(self):
        return FfmpegSender(self.lab, self.host, self.port, self.remote, self.key, TONE, SECONDS + 1)

    def receiver(self):
        return FfmpegReceiver(self.lab, self.host, self.port, self.far_key, SECONDS)


class Media(unittest.TestCase):
    def setUp(self):
        self.lab = h.Lab()
        self.addCleanup(self.lab.__exit__)
        self.lab.start()

    def call(self, a_direction, b_direction, b_suite=CM):
        """A call that is up; its sides."""
        a, b = Side(self.lab, self.lab.a_host, 0), Side(self.lab, self.lab.b_host, 1, b_suite)
        self.a_peer = h.tls_connect(self.lab, self.lab.cert("CUCMA"))
        self.dialog = h.Dialog(self.lab, self.a_peer)
        with h.Server(self.lab) as server:
            self.dialog.invite(a.description(a_direction))
            self.b_peer = server.accept()
        request = self.b_peer.expect("INVITE")
        self.assertIn(f"a={a_direction}".encode(), request.body)
        tag = b.take(request.body)
        h.reply(self.b_peer, request, 200, "OK", b.description(b_direction, tag), tag="bt",
                contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")
        ok = self.a_peer.expect(200)
        self.assertIn(f"a={b_direction}".encode(), ok.body)
        a.take(ok.body)
        self.dialog.take_tag(ok)
        self.dialog.ack()
        self.b_peer.expect("ACK")
        return a, b

    def hang_up(self, grade):
        """@return the two streams of the record"""
        self.dialog.request("BYE")
        h.reply(self.b_peer, self.b_peer.expect("BYE"), 200, "OK")
        self.a_peer.expect(200)
        end = self.lab.wait_record("call.end")
        self.assertEqual((end["status"], end["grade"], end["reasons"]), ("Encrypted", grade, ["caller_hung_up"]))
        self.a_peer.close()
        self.b_peer.close()
        return [leg["streams"][0] for leg in end["legs"]]

    def check_streams(self, streams, sender, path, reports=0):
        """All that came was authenticated, reports too, and went on; of the other side came so many reports."""
        source, sink = streams if sender == "a" else streams[::-1]
        self.assertEqual((source["path"], sink["path"]), (path, path))
        rx = source["rx"]
        self.assertEqual(rx["packets"], rx["authenticated"])
        self.assertGreater(rx["authenticated_rtcp"], 0)
        self.assertGreaterEqual(rx["authenticated"] - rx["authenticated_rtcp"], 20)  # of up to 1,460 octets
        self.assertEqual(sink["tx"], rx["authenticated"])
        self.assertEqual([sink["rx"][name] for name in ("packets", "authenticated", "authenticated_rtcp")], [reports] * 3)
        self.assertEqual(source["tx"], reports)

    def one_way(self, source, sink):
        receiver = sink.receiver()
        sender = source.sender()
        peers.check_tone(self, receiver.heard(), TONE, SECONDS)
        self.assertEqual(sender.wait(), 0, sender.out.text())

    def test_the_caller_speaks(self):
        a, b = self.call("sendonly", "recvonly")
        self.assertEqual(b.far_key, a.key)
        self.one_way(a, b)
        self.check_streams(self.hang_up("mixed"), "a", "pass")
        peers.check_no_key(self, self.lab, {a.key, b.key})

    def test_the_called_side_speaks(self):
        a, b = self.call("recvonly", "sendonly")
        self.assertEqual(a.far_key, b.key)
        self.one_way(b, a)
        self.check_streams(self.hang_up("mixed"), "b", "pass")
        peers.check_no_key(self, self.lab, {a.key, b.key})

    def test_ffmpeg_to_gcm(self):
        """Its AES_CM_128, bridged, opened as AEAD_AES_256_GCM by Python's cryptography."""
        a, b = self.call("sendonly", "recvonly", GCM)
        end, sender = b.end, a.sender()
        end.send_rtcp(end.protect_rtcp(end.next_rtcp()))  # who receives proves its key by a report
        samples, last = [], None
        while len(samples) < SECONDS * peers.RATE:
            packet = end.unprotect(end.receive())
            number = int.from_bytes(packet[2:4], "big")
            self.assertIn(last, (None, number - 1 & 0xffff))
            samples += peers.ulaw(packet[12:])
            last = number
        peers.check_tone(self, samples, TONE, SECONDS)
        self.assertEqual(sender.wait(), 0, sender.out.text())
        streams = self.hang_up("hop_by_hop")
        self.check_streams(streams, "a", "bridge", reports=1)
        self.assertEqual([s["suite"] for s in streams], [CM, GCM])

    def test_gcm_to_ffmpeg(self):
        """The other way: what gatehouse encrypts under a key of its own, ffmpeg opens."""
        a, b = self.call("recvonly", "sendonly", GCM)
        end, receiver = b.end, a.receiver()
        count = 0
        while receiver.process.poll() is None and count < 50 * (SECONDS + 20):
            end.send(end.protect(end.next_rtp(PACKET)))
            count += 1
            select.select([], [], [], 0.02)  # the pace of speech
        peers.check_tone(self, receiver.heard(), TONE, SECONDS)
        source, sink = self.hang_up("mixed")[::-1]
        self.assertEqual((source["path"], source["rx"]["authenticated"], sink["tx"]), ("bridge", count, count))


class Ears(unittest.TestCase):
    """What listens in these tests can tell sounds apart."""

    def test_mu_law(self):
        """ITU-T G.711 table 2: the ends, and both zeros."""
        self.assertEqual([ULAW[octet] for octet in (0x00, 0x80, 0x7f, 0xff)], [-32124, 32124, 0, 0])
        self.assertEqual([ULAW.index(ULAW[octet]) for octet in range(127)], list(range(127)))

    def test_tones(self):
        tone = peers.ulaw(PACKET * 100)
        noise = random.Random(1)
        gap = tone[:4000] + [0] * 1000 + tone[5000:]
        peers.check_tone(self, tone, TONE, 2)
        peers.check_tone(self, gap, TONE, 2)
        for what, samples, frequency, seconds in (
                ("another tone", tone, TONE + 20, 2), ("too short", tone[:8000], TONE, 2), ("silence", [0] * 16000, TONE, 2),
                ("noise", [noise.randrange(-8000, 8000) for _ in tone], TONE, 2),
                ("half noise", [s if i < 8000 else noise.randrange(-8000, 8000) for i, s in enumerate(tone)], TONE, 2)):
            with self.subTest(what=what), self.assertRaises(AssertionError):
                peers.check_tone(self, samples, frequency, seconds)


def to_ulaw(sample):
    """The octet whose value is nearest."""
    return min(range(256), key=lambda octet: abs(ULAW[octet] - sample))


ULAW = peers.ulaw(range(256))
# 160 samples hold 14 whole periods of the tone, so every packet is like the one before.
PACKET = bytes(to_ulaw(8000 * math.sin(2 * math.pi * TONE * i / peers.RATE)) for i in range(160))


if __name__ == "__main__":
    h.main()
