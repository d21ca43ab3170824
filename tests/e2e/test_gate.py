# SPDX-License-Identifier: Apache-2.0
"""The key gate: every carrier, wrapping and size in which a key may come, on clear and on proven signalling."""
import base64
import os
import re
import subprocess

import harness as h
from gate_case import CLEAR, FINGERPRINT, NO_SDP, ODD, OPAQUE, SUITE, GateCase
from gate_case import carriers, crypto, multipart, nested, part, percent, quoted_printable, rtp


class Carriers(GateCase):
    def test_keys_in_an_offer_without_tls(self):
        for name in carriers(""):
            with self.case(carrier=name):
                session, media = carriers(self.key())[name]
                self.refuse_invite(self.clear_dialog(), 488, CLEAR, rtp(self.lab.lab_host, session=session, media=media))

    def test_line_ends(self):
        for end in ("\n", "\r", "\n\r"):
            with self.case(end=end):
                media = (crypto(self.key()),)
                self.refuse_invite(self.clear_dialog(), 488, CLEAR, rtp(self.lab.lab_host, media=media, end=end))

    def test_profiles(self):
        """The profile of the m-line does not matter."""
        for proto in ("RTP/SAVP", "RTP/AVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/MSRP", "udptl"):
            with self.case(proto=proto):
                media = (crypto(self.key()),)
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
        media = (f"a=fingerprint:{FINGERPRINT}", crypto(self.key()))
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
        dialog.invite(rtp(self.lab.a_host, media=(crypto(self.key()), f"a=fingerprint:{FINGERPRINT}",
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
        offer = rtp(host, media=(crypto(key),), proto="RTP/SAVP")
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
            ("octets", "application/octet-stream", b"\0\1" + crypto(key).encode(), "", ODD, ODD),
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
        offer = part("application/sdp", rtp(self.lab.a_host, media=(crypto(self.key()),), proto="RTP/SAVP"))
        dialog.invite(multipart(offer, part("text/plain", b"hello")), content_type="multipart/mixed;boundary=b1")
        self.give_up(dialog, *self.arrives(self.cucm10))
        self.assertIn("body_dropped", self.ends(dialog)["marks"])

    def test_headers(self):
        """Keys in headers, plain and escaped, once and twice; in URIs as "?body="."""
        def line():
            return crypto(self.key())

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
        media = (crypto(self.key()),)
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
        keyed = (crypto(self.key()),)
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
                body = rtp(dialog.host, media=(crypto(self.key()),))
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
                dialog.peer.send(dialog.headers("INVITE"), rtp(dialog.host, media=(crypto(self.key()),)))
                self.assertIn("bad_message", dialog.peer.expect(400).get("Warning"))
                dialog.peer.close()
                self.nobody_was_called()


if __name__ == "__main__":
    h.main()
