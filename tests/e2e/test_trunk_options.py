# SPDX-License-Identifier: Apache-2.0
"""Options of trunks and media whose effect no other program shows."""
import contextlib
import os
import select
import socket
import struct
import subprocess
import sys
import time

import harness as h
import rtp
from media_case import Call, MediaCase
from rtp import CM, srtp
from session_case import SessionCase, Ua


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
        self.assertEqual([leg["streams"][0]["path"] for leg in record["legs"]], ["bridge", "bridge"])


class RocKept(RocCase):
    options = {"trunk_options": {"CUCMA": "srtp: allowed, roc_on_rekey: keep", "CUCM10": "srtp: required, roc_on_rekey: keep"}}

    def test_neighbours_that_both_keep_it(self):
        self.establish()
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual([leg["streams"][0]["path"] for leg in record["legs"]], ["pass", "pass"])


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


class Overload(SessionCase):
    """A media worker that does not get the processor: new calls are refused before those that run are hurt."""

    options = {"overload": "refuse"}

    def worker(self):
        for tid in os.listdir(f"/proc/{self.lab.daemon.pid}/task"):
            with open(f"/proc/{self.lab.daemon.pid}/task/{tid}/comm") as f:
                if f.read().startswith("gh-media"):
                    return int(tid)
        self.fail("no worker")

    def try_call(self):
        """@return the final response: b's 486, or ours"""
        self.a.invite(self.a.open().describe())
        answer = self.a.peer.receive()
        if answer.status == 100:
            self.accept()
            self.b.reply(self.b.expect("INVITE"), 486)
            self.b.expect("ACK")
            answer = self.a.expect(486)
        self.a.ack_refusal()
        self.again()
        return answer

    def speak(self, pairs):
        """A second of voice each way, sent at its pace whether or not anything comes; then all of it is there, in order."""
        sent = [[] for _ in pairs]
        for _ in range(50):
            for i, (source, _) in enumerate(pairs):
                packet = source.next_rtp()
                source.send(source.protect(packet))
                sent[i].append(packet)
            select.select([], [], [], 0.02)
        for packets, (_, target) in zip(sent, pairs):
            for packet in packets:
                self.assertEqual(target.unprotect(target.receive()), packet)

    def test_new_calls_are_refused(self):
        """And the call that runs does not lose a packet meanwhile."""
        self.establish()
        self.both_ways()
        up = self.a, self.b
        pairs = [(up[0].ends[0], up[1].ends[0]), (up[1].ends[0], up[0].ends[0])]
        tid, core = self.worker(), min(os.sched_getaffinity(0))
        self.a, self.b = (Ua(self, ua.peer, ua.host, ua.name) for ua in up)
        os.sched_setaffinity(tid, {core})
        os.sched_setscheduler(tid, os.SCHED_IDLE, os.sched_param(0))
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
                stack.callback(hog.wait)
                stack.callback(hog.kill)
                os.sched_setaffinity(hog.pid, {core})
            limit = time.monotonic() + h.LIMIT_S
            while (answer := self.try_call()).status != 503:
                self.assertLess(time.monotonic(), limit)
            self.assertIn("overload", answer.get("Warning"))
            self.assertIsNotNone(answer.get("Retry-After"))
            self.speak(pairs)
        os.sched_setscheduler(tid, os.SCHED_OTHER, os.sched_param(0))
        limit = time.monotonic() + h.LIMIT_S
        while self.try_call().status != 486:
            self.assertLess(time.monotonic(), limit)
        self.a, self.b = up
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        for leg in record["legs"]:
            rx = leg["streams"][0]["rx"]
            self.assertEqual((rx["packets"], rx["authenticated"], leg["streams"][0]["tx"]), (56, 56, 56))


if __name__ == "__main__":
    h.main()
