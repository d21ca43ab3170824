# SPDX-License-Identifier: Apache-2.0
"""One key, now for one suite and now for another: who recorded SRTP on the wire plays it again, without any key."""
import harness as h
import rtp
from rtp import SUITES
from session_case import SessionCase

CM32 = "AES_CM_128_HMAC_SHA1_32"


class OneKeyForTwoSuites(SessionCase):
    """_80 and _32 of one key differ in how much of the tag is sent: who recorded the one has the other, without any key."""

    options = {"profile": f', suites: [{", ".join(SUITES)}]'}

    def heard(self, a, b):
        """Both are heard.  @return @a's packets, as they are on the wire"""
        self.crosses(b, a)
        packets = []
        for _ in range(5):
            packets.append(a.protect(a.next_rtp()))
            a.send(packets[-1])
            b.receive()
        return packets

    def replay(self, packets, a, b):
        """Cut short they are authentic, and yet none of them goes on."""
        for octets in packets:
            a.send(octets[:-6])
        self.crosses(b, a)
        self.assertTrue(b.is_silent())

    def speaks(self, a, b):
        for _ in range(3):
            self.crosses(a, b)

    def ends_as(self, grade):
        record = self.hang_up()
        self.assertEqual((record["grade"], record["legs"][0]["streams"][0]["rx"]["replayed"]), (grade, 5))

    def test_a_change(self):
        """By a re-INVITE of a's."""
        self.establish()
        a, b = self.a.ends[0], self.b.ends[0]
        packets = self.heard(a, b)
        a.suite = SUITES[CM32]
        self.a.request("INVITE", self.a.describe())
        request = self.b.expect("INVITE")
        b.suite, b.key = SUITES[CM32], rtp.draw_key(CM32)
        self.accepted(request, self.b)
        self.replay(packets, a, b)
        self.speaks(a, b)
        self.ends_as("hop_by_hop")

    def test_two_phones(self):
        """a says one key in two lines: the first phone rings under one of them, the second answers with the other."""
        for true in (True, False):
            with self.subTest(true=true):
                self.a.open()
                a = self.a.ends[0]
                request = self.invited(self.a.describe(more=f"a=crypto:2 {CM32} inline:{rtp.text(a.key)}\r\n"))
                lines = self.b.open().take(request.body)
                b = self.b.ends[0]
                self.b.reply(request, 183, self.b.describe(tags=self.b.tags(lines)), tag="one")
                self.a.take(self.a.expect(183).body)
                packets = self.heard(a, b)
                b.suite, b.key = SUITES[CM32], rtp.draw_key(CM32)
                lines = self.b.take(request.body)
                self.b.reply(request, 200, self.b.describe(tags=self.b.tags(lines)), tag="two")
                ok = self.a.expect(200)
                a.suite = SUITES[CM32]
                self.a.join(ok)
                self.a.ack()
                self.b.expect("ACK")
                self.b.local_tag = "two"
                self.replay(packets, a, b)
                if true:
                    self.speaks(a, b)
                self.ends_as("hop_by_hop" if true else "mixed")  # nothing of a's proves the second phone's time
                self.again()


if __name__ == "__main__":
    h.main()
