# SPDX-License-Identifier: Apache-2.0
"""Options of trunks and media whose effect no other program shows."""
import socket
import struct

import harness as h
import rtp
from media_case import Call, MediaCase
from rtp import CM, srtp
from session_case import SessionCase


class OnHold(SessionCase):
    options = {"media": ", timeout_on_hold: 1s"}

    def test_a_call_that_is_held_too_long(self):
        self.establish()
        self.both_ways()
        self.a.request("INVITE", self.a.describe(directions=["inactive"]))
        request = self.b.expect("INVITE")
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(self.b.take(request.body)), directions=["inactive"]))
        self.a.expect(200)
        self.a.ack()
        self.b.expect("ACK")
        for ua in (self.a, self.b):
            bye = ua.expect("BYE")
            self.assertIn("media_timeout", bye.get("Reason"))
            ua.reply(bye, 200)
        self.check_end(self.ended(), reasons=["media_timeout"])


class RocCase(SessionCase):
    def step(self, source, target, index, passed=True):
        """One packet of this index, ROC included; both ends know it."""
        packet = struct.pack(">BBHII", 0x80, 0, index & 0xffff, index, source.ssrc) + bytes([index & 255]) * 160
        sealed = srtp.protect_rtp(source.suite, source.key, packet, index >> 16)
        source.send(sealed)
        got = target.receive()
        if passed:
            self.assertEqual(got, sealed)
        self.assertEqual(rtp.unprotect_rtp(target.suite, target.far_key, got, index >> 16)[12:], packet[12:])

    def over_the_wrap(self):
        """@return the index of the last packet, of both ends"""
        for index in (40000, 65534, 65535, 65536, 65536 + 20000, 65536 + 50000, 131072 + 7):
            self.step(self.a.ends[0], self.b.ends[0], index)
            self.step(self.b.ends[0], self.a.ends[0], index)
        return index

    def new_keys(self):
        for ua in (self.a, self.b):
            ua.ends[0].key = rtp.draw_key(CM)
        self.a.request("INVITE", self.a.describe())
        request = self.b.expect("INVITE")
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(self.b.take(request.body))))
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")


class RocRules(SessionCase):
    options = {"trunk_options": {"CUCMA": "srtp: allowed, roc_on_rekey: keep"}}

    def test_neighbours_that_count_differently(self):
        """What one side sends after a new key would not authenticate at the other: no key is passed."""
        request = self.invited(self.a.open().describe())
        self.assertNotIn(h.base64_text(self.a.ends[0].key).encode(), request.body)
        self.b.open()
        self.accepted(request)
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.paths(record), ["bridge", "bridge"])


class RocKept(RocCase):
    options = {"trunk_options": {"CUCMA": "srtp: allowed, roc_on_rekey: keep", "CUCM10": "srtp: required, roc_on_rekey: keep"}}

    def test_neighbours_that_both_keep_it(self):
        self.establish()
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.paths(record), ["pass", "pass"])


    def test_a_new_key_after_roll_overs(self):
        """ROC 2 under the old key is ROC 2 under the new one (RFC 3711 section 3.3.1)."""
        self.establish()
        index = self.over_the_wrap()
        self.new_keys()
        for more in range(1, 4):
            self.step(self.a.ends[0], self.b.ends[0], index + more)
            self.step(self.b.ends[0], self.a.ends[0], index + more)
        record = self.hang_up()
        self.check_end(record)
        for leg in record["legs"]:
            rx = leg["streams"][0]["rx"]
            self.assertEqual((rx["authenticated"], rx["auth_failed"], rx["replayed"]), (10, 0, 0))


class RocReset(RocCase):
    def test_a_new_key_after_roll_overs(self):
        """The default: ROC 0 under the new key, from the packet that comes next."""
        self.establish()
        index = self.over_the_wrap()
        self.new_keys()
        for more in range(1, 4):
            self.step(self.a.ends[0], self.b.ends[0], (index + more) & 0xffff)
            self.step(self.b.ends[0], self.a.ends[0], (index + more) & 0xffff)
        record = self.hang_up()
        self.check_end(record)
        for leg in record["legs"]:
            rx = leg["streams"][0]["rx"]
            self.assertEqual((rx["authenticated"], rx["auth_failed"], rx["replayed"]), (10, 0, 0))


class CodePoints(MediaCase):
    @classmethod
    def options(cls):
        return {"trunk_options": {"CUCMA": "srtp: allowed, dscp: {audio: 45, video: CS4}", "CUCM10": "srtp: required"}}

    def traffic_class(self, sock):
        _, control, _, _ = sock.recvmsg(2048, 64)
        (level, kind, octets), = control
        self.assertEqual((level, kind), (socket.IPPROTO_IP, socket.IP_TOS))
        return octets[0]

    def test_code_points_by_trunk_and_kind(self):
        call = Call(self, kinds=("audio", "video"))
        for ends, classes in ((call.a, (45 << 2, 32 << 2)), (call.b, (46 << 2, 34 << 2))):
            for end, wanted in zip(ends, classes):
                source = (call.b if ends is call.a else call.a)[ends.index(end)]
                for sock in (end.rtp, end.rtcp):
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
                source.send(source.protect(source.next_rtp()))
                self.assertEqual(self.traffic_class(end.rtp), wanted)
                source.send_rtcp(source.protect_rtcp(source.next_rtcp()))
                self.assertEqual(self.traffic_class(end.rtcp), wanted)
        call.end()


class Bodies(SessionCase):
    options = {"trunk_options": {"CUCM10": "srtp: required, bodies: [application/sdp]"}}

    def test_a_body_that_one_trunk_does_not_list(self):
        self.establish()
        self.both_ways()
        self.a.request("INFO", b"Signal=5\r\nDuration=160\r\n", content_type="application/dtmf-relay")
        info = self.b.expect("INFO")
        self.assertEqual((info.body, info.get("Content-Type")), (b"", None))
        self.b.reply(info, 200)
        self.a.expect(200)
        self.check_end(self.hang_up(), marks=["body_dropped"])


if __name__ == "__main__":
    h.main()
