# SPDX-License-Identifier: Apache-2.0
"""The key gate: every method, every class of response, and calls with one proven and one clear leg."""
import re
import select

import harness as h
from gate_case import CLEAR, FINGERPRINT, NO_SDP, ODD, OPAQUE, GateCase, carriers, crypto, multipart, part, rtp


class Methods(GateCase):
    OTHERS = ("UPDATE", "PRACK", "INFO", "MESSAGE", "OPTIONS", "PUBLISH", "REGISTER", "FROBNICATE")
    SWITCHED = ("REFER", "SUBSCRIBE", "NOTIFY")

    def keyed(self, host=None):
        return rtp(host or self.lab.lab_host, media=(crypto(self.key()),))

    def test_outside_a_dialog(self):
        for method in self.OTHERS:
            for content_type, body, status, reason in (
                    ("application/sdp", self.keyed(), 488, CLEAR),
                    ("text/plain", f"inline:{self.key()}".encode(), 488, ODD),
                    ("application/pkcs7-mime", crypto(self.key()).encode(), 415, OPAQUE)):
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
        statuses = {"OPTIONS": 200, "FROBNICATE": 501, "UPDATE": 481, "PRACK": 481, "INFO": 481}
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
        self.answer_clear(b, request)
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
        media = (crypto(self.key()),)
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
        """It waits for a PRACK, so it gets one; then the INVITE ends on both sides."""
        dialog, b, request = self.call()
        self.assertNotIn("100rel", request.get("Supported") or "")
        h.reply(b, request, 183, "Session Progress", self.bodies()[0][1], tag="bt", extra="Require: 100rel\nRSeq: 1\n")
        prack = b.expect("PRACK")
        self.assertEqual((prack.body, prack.get("RAck")), (b"", f"1 {request.get('CSeq')}"))
        h.reply(b, prack, 200, "OK")
        cancel = b.expect("CANCEL")
        self.assertIn(CLEAR, cancel.get("Reason"))
        h.reply(b, cancel, 200, "OK")
        h.reply(b, request, 487, "Request Terminated", tag="bt")
        b.expect("ACK")
        self.check_refused(self.clear, 488, CLEAR, dialog.call_id)
        dialog.ack_refusal()
        self.assertEqual(self.ends(dialog)["reasons"], [CLEAR])

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
        dialog.invite(rtp(self.lab.a_host, media=(crypto(key),), proto="RTP/SAVP"))
        b, request = self.arrives(self.plain)
        self.assertIn(b"RTP/AVP", request.body)
        self.assertNotRegex(request.body, rb"(?i)crypto|inline|SAVP")
        self.assertNotIn(key.encode(), request.body)
        self.answer_clear(b, request)
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
        h.reply(b, request, 200, "OK", rtp(self.lab.b_host, 31000, media=(crypto(key, tag),), proto="RTP/SAVP"),
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
                media = (*(m for m in media if m.lower().startswith("k")), crypto(self.key(), tag),
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
        self.invite(dialog, rtp(self.lab.a_host, media=(crypto(self.key()),), proto="RTP/SAVP"))
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
        self.invite(dialog, rtp(self.lab.a_host, media=(crypto(self.key()),), proto="RTP/SAVP"))
        self.refused_as_downgrade(dialog, self.tls.expect(480))
        self.nobody_was_called()
        self.assertEqual(self.ends(dialog)["reasons"], ["sips_downgrade"])


if __name__ == "__main__":
    h.main()
