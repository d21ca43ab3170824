# SPDX-License-Identifier: Apache-2.0
"""What the tests of our own re-INVITEs share: such a request, answers to it, and what becomes of them."""
import base64
import re

import harness as h
from session_case import SessionCase


class OwnCase(SessionCase):
    def asked(self, who, why):
        """Our re-INVITE, at @who.  @return it"""
        request = who.expect("INVITE")
        self.assertIn("tag=", request.get("To"))
        self.assertEqual(request.body.count(b"a=crypto:"), sum(bool(end) for end in who.ends))
        self.lab.log.wait(rf" call +reinvite +call=\S+ side={'a' if who is self.a else 'b'} why={why}")
        return request

    def answer(self, who, request, **kwargs):
        """With its description; the ACK is ours, and without SDP."""
        lines = who.take(request.body)
        who.reply(request, 200, who.describe(tags=who.tags(lines), **kwargs))
        self.assertEqual(who.expect("ACK").body, b"")

    def refuse(self, who, request, status, extra=""):
        who.reply(request, status, extra=extra)
        who.expect("ACK")

    def failed(self, why, sip, again_ms, reason="refused_by_peer"):
        """What the log says of one that failed."""
        self.lab.log.wait(rf"reinvite.fail .*why={why} sip={sip} reason={reason} again_ms={again_ms} ")

    def lose_b(self):
        """Its connection, until gatehouse knows.  The next one is for self.accept()."""
        down = r"conn\.down +trunk=CUCM10 "
        before = len(re.findall(down, self.lab.log.text()))
        self.b.peer.close()
        type(self).connection = None
        self.lab.log.wait(down, before + 1)

    def fresh(self, who):
        who.ends[0].key = h.fresh_key(who.ends[0].key)

    def key_in(self, msg):
        """The key that it declares."""
        return base64.b64decode(re.search(rb"inline:([^|\s]+)", msg.body).group(1))
