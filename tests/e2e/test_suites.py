# SPDX-License-Identifier: Apache-2.0
"""What a=crypto may say, and what is made of it: RFC 4568, RFC 6188, RFC 7714, RFC 8643, CUCM's optional SRTP."""
import base64
import itertools
import unittest

import harness as h
import rtp
from rtp import CM, GCM, SUITES
from session_case import SessionCase

GCM128, CM256 = "AEAD_AES_128_GCM", "AES_256_CM_HMAC_SHA1_80"
ALL = {"profile": f', suites: [{", ".join(SUITES)}]'}


def line(tag, suite, key, rest=""):
    return f"a=crypto:{tag} {suite} inline:{key}{rest}\r\n"


def fresh(suite):
    return rtp.text(rtp.draw_key(suite))


class SuiteCase(SessionCase):
    def offer(self, lines):
        """a's offer with these lines in the place of its own."""
        text = self.a.describe().decode()
        return "".join(part for part in text.splitlines(True) if not part.startswith("a=crypto:")).encode() + lines.encode()

    def answer(self, request, **kwargs):
        lines = self.b.take(request.body)
        self.b.reply(request, 200, self.b.describe(**{"tags": self.b.tags(lines), **kwargs}))

    def up(self):
        ok = self.a.expect(200)
        lines = self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        return lines[0][3]

    def bad_answer(self, reason):
        """a is refused, b gets ACK and BYE."""
        self.assertIn(reason, self.a.expect(488).get("Warning"))
        self.a.ack_refusal()
        self.b.expect("ACK")
        bye = self.b.expect("BYE")
        self.assertIn(reason, bye.get("Reason"))
        self.b.reply(bye, 200)
        self.check_end(self.ended(), status="Unknown", grade="none", reasons=[reason])
        self.again()

    def paths(self, record):
        return [leg["streams"][0]["path"] for leg in record["legs"]]


class Suites(SuiteCase):
    options = ALL

    def test_every_pair(self):
        for a, b in itertools.product(SUITES, repeat=2):
            with self.subTest(a=a, b=b):
                request = self.invited(self.a.open(suite=a).describe())
                self.b.open(suite=b)
                self.answer(request)
                (tag, suite, _), = self.up()
                self.assertEqual((tag, suite), ("1", a))
                record = self.hang_up()
                self.check_end(record)
                self.assertEqual([leg["streams"][0]["suite"] for leg in record["legs"]], [a, b])
                self.assertEqual(self.paths(record), ["pass" if a == b else "bridge"] * 2)
                self.again()

    def several(self, suite):
        """An offer with usable and other lines, of which b takes one of @suite.  @return the line that a is answered"""
        self.keys = {tag: fresh(s) for tag, s in ((20, GCM), (7, CM))}
        self.a.open()
        lines = (line(5, "F8_128_HMAC_SHA1_80", fresh(CM)) + line(11, CM, fresh(CM), " KDR=3") + line(9, CM, fresh(CM)[:-4]) +
                 line(20, GCM, self.keys[20]) + line(7, CM, self.keys[7]) + line(8, "AES_CM_1024_HMAC", fresh(CM)))
        request = self.invited(self.offer(lines))
        self.b.open(suite=suite)
        offered = self.b.take(request.body)[0][3]
        # What is usable is copied, under tags of ours; then come our own keys for what is left.
        self.assertEqual([c[2] for c in offered[:2]], [self.keys[20], self.keys[7]])
        self.assertEqual([c[0] for c in offered], [str(i + 1) for i in range(len(SUITES))])
        self.assertEqual({c[1] for c in offered}, set(SUITES))
        self.answer(request)
        answered = self.a.expect(200)
        (tag, chosen, key), = self.a.take(answered.body)[0][3]
        end = self.a.ends[0]
        end.suite, end.key, end.far_key = SUITES[chosen], base64.b64decode(self.keys[int(tag)]), base64.b64decode(key)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        record = self.hang_up()
        self.check_end(record)
        return int(tag), chosen, self.paths(record)

    def test_several_lines_the_first(self):
        self.assertEqual(self.several(GCM), (20, GCM, ["pass", "pass"]))

    def test_several_lines_the_second(self):
        """b's choice is a's answer."""
        self.assertEqual(self.several(CM), (7, CM, ["pass", "pass"]))

    def test_several_lines_and_none_of_them(self):
        """b took a line of ours: a is answered its first usable one."""
        self.assertEqual(self.several(CM256), (20, GCM, ["bridge", "bridge"]))

    def test_unusable_lines(self):
        key = fresh(CM)
        for lines in (line(1, "AES_CM_1024_HMAC", key), line(1, "F8_128_HMAC_SHA1_80", key), line(1, CM, key, " KDR=1"),
                      line(1, CM, key, " UNENCRYPTED_SRTP"), line(1, CM, key, " UNENCRYPTED_SRTCP"),
                      line(1, CM, key, " UNAUTHENTICATED_SRTP"), line(1, CM, key, " FEC_ORDER=FEC_SRTP"),
                      line(1, CM, key, " FEC_KEY=inline:" + fresh(CM)), line(1, CM, key, " WSH=64"), line(1, CM, key, " NEW"),
                      line(1, CM, key[:-4]), line(1, CM, key + "AAAA"), line(1, CM, rtp.text(bytes(30))),
                      line(1, CM, rtp.text(b"\xaa" * 30)), line(1, CM, key, "|2^49"), line(1, CM, key, "|0"),
                      line(1, CM, key, "|2^31|1:0"), line(1, CM, key, ";inline:" + fresh(CM)),
                      line(1, CM, key) + line(1, GCM, fresh(GCM)), line(0, CM, key[:20] + "!" + key[21:]),
                      line(1234567890, CM, key), ""):
            with self.subTest(lines=lines):
                self.a.open()
                self.a.invite(self.offer(lines))
                refusal = self.a.expect(488)
                self.assertIn("no_usable_crypto", refusal.get("Warning"))
                self.a.ack_refusal()
                self.again()

    def test_harmless_parameters(self):
        """RFC 4568 section 6.3.7: what begins with - may be passed over."""
        self.a.open()
        request = self.invited(self.a.describe().rstrip() + b" -new=1\r\n")
        self.b.open()
        self.answer(request)
        self.up()
        self.check_end(self.hang_up())

    def test_lifetime(self):
        """In both notations; it crosses with the key that it speaks of, each way, in a form that all understand."""
        for said, told in (("|2^31", 31), ("|2147483648", 31), ("|2^48", 48), ("|2^20", 20)):
            with self.subTest(said=said):
                self.a.open()
                request = self.invited(self.a.describe().rstrip() + said.encode() + b"\r\n")
                self.assertRegex(request.body.decode(), rf"{self.text_of(self.a)}\|(2\^{told}|{2 ** told})\r\n")
                lines = self.b.open().take(request.body)
                self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)).rstrip() + said.encode() + b"\r\n")
                ok = self.a.expect(200)
                self.assertRegex(ok.body.decode(), rf"{self.text_of(self.b)}\|(2\^{told}|{2 ** told})\r\n")
                self.a.take(ok.body)
                self.a.ack()
                self.b.expect("ACK")
                self.both_ways()
                self.check_end(self.hang_up())
                self.again()

    def text_of(self, ua):
        return rtp.text(ua.ends[0].key).replace("+", r"\+")

    def test_lifetime_exceeded(self):
        """2^2 packets were promised."""
        self.a.open()
        request = self.invited(self.a.describe().rstrip() + b"|2^2\r\n")
        self.b.open()
        self.answer(request)
        self.up()
        self.both_ways()
        self.check_end(self.hang_up(), marks=["key_lifetime_exceeded"])

    def test_padding_that_is_missing(self):
        """Some leave out the = at the end, in offers and in answers: taken where the key is whole, and marked."""
        for suite in (GCM, GCM128, CM256):
            for offer, answer in ((True, False), (False, True), (True, True)):
                with self.subTest(suite=suite, offer=offer, answer=answer):
                    self.padding_is_missing(suite, offer, answer)
                self.again()

    def padding_is_missing(self, suite, offer, answer):
        self.a.open(suite=suite)
        padded = rtp.text(self.a.ends[0].key).encode()
        self.assertTrue(padded.endswith(b"="))
        body = self.a.describe()
        request = self.invited(body.replace(padded, padded.rstrip(b"=")) if offer else body)
        self.assertIn(padded, request.body)  # we write it as it should be
        lines = self.b.open(suite=suite).take(request.body)
        body = self.b.describe(tags=self.b.tags(lines))
        self.b.reply(request, 200, body.replace(b"=\r\n", b"\r\n").replace(b"=\r\n", b"\r\n") if answer else body)
        self.up()
        record = self.hang_up()
        self.check_end(record, marks=["padding_missing"])
        self.assertEqual(self.paths(record), ["pass", "pass"])

    def test_a_renumbered_tag(self):
        request = self.invited(self.a.open().describe())
        self.b.open()
        self.answer(request, tags=[77])
        self.up()
        self.check_end(self.hang_up(), marks=["tag_renumbered"])

    def test_answers_that_are_none(self):
        """An unknown suite, a key that is none, a parameter that we cannot hold, two lines, a suite not offered."""
        def lines(*more):
            return lambda body: body[:body.index(b"a=crypto")] + "".join(more).encode()
        key, unusable, foreign = fresh(CM), "no_usable_crypto", "crypto_answer_bad"
        for reason, change in ((unusable, lines(line(1, "AES_CM_1024_HMAC", key))), (unusable, lines(line(1, CM, key[:-4]))),
                               (unusable, lines(line(1, CM, key, " KDR=1"))), (unusable, lines(line(1, CM, rtp.text(bytes(30))))),
                               (unusable, lines(line(1, CM, key, "|2^31|1:0"))),
                               (foreign, lines(line(1, CM, key), line(2, GCM, fresh(GCM))))):
            request = self.invited(self.a.open().describe())
            self.b.open().take(request.body)
            body = change(self.b.describe())
            with self.subTest(body=body):
                self.b.reply(request, 200, body)
                self.bad_answer(reason)

    def test_savp_without_a_line(self):
        request = self.invited(self.a.open().describe())
        self.b.open(suite=None)
        self.answer(request, protos=["RTP/SAVP"])
        self.bad_answer("profile_mismatch")

    def test_rtp_where_srtp_is_required(self):
        for extra in ("", "Supported: X-cisco-srtp-fallback\n"):
            request = self.invited(self.a.open().describe())
            self.b.open(suite=None).take(request.body)
            self.b.reply(request, 200, self.b.describe(), extra=extra)
            self.bad_answer("profile_mismatch")


class Strict(SuiteCase):
    options = {"trunk_options": {"CUCM10": "srtp: required, strict_tags: true"}}

    def test_a_renumbered_tag(self):
        request = self.invited(self.a.open().describe())
        self.b.open()
        self.answer(request, tags=[77])
        self.bad_answer("crypto_answer_bad")


class LocalOrder(SuiteCase):
    options = {"trunk_options": {"CUCMA": "srtp: allowed, suite_order: local"}}

    def test_our_order_counts(self):
        """b takes neither of a's lines; of them a is answered the one that our profile names first."""
        keys = {CM: fresh(CM), GCM: fresh(GCM)}
        self.a.open()
        request = self.invited(self.offer(line(1, CM, keys[CM]) + line(2, GCM, keys[GCM])))
        self.b.open(suite=GCM128)
        self.answer(request)
        ok = self.a.expect(200)
        self.assertRegex(ok.body.decode(), rf"a=crypto:2 {GCM} ")
        self.a.ack()
        self.b.expect("ACK")
        self.hang_up()


class BestEffortCase(SuiteCase):
    def answered(self, proto, keys, extra="", tags=None):
        request = self.invited(self.a.open().describe())
        self.assertIn(self.proto, request.body)
        self.assertIn(b"a=crypto", request.body)
        lines = self.b.open(suite=CM if keys else None).take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=tags or self.b.tags(lines), protos=[proto]), extra=extra)

    def srtp(self, proto):
        self.answered(proto, True)
        self.up()
        self.check_end(self.hang_up())

    def clear(self, proto, extra=""):
        self.answered(proto, False, extra)
        self.up()
        self.check_end(self.hang_up(), status="Authenticated", grade="mixed", marks=["srtp_fallback"])


class BestEffort(BestEffortCase):
    """RFC 8643: keys in an offer of RTP/AVP."""

    options = {"trunk_options": {"CUCM10": "srtp: allowed"}}
    proto = b" RTP/AVP "

    def test_avp_with_keys(self):
        self.srtp("RTP/AVP")

    def test_savp_with_keys(self):
        self.srtp("RTP/SAVP")

    def test_avp_without_keys(self):
        self.clear("RTP/AVP")

    def test_savp_without_keys(self):
        self.answered("RTP/SAVP", False)
        self.bad_answer("profile_mismatch")

    def test_keys_that_nobody_offered(self):
        """They are there and do not hold: that never falls to RTP."""
        request = self.invited(self.a.open().describe())
        self.b.open().take(request.body)
        self.b.reply(request, 200, self.b.describe().replace(CM.encode(), b"AES_CM_128_HMAC_SHA1_32"))
        self.bad_answer("crypto_answer_bad")

    def test_a_caller_with_keys_that_are_not_usable(self):
        """RTP/AVP with lines that do not do is RTP."""
        self.a.open(suite=None)
        request = self.invited(self.a.describe() + line(1, CM, fresh(CM), " KDR=1").encode())
        self.b.open()
        self.answer(request)
        ok = self.a.expect(200)
        self.assertNotIn(b"a=crypto", ok.body)
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.both_ways()
        self.check_end(self.hang_up(), status="Authenticated", grade="mixed", marks=["no_usable_crypto"])


class BestEffortSavp(BestEffortCase):
    """As CUCM offers it: RTP/SAVP, and a header that allows to fall back."""

    options = {"trunk_options": {"CUCM10": "srtp: allowed, best_effort_profile: savp"}}
    proto = b" RTP/SAVP "
    FALLBACK = "Supported: X-cisco-srtp-fallback\n"

    def test_savp_with_keys(self):
        self.srtp("RTP/SAVP")

    def test_avp_with_keys(self):
        for extra in ("", self.FALLBACK):
            self.answered("RTP/AVP", True, extra)
            self.bad_answer("profile_mismatch")

    def test_avp_without_keys(self):
        self.answered("RTP/AVP", False)
        self.bad_answer("profile_mismatch")

    def test_fallback(self):
        self.clear("RTP/AVP", self.FALLBACK)

    def test_fallback_among_others(self):
        self.clear("RTP/AVP", "Supported: timer, x-Cisco-SRTP-Fallback, 100rel\n")


class Lifetime(SuiteCase):
    options = {"trunk_options": {"CUCM10": "srtp: required, lifetime: enforce"}}

    def test_lifetime_enforced(self):
        """The same where b's trunk, whose key it is, says lifetime: enforce: the call ends."""
        request = self.invited(self.a.open().describe())
        lines = self.b.open().take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)).rstrip() + b"|2^1\r\n")
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")
        for _ in range(3):
            self.crosses(self.b.ends[0], self.a.ends[0])
        for ua in (self.a, self.b):
            bye = ua.expect("BYE")
            self.assertIn("key_lifetime_exceeded", bye.get("Reason"))
            ua.reply(bye, 200)
        self.check_end(self.ended(), grade="mixed", marks=["unproven", "key_lifetime_exceeded"],
                       reasons=["key_lifetime_exceeded"])


class Mki(SuiteCase):
    """RFC 3711 section 3.1: packets under the key name it.  What we send does not, unless the trunk says mki: offer."""

    def told(self, source, target, suite, mki, passed=True):
        """A packet of @source with its MKI: before the tag of an AES-CM suite, behind all of a GCM one (RFC 7714)."""
        packet = source.next_rtp()
        sealed = source.protect(packet)
        tag = 0 if suite == GCM else 10
        source.send(sealed[:len(sealed) - tag] + mki + sealed[len(sealed) - tag:])
        if passed:
            self.assertEqual(target.unprotect(target.receive())[12:], packet[12:])

    def test_of_the_caller(self):
        for suite, said, mki in ((CM, "|2^31|5:1", b"\x05"), (GCM, "|513:4", b"\0\0\2\1")):
            with self.subTest(suite=suite):
                request = self.invited(self.a.open(suite=suite).describe().rstrip() + said.encode() + b"\r\n")
                self.assertNotIn(rtp.text(self.a.ends[0].key).encode(), request.body)  # always a bridge
                self.b.open(suite=suite)
                self.answer(request)
                self.a.take(self.a.expect(200).body)
                self.a.ack()
                self.b.expect("ACK")
                a, b = self.a.ends[0], self.b.ends[0]
                self.told(a, b, suite, mki)
                self.told(a, b, suite, b"\xff" * len(mki), passed=False)
                a.send(a.protect(a.next_rtp()))
                self.told(a, b, suite, mki)
                self.crosses(b, a)
                record = self.hang_up()
                self.check_end(record, marks=["auth_failed"])
                self.assertEqual(self.paths(record), ["bridge", "bridge"])
                self.again()

    def test_of_the_called_side(self):
        request = self.invited(self.a.open().describe())
        lines = self.b.open().take(request.body)
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)).rstrip() + b"|1:2\r\n")
        ok = self.a.expect(200)
        self.assertNotIn(rtp.text(self.b.ends[0].key).encode(), ok.body)
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
        self.crosses(self.a.ends[0], self.b.ends[0])
        self.told(self.b.ends[0], self.a.ends[0], CM, b"\0\1")
        self.check_end(self.hang_up())

    def test_values_that_do_not_fit(self):
        """No line is left: 488."""
        for said in ("|256:1", "|1:0", "|1:129", "|x:1"):
            with self.subTest(said=said):
                self.a.invite(self.a.open().describe().rstrip() + said.encode() + b"\r\n")
                self.assertIn("no_usable_crypto", self.a.expect(488).get("Warning"))
                self.a.ack_refusal()
                self.again()


class SeveralKeys(SuiteCase):
    """RFC 4568 section 6.1: keys of one line, each with its MKI."""

    def several(self, ua, keys, mkis):
        """What stands behind the first key of @ua's line: its MKI, and the other keys."""
        ua.ends[0].key = keys[0]
        said = [f"inline:{rtp.text(key)}|2^31|{mki}:1" for key, mki in zip(keys, mkis)]
        return ";".join(said).removeprefix(f"inline:{rtp.text(keys[0])}")

    def sends(self, source, key, mki, target=None):
        """A packet of @source under @key that names @mki.  @return its SSRC at @target, None: it is not to come there"""
        source.key = key
        packet = source.next_rtp()
        sealed, tag = source.protect(packet), 0 if source.suite[0] == GCM else 10
        source.send(sealed[:len(sealed) - tag] + bytes([mki]) + sealed[len(sealed) - tag:])
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
                said = self.several(self.a, keys, (1, 2, 200, 4))
                request = self.invited(self.a.describe().rstrip() + said.encode() + b"\r\n")
                for key in keys:
                    self.assertNotIn(rtp.text(key).encode(), request.body)
                self.b.open(suite=suite)
                self.answer(request)
                ok = self.a.expect(200)
                self.assertEqual(ok.body.count(b"inline:"), 1)  # of ours there is one, and without an MKI
                self.assertNotIn(b"|", ok.body)
                self.a.take(ok.body)
                self.a.ack()
                self.b.expect("ACK")
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
        lines = self.b.open().take(request.body)
        said = self.several(self.b, keys[:2], (1, 2))
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)).rstrip() + said.encode() + b"\r\n")
        ok = self.a.expect(200)
        self.assertNotIn(rtp.text(keys[0]).encode(), ok.body)
        self.a.take(ok.body)
        self.a.ack()
        self.b.expect("ACK")
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
        said = self.several(self.b, keys, mkis)
        self.b.request("INVITE", self.b.describe().rstrip() + said.encode() + b"\r\n")
        request = self.a.expect("INVITE")
        self.a.reply(request, 200, self.a.describe(tags=self.a.tags(self.a.take(request.body))))
        self.b.take(self.b.expect(200).body)
        self.b.ack()
        self.a.expect("ACK")

    def test_lines_that_do_not_fit(self):
        """488, and what is wrong is said."""
        keys = [fresh(CM) for _ in range(5)]
        for said, why in (([f"{key}" for key in keys[:2]], "not each has an MKI"),
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
        self.a.open()
        said = self.several(self.a, keys, (1, 2))
        request = self.invited(self.a.describe().rstrip() + said.encode() + b"\r\n")
        lines = self.b.open().take(request.body)
        said = self.several(self.b, [rtp.draw_key(CM), keys[1]], (1, 2))
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)).rstrip() + said.encode() + b"\r\n")
        self.bad_answer("key_echoed")

    @unittest.skipIf(h.SANITIZE, "a sanitizer's shadow memory is too large to be searched")
    def test_no_key_is_left_behind(self):
        """Nor one that was used, nor one that was not, nor one that a change took away, nor one of a refused line."""
        keys = [rtp.draw_key(CM) for _ in range(6)]
        self.a.open()
        said = self.several(self.a, keys[:3], (1, 2, 3))
        self.a.invite(self.a.describe().rstrip() + (said + f";inline:{rtp.text(keys[4])}").encode() + b"\r\n")
        self.assertIn("not each has an MKI", self.a.expect(488).get("Warning"))
        self.a.ack_refusal()
        self.again()
        self.a.open()
        said = self.several(self.a, keys[:3], (1, 2, 3))
        request = self.invited(self.a.describe().rstrip() + said.encode() + b"\r\n")
        self.b.open()
        self.answer(request)
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")
        a, b = self.a.ends[0], self.b.ends[0]
        self.sends(a, keys[0], 1, b)
        self.sends(a, keys[1], 2, b)
        said = self.several(self.a, keys[2:4], (3, 4))
        self.a.request("INVITE", self.a.describe().rstrip() + said.encode() + b"\r\n")
        request = self.b.expect("INVITE")
        self.answer(request)
        self.a.take(self.a.expect(200).body)
        self.a.ack()
        self.b.expect("ACK")
        self.sends(a, keys[3], 4, b)
        self.crosses(b, a)
        during = h.memory(self.lab, "during")
        self.assertTrue(all(key[:16] in during for key in keys[2:4]))  # the search can find
        self.check_end(self.hang_up())
        self.assertEqual(h.left_behind(self.lab, [*keys, b.key, a.far_key, b.far_key]), [])


class OwnMki(SuiteCase):
    options = {"trunk_options": {"CUCM10": "mki: offer"}}

    def named(self, source, target, suite, mki):
        """A packet of @source comes to @target with our MKI, in its place."""
        packet = source.next_rtp()
        source.send(source.protect(packet))
        sealed, tag = target.receive(), 0 if suite == GCM else 10
        self.assertEqual(sealed[len(sealed) - tag - len(mki):len(sealed) - tag], mki)
        plain = target.unprotect(sealed[:len(sealed) - tag - len(mki)] + sealed[len(sealed) - tag:])
        self.assertEqual(plain[12:], packet[12:])

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
                self.answer(request)
                ok = self.a.expect(200)
                self.assertNotIn("|", self.lines(ok.body)[0])
                self.a.take(ok.body)
                self.a.ack()
                self.b.expect("ACK")
                a, b = self.a.ends[0], self.b.ends[0]
                for _ in range(3):
                    self.named(a, b, suite, b"\x01")
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
            self.named(self.a.ends[0], self.b.ends[0], CM, b"\x01")
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
