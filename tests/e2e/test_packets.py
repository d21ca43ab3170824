# SPDX-License-Identifier: Apache-2.0
"""Packets that are not the plainest: every part of the RTP header, other sources, numbers that jump, other m-lines."""
import select
import struct

import harness as h
import rtp
from media_case import Call, MediaCase
from rtp import CM, GCM, srtp
from session_case import SessionCase

WAYS = (  # number, suites of a and b, from a trunk without TLS, the octets go on as they are
    ("9898", CM, CM, False, True), ("9898", GCM, GCM, False, True), ("9898", CM, GCM, False, False),
    ("8000", CM, CM, False, False), ("7000", CM, None, False, False), ("9898", None, CM, True, False),
    ("7000", None, None, True, True))


class Shapes(MediaCase):
    def packet(self, end, first=0x80, kind=0, middle=b"", payload=b"v" * 160):
        end.seq += 1
        return struct.pack(">BBHII", first, kind, end.seq, 160 * end.seq, end.ssrc) + middle + payload

    def shapes(self, end):
        """What RFC 3550 section 5.1 lets a header have; telephone-event as RFC 4733 has it."""
        extension, sources = b"\xbe\xde\0\1\x10\xaa\0\0", bytes(range(1, 9))
        yield "an event begins", self.packet(end, kind=0x80 | 101, payload=b"\x05\x0a\x00\xa0")
        yield "an event ends", self.packet(end, kind=101, payload=b"\x05\x8a\x03\x20")
        yield "an extension", self.packet(end, 0x90, middle=extension)
        yield "an extension without words", self.packet(end, 0x90, middle=b"\xbe\xde\0\0")
        yield "two contributing sources", self.packet(end, 0x82, middle=sources)
        yield "fifteen contributing sources", self.packet(end, 0x8f, middle=bytes(range(60)))
        yield "padding", self.packet(end, 0xa0, payload=b"v" * 160 + b"\0\0\0\4")
        yield "nothing but padding", self.packet(end, 0xa0, payload=b"\0\0\0\4")
        yield "all of them", self.packet(end, 0xb2, 0x80 | 101, sources + extension, b"\x0b\x0a\x00\xa0" + b"\0\0\0\4")
        yield "a talk spurt of a dynamic type", self.packet(end, kind=0x80 | 127, payload=bytes(range(33)))
        yield "comfort noise", self.packet(end, kind=13, payload=b"\x40")
        yield "no payload", self.packet(end, payload=b"")

    def test_each_header(self):
        for number, a_suite, b_suite, from_clear, identical in WAYS:
            call = Call(self, number, a_suite, b_suite, from_clear=from_clear)
            count = 0
            for source, target in ((call.a[0], call.b[0]), (call.b[0], call.a[0])):
                for name, packet in self.shapes(source):
                    with self.subTest(number=number, a=a_suite, b=b_suite, what=name):
                        sealed = source.protect(packet)
                        source.send(sealed)
                        got = target.receive()
                        if identical:
                            self.assertEqual(got, sealed)
                        self.assertEqual(target.unprotect(got), packet)  # an end's first source keeps its name
                        count += 1
            self.assertEqual(count, 24)
            record = call.end()
            for side, suite in (("a", a_suite), ("b", b_suite)):
                self.check_counts(record, side, packets=12, **{"authenticated" if suite else "plain": 12})

    def test_another_ssrc(self):
        """Music on hold, or a transfer behind the neighbour: same key, another source, and the first one again."""
        for number, a_suite, b_suite, from_clear, identical in WAYS:
            with self.subTest(number=number, a=a_suite, b=b_suite):
                call = Call(self, number, a_suite, b_suite, from_clear=from_clear)
                self.two_sources(call, identical)
                record = call.end()
                keyed = bool(a_suite and b_suite)
                self.assertEqual(record["grade"], "hop_by_hop" if keyed else "mixed" if a_suite or b_suite else "clear")
                if keyed:
                    self.assertEqual((record["status"], record["marks"]), ("Encrypted", []))
                a_counts = {"authenticated": 12} if a_suite else {"plain": 12}
                b_counts = {"authenticated": 8, "authenticated_rtcp": 4} if b_suite else {"plain": 8}
                self.check_counts(record, "a", packets=12, **a_counts)
                self.check_counts(record, "b", packets=8, **b_counts)
                self.assertEqual(record["legs"][0]["streams"][0]["quality"]["sources"], 2)

    def two_sources(self, call, identical):
        a, b = call.a[0], call.b[0]
        speech = a.ssrc, a.seq
        music = speech[0] ^ 0x5a5a5a5a, 200
        names = {speech[0]: set(), music[0]: set()}
        for turn in range(2):
            for ssrc, seq in (speech, music):
                a.ssrc, a.seq = ssrc, seq + 3 * turn
                for _ in range(3):
                    names[ssrc].add(self.arrives(a, b, identical))
                self.crosses(b, a, identical)
        if identical:
            self.assertEqual(names, {ssrc: {ssrc} for ssrc in names})
        self.assertEqual([len(found) for found in names.values()], [1, 1])  # always the same name
        self.assertEqual(len(set.union(*names.values())), 2)

    def arrives(self, source, target, identical):
        """One RTP packet.  @return its SSRC there"""
        packet = source.next_rtp()
        sealed = source.protect(packet)
        source.send(sealed)
        got = target.receive()
        if identical:
            self.assertEqual(got, sealed)
        plain = target.unprotect(got)
        self.assertEqual((plain[:8], plain[12:]), (packet[:8], packet[12:]))
        return int.from_bytes(plain[8:12], "big")


class Session(SessionCase):
    def call(self, a_suite=CM, b_suite=CM, count=1, a=None, b=None, change=lambda body: body):
        """@a, @b  more for describe; @change  what else becomes of both descriptions.  @return what b and a got"""
        request = self.invited(change(self.a.open(count, a_suite).describe(**(a or {}))))
        lines = self.b.open(count, b_suite).take(request.body)
        self.b.reply(request, 200, change(self.b.describe(tags=self.b.tags(lines), **(b or {}))))
        ok = self.a.expect(200)
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        return request, ok

    def rx(self, record, side=0, stream=0):
        return record["legs"][side]["streams"][stream]["rx"]


class Events(Session):
    def test_telephone_events_in_sdp(self):
        """Type 101, its name and its parameters, both ways, where the octets go on and where they do not."""
        ours = (b"a=rtpmap:0 PCMU/8000", b"a=rtpmap:101 telephone-event/8000", b"a=fmtp:101 0-16", b"a=ptime:20",
                b"a=maxptime:40")

        def change(body):
            return body.replace(b"SAVP 0\r\n", b"SAVP 0 101\r\n").rstrip() + b"\r\n" + b"\r\n".join(ours) + b"\r\n"

        for suite in (CM, GCM):
            with self.subTest(b=suite):
                for got in self.call(b_suite=suite, change=change):
                    lines = got.body.split(b"\r\n")
                    self.assertTrue(next(line for line in lines if line.startswith(b"m=")).endswith(b" 0 101"))
                    self.assertEqual([line for line in lines if line.split(b":")[0] in (b"a=rtpmap", b"a=fmtp", b"a=ptime",
                                                                                        b"a=maxptime")], list(ours))
                self.both_ways()
                self.check_end(self.hang_up())
                self.again()


class ApplicationCase(Session):
    """Far-end camera control: RTP of another kind (RFC 4573), a stream as any other."""

    kinds = {"kinds": ["audio", "application"]}

    def far_end_control(self, body):
        head, _, tail = body.partition(b"m=application ")
        line, _, rest = tail.partition(b"\r\n")
        return head + b"m=application " + line.rpartition(b" ")[0] + b" 100\r\na=rtpmap:100 H224/4800\r\n" + rest

    def crosses_both_ways(self):
        for _ in range(3):
            for i in range(2):
                for source, target in ((self.a.ends[i], self.b.ends[i]), (self.b.ends[i], self.a.ends[i])):
                    self.crosses(source, target)

    def check_streams(self, record, counted):
        for leg in record["legs"]:
            self.assertEqual([(s["media"], s["tx"]) for s in leg["streams"]], [("audio", 3), ("application", 3)])
            self.assertEqual([s["rx"][name] for s, name in zip(leg["streams"], counted)], [3, 3])


class Application(ApplicationCase):
    def test_srtp(self):
        request, ok = self.call(count=2, a=self.kinds, b=self.kinds, change=self.far_end_control)
        for got in (request, ok):
            self.assertRegex(got.body, rb"m=application \d+ RTP/SAVP 100\r\n")
            self.assertIn(b"a=rtpmap:100 H224/4800\r\n", got.body)
        self.crosses_both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.check_streams(record, ("authenticated", "authenticated"))


class ApplicationInClear(ApplicationCase):
    options = {"trunk_options": {"CUCM10": "srtp: allowed"}}

    def test_rtp_beside_srtp(self):
        """One stream in clear, and the call is not encrypted, whatever that stream carries."""
        ends = []

        def change(body):
            ua = (self.a, self.b)[len(ends)]
            ends.append(ua)
            clear = rtp.End(ua.host)
            ua.ends[1].close()
            clear.remote, ua.ends[1] = ua.ends[1].remote, clear
            body = self.far_end_control(ua.describe(kinds=self.kinds["kinds"], tags=[1, None], protos=["RTP/SAVP", "RTP/AVP"]))
            return body

        request, ok = self.call(count=2, a=self.kinds, b=self.kinds, change=change)
        self.assertRegex(ok.body, rb"m=application \d+ RTP/AVP 100\r\n")
        self.crosses_both_ways()
        record = self.hang_up()
        self.check_end(record, status="Authenticated", grade="mixed", marks=record["marks"])
        self.assertIn("media_clear", record["marks"])
        self.check_streams(record, ("authenticated", "plain"))


class Reports(Session):
    def test_plain_rtcp_beside_srtp(self):
        """A phone that protects its voice and not its reports: they go no further, and the call is marked."""
        for b_suite in (CM, GCM):
            with self.subTest(b=b_suite):
                self.call(b_suite=b_suite)
                self.both_ways()
                source, target = self.b.ends[0], self.a.ends[0]
                source.send_rtcp(source.next_rtcp())
                report = source.next_rtcp()
                source.send_rtcp(source.protect_rtcp(report))
                self.assertEqual(target.unprotect_rtcp(target.receive_rtcp())[8:28], report[8:28])
                self.both_ways()
                record = self.hang_up()
                self.check_end(record, marks=["plain_on_srtp"])
                rx = self.rx(record, 1)
                self.assertEqual((rx["plain_on_srtp"], rx["authenticated"], rx["authenticated_rtcp"]), (1, 7, 1))
                self.assertTrue(self.a.ends[0].is_silent())
                self.assertIn("side=b what=plain_on_srtp", self.lab.log.wait(f"call={record['call']} .*what=plain_on_srtp"))
                self.again()


class Numbers(Session):
    """RFC 3711 section 3.3.1: the receiver guesses the index next to the highest one, which works up to 2^15 away."""

    def put(self, index, roc=None):
        """One packet of a's end with this index, sealed with its ROC.  @return in plain"""
        end = self.a.ends[0]
        packet = struct.pack(">BBHII", 0x80, 0, index & 0xffff, index * 160 & 0xffffffff, end.ssrc) + struct.pack(">Q", index) * 20
        end.send(srtp.protect_rtp(end.suite, end.key, packet, index >> 16 if roc is None else roc))
        return packet

    def passes(self, index, roc=None):
        packet, end = self.put(index, roc), self.b.ends[0]
        got = end.receive()
        for far_roc in (0, 1):
            try:
                plain = end.unprotect(got) if not far_roc else rtp.unprotect_rtp(end.suite, end.far_key, got, 1)
            except rtp.Forged:
                continue
            self.assertEqual((plain[:8], plain[12:]), (packet[:8], packet[12:]))
            return
        self.fail("what arrived is not authentic")

    def test_jumps(self):
        for b_suite, jump_costs in ((CM, 0), (GCM, 1)):  # a bridge waits for a second packet, then sends as another source
            with self.subTest(b=b_suite):
                self.call(b_suite=b_suite)
                self.crosses(self.b.ends[0], self.a.ends[0])
                self.passes(1000)
                if jump_costs:
                    self.put(39999)
                self.passes(40000)        # more than 2^15 on, in ROC 0: there is no other index that it could be
                self.passes(40000 + 32767)
                top = 40000 + 32767 + 300
                self.passes(top)
                for index in (top + 32769, top + 32770, top + 60000):
                    self.put(index)       # more than 2^15 on: guessed to be of one ROC less, and far too old
                for index in (top - 128, top - 20000, top - 32767):
                    self.put(index)       # back, out of the window: perhaps seen, so refused (section 3.3.2)
                self.passes(top - 127)    # back, inside the window
                self.passes(top + 1)      # who comes back is heard at once
                lost = top + 65536 + 10   # who stays is one ROC ahead from then on
                self.put(lost)
                self.put(lost + 32000)
                self.passes(top + 2)
                self.a.ends[0].key = h.fresh_key(self.a.ends[0].key)
                self.reinvite()
                self.passes(lost + 32001 & 0xffff)  # a new key is a new beginning
                record = self.hang_up()
                self.check_end(record, marks=["auth_failed"])
                rx = self.rx(record)
                self.assertEqual((rx["replayed"], rx["auth_failed"]), (6 + jump_costs, 2))
                self.again()

    def test_another_ssrc_is_a_new_beginning_too(self):
        self.call()
        self.crosses(self.b.ends[0], self.a.ends[0])
        self.passes(40000)
        self.put(40000 + 33000)
        self.a.ends[0].ssrc ^= 1
        self.passes(7465)
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.rx(record)["replayed"], 1)


class Many(Session):
    def test_a_source_too_many(self):
        """64 sources under one key are told apart; a further one stays out until there is another key."""
        self.call()
        end, first = self.a.ends[0], self.a.ends[0].ssrc
        for i in range(64):
            end.ssrc = first ^ i
            self.crosses(end, self.b.ends[0])
        for i in (64, 65):
            end.ssrc = first ^ i
            end.send(end.protect(end.next_rtp()))
            end.send_rtcp(end.protect_rtcp(end.next_rtcp()))
        end.ssrc = first
        self.both_ways()
        end.key = h.fresh_key(end.key)
        self.reinvite()
        end.ssrc = first ^ 66
        self.crosses(end, self.b.ends[0])
        record = self.hang_up()
        self.check_end(record, marks=["ssrc_limit"])
        self.assertEqual(self.rx(record)["ssrc_limit"], 4)
        self.assertTrue(self.b.ends[0].is_silent())
        lines = [x for x in self.lab.log.lines if f"call={record['call']} " in x and "what=ssrc_limit" in x]
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r" warn +call +media .*side=a ")


class Muted(SessionCase):
    """Voice and video: one of them may be silent, both may not."""

    options = {"timeout": "2s"}

    def test_silent_video_beside_voice(self):
        self.establish(kinds=["audio", "video"])
        call = self.lab.wait_record("call.start", call_id=self.a.call_id)["call"]

        def told(stream):
            return {side for side in "ab" for line in self.lab.log.lines
                    if f"call={call} stream={stream} side={side} what=timeout" in line}

        while told(1) != {"a", "b"}:
            self.both_ways(count=1)
            self.assertEqual(select.select([self.a.peer.sock, self.b.peer.sock], [], [], 0.1)[0], [])
        for _ in range(10):  # and on it goes
            self.both_ways(count=1)
            self.assertEqual(select.select([self.a.peer.sock, self.b.peer.sock], [], [], 0.1)[0], [])
        self.assertEqual(told(0), set())
        for ua in (self.a, self.b):  # nobody speaks any more
            bye = ua.expect("BYE")
            self.assertIn("media_timeout", bye.get("Reason"))
            ua.reply(bye, 200)
        record = self.ended()
        self.assertEqual(record["reasons"], ["media_timeout"])
        self.assertEqual([s["rx"]["authenticated"] for s in record["legs"][0]["streams"]][1], 0)


if __name__ == "__main__":
    h.main()
