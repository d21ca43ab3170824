# SPDX-License-Identifier: Apache-2.0
"""The key gate: every method, status and wrapping in which a key may come, on clear and on proven signalling.

Each key is drawn for its case and remembered.  When a class is done, every key that had to stay is searched in all that
the daemon wrote: log, ledger and trace; and each refusal must have been counted in the ledger.
"""
import base64
import collections
import contextlib
import itertools
import os
import re
import select
import subprocess
import unittest

import harness as h
from pki import Pki

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
            extra_routes='  - {pattern: "7000", trunks: [PLAIN]}\n  - {pattern: "7001", trunks: [CUCM10], require: hop_by_hop}\n')
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
        for reason, count in cls.refused.items():
            assert counted[reason] == count, f"{reason}: {counted[reason]} in the ledger, {count} seen"

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
        waiting, _, _ = select.select([self.plain.sock, self.cucm10.sock, *(b.sock for b in self.b.values())], [], [], 0)
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
        for count in itertools.count(1):
            self.lab.wait_record("call.end", count)
            call = next((r["call"] for r in self.lab.records("call.start") if r["call_id"] == dialog.call_id), None)
            mine = [r for r in self.lab.records("call.end") if r["call"] == call]
            if mine:
                return mine[0]

    def establish_clear(self):
        """LAB calls PLAIN, RTP on both sides.  @return dialog, b, the sides for in_dialog"""
        dialog = self.clear_dialog()
        dialog.invite(rtp(self.lab.lab_host))
        b, request = self.arrives(self.plain)
        h.reply(b, request, 200, "OK", rtp(self.lab.b_host, 31000), tag="bt", contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")
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


class Carriers(GateCase):
    def test_keys_in_an_offer_without_tls(self):
        for name in carriers(""):
            with self.case(carrier=name):
                session, media = carriers(self.key())[name]
                self.refuse_invite(self.clear_dialog(), 488, CLEAR, rtp(self.lab.lab_host, session=session, media=media))

    def test_line_ends(self):
        for end in ("\n", "\r", "\n\r"):
            with self.case(end=end):
                media = (f"a=crypto:1 {SUITE} inline:{self.key()}",)
                self.refuse_invite(self.clear_dialog(), 488, CLEAR, rtp(self.lab.lab_host, media=media, end=end))

    def test_profiles(self):
        """The profile of the m-line does not matter."""
        for proto in ("RTP/SAVP", "RTP/AVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/MSRP", "udptl"):
            with self.case(proto=proto):
                media = (f"a=crypto:1 {SUITE} inline:{self.key()}",)
                self.refuse_invite(self.clear_dialog(), 488, CLEAR, rtp(self.lab.lab_host, media=media, proto=proto))

    def test_a_key_on_a_refused_m_line(self):
        body = rtp(self.lab.lab_host) + f"m=video 0 RTP/SAVP 99\r\na=crypto:1 {SUITE} inline:{self.key()}\r\n".encode()
        self.refuse_invite(self.clear_dialog(), 488, CLEAR, body)

    def test_fingerprints_without_tls(self):
        reason = "fingerprint_over_unproven_signalling"
        for session, media in (((), (f"a=fingerprint:{FINGERPRINT}",)), ((f"a=FingerPrint:{FINGERPRINT}",), ()),
                               ((), (f"a=acap:1 fingerprint:{FINGERPRINT}",))):
            for proto in ("RTP/AVP", "UDP/TLS/RTP/SAVP"):
                with self.case(media=media, proto=proto):
                    self.refuse_invite(self.clear_dialog(), 488, reason,
                                       rtp(self.lab.lab_host, session=session, media=media, proto=proto))

    def test_both_is_a_key(self):
        media = (f"a=fingerprint:{FINGERPRINT}", f"a=crypto:1 {SUITE} inline:{self.key()}")
        self.refuse_invite(self.clear_dialog(), 488, CLEAR, rtp(self.lab.lab_host, media=media))

    def test_an_offer_without_keys_passes(self):
        """Words alone are no keys; and the gate does not stop what it need not."""
        dialog = self.clear_dialog()
        dialog.invite(rtp(self.lab.lab_host, session=("i=a talk on crypto, inline skates and k=v",), media=("a=ptime:20",)))
        b, request = self.arrives(self.plain)
        self.assertIn(b"a=ptime:20", request.body)
        self.give_up(dialog, b, request)

    def test_fingerprints_over_tls(self):
        """Proven integrity: no gate, but DTLS is not relayed yet."""
        dialog = self.tls_dialog()
        dialog.invite(rtp(self.lab.a_host, media=(f"a=fingerprint:{FINGERPRINT}", "a=setup:actpass"), proto="UDP/TLS/RTP/SAVP"))
        self.assertIn("keying_not_available", self.tls.expect(488).get("Warning"))
        dialog.ack_refusal()
        dialog = self.tls_dialog()
        dialog.invite(rtp(self.lab.a_host, media=(f"a=crypto:1 {SUITE} inline:{self.key()}", f"a=fingerprint:{FINGERPRINT}",
                                                  "a=setup:actpass", "a=tls-id:x"), proto="RTP/SAVP"))
        b, request = self.arrives(self.cucm10)
        for word in (b"fingerprint", b"setup", b"tls-id"):
            self.assertNotIn(word, request.body)
        self.give_up(dialog, b, request)

    def test_keys_over_tls_cross(self):
        """a=crypto passes where both signalling hops are proven; every other carrier stays, also there."""
        for name in carriers(""):
            with self.case(carrier=name):
                good, other = self.key(), self.key()
                session, media = carriers(other)[name]
                dialog = self.tls_dialog()
                media = (*(m for m in media if m.lower().startswith("k")), f"a=crypto:9 {SUITE} inline:{good}",
                         *(m for m in media if not m.lower().startswith("k")))
                dialog.invite(rtp(self.lab.a_host, session=session, media=media, proto="RTP/SAVP"))
                if name in NO_SDP:
                    self.assertIn("bad_sdp", self.tls.expect(488).get("Warning"))
                    dialog.ack_refusal()
                    self.nobody_was_called()
                    continue
                b, request = self.arrives(self.cucm10)
                self.assertIn(good.encode(), request.body)
                for line in request.body.split(b"\r\n"):
                    self.assertFalse(re.match(rb"(?i)k=|a=(key-mgmt|cryptoscale|acap|pcfg|sescap|x-keys)|i=inline", line), line)
                if name not in ("crypto", "crypto in mixed case"):
                    self.assertNotIn(other.encode(), request.body)
                self.give_up(dialog, b, request)

    def test_configuration_that_could_not_hold(self):
        """What can never be kept without TLS is not even promised: the daemon does not start."""
        with open(self.lab.path("lab.yaml")) as f:
            text = f.read()
        for old, new, error in (
                ("srtp: allowed}\nroutes", "srtp: required}\nroutes", r"srtp.*required can never hold on a trunk without tls"),
                ("trunks: [PLAIN]}", "trunks: [PLAIN], require: hop_by_hop}", r"a call over PLAIN can never be hop_by_hop")):
            with self.case(new=new):
                self.assertEqual(text.count(old), 1)
                with open(self.lab.path("wrong.yaml"), "w") as f:
                    f.write(text.replace(old, new))
                done = subprocess.run([os.path.join(h.BUILD, "gatehouse"), "run", "wrong.yaml"], cwd=self.lab.dir,
                                      capture_output=True, text=True, timeout=h.LIMIT_S)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, error)


class Wrappings(GateCase):
    """Bodies in bodies.  A row: name, Content-Type, body, more headers; the reason on clear signalling; the reason on
    proven TLS, or None where it must pass."""

    def rows(self, key, host):
        offer = rtp(host, media=(f"a=crypto:1 {SUITE} inline:{key}",), proto="RTP/SAVP")
        sdp = part("application/sdp", offer)
        coded = part("application/sdp", base64.encodebytes(offer).replace(b"\n", b"\r\n"), "Content-Transfer-Encoding: base64\r\n")
        quoted = part("APPLICATION/SDP", quoted_printable(offer), "content-transfer-encoding: Quoted-Printable\r\n")
        mixed = "multipart/mixed;boundary=b1"
        text = part("text/plain", b"hello")
        clean = rtp(host)
        return (
            ("one part", mixed, multipart(sdp), "", CLEAR, None),
            ("text and SDP", mixed, multipart(text, sdp), "", CLEAR, None),
            ("alternative", "multipart/alternative;boundary=b1", multipart(text, sdp), "", CLEAR, None),
            ("related", "Multipart/Related; boundary=\"b1\"", multipart(sdp, text), "", CLEAR, None),
            ("four deep", *nested(4, sdp), "", CLEAR, None),
            ("five deep", *nested(5, sdp), "", OPAQUE, OPAQUE),
            ("base64", mixed, multipart(coded), "", CLEAR, None),
            ("quoted-printable", mixed, multipart(quoted), "", CLEAR, None),
            ("base64, four deep", *nested(4, coded), "", CLEAR, None),
            ("base64 of the whole", "application/sdp", base64.b64encode(offer), "Content-Transfer-Encoding: base64\n", CLEAR, None),
            ("base64 that is none", mixed, multipart(part("application/sdp", b"?" + base64.b64encode(offer),
                                                          "Content-Transfer-Encoding: base64\r\n")), "", OPAQUE, OPAQUE),
            ("an unknown encoding", mixed, multipart(part("application/sdp", offer, "Content-Transfer-Encoding: x-uue\r\n")), "",
             OPAQUE, OPAQUE),
            ("an encoded multipart", mixed, base64.b64encode(multipart(sdp)), "Content-Transfer-Encoding: base64\n", OPAQUE, OPAQUE),
            ("gzip", "application/sdp", offer, "Content-Encoding: gzip\n", OPAQUE, OPAQUE),
            ("gzip, compact", "application/sdp", offer, "e: gzip\n", OPAQUE, OPAQUE),
            ("identity", "application/sdp", offer, "Content-Encoding: identity\n", OPAQUE, OPAQUE),
            ("gzip in a part", mixed, multipart(part("application/sdp", offer, "Content-Encoding: gzip\r\n")), "", OPAQUE, OPAQUE),
            ("encrypted", "multipart/encrypted;boundary=b1", multipart(text, sdp), "", OPAQUE, OPAQUE),
            ("signed", "multipart/signed;boundary=b1", multipart(sdp, text), "", OPAQUE, OPAQUE),
            ("pkcs7", "application/pkcs7-mime;smime-type=enveloped-data", offer, "", OPAQUE, OPAQUE),
            ("pkcs7 in a part", mixed, multipart(part("application/pkcs7-mime", offer)), "", OPAQUE, OPAQUE),
            ("a message", "message/sip", b"INVITE sip:x SIP/2.0\r\n\r\n" + offer, "", OPAQUE, OPAQUE),
            ("a fragment with a body", "message/sipfrag", b"SIP/2.0 200 OK\r\n\r\n" + offer, "", OPAQUE, OPAQUE),
            ("an external body", "message/external-body;access-type=URL", b"http://x", "", OPAQUE, OPAQUE),
            ("UTF-7", "text/plain;charset=utf-7", b"a+AD0-crypto:1 x +AGkAbgBsAGkAbgBl-:y", "", OPAQUE, OPAQUE),
            ("a multipart that does not end", mixed, multipart(sdp)[:-8], "", OPAQUE, OPAQUE),
            ("no boundary", "multipart/mixed", multipart(sdp), "", OPAQUE, OPAQUE),
            ("text", "text/plain", f"use inline:{key}".encode(), "", ODD, ODD),
            ("text in odd case", "text/plain", f"InLine : {key}".encode(), "", ODD, ODD),
            ("text beside SDP", mixed, multipart(part("application/sdp", clean), part("text/plain", f"inline:{key}".encode())), "",
             ODD, ODD),
            ("text before the first part", mixed, f"a=crypto:1 {SUITE} inline:{key}\r\n".encode() +
             multipart(part("application/sdp", clean)), "", ODD, ODD),
            ("text behind the last part", mixed, multipart(part("application/sdp", clean)) +
             f"a=crypto:1 {SUITE} inline:{key}\r\n".encode(), "", ODD, ODD),
            ("a header of a part", mixed, multipart(part("application/sdp", clean, f"X-Key: inline:{key}\r\n")), "", ODD, ODD),
            ("octets", "application/octet-stream", b"\0\1" + f"a=crypto:1 {SUITE} inline:{key}".encode(), "", ODD, ODD),
            ("SDP by another name", "application/sdp+xml", offer, "", ODD, ODD),
            ("base64 text", "text/plain", base64.b64encode(f"inline:{key}".encode()), "Content-Transfer-Encoding: base64\n", ODD, ODD),
            ("media control", "application/media_control+xml", f"<k>inline:{key}</k>".encode(), "", ODD, ODD),
            ("two descriptions", mixed, multipart(sdp, sdp), "", CLEAR, "bad_sdp"),
            ("two, one of them clean", mixed, multipart(part("application/sdp", clean), sdp), "", CLEAR, "bad_sdp"),
            ("an early session too", mixed, multipart(sdp, part("application/sdp", clean,
                                                                "Content-Disposition: early-session\r\n")), "", CLEAR, None),
        )

    STATUS = {CLEAR: 488, ODD: 488, OPAQUE: 415, "bad_sdp": 488}

    def test_without_tls(self):
        for i in range(len(self.rows("", ""))):
            name, kind, body, extra, reason, _ = self.rows(self.key(), self.lab.lab_host)[i]
            with self.case(body=name):
                answer = self.refuse_invite(self.clear_dialog(), self.STATUS[reason], reason, body, kind, extra)
                if reason == OPAQUE:
                    self.assertEqual(answer.get("Accept"), "application/sdp")

    def test_over_tls(self):
        for i in range(len(self.rows("", ""))):
            key = self.key()
            name, kind, body, extra, _, reason = self.rows(key, self.lab.a_host)[i]
            dialog = self.tls_dialog()
            with self.case(body=name):
                if reason:
                    self.refuse_invite(dialog, self.STATUS[reason], reason, body, kind, extra)
                    continue
                dialog.invite(body, extra=extra, content_type=kind)
                b, request = self.arrives(self.cucm10)
                self.assertIn(key.encode(), request.body)
                self.assertEqual(request.get("Content-Type"), "application/sdp")
                self.assertNotIn(b"hello", request.body)
                self.give_up(dialog, b, request)

    def test_dropped_parts_are_marked(self):
        dialog = self.tls_dialog()
        offer = part("application/sdp", rtp(self.lab.a_host, media=(f"a=crypto:1 {SUITE} inline:{self.key()}",), proto="RTP/SAVP"))
        dialog.invite(multipart(offer, part("text/plain", b"hello")), content_type="multipart/mixed;boundary=b1")
        self.give_up(dialog, *self.arrives(self.cucm10))
        self.assertIn("body_dropped", self.ends(dialog)["marks"])

    def test_headers(self):
        """Keys in headers, plain and escaped, once and twice; in URIs as "?body="."""
        def line():
            return f"a=crypto:1 {SUITE} inline:{self.key()}"

        makers = {
            "Subject": lambda: f"Subject: {line()}\n",
            "X-Anything": lambda: f"X-Anything: {line()}\n",
            "folded": lambda: f"Subject: a=crypto\n : 1 {SUITE} inline:{self.key()}\n",
            "folded in inline": lambda: f"Subject: inline\n :{self.key()}\n",
            "escaped": lambda: f"User-to-User: {percent(line())}\n",
            "escaped twice": lambda: f"User-to-User: {percent(percent(line()))}\n",
            "escaped letters": lambda: f"User-to-User: x\n  %69nl%69ne%3A{self.key()}\n",
            "escaped letters and a fold": lambda: f"User-to-User: %69nline\n : {self.key()}\n",
            "?body=": lambda: f"Referred-By: <sip:x@example.net?body={percent(line())}>\n",
            "?body= in Refer-To": lambda: f"Refer-To: <sip:x@example.net?body=v%3D0%0D%0A{percent(line())}>\n",
            "?body= half escaped": lambda: f"Refer-To: <sip:x@example.net?body=%61%3dcrypto%3A1%20inline%3a{percent(self.key())}>\n",
            "parameter": lambda: f"P-Asserted-Identity: <sip:x@example.net;key=inline%3A{percent(self.key())}>\n",
        }
        for name, make in makers.items():
            for new in (self.clear_dialog, self.tls_dialog):
                with self.case(header=name, dialog=new.__name__):
                    dialog = new()
                    self.refuse_invite(dialog, 488, ODD, rtp(dialog.host), extra=make())

    def test_headers_that_name_the_call(self):
        """Who calls, and by which Call-ID, is written down: not when it holds a key."""
        for name in ("user", "call_id", "tag", "number"):
            for new in (self.clear_dialog, self.tls_dialog):
                with self.case(where=name, dialog=new.__name__):
                    dialog = new()
                    setattr(dialog, name, f"inline{':' if name == 'call_id' else '%3A'}{self.key()}")
                    dialog.invite(rtp(dialog.host))
                    if dialog.transport == "TLS":
                        answer = dialog.peer.expect(488)
                        self.assertIn(ODD, answer.get("Warning"))
                        dialog.ack_refusal()
                    else:
                        # An answer repeats these headers: not even to the side that they came from.
                        self.lab.log.wait(r"gate\.departure .*trunk=LAB")
                    self.refused[ODD] += 1
                    other = new()
                    other.request("OPTIONS")
                    self.assertEqual(other.peer.expect(200).get("Call-ID"), other.call_id)
                    self.nobody_was_called()

    def test_request_uri_with_headers(self):
        for dialog in (self.clear_dialog(), self.tls_dialog()):
            port = 5061 if dialog.transport == "TLS" else 5060
            uri = f"sip:9898@{self.lab.host}:{port}?body=a%3Dcrypto%3A1%20inline%3A{percent(self.key())}"
            dialog.peer.send(dialog.headers("INVITE", uri=uri))
            self.assertIn("bad_message", dialog.peer.expect(400).get("Warning"))
            dialog.ack_refusal()
            self.nobody_was_called()

    def test_uri_headers_do_not_cross(self):
        dialog = self.tls_dialog()
        media = (f"a=crypto:1 {SUITE} inline:{self.key()}",)
        dialog.invite(rtp(self.lab.a_host, media=media, proto="RTP/SAVP"),
                      extra="P-Asserted-Identity: <sip:1018@example.net?Subject=hello>\n"
                            "Diversion: <sip:1019@example.net?Subject=hello>;reason=unconditional\n")
        b, request = self.arrives(self.cucm10)
        self.assertNotIn("?", str(request.headers))
        self.give_up(dialog, b, request)


class Limits(GateCase):
    """Sizes and lengths: each on a connection of its own, which ends when nobody can tell where a message does."""

    def send(self, dialog, body, length=None, extra=""):
        head = dialog.headers("INVITE") + extra + "Content-Type: application/sdp\n"
        if length is not None:
            head += f"Content-Length: {length}\n"
        dialog.peer.raw(head.replace("\n", "\r\n").encode() + b"\r\n" + body)

    def peers(self):
        yield h.Dialog(self.lab, h.tcp_connect(self.lab), "7000", "4001", self.lab.lab_host, "TCP")
        yield h.Dialog(self.lab, h.tls_connect(self.lab, self.lab.cert("CUCMA")))

    def test_framing_that_is_lost(self):
        keyed = (f"a=crypto:1 {SUITE} inline:{self.key()}",)
        body = rtp(self.lab.a_host, media=keyed)
        for name, length, extra, status in (
                ("missing", None, "", 400), ("twice", len(body), f"Content-Length: {len(body)}\n", 400),
                ("two values", len(body), "l: 0\n", 400), ("negative", -1, "", 400), ("hexadecimal", hex(len(body)), "", 400),
                ("a list", f"{len(body)}, {len(body)}", "", 400), ("beyond the limit", 65537, "", 513),
                ("beyond all limits", 2 ** 64, "", 400), ("a long line", len(body), "X: " + "y" * 8190 + "\n", None),
                ("a long head", len(body), ("X: " + "y" * 8000 + "\n") * 9, None)):
            for dialog in self.peers():
                with self.case(length=name, transport=dialog.transport):
                    self.send(dialog, body, length, extra)
                    if status:
                        answer = dialog.peer.expect(status)
                        self.assertIn("bad_message" if status == 400 else "message_too_large", answer.get("Warning"))
                    self.assertIsNone(dialog.peer.receive())
                    self.nobody_was_called()

    def test_a_length_that_is_too_short(self):
        """What stands behind the body is no message: the keys in it go nowhere, and the connection ends."""
        clean = rtp(self.lab.lab_host)
        for dialog in self.peers():
            with self.case(transport=dialog.transport):
                hidden = f"a=crypto:1 {SUITE} inline:{self.key()}\r\n\r\n".encode()
                dialog.number = "4711"  # no route: the call itself is not what this is about
                self.send(dialog, clean + hidden, len(clean))
                dialog.peer.expect(404)
                self.assertIsNone(dialog.peer.receive())
                self.nobody_was_called()

    def test_a_length_that_is_too_long(self):
        """The next message is swallowed as the body's end: it is looked into, and does not take effect."""
        for dialog in self.peers():
            with self.case(transport=dialog.transport):
                body = rtp(dialog.host, media=(f"a=crypto:1 {SUITE} inline:{self.key()}",))
                swallowed = b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n"
                self.send(dialog, body + swallowed, len(body) + len(swallowed))
                reason = CLEAR if dialog.transport == "TCP" else "bad_sdp"
                self.check_refused(dialog.peer, 488, reason, dialog.call_id)
                dialog.ack_refusal()
                self.nobody_was_called()
                dialog.peer.close()

    def test_bodies_up_to_the_limit(self):
        """Such a body is one like any other; what is in its last line counts.  What we add must have room too."""
        for size, dialog in ((size, dialog) for size in (64000, 65536) for dialog in self.peers()):
            with self.case(size=size, transport=dialog.transport):
                last = f"a=crypto:1 {SUITE} inline:{self.key()}\r\n".encode()
                body = rtp(dialog.host)
                while len(body) + 1000 < size - len(last):
                    body += b"a=x:" + b"y" * 900 + b"\r\n"
                body += b"a=x:" + b"y" * (size - len(body) - len(last) - 6) + b"\r\n" + last
                self.assertEqual(len(body), size)
                self.send(dialog, body, len(body))
                if dialog.transport == "TCP":
                    self.check_refused(dialog.peer, 488, CLEAR, dialog.call_id)
                    dialog.ack_refusal()
                    self.nobody_was_called()
                elif size == 65536:
                    self.assertIn("message_too_large", dialog.peer.expect(513).get("Warning"))
                    dialog.ack_refusal()
                else:
                    self.give_up(dialog, *self.arrives(self.cucm10))
                dialog.peer.close()

    def test_too_many_headers(self):
        for dialog in self.peers():
            with self.case(transport=dialog.transport):
                self.send(dialog, b"", 0, "X: y\n" * 250)
                self.assertIn("message_too_large", dialog.peer.expect(513).get("Warning"))
                dialog.peer.close()
                self.nobody_was_called()

    def test_a_body_without_a_type(self):
        for dialog in self.peers():
            with self.case(transport=dialog.transport):
                dialog.peer.send(dialog.headers("INVITE"), rtp(dialog.host, media=(f"a=crypto:1 {SUITE} inline:{self.key()}",)))
                self.assertIn("bad_message", dialog.peer.expect(400).get("Warning"))
                dialog.peer.close()
                self.nobody_was_called()


class Methods(GateCase):
    OTHERS = ("UPDATE", "PRACK", "INFO", "MESSAGE", "OPTIONS", "PUBLISH", "REGISTER", "FROBNICATE")
    SWITCHED = ("REFER", "SUBSCRIBE", "NOTIFY")

    def keyed(self, host=None):
        return rtp(host or self.lab.lab_host, media=(f"a=crypto:1 {SUITE} inline:{self.key()}",))

    def test_outside_a_dialog(self):
        for method in self.OTHERS:
            for content_type, body, status, reason in (
                    ("application/sdp", self.keyed(), 488, CLEAR),
                    ("text/plain", f"inline:{self.key()}".encode(), 488, ODD),
                    ("application/pkcs7-mime", f"a=crypto:1 {SUITE} inline:{self.key()}".encode(), 415, OPAQUE)):
                with self.case(method=method, type=content_type):
                    dialog = self.clear_dialog()
                    dialog.request(method, **self.typed(body, content_type))
                    self.check_refused(dialog.peer, status, reason, dialog.call_id)
                    self.nobody_was_called()
        for method in self.SWITCHED:  # methods allowed are asked first
            with self.case(method=method):
                dialog = self.clear_dialog()
                dialog.request(method, **self.typed(self.keyed()))
                self.check_refused(dialog.peer, 403, "method_forbidden", dialog.call_id)
                self.nobody_was_called()

    def test_outside_a_dialog_over_tls(self):
        """Keys in SDP are no fault there: the method is answered as it is without them; other carriers are."""
        statuses = {"OPTIONS": 200, "FROBNICATE": 501}
        for method in self.OTHERS + self.SWITCHED:
            with self.case(method=method):
                dialog = self.tls_dialog()
                dialog.request(method, **self.typed(self.keyed(self.lab.a_host)))
                if method in self.SWITCHED:
                    self.check_refused(dialog.peer, 403, "method_forbidden", dialog.call_id)
                else:
                    dialog.peer.expect(statuses.get(method, 405))
                    dialog.request(method, **self.typed(f"inline:{self.key()}".encode(), "text/plain"))
                    self.check_refused(dialog.peer, 488, ODD, dialog.call_id)
                self.nobody_was_called()

    def test_ack_outside_a_dialog(self):
        dialog = self.clear_dialog()
        dialog.ack(self.keyed())
        dialog.request("OPTIONS")
        self.assertEqual(self.clear.expect(200).get("CSeq"), "2 OPTIONS")
        self.nobody_was_called()

    def test_cancel_of_nothing(self):
        dialog = self.clear_dialog()
        dialog.peer.send(dialog.headers("CANCEL") + "Content-Type: application/sdp\n", self.keyed())
        dialog.peer.expect(481)
        self.nobody_was_called()

    def test_inside_a_dialog(self):
        """From either side; the call goes on, and the other side hears nothing of it."""
        dialog, b, sides = self.establish_clear()
        for method in ("INVITE",) + self.OTHERS + self.SWITCHED:
            for content_type, body, status, reason in (
                    ("application/sdp", self.keyed(), 488, CLEAR),
                    ("text/plain", f"inline:{self.key()}".encode(), 488, ODD),
                    ("multipart/encrypted;boundary=b", multipart(part("application/sdp", self.keyed()), boundary="b"), 415, OPAQUE)):
                with self.case(method=method, type=content_type):
                    dialog.request(method, **self.typed(body, content_type))
                    self.check_refused(dialog.peer, status, reason, dialog.call_id)
                    if method == "INVITE":
                        dialog.ack_refusal()
                    self.assertEqual(select.select([b.sock], [], [], 0)[0], [])
        for cseq, method in enumerate(("INVITE", "UPDATE", "INFO", "MESSAGE"), 1):
            with self.case(method=method, side="b"):
                text = h.in_dialog(sides, method, cseq, self.lab, self.lab.b_host, "Contact: <sip:7000@x>\nContent-Type: application/sdp\n")
                text = text.replace("SIP/2.0/TLS", "SIP/2.0/TCP")
                b.send(text, self.keyed(self.lab.b_host))
                self.check_refused(b, 488, CLEAR, sides["call_id"])
                self.assertEqual(select.select([self.clear.sock], [], [], 0)[0], [])
        self.hang_up(dialog, b)
        self.assertEqual(self.ends(dialog)["reasons"], ["caller_hung_up"])

    def test_bye_with_a_body(self):
        """A call must be able to end: 200, the BYE on the other leg has no body, and the ledger knows."""
        dialog, b, _ = self.establish_clear()
        dialog.request("BYE", **self.typed(self.keyed()))
        bye = b.expect("BYE")
        self.assertEqual((bye.body, bye.get("Content-Type")), (b"", None))
        h.reply(b, bye, 200, "OK", self.keyed(self.lab.b_host))
        self.clear.expect(200)
        self.refused[CLEAR] += 1
        self.assertEqual(self.ends(dialog)["reasons"], ["caller_hung_up"])

    def test_bye_with_a_key_in_its_reason(self):
        dialog, b, _ = self.establish_clear()
        dialog.request("BYE", f'Reason: Q.850;cause=16;text="inline:{self.key()}"\n')
        bye = b.expect("BYE")
        self.assertNotIn("inline", str(bye.headers))
        h.reply(b, bye, 200, "OK")
        self.clear.expect(200)
        self.refused[ODD] += 1

    def test_ack_with_keys(self):
        """Keys in the ACK, which answers nothing: the call ends on both sides, with the reason."""
        dialog = self.clear_dialog()
        dialog.invite(rtp(self.lab.lab_host))
        b, request = self.arrives(self.plain)
        h.reply(b, request, 200, "OK", rtp(self.lab.b_host, 31000), tag="bt", contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")
        dialog.take_tag(self.clear.expect(200))
        dialog.ack(self.keyed())
        ack = b.expect("ACK")
        self.assertEqual(ack.body, b"")
        for peer in (b, self.clear):
            bye = peer.expect("BYE")
            self.assertRegex(bye.get("Reason"), rf'SIP;cause=488;text="{CLEAR}: ')
            self.assertEqual(bye.body, b"")
            h.reply(peer, bye, 200, "OK")
        self.refused[CLEAR] += 1
        self.assertEqual(self.ends(dialog)["reasons"], [CLEAR])

    def test_cancel_with_a_body(self):
        dialog = self.clear_dialog()
        dialog.invite(rtp(self.lab.lab_host))
        b, request = self.arrives(self.plain)
        h.reply(b, request, 180, "Ringing", tag="bt")
        self.clear.expect(180)
        self.clear.send(dialog.headers("CANCEL") + "Content-Type: application/sdp\n", self.keyed())
        self.assertEqual({self.clear.receive().status, self.clear.receive().status}, {200, 487})
        dialog.ack_refusal()
        cancel = b.expect("CANCEL")
        self.assertEqual((cancel.body, cancel.get("Content-Type")), (b"", None))
        h.reply(b, cancel, 200, "OK", self.keyed(self.lab.b_host))
        h.reply(b, request, 487, "Request Terminated", self.keyed(self.lab.b_host), tag="bt")
        b.expect("ACK")
        self.ends(dialog)
        self.refused[CLEAR] += 1  # the 487; what answers CANCEL is nobody's message

    def test_ack_to_a_refusal_with_a_body(self):
        dialog = self.clear_dialog("4711")
        dialog.invite(rtp(self.lab.lab_host))
        self.clear.expect(404)
        self.clear.send(dialog.headers("ACK") + "Content-Type: application/sdp\n", self.keyed())
        dialog.request("OPTIONS")
        self.clear.expect(200)
        self.nobody_was_called()


class Responses(GateCase):
    """What the called side says, without TLS."""

    def call(self):
        dialog = self.clear_dialog()
        dialog.invite(rtp(self.lab.lab_host))
        b, request = self.arrives(self.plain)
        return dialog, b, request

    def bodies(self):
        media = (f"a=crypto:1 {SUITE} inline:{self.key()}",)
        sdp = rtp(self.lab.b_host, 31000, media=media)
        return (("application/sdp", sdp, CLEAR, 488), ("text/plain", f"inline:{self.key()}".encode(), ODD, 488),
                ("multipart/mixed;boundary=b1", multipart(part("application/sdp", sdp)), CLEAR, 488),
                ("application/sdp", rtp(self.lab.b_host, 31000, media=(f"a=fingerprint:{FINGERPRINT}",)),
                 "fingerprint_over_unproven_signalling", 488),
                ("application/pkcs7-mime", sdp, OPAQUE, 415))

    def test_provisional(self):
        for status, phrase in ((180, "Ringing"), (181, "Forwarded"), (183, "Session Progress"), (199, "Early Dialog Terminated")):
            for kind, body, reason, _ in self.bodies():
                with self.case(status=status, type=kind, reason=reason):
                    dialog, b, request = self.call()
                    h.reply(b, request, status, phrase, body, tag="bt", content_type=kind)
                    answer = self.clear.expect(status)
                    self.assertEqual((answer.body, answer.get("Content-Type")), (b"", None))
                    self.refused[reason] += 1
                    record = self.lab.log.wait(rf"call +refuse .*status={status} .*reason={reason} ")
                    self.assertIn("trunk=PLAIN", record)
                    self.give_up(dialog, b, request)
                    self.assertIn("body_dropped", self.ends(dialog)["marks"])

    def test_provisional_of_the_reliable_kind(self):
        """We did not offer 100rel: such a response is one like any other; its keys go nowhere."""
        dialog, b, request = self.call()
        self.assertNotIn("100rel", request.get("Supported") or "")
        h.reply(b, request, 183, "Session Progress", self.bodies()[0][1], tag="bt", extra="Require: 100rel\nRSeq: 1\n")
        answer = self.clear.expect(183)
        self.assertEqual((answer.body, answer.get("Require"), answer.get("RSeq")), (b"", None, None))
        self.refused[CLEAR] += 1
        self.give_up(dialog, b, request)

    def test_success(self):
        """ACK, BYE with the reason, and a refusal to the caller."""
        for kind, body, reason, status in self.bodies():
            with self.case(type=kind, reason=reason):
                dialog, b, request = self.call()
                h.reply(b, request, 200, "OK", body, tag="bt", content_type=kind,
                        contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")
                ack = b.expect("ACK")
                self.assertEqual(ack.body, b"")
                bye = b.expect("BYE")
                self.assertRegex(bye.get("Reason"), rf'SIP;cause={status};text="{reason}: ')
                h.reply(b, bye, 200, "OK")
                answer = self.check_refused(self.clear, status, reason, dialog.call_id)
                self.assertIsNone(answer.get("Content-Type"))
                dialog.ack_refusal()
                end = self.ends(dialog)
                self.assertEqual((end["reasons"], end["grade"], end["key_holders"]), ([reason], "none", []))

    def test_refusals(self):
        for status, phrase in ((404, "Not Found"), (486, "Busy Here"), (488, "Not Acceptable Here"), (500, "Broken"),
                               (603, "Decline")):
            for kind, body, reason, _ in self.bodies():
                with self.case(status=status, type=kind, reason=reason):
                    dialog, b, request = self.call()
                    h.reply(b, request, status, phrase, body, tag="bt", content_type=kind)
                    b.expect("ACK")
                    answer = self.clear.expect(status)
                    self.assertEqual((answer.body, answer.get("Content-Type")), (b"", None))
                    dialog.ack_refusal()
                    self.refused[reason] += 1
                    end = self.ends(dialog)
                    self.assertEqual(end["reasons"], ["refused_by_peer"])
                    self.assertIn("body_dropped", end["marks"])

    def test_keys_in_headers_of_a_response(self):
        dialog, b, request = self.call()
        h.reply(b, request, 180, "Ringing", tag="bt", extra=f"User-to-User: inline:{self.key()}\n")
        answer = self.clear.expect(180)
        self.assertIsNone(answer.get("User-to-User"))
        self.refused[ODD] += 1
        h.reply(b, request, 486, f"inline:{self.key()}", tag="bt", extra=f"Reason: SIP;cause=486;text=\"inline:{self.key()}\"\n")
        b.expect("ACK")
        answer = self.clear.expect(486)
        self.assertNotIn("inline", answer.start + str(answer.headers))
        self.refused[ODD] += 1
        dialog.ack_refusal()
        self.ends(dialog)


class Between(GateCase):
    """One proven leg, one clear: the proven side's keys stay on its side."""

    def test_from_tls_to_tcp(self):
        key = self.key()
        dialog = self.tls_dialog("7000")
        dialog.invite(rtp(self.lab.a_host, media=(f"a=crypto:1 {SUITE} inline:{key}",), proto="RTP/SAVP"))
        b, request = self.arrives(self.plain)
        self.assertIn(b"RTP/AVP", request.body)
        self.assertNotRegex(request.body, rb"(?i)crypto|inline|SAVP")
        self.assertNotIn(key.encode(), request.body)
        h.reply(b, request, 200, "OK", rtp(self.lab.b_host, 31000), tag="bt", contact=f"sip:7000@{self.lab.b_host}:5060;transport=tcp")
        answer = self.tls.expect(200)
        self.assertIn(b"RTP/SAVP", answer.body)
        ours, = re.findall(rb"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(\S+)", answer.body)
        self.assertNotEqual(ours, key.encode())
        self.keys.append(ours.decode())
        # Our leg to a is keyed, the other is clear: nobody is told "Encrypted".
        self.assertIn("security= NotAuthenticated", answer.get("Call-Info"))
        dialog.take_tag(answer)
        dialog.ack()
        b.expect("ACK")
        self.hang_up(dialog, b)
        end = self.ends(dialog)
        self.assertEqual(end["key_holders"], ["CUCMA", "border1.example.net"])
        self.assertEqual([leg["streams"][0]["keying"] for leg in end["legs"]], ["sdes", "none"])
        self.assertEqual([leg["sig"]["verified"] for leg in end["legs"]], [True, False])
        self.assertIn(CLEAR, end["marks"])

    def test_required_grade(self):
        dialog = self.clear_dialog("7001")
        dialog.invite(rtp(self.lab.lab_host))
        b = self.accept(self.cucm10)  # route choice may connect; no octet of the call follows
        self.assertIn("grade_below_required", self.clear.expect(488).get("Warning"))
        dialog.ack_refusal()
        self.assertEqual(select.select([b.sock], [], [], 0)[0], [])
        self.assertEqual(self.ends(dialog)["reasons"], ["grade_below_required"])

    def test_from_tcp_to_tls(self):
        dialog = self.clear_dialog("9898")
        dialog.invite(rtp(self.lab.lab_host))
        b, request = self.arrives(self.cucm10)
        ours = re.findall(rb"inline:(\S+)", request.body)
        self.assertEqual(len(ours), 4)  # one own key a suite
        self.keys.extend(k.decode() for k in ours)
        tag = re.search(rb"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 ", request.body)[1].decode()
        key = self.key()
        h.reply(b, request, 200, "OK", rtp(self.lab.b_host, 31000, media=(f"a=crypto:{tag} {SUITE} inline:{key}",), proto="RTP/SAVP"),
                tag="bt", contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")
        answer = self.clear.expect(200)
        self.assertNotRegex(answer.body, rb"(?i)crypto|inline|SAVP")
        self.assertIn(b"RTP/AVP", answer.body)
        self.assertIsNone(answer.get("Call-Info"))
        dialog.take_tag(answer)
        dialog.ack()
        b.expect("ACK")
        self.hang_up(dialog, b)
        end = self.ends(dialog)
        self.assertEqual(end["key_holders"], ["CUCM10", "border1.example.net"])
        self.assertEqual([leg["streams"][0]["keying"] for leg in end["legs"]], ["none", "sdes"])

    def test_from_tcp_to_tls_what_the_answer_brings_beside(self):
        """Attributes nobody knows and carriers of every kind in the TLS side's answer stay behind."""
        for name in carriers(""):
            if name in ("crypto", "crypto in mixed case", "crypto with parameters", "crypto of an unknown suite",
                        "crypto that is broken"):
                continue  # a second a=crypto line is a wrong answer
            with self.case(carrier=name):
                dialog = self.clear_dialog("9898")
                dialog.invite(rtp(self.lab.lab_host))
                b, request = self.arrives(self.cucm10)
                self.keys.extend(k.decode() for k in re.findall(rb"inline:(\S+)", request.body))
                tag = re.search(rb"a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80 ", request.body)[1].decode()
                session, media = carriers(self.key())[name]
                media = (*(m for m in media if m.lower().startswith("k")), f"a=crypto:{tag} {SUITE} inline:{self.key()}",
                         "a=x-unknown:1", *(m for m in media if not m.lower().startswith("k")))
                h.reply(b, request, 200, "OK", rtp(self.lab.b_host, 31000, session, media, "RTP/SAVP"), tag="bt",
                        contact=f"sip:9898@{self.lab.b_host}:5061;transport=tls")
                if name in NO_SDP:
                    b.expect("ACK")
                    h.reply(b, b.expect("BYE"), 200, "OK")
                    self.assertIn("bad_sdp", self.clear.expect(488).get("Warning"))
                    dialog.ack_refusal()
                    continue
                answer = self.clear.expect(200)
                self.assertNotRegex(answer.body, rb"(?i)crypto|inline|SAVP|key-mgmt|k=|x-unknown|acap|sescap|pcfg")
                dialog.take_tag(answer)
                dialog.ack()
                b.expect("ACK")
                self.hang_up(dialog, b)


class Sips(GateCase):
    """sips: arrives on and leaves over proven, encrypting TLS only."""

    def invite(self, dialog, body, scheme="sips"):
        port = 5061 if dialog.transport == "TLS" else 5060
        head = dialog.headers("INVITE", uri=f"{scheme}:{dialog.number}@{self.lab.host}:{port}")
        head = head.replace("<sip:", "<sips:").replace(";transport=tls", "").replace(";transport=tcp", "")
        dialog.peer.send(head + "Content-Type: application/sdp\n", body)

    def refused_as_downgrade(self, dialog, answer):
        self.assertRegex(answer.get("Warning"), r'^380 border1\.example\.net "sips_downgrade: ')
        dialog.ack_refusal()

    def test_over_tls_on_both_sides(self):
        dialog = self.tls_dialog()
        self.invite(dialog, rtp(self.lab.a_host, media=(f"a=crypto:1 {SUITE} inline:{self.key()}",), proto="RTP/SAVP"))
        b, request = self.arrives(self.cucm10)
        self.assertTrue(request.start.startswith("INVITE sips:9898@"))
        for name in ("From", "To", "Contact"):
            self.assertIn("<sips:", request.get(name))
        self.give_up(dialog, b, request)

    def test_not_from_tcp(self):
        dialog = self.clear_dialog("9898")
        self.invite(dialog, rtp(self.lab.lab_host))
        self.refused_as_downgrade(dialog, self.clear.expect(480))
        self.nobody_was_called()

    def test_not_to_tcp(self):
        dialog = self.tls_dialog("7000")
        self.invite(dialog, rtp(self.lab.a_host, media=(f"a=crypto:1 {SUITE} inline:{self.key()}",), proto="RTP/SAVP"))
        self.refused_as_downgrade(dialog, self.tls.expect(480))
        self.nobody_was_called()
        self.assertEqual(self.ends(dialog)["reasons"], ["sips_downgrade"])


if __name__ == "__main__":
    h.main()
