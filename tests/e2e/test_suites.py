# SPDX-License-Identifier: Apache-2.0
"""What a=crypto may say, and what is made of it: RFC 4568, RFC 6188, RFC 7714, RFC 8643, CUCM's optional SRTP."""
import base64
import itertools

import harness as h
import rtp
from rtp import CM, GCM, SUITES
from suite_case import SuiteCase, fresh, line

GCM128, CM256 = "AEAD_AES_128_GCM", "AES_256_CM_HMAC_SHA1_80"
ALL = {"profile": f', suites: [{", ".join(SUITES)}]'}


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
        self.a.open().ends[0].behind_key = " -new=1"
        request = self.invited(self.a.describe())
        self.b.open()
        self.answer(request)
        self.up()
        self.check_end(self.hang_up())

    def test_lifetime(self):
        """In both notations; it crosses with the key that it speaks of, each way, in a form that all understand."""
        for said, told in (("|2^31", 31), ("|2147483648", 31), ("|2^48", 48), ("|2^20", 20)):
            with self.subTest(said=said):
                self.a.open().ends[0].behind_key = said
                request = self.invited(self.a.describe())
                self.assertRegex(request.body.decode(), rf"{self.text_of(self.a)}\|(2\^{told}|{2 ** told})\r\n")
                self.b.open().ends[0].behind_key = said
                ok = self.accepted(request)
                self.assertRegex(ok.body.decode(), rf"{self.text_of(self.b)}\|(2\^{told}|{2 ** told})\r\n")
                self.both_ways()
                self.check_end(self.hang_up())
                self.again()

    def text_of(self, ua):
        return rtp.text(ua.ends[0].key).replace("+", r"\+")

    def test_lifetime_exceeded(self):
        """2^2 packets were promised."""
        self.a.open().ends[0].behind_key = "|2^2"
        request = self.invited(self.a.describe())
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
        self.b.open().ends[0].behind_key = "|2^1"
        self.accepted(request)
        for _ in range(3):
            self.crosses(self.b.ends[0], self.a.ends[0])
        for ua in (self.a, self.b):
            bye = ua.expect("BYE")
            self.assertIn("key_lifetime_exceeded", bye.get("Reason"))
            ua.reply(bye, 200)
        self.check_end(self.ended(), grade="mixed", marks=["unproven", "key_lifetime_exceeded"],
                       reasons=["key_lifetime_exceeded"])


if __name__ == "__main__":
    h.main()
