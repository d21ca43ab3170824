# SPDX-License-Identifier: Apache-2.0
"""Where a side's media may come from: media_source in its three forms, latching, moves."""
import time

import harness as h
import rtp
from rtp import CM
from session_case import SessionCase


class SourceCase(SessionCase):
    """CUCM10 is the trunk with the rule; its end may sit behind an address that its SDP does not name."""

    rule, srtp, media = "sdp", "required", ""

    @classmethod
    def setUpClass(cls):
        cls.options = {"trunk_options": {"CUCM10": f"srtp: {cls.srtp}, media_source: {cls.rule}"}, "media": cls.media}
        super().setUpClass()

    def elsewhere(self, host=None):
        """b's end with another port, and with another address if one is named: same key, same numbers."""
        told = self.b.ends[0]
        real = rtp.End(host or told.host)
        self.addCleanup(real.close)
        real.suite, real.key, real.far_key, real.remote = told.suite, told.key, told.far_key, told.remote
        real.seq, real.ssrc, real.index = told.seq, told.ssrc, told.index
        return real

    def call(self):
        self.establish(suite=CM if self.srtp == "required" else None)

    def arrives(self, source):
        self.crosses(source, self.a.ends[0])

    def goes_to(self, target):
        self.crosses(self.a.ends[0], target)

    def dropped(self, source):
        """A packet of it does not cross: what is sent after it from the right place is next."""
        source.send(source.protect(source.next_rtp()))

    def sources(self):
        """What the record says of packets; what SDP names is test_change.py's."""
        return [(r["side"], r["what"], r["old"], r["new"], r["rtcp"], r["proven"])
                for r in self.records("call.source") if r["what"] != "signalled"]

    def told(self, what):
        """Wait for a record of the source."""
        call = self.lab.wait_record("call.start", call_id=self.a.call_id)["call"]
        self.lab.wait_record("call.source", call=call, what=what)

    def until(self, source, what):
        """Packets of it cross until a record says so: some rules are about time, which has to pass."""
        last = time.monotonic() + h.LIMIT_S
        while what not in [r["what"] for r in self.records("call.source")]:
            self.assertLess(time.monotonic(), last, what)
            self.arrives(source)
            time.sleep(0.02)  # as a telephone does
        return [r for r in self.records("call.source") if r["what"] == what]

    def place(self, end, rtcp=False):
        return f"{end.host}:{end.port + rtcp}"

    def rx(self, record):
        return record["legs"][1]["streams"][0]["rx"]


class Sdp(SourceCase):
    def test_nothing_else(self):
        self.call()
        self.both_ways()
        real = self.elsewhere()
        for _ in range(6):
            self.dropped(real)
        self.b.ends[0].seq = real.seq
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual((self.rx(record)["unknown_source"], self.sources()), (6, []))
        self.assertTrue(real.is_silent())


class Host(SourceCase):
    rule = "sdp_host"

    def test_another_port(self):
        self.call()
        real = self.elsewhere()
        self.arrives(real)
        self.goes_to(real)
        self.until(real, "confirmed")
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.sources(), [
            ("b", "latched", self.place(self.b.ends[0]), self.place(real), False, False),
            ("b", "confirmed", self.place(real), self.place(real), False, True)])
        self.assertTrue(self.b.ends[0].is_silent())

    def test_another_address(self):
        self.call()
        real = self.elsewhere(self.lab.strange_host)
        for _ in range(6):
            self.dropped(real)
        self.b.ends[0].seq = real.seq
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual((self.rx(record)["unknown_source"], self.sources()), (6, []))


class Symmetric(SourceCase):
    rule = "symmetric"

    def test_the_first_authenticated_packet(self):
        self.call()
        real = self.elsewhere(self.lab.strange_host)
        stranger = self.elsewhere(self.lab.lab_host)
        stranger.key = h.fresh_key(stranger.key)
        self.dropped(stranger)  # it proves nothing
        stranger.send(stranger.next_rtp())
        self.arrives(real)
        self.goes_to(real)
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.rx(record)["unknown_source"], 2)
        self.assertEqual(self.sources()[0], ("b", "latched", self.place(self.b.ends[0]), self.place(real), False, False))
        self.assertTrue(stranger.is_silent() and self.b.ends[0].is_silent())

    def test_rtcp_follows(self):
        self.call()
        real = self.elsewhere(self.lab.strange_host)
        self.arrives(real)
        end = self.a.ends[0]
        report = end.next_rtcp()
        end.send_rtcp(end.protect_rtcp(report))
        self.assertEqual(real.unprotect_rtcp(real.receive_rtcp()), report)
        self.hang_up()

    def test_a_move(self):
        """A telephone that changed its network: its packets authenticate, and no more come from where it was."""
        self.call()
        self.both_ways()
        real = self.elsewhere(self.lab.strange_host)
        for _ in range(4):
            self.arrives(real)  # each of them crosses: the true packet is not lost
        self.goes_to(self.b.ends[0])
        self.until(real, "moved")
        self.goes_to(real)
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.sources()[0], ("b", "moved", self.place(self.b.ends[0]), self.place(real), False, True))

    def race(self, thief, true_one):
        """The thief sends the true party's packet before it does, and it crosses once."""
        packet = true_one.next_rtp()
        sealed = true_one.protect(packet)
        thief.send(sealed)
        self.assertEqual(self.a.ends[0].unprotect(self.a.ends[0].receive())[12:], packet[12:])
        true_one.send(sealed)

    def test_a_copier_who_is_first(self):
        """Faster on every packet, from the first one on: what he takes is taken back, and the record says all of it."""
        self.call()
        end, thief = self.b.ends[0], self.elsewhere(self.lab.strange_host)
        self.race(thief, end)
        self.told("taken_back")
        self.goes_to(end)
        for _ in range(40):
            self.race(thief, end)
            self.goes_to(end)
        record = self.hang_up()
        self.check_end(record, marks=["source_contested"])
        self.assertEqual(self.sources(), [
            ("b", "latched", self.place(end), self.place(thief), False, False),
            ("b", "latched", self.place(end, True), self.place(thief, True), True, False),
            ("b", "taken_back", self.place(thief), self.place(end), False, False),
            ("b", "taken_back", self.place(thief, True), self.place(end, True), True, False),
            ("b", "contested", self.place(end), self.place(thief), False, False)])
        self.assertTrue(thief.is_silent())

    def test_a_copier_after_a_reinvite(self):
        """He begins in mid-call, goes on over a re-INVITE that names another port, and gets nothing of either."""
        self.call()
        self.both_ways()
        old, thief = self.b.ends[0], self.elsewhere(self.lab.strange_host)
        old_place = self.place(old)
        for _ in range(8):
            self.race(thief, old)
            self.goes_to(old)
        new = self.elsewhere()
        new.seq = old.seq
        self.b.ends[0] = new
        self.reinvite(self.b)
        thief.remote = new.remote
        self.race(thief, new)
        self.told("taken_back")
        for _ in range(8):
            self.race(thief, new)
            self.goes_to(new)
        old.close()
        self.check_end(self.hang_up(), marks=["source_contested"])
        sources = [s for s in self.sources() if not s[4]]
        self.assertEqual(sources, [
            ("b", "contested", old_place, self.place(thief), False, False),
            ("b", "latched", self.place(new), self.place(thief), False, False),
            ("b", "taken_back", self.place(thief), self.place(new), False, False),
            ("b", "contested", self.place(new), self.place(thief), False, False)])
        self.assertTrue(thief.is_silent())

    def test_two_strangers(self):
        """The SDP names neither, nor does the signalling come from either: nobody can tell them apart, and it is told."""
        self.call()
        first, second = self.elsewhere(self.lab.strange_host), self.elsewhere(self.lab.lab_host)
        for _ in range(8):
            self.race(first, second)
        self.told("contested")
        self.goes_to(first)
        record = self.hang_up()
        self.check_end(record, marks=["source_contested"])
        sources = [s for s in self.sources() if not s[4]]
        self.assertEqual(sources, [
            ("b", "latched", self.place(self.b.ends[0]), self.place(first), False, False),
            ("b", "contested", self.place(first), self.place(second), False, False)])

    def test_no_move_by_packets_that_were_seen(self):
        """Copies of what came before, from somewhere else."""
        self.call()
        sealed = []
        for _ in range(6):
            end = self.b.ends[0]
            packet = end.next_rtp()
            sealed.append(end.protect(packet))
            end.send(sealed[-1])
            self.assertEqual(self.a.ends[0].unprotect(self.a.ends[0].receive())[12:], packet[12:])
        thief = self.elsewhere(self.lab.strange_host)
        for octets in sealed:
            thief.send(octets)
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.sources(), [])
        self.assertTrue(thief.is_silent())

    def test_a_move_is_undone_by_a_new_address(self):
        """SDP names another place: that one counts from then on."""
        self.call()
        real = self.elsewhere(self.lab.strange_host)
        self.arrives(real)
        old = self.b.ends[0]
        new = self.elsewhere()
        new.seq = real.seq
        self.b.ends[0] = new
        self.b.request("INVITE", self.b.describe())
        request = self.a.expect("INVITE")
        self.a.reply(request, 200, self.a.describe(tags=self.a.tags(self.a.take(request.body))))
        self.b.take(self.b.expect(200).body)
        self.b.ack()
        self.a.expect("ACK")
        self.both_ways()
        old.close()
        self.assertTrue(real.is_silent())
        self.hang_up()


class ClearCase(SourceCase):
    rule, srtp = "symmetric", "allowed"

    def check(self, record, marks=("source_unproven",)):
        self.check_end(record, status="Authenticated", grade="clear", marks=["media_clear", "srtp_fallback", *marks])


class SymmetricClear(ClearCase):
    """Without keys nothing proves a packet: the first one within the window is believed, and the record says so."""

    media = ", latch_window: 60s"

    def test_the_first_packet(self):
        self.call()
        real = self.elsewhere(self.lab.strange_host)
        self.arrives(real)
        self.goes_to(real)
        record = self.hang_up()
        self.check(record)
        self.assertEqual(self.sources()[0], ("b", "latched", self.place(self.b.ends[0]), self.place(real), False, False))

    def test_once(self):
        """Who comes second is a stranger, however often."""
        self.call()
        real = self.elsewhere(self.lab.strange_host)
        self.arrives(real)
        thief = self.elsewhere(self.lab.lab_host)
        for _ in range(6):
            self.dropped(thief)
        self.arrives(real)
        self.goes_to(real)
        record = self.hang_up()
        self.check(record)
        self.assertEqual(self.rx(record)["unknown_source"], 6)
        self.assertTrue(thief.is_silent())


    def attack(self, thief):
        """Five packets that nobody takes, and the daemon has looked at them."""
        for _ in range(5):
            self.dropped(thief)
        rtp.await_read(thief.remote[1])

    def reinvite_from_b(self, change=lambda body: body):
        self.b.request("INVITE", change(self.b.describe()))
        request = self.a.expect("INVITE")
        self.a.reply(request, 200, self.a.describe(tags=self.a.tags(self.a.take(request.body))))
        self.b.take(self.b.expect(200).body)
        self.b.ack()
        self.a.expect("ACK")

    def test_a_reinvite_under_attack(self):
        """The address stays: the window that each set opens is for nobody; nor is hold by c=0.0.0.0 (RFC 3264 8.4)."""
        def hold(body):
            return body.replace(b"c=IN IP4 " + self.b.host.encode(), b"c=IN IP4 0.0.0.0")

        self.call()
        real, thief = self.elsewhere(self.lab.strange_host), self.elsewhere(self.lab.lab_host)
        self.arrives(real)
        self.goes_to(real)
        start = self.lab.wait_record("call.start", call_id=self.a.call_id)
        self.lab.wait_record("call.source", count=2, call=start["call"])  # RTP, and RTCP along with it
        latched = self.sources()
        for changes in ([], [hold], [hold, hold], []):
            for change in changes:
                self.reinvite_from_b(change)
                self.attack(thief)
            self.reinvite_from_b()
            self.attack(thief)  # he is the first one to speak after it
            self.arrives(real)
            self.goes_to(real)
        record = self.hang_up()
        self.check(record)
        self.assertEqual((self.rx(record)["unknown_source"], self.sources()), (35, latched))
        self.assertTrue(thief.is_silent())

    def test_another_address_under_attack(self):
        """He may be the first one there, and then the record names him; the next address ends it."""
        self.call()
        self.both_ways()
        thief = self.elsewhere(self.lab.lab_host)
        for _ in range(2):
            self.b.ends[0].close()
            self.b.ends[0] = self.elsewhere()
            self.reinvite_from_b()
            if not self.sources():
                self.arrives(thief)
                self.lab.wait_record("call.source", side="b", new=self.place(thief))
        self.both_ways()
        self.attack(thief)
        self.both_ways()
        record = self.hang_up()
        self.check(record)
        self.assertEqual({(what, new, proven) for side, what, _, new, rtcp, proven in self.sources() if not rtcp},
                         {("latched", self.place(thief), False)})
        self.assertEqual(self.rx(record)["unknown_source"], 5)

    def test_attacked_before_the_answer(self):
        """The port is in the INVITE; nothing that comes to it before the answer is learnt."""
        request = self.invited(self.a.open(suite=None).describe())
        self.b.open(suite=None).take(request.body)
        thief = self.elsewhere(self.lab.strange_host)
        self.attack(thief)
        self.b.reply(request, 200, self.b.describe())
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")
        self.goes_to(self.b.ends[0])
        self.arrives(self.b.ends[0])
        self.attack(thief)
        self.both_ways()
        record = self.hang_up()
        self.check(record, marks=())
        rx = self.rx(record)
        self.assertEqual((rx["no_key_yet"], rx["unknown_source"], self.sources()), (5, 5, []))
        self.assertTrue(thief.is_silent())


class LatchWindow(ClearCase):
    media = ", latch_window: 100ms"

    def test_after_the_window(self):
        """What comes late latches nothing."""
        self.call()
        answered = time.monotonic()
        real = self.elsewhere(self.lab.strange_host)
        while time.monotonic() < answered + 0.2:  # the rule is about time: it has to pass
            self.both_ways()
        for _ in range(3):
            self.dropped(real)
        self.both_ways()
        record = self.hang_up()
        self.check(record, marks=())
        self.assertEqual((self.rx(record)["unknown_source"], self.sources()), (3, []))


class HostClear(SourceCase):
    """sdp_host is for keyed sides: a clear one has its SDP's port and no other."""

    rule, srtp = "sdp_host", "allowed"

    def test_as_sdp(self):
        self.call()
        real = self.elsewhere()
        for _ in range(3):
            self.dropped(real)
        self.both_ways()
        record = self.hang_up()
        self.assertEqual((self.rx(record)["unknown_source"], self.sources()), (3, []))


if __name__ == "__main__":
    h.main()
