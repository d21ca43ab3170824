# SPDX-License-Identifier: Apache-2.0
"""Re-INVITEs of our own for a fresh key, before the packets of the old one are used up."""
import base64

import harness as h
from own_case import OwnCase
from rtp import GCM
from session_case import security

LEFT = 40  # tests/e2e/worn_keys.c


class Worn(OwnCase):
    """gatehouse with keys of its own that are near their limit after LEFT packets; GCM at b, AES_CM at a."""

    options = {"program": "gatehouse-worn"}

    def establish(self, suite=GCM):
        request = self.invited(self.a.open().describe())
        self.b.open(suite=suite)
        self.accepted(request)

    def wear(self, source, target):
        for _ in range(LEFT):
            self.crosses(source.ends[0], target.ends[0])
        self.lab.log.wait(r"what=key_limit_near")

    def test_a_fresh_key_in_time(self):
        self.establish()
        self.wear(self.a, self.b)
        old = self.b.ends[0].far_key
        asked = self.asked(self.b, "key_limit")
        self.assertEqual(security(asked), "Encrypted")
        self.crosses(self.a.ends[0], self.b.ends[0])  # under the old key, until the answer
        self.answer(self.b, asked)
        self.assertNotEqual(self.b.ends[0].far_key, old)
        self.soon_both_ways()
        self.assertTrue(self.a.peer.silent())
        rekey, = self.records("call.rekey")
        self.assertNotIn(base64.b64encode(self.b.ends[0].far_key).decode(), str(rekey))
        # And so on, for each of our keys.
        kept = self.b.ends[0].far_key
        self.wear(self.b, self.a)
        asked = self.asked(self.a, "key_limit")
        old = self.a.ends[0].far_key
        self.answer(self.a, asked)
        self.assertNotEqual(self.a.ends[0].far_key, old)
        self.assertEqual(self.b.ends[0].far_key, kept)
        self.soon_both_ways()
        record = self.hang_up()
        self.check_end(record)
        self.assertEqual(self.paths(record), ["bridge", "bridge"])
        self.assertEqual(sum(leg["streams"][0]["rx"]["auth_failed"] for leg in record["legs"]), 0)

    def test_the_peer_has_another_key_too(self):
        """In a bridge nobody else need know."""
        self.establish()
        self.both_ways()
        self.wear(self.a, self.b)
        asked = self.asked(self.b, "key_limit")
        self.fresh(self.b)
        self.answer(self.b, asked)
        self.soon_both_ways()
        self.assertTrue(self.a.peer.silent())
        self.check_end(self.hang_up())

    def test_refused(self):
        self.establish()
        self.wear(self.a, self.b)
        old = self.b.ends[0].far_key
        asked = self.asked(self.b, "key_limit")
        self.b.take(asked.body)
        offered = self.b.ends[0].far_key
        self.refuse(self.b, asked, 488)
        self.assertIn("again_ms=60000", self.lab.log.wait(r"reinvite.fail .*why=key_limit sip=488"))
        self.b.ends[0].far_key = old
        self.both_ways()
        # What crosses brings a fresh key as well, and not that one.
        self.reinvite()
        self.assertNotIn(self.b.ends[0].far_key, (old, offered))
        self.soon_both_ways()
        self.check_end(self.hang_up())

    def test_again_after_491(self):
        """The Call-ID of that leg is a's; each attempt has a key of its own."""
        self.establish()
        self.wear(self.b, self.a)
        keys = {self.a.ends[0].far_key}
        for _ in range(2):
            asked = self.asked(self.a, "key_limit")
            keys.add(self.key_in(asked))
            self.refuse(self.a, asked, 491)
        self.both_ways()
        asked = self.asked(self.a, "key_limit")
        self.answer(self.a, asked)
        self.assertNotIn(self.a.ends[0].far_key, keys)
        self.assertEqual(len(keys), 3)
        self.soon_both_ways()
        self.check_end(self.hang_up())

    def test_again_when_it_says(self):
        """Sooner, or later, than it would be without Retry-After."""
        self.establish()
        self.wear(self.a, self.b)
        asked = self.asked(self.b, "key_limit")
        self.refuse(self.b, asked, 486, "Retry-After: 2\n")
        self.failed("key_limit", 486, 2000)
        self.both_ways()
        again = self.asked(self.b, "key_limit")
        self.assertNotEqual(self.key_in(asked), self.key_in(again))
        self.refuse(self.b, again, 480, "Retry-After: 90\n")
        self.failed("key_limit", 480, 90000)
        self.both_ways()
        self.check_end(self.hang_up())

    def test_connection_lost(self):
        """A key is worth a new connection."""
        self.establish()
        self.wear(self.a, self.b)
        asked = self.asked(self.b, "key_limit")
        old = self.b.ends[0].far_key
        self.lose_b()
        self.failed("key_limit", 0, 10000, "connection_lost")
        self.both_ways()
        self.accept()
        again = self.asked(self.b, "key_limit")
        self.assertNotEqual(self.key_in(asked), self.key_in(again))
        self.answer(self.b, again)
        self.assertNotEqual(self.b.ends[0].far_key, old)
        self.soon_both_ways()
        self.check_end(self.hang_up())

    def test_not_while_another_is_under_way(self):
        self.establish()
        self.a.request("INVITE", self.a.describe())
        request = self.b.expect("INVITE")
        before = self.b.ends[0].far_key
        self.wear(self.a, self.b)
        lines = self.b.take(request.body)
        self.assertTrue(self.b.peer.silent(1.5))
        self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)))
        self.a.take(self.a.expect(200).body)
        self.assertEqual(self.b.ends[0].far_key, before)
        self.a.ack()
        self.b.expect("ACK")
        self.crosses(self.a.ends[0], self.b.ends[0])
        self.answer(self.b, self.asked(self.b, "key_limit"))
        self.assertNotEqual(self.b.ends[0].far_key, before)
        self.soon_both_ways()
        self.check_end(self.hang_up())

    def test_pass_beside_a_bridge(self):
        """What b sends has an MKI: a bridge to a, whose own packets pass.  a answers with another key: b is told ours."""
        request = self.invited(self.a.open().describe())
        self.b.open().ends[0].behind_key = "|2^31|5:1"
        self.accepted(request)
        self.first_through(self.a.ends[0], self.b.ends[0])
        for _ in range(LEFT):
            sealed = self.b.ends[0].protect(self.b.ends[0].next_rtp())
            self.b.ends[0].send(self.b.ends[0].name(sealed, b"\x05"))
            self.a.ends[0].unprotect(self.a.ends[0].receive())
        asked = self.asked(self.a, "key_limit")
        self.fresh(self.a)
        self.answer(self.a, asked)
        asked = self.asked(self.b, "far_key")
        self.assertNotIn(base64.b64encode(self.a.ends[0].key), asked.body)
        self.answer(self.b, asked)
        self.first_through(self.a.ends[0], self.b.ends[0])
        record = self.hang_up()
        self.assertEqual((record["status"], self.paths(record)), ("Encrypted", ["bridge", "bridge"]))


if __name__ == "__main__":
    h.main()
