# SPDX-License-Identifier: Apache-2.0
"""What the tests of the key gate share: carriers, wrappings, and a laboratory that remembers its keys.

Each key is drawn for its case and remembered.  When a class is done, every key is searched in all that the daemon
wrote: log, ledger and trace; and each refusal must have been counted in the ledger.
"""
import base64
import collections
import contextlib
import itertools
import os
import select
import unittest

import harness as h

SUITE = "AES_CM_128_HMAC_SHA1_80"
CLEAR = "key_over_clear_signalling"
ODD = "key_in_odd_body"
OPAQUE = "body_opaque"
FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)


def rtp(host, port=30000, session=(), media=(), proto="RTP/AVP", end="\r\n"):
    """A description with lines of one's own at session and media level."""
    lines = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0", *session, f"m=audio {port} {proto} 0",
             *media]
    return "".join(line + end for line in lines).encode()


def part(content_type, body, headers=""):
    return f"Content-Type: {content_type}\r\n{headers}\r\n".encode() + body


def multipart(*parts, boundary="b1"):
    text = b"".join(b"--" + boundary.encode() + b"\r\n" + p + b"\r\n" for p in parts)
    return text + b"--" + boundary.encode() + b"--\r\n"


def nested(depth, inner):
    """@depth multiparts round a part.  @return Content-Type and body"""
    for i in range(depth):
        inner = part(f'multipart/mixed;boundary="n{i}"', multipart(inner, boundary=f"n{i}"))
    head, _, body = inner.partition(b"\r\n\r\n")
    return head.decode().removeprefix("Content-Type: "), body


def quoted_printable(octets):
    return "".join(f"={o:02X}" if chr(o) in "=:" or o > 126 else chr(o) for o in octets).encode()


def crypto(key, tag=1):
    return f"a=crypto:{tag} {SUITE} inline:{key}"


def percent(text):
    return "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in text)


def carriers(key):
    """Every line that carries a secret key.  name: session level, media level"""
    crypto = f"crypto:1 {SUITE} inline:{key}"
    mikey = base64.b64encode(b"\x01\x00" + key.encode()).decode()
    return {
        "crypto": ((), (f"a={crypto}",)),
        "crypto at session level": ((f"a={crypto}",), ()),
        "crypto in mixed case": ((), (f"a=CrYpTo:1 {SUITE} InLiNe:{key}",)),
        "crypto with blanks": ((), (f"a= crypto : 1 {SUITE} inline : {key}",)),
        "crypto with parameters": ((), (f"a={crypto}|2^20|1:4 KDR=1 UNENCRYPTED_SRTP",)),
        "crypto of an unknown suite": ((), (f"a=crypto:1 F8_128_HMAC_SHA1_80 inline:{key}",)),
        "crypto that is broken": ((), (f"a=crypto:one {SUITE}inline:{key}",)),
        "cryptoscale": ((), (f"a=cryptoscale:1 client {SUITE} inline:{key}",)),
        "k at session level": ((f"k=base64:{key}",), ()),
        "k": ((), (f"k=clear:{key}",)),
        "k in capitals": ((), (f"K=clear:{key}",)),
        "key-mgmt": ((), (f"a=key-mgmt:mikey {mikey}",)),
        "key-mgmt at session level": ((f"a=Key-Mgmt:mikey {mikey}",), ()),
        "acap crypto": ((), (f"a=acap:1 {crypto}", "a=pcfg:1 t=1 a=1")),
        "acap crypto at session level": ((f"a=acap:1 {crypto}",), ()),
        "acap key-mgmt": ((), (f"a=acap:2 key-mgmt:mikey {mikey}",)),
        "pcfg": ((), (f"a=pcfg:1 t=1 a={crypto}",)),
        "sescap": ((f"a=sescap:1 {crypto}",), ()),
        "an attribute nobody knows": ((), (f"a=x-keys:inline:{key}",)),
        "a title": ((f"i=inline:{key}",), ()),
        "a line that is no line": ((), (f"inline:{key}",)),
        "a = crypto": ((), (f"a = crypto:1 {SUITE} inline:{key}",)),
    }


NO_SDP = ("a line that is no line", "a = crypto", "k in capitals")  # of these


class GateCase(unittest.TestCase):
    """LAB (TCP) and CUCMA (TLS) call; 7000 is PLAIN (TCP), 9898 is CUCM10 (TLS, SRTP required)."""

    @classmethod
    def setUpClass(cls):
        x, y = h.lab_number()
        cls.lab = h.Lab(
            extra_trunks=f'  PLAIN: {{security_profile: open, listener: lab, destinations: ["127.{x}.{y}.3:5060"], '
                         f'srtp: allowed}}\n',
            extra_routes='  - {pattern: "7000", trunks: [PLAIN]}\n'
                         '  - {pattern: "7001", trunks: [CUCM10], require: hop_by_hop}\n')
        cls.addClassCleanup(cls.lab.__exit__)
        cls.lab.start()
        cls.keys, cls.refused = [], collections.Counter()
        cls.connect()
        cls.addClassCleanup(cls.disconnect)

    @classmethod
    def connect(cls):
        cls.plain = h.PlainServer(cls.lab)
        cls.cucm10 = h.Server(cls.lab)
        cls.clear = h.tcp_connect(cls.lab)
        cls.tls = h.tls_connect(cls.lab, cls.lab.cert("CUCMA"))
        cls.b = {}  # server to the daemon's one connection there

    @classmethod
    def disconnect(cls):
        for thing in (cls.plain, cls.cucm10, cls.clear, cls.tls, *cls.b.values()):
            thing.close()

    @contextlib.contextmanager
    def case(self, **what):
        """A subtest; one that fails leaves messages on the connections, so the next ones get fresh ones."""
        with self.subTest(**what):
            try:
                yield
            except Exception:
                self.disconnect()
                self.connect()
                raise

    @classmethod
    def tearDownClass(cls):
        """After the last test: what may never be anywhere, and that every refusal was counted."""
        cls.lab.stop()  # folded records are written now
        written = {"log": cls.lab.log.text().encode()}
        for path in [cls.lab.path("trace")] + [os.path.join(cls.lab.audit, n) for n in os.listdir(cls.lab.audit)]:
            with open(path, "rb") as f:
                written[path] = f.read()
        assert len(written) >= 3 and all(written.values())
        for key, (where, octets) in itertools.product(cls.keys, written.items()):
            for form in forms(key):
                at = octets.find(form)
                assert at < 0, f"{form} of a key in {where}: {octets[max(0, at - 600):at + 60].decode(errors='replace')}"
        counted = collections.Counter()
        for record in cls.lab.records("policy.refuse"):
            counted[record["reason"]] += record.get("count", 1)
        # An ACK or CANCEL repeats headers of its INVITE, keys too: that is a refusal of its own.
        for reason, count in cls.refused.items():
            assert counted[reason] >= count, f"{reason}: {counted[reason]} in the ledger, {count} seen"

    # ---- keys and calls ----

    def key(self):
        """A fresh key, that must never be written down."""
        key = ""
        while not key.isalnum():  # escaped or not, it looks the same, and would be found
            key = base64.b64encode(os.urandom(30)).decode()
        self.keys.append(key)
        return key

    def clear_dialog(self, number="7000"):
        return h.Dialog(self.lab, self.clear, number=number, user="4001", host=self.lab.lab_host, transport="TCP")

    def tls_dialog(self, number="9898"):
        return h.Dialog(self.lab, self.tls, number=number)

    def typed(self, body, content_type="application/sdp", extra=""):
        return {"extra": extra + f"Content-Type: {content_type}\n", "body": body}

    def check_refused(self, peer, status, reason, call_id, count=1):
        answer = peer.expect(status)
        self.assertTrue(answer.get("Warning").startswith(f'399 border1.example.net "{reason}: '), answer.get("Warning"))
        self.assertEqual((answer.get("Call-ID"), answer.body), (call_id, b""))
        self.refused[reason] += count
        line = self.lab.log.wait(rf"call +refuse .*reason={reason} ", self.refused[reason])
        self.assertIn(" change=\"", line)
        return answer

    def refuse_invite(self, dialog, status, reason, body, content_type="application/sdp", extra=""):
        dialog.invite(body, extra=extra, content_type=content_type)
        answer = self.check_refused(dialog.peer, status, reason, dialog.call_id)
        dialog.ack_refusal()
        self.nobody_was_called()
        return answer

    def nobody_was_called(self):
        """The refusal came, so whatever was relayed came before it."""
        ears = [self.plain.sock, self.cucm10.sock, *(b.sock for b in self.b.values())]
        waiting, _, _ = select.select(ears, [], [], 0)
        self.assertEqual(waiting, [])

    def accept(self, server):
        """The daemon's one connection to this server."""
        if server not in self.b:
            self.b[server] = server.accept()
        return self.b[server]

    def arrives(self, server):
        b = self.accept(server)
        return b, b.expect("INVITE")

    def give_up(self, dialog, b, request):
        """End a call that was only looked at."""
        h.reply(b, request, 486, "Busy Here", tag="t")
        b.expect("ACK")
        dialog.peer.expect(486)
        dialog.ack_refusal()

    def ends(self, dialog):
        return self.lab.call_end(dialog.call_id)

    def answer_clear(self, b, request):
        h.reply(b, request, 200, "OK", rtp(self.lab.b_host, 31000), tag="bt",
                contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")

    def establish_clear(self):
        """LAB calls PLAIN, RTP on both sides.  @return dialog, b, the sides for in_dialog"""
        dialog = self.clear_dialog()
        dialog.invite(rtp(self.lab.lab_host))
        b, request = self.arrives(self.plain)
        self.answer_clear(b, request)
        dialog.take_tag(dialog.peer.expect(200))
        dialog.ack()
        ack = b.expect("ACK")
        return dialog, b, {"from": request.get("From"), "to": ack.get("To"), "call_id": request.get("Call-ID")}

    def hang_up(self, dialog, b):
        dialog.request("BYE")
        h.reply(b, b.expect("BYE"), 200, "OK")
        dialog.peer.expect(200)


def forms(key):
    """A key as it may turn up: its text, its octets, and its text in base64 at each of three places."""
    yield key.encode()
    octets = base64.b64decode(key)
    yield octets
    yield octets[:16]
    for shift in range(3):
        inside = base64.b64encode(b"x" * shift + key.encode())
        yield inside[4:-4]
