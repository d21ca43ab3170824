# SPDX-License-Identifier: Apache-2.0
"""What the tests of a=crypto lines share: lines as a test wants them, and answers to them."""
import rtp
from session_case import SessionCase


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
