# SPDX-License-Identifier: Apache-2.0
"""Packets that name their key (RFC 3711 section 3.1): theirs, one key or several of a line (RFC 4568 section 6.1), and ours."""
import base64
import unittest

import harness as h
import rtp
from rtp import CM, GCM
from suite_case import SuiteCase, fresh, line


class Mki(SuiteCase):
    """RFC 3711 section 3.1: packets under the key name it.  What we send does not, unless the trunk says mki: offer."""

    def told(self, source, target, mki, passed=True):
        """A packet of @source with its MKI."""
        packet = source.next_rtp()
        source.send(source.name(source.protect(packet), mki))
        if passed:
            self.assertEqual(target.unprotect(target.receive())[12:], packet[12:])

    def test_of_the_caller(self):
        for suite, said, mki in ((CM, "|2^31|5:1", b"\x05"), (GCM, "|513:4", b"\0\0\2\1")):
            with self.subTest(suite=suite):
                self.a.open(suite=suite).ends[0].behind_key = said
                request = self.invited(self.a.describe())
                self.assertNotIn(rtp.text(self.a.ends[0].key).encode(), request.body)  # always a bridge
                self.b.open(suite=suite)
                self.accepted(request)
                a, b = self.a.ends[0], self.b.ends[0]
                self.told(a, b, mki)
                self.told(a, b, b"\xff" * len(mki), passed=False)
                a.send(a.protect(a.next_rtp()))
                self.told(a, b, mki)
                self.crosses(b, a)
                record = self.hang_up()
                self.check_end(record, marks=["auth_failed"])
                self.assertEqual(self.paths(record), ["bridge", "bridge"])
                self.again()

    def test_of_the_called_side(self):
        request = self.invited(self.a.open().describe())
        self.b.open().ends[0].behind_key = "|1:2"
        ok = self.accepted(request)
        self.assertNotIn(rtp.text(self.b.ends[0].key).encode(), ok.body)
        self.crosses(self.a.ends[0], self.b.ends[0])
        self.told(self.b.ends[0], self.a.ends[0], b"\0\1")
        self.check_end(self.hang_up())

    def test_values_that_do_not_fit(self):
        """No line is left: 488."""
        for said in ("|256:1", "|1:0", "|1:129", "|x:1"):
            with self.subTest(said=said):
                self.a.open().ends[0].behind_key = said
                self.a.invite(self.a.describe())
                self.assertIn("no_usable_crypto", self.a.expect(488).get("Warning"))
                self.a.ack_refusal()
                self.again()


class SeveralKeys(SuiteCase):
    """RFC 4568 section 6.1: keys of one line, each with its MKI."""

    def declare(self, ua, keys, mkis):
        """These are the keys of @ua's line, from its next description on."""
        ua.ends[0].key = keys[0]
        ua.ends[0].behind_key = f"|2^31|{mkis[0]}:1" + "".join(
            f";inline:{rtp.text(key)}|2^31|{mki}:1" for key, mki in zip(keys[1:], mkis[1:]))

    def sends(self, source, key, mki, target=None):
        """A packet of @source under @key that names @mki.  @return its SSRC at @target, None: it is not to come there"""
        source.key = key
        packet = source.next_rtp()
        source.send(source.name(source.protect(packet), bytes([mki])))
        if target:
            got = target.unprotect(target.receive())
            self.assertEqual(got[12:], packet[12:])
            return got[8:12]

    def numbers(self, record, side):
        """The key that the record names first, and all of them."""
        stream = record["legs"][side]["streams"][0]
        return stream["rx_key"], stream.get("rx_keys")

    def test_of_the_caller(self):
        for suite in (CM, GCM):
            with self.subTest(suite=suite):
                keys = [rtp.draw_key(suite) for _ in range(4)]
                self.a.open(suite=suite)
                self.declare(self.a, keys, (1, 2, 200, 4))
                request = self.invited(self.a.describe())
                for key in keys:
                    self.assertNotIn(rtp.text(key).encode(), request.body)
                self.b.open(suite=suite)
                ok = self.accepted(request)
                self.assertEqual(ok.body.count(b"inline:"), 1)  # of ours there is one, and without an MKI
                self.assertNotIn(b"|", ok.body)
                a, b = self.a.ends[0], self.b.ends[0]
                order = [(keys[0], 1), (keys[2], 200), (keys[1], 2), (keys[0], 1), (keys[3], 4), (keys[2], 200)]
                ssrcs = {self.sends(a, key, mki, b) for key, mki in order}
                self.assertEqual(len(ssrcs), 1)  # one source
                for key, mki in ((keys[0], 2), (keys[1], 1), (keys[3], 3), (rtp.draw_key(suite), 200)):
                    self.sends(a, key, mki)
                self.sends(a, keys[1], 2, b)
                self.crosses(b, a)
                record = self.hang_up()
                self.check_end(record, marks=["auth_failed"])
                self.assertEqual(self.paths(record), ["bridge", "bridge"])
                rx = record["legs"][0]["streams"][0]["rx"]
                self.assertEqual((rx["authenticated"], rx["auth_failed"]), (7, 4))
                first, all_of_them = self.numbers(record, 0)
                self.assertEqual((all_of_them[0], len(set(all_of_them))), (first, 4))
                self.assertIsNone(self.numbers(record, 1)[1])
                self.again()

    def test_of_the_called_side(self):
        """b answers with two keys; then one stays and another comes, and then that one is alone."""
        keys = [rtp.draw_key(CM) for _ in range(3)]
        request = self.invited(self.a.open().describe())
        self.declare(self.b.open(), keys[:2], (1, 2))
        ok = self.accepted(request)
        self.assertNotIn(rtp.text(keys[0]).encode(), ok.body)
        a, b = self.a.ends[0], self.b.ends[0]
        self.crosses(a, b)
        ssrc = self.sends(b, keys[0], 1, a)
        self.assertEqual(self.sends(b, keys[1], 2, a), ssrc)
        self.reinvite_of_b(keys[1:], (2, 3))
        self.assertEqual(self.sends(b, keys[2], 3, a), ssrc)
        self.assertEqual(self.sends(b, keys[1], 2, a), ssrc)
        self.reinvite_of_b(keys[2:], (3,))
        self.sends(b, keys[0], 1)  # two sets ago
        self.assertEqual(self.sends(b, keys[2], 3, a), ssrc)
        self.crosses(a, b)
        record = self.hang_up()
        self.check_end(record, marks=["auth_failed"])
        first, second, third = (self.numbers(r, 1) for r in (*self.records("call.rekey"), record))
        self.assertEqual(second, third)
        self.assertEqual((len(first[1]), first[1][0], first[1][1]), (2, first[0], second[0]))
        self.assertIsNone(second[1])

    def reinvite_of_b(self, keys, mkis):
        self.declare(self.b, keys, mkis)
        self.reinvite(self.b)

    def test_lines_that_do_not_fit(self):
        """488, and what is wrong is said."""
        keys = [fresh(CM) for _ in range(5)]
        for said, why in ((keys[:2], "not each has an MKI"),
                          ([f"{keys[0]}|1:1", keys[1]], "not each has an MKI"),
                          ([f"{keys[0]}|1:1", f"{keys[1]}|2:2"], "differ in length"),
                          ([f"{keys[0]}|1:1", f"{keys[1]}|001:1"], "two keys have one MKI"),
                          ([f"{keys[0]}|1:1", f"{keys[0]}|2:1"], "one key twice"),
                          ([f"{key}|{i}:1" for i, key in enumerate(keys)], "more than four keys")):
            with self.subTest(why=why):
                self.a.open()
                self.a.invite(self.offer(line(1, CM, ";inline:".join(said))))
                warning = self.a.expect(488).get("Warning")
                self.assertIn("no_usable_crypto", warning)
                self.assertIn(why, warning)
                self.a.ack_refusal()
                self.again()

    def test_an_answer_with_a_key_of_the_caller(self):
        """Whichever of a's it is, and wherever it stands in b's line."""
        keys = [rtp.draw_key(CM) for _ in range(2)]
        self.declare(self.a.open(), keys, (1, 2))
        request = self.invited(self.a.describe())
        self.declare(self.b.open(), [rtp.draw_key(CM), keys[1]], (1, 2))
        self.answer(request)
        self.bad_answer("key_echoed")

    @unittest.skipIf(h.SANITIZE, "a sanitizer's shadow memory is too large to be searched")
    def test_no_key_is_left_behind(self):
        """Nor one that was used, nor one that was not, nor one that a change took away, nor one of a refused line."""
        keys = [rtp.draw_key(CM) for _ in range(5)]
        self.declare(self.a.open(), keys[:3], (1, 2, 3))
        self.a.ends[0].behind_key += f";inline:{rtp.text(keys[4])}"
        self.a.invite(self.a.describe())
        self.assertIn("not each has an MKI", self.a.expect(488).get("Warning"))
        self.a.ack_refusal()
        self.again()
        self.declare(self.a.open(), keys[:3], (1, 2, 3))
        request = self.invited(self.a.describe())
        self.b.open()
        self.accepted(request)
        a, b = self.a.ends[0], self.b.ends[0]
        self.sends(a, keys[0], 1, b)
        self.sends(a, keys[1], 2, b)
        self.declare(self.a, keys[2:4], (3, 4))
        self.reinvite()
        self.sends(a, keys[3], 4, b)
        self.crosses(b, a)
        during = h.memory(self.lab, "during")
        self.assertTrue(all(key[:16] in during for key in keys[2:4]))  # the search can find
        self.check_end(self.hang_up())
        self.assertEqual(h.left_behind(self.lab, [*keys, b.key, a.far_key, b.far_key]), [])


class OwnMki(SuiteCase):
    options = {"trunk_options": {"CUCM10": "mki: offer"}}

    def named(self, source, target, mki):
        """A packet of @source comes to @target with our MKI, in its place."""
        packet = source.next_rtp()
        source.send(source.protect(packet))
        name, sealed = target.split_name(target.receive(), len(mki))
        self.assertEqual((name, target.unprotect(sealed)[12:]), (mki, packet[12:]))

    def lines(self, body):
        return [line for line in body.decode().split("\r\n") if line.startswith("a=crypto:")]

    def test_towards_the_called_side(self):
        for suite in (CM, GCM):
            with self.subTest(suite=suite):
                request = self.invited(self.a.open().describe())
                self.assertNotIn(rtp.text(self.a.ends[0].key).encode(), request.body)  # nothing passes to b
                offered = self.lines(request.body)
                self.assertGreater(len(offered), 1)
                for line in offered:
                    self.assertRegex(line, r"inline:[A-Za-z0-9+/=]+\|1:1$")
                self.b.open(suite=suite)
                ok = self.accepted(request)
                self.assertNotIn("|", self.lines(ok.body)[0])
                a, b = self.a.ends[0], self.b.ends[0]
                for _ in range(3):
                    self.named(a, b, b"\x01")
                    self.crosses(b, a)
                record = self.hang_up()
                self.check_end(record)
                self.assertEqual(self.paths(record), ["bridge", "bridge"])
                self.again()

    def test_a_key_keeps_its_name(self):
        """Offered again or in an answer, the same key of ours has the same MKI."""
        self.establish()
        for who in (self.a, self.b):
            request, ok = self.reinvite(who)
            line, = [line for line in self.lines((request if who is self.a else ok).body)
                     if line.split()[1] == CM]
            self.assertRegex(line, r"\|1:1$")
            self.assertIn(base64.b64encode(self.b.ends[0].far_key).decode().rstrip("="), line)
            self.named(self.a.ends[0], self.b.ends[0], b"\x01")
            self.crosses(self.b.ends[0], self.a.ends[0])
        self.check_end(self.hang_up())


class NoMki(SuiteCase):
    options = {"trunk_options": {"CUCMA": "srtp: allowed, mki: refuse"}}

    def test_another_line_is_taken(self):
        """The first has an MKI, which a's trunk refuses."""
        self.a.open()
        request = self.invited(self.offer(line(1, CM, fresh(CM), "|2^31|1:1") + line(2, CM, rtp.text(self.a.ends[0].key))))
        self.assertIn(rtp.text(self.a.ends[0].key).encode(), request.body)
        self.b.open()
        self.answer(request)
        (tag, _, _), = self.up()
        self.assertEqual(tag, "2")
        self.check_end(self.hang_up())

    def test_several_keys(self):
        """They have MKIs too; where no other line is, a is told so."""
        self.a.open()
        several = line(1, CM, f"{fresh(CM)}|1:1;inline:{fresh(CM)}|2:1")
        self.a.invite(self.offer(several))
        warning = self.a.expect(488).get("Warning")
        self.assertIn("has several keys, and the trunk says mki: refuse", warning)
        self.a.ack_refusal()
        self.again()
        self.a.open()
        request = self.invited(self.offer(several + line(2, CM, rtp.text(self.a.ends[0].key))))
        self.b.open()
        self.answer(request)
        (tag, _, _), = self.up()
        self.assertEqual(tag, "2")
        self.check_end(self.hang_up())


if __name__ == "__main__":
    h.main()
