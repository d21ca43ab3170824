# SPDX-License-Identifier: Apache-2.0
"""T.38 over UDPTL: calls of fax alone, calls that switch from voice to fax and back, and where that may not be."""
import select

import harness as h
import rtp
from rtp import CM
from session_case import SessionCase

ATTRIBUTES = ["T38FaxVersion:0", "T38MaxBitRate:14400", "T38FaxRateManagement:transferredTCF",
              "T38FaxMaxDatagram:400", "T38FaxUdpEC:t38UDPRedundancy"]
# UDPTL (a sequence number, one primary IFP packet, no redundancy), and what may look like something else by that number.
DATAGRAMS = [b"\0\0\1\6\0\0", b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), b"\x16\xfe\xff" + bytes(22), b"\x80\xc8\0\6" + bytes(24),
             b"\x80\0\1\2" + bytes(168), b"\xff" * 1400]


def fax(ua, before=()):
    """A description of @ua's last end as fax, behind the m-lines @before."""
    ua.version += 1
    lines = ["v=0", f"o=- 1 {ua.version} IN IP4 {ua.host}", "s=-", f"c=IN IP4 {ua.host}", "t=0 0", *before,
             f"m=image {ua.ends[-1].port} udptl t38", *("a=" + text for text in ATTRIBUTES)]
    return "".join(line + "\r\n" for line in lines).encode()


class FaxCase(SessionCase):
    def crosses_as_it_is(self, source, target, datagram):
        source.send(datagram)
        self.assertEqual(target.receive(), datagram)

    def fax_both_ways(self):
        for datagram in DATAGRAMS:
            self.crosses_as_it_is(self.a.ends[-1], self.b.ends[-1], datagram)
            self.crosses_as_it_is(self.b.ends[-1], self.a.ends[-1], datagram)

    def until_it_flows(self):
        """What arrives in the moment of the change may be lost with the keyed stream: the first that comes through."""
        for source, target in ((self.a, self.b), (self.b, self.a)):
            while not select.select([target.ends[-1].rtp], [], [], 1)[0]:
                source.ends[-1].send(DATAGRAMS[0])
            while select.select([target.ends[-1].rtp], [], [], 0.2)[0]:
                self.assertEqual(target.ends[-1].receive(), DATAGRAMS[0])

    def switch(self, who, offer, answer):
        """A re-INVITE of @who.  @return what each of them got"""
        other = self.b if who is self.a else self.a
        who.request("INVITE", offer)
        request = other.expect("INVITE")
        lines = other.take(request.body)
        other.reply(request, 200, answer() if callable(answer) else answer)
        ok = who.expect(200)
        who.take(ok.body)
        who.ack()
        other.expect("ACK")
        return request, ok, lines

    def refused(self, who, offer, reason):
        who.request("INVITE", offer)
        answer = who.expect(488)
        self.assertIn(reason, answer.get("Warning"))
        who.ack_refusal()

    def voice(self, who):
        """A re-INVITE back to voice: keys and ports of before."""
        other = self.b if who is self.a else self.a
        for ua in (self.a, self.b):
            ua.ends[0].suite = rtp.SUITES[CM]
        _, _, lines = self.switch(who, who.describe(), other.describe)
        return lines

    def check_ours(self, body, end, host):
        """What crossed of the other side's description: transport, format and attributes, not where it is."""
        text = body.decode()
        self.assertRegex(text, r"(?m)^m=image \d+ udptl t38\r$")
        self.assertEqual([line[2:] for line in text.split("\r\n") if line.startswith("a=T38")], ATTRIBUTES)
        self.assertIn(f"c=IN IP4 {self.lab.host}\r\n", text)
        self.assertNotIn(host, text)
        self.assertNotIn(f"m=image {end.port} ", text)


class Fax(FaxCase):
    options = {"trunk_options": {"CUCM10": "srtp: allowed"}}

    def test_a_call_of_fax(self):
        request = self.invited(fax(self.a.open(suite=None)))
        self.check_ours(request.body, self.a.ends[0], self.a.host)
        self.b.open(suite=None).take(request.body)
        self.b.reply(request, 200, fax(self.b))
        ok = self.a.expect(200)
        self.check_ours(ok.body, self.b.ends[0], self.b.host)
        self.assertIn("security= Authenticated", ok.get("Call-Info"))
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.fax_both_ways()
        # There is no RTCP, and who sends from elsewhere is nobody.
        self.a.ends[0].send_rtcp(self.a.ends[0].next_rtcp())
        self.a.ends[0].rtcp.sendto(DATAGRAMS[0], self.a.ends[0].remote)
        self.a.ends[0].send(b"\0")
        self.fax_both_ways()
        record = self.hang_up()
        self.check_end(record, status="Authenticated", grade="clear", marks=["media_clear"])
        count = 2 * len(DATAGRAMS)
        for leg, strays, short in zip(record["legs"], (2, 0), (1, 0)):
            stream = leg["streams"][0]
            self.assertEqual((stream["media"], stream["keying"], stream["path"]), ("image", "none", "clear"))
            self.assertEqual((stream["rx"]["plain"], stream["rx"]["unknown_source"], stream["rx"]["malformed"]),
                             (count, strays, short))
            self.assertEqual((stream["rx"]["stun"], stream["rx"]["dtls"], stream["tx"]), (0, 0, count))

    def switch_and_back(self, who):
        self.establish()
        self.both_ways()
        ports = [ua.ends[0].remote for ua in (self.a, self.b)]
        replay = self.a.ends[0].protect(self.a.ends[0].next_rtp())
        self.a.ends[0].send(replay)
        self.b.ends[0].receive()
        for ua in (self.a, self.b):
            ua.ends[0].suite = None
        request, ok, _ = self.switch(who, fax(who), fax(self.a if who is self.b else self.b))
        for body in (request.body, ok.body):
            self.assertNotIn(b"a=crypto", body)
        for msg in (request, ok):
            self.assertNotIn("Encrypted", msg.get("Call-Info") or "")
        self.assertEqual([ua.ends[0].remote for ua in (self.a, self.b)], ports)
        self.until_it_flows()
        self.fax_both_ways()
        self.graded("clear", "clear")
        self.voice(who)
        self.a.ends[0].send(replay)
        self.a.ends[0].send(DATAGRAMS[0])  # fax is over
        self.both_ways()
        self.graded("hop_by_hop", "clear")
        record = self.hang_up()
        self.check_end(record, grade="clear", marks=["downgrade_refused", "media_clear"])
        self.assertEqual([grade for _, _, grade in record["intervals"]], ["hop_by_hop", "clear", "hop_by_hop"])
        rx = record["legs"][0]["streams"][0]["rx"]
        self.assertEqual((rx["replayed"], rx["auth_failed"], rx["malformed"], rx["authenticated"]), (1, 0, 1, 7))

    def test_voice_becomes_fax_and_back(self):
        """The trunks say srtp: allowed, and so on_downgrade: mark."""
        self.switch_and_back(self.b)

    def test_the_caller_switches(self):
        self.switch_and_back(self.a)

    def test_fax_in_a_line_of_its_own(self):
        """Audio has port 0, and an image line comes beside it."""
        self.establish()
        self.both_ways()
        voice = [ua.ends[0] for ua in (self.a, self.b)]
        for ua in (self.a, self.b):
            ua.ends = [None, rtp.End(ua.host)]
        off = ["m=audio 0 RTP/SAVP 0"]
        request, ok, _ = self.switch(self.b, fax(self.b, off), fax(self.a, off))
        for body in (request.body, ok.body):
            self.assertIn(b"m=audio 0 ", body)
        self.fax_both_ways()
        self.graded("clear", "clear")
        ends = [ua.ends[1] for ua in (self.a, self.b)]
        for ua, end in zip((self.a, self.b), voice):
            ua.ends = [end]
        more = "m=image 0 udptl t38\r\n"
        self.switch(self.b, self.b.describe(more=more), lambda: self.a.describe(more=more))
        self.both_ways()
        for end in ends:
            end.close()
        record = self.hang_up()
        self.check_end(record, grade="clear", marks=["downgrade_refused", "media_clear"])
        audio, image = record["legs"][0]["streams"]
        self.assertEqual((audio["media"], audio.get("live", True), audio["rx"]["authenticated"]), ("audio", True, 6))
        self.assertEqual((image["media"], image["live"], image["rx"]["plain"]), ("image", False, len(DATAGRAMS)))

    def test_voice_and_fax_at_once(self):
        """A gateway that offers both: the call is mixed, and not Encrypted."""
        self.a.open()
        self.a.ends.append(rtp.End(self.a.host))
        request = self.invited(fax(self.a, [f"m=audio {self.a.ends[0].port} RTP/SAVP 0", self.a.ends[0].crypto(1)]))
        self.b.open()
        self.b.ends.append(rtp.End(self.b.host))
        lines = self.b.take(request.body)
        audio = [f"m=audio {self.b.ends[0].port} RTP/SAVP 0", self.b.ends[0].crypto(self.b.tags(lines)[0])]
        self.b.reply(request, 200, fax(self.b, audio))
        ok = self.a.expect(200)
        self.assertIn("security= Authenticated", ok.get("Call-Info"))
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways(0)
        self.fax_both_ways()
        self.check_end(self.hang_up(), status="Authenticated", grade="mixed", marks=["media_clear"])


class Required(FaxCase):
    """CUCM10 says srtp: required."""

    def test_fax_is_refused(self):
        self.a.invite(fax(self.a.open(suite=None)))
        answer = self.a.expect(488)
        self.assertIn("srtp_required", answer.get("Warning"))
        self.a.ack_refusal()
        self.assertIn("srtp_required", self.ended()["reasons"])
        self.again()
        # Voice beside it goes on; b sees that fax was offered, and no port for it.
        self.a.open()
        self.a.ends.append(rtp.End(self.a.host))
        request = self.invited(fax(self.a, [f"m=audio {self.a.ends[0].port} RTP/SAVP 0", self.a.ends[0].crypto(1)]))
        self.assertRegex(request.body, rb"m=image 0 udptl t38\r\n$")
        self.b.open()
        self.accepted(request, more="m=image 0 udptl t38\r\n")
        self.both_ways(0)
        record = self.hang_up()
        self.assertEqual((record["status"], record["grade"]), ("Encrypted", "hop_by_hop"))

    def test_a_switch_is_refused(self):
        """From either side, in the line of the voice or in one of its own; the voice goes on under its keys."""
        self.establish()
        self.both_ways()
        off = ["m=audio 0 RTP/SAVP 0"]
        for who in (self.a, self.b):
            self.refused(who, fax(who), "srtp_required")
            self.refused(who, fax(who, off), "srtp_required")
            self.both_ways()
        self.check_end(self.hang_up())


class Rejected(FaxCase):
    """Both trunks could do without SRTP, but a's lets nothing that was keyed become clear."""

    options = {"trunk_options": {"CUCMA": "srtp: allowed, on_downgrade: reject", "CUCM10": "srtp: allowed"}}

    def test_a_switch_is_a_downgrade(self):
        self.establish()
        self.both_ways()
        off = ["m=audio 0 RTP/SAVP 0"]
        for who in (self.a, self.b):
            self.refused(who, fax(who), "downgrade_refused")
            self.refused(who, fax(who, off), "downgrade_refused")
            self.both_ways()
        self.check_end(self.hang_up())


if __name__ == "__main__":
    h.main()
