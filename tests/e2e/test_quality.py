# SPDX-License-Identifier: Apache-2.0
"""How well media came, as the record tells it: what the daemon measured, and what the peers reported."""
import struct

import harness as h
from media_case import Call, MediaCase
from rtp import CM, GCM


def report(end, ssrc, lost, fraction=0, jitter=0, lsr=0, dlsr=0):
    """A receiver report of an end about one source, in plain."""
    end.index += 1
    block = struct.pack(">IIIIII", ssrc, fraction << 24 | lost & 0xffffff, 0, jitter, lsr, dlsr)
    return struct.pack(">BBHI", 0x81, 201, 7, end.ssrc) + block


class Quality(MediaCase):
    def talk(self, source, target, count, lost=()):
        """@return SSRC of the source, as the target sees it"""
        plain = None
        for i in range(count):
            packet = source.next_rtp()
            if i not in lost:
                source.send(source.protect(packet))
                plain = target.unprotect(target.receive())
        return struct.unpack_from(">I", plain, 8)[0]

    def tell(self, source, target, packet):
        source.send_rtcp(source.protect_rtcp(packet))
        return target.unprotect_rtcp(target.receive_rtcp())

    def streams(self, record):
        return [leg["streams"][0] for leg in record["legs"]]

    def check(self, call):
        a, b = call.a[0], call.b[0]
        ssrc = self.talk(a, b, 60, lost=(10, 11, 40))
        sr = self.tell(a, b, a.next_rtcp())
        middle = struct.unpack_from(">I", sr, 10)[0]
        self.assertNotEqual(middle, 0)
        self.tell(b, a, report(b, ssrc, lost=5, fraction=64, jitter=160, lsr=middle))
        self.talk(b, a, 20)
        record = call.end()
        at_a, at_b = self.streams(record)
        self.assertEqual({name: at_a["quality"][name] for name in ("codec", "sources", "expected", "received", "lost")},
                         {"codec": "PCMU", "sources": 1, "expected": 60, "received": 57, "lost": 3})
        self.assertEqual((at_b["quality"]["expected"], at_b["quality"]["lost"]), (20, 0))
        self.assertEqual(at_a["reported"]["reports"], 0)
        self.assertNotIn("mos", at_a["reported"])
        said = at_b["reported"]
        self.assertEqual((said["reports"], said["lost"], said["loss_last_percent"], said["jitter_ms"]), (1, 5, 25.0, 20.0))
        self.assertEqual((said["unknown_ssrc"], said["implausible"], said["malformed"]), (0, 0, 0))
        self.assertGreaterEqual(said["rtt_ms"], 0)
        # b hears worse than what came to us: it lost five of 60, we three.
        self.assertLess(said["mos"], at_a["quality"]["mos"])
        self.assertLess(at_a["quality"]["mos"], at_b["quality"]["mos"])
        self.assertFalse(at_a["quality"]["delay_known"])

    def test_pass(self):
        for suite in (CM, GCM):
            with self.subTest(suite=suite):
                self.check(Call(self, a_suite=suite, b_suite=suite))

    def test_bridge(self):
        self.check(Call(self, a_suite=CM, b_suite=GCM))

    def test_srtp_to_rtp(self):
        self.check(Call(self, "7000", b_suite=None))

    def test_clear(self):
        self.check(Call(self, "7000", a_suite=None, b_suite=None, from_clear=True))

    def test_reports_that_cannot_be(self):
        """More lost than was sent, ten seconds of jitter, an answer before the question, a stranger's SSRC."""
        call = Call(self)
        a, b = call.a[0], call.b[0]
        ssrc = self.talk(a, b, 10)
        middle = struct.unpack_from(">I", self.tell(a, b, a.next_rtcp()), 10)[0]
        self.tell(b, a, report(b, ssrc, lost=11, fraction=255))
        self.tell(b, a, report(b, ssrc, lost=0, jitter=0xffffffff))
        self.tell(b, a, report(b, ssrc, lost=0, lsr=middle, dlsr=0xffffffff))
        self.tell(b, a, report(b, ssrc ^ 1, lost=0))
        self.tell(b, a, report(b, ssrc, lost=1, fraction=26)[:20] + bytes(12))  # good, and goes on as it is
        said = self.streams(call.end())[1]["reported"]
        self.assertEqual((said["reports"], said["implausible"], said["unknown_ssrc"]), (1, 3, 1))
        self.assertEqual((said["lost"], said["loss_worst_percent"]), (1, 10.156))

    def test_forged_packets_move_nothing(self):
        call = Call(self)
        a, b = call.a[0], call.b[0]
        ssrc = self.talk(a, b, 5)
        sealed = b.protect_rtcp(report(b, ssrc, lost=3))
        b.send_rtcp(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        sealed = a.protect(a.next_rtp(b"x" * 171))
        a.send(sealed[:-1] + bytes([sealed[-1] ^ 1]))
        a.seq -= 1
        self.talk(a, b, 1)
        self.tell(b, a, report(b, ssrc, lost=0))
        record = call.end()
        at_a, at_b = self.streams(record)
        self.assertEqual((at_a["quality"]["expected"], at_a["quality"]["lost"]), (6, 0))
        self.assertEqual((at_b["reported"]["reports"], at_b["reported"]["lost"]), (1, 0))
        self.assertEqual((self.rx(record, "a")["auth_failed"], self.rx(record, "b")["auth_failed"]), (1, 1))


if __name__ == "__main__":
    h.main()
