# SPDX-License-Identifier: Apache-2.0
"""Keys in flight: what comes under the old key after a change, under an offered key before the answer, and after a change
that failed."""
import select
import time

import harness as h
from rtp import CM, GCM
from session_case import SessionCase

OLD_KEY_S = 1.0  # it lives so long past the first packet under the new one, at the least


class RekeyCase(SessionCase):
    def call(self, b_suite=CM):
        request = self.invited(self.a.open().describe())
        self.b.open(suite=b_suite)
        self.accepted(request)
        self.both_ways()

    def send(self, source, key):
        """A packet under this key.  @return in plain"""
        packet = source.next_rtp()
        source.key, kept = key, source.key
        source.send(source.protect(packet))
        source.key = kept
        return packet

    def arrives(self, source, target, key, far_key=None):
        """@far_key  what it is under at the target; None: the target's newest"""
        packet = self.send(source, key)
        target.far_key, kept = far_key or target.far_key, target.far_key
        self.assertEqual(target.unprotect(target.receive())[12:], packet[12:])
        target.far_key = kept

    def rx(self, record, side):
        return record["legs"][side]["streams"][0]["rx"]


class InFlight(RekeyCase):
    def test_the_old_key_after_the_answer(self):
        """Late packets and slow phones: both keys are taken for a while, and then only the new one."""
        for b_suite in (CM, GCM):
            for who in ("a", "b"):
                with self.subTest(b=b_suite, who=who):
                    self.call(b_suite)
                    self.change_of(*(self.a, self.b) if who == "a" else (self.b, self.a), passes=b_suite == CM)
                    record = self.hang_up()
                    self.check_end(record, marks=["auth_failed"])
                    rx = self.rx(record, "ab".index(who))
                    self.assertEqual(rx["auth_failed"], rx["packets"] - rx["authenticated"])
                    self.again()

    def change_of(self, who, other, passes):
        source, target = who.ends[0], other.ends[0]
        old = source.key
        source.key = h.fresh_key(old)
        self.reinvite(who)
        # In `pass` the far end has what was sent, so it needs the key that it was sent under.
        far_old = old if passes else None
        for _ in range(5):
            self.arrives(source, target, old, far_old)
        self.crosses(target, source)
        began = time.monotonic()
        self.arrives(source, target, source.key)
        while True:  # the old one, and the new one behind it, which always arrives
            late = self.send(source, old)
            packet = self.send(source, source.key)
            got = target.receive()
            if passes and got[2:4] == late[2:4]:
                self.assertEqual(self.under(target, old, got), late[12:])
                got = target.receive()
            elif not passes and target.unprotect(got)[12:] == late[12:]:
                got = target.receive()
            self.assertEqual(target.unprotect(got)[12:], packet[12:])
            if self.log_has_failed():
                break
            self.assertLess(time.monotonic() - began, h.LIMIT_S)
            select.select([], [], [], 0.02)
        self.assertGreaterEqual(time.monotonic() - began, OLD_KEY_S)
        self.both_ways()

    def under(self, end, key, octets):
        end.far_key, kept = key, end.far_key
        plain = end.unprotect(octets)
        end.far_key = kept
        return plain[12:]

    def log_has_failed(self):
        call = self.lab.wait_record("call.start", call_id=self.a.call_id)["call"]
        return any(f"call={call} " in line and "what=auth_failed" in line for line in self.lab.log.lines)


class Offered(RekeyCase):
    """A key in an offer is worth nothing until the answer, and less after a refusal."""

    def offer(self, who, other):
        """@return the offered key, and the request as it is at the other side"""
        old = who.ends[0].key
        who.ends[0].key = h.fresh_key(old)
        who.request("INVITE", who.describe())
        offered, who.ends[0].key = who.ends[0].key, old
        return offered, other.expect("INVITE")

    def check_worthless(self, who, other, offered, count=3):
        """Packets under the offered key stay out; under the old keys all goes on, both ways."""
        for _ in range(count):
            self.send(who.ends[0], offered)
            self.crosses(who.ends[0], other.ends[0])
        self.crosses(other.ends[0], who.ends[0])

    def check_failed(self, record, side, count):
        self.assertEqual(self.rx(record, side)["auth_failed"], count)
        self.assertEqual(self.rx(record, 1 - side)["auth_failed"], 0)

    def test_a_change_that_is_refused(self):
        for b_suite in (CM, GCM):
            for side, status in ((0, 491), (0, 488), (0, 500), (1, 491), (1, 488)):
                with self.subTest(b=b_suite, side=side, status=status):
                    self.call(b_suite)
                    who, other = ((self.a, self.b), (self.b, self.a))[side]
                    offered, request = self.offer(who, other)
                    self.check_worthless(who, other, offered)
                    other.reply(request, status)
                    other.expect("ACK")
                    who.expect(status)
                    who.ack_refusal()
                    self.check_worthless(who, other, offered)
                    record = self.hang_up()
                    self.check_end(record, marks=["auth_failed"])
                    self.check_failed(record, side, 6)
                    self.assertEqual(self.records("call.rekey")[1:], [])
                    self.again()

    def test_a_change_that_is_given_up(self):
        """CANCEL while the other side rings; its 487."""
        self.call()
        offered, request = self.offer(self.a, self.b)
        self.b.reply(request, 180)
        self.a.expect(180)
        self.check_worthless(self.a, self.b, offered)
        self.a.cancel()
        self.a.expect(200)
        self.b.reply(self.b.expect("CANCEL"), 200)
        self.b.reply(request, 487)
        self.b.expect("ACK")
        self.a.expect(487)
        self.a.ack_refusal()
        self.check_worthless(self.a, self.b, offered)
        record = self.hang_up()
        self.check_end(record, marks=["auth_failed"])
        self.check_failed(record, 0, 6)

    def test_a_change_that_times_out(self):
        """408, of b or of ours after 32 s of silence, ends the call (RFC 3261 section 12.2.1.2); until then nothing changes."""
        for answers in (True, False):
            with self.subTest(answers=answers):
                self.call()
                offered, request = self.offer(self.a, self.b)
                self.check_worthless(self.a, self.b, offered)
                if answers:
                    self.b.reply(request, 408)
                    self.b.expect("ACK")
                self.a.peer.sock.settimeout(h.LIMIT_S + 40)
                self.a.expect(408)
                self.a.ack_refusal()
                record = self.ended()
                self.check_failed(record, 0, 3)
                self.again()

    def test_a_refused_key_may_be_offered_again(self):
        """It was never in force, so it is no old one: the next offer with it is a change like any other."""
        self.call()
        offered, request = self.offer(self.a, self.b)
        self.b.reply(request, 491)
        self.b.expect("ACK")
        self.a.expect(491)
        self.a.ack_refusal()
        self.both_ways()
        self.a.ends[0].key = offered
        self.reinvite()
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.check_failed(record, 0, 0)


if __name__ == "__main__":
    h.main()
